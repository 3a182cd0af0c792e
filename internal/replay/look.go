package replay

import (
	"slices"
	"strings"

	approvals "wardkeep/internal/approval"
	"wardkeep/internal/base/id"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
)

// look decides a guardian's look at what is held again, or a copy of it. It rests on the child
// alone, so it waits for nothing.
func (f *fold) look(p ledger.Placed, c *child) fault {
	b, x := body[gate.AccessBody](p)
	if x != (fault{}) {
		return x
	}
	if f.uses++; b.Forged {
		f.raises(p, []approvals.Cause{approvals.Forged})
	}
	ports := p.Kind == gate.KindPorted || p.Kind == gate.KindPortDenied
	copies := ports || p.Kind == gate.KindCopied || p.Kind == gate.KindCopyDenied
	if copies != (b.Demand != "") {
		return fault{what: FoundBody, field: p.Kind}
	}
	name, ok := strings.CutPrefix(p.Actor, "guardian:")
	k, known := keyOf(id.Guardian, name)
	if ports { // by whom its guardian has named, who has no name here
		d := c.demanded(b.Demand)
		if ok, known = p.Actor == "port:"+b.Demand, d != nil && d.port != nil; ok && known {
			k = d.guardian
		}
	}
	if !ok || !known {
		return fault{what: FoundActor, field: "actor"}
	}
	switch {
	case ports:
		if x := f.ported(c, b, p); x != (fault{}) {
			return x
		}
	case copies:
		if x := f.copied(c, b, k, p.At.UnixMicro()); x != (fault{}) {
			return x
		}
	}
	for _, item := range b.Items {
		if _, held := f.names.syms[item]; !held {
			return fault{what: FoundStrange, field: "items"} // invariant 6
		}
	}
	u := &use{at: p.At.UnixMicro(), use: gate.Use{Service: p.Service, Child: family.ID(p.Subject), Activity: charter.Use, Items: b.Items}}
	u.body.Items, u.body.Age = b.Items, b.Age
	facts := f.factsOf(c, u)
	if x := c.sawAge(age.Class(b.Age), u.at); x != (fault{}) {
		return x
	}
	by := family.Guardian{ID: family.GuardianID(k[:]), Child: u.use.Child, Strength: b.Strength}
	_, reasons := gate.DecideAccess(facts, by, gate.Access{Service: p.Service, Child: u.use.Child, Items: b.Items,
		Demand: b.Demand, Needs: b.Needs, Port: ports, Forged: b.Forged})
	permitted := p.Kind == gate.KindViewed || p.Kind == gate.KindCopied || p.Kind == gate.KindPorted
	if permitted != (len(reasons) == 0) || !slices.Equal(reasons, b.Reasons) {
		return fault{what: FoundVerdict, want: verdict(len(reasons) == 0, reasons), got: verdict(permitted, b.Reasons)}
	}
	return fault{}
}
