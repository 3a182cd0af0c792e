package complaint_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/complaint"
	"wardkeep/internal/vault/vaulttest"
)

const service = vaulttest.Service

type world struct {
	*vaulttest.World
	desk complaint.Desk
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		fn(t, &world{w, complaint.Desk{Ring: w.Ring, Calendar: workday.Default()}})
	})
}

// solved is a puzzle that was made and solved.
func (w *world) solved() (p complaint.Proof) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		puzzle, err := complaint.NewPuzzle(ctx, tx, w.Ring)
		p = puzzle.Solve()
		return err
	})
	return p
}

func report() complaint.Report {
	return complaint.Report{Service: service, Kind: complaint.Collects, Words: pii.New("没有同意就录音"), Name: pii.New("周女士"), Contact: pii.New("13800138000"),
		Files: []pii.Text{pii.New("%PDF-1.7 说明")}}
}

func (w *world) send(p complaint.Proof, r complaint.Report) (c complaint.Complaint, secret string, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		c, secret, err = w.desk.Receive(ctx, tx, p, r)
		return err
	})
	return c, secret, err
}

func (w *world) sent() (complaint.Complaint, string) {
	w.T.Helper()
	c, secret, err := w.send(w.solved(), report())
	if err != nil {
		w.T.Fatal(err)
	}
	return c, secret
}

// do runs a verb that changes one report.
func (w *world) do(fn func(ctx context.Context, tx *db.Tx) (complaint.Complaint, error)) (c complaint.Complaint, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		c, err = fn(ctx, tx)
		return err
	})
	return c, err
}

