package retention_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/replay"
	"wardkeep/internal/retention"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault/vaulttest"
)

// A minor is the world of one child at the edges of its life here.
type minor struct {
	*testing.T
	w     *vaulttest.World
	clock time.Time
	child family.Child
}

// at sets the clock, to the second.
func (m *minor) at(t time.Time) { m.clock = t }

// reads returns why a value can't be used, or "".
func (m *minor) reads(purpose, item string) string {
	_, err := m.w.Read(m.child, purpose, item)
	if err == nil {
		return ""
	}
	return err.Error()
}

func (m *minor) want(what, got, want string) {
	m.Helper()
	if want == "" && got != "" || want != "" && !strings.Contains(got, want) {
		m.Errorf("%s: %q, want %q", what, got, want)
	}
}

func (m *minor) refused(what string, err, want error) {
	m.Helper()
	if !errors.Is(err, want) {
		m.Errorf("%s: %v, want %v", what, err, want)
	}
}

// ask asks, and answers at once if there is an outcome.
func (m *minor) ask(a consent.Asking, outcome consent.Outcome) (r consent.Request, err error) {
	a.Channel, a.Locale = consent.Link, "zh-CN"
	err = m.w.Try(func(ctx context.Context, tx *db.Tx) error {
		child, err := family.Find(ctx, tx, vaulttest.Service, m.child.ID)
		if err != nil {
			return err
		}
		if r, _, _, err = m.w.Desk.Ask(ctx, tx, m.w.App, child, a); err != nil || outcome == "" {
			return err
		}
		if r, _, err = m.w.Desk.Force(ctx, tx, m.w.App, r, outcome); err == nil {
			_, err = m.w.Vault.EraseUnfounded(ctx, tx, m.w.App.Ledger(), vaulttest.Service, m.child.ID)
		}
		return err
	})
	return r, err
}

func (m *minor) force(r consent.Request, outcome consent.Outcome) error {
	return m.w.Try(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := m.w.Desk.Force(ctx, tx, m.w.App, r, outcome)
		return err
	})
}

func (m *minor) sweep(aged int) {
	m.Helper()
	done, err := retention.Sweep(m.Context(), m.w.Store, m.w.Vault)
	if err != nil || done.Aged != aged {
		m.Errorf("aged %d, want %d, %v", done.Aged, aged, err)
	}
}

func (m *minor) audit() {
	m.Helper()
	report, err := replay.Audit(m.Context(), m.w.Store, m.w.Ring, catalog.NewCache(4), replay.Options{})
	if err != nil || !report.OK() {
		m.Errorf("%v, %v", report.Differences, err)
	}
}

func newMinor(t *testing.T, w *vaulttest.World, birth age.Birth, from time.Time) *minor {
	m := &minor{T: t, w: w, clock: from}
	w.Store.Now = func() time.Time { return m.clock }
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		m.child, _, _, err = w.Vault.Gate.Register(ctx, tx, w.App, family.Enrolment{
			Service: vaulttest.Service, Ref: pii.New(id.Secret(16)), Birth: birth, BirthSource: family.FromApp,
			Guardian: family.Person{Phone: pii.New("13800000000"), Relation: family.Parent},
		})
		return err
	})
	w.Answer(m.child, consent.ForceGranted)
	return m
}

// lives are a birth date that every year has, one that only a leap year has, and a
// year alone (edge cases 1 to 3), one after the other.
var lives = []age.Birth{{Year: 2015, Month: 7, Day: 5}, {Year: 2020, Month: 2, Day: 29}, {Year: 2025}}

