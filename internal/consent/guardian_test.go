package consent_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
)

// locked runs fn with the locked child.
func (w *world) locked(c family.Child, fn func(tx *db.Tx, c family.Child) error) error {
	return w.try(func(tx *db.Tx) error {
		c, err := family.Lock(w.ctx, tx, c.Service, c.ID)
		if err != nil {
			return err
		}
		return fn(tx, c)
	})
}

func (w *world) unverify(g family.Guardian) (after family.Guardian) {
	w.t.Helper()
	err := w.locked(family.Child{ID: g.Child, Service: service}, func(tx *db.Tx, c family.Child) (err error) {
		after, _, err = w.desk.Unverify(w.ctx, tx, w.app, c, g.ID)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return after
}

func (w *world) again(g family.Guardian, r consent.Request, purposes ...string) (n consent.Request, s consent.Secrets, err error) {
	err = w.try(func(tx *db.Tx) (err error) {
		n, s, _, err = w.desk.AskAgain(w.ctx, tx, g, r, purposes)
		return err
	})
	return n, s, err
}

// back signs a guardian in again through an answered request.
func (w *world) back(r consent.Request) (consent.Request, family.Guardian) {
	w.t.Helper()
	w.pass(time.Hour) // codes to one contact are limited
	r, proof, err := w.verify(r, w.code(r))
	if err != nil {
		w.t.Fatal(err)
	}
	return r, w.signIn(r, proof)
}

func (w *world) request(r consent.Request) (now consent.Request) {
	w.t.Helper()
	w.do(func(tx *db.Tx) (err error) {
		now, err = consent.ByID(w.ctx, tx, service, r.ID)
		return err
	})
	return now
}

func TestEdgeCase8_WhatWaitsForAFormerGuardianEndsWithTheOffice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		father := w.guardian(c, "+8613800000002", family.Parent)
		w.answered(w.app, c, mother, true, "account")
		hers, _ := w.mustAsk(w.app, c, consent.Asking{Guardian: mother.ID})
		pending, secrets := w.mustAsk(w.app, c, consent.Asking{Guardian: father.ID, Purposes: []string{"account"}})
		verified, f := w.verified(func() consent.Request {
			r, _ := w.mustAsk(w.app, c, consent.Asking{Guardian: father.ID, Purposes: []string{"class-ranking"}})
			return r
		}())
		over, _ := w.mustAsk(w.app, c, consent.Asking{Guardian: father.ID, Purposes: []string{"course-progress"}, TTL: time.Minute})
		w.pass(time.Minute)
		w.endGuardian(f)
		for _, r := range []consent.Request{pending, verified} {
			if got := w.request(r); got.State != consent.Cancelled {
				t.Errorf("his request is %s", got.State)
			}
		}
		if got := w.request(over); got.State != consent.Expired {
			t.Errorf("what had run out is %s", got.State)
		}
		if got := w.request(hers); got.State != consent.Pending {
			t.Errorf("hers is %s", got.State)
		}
		_, err, _ := w.byLink(secrets)
		w.refused(err, consent.ErrCancelled)
		_, err = w.give(f, verified, all(verified, true))
		w.refused(err, consent.ErrCancelled)
		_, err = w.sendCode(verified)
		w.refused(err, consent.ErrCancelled)
		cancelled := 0
		for _, e := range w.entries(c) {
			if e.Kind == consent.KindCancelled {
				cancelled++
				if e.Actor != w.officer.Ledger() {
					t.Errorf("cancelled by %s", e.Actor)
				}
			}
		}
		if cancelled != 2 {
			t.Errorf("%d entries of cancelled requests", cancelled)
		}
		w.refused(w.locked(c, func(tx *db.Tx, c family.Child) error {
			_, err := w.desk.EndGuardian(w.ctx, tx, w.app, c, f.ID)
			return err
		}), family.ErrGuardianEnded)
		w.refused(w.locked(c, func(tx *db.Tx, c family.Child) error {
			_, err := w.desk.EndGuardian(w.ctx, tx, w.app, c, "gu_nobody")
			return err
		}), family.ErrGuardianNotFound)
	})
}

