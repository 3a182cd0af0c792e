package app

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel"

	"wardkeep/internal/approval"
	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/watch"
	"wardkeep/internal/console"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/retention"
	"wardkeep/internal/vault"
	"wardkeep/internal/webhook"
)

// ErrMetricsAddress says that the operators' address can't be listened at.
var ErrMetricsAddress = errs.New(errs.Unavailable, "app.metrics_address")

// watch counts what the store commits, where somebody reads the counts.
func (a *App) watch() {
	if a.Config.Metrics.Listen == "" {
		return
	}
	a.Metrics = watch.New()
	a.Store.Announced = func(what any) {
		switch what := what.(type) {
		case gate.Decided:
			a.Metrics.Decided(what.About, reasons(what.Codes))
		case approval.Alarm:
			a.Metrics.Alarmed(string(what.What))
		}
	}
	for _, cause := range approval.Causes {
		a.Metrics.ExpectAlarm(string(cause))
	}
	a.Metrics.Read(a.measure)
}

// reasons are those codes that have words: so there are as many as the program has,
// whatever a decision says.
func reasons(codes []string) []string {
	var known []string
	for _, code := range codes {
		if !i18n.English.Has(code + ".remedy") {
			code = "other"
		}
		known = append(known, code)
	}
	return known
}

// counted counts what becomes of the messages of a channel.
type counted struct {
	notify.Sender
	channel notify.Channel
	metrics *watch.Metrics
}

// What can come of a message that is handed to a gateway.
var outcomes = []string{"taken", "unavailable", "rejected", "invalid"}

// Send sends.
func (c counted) Send(ctx context.Context, m notify.Message) error {
	err := c.Sender.Send(ctx, m)
	outcome := "invalid"
	switch {
	case err == nil:
		outcome = "taken"
	case errors.Is(err, notify.ErrUnavailable):
		outcome = "unavailable"
	case errors.Is(err, notify.ErrRejected):
		outcome = "rejected"
	}
	c.metrics.Sent(string(c.channel), outcome)
	return err
}

// counting has what becomes of messages counted.
func (a *App) counting(router notify.Router) notify.Router {
	if a.Metrics == nil {
		return router
	}
	all := make(notify.Router, len(router))
	for channel, s := range router {
		a.Metrics.Expect(string(channel), outcomes...)
		all[channel] = counted{s, channel, a.Metrics}
	}
	return all
}

// observeJobs times and traces each run of a job. One that goes on later hasn't failed.
func (a *App) observeJobs() rivertype.Middleware {
	return river.WorkerMiddlewareFunc(func(ctx context.Context, job *rivertype.JobRow, do func(context.Context) error) error {
		began := time.Now()
		ctx, span := a.Traces.Begin(ctx, "job "+job.Kind)
		defer span.End()
		err := do(ctx)
		failure := err
		if _, later := errors.AsType[*rivertype.JobSnoozeError](err); later {
			failure = nil
		}
		if failure != nil {
			span.Fail("")
		}
		a.Metrics.Ran(job.Kind, time.Since(began), failure)
		return err
	})
}

// A queueing is what of the jobs is watched.
type queueing struct {
	waiting, running map[string]int64 // per queue
	again, givenUp   int64
}

// queues are the names of the queues of jobs.
var queues = []string{river.QueueDefault, messageQueue, ceasingQueue}

// watchQueues has the state of the queues of a driver read.
func watchQueues[T any](a *App, driver riverdriver.Driver[T]) {
	read := func(ctx context.Context) (q queueing, err error) {
		q.waiting, q.running = make(map[string]int64), make(map[string]int64)
		store := driver.GetExecutor()
		counts, err := store.JobCountByQueueAndState(ctx, &riverdriver.JobCountByQueueAndStateParams{QueueNames: queues})
		if err != nil {
			return q, err
		}
		for _, c := range counts {
			q.waiting[c.Queue], q.running[c.Queue] = c.CountAvailable, c.CountRunning
		}
		for state, into := range map[rivertype.JobState]*int64{rivertype.JobStateRetryable: &q.again, rivertype.JobStateDiscarded: &q.givenUp} {
			n, err := store.JobCountByState(ctx, &riverdriver.JobCountByStateParams{State: state})
			if err != nil {
				return q, err
			}
			*into = int64(n)
		}
		return q, nil
	}
	a.queues.Store(&read)
}