// Edge case 4: to the second, the guardian's answer counts until the 14th birthday is
// over and the minor's own from then on, until the 18th is over. What the minor says no
// to is erased at once, and what it hasn't agreed to is used by nobody.
func TestEdgeCase4_TheMinorIsAskedAndAnswersForItself(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		for _, birth := range lives {
			turns, grown := birth.Turns(14), birth.Turns(18)
			m := newMinor(t, w, birth, turns.Add(-40*24*time.Hour))
			guardian := w.Guardian(m.child)
			w.Put(m.child, "course-progress", "lesson_progress", "12")
			w.Put(m.child, "parent-reports", "weekly_score", "90")
			m.at(turns.Add(-time.Second))
			m.want("a second before", m.reads("course-progress", "lesson_progress"), "")
			waits, err := m.ask(consent.Asking{Purposes: []string{"push-notices"}}, "")
			m.refused("asking the guardian a second before", err, nil)
			_, err = m.ask(consent.Asking{Minor: true}, "")
			m.refused("asking the minor a second before", err, family.ErrNotMinor)

			m.at(turns)
			m.want("from then on", m.reads("course-progress", "lesson_progress"), "gate.not_a_child")
			_, err = m.ask(consent.Asking{Purposes: []string{"push-notices"}}, "")
			m.refused("asking the guardian", err, consent.ErrPast14)
			m.refused("the guardian's answer to what it was asked before", m.force(waits, consent.ForceGranted), consent.ErrPast14)
			asked, err := m.ask(consent.Asking{Minor: true, Purposes: []string{"course-progress"}}, "")
			m.refused("asking the minor", err, nil)
			m.want("before it answers", m.reads("course-progress", "lesson_progress"), "gate.not_a_child")
			m.refused("the minor's answer", m.force(asked, consent.ForceGranted), nil)
			m.want("once it agreed", m.reads("course-progress", "lesson_progress"), "")
			m.want("what it wasn't asked", m.reads("parent-reports", "weekly_score"), "gate.not_a_child")
			m.want("what was agreed for another purpose", m.reads("parent-reports", "lesson_progress"), "gate.not_a_child")
			m.held("lesson_progress", "weekly_score")
			if _, err = m.ask(consent.Asking{Minor: true, Purposes: []string{"parent-reports"}}, consent.ForceRefused); err != nil {
				t.Fatal(err)
			}
			m.held("lesson_progress")
			m.sweep(1)
			m.audit()

			m.at(grown.Add(-time.Second))
			w.Put(m.child, "course-progress", "lesson_progress", "99")
			m.want("a second before 18", m.reads("course-progress", "lesson_progress"), "")
			m.refused("the guardian looks a second before 18", m.views(guardian), nil)
			m.refused("the guardian takes back what the minor agrees to", m.withdraws(guardian, "course-progress"), nil)
			m.held("lesson_progress")
			_, err = m.demand(guardian)
			m.refused("the guardian demands a second before 18", err, nil)
			open, err := m.ask(consent.Asking{Minor: true, Purposes: []string{"push-notices"}}, "")
			m.refused("asking the minor a second before 18", err, nil)

			m.at(grown)
			m.want("from 18 on", m.reads("course-progress", "lesson_progress"), "gate.grown_up")
			m.refused("the guardian looks", m.views(guardian), gate.ErrDenied)
			_, err = m.demand(guardian)
			m.refused("the guardian demands", err, rights.ErrPast18)
			m.refused("the guardian takes back what it agreed to", m.withdraws(guardian, "push-notices"), consent.ErrPast18)
			_, err = m.ask(consent.Asking{Minor: true}, "")
			m.refused("asking who is 18", err, family.ErrNotMinor)
			m.refused("the answer of who is 18", m.force(open, consent.ForceGranted), consent.ErrPast18)
			m.sweep(1)
			m.sweep(0)
			m.want("it is closed", m.reads("course-progress", "lesson_progress"), "gate.grown_up")
			m.held("lesson_progress")
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				var all []family.Guardian
				if err := tx.Together(ctx, family.ReadGuardians(&all, m.child.ID)); err != nil {
					return err
				}
				for _, g := range all {
					if g.EndedAt.IsZero() {
						t.Errorf("%s is in office at 18", g.Relation)
					}
				}
				_, _, err := w.Vault.Demand(ctx, tx, rights.Desk{Ring: w.Ring, Charters: w.Vault.Gate.Charters, Calendar: workday.Default()}, w.App, m.child,
					rights.Demand{Kind: rights.Close, Door: rights.ByChild})
				return err
			})
			m.audit()
		}
	})
}

