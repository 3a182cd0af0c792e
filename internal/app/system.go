package app

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/riverqueue/river"
	"riverqueue.com/riverui"

	"wardkeep/internal/approval"
	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/border"
	"wardkeep/internal/catalog"
	"wardkeep/internal/cessation"
	"wardkeep/internal/complaint"
	"wardkeep/internal/console"
	"wardkeep/internal/incident"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/retention"
	"wardkeep/internal/rights"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/vault"
	"wardkeep/internal/witness"
)

// system is what the pages of settings are told of this process.
func (a *App) system() console.System {
	return console.System{
		Checks: a.state.checks, Late: a.late, Swept: retention.LastSweep,
		KEK: a.KEK.Name(), Keys: a.shownKeys, Rotate: a.askRotation,
		Channels: a.Messages, Site: a.Config.PublicURL, Allowed: a.Allowed(),
		Queues: a.shownQueues, Jobs: a.jobsPage,
	}
}

// late counts what people or sweeps have left undone past its day.
func (a *App) late(ctx context.Context, tx *db.Tx) (all console.Late, err error) {
	late, err := rights.CountLate(ctx, tx, a.sweepPatience())
	if err != nil {
		return nil, err
	}
	suspected, err := suspicion.CountLate(ctx, tx, "")
	if err != nil {
		return nil, err
	}
	unended, err := catalog.CountLate(ctx, tx, "", cessation.Patience)
	if err != nil {
		return nil, err
	}
	reviews, err := approval.CountLate(ctx, tx)
	if err != nil {
		return nil, err
	}
	reported, err := complaint.CountLate(ctx, tx, "")
	if err != nil {
		return nil, err
	}
	_, leaks, err := incident.Count(ctx, tx, "")
	if err != nil {
		return nil, err
	}
	orders, err := order.CountOverdue(ctx, tx)
	if err != nil {
		return nil, err
	}
	values, behind, err := a.unerased(ctx, tx)
	if err != nil {
		return nil, err
	}
	impacts, err := catalog.CountUnassessed(ctx, tx, a.Ring, a.Charters)
	if err != nil {
		return nil, err
	}
	parties, err := party.CountLate(ctx, tx)
	if err != nil {
		return nil, err
	}
	blocked, err := catalog.CountOverdue(ctx, tx)
	if err != nil {
		return nil, err
	}
	crossed, err := border.Near(ctx, tx)
	if err != nil {
		return nil, err
	}
	outside, err := witness.CountLate(ctx, tx)
	if err != nil {
		return nil, err
	}
	copies, err := backup.Look(ctx, tx)
	return console.Late{{What: "demands", Count: late.Demands}, {What: "erasures", Count: late.Erasures}, {What: "suspicions", Count: suspected},
		{What: "cessations", Count: unended}, {What: "orders", Count: orders}, {What: "incidents", Count: leaks}, {What: "reports", Count: reported}, {What: "parties", Count: blocked}, {What: "checks", Count: parties.Checks}, {What: "partings", Count: parties.Partings}, {What: "borders", Count: min(crossed, 1)}, {What: "impacts", Count: min(impacts, 1000)}, {What: "backups", Count: copies.Late}, {What: "checkpoints", Count: outside}, {What: "reviews", Count: reviews},
		{What: "values", Count: values}, {What: "sweep", Count: behind}}, err
}

// unerased counts the values that are past their time and should be erased (Article 12),
// and says whether no sweep has left nothing due for too long: 1, or 0.
func (a *App) unerased(ctx context.Context, tx *db.Tx) (values, behind int64, err error) {
	purposes, err := vault.Purposes(ctx, tx, "", tx.Now().Add(-a.sweepPatience()))
	if err != nil {
		return 0, 0, err
	}
	for _, p := range purposes {
		values = min(values+p.Overdue, 1000)
	}
	swept, err := retention.LastSweep(ctx, tx)
	if !swept.IsZero() && tx.Now().Sub(swept) > a.sweepPatience() {
		behind = 1
	}
	return values, behind, err
}

