package cessation_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/legal"
	"wardkeep/internal/notify"
	"wardkeep/internal/order"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

// sold runs fn in houses whose charter names who may take over the service.
func sold(t *testing.T, fn func(t *testing.T, h *house)) {
	each(t, func(t *testing.T, h *house) {
		h.Vault.Calendar = workday.Default()
		h.Charter = vaulttest.Takeover(h.Charter)
		h.Publish(h.Charter)
		fn(t, h)
	})
}

// transfers has the app hand one value over to somebody.
func (h *house) transfers(child family.Child, to string) (value string, err error) {
	err = h.Try(func(ctx context.Context, tx *db.Tx) error {
		out, err := h.Vault.Transfer(ctx, tx, h.By(), gate.Use{Service: vaulttest.Service, Child: child.ID, Activity: charter.Transfer,
			Purpose: vaulttest.Handover, Items: []string{"nickname"}, Party: to})
		value = out.Values["nickname"].Reveal()
		return err
	})
	return value, err
}

// denied wants exactly these reasons.
func denied(t *testing.T, err error, want ...string) {
	t.Helper()
	var got []string
	if d, ok := errors.AsType[*gate.Denied](err); ok {
		for _, r := range d.Reasons {
			got = append(got, r.Article+":"+strings.TrimPrefix(r.Code, "gate."))
		}
	}
	if !slices.Equal(got, want) {
		t.Helper()
		t.Errorf("%v, %v, want %v", err, got, want)
	}
}

// asked returns the requests that wait for the guardians of a child, about the takeover.
func (h *house) asked(child family.Child) (all []consent.Request) {
	h.t.Helper()
	h.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		all, err = consent.Requests(ctx, tx, child.ID)
		return err
	})
	return slices.DeleteFunc(all, func(r consent.Request) bool {
		return !slices.Equal(r.Purposes, []string{vaulttest.Handover}) || r.State == consent.Answered || r.State == consent.Cancelled
	})
}

// answers answers what was asked about the takeover, as a guardian who has shown name and
// number.
func (h *house) answers(child family.Child, outcome consent.Outcome) {
	h.t.Helper()
	asked := h.asked(child)
	if len(asked) != 1 {
		h.t.Fatalf("%d requests wait", len(asked))
	}
	h.Do(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := h.Desk.ForceAt(ctx, tx, h.App, asked[0], outcome, family.NameAndNumber)
		return err
	})
}

