package incident

import (
	"context"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
)

// ReportBy opens a case as a system of the operator's reports it, by its key: what watches the
// apps sees a leak before anybody of the staff does. It holds the service, so that of a hundred
// that are sent at once none is one too many. Errors: ErrMayNot, ErrMany, those of the report.
func (d Desk) ReportBy(ctx context.Context, tx *db.Tx, by account.App, r Report) (Case, string, error) {
	if !by.May(account.IncidentsWrite) {
		return Case{}, "", ErrMayNot
	}
	if _, err := catalog.Hold(ctx, tx, by.Service); err != nil {
		return Case{}, "", err
	}
	if err := few(ctx, tx, by.Service, by.Ledger()); err != nil {
		return Case{}, "", err
	}
	return d.open(ctx, tx, Case{Service: by.Service, Source: App, Reporter: by.Ledger()}, r, OpenedBody{})
}

// FindBy returns a case that the app has reported. Errors: ErrNotFound.
func FindBy(ctx context.Context, tx *db.Tx, by account.App, name string) (Case, error) {
	c, err := Find(ctx, tx, by.Service, name)
	if err == nil && c.Reporter != by.Ledger() {
		return Case{}, ErrNotFound
	}
	return c, err
}

// AddBy adds what the app that has reported a case has found or done since. Errors: ErrMayNot,
// ErrNotFound, ErrWords, ErrFull.
func AddBy(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by account.App, name string, words pii.Text) (Case, string, error) {
	if !by.May(account.IncidentsWrite) {
		return Case{}, "", ErrMayNot
	}
	if !isWords(words) {
		return Case{}, "", ErrWords.At("words")
	}
	return add(ctx, tx, ring, by.Ledger(), by.Service, name, func(c Case) bool { return c.Reporter == by.Ledger() }, words)
}
