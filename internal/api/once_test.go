package api_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"wardkeep/client"
	"wardkeep/internal/api"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/notify"
)

// The same key and body get the same answer, and nothing is done twice.
func TestIdempotencyKeysRepeatTheAnswer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		same := func(a, b exchange) {
			t.Helper()
			if a.status != b.status || a.body != b.body || a.header.Get("Wardkeep-Entry") != b.header.Get("Wardkeep-Entry") ||
				a.header.Get("Content-Type") != b.header.Get("Content-Type") || a.header.Get("ETag") != b.header.Get("ETag") {
				t.Errorf("not the same:\n%d %s\n%d %s", a.status, a.body, b.status, b.body)
			}
			if b.header.Get("Idempotent-Replayed") != "true" {
				t.Error("it was done again")
			}
		}
		first := w.send("POST", base+"/children", goodChild, "Idempotency-Key", "k1")
		if first.status != 201 || first.header.Get("Wardkeep-Entry") == "" {
			t.Fatalf("%d %s", first.status, first.body)
		}
		same(first, w.send("POST", base+"/children", goodChild, "Idempotency-Key", "k1"))
		w.send("POST", base+"/children", strings.Replace(goodChild, `"r"`, `"r2"`, 1), "Idempotency-Key", "k1").refused(t, 422, "account.idempotency_reused")
		w.send("POST", base+"/children", goodChild, "Idempotency-Key", "k2").refused(t, 409, "family.ref_taken")
		w.send("POST", base+"/children", goodChild, "Idempotency-Key", "a b").refused(t, 422, "account.idempotency_key_invalid")
		w.send("POST", base+"/children", goodChild, "Idempotency-Key", strings.Repeat("k", 300)).refused(t, 422, "account.idempotency_key_invalid")

		child := w.child("once")
		put := `{"purpose":"course-progress","values":{"nickname":"小溪"}}`
		first = w.send("PUT", base+"/children/"+child+"/items", put, "Idempotency-Key", "k3")
		same(first, w.send("PUT", base+"/children/"+child+"/items", put, "Idempotency-Key", "k3"))
		// A denial is recorded, so it is an answer, too.
		put = `{"purpose":"course-progress","values":{"school":"x"}}`
		first = w.send("PUT", base+"/children/"+child+"/items", put, "Idempotency-Key", "k4")
		first.refused(t, 403, "gate.denied")
		same(first, w.send("PUT", base+"/children/"+child+"/items", put, "Idempotency-Key", "k4"))
		// Another child is another request.
		if x := w.send("PUT", base+"/children/ref:nobody/items", put, "Idempotency-Key", "k4"); x.status != 404 {
			t.Errorf("%d", x.status)
		}

		batch := `{"purpose":"course-progress","children":[{"child":"` + child + `","values":{"nickname":"x"}}]}`
		same(w.send("POST", base+"/seal", batch, "Idempotency-Key", "k5"), w.send("POST", base+"/seal", batch, "Idempotency-Key", "k5"))
		ask := `{"child":"ref:r","channel":"sms","locale":"en"}`
		first = w.send("POST", base+"/consent-requests", ask, "Idempotency-Key", "k6")
		same(first, w.send("POST", base+"/consent-requests", ask, "Idempotency-Key", "k6"))
		if n := len(w.outbox.Messages()); n != 1 {
			t.Errorf("%d messages", n)
		}
		first = w.send("DELETE", base+"/children/"+child, "", "Idempotency-Key", "k7")
		same(first, w.send("DELETE", base+"/children/"+child, "", "Idempotency-Key", "k7"))
		w.send("DELETE", base+"/children/"+child, "").refused(t, 410, "family.erased")

		// After a day the key is forgotten.
		w.Pass(25 * time.Hour)
		if x := w.send("DELETE", base+"/children/"+child, "", "Idempotency-Key", "k7"); x.status != 410 {
			t.Errorf("%d", x.status)
		}
	})
}

// An answer that is too large to keep is given once, and the work isn't done again.
func TestAnAnswerTooLargeToKeep(t *testing.T) {
	w := newWorld(t, storeOf(t), noLimits)
	voice := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("a sound ", 120_000)))
	var children []string
	for i := range 4 {
		children = append(children, `{"child":"`+w.child(fmt.Sprint("v", i))+`","values":{"voice":"`+voice+`"}}`)
	}
	batch := `{"purpose":"speaking-practice","children":[` + strings.Join(children, ",") + `]}`
	if x := w.send("POST", base+"/seal", batch, "Idempotency-Key", "large"); x.status != 200 || len(x.body) < 4<<20 {
		t.Fatalf("%d, %d bytes", x.status, len(x.body))
	}
	w.send("POST", base+"/seal", batch, "Idempotency-Key", "large").refused(t, 409, "account.idempotency_unanswered")
}

// When the database goes away, nobody knows at the moment of the commit whether
// it was done; the key tells.
func TestIdempotencyKeysTellWhatABrokenCommitDid(t *testing.T) {
	store, wire := dbtest.Wired(t)
	w := newWorld(t, store, noLimits)
	w.send("GET", base+"/children/ref:nobody", "").refused(t, 404, "family.not_found")
	wire.LoseCommit()
	w.send("POST", base+"/children", goodChild, "Idempotency-Key", "done").refused(t, 503, "db.unknown_outcome")
	x := w.send("POST", base+"/children", goodChild, "Idempotency-Key", "done")
	if x.status != 201 || x.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("it was done, and the key says %d %s", x.status, x.body)
	}
	other := strings.Replace(goodChild, `"r"`, `"r2"`, 1)
	wire.Cut()
	w.send("POST", base+"/children", other, "Idempotency-Key", "not-done").refused(t, 503, "db.away")
	wire.Mend()
	x = w.send("POST", base+"/children", other, "Idempotency-Key", "not-done")
	if x.status != 201 || x.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("it wasn't done, and the key says %d %s", x.status, x.body)
	}
	if strings.Contains(w.log.String(), `"level":"ERROR"`) {
		t.Errorf("a lost database is no fault of ours:\n%s", w.log)
	}
}

