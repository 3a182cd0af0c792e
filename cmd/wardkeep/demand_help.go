package main

import (
	"context"
	"strings"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/assistance"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/party"
	"wardkeep/internal/rights"
)

type demandHelpCmd struct {
	whichDemand `embed:""`
	Party       string `required:"" help:"${demand_party}"`
	Role        string `enum:"processor,recipient" default:"processor" help:"${demand_role}"`
}

// Run asks a party to help with a demand (Article 16(2)).
func (c demandHelpCmd) Run(ctx context.Context, s *session) error {
	return s.atDesk(ctx, func(a *app.App, d rights.Desk) error {
		var t assistance.Task
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			r, err := c.find(ctx, tx)
			if err != nil {
				return err
			}
			t, _, err = d.Help(ctx, tx, by, r, party.ID{Service: c.Service, Role: party.Role(c.Role), Name: c.Party})
			return err
		})
		if err == nil {
			s.help(a.Store.Now(), helped{Task: t})
		}
		return err
	})
}

// A helped is what a party was asked, with what it has written.
type helped struct {
	assistance.Task
	words pii.Text
}

// helpedWith reads what parties were asked about a demand, and have answered.
func helpedWith(ctx context.Context, tx *db.Tx, d rights.Desk, r rights.Request) (all []helped, err error) {
	tasks, err := assistance.Of(ctx, tx, r.Child, r.ID)
	if err != nil || len(tasks) == 0 {
		return nil, err
	}
	c, err := family.Find(ctx, tx, r.Service, r.Child)
	if err != nil {
		return nil, err
	}
	for _, t := range tasks {
		words, err := t.Words(d.Ring, c)
		if err != nil {
			return nil, err
		}
		all = append(all, helped{t, words})
	}
	return all, nil
}

// help prints what a party was asked.
func (s *session) help(now time.Time, h helped) {
	state := s.lang.T("cmd.demand.help.open", "At", minute(h.DueAt))
	switch {
	case !h.Open():
		state = s.lang.T("cmd.demand.help.answer."+string(h.Answer), "At", minute(h.AnsweredAt))
	case h.Late(now):
		state = s.lang.T("cmd.demand.help.late", "At", minute(h.DueAt))
	}
	s.say("cmd.demand.help.line", "Party", h.Party.Name, "Items", strings.Join(h.Items, ", "), "State", state)
	if !h.words.IsZero() {
		s.say("cmd.demand.words", "Text", plain(h.words.Reveal()))
	}
}
