package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/base/watch"
	"wardkeep/internal/gate"
	"wardkeep/internal/party"
)

// What can be wrong with a request before its body is read.
var (
	ErrNoRoute     = errs.New(errs.NotFound, "api.not_found")
	ErrMethod      = errs.New(errs.Kind(http.StatusMethodNotAllowed), "api.method_not_allowed")
	ErrContentType = errs.New(errs.Kind(http.StatusUnsupportedMediaType), "api.content_type")
	ErrTooLarge    = errs.New(errs.TooLarge, "api.too_large")
	ErrCutOff      = errs.New(errs.Malformed, "api.body_cut_off")
	ErrNoKey       = errs.New(errs.Unauthenticated, "api.key_missing")
	ErrScope       = errs.New(errs.Forbidden, "api.scope_missing")
	ErrService     = errs.New(errs.Forbidden, "api.other_service")
)

// errPanic is what a panic becomes. Its value may quote anything, so it is lost.
var errPanic = errors.New("api: panic")

// A call is one request: who asks, and what the edge knows of it. Handlers get
// it as an argument.
type call struct {
	id    string // "rq_…"
	route *route
	lang  i18n.Lang
	app   account.App // zero unless the route is for apps
	by    gate.Actor
	party party.Client // zero unless the route is for parties; as it was when the request was admitted: see Server.again
	body  []byte
	http  *http.Request
	w     http.ResponseWriter

	code string // of the refusal
	err  error  // of a huma handler
	span watch.Span
}

// header returns a request header.
func (c *call) header(name string) string { return c.http.Header.Get(name) }

// param returns a part of the path.
func (c *call) param(name string) string { return c.http.PathValue(name) }

// A handler answers a call, or returns why not.
type handler func(w http.ResponseWriter, r *http.Request, c *call) error

// serve is the way of every request: a number, who is it, may they, what do they
// say, an answer, one line in the log.
func (s *Server) serve(rt *route, h handler) http.HandlerFunc {
	pattern := rt.pattern()
	seen := s.Metrics.Route("api", pattern)
	return func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		ctx, span := s.Traces.Begin(r.Context(), pattern)
		if span.On() {
			r = r.WithContext(ctx)
		}
		c := &call{id: id.New(id.Call), route: rt, http: r, lang: i18n.Match(r.Header.Get("Accept-Language")), span: span}
		rec := &visitor.Answered{ResponseWriter: w}
		c.w = rec
		defer s.end(rec, c, start, seen)
		secure(rec.Header(), c)
		err := s.admit(r, rec, c, start)
		if err == nil {
			err = h(rec, r, c)
		}
		if err != nil {
			s.refuse(rec, c, err)
		}
	}
}

// secure sets what every answer carries: it is for the one who asked, and no
// page of anybody's.
func secure(h http.Header, c *call) {
	h["X-Request-Id"] = []string{c.id}
	h["Cache-Control"] = []string{"no-store"}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	h["Content-Security-Policy"] = []string{"default-src 'none'; frame-ancestors 'none'"}
	h["Referrer-Policy"] = []string{"no-referrer"}
	h["Vary"] = []string{"Accept-Language, Authorization"}
}

// end answers a panic, writes the line and counts the request.
func (s *Server) end(w *visitor.Answered, c *call, start time.Time, seen *watch.Route) {
	switch v := recover(); v {
	case nil:
	case http.ErrAbortHandler: // who was answered has gone: that has its line and its count, too
		defer panic(v)
	default:
		// The value of a panic may be a child's: only its type is told, and where.
		s.Log.LogAttrs(context.Background(), slog.LevelError, "api: panic", slog.String("route", c.route.pattern()),
			slog.String("request", c.id), slog.String("type", fmt.Sprintf("%T", v)), slog.Any("at", watch.Frames()))
		if w.Status == 0 {
			s.refuse(w, c, errPanic)
		}
	}
	actor := "none"
	switch {
	case c.app.ID != "":
		actor = "app"
	case c.party.Key.ID != "":
		actor = "party"
	case c.route.Access == forLink:
		actor = "guardian"
	}
	took := time.Since(start)
	s.Log.LogAttrs(context.Background(), slog.LevelInfo, "api", slog.String("route", c.route.pattern()), slog.String("actor", actor),
		slog.Int("status", w.Status), slog.Duration("took", took), slog.String("code", c.code), slog.String("request", c.id))
	seen.Done(w.Status, took)
	if c.span.On() {
		c.span.Request(c.route.pattern(), actor, w.Status, c.code, c.id)
	}
}

