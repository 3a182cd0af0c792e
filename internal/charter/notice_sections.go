package charter

import (
	"fmt"
	"strings"
)

// Article 10(1): purpose, manner and scope of the five verbs, per purpose.
func (b *noticeBuilder) scope() Section {
	var points []Point
	for _, p := range b.c.Purposes {
		text := fmt.Sprintf(b.t.scope, b.say("scope", p.Why), b.say("scope", p.Manner), b.verbs(p), b.labels("scope", p.Items), b.whoElse(p))
		points = append(points, Point{b.say("scope", p.Label), text})
	}
	return b.section("scope", points)
}

// Article 10(2): place, period, handling at expiry.
func (b *noticeBuilder) storage() Section {
	points := []Point{{b.t.place, b.say("storage", b.c.Storage.Place)}}
	for _, p := range b.c.Purposes {
		text := fmt.Sprintf(b.t.kept, b.retention(p.Retention), b.say("storage", p.AtExpiry))
		if b.c.Abroad(p) {
			text += b.t.space + b.where(p)
		}
		points = append(points, Point{b.say("storage", p.Label), text})
	}
	if len(b.c.Purposes) == 0 {
		b.blank["storage"] = true
	}
	if !b.c.Inactive.IsZero() {
		points = append(points, Point{b.t.inactive, fmt.Sprintf(b.t.ifInactive, b.c.Inactive.In(b.lang), InactiveLead)})
	}
	return b.section("storage", points)
}

// Article 10(3): safeguards.
func (b *noticeBuilder) safeguards() Section {
	var points []Point
	for i, s := range b.c.Safeguards {
		points = append(points, Point{fmt.Sprintf(b.t.measure, i+1), b.say("safeguards", s.Label)})
	}
	return b.section("safeguards", points)
}

// Article 10(4): consequences of refusing.
func (b *noticeBuilder) refusal() Section {
	var points []Point
	for _, p := range b.c.Purposes {
		points = append(points, Point{b.say("refusal", p.Label), b.say("refusal", p.IfRefused)})
	}
	return b.section("refusal", points)
}

// Article 10(5): complaint and report channels, the authority's among them
// (Article 24).
func (b *noticeBuilder) complaints() Section {
	points := b.routes("complaints", b.t.toOperator, b.c.Channels.Complaint)
	points = append(points, b.routes("complaints", b.t.toAuthority, b.c.Channels.Authority)...)
	points = append(points, b.routes("complaints", b.t.contact, b.c.Operator.Contact)...)
	return b.section("complaints", points)
}

// Article 10(6): ways to correct and delete.
func (b *noticeBuilder) correction() Section {
	points := b.routes("correction", b.t.toCorrect, b.c.Channels.Correction)
	points = append(points, b.routes("correction", b.t.toDelete, b.c.Channels.Deletion)...)
	return b.section("correction", points)
}

// Article 10(7): anything else, or the word that there is nothing else.
func (b *noticeBuilder) other() Section {
	return b.section("other", []Point{{b.t.otherLabel, b.say("other", b.c.Other)}})
}

// PIPL 30: why each item is needed.
func (b *noticeBuilder) necessity() Section {
	var points []Point
	if t, ok := AppTypeOf(b.c.AppType); ok {
		points = append(points, Point{b.t.basicFunction, fmt.Sprintf(b.t.appType, t.Number, t.Name.In(b.lang))})
	} else {
		points = append(points, Point{b.t.basicFunction, b.say("necessity", b.c.Necessity)})
	}
	for _, it := range b.c.Items {
		text := b.say("necessity", it.Necessity)
		if it.ScreenedAs != "" {
			text += b.t.space + b.t.screened
		}
		points = append(points, Point{b.say("necessity", it.Label), text})
	}
	if len(b.c.Items) == 0 {
		b.blank["necessity"] = true
	}
	return b.section("necessity", points)
}

// PIPL 30: what it means for the child.
func (b *noticeBuilder) effect() Section {
	var points []Point
	for _, it := range b.c.Items {
		text := fmt.Sprintf(b.t.effect, b.text("effect", it.Sensitivity.In(b.lang)), b.say("effect", it.Effect))
		points = append(points, Point{b.say("effect", it.Label), text})
	}
	return b.section("effect", points)
}

