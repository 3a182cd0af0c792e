package db_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"wardkeep/internal/base/db"
)

// busy makes the turn of question 0 last until free is closed.
func busy(g *db.Gathering[int, int]) (begun, free chan struct{}) {
	begun, free = make(chan struct{}), make(chan struct{})
	together := g.Together
	g.Most = 1
	g.Together = func(ctx context.Context, qs []int) ([]db.Outcome[int], error) {
		if qs[0] != 0 {
			return together(ctx, qs)
		}
		close(begun)
		<-free
		return make([]db.Outcome[int], len(qs)), nil
	}
	return begun, free
}

// gathered asks 0, keeps it busy until 1, 2, … wait, and returns what each was
// answered.
func gathered(t *testing.T, g *db.Gathering[int, int], n int) ([]int, []error) {
	t.Helper()
	begun, free := busy(g)
	answers, refusals := make([]int, n), make([]error, n)
	var all sync.WaitGroup
	ask := func(q int) {
		all.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					refusals[q] = errPanicked
				}
			}()
			answers[q], refusals[q] = g.Ask(t.Context(), q)
		})
	}
	ask(0)
	<-begun
	for q := 1; q < n; q++ {
		ask(q)
	}
	for g.Waiting() < n-1 {
		time.Sleep(time.Millisecond)
	}
	close(free)
	all.Wait()
	return answers, refusals
}

var errPanicked = errors.New("panicked")

func double(_ context.Context, q int) (int, error) { return 2 * q, nil }

func TestGathering_WhoComesMeanwhileSharesATransaction(t *testing.T) {
	var groups [][]int
	g := &db.Gathering[int, int]{Alone: double, Together: func(_ context.Context, qs []int) ([]db.Outcome[int], error) {
		groups = append(groups, slices.Clone(qs))
		out := make([]db.Outcome[int], len(qs))
		for i, q := range qs {
			out[i].Answer = 100 * q
			if q == 3 {
				out[i].Err = errNo
			}
			if q == 4 {
				out[i].Err = db.ErrAlone
			}
		}
		return out, nil
	}}
	answers, refusals := gathered(t, g, 6)
	if len(groups) != 1 || len(groups[0]) != 5 {
		t.Errorf("groups %v, want one of five", groups)
	}
	if want := []int{0, 100, 200, 300, 8, 500}; !slices.Equal(answers, want) {
		t.Errorf("answers %v, want %v", answers, want)
	}
	for q, err := range refusals {
		if want := map[bool]error{true: errNo}[q == 3]; !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%d: %v", q, err)
		}
	}
}

// What fails all of a group is held against none of it.
func TestGathering_AfterAFailureOfAllEachIsAskedAlone(t *testing.T) {
	for name, together := range map[string]func(context.Context, []int) ([]db.Outcome[int], error){
		"error":   func(context.Context, []int) ([]db.Outcome[int], error) { return nil, errNo },
		"nothing": func(context.Context, []int) ([]db.Outcome[int], error) { return nil, nil },
		"panic":   func(context.Context, []int) ([]db.Outcome[int], error) { panic("no") },
	} {
		t.Run(name, func(t *testing.T) {
			g := &db.Gathering[int, int]{Alone: double, Together: together}
			answers, refusals := gathered(t, g, 5)
			panicked := 0
			for q, err := range refusals {
				switch {
				case errors.Is(err, errPanicked):
					panicked++
				case err != nil || answers[q] != 2*q:
					t.Errorf("%d: %d, %v", q, answers[q], err)
				}
			}
			if want := map[bool]int{true: 1}[name == "panic"]; panicked != want {
				t.Errorf("%d panicked, want %d: only who runs the transaction", panicked, want)
			}
			// The turn was passed on.
			g.Together = func(context.Context, []int) ([]db.Outcome[int], error) { return []db.Outcome[int]{{Answer: 7}}, nil }
			if a, err := g.Ask(t.Context(), 7); a != 7 || err != nil {
				t.Errorf("afterwards: %d, %v", a, err)
			}
		})
	}
}

// Whoever goes away while others wait with them still answers those.
func TestGathering_OneWhoGoesAwayLetsNobodyDown(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	g := &db.Gathering[int, int]{Alone: double, Together: func(ctx context.Context, qs []int) ([]db.Outcome[int], error) {
		cancel()
		out := make([]db.Outcome[int], len(qs))
		for i := range out {
			out[i] = db.Outcome[int]{Answer: 1, Err: ctx.Err()}
		}
		return out, nil
	}}
	begun, free := busy(g)
	var all sync.WaitGroup
	all.Go(func() { g.Ask(t.Context(), 0) })
	<-begun
	for n := range 3 {
		all.Go(func() {
			asking := t.Context()
			if n == 0 {
				asking = ctx
			}
			if a, err := g.Ask(asking, 1); a != 1 || err != nil {
				t.Errorf("%d, %v", a, err)
			}
		})
		for g.Waiting() <= n {
			time.Sleep(time.Millisecond)
		}
	}
	close(free)
	all.Wait()
}

// Nothing is done for someone who has gone before a turn came.
func TestGathering_WhoGoesAwayBeforeTheTurnIsLeftOut(t *testing.T) {
	g := &db.Gathering[int, int]{Alone: double, Together: func(_ context.Context, qs []int) ([]db.Outcome[int], error) {
		if slices.Contains(qs, 1) {
			t.Error("asked for someone who has gone")
		}
		return make([]db.Outcome[int], len(qs)), nil
	}}
	begun, free := busy(g)
	var all sync.WaitGroup
	all.Go(func() { g.Ask(t.Context(), 0) })
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := g.Ask(ctx, 1)
		gone <- err
	}()
	for g.Waiting() < 1 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	all.Go(func() { g.Ask(t.Context(), 2) })
	for g.Waiting() < 1 {
		time.Sleep(time.Millisecond)
	}
	close(free)
	all.Wait()
}

// A question that has to wait for somebody waits without a turn: others go on.
func TestGathering_WhoIsAskedAloneHoldsNoTurn(t *testing.T) {
	stuck, free := make(chan struct{}), make(chan struct{})
	g := &db.Gathering[int, int]{Most: 1,
		Alone: func(context.Context, int) (int, error) {
			close(stuck)
			<-free
			return 1, nil
		},
		Together: func(_ context.Context, qs []int) ([]db.Outcome[int], error) {
			out := make([]db.Outcome[int], len(qs))
			for i, q := range qs {
				if q == 1 {
					out[i].Err = db.ErrAlone
				}
			}
			return out, nil
		},
	}
	var all sync.WaitGroup
	all.Go(func() { g.Ask(t.Context(), 1) })
	<-stuck
	if _, err := g.Ask(t.Context(), 2); err != nil {
		t.Error(err)
	}
	close(free)
	all.Wait()
}
