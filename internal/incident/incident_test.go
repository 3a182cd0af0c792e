package incident_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
	"wardkeep/internal/replay"
	"wardkeep/internal/vault/vaulttest"
)

const service = vaulttest.Service

func desk(w *vaulttest.World) incident.Desk {
	return incident.Desk{Ring: w.Ring, Charters: w.Desk.Charters}
}

func report(w *vaulttest.World) incident.Report {
	now := w.Store.Now()
	return incident.Report{Kind: incident.Leaked, Items: []string{"voice", "nickname", "voice"}, Children: 30,
		BeganAt: now.Add(-24 * time.Hour), NoticedAt: now.Add(-time.Minute), Words: pii.New("一份名单可以公开访问。")}
}

func open(w *vaulttest.World, r incident.Report) (c incident.Case, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		c, _, err = desk(w).Open(ctx, tx, w.Officer, service, r)
		return err
	})
	return c, err
}

func triage(w *vaulttest.World, by catalog.Officer, name string, grade incident.Grade, children int64) (c incident.Case, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		c, _, err = incident.Triage(ctx, tx, w.Ring, by, service, name, grade, children, pii.New("日志里没有访问。"))
		return err
	})
	return c, err
}

func end(w *vaulttest.World, by catalog.Officer, name string, outcome incident.Outcome) (c incident.Case, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		c, _, err = incident.Close(ctx, tx, w.Ring, by, service, name, outcome, pii.New("页面已关闭。"))
		return err
	})
	return c, err
}

// audited has everything compared with the ledger.
func audited(w *vaulttest.World) {
	w.T.Helper()
	r, err := replay.Audit(w.T.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
	if err != nil || !r.OK() {
		w.T.Errorf("%v, %v", r.Differences, err)
	}
}

// take writes down that steps were taken; those about the authority as package authority does,
// which TestArticle21_TheAuthorityIsTold tries.
func take(w *vaulttest.World, by approval.Actor, name string, steps ...incident.Step) (c incident.Case, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		for _, step := range steps {
			write := incident.Write
			if slices.Contains(incident.Telling, step) {
				write = incident.Tell
			}
			if err == nil {
				c, _, err = write(ctx, tx, w.Ring, by, service, name, step, pii.New("按预案办理。"))
			}
		}
		return err
	})
	return c, err
}

// deputy is who else is in office.
func deputy(w *vaulttest.World) (o catalog.Officer) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		o, err = catalog.Holder(ctx, tx, service, catalog.RoleDeputy)
		return err
	})
	return o
}

