package console

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family/age"
	"wardkeep/internal/impact"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// impactPage is what impact.html shows: how a purpose of a version of a charter is assessed
// (PIPL 55 and 56), and the form for who signs.
type impactPage struct {
	Service, Purpose, Label string
	Number                  int64
	Why, Manner             string
	Items                   []string
	Lack                    catalog.Lack // empty: an assessment counts
	Papers                  []impactRow
	Sign                    *signPage // nil: whoever looks doesn't sign, or not of this version
}

// An impactRow is an assessment that was signed, as a form that one can read.
type impactRow struct {
	catalog.Assessment
	Who    string
	Last   time.Time // day on which it counts
	Counts bool
	Fields []formField
	Broken bool // it isn't as it was signed
}

func impactPath(service, number, purpose string) string {
	return "/console/charters/" + service + "/" + number + "/impact/" + purpose
}

// impactAsking says how the form is asked for.
func (v *visit) impactAsking(demands []impact.Demand, more bool) *asking {
	a := &asking{lang: v.lang, more: more}
	a.choose("likelihood", "1", "2", "3", "4")
	a.choose("severity", "1", "2", "3", "4")
	a.kinds["purpose"], a.kinds["described"], a.kinds["made_by"] = asNone, asNone, asText
	if more && len(demands) == 0 {
		a.kinds["of"], a.kinds["beyond"] = asNone, asNone
		return a
	}
	var of []string
	for _, d := range demands {
		of = append(of, string(d))
	}
	a.choose("of", of...)
	return a
}

func (s *Server) impact(v *visit) error { return v.impactPage(nil, time.Time{}, nil) }

// signImpact signs an assessment as who holds an office, or says what comes of it.
func (s *Server) signImpact(v *visit) error {
	if err := v.multipart(); err != nil {
		return err
	}
	var c *charter.Charter
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		service, err := v.of(ctx, tx, staff.SignImpacts)
		if err == nil {
			_, c, err = catalog.Text(ctx, tx, service.Name, v.number())
		}
		return err
	})
	if err != nil {
		return err
	}
	p, ok := c.Purpose(v.r.PathValue("purpose"))
	if !ok {
		return ErrNoPage
	}
	f := impact.Form{Purpose: p.Name, Described: c.Described(p.Name)}
	if err := v.read(v.impactAsking(impact.Demands(c, p), true), reflect.ValueOf(&f).Elem(), ""); err != nil {
		return err
	}
	var until time.Time
	last, err := time.ParseInLocation(time.DateOnly, v.value("until"), age.Zone)
	if err == nil {
		until = last.AddDate(0, 0, 1).UTC()
	} else if v.value("until") != "" {
		return v.impactPage(&f, until, catalog.ErrImpactUntil.At("until"))
	}
	if v.r.PostFormValue("do") == "check" {
		return v.impactPage(&f, until, nil)
	}
	err = v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		by, err := approval.AsOfficer(ctx, tx, in.Person, v.r.PathValue("service"))
		if err != nil {
			return err
		}
		_, _, err = catalog.Assess(ctx, tx, s.Ring, by, by.Service, v.number(), f, until)
		return err
	})
	switch e := errs.Of(err); {
	case err == nil:
		return v.to("/console/charters/{service}/{version}/impact/{purpose}")
	case e.Kind == errs.Forbidden:
		return err
	}
	return v.impactPage(&f, until, err)
}

// impactPage shows a form as it was sent; before, with what was signed last.
func (v *visit) impactPage(sent *impact.Form, until time.Time, problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := impactPage{Purpose: v.r.PathValue("purpose"), Number: v.number()}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		service, err := v.of(ctx, tx, staff.SeeImpacts)
		if err != nil {
			return err
		}
		edition, c, err := catalog.Text(ctx, tx, service.Name, page.Number)
		if err != nil {
			return err
		}
		p, ok := c.Purpose(page.Purpose)
		if !ok {
			return ErrNoPage
		}
		page.Service, page.Label, page.Why, page.Manner = service.Name, v.label(p.Label, p.Name), v.label(p.Why, ""), v.label(p.Manner, "")
		page.Items = nil
		for _, name := range p.Items {
			it, _ := c.Item(name)
			page.Items = append(page.Items, v.label(it.Label, name))
		}
		demands := impact.Demands(c, p)
		form, err := page.read(ctx, tx, v, c)
		if err != nil {
			return err
		}
		current := edition.RefusedAt.IsZero() && page.Number >= service.Charter
		if !current || !approval.May(v.in.Person, staff.SignImpacts, service) {
			return nil
		}
		if unjudged(reflect.ValueOf(&form).Elem()); sent != nil {
			form = *sent
		}
		page.sign(v, demands, form, until)
		page.Sign.Problem, page.Sign.Checked = words, sent != nil && problem == nil
		page.Sign.judge(v, c, form, problem, sent != nil)
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(status, "impact", page)
}

