package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"wardkeep/internal/base/id"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/base/watch"
)

// errPanic is what a panic becomes. Its value may quote anything, so it is lost.
var errPanic = errors.New("web: panic")

// An answer remembers what the log says of a request: one route may show several
// pages, and the log tells them apart.
type answer struct {
	visitor.Answered
	began time.Time
	call  string // "rq_…"
	route string // "*" for what no route takes
	page  string
	code  string // of the refusal
	seen  *watch.Route
	span  watch.Span
}

// is says by which route the request came.
func (a *answer) is(route string, seen *watch.Route) { a.route, a.seen = route, seen }

// observed is the way of every request, also of one that no route takes, of a file and
// of what is refused before it comes to a page: one line in the log, and one count.
// Neither has anything that was sent.
func (s *Server) observed(next http.Handler) http.Handler {
	nowhere := s.Metrics.Route("web", "*")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := s.Traces.Begin(r.Context(), "web")
		if span.On() {
			r = r.WithContext(ctx)
		}
		a := &answer{Answered: visitor.Answered{ResponseWriter: w}, began: time.Now(), call: id.New(id.Call), route: "*", seen: nowhere, span: span}
		defer s.end(a, r)
		next.ServeHTTP(a, r)
	})
}

// end answers a panic, writes the line and counts the request.
func (s *Server) end(a *answer, r *http.Request) {
	switch v := recover(); v {
	case nil:
	case http.ErrAbortHandler: // who was answered has gone: that has its line and its count, too
		defer panic(v)
	default:
		// The value of a panic may be a child's: only its type is told, and where.
		s.Log.LogAttrs(context.Background(), slog.LevelError, "page: panic", slog.String("route", a.route),
			slog.String("request", a.call), slog.String("type", fmt.Sprintf("%T", v)), slog.Any("at", watch.Frames()))
		if a.Status == 0 {
			s.refuse(a, r, a.route, errPanic, a.call)
		}
	}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	actor, took := actorOf(a.route), time.Since(a.began)
	s.Log.LogAttrs(context.Background(), slog.LevelInfo, "page", slog.String("route", a.route), slog.String("actor", actor), slog.String("shows", a.page),
		slog.String("request", a.call), slog.Int("status", a.Status), slog.String("code", a.code), slog.Duration("took", took))
	a.seen.Done(a.Status, took)
	if a.span.On() {
		a.span.Request(a.route, actor, a.Status, a.code, a.call)
	}
}

// actorOf is for whom a page is made. Whether whoever asks is that one, the answer says.
func actorOf(pattern string) string {
	_, path, _ := strings.Cut(pattern, " ")
	switch first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/"); first {
	case "r", "home", "certificate":
		return "guardian"
	case "ask":
		return "child"
	}
	return "none"
}
