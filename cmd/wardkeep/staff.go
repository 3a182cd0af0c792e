package main

import (
	"context"
	"math"
	"strings"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/console"
	"wardkeep/internal/notify"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
	"wardkeep/internal/webhook"
)

type staffCmd struct {
	Invite staffInviteCmd `cmd:"" help:"${staff_invite}"`
	Give   staffGiveCmd   `cmd:"" help:"${staff_give}"`
	Take   staffTakeCmd   `cmd:"" help:"${staff_take}"`
	List   staffListCmd   `cmd:"" help:"${staff_list}"`
	Left   staffLeftCmd   `cmd:"" help:"${staff_left}"`
	Reset  staffResetCmd  `cmd:"" help:"${staff_reset}"`

	Locate  staffLocateCmd  `cmd:"" help:"${staff_locate}"`
	Confirm staffConfirmCmd `cmd:"" help:"${staff_confirm}"`
	Reach   staffReachCmd   `cmd:"" help:"${staff_reach}"`
}

// A roleFlags names a role, by itself or by the office that it comes with.
type roleFlags struct {
	Role    string `placeholder:"ROLE" help:"${staff_role}"`
	Service string `short:"s" help:"${staff_service}"`
	Office  string `placeholder:"st_…" help:"${staff_office}"`
}

func (c roleFlags) grant(ctx context.Context, tx *db.Tx) (staff.Grant, error) {
	if c.Office == "" {
		return staff.Grant{Role: staff.Role(c.Role), Service: c.Service}, nil
	}
	g, err := staff.OfOffice(ctx, tx, c.Service, c.Office)
	if err == nil && c.Role != "" && c.Role != string(g.Role) {
		err = staff.ErrOffice.At("role")
	}
	return g, err
}

type staffInviteCmd struct {
	Name    string `required:"" help:"${staff_name}"`
	Country string `default:"CN" help:"${staff_country}"`
	roleFlags
}

// Run makes an account with a first role. It prints the link by which the person sets up
// how to sign in, and nothing else, on standard output.
func (c staffInviteCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		var p staff.Person
		var link string
		var until time.Time
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			g, err := c.grant(ctx, tx)
			if err == nil {
				p, err = staff.Add(ctx, tx, operator, c.Name, g)
			}
			if err == nil && c.Country != p.Country {
				p, err = staff.Locate(ctx, tx, operator, p.ID, c.Country)
			}
			if err == nil {
				link, until, err = a.StaffDoor().Invite(ctx, tx, operator, p.ID)
			}
			return err
		})
		if err != nil {
			return err
		}
		s.note("cmd.staff.invited", "Name", p.Name, "ID", p.ID, "Until", minute(until))
		s.print(console.SetUpURL(a.Config.Console.URL, link))
		return nil
	})
}

// A whichPerson names a person.
type whichPerson struct {
	Person string `arg:"" placeholder:"st_…" help:"${staff_person}"`
}

// change does something about the person in one transaction, and says so.
func (c whichPerson) change(ctx context.Context, s *session, said string, fn func(tx *db.Tx) (staff.Person, error)) error {
	return s.on(ctx, func(a *app.App) error {
		var p staff.Person
		err := a.Store.Update(ctx, func(tx *db.Tx) (err error) {
			p, err = fn(tx)
			return err
		})
		if err == nil {
			s.say(said, "Name", p.Name)
		}
		return err
	})
}

type staffGiveCmd struct {
	whichPerson
	roleFlags
}

// Run gives a person another role.
func (c staffGiveCmd) Run(ctx context.Context, s *session) error {
	return c.change(ctx, s, "cmd.staff.given", func(tx *db.Tx) (staff.Person, error) {
		g, err := c.grant(ctx, tx)
		if err != nil {
			return staff.Person{}, err
		}
		return staff.Give(ctx, tx, operator, c.Person, g)
	})
}

type staffTakeCmd struct {
	whichPerson
	roleFlags
}

// Run takes a role from a person. The role of an office is named by the office, which may
// have ended.
func (c staffTakeCmd) Run(ctx context.Context, s *session) error {
	return c.change(ctx, s, "cmd.staff.taken", func(tx *db.Tx) (staff.Person, error) {
		g := staff.Grant{Role: staff.Role(c.Role), Service: c.Service, Office: c.Office}
		if c.Office != "" {
			o, err := catalog.FindOfficer(ctx, tx, c.Service, c.Office)
			if err != nil {
				return staff.Person{}, err
			}
			g.Role = staff.Role(o.Role)
		}
		return staff.Take(ctx, tx, operator, c.Person, g)
	})
}

type staffListCmd struct{}

// Run prints every person, those who have left too.
func (staffListCmd) Run(ctx context.Context, s *session) error {
	var all []staff.Person
	err := s.view(ctx, func(tx *db.Tx) (err error) {
		all, err = staff.List(ctx, tx)
		return err
	})
	if err == nil && len(all) == 0 {
		s.note("cmd.nothing")
	}
	for _, p := range all {
		s.say("cmd.staff.line", "ID", p.ID, "Name", p.Name, "Country", p.Country, "Roles", s.rolesOf(p))
	}
	return err
}

// rolesOf says what a person is, in one line.
func (s *session) rolesOf(p staff.Person) string {
	if p.State == staff.Left {
		return s.lang.T("cmd.staff.has_left", "Day", s.day(p.LeftAt))
	}
	var roles []string
	for _, g := range p.Grants {
		role := string(g.Role)
		if g.Service != "" {
			role += "@" + g.Service
		}
		roles = append(roles, role)
	}
	if len(roles) == 0 {
		return s.lang.T("cmd.staff.no_role")
	}
	return strings.Join(roles, ", ")
}