// measure reads the numbers of the store for one answer to Prometheus. What can't be read
// is left out, and wardkeep_store_up says so: an old number would be a lie.
func (a *App) measure(ctx context.Context, r watch.Reading) {
	stats := a.Store.Stats()
	r.Counter("wardkeep_database_updates_total", "Transactions that may write, as this process has asked for them.", float64(stats.Updates))
	r.Gauge("wardkeep_database_updates_running", "Of them, those that run or wait now.", float64(stats.Running))
	r.Gauge("wardkeep_database_connections_used", "Connections that are in use; on SQLite those of readers.", float64(stats.InUse))
	r.Gauge("wardkeep_database_connections_most", "Connections that there may be.", float64(stats.Most))
	r.Counter("wardkeep_database_waits_total", "How often a transaction waited for a connection; PostgreSQL only.", float64(stats.Waits))
	r.Counter("wardkeep_database_wait_seconds_total", "How long transactions waited for connections; PostgreSQL only.", stats.Waited.Seconds())
	held := a.Publication.Sets.Size()
	r.Gauge("wardkeep_screening_values", "Values of held children that are looked for in what is about to be published, as hashes in this process's memory.", float64(held.Values))
	r.Gauge("wardkeep_screening_bytes", "What those take, with the names by which children are found in them.", float64(held.Bytes))
	up := 1.0
	for _, read := range []func(context.Context, watch.Reading) error{a.measureLedger, a.measureDuties, a.measureQueues} {
		if err := read(ctx, r); err != nil {
			up = 0
			a.Log.LogAttrs(ctx, slog.LevelWarn, "metrics: not all could be read", slog.String("code", errs.Of(err).Code))
		}
	}
	if a.state.edge.Load() != nil {
		a.state.ready() // wardkeep_ready, also where no load balancer asks
	}
	r.Gauge("wardkeep_store_up", "1 if all that the store is asked for metrics could be read, else 0.", up)
}

