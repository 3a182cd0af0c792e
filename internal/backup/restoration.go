package backup

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/ledger"
)

// ErrNotReplayed refuses all work on a store that was put back and doesn't know yet
// what happened since: wardkeep restore.
var ErrNotReplayed = errs.New(errs.Unavailable, "backup.not_replayed")

// A RestoredBody says which entries have changed no table: those of these places,
// for they came after the copy was made that was put back. The ledger has them, the
// store never saw them.
type RestoredBody struct {
	Restoration string `json:"restoration"`
	Backup      string `json:"backup,omitempty"`
	From        int64  `json:"from"`           // the place of the first
	To          int64  `json:"to"`             // one more than that of the last
	Kept        string `json:"kept,omitempty"` // but for these: they waited for their place when the copy was made ("3-7 9-10")
}

// A ReplayedBody says that whatever must hold of those entries has been done anew.
type ReplayedBody struct {
	Restoration string `json:"restoration"`
	Children    int64  `json:"children"` // of whom something was done
	Erased      int64  `json:"erased"`   // of these
	Lost        int64  `json:"lost"`     // entries of which nothing could be done again: see docs/operations.md
	// GivenUp is the size of the largest checkpoint that was kept outside, and that the operator has
	// given up for lost, now or before: the ledger doesn't continue it. 0: there is none.
	GivenUp int64 `json:"given_up,omitempty"`
}

// A Restoration is one time that the store was put back.
type Restoration struct {
	ID     string // "rs_…"
	Backup string // "bk_…", or "" of PostgreSQL's own
	From   int64  // the size of the ledger that it was put back to
	To     int64  // its size when the store was lost; 0 while that isn't known
	Kept   Places
	Entry  string    // of the ledger, once the gap is closed
	DoneAt time.Time // zero until it was replayed
}

// Inside reports whether an entry has changed no table.
func (r Restoration) Inside(place int64) bool {
	return place >= r.From && place < r.To && !r.Kept.Has(place)
}

const restorationColumns = `id, backup, from_place, to_place, kept, entry, done_at`

func scanRestoration(row db.Row) (r Restoration, err error) {
	var to *int64
	var kept string
	if err := row.Scan(&r.ID, &r.Backup, &r.From, &to, &kept, &r.Entry, (*db.Time)(&r.DoneAt)); err != nil {
		return r, err
	}
	if to != nil {
		r.To = *to
	}
	r.Kept, err = ParsePlaces(kept)
	return r, err
}

// Mark makes the store one that must be replayed before anything else is done with
// it. The ledger that it holds is what it is put back to.
func Mark(ctx context.Context, tx *db.Tx, backup string) (Restoration, error) {
	head, err := ledger.Head(ctx, tx)
	if err != nil {
		return Restoration{}, err
	}
	r := Restoration{ID: id.New(id.Restoration), Backup: backup, From: head.Size}
	return r, tx.Queue(ctx, `INSERT INTO restoration (id, backup, from_place, kept, entry) VALUES ($1, $2, $3, '', '')`, r.ID, r.Backup, r.From)
}

// Open returns the restoration that isn't done yet, or ErrNotFound.
func Open(ctx context.Context, tx *db.Tx) (Restoration, error) {
	r, err := db.One(ctx, tx, scanRestoration, `SELECT `+restorationColumns+` FROM restoration WHERE done_at IS NULL`)
	if errors.Is(err, db.ErrNone) {
		err = ErrNotFound
	}
	return r, err
}

// Check returns ErrNotReplayed for a store that must not be used yet.
func Check(ctx context.Context, tx *db.Tx) error {
	r, err := Open(ctx, tx)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("%w: %s", ErrNotReplayed, r.ID)
	}
	return err
}

// Restorations returns every time that the store was put back, in the order of what
// it was put back to.
func Restorations(ctx context.Context, tx *db.Tx) ([]Restoration, error) {
	return db.All(ctx, tx, scanRestoration, `SELECT `+restorationColumns+` FROM restoration ORDER BY from_place, id`)
}