type staffLeftCmd struct {
	whichPerson
}

// Run ends a person's account. An office that it holds is said to be held still, and what it was
// shown to be good still.
func (c staffLeftCmd) Run(ctx context.Context, s *session) error {
	var held []string
	err := c.change(ctx, s, "cmd.staff.left", func(tx *db.Tx) (staff.Person, error) {
		held = nil
		was, err := staff.Find(ctx, tx, c.Person)
		if err != nil {
			return staff.Person{}, err
		}
		for _, g := range was.Grants {
			if g.Role.ByOffice() {
				held = append(held, g.Service)
			}
		}
		return signin.Leave(ctx, tx, operator, c.Person)
	})
	if err != nil {
		return err
	}
	for _, service := range held {
		s.note("cmd.staff.still_in_office", "Name", c.Person, "Service", service)
	}
	return c.stillKnows(ctx, s)
}

// stillKnows says what the person was shown and what is good still, to be replaced the same day
// (Article 15).
func (c staffLeftCmd) stillKnows(ctx context.Context, s *session) error {
	var apps []account.Known
	var hooks []webhook.Known
	err := s.view(ctx, func(tx *db.Tx) (err error) {
		if apps, err = account.KnownTo(ctx, tx, c.Person, math.MaxInt32); err != nil {
			return err
		}
		hooks, err = webhook.KnownTo(ctx, tx, c.Person, math.MaxInt32)
		return err
	})
	for _, a := range apps {
		s.note("cmd.staff.knows_key", "App", a.Name, "ID", a.ID, "Service", a.Service)
	}
	for _, h := range hooks {
		s.note("cmd.staff.knows_secret", "ID", h.Endpoint, "Service", h.Service)
	}
	return err
}

type staffResetCmd struct {
	whichPerson
}

// Run ends whatever a person signs in with. It prints the new link, and nothing else, on
// standard output.
func (c staffResetCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		var p staff.Person
		var link string
		var until time.Time
		err := a.Store.Update(ctx, func(tx *db.Tx) (err error) {
			if link, until, err = a.StaffDoor().Reset(ctx, tx, operator, c.Person); err == nil {
				p, err = staff.Find(ctx, tx, c.Person)
			}
			return err
		})
		if err != nil {
			return err
		}
		s.note("cmd.staff.reset", "Name", p.Name, "Until", minute(until))
		s.print(console.SetUpURL(a.Config.Console.URL, link))
		return nil
	})
}

type staffLocateCmd struct {
	whichPerson
	Country string `arg:"" placeholder:"CN" help:"${staff_country}"`
}

// Run writes down in which country or region a person sits.
func (c staffLocateCmd) Run(ctx context.Context, s *session) error {
	return c.change(ctx, s, "cmd.staff.located", func(tx *db.Tx) (staff.Person, error) {
		return staff.Locate(ctx, tx, operator, c.Person, c.Country)
	})
}

type staffConfirmCmd struct {
	whichPerson
}

// Run says that a person is somebody of their own, whoever has invited them.
func (c staffConfirmCmd) Run(ctx context.Context, s *session) error {
	return c.change(ctx, s, "cmd.staff.confirmed", func(tx *db.Tx) (staff.Person, error) {
		return staff.Confirm(ctx, tx, operator, c.Person)
	})
}

type staffReachCmd struct {
	whichPerson
	EmailFile string `placeholder:"FILE" xor:"where" required:"" help:"${staff_reach_file}"`
	Nowhere   bool   `xor:"where" required:"" help:"${staff_reach_nowhere}"`
}

// Run keeps where a person is told of alarms, in the language of the command, or that it
// is told nowhere.
func (c staffReachCmd) Run(ctx context.Context, s *session) error {
	if c.Nowhere {
		return s.on(ctx, func(a *app.App) error {
			var p staff.Person
			err := c.moved(ctx, s, a, pii.Text{}, func(tx *db.Tx) (err error) {
				p, err = staff.Unreach(ctx, tx, operator, c.Person)
				return err
			})
			if err == nil {
				s.say("cmd.staff.unreached", "Name", p.Name)
			}
			return err
		})
	}
	address, err := s.personal("", c.EmailFile)
	if err != nil {
		return err
	}
	return s.on(ctx, func(a *app.App) error {
		err := c.moved(ctx, s, a, address, func(tx *db.Tx) error {
			_, err := staff.Reach(ctx, tx, a.Ring, operator, c.Person, address, s.lang)
			return err
		})
		if err == nil {
			s.say("cmd.staff.reached", "ID", c.Person)
		}
		return err
	})
}

// moved changes where a person is told of alarms, and has a letter go to where they were told
// until now, if there is a way: that there is none keeps nobody from being reached.
func (c staffReachCmd) moved(ctx context.Context, s *session, a *app.App, to pii.Text, fn func(tx *db.Tx) error) error {
	if err := a.OpenSenders(); err != nil {
		s.note("cmd.staff.not_told")
	}
	var former []notify.Message
	err := a.Store.Update(ctx, func(tx *db.Tx) error {
		former = a.Farewell().Moved(ctx, tx, a.Config.Console.URL, c.Person, to)
		return fn(tx)
	})
	if err == nil {
		a.Farewell().Send(ctx, former)
		a.Farewell().Wait()
	}
	return err
}
