package gate

import (
	"context"
	"slices"

	"wardkeep/internal/base/db"
	"wardkeep/internal/border"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
)

// crosses reports whether a use has something leave the country, by what the charter in force
// says: into a storage abroad, or to a party there; or to whoever reads it abroad. What the
// register alone places abroad is denied for that.
func (f Facts) crosses(by Actor, u Use) bool {
	return f.StoredAbroad() || f.readAbroad(by) || f.goesTo(u)
}

// goesTo reports whether a use hands something to a party that the charter in force says is abroad.
func (f Facts) goesTo(u Use) bool {
	role, ok := roles[u.Activity]
	if !ok || f.Published.Charter == nil {
		return false
	}
	country := party.CountryOf(f.Published.Charter, party.ID{Role: role, Name: u.Party})
	return country != "" && country != charter.Home
}

// MayCross reports whether anything of a charter crosses a border, for whoever reads the count
// once for several uses.
func MayCross(c *charter.Charter) bool {
	return c != nil && slices.ContainsFunc(c.Purposes, c.Abroad)
}

// Counts reports whether the child of a use is one more to have crossed a border this year, if
// the use is permitted. What a law demands goes to a body in the country (see basis); what a life
// in danger does may go abroad, and is exempt (Cross-border provisions, Article 5(3)).
func (f Facts) Counts(by Actor, u Use) bool {
	if f.Border.Crossed || !f.crosses(by, u) {
		return false
	}
	d := decision{facts: f, by: by, use: u}
	return !d.grounded()
}

// counted denies that one child more crosses a border this year by a mechanism that carries
// fewer: from 10,000 persons on a security assessment by the authority alone is one
// (Cross-border provisions, Articles 7 and 8). Whoever has crossed this year is counted
// already. A count of another year, or none, is a fact that is missing (Invariant 3).
func (d *decision) counted(purpose charter.Purpose) {
	if !d.facts.crosses(d.by, d.use) || purpose.CrossBorder == nil || purpose.CrossBorder.Mechanism == charter.SecurityAssessment {
		return
	}
	article := party.Storage.Article()
	if !d.facts.StoredAbroad() && d.facts.goesTo(d.use) {
		article = roles[d.use.Activity].Article()
	}
	if c := d.facts.Border; c.Year != border.YearOf(d.facts.Now) || c.Assessed() {
		d.deny(article, "gate.border_threshold")
	}
}

// cross decides, and counts the child of a use that is permitted and the first of the year
// which has something of it leave. The count is held only then, and what rests on it decided
// again: so the numbers have no gap on any number of nodes, and a second use of the child waits
// for nobody. Person is which of the year's children this one is, or would have been; 0 where the
// use counts nobody. Decide is called with the facts that count.
func cross(ctx context.Context, tx *db.Tx, f *Facts, by Actor, u Use) (permit Permit, reasons []Denial, person int64, err error) {
	permit, reasons = Decide(*f, by, u)
	if !f.Counts(by, u) {
		return permit, reasons, 0, nil
	}
	if len(reasons) > 0 {
		return Permit{}, reasons, f.Border.Persons + 1, nil
	}
	if f.Border, err = border.Hold(ctx, tx, u.Child); err != nil {
		return Permit{}, nil, 0, err
	}
	permit, reasons = Decide(*f, by, u)
	if f.Border.Crossed { // by a use of this moment, that was counted
		return permit, reasons, 0, nil
	}
	if len(reasons) == 0 {
		err = f.Border.Cross(ctx, tx, u.Child)
	}
	return permit, reasons, f.Border.Persons + 1, err
}

// Crossed returns which child of its year an entry says that it counts: a use that was permitted,
// what was pushed, or a registration. 0: it counts none.
func Crossed(p ledger.Placed) (person int64, err error) {
	switch p.Kind {
	case KindPermitted, KindReleased:
		var b UseBody
		err = p.Into(&b)
		return b.Person, err
	case family.KindRegistered:
		var b family.RegisteredBody
		err = p.Into(&b)
		return b.Person, err
	}
	return 0, nil
}
