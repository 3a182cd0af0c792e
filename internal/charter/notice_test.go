package charter

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestArticle10_NoticeSaysTheSevenItemsInOrder(t *testing.T) {
	c := example(t)
	for _, lang := range Langs {
		n, err := Notice(c, lang)
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, s := range n.Sections {
			keys = append(keys, s.Key)
			if blank(s.Title) || blank(s.Basis) || len(s.Points) == 0 {
				t.Errorf("%s: section %+v", lang, s)
			}
		}
		if diff := cmp.Diff(SectionKeys, keys); diff != "" {
			t.Error(diff)
		}
		golden(t, "xiaoxi-english."+string(lang)+".notice.txt", []byte(n.Text()))
	}
}

// Notice = gate (invariant 4): whatever the charter lets happen is said.
func TestArticle10_NoticeSaysAllThatTheCharterAllows(t *testing.T) {
	c := example(t)
	for _, lang := range Langs {
		n, err := Notice(c, lang)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range c.Purposes {
			scope, storage, refusal := n.Sections[0].Points[i], n.Sections[1].Points[i+1], n.Sections[3].Points[i]
			told := []string{p.Why.In(lang), p.Manner.In(lang)}
			for _, a := range p.Activities {
				told = append(told, a.In(lang))
			}
			for _, name := range p.Items {
				it, _ := c.Item(name)
				told = append(told, it.Label.In(lang))
			}
			for _, name := range p.Processors {
				q, _ := c.Processor(name)
				told = append(told, q.Label.In(lang), strings.TrimRight(q.Task.In(lang), "。."), q.Contact, CountryIn(q.Country, lang))
			}
			for _, a := range p.Audiences {
				told = append(told, a.Label.In(lang))
			}
			mustSay(t, scope.Text, told...)
			mustSay(t, storage.Text, p.Retention.In(lang), p.AtExpiry.In(lang))
			mustSay(t, refusal.Text, p.IfRefused.In(lang))
			asked, ok := n.Purpose(p.Name)
			if !ok || asked.Necessary != p.Necessary || len(asked.Items) != len(p.Items) {
				t.Errorf("%s is asked as %+v", p.Name, asked)
			}
			for _, s := range []string{asked.Label, asked.Standing, asked.What, asked.Why, asked.How, asked.Activities, asked.HowLong, asked.AtExpiry, asked.Where, asked.WhoElse, asked.IfRefused} {
				if blank(s) {
					t.Errorf("%s: something is blank in %+v", p.Name, asked)
				}
			}
		}
		if len(n.Summary) != 6 {
			t.Errorf("the summary has %d answers", len(n.Summary))
		}
		text := n.Text()
		mustSay(t, text, c.Storage.Place.In(lang), c.Other.In(lang), c.Operator.Name.In(lang), "12377", c.Hash())
		for _, it := range c.Items {
			mustSay(t, text, it.Necessity.In(lang), it.Effect.In(lang))
		}
		for _, s := range c.Safeguards {
			mustSay(t, text, s.Label.In(lang))
		}
	}
}

func mustSay(t *testing.T, text string, what ...string) {
	t.Helper()
	for _, w := range what {
		if !strings.Contains(text, w) {
			t.Errorf("nothing says %q in %q", w, text)
		}
	}
}

func TestEdgeCase20_NoticeSaysWhatGoesAbroad(t *testing.T) {
	c := example(t)
	c.Processors[0].Country = "SG"
	c.Purposes[2].SeparateConsent = true
	c.Purposes[2].CrossBorder = &CrossBorder{StandardContract, "备案 2026-17"}
	n, err := Notice(c, Chinese)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := n.Purpose("speaking-practice")
	mustSay(t, p.Where, "出境", "标准合同", "备案 2026-17")
	mustSay(t, p.WhoElse, "新加坡")
	if !p.SeparateConsent {
		t.Error("it is not asked on its own")
	}
	// And from where it is read, by whomever, each country once, ours first.
	c.Purposes[2].AccessFrom = []Region{"JP", "SG"}
	for lang, want := range map[Lang]string{Chinese: "中国、日本、新加坡", English: "China, Japan, Singapore"} {
		n, err := Notice(c, lang)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range n.Purposes {
			if abroad := p.Name == c.Purposes[2].Name; abroad && p.ReadFrom != want || !abroad && p.ReadFrom != "" {
				t.Errorf("%s is read from %q", p.Name, p.ReadFrom)
			}
		}
	}
	c.Purposes[2].CrossBorder = nil
	if _, err := Notice(c, Chinese); err == nil {
		t.Error("the mechanism may stay unsaid")
	}
}

