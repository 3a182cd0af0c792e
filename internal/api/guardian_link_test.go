package api_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"wardkeep/client"
	"wardkeep/internal/base/db"
)

// held runs fn while somebody else has the one writer of SQLite.
func (w *world) held(fn func()) {
	w.T.Helper()
	has, end := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- w.Store.Update(context.WithoutCancel(w.T.Context()), func(*db.Tx) error {
			close(has)
			<-end
			return nil
		})
	}()
	<-has
	defer func() {
		close(end)
		if err := <-done; err != nil {
			w.T.Error(err)
		}
	}()
	fn()
}

// Whoever guesses links, or plays the official service, holds up nobody: where there
// is nothing to write, the writer isn't asked for.
func TestStrangersTakeNoWriter(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w, _ = w.proving(t)
		w.server.Client().Timeout = 20 * time.Second // a writer that is waited for never comes
		child := w.must(w.client.Register(t.Context(), wardkeep.NewChild{Ref: "r", Guardian: wardkeep.GuardianContact{Phone: "13800138000"}})).(wardkeep.Child)
		asked := w.must(w.client.Ask(t.Context(), wardkeep.Asking{Child: child.ID, Channel: "link", Locale: "en"})).(wardkeep.ConsentRequest)
		if _, err := w.client.Cancel(t.Context(), asked.ID); err != nil {
			t.Fatal(err)
		}
		_, cancelled, _ := strings.Cut(asked.URL, "/r/")
		w.held(func() {
			for _, c := range []struct {
				method, what, body string
			}{
				{"GET", "", ""},
				{"POST", ":send-code", ""},
				{"POST", ":verify", `{"code":"000000"}`},
				{"POST", ":answer", `{"proof":"p","answers":{"account":true},"notice_hash":"h","lang":"en"}`},
				{"POST", ":withdraw", `{"proof":"p","purpose":"account"}`},
				{"POST", ":ask", `{"proof":"p","purposes":["account"]}`},
				{"POST", ":prove-number", `{"proof":"p","name":"n","number":"1"}`},
				{"POST", ":prove-officially", `{"proof":"p"}`},
				{"POST", ":prove-by-document", `{"proof":"p","pages":["AAAA"]}`},
			} {
				for _, key := range []string{"", "k"} {
					w.send(c.method, "/v1/guardian/requests/nothing"+c.what, c.body, "Idempotency-Key", key).refused(t, 404, "consent.link_unknown")
					w.send(c.method, "/v1/guardian/requests/"+cancelled+c.what, c.body, "Idempotency-Key", key).refused(t, 410, "consent.cancelled")
				}
			}
			w.send("POST", "/v1/verification/report", `{"type":"identity.result"}`).refused(t, 401, "verification.callback")
		})
	})
}