func TestEdgeCase24_ATakenBackProofCarriesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		w.answered(w.app, c, mother, true, "account")
		w.pass(time.Hour)
		r, _ := w.mustAsk(w.app, c, consent.Asking{Purposes: []string{"class-ranking"}})
		r, g := w.verified(r)
		if after := w.unverify(g); after.Strength != family.Unproved || after.MayAnswer() {
			t.Errorf("%+v", after)
		}
		if v := w.verdict(c, "account", 1); v.Granted || v.Why != consent.Unverified {
			t.Errorf("what rested on the proof: %+v", v)
		}
		_, err := w.give(g, r, all(r, true))
		w.refused(err, consent.ErrMayNot)
		w.pass(time.Hour)
		r, proof, err := w.verify(r, w.code(r))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.give(w.signIn(r, proof), r, all(r, true)); err != nil {
			t.Fatal(err)
		}
		if v := w.verdict(c, "account", 1); !v.Granted || v.Strength != family.OneTimeCode {
			t.Errorf("proved anew: %+v", v)
		}
	})
}

// What lay in a browser when the proof was taken back stays void, also after the
// guardian has proved anew elsewhere: neither does it act, nor does it read.
func TestEdgeCase24_ATakenBackProofDoesNotComeBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		prove := func(purpose string) (r consent.Request, proof string) {
			w.pass(time.Minute)
			r, _ = w.mustAsk(w.app, c, consent.Asking{Purposes: []string{purpose}})
			r, err := w.open(r, "en")
			if err != nil {
				t.Fatal(err)
			}
			if r, proof, err = w.verify(r, w.code(r)); err != nil {
				t.Fatal(err)
			}
			if r, err = w.open(r, "en"); err != nil {
				t.Fatal(err)
			}
			return r, proof
		}
		answered, reads := prove("account")
		if _, err := w.give(w.signIn(answered, reads), answered, all(answered, true)); err != nil {
			t.Fatal(err)
		}
		waiting, acts := prove("class-ranking")
		reader := func(r consent.Request, proof string) error {
			return w.try(func(tx *db.Tx) error { _, err := w.desk.Reader(w.ctx, tx, r, proof); return err })
		}
		if err := errors.Join(reader(answered, reads), reader(waiting, acts)); err != nil {
			t.Fatalf("before: %v", err)
		}
		w.unverify(mother)
		prove("speaking-practice")
		w.refused(reader(answered, reads), consent.ErrVerified)
		w.refused(reader(waiting, acts), consent.ErrVerified)
		w.refused(w.try(func(tx *db.Tx) error { _, err := w.desk.Guardian(w.ctx, tx, waiting, acts); return err }), consent.ErrVerified)
	})
}

// Whoever takes proofs back in a loop doesn't keep a guardian from withdrawing:
// the code that is on its way proves who it is anew.
func TestArticle9_TakingProofsBackDoesNotKeepAGuardianFromWithdrawing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		r, _ := w.answered(w.app, c, mother, true, "account")
		w.pass(time.Hour)
		code := w.code(r)
		w.unverify(mother)
		w.unverify(mother)
		r, proof, err := w.verify(r, code)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.withdraw(w.signIn(r, proof), c, "account"); err != nil {
			t.Fatal(err)
		}
		if v := w.verdict(c, "account", 1); v.Granted || v.Why != consent.Withdrawn {
			t.Errorf("%+v", v)
		}
	})
}

func TestEdgeCase7_TakingAProofBackEndsADispute(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		father := w.guardian(c, "+8613800000002", family.Parent)
		_, m := w.answered(w.app, c, mother, true, "account")
		w.answered(w.app, c, father, false, "account")
		if !w.child(service, c.ID).Disputed {
			t.Fatal("not disputed")
		}
		w.unverify(m)
		if w.child(service, c.ID).Disputed {
			t.Error("disputed with somebody of whom nothing is proved")
		}
		if v := w.verdict(c, "account", 1); v.Granted {
			t.Errorf("%+v", v)
		}
	})
}

