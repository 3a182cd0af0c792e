package desk

import (
	"context"
	"net/http"
	"time"

	"wardkeep/internal/assistance"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/party"
)

// tasksPage is what tasks.html shows: what the party is asked to help with (Article 16(2)).
type tasksPage struct {
	Rows []taskRow
	Done bool // one was answered just now
	pager
}

// A taskRow is a task as its party sees it: the child is its handle of this party.
type taskRow struct {
	ID, Number, Kind, Child string
	Item                    string // of a demand about one
	Items                   []string
	AskedAt, DueAt          time.Time
	Late                    bool
}

func (v *visit) taskRow(t assistance.Task, l labels, now time.Time) taskRow {
	row := taskRow{ID: t.ID, Number: t.Number(), Kind: t.Kind, Child: party.HandleOf(v.s.Ring, t.Party, t.Child), Items: l.items(t.Items),
		AskedAt: t.AskedAt, DueAt: t.DueAt, Late: t.Late(now)}
	if t.Item != "" {
		row.Item = l.items([]string{t.Item})[0]
	}
	return row
}

func (s *Server) tasks(v *visit) error {
	page := tasksPage{Done: v.r.URL.Query().Has("done")}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		l, err := v.labels(ctx, tx)
		if err != nil {
			return err
		}
		all, at, err := paged(v, func(id string) (assistance.Task, error) { return assistance.Find(ctx, tx, v.by, id) },
			func(after assistance.Task, limit int) ([]assistance.Task, error) {
				return assistance.Waiting(ctx, tx, v.by.Key.Party, after, limit)
			},
			func(t assistance.Task) string { return t.ID })
		if err != nil {
			return err
		}
		page.Rows, page.pager = nil, at
		for _, t := range all {
			page.Rows = append(page.Rows, v.taskRow(t, l, tx.Now()))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "tasks", page)
}

// taskPage is what task.html shows: one task, and the form by which it is answered.
type taskPage struct {
	taskRow
	AnsweredAt time.Time // zero while it is open
	Over       bool      // its demand ended before that
	Answer     assistance.Answer
	Answers    []assistance.Answer
	Chosen     string // in the form that was sent
	Words      string // what was typed in it
	Problem    string
	Field      string
}

func (s *Server) task(v *visit) error { return v.taskPage(nil) }

func (v *visit) taskPage(problem error) error {
	words, field, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	var page taskPage
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		l, err := v.labels(ctx, tx)
		if err != nil {
			return err
		}
		t, err := assistance.Find(ctx, tx, v.by, v.r.PathValue("task"))
		if err != nil {
			return err
		}
		page = taskPage{taskRow: v.taskRow(t, l, tx.Now()), AnsweredAt: t.AnsweredAt, Over: t.Answer == assistance.Lapsed, Answer: t.Answer, Answers: assistance.Answers, Problem: words, Field: field}
		if problem != nil {
			page.Chosen, page.Words = v.r.PostFormValue("answer"), v.r.PostFormValue("words")
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(status, "task", page)
}

// reply takes the party's answer.
func (s *Server) reply(v *visit) error {
	err := v.act(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := assistance.Reply(ctx, tx, s.Ring, v.by, v.r.PathValue("task"), assistance.Answer(v.r.PostFormValue("answer")), typed(v, "words"))
		return err
	})
	if e := errs.Of(err); e.Is(assistance.ErrAnswered) || e.Is(assistance.ErrOver) {
		return v.to("/party/tasks/{task}") // which says so
	}
	if err != nil {
		return v.taskPage(err)
	}
	return v.to("/party/tasks", "done", "")
}

// typed returns what was typed into a field; the zero Text where that is nothing.
func typed(v *visit, field string) (t pii.Text) {
	if s := v.r.PostFormValue(field); s != "" {
		t = pii.New(crlf.Replace(s))
	}
	return t
}
