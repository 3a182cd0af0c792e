package access

import (
	"context"
	"errors"
	"slices"
	"sort"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/rights"
)

// ErrBehind says that it isn't known whether something was used lately: too much of the
// ledger isn't counted yet, or has no place yet.
var ErrBehind = errors.New("access: too much is not counted yet")

// An Activity is since when nobody has used anything of a child.
type Activity struct {
	Child   family.ID
	Last    int64  // the day of the last use
	EraseOn int64  // the day on which it is erased, as its guardians were told; 0: they weren't, or it was used since
	Entry   string // "le_…", that they are told; empty: they aren't
}

// lively are how the kinds of those entries begin by which a guardian shows that the
// account is used: it has looked, answered, demanded, proved who it is.
var lively = []string{"access.", "child.", "consent.", "request.", "verification."}

// follows are kinds of such entries that only follow from another.
var follows = []string{family.KindDisputed, family.KindSettled, family.KindUnfrozen}

// Lives reports whether an entry shows that the account of its child is used: something of
// the child was used with a permit, or a guardian, or the minor itself, has done
// something; and the account begins with being registered. The replay calls it too.
func Lives(p ledger.Placed) bool {
	switch p.Kind {
	case family.KindRegistered:
		return true
	case gate.KindPermitted:
		// Who looks inside keeps no account alive, nor does a processor that fetches something.
		return !strings.HasPrefix(p.Actor, "staff:") && !strings.HasPrefix(p.Actor, "party:")
	case gate.KindViewDenied, gate.KindCopyDenied, gate.KindPorted, gate.KindPortDenied: // of the last two, whom a guardian has named comes
		return false
	}
	if !strings.HasPrefix(p.Actor, "guardian:") || slices.Contains(follows, p.Kind) {
		return false
	}
	// What a restore says once more the guardian did then, and not now.
	switch p.Kind {
	case consent.KindRefused, consent.KindWithdrawn:
		if b := (consent.AnswerBody{}); p.Into(&b) != nil || b.Again {
			return false
		}
	case rights.KindCancelled:
		if b := (rights.EndedBody{}); p.Into(&b) != nil || b.Again {
			return false
		}
	}
	return slices.ContainsFunc(lively, func(begin string) bool { return strings.HasPrefix(p.Kind, begin) })
}

// Begin returns the moment at which a day begins in Asia/Shanghai.
func Begin(day int64) time.Time {
	noon := time.Unix(day*24*60*60, 0)
	_, offset := noon.In(age.Zone).Zone()
	return noon.Add(-time.Duration(offset) * time.Second).UTC()
}

// IdleFrom returns the day at whose beginning something that was last used on a day has
// been unused for the whole period, whenever on that day it was.
func IdleFrom(p charter.Period, last int64) int64 { return DayOf(p.After(Begin(last))) + 1 }

// longestIdle is more days than any period that a charter may give.
const longestIdle = 4 * 366

// LastIdle returns the latest day on which what has been unused for the whole period on a day
// can have been used.
func LastIdle(p charter.Period, by int64) int64 {
	first := by - longestIdle
	return first + int64(sort.Search(longestIdle, func(n int) bool { return IdleFrom(p, first+int64(n)) > by })) - 1
}

const activityColumns = `child, last, erase_on, entry`

func scanActivity(row db.Row) (a Activity, err error) {
	err = row.Scan(&a.Child, &a.Last, &a.EraseOn, &a.Entry)
	return a, err
}

// ActivityOf returns since when nobody has used anything of a child, as far as it is
// counted; the zero Activity, if nothing of it is counted yet.
func ActivityOf(ctx context.Context, tx *db.Tx, child family.ID) (Activity, error) {
	a, err := db.One(ctx, tx, scanActivity, `SELECT `+activityColumns+` FROM child_activity WHERE child = $1`, child)
	if errors.Is(err, db.ErrNone) {
		err = nil
	}
	return a, err
}