// Each text that one of the seven items, necessity or effect is made of: when
// it is blank, there is no notice, and so nothing to publish.
func TestArticle10_BlankNoticeIsImpossible(t *testing.T) {
	whole := func() *Charter {
		c := example(t)
		for i := range c.Purposes {
			c.Purposes[i].Items = append([]string(nil), c.Purposes[i].Items...)
		}
		return c
	}
	type blanking struct {
		section string
		edit    func(c *Charter, w Words)
	}
	for name, b := range map[string]blanking{
		"1 purpose":        {"scope", func(c *Charter, w Words) { c.Purposes[1].Why = w }},
		"1 manner":         {"scope", func(c *Charter, w Words) { c.Purposes[1].Manner = w }},
		"1 item":           {"scope", func(c *Charter, w Words) { c.Items[2].Label = w }},
		"1 label":          {"scope", func(c *Charter, w Words) { c.Purposes[1].Label = w }},
		"1 no items":       {"scope", func(c *Charter, w Words) { c.Purposes[1].Items = nil }},
		"1 no verbs":       {"scope", func(c *Charter, w Words) { c.Purposes[1].Activities = nil }},
		"1 processor":      {"scope", func(c *Charter, w Words) { c.Processors[0].Label = w }},
		"1 processor gone": {"scope", func(c *Charter, w Words) { c.Processors = nil }},
		"1 task":           {"scope", func(c *Charter, w Words) { c.Processors[0].Task = w }},
		"1 audience":       {"scope", func(c *Charter, w Words) { c.Purposes[3].Audiences[0].Label = w }},
		"1 no purpose":     {"scope", func(c *Charter, w Words) { c.Purposes = nil }},
		"2 place":          {"storage", func(c *Charter, w Words) { c.Storage.Place = w }},
		"2 period":         {"storage", func(c *Charter, w Words) { c.Purposes[1].Retention.Period = Period{} }},
		"2 event":          {"storage", func(c *Charter, w Words) { c.Purposes[0].Retention.EventLabel = w }},
		"2 expiry":         {"storage", func(c *Charter, w Words) { c.Purposes[1].AtExpiry = w }},
		"3 safeguard":      {"safeguards", func(c *Charter, w Words) { c.Safeguards[1].Label = w }},
		"3 none":           {"safeguards", func(c *Charter, w Words) { c.Safeguards = nil }},
		"4 refusal":        {"refusal", func(c *Charter, w Words) { c.Purposes[1].IfRefused = w }},
		"5 complaint":      {"complaints", func(c *Charter, w Words) { c.Channels.Complaint[0].How = w }},
		"5 none":           {"complaints", func(c *Charter, w Words) { c.Channels.Complaint = nil }},
		"5 authority":      {"complaints", func(c *Charter, w Words) { c.Channels.Authority = nil }},
		"5 operator":       {"complaints", func(c *Charter, w Words) { c.Operator.Name = w }},
		"6 correction":     {"correction", func(c *Charter, w Words) { c.Channels.Correction = nil }},
		"6 deletion":       {"correction", func(c *Charter, w Words) { c.Channels.Deletion = nil }},
		"6 how":            {"correction", func(c *Charter, w Words) { c.Channels.Deletion[0].How = w }},
		"7 other":          {"other", func(c *Charter, w Words) { c.Other = w }},
		"necessity":        {"necessity", func(c *Charter, w Words) { c.Items[4].Necessity = w }},
		"effect":           {"effect", func(c *Charter, w Words) { c.Items[4].Effect = w }},
		"no statement":     {"necessity", func(c *Charter, w Words) { c.AppType = 0 }},
	} {
		for _, lang := range Langs {
			for _, nothing := range []string{"", " \t", "\u200b\u00a0"} {
				w := Words{"有", "some"}
				if lang == Chinese {
					w.ZH = nothing
				} else {
					w.EN = nothing
				}
				c := whole()
				b.edit(c, w)
				n, err := Notice(c, lang)
				e, ok := err.(*BlankError)
				if !ok || !contains(e.Sections, b.section) || !reflect.DeepEqual(n, NoticeDoc{}) {
					t.Errorf("%s, %s: %v", name, lang, err)
				}
			}
		}
	}
	if _, err := Notice(whole(), "fr"); err == nil {
		t.Error("a notice in a language that the charter doesn't speak")
	}
}

// Article 10(7) may say that there is nothing else, in a word.
func TestArticle10_OtherMayBeNone(t *testing.T) {
	c := example(t)
	c.Other = Words{"无", "none"}
	for _, lang := range Langs {
		if _, err := Notice(c, lang); err != nil {
			t.Error(err)
		}
	}
}

func TestArticle9_HashIsOfWhatWasShown(t *testing.T) {
	c := example(t)
	zh, _ := Notice(c, Chinese)
	again, _ := Notice(example(t), Chinese)
	en, _ := Notice(c, English)
	if zh.Hash() != again.Hash() || zh.Hash() == en.Hash() || len(zh.Hash()) != 64 {
		t.Errorf("hashes %s %s %s", zh.Hash(), again.Hash(), en.Hash())
	}
	seen := map[string]bool{zh.Hash(): true}
	c.Purposes[0].IfRefused.ZH += "！"
	other, _ := Notice(c, Chinese)
	if seen[other.Hash()] {
		t.Error("another text, the same hash")
	}
}