// Of many at once one does the work, and all get its answer.
func TestIdempotencyKeysHoldAgainstARace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var all sync.WaitGroup
		answers := make([]exchange, 8)
		for i := range answers {
			all.Go(func() { answers[i] = w.send("POST", base+"/children", goodChild, "Idempotency-Key", "race") })
		}
		all.Wait()
		for _, x := range answers {
			if x.status != 201 || x.body != answers[0].body {
				t.Errorf("%d %s", x.status, x.body)
			}
		}
	})
}

// A changed child isn't overwritten by who hasn't seen the change.
func TestIfMatchGuardsACollection(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.client
		id := w.child("etag")
		child, err := c.Child(ctx, id)
		if err != nil || child.ETag == "" {
			t.Fatal(err)
		}
		values := wardkeep.Collection{Purpose: "course-progress", Values: map[string]string{"nickname": "一"}}
		first, err := c.Collect(ctx, id, child.ETag, values)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Collect(ctx, id, child.ETag, values); !errors.Is(err, wardkeep.ErrChanged) {
			t.Errorf("%v", err)
		}
		if _, err := c.Collect(ctx, id, first.ETag, values); err != nil {
			t.Errorf("%v", err)
		}
	})
}

// A message that can't be sent is told, and the request stands.
func TestAMessageThatCantBeSent(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		down := newDown(t, w)
		c := down.client
		ctx := t.Context()
		child, err := c.Register(ctx, wardkeep.NewChild{Ref: "down", Guardian: wardkeep.GuardianContact{Phone: "13800138000"}})
		if err != nil {
			t.Fatal(err)
		}
		ask := `{"child":"ref:down","channel":"sms","locale":"en"}`
		x := down.send("POST", base+"/consent-requests", ask, "Idempotency-Key", "d1")
		if x.status != 201 || !strings.Contains(x.body, `"undelivered":{"code":"notify.unavailable"`) {
			t.Fatalf("%d %s", x.status, x.body)
		}
		if again := down.send("POST", base+"/consent-requests", ask, "Idempotency-Key", "d1"); again.body != x.body {
			t.Errorf("told otherwise the second time: %s", again.body)
		}
		page, err := c.Permissions(ctx, child.ID, "")
		if err != nil || len(page.Purposes) == 0 {
			t.Error(err)
		}
		id := x.body[strings.Index(x.body, "cr_"):][:29]
		down.send("POST", base+"/consent-requests/"+id+":send", "", "Idempotency-Key", "d2").refused(t, 429, "consent.sent_too_often")
		w.Pass(2 * time.Minute)
		down.send("POST", base+"/consent-requests/"+id+":send", "", "Idempotency-Key", "d2").refused(t, 502, "notify.unavailable")
		again := down.send("POST", base+"/consent-requests/"+id+":send", "", "Idempotency-Key", "d2")
		again.refused0(t, 502, "notify.unavailable")
		w.Pass(2 * time.Minute)
		if sent, err := w.client.Send(ctx, id); err != nil || sent.Sends != 3 {
			t.Errorf("%+v, %v", sent, err)
		}
	})
}

// refused0 is refused for an answer of an earlier request.
func (x exchange) refused0(t testing.TB, status int, code string) {
	t.Helper()
	if x.status != status || x.problem.Code != code {
		t.Errorf("got %d %s, want %d %s", x.status, x.problem.Code, status, code)
	}
}

type broken struct{}

func (broken) Send(context.Context, notify.Message) error { return notify.ErrUnavailable }

// newDown is the same store behind a server whose gateway is down.
func newDown(t *testing.T, w *world) *world {
	t.Helper()
	return w.behind(t, func(s *api.Server) { s.Messages = notify.Router{notify.SMS: broken{}} })
}

func TestLimitsSayHowLongToWait(t *testing.T) {
	w := newWorld(t, storeOf(t), api.Limits{PerKey: 5, PerAddress: 4, PerLink: 3})
	var last exchange
	for range 12 {
		last = w.send("GET", base+"/charter", "")
		if last.status == 429 {
			break
		}
		if last.header.Get("RateLimit") == "" || !strings.HasPrefix(last.header.Get("RateLimit-Policy"), `"key";q=5;w=1`) {
			t.Errorf("%v", last.header)
		}
	}
	last.refused(t, 429, "api.too_many_requests")
	if last.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After: %q", last.header.Get("Retry-After"))
	}
	for range 12 {
		if last = w.send("GET", base+"/charter", "", "Authorization", "Bearer wk_live_guess"); last.status == 429 {
			break
		}
	}
	last.refused(t, 429, "api.too_many_requests")
	time.Sleep(1100 * time.Millisecond)
	for range 4 {
		last = w.send("GET", "/v1/guardian/requests/some-token", "", "Authorization", "")
	}
	last.refused(t, 429, "api.too_many_requests")
	// A proxy on this machine says for whom it asks.
	if x := w.send("GET", "/v1/health", "", "X-Forwarded-For", "203.0.113.9"); x.status != http.StatusOK {
		t.Errorf("another address: %d", x.status)
	}
	for range 12 {
		if last = w.send("GET", "/v1/health", "", "X-Forwarded-For", "9.9.9.9, 203.0.113.9"); last.status == 429 {
			break
		}
	}
	last.refused(t, 429, "api.too_many_requests")
}
