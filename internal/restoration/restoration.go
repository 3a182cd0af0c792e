// Package restoration replays, into a store that was put back to a backup, what the
// ledger tells to have happened since (Article 20, edge case 15).
//
// Its one invariant: afterwards nothing may be done that might not have been done
// before the loss. Who was erased is erased again, and what was deleted, withdrawn,
// ended, revoked or removed is so again. What can't be done again exactly is done
// more strictly: the child is frozen, or the service's gate closed, until somebody
// who may decides anew. What only added something is lost, and counted.
//
// The store continues the one ledger: the entries that it lacks are appended as
// they are (ledger.Continue), and store.restored says that they changed no table.
// What is done again has entries of its own, behind them.
//
// Every step can be done twice. If we crash, the store stays one that serves nothing
// (backup.ErrNotReplayed), and the next run goes on.
package restoration

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"wardkeep/internal/access"
	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/incident"
	"wardkeep/internal/inspection"
	"wardkeep/internal/ledger"
	"wardkeep/internal/legal"
	"wardkeep/internal/message"
	"wardkeep/internal/reach"
	"wardkeep/internal/rights"
	"wardkeep/internal/session"
	"wardkeep/internal/signin"
	"wardkeep/internal/tally"
	"wardkeep/internal/vault"
)

// by is who does again what is done: the person at the terminal, by this.
var by = catalog.Operator{ID: "restore"}

// A Report says what a replay has done.
type Report struct {
	Entries  int64            // of the gap that changed no table
	Children int64            // of whom something was done
	Erased   int64            // children
	Items    int64            // values
	No       int64            // consents taken back, and nos kept
	Frozen   int64            // children
	Demands  int64            // taken or ended once more
	Services []string         // whose gate is closed until something is published or somebody appointed, sorted
	Lost     map[string]int64 // entries of which nothing could be done again, by kind
	GivenUp  int64            // size of the largest checkpoint kept outside that is lost, now or before
	Untold   map[string]int64 // entries of the day before the loss whose messages may not have arrived, by kind
}

// A Desk replays.
type Desk struct {
	Store    *db.DB
	Vault    *vault.Vault
	Calendar workday.Calendar
	// Farewell tells the guardians of whoever was to be erased and is erased by the replay;
	// nil: nobody.
	Farewell *message.Farewell
	// GivenUp is the size of the largest checkpoint kept outside that the operator says is lost.
	GivenUp int64
	// Step is called before each transaction; nil: nobody wants to know.
	Step func()
	// Last is called once all that must hold holds again, and nothing is served yet; nil:
	// nothing else has to be done by then.
	Last func(context.Context) error

	atOnce int64 // see atOnce; 0: that
}

func (d Desk) update(ctx context.Context, fn func(tx *db.Tx) error) error {
	if d.Step != nil {
		d.Step()
	}
	return d.Store.Update(ctx, fn)
}

// Continue appends what a copy of the ledger has more than the store, up to the
// latest checkpoint, which ledger.Proves has returned, and records the gap. Where
// nothing is missing, that is recorded as well. Consumers of the ledger pass
// over the gap: what it tells was told when it happened.
func (d Desk) Continue(ctx context.Context, log *ledger.Log, source ledger.Source, latest ledger.Checkpoint, messages string) error {
	r, err := d.open(ctx)
	if err != nil || r.Entry != "" {
		return err
	}
	if err := d.update(ctx, func(tx *db.Tx) error { return r.Reaches(ctx, tx, latest.Size) }); err != nil {
		return err
	}
	if source != nil {
		err := log.Continue(ctx, source, latest, func(ctx context.Context, tx *db.Tx, place int64, ids []string) error {
			if d.Step != nil {
				d.Step()
			}
			return adopted(ctx, tx, r.ID, place, ids)
		})
		if err != nil {
			return err
		}
	}
	return d.update(ctx, func(tx *db.Tx) error {
		r, err := backup.Open(ctx, tx)
		if err != nil {
			return err
		}
		from, err := ledger.Cursor(ctx, tx, messages)
		if err == nil && from < r.To {
			err = ledger.Advance(ctx, tx, messages, from, r.To)
		}
		if err != nil {
			return err
		}
		// Uses of the gap took place: guardians are told of them, they are tallied, and whoever asks
		// whom something has reached is told whom it reached then. An alarm of the gap opens its case
		// once more, which is lost with the store (Article 21).
		if err := ledger.SkipTo(ctx, tx, r.To, access.Counted, access.Counting, tally.Counted, reach.Indexed, incident.Watched); err != nil {
			return err
		}
		_, err = r.Close(ctx, tx, by)
		return err
	})
}

// adopted notes which of the entries that just got their places were known to the
// store: they had waited for a place when the backup was made, and have changed its
// tables.
func adopted(ctx context.Context, tx *db.Tx, restoration string, place int64, ids []string) error {
	waited, err := ledger.Unqueue(ctx, tx, ids)
	if err != nil || len(waited) == 0 {
		return err
	}
	var kept backup.Places
	for i, id := range ids {
		if slices.Contains(waited, id) {
			kept = kept.With(place+int64(i), place+int64(i)+1)
		}
	}
	return backup.Keep(ctx, tx, restoration, kept)
}

