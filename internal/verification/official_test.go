package verification_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/verification"
)

func TestEdgeCase24_TheOfficialServiceReportsOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, g := w.family()
		s := w.sit(c, g)
		v, err := w.visit(s)
		if err != nil {
			t.Fatal(err)
		}
		w.said = verification.Reply{URL: "https://id.example/begin?x=1"}
		if to, err := w.desk.Begin(t.Context(), v); err != nil || to != w.said.URL {
			t.Errorf("leads to %q, %v", to, err)
		}
		if q := w.asked[0]; q.Type != verification.QuestionBegin || q.Callback == "" || q.Nonce == "" || !q.Number.IsZero() {
			t.Errorf("asked %q", q.Type)
		}
		w.strengths(s, family.OneTimeCode, family.OneTimeCode)
		if err := w.report(v, nil); err != nil {
			t.Fatal(err)
		}
		w.strengths(s, family.OfficialIdentity, family.OfficialIdentity)
		// The same once more, and another result: neither changes anything.
		for range 2 {
			if err := w.report(v, func(m map[string]any) { m["result"] = "no_match" }); err != nil {
				t.Errorf("reported again: %v", err)
			}
		}
		w.strengths(s, family.OfficialIdentity, family.OfficialIdentity)
		w.silent("op-1")
	})
}

// Only the service, only about what waits, only in time; and all that is wrong
// looks the same.
func TestEdgeCase24_AForgedReportProvesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, g := w.family()
		s := w.sit(c, g)
		v, err := w.visit(s)
		if err != nil {
			t.Fatal(err)
		}
		w.said = verification.Reply{URL: "https://id.example/"}
		if _, err := w.desk.Begin(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		other, err := w.visit(s)
		if err != nil {
			t.Fatal(err)
		}
		good, err := json.Marshal(map[string]any{"type": "identity.result", "verification": v.ID, "nonce": w.nonce(), "result": "match", "adult": true})
		if err != nil {
			t.Fatal(err)
		}
		now := w.Store.Now()
		for name, err := range map[string]error{
			"no signature":       w.post(http.Header{}, good),
			"another secret":     w.post(signed([]byte("another secret of 24 b."), good, now), good),
			"another body":       w.post(signed(w.secret, []byte("{}"), now), good),
			"an old one":         w.post(signed(w.secret, good, now.Add(-6*time.Minute)), good),
			"one to come":        w.post(signed(w.secret, good, now.Add(6*time.Minute)), good),
			"no attempt":         w.report(v, func(m map[string]any) { m["verification"] = "ve_00000000000000000000000000" }),
			"no name":            w.report(v, func(m map[string]any) { m["verification"] = "x" }),
			"another's nonce":    w.report(other, nil),
			"no nonce":           w.report(v, func(m map[string]any) { delete(m, "nonce") }),
			"another type":       w.report(v, func(m map[string]any) { m["type"] = "identity.match" }),
			"a number's attempt": w.reportNumber(s),
		} {
			if !errors.Is(err, verification.ErrCallback) || err.Error() != verification.ErrCallback.Error() {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.strengths(s, family.OneTimeCode, family.OneTimeCode)
		// After its time a true one proves nothing either.
		w.Pass(16 * time.Minute)
		if err := w.report(v, nil); err != nil {
			t.Error(err)
		}
		w.strengths(s, family.OneTimeCode, family.OneTimeCode)
	})
}

// reportNumber reports about an attempt by name and number.
func (w *world) reportNumber(s seat) error {
	var check verification.Check
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		check, err = w.desk.StartNumber(ctx, tx, s.request, s.proof, verification.Identity{Name: pii.New("王芳"), Number: pii.New(adult)})
		return err
	})
	return w.report(verification.Visit{Attempt: check.Attempt}, nil)
}

func TestEdgeCase24_WhatTheServiceDoesNotSayIsNotSo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, change := range []func(m map[string]any){
			func(m map[string]any) { m["result"] = "cancelled" },
			func(m map[string]any) { delete(m, "result") },
			func(m map[string]any) { m["adult"] = false },
			func(m map[string]any) { delete(m, "adult") },
		} {
			c, g := w.family()
			s := w.sit(c, g)
			v, err := w.visit(s)
			if err != nil {
				t.Fatal(err)
			}
			w.said = verification.Reply{URL: "https://id.example/"}
			if _, err := w.desk.Begin(t.Context(), v); err != nil {
				t.Fatal(err)
			}
			if err := w.report(v, change); err != nil {
				t.Fatal(err)
			}
			w.strengths(s, family.OneTimeCode, family.OneTimeCode)
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				a, err := w.desk.Find(ctx, tx, s.request, s.proof, v.ID)
				if a.State != verification.Failed {
					t.Errorf("the attempt %s", a.State)
				}
				return err
			})
		}
	})
}

// A browser that was left, or taken over with a new code, isn't raised by what
// began in it.
func TestEdgeCase24_AReportRaisesTheBrowserItBeganInAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, g := w.family()
		s := w.sit(c, g)
		v, err := w.visit(s)
		if err != nil {
			t.Fatal(err)
		}
		w.said = verification.Reply{URL: "https://id.example/"}
		if _, err := w.desk.Begin(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		var code string
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			one, err := w.Desk.SendCode(ctx, tx, s.request)
			code = one.Code.Reveal()
			return err
		})
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			s.request, s.proof, _, err = w.Desk.VerifyCode(ctx, tx, s.request, pii.New(code))
			return err
		})
		if err := w.report(v, nil); err != nil {
			t.Fatal(err)
		}
		w.strengths(s, family.OfficialIdentity, family.OneTimeCode)
	})
}

func TestNoOpenRedirectThroughAProvider(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, g := w.family()
		v, err := w.visit(w.sit(c, g))
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range []string{"", "http://id.example/", "https://evil.example/", "https://id.example.evil.example/", "https://id.example@evil.example/",
			"//id.example/", "javascript:alert(1)", "https://id.example:444/", "https://user@id.example/"} {
			w.said = verification.Reply{URL: to}
			if _, err := w.desk.Begin(t.Context(), v); !errors.Is(err, verification.ErrProvider) {
				t.Errorf("leads to %q: %v", to, err)
			}
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error { return w.desk.Lose(ctx, tx, v) })
	})
}

func TestOnlyWhatIsConfiguredIsOffered(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if got := w.desk.Offered(); !slices.Equal(got, []family.Method{family.ByNumber, family.ByOfficial, family.ByDocument}) {
			t.Error(got)
		}
		c, g := w.family()
		s := w.sit(c, g)
		w.desk = verification.Desk{Consent: w.Desk}
		if got := w.desk.Offered(); len(got) != 0 {
			t.Error(got)
		}
		_, err := w.visit(s)
		w.refused(err, verification.ErrNotOffered)
		w.refused(w.number(s, adult), verification.ErrNotOffered)
		_, err = w.upload(s, "", image(t, "png"))
		w.refused(err, verification.ErrNotOffered)
		w.refused(w.post(http.Header{}, nil), verification.ErrCallback)
	})
}
