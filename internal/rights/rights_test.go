package rights_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/retention"
	"wardkeep/internal/rights"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

func (w *world) sweep() retention.Swept {
	w.t.Helper()
	done, err := retention.Sweep(w.t.Context(), w.Store, w.Vault)
	if err != nil {
		w.t.Fatal(err)
	}
	return done
}

// Article 20: a bare demand is enough. From its transaction on, nothing is done but
// keeping; the next sweep erases.
func TestArticle20_ABareDemandFreezesAndErases(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		w.Put(c, "course-progress", "nickname", "小溪")
		g := w.Guardian(c)
		r := w.received(g, c, rights.Demand{Kind: rights.Delete, Door: rights.ByGuardian, Guardian: g.ID})
		if r.Number == "" || !r.DueAt.After(r.ReceivedAt) || r.EraseAt.IsZero() {
			t.Errorf("%+v", r)
		}
		w.isFrozen(c, true)
		if _, err := w.Read(c, "course-progress", "nickname"); err == nil || !strings.Contains(err.Error(), "gate.frozen") {
			t.Errorf("a frozen value is read: %v", err)
		}
		if done := w.sweep(); done.Demanded != 1 {
			t.Errorf("%+v", done)
		}
		w.isErased(c, true)
		n := int64(-1)
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			n, err = db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM rights_request WHERE child = $1`, c.ID)
			return err
		})
		if n != 0 {
			t.Errorf("%d demands of an erased child are left", n)
		}
	})
}

// Edge case 17: the child alone may ask. Its guardian has three working days, and
// may keep what is held.
func TestEdgeCase17_AChildsDemandWaitsForItsGuardianToHear(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		kept, closed := w.Child(), w.Child()
		ask := rights.Demand{Kind: rights.Close, Door: rights.ByChild}
		r := w.received(w.App, kept, ask)
		w.received(w.App, closed, ask)
		if want, _ := workday.Default().Add(r.ReceivedAt, 3); !r.EraseAt.Equal(want) {
			t.Errorf("erased at %s, want %s", r.EraseAt, want)
		}
		w.isFrozen(kept, true)
		if done := w.sweep(); done.Demanded != 0 {
			t.Errorf("erased at once: %+v", done)
		}
		g := w.Guardian(kept)
		r, err := w.do(func(ctx context.Context, tx *db.Tx) (rights.Request, string, error) {
			return w.desk.Keep(ctx, tx, g, r)
		})
		if err != nil || r.State != rights.Cancelled || !r.EraseAt.IsZero() {
			t.Errorf("%+v, %v", r, err)
		}
		w.isFrozen(kept, false)
		w.Pass(time.Until(r.ReceivedAt) + 20*day)
		if done := w.sweep(); done.Demanded != 1 {
			t.Errorf("%+v", done)
		}
		w.isErased(kept, false)
		w.isErased(closed, true)
		_, err = w.do(func(ctx context.Context, tx *db.Tx) (rights.Request, string, error) {
			return w.desk.Keep(ctx, tx, g, r)
		})
		refuses(t, "kept twice", err, rights.ErrEnded)
	})
}

// Edge case 11: who is no guardian freezes, and a guardian decides.
func TestEdgeCase11_AContactsDemandFreezesAndAsksTheGuardian(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		grandmother, mother := w.grandmother(c), w.Guardian(c)
		r := w.received(w.App, c, rights.Demand{Kind: rights.Delete, Door: rights.ByContact, Guardian: grandmother.ID})
		w.isFrozen(c, true)
		w.Pass(100 * day)
		if done := w.sweep(); done.Demanded != 0 {
			t.Errorf("erased without a guardian: %+v", done)
		}
		confirms := func(g family.Guardian) (rights.Request, error) {
			return w.receive(g, c, rights.Demand{Kind: rights.Delete, Door: rights.ByGuardian, Guardian: g.ID})
		}
		_, err := confirms(grandmother)
		refuses(t, "confirmed by the grandmother", err, rights.ErrMayNot)
		if again, err := confirms(mother); err != nil || again.ID != r.ID || again.Guardian != mother.ID {
			t.Errorf("%+v, %v", again, err)
		}
		if done := w.sweep(); done.Demanded != 1 {
			t.Errorf("%+v", done)
		}
	})
}

// A guardian who asks for what another door has asked for confirms it; another
// guardian's demand can't be undone; and twice the same is said to be so.
func TestArticle20_TheSameDemandTwice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		g := w.Guardian(c)
		w.received(w.App, c, rights.Demand{Kind: rights.Close, Door: rights.ByChild})
		_, err := w.receive(w.App, c, rights.Demand{Kind: rights.Delete, Door: rights.ByChild})
		refuses(t, "the child again", err, rights.ErrTwice)
		mine := rights.Demand{Kind: rights.Delete, Door: rights.ByGuardian, Guardian: g.ID}
		r := w.received(g, c, mine)
		if r.Door != rights.ByGuardian || r.EraseAt.After(w.Store.Now()) {
			t.Errorf("%+v", r)
		}
		_, err = w.receive(g, c, mine)
		refuses(t, "the guardian again", err, rights.ErrTwice)
		var all []rights.Request
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			all, err = rights.Of(ctx, tx, c.ID)
			return err
		})
		if len(all) != 1 {
			t.Errorf("%d demands", len(all))
		}
	})
}

// Article 19: a correction has a number and a clock in working days, may take
// longer once with a reason, and ends in writing.
func TestArticle19_ACorrectionHasAClockAndEndsInWriting(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		g := w.Guardian(c)
		ask := rights.Demand{Kind: rights.Correct, Door: rights.ByGuardian, Guardian: g.ID, Item: "nickname", Text: pii.New("小希"), Held: []string{"nickname"}}
		r := w.received(g, c, ask)
		w.isFrozen(c, false)
		if want, _ := workday.Default().Add(r.ReceivedAt, rights.Defaults.Finish); !r.DueAt.Equal(want) {
			t.Errorf("due at %s, want %s", r.DueAt, want)
		}
		_, err := w.receive(g, c, ask)
		refuses(t, "the same again", err, rights.ErrTwice)
		longer := func() (rights.Request, error) {
			return w.do(func(ctx context.Context, tx *db.Tx) (rights.Request, string, error) {
				return w.desk.Extend(ctx, tx, w.Officer, r, rights.Complex)
			})
		}
		later, err := longer()
		if want, _ := workday.Default().Add(r.DueAt.Add(-time.Microsecond), rights.Defaults.Finish); err != nil || !later.DueAt.Equal(want) {
			t.Errorf("due at %s, want %s, %v", later.DueAt, want, err)
		}
		_, err = longer()
		refuses(t, "longer twice", err, rights.ErrExtended)
		r, err = w.do(func(ctx context.Context, tx *db.Tx) (rights.Request, string, error) {
			return w.desk.Refuse(ctx, tx, w.App, r, rights.AlreadyRight, pii.New("我们核对过"))
		})
		if err != nil || r.State != rights.Refused || r.Reason != rights.AlreadyRight {
			t.Errorf("%+v, %v", r, err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			again, err := rights.Find(ctx, tx, c.Service, r.ID)
			if err != nil {
				return err
			}
			child, err := family.Find(ctx, tx, c.Service, c.ID)
			if err != nil {
				return err
			}
			note, answer, err := again.Text(w.Ring, child)
			if note.Reveal() != "小希" || answer.Reveal() != "我们核对过" {
				t.Error("the words aren't those that were written")
			}
			return err
		})
		r = w.received(g, c, ask) // a refusal doesn't keep anybody from asking anew
		if r, err = w.do(func(ctx context.Context, tx *db.Tx) (rights.Request, string, error) {
			return w.desk.Finish(ctx, tx, w.App, r, pii.Text{})
		}); err != nil || r.State != rights.Done || r.ClosedAt.IsZero() {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestArticle19_WhatCanNotBeDemanded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, other := w.Child(), w.Child()
		g, stranger, grandmother := w.Guardian(c), w.Guardian(other), w.grandmother(c)
		weak := w.App
		scopes, err := account.NewScopes(account.ItemsRead)
		if err != nil {
			t.Fatal(err)
		}
		weak.Scopes = scopes
		correct := rights.Demand{Kind: rights.Correct, Door: rights.ByGuardian, Guardian: g.ID, Item: "nickname", Held: []string{"nickname"}}
		with := func(change func(*rights.Demand)) rights.Demand {
			ask := correct
			change(&ask)
			return ask
		}
		for _, bad := range []struct {
			what string
			by   family.Actor
			ask  rights.Demand
			want error
		}{
			{"another child's guardian", stranger, with(func(a *rights.Demand) { a.Guardian = stranger.ID }), rights.ErrMayNot},
			{"as another guardian", g, with(func(a *rights.Demand) { a.Guardian = stranger.ID }), rights.ErrMayNot},
			{"a guardian as the child", g, with(func(a *rights.Demand) { a.Door = rights.ByChild }), rights.ErrMayNot},
			{"an app without the scope", weak, correct, rights.ErrMayNot},
			{"a grandmother as guardian", w.App, with(func(a *rights.Demand) { a.Guardian = grandmother.ID }), rights.ErrMayNot},
			{"a guardian of another child", w.App, with(func(a *rights.Demand) { a.Guardian = stranger.ID }), family.ErrGuardianNotFound},
			{"no door", w.App, with(func(a *rights.Demand) { a.Door = "window" }), rights.ErrDoor},
			{"the child and a guardian", w.App, with(func(a *rights.Demand) { a.Door = rights.ByChild }), rights.ErrDoor},
			{"nothing", g, with(func(a *rights.Demand) { a.Kind = "sell" }), rights.ErrKind},
			{"an item that nobody declares", g, with(func(a *rights.Demand) { a.Item = "shoe_size" }), rights.ErrItem},
			{"to delete the birth date alone", g, with(func(a *rights.Demand) { a.Kind, a.Item = rights.DeleteItem, rights.BirthDate }), rights.ErrNotHeld},
			{"an item that isn't held", g, with(func(a *rights.Demand) { a.Held = nil }), rights.ErrNotHeld},
			{"too many words", g, with(func(a *rights.Demand) { a.Text = pii.New(strings.Repeat("长", 501)) }), rights.ErrText},
			{"no words", g, with(func(a *rights.Demand) { a.Text = pii.New("a\x00b") }), rights.ErrText},
			{"to delete an item", g, with(func(a *rights.Demand) { a.Kind = rights.Delete }), rights.ErrItem},
		} {
			_, err := w.receive(bad.by, c, bad.ask)
			refuses(t, bad.what, err, bad.want)
		}
		w.isFrozen(c, false)
		w.received(g, c, with(func(a *rights.Demand) { a.Item, a.Held = rights.BirthDate, nil })) // it is no item, and can be corrected

		r := w.received(g, c, rights.Demand{Kind: rights.Delete, Door: rights.ByGuardian, Guardian: g.ID})
		for _, bad := range []struct {
			what string
			fn   func(ctx context.Context, tx *db.Tx) (rights.Request, string, error)
			want error
		}{
			{"refused by the app", func(ctx context.Context, tx *db.Tx) (rights.Request, string, error) {
				return w.desk.Refuse(ctx, tx, w.App, r, rights.NotEntitled, pii.Text{})
			}, rights.ErrMayNot},
			{"refused for no reason of its kind", func(ctx context.Context, tx *db.Tx) (rights.Request, string, error) {
				return w.desk.Refuse(ctx, tx, w.Officer, r, rights.AlreadyRight, pii.Text{})
			}, rights.ErrReason},
			{"longer", func(ctx context.Context, tx *db.Tx) (rights.Request, string, error) {
				return w.desk.Extend(ctx, tx, w.Officer, r, rights.Complex)
			}, rights.ErrNotOfKind},
			{"said to be done", func(ctx context.Context, tx *db.Tx) (rights.Request, string, error) {
				return w.desk.Finish(ctx, tx, w.Officer, r, pii.Text{})
			}, rights.ErrNotOfKind},
			{"kept by a stranger", func(ctx context.Context, tx *db.Tx) (rights.Request, string, error) {
				return w.desk.Keep(ctx, tx, stranger, r)
			}, rights.ErrMayNot},
		} {
			_, err := w.do(bad.fn)
			refuses(t, bad.what, err, bad.want)
		}
		w.isFrozen(c, true)
		w.sweep()
		_, err = w.receive(w.App, c, correct)
		refuses(t, "about an erased child", err, family.ErrErased)
	})
}

// A demand is found by its number, as people say it on the phone. The number is
// short: of two that have it, neither is guessed.
func TestArticle19_ADemandIsFoundByItsNumber(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first, second := w.Child(), w.Child()
		ask := rights.Demand{Kind: rights.Supplement, Door: rights.ByChild, Item: "nickname"}
		r, other := w.received(w.App, first, ask), w.received(w.App, second, ask)
		find := func(service, number string) (found rights.Request, err error) {
			err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
				found, err = rights.ByNumber(ctx, tx, service, number)
				return err
			})
			return found, err
		}
		for _, said := range []string{r.Number, strings.ToLower(r.Number), strings.ReplaceAll(r.Number, "-", " ")} {
			if found, err := find(first.Service, said); err != nil || found.ID != r.ID {
				t.Errorf("%q: %+v, %v", said, found, err)
			}
		}
		for _, said := range []string{"", "-", "0000-0000", r.Number + "0", r.ID, "要求", "7K2M-9QX\x00", "7K2M-\xff\xff\xff\xff"} {
			_, err := find(first.Service, said)
			refuses(t, said, err, rights.ErrNotFound)
		}
		_, err := find("another-service", r.Number)
		refuses(t, "of another service", err, rights.ErrNotFound)
		number := func(of family.Child, to string) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE rights_request SET number = $1 WHERE child = $2`, to, of.ID)
				return err
			})
		}
		number(second, r.Number)
		_, err = find(first.Service, r.Number)
		refuses(t, "of two", err, rights.ErrSeveral)
		number(second, other.Number) // or the audit finds it
	})
}

