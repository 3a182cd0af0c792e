package db

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// ErrAlone is the outcome of a question that can't be answered together with
// others. Nothing was written for it, and it is asked again by itself.
var ErrAlone = errors.New("db: to be asked alone")

// An Outcome is the answer to one of several questions, or its refusal.
type Outcome[A any] struct {
	Answer A
	Err    error
}

// A Gathering lets questions of one moment share a transaction, and with it
// round trips and the wait for the disk. While as many transactions run as
// may, whoever asks waits for the next one; nobody waits for company.
//
// What Update promises holds for each question: its answer is handed out after
// the commit, and what fails all of them is not held against one, each is then
// asked alone.
//
// Whoever runs a transaction has a turn, and others wait for it. So Together
// never waits for a row that somebody holds: it leaves that question to be asked
// alone, when the turn is over.
type Gathering[Q, A any] struct {
	// Together answers questions in one transaction, in their order. Of a refusal
	// it has written nothing, unless it is a Recorded one. An error undoes all.
	Together func(ctx context.Context, questions []Q) ([]Outcome[A], error)

	// Alone answers one, as if there were no Gathering.
	Alone func(ctx context.Context, question Q) (A, error)

	// Most is how many transactions run at once. With 0 each is asked alone.
	Most int

	mu      sync.Mutex
	running int
	waiting []*asked[Q, A]
}

// asked is a question that waits.
type asked[Q, A any] struct {
	question Q
	outcome  Outcome[A]
	next     []*asked[Q, A] // whom it answers, if it is its turn to
	ready    chan struct{}  // closed when there is an outcome or a turn
}

// groupTime bounds one transaction of several questions. It isn't cut short when
// one of those who asked goes away.
const groupTime = 30 * time.Second

// Ask answers one question.
func (g *Gathering[Q, A]) Ask(ctx context.Context, question Q) (A, error) {
	if g.Most < 1 {
		return g.Alone(ctx, question)
	}
	me := &asked[Q, A]{question: question, ready: make(chan struct{})}
	if !g.start(me) {
		select {
		case <-me.ready:
		case <-ctx.Done():
			if g.leave(me) {
				return me.outcome.Answer, ctx.Err()
			}
			<-me.ready // others wait for it, or with it
		}
	}
	if me.next != nil {
		g.answer(ctx, me.next)
	}
	if me.outcome.Err == ErrAlone {
		return g.Alone(ctx, question)
	}
	return me.outcome.Answer, me.outcome.Err
}

// Waiting returns how many wait for a turn.
func (g *Gathering[Q, A]) Waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}

// start gives me a turn, or lets me wait for one.
func (g *Gathering[Q, A]) start(me *asked[Q, A]) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running >= g.Most {
		g.waiting = append(g.waiting, me)
		return false
	}
	g.running++
	me.next = []*asked[Q, A]{me}
	return true
}

// leave takes back what still waits: nobody records a use for someone who has
// gone.
func (g *Gathering[Q, A]) leave(me *asked[Q, A]) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, me)
	if i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	return i >= 0
}

// answer answers a group in the goroutine of its first, and then gives the turn
// to the first of those who have come meanwhile.
func (g *Gathering[Q, A]) answer(ctx context.Context, group []*asked[Q, A]) {
	first := group[0]
	for _, a := range group {
		a.outcome.Err = ErrAlone // also if Together panics
	}
	defer func() {
		for _, a := range group {
			a.next = nil
			if a != first {
				close(a.ready)
			}
		}
		g.pass()
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), groupTime)
	defer cancel()
	questions := make([]Q, len(group))
	for i, a := range group {
		questions[i] = a.question
	}
	outcomes, err := g.Together(ctx, questions)
	if err != nil || len(outcomes) != len(group) {
		return
	}
	for i, a := range group {
		a.outcome = outcomes[i]
	}
}

// pass ends a turn.
func (g *Gathering[Q, A]) pass() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		g.running--
		return
	}
	n := min(len(g.waiting), Chunk)
	group := g.waiting[:n:n]
	g.waiting = slices.Clone(g.waiting[n:])
	group[0].next = group
	close(group[0].ready)
}
