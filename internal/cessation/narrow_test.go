package cessation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/cessation"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/replay"
	"wardkeep/internal/vault/vaulttest"
)

// widen publishes a charter in which the processor works for two purposes, which both give it
// the nickname, and engages it.
func (h *house) widen() {
	h.t.Helper()
	c := *h.Charter
	c.Processors = slices.Clone(c.Processors)
	c.Processors[0].Items = append(slices.Clone(c.Processors[0].Items), "nickname")
	c.Purposes = slices.Clone(c.Purposes)
	for i, p := range c.Purposes {
		switch p.Name {
		case "course-progress":
			c.Purposes[i].Processors = []string{vaulttest.Processor}
			c.Purposes[i].Activities = append(slices.Clone(p.Activities), charter.Entrust)
		case "speaking-practice":
			c.Purposes[i].Items = append(slices.Clone(p.Items), "nickname")
		}
	}
	h.Publish(&c)
	h.Charter = &c
	h.Engage(h.Store.Now().Add(100 * day))
}

// without returns the charter with nobody who works for speaking practice.
func (h *house) without() *charter.Charter {
	c := *h.Charter
	c.Processors, c.Purposes = slices.Clone(c.Processors), slices.Clone(c.Purposes)
	c.Processors[0].Items = []string{"nickname"}
	for i, p := range c.Purposes {
		if p.Name == "speaking-practice" {
			c.Purposes[i].Processors = nil
			c.Purposes[i].Activities = slices.DeleteFunc(slices.Clone(p.Activities), func(a charter.Activity) bool { return a == charter.Entrust })
		}
	}
	return &c
}

// agrees has the officer sign an agreement over a scope.
func (h *house) agrees(scope party.Scope) error {
	return h.Try(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := party.Agree(ctx, tx, h.Officer, vaulttest.ProcessorID(), h.Deed(scope, tx.Now().Add(-time.Minute), tx.Now().Add(100*day)))
		return err
	})
}

// ordered fails the test unless just these orders were given about a child, each as what it says,
// items and purposes.
func (h *house) ordered(child family.Child, want ...string) {
	h.t.Helper()
	h.Do(func(ctx context.Context, tx *db.Tx) error {
		all, err := order.Of(ctx, tx, child.ID)
		got := []string{}
		for _, o := range all {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s: %s", o.What, strings.Join(o.Items, " "), strings.Join(o.Purposes, " "))))
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			h.t.Errorf("%q, want %q", got, want)
		}
		return err
	})
}

// holds fails the test unless the party holds that.
func (h *house) holds(held, excess string) {
	h.t.Helper()
	h.Do(func(ctx context.Context, tx *db.Tx) error {
		p, err := party.Find(ctx, tx, vaulttest.ProcessorID())
		if p.Held.String() != held || p.Excess.String() != excess || (p.Narrowed != 0) != p.Narrowing(tx.Now()) {
			h.t.Errorf("it holds %s and may not %s (%d); want %s and %s", p.Held, p.Excess, p.Narrowed, held, excess)
		}
		return err
	})
}

// walk returns the one walk that has to be gone.
func (h *house) walk() (w party.Walk) {
	h.t.Helper()
	h.Do(func(ctx context.Context, tx *db.Tx) error {
		all, err := party.Walks(ctx, tx)
		if err == nil && len(all) != 1 {
			err = fmt.Errorf("%d walks", len(all))
		}
		if err == nil {
			w = all[0]
		}
		return err
	})
	return w
}

// passes orders what a walk orders about one child, as a round does that dies after it.
func (h *house) passes(child family.Child) {
	h.t.Helper()
	w := h.walk()
	book := order.Book{Ring: h.Ring, Charters: h.Vault.Gate.Charters, Calendar: h.Vault.Calendar}
	h.Do(func(ctx context.Context, tx *db.Tx) error {
		c, err := family.Lock(ctx, tx, vaulttest.Service, child.ID)
		if err != nil {
			return err
		}
		p, on, err := w.Steady(ctx, tx)
		if err == nil && !on {
			err = errors.New("it is another walk")
		}
		if err == nil {
			err = book.Trimmed(ctx, tx, "system:cessation", c, p)
		}
		return err
	})
}