// Article 21: a case is opened at once, graded within an hour, and what has to be reported is
// within four; no time ends it.
func TestArticle21_AnIncidentGoesItsWay(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		c, err := open(w, report(w))
		if err != nil || c.State() != incident.Opened || !c.DueAt.Equal(c.OpenedAt.Add(incident.TriageWithin)) || strings.Join(c.Items, " ") != "nickname voice" {
			t.Fatalf("%+v, %v", c, err)
		}
		if _, err := end(w, w.Officer, c.ID, incident.Unfounded); !errors.Is(err, incident.ErrUngraded) {
			t.Errorf("before it is graded: %v", err)
		}
		w.Pass(2 * time.Hour)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			for of, want := range map[string]int64{service: 1, "": 1, "another": 0} {
				if open, late, err := incident.Count(ctx, tx, of); err != nil || open != want || late != want {
					t.Errorf("of %q %d are open, %d late, %v", of, open, late, err)
				}
			}
			return nil
		})
		serious, err := triage(w, w.Officer, c.ID, incident.Serious, 45)
		if err != nil || serious.State() != incident.Triaged || serious.Children != 45 || !serious.DueAt.Equal(c.OpenedAt.Add(incident.ReportWithin)) {
			t.Fatalf("%+v, %v", serious, err)
		}
		if _, err := end(w, deputy(w), c.ID, incident.Remedied); !errors.Is(err, incident.ErrReported) {
			t.Errorf("what wasn't reported: %v", err)
		}
		w.Pass(60 * 24 * time.Hour)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			now, err := incident.Find(ctx, tx, service, c.ID)
			if err != nil || !now.Late(tx.Now()) {
				t.Errorf("time ends it: %+v, %v", now, err)
			}
			return nil
		})
		if lacks, err := end(w, w.Officer, c.ID, incident.Reported); !errors.Is(err, incident.ErrMissing) ||
			!slices.Equal(lacks.Missing(incident.Reported), []incident.Step{incident.StepPlan, incident.StepRemedy, incident.StepReport, incident.StepNotice, incident.StepWrapped}) {
			t.Errorf("of which nothing was done: %v, %v", lacks.Missing(incident.Reported), err)
		}
		if c, err := take(w, w.Officer, c.ID, incident.StepPlan, incident.StepRemedy, incident.StepReport); err != nil || !c.DueAt.Equal(c.OpenedAt.Add(incident.NoticeWithin)) {
			t.Errorf("of which the authority was told: %+v, %v", c, err)
		}
		if c, err := take(w, w.Officer, c.ID, incident.StepWarning); err != nil || !c.DueAt.Equal(serious.TriagedAt.Add(incident.WrapWithin)) {
			t.Errorf("of which everybody was told: %+v, %v", c, err)
		}
		if lacks, err := end(w, w.Officer, c.ID, incident.Unfounded); !errors.Is(err, incident.ErrMissing) || !slices.Equal(lacks.Missing(incident.Unfounded), []incident.Step{incident.StepWrapped}) {
			t.Errorf("the authority isn't told that it was nothing: %v, %v", lacks.Missing(incident.Unfounded), err)
		}
		if _, err := take(w, w.Officer, c.ID, incident.StepWrapped); err != nil {
			t.Errorf("the authority is told how it ended: %v", err)
		}
		over, err := end(w, w.Officer, c.ID, incident.Reported)
		if err != nil || over.State() != incident.Closed || over.Outcome != incident.Reported || !over.TriagedAt.Equal(serious.TriagedAt) {
			t.Fatalf("%+v, %v", over, err)
		}
		for what, err := range map[string]error{
			"told":   func() error { _, err := take(w, w.Officer, c.ID, incident.StepNotice); return err }(),
			"graded": func() error { _, err := triage(w, w.Officer, c.ID, incident.Serious, 0); return err }(),
			"closed": func() error { _, err := end(w, w.Officer, c.ID, incident.Reported); return err }(),
		} {
			if !errors.Is(err, incident.ErrClosed) {
				t.Errorf("%s after its end: %v", what, err)
			}
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error { // more may become known
			_, _, err := incident.Write(ctx, tx, w.Ring, w.Officer, service, c.ID, "", pii.New("后来又发现一份。"))
			return err
		})
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			now, err := incident.Find(ctx, tx, service, c.ID)
			if err != nil {
				return err
			}
			notes, err := incident.NotesOf(ctx, tx, now)
			if err != nil || now.Notes != 9 || len(notes) != 9 {
				t.Fatalf("%d notes, %d written, %v", now.Notes, len(notes), err)
			}
			for i, want := range map[int]string{0: "一份名单可以公开访问。", 1: "日志里没有访问。", 7: "页面已关闭。", 8: "后来又发现一份。"} {
				if words, err := notes[i].Words(w.Ring); err != nil || words.Reveal() != want {
					t.Errorf("note %d: %v", i, err)
				}
			}
			waiting, err := incident.Waiting(ctx, tx, service, 10)
			if err != nil || len(waiting) != 0 {
				t.Errorf("%d wait, %v", len(waiting), err)
			}
			closed, _, err := incident.List(ctx, tx, []string{service}, incident.Wanted{Closed: true}, db.Cursor{}, 10)
			if err != nil || len(closed) != 1 {
				t.Errorf("%d are over, %v", len(closed), err)
			}
			return nil
		})
	})
}

