package screening

import "slices"

// A Verdict is what becomes of a text.
type Verdict uint8

const (
	Publish Verdict = iota + 1 // as it is
	Hold                       // not before a person, a permit, or its masks say so
)

var verdicts = [...]string{Publish: "publish", Hold: "hold"}

// String is the verdict as answers write it: "hold".
func (v Verdict) String() string {
	if int(v) < len(verdicts) {
		return verdicts[v]
	}
	return ""
}

// A Policy says what becomes of each kind. The zero Policy is the strictest, and the one
// of whoever says nothing: a kind that it doesn't name is held.
type Policy map[Kind]Verdict

// Publishing is the policy that holds all but these kinds.
func Publishing(kinds ...Kind) Policy {
	p := make(Policy, len(kinds))
	for _, k := range kinds {
		p[k] = Publish
	}
	return p
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
// it is Likely that it is that child's; consent of one child's guardian is none
// for another (edge case 25). Article 18: the author's own values are held as well,
// unless a permit allows them to be disclosed; a nickname or a school, which many
// share, goes by the policy.
func (p Policy) Decide(by Author, found []Finding) Verdict {
	v := Publish
	for _, f := range found {
		v = max(v, p.About(by, f))
	}
	return v
}

func (by Author) owns(f Finding) bool { return by.IsChild && f.isOf(by.Child) }

// Guesses reports whether a finding is a word and no more, which is also some other child's
// name: to whoever asks it would say that there is such a child.
func (by Author) Guesses(f Finding) bool {
	return len(f.Children) > 0 && f.Confidence == Possible && f.Kind >= Name && !by.owns(f)
}

// About is the verdict on one finding.
func (p Policy) About(by Author, f Finding) Verdict {
	own, kind := by.owns(f), f.Kind
	if f.named && !own {
		kind = Name
	}
	switch {
	case len(f.Children) > 0 && !own && f.Confidence >= Likely:
		return Hold
	case slices.ContainsFunc(f.within, func(v Finding) bool { return !by.owns(v) }):
		return Hold
	case own && slices.Contains(by.Permits, f.Kind):
		return Publish
	case own && f.Kind != Nickname && f.Kind != School:
		return Hold
	case by.Guesses(f):
		return Publish
	case p[kind] == 0:
		return Hold
	}
	return p[kind]
}
