package app_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/border"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
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
				due, found, err := app.Duties(a, ctx, tx)
				if err != nil {
					return err
				}
				// Article 21: of each but a border, which is no leak, a case is opened.
				if cases := slices.DeleteFunc(slices.Clone(causes), func(cause string) bool { return cause == message.BordersNear }); len(found) != len(cases) ||
					len(found) == 1 && string(found[0].Cause) != cases[0] {
					t.Errorf("%s: %+v", when, found)
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
		do(func(ctx context.Context, tx *db.Tx) error {
			now := tx.Now()
			return tx.Queue(ctx, `INSERT INTO border_year (year, persons, marked_at) VALUES ($1, 8000, $2)`, border.YearOf(now), (*db.Time)(&now))
		})
		asks("many have crossed a border", message.BordersNear)
		do(func(ctx context.Context, tx *db.Tx) error {
			return tx.Queue(ctx, `UPDATE border_year SET marked_at = marked_at - $1`, int64(24*time.Hour/time.Microsecond))
		})
		asks("that was told")
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
		// Whoever has looked at it and closed its case doesn't have the next a minute later.
		if _, err := app.PassDuties(a, t.Context()); err != nil {
			t.Error(err)
		}
		closed, left := 0, -1
		do(func(ctx context.Context, tx *db.Tx) error {
			open, err := incident.Waiting(ctx, tx, in.Officer.Service, 10)
			closed = len(open)
			deputy, errDeputy := catalog.Holder(ctx, tx, in.Officer.Service, catalog.RoleDeputy)
			err = errors.Join(err, errDeputy)
			for _, c := range open {
				if err == nil {
					_, _, err = incident.Triage(ctx, tx, a.Ring, in.Officer, c.Service, c.ID, incident.Minor, 0, pii.New("looked at"))
				}
				if err == nil {
					_, _, err = incident.Close(ctx, tx, a.Ring, deputy, c.Service, c.ID, incident.Unfounded, pii.New("nothing"))
				}
			}
			return err
		})
		if _, err := app.PassDuties(a, t.Context()); err != nil {
			t.Error(err)
		}
		do(func(ctx context.Context, tx *db.Tx) error {
			open, err := incident.Waiting(ctx, tx, in.Officer.Service, 10)
			left = len(open)
			return err
		})
		if closed != 1 || left != 0 {
			t.Errorf("%d cases of a forged run, and %d again", closed, left)
		}
		do(func(ctx context.Context, tx *db.Tx) error { return tx.Queue(ctx, `UPDATE incident SET opened_at = 1`) }) // tomorrow
		// A case that can't be opened keeps the letter from nobody.
		do(func(ctx context.Context, tx *db.Tx) error { return tx.Queue(ctx, `DROP TABLE incident_plan`) })
		if letters, err := app.PassDuties(a, t.Context()); letters != 1 || err == nil {
			t.Errorf("no case can be opened: %d letters, %v", letters, err)
		}
	})
}

// Article 15: a server that runs raises the alarm of a decoy that an app's key has read, within
// seconds and by itself, and the audit finds nothing amiss.
func TestArticle15_AServerWatchesItsDecoys(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		server := in.Start().Await()
		a, client, ctx := in.Open(apptest.Discard()), in.Client(server.Base), t.Context()
		child := agreed(t, client, nil)
		if _, err := client.Collect(ctx, child, "", wardkeep.Collection{Purpose: "class-ranking", Values: map[string]string{"nickname": "小溪"}}); err != nil {
			t.Fatal(err)
		}
		in.Do(a, func(ctx context.Context, tx *db.Tx) error {
			return approval.Decoy(ctx, tx, a.Ring, in.Officer, family.ID(child))
		})
		began := time.Now()
		read, err := client.Read(ctx, child, wardkeep.Reading{Purpose: "class-ranking", Items: []string{"nickname"}})
		if err != nil || read.Values["nickname"] != "小溪" {
			t.Fatalf("the app is answered %d values, %v", len(read.Values), err)
		}
		raised := 0
		for ; raised == 0 && time.Since(began) < 20*time.Second; time.Sleep(50 * time.Millisecond) {
			in.Do(a, func(ctx context.Context, tx *db.Tx) error {
				raised = 0
				head, err := ledger.Head(ctx, tx)
				if err != nil {
					return err
				}
				return ledger.ReadKinds(ctx, tx, 0, head.Size, []string{approval.KindAlarm}, func(p ledger.Placed) error {
					var b approval.AlarmBody
					if err := p.Into(&b); err != nil || b.Use != read.Entry || !strings.HasPrefix(p.Actor, "app:") {
						t.Errorf("%+v by %s, %v", b, p.Actor, err)
					}
					raised++
					return nil
				})
			})
		}
		if raised != 1 {
			t.Errorf("%d alarms after %v", raised, time.Since(began))
		}
		if r, err := replay.Audit(ctx, a.Store, a.Ring, a.Charters, replay.Options{}); err != nil || !r.OK() {
			t.Errorf("%v, %v", r.Differences, err)
		}
	})
}
