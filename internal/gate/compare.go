package gate

import (
	"context"
	"slices"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/ledger"
)

// The kinds of entries that CheckComparing writes.
const (
	KindCompared       = "screening.gathered"
	KindCompareRefused = "screening.refused"
)

// Compare is the activity of a permit to make a hash of a value, by which the server
// finds the value in what is about to be published. No charter can declare it, so no permit for
// a use allows it, nor the other way round.
const Compare charter.Activity = "compare"

// Screener is who compares: the server itself, on nobody's behalf. It answers to nobody
// what a value is: what it opens becomes a hash and is wiped.
const Screener = "system:screening"

// A Comparing is the wish to have values of all children of a service looked for in what
// is about to be published (Article 4).
type Comparing struct {
	Service string
	Items   []string
}

// A ComparingBody is what the ledger keeps of it. It names no child: there is one entry
// for all.
type ComparingBody struct {
	Items   []string `json:"items"`
	Catalog int64    `json:"catalog"` // the version of the service that was in force
	Charter int64    `json:"charter"`
	Reasons []Denial `json:"reasons,omitempty"`
}

// An Authority proves that CheckComparing allowed a Comparing. It opens no value by
// itself: a child's own facts must permit it, too. The zero Authority permits nothing.
type Authority struct {
	service string
	charter int64
	items   []string
	as      []charter.Screened // beside items
}

// As returns what an item's values are looked for as, and false for an item that the
// authority isn't for.
func (a Authority) As(item string) (charter.Screened, bool) {
	if i := slices.Index(a.items, item); i >= 0 {
		return a.as[i], true
	}
	return "", false
}

// Items returns what may be looked for. The caller must not change it.
func (a Authority) Items() []string { return a.items }

// Service returns whose children it is about.
func (a Authority) Service() string { return a.service }

// DecideComparing returns the authority, or every reason against it in a fixed order.
//
// It is a duty towards the children whose values are held (Articles 4 and 13), and no
// purpose: so no consent is its ground, and no vacancy takes the protection away. What it
// may open is what the charter marks, and the notice tells of (Article 10); and of that no
// more than a hash.
func DecideComparing(s catalog.Service, p catalog.Published, c Comparing) (Authority, []Denial) {
	d := decision{facts: Facts{Service: s, Published: p}}
	switch {
	case s.Name == "" || s.Name != c.Service:
		d.deny("8", "gate.service_unknown")
		return Authority{}, d.reasons
	case s.Charter == 0 || s.Recalled || p.Charter == nil || p.Number != s.Charter:
		d.deny("8", "gate.no_charter")
		return Authority{}, d.reasons
	}
	if len(c.Items) == 0 {
		d.deny("11", "gate.no_items")
	}
	a := Authority{service: c.Service, charter: s.Charter, items: c.Items}
	for i, name := range c.Items {
		item, ok := p.Charter.Item(name)
		a.as = append(a.as, item.ScreenedAs)
		if !ok {
			d.denyItem("11", "gate.item_unknown", name)
		} else if item.ScreenedAs == "" {
			d.denyItem("14", "gate.item_not_screened", name)
		}
		if slices.Contains(c.Items[:i], name) {
			d.denyItem("11", "gate.item_twice", name)
		}
	}
	if len(d.reasons) > 0 {
		return Authority{}, d.reasons
	}
	return a, nil
}

// Permit returns a permit for those of the authority's items that may be looked for of one
// child: the zero Permit where there are none. Nothing of it is recorded: the entry of the
// authority is, before any value is opened, and it says how far this can go.
func (a Authority) Permit(f Facts) Permit {
	c := f.Child
	switch {
	case a.service == "" || c.ID == "" || c.Service != a.service || c.State != family.Active:
		return Permit{}
	// What is decided rests on the charter that the authority was given for.
	case f.Service.Name != a.service || f.Service.Recalled || f.Service.Charter != a.charter || f.Published.Number != a.charter:
		return Permit{}
	// Article 20: from the request for deletion on, nothing but keeping.
	case c.Frozen:
		return Permit{}
	// An unknown age is a child's; a class that nobody knows opens nothing.
	case f.Age != age.Child && f.Age != age.Minor:
		return Permit{}
	}
	d := decision{facts: f}
	out := Permit{child: c.ID, activity: Compare}
	for _, h := range f.Held {
		if !slices.Contains(a.items, h.Item) || slices.Contains(out.items, h.Item) {
			continue
		}
		// Article 12, and what has lost its ground (Article 20(3)).
		end := d.end(h, charter.Purpose{Name: h.Purpose})
		since, asked := f.Published.AskedSince[h.Purpose]
		if !f.Now.Before(end) || !asked || !consent.Standing(f.Answers, f.Guardians, f.Age, h.Purpose, since).Granted {
			continue
		}
		out.items, out.ends = append(out.items, h.Item), append(out.ends, end.UnixMicro())
	}
	if len(out.items) == 0 {
		return Permit{}
	}
	return out
}

// CheckComparing decides on fresh facts about what the charter in force marks, and records
// the decision in tx. With nothing marked there is nothing to decide or to record: the zero
// Authority. A refusal is returned as a Recorded *Denied. If we crash before the commit,
// nothing was opened; after it, the next start asks anew.
func (g *Gate) CheckComparing(ctx context.Context, tx *db.Tx, service string) (Authority, string, error) {
	s, err := catalog.Find(ctx, tx, service)
	if err != nil {
		return Authority{}, "", err
	}
	var p catalog.Published
	if s.Charter != 0 {
		if p, err = g.Charters.Version(ctx, tx, service, s.Charter); err != nil {
			return Authority{}, "", err
		}
	}
	c := Comparing{Service: service, Items: Screened(p.Charter)}
	if p.Charter != nil && !s.Recalled && len(c.Items) == 0 {
		return Authority{}, "", nil
	}
	span := tx.Span(ctx, "gate.check")
	a, reasons := DecideComparing(s, p, c)
	decided(tx, span, "compare", reasons)
	kind := KindCompared
	if len(reasons) > 0 {
		kind = KindCompareRefused
	}
	entry, err := ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: service, Actor: Screener,
		Body: ComparingBody{Items: c.Items, Catalog: s.Version, Charter: s.Charter, Reasons: reasons}})
	switch {
	case err != nil:
		return Authority{}, "", err
	case len(reasons) > 0:
		return Authority{}, entry, db.Recorded(&Denied{Reasons: reasons})
	}
	return a, entry, nil
}

// Screened returns the names of the items that the charter marks, in its order.
func Screened(c *charter.Charter) []string {
	items := []string{}
	if c == nil {
		return items
	}
	for _, item := range c.Items {
		if item.ScreenedAs != "" {
			items = append(items, item.Name)
		}
	}
	return items
}