// Edge case 18: who takes over gets what a guardian has agreed to since the announcement,
// and nothing else; all is erased in the end, whatever was said, and the last letter and the
// certificate say what went there.
func TestEdgeCase18_OnlyAFreshYesIsTransferred(t *testing.T) {
	sold(t, func(t *testing.T, h *house) {
		yes, no, silent := h.agreed("13800138000"), h.agreed("13800138001"), h.agreed("13800138002") // each has agreed before
		for _, c := range []family.Child{yes, no, silent} {
			h.Put(c, "course-progress", "nickname", "小溪")
		}
		_, err := h.transfers(yes, vaulttest.Successor)
		denied(t, err, "9:verification_too_weak", "17:recipient_not_assessed") // nobody takes anything over yet
		h.Pass(time.Minute)
		h.CeaseTo(7 * day)
		_, err = h.transfers(yes, vaulttest.Successor)
		denied(t, err, "17:consent_before_takeover")
		if done := h.round(); done.Told != 3 {
			t.Errorf("%+v", done)
		}
		h.round()
		if got := h.letters(notify.KindTakeover); !slices.Equal(got, []string{"13800138000", "13800138001", "13800138002"}) {
			t.Errorf("told and asked: %v", got)
		}
		for _, m := range h.outbox.Messages() {
			if text := m.Message.Text.Reveal(); m.Message.Kind == notify.KindTakeover && (!strings.Contains(text, site+"/r/") || !strings.Contains(text, "海星少儿教育")) {
				t.Error(text)
			}
		}
		h.answers(yes, consent.ForceGranted)
		h.answers(no, consent.ForceRefused)

		if got, err := h.transfers(yes, vaulttest.Successor); err != nil || got != "小溪" {
			t.Errorf("%q, %v", got, err)
		}
		_, err = h.transfers(yes, "somebody")
		denied(t, err, "23:service_ceasing", "17:recipient_unknown", "17:recipient_not_assessed")
		_, err = h.Read(yes, "course-progress", "nickname")
		denied(t, err, "23:service_ceasing")
		if err := h.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := h.Vault.Open(ctx, tx, h.By(), gate.Use{Service: vaulttest.Service, Child: yes.ID, Activity: charter.Transfer,
				Purpose: vaulttest.Handover, Items: []string{"nickname"}, Party: vaulttest.Successor}, nil)
			return err
		}); !errors.Is(err, vault.ErrActivity) {
			t.Errorf("handed over, and nobody notes it: %v", err)
		}
		for _, c := range []family.Child{no, silent} {
			if got, err := h.transfers(c, vaulttest.Successor); err == nil || got != "" {
				t.Errorf("%q was handed over", got)
			}
		}
		_, err = h.transfers(no, vaulttest.Successor)
		denied(t, err, "9:consent_refused")
		want := catalog.Tally{Asked: 3, Agreed: 1, Refused: 1, Handed: 1}
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			s, err := catalog.Find(ctx, tx, vaulttest.Service)
			if err != nil {
				return err
			}
			got, err := consent.TallySuccession(ctx, tx, vaulttest.Service, s.Successor)
			if got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			return err
		})

		h.silent = true // the window is over, and nothing erased yet
		h.Pass(8 * day)
		_, err = h.transfers(yes, vaulttest.Successor)
		denied(t, err, "23:service_ceasing")
		h.silent = false
		if done := h.round(); done.Erased != 3 || done.Ended != 1 || h.living() != 0 {
			t.Errorf("%+v", done)
		}
		if c := h.ceasing(""); c.Tally != want || c.Children != 3 {
			t.Errorf("%+v", c)
		}
		if got := h.letters(notify.KindCeasedHanded); !slices.Equal(got, []string{"13800138000"}) {
			t.Errorf("what was handed over is told to %v", got)
		}
		if got := h.letters(notify.KindCeasedUnhanded); !slices.Equal(got, []string{"13800138001", "13800138002"}) {
			t.Errorf("that nothing was is told to %v", got)
		}
		if n := h.orders(vaulttest.Successor); n != 2 {
			t.Errorf("%d orders to who took over: it keeps what a guardian let it have, and has to delete what it may have of the others", n)
		}
	})
}

// Invariant 6: the name of the document in which a takeover was assessed may say more than
// the ledger may. The ledger has a mark of it, and the row, which says it, proves the mark.
func TestInvariant6_NoNameOfAnAssessmentIsInTheLedger(t *testing.T) {
	sold(t, func(t *testing.T, h *house) {
		h.CeaseTo(7 * day)
		c := h.ceasing("")
		told := 0
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			return db.Each(ctx, tx, func(row db.Row) error {
				var entry []byte
				err := row.Scan(&entry)
				if strings.Contains(string(entry), c.Takeover.Document) {
					t.Errorf("%s", entry)
				}
				if strings.Contains(string(entry), c.Takeover.Proves(vaulttest.Service)) {
					told++
				}
				return err
			}, `SELECT entry FROM ledger_pending ORDER BY id`)
		})
		guessed := catalog.Takeover{Document: c.Takeover.Document}
		if c.Takeover.Document != "PIA-2026-18" || told != 1 || c.Takeover.Proves(vaulttest.Service) == guessed.Proves(vaulttest.Service) {
			t.Errorf("%+v, %d entries", c.Takeover, told)
		}
	})
}

