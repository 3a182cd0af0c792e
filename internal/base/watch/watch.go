// Package watch lets an operator see how the server does: numbers for
// Prometheus, and spans for OpenTelemetry.
//
// Its one invariant: a label and an attribute are words of the program, such as
// a route's pattern, a code or the name of a job, and never anything that was
// sent or that is about somebody. So there are as many time series as the program
// has words, whatever strangers send, and nothing in them leads to a child.
package watch

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the numbers of this process. A nil *Metrics counts nothing.
type Metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	refused   prometheus.Counter
	decisions *prometheus.CounterVec
	reasons   *prometheus.CounterVec
	jobs      *prometheus.HistogramVec
	failed    *prometheus.CounterVec
	messages  *prometheus.CounterVec
	alarms    *prometheus.CounterVec
	ready     *prometheus.GaugeVec
}

// spans of time in seconds: of requests, and of jobs.
var (
	short = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}
	long  = []float64{.01, .1, .5, 1, 5, 15, 60, 300, 600}
)

// New returns the numbers of a process that begins, with those of Go and of the
// system about it.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "wardkeep_http_requests_total",
			Help: "Requests by the pattern of their route, and by the class of the status that answered them."}, []string{"edge", "method", "route", "class"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "wardkeep_http_request_duration_seconds",
			Help: "How long requests took.", Buckets: short}, []string{"edge", "method", "route"}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{Name: "wardkeep_http_connection_errors_total",
			Help: "Connections that came to no request, such as failed TLS handshakes. The log has no line of them, for it would have an address."}),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "wardkeep_gate_decisions_total",
			Help: "Decisions of the gate that were recorded, of uses and of guardians' looks."}, []string{"about", "decision"}),
		reasons: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "wardkeep_gate_denials_total",
			Help: "Reasons of recorded denials. A denial has one or more, and each is counted once."}, []string{"code"}),
		jobs: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "wardkeep_job_duration_seconds",
			Help: "How long runs of jobs took, those that failed included.", Buckets: long}, []string{"task"}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "wardkeep_job_failures_total",
			Help: "Runs of jobs that failed."}, []string{"task"}),
		alarms: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "wardkeep_look_alarms_total",
			Help: "Alarms about looks of persons inside at values, by cause."}, []string{"cause"}),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "wardkeep_messages_total",
			Help: "Tries to hand a message to a gateway, by what came of it."}, []string{"channel", "outcome"}),
		ready: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "wardkeep_ready",
			Help: "Whether /readyz passed each of its checks when it was last asked: 1 or 0."}, []string{"check"}),
	}
	version, revision := Version()
	build := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "wardkeep_build_info", Help: "1, labelled with what this binary was built from.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision, "goversion": runtime.Version()}}, func() float64 { return 1 })
	m.registry.MustRegister(m.requests, m.durations, m.refused, m.decisions, m.reasons, m.jobs, m.failed, m.messages, m.alarms, m.ready, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, about := range []string{"use", "access"} { // there from the start, so that a first denial is an increase
		m.decisions.WithLabelValues(about, "permitted")
		m.decisions.WithLabelValues(about, "denied")
	}
	return m
}

// Version returns what this binary was built from.
func Version() (version, revision string) {
	version, revision = "devel", "unknown"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version, revision
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		version = v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = s.Value
		}
	}
	return version, revision
}

// A Route counts the requests that one route takes. A nil *Route counts nothing.
type Route struct {
	classes [6]prometheus.Counter
	took    prometheus.Observer
}

// Route returns the counts of a route of an edge, by its pattern ("GET /home/{tie}").
// All its time series are made here, so a request finds them without looking.
// What no route takes has the pattern "*".
func (m *Metrics) Route(edge, pattern string) *Route {
	if m == nil {
		return nil
	}
	method, path, ok := strings.Cut(pattern, " ")
	if !ok || method == "*" {
		method, path = "*", "*"
	}
	r := &Route{took: m.durations.WithLabelValues(edge, method, path)}
	for class := 1; class < len(r.classes); class++ {
		r.classes[class] = m.requests.WithLabelValues(edge, method, path, strconv.Itoa(class)+"xx")
	}
	return r
}