// Edge case 4: how long before it is told that the minor is to be asked is the
// operator's to say.
func TestEdgeCase4_TheLeadIsTheOperators(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		birth := lives[0]
		m := newMinor(t, w, birth, birth.Turns(14).Add(-100*24*time.Hour))
		for _, c := range []struct{ lead, before, want int }{{90, 91, 0}, {90, 90, 1}, {90, 89, 0}, {0, 29, 0}} {
			m.at(birth.Turns(14).AddDate(0, 0, -c.before))
			done, err := retention.SweepTelling(t.Context(), w.Store, w.Vault, nil, retention.Terms{TurningLead: time.Duration(c.lead) * 24 * time.Hour})
			if err != nil || done.Aged != c.want {
				t.Errorf("%d days before, with a lead of %d: %d, %v", c.before, c.lead, done.Aged, err)
			}
		}
		m.audit()
	})
}

// Edge cases 3 and 4: an app says of a minor that was asked that it is younger. By that date
// it is a child, and still no guardian's yes comes back over its own no, nor one that had ended
// when it was asked, until the guardian is asked anew; and its own answers carry
// nothing when it is 14 once more.
func TestEdgeCase3_AYoungerDateBringsNoYesBack(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		birth := lives[0]
		m := newMinor(t, w, birth, birth.Turns(14).Add(-time.Hour))
		w.Put(m.child, "course-progress", "lesson_progress", "12")
		w.Put(m.child, "parent-reports", "weekly_score", "90")
		m.at(birth.Turns(14))
		for purpose, outcome := range map[string]consent.Outcome{"course-progress": consent.ForceRefused, "class-ranking": consent.ForceGranted} {
			if _, err := m.ask(consent.Asking{Minor: true, Purposes: []string{purpose}}, outcome); err != nil {
				t.Fatal(err)
			}
		}
		waits, err := m.ask(consent.Asking{Minor: true, Purposes: []string{"push-notices"}}, "")
		m.refused("what waits for the minor", err, nil)
		m.held("weekly_score")

		m.at(birth.Turns(14).Add(time.Hour))
		younger := age.Birth{Year: birth.Year + 3, Month: birth.Month, Day: birth.Day}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, vaulttest.Service, m.child.ID)
			if err == nil {
				_, _, err = w.Desk.Correct(ctx, tx, w.App, c, younger, family.FromApp)
			}
			return err
		})
		m.want("what the minor refused", m.reads("course-progress", "lesson_progress"), "gate.consent_refused")
		m.want("what nobody asked it", m.reads("parent-reports", "weekly_score"), "gate.consent_missing")
		m.refused("the answer of who is a child", m.force(waits, consent.ForceGranted), consent.ErrCancelled)
		if m.self().EndedAt.IsZero() {
			t.Error("a child answers for itself")
		}
		m.audit()

		m.at(birth.Turns(14).Add(2 * time.Hour))
		if _, err := m.ask(consent.Asking{Purposes: []string{"parent-reports"}}, consent.ForceGranted); err != nil {
			t.Fatal(err)
		}
		m.want("asked anew", m.reads("parent-reports", "weekly_score"), "")
		m.want("what the minor refused, still", m.reads("course-progress", "lesson_progress"), "gate.consent_refused")
		if _, err := m.ask(consent.Asking{Purposes: []string{"course-progress"}}, consent.ForceGranted); err != nil {
			t.Fatal(err)
		}
		w.Put(m.child, "course-progress", "lesson_progress", "13")
		m.want("once the guardian was asked anew", m.reads("course-progress", "lesson_progress"), "")
		m.audit()

		m.at(younger.Turns(14))
		m.want("14 once more", m.reads("course-progress", "lesson_progress"), "gate.consent_refused")
		m.want("what it agreed to as who was a child", m.reads("class-ranking", "nickname"), "gate.guardian_unverified")
		if _, err := m.ask(consent.Asking{Minor: true, Purposes: []string{"course-progress"}}, consent.ForceGranted); err != nil {
			t.Fatal(err)
		}
		w.Put(m.child, "course-progress", "lesson_progress", "14")
		m.want("once it agreed", m.reads("course-progress", "lesson_progress"), "")
		m.audit()
	})
}