// Idle returns children of a service of whom nothing was used after a day and nobody was told
// so, the longest first, those behind after and at most limit. It reads the index: its
// cost is what it returns.
func Idle(ctx context.Context, tx *db.Tx, service string, last int64, after Activity, limit int) ([]Activity, error) {
	return db.All(ctx, tx, scanActivity, `
		SELECT `+activityColumns+` FROM child_activity
		WHERE service = $1 AND erase_on = 0 AND last <= $2 AND (last, child) > ($3, $4)
		ORDER BY last, child LIMIT $5`, service, last, after.Last, after.Child, int64(limit))
}

// Ending returns children of a service whose guardians were told of a day that isn't after by,
// and of whom nothing was used after last, the first told first, those behind after and at most
// limit. It reads the index.
func Ending(ctx context.Context, tx *db.Tx, service string, by, last int64, after Activity, limit int) ([]Activity, error) {
	return db.All(ctx, tx, scanActivity, `
		SELECT `+activityColumns+` FROM child_activity
		WHERE service = $1 AND erase_on <> 0 AND erase_on <= $2 AND last <= $3 AND (erase_on, child) > ($4, $5)
		ORDER BY erase_on, child LIMIT $6`, service, by, last, after.EraseOn, after.Child, int64(limit))
}

// Announce notes the day on which a locked child is erased if it isn't used before, and the
// entry that tells of it.
func (a Activity) Announce(ctx context.Context, tx *db.Tx, eraseOn int64, entry string) error {
	n, err := tx.Exec(ctx, `UPDATE child_activity SET erase_on = $1, entry = $2 WHERE child = $3 AND last = $4 AND erase_on = $5`,
		eraseOn, entry, a.Child, a.Last, a.EraseOn)
	if err == nil && n != 1 {
		err = errors.New("access: the child was not locked in this transaction")
	}
	return err
}

// Announced returns of how many children of a service the guardians were told that they are
// erased unless they are used, and the first day of it, 0 where there are none.
func Announced(ctx context.Context, tx *db.Tx, service string) (children, first int64, err error) {
	type sum struct{ children, first int64 }
	s, err := db.One(ctx, tx, func(row db.Row) (s sum, err error) {
		err = row.Scan(&s.children, &s.first)
		return s, err
	}, `SELECT count(*), coalesce(min(erase_on), 0) FROM child_activity WHERE service = $1 AND erase_on <> 0`, service)
	return s.children, s.first, err
}

const (
	behind  = 1 << 13     // entries that aren't counted, of which those about one child are looked for: two milliseconds
	waiting = time.Minute // how long an entry may wait for its place, before there are too many to look at
)

// UsedSince reports whether anything of a locked child was used after a day, by what is not
// counted yet: no use that was recorded before the lock is overlooked. Errors: ErrBehind.
func UsedSince(ctx context.Context, tx *db.Tx, c family.Child, day int64) (used bool, err error) {
	from, err := ledger.Cursor(ctx, tx, Counted)
	if err != nil {
		return false, err
	}
	oldest, err := ledger.OldestPending(ctx, tx)
	if err != nil {
		return false, err
	}
	if !oldest.IsZero() && tx.Now().Sub(oldest) > waiting {
		return false, ErrBehind
	}
	look := func(p ledger.Placed) error {
		used = used || Lives(p) && DayOf(p.At) > day
		return nil
	}
	// What waits for its place comes first: each statement sees what was committed before it,
	// and what gets its place in between is before the end that is read next.
	if err := ledger.PendingAbout(ctx, tx, c.Subject, look); err != nil || used {
		return used, err
	}
	head, err := ledger.Head(ctx, tx)
	if err != nil {
		return false, err
	}
	if head.Size-from > behind {
		return false, ErrBehind
	}
	_, err = ledger.ReadAbout(ctx, tx, from, head.Size, c.Subject, look)
	return used, err
}
