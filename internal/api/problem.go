package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"wardkeep/client"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/gate"
	"wardkeep/internal/signature"
)

// problem is the one place where an error becomes an answer (RFC 9457).
func problem(lang i18n.Lang, call string, err error) *wardkeep.Problem {
	e := errs.Of(err)
	p := &wardkeep.Problem{
		Type: "/docs#" + e.Code, Title: lang.T(titleKey(int(e.Kind))), Status: int(e.Kind), Code: e.Code,
		Detail: lang.T(e.Code), Field: e.Field, RequestID: call,
	}
	if d, ok := errors.AsType[*gate.Denied](err); ok {
		p.Reasons = reasons(lang, d.Reasons)
	}
	if u, ok := errors.AsType[*unwell](err); ok {
		p.Checks = u.checks
	}
	if o, ok := errors.AsType[*signature.Off](err); ok {
		p.Detail = lang.T(e.Code, "Seconds", o.Seconds)
	}
	return p
}

// titleKey is the key of the words for a status. A status without words of its
// own is spoken of like the one that begins its class (RFC 9110, section 15).
func titleKey(status int) string {
	switch status {
	case 400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422, 429, 502, 503, 507:
		return "api.status." + strconv.Itoa(status)
	}
	if status < 500 {
		return "api.status.400"
	}
	return "api.status.500"
}

// reasons puts every denial into words.
func reasons(lang i18n.Lang, denials []gate.Denial) []wardkeep.Reason {
	if len(denials) == 0 {
		return nil
	}
	all := make([]wardkeep.Reason, len(denials))
	for i, d := range denials {
		all[i] = wardkeep.Reason{Code: d.Code, Article: d.Article, Item: d.Item, Detail: lang.T(d.Code), Remedy: lang.T(d.Code + ".remedy")}
	}
	return all
}

// problemBody is a problem as it travels.
func problemBody(p *wardkeep.Problem) []byte {
	b, err := json.Marshal(p)
	if err != nil {
		return []byte(`{"code":"internal"}`) // texts and numbers always marshal
	}
	return b
}

// refuse answers err. What isn't a refusal is logged, and the caller learns only
// the number to ask for.
func (s *Server) refuse(w http.ResponseWriter, c *call, err error) {
	e := errs.Of(err)
	c.code = e.Code
	if e.Kind == errs.Internal {
		s.internal(c, err)
	}
	h := w.Header()
	switch e.Kind {
	case errs.Unauthenticated:
		if c.route.Access == forParty {
			h.Set("WWW-Authenticate", `Signature realm="wardkeep"`)
			h.Set("Accept-Signature", c.wanted())
		} else {
			h.Set("WWW-Authenticate", `Bearer realm="wardkeep"`)
		}
	case errs.TooMany, errs.Unavailable:
		if h.Get("Retry-After") == "" {
			h.Set("Retry-After", strconv.Itoa(retryAfter(e)))
		}
	}
	send(w, int(e.Kind), problemType, problemBody(problem(c.lang, c.id, err)))
}

// internal logs what the caller isn't told.
func (s *Server) internal(c *call, err error) {
	s.Log.LogAttrs(context.Background(), slog.LevelError, "api: internal", slog.String("route", c.route.pattern()),
		slog.String("request", c.id), slog.Any("error", err))
}

// retryAfter is a sensible time to wait, in seconds: codes and messages are
// limited by the hour, everything else by the second.
func retryAfter(e *errs.Error) int {
	switch e.Code {
	case "consent.code_too_many", "consent.code_locked":
		return 600
	case "consent.sent_too_often", "consent.too_many_open":
		return 60
	}
	return 1
}

const (
	jsonType    = "application/json"
	problemType = "application/problem+json"
)

func send(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	if body != nil {
		h["Content-Type"] = []string{contentType}
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(status)
	w.Write(body) // a caller who has gone away is nobody to tell
}
