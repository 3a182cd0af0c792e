package approval_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

var rightful = approval.Review{Finding: approval.Rightful, Text: pii.New("孩子走失，等不了")}

func urgent() approval.Asking {
	a := asking()
	a.Glass, a.Minutes, a.Reason = true, 0, approval.ForSafety
	return a
}

func (w *world) join(by staff.Person, r approval.Request) (out approval.Request, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		out, _, err = w.desk.Join(ctx, tx, by, service, r.ID)
		return err
	})
	return out, err
}

func (w *world) review(by staff.Person, r approval.Request, a approval.Review) (g approval.Glass, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		g, _, err = w.desk.Review(ctx, tx, by, service, r.ID, a)
		return err
	})
	return g, err
}

// opened asks, and has it joined.
func (w *world) opened(asker, second staff.Person) approval.Request {
	w.T.Helper()
	r, err := w.ask(asker, urgent())
	if err == nil {
		r, err = w.join(second, r)
	}
	if err != nil {
		w.T.Fatal(err)
	}
	return r
}

func (w *world) sweepGlass() (n int) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = approval.SweepGlass(ctx, tx, w.Ring, "system:test", 10)
		return err
	})
	return n
}

// What can't wait for the office takes two persons who aren't it, and minutes; and it is
// told at once.
func TestArticle15_TwoPersonsOpenAWindowWithoutTheOffice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var alarms []approval.Cause
		w.Store.Announced = func(what any) {
			if a, is := what.(approval.Alarm); is {
				alarms = append(alarms, a.What)
			}
		}
		long := urgent()
		long.Minutes = approval.Defaults.GlassMinutes + 1
		_, err := w.ask(w.worker, long)
		wants(t, "more than a few minutes", err, approval.ErrMinutes)
		_, err = w.ask(w.officer, urgent())
		wants(t, "who is the office asks", err, approval.ErrInOffice)
		r, err := w.ask(w.worker, urgent())
		if err != nil || r.Minutes != approval.Defaults.GlassMinutes {
			t.Fatalf("%+v, %v", r, err)
		}
		for name, c := range map[string]struct {
			by   staff.Person
			want error
		}{
			"who has asked":     {w.worker, approval.ErrSelf},
			"who is the office": {w.officer, approval.ErrInOffice},
			"an engineer":       {w.hire("工程师", staff.Engineer), approval.ErrMayNot},
			"nobody":            {staff.Person{}, approval.ErrMayNot},
		} {
			_, err := w.join(c.by, r)
			wants(t, name+" joins", err, c.want)
		}
		_, err = w.decide(w.manager, r, grant)
		wants(t, "it is decided about", err, approval.ErrGlass)
		_, err = w.join(w.second, w.asked(w.worker))
		wants(t, "what waits for a decision is joined", err, approval.ErrNoGlass)
		v, err := w.look(w.worker, r, use(w.child, "nickname"))
		denied(t, "one alone", v, err, "approval_open")
		if len(alarms) > 0 {
			t.Errorf("nothing was opened: %v", alarms)
		}
		r, err = w.join(w.second, r)
		if err != nil || r.Until.Sub(r.From) != time.Duration(approval.Defaults.GlassMinutes)*time.Minute {
			t.Fatalf("%+v, %v", r, err)
		}
		if len(alarms) != 1 || alarms[0] != approval.BrokenGlass {
			t.Errorf("alarms: %v", alarms)
		}
		_, err = w.join(w.manager, r)
		wants(t, "a third joins", err, approval.ErrDecided)
		if v, err := w.look(w.worker, r, use(w.child, "nickname")); err != nil || v != "小鱼" {
			t.Errorf("a look by it: %v", err)
		}
		v, err = w.look(w.second, r, use(w.child, "nickname"))
		denied(t, "who has joined looks", v, err, "approval_of_other")
		w.Pass(time.Duration(approval.Defaults.GlassMinutes) * time.Minute)
		v, err = w.look(w.worker, r, use(w.child, "nickname"))
		denied(t, "after the minutes", v, err, "approval_over")

		late, err := w.ask(w.worker, urgent())
		if err != nil {
			t.Fatal(err)
		}
		w.Pass(30 * time.Minute)
		_, err = w.join(w.second, late)
		wants(t, "half an hour later", err, approval.ErrExpired)
		stopped, err := w.ask(w.worker, urgent())
		if err != nil {
			t.Fatal(err)
		}
		wants(t, "the officer ends it", w.end(w.officer, stopped), nil)
		_, err = w.join(w.second, stopped)
		wants(t, "what was ended is joined", err, approval.ErrDecided)
	})
}

