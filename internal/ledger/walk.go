package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"wardkeep/internal/base/db"
)

// A Sought says which entries a walk looks for: those to which all of it applies. The
// zero Sought is every entry.
type Sought struct {
	Kinds    []string // nil: every kind
	Services []string // nil: of every service, and of none
	Subject  string
	Actor    string
	From, To time.Time // From ≤ t < To; zero: from the first, to the last
}

// walkAtMost is how many bundles a walk reads: some 16,000 entries, whether they are
// sought or not. An index of subjects or actors would cost a row, or a part of one, with
// each entry for ever, and could hide an entry from whoever asks by it. A walk reads the
// bundles themselves, which each proof and the audit compare with what was hashed.
const walkAtMost = 64

// A Walked is what a walk has found, the newest first.
type Walked struct {
	Found []Placed
	Next  int64     // the place before which it goes on; 0: it has seen all
	Cut   bool      // it went no further, and what it looked for may lie before Next
	Back  time.Time // how far back it went, where it was cut
}

// Walk looks for entries before a place, or from the end if that is 0, going back: the
// newest at most limit of them. Its cost is bounded whatever the size and whatever is
// sought: where that is rare it ends with Cut, and goes on at Next. Errors: ErrDamaged,
// also where a bundle is missing, so that none is passed over.
func Walk(ctx context.Context, tx *db.Tx, s Sought, before int64, limit int) (Walked, error) {
	return walk(ctx, tx, s, before, limit, walkAtMost)
}

// walk is Walk with a bound of so many bundles.
func walk(ctx context.Context, tx *db.Tx, s Sought, before int64, limit, most int) (w Walked, err error) {
	floor, end, err := s.stretch(ctx, tx)
	if err != nil {
		return w, err
	}
	if before > 0 {
		end = min(end, before)
	}
	for read, page := 0, 1; end > floor; page = min(2*page, 16) {
		some, err := db.All(ctx, tx, scanBundle, selectBundle+` WHERE start >= $1 AND start < $2 ORDER BY start DESC LIMIT $3`,
			floor-floor%width, end, min(page, most-read))
		if err != nil {
			return Walked{}, err
		}
		if len(some) == 0 {
			return Walked{}, fmt.Errorf("%w: there is no bundle before place %d", ErrDamaged, end)
		}
		for _, b := range some {
			if err := w.bundle(b, s, floor, end, limit); err != nil {
				return Walked{}, err
			}
			if w.Next > 0 {
				return w, nil
			}
			end = b.start
		}
		read += len(some)
		if read >= most && end > floor {
			w.Next, w.Cut, w.Back = end, true, time.UnixMicro(some[len(some)-1].minAt).UTC()
			return w, nil
		}
	}
	return w, nil
}

// bundle looks at the entries of one bundle from floor to end-1, the last first, and sets
// Next where there is no room for more.
func (w *Walked) bundle(b bundle, s Sought, floor, end int64, limit int) error {
	if b.start > end-1 || end-b.start > width {
		return fmt.Errorf("%w: there is no bundle with place %d", ErrDamaged, end-1)
	}
	if !s.inside(b.entries) {
		return nil
	}
	entries, err := frames(b.entries)
	if err != nil {
		return fmt.Errorf("the bundle at place %d: %w", b.start, err)
	}
	if int64(len(entries)) < end-b.start {
		return fmt.Errorf("%w: there is no entry at place %d", ErrDamaged, end-1)
	}
	for place := end - 1; place >= max(b.start, floor); place-- {
		text := entries[place-b.start]
		if !s.likely(text) {
			continue
		}
		p, err := decode(place, text)
		if err != nil {
			return err
		}
		if !s.is(p) {
			continue
		}
		w.Found = append(w.Found, p)
		if len(w.Found) == limit && place > floor {
			w.Next = place
			return nil
		}
	}
	return nil
}

// disorder is how many bundles are looked at for entries that a node with another clock
// has put among later ones.
const disorder = 64

