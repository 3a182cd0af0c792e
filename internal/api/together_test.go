package api_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"

	"wardkeep/client"
	"wardkeep/internal/base/db"
)

// Apps that ask at the same moment may share a transaction. None of them can
// tell: each gets its own value, its own entry and its own refusal.
func TestInvariant2_UsesOfOneMomentAreRecordedEachByItself(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		names := []string{"小美", "小涛", "小安"}
		ids := make([]string, len(names))
		for i, name := range names {
			ids[i] = w.child("ref-" + name)
			if _, err := w.client.Collect(ctx, ids[i], "", wardkeep.Collection{Purpose: "course-progress", Values: map[string]string{"nickname": name}}); err != nil {
				t.Fatal(err)
			}
		}
		gone := w.child("gone")
		if _, err := w.client.Erase(ctx, gone); err != nil {
			t.Fatal(err)
		}
		reading := wardkeep.Reading{Purpose: "course-progress", Items: []string{"nickname"}}
		var seen sync.Map
		kinds := []func(n int) error{
			func(n int) error { return w.reads(&seen, ids[n%3], reading, names[n%3]) },
			func(n int) error { return w.reads(&seen, "ref:ref-"+names[n%3], reading, names[n%3]) },
			func(int) error {
				return refused(w.reads(&seen, ids[0], wardkeep.Reading{Purpose: "course-progress", Items: []string{"voice"}}, ""), http.StatusForbidden)
			},
			func(int) error { return refused(w.reads(&seen, gone, reading, ""), http.StatusGone) },
			func(int) error { return refused(w.reads(&seen, "ref:nobody", reading, ""), http.StatusNotFound) },
			func(int) error { return refused(w.reads(&seen, "ch_nobody", reading, ""), http.StatusNotFound) },
			func(n int) error {
				got, err := w.client.Decide(ctx, wardkeep.Check{Child: ids[n%3], Activity: "use", Purpose: "course-progress", Items: []string{"nickname"}})
				if err == nil && !got[0].Permitted {
					err = errors.New("a permitted use was denied")
				}
				return err
			},
			func(int) error {
				got, err := w.client.Decide(ctx, wardkeep.Check{Child: "ref:nobody", Activity: "use", Purpose: "course-progress", Items: []string{"nickname"}})
				if err == nil && (got[0].Permitted || got[0].Reasons[0].Code != "gate.child_unknown") {
					err = errors.New("nobody's child was permitted")
				}
				return err
			},
		}
		var all sync.WaitGroup
		for n := range 32 {
			all.Go(func() {
				for k := range 2 * len(kinds) {
					if err := kinds[(n+k)%len(kinds)](n); err != nil {
						t.Errorf("kind %d: %v", (n+k)%len(kinds), err)
					}
				}
			})
		}
		all.Wait()
		// Each has an entry of its own.
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			seen.Range(func(entry, _ any) bool {
				n, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM ledger_pending WHERE id = $1`, entry)
				if err != nil || n != 1 {
					t.Errorf("a use isn't recorded: %v", err)
				}
				return true
			})
			return nil
		})
	})
}

// reads reads one value, which must be want, under an entry that nobody has seen.
func (w *world) reads(seen *sync.Map, child string, r wardkeep.Reading, want string) error {
	got, err := w.client.Read(context.Background(), child, r)
	switch {
	case err != nil:
		return err
	case got.Values[r.Items[0]] != want || got.Entry == "":
		return errors.New("another's value, or no entry")
	}
	if _, twice := seen.LoadOrStore(got.Entry, true); twice {
		return errors.New("another's entry")
	}
	return nil
}

func refused(err error, status int) error {
	if p, ok := errors.AsType[*wardkeep.Problem](err); ok && p.Status == status {
		return nil
	}
	if err == nil {
		return errors.New("what must be refused was released")
	}
	return err
}
