package consent_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
)

const phone = "+8613800000001"

func TestArticle9_WhatWasShownIsKeptWithWhatWasChosen(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		r, secrets := w.mustAsk(w.app, c, consent.Asking{Payload: pii.New("order 4711 of Mei"), ReturnURL: pii.New("https://app.xiaoxi-english.example/mei")})
		if r.State != consent.Pending || r.Guardian != mother.ID || len(r.Purposes) != 7 {
			t.Fatalf("asked %+v", r)
		}
		w.pass(time.Minute)
		r, g := w.verified(r)
		answers := all(r, false)
		answers["account"], answers["course-progress"] = true, true
		w.pass(time.Minute)
		given, err := w.give(g, r, answers)
		if err != nil {
			t.Fatal(err)
		}
		notice, err := charter.Notice(first(t), charter.Chinese)
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range given {
			if a.Purpose != r.Purposes[i] || a.Granted != answers[a.Purpose] || a.Notice != notice.Hash() || a.Charter != 1 ||
				a.Lang != "zh-CN" || a.Channel != consent.OnPage || !a.GivenAt.Equal(a.ShownAt.Add(time.Minute)) ||
				a.Guardian != mother.ID || a.Strength != family.OneTimeCode || a.Request != r.ID {
				t.Errorf("answer %+v", a)
			}
		}
		w.do(func(tx *db.Tx) error {
			receipt, err := consent.ReceiptOf(w.ctx, tx, c, r.ID)
			if d := cmp.Diff(given, receipt.Answers); d != "" || err != nil || receipt.Request.State != consent.Answered {
				t.Errorf("receipt (%v): %s", err, d)
			}
			for _, a := range given {
				if kept, err := consent.Find(w.ctx, tx, c.ID, a.ID); err != nil || kept != a {
					t.Errorf("kept %+v, %v", kept, err)
				}
			}
			return nil
		})
		if c := w.child(service, c.ID); c.State != family.Active || !c.ExpiresAt.IsZero() {
			t.Errorf("after a grant the child is %s until %v", c.State, c.ExpiresAt)
		}
		if v := w.verdict(c, "account", 1); !v.Granted || v.Strength != family.OneTimeCode {
			t.Errorf("account: %+v", v)
		}
		if v := w.verdict(c, "class-ranking", 1); v.Granted || v.Why != consent.Refused {
			t.Errorf("class-ranking: %+v", v)
		}
		w.recorded(c, r, given)
		w.silent(c, phone, secrets.Token, secrets.Code, "4711", "app.example.com")
	})
}

// recorded compares the answers with the ledger: invariant 7 folds from there.
func (w *world) recorded(c family.Child, r consent.Request, given []consent.Answer) {
	w.t.Helper()
	entries := w.entries(c)
	for _, a := range given {
		i := slices.IndexFunc(entries, func(e entry) bool { return e.ID == a.Entry })
		if i < 0 {
			w.t.Errorf("the answer to %s has no entry", a.Purpose)
			continue
		}
		var body consent.AnswerBody
		if err := json.Unmarshal(entries[i].Body, &body); err != nil {
			w.t.Fatal(err)
		}
		want := consent.AnswerBody{Consent: a.ID, Guardian: a.Guardian, Request: r.ID, Purpose: a.Purpose, Charter: a.Charter, Notice: a.Notice, Page: a.Page,
			Lang: a.Lang, Channel: a.Channel, Shown: a.ShownAt.UnixMicro(), Strength: a.Strength}
		if d := cmp.Diff(want, body); d != "" {
			w.t.Error(d)
		}
		if kind := map[bool]string{true: consent.KindGranted, false: consent.KindRefused}[a.Granted]; entries[i].Kind != kind || entries[i].Actor != "guardian:"+string(a.Guardian) {
			w.t.Errorf("entry %+v", entries[i])
		}
	}
	kinds := w.kinds(c)
	want := []string{consent.KindRequested, consent.KindOpened, consent.KindVerified}
	if len(kinds) < 3 || !slices.Equal(kinds[:3], want) {
		w.t.Errorf("entries %v", kinds)
	}
}

func TestArticle9_SilenceAndBundlesGrantNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.enrol(service, phone, family.Parent)
		r, _ := w.mustAsk(w.app, c, consent.Asking{Purposes: []string{"account", "push-notices"}})
		_, err := w.give(family.Guardian{ID: r.Guardian, Child: c.ID, Strength: 1}, r, all(r, true))
		w.refused(err, consent.ErrNotShown)
		opened, err := w.open(r, "zh-CN")
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.give(family.Guardian{ID: r.Guardian, Child: c.ID, Strength: 1}, opened, all(r, true))
		w.refused(err, consent.ErrVerified)

		r, g := w.verified(r)
		for name, answers := range map[string]map[string]bool{
			"none": nil, "some": {"account": true}, "other": {"account": true, "class-ranking": true},
		} {
			want := consent.ErrMissing
			if name == "other" {
				want = consent.ErrUnasked
			}
			_, err := w.give(g, r, answers)
			w.refused(err, want)
		}
		_, err = w.give(g, r, map[string]bool{"account": true, "push-notices": true, "class-ranking": false})
		w.refused(err, consent.ErrUnasked)
		if answers, _ := w.standing(c); len(answers) != 0 || w.child(service, c.ID).State != family.Unconsented {
			t.Errorf("refused answers left %v", answers)
		}
		if _, err := w.give(g, r, all(r, true)); err != nil {
			t.Fatal(err)
		}
		_, err = w.give(g, r, all(r, false))
		w.refused(err, consent.ErrAnswered)
	})
}

func TestArticle9_OnlyTheGuardianWhoWasAskedAnswers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.enrol(service, phone, family.Parent)
		other, stranger := w.enrol(service, "+8613800000002", family.Parent)
		_, strange := w.answered(w.app, other, stranger, true)
		r, _ := w.mustAsk(w.app, c, consent.Asking{})
		r, g := w.verified(r)
		_, err := w.give(strange, r, all(r, true))
		w.refused(err, consent.ErrNotYours)
		_, err = w.withdraw(strange, c, "account")
		w.refused(err, consent.ErrNotYours)
		w.endGuardian(g) // edge case 8: old access ends at once
		_, err = w.give(g, r, all(r, true))
		w.refused(err, consent.ErrCancelled)
	})
}

func TestArticle10_RefusingEverythingIsAnAnswerAndEndsTheWait(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		w.answered(w.app, c, mother, false)
		got := w.child(service, c.ID)
		if got.State != family.Unconsented || got.ExpiresAt.After(w.store.Now()) {
			t.Errorf("after a no to everything the child is %s until %v", got.State, got.ExpiresAt)
		}
		entries := w.entries(c)
		last := entries[len(entries)-1]
		if last.Kind != consent.KindRefused || !strings.Contains(string(last.Body), `"over":true`) {
			t.Errorf("the last entry %s %s doesn't say that the wait is over", last.Kind, last.Body)
		}

		// While somebody else is still being asked, the wait goes on.
		c, mother = w.enrol(service, phone, family.Parent)
		father := w.guardian(c, "+8613800000002", family.Parent)
		w.mustAsk(w.app, c, consent.Asking{Guardian: father.ID})
		w.answered(w.app, c, mother, false)
		if got := w.child(service, c.ID); !got.ExpiresAt.After(w.store.Now()) {
			t.Error("the wait ended while the father was being asked")
		}
	})
}

