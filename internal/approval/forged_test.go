package approval_test

import (
	"context"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
)

// Whoever writes to the database makes no approval: not by one row that is changed, not by
// one that is copied, not by one that is made. The gate says so, and nobody decides about it.
func TestInvariant11_NoApprovalIsMadeByHand(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		other := w.Child()
		w.Put(other, "parent-reports", "nickname", "小雨")
		u, copied := use(w.child, "nickname"), id.New(id.Look)
		hour := (*db.Time)(new(w.Store.Now().Add(time.Hour)))
		past := (*db.Time)(new(w.Store.Now().Add(-time.Minute)))
		granting := `UPDATE approval SET state = 'granted', decider = $1, granted = items, answer = 'needed', from_at = $2, until_at = $3, quota = 20 WHERE id = $4`
		for name, c := range map[string]struct {
			granted bool
			query   string
			args    func(r approval.Request) []any
		}{
			"an open one is granted": {false, granting, func(r approval.Request) []any { return []any{w.manager.ID, past, hour, r.ID} }},
			"one is another's":       {true, `UPDATE approval SET asker = $1 WHERE id = $2`, func(r approval.Request) []any { return []any{w.worker.ID, r.ID} }},
			"it lasts longer":        {true, `UPDATE approval SET until_at = $1 WHERE id = $2`, func(r approval.Request) []any { return []any{hour, r.ID} }},
			"it has more items":      {true, `UPDATE approval SET granted = 'nickname school' WHERE id = $1`, func(r approval.Request) []any { return []any{r.ID} }},
			"it has more looks":      {true, `UPDATE approval SET quota = 1000 WHERE id = $1`, func(r approval.Request) []any { return []any{r.ID} }},
			"a look isn't counted":   {true, `UPDATE approval SET looks = looks - 1 WHERE id = $1`, func(r approval.Request) []any { return []any{r.ID} }},
			"it is about another child": {true, `UPDATE approval SET child = $1 WHERE id = $2`, func(r approval.Request) []any {
				u = use(other, "nickname")
				return []any{other.ID, r.ID}
			}},
			"one is copied": {true, `
				INSERT INTO approval (child, id, service, number, asker, purpose, items, reason, minutes, glass, export, state, asked_at, answer_by, first_by, first_for, decider, granted, answer,
					from_at, until_at, quota, looks, ended_at, ended_by, why, ground, receiver, level, country, ends_at, silence, silent_until, officer, released_at, told_at, paper, note, first_reply, reply, review, bound)
				SELECT child, $1, service, number, asker, purpose, items, reason, minutes, glass, export, state, asked_at, answer_by, first_by, first_for, decider, granted, answer,
					from_at, until_at, quota, 0, ended_at, ended_by, why, ground, receiver, level, country, ends_at, silence, silent_until, officer, released_at, told_at, paper, note, first_reply, reply, review, bound FROM approval WHERE id = $2`,
				func(r approval.Request) []any { return []any{copied, r.ID} }},
			"it has no mark": {true, `UPDATE approval SET bound = $1 WHERE id = $2`, func(r approval.Request) []any { return []any{[]byte{}, r.ID} }},
		} {
			u = use(w.child, "nickname")
			asker := w.worker
			if name == "one is another's" {
				asker = w.second
			}
			r := w.asked(asker)
			if c.granted {
				r = w.grants(w.manager, r)
				if _, err := w.look(asker, r, u); err != nil {
					t.Fatal(name, err)
				}
			}
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				n, err := tx.Exec(ctx, c.query, c.args(r)...)
				if err == nil && n != 1 {
					t.Errorf("%s: %d rows", name, n)
				}
				return err
			})
			if name == "one is copied" {
				r.ID = copied
			}
			v, err := w.look(w.worker, r, u)
			denied(t, name, v, err, "approval_forged")
			_, err = w.decide(w.officer, r, grant)
			wants(t, name+", and is decided about", err, approval.ErrForged)
			wants(t, name+", and is ended", w.end(w.officer, r), approval.ErrForged)
		}
	})
}