// What is late is counted of a service, and of all: a demand from the end of its
// day on, an erasure once a sweep should have done it.
func TestArticle19_WhatIsLateIsCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		late := func(demands, erasures int64) {
			t.Helper()
			for service, want := range map[string]rights.Late{vaulttest.Service: {Demands: demands, Erasures: erasures}, "another": {}} {
				w.Do(func(ctx context.Context, tx *db.Tx) error {
					all, err := rights.CountLate(ctx, tx, 10*time.Minute)
					if err != nil {
						return err
					}
					of, err := rights.CountLateOf(ctx, tx, service, 10*time.Minute)
					if of != want || all != (rights.Late{Demands: demands, Erasures: erasures}) {
						t.Errorf("%s: %+v of %+v, want %+v", service, of, all, want)
					}
					return err
				})
			}
		}
		c, done, gone := w.Child(), w.Child(), w.Child()
		ask := rights.Demand{Kind: rights.Supplement, Door: rights.ByChild, Item: "nickname"}
		r := w.received(w.App, c, ask)
		ended := w.received(w.App, done, ask)
		if _, err := w.do(func(ctx context.Context, tx *db.Tx) (rights.Request, string, error) {
			return w.desk.Finish(ctx, tx, w.App, ended, pii.Text{})
		}); err != nil {
			t.Fatal(err)
		}
		late(0, 0)
		w.Pass(r.DueAt.Sub(w.Store.Now()) + time.Second)
		g := w.Guardian(gone)
		w.received(g, gone, rights.Demand{Kind: rights.Delete, Door: rights.ByGuardian, Guardian: g.ID})
		late(1, 0)
		w.Pass(11 * time.Minute)
		late(1, 1)
		w.sweep()
		late(1, 0)
	})
}

