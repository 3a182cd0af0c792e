package api

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"time"

	"github.com/skip2/go-qrcode"

	"wardkeep/client"
	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
)

// deliver sends a message, if there is one, after the commit. If we crash before
// it, nothing was sent, and the request can be sent again.
func (s *Server) deliver(ctx context.Context, m notify.Message) error {
	if m.Channel == "" {
		return nil
	}
	return s.Messages.Send(ctx, m)
}

// undelivered returns err as the refusal of a gateway behind this server (502),
// unless it is about the message itself.
func undelivered(err error) error {
	e := errs.Of(err)
	if e.Kind == errs.Invalid || e.Kind == errs.Internal {
		return err
	}
	return &errs.Error{Kind: errs.Kind(http.StatusBadGateway), Code: e.Code, Field: e.Field}
}

// link is the page of a request.
func (s *Server) link(secrets consent.Secrets) string { return s.PublicURL + "/r/" + secrets.Token }

func (s *Server) requestView(r consent.Request) wardkeep.ConsentRequest {
	return wardkeep.ConsentRequest{
		ID: r.ID, Child: string(r.Child), Guardian: string(r.Guardian), Charter: r.Charter, Purposes: r.Purposes,
		Channel: string(r.Channel), Locale: r.Locale, State: string(r.State), Sends: r.Sends,
		CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt, SentAt: r.SentAt, VerifiedAt: r.VerifiedAt, AnsweredAt: r.AnsweredAt,
	}
}

type askInput struct{ Body wardkeep.Asking }

// ask makes a request and, for SMS and e-mail, sends it. A message that can't be
// sent is told; the request stands, and can be sent again.
func ask(s *Server, ctx context.Context, c *call, in *askInput) (answer[wardkeep.ConsentRequest], error) {
	a := in.Body
	asking := consent.Asking{
		Minor: a.Answers == "minor", Guardian: family.GuardianID(a.Guardian), Purposes: a.Purposes, Channel: consent.Channel(a.Channel), Locale: a.Locale,
		Payload: pii.New(a.ExternalPayload), ReturnURL: pii.New(a.ReturnURL), Nickname: pii.New(a.Nickname), TTL: time.Duration(a.TTLSeconds) * time.Second,
	}
	if asking.Minor && a.Guardian != "" {
		return answer[wardkeep.ConsentRequest]{}, consent.ErrWho.At("guardian")
	}
	var letter notify.Message
	out, err := change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.ConsentRequest], err error) {
		letter = notify.Message{}
		id, err := s.childID(ctx, tx, c.app.Service, a.Child)
		if err != nil {
			return out, at(err, "child")
		}
		child, err := family.Find(ctx, tx, c.app.Service, id)
		if err != nil {
			return out, at(err, "child")
		}
		r, secrets, entry, err := s.desk.Ask(ctx, tx, c.app, child, asking)
		if err != nil {
			return out, err
		}
		if r.Channel != consent.Link {
			// The message has secrets of its own; those of the answer stay good.
			var more consent.Secrets
			var to consent.Contact
			if r, more, to, _, err = s.desk.Send(ctx, tx, c.app, r); err != nil {
				return out, err
			}
			if letter, err = message.Invitation(ctx, tx, s.desk, s.PublicURL, r, more, to); err != nil {
				return out, err
			}
		}
		out.Entry, out.Body = entry, s.requestView(r)
		out.Body.URL, out.Body.Code = s.link(secrets), secrets.Code
		if !asking.Minor { // there is nobody else to show it to
			out.Body.AskURL = s.PublicURL + "/ask/" + secrets.Ask
		}
		out.Body.QR, err = qr(out.Body.URL)
		return out, err
	})
	if err != nil || out.kept != nil {
		return out, err // what was answered before was sent before
	}
	if err := s.deliver(ctx, letter); err != nil {
		e := errs.Of(err)
		if e.Kind == errs.Internal {
			s.internal(c, err)
		}
		out.Body.Undelivered = &wardkeep.Undelivered{Code: e.Code, Detail: c.lang.T(e.Code)}
		kept, err := out.keep(c)
		if err != nil {
			return out, err
		}
		return out, s.correct(ctx, c, c.app.ID, kept)
	}
	return out, nil
}

