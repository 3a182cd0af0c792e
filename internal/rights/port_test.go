package rights_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault"
)

var dentist = rights.Recipient{Name: pii.New("Dr. Li"), Contact: pii.New("li@dentist.example"), Home: true}

// ports has a guardian hand a copy to somebody.
func (w *world) ports(by family.Guardian, c family.Child, items ...string) (r rights.Request, s rights.Secrets, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		r, s, err = w.Vault.DemandPort(ctx, tx, w.desk, by, c, rights.Demand{To: dentist, Items: items})
		return err
	})
	return r, s, err
}

// ported is ports, which nothing speaks against.
func (w *world) ported(by family.Guardian, c family.Child, items ...string) (rights.Request, rights.Secrets) {
	w.t.Helper()
	r, s, err := w.ports(by, c, items...)
	if err != nil {
		w.t.Fatal(err)
	}
	return r, s
}

// fetches is what the page of a recipient does; then is what happens before the commit.
func (w *world) fetches(s rights.Secrets, code string, then ...error) (values map[string]pii.Text, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) error {
		p, r, err := w.desk.TryPort(ctx, tx, s.Address, pii.New(code))
		if err != nil {
			return err
		}
		c, err := family.Find(ctx, tx, r.Service, r.Child)
		if err != nil {
			return err
		}
		one, err := vault.Ported(ctx, tx, c, p.Items)
		if err != nil {
			return err
		}
		out, err := w.Vault.Port(ctx, tx, r, p, family.OneTimeCode, vault.Items(one.Held))
		if values = out.Values; err == nil {
			err = errors.Join(then...)
		}
		return err
	})
	return values, err
}

// state is how a copy stands.
func (w *world) state(r rights.Request) (state rights.PortEnding) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		all, err := rights.PortsOf(ctx, tx, r.Child)
		for _, p := range all {
			if p.ID == r.ID {
				state = p.State(r, tx.Now())
			}
		}
		return err
	})
	return state
}

func (w *world) recalls(by family.Actor, r rights.Request) error {
	_, err := w.do(func(ctx context.Context, tx *db.Tx) (rights.Request, string, error) {
		return w.desk.Recall(ctx, tx, by, r)
	})
	return err
}

// changes changes a locked child.
func (w *world) changes(c family.Child, fn func(ctx context.Context, tx *db.Tx, c family.Child) (string, error)) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		locked, err := family.Lock(ctx, tx, c.Service, c.ID)
		if err == nil {
			_, err = fn(ctx, tx, locked)
		}
		return err
	})
}