func (a *App) measureLedger(ctx context.Context, r watch.Reading) error {
	var head ledger.Root
	var pending int64
	var oldest, now time.Time
	var leads bool
	err := a.Store.View(ctx, func(tx *db.Tx) (err error) {
		now = tx.Now()
		if head, err = ledger.Head(ctx, tx); err != nil {
			return err
		}
		if pending, err = ledger.CountPendingToMany(ctx, tx); err != nil {
			return err
		}
		if oldest, err = ledger.OldestPending(ctx, tx); err != nil {
			return err
		}
		leads, err = a.Ledger.Leads(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	r.Counter("wardkeep_ledger_size", "Entries that have their place, as the checkpoint says. It never shrinks.", float64(head.Size))
	r.Gauge("wardkeep_ledger_pending", "Entries that wait for their place; 100000 at most.", float64(pending))
	r.Gauge("wardkeep_ledger_oldest_pending_seconds", "How long the oldest of them waits; 0 if none does.", since(now, oldest))
	r.Gauge("wardkeep_ledger_checkpoint_age_seconds", "How old the newest checkpoint is. It grows while nothing happens.", since(now, head.At))
	r.Gauge("wardkeep_ledger_leader", "1 on the node that gives entries their places.", flag(leads))
	r.Gauge("wardkeep_ledger_trouble", "1 if the last round of this node failed.", flag(a.Ledger.Trouble() != nil))
	r.Gauge("wardkeep_ledger_damaged", "1 if the last round of this node found the ledger damaged.", flag(errors.Is(a.Ledger.Trouble(), ledger.ErrDamaged)))
	return nil
}

func (a *App) measureDuties(ctx context.Context, r watch.Reading) error {
	var late console.Late
	var copies backup.Watch
	var swept, now time.Time
	var events webhook.Numbers
	var bundles vault.BundleNumbers
	err := a.Store.View(ctx, func(tx *db.Tx) (err error) {
		now = tx.Now()
		if late, err = a.late(ctx, tx); err != nil {
			return err
		}
		if copies, err = backup.Look(ctx, tx); err != nil {
			return err
		}
		if swept, err = retention.LastSweep(ctx, tx); err != nil {
			return err
		}
		if events, err = webhook.CountAll(ctx, tx); err != nil {
			return err
		}
		bundles, err = vault.CountBundles(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, left := range late {
		r.Gauge("wardkeep_late", "What people or sweeps have left undone past its day, by what it is; 1000 at most.", float64(left.Count), "what", left.What)
	}
	if !copies.Newest.IsZero() {
		r.Gauge("wardkeep_newest_backup_age_seconds", "How old the newest backup is that is kept; not there if none is.", since(now, copies.Newest))
	}
	if !swept.IsZero() {
		r.Gauge("wardkeep_sweep_age_seconds", "How long ago a sweep, on any node, last left nothing due; not there if none ever did.", since(now, swept))
	}
	r.Gauge("wardkeep_webhooks_waiting", "Events that wait to be taken by the operator's systems, of all services.", float64(events.Waiting))
	r.Gauge("wardkeep_webhooks_parked", "Events that weren't taken for 72 hours.", float64(events.Parked))
	r.Gauge("wardkeep_webhooks_oldest_waiting_seconds", "How long the oldest waits; 0 if none does.", since(now, events.Oldest))
	r.Gauge("wardkeep_bundles_waiting", "Bundles that were pushed to processors and recipients and wait to be taken; 1000 at most of each.", float64(bundles.Waiting))
	r.Gauge("wardkeep_bundles_failed", "Of them, those of which a try has failed.", float64(bundles.Failed))
	r.Gauge("wardkeep_bundles_oldest_waiting_seconds", "How long the oldest waits; 0 if none does. At 72 hours it is thrown away.", since(now, bundles.Oldest))
	return nil
}

func (a *App) measureQueues(ctx context.Context, r watch.Reading) error {
	read := a.queues.Load()
	if read == nil {
		return nil // no jobs are worked on yet
	}
	q, err := (*read)(ctx)
	if err != nil {
		return err
	}
	for _, name := range queues {
		r.Gauge("wardkeep_jobs_waiting", "Jobs that could run and don't yet, by queue; those of messages are messages.", float64(q.waiting[name]), "queue", name)
		r.Gauge("wardkeep_jobs_running", "Jobs that run, on all nodes, by queue.", float64(q.running[name]), "queue", name)
	}
	r.Gauge("wardkeep_jobs_again", "Jobs that failed and wait to be tried again, such as messages that a gateway didn't take.", float64(q.again))
	r.Gauge("wardkeep_jobs_given_up", "Jobs that were tried as often as they are, of the last seven days.", float64(q.givenUp))
	return nil
}

// retentionPatience is how long a child may be due to be erased where sweeps are frequent.
const retentionPatience = 10 * time.Minute

func since(now, then time.Time) float64 {
	if then.IsZero() {
		return 0
	}
	return max(0, now.Sub(then).Seconds())
}

func flag(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

// Operators returns what answers at the operators' address: /metrics, and nothing else.
// With a token file only whoever has the token is answered.
func (a *App) Operators() (http.Handler, error) {
	token, err := a.Config.Metrics.token()
	if err != nil {
		return nil, err
	}
	numbers := a.Metrics.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case token != "" && !bears(r, token):
			w.Header().Set("WWW-Authenticate", "Bearer")
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path != "/metrics":
			w.WriteHeader(http.StatusNotFound)
		case r.Method != http.MethodGet:
			w.WriteHeader(http.StatusMethodNotAllowed)
		default:
			numbers.ServeHTTP(w, r)
		}
	}), nil
}

// bears compares in a time that says nothing of the token.
func bears(r *http.Request, token string) bool {
	scheme, said, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	a, b := sha256.Sum256([]byte(said)), sha256.Sum256([]byte(token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// serveOperators answers at the operators' address until ctx ends.
func (a *App) serveOperators(ctx context.Context) error {
	c := a.Config.Metrics
	if c.Listen == "" {
		return nil
	}
	h, err := a.Operators()
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrMetricsAddress, c.Listen)
	}
	a.Log.InfoContext(ctx, "metrics", "address", l.Addr().String())
	server := a.server(h)
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if t := a.Config.TLS; t.CertificateFile != "" && !c.here() {
		err = server.ServeTLS(l, t.CertificateFile, t.KeyFile)
	} else {
		err = server.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// openTraces begins to send traces, where the configuration or the standard environment
// says where to.
func (a *App) openTraces(ctx context.Context) (err error) {
	endpoint := a.Config.Traces.Endpoint
	if endpoint == "" {
		endpoint = os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT")
	}
	if endpoint == "" || strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return nil
	}
	headers := make(map[string]string)
	for pair := range strings.SplitSeq(os.Getenv("OTEL_EXPORTER_OTLP_HEADERS"), ",") {
		name, value, ok := strings.Cut(pair, "=")
		if value, err := url.QueryUnescape(strings.TrimSpace(value)); ok && err == nil {
			headers[strings.TrimSpace(name)] = value
		}
	}
	if a.Traces, err = watch.OpenTraces(ctx, endpoint, headers); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	var said atomic.Int64 // when, so that a collector that is away fills no log
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		now := time.Now().Unix()
		if last := said.Load(); now-last >= 60 && said.CompareAndSwap(last, now) {
			a.Log.Warn("traces: not sent", "error", err)
		}
	}))
	return nil
}
