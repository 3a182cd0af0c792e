package family_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
)

// Edge cases 8, 10 and 11: who may answer.
func TestEdgeCase11_WhoMayAnswer(t *testing.T) {
	verified := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	least := map[family.Relation]family.Strength{ // from which strength on; 0 = never
		family.Parent: family.OneTimeCode, family.LegalGuardian: family.OneTimeCode, family.Institution: family.Document,
		family.Grandparent: 0, family.Teacher: 0, family.Other: 0, "": 0, "friend": 0,
	}
	for relation, from := range least {
		for s := family.Unproved; s <= family.Document; s++ {
			g := family.Guardian{ID: "gu_1", Child: "ch_1", Relation: relation, Strength: s, VerifiedAt: verified}
			want := from > 0 && s >= from
			if g.MayAnswer() != want {
				t.Errorf("%q with strength %d may answer: %v, want %v", relation, s, !want, want)
			}
			ended := g
			ended.EndedAt = verified
			unproved := g
			unproved.VerifiedAt = time.Time{}
			if ended.MayAnswer() || unproved.MayAnswer() {
				t.Errorf("%q with strength %d: ended %v, unverified %v may answer", relation, s, ended.MayAnswer(), unproved.MayAnswer())
			}
		}
		if relation.MaySpeak() != (from > 0) {
			t.Errorf("%q may speak: %v", relation, relation.MaySpeak())
		}
	}
	if (family.Guardian{}).MayAnswer() {
		t.Error("the zero Guardian may answer")
	}
}

func (w *world) verify(child family.ID, g family.GuardianID, s family.Strength) (out family.Guardian, err error) {
	err = w.with(child, func(tx *db.Tx, c family.Child) (err error) {
		out, err = family.VerifyGuardian(w.ctx, tx, "system:test", c, g, s)
		return err
	})
	return out, err
}

// Edge case 24: strengths of verification.
func TestEdgeCase24_AWeakerProofTakesNothingAway(t *testing.T) {
	each(t, func(w *world) {
		c, g := w.enrol(w.enrolment("ref-1"))
		for _, step := range []struct{ prove, want family.Strength }{
			{family.OneTimeCode, family.OneTimeCode}, {family.OfficialIdentity, family.OfficialIdentity},
			{family.NameAndNumber, family.OfficialIdentity}, {family.OneTimeCode, family.OfficialIdentity}, {family.Document, family.Document},
		} {
			w.pass(time.Minute)
			got, err := w.verify(c.ID, g.ID, step.prove)
			if err != nil || got.Strength != step.want || got != w.guardians(c.ID)[0] || !got.MayAnswer() {
				t.Errorf("after %d: %+v, %v", step.prove, got, err)
			}
		}
		for _, s := range []family.Strength{-1, family.Unproved, 5} {
			_, err := w.verify(c.ID, g.ID, s)
			w.is(err, family.ErrStrength)
		}
		_, err := w.verify(c.ID, "gu_nobody", family.Document)
		w.is(err, family.ErrGuardianNotFound)
		if n := strings.Count(strings.Join(w.entries(), "\n"), family.KindGuardianVerified); n != 3 {
			t.Errorf("%d verifications recorded, want 3", n)
		}
		// A proof that turned out to be worth nothing is taken back in so many words,
		// once: of whom nothing is proved, nothing can be taken back.
		for i, recorded := range []bool{true, false, false} {
			w.must(c.ID, func(tx *db.Tx, c family.Child) error {
				after, entry, err := family.ReverifyGuardian(w.ctx, tx, app{}, c, g.ID, family.Unproved)
				if after.ID != g.ID || after.MayAnswer() || !after.VerifiedAt.IsZero() {
					t.Error("a guardian without proof may answer")
				}
				if (entry != "") != recorded {
					t.Errorf("time %d: entry %q", i+1, entry)
				}
				return err
			})
		}
		if n := strings.Count(strings.Join(w.entries(), "\n"), family.KindGuardianVerified); n != 4 {
			t.Errorf("%d entries about proofs, want 4", n)
		}
	})
}