// without returns the example's charter without a purpose, and without what only
// that purpose needs.
func without(t *testing.T, purpose string) *charter.Charter {
	t.Helper()
	c := *first(t)
	c.Purposes = slices.DeleteFunc(slices.Clone(c.Purposes), func(p charter.Purpose) bool { return p.Name == purpose })
	c.Items = slices.DeleteFunc(slices.Clone(c.Items), func(i charter.Item) bool {
		return !slices.ContainsFunc(c.Purposes, func(p charter.Purpose) bool { return slices.Contains(p.Items, i.Name) })
	})
	return &c
}

func TestEdgeCase7_APurposeThatIsGoneIsNotDisputed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		father := w.guardian(c, "+8613800000002", family.Parent)
		w.answered(w.app, c, mother, true)
		w.answered(w.app, c, father, false, "class-ranking")
		w.publish(without(t, "class-ranking"))
		if !w.child(service, c.ID).Disputed {
			t.Fatal("a charter changes no child by itself: until the next step it is kept only")
		}
		// The next request finds it settled.
		w.pass(time.Hour)
		w.mustAsk(w.app, c, consent.Asking{Guardian: father.ID})
		if w.child(service, c.ID).Disputed {
			t.Error("disputed about a purpose that nobody asks for")
		}
		if v := w.verdict(c, "account", 1); !v.Granted {
			t.Errorf("%+v", v)
		}
		kinds := []string{}
		for _, e := range w.entries(c) {
			if strings.HasPrefix(e.Kind, "child.") {
				kinds = append(kinds, e.Kind)
			}
		}
		if !slices.Equal(kinds, []string{family.KindRegistered, family.KindDisputed, family.KindSettled}) {
			t.Errorf("%v", kinds)
		}
	})
}

func TestEdgeCase26_TheGuardianMayThinkAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		r, _ := w.mustAsk(w.app, c, consent.Asking{})
		r, g := w.verified(r)
		_, _, err := w.again(g, r)
		w.refused(err, consent.ErrUnanswered)
		answers := all(r, true)
		answers["class-ranking"], answers["speaking-practice"] = false, false
		if _, err := w.give(g, r, answers); err != nil {
			t.Fatal(err)
		}
		_, _, err = w.ask(w.app, c, consent.Asking{Purposes: []string{"class-ranking"}})
		w.refused(err, consent.ErrRefused)

		r, g = w.back(r)
		n, s, err := w.again(g, r)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(n.Purposes, []string{"speaking-practice", "class-ranking"}) || n.Guardian != mother.ID || n.Channel != consent.Link ||
			!n.ExpiresAt.Equal(w.store.Now().Add(24*time.Hour)) {
			t.Errorf("asked again: %+v", n)
		}
		if e := w.entries(c); e[len(e)-1].Kind != consent.KindRequested || e[len(e)-1].Actor != g.Ledger() {
			t.Errorf("the ledger says that %s did it", e[len(e)-1].Actor)
		}
		if found, err, _ := w.byLink(s); err != nil || found.ID != n.ID {
			t.Errorf("the link: %v", err)
		}
		if v := w.verdict(c, "class-ranking", 1); v.Why != consent.Refused {
			t.Errorf("a question is no answer: %+v", v)
		}
		one, _, err := w.again(g, r, "class-ranking")
		if err != nil || len(one.Purposes) != 1 {
			t.Fatalf("%v, %v", one.Purposes, err)
		}
		_, _, err = w.again(g, r, "王小美")
		w.refused(err, consent.ErrUnasked)
		stranger := g
		stranger.ID = "gu_nobody"
		_, _, err = w.again(stranger, r)
		w.refused(err, consent.ErrNotYours)

		w.pass(time.Hour)
		n, g = w.verified(n)
		if _, err := w.give(g, n, all(n, true)); err != nil {
			t.Fatal(err)
		}
		if v := w.verdict(c, "class-ranking", 1); !v.Granted {
			t.Errorf("after she thought again: %+v", v)
		}
		r, g = w.back(r)
		_, _, err = w.again(g, r)
		w.refused(err, consent.ErrNothing)
		// A guardian whose office has ended doesn't come back.
		w.endGuardian(g)
		_, _, err = w.again(g, r, "class-ranking")
		w.refused(err, consent.ErrAnswerers)
	})
}

