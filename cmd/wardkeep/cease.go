package main

import (
	"context"
	"slices"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/cessation"
	"wardkeep/internal/consent"
	"wardkeep/internal/party"
)

type ceaseCmd struct {
	Announce ceaseAnnounceCmd `cmd:"" help:"${cease_announce}"`
	Show     ceaseShowCmd     `cmd:"" help:"${cease_show}"`
}

type ceaseAnnounceCmd struct {
	asStaff    `embed:""`
	Purpose    string `xor:"what" help:"${cease_purpose}"`
	Reason     string `required:"" enum:"discontinued,closing_down,ordered" help:"${cease_reason}"`
	Days       int    `default:"30" help:"${cease_days}"`
	Successor  string `xor:"what" help:"${cease_successor}"`
	Assessment string `help:"${cease_assessment}"`
	Assessed   string `placeholder:"2026-05-06" help:"${cease_assessed}"`
	Yes        bool   `short:"y" help:"${yes}"`
}

// Run announces the end of a service, or of a purpose of it (Article 23). What happens
// then, and that nothing takes it back, is said before it is confirmed.
func (c ceaseAnnounceCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		var children int64
		err := a.Store.View(ctx, func(tx *db.Tx) (err error) {
			if _, err = catalog.Find(ctx, tx, c.Service); err != nil {
				return err
			}
			children, err = cessation.Living(ctx, tx, c.Service)
			return err
		})
		if err != nil {
			return err
		}
		until := s.day(cessation.Window(a.Store.Now(), c.Days))
		if c.Days == 0 {
			until = s.lang.T("cmd.cease.now")
		}
		switch {
		case c.Successor != "":
			s.note("cmd.cease.warning_successor", "Service", c.Service, "Children", children, "Until", until, "Successor", c.Successor)
		case c.Purpose == "":
			s.note("cmd.cease.warning", "Service", c.Service, "Children", children, "Until", until)
		default:
			s.note("cmd.cease.warning_purpose", "Service", c.Service, "Purpose", c.Purpose, "Until", until)
		}
		if !c.Yes {
			if err := s.confirm("cmd.cease.confirm", c.Service); err != nil {
				return err
			}
		}
		var end catalog.Cessation
		err = a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			end, err = c.announce(ctx, tx, by)
			return err
		})
		if err != nil {
			return err
		}
		s.say("cmd.cease.announced", "What", s.ends(end), "Until", minute(end.EndsAt))
		if to := end.Takeover; to != (catalog.Takeover{}) {
			s.say("cmd.cease.successor", "Successor", to.Recipient, "Purpose", to.Purpose, "Document", to.Document, "Assessed", to.Assessed)
		}
		return nil
	})
}

func (c ceaseAnnounceCmd) announce(ctx context.Context, tx *db.Tx, by catalog.Officer) (end catalog.Cessation, err error) {
	why, ends := catalog.Reason(c.Reason), cessation.Window(tx.Now(), c.Days)
	if c.Successor == "" && c.Assessment == "" && c.Assessed == "" {
		end, _, err = catalog.Cease(ctx, tx, by, c.Service, c.Purpose, why, ends)
		return end, err
	}
	if c.Purpose != "" {
		return end, catalog.ErrHandover.At("purpose") // an assessment of somebody, and no takeover
	}
	end, _, err = catalog.CeaseTo(ctx, tx, by, c.Service, why, ends, catalog.Takeover{Recipient: c.Successor, Document: c.Assessment, Assessed: c.Assessed})
	if err != nil {
		return end, err
	}
	// Article 17: the assessment comes first. Without one on the register the gate hands nothing
	// over, and guardians would be asked for nothing.
	var known []party.Standing
	id := party.ID{Service: c.Service, Role: party.Recipient, Name: end.Takeover.Recipient}
	if err := tx.Together(ctx, party.ReadStanding(&known, id)); err != nil {
		return end, err
	}
	if len(known) == 0 || !known[0].Assessment.Passed || !known[0].Assessment.Holds(tx.Now()) || len(known[0].Assessment.Scope[end.Takeover.Purpose]) == 0 {
		return end, errUnassessed
	}
	return end, nil
}

// ends names what ends.
func (s *session) ends(c catalog.Cessation) string {
	if c.Purpose == "" {
		return c.Service
	}
	return c.Service + " " + c.Purpose
}

type ceaseShowCmd struct {
	Service string `required:"" short:"s" help:"${of_service}"`
}

// Run prints what ends of a service, and how far it is.
func (c ceaseShowCmd) Run(ctx context.Context, s *session) error {
	var all []catalog.Cessation
	var left int64
	var now time.Time
	var tally catalog.Tally // of the living
	err := s.view(ctx, func(tx *db.Tx) (err error) {
		now = tx.Now()
		if _, err = catalog.Find(ctx, tx, c.Service); err != nil {
			return err
		}
		if left, err = cessation.Living(ctx, tx, c.Service); err != nil {
			return err
		}
		if all, err = catalog.Cessations(ctx, tx, c.Service); err != nil || !slices.ContainsFunc(all, counting) {
			return err
		}
		service, err := catalog.Find(ctx, tx, c.Service)
		if err != nil {
			return err
		}
		tally, err = consent.TallySuccession(ctx, tx, c.Service, service.Successor)
		return err
	})
	if err == nil && len(all) == 0 {
		s.note("cmd.cease.none", "Service", c.Service)
	}
	for _, end := range all {
		s.say("cmd.cease.line", "What", s.ends(end), "Reason", s.lang.T("cmd.cease.reason."+string(end.Reason)),
			"Announced", minute(end.AnnouncedAt), "Until", minute(end.EndsAt))
		switch {
		case !end.EndedAt.IsZero():
			s.say("cmd.cease.ended", "At", minute(end.EndedAt), "Children", end.Children)
		case end.ToldAt.IsZero():
			s.say("cmd.cease.telling", "Children", end.Told)
		case now.Before(end.EndsAt):
			s.say("cmd.cease.told", "Children", end.Told)
		case end.Purpose == "" && end.Held >= 0:
			s.say("cmd.cease.erasing", "Done", end.Held-left, "Children", end.Held)
		default:
			s.say("cmd.cease.due", "Children", end.Told)
		}
		if end.EndedAt.IsZero() && !end.LastAt.IsZero() {
			s.say("cmd.cease.late", "Until", minute(end.LastAt))
		}
		if to := end.Takeover; to != (catalog.Takeover{}) {
			t, of := tally, left
			if !counting(end) {
				t, of = end.Tally, end.Held
			}
			s.say("cmd.cease.successor", "Successor", to.Recipient, "Purpose", to.Purpose, "Document", to.Document, "Assessed", to.Assessed)
			s.say("cmd.cease.tally", "Asked", t.Asked, "Yes", t.Agreed, "No", t.Refused, "Others", of-t.Agreed-t.Refused, "Handed", t.Handed)
		}
	}
	return err
}

// counting reports whether somebody takes over, and the answers aren't counted for good yet.
func counting(c catalog.Cessation) bool { return c.Takeover != (catalog.Takeover{}) && c.Held < 0 }
