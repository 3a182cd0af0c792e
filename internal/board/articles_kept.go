package board

import (
	"context"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/replay"
	"wardkeep/internal/retention"
	"wardkeep/internal/tally"
	"wardkeep/internal/vault"
	"wardkeep/internal/webhook"
)

// What follows is how Articles 12 to 15 are computed: what is kept, and who sees it.

// Article 12: every value ends, and is erased then.
func article12(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	swept, err := vault.LastSwept(ctx, tx, s.Name)
	if err != nil {
		return nil, err
	}
	purposes, err := vault.Purposes(ctx, tx, s.Name, tx.Now().Add(-s.Patience))
	overdue := int64(0)
	for _, p := range purposes {
		overdue += p.Overdue
	}
	return []Figure{told("values_erased", swept.Erased), bad("values_overdue", overdue)}, err
}

// sweeps says whether a sweep has lately left nothing due.
func sweeps(ctx context.Context, tx *db.Tx, d Desk) ([]Figure, error) {
	swept, err := retention.LastSweep(ctx, tx)
	late := int64(0)
	if !swept.IsZero() && tx.Now().Sub(swept) > d.Patience {
		late = 1
	}
	return []Figure{seen("sweep_late", late)}, err
}

// Article 13: values exist encrypted only, under keys of which one is the current one. A
// key that retires still holds children while its rotation isn't over.
func article13(ctx context.Context, tx *db.Tx, _ Desk) ([]Figure, error) {
	var keys, current, retiring int64
	var former []string
	err := db.Each(ctx, tx, func(row db.Row) error {
		var name, state string
		err := row.Scan(&name, &state)
		keys++
		switch state {
		case keyring.StateCurrent:
			current++
		default:
			former = append(former, name)
		}
		return err
	}, `SELECT id, state FROM keyring_key WHERE purpose = $1 ORDER BY id`, keyring.PurposePool)
	if err != nil {
		return nil, err
	}
	for _, name := range former {
		n, err := count(ctx, tx, `SELECT count(*) FROM (SELECT child FROM child WHERE pool = $1 LIMIT 1) AS held`, name)
		if err != nil {
			return nil, err
		}
		retiring += n
	}
	none := int64(0)
	if current != 1 {
		none = 1
	}
	copies, err := backup.KeyCopies(ctx, tx)
	uncopied := int64(0)
	for _, c := range copies {
		if !tx.Now().Before(c.Due()) {
			uncopied++
		}
	}
	return []Figure{told("keys", keys), seen("keys_retiring", retiring), seen("keys_uncopied", uncopied), bad("keys_none", none)}, err
}

// Article 14: a use for a purpose that nobody has agreed to is none.
func article14(_ context.Context, _ *db.Tx, s *standing) ([]Figure, error) {
	return []Figure{told("permitted", s.sum(tally.Permitted)), told("denied", s.sum(tally.Denied)), told("uses_looked", s.uses.looked),
		bad("uses_purpose", s.uses.purposes)}, nil
}

// Article 15: by another person's decision, recorded, and reviewed where it couldn't wait.
func article15(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	now := tx.Now().UnixMicro()
	waiting, err := count(ctx, tx, `
		SELECT count(*) FROM (
			SELECT id FROM approval WHERE service = $1 AND state IN ('open', 'agreed') AND NOT glass AND answer_by > $2 LIMIT $3
		) AS open`, s.Name, now, int64(Many))
	if err != nil {
		return nil, err
	}
	open, err := count(ctx, tx, `
		SELECT count(*) FROM (SELECT request FROM broken_glass WHERE reviewed_at IS NULL AND review_by > $1 AND service = $2 LIMIT $3) AS open`, now, s.Name, int64(Many))
	if err != nil {
		return nil, err
	}
	late, err := count(ctx, tx, `
		SELECT count(*) FROM (SELECT request FROM broken_glass WHERE reviewed_at IS NULL AND review_by <= $1 AND service = $2 LIMIT $3) AS late`, now, s.Name, int64(Many))
	if err != nil {
		return nil, err
	}
	apps, err := account.KnownOutside(ctx, tx, s.Name)
	if err != nil {
		return nil, err
	}
	hooks, err := webhook.KnownOutside(ctx, tx, s.Name)
	if err != nil {
		return nil, err
	}
	unmatched, err := s.unmatched(ctx, tx)
	return []Figure{told("looks_asked", s.happened[tally.Asked]["asked"]), told("looks_waiting", waiting), seen("alarms", s.sum(tally.Alarm)),
		seen("reviews_open", open), bad("reviews_late", late), seen("matching_late", unmatched),
		seen("secrets_known", int64(len(apps)+len(hooks)))}, err
}

// unmatched is 1 where somebody has asked for a look within the month, and nobody has matched
// looks with their approvals as long: what isn't matched is found by nobody.
func (s *standing) unmatched(ctx context.Context, tx *db.Tx) (int64, error) {
	if s.happened[tally.Asked]["asked"] == 0 {
		return 0, nil
	}
	m, err := replay.LastMatched(ctx, tx, s.Ring)
	switch e := errs.Of(err); {
	case err == nil && tx.Now().Sub(m.At) <= month*24*time.Hour, e.Is(replay.ErrMatchingForged): // of which matched tells
		return 0, nil
	case err == nil, e.Is(replay.ErrNoMatching):
		return 1, nil
	}
	return 0, err
}

// matched says what the last reconciliation of looks with their approvals found. Before the
// first there is no number of what doesn't match: nobody has looked.
func matched(ctx context.Context, tx *db.Tx, d Desk) ([]Figure, error) {
	m, err := replay.LastMatched(ctx, tx, d.Ring)
	switch e := errs.Of(err); {
	case err == nil:
		return []Figure{told("looks_matched", m.Looks+m.Exported), bad("looks_unmatched", m.Unmatched)}, nil
	case e.Is(replay.ErrNoMatching):
		return []Figure{told("looks_matched", 0)}, nil
	case e.Is(replay.ErrMatchingForged):
		return []Figure{bad("matching_forged", 1)}, nil
	}
	return nil, err
}
