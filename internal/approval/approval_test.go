package approval_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// Who asks doesn't decide: not about all of it, not about less of it, not after somebody
// else has, and neither does whoever the matrix doesn't let.
func TestArticle15_NobodyDecidesAboutTheirOwnRequest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		less := approval.Decision{Verdict: approval.Narrowed, Items: []string{"nickname"}, Minutes: 5, Reason: approval.LessSuffices}
		no := approval.Decision{Verdict: approval.Refused, Reason: approval.NotNeeded}
		for _, asker := range []staff.Person{w.officer, w.manager, w.worker} {
			r := w.asked(asker)
			want := approval.ErrSelf
			if asker.ID == w.worker.ID {
				want = approval.ErrMayNot
			}
			for name, a := range map[string]approval.Decision{"all": grant, "less": less, "nothing": no} {
				_, err := w.decide(asker, r, a)
				wants(t, name, err, want)
			}
			_, err := w.decide(w.second, r, grant)
			wants(t, "a colleague", err, approval.ErrMayNot)
			_, err = w.decide(staff.Person{}, r, grant)
			wants(t, "nobody", err, approval.ErrMayNot)
			if now := w.find(r); now.State != approval.Open || now.Decider != "" {
				t.Errorf("it was decided: %+v", now)
			}
		}
		r := w.asked(w.manager)
		got, err := w.decide(w.officer, r, less)
		if err != nil || got.State != approval.Narrowed || !slices.Equal(got.Granted, []string{"nickname"}) || got.Until.Sub(got.From) != 5*time.Minute {
			t.Fatalf("%+v, %v", got, err)
		}
		_, err = w.decide(w.manager, r, grant)
		wants(t, "who asked widens what was narrowed", err, approval.ErrSelf)
		_, err = w.decide(w.officer, r, grant)
		wants(t, "who narrowed it widens it", err, approval.ErrDecided)
		if now := w.find(r); !slices.Equal(now.Granted, []string{"nickname"}) || now.State != approval.Narrowed {
			t.Errorf("it was widened: %+v", now)
		}
	})
}