func wants(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// Article 24: a report goes its way: it is acknowledged within a working day and answered
// within fifteen, its reporter follows it by number and secret, adds to it, opens it once more
// and no oftener; and after its time nothing of it is left.
func TestArticle24_AReportGoesItsWay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, secret := w.sent()
		days := workday.Default()
		if due, _ := days.Add(c.ReceivedAt, 1); !c.DueAt.Equal(due) || c.State(c.ReceivedAt) != complaint.Received || !c.EraseAt.Equal(c.ReceivedAt.Add(complaint.Kept)) {
			t.Errorf("%+v", c)
		}
		acknowledged, err := w.do(func(ctx context.Context, tx *db.Tx) (complaint.Complaint, error) {
			return w.desk.Acknowledge(ctx, tx, w.Officer, service, c.ID)
		})
		if due, _ := days.Add(c.ReceivedAt, 15); err != nil || !acknowledged.DueAt.Equal(due) || acknowledged.State(c.ReceivedAt) != complaint.Acknowledged {
			t.Errorf("%+v, %v", acknowledged, err)
		}
		_, err = w.do(func(ctx context.Context, tx *db.Tx) (complaint.Complaint, error) {
			return w.desk.Acknowledge(ctx, tx, w.Officer, service, c.ID)
		})
		wants(t, "acknowledged twice", err, complaint.ErrState)
		// As people type it: in small letters, without hyphens, an O for a zero.
		sloppy := strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(secret, "-", " "), "0", "O"))
		if _, err = w.do(func(ctx context.Context, tx *db.Tx) (complaint.Complaint, error) {
			return w.desk.Add(ctx, tx, strings.ToLower(c.Number()), sloppy, pii.New("还有一段录音"), []pii.Text{pii.New("\x89PNG\r\n\x1a\n图")})
		}); err != nil {
			t.Errorf("more: %v", err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, texts, err := w.desk.Show(ctx, tx, w.Officer, service, c.ID)
			if err != nil || len(texts) != 2 || texts[0].Words.Reveal() != "没有同意就录音" || texts[0].Contact.Reveal() != "13800138000" || !texts[1].Theirs() {
				t.Errorf("%d texts, %v", len(texts), err)
			}
			f, data, err := w.desk.Fetch(ctx, tx, w.Officer, service, c.ID, 1)
			if err != nil || f.Kind != "image/png" || data.Reveal() != "\x89PNG\r\n\x1a\n图" {
				t.Errorf("the attachment is a %s, %v", f.Kind, err)
			}
			_, _, err = w.desk.Fetch(ctx, tx, w.Officer, service, c.ID, 2)
			wants(t, "an attachment that there isn't", err, complaint.ErrNotFound)
			return nil
		})
		answer := func(outcome complaint.Outcome, words string) (complaint.Complaint, error) {
			return w.do(func(ctx context.Context, tx *db.Tx) (complaint.Complaint, error) {
				return w.desk.Answer(ctx, tx, w.Officer, service, c.ID, outcome, pii.New(words))
			})
		}
		_, err = answer(complaint.Repeated, "好")
		wants(t, "an answer that is none", err, complaint.ErrOutcome)
		_, err = answer(complaint.Founded, " ")
		wants(t, "an answer without words", err, complaint.ErrWords)
		answered, err := answer(complaint.Founded, "已删除录音")
		if err != nil || answered.State(w.Store.Now()) != complaint.Answered || answered.Late(w.Store.Now().Add(complaint.Kept)) {
			t.Errorf("%+v, %v", answered, err)
		}
		reopen := func() (complaint.Complaint, error) {
			return w.do(func(ctx context.Context, tx *db.Tx) (complaint.Complaint, error) {
				return w.desk.Reopen(ctx, tx, c.Number(), secret, pii.New("还能听到"))
			})
		}
		reopened, err := reopen()
		if due, _ := days.Add(reopened.ReopenedAt, 15); err != nil || reopened.State(w.Store.Now()) != complaint.Reopened || !reopened.DueAt.Equal(due) {
			t.Errorf("%+v, %v", reopened, err)
		}
		w.Pass(30 * 24 * time.Hour)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			if late, err := complaint.CountLate(ctx, tx, service); err != nil || late != 1 {
				t.Errorf("%d late, %v", late, err)
			}
			return nil
		})
		if _, err = answer(complaint.Partly, "现已全部删除"); err != nil {
			t.Error(err)
		}
		_, err = reopen()
		wants(t, "opened a second time", err, complaint.ErrState)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			now, err := w.desk.Follow(ctx, tx, c.Number(), secret)
			if err != nil || now.State(tx.Now()) != complaint.Closed || now.Notes != 5 || now.Files != 2 {
				t.Errorf("%+v, %v", now, err)
			}
			return nil
		})
		numbered := func(when string, want int, in ...string) {
			t.Helper()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				all, err := complaint.NumberedIn(ctx, tx, in, c.Number())
				if len(all) != want {
					t.Errorf("%s its number leads to %d reports", when, len(all))
				}
				return err
			})
		}
		numbered("in its service", 1, "other", service)
		numbered("in another", 0, "other")
		// Article 12: at that second nobody reads it, swept or not.
		w.Pass(complaint.Kept - 30*24*time.Hour)
		numbered("after its time", 0, service)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.desk.Follow(ctx, tx, c.Number(), secret)
			wants(t, "followed after its time", err, complaint.ErrSecret)
			_, _, err = w.desk.Show(ctx, tx, w.Officer, service, c.ID)
			wants(t, "read after its time", err, complaint.ErrNotFound)
			over, err := complaint.ToErase(ctx, tx, complaint.Complaint{}, 10)
			if err != nil || len(over) != 1 {
				t.Fatalf("%d are over, %v", len(over), err)
			}
			if did, err := complaint.Erase(ctx, tx, "system:retention", over[0]); !did || err != nil {
				t.Errorf("erased: %v, %v", did, err)
			}
			for _, table := range []string{"complaint", "complaint_note", "complaint_file"} {
				if n, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM `+table); n != 0 || err != nil {
					t.Errorf("%d rows of %s are left, %v", n, table, err)
				}
			}
			return nil
		})
	})
}

// Article 24: who isn't the office of the service reads and answers nothing; and of the wrong
// secret nobody learns that there is a report.
func TestArticle24_NobodyElseReadsAReport(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, secret := w.sent()
		elsewhere := w.Officer
		elsewhere.Service = "other"
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			for who, by := range map[string]complaint.Actor{"an officer of another service": elsewhere, "an operator": operator{}} {
				_, _, err := w.desk.Show(ctx, tx, by, service, c.ID)
				wants(t, who, err, complaint.ErrMayNot)
				_, err = w.desk.Dismiss(ctx, tx, by, service, c.ID, complaint.Senseless)
				wants(t, who, err, complaint.ErrMayNot)
			}
			for name, with := range map[string][2]string{"another secret": {c.Number(), "0000-0000-0000-0000"}, "none": {c.Number(), ""}, "a long one": {c.Number(), strings.Repeat("0", 10_000)},
				"another number": {"7K2M-9QXT", secret}, "no number": {"x", secret}} {
				_, err := w.desk.Follow(ctx, tx, with[0], with[1])
				wants(t, name, err, complaint.ErrSecret)
			}
			list, err := complaint.FilesOf(ctx, tx, c)
			if err != nil || len(list) != 1 || list[0].Kind != "application/pdf" || list[0].Size == 0 {
				t.Errorf("the list of attachments: %+v, %v", list, err)
			}
			for _, f := range list {
				_, err := f.Mark(w.Ring)
				wants(t, "a list with what is in them", err, complaint.ErrSealed)
			}
			_, err = w.desk.Link(ctx, tx, w.Officer, service, c.ID, id.New(id.Child))
			wants(t, "handed on as a child", err, complaint.ErrLink)
			return nil
		})
	})
}

type operator struct{}

func (operator) Ledger() string        { return catalog.Operator{ID: "test"}.Ledger() }
func (operator) Governs(_ string) bool { return true }

// Article 24: what a stranger sends is limited, and a form counts once, for two hours, and
// solved.
func TestArticle24_WhatAReportRefuses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for name, c := range map[string]struct {
			change func(r *complaint.Report)
			want   error
		}{
			"of no kind":            {func(r *complaint.Report) { r.Kind = "weather" }, complaint.ErrKind},
			"without words":         {func(r *complaint.Report) { r.Words = pii.New(" \n ") }, complaint.ErrWords},
			"a novel":               {func(r *complaint.Report) { r.Words = pii.New(strings.Repeat("长", complaint.MaxWords+1)) }, complaint.ErrWords},
			"of control characters": {func(r *complaint.Report) { r.Words = pii.New("a\x1bb") }, complaint.ErrWords},
			"a name of many words":  {func(r *complaint.Report) { r.Name = pii.New(strings.Repeat("长", complaint.MaxName+1)) }, complaint.ErrName},
			"a contact of bytes":    {func(r *complaint.Report) { r.Contact = pii.New("\xff") }, complaint.ErrName},
			"a page with a script":  {func(r *complaint.Report) { r.Files = []pii.Text{pii.New("<html><script>alert(1)</script>")} }, complaint.ErrFile},
			"a program":             {func(r *complaint.Report) { r.Files = []pii.Text{pii.New("\x7fELF\x02\x01\x01")} }, complaint.ErrFile},
			"an empty file":         {func(r *complaint.Report) { r.Files = []pii.Text{pii.New("")} }, complaint.ErrFileSize},
			"a large file": {func(r *complaint.Report) {
				r.Files = []pii.Text{pii.New("%PDF-" + strings.Repeat("x", complaint.MaxFile))}
			}, complaint.ErrFileSize},
			"many files":    {func(r *complaint.Report) { r.Files = make([]pii.Text, complaint.MaxFiles+1) }, complaint.ErrFiles},
			"of no service": {func(r *complaint.Report) { r.Service = "nowhere" }, catalog.ErrNotFound},
		} {
			r := report()
			c.change(&r)
			_, _, err := w.send(w.solved(), r)
			wants(t, name, err, c.want)
		}
		p := w.solved()
		for name, forged := range map[string]complaint.Proof{
			"no challenge":             {},
			"a challenge of their own": {Challenge: "1." + strconv.FormatInt(w.Store.Now().Unix(), 10) + ".0." + id.Secret(16) + "." + id.Secret(32), Solution: "1"},
			"an easier challenge":      {Challenge: strings.Replace(p.Challenge, ".15.", ".1.", 1), Solution: p.Solution},
			"another solution":         {Challenge: p.Challenge, Solution: p.Solution + "x"},
			"a long solution":          {Challenge: p.Challenge, Solution: strings.Repeat("1", 1000)},
			"no solution at once":      {Challenge: p.Challenge},
			"a long challenge":         {Challenge: strings.Repeat("1", 100_000), Solution: "1"},
		} {
			_, _, err := w.send(forged, report())
			wants(t, name, err, complaint.ErrPuzzle)
		}
		if _, _, err := w.send(p, report()); err != nil {
			t.Fatal(err)
		}
		_, _, err := w.send(p, report())
		wants(t, "the same form twice", err, complaint.ErrSent)
		p = w.solved()
		w.Pass(complaint.Patience)
		patient := complaint.Proof{Challenge: p.Challenge}
		if solved, err := w.desk.Solved(patient, w.Store.Now()); solved || err != nil {
			t.Errorf("who has no script and waits: %v, %v", solved, err)
		}
		w.Pass(2 * time.Hour)
		_, _, err = w.send(p, report())
		wants(t, "an old form", err, complaint.ErrStale)
		_, _, err = w.send(patient, report())
		wants(t, "an old form without a script", err, complaint.ErrStale)
	})
}

// Article 24: whoever floods the desk makes it harder for everybody, up to a moment of a
// telephone's, and then it is full for an hour; attachments of a day are few enough for any
// disk.
func TestArticle24_AFloodIsBounded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.sent()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			before, err := complaint.NewPuzzle(ctx, tx, w.Ring)
			if err != nil {
				return err
			}
			now := tx.Now()
			flood := func(n int) error {
				for range n {
					name := id.New(id.Complaint)
					if _, err := tx.Exec(ctx, `
						INSERT INTO complaint (id, service, whole, kind, received_at, due_at, outcome, erase_at, linked, notes, files, secret, challenge)
						VALUES ($1, $2, false, 'other', $3, $4, '', $4, '', 1, 0, $5, $5)`, name, service, (*db.Time)(&now), now.Add(time.Hour).UnixMicro(), []byte(name)); err != nil {
						return err
					}
				}
				return nil
			}
			if err := flood(60); err != nil {
				return err
			}
			harder, err := complaint.NewPuzzle(ctx, tx, w.Ring)
			if err != nil || harder.Bits <= before.Bits || harder.Bits > 21 {
				t.Errorf("%d bits, and then %d, %v", before.Bits, harder.Bits, err)
			}
			if err := flood(300 - 61); err != nil {
				return err
			}
			_, _, err = w.desk.Receive(ctx, tx, before.Solve(), report())
			wants(t, "the 301st of an hour", err, complaint.ErrMany)
			return nil
		})
		w.Pass(time.Hour + time.Minute)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			now := tx.Now()
			for n := range int64(299) {
				if _, err := tx.Exec(ctx, `INSERT INTO complaint_file (complaint, number, note, added_at, kind, size, sealed, salt) VALUES ('x', $1, 0, $2, '', 0, $3, $3)`, n, (*db.Time)(&now), []byte("x")); err != nil {
					return err
				}
			}
			return nil
		})
		_, _, err := w.send(w.solved(), report())
		wants(t, "the 301st attachment of a day", err, complaint.ErrFilesFull)
		r := report()
		r.Files = nil
		if _, _, err := w.send(w.solved(), r); err != nil {
			t.Errorf("words without one: %v", err)
		}
	})
}
