package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"wardkeep/internal/access"
	"wardkeep/internal/base/db"
	"wardkeep/internal/retention"
	"wardkeep/internal/tally"
)

// sweepArgs asks for a sweep. Arguments of jobs are stored in clear, so a job
// has none but ids; this one has none at all.
type sweepArgs struct{}

// Kind names the job.
func (sweepArgs) Kind() string { return "retention.sweep" }

// InsertOpts keeps two sweeps from waiting at once. A sweep that is over doesn't
// count: River would keep its row for a day, and refuse the next one so long.
func (sweepArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: 3, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: unfinished}}
}

// unfinished are the states of a job that something may still come of.
var unfinished = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled,
}

type sweeper struct {
	river.WorkerDefaults[sweepArgs]
	app *App
}

// Work erases what is due, with what a backup that was killed has left in plain: keys of
// children who are erased later are in it. A sweep that fails is an alarm: it is logged as
// an error, and tried again.
func (s *sweeper) Work(ctx context.Context, _ *river.Job[sweepArgs]) error {
	if err := s.app.Tidy(); err != nil {
		s.app.Log.ErrorContext(ctx, "backup: what one that was killed has left is not removed", "error", err)
	}
	done, err := retention.SweepTelling(ctx, s.app.Store, s.app.Vault, s.app.Farewell(),
		retention.Terms{TurningLead: time.Duration(s.app.Config.TurningLead) * 24 * time.Hour, InactiveLead: time.Duration(s.app.Config.InactiveLead) * 24 * time.Hour,
			Teller: messageCursor})
	if err != nil {
		s.app.Log.ErrorContext(ctx, "retention: the sweep is behind", "error", err)
		return errors.New("the sweep is behind; the log says why") // a job's error is stored in clear
	}
	if done != (retention.Swept{}) {
		s.app.Log.InfoContext(ctx, "retention: swept", "demanded", done.Demanded, "values", done.Values, "unanswered", done.Unanswered, "idle", done.Idle, "inactive", done.Inactive, "aged", done.Aged, "claims", done.Claims, "ports", done.Ports, "shields", done.Shields, "kept", done.Kept, "overdue", done.Overdue, "reminded", done.Reminded, "alarms", done.Alarms, "reports", done.Complaints, "recalled", done.Recalled, "streams", done.Streams, "requests", done.Requests,
			"proofs", done.Proofs, "attempts", done.Attempts, "traces", done.Traces, "contacts", done.Contacts,
			"staff", done.Staff, "reviews", done.Reviews, "told", done.Told, "sessions", done.Sessions, "passkeys", done.Passkeys, "accesses", done.Accesses, "certificates", done.Evidence, "carried", done.Carried, "answers", done.Answers, "bundles", done.Bundles, "nonces", done.Nonces, "seats", done.Seats)
	}
	return nil
}

// Timeout bounds one sweep; what is left is due again at the next.
func (s *sweeper) Timeout(*river.Job[sweepArgs]) time.Duration { return 10 * time.Minute }

// countArgs asks for the uses to be counted that guardians are told of, and for the tallies
// of which the console draws its pictures. It has no
// arguments, as a sweep has none.
type countArgs struct{}

// Kind names the job.
func (countArgs) Kind() string { return "access.count" }

// InsertOpts keeps two from waiting at once.
func (countArgs) InsertOpts() river.InsertOpts { return sweepArgs{}.InsertOpts() }

// countEvery is how often: the rarer, the more uses share a row. A guardian's page
// reads what isn't counted yet itself, as far as it can.
const countEvery = 2 * time.Minute

type counter struct {
	river.WorkerDefaults[countArgs]
	app *App
}

// Work counts all that there is.
func (c *counter) Work(ctx context.Context, _ *river.Job[countArgs]) error {
	for ctx.Err() == nil {
		began := time.Now()
		n, err := access.Count(ctx, c.app.Store)
		more := int64(0)
		if err == nil {
			more, err = tally.Count(ctx, c.app.Store)
		}
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			c.app.Log.ErrorContext(ctx, "access: the uses are not counted", "error", err)
			return errors.New("the uses are not counted; the log says why") // a job's error is stored in clear
		}
		if n+more == 0 {
			return nil
		}
		breathe(ctx, time.Since(began))
	}
	return river.JobSnooze(0) // its time is over, and there may be more
}

// breathe waits three times as long as a piece of work in the background took:
// whoever has millions of entries to catch up with, after an upgrade or with a
// copy from elsewhere, leaves the processors to those who wait for an answer.
func breathe(ctx context.Context, took time.Duration) {
	select {
	case <-time.After(3 * took):
	case <-ctx.Done():
	}
}

