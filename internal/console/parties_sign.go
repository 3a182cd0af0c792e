package console

import (
	"context"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family/age"
	"wardkeep/internal/party"
	"wardkeep/internal/staff"
)

// signPage is what sign.html shows: a form that somebody in office fills in and signs.
type signPage struct {
	Title    string // which form it is, as console.sign calls it
	Of       string // what it is about
	Path     string
	Back     string
	Fields   []formField
	Fresh    bool
	Problem  string
	Problems []string // what is wrong in the form, in words
	Checked  bool     // it was looked at, and not signed
	Against  []string // what speaks against passing
	Score    string
	Computed bool // there is something to compute before it is signed
}

// formOf returns the form of a paper, empty.
func formOf(kind party.Kind) reflect.Value {
	switch kind {
	case party.Assessed:
		return reflect.ValueOf(&party.Form{})
	case party.Agreed:
		return reflect.ValueOf(&party.Deed{})
	case party.Checked:
		return reflect.ValueOf(&party.Inspection{})
	}
	return reflect.ValueOf(&party.Mechanism{})
}

// partyAsking says how the forms about a party are asked for; scope is what it can be given.
func (v *visit) partyAsking(c *charter.Charter, scope party.Scope) *asking {
	a := &asking{lang: v.lang, gives: scope, more: scope != nil}
	a.choose("by", "self", "institution")
	a.choose("score", "0", "1", "2", "3")
	a.choose("level", string(party.Low), string(party.Medium), string(party.High))
	a.choose("left", string(party.Low), string(party.Medium), string(party.High))
	a.choose("mechanism", string(party.CAC), string(party.Contract), string(party.Certified))
	a.choose("supervised_every", "1", "2", "3", "6", "12")
	a.choose("outcome", string(party.Met), string(party.Flaws), string(party.Breached))
	for kind, names := range map[fieldKind][]string{
		asText: {"institution", "reference", "legal_name", "registration", "contact", "address", "country", "task", "checked_by",
			"signed_by_operator.by", "signed_by_processor.by"}, // an assessment's own "by" is a choice
		asDay:    {"signed_on", "valid_until", "on"},
		asMoment: {"from", "until"},
		asFile:   {"document", "report"},
	} {
		for _, name := range names {
			a.kinds[name] = kind
		}
	}
	a.label = func(purpose, item string) string {
		p, _ := c.Purpose(purpose)
		it, _ := c.Item(item)
		return v.label(p.Label, purpose) + v.lang.T("web.colon") + v.label(it.Label, item)
	}
	return a
}

// A partyForm is one of the forms of a party: which it is, as its address has it, with what
// it says, and how it is signed.
type partyForm struct {
	form reflect.Value
	sign func(ctx context.Context, tx *db.Tx, by catalog.Officer, of party.ID) error
}

// partyForm returns the form of the address. Errors: ErrNoPage.
func (v *visit) partyForm() (partyForm, error) {
	switch v.r.PathValue("form") {
	case "identity":
		is := &party.Identity{}
		return partyForm{reflect.ValueOf(is), func(ctx context.Context, tx *db.Tx, by catalog.Officer, of party.ID) error {
			_, _, err := party.Register(ctx, tx, by, of, *is)
			return err
		}}, nil
	case "assessment":
		f := &party.Form{}
		return partyForm{reflect.ValueOf(f), func(ctx context.Context, tx *db.Tx, by catalog.Officer, of party.ID) error {
			_, _, err := party.Assess(ctx, tx, by, of, *f)
			return err
		}}, nil
	case "agreement":
		d := &party.Deed{}
		return partyForm{reflect.ValueOf(d), func(ctx context.Context, tx *db.Tx, by catalog.Officer, of party.ID) error {
			_, _, err := party.Agree(ctx, tx, by, of, *d)
			return err
		}}, nil
	case "check":
		i := &party.Inspection{}
		return partyForm{reflect.ValueOf(i), func(ctx context.Context, tx *db.Tx, by catalog.Officer, of party.ID) error {
			_, _, err := party.Check(ctx, tx, by, of, *i)
			return err
		}}, nil
	case "mechanism":
		m := &party.Mechanism{}
		return partyForm{reflect.ValueOf(m), func(ctx context.Context, tx *db.Tx, by catalog.Officer, of party.ID) error {
			_, _, err := party.File(ctx, tx, by, of, *m)
			return err
		}}, nil
	}
	return partyForm{}, ErrNoPage
}

func (s *Server) showPartyForm(v *visit) error {
	f, err := v.partyForm()
	if err != nil {
		return err
	}
	return v.partyFormPage(f, false, nil)
}

