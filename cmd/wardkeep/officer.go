package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
)

type officerCmd struct {
	Appoint officerAppointCmd `cmd:"" help:"${officer_appoint}"`
	End     officerEndCmd     `cmd:"" help:"${officer_end}"`
	List    officerListCmd    `cmd:"" help:"${officer_list}"`
	Record  officerRecordCmd  `cmd:"" help:"${officer_record}"`
}

type officerAppointCmd struct {
	Service string `required:"" short:"s" help:"${of_service}"`
	Role    string `required:"" enum:"officer,deputy" help:"${officer_role}"`
	Name    string `required:"" help:"${officer_name}"`
	Contact string `required:"" help:"${officer_contact}"`

	Document string `placeholder:"FILE" help:"${officer_document}"`
}

// Run puts a person in charge of a service, in place of whoever was. It prints
// the person's id, and nothing else, on standard output.
func (c officerAppointCmd) Run(ctx context.Context, s *session) error {
	var document []byte
	if c.Document != "" {
		var err error
		if document, err = readDocument(c.Document); err != nil {
			return err
		}
	}
	return s.on(ctx, func(a *app.App) error {
		var o catalog.Officer
		err := a.Store.Update(ctx, func(tx *db.Tx) (err error) {
			if c.Document == "" {
				o, _, err = catalog.Appoint(ctx, tx, operator, c.Service, catalog.Role(c.Role), c.Name, c.Contact)
				return err
			}
			o, _, err = catalog.AppointWith(ctx, tx, a.Ring, operator, c.Service, catalog.Role(c.Role), c.Name, c.Contact, document)
			return err
		})
		if err != nil {
			return err
		}
		if c.Document == "" {
			s.note("cmd.officer.unproved")
		}
		s.note("cmd.officer.appointed", "Role", s.lang.T("cmd.role."+c.Role), "Service", c.Service)
		s.print(o.ID)
		return nil
	})
}

type officerEndCmd struct {
	Service string `required:"" short:"s" help:"${of_service}"`
	ID      string `arg:"" help:"${officer_id}"`
}

// Run takes a person out of office. The gate of the service is closed until
// somebody is appointed.
func (c officerEndCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		var o catalog.Officer
		err := a.Store.Update(ctx, func(tx *db.Tx) (err error) {
			o, _, err = catalog.EndOffice(ctx, tx, operator, c.Service, c.ID)
			return err
		})
		if err == nil {
			s.say("cmd.officer.ended", "Role", s.lang.T("cmd.role."+string(o.Role)), "Service", c.Service)
		}
		return err
	})
}

type officerListCmd struct {
	Service string `required:"" short:"s" help:"${of_service}"`
}

// Run prints every term of office. Names and contacts are public (Article 8).
func (c officerListCmd) Run(ctx context.Context, s *session) error {
	var all []catalog.Officer
	err := s.view(ctx, func(tx *db.Tx) (err error) {
		if _, err = catalog.Find(ctx, tx, c.Service); err != nil {
			return err
		}
		all, err = catalog.Offices(ctx, tx, c.Service)
		return err
	})
	for _, o := range all {
		until := s.lang.T("cmd.officer.inoffice")
		if !o.EndedAt.IsZero() {
			until = o.EndedAt.Format(time.DateOnly)
		}
		s.say("cmd.officer.line", "ID", o.ID, "Role", s.lang.T("cmd.role."+string(o.Role)), "Name", o.Name, "Contact", o.Contact,
			"From", o.AppointedAt.Format(time.DateOnly), "Until", until)
	}
	return err
}

type officerRecordCmd struct {
	Service  string `required:"" short:"s" help:"${of_service}"`
	ID       string `arg:"" optional:"" help:"${officer_record_id}"`
	Kind     string `required:"" enum:"appointment,training,plan,drill" help:"${officer_record_kind}"`
	Day      string `required:"" placeholder:"2026-05-06" help:"${officer_record_day}"`
	Title    string `required:"" help:"${officer_record_title}"`
	Document string `placeholder:"FILE" help:"${officer_record_document}"`
}

// Run keeps a document of an appointment, a training, the emergency plan or a drill of it. It prints the id of the record,
// and nothing else, on standard output.
func (c officerRecordCmd) Run(ctx context.Context, s *session) error {
	var document []byte
	if c.Document != "" {
		var err error
		if document, err = readDocument(c.Document); err != nil {
			return err
		}
	}
	return s.on(ctx, func(a *app.App) error {
		var r catalog.Record
		err := a.Store.Update(ctx, func(tx *db.Tx) (err error) {
			r, _, err = catalog.Keep(ctx, tx, a.Ring, operator, c.Service,
				catalog.Record{Officer: c.ID, Kind: catalog.RecordKind(c.Kind), Day: c.Day, Title: c.Title}, document)
			return err
		})
		if err == nil {
			s.print(r.ID)
		}
		return err
	})
}

// readDocument reads a document, and one byte too many of one that is too large.
func readDocument(path string) (document []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", catalog.ErrRecordDocument, path)
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, catalog.MaxDocument+1))
}