// routes turns routes into points. Each of the lists that a section is made of
// must hold one: a way to complain to the operator is not a way to the authority.
func (b *noticeBuilder) routes(section, label string, routes []Route) []Point {
	if len(routes) == 0 {
		b.blank[section] = true
	}
	var points []Point
	for _, r := range routes {
		text := b.say(section, r.How)
		if r.To != "" {
			text += b.t.to + b.text(section, r.To)
		}
		points = append(points, Point{label, text})
	}
	return points
}

// Summary returns what the summary of the notice says about some purposes only,
// for a guardian who is asked about no others.
func Summary(c *Charter, lang Lang, purposes []string) []Point {
	b := &noticeBuilder{c: c, lang: lang, t: noticeWords(lang), blank: map[string]bool{}}
	var asked []Purpose
	for _, p := range c.Purposes {
		if contains(purposes, p.Name) {
			asked = append(asked, p)
		}
	}
	return b.summary(asked)
}

// summary is one screen: six short answers over some purposes. The full notice
// is one tap away.
func (b *noticeBuilder) summary(purposes []Purpose) []Point {
	var labels, optional, necessary, who, items []string
	add := func(list *[]string, name string) {
		if !contains(*list, name) {
			*list = append(*list, name)
		}
	}
	for _, p := range purposes {
		label := p.Label.In(b.lang)
		labels = append(labels, label)
		if p.Necessary {
			necessary = append(necessary, label)
		} else {
			optional = append(optional, label)
		}
		for _, name := range b.others(p) {
			add(&who, name)
		}
		for _, name := range p.Items {
			add(&items, name)
		}
	}
	if len(who) == 0 {
		who = []string{b.t.nobody}
	}
	refused := b.t.noneNecessary
	switch {
	case len(optional) == 0:
		refused = fmt.Sprintf(b.t.allNecessary, strings.Join(necessary, b.t.comma))
	case len(necessary) > 0:
		refused = fmt.Sprintf(b.t.someNecessary, strings.Join(necessary, b.t.comma))
	}
	return []Point{
		{b.t.what, b.labels("scope", items)},
		{b.t.why, strings.Join(labels, b.t.comma)},
		{b.t.howLong, b.spans(purposes)},
		{b.t.where, b.say("storage", b.c.Storage.Place)},
		{b.t.whoElse, strings.Join(who, b.t.comma)},
		{b.t.ifRefused, refused},
	}
}

// spans says how long the values of some purposes are kept: each period where
// there are few, else the shortest and the longest, counted from collection.
func (b *noticeBuilder) spans(purposes []Purpose) string {
	if len(purposes) <= 2 {
		var long []string
		for _, p := range purposes {
			long = append(long, fmt.Sprintf(b.t.forPurpose, p.Label.In(b.lang), b.retention(p.Retention)))
		}
		return strings.Join(long, b.t.semicolon)
	}
	most := func(r Retention) Period {
		if r.From != FromCollection && !r.AtMost.IsZero() {
			return r.AtMost
		}
		return r.Period
	}
	least, longest := most(purposes[0].Retention), most(purposes[0].Retention)
	for _, p := range purposes {
		m := most(p.Retention)
		if least.longer(m) {
			least = m
		}
		if m.longer(longest) {
			longest = m
		}
	}
	if least == longest {
		return fmt.Sprintf(b.t.span, longest.In(b.lang))
	}
	return fmt.Sprintf(b.t.spans, least.In(b.lang), longest.In(b.lang))
}

// others are the labels of all others who get to see something of a purpose.
func (b *noticeBuilder) others(p Purpose) (labels []string) {
	for _, name := range p.Processors {
		q, _ := b.c.Processor(name)
		labels = append(labels, q.Label.In(b.lang))
	}
	for _, name := range p.Recipients {
		q, _ := b.c.Recipient(name)
		labels = append(labels, q.Label.In(b.lang))
	}
	for _, a := range p.Audiences {
		labels = append(labels, a.Label.In(b.lang))
	}
	if len(p.AccessFrom) > 0 {
		labels = append(labels, b.readFrom(p))
	}
	return labels
}
