// Package ledger keeps the tamper-evident record of every fact and every
// decision. It names nobody: entries carry pseudonyms, versions and codes.
//
// Append puts an entry among the pending ones, in the caller's transaction, so
// a change and its record commit together or not at all (invariant 12). The
// sequencer (Log) then gives pending entries their places, 0, 1, 2, …, hashes
// them into an RFC 6962 tree, and signs its head. What is stored are entry
// bundles and tiles (C2SP tlog-tiles) and a checkpoint (C2SP tlog-checkpoint),
// so clients of other transparency logs can read it.
//
// # Order
//
// Its one invariant: for one subject, the order of places is the order of
// versions. A change takes the version that it makes, under a lock on the
// subject's row; a use takes the version that it was decided at, under a shared
// lock on the same row. Hence whoever appends with a later version (or uses the
// version that another made) could do so only after that other had committed.
// So in any snapshot, what must come before a visible entry is visible too, or
// has its place already. The sequencer therefore takes all that is pending, or
// a part that is closed in this sense, and within it puts entries of one subject in
// order; entries of transactions that have not committed yet are not visible
// and can only belong behind. Times play no part in that argument: between
// subjects order follows the time of the transactions, and is only as good as
// the clocks of the nodes.
package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
)

// What the ledger can refuse.
var (
	ErrNotFound    = errs.New(errs.NotFound, "ledger.not_found")    // no such entry has a place (yet)
	ErrOutside     = errs.New(errs.NotFound, "ledger.outside")      // the place or size lies beyond the head
	ErrCursorMoved = errs.New(errs.Conflict, "ledger.cursor_moved") // another consumer was faster
	ErrDamaged     = errs.New(errs.Internal, "ledger.damaged")      // what is stored contradicts itself: run verify
	ErrOrigin      = errs.New(errs.Unavailable, "ledger.origin_changed")
	ErrBusy        = errs.New(errs.Unavailable, "ledger.lease_taken") // another process sequences
)

// MaxEntry is the greatest length of an entry in bytes. C2SP bundles could hold
// 65,535.
const MaxEntry = 60_000

// An Entry is one fact or one decision. Nothing in it may name a person.
type Entry struct {
	Kind    string // "consent.granted"; declared by the package that owns it
	Service string // "" if it is about the installation
	Subject string // a child's pseudonym ("su_…"), or "" if it is about the service
	Version int64  // of the subject, or of the service: after a change, or during a use
	Actor   string // "guardian:gu_…"
	Body    any    // marshalled as JSON; declared beside the kind
}

// leaf is what is hashed: an entry as JSON, its members in this order.
type leaf struct {
	ID      string `json:"id"`
	At      int64  `json:"at"`
	Kind    string `json:"kind"`
	Service string `json:"service"`
	Subject string `json:"subject"`
	Version int64  `json:"version"`
	Actor   string `json:"actor"`
	Body    any    `json:"body"`
}

// Append records e in tx and returns its id, "le_…". The entry is durable
// when tx is, and gets its place within about a second.
func Append(ctx context.Context, tx *db.Tx, e Entry) (string, error) {
	if e.Kind == "" || e.Version < 0 {
		return "", errors.New("ledger: an entry without a kind or with a negative version")
	}
	span := tx.Span(ctx, "ledger.append")
	defer span.End()
	entry, err := newID(tx)
	if err != nil {
		return "", err
	}
	text, err := encode(tx, e, entry)
	if err != nil {
		return "", err
	}
	// If we crash before tx commits there is neither change nor entry; after it,
	// the entry waits here for the next sequencer, in this process or another.
	return entry, tx.Queue(ctx, `
		INSERT INTO ledger_pending (id, subject, service, version, entry)
		VALUES ($1, $2, $3, $4, $5)`,
		entry, e.Subject, e.Service, rank(e.Kind, e.Version), text)
}

func encode(tx *db.Tx, e Entry, entry string) ([]byte, error) {
	text, err := json.Marshal(leaf{entry, tx.Now().UnixMicro(), e.Kind, e.Service, e.Subject, e.Version, e.Actor, e.Body})
	if err != nil {
		return nil, fmt.Errorf("ledger: %s: %w", e.Kind, err)
	}
	if len(text) > MaxEntry {
		return nil, fmt.Errorf("ledger: %s: %d bytes, more than %d", e.Kind, len(text), MaxEntry)
	}
	return text, nil
}

// rank orders the entries of one subject: the change that made version v, then
// the uses and looks at v, and what was decided once more before it was sent, then the
// change that makes v+1. It is what ledger_pending keeps as version.
func rank(kind string, version int64) int64 {
	if strings.HasPrefix(kind, "use.") || strings.HasPrefix(kind, "access.") || kind == "bundle.released" || kind == "bundle.withheld" {
		return 2*version + 1
	}
	return 2 * version
}
