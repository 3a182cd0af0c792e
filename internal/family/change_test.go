package family_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
)

func TestInvariant5_EachLockMakesItsOwnVersion(t *testing.T) {
	each(t, func(w *world) {
		c, _ := w.enrol(w.enrolment("ref-1"))
		const n = 20
		seen := make(map[int64]bool)
		var mu sync.Mutex
		var all sync.WaitGroup
		for range n {
			all.Go(func() {
				var version int64
				err := w.with(c.ID, func(_ *db.Tx, c family.Child) error { version = c.Version; return nil })
				mu.Lock()
				defer mu.Unlock()
				if err != nil || seen[version] {
					t.Errorf("version %d twice, or %v", version, err)
				}
				seen[version] = true
			})
		}
		all.Wait()
		if got := w.find(c.ID).Version; got != n+1 || !seen[n+1] {
			t.Errorf("version %d after %d locks", got, n)
		}
		// What is refused raises nothing.
		boom := errors.New("boom")
		w.is(w.with(c.ID, func(*db.Tx, family.Child) error { return boom }), boom)
		if got := w.find(c.ID).Version; got != n+1 {
			t.Errorf("a failed change left version %d", got)
		}
	})
}

func TestLockTellsErasedFromUnknown(t *testing.T) {
	each(t, func(w *world) {
		c, _ := w.enrol(w.enrolment("ref-1"))
		lock := func(service string, id family.ID) error {
			return w.try(func(tx *db.Tx) error { _, err := family.Lock(w.ctx, tx, service, id); return err })
		}
		find := func(service string, id family.ID) error {
			return w.try(func(tx *db.Tx) error { _, err := family.Find(w.ctx, tx, service, id); return err })
		}
		for _, look := range []func(string, family.ID) error{lock, find} {
			w.is(look("other", c.ID), family.ErrNotFound)
			w.is(look(service, "ch_nobody"), family.ErrNotFound)
			w.is(look(service, ""), family.ErrNotFound)
		}
		w.erase(c.ID)
		for _, look := range []func(string, family.ID) error{lock, find} {
			err := look(service, c.ID)
			w.is(err, family.ErrErased)
			if errs.Of(err).Kind != errs.Gone {
				t.Error("an erased child is not gone")
			}
			w.is(look("other", c.ID), family.ErrNotFound)
		}
	})
}

func TestAChangeWantsTheLockedChild(t *testing.T) {
	each(t, func(w *world) {
		c, _ := w.enrol(w.enrolment("ref-1"))
		w.must(c.ID, func(*db.Tx, family.Child) error { return nil }) // somebody else's change
		for name, change := range map[string]func(tx *db.Tx) error{
			"freeze":   func(tx *db.Tx) error { _, err := family.Freeze(w.ctx, tx, app{}, c, family.ByOfficer); return err },
			"dispute":  func(tx *db.Tx) error { _, err := family.Dispute(w.ctx, tx, "x", c); return err },
			"activate": func(tx *db.Tx) error { return family.Activate(w.ctx, tx, c) },
			"end wait": func(tx *db.Tx) error { return family.EndWait(w.ctx, tx, c) },
			"correct": func(tx *db.Tx) error {
				_, _, err := family.Correct(w.ctx, tx, w.ring, app{}, c, birth(t, "2017"), family.FromApp)
				return err
			},
			"erase": func(tx *db.Tx) error {
				_, err := family.Erase(w.ctx, tx, w.ring, "x", c, family.Requested, family.Undone{})
				return err
			},
		} {
			if err := w.try(change); err == nil || errs.Of(err).Kind != errs.Internal {
				t.Errorf("%s on a child that has changed since: %v", name, err)
			}
		}
		if got := w.find(c.ID); got.Frozen || got.Disputed || got.State != family.Unconsented || w.count("ledger_pending") != 2 {
			t.Errorf("something happened: %+v", got)
		}
	})
}

// Article 20: freeze. Edge case 7: disputed.
func TestEdgeCase7_FreezeAndDisputeAreOneStepEach(t *testing.T) {
	each(t, func(w *world) {
		c, _ := w.enrol(w.enrolment("ref-1"))
		freeze := func(tx *db.Tx, c family.Child) error {
			_, err := family.Freeze(w.ctx, tx, app{}, c, family.DeletionRequested)
			return err
		}
		unfreeze := func(tx *db.Tx, c family.Child) error { _, err := family.Unfreeze(w.ctx, tx, app{}, c); return err }
		dispute := func(tx *db.Tx, c family.Child) error {
			_, err := family.Dispute(w.ctx, tx, "guardian:gu_1", c)
			return err
		}
		settle := func(tx *db.Tx, c family.Child) error {
			_, err := family.Settle(w.ctx, tx, "guardian:gu_1", c)
			return err
		}
		w.is(w.with(c.ID, unfreeze), family.ErrNotFrozen)
		w.is(w.with(c.ID, settle), family.ErrNotDisputed)
		w.must(c.ID, freeze)
		w.must(c.ID, dispute)
		if got := w.find(c.ID); !got.Frozen || !got.Disputed {
			t.Errorf("%+v", got)
		}
		w.is(w.with(c.ID, freeze), family.ErrFrozen)
		w.is(w.with(c.ID, dispute), family.ErrDisputed)
		w.must(c.ID, unfreeze)
		w.must(c.ID, settle)
		if got := w.find(c.ID); got.Frozen || got.Disputed {
			t.Errorf("%+v", got)
		}
		w.is(w.with(c.ID, func(tx *db.Tx, c family.Child) error {
			_, err := family.Freeze(w.ctx, tx, app{}, c, "because")
			return err
		}), family.ErrFreezeReason)
		log := strings.Join(w.entries(), "\n")
		for _, kind := range []string{family.KindFrozen, family.KindUnfrozen, family.KindDisputed, family.KindSettled} {
			if strings.Count(log, `"`+kind+`"`) != 1 {
				t.Errorf("%s is not recorded once", kind)
			}
		}
	})
}

