package approval

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/staff"
)

// Looks are how often a person has looked in the hour and on the day of the last look, by
// the clock in China. The zero Looks are none.
type Looks struct {
	Hour, InHour int64 // the hour since 1970, and the looks in it
	Day, InDay   int64

	Since, InBurst int64 // when the running burst began, in microseconds, and the looks since
}

// At returns the looks of the hour and the day of that moment. A clock that goes back
// begins nothing anew.
func (l Looks) At(now time.Time) Looks {
	_, offset := now.In(age.Zone).Zone()
	clock := now.Unix() + int64(offset)
	if hour := clock / (60 * 60); hour > l.Hour {
		l.Hour, l.InHour = hour, 0
	}
	if day := clock / (24 * 60 * 60); day > l.Day {
		l.Day, l.InDay = day, 0
	}
	return l
}

// Within returns the looks, with a burst anew if the running one is as old as that.
func (l Looks) Within(now time.Time, long time.Duration) Looks {
	if at := now.UnixMicro(); at-l.Since >= long.Microseconds() {
		l.Since, l.InBurst = at, 0
	}
	return l
}

// Plus returns the looks with n more.
func (l Looks) Plus(n int64) Looks {
	l.InHour, l.InDay, l.InBurst = l.InHour+n, l.InDay+n, l.InBurst+n
	return l
}

// PlusDocument returns the looks with one more, at a document of a guardian's: it counts in
// the hour and on the day, and makes no burst, for they are judged one after the other.
func (l Looks) PlusDocument() Looks {
	l.InHour, l.InDay = l.InHour+1, l.InDay+1
	return l
}

// Bursts reports whether n more make a burst of them, which is more than that many.
func (l Looks) Bursts(n, than int64) bool { return l.InBurst <= than && l.InBurst+n > than }

// Hold holds a person who wants to look to the end of the transaction, and returns how
// often they have looked: who has left too, without a role. The child is locked before.
// Errors: ErrMayNot where nobody is there.
func Hold(ctx context.Context, tx *db.Tx, person string) (p staff.Person, l Looks, err error) {
	p, err = staff.Lock(ctx, tx, person)
	if errors.Is(err, staff.ErrLeft) {
		p, err = staff.Find(ctx, tx, person) // nothing changes of who has left
	}
	if errors.Is(err, staff.ErrNotFound) {
		err = ErrMayNot
	}
	if err != nil {
		return p, l, err
	}
	all, err := db.All(ctx, tx, func(row db.Row) (l Looks, err error) {
		err = row.Scan(&l.Hour, &l.InHour, &l.Day, &l.InDay, &l.Since, &l.InBurst)
		return l, err
	}, `SELECT hour, in_hour, day, in_day, since, in_burst FROM person_looks WHERE person = $1 ORDER BY person`, p.ID)
	if len(all) == 1 {
		l = all[0]
	}
	return p, l.At(tx.Now()), err
}

// Count counts looks, of an export as many as it has items: by the approval about a locked
// child, and of the person whom Hold has held. What rests on a basis is noted as released,
// and who has to be told. The gate has permitted them in the same transaction. Errors:
// ErrUsedUp.
func Count(ctx context.Context, tx *db.Tx, ring *keyring.Ring, c family.Child, r Request, l Looks, looks int64) error {
	before := r.Looks
	r.Looks += looks
	if err := r.release(ctx, tx, c, "staff:"+r.Asker); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `
		UPDATE approval SET looks = $1, released_at = $2, told_at = $3, bound = $4 WHERE child = $5 AND id = $6 AND looks = $7 AND quota >= $1`,
		r.Looks, (*db.Time)(&r.ReleasedAt), (*db.Time)(&r.ToldAt), r.bind(ring), r.Child, r.ID, before)
	if err == nil && n != 1 {
		err = ErrUsedUp
	}
	if err != nil {
		return err
	}
	return keep(ctx, tx, r.Asker, l.Plus(looks))
}

// CountDocument counts a look at a document of the person whom Hold has held. The limits are
// those of looks at values, which it uses up (Article 15). Errors: ErrLooked.
func CountDocument(ctx context.Context, tx *db.Tx, person string, l Looks, perHour, perDay int64) error {
	if l.InHour >= perHour || l.InDay >= perDay {
		return ErrLooked
	}
	return keep(ctx, tx, person, l.PlusDocument())
}

func keep(ctx context.Context, tx *db.Tx, person string, l Looks) error {
	return tx.Queue(ctx, `
		INSERT INTO person_looks (person, hour, in_hour, day, in_day, since, in_burst) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (person) DO UPDATE SET hour = excluded.hour, in_hour = excluded.in_hour, day = excluded.day, in_day = excluded.in_day,
			since = excluded.since, in_burst = excluded.in_burst`,
		person, l.Hour, l.InHour, l.Day, l.InDay, l.Since, l.InBurst)
}