func TestArticle10_TheNoticeIsWhatTheCharterSays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.enrol(service, phone, family.Parent)
		r, _ := w.mustAsk(w.app, c, consent.Asking{})
		r, g := w.verified(r)
		for _, change := range []func(*consent.Shown){
			func(s *consent.Shown) { s.Notice = strings.Repeat("0", 64) },
			func(s *consent.Shown) { s.Notice = "" },
			func(s *consent.Shown) { s.Lang = "en" },
		} {
			shown := r.Shown
			change(&shown)
			err := w.try(func(tx *db.Tx) error {
				_, err := w.desk.Give(w.ctx, tx, g, r, shown, all(r, true))
				return err
			})
			w.refused(err, consent.ErrNotice)
		}
		// Whoever tampers with what was recorded gains nothing either.
		fake := r
		fake.Shown.Notice = strings.Repeat("0", 64)
		w.do(func(tx *db.Tx) error {
			return tx.Queue(w.ctx, `UPDATE consent_request SET notice = $1 WHERE child = $2`, fake.Shown.Notice, c.ID)
		})
		_, err := w.give(g, fake, all(r, true))
		w.refused(err, consent.ErrNotice)

		// Another language is another notice, and is recorded anew.
		english, err := w.open(r, "en")
		if err != nil || english.Shown.Notice == r.Shown.Notice || english.State != consent.Verified {
			t.Fatalf("in English: %+v, %v", english.Shown, err)
		}
		_, err = w.give(g, r, all(r, true))
		w.refused(err, consent.ErrNotice)
		given, err := w.give(g, english, all(r, true))
		if err != nil || given[0].Lang != "en" {
			t.Errorf("in English: %v, %v", given, err)
		}
		if n := len(slices.DeleteFunc(w.kinds(c), func(k string) bool { return k != consent.KindOpened })); n != 4 { // each language without the questions, and with them
			t.Errorf("%d openings are recorded", n)
		}
	})
}

func TestArticle10_OpeningTheSamePageAgainWritesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.enrol(service, phone, family.Parent)
		r, _ := w.mustAsk(w.app, c, consent.Asking{})
		r, err := w.open(r, "zh-CN")
		if err != nil {
			t.Fatal(err)
		}
		before := len(w.entries(c))
		if again, err := w.open(r, "zh-CN"); err != nil || !again.Shown.At.Equal(r.Shown.At) || len(w.entries(c)) != before {
			t.Errorf("%+v, %v", again.Shown, err)
		}
		_, err = w.open(r, "fr")
		w.refused(err, consent.ErrLocale)
	})
}

func TestArticle10_AfterAMaterialChangeConsentAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		w.answered(w.app, c, mother, true)
		d, _ := w.enrol(service, "+8613800000002", family.Parent)
		half, _ := w.mustAsk(w.app, d, consent.Asking{})
		half, h := w.verified(half)
		w.do(func(tx *db.Tx) error {
			if n, err := consent.Affected(w.ctx, tx, service, []string{"speaking-practice", "account"}); n != 1 || err != nil {
				t.Errorf("%d guardians are affected, %v", n, err)
			}
			if n, err := consent.Affected(w.ctx, tx, "another", []string{"speaking-practice"}); n != 0 || err != nil {
				t.Errorf("%d guardians of another service are affected, %v", n, err)
			}
			if n, err := consent.Affected(w.ctx, tx, service, nil); n != 0 || err != nil {
				t.Errorf("%d guardians are affected by nothing, %v", n, err)
			}
			return nil
		})

		w.publish(changed(t))
		if v := w.verdict(c, "speaking-practice", 2); v.Granted || v.Why != consent.Stale {
			t.Errorf("an old grant: %+v", v)
		}
		// What is under way asks about a charter that is no more.
		_, err := w.give(h, half, all(half, true))
		w.refused(err, consent.ErrAsked)
		_, err = w.open(half, "en")
		w.refused(err, consent.ErrAsked)

		again, _ := w.mustAsk(w.app, c, consent.Asking{})
		if !slices.Equal(again.Purposes, []string{"speaking-practice"}) || again.Charter != 2 {
			t.Fatalf("asked again about %v of %d", again.Purposes, again.Charter)
		}
		again, g := w.verified(again)
		if _, err := w.give(g, again, all(again, true)); err != nil {
			t.Fatal(err)
		}
		if v := w.verdict(c, "speaking-practice", 2); !v.Granted {
			t.Errorf("the new grant: %+v", v)
		}
		if answers, _ := w.standing(c); len(answers) != 7 {
			t.Errorf("%d answers stand, want one per purpose", len(answers))
		}
		w.do(func(tx *db.Tx) error {
			history, err := consent.History(w.ctx, tx, c.ID)
			replaced := slices.DeleteFunc(history, consent.Answer.Stands)
			if err != nil || len(replaced) != 1 || replaced[0].Ending != consent.EndedByNewAnswer || replaced[0].Charter != 1 {
				t.Errorf("replaced: %+v, %v", replaced, err)
			}
			return nil
		})
	})
}

