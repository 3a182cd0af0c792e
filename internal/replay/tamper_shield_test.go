package replay_test

import (
	"context"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/replay"
	"wardkeep/internal/rights"
	"wardkeep/internal/shield"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// shieldChanges are changes by hand of what is hidden from a guardian, and what must be found.
var shieldChanges = []struct{ name, query, found string }{
	{"a guardian sees again what is held", `UPDATE guardian SET hidden_until = NULL`, "row_differs guardian hidden_until"},
	{"nobody has hidden it", `UPDATE guardian SET hidden_by = ''`, "row_differs guardian hidden_by"},
	{"a guardian sees again, by another mark", `UPDATE guardian SET hidden_mark = 'x'`, "row_hash guardian hidden_mark"},
	{"a guardian is hidden for longer", `UPDATE guardian SET hidden_until = hidden_until + 1`, "row_hash guardian hidden_mark"},
	{"somebody is known again who isn't the threat", `UPDATE guardian SET hidden_who = 'x'`, "row_sealed guardian hidden_who"},
	{"a shield never was", `DELETE FROM shield WHERE state = 'raised'`, "row_missing shield "},
	{"a shield is about nobody", `UPDATE shield SET child = 'zz' WHERE state = 'raised'`, "row_extra shield "},
	{"a shield has another name", `UPDATE shield SET id = '王小明' WHERE state = 'raised'`, "row_extra shield "},
	{"a shield is another service's", `UPDATE shield SET service = '王小明'`, "row_differs shield service"},
	{"a shield is from somebody else", `UPDATE shield SET guardian = '王小明'`, "row_differs shield guardian"},
	{"a shield is for another reason", `UPDATE shield SET reason = 'custody'`, "row_differs shield reason"},
	{"a shield was asked for longer", `UPDATE shield SET days = days + 1`, "row_differs shield days"},
	{"a shield says something else", `UPDATE shield SET note = (SELECT note FROM shield WHERE state = 'asked') WHERE state = 'raised'`, "row_sealed shield note"},
	{"a shield is refused", `UPDATE shield SET state = 'refused' WHERE state = 'raised'`, "row_differs shield state"},
	{"somebody else has asked", `UPDATE shield SET asker = '王小明'`, "row_differs shield asker"},
	{"somebody else has decided", `UPDATE shield SET decider = '王小明' WHERE state = 'raised'`, "row_differs shield decider"},
	{"a shield was asked for later", `UPDATE shield SET asked_at = asked_at + 1`, "row_differs shield asked_at"},
	{"a shield was decided later", `UPDATE shield SET decided_at = decided_at + 1 WHERE state = 'raised'`, "row_differs shield decided_at"},
	{"a shield lasts longer", `UPDATE shield SET due_at = due_at + 1 WHERE state = 'raised'`, "row_differs shield due_at"},
	{"a shield is over", `UPDATE shield SET closed_at = due_at WHERE state = 'raised'`, "row_differs shield closed_at"},
}

// Edge case 22: who has hidden what from whom, and until when, replays; what somebody changes
// of it, or writes into the ledger that two persons haven't decided, is found.
func TestInvariant7_WhatIsHiddenFromAGuardianReplays(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := &scene{story: begin(t, w)}
		s.mei = s.Child()
		s.Put(s.mei, "course-progress", "weekly_score", "77")
		father := s.Guardian(s.mei)
		father.Strength = family.OneTimeCode
		hire := func(name string, g staff.Grant) (p staff.Person) {
			s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				p, err = staff.Add(ctx, tx, catalog.Operator{ID: "test"}, name, g)
				return err
			})
			return p
		}
		var office staff.Grant
		s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			office, err = staff.OfOffice(ctx, tx, service, s.Officer.ID)
			return err
		})
		officer, manager, second := hire("林静", office), hire("韩梅梅", staff.Grant{Role: staff.Manager, Service: service}), hire("王芳", staff.Grant{Role: staff.Manager, Service: service})
		ask := func() (asked shield.Shield) {
			s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				asked, _, err = shield.Ask(ctx, tx, s.Ring, workday.Default(), staff.Acting{Person: manager, Action: staff.AskShield}, service, s.mei.ID,
					shield.Asking{Guardian: father.ID, Reason: shield.Abuse, Days: 30, Text: pii.New("老师报告")})
				return err
			})
			return asked
		}
		raised := ask()
		var pair approval.Pair
		s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			if raised, _, err = shield.Raise(ctx, tx, s.Ring, staff.Acting{Person: officer, Action: staff.DecideShield}, service, raised.ID); err != nil {
				return err
			}
			pair, err = approval.Pairs(ctx, tx, second.ID, staff.DecideShield, officer.ID, staff.AskShield, service)
			return err
		})
		waits := ask()
		if err := s.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := s.Vault.View(ctx, tx, father, service, "weekly_score")
			return err
		}); !gate.Hid(err) {
			t.Errorf("it is shown: %v", err)
		}
		ok(t, s.flush())
		s.replays(t)
		tried := make(tries)
		for _, c := range shieldChanges {
			if tried.enough(t, c.query) {
				continue
			}
			found(t, c.name, s.once(t, func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					n, err := tx.Exec(ctx, c.query)
					if err == nil && n == 0 {
						t.Errorf("%s: nothing was changed", c.name)
					}
					return err
				})
			}), c.found)
		}
		now := func() int64 { return s.Store.Now().UnixMicro() }
		day := (24 * time.Hour).Microseconds()
		for name, f := range map[string]struct {
			kind, actor string
			bump        int64
			body        func() any
			found       string
		}{
			"a look at what is hidden": {gate.KindViewed, father.Ledger(), 0, func() any {
				return gate.AccessBody{Items: []string{"weekly_score"}, Age: "child", Strength: 1}
			}, "verdict "},
			"a look that is denied for another reason": {gate.KindViewDenied, father.Ledger(), 0, func() any {
				return gate.AccessBody{Items: []string{"weekly_score"}, Age: "child", Strength: 1, Reasons: []gate.Denial{{Code: "gate.access_grown", Article: "2"}}}
			}, "verdict "},
			"an app hides it": {shield.KindRaised, s.App.Ledger(), 1, func() any {
				return shield.RaisedBody{Shield: waits.ID, Guardian: father.ID, Until: now() + 30*day, Pair: pair}
			}, "impossible actor"},
			"a restore hides it that was none": {shield.KindRaised, officer.Ledger(), 1, func() any {
				return shield.RaisedBody{Shield: waits.ID, Guardian: father.ID, Until: now() + 30*day, Again: true}
			}, "impossible actor"},
			"it is hidden though nobody has asked": {shield.KindRaised, officer.Ledger(), 1, func() any {
				return shield.RaisedBody{Shield: id.New(id.Shield), Guardian: father.ID, Until: now() + 30*day, Pair: pair}
			}, "impossible shield"},
			"it is hidden for longer than was asked": {shield.KindRaised, officer.Ledger(), 1, func() any {
				return shield.RaisedBody{Shield: waits.ID, Guardian: father.ID, Until: now() + 90*day, Pair: pair}
			}, "impossible shield"},
			"it is hidden from nobody": {shield.KindRaised, officer.Ledger(), 1, func() any {
				return shield.RaisedBody{Shield: waits.ID, Guardian: family.GuardianID(id.New(id.Guardian)), Until: now() + 30*day, Pair: pair}
			}, "impossible guardian"},
			"it is hidden from who is tied anew, which nobody has decided": {family.KindGuardianAdded, s.App.Ledger(), 1, func() any {
				return family.GuardianAddedBody{Guardian: family.GuardianID(id.New(id.Guardian)), Relation: family.Parent, Known: []string{}, HiddenBy: waits.ID}
			}, "impossible shield"},
			"it is hidden from who has proved to be somebody, which nobody has decided": {family.KindGuardianProved, s.App.Ledger(), 1, func() any {
				return family.GuardianProvedBody{Guardian: father.ID, Kind: family.Adulthood, Method: family.Played, Strength: family.NameAndNumber, HiddenBy: waits.ID}
			}, "impossible shield"},
			"it is refused once it is hidden": {shield.KindRefused, officer.Ledger(), 1, func() any { return shield.RefusedBody{Shield: raised.ID, Pair: pair} }, "impossible shield"},
			"who has asked refuses it": {shield.KindRefused, manager.Ledger(), 1, func() any {
				return shield.RefusedBody{Shield: waits.ID, Pair: approval.Pair{Person: manager.Version, Asker: manager.Version, Catalog: pair.Catalog}}
			}, "impossible actor"},
			"two refuse it of whom none holds an office": {shield.KindRefused, second.Ledger(), 1, func() any {
				return shield.RefusedBody{Shield: waits.ID, Pair: approval.Pair{Person: second.Version, Asker: manager.Version, Catalog: pair.Catalog}}
			}, "impossible actor"},
			"an app reads what was written": {shield.KindShown, s.App.Ledger(), 1, func() any { return shield.ShownBody{Shield: raised.ID} }, "impossible actor"},
			"it is over before its time":    {shield.KindOver, actorOfSweeps, 1, func() any { return shield.OverBody{Shield: raised.ID} }, "impossible shield"},
			"an app shows it again":         {shield.KindLifted, s.App.Ledger(), 1, func() any { return shield.LiftedBody{Shield: raised.ID} }, "impossible actor"},
			"what isn't hidden is shown":    {shield.KindLifted, officer.Ledger(), 1, func() any { return shield.LiftedBody{Shield: waits.ID} }, "impossible shield"},
			"it is asked for twice": {shield.KindAsked, manager.Ledger(), 1, func() any {
				return shield.AskedBody{Shield: id.New(id.Shield), Guardian: father.ID, Reason: shield.Abuse, Days: 30, Due: now() + day}
			}, "impossible shield"},
			"it is asked for a hundred days": {shield.KindAsked, manager.Ledger(), 1, func() any {
				return shield.AskedBody{Shield: id.New(id.Shield), Guardian: father.ID, Reason: shield.Abuse, Days: 100, Due: now() + day}
			}, "body shield"},
			"a demand of the threat that is answered by itself": {rights.KindReceived, father.Ledger(), 1, func() any {
				return rights.ReceivedBody{Request: id.New(id.Rights), Number: "7K2M-9QXT", Kind: rights.Access, Door: rights.ByGuardian, Guardian: father.ID, Due: now() + day, Fetch: now() + day}
			}, "body demand"},
		} {
			forgery(t, name, s.once(t, func() { s.forge(s.mei, f.bump, f.kind, f.actor, f.body()) }), f.found)
		}
		// Of a tie that ends while something is hidden from it, by what the person is known again is kept until that is over.
		ends := func(also func(ctx context.Context, tx *db.Tx) error) replay.Report {
			return s.once(t, func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					c, err := family.Lock(ctx, tx, service, s.mei.ID)
					if err == nil {
						_, err = family.Prove(ctx, tx, s.Ring, s.App.Ledger(), c, father.ID, family.Evidence{Kind: family.Adulthood, Method: family.Played,
							Strength: family.NameAndNumber, Identity: family.IdentityHash(s.Ring, c.ID, pii.New("11010519491231002X"))})
					}
					if err == nil {
						c, err = family.Lock(ctx, tx, service, s.mei.ID)
					}
					if err == nil {
						_, _, err = family.EndGuardian(ctx, tx, s.App, c, father.ID)
					}
					if err == nil {
						err = also(ctx, tx)
					}
					return err
				})
			})
		}
		lift := func(ctx context.Context, tx *db.Tx) error {
			_, _, err := shield.Lift(ctx, tx, s.Ring, staff.Acting{Person: officer, Action: staff.DecideShield}, service, raised.ID)
			return err
		}
		for name, also := range map[string]func(context.Context, *db.Tx) error{"a tie ends": func(context.Context, *db.Tx) error { return nil }, "it is lifted then": lift} {
			if report := ends(also); len(report.Differences) > 0 {
				t.Errorf("%s: %v", name, report.Differences)
			}
		}
		found(t, "nobody knows any more who the threat was", ends(func(ctx context.Context, tx *db.Tx) error {
			n, err := tx.Exec(ctx, `UPDATE guardian SET hidden_who = NULL WHERE hidden_who IS NOT NULL`)
			if err == nil && n != 1 {
				t.Errorf("%d were known", n)
			}
			return err
		}), "row_differs guardian hidden_who")
		forgery(t, "who it was is kept of somebody from whom nothing is hidden", s.once(t, func() {
			s.do(lift)
			s.forge(s.mei, 1, family.KindGuardianEnded, s.App.Ledger(), family.GuardianEndedBody{Guardian: father.ID, Remembered: true})
		}), "impossible shield")
		s.replays(t)
	})
}
