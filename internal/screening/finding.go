package screening

import "slices"

// A Kind is what was found.
type Kind uint8

// The kinds. Those before Pupil are identifiers and have a form of their own.
const (
	Phone    Kind = iota + 1 // a mobile number of the mainland, or a home's landline
	Identity                 // a resident identity number
	Passport
	Card // a bank card
	Email
	WeChat
	QQ
	Address
	Pupil    // a name beside a school or a class
	Name     // only as a known value
	Nickname // only as a known value
	School   // only as a known value
	Other    // a known value of any other item
	Place    // where a picture was taken
	Owner    // whose name a picture carries
)

var kinds = [...]string{Phone: "phone", Identity: "identity-number", Passport: "passport", Card: "bank-card", Email: "email", WeChat: "wechat",
	QQ: "qq", Address: "address", Pupil: "pupil", Name: "name", Nickname: "nickname", School: "school", Other: "other", Place: "place", Owner: "owner"}

// String is the kind as policies and answers write it: "identity-number".
func (k Kind) String() string {
	if int(k) < len(kinds) {
		return kinds[k]
	}
	return ""
}

// KindOf is the kind that is written so, and false for none.
func KindOf(s string) (Kind, bool) {
	for k, name := range kinds {
		if name == s && s != "" {
			return Kind(k), true
		}
	}
	return 0, false
}

// A Confidence says how much a finding proves.
type Confidence uint8

const (
	Possible Confidence = iota + 1 // it may well be something else
	Likely                         // its form or its surroundings say so
	Certain                        // both do, or it is a known value that few share
)

var confidences = [...]string{Possible: "possible", Likely: "likely", Certain: "certain"}

// String is the confidence as answers write it: "likely".
func (c Confidence) String() string {
	if int(c) < len(confidences) {
		return confidences[c]
	}
	return ""
}

// A Finding is one place in a text. It carries no value, only where it stands
// and what could stand there instead.
type Finding struct {
	Kind       Kind
	Start, End int // bytes of the text that was sent
	Confidence Confidence
	Mask       string  // what may stand there instead
	Children   []Child // whose known value it is, in order; nil if it isn't known

	within []Finding // the known values under it, apart, where it isn't one itself
}

// A Child is the number of a child in a Known, as who built it counted.
type Child uint32

// Detach has the findings hold nothing of the set that they were made with, which may
// then be wiped.
func Detach(found []Finding) {
	for i := range found {
		found[i].Children = slices.Clone(found[i].Children)
		Detach(found[i].within)
	}
}

// Whose returns the children whose known values were found, each once.
func Whose(found []Finding) (all []Child) {
	for _, f := range found {
		all = append(append(all, f.Children...), Whose(f.within)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Without returns the findings, which hold nothing of a set any more, without the
// children that are gone. What was found as a value of theirs alone is none any more;
// what has a form of its own is one still, and nobody's.
func Without(found []Finding, gone func(Child) bool) []Finding {
	left := found[:0]
	for _, f := range found {
		known := f.Children != nil
		if f.Children = slices.DeleteFunc(f.Children, gone); len(f.Children) == 0 {
			f.Children = nil
		}
		f.within = slices.DeleteFunc(Without(f.within, gone), func(v Finding) bool { return v.Children == nil })
		if known && f.Children == nil && f.Kind > Pupil {
			continue
		}
		left = append(left, f)
	}
	return left
}

// KindsOf returns as what values of a child stand in the finding.
func (f Finding) KindsOf(c Child) (kinds []Kind) {
	if slices.Contains(f.Children, c) {
		kinds = append(kinds, f.Kind)
	}
	for _, v := range f.within {
		kinds = append(kinds, v.KindsOf(c)...)
	}
	return kinds
}
