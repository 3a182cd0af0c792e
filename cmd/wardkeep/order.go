package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/family/age"
	"wardkeep/internal/order"
)

type orderCmd struct {
	List   orderListCmd   `cmd:"" help:"${order_list}"`
	Show   orderShowCmd   `cmd:"" help:"${order_show}"`
	Attest orderAttestCmd `cmd:"" help:"${order_attest}"`
}

type orderListCmd struct {
	asStaff `embed:""`
	State   string `enum:"open,overdue,attested" default:"open" help:"${order_state}"`
	After   string `placeholder:"or_…" help:"${order_after}"`
}

// Run prints orders to processors and recipients, those that are due first.
func (c orderListCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		var all []order.Order
		err := a.Store.View(ctx, func(tx *db.Tx) error {
			err := c.inOffice(ctx, tx)
			if err != nil {
				return err
			}
			all, err = order.List(ctx, tx, c.Service, order.State(c.State), c.After, maxWaiting+1)
			return err
		})
		if err == nil && len(all) == 0 {
			s.note("cmd.nothing")
		}
		for _, o := range all[:min(len(all), maxWaiting)] {
			s.order(a.Store.Now(), o)
		}
		if len(all) > maxWaiting {
			s.note("cmd.order.more", "Count", maxWaiting, "After", all[maxWaiting-1].ID)
		}
		return err
	})
}

// order prints a line about an order.
func (s *session) order(now time.Time, o order.Order) {
	state := s.lang.T("cmd.order.open", "At", s.day(o.DueAt))
	switch {
	case !o.Open():
		state = s.lang.T("cmd.order.attested", "At", minute(o.AttestedAt))
	case !now.Before(o.DueAt):
		state = s.lang.T("cmd.order.overdue", "At", s.day(o.DueAt))
	}
	s.say("cmd.order.line", "Number", o.Number, "ID", o.ID, "Party", o.Party, "What", s.lang.T("cmd.order.what."+string(o.What)),
		"Items", strings.Join(o.Items, ", "), "State", state)
}

// A whichOrder names an order of a service.
type whichOrder struct {
	asStaff `embed:""`
	Order   string `arg:"" help:"${order_id}"`
}

func (c whichOrder) find(ctx context.Context, tx *db.Tx) (order.Order, error) {
	if strings.HasPrefix(c.Order, string(id.Order)+"_") {
		return order.Find(ctx, tx, c.Service, c.Order)
	}
	return order.ByNumber(ctx, tx, c.Service, c.Order)
}

type orderShowCmd struct {
	whichOrder `embed:""`
}

// Run prints one order, and the child it is about as long as anything leads there.
func (c orderShowCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		var o order.Order
		err := a.Store.View(ctx, func(tx *db.Tx) error {
			err := c.inOffice(ctx, tx)
			if err != nil {
				return err
			}
			o, err = c.find(ctx, tx)
			return err
		})
		if err != nil {
			return err
		}
		s.order(a.Store.Now(), o)
		child, err := o.Whose(a.Ring)
		switch {
		case errors.Is(err, order.ErrNotFound):
			s.say("cmd.order.nobody")
		case err != nil:
			return err
		default:
			s.say("cmd.order.child", "Child", child)
		}
		if o.AttestedBy != "" {
			s.say("cmd.order.by", "By", o.AttestedBy, "Document", o.Document)
		}
		return nil
	})
}

type orderAttestCmd struct {
	asStaff      `embed:""`
	Order        string `arg:"" optional:"" help:"${order_id}"`
	All          bool   `help:"${order_all}"`
	Until        string `placeholder:"2026-11-20" help:"${order_until}"`
	Party        string `required:"" help:"${order_party}"`
	DocumentFile string `placeholder:"FILE" help:"${order_document}"`
}

// attestedAtOnce is how many orders a transaction attests.
const attestedAtOnce = 100

var (
	errWhichOrder = errs.New(errs.Invalid, "cmd.order_which") // one, or all of a party
	errUntil      = errs.New(errs.Invalid, "cmd.order_until")
)

// Run takes that a party has done what it was told: one order, or all that a document
// covers. Of the document only its hash is kept.
func (c orderAttestCmd) Run(ctx context.Context, s *session) error {
	if c.All != (c.Order == "") || c.Until != "" && !c.All {
		return errWhichOrder
	}
	document, err := hashOf(c.DocumentFile)
	if err != nil {
		return err
	}
	if c.All {
		return c.all(ctx, s, document)
	}
	return s.on(ctx, func(a *app.App) error {
		book := order.Book{Ring: a.Ring, Charters: a.Charters}
		var o order.Order
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			if o, err = (whichOrder{c.asStaff, c.Order}).find(ctx, tx); err != nil {
				return err
			}
			o, _, err = book.Attest(ctx, tx, by, c.Service, o.ID, c.Party, document)
			return err
		})
		if err == nil {
			s.say("cmd.order.taken", "Number", o.Number, "Party", o.Party)
		}
		return err
	})
}

// all attests whatever is open of a party, as where its service has ended and no app is
// left to pass anything on. If we crash between two transactions, the next run attests
// the rest.
func (c orderAttestCmd) all(ctx context.Context, s *session, document string) error {
	return s.on(ctx, func(a *app.App) error {
		until := a.Store.Now() // what is issued while this runs the document can't cover
		if c.Until != "" {
			last, err := time.ParseInLocation(time.DateOnly, c.Until, age.Zone)
			if err != nil {
				return errUntil
			}
			until = last.AddDate(0, 0, 1).Add(-time.Microsecond)
		}
		book := order.Book{Ring: a.Ring, Charters: a.Charters}
		var last order.Order
		for count := 0; ; {
			var done []order.Order
			err := a.Store.Update(ctx, func(tx *db.Tx) error {
				by, err := c.officer(ctx, tx)
				if err == nil {
					done, err = book.AttestOf(ctx, tx, by, c.Service, c.Party, document, until, last, attestedAtOnce)
				}
				return err
			})
			if err != nil {
				return err
			}
			for _, o := range done {
				s.say("cmd.order.taken", "Number", o.Number, "Party", o.Party)
			}
			if count += len(done); len(done) < attestedAtOnce {
				if count == 0 {
					s.note("cmd.nothing")
				}
				return nil
			}
			last = done[len(done)-1]
		}
	})
}

// hashOf returns the SHA-256 of a file in hex, or nothing for no file.
func hashOf(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
