package party

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family/age"
)

// Limits are how many values a party may have, by all of its keys together. Zeros are those of Defaults.
type Limits struct {
	PerHour, PerDay int64
	Burst           int64 // values within a minute that raise no alarm
}

// Defaults are the limits where nobody says others.
var Defaults = Limits{PerHour: 10_000, PerDay: 100_000, Burst: 2_000}

// OrDefault returns the limits with Defaults in place of zeros.
func (l Limits) OrDefault() Limits {
	set := func(n *int64, value int64) {
		if *n <= 0 {
			*n = value
		}
	}
	set(&l.PerHour, Defaults.PerHour)
	set(&l.PerDay, Defaults.PerDay)
	set(&l.Burst, Defaults.Burst)
	return l
}

// A Meter says how many values a party has had in the minute, the hour and on the day of the
// last of them, by the clock in China. The zero Meter is none.
type Meter struct {
	Minute, InMinute int64 // the minute since 1970, and the values in it
	Hour, InHour     int64
	Day, InDay       int64
	Warned           int64 // the last hour in which an alarm was raised because there were too many
}

// At returns the meter of that moment. A clock that goes back begins nothing anew.
func (m Meter) At(now time.Time) Meter {
	_, offset := now.In(age.Zone).Zone()
	clock := now.Unix() + int64(offset)
	for _, w := range []struct {
		is, in *int64
		long   int64 // seconds
	}{{&m.Minute, &m.InMinute, 60}, {&m.Hour, &m.InHour, 60 * 60}, {&m.Day, &m.InDay, 24 * 60 * 60}} {
		if at := clock / w.long; at > *w.is {
			*w.is, *w.in = at, 0
		}
	}
	return m
}

// Plus returns the meter with n values more.
func (m Meter) Plus(n int64) Meter {
	m.InMinute, m.InHour, m.InDay = m.InMinute+n, m.InHour+n, m.InDay+n
	return m
}

// Bursts reports whether n values more make a burst of them, which is more than that many.
func (m Meter) Bursts(n, than int64) bool { return m.InMinute <= than && m.InMinute+n > than }

// A metered is a Meter with whose it is.
type metered struct {
	of ID
	Meter
}

func scanMeter(row db.Row) (m metered, err error) {
	err = row.Scan(&m.of.Service, &m.of.Role, &m.of.Name, &m.Minute, &m.InMinute, &m.Hour, &m.InHour, &m.Day, &m.InDay, &m.Warned)
	return m, err
}

const meterColumns = `service, role, party, minute, in_minute, hour, in_hour, day, in_day, warned`

// HoldMeter returns how many values a party has had, and holds that to the end of the
// transaction: of two requests by its keys one counts after the other. The child is held
// before.
func HoldMeter(ctx context.Context, tx *db.Tx, of ID) (Meter, error) {
	m, err := db.One(ctx, tx, scanMeter, `
		INSERT INTO party_meter (`+meterColumns+`) VALUES ($1, $2, $3, 0, 0, 0, 0, 0, 0, 0)
		ON CONFLICT (service, role, party) DO UPDATE SET party = excluded.party
		RETURNING `+meterColumns, of.Service, of.Role, of.Name)
	return m.At(tx.Now()), err
}

// ReadMeter returns how many values a party has had.
func ReadMeter(ctx context.Context, tx *db.Tx, of ID) (Meter, error) {
	m, err := db.One(ctx, tx, scanMeter, `
		SELECT `+meterColumns+` FROM party_meter WHERE service = $1 AND role = $2 AND party = $3`, of.Service, of.Role, of.Name)
	if errors.Is(err, db.ErrNone) {
		err = nil
	}
	return m.At(tx.Now()), err
}

// EachMeter calls fn with what every party has had, for an audit. It must not use tx.
func EachMeter(ctx context.Context, tx *db.Tx, fn func(of ID, m Meter) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		m, err := scanMeter(row)
		if err != nil {
			return err
		}
		return fn(m.of, m.Meter)
	}, `SELECT `+meterColumns+` FROM party_meter ORDER BY service, role, party`)
}

// Keep writes the meter of a party that HoldMeter has held.
func (m Meter) Keep(ctx context.Context, tx *db.Tx, of ID) error {
	return tx.Queue(ctx, `
		UPDATE party_meter SET minute = $1, in_minute = $2, hour = $3, in_hour = $4, day = $5, in_day = $6, warned = $7
		WHERE service = $8 AND role = $9 AND party = $10`,
		m.Minute, m.InMinute, m.Hour, m.InHour, m.Day, m.InDay, m.Warned, of.Service, of.Role, of.Name)
}
