package replay

import (
	"cmp"
	"maps"
	"slices"
	"time"

	approvals "wardkeep/internal/approval"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/gate"
	"wardkeep/internal/staff"
)

// settle judges the claims that nothing can come for any more: those that are older than
// now by more than clocks and transactions may differ, and of the same person those of a
// lower version. At the end, now is 0, and all are judged.
func (f *fold) settle(now int64) {
	claims := f.inside.claims
	if len(claims) == 0 || now != 0 && now-claims[0].at <= 2*slack {
		return
	}
	due := make(map[key]int64) // person → up to which version
	for _, c := range claims {
		if now == 0 || now-c.at > 2*slack {
			due[c.person] = max(due[c.person], c.version)
		}
	}
	var ripe []*insideClaim
	f.inside.claims = slices.DeleteFunc(claims, func(c *insideClaim) bool {
		if c.version > due[c.person] {
			return false
		}
		ripe = append(ripe, c)
		return true
	})
	slices.SortStableFunc(ripe, func(x, y *insideClaim) int {
		// What a person did about several children has its place as it may, and was counted as it came.
		return cmp.Or(slices.Compare(x.person[:], y.person[:]), cmp.Compare(x.version, y.version), cmp.Compare(x.at, y.at))
	})
	for _, c := range ripe {
		f.blame(c.source, f.judge(c))
	}
}

// judge says what is wrong with what somebody inside did, or what is missing of it.
func (f *fold) judge(c *insideClaim) fault {
	who := f.inside.persons[c.person]
	if who == nil {
		return fault{what: FoundActor, field: "actor"}
	}
	p, behind := f.then(c.person, c.version)
	var s *service
	if s = f.services[c.source.service]; s == nil {
		return fault{what: FoundCatalog, field: "catalog", want: "–", got: number(c.catalog)}
	}
	v, _, ok := s.at(c.catalog)
	if !ok {
		return fault{what: FoundCatalog, field: "catalog", want: number(s.now().number), got: number(c.catalog)}
	}
	now := v.catalog(s)
	if c.look != nil {
		return f.lookAgain(c, who, p, now)
	}
	if !approvals.May(p, c.action, now) {
		return impossible(ruleActor)
	}
	p.Grants = approvals.Standing(p, now) // a term that is over stands for nobody
	for _, other := range c.apart {
		if p.RestsOn(behind, other.name(id.Staff), c.action, now.Name) {
			return impossible(ruleActor)
		}
	}
	var parties []approvals.Party
	for i, of := range c.parties {
		one, behind := f.then(of.person, of.version)
		if one.State != staff.Active {
			return impossible(ruleActor)
		}
		if c.terms != nil && !slices.ContainsFunc(one.Grants, func(g staff.Grant) bool { return g.Service == now.Name && g.Office == c.terms[i] }) {
			return impossible(ruleActor)
		}
		parties = append(parties, approvals.Party{Person: one, Does: of.does, Behind: behind})
	}
	if approvals.Apart(now, c.alone, parties...) != nil {
		return impossible(ruleActor)
	}
	if c.officer && !slices.ContainsFunc(parties, func(one approvals.Party) bool {
		return one.Does == staff.DecideAccess && approvals.InOffice(one.Person, now)
	}) {
		return impossible(ruleActor)
	}
	if c.office && !slices.ContainsFunc(parties, func(one approvals.Party) bool { return approvals.InOffice(one.Person, now) }) {
		return impossible(ruleActor)
	}
	if x := f.apart(c, p, now); x != (fault{}) {
		return x
	}
	if e := s.editions[v.charter]; e != nil && e.published.Charter != nil && len(c.items) > 0 {
		purpose, ok := e.published.Charter.Purpose(c.purpose)
		if !ok || slices.ContainsFunc(c.items, func(item string) bool { return !purpose.Has(item) }) {
			return fault{what: FoundStrange, field: "items"} // invariant 6
		}
	}
	if c.seen != nil {
		looks := who.looks.At(moment(c.at))
		who.looks, who.looked = looks.PlusDocument(), true
		if looks.InHour >= c.seen.PerHour || looks.InDay >= c.seen.PerDay {
			return impossible(ruleApproval)
		}
		if p.Country != charter.Home { // edge case 20: nobody has agreed to that
			return impossible(ruleActor)
		}
	}
	return fault{}
}