// sweepPatience is how long something may be due to be erased.
func (a *App) sweepPatience() time.Duration { return max(retentionPatience, 2*a.Config.SweepEvery) }

// shownKeys are the stored keys, without what they wrap. How many children's keys each wraps
// is for the command line to count: no page does.
func (a *App) shownKeys(ctx context.Context, tx *db.Tx) (all []console.Key, err error) {
	keys, err := toldKeys(ctx, tx)
	for _, k := range keys {
		all = append(all, console.Key{ID: k.ID, Purpose: k.Purpose, Suite: string(k.Suite), State: k.State, KEK: k.KEK, Since: k.CreatedAt})
	}
	return all, err
}

// shownQueues are those of jobs.
func (a *App) shownQueues(ctx context.Context) (q console.Queues, err error) {
	read := a.queues.Load()
	if read == nil {
		return q, nil // no jobs are worked on yet
	}
	n, err := (*read)(ctx)
	for _, name := range queues {
		q.Queues = append(q.Queues, console.Queue{Name: name, Waiting: n.waiting[name], Running: n.running[name]})
	}
	q.Again, q.GivenUp = n.again, n.givenUp
	return q, err
}

// A desk of jobs is what persons inside have of them.
type jobsDesk struct {
	page   http.Handler
	rotate func(context.Context) error
}

// openJobs lets persons inside look at the jobs of a client. River's page keeps no counts
// of its own, for which it would ask the store all the time (its Start): it counts when
// somebody looks, to 10,000.
func openJobs[T any](a *App, client *river.Client[T]) error {
	page, err := riverui.NewHandler(&riverui.HandlerOpts{Endpoints: riverui.NewEndpoints(client, nil), Logger: quietly(a.Log), Prefix: console.JobsPath,
		JobListHideArgsByDefault: true})
	if err != nil {
		return err
	}
	a.desk.Store(&jobsDesk{page: page, rotate: func(ctx context.Context) error {
		_, err := client.Insert(ctx, rotateArgs{}, nil)
		return err
	}})
	return nil
}

// jobsPage returns River's page of jobs, or nil before they are worked on.
func (a *App) jobsPage() http.Handler {
	if desk := a.desk.Load(); desk != nil {
		return desk.page
	}
	return nil
}

// askRotation asks for a rotation of the pool key.
func (a *App) askRotation(ctx context.Context) error {
	desk := a.desk.Load()
	if desk == nil {
		return console.ErrNoJobs
	}
	return desk.rotate(ctx)
}

// rotateArgs ask for a rotation of the pool key. They have no arguments, as a sweep has
// none.
type rotateArgs struct{}

// Kind names the job.
func (rotateArgs) Kind() string { return "keys.rotate" }

// InsertOpts keeps two from waiting at once.
func (rotateArgs) InsertOpts() river.InsertOpts { return sweepArgs{}.InsertOpts() }

type rotator struct {
	river.WorkerDefaults[rotateArgs]
	app *App
}

// Work rotates. One that was cut off is done anew: another key is made, and what was left
// under both former ones is moved to it.
func (r *rotator) Work(ctx context.Context, _ *river.Job[rotateArgs]) error {
	moved := 0
	left, err := r.app.Rotate(ctx, func(n int) { moved += n })
	if err != nil {
		r.app.Log.ErrorContext(ctx, "keys: not rotated", "code", errs.Of(err).Code, "error", err)
		return errors.New("the keys aren't rotated; the log says why") // a job's error is stored in clear
	}
	r.app.Log.InfoContext(ctx, "keys: rotated", "moved", moved, "left", left)
	return nil
}

// Timeout bounds one run.
func (r *rotator) Timeout(*river.Job[rotateArgs]) time.Duration { return time.Hour }