func (h *house) replays() {
	h.t.Helper()
	if err := h.log.Flush(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	report, err := replay.Audit(h.t.Context(), h.Store, h.Ring, catalog.NewCache(4), replay.Options{})
	if err != nil || !report.OK() {
		h.t.Errorf("%v, %v", report.Differences, err)
	}
}

const (
	both     = `{"course-progress":["nickname"],"speaking-practice":["gender","nickname","voice"]}`
	speaking = `{"speaking-practice":["gender","nickname","voice"]}`
	progress = `{"course-progress":["nickname"]}`
	nothing  = `{}`
)

// Articles 16(5) and 20: a charter that drops a processor from a purpose has it ordered to delete
// what it got for that, of each child once, and to stop using what it needs for another purpose;
// until it has attested in time, it signs nothing new.
func TestArticle16_WhatACharterTakesFromAPartyItDeletes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.widen()
		children := []family.Child{h.agreed("13800000001"), h.agreed("13800000002")}
		stranger, _ := h.Enrol() // whose guardian has agreed to nothing
		left := h.agreed("13800000003")
		h.Do(func(ctx context.Context, tx *db.Tx) error { // of whom it was ordered to delete it before
			g := h.guardianOf(ctx, tx, left)
			if _, err := h.Desk.Withdraw(ctx, tx, g, left, "speaking-practice"); err != nil {
				return err
			}
			_, err := h.Vault.EraseUnfounded(ctx, tx, g.Ledger(), vaulttest.Service, left.ID)
			return err
		})
		h.holds(both, nothing)
		h.Publish(h.without())
		h.holds(both, speaking)
		h.replays()
		// Who moves the walk on by hand leaves nobody out of it; and two nodes order once.
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE party SET parted_upto = 'zz'`)
			return err
		})
		h.passes(children[0])
		var group sync.WaitGroup
		trimmed := make([]int, 2)
		for i := range trimmed {
			group.Go(func() {
				done, err := cessation.Round(t.Context(), h.Store, h.Vault, h.farewell, h.told)
				if err != nil {
					t.Error(err)
				}
				trimmed[i] = done.Trimmed
			})
		}
		group.Wait()
		if trimmed[0]+trimmed[1] != 1 {
			t.Errorf("recorded %d times", trimmed)
		}
		want := []string{"delete gender voice: speaking-practice", "stop nickname: speaking-practice"}
		for _, c := range append(children, left) {
			h.ordered(c, want...)
		}
		h.ordered(stranger)
		h.holds(progress, nothing)
		h.replays()
		// A word about the party orders nothing anew.
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Suspend(ctx, tx, h.Officer, vaulttest.ProcessorID(), party.Other)
			if err == nil {
				_, _, err = party.Resume(ctx, tx, h.Officer, vaulttest.ProcessorID())
			}
			return err
		})
		if done := h.round(); done.Trimmed != 0 {
			t.Errorf("%+v", done)
		}
		h.ordered(children[0], want...)
		h.Pass(30 * day)
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			late, err := order.Due(ctx, tx, order.Order{}, 1)
			if err == nil {
				_, err = order.Overdue(ctx, tx, "system:retention", late[0])
			}
			return err
		})
		if err := h.agrees(party.Scope{"course-progress": {"nickname"}}); !errors.Is(err, party.ErrOverdue) {
			t.Errorf("with an order overdue: %v", err)
		}
	})
}

// A paper that covers less does what a charter does; and what the party may have again before the
// walk has come by isn't ordered, nor does a narrowing of before count for a later one.
func TestArticle16_WhatAPaperTakesIsOrderedUntilItIsGivenAgain(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.widen()
		children := []family.Child{h.agreed("13800000001"), h.agreed("13800000002")}
		all := party.ScopeOf(h.Charter, party.Processor, vaulttest.Processor)
		less := party.Scope{"course-progress": {"nickname"}, "speaking-practice": {"nickname", "voice"}}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(h.agrees(less))
		h.holds(both, `{"speaking-practice":["gender"]}`)
		h.passes(children[0])
		must(h.agrees(all))
		h.holds(both, nothing)
		h.replays()
		if done := h.round(); done.Trimmed != 1 {
			t.Errorf("%+v", done)
		}
		h.ordered(children[0], "delete gender: speaking-practice")
		h.ordered(children[1])
		h.holds(both, nothing)

		// Taken, and more taken on the way: what was ordered because of the first is ordered anew,
		// for nobody knows what the party got in between.
		must(h.agrees(less))
		h.passes(children[0])
		h.ordered(children[0], "delete gender: speaking-practice", "delete gender: speaking-practice")
		h.Pass(party.PartWithin)
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			late, err := party.CountLate(ctx, tx)
			if err != nil || late.Partings != 1 {
				return errors.Join(err, fmt.Errorf("%d walks are late", late.Partings))
			}
			due, err := party.ToRaise(ctx, tx)
			if err != nil || len(due) != 1 || due[0].What != party.Narrowing {
				return errors.Join(err, fmt.Errorf("alarms of %+v", due))
			}
			_, err = party.Raise(ctx, tx, "system:retention", due[0])
			return err
		})
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Assess(ctx, tx, h.Officer, vaulttest.ProcessorID(), h.Assessment(party.Scope{"course-progress": {"nickname"}}))
			return err
		})
		h.holds(both, speaking)
		if done := h.round(); done.Trimmed != 1 {
			t.Errorf("%+v", done)
		}
		h.ordered(children[1], "delete gender voice: speaking-practice", "stop nickname: speaking-practice")
		h.holds(progress, nothing)
	})
}

// A party that ends while it is ordered to delete some is ordered to delete all, of every child;
// how far the walk of before was counts for nothing.
func TestArticle16_AnEndTakesThePlaceOfANarrowing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.widen()
		children := []family.Child{h.agreed("13800000001"), h.agreed("13800000002")}
		h.Publish(h.without())
		h.passes(children[0])
		w := h.walk()
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			is := w
			on, err := is.PartUpto(ctx, tx, h.Ring, "zz", false)
			if err == nil && !on {
				err = errors.New("it isn't recorded")
			}
			w = is
			return err
		})
		h.replays()
		h.Pass(100 * day) // the agreement is over
		h.replays()
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			is := w // of the node that was at it
			if on, err := is.PartUpto(ctx, tx, h.Ring, "zzz", false); err != nil || on {
				return errors.Join(err, errors.New("the walk of before goes on"))
			}
			if _, on, err := w.Steady(ctx, tx); err != nil || on {
				return errors.Join(err, errors.New("the walk of before orders"))
			}
			if on, err := is.Hold(ctx, tx); err != nil || on {
				return errors.Join(err, errors.New("the walk of before ends"))
			}
			return nil
		})
		if done := h.round(); done.Trimmed != 0 || done.Parted != 1 {
			t.Errorf("%+v", done)
		}
		h.ordered(children[0], "delete gender voice: speaking-practice", "stop nickname: speaking-practice", "delete gender nickname voice:")
		h.ordered(children[1], "delete gender nickname voice:")
		h.holds(nothing, nothing)
		if err := h.agrees(party.Scope{"course-progress": {"nickname"}}); err != nil {
			t.Error(err)
		}
		h.holds(progress, nothing)
	})
}
