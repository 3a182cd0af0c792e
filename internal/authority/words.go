package authority

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family/age"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
)

// Facts are what is on record of a case as a report about it is drafted. Nobody types them. Times
// are microseconds; 0 where nobody knows.
type Facts struct {
	Operator  charter.Words    `json:"operator"` // as its charter names it
	Officer   string           `json:"officer"`  // who is asked, and how
	Contact   string           `json:"contact"`
	Kind      incident.Kind    `json:"kind"`
	Suspected bool             `json:"suspected,omitempty"`
	Grade     incident.Grade   `json:"grade,omitempty"`
	Began     int64            `json:"began,omitempty"`
	Noticed   int64            `json:"noticed"`
	Opened    int64            `json:"opened"`
	Items     []Item           `json:"items,omitempty"`
	Children  int64            `json:"children,omitempty"`
	Counted   bool             `json:"counted,omitempty"` // by the list of the case, and not as somebody has said
	Done      []Taken          `json:"done,omitempty"`
	Drill     bool             `json:"drill,omitempty"`
	Ended     incident.Outcome `json:"ended,omitempty"`
}

// An Item is a kind of information, as the charter calls it.
type Item struct {
	Name  string        `json:"name"`
	Label charter.Words `json:"label"`
}

// A Taken is something that was done about a case.
type Taken struct {
	Step incident.Step `json:"step"`
	At   int64         `json:"at"`
	All  bool          `json:"all,omitempty"` // for all on the list of the case
}

// Words are what somebody adds to the facts. What is left empty nobody knows yet.
type Words struct {
	To       string `json:"to"`                 // the authority
	What     string `json:"what,omitempty"`     // has happened
	Where    string `json:"where,omitempty"`    // in which system, at whose
	Harm     string `json:"harm,omitempty"`     // that was done, or may follow
	Measures string `json:"measures,omitempty"` // that were taken, and what came of them
	Cause    string `json:"cause,omitempty"`
	Clues    string `json:"clues,omitempty"`   // what helps to look into it: traces, weaknesses, what was kept as it was found
	Next     string `json:"next,omitempty"`    // what is done next, and which help is asked for
	Lessons  string `json:"lessons,omitempty"` // of Wrap: who answers for it, what was put right, what was learnt
	Reason   string `json:"reason,omitempty"`  // of None alone
}

// A Sheet is what a report says.
type Sheet struct {
	Facts Facts `json:"facts"`
	Words Words `json:"words"`
}

// FactsOf returns the facts of a case as they are now.
func FactsOf(ctx context.Context, tx *db.Tx, charters *catalog.Cache, c incident.Case) (f Facts, err error) {
	f = Facts{Kind: c.Kind, Suspected: c.Suspected, Grade: c.Grade, Noticed: c.NoticedAt.UnixMicro(), Opened: c.OpenedAt.UnixMicro(), Children: c.Children,
		Drill: c.Drill, Ended: c.Outcome}
	if !c.BeganAt.IsZero() {
		f.Began = c.BeganAt.UnixMicro()
	}
	list, err := incident.ListOf(ctx, tx, c.ID)
	if err != nil {
		return f, err
	}
	// Whom the ledger names counts more than what somebody has guessed; but a guess that is
	// higher isn't made less by a search that has only begun.
	if list.Children > 0 && list.Children >= f.Children {
		f.Children, f.Counted = list.Children, true
	}
	in, err := charters.Current(ctx, tx, c.Service)
	if err != nil && !errors.Is(err, catalog.ErrNoCharter) {
		return f, err
	}
	if err == nil {
		f.Operator = in.Charter.Operator.Name
	}
	items, errItems := incident.ItemsOf(ctx, tx, c)
	if errItems != nil {
		return f, errItems
	}
	for _, name := range items {
		item := Item{Name: name}
		if err == nil {
			if is, known := in.Charter.Item(name); known {
				item.Label = is.Label
			}
		}
		f.Items = append(f.Items, item)
	}
	for _, role := range []catalog.Role{catalog.RoleOfficer, catalog.RoleDeputy} {
		held, err := catalog.Holder(ctx, tx, c.Service, role)
		if errors.Is(err, catalog.ErrOfficerNotFound) {
			continue
		}
		if err != nil {
			return f, err
		}
		f.Officer, f.Contact = held.Name, held.Contact
		break
	}
	notes, err := incident.NotesOf(ctx, tx, c)
	for _, n := range notes {
		if slices.Contains(incident.Steps, n.Step) || slices.Contains(incident.Containing, n.Step) {
			f.Done = append(f.Done, Taken{n.Step, n.At.UnixMicro(), n.Target == incident.Everyone})
		}
	}
	return f, err
}