// signPartyForm signs one of the forms as who holds an office, or says what comes of it.
func (s *Server) signPartyForm(v *visit) error {
	f, err := v.partyForm()
	if err != nil {
		return err
	}
	if err := v.multipart(); err != nil {
		return err
	}
	if err := v.read(v.partyAsking(&charter.Charter{}, nil), f.form.Elem(), ""); err != nil {
		return err
	}
	if v.r.PostFormValue("do") == "check" {
		return v.partyFormPage(f, true, nil)
	}
	if err := v.signed(f.sign); err != nil {
		if errs.Of(err).Kind == errs.Forbidden {
			return err
		}
		return v.partyFormPage(f, true, err)
	}
	return v.to("/console/parties/{service}/{role}/{party}")
}

// partyFormPage shows a form as it was sent; before, with what the party was last.
func (v *visit) partyFormPage(f partyForm, sent bool, problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := signPage{Title: v.r.PathValue("form"), Problem: words, Fresh: v.in.IsFresh(v.now) == nil, Checked: sent && problem == nil}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		row, service, err := v.partyHere(ctx, tx, staff.SignParties)
		if err != nil {
			return err
		}
		if (page.Title == "agreement" || page.Title == "check") && row.Role != party.Processor {
			return ErrNoPage
		}
		if page.Title == "assessment" && row.Role.Place() {
			return ErrNoPage // it stands on its mechanism alone
		}
		c, err := v.s.inForce(ctx, tx, service.Name)
		if err != nil {
			return err
		}
		if !sent {
			if err := f.recall(ctx, tx, row, c, v.now); err != nil {
				return err
			}
		}
		page.Of, page.Back = row.Label, row.To
		page.Path = row.To + "/" + page.Title
		_, page.Computed = f.form.Interface().(*party.Form)
		asks := v.partyAsking(c, party.ScopeOf(c, row.Role, row.Name))
		if problem != nil {
			asks.bad = errs.Of(problem).Field
		}
		page.Fields = asks.fields(f.form.Elem(), "")
		// The form is long: which of its fields it is about stands before what is wrong.
		if label := calls(page.Fields, asks.bad); label != "" {
			page.Problem = label + v.lang.T("web.colon") + words
		}
		return nil
	})
	if err != nil {
		return err
	}
	if assessed, ok := f.form.Interface().(*party.Form); ok && page.Checked {
		page.Score = strconv.Itoa(assessed.Score())
		page.Against = v.against(page.Fields, assessed.Failings())
	}
	return v.show(status, "sign", page)
}

// calls returns how a form calls what is at a path: its group first. Empty: nothing is there.
func calls(fields []formField, path string) string {
	var labels []string
	for {
		i := slices.IndexFunc(fields, func(f formField) bool { return f.Name == path || strings.HasPrefix(path, f.Name+".") })
		if i < 0 {
			return strings.Join(labels, " ")
		}
		labels, fields = append(labels, fields[i].Label), fields[i].Fields
	}
}

// against returns what speaks against passing, as the form calls it.
func (v *visit) against(fields []formField, paths []string) (all []string) {
	for _, path := range paths {
		label := calls(fields, path)
		if label == "" {
			label = v.lang.T("console.sign.sum") // the only thing that is no field
		}
		all = append(all, label)
	}
	return all
}

// recall fills in what the party is, or what was signed last. Its days aren't carried over,
// nor what was judged then: who signs judges anew.
func (f partyForm) recall(ctx context.Context, tx *db.Tx, row partyRow, c *charter.Charter, now time.Time) error {
	today := now.In(age.Zone).Format(time.DateOnly)
	last := func(kinds ...party.Kind) error {
		papers, err := party.Papers(ctx, tx, row.ID)
		for _, p := range papers {
			for _, kind := range kinds {
				if p.Kind == kind {
					return party.Decode([]byte(p.Text), f.form.Interface())
				}
			}
		}
		return err
	}
	var err error
	switch form := f.form.Interface().(type) {
	case *party.Identity:
		*form = row.Identity
		form.Country = party.CountryOf(c, row.ID)
	case *party.Form:
		err = last(party.Assessed)
		unjudged(f.form.Elem())
		form.SignedOn, form.ValidUntil = today, ""
		if form.Scope == nil {
			form.Scope = party.ScopeOf(c, row.Role, row.Name)
		}
	case *party.Deed:
		err = last(party.Agreed)
		form.From, form.Until, form.Document, form.Operator.On, form.Processor.On = "", "", "", "", ""
		if form.Scope == nil {
			form.Scope = row.Assessment.Scope
		}
	case *party.Inspection:
		form.On = today
	case *party.Mechanism:
		err = last(party.Mechanisms...)
		form.From, form.Until, form.Document = "", "", ""
	}
	return err
}
