package app_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/receipt"
)

// answered registers a child, and its guardian answers through the server: yes
// to everything but the class ranking.
func answered(t *testing.T, in *apptest.Installation, base string) (g *wardkeep.GuardianClient, proof, phone string) {
	t.Helper()
	ctx := t.Context()
	c := in.Client(base)
	child := apptest.NewChild()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.Register(ctx, child)
	must(err)
	r, err := c.Ask(ctx, wardkeep.Asking{Child: wardkeep.Ref(child.Ref), Channel: "sms", Locale: "en"})
	must(err)
	g = in.Guardian(base, r)
	seen, err := g.Open(ctx, "en")
	must(err)
	_, err = g.SendCode(ctx)
	must(err)
	v, err := g.Verify(ctx, in.Phone.Code(child.Guardian.Phone))
	must(err)
	answers := map[string]bool{}
	for _, p := range seen.Purposes {
		answers[p] = p != "class-ranking"
	}
	_, err = g.Answer(ctx, wardkeep.GuardianAnswer{Proof: v.Proof, Answers: answers, NoticeHash: seen.NoticeHash, Lang: "en"})
	must(err)
	return g, v.Proof, child.Guardian.Phone
}

func received(t *testing.T, in *apptest.Installation, phone, kind string) string {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if text, n := in.Phone.Received(phone, kind); n > 0 {
			return text
		}
	}
	t.Fatalf("no %s arrived", kind)
	return ""
}

// Articles 9 and 20: who answers has the receipt as a file at once, and by
// message; also when the process dies right after the commit, and when the
// gateway is down for a while. Each message comes once.
func TestArticle9_TheReceiptArrivesThoughTheServerDies(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		server := in.Start().Await()
		g, proof, phone := answered(t, in, server.Base)
		text := received(t, in, phone, "consent.receipt")
		if !strings.Contains(text, "6 agreed, 1 refused") || !strings.Contains(text, "http://guardians.test/r/") {
			t.Errorf("%s", text)
		}
		file, err := g.Record(t.Context(), proof)
		if err != nil {
			t.Fatal(err)
		}
		key, err := in.Client(server.Base).LedgerKey(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r, err := receipt.Verify(file, receipt.Against{Key: key.Key, Charter: in.Charter}); err != nil || !r.OK() {
			t.Errorf("%v %+v", err, r.Findings)
		}

		_, _, second := answered(t, in, server.Base)
		server.Kill()
		_, before := in.Phone.Received(second, "consent.receipt")
		var refused atomic.Int64
		in.Phone.Break(func(w http.ResponseWriter, _ *http.Request) {
			refused.Add(1)
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		server = in.Start().Await()
		for end := time.Now().Add(30 * time.Second); before+int(refused.Load()) == 0; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("no message was tried")
			}
		}
		in.Phone.Break(nil)
		received(t, in, second, "consent.receipt")
		server.Kill()

		// Entries that are read again ask for what was sent already.
		a := in.Open(apptest.Discard())
		in.Damage(a, `DELETE FROM ledger_cursor`, nil)
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		server = in.Start().Await()
		time.Sleep(3 * time.Second) // three looks at the ledger
		if _, n := in.Phone.Received(phone, "consent.receipt"); n != 1 {
			t.Errorf("%d receipts", n)
		}
		// Who is killed between a message and the note of it sends it again.
		if _, n := in.Phone.Received(second, "consent.receipt"); n != 1 && before == 0 {
			t.Errorf("%d receipts after the crash", n)
		}
		server.Kill()
	})
}