// The office reviews it within a day, or neither of the two looks at anything until it has.
func TestArticle15_WhatIsNotReviewedSuspendsBoth(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := use(w.child, "nickname")
		third := w.hire("第三人", staff.Worker)
		r := w.opened(w.worker, w.second)
		_, err := w.review(w.manager, r, rightful)
		wants(t, "a manager reviews", err, approval.ErrMayNot)
		_, err = w.review(w.officer, r, approval.Review{Finding: "fine", Text: pii.New("好")})
		wants(t, "another finding", err, approval.ErrReview)
		_, err = w.review(w.officer, r, approval.Review{Finding: approval.Wrongful, Text: pii.New(" ")})
		wants(t, "without words", err, approval.ErrText)
		_, err = w.review(w.officer, w.asked(w.worker), rightful)
		wants(t, "of what nobody has opened", err, approval.ErrNotFound)
		if n := w.sweepGlass(); n != 0 {
			t.Errorf("%d are late at once", n)
		}
		w.Pass(24 * time.Hour)
		looks := func(what, code string) {
			t.Helper()
			for _, p := range []staff.Person{w.worker, w.second} {
				v, err := w.look(p, w.granted(p, w.officer), u)
				if code != "" {
					denied(t, what, v, err, code)
				} else if err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
		}
		looks("a day later", "approval_suspended")
		if _, err := w.look(third, w.granted(third, w.officer), u); err != nil {
			t.Errorf("a colleague: %v", err)
		}
		_, err = w.ask(w.worker, urgent())
		wants(t, "another one", err, approval.ErrSuspended)
		by3, err := w.ask(third, urgent())
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.join(w.second, by3)
		wants(t, "joining another one", err, approval.ErrSuspended)
		if one, none := w.sweepGlass(), w.sweepGlass(); one != 1 || none != 0 {
			t.Errorf("said %d times, then %d", one, none)
		}
		set := func(query string) {
			w.Do(func(ctx context.Context, tx *db.Tx) error { _, err := tx.Exec(ctx, query); return err })
		}
		set(`UPDATE broken_glass SET reviewed_at = 1, reviewer = 'st_x', finding = 'rightful'`)
		looks("reviewed by hand", "approval_suspended")
		_, err = w.review(w.officer, r, rightful)
		wants(t, "what was changed by hand", err, approval.ErrForged)
		set(`UPDATE broken_glass SET reviewed_at = NULL, reviewer = '', finding = ''`)
		g, err := w.review(w.officer, r, rightful)
		if err != nil || g.Finding != approval.Rightful || g.Reviewer != w.officer.ID {
			t.Fatalf("%+v, %v", g, err)
		}
		looks("once it is reviewed", "")
		_, err = w.review(w.officer, r, rightful)
		wants(t, "twice", err, approval.ErrReviewed)
		now := w.find(r)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Find(ctx, tx, service, w.child.ID)
			if err != nil {
				return err
			}
			text, err := now.ReviewText(w.Ring, c)
			if text.Reveal() != rightful.Text.Reveal() {
				t.Error("the words are others")
			}
			return err
		})

		gone := w.opened(w.worker, w.second)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Erase(ctx, tx, "test", service, w.child.ID, family.Requested)
			return err
		})
		if g, err := w.review(w.officer, gone, rightful); err != nil || g.Reviewer != w.officer.ID {
			t.Errorf("its child is gone: %v", err)
		}
	})
}

// Nobody reviews what somebody has opened who may be a second person of theirs.
func TestArticle15_NobodyReviewsASecondPersonOfTheirOwn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		door := signin.Door{Ring: w.Ring}
		var office string
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			o, _, err := catalog.Appoint(ctx, tx, terminal, service, catalog.RoleDeputy, "周远", "zhou@example.com")
			office = o.ID
			return err
		})
		deputy := w.inOffice(office, "周远")
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := door.Invite(ctx, tx, w.officer, w.second.ID)
			return err
		})
		r := w.opened(w.worker, w.second)
		if _, err := w.review(w.officer, r, rightful); !errors.Is(err, approval.ErrMade) {
			t.Errorf("who has made a link for one of the two: %v", err)
		}
		if _, err := w.review(deputy, r, rightful); err != nil {
			t.Errorf("the deputy: %v", err)
		}
	})
}