func TestArticle20_WithdrawalIsFinalAndIsARefusal(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		_, g := w.answered(w.app, c, mother, true)
		w.pass(time.Hour)
		a, err := w.withdraw(g, c, "class-ranking")
		if err != nil || a.Withdraws == "" || a.Granted || !a.GivenAt.Equal(w.store.Now()) {
			t.Fatalf("%+v, %v", a, err)
		}
		if v := w.verdict(c, "class-ranking", 1); v.Granted || v.Why != consent.Withdrawn || v.Consent != a.ID {
			t.Errorf("%+v", v)
		}
		if v := w.verdict(c, "account", 1); !v.Granted {
			t.Errorf("another purpose: %+v", v)
		}
		_, err = w.withdraw(g, c, "class-ranking")
		w.refused(err, consent.ErrWithdrawn)
		_, err = w.withdraw(g, c, "no-such-purpose")
		w.refused(err, consent.ErrNotFound)
		kinds := w.kinds(c)
		if kinds[len(kinds)-1] != consent.KindWithdrawn || w.child(service, c.ID).Disputed {
			t.Errorf("%v", kinds)
		}
		w.do(func(tx *db.Tx) error {
			ended, err := consent.Find(w.ctx, tx, c.ID, a.Withdraws)
			if err != nil || ended.Stands() || ended.Ending != consent.EndedByWithdrawal {
				t.Errorf("the grant: %+v, %v", ended, err)
			}
			_, err = consent.Find(w.ctx, tx, c.ID, "co_none")
			w.refused(err, consent.ErrNotFound)
			return nil
		})
	})
}

// Two withdrawals of one moment: one ends the grant, the other learns of it.
func TestInvariant5_OneOfTwoWithdrawalsWins(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		_, g := w.answered(w.app, c, mother, true)
		results := make(chan error)
		for range 4 {
			go func() {
				_, err := w.withdraw(g, c, "account")
				results <- err
			}()
		}
		won := 0
		for range 4 {
			switch err := <-results; {
			case err == nil:
				won++
			case !errors.Is(err, consent.ErrWithdrawn):
				t.Error(err)
			}
		}
		if answers, _ := w.standing(c); won != 1 || len(answers) != 7 {
			t.Errorf("%d won, %d answers stand", won, len(answers))
		}
	})
}

func TestEdgeCase7_AnyRefusalWinsAndTheChildIsDisputed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		father := w.guardian(c, "+8613800000002", family.Parent)
		_, m := w.answered(w.app, c, mother, true, "account", "class-ranking")
		_, f := w.answered(w.app, c, father, false, "class-ranking")
		if v := w.verdict(c, "class-ranking", 1); v.Granted || v.Why != consent.Refused || !w.child(service, c.ID).Disputed {
			t.Errorf("one yes, one no: %+v", v)
		}
		if v := w.verdict(c, "account", 1); !v.Granted {
			t.Errorf("the father said nothing about account: %+v", v)
		}
		// They agree: the mother takes hers back.
		if _, err := w.withdraw(m, c, "class-ranking"); err != nil {
			t.Fatal(err)
		}
		if w.child(service, c.ID).Disputed {
			t.Error("still disputed when both say no")
		}
		// A father who was never asked about account may withdraw it too.
		if _, err := w.withdraw(f, c, "account"); err != nil {
			t.Fatal(err)
		}
		if v := w.verdict(c, "account", 1); v.Granted || v.Why != consent.Withdrawn || !w.child(service, c.ID).Disputed {
			t.Errorf("withdrawn by the other: %+v", v)
		}
		// He starts it himself and agrees: settled.
		w.answered(f, c, f, true, "account")
		if v := w.verdict(c, "account", 1); !v.Granted || w.child(service, c.ID).Disputed {
			t.Errorf("after he agreed: %+v", v)
		}
	})
}

