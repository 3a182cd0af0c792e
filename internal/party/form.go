package party

import (
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"wardkeep/internal/charter"
	"wardkeep/internal/family/age"
)

// The scale of an assessment. Each question is answered in words and scored by whoever
// assesses.
const (
	Unacceptable = 0 // or nobody knows: nothing may rest on it
	Weak         = 1 // there is something, with gaps that are named
	Adequate     = 2 // it does what the law and the agreement ask for
	Strong       = 3 // and somebody has seen that it does
)

// An Answer is what was found about one question.
type Answer struct {
	Answer string `json:"answer" doc:"查到了什么|what was found" example:""`
	Score  int    `json:"score" doc:"0 不可接受或不知道，1 薄弱，2 合格，3 良好并经查验|0 unacceptable or unknown, 1 weak, 2 adequate, 3 strong, and seen to be" example:"0"`
}

// A Level is how bad a risk is.
type Level string

// The levels.
const (
	Low    Level = "low"
	Medium Level = "medium"
	High   Level = "high"
)

var levels = []Level{Low, Medium, High}

// A Risk is one to the child, with what is done about it.
type Risk struct {
	Risk      string `json:"risk" doc:"对孩子有什么风险|the risk to the child" example:"录音在评分后没有删除"`
	Level     Level  `json:"level" doc:"不处置时的程度：low、medium、high|how bad it is untreated: low, medium, high" example:"high"`
	Treatment string `json:"treatment,omitempty" doc:"怎样处置；medium 和 high 必须写|what is done about it; medium and high need one" example:"评分后 24 小时自动删除，每月抽查"`
	Left      Level  `json:"left" doc:"处置之后的程度；仍为 high 的不能通过|how bad it is then; what is high still can't pass" example:"low"`
}

// A Form is a security assessment: of the party, and of what is entrusted or transferred to
// it (Articles 16 and 17; PIPL 55 and 56).
type Form struct {
	By            string `json:"by" doc:"谁评估：self 自行，institution 委托机构|who has assessed: self, or an institution" example:"self"`
	Institution   string `json:"institution,omitempty" doc:"机构的名称；by 为 institution 时必须写|name of the institution, if it was one" example:""`
	Report        string `json:"report,omitempty" doc:"机构报告的 SHA-256；by 为 institution 时必须写|SHA-256 of the institution's report, if it was one" example:""`
	Scope         Scope  `json:"scope" doc:"评估覆盖哪些目的、哪些信息，按章程里的短名|which purposes and items it covers, as the charter calls them" example:"speaking-practice: [voice, gender]"`
	Necessity     Answer `json:"necessity" doc:"为什么必须交给它，能不能不交|why it must be given anything, and whether less would do"`
	Range         Answer `json:"range" doc:"哪些孩子、哪些处理方式|which children, and what is done with it"`
	Amounts       Answer `json:"amounts" doc:"信息的种类和数量|kinds and amounts of the information"`
	Place         Answer `json:"place" doc:"在哪里处理，是否出境|where it is processed, and whether abroad"`
	Measures      Answer `json:"measures" doc:"安全措施：加密、权限、日志、漏洞处置|measures: encryption, access, logs, handling of weaknesses"`
	Staff         Answer `json:"staff" doc:"接触信息的人员：多少、是否保密、是否培训|staff who touch it: how many, bound to secrecy, trained"`
	Incidents     Answer `json:"incidents" doc:"三年内的安全事件和处罚|incidents and sanctions of the last three years"`
	SubProcessors Answer `json:"sub_processors" doc:"是否转委托；受托方不得转委托（第十六条第五项）|whether it entrusts others; a processor must not (Article 16(5))"`
	Deletion      Answer `json:"deletion" doc:"能否按指令删除、更正并给出证明|whether it can delete and correct when told, and prove it"`
	Risks         []Risk `json:"risks" doc:"风险和处置；没有就写 []|risks and their treatment; write [] where there is none"`
	SignedOn      string `json:"signed_on" doc:"负责人签署的日期|the day on which the officer signed it" example:"2026-05-20"`
	ValidUntil    string `json:"valid_until" doc:"有效期的最后一天，最长为签署后一年|last day on which it is valid, a year after it was signed at most" example:"2027-05-19"`
}

// A Question is one of an assessment, and the least score with which it can pass.
type Question struct {
	Name  string
	Least int
	Answer
}

// Questions returns the questions in their order. Nothing passes in which anything is
// unacceptable; and what Article 16 wants of a processor (secure, delete, no onward
// entrusting) must be adequate.
func (f Form) Questions() []Question {
	return []Question{
		{"necessity", Adequate, f.Necessity}, // Article 7: nothing that isn't necessary
		{"range", Weak, f.Range},
		{"amounts", Weak, f.Amounts},
		{"place", Weak, f.Place},
		{"measures", Adequate, f.Measures},
		{"staff", Weak, f.Staff},
		{"incidents", Weak, f.Incidents},
		{"sub_processors", Adequate, f.SubProcessors},
		{"deletion", Adequate, f.Deletion},
	}
}

