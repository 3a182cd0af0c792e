package restoration_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/charter"
	"wardkeep/internal/gate"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
)

// What was refused, ended or used since the backup opens nothing any more, and what was
// granted since is lost; what nobody has touched stands.
func TestEdgeCase15_ApprovalsOfTheGapOpenNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		w.Put(c, "course-progress", "weekly_score", "77")
		hire := func(role staff.Role) (p staff.Person) {
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				p, err = staff.Add(ctx, tx, signintest.By, "李雷", staff.Grant{Role: role, Service: service})
				return err
			})
			return p
		}
		worker, manager := hire(staff.Worker), hire(staff.Manager)
		desk := approval.Desk{Ring: w.Ring, Charters: w.Vault.Gate.Charters}
		decide := func(r approval.Request, a approval.Decision) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := desk.Decide(ctx, tx, manager, service, r.ID, a)
				return err
			})
		}
		yes, no := approval.Decision{Verdict: approval.Granted, Reason: approval.Needed}, approval.Decision{Verdict: approval.Refused, Reason: approval.NotNeeded}
		ask := func(granted bool) (r approval.Request) {
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				r, _, err = desk.Ask(ctx, tx, worker, c, approval.Asking{Purpose: "course-progress", Items: []string{"weekly_score"},
					Reason: approval.ForSupport, Text: pii.New("家长来电"), Minutes: 60})
				return err
			})
			if granted {
				ok(t, decide(r, yes))
			}
			return r
		}
		look := func(r approval.Request) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := w.Vault.Reveal(ctx, tx, worker, gate.Use{Service: service, Child: c.ID, Activity: charter.Use, Purpose: "course-progress",
					Items: []string{"weekly_score"}}, r.ID)
				return err
			})
		}
		used, ended, same, refused, late := ask(true), ask(true), ask(true), ask(false), ask(false)
		ok(t, w.log.Flush(t.Context()))
		putBack := w.backUp()

		w.Pass(time.Minute)
		ok(t, look(used), decide(refused, no), decide(late, yes), w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := desk.End(ctx, tx, manager, service, ended.ID)
			return err
		}))
		source, latest := w.export()
		putBack()
		_, err := w.replay(t.Context(), source, latest)
		ok(t, err)

		w.Pass(time.Minute)
		for r, code := range map[*approval.Request]string{&used: "gate.approval_ended", &ended: "gate.approval_ended", &refused: "gate.approval_ended", &late: "gate.approval_open"} {
			d, is := errors.AsType[*gate.Denied](look(*r))
			if !is || !slices.ContainsFunc(d.Reasons, func(d gate.Denial) bool { return d.Code == code }) {
				t.Errorf("%s: %v", code, d)
			}
		}
		ok(t, look(same))
		if err := decide(refused, yes); !errors.Is(err, approval.ErrDecided) {
			t.Errorf("what was refused is granted: %v", err)
		}
		w.holds()
	})
}
