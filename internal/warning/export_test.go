package warning

import (
	"context"

	"wardkeep/internal/base/db"
)

// One tells one addressee as a round does that has read them just now.
func One(ctx context.Context, t Teller, n Notice, a Addressee) error {
	var text Text
	err := t.Store.View(ctx, func(*db.Tx) (err error) {
		text, err = n.Text(t.Consent.Ring)
		return err
	})
	if err == nil {
		_, err = t.one(ctx, n, text, a)
	}
	return err
}

// PrepareAll prepares all addressees of a notice, and tells nobody.
func PrepareAll(ctx context.Context, t Teller, n Notice) (int64, error) {
	var done Done
	err := t.prepare(ctx, n, &done)
	return done.Prepared, err
}
