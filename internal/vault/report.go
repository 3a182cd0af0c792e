package vault

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/ledger"
)

// KindSwept is the kind of the report on a service's sweeps.
const KindSwept = "value.swept"

// A SweptBody says what a sweep has left of a service: that nothing has outlived its
// period, or what has (Article 12). Times are microseconds.
type SweptBody struct {
	Until    int64          `json:"until"`  // what ended until then was to be erased
	Erased   int64          `json:"erased"` // values past their time, since the report before
	Purposes []SweptPurpose `json:"purposes,omitempty"`
}

// A SweptPurpose is what is held for a purpose: the value that ends first, and how many
// of them should have been erased.
type SweptPurpose struct {
	Purpose   string `json:"purpose"`
	Collected int64  `json:"collected"`
	Ends      int64  `json:"ends"`
	Overdue   int64  `json:"overdue,omitempty"`
}

// Swept is what the sweeps have done of a service.
type Swept struct {
	Erased     int64     // values past their time, so far
	ReportedAt time.Time // zero: never

	told int64
}

// LastSwept returns what the sweeps have done of a service.
func LastSwept(ctx context.Context, tx *db.Tx, service string) (Swept, error) {
	s, err := db.One(ctx, tx, func(row db.Row) (s Swept, err error) {
		err = row.Scan(&s.Erased, &s.told, (*db.Time)(&s.ReportedAt))
		return s, err
	}, `SELECT erased, told, reported_at FROM sweep WHERE service = $1`, service)
	if errors.Is(err, db.ErrNone) {
		return Swept{}, nil
	}
	return s, err
}

// CountSwept adds to what the sweeps have erased of a service. If we crash before it,
// the count lacks them: what was erased is in the ledger.
func CountSwept(ctx context.Context, tx *db.Tx, service string, values int) error {
	return tx.Queue(ctx, `
		INSERT INTO sweep (service, erased, told) VALUES ($1, $2, 0)
		ON CONFLICT (service) DO UPDATE SET erased = sweep.erased + excluded.erased`, service, int64(values))
}

// Report records what the sweeps have left of a service, of which all that ended until
// then was to be erased. Of two that report at once one does: the entry is empty for
// the other, and where nothing is held and nothing was erased.
func Report(ctx context.Context, tx *db.Tx, actor, service string, until time.Time, since Swept) (entry string, err error) {
	purposes, err := Purposes(ctx, tx, service, until)
	if err != nil || len(purposes) == 0 && since.Erased == since.told {
		return "", err
	}
	if err := CountSwept(ctx, tx, service, 0); err != nil {
		return "", err
	}
	now := tx.Now()
	n, err := tx.Exec(ctx, `
		UPDATE sweep SET told = $1, reported_at = $2 WHERE service = $3 AND told = $4 AND coalesce(reported_at, 0) = $5`,
		since.Erased, (*db.Time)(&now), service, since.told, reported(since))
	if err != nil || n == 0 {
		return "", err
	}
	body := SweptBody{Until: until.UnixMicro(), Erased: since.Erased - since.told}
	for _, p := range purposes {
		body.Purposes = append(body.Purposes, SweptPurpose{p.Purpose, p.Collected.UnixMicro(), p.Ends.UnixMicro(), p.Overdue})
	}
	return ledger.Append(ctx, tx, ledger.Entry{Kind: KindSwept, Service: service, Actor: actor, Body: body})
}

func reported(s Swept) int64 {
	if s.ReportedAt.IsZero() {
		return 0
	}
	return s.ReportedAt.UnixMicro()
}
