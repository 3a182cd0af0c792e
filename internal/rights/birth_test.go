package rights_test

import (
	"context"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault/vaulttest"
)

func (w *world) deputy() catalog.Officer {
	w.t.Helper()
	var staff []catalog.Officer
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		staff, err = catalog.InOffice(ctx, tx, vaulttest.Service)
		return err
	})
	return staff[1]
}

// born is a document by which somebody is so many years old today.
func (w *world) born(years int) rights.Seen {
	at := w.Store.Now().AddDate(-years, 0, -2)
	return rights.Seen{Paper: rights.BirthCertificate, Number: pii.New("T330123456"), Birth: age.Birth{Year: at.Year(), Month: int(at.Month()), Day: at.Day()}}
}

func (w *world) claim(by catalog.Officer, c family.Child, seen rights.Seen) (claim rights.Claim, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		claim, _, err = w.desk.ClaimOlder(ctx, tx, by, c, seen)
		return err
	})
	return claim, err
}

func (w *world) approve(by catalog.Officer, claim string, seen rights.Seen) (c family.Child, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		c, _, err = w.desk.ApproveOlder(ctx, tx, by, vaulttest.Service, claim, seen)
		return err
	})
	return c, err
}

func (w *world) isOfClass(c family.Child, want age.Class) {
	w.t.Helper()
	now, err := w.child(c)
	if err != nil {
		w.t.Fatal(err)
	}
	if b, err := now.Birth(w.Ring); err != nil || b.ClassAt(w.Store.Now()) != want {
		w.t.Errorf("the child isn't %s: %v", want, err)
	}
}

// Edge case 3: a child becomes older by a document that two have seen, each for itself;
// then all that hangs on its age follows at once.
func TestEdgeCase3_OlderByADocumentThatTwoHaveSeen(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, deputy, seen := w.Child(), w.deputy(), w.born(14)
		claim, err := w.claim(w.Officer, c, seen)
		if err != nil || !claim.ExpiresAt.Equal(claim.ClaimedAt.Add(7*day)) {
			t.Fatalf("%+v, %v", claim, err)
		}
		w.isOfClass(c, age.Child) // it changes nothing yet
		_, err = w.claim(deputy, c, seen)
		refuses(t, "a second claim", err, rights.ErrClaimed)
		_, err = w.approve(w.Officer, claim.ID, seen)
		refuses(t, "by who has seen it first", err, rights.ErrSecondPerson)
		gone := deputy
		gone.EndedAt = w.Store.Now()
		_, err = w.approve(gone, claim.ID, seen)
		refuses(t, "by who is out of office", err, rights.ErrMayNot)
		for _, other := range []rights.Seen{
			{Paper: rights.Passport, Number: seen.Number, Birth: seen.Birth},
			{Paper: seen.Paper, Number: pii.New("T330123457"), Birth: seen.Birth},
			{Paper: seen.Paper, Number: seen.Number, Birth: w.born(13).Birth},
		} {
			_, err = w.approve(deputy, claim.ID, other)
			refuses(t, "another document", err, rights.ErrSeenOther)
		}
		_, err = w.approve(deputy, "bc_00000000000000000000000000", seen)
		refuses(t, "another claim", err, rights.ErrClaim)
		w.isOfClass(c, age.Child)
		now, err := w.approve(deputy, claim.ID, seen)
		if err != nil || now.BirthFrom != family.FromDocument {
			t.Fatal(err)
		}
		w.isOfClass(c, age.Minor)
		if stored, err := w.child(c); err != nil || stored.Aged != family.AgedTurned {
			t.Errorf("that it has turned 14 isn't told: %v, %v", stored.Aged, err)
		}
		_, err = w.approve(deputy, claim.ID, seen)
		refuses(t, "twice", err, rights.ErrClaim)

		// The document has decided: nobody's word makes a child of it again.
		err = w.Try(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, vaulttest.Service, c.ID)
			if err == nil {
				_, _, err = family.Correct(ctx, tx, w.Ring, w.App, c, w.born(10).Birth, family.FromApp)
			}
			return err
		})
		refuses(t, "younger by word", err, family.ErrByDocument)
		w.isOfClass(c, age.Minor)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, _, err := w.Desk.Ask(ctx, tx, w.App, c, consent.Asking{Minor: true, Channel: consent.Link, Locale: "en"})
			return err
		})
		again := w.born(10)
		if claim, err = w.claim(deputy, c, again); err == nil {
			_, err = w.approve(w.Officer, claim.ID, again)
		}
		if err != nil {
			t.Errorf("younger by another document: %v", err)
		}
		w.isOfClass(c, age.Child)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			var all []family.Guardian
			err := tx.Together(ctx, family.ReadGuardians(&all, c.ID))
			for _, g := range all {
				if (g.Relation == family.Self) == g.EndedAt.IsZero() {
					t.Errorf("%s of who is a child again ended at %v", g.Relation, g.EndedAt)
				}
			}
			return err
		})
	})
}

