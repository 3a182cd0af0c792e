package console

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// partiesPage is what parties.html shows: who else gets children's information.
type partiesPage struct {
	pager
	Services []partiesOf
	By       narrowing
}

// partyFields are the fields of the filter, as they stand in an address.
var partyFields = []string{"service", "role"}

// The partiesOf a service: those that the charter in force names, and those that were ever
// registered. There are few.
type partiesOf struct {
	Service string
	Rows    []partyRow
}

// A partyRow is a party and how it stands.
type partyRow struct {
	party.Party
	Label   string      // in the charter in force; else its own name
	Is      party.State // empty: the charter names it, and it isn't registered
	Named   bool        // by the charter in force
	Overdue bool        // orders to it are: it gets nothing new (edge case 13)
	To      string
}

func partyPath(of party.ID) string {
	return "/console/parties/" + of.Service + "/" + string(of.Role) + "/" + of.Name
}

// ofRole returns the parties of a role, or all where none is asked for.
func ofRole(rows []partyRow, role string) []partyRow {
	return slices.DeleteFunc(rows, func(r partyRow) bool { return role != "" && string(r.Role) != role })
}

// partiesIn reads the parties of a service.
func (v *visit) partiesIn(ctx context.Context, tx *db.Tx, service catalog.Service) (rows []partyRow, err error) {
	c, _, err := v.s.wordsInForce(ctx, tx, service.Name)
	if err != nil {
		return nil, err
	}
	registered, err := party.List(ctx, tx, service.Name)
	if err != nil {
		return nil, err
	}
	add := func(of party.ID, label charter.Words) {
		row := partyRow{Party: party.Party{Standing: party.Standing{ID: of}}, Named: true}
		if i := slices.IndexFunc(registered, func(p party.Party) bool { return p.ID == of }); i >= 0 {
			row.Party = registered[i]
			registered = slices.Delete(registered, i, i+1)
		}
		row.Label = v.label(label, of.Name)
		rows = append(rows, row)
	}
	for _, p := range c.Processors {
		add(party.ID{Service: service.Name, Role: party.Processor, Name: p.Name}, p.Label)
	}
	for _, r := range c.Recipients {
		add(party.ID{Service: service.Name, Role: party.Recipient, Name: r.Name}, r.Label)
	}
	if storage := party.StorageOf(service.Name); party.CountryOf(c, storage) != "" {
		add(storage, c.Storage.Place)
	}
	for _, country := range c.ReadAbroad() {
		add(party.AccessFrom(service.Name, string(country)), countryWords(string(country)))
	}
	for _, p := range registered {
		rows = append(rows, partyRow{Party: p, Label: p.LegalName})
	}
	for i, r := range rows {
		rows[i].To, rows[i].Overdue = partyPath(r.ID), service.IsOverdue(r.Name)
		if r.LegalName != "" {
			rows[i].Is = r.State(tx.Now())
		}
	}
	return rows, nil
}

// countryWords are what people call a country or region.
func countryWords(code string) charter.Words {
	return charter.Words{ZH: charter.CountryIn(code, charter.Chinese), EN: charter.CountryIn(code, charter.English)}
}

// parties lists the processors and recipients (Articles 16 and 17), and what is stored or read abroad.
func (s *Server) parties(v *visit) error {
	var page partiesPage
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		by, all, pager, err := v.ofServices(ctx, tx, listParties, staff.SeeParties, pick{"role", "console.parties.role", "parties.role", texts(party.Processor, party.Recipient, party.Storage, party.Access)})
		if err != nil {
			return err
		}
		page = partiesPage{pager: pager, By: by}
		for _, service := range all {
			rows, err := v.partiesIn(ctx, tx, service)
			if err != nil {
				return err
			}
			if rows = ofRole(rows, by.Filter["role"]); len(rows) > 0 || by.Filter["role"] == "" {
				page.Services = append(page.Services, partiesOf{service.Name, rows})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "parties", page)
}

func (s *Server) partiesFile(v *visit) error {
	filter, err := v.filterSent(partyFields)
	if err != nil {
		return err
	}
	at := 0 // which service
	return v.sendFile(listParties, v.header("service", "role", "party", "legal_name", "registration", "country", "state", "assessed_until", "agreed_until", "mechanism_until", "ends", "overdue"),
		func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
			services, err := v.where(ctx, tx, staff.SeeParties, filter)
			if err != nil || at >= len(services) {
				return nil, err
			}
			service, err := catalog.Find(ctx, tx, services[at])
			if err != nil {
				return nil, err
			}
			rows, err := v.partiesIn(ctx, tx, service)
			for _, r := range ofRole(rows, filter.Get("role")) {
				overdue := ""
				if r.Overdue {
					overdue = v.lang.T("console.parties.overdue")
				}
				each(r.Service, string(r.Role), r.Name, r.LegalName, r.Registration, r.Standing.Country, string(r.Is), inFile(r.Assessment.Until), inFile(r.Agreement.Until), inFile(r.Mechanism.Until), inFile(r.EndsAt), overdue)
			}
			return func() { at++ }, err
		})
}

