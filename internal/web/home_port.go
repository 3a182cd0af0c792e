package web

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/notify"
	"wardkeep/internal/rights"
	"wardkeep/internal/session"
	"wardkeep/internal/vault"
)

// ErrNothingChosen refuses a copy that holds nothing.
var ErrNothingChosen = errs.New(errs.Invalid, "web.port_nothing_chosen")

// portCookie binds the code by which a guardian confirms to the browser that asked for it.
const portCookie = "wardkeep_port"

func (s *Server) homePorts(mux *http.ServeMux) {
	s.form(mux, "POST /home/{tie}/port", "/home/{tie}#demands", s.homePort)
	s.form(mux, "POST /home/{tie}/port/confirm", "/home/{tie}#demands", s.homePortConfirm)
	s.form(mux, "POST /home/{tie}/port/recall", "/home/{tie}#demands", s.homePortRecall)
}

// A homePort is a copy that is handed to somebody of a guardian's choice, among the demands.
type homePort struct {
	To     rights.Recipient
	State  string // a key
	At     time.Time
	Recall bool
}

// portStates returns how the copies of a child stand that are handed over, by their demand.
func (s *Server) portStates(ctx context.Context, tx *db.Tx, t family.Tie, all []rights.Request) (map[string]*homePort, error) {
	if !slices.ContainsFunc(all, func(r rights.Request) bool { return r.Kind == rights.Port }) {
		return nil, nil
	}
	ports, err := rights.PortsOf(ctx, tx, t.Child)
	if err != nil {
		return nil, err
	}
	of := make(map[string]*homePort, len(ports))
	for _, p := range ports {
		i := slices.IndexFunc(all, func(r rights.Request) bool { return r.ID == p.ID })
		if i < 0 {
			continue
		}
		h := &homePort{State: "web.port.state." + string(p.State(all[i], tx.Now())), At: p.EndedAt, Recall: p.Waits(all[i], tx.Now())}
		if h.At.IsZero() {
			h.At = all[i].FetchUntil
		}
		if h.To, err = all[i].To(s.Ring, t.Of); err != nil {
			return nil, err
		}
		of[p.ID] = h
	}
	return of, nil
}

// homePortPage is what guardian/home_port.html shows: what is about to happen, and where the
// code goes that confirms it. What was typed goes back with the form.
type homePortPage struct {
	homeChild
	To       rights.Recipient
	All      bool
	Items    []homeItem
	Unproved bool // as of a copy: no file leaves before a stronger proof
	Prove    string
	Problem  string // in words
}

// homePortMade is what guardian/home_port_made.html shows: address and code, once.
type homePortMade struct {
	homeChild
	Demanded string
	To       rights.Recipient
	Address  pii.Text
	Code     pii.Text
	Until    time.Time
	Mailed   bool // the address, to the recipient
}

// portAsked reads what a guardian chose: to whom, and which items; none is all.
func portAsked(r *http.Request) (ask rights.Demand, err error) {
	if ask.To, err = rights.ParseRecipient(pii.New(r.PostFormValue("recipient")), pii.New(r.PostFormValue("contact")), r.PostFormValue("where")); err != nil {
		return ask, err
	}
	if r.PostFormValue("all") != "" {
		return ask, nil
	}
	if ask.Items = r.PostForm["item"]; len(ask.Items) == 0 {
		return ask, ErrNothingChosen
	}
	return ask, nil
}

// homePort says what is about to happen, and sends the code that confirms it: who has the
// phone for a moment hands nothing to anybody (edge case 24).
func (s *Server) homePort(w http.ResponseWriter, r *http.Request) error {
	ask, err := portAsked(r)
	if err != nil {
		return err
	}
	if err := s.codes.take(r); err != nil {
		return err
	}
	var page homePortPage
	if err := s.visit(r, s.portPage(r, ask, &page)); err != nil {
		return s.toDoor(w, r, err)
	}
	if page.Unproved {
		return s.render(w, r, http.StatusOK, "guardian/home_port.html", page)
	}
	browser, code := id.Secret(32), consent.OneTime{}
	err = s.act(r, func(ctx context.Context, tx *db.Tx, in session.Session) error {
		t, _, err := s.openTie(r, in, tx.Now())
		if err == nil {
			code, err = s.door.Challenge(ctx, tx, in, t, browser)
		}
		return err
	})
	if err != nil {
		return s.toDoor(w, r, err)
	}
	// Seconds count, so the code goes out now, and not by a job. If we crash here no code
	// arrives, and the guardian begins again.
	m := notify.PortCode{Code: code.Code, Life: code.Life}.Message(
		notify.To{Channel: notify.Channel(code.Channel), Address: code.To, Lang: lang(r), Site: s.PublicURL})
	if err := s.Messages.Send(r.Context(), m); err != nil {
		return err
	}
	s.browser().Keep(w, portCookie, browser, consent.CodeLife)
	return s.render(w, r, http.StatusOK, "guardian/home_port.html", page)
}