// Edge case 4: nobody but the minor takes back what the minor has agreed to, and
// what it takes back is erased; a guardian still has erased what it agreed to once.
func TestEdgeCase4_EachTakesBackItsOwn(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		birth := lives[0]
		m := newMinor(t, w, birth, birth.Turns(14).Add(-time.Hour))
		guardian := w.Guardian(m.child)
		w.Put(m.child, "course-progress", "lesson_progress", "12")
		w.Put(m.child, "parent-reports", "weekly_score", "90")
		m.at(birth.Turns(14))
		if _, err := m.ask(consent.Asking{Minor: true, Purposes: []string{"course-progress"}}, consent.ForceGranted); err != nil {
			t.Fatal(err)
		}
		m.refused("the guardian's own yes", m.withdraws(guardian, "course-progress"), nil)
		m.want("what the minor agreed to", m.reads("course-progress", "lesson_progress"), "")
		m.held("lesson_progress", "weekly_score")
		m.refused("twice", m.withdraws(guardian, "course-progress"), consent.ErrWithdrawn)
		m.refused("what the minor hasn't agreed to", m.withdraws(guardian, "parent-reports"), nil)
		m.held("lesson_progress")
		self := m.self()
		m.refused("what only the guardian agreed to", m.withdraws(self, "push-notices"), consent.ErrNotFound)
		m.refused("the minor's", m.withdraws(self, "course-progress"), nil)
		m.held()
		m.want("taken back", m.reads("course-progress", "lesson_progress"), "gate.consent_withdrawn")
		// No app stands in for a guardian, nor proves anything of a minor.
		r, err := m.ask(consent.Asking{Minor: true, Purposes: []string{"push-notices"}}, "")
		if err != nil {
			t.Fatal(err)
		}
		m.refused("a strong minor", m.w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := w.Desk.ForceAt(ctx, tx, w.App, r, consent.ForceGranted, family.NameAndNumber)
			return err
		}), family.ErrStrength)
		_, err = m.ask(consent.Asking{Guardian: guardian.ID, Purposes: []string{"push-notices"}}, "")
		m.refused("the guardian, named", err, consent.ErrPast14)
		m.audit()
	})
}

