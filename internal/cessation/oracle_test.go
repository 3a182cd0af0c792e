package cessation_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	agekey "filippo.io/age"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/gate/gatetest"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

// No value leaves without its basis, through the store: whatever officers sign, stop and
// publish, guardians say, and time does, in whatever order, each thing that is asked is answered
// as the law says, by all ways that something goes. The audit finds nothing afterwards (each).
// WARDKEEP_STEPS takes longer walks, WARDKEEP_SEED one that was taken before.
func TestArticle16_WhateverHappensTheStoreDecidesAsTheOracle(t *testing.T) {
	steps, seed := number(t, "WARDKEEP_STEPS", 30), number(t, "WARDKEEP_SEED", rand.Uint64())
	sold(t, func(t *testing.T, h *house) {
		w := begin(h, seed)
		w.asks(true)
		w.placed()
		for i := range steps {
			w.words = append(w.words, w.step(i > steps*2/3))
			w.placed()
			w.asks(false)
			w.placed()
			if t.Failed() {
				t.Fatalf("WARDKEEP_SEED=%d: %s", seed, strings.Join(w.words, "; "))
			}
		}
		t.Logf("WARDKEEP_SEED=%d: of %d that were asked %d were permitted", seed, w.asked, w.permitted)
	})
}

func number(t *testing.T, name string, otherwise uint64) uint64 {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A course is what happens in one house, and what the law is told of it.
type course struct {
	*house
	dice  *rand.Rand
	clock *atomic.Int64 // microseconds: time goes by step by step, so that its ends are met exactly
	words []string      // what has happened

	asked, permitted int

	child     family.Child
	guardians []family.Guardian
	sides     []*side
	narrowed  bool      // the charter in force gives the processor one item alone
	window    time.Time // of the takeover; zero: none was announced
	notice    int       // the number of the charter in force
}

// A side is a party, and what of a case its papers say.
type side struct {
	party.ID
	purpose string
	items   []string
	is      gatetest.Case
	papers  int // that keys were bound to, up to the one that it stands on
	sign    bound
	seal    bound
	bundle  vault.Bundle // that waits for it; zero: none does
	sealed  bound        // to which that was sealed
	said    [2]gatetest.Answer
	spoke   [2]bool
}

// bound is a key; zero: there is none.
type bound struct {
	id      string
	paper   int
	until   time.Time
	revoked bool
}

// begin has both parties stand well at ten in the morning in China, with a key of each kind, and
// a child whose guardians have agreed.
func begin(h *house, seed uint64) *course {
	w := &course{house: h, dice: rand.New(rand.NewPCG(seed, 16)), clock: new(atomic.Int64), notice: 2}
	at := h.Store.Now().In(age.Zone)
	w.clock.Store(time.Date(at.Year(), at.Month(), at.Day()+1, 10, 0, 0, 0, age.Zone).UnixMicro())
	h.Store.Now = func() time.Time { return time.UnixMicro(w.clock.Load()).UTC() }
	processor := &side{ID: vaulttest.ProcessorID(), purpose: "speaking-practice", items: []string{"gender", "voice"}}
	recipient := &side{ID: party.ID{Service: vaulttest.Service, Role: party.Recipient, Name: vaulttest.Successor}, purpose: vaulttest.Handover,
		items: []string{"nickname", "weekly_score"}}
	recipient.is.Transfer = true
	w.sides = []*side{processor, recipient}
	for i, s := range w.sides {
		s.is.Does, s.is.Has, s.is.Names, s.is.Gives, s.is.Asked, s.is.Counted = true, s.items, true, s.items, 1+i, true
		w.must(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Register(ctx, tx, h.Officer, s.ID, vaulttest.Identity())
			return err
		})
		s.is.Registered = true
		w.assess(s, s.items, true, 300)
	}
	w.agree(processor, processor.items, -time.Hour, 60*day)
	for _, s := range w.sides {
		w.bind(s)
		w.bindSeal(s)
	}
	w.enrol()
	return w
}