// Edge cases 14 and 18: where a law keeps something of a child whose service is taken over,
// its last letter says both.
func TestEdgeCase14_TheLastLetterOfATakeoverSpeaksOfBoth(t *testing.T) {
	sold(t, func(t *testing.T, h *house) {
		handed, silent := h.agreed("13800138000"), h.agreed("13800138001")
		for _, c := range []family.Child{handed, silent} {
			h.Put(c, "course-progress", "nickname", "小溪")
		}
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := legal.Approve(ctx, tx, h.Officer, legal.Approval{Service: vaulttest.Service, Items: []string{"nickname"}, Basis: legal.ServiceLog,
				Paper: legal.Paper{Document: strings.Repeat("ab", 32)}, Until: tx.Now().Add(365 * day)}, func(string) bool { return true })
			return err
		})
		h.CeaseTo(7 * day)
		h.round()
		h.answers(handed, consent.ForceGranted)
		if _, err := h.transfers(handed, vaulttest.Successor); err != nil {
			t.Fatal(err)
		}
		h.Pass(8 * day)
		if done := h.round(); done.Erased != 2 {
			t.Errorf("%+v", done)
		}
		if got := h.letters(notify.KindCeasedHanded); !slices.Equal(got, []string{"13800138000"}) {
			t.Errorf("what was handed over is told to %v", got)
		}
		if got := h.letters(notify.KindCeasedUnhanded); !slices.Equal(got, []string{"13800138001"}) {
			t.Errorf("that nothing was is told to %v", got)
		}
		for _, m := range h.outbox.Messages() {
			last := m.Message.Kind == notify.KindCeasedHanded || m.Message.Kind == notify.KindCeasedUnhanded
			if text := m.Message.Text.Reveal(); last && (!strings.Contains(text, "海星少儿教育") || !strings.Contains(text, "依法封存") || !strings.Contains(text, site+"/certificate/")) {
				t.Error(text)
			}
		}
	})
}

// Edge case 18: a yes that is on its way while a takeover is being announced is none to it,
// and a question that is takes no answer: whichever clock is ahead, and whoever commits first.
func TestEdgeCase18_AYesOnItsWayIsNotFresh(t *testing.T) {
	sold(t, func(t *testing.T, h *house) {
		agrees := func(child family.Child, answer bool) (r consent.Request) {
			t.Helper()
			h.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				if r, _, _, err = h.Desk.Ask(ctx, tx, h.App, child, consent.Asking{Purposes: []string{vaulttest.Handover}, Channel: consent.Link, Locale: "zh-CN"}); err == nil && answer {
					_, _, err = h.Desk.ForceAt(ctx, tx, h.App, r, consent.ForceGranted, family.NameAndNumber)
				}
				return err
			})
			return r
		}
		ahead, beside, asked := h.agreed("13800138000"), h.agreed("13800138001"), h.agreed("13800138002")
		for _, c := range []family.Child{ahead, beside, asked} {
			h.Put(c, "course-progress", "nickname", "小溪")
		}
		const skew = 2 * time.Second
		h.Pass(skew)
		agrees(ahead, true)
		waits := agrees(asked, false)
		h.Pass(-skew)
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			if err := h.AssessSuccessor(ctx, tx); err != nil {
				return err
			}
			_, _, err := catalog.CeaseTo(ctx, tx, h.Officer, vaulttest.Service, catalog.ClosingDown, tx.Now().Add(7*day),
				catalog.Takeover{Recipient: vaulttest.Successor, Document: "PIA-2026-18", Assessed: "2026-03-02"})
			if err == nil && h.Store.Engine() == "postgres" { // SQLite has one writer
				agrees(beside, true)
			}
			return err
		})
		h.Pass(skew)
		for _, c := range []family.Child{ahead, beside} {
			_, err := h.transfers(c, vaulttest.Successor)
			if c.ID == ahead.ID || h.Store.Engine() == "postgres" {
				denied(t, err, "17:consent_before_takeover")
			}
		}
		if err := h.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := h.Desk.ForceAt(ctx, tx, h.App, waits, consent.ForceGranted, family.NameAndNumber)
			return err
		}); !errors.Is(err, consent.ErrCeasing) {
			t.Errorf("%v", err)
		}
		if done := h.round(); done.Told != 3 {
			t.Errorf("%+v", done)
		}
		for _, c := range []family.Child{ahead, beside, asked} {
			h.answers(c, consent.ForceGranted) // each is asked anew, and once
			if got, err := h.transfers(c, vaulttest.Successor); err != nil || got != "小溪" {
				t.Errorf("%q, %v", got, err)
			}
		}
	})
}

