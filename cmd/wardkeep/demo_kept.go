package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/complaint"
	"wardkeep/internal/legal"
	"wardkeep/internal/notify"
	"wardkeep/internal/suspicion"
)

// orders: whoever works for the operator deletes, too, and says so (Article 16).
func (d *demo) orders(ctx context.Context) error {
	d.chapter("orders")
	open, err := d.client.Orders(ctx, "open", "", 0)
	if err != nil {
		return err
	}
	late := slices.IndexFunc(open.Orders, func(o wardkeep.Order) bool { return !o.OverdueAt.IsZero() })
	d.show("16", "ordered", len(open.Orders) > 0 && late >= 0, "Count", len(open.Orders))
	denied, err := d.entrusts(ctx)
	if err != nil {
		return err
	}
	for _, o := range open.Orders {
		if _, err := d.client.Attest(ctx, o.ID, wardkeep.Attestation{Party: o.Party}); err != nil {
			return err
		}
	}
	still, err := d.entrusts(ctx)
	if err != nil {
		return err
	}
	_, twice := d.client.Attest(ctx, open.Orders[0].ID, wardkeep.Attestation{Party: open.Orders[0].Party})
	d.show("16", "attested", denied && !still && twice != nil)
	return nil
}

// entrusts reports whether the processor gets nothing new because it owes something.
func (d *demo) entrusts(ctx context.Context) (denied bool, err error) {
	got, err := d.client.Decide(ctx, wardkeep.Check{Child: d.families[0].child, Activity: "entrust", Purpose: "speaking-practice",
		Items: []string{"voice"}, Party: "yuping-assessment"})
	return err == nil && slices.ContainsFunc(got[0].Reasons, func(r wardkeep.Reason) bool { return r.Code == "gate.orders_overdue" }), err
}

// retain: what a law demands to keep is sealed, told, and ends on its date (edge
// case 14).
func (d *demo) retain(ctx context.Context) error {
	d.chapter("retain")
	h, child, err := d.enrol(ctx, "retain", birthday(d.app.Store.Now(), 8, 10), "13900000005")
	if err != nil {
		return err
	}
	document := sha256.Sum256([]byte("the order's record"))
	until := workday.On(d.app.Store.Now().AddDate(0, 0, 40)).Start()
	err = d.try(ctx, func(tx *db.Tx) error {
		_, _, err := legal.Approve(ctx, tx, d.officer, legal.Approval{Service: story, Items: []string{"nickname"}, Basis: legal.ECommerce,
			Paper: legal.Paper{Document: hex.EncodeToString(document[:])}, Until: until}, func(string) bool { return true })
		return err
	})
	if err != nil {
		return err
	}
	if _, err := d.client.Demand(ctx, h.child, wardkeep.Demanding{Kind: "delete", Door: "guardian", Guardian: child.Guardians[0].ID}); err != nil {
		return err
	}
	if err := d.erasing(ctx); err != nil {
		return err
	}
	sealed, err := d.kept(ctx)
	if err != nil {
		return err
	}
	told := slices.ContainsFunc(d.outbox.Messages(), func(m notify.Sent) bool {
		return strings.HasSuffix(m.Message.To.Reveal(), h.phone) && strings.Contains(m.Message.Text.Reveal(), lastDay(until))
	})
	d.show("20", "retained", sealed == 1 && errors.Is(d.named(ctx, h), wardkeep.ErrChildErased))
	d.show("20", "retained_told", told, "Until", lastDay(until))
	d.until(until.Add(time.Second))
	if err := d.erasing(ctx); err != nil {
		return err
	}
	left, err := d.kept(ctx)
	d.show("20", "retained_ended", left == 0)
	return err
}

// kept counts what is kept for a law.
func (d *demo) kept(ctx context.Context) (int64, error) {
	return d.count(ctx, `SELECT count(*) FROM kept_value`)
}

// suspect: an account that isn't registered as a child's may be one.
func (d *demo) suspect(ctx context.Context) error {
	d.chapter("suspect")
	const ref = "account-9"
	grown := birthday(d.app.Store.Now(), 25, 0)
	before, err := d.client.CheckAge(ctx, wardkeep.AgeCheck{Ref: ref, BirthDate: grown})
	if err != nil {
		return err
	}
	s, err := d.client.Suspect(ctx, wardkeep.NewSuspicion{Ref: ref, Source: "signal"})
	if err != nil {
		return err
	}
	meanwhile, err := d.client.CheckAge(ctx, wardkeep.AgeCheck{Ref: ref, BirthDate: grown})
	if err != nil {
		return err
	}
	d.show("2", "suspected", before.Age == "adult" && meanwhile.Age == "child" && s.TreatAs == "child",
		"Due", workday.On(s.DueAt.Add(-time.Second)))
	err = d.try(ctx, func(tx *db.Tx) error {
		if _, _, err := suspicion.Take(ctx, tx, d.officer, d.officer.Service, s.ID); err != nil {
			return err
		}
		_, _, err := suspicion.Decide(ctx, tx, d.officer, d.officer.Service, s.ID, suspicion.NotAChild, suspicion.DocumentSeen)
		return err
	})
	if err != nil {
		return err
	}
	after, err := d.client.Suspicion(ctx, s.ID)
	d.show("2", "unsuspected", err == nil && after.Outcome == "not_a_child" && after.Ref == "")
	return nil
}

// reported: somebody without an account and a name reports something, and reads the answer.
func (d *demo) reported(ctx context.Context) error {
	d.chapter("reported")
	desk := complaint.Desk{Ring: d.app.Ring, Calendar: d.app.Calendar}
	var c complaint.Complaint
	var secret string
	err := d.try(ctx, func(tx *db.Tx) error {
		p, err := complaint.NewPuzzle(ctx, tx, d.app.Ring)
		if err == nil {
			c, secret, err = desk.Receive(ctx, tx, p.Solve(), complaint.Report{Service: story, Kind: complaint.Collects, Words: pii.New("They record what the children say.")})
		}
		return err
	})
	if err != nil {
		return err
	}
	d.show("24", "reported", c.Open() && secret != "", "Number", c.Number(), "Due", lastDay(c.DueAt))
	var read []complaint.Text
	err = d.try(ctx, func(tx *db.Tx) (err error) {
		if _, _, err = desk.Show(ctx, tx, d.officer, story, c.ID); err != nil {
			return err
		}
		if _, err = desk.Answer(ctx, tx, d.officer, story, c.ID, complaint.Unfounded, pii.New("Only during a lesson, and a guardian has agreed.")); err != nil {
			return err
		}
		if c, err = desk.Follow(ctx, tx, c.Number(), secret); err == nil {
			read, err = desk.Texts(ctx, tx, c)
		}
		return err
	})
	d.show("24", "report_answered", err == nil && len(read) == 2 && !c.Open())
	return err
}

// lastDay is the day before a midnight, as people are told it.
func lastDay(end time.Time) string { return workday.On(end.Add(-time.Second)).String() }
