package consent_test

import (
	"slices"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
)

func (w *world) renew(r consent.Request) (to consent.Renewal, err error) {
	err = w.try(func(tx *db.Tx) (err error) {
		to, err = w.desk.Renew(w.ctx, tx, r)
		return err
	})
	return to, err
}

// ranOut is a request about some purposes that ran out, of a guardian who answered
// another one before.
func (w *world) ranOut(purposes ...string) (family.Child, family.Guardian, consent.Request) {
	w.t.Helper()
	c, mother := w.enrol(service, phone, family.Parent)
	_, g := w.answered(w.app, c, mother, true, "account")
	r, _ := w.mustAsk(w.app, c, consent.Asking{Guardian: mother.ID, Purposes: purposes, TTL: time.Hour})
	w.pass(2 * time.Hour)
	return c, g, w.request(r)
}

// Whoever found an old link learns by renewing it, in whatever rhythm, neither that
// the request waits nor that it was answered since.
func TestEdgeCase26_ARenewalSaysNothingOfWhatBecameOfTheRequest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var first []string
		for name, became := range map[string]func(c family.Child, g family.Guardian, r consent.Request){
			"waits": func(family.Child, family.Guardian, consent.Request) {},
			"agreed": func(c family.Child, g family.Guardian, r consent.Request) {
				w.answered(w.app, c, g, true, r.Purposes...)
			},
			"refused": func(c family.Child, g family.Guardian, r consent.Request) {
				w.answered(w.app, c, g, false, r.Purposes...)
			},
			"no voice": func(_ family.Child, g family.Guardian, _ consent.Request) { w.endGuardian(g) },
			"sent often": func(c family.Child, g family.Guardian, r consent.Request) {
				now, _ := w.mustAsk(w.app, c, consent.Asking{Guardian: g.ID, Purposes: r.Purposes})
				for range 5 {
					w.do(func(tx *db.Tx) error { _, _, _, _, err := w.desk.Send(w.ctx, tx, w.app, now); return err })
					w.pass(2 * time.Minute)
				}
			},
			"too many": func(c family.Child, g family.Guardian, _ consent.Request) {
				for range 8 {
					w.mustAsk(w.app, c, consent.Asking{Guardian: g.ID, Purposes: []string{"account"}})
				}
			},
		} {
			c, g, old := w.ranOut("class-ranking", "course-progress")
			became(c, g, old)
			var said []string
			for _, pause := range []time.Duration{0, 0, time.Second, 2 * time.Minute, time.Minute, time.Minute, 0, time.Hour} {
				w.pass(pause)
				_, err := w.renew(old)
				answer := "done"
				if err != nil {
					answer = err.Error()
				}
				said = append(said, answer)
			}
			if first == nil {
				first = said
			}
			if !slices.Equal(said, first) {
				t.Errorf("%s: %q, and otherwise %q", name, said, first)
			}
		}
		if n := slices.Index(first, consent.ErrRenewals.Error()); n != 5 || first[7] != "done" {
			t.Errorf("five an hour: %q", first)
		}
	})
}

// An old link asks what has no answer, and nothing that was agreed to since.
func TestRenewal_AsksOnlyWhatHasNoAnswer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, g, old := w.ranOut("speaking-practice", "class-ranking", "course-progress")
		w.answered(w.app, c, g, true, "class-ranking")
		to, err := w.renew(old)
		if err != nil || !slices.Equal(to.Request.Purposes, []string{"course-progress", "speaking-practice"}) || to.To.To.Reveal() != phone {
			t.Fatalf("asked %v, %v", to.Request.Purposes, err)
		}
		// What waits is sent again, but not if something of it was agreed to meanwhile.
		w.pass(time.Hour)
		if again, err := w.renew(old); err != nil || again.Request.ID != to.Request.ID {
			t.Errorf("%s, not %s: %v", again.Request.ID, to.Request.ID, err)
		}
		w.answered(w.app, c, g, true, "course-progress")
		w.pass(time.Hour)
		again, err := w.renew(old)
		if err != nil || !slices.Equal(again.Request.Purposes, []string{"speaking-practice"}) {
			t.Errorf("asked %v, %v", again.Request.Purposes, err)
		}
		// A no stays a no; and where nothing is left, nothing else is asked.
		w.pass(time.Hour)
		w.answered(w.app, c, g, false, "speaking-practice")
		w.pass(time.Hour)
		if now, err := w.renew(old); err != nil || now.Request.ID != "" {
			t.Errorf("asked %v, %v", now.Request.Purposes, err)
		}
		_, other, gone := w.ranOut("class-ranking")
		w.publish(without(t, "class-ranking"))
		if now, err := w.renew(gone); err != nil || now.Request.ID != "" {
			t.Errorf("%s was asked %v, which the old link didn't ask: %v", other.ID, now.Request.Purposes, err)
		}
	})
}

