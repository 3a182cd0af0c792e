package ledger

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"wardkeep/internal/base/db"
)

// ReadAbout is Read for the entries about one subject, and returns the time of the
// last entry that it looked at, zero if there was none. The others cost a look at
// their bytes and not a parse: an entry in which the name of the subject doesn't
// occur isn't about it.
func ReadAbout(ctx context.Context, tx *db.Tx, from, to int64, subject string, each func(Placed) error) (last time.Time, err error) {
	if from < 0 || from >= to || subject == "" {
		return last, nil
	}
	name := []byte(`"` + subject + `"`) // a whole bundle without it is passed over
	err = db.Each(ctx, tx, func(row db.Row) error {
		b, err := scanBundle(row)
		if err != nil {
			return err
		}
		last = time.UnixMicro(b.maxAt).UTC()
		if !bytes.Contains(b.entries, name) {
			return nil
		}
		entries, err := frames(b.entries)
		if err != nil {
			return fmt.Errorf("the bundle at place %d: %w", b.start, err)
		}
		for i, text := range entries {
			place := b.start + int64(i)
			if place < from || place >= to || !bytes.Contains(text, name) {
				continue
			}
			p, err := decode(place, text)
			if err != nil {
				return err
			}
			if p.Subject != subject {
				continue
			}
			if err := each(p); err != nil {
				return err
			}
		}
		return nil
	}, selectBundle+` WHERE start >= $1 AND start < $2 ORDER BY start`, from-from%width, to)
	return last, err
}
