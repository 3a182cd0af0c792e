package main

import (
	"context"
	"fmt"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/retention"
	"wardkeep/internal/vault"
)

type keepingCmd struct {
	Show retentionShowCmd `cmd:"" help:"${retention_show}"`
}

type retentionShowCmd struct {
	Service string `short:"s" help:"${of_service_or_all}"`
}

// Run prints how long the values of each purpose are kept, which of them ends next, and
// whether any is past its time, and of how many accounts that nobody uses the end was
// told (Article 12). It ends with 1 if a value is past its time.
func (c retentionShowCmd) Run(ctx context.Context, s *session) error {
	overdue := false
	err := s.view(ctx, func(tx *db.Tx) error {
		services, err := c.services(ctx, tx)
		if err != nil {
			return err
		}
		charters := catalog.NewCache(1)
		for _, service := range services {
			all, err := retention.Show(ctx, tx, charters, service)
			if err != nil {
				return err
			}
			swept, err := vault.LastSwept(ctx, tx, service)
			if err != nil {
				return err
			}
			s.say("cmd.retention.service", "Service", service, "Erased", swept.Erased, "Reported", s.moment(swept.ReportedAt))
			unused, err := retention.ShowUnused(ctx, tx, charters, service)
			if err != nil {
				return err
			}
			s.unused(unused)
			for _, p := range all {
				overdue = overdue || p.Overdue > 0
				s.standing(p)
			}
		}
		last, err := retention.LastSweep(ctx, tx)
		if err == nil {
			s.say("cmd.retention.last", "At", s.moment(last))
		}
		return err
	})
	if err == nil && overdue {
		err = exit(exitFailed)
	}
	return err
}

func (c retentionShowCmd) services(ctx context.Context, tx *db.Tx) (names []string, err error) {
	if c.Service != "" {
		_, err := catalog.Find(ctx, tx, c.Service)
		return []string{c.Service}, err
	}
	all, err := catalog.List(ctx, tx)
	for _, service := range all {
		names = append(names, service.Name)
	}
	return names, err
}

func (s *session) unused(u retention.Unused) {
	if u.After.IsZero() {
		s.say("cmd.retention.unused_kept")
		return
	}
	s.say("cmd.retention.unused", "Period", u.After.In(charter.Lang(s.lang)), "Announced", u.Announced, "First", s.moment(u.First))
}

func (s *session) standing(p retention.Standing) {
	period := s.lang.T("cmd.retention.former")
	if p.Retention != (charter.Retention{}) {
		period = p.Retention.In(charter.Lang(s.lang))
	}
	s.say("cmd.retention.purpose", "Purpose", p.Purpose.Purpose, "Period", period)
	if !p.Held {
		s.say("cmd.retention.nothing")
		return
	}
	many := fmt.Sprint(p.Overdue)
	if p.Overdue >= vault.Many {
		many += "+"
	}
	s.say("cmd.retention.held", "Collected", s.moment(p.Collected), "Ends", s.moment(p.Ends), "Overdue", many)
}

// moment is a time in the calendar of the Provisions; a dash for none.
func (s *session) moment(at time.Time) string {
	if at.IsZero() {
		return "–"
	}
	return at.Local().Format("2006-01-02 15:04 MST")
}
