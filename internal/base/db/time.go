package db

import (
	"database/sql/driver"
	"fmt"
	"time"
)

// Time stores a time.Time as microseconds; the zero time is NULL.
// Convert at the call: (*db.Time)(&c.GivenAt).
type Time time.Time

// Value returns the microseconds since 1970, or nil for the zero time.
func (t *Time) Value() (driver.Value, error) {
	if t == nil || time.Time(*t).IsZero() {
		return nil, nil
	}
	return time.Time(*t).UnixMicro(), nil
}

// Scan reads what Value wrote, as UTC.
func (t *Time) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*t = Time{}
	case int64:
		*t = Time(time.UnixMicro(v).UTC())
	default:
		return fmt.Errorf("db: cannot read %T as a time", v)
	}
	return nil
}
