package watch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// ErrEndpoint says that an address can't be where traces go.
var ErrEndpoint = errors.New("traces: the endpoint must be an http or https URL without a user, a query or a fragment")

// Traces make the spans of requests and jobs, and send them. A nil *Traces makes
// none.
type Traces struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// OpenTraces sends spans to a collector that speaks OTLP over HTTP, in batches and
// beside the work: one that is slow or away costs spans, never an answer. Endpoint is
// its base, to which /v1/traces is added; headers are sent with each batch. How many
// traces are kept is for the standard OTEL_TRACES_SAMPLER to say, all by default.
// It connects to nobody yet.
func OpenTraces(ctx context.Context, endpoint string, headers map[string]string) (*Traces, error) {
	to, err := Endpoint(endpoint)
	if err != nil {
		return nil, err
	}
	exporter, err := otlptrace.New(ctx, &collector{url: to, headers: headers, client: &http.Client{
		Timeout: sendTime,
		// Spans go where the operator said, and nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}})
	if err != nil {
		return nil, err
	}
	version, _ := Version()
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", scope), attribute.String("service.version", version)),
		resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("traces: OTEL_RESOURCE_ATTRIBUTES can't be read") // err quotes it
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about))
	return &Traces{provider: provider, tracer: provider.Tracer(scope)}, nil
}

// Endpoint returns where traces are sent for a base. Errors: ErrEndpoint.
func Endpoint(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", ErrEndpoint
	}
	return strings.TrimRight(base, "/") + "/v1/traces", nil
}

// Begin begins a trace. What a caller says of a trace of its own is not listened to: a
// stranger chooses neither what is kept nor under which number.
func (t *Traces) Begin(ctx context.Context, name string) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	ctx, s := t.tracer.Start(ctx, name, trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindServer))
	if !s.IsRecording() { // it is one of those that aren't kept
		return ctx, Span{}
	}
	return ctx, Span{s}
}

// Close sends what is left.
func (t *Traces) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// sendTime bounds the sending of a batch.
const sendTime = 10 * time.Second

// A collector takes batches of spans over HTTP. The exporter's own client would bring
// gRPC along, which nothing here speaks (docs/dependencies.md).
type collector struct {
	url     string
	headers map[string]string
	client  *http.Client
}

// Start connects to nobody.
func (*collector) Start(context.Context) error { return nil }

// Stop lets go of the connections.
func (c *collector) Stop(context.Context) error {
	c.client.CloseIdleConnections()
	return nil
}

// UploadTraces posts a batch. TracesData is on the wire what the request of the
// protocol is, field for field.
func (c *collector) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return errors.New("traces: a batch can't be written") // err may quote it
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	for name, value := range c.headers {
		r.Header.Set(name, value)
	}
	answer, err := c.client.Do(r)
	if err != nil {
		return errors.New("traces: the collector can't be reached")
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)); err != nil {
		return errors.New("traces: the collector broke off")
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("traces: the collector answered %d", answer.StatusCode)
	}
	return nil
}
