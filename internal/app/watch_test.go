package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
)

// A watched is a whole server, jobs and sequencer included, that somebody watches.
type watched struct {
	t        *testing.T
	in       *apptest.Installation
	app      *app.App
	base     string
	numbers  http.Handler
	canaries []apptest.Canary
}

func watch(t *testing.T, in *apptest.Installation) *watched {
	t.Helper()
	in.Config.Metrics.Listen = "127.0.0.1:0"
	a := in.Open(apptest.Discard())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	w := &watched{t: t, in: in, app: a, base: "http://" + l.Addr().String()}
	if w.numbers, err = a.Operators(); err != nil {
		t.Fatal(err)
	}
	go func() { ended <- a.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return w
}

// live has a family live through what is counted: a registration, answers, values, a use
// that is permitted and one that is denied.
func (w *watched) live() {
	w.t.Helper()
	ctx := w.t.Context()
	child := apptest.NewChild()
	child.Guardian.Name = "Kanarienvogel" + apptest.NewPhoneNumber()
	_, proof, r := answers(w.t, w.in, w.base, child, w.in.Phone.Code)
	c := w.in.Client(w.base)
	const nickname = "金丝雀小鸟鸟"
	if _, err := c.Collect(ctx, wardkeep.Ref(child.Ref), "", wardkeep.Collection{Purpose: "course-progress", Values: map[string]string{"nickname": nickname}}); err != nil {
		w.t.Fatal(err)
	}
	if _, err := c.Read(ctx, wardkeep.Ref(child.Ref), wardkeep.Reading{Purpose: "course-progress", Items: []string{"nickname"}}); err != nil {
		w.t.Fatal(err)
	}
	if _, err := c.Read(ctx, wardkeep.Ref(child.Ref), wardkeep.Reading{Purpose: "class-ranking", Items: []string{"nickname"}}); !errors.Is(err, wardkeep.ErrDenied) {
		w.t.Fatal(err)
	}
	w.canaries = append(w.canaries, apptest.Canary{Name: "reference", Value: child.Ref}, apptest.Canary{Name: "phone", Value: child.Guardian.Phone},
		apptest.Canary{Name: "name", Value: child.Guardian.Name}, apptest.Canary{Name: "birth date", Value: child.BirthDate},
		apptest.Canary{Name: "nickname", Value: nickname}, apptest.Canary{Name: "app key", Value: w.in.Key}, apptest.Canary{Name: "link", Value: apptest.Token(r)},
		apptest.Canary{Name: "proof", Value: proof}, apptest.Canary{Name: "child", Value: r.Child}, apptest.Canary{Name: "request", Value: r.ID})
}

// scrape returns what Prometheus is answered.
func (w *watched) scrape() string {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.numbers.ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	if rec.Code != http.StatusOK {
		w.t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	return rec.Body.String()
}

// until scrapes until each of the lines is there.
func (w *watched) until(lines ...string) string {
	w.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		text := w.scrape()
		i := slices.IndexFunc(lines, func(line string) bool { return !strings.Contains(text, "\n"+line) })
		if i < 0 {
			return text
		}
		if time.Now().After(end) {
			w.t.Fatalf("no line %s, but\n%s", lines[i], strings.Join(regexp.MustCompile("(?m)^wardkeep_(store_up|ledger|messages|gate|sweep|job_failures).*").FindAllString(text, -1), "\n"))
		}
	}
}

func (w *watched) names(what string, b []byte) {
	w.t.Helper()
	for _, c := range w.canaries {
		if form := c.In(b); form != "" {
			w.t.Errorf("%s has the %s, as %s", what, c.Name, form)
		}
	}
}

// series returns the names and labels of all time series.
func series(text string) map[string]bool {
	all := make(map[string]bool)
	for line := range strings.Lines(text) {
		if i := strings.LastIndexByte(line, ' '); i > 0 && line[0] != '#' {
			all[line[:i]] = true
		}
	}
	return all
}

// Invariant 9: whatever strangers send, and whoever is lived with here, the numbers have
// the labels that the program has, and no more.
func TestInvariant9_MetricsHaveNoLabelOfAnybody(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		w := watch(t, in)
		w.live()
		h := w.app.Handler()
		before := w.until(`wardkeep_messages_total{channel="sms",outcome="taken"} 3`, "wardkeep_ledger_pending 0", "wardkeep_ledger_leader 1", "wardkeep_store_up 1",
			`wardkeep_jobs_waiting{queue="messages"} 0`, `wardkeep_job_duration_seconds_count{task="message.send"}`, `wardkeep_job_duration_seconds_count{task="access.count"}`,
			`wardkeep_job_duration_seconds_count{task="cessation.round"}`, `wardkeep_job_duration_seconds_count{task="retention.sweep"}`, `wardkeep_sweep_age_seconds `,
			`wardkeep_ready{check="store"} 1`, `wardkeep_ready{check="keys"} 1`, `wardkeep_ready{check="ledger"} 1`, // though nobody asks /readyz
			`wardkeep_gate_decisions_total{about="use",decision="denied"} 1`, `wardkeep_gate_denials_total{code="gate.consent_refused"} 1`,
			`wardkeep_http_requests_total{class="2xx",edge="api",method="POST",route="/v1/services/{service}/children/{child}/items:read"} 1`)
		known := series(before)

		const canary = "Kanarienvogel-王小明-13812345678"
		w.canaries = append(w.canaries, apptest.Canary{Name: "what a stranger sent", Value: canary}, apptest.Canary{Name: "a part of it", Value: "13812345678"})
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "BREW", strings.Repeat("A", 200), "KANARIENVOGEL"} {
			for _, path := range []string{"/" + canary, "/v1/" + canary, "/v1//" + canary, "//" + canary, "/r/" + canary, "/home/" + canary + "/x", "/v1/services/" + canary + "/children/" + canary + "/items:read",
				"/v1/services/" + apptest.Service + "/children/" + canary + ":" + canary, "/static/" + canary, "/livez", "/readyz", "/readyz/" + canary, "/metrics", "/rules/" + canary, "/c"} {
				r := httptest.NewRequest("GET", "/", strings.NewReader(`{"`+canary+`":1}`))
				r.Method, r.URL.Path, r.URL.RawQuery, r.Host = method, path, "lang="+canary, canary+".example"
				r.Header = http.Header{"Authorization": {"Bearer " + canary}, "Referer": {canary}, "User-Agent": {canary}, "Origin": {"https://" + canary},
					"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, "X-Forwarded-For": {canary}, "Content-Type": {canary}, "Accept-Language": {canary}}
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		}
		if _, err := in.Client(w.base).Decide(t.Context(), wardkeep.Check{Child: canary, Activity: canary, Purpose: canary, Items: []string{canary}}); err == nil {
			t.Error("a canary is decided about")
		}
		after := w.scrape()
		for s := range series(after) {
			if !known[s] {
				t.Errorf("a stranger made %s", s)
			}
		}
		w.names("the metrics", []byte(after))
		// Each route has 20: its classes of answers and its spans of time. The rest doesn't grow with them.
		routes := strings.Count(before, `wardkeep_http_requests_total{class="2xx"`)
		if rest := len(known) - 20*routes; routes == 0 || rest < 0 || rest > 400 {
			t.Errorf("%d time series of %d routes, %d others", len(known), routes, rest)
		}
		if !regexp.MustCompile(`wardkeep_http_requests_total\{class="4xx",edge="api",method="\*",route="\*"\} [1-9]`).MatchString(after) {
			t.Error("what no route takes isn't counted")
		}
		// Of another service's, an id, a number: nothing that looks like one either.
		for _, m := range regexp.MustCompile(`="([^"]*)"`).FindAllStringSubmatch(after, -1) {
			if regexp.MustCompile(`\b(ch|gu|cr|co|rq|le|we|ve|st|pk)_[0-9a-z]{8,}|[0-9]{7,}`).MatchString(m[1]) && !regexp.MustCompile(`^[0-9a-f]{40}$`).MatchString(m[1]) {
				t.Errorf("a label is %s", m[1])
			}
		}
	})
}