// Article 19: the clocks are the operator's to set, for demands to come.
func TestArticle19_TheClocksAreTheOperators(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, other := w.Child(), w.Child()
		w.desk.Clocks = rights.Clocks{Finish: 4, Extend: 2, ChildWait: 1}
		r := w.received(w.App, c, rights.Demand{Kind: rights.Supplement, Door: rights.ByChild, Item: "nickname"})
		days := func(what string, got, from time.Time, n int) {
			t.Helper()
			if want, _ := workday.Default().Add(from, n); !got.Equal(want) {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		days("due", r.DueAt, r.ReceivedAt, 4)
		later, err := w.do(func(ctx context.Context, tx *db.Tx) (rights.Request, string, error) {
			return w.desk.Extend(ctx, tx, w.Officer, r, rights.Complex)
		})
		if err != nil {
			t.Fatal(err)
		}
		days("extended", later.DueAt, r.DueAt.Add(-time.Microsecond), 2)
		days("erased", w.received(w.App, other, rights.Demand{Kind: rights.Close, Door: rights.ByChild}).EraseAt, w.Store.Now(), 1)
		if c := (rights.Clocks{Finish: 4}).Or(rights.Defaults); c != (rights.Clocks{Acknowledge: 1, Finish: 4, Extend: 15, ChildWait: 3}) {
			t.Errorf("%+v", c)
		}
	})
}

