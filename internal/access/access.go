// Package access tells guardians who used what is held about their child, on which
// day, how often and why (PIPL 44 and 45), and knows of each child on which day it was
// used last, for accounts that nobody uses (Article 12).
//
// The ledger knows it, and has no index by child: a row per use would double the
// cost of every use. So a consumer counts the uses off their way, per child and
// day, and whoever looks reads the counts and the end of the ledger.
//
// Its one invariant: each use is counted once, however often the consumer dies;
// what is counted is the ledger's, and goes with the child.
package access

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
)

// Keep is how many days are told (logs are kept for six months at least:
// Cybersecurity Law 21).
const Keep = 184

// The names of the consumer's two places in the ledger: up to where all is
// counted, and up to where it is being counted.
const (
	Counted  = "access"
	Counting = "access.counting"
)

const (
	most     = 1 << 15 // entries counted at once: their counts are in memory
	tail     = 1024    // entries after the counted ones that a page reads: a fifth of a millisecond
	together = db.Chunk
)

// A Use is what is told alike of several uses of one day.
type Use struct {
	Day       int64  // since 1970, in Asia/Shanghai
	Actor     string // as the ledger writes it
	Activity  charter.Activity
	Purpose   string   // empty for a guardian's look or copy
	Party     string   // the recipient, processor or audience
	Items     []string // in order
	Permitted bool
}

// DayOf returns the number of the day on which something happened.
func DayOf(at time.Time) int64 {
	_, offset := at.In(age.Zone).Zone()
	return (at.Unix() + int64(offset)) / (24 * 60 * 60)
}

// Date returns the beginning of the day.
func (u Use) Date() time.Time { return time.Unix(u.Day*24*60*60, 0).UTC() }

// kinds are how the kinds of those entries begin that tell of a use, or that the account of
// a child is used.
var kinds = append([]string{"use."}, lively...)

// UseOf returns what an entry tells, and false for one that tells of no use. The
// replay calls it too. Errors: ledger.ErrDamaged.
func UseOf(p ledger.Placed, uses gate.Bodies) (u Use, ok bool, err error) {
	u = Use{Day: DayOf(p.At), Actor: p.Actor, Permitted: p.Kind == gate.KindPermitted || p.Kind == gate.KindViewed || p.Kind == gate.KindCopied || p.Kind == gate.KindPorted}
	switch p.Kind {
	case gate.KindPermitted, gate.KindDenied:
		b, err := uses.Of(p)
		if err != nil {
			return u, false, err
		}
		u.Activity, u.Purpose, u.Party, u.Items = charter.Activity(b.Activity), b.Purpose, b.Party, b.Items
	case gate.KindViewed, gate.KindViewDenied, gate.KindCopied, gate.KindCopyDenied, gate.KindPorted, gate.KindPortDenied:
		var b gate.AccessBody
		if err := p.Into(&b); err != nil {
			return u, false, err
		}
		u.Activity, u.Items = gate.Access{Demand: b.Demand, Port: p.Kind == gate.KindPorted || p.Kind == gate.KindPortDenied}.Activity(), b.Items
	default:
		return u, false, nil
	}
	u.Items = slices.Clone(u.Items)
	slices.Sort(u.Items)
	return u, true, nil
}

// Line names what is told alike within a day: a key of fixed length, whatever the
// number of items.
func (u Use) Line() []byte {
	permitted := "denied"
	if u.Permitted {
		permitted = "permitted"
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{u.Actor, string(u.Activity), u.Purpose, u.Party, strings.Join(u.Items, " "), permitted}, "\x00")))
	return sum[:]
}

// A Told is a Use with how often it was.
type Told struct {
	Use
	Times int64

	line []byte
	upto int64
}

const columns = `day, line, actor, activity, purpose, party, items, permitted, uses, upto`

func scan(row db.Row) (t Told, err error) {
	var items string
	err = row.Scan(&t.Day, &t.line, &t.Actor, &t.Activity, &t.Purpose, &t.Party, &items, &t.Permitted, &t.Times, &t.upto)
	t.Items = strings.Fields(items)
	return t, err
}

