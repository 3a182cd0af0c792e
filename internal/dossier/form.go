package dossier

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/board"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family/age"
	"wardkeep/internal/yearly"
)

// What can be wrong with what the office fills in.
var (
	ErrForm         = errs.New(errs.Invalid, "dossier.form_invalid") // something is missing, too long, or no text
	ErrRegistration = errs.New(errs.Invalid, "dossier.registration_invalid")
	ErrTotal        = errs.New(errs.Invalid, "dossier.total_invalid")
	ErrFew          = errs.New(errs.Conflict, "dossier.total_contradicted") // fewer than the minors who are counted
	ErrAuditor      = errs.New(errs.Invalid, "dossier.auditor_invalid")     // an institution has a name, and nobody else has
	ErrDay          = errs.New(errs.Invalid, "dossier.day_invalid")
	ErrReport       = errs.New(errs.Invalid, "dossier.report_invalid")           // no SHA-256
	ErrConclusion   = errs.New(errs.Conflict, "dossier.conclusion_contradicted") // an article is broken, or a replay found differences
)

// An Auditor is who has made the audit.
type Auditor string

// Who may (regulation 37).
const (
	Itself      Auditor = "itself"
	Institution Auditor = "institution"
)

// A Conclusion is what the audit has found.
type Conclusion string

// The conclusions.
const (
	Conforms Conclusion = "conforms"
	Partly   Conclusion = "partly"
	Fails    Conclusion = "fails"
)

// Auditors and Conclusions list them.
var (
	Auditors    = []Auditor{Itself, Institution}
	Conclusions = []Conclusion{Conforms, Partly, Fails}
)

// A Form is what the authority's form asks for and nothing here counts: the office fills it in. What is
// known beforehand is filled in by Prefilled. The authority takes it online, in a system of its own, with
// a letter of commitment and the report of the audit where there is one; its form asks for the number
// of natural persons in tens of thousands, of whom those under 18 and those under 14 separately.
type Form struct {
	Operator     string     `json:"operator" doc:"个人信息处理者的登记名称|registered name of the operator"`
	Registration string     `json:"registration" doc:"统一社会信用代码|unified social credit code"`
	City         string     `json:"city" doc:"所在地（设区的市）|where it is: the city with districts"`
	Officer      string     `json:"officer" doc:"负责人姓名和职务|person in charge, and their office"`
	Reach        string     `json:"reach" doc:"负责人联系方式|how to reach the person in charge"`
	Contact      string     `json:"contact" doc:"填报联系人和电话|who fills this in, and their telephone"`
	Affiliates   string     `json:"affiliates,omitempty" doc:"合并报送的关联企业；没有就不填|affiliated companies with which it is filed jointly; leave it empty where there are none"`
	Products     string     `json:"products" doc:"审计覆盖的网站、App、小程序、系统|the websites, apps, mini-programs and systems that the audit covers"`
	Total        string     `json:"total" doc:"处理个人信息的自然人总数（去重，含成年人，单位：万人）|natural persons whose information is handled, each once, grown-ups included, in tens of thousands"`
	Auditor      Auditor    `json:"auditor" doc:"由谁审计|who has audited"`
	Firm         string     `json:"firm,omitempty" doc:"专业机构名称|name of the institution"`
	Audited      string     `json:"audited" doc:"审计完成日期|the day on which the audit was finished"`
	Report       string     `json:"report_hash,omitempty" doc:"审计报告的 SHA-256；没有单独的报告就不填|SHA-256 of the report; leave it empty where there is none"`
	Conclusion   Conclusion `json:"conclusion" doc:"审计结论|what the audit concludes"`
	Findings     string     `json:"findings" doc:"发现的问题|what was found"`
	Remedies     string     `json:"remedies" doc:"整改情况|what was put right, and what will be by when"`
	Notes        string     `json:"notes,omitempty" doc:"其他需要说明的事项|anything else"`
}

const (
	maxLine = 300 // characters, as are the words
	maxText = 4_000
)

// check says what is wrong with what was filled in. What is left empty is a gap, and no reason not to
// draw up a version.
func (f Form) check(year int64, now time.Time) error {
	for _, one := range []struct {
		name, text string
		most       int
		lines      bool
	}{{"operator", f.Operator, maxLine, false}, {"city", f.City, maxLine, false}, {"officer", f.Officer, maxLine, false}, {"reach", f.Reach, maxLine, false},
		{"contact", f.Contact, maxLine, false}, {"affiliates", f.Affiliates, maxText, true}, {"products", f.Products, maxText, true}, {"firm", f.Firm, maxLine, false},
		{"findings", f.Findings, maxText, true}, {"remedies", f.Remedies, maxText, true}, {"notes", f.Notes, maxText, true}} {
		if !isText(one.text, one.most, one.lines) {
			return ErrForm.At(one.name)
		}
	}
	from, _ := span(year)
	audited, err := time.ParseInLocation(time.DateOnly, f.Audited, age.Zone)
	switch {
	case f.Registration != "" && !IsRegistration(f.Registration):
		return ErrRegistration.At("registration")
	case f.Total != "" && !isTotal(f.Total):
		return ErrTotal.At("total")
	case f.Auditor != "" && !slices.Contains(Auditors, f.Auditor):
		return ErrAuditor.At("auditor")
	case f.Firm != "" && f.Auditor != Institution:
		return ErrAuditor.At("firm")
	case f.Audited != "" && (err != nil || audited.Before(from) || audited.After(now)):
		return ErrDay.At("audited")
	case f.Report != "" && !isHash(f.Report):
		return ErrReport.At("report_hash")
	case f.Conclusion != "" && !slices.Contains(Conclusions, f.Conclusion):
		return ErrForm.At("conclusion")
	}
	return nil
}

