package family_test

import (
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
)

// The whole rule: what adulthood and guardianship support together.
func TestEdgeCase24_AdulthoodAndGuardianshipAreTwoProofs(t *testing.T) {
	const none, number, official, document = family.Unproved, family.NameAndNumber, family.OfficialIdentity, family.Document
	for _, c := range []struct{ adulthood, guardianship, want family.Strength }{
		{none, none, none},
		{number, none, number},
		{official, none, official},
		{document, none, official}, // grown up, as declared
		{none, document, none},     // somebody's guardian, and nobody knows whether grown up
		{number, document, document},
		{official, document, document},
		{document, document, document},
		{document, number, official}, // no provider knows kinship
	} {
		if got := family.Supported(c.adulthood, c.guardianship); got != c.want {
			t.Errorf("%d and %d support %d, want %d", c.adulthood, c.guardianship, got, c.want)
		}
	}
}

func (w *world) prove(c family.ID, g family.GuardianID, found ...family.Evidence) (out family.Guardian, err error) {
	err = w.with(c, func(tx *db.Tx, c family.Child) (err error) {
		out, err = family.Prove(w.ctx, tx, w.ring, "system:test", c, g, found...)
		return err
	})
	return out, err
}

func TestEdgeCase24_AProofComesAfterACodeAndBeforeAStrongerOne(t *testing.T) {
	each(t, func(w *world) {
		c, g := w.enrol(w.enrolment("1"))
		adult := family.Evidence{Kind: family.Adulthood, Method: family.ByOfficial, Strength: family.OfficialIdentity}
		_, err := w.prove(c.ID, g.ID, adult)
		w.is(err, family.ErrTooWeak)
		w.verify(c.ID, g.ID, family.OneTimeCode)
		if g, err = w.prove(c.ID, g.ID, adult); err != nil || g.Strength != family.OfficialIdentity || !g.MayAnswer() {
			w.Fatalf("%+v, %v", g, err)
		}
		weaker := family.Evidence{Kind: family.Adulthood, Method: family.ByNumber, Strength: family.NameAndNumber}
		if g, err = w.prove(c.ID, g.ID, weaker); err != nil || g.Strength != family.OfficialIdentity {
			w.Errorf("a weaker one: %+v, %v", g, err)
		}
		for _, s := range []family.Strength{family.Unproved, family.OneTimeCode, 5} {
			_, err = w.prove(c.ID, g.ID, family.Evidence{Kind: family.Adulthood, Method: family.ByNumber, Strength: s})
			w.is(err, family.ErrStrength)
		}
		past := adult
		past.ExpiresAt = time.Unix(1, 0)
		_, err = w.prove(c.ID, g.ID, past)
		w.is(err, family.ErrProofExpiry)
	})
}

// Who writes to the table by hand can't put one person's identity in another's
// place: it is bound to child, guardian and kind.
func TestEdgeCase24_AnIdentityIsBoundToItsProof(t *testing.T) {
	each(t, func(w *world) {
		c, g := w.enrol(w.enrolment("1"))
		d, h := w.enrol(w.enrolment("2"))
		hash := family.IdentityHash(w.ring, c.ID, pii.New("11010519491231002X"))
		if string(hash) == string(family.IdentityHash(w.ring, d.ID, pii.New("11010519491231002X"))) {
			w.Error("one person's hash is one of two children")
		}
		for child, guardian := range map[family.ID]family.GuardianID{c.ID: g.ID, d.ID: h.ID} {
			w.verify(child, guardian, family.OneTimeCode)
			if _, err := w.prove(child, guardian, family.Evidence{Kind: family.Adulthood, Method: family.ByNumber, Strength: family.NameAndNumber,
				Identity: family.IdentityHash(w.ring, child, pii.New("11010519491231002X"))}); err != nil {
				w.Fatal(err)
			}
		}
		identity := func() (known []byte, err error) {
			err = w.store.Update(w.ctx, func(tx *db.Tx) error {
				child, err := family.Find(w.ctx, tx, c.Service, c.ID)
				if err != nil {
					return err
				}
				proofs, err := family.Proofs(w.ctx, tx, c.ID)
				if err != nil {
					return err
				}
				known, err = family.IdentityOf(w.ring, child, proofs, g.ID)
				return err
			})
			return known, err
		}
		if known, err := identity(); err != nil || string(known) != string(hash) {
			w.Errorf("%v", err)
		}
		w.do(func(tx *db.Tx) error {
			_, err := tx.Exec(w.ctx, `UPDATE proof SET sealed = (SELECT sealed FROM proof WHERE child = $1) WHERE child = $2`, d.ID, c.ID)
			return err
		})
		if _, err := identity(); err == nil {
			w.Error("another's identity is taken")
		}
	})
}