// Edge case 3: a correction may make younger. Older takes a document and two
// persons, which isn't this door.
func TestEdgeCase3_ACorrectionNeverMakesOlder(t *testing.T) {
	each(t, func(w *world) {
		for i, c := range []struct {
			old, corrected string
			want           error
		}{
			{"2016-05-01", "2016-05-02", nil},
			{"2016-05-01", "2017", nil},
			{"2016-05-01", "2016-05", nil},
			{"2016-05-31", "2016-05", nil}, // the same day
			{"2016", "2016-12-31", nil},
			{"2016-05-01", "2016-04-30", family.ErrNeedsDocument},
			{"2016", "2016-05-01", family.ErrNeedsDocument}, // known better, and older
			{"2016-05-01", "2010-05-01", family.ErrNeedsDocument},
			{"", "2016-05-01", nil},
			{"", "2010-05-01", family.ErrNeedsDocument}, // until now a child (Article 2)
			{"2016-05-01", "", family.ErrNoBirth},
			{"2016-05-01", "2026-03-02", family.ErrBirthFuture},
		} {
			e := w.enrolment("ref-" + string(rune('a'+i)))
			e.Birth = birth(t, c.old)
			child, _ := w.enrol(e)
			err := w.with(child.ID, func(tx *db.Tx, locked family.Child) error {
				_, _, err := family.Correct(w.ctx, tx, w.ring, app{}, locked, birth(t, c.corrected), family.FromGuardian)
				return err
			})
			got, e2 := w.find(child.ID).Birth(w.ring)
			if e2 != nil {
				t.Fatal(e2)
			}
			switch {
			case c.want == nil && (err != nil || got.ISO() != c.corrected || w.find(child.ID).BirthFrom != family.FromGuardian):
				t.Errorf("case %d: %v, or the correction isn't there", i, err)
			case c.want != nil && (!errors.Is(err, c.want) || got.ISO() != c.old):
				t.Errorf("case %d: got %v, want %v", i, err, c.want)
			case c.want == nil:
				w.do(func(tx *db.Tx) error {
					turning, err := family.Aging(w.ctx, tx, w.ring, got.Turns(14), family.AgedTurned, family.Child{}, 50)
					found := false
					for _, x := range turning {
						found = found || x.ID == child.ID
					}
					if !found {
						t.Errorf("case %d: the day of turning 14 was not moved", i)
					}
					return err
				})
			}
		}
		// Nor does the date from before a correction, put back by hand.
		c, _ := w.enrol(w.enrolment("ref-y"))
		var former []byte
		w.do(func(tx *db.Tx) (err error) {
			former, err = db.One(w.ctx, tx, db.Single[[]byte], `SELECT birth FROM child WHERE child = $1`, c.ID)
			return err
		})
		w.must(c.ID, func(tx *db.Tx, locked family.Child) error {
			_, _, err := family.Correct(w.ctx, tx, w.ring, app{}, locked, birth(t, "2017"), family.FromGuardian)
			return err
		})
		w.do(func(tx *db.Tx) error {
			_, err := tx.Exec(w.ctx, `UPDATE child SET birth = $1 WHERE child = $2`, former, c.ID)
			return err
		})
		if _, err := w.find(c.ID).Birth(w.ring); !errors.Is(err, keyring.ErrOpen) {
			t.Errorf("the former birth date: %v", err)
		}
		c, _ = w.enrol(w.enrolment("ref-z"))
		for b, want := range map[age.Birth]error{{Year: 2016, Month: 2, Day: 30}: age.ErrImpossible, {Year: 2017}: family.ErrBirthSource} {
			err := w.with(c.ID, func(tx *db.Tx, locked family.Child) error {
				_, _, err := family.Correct(w.ctx, tx, w.ring, app{}, locked, b, "hearsay")
				return err
			})
			w.is(err, want)
		}
	})
}

// Edge case 24: who changes a birth date was verified by more than a code.
func TestEdgeCase24_ABirthDateNeedsAStrongerProof(t *testing.T) {
	each(t, func(w *world) {
		c, g := w.enrol(w.enrolment("ref-1"))
		correct := func(by family.Guardian) error {
			return w.with(c.ID, func(tx *db.Tx, c family.Child) error {
				_, _, err := family.Correct(w.ctx, tx, w.ring, by, c, birth(t, "2017-05-01"), family.FromGuardian)
				return err
			})
		}
		w.is(correct(g), family.ErrTooWeak)
		g, err := w.verify(c.ID, g.ID, family.OneTimeCode)
		if err != nil {
			t.Fatal(err)
		}
		w.is(correct(g), family.ErrTooWeak)
		if g, err = w.verify(c.ID, g.ID, family.NameAndNumber); err != nil {
			t.Fatal(err)
		}
		if err := correct(g); err != nil {
			t.Errorf("with name and number: %v", err)
		}
		teacher := g
		teacher.Relation = family.Teacher
		w.is(correct(teacher), family.ErrTooWeak)
	})
}
