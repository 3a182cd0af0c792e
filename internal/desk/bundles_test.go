package desk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/party"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

var waiting = regexp.MustCompile(`/party/bundles/bn_[0-9a-z]{26}`)

// Articles 16 and 17: a party without a webhook and without engineers comes for what was pushed
// to it, in a browser: a file that only its own key opens, decided anew each time, and recorded
// with the seat before it leaves. It waits until the party says that it has it.
func TestArticle16_ASealedFileIsFetchedInTheBrowser(t *testing.T) {
	each(t, func(t *testing.T, c *counter) {
		in := c.sits("周舟")
		b := c.browser(in.Secret)
		b.shows("bundles-empty", "/party/bundles")
		_, identity := c.BindSeal(vaulttest.ProcessorID())
		push := func() family.Child {
			child := c.Child()
			c.Put(child, "speaking-practice", "gender", "女")
			if _, err := c.Push(child.ID, "gender"); err != nil {
				t.Fatal(err)
			}
			return child
		}
		child := push()
		b.shows("bundles", "/party/bundles")
		page := b.get("/party/bundles").Body.String()
		path := waiting.FindString(page)
		if strings.Contains(page, "女") || strings.Contains(page, string(child.ID)) || strings.Contains(page, path+"/taken") || !strings.Contains(page, party.HandleOf(c.Ring, vaulttest.ProcessorID(), child.ID)) {
			t.Fatal("the page says what is in it, or not whose it is")
		}
		if w := b.post(path + "/taken"); w.Code != 409 {
			t.Errorf("taken before it went: %d", w.Code)
		}
		for try := 1; try <= 2; try++ {
			w := b.post(path)
			if w.Code != 200 || w.Header().Get("Content-Type") != "application/octet-stream" || !strings.Contains(w.Header().Get("Content-Disposition"), ".age") || w.Header().Get("Cache-Control") != "no-store" {
				t.Fatalf("fetched: %d %v", w.Code, w.Header())
			}
			plain, err := age.Decrypt(bytes.NewReader(w.Body.Bytes()), identity)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(plain)
			var got wardkeep.Bundle
			if err != nil || json.Unmarshal(text, &got) != nil || got.Values["gender"] != "女" || got.UseUntil.IsZero() {
				t.Errorf("it holds %s, %v", text, err)
			}
			if n, m := c.written(vault.KindFetched), c.written(gate.KindReleased); n != try || m != try {
				t.Errorf("%d fetches and %d decisions are recorded, want %d", n, m, try)
			}
		}
		b.shows("bundles-fetched", "/party/bundles")
		if w := b.post(path + "/taken"); leads(w) != "/party/bundles" || c.written(vault.KindDelivered) != 1 || len(c.Waiting()) != 0 {
			t.Errorf("taken: %d", w.Code)
		}
		b.shows("bundles-done", "/party/bundles?done=")
		for _, at := range []string{path, path + "/taken", "/party/bundles/bn_x"} {
			if w := b.post(at); w.Code != 404 {
				t.Errorf("%s, once it is gone: %d", at, w.Code)
			}
		}
		if w := b.get("/party/bundles?from=" + strings.TrimPrefix(path, "/party/bundles/")); w.Code != 200 {
			t.Errorf("a page behind one that was taken: %d", w.Code)
		}
		if n := c.written(staff.KindTried); n != 0 {
			t.Errorf("who clicks twice is written down %d times as who looks for another's", n)
		}

		// What a guardian has had corrected since doesn't go any more, and that is recorded.
		again := push()
		path = waiting.FindString(b.get("/party/bundles").Body.String())
		c.Pass(time.Minute)
		c.Put(again, "speaking-practice", "gender", "男")
		if w := b.post(path); w.Code != 410 || c.written(vault.KindDropped) != 1 || len(c.Waiting()) != 0 {
			t.Errorf("what is stale: %d", w.Code)
		}

		// It goes often enough, and not for ever; and that of another party isn't there, which is
		// written down.
		push()
		path = waiting.FindString(b.get("/party/bundles").Body.String())
		turn := func(to string) {
			c.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE party_bundle SET party = $1`, to)
				return err
			})
		}
		// Edge case 20: nor to who sits where nobody opens it, or nobody knows where.
		sits := func(country string) {
			c.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE party_seat SET country = $1`, country)
				return err
			})
		}
		for _, country := range []string{"SG", ""} {
			sits(country)
			if w := b.post(path); w.Code != 403 || !strings.Contains(w.Body.String(), i18n.Chinese.T("vault.bundle_abroad")) || len(c.Waiting()) != 1 {
				t.Errorf("fetched from %q: %d", country, w.Code)
			}
		}
		sits("CN")
		turn("another")
		for i, at := range []string{path, path + "/taken"} {
			if w := b.post(at); w.Code != 404 || c.written(staff.KindTried) != i+1 {
				t.Errorf("another's: %d, %d are written down", w.Code, c.written(staff.KindTried))
			}
		}
		turn(vaulttest.Processor)
		c.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE party_bundle SET tries = $1`, int64(vault.MostTries))
			return err
		})
		if w := b.post(path); w.Code != 409 || c.written(vault.KindFetched) != 2 {
			t.Errorf("too often: %d", w.Code)
		}
		// Who is suspended gets nothing, and sees nothing of what waits.
		c.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Suspend(ctx, tx, c.Officer, vaulttest.ProcessorID(), party.Instructions)
			return err
		})
		if w := b.post(path); w.Code == 200 || c.written(vault.KindFetched) != 2 {
			t.Errorf("who is suspended: %d", w.Code)
		}
		b.shows("bundles-suspended", "/party/bundles")
		if err := c.ledger.Flush(t.Context()); err != nil { // what is counted is counted in the order of the ledger
			t.Error(err)
		}
		if all := c.log.String(); strings.Contains(all, "bn_") || strings.Contains(all, "女") {
			t.Errorf("the log says %s", all)
		}
	})
}
