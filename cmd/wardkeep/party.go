package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family/age"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
)

type partyCmd struct {
	List     partyListCmd     `cmd:"" help:"${party_list}"`
	Show     partyShowCmd     `cmd:"" help:"${party_show}"`
	Template partyTemplateCmd `cmd:"" help:"${party_template}"`
	Register partyRegisterCmd `cmd:"" help:"${party_register}"`
	Assess   partyAssessCmd   `cmd:"" help:"${party_assess}"`
	Agree    partyAgreeCmd    `cmd:"" help:"${party_agree}"`
	File     partyFileCmd     `cmd:"" help:"${party_file}"`
	Check    partyCheckCmd    `cmd:"" help:"${party_check}"`
	Suspend  partySuspendCmd  `cmd:"" help:"${party_suspend}"`
	Resume   partyResumeCmd   `cmd:"" help:"${party_resume}"`
	Declare  partyDeclareCmd  `cmd:"" help:"${party_declare}"`
	End      partyEndCmd      `cmd:"" help:"${party_end}"`
	Key      partyKeyCmd      `cmd:"" help:"${party_key}"`
}

// A whichParty names a processor, a recipient or the storage, and who in office does something.
type whichParty struct {
	asStaff `embed:""`
	Role    string `required:"" enum:"processor,recipient,storage,access" help:"${party_role}"`
	Name    string `arg:"" help:"${party_name}"`
}

func (c whichParty) id() party.ID {
	return party.ID{Service: c.Service, Role: party.Role(c.Role), Name: c.Name}
}

// do changes the party as who is in office, and prints how it stands then.
func (c whichParty) do(ctx context.Context, s *session, change func(tx *db.Tx, by catalog.Officer) (party.Party, error)) error {
	return s.on(ctx, func(a *app.App) error {
		var p party.Party
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			p, err = change(tx, by)
			return err
		})
		if err == nil {
			s.party(p, a.Store.Now())
		}
		return err
	})
}

// party prints a line about a party.
func (s *session) party(p party.Party, now time.Time) {
	s.say("cmd.party.line", "Name", p.Name, "Role", s.lang.T("cmd.party.role."+string(p.Role)), "State", s.lang.T("cmd.party.state."+string(p.State(now))),
		"LegalName", p.LegalName, "Assessed", s.until(p.Assessment), "Agreed", s.until(p.Agreement))
	for _, c := range p.Clocks(now) {
		switch {
		case !now.Before(c.At):
			s.say("cmd.party.late", "What", s.lang.T("console.due.about."+string(c.What)), "At", second(c.At))
		case c.What == party.Checked, !now.Before(c.At.Add(-party.Soon)):
			s.say("cmd.party.soon", "What", s.lang.T("console.due.about."+string(c.What)), "At", second(c.At))
		}
	}
}

// until prints until when a paper holds, to the second.
func (s *session) until(t party.Term) string {
	if !t.Exists() {
		return s.lang.T("cmd.party.none")
	}
	return second(t.Until)
}

// second prints a moment at which something ends that is exact.
func second(t time.Time) string { return t.In(age.Zone).Format(time.DateTime) }

// maxForm bounds the file of a form.
const maxForm = 1 << 20

// form reads a form from a file.
func form(name string, into any) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxForm))
	if err != nil {
		return err
	}
	return party.Decode(text, into)
}

type partyListCmd struct {
	asStaff `embed:""`
}

// Run prints the register.
func (c partyListCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		return a.Store.View(ctx, func(tx *db.Tx) error {
			if err := c.inOffice(ctx, tx); err != nil {
				return err
			}
			all, err := party.List(ctx, tx, c.Service)
			if err == nil && len(all) == 0 {
				s.note("cmd.nothing")
			}
			for _, p := range all {
				s.party(p, tx.Now())
				late, err := order.CountOfParty(ctx, tx, c.Service, p.Name)
				if err != nil {
					return err
				}
				if late > 0 {
					s.say("cmd.party.orders", "N", late)
				}
			}
			return err
		})
	})
}

