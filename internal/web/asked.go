package web

import (
	"bytes"
	"context"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
)

// ErrNothingOn says that somebody agreed without switching anything on.
var ErrNothingOn = errs.New(errs.Invalid, "web.nothing_on")

// askedView is what parts/asked.html shows: the notice, the questions, and, for
// a verified guardian, the controls of the answer. Nothing in it is about this
// child or this guardian, so that it is kept once for all who were shown the same.
type askedView struct {
	Service, Name, Operator string
	Summary                 []charter.Point
	Changes                 []change // since this guardian answered last
	Takeover                takeover // of the service, which this is about; else zero
	Necessary               []askedPurpose
	Optional                []askedPurpose
	Separate                []askedPurpose
	Notice                  charter.NoticeDoc // the whole of it, as it was published
	Processors, Recipients  []party
	Controls                bool
	Minor                   bool // the minor itself is asked (edge case 4)
	One                     bool // one purpose is asked: to agree is to agree to it
	NeedsSwitch             bool // something that the basic function needs has a switch of its own
}

// ByButton reports whether agreeing to the purpose takes no switch of its own.
func (v askedView) ByButton(p askedPurpose) bool { return p.group == byButton }

// A change is what a material change of the charter did (Article 10), the old
// beside the new.
type change struct{ What, Was, Is string }

// An askedPurpose is one question.
type askedPurpose struct {
	charter.NoticePurpose
	Reasons []charter.Point // why a necessary one is necessary, per item
	Parties []party         // who receives something
	Abroad  bool
	Changed bool   // it is asked again
	Until   string // where a code alone carries no yes to it (edge case 24): the key of what doesn't happen
	group   group
}

// A takeover says who takes over the service that ends, and the last day to answer (edge
// case 18).
type takeover struct {
	Successor string
	Last      time.Time
}

// A party is a processor or a recipient, in a list of its own.
type party struct {
	Name, Contact, Task, Items, Country string
	Abroad                              bool
}

// groups say how each purpose is answered. A necessary one is agreed to with the
// button; an optional one has a switch; what is received by others, seen by
// others or goes abroad is a question of its own, necessary or not.
type group int

const (
	byButton group = iota
	bySwitch
	separately
)

func groupOf(c *charter.Charter, p charter.Purpose) group {
	switch {
	case p.SeparateConsent || len(p.Recipients) > 0 || len(p.Audiences) > 0 || c.Abroad(p):
		return separately
	case p.Necessary:
		return byButton
	}
	return bySwitch
}

// chosen reads the answers of a form: each purpose that was asked is named in
// it, or the form isn't ours (Article 9: nothing is granted by silence). Agree
// means the necessary ones and those that were switched on; a switch that is off
// is a no, which the page says. Refuse refuses all.
func chosen(c *charter.Charter, asked []string, form map[string][]string) (map[string]bool, error) {
	decision := form["decision"]
	if len(decision) != 1 || decision[0] != "agree" && decision[0] != "refuse" || !same(form["ask"], asked) {
		return nil, ErrForm
	}
	answers := make(map[string]bool, len(asked))
	any := false
	for _, name := range asked {
		p, ok := c.Purpose(name)
		on := slices.Contains(form["yes"], name)
		switched := len(asked) > 1 && groupOf(c, p) != byButton
		if !ok || on && !switched {
			return nil, ErrForm
		}
		answers[name] = decision[0] == "agree" && (!switched || on)
		any = any || answers[name]
	}
	for _, name := range form["yes"] {
		if !slices.Contains(asked, name) {
			return nil, ErrForm
		}
	}
	if decision[0] == "agree" && !any {
		return nil, ErrNothingOn
	}
	return answers, nil
}

// same reports whether two lists have the same names, each as often.
func same(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// An askedPart is parts/asked.html, drawn: between its two halves the page says what
// is about this guardian, so that the summary is on the first screen whatever that is.
type askedPart struct {
	Summary, Questions template.HTML
	Successor          string // who would get what is asked about: see takeover
}

// whole is what a guardian reads, and what is kept (Article 9).
func (a askedPart) whole() string { return string(a.Summary + a.Questions) }

// drawn keeps parts/asked.html as it was rendered: neither a published charter nor
// its notice changes, and nobody's name is in it. The zero drawn is empty.
type drawn struct {
	mu  sync.Mutex
	all map[question]askedPart
}

// A question is all that the part depends on.
type question struct {
	service          string
	charter          int64
	lang             i18n.Lang
	purposes, before string
	takeover         catalog.Successor
	controls, minor  bool
}

// maxDrawn bounds the questions that are kept, of some 30 kB each.
const maxDrawn = 128

func (d *drawn) get(q question) (askedPart, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	html, ok := d.all[q]
	return html, ok
}

func (d *drawn) put(q question, html askedPart) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == nil || len(d.all) >= maxDrawn {
		d.all = make(map[question]askedPart)
	}
	d.all[q] = html
}

