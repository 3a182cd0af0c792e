package replay

import (
	"maps"
	"slices"
	"strings"

	"wardkeep/internal/base/id"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
	"wardkeep/internal/vault"
)

// A bundle is what the ledger says of what was pushed to a party and waits for it. One that was
// taken, or thrown away, is forgotten.
type bundle struct {
	id, child      key
	of             party.ID
	key            string // "kx_…"
	purpose, items string
	pushed, until  int64
	released       bool  // it was decided that it may go
	version        int64 // of the service, by which that was decided last
	seen           bool  // its row was found
}

// pushed folds that a use that was permitted left a bundle behind.
func (f *fold) pushed(p ledger.Placed, u *use) fault {
	b, n := u.body.Pull, f.names
	of := party.ID{Service: n.keep(p.Service), Role: party.Role(n.keep(string(b.Role))), Name: n.keep(b.Party)}
	name, ok := keyOf(id.Bundle, b.Bundle)
	child, _ := keyOf(id.Subject, p.Subject)
	if !ok || f.bundles[name] != nil || b.Until <= u.at || b.Until > u.at+vault.BundleLife.Microseconds() {
		return impossible(ruleBundle)
	}
	f.bundles[name] = &bundle{id: name, child: child, of: of, key: n.keep(b.Key), purpose: n.keep(u.body.Purpose), items: n.keep(strings.Join(u.body.Items, " ")),
		pushed: u.at, until: b.Until}
	return fault{}
}

// bundleEntry folds what became of a bundle of the child.
func (f *fold) bundleEntry(p ledger.Placed, s source, k key, c *child) fault {
	if p.Kind == vault.KindFetched {
		return f.fetched(p, s, k)
	}
	name, is := strings.CutPrefix(p.Actor, "bundle:")
	waits, ok := keyOf(id.Bundle, name)
	b := f.bundles[waits]
	switch {
	case !is || !ok:
		return fault{what: FoundActor, field: "actor"}
	case b == nil || b.child != k:
		return impossible(ruleBundle) // it never waited, or was taken or thrown away before
	}
	switch p.Kind {
	case gate.KindReleased, gate.KindWithheld:
		return f.sent(p, s, c, b)
	case vault.KindDelivered:
		delete(f.bundles, waits)
		taken, x := body[vault.DeliveredBody](p)
		if x == (fault{}) && (taken != vault.DeliveredBody{Bundle: name, Role: b.of.Role, Party: b.of.Name} || !b.released) {
			x = impossible(ruleBundle)
		}
		return x
	}
	delete(f.bundles, waits)
	dropped, x := body[vault.DroppedBody](p)
	want := vault.DroppedBody{Bundle: name, Role: b.of.Role, Party: b.of.Name, Why: dropped.Why}
	if dropped.Why == vault.Damaged {
		want.Role, want.Party = "", ""
	}
	early := dropped.Why == vault.Late && p.At.UnixMicro() < b.until
	if x == (fault{}) && (dropped != want || !slices.Contains(vault.Losses, dropped.Why) || early) {
		x = impossible(ruleBundle)
	}
	return x
}

// fetched folds that a party has come for a bundle of the child, by a key or a seat of its own, of
// which it was decided before that it may go, and to a country to which it may.
func (f *fold) fetched(p ledger.Placed, s source, k key) fault {
	got, x := body[vault.FetchedBody](p)
	if x != (fault{}) {
		return x
	}
	waits, ok := keyOf(id.Bundle, got.Bundle)
	b := f.bundles[waits]
	switch {
	case !ok || b == nil || b.child != k || !b.released || got.Role != b.of.Role || got.Party != b.of.Name:
		return impossible(ruleBundle)
	case !f.speaks(p, s, b.of):
		return fault{what: FoundActor, field: "actor"}
	}
	came := &f.said[len(f.said)-1]
	came.opens, came.version = b.key, b.version
	return fault{}
}

// sent decides once more what was decided before a bundle was to be sent: with the key that it
// is sealed to, and with all else as it stood then. What leaves is what was pushed, in time.
func (f *fold) sent(p ledger.Placed, s source, c *child, b *bundle) fault {
	d, x := body[gate.UseBody](p)
	if x != (fault{}) {
		return x
	}
	f.uses++
	u := &use{source: s, child: c, body: d, actor: p.Actor, at: p.At.UnixMicro(), permitted: p.Kind == gate.KindReleased, bundle: b}
	u.use = gate.Use{Service: p.Service, Child: family.ID(p.Subject), Activity: charter.Activity(d.Activity), Purpose: d.Purpose, Items: d.Items, Party: d.Party}
	u.facts = f.factsOf(c, u)
	b.version = d.Catalog
	if b.released = u.permitted; !u.permitted {
		delete(f.bundles, b.id)
	}
	switch x := c.sawAge(age.Class(d.Age), u.at); {
	case x != (fault{}):
		return x
	case d.Pull != nil || d.Look != nil:
		return fault{what: FoundActor, field: "actor"}
	case u.permitted && (u.at >= b.until || u.use.Activity != gate.Activity(b.of.Role) || d.Purpose != b.purpose || d.Party != b.of.Name || strings.Join(d.Items, " ") != b.items):
		return impossible(ruleBundle)
	}
	if x := f.crosses(c, u); x != (fault{}) {
		return x
	}
	x, wait := f.decide(u)
	if wait {
		f.keep(u, x)
		return fault{}
	}
	return x
}

// compareBundle compares a row of party_bundle. When it is tried next, and how the last try
// went, is the queue's own.
func (a *audit) compareBundle(t *tally, row vault.Bundle) {
	r := a.of(t, "party_bundle", string(row.Child), a.names.shown(row.ID))
	k, ok := keyOf(id.Bundle, row.ID)
	b := a.fold.bundles[k]
	if t == nil || !ok || b == nil || a.fold.children[b.child] != t.child {
		r.extra()
		return
	}
	b.seen = true
	r.text("service", b.of.Service, row.Party.Service)
	r.text("role", string(b.of.Role), string(row.Party.Role))
	r.text("party", b.of.Name, row.Party.Name)
	r.text("key", b.key, row.Key)
	r.text("purpose", b.purpose, row.Purpose)
	r.text("items", b.items, strings.Join(row.Items, " "))
	r.time("pushed_at", b.pushed, micros(row.PushedAt))
	r.time("until_at", b.until, micros(row.UntilAt))
	if a.ring != nil && !t.locked && row.Intact(a.ring, t.record.Child) != nil {
		r.found(FoundSealed, "sealed", "–", "–")
	}
}

// missingBundles names the bundles of living children that wait, as the ledger says, and aren't
// in the table.
func (a *audit) missingBundles() {
	for _, k := range slices.SortedFunc(maps.Keys(a.fold.bundles), func(a, b key) int { return slices.Compare(a[:], b[:]) }) {
		b := a.fold.bundles[k]
		if c := a.fold.children[b.child]; !b.seen && c != nil && c.state != erased {
			at{audit: a, table: "party_bundle", service: b.of.Service, subject: b.child.name(id.Subject), row: k.name(id.Bundle)}.missing()
		}
	}
}
