// Package edge is the way of every request for a page, also of a file and of one that no route
// takes: one line in the log, one count, one span.
//
// Its one invariant: none of them has anything that was sent, whatever the page does, and be it
// that it panics.
package edge

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/base/watch"
)

// errPanic is what a panic becomes. Its value may quote anything, so it is lost.
var errPanic = errors.New("edge: panic")

// An Edge observes the requests of some pages.
type Edge struct {
	Name    string // of them, as the log and the metrics say it
	Log     *slog.Logger
	Metrics *watch.Metrics // nil: nothing is counted
	Traces  *watch.Traces  // nil: nothing is traced
}

// A Request is one that is observed, with what its line in the log says of it.
type Request struct {
	W    *visitor.Answered
	R    *http.Request
	Call string // "rq_…"
	// Actor is of which kind whoever asks is, Shows which page it was answered with, and Code
	// that of a refusal.
	Actor, Shows, Code string
	// Refuse answers with a page that says what is wrong.
	Refuse func(err error)
}

// Observe returns a handler of the route of a pattern. Does answers a request, and returns why
// it doesn't; it has set Refuse before it does anything that can fail.
func (e Edge) Observe(pattern string, does func(o *Request) error) http.Handler {
	seen := e.Metrics.Route(e.Name, pattern)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := e.Traces.Begin(r.Context(), pattern)
		if span.On() {
			r = r.WithContext(ctx)
		}
		o, began := &Request{W: &visitor.Answered{ResponseWriter: w}, R: r, Call: id.New(id.Call), Actor: "none"}, time.Now()
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler: // who was answered has gone: that has its line and its count, too
				defer panic(p)
			default:
				e.panicked(pattern, o, p)
			}
			e.end(pattern, o, time.Since(began), seen, span)
		}()
		if err := does(o); err != nil {
			e.failed(pattern, o, err)
			o.Refuse(err)
		}
	})
}

// failed notes why a request isn't answered. What is the visitor's own fault is no failure.
func (e Edge) failed(pattern string, o *Request, err error) {
	known := errs.Of(err)
	o.Code = known.Code
	if known.Kind == errs.Internal {
		e.Log.ErrorContext(o.R.Context(), e.Name+" failed", "route", pattern, "request", o.Call, "error", err)
	}
}

// panicked says where it was. The value may be a child's: only its type is told.
func (e Edge) panicked(pattern string, o *Request, value any) {
	e.Log.ErrorContext(o.R.Context(), e.Name+": panic", "route", pattern, "request", o.Call, "type", fmt.Sprintf("%T", value), "at", watch.Frames())
	o.Code = errs.Of(errPanic).Code
	if o.W.Status == 0 {
		o.Refuse(errPanic)
	}
}

// end writes the line and counts the request.
func (e Edge) end(pattern string, o *Request, took time.Duration, seen *watch.Route, span watch.Span) {
	status := o.W.Status
	if status == 0 {
		status = http.StatusOK
	}
	e.Log.InfoContext(o.R.Context(), e.Name, "route", pattern, "actor", o.Actor, "shows", o.Shows, "request", o.Call, "status", status, "code", o.Code, "took", took)
	seen.Done(status, took)
	if span.On() {
		span.Request(pattern, o.Actor, status, o.Code, o.Call)
	}
}

// Lang is the language that the visitor chose, or that the browser asks for.
func Lang(r *http.Request) i18n.Lang {
	if l := i18n.Lang(r.URL.Query().Get("lang")); slices.Contains(i18n.Langs, l) {
		return l
	}
	if header := r.Header.Get("Accept-Language"); header != "" {
		return i18n.Match(header)
	}
	return i18n.Langs[0]
}
