package gate

import (
	"wardkeep/internal/approval"
	"wardkeep/internal/charter"
	"wardkeep/internal/party"
)

// A Pull is the authority of a processor or a recipient that asks by itself (Article 16): the
// key that has signed, whose it is, and what that party has had by all of its keys. What the
// key is bound to, and how the party stands, are facts. The zero Pull opens nothing.
//
// With a bundle it is a push: what an app gives to a party that can't ask, sealed to a key of
// that party. It counts as what the party has asked for does: whoever has got hold of the app
// gets no more out by the party's address than by the party's own key.
type Pull struct {
	Key    string // "kp_…"; of a push "kx_…", empty if the party has none that anything could be sealed to
	Party  party.ID
	Meter  party.Meter
	Limits party.Limits
	Bundle string // "bn_…" of a push; empty: the party asks by itself
	Until  int64  // of a push, microseconds: the bundle waits no longer
}

// The kinds of entries of what is decided once more about a bundle, before each try to send it.
const (
	KindReleased = "bundle.released" // it leaves now
	KindWithheld = "bundle.withheld" // it doesn't, and is thrown away
)

// A PullBody is what the ledger keeps of a pull beside the use: how many values which party
// had had, by which limits it was judged, and which alarms that raised.
type PullBody struct {
	Role     party.Role `json:"role"`
	Party    string     `json:"party"`
	Minute   int64      `json:"minute"`
	InMinute int64      `json:"in_minute"`
	Hour     int64      `json:"hour"`
	InHour   int64      `json:"in_hour"`
	Day      int64      `json:"day"`
	InDay    int64      `json:"in_day"`
	Warned   int64      `json:"warned"`
	PerHour  int64      `json:"per_hour"`
	PerDay   int64      `json:"per_day"`
	Burst    int64      `json:"burst"`

	Key    string `json:"key,omitempty"`    // of a push, as are the next two: what the bundle is sealed to
	Bundle string `json:"bundle,omitempty"` // that waits, if the use was permitted
	Until  int64  `json:"until,omitempty"`

	Alarms []approval.Cause `json:"alarms,omitempty"` // each has an entry of its own
}

// Pull returns the pull by a key that was recorded of a service, or the push.
func (b PullBody) Pull(service, key string) Pull {
	if b.Bundle != "" {
		key = b.Key
	}
	return Pull{Bundle: b.Bundle, Until: b.Until, Key: key, Party: party.ID{Service: service, Role: b.Role, Name: b.Party}, Limits: party.Limits{PerHour: b.PerHour, PerDay: b.PerDay, Burst: b.Burst},
		Meter: party.Meter{Minute: b.Minute, InMinute: b.InMinute, Hour: b.Hour, InHour: b.InHour, Day: b.Day, InDay: b.InDay, Warned: b.Warned}}
}

// ByParty returns a party that asks by itself as an actor. It may have what is entrusted to a
// processor, or transferred to a recipient, and nothing else: as much as its agreement or its
// assessment and the charter in force give it, of a child whose guardian has agreed.
func ByParty(p Pull) Actor { return Actor{name: "party:" + p.Key, pull: &p} }

// Pushing returns the actor as it gives something to a party that can't ask: it needs its own
// authority for that, and the party what it would need to ask.
func (a Actor) Pushing(p Pull) Actor {
	a.pull = &p
	return a
}

// ByBundle returns what was pushed, and waits for its party, as an actor: it may go where it was
// to go, with what is in it, as long as all else still holds. It was counted when it was pushed.
func ByBundle(p Pull) Actor { return Actor{name: "bundle:" + p.Bundle, pull: &p, sends: true} }

// Activity returns what a party of the role does when it asks for values.
func Activity(role party.Role) charter.Activity {
	if role == party.Recipient {
		return charter.Transfer
	}
	return charter.Entrust
}

// Alarms returns what n values more raise, that were released or denied for those reasons: a
// burst once, where it becomes one; and that there are too many, once an hour.
func (p Pull) Alarms(n int64, reasons []Denial) (all []approval.Cause) {
	if len(reasons) == 0 && p.Meter.Bursts(n, p.Limits.Burst) {
		all = append(all, approval.Burst)
	}
	if OverQuota(reasons) && p.Meter.Warned < p.Meter.Hour {
		all = append(all, approval.OverQuota)
	}
	return all
}

// After returns the meter after that.
func (p Pull) After(n int64, reasons []Denial) party.Meter {
	m := p.Meter
	if len(reasons) == 0 {
		m = m.Plus(n)
	}
	if OverQuota(reasons) {
		m.Warned = m.Hour
	}
	return m
}

// OverQuota reports whether a use was denied because there were too many.
func OverQuota(reasons []Denial) bool {
	for _, r := range reasons {
		if r.Code == "gate.pull_hour" || r.Code == "gate.pull_day" {
			return true
		}
	}
	return false
}

// pulled is what the ledger keeps of a pull, or nil for another actor's use.
func (a Actor) pulled(items int, permit Permit, reasons []Denial) *PullBody {
	if a.pull == nil || a.sends {
		return nil
	}
	m, l := a.pull.Meter, a.pull.Limits
	return &PullBody{Key: a.pull.sealedTo(), Bundle: a.pull.Bundle, Until: a.pull.until(permit), Role: a.pull.Party.Role, Party: a.pull.Party.Name, Minute: m.Minute, InMinute: m.InMinute, Hour: m.Hour, InHour: m.InHour, Day: m.Day, InDay: m.InDay, Warned: m.Warned,
		PerHour: l.PerHour, PerDay: l.PerDay, Burst: l.Burst, Alarms: a.pull.Alarms(int64(items), reasons)}
}

func (p Pull) sealedTo() string {
	if p.Bundle == "" {
		return "" // the actor is the key
	}
	return p.Key
}

// until is when a bundle waits no longer: Article 12 has what is in it end with the values.
func (p Pull) until(permit Permit) int64 {
	until := p.Until
	for _, end := range permit.ends {
		until = min(until, end)
	}
	return until
}

// pulls denies what a key isn't bound to at this moment, and what is too much. Whether the party
// stands, and for what, is looked at as when the app gives it something: see engaged.
func (d *decision) pulls() {
	k, p := d.facts.Key, *d.by.pull
	if p.Bundle != "" && p.Key == "" {
		d.deny(p.Party.Role.Article(), "gate.party_cannot_open")
		return
	}
	if k.ID == "" || k.ID != p.Key || k.Party != p.Party || k.Seals() != (p.Bundle != "") {
		d.deny("16", "gate.actor_unknown")
		return
	}
	article := k.Party.Role.Article()
	if k.Party.Service != d.use.Service {
		d.deny(article, "gate.actor_of_other_service")
	}
	// Whoever asks, asks for itself.
	if d.use.Activity != Activity(k.Party.Role) || d.use.Party != k.Party.Name {
		d.deny(article, "gate.pull_for_other")
		return
	}
	if !k.RevokedAt.IsZero() {
		d.deny(article, "gate.key_revoked")
	}
	if !d.facts.Now.Before(k.Until) {
		d.deny(article, "gate.key_over")
	}
	if d.counterpart(k.Party.Role).Paper().ID != k.Paper {
		d.deny(article, "gate.key_of_other_paper")
	}
	if d.by.sends {
		return
	}
	n := int64(max(1, len(d.use.Items)))
	if p.Meter.InHour+n > p.Limits.PerHour {
		d.deny(article, "gate.pull_hour")
	}
	if p.Meter.InDay+n > p.Limits.PerDay {
		d.deny(article, "gate.pull_day")
	}
}