// Edge case 10: an institution acts through a named person, and by a document.
func TestEdgeCase10_AnInstitutionNeedsItsOfficer(t *testing.T) {
	each(t, func(w *world) {
		e := w.enrolment("ref-1")
		e.Guardian.Relation, e.Guardian.Name = family.Institution, pii.Text{}
		c, g := w.enrol(e)
		_, err := w.verify(c.ID, g.ID, family.Document)
		w.is(err, family.ErrNoOfficer)
		err = w.with(c.ID, func(tx *db.Tx, c family.Child) error {
			_, _, err := family.ReverifyGuardian(w.ctx, tx, app{}, c, g.ID, family.Document)
			return err
		})
		w.is(err, family.ErrNoOfficer)
		var named family.Guardian
		w.must(c.ID, func(tx *db.Tx, c family.Child) (err error) {
			p := mother()
			p.Relation = family.Institution
			named, _, err = family.AddGuardian(w.ctx, tx, w.ring, app{}, c, p)
			return err
		})
		if got, err := w.verify(c.ID, named.ID, family.OfficialIdentity); err != nil || got.MayAnswer() {
			t.Errorf("an institution may answer without a document: %v", err)
		}
		if got, err := w.verify(c.ID, named.ID, family.Document); err != nil || !got.MayAnswer() {
			t.Errorf("an institution with document and officer may not answer: %v", err)
		}
	})
}

// Edge cases 8 and 9: old access ends at once, and nothing leads to or shows the
// former guardian.
func TestEdgeCase8_AFormerGuardianIsOutAtOnce(t *testing.T) {
	each(t, func(w *world) {
		c, g := w.enrol(w.enrolment("ref-1"))
		if _, err := w.verify(c.ID, g.ID, family.Document); err != nil {
			t.Fatal(err)
		}
		end := func(tx *db.Tx, c family.Child) error {
			ended, _, err := family.EndGuardian(w.ctx, tx, app{}, c, g.ID)
			if err == nil && (ended.EndedAt.IsZero() || ended.MayAnswer()) {
				t.Error("the guardian is still in office")
			}
			return err
		}
		w.must(c.ID, end)
		w.is(w.with(c.ID, end), family.ErrGuardianEnded)
		if all := w.guardians(c.ID); len(all) != 1 || all[0].MayAnswer() {
			t.Errorf("guardians: %+v", all)
		}
		_, err := w.verify(c.ID, g.ID, family.Document)
		w.is(err, family.ErrGuardianEnded)
		w.do(func(tx *db.Tx) error {
			_, _, _, err := family.Contact(w.ctx, tx, w.ring, c, g.ID)
			w.is(err, family.ErrGuardianEnded)
			_, err = family.FindGuardian(w.ctx, tx, c.ID, g.ID)
			w.is(err, family.ErrGuardianEnded)
			byPhone, err := family.GuardiansByPhone(w.ctx, tx, w.ring, mother().Phone)
			if err != nil {
				return err
			}
			byEmail, err := family.GuardiansByEmail(w.ctx, tx, w.ring, mother().Email)
			if len(byPhone)+len(byEmail) != 0 {
				t.Error("a former guardian is found by contact")
			}
			return err
		})
		row := w.dump("guardian")[0]
		if row["phone_hash"] != nil || row["email_hash"] != nil {
			t.Error("a keyed hash of a former guardian is left")
		}
	})
}

func TestGuardiansAreFoundHoweverTheirNumberIsTyped(t *testing.T) {
	each(t, func(w *world) {
		c, g := w.enrol(w.enrolment("ref-1"))
		w.do(func(tx *db.Tx) error {
			for _, s := range []string{"13800138000", "+86 138-0013-8000", "008613800138000", "8613800138000", "１３８００１３８０００", " (138) 0013.8000 "} {
				got, err := family.GuardiansByPhone(w.ctx, tx, w.ring, pii.New(s))
				if err != nil || len(got) != 1 || got[0] != g || got[0].Child != c.ID {
					t.Errorf("one way of typing finds %d guardians: %v", len(got), err)
				}
			}
			for _, s := range []string{"", "13800138001", "+1 13800138000", "x"} {
				if got, err := family.GuardiansByPhone(w.ctx, tx, w.ring, pii.New(s)); err != nil || len(got) != 0 {
					t.Errorf("another number finds %d guardians: %v", len(got), err)
				}
			}
			got, err := family.GuardiansByEmail(w.ctx, tx, w.ring, pii.New(" SHUANGHUA@example.COM"))
			if len(got) != 1 {
				t.Errorf("the address in capitals finds %d guardians", len(got))
			}
			return err
		})
	})
}