// Edge case 21: what isn't known to be minor is reported, and no one person makes it less.
func TestEdgeCase21_UnclearCountsAsSerious(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		other := deputy(w)
		c, err := open(w, report(w))
		if err != nil {
			t.Fatal(err)
		}
		unclear, err := triage(w, w.Officer, c.ID, incident.Unclear, 0)
		if err != nil || !unclear.DueAt.Equal(c.OpenedAt.Add(incident.ReportWithin)) || unclear.Children != 30 {
			t.Fatalf("%+v, %v", unclear, err)
		}
		if _, err := triage(w, w.Officer, c.ID, incident.Minor, 0); !errors.Is(err, incident.ErrSecond) {
			t.Errorf("made less by the same person: %v", err)
		}
		if _, err := end(w, w.Officer, c.ID, incident.Unfounded); !errors.Is(err, incident.ErrSecond) {
			t.Errorf("ended as nothing by the same person: %v", err)
		}
		if _, err := triage(w, other, c.ID, incident.Minor, incident.Larger); !errors.Is(err, incident.ErrTooMild) {
			t.Errorf("a million are minor: %v", err)
		}
		if _, err := take(w, w.Officer, c.ID, incident.StepUnreported); !errors.Is(err, incident.ErrReported) {
			t.Errorf("silent about what is unclear: %v", err)
		}
		minor, err := triage(w, other, c.ID, incident.Minor, 0)
		if err != nil || !minor.DueAt.Equal(unclear.TriagedAt.Add(incident.WrapWithin)) {
			t.Fatalf("%+v, %v", minor, err)
		}
		_, err = take(w, other, c.ID, incident.StepPlan, incident.StepRemedy, incident.StepUnreported, incident.StepUntold)
		if err == nil {
			_, err = end(w, other, c.ID, incident.Remedied)
		}
		if err != nil {
			t.Errorf("what is minor: %v", err)
		}
		// Nor are they by one person who says that there are fewer.
		most := report(w)
		most.Children = incident.Larger
		if c, err = open(w, most); err != nil {
			t.Fatal(err)
		}
		if _, err := triage(w, w.Officer, c.ID, incident.Minor, 30); !errors.Is(err, incident.ErrTooMild) {
			t.Errorf("made fewer, and minor, at once: %v", err)
		}
		if _, err = triage(w, w.Officer, c.ID, incident.Unclear, 30); err == nil {
			_, err = triage(w, other, c.ID, incident.Minor, 0)
		}
		if err != nil {
			t.Errorf("made fewer by one and minor by another: %v", err)
		}
		second, err := open(w, report(w))
		if err == nil {
			_, err = triage(w, w.Officer, second.ID, incident.Serious, 0)
		}
		if err == nil {
			_, err = end(w, other, second.ID, incident.Unfounded)
		}
		if err != nil {
			t.Errorf("another person finds that nothing had happened: %v", err)
		}
		// Nor is it silent to call it minor first, and then nothing.
		if c, err = open(w, report(w)); err == nil {
			_, err = triage(w, w.Officer, c.ID, incident.Minor, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := end(w, w.Officer, c.ID, incident.Unfounded); !errors.Is(err, incident.ErrSecond) {
			t.Errorf("minor and then nothing, by one person: %v", err)
		}
		if _, err := end(w, other, c.ID, incident.Unfounded); err != nil {
			t.Errorf("minor, and nothing by another person: %v", err)
		}
		// Whom the ledger names nobody makes fewer, nor is anybody silent about them.
		if c, err = open(w, report(w)); err == nil {
			_, err = triage(w, w.Officer, c.ID, incident.Minor, 0)
		}
		if err == nil {
			_, err = take(w, w.Officer, c.ID, incident.StepPlan, incident.StepRemedy, incident.StepUnreported, incident.StepUntold)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := reach(w, w.Officer, c.ID, incident.Found{Subject: w.Child().Subject}); err != nil {
			t.Fatal(err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			return tx.Queue(ctx, `UPDATE incident_list SET children = $1 WHERE incident = $2`, int64(incident.Larger), c.ID)
		})
		if _, err := triage(w, other, c.ID, incident.Minor, 30); !errors.Is(err, incident.ErrTooMild) {
			t.Errorf("a million are on its list: %v", err)
		}
		if _, err := end(w, other, c.ID, incident.Remedied); !errors.Is(err, incident.ErrReported) {
			t.Errorf("a million are on its list, and it is put right: %v", err)
		}
		if _, err := take(w, other, c.ID, incident.StepUnreported); !errors.Is(err, incident.ErrReported) {
			t.Errorf("a million are on its list, and nobody is told: %v", err)
		}
	})
}

// What can't be a report isn't one; and who doesn't hold the office opens, grades and closes
// nothing.
func TestArticle21_WhatAnIncidentRefuses(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		now := w.Store.Now()
		for name, c := range map[string]struct {
			change func(r *incident.Report)
			want   error
		}{
			"of no kind":                {func(r *incident.Report) { r.Kind = "" }, incident.ErrKind},
			"of what the charter lacks": {func(r *incident.Report) { r.Items = []string{"王小明"} }, incident.ErrItem},
			"of fewer than none":        {func(r *incident.Report) { r.Children = -1 }, incident.ErrChildren},
			"never noticed":             {func(r *incident.Report) { r.NoticedAt = time.Time{} }, incident.ErrTime},
			"noticed tomorrow":          {func(r *incident.Report) { r.NoticedAt = now.Add(24 * time.Hour) }, incident.ErrTime},
			"begun after that":          {func(r *incident.Report) { r.BeganAt = r.NoticedAt.Add(time.Second) }, incident.ErrTime},
			"without words":             {func(r *incident.Report) { r.Words = pii.New(" \n") }, incident.ErrWords},
			"of control characters":     {func(r *incident.Report) { r.Words = pii.New("a\x00b") }, incident.ErrWords},
			"a novel":                   {func(r *incident.Report) { r.Words = pii.New(strings.Repeat("长", 4001)) }, incident.ErrWords},
		} {
			r := report(w)
			c.change(&r)
			if _, err := open(w, r); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		bare := incident.Report{Kind: incident.Lost, Suspected: true, NoticedAt: now, Words: pii.New("不清楚。")}
		c, err := open(w, bare)
		if err != nil || !c.BeganAt.IsZero() || len(c.Items) != 0 {
			t.Errorf("what little is known: %+v, %v", c, err)
		}
		elsewhere := w.Officer
		elsewhere.Service = "other"
		if _, err := triage(w, elsewhere, c.ID, incident.Minor, 0); !errors.Is(err, incident.ErrMayNot) {
			t.Errorf("an officer of another service: %v", err)
		}
		if _, err := triage(w, w.Officer, c.ID, "mild", 0); !errors.Is(err, incident.ErrGrade) {
			t.Errorf("a grade of their own: %v", err)
		}
		if _, err := triage(w, w.Officer, "in_nothing", incident.Minor, 0); !errors.Is(err, incident.ErrNotFound) {
			t.Errorf("what there isn't: %v", err)
		}
		for _, step := range append([]incident.Step{incident.StepClosed}, incident.Telling...) {
			err := w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := incident.Write(ctx, tx, w.Ring, w.Officer, service, c.ID, step, pii.New("已报告。"))
				return err
			})
			if !errors.Is(err, incident.ErrStep) {
				t.Errorf("a step of another verb by hand: %s, %v", step, err)
			}
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			now, err := incident.Find(ctx, tx, service, c.ID)
			if err != nil || now.Notes != 1 {
				t.Errorf("what was refused has left a note: %+v, %v", now, err)
			}
			return nil
		})
	})
}

