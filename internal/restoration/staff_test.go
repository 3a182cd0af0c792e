package restoration_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"filippo.io/age"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/signin"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/warning"
)

// Who left, lost a role, or changed how to sign in since the backup gets nothing of it
// back, and nobody stays signed in.
func TestEdgeCase15_PersonsInsideGetNothingBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		door := signin.Door{Ring: w.Ring}
		worker, manager := staff.Grant{Role: staff.Worker, Service: service}, staff.Grant{Role: staff.Manager, Service: service}
		hire := func() *signintest.Insider { return signintest.Hire(t, w.Store, door, "李雷", worker, manager) }
		left, demoted, changed, listed, same := hire(), hire(), hire(), hire(), hire()
		key := func(p *signintest.Insider) {
			t.Helper()
			own, err := age.GenerateX25519Identity()
			ok(t, err)
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.SetRecipient(ctx, tx, w.Ring, p.Session.Person, own.Recipient().String())
				return err
			})
		}
		key(demoted)
		key(same)
		reach := func(p *signintest.Insider, address string) {
			t.Helper()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.Reach(ctx, tx, w.Ring, signintest.By, p.ID, pii.New(address), i18n.Chinese)
				return err
			})
		}
		reach(demoted, "li@former.example")
		reach(same, "li@office.example")
		crisis := w.crisis()
		stopped, stoppedOnce, stoppedBefore := crisis.notice(), crisis.notice(), crisis.notice()
		crisis.does(warning.Pause, stoppedBefore)
		var before string
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			before, _, err = door.Invite(ctx, tx, signintest.By, same.ID)
			return err
		})
		ok(t, w.log.Flush(t.Context()))
		putBack := w.backUp()

		w.Pass(time.Minute)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			if _, err := signin.Leave(ctx, tx, signintest.By, left.ID); err != nil {
				return err
			}
			if _, err := staff.Take(ctx, tx, signintest.By, demoted.ID, manager); err != nil {
				return err
			}
			if _, err := staff.Locate(ctx, tx, signintest.By, demoted.ID, "SG"); err != nil {
				return err
			}
			_, _, err := door.Reset(ctx, tx, signintest.By, changed.ID)
			return err
		})
		if _, _, err := listed.Enters(listed.Name, listed.Password, listed.Recovery[0]); err != nil {
			t.Fatal(err)
		}
		key(demoted) // the former may be somebody else's
		reach(demoted, "li@office.example")
		crisis.does(warning.Pause, stopped)
		crisis.does(warning.Pause, stoppedOnce)
		crisis.does(warning.Resume, stoppedOnce)
		crisis.does(warning.Resume, stoppedBefore)
		source, latest := w.export()
		putBack()
		_, err := w.replay(t.Context(), source, latest)
		ok(t, err)

		w.Pass(time.Minute)
		for name, in := range map[string]*signintest.Insider{"left": left, "changed": changed, "listed": listed, "demoted": demoted, "same": same} {
			in.Store = w.Store
			if _, err := in.Find(in.Secret); !errors.Is(err, signin.ErrSignedOut) {
				t.Errorf("%s is signed in: %v", name, err)
			}
			s, _, err := in.Enters(in.Name, in.Password, in.Code())
			switch {
			case in == same || in == demoted:
				if err != nil || s.Person.May(staff.DecideAccess, service) != (in == same) {
					t.Errorf("%s: %v, %v", name, s.Person.Grants, err)
				}
			case !errors.Is(err, signin.ErrRefused):
				t.Errorf("%s came in: %v", name, err)
			}
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			if _, err := door.Open(ctx, tx, before, signin.Browser{Kept: signin.Keep()}); !errors.Is(err, signin.ErrLink) {
				t.Errorf("a link of before: %v", err)
			}
			if _, err := staff.RecipientOf(ctx, tx, demoted.ID); !errors.Is(err, staff.ErrNoRecipient) {
				t.Errorf("a key that was changed since: %v", err)
			}
			if _, err := staff.ContactOf(ctx, tx, w.Ring, demoted.ID); !errors.Is(err, staff.ErrNoAddress) {
				t.Errorf("an address that was changed since: %v", err)
			}
			if c, err := staff.ContactOf(ctx, tx, w.Ring, same.ID); err != nil || c.Address.Reveal() != "li@office.example" {
				t.Errorf("an address that is the same: %v", err)
			}
			if _, err := staff.RecipientOf(ctx, tx, same.ID); err != nil {
				t.Errorf("a key that is the same: %v", err)
			}
			if p, err := staff.Find(ctx, tx, demoted.ID); err != nil || p.Country != "SG" {
				t.Errorf("who has gone abroad since sits in %q: %v", p.Country, err)
			}
			p, err := staff.Find(ctx, tx, left.ID)
			if p.State != staff.Left {
				t.Error("who left is back")
			}
			return err
		})
		// Article 21: no family is told by a notice that somebody has stopped since.
		for _, n := range []struct {
			warning.Notice
			paused bool
		}{{stopped, true}, {stoppedOnce, false}, {stoppedBefore, true}} {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				is, err := warning.Find(ctx, tx, service, n.ID)
				if is.Running() == n.paused {
					t.Errorf("a notice goes on, or doesn't: paused %t, want %t", is.Paused, n.paused)
				}
				return err
			})
		}
		w.holds()
	})
}