// Changed returns which parts of a report that was made of f would say something else today: what
// has changed since the authority was told is told, too.
func (f Facts) Changed(now Facts) (parts []string) {
	for _, part := range []struct {
		name string
		same bool
	}{
		{"what", f.Kind == now.Kind && f.Suspected == now.Suspected && f.Grade == now.Grade && f.Ended == now.Ended},
		{"when", f.Began == now.Began && f.Noticed == now.Noticed},
		{"items", slices.Equal(f.Items, now.Items)},
		{"children", f.Children == now.Children},
		{"measures", slices.Equal(f.Done, now.Done)},
		{"contact", f.Officer == now.Officer && f.Contact == now.Contact},
	} {
		if !part.same {
			parts = append(parts, part.name)
		}
	}
	return parts
}

// A Part is a part of a report.
type Part struct{ Name, Heading, Text string }

// Known returns of Parts those that are made of facts.
func (s Sheet) Known(lang i18n.Lang) []Part {
	return slices.DeleteFunc(s.Parts(lang), func(p Part) bool {
		return slices.Contains([]string{"where", "harm", "cause", "clues", "next"}, p.Name)
	})
}

// Parts returns what a report says, in the order of the incident reporting measures. What nobody
// knows is said to be unknown.
func (s Sheet) Parts(lang i18n.Lang) []Part {
	f, w := s.Facts, s.Words
	known := func(lines ...string) string {
		lines = slices.DeleteFunc(lines, func(s string) bool { return s == "" })
		if len(lines) == 0 {
			return lang.T("authority.unknown")
		}
		return strings.Join(lines, "\n")
	}
	what := lang.T("authority.kind." + string(f.Kind))
	if f.Suspected {
		what += lang.T("authority.maybe")
	}
	grade := "ungraded"
	if f.Grade != "" {
		grade = string(f.Grade)
	}
	ended := ""
	if f.Ended != "" {
		ended = lang.T("console.incidents.outcome." + string(f.Ended))
	}
	var items, done []string
	for _, item := range f.Items {
		items = append(items, cmp.Or(item.Label.In(charter.Lang(lang)), item.Name))
	}
	for _, t := range f.Done {
		line := minute(lang, t.At) + " " + lang.T("console.incidents.step."+string(t.Step))
		if t.All {
			line += lang.T("authority.everyone")
		}
		done = append(done, line)
	}
	children := ""
	switch {
	case f.Counted:
		children = lang.T("authority.counted", "N", f.Children)
	case f.Children > 0:
		children = lang.T("authority.roughly", "N", f.Children)
	}
	part := func(name, text string) Part { return Part{name, lang.T("console.authority.part." + name), text} }
	all := []Part{
		part("operator", known(f.Operator.In(charter.Lang(lang)))),
		part("what", known(what, lang.T("authority.grade."+grade), w.What, ended)),
		part("when", lang.T("authority.when", "Began", minute(lang, f.Began), "Noticed", minute(lang, f.Noticed), "Opened", minute(lang, f.Opened))),
		part("where", known(w.Where)),
		part("items", known(strings.Join(items, lang.T("authority.comma")))),
		part("children", known(children)),
		part("harm", known(w.Harm)),
		part("measures", known(append(done, w.Measures)...)),
		part("cause", known(w.Cause)),
		part("clues", known(w.Clues)),
		part("next", known(w.Next)),
	}
	if w.Lessons != "" {
		all = append(all, part("lessons", w.Lessons))
	}
	return append(all, part("contact", known(strings.TrimSpace(f.Officer+" "+f.Contact))))
}

