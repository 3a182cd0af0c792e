package reach

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
)

// lasting is how long a use may be on its way that was decided before a moment: PostgreSQL ends a
// transaction that stands still for a minute. Who was reached by it is found after that.
const lasting = 90 * time.Second

// atOnce is how many keys a step takes: two pseudonyms that begin alike have one, and all of them
// are put on the list together.
const atOnce = incident.ReachAtMost - 100

// AskFor has all be put on the list of a case whom a question finds. Errors: those of
// Question.Check and of incident.AskWhom.
func AskFor(ctx context.Context, tx *db.Tx, by approval.Actor, name string, q Question) (incident.Question, string, error) {
	if err := q.Check(); err != nil {
		return incident.Question{}, "", err
	}
	return incident.AskWhom(ctx, tx, by, incident.Question{Case: name, Service: q.Service, Kind: string(q.By), Name: q.Name, From: q.From, To: q.To})
}

// Extend takes one step of the first question of which not all are on the list that can go on,
// and reports whether it did. A question that can't be answered keeps none behind it from going
// on; what is wrong with it is said when none does.
func (x Index) Extend(ctx context.Context, store *db.DB) (went bool, err error) {
	var of incident.Question
	var walk incident.Walk
	var page Page
	done := false
	err = store.View(ctx, func(tx *db.Tx) error {
		went, done = false, false
		open, err := incident.Unanswered(ctx, tx, 100)
		if err != nil {
			return err
		}
		var faults error
		for _, of = range open {
			if walk = of.Walk(x.Ring); walk.Again && tx.Now().Before(of.To.Add(lasting)) {
				continue
			}
			if walk.Again || walk.Began == 0 {
				walk = incident.Walk{Began: tx.Now().UnixMicro()}
			}
			var fault error
			if page, fault = x.Find(ctx, tx, Question{Service: of.Service, By: By(of.Kind), Name: of.Name, From: of.From, To: of.To}, Key(walk.From), atOnce); fault == nil {
				went = true
				break
			}
			faults = errors.Join(faults, fault)
		}
		if !went {
			return faults
		}
		waits, err := ledger.OldestPending(ctx, tx)
		walk.From, walk.Found, walk.Gone = uint64(page.Next), walk.Found+int64(len(page.Found)), walk.Gone+page.Gone
		if !page.More {
			done = walk.Began >= of.To.Add(lasting).UnixMicro() && (waits.IsZero() || !waits.Before(of.To))
			walk.Again = !done
		}
		return err
	})
	if err != nil || !went {
		return false, err
	}
	err = store.Update(ctx, func(tx *db.Tx) error { return incident.Answer(ctx, tx, x.Ring, of, page.Found, walk, done) })
	if errors.Is(err, incident.ErrPassed) {
		return false, nil // another process has taken the step
	}
	return err == nil, err
}
