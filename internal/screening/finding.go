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

	named  bool      // of few children whose value it is, one has it as a name
	within []Finding // the known values under it, apart, where it isn't one itself
}

// A Child is the number of a child in a Known, as who built it counted.
type Child uint32

// Detach has the findings hold nothing of the set that they were made with, which may
// then be wiped. Whose a value is is copied once, however often the value is found: a school
// that thousands share may stand in a text thousands of times.
func Detach(lists ...[]Finding) {
	detach(lists, make(map[*Child][]Child))
}

func detach(lists [][]Finding, own map[*Child][]Child) {
	for _, found := range lists {
		for i := range found {
			f := &found[i]
			if len(f.Children) > 0 {
				first := &f.Children[0] // a set's slice is one value's
				if own[first] == nil {
					own[first] = slices.Clone(f.Children)
				}
				f.Children = own[first]
			}
			detach([][]Finding{f.within}, own)
		}
	}
}

// Whose returns the children whose known values were found, each once.
func Whose(lists ...[]Finding) (all []Child) {
	seen := make(map[*Child]bool)
	var note func([]Finding)
	note = func(found []Finding) {
		for _, f := range found {
			if len(f.Children) > 0 && !seen[&f.Children[0]] {
				seen[&f.Children[0]] = true
				all = append(all, f.Children...)
			}
			note(f.within)
		}
	}
	for _, found := range lists {
		note(found)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Forget takes the children that are gone out of findings which hold nothing of a set any
// more. What was found as a value of theirs alone is none any more; what has a form of its
// own is one still, and nobody's.
func Forget(gone func(Child) bool, lists ...*[]Finding) {
	left := make(map[*Child][]Child)
	for _, found := range lists {
		*found = without(*found, gone, left)
	}
}

func without(found []Finding, gone func(Child) bool, left map[*Child][]Child) []Finding {
	kept := found[:0]
	for _, f := range found {
		known := f.Children != nil
		if known {
			first := &f.Children[0]
			rest, ok := left[first]
			if !ok {
				// Others have the same slice.
				for _, c := range f.Children {
					if !gone(c) {
						rest = append(rest, c)
					}
				}
				left[first] = rest
			}
			f.Children = rest
		}
		f.within = slices.DeleteFunc(without(f.within, gone, left), func(v Finding) bool { return v.Children == nil })
		if known && f.Children == nil && f.Kind > Pupil {
			continue
		}
		kept = append(kept, f)
	}
	return kept
}

// isOf reports whether it is a value of a child: they are in order.
func (f Finding) isOf(c Child) bool {
	_, ok := slices.BinarySearch(f.Children, c)
	return ok
}

// KindsOf returns as what values of a child stand in the finding.
func (f Finding) KindsOf(c Child) (kinds []Kind) {
	if f.isOf(c) {
		kinds = append(kinds, f.Kind)
	}
	for _, v := range f.within {
		kinds = append(kinds, v.KindsOf(c)...)
	}
	return kinds
}
