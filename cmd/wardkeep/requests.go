package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
)

// Refusals of sending.
var (
	errRate     = errs.New(errs.Invalid, "cmd.send_rate")
	errNotTaken = errs.New(errs.Unavailable, "cmd.send_not_taken") // the gateway didn't take some messages
	errRejected = errs.New(errs.Conflict, "cmd.send_rejected")     // the gateway refused some for good
	errRefusing = errs.New(errs.Conflict, "cmd.send_refusing")     // the gateway refused one after the other
)

type requestsCmd struct {
	Send requestsSendCmd `cmd:"" help:"${requests_send}"`
}

type requestsSendCmd struct {
	Service   string   `required:"" short:"s" help:"${of_service}"`
	PerSecond float64  `default:"20" help:"${requests_rate}"`
	Limit     int      `default:"0" help:"${requests_limit}"`
	ID        []string `placeholder:"cr_…" help:"${requests_id}"`
}

// senders is how many messages are on their way at once.
const senders = 8

// A sending is one run of `requests send`.
type sending struct {
	app     *app.App
	desk    consent.Desk
	service string
	limit   *rate.Limiter

	mu          sync.Mutex
	sent, ended int
	rejected    []string // recorded as sent, and refused by the gateway
	inARow      int      // of these, since the last one that it took
	lost        []string // recorded as sent, and not taken by the gateway
}

// tooManyRefused in a row are no matter of single contacts: the gateway refuses
// us, perhaps for a wrong secret.
const tooManyRefused = 20

// Run sends the requests that wait and were never sent, and stops at the first
// message that a gateway doesn't take after several attempts, or where it
// refuses one after the other. A request is
// recorded as sent before its message leaves: if we crash in between, that one
// message is missing, none is sent twice, and --id sends it again.
func (c requestsSendCmd) Run(ctx context.Context, s *session) error {
	if c.PerSecond <= 0 || c.PerSecond > 1000 || c.Limit < 0 {
		return errRate
	}
	return s.on(ctx, func(a *app.App) error {
		if err := a.OpenSenders(); err != nil {
			return err
		}
		run := &sending{app: a, service: c.Service, desk: consent.Desk{Ring: a.Ring, Charters: a.Charters},
			limit: rate.NewLimiter(rate.Limit(c.PerSecond), senders)}
		all, bySMS, err := run.begin(ctx)
		if err != nil {
			return err
		}
		total := int(all)
		var left error // requests that have no way to go
		if len(c.ID) > 0 {
			total = len(c.ID)
		} else {
			s.say("cmd.send.waiting", "Count", all, "SMS", bySMS, "Email", all-bySMS)
			for _, channel := range run.without(bySMS, all-bySMS) {
				s.note("cmd.send.no_channel", "Channel", string(channel))
				left = notify.ErrNoChannel
			}
		}
		if c.Limit > 0 {
			total = min(total, c.Limit)
		}
		bar := s.progress("cmd.progress.send", total)
		err = errors.Join(run.all(ctx, total, c.ID, bar), left)
		bar.end()
		s.say("cmd.send.done", "Sent", run.sent, "Ended", run.ended, "Rejected", len(run.rejected))
		if len(run.rejected) > 0 {
			what := errRejected
			if errors.Is(err, errRefusing) {
				what = errRefusing
			}
			err = errors.Join(fmt.Errorf("%w: --id %s", what, strings.Join(run.rejected, ",")), err)
		}
		if len(run.lost) > 0 {
			err = errors.Join(fmt.Errorf("%w: --id %s", errNotTaken, strings.Join(run.lost, ",")), err)
		}
		return err
	})
}

// begin looks whether there is such a service and counts what waits.
func (r *sending) begin(ctx context.Context) (all, bySMS int64, err error) {
	err = r.app.Store.View(ctx, func(tx *db.Tx) (err error) {
		if _, err = catalog.Current(ctx, tx, r.service); err != nil {
			return err
		}
		all, bySMS, err = consent.CountUnsent(ctx, tx, r.service)
		return err
	})
	return all, bySMS, err
}

// without returns the channels that are needed and not configured.
func (r *sending) without(sms, email int64) (missing []notify.Channel) {
	if sms > 0 && !r.app.Messages.Has(notify.SMS) {
		missing = append(missing, notify.SMS)
	}
	if email > 0 && !r.app.Messages.Has(notify.Email) {
		missing = append(missing, notify.Email)
	}
	return missing
}