// Nobody opens a window without the office by two accounts of their own: somebody who has
// made the links of both, or has alone given both their roles, may be the two; until another
// has confirmed one of them.
func TestArticle15_NobodyIsTheTwoWhoBreakTheGlass(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		deputy := w.deputy()
		door := signin.Door{Ring: w.Ring}
		gives := func(by staff.Person, name string) (p staff.Person) {
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				p, err = staff.Add(ctx, tx, by, name, staff.Grant{Role: staff.Worker, Service: service})
				return err
			})
			return p
		}
		invites := func(by staff.Person, whom ...staff.Person) {
			for _, p := range whom {
				w.Do(func(ctx context.Context, tx *db.Tx) error { _, _, err := door.Invite(ctx, tx, by, p.ID); return err })
			}
		}
		confirms := func(by, whom staff.Person) {
			w.Do(func(ctx context.Context, tx *db.Tx) error { _, err := staff.Confirm(ctx, tx, by, whom.ID); return err })
		}
		joins := func(what string, asker, second staff.Person, want error) {
			t.Helper()
			r, err := w.ask(asker, urgent())
			if err == nil {
				_, err = w.join(second, r)
			}
			wants(t, what, err, want)
			if want != nil {
				wants(t, what+", ended", w.end(w.manager, r), nil)
			}
		}
		a, b, c := w.hire("甲", staff.Worker), w.hire("乙", staff.Worker), w.hire("丙", staff.Worker)
		invites(w.officer, a, b)
		invites(deputy, c)
		joins("one has made the links of both", a, b, approval.ErrNotTwo)
		w.Pass(25 * time.Hour) // nobody uses the links any more
		joins("nor when the links are over", a, b, approval.ErrNotTwo)
		joins("whom nobody else stands behind joins", a, w.second, nil)
		joins("each has a link of another", a, c, nil)
		confirms(deputy, b)
		joins("whom another has confirmed joins", a, b, nil)

		d, e, f := gives(w.officer, "丁"), gives(w.officer, "戊"), gives(deputy, "己")
		joins("one has given both their roles", d, e, approval.ErrNotTwo)
		joins("one has made a link, and given a role", a, d, approval.ErrNotTwo)
		joins("two have given the roles", d, f, nil)
		confirms(deputy, e)
		joins("whose role another has confirmed joins", d, e, nil)
	})
}

// A small office learns beforehand that nobody could open a window, and how that is mended.
func TestArticle15_ASmallOfficeIsToldBeforehand(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		deputy := w.deputy()
		says := func(when string, asker staff.Person, joins, breaks bool) {
			t.Helper()
			var canJoin, canBreak bool
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				s, err := catalog.Find(ctx, tx, service)
				if err == nil {
					asker, err = staff.Find(ctx, tx, asker.ID)
				}
				if err == nil {
					canJoin, err = approval.CanJoin(ctx, tx, asker, s)
				}
				if err == nil {
					canBreak, err = approval.CanBreak(ctx, tx, s)
				}
				return err
			})
			if canJoin != joins || canBreak != breaks {
				t.Errorf("%s: somebody can join %v, two can open one %v", when, canJoin, canBreak)
			}
		}
		says("three whom the terminal has let in", w.worker, true, true)
		w.leave(w.manager)
		w.leave(w.second)
		says("one is left", w.worker, false, false)
		w.leave(w.worker)
		var both [2]staff.Person
		for i, name := range []string{"丁", "戊"} {
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				both[i], err = staff.Add(ctx, tx, w.officer, name, staff.Grant{Role: staff.Worker, Service: service})
				return err
			})
		}
		says("the officer has let both in", both[0], false, false)
		r, err := w.ask(both[0], urgent())
		if err == nil {
			_, err = w.join(both[1], r)
		}
		wants(t, "they would be refused", err, approval.ErrNotTwo)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := staff.Confirm(ctx, tx, deputy, both[1].ID)
			return err
		})
		says("the deputy has confirmed one of them", both[0], true, true)
		_, err = w.join(both[1], r)
		wants(t, "they aren't refused", err, nil)
	})
}
