package main

import (
	"context"
	"strings"
	"time"
	"unicode"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/rights"
)

type demandCmd struct {
	List   demandListCmd   `cmd:"" help:"${demand_list}"`
	Take   demandTakeCmd   `cmd:"" help:"${demand_take}"`
	Assign demandAssignCmd `cmd:"" help:"${demand_assign}"`
	Show   demandShowCmd   `cmd:"" help:"${demand_show}"`
	Help   demandHelpCmd   `cmd:"" help:"${demand_help}"`
	Extend demandExtendCmd `cmd:"" help:"${demand_extend}"`
	Refuse demandRefuseCmd `cmd:"" help:"${demand_refuse}"`
	Finish demandFinishCmd `cmd:"" help:"${demand_finish}"`
	Recall demandRecallCmd `cmd:"" help:"${demand_recall}"`
}

// inOffice is officer for what no verb refuses: to look.
func (c asStaff) inOffice(ctx context.Context, tx *db.Tx) error {
	by, err := c.officer(ctx, tx)
	if err == nil && !by.Governs(c.Service) {
		err = rights.ErrMayNot
	}
	return err
}

// atDesk runs fn with what takes demands and answers them.
func (s *session) atDesk(ctx context.Context, fn func(*app.App, rights.Desk) error) error {
	return s.on(ctx, func(a *app.App) error {
		if err := a.OpenCalendar(); err != nil {
			return err
		}
		return fn(a, rights.Desk{Ring: a.Ring, Charters: a.Charters, Calendar: a.Calendar, Clocks: rights.Clocks(a.Config.Clocks)})
	})
}

type demandListCmd struct {
	asStaff `embed:""`
	After   string `placeholder:"rr_…" help:"${demand_after}"`
}

// Run prints the open demands, those that are due first: nothing of their words.
func (c demandListCmd) Run(ctx context.Context, s *session) error {
	return s.atDesk(ctx, func(a *app.App, d rights.Desk) error {
		var all []rights.Request
		var owners []string
		err := a.Store.View(ctx, func(tx *db.Tx) error {
			err := c.inOffice(ctx, tx)
			if err != nil {
				return err
			}
			if all, err = rights.Waiting(ctx, tx, c.Service, c.After, maxWaiting+1); err != nil {
				return err
			}
			owners, err = rights.StillHandle(ctx, tx, c.Service, all)
			return err
		})
		if err == nil && len(all) == 0 {
			s.note("cmd.nothing")
		}
		for _, r := range all[:min(len(all), maxWaiting)] {
			s.demand(d, a.Store.Now(), r)
			switch {
			case d.Unclaimed(r, owners, a.Store.Now()):
				s.say("cmd.demand.unclaimed")
			case r.Owner != "":
				s.say("cmd.demand.owner", "Owner", r.Owner)
			}
		}
		if len(all) > maxWaiting {
			s.note("cmd.demand.more", "Count", maxWaiting, "After", all[maxWaiting-1].ID)
		}
		return err
	})
}

// demand prints a line about a demand, and when its child is erased.
func (s *session) demand(d rights.Desk, now time.Time, r rights.Request) {
	state := s.lang.T("cmd.demand.state." + string(r.State))
	if r.State == rights.Open {
		state = s.left(d, now, r)
	}
	item := r.Item
	if item == "" {
		item = "–"
	}
	s.say("cmd.demand.line", "Number", r.Number, "ID", r.ID, "Kind", s.lang.T("cmd.demand.kind."+string(r.Kind)),
		"Door", s.lang.T("cmd.demand.door."+string(r.Door)), "Item", item, "Due", s.day(r.DueAt), "State", state)
	switch {
	case r.State != rights.Open || !r.Kind.Erases():
	case r.EraseAt.IsZero():
		s.say("cmd.demand.asks")
	default:
		s.say("cmd.demand.erases", "At", minute(r.EraseAt))
	}
}

// left says how many working days are left for a demand.
func (s *session) left(d rights.Desk, now time.Time, r rights.Request) string {
	switch n := d.Calendar.Between(now, r.DueAt); {
	case !now.Before(r.DueAt):
		return s.lang.T("cmd.demand.overdue")
	case n == 0:
		return s.lang.T("cmd.demand.today")
	default:
		return s.lang.T("cmd.demand.left", "Count", n)
	}
}

func minute(t time.Time) string { return t.In(age.Zone).Format("2006-01-02 15:04") }