// placed gives what has happened its place in the ledger: by their times alone nobody could tell
// what came first.
func (w *course) placed() {
	if err := w.log.Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *course) now() time.Time { return w.Store.Now() }

// try does something, and reports whether it was done; what isn't refused must be.
func (w *course) try(fn func(ctx context.Context, tx *db.Tx) error) bool {
	w.t.Helper()
	err := w.Try(fn)
	if err != nil && errs.Of(err).Kind == errs.Internal {
		w.t.Errorf("%v, after %s", err, strings.Join(w.words, "; "))
	}
	return err == nil
}

func (w *course) must(fn func(ctx context.Context, tx *db.Tx) error) {
	w.t.Helper()
	if err := w.Try(fn); err != nil {
		w.t.Fatal(err)
	}
}

func (s *side) scope(items []string) party.Scope { return party.Scope{s.purpose: items} }

// assess signs an assessment that holds until the end of a day.
func (w *course) assess(s *side, items []string, passes bool, days int) bool {
	f := w.Assessment(s.scope(items))
	today := w.now().In(age.Zone)
	f.ValidUntil = today.AddDate(0, 0, days).Format(time.DateOnly)
	if !passes {
		f.Deletion.Score = party.Unacceptable
	}
	done := w.try(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := party.Assess(ctx, tx, w.Officer, s.ID, f)
		return err
	})
	if done {
		s.is.Assessment = gatetest.Paper{Signed: true, Passed: passes, Items: items,
			Period: gatetest.Period{From: w.now(), Until: time.Date(today.Year(), today.Month(), today.Day()+days+1, 0, 0, 0, 0, age.Zone)}}
		if s.Role == party.Recipient {
			s.papers++
			if !s.is.EndsAt.IsZero() && !w.now().Before(s.is.EndsAt) {
				s.is.EndsAt = time.Time{} // it begins anew
			}
		}
	}
	return done
}

func (w *course) agree(s *side, items []string, from, until time.Duration) bool {
	start, end := w.now().Add(from), w.now().Add(until)
	done := w.try(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := party.Agree(ctx, tx, w.Officer, s.ID, w.Deed(s.scope(items), start, end))
		return err
	})
	if done {
		second := time.Second
		s.is.Agreement = gatetest.Paper{Signed: true, Items: items, Period: gatetest.Period{From: start.Truncate(second), Until: end.Truncate(second)}}
		s.is.EndsAt = time.Time{}
		s.papers++
	}
	return done
}

// stands is the paper that a key of the party is bound to.
func (s *side) stands() gatetest.Paper {
	if s.Role == party.Recipient {
		return s.is.Assessment
	}
	return s.is.Agreement
}

func (w *course) bind(s *side) bool {
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	var key party.Key
	done := w.try(func(ctx context.Context, tx *db.Tx) (err error) {
		key, _, err = party.Bind(ctx, tx, w.Officer, s.ID, public, time.Time{})
		return err
	})
	if done {
		s.sign = bound{id: key.ID, paper: s.papers, until: s.stands().Until}
	}
	return done
}

func (w *course) bindSeal(s *side) bool {
	identity, err := agekey.GenerateX25519Identity()
	if err != nil {
		w.t.Fatal(err)
	}
	var key party.Key
	w.revoke(s, &s.seal) // else an app could still seal to that one
	done := w.try(func(ctx context.Context, tx *db.Tx) (err error) {
		key, _, err = party.BindSeal(ctx, tx, w.Officer, s.ID, identity.Recipient().String(), time.Time{})
		return err
	})
	if done {
		s.seal = bound{id: key.ID, paper: s.papers, until: s.stands().Until}
	}
	return done
}

