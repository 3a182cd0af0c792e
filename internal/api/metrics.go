package api

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/cessation"
	"wardkeep/internal/order"
	"wardkeep/internal/retention"
	"wardkeep/internal/rights"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/vault"
	"wardkeep/internal/webhook"
)

// What is measured of each endpoint of the app's service.
var (
	webhookDelivered = ofEndpoint("delivered_total", "Events that the endpoint has taken.")
	webhookFailed    = ofEndpoint("failed_total", "Tries that failed.")
	webhookWaiting   = ofEndpoint("waiting", "Events that wait to be taken.")
	webhookParked    = ofEndpoint("parked", "Events that weren't taken for 72 hours.")
	webhookOldest    = ofEndpoint("oldest_waiting_seconds", "How long the oldest event waits; 0 if none does.")
)

// What is measured of what was demanded of the app's service.
var (
	demandsOverdue    = prometheus.NewDesc("wardkeep_demands_overdue", "Open demands past their day; 1000 at most.", nil, nil)
	cessationsLate    = prometheus.NewDesc("wardkeep_cessations_late", "Announced ends, of the service or of purposes, that aren't over though the time of guardians is.", nil, nil)
	erasuresLate      = prometheus.NewDesc("wardkeep_erasures_late", "Children whom the sweeps should have erased because somebody has demanded it; 1000 at most.", nil, nil)
	suspicionsOverdue = prometheus.NewDesc("wardkeep_suspicions_overdue", "Accounts that may be a child's, and that nobody has decided about by their day; 1000 at most.", nil, nil)
)

// What is measured of the sweeps: of values of the app's service, but that of the last success is
// the installation's.
var (
	sweepSuccess = prometheus.NewDesc("wardkeep_sweep_last_success_timestamp_seconds", "When a sweep last left nothing due; 0: never.", nil, nil)
	sweepErased  = prometheus.NewDesc("wardkeep_sweep_values_erased_total", "Values past their time that sweeps have erased.", nil, nil)
	sweepUnused  = prometheus.NewDesc("wardkeep_accounts_unused", "Children who will be erased since nobody uses the account, as their guardians were told.", nil, nil)
	sweepOverdue = prometheus.NewDesc("wardkeep_sweep_overdue_seconds", "How long the value that ended first is past its time; 0 if none is.", []string{"purpose"}, nil)
)

// What is measured of the orders to processors and recipients of the app's service.
var (
	ordersOpen    = prometheus.NewDesc("wardkeep_orders_open", "Orders to processors and recipients that aren't attested; 1000 at most.", nil, nil)
	ordersOverdue = prometheus.NewDesc("wardkeep_orders_overdue", "Those of them past their day; 1000 at most.", nil, nil)
)

// What is measured of copies of the whole store.
var (
	backupsLate = prometheus.NewDesc("wardkeep_backups_late", "Backups older than 35 days of which nobody has said that they are gone.", nil, nil)
	backupAge   = prometheus.NewDesc("wardkeep_backup_age_seconds", "How old the newest backup is that is kept; not there if none is.", nil, nil)
)

func ofEndpoint(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("wardkeep_webhook_"+name, help, []string{"endpoint"}, nil)
}

// measures are what was measured for one answer.
type measures []prometheus.Metric

// Describe describes nothing: what there is to measure changes.
func (measures) Describe(chan<- *prometheus.Desc) {}

// Collect hands the measures out.
func (all measures) Collect(out chan<- prometheus.Metric) {
	for _, m := range all {
		out <- m
	}
}

func (all *measures) add(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
	*all = append(*all, prometheus.MustNewConstMetric(d, kind, value, labels...))
}

