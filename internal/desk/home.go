package desk

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"wardkeep/internal/assistance"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
)

// homePage is what home.html shows: what the party is entrusted with, and what it owes. Of one
// that doesn't stand it is what it owes alone.
type homePage struct {
	Party   string // as the charter's readers know it
	Service string
	Role    party.Role
	Why     string // in words: why it gets nothing
	Ended   bool
	Stated  bool // that all is deleted

	Purposes              []entrusted
	From, Until, Assessed time.Time
	CheckBy, EndsAt       time.Time // zero: none

	Tasks, Orders, Bundles owed
	Officers               []catalog.Officer
}

// entrusted is a purpose, and what the party gets for it.
type entrusted struct {
	Label string
	Items []string
}

// owed counts what is open, and of that what is late. Many says that there is more than was
// counted.
type owed struct {
	Open, Late int
	Many       bool
}

// mostCounted bounds what the first page counts.
const mostCounted = 200

func (s *Server) home(v *visit) error {
	var page homePage
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		of, is, now := v.by.Key.Party, v.by.Standing, tx.Now()
		page = homePage{Service: of.Service, Role: of.Role, Ended: !is.EndedAt(now).IsZero()}
		l, err := v.labels(ctx, tx)
		if err != nil {
			return err
		}
		page.Party = l.party()
		if v.late != nil {
			page.Why = v.words(v.late)
		} else {
			p, err := party.Find(ctx, tx, of)
			if err != nil {
				return err
			}
			paper := is.Paper()
			if page.Bundles, err = v.countBundles(ctx, tx); err != nil {
				return err
			}
			page.From, page.Until, page.Assessed, page.CheckBy, page.EndsAt = paper.From, paper.Until, is.Assessment.Until, p.CheckBy, is.EndsAt
			for _, purpose := range slices.Sorted(maps.Keys(paper.Scope)) {
				page.Purposes = append(page.Purposes, entrusted{l.purpose(purpose), l.items(paper.Scope[purpose])})
			}
		}
		tasks, err := assistance.Waiting(ctx, tx, of, assistance.Task{}, mostCounted+1)
		if err != nil {
			return err
		}
		for _, t := range tasks {
			page.Tasks.add(t.Late(now))
		}
		orders, err := order.ListOf(ctx, tx, of, order.Order{}, mostCounted+1)
		if err != nil {
			return err
		}
		for _, o := range orders {
			page.Orders.add(!now.Before(o.DueAt))
		}
		if page.Ended {
			st, err := order.StatementOf(ctx, tx, of, is.EndedAt(now))
			if err != nil {
				return err
			}
			page.Stated = !st.AttestedAt.IsZero()
		}
		page.Officers, err = catalog.InOffice(ctx, tx, of.Service)
		return err
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "home", page)
}

func (o *owed) add(late bool) {
	if o.Open == mostCounted {
		o.Many = true
		return
	}
	o.Open++
	if late {
		o.Late++
	}
}

// labels are what things are called in the charter in force; without one, their short names.
type labels struct {
	of   party.ID
	lang charter.Lang
	c    *charter.Charter
}

func (v *visit) labels(ctx context.Context, tx *db.Tx) (labels, error) {
	l := labels{of: v.by.Key.Party, lang: charter.Chinese, c: &charter.Charter{}}
	if v.lang == i18n.English {
		l.lang = charter.English
	}
	p, err := v.s.Charters.Current(ctx, tx, l.of.Service)
	switch e := errs.Of(err); {
	case err == nil:
		l.c = p.Charter
	case !e.Is(catalog.ErrNoCharter) && !e.Is(catalog.ErrDamaged):
		return l, err
	}
	return l, nil
}

func (l labels) words(w charter.Words, name string) string {
	if words := w.In(l.lang); words != "" {
		return words
	}
	return name
}

func (l labels) party() string {
	if l.of.Role == party.Recipient {
		r, _ := l.c.Recipient(l.of.Name)
		return l.words(r.Label, l.of.Name)
	}
	p, _ := l.c.Processor(l.of.Name)
	return l.words(p.Label, l.of.Name)
}

func (l labels) purpose(name string) string {
	p, _ := l.c.Purpose(name)
	return l.words(p.Label, name)
}

func (l labels) purposes(names []string) (all []string) {
	for _, name := range names {
		all = append(all, l.purpose(name))
	}
	return all
}

func (l labels) items(names []string) (all []string) {
	for _, name := range names {
		i, _ := l.c.Item(name)
		all = append(all, l.words(i.Label, name))
	}
	return all
}
