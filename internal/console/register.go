package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/party"
	"wardkeep/internal/register"
	"wardkeep/internal/staff"
)

// registersPage is what registers.html shows: the services whose register the person may
// see.
type registersPage struct {
	pager
	Services []chartered
	By       narrowing
}

// registers lists the services. What each does is one step away: it counts children.
func (s *Server) registers(v *visit) error {
	var page registersPage
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		by, all, pager, err := v.ofServices(ctx, tx, listRegister, staff.SeeCharters)
		if err != nil {
			return err
		}
		page = registersPage{pager: pager, By: by}
		for _, service := range all {
			c, damaged, err := s.wordsInForce(ctx, tx, service.Name)
			if err != nil {
				return err
			}
			page.Services = append(page.Services, chartered{Service: service, Label: v.label(c.Name, ""), Damaged: damaged})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "registers", page)
}

// registerPage is what register.html shows: all that a service does with children's
// information (Article 3).
type registerPage struct {
	register.Register
	Processors, Recipients []registerParty
	Storage                *registerStorage // nil: it is at home
	Borders                bool             // something leaves the country, and whoever looks may see by what
	Export                 exportPart
}

// A registerStorage is where items are kept abroad, and what that stands on: without a
// mechanism that holds nothing is put there (edge case 20).
type registerStorage struct {
	Place, Country string
	State          party.State // empty: it was never registered
	Mechanism      party.Term
}

// A registerParty is a party as the charter has it, and what it stands on beside: without
// that nothing goes to it (Articles 16 and 17).
type registerParty struct {
	register.Party
	State            party.State // empty: it was never registered
	Assessed, Agreed time.Time   // until when; zero: it isn't
}

func (s *Server) register(v *visit) error {
	var page registerPage
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		service, err := v.of(ctx, tx, staff.SeeCharters)
		if err != nil {
			return err
		}
		page.Register, err = s.registerOf(ctx, tx, v, service.Name)
		page.Export = v.exportPart(listRegister, map[string][]string{"service": {service.Name}})
		if err != nil {
			return err
		}
		standings, err := party.List(ctx, tx, service.Name)
		page.Processors = registered(page.Register.Processors, party.Processor, standings, tx.Now())
		page.Recipients = registered(page.Register.Recipients, party.Recipient, standings, tx.Now())
		if err == nil {
			page.Storage, err = v.storageOf(ctx, tx, service.Name, standings)
		}
		if err == nil && approval.May(v.in.Person, staff.SeeParties, service) {
			var c *charter.Charter
			c, _, err = s.wordsInForce(ctx, tx, service.Name)
			page.Borders = err == nil && slices.ContainsFunc(c.Purposes, c.Abroad)
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "register", page)
}

// storageOf returns the storage of a service, if the charter in force says that it is abroad.
func (v *visit) storageOf(ctx context.Context, tx *db.Tx, service string, standings []party.Party) (*registerStorage, error) {
	c, _, err := v.s.wordsInForce(ctx, tx, service)
	of := party.StorageOf(service)
	if err != nil || party.CountryOf(c, of) == "" {
		return nil, err
	}
	is := &registerStorage{Place: v.label(c.Storage.Place, ""), Country: c.Storage.Country}
	for _, s := range standings {
		if s.ID == of {
			is.State, is.Mechanism = s.State(tx.Now()), s.Mechanism
		}
	}
	return is, nil
}

// registered joins the parties of a charter with how they stand.
func registered(all []register.Party, role party.Role, standings []party.Party, now time.Time) (rows []registerParty) {
	for _, p := range all {
		row := registerParty{Party: p}
		for _, s := range standings {
			if s.Role == role && s.Name == p.Name {
				row.State, row.Assessed, row.Agreed = s.State(now), s.Assessment.Until, s.Agreement.Until
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// registerOf writes the register of a service and counts the children.
func (s *Server) registerOf(ctx context.Context, tx *db.Tx, v *visit, service string) (register.Register, error) {
	r, err := register.Read(ctx, tx, s.Vault.Gate.Charters, service, v.lang)
	if err == nil {
		err = s.Counter.Count(ctx, tx, &r)
	}
	return r, err
}

// registerFile sends the registers as one table: a row for each thing that is done.
func (s *Server) registerFile(v *visit) error {
	filter, err := v.filterSent(serviceField)
	if err != nil {
		return err
	}
	at := 0 // which service
	return v.sendFile(listRegister, v.header("service", "charter", "purpose", "necessary", "why", "activity", "channel", "to_whom", "contact", "where", "country", "items",
		"ground", "how_long", "at_expiry", "ended", "safeguards", "children", "counted_at"),
		func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
			services, err := v.where(ctx, tx, staff.SeeCharters, filter)
			if err != nil || at >= len(services) {
				return nil, err
			}
			next := func() { at++ }
			r, err := s.registerOf(ctx, tx, v, services[at])
			if errors.Is(err, catalog.ErrNoCharter) {
				return next, nil // it does nothing yet
			}
			if err != nil {
				return nil, err
			}
			and := v.lang.T("console.register.and")
			for _, p := range r.Purposes {
				ended := ""
				if p.Ended {
					ended = v.lang.T("console.register.ended")
				}
				for _, a := range p.Activities {
					each(r.Service, strconv.FormatInt(r.Charter, 10), p.Label, v.lang.T("console.register.necessary."+strconv.FormatBool(p.Necessary)), p.Why, a.Word, a.Channel,
						a.Party, a.Contact, a.Where, a.Country, strings.Join(a.Items, and), p.Basis, p.HowLong, p.AtExpiry, ended, strings.Join(r.Safeguards, and),
						strconv.FormatInt(p.Children, 10), inFile(r.CountedAt))
				}
			}
			return next, nil
		})
}
