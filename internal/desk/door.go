package desk

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/passkey"
	"wardkeep/internal/signin"
	"wardkeep/internal/web"
)

// doorPage is what door.html shows.
type doorPage struct {
	To             string // where it goes on
	Again          bool   // who is signed in shows once more who it is
	Problem        string // in words
	PasskeyProblem string
	Passkeys       bool // they can be used here
}

func (s *Server) showDoor(v *visit) error {
	if v.in.ID != "" && !v.r.URL.Query().Has("again") {
		return v.to(v.next())
	}
	return v.door(nil)
}

// door shows the page where somebody signs in, and what went wrong.
func (v *visit) door(problem error) error {
	words, _, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := doorPage{To: v.next(), Again: v.in.ID != "", Passkeys: v.s.door.Site != nil}
	if errs.Of(problem).Is(signin.ErrPasskey) {
		page.PasskeyProblem = words
	} else {
		page.Problem = words
	}
	if page.Passkeys {
		visitor.Script(v.w)
	}
	return v.show(status, "door", page)
}

// stretching waits for its turn to stretch a password: each takes memory, and strangers may
// send many.
func (s *Server) stretching(ctx context.Context, fn func()) error {
	ctx, cancel := context.WithTimeout(ctx, maxWaitTime)
	defer cancel()
	select {
	case s.stretches <- struct{}{}:
		defer func() { <-s.stretches }()
		fn()
		return nil
	case <-ctx.Done():
		return ErrBusy
	}
}

// refused waits until a refusal is due, counted from when it was asked for, and returns it:
// how long it takes tells a stranger nothing.
func (v *visit) refused(asked time.Time, err error) error {
	if !errors.Is(err, signin.ErrRefused) {
		return err
	}
	due := time.NewTimer(time.Until(asked.Add(v.s.patience)))
	defer due.Stop()
	select {
	case <-due.C:
		return err
	case <-v.r.Context().Done():
		return v.r.Context().Err()
	}
}

// enter signs a person in by name, password and code. What it answers, and how long it takes,
// tells nobody which of them was wrong. Whoever is signed in shows by it once more who it is:
// the session is a new one.
func (s *Server) enter(v *visit) error {
	asked := time.Now()
	if !s.tries.Allow(v.r) {
		return v.door(ErrSlowDown)
	}
	var claim signin.Claim
	err := v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		claim, err = s.door.Look(ctx, tx, pii.New(v.r.PostFormValue("name")))
		return err
	})
	if err == nil {
		err = s.stretching(v.r.Context(), func() { claim = s.door.Try(claim, pii.New(v.r.PostFormValue("password"))) })
	}
	var in signin.Session
	var secret string
	if err == nil {
		ctx := v.r.Context()
		err = s.Store.Update(ctx, func(tx *db.Tx) (err error) {
			in, secret, err = s.door.Enter(ctx, tx, claim, pii.New(v.r.PostFormValue("code")), s.browser().Kept(v.r, sessionCookie))
			return err
		})
	}
	if err != nil {
		return v.door(v.refused(asked, err))
	}
	v.keep(in, secret)
	return v.to(v.next())
}

// askPasskey says the same to everybody: nobody has said yet who they are, and nothing is
// written or looked up.
func (s *Server) askPasskey(v *visit) error {
	options, kept, err := s.door.Ask(v.now, signin.Session{})
	if err != nil {
		return err
	}
	return v.askBrowser(options, kept)
}

// askBrowser answers the script with what it is to ask the browser for.
func (v *visit) askBrowser(options []byte, kept string) error {
	v.s.browser().Keep(v.w, passkeyCookie, kept, passkey.ChallengeLife)
	v.w.Header().Set("Content-Type", "application/json")
	_, err := v.w.Write(options)
	return err
}