// Edge cases 7 and 18: what went to who takes over on a yes that was taken back since, or
// that the other guardian outweighs, it is ordered to delete; and the last letter says so.
func TestEdgeCase18_WhatNoYesCarriesAnyMoreIsOrderedBack(t *testing.T) {
	sold(t, func(t *testing.T, h *house) {
		back, torn, kept := h.agreed("13800138000"), h.agreed("13800138001"), h.agreed("13800138002")
		for _, c := range []family.Child{back, torn, kept} {
			h.Put(c, "course-progress", "nickname", "小溪")
		}
		h.Pass(time.Minute)
		h.CeaseTo(7 * day)
		h.round()
		for _, c := range []family.Child{back, torn, kept} {
			h.answers(c, consent.ForceGranted)
			if _, err := h.transfers(c, vaulttest.Successor); err != nil {
				t.Fatal(err)
			}
		}
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := h.Desk.Withdraw(ctx, tx, h.guardianOf(ctx, tx, back), back, vaulttest.Handover)
			return err
		})
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, vaulttest.Service, torn.ID)
			if err != nil {
				return err
			}
			_, _, err = family.AddGuardian(ctx, tx, h.Ring, h.App, c, family.Person{Phone: pii.New("13800138009"), Relation: family.Parent})
			return err
		})
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			var guardians []family.Guardian
			if err := tx.Together(ctx, family.ReadGuardians(&guardians, torn.ID)); err != nil {
				return err
			}
			i := slices.IndexFunc(guardians, func(g family.Guardian) bool { return !g.MayAnswer() })
			r, _, _, err := h.Desk.Ask(ctx, tx, h.App, torn, consent.Asking{Guardian: guardians[i].ID,
				Purposes: []string{vaulttest.Handover}, Channel: consent.Link, Locale: "zh-CN"})
			if err != nil {
				return err
			}
			_, _, err = h.Desk.Force(ctx, tx, h.App, r, consent.ForceRefused)
			return err
		})
		h.Pass(8 * day)
		if done := h.round(); done.Erased != 3 {
			t.Errorf("%+v", done)
		}
		if got := h.letters(notify.KindCeasedHanded); !slices.Equal(got, []string{"13800138002"}) {
			t.Errorf("that it was agreed to is told to %v", got)
		}
		if got := h.letters(notify.KindCeasedRecalled); !slices.Equal(got, []string{"13800138000", "13800138001", "13800138009"}) {
			t.Errorf("that it has to be deleted there is told to %v", got)
		}
		if n := h.orders(vaulttest.Successor); n != 2 {
			t.Errorf("%d orders to who took over", n)
		}
	})
}

