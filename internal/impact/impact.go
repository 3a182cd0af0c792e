// Package impact says what an assessment of a purpose is, which ones are demanded, and what
// comes of one (PIPL 55 and 56, Network Data Regulations 12).
//
// Its one invariant: the outcome is computed from what the form says, by the rule in
// Outcome, and nobody writes it: a risk that is left high can't pass. The package is pure.
// Signed assessments are kept by package catalog, which publishes nothing without one.
package impact

import (
	"io/fs"
	"slices"
	"time"

	"wardkeep/internal/charter"
)

// For how long an assessment is good. The law wants the report kept for three years at
// least (PIPL 56), and a new one when something changes; that it is done again every year
// is ours.
const (
	Years = 1 // unless the officer says otherwise
	Most  = 3
)

// Until returns when an assessment ends that was signed at a moment.
func Until(signed time.Time) time.Time { return signed.AddDate(Years, 0, 0) }

// A Demand is a reason why a purpose is assessed more closely than others.
type Demand string

// The demands (PIPL 55). Every purpose needs an assessment: all information of a child
// under 14 is sensitive (PIPL 28).
const (
	Entrust  Demand = "entrust"
	Transfer Demand = "transfer"
	Disclose Demand = "disclose"
	Abroad   Demand = "abroad"
)

// said are the demands in words: a page offers them so, and a file as above.
var said = map[Demand]struct{ zh, en string }{Entrust: {"委托处理", "entrusting"}, Transfer: {"转移", "transferring"}, Disclose: {"披露", "disclosing"}, Abroad: {"出境", "going abroad"}}

// Demands returns what the charter has a purpose do that demands more, in the order above.
func Demands(c *charter.Charter, p charter.Purpose) (all []Demand) {
	for _, d := range []struct {
		demand Demand
		there  bool
	}{{Entrust, p.Does(charter.Entrust)}, {Transfer, p.Does(charter.Transfer)}, {Disclose, p.Does(charter.Disclose)}, {Abroad, c.Abroad(p)}} {
		if d.there {
			all = append(all, d.demand)
		}
	}
	return all
}

// A Form is an assessment of one purpose, as a file has it. Its tags are as those of a
// charter.
type Form struct {
	Purpose    string   `json:"purpose" form:"slug" doc:"章程里这个目的的短名|short name of the purpose in the charter"`
	Described  string   `json:"described" form:"hash" doc:"章程对这个目的的描述的哈希，照抄模板|hash of what the charter says of the purpose, as the template has it"`
	MadeBy     string   `json:"made_by" doc:"谁做的评估|who has made it"`
	Lawful     Finding  `json:"lawful" doc:"目的和方式是否合法|whether purpose and manner are lawful"`
	Legitimate Finding  `json:"legitimate" doc:"是否正当|whether they are legitimate"`
	Necessary  Finding  `json:"necessary" doc:"是否必要|whether they are necessary"`
	Effect     string   `json:"effect" doc:"对孩子权益的影响|effect on the child's rights and interests"`
	Risks      []Risk   `json:"risks" doc:"风险，至少一项|the risks, one at least"`
	Measures   Measures `json:"measures" doc:"保护措施|the measures that protect"`
	Beyond     []Beyond `json:"beyond,omitempty" doc:"委托处理、转移、披露、出境各写一段|of entrusting, transferring, disclosing and going abroad one each"`
}

// A Finding says whether something holds, and why.
type Finding struct {
	Holds bool   `json:"holds,omitempty" doc:"true 或 false|true or false"`
	Why   string `json:"why" doc:"为什么|why"`
}

// Measures say whether the measures are lawful, effective and fit the risk (PIPL 56).
type Measures struct {
	Lawful    Finding `json:"lawful" doc:"是否合法|lawful"`
	Effective Finding `json:"effective" doc:"是否有效|effective"`
	Fit       Finding `json:"fit" doc:"是否与风险程度相适应|fitting the risk"`
}

// A Risk is something that may happen to a child because of the purpose: how likely it is
// and how bad it would be, from 1 to 4, before anything is done against it and after.
type Risk struct {
	Risk       string `json:"risk" doc:"可能发生什么|what may happen"`
	Of         string `json:"of,omitempty" doc:"来自 entrust、transfer、disclose 或 abroad 时写明|what it comes of: entrust, transfer, disclose or abroad"`
	Likelihood int    `json:"likelihood" doc:"可能性，1 到 4|how likely, 1 to 4"`
	Severity   int    `json:"severity" doc:"影响，1 到 4|how bad, 1 to 4"`
	Treatment  string `json:"treatment,omitempty" doc:"怎样处理|what is done against it"`
	Left       Left   `json:"left" doc:"处理之后还剩多少|what is left then"`
}

// What is Left of a risk.
type Left struct {
	Likelihood int `json:"likelihood" doc:"可能性，1 到 4|how likely, 1 to 4"`
	Severity   int `json:"severity" doc:"影响，1 到 4|how bad, 1 to 4"`
}

// Beyond is what is said of a demand: why it has to be, and what was looked at.
type Beyond struct {
	Of      string `json:"of" doc:"entrust、transfer、disclose 或 abroad|entrust, transfer, disclose or abroad"`
	Why     string `json:"why" doc:"为什么非这样不可|why it has to be"`
	Checked string `json:"checked" doc:"核对了对方的什么|what was checked of the other side"`
}

// A Level is how grave a risk is.
type Level int

// The levels. The grade is likelihood times severity, 1 to 16.
const (
	Low    Level = iota // up to 3
	Medium              // 4 to 8
	High                // from 9 on
)