// then returns a person as they were at a version, and who stood behind them. Whom nobody
// knows may nothing.
func (f *fold) then(person key, version int64) (staff.Person, staff.Backing) {
	var then standing
	if who := f.inside.persons[person]; who != nil {
		then = who.at(version)
	}
	return staff.Person{ID: person.name(id.Staff), Version: version, State: then.state, Country: then.country, Grants: then.grants}, then.behind
}

// catalog is the service as it was at that version.
func (v version) catalog(s *service) catalog.Service {
	return catalog.Service{Name: s.name, State: s.state, Version: v.number, Charter: v.charter, OfficerID: v.officer, DeputyID: v.deputy,
		Closed: v.closed, Successor: v.succeeds, Overdue: v.overdue, Recalled: v.recalled}
}

// lookAgain decides a look again, and counts it.
func (f *fold) lookAgain(c *insideClaim, who *person, p staff.Person, now catalog.Service) fault {
	u := c.look
	s, v, x, _ := f.inForce(u.service, u.body.Catalog, u.body.Charter, u.at)
	if x != (fault{}) {
		return x
	}
	u.facts.Service = now
	if e := s.editions[v.charter]; e != nil {
		if e.published.Charter == nil {
			e.undecided++
			return fault{}
		}
		u.facts.Published, u.facts.Storage, u.facts.Access = e.published, s.storage(v.number), s.access(p.Country, v.number)
	}
	if k := u.use.KnownInside(u.facts.Published.Charter); k.Purpose != u.use.Purpose || k.Party != u.use.Party || k.Activity != u.use.Activity || !slices.Equal(k.Items, u.use.Items) {
		return fault{what: FoundStrange, field: "items"} // invariant 6
	}
	looks := who.looks.At(moment(u.at)).Within(moment(u.at), time.Duration(u.body.Look.BurstIn)*time.Microsecond)
	look := gate.Look{Person: p, Request: c.request, Intact: !u.body.Look.Forged, Suspended: f.suspended(c.person, c.version, u.at), Looks: looks, PerHour: u.body.Look.PerHour, PerDay: u.body.Look.PerDay,
		Export: u.body.Look.Export, Key: staff.Recipient{GoodFrom: moment(who.at(c.version).key.good)}}
	_, reasons := gate.Decide(u.facts, gate.ByStaff(look), u.use)
	if u.permitted {
		n := counted(u.body)
		who.looks, who.looked = looks.Plus(n), true
		if slices.Contains(u.body.Look.Alarms, approvals.Burst) != looks.Bursts(n, u.body.Look.Burst) ||
			slices.Contains(u.body.Look.Alarms, approvals.Exported) != u.body.Look.Export {
			return impossible(ruleAlarm)
		}
	}
	if slices.Contains(u.body.Look.Alarms, approvals.Forged) != u.body.Look.Forged {
		return impossible(ruleAlarm)
	}
	if u.permitted != (len(reasons) == 0) || !slices.Equal(reasons, u.body.Reasons) {
		return fault{what: FoundVerdict, want: verdict(len(reasons) == 0, reasons), got: verdict(u.permitted, u.body.Reasons)}
	}
	if x := f.counted(u, gate.ByStaff(look)); x != (fault{}) {
		return x
	}
	if u.body.Look.Role != approvals.RoleFor(p, staff.AskAccess, now) {
		return impossible(ruleActor) // looks are tallied by it
	}
	return fault{}
}

// stands keeps what the person holds from this version on.
func (who *person) stands(version int64) {
	s := standing{version: version, state: staff.Active, country: who.country, key: who.recipient, grants: slices.Collect(maps.Keys(who.roles)),
		behind: staff.Backing{Makers: who.makers, Given: make(map[staff.Grant]string, len(who.roles))}}
	for g, is := range who.roles {
		s.behind.Given[g] = is.by
	}
	if who.left != 0 {
		s.state = staff.Left
	}
	who.history = add(who.history, s)
}

// at returns what the person held at a version.
func (who *person) at(version int64) (then standing) {
	for _, s := range who.history {
		if s.version <= version {
			then = s
		}
	}
	return then
}
