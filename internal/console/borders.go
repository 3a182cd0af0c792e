package console

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/border"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/party"
	"wardkeep/internal/staff"
)

// bordersPage is what borders.html shows: what leaves the country, by what, and how many
// children had something leave it (edge case 20).
type bordersPage struct {
	pager
	Years     []border.Year // this one first, also if nobody was counted in it
	Threshold int64         // from which a security assessment is needed
	Left      int64         // children of this year below it
	Services  []bordersOf
	By        narrowing
}

// The bordersOf a service: what its charter in force has leave the country. There are few.
type bordersOf struct {
	Service string
	Rows    []borderRow
}

// A borderRow is one way on which a purpose leaves the country.
type borderRow struct {
	Purpose   string // label
	Party     party.ID
	Label     string
	Country   string // in words
	Told      charter.Mechanism
	Reference string     // in the charter
	Filed     party.Term // the mechanism on file, of whatever kind
	Holds     bool       // it is the one that the charter names, in its period, and whose it is stands there and isn't suspended
	Days      int64      // that are left of it, begun ones counted
	To        string
}

// bordersIn reads what of a service leaves the country.
func (v *visit) bordersIn(ctx context.Context, tx *db.Tx, service string) (rows []borderRow, err error) {
	c, _, err := v.s.wordsInForce(ctx, tx, service)
	if err != nil {
		return nil, err
	}
	var all []party.Standing
	if err := tx.Together(ctx, party.ReadAll(&all, service)); err != nil {
		return nil, err
	}
	stands := make(map[party.ID]party.Standing, len(all))
	for _, s := range all {
		stands[s.ID] = s
	}
	lang := charter.Lang(v.lang)
	for _, p := range c.Purposes {
		add := func(of party.ID, label charter.Words) {
			country := party.CountryOf(c, of)
			if country == "" || country == charter.Home || p.CrossBorder == nil {
				return
			}
			is := stands[of]
			row := borderRow{Purpose: v.label(p.Label, p.Name), Party: of, Label: v.label(label, of.Name), Country: charter.CountryIn(country, lang),
				Told: p.CrossBorder.Mechanism, Reference: p.CrossBorder.Reference, Filed: is.Mechanism, To: partyPath(of)}
			row.Holds = is.Mechanism.Kind == party.Kind(row.Told) && is.Mechanism.Holds(tx.Now()) && is.Country == country && is.Halted == "" && len(is.Subs) == 0
			if left := is.Mechanism.Until.Sub(tx.Now()); is.Mechanism.Exists() && left > 0 {
				row.Days = int64((left + 24*time.Hour - 1) / (24 * time.Hour))
			}
			rows = append(rows, row)
		}
		add(party.StorageOf(service), c.Storage.Place)
		for _, country := range p.AccessFrom {
			add(party.AccessFrom(service, string(country)), countryWords(string(country)))
		}
		for _, name := range p.Processors {
			q, _ := c.Processor(name)
			add(party.ID{Service: service, Role: party.Processor, Name: name}, q.Label)
		}
		for _, name := range p.Recipients {
			r, _ := c.Recipient(name)
			add(party.ID{Service: service, Role: party.Recipient, Name: name}, r.Label)
		}
	}
	return rows, nil
}

// borders shows what leaves the country (edge case 20).
func (s *Server) borders(v *visit) error {
	page := bordersPage{Threshold: border.AssessFrom}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		var err error
		if page.Years, err = border.Years(ctx, tx); err != nil {
			return err
		}
		now, err := border.ThisYear(ctx, tx)
		if err != nil {
			return err
		}
		if len(page.Years) == 0 || page.Years[0].Year < now.Year {
			page.Years = append([]border.Year{now}, page.Years...)
		}
		page.Left = max(border.AssessFrom-1-now.Persons, 0)
		var all []catalog.Service
		if page.By, all, page.pager, err = v.ofServices(ctx, tx, listBorders, staff.SeeParties); err != nil {
			return err
		}
		page.Services = nil
		for _, service := range all {
			rows, err := v.bordersIn(ctx, tx, service.Name)
			if err != nil {
				return err
			}
			page.Services = append(page.Services, bordersOf{service.Name, rows})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "borders", page)
}

func (s *Server) bordersFile(v *visit) error {
	filter, err := v.filterSent(serviceField)
	if err != nil {
		return err
	}
	at := 0 // which service
	return v.sendFile(listBorders, v.header("service", "purpose", "role", "party", "country", "mechanism", "reference", "filed", "mechanism_until", "days_left", "holds", "year", "persons"),
		func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
			services, err := v.where(ctx, tx, staff.SeeParties, filter)
			if err != nil || at >= len(services) {
				return nil, err
			}
			year, err := border.ThisYear(ctx, tx)
			if err != nil {
				return nil, err
			}
			rows, err := v.bordersIn(ctx, tx, services[at])
			for _, r := range rows {
				each(r.Party.Service, r.Purpose, string(r.Party.Role), r.Party.Name, r.Country, string(r.Told), r.Reference, string(r.Filed.Kind), inFile(r.Filed.Until),
					strconv.FormatInt(r.Days, 10), v.lang.T("console.borders.holds."+strconv.FormatBool(r.Holds)), strconv.FormatInt(year.Year, 10), strconv.FormatInt(year.Persons, 10))
			}
			return func() { at++ }, err
		})
}