// Edge case 25: each child is a subject of its own; no consent by proxy, and no
// ciphertext that can be moved.
func TestEdgeCase25_NothingOfOneChildServesForAnother(t *testing.T) {
	each(t, func(w *world) {
		a, ga := w.enrol(w.enrolment("ref-1"))
		b, gb := w.enrol(w.enrolment("ref-2"))
		if ga.ID == gb.ID {
			t.Error("a mother of two is one guardian of both")
		}
		if _, err := w.verify(a.ID, gb.ID, family.Document); err == nil {
			t.Error("a guardian of one child was verified for another")
		}
		ga.Strength, ga.VerifiedAt = family.Document, time.UnixMicro(1)
		err := w.with(b.ID, func(tx *db.Tx, c family.Child) error {
			_, _, err := family.Correct(w.ctx, tx, w.ring, ga, c, birth(t, "2017-05-01"), family.FromGuardian)
			return err
		})
		w.is(err, family.ErrGuardianNotFound)

		move := func(statement string, args ...any) {
			w.do(func(tx *db.Tx) error { _, err := tx.Exec(w.ctx, statement, args...); return err })
		}
		move(`UPDATE guardian SET email = phone WHERE child = $1`, a.ID)
		w.do(func(tx *db.Tx) error {
			if _, _, _, err := family.Contact(w.ctx, tx, w.ring, a, ga.ID); err == nil {
				t.Error("a phone number opened as an e-mail address")
			}
			return nil
		})
		move(`UPDATE guardian SET phone = (SELECT phone FROM guardian WHERE child = $1) WHERE child = $2`, a.ID, b.ID)
		w.do(func(tx *db.Tx) error {
			if _, _, _, err := family.Contact(w.ctx, tx, w.ring, b, gb.ID); err == nil {
				t.Error("a contact of one child opened for another")
			}
			return nil
		})
		move(`UPDATE child SET ref = (SELECT ref FROM child WHERE child = $1) WHERE child = $2`, a.ID, b.ID)
		if _, err := w.find(b.ID).Ref(w.ring); err == nil {
			t.Error("a reference of one child opened for another")
		}
		move(`UPDATE child SET birth = ref WHERE child = $1`, a.ID)
		if _, err := w.find(a.ID).Birth(w.ring); err == nil {
			t.Error("a reference opened as a birth date")
		}
		move(`UPDATE child SET wrapped = (SELECT wrapped FROM child WHERE child = $1) WHERE child = $2`, a.ID, b.ID)
		if _, err := w.find(b.ID).Key(w.ring); err == nil {
			t.Error("the key of one child opened for another")
		}
		// Neither does it serve in another service.
		move(`UPDATE child SET service = 'other' WHERE child = $1`, a.ID)
		w.do(func(tx *db.Tx) error {
			moved, err := family.Find(w.ctx, tx, "other", a.ID)
			if err != nil {
				return err
			}
			if _, err := moved.Ref(w.ring); err == nil {
				t.Error("a reference opened in another service")
			}
			return nil
		})
	})
}