// qr returns a QR code as a data: URL.
func qr(url string) (string, error) {
	png, err := qrcode.Encode(url, qrcode.Medium, -4)
	if err != nil {
		return "", errors.New("api: the link doesn't fit a QR code") // err may quote it
	}
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(png), nil
}

func getRequest(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.ConsentRequest], error) {
	var out answer[wardkeep.ConsentRequest]
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		r, err := consent.ByID(ctx, tx, c.app.Service, c.param("request"))
		if err != nil {
			return err
		}
		child, err := family.Find(ctx, tx, r.Service, r.Child)
		if err != nil {
			return err
		}
		payload, back, err := s.desk.Payload(child, r)
		out.Body = s.requestView(r)
		out.Body.ExternalPayload, out.Body.ReturnURL = payload.Reveal(), back.Reveal()
		return err
	})
	return out, err
}

// sendRequest sends a request again, with a new link.
func sendRequest(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.ConsentRequest], error) {
	var letter notify.Message
	out, err := change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.ConsentRequest], err error) {
		r, err := consent.ByID(ctx, tx, c.app.Service, c.param("request"))
		if err != nil {
			return out, err
		}
		r, secrets, to, entry, err := s.desk.Send(ctx, tx, c.app, r)
		if err != nil {
			return out, err
		}
		out.Body, out.Entry = s.requestView(r), entry
		letter, err = message.Invitation(ctx, tx, s.desk, s.PublicURL, r, secrets, to)
		return out, err
	})
	if err != nil || out.kept != nil {
		return out, err
	}
	return out, s.sent(ctx, c, c.app.ID, letter)
}

// sent delivers a message whose failure is the answer. It is kept in place of
// the good one, so that a repeated request doesn't learn of a success that wasn't.
func (s *Server) sent(ctx context.Context, c *call, name string, letter notify.Message) error {
	err := s.deliver(ctx, letter)
	if err == nil {
		return nil
	}
	err = undelivered(err)
	kept := account.Answer{Status: int(errs.Of(err).Kind), Body: problemBody(problem(c.lang, c.id, err))}
	if failed := s.correct(ctx, c, name, kept); failed != nil {
		return failed
	}
	return err
}

// showCode makes a code that the operator's app shows to the minor who is asked (edge
// case 4).
func showCode(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.MinorsCode], error) {
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.MinorsCode], err error) {
		r, err := consent.ByID(ctx, tx, c.app.Service, c.param("request"))
		if err != nil {
			return out, err
		}
		code, err := s.desk.ShowCode(ctx, tx, c.app, r)
		out.Body = wardkeep.MinorsCode{Code: code.Code.Reveal(), LifeSeconds: int64(code.Life / time.Second)}
		return out, err
	})
}

func cancelRequest(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.ConsentRequest], error) {
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.ConsentRequest], err error) {
		r, err := consent.ByID(ctx, tx, c.app.Service, c.param("request"))
		if err != nil {
			return out, err
		}
		r, out.Entry, err = consent.Cancel(ctx, tx, c.app, r)
		out.Body = s.requestView(r)
		return out, err
	})
}

type forceInput struct{ Body wardkeep.Outcome }

// forceRequest plays the guardian of a test service.
func forceRequest(s *Server, ctx context.Context, c *call, in *forceInput) (answer[wardkeep.ConsentRequest], error) {
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.ConsentRequest], err error) {
		r, err := consent.ByID(ctx, tx, c.app.Service, c.param("request"))
		if err != nil {
			return out, err
		}
		strength := max(family.Strength(in.Body.Strength), family.OneTimeCode) // 0: left out
		r, given, err := s.desk.ForceAt(ctx, tx, c.app, r, consent.Outcome(in.Body.Outcome), strength)
		if err != nil {
			return out, err
		}
		if len(given) > 0 {
			out.Entry = given[len(given)-1].Entry
		}
		out.Body = s.requestView(r)
		_, err = s.Vault.EraseUnfounded(ctx, tx, c.app.Ledger(), r.Service, r.Child)
		return out, err
	})
}
