package message_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/rights"
	"wardkeep/internal/shield"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// Edge case 22: a guardian from whom what is held is hidden isn't told what the child or the other
// guardian does, also not of what was on its way when that was decided; of its own it hears,
// and the other guardian of everything.
func TestEdgeCase22_WhoIsTheThreatHearsOfNobody(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child, hers, _ := parents(d)
		demands := rights.Desk{Ring: d.Ring, Charters: d.Desk.Charters, Calendar: workday.Default()}
		d.change(child, func(ctx context.Context, tx *db.Tx, c family.Child) error {
			_, _, err := demands.Receive(ctx, tx, d.App, c, rights.Demand{Kind: rights.Close, Door: rights.ByChild})
			return err
		})
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			terminal := catalog.Operator{ID: "test"}
			g, err := staff.OfOffice(ctx, tx, vaulttest.Service, d.Officer.ID)
			if err != nil {
				return err
			}
			officer, err := staff.Add(ctx, tx, terminal, "林静", g)
			if err != nil {
				return err
			}
			manager, err := staff.Add(ctx, tx, terminal, "韩梅梅", staff.Grant{Role: staff.Manager, Service: vaulttest.Service})
			if err != nil {
				return err
			}
			asked, _, err := shield.Ask(ctx, tx, d.Ring, workday.Default(), staff.Acting{Person: manager, Action: staff.AskShield}, vaulttest.Service, child.ID,
				shield.Asking{Guardian: hers.Guardian, Reason: shield.ChildAsks, Days: 1, Text: pii.New("孩子害怕")})
			if err == nil {
				_, _, err = shield.Raise(ctx, tx, d.Ring, staff.Acting{Person: officer, Action: staff.DecideShield}, vaulttest.Service, asked.ID)
			}
			return err
		})
		d.told("request.erasure_asked " + fatherPhone)
		d.add(child, family.Person{Phone: pii.New("13700137000"), Relation: family.Grandparent})
		d.told("guardian.contact_added " + fatherPhone)
		d.change(child, func(ctx context.Context, tx *db.Tx, c family.Child) error {
			_, _, err := demands.Receive(ctx, tx, d.App, c, rights.Demand{Kind: rights.Correct, Door: rights.ByGuardian, Guardian: hers.Guardian, Item: "remarks", Text: pii.New("不对")})
			return err
		})
		d.told("request.received " + motherPhone)
		d.change(child, func(ctx context.Context, tx *db.Tx, c family.Child) error {
			letters := d.farewell.Erased(ctx, tx, c, family.UseEnded, "c0ffee", nil)
			for _, m := range letters {
				if leads := strings.Contains(m.Text.Reveal(), "c0ffee"); leads != strings.HasSuffix(m.To.Reveal(), fatherPhone) {
					t.Errorf("the certificate, which names what was held, goes to the threat, or to nobody: %v", leads)
				}
			}
			if len(letters) != 2 {
				t.Errorf("%d letters", len(letters))
			}
			return nil
		})
		d.Pass(25 * time.Hour)
		d.told() // and isn't told later
	})
}