// isText reports whether a field can be printed as it is: empty, or of so many characters at most.
func isText(s string, most int, lines bool) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= most && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && !(lines && (r == '\n' || r == '\t'))
	})
}

// isTotal reports whether a text is a number of tens of thousands: "12", "0.8".
func isTotal(s string) bool {
	whole, part, dotted := strings.Cut(s, ".")
	digits := func(s string, most int) bool {
		return s != "" && len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	}
	return digits(whole, 6) && (!dotted || digits(part, 4))
}

// mostOf is of how many persons a total may be at most: whoever rounds may have rounded down.
func mostOf(total string) int64 {
	whole, part, _ := strings.Cut(total, ".")
	unit := int64(10_000)
	for range part {
		unit /= 10
	}
	n, _ := strconv.ParseInt(whole+part, 10, 64) // isTotal has seen it
	return (n+1)*unit - 1
}

func isHash(s string) bool {
	return len(s) == 64 && !strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') })
}

// IsRegistration reports whether a text is a unified social credit code: 18 characters, of which
// the last is computed from the others (GB 32100-2015).
func IsRegistration(s string) bool {
	const symbols = "0123456789ABCDEFGHJKLMNPQRTUWXY" // 31, without those that look like others
	if len(s) != 18 {
		return false
	}
	sum, weight := 0, 1
	for i := range 17 {
		n := strings.IndexByte(symbols, s[i])
		if n < 0 {
			return false
		}
		sum, weight = sum+n*weight, weight*3%31
	}
	return symbols[(31-sum%31)%31] == s[17]
}

// blanks are the fields that are left empty and shouldn't be.
func (f Form) blanks() (all []Gap) {
	for _, one := range []struct{ name, text string }{{"operator", f.Operator}, {"registration", f.Registration}, {"city", f.City}, {"officer", f.Officer}, {"reach", f.Reach},
		{"contact", f.Contact}, {"products", f.Products}, {"total", f.Total}, {"auditor", string(f.Auditor)}, {"audited", f.Audited}, {"conclusion", string(f.Conclusion)},
		{"findings", f.Findings}, {"remedies", f.Remedies}} {
		if strings.TrimSpace(one.text) == "" {
			all = append(all, Gap{Code: GapBlank, About: one.name})
		}
	}
	if f.Auditor == Institution && f.Firm == "" {
		all = append(all, Gap{Code: GapBlank, About: "firm"})
	}
	return all
}

// Prefilled returns the form of a year with what is known by now: as the last version has it, or,
// where there is none, as the charter, the office and what is computed say, in a language.
func Prefilled(ctx context.Context, tx *db.Tx, d board.Desk, s catalog.Service, year int64, lang i18n.Lang) (f Form, err error) {
	packs, err := yearly.Packs(ctx, tx, s.Name, year)
	if err != nil {
		return f, err
	}
	if n := len(packs); n > 0 {
		_, doc, _, err := Read(ctx, tx, d, s.Name, year, packs[n-1].Number)
		if err == nil || !errors.Is(err, yearly.ErrSealed) { // of one that was changed by hand nothing is taken over
			return doc.Form, err
		}
	}
	if s.Charter > 0 {
		p, err := d.Charters.Version(ctx, tx, s.Name, s.Charter)
		if err != nil {
			return f, err
		}
		c := p.Charter
		f.Operator, f.City, f.Products = c.Operator.Name.In(charter.Lang(lang)), c.Operator.Address.In(charter.Lang(lang)), c.Name.In(charter.Lang(lang))
		if IsRegistration(c.Operator.Registration) {
			f.Registration = c.Operator.Registration
		}
	}
	if o, err := catalog.Holder(ctx, tx, s.Name, catalog.RoleOfficer); err == nil {
		f.Officer, f.Reach = o.Name+lang.T("dossier.in_charge"), o.Contact
	} else if !errors.Is(err, catalog.ErrOfficerNotFound) {
		return f, err
	}
	doc, err := compute(ctx, tx, d, s, year)
	if err != nil {
		return f, err
	}
	f.Findings, f.Remedies = cut(strings.Join(inWords(lang, doc.Gaps), "\n")), lang.T("dossier.remedies", "Done", doc.figure(25, "rectified"), "Open", doc.figure(25, "rectifications_open")+doc.figure(25, "summonses_open"))
	return f, nil
}

// cut keeps a text within what a field takes.
func cut(s string) string {
	if r := []rune(s); len(r) > maxText {
		return string(r[:maxText-1]) + "…"
	}
	return s
}

func (doc Document) figure(article int, name string) (n int64) {
	for _, f := range doc.Answers[article-1].Figures {
		if f.Name == name {
			n += f.N
		}
	}
	return n
}

// TenThousands is a number of persons as the form asks for it.
func TenThousands(n int64) string {
	return strconv.FormatFloat(float64((n+50)/100)/100, 'f', -1, 64)
}