type demandTakeCmd struct {
	whichChild `embed:""`
	As         string `required:"" placeholder:"st_…" help:"${verification_as}"`
	Door       string `required:"" enum:"guardian,child,contact" help:"${demand_door}"`
	Guardian   string `placeholder:"gu_…" help:"${demand_guardian}"`
	Kind       string `required:"" enum:"access,copy,correct,supplement,delete_item,delete,close" help:"${demand_kind}"`
	Item       string `help:"${demand_item}"`
	TextFile   string `placeholder:"FILE" help:"${demand_text}"`
}

// Run takes what came by phone or by letter (Articles 19 and 20). It prints the
// number, and nothing else, on standard output: whoever asks is told it.
func (c demandTakeCmd) Run(ctx context.Context, s *session) error {
	text, err := s.personal("", c.TextFile)
	if err != nil {
		return err
	}
	ask := rights.Demand{Kind: rights.Kind(c.Kind), Door: rights.Door(c.Door), Guardian: family.GuardianID(c.Guardian), Item: c.Item, Text: text}
	return s.atDesk(ctx, func(a *app.App, d rights.Desk) error {
		var r rights.Request
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := asStaff{c.Service, c.As}.officer(ctx, tx)
			if err != nil {
				return err
			}
			child, err := c.find(ctx, tx, a.Ring)
			if err != nil {
				return err
			}
			r, _, err = a.Vault.Demand(ctx, tx, d, by, child, ask)
			return err
		})
		if err != nil {
			return err
		}
		switch {
		case !r.FetchUntil.IsZero():
			s.note("cmd.demand.taken_told", "ID", r.ID, "Until", minute(r.FetchUntil))
		case r.State == rights.Done:
			s.note("cmd.demand.taken_done", "ID", r.ID)
		case !r.Kind.Erases():
			s.note("cmd.demand.taken", "ID", r.ID, "Due", s.day(r.DueAt))
		case r.EraseAt.IsZero():
			s.note("cmd.demand.taken_asks", "ID", r.ID)
		default:
			s.note("cmd.demand.taken_erases", "ID", r.ID, "At", minute(r.EraseAt))
		}
		s.print(r.Number)
		return nil
	})
}

// A whichDemand names a demand of a service, and who of the staff deals with it.
type whichDemand struct {
	asStaff `embed:""`
	Demand  string `arg:"" help:"${demand_id}"`
}

func (c whichDemand) find(ctx context.Context, tx *db.Tx) (rights.Request, error) {
	if strings.HasPrefix(c.Demand, string(id.Rights)+"_") {
		return rights.Find(ctx, tx, c.Service, c.Demand)
	}
	return rights.ByNumber(ctx, tx, c.Service, c.Demand)
}

// change has one of the staff change a demand.
func (c whichDemand) change(ctx context.Context, s *session, fn func(d rights.Desk, tx *db.Tx, by catalog.Officer, r rights.Request) (rights.Request, string, error)) (r rights.Request, err error) {
	err = s.atDesk(ctx, func(a *app.App, d rights.Desk) error {
		return a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			if r, err = c.find(ctx, tx); err != nil {
				return err
			}
			r, _, err = fn(d, tx, by, r)
			return err
		})
	})
	return r, err
}

type demandAssignCmd struct {
	whichDemand `embed:""`
	To          string `required:"" placeholder:"st_…" help:"${demand_to}"`
}

// Run says who of the staff handles a demand from now on.
func (c demandAssignCmd) Run(ctx context.Context, s *session) error {
	r, err := c.change(ctx, s, func(d rights.Desk, tx *db.Tx, by catalog.Officer, r rights.Request) (rights.Request, string, error) {
		to, err := catalog.FindOfficer(ctx, tx, c.Service, c.To)
		if err != nil {
			return r, "", err
		}
		return d.Assign(ctx, tx, by, r, to)
	})
	if err == nil {
		s.say("cmd.demand.assigned", "Number", r.Number, "Owner", r.Owner)
	}
	return err
}

type demandShowCmd struct {
	whichDemand `embed:""`
}