func (s *Server) enterByPasskey(v *visit) error {
	if !s.tries.Allow(v.r) {
		return v.door(ErrSlowDown)
	}
	answer, kept, ctx := []byte(v.r.PostFormValue("answer")), s.browser().Kept(v.r, passkeyCookie), v.r.Context()
	var tried signin.Tried
	err := v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		tried, err = s.door.Shows(ctx, tx, kept, signin.Session{}, answer)
		return err
	})
	var in signin.Session
	var secret string
	if err == nil {
		err = s.Store.Update(ctx, func(tx *db.Tx) (err error) {
			in, secret, err = s.door.EnterByPasskey(ctx, tx, kept, s.browser().Kept(v.r, sessionCookie), answer)
			return err
		})
	}
	if errors.Is(err, signin.ErrPasskey) && tried.Known() {
		if fault := s.Store.Update(ctx, func(tx *db.Tx) error { return s.door.Missed(ctx, tx, tried) }); fault != nil {
			return fault
		}
	}
	if err != nil {
		return v.door(err)
	}
	s.browser().Keep(v.w, passkeyCookie, "", 0)
	v.keep(in, secret)
	return v.to(v.next())
}

func (s *Server) signOut(v *visit) error {
	err := v.act(func(ctx context.Context, tx *db.Tx) error { return signin.SignOut(ctx, tx, v.in) })
	if err != nil && !errors.Is(err, signin.ErrSignedOut) {
		return err
	}
	s.browser().Keep(v.w, sessionCookie, "", 0)
	return v.to("/party/in")
}

// setUpPage is what setup.html shows.
type setUpPage struct {
	Name    string // of the person
	Until   time.Time
	QR      template.HTML
	Secret  string // to be typed, in groups
	Problem string // in words
	Field   string // that is wrong
	Typed   string // the name to sign in by, so that it needn't be typed again
}

func (s *Server) showSetUp(v *visit) error {
	at, _, err := v.link()
	if err != nil {
		return err
	}
	return v.setUpPage(at, nil)
}

func (v *visit) setUpPage(at signin.SettingUp, problem error) (err error) {
	words, field, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := setUpPage{Name: at.Person.Name, Until: at.Until, Secret: groups(at.Secret), Problem: words, Field: field}
	if problem != nil {
		page.Typed = v.r.PostFormValue("name")
	}
	if page.QR, err = web.QR(at.Authenticator, v.lang.T("desk.setup.qr")); err != nil {
		return err
	}
	return v.show(status, "setup", page)
}

// groups writes a secret so that it can be typed.
func groups(s string) (out string) {
	for len(s) > 4 {
		out, s = out+s[:4]+" ", s[4:]
	}
	return out + s
}

// link returns whose link the address holds, and the browser that opened it. One that opens a
// link for the first time begins anew: what others were shown there is of no use in it.
// Errors: signin.ErrLink.
func (v *visit) link() (at signin.SettingUp, by signin.Browser, err error) {
	if !v.s.tries.Allow(v.r) {
		return at, by, ErrSlowDown
	}
	by = signin.Browser{Kept: v.s.browser().Kept(v.r, setUpCookie), Session: v.s.browser().Kept(v.r, sessionCookie)}
	begins := by.Kept == ""
	if begins {
		by.Kept = signin.Keep()
	}
	err = v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		at, err = v.s.door.Open(ctx, tx, v.r.PathValue("link"), by)
		return err
	})
	if err == nil && begins {
		v.s.browser().Keep(v.w, setUpCookie, by.Kept, at.Until.Sub(v.now))
	}
	return at, by, err
}

// codesPage is what codes.html shows, once.
type codesPage struct{ Codes []string }

func (s *Server) setUp(v *visit) error {
	at, by, err := v.link()
	if err != nil {
		return err
	}
	chosen := signin.Chosen{Name: pii.New(v.r.PostFormValue("name")), Password: pii.New(v.r.PostFormValue("password")), Code: pii.New(v.r.PostFormValue("code"))}
	var prepared signin.Prepared
	if fault := s.stretching(v.r.Context(), func() { prepared, err = s.door.Prepare(at, chosen, v.now) }); fault != nil {
		return fault
	}
	var in signin.Session
	var secret string
	var codes []string
	if err == nil {
		ctx := v.r.Context()
		err = s.Store.Update(ctx, func(tx *db.Tx) (err error) {
			in, secret, codes, err = s.door.SetUp(ctx, tx, v.r.PathValue("link"), by, prepared)
			return err
		})
	}
	if err != nil {
		if errors.Is(err, signin.ErrLink) {
			return err
		}
		return v.setUpPage(at, err)
	}
	s.browser().Keep(v.w, setUpCookie, "", 0)
	v.keep(in, secret)
	v.in = in
	return v.show(http.StatusOK, "codes", codesPage{codes})
}