// Edge case 7: one phone or address is one person, and one voice, of a child.
func TestEdgeCase7_OneContactIsOneGuardianOfAChild(t *testing.T) {
	each(t, func(w *world) {
		c, first := w.enrol(w.enrolment("ref-1"))
		other, _ := w.enrol(w.enrolment("ref-2")) // the same phone, of another child
		add := func(c family.Child, p family.Person) (g family.Guardian, entry string, err error) {
			err = w.with(c.ID, func(tx *db.Tx, c family.Child) (err error) {
				g, entry, err = family.AddGuardian(w.ctx, tx, w.ring, app{}, c, p)
				return err
			})
			return g, entry, err
		}
		for name, p := range map[string]family.Person{
			"the phone":   {Phone: pii.New("+86 138 0013 8000"), Relation: family.LegalGuardian},
			"the address": {Email: pii.New("shuanghua@EXAMPLE.com"), Relation: family.Parent},
			"both":        {Phone: pii.New("13800138000"), Email: pii.New("shuanghua@example.com"), Relation: family.Parent},
			"as a friend": {Phone: pii.New("13800138000"), Relation: family.Other},
		} {
			if g, entry, err := add(c, p); err != nil || g.ID != first.ID || g.Relation != family.Parent || entry != "" {
				t.Errorf("%s: %+v %q %v", name, g, entry, err)
			}
		}
		// A contact that isn't on file for her isn't dropped unseen.
		for field, p := range map[string]family.Person{
			"guardian.phone": {Phone: pii.New("13800138001"), Email: pii.New("shuanghua@example.com"), Relation: family.Parent},
			"guardian.email": {Phone: pii.New("13800138000"), Email: pii.New("another@example.com"), Relation: family.Parent},
		} {
			_, _, err := add(c, p)
			if w.is(err, family.ErrContactDiffers); errs.Of(err).Field != field {
				t.Errorf("it is %q that differs, not %q", errs.Of(err).Field, field)
			}
		}
		if n := w.count("guardian"); n != 2 {
			t.Errorf("%d ties of two children", n)
		}
		if _, err := w.verify(c.ID, first.ID, family.OneTimeCode); err != nil {
			t.Fatal(err)
		}
		_, _, err := add(c, family.Person{Phone: pii.New("13800138000"), Relation: family.Parent})
		w.is(err, family.ErrTied)
		if _, entry, err := add(other, family.Person{Phone: pii.New("13800138000"), Relation: family.Parent}); err != nil || entry != "" {
			t.Errorf("what she is to another child: %q %v", entry, err)
		}

		// A contact that can't speak for the child may turn out to be a guardian.
		friend, entry, err := add(c, family.Person{Phone: pii.New("13800138005"), Relation: family.Grandparent})
		if err != nil || entry == "" {
			t.Fatal(err)
		}
		parent, entry, err := add(c, family.Person{Phone: pii.New("13800138005"), Relation: family.Parent})
		if err != nil || entry == "" || parent.ID == friend.ID {
			t.Errorf("%+v %q %v", parent, entry, err)
		}
		if again, entry, err := add(c, family.Person{Phone: pii.New("13800138005"), Relation: family.Parent}); err != nil || entry != "" || again.ID != parent.ID {
			t.Errorf("%+v %q %v", again, entry, err)
		}
		// Who is none any more is added as anybody.
		w.must(c.ID, func(tx *db.Tx, c family.Child) error {
			_, _, err := family.EndGuardian(w.ctx, tx, app{}, c, first.ID)
			return err
		})
		if again, entry, err := add(c, mother()); err != nil || entry == "" || again.ID == first.ID {
			t.Errorf("%+v %q %v", again, entry, err)
		}
	})
}

func TestGuardiansOfOneChildAreBounded(t *testing.T) {
	each(t, func(w *world) {
		c, _ := w.enrol(w.enrolment("ref-1"))
		add := func(n int) func(tx *db.Tx, c family.Child) error {
			return func(tx *db.Tx, c family.Child) error {
				_, _, err := family.AddGuardian(w.ctx, tx, w.ring, app{}, c, family.Person{Phone: pii.New(fmt.Sprintf("139000000%02d", n)), Relation: family.Parent})
				return err
			}
		}
		for n := range 19 {
			w.must(c.ID, add(n))
		}
		w.is(w.with(c.ID, add(19)), family.ErrGuardians)
		w.must(c.ID, add(7)) // who is one of them already is no other
		if n := w.count("guardian"); n != 20 {
			t.Errorf("%d guardians", n)
		}
	})
}

func FuzzNormalPhone(f *testing.F) {
	for _, s := range []string{"13800138000", "+86 138-0013-8000", "+44 20 7946 0000", "010-62770334", "\xff", "１３８００１３８０００"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := family.NormalPhone(s)
		if got != "" && (got[0] != '+' || len(got) < 9 || len(got) > 16 || family.NormalPhone(got) != got) {
			t.Error("accepted, but not as in E.164")
		}
	})
}
