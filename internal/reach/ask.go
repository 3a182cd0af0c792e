package reach

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// An asking is one question on its way through the ledger.
type asking struct {
	x       Index
	q       Question
	from    Key
	end     int64 // of the ledger
	sets    *items
	runs    []*run
	keys    int64         // of the runs, together
	read    map[Key]int32 // what was read of the entries themselves
	entries int64         // how many were
}

// ask finds what answers a question: the stretches that lie in its time wholly by the index, and
// those at its borders, which are at most some of the shortest, by their entries.
func (x Index) ask(ctx context.Context, tx *db.Tx, q Question, from Key) (*asking, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	if q.By == ByPerson {
		var err error
		if q.terms, err = staff.Terms(ctx, tx, q.Name, q.Service); err != nil {
			return nil, err
		}
	}
	a := &asking{x: x, q: q, from: from, sets: newItems(), read: make(map[Key]int32)}
	// Those without a place first: one that gets it meanwhile is read twice, and not left out.
	if err := a.wait(ctx, tx); err != nil {
		return nil, err
	}
	head, err := ledger.Head(ctx, tx)
	if err != nil {
		return nil, err
	}
	a.end = head.Size
	place := int64(0)
	for level := int64(levels - 1); level >= 0; level-- {
		first, n := place/x.size(level), (a.end-place)/x.size(level)
		if err := a.cover(ctx, tx, level, first, first+n); err != nil {
			return nil, err
		}
		place += n * x.size(level)
	}
	if err := a.look(ctx, tx, place, a.end); err != nil {
		return nil, err
	}
	a.close()
	return a, nil
}

// cover goes through the stretches of a level from one to another.
func (a *asking) cover(ctx context.Context, tx *db.Tx, level, from, to int64) error {
	for ; from < to; from += fan {
		upto := min(to, from+fan)
		found, err := a.x.load(ctx, tx, level, from, upto)
		if err != nil {
			return err
		}
		for n := from; n < upto; n++ {
			if err := a.stretch(ctx, tx, level, n, found); err != nil {
				return err
			}
		}
	}
	return nil
}

// stretch takes one: by the index where it lies in the time that is asked about wholly, and else
// by the shorter ones.
func (a *asking) stretch(ctx context.Context, tx *db.Tx, level, n int64, found map[int64]segment) error {
	s, there := found[n]
	switch {
	case there && (!a.q.From.IsZero() && s.maxAt < a.q.From.UnixMicro() || !a.q.To.IsZero() && s.minAt >= a.q.To.UnixMicro()):
		return nil
	case there && (a.q.From.IsZero() || s.minAt >= a.q.From.UnixMicro()) && (a.q.To.IsZero() || s.maxAt < a.q.To.UnixMicro()):
		return a.indexed(ctx, tx, s)
	case level > 0:
		return a.cover(ctx, tx, level-1, n*fan, (n+1)*fan)
	}
	return a.look(ctx, tx, n*a.x.span(), (n+1)*a.x.span())
}

// indexed takes what the index has of a stretch.
func (a *asking) indexed(ctx context.Context, tx *db.Tx, s segment) error {
	wanted, err := sourcesOf(map[int64]segment{s.n: s}, a.q.matches)
	if err != nil {
		return err
	}
	for _, of := range sortedShapes(wanted) {
		for _, w := range wanted[of] {
			a.runs = append(a.runs, w.run(a.sets.of(of.Items), a.from))
			a.keys += w.Keys
		}
	}
	return nil
}

// look reads entries themselves. Errors: ErrBehind where there are too many, ledger.ErrDamaged
// where one is gone.
func (a *asking) look(ctx context.Context, tx *db.Tx, from, to int64) error {
	if a.entries += to - from; a.entries > walked {
		return ErrBehind
	}
	seen, reader := from, make(reader)
	err := ledger.Read(ctx, tx, from, to, func(p ledger.Placed) error {
		seen++
		return a.entry(p, reader)
	})
	if err == nil && seen != to {
		err = fmt.Errorf("%w: there is no entry at place %d", ledger.ErrDamaged, seen)
	}
	return err
}

// wait reads the entries that wait for their places: what was used a moment ago is found, and so
// it is where nobody gives them any. Errors: ErrBehind where there are too many.
func (a *asking) wait(ctx context.Context, tx *db.Tx) error {
	n, err := ledger.CountPendingToMany(ctx, tx)
	switch {
	case err != nil:
		return err
	case n > waited:
		return ErrBehind
	}
	reader := make(reader)
	return ledger.Pending(ctx, tx, func(p ledger.Placed) error { return a.entry(p, reader) })
}

// entry takes one entry itself.
func (a *asking) entry(p ledger.Placed, reader reader) error {
	if p.Service != a.q.Service || !a.q.From.IsZero() && p.At.Before(a.q.From) || !a.q.To.IsZero() && !p.At.Before(a.q.To) {
		return nil
	}
	s, child, is, err := reader.shape(p)
	if err != nil || !is || child < a.from || !a.q.matches(s) {
		return err
	}
	set := a.sets.of(s.Items)
	if before, known := a.read[child]; known {
		set = a.sets.join(before, set)
	}
	a.read[child] = set
	return nil
}

