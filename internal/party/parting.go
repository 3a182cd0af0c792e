package party

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
)

// KindParted is the kind of the entry that everybody who has to was ordered: a party that
// has ended is to delete what it may have of each child. Its version is that of the service,
// so it stands behind the end that it follows and before what the party begins anew.
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

// A Walk is over the children of whom a party may hold something that it has to delete: all, after
// its end, or what it may have no longer, once it has narrowed. How far it is the party's row
// says, for who ended or narrowed as this one did. The zero Walk orders nothing.
type Walk struct {
	Party
	cause string
}

// cause names what a walk would follow from; empty if nothing has to be ordered.
func (p Party) cause(now time.Time) string {
	switch {
	case p.Parting(now):
		return p.parts(now)
	case p.Narrowing(now):
		return p.narrows()
	}
	return ""
}

func (p Party) parts(now time.Time) string {
	return strconv.FormatInt(p.EndedAt(now).UnixMicro(), 10)
}

// narrowed is how the cause begins of a walk that follows no end.
const narrowed = "narrowed "

func (p Party) narrows() string { return narrowed + strconv.FormatInt(p.Narrowed, 10) }

// Walks returns the walks that aren't at their end: of parties that have ended, and of those
// that may have less than before. Article 16(4) has them delete timely.
func Walks(ctx context.Context, tx *db.Tx) (walks []Walk, err error) {
	now := tx.Now()
	all, err := db.All(ctx, tx, scan, `
		SELECT `+standing+`, `+identity+` `+joined+`
		WHERE p.ends_at <= $1 OR g.until_at <= $1 OR p.narrowed <> 0
		ORDER BY p.service, p.role, p.name`, (*db.Time)(&now))
	for _, p := range all {
		if cause := p.cause(now); cause != "" {
			walks = append(walks, Walk{p, cause})
		}
	}
	return walks, err
}

// Steady returns the party of a walk as nobody changes it from here to the commit; ok is false
// where what the walk follows from is no more, or is another one.
func (w Walk) Steady(ctx context.Context, tx *db.Tx) (p Party, ok bool, err error) {
	_, err = db.One(ctx, tx, db.Single[string], `
		SELECT name FROM party WHERE service = $1 AND role = $2 AND name = $3`+tx.ForShare(), w.Service, w.Role, w.Name)
	if err == nil {
		p, err = Find(ctx, tx, w.ID)
	}
	return p, err == nil && p.cause(tx.Now()) == w.cause, err
}

// missing is before the key of PartedUpto where a child before it couldn't be come to.
const missing = "!"

// walk is the domain of the marks of how far a walk is.
const walk = "party.walk"

// marked returns how far the walk is as the row keeps it: with a mark that nobody makes
// without the keys, of this party as it stands and of what it follows from. So whoever moves it
// on by hand has all children come by again, and none left out.
func (p Party) marked(ring *keyring.Ring, cause, upto string) string {
	if upto == "" {
		return ""
	}
	mark := ring.Index(walk, p.Service, string(p.Role), p.Name, strconv.FormatInt(p.Version, 10), cause, upto)
	return upto + " " + hex.EncodeToString(mark)
}

// Walked returns up to which child all were looked at, and whether one of them couldn't be
// come to; ok is false where the row says what no walk has written, and then none was. An end
// that has come while the party was narrowing has all children come by anew.
func (p Party) Walked(ring *keyring.Ring, now time.Time) (upto string, missed, ok bool) {
	upto, _, _ = strings.Cut(p.PartedUpto, " ")
	is := func(cause string) bool {
		return subtle.ConstantTimeCompare([]byte(p.marked(ring, cause, upto)), []byte(p.PartedUpto)) == 1
	}
	switch ended := !p.EndedAt(now).IsZero(); {
	case ended && is(p.parts(now)), !ended && is(p.narrows()):
		upto, missed = strings.CutPrefix(upto, missing)
		return upto, missed, true
	case ended && p.Narrowed != 0 && is(p.narrows()):
		return "", false, true
	}
	return "", false, false
}

// PartUpto records what Walked returns; with an empty key, that all are come by again. It
// reports false where somebody has changed the party since, or gone on, or it has ended on
// the way: then nothing is recorded.
func (w *Walk) PartUpto(ctx context.Context, tx *db.Tx, ring *keyring.Ring, upto string, missed bool) (bool, error) {
	if w.Party.cause(tx.Now()) != w.cause {
		return false, nil
	}
	if missed {
		upto = missing + upto
	}
	upto = w.marked(ring, w.cause, upto)
	n, err := tx.Exec(ctx, `
		UPDATE party SET parted_upto = $1
		WHERE service = $2 AND role = $3 AND name = $4 AND version = $5 AND parted_upto = $6`,
		upto, w.Service, w.Role, w.Name, w.Version, w.PartedUpto)
	if err == nil && n == 1 {
		w.PartedUpto = upto
	}
	return n == 1, err
}

// Hold holds the party of a walk to the end of the transaction, so that nobody orders anything
// in between. It reports as PartUpto does.
func (w *Walk) Hold(ctx context.Context, tx *db.Tx) (bool, error) {
	if _, err := catalog.Hold(ctx, tx, w.Service); err != nil {
		return false, err // the service first, as everywhere
	}
	n, err := tx.Exec(ctx, `
		UPDATE party SET name = $1
		WHERE service = $2 AND role = $3 AND name = $1 AND version = $4 AND parted_upto = $5`, w.Name, w.Service, w.Role, w.Version, w.PartedUpto)
	if err != nil || n != 1 {
		return false, err
	}
	// What it may hold a charter changes beside its version.
	is, err := Find(ctx, tx, w.ID)
	if err != nil || is.cause(tx.Now()) != w.cause {
		return false, err
	}
	w.Party = is
	return true, nil
}

// Ends reports whether the walk follows an end.
func (w Walk) Ends() bool { return !strings.HasPrefix(w.cause, narrowed) }

// Part records that all children were looked at, so many, of a walk that is held: the party
// holds nothing any more.
func (w *Walk) Part(ctx context.Context, tx *db.Tx, actor string, children int64) error {
	now := tx.Now()
	w.Holding, w.Narrowed, w.NarrowedAt, w.PartedAt = Holding{}, 0, time.Time{}, now
	return w.finish(ctx, tx, actor, KindParted, PartedBody{Party: w.Name, Role: w.Role, Ended: w.EndedAt(now).UnixMicro(), Children: children})
}

// Trim records that all children were looked at, so many, of a walk that is held and follows a
// narrowing, and how many orders that came to: of the rest the party may hold what it might.
func (w *Walk) Trim(ctx context.Context, tx *db.Tx, actor string, children, orders int64) error {
	body := TrimmedBody{Party: w.Name, Role: w.Role, Narrowed: w.Narrowed, Children: children, Orders: orders}
	w.Holding, w.Narrowed, w.NarrowedAt = w.Trimmed(), 0, time.Time{}
	return w.finish(ctx, tx, actor, KindTrimmed, body)
}

func (w *Walk) finish(ctx context.Context, tx *db.Tx, actor, kind string, body any) error {
	s, err := catalog.Advance(ctx, tx, w.Service)
	if err != nil {
		return err
	}
	w.Version, w.PartedUpto = s.Version, ""
	if err := w.turn(ctx, tx); err != nil {
		return err
	}
	_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: w.Service, Version: w.Version, Actor: actor, Body: body})
	return err
}
