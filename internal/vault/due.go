package vault

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
)

// A Due is a value past its time. What is due is in order: by service and purpose, and
// within those as the values ended.
type Due struct {
	Service, Purpose string
	Ends             time.Time
	Child            family.ID
	Item             string
}

// DueValues returns values whose time is over, those behind after and at most limit.
// The zero Due is before all of them. It reads the expiry index and nothing else: its
// cost is what is due and how many purposes there are, not what is held.
func DueValues(ctx context.Context, tx *db.Tx, after Due, limit int) (all []Due, err error) {
	now := tx.Now()
	for {
		more, err := db.All(ctx, tx, func(row db.Row) (d Due, err error) {
			d.Service, d.Purpose = after.Service, after.Purpose
			err = row.Scan((*db.Time)(&d.Ends), &d.Child, &d.Item)
			return d, err
		}, `
			SELECT expires_at, child, item FROM value
			WHERE service = $1 AND purpose = $2 AND expires_at <= $3 AND (expires_at, child, item) > ($4, $5, $6)
			ORDER BY expires_at, child, item LIMIT $7`,
			after.Service, after.Purpose, (*db.Time)(&now), after.Ends.UnixMicro(), after.Child, after.Item, int64(limit-len(all)))
		if err != nil {
			return nil, err
		}
		if all = append(all, more...); len(all) == limit {
			return all, nil
		}
		next, err := nextPurpose(ctx, tx, after.Service, after.Purpose)
		if errors.Is(err, db.ErrNone) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		after = Due{Service: next.Service, Purpose: next.Purpose}
	}
}

// A Purpose is what is held for one purpose of one service, as its expiry index tells it.
type Purpose struct {
	Service, Purpose string
	Collected        time.Time // of the value that ends first
	Ends             time.Time // of that value
	Overdue          int64     // how many are past their time, Many at most
}

// Many is up to where what is overdue is counted.
const Many = 1000

// nextPurpose returns the purpose behind one of which values are held. Errors:
// db.ErrNone. Both looks are one step in the index: SQLite would read all that is held for
// a purpose to find what is greater than the pair.
func nextPurpose(ctx context.Context, tx *db.Tx, service, purpose string) (Purpose, error) {
	scan := func(row db.Row) (p Purpose, err error) {
		err = row.Scan(&p.Service, &p.Purpose)
		return p, err
	}
	next, err := db.One(ctx, tx, scan, `
		SELECT service, purpose FROM value WHERE service = $1 AND purpose > $2
		ORDER BY purpose, expires_at, child, item LIMIT 1`, service, purpose)
	if !errors.Is(err, db.ErrNone) {
		return next, err
	}
	return db.One(ctx, tx, scan, `
		SELECT service, purpose FROM value WHERE service > $1
		ORDER BY service, purpose, expires_at, child, item LIMIT 1`, service)
}

// Purposes returns what is held for each purpose, those of a service or, with "", of all,
// and what is overdue as of that moment. That nothing is overdue is read, and not counted (Article 12): the value that ends
// first is the first of its purpose in the index, so its cost is the number of purposes.
func Purposes(ctx context.Context, tx *db.Tx, service string, as time.Time) (all []Purpose, err error) {
	p := Purpose{Service: service}
	for {
		if p, err = nextPurpose(ctx, tx, p.Service, p.Purpose); errors.Is(err, db.ErrNone) || err == nil && service != "" && p.Service != service {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		p, err = db.One(ctx, tx, func(row db.Row) (Purpose, error) {
			err := row.Scan((*db.Time)(&p.Collected), (*db.Time)(&p.Ends))
			return p, err
		}, `
			SELECT collected_at, expires_at FROM value WHERE service = $1 AND purpose = $2
			ORDER BY expires_at, child, item LIMIT 1`, p.Service, p.Purpose)
		if err != nil {
			return nil, err
		}
		if !p.Ends.After(as) {
			p.Overdue, err = db.One(ctx, tx, db.Single[int64], `
				SELECT count(*) FROM (
					SELECT child FROM value WHERE service = $1 AND purpose = $2 AND expires_at <= $3 LIMIT $4
				) due`, p.Service, p.Purpose, (*db.Time)(&as), int64(Many))
			if err != nil {
				return nil, err
			}
		}
		all = append(all, p)
	}
}