// Article 16(3): a party reports by itself, and sees its own alone; also when it is suspended,
// and not by a key that is revoked. However many it reports, no more than a hundred are open.
func TestArticle16_APartyReportsALeakItself(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		of := vaulttest.ProcessorID()
		w.Engage(w.Store.Now().Add(24 * time.Hour))
		key, _ := w.Bind(of)
		leak := func(times int) (c incident.Case, err error) {
			err = w.Try(func(ctx context.Context, tx *db.Tx) error {
				by, err := party.ClientOf(ctx, tx, key.ID)
				for range times {
					if err == nil {
						c, _, err = desk(w).Leak(ctx, tx, by, report(w))
					}
				}
				return err
			})
			return c, err
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Suspend(ctx, tx, w.Officer, of, party.Incident)
			return err
		})
		c, err := leak(1)
		if err != nil || c.Source != incident.Party || c.Party != of || c.Reporter != "party:"+key.ID {
			t.Fatalf("%+v, %v", c, err)
		}
		ours, err := open(w, report(w))
		if err != nil {
			t.Fatal(err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			by, err := party.ClientOf(ctx, tx, key.ID)
			if err != nil {
				return err
			}
			if got, err := incident.FindOf(ctx, tx, by, c.ID); err != nil || got.ID != c.ID {
				t.Errorf("its own: %v", err)
			}
			if got, _, err := incident.Add(ctx, tx, w.Ring, by, c.ID, pii.New("又发现一个")); err != nil || got.Notes != 2 {
				t.Errorf("more of its own: %+v, %v", got, err)
			}
			if _, err := incident.FindOf(ctx, tx, by, ours.ID); !errors.Is(err, incident.ErrNotFound) {
				t.Errorf("another's: %v", err)
			}
			return nil
		})
		err = w.Try(func(ctx context.Context, tx *db.Tx) error {
			by, err := party.ClientOf(ctx, tx, key.ID)
			if err == nil {
				_, _, err = incident.Add(ctx, tx, w.Ring, by, ours.ID, pii.New("x"))
			}
			return err
		})
		if !errors.Is(err, incident.ErrNotFound) {
			t.Errorf("more of another's: %v", err)
		}
		if _, err := leak(100); !errors.Is(err, incident.ErrMany) {
			t.Errorf("a hundred and one: %v", err)
		}
		if _, err := leak(99); err != nil {
			t.Errorf("a hundred: %v", err)
		}
		w.Pass(24*time.Hour + party.Lingers)
		if _, err := leak(1); !errors.Is(err, party.ErrKeyOver) {
			t.Errorf("long after the end: %v", err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Revoke(ctx, tx, w.Officer, of, key.ID)
			return err
		})
		if _, err := leak(1); !errors.Is(err, party.ErrKeyRevoked) {
			t.Errorf("by a key that is revoked: %v", err)
		}
	})
}