// Timeout bounds one run; the next goes on where it was.
func (c *counter) Timeout(*river.Job[countArgs]) time.Duration { return 10 * time.Minute }

// runJobs works on jobs until ctx ends. River's tables are its own: in
// PostgreSQL beside ours, with SQLite in a file of their own, because the
// business database has exactly one writer.
func (a *App) runJobs(ctx context.Context) error {
	url, err := a.Config.databaseURL()
	if err != nil {
		return err
	}
	if url != "" {
		pool, err := pgxpool.New(ctx, url)
		if err != nil {
			return errors.New("jobs: the PostgreSQL URL can't be read")
		}
		defer pool.Close()
		return work[pgx.Tx](ctx, a, riverpgxv5.New(pool))
	}
	path := filepath.Join(a.Config.DataDir, "jobs.db")
	pool, err := sql.Open("sqlite", db.FileURI(path)+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	defer pool.Close()
	pool.SetMaxOpenConns(1)
	return work[*sql.Tx](ctx, a, riversqlite.New(pool))
}

func work[T any](ctx context.Context, a *App, driver riverdriver.Driver[T]) error {
	quiet := quietly(a.Log)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: quiet})
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	watchQueues(a, driver)
	workers := river.NewWorkers()
	river.AddWorker(workers, &sweeper{app: a})
	river.AddWorker(workers, a.teller())
	river.AddWorker(workers, &counter{app: a})
	river.AddWorker(workers, &rotator{app: a})
	river.AddWorker(workers, &warner{app: a})
	ends := &ender{app: a}
	river.AddWorker(workers, ends)
	client, err := river.NewClient(driver, &river.Config{
		Logger:     quiet,
		Queues:     map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 4}, messageQueue: {MaxWorkers: 4}, ceasingQueue: {MaxWorkers: 4}},
		Workers:    workers,
		Middleware: []rivertype.Middleware{a.observeJobs()},
		// A job of a process that was killed is taken for running until then, and keeps
		// the next sweep from being asked for. One whose own Timeout is longer waits for that.
		RescueStuckJobsAfter: 2 * time.Minute,
		PeriodicJobs: []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(a.Config.SweepEvery),
			func() (river.JobArgs, *river.InsertOpts) { return sweepArgs{}, nil },
			&river.PeriodicJobOpts{RunOnStart: true}),
			river.NewPeriodicJob(river.PeriodicInterval(countEvery),
				func() (river.JobArgs, *river.InsertOpts) { return countArgs{}, nil },
				&river.PeriodicJobOpts{RunOnStart: true}),
			river.NewPeriodicJob(river.PeriodicInterval(a.Config.SweepEvery),
				func() (river.JobArgs, *river.InsertOpts) { return endArgs{}, nil },
				&river.PeriodicJobOpts{RunOnStart: true}),
			river.NewPeriodicJob(river.PeriodicInterval(warnEvery),
				func() (river.JobArgs, *river.InsertOpts) { return warnArgs{}, nil },
				&river.PeriodicJobOpts{RunOnStart: true})},
	})
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	ends.waits = func(ctx context.Context) (bool, error) {
		left, err := client.JobList(ctx, river.NewJobListParams().Queues(ceasingQueue).States(unfinished...).First(1))
		if err != nil {
			return false, err
		}
		return len(left.Jobs) > 0, nil
	}
	if err := client.Start(ctx); err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	if err := openJobs(a, client); err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	insert := func(ctx context.Context, args messageArgs) error {
		_, err := client.Insert(ctx, args, nil)
		return err
	}
	var duties sync.WaitGroup
	duties.Go(func() { a.watchDuties(ctx, insert) })
	duties.Go(func() { a.watchDecoys(ctx) })
	duties.Go(func() { a.indexReach(ctx) })
	duties.Go(func() { a.countRegisters(ctx) })
	duties.Go(func() { a.makeBundles(ctx) })
	a.followLedger(ctx, insert)
	duties.Wait()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return client.Stop(stop)
}

// quietly returns a log that has what should be looked at.
func quietly(log *slog.Logger) *slog.Logger {
	return slog.New(levelAtLeast(log.Handler(), slog.LevelWarn))
}

// levelHandler drops what is below a level.
type levelHandler struct {
	slog.Handler
	least slog.Level
}

func levelAtLeast(h slog.Handler, least slog.Level) slog.Handler { return levelHandler{h, least} }

// Enabled reports whether the level is high enough.
func (h levelHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= h.least && h.Handler.Enabled(ctx, l)
}

// WithAttrs keeps the level.
func (h levelHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return levelHandler{h.Handler.WithAttrs(attrs), h.least}
}

// WithGroup keeps the level.
func (h levelHandler) WithGroup(name string) slog.Handler {
	return levelHandler{h.Handler.WithGroup(name), h.least}
}
