// Package cessation ends a service, or one purpose of it (Article 23): guardians are
// told, have time to take what they want to keep, and then all of it is erased.
//
// Its one invariant: nothing is erased before every guardian was told, or could not be,
// and the window that was announced is over; who was told late has a window of its own, as
// long; and what was announced ends by itself.
//
// Collection is closed by the announcement alone, a fact about the service
// (catalog.Cease) that the gate reads. What follows are steps that anybody may take at
// any time: each begins where the last one got to, as its row says, and of two who take
// one at once, one gives way. If we crash in the middle of a batch, it is done again:
// who was told hears nothing new, since the message has the same name, and who was
// erased is gone. No child is ever erased by half: each is one transaction. One for whom a
// step fails keeps nobody behind it waiting: it is left, and tried again in each round.
package cessation

import (
	"context"
	"errors"
	"sync"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/message"
	"wardkeep/internal/order"
	"wardkeep/internal/vault"
	"wardkeep/internal/webhook"
)

// A system is who ends what was announced.
type system struct{}

// Ledger returns its name in the ledger.
func (system) Ledger() string { return "system:cessation" }

// Governs reports that it may: it only does what an officer has announced.
func (system) Governs(string) bool { return true }

const (
	// batch bounds how much one look for children takes.
	batch = 500
	// settled is how long after an announcement every registration has ended that was on
	// its way when it came.
	settled = 10 * time.Second
	// lasting is how long a use may last that was decided before an announcement:
	// PostgreSQL ends a transaction that stands still for a minute.
	lasting = 90 * time.Second
)

// Patience is how long something may take to end after its window before it is late.
const Patience = 6 * time.Hour

// A Told reports whether every message that the first so many entries of the ledger ask
// for, about the end of a service, was taken or given up.
type Told func(ctx context.Context, place int64) (bool, error)

// A Done says what a round has done.
type Done struct {
	Told     int // children whose guardians are being told
	Erased   int // children erased
	Cleared  int // children of whom the values of a purpose were erased
	Ended    int // services and purposes
	Parted   int // parties that were ordered to delete all that they may have
	Trimmed  int // parties that were ordered to delete what they may have no longer
	Webhooks int // addresses of a service that ended, which have had their last event
}

// Round takes every step that can be taken now, on all services. Who isn't reached by f
// isn't told of the erasure, and none waits for it. A nil told says that nobody sends
// messages here. The errors of several ends come back together.
func Round(ctx context.Context, store *db.DB, v *vault.Vault, f *message.Farewell, told Told) (done Done, err error) {
	var all []catalog.Cessation
	err = store.View(ctx, func(tx *db.Tx) (err error) {
		all, err = catalog.Cessations(ctx, tx, "")
		return err
	})
	failed := []error{err}
	for _, c := range all {
		if !c.EndedAt.IsZero() || ctx.Err() != nil {
			continue
		}
		w := work{store: store, vault: v, farewell: f, told: told, done: &done, Cessation: c}
		if err := w.run(ctx); err != nil && !errors.Is(err, catalog.ErrCeasingMoved) && !errors.Is(err, catalog.ErrNotCeasing) {
			failed = append(failed, err)
		}
	}
	failed = append(failed, partings(ctx, store, v, &done), endWebhooks(ctx, store, &done))
	if done.Erased+done.Cleared > 0 {
		failed = append(failed, store.Scrub(ctx))
	}
	return done, errors.Join(append(failed, ctx.Err())...)
}

// A work is one end on its way.
type work struct {
	store    *db.DB
	vault    *vault.Vault
	farewell *message.Farewell
	told     Told
	done     *Done
	catalog.Cessation
}

func (w *work) run(ctx context.Context) error {
	now := w.store.Now()
	if now.Before(w.AnnouncedAt.Add(settled)) {
		return nil
	}
	tell := w.tellLeft
	if w.ToldAt.IsZero() {
		tell = w.tell
	}
	untold := tell(ctx)
	if w.ToldAt.IsZero() || ctx.Err() != nil {
		return untold
	}
	return errors.Join(untold, w.goOn(ctx, now))
}

// goOn takes what steps can be taken once guardians were told.
func (w *work) goOn(ctx context.Context, now time.Time) error {
	if w.ToldPlace < 0 {
		if ok, err := w.place(ctx); err != nil || !ok {
			return err
		}
	}
	if now.Before(w.EndsAt) {
		return nil
	}
	if w.told != nil {
		if ok, err := w.told(ctx, w.ToldPlace); err != nil || !ok {
			return err
		}
	}
	if err := w.store.View(ctx, func(tx *db.Tx) error { return w.Announced(ctx, tx) }); err != nil {
		return err
	}
	if w.Purpose != "" {
		return w.clear(ctx)
	}
	return w.erase(ctx)
}