// partyPage is what party.html shows: one party, with all that it stands on.
type partyPage struct {
	partyRow
	By      string // who has registered it
	Papers  []paperRow
	Seats   []seatRow
	Link    *setUpLink // of a person of the party who was invited just now: shown here and never again; without an address, it was sent
	Writes  bool       // it can be sent
	Who     string     // was typed, and where the link shall go
	Mail    string
	Orders  ordersPart
	Stated  []statementRow
	Holds   []scopeRow // what it may hold of children
	Owes    []scopeRow // what of that it may have no longer
	May     bool       // whoever looks signs for the office
	Fresh   bool
	Reasons []party.Reason
	Chosen  string // the reason in the form that was sent
	Subs    string // what was sent, or what is declared, a line each
	At      string
	Problem string
	Field   string
}

// A scopeRow is which items a party has for a purpose, in the words of the charter in force, as
// far as it has any.
type scopeRow struct {
	Purpose string
	Items   []string
}

func (v *visit) scope(c *charter.Charter, s party.Scope) (rows []scopeRow) {
	for _, name := range slices.Sorted(maps.Keys(s)) {
		p, _ := c.Purpose(name)
		row := scopeRow{Purpose: v.label(p.Label, name)}
		for _, item := range s[name] {
			is, _ := c.Item(item)
			row.Items = append(row.Items, v.label(is.Label, item))
		}
		rows = append(rows, row)
	}
	return rows
}

// A paperRow is a paper of the party, as a form that one can read.
type paperRow struct {
	party.Paper
	Who      string // has signed it
	Stands   bool   // the party stands on it
	Score    int    // of an assessment
	Failings []string
	Fields   []formField
	Broken   bool // it is no form of its kind
}

func (s *Server) party(v *visit) error { return v.partyPage(nil, nil) }

// which is the party of the address.
func (v *visit) which(service string) party.ID {
	return party.ID{Service: service, Role: party.Role(v.r.PathValue("role")), Name: v.r.PathValue("party")}
}

// partyHere returns the party of the address, which is registered or which the charter names, in
// a service in which the person may do that.
func (v *visit) partyHere(ctx context.Context, tx *db.Tx, a staff.Action) (row partyRow, service catalog.Service, err error) {
	if service, err = v.of(ctx, tx, a); err != nil {
		return row, service, err
	}
	rows, err := v.partiesIn(ctx, tx, service)
	if err != nil {
		return row, service, err
	}
	i := slices.IndexFunc(rows, func(r partyRow) bool { return r.ID == v.which(service.Name) })
	if i < 0 {
		return row, service, party.ErrNotFound
	}
	return rows[i], service, nil
}