func TestEdgeCase3_AClaimEndsWithoutTheSecondPerson(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, other, deputy, seen := w.Child(), w.Child(), w.deputy(), w.born(12)
		late, err := w.claim(w.Officer, c, seen)
		if err != nil {
			t.Fatal(err)
		}
		refused, err := w.claim(deputy, other, seen)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.desk.RefuseOlder(ctx, tx, w.Officer, vaulttest.Service, refused.ID)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		_, err = w.approve(w.Officer, refused.ID, seen)
		refuses(t, "what was refused", err, rights.ErrClaim)
		w.Pass(7*day + time.Second)
		_, err = w.approve(deputy, late.ID, seen)
		refuses(t, "too late", err, rights.ErrClaimOver)
		again, err := w.claim(w.Officer, c, seen) // the sweep isn't needed for it
		if err != nil {
			t.Fatal(err)
		}
		w.Pass(7*day + time.Second)
		if done := w.sweep(); done.Claims != 1 {
			t.Errorf("%+v", done)
		}
		_, err = w.approve(deputy, again.ID, seen)
		refuses(t, "after the sweep", err, rights.ErrClaim)

		pending, err := w.claim(w.Officer, other, seen)
		if err != nil {
			t.Fatal(err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Erase(ctx, tx, w.App.Ledger(), vaulttest.Service, other.ID, family.UseEnded)
			return err
		})
		_, err = w.approve(deputy, pending.ID, seen)
		refuses(t, "of an erased child", err, rights.ErrClaim)
		_, err = w.claim(w.Officer, other, seen)
		refuses(t, "about an erased child", err, family.ErrErased)
	})
}

func TestEdgeCase3_WhatIsNoClaim(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		foreign := w.Officer
		foreign.Service = "another"
		for what, bad := range map[string]struct {
			by     catalog.Officer
			change func(*rights.Seen)
			want   error
		}{
			"another service's officer": {foreign, func(*rights.Seen) {}, rights.ErrMayNot},
			"no document":               {w.Officer, func(s *rights.Seen) { s.Paper = "" }, rights.ErrPaper},
			"hearsay":                   {w.Officer, func(s *rights.Seen) { s.Paper = "school" }, rights.ErrPaper},
			"no number":                 {w.Officer, func(s *rights.Seen) { s.Number = pii.Text{} }, rights.ErrPaperNumber},
			"a number in two lines":     {w.Officer, func(s *rights.Seen) { s.Number = pii.New("1\n2") }, rights.ErrPaperNumber},
			"no birth date":             {w.Officer, func(s *rights.Seen) { s.Birth = age.Birth{} }, family.ErrNoBirth},
			"a day that isn't":          {w.Officer, func(s *rights.Seen) { s.Birth = age.Birth{Year: 2012, Month: 2, Day: 31} }, age.ErrImpossible},
			"not born yet":              {w.Officer, func(s *rights.Seen) { s.Birth.Year += 100 }, family.ErrBirthFuture},
			"grown up":                  {w.Officer, func(s *rights.Seen) { s.Birth.Year -= 10 }, family.ErrGrown},
		} {
			seen := w.born(14)
			bad.change(&seen)
			_, err := w.claim(bad.by, c, seen)
			refuses(t, what, err, bad.want)
		}
	})
}
