package desk

import (
	"context"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/incident"
)

func (s *Server) incidents() incident.Desk {
	return incident.Desk{Ring: s.Ring, Charters: s.Charters}
}

// leaksPage is what leaks.html shows: the form by which a leak is reported (Article 16(3)), and
// what the party has reported that isn't closed.
type leaksPage struct {
	Kinds   []incident.Kind
	Items   []choice
	Typed   leakTyped
	Open    []leakRow
	Problem string
	Field   string
}

// leakTyped is what was typed into the form, so that it needn't be typed again.
type leakTyped struct {
	Kind, Children, Began, Noticed, Words string
	Suspected                             bool
}

type choice struct {
	Name, Label string
	Chosen      bool
}

type leakRow struct {
	ID, Number string
	Kind       incident.Kind
	OpenedAt   time.Time
	State      incident.State
}

func rowOf(c incident.Case) leakRow { return leakRow{c.ID, c.Number(), c.Kind, c.OpenedAt, c.State()} }

func (s *Server) leaks(v *visit) error { return v.leaksPage(nil) }

func (v *visit) leaksPage(problem error) error {
	words, field, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := leaksPage{Kinds: incident.Kinds, Problem: words, Field: field}
	if problem != nil {
		page.Typed = leakTyped{v.r.PostFormValue("kind"), v.r.PostFormValue("children"), v.r.PostFormValue("began"), v.r.PostFormValue("noticed"), v.r.PostFormValue("words"), v.r.PostFormValue("suspected") != ""}
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		l, err := v.labels(ctx, tx)
		if err != nil {
			return err
		}
		page.Items, page.Open = nil, nil
		// What it was ever given it may have leaked, whatever it stands on now.
		for _, name := range v.given() {
			if label := l.items([]string{name})[0]; l.has(name) {
				page.Items = append(page.Items, choice{name, label, problem != nil && slices.Contains(v.r.PostForm["item"], name)})
			}
		}
		open, err := incident.OpenOf(ctx, tx, v.by)
		for _, c := range open {
			page.Open = append(page.Open, rowOf(c))
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "leaks", page)
}

// given are the items of the paper that the party stands on or stood on last.
func (v *visit) given() (items []string) {
	for _, some := range v.by.Standing.Paper().Scope {
		items = append(items, some...)
	}
	slices.Sort(items)
	return slices.Compact(items)
}

// has reports whether the charter in force knows the item: a report names no other.
func (l labels) has(item string) bool {
	_, ok := l.c.Item(item)
	return ok
}

// reportLeak opens a case, and leads to it; of a form that was sent twice, to the one that it
// has opened.
func (s *Server) reportLeak(v *visit) error {
	report, err := incident.ReportOf(v.r.PostForm)
	if err != nil {
		return v.leaksPage(err)
	}
	var opened incident.Case
	err = v.act(func(ctx context.Context, tx *db.Tx) (err error) {
		report := report
		if opened, err = incident.Same(ctx, tx, s.Ring, v.by, report); !errs.Of(err).Is(incident.ErrNotFound) {
			return err
		}
		if report.NoticedAt.IsZero() {
			report.NoticedAt = tx.Now()
		}
		opened, _, err = s.incidents().Leak(ctx, tx, v.by, report)
		return err
	})
	if err != nil {
		return v.leaksPage(err)
	}
	return v.to("/party/leaks/"+opened.ID, "done", "")
}

// leakPage is what leak.html shows: one case that the party has reported, and the form by which
// it adds what it has found or done since.
type leakPage struct {
	leakRow
	Suspected          bool
	Items              []string
	Children           int64
	BeganAt, NoticedAt time.Time
	Open               bool
	Done, Added        bool
	Words, Problem     string
}

func (s *Server) leak(v *visit) error { return v.leakPage(nil) }

func (v *visit) leakPage(problem error) error {
	words, _, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	var page leakPage
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		l, err := v.labels(ctx, tx)
		if err != nil {
			return err
		}
		c, err := incident.FindOf(ctx, tx, v.by, v.r.PathValue("leak"))
		if err != nil {
			return err
		}
		q := v.r.URL.Query()
		page = leakPage{leakRow: rowOf(c), Suspected: c.Suspected, Items: l.items(c.Items), Children: c.Children, BeganAt: c.BeganAt, NoticedAt: c.NoticedAt,
			Open: c.Open(), Done: q.Has("done"), Added: q.Has("added"), Problem: words}
		if problem != nil {
			page.Words = v.r.PostFormValue("words")
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(status, "leak", page)
}

// addToLeak takes what the party has found or done since it reported a case.
func (s *Server) addToLeak(v *visit) error {
	err := v.act(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := incident.Add(ctx, tx, s.Ring, v.by, v.r.PathValue("leak"), typed(v, "words"))
		return err
	})
	if errs.Of(err).Is(incident.ErrClosed) {
		return v.to("/party/leaks/{leak}") // which says so
	}
	if err != nil {
		return v.leakPage(err)
	}
	return v.to("/party/leaks/{leak}", "added", "")
}
