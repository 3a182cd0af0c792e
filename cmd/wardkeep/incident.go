package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/incident"
)

type incidentsCmd struct {
	Open   incidentOpenCmd   `cmd:"" help:"${incident_open}"`
	List   incidentListCmd   `cmd:"" help:"${incident_list}"`
	Show   incidentShowCmd   `cmd:"" help:"${incident_show}"`
	Note   incidentNoteCmd   `cmd:"" help:"${incident_note}"`
	Triage incidentTriageCmd `cmd:"" help:"${incident_triage}"`
	Close  incidentCloseCmd  `cmd:"" help:"${incident_close}"`
}

var errMoment = errs.New(errs.Invalid, "cmd.moment_invalid")

// What is written about a case, from a flag, a file or the standard input.
type wordsFlags struct {
	Words     string `xor:"words" placeholder:"TEXT" help:"${incident_words}"`
	WordsFile string `xor:"words" placeholder:"FILE" help:"${incident_words_file}"`
}

// longest bounds what is read of a text: more than any may have.
const longest = 64 << 10

func (f wordsFlags) read(in io.Reader) (pii.Text, error) {
	if f.WordsFile == "" {
		return pii.New(f.Words), nil
	}
	if f.WordsFile != "-" {
		file, err := os.Open(f.WordsFile)
		if err != nil {
			return pii.Text{}, err
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, longest))
	return pii.New(strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n"))), err
}

type incidentOpenCmd struct {
	asStaff    `embed:""`
	wordsFlags `embed:""`
	Kind       string   `required:"" enum:"leaked,altered,lost,misused" help:"${incident_kind}"`
	Suspected  bool     `help:"${incident_suspected}"`
	Drill      bool     `help:"${incident_drill}"`
	Items      []string `placeholder:"ITEM" help:"${incident_items}"`
	Children   int64    `help:"${incident_children}"`
	Noticed    string   `placeholder:"2026-11-20T09:30:00+08:00" help:"${incident_noticed}"`
	Began      string   `placeholder:"2026-11-19T22:00:00+08:00" help:"${incident_began}"`
}

// Run opens a case. What nobody has noticed earlier is noticed now.
func (c incidentOpenCmd) Run(ctx context.Context, s *session) error {
	words, err := c.read(s.in)
	if err != nil {
		return err
	}
	return s.on(ctx, func(a *app.App) error {
		report := incident.Report{Kind: incident.Kind(c.Kind), Suspected: c.Suspected, Drill: c.Drill, Items: c.Items, Children: c.Children, Words: words}
		var errNoticed, errBegan error
		report.NoticedAt, errNoticed = moment(c.Noticed, a.Store.Now())
		report.BeganAt, errBegan = moment(c.Began, time.Time{})
		if err := errors.Join(errNoticed, errBegan); err != nil {
			return errMoment
		}
		var one incident.Case
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			one, _, err = incident.Desk{Ring: a.Ring, Charters: a.Charters}.Open(ctx, tx, by, c.Service, report)
			return err
		})
		if err == nil {
			s.incident(a.Store.Now(), one)
		}
		return err
	})
}

// moment reads a moment to the second; what wasn't said is otherwise.
func moment(text string, otherwise time.Time) (time.Time, error) {
	if text == "" {
		return otherwise, nil
	}
	return time.Parse(time.RFC3339, text)
}

type incidentListCmd struct {
	asStaff `embed:""`
	Closed  bool `help:"${incident_closed}"`
}

// Run prints the cases, open ones by when they are due: nothing of what was written.
func (c incidentListCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		var all []incident.Case
		err := a.Store.View(ctx, func(tx *db.Tx) error {
			err := c.inOffice(ctx, tx)
			if err != nil {
				return err
			}
			all, _, err = incident.List(ctx, tx, []string{c.Service}, incident.Wanted{Closed: c.Closed}, db.Cursor{}, maxWaiting+1)
			return err
		})
		if err == nil && len(all) == 0 {
			s.note("cmd.nothing")
		}
		for _, one := range all[:min(len(all), maxWaiting)] {
			s.incident(a.Store.Now(), one)
		}
		if len(all) > maxWaiting {
			s.note("cmd.demand.more", "Count", maxWaiting)
		}
		return err
	})
}

// incident prints a line about a case.
func (s *session) incident(now time.Time, one incident.Case) {
	state := s.lang.T("cmd.incident.state." + string(one.State()))
	if one.Grade != "" {
		state += ", " + s.lang.T("cmd.incident.grade."+string(one.Grade))
	}
	switch {
	case !one.Open():
		state += ", " + s.lang.T("cmd.incident.outcome."+string(one.Outcome))
	case one.Late(now):
		state += ", " + s.lang.T("cmd.demand.overdue")
	}
	from := one.Party.Name
	if from == "" {
		from = s.lang.T("console.incidents.source." + string(one.Source))
	}
	if one.Drill {
		state += ", " + s.lang.T("console.incidents.drill")
	}
	s.say("cmd.incident.line", "ID", one.ID, "Kind", s.lang.T("cmd.incident.kind."+string(one.Kind)), "From", from, "Due", minute(one.DueAt), "State", state)
}