func (v *visit) partyPage(link *setUpLink, problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := partyPage{Problem: words, Link: link, Writes: v.s.Farewell.Writes(), Fresh: v.in.IsFresh(v.now) == nil, Reasons: party.Reasons}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		row, service, err := v.partyHere(ctx, tx, staff.SeeParties)
		if err != nil {
			return err
		}
		page.partyRow, page.May = row, approval.May(v.in.Person, staff.SignParties, service)
		page.Subs = strings.Join(row.Subs, "\n")
		if problem != nil {
			page.Field, page.Chosen, page.At, page.Who, page.Mail = errs.Of(problem).Field, v.value("reason"), v.value("at"), v.value("name"), v.value("mail")
			if _, sent := v.r.PostForm["subs"]; sent {
				page.Subs = v.value("subs")
			}
		}
		names := v.names(tx, service.Name)
		if page.By, err = names.of(ctx, row.RegisteredBy); err != nil {
			return err
		}
		if page.Seats, err = v.seats(ctx, tx, row.ID); err != nil {
			return err
		}
		if page.Orders, err = v.ordersPart(ctx, tx, row.ID); err != nil {
			return err
		}
		said, err := order.StatementsOf(ctx, tx, row.ID)
		if err != nil {
			return err
		}
		page.Stated = nil
		for _, st := range said {
			one, err := names.statement(ctx, st)
			if err != nil {
				return err
			}
			page.Stated = append(page.Stated, one)
		}
		papers, err := party.Papers(ctx, tx, row.ID)
		if err != nil {
			return err
		}
		c, _, err := v.s.wordsInForce(ctx, tx, service.Name)
		if err != nil {
			return err
		}
		page.Holds, page.Owes, page.Papers = v.scope(c, row.Keeps()), v.scope(c, row.Excess), nil
		for _, p := range papers {
			one := paperRow{Paper: p, Stands: p.ID == row.Assessment.ID || p.ID == row.Agreement.ID || p.ID == row.Mechanism.ID}
			if one.Who, err = names.of(ctx, p.SignedBy); err != nil {
				return err
			}
			one.read(v.partyAsking(c, nil))
			page.Papers = append(page.Papers, one)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(status, "party", page)
}

// read makes what a paper says of its form.
func (p *paperRow) read(a *asking) {
	form := formOf(p.Kind)
	if err := party.Decode([]byte(p.Text), form.Interface()); err != nil {
		p.Broken = true
		return
	}
	if f, ok := form.Interface().(*party.Form); ok {
		p.Score, p.Failings = f.Score(), f.Failings()
	}
	p.Fields = a.fields(form.Elem(), "")
}

// changedParty does something about the party of the address as who holds an office, and
// shows what became of it.
func (v *visit) changedParty(fn func(ctx context.Context, tx *db.Tx, by catalog.Officer, of party.ID) error) error {
	if err := v.signed(fn); err != nil {
		if errs.Of(err).Is(approval.ErrMayNot) {
			return err
		}
		return v.partyPage(nil, err)
	}
	return v.to("/console/parties/{service}/{role}/{party}")
}

func (v *visit) signed(fn func(ctx context.Context, tx *db.Tx, by catalog.Officer, of party.ID) error) error {
	return v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		by, err := approval.AsOfficer(ctx, tx, in.Person, v.r.PathValue("service"))
		if err != nil {
			return err
		}
		return fn(ctx, tx, by, v.which(by.Service))
	})
}

func (s *Server) suspendParty(v *visit) error {
	return v.changedParty(func(ctx context.Context, tx *db.Tx, by catalog.Officer, of party.ID) error {
		_, _, err := party.Suspend(ctx, tx, by, of, party.Reason(v.value("reason")))
		return err
	})
}

func (s *Server) resumeParty(v *visit) error {
	return v.changedParty(func(ctx context.Context, tx *db.Tx, by catalog.Officer, of party.ID) error {
		_, _, err := party.Resume(ctx, tx, by, of)
		return err
	})
}

// declareParty writes down the sub-processors that were told of or found: one of them
// suspends the processor at once (edge case 19).
func (s *Server) declareParty(v *visit) error {
	return v.changedParty(func(ctx context.Context, tx *db.Tx, by catalog.Officer, of party.ID) error {
		var subs []string
		for line := range strings.Lines(v.value("subs")) {
			if line = strings.TrimSpace(line); line != "" {
				subs = append(subs, line)
			}
		}
		_, _, err := party.Declare(ctx, tx, by, of, subs)
		return err
	})
}

// endParty ends what a party stands on, now or at a moment.
func (s *Server) endParty(v *visit) error {
	var at time.Time
	if text := v.value("at"); text != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, readMoment(text)); err != nil {
			return v.partyPage(nil, party.ErrPeriod.At("at"))
		}
	}
	return v.changedParty(func(ctx context.Context, tx *db.Tx, by catalog.Officer, of party.ID) error {
		_, _, err := party.End(ctx, tx, by, of, at)
		return err
	})
}