// PassingScore is the least sum with which an assessment passes: two thirds of what there
// is to get, so that it can't pass by doing the least in everything.
const PassingScore = 18

// Score returns the sum of the scores.
func (f Form) Score() (sum int) {
	for _, q := range f.Questions() {
		sum += q.Score
	}
	return sum
}

// Failings returns what stands against passing, as the fields of the form; nothing if it
// passes. The rule is this and no more: each question has its least score, the sum is
// PassingScore at least, a risk that is medium or high has a treatment, and none is high
// once it is treated. It is pure.
func (f Form) Failings() (all []string) {
	for _, q := range f.Questions() {
		if q.Score < q.Least {
			all = append(all, q.Name)
		}
	}
	if f.Score() < PassingScore {
		all = append(all, "score")
	}
	for i, r := range f.Risks {
		if r.Left == High || r.Level != Low && r.Treatment == "" {
			all = append(all, "risks."+strconv.Itoa(i))
		}
	}
	return all
}

// Passes reports whether the party may be given what the assessment covers.
func (f Form) Passes() bool { return len(f.Failings()) == 0 }

const maxText = 4000 // characters of one answer

// check says what is missing in the form: one that fails is whole, too.
func (f Form) check(now time.Time) (until time.Time, err error) {
	switch {
	case f.By != "self" && f.By != "institution":
		return until, ErrForm.At("by")
	case f.By == "institution" && !isLine(f.Institution, 200), f.By == "self" && f.Institution != "":
		return until, ErrForm.At("institution")
	case f.By == "institution" && !isHash(f.Report), f.By == "self" && f.Report != "":
		return until, ErrForm.At("report")
	}
	for _, q := range f.Questions() {
		if !isText(q.Answer.Answer, maxText) || q.Score < Unacceptable || q.Score > Strong {
			return until, ErrForm.At(q.Name)
		}
	}
	if len(f.Risks) > 100 {
		return until, ErrForm.At("risks")
	}
	for i, r := range f.Risks {
		if !isText(r.Risk, maxText) || !slices.Contains(levels, r.Level) || !slices.Contains(levels, r.Left) || r.Treatment != "" && !isText(r.Treatment, maxText) {
			return until, ErrForm.At("risks." + strconv.Itoa(i))
		}
	}
	signed, err := day(f.SignedOn)
	if err != nil || signed.After(now) {
		return until, ErrForm.At("signed_on")
	}
	last, err := day(f.ValidUntil)
	until = last.AddDate(0, 0, 1).UTC()
	if err != nil || !until.After(now) || last.After(signed.AddDate(1, 0, 0)) {
		return until, ErrForm.At("valid_until")
	}
	return until, nil
}

// Duties are those of a processor, which its agreement must name: the six of Article 16.
type Duties struct {
	Instructions    string `json:"instructions" doc:"依法并按运营者的要求处理（第一项）|process by law and as told (1)" example:""`
	Assistance      string `json:"assistance" doc:"协助回应监护人的申请（第二项）|help to answer guardians (2)" example:""`
	Security        string `json:"security" doc:"保障安全，发生泄露及时告知（第三项）|keep it secure, and report a leak timely (3)" example:""`
	Deletion        string `json:"deletion" doc:"委托关系解除时及时删除（第四项）|delete timely when the agreement ends (4)" example:""`
	NoSubProcessors string `json:"no_sub_processors" doc:"不得转委托（第五项）|no onward entrusting (5)" example:""`
	Others          string `json:"others" doc:"法律规定的其他义务（第六项）；没有就写“无”|others by law (6); write none where there is none" example:"无"`
}

// A Signature is one side's, by whom it is bound.
type Signature struct {
	By string `json:"by" doc:"签署人的职务或姓名；只保存在本系统里，账本里没有|office or name of who signed; kept here, and not in the ledger" example:""`
	On string `json:"on" doc:"签署的日期|the day" example:"2026-05-25"`
}