// Of returns at most limit lines about a child, the newest day first, and until
// when they are complete: the zero time is up to now.
func Of(ctx context.Context, tx *db.Tx, c family.Child, limit int) (all []Told, until time.Time, err error) {
	all, err = db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM child_access WHERE child = $1 ORDER BY day DESC, line LIMIT $2`, c.ID, int64(limit))
	if err != nil {
		return nil, until, err
	}
	whole := int64(-1) // days after it are read as a whole
	if len(all) == limit {
		whole = all[limit-1].Day
	}
	from, err := ledger.Cursor(ctx, tx, Counted)
	if err != nil {
		return nil, until, err
	}
	head, err := ledger.Head(ctx, tx)
	if err != nil {
		return nil, until, err
	}
	last, err := ledger.ReadAbout(ctx, tx, from, from+tail, c.Subject, func(p ledger.Placed) error {
		u, ok, err := UseOf(p, nil)
		if err == nil && ok && u.Day > whole {
			all = count(all, u, p.Place)
		}
		return err
	})
	if err != nil {
		return nil, until, err
	}
	if from+tail < head.Size {
		until = last
	}
	lawful, err := approval.Lawful(ctx, tx, c.ID)
	if err != nil {
		return nil, until, err
	}
	first, all := told(all, lawful, tx.Now())
	slices.SortFunc(first, compare)
	slices.SortFunc(all, compare)
	all = append(first, all...)
	return all[:min(len(all), limit)], until, nil
}

// told leaves out what a law keeps from guardians for now: who has asked for a release of
// which they aren't told yet, and to what kind of authority (PIPL 18 and 35). What has left on
// a law and isn't kept from them comes first, for as long as any use is told from the day on
// which they may see it: after a silence its count may be forgotten, or far behind.
func told(all []Told, lawful []approval.Request, now time.Time) (first, rest []Told) {
	rest = slices.DeleteFunc(all, func(t Told) bool {
		return slices.ContainsFunc(lawful, func(r approval.Request) bool {
			return r.SilentUntil.After(now) && t.Party == r.Party() && t.Actor == "staff:"+r.Asker
		})
	})
	var uncounted []Told
	for _, r := range lawful {
		if from := r.SeenFrom(); from.IsZero() || from.After(now) || DayOf(from) <= DayOf(now)-Keep {
			continue
		}
		u := Use{Day: DayOf(r.ReleasedAt), Actor: "staff:" + r.Asker, Activity: r.Activity(), Purpose: r.Purpose, Party: r.Party(),
			Items: slices.Sorted(slices.Values(r.Granted)), Permitted: true}
		line := u.Line()
		same := func(t Told) bool { return t.Day == u.Day && bytes.Equal(t.line, line) }
		if i := slices.IndexFunc(rest, same); i >= 0 {
			first, rest = append(first, rest[i]), slices.Delete(rest, i, i+1)
		} else if i := slices.IndexFunc(uncounted, same); i >= 0 {
			uncounted[i].Times++
		} else if !slices.ContainsFunc(first, same) {
			uncounted = append(uncounted, Told{Use: u, Times: 1, line: line})
		}
	}
	return append(first, uncounted...), rest
}

// compare orders what is told: the newest day first, and within a day by purpose.
func compare(a, b Told) int {
	return cmp.Or(cmp.Compare(b.Day, a.Day), cmp.Compare(a.Purpose, b.Purpose), cmp.Compare(a.Activity, b.Activity),
		slices.Compare(a.Items, b.Items), cmp.Compare(a.Party, b.Party), bytes.Compare(a.line, b.line))
}

// count adds one use that isn't in the counts yet.
func count(all []Told, u Use, place int64) []Told {
	line := u.Line()
	i := slices.IndexFunc(all, func(t Told) bool { return t.Day == u.Day && bytes.Equal(t.line, line) })
	switch {
	case i < 0:
		return append(all, Told{Use: u, Times: 1, line: line})
	case place >= all[i].upto:
		all[i].Times++
	}
	return all
}

// Count counts what the ledger has more, and returns how many entries it has
// looked at; 0 when there is nothing left. If we crash, what was written is not
// written again: the end of what is being counted is fixed before the first row,
// and each row says up to where it has counted.
func Count(ctx context.Context, store *db.DB) (int64, error) {
	from, to, err := stretch(ctx, store)
	if errors.Is(err, ledger.ErrCursorMoved) {
		return 0, nil // another process has just begun
	}
	if err != nil || from == to {
		return 0, err
	}
	counts, err := read(ctx, store, from, to)
	if err != nil {
		return 0, err
	}
	for subjects := range slices.Chunk(slices.Sorted(maps.Keys(counts)), together) {
		err := store.Update(ctx, func(tx *db.Tx) error { return write(ctx, tx, subjects, counts, to) })
		if err != nil {
			return 0, err
		}
	}
	err = store.Update(ctx, func(tx *db.Tx) error { return ledger.Advance(ctx, tx, Counted, from, to) })
	if errors.Is(err, ledger.ErrCursorMoved) {
		err = nil // another process has counted the same
	}
	return to - from, err
}

// stretch returns the places that are to be counted, and fixes the end.
func stretch(ctx context.Context, store *db.DB) (from, to int64, err error) {
	err = store.Update(ctx, func(tx *db.Tx) error {
		var err error
		if from, err = ledger.Cursor(ctx, tx, Counted); err != nil {
			return err
		}
		if to, err = ledger.Cursor(ctx, tx, Counting); err != nil || to > from {
			return err // somebody has begun
		}
		head, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		if to = min(head.Size, from+most); to == from {
			return nil
		}
		return ledger.Advance(ctx, tx, Counting, from, to)
	})
	return from, to, err
}

// A line is a key of a child's counts.
type line struct {
	day int64
	key string
}

// uses are what a stretch of the ledger tells of one child.
type uses struct {
	service string
	last    int64 // the day of the last use; 0: none
	lines   map[line]*Told
}

// read counts a stretch of the ledger, by pseudonym.
func read(ctx context.Context, store *db.DB, from, to int64) (map[string]*uses, error) {
	counts, bodies := make(map[string]*uses), make(gate.Bodies)
	err := store.View(ctx, func(tx *db.Tx) error {
		oldest := DayOf(tx.Now()) - Keep
		return ledger.ReadKinds(ctx, tx, from, to, kinds, func(p ledger.Placed) error {
			u, ok, err := UseOf(p, bodies)
			if err != nil {
				return err
			}
			ok = ok && u.Day > oldest
			lives := Lives(p)
			if !ok && !lives || p.Subject == "" {
				return nil
			}
			of := counts[p.Subject]
			if of == nil {
				of = &uses{service: p.Service, lines: make(map[line]*Told)}
				counts[p.Subject] = of
			}
			if lives {
				of.last = max(of.last, u.Day)
			}
			if !ok {
				return nil
			}
			k := line{u.Day, string(u.Line())}
			if of.lines[k] == nil {
				of.lines[k] = &Told{Use: u, line: []byte(k.key)}
			}
			of.lines[k].Times++
			return nil
		})
	})
	return counts, err
}

// write adds the counts of some children. They stay as they are to the commit, so
// that no row is written about one that is being erased.
func write(ctx context.Context, tx *db.Tx, subjects []string, counts map[string]*uses, upto int64) error {
	children, err := family.HoldSubjects(ctx, tx, subjects)
	if err != nil {
		return err
	}
	for _, subject := range subjects {
		child, ok := children[subject]
		if !ok {
			continue // erased since
		}
		of := counts[subject]
		if of.last > 0 {
			// A use ends what its guardians were told of it.
			err := tx.Queue(ctx, `
				INSERT INTO child_activity (child, service, last, erase_on, entry) VALUES ($1, $2, $3, 0, '')
				ON CONFLICT (child) DO UPDATE SET last = excluded.last, erase_on = 0, entry = '' WHERE child_activity.last < excluded.last`,
				child, of.service, of.last)
			if err != nil {
				return err
			}
		}
		for _, t := range of.lines {
			err := tx.Queue(ctx, `
				INSERT INTO child_access (child, day, line, actor, activity, purpose, party, items, permitted, uses, upto)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
				ON CONFLICT (child, day, line) DO UPDATE SET uses = child_access.uses + excluded.uses, upto = excluded.upto
				WHERE child_access.upto < excluded.upto`,
				child, t.Day, t.line, t.Actor, t.Activity, t.Purpose, t.Party, strings.Join(t.Items, " "), t.Permitted, t.Times, upto)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Forget removes the counts of a child. It is a part of erasing the child (Article
// 20).
func Forget(ctx context.Context, tx *db.Tx, child family.ID) error {
	if err := tx.Queue(ctx, `DELETE FROM child_activity WHERE child = $1`, child); err != nil {
		return err
	}
	return tx.Queue(ctx, `DELETE FROM child_access WHERE child = $1`, child)
}

// Sweep removes at most limit counts of days that aren't told any more (Article
// 12), and returns how many.
func Sweep(ctx context.Context, tx *db.Tx, limit int) (int, error) {
	n, err := tx.Exec(ctx, `
		DELETE FROM child_access WHERE (child, day, line) IN (
			SELECT child, day, line FROM child_access WHERE day <= $1 ORDER BY day, child, line LIMIT $2)`,
		DayOf(tx.Now())-Keep, int64(limit))
	return int(n), err
}
