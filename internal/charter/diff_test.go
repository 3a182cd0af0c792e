package charter

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiff_ExampleAndItsSecondVersion(t *testing.T) {
	changes := Diff(example(t), second(t))
	var b strings.Builder
	for _, c := range changes {
		fmt.Fprintf(&b, "%s\n  material: %v\n  purposes: %s\n", c.Path, c.Material, strings.Join(c.Purposes, ", "))
		for _, lang := range Langs {
			fmt.Fprintf(&b, "  %s | %s\n", c.Words.In(lang), c.Why.In(lang))
		}
	}
	golden(t, "xiaoxi-english-v2.diff.txt", []byte(b.String()))
	if diff := cmp.Diff([]string{"speaking-practice"}, Material(changes)); diff != "" {
		t.Error(diff)
	}
}

func TestDiff_NothingChanged(t *testing.T) {
	if changes := Diff(example(t), example(t)); changes != nil {
		t.Errorf("%v", changes)
	}
}

func TestDiff_FirstVersionIsAllNew(t *testing.T) {
	c := example(t)
	changes := Diff(nil, c)
	for _, ch := range changes {
		if !ch.Material {
			t.Errorf("%s is not material", ch.Path)
		}
	}
	if got := Material(changes); len(got) != len(c.Purposes) {
		t.Errorf("affects %v", got)
	}
}

func all(c *Charter) (names []string) {
	return Material([]Change{{Material: true, Purposes: (&differ{old: c, new: c}).affected("name")}})
}

func days(n int) Period { return Period{n, 'd'} }