// Article 21: who presses twice has one case; another person, another report, or a later one has
// its own.
func TestArticle21_AReportOfTheStaffSentTwiceIsOneCase(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		r := report(w)
		r.NoticedAt, r.BeganAt = r.NoticedAt.Truncate(time.Microsecond), r.BeganAt.Truncate(time.Microsecond)
		first, err := open(w, r)
		if err != nil {
			t.Fatal(err)
		}
		same := func(by catalog.Officer, r incident.Report) (c incident.Case) {
			err := w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
				c, err = incident.SameOf(ctx, tx, w.Ring, by, service, r)
				return err
			})
			if (c.ID == "") != errors.Is(err, incident.ErrNotFound) {
				t.Errorf("%+v, %v", c, err)
			}
			return c
		}
		other := r
		other.Words = pii.New("另一份名单。")
		if same(w.Officer, r).ID != first.ID || same(deputy(w), r).ID != "" || same(w.Officer, other).ID != "" {
			t.Error("a report isn't told from another, or from itself")
		}
		w.Pass(10 * time.Minute)
		if same(w.Officer, r).ID != "" {
			t.Error("what is reported ten minutes later is the same")
		}
	})
}

// Article 16(3): a report that is sent several times at once, to whatever node, is one case.
func TestArticle16_AReportSentTwiceAtOnceIsOneCase(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		of := vaulttest.ProcessorID()
		w.Engage(w.Store.Now().Add(24 * time.Hour))
		key, _ := w.Bind(of)
		r := report(w)
		r.NoticedAt, r.BeganAt = r.NoticedAt.Truncate(time.Microsecond), r.BeganAt.Truncate(time.Microsecond)
		failed := make(chan error, 4)
		for range cap(failed) {
			go func() {
				failed <- w.Store.Update(t.Context(), func(tx *db.Tx) error {
					ctx := t.Context()
					by, err := party.ClientOf(ctx, tx, key.ID)
					if err == nil {
						_, err = incident.Same(ctx, tx, w.Ring, by, r)
					}
					if errors.Is(err, incident.ErrNotFound) {
						_, _, err = desk(w).Leak(ctx, tx, by, r)
					}
					return err
				})
			}()
		}
		for range cap(failed) {
			if err := <-failed; err != nil {
				t.Error(err)
			}
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			if open, _, err := incident.Count(ctx, tx, service); err != nil || open != 1 {
				t.Errorf("%d cases, %v", open, err)
			}
			return nil
		})
	})
}

