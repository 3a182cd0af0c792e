package message_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/notify"
	"wardkeep/internal/rights"
)

// Edge cases 6, 11 and 17: what somebody else demands is told to the guardians while
// they can still keep what is held, and what became of a demand to who made it. What a
// guardian does at home is on the screen, and an erasure is told by a farewell.
func TestArticle19_DemandsAreTold(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child := d.family(mother)
		d.answer(child, consent.Asking{}, "zh-CN")
		d.Put(child, "course-progress", "nickname", "小满")
		d.told("consent.receipt " + motherPhone)
		hers := d.Guardian(child)
		desk := rights.Desk{Ring: d.Ring, Charters: d.Desk.Charters, Calendar: workday.Default()}
		demand := func(by family.Actor, ask rights.Demand) (r rights.Request) {
			t.Helper()
			d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				r, _, err = d.Vault.Demand(ctx, tx, desk, by, child, ask)
				return err
			})
			return r
		}
		asking := rights.Demand{Kind: rights.Correct, Door: rights.ByGuardian, Guardian: hers.ID, Item: "nickname", Text: pii.New("小曼")}
		r := demand(hers, asking)
		d.told("request.received " + motherPhone)
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := desk.Refuse(ctx, tx, d.App, r, rights.AlreadyRight, pii.Text{})
			return err
		})
		d.told("request.refused " + motherPhone)
		demand(hers, rights.Demand{Kind: rights.DeleteItem, Door: rights.ByGuardian, Guardian: hers.ID, Item: "nickname"})
		d.told()

		// PIPL 45: what somebody asks for on behalf is ready for the guardians; and all of
		// them hear once of a copy, however often it is saved.
		demand(hers, rights.Demand{Kind: rights.Access, Door: rights.ByGuardian, Guardian: hers.ID})
		copied := demand(hers, rights.Demand{Kind: rights.Copy, Door: rights.ByGuardian, Guardian: hers.ID})
		d.told()
		demand(d.App, rights.Demand{Kind: rights.Copy, Door: rights.ByChild})
		d.told("request.answer_ready " + motherPhone)
		for range 2 {
			d.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := d.Vault.Copy(ctx, tx, hers, copied, family.OneTimeCode, nil)
				return err
			})
		}
		d.told("request.copy_taken " + motherPhone)

		// … and of one that she hands to somebody: when it was fetched, or nobody gets it any more.
		port := func() (r rights.Request, s rights.Secrets) {
			d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				r, s, err = d.Vault.DemandPort(ctx, tx, desk, hers, child, rights.Demand{To: rights.Recipient{Name: pii.New("Dr. Li"), Contact: pii.New("li@dentist.example"), Home: true}})
				return err
			})
			return r, s
		}
		d.Put(child, "course-progress", "grade", "四年级")
		_, secret := port()
		d.told() // she has it on the screen, and nobody else is there
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			p, r, err := desk.TryPort(ctx, tx, secret.Address, secret.Code)
			if err == nil {
				_, err = d.Vault.Port(ctx, tx, r, p, family.OneTimeCode, []string{"grade"})
			}
			return err
		})
		d.told("request.port_taken " + motherPhone)
		handed, _ := port()
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := desk.Recall(ctx, tx, d.App, handed)
			return err
		})
		d.told("request.port_ended " + motherPhone)

		waits := demand(d.App, rights.Demand{Kind: rights.Delete, Door: rights.ByContact})
		warned(d, waits, 0)
		d.told("request.erasure_asked " + motherPhone)
		warned(d, waits, 1)
		taken := demand(d.App, rights.Demand{Kind: rights.Close, Door: rights.ByChild})
		if taken.ID != waits.ID || taken.Door != rights.ByChild || taken.EraseAt.IsZero() {
			t.Errorf("the child's demand doesn't take on the contact's: %+v", taken)
		}
		d.told("request.erasure_asked " + motherPhone)
		warned(d, waits, 2)
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := desk.Keep(ctx, tx, hers, taken)
			return err
		})
		d.told() // she has it on the screen, and nobody else is there
		d.Pass(time.Hour)
		demand(hers, rights.Demand{Kind: rights.Delete, Door: rights.ByGuardian, Guardian: hers.ID})
		d.told() // the erasure is, when it is done
	})
}

// warned wants to read on a demand how often its first guardian was told.
func warned(d *desk, r rights.Request, times int) {
	d.T.Helper()
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		now, err := rights.Find(ctx, tx, r.Service, r.ID)
		if err != nil {
			return err
		}
		for _, t := range now.Told {
			if t.Guardian == "" || t.Channel != "sms" || t.At.IsZero() {
				d.T.Errorf("%+v", t)
			}
		}
		var guardians []family.Guardian
		err = tx.Together(ctx, family.ReadGuardians(&guardians, r.Child))
		if untold := now.Untold(guardians); len(now.Told) != times || (len(untold) == 0) != (times > 0) {
			d.T.Errorf("told %v, not told %v; want %d", now.Told, untold, times)
		}
		return err
	})
}

// Edge cases 11 and 17: whoever decides whether a child is erased for which somebody else
// has asked sees which guardian could be told, by what and when, and which couldn't.
func TestEdgeCase17_WhoCouldNotBeToldIsSeen(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child := d.family(mother)
		d.answer(child, consent.Asking{}, "zh-CN")
		d.told("consent.receipt " + motherPhone)
		desk := rights.Desk{Ring: d.Ring, Charters: d.Desk.Charters, Calendar: workday.Default()}
		var r rights.Request
		d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			r, _, err = d.Vault.Demand(ctx, tx, desk, d.App, child, rights.Demand{Kind: rights.Close, Door: rights.ByChild})
			return err
		})
		due, _ := d.due(d.from)
		if len(due) != 1 {
			t.Fatalf("%+v", due)
		}
		if err := d.teller().Send(t.Context(), due[0]); !errors.Is(err, notify.ErrNoChannel) {
			t.Errorf("without a gateway: %v", err)
		}
		warned(d, r, 0)
		d.told("request.erasure_asked " + motherPhone)
		warned(d, r, 1)
	})
}
