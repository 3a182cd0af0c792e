// Package entrance is how persons with an account come in at a browser: by name, password and
// code, by a passkey, by a link with which they set these up.
//
// Its one invariant: who isn't let in learns that it was refused, and neither by the words nor
// by the time it takes of what; and one address tries only so often.
package entrance

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/passkey"
	"wardkeep/internal/signin"
)

const (
	tryEvery    = 1.0 / 10 // tries a second of one address
	tryBurst    = 20       // an office behind one address
	addresses   = 20000    // remembered at most
	patience    = 500 * time.Millisecond
	maxWaitTime = 5 * time.Second
)

// Cookies are the names of what a browser keeps: a session's secret, what binds a passkey's
// challenge to the browser, and what binds an authenticator to the one in which it is set up.
type Cookies struct{ Session, Passkey, SetUp string }

// A Site is one at which persons come in.
type Site struct {
	Door    signin.Door
	Store   *db.DB
	Browser visitor.Browser
	Cookies Cookies
	// SlowDown refuses who tries too often, and Busy who came while too many others try.
	SlowDown, Busy *errs.Error
	// Patience is the time after which a try is refused, whatever was wrong.
	Patience time.Duration

	tries     *visitor.Limits
	stretches chan struct{} // passwords that are being stretched
}

// Open returns the site, at which atOnce passwords are stretched at 19 MiB each. The proxies
// are believed when they say for whom they ask.
func (s Site) Open(proxies []netip.Prefix, atOnce int) *Site {
	s.Patience, s.tries, s.stretches = patience, visitor.NewLimits(proxies, tryEvery, tryBurst, addresses), make(chan struct{}, atOnce)
	return &s
}

// May counts a try of an address. Errors: SlowDown.
func (s *Site) May(r *http.Request) error {
	if !s.tries.Allow(r) {
		return s.SlowDown
	}
	return nil
}

// Kept returns the secret of the session that a browser keeps, or "".
func (s *Site) Kept(r *http.Request) string { return s.Browser.Kept(r, s.Cookies.Session) }

// Keep has a browser keep the secret of a session; Forget has it keep none.
func (s *Site) Keep(w http.ResponseWriter, in signin.Session, secret string, now time.Time) {
	s.Browser.Keep(w, s.Cookies.Session, secret, in.MostUntil.Sub(now))
}

// Forget has a browser keep no session.
func (s *Site) Forget(w http.ResponseWriter) { s.Browser.Keep(w, s.Cookies.Session, "", 0) }

// stretching waits for its turn to stretch a password: each takes memory, and strangers may
// send many.
func (s *Site) stretching(ctx context.Context, fn func()) error {
	ctx, cancel := context.WithTimeout(ctx, maxWaitTime)
	defer cancel()
	select {
	case s.stretches <- struct{}{}:
		defer func() { <-s.stretches }()
		fn()
		return nil
	case <-ctx.Done():
		return s.Busy
	}
}