// all sends at most limit requests: those named, or all that wait.
func (r *sending) all(ctx context.Context, limit int, ids []string, bar *progress) error {
	queue := make(chan consent.Request)
	group, work := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(queue)
		if len(ids) > 0 {
			return r.named(work, ids, queue)
		}
		return r.waiting(work, limit, queue)
	})
	for range senders {
		group.Go(func() error {
			for request := range queue {
				if err := r.limit.Wait(work); err != nil {
					return err
				}
				if err := r.one(work, request); err != nil {
					return err
				}
				bar.add(1)
			}
			return nil
		})
	}
	return group.Wait()
}

func (r *sending) named(ctx context.Context, ids []string, queue chan<- consent.Request) error {
	for _, id := range ids {
		var request consent.Request
		err := r.app.Store.View(ctx, func(tx *db.Tx) (err error) {
			request, err = consent.ByID(ctx, tx, r.service, id)
			return err
		})
		if err != nil {
			return err
		}
		if err := pass(ctx, queue, request); err != nil {
			return err
		}
	}
	return nil
}

// page is how many requests are read at once.
const page = 200

// waiting passes on what was never sent and has a way to be, page by page.
func (r *sending) waiting(ctx context.Context, limit int, queue chan<- consent.Request) error {
	var last consent.Request
	for passed := 0; passed < limit; {
		var batch []consent.Request
		err := r.app.Store.View(ctx, func(tx *db.Tx) (err error) {
			batch, err = consent.Unsent(ctx, tx, r.service, last, page)
			return err
		})
		if err != nil || len(batch) == 0 {
			return err
		}
		for _, request := range batch {
			last = request
			if !r.app.Messages.Has(notify.Channel(request.Channel)) {
				continue
			}
			if passed++; passed > limit {
				return nil
			}
			if err := pass(ctx, queue, request); err != nil {
				return err
			}
		}
	}
	return nil
}

func pass(ctx context.Context, queue chan<- consent.Request, request consent.Request) error {
	select {
	case queue <- request:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// one sends one request. Its error ends the run.
func (r *sending) one(ctx context.Context, request consent.Request) error {
	var m notify.Message
	err := r.app.Store.Update(ctx, func(tx *db.Tx) error {
		sent, secrets, to, _, err := r.desk.Send(ctx, tx, operator, request)
		if err != nil {
			return err
		}
		request = sent
		m, err = message.Invitation(ctx, tx, r.desk, r.app.Config.PublicURL, sent, secrets, to)
		return err
	})
	if kind := errs.Of(err).Kind; err != nil {
		if kind == errs.Internal || kind == errs.Unavailable || kind == errs.Full {
			return err
		}
		r.count(func() { r.ended++ }) // answered, erased or sent since we looked
		return nil
	}
	m.ID = message.Name(r.app.Ring, fmt.Sprintf("%s-%d", request.ID, request.Sends))
	switch err := r.deliver(ctx, m); {
	case err == nil:
		r.count(func() { r.sent++; r.inARow = 0 })
	case errors.Is(err, notify.ErrRejected) || errors.Is(err, notify.ErrAddress):
		return r.refused(request.ID, err)
	default:
		r.count(func() { r.lost = append(r.lost, request.ID) })
		return err
	}
	return nil
}

// attempts are the pauses between the attempts to hand over one message.
var attempts = []time.Duration{0, time.Second, 3 * time.Second}

// deliver hands a message to its gateway, again if it can't take it now. The
// message keeps its id, so a gateway can drop the second.
func (r *sending) deliver(ctx context.Context, m notify.Message) (err error) {
	// What is recorded as sent is sent: a signal to stop doesn't cut this off.
	ctx = context.WithoutCancel(ctx)
	for _, pause := range attempts {
		time.Sleep(pause)
		if err = r.app.Messages.Send(ctx, m); !errors.Is(err, notify.ErrUnavailable) {
			return err
		}
	}
	return err
}

// refused notes a message that its gateway refused. Its error ends the run.
func (r *sending) refused(id string, why error) (err error) {
	r.count(func() {
		r.rejected = append(r.rejected, id)
		if r.inARow++; r.inARow >= tooManyRefused {
			err = fmt.Errorf("%w: %w", errRefusing, why)
		}
	})
	return err
}

func (r *sending) count(fn func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn()
}
