// Package board tells of each of the 29 articles how it stands, at this moment, computed
// from what is stored.
//
// Its one invariant: nobody ticks anything. A state is made of numbers, each of which is
// read when the board is looked at, and each of which leads to what it counts. What nothing
// here computes is said to be so, and doesn't count as held; nor does what an operator can
// do only outside.
package board

import (
	"context"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
)

// A State is how an article stands.
type State string

// The states, the worse the later.
const (
	Outside   State = "outside"   // it is kept, or not, outside of this system
	Holds     State = "holds"     // and each number of it says so
	NotYet    State = "not_yet"   // nothing here computes it
	Attention State = "attention" // somebody has to look
	Broken    State = "broken"    // something is that must not be
)

// States are all of them, the worst first.
var States = []State{Broken, Attention, NotYet, Holds, Outside}

func worse(a, b State) State {
	if slices.Index(States, a) < slices.Index(States, b) {
		return a
	}
	return b
}

// Many is up to how many of what is late are counted: the number is read, not searched.
const Many = 1000

// A Figure is a number behind a state. Its name is that of its words.
type Figure struct {
	Name string
	N    int64
	// Else is the state of the article while the number isn't 0; empty: it only tells.
	Else State
}

// Speaks reports whether the number keeps the article from holding.
func (f Figure) Speaks() bool { return f.Else != "" && f.N != 0 }

// An Article is one of the 29, and how it stands.
type Article struct {
	Number  int
	State   State
	Figures []Figure
}

// A Desk computes the board.
type Desk struct {
	Ring     *keyring.Ring
	Charters *catalog.Cache
	Patience time.Duration // for how long the system may be late with what it does by itself
}

// An article is how one of the 29 is computed: of each service, and of the installation.
type article struct {
	rest  State // while no number speaks
	each  func(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error)
	whole func(ctx context.Context, tx *db.Tx, d Desk) ([]Figure, error)
}

// Of returns the articles in order, as they stand for these services.
func (d Desk) Of(ctx context.Context, tx *db.Tx, services []catalog.Service) (all []Article, err error) {
	of, err := d.standings(ctx, tx, services)
	if err != nil {
		return nil, err
	}
	return d.all(ctx, tx, of)
}

// Each returns the articles as they stand for each of the services by itself.
func (d Desk) Each(ctx context.Context, tx *db.Tx, services []catalog.Service) (all [][]Article, err error) {
	of, err := d.standings(ctx, tx, services)
	if err != nil {
		return nil, err
	}
	for i := range of {
		one, err := d.all(ctx, tx, of[i:i+1])
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func (d Desk) all(ctx context.Context, tx *db.Tx, of []*standing) (all []Article, err error) {
	for i := range articles {
		a, err := d.article(ctx, tx, i, of)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// One returns one article as it stands for these services together, and its state for each
// of them. There are 29.
func (d Desk) One(ctx context.Context, tx *db.Tx, number int, services []catalog.Service) (a Article, each []State, err error) {
	of, err := d.standings(ctx, tx, services)
	if err != nil {
		return Article{}, nil, err
	}
	for i := range of {
		one, err := d.article(ctx, tx, number-1, of[i:i+1])
		if err != nil {
			return Article{}, nil, err
		}
		each = append(each, one.State)
	}
	a, err = d.article(ctx, tx, number-1, of)
	return a, each, err
}

// Articles is how many there are.
const Articles = 29

func (d Desk) standings(ctx context.Context, tx *db.Tx, services []catalog.Service) (all []*standing, err error) {
	uses, err := lastUses(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, s := range services {
		one, err := d.standing(ctx, tx, s, uses[s.Name])
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func (d Desk) article(ctx context.Context, tx *db.Tx, i int, of []*standing) (Article, error) {
	how := articles[i]
	a := Article{Number: i + 1, State: how.rest}
	if how.each != nil {
		if len(of) == 0 && how.rest == Holds {
			a.State = NotYet // there is nothing that it could hold of
		}
		for _, s := range of {
			some, err := how.each(ctx, tx, s)
			if err != nil {
				return a, err
			}
			a.add(some)
		}
	}
	if how.whole != nil {
		some, err := how.whole(ctx, tx, d)
		if err != nil {
			return a, err
		}
		a.add(some)
	}
	for _, f := range a.Figures {
		if f.Speaks() {
			a.State = worse(a.State, f.Else)
		}
	}
	return a, nil
}

// add adds the numbers of a service to those of the others.
func (a *Article) add(some []Figure) {
	for _, f := range some {
		i := slices.IndexFunc(a.Figures, func(g Figure) bool { return g.Name == f.Name })
		if i < 0 {
			a.Figures = append(a.Figures, f)
			continue
		}
		a.Figures[i].N += f.N
	}
}

// Count returns how many articles are in each state.
func Count(all []Article) map[State]int {
	n := make(map[State]int, len(States))
	for _, a := range all {
		n[a.State]++
	}
	return n
}