// Done counts a request. A status that wasn't said is 200, as net/http has it.
func (r *Route) Done(status int, took time.Duration) {
	if r == nil {
		return
	}
	class := status / 100
	if class < 1 || class >= len(r.classes) {
		class = 2
	}
	r.classes[class].Inc()
	r.took.Observe(took.Seconds())
}

// Decided counts a decision of the gate about a use or an access, with the
// codes of its denial, none if it was permitted.
func (m *Metrics) Decided(about string, codes []string) {
	if m == nil {
		return
	}
	decision := "permitted"
	if len(codes) > 0 {
		decision = "denied"
	}
	m.decisions.WithLabelValues(about, decision).Inc()
	for _, code := range codes {
		m.reasons.WithLabelValues(code).Inc()
	}
}

// Ran counts a run of a job.
func (m *Metrics) Ran(job string, took time.Duration, err error) {
	if m == nil {
		return
	}
	m.jobs.WithLabelValues(job).Observe(took.Seconds())
	failures := m.failed.WithLabelValues(job)
	if err != nil {
		failures.Inc()
	}
}

// Sent counts a try to send a message.
func (m *Metrics) Sent(channel, outcome string) {
	if m != nil {
		m.messages.WithLabelValues(channel, outcome).Inc()
	}
}

// Expect makes the time series of a channel and its outcomes, so that each is
// there before it is first counted.
func (m *Metrics) Expect(channel string, outcomes ...string) {
	for _, o := range outcomes {
		m.messages.WithLabelValues(channel, o)
	}
}

// Alarmed counts an alarm about looks at values.
func (m *Metrics) Alarmed(cause string) {
	if m != nil {
		m.alarms.WithLabelValues(cause).Inc()
	}
}

// ExpectAlarm makes the time series of a cause, so that it is there before it is first
// counted.
func (m *Metrics) ExpectAlarm(cause string) { m.alarms.WithLabelValues(cause) }

// Ready notes what a check of readiness found.
func (m *Metrics) Ready(check string, ok bool) {
	if m == nil {
		return
	}
	value := 0.0
	if ok {
		value = 1
	}
	m.ready.WithLabelValues(check).Set(value)
}

// Write counts what net/http would log of a connection, and drops it: it names
// whoever connected.
func (m *Metrics) Write(line []byte) (int, error) {
	m.refused.Inc()
	return len(line), nil
}

// A Reading is what is read anew for each answer to Prometheus.
type Reading struct {
	out chan<- prometheus.Metric
}

// Gauge gives a number that goes up and down. Labels are names and values in turn.
func (r Reading) Gauge(name, help string, value float64, labels ...string) {
	r.add(prometheus.GaugeValue, name, help, value, labels)
}

// Counter gives a number that only grows.
func (r Reading) Counter(name, help string, value float64, labels ...string) {
	r.add(prometheus.CounterValue, name, help, value, labels)
}

func (r Reading) add(kind prometheus.ValueType, name, help string, value float64, labels []string) {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	r.out <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, value, values...)
}

// scrapeTime bounds what is read for one answer: less than the ten seconds that
// Prometheus waits.
const scrapeTime = 8 * time.Second

// Read has fn read numbers for each answer.
func (m *Metrics) Read(fn func(context.Context, Reading)) { m.registry.MustRegister(reader(fn)) }

type reader func(context.Context, Reading)

// Describe describes nothing: what can be read changes.
func (reader) Describe(chan<- *prometheus.Desc) {}

// Collect reads.
func (fn reader) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	fn(ctx, Reading{out})
}

// Handler answers Prometheus. Two are answered at once; more are told to come
// again, so that asking costs the store little.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 2, EnableOpenMetrics: false})
}

// Frames returns where a panic came from, without arguments. It is called by the
// deferred function that has recovered it.
func Frames() []string {
	pcs := make([]uintptr, 16)
	walk := runtime.CallersFrames(pcs[:runtime.Callers(4, pcs)])
	var at []string
	for {
		f, more := walk.Next()
		at = append(at, fmt.Sprintf("%s:%d", f.Function, f.Line))
		if !more {
			return at
		}
	}
}