// Article 19: a demand is somebody's to handle: who took it by phone has it, and who is
// in office may give it to who is. One that nobody handles is seen after its day.
func TestArticle19_SomebodyHandlesEachDemand(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		ask := rights.Demand{Kind: rights.Supplement, Door: rights.ByChild, Item: "nickname"}
		if r := w.received(w.Officer, w.Child(), ask); r.Owner != w.Officer.ID {
			t.Errorf("taken by phone: %+v", r)
		}
		r := w.received(w.App, c, ask)
		var inOffice []catalog.Officer
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			inOffice, _, err = rights.Handlers(ctx, tx, c.Service)
			return err
		})
		deputy, owners := inOffice[1], []string{inOffice[0].ID, inOffice[1].ID}
		if r.Owner != "" || w.desk.Unclaimed(r, owners, r.ReceivedAt) || !w.desk.Unclaimed(r, owners, r.ReceivedAt.Add(10*day)) {
			t.Errorf("%+v", r)
		}
		assign := func(by, to catalog.Officer) (err error) {
			_, err = w.do(func(ctx context.Context, tx *db.Tx) (rights.Request, string, error) {
				now, entry, err := w.desk.Assign(ctx, tx, by, r, to)
				if err == nil {
					r = now
				}
				return now, entry, err
			})
			return err
		}
		gone, foreign := deputy, deputy
		gone.EndedAt, foreign.Service = w.Store.Now(), "another"
		refuses(t, "by who is out of office", assign(gone, deputy), rights.ErrMayNot)
		refuses(t, "to who is out of office", assign(deputy, gone), rights.ErrOwner)
		refuses(t, "to another service's", assign(deputy, foreign), rights.ErrOwner)
		refuses(t, "to nobody", assign(deputy, catalog.Officer{}), rights.ErrOwner)
		if err := assign(w.Officer, deputy); err != nil || r.Owner != deputy.ID || w.desk.Unclaimed(r, owners, r.ReceivedAt.Add(10*day)) {
			t.Errorf("%+v, %v", r, err)
		}
		refuses(t, "to whom it is with", assign(w.Officer, deputy), rights.ErrOwned)
		if !w.desk.Unclaimed(r, owners[:1], r.ReceivedAt.Add(10*day)) {
			t.Error("who left office handles it")
		}
		if _, err := w.do(func(ctx context.Context, tx *db.Tx) (rights.Request, string, error) {
			return w.desk.Finish(ctx, tx, w.App, r, pii.Text{})
		}); err != nil {
			t.Fatal(err)
		}
		refuses(t, "after its end", assign(w.Officer, deputy), rights.ErrEnded)
	})
}

