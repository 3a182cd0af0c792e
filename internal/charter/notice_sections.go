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
		points = append(points, Point{b.say("necessity", it.Label), b.say("necessity", it.Necessity)})
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

// summary is one screen: six short answers over all purposes. The full notice
// is one tap away.
func (b *noticeBuilder) summary(purposes []NoticePurpose) []Point {
	var labels, optional, necessary, long, who []string
	seen := map[string]bool{}
	for i, p := range purposes {
		labels = append(labels, p.Label)
		if p.Necessary {
			necessary = append(necessary, p.Label)
		} else {
			optional = append(optional, p.Label)
		}
		long = append(long, fmt.Sprintf(b.t.forPurpose, p.Label, p.HowLong))
		for _, name := range b.others(b.c.Purposes[i]) {
			if !seen[name] {
				seen[name] = true
				who = append(who, name)
			}
		}
	}
	items := make([]string, len(b.c.Items))
	for i, it := range b.c.Items {
		items[i] = it.Name
	}
	if len(who) == 0 {
		who = []string{b.t.nobody}
	}
	var refused []string
	if len(optional) > 0 {
		refused = append(refused, fmt.Sprintf(b.t.mayRefuse, strings.Join(optional, b.t.comma)))
	}
	if len(necessary) > 0 {
		refused = append(refused, fmt.Sprintf(b.t.mustHave, strings.Join(necessary, b.t.comma)))
	}
	return []Point{
		{b.t.what, b.labels("scope", items)},
		{b.t.why, strings.Join(labels, b.t.comma)},
		{b.t.howLong, strings.Join(long, b.t.semicolon)},
		{b.t.where, b.say("storage", b.c.Storage.Place)},
		{b.t.whoElse, strings.Join(who, b.t.comma)},
		{b.t.ifRefused, strings.Join(refused, b.t.space)},
	}
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
	return labels
}
