package retention

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault"
)

// InactiveLead is how long before a child whose account nobody uses is erased its guardians
// are told, unless the operator sets more. Less is no choice: the notice says so much.
const InactiveLead = charter.InactiveLead * 24 * time.Hour

// overdueDays is how many days after the day that its guardians were told a child is still erased.
// Whatever has kept the sweep from it for longer (a standing server, a freeze, a
// charter that was recalled) may have kept the family from using the account, too: they are
// told once more.
const overdueDays = 7

// errUntold says that by its row an unused child's day has come, and by the ledger it hasn't. The
// audit tells more.
var errUntold = errors.New("retention: nobody was told of the end of an unused account")

// An inactive is the rule of one service for accounts that nobody uses (Article 12), as its
// charter in force says it.
type inactive struct {
	store   *db.DB
	vault   *vault.Vault
	tells   *message.Farewell
	lead    int64 // days
	teller  string
	service string
	charter int64
	period  charter.Period

	told, erased atomic.Int64
	counting     sync.Mutex
}

// sweepInactive tells of the children whose account nobody uses, and erases those of whom
// it was told when their day has come. It reads an index for each service that has the
// rule: what it costs is those who are due. If we crash before a commit, the child is due
// again. Told is how many it has told of.
func sweepInactive(store *db.DB, v *vault.Vault, f *message.Farewell, terms Terms, told *int) work {
	var rules []*inactive // nil until the first turn
	var steps []work
	return func(ctx context.Context, until time.Time) (erased int, more bool, err error) {
		if rules == nil {
			if rules, err = inactives(ctx, store, v, f, terms); err != nil {
				return 0, false, err
			}
			for _, r := range rules {
				steps = append(steps,
					through(store, r.ending, func(ctx context.Context, a access.Activity) (int, error) { return 0, r.end(ctx, a) }),
					through(store, r.idle, func(ctx context.Context, a access.Activity) (int, error) { return 0, r.tell(ctx, a) }))
			}
		}
		var failed failures
		for len(steps) > 0 {
			_, left, err := steps[0](ctx, until)
			if failed.add(err); !left {
				steps = steps[1:]
			}
			if over(ctx, until) {
				break
			}
		}
		for _, r := range rules {
			*told += int(r.told.Swap(0))
			erased += int(r.erased.Swap(0))
		}
		return erased, len(steps) > 0, failed.joined()
	}
}

// inactives returns the rules of the services that have one and whose gate is open.
func inactives(ctx context.Context, store *db.DB, v *vault.Vault, f *message.Farewell, terms Terms) (rules []*inactive, err error) {
	err = store.View(ctx, func(tx *db.Tx) error {
		rules = []*inactive{}
		services, err := catalog.List(ctx, tx)
		if err != nil {
			return err
		}
		for _, s := range services {
			if !usable(s) {
				continue
			}
			published, err := v.Gate.Charters.Version(ctx, tx, s.Name, s.Charter)
			if err != nil {
				return err
			}
			if period := published.Charter.Inactive; !period.IsZero() {
				rules = append(rules, &inactive{store: store, vault: v, tells: f, lead: int64(max(terms.InactiveLead, InactiveLead) / (24 * time.Hour)), teller: terms.Teller,
					service: s.Name, charter: s.Charter, period: period})
			}
		}
		return nil
	})
	return rules, err
}

// usable reports whether the gate of a service is open. While it is closed to everybody,
// that nobody uses an account says nothing; and of a service that ends, guardians are told
// another day.
func usable(s catalog.Service) bool {
	return len(s.Missing()) == 0 && !s.Recalled && !s.Ceases("")
}

// idle looks for whom it is time to tell: a whole lead is between the day on which it is told and
// the day of the erasure.
func (r *inactive) idle(ctx context.Context, tx *db.Tx, after access.Activity, limit int) ([]access.Activity, error) {
	by := access.DayOf(tx.Now()) + r.lead + 1
	return access.Idle(ctx, tx, r.service, access.LastIdle(r.period, by), after, limit)
}

// ending looks for whose day has come.
func (r *inactive) ending(ctx context.Context, tx *db.Tx, after access.Activity, limit int) ([]access.Activity, error) {
	today := access.DayOf(tx.Now())
	return access.Ending(ctx, tx, r.service, today, access.LastIdle(r.period, today), after, limit)
}

// tell records of a child when it is erased, and so has its guardians told. Who was idle for
// longer when the rule came has the whole lead all the same.
func (r *inactive) tell(ctx context.Context, a access.Activity) error {
	return r.step(ctx, a, &r.told, func(tx *db.Tx, c family.Child) ([]notify.Message, error) {
		day := max(access.IdleFrom(r.period, a.Last), access.DayOf(tx.Now())+r.lead+1)
		entry, err := family.TellInactive(ctx, tx, actor, c, r.charter, access.Begin(a.Last), access.Begin(day))
		if err != nil {
			return nil, err
		}
		return nil, a.Announce(ctx, tx, day, entry)
	})
}

