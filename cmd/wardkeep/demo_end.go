package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"wardkeep/client"
	xiaoxi "wardkeep/examples/xiaoxi-english"
	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/cessation"
	"wardkeep/internal/charter"
	"wardkeep/internal/notify"
)

// ending is another service of the same operator, which ends.
const ending = "xiaoxi-stories"

// end: a service ends, from the announcement to the last certificate (Article 23).
func (d *demo) end(ctx context.Context) error {
	d.chapter("end")
	officer, client, err := d.second(ctx, ending, func(*charter.Charter) {})
	if err != nil {
		return err
	}
	first := d.client
	d.client = client
	defer func() { d.client = first }()
	h, _, err := d.enrol(ctx, "end", birthday(d.app.Store.Now(), 9, 30), "13900000003")
	if err != nil {
		return err
	}
	var c catalog.Cessation
	begun := time.Now()
	err = d.try(ctx, func(tx *db.Tx) (err error) {
		c, _, err = catalog.Cease(ctx, tx, officer, ending, "", catalog.ClosingDown, cessation.Window(tx.Now(), 30))
		return err
	})
	if err != nil {
		return err
	}
	took := time.Since(begun)
	denied := d.name(ctx, h)
	_, late := d.client.Register(ctx, wardkeep.NewChild{Ref: "late", Guardian: wardkeep.GuardianContact{Phone: "13900000004", Relation: "parent"}})
	d.show("23", "ceasing", refusedWith(denied, "gate.service_ceasing") && late != nil, "Millis", took.Milliseconds())
	d.tellReasons(denied)
	d.pass(time.Minute)
	told, err := d.hears(ctx, h, notify.KindCeasing, func(ctx context.Context) error { return d.ceases(ctx) })
	if err != nil {
		return err
	}
	d.show("23", "ceasing_told", told, "Until", minute(c.EndsAt))
	d.until(c.EndsAt.Add(-time.Minute))
	if err := d.ceases(ctx); err != nil {
		return err
	}
	held, err := d.living(ctx)
	if err != nil {
		return err
	}
	d.until(c.EndsAt.Add(time.Minute))
	if err := d.ceases(ctx); err != nil {
		return err
	}
	left, err := d.living(ctx)
	if err != nil {
		return err
	}
	d.show("23", "ceased", held == 1 && left == 0)
	certified, err := d.hears(ctx, h, notify.KindCeased, func(context.Context) error { return nil })
	if err != nil {
		return err
	}
	_, after := d.client.Child(ctx, h.child)
	p, ok := errors.AsType[*wardkeep.Problem](after)
	reopened := d.try(ctx, func(tx *db.Tx) error {
		_, _, err := catalog.Publish(ctx, tx, officer, ending, 1)
		return err
	})
	d.show("23", "ceased_for_good", certified && ok && p.Status == 401 && errors.Is(reopened, catalog.ErrCeasing))
	return nil
}

// second opens one more service, by a charter that is another in something.
func (d *demo) second(ctx context.Context, service string, change func(*charter.Charter)) (officer catalog.Officer, client *wardkeep.Client, err error) {
	c, err := charter.Load(xiaoxi.Files)
	if err != nil {
		return officer, nil, err
	}
	c.Service = service
	change(c)
	if c, err = charter.Parse(c.Canonical()); err != nil {
		return officer, nil, err
	}
	var key string
	err = d.try(ctx, func(tx *db.Tx) (err error) {
		if _, _, err = catalog.Create(ctx, tx, operator, service, catalog.Live); err != nil {
			return err
		}
		if officer, _, err = establish(ctx, tx, c); err != nil {
			return err
		}
		_, key, _, err = account.IssueApp(ctx, tx, operator, service, service+"-app", account.AllScopes(), time.Time{})
		return err
	})
	if err != nil {
		return officer, nil, err
	}
	if client, err = wardkeep.New(d.base, service, key); err != nil {
		return officer, nil, err
	}
	client.Lang, client.HTTP = string(d.s.lang), d.client.HTTP
	return officer, client, nil
}

// ceases takes every step of the end that can be taken, as the server does each minute.
func (d *demo) ceases(ctx context.Context) error {
	for {
		done, err := cessation.Round(ctx, d.app.Store, d.app.Vault, d.app.Farewell(), nil)
		if err != nil || done == (cessation.Done{}) {
			d.app.Farewell().Wait()
			return err
		}
	}
}

// living counts the children of the service that ends.
func (d *demo) living(ctx context.Context) (n int64, err error) {
	err = d.app.Store.View(ctx, func(tx *db.Tx) (err error) {
		n, err = cessation.Living(ctx, tx, ending)
		return err
	})
	return n, err
}

// hears takes steps until a guardian has got such a message, and reports whether one
// came.
func (d *demo) hears(ctx context.Context, h *household, kind string, step func(context.Context) error) (bool, error) {
	for range 200 {
		if err := step(ctx); err != nil {
			return false, err
		}
		for _, m := range d.outbox.Messages() {
			if m.Message.Kind == kind && strings.HasSuffix(m.Message.To.Reveal(), h.phone) {
				return true, nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return false, nil
}
