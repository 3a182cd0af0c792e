package app_test

import (
	"context"
	"testing"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/message"
	"wardkeep/internal/replay"
	"wardkeep/internal/staff"
)

// Articles 12 and 22: a sweep that is behind, an audit that has found something, and one
// that was written by hand, are told to whoever holds an office, under a name by which the
// letter is sent once.
func TestArticle12_WhatNoEntryTellsIsAskedForOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		a := in.Open(apptest.Discard())
		do := func(fn func(ctx context.Context, tx *db.Tx) error) {
			t.Helper()
			if err := a.Store.Update(t.Context(), func(tx *db.Tx) error { return fn(t.Context(), tx) }); err != nil {
				t.Fatal(err)
			}
		}
		var who staff.Person
		do(func(ctx context.Context, tx *db.Tx) error {
			office, err := staff.OfOffice(ctx, tx, apptest.Service, in.Officer.ID)
			if err == nil {
				who, err = staff.Add(ctx, tx, catalog.Operator{ID: "test"}, "林静", office)
			}
			return err
		})
		asks := func(when string, causes ...string) (names []string) {
			t.Helper()
			do(func(ctx context.Context, tx *db.Tx) error {
				due, err := app.Duties(a, ctx, tx)
				if err != nil {
					return err
				}
				if len(due) != len(causes) {
					t.Errorf("%s: %+v", when, due)
				}
				for i, d := range due {
					if i < len(causes) && (d.Cause != causes[i] || d.Person != who.ID || d.At == 0) {
						t.Errorf("%s: %+v", when, d)
					}
					names = append(names, d.About)
				}
				return nil
			})
			return names
		}
		do(func(ctx context.Context, tx *db.Tx) error { return db.Beat(ctx, tx, "sweep") })
		asks("nothing is late")
		do(func(ctx context.Context, tx *db.Tx) error {
			return tx.Queue(ctx, `UPDATE heartbeat SET at = at - $1 WHERE name = 'sweep'`, int64(3*time.Hour/time.Microsecond))
		})
		if one, two := asks("a sweep is behind", message.SweepBehind), asks("it is still", message.SweepBehind); one[0] != two[0] {
			t.Errorf("%v, %v", one, two)
		}
		do(func(ctx context.Context, tx *db.Tx) error { return db.Beat(ctx, tx, "sweep") })
		do(func(ctx context.Context, tx *db.Tx) error { return replay.Keep(ctx, tx, a.Ring, replay.Run{}) })
		asks("an audit has found nothing")
		do(func(ctx context.Context, tx *db.Tx) error {
			return replay.Keep(ctx, tx, a.Ring, replay.Run{Differences: 1})
		})
		one := asks("an audit has found something", message.AuditDiffers)
		do(func(ctx context.Context, tx *db.Tx) error {
			return replay.Keep(ctx, tx, a.Ring, replay.Run{Findings: 1})
		})
		if two := asks("another has", message.AuditDiffers); two[0] == one[0] {
			t.Errorf("two audits are one: %v", two)
		}
		do(func(ctx context.Context, tx *db.Tx) error { return tx.Queue(ctx, `UPDATE audit_run SET findings = 0`) })
		asks("it was written by hand", message.AuditDiffers)
	})
}