// Edge case 21: what one person has said no second account, and no second term, of theirs takes
// back.
func TestEdgeCase21_TheSecondPersonIsAnotherPerson(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		c, err := open(w, report(w))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = triage(w, w.Officer, c.ID, incident.Unclear, 0); err != nil {
			t.Fatal(err)
		}
		appoint := func(role catalog.Role, name string) (o catalog.Officer) {
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				o, _, err = catalog.Appoint(ctx, tx, catalog.Operator{ID: "test"}, service, role, name, name+"@example.com")
				return err
			})
			return o
		}
		// Who has graded it lays the office down, and comes back as deputy.
		appoint(catalog.RoleOfficer, "新任")
		again := appoint(catalog.RoleDeputy, w.Officer.Name)
		if again.ID == w.Officer.ID {
			t.Fatal("the term is the same")
		}
		for what, err := range map[string]error{
			"graded": func() error { _, err := triage(w, again, c.ID, incident.Minor, 0); return err }(),
			"closed": func() error { _, err := end(w, again, c.ID, incident.Unfounded); return err }(),
		} {
			if !errors.Is(err, incident.ErrSecond) {
				t.Errorf("%s by the same person in another office: %v", what, err)
			}
		}
		if _, err := triage(w, appoint(catalog.RoleDeputy, "另一位"), c.ID, incident.Minor, 0); err != nil {
			t.Errorf("by another person: %v", err)
		}
		audited(w)
	})
}

