package replay

import (
	"slices"

	"wardkeep/internal/access"
	"wardkeep/internal/base/db"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/rights"
)

// A life is on which day something of a child was used last, as far as that is known, is
// counted, and is being counted; and that its guardians were told that nobody uses it.
// Days are numbered from 1970 on, 0 is none.
type life struct {
	last, counted, counting int32
	told                    *idleness
}

// An idleness is what the guardians of a child are told: the day of the last use, that of the
// erasure, and by which entry.
type idleness struct {
	last, eraseOn int32
	entry         string
}

// lives puts an entry into the life of its child.
func (f *fold) lives(c *child, p ledger.Placed) {
	if !access.Lives(p) {
		return
	}
	day := int32(access.DayOf(p.At))
	l := &c.life
	l.last = max(l.last, day)
	if p.Place >= 0 && p.Place < f.counts.counting {
		l.counting = max(l.counting, day)
	}
	if p.Place >= 0 && p.Place < f.counts.counted {
		l.counted = max(l.counted, day)
	}
}

// inactive folds that the guardians of a child are told that nobody uses it (Article 12): by
// the sweep, of the day that the charter gives and with the lead that the notice
// promises, and after no use that it doesn't tell of.
func (f *fold) inactive(p ledger.Placed, s source, c *child) fault {
	b, x := body[family.InactiveBody](p)
	today, last, erase := access.DayOf(p.At), access.DayOf(moment(b.Last)), access.DayOf(moment(b.Erase))
	switch {
	case x != (fault{}):
		return x
	case micros(access.Begin(last)) != b.Last || micros(access.Begin(erase)) != b.Erase:
		return fault{what: FoundBody, field: ruleInactive}
	case p.Actor != sweeper:
		return impossible(ruleActor)
	case c.mustWait(), last != int64(c.life.last), erase <= today+charter.InactiveLead,
		c.life.told != nil && c.life.told.last == int32(last) && today <= int64(c.life.told.eraseOn): // told already
		return impossible(ruleInactive)
	}
	c.life.told = &idleness{int32(last), int32(erase), f.names.keep(p.ID)}
	return f.ruled(restsOnRule{source: s, charter: b.Charter, last: last, erase: erase})
}

// mustWait reports whether nobody is told of a child, nor is it erased, for being unused.
func (c *child) mustWait() bool {
	return c.state != active || c.frozen || c.disputed ||
		slices.ContainsFunc(c.demands, func(d demand) bool { return d.state == rights.Open })
}

// unused reports whether a child may be erased for being unused: its guardians were told of
// this day or an earlier one, and nothing was used since.
func (c *child) unused(p ledger.Placed) bool {
	told := c.life.told
	return p.Actor == sweeper && !c.mustWait() && told != nil && told.last == c.life.last && int64(told.eraseOn) <= access.DayOf(p.At)
}

// A restsOnRule is an entry that rests on the rule of a charter for accounts that nobody uses.
type restsOnRule struct {
	source
	charter, last, erase int64
}

// ruled checks such an entry, or has it wait for the charter's.
func (f *fold) ruled(r restsOnRule) fault {
	s := f.services[r.service]
	if s == nil || s.editions[r.charter] == nil || s.editions[r.charter].publishedAt == 0 {
		f.rules = append(f.rules, r)
		return fault{}
	}
	c := s.editions[r.charter].published.Charter
	if c != nil && (c.Inactive.IsZero() || r.erase < access.IdleFrom(c.Inactive, r.last)) {
		return impossible(ruleInactive)
	}
	return fault{}
}

// checkRules judges what waited for a charter.
func (f *fold) checkRules() {
	late := f.rules
	f.rules = nil
	for _, r := range late {
		f.blame(r.source, f.ruled(r))
	}
	for _, r := range f.rules { // of a charter that never came
		f.blame(r.source, impossible(ruleInactive))
	}
}

// compareActivity compares since when nobody has used anything of each child.
func (a *audit) compareActivity(b batch, found map[string]*tally) error {
	seen := make(map[string]bool, len(found))
	where, args := b.Where("child")
	err := db.Each(a.ctx, a.tx, func(row db.Row) error {
		var child, service, entry string
		var last, eraseOn int64
		if err := row.Scan(&child, &service, &last, &eraseOn, &entry); err != nil {
			return err
		}
		t := found[child]
		r := a.of(t, "child_activity", child, "")
		if t == nil || t.child.life.counting == 0 {
			r.extra()
			return nil
		}
		seen[child] = true
		l := t.child.life
		want, told := int64(l.counted), idleness{}
		if last == int64(l.counting) { // it is being counted
			want = last
		}
		if l.told != nil && last == int64(l.told.last) {
			told = *l.told
		}
		r.text("service", a.names.text(t.child.service), service)
		r.number("last", want, last)
		r.number("erase_on", int64(told.eraseOn), eraseOn)
		r.text("entry", told.entry, entry)
		return nil
	}, `
		SELECT child, service, last, erase_on, entry FROM child_activity
		WHERE `+where+`
		ORDER BY child`, args...)
	if err != nil {
		return err
	}
	for id, t := range found {
		if !seen[id] && t.child.life.counted != 0 {
			a.of(t, "child_activity", id, "").missing()
		}
	}
	return nil
}
