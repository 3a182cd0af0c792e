package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/consent"
	"wardkeep/internal/passkey"
	"wardkeep/internal/session"
)

func (s *Server) homePasskeys(mux *http.ServeMux) {
	s.passkeys = newLimits(s.Proxies)
	s.passkeys.Rate, s.passkeys.Burst = codesPerAddress, codesBurst
	s.form(mux, "POST /home/passkey", "/home", s.homeAskPasskey)
	s.form(mux, "POST /home/passkey/enter", "/home", s.homeEnterByPasskey)
	s.handle(mux, "GET /home/passkeys", s.homeListPasskeys)
	s.handle(mux, "POST /home/passkeys", s.homeOfferPasskey)
	s.form(mux, "POST /home/passkeys/add", "/home/passkeys", s.homeAddPasskey)
	s.form(mux, "POST /home/passkeys/remove", "/home/passkeys", s.homeRemovePasskey)
}

// passkeyCookie binds a challenge to the browser that is asked to sign it.
const passkeyCookie = "wardkeep_passkey"

// askBrowser answers the script with what it is to ask the browser for.
func (s *Server) askBrowser(w http.ResponseWriter, options []byte, kept string) error {
	s.browser().Keep(w, passkeyCookie, kept, passkey.ChallengeLife)
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(options)
	return err
}

// homeAskPasskey says the same to everybody: nobody has said yet who they are, and
// nothing is written or looked up.
func (s *Server) homeAskPasskey(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.take(r); err != nil {
		return err
	}
	var options []byte
	var kept string
	err := s.Store.View(r.Context(), func(tx *db.Tx) (err error) {
		options, kept, err = s.door.Ask(tx.Now())
		return err
	})
	if err != nil {
		return err
	}
	return s.askBrowser(w, options, kept)
}

func (s *Server) homeEnterByPasskey(w http.ResponseWriter, r *http.Request) error {
	if err := s.passkeys.take(r); err != nil {
		return s.showDoor(w, r, doorPage, err)
	}
	ctx := r.Context()
	answer := []byte(r.PostFormValue("answer"))
	var secret string
	err := s.change(ctx, func(ctx context.Context, tx *db.Tx) error {
		return s.door.Shows(ctx, tx, s.browser().Kept(r, passkeyCookie), answer)
	}, func(tx *db.Tx) (err error) {
		_, secret, err = s.door.EnterByPasskey(ctx, tx, s.browser().Kept(r, passkeyCookie), s.browser().Kept(r, homeCookie), answer)
		return err
	})
	if errors.Is(err, session.ErrPasskey) {
		return s.showDoor(w, r, doorPage, err)
	}
	if err != nil {
		return err
	}
	s.welcome(w, r, passkeyCookie, secret)
	return nil
}

// homePasskeysPage is what guardian/home_passkeys.html shows.
type homePasskeysPage struct {
	Passkeys       []homePasskey
	ByPasskey      bool   // the guardian came by one, and so can't add another
	Full           bool   // the contact that the guardian came by has as many as it may
	Added, Removed bool   // just now
	Problem        string // in words
}

// A homePasskey is one in the list. Its device isn't known here, so it has a number,
// one of the phone or one of the mailbox.
type homePasskey struct {
	ID          string
	Number      int64
	Email       bool // added by a session of an address, otherwise of a phone
	Added, Used time.Time
	Here        bool // it opened this session
}

func (s *Server) homeListPasskeys(w http.ResponseWriter, r *http.Request) error {
	return s.showPasskeys(w, r, nil)
}

// showPasskeys shows the list, and what went wrong.
func (s *Server) showPasskeys(w http.ResponseWriter, r *http.Request, problem error) error {
	if s.door.Site == nil {
		return session.ErrNoPasskeys
	}
	page, status := homePasskeysPage{Added: r.URL.Query().Has("added"), Removed: r.URL.Query().Has("removed")}, http.StatusOK
	if problem != nil {
		e := errs.Of(problem)
		if e.Kind == errs.Internal || e.Is(session.ErrSignedOut) {
			return s.toDoor(w, r, problem)
		}
		page.Problem, status = lang(r).T(e.Code), int(e.Kind)
	}
	err := s.visit(r, func(ctx context.Context, tx *db.Tx, in session.Session) error {
		all, err := s.door.Passkeys(ctx, tx, in)
		page.ByPasskey, page.Passkeys = in.Passkey != "", nil
		own := 0
		for _, p := range all {
			if in.Owns(p) {
				own++
			}
			page.Passkeys = append(page.Passkeys, homePasskey{p.ID, p.Number, p.Channel == consent.Email, p.AddedAt, p.UsedAt, p.ID == in.Passkey})
		}
		page.Full = own >= session.MaxPasskeys
		return err
	})
	if err != nil {
		return s.toDoor(w, r, err)
	}
	if !page.ByPasskey && !page.Full {
		visitor.Script(w)
	}
	return s.render(w, r, status, "guardian/home_passkeys.html", page)
}

func (s *Server) homeOfferPasskey(w http.ResponseWriter, r *http.Request) error {
	var options []byte
	var kept string
	err := s.visit(r, func(ctx context.Context, tx *db.Tx, in session.Session) (err error) {
		options, kept, err = s.door.Offer(ctx, tx, in, lang(r).T("web.passkey.holder"))
		return err
	})
	if err != nil {
		return err
	}
	return s.askBrowser(w, options, kept)
}

func (s *Server) homeAddPasskey(w http.ResponseWriter, r *http.Request) error {
	answer := []byte(r.PostFormValue("answer"))
	err := s.act(r, func(ctx context.Context, tx *db.Tx, in session.Session) error {
		_, err := s.door.Add(ctx, tx, in, s.browser().Kept(r, passkeyCookie), answer)
		return err
	})
	if err != nil {
		return s.showPasskeys(w, r, err)
	}
	s.browser().Keep(w, passkeyCookie, "", 0)
	http.Redirect(w, r, at(r, "/home/passkeys", "added"), http.StatusSeeOther)
	return nil
}

// homeRemovePasskey removes a passkey, also the one by which the guardian is signed
// in: that signs it out.
func (s *Server) homeRemovePasskey(w http.ResponseWriter, r *http.Request) error {
	err := s.act(r, func(ctx context.Context, tx *db.Tx, in session.Session) error {
		return s.door.RemovePasskey(ctx, tx, in, r.PostFormValue("passkey"))
	})
	if err != nil {
		return s.toDoor(w, r, err)
	}
	http.Redirect(w, r, at(r, "/home/passkeys", "removed"), http.StatusSeeOther)
	return nil
}
