package impact

import (
	"strconv"
	"strings"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/charter"
)

// Dir is where the assessments lie in a charter's folder, a file for each purpose: see File.
const Dir = "impact"

// File returns the name of the file of a purpose in a charter's folder.
func File(purpose string) string { return Dir + "/" + purpose + ".yaml" }

func riskPath(i int) string   { return "risks/" + strconv.Itoa(i) }
func beyondPath(i int) string { return "beyond/" + strconv.Itoa(i) }

// Template returns a form of a purpose to be filled in: what the charter says of it stands
// in comments, and where something is to be written there is nothing, which Read refuses.
// It is empty for a purpose that there isn't.
func Template(c *charter.Charter, purpose string, lang i18n.Lang) string {
	p, ok := c.Purpose(purpose)
	if !ok {
		return ""
	}
	l := charter.Lang(lang)
	var b strings.Builder
	comment := func(key string, pairs ...any) {
		for line := range strings.SplitSeq(lang.T(key, pairs...), "\n") {
			b.WriteString("# " + line + "\n")
		}
	}
	finding := func(indent, name, key string) {
		b.WriteString(indent + name + ":  # " + lang.T(key) + "\n" + indent + "  holds: false\n" + indent + "  why: \"\"\n")
	}
	var items []string
	for _, name := range p.Items {
		it, _ := c.Item(name)
		items = append(items, it.Label.In(l))
	}
	comment("impact.template.about", "Purpose", p.Label.In(l), "Service", c.Name.In(l), "Why", p.Why.In(l), "Manner", p.Manner.In(l),
		"Items", strings.Join(items, lang.T("impact.template.and")), "Period", p.Retention.In(l))
	b.WriteString("purpose: " + p.Name + "\ndescribed: \"" + c.Described(p.Name) + "\"\nmade_by: \"\"  # " + lang.T("impact.template.made_by") + "\n\n")
	finding("", "lawful", "impact.template.lawful")
	finding("", "legitimate", "impact.template.legitimate")
	finding("", "necessary", "impact.template.necessary")
	b.WriteString("effect: \"\"  # " + lang.T("impact.template.effect") + "\n\n")
	comment("impact.template.scale")
	b.WriteString("risks:\n")
	for _, d := range append([]Demand{""}, Demands(c, p)...) {
		b.WriteString("  - risk: \"\"\n")
		if d != "" {
			b.WriteString("    of: " + string(d) + "\n")
		}
		b.WriteString("    likelihood: 0\n    severity: 0\n    treatment: \"\"\n    left: {likelihood: 0, severity: 0}\n")
	}
	b.WriteString("\nmeasures:\n")
	finding("  ", "lawful", "impact.template.measures_lawful")
	finding("  ", "effective", "impact.template.measures_effective")
	finding("  ", "fit", "impact.template.measures_fit")
	if demands := Demands(c, p); len(demands) > 0 {
		b.WriteString("\n")
		comment("impact.template.beyond")
		b.WriteString("beyond:\n")
		for _, d := range demands {
			b.WriteString("  - of: " + string(d) + "\n    why: \"\"\n    checked: \"\"\n")
		}
	}
	return b.String()
}