func (d Desk) open(ctx context.Context) (r backup.Restoration, err error) {
	err = d.Store.View(ctx, func(tx *db.Tx) (err error) {
		r, err = backup.Open(ctx, tx)
		return err
	})
	return r, err
}

// Replay does again what the gap tells that must hold, and opens the store. First what a
// law demands to keep no more, so that nothing is kept by it; then what concerns children, while what their guardians agreed to can still be read; then who
// is signed in, and what closes whole services.
func (d Desk) Replay(ctx context.Context) (Report, error) {
	r, err := d.open(ctx)
	if err != nil {
		return Report{}, err
	}
	g := newGap()
	err = d.Store.View(ctx, func(tx *db.Tx) error {
		g = newGap()
		err := ledger.Read(ctx, tx, r.From, r.To, func(p ledger.Placed) error {
			if !r.Inside(p.Place) {
				return nil
			}
			return g.survey(p)
		})
		if err == nil {
			g.report.Untold, err = untold(ctx, tx, r.To)
		}
		return err
	})
	if err != nil {
		return Report{}, err
	}
	g.report.GivenUp = d.GivenUp
	g.divide(cmp.Or(d.atOnce, atOnce))
	for _, of := range g.disapproved {
		if err := d.update(ctx, func(tx *db.Tx) error {
			_, err := legal.EndAgain(ctx, tx, of.by, of.service, of.approval)
			return moot(err, legal.ErrNotFound, legal.ErrEnded)
		}); err != nil {
			return g.report, err
		}
	}
	for g.part = range g.parts {
		if err := d.part(ctx, g, r); err != nil {
			return g.report, err
		}
	}
	for more := true; more; {
		if err := d.update(ctx, func(tx *db.Tx) error {
			n, err := session.EndAll(ctx, tx, sessions)
			if err != nil {
				return err
			}
			inside, err := signin.EndAll(ctx, tx, sessions)
			if err != nil {
				return err
			}
			shut, err := inspection.ShutAll(ctx, tx, d.Vault.Ring, by, sessions)
			more = n == sessions || inside == sessions || shut == sessions
			return err
		}); err != nil {
			return g.report, err
		}
	}
	if err := d.update(ctx, func(tx *db.Tx) error { return g.rest(ctx, tx, d.Vault.Ring) }); err != nil {
		return g.report, err
	}
	if d.Last != nil {
		if err := d.Last(ctx); err != nil {
			return g.report, err
		}
	}
	if err := d.update(ctx, func(tx *db.Tx) error {
		return r.Finish(ctx, tx, by, backup.ReplayedBody{Children: g.report.Children, Erased: g.report.Erased, Lost: g.report.lost(), GivenUp: d.GivenUp})
	}); err != nil {
		return g.report, err
	}
	// What was erased again leaves the disk, and not only the tables.
	return g.report, d.Store.Scrub(ctx)
}

// part does again what concerns the children of one part of the gap.
func (d Desk) part(ctx context.Context, g *gap, r backup.Restoration) error {
	err := d.Store.View(ctx, func(tx *db.Tx) error {
		g.children = make(map[string]*child)
		return ledger.Read(ctx, tx, r.From, r.To, func(p ledger.Placed) error {
			if !r.Inside(p.Place) {
				return nil
			}
			return g.read(p)
		})
	})
	if err != nil {
		return err
	}
	for _, subject := range slices.Sorted(maps.Keys(g.children)) {
		over := d.Farewell.Leaving()
		err := d.update(ctx, func(tx *db.Tx) error { return d.child(ctx, tx, g, subject) })
		if err == nil {
			d.Farewell.Room(ctx)
			d.Farewell.Send(ctx, g.letters)
			g.report.add(g.done)
		}
		if over(); err != nil {
			return err
		}
	}
	return nil
}

// sessions bounds how many are ended in one transaction.
const sessions = 500

func (r Report) lost() (n int64) {
	for _, some := range r.Lost {
		n += some
	}
	return n
}

// add counts what was done of one child.
func (r *Report) add(done Report) {
	r.Children += done.Children
	r.Erased += done.Erased
	r.Items += done.Items
	r.No += done.No
	r.Frozen += done.Frozen
	r.Demands += done.Demands
	for kind, n := range done.Lost {
		r.Lost[kind] += n
	}
}

func (d Desk) consents() consent.Desk {
	return consent.Desk{Ring: d.Vault.Ring, Charters: d.Vault.Gate.Charters}
}

func (d Desk) rights() rights.Desk {
	return rights.Desk{Ring: d.Vault.Ring, Charters: d.Vault.Gate.Charters, Calendar: d.Calendar}
}

// any of these says that there is nothing left to do again.
func moot(err error, settled ...error) error {
	if slices.ContainsFunc(settled, func(s error) bool { return errors.Is(err, s) }) {
		return nil
	}
	return err
}
