package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/notify"
	"wardkeep/internal/passkey"
	"wardkeep/internal/session"
	"wardkeep/internal/vault"
)

func (s *Server) homes(mux *http.ServeMux) {
	s.door = session.Door{Ring: s.Ring, Site: passkey.NewSite(s.PublicURL)}
	s.codes = newLimits(s.Proxies)
	s.codes.Rate, s.codes.Burst = codesPerAddress, codesBurst
	s.later.slots = make(chan struct{}, sendsAtOnce)
	s.handle(mux, "GET /home", s.homeList)
	s.handle(mux, "POST /home/code", s.homeAskCode)
	s.handle(mux, "GET /home/code", s.homeTypeCode)
	s.form(mux, "POST /home/enter", "/home/code", s.homeEnter)
	s.form(mux, "POST /home/out", "/home", s.homeOut)
	s.form(mux, "POST /home/out-everywhere", "/home", s.homeOutEverywhere)
	s.homePasskeys(mux)
	s.homeChildren(mux)
	s.homePeople(mux)
	s.homeDemands(mux)
	s.homeCopies(mux)
	s.homePorts(mux)
	s.ports(mux)
	s.certificates(mux)
}

// The door to the home is open to anybody who types a number, so it is narrower
// than the others.
const (
	codesPerAddress = rate.Limit(1.0 / 30) // codes a second that one address may ask for
	codesBurst      = 10
	sendsAtOnce     = 64
)

// later runs what an answer must not wait for, because its time would tell
// something. What doesn't fit is dropped: the visitor asks again.
type later struct {
	slots   chan struct{}
	running sync.WaitGroup
}

func (l *later) do(ctx context.Context, fn func(context.Context)) bool {
	select {
	case l.slots <- struct{}{}:
	default:
		return false
	}
	l.running.Go(func() {
		defer func() { <-l.slots }()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		fn(ctx)
	})
	return true
}

// Wait returns when no message is on its way any more that a page began.
func (s *Server) Wait() { s.later.running.Wait() }

// The cookies of the home, with passkeyCookie. The first is a session's secret, the
// second binds a code to the browser that asked for it.
const (
	homeCookie = "wardkeep_home"
	codeCookie = "wardkeep_code"
)

func (s *Server) browser() visitor.Browser { return visitor.At(s.PublicURL) }

// visit runs fn for whoever is signed in, in a transaction that only reads.
func (s *Server) visit(r *http.Request, fn func(context.Context, *db.Tx, session.Session) error) error {
	return s.come(r, s.Store.View, fn)
}

// act is visit for what changes or records something.
func (s *Server) act(r *http.Request, fn func(context.Context, *db.Tx, session.Session) error) error {
	return s.come(r, func(ctx context.Context, do func(*db.Tx) error) error {
		return s.change(ctx, func(ctx context.Context, tx *db.Tx) error {
			_, err := s.door.Find(ctx, tx, s.browser().Kept(r, homeCookie))
			return err
		}, do)
	}, fn)
}

func (s *Server) come(r *http.Request, open func(context.Context, func(*db.Tx) error) error, fn func(context.Context, *db.Tx, session.Session) error) error {
	if err := s.limits.take(r); err != nil {
		return err
	}
	ctx := r.Context()
	var seen session.Session
	stale := false
	err := open(ctx, func(tx *db.Tx) error {
		found, err := s.door.Find(ctx, tx, s.browser().Kept(r, homeCookie))
		if err != nil {
			return err
		}
		seen, stale = found, found.Stale(tx.Now())
		return fn(ctx, tx, found)
	})
	if err == nil && stale {
		// In a transaction of its own: a page that only looks takes no writer, but
		// for once a minute.
		err = s.Store.Update(ctx, func(tx *db.Tx) error { return session.Seen(ctx, tx, seen) })
	}
	return err
}

// toDoor leads whoever isn't signed in to where that is done.
func (s *Server) toDoor(w http.ResponseWriter, r *http.Request, err error) error {
	err = closed(err)
	if !errors.Is(err, session.ErrSignedOut) {
		return err
	}
	http.Redirect(w, r, at(r, "/home"), http.StatusSeeOther)
	return nil
}