// scale is how far likelihood and severity go.
const scale = 4

func levelOf(likelihood, severity int) Level {
	switch grade := likelihood * severity; {
	case grade >= 9:
		return High
	case grade >= 4:
		return Medium
	}
	return Low
}

// Level is how grave the risk is before anything is done against it.
func (r Risk) Level() Level { return levelOf(r.Likelihood, r.Severity) }

// LeftLevel is how grave it is afterwards.
func (r Risk) LeftLevel() Level { return levelOf(r.Left.Likelihood, r.Left.Severity) }

// An Outcome is what comes of an assessment.
type Outcome string

// The outcomes.
const (
	Passed    Outcome = "passed"
	NotPassed Outcome = "not_passed"
)

// Outcome computes what comes of the assessment: it has passed if all that is to be found
// holds, and no risk is left high.
func (f Form) Outcome() Outcome {
	if len(f.Against()) > 0 {
		return NotPassed
	}
	return Passed
}

// Against returns what speaks against the purpose: paths in the form.
func (f Form) Against() (paths []string) {
	for _, one := range []struct {
		path    string
		finding Finding
	}{{"lawful", f.Lawful}, {"legitimate", f.Legitimate}, {"necessary", f.Necessary},
		{"measures/lawful", f.Measures.Lawful}, {"measures/effective", f.Measures.Effective}, {"measures/fit", f.Measures.Fit}} {
		if !one.finding.Holds {
			paths = append(paths, one.path)
		}
	}
	for i, r := range f.Risks {
		if r.LeftLevel() == High {
			paths = append(paths, riskPath(i))
		}
	}
	return paths
}

// Read reads an assessment of a purpose of the charter from a file. The error is
// charter.Problems.
func Read(fsys fs.FS, name string, c *charter.Charter) (f Form, err error) {
	return f, charter.ReadForm(fsys, name, &f, func(say charter.Say) { f.rules(c, say) })
}

// Check reports what is wrong with an assessment of a purpose of the charter, however it
// was made. The error is charter.Problems.
func (f Form) Check(c *charter.Charter) error {
	return charter.CheckForm(f.Purpose, &f, func(say charter.Say) { f.rules(c, say) })
}

// rules are what ties the parts of a form together, and to the charter.
func (f Form) rules(c *charter.Charter, say charter.Say) {
	p, ok := c.Purpose(f.Purpose)
	if !ok {
		say("purpose", "章程里没有目的 “%s”", "the charter has no purpose %q", f.Purpose)
		return
	}
	if d := c.Described(p.Name); f.Described != d {
		say("described", "评估所写的不是这一版章程：请对照章程重新评估，再改成 %s", "this was written about another version of the charter: assess it again, then write %s", d)
	}
	demands := Demands(c, p)
	for i, r := range f.Risks {
		r.rules(riskPath(i), demands, say)
	}
	f.beyond(demands, say)
}

func (r Risk) rules(path string, demands []Demand, say charter.Say) {
	for _, n := range []struct {
		path string
		n    int
	}{{"/likelihood", r.Likelihood}, {"/severity", r.Severity}, {"/left/likelihood", r.Left.Likelihood}, {"/left/severity", r.Left.Severity}} {
		if n.n < 1 || n.n > scale {
			say(path+n.path, "请写 1 到 %d", "write 1 to %d", scale)
		}
	}
	less := r.Left.Likelihood < r.Likelihood || r.Left.Severity < r.Severity
	switch {
	case r.Left.Likelihood > r.Likelihood || r.Left.Severity > r.Severity:
		say(path+"/left", "处理之后不会比之前更大", "what is left can't be more than what there was")
	case less && r.Treatment == "":
		say(path+"/treatment", "风险不会自己变小，请写明怎样处理", "a risk doesn't grow smaller by itself: say what is done against it")
	case r.Level() == High && r.Treatment == "",
		// What leaves the operator's hands is treated from medium on.
		r.Level() == Medium && len(demands) > 0 && r.Treatment == "":
		say(path+"/treatment", "这样大的风险必须处理，请写明怎样处理", "a risk as great as this has to be treated: say how")
	}
	if r.Of != "" && !slices.Contains(demands, Demand(r.Of)) {
		say(path+"/of", "章程里这个目的没有 “%s”，请删掉", "the charter has no %q for this purpose; delete it", r.Of)
	}
}

// beyond wants of each demand a section of its own and a risk that comes of it, and none of
// what there isn't.
func (f Form) beyond(demands []Demand, say charter.Say) {
	for _, d := range demands {
		if !slices.ContainsFunc(f.Beyond, func(b Beyond) bool { return b.Of == string(d) }) {
			say("beyond", "这个目的有"+said[d].zh+"，请为它单独写一段（of: %s）", "this purpose has "+said[d].en+": write a section of it (of: %s)", string(d))
		}
		if !slices.ContainsFunc(f.Risks, func(r Risk) bool { return r.Of == string(d) }) {
			say("risks", "这个目的有"+said[d].zh+"，至少写一项来自它的风险（of: %s）", "this purpose has "+said[d].en+": write at least one risk that comes of it (of: %s)", string(d))
		}
	}
	seen := make(map[string]bool)
	for i, b := range f.Beyond {
		if !slices.Contains(demands, Demand(b.Of)) || seen[b.Of] {
			say(beyondPath(i), "章程里这个目的没有 “%s”，或者已经写过一段，请删掉", "the charter has no %q for this purpose, or there is a section already; delete it", b.Of)
		}
		seen[b.Of] = true
	}
}