// invites has a guardian invite another one, as the page at home does.
func (w *world) invites(by family.Guardian, c family.Child, to family.Guardian) (r consent.Request, err error) {
	err = w.try(func(tx *db.Tx) (err error) {
		if r, _, _, err = w.desk.AskOnce(w.ctx, tx, by, c, consent.Asking{Guardian: to.ID, Channel: consent.SMS, Locale: "zh-CN"}); err != nil {
			return err
		}
		r, _, _, _, err = w.desk.Send(w.ctx, tx, by, r)
		return err
	})
	return r, err
}

// Edge case 26: what waits and may not be sent any more, since a guardian said no to
// some of it, keeps nobody from being asked the rest.
func TestEdgeCase26_WhatWasRefusedSinceStandsInNobodysWay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		_, g := w.answered(w.app, c, mother, true)
		father := w.guardian(c, "+8613800000002", family.Parent)
		first, err := w.invites(g, c, father)
		if err != nil || !slices.Contains(first.Purposes, "class-ranking") {
			t.Fatalf("%v, %v", first.Purposes, err)
		}
		w.pass(time.Hour)
		if _, err := w.withdraw(g, c, "class-ranking"); err != nil {
			t.Fatal(err)
		}
		next, err := w.invites(g, c, father)
		if err != nil || next.ID == first.ID || len(next.Purposes) != len(first.Purposes)-1 || slices.Contains(next.Purposes, "class-ranking") {
			t.Errorf("after a withdrawal she invites to %v, %v", next.Purposes, err)
		}
		w.pass(time.Hour)
		if again, err := w.invites(g, c, father); err != nil || again.ID != next.ID {
			t.Errorf("%s, %v, not %s", again.ID, err, next.ID)
		}

		c, g, old := w.ranOut("class-ranking", "course-progress")
		w.mustAsk(w.app, c, consent.Asking{Guardian: g.ID, Purposes: []string{"class-ranking", "course-progress"}})
		w.answered(w.app, c, w.guardian(c, "+8613800000003", family.Parent), false, "class-ranking")
		if to, err := w.renew(old); err != nil || !slices.Equal(to.Request.Purposes, []string{"course-progress"}) {
			t.Errorf("an old link asks %v, %v", to.Request.Purposes, err)
		}
	})
}

// What was sent as often as it may be waits until it runs out, and its guardian is
// asked anew before.
func TestSending_WhatIsUsedUpStandsInNobodysWay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, g, old := w.ranOut("class-ranking")
		father := w.guardian(c, "+8613800000002", family.Parent)
		for name, sends := range map[string]func() (consent.Request, error){
			"renewed": func() (consent.Request, error) { to, err := w.renew(old); return to.Request, err },
			"invited": func() (consent.Request, error) { return w.invites(g, c, father) },
		} {
			sent := make(map[string]int)
			for i := range 6 {
				w.pass(time.Hour)
				r, err := sends()
				if sent[r.ID]++; err != nil || r.ID == "" {
					t.Errorf("%s, the %d. time: %q, %v", name, i+1, r.ID, err)
				}
			}
			if len(sent) != 2 {
				t.Errorf("%s: requests were sent so often: %v", name, sent)
			}
		}
	})
}

