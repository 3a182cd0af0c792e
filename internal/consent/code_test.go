package consent_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
)

// wrong returns a code that isn't this one.
func wrong(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

func (w *world) opened(c family.Child) consent.Request {
	w.t.Helper()
	r, _ := w.mustAsk(w.app, c, consent.Asking{})
	r, err := w.open(r, "zh-CN")
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) code(r consent.Request) string {
	w.t.Helper()
	code, err := w.sendCode(r)
	if err != nil {
		w.t.Fatal(err)
	}
	return code.Code.Reveal()
}

func TestEdgeCase24_ACodeVerifiesOnceAndBriefly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		asked, _ := w.mustAsk(w.app, c, consent.Asking{})
		_, err := w.sendCode(asked)
		w.refused(err, consent.ErrNotShown)
		r := w.opened(c)
		_, _, err = w.verify(r, "000000")
		w.refused(err, consent.ErrCodeExpired) // none was sent

		sent, err := w.sendCode(r)
		if err != nil || sent.To.Reveal() != phone || sent.Channel != consent.SMS || sent.Life != 10*time.Minute {
			t.Fatalf("%+v, %v", sent.Contact, err)
		}
		w.pass(10 * time.Minute)
		_, _, err = w.verify(r, sent.Code.Reveal())
		w.refused(err, consent.ErrCodeExpired)

		former := w.code(r)
		code := w.code(r)
		if former != code {
			_, _, err = w.verify(r, former)
			w.refused(err, consent.ErrCodeWrong)
		}
		_, _, err = w.verify(asked, code) // a code belongs to its request
		w.refused(err, consent.ErrNotShown)
		r, proof, err := w.verify(r, " "+code+" ")
		if err != nil || r.State != consent.Verified || proof == "" {
			t.Fatalf("%s, %v", r.State, err)
		}
		_, _, err = w.verify(r, code)
		w.refused(err, consent.ErrCodeExpired)
		if g := w.find(c, mother.ID); !g.MayAnswer() || g.Strength != family.OneTimeCode {
			t.Errorf("the guardian after a code: %+v", g)
		}

		// The link without the proof is nobody; so is an old proof.
		for _, bad := range []string{"", "guess", proof + "x"} {
			w.refused(w.try(func(tx *db.Tx) error { _, err := w.desk.Guardian(w.ctx, tx, r, bad); return err }), consent.ErrVerified)
		}
		if g := w.signIn(r, proof); g.ID != mother.ID || g.Strength != family.OneTimeCode {
			t.Errorf("signed in as %+v", g)
		}
		w.pass(30 * time.Minute)
		w.refused(w.try(func(tx *db.Tx) error { _, err := w.desk.Guardian(w.ctx, tx, r, proof); return err }), consent.ErrVerified)
	})
}

// People type a code as it is easy to read, and their keyboard makes wide digits.
func TestCodes_AreReadAsPeopleTypeThem(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.enrol(service, phone, family.Parent)
		r := w.opened(c)
		for _, typed := range []func(code string) string{
			func(code string) string { return code[:3] + " " + code[3:] },
			func(code string) string { return " " + code[:3] + "\u3000" + code[3:] + "\n" },
			func(code string) string { return code[:3] + "-" + code[3:] },
			func(code string) string {
				return strings.Map(func(r rune) rune { return r - '0' + '０' }, code)
			},
		} {
			code := w.code(r)
			if _, _, err := w.verify(r, typed(code)); err != nil {
				t.Errorf("%q: %v", typed("123456"), err)
			}
			w.pass(time.Hour)
			code = w.code(r)
			_, _, err := w.verify(r, typed(wrong(code)))
			w.refused(err, consent.ErrCodeWrong)
			w.pass(time.Hour)
		}
	})
}

func TestCodes_FiveWrongTriesVoidACodeForGood(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		w.answered(w.app, c, mother, true, "account")
		w.pass(time.Hour)
		r := w.opened(c)
		code := w.code(r)
		for range 5 {
			_, _, err := w.verify(r, wrong(code))
			w.refused(err, consent.ErrCodeWrong)
		}
		_, _, err := w.verify(r, code)
		w.refused(err, consent.ErrCodeSpent)
		// Twenty more wrong ones with new codes, and the request is closed to codes.
		for range 4 {
			w.pass(time.Hour)
			code = w.code(r)
			for range 5 {
				_, _, err := w.verify(r, wrong(code))
				w.refused(err, consent.ErrCodeWrong)
			}
		}
		w.pass(time.Hour)
		_, err = w.sendCode(r)
		w.refused(err, consent.ErrCodeLocked)
		_, _, err = w.verify(r, code)
		w.refused(err, consent.ErrCodeLocked)
		w.pass(24 * time.Hour)
		if _, _, err := w.verify(r, w.code(r)); err != nil {
			t.Errorf("a day later: %v", err)
		}
	})
}

