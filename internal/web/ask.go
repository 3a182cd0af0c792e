package web

import (
	"context"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
)

// askPage is what guardian/ask.html shows on the child's device: three ways to
// one request, as equals.
type askPage struct {
	Ask, Service, Name, Nickname string
	Link, Code, CodeAt           string // CodeAt is where the code is typed
	QR                           template.HTML
	Until                        time.Time
	Left                         string
	Sent                         bool
	Return                       string    // where the app is, or ""
	Ends                         time.Time // of the child if nobody agrees; zero: somebody has
}

// ask shows the ways into a request. Whoever sees it can open the request and
// read; to answer takes a code to the guardian's contact.
func (s *Server) ask(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.take(r); err != nil {
		return err
	}
	ctx := r.Context()
	page := askPage{Ask: r.PathValue("ask"), Sent: r.URL.Query().Has("sent")}
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		req, secrets, err := s.desk.ByAsk(ctx, tx, page.Ask)
		if err != nil {
			return err
		}
		face, err := s.face(ctx, tx, req, lang(r))
		if err != nil {
			return err
		}
		page.Service, page.Name, page.Nickname, page.Return, page.Ends = req.Service, face.name, face.nickname, face.back, face.ends
		page.Link, page.Code, page.CodeAt = s.PublicURL+"/r/"+secrets.Token, secrets.Code, s.PublicURL+"/c"
		page.Until, page.Left = req.ExpiresAt, left(lang(r), req.ExpiresAt.Sub(tx.Now()))
		return nil
	})
	if err != nil {
		return err
	}
	if page.QR, err = QR(page.Link, lang(r).T("web.ask.qr")); err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "guardian/ask.html", page)
}

// A face is what the pages of a request say of it.
type face struct {
	name, nickname, back string
	ends                 time.Time // when the child is erased if nobody agrees; zero: somebody has
}

func (s *Server) face(ctx context.Context, tx *db.Tx, req consent.Request, l i18n.Lang) (face, error) {
	now, err := s.Charters.Current(ctx, tx, req.Service)
	if err != nil {
		return face{}, err
	}
	child, err := family.Find(ctx, tx, req.Service, req.Child)
	if err != nil {
		return face{}, err
	}
	nickname, back, err := s.desk.Face(child, req)
	if err == nil {
		// Edge case 22: whoever is shown nothing isn't told what the child is called either.
		g, gone := family.FindGuardian(ctx, tx, child.ID, req.Guardian)
		if gone != nil || g.Hidden(s.Ring, tx.Now()) {
			nickname = pii.Text{}
		}
	}
	f := face{name: now.Charter.Name.In(charter.Lang(l)), nickname: nickname.Reveal(), ends: child.ExpiresAt}
	// Asked once more when it is shown: an origin that was taken off the charter
	// since leads nobody away.
	if now.Charter.Returns(back.Reveal()) {
		f.back = back.Reveal()
	}
	return f, err
}

// left says in words how long something is good.
func left(l i18n.Lang, d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return l.T("web.left.days", "N", int(d/(24*time.Hour)))
	case d >= 2*time.Hour:
		return l.T("web.left.hours", "N", int(d/time.Hour))
	case d >= 2*time.Minute:
		return l.T("web.left.minutes", "N", int(d/time.Minute))
	}
	return l.T("web.left.moment")
}

// askSend has the request sent to the guardian's contact, which the page never
// shows.
func (s *Server) askSend(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.take(r); err != nil {
		return err
	}
	ctx := r.Context()
	var m notify.Message
	err := s.change(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, _, err := s.desk.ByAsk(ctx, tx, r.PathValue("ask"))
		return err
	}, func(tx *db.Tx) error {
		req, _, err := s.desk.ByAsk(ctx, tx, r.PathValue("ask"))
		if err != nil {
			return err
		}
		req, secrets, to, _, err := s.desk.SendAgain(ctx, tx, req)
		if err != nil {
			return err
		}
		m, err = message.Invitation(ctx, tx, s.desk, s.PublicURL, req, secrets, to)
		return err
	})
	if err != nil {
		return err
	}
	// If we crash here, nothing arrives, and it can be sent again.
	if err := s.Messages.Send(ctx, m); err != nil {
		return err
	}
	http.Redirect(w, r, at(r, "/ask/{ask}", "sent"), http.StatusSeeOther)
	return nil
}

// renew sends a new link in place of one that ran out. What it answers is the
// same whether or not there is anything left to ask: whoever found an old link
// learns nothing about what became of it.
func (s *Server) renew(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.take(r); err != nil {
		return err
	}
	ctx := r.Context()
	var letters []notify.Message
	err := s.change(ctx, s.linked(r, consent.ErrExpired, consent.ErrAsked), func(tx *db.Tx) error {
		letters = nil // it may run again
		req, err := s.find(ctx, tx, r)
		if err != nil && !consent.MayRenew(err) {
			return err
		}
		renewal, err := s.desk.Renew(ctx, tx, req)
		if err != nil || renewal.Request.ID == "" {
			return err
		}
		m, err := message.Invitation(ctx, tx, s.desk, s.PublicURL, renewal.Request, renewal.Secrets, renewal.To)
		letters = append(letters, m)
		return err
	})
	if err != nil {
		return err
	}
	// Neither the time that the gateway takes, nor that it refuses, tells that there is
	// something to send. If we crash here, nothing arrives, and the old link leads on.
	for _, m := range letters {
		if !s.later.do(ctx, func(ctx context.Context) { s.sendRenewal(ctx, m) }) {
			s.Log.WarnContext(ctx, "renewal: too many links at once, one was not sent")
		}
	}
	return s.render(w, r, http.StatusOK, "guardian/renewed.html", nil)
}

func (s *Server) sendRenewal(ctx context.Context, m notify.Message) {
	if err := s.Messages.Send(ctx, m); err != nil {
		s.Log.LogAttrs(ctx, slog.LevelError, "renewal: a link was not sent", slog.Any("error", err))
	}
}