func (w *course) revoke(s *side, key *bound) bool {
	done := key.id != "" && w.try(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := party.Revoke(ctx, tx, w.Officer, s.ID, key.id)
		return err
	})
	if done {
		if s.sealed.id == key.id {
			s.sealed.revoked = true
		}
		key.revoked = true
	}
	return done
}

// enrol has a child come whose guardians have agreed to everything, and whose values are held.
func (w *course) enrol() {
	child := w.Proved()
	for purpose, values := range map[string]map[string]string{
		"speaking-practice": {"gender": "女", "voice": "UklGRg=="},
		"course-progress":   {"nickname": "小溪", "weekly_score": "91"},
	} {
		w.must(func(ctx context.Context, tx *db.Tx) error {
			put := make(map[string]pii.Text)
			for item, value := range values {
				put[item] = pii.New(value)
			}
			_, err := w.Vault.Put(ctx, tx, w.By(), vaulttest.Service, child.ID, purpose, put)
			return err
		})
	}
	w.child, w.guardians = child, []family.Guardian{w.Guardian(child)}
	w.must(func(ctx context.Context, tx *db.Tx) error {
		c, err := family.Lock(ctx, tx, vaulttest.Service, child.ID)
		if err != nil {
			return err
		}
		father, _, err := w.Vault.Gate.AddGuardian(ctx, tx, w.App, c, family.Person{Relation: family.Parent, Phone: pii.New("13900139000")})
		if err != nil {
			return err
		}
		father, err = family.VerifyGuardian(ctx, tx, "test", c, father.ID, family.OneTimeCode)
		w.guardians = append(w.guardians[:1:1], father)
		return err
	})
	for _, s := range w.sides {
		s.said = [2]gatetest.Answer{{Yes: true, Notice: w.notice, Proved: true}}
		s.spoke, s.bundle = [2]bool{true, false}, vault.Bundle{}
	}
}

// answer has a guardian answer about a purpose, who asks for that itself: after a no nobody else
// may (edge case 26).
func (w *course) answer(s *side, who int, yes, proved bool) bool {
	outcome, strength := consent.ForceRefused, family.OneTimeCode
	if yes {
		outcome = consent.ForceGranted
	}
	if proved {
		strength = family.NameAndNumber
	}
	done := w.try(func(ctx context.Context, tx *db.Tx) error {
		var all []family.Guardian
		if err := tx.Together(ctx, family.ReadGuardians(&all, w.child.ID)); err != nil {
			return err
		}
		g := all[slices.IndexFunc(all, func(g family.Guardian) bool { return g.ID == w.guardians[who].ID })]
		child, err := family.Find(ctx, tx, vaulttest.Service, w.child.ID)
		if err != nil {
			return err
		}
		r, _, _, err := w.Desk.Ask(ctx, tx, g, child, consent.Asking{Guardian: g.ID, Purposes: []string{s.purpose}, Channel: consent.Link, Locale: "zh-CN"})
		if err != nil {
			return err
		}
		_, _, err = w.Desk.ForceAt(ctx, tx, w.App, r, outcome, strength)
		return err
	})
	if done {
		s.said[who] = gatetest.Answer{Yes: yes, Notice: w.notice, Proved: proved, Informed: !w.window.IsZero()}
		s.spoke[who] = true
	}
	return done
}

func (w *course) withdraw(s *side, who int) bool {
	done := w.try(func(ctx context.Context, tx *db.Tx) error {
		var all []family.Guardian
		if err := tx.Together(ctx, family.ReadGuardians(&all, w.child.ID)); err != nil {
			return err
		}
		g := all[slices.IndexFunc(all, func(g family.Guardian) bool { return g.ID == w.guardians[who].ID })]
		_, err := w.Desk.Withdraw(ctx, tx, g, w.child, s.purpose)
		return err
	})
	if done {
		s.said[who], s.spoke[who] = gatetest.Answer{Withdrew: true, Notice: w.notice}, true
	}
	return done
}