// Reaches says where the gap ends, before the first of its entries is there. It never
// ends earlier than was said before.
func (r Restoration) Reaches(ctx context.Context, tx *db.Tx, to int64) error {
	n, err := tx.Exec(ctx, `
		UPDATE restoration SET to_place = $1 WHERE id = $2 AND entry = '' AND (to_place IS NULL OR to_place <= $1)`, to, r.ID)
	if err == nil && n != 1 {
		err = ledger.ErrCopyShort
	}
	return err
}

// Keep notes that an entry of these places was known already: it had waited for its
// place when the copy was made.
func Keep(ctx context.Context, tx *db.Tx, restoration string, places Places) error {
	if len(places) == 0 {
		return nil
	}
	text, err := db.One(ctx, tx, db.Single[string], `SELECT kept FROM restoration WHERE id = $1`, restoration)
	if err != nil {
		return err
	}
	kept, err := ParsePlaces(text)
	if err != nil {
		return err
	}
	for _, p := range places {
		kept = kept.With(p.From, p.To)
	}
	return tx.Queue(ctx, `UPDATE restoration SET kept = $1 WHERE id = $2`, kept.String(), restoration)
}

// Close records the gap in the ledger, once it stands there.
func (r Restoration) Close(ctx context.Context, tx *db.Tx, by Actor) (Restoration, error) {
	var err error
	r.Entry, err = ledger.Append(ctx, tx, ledger.Entry{Kind: KindRestored, Actor: by.Ledger(),
		Body: RestoredBody{Restoration: r.ID, Backup: r.Backup, From: r.From, To: r.To, Kept: r.Kept.String()}})
	if err != nil {
		return r, err
	}
	n, err := tx.Exec(ctx, `UPDATE restoration SET entry = $1 WHERE id = $2 AND entry = ''`, r.Entry, r.ID)
	if err == nil && n != 1 {
		err = ErrGone
	}
	return r, err
}

// Finish lets the store be used again: the last transaction of a replay.
func (r Restoration) Finish(ctx context.Context, tx *db.Tx, by Actor, body ReplayedBody) error {
	now := tx.Now()
	n, err := tx.Exec(ctx, `UPDATE restoration SET done_at = $1 WHERE id = $2 AND done_at IS NULL AND entry <> ''`, (*db.Time)(&now), r.ID)
	if err == nil && n != 1 {
		err = ErrGone
	}
	if err != nil {
		return err
	}
	body.Restoration = r.ID
	return note(ctx, tx, by, KindReplayed, body)
}

// Places are places in the ledger, as ranges in order.
type Places []Range

// A Range is the places from From to To-1.
type Range struct{ From, To int64 }

// Has reports whether a place is among them.
func (all Places) Has(place int64) bool {
	for _, r := range all {
		if place >= r.From && place < r.To {
			return true
		}
	}
	return false
}

// With returns the places and those from from to to-1, which lie behind them.
func (all Places) With(from, to int64) Places {
	if n := len(all); n > 0 && all[n-1].To == from {
		more := append(Places(nil), all...)
		more[n-1].To = to
		return more
	}
	return append(all[:len(all):len(all)], Range{from, to})
}

// String writes them as ParsePlaces reads them: "3-7 9-10", each without its end.
func (all Places) String() string {
	var b strings.Builder
	for i, r := range all {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.FormatInt(r.From, 10) + "-" + strconv.FormatInt(r.To, 10))
	}
	return b.String()
}

// ParsePlaces reads what String writes, and refuses everything else.
func ParsePlaces(text string) (all Places, err error) {
	for _, part := range strings.Fields(text) {
		from, to, _ := strings.Cut(part, "-")
		r := Range{}
		var wrong [2]error
		r.From, wrong[0] = strconv.ParseInt(from, 10, 64)
		r.To, wrong[1] = strconv.ParseInt(to, 10, 64)
		if errors.Join(wrong[:]...) != nil || r.From < 0 || r.From >= r.To || len(all) > 0 && r.From <= all[len(all)-1].To {
			return nil, fmt.Errorf("%w: places that can't be", ledger.ErrDamaged)
		}
		all = append(all, r)
	}
	if all.String() != text {
		return nil, fmt.Errorf("%w: places in another form", ledger.ErrDamaged)
	}
	return all, nil
}
