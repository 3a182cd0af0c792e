package db

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// maxGroup bounds how many updates share one transaction, and so how long the
// first of them waits for its commit.
const maxGroup = 128

// A writer owns the one connection that may write. Updates that wait at the
// same moment share a transaction, a savepoint each, and so one fsync.
type writer struct {
	conn    *liteConn
	folder  *folder
	pages   int32 // written since the folder was woken
	groups  int   // likewise
	queue   chan *request
	between chan func() // what runs while no transaction is open
	quit    chan struct{}
	once    sync.Once
	done    sync.WaitGroup
}

// A request is one call of Update.
type request struct {
	ctx  context.Context
	now  func() time.Time
	fn   func(*Tx) error
	err  error
	back chan struct{} // closed when err is final
}

func newWriter(conn *liteConn, f *folder) *writer {
	w := &writer{conn: conn, folder: f, queue: make(chan *request), between: make(chan func()), quit: make(chan struct{})}
	w.done.Go(w.loop)
	return w
}

// stop ends the loop after the group that is being written.
func (w *writer) stop() {
	w.once.Do(func() { close(w.quit) })
	w.done.Wait()
}

func (w *writer) do(ctx context.Context, now func() time.Time, fn func(*Tx) error) error {
	r := &request{ctx: ctx, now: now, fn: fn, back: make(chan struct{})}
	select {
	case w.queue <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.quit:
		return ErrClosed
	}
	// From here the answer must be waited for: whether fn's writes became durable
	// is known only then.
	<-r.back
	if p, ok := errors.AsType[*panicked](r.err); ok {
		panic(p)
	}
	return r.err
}

// outside runs fn on the writing connection while no transaction is open.
func (w *writer) outside(ctx context.Context, fn func(*liteConn) error) error {
	result := make(chan error, 1)
	select {
	case w.between <- func() { result <- fn(w.conn) }:
		return <-result
	case <-ctx.Done():
		return ctx.Err()
	case <-w.quit:
		return ErrClosed
	}
}

func (w *writer) loop() {
	group := make([]*request, 0, maxGroup)
	for {
		group = group[:0]
		select {
		case r := <-w.queue:
			group = append(group, r)
		case fn := <-w.between:
			fn()
			continue
		case <-w.quit:
			return
		}
	gather:
		for len(group) < maxGroup {
			select {
			case r := <-w.queue:
				group = append(group, r)
			default:
				break gather
			}
		}
		w.write(group)
	}
}

// write runs the group in one transaction. If that transaction is lost as a
// whole (a full disk, a failed commit), each request is run again alone, so
// that one can't fail another; then each learns its own fate.
func (w *writer) write(group []*request) {
	if !w.together(group) {
		for _, r := range group {
			w.together([]*request{r})
		}
	}
	for _, r := range group {
		close(r.back)
	}
	w.groups++
	if w.pages += w.conn.written(); w.pages >= foldAfter && (w.groups >= foldGroups || w.pages >= foldGroups*foldAfter) {
		w.pages, w.groups = 0, 0
		w.folder.wake()
	}
}

// together reports whether the fate of every request is known. After false
// nothing was written.
func (w *writer) together(group []*request) bool {
	ctx := context.Background()
	alone := len(group) == 1
	if err := w.conn.damage.found(); err != nil {
		fail(group, err)
		return true
	}
	if _, err := w.conn.exec(ctx, "BEGIN IMMEDIATE", nil); err != nil {
		fail(group, err)
		return true
	}
	for _, r := range group {
		if err := w.one(r, alone); err != nil {
			// The engine itself has rolled back, or can't go on.
			w.conn.exec(ctx, "ROLLBACK", nil) // fails if the engine did it already
			fail(group, err)
			return alone
		}
	}
	// If we crash before COMMIT returns, either all of the group is durable or
	// none of it, and nobody has been told yet.
	if _, err := w.conn.exec(ctx, "COMMIT", nil); err != nil {
		w.conn.exec(ctx, "ROLLBACK", nil)
		fail(group, err)
		return alone
	}
	return true
}

// one runs a request inside the group's transaction. Its error is about the
// transaction; the request's own goes into r.err.
func (w *writer) one(r *request, alone bool) error {
	ctx := context.Background()
	if r.err = r.ctx.Err(); r.err != nil {
		return nil
	}
	if _, err := w.conn.exec(ctx, "SAVEPOINT s", nil); err != nil {
		return err
	}
	r.err = call(r.fn, &Tx{session: w.conn, now: microseconds(r.now())})
	if err := w.conn.damage.found(); err != nil {
		return err // also where fn has passed over it
	}
	if !Keeps(r.err) {
		if _, err := w.conn.exec(ctx, "ROLLBACK TO s", nil); err != nil {
			return errors.Join(r.err, err)
		}
		if errors.Is(r.err, ErrFull) && !alone {
			return r.err // the space may have been needed by the group, not by r
		}
	}
	_, err := w.conn.exec(ctx, "RELEASE s", nil)
	return err
}

func fail(group []*request, err error) {
	for _, r := range group {
		r.err = err
	}
}

// panicked carries a panic of fn from the writer to its caller.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v\n%s", p.value, p.stack) }

func call(fn func(*Tx) error, tx *Tx) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{v, debug.Stack()}
		}
	}()
	return fn(tx)
}
