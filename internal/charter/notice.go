package charter

import (
	"fmt"
	"strings"
)

// A NoticeDoc is what a guardian is told before being asked (Article 10), in
// one language, as structured text. It says what the gate enforces, because
// both come from the same charter. It is read-only.
type NoticeDoc struct {
	Service     string          `json:"service"`
	CharterHash string          `json:"charter"`
	Lang        Lang            `json:"lang"`
	Title       string          `json:"title"`
	Intro       string          `json:"intro"`    // who asks, and that refusing is as easy as agreeing
	Summary     []Point         `json:"summary"`  // one screen: what, why, how long, where, who else, if you refuse
	Sections    []Section       `json:"sections"` // Article 10(1) to (7) in order, then necessity, then effect
	Purposes    []NoticePurpose `json:"purposes"` // one answer each
}

// A Section is one thing that the law wants said.
type Section struct {
	Key    string  `json:"key"`   // "scope", …: see SectionKeys
	Basis  string  `json:"basis"` // "第十条第一项", "Article 10(1)"
	Title  string  `json:"title"`
	Points []Point `json:"points"` // at least one
}

// A Point is a labelled text. Neither part is ever blank.
type Point struct {
	Label string `json:"label"`
	Text  string `json:"text"`
}

// SectionKeys name the sections of every notice, in order: the seven items of
// Article 10, then necessity and effect (PIPL 30).
var SectionKeys = []string{"scope", "storage", "safeguards", "refusal", "complaints", "correction", "other", "necessity", "effect"}

// A NoticePurpose is what a guardian reads beside one switch.
type NoticePurpose struct {
	Name            string       `json:"name"`
	Label           string       `json:"label"`
	Necessary       bool         `json:"necessary"`
	Standing        string       `json:"standing"`   // necessary or optional, in words
	What            string       `json:"what"`       // the items
	Why             string       `json:"why"`        //
	How             string       `json:"how"`        // manner
	Activities      string       `json:"activities"` // the verbs
	HowLong         string       `json:"how_long"`
	AtExpiry        string       `json:"at_expiry"`
	Where           string       `json:"where"`
	WhoElse         string       `json:"who_else"`            // "nobody" when nobody
	ReadFrom        string       `json:"read_from,omitempty"` // the countries, by whomever; left out where it is China alone
	IfRefused       string       `json:"if_refused"`
	SeparateConsent bool         `json:"separate_consent"`
	Items           []NoticeItem `json:"items"`
}

// A NoticeItem is one item in words.
type NoticeItem struct {
	Name        string `json:"name"`
	Label       string `json:"label"`
	Sensitivity string `json:"sensitivity"`
	Necessity   string `json:"necessity"`
	Effect      string `json:"effect"`
}

// A BlankError says which sections of a notice would say nothing. Such a notice
// is never shown and its charter never published.
type BlankError struct {
	Lang     Lang
	Sections []string // SectionKeys
}

// Error names the language and the sections.
func (e *BlankError) Error() string {
	return fmt.Sprintf("the notice in %s is blank at: %s", string(e.Lang), strings.Join(e.Sections, ", "))
}

// Notice returns the notice of a charter in a language, or a *BlankError.
func Notice(c *Charter, lang Lang) (NoticeDoc, error) {
	b := &noticeBuilder{c: c, lang: lang, t: noticeWords(lang), blank: map[string]bool{}}
	n := NoticeDoc{
		Service:     c.Service,
		CharterHash: c.Hash(),
		Lang:        lang,
		Title:       fmt.Sprintf(b.t.title, b.say("scope", c.Name)),
		Intro:       fmt.Sprintf(b.t.intro, b.say("complaints", c.Operator.Name), b.say("complaints", c.Operator.Address)),
	}
	for _, p := range c.Purposes {
		n.Purposes = append(n.Purposes, b.purpose(p))
	}
	n.Sections = []Section{
		b.scope(), b.storage(), b.safeguards(), b.refusal(), b.complaints(), b.correction(), b.other(), b.necessity(), b.effect(),
	}
	n.Summary = b.summary(c.Purposes)
	if err := b.err(n.Sections); err != nil {
		return NoticeDoc{}, err
	}
	return n, nil
}