// What is undone isn't counted, and what is committed is counted once.
func TestMetrics_CountWhatIsCommitted(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		w := watch(t, in)
		fail := errors.New("undone")
		for i := range 3 {
			err := w.app.Store.Update(t.Context(), func(tx *db.Tx) error {
				tx.Announce(app.Decided("gate.frozen", "gate.from_a_later_release"))
				if i > 0 {
					return fail
				}
				return nil
			})
			if (err == nil) != (i == 0) {
				t.Fatal(err)
			}
		}
		text := w.scrape()
		for _, line := range []string{`wardkeep_gate_decisions_total{about="use",decision="denied"} 1`, `wardkeep_gate_denials_total{code="gate.frozen"} 1`, `wardkeep_gate_denials_total{code="other"} 1`} {
			if !strings.Contains(text, "\n"+line+"\n") {
				t.Errorf("no line %s", line)
			}
		}
	})
}

// Who isn't an operator reads nothing: not at the address of guardians and apps, and at the
// operators' not without the token.
func TestMetrics_AreForOperators(t *testing.T) {
	in := apptest.New(t, "")
	token := strings.Repeat("k", 32)
	in.Config.Metrics = app.Metrics{Listen: "0.0.0.0:9464", TokenFile: filepath.Join(in.Dir, "token")}
	if err := os.WriteFile(in.Config.Metrics.TokenFile, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := in.Open(apptest.Discard())
	h, err := a.Operators()
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]int{"": 401, "Bearer": 401, "Bearer ": 401, "Bearer " + token[1:]: 401, token: 401, "Basic " + token: 401, "Bearer " + token: 200, "bearer " + token: 200} {
		for path, there := range map[string]bool{"/metrics": true, "/": false, "/v1/health": false, "/debug/pprof/": false, "/metrics/x": false} {
			r := httptest.NewRequest("GET", path, nil)
			r.Header.Set("Authorization", header)
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			status := want
			if want == 200 && !there {
				status = 404
			}
			if rec.Code != status || strings.Contains(rec.Body.String(), "wardkeep_") != (status == 200) {
				t.Errorf("%q %s: %d, want %d", header, path, rec.Code, status)
			}
		}
	}
	rec := httptest.NewRecorder()
	a.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	if rec.Code != 404 || strings.Contains(rec.Body.String(), "wardkeep_") {
		t.Errorf("guardians' address: %d", rec.Code)
	}
	if err := os.WriteFile(in.Config.Metrics.TokenFile, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Operators(); !errors.Is(err, app.ErrConfigFile) {
		t.Errorf("a short token: %v", err)
	}
}

// An address that can't be had ends the start with a refusal, as the server's own does.
func TestMetrics_AnAddressInUseIsSaid(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	in := apptest.New(t, "")
	in.Config.Metrics.Listen = taken.Addr().String()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Open(apptest.Discard()).Serve(t.Context(), l); !errors.Is(err, app.ErrMetricsAddress) {
		t.Errorf("served: %v", err)
	}
}

// What net/http says of a connection names whoever connected: it is counted and in no log.
func TestInvariant9_NoAddressOfAConnectionInTheLog(t *testing.T) {
	in := apptest.New(t, "")
	var log strings.Builder
	in.Config.Metrics.Listen = "127.0.0.1:0"
	a := in.Open(slog.New(slog.NewJSONHandler(&log, nil)))
	before := slog.Default()
	slog.SetDefault(a.Log) // as serve does; net/http writes there
	defer slog.SetDefault(before)
	s := httptest.NewUnstartedServer(a.Handler())
	s.Config.ErrorLog = app.ErrorLog(a)
	s.StartTLS()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "GET / HTTP/1.1\r\n\r\n") // not TLS
	io.Copy(io.Discard, conn)
	conn.Close()
	s.Close()
	h, err := a.Operators()
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	if !strings.Contains(rec.Body.String(), "\nwardkeep_http_connection_errors_total 1\n") || strings.Contains(log.String(), "127.0.0.1") {
		t.Errorf("%s", log.String())
	}
}