// publish has a charter come into force that gives the processor one item less, or gives it back:
// who agreed agreed to something else.
func (w *course) publish() {
	w.narrowed = !w.narrowed
	c := *w.Charter
	s := w.sides[0]
	s.is.Gives = s.items
	if w.narrowed {
		s.is.Gives = s.items[1:]
	}
	c.Processors = slices.Clone(c.Processors)
	c.Processors[0].Items = s.is.Gives
	w.Publish(&c)
	w.notice++
	s.is.Asked = w.notice
}

// late lets so much time go by that what was ordered is overdue (edge case 13).
func (w *course) late() bool {
	w.clock.Add((21 * day).Microseconds())
	var due []order.Order
	w.must(func(ctx context.Context, tx *db.Tx) (err error) {
		due, err = order.Due(ctx, tx, order.Order{}, 100)
		for _, o := range due {
			if err == nil {
				_, err = order.Overdue(ctx, tx, "system:retention", o)
			}
		}
		return err
	})
	for _, o := range due {
		for _, s := range w.sides {
			s.is.Overdue = s.is.Overdue || s.Name == o.Party
		}
	}
	return len(due) > 0
}

// attest has all that was ordered done.
func (w *course) attest() {
	book := order.Book{Ring: w.Ring, Charters: w.Vault.Gate.Charters, Calendar: w.Vault.Calendar}
	w.must(func(ctx context.Context, tx *db.Tx) error {
		all, err := order.List(ctx, tx, vaulttest.Service, order.IsOpen, "", 1000)
		for _, o := range all {
			if err == nil {
				_, _, err = book.Attest(ctx, tx, w.Officer, vaulttest.Service, o.ID, o.Party, "")
			}
		}
		return err
	})
	for _, s := range w.sides {
		s.is.Overdue = false
	}
}

// step has something happen, and returns it in words.
func (w *course) step(ends bool) string {
	w.clock.Add(time.Second.Microseconds())
	s := w.sides[w.dice.IntN(3)/2] // more happens to the processor
	items, yes := s.items, w.dice.IntN(3) > 0
	if w.dice.IntN(4) == 0 {
		items = items[1:]
	}
	word := func(verb string, done bool, about ...any) string {
		return fmt.Sprint(verb, " ", s.Role, " ", done, " ", fmt.Sprint(about...))
	}
	if ends && w.window.IsZero() && w.dice.IntN(4) == 0 {
		w.window = w.now().Add(8 * day)
		w.must(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.CeaseTo(ctx, tx, w.Officer, vaulttest.Service, catalog.ClosingDown, w.window, catalog.Takeover{Recipient: vaulttest.Successor, Document: "PIA-2026-18", Assessed: "2026-03-02"})
			return err
		})
		for _, s := range w.sides {
			s.is.Ending, s.is.TakeOver, s.is.Window = true, s.Role == party.Recipient, w.window
		}
		return "the service ends"
	}
	switch w.dice.IntN(22) {
	case 0, 1:
		days := []int{0, 300}[w.dice.IntN(2)]
		return word("assess", w.assess(s, items, w.dice.IntN(5) > 0, days), items, days)
	case 2, 3, 4:
		from := []time.Duration{-time.Hour, 0, time.Hour}[w.dice.IntN(3)]
		until := []time.Duration{2 * time.Hour, 20 * time.Hour, 60 * day}[w.dice.IntN(3)]
		return word("agree", w.agree(s, items, from, until), items, from, until)
	case 5:
		done := w.try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Suspend(ctx, tx, w.Officer, s.ID, party.Other)
			return err
		})
		s.is.Suspended = s.is.Suspended || done
		return word("suspend", done)
	case 6, 7:
		done := w.try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Resume(ctx, tx, w.Officer, s.ID)
			return err
		})
		s.is.Suspended = s.is.Suspended && !done
		return word("resume", done)
	case 8:
		subs := []string{"somebody"}[:w.dice.IntN(2)]
		done := w.try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Declare(ctx, tx, w.Officer, s.ID, subs)
			return err
		})
		if done {
			s.is.Entrusts = len(subs) > 0
			s.is.Suspended = s.is.Suspended || s.is.Entrusts
		}
		return word("declare", done, subs)
	case 9:
		at := w.now().Add([]time.Duration{0, time.Hour}[w.dice.IntN(2)])
		done := w.try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.End(ctx, tx, w.Officer, s.ID, at)
			return err
		})
		if done {
			s.is.EndsAt = at
		}
		return word("end", done, at)
	case 10:
		return word("bind", w.bind(s)) + word(" and to seal to", w.bindSeal(s))
	case 11:
		key := []*bound{&s.sign, &s.seal}[w.dice.IntN(2)]
		return word("revoke", w.revoke(s, key), key.id[:3])
	case 12, 13:
		who, proved := w.dice.IntN(2), w.dice.IntN(2) == 0
		return word("answer", w.answer(s, who, yes, proved), who, yes, proved)
	case 14:
		who := w.dice.IntN(2)
		return word("withdraw", w.withdraw(s, who), who)
	case 15:
		if !w.window.IsZero() {
			return "nothing"
		}
		w.enrol()
		return "another child"
	case 16:
		if !w.window.IsZero() {
			return "nothing"
		}
		if w.dice.IntN(2) == 0 {
			w.publish()
			return word("publish", true, w.narrowed)
		}
		w.clock.Add(time.Minute.Microseconds())
		w.round()
		return "round"
	case 17:
		if !w.window.IsZero() || w.dice.IntN(2) == 0 {
			w.attest()
			return "attest"
		}
		done := w.late()
		w.enrol()
		return word("late", done)
	case 18, 19:
		if !w.window.IsZero() {
			return "nothing"
		}
		w.mend()
		return "all is put in order"
	}
	return w.passes(s)
}