// A Deed is an agreement with a processor (Article 16).
type Deed struct {
	Matters         string    `json:"matters" doc:"委托处理的事项|the matters" example:""`
	Nature          string    `json:"nature" doc:"处理的性质和方式|nature and manner of the processing" example:""`
	Scope           Scope     `json:"scope" doc:"目的和信息，按章程里的短名；不得超出评估的范围|purposes and items, as the charter calls them; not beyond what was assessed" example:"speaking-practice: [voice, gender]"`
	OperatorDuties  string    `json:"operator_duties" doc:"运营者的责任|duties of the operator" example:""`
	Duties          Duties    `json:"duties" doc:"受托方的责任（第十六条的六项）|duties of the processor (the six of Article 16)"`
	Measures        string    `json:"measures" doc:"安全措施|security measures" example:""`
	Supervision     string    `json:"supervision" doc:"运营者怎样监督|how the operator supervises" example:""`
	SupervisedEvery int       `json:"supervised_every" doc:"隔几个月检查一次，1 到 12|how many months lie between two checks, 1 to 12" example:"6"`
	Document        string    `json:"document" doc:"协议文件的 SHA-256|SHA-256 of the document" example:""`
	Operator        Signature `json:"signed_by_operator" doc:"运营者的签署|signed by the operator"`
	Processor       Signature `json:"signed_by_processor" doc:"受托方的签署|signed by the processor"`
	From            string    `json:"from" doc:"从什么时候起，精确到秒|from when, to the second" example:"2026-06-01T00:00:00+08:00"`
	Until           string    `json:"until" doc:"到什么时候止，精确到秒；到这一秒即终止|until when, to the second; at that second it is over" example:"2027-06-01T00:00:00+08:00"`
}

// longest is how long an agreement or a mechanism may run: whoever goes on after that looks
// at it again.
const longest = 5 * 366 * 24 * time.Hour

// check says what is missing in the deed.
func (d Deed) check(now time.Time) (from, until time.Time, err error) {
	for _, f := range []struct{ name, text string }{
		{"matters", d.Matters}, {"nature", d.Nature}, {"operator_duties", d.OperatorDuties},
		{"duties.instructions", d.Duties.Instructions}, {"duties.assistance", d.Duties.Assistance}, {"duties.security", d.Duties.Security},
		{"duties.deletion", d.Duties.Deletion}, {"duties.no_sub_processors", d.Duties.NoSubProcessors}, {"duties.others", d.Duties.Others},
		{"measures", d.Measures}, {"supervision", d.Supervision},
	} {
		if !isText(f.text, maxText) {
			return from, until, ErrForm.At(f.name)
		}
	}
	switch {
	case d.SupervisedEvery < 1 || d.SupervisedEvery > 12:
		return from, until, ErrForm.At("supervised_every")
	case !isHash(d.Document):
		return from, until, ErrForm.At("document")
	case !isLine(d.Operator.By, 100) || !isPast(d.Operator.On, now):
		return from, until, ErrForm.At("signed_by_operator")
	case !isLine(d.Processor.By, 100) || !isPast(d.Processor.On, now):
		return from, until, ErrForm.At("signed_by_processor")
	}
	return period(d.From, d.Until, now)
}

// A Mechanism is by which something may go to a party abroad (edge case 20).
type Mechanism struct {
	Mechanism charter.Mechanism `json:"mechanism" doc:"security_assessment 安全评估，standard_contract 标准合同，certification 认证|security_assessment, standard_contract, certification" example:"standard_contract"`
	Reference string            `json:"reference" doc:"文号或备案号|number of the decision or filing" example:""`
	Document  string            `json:"document" doc:"文件的 SHA-256|SHA-256 of the document" example:""`
	From      string            `json:"from" doc:"从什么时候起，精确到秒|from when, to the second" example:"2026-06-01T00:00:00+08:00"`
	Until     string            `json:"until" doc:"到什么时候止，精确到秒|until when, to the second" example:"2028-06-01T00:00:00+08:00"`
}

func (m Mechanism) check(now time.Time) (from, until time.Time, err error) {
	switch {
	case !slices.Contains(Mechanisms, Kind(m.Mechanism)):
		return from, until, ErrForm.At("mechanism")
	case !isLine(m.Reference, 100):
		return from, until, ErrForm.At("reference")
	case !isHash(m.Document):
		return from, until, ErrForm.At("document")
	}
	return period(m.From, m.Until, now)
}

// period reads from when until when a paper holds: to the second, over in time, and not for
// longer than anybody would look at again.
func period(first, last string, now time.Time) (from, until time.Time, err error) {
	if from, err = time.Parse(time.RFC3339, first); err != nil || from.Nanosecond() != 0 {
		return from, until, ErrPeriod.At("from")
	}
	until, err = time.Parse(time.RFC3339, last)
	if err != nil || until.Nanosecond() != 0 || !until.After(from) || !until.After(now) || until.Sub(from) > longest {
		return from, until, ErrPeriod.At("until")
	}
	return from.UTC(), until.UTC(), nil
}

func day(s string) (time.Time, error) { return time.ParseInLocation(time.DateOnly, s, age.Zone) }

// isPast reports whether s is a day that has begun.
func isPast(s string, now time.Time) bool {
	d, err := day(s)
	return err == nil && !d.After(now)
}

func isHash(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32
}