// Edge case 18: a child whose age can't be read is told and not asked, the round says why, and
// everybody else is asked.
func TestEdgeCase18_WhomNobodyCanAskKeepsNobodyElse(t *testing.T) {
	sold(t, func(t *testing.T, h *house) {
		dark, _ := h.Enrol()
		h.Answer(dark, consent.ForceGranted)
		other := h.agreed("13800138007")
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE child SET birth_version = birth_version + 1 WHERE child = $1`, dark.ID)
			return err
		})
		h.CeaseTo(7 * day)
		if done, err := h.tryRound(); err == nil || done.Told != 2 {
			t.Errorf("%+v, %v", done, err)
		}
		if done, err := h.tryRound(); err != nil || done.Told != 0 {
			t.Errorf("%+v, %v", done, err)
		}
		if n, m := len(h.asked(dark)), len(h.asked(other)); n != 0 || m != 1 {
			t.Errorf("%d and %d are asked", n, m)
		}
		h.round()
		h.Pass(8 * day)
		if done := h.round(); done.Erased != 2 || done.Ended != 1 {
			t.Errorf("%+v", done)
		}
	})
}

// Edge case 18: who takes over keeps what it got to take over, and is ordered to delete what
// it may have got besides, for another purpose.
func TestEdgeCase18_TheSuccessorKeepsWhatItTookOverAlone(t *testing.T) {
	sold(t, func(t *testing.T, h *house) {
		both := *h.Charter
		both.Purposes = slices.Clone(both.Purposes)
		takes := &both.Purposes[len(both.Purposes)-1]
		partner := *takes
		takes.Items = []string{"nickname"}
		partner.Name, partner.Items, partner.Activities = "partner", []string{"weekly_score"}, []charter.Activity{charter.Collect, charter.Store, charter.Transfer}
		both.Purposes = append(both.Purposes, partner)
		h.Publish(&both)
		child := h.agreed("13800138000")
		h.Put(child, "course-progress", "nickname", "小溪")
		h.Pass(time.Minute)
		h.CeaseTo(7 * day)
		h.round()
		h.answers(child, consent.ForceGranted)
		if _, err := h.transfers(child, vaulttest.Successor); err != nil {
			t.Fatal(err)
		}
		h.Pass(8 * day)
		h.round()
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := order.List(ctx, tx, vaulttest.Service, order.IsOpen, "", 100)
			all = slices.DeleteFunc(all, func(o order.Order) bool { return o.Party != vaulttest.Successor })
			if len(all) != 1 || !slices.Equal(all[0].Items, []string{"weekly_score"}) {
				t.Errorf("%+v", all)
			}
			return err
		})
	})
}

// Edge case 18: who has said yes at home before the message went out isn't told that it
// isn't asked: the message leads to its answer.
func TestEdgeCase18_WhoAnswersBeforeTheMessageIsLedToItsAnswer(t *testing.T) {
	sold(t, func(t *testing.T, h *house) {
		child := h.agreed("13800138000")
		h.Pass(time.Minute)
		h.CeaseTo(7 * day)
		h.silent = true
		h.round()
		h.answers(child, consent.ForceGranted)
		h.silent = false
		h.round()
		if asked, unasked := h.letters(notify.KindTakeover), h.letters(notify.KindTakeoverUnasked); len(asked) != 1 || len(unasked) != 0 {
			t.Errorf("%v are led there, %v are told that nobody asks them", asked, unasked)
		}
	})
}

// orders returns how many orders to a party aren't done.
func (h *house) orders(party string) (n int) {
	h.t.Helper()
	h.Do(func(ctx context.Context, tx *db.Tx) error {
		all, err := order.List(ctx, tx, vaulttest.Service, order.IsOpen, "", 100)
		n = 0
		for _, o := range all {
			if o.Party == party {
				n++
			}
		}
		return err
	})
	return n
}

// Edge case 18: a yes by a code alone carries nothing out of the house (edge case 24); one
// guardian's no outweighs the other's yes (edge case 7); what is taken back goes nowhere.
func TestEdgeCase18_AYesMustCarryIt(t *testing.T) {
	sold(t, func(t *testing.T, h *house) {
		weak, back := h.agreed("13800138000"), h.agreed("13800138001")
		for _, c := range []family.Child{weak, back} {
			h.Put(c, "course-progress", "nickname", "小溪")
		}
		h.Pass(time.Minute)
		h.CeaseTo(7 * day)
		h.round()
		asked := h.asked(weak)[0]
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := h.Desk.Force(ctx, tx, h.App, asked, consent.ForceGranted)
			return err
		})
		_, err := h.transfers(weak, vaulttest.Successor)
		denied(t, err, "9:verification_too_weak")
		h.answers(back, consent.ForceGranted)
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := h.Desk.Withdraw(ctx, tx, h.guardianOf(ctx, tx, back), back, vaulttest.Handover)
			return err
		})
		_, err = h.transfers(back, vaulttest.Successor)
		denied(t, err, "20:consent_withdrawn")
	})
}

// Edge case 18: guardians are asked once, whoever refused before isn't asked again and may
// think again by itself (edge case 26), and a question from before asks nothing any more.
func TestEdgeCase18_WhoIsAsked(t *testing.T) {
	sold(t, func(t *testing.T, h *house) {
		refused, twice, open := h.agreed("13800138000"), h.agreed("13800138001"), h.agreed("13800138002")
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := h.Desk.Withdraw(ctx, tx, h.guardianOf(ctx, tx, refused), refused, vaulttest.Handover)
			return err
		})
		ask := func(by consent.Asker, child family.Child, a consent.Asking) (r consent.Request, err error) {
			a.Channel, a.Locale = consent.Link, "zh-CN"
			err = h.Try(func(ctx context.Context, tx *db.Tx) (err error) {
				r, _, _, err = h.Desk.Ask(ctx, tx, by, child, a)
				return err
			})
			return r, err
		}
		before, err := ask(h.App, open, consent.Asking{Purposes: []string{vaulttest.Handover}})
		if err != nil {
			t.Fatal(err)
		}
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, vaulttest.Service, twice.ID)
			if err != nil {
				return err
			}
			_, _, err = family.AddGuardian(ctx, tx, h.Ring, h.App, c, family.Person{Phone: pii.New("13800138009"), Relation: family.Parent})
			return err
		})
		own := func(child family.Child) (r consent.Request) {
			t.Helper()
			var g family.Guardian
			h.Do(func(ctx context.Context, tx *db.Tx) error { g = h.guardianOf(ctx, tx, child); return nil })
			r, err := ask(g, child, consent.Asking{Purposes: []string{vaulttest.Handover}, TTL: 14 * day})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		old := own(twice)
		h.Pass(time.Minute)
		h.CeaseTo(40 * day)
		h.Pass(time.Minute) // nobody has been told yet
		if r := own(twice); r.ID == old.ID {
			t.Error("who thinks again is led to the question from before, which takes no answer")
		}
		h.round()
		// As if the round had died before it noted how far it was.
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE cessation SET told_upto = '', told = 0, told_at = NULL, told_place = NULL`)
			return err
		})
		h.round()
		h.round()
		if n := len(h.asked(refused)); n != 0 {
			t.Errorf("who refused is asked again: %d", n)
		}
		if got := h.letters(notify.KindTakeoverUnasked); !slices.Contains(got, "13800138000") {
			t.Errorf("told without a question: %v", got)
		}
		if n := len(h.asked(twice)); n != 1 {
			t.Errorf("one verified guardian is asked %d times", n)
		}
		if all := h.asked(open); len(all) != 1 || !all[0].ExpiresAt.Equal(h.ceasing("").EndsAt) {
			t.Errorf("the question doesn't live as long as the window: %+v", all)
		}
		if err := h.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := h.Desk.Force(ctx, tx, h.App, before, consent.ForceGranted)
			return err
		}); !errors.Is(err, consent.ErrCeasing) {
			t.Errorf("a question that says nothing of the takeover is answered: %v", err)
		}
		var g family.Guardian
		h.Do(func(ctx context.Context, tx *db.Tx) error { g = h.guardianOf(ctx, tx, refused); return nil })
		if _, err := ask(g, refused, consent.Asking{Purposes: []string{vaulttest.Handover}}); err != nil {
			t.Errorf("a guardian can't think again: %v", err)
		}
		for _, purposes := range [][]string{nil, {"course-progress"}, {vaulttest.Handover, "course-progress"}} {
			if _, err := ask(g, refused, consent.Asking{Purposes: purposes}); !errors.Is(err, consent.ErrCeasing) {
				t.Errorf("%v is asked: %v", purposes, err)
			}
		}
		h.Pass(41 * day)
		if _, err := ask(g, refused, consent.Asking{Purposes: []string{vaulttest.Handover}}); !errors.Is(err, consent.ErrCeasing) {
			t.Errorf("asked after the window: %v", err)
		}
	})
}