// homeDoorPage is what guardian/home_door.html and home_code.html show.
type homeDoorPage struct {
	Problem        string // in words
	Passkeys       bool   // they can be used here
	PasskeyProblem string // in words
}

// The pages of whoever isn't signed in.
const (
	doorPage = "guardian/home_door.html"
	codePage = "guardian/home_code.html"
)

func (s *Server) showDoor(w http.ResponseWriter, r *http.Request, name string, err error) error {
	page, status := homeDoorPage{Passkeys: s.door.Site != nil}, http.StatusOK
	if err != nil {
		e := errs.Of(err)
		if e.Kind == errs.Internal {
			return err
		}
		about := &page.Problem
		if e.Is(session.ErrPasskey) {
			about = &page.PasskeyProblem
		}
		*about, status = lang(r).T(e.Code), int(e.Kind)
	}
	if page.Passkeys && name == doorPage {
		visitor.Script(w)
	}
	return s.render(w, r, status, name, page)
}

// homeAskCode answers before anything is looked up: the same to everybody, and in
// the same time. Whether somebody is known is found out afterwards, and told only
// to the phone or the mailbox.
func (s *Server) homeAskCode(w http.ResponseWriter, r *http.Request) error {
	if err := s.codes.take(r); err != nil {
		return s.showDoor(w, r, doorPage, err)
	}
	h, err := family.ParseHandle(s.Ring, pii.New(r.PostFormValue("contact")))
	if err != nil {
		return s.showDoor(w, r, doorPage, err)
	}
	browser, l := id.Secret(32), lang(r)
	if !s.later.do(r.Context(), func(ctx context.Context) { s.sendHomeCode(ctx, browser, h, l) }) {
		s.Log.WarnContext(r.Context(), "home: too many codes at once, one was not made")
	}
	s.browser().Keep(w, codeCookie, browser, consent.CodeLife)
	http.Redirect(w, r, at(r, "/home/code"), http.StatusSeeOther)
	return nil
}

// sendHomeCode sends a code if somebody is there to get one. If we crash here no
// code arrives, and the guardian asks for another.
func (s *Server) sendHomeCode(ctx context.Context, browser string, h family.Handle, l i18n.Lang) {
	var code consent.OneTime
	err := s.Store.Update(ctx, func(tx *db.Tx) (err error) {
		code, err = s.door.SendCode(ctx, tx, browser, h)
		return err
	})
	if err == nil && !code.Code.IsZero() {
		to := notify.To{Channel: notify.Channel(code.Channel), Address: code.To, Lang: l, Site: s.PublicURL}
		err = s.Messages.Send(ctx, notify.HomeCode{Code: code.Code, Life: code.Life}.Message(to))
	}
	if err != nil {
		s.Log.LogAttrs(ctx, slog.LevelError, "home: a code was not sent", slog.Any("error", err))
	}
}

func (s *Server) homeTypeCode(w http.ResponseWriter, r *http.Request) error {
	return s.showDoor(w, r, codePage, nil)
}

func (s *Server) homeEnter(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.take(r); err != nil {
		return s.showDoor(w, r, codePage, err)
	}
	ctx := r.Context()
	code := pii.New(r.PostFormValue("code"))
	var secret string
	err := s.change(ctx, func(ctx context.Context, tx *db.Tx) error {
		return s.door.Waits(ctx, tx, s.browser().Kept(r, codeCookie))
	}, func(tx *db.Tx) (err error) {
		_, secret, err = s.door.Enter(ctx, tx, s.browser().Kept(r, codeCookie), s.browser().Kept(r, homeCookie), code)
		return err
	})
	if errors.Is(err, session.ErrCode) {
		return s.showDoor(w, r, codePage, err)
	}
	if err != nil {
		return err
	}
	s.welcome(w, r, codeCookie, secret)
	return nil
}