func TestEdgeCase8_WhenAGuardianEndsGrantsAreConfirmedAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		father := w.guardian(c, "+8613800000002", family.Parent)
		_, m := w.answered(w.app, c, mother, true, "account")
		_, f := w.answered(w.app, c, father, false, "class-ranking")
		if _, err := w.withdraw(f, c, "account"); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute)
		w.endGuardian(f)
		if w.child(service, c.ID).Disputed {
			t.Error("disputed with somebody who is no guardian any more")
		}
		if v := w.verdict(c, "account", 1); v.Granted {
			t.Errorf("his no fell with his office, and her old yes came back: %+v", v)
		}
		w.pass(time.Minute)
		w.answered(m, c, m, true, "account")
		if v := w.verdict(c, "account", 1); !v.Granted {
			t.Errorf("confirmed again: %+v", v)
		}
		_, err := w.withdraw(f, c, "account")
		w.refused(err, consent.ErrMayNot)
	})
}

func TestEdgeCase10_AnInstitutionAnswersOnceItsDocumentWasSeen(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, home := w.enrol(service, phone, family.Institution)
		r, _ := w.mustAsk(w.app, c, consent.Asking{})
		r, g := w.verified(r)
		_, err := w.give(g, r, all(r, true))
		w.refused(err, consent.ErrMayNot)
		w.do(func(tx *db.Tx) error {
			c, err := family.Lock(w.ctx, tx, service, c.ID)
			if err != nil {
				return err
			}
			_, _, err = family.ReverifyGuardian(w.ctx, tx, w.officer, c, home.ID, family.Document)
			return err
		})
		given, err := w.give(g, r, all(r, true))
		if err != nil || given[0].Strength != family.OneTimeCode || !w.verdict(c, "account", 1).Granted {
			t.Errorf("after the document: %v, %v", given, err)
		}
		w.mustAsk(g, c, consent.Asking{Purposes: []string{"account"}})
	})
}

func TestEdgeCase11_ATeacherIsNotAsked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, relation := range []family.Relation{family.Teacher, family.Grandparent, family.Other} {
			c, g := w.enrol(service, phone, relation)
			_, _, err := w.ask(w.app, c, consent.Asking{})
			w.refused(err, consent.ErrAnswerers)
			_, _, err = w.ask(w.app, c, consent.Asking{Guardian: g.ID})
			w.refused(err, consent.ErrAnswerers)
			_, _, err = w.ask(g, c, consent.Asking{})
			w.refused(err, consent.ErrMayNot)
			g.Strength = family.OneTimeCode
			_, err = w.withdraw(g, c, "account")
			w.refused(err, consent.ErrMayNot)
			mother := w.guardian(c, "+8613800000002", family.Parent)
			if r, _ := w.mustAsk(w.app, c, consent.Asking{}); r.Guardian != mother.ID {
				t.Errorf("%s was asked in place of the mother", relation)
			}
		}
	})
}