// close adds what was read to the runs: one for each set, in order.
func (a *asking) close() {
	bySet := make(map[int32][]Key)
	for k, set := range a.read {
		bySet[set] = append(bySet[set], k)
	}
	for set, keys := range bySet {
		slices.Sort(keys)
		a.runs = append(a.runs, &run{set: set, keys: keys})
	}
}

// An Answer is whom something has reached.
type Answer struct {
	Children int64       // each once; who was erased since is among them
	Items    []ItemCount // of how many of them each, in order
	Entries  int64       // of the ledger when it was asked: what comes later isn't in it
}

// An ItemCount says of how many children an item is concerned.
type ItemCount struct {
	Item     string
	Children int64
}

// Ask answers a question. Errors: ErrBy, ErrName, ErrTime, ErrBehind, ErrDamaged,
// ledger.ErrDamaged.
func (x Index) Ask(ctx context.Context, tx *db.Tx, q Question) (Answer, error) {
	a, err := x.ask(ctx, tx, q, 0)
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{Entries: a.end}
	byItem := make(map[string]int64)
	err = a.apart(ctx, tx, min(int(a.keys/shared), runtime.GOMAXPROCS(0)), func(children int64, items []string) {
		answer.Children += children
		for _, item := range items {
			byItem[item] += children
		}
	})
	for item, n := range byItem {
		answer.Items = append(answer.Items, ItemCount{item, n})
	}
	slices.SortFunc(answer.Items, func(a, b ItemCount) int {
		return cmp.Or(cmp.Compare(b.Children, a.Children), cmp.Compare(a.Item, b.Item))
	})
	return answer, err
}

// shared is how many keys are worth a processor of their own.
const shared = 1 << 18

// apart counts whom the runs have, and calls count with how many there are with each set of items.
// As many goroutines do it as there are parts of the pseudonyms, one at least: who is in two runs
// is in the same part of them.
func (a *asking) apart(ctx context.Context, tx *db.Tx, parts int, count func(children int64, items []string)) error {
	parts = max(parts, 1)
	shelf := &shelf{tx: tx}
	counts, sets, faults := make([][]int64, parts), make([]*items, parts), make([]error, parts)
	var all sync.WaitGroup
	for i := range parts {
		from, upto := keysEnd/Key(parts)*Key(i), keysEnd/Key(parts)*Key(i+1)
		if i == parts-1 {
			upto = keysEnd
		}
		sets[i] = a.sets.clone()
		all.Go(func() {
			faults[i] = shelf.unite(ctx, a.between(from), sets[i], from, upto, func(_ Key, set int32) error {
				if int(set) >= len(counts[i]) {
					counts[i] = append(counts[i], make([]int64, int(set)+1-len(counts[i]))...)
				}
				counts[i][set]++
				return nil
			})
		})
	}
	all.Wait()
	for i := range parts {
		for set, n := range counts[i] {
			count(n, strings.Fields(sets[i].names[set]))
		}
	}
	return errors.Join(faults...)
}

// between returns runs of their own, from a key on.
func (a *asking) between(from Key) (runs []*run) {
	for _, r := range a.runs {
		own := r.of.run(r.set, from)
		first, _ := slices.BinarySearch(r.keys, from)
		own.keys = r.keys[first:]
		runs = append(runs, own)
	}
	return runs
}

// A Page is a part of the answer to a question, in the order of the pseudonyms.
type Page struct {
	Found []incident.Found // who is still here, each once
	Gone  int64            // how many were erased since
	Next  Key              // from which it goes on
	More  bool             // it does
}

// Find returns whom something has reached, those from a key on, and at most limit. Errors: as Ask.
func (x Index) Find(ctx context.Context, tx *db.Tx, q Question, from Key, limit int) (page Page, err error) {
	a, err := x.ask(ctx, tx, q, from)
	if err != nil {
		return Page{}, err
	}
	var keys []Key
	var of []int32
	err = (&shelf{tx: tx}).unite(ctx, a.runs, a.sets, from, keysEnd, func(k Key, set int32) error {
		if len(keys) == limit {
			page.Next, page.More = k, true
			return errEnough
		}
		keys, of = append(keys, k), append(of, set)
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return Page{}, err
	}
	subjects, reads := make([][]string, len(keys)), make([]db.Read, len(keys))
	for i, k := range keys {
		reads[i] = family.ReadBeginning(&subjects[i], q.Service, k.Begins())
	}
	for some := range slices.Chunk(reads, carried) {
		if err := tx.Together(ctx, some...); err != nil {
			return Page{}, err
		}
	}
	for i, alike := range subjects {
		if len(alike) == 0 {
			page.Gone++
		}
		for _, subject := range alike { // two may begin alike: then both are reached
			page.Found = append(page.Found, incident.Found{Subject: subject, Items: strings.Fields(a.sets.names[of[i]])})
		}
	}
	return page, nil
}