// portPage fills the page that asks for the code.
func (s *Server) portPage(r *http.Request, ask rights.Demand, page *homePortPage) func(context.Context, *db.Tx, session.Session) error {
	return func(ctx context.Context, tx *db.Tx, in session.Session) error {
		t, number, err := s.openTie(r, in, tx.Now())
		if err != nil {
			return err
		}
		words, err := s.told(ctx, tx, t.Of.Service, nil, lang(r))
		if err != nil {
			return err
		}
		if words.class, err = t.Of.Class(s.Ring, tx.Now()); err != nil {
			return err
		}
		*page = homePortPage{To: ask.To, All: len(ask.Items) == 0}
		if page.homeChild, err = s.homeChild(ctx, tx, t, number, lang(r)); err != nil {
			return err
		}
		if page.Frozen || page.Disputed {
			return rights.ErrHeldBack
		}
		one, err := vault.Ported(ctx, tx, t.Of, ask.Items)
		if err != nil {
			return err
		}
		for _, h := range one.Held {
			label, _ := words.item(h.Item)
			page.Items = append(page.Items, homeItem{h.Item, label})
		}
		if len(page.Items) < max(1, len(ask.Items)) {
			return vault.ErrNotHeld
		}
		proved, err := family.FindGuardian(ctx, tx, t.Child, t.ID)
		needs, prove := words.copyNeeds()
		if page.Unproved = proved.Strength < needs; page.Unproved {
			page.Prove = prove
		}
		return err
	}
}

// homePortConfirm takes the demand, if the code is right, and shows address and code, once.
func (s *Server) homePortConfirm(w http.ResponseWriter, r *http.Request) error {
	ask, err := portAsked(r)
	if err != nil {
		return err
	}
	var made homePortMade
	err = s.act(r, func(ctx context.Context, tx *db.Tx, in session.Session) error {
		t, number, err := s.openTie(r, in, tx.Now())
		if err != nil {
			return err
		}
		if err := s.door.Confirm(ctx, tx, in, s.browser().Kept(r, portCookie), pii.New(r.PostFormValue("code"))); err != nil {
			return err
		}
		made = homePortMade{To: ask.To}
		if made.homeChild, err = s.homeChild(ctx, tx, t, number, lang(r)); err != nil {
			return err
		}
		demand, secrets, err := s.Vault.DemandPort(ctx, tx, s.rights, t.Guardian, t.Of, ask)
		made.Demanded, made.Until, made.Code = demand.Number, made.lasts(demand.FetchUntil), secrets.Code
		made.Address = pii.New(portAddress(s.PublicURL, lang(r), secrets.Address))
		return err
	})
	switch {
	case errs.Of(err).Is(session.ErrCode):
		var page homePortPage
		if err := s.visit(r, s.portPage(r, ask, &page)); err != nil {
			return s.toDoor(w, r, err)
		}
		page.Problem = lang(r).T(session.ErrCode.Code)
		return s.render(w, r, int(session.ErrCode.Kind), "guardian/home_port.html", page)
	case err != nil:
		return s.toDoor(w, r, err)
	}
	s.browser().Keep(w, portCookie, "", 0)
	made.Mailed = s.mailAddress(r.Context(), made, lang(r))
	return s.render(w, r, http.StatusOK, "guardian/home_port_made.html", made)
}

// portAddress is where a copy is fetched. What opens it stands behind the #, which no browser
// sends: so it is in no log of ours, nor of who stands between.
func portAddress(site string, l i18n.Lang, secret pii.Text) string {
	return site + "/port" + inLang(l) + "#" + secret.Reveal()
}

// mailAddress writes to the recipient where the copy waits, if it has named an e-mail address.
// The address is kept nowhere, so this is done once, now: if we crash before it, or no mail
// goes out, the guardian has it on the screen and passes it on.
func (s *Server) mailAddress(ctx context.Context, made homePortMade, l i18n.Lang) bool {
	if !made.To.IsEmail() || !s.Messages.Has(notify.Email) {
		return false
	}
	m := notify.PortAddress{Link: made.Address, Until: made.Until}.
		Message(notify.To{Channel: notify.Email, Address: made.To.Contact, Lang: l, Site: s.PublicURL})
	m.ID = id.New(id.Call)
	err := s.Messages.Send(ctx, m)
	if err != nil {
		s.Log.LogAttrs(ctx, slog.LevelError, "home: the address of a copy was not sent", slog.Any("error", err))
	}
	return err == nil
}

// homePortRecall ends a copy that nobody has fetched yet.
func (s *Server) homePortRecall(w http.ResponseWriter, r *http.Request) error {
	request := r.PostFormValue("request")
	err := s.act(r, func(ctx context.Context, tx *db.Tx, in session.Session) error {
		t, _, err := tie(r, in)
		if err != nil {
			return err
		}
		asked, err := rights.Find(ctx, tx, t.Of.Service, request)
		if err == nil && asked.Child != t.Child {
			err = rights.ErrNotFound
		}
		if err == nil {
			_, _, err = s.rights.Recall(ctx, tx, t.Guardian, asked)
		}
		return err
	})
	return s.toDemands(w, r, err)
}