// Edge case 12, row by row: what is edited, whether that is material, and whom
// it touches ("all", or names).
var edgeCase12 = []struct {
	name     string
	edit     func(c *Charter)
	material bool
	purposes string
}{
	{"purpose added", func(c *Charter) {
		p := c.Purposes[6]
		p.Name = "research"
		c.Purposes = append(c.Purposes, p)
	}, true, "research"},
	{"purpose gone", func(c *Charter) { c.Purposes = c.Purposes[:6] }, true, "safety-audit"},
	{"purpose's reason", func(c *Charter) { c.Purposes[1].Why.EN += " And more." }, true, "course-progress"},
	{"item added to a purpose", func(c *Charter) { c.Purposes[5].Items = append(c.Purposes[5].Items, "device_id") }, true, "push-notices"},
	{"item gone from a purpose", func(c *Charter) { c.Purposes[6].Items = c.Purposes[6].Items[:1] }, true, "safety-audit"},
	{"item grows", func(c *Charter) { c.Items[2].MaxLength = 40 }, true, "class-ranking course-progress parent-reports"},
	{"verb added", func(c *Charter) { c.Purposes[4].Activities = append(c.Purposes[4].Activities, Disclose) }, true, "parent-reports"},
	{"recipient added", func(c *Charter) { c.Purposes[1].Recipients = []string{"publisher"} }, true, "course-progress"},
	{"processor added", func(c *Charter) { c.Purposes[1].Processors = []string{"yuping-assessment"} }, true, "course-progress"},
	{"processor renamed", func(c *Charter) { c.Processors[0].Label.ZH = "别的公司" }, true, "speaking-practice"},
	{"processor moves", func(c *Charter) { c.Processors[0].Country = "SG" }, true, "speaking-practice"},
	{"audience grows", func(c *Charter) {
		c.Purposes[3].Audiences[0].Items = append(c.Purposes[3].Audiences[0].Items, "school")
	}, true, "class-ranking"},
	{"storage place", func(c *Charter) { c.Storage.Place.ZH = "上海" }, true, "all"},
	{"storage abroad", func(c *Charter) { c.Storage.Country = "US" }, true, "all"},
	{"retention longer", func(c *Charter) { c.Purposes[2].Retention.Period = days(91) }, true, "speaking-practice"},
	{"retention shorter", func(c *Charter) { c.Purposes[2].Retention.Period = days(89) }, false, "speaking-practice"},
	{"a month for thirty days", func(c *Charter) { c.Purposes[2].Retention.Period = Period{3, 'm'} }, true, "speaking-practice"},
	{"cap gone", func(c *Charter) { c.Purposes[1].Retention.AtMost = Period{} }, true, "course-progress"},
	{"cap comes", func(c *Charter) { c.Purposes[2].Retention.AtMost = days(90) }, false, "speaking-practice"},
	{"unused accounts kept longer", func(c *Charter) { c.Inactive = Period{2, 'y'} }, true, "all"},
	{"unused accounts kept for good", func(c *Charter) { c.Inactive = Period{} }, true, "all"},
	{"unused accounts erased sooner", func(c *Charter) { c.Inactive = Period{1, 'y'} }, false, "all"},
	{"retention starts later", func(c *Charter) { c.Purposes[2].Retention.From = FromLastUse }, true, "speaking-practice"},
	{"expiry handling", func(c *Charter) { c.Purposes[2].AtExpiry.ZH = "匿名化后保留。" }, true, "speaking-practice"},
	{"safeguard gone", func(c *Charter) { c.Safeguards = c.Safeguards[1:] }, true, "all"},
	{"safeguard reworded", func(c *Charter) { c.Safeguards[0].Label.EN = "We try." }, true, "all"},
	{"safeguard added", func(c *Charter) {
		c.Safeguards = append(c.Safeguards, Safeguard{"more", Words{"更多", "more"}})
	}, false, "all"},
	{"worse consequences", func(c *Charter) { c.Purposes[5].IfRefused.EN = "The app stops." }, true, "push-notices"},
	{"channel gone", func(c *Charter) { c.Channels.Complaint = c.Channels.Complaint[1:] }, true, "all"},
	{"route to delete gone", func(c *Charter) { c.Channels.Deletion = c.Channels.Deletion[1:] }, true, "all"},
	{"route added", func(c *Charter) {
		c.Channels.Correction = append(c.Channels.Correction, Route{"desk", Words{"到访", "visit"}, ""})
	}, false, "all"},
	{"operator's name", func(c *Charter) { c.Operator.Name.ZH = "另一家公司" }, true, "all"},
	{"operator's contact added", func(c *Charter) {
		c.Operator.Contact = append(c.Operator.Contact, Route{"fax", Words{"传真", "fax"}, ""})
	}, false, "all"},
	{"becomes necessary", func(c *Charter) { c.Purposes[5].Necessary = true }, true, "push-notices"},
	{"wording of the rules", func(c *Charter) { c.Rules[English] += "\nMore.\n" }, true, "all"},
	{"order of items", func(c *Charter) { c.Items[0], c.Items[1] = c.Items[1], c.Items[0] }, false, "all"},
	{"order of verbs", func(c *Charter) { a := c.Purposes[0].Activities; a[0], a[1] = a[1], a[0] }, false, "account"},
	{"unclassified", func(c *Charter) { c.AppType = 18 }, true, "all"},
}

// A rule that stands under another heading is a change, and is said to be one: where white
// space alone differs, no line went or came.
func TestDiff_SaysWhatBecameOfTheLines(t *testing.T) {
	for name, c := range map[string]struct{ was, is, words string }{
		"a line moved":      {"# a\nx\n# b\ny\n", "# a\ny\nx\n# b\n", "rules (English): 1 lines gone, 1 lines new"},
		"a paragraph more":  {"# a\n\nx\n", "# a\n\nx\n\ny\n", "rules (English): 0 lines gone, 1 lines new"},
		"white space alone": {"# a\nx\n", "# a\n\nx\n", "rules (English): nothing but white space differs"},
	} {
		old := example(t)
		now := clone(t, old)
		old.Rules[English], now.Rules[English] = c.was, c.is
		if changes := Diff(old, now); len(changes) != 1 || changes[0].Words.EN != c.words || !changes[0].Material {
			t.Errorf("%s: %+v", name, changes)
		}
	}
}