// Article 21: an alarm opens a case by itself, once for each of whose doing it is, however long
// it goes on and however often the watcher dies; anew once that case is closed.
func TestArticle21_AnAlarmOpensACase(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		raise := func(actor string, causes ...approval.Cause) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				return approval.Raise(ctx, tx, service, "", actor, causes, "")
			})
		}
		signer, _, err := ledger.NewSigner("wardkeep.test", make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		log := ledger.Open(w.Store, "wardkeep.test", signer)
		watch := func() {
			if err := log.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			for {
				n, err := desk(w).Watch(t.Context(), w.Store)
				if err != nil {
					t.Fatal(err)
				}
				if n == 0 {
					return
				}
			}
		}
		opened := func() (all []incident.Case) {
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				all, err = incident.Waiting(ctx, tx, service, 100)
				return err
			})
			return all
		}
		raise("app:ak_one", approval.Burst, approval.OddHours)
		raise("app:ak_one", approval.Burst)
		raise("app:ak_two", approval.Touched)
		watch()
		watch()
		all := opened()
		if len(all) != 2 {
			t.Fatalf("%d cases: %+v", len(all), all)
		}
		for _, c := range all {
			if c.Source != incident.Alarm || !c.Suspected || c.Kind != incident.Leaked || (c.Cause == incident.Burst) != (c.Suspect == "app:ak_one") || c.Late(w.Store.Now()) {
				t.Errorf("%+v", c)
			}
		}
		first := all[slices.IndexFunc(all, func(c incident.Case) bool { return c.Cause == incident.Burst })]
		if _, err := triage(w, w.Officer, first.ID, incident.Minor, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := end(w, deputy(w), first.ID, incident.Unfounded); err != nil {
			t.Fatal(err)
		}
		w.Pass(time.Second)
		raise("app:ak_one", approval.Burst)
		watch()
		if all := opened(); len(all) != 2 {
			t.Errorf("what begins anew: %d cases", len(all))
		}
		// What the store itself says is one case of each service, as long as it is so.
		since := w.Store.Now()
		finding := incident.Finding{Cause: incident.Unswept, At: since}
		for range 2 {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				services, err := incident.Unraised(ctx, tx, finding)
				for _, s := range services {
					_, _, err = desk(w).Raise(ctx, tx, s, finding)
				}
				return err
			})
		}
		if all := opened(); len(all) != 3 {
			t.Errorf("a sweep that fails: %d cases", len(all))
		}
		// Also where a clock went wrong, or a hand was at it.
		for _, at := range []time.Time{since.Add(time.Hour), time.UnixMicro(1)} {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				c, _, err := desk(w).Raise(ctx, tx, service, incident.Finding{Cause: incident.Audited, Suspect: at.String(), At: at})
				if err == nil && !c.NoticedAt.Equal(c.OpenedAt) {
					t.Errorf("it was noticed at %v", c.NoticedAt)
				}
				return err
			})
		}
		// One that can't be read keeps no other from its case.
		before := len(opened())
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: approval.KindAlarm, Service: service, Actor: "app:ak_one", Body: []int{1}})
			return err
		})
		raise("app:ak_three", approval.Touched)
		watch()
		if now := len(opened()); now != before+1 {
			t.Errorf("behind an alarm that can't be read: %d cases, then %d", before, now)
		}
	})
}

// Article 21: a system of the operator's reports by its key, within bounds, and sees its own alone.
func TestArticle21_AnAppReportsALeak(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		var c, ours incident.Case
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			c, _, err = desk(w).ReportBy(ctx, tx, w.App, report(w))
			return err
		})
		ours, err := open(w, report(w))
		if err != nil {
			t.Fatal(err)
		}
		if c.Source != incident.App || c.Reporter != w.App.Ledger() {
			t.Errorf("%+v", c)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			if _, err := incident.FindBy(ctx, tx, w.App, ours.ID); !errors.Is(err, incident.ErrNotFound) {
				t.Errorf("another's: %v", err)
			}
			_, _, err := incident.AddBy(ctx, tx, w.Ring, w.App, c.ID, pii.New("已关闭接口"))
			return err
		})
		err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
			for range 100 {
				if err == nil {
					_, _, err = desk(w).ReportBy(ctx, tx, w.App, report(w))
				}
			}
			return err
		})
		if !errors.Is(err, incident.ErrMany) {
			t.Errorf("a hundred and one: %v", err)
		}
		audited(w)
	})
}

// plan adopts a plan of one step.
func plan(w *vaulttest.World, by catalog.Officer, critical bool) (p incident.Plan, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		p, _, err = incident.Adopt(ctx, tx, w.Ring, by, service, incident.Sheet{Critical: critical,
			Steps: []incident.Task{{Minutes: 15, Who: "值班工程师", What: "关闭链接"}}, Contacts: []incident.Contact{{Who: "负责人", How: "电话"}}})
		return err
	})
	return p, err
}