// asked renders what a request asks, once for all who are asked the same.
func (s *Server) asked(ctx context.Context, tx *db.Tx, r consent.Request, notice charter.NoticeDoc, l i18n.Lang, minor, controls bool) (askedPart, error) {
	before, err := consent.AnsweredBefore(ctx, tx, r)
	if err != nil {
		return askedPart{}, err
	}
	q := question{service: r.Service, charter: r.Charter, lang: l, purposes: strings.Join(r.Purposes, " "), controls: controls, minor: minor}
	service, err := catalog.Find(ctx, tx, r.Service)
	if err != nil {
		return askedPart{}, err
	}
	if service.Ceases("") {
		q.takeover = service.Successor // the one thing that is asked yet
	}
	for _, p := range slices.Sorted(maps.Keys(before)) {
		q.before += fmt.Sprint(p, " ", before[p], " ")
	}
	if html, ok := s.drawn.get(q); ok {
		return html, nil
	}
	v, err := s.asking(ctx, tx, r, notice, l)
	if err != nil {
		return askedPart{}, err
	}
	v.Controls, v.Minor = controls, minor
	v.tookOver(q.takeover)
	part := askedPart{Successor: v.Takeover.Successor}
	to := voice{l, minor}
	if part.Summary, err = s.part(to, "summary", v); err != nil {
		return askedPart{}, err
	}
	if part.Questions, err = s.part(to, "questions", v); err == nil {
		s.drawn.put(q, part)
	}
	return part, err
}

// asking puts together what a request asks, from its published charter and the
// notice as it was published.
func (s *Server) asking(ctx context.Context, tx *db.Tx, r consent.Request, notice charter.NoticeDoc, l i18n.Lang) (askedView, error) {
	p, err := s.Charters.Version(ctx, tx, r.Service, r.Charter)
	if err != nil {
		return askedView{}, err
	}
	lang := charter.Lang(l)
	v := askedView{
		Service: r.Service, Name: p.Charter.Name.In(lang), Operator: p.Charter.Operator.Name.In(lang),
		Summary: charter.Summary(p.Charter, lang, r.Purposes), Notice: notice, One: len(r.Purposes) == 1,
	}
	changes, affected, err := s.desk.ChangedSince(ctx, tx, r)
	if err != nil {
		return askedView{}, err
	}
	for _, ch := range changes {
		v.Changes = append(v.Changes, beside(ch, lang))
	}
	seen := make(map[string]bool)
	for _, name := range r.Purposes {
		told, ok := notice.Purpose(name)
		purpose, known := p.Charter.Purpose(name)
		if !ok || !known {
			return askedView{}, fmt.Errorf("web: a purpose that was asked isn't in the notice: %w", catalog.ErrDamaged)
		}
		q := askedPurpose{NoticePurpose: told, Abroad: p.Charter.Abroad(purpose), Changed: affected[name]}
		if consent.Needed(p.Charter, name) > family.OneTimeCode {
			q.Until = consent.UntilProved(p.Charter)
		}
		for _, name := range purpose.Recipients {
			to := recipient(p.Charter, purpose, name, l)
			q.Parties = append(q.Parties, to)
			v.Recipients = once(v.Recipients, seen, "r/"+name, to)
		}
		for _, name := range purpose.Processors {
			by := processor(p.Charter, purpose, name, l)
			v.Processors = once(v.Processors, seen, "p/"+name, by)
			if by.Abroad {
				q.Parties = append(q.Parties, by) // who is abroad is said where that is asked
			}
		}
		if told.Necessary {
			for _, it := range told.Items {
				q.Reasons = append(q.Reasons, charter.Point{Label: it.Label, Text: it.Necessity})
			}
		}
		q.group = groupOf(p.Charter, purpose)
		switch q.group {
		case byButton:
			v.Necessary = append(v.Necessary, q)
		case bySwitch:
			v.Optional = append(v.Optional, q)
		case separately:
			v.Separate = append(v.Separate, q)
			v.NeedsSwitch = v.NeedsSwitch || q.Necessary
		}
	}
	return v, nil
}

// tookOver says that the service ends and who takes it over, in the words of the notice.
func (v *askedView) tookOver(to catalog.Successor) {
	if to == (catalog.Successor{}) {
		return
	}
	v.Takeover = takeover{Last: to.Until.Add(-time.Microsecond)} // which may be midnight: the day before is the last
	if len(v.Recipients) == 1 {
		v.Takeover.Successor = v.Recipients[0].Name
	}
}

func once(list []party, seen map[string]bool, name string, p party) []party {
	if seen[name] {
		return list
	}
	seen[name] = true
	return append(list, p)
}

func processor(c *charter.Charter, p charter.Purpose, name string, l i18n.Lang) party {
	q, _ := c.Processor(name)
	return newParty(c, q.Label, q.Contact, q.Country, q.Task, c.Entrusted(p.Name, name), l)
}

func recipient(c *charter.Charter, p charter.Purpose, name string, l i18n.Lang) party {
	q, _ := c.Recipient(name)
	return newParty(c, q.Label, q.Contact, q.Country, q.Why, c.Transferred(p.Name, name), l)
}

func newParty(c *charter.Charter, label charter.Words, contact, country string, task charter.Words, items []string, l i18n.Lang) party {
	lang := charter.Lang(l)
	out := party{Name: label.In(lang), Contact: contact, Country: charter.CountryIn(country, lang), Task: task.In(lang), Abroad: country != charter.Home}
	var labels []string
	for _, name := range items {
		it, _ := c.Item(name)
		labels = append(labels, it.Label.In(lang))
	}
	out.Items = strings.Join(labels, l.T("web.comma"))
	return out
}

func beside(ch charter.Change, lang charter.Lang) change {
	return change{What: ch.What.In(lang), Was: ch.Was.In(lang), Is: ch.Is.In(lang)}
}

// part renders one part of a page by itself.
func (s *Server) part(to voice, name string, data any) (template.HTML, error) {
	var b bytes.Buffer
	if err := s.templates[to].Execute(&b, name, data); err != nil {
		return "", fmt.Errorf("render %s: %w", name, err)
	}
	return template.HTML(b.String()), nil // as html/template escaped it
}