type partyShowCmd struct {
	whichParty `embed:""`
}

// Run prints a party with everything that it stands on, and all papers that it ever had.
func (c partyShowCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		return a.Store.View(ctx, func(tx *db.Tx) error {
			if err := c.inOffice(ctx, tx); err != nil {
				return err
			}
			p, err := party.Find(ctx, tx, c.id())
			if err != nil {
				return err
			}
			s.party(p, tx.Now())
			s.say("cmd.party.who", "Registration", p.Registration, "Contact", p.Contact, "Address", p.Address, "Country", p.Standing.Country, "Task", p.Task)
			if p.Halted != "" {
				s.say("cmd.party.halted", "Reason", s.lang.T("cmd.party.reason."+string(p.Halted)))
			}
			if len(p.Subs) > 0 {
				s.say("cmd.party.subs", "Names", strings.Join(p.Subs, ", "))
			}
			if !p.EndsAt.IsZero() {
				s.say("cmd.party.ends", "At", second(p.EndsAt))
			}
			s.say("cmd.party.holds", "Scope", p.Keeps().String())
			if p.Narrowing(tx.Now()) {
				s.say("cmd.party.owes", "Scope", p.Excess.String(), "Since", second(p.NarrowedAt))
			}
			papers, err := party.Papers(ctx, tx, c.id())
			for _, one := range papers {
				s.say("cmd.party.paper", "ID", one.ID, "Kind", s.lang.T("cmd.party.kind."+string(one.Kind)), "From", second(one.From), "Until", second(one.Until),
					"By", one.SignedBy, "Scope", one.Scope.String(), "Failed", one.Kind == party.Assessed && !one.Passed)
				s.print("  " + one.Text)
			}
			return err
		})
	})
}

type partyTemplateCmd struct {
	Form string `arg:"" enum:"identity,assessment,agreement,check,mechanism" help:"${party_form_name}"`
}

// Run prints a form to be filled in.
func (c partyTemplateCmd) Run(s *session) error {
	fmt.Fprint(s.out, party.Template(party.Forms[c.Form]))
	return nil
}

// A partyForm changes a party by a form.
type partyForm struct {
	whichParty `embed:""`
	Form       string `required:"" placeholder:"FILE" help:"${party_form}"`
}

type partyRegisterCmd struct {
	partyForm `embed:""`
}

// Run puts a party on the register, or writes down anew who it is.
func (c partyRegisterCmd) Run(ctx context.Context, s *session) error {
	var is party.Identity
	if err := form(c.Form, &is); err != nil {
		return err
	}
	return c.do(ctx, s, func(tx *db.Tx, by catalog.Officer) (party.Party, error) {
		p, _, err := party.Register(ctx, tx, by, c.id(), is)
		return p, err
	})
}

type partyAssessCmd struct {
	partyForm `embed:""`
}

// Run signs an assessment, and says why it isn't passed, if it isn't.
func (c partyAssessCmd) Run(ctx context.Context, s *session) error {
	var f party.Form
	if err := form(c.Form, &f); err != nil {
		return err
	}
	err := c.do(ctx, s, func(tx *db.Tx, by catalog.Officer) (party.Party, error) {
		p, _, err := party.Assess(ctx, tx, by, c.id(), f)
		return p, err
	})
	if failings := f.Failings(); err == nil && len(failings) > 0 {
		s.note("cmd.party.failed", "Score", f.Score(), "Of", party.PassingScore, "Where", strings.Join(failings, ", "))
		return exit(exitFailed)
	}
	return err
}

type partyAgreeCmd struct {
	partyForm    `embed:""`
	DocumentFile string `placeholder:"FILE" help:"${party_document}"`
}