func TestEdgeCase12_MaterialChange(t *testing.T) {
	for _, test := range edgeCase12 {
		t.Run(test.name, func(t *testing.T) {
			old := example(t)
			new := clone(t, old)
			test.edit(new)
			changes := Diff(old, new)
			if len(changes) != 1 {
				t.Fatalf("%d changes: %v", len(changes), changes)
			}
			c := changes[0]
			want := test.purposes
			if want == "all" {
				want = strings.Join(all(old), " ")
			}
			if c.Material != test.material || strings.Join(c.Purposes, " ") != want {
				t.Errorf("%s: material %v for %v, want %v for %s", c.Path, c.Material, c.Purposes, test.material, want)
			}
			if blank(c.Words.ZH) || blank(c.Words.EN) || blank(c.Why.ZH) || blank(c.Why.EN) {
				t.Errorf("silent: %+v", c)
			}
			if got := strings.Join(Material(changes), " "); test.material && got != want || !test.material && got != "" {
				t.Errorf("asks again for %q", got)
			}
		})
	}
}

// The change is told in words, what was beside what is, in both languages.
func TestDiff_WordsNameOldAndNew(t *testing.T) {
	old := example(t)
	new := clone(t, old)
	new.Purposes[2].Retention.Period = Period{6, 'm'}
	new.Purposes[4].Activities = append(new.Purposes[4].Activities, Disclose)
	var got []Words
	for _, c := range Diff(old, new) {
		got = append(got, c.Words)
	}
	want := []Words{
		{"“口语练习”的保存期限：原来是90 天，现在是6 个月", `time kept of "Speaking practice": was 90 days, is 6 months`},
		{"“学习报告”的处理活动：新增 “披露”", `activities of "Parent reports": new is "disclose"`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEdgeCase12_WordingSignedOffByTheOfficer(t *testing.T) {
	old := example(t)
	reworded := func(previous string, paths ...string) *Charter {
		c := clone(t, old)
		c.Purposes[1].Why.ZH = "换一种说法。"
		c.Rules[Chinese] += "\n换行。\n"
		c.Purposes[1].IfRefused.ZH = "换一种说法。"
		c.SignedOff = &SignedOff{Previous: previous, By: "儿童个人信息保护负责人", On: "2026-11-01", Paths: paths}
		return clone(t, c)
	}
	all := []string{"purposes/course-progress/why", "rules/zh-CN", "purposes/course-progress/if_refused"}
	material := func(c *Charter) (paths []string) {
		for _, ch := range Diff(old, c) {
			if ch.Material {
				paths = append(paths, ch.Path)
			}
		}
		return paths
	}
	for _, test := range []struct {
		name string
		new  *Charter
		want []string
	}{
		{"all signed: the consequences of refusing can't be", reworded(old.Hash(), all...), []string{"purposes/course-progress/if_refused"}},
		{"one not signed", reworded(old.Hash(), all[0]), []string{"purposes/course-progress/if_refused", "rules/zh-CN"}},
		{"against another version", reworded(strings.Repeat("0", 64), all...), []string{"purposes/course-progress/why", "purposes/course-progress/if_refused", "rules/zh-CN"}},
	} {
		if diff := cmp.Diff(test.want, material(test.new)); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
	// A sign-off is about words: it never covers what was added or taken away.
	c := clone(t, old)
	c.Safeguards = c.Safeguards[1:]
	c.SignedOff = &SignedOff{Previous: old.Hash(), By: "officer", On: "2026-11-01", Paths: []string{"safeguards/encryption", "safeguards/encryption/label", "safeguards"}}
	if got := Material(Diff(old, c)); len(got) == 0 {
		t.Error("a safeguard was signed away")
	}
}

// Whatever differs is found: every value of the types, also of fields that are
// added to them later, gives a change of its own, and it is material unless a
// ruling names it.
func TestDiff_NoDifferenceIsOverlooked(t *testing.T) {
	base := example(t)
	base.SignedOff = &SignedOff{Previous: strings.Repeat("0", 64), By: "officer", On: "2026-11-01", Paths: []string{"rules/en"}}
	base.Recipients = []Recipient{{"publisher", Words{"出版社", "Publisher"}, "x", "CN", Words{"出版", "to publish"}, []string{"nickname"}}}
	base.Purposes[1].CrossBorder = &CrossBorder{Certification, "A1"}
	var count int
	leaves("", reflect.ValueOf(base).Elem(), func(leaf) { count++ })
	if count < 400 {
		t.Fatalf("only %d values", count)
	}
	for i := range count {
		c, n, path := copied(base), 0, ""
		leaves("", reflect.ValueOf(c).Elem(), func(l leaf) {
			if n == i {
				path = l.path
				mutate(l.value)
			}
			n++
		})
		if string(c.Canonical()) == string(base.Canonical()) {
			if !strings.HasSuffix(path, "_type") {
				t.Errorf("%s: the mutation shows nowhere", path)
			}
			continue
		}
		changes := Diff(base, c)
		if len(changes) == 0 {
			t.Errorf("%s: no change", path)
		}
		for _, ch := range changes {
			if ch.Path == "" {
				t.Errorf("%s: found only by the net", path)
			}
			if !ch.Material && !strings.HasPrefix(ch.Path, "wording_signed_off") && !contains(immaterial, ch.Why) {
				t.Errorf("%s: not material, because %q", path, ch.Why.EN)
			}
			if len(ch.Purposes) == 0 && !strings.HasPrefix(ch.Path, "items/") && !strings.HasPrefix(ch.Path, "recipients/") && !strings.HasPrefix(ch.Path, "processors/") {
				t.Errorf("%s: touches nobody", path)
			}
			if strings.Contains(ch.Words.ZH+ch.Words.EN, "%!") || blank(ch.Words.ZH) || blank(ch.Words.EN) {
				t.Errorf("%s: badly said: %+v", path, ch.Words)
			}
		}
	}
}

// immaterial are the only reasons for which nobody is asked again (edge case 12).
var immaterial = []Words{
	{"保存期限缩短", "it is kept for a shorter time"},
	{"最长保存期限缩短", "it is kept for a shorter time at most"},
	{"不使用的账号更早删除", "an account that nobody uses is erased sooner"},
	{"增加了保护措施", "a safeguard is added"},
	{"增加了投诉途径", "a way to complain is added"},
	{"增加了举报途径", "a way to report is added"},
	{"增加了更正途径", "a way to correct is added"},
	{"增加了删除途径", "a way to delete is added"},
	{"增加了联系方式", "a way to reach the operator is added"},
	{"只影响答复之后回到哪里，不收集任何信息", "it only says where a guardian goes after answering; nothing is collected by it"},
}

// Every key of the file has words in the diff, and no words are left over.
func TestDiff_EveryKeyHasWords(t *testing.T) {
	rules := map[string]bool{}
	var visit func(rule string, t reflect.Type)
	visit = func(rule string, typ reflect.Type) {
		rules[rule] = true
		switch {
		case typ == reflect.TypeFor[Words](), typ == reflect.TypeFor[Period]():
		case typ.Kind() == reflect.Map:
			for _, lang := range Langs {
				rules[join(rule, lang)] = true
			}
		case typ.Kind() == reflect.Struct:
			for _, f := range fields(typ) {
				visit(join(rule, f.name), typ.Field(f.index).Type)
			}
		case typ.Kind() == reflect.Slice:
			visit(join(rule, "*"), typ.Elem())
		case typ.Kind() == reflect.Pointer:
			visit(rule, typ.Elem())
		}
	}
	visit("", reflect.TypeFor[Charter]())
	for rule := range rules {
		if rule != "" && placeWords(rule) == (Words{"章程", "charter"}) && rule != "operator" && rule != "storage" && rule != "channels" {
			t.Errorf("%s has no words", rule)
		}
	}
	for rule := range places {
		if !rules[rule] {
			t.Errorf("there is no key %s, but words for it", rule)
		}
	}
	for rule := range wording {
		if !rules[rule] {
			t.Errorf("there is no key %s, but it can be signed off", rule)
		}
	}
	for _, r := range rulings {
		if r.place != "" && !rules[r.place] {
			t.Errorf("there is no key %s, but a ruling for it", r.place)
		}
	}
}