// A request that one person refused is no less refused because a second one was
// asked at the same time.
func TestEdgeCase26_TwoAskedAtOnceMakeNoDifference(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		refused := func(refuse bool) (n int64) {
			c, mother := w.enrol(service, phone, family.Parent)
			second := w.guardian(c, "+8613800000002", family.Parent)
			w.mustAsk(w.app, c, consent.Asking{Guardian: second.ID})
			if refuse {
				w.answered(w.app, c, mother, false)
			} else {
				w.mustAsk(w.app, c, consent.Asking{Guardian: mother.ID})
			}
			if c = w.child(service, c.ID); !c.ExpiresAt.After(w.store.Now()) {
				t.Fatal("the second is still asked")
			}
			err := w.locked(c, func(tx *db.Tx, c family.Child) (err error) {
				n, err = consent.RefusedAll(w.ctx, tx, c)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := refused(true); n != 1 {
			t.Errorf("the refusal of charter 1 is remembered as of %d", n)
		}
		w.pass(time.Hour)
		if n := refused(false); n != 0 {
			t.Errorf("silence is remembered as a refusal of %d", n)
		}
	})
}

func TestShortCodes_LeadOnAndEndWithTheirRequest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.enrol(service, phone, family.Parent)
		r, s := w.mustAsk(w.app, c, consent.Asking{})
		follow := func() (token string, err error) {
			err = w.try(func(tx *db.Tx) (err error) {
				token, err = w.desk.Follow(w.ctx, tx, s.Code)
				return err
			})
			return token, err
		}
		token, err := follow()
		if err != nil || token == s.Token {
			t.Fatal(err)
		}
		// Links that were sent don't count; those that were made for a code do, under
		// whichever code.
		followed := 1
		for ; err == nil && followed < 100; followed++ {
			if followed%10 == 0 && followed < 40 {
				w.pass(time.Minute)
				w.do(func(tx *db.Tx) (err error) {
					r, s, _, _, err = w.desk.Send(w.ctx, tx, w.app, r)
					return err
				})
			}
			_, err = follow()
		}
		w.refused(err, consent.ErrFollowed)
		if followed-1 != 40 {
			t.Errorf("followed %d times", followed-1)
		}
		if _, err, _ := w.byLink(s); err != nil {
			t.Errorf("the link that was sent last: %v", err)
		}
		r, g := w.verified(r)
		if _, err := w.give(g, r, all(r, true)); err != nil {
			t.Fatal(err)
		}
		_, err = follow()
		w.refused(err, consent.ErrLink)
		w.do(func(tx *db.Tx) error {
			found, err := w.desk.ByToken(w.ctx, tx, token)
			w.refused(err, consent.ErrAnswered)
			if found.ID != r.ID {
				t.Error("the link leads elsewhere")
			}
			n, err := db.One(w.ctx, tx, db.Single[int64], `SELECT count(*) FROM consent_link WHERE child = $1 AND short = true`, c.ID)
			if n != 0 {
				t.Errorf("%d short codes are kept", n)
			}
			return err
		})
	})
}

// Whoever types a code takes the child before its request, as whoever changes
// both does: the other way round the two would wait for each other in a circle,
// and one of them would have to begin again.
func TestCodes_NeverWaitInACircleWithAChange(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.enrol(service, phone, family.Parent)
		r := w.opened(c)
		code := w.code(r)
		var begun atomic.Int64
		var group sync.WaitGroup
		var once sync.Once
		err := w.locked(c, func(tx *db.Tx, c family.Child) error {
			begun.Add(1)
			once.Do(func() {
				group.Go(func() {
					err := w.try(func(tx *db.Tx) error {
						begun.Add(1)
						_, _, _, err := w.desk.VerifyCode(w.ctx, tx, r, pii.New(code))
						return err
					})
					if err != nil {
						t.Error(err)
					}
				})
				time.Sleep(300 * time.Millisecond)
			})
			_, _, _, err := w.desk.Open(w.ctx, tx, r, "en", consent.OnPage)
			return err
		})
		group.Wait()
		if err != nil || begun.Load() != 2 {
			t.Errorf("%d attempts for two, %v", begun.Load(), err)
		}
	})
}
