package retention

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/vault"
)

// count adds what a sweep has erased of each service to what the sweeps have.
func count(ctx context.Context, store *db.DB, erased map[string]int) error {
	if len(erased) == 0 {
		return nil
	}
	return store.Update(ctx, func(tx *db.Tx) error {
		for _, service := range slices.Sorted(maps.Keys(erased)) {
			if err := vault.CountSwept(ctx, tx, service, erased[service]); err != nil {
				return err
			}
		}
		return nil
	})
}

// report records once a day (in Asia/Shanghai) of each service that a sweep which began
// at that moment has left nothing behind that had ended by then, and which value ends next
// (Article 12). An inspector reads it in the ledger.
func report(ctx context.Context, store *db.DB, began time.Time) error {
	due := make(map[string]vault.Swept)
	err := store.View(ctx, func(tx *db.Tx) error {
		services, err := catalog.List(ctx, tx)
		if err != nil {
			return err
		}
		for _, s := range services {
			last, err := vault.LastSwept(ctx, tx, s.Name)
			if err != nil {
				return err
			}
			if last.ReportedAt.IsZero() || access.DayOf(last.ReportedAt) != access.DayOf(tx.Now()) {
				due[s.Name] = last
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, service := range slices.Sorted(maps.Keys(due)) {
		err := store.Update(ctx, func(tx *db.Tx) error {
			_, err := vault.Report(ctx, tx, actor, service, began, due[service])
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// A Standing is how long values are kept for a purpose, and what is held for it.
type Standing struct {
	vault.Purpose
	Retention charter.Retention // zero: the charter in force has no such purpose
	Held      bool              // otherwise nothing is, and Collected and Ends are zero
}

// Show returns how each purpose of a service stands, those of its charter first, and then those
// of which only former versions told. Errors: those of catalog.
func Show(ctx context.Context, tx *db.Tx, charters *catalog.Cache, service string) (all []Standing, err error) {
	held, err := vault.Purposes(ctx, tx, service, tx.Now())
	if err != nil {
		return nil, err
	}
	published, err := charters.Current(ctx, tx, service)
	if err != nil && !errors.Is(err, catalog.ErrNoCharter) {
		return nil, err
	}
	if published.Charter != nil {
		for _, p := range published.Charter.Purposes {
			s := Standing{Purpose: vault.Purpose{Service: service, Purpose: p.Name}, Retention: p.Retention}
			if i := slices.IndexFunc(held, func(h vault.Purpose) bool { return h.Purpose == p.Name }); i >= 0 {
				s.Purpose, s.Held = held[i], true
				held = slices.Delete(held, i, i+1)
			}
			all = append(all, s)
		}
	}
	for _, h := range held {
		all = append(all, Standing{Purpose: h, Held: true})
	}
	return all, nil
}

// An Unused is what holds for accounts of a service that nobody uses.
type Unused struct {
	After     charter.Period // zero: the charter in force has no rule for them
	Announced int64          // children whose guardians were told of the day of the erasure
	First     time.Time      // the first of these days; zero if there are none
}

// ShowUnused returns what holds for accounts of a service that nobody uses, as far as it is
// counted. Errors: those of catalog.
func ShowUnused(ctx context.Context, tx *db.Tx, charters *catalog.Cache, service string) (u Unused, err error) {
	published, err := charters.Current(ctx, tx, service)
	if err != nil && !errors.Is(err, catalog.ErrNoCharter) {
		return u, err
	}
	if published.Charter != nil {
		u.After = published.Charter.Inactive
	}
	children, first, err := access.Announced(ctx, tx, service)
	if u.Announced = children; children > 0 {
		u.First = access.Begin(first)
	}
	return u, err
}

// CountUnused returns of how many children of a service the guardians were told that they are
// erased since nobody uses the account.
func CountUnused(ctx context.Context, tx *db.Tx, service string) (int64, error) {
	children, _, err := access.Announced(ctx, tx, service)
	return children, err
}