// welcome leads home whoever has just signed in, by what the used cookie was for.
func (s *Server) welcome(w http.ResponseWriter, r *http.Request, used, secret string) {
	s.browser().Keep(w, used, "", 0)
	s.browser().Keep(w, homeCookie, secret, session.Most)
	http.Redirect(w, r, at(r, "/home"), http.StatusSeeOther)
}

func (s *Server) homeOut(w http.ResponseWriter, r *http.Request) error {
	return s.leave(w, r, session.SignOut)
}

func (s *Server) homeOutEverywhere(w http.ResponseWriter, r *http.Request) error {
	return s.leave(w, r, session.SignOutEverywhere)
}

func (s *Server) leave(w http.ResponseWriter, r *http.Request, out func(context.Context, *db.Tx, session.Session) error) error {
	if err := s.act(r, out); err != nil && !errors.Is(err, session.ErrSignedOut) {
		return err
	}
	s.browser().Keep(w, homeCookie, "", 0)
	http.Redirect(w, r, at(r, "/home"), http.StatusSeeOther)
	return nil
}

// homeListPage is what guardian/home_list.html shows.
type homeListPage struct {
	Children  []homeChild
	Passkeys  bool // they can be used here
	ByPasskey bool // children that came after it aren't here
}

// A homeChild is a child as its guardian's list names it. A nickname would have to
// be decrypted for every page, and each of that is a look that is recorded; even
// its first character is a part of a value. So a child has a number here, and the
// nickname is a value like others, shown when the guardian wants it.
type homeChild struct {
	Tie      string
	Number   int
	Service  string
	Since    time.Time
	Relation string // a key
	Held     int
	Disputed bool
	Frozen   bool
	Dark     bool   // its birth date can't be read, and nothing of it is shown
	Closed   bool   // what is held isn't shown here: see ErrClosed
	Rules    string // of its service
	Ending   ending
}

// lasts is until when something can be fetched that could be until then: nothing can
// once the service has ended (Article 23).
func (c homeChild) lasts(until time.Time) time.Time {
	if c.Ending.Service != "" && c.Ending.Last.Before(until) {
		return c.Ending.Last
	}
	return until
}

func (s *Server) homeList(w http.ResponseWriter, r *http.Request) error {
	page := homeListPage{Passkeys: s.door.Site != nil}
	err := s.visit(r, func(ctx context.Context, tx *db.Tx, in session.Session) error {
		page.ByPasskey = in.Passkey != ""
		for i, tie := range in.Ties {
			child, err := s.homeChild(ctx, tx, tie, i+1, lang(r))
			if err != nil {
				return err
			}
			page.Children = append(page.Children, child)
		}
		return nil
	})
	switch {
	case errors.Is(err, session.ErrSignedOut):
		return s.showDoor(w, r, doorPage, nil)
	case err != nil:
		return err
	}
	return s.render(w, r, http.StatusOK, "guardian/home_list.html", page)
}

func (s *Server) homeChild(ctx context.Context, tx *db.Tx, tie family.Tie, number int, l i18n.Lang) (homeChild, error) {
	published, err := s.Charters.Current(ctx, tx, tie.Of.Service)
	if err != nil {
		return homeChild{}, err
	}
	end, err := s.ending(ctx, tx, tie.Of.Service, tie.Of.ID, published, l)
	if err != nil {
		return homeChild{}, err
	}
	if tie.Hidden(s.Ring, tx.Now()) {
		return closedChild(tie, number, published, end, charter.Lang(l)), nil
	}
	held, err := vault.Holdings(ctx, tx, tie.Of)
	return homeChild{
		Tie: string(tie.ID), Number: number, Service: published.Charter.Name.In(charter.Lang(l)), Since: tie.Of.CreatedAt,
		Relation: "web.mine.relation." + string(tie.Relation), Held: len(held), Frozen: tie.Of.Frozen, Ending: end,
		Disputed: tie.Of.InDispute(s.Ring, tx.Now()), Dark: tie.Dark, Rules: "/rules/" + tie.Of.Service,
	}, err
}