// Article 19: a demand changes hands so often and no more: its row has a bound. It can
// still be answered.
func TestArticle19_ADemandChangesHandsSoOften(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		r := w.received(w.App, c, rights.Demand{Kind: rights.Supplement, Door: rights.ByChild, Item: "nickname"})
		n := 0
		err := w.Try(func(ctx context.Context, tx *db.Tx) error {
			inOffice, _, err := rights.Handlers(ctx, tx, c.Service)
			for ; err == nil && n < 1000; n++ {
				r, _, err = w.desk.Assign(ctx, tx, w.Officer, r, inOffice[n%2])
			}
			n--
			if errs.Of(err).Is(rights.ErrAssigned) {
				_, _, err = w.desk.Finish(ctx, tx, w.Officer, r, pii.Text{})
			}
			return err
		})
		if err != nil || n != 200 {
			t.Errorf("it changed hands %d times: %v", n, err)
		}
	})
}

// Article 15: that one of the staff sees what somebody wrote is on record first.
func TestArticle15_WhoSeesTheWordsOfADemandIsOnRecord(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		r := w.received(w.App, c, rights.Demand{Kind: rights.Supplement, Door: rights.ByChild, Item: "nickname", Text: pii.New("小希")})
		show := func(by catalog.Officer) (note pii.Text, err error) {
			err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
				note, _, err = w.desk.Show(ctx, tx, by, r)
				return err
			})
			return note, err
		}
		shown := func() (n int) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				n = 0
				return ledger.Pending(ctx, tx, func(p ledger.Placed) error {
					if p.Kind == rights.KindShown && p.Actor == w.Officer.Ledger() {
						n++
					}
					return nil
				})
			})
			return n
		}
		if note, err := show(w.Officer); err != nil || note.Reveal() != "小希" || shown() != 1 {
			t.Errorf("%v, %d on record", err, shown())
		}
		gone := w.Officer
		gone.EndedAt = w.Store.Now()
		if _, err := show(gone); !errors.Is(err, rights.ErrMayNot) || shown() != 1 {
			t.Errorf("who is out of office: %v", err)
		}
	})
}

