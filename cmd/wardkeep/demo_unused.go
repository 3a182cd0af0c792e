package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"wardkeep/client"
	"wardkeep/internal/access"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/charter"
	"wardkeep/internal/notify"
)

// unusing is a service whose charter gives accounts that nobody uses a shorter time.
const unusing = "xiaoxi-songs"

// unused: of two accounts that nobody uses, one is used again in time (Article 12).
func (d *demo) unused(ctx context.Context) error {
	d.chapter("unused")
	period, err := charter.ParsePeriod("3m")
	if err != nil {
		return err
	}
	_, client, err := d.second(ctx, unusing, func(c *charter.Charter) { c.Inactive = period })
	if err != nil {
		return err
	}
	first := d.client
	d.client = client
	defer func() { d.client = first }()
	left, _, err := d.enrol(ctx, "left", birthday(d.app.Store.Now(), 8, 60), "13900000005")
	if err != nil {
		return err
	}
	back, _, err := d.enrol(ctx, "back", birthday(d.app.Store.Now(), 8, 90), "13900000006")
	if err != nil {
		return err
	}
	lang := string(d.s.lang)
	page, err := d.client.Charter(ctx, lang)
	if err != nil {
		return err
	}
	storage := page.Notice.Sections[slices.Index(charter.SectionKeys, "storage")]
	said := period.In(charter.Lang(lang))
	d.show("10", "unused_notice", strings.Contains(storage.Points[len(storage.Points)-1].Text, said), "Period", said, "Days", charter.InactiveLead)
	ends := access.Begin(access.IdleFrom(period, access.DayOf(d.app.Store.Now())))
	lead := charter.InactiveLead * 24 * time.Hour
	d.until(ends.Add(-lead - 25*time.Hour))
	early, err := d.announced(ctx, left)
	if err != nil {
		return err
	}
	d.until(ends.Add(-lead - 23*time.Hour))
	told, err := d.announced(ctx, left)
	if err != nil {
		return err
	}
	heard, err := d.hears(ctx, left, notify.KindInactive, d.idles)
	if err != nil {
		return err
	}
	d.show("12", "unused_told", !early && told && heard, "Day", workday.On(ends))
	used := d.named(ctx, back)
	d.until(ends.Add(-time.Minute))
	if err := d.idles(ctx); err != nil {
		return err
	}
	_, before := d.client.Child(ctx, left.child)
	d.until(ends.Add(time.Minute))
	if err := d.idles(ctx); err != nil {
		return err
	}
	_, after := d.client.Child(ctx, left.child)
	certified, err := d.hears(ctx, left, notify.KindIdleErased, func(context.Context) error { return nil })
	if err != nil {
		return err
	}
	d.show("12", "unused_erased", before == nil && errors.Is(after, wardkeep.ErrChildErased) && certified, "Day", workday.On(ends))
	d.show("12", "unused_kept", used == nil && d.named(ctx, back) == nil)
	return nil
}

// announced has what is due done, and reports whether the operator's systems were told that
// nobody uses an account.
func (d *demo) announced(ctx context.Context, h *household) (bool, error) {
	if err := d.idles(ctx); err != nil {
		return false, err
	}
	return d.happened(ctx, "child.inactive", h)
}

// idles counts what was used, and sweeps, as the server does every few minutes.
func (d *demo) idles(ctx context.Context) error {
	if err := d.settle(ctx); err != nil {
		return err
	}
	for {
		n, err := access.Count(ctx, d.app.Store)
		if err != nil {
			return err
		}
		if n == 0 {
			return d.erasing(ctx)
		}
	}
}