// A whichIncident names a case of a service, and who in office deals with it.
type whichIncident struct {
	asStaff `embed:""`
	Case    string `arg:"" placeholder:"in_…" help:"${incident_id}"`
}

type incidentShowCmd struct {
	whichIncident `embed:""`
}

// Run prints a case with all that was written about it, on standard output and nowhere else.
// That it is read is on record before.
func (c incidentShowCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		var one incident.Case
		var notes []incident.Note
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			one, notes, err = incident.Read(ctx, tx, by, c.Service, c.Case)
			return err
		})
		if err != nil {
			return err
		}
		s.incident(a.Store.Now(), one)
		if one.Suspected {
			s.say("cmd.incident.suspected")
		}
		if len(one.Items) > 0 {
			s.say("cmd.incident.items", "Items", strings.Join(one.Items, ", "))
		}
		if one.Children > 0 {
			s.say("cmd.incident.children", "Count", one.Children)
		}
		if !one.BeganAt.IsZero() {
			s.say("cmd.incident.began", "At", minute(one.BeganAt))
		}
		s.say("cmd.incident.noticed", "At", minute(one.NoticedAt))
		for _, n := range notes {
			words, err := n.Words(a.Ring)
			if err != nil {
				return err
			}
			s.say("cmd.incident.note", "At", minute(n.At), "By", n.By, "Text", s.step(n.Step)+plain(words.Reveal()))
		}
		return nil
	})
}

// step is what a step of a case is called, before its text.
func (s *session) step(step incident.Step) string {
	if step == "" {
		return ""
	}
	return s.lang.T("console.incidents.step."+string(step)) + s.lang.T("web.colon")
}

type incidentNoteCmd struct {
	whichIncident `embed:""`
	wordsFlags    `embed:""`
	Step          string `enum:",plan,remedy,notice,warning,untold" default:"" help:"${incident_step}"`
}

// Run writes what was found or done, or decided not to be.
func (c incidentNoteCmd) Run(ctx context.Context, s *session) error {
	return c.change(ctx, s, c.wordsFlags, func(tx *db.Tx, a *app.App, by catalog.Officer, words pii.Text) (incident.Case, error) {
		one, _, err := incident.Write(ctx, tx, a.Ring, by, c.Service, c.Case, incident.Step(c.Step), words)
		return one, err
	})
}

type incidentTriageCmd struct {
	whichIncident `embed:""`
	wordsFlags    `embed:""`
	Grade         string `required:"" enum:"minor,unclear,serious" help:"${incident_grade}"`
	Children      int64  `help:"${incident_children}"`
}

// Run says how grave a case is.
func (c incidentTriageCmd) Run(ctx context.Context, s *session) error {
	return c.change(ctx, s, c.wordsFlags, func(tx *db.Tx, a *app.App, by catalog.Officer, words pii.Text) (incident.Case, error) {
		one, _, err := incident.Triage(ctx, tx, a.Ring, by, c.Service, c.Case, incident.Grade(c.Grade), c.Children, words)
		return one, err
	})
}

type incidentCloseCmd struct {
	whichIncident `embed:""`
	wordsFlags    `embed:""`
	Outcome       string `required:"" enum:"unfounded,remedied,reported" help:"${incident_outcome}"`
}

// Run ends a case.
func (c incidentCloseCmd) Run(ctx context.Context, s *session) error {
	var lacks []incident.Step
	err := c.change(ctx, s, c.wordsFlags, func(tx *db.Tx, a *app.App, by catalog.Officer, words pii.Text) (incident.Case, error) {
		one, _, err := incident.Close(ctx, tx, a.Ring, by, c.Service, c.Case, incident.Outcome(c.Outcome), words)
		if lacks = nil; errors.Is(err, incident.ErrMissing) {
			lacks = one.Missing(incident.Outcome(c.Outcome))
		}
		return one, err
	})
	for _, step := range lacks {
		s.note("console.incidents.lacks." + string(step))
	}
	return err
}

// change does something about the case as who holds the office, and prints what became of it.
func (c whichIncident) change(ctx context.Context, s *session, from wordsFlags, fn func(tx *db.Tx, a *app.App, by catalog.Officer, words pii.Text) (incident.Case, error)) error {
	words, err := from.read(s.in)
	if err != nil {
		return err
	}
	return s.on(ctx, func(a *app.App) error {
		var one incident.Case
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			one, err = fn(tx, a, by, words)
			return err
		})
		if err == nil {
			s.incident(a.Store.Now(), one)
		}
		return err
	})
}