// A day that was promised stands, whatever is announced of the year later: what is demanded
// from then on goes by the new calendar, and what is late is late by the day that was told.
func TestArticle19_APromisedDayStands(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		now := w.Store.Now()
		eve := time.Date(now.Year(), time.December, 28, 4, 0, 0, 0, time.UTC)
		if eve.Before(now) {
			eve = eve.AddDate(1, 0, 0)
		}
		w.Pass(eve.Sub(now))
		y := fmt.Sprint(eve.Year() + 1)
		var file strings.Builder
		file.WriteString("year,from,to,day,chinese,english,notice,published\n")
		for _, period := range []string{"01-01,01-31,元旦、春节", "04-04,04-04,清明节", "05-01,05-02,劳动节", "06-10,06-10,端午节", "09-20,09-20,中秋节", "10-01,10-03,国庆节"} {
			f := strings.Split(period, ",")
			fmt.Fprintf(&file, "%s,%s-%s,%s-%s,off,%s,festival,notice,%s-11-01\n", y, y, f[0], y, f[1], f[2], fmt.Sprint(eve.Year()))
		}
		notice, err := workday.Parse(strings.NewReader(file.String()), "next.csv")
		if err != nil {
			t.Fatal(err)
		}
		c := w.Child()
		g := w.Guardian(c)
		asks := func(kind rights.Kind, item string) rights.Request {
			return w.received(g, c, rights.Demand{Kind: kind, Door: rights.ByGuardian, Guardian: g.ID, Item: item})
		}
		promised := asks(rights.Supplement, "nickname")
		w.desk.Calendar = workday.Default().With(notice)
		later := asks(rights.Supplement, "grade")
		if !later.DueAt.After(promised.DueAt.Add(14 * day)) {
			t.Errorf("the notice changes nothing: %s and %s", promised.DueAt, later.DueAt)
		}
		w.Pass(promised.DueAt.Sub(w.Store.Now()) + time.Minute)
		w.sweep()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			r, err := rights.Find(ctx, tx, vaulttest.Service, promised.ID)
			if err == nil && !r.DueAt.Equal(promised.DueAt) {
				t.Errorf("promised for %s, and %s now", promised.DueAt, r.DueAt)
			}
			late, err2 := rights.CountLateOf(ctx, tx, vaulttest.Service, 0)
			if late.Demands != 1 {
				t.Errorf("%d are late by the day that was told", late.Demands)
			}
			return errors.Join(err, err2)
		})
	})
}

// What has a child erased at once is judged as any other act of a person inside, and keeps
// how it came and what was written with it.
func TestArticle20_WhoTakesADemandOnIsJudgedAndItsEvidenceKept(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		g := w.Guardian(c)
		w.received(w.App, c, rights.Demand{Kind: rights.Delete, Door: rights.ByContact, Text: pii.New("from the school")})
		grant := staff.Grant{Role: staff.Worker, Service: vaulttest.Service}
		var worker staff.Person
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			worker, err = staff.Add(ctx, tx, catalog.Operator{ID: "test"}, "王芳", grant)
			return err
		})
		by := staff.Acting{Person: worker, Action: staff.HandleDemands}
		ask := rights.Demand{Kind: rights.Delete, Door: rights.ByGuardian, Guardian: g.ID, Text: pii.New("the mother, by phone"), Reached: rights.ByPhone, Paper: strings.Repeat("0f", 32)}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := staff.Take(ctx, tx, catalog.Operator{ID: "test"}, worker.ID, grant)
			return err
		})
		if _, err := w.receive(by, c, ask); !errors.Is(err, rights.ErrMayNot) {
			t.Errorf("whose role was taken: %v", err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := staff.Give(ctx, tx, catalog.Operator{ID: "test"}, worker.ID, grant)
			return err
		})
		r := w.received(by, c, ask)
		if r.Reached != rights.ByPhone || !r.Paper {
			t.Errorf("%+v", r)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			r, err := rights.Find(ctx, tx, r.Service, r.ID)
			if err != nil {
				return err
			}
			now, err := family.Find(ctx, tx, c.Service, c.ID)
			if err != nil {
				return err
			}
			note, _, err := r.Text(w.Ring, now)
			if note.Reveal() != "from the school\nthe mother, by phone" || r.Reached != rights.ByPhone || !r.Paper {
				t.Error("the evidence isn't kept")
			}
			return err
		})
	})
}
