package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/vault"
)

// takes reports whether the endpoint is told of what was pushed to its party. Nothing is pushed
// to one that no key was bound of, so an endpoint that is told of everything may be, too.
func (e Endpoint) takes() bool {
	return e.Party != "" && (len(e.Types) == 0 || slices.ContainsFunc(e.Types, func(a string) bool { return matches(a, wardkeep.TypeBundle) }))
}

// Takes reports whether the party of that name has an endpoint that is told of what is pushed
// to it.
func Takes(ctx context.Context, tx *db.Tx, service, party string) (bool, error) {
	all, err := Of(ctx, tx, service)
	return slices.ContainsFunc(all, func(e Endpoint) bool { return e.Party == party && e.takes() }), err
}

// bundles returns what may be sent now of that.
func (e Endpoint) bundles(ctx context.Context, tx *db.Tx) ([]vault.Bundle, error) {
	if !e.takes() {
		return nil, nil
	}
	return vault.DueBundles(ctx, tx, e.Service, e.Party, batch)
}

// deliverBundle sends one bundle and writes down what became of it. Before anything is sent it
// is decided, and recorded, that it may be; if we crash after that, it is sent again when its
// next try is due.
func (d *Deliverer) deliverBundle(ctx context.Context, endpoint string, one vault.Bundle) error {
	var e Endpoint
	err := d.store.View(ctx, func(tx *db.Tx) (err error) {
		e, err = find(ctx, tx, endpoint)
		return err
	})
	if err != nil || !e.PausedAt.IsZero() || !e.takes() {
		return err
	}
	l, err := e.open(d.vault.Ring) // before it is recorded that anything goes there
	if err != nil {
		return err
	}
	keys, err := l.keys(d.store.Now())
	if err != nil {
		return err
	}
	var out vault.Sending
	var may bool
	err = d.store.Update(ctx, func(tx *db.Tx) (err error) {
		out, may, err = d.vault.Send(ctx, tx, one, waitAfter)
		return err
	})
	if err != nil && ctx.Err() == nil && !errors.Is(err, db.ErrClosed) {
		// A key that opens nothing is one child's, and holds up no other's: it waits for its next
		// try, or until its time is over. Where the store is away, so is this, and the endpoint rests.
		code := errs.Of(err).Code
		d.log.ErrorContext(ctx, "webhook: a bundle can't be sent", "endpoint", e.ID, "service", e.Service, "bundle", one.ID, "code", code, "error", err)
		return d.store.Update(ctx, func(tx *db.Tx) error { return vault.PutOff(ctx, tx, one, code, waitAfter) })
	}
	if err != nil || !may {
		return err
	}
	body, err := json.Marshal(Envelope(out))
	if err != nil {
		return err
	}
	status, failure := d.client.try(ctx, Address{l.URL}, out.ID, body, keys...)
	if failure != nil && ctx.Err() != nil {
		return ctx.Err() // we cut it off; the receiver isn't to blame
	}
	ctx = context.WithoutCancel(ctx)
	return d.store.Update(ctx, func(tx *db.Tx) error {
		if failure != nil {
			return vault.Missed(ctx, tx, out.Bundle, errs.Of(failure).Code, status)
		}
		return d.vault.Delivered(ctx, tx, out.Bundle)
	})
}

// Envelope is what a bundle goes out in: that of any event.
func Envelope(out vault.Sending) wardkeep.SealedBundle {
	return wardkeep.SealedBundle{ID: out.ID, Type: wardkeep.TypeBundle, At: out.PushedAt, Service: out.Party.Service,
		Data: wardkeep.BundleEvent{Role: string(out.Party.Role), Party: out.Party.Name, Key: out.Key, Until: out.UntilAt, Age: out.Age}}
}
