package watch_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/watch"
)

func scrape(t *testing.T, m *watch.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestMetrics_CountByClass(t *testing.T) {
	m := watch.New()
	r := m.Route("web", "GET /home/{tie}")
	for _, status := range []int{200, 303, 404, 500, 0, 999, -1} {
		r.Done(status, time.Millisecond)
	}
	m.Route("web", "elsewhere").Done(403, time.Second)
	m.Decided("use", nil)
	m.Decided("use", []string{"gate.frozen", "gate.disputed"})
	m.Ran("job", time.Second, nil)
	m.Ran("job", time.Second, context.Canceled)
	m.Sent("sms", "taken")
	text := scrape(t, m)
	for _, line := range []string{
		`wardkeep_http_requests_total{class="2xx",edge="web",method="GET",route="/home/{tie}"} 4`,
		`wardkeep_http_requests_total{class="5xx",edge="web",method="GET",route="/home/{tie}"} 1`,
		`wardkeep_http_requests_total{class="4xx",edge="web",method="*",route="*"} 1`,
		`wardkeep_http_request_duration_seconds_count{edge="web",method="GET",route="/home/{tie}"} 7`,
		`wardkeep_gate_decisions_total{about="access",decision="denied"} 0`,
		`wardkeep_gate_decisions_total{about="use",decision="permitted"} 1`,
		`wardkeep_gate_denials_total{code="gate.disputed"} 1`,
		`wardkeep_job_failures_total{task="job"} 1`, `wardkeep_job_duration_seconds_count{task="job"} 2`,
		`wardkeep_messages_total{channel="sms",outcome="taken"} 1`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	for _, name := range []string{"go_goroutines", "process_resident_memory_bytes", "wardkeep_build_info{"} {
		if !strings.Contains(text, "\n"+name) {
			t.Errorf("no %s", name)
		}
	}
}

// Where nothing is configured, nothing is counted and nothing is traced, and nobody has to
// ask whether it is.
func TestOff_CostsNothing(t *testing.T) {
	var m *watch.Metrics
	var traces *watch.Traces
	r := m.Route("web", "GET /")
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		r.Done(200, time.Second)
		m.Decided("use", nil)
		m.Ran("job", time.Second, nil)
		m.Sent("sms", "taken")
		m.Ready("store", true)
		_, span := traces.Begin(ctx, "name")
		span.Request("GET /", "none", 200, "", "")
		span.End()
		inner := watch.Start(ctx, "inner")
		inner.Fail("code")
		inner.End()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if traces.Close(ctx) != nil {
		t.Error("it can't be closed")
	}
}

func BenchmarkOff(b *testing.B) {
	ctx := b.Context()
	for b.Loop() {
		watch.Start(ctx, "name").End()
	}
}

func BenchmarkCounted(b *testing.B) {
	m := watch.New()
	r := m.Route("web", "GET /")
	for b.Loop() {
		r.Done(200, time.Millisecond)
		m.Decided("use", nil)
	}
}

func TestEndpoint(t *testing.T) {
	for base, want := range map[string]string{
		"http://127.0.0.1:4318":             "http://127.0.0.1:4318/v1/traces",
		"https://otel.example/base/":        "https://otel.example/base/v1/traces",
		"127.0.0.1:4318":                    "",
		"grpc://127.0.0.1:4317":             "",
		"http://user:word@otel.example":     "",
		"http://otel.example/?token=secret": "",
		"":                                  "",
	} {
		if got, err := watch.Endpoint(base); got != want || (err != nil) != (want == "") {
			t.Errorf("%s: %q, %v", base, got, err)
		}
	}
}