// Run prints a demand with its words, on standard output and nowhere else, once it is
// on record who sees them.
func (c demandShowCmd) Run(ctx context.Context, s *session) error {
	return s.atDesk(ctx, func(a *app.App, d rights.Desk) error {
		var r rights.Request
		var note, answer pii.Text
		var guardians []family.Guardian
		var helps []helped
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			if r, err = c.find(ctx, tx); err != nil {
				return err
			}
			if note, answer, err = d.Show(ctx, tx, by, r); err != nil {
				return err
			}
			if helps, err = helpedWith(ctx, tx, d, r); err != nil {
				return err
			}
			return tx.Together(ctx, family.ReadGuardians(&guardians, r.Child))
		})
		if err != nil {
			return err
		}
		s.demand(d, a.Store.Now(), r)
		s.say("cmd.demand.child", "Child", r.Child, "Received", minute(r.ReceivedAt))
		if r.Guardian != "" {
			s.say("cmd.demand.guardian", "Guardian", r.Guardian)
		}
		if r.Owner != "" {
			s.say("cmd.demand.owner", "Owner", r.Owner)
		}
		s.warned(r, guardians)
		if r.Extended != "" {
			s.say("cmd.demand.longer", "Reason", s.lang.T("cmd.demand.reason."+string(r.Extended)))
		}
		if r.Reason != "" {
			s.say("cmd.demand.why", "Reason", s.lang.T("cmd.demand.reason."+string(r.Reason)))
		}
		if !note.IsZero() {
			s.say("cmd.demand.words", "Text", plain(note.Reveal()))
		}
		if !answer.IsZero() {
			s.say("cmd.demand.answer", "Text", plain(answer.Reveal()))
		}
		for _, h := range helps {
			s.help(a.Store.Now(), h)
		}
		return nil
	})
}

// warned says who was told of a demand before the child is erased, and who wasn't (edge
// cases 11 and 17).
func (s *session) warned(r rights.Request, guardians []family.Guardian) {
	for _, t := range r.Told {
		s.say("cmd.demand.told", "Guardian", t.Guardian, "Channel", t.Channel, "At", minute(t.At))
	}
	untold := r.Untold(guardians)
	for _, g := range untold {
		s.say("cmd.demand.untold", "Guardian", g)
	}
	if r.Warns() && len(r.Told)+len(untold) == 0 {
		s.say("cmd.demand.nobody")
	}
}

// plain is what a stranger wrote, without what would move a terminal's cursor, turn
// its text around, or make a line look like one of ours.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ReplaceAll(text, "\r\n", "\n"))
	return strings.ReplaceAll(text, "\n", "\n    ")
}

type demandExtendCmd struct {
	whichDemand `embed:""`
	Reason      string `required:"" enum:"complex,unreachable" help:"${demand_longer}"`
}

// Run gives a demand more time, once.
func (c demandExtendCmd) Run(ctx context.Context, s *session) error {
	r, err := c.change(ctx, s, func(d rights.Desk, tx *db.Tx, by catalog.Officer, r rights.Request) (rights.Request, string, error) {
		return d.Extend(ctx, tx, by, r, rights.Reason(c.Reason))
	})
	if err == nil {
		s.say("cmd.demand.extended", "Number", r.Number, "Due", s.day(r.DueAt))
	}
	return err
}

type demandRefuseCmd struct {
	whichDemand `embed:""`
	Reason      string `required:"" enum:"not_entitled,nothing_held,already_right,kept_for_now" help:"${demand_reason}"`
	AnswerFile  string `placeholder:"FILE" help:"${demand_answer}"`
}

// Run refuses a demand, with a reason that whoever asked is told.
func (c demandRefuseCmd) Run(ctx context.Context, s *session) error {
	answer, err := s.personal("", c.AnswerFile)
	if err != nil {
		return err
	}
	r, err := c.change(ctx, s, func(d rights.Desk, tx *db.Tx, by catalog.Officer, r rights.Request) (rights.Request, string, error) {
		return d.Refuse(ctx, tx, by, r, rights.Reason(c.Reason), answer)
	})
	if err == nil {
		s.say("cmd.demand.refused", "Number", r.Number)
	}
	return err
}

type demandRecallCmd struct {
	whichDemand `embed:""`
}

// Run has nobody get a copy any more that waits for a recipient.
func (c demandRecallCmd) Run(ctx context.Context, s *session) error {
	r, err := c.change(ctx, s, func(d rights.Desk, tx *db.Tx, by catalog.Officer, r rights.Request) (rights.Request, string, error) {
		return d.Recall(ctx, tx, by, r)
	})
	if err == nil {
		s.say("cmd.demand.recalled", "Number", r.Number)
	}
	return err
}

type demandFinishCmd struct {
	whichDemand `embed:""`
	AnswerFile  string `placeholder:"FILE" help:"${demand_answer}"`
}

// Run ends a demand that was carried out.
func (c demandFinishCmd) Run(ctx context.Context, s *session) error {
	answer, err := s.personal("", c.AnswerFile)
	if err != nil {
		return err
	}
	r, err := c.change(ctx, s, func(d rights.Desk, tx *db.Tx, by catalog.Officer, r rights.Request) (rights.Request, string, error) {
		return d.Finish(ctx, tx, by, r, answer)
	})
	if err == nil {
		s.say("cmd.demand.finished", "Number", r.Number)
	}
	return err
}
