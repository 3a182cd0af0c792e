package app_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/base/db"
	"wardkeep/internal/consent"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/receipt"
)

// answered registers a child, and its guardian answers through the server: yes
// to everything but the class ranking.
func answered(t *testing.T, in *apptest.Installation, base string) (g *wardkeep.GuardianClient, proof, phone string) {
	t.Helper()
	g, proof, _ = answers(t, in, base, apptest.NewChild(), func(number string) string { phone = number; return in.Phone.Code(number) })
	return g, proof, phone
}

// answers is answered for a child that is described, with a code that is read.
func answers(t *testing.T, in *apptest.Installation, base string, child wardkeep.NewChild, code func(number string) string) (g *wardkeep.GuardianClient, proof string, r wardkeep.ConsentRequest) {
	t.Helper()
	ctx := t.Context()
	c := in.Client(base)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.Register(ctx, child)
	must(err)
	r, err = c.Ask(ctx, wardkeep.Asking{Child: wardkeep.Ref(child.Ref), Channel: "sms", Locale: "en"})
	must(err)
	g = in.Guardian(base, r)
	seen, err := g.Open(ctx, "en")
	must(err)
	_, err = g.SendCode(ctx)
	must(err)
	v, err := g.Verify(ctx, code(child.Guardian.Phone))
	must(err)
	answers := map[string]bool{}
	for _, p := range seen.Purposes {
		answers[p] = p != "class-ranking"
	}
	_, err = g.Answer(ctx, wardkeep.GuardianAnswer{Proof: v.Proof, Answers: answers, NoticeHash: seen.NoticeHash, Lang: "en"})
	must(err)
	return g, v.Proof, r
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
	apptest.EachAtOnce(t, func(t *testing.T, in *apptest.Installation) {
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

// Edge case 8 and Article 20: through the server, the others hear of a guardian
// that was added, and who is none any more, or whose child was erased, hears of
// that although its contact is gone.
func TestEdgeCase8_AFormerGuardianIsTold(t *testing.T) {
	apptest.EachAtOnce(t, func(t *testing.T, in *apptest.Installation) {
		server := in.Start().Await()
		c, ctx := in.Client(server.Base), t.Context()
		one, two := apptest.NewChild(), apptest.NewChild()
		code := func(number string) string { return in.Phone.Code(number) }
		_, _, first := answers(t, in, server.Base, one, code)
		_, _, second := answers(t, in, server.Base, two, code)
		if _, err := c.AddGuardian(ctx, first.Child, wardkeep.NewGuardian{Relation: "parent", Phone: apptest.NewPhoneNumber()}); err != nil {
			t.Fatal(err)
		}
		received(t, in, one.Guardian.Phone, "guardian.added")
		if _, err := c.EndGuardian(ctx, first.Child, first.Guardian); err != nil {
			t.Fatal(err)
		}
		received(t, in, one.Guardian.Phone, "guardian.released")
		if _, err := c.Erase(ctx, second.Child); err != nil {
			t.Fatal(err)
		}
		text := received(t, in, two.Guardian.Phone, "child.erased")
		if !strings.Contains(text, "http://guardians.test/certificate/") {
			t.Error(text)
		}
		server.Kill()
	})
}

// In a demo, all that is told lies in the outbox, which its page shows.
func TestTheOutboxShowsWhatGuardiansAreTold(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		a := in.Open(apptest.Discard())
		a.Outbox = notify.NewOutbox(50)
		a.Messages = notify.Router{notify.SMS: a.Outbox, notify.Email: a.Outbox}
		base := in.Serve(a)
		child := apptest.NewChild()
		_, _, r := answers(t, in, base, child, func(string) string {
			return sixDigits.FindString(a.Outbox.Messages()[0].Text.Reveal())
		})
		if _, err := in.Client(base).AddGuardian(t.Context(), r.Child, wardkeep.NewGuardian{Relation: "parent", Phone: apptest.NewPhoneNumber()}); err != nil {
			t.Fatal(err)
		}
		if err := a.Ledger.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		teller := message.Teller{Store: a.Store, Desk: consent.Desk{Ring: a.Ring, Charters: a.Charters}, Messages: a.Messages, PublicURL: a.Config.PublicURL}
		var due []message.Due
		in.Do(a, func(ctx context.Context, tx *db.Tx) (err error) {
			due, _, err = message.FromLedger(ctx, tx, a.Ring, 0)
			return err
		})
		for _, d := range due {
			if err := teller.Send(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := in.Client(base).Erase(t.Context(), r.Child); err != nil {
			t.Fatal(err)
		}
		a.Farewell().Wait()
		answer, err := http.Get(base + "/outbox?lang=en")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		page, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, words := range []string{"Your choices were recorded", "another person was registered", "All information about your child here was deleted"} {
			if !strings.Contains(string(page), words) {
				t.Errorf("the outbox doesn't show %q", words)
			}
		}
	})
}

// sixDigits is a code in a message.
var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// Article 20: a farewell is in memory alone, so kill -9 loses it with the link to its
// certificate. Who starts next says of how many erasures that may be so, once, and a process
// that ends in order leaves nothing to say.
func TestArticle20_LettersThatACrashLosesAreCounted(t *testing.T) {
	in := apptest.New(t, "")
	var log bytes.Buffer
	a := in.Open(slog.New(slog.NewJSONHandler(&log, nil)))
	client := in.Client(in.Serve(a))
	bags := func() int {
		t.Helper()
		all, err := filepath.Glob(filepath.Join(in.Data(), "letters-*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	said := func() string {
		t.Helper()
		log.Reset()
		if err := a.Ledger.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := app.LostLetters(a, t.Context()); err != nil {
			t.Fatal(err)
		}
		return log.String()
	}
	if _, err := client.Erase(t.Context(), agreed(t, client, nil)); err != nil {
		t.Fatal(err)
	}
	a.Farewell().Wait()
	app.Going(a, true)
	if bags() != 1 || strings.Contains(said(), "farewells may be lost") || bags() != 1 {
		t.Error("letters that are on their way are taken for lost ones")
	}
	app.Going(a, false)
	if bags() != 0 || strings.Contains(said(), "farewells may be lost") {
		t.Error("all were sent, and something is said to be lost")
	}
	if err := os.WriteFile(filepath.Join(in.Data(), "letters-on-their-way-x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := client.Erase(t.Context(), agreed(t, client, nil)); err != nil {
			t.Fatal(err)
		}
	}
	a.Farewell().Wait()
	if text := said(); !strings.Contains(text, `"message: farewells may be lost","erasures":`) || bags() != 0 {
		t.Errorf("%s", text)
	}
	if text := said(); strings.Contains(text, "farewells may be lost") {
		t.Errorf("twice: %s", text)
	}
}
