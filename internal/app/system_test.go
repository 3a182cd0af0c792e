package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/console"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/vault/vaulttest"
)

// A leaky gateway says in its errors whom it can't reach, and with what.
type leaky struct {
	tries    atomic.Int64
	to, text atomic.Pointer[string] // of the last
}

func (g *leaky) Send(_ context.Context, m notify.Message) error {
	to, text := m.To.Reveal(), m.Text.Reveal()
	g.to.Store(&to)
	g.text.Store(&text)
	g.tries.Add(1)
	return fmt.Errorf("%s can't have %q: %w", to, text, notify.ErrUnavailable)
}

// pageOf asks River's page as the console does once it has let somebody in.
func pageOf(t *testing.T, a *App, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); a.jobsPage() == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no jobs are worked on")
		}
	}
	w := httptest.NewRecorder()
	a.jobsPage().ServeHTTP(w, httptest.NewRequest(method, console.JobsPath+path, strings.NewReader(body)))
	return w
}

// A shownJob is what River's page is told of a job.
type shownJob struct {
	ID       int64
	Args     string
	Kind     string
	State    string
	Metadata json.RawMessage
	Errors   []struct{ Error, Trace string }
}

// shownJobs returns the jobs in a state.
func shownJobs(t *testing.T, a *App, state string) (all []shownJob, text string) {
	t.Helper()
	w := pageOf(t, a, "GET", "/api/jobs?limit=100&state="+state, "")
	var answer struct{ Data []shownJob }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); w.Code != http.StatusOK || err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	text = w.Body.String()
	for _, listed := range answer.Data {
		w := pageOf(t, a, "GET", fmt.Sprintf("/api/jobs/%d", listed.ID), "")
		var j shownJob
		if err := json.Unmarshal(w.Body.Bytes(), &j); w.Code != http.StatusOK || err != nil {
			t.Fatalf("%d %s: %v", w.Code, w.Body, err)
		}
		all, text = append(all, j), text+w.Body.String()
	}
	return all, text
}

// word is what the arguments of a job may hold: an id, a pseudonym, a code.
var word = regexp.MustCompile(`^[a-z0-9_.:-]*$`)

// Invariant 9: what River's page of jobs is told names nobody. Arguments are ids and codes,
// and of what a gateway said there is a code.
func TestInvariant9_ThePageOfJobsNamesNobody(t *testing.T) {
	t.Parallel() // it waits
	w, a := newSweeper(t)
	signer, _, err := ledger.NewSigner("wardkeep.example.com/ledger", w.Ring.Signer().Seed())
	if err != nil {
		t.Fatal(err)
	}
	a.Ledger, a.Charters, a.Config.PublicURL = ledger.Open(w.Store, "wardkeep.example.com/ledger", signer), w.Vault.Gate.Charters, "https://wardkeep.example.com"
	var phone leaky
	a.Messages = notify.Router{notify.SMS: &phone, notify.Email: &phone}
	child := w.Child()
	w.Put(child, "speaking-practice", "voice", "AAAA")
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := catalog.Cease(ctx, tx, w.Officer, vaulttest.Service, "speaking-practice", catalog.Discontinued, tx.Now().Add(8*24*time.Hour))
		return err
	})
	t.Cleanup(runJobs(t, a))
	for end := time.Now().Add(30 * time.Second); phone.tries.Load() == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing was sent")
		}
		if err := a.Ledger.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var failed []shownJob
	var text string
	for end := time.Now().Add(30 * time.Second); len(failed) == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no message failed")
		}
		failed, text = shownJobs(t, a, "retryable")
	}
	for _, state := range []string{"available", "running", "completed", "discarded", "cancelled", "scheduled", "pending"} {
		more, page := shownJobs(t, a, state)
		failed, text = append(failed, more...), text+page
	}
	kinds := make(map[string]bool)
	for _, j := range failed {
		kinds[j.Kind] = true
		var args map[string]string
		if err := json.Unmarshal([]byte(j.Args), &args); err != nil {
			t.Errorf("%s has arguments that aren't words: %s", j.Kind, j.Args)
		}
		for name, value := range args {
			if !word.MatchString(value) {
				t.Errorf("%s: %s is %q", j.Kind, name, value)
			}
		}
		for _, e := range j.Errors {
			if e.Error != notify.ErrUnavailable.Code || e.Trace != "" {
				t.Errorf("%s failed by %q, %q", j.Kind, e.Error, e.Trace)
			}
		}
	}
	if !kinds["message.send"] || !kinds["retention.sweep"] || !kinds["access.count"] {
		t.Errorf("there were only %v", kinds)
	}
	var ref string
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		r, err := child.Ref(w.Ring)
		ref = r.Reveal()
		return err
	})
	for _, canary := range []string{ref, *phone.to.Load(), *phone.text.Load(), "can't have", "http"} {
		if canary == "" || strings.Contains(text, canary) {
			t.Errorf("it is told %q", canary)
		}
	}
}

// River's page answers on both engines, with its own script and style, and has a job tried
// again; a rotation of keys is asked for once.
func TestThePageOfJobsAnswers(t *testing.T) {
	eachEngine(t, func(t *testing.T, c Config) {
		a := node(t, c)
		t.Cleanup(runJobs(t, a))
		index := pageOf(t, a, "GET", "/", "")
		files := regexp.MustCompile(`(?:src|href)="/console/jobs(/[^"]+)"`).FindAllStringSubmatch(index.Body.String(), -1)
		if index.Code != http.StatusOK || len(files) < 3 {
			t.Fatalf("%d %s", index.Code, index.Body)
		}
		for _, f := range files {
			if w := pageOf(t, a, "GET", f[1], ""); w.Code != http.StatusOK || w.Body.Len() == 0 {
				t.Errorf("%s: %d", f[1], w.Code)
			}
		}
		if strings.Contains(index.Body.String(), "//") && regexp.MustCompile(`(?:src|href)="https?:`).MatchString(index.Body.String()) {
			t.Error("it loads something from elsewhere")
		}
		var done []shownJob
		for end := time.Now().Add(30 * time.Second); len(done) == 0; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("no job is done")
			}
			done, _ = shownJobs(t, a, "completed")
		}
		for _, path := range []string{"/api/states", "/api/queues", "/api/features", "/api/autocomplete?facet=job_kind"} {
			if w := pageOf(t, a, "GET", path, ""); w.Code != http.StatusOK {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
		if w := pageOf(t, a, "POST", "/api/jobs/retry", fmt.Sprintf(`{"ids":["%d"]}`, done[0].ID)); w.Code != http.StatusOK && w.Code != http.StatusConflict {
			t.Errorf("again: %d %s", w.Code, w.Body)
		}
		before := a.Ring.CurrentPool()
		for range 3 {
			if err := a.askRotation(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for end := time.Now().Add(60 * time.Second); a.Ring.CurrentPool() == before; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the keys aren't rotated")
			}
			if _, err := a.reload(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		queues, err := a.shownQueues(t.Context())
		if err != nil || len(queues.Queues) != 3 {
			t.Errorf("%+v, %v", queues, err)
		}
	})
}