// Article 21: opening a case starts the plan in force, which says within how long the authority is
// told; its steps are done once; and nobody alone gives back the time.
func TestArticle21_OpeningStartsThePlan(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		bare, err := open(w, report(w))
		if err != nil || bare.Plan != 0 || bare.ReportIn != incident.ReportWithin || bare.Took(incident.StepPlan) {
			t.Errorf("without a plan: %+v, %v", bare, err)
		}
		if p, err := plan(w, w.Officer, true); err != nil || p.Number != 1 {
			t.Fatalf("%+v, %v", p, err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			if until, err := incident.PlannedUntil(ctx, tx, service); err != nil || !until.After(tx.Now().Add(363*24*time.Hour)) || until.After(tx.Now().Add(365*24*time.Hour)) {
				t.Errorf("it counts until %v, %v", until, err)
			}
			return nil
		})
		c, err := open(w, report(w))
		if err != nil || c.Plan != 1 || c.ReportIn != time.Hour || !c.Took(incident.StepPlan) {
			t.Fatalf("%+v, %v", c, err)
		}
		if c, err := triage(w, w.Officer, c.ID, incident.Serious, 0); err != nil || !c.DueAt.Equal(c.OpenedAt.Add(time.Hour)) {
			t.Errorf("of critical infrastructure: %+v, %v", c, err)
		}
		vice := deputy(w)
		done := func(name string, step int64) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := incident.Done(ctx, tx, vice, service, name, step)
				return err
			})
		}
		if err := done(c.ID, 0); err != nil {
			t.Error(err)
		}
		for what, c := range map[string]struct {
			err, want error
		}{
			"twice":        {done(c.ID, 0), incident.ErrTicked},
			"a step of no": {done(c.ID, 1), incident.ErrStep},
			"without plan": {done(bare.ID, 0), incident.ErrNoPlan},
		} {
			if !errors.Is(c.err, c.want) {
				t.Errorf("%s: %v", what, c.err)
			}
		}
		if _, err := plan(w, w.Officer, false); !errors.Is(err, incident.ErrSecond) {
			t.Errorf("the time is given back by the same person: %v", err)
		}
		if p, err := plan(w, deputy(w), false); err != nil || p.Number != 2 {
			t.Errorf("by another: %+v, %v", p, err)
		}
		if c, err := open(w, report(w)); err != nil || c.Plan != 2 || c.ReportIn != incident.ReportWithin {
			t.Errorf("after that: %+v, %v", c, err)
		}
		audited(w)
	})
}

// Article 21: a drill goes through the same room, counts as nothing that has happened, stops
// nothing, and is on record with its end.
func TestArticle21_ADrillIsNoIncident(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		r := report(w)
		r.Drill = true
		c, err := open(w, r)
		if err != nil || !c.Drill {
			t.Fatalf("%+v, %v", c, err)
		}
		w.Pass(2 * time.Hour)
		err = w.Try(func(ctx context.Context, tx *db.Tx) error {
			if open, late, err := incident.Count(ctx, tx, service); err != nil || open != 0 || late != 0 {
				t.Errorf("%d open, %d late, %v", open, late, err)
			}
			_, _, err := incident.Contain(ctx, tx, w.Ring, w.Officer, service, c.ID, incident.StepRevoked, w.App.ID, "", pii.New("x"))
			return err
		})
		if !errors.Is(err, incident.ErrDrill) {
			t.Errorf("something real is stopped: %v", err)
		}
		if _, err = triage(w, w.Officer, c.ID, incident.Minor, 0); err == nil {
			_, err = end(w, w.Officer, c.ID, incident.Unfounded)
		}
		if err != nil {
			t.Fatal(err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			r, err := catalog.LastPlan(ctx, tx, service, catalog.EmergencyDrill)
			if err != nil || !strings.Contains(r.Title, c.Number()) {
				t.Errorf("%+v, %v", r, err)
			}
			return nil
		})
		audited(w)
	})
}