// read reads what was signed of the purpose, and returns the newest that can be read.
func (p *impactPage) read(ctx context.Context, tx *db.Tx, v *visit, c *charter.Charter) (newest impact.Form, err error) {
	standings, err := catalog.Standings(ctx, tx, v.s.Ring, p.Service, p.Number, c)
	if err != nil {
		return newest, err
	}
	i := slices.IndexFunc(standings, func(s catalog.Standing) bool { return s.Purpose == p.Purpose })
	p.Lack, p.Papers = standings[i].Lack, nil
	all, err := catalog.Assessments(ctx, tx, p.Service)
	if err != nil {
		return newest, err
	}
	names := v.names(tx, p.Service)
	for _, a := range all {
		if a.Purpose != p.Purpose {
			continue
		}
		row := impactRow{Assessment: a, Last: a.Until.Add(-time.Second), Counts: p.Lack == "" && a.ID == standings[i].By.ID}
		if row.Who, err = names.of(ctx, a.SignedBy); err != nil {
			return newest, err
		}
		_, form, err := catalog.FindAssessment(ctx, tx, v.s.Ring, p.Service, a.ID)
		if row.Broken = errors.Is(err, catalog.ErrDamaged); err != nil && !row.Broken {
			return newest, err
		}
		if !row.Broken {
			asks := v.impactAsking([]impact.Demand{impact.Entrust, impact.Transfer, impact.Disclose, impact.Abroad}, false)
			row.Fields = asks.fields(reflect.ValueOf(form), "")
			if newest.Purpose == "" {
				newest = form
			}
		}
		p.Papers = append(p.Papers, row)
	}
	return newest, nil
}

// sign makes the form to be signed.
func (p *impactPage) sign(v *visit, demands []impact.Demand, form impact.Form, until time.Time) {
	number := v.r.PathValue("version")
	p.Sign = &signPage{Title: "impact", Of: p.Label, Path: impactPath(p.Service, number, p.Purpose), Fresh: v.in.IsFresh(v.now) == nil, Computed: true}
	p.Sign.Fields = v.impactAsking(demands, true).fields(reflect.ValueOf(form), "")
	last := formField{Name: "until", ID: "f-until", Label: v.lang.T("console.impact.last"), Kind: asDay}
	if !until.IsZero() {
		last.Value = until.Add(-time.Second).In(age.Zone).Format(time.DateOnly)
	}
	p.Sign.Fields = append(p.Sign.Fields, last)
}

// judge says what is wrong with a form, and what it comes to.
func (p *signPage) judge(v *visit, c *charter.Charter, form impact.Form, problem error, sent bool) {
	if !sent {
		return
	}
	form.Described = c.Described(form.Purpose)
	problems, _ := errors.AsType[charter.Problems](form.Check(c))
	for _, one := range problems {
		at := strings.ReplaceAll(one.Path, "/", ".")
		p.Problems = append(p.Problems, calls(p.Fields, at)+v.lang.T("web.colon")+one.In(charter.Lang(v.lang)))
		mark(p.Fields, at)
	}
	if e := errs.Of(problem); problem != nil && e.Field != "" {
		mark(p.Fields, e.Field)
	}
	paths := form.Against()
	for i, path := range paths {
		paths[i] = strings.ReplaceAll(path, "/", ".")
	}
	p.Against = v.against(p.Fields, paths)
}

// mark marks what was refused.
func mark(fields []formField, at string) {
	for i, f := range fields {
		fields[i].Bad = f.Bad || f.Name == at
		mark(f.Fields, at)
	}
}
