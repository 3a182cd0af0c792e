package gate

import (
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/party"
)

// A way is one on which something goes abroad, with what is told of it where it may not.
type way struct{ undeclared, missing, over string }

// The ways.
var (
	byStorage = way{"gate.storage_undeclared", "gate.storage_mechanism_missing", "gate.storage_mechanism_over"}
	byParty   = way{"gate.border_undeclared", "gate.border_mechanism_missing", "gate.border_mechanism_over"}
	byAccess  = way{"gate.access_abroad", "gate.access_mechanism_missing", "gate.access_mechanism_over"}
)

// abroad wants of any way abroad what edge case 20 does: that the charter declares it, since that
// is what guardians were told and have agreed to by itself (see consent), and that the mechanism
// by which the charter says that the purpose goes abroad is on file, at a moment in its period.
func (d *decision) abroad(article string, purpose charter.Purpose, declared bool, m party.Term, by way) {
	switch {
	case purpose.CrossBorder == nil || !declared:
		d.deny(article, by.undeclared)
	case !m.Exists() || m.Kind != party.Kind(purpose.CrossBorder.Mechanism):
		d.deny(article, by.missing)
	case !m.Holds(d.facts.Now):
		d.deny(article, by.over)
	}
}

// readIn returns the country or region in which whoever asks gets the items: where a person inside
// sits, an app runs, or the key of a party is used. It is what somebody in office, or an engineer,
// has declared, and not what a network says. Of who is nobody it is Home: that is denied for itself.
func (f Facts) readIn(by Actor) string {
	switch {
	case by.name == "", by.look != nil && by.look.Person.ID == "":
		return charter.Home
	case by.look != nil:
		return by.look.Person.Country
	case by.pull != nil && f.Key.ID == "":
		return charter.Home
	case by.pull != nil:
		return f.Key.Country
	}
	return by.country
}

// readAbroad reports whether whoever asks gets the items abroad, by what isn't known already of a
// party there: one that isn't told is abroad. Where a party is, the border is its own (see border);
// a key of it that is used elsewhere abroad crosses another.
func (f Facts) readAbroad(by Actor) bool {
	country := f.readIn(by)
	return country != charter.Home && (by.pull == nil || country != f.Party.Country)
}

// read denies what somebody would get abroad, unless the charter says for the purpose that it is
// read there, and the mechanism that it names is on file for that country, in its period (edge
// case 20). That is every activity: who collects or seals has the items in hand, too.
func (d *decision) read(purpose charter.Purpose) {
	if !d.facts.readAbroad(d.by) {
		return
	}
	country, article, p := d.facts.readIn(d.by), party.Access.Article(), d.facts.Access
	if p.ID != party.AccessFrom(d.use.Service, country) {
		p = party.Standing{}
	}
	if p.Halted != "" {
		d.deny(article, "gate.access_suspended")
	}
	d.abroad(article, purpose, purpose.ReadFrom(country), p.Mechanism, byAccess)
}

// Reads reports whether nothing about reading in a country abroad speaks against the purpose at a
// moment, by how all of the service stand, for whoever shows how things stand.
func Reads(c *charter.Charter, purpose charter.Purpose, country string, all []party.Standing, now time.Time) bool {
	by := Actor{name: "app:", country: country}
	f := Facts{Now: now, Service: catalog.Service{Name: c.Service}, Published: catalog.Published{Charter: c}}
	d := decision{by: by, use: Use{Service: c.Service}, facts: f.Among(all, by, Use{})}
	d.read(purpose)
	return len(d.reasons) == 0
}

// readAccess reads how the country stands in which whoever asks gets the items.
func (f Facts) readAccess(by Actor, into *[]party.Standing) db.Read {
	return party.ReadStanding(into, party.AccessFrom(f.Service.Name, f.readIn(by)))
}

// Abroad reports whether an app asks from abroad, for whoever reads beforehand how that stands.
func (a Actor) Abroad() bool { return Facts{}.readAbroad(a) }