func TestArticle15_WhatCanBeAskedAndDecided(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for name, c := range map[string]struct {
			change func(a *approval.Asking)
			want   error
		}{
			"a purpose that isn't declared":  {func(a *approval.Asking) { a.Purpose = "好奇" }, approval.ErrPurpose},
			"an item of another purpose":     {func(a *approval.Asking) { a.Items = []string{"nickname", "school"} }, approval.ErrItems},
			"an item twice":                  {func(a *approval.Asking) { a.Items = []string{"nickname", "nickname"} }, approval.ErrItems},
			"nothing":                        {func(a *approval.Asking) { a.Items = nil }, approval.ErrItems},
			"a reason of one's own":          {func(a *approval.Asking) { a.Reason = "curious" }, approval.ErrReason},
			"no words":                       {func(a *approval.Asking) { a.Text = pii.New(" ") }, approval.ErrText},
			"too many words":                 {func(a *approval.Asking) { a.Text = pii.New(strings.Repeat("长", 501)) }, approval.ErrText},
			"more than an hour":              {func(a *approval.Asking) { a.Minutes = 61 }, approval.ErrMinutes},
			"less than a minute":             {func(a *approval.Asking) { a.Minutes = -1 }, approval.ErrMinutes},
			"as many minutes as are usual":   {func(a *approval.Asking) { a.Minutes = 0 }, nil},
			"the longest words, for an hour": {func(a *approval.Asking) { a.Text, a.Minutes = pii.New(strings.Repeat("长", 500)), 60 }, nil},
		} {
			a := asking()
			c.change(&a)
			r, err := w.ask(w.worker, a)
			wants(t, name, err, c.want)
			if err == nil && a.Minutes == 0 && r.Minutes != approval.Defaults.Minutes {
				t.Errorf("%d minutes", r.Minutes)
			}
		}
		for name, role := range map[string]staff.Role{"an engineer": staff.Engineer, "an auditor": staff.Auditor} {
			_, err := w.ask(w.hire(name, role), asking())
			wants(t, name, err, approval.ErrMayNot)
		}
		r := w.asked(w.worker)
		less := func(minutes int, items ...string) approval.Decision {
			return approval.Decision{Verdict: approval.Narrowed, Items: items, Minutes: minutes, Reason: approval.LessFits}
		}
		for name, c := range map[string]struct {
			a    approval.Decision
			want error
		}{
			"less that is as much":       {less(30, "nickname", "remarks"), approval.ErrNarrowed},
			"another item":               {less(30, "school"), approval.ErrNarrowed},
			"an item twice":              {less(30, "nickname", "nickname"), approval.ErrNarrowed},
			"more minutes":               {less(31, "nickname"), approval.ErrNarrowed},
			"no minutes":                 {less(0, "nickname"), approval.ErrNarrowed},
			"no items":                   {less(5), approval.ErrNarrowed},
			"all, and items besides":     {approval.Decision{Verdict: approval.Granted, Items: []string{"school"}, Reason: approval.Needed}, approval.ErrNarrowed},
			"no, with the reason of yes": {approval.Decision{Verdict: approval.Refused, Reason: approval.Needed}, approval.ErrReason},
			"a verdict of one's own":     {approval.Decision{Verdict: approval.Ended, Reason: approval.Needed}, approval.ErrVerdict},
			"words that are too long":    {approval.Decision{Verdict: approval.Granted, Reason: approval.Needed, Text: pii.New(strings.Repeat("长", 501))}, approval.ErrText},
		} {
			_, err := w.decide(w.manager, r, c.a)
			wants(t, name, err, c.want)
		}
		yes := grant
		yes.Text = pii.New("请只看课程")
		got, err := w.decide(w.manager, r, yes)
		if err != nil || got.Until.Sub(got.From) != 30*time.Minute || got.Quota != int64(approval.Defaults.Looks) || !slices.Equal(got.Granted, r.Items) {
			t.Fatalf("%+v, %v", got, err)
		}
		decided := w.find(r)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Find(ctx, tx, service, w.child.ID)
			if err != nil {
				return err
			}
			note, reply, err := decided.Text(w.Ring, c)
			if note.Reveal() != "家长来电，课程显示不对" || reply.Reveal() != "请只看课程" {
				t.Error("the words are others")
			}
			return err
		})
	})
}

// Who asks about a child again and again keeps nobody else from asking.
func TestArticle15_AFloodOfRequestsKeepsNobodyElseOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var first approval.Request
		for i := range 20 {
			if r := w.asked(w.worker); i == 0 {
				first = r
			}
		}
		_, err := w.ask(w.worker, asking())
		wants(t, "one more", err, approval.ErrMany)
		if _, err := w.ask(w.second, asking()); err != nil {
			t.Errorf("a colleague: %v", err)
		}
		wants(t, "one is given back", w.end(w.worker, first), nil)
		if _, err := w.ask(w.worker, asking()); err != nil {
			t.Errorf("after one was given back: %v", err)
		}
	})
}

// Nothing of the words, and of no name, is in the ledger (invariant 6).
func TestInvariant6_TheLedgerHasNoWordsOfAnApproval(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		yes := grant
		yes.Text = pii.New("请只看课程")
		if _, err := w.decide(w.manager, w.asked(w.worker), yes); err != nil {
			t.Fatal(err)
		}
		n := 0
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			return ledger.Pending(ctx, tx, func(p ledger.Placed) error {
				if strings.HasPrefix(p.Kind, "approval.") {
					n++
					for _, word := range []string{"课程", "李雷", "韩梅梅", string(w.child.ID)} {
						if strings.Contains(string(p.Body), word) {
							t.Errorf("%s: %s", p.Kind, word)
						}
					}
				}
				return nil
			})
		})
		if n != 2 {
			t.Errorf("%d entries", n)
		}
	})
}