// stretch returns the places among which everything lies that is of the sought time.
func (s Sought) stretch(ctx context.Context, tx *db.Tx) (floor, end int64, err error) {
	head, err := Head(ctx, tx)
	end = head.Size
	if err != nil {
		return 0, 0, err
	}
	if !s.From.IsZero() {
		near, err := around(ctx, tx, s.From)
		if err != nil {
			return 0, 0, err
		}
		floor = head.Size
		for _, b := range near {
			floor = min(floor, b.start)
		}
	}
	if !s.To.IsZero() {
		near, err := around(ctx, tx, s.To)
		if err != nil {
			return 0, 0, err
		}
		to := int64(0) // behind the last bundle of before, and behind those that reach into it
		for _, b := range near {
			if b.minAt < s.To.UnixMicro() {
				to = max(to, b.start+width)
			}
		}
		last, err := db.One(ctx, tx, db.Single[int64], `
			SELECT start FROM ledger_bundle WHERE max_at < $1 ORDER BY max_at DESC, start DESC LIMIT 1`, s.To.UnixMicro())
		if err != nil && !errors.Is(err, db.ErrNone) {
			return 0, 0, err
		}
		if err == nil {
			to = max(to, last+width)
		}
		end = min(end, to)
	}
	return floor, end, nil
}

// around returns bundles that end at that time or later, the first ones.
func around(ctx context.Context, tx *db.Tx, at time.Time) ([]bundle, error) {
	return db.All(ctx, tx, func(row db.Row) (b bundle, err error) {
		err = row.Scan(&b.start, &b.minAt, &b.maxAt)
		return b, err
	}, `
		SELECT start, min_at, max_at FROM ledger_bundle
		WHERE max_at >= $1 ORDER BY max_at, start LIMIT $2`, at.UnixMicro(), disorder)
}

// inside reports whether a bundle may hold what is sought: nothing is about a subject
// whose name isn't in it.
func (s Sought) inside(entries []byte) bool {
	return bytes.Contains(entries, []byte(s.Subject)) && bytes.Contains(entries, []byte(s.Actor))
}

// kindAt is where an entry's kind is looked for: behind its id, which has one length, and
// the time, which has none with a comma.
const kindAt = len(`{"id":"le_00000000000000000000000000","at":`)

// likely reports whether an entry may be sought, by a look at its bytes: its members come
// in one order.
func (s Sought) likely(text []byte) bool {
	if !s.inside(text) {
		return false
	}
	if len(text) < kindAt {
		return true // whatever it is, decode says
	}
	_, rest, _ := bytes.Cut(text[kindAt:], []byte(`,"kind":"`))
	kind, rest, _ := bytes.Cut(rest, []byte(`","service":"`))
	service, _, found := bytes.Cut(rest, []byte(`"`))
	return !found || among(s.Kinds, kind) && among(s.Services, service)
}

// is reports whether an entry is sought.
func (s Sought) is(p Placed) bool {
	return among(s.Kinds, []byte(p.Kind)) && among(s.Services, []byte(p.Service)) && (s.Subject == "" || s.Subject == p.Subject) && (s.Actor == "" || s.Actor == p.Actor) &&
		(s.From.IsZero() || !p.At.Before(s.From)) && (s.To.IsZero() || p.At.Before(s.To))
}

// among reports whether a name is one of those, or all are.
func among(names []string, name []byte) bool {
	return names == nil || slices.ContainsFunc(names, func(n string) bool { return n == string(name) })
}

// At returns the entry at a place. Errors: ErrOutside, ErrDamaged.
func At(ctx context.Context, tx *db.Tx, place int64) (Placed, error) {
	head, err := Head(ctx, tx)
	if err != nil {
		return Placed{}, err
	}
	if place < 0 || place >= head.Size {
		return Placed{}, ErrOutside
	}
	var found *Placed
	err = Read(ctx, tx, place, place+1, func(p Placed) error {
		found = &p
		return nil
	})
	if err == nil && found == nil {
		err = fmt.Errorf("%w: there is no entry at place %d", ErrDamaged, place)
	}
	if err != nil {
		return Placed{}, err
	}
	return *found, nil
}
