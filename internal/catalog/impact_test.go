package catalog_test

import (
	"context"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/impact"
	"wardkeep/internal/impact/impacttest"
)

// sign has the office sign a form.
func (d *desk) sign(by catalog.Officer, number int64, f impact.Form, until time.Time) (a catalog.Assessment, err error) {
	d.Helper()
	err = d.try(func(ctx context.Context, tx *db.Tx) (err error) {
		a, _, err = catalog.Assess(ctx, tx, d.ring, by, "stories", number, f, until)
		return err
	})
	return a, err
}

// lacks are the purposes of a version that lack an assessment, and why.
func (d *desk) lacks(number int64) map[string]catalog.Lack {
	d.Helper()
	all := make(map[string]catalog.Lack)
	d.do(func(ctx context.Context, tx *db.Tx) error {
		_, c, err := catalog.Text(ctx, tx, "stories", number)
		if err != nil {
			return err
		}
		lacking, err := catalog.Unassessed(ctx, tx, d.ring, "stories", number, c)
		for _, s := range lacking {
			all[s.Purpose] = s.Lack
		}
		return err
	})
	return all
}

func (d *desk) publishes(by catalog.Officer, number int64) error {
	return d.try(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := catalog.Publish(ctx, tx, d.ring, by, "stories", number)
		return err
	})
}

// PIPL 55: no purpose comes into force without an assessment that has passed and isn't out
// of date, and that is of the purpose as it is: a material change takes a new one, and
// nothing else does.
func TestArticle7_NoPurposeIsPublishedUnassessed(t *testing.T) {
	each(t, func(d *desk) {
		d.create()
		li := d.appoint(catalog.RoleOfficer, "Li")
		c := stories(d, nil)
		first := d.propose(c).Number
		never := map[string]catalog.Lack{"bookshelf": catalog.NeverAssessed, "reading-aloud": catalog.NeverAssessed}
		same(d, "nothing was assessed", never, d.lacks(first))
		wants(d, "publish", d.publishes(li, first), catalog.ErrUnassessed)

		_, err := d.sign(li, first, impacttest.Form(c, "bookshelf"), time.Time{})
		wants(d, "sign one", err, nil)
		wants(d, "publish with one of two", d.publishes(li, first), catalog.ErrUnassessed)
		bad := impacttest.Form(c, "reading-aloud")
		bad.Necessary.Holds = false
		_, err = d.sign(li, first, bad, time.Time{})
		wants(d, "sign what doesn't pass", err, nil)
		same(d, "it doesn't pass", map[string]catalog.Lack{"reading-aloud": catalog.NotPassed}, d.lacks(first))
		wants(d, "publish what doesn't pass", d.publishes(li, first), catalog.ErrUnassessed)
		d.now = d.now.Add(time.Minute)
		_, err = d.sign(li, first, impacttest.Form(c, "reading-aloud"), d.now.AddDate(0, 0, 30))
		wants(d, "sign it anew", err, nil)
		wants(d, "publish", d.publishes(li, first), nil)

		// Other words that were signed off don't matter, nor does what else changes; and what was
		// assessed stands for what comes after them.
		words := stories(d, func(c *charter.Charter) {
			c.Purposes[1].Manner.EN += " Indeed."
			c.SignedOff = &charter.SignedOff{Previous: stories(d, nil).Hash(), By: "officer", On: "2026-01-01", Paths: []string{"purposes/reading-aloud/manner"}}
		})
		second := d.propose(words).Number
		same(d, "other words", map[string]catalog.Lack{}, d.lacks(second))
		wants(d, "publish other words", d.publishes(li, second), nil)
		rules := *words
		rules.SignedOff = nil
		rules.Rules = map[charter.Lang]string{charter.Chinese: words.Rules[charter.Chinese] + "\n\n又一条。", charter.English: words.Rules[charter.English] + "\n\nOne more."}
		third := d.propose(&rules).Number
		same(d, "other rules", map[string]catalog.Lack{}, d.lacks(third))

		longer := stories(d, longer(d, "60d"))
		fourth := d.propose(longer).Number
		same(d, "kept longer", map[string]catalog.Lack{"reading-aloud": catalog.Changed}, d.lacks(fourth))
		wants(d, "publish what is kept longer", d.publishes(li, fourth), catalog.ErrUnassessed)

		// It is good until its end, and what goes on goes on.
		d.now = d.now.AddDate(0, 0, 30)
		same(d, "out of date", map[string]catalog.Lack{"reading-aloud": catalog.Expired}, d.lacks(third))
		wants(d, "publish what is out of date", d.publishes(li, third), catalog.ErrUnassessed)
		if s := d.find(); s.Charter != second || len(s.Missing()) != 1 { // the deputy
			d.Errorf("what was in force isn't: %+v", s)
		}
		cache := catalog.NewCache(4)
		d.do(func(ctx context.Context, tx *db.Tx) error {
			n, err := catalog.CountUnassessed(ctx, tx, d.ring, cache)
			if n != 1 {
				d.Errorf("%d are counted", n)
			}
			return err
		})
	})
}