// Tries at the same moment are no more than tries one after the other.
func TestCodes_ConcurrentTriesAreCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.enrol(service, phone, family.Parent)
		r := w.opened(c)
		code := w.code(r)
		results := make(chan error)
		for range 12 {
			go func() {
				_, _, err := w.verify(r, wrong(code))
				results <- err
			}()
		}
		looked := 0
		for range 12 {
			switch err := <-results; {
			case errors.Is(err, consent.ErrCodeWrong):
				looked++
			case !errors.Is(err, consent.ErrCodeSpent):
				t.Error(err)
			}
		}
		if looked != 5 {
			t.Errorf("%d tries were looked at", looked)
		}
	})
}

func TestCodes_SendsAreLimitedPerRequestAndPerContact(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.enrol(service, phone, family.Parent)
		r := w.opened(c)
		for range 3 {
			w.code(r)
		}
		sibling, _ := w.enrol(service, phone, family.Parent)
		s := w.opened(sibling)
		for range 2 {
			w.code(s)
		}
		for _, r := range []consent.Request{r, s} {
			_, err := w.sendCode(r)
			w.refused(err, consent.ErrCodeSends)
		}
		neighbour, _ := w.enrol(service, "+8613800000002", family.Parent)
		n := w.opened(neighbour)
		for range 5 {
			w.code(n)
		}
		_, err := w.sendCode(n)
		w.refused(err, consent.ErrCodeSends)
		w.pass(time.Hour)
		for range 5 {
			w.code(r)
		}
	})
}

// Codes that are asked for at the same moment are no more than one after the
// other, for one request and over those of siblings.
func TestCodes_ConcurrentSendsAreCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var requests []consent.Request
		for range 8 {
			c, _ := w.enrol(service, phone, family.Parent)
			requests = append(requests, w.opened(c))
		}
		for range 2 {
			results := make(chan error)
			for n := range 32 {
				go func() {
					_, err := w.sendCode(requests[n%len(requests)])
					results <- err
				}()
			}
			sent := 0
			for range 32 {
				switch err := <-results; {
				case err == nil:
					sent++
				case !errors.Is(err, consent.ErrCodeSends):
					t.Error(err)
				}
			}
			if sent != 5 {
				t.Errorf("%d codes were sent to one phone within an hour", sent)
			}
			w.pass(time.Hour)
		}
	})
}

// Article 12: the count of a contact's codes is gone when nobody needs it.
func TestArticle12_TheCountOfSendsIsForgotten(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.enrol(service, phone, family.Parent)
		w.code(w.opened(c))
		forget := func(want int) {
			t.Helper()
			w.do(func(tx *db.Tx) error {
				n, err := consent.ForgetSends(w.ctx, tx, 10)
				if n != want {
					t.Errorf("forgot %d, want %d", n, want)
				}
				return err
			})
		}
		w.pass(59 * time.Minute)
		forget(0)
		w.pass(time.Minute)
		forget(1)
		forget(0)
	})
}

func TestArticle20_WhoAnsweredComesBackByTheLinkToWithdraw(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.enrol(service, phone, family.Parent)
		r, secrets := w.mustAsk(w.app, c, consent.Asking{})
		r, g := w.verified(r)
		if _, err := w.give(g, r, all(r, true)); err != nil {
			t.Fatal(err)
		}
		w.pass(40 * 24 * time.Hour)
		w.do(func(tx *db.Tx) error {
			due, err := consent.DueRequests(w.ctx, tx, consent.Due{}, 100)
			for _, d := range due {
				err = errors.Join(err, consent.Expire(w.ctx, tx, d))
			}
			return err
		})
		r, err, _ := w.byLink(secrets)
		w.refused(err, consent.ErrAnswered)
		r, proof, err := w.verify(r, w.code(r))
		if err != nil || r.State != consent.Answered {
			t.Fatalf("%s, %v", r.State, err)
		}
		if _, err := w.withdraw(w.signIn(r, proof), c, "account"); err != nil {
			t.Fatal(err)
		}
		if v := w.verdict(c, "account", 1); v.Why != consent.Withdrawn {
			t.Errorf("%+v", v)
		}
	})
}
