package charter

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCharter_ExampleIsWhole(t *testing.T) {
	c := example(t)
	var names []string
	for _, p := range c.Purposes {
		names = append(names, p.Name)
	}
	want := []string{"account", "course-progress", "speaking-practice", "class-ranking", "parent-reports", "push-notices", "safety-audit"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if c.AppType != 19 {
		t.Errorf("app type %d", c.AppType)
	}
	if got := c.Entrusted("speaking-practice", "yuping-assessment"); !reflect.DeepEqual(got, []string{"voice", "gender"}) {
		t.Errorf("entrusted %v", got)
	}
	if got := c.Entrusted("account", "yuping-assessment"); got != nil {
		t.Errorf("a purpose entrusts %v to a processor it doesn't name", got)
	}
}

// Each refusal: what is edited, where the problem must stand, what it must say.
var refusals = []struct {
	name     string
	old, new string
	at       string // the text on whose line the problem stands
	says     string // and what to write instead
}{
	{"unknown key", "kind: phone", "kind: phone\n    max_lenght: 11", "max_lenght", `did you mean "max_length"?`},
	{"unknown key, far", "kind: phone", "kind: phone\n    colour: red", "colour: red", "write one of: name, label, kind"},
	{"unknown top key", "app_type: 19", "app_type: 19\nfoo_bar: 1", "foo_bar", "delete it"},
	{"prose as a key", "app_type: 19", "app_type: 19\nrules: {en: x}", "rules: {en: x}", "there is no key"},
	{"missing language", "label: {zh-CN: 学校, en: School}", "label: {zh-CN: 学校}", "label: {zh-CN: 学校}", "words in en are missing"},
	{"blank language", "{zh-CN: 学校, en: School}", `{zh-CN: "\u200b ", en: School}`, `\u200b`, "words in zh-CN are missing"},
	{"third language", "{zh-CN: 学校, en: School}", "{zh-CN: 学校, en: School, fr: École}", "École", `no key "fr"`},
	{"one language as text", "label: {zh-CN: 学校, en: School}", "label: 学校", "label: 学校", "in both languages"},
	{"item without purpose", "[push_token]", "[device_id]", "- name: push_token", `no purpose uses "push_token"`},
	{"purpose without retention", "    retention:\n      from: last_use\n      period: 90d\n      at_most: 2y\n", "", "- name: push-notices", "retention is missing"},
	{"retention without period", "from: collection\n      period: 180d", "from: collection", "retention:\n      from: collection\n    at_expiry:\n      zh-CN: 自动删除。", "period is missing"},
	{"retention of words", "period: 180d", "period: half a year", "half a year", "write 90d (days), 18m (months) or 3y (years)"},
	{"retention forever", "period: 180d", "period: 99y", "99y", "at most 20y"},
	{"event without end", "      period: 15d\n      at_most: 6y\n", "      period: 15d\n", "retention:\n      from: event", "write at_most"},
	{"event without words", "      event_label: {zh-CN: 注销账号, en: the account is closed}\n", "", "retention:\n      from: event", "event_label"},
	{"event without event", "    retention:\n      from: last_use\n      period: 90d", "    retention:\n      from: event\n      period: 90d", "retention:\n      from: event\n      period: 90d", "write event and event_label"},
	{"event that isn't one", "from: collection\n      period: 180d", "from: collection\n      event: done\n      period: 180d", "event: done", "delete it"},
	{"unused accounts erased within a summer", "inactive: 18m", "inactive: 88d", "inactive: 88d", "from 3m to 3y"},
	{"unused accounts kept for ever", "inactive: 18m", "inactive: 37m", "inactive: 37m", "from 3m to 3y"},
	{"cap below period", "period: 90d\n      at_most: 2y", "period: 90d\n      at_most: 30d", "at_most: 30d", "shorter than period"},
	{"necessary beyond the table", "items: [guardian_phone]", "items: [guardian_phone, nickname]", "items: [guardian_phone, nickname]", `"nickname" is not among the necessary items of app type 19`},
	{"optional made necessary", "    label: {zh-CN: 学习提醒, en: Reminders}", "    necessary: true\n    label: {zh-CN: 学习提醒, en: Reminders}", "items: [push_token]", `"push_token" is not among the necessary`},
	{"not in the table", "necessary_as: phone", "necessary_as: bank_card", "necessary_as: bank_card", "write one of: phone"},
	{"another kind than the table's", "    kind: email", "    kind: email\n    necessary_as: phone", "necessary_as: phone\n    necessity:\n      zh-CN: 学习报告", `kind email can't be the necessary "phone"`},
	{"type that needs nothing", "app_type: 19", "app_type: 28", "necessary_as: phone", "needs no personal information"},
	{"no such type", "app_type: 19", "app_type: 40", "app_type: 40", "app types are 1 to 39"},
	{"neither type nor statement", "app_type: 19\n", "", "service: xiaoxi-english", "must say in necessity"},
	{"type and statement", "app_type: 19\n", "app_type: 19\nnecessity: {zh-CN: 必要, en: needed}\n", "necessity: {zh-CN: 必要", "delete necessity"},
	{"sub-processors", "    items: [voice, gender]", "    items: [voice, gender]\n    sub_processors: [other]", "sub_processors", "must not entrust others (Article 16(5))"},
	{"processor abroad", "    country: CN\n    task", "    country: SG\n    task", "- name: speaking-practice", "separate_consent: true"},
	{"processor abroad, no mechanism", "    country: CN\n    task", "    country: HK\n    task", "- name: speaking-practice", "write cross_border"},
	{"storage abroad", "  country: CN\n\nsafeguards", "  country: US\n\nsafeguards", "- name: account", "storage is abroad"},
	{"mechanism without border", "    processors: [yuping-assessment]", "    processors: [yuping-assessment]\n    cross_border: {mechanism: certification, reference: A1}", "cross_border", "nothing of this purpose is abroad"},
	{"no such country", "  country: CN\n\nsafeguards", "  country: UK\n\nsafeguards", "country: UK", "two capital letters"},
	{"duplicate key", "app_type: 19", "app_type: 19\napp_type: 18", "app_type: 18", "is written twice"},
	{"duplicate item", "- name: device_id", "- name: push_token", "- name: push_token", "already taken"},
	{"duplicate in a list", "[push_token]", "[push_token, push_token]", "[push_token, push_token]", "is listed twice"},
	{"duplicate choice", "{value: 女,", "{value: 男,", "{value: 男, label: {zh-CN: 女", "is listed twice"},
	{"unknown item", "[push_token]", "[push_token, shoe_size]", "shoe_size", `there is no item "shoe_size"`},
	{"unknown processor", "processors: [yuping-assessment]", "processors: [yuping-assessment, ghost]", "ghost", `there is no "ghost" under processors`},
	{"unknown recipient", "    items: [push_token]", "    recipients: [ghost]\n    items: [push_token]", "recipients: [ghost]", `there is no "ghost" under recipients`},
	{"unused processor", "    processors: [yuping-assessment]\n", "", "- name: yuping-assessment", "no purpose names"},
	{"processor with an item of no purpose", "items: [voice, gender]", "items: [voice, school]", "items: [voice, school]", "no purpose that names it"},
	{"audience with another item", "items: [nickname, weekly_score]\n", "items: [nickname, voice]\n", "items: [nickname, voice]", `this purpose has no "voice"`},
	{"verb without party", "activities: [collect, store, use]\n    items: [push_token]", "activities: [collect, store, use, transfer]\n    items: [push_token]", "transfer]", "name who it is under recipients"},
	{"party without verb", "[collect, store, use, entrust]", "[collect, store, use]", "processors: [yuping-assessment]", "add entrust to activities"},
	{"unknown verb", "activities: [collect, store, use]\n    items: [push_token]", "activities: [collect, store, sell]\n    items: [push_token]", "sell]", "write one of: collect, store"},
	{"collect without store", "activities: [collect, store, use]\n    items: [push_token]", "activities: [collect, use]\n    items: [push_token]", "activities: [collect, use]", "add store"},
	{"unknown kind", "kind: phone", "kind: telephone", "kind: telephone", "write one of: text, date"},
	{"text without limit", "    max_length: 20\n", "", "- name: nickname", "kind text needs max_length"},
	{"limit of another kind", "kind: phone", "kind: phone\n    max_length: 11", "max_length: 11", "kind phone has no max_length; delete it"},
	{"limit too high", "max_bytes: 1048576", "max_bytes: 104857600", "max_bytes", "at most 8388608"},
	{"min above max", "min: 0\n    max: 2000", "min: 3000\n    max: 2000", "min: 3000", "swap them"},
	{"looked for as something else", "screened_as: email", "screened_as: wechat", "screened_as: wechat", "for kind email, write email"},
	{"looked for although many share it", "kind: date", "kind: date\n    screened_as: other", "screened_as: other", "delete screened_as"},
	{"looked for as what nobody knows", "screened_as: email", "screened_as: mail", "screened_as: mail", "write one of: phone, identity-number"},
	{"voice made light of", "    sensitivity: highly_sensitive\n  - name: speaking_score", "    sensitivity: sensitive\n  - name: speaking_score", "sensitivity: sensitive\n  - name: speaking_score", "highly_sensitive"},
	{"no channel", "  authority:\n", "  authority: []\n  x:\n", "authority: []", "authority is missing"},
	{"number as text", `to: "12377"`, "to: 12377", "to: 12377", `put quotes around the text: "12377"`},
	{"text as number", "max_length: 20", `max_length: "20"`, `max_length: "20"`, "whole number without quotes"},
	{"yes as bool", "necessary: true", "necessary: yes", "necessary: yes", "write true or false"},
	{"text as list", "items: [push_token]", "items: push_token", "items: push_token", "write a list"},
	{"list as text", "service: xiaoxi-english", "service: [xiaoxi-english]", "service: [", "write one text"},
	{"capitals in a name", "service: xiaoxi-english", "service: Xiaoxi_English", "service: Xiaoxi", "lower-case letters"},
	{"bidi trick", "en: Xiaoxi English\n", "en: \"Xiaoxi \\u202eEnglish\"\n", "u202e", "invisible control characters"},
	{"anchor", "service: xiaoxi-english", "service: &s xiaoxi-english", "service: &s", "can't be used"},
	{"tag", "service: xiaoxi-english", "service: !!str xiaoxi-english", "service: !!str", "can't be used"},
	{"merge", "app_type: 19", "app_type: 19\n<<: {a: 1}", "<<: {a: 1}", "can't be used"},
	{"not YAML", "app_type: 19", "app_type: [19", "app_type: [19", "check the indent"},
	{"two documents", "service: xiaoxi-english", "service: x\n---\nservice: xiaoxi-english", "service: xiaoxi-english", "one document"},
	{"sign-off without hash", "app_type: 19", "app_type: 19\nwording_signed_off: {previous: abc, by: officer, on: 2026-02-30, paths: [rules/en]}", "previous: abc", "64 hexadecimal characters"},
	{"sign-off on no day", "app_type: 19", "app_type: 19\nwording_signed_off: {previous: abc, by: officer, on: 2026-02-30, paths: [rules/en]}", "previous: abc", "a date such as"},
}

func TestCharter_RefusesWithFileLineAndRemedy(t *testing.T) {
	for _, test := range refusals {
		t.Run(test.name, func(t *testing.T) {
			problems, text := broken(t, test.old, test.new)
			line := lineOf(t, text, test.at)
			for _, p := range problems {
				if !strings.Contains(p.Message, test.says) {
					continue
				}
				if p.File != File || p.Line != line && test.name != "not YAML" || p.Column < 1 {
					t.Errorf("stands at %s:%d:%d, want line %d: %s", p.File, p.Line, p.Column, line, p.Message)
				}
				if p.In(Chinese) == p.Message || blank(p.In(Chinese)) {
					t.Errorf("no Chinese for %q", p.Message)
				}
				if strings.Contains(p.Message+p.In(Chinese), "%!") {
					t.Errorf("badly formatted: %q %q", p.Message, p.In(Chinese))
				}
				return
			}
			t.Errorf("nothing says %q in:\n%v", test.says, problems)
		})
	}
}

func TestCharter_ReportsEveryProblemAtOnce(t *testing.T) {
	problems, _ := broken(t,
		"app_type: 19", "app_type: 77",
		"kind: phone", "kind: fone",
		"period: 180d", "period: soon",
		"{zh-CN: 学校, en: School}", "{zh-CN: 学校}",
		"[push_token]", "[push_tokens]",
	)
	for _, want := range []string{"1 to 39", `"fone"`, `"soon"`, "words in en", `no item "push_tokens"`, `no purpose uses "push_token"`} {
		if !strings.Contains(problems.Error(), want) {
			t.Errorf("missing %q in:\n%v", want, problems)
		}
	}
	for i := 1; i < len(problems); i++ {
		if problems[i].Line < problems[i-1].Line {
			t.Errorf("not in the order of the text:\n%v", problems)
		}
	}
}

// What could not be read is reported once, not again as missing.
func TestCharter_OneFaultOneProblem(t *testing.T) {
	for _, edit := range [][2]string{{"period: 180d", "period: soon"}, {"app_type: 19", "app_type: 77"}, {"max_length: 20", "max_length: many"}} {
		if problems, _ := broken(t, edit[0], edit[1]); len(problems) > 2 {
			t.Errorf("%q gives:\n%v", edit[1], problems)
		}
	}
}

func TestArticle8_ProseInEveryLanguage(t *testing.T) {
	for _, kind := range []string{"rules", "agreement"} {
		for _, lang := range Langs {
			name := ProseFile(kind, lang)
			for _, data := range []*fstest.MapFile{nil, {Data: []byte(" \n\u200b")}, {Data: []byte("ok\nbad \xff")}, {Data: []byte("ok\nbell \a")}} {
				fsys := files(t, exampleDir)
				delete(fsys, name)
				if data != nil {
					fsys[name] = data
				}
				_, err := Load(fsys)
				problems, _ := errors.AsType[Problems](err)
				if len(problems) != 1 || problems[0].File != name {
					t.Errorf("%s: %v", name, err)
				}
				if data != nil && len(data.Data) > 5 && problems[0].Line != 2 {
					t.Errorf("%s: the bad line is 2: %v", name, err)
				}
			}
		}
	}
	fsys := files(t, exampleDir)
	fsys["rules.fr.md"] = &fstest.MapFile{Data: []byte("# Règles")}
	if _, err := Load(fsys); err == nil || !strings.Contains(err.Error(), "rules.fr.md") {
		t.Errorf("a language that no charter speaks: %v", err)
	}
}

func TestCharter_SameWordsSameHash(t *testing.T) {
	want := example(t).Hash()
	fsys := files(t, exampleDir)
	for name, f := range fsys {
		fsys[name] = &fstest.MapFile{Data: []byte("\xef\xbb\xbf" + strings.ReplaceAll(string(f.Data), "\n", "\r\n"))}
	}
	if got := load(t, fsys).Hash(); got != want {
		t.Errorf("a byte order mark or line ends change the hash")
	}
}

func TestCharter_BadInputIsBounded(t *testing.T) {
	good := files(t, exampleDir)
	bombs := map[string]string{
		"empty":          "",
		"comment only":   "# nothing\n",
		"a list":         "- a\n- b\n",
		"oversize":       "x: " + strings.Repeat("a", maxFile),
		"aliases":        "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n",
		"flow depth":     strings.Repeat("[", 300_000),
		"mapping depth":  strings.Repeat("{a: ", 200_000),
		"list depth":     strings.Repeat("- ", 300_000),
		"explicit keys":  strings.Repeat("? ", 300_000),
		"indent depth":   indented(900),
		"many problems":  "items:\n" + strings.Repeat("  - foo: 1\n", 150),
		"long list":      "items:\n" + strings.Repeat("  - {}\n", 50_000),
		"quotes":         strings.Repeat(`"`, 100_001),
		"control":        "service: \x00\n",
		"not UTF-8":      "service: \xff\xfe\n",
		"tabs":           "service:\n\t- x\n",
		"literal blocks": strings.Repeat("a: |\n  x\n", maxFile/9),
		"one mapping":    strings.Repeat("a: b\n", maxFile/5),
		"below the cap":  strings.Repeat("a: b\n", maxTokens/3-10),
		"texts":          strings.Repeat("a: \"b\"\n", maxFile/7),
		"folded":         strings.Repeat("a:\n  b\n  c\n", maxFile/11),
	}
	for name, text := range bombs {
		t.Run(name, func(t *testing.T) {
			good[File] = &fstest.MapFile{Data: []byte(text)}
			start := time.Now()
			_, err := Load(good)
			problems, ok := errors.AsType[Problems](err)
			if !ok || len(problems) == 0 || len(problems) > maxProblems {
				t.Errorf("%d problems: %.300v", len(problems), err)
			}
			// Two seconds by itself; the race detector and others on the machine make it ten times that.
			if took := time.Since(start); took > time.Minute {
				t.Errorf("took %v", took)
			}
		})
	}
}

func indented(depth int) string {
	var b strings.Builder
	for i := range depth {
		fmt.Fprintf(&b, "%sa:\n", strings.Repeat(" ", i))
	}
	return b.String()
}

// A charter that Load or Parse returned is whole: without any one of its words,
// in any one language, it is refused.
func TestCharter_NoWordMayBeBlank(t *testing.T) {
	count := 0
	base := example(t)
	var paths []string
	leaves("", reflect.ValueOf(base).Elem(), func(l leaf) {
		if l.value.Kind() == reflect.String && l.value.String() != "" && !strings.HasSuffix(l.path, "/to") && !strings.HasSuffix(l.path, "necessary_as") && !strings.HasSuffix(l.path, "screened_as") {
			paths = append(paths, l.path)
		}
	})
	for i, path := range paths {
		for _, nothing := range []string{"", " \u200b"}[i%2 : i%2+1] {
			c := copied(base)
			leaves("", reflect.ValueOf(c).Elem(), func(l leaf) {
				if l.path == path {
					l.value.SetString(nothing)
				}
			})
			count++
			if _, err := Parse(c.Canonical()); err == nil {
				t.Errorf("blank %s is taken", path)
			}
		}
	}
	if count < 200 {
		t.Errorf("only %d texts were tried", count)
	}
}

func TestCharter_ParseIsStrict(t *testing.T) {
	c := example(t)
	canonical := c.Canonical()
	back, err := Parse(canonical)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, back, cmp.AllowUnexported(Period{})); diff != "" {
		t.Error(diff)
	}
	again, err := Parse(canonical) // what was found sound isn't looked at again, and is read again
	if err != nil || again == back || &again.Purposes[0] == &back.Purposes[0] {
		t.Errorf("read again: %v, or what was read first", err)
	}
	if diff := cmp.Diff(back, again, cmp.AllowUnexported(Period{})); diff != "" {
		t.Error(diff)
	}
	if back.Hash() != c.Hash() || len(c.Hash()) != 64 || strings.ToLower(c.Hash()) != c.Hash() {
		t.Errorf("hash %s and %s", c.Hash(), back.Hash())
	}
	s := string(canonical)
	for name, bad := range map[string]string{
		"empty":          "",
		"space":          " " + s,
		"more":           s + "{}",
		"unknown key":    strings.Replace(s, `"service"`, `"extra":1,"service"`, 1),
		"key twice":      strings.Replace(s, `{"service":"xiaoxi-english"`, `{"service":"other","service":"xiaoxi-english"`, 1),
		"other case":     strings.Replace(s, `"service"`, `"Service"`, 1),
		"sub-processor":  strings.Replace(s, `"items":["voice","gender"]`, `"items":["voice","gender"],"sub_processors":["x"]`, 1),
		"another prose":  strings.Replace(s, `"rules":{`, `"rules":{"fr":"x",`, 1),
		"null":           "null",
		"cut":            s[:len(s)/2],
		"period in 0 d":  strings.Replace(s, `"90d"`, `"090d"`, 1),
		"unknown verb":   strings.Replace(s, `"collect"`, `"sell"`, 1),
		"unknown length": strings.Replace(s, `"max_length":20`, `"max_length":20.5`, 1),
	} {
		if bad == s {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestEdgeCase20_AbroadWithItsOwnConsent(t *testing.T) {
	problems, _ := broken(t,
		"    country: CN\n    task", "    country: SG\n    task",
		"    processors: [yuping-assessment]", "    processors: [yuping-assessment]\n    separate_consent: true\n    cross_border: {mechanism: standard_contract, reference: 浙网信备 2026-17}")
	if problems != nil {
		t.Errorf("a purpose of its own, with a mechanism: %v", problems)
	}
	problems, _ = broken(t,
		"    country: CN\n    task", "    country: SG\n    task",
		"    processors: [yuping-assessment]", "    processors: [yuping-assessment]\n    necessary: true\n    separate_consent: true\n    cross_border: {mechanism: standard_contract, reference: A1}")
	if !strings.Contains(problems.Error(), "can't be a condition of the service") {
		t.Errorf("abroad as a condition: %v", problems)
	}
	problems, _ = broken(t,
		"    country: CN\n    task", "    country: SG\n    task",
		"    processors: [yuping-assessment]", "    processors: [yuping-assessment, local]\n    separate_consent: true\n    cross_border: {mechanism: standard_contract, reference: A1}",
		"\nprocessors:\n", "\nprocessors:\n  - {name: local, label: {zh-CN: 甲, en: A}, contact: a, country: CN, task: {zh-CN: 乙, en: B}, items: [voice]}\n")
	if !strings.Contains(problems.Error(), "split it in two") {
		t.Errorf("abroad bundled with home: %v", problems)
	}
}

// Whoever reads from abroad is a way abroad of its own, with all that the others ask for.
func TestEdgeCase20_ReadFromAbroadIsDeclared(t *testing.T) {
	const purpose, told = "    processors: [yuping-assessment]", "\n    separate_consent: true\n    cross_border: {mechanism: standard_contract, reference: A1}"
	for from, want := range map[string]string{
		"[SG, JP]" + told:                  "",
		"[SG]":                             "it is read from abroad: that needs a consent of its own",
		"[SG]\n    separate_consent: true": "it is read from abroad: write cross_border",
		"[SG]\n    necessary: true" + told: "can't be a condition of the service",
		"[CN, SG]" + told:                  "it is read at home anyhow",
		"[UK]" + told:                      "two capital letters",
		"[SG, SG]" + told:                  "is listed twice",
		"[]" + told:                        "nothing of this purpose is abroad",
	} {
		if problems, _ := broken(t, purpose, purpose+"\n    access_from: "+from); want == "" && problems != nil || want != "" && !strings.Contains(problems.Error(), want) {
			t.Errorf("access_from: %s: %v", from, problems)
		}
	}
}

func TestArticle11_WatchCarriesItsOwnNecessity(t *testing.T) {
	problems, _ := broken(t, "app_type: 19\n", "necessity: {zh-CN: 手表定位需要, en: a watch needs it}\n", "    necessary_as: phone\n", "",
		"items: [guardian_phone]", "items: [guardian_phone, nickname]")
	if problems != nil {
		t.Errorf("%v", problems)
	}
}

func TestArticle11_TableOfThe39AppTypes(t *testing.T) {
	types, err := appTypes()
	if err != nil || len(types) != 39 {
		t.Fatalf("%d types, %v", len(types), err)
	}
	none := map[int]bool{21: true, 27: true, 28: true, 29: true, 30: true, 31: true, 32: true, 33: true, 34: true, 35: true, 36: true, 37: true, 38: true}
	phoneOnly := map[int]bool{4: true, 18: true, 19: true, 20: true, 25: true, 26: true}
	for i, a := range types {
		if a.Number != i+1 || blank(a.Name.ZH) || blank(a.Name.EN) {
			t.Errorf("row %d: %v", i, a)
		}
		if none[a.Number] != (len(a.Necessary) == 0) {
			t.Errorf("type %d needs %v", a.Number, a.entries())
		}
		if phoneOnly[a.Number] && a.entries() != "phone" {
			t.Errorf("type %d needs %v", a.Number, a.entries())
		}
		_, hasPhone := a.Necessary["phone"]
		if !none[a.Number] && a.Number != 1 && a.Number != 8 && !hasPhone {
			t.Errorf("type %d has no phone", a.Number)
		}
		for entry, kinds := range a.Necessary {
			for _, k := range kinds {
				if _, ok := enumWord(reflect.TypeFor[Kind](), string(k)); !ok {
					t.Errorf("type %d, %s: no kind %q", a.Number, entry, k)
				}
			}
		}
	}
}
