package watch

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// A Span is a piece of work that is traced. The zero Span does nothing.
type Span struct{ span trace.Span }

// On reports whether anybody will see the span: what it is told needs to be made
// only then.
func (s Span) On() bool { return s.span != nil }

// Set tells something of the work.
func (s Span) Set(facts ...attribute.KeyValue) {
	if s.span != nil {
		s.span.SetAttributes(facts...)
	}
}

// Fail marks the work as failed, by a code and never by the text of an error,
// which may quote anything.
func (s Span) Fail(code string) {
	if s.span != nil {
		s.span.SetStatus(codes.Error, code)
	}
}

// Request tells of a request what its line in the log does, and ends its span.
func (s Span) Request(pattern, actor string, status int, code, request string) {
	if s.span == nil {
		return
	}
	method, route, ok := strings.Cut(pattern, " ")
	if !ok {
		method, route = "*", "*"
	}
	s.span.SetName(method + " " + route)
	s.Set(attribute.String("http.request.method", method), attribute.String("http.route", route), attribute.Int("http.response.status_code", status),
		attribute.String("wardkeep.actor", actor), attribute.String("wardkeep.code", code), attribute.String("wardkeep.request", request))
	if status >= 500 {
		s.Fail(code)
	}
	s.End()
}

// Decision tells what a decision of the gate was.
func (s Span) Decision(codes []string) {
	s.Set(attribute.Bool("wardkeep.permitted", len(codes) == 0), attribute.StringSlice("wardkeep.reasons", codes))
}

// End ends the work.
func (s Span) End() {
	if s.span != nil {
		s.span.End()
	}
}

// In returns ctx with the span in it, so that what begins there is a part of it.
func (s Span) In(ctx context.Context) context.Context {
	if s.span == nil {
		return ctx
	}
	return trace.ContextWithSpan(ctx, s.span)
}

// Start begins a part of what ctx is in. Where nothing is traced it costs one
// look into ctx.
func Start(ctx context.Context, name string) Span {
	outer := trace.SpanFromContext(ctx)
	if !outer.IsRecording() {
		return Span{}
	}
	_, s := outer.TracerProvider().Tracer(scope).Start(ctx, name)
	return Span{s}
}

// scope names who makes the spans.
const scope = "wardkeep"