// A receiver is a collector that keeps what it is sent.
type receiver struct {
	mu     sync.Mutex
	bodies [][]byte
	spans  []*tracepb.Span
	named  map[string]bool // by attributes of the resource
	wrong  []string
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, err := io.ReadAll(q.Body)
	var data tracepb.TracesData
	if err = errors.Join(err, proto.Unmarshal(body, &data)); err != nil || q.URL.Path != "/v1/traces" || q.Header.Get("Content-Type") != "application/x-protobuf" || q.Header.Get("X-Team") != "a team" {
		r.wrong = append(r.wrong, fmt.Sprint(err, q.URL, q.Header))
	}
	r.bodies = append(r.bodies, body)
	for _, from := range data.ResourceSpans {
		for _, a := range from.Resource.Attributes {
			r.named[a.Key+"="+a.Value.GetStringValue()] = true
		}
		for _, s := range from.ScopeSpans {
			r.spans = append(r.spans, s.Spans...)
		}
	}
}

func attributes(s *tracepb.Span) map[string]string {
	all := make(map[string]string)
	for _, a := range s.Attributes {
		all[a.Key] = a.Value.String()
	}
	return all
}

// Invariant 9: traces show what took how long, and nobody.
func TestInvariant9_TracesNameNobody(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		got := &receiver{named: map[string]bool{}}
		collector := httptest.NewServer(got)
		defer collector.Close()
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
		t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=a%20team")
		t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
		t.Run("served", func(t *testing.T) { // whose end sends what is left
			w := watch(t, in)
			w.live()
			w.until(`wardkeep_job_duration_seconds_count{task="message.send"} 1`, `wardkeep_job_duration_seconds_count{task="retention.sweep"}`)
			const canary = "Kanarienvogel-王小明-13812345678"
			w.canaries = append(w.canaries, apptest.Canary{Name: "what a stranger sent", Value: canary}, apptest.Canary{Name: "a number", Value: "13812345678"})
			r, err := http.NewRequest("GET", w.base+"/home/x?lang=en&name=13812345678", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
			r.Header.Set("User-Agent", canary)
			if _, err := http.DefaultTransport.RoundTrip(r); err != nil {
				t.Fatal(err)
			}
			r.URL.Path = "/console/in"
			if _, err := http.DefaultTransport.RoundTrip(r); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				got.mu.Lock()
				defer got.mu.Unlock()
				for _, body := range got.bodies {
					w.names("a trace", body)
				}
			})
		})
		got.mu.Lock()
		defer got.mu.Unlock()
		if len(got.wrong) > 0 || !got.named["service.name=wardkeep"] || !got.named["deployment.environment=test"] {
			t.Errorf("%q %v", got.wrong, got.named)
		}
		byID := map[string]*tracepb.Span{}
		for _, s := range got.spans {
			byID[string(s.SpanId)] = s
		}
		above := func(s *tracepb.Span) string {
			if p := byID[string(s.ParentSpanId)]; p != nil {
				return p.Name
			}
			return ""
		}
		const reading = "POST /v1/services/{service}/children/{child}/items:read"
		found := map[string]int{}
		for _, s := range got.spans {
			found[above(s)+" > "+s.Name]++
			for key := range attributes(s) {
				if !slices.Contains([]string{"http.request.method", "http.route", "http.response.status_code", "wardkeep.actor", "wardkeep.code", "wardkeep.request", "wardkeep.permitted", "wardkeep.reasons"}, key) {
					t.Errorf("%s has an attribute %s", s.Name, key)
				}
			}
			if fmt.Sprintf("%x", s.TraceId) == "4bf92f3577b34da6a3ce929d0e0e4736" {
				t.Error("a stranger has chosen the number of a trace")
			}
			if len(s.Events) > 0 || len(s.Links) > 0 || s.Status.GetCode() == tracepb.Status_StatusCode(codes.Error) && strings.Contains(s.Status.Message, " ") {
				t.Errorf("%s tells more than it should: %v", s.Name, s)
			}
		}
		for _, want := range []string{" > " + reading, reading + " > db.update", "db.update > gate.check", "db.update > ledger.append", "db.update > db.commit",
			" > GET /home/{tie}", " > GET /console/in", " > job message.send", " > job retention.sweep"} {
			if found[want] == 0 {
				t.Errorf("no span %s in %v", want, found)
			}
		}
		denied := slices.ContainsFunc(got.spans, func(s *tracepb.Span) bool {
			a := attributes(s)
			return s.Name == "gate.check" && strings.Contains(a["wardkeep.reasons"], "gate.consent_refused") && strings.Contains(a["wardkeep.permitted"], "bool_value:false")
		})
		if !denied {
			t.Error("a denial doesn't show")
		}
	})
}

// A collector that is away costs spans, and no answer.
func TestTraces_ACollectorThatIsAwayHoldsUpNobody(t *testing.T) {
	in := apptest.New(t, "")
	in.Config.Traces.Endpoint = "http://127.0.0.1:1" // nobody listens there
	w := watch(t, in)
	w.live()
}

// everything is a scrape of a server that has lived through all that is measured.
func everything(t *testing.T) string {
	in := apptest.New(t, "")
	w := watch(t, in)
	w.live()
	in.Do(w.app, func(ctx context.Context, tx *db.Tx) error {
		_, err := backup.Record(ctx, tx, catalog.Operator{ID: "test"}, backup.New(), tx.Now().Add(-time.Hour), 7)
		return err
	})
	for _, path := range []string{"/livez", "/readyz"} {
		r, err := http.Get(w.base + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
	}
	return w.until("wardkeep_sweep_age_seconds ", "wardkeep_newest_backup_age_seconds ", `wardkeep_jobs_waiting{queue="messages"}`, `wardkeep_ready{check="ledger"}`,
		`wardkeep_job_failures_total{task="retention.sweep"}`)
}
