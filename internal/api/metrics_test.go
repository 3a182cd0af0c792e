package api_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/webhook"
)

// An app with the scope sees how its service's webhooks do, and nobody else's.
func TestMetrics_OfTheServicesWebhooks(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		terminal := catalog.Operator{ID: "test"}
		to, err := webhook.ParseAddress("https://hooks.example.com/secret", nil)
		if err != nil {
			t.Fatal(err)
		}
		var ours, theirs webhook.Endpoint
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			if _, _, err := catalog.Create(ctx, tx, terminal, "stories", catalog.Test); err != nil {
				return err
			}
			for service, e := range map[string]*webhook.Endpoint{vaulttest.Service: &ours, "stories": &theirs} {
				if *e, _, _, err = webhook.Add(ctx, tx, w.Ring, terminal, service, to, nil, ""); err != nil {
					return err
				}
			}
			for place, due := range map[int]any{1: tx.Now().UnixMicro(), 2: nil} {
				if _, err := tx.Exec(ctx, `
					INSERT INTO webhook_delivery (endpoint, place, subject, queued_at, tries, due_at, failure, status)
					VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, ours.ID, place, "", tx.Now().UnixMicro(), 1, due, "webhook.timeout", 0); err != nil {
					return err
				}
			}
			_, err := tx.Exec(ctx, `UPDATE webhook_endpoint SET delivered = 7, failed = 2 WHERE endpoint = $1`, ours.ID)
			return err
		})
		w.Pass(time.Hour)
		get := func(key string) (status int, text string) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.server.URL+"/v1/metrics", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+key)
			res, err := w.server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			b, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			return res.StatusCode, string(b)
		}
		_, reader := w.keyWith(account.EventsRead)
		status, text := get(reader)
		for _, want := range []string{
			`wardkeep_webhook_delivered_total{endpoint="` + ours.ID + `"} 7`, `wardkeep_webhook_failed_total{endpoint="` + ours.ID + `"} 2`,
			`wardkeep_webhook_waiting{endpoint="` + ours.ID + `"} 1`, `wardkeep_webhook_parked{endpoint="` + ours.ID + `"} 1`,
			`wardkeep_webhook_oldest_waiting_seconds{endpoint="` + ours.ID + `"} 360`,
			"# TYPE wardkeep_webhook_delivered_total counter", "# TYPE wardkeep_sweep_values_erased_total counter",
			"wardkeep_sweep_last_success_timestamp_seconds 0", "wardkeep_sweep_values_erased_total 0", "wardkeep_accounts_unused 0",
		} {
			if status != http.StatusOK || !strings.Contains(text, want) {
				t.Errorf("%d: no %s in\n%s", status, want, text)
			}
		}
		if strings.Contains(text, theirs.ID) || strings.Contains(text, "secret") || strings.Contains(text, "hooks.example.com") {
			t.Errorf("it tells too much:\n%s", text)
		}
		_, other := w.keyWith(account.ItemsRead)
		if status, _ := get(other); status != http.StatusForbidden {
			t.Errorf("without the scope: %d", status)
		}
		if status, _ := get(""); status != http.StatusUnauthorized {
			t.Errorf("without a key: %d", status)
		}
	})
}
