package gate

import (
	"context"
	"slices"

	"wardkeep/internal/base/db"
	"wardkeep/internal/border"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/party"
)

// roles are those of whom a use names, by its activity.
var roles = map[charter.Activity]party.Role{charter.Entrust: party.Processor, charter.Transfer: party.Recipient}

// engaged denies what goes to a party beyond what it was assessed for, and a processor has
// agreed to, at this moment (Articles 16 and 17). What the charter in force gives it is
// looked at, too: one that takes something away narrows every agreement by itself.
func (d *decision) engaged(role party.Role, purpose charter.Purpose) {
	p, article := d.counterpart(role), role.Article()
	if p.Name == "" {
		if role == party.Processor {
			d.deny(article, "gate.processor_not_engaged")
		} else {
			d.deny(article, "gate.recipient_not_assessed")
		}
		return
	}
	d.stopped(p)
	given := party.ScopeOf(d.facts.Published.Charter, role, p.Name)
	d.within(article, "gate.item_not_for_party", purpose, given)
	d.assessed(role, purpose)
	if role == party.Processor {
		d.agreed(purpose)
	}
	d.border(role, purpose)
}

// counterpart returns how the party stands whom the use names; the zero Standing if it isn't
// on the register in this role.
func (d *decision) counterpart(role party.Role) party.Standing {
	if p := d.facts.Party; p.ID == (party.ID{Service: d.use.Service, Role: role, Name: d.use.Party}) {
		return p
	}
	return party.Standing{}
}

// stopped denies what goes to a party that has ended, or was suspended.
func (d *decision) stopped(p party.Standing) {
	article := p.Role.Article()
	if p.Over(d.facts.Now) {
		d.deny(article, "gate.party_ended")
	}
	if p.Halted != "" {
		d.deny(article, "gate.party_suspended")
	}
	// Edge case 19: a hard no, whoever has agreed.
	if len(p.Subs) > 0 {
		d.deny(article, "gate.sub_processor")
	}
}

// assessed wants a security assessment that was passed, is valid, and covers the use.
func (d *decision) assessed(role party.Role, purpose charter.Purpose) {
	a, article := d.facts.Party.Assessment, role.Article()
	switch {
	case !a.Exists() && role == party.Recipient:
		d.deny(article, "gate.recipient_not_assessed")
	case !a.Exists():
		d.deny(article, "gate.processor_not_assessed")
	case !a.Passed:
		d.deny(article, "gate.assessment_failed")
	case !a.Holds(d.facts.Now):
		d.deny(article, "gate.assessment_over")
	case len(a.Scope[purpose.Name]) == 0:
		d.deny(article, "gate.purpose_not_assessed")
	default:
		d.within(article, "gate.item_not_assessed", purpose, a.Scope)
	}
}

// agreed wants an agreement in its period that covers the use (Article 16). At its last
// second it is over.
func (d *decision) agreed(purpose charter.Purpose) {
	g, now := d.facts.Party.Agreement, d.facts.Now
	switch {
	case !g.Exists():
		d.deny("16", "gate.agreement_missing")
	case now.Before(g.From):
		d.deny("16", "gate.agreement_not_begun")
	case !g.Holds(now):
		d.deny("16", "gate.agreement_over")
	case len(g.Scope[purpose.Name]) == 0:
		d.deny("16", "gate.purpose_not_agreed")
	default:
		d.within("16", "gate.item_not_agreed", purpose, g.Scope)
	}
}

// border wants what edge case 20 does of a party abroad: that the charter says so, since that
// is what guardians were told, and that the mechanism which it names is on file. A party is
// abroad if the charter or the register says it; where both do, they must say the same.
func (d *decision) border(role party.Role, purpose charter.Purpose) {
	p, article := d.counterpart(role), role.Article()
	is, said := p.Country, party.CountryOf(d.facts.Published.Charter, party.ID{Role: role, Name: d.use.Party})
	if said == "" {
		said = charter.Home // that it isn't in the charter is denied for itself
	}
	if is != charter.Home || said != charter.Home {
		d.abroad(article, purpose, said != charter.Home && (is == charter.Home || is == said), p.Mechanism, byParty)
	}
}

// within denies each item of the purpose that a scope leaves out. Of one that the purpose
// doesn't have it is told already.
func (d *decision) within(article, code string, purpose charter.Purpose, scope party.Scope) {
	for i, item := range d.use.Items {
		if purpose.Has(item) && !scope.Has(purpose.Name, item) && !slices.Contains(d.use.Items[:i], item) {
			d.denyItem(article, code, item)
		}
	}
}

