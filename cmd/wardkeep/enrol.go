package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/roster"
	"wardkeep/internal/suspicion"
)

// errSomeRefused says that an import ended, and some lines were refused.
var errSomeRefused = errs.New(errs.Invalid, "cmd.import_refused")

// workers is how many children are enrolled at once: on SQLite they share a
// transaction, and so one fsync.
const workers = 32

// An enrolled counts what an import did. It is safe for concurrent use.
type enrolled struct {
	mu                          sync.Mutex
	added, there, asked, nobody int
	refused                     []error // by line, at most maxRefused
	more                        int
	until                       time.Time // when the first of them is erased unless somebody answers
}

const maxRefused = 20

// enrol enrols the children of a file, each in a transaction of its own.
func (c importCmd) enrol(ctx context.Context, s *session, a *app.App, rows *roster.Reader, total int) error {
	bar := s.progress("cmd.progress.import", total)
	var done enrolled
	queue := make(chan roster.Row, workers)
	group, work := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(queue)
		return feed(work, rows, queue)
	})
	for range workers {
		group.Go(func() error {
			for row := range queue {
				if err := c.one(work, a, row, &done); err != nil {
					return err
				}
				bar.add(1)
			}
			return nil
		})
	}
	err := group.Wait()
	bar.end()
	done.print(s, c.Service)
	switch {
	case err != nil:
		s.say("cmd.import.stopped")
		return err
	case len(done.refused) > 0:
		return fmt.Errorf("%w: %w", errSomeRefused, errors.Join(done.refused...))
	}
	return nil
}

// feed passes on the usable rows until the file ends.
func feed(ctx context.Context, rows *roster.Reader, queue chan<- roster.Row) error {
	for {
		row, reject, err := rows.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case reject != nil:
			continue
		}
		select {
		case queue <- row:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// one enrols a child and, if its contact may be a guardian, leaves a request to
// be sent. Its error ends the import; a refusal of this line doesn't.
func (c importCmd) one(ctx context.Context, a *app.App, row roster.Row, done *enrolled) error {
	var child family.Child
	asked := false
	err := a.Store.Update(ctx, func(tx *db.Tx) (err error) {
		var g family.Guardian
		child, g, _, err = a.Vault.Gate.Register(ctx, tx, operator, enrolment(c.Service, row))
		if err == nil {
			err = suspicion.Registered(ctx, tx, a.Ring, operator, c.Service, row.Ref)
		}
		if asked = err == nil && row.Guardian.Relation.ClaimsGuardianship(); !asked {
			return err
		}
		desk := consent.Desk{Ring: a.Ring, Charters: a.Charters}
		_, _, _, err = desk.Ask(ctx, tx, operator, child, consent.Asking{Guardian: g.ID, Channel: c.channel(row), Locale: c.Locale})
		return err
	})
	refusal := errs.Of(err)
	switch {
	case err != nil && refusal.Kind != errs.Invalid && refusal.Kind != errs.Conflict:
		return err
	case err != nil && !errors.Is(err, family.ErrRefTaken):
		done.refuse(fmt.Errorf("%s:%d: %s (%s)", c.File, row.Line, refusal.Code, refusal.Field))
	default:
		done.count(child, err == nil, asked)
	}
	return nil
}

// enrolment takes from a row what may be kept before consent (edge case 5). Who
// isn't a parent or legal guardian by the operator's own word is a contact and
// no more (edge cases 10 and 11); an unknown relation never makes a parent.
func enrolment(service string, row roster.Row) family.Enrolment {
	relation := family.Other
	switch row.Guardian.Relation {
	case roster.Parent:
		relation = family.Parent
	case roster.LegalGuardian:
		relation = family.LegalGuardian
	case roster.Grandparent:
		relation = family.Grandparent
	case roster.Teacher:
		relation = family.Teacher
	case roster.Institution, roster.Other, roster.RelationUnknown:
	}
	return family.Enrolment{
		Service: service, Ref: row.Ref, Birth: row.Birth, BirthSource: family.FromImport,
		Guardian: family.Person{Phone: row.Guardian.Phone, Email: row.Guardian.Email, Relation: relation},
	}
}

func (c importCmd) channel(row roster.Row) consent.Channel {
	switch {
	case row.Guardian.Phone.IsZero():
		return consent.Email
	case row.Guardian.Email.IsZero():
		return consent.SMS
	}
	return consent.Channel(c.Prefer)
}

func (d *enrolled) count(c family.Child, added, asked bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case !added:
		d.there++
		return
	case asked:
		d.asked++
	default:
		d.nobody++
	}
	d.added++
	if d.until.IsZero() || c.ExpiresAt.Before(d.until) {
		d.until = c.ExpiresAt
	}
}

func (d *enrolled) refuse(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.refused) == maxRefused {
		d.more++
		return
	}
	d.refused = append(d.refused, err)
}

// print says what was done and what has to happen next.
func (d *enrolled) print(s *session, service string) {
	s.say("cmd.import.done", "Added", d.added, "There", d.there)
	if n := len(d.refused) + d.more; n > 0 {
		s.say("cmd.import.refused", "Count", n)
	}
	if d.nobody > 0 {
		s.say("cmd.import.nobody", "Count", d.nobody)
	}
	if d.added > 0 {
		s.say("cmd.import.queued", "Count", d.asked, "Service", service)
		s.say("cmd.import.life", "Until", d.until.Local().Format("2006-01-02 15:04 MST"))
	}
}
