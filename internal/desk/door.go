package desk

import (
	"context"
	"errors"
	"net/http"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/entrance"
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

// enter signs a person in by name, password and code. Whoever is signed in shows by it once more
// who it is: the session is a new one.
func (s *Server) enter(v *visit) error {
	in, secret, err := s.site.Enter(v.r)
	return v.entered(in, secret, err)
}

// entered has the browser keep the session, and leads on, or shows the door again.
func (v *visit) entered(in signin.Session, secret string, err error) error {
	if err != nil {
		return v.door(err)
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
	return s.site.Ask(v.w, options, kept)
}

func (s *Server) enterByPasskey(v *visit) error {
	in, secret, err := s.site.EnterByPasskey(v.w, v.r)
	return v.entered(in, secret, err)
}

func (s *Server) signOut(v *visit) error {
	err := v.act(func(ctx context.Context, tx *db.Tx) error { return signin.SignOut(ctx, tx, v.in) })
	if err != nil && !errors.Is(err, signin.ErrSignedOut) {
		return err
	}
	s.site.Forget(v.w)
	return v.to("/party/in")
}

func (s *Server) showSetUp(v *visit) error {
	at, _, err := s.site.Link(v.w, v.r, v.now)
	if err != nil {
		return err
	}
	return v.setUpPage(at, nil)
}

func (v *visit) setUpPage(at signin.SettingUp, problem error) error {
	words, _, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	qr, err := web.QR(at.Authenticator, v.lang.T("desk.setup.qr"))
	if err != nil {
		return err
	}
	return v.show(status, "setup", entrance.SetUpPage(at, qr, words, problem, v.r))
}

// codesPage is what codes.html shows, once.
type codesPage struct{ Codes []string }

func (s *Server) setUp(v *visit) error {
	set, err := s.site.SetUp(v.w, v.r, v.now)
	switch {
	case err != nil:
		return err
	case set.Problem != nil:
		return v.setUpPage(set.At, set.Problem)
	}
	v.in = set.In
	v.keep(set.In, set.Secret)
	return v.show(http.StatusOK, "codes", codesPage{set.Codes})
}
