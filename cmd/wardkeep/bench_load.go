package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// A load is a number of connections, each of which sends its next request when
// the answer to the last is there.
type load struct {
	at      *server
	world   *world
	workers []*worker

	registered, asked, answered shelf // what a child goes through, in that order
	sealed                      shelf
	doomed                      shelf
	unanswered                  shelf // links of guardians who have typed their code
}

// A worker is one connection and what it needs to make requests: nothing of it
// is shared, so that the load costs little beside the server.
type worker struct {
	*load
	http    *wire
	random  *rand.Rand
	body    []byte
	current string // what the request is about
	serial  int
}

func (b *bench) load(at *server, connections int) *load {
	l := &load{at: at, world: &b.world}
	for i := range connections {
		l.workers = append(l.workers, &worker{
			load: l, http: newWire(at.address, b.world.keys[i%len(b.world.keys)]),
			random: rand.New(rand.NewPCG(uint64(i), uint64(time.Now().UnixNano()))),
		})
	}
	return l
}

func (l *load) close() {
	for _, w := range l.workers {
		w.http.close()
	}
}

// A shelf is where one operation leaves what a later one works on.
type shelf struct {
	mu  sync.Mutex
	all []string
}

func (s *shelf) put(v string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, v)
}

// take removes what was put last.
func (s *shelf) take() (v string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) == 0 {
		return "", false
	}
	v = s.all[len(s.all)-1]
	s.all = s.all[:len(s.all)-1]
	return v, true
}

// any returns one and leaves it there.
func (s *shelf) any(random *rand.Rand) (v string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) == 0 {
		return "", false
	}
	return s.all[random.IntN(len(s.all))], true
}

// doom moves children of the world to those that will be erased, taken from all
// over the store.
func (l *load) doom(n int) {
	all, random := l.world.children, l.workers[0].random
	for range min(n, len(all)-1) {
		i, last := random.IntN(len(all)), len(all)-1
		l.doomed.put(all[i])
		all[i] = all[last]
		all = all[:last]
	}
	l.world.children = all
}

// warm is the part of a run that isn't counted: connections are made, pages are
// read, batches find their size.
const warm = 10 // percent

// run loads the server with one operation. It ends after d, or when there is
// nothing left to work on.
func (l *load) run(ctx context.Context, o operation, d time.Duration) (result, error) {
	begin := time.Now()
	counted := begin.Add(d * warm / 100)
	if o.finite {
		counted = begin // what is done while warming up would be missing
	}
	end := begin.Add(d)
	ctx, cancel := context.WithDeadline(ctx, end.Add(time.Minute))
	defer cancel()
	var serverBefore, loadBefore time.Duration
	var marked sync.Once
	mark := func() { serverBefore, loadBefore = l.at.cpu(), ownCPU() }
	hists := make([]latencies, len(l.workers))
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	for i, w := range l.workers {
		all.Go(func() {
			if err := w.loop(ctx, o, counted, end, &hists[i], &failed, func() { marked.Do(mark) }); err != nil {
				failed.CompareAndSwap(nil, &err)
			}
		})
	}
	all.Wait()
	r := result{each: o.each, took: time.Since(counted), server: l.at.cpu() - serverBefore, load: ownCPU() - loadBefore}
	for i := range hists {
		r.latencies.add(&hists[i])
	}
	r.requests = r.latencies.n
	if err := failed.Load(); err != nil {
		return r, *err
	}
	return r, nil
}

func (w *worker) loop(ctx context.Context, o operation, counted, end time.Time, into *latencies, failed *atomic.Pointer[error], begin func()) error {
	if deadline, ok := ctx.Deadline(); ok {
		if err := w.http.open(deadline); err != nil {
			return fmt.Errorf("%w: %w", errBenchServer, err)
		}
	}
	before, counting := time.Now(), false
	for before.Before(end) && ctx.Err() == nil && failed.Load() == nil {
		if !counting && !before.Before(counted) {
			counting = true
			begin()
		}
		if !o.next(w) {
			return nil
		}
		status, body, err := w.http.roundTrip()
		now := time.Now()
		if err != nil {
			return errors.Join(errBenchServer, err)
		}
		if status != o.status {
			return fmt.Errorf("%w: %d: %.300s", errBenchAnswer, status, body)
		}
		if o.done != nil && !o.done(w, body) {
			return fmt.Errorf("%w: %.300s", errBenchAnswer, body)
		}
		if counting {
			into.count(now.Sub(before))
		}
		before = now
	}
	return ctx.Err()
}