// mend puts in order what can be: so that what happens next is often all that is wrong.
func (w *course) mend() {
	w.attest()
	if w.narrowed {
		w.publish()
	}
	w.clock.Add(time.Minute.Microseconds())
	w.round()
	for _, s := range w.sides {
		if w.try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Declare(ctx, tx, w.Officer, s.ID, nil)
			return err
		}) {
			s.is.Entrusts = false
		}
		if w.try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Resume(ctx, tx, w.Officer, s.ID)
			return err
		}) {
			s.is.Suspended = false
		}
		w.assess(s, s.items, true, 300)
		w.attest()
		w.agree(s, s.items, -time.Hour, 60*day)
		w.bind(s)
		w.bindSeal(s)
	}
	w.enrol()
}

// passes lets time go by, up to the last moment of something, or to its end.
func (w *course) passes(s *side) string {
	key := s.sign.until
	soon := []time.Time{s.is.Agreement.From, s.is.Agreement.Until, s.is.Assessment.Until, s.is.EndsAt, key, w.window}
	soon = slices.DeleteFunc(soon, func(at time.Time) bool { return !at.After(w.now()) || at.After(w.now().Add(9*day)) })
	if len(soon) == 0 {
		w.clock.Add(time.Minute.Microseconds())
		return "a minute"
	}
	at := soon[w.dice.IntN(len(soon))]
	if w.dice.IntN(2) == 0 {
		at = at.Add(-time.Microsecond)
	}
	w.clock.Store(max(w.clock.Load(), at.UnixMicro()))
	return fmt.Sprint("until ", at.Format(time.RFC3339Nano))
}

