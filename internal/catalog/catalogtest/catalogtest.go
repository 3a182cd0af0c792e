// Package catalogtest publishes charters for tests, as an office does: it signs an
// assessment of each purpose first.
//
// Its one invariant: it goes through the verbs of catalog and around none of them.
package catalogtest

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/impact/impacttest"
)

// Assess signs an assessment of each purpose of a version that lacks one.
func Assess(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by catalog.Officer, service string, number int64) error {
	_, c, err := catalog.Text(ctx, tx, service, number)
	if err != nil {
		return err
	}
	lacking, err := catalog.Unassessed(ctx, tx, ring, service, number, c)
	for _, s := range lacking {
		if err == nil {
			_, _, err = catalog.Assess(ctx, tx, ring, by, service, number, impacttest.Form(c, s.Purpose), time.Time{})
		}
	}
	return err
}

// Publish is catalog.Publish of a version that was assessed. What Publish refuses it
// refuses, too, whether or not the version could be assessed.
func Publish(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by catalog.Officer, service string, number int64) (catalog.Published, string, error) {
	assessed := Assess(ctx, tx, ring, by, service, number)
	p, entry, err := catalog.Publish(ctx, tx, ring, by, service, number)
	if errors.Is(err, catalog.ErrUnassessed) {
		err = errors.Join(assessed, err)
	}
	return p, entry, err
}