// Section returns the section of that key.
func (n NoticeDoc) Section(key string) (Section, bool) {
	return find(n.Sections, key, func(s Section) string { return s.Key })
}

// Purpose returns what the notice says about the purpose of that name.
func (n NoticeDoc) Purpose(name string) (NoticePurpose, bool) {
	return find(n.Purposes, name, func(p NoticePurpose) string { return p.Name })
}

// Hash returns the SHA-256 of everything in the notice, as 64 lower-case
// hexadecimal characters: the evidence of what was shown (Article 9).
func (n NoticeDoc) Hash() string { return hash(encode(n)) }

// Text returns the full notice as plain text: the summary, the nine sections,
// and what is asked per purpose.
func (n NoticeDoc) Text() string {
	t := noticeWords(n.Lang)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n\n%s\n", n.Title, n.Intro, t.summary)
	writePoints(&b, n.Summary)
	for i, s := range n.Sections {
		fmt.Fprintf(&b, t.heading, i+1, s.Title, s.Basis)
		writePoints(&b, s.Points)
	}
	fmt.Fprintf(&b, "\n%s\n", t.asked)
	for _, p := range n.Purposes {
		fmt.Fprintf(&b, t.asking, p.Label, p.Standing)
		writePoints(&b, []Point{
			{t.what, p.What}, {t.why, p.Why}, {t.howLong, p.HowLong}, {t.where, p.Where}, {t.whoElse, p.WhoElse}, {t.ifRefused, p.IfRefused},
		})
	}
	fmt.Fprintf(&b, "\n%s %s\n", t.version, n.CharterHash)
	return b.String()
}

func writePoints(b *strings.Builder, points []Point) {
	for _, p := range points {
		fmt.Fprintf(b, "- %s: %s\n", p.Label, strings.ReplaceAll(p.Text, "\n", "\n  "))
	}
}

// A noticeBuilder writes the notice and remembers where the charter was silent.
type noticeBuilder struct {
	c     *Charter
	lang  Lang
	t     noticeText
	blank map[string]bool // section keys
}

// say returns the words, and marks the section that needs them if there are none.
func (b *noticeBuilder) say(section string, w Words) string {
	return b.text(section, w.In(b.lang))
}

func (b *noticeBuilder) text(section, s string) string {
	if blank(s) {
		b.blank[section] = true
	}
	return s
}

func (b *noticeBuilder) err(sections []Section) error {
	e := &BlankError{Lang: b.lang}
	for _, s := range sections {
		if b.blank[s.Key] || len(s.Points) == 0 {
			e.Sections = append(e.Sections, s.Key)
		}
	}
	if len(e.Sections) > 0 {
		return e
	}
	return nil
}

func (b *noticeBuilder) section(key string, points []Point) Section {
	t := b.t.sections[key]
	return Section{Key: key, Basis: t.basis, Title: t.title, Points: points}
}

func (b *noticeBuilder) purpose(p Purpose) NoticePurpose {
	n := NoticePurpose{
		Name:            p.Name,
		Label:           b.say("scope", p.Label),
		Necessary:       p.Necessary,
		Standing:        b.t.optional,
		What:            b.labels("scope", p.Items),
		Why:             b.say("scope", p.Why),
		How:             b.say("scope", p.Manner),
		Activities:      b.verbs(p),
		HowLong:         b.retention(p.Retention),
		AtExpiry:        b.say("storage", p.AtExpiry),
		Where:           b.where(p),
		WhoElse:         b.whoElse(p),
		ReadFrom:        b.readers(p),
		IfRefused:       b.say("refusal", p.IfRefused),
		SeparateConsent: p.SeparateConsent,
	}
	if p.Necessary {
		n.Standing = b.t.necessary
	}
	for _, name := range p.Items {
		it, _ := b.c.Item(name)
		n.Items = append(n.Items, NoticeItem{
			Name:        it.Name,
			Label:       b.say("scope", it.Label),
			Sensitivity: b.text("effect", it.Sensitivity.In(b.lang)),
			Necessity:   b.say("necessity", it.Necessity),
			Effect:      b.say("effect", it.Effect),
		})
	}
	return n
}