// end erases a child whose guardians were told of the day.
func (r *inactive) end(ctx context.Context, a access.Activity) error {
	today := access.DayOf(r.store.Now())
	heard, err := r.heard(ctx, a)
	switch {
	case err != nil:
		return err
	case !heard && a.EraseOn == today:
		return nil
	case !heard, a.EraseOn+overdueDays < today:
		return r.tell(ctx, a)
	}
	r.tells.Room(ctx) // a whole cohort may have the same day, and none of its letters is dropped
	return r.step(ctx, a, &r.erased, func(tx *db.Tx, c family.Child) (letters []notify.Message, err error) {
		if err := announced(ctx, tx, c, a); err != nil {
			return nil, err
		}
		letters, _, err = Erase(ctx, tx, r.vault, r.tells, actor, c, family.Inactive)
		return letters, err
	})
}

// heard reports whether who tells the guardians has come to the entry that asks for it: else the
// lead that they were to have is over, and they have heard nothing.
func (r *inactive) heard(ctx context.Context, a access.Activity) (heard bool, err error) {
	if r.teller == "" {
		return true, nil
	}
	err = r.store.View(ctx, func(tx *db.Tx) error {
		p, err := ledger.Find(ctx, tx, a.Entry)
		if errors.Is(err, ledger.ErrNotFound) {
			heard = true // announced says what that is
			return nil
		}
		if err != nil {
			return err
		}
		upto, err := ledger.Cursor(ctx, tx, r.teller)
		heard = p.Place >= 0 && p.Place < upto
		return err
	})
	return heard, err
}

// announced returns errUntold unless the ledger says what the row does: a row alone erases nobody.
func announced(ctx context.Context, tx *db.Tx, c family.Child, a access.Activity) error {
	p, err := ledger.Find(ctx, tx, a.Entry)
	if errors.Is(err, ledger.ErrNotFound) {
		return errUntold
	}
	if err != nil {
		return err
	}
	var b family.InactiveBody
	if err := p.Into(&b); err != nil {
		return err
	}
	if p.Kind != family.KindInactive || p.Subject != c.Subject ||
		b.Last != access.Begin(a.Last).UnixMicro() || b.Erase != access.Begin(a.EraseOn).UnixMicro() {
		return errUntold
	}
	return nil
}

// step does something with a child that is due, if it still is when it is locked, and counts it.
// Where it can't be known whether it was used lately, it is left for another sweep.
func (r *inactive) step(ctx context.Context, a access.Activity, done *atomic.Int64, fn func(*db.Tx, family.Child) ([]notify.Message, error)) error {
	var waits bool
	err := r.store.View(ctx, func(tx *db.Tx) error {
		c, err := family.Find(ctx, tx, r.service, a.Child)
		if err == nil {
			waits, err = mustWait(ctx, tx, c)
		}
		return err
	})
	if err != nil || waits {
		return err
	}
	err = r.locked(ctx, a, done, fn)
	if errors.Is(err, access.ErrBehind) {
		if err := r.catchUp(ctx); err != nil {
			return err
		}
		err = r.locked(ctx, a, done, fn)
	}
	if errors.Is(err, access.ErrBehind) {
		return nil
	}
	return err
}

func (r *inactive) locked(ctx context.Context, a access.Activity, done *atomic.Int64, fn func(*db.Tx, family.Child) ([]notify.Message, error)) error {
	defer r.tells.Leaving()()
	var letters []notify.Message
	due := false
	err := r.store.Update(ctx, func(tx *db.Tx) error {
		letters, due = nil, false // it may run again
		c, err := family.Lock(ctx, tx, r.service, a.Child)
		if err == nil {
			due, err = r.due(ctx, tx, c, a)
		}
		if err == nil && due {
			letters, err = fn(tx, c)
		}
		return err
	})
	if err != nil || !due {
		return err
	}
	r.tells.Send(ctx, letters)
	done.Add(1)
	return nil
}

// due reports whether nothing has come between since we looked: a use, counted or not, another
// charter, or what a child has to wait for.
func (r *inactive) due(ctx context.Context, tx *db.Tx, c family.Child, a access.Activity) (bool, error) {
	s, err := catalog.Find(ctx, tx, r.service)
	if err != nil || !usable(s) || s.Charter != r.charter {
		return false, err
	}
	now, err := access.ActivityOf(ctx, tx, c.ID)
	if err != nil || now != a {
		return false, err
	}
	if waits, err := mustWait(ctx, tx, c); err != nil || waits {
		return false, err
	}
	used, err := access.UsedSince(ctx, tx, c, a.Last)
	return !used, err
}

// mustWait reports whether a child is neither told of nor erased for being unused. Who is frozen or in
// dispute can't be used (Article 20, edge cases 7 and 11): that nobody does is our doing, and
// somebody has to decide first, or evidence would go by itself. A demand that is open
// has an answer to come (Articles 19 and 20), and whoever made it is waiting. A child that nobody
// agreed for has an end of its own (edge case 5). What a law demands to keep keeps nobody:
// it is sealed and outlives the child as with any erasure (edge case 14).
func mustWait(ctx context.Context, tx *db.Tx, c family.Child) (bool, error) {
	if c.State != family.Active || c.Frozen || c.Disputed {
		return true, nil
	}
	demands, err := rights.Of(ctx, tx, c.ID)
	return slices.ContainsFunc(demands, func(d rights.Request) bool { return d.State == rights.Open }), err
}

// catchUp counts what the ledger has more, one at a time.
func (r *inactive) catchUp(ctx context.Context) error {
	r.counting.Lock()
	defer r.counting.Unlock()
	_, err := access.Count(ctx, r.store)
	return err
}