// With adds to the facts how the party stands whom the use names, where it entrusts or
// transfers, and the key by which that party asks, if it is who asks; how the storage stands, and
// the country of whoever asks, where that is abroad; and how many children have crossed, where the use would have one cross: a
// point read of each. The facts must be those of this transaction.
//
// The party belongs to the version of the service that the facts are of. Its row, and that of
// its key, have the version of their last change, so one that isn't newer is the one that
// stood then. Where it is newer, which takes a change between two statements of PostgreSQL,
// the service is read again, and kept from changing.
func (l *Loaded) With(ctx context.Context, tx *db.Tx, f Facts, by Actor, u Use) (Facts, error) {
	newest, err := l.with(ctx, tx, &f, by, u)
	if err != nil || len(l.service) != 1 || newest <= l.service[0].Version {
		return f, err
	}
	if err := l.steady(ctx, tx); err != nil {
		return f, err
	}
	f.Service, f.Published = l.service[0], l.published
	_, err = l.with(ctx, tx, &f, by, u)
	return f, err
}

// with reads what With adds, and returns the version of the newest of it.
func (l *Loaded) with(ctx context.Context, tx *db.Tx, f *Facts, by Actor, u Use) (newest int64, err error) {
	f.Party, f.Access, f.Storage, f.Border, f.Key = party.Standing{}, party.Standing{}, party.Standing{}, border.Count{}, party.Key{}
	of, ok := u.party(*f)
	var reads []db.Read
	var found, stored, access []party.Standing
	var clients []party.Client
	if f.StoredAbroad() {
		reads = append(reads, party.ReadStanding(&stored, party.StorageOf(f.Service.Name)))
	}
	if f.readAbroad(by) {
		reads = append(reads, f.readAccess(by, &access))
	}
	// Where a key is used the key says, which isn't read yet.
	crosses, year := f.crosses(by, u) || by.pull != nil && MayCross(f.Published.Charter), border.YearOf(tx.Now())
	var count border.Reading
	if crosses {
		reads = append(reads, count.Reads(u.Child, year)...)
	}
	if by.pull != nil && by.pull.Key != "" {
		reads = append(reads, party.ReadClient(&clients, by.pull.Key))
	} else if ok {
		reads = append(reads, party.ReadStanding(&found, of))
	}
	if len(reads) == 0 {
		return 0, nil
	}
	if err := tx.Together(ctx, reads...); err != nil {
		return 0, err
	}
	if crosses {
		f.Border = count.Count(year)
	}
	for _, c := range clients {
		f.Key = c.Key
		if ok && c.Standing.ID == of {
			found = append(found, c.Standing)
		}
	}
	for _, s := range found {
		f.Party = s
	}
	for _, s := range stored {
		f.Storage = s
	}
	if by.pull != nil && f.readAbroad(by) {
		if err := tx.Together(ctx, f.readAccess(by, &access)); err != nil {
			return 0, err
		}
	}
	for _, s := range access {
		f.Access = s
	}
	return max(f.Key.Version, f.Party.Version, f.Access.Version, f.Storage.Version), nil
}

// party returns whom the use names, if it entrusts or transfers, and there is a charter. A
// name that the charter doesn't know is asked of nobody: it may be anything.
func (u Use) party(f Facts) (of party.ID, ok bool) {
	role, ok := roles[u.Activity]
	if !ok || f.Published.Charter == nil || u.Party == "" {
		return of, false
	}
	return party.ID{Service: f.Service.Name, Role: role, Name: u.Known(f.Published.Charter).Party}, true
}

// Among adds to the facts how the party stands whom the use names, the storage, and the country
// of whoever asks: of all of the service, as party.ReadAll reads them on the same snapshot.
func (f Facts) Among(all []party.Standing, by Actor, u Use) Facts {
	f.Party, f.Access, f.Storage = party.Standing{}, party.Standing{}, party.Standing{}
	of, ok := u.party(f)
	for _, s := range all {
		switch {
		case ok && s.ID == of:
			f.Party = s
		case f.readAbroad(by) && s.ID == party.AccessFrom(f.Service.Name, f.readIn(by)):
			f.Access = s
		case s.ID == party.StorageOf(f.Service.Name) && f.StoredAbroad():
			f.Storage = s
		}
	}
	return f
}

// steady reads the service and its charter once more, as they stay to the commit.
func (l *Loaded) steady(ctx context.Context, tx *db.Tx) (err error) {
	name := l.service[0].Name
	l.service, l.published = nil, catalog.Published{}
	if err = tx.Together(ctx, catalog.ReadSteady(tx, &l.service, name)); err != nil {
		return err
	}
	if len(l.service) != 1 {
		return catalog.ErrNotFound
	}
	if l.service[0].Charter != 0 {
		l.published, err = l.charters.Version(ctx, tx, name, l.service[0].Charter)
	}
	return err
}