// minute is a moment as people in China read it.
func minute(lang i18n.Lang, micros int64) string {
	if micros == 0 {
		return lang.T("authority.unknown")
	}
	return time.UnixMicro(micros).In(age.Zone).Format("2006-01-02 15:04")
}

// WordsOf reads words from a form, each by the name of its part.
func WordsOf(value func(field string) string) Words {
	v := func(field string) string { return strings.TrimSpace(lines.Replace(value(field))) }
	return Words{v("to"), v("what"), v("where"), v("harm"), v("measures"), v("cause"), v("clues"), v("next"), v("lessons"), v("reason")}
}

var lines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// A Field is one of the words that a form asks for.
type Field struct {
	Name, Text string
	Must       bool // a report can't do without
}

// Fields returns what a form asks for, for a report of that kind, in its order.
func (w Words) Fields(kind Kind) []Field {
	wrap := kind == Wrap
	all := []Field{{"to", w.To, true}, {"what", w.What, false}, {"where", w.Where, false}, {"harm", w.Harm, wrap}, {"measures", w.Measures, wrap},
		{"cause", w.Cause, wrap}, {"clues", w.Clues, false}, {"next", w.Next, false}}
	switch kind {
	case Wrap:
		all = append(all, Field{"lessons", w.Lessons, true})
	case None:
		all = []Field{{"reason", w.Reason, true}}
	}
	return all
}

// check says what is missing. The first report is made of what is known; that which ends a case says
// how it came about and what was learnt.
func (w Words) check(kind Kind) error {
	for _, f := range w.Fields(kind) {
		if !isWords(f.Text) && (f.Must || f.Text != "") || f.Name == "to" && (strings.Contains(f.Text, "\n") || utf8.RuneCountInString(f.Text) > maxLine) {
			return ErrWords.At(f.Name)
		}
	}
	switch {
	case kind == None && w != (Words{Reason: w.Reason}), kind != None && w.Reason != "":
		return ErrWords.At("reason")
	case w.Lessons != "" && kind != Wrap:
		return ErrWords.At("lessons")
	}
	return nil
}

func isWords(s string) bool {
	return utf8.ValidString(s) && strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= maxWords &&
		!strings.ContainsFunc(s, func(r rune) bool {
			return unicode.IsControl(r) && r != '\n' && r != '\t' || r == '\u2028' || r == '\u2029'
		})
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// bound is what a report is sealed with, and marked: it opens as none but itself.
func (r Report) bound() []string { return []string{r.Incident, number(r.Number), string(r.Kind)} }

// seal seals what a report says, and returns its mark.
func (r *Report) seal(ring *keyring.Ring, s Sheet) (string, error) {
	plain, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	r.salt = ledger.NewSalt()
	r.sealed, err = ring.Seal(sealDomain, plain, r.bound()...)
	return r.mark(string(plain)), err
}

func (r Report) mark(plain string) string { return ledger.Mark(r.salt, append(r.bound(), plain)...) }

func opened(plain []byte, err error) (string, error) {
	if errors.Is(err, keyring.ErrOpen) {
		err = ErrSealed
	}
	return string(plain), err
}

// Sheet returns what a report says. Errors: ErrSealed.
func (r Report) Sheet(ring *keyring.Ring) (s Sheet, err error) {
	plain, err := opened(ring.Open(sealDomain, r.sealed, r.bound()...))
	if err == nil && json.Unmarshal([]byte(plain), &s) != nil {
		err = ErrSealed
	}
	return s, err
}

// Mark is what the ledger has of what it says. Errors: ErrSealed.
func (r Report) Mark(ring *keyring.Ring) (string, error) {
	plain, err := opened(ring.Open(sealDomain, r.sealed, r.bound()...))
	return r.mark(plain), err
}
