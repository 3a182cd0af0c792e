package replay

import (
	"maps"
	"slices"

	"wardkeep/internal/border"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
)

// A crossing is what the ledger says of a year in which children had something leave the
// country. Each use that counts one says which of the year's it was, so their order in the
// ledger, which is that of children, doesn't matter: there must be each number, once.
type crossing struct {
	numbers  []uint64 // a bit for each
	persons  int64
	greatest int64
	found    int64  // the greatest that a use says, which was denied and would have been that one
	by       source // that use
	marked   int64  // when it came to a number that offices are told of
	seen     bool   // its row was found
}

// An awaited is a use that says that its child is counted already, by one that hasn't come.
// Two uses of a child at one version have no order.
type awaited struct {
	year   int64
	source source
}

// maxPersons bounds what a forged number may make of memory.
const maxPersons = 1 << 31

// count returns the count that a use says it rested on.
func (u *use) count() border.Count {
	return border.Count{Year: border.YearOf(moment(u.at)), Persons: max(u.body.Person-1, 0), Crossed: u.body.Person == 0}
}

func (f *fold) crossing(at int64) *crossing {
	year := border.YearOf(moment(at))
	if f.crossings[year] == nil {
		f.crossings[year] = &crossing{}
	}
	return f.crossings[year]
}

// crosses folds which number a use says that its child has.
func (f *fold) crosses(c *child, u *use) fault {
	switch n := u.body.Person; {
	case n == 0:
		return fault{}
	case n < 0 || n > maxPersons:
		return fault{what: FoundBody, field: ruleBorder}
	case !u.permitted:
		if y := f.crossing(u.at); n > y.found {
			y.found, y.by = n, u.source
		}
		return fault{}
	}
	year := int32(border.YearOf(moment(u.at)))
	if c.crossed >= year || !f.crossing(u.at).number(u.body.Person) {
		return impossible(ruleBorder)
	}
	if border.Marks(u.body.Person) {
		f.crossing(u.at).marked = u.at
	}
	c.crossed = year
	if w, ok := f.awaited[c]; ok && w.year <= int64(year) {
		delete(f.awaited, c)
	}
	return fault{}
}

// enrols folds which number the registration of a child has, that is kept abroad. Nothing of it can
// have left before, and one that has no number needs none: that a charter keeps it abroad, its
// registration doesn't say.
func (f *fold) enrols(c *child, person, at int64) fault {
	switch {
	case person == 0:
		return fault{}
	case person < 0 || person > maxPersons:
		return fault{what: FoundBody, field: ruleBorder}
	case !f.crossing(at).number(person):
		return impossible(ruleBorder)
	}
	if border.Marks(person) {
		f.crossing(at).marked = at
	}
	c.crossed = int32(border.YearOf(moment(at)))
	return fault{}
}

// number takes a number, and reports whether nobody else has it.
func (y *crossing) number(n int64) bool {
	word, bit := int((n-1)/64), uint64(1)<<((n-1)%64)
	if word >= len(y.numbers) {
		y.numbers = append(y.numbers, make([]uint64, word+1-len(y.numbers))...)
	}
	if y.numbers[word]&bit != 0 {
		return false
	}
	y.numbers[word] |= bit
	y.persons++
	y.greatest = max(y.greatest, n)
	return true
}

// counted compares what a use says of the count with what it does, once that is known.
func (f *fold) counted(u *use, by gate.Actor) fault {
	uncounted := u.facts
	uncounted.Border.Crossed = false
	switch counts := uncounted.Counts(by, u.use); {
	case u.body.Person != 0 && !counts:
		return impossible(ruleBorder)
	case u.body.Person == 0 && counts && u.permitted && u.child.crossed < int32(u.facts.Border.Year):
		f.awaited[u.child] = awaited{u.facts.Border.Year, u.source}
	}
	return fault{}
}

// missCrossing keeps the number of a use, or of a registration, that came after the copy was made which the store was
// put back to: the year has it still, and the child hasn't.
func (f *fold) missCrossing(p ledger.Placed) {
	if person, err := gate.Crossed(p); err == nil && person > 0 && person <= maxPersons {
		f.crossing(p.At.UnixMicro()).number(person)
	}
}

// checkCrossings judges what had to wait for the last entry.
func (f *fold) checkCrossings() {
	for c, w := range f.awaited {
		if int64(c.crossed) < w.year {
			f.blame(w.source, impossible(ruleBorder))
		}
	}
	for _, year := range slices.Sorted(maps.Keys(f.crossings)) {
		y := f.crossings[year]
		if y.persons != y.greatest || y.found > y.persons+1 {
			f.blame(y.by, impossible(ruleBorder))
		}
	}
}

// crossingRows compares how many were counted in each year.
func (a *audit) crossingRows() error {
	all, err := border.Years(a.ctx, a.tx)
	for _, row := range all {
		r := at{audit: a, table: "border_year", row: number(row.Year)}
		y := a.fold.crossings[row.Year]
		if y == nil || y.persons == 0 {
			r.extra()
			continue
		}
		y.seen = true
		r.number("persons", y.persons, row.Persons)
		r.time("marked_at", y.marked, micros(row.MarkedAt))
	}
	for _, year := range slices.Sorted(maps.Keys(a.fold.crossings)) {
		if y := a.fold.crossings[year]; !y.seen && y.persons > 0 && err == nil {
			at{audit: a, table: "border_year", row: number(year)}.missing()
		}
	}
	return err
}

// compareCrossings compares who of a batch was counted last in which year.
func (a *audit) compareCrossings(b batch, found map[string]*tally) {
	for _, row := range b.crossings {
		t := found[string(row.Child)]
		r := a.of(t, "border_child", string(row.Child), "")
		if t == nil {
			r.extra()
			continue
		}
		t.crossed = true
		r.number("year", int64(t.child.crossed), row.Year)
	}
	for _, row := range b.children {
		if t := found[row.id]; t != nil && !t.crossed && t.child.crossed != 0 {
			a.of(t, "border_child", row.id, "").missing()
		}
	}
}