// Run signs an agreement. The hash of the document is that of the form, or of the file.
func (c partyAgreeCmd) Run(ctx context.Context, s *session) error {
	var d party.Deed
	err := form(c.Form, &d)
	if err == nil && c.DocumentFile != "" {
		d.Document, err = hashOf(c.DocumentFile)
	}
	if err != nil {
		return err
	}
	return c.do(ctx, s, func(tx *db.Tx, by catalog.Officer) (party.Party, error) {
		p, _, err := party.Agree(ctx, tx, by, c.id(), d)
		return p, err
	})
}

type partyFileCmd struct {
	partyForm    `embed:""`
	DocumentFile string `placeholder:"FILE" help:"${party_document}"`
}

// Run puts on file by which mechanism something may go abroad.
func (c partyFileCmd) Run(ctx context.Context, s *session) error {
	var m party.Mechanism
	err := form(c.Form, &m)
	if err == nil && c.DocumentFile != "" {
		m.Document, err = hashOf(c.DocumentFile)
	}
	if err != nil {
		return err
	}
	return c.do(ctx, s, func(tx *db.Tx, by catalog.Officer) (party.Party, error) {
		p, _, err := party.File(ctx, tx, by, c.id(), m)
		return p, err
	})
}

type partyCheckCmd struct {
	partyForm    `embed:""`
	DocumentFile string `placeholder:"FILE" help:"${party_document}"`
}

// Run records a check of a processor. The hash of the record is that of the form, or of the file.
func (c partyCheckCmd) Run(ctx context.Context, s *session) error {
	var i party.Inspection
	err := form(c.Form, &i)
	if err == nil && c.DocumentFile != "" {
		i.Document, err = hashOf(c.DocumentFile)
	}
	if err != nil {
		return err
	}
	return c.do(ctx, s, func(tx *db.Tx, by catalog.Officer) (party.Party, error) {
		p, _, err := party.Check(ctx, tx, by, c.id(), i)
		return p, err
	})
}

type partySuspendCmd struct {
	whichParty `embed:""`
	Reason     string `required:"" enum:"sub_processor,incident,instructions,authority,supervision,other" help:"${party_reason}"`
}

// Run suspends a party.
func (c partySuspendCmd) Run(ctx context.Context, s *session) error {
	return c.do(ctx, s, func(tx *db.Tx, by catalog.Officer) (party.Party, error) {
		p, _, err := party.Suspend(ctx, tx, by, c.id(), party.Reason(c.Reason))
		return p, err
	})
}

type partyResumeCmd struct {
	whichParty `embed:""`
}

// Run lets a party on again.
func (c partyResumeCmd) Run(ctx context.Context, s *session) error {
	return c.do(ctx, s, func(tx *db.Tx, by catalog.Officer) (party.Party, error) {
		p, _, err := party.Resume(ctx, tx, by, c.id())
		return p, err
	})
}

type partyDeclareCmd struct {
	whichParty `embed:""`
	Sub        []string `sep:"none" xor:"which" required:"" help:"${party_sub}"`
	None       bool     `xor:"which" required:"" help:"${party_none}"`
}

// Run writes down which sub-processors a processor has, or that it has none: which is said, too,
// for a command that was typed too short would clear what was declared.
func (c partyDeclareCmd) Run(ctx context.Context, s *session) error {
	return c.do(ctx, s, func(tx *db.Tx, by catalog.Officer) (party.Party, error) {
		p, _, err := party.Declare(ctx, tx, by, c.id(), c.Sub)
		return p, err
	})
}

type partyEndCmd struct {
	whichParty `embed:""`
	At         string `placeholder:"2026-12-31T18:00:00+08:00" help:"${party_at}"`
}

// Run ends what a party stands on, now or at a moment.
func (c partyEndCmd) Run(ctx context.Context, s *session) error {
	var at time.Time
	if c.At != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, c.At); err != nil {
			return party.ErrPeriod.At("at")
		}
	}
	return c.do(ctx, s, func(tx *db.Tx, by catalog.Officer) (party.Party, error) {
		p, _, err := party.End(ctx, tx, by, c.id(), at)
		return p, err
	})
}
