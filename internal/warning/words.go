package warning

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/ledger"
)

// Words are what a notice says in one language: the three parts of PIPL 57, and what a child
// understands of them.
type Words struct {
	What     string `json:"what"`     // which kinds of information
	Cause    string `json:"cause"`    // what has happened to it, and why
	Harm     string `json:"harm"`     // that may follow
	Remedies string `json:"remedies"` // that were taken
	Advice   string `json:"advice"`   // what those who are told can do themselves
	Contact  string `json:"contact"`  // whom they can ask
	Child    string `json:"child"`    // the same, for a child to read or to be read
}

// A Text is what a notice says: to everybody in their language, or, of one that is withheld, why
// nobody is told.
type Text struct {
	Chinese Words  `json:"zh-CN"`
	English Words  `json:"en"`
	Reason  string `json:"reason,omitempty"`
}

// In returns what it says in a language.
func (t Text) In(lang i18n.Lang) Words {
	if lang == i18n.English {
		return t.English
	}
	return t.Chinese
}

// A Part is one of Words, with the name of its field.
type Part struct{ Name, Text string }

// Parts lists the parts in the order in which they are read.
func (w Words) Parts() []Part {
	return []Part{{"what", w.What}, {"cause", w.Cause}, {"harm", w.Harm}, {"remedies", w.Remedies}, {"advice", w.Advice}, {"contact", w.Contact}, {"child", w.Child}}
}

// TextOf reads a text from a form: "zh.what" and so on, "en.what" and so on, and the reason.
func TextOf(value func(field string) string) Text {
	words := func(lang string) Words {
		v := func(part string) string { return clean(value(lang + "." + part)) }
		return Words{v("what"), v("cause"), v("harm"), v("remedies"), v("advice"), v("contact"), v("child")}
	}
	return Text{Chinese: words("zh"), English: words("en"), Reason: clean(value("reason"))}
}

var lines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

func clean(s string) string { return strings.TrimSpace(lines.Replace(s)) }

// check says which part is missing. Whoever is told has all of them in their language (PIPL 57).
func (t Text) check(withheld bool) error {
	if withheld {
		if !isWords(t.Reason) || t.Chinese != (Words{}) || t.English != (Words{}) {
			return ErrWords.At("reason")
		}
		return nil
	}
	for _, of := range []struct {
		lang string
		Words
	}{{"zh", t.Chinese}, {"en", t.English}} {
		for _, part := range of.Parts() {
			if !isWords(part.Text) {
				return ErrWords.At(of.lang + "." + part.Name)
			}
		}
	}
	if t.Reason != "" {
		return ErrWords.At("reason")
	}
	return nil
}

func isWords(s string) bool {
	return utf8.ValidString(s) && strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= maxWords &&
		!strings.ContainsFunc(s, func(r rune) bool {
			return unicode.IsControl(r) && r != '\n' && r != '\t' || r == '\u2028' || r == '\u2029'
		})
}

func (n Notice) bound() []string { return []string{n.ID, n.Incident, strconv.FormatInt(n.Version, 10)} }

// seal seals what a notice says, and returns its mark.
func (n *Notice) seal(ring *keyring.Ring, t Text) (string, error) {
	plain, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	n.salt = ledger.NewSalt()
	n.sealed, err = ring.Seal(sealDomain, plain, n.bound()...)
	return n.mark(string(plain)), err
}

func (n Notice) mark(plain string) string { return ledger.Mark(n.salt, append(n.bound(), plain)...) }

func (n Notice) plain(ring *keyring.Ring) (string, error) {
	plain, err := ring.Open(sealDomain, n.sealed, n.bound()...)
	if errors.Is(err, keyring.ErrOpen) {
		err = ErrSealed
	}
	return string(plain), err
}

// Text returns what a notice says. Errors: ErrSealed.
func (n Notice) Text(ring *keyring.Ring) (t Text, err error) {
	plain, err := n.plain(ring)
	if err == nil && json.Unmarshal([]byte(plain), &t) != nil {
		err = ErrSealed
	}
	return t, err
}

// Mark is what the ledger has of what it says. Errors: ErrSealed.
func (n Notice) Mark(ring *keyring.Ring) (string, error) {
	plain, err := n.plain(ring)
	return n.mark(plain), err
}

// AfterMark is what the ledger has of the child up to which the addressees are prepared: whoever
// writes another one into the table leaves children out, and is found. Empty at the beginning.
func AfterMark(ring *keyring.Ring, n Notice) string {
	if n.After == "" {
		return ""
	}
	return short(ring.Index("warning.after", n.ID, string(n.After)))
}

// NameOf is how the ledger names an addressee. It rests on the child's pseudonym: once the child
// is erased, nobody makes it again. How a child stands never changes, and is in its name.
func NameOf(ring *keyring.Ring, subject string, a Addressee) string {
	stands := Waiting
	if a.Guardian == "" {
		stands = a.State
	}
	return short(ring.Index("warning.addressee", a.Notice, subject, string(a.Child), string(a.Guardian), string(stands)))
}