// change records a step.
func (w *work) change(ctx context.Context, fn func(tx *db.Tx) error) error {
	before := w.Cessation
	return w.store.Update(ctx, func(tx *db.Tx) error {
		w.Cessation = before // it may run again
		return fn(tx)
	})
}

// tell has the guardians of all children told, in the order of their keys. What the
// entries ask for, a message each, is package message's.
func (w *work) tell(ctx context.Context) error {
	var unasked failure
	var failed []error
	for last := false; !last; {
		var some []found
		err := w.store.View(ctx, func(tx *db.Tx) (err error) {
			some, err = page(ctx, tx, w.Service, w.Purpose, w.ToldUpto)
			return err
		})
		if err != nil {
			return errors.Join(append(failed, unasked.first, err)...)
		}
		upto := w.ToldUpto
		if last = len(some) < batch; len(some) > 0 {
			upto = string(some[len(some)-1].child)
		}
		concerned := ids(some, func(c found) bool { return c.concerned && !c.waits })
		left, on, err := w.each(ctx, concerned, func(tx *db.Tx, child family.ID) error {
			return w.tellOne(ctx, tx, child, w.EndsAt, &unasked)
		})
		if failed = append(failed, err); !on {
			break
		}
		told := len(concerned) - len(left)
		// If we crash before it, this batch is told once more.
		err = w.change(ctx, func(tx *db.Tx) error {
			if err := w.leave(ctx, tx, left, false); err != nil {
				return err
			}
			return w.TellUpto(ctx, tx, upto, int64(told), last)
		})
		if err != nil {
			return errors.Join(append(failed, unasked.first, err)...)
		}
		w.done.Told += told
	}
	return errors.Join(append(failed, unasked.first, ctx.Err())...)
}

// tellLeft has those told who were left, until when they can look: the window of all others
// may be over (Article 23). Until the ledger has that, nothing is erased, as with all others.
func (w *work) tellLeft(ctx context.Context) error {
	var unasked failure
	n, _, err := w.again(ctx, false, func(tx *db.Tx, child family.ID) error {
		ends := w.Late(tx.Now())
		if err := w.tellOne(ctx, tx, child, ends, &unasked); err != nil {
			return err
		}
		err := tx.Queue(ctx, `UPDATE ceasing_left SET told = true, ends_at = $1 WHERE child = $2 AND purpose = $3`, (*db.Time)(&ends), child, w.Purpose)
		if err != nil {
			return err
		}
		return w.TellLate(ctx, tx, ends)
	})
	if n > 0 {
		w.done.Told += n
		err = errors.Join(err, w.store.View(ctx, func(tx *db.Tx) (err error) {
			w.Cessation, err = catalog.FindCessation(ctx, tx, w.Service, w.Purpose)
			return err
		}))
	}
	return errors.Join(err, unasked.first)
}

// tellOne is the step by which the guardians of a child are told, and until when they can
// look.
func (w *work) tellOne(ctx context.Context, tx *db.Tx, id family.ID, ends time.Time, unasked *failure) error {
	child, unread, err := w.ask(ctx, tx, id)
	if err != nil {
		return err
	}
	unasked.add(unread)
	_, err = family.TellCeasing(ctx, tx, system{}.Ledger(), child, w.Purpose, ends)
	return err
}

// A failure is the first of those of many children: the others are like it.
type failure struct {
	mu    sync.Mutex
	first error
}

func (f *failure) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first == nil {
		f.first = err
	}
}

// ask has the guardians of a child asked about who takes over the service, if somebody
// does, and returns the child, locked. The message that tells of the end leads there.
// Of whom it can't be said who answers, since its age can't be read, nobody is asked: it is
// told of the end all the same, and keeps nobody else from being told. Unread says why.
func (w *work) ask(ctx context.Context, tx *db.Tx, id family.ID) (child family.Child, unread, err error) {
	child, err = family.Lock(ctx, tx, w.Service, id)
	if err != nil || w.Takeover == (catalog.Takeover{}) {
		return child, nil, err
	}
	if _, err := child.Class(w.vault.Ring, tx.Now()); err != nil {
		return child, err, nil
	}
	service, err := catalog.Find(ctx, tx, w.Service)
	if err != nil {
		return child, nil, err
	}
	desk := consent.Desk{Ring: w.vault.Ring, Charters: w.vault.Gate.Charters}
	if _, err := desk.AskSuccession(ctx, tx, system{}, child, service); err != nil {
		return child, nil, err
	}
	child, err = family.Lock(ctx, tx, w.Service, id) // each question has raised its version, asked or cancelled
	return child, nil, err
}