// asks asks for something by each way, and fails the test where that isn't answered as the law
// says; or, with all, where anything is denied.
func (w *course) asks(all bool) {
	w.t.Helper()
	for _, s := range w.sides {
		w.sends(s, all)
		items := s.items
		if w.dice.IntN(2) == 0 {
			items = items[1:]
		}
		by := []gatetest.Way{gatetest.App, gatetest.Key}
		if s.bundle.ID == "" {
			by = append(by, gatetest.Push)
		}
		for _, way := range by {
			c := w.facts(s, way, items)
			law := c.Law()
			got := w.ask(s, way, items)
			if !law.Is(told(got)) || all && !law.Permits() {
				w.t.Errorf("%s, for %s: got %v, want %v", way, s.Role, got, law)
			}
			if w.asked++; law.Permits() {
				w.permitted++
			}
		}
	}
}

// facts is the case that a way of asking makes now.
func (w *course) facts(s *side, way gatetest.Way, items []string) gatetest.Case {
	c := s.is
	c.At, c.Way, c.Items = w.now(), way, items
	for i, a := range s.said {
		if s.spoke[i] {
			c.Answers = append(c.Answers, a)
		}
	}
	// Edge case 7: a child whose guardians differ about anything is in dispute.
	for _, o := range w.sides {
		c.Disputed = c.Disputed || o.spoke[0] && o.spoke[1] && o.said[0].Yes != o.said[1].Yes
	}
	key := s.sign
	switch way {
	case gatetest.Push: // the app takes a key that holds, if there is one
		key = s.seal
	case gatetest.Bundle:
		key = s.sealed
	}
	c.Bound, c.BoundOther, c.Revoked, c.KeyUntil = key.id != "", key.paper != s.papers, key.revoked, key.until
	return c
}

// ask asks by a way, and returns the reasons against it.
func (w *course) ask(s *side, way gatetest.Way, items []string) []gate.Denial {
	u := gate.Use{Service: vaulttest.Service, Child: w.child.ID, Activity: gate.Activity(s.Role), Purpose: s.purpose, Items: items, Party: s.Name}
	var pushed vault.Pushed
	err := w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		switch {
		case way == gatetest.Push:
			pushed, err = w.Vault.Push(ctx, tx, w.By(), s.ID, w.child.ID, s.purpose, items)
		case way == gatetest.Key:
			by, found := party.ClientOf(ctx, tx, s.sign.id)
			if err = found; err == nil {
				_, err = w.Vault.Pull(ctx, tx, by, w.child.ID, s.purpose, items)
			}
		case s.Role == party.Recipient:
			_, err = w.Vault.Transfer(ctx, tx, w.By(), u)
		default:
			_, err = w.Vault.Open(ctx, tx, w.By(), u, nil)
		}
		return err
	})
	if denied, ok := errors.AsType[*gate.Denied](err); ok {
		return denied.Reasons
	}
	if err != nil {
		w.t.Errorf("%s: %v", way, err)
	}
	if pushed.Bundle != "" {
		waiting := w.Waiting()
		s.bundle = waiting[slices.IndexFunc(waiting, func(b vault.Bundle) bool { return b.ID == pushed.Bundle })]
		s.sealed = s.seal
	}
	return nil
}

// told is what the gate has told, as the law writes it.
func told(denials []gate.Denial) (all []gatetest.Reason) {
	for _, d := range denials {
		all = append(all, gatetest.Reason{Article: d.Article, Code: strings.TrimPrefix(d.Code, "gate."), Item: d.Item})
	}
	return all
}

// sends tries to send what waits for a party, if something does.
func (w *course) sends(s *side, all bool) {
	b := s.bundle
	if b.ID == "" || w.dice.IntN(2) == 0 && !all {
		return
	}
	c := w.facts(s, gatetest.Bundle, b.Items)
	want := c.Law().Permits() && w.now().Before(b.UntilAt)
	var goes bool
	w.must(func(ctx context.Context, tx *db.Tx) (err error) {
		_, goes, err = w.Vault.Send(ctx, tx, b, func(int64) time.Duration { return time.Minute })
		return err
	})
	if goes != want {
		w.t.Errorf("what was pushed goes to %s: %t, the law says %v", s.Role, goes, c.Law())
	}
	s.bundle = vault.Bundle{}
}
