package console

import (
	"context"
	"errors"
	"net/http"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/entrance"
	"wardkeep/internal/signin"
	"wardkeep/internal/web"
)

// doorPage is what door.html and again.html show.
type doorPage struct {
	To             string // where it goes on
	Problem        string // in words
	PasskeyProblem string
	Passkeys       bool // they can be used here
	Password       bool // the person has one
	Provider       bool // the operator's can be asked
}

func (s *Server) showDoor(v *visit) error {
	if v.in.ID != "" {
		return v.to(v.next())
	}
	return v.door("door", nil)
}

// door shows the page where somebody signs in, or shows once more who it is, and what
// went wrong.
func (v *visit) door(name string, problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := doorPage{To: v.next(), Passkeys: v.s.door.Site != nil, Password: true, Provider: v.s.Provider != nil}
	if errs.Of(problem).Is(signin.ErrPasskey) {
		page.PasskeyProblem = words
	} else {
		page.Problem = words
	}
	if name == "again" {
		err := v.view(func(ctx context.Context, tx *db.Tx) error {
			_, err := v.s.door.LookAt(ctx, tx, v.in)
			page.Password = !errors.Is(err, signin.ErrRefused)
			page.Provider = page.Provider && v.in.Way == signin.ByProvider
			page.Passkeys = page.Passkeys && v.in.Way != signin.ByProvider // who comes in by it has none
			if e := errs.Of(err); e.Kind == errs.Internal && err != nil {
				return err
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if page.Passkeys {
		visitor.Script(v.w)
	}
	return v.show(status, name, page)
}

// enter signs a person in by name, password and code.
func (s *Server) enter(v *visit) error {
	in, secret, err := s.site.Enter(v.r)
	return v.entered(in, secret, err)
}

// entered has the browser keep the session, and leads on, or shows the door again.
func (v *visit) entered(in signin.Session, secret string, err error) error {
	if err != nil {
		return v.door("door", err)
	}
	v.keep(in, secret)
	return v.to(v.next())
}

// askPasskey says the same to everybody: nobody has said yet who they are, and nothing
// is written or looked up.
func (s *Server) askPasskey(v *visit) error { return v.ask(signin.Session{}) }

func (s *Server) askAgain(v *visit) error { return v.ask(v.in) }

func (v *visit) ask(in signin.Session) error {
	options, kept, err := v.s.door.Ask(v.now, in)
	if err != nil {
		return err
	}
	return v.s.site.Ask(v.w, options, kept)
}

func (s *Server) enterByPasskey(v *visit) error {
	in, secret, err := s.site.EnterByPasskey(v.w, v.r)
	return v.entered(in, secret, err)
}

func (s *Server) showAgain(v *visit) error { return v.door("again", nil) }

// again makes the session fresh, by what the person signs in with.
func (s *Server) again(v *visit) error {
	if err := s.site.May(v.r); err != nil {
		return v.door("again", err)
	}
	var secret string
	look := func(ctx context.Context, tx *db.Tx) (signin.Claim, error) { return s.door.LookAt(ctx, tx, v.in) }
	err := s.site.ByPassword(v.r, look, func(claim signin.Claim, code pii.Text) error {
		return v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) (err error) {
			secret, err = s.door.StepUp(ctx, tx, in, claim, code)
			return err
		})
	})
	return v.fresh(secret, err)
}

func (s *Server) againByPasskey(v *visit) error {
	var secret string
	err := s.site.ByPasskey(v.w, v.r, v.in, func(kept string, answer []byte) error {
		return v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) (err error) {
			secret, err = s.door.StepUpByPasskey(ctx, tx, in, kept, answer)
			return err
		})
	})
	return v.fresh(secret, err)
}

// fresh has the browser keep the new secret, and leads back to what it is needed for.
func (v *visit) fresh(secret string, err error) error {
	if err != nil {
		return v.door("again", err)
	}
	v.keep(v.in, secret)
	return v.to(v.next())
}

func (s *Server) signOut(v *visit) error {
	err := v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error { return signin.SignOut(ctx, tx, in) })
	if err != nil && !errors.Is(err, signin.ErrSignedOut) {
		return err
	}
	s.site.Forget(v.w)
	return v.to("/console/in")
}

func (s *Server) showSetUp(v *visit) error {
	at, _, err := s.site.Link(v.w, v.r, v.now)
	if err != nil {
		return err
	}
	return v.setUpPage(at, nil)
}

func (v *visit) setUpPage(at signin.SettingUp, problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	qr, err := web.QR(at.Authenticator, v.lang.T("console.setup.qr"))
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
