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
	"wardkeep/internal/family/age"
	"wardkeep/internal/notify"
	"wardkeep/internal/party"
)

// ending is another service of the same operator, which ends.
const ending = "xiaoxi-stories"

// successor is the recipient that takes it over, and handover the purpose that asks
// about it (edge case 18).
const (
	successor = "haixing"
	handover  = "handover"
)

// end: a service ends, from the announcement to the last certificate (Article 23). Who
// takes it over gets nothing, since nobody agrees to it anew (edge case 18).
func (d *demo) end(ctx context.Context) error {
	d.chapter("end")
	officer, client, err := d.second(ctx, ending, takenOver)
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
		c, _, err = catalog.CeaseTo(ctx, tx, officer, ending, catalog.ClosingDown, cessation.Window(tx.Now(), 30),
			catalog.Takeover{Recipient: successor, Document: "PIA-2026-18", Assessed: tx.Now().In(age.Zone).Format(time.DateOnly)})
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
	_, sold := d.client.Transfer(ctx, h.child, wardkeep.Handover{Purpose: handover, Recipient: successor, Items: []string{"nickname"}})
	told, err := d.hears(ctx, h, notify.KindTakeover, func(ctx context.Context) error { return d.ceases(ctx) })
	if err != nil {
		return err
	}
	d.show("23", "ceasing_told", told, "Until", minute(c.EndsAt))
	d.show("17", "takeover", told && refusedWith(sold, "gate.consent_before_takeover"))
	d.tellReasons(sold)
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
	certified, err := d.hears(ctx, h, notify.KindCeasedUnhanded, func(context.Context) error { return nil })
	if err != nil {
		return err
	}
	_, after := d.client.Child(ctx, h.child)
	p, ok := errors.AsType[*wardkeep.Problem](after)
	reopened := d.try(ctx, func(tx *db.Tx) error {
		_, _, err := party.Publish(ctx, tx, d.app.Ring, officer, ending, 1)
		return err
	})
	d.show("23", "ceased_for_good", certified && ok && p.Status == 401 && errors.Is(reopened, catalog.ErrCeasing))
	return nil
}

// takenOver has a charter name who takes over.
func takenOver(c *charter.Charter) {
	words := func(zh, en string) charter.Words { return charter.Words{ZH: zh, EN: en} }
	c.Recipients = append(c.Recipients, charter.Recipient{
		Name: successor, Label: words("海星少儿教育", "Haixing Education for Children"), Contact: "privacy@haixing.example", Country: charter.Home,
		Why: words("接手故事课，让孩子接着听", "To carry on the stories"), Items: []string{"nickname"},
	})
	kept := c.Purposes[len(c.Purposes)-1].Retention
	c.Purposes = append(c.Purposes, charter.Purpose{
		Name: handover, Label: words("转给接手的公司", "Going to the company that takes over"),
		Why:        words("海星少儿教育接手后，孩子可以接着听。", "So that your child can go on listening."),
		Manner:     words("由应用加密传给它，只传一次。", "The app sends it there, encrypted, once."),
		Activities: []charter.Activity{charter.Transfer}, Items: []string{"nickname"}, Recipients: []string{successor}, Retention: kept,
		AtExpiry:  words("自动删除。", "It is deleted automatically."),
		IfRefused: words("不转移，这里的信息到期删除。", "Nothing is transferred, and what is here is deleted at the end."),
	})
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
		if officer, _, err = establish(ctx, tx, d.app.Ring, c); err != nil {
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
