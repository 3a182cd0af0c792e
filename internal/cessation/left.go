package cessation

import (
	"context"
	"errors"
	"sync"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/retention"
)

// each takes a step for children, a few at once, each in a transaction of its own, and
// returns for whom it failed: they are to be left, and keep nobody else waiting. Where it
// is the store that fails, or the time is over, it says nothing of them, and on is false.
func (w *work) each(ctx context.Context, some []family.ID, step func(tx *db.Tx, child family.ID) error) (left []family.ID, on bool, err error) {
	var mu sync.Mutex
	on = true
	err = retention.Each(some, retention.AtOnce, func(child family.ID) error {
		err := retention.Gone(w.store.Update(ctx, func(tx *db.Tx) error { return step(tx, child) }))
		if err != nil {
			mu.Lock()
			defer mu.Unlock()
			left = append(left, child)
			on = on && !retention.Away(err)
		}
		return err
	})
	return left, on && ctx.Err() == nil, err
}

// leave notes for whom a step failed. Who is erased meanwhile isn't noted: the row would
// outlive it.
func (w *work) leave(ctx context.Context, tx *db.Tx, children []family.ID, told bool) error {
	for _, child := range children {
		err := tx.Queue(ctx, `
			INSERT INTO ceasing_left (child, service, purpose, told)
			SELECT child, service, CAST($1 AS text), CAST($2 AS boolean) FROM child WHERE child = $3 AND state <> 'erased'`+tx.ForShare()+`
			ON CONFLICT (child, purpose) DO UPDATE SET told = excluded.told`, w.Purpose, told, child)
		if err != nil {
			return err
		}
	}
	return nil
}

// again takes a step for those who were left, told or not, but for whoever was told late and
// can look still. It returns for how many it was taken, and whether anything else can succeed.
func (w *work) again(ctx context.Context, told bool, step func(tx *db.Tx, child family.ID) error) (n int, on bool, err error) {
	var failed []error
	for after := family.ID(""); ; {
		var some []family.ID
		err := w.store.View(ctx, func(tx *db.Tx) (err error) {
			now := tx.Now()
			some, err = db.All(ctx, tx, db.Single[family.ID], `
				SELECT child FROM ceasing_left WHERE service = $1 AND purpose = $2 AND told = $3 AND child > $4 AND (ends_at IS NULL OR ends_at <= $5)
				ORDER BY child LIMIT $6`, w.Service, w.Purpose, told, after, (*db.Time)(&now), batch)
			return err
		})
		if err != nil || len(some) == 0 {
			return n, err == nil, errors.Join(append(failed, err)...)
		}
		after = some[len(some)-1]
		left, on, err := w.each(ctx, some, step)
		n += len(some) - len(left)
		failed = append(failed, err)
		if !on {
			return n, false, errors.Join(failed...)
		}
	}
}

// left returns how many children are left.
func (w *work) left(ctx context.Context, tx *db.Tx) (int64, error) {
	return db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM ceasing_left WHERE service = $1 AND purpose = $2`, w.Service, w.Purpose)
}

// Late returns until when the guardians of a child can look who were told late, of its
// service (the empty name) and of purposes: of what isn't there, as long as all others.
func Late(ctx context.Context, tx *db.Tx, child family.ID) (map[string]time.Time, error) {
	type late struct {
		purpose string
		ends    time.Time
	}
	all, err := db.All(ctx, tx, func(row db.Row) (l late, err error) {
		err = row.Scan(&l.purpose, (*db.Time)(&l.ends))
		return l, err
	}, `SELECT purpose, ends_at FROM ceasing_left WHERE child = $1 AND ends_at IS NOT NULL ORDER BY purpose`, child)
	ends := make(map[string]time.Time, len(all))
	for _, l := range all {
		ends[l.purpose] = l.ends
	}
	return ends, err
}
