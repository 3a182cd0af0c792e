package impact_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/charter"
	"wardkeep/internal/impact"
	"wardkeep/internal/impact/impacttest"
)

func example(t *testing.T, dir string) *charter.Charter {
	t.Helper()
	c, err := charter.Load(os.DirFS("../../examples/" + dir))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// PIPL 55: the examples have an assessment of each purpose, which is whole, is about the
// purpose as the charter describes it, and passes.
func TestArticle7_TheExamplesAreAssessed(t *testing.T) {
	for _, dir := range []string{"xiaoxi-english", "xiaoxi-english-v2"} {
		c := example(t, dir)
		for _, p := range c.Purposes {
			f, err := impact.Read(os.DirFS("../../examples/"+dir), impact.File(p.Name), c)
			if err != nil || f.Outcome() != impact.Passed || f.Purpose != p.Name {
				t.Errorf("%s %s: %s, %v; it is described as %s", dir, p.Name, f.Outcome(), err, c.Described(p.Name))
			}
		}
	}
}

// What is high has to be treated, and what is left high doesn't pass; and where something
// leaves the operator's hands more is demanded. A form says the same whichever way it is read.
func TestArticle7_WhatAnAssessmentComesTo(t *testing.T) {
	c := example(t, "xiaoxi-english")
	for name, x := range map[string]struct {
		purpose string
		change  func(*impact.Form)
		wrong   string         // the path of what is wrong, or
		want    impact.Outcome // what it comes to
	}{
		"as it should be":             {"account", func(*impact.Form) {}, "", impact.Passed},
		"not lawful":                  {"account", func(f *impact.Form) { f.Lawful.Holds = false }, "", impact.NotPassed},
		"not legitimate":              {"account", func(f *impact.Form) { f.Legitimate.Holds = false }, "", impact.NotPassed},
		"not necessary":               {"account", func(f *impact.Form) { f.Necessary.Holds = false }, "", impact.NotPassed},
		"unlawful measures":           {"account", func(f *impact.Form) { f.Measures.Lawful.Holds = false }, "", impact.NotPassed},
		"measures without effect":     {"account", func(f *impact.Form) { f.Measures.Effective.Holds = false }, "", impact.NotPassed},
		"measures that don't fit":     {"account", func(f *impact.Form) { f.Measures.Fit.Holds = false }, "", impact.NotPassed},
		"without a reason":            {"account", func(f *impact.Form) { f.Necessary.Why = "" }, "necessary/why", ""},
		"without an effect":           {"account", func(f *impact.Form) { f.Effect = "" }, "effect", ""},
		"without a risk":              {"account", func(f *impact.Form) { f.Risks = nil }, "risks", ""},
		"by nobody":                   {"account", func(f *impact.Form) { f.MadeBy = " " }, "made_by", ""},
		"of another purpose":          {"account", func(f *impact.Form) { f.Purpose = "sales" }, "purpose", ""},
		"about another version":       {"account", func(f *impact.Form) { f.Described = strings.Repeat("0", 64) }, "described", ""},
		"a likelihood beyond":         {"account", func(f *impact.Form) { f.Risks[0].Likelihood = 5 }, "risks/0/likelihood", ""},
		"a severity of none":          {"account", func(f *impact.Form) { f.Risks[0].Left.Severity = 0 }, "risks/0/left/severity", ""},
		"more is left than there was": {"account", func(f *impact.Form) { f.Risks[0].Left.Severity = 4 }, "risks/0/left", ""},
		"it grows smaller by itself":  {"account", func(f *impact.Form) { f.Risks[0].Treatment = "" }, "risks/0/treatment", ""},
		"high and untreated": {"account", func(f *impact.Form) {
			f.Risks[0] = impact.Risk{Risk: "x", Likelihood: 3, Severity: 3, Left: impact.Left{Likelihood: 3, Severity: 3}}
		}, "risks/0/treatment", ""},
		"high, and left so": {"account", func(f *impact.Form) { f.Risks[0].Left = impact.Left{Likelihood: 3, Severity: 3} }, "", impact.NotPassed},
		"medium and untreated": {"account", func(f *impact.Form) {
			f.Risks[0] = impact.Risk{Risk: "x", Likelihood: 2, Severity: 2, Left: impact.Left{Likelihood: 2, Severity: 2}}
		}, "", impact.Passed},
		"medium, of what is entrusted": {"speaking-practice", func(f *impact.Form) {
			f.Risks[0] = impact.Risk{Risk: "x", Likelihood: 2, Severity: 2, Left: impact.Left{Likelihood: 2, Severity: 2}}
		}, "risks/0/treatment", ""},
		"entrusted":                    {"speaking-practice", func(*impact.Form) {}, "", impact.Passed},
		"entrusted, without a section": {"speaking-practice", func(f *impact.Form) { f.Beyond = nil }, "beyond", ""},
		"entrusted, without a risk":    {"speaking-practice", func(f *impact.Form) { f.Risks = f.Risks[:1] }, "risks", ""},
		"disclosed":                    {"class-ranking", func(*impact.Form) {}, "", impact.Passed},
		"disclosed as if entrusted":    {"class-ranking", func(f *impact.Form) { f.Beyond[0].Of = "entrust" }, "beyond", ""},
		"a section of nothing":         {"account", func(f *impact.Form) { f.Beyond = []impact.Beyond{{Of: "abroad", Why: "x", Checked: "x"}} }, "beyond/0", ""},
		"a risk of nothing":            {"account", func(f *impact.Form) { f.Risks[0].Of = "transfer" }, "risks/0/of", ""},
	} {
		f := impacttest.Form(c, x.purpose)
		x.change(&f)
		err := f.Check(c)
		problems, _ := errors.AsType[charter.Problems](err)
		if i := slices.IndexFunc(problems, func(p charter.Problem) bool { return p.Path == x.wrong }); (x.wrong != "") != (err != nil) || err != nil && i < 0 {
			t.Errorf("%s: %v, want %q", name, err, x.wrong)
		}
		if err == nil && f.Outcome() != x.want {
			t.Errorf("%s: %s %v, want %s", name, f.Outcome(), f.Against(), x.want)
		}
		if err != nil {
			continue
		}
		again, err := impact.Read(fstest.MapFS{"x.yaml": {Data: []byte(charter.FormSource(f))}}, "x.yaml", c)
		if diff := cmp.Diff(f, again); err != nil || diff != "" {
			t.Errorf("%s, read again: %v\n%s", name, err, diff)
		}
	}
}

// Whatever a risk is, and whatever is done against it, the outcome is what the law wants of it:
// what is high and untreated is no assessment, what is left high doesn't pass, and nothing
// grows smaller by itself.
func TestArticle7_NoHighRiskPasses(t *testing.T) {
	c := example(t, "xiaoxi-english")
	for _, purpose := range []string{"account", "speaking-practice"} {
		entrusts := purpose == "speaking-practice"
		for n := range 6 * 6 * 6 * 6 * 3 {
			l, s, left, worse := n%6, n/6%6, n/36%6, n/216%6
			treatment := []string{"", " ", "加密"}[n/1296]
			f := impacttest.Form(c, purpose)
			f.Risks[0] = impact.Risk{Risk: "x", Likelihood: l, Severity: s, Treatment: treatment, Left: impact.Left{Likelihood: left, Severity: worse}}
			whole := min(l, s, left, worse) >= 1 && max(l, s) <= 4 && left <= l && worse <= s
			treated := treatment == "加密" ||
				treatment == "" && left == l && worse == s && (l*s <= 3 || l*s <= 8 && !entrusts)
			err := f.Check(c)
			if (err == nil) != (whole && treated) {
				t.Errorf("%s: %d×%d, %q, left %d×%d: %v", purpose, l, s, treatment, left, worse, err)
			}
			if passed := f.Outcome() == impact.Passed; err == nil && passed != (left*worse <= 8) {
				t.Errorf("%s: %d×%d, %q, left %d×%d has passed: %v", purpose, l, s, treatment, left, worse, passed)
			}
		}
	}
}

// A purpose that goes abroad says so in its assessment, whichever way it does; and a
// template has a place for each demand, and isn't an assessment.
func TestEdgeCase20_GoingAbroadIsAssessedOfItself(t *testing.T) {
	c := *example(t, "xiaoxi-english")
	c.Storage.Country = "SG"
	for _, p := range c.Purposes {
		demands := impact.Demands(&c, p)
		if demands[len(demands)-1] != impact.Abroad {
			t.Errorf("%s: %v", p.Name, demands)
		}
		f := impacttest.Form(&c, p.Name)
		if err := f.Check(&c); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		f.Beyond = f.Beyond[:len(f.Beyond)-1]
		if err := f.Check(&c); err == nil {
			t.Errorf("%s goes abroad without a word", p.Name)
		}
		for _, lang := range i18n.Langs {
			text := impact.Template(&c, p.Name, lang)
			if strings.Contains(text, "impact.template") || strings.Count(text, "of: abroad") != 2 {
				t.Errorf("%s", text)
			}
			_, err := impact.Read(fstest.MapFS{"x.yaml": {Data: []byte(text)}}, "x.yaml", &c)
			problems, ok := errors.AsType[charter.Problems](err)
			if !ok || slices.ContainsFunc(problems, func(p charter.Problem) bool { return p.Path == "" || p.Line == 0 }) {
				t.Errorf("the template of %s in %s: %v", p.Name, lang, err)
			}
		}
	}
	if impact.Template(&c, "sales", i18n.Chinese) != "" {
		t.Error("there is a template of what there isn't")
	}
}

func FuzzRead(f *testing.F) {
	c, err := charter.Load(os.DirFS("../../examples/xiaoxi-english"))
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range c.Purposes {
		f.Add([]byte(charter.FormSource(impacttest.Form(c, p.Name))))
	}
	f.Add([]byte("risks: [[[["))
	f.Add([]byte("purpose: account\nrisks:\n  - {likelihood: 99999999999999999999}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		form, err := impact.Read(fstest.MapFS{"x.yaml": {Data: text}}, "x.yaml", c)
		if _, told := errors.AsType[charter.Problems](err); err != nil && !told {
			t.Errorf("%v", err)
		}
		if err == nil && form.Check(c) != nil {
			t.Error("what was read isn't whole")
		}
	})
}