// Whoever has an old link fills neither the phone on file nor the room for what the
// operator and the guardian ask.
func TestRenewal_LeavesRoomForOthers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother, old := w.ranOut("class-ranking")
		var last consent.Renewal
		sent := 0
		for range 6 * 24 { // by the hour
			w.pass(time.Hour)
			to, err := w.renew(old)
			if err != nil {
				t.Fatal(err)
			}
			if to.Request.ID != "" {
				last, sent = to, sent+1
			}
		}
		if sent != 20 || last.Request.Sends != 5 {
			t.Errorf("%d messages in six days", sent)
		}
		for range 4 {
			w.mustAsk(w.app, c, consent.Asking{Guardian: mother.ID, Purposes: []string{"account"}})
		}
	})
}

// Edge case 26: however often a guardian thinks again about the same, one request
// waits, and the operator can go on asking.
func TestEdgeCase26_ThinkingAgainTenTimesIsOneRequest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		w.answered(w.app, c, mother, true, "account")
		r, _ := w.answered(w.app, c, mother, false, "class-ranking", "course-progress")
		r, g := w.back(r)
		var first consent.Request
		for i := range 10 {
			n, s, err := w.again(g, r, "class-ranking")
			if err != nil {
				t.Fatalf("the %d. time: %v", i+1, err)
			}
			if i == 0 {
				first = n
			}
			if found, err, _ := w.byLink(s); err != nil || found.ID != first.ID || n.ID != first.ID {
				t.Errorf("the %d. time leads to %s, %v; not to %s", i+1, found.ID, err, first.ID)
			}
		}
		waiting := func() (n int) {
			w.do(func(tx *db.Tx) error {
				requests, err := consent.Requests(w.ctx, tx, c.ID)
				n = 0
				for _, r := range requests {
					if r.Refusal() == nil {
						n++
					}
				}
				return err
			})
			return n
		}
		if n := waiting(); n != 1 {
			t.Errorf("%d requests wait", n)
		}
		// About something else it is another one; as are those of another asker, and
		// one that takes the place of what is about to run out.
		if n, _, err := w.again(g, r, "course-progress"); err != nil || n.ID == first.ID {
			t.Errorf("%s, %v", n.ID, err)
		}
		if n, _, err := w.again(g, r); err != nil || n.ID == first.ID || len(n.Purposes) != 2 {
			t.Errorf("%s, %v", n.ID, err)
		}
		w.mustAsk(w.app, c, consent.Asking{Channel: consent.Link})
		w.mustAsk(w.app, c, consent.Asking{Channel: consent.Link})
		if n := waiting(); n != 5 {
			t.Errorf("%d requests wait", n)
		}
		w.pass(first.ExpiresAt.Sub(w.store.Now()) - time.Minute)
		if n, _, err := w.again(g, r, "class-ranking"); err != nil || n.ID == first.ID {
			t.Errorf("led to what runs out in a minute: %s, %v", n.ID, err)
		}
	})
}

// Edge case 7: who was invited and hasn't answered is asked the same, once.
func TestAskOnce_ReturnsWhatWaits(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		_, g := w.answered(w.app, c, mother, true)
		father := w.guardian(c, "+8613800000002", family.Parent)
		once := func() (r consent.Request, entry string) {
			w.do(func(tx *db.Tx) (err error) {
				r, _, entry, err = w.desk.AskOnce(w.ctx, tx, g, c, consent.Asking{Guardian: father.ID, Channel: consent.SMS, Locale: "en", TTL: time.Hour})
				return err
			})
			return r, entry
		}
		first, entry := once()
		if again, none := once(); entry == "" || again.ID != first.ID || none != "" {
			t.Errorf("%s %q, then %s %q", first.ID, entry, again.ID, none)
		}
		w.pass(2 * time.Hour)
		if next, entry := once(); next.ID == first.ID || entry == "" {
			t.Error("what ran out is what waits")
		}
		err := w.try(func(tx *db.Tx) error {
			_, _, _, err := w.desk.AskOnce(w.ctx, tx, nobody{}, c, consent.Asking{Guardian: father.ID, Channel: consent.SMS, Locale: "en"})
			return err
		})
		if err == nil {
			t.Error("somebody who has nothing to do with the child is told what waits")
		}
	})
}