// Who signs holds the office at that moment, and what they sign is of a version that is in
// force or waits, and for three years at most.
func TestArticle7_WhoSignsAnAssessmentAndOfWhat(t *testing.T) {
	each(t, func(d *desk) {
		d.create()
		li := d.appoint(catalog.RoleOfficer, "Li")
		c := stories(d, nil)
		number := d.propose(c).Number
		f := impacttest.Form(c, "bookshelf")
		try := func(what string, by catalog.Officer, number int64, f impact.Form, until time.Time, want error) {
			d.Helper()
			_, err := d.sign(by, number, f, until)
			wants(d, what, err, want)
		}
		try("nobody", catalog.Officer{Service: "stories"}, number, f, time.Time{}, catalog.ErrNotInOffice)
		try("no version", li, 9, f, time.Time{}, catalog.ErrVersionNotFound)
		try("no purpose", li, number, impact.Form{Purpose: "sales"}, time.Time{}, catalog.ErrImpactInvalid)
		try("until now", li, number, f, d.now, catalog.ErrImpactUntil)
		try("for more than three years", li, number, f, d.now.AddDate(3, 0, 1), catalog.ErrImpactUntil)
		try("for three years", li, number, f, d.now.AddDate(3, 0, 0), nil)
		other := impacttest.Form(stories(d, longer(d, "60d")), "reading-aloud")
		try("about another version", li, number, other, time.Time{}, catalog.ErrImpactInvalid)
		next := d.propose(stories(d, longer(d, "60d"))).Number
		try("about one that waits", li, next, other, time.Time{}, nil)
		d.publish(li, next)
		try("about a former one", li, number, f, time.Time{}, catalog.ErrOutdated)
		former := li
		d.appoint(catalog.RoleOfficer, "Zhao")
		try("the former one", former, next, other, time.Time{}, catalog.ErrNotInOffice)
	})
}

// What an assessment says comes back as it was signed; and no charter comes into force by a
// row that was written by hand.
func TestInvariant7_AnAssessmentThatWasChangedByHandIsNone(t *testing.T) {
	each(t, func(d *desk) {
		d.create()
		li := d.appoint(catalog.RoleOfficer, "Li")
		c := stories(d, nil)
		number := d.propose(c).Number
		d.assess(li, number)
		d.now = d.now.Add(time.Minute)
		f := impacttest.Form(c, "bookshelf")
		f.Effect = "又一次。"
		f.Lawful.Holds = false
		a, err := d.sign(li, number, f, time.Time{})
		wants(d, "sign", err, nil)
		d.do(func(ctx context.Context, tx *db.Tx) error {
			b, read, err := catalog.FindAssessment(ctx, tx, d.ring, "stories", a.ID)
			if read.Effect != f.Effect || b.Outcome != impact.NotPassed || len(read.Risks) != len(f.Risks) {
				d.Errorf("%+v %+v", b, read)
			}
			return err
		})
		for _, change := range []string{`outcome = 'passed'`, `until = until + 1`, `described = 'x'`, `charter = 7`, `form = salt`} {
			err := d.try(func(ctx context.Context, tx *db.Tx) error {
				if _, err := tx.Exec(ctx, `UPDATE impact SET `+change+` WHERE service = $1 AND id = $2`, "stories", a.ID); err != nil {
					return err
				}
				if _, _, err := catalog.Publish(ctx, tx, d.ring, li, "stories", number); err != nil {
					return err
				}
				return nil
			})
			wants(d, change, err, catalog.ErrUnassessed)
		}
		for _, change := range []string{`until = until + 1`, `form = salt`} {
			d.do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE impact SET `+change+` WHERE service = $1 AND id = $2`, "stories", a.ID)
				if err != nil {
					return err
				}
				_, _, err = catalog.FindAssessment(ctx, tx, d.ring, "stories", a.ID)
				wants(d, "read what was changed: "+change, err, catalog.ErrDamaged)
				return nil
			})
		}
	})
}