// labels lists items in words.
func (b *noticeBuilder) labels(section string, items []string) string {
	labels := make([]string, len(items))
	for i, name := range items {
		it, _ := b.c.Item(name) // an unknown item has no label, which is blank
		labels[i] = b.say(section, it.Label)
	}
	return b.text(section, strings.Join(labels, b.t.comma))
}

func (b *noticeBuilder) verbs(p Purpose) string {
	var verbs []string
	for _, a := range Activities {
		if p.Does(a) {
			verbs = append(verbs, a.In(b.lang))
		}
	}
	return b.text("scope", strings.Join(verbs, b.t.comma))
}

func (b *noticeBuilder) retention(r Retention) string {
	known := r.From == FromCollection || r.From == FromLastUse || r.From == FromEvent
	if !known || r.Period.IsZero() || r.From == FromEvent && blank(r.EventLabel.In(b.lang)) {
		return b.text("storage", "")
	}
	return r.In(b.lang)
}

func (b *noticeBuilder) where(p Purpose) string {
	where := b.say("storage", b.c.Storage.Place)
	if b.c.Abroad(p) {
		mechanism := ""
		if p.CrossBorder != nil {
			mechanism = b.text("storage", p.CrossBorder.Mechanism.In(b.lang)) + " " + b.text("storage", p.CrossBorder.Reference)
		}
		where += fmt.Sprintf(b.t.abroad, b.text("storage", mechanism))
	}
	return where
}

// whoElse names everyone beside the operator who gets to see something, and
// what: processors, recipients, audiences.
func (b *noticeBuilder) whoElse(p Purpose) string {
	var who []string
	for _, name := range p.Processors {
		q, _ := b.c.Processor(name)
		who = append(who, fmt.Sprintf(b.t.processor, b.say("scope", q.Label), b.text("scope", CountryIn(q.Country, b.lang)), b.text("scope", q.Contact),
			b.stop(b.say("scope", q.Task)), b.labels("scope", b.c.Entrusted(p.Name, name))))
	}
	for _, name := range p.Recipients {
		q, _ := b.c.Recipient(name)
		who = append(who, fmt.Sprintf(b.t.recipient, b.say("scope", q.Label), b.text("scope", CountryIn(q.Country, b.lang)), b.text("scope", q.Contact),
			b.stop(b.say("scope", q.Why)), b.labels("scope", b.c.Transferred(p.Name, name))))
	}
	for _, a := range p.Audiences {
		who = append(who, fmt.Sprintf(b.t.audience, b.say("scope", a.Label), b.labels("scope", a.Items)))
	}
	if len(p.AccessFrom) > 0 {
		who = append(who, b.readFrom(p))
	}
	if len(who) == 0 {
		return b.t.nobody
	}
	return strings.Join(who, b.t.semicolon)
}

// readFrom says from which countries abroad a purpose is read (edge case 20). Whose they are that
// read there the notice has said: us, or whoever works for us.
func (b *noticeBuilder) readFrom(p Purpose) string {
	var countries []string
	for _, country := range p.AccessFrom {
		countries = append(countries, CountryIn(string(country), b.lang))
	}
	return fmt.Sprintf(b.t.readFrom, b.text("scope", strings.Join(countries, b.t.comma)))
}

// readers names the countries from which a purpose is read, ours first, where one of them is abroad:
// by us, or by whom it is entrusted or handed to (Article 3, edge case 20).
func (b *noticeBuilder) readers(p Purpose) string {
	abroad := b.c.readAbroad(p)
	if len(abroad) == 0 {
		return ""
	}
	words := []string{CountryIn(Home, b.lang)}
	for _, country := range abroad {
		words = append(words, b.text("scope", CountryIn(country, b.lang)))
	}
	return strings.Join(words, b.t.comma)
}

// stop ends a text with the full stop of its language.
func (b *noticeBuilder) stop(s string) string {
	return strings.TrimRight(s, "。；，.;, ") + b.t.fullStop
}