// Edge cases 4 and 7: with what guardians say after 14 nobody is in dispute, and none of
// them is told that anything stops; what they differed about before is no dispute any more.
func TestEdgeCase4_GuardiansDisputeNothingAfter14(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		birth := lives[0]
		m := newMinor(t, w, birth, birth.Turns(14).Add(-time.Hour))
		mother := w.Guardian(m.child)
		w.Put(m.child, "course-progress", "lesson_progress", "12")
		var father family.Guardian
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, vaulttest.Service, m.child.ID)
			if err == nil {
				father, _, err = family.AddGuardian(ctx, tx, w.Ring, w.App, c, family.Person{Phone: pii.New("13800000001"), Relation: family.Parent})
			}
			return err
		})
		if _, err := m.ask(consent.Asking{Guardian: father.ID, Purposes: []string{"course-progress", "push-notices"}}, consent.ForceGranted); err != nil {
			t.Fatal(err)
		}
		father.Strength = family.OneTimeCode
		disputed := func() (is bool) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				c, err := family.Find(ctx, tx, vaulttest.Service, m.child.ID)
				is = c.Disputed
				return err
			})
			return is
		}
		m.at(birth.Turns(14).Add(-time.Second))
		m.refused("a second before", m.withdraws(mother, "push-notices"), nil)
		if !disputed() {
			t.Error("no dispute a second before the end of the 14th birthday")
		}
		m.at(birth.Turns(14))
		if _, err := m.ask(consent.Asking{Minor: true, Purposes: []string{"course-progress"}}, consent.ForceGranted); err != nil {
			t.Fatal(err)
		}
		m.refused("the other one, too", m.withdraws(father, "push-notices"), nil)
		if !disputed() {
			t.Error("guardians are told that all goes by what they chose")
		}
		m.refused("after it", m.withdraws(mother, "course-progress"), nil)
		m.want("what the minor agreed to", m.reads("course-progress", "lesson_progress"), "")
		m.audit()

		late := newMinor(t, w, birth, birth.Turns(14).Add(-time.Hour))
		mother = w.Guardian(late.child)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, vaulttest.Service, late.child.ID)
			if err == nil {
				father, _, err = family.AddGuardian(ctx, tx, w.Ring, w.App, c, family.Person{Phone: pii.New("13800000001"), Relation: family.Parent})
			}
			return err
		})
		if _, err := late.ask(consent.Asking{Guardian: father.ID, Purposes: []string{"course-progress"}}, consent.ForceGranted); err != nil {
			t.Fatal(err)
		}
		late.at(birth.Turns(14))
		late.refused("after 14", late.withdraws(mother, "course-progress"), nil)
		m.child = late.child
		if disputed() {
			t.Error("guardians are told that everything stops")
		}
		late.audit()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, vaulttest.Service, late.child.ID)
			if err == nil {
				_, _, err = w.Desk.Correct(ctx, tx, w.App, c, age.Birth{Year: birth.Year + 3, Month: birth.Month, Day: birth.Day}, family.FromApp)
			}
			return err
		})
		if !disputed() {
			t.Error("guardians of who is a child again differ, and nothing stops")
		}
		late.audit()
	})
}

func (m *minor) self() (self family.Guardian) {
	m.w.Do(func(ctx context.Context, tx *db.Tx) error {
		var all []family.Guardian
		err := tx.Together(ctx, family.ReadGuardians(&all, m.child.ID))
		self = all[slices.IndexFunc(all, func(g family.Guardian) bool { return g.Relation == family.Self })]
		return err
	})
	return self
}

func (m *minor) withdraws(by family.Guardian, purpose string) error {
	return m.w.Try(func(ctx context.Context, tx *db.Tx) error {
		if _, err := m.w.Desk.Withdraw(ctx, tx, by, m.child, purpose); err != nil {
			return err
		}
		_, err := m.w.Vault.EraseUnfounded(ctx, tx, by.Ledger(), vaulttest.Service, m.child.ID)
		return err
	})
}

func (m *minor) views(by family.Guardian) error {
	return m.w.Try(func(ctx context.Context, tx *db.Tx) error {
		_, err := m.w.Vault.View(ctx, tx, by, vaulttest.Service, "lesson_progress")
		return err
	})
}

func (m *minor) demand(by family.Guardian) (r rights.Request, err error) {
	err = m.w.Try(func(ctx context.Context, tx *db.Tx) error {
		desk := rights.Desk{Ring: m.w.Ring, Charters: m.w.Vault.Gate.Charters, Calendar: workday.Default()}
		r, _, err = m.w.Vault.Demand(ctx, tx, desk, by, m.child, rights.Demand{Kind: rights.Correct, Door: rights.ByGuardian, Guardian: by.ID, Item: "lesson_progress"})
		return err
	})
	return r, err
}

// held fails the test unless these items are held, whoever may use them.
func (m *minor) held(want ...string) {
	m.Helper()
	m.w.Do(func(ctx context.Context, tx *db.Tx) error {
		got, err := db.All(ctx, tx, db.Single[string], `SELECT item FROM value WHERE child = $1 ORDER BY item`, m.child.ID)
		if !slices.Equal(got, want) {
			m.Errorf("held: %v, want %v", got, want)
		}
		return err
	})
}