// PIPL 45: whom a guardian has named fetches what the guardian chose, once, in seven days, with
// the code; what the gate says then decides.
func TestPIPL45_ACopyIsHandedToWhomTheGuardianNames(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, other := w.Child(), w.Child()
		mother, stranger := w.Guardian(c), w.Guardian(other)
		_, _, err := w.ports(mother, c)
		refuses(t, "nothing is held", err, rights.ErrNone)
		w.Put(c, "course-progress", "nickname", "小溪")
		w.Put(c, "course-progress", "grade", "四年级")

		// Nobody demands it but a guardian at home, and of this child.
		_, err = w.receive(w.App, c, rights.Demand{Kind: rights.Port, Door: rights.ByGuardian, Guardian: mother.ID, To: dentist, Held: []string{"nickname"}})
		refuses(t, "the app, for a guardian", err, rights.ErrAtHome)
		_, _, err = w.ports(stranger, c)
		refuses(t, "another child's guardian", err, rights.ErrMayNot)
		_, _, err = w.ports(mother, c, "voice")
		refuses(t, "what isn't held", err, rights.ErrNotHeld)
		refuses(t, "somebody abroad", w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := w.Vault.DemandPort(ctx, tx, w.desk, mother, c, rights.Demand{To: rights.Recipient{Name: dentist.Name, Contact: dentist.Contact}})
			return err
		}), rights.ErrAbroad)
		_, _, err = w.ports(mother, c, "grade", "grade")
		refuses(t, "one item twice", err, rights.ErrNotHeld)

		// One of two who fetch at once gets it, and it is gone after.
		r, s := w.ported(mother, c, "nickname")
		if r.State != rights.Done || !r.FetchUntil.Equal(r.ReceivedAt.Add(7*day)) || w.state(r) != "waiting" {
			t.Errorf("%+v, %s", r, w.state(r))
		}
		if _, err := w.fetches(s, "7K2M-9QXT-4HB3"); !errors.Is(err, rights.ErrPortCode) {
			t.Errorf("a wrong code: %v", err)
		}
		if _, err := w.fetches(rights.Secrets{Address: pii.New(strings.Repeat("a", 52))}, s.Code.Reveal()); !errors.Is(err, rights.ErrNoPort) {
			t.Errorf("a wrong address: %v", err)
		}
		// If we crash before the commit, nothing was released, and it waits still.
		if _, err := w.fetches(s, s.Code.Reveal(), errors.New("crash")); err == nil || w.state(r) != "waiting" {
			t.Errorf("%v, %s", err, w.state(r))
		}
		var both sync.WaitGroup
		var got [2]map[string]pii.Text
		var errs [2]error
		for i := range got {
			both.Go(func() { got[i], errs[i] = w.fetches(s, strings.ToLower(s.Code.Reveal())) })
		}
		both.Wait()
		if errs[0] != nil {
			got[0], errs[0], errs[1] = got[1], errs[1], errs[0]
		}
		if errs[0] != nil || !errors.Is(errs[1], rights.ErrNoPort) || len(got[0]) != 1 || got[0]["nickname"].Reveal() != "小溪" || w.state(r) != rights.Fetched {
			t.Errorf("%v, %v, %d values", errs[0], errs[1], len(got[0]))
		}
		refuses(t, "recalled after that", w.recalls(mother, r), rights.ErrPortEnded)

		// After ten wrong codes nobody gets it, with the right one either.
		r, s = w.ported(mother, c)
		for range 10 {
			if _, err := w.fetches(s, "0000-0000-0000"); !errors.Is(err, rights.ErrPortCode) {
				t.Error(err)
			}
		}
		if _, err := w.fetches(s, s.Code.Reveal()); !errors.Is(err, rights.ErrNoPort) || w.state(r) != rights.Guessed {
			t.Errorf("%v, %s", err, w.state(r))
		}

		// Recalled, by any guardian in office or by whoever answers demands.
		for _, by := range []family.Actor{mother, w.App, w.Officer} {
			r, s = w.ported(mother, c)
			refuses(t, "another child's guardian recalls", w.recalls(stranger, r), rights.ErrMayNot)
			if err := w.recalls(by, r); err != nil || w.state(r) != rights.Recalled {
				t.Errorf("%v, %s", err, w.state(r))
			}
			if _, err := w.fetches(s, s.Code.Reveal()); !errors.Is(err, rights.ErrNoPort) {
				t.Errorf("recalled: %v", err)
			}
		}

		// Edge case 7 and Article 20: it waits while guardians differ, or something is to be deleted.
		r, s = w.ported(mother, c)
		for code, change := range map[string][2]func(context.Context, *db.Tx, family.Child) (string, error){
			"gate.disputed": {
				func(ctx context.Context, tx *db.Tx, c family.Child) (string, error) {
					return family.Dispute(ctx, tx, "system:test", c)
				},
				func(ctx context.Context, tx *db.Tx, c family.Child) (string, error) {
					return family.Settle(ctx, tx, "system:test", c)
				},
			},
			"gate.frozen": {
				func(ctx context.Context, tx *db.Tx, c family.Child) (string, error) {
					return family.Freeze(ctx, tx, w.Officer, c, family.DeletionRequested)
				},
				func(ctx context.Context, tx *db.Tx, c family.Child) (string, error) {
					return family.Unfreeze(ctx, tx, w.Officer, c)
				},
			},
		} {
			w.changes(c, change[0])
			_, err := w.fetches(s, s.Code.Reveal())
			denied, ok := errors.AsType[*gate.Denied](err)
			if !ok || len(denied.Reasons) != 1 || denied.Reasons[0].Code != code || w.state(r) != "waiting" {
				t.Errorf("%s: %v, %s", code, err, w.state(r))
			}
			_, _, err = w.ports(mother, c)
			refuses(t, code, err, rights.ErrHeldBack)
			w.changes(c, change[1])
		}

		// Five wait at most, and each to its last moment.
		for range 4 {
			w.ported(mother, c)
		}
		_, _, err = w.ports(mother, c)
		refuses(t, "a sixth", err, rights.ErrWaiting)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := rights.PortsOf(ctx, tx, c.ID)
			for _, p := range all {
				if p.ID == r.ID && (!p.Waits(r, r.FetchUntil.Add(-time.Microsecond)) || p.Waits(r, r.FetchUntil)) {
					t.Error("it waits too short, or too long")
				}
			}
			return err
		})
		w.Pass(7 * day)
		if _, err := w.fetches(s, s.Code.Reveal()); !errors.Is(err, rights.ErrNoPort) || w.state(r) != "lapsed" {
			t.Errorf("%v, %s", err, w.state(r))
		}
		refuses(t, "recalled too late", w.recalls(mother, r), rights.ErrPortEnded)

		// Edge case 8: whose guardian isn't one any more gets nothing.
		_, s = w.ported(mother, c)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			locked, err := family.Lock(ctx, tx, c.Service, c.ID)
			if err == nil {
				_, err = w.Desk.EndGuardian(ctx, tx, w.App, locked, mother.ID)
			}
			return err
		})
		if _, err := w.fetches(s, s.Code.Reveal()); !errors.Is(err, gate.ErrDenied) {
			t.Errorf("of nobody's guardian: %v", err)
		}
	})
}

