package screening

import "slices"

// A Verdict is what becomes of a text.
type Verdict uint8

const (
	Publish Verdict = iota + 1 // as it is
	Mask                       // with the masks in it
	Hold                       // not before a person, or a permit, says so
)

var verdicts = [...]string{Publish: "publish", Mask: "mask", Hold: "hold"}

// String is the verdict as answers write it: "hold".
func (v Verdict) String() string {
	if int(v) < len(verdicts) {
		return verdicts[v]
	}
	return ""
}

// A Policy says what becomes of each kind. The zero Policy holds whatever is
// found: a kind that it doesn't name is held.
type Policy map[Kind]Verdict

// Standard is the policy where a service has none of its own: what opens accounts
// or leads to a door is held, and what can be masked is.
func Standard() Policy {
	return Policy{Phone: Mask, Identity: Hold, Passport: Hold, Card: Hold, Email: Mask, WeChat: Mask, QQ: Mask, Address: Hold, Pupil: Mask,
		Name: Mask, Nickname: Publish, School: Publish, Other: Mask, Place: Mask, Owner: Mask}
}

// An Author is who publishes: a child, or, as the zero Author, somebody else.
type Author struct {
	Child   Child
	IsChild bool
	Permits []Kind // of which a permit to disclose the author's own values is in force
}

// Decide is the verdict on a text with these findings, the strictest of each. It
// is a pure function.
//
// Article 4: a value of another child is held, whatever the policy says, where
// it is Certain that it is that child's; consent of one child's guardian is none
// for another (edge case 25). Article 18: the author's own values are treated
// as the policy says unless a permit allows them.
func (p Policy) Decide(by Author, found []Finding) Verdict {
	v := Publish
	for _, f := range found {
		v = max(v, p.about(by, f))
	}
	return v
}

func (by Author) owns(f Finding) bool { return by.IsChild && slices.Contains(f.Children, by.Child) }

func (p Policy) about(by Author, f Finding) Verdict {
	own := by.owns(f)
	switch {
	case len(f.Children) > 0 && !own && f.Confidence == Certain:
		return Hold
	case slices.ContainsFunc(f.within, func(v Finding) bool { return !by.owns(v) }):
		return Hold
	case own && slices.Contains(by.Permits, f.Kind):
		return Publish
	case len(f.Children) > 0 && f.Confidence == Possible && f.Kind >= Name:
		return Publish // a word that is also some child's name
	case p[f.Kind] == 0:
		return Hold
	}
	return p[f.Kind]
}
