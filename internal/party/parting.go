package party

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/ledger"
)

// KindParted is the kind of the entry that everybody who has to was ordered: a party that
// has ended is to delete what it may have of each child. It changes nothing that the gate
// reads, so it has no version.
const KindParted = "party.parted"

// A PartedBody says of which end, and of how many children the party was looked for.
type PartedBody struct {
	Party    string `json:"party"`
	Role     Role   `json:"role"`
	Ended    int64  `json:"ended"` // microseconds
	Children int64  `json:"children"`
}

// EndedAt returns when the party ended, by somebody's word or with its agreement; zero if it
// hasn't. That an assessment is over is no end: it may be made again.
func (s Standing) EndedAt(now time.Time) (at time.Time) {
	if s.Over(now) {
		at = s.EndsAt
	}
	if g := s.Agreement; g.Exists() && !now.Before(g.Until) && (at.IsZero() || g.Until.Before(at)) {
		at = g.Until
	}
	return at
}

// Parting reports whether a party has ended, and not all that follows was ordered yet. Until
// then it begins nothing anew: it would keep what isn't ordered of what it got under the
// papers of before (Article 16(4)).
func (p Party) Parting(now time.Time) bool {
	at := p.EndedAt(now)
	return !at.IsZero() && p.PartedAt.Before(at)
}

// Leaving returns the parties that have ended, and of which not every child was looked at
// yet: Article 16(4) has them delete timely.
func Leaving(ctx context.Context, tx *db.Tx) ([]Party, error) {
	now := tx.Now()
	all, err := db.All(ctx, tx, scan, `
		SELECT `+standing+`, `+identity+` `+joined+`
		WHERE p.ends_at <= $1 OR g.until_at <= $1
		ORDER BY p.service, p.role, p.name`, (*db.Time)(&now))
	return slices.DeleteFunc(all, func(p Party) bool { return !p.Parting(now) }), err
}

// missing is before the key of PartedUpto where a child before it couldn't be come to.
const missing = "!"

// walk is the domain of the marks of how far a walk is.
const walk = "party.walk"

// marked returns how far the walk is as the row keeps it: with a mark that nobody makes
// without the keys, of this party as it stands and of this end. So whoever moves it on by hand
// has all children come by again, and none left out.
func (p Party) marked(ring *keyring.Ring, ended time.Time, upto string) string {
	if upto == "" {
		return ""
	}
	mark := ring.Index(walk, p.Service, string(p.Role), p.Name, strconv.FormatInt(p.Version, 10), strconv.FormatInt(ended.UnixMicro(), 10), upto)
	return upto + " " + hex.EncodeToString(mark)
}

// Walked returns up to which child all were looked at, and whether one of them couldn't be
// come to; ok is false where the row says what no walk has written, and then none was.
func (p Party) Walked(ring *keyring.Ring, now time.Time) (upto string, missed, ok bool) {
	upto, _, _ = strings.Cut(p.PartedUpto, " ")
	if subtle.ConstantTimeCompare([]byte(p.marked(ring, p.EndedAt(now), upto)), []byte(p.PartedUpto)) != 1 {
		return "", false, false
	}
	upto, missed = strings.CutPrefix(upto, missing)
	return upto, missed, true
}

// PartUpto records what Walked returns; with an empty key, that all are come by again. It
// reports false where somebody has changed the party since, or gone on: then nothing is
// recorded.
func (p *Party) PartUpto(ctx context.Context, tx *db.Tx, ring *keyring.Ring, upto string, missed bool) (bool, error) {
	if missed {
		upto = missing + upto
	}
	upto = p.marked(ring, p.EndedAt(tx.Now()), upto)
	n, err := tx.Exec(ctx, `
		UPDATE party SET parted_upto = $1
		WHERE service = $2 AND role = $3 AND name = $4 AND version = $5 AND parted_upto = $6`,
		upto, p.Service, p.Role, p.Name, p.Version, p.PartedUpto)
	if err == nil && n == 1 {
		p.PartedUpto = upto
	}
	return n == 1, err
}

// Part records that all children were looked at, so many. It reports as PartUpto does.
func (p *Party) Part(ctx context.Context, tx *db.Tx, actor string, children int64) (bool, error) {
	now := tx.Now()
	n, err := tx.Exec(ctx, `
		UPDATE party SET parted_upto = '', parted_at = $1
		WHERE service = $2 AND role = $3 AND name = $4 AND version = $5 AND parted_upto = $6`,
		(*db.Time)(&now), p.Service, p.Role, p.Name, p.Version, p.PartedUpto)
	if err != nil || n != 1 {
		return false, err
	}
	_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: KindParted, Service: p.Service, Actor: actor,
		Body: PartedBody{Party: p.Name, Role: p.Role, Ended: p.EndedAt(now).UnixMicro(), Children: children}})
	p.PartedUpto, p.PartedAt = "", now
	return err == nil, err
}