func TestEdgeCase26_NobodyIsAskedAgainAfterANo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		father := w.guardian(c, "+8613800000002", family.Parent)
		w.answered(w.app, c, mother, true, "account", "course-progress")
		_, g := w.answered(w.app, c, mother, false, "speaking-practice", "class-ranking")
		if _, err := w.withdraw(g, c, "course-progress"); err != nil {
			t.Fatal(err)
		}
		for _, purpose := range []string{"speaking-practice", "class-ranking", "course-progress"} {
			_, _, err := w.ask(w.app, c, consent.Asking{Purposes: []string{purpose}})
			w.refused(err, consent.ErrRefused)
			_, _, err = w.ask(w.app, c, consent.Asking{Purposes: []string{"push-notices", purpose}, Guardian: father.ID})
			w.refused(err, consent.ErrRefused)
		}
		r, _ := w.mustAsk(w.app, c, consent.Asking{Guardian: mother.ID})
		if d := cmp.Diff([]string{"parent-reports", "push-notices", "safety-audit"}, r.Purposes); d != "" {
			t.Errorf("asked without naming purposes: %s", d)
		}
		// A guardian may start it.
		if r, _ := w.mustAsk(g, c, consent.Asking{Purposes: []string{"class-ranking"}}); r.Guardian != g.ID {
			t.Errorf("asked %s", r.Guardian)
		}
		// What changed materially may be asked again, and only that.
		w.publish(changed(t))
		w.mustAsk(w.app, c, consent.Asking{Purposes: []string{"speaking-practice"}})
		_, _, err := w.ask(w.app, c, consent.Asking{Purposes: []string{"class-ranking"}})
		w.refused(err, consent.ErrRefused)
	})
}

func TestTestMode_OutcomesAreForcedInATestServiceOnly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		force := func(r consent.Request, o consent.Outcome) (consent.Request, []consent.Answer, error) {
			var given []consent.Answer
			err := w.try(func(tx *db.Tx) (err error) {
				r, given, err = w.desk.Force(w.ctx, tx, w.app, r, o)
				return err
			})
			return r, given, err
		}
		c, _ := w.enrol(service, phone, family.Parent)
		r, _ := w.mustAsk(w.app, c, consent.Asking{})
		_, _, err := force(r, consent.ForceGranted)
		w.refused(err, consent.ErrNotATest)
		err = w.try(func(tx *db.Tx) error {
			_, _, err := w.desk.ForceAt(w.ctx, tx, w.app, r, consent.ForceVerified, family.Document)
			return err
		})
		w.refused(err, consent.ErrNotATest)
		if answers, _ := w.standing(c); len(answers) != 0 {
			t.Error("a live service was answered for")
		}

		w.do(func(tx *db.Tx) error {
			return tx.Queue(w.ctx, `UPDATE service SET state = $1 WHERE service = $2`, catalog.Test, service)
		})
		_, _, err = force(r, "maybe")
		w.refused(err, consent.ErrOutcome)
		r, _, err = force(r, consent.ForceVerified)
		if err != nil || r.State != consent.Verified {
			t.Fatalf("%s, %v", r.State, err)
		}
		r, given, err := force(r, consent.ForceGranted)
		if err != nil || r.State != consent.Answered || len(given) != 7 || !w.verdict(c, "account", 1).Granted {
			t.Fatalf("%s, %d answers, %v", r.State, len(given), err)
		}
		if e := w.entries(c); e[len(e)-1].Actor != w.app.Ledger() || given[0].Channel != "test" {
			t.Errorf("the ledger says that %s did it", e[len(e)-1].Actor)
		}
		d, _ := w.enrol(service, "+8613800000002", family.Parent)
		r, _ = w.mustAsk(w.app, d, consent.Asking{})
		if _, _, err := force(r, consent.ForceRefused); err != nil || w.verdict(d, "account", 1).Why != consent.Refused {
			t.Errorf("forced refusal: %v", err)
		}
		strong, g := w.enrol(service, "+8613800000003", family.Institution)
		r, _ = w.mustAsk(w.app, strong, consent.Asking{})
		w.do(func(tx *db.Tx) (err error) {
			_, given, err = w.desk.ForceAt(w.ctx, tx, w.app, r, consent.ForceGranted, family.Document)
			return err
		})
		if given[0].Strength != family.Document || w.verdict(strong, "account", 1).Strength != family.Document || !w.find(strong, g.ID).MayAnswer() {
			t.Errorf("forced with strength %d", given[0].Strength)
		}
	})
}