// getMetrics answers with numbers in the text format of Prometheus. They are read
// anew each time, so that every node says the same, and a restart forgets nothing.
func getMetrics(s *Server, w http.ResponseWriter, r *http.Request, c *call) error {
	var all measures
	err := s.Store.View(r.Context(), func(tx *db.Tx) (err error) {
		if all, err = measure(r.Context(), tx, c.app.Service); err != nil {
			return err
		}
		late, err := rights.CountLateOf(r.Context(), tx, c.app.Service, s.erasePatience())
		all.add(demandsOverdue, prometheus.GaugeValue, float64(late.Demands))
		if err != nil {
			return err
		}
		all.add(erasuresLate, prometheus.GaugeValue, float64(late.Erasures))
		unended, err := catalog.CountLate(r.Context(), tx, c.app.Service, cessation.Patience)
		if err != nil {
			return err
		}
		all.add(cessationsLate, prometheus.GaugeValue, float64(unended))
		open, overdue, err := order.CountOf(r.Context(), tx, c.app.Service)
		if err != nil {
			return err
		}
		all.add(ordersOpen, prometheus.GaugeValue, float64(open))
		all.add(ordersOverdue, prometheus.GaugeValue, float64(overdue))
		copies, err := backup.Look(r.Context(), tx)
		all.add(backupsLate, prometheus.GaugeValue, float64(copies.Late))
		if !copies.Newest.IsZero() {
			all.add(backupAge, prometheus.GaugeValue, tx.Now().Sub(copies.Newest).Seconds())
		}
		if err != nil {
			return err
		}
		suspected, err := suspicion.CountLate(r.Context(), tx, c.app.Service)
		if err != nil {
			return err
		}
		all.add(suspicionsOverdue, prometheus.GaugeValue, float64(suspected))
		return measureSweeps(r.Context(), tx, c.app.Service, &all)
	})
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	if err := registry.Register(all); err != nil {
		return err
	}
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{DisableCompression: true}).ServeHTTP(w, r)
	return nil
}

// measureSweeps measures what the sweeps have left of a service (Article 12).
func measureSweeps(ctx context.Context, tx *db.Tx, service string, all *measures) error {
	last, err := retention.LastSweep(ctx, tx)
	if err != nil {
		return err
	}
	swept, err := vault.LastSwept(ctx, tx, service)
	if err != nil {
		return err
	}
	purposes, err := vault.Purposes(ctx, tx, service, tx.Now())
	if err != nil {
		return err
	}
	unused, err := retention.CountUnused(ctx, tx, service)
	if err != nil {
		return err
	}
	all.add(sweepUnused, prometheus.GaugeValue, float64(unused))
	at := 0.0
	if !last.IsZero() {
		at = float64(last.UnixMilli()) / 1000
	}
	all.add(sweepSuccess, prometheus.GaugeValue, at)
	all.add(sweepErased, prometheus.CounterValue, float64(swept.Erased))
	for _, p := range purposes {
		all.add(sweepOverdue, prometheus.GaugeValue, max(0, tx.Now().Sub(p.Ends).Seconds()), p.Purpose)
	}
	return nil
}

func measure(ctx context.Context, tx *db.Tx, service string) (all measures, err error) {
	endpoints, err := webhook.Of(ctx, tx, service)
	if err != nil {
		return nil, err
	}
	for _, e := range endpoints {
		n, err := e.Count(ctx, tx)
		if err != nil {
			return nil, err
		}
		oldest := time.Duration(0)
		if !n.Oldest.IsZero() {
			oldest = tx.Now().Sub(n.Oldest)
		}
		all.add(webhookDelivered, prometheus.CounterValue, float64(e.Delivered), e.ID)
		all.add(webhookFailed, prometheus.CounterValue, float64(e.Failed), e.ID)
		all.add(webhookWaiting, prometheus.GaugeValue, float64(n.Waiting), e.ID)
		all.add(webhookParked, prometheus.GaugeValue, float64(n.Parked), e.ID)
		all.add(webhookOldest, prometheus.GaugeValue, oldest.Seconds(), e.ID)
	}
	return all, nil
}
