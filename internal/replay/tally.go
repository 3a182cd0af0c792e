package replay

import (
	"maps"
	"slices"

	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	days "wardkeep/internal/tally"
)

// tallies are what happened on each day, up to the place that is counted. An entry of a
// gap counts as any other: that the store was put back undoes nothing that has happened.
type tallies struct {
	counted int64
	lines   map[days.Line]int64
}

func (a *audit) readTallies() (err error) {
	a.tallies.lines = make(map[days.Line]int64)
	a.tallies.counted, err = ledger.Cursor(a.ctx, a.tx, days.Counted)
	return err
}

// add counts an entry. What can't be read is found by whoever folds it.
func (t tallies) add(p ledger.Placed, uses gate.Bodies) {
	if p.Place < 0 || p.Place >= t.counted {
		return
	}
	if l, ok, err := days.Of(p, uses); ok && err == nil {
		t.lines[l]++
	}
}

// compareTallies compares what the pictures are drawn of with what the ledger tells.
func (a *audit) compareTallies() error {
	want := a.tallies.lines
	err := days.Each(a.ctx, a.tx, func(row days.Row) error {
		r := a.ofTally(row.Line)
		n, ok := want[row.Line]
		if !ok {
			r.extra()
			return nil
		}
		r.number("n", n, row.N)
		delete(want, row.Line)
		return nil
	})
	for _, l := range slices.SortedFunc(maps.Keys(want), days.Compare) {
		if err == nil {
			a.ofTally(l).missing()
		}
	}
	return err
}

func (a *audit) ofTally(l days.Line) at {
	return at{audit: a, table: "tally", service: a.names.shown(l.Service), row: number(l.Day)}
}
