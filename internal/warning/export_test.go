package warning

import "context"

// PrepareAll prepares all addressees of a notice, and tells nobody.
func PrepareAll(ctx context.Context, t Teller, n Notice) (int64, error) {
	var done Done
	err := t.prepare(ctx, n, &done)
	return done.Prepared, err
}