// What a guardian types is bounded, and one line of each.
func TestPIPL45_ARecipientIsANameAndAnAddress(t *testing.T) {
	for _, c := range []struct {
		name, contact string
		want          bool
	}{
		{"Dr. Li", "li@dentist.example", true}, {" 李医生 ", " https://dentist.example/child ", true},
		{"", "li@dentist.example", false}, {"Dr. Li", "", false}, {"Dr. Li", "13800000000", false}, {"Dr. Li", "http://dentist.example", false},
		{"Dr. Li", "https://li:x@dentist.example", false}, {"Dr. Li", "javascript:alert(1)", false}, {"Dr. Li", "Li <li@dentist.example>", false},
		{"Dr. Li", "li@dentist.example\nbcc: x@y.example", false}, {"a\nb", "li@dentist.example", false}, {"a\x00", "li@dentist.example", false}, {"\xff", "li@dentist.example", false},
		{strings.Repeat("李", 101), "li@dentist.example", false}, {"Dr. Li", strings.Repeat("l", 250) + "@a.example", false},
	} {
		to, err := rights.ParseRecipient(pii.New(c.name), pii.New(c.contact), rights.AtHome)
		if (err == nil) != c.want || !c.want && !errors.Is(err, rights.ErrRecipient) {
			t.Errorf("%q, %q: %v", c.name, c.contact, err)
		}
		if c.want && (to.Name.Reveal() != strings.TrimSpace(c.name) || to.IsEmail() != strings.Contains(c.contact, "@")) {
			t.Errorf("%q, %q: %v", c.name, c.contact, to)
		}
	}
	// Edge case 20: nothing goes to whoever is abroad, or whom nobody says to be at home.
	for where, want := range map[string]error{rights.Abroad: rights.ErrAbroad, "": rights.ErrWhere, "HK": rights.ErrWhere} {
		_, err := rights.ParseRecipient(dentist.Name, dentist.Contact, where)
		refuses(t, "where: "+where, err, want)
	}
}

// Article 12: what opened a copy goes with its end, and to whom it was to be handed with it, or,
// where that one has it, when its days are over. What remains says what was handed over, by whom
// and when.
func TestArticle12_WhoWasNamedIsForgottenOnceACopyIsOver(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		mother := w.Guardian(c)
		w.Put(c, "course-progress", "nickname", "小溪")
		left := func(what string, r rights.Request, named, opens bool) {
			t.Helper()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				is, err := rights.Find(ctx, tx, r.Service, r.ID)
				if err != nil {
					return err
				}
				to, err := is.To(w.Ring, c)
				p, e := rights.PortOf(ctx, tx, is)
				if (to.Name.Reveal() != "") != named || to.IsEmail() != named || p.Forgotten() == opens || p.ID == "" || is.Number != r.Number {
					t.Errorf("%s: named %v, opens %v", what, !to.Name.IsZero(), !p.Forgotten())
				}
				return errors.Join(err, e)
			})
		}
		forget := func(want ...rights.Request) {
			t.Helper()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				due, err := rights.DuePorts(ctx, tx, rights.Request{}, 10)
				if len(due) != len(want) {
					t.Errorf("%d are due, want %d", len(due), len(want))
				}
				for _, r := range due {
					err = errors.Join(err, rights.ForgetPort(ctx, tx, r))
				}
				return err
			})
		}
		fetched, s := w.ported(mother, c)
		left("it waits", fetched, true, true)
		if _, err := w.fetches(s, s.Code.Reveal()); err != nil {
			t.Fatal(err)
		}
		left("fetched", fetched, true, false)
		recalled, _ := w.ported(mother, c)
		refuses(t, "recalled", w.recalls(mother, recalled), nil)
		left("recalled", recalled, false, false)
		guessed, s := w.ported(mother, c)
		for range 10 {
			_, err := w.fetches(s, "")
			refuses(t, "a wrong code", err, rights.ErrPortCode)
		}
		left("guessed", guessed, false, false)
		waits, s := w.ported(mother, c)
		forget()
		w.Pass(7*24*time.Hour + time.Second)
		left("its days are over", waits, true, true)
		forget(fetched, waits)
		left("fetched, and swept", fetched, false, false)
		left("nobody came, and swept", waits, false, false)
		if got := w.state(waits); got != "lapsed" {
			t.Errorf("it is %s", got)
		}
		_, err := w.fetches(s, s.Code.Reveal())
		refuses(t, "fetched after that", err, rights.ErrNoPort)
		forget()
	})
}