// refused waits until a refusal is due, counted from when it was asked for, and returns it.
// With a name that somebody has, a password that is right, or an entry that is written there is
// more to do: how long that takes tells a stranger nothing.
func (s *Site) refused(ctx context.Context, asked time.Time, err error) error {
	if !errors.Is(err, signin.ErrRefused) {
		return err
	}
	due := time.NewTimer(time.Until(asked.Add(s.Patience)))
	defer due.Stop()
	select {
	case <-due.C:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ByPassword reads the form of a password and a code. Look finds whom it claims to be, and enter
// lets in who has shown it, in a transaction of its own. It was allowed by May.
// Errors: signin.ErrRefused, once it is due; Busy; those of look and enter.
func (s *Site) ByPassword(r *http.Request, look func(ctx context.Context, tx *db.Tx) (signin.Claim, error), enter func(c signin.Claim, code pii.Text) error) error {
	asked, ctx := time.Now(), r.Context()
	var claim signin.Claim
	err := s.Store.View(ctx, func(tx *db.Tx) (err error) {
		claim, err = look(ctx, tx)
		return err
	})
	if err == nil {
		err = s.stretching(ctx, func() { claim = s.Door.Try(claim, pii.New(r.PostFormValue("password"))) })
	}
	if err == nil {
		err = enter(claim, pii.New(r.PostFormValue("code")))
	}
	return s.refused(ctx, asked, err)
}

// Enter signs a person in by name, password and code; a session that the browser had before
// ends. Errors: SlowDown, and those of ByPassword.
func (s *Site) Enter(r *http.Request) (in signin.Session, secret string, err error) {
	if err := s.May(r); err != nil {
		return in, "", err
	}
	look := func(ctx context.Context, tx *db.Tx) (signin.Claim, error) {
		return s.Door.Look(ctx, tx, pii.New(r.PostFormValue("name")))
	}
	err = s.ByPassword(r, look, func(claim signin.Claim, code pii.Text) error {
		ctx := r.Context()
		return s.Store.Update(ctx, func(tx *db.Tx) (err error) {
			in, secret, err = s.Door.Enter(ctx, tx, claim, code, s.Kept(r))
			return err
		})
	})
	return in, secret, err
}

// Ask answers a script with what it is to ask the browser for.
func (s *Site) Ask(w http.ResponseWriter, options []byte, kept string) error {
	s.Browser.Keep(w, s.Cookies.Passkey, kept, passkey.ChallengeLife)
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(options)
	return err
}

// ByPasskey reads the answer of a passkey: to who it is, or to whose session is again. Enter
// takes it in a transaction of its own. One that is refused, of somebody who is known, is
// recorded. Errors: SlowDown, those of enter.
func (s *Site) ByPasskey(w http.ResponseWriter, r *http.Request, again signin.Session, enter func(kept string, answer []byte) error) error {
	if err := s.May(r); err != nil {
		return err
	}
	answer, kept, ctx := []byte(r.PostFormValue("answer")), s.Browser.Kept(r, s.Cookies.Passkey), r.Context()
	var tried signin.Tried
	err := s.Store.View(ctx, func(tx *db.Tx) (err error) {
		tried, err = s.Door.Shows(ctx, tx, kept, again, answer)
		return err
	})
	if err == nil {
		err = enter(kept, answer)
	}
	if errors.Is(err, signin.ErrPasskey) && tried.Known() {
		if fault := s.Store.Update(ctx, func(tx *db.Tx) error { return s.Door.Missed(ctx, tx, tried) }); fault != nil {
			return fault
		}
	}
	if err == nil {
		s.Browser.Keep(w, s.Cookies.Passkey, "", 0)
	}
	return err
}

// EnterByPasskey signs in who shows one. Errors: those of ByPasskey.
func (s *Site) EnterByPasskey(w http.ResponseWriter, r *http.Request) (in signin.Session, secret string, err error) {
	err = s.ByPasskey(w, r, signin.Session{}, func(kept string, answer []byte) error {
		ctx := r.Context()
		return s.Store.Update(ctx, func(tx *db.Tx) (err error) {
			in, secret, err = s.Door.EnterByPasskey(ctx, tx, kept, s.Kept(r), answer)
			return err
		})
	})
	return in, secret, err
}

// Add keeps the passkey that the browser has made for a session. Errors: those of the door's Add.
func (s *Site) Add(ctx context.Context, tx *db.Tx, r *http.Request, in signin.Session) error {
	return s.Door.Add(ctx, tx, in, s.Browser.Kept(r, s.Cookies.Passkey), []byte(r.PostFormValue("answer")))
}

// Added has the browser forget the question that Add was the answer of.
func (s *Site) Added(w http.ResponseWriter) { s.Browser.Keep(w, s.Cookies.Passkey, "", 0) }

// Link returns whose link the address holds, and the browser that opened it. One that opens a
// link for the first time begins anew: what others were shown there is of no use in it.
// Errors: SlowDown, signin.ErrLink.
func (s *Site) Link(w http.ResponseWriter, r *http.Request, now time.Time) (at signin.SettingUp, by signin.Browser, err error) {
	if err := s.May(r); err != nil {
		return at, by, err
	}
	by = signin.Browser{Kept: s.Browser.Kept(r, s.Cookies.SetUp), Session: s.Kept(r)}
	begins := by.Kept == ""
	if begins {
		by.Kept = signin.Keep()
	}
	ctx := r.Context()
	err = s.Store.View(ctx, func(tx *db.Tx) (err error) {
		at, err = s.Door.Open(ctx, tx, r.PathValue("link"), by)
		return err
	})
	if err == nil && begins {
		s.Browser.Keep(w, s.Cookies.SetUp, by.Kept, at.Until.Sub(now))
	}
	return at, by, err
}

// A Choice is what the page at a link shows, on which a person chooses how to sign in.
type Choice struct {
	Name    string // of the person
	Until   time.Time
	QR      template.HTML
	Secret  string // to be typed, in groups
	Problem string // in words
	Field   string // that is wrong
	Typed   string // the name to sign in by, so that it needn't be typed again
}

// SetUpPage returns what the page shows of a link, and of what was wrong with the form r, if
// it was sent.
func SetUpPage(at signin.SettingUp, qr template.HTML, words string, problem error, r *http.Request) Choice {
	c := Choice{Name: at.Person.Name, Until: at.Until, QR: qr, Secret: groups(at.Secret), Problem: words}
	if problem != nil {
		c.Field, c.Typed = errs.Of(problem).Field, r.PostFormValue("name")
	}
	return c
}

// groups writes a secret so that it can be typed.
func groups(s string) (out string) {
	for len(s) > 4 {
		out, s = out+s[:4]+" ", s[4:]
	}
	return out + s
}

// A Setting is a link whose person has chosen, or has chosen wrongly.
type Setting struct {
	At     signin.SettingUp
	In     signin.Session
	Secret string   // of the session
	Codes  []string // shown once
	// Problem is why what was chosen can't be taken: the page is shown again with it. After a
	// link that is over there is none to show again.
	Problem error
}

// SetUp sets up how a person signs in, by what the form says it has chosen, and signs it in.
// Errors: those of Link; Busy.
func (s *Site) SetUp(w http.ResponseWriter, r *http.Request, now time.Time) (Setting, error) {
	at, by, err := s.Link(w, r, now)
	if err != nil {
		return Setting{}, err
	}
	chosen := signin.Chosen{Name: pii.New(r.PostFormValue("name")), Password: pii.New(r.PostFormValue("password")), Code: pii.New(r.PostFormValue("code"))}
	out := Setting{At: at}
	var prepared signin.Prepared
	ctx := r.Context()
	if busy := s.stretching(ctx, func() { prepared, err = s.Door.Prepare(at, chosen, now) }); busy != nil {
		return Setting{}, busy
	}
	if err == nil {
		err = s.Store.Update(ctx, func(tx *db.Tx) (err error) {
			out.In, out.Secret, out.Codes, err = s.Door.SetUp(ctx, tx, r.PathValue("link"), by, prepared)
			return err
		})
	}
	switch {
	case errors.Is(err, signin.ErrLink):
		return Setting{}, err
	case err != nil:
		return Setting{At: at, Problem: err}, nil
	}
	s.Browser.Keep(w, s.Cookies.SetUp, "", 0)
	return out, nil
}

// RetryAfter says in an answer when trying again is of use, if what is wrong is that it was
// tried too often.
func RetryAfter(h http.Header, err error, now time.Time) {
	wait := time.Duration(0)
	if locked, ok := errors.AsType[*signin.Locked](err); ok {
		wait = locked.Until.Sub(now)
	} else if errs.Of(err).Kind == errs.TooMany {
		wait = time.Minute
	}
	if wait > 0 {
		h.Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
	}
}