// Edge case 18: who takes over is named with the announcement or never, by a charter that
// asks about it alone, and after a security assessment (Article 17).
func TestEdgeCase18_ATakeoverIsNamedAndAssessed(t *testing.T) {
	sold(t, func(t *testing.T, h *house) {
		good := catalog.Takeover{Recipient: vaulttest.Successor, Document: "PIA-2026-18", Assessed: "2026-03-02"}
		announce := func(window time.Duration, change func(*catalog.Takeover)) error {
			to := good
			change(&to)
			return h.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := catalog.CeaseTo(ctx, tx, h.Officer, vaulttest.Service, catalog.ClosingDown, tx.Now().Add(window), to)
				return err
			})
		}
		tomorrow := h.Store.Now().In(age.Zone).AddDate(0, 0, 1).Format(time.DateOnly)
		for what, c := range map[string]struct {
			change func(*catalog.Takeover)
			want   error
		}{
			"nobody":                     {func(t *catalog.Takeover) { t.Recipient = "" }, catalog.ErrSuccessor},
			"no recipient":               {func(t *catalog.Takeover) { t.Recipient = "王小明" }, catalog.ErrSuccessor},
			"a processor":                {func(t *catalog.Takeover) { t.Recipient = h.Charter.Processors[0].Name }, catalog.ErrSuccessor},
			"no document":                {func(t *catalog.Takeover) { t.Document = "" }, catalog.ErrAssessment},
			"a document of two lines":    {func(t *catalog.Takeover) { t.Document = "PIA\n18" }, catalog.ErrAssessment},
			"a document without an end":  {func(t *catalog.Takeover) { t.Document = strings.Repeat("安", 101) }, catalog.ErrAssessment},
			"a document that is no text": {func(t *catalog.Takeover) { t.Document = "\xff" }, catalog.ErrAssessment},
			"no day":                     {func(t *catalog.Takeover) { t.Assessed = "" }, catalog.ErrAssessed},
			"a day that there isn't":     {func(t *catalog.Takeover) { t.Assessed = "2026-02-30" }, catalog.ErrAssessed},
			"a day to come":              {func(t *catalog.Takeover) { t.Assessed = tomorrow }, catalog.ErrAssessed},
		} {
			if err := announce(7*day, c.change); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", what, err, c.want)
			}
		}
		as := func(*catalog.Takeover) {}
		other := *h.Charter
		other.Purposes = slices.Clone(other.Purposes)
		last := &other.Purposes[len(other.Purposes)-1]
		last.Activities = append(slices.Clone(last.Activities), charter.Use)
		h.Publish(&other)
		if err := announce(7*day, as); !errors.Is(err, catalog.ErrHandover) {
			t.Errorf("the question is about more: %v", err)
		}
		h.Publish(h.Charter)
		if err := announce(6*day, as); !errors.Is(err, catalog.ErrWindow) {
			t.Errorf("in six days: %v", err)
		}
		if err := announce(7*day, as); err != nil {
			t.Error(err)
		}
		if err := announce(9*day, as); !errors.Is(err, catalog.ErrCeasing) {
			t.Errorf("twice: %v", err)
		}
	})
}

// Edge case 18: what ended by itself before hands nothing over.
func TestEdgeCase18_WhatHasEndedHandsNothingOver(t *testing.T) {
	sold(t, func(t *testing.T, h *house) {
		h.must(vaulttest.Handover, 0)
		if err := h.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.CeaseTo(ctx, tx, h.Officer, vaulttest.Service, catalog.ClosingDown, tx.Now().Add(7*day),
				catalog.Takeover{Recipient: vaulttest.Successor, Document: "PIA-2026-18", Assessed: "2026-03-02"})
			return err
		}); !errors.Is(err, catalog.ErrHandover) {
			t.Error(err)
		}
	})
}
