package message_test

import (
	"context"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
)

func (d *desk) unverify(child family.Child, guardian family.GuardianID) {
	d.t.Helper()
	d.change(child, func(ctx context.Context, tx *db.Tx, c family.Child) error {
		_, _, err := d.Desk.Unverify(ctx, tx, d.App, c, guardian)
		return err
	})
}

// Edge case 24: of whom nothing is proved, nothing is taken back, and nobody is
// told that it was, however often the operator's app says so.
func TestEdgeCase24_NothingIsTakenBackTwice(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child, _, his := parents(d)
		aunt := d.add(child, family.Person{Phone: father.Phone, Relation: family.LegalGuardian})
		d.tell()
		for range 5 {
			d.unverify(child, aunt.ID)
		}
		d.told()
		for range 5 {
			d.unverify(child, his.Guardian)
		}
		d.told("guardian.unverified "+fatherPhone, "guardian.other_unverified "+motherPhone)
		d.Pass(time.Hour)
		d.verify(&his)
		for range 5 {
			d.unverify(child, his.Guardian)
		}
		d.told("guardian.unverified "+fatherPhone, "guardian.other_unverified "+motherPhone)
	})
}