// admit finds out who asks and reads what they say.
func (s *Server) admit(r *http.Request, w http.ResponseWriter, c *call, now time.Time) error {
	if c.route.Access == forParty {
		return s.admitParty(r, w, c, now)
	}
	if err := s.known(r, w.Header(), c, now); err != nil {
		return err
	}
	return c.read(w, r)
}

// known signs an app in and counts its requests. Who isn't signed in is counted
// by address, and each wrong key with them.
func (s *Server) known(r *http.Request, h http.Header, c *call, now time.Time) error {
	stranger := func() error { return s.limits.addresses.limit(h, "address", s.limits.address(r), now) }
	if c.route.Access == forAll || c.route.Access == forLink {
		return stranger()
	}
	key, ok := bearer(r.Header.Get("Authorization"))
	if !ok {
		return errors.Join(stranger(), ErrNoKey)
	}
	app, err := s.keys.App(r.Context(), s.Store, key)
	if err != nil {
		if errs.Of(err).Kind == errs.Unauthenticated {
			return errors.Join(stranger(), err)
		}
		return err
	}
	c.app, c.by = app, gate.ByApp(app)
	if err := s.limits.keys.limit(h, "key", app.ID, now); err != nil {
		return err
	}
	// A key is for one service; whether there is another is nobody's business.
	if service := r.PathValue("service"); service != "" && service != app.Service {
		return ErrService
	}
	// Article 15: no more than the app's task needs.
	if c.route.Scope != "" && !app.May(c.route.Scope) {
		return ErrScope
	}
	return nil
}

func bearer(header string) (key string, ok bool) {
	scheme, key, ok := strings.Cut(header, " ")
	return strings.TrimSpace(key), ok && strings.EqualFold(scheme, "Bearer")
}

// read reads the body, which must be JSON of a sensible size. Routes that take
// none ignore what is sent, up to that size.
func (c *call) read(w http.ResponseWriter, r *http.Request) error {
	limit := c.route.limit()
	if r.ContentLength > limit {
		// Left unread, the rest of the body can't be told from the next request.
		w.Header().Set("Connection", "close")
		return ErrTooLarge
	}
	if !c.route.Body {
		if r.ContentLength != 0 && r.Method != http.MethodGet && r.Method != http.MethodHead {
			return c.readNothing(w, r)
		}
		return nil
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := params["charset"]; err != nil || kind != jsonType || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return ErrContentType
	}
	if r.Header.Get("Content-Encoding") != "" {
		return ErrContentType
	}
	c.body, err = readAll(w, r, limit)
	if err != nil {
		return err
	}
	if len(c.body) == 0 {
		return ErrMalformed
	}
	if c.route.hot() {
		return nil // it reads its body itself, as strictly
	}
	return strict(c.body)
}

// readNothing refuses a body where none belongs, but for an empty object.
func (c *call) readNothing(w http.ResponseWriter, r *http.Request) (err error) {
	if c.body, err = readAll(w, r, c.route.limit()); err != nil {
		return err
	}
	if text := strings.TrimSpace(string(c.body)); text != "" && text != "{}" {
		return ErrUnknownField
	}
	return nil
}

func readAll(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	size := r.ContentLength
	if size < 0 || size > limit {
		size = 512
	}
	body := make([]byte, 0, size+1)
	from := http.MaxBytesReader(w, r.Body, limit)
	for {
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case err == io.EOF:
			return body, nil
		case err != nil:
			return nil, badBody(err)
		case len(body) == cap(body):
			body = append(body, 0)[:len(body)]
		}
	}
}

// badBody keeps the cause to itself: that a caller went away is nothing to log.
func badBody(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return ErrTooLarge
	}
	return ErrCutOff
}
