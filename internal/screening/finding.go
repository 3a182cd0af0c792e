package screening

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