// A request that nobody answers, or whose asker or decider has lost the role by then,
// comes to nothing.
func TestArticle15_WhoLostTheRoleHasNoSay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		gone := w.asked(w.worker)
		late := w.asked(w.second)
		byOfficer := w.asked(w.officer)
		byManager := w.asked(w.manager)
		w.leave(w.worker)
		_, err := w.decide(w.manager, gone, grant)
		wants(t, "the asker has left", err, approval.ErrAsker)
		if r, err := w.decide(w.manager, gone, approval.Decision{Verdict: approval.Refused, Reason: approval.OtherWay}); err != nil || r.State != approval.Refused {
			t.Errorf("it can't be refused: %v", err)
		}
		_, err = w.ask(w.worker, asking())
		wants(t, "who has left asks", err, approval.ErrMayNot)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.Appoint(ctx, tx, terminal, service, catalog.RoleOfficer, "下一任", "next@example.com")
			return err
		})
		_, err = w.decide(w.officer, late, grant)
		wants(t, "who was officer decides", err, approval.ErrMayNot)
		_, err = w.decide(w.manager, byOfficer, grant)
		wants(t, "who asked as an officer isn't one", err, approval.ErrAsker)
		w.Pass(approval.Defaults.Answer)
		_, err = w.decide(w.manager, late, grant)
		wants(t, "a day later", err, approval.ErrExpired)
		wants(t, "a day later, ended", w.end(w.second, late), approval.ErrOver)
		w.leave(w.manager)
		_, err = w.decide(w.manager, byManager, grant)
		wants(t, "who has left decides", err, approval.ErrMayNot)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			open, err := approval.List(ctx, tx, service, false, 10)
			if err != nil || len(open) != 0 {
				t.Errorf("open: %d, %v", len(open), err)
			}
			closed, err := approval.List(ctx, tx, service, true, 10)
			if len(closed) != 4 {
				t.Errorf("closed: %d", len(closed))
			}
			return err
		})
	})
}

// Whoever asked gives it back, whoever may decide ends it, and nobody else.
func TestArticle15_AWindowIsEndedBeforeItsTime(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.asked(w.worker)
		if _, err := w.decide(w.manager, r, grant); err != nil {
			t.Fatal(err)
		}
		wants(t, "a colleague ends it", w.end(w.second, r), approval.ErrMayNot)
		wants(t, "the officer ends it", w.end(w.officer, r), nil)
		if now := w.find(r); now.State != approval.Ended || now.Why != approval.Revoked || now.EndedBy != w.officer.Ledger() {
			t.Errorf("%+v", now)
		}
		wants(t, "twice", w.end(w.officer, r), approval.ErrOver)
		own := w.asked(w.worker)
		wants(t, "who asked gives it back", w.end(w.worker, own), nil)
		if now := w.find(own); now.Why != approval.GivenBack {
			t.Errorf("%+v", now)
		}
		_, err := w.decide(w.manager, own, grant)
		wants(t, "what was given back is granted", err, approval.ErrDecided)
	})
}

// Of a decision and a leaving at the same time one is first, and the other knows of it:
// no decision rests on a role that is gone.
func TestArticle15_ADecisionBesideALeaving(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, who := range []string{"the decider", "the asker"} {
			for _, first := range []string{"the decision", "the leaving"} {
				asker, decider := w.hire("甲", staff.Worker), w.hire("乙", staff.Manager)
				r := w.asked(asker)
				leaver := decider
				if who == "the asker" {
					leaver = asker
				}
				deciding := func(ctx context.Context, tx *db.Tx) error {
					_, _, err := w.desk.Decide(ctx, tx, decider, service, r.ID, grant)
					return err
				}
				leaving := func(ctx context.Context, tx *db.Tx) error {
					_, err := staff.Leave(ctx, tx, terminal, leaver.ID)
					return err
				}
				one, other := deciding, leaving
				if first == "the leaving" {
					one, other = leaving, deciding
				}
				err, late := w.beside(t, one, other)
				decided := w.find(r).State == approval.Granted
				if err != nil || decided != (first == "the decision") {
					t.Errorf("%s leaves, %s first: decided %v, %v, then %v", who, first, decided, err, late)
				}
				if first == "the leaving" && !errors.Is(late, approval.ErrMayNot) && !errors.Is(late, approval.ErrAsker) {
					t.Errorf("%s leaves first: %v", who, late)
				}
			}
		}
	})
}