// place finds out up to where in the ledger all were told, once each entry about it has
// its place.
func (w *work) place(ctx context.Context) (ok bool, err error) {
	err = w.change(ctx, func(tx *db.Tx) error {
		oldest, err := ledger.OldestPending(ctx, tx)
		if ok = err == nil && (oldest.IsZero() || oldest.After(w.ToldAt)); !ok {
			return err
		}
		head, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		return w.TellPlaced(ctx, tx, head.Size)
	})
	return ok, err
}

// A found is a child of a service, and whether the end of a purpose concerns it: a
// guardian's yes to it stands, or something is held for it. The end of the service
// concerns all.
type found struct {
	child     family.ID
	concerned bool
	waits     bool // its guardians aren't told, or were told late and can look still: nothing of it is erased
}

// page returns the next children of a service after a key, at most batch.
func page(ctx context.Context, tx *db.Tx, service, purpose, after string) ([]found, error) {
	now := tx.Now()
	return db.All(ctx, tx, func(row db.Row) (f found, err error) {
		held, agreed := false, false
		err = row.Scan(&f.child, &held, &agreed, &f.waits)
		f.concerned = purpose == "" || held || agreed
		return f, err
	}, `
		SELECT c.child, EXISTS (SELECT 1 FROM value v WHERE v.child = c.child AND v.purpose = $1),
			EXISTS (SELECT 1 FROM consent a WHERE a.child = c.child AND a.purpose = $1 AND a.granted AND a.ended_at IS NULL),
			EXISTS (SELECT 1 FROM ceasing_left l WHERE l.child = c.child AND l.purpose = $1 AND (l.told = false OR l.ends_at > $2))
		FROM child c WHERE c.service = $3 AND c.child > $4 AND c.state <> 'erased'
		ORDER BY c.child LIMIT $5`, purpose, (*db.Time)(&now), service, after, batch)
}

// ids returns the children among some for whom it is true.
func ids(some []found, of func(found) bool) (all []family.ID) {
	for _, c := range some {
		if of(c) {
			all = append(all, c.child)
		}
	}
	return all
}

// Living returns how many children a service has. It reads their index: a second or so
// for some millions.
func Living(ctx context.Context, tx *db.Tx, service string) (int64, error) {
	return db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM child WHERE service = $1 AND state <> 'erased'`, service)
}

// finish records that all is over. With a service its apps' keys end; where its events
// go ends once they have got there.
func (w *work) finish(ctx context.Context, children func(context.Context, *db.Tx) (int64, error)) error {
	err := w.change(ctx, func(tx *db.Tx) error {
		n, err := children(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := catalog.Ceased(ctx, tx, system{}.Ledger(), w.Cessation, n); err != nil || w.Purpose != "" {
			return err
		}
		apps, err := account.Apps(ctx, tx, w.Service)
		if err != nil {
			return err
		}
		for _, a := range apps {
			if _, err := account.RevokeApp(ctx, tx, system{}, w.Service, a.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		w.done.Ended++
	}
	return err
}

// endWebhooks removes where the events of an ended service went, once the last was
// taken. One that is paused, or of which some are parked, stays until somebody resumes it,
// has them sent again, or removes it. So does that of a party which still owes something: it is
// reminded of the orders there, and told when they are overdue (Article 16(4)).
func endWebhooks(ctx context.Context, store *db.DB, done *Done) error {
	var over []webhook.Endpoint
	err := store.View(ctx, func(tx *db.Tx) error {
		over = nil
		all, err := webhook.Of(ctx, tx, "")
		if err != nil || len(all) == 0 {
			return err
		}
		for _, e := range all {
			c, err := catalog.FindCessation(ctx, tx, e.Service, "")
			if errors.Is(err, catalog.ErrNotCeasing) || err == nil && c.EndedAt.IsZero() {
				continue
			}
			if err != nil {
				return err
			}
			through, err := e.Through(ctx, tx, c.EndedAt)
			owes := false
			if err == nil && through && e.Party != "" {
				owes, err = order.Owes(ctx, tx, e.Service, e.Party)
			}
			if err != nil {
				return err
			}
			if through && !owes {
				over = append(over, e)
			}
		}
		return nil
	})
	for _, e := range over {
		more := store.Update(ctx, func(tx *db.Tx) error {
			_, err := webhook.Remove(ctx, tx, system{}, e.Service, e.ID)
			return err
		})
		if more == nil {
			done.Webhooks++
		} else if !errors.Is(more, webhook.ErrNotFound) {
			err = errors.Join(err, more)
		}
	}
	return err
}
