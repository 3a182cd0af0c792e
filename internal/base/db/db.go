// Package db runs transactions on SQLite or PostgreSQL.
//
// One text of SQL serves both engines. It keeps to what they share: the types
// text, bigint, boolean and bytea; placeholders $1, $2, ... numbered in the
// order in which they first appear; ON CONFLICT; RETURNING; row values.
// Times are bigint microseconds, and come from the transaction, not from SQL.
//
// Its one invariant (12 of ARCHITECTURE.md): when Update returns nil, all that
// fn wrote is durable; when it returns another error, none of it is. One
// exception is asked for by name: a Recorded refusal is kept and still refused.
// The other can't be helped: when the connection to PostgreSQL breaks during
// the COMMIT, Update returns ErrUnknown, because nobody knows which of the two
// it was.
package db

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/watch"
)

// What a store can refuse. Nothing was done in any of these cases but ErrUnknown.
var (
	ErrFull   = errs.New(errs.Full, "db.full")          // the disk is full
	ErrLocked = errs.New(errs.Unavailable, "db.locked") // another process holds the store too long
	ErrNewer  = errs.New(errs.Unavailable, "db.newer")  // a later release wrote this store
	ErrAway   = errs.New(errs.Unavailable, "db.away")   // PostgreSQL can't be reached, or went away before the commit
	ErrClosed = errs.New(errs.Unavailable, "db.closed") // the server is stopping
	ErrEngine = errs.New(errs.Invalid, "db.engine")     // PostgreSQL has tools of its own for this

	// ErrDamaged says that the file of the store is not a whole database. From then
	// on nothing is read from it or written to it.
	ErrDamaged = errs.New(errs.Unavailable, "db.damaged")
	// ErrGone says that a row that another one names was deleted at this moment, or
	// can't be deleted because another one names it.
	ErrGone = errs.New(errs.Unavailable, "db.reference_gone")
	// ErrUnknown says that PostgreSQL went away during the commit: all of it was
	// done, or nothing. Whoever sent an Idempotency-Key learns which by asking again.
	ErrUnknown = errs.New(errs.Unavailable, "db.unknown_outcome")
)

// ErrNone is returned by One when no row matches. It is not a refusal: each
// caller says what the missing row means.
var ErrNone = errors.New("db: no row")

// A DB is a store.
type DB struct {
	engine engine

	// Now tells the time of a transaction. Tests replace it before first use.
	Now func() time.Time

	// Announced hears what an update has announced (Tx.Announce), once it is committed.
	// Nobody does if it is nil. It is set before first use.
	Announced func(what any)

	// Node is which of the processes that share the store this is, as entries of the ledger say
	// it (ledger.NodeOf); 0: nobody says. It is set before first use.
	Node uint16

	writing writing
	updates atomic.Int64
	running atomic.Int64
}

// An engine is what SQLite and PostgreSQL do differently.
type engine interface {
	update(ctx context.Context, now func() time.Time, fn func(*Tx) error) error
	view(ctx context.Context, now func() time.Time, fn func(*Tx) error) error
	migrate(ctx context.Context) error
	scrub(ctx context.Context) error
	scrubTable(ctx context.Context, table string, patience time.Duration, anyway bool) (whole bool, err error)
	size(ctx context.Context) (int64, error)
	snapshot(ctx context.Context, path string) error
	place(ctx context.Context) (string, error)
	stats() Stats
	close() error
	name() string
}

// Engine returns "sqlite" or "postgres".
func (db *DB) Engine() string { return db.engine.name() }

// ReadAhead reports whether what a transaction needs is better read before it, in
// a View, and checked in it (Unchanged). So it is on SQLite, whose updates wait for
// one writer, if there are processors for the readers beside it; with few, the
// writer's page cache is worth more, as every commit empties those of the readers.
func (db *DB) ReadAhead() bool {
	return db.engine.name() == "sqlite" && runtime.GOMAXPROCS(0) > fewProcessors
}

const fewProcessors = 4

// Abreast is how many transactions of a Gathering are worth running at once.
// SQLite gains nothing from one, which is 0: its updates share transactions
// anyway, and a statement costs no round trip.
func (db *DB) Abreast() int {
	if db.engine.name() == "sqlite" {
		return 0
	}
	return max(2, runtime.GOMAXPROCS(0)/2)
}

// Close closes the store. Updates that wait are refused with ErrClosed.
func (db *DB) Close() error { return db.engine.close() }

// Migrate brings the store up to this binary. It refuses a store that a later
// release has written (ErrNewer), and changes nothing then.
func (db *DB) Migrate(ctx context.Context) error { return db.engine.migrate(ctx) }

// Scrub removes from the disk what the tables no longer hold, as far as the
// engine lets us: on SQLite the write-ahead log still has an erased child's
// wrapped key until then (Article 20). It finishes what a ScrubTable couldn't.
func (db *DB) Scrub(ctx context.Context) error {
	if err := db.engine.scrub(ctx); err != nil {
		return err
	}
	var late []string
	err := db.View(ctx, func(tx *Tx) (err error) {
		// Not by a range: how names sort depends on the database.
		late, err = All(ctx, tx, Single[string], `SELECT name FROM heartbeat WHERE substr(name, 1, 6) = $1 ORDER BY name`, scrubbing)
		return err
	})
	for _, name := range late {
		if err == nil {
			_, err = db.scrubMarked(ctx, strings.TrimPrefix(name, scrubbing), latePatience, false)
		}
	}
	return err
}

const (
	scrubbing     = "scrub " // begins the name of the beat that says since when a table is to be scrubbed
	scrubPatience = 30 * time.Second
	latePatience  = 5 * time.Second
)

// ScrubTable removes from a small table's file what the table no longer holds, on
// either engine: on PostgreSQL a deleted row stays in its page, vacuumed or not, until
// something else is written there, and so the file is written anew. Whoever reads the
// table waits meanwhile. It can't run in a transaction.
//
// A row that an older transaction could still read is copied along. So those that run are
// waited for, half a minute at most; whole is false where one goes on for longer, and then,
// as after a crash, each Scrub tries again until it is.
func (db *DB) ScrubTable(ctx context.Context, table string) (whole bool, err error) {
	return db.scrubWithin(ctx, table, scrubPatience)
}

func (db *DB) scrubWithin(ctx context.Context, table string, patience time.Duration) (whole bool, err error) {
	if err := db.Update(ctx, func(tx *Tx) error { return Beat(ctx, tx, scrubbing+table) }); err != nil {
		return false, err
	}
	return db.scrubMarked(ctx, table, patience, true)
}

func (db *DB) scrubMarked(ctx context.Context, table string, patience time.Duration, anyway bool) (whole bool, err error) {
	var marked time.Time
	err = db.View(ctx, func(tx *Tx) (err error) {
		marked, err = LastBeat(ctx, tx, scrubbing+table)
		return err
	})
	if err != nil {
		return false, err
	}
	if whole, err = db.engine.scrubTable(ctx, table, patience, anyway); err != nil || !whole {
		return false, err
	}
	// Who has deleted something meanwhile has marked it anew: that mark stays.
	return true, db.Update(ctx, func(tx *Tx) error {
		return tx.Queue(ctx, `DELETE FROM heartbeat WHERE name = $1 AND at = $2`, scrubbing+table, (*Time)(&marked))
	})
}

// Size returns how many bytes the store takes on disk, with its indexes and
// without its log of changes.
func (db *DB) Size(ctx context.Context) (int64, error) { return db.engine.size(ctx) }

// Snapshot writes what the store holds at one moment into a file, which must be
// empty or missing, while others go on writing: a store of its own, that OpenSQLite
// opens. Errors: ErrEngine on PostgreSQL, which has tools for it.
func (db *DB) Snapshot(ctx context.Context, path string) error { return db.engine.snapshot(ctx, path) }

// Place names where the store lies, as the engine itself knows it: copied by the engine's
// own tools, it lies elsewhere. SQLite's is "": a file is itself wherever it is moved to.
func (db *DB) Place(ctx context.Context) (string, error) { return db.engine.place(ctx) }

// Update runs fn in a transaction that may write, and commits if fn succeeds or
// returns a Recorded refusal. It may run fn again when the engine reports a
// conflict, so fn must have no effect but through tx and must not call Update
// or View. Only an edge (api, web, a job, a command) calls Update.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	db.updates.Add(1)
	db.running.Add(1)
	defer db.running.Add(-1)
	if of := fn; db.Node != 0 {
		fn = func(tx *Tx) error {
			tx.node = db.Node
			return of(tx)
		}
	}
	span := watch.Start(ctx, "db.update")
	if db.Announced == nil && !span.On() {
		return db.remember(db.engine.update(ctx, db.Now, fn))
	}
	return db.watched(ctx, span, fn)
}

// watched is Update where somebody hears what comes of it. Of what a run announces
// that is undone and done again, nothing is heard.
func (db *DB) watched(ctx context.Context, span watch.Span, fn func(*Tx) error) error {
	defer span.End()
	var last *Tx
	var commit watch.Span
	err := db.engine.update(ctx, db.Now, func(tx *Tx) error {
		commit.End() // of a run that was undone
		tx.span, tx.heard, last = span, db.Announced != nil, tx
		err := fn(tx)
		if span.On() && Keeps(err) {
			commit = watch.Start(span.In(ctx), "db.commit")
		}
		return err
	})
	commit.End()
	if !Keeps(err) && span.On() {
		span.Fail(errs.Of(err).Code)
	}
	if last != nil && db.Announced != nil && Keeps(err) {
		for _, what := range last.announced {
			db.Announced(what)
		}
	}
	return db.remember(err)
}

// Stats are how busy the store's connections are.
type Stats struct {
	Updates int64         // asked for since the start
	Running int64         // of them, waiting ones included
	InUse   int64         // connections, on SQLite those of readers
	Most    int64         // connections
	Waits   int64         // for a connection; on SQLite nobody counts them
	Waited  time.Duration // in all of them
}

// Stats returns how busy the store's connections are.
func (db *DB) Stats() Stats {
	s := db.engine.stats()
	s.Updates, s.Running = db.updates.Load(), db.running.Load()
	return s
}

// Updates returns how many updates this process has asked for: whoever can wait sees
// by it whether others want to write.
func (db *DB) Updates() int64 { return db.updates.Load() }

// View runs fn in a transaction that may only read, on one snapshot.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	return db.engine.view(ctx, db.Now, fn)
}

// Recorded marks a refusal that was itself written down, such as a denial of
// the gate: the transaction commits, and Update returns err.
func Recorded(err error) error { return &recorded{err} }

type recorded struct{ error }

func (r *recorded) Unwrap() error { return r.error }

// Keeps reports whether the transaction that ends with err commits: it is a
// success, or a Recorded refusal.
func Keeps(err error) bool {
	if err == nil {
		return true
	}
	_, ok := errors.AsType[*recorded](err)
	return ok
}

// A Tx is one transaction. All of its writes bear the same time.
type Tx struct {
	session session
	now     time.Time
	clock   func() time.Time // nil: nobody waits between Now and the commit
	share   string           // how the engine locks a row that is only read
	ordinal int
	node    uint16

	span      watch.Span
	heard     bool
	announced []any
}

// A session runs statements for one transaction of an engine.
type session interface {
	exec(ctx context.Context, query string, args []any) (int64, error)
	queue(ctx context.Context, query string, args []any) error
	rows(ctx context.Context, query string, args []any, each func(Row) error) error
	together(ctx context.Context, reads []Read) error
	unchanged(ctx context.Context, versions []Version) error
}

// Now returns the time of the transaction: UTC, to the microsecond.
func (tx *Tx) Now() time.Time { return tx.now }

// Node returns DB.Node.
func (tx *Tx) Node() uint16 { return tx.node }

// Ordinal returns 0 at its first call in tx, then 1, 2, …: it keeps apart, and
// in order, what one transaction makes.
func (tx *Tx) Ordinal() int {
	n := tx.ordinal
	tx.ordinal++
	return n
}

// Announce has what has happened told to DB.Announced, if and when it is committed.
func (tx *Tx) Announce(what any) { tx.announced = append(tx.announced, what) }

// Heard reports whether anybody hears what is announced: it needs to be made only then.
func (tx *Tx) Heard() bool { return tx.heard }

// Span begins a part of the transaction, if it is traced.
func (tx *Tx) Span(ctx context.Context, name string) watch.Span {
	if !tx.span.On() {
		return watch.Span{}
	}
	return watch.Start(tx.span.In(ctx), name)
}

// ForShare is appended to a SELECT of one row that must stay as it is until the
// transaction commits. SQLite needs none: it has one writer.
func (tx *Tx) ForShare() string { return tx.share }

// ForShareOfFree is ForShare for a SELECT of several rows: one that somebody
// else is changing is left out, instead of waiting for it with the others held.
func (tx *Tx) ForShareOfFree() string {
	if tx.share == "" {
		return ""
	}
	return tx.share + " SKIP LOCKED"
}

// ForChangeOfFree is ForShareOfFree for rows that are then changed. Only PostgreSQL
// needs one; where it is empty, there is nobody else who could be changing them.
func (tx *Tx) ForChangeOfFree() string {
	if tx.share == "" {
		return ""
	}
	return " FOR NO KEY UPDATE SKIP LOCKED"
}

// errOutlived asks for the transaction anew, at the time that it is by then.
var errOutlived = errors.New("db: what was right when it began isn't any more")

// Clock returns the time at this moment, for whoever decides at Now and may have waited since
// for a row that somebody held. On SQLite it is Now: its one writer begins when it may write.
func (tx *Tx) Clock() time.Time {
	if tx.clock == nil {
		return tx.now
	}
	return microseconds(tx.clock())
}

// Outlived returns an error to pass on where what is right at Now isn't at Clock: Update runs
// fn again, at a later Now.
func (tx *Tx) Outlived() error { return errOutlived }

// errExclusive asks for the transaction anew, with rows held for a change.
var errExclusive = errors.New("db: the rows must be held for a change")

// Exclusive is called before a row that ForShare has held is changed after all.
// Many who share a row and then all want to change it would wait for each other
// in a circle: where that could be, it returns an error to pass on, and Update
// runs fn again with the row held for a change from the start.
func (tx *Tx) Exclusive() error {
	if tx.share == shared {
		return errExclusive
	}
	return nil
}

// Exec returns the number of rows it changed, for a caller that must have
// changed exactly one.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	return tx.session.exec(ctx, query, args)
}

// Queue is Exec for a statement whose row count nobody needs. It runs before
// any later statement of tx, and at the latest with the commit: on PostgreSQL
// that saves a round trip. Its failure fails the transaction.
func (tx *Tx) Queue(ctx context.Context, query string, args ...any) error {
	return tx.session.queue(ctx, query, args)
}

// A Row is what a scan function reads.
type Row interface{ Scan(dest ...any) error }

// One returns the only row of a query, or ErrNone.
func One[T any](ctx context.Context, tx *Tx, scan func(Row) (T, error), query string, args ...any) (T, error) {
	var v T
	found := false
	err := tx.session.rows(ctx, query, args, func(row Row) (err error) {
		if found {
			return fmt.Errorf("db: more than one row")
		}
		found = true
		v, err = scan(row)
		return err
	})
	if err == nil && !found {
		err = ErrNone
	}
	return v, err
}

// All returns the rows of a query.
func All[T any](ctx context.Context, tx *Tx, scan func(Row) (T, error), query string, args ...any) ([]T, error) {
	var all []T
	err := tx.session.rows(ctx, query, args, func(row Row) error {
		v, err := scan(row)
		all = append(all, v)
		return err
	})
	return all, err
}

// Each calls fn with each row of a query, holding one at a time. Fn must not
// use tx.
func Each(ctx context.Context, tx *Tx, fn func(Row) error, query string, args ...any) error {
	return tx.session.rows(ctx, query, args, fn)
}

// Single scans a row of one column.
func Single[T any](row Row) (v T, err error) {
	err = row.Scan(&v)
	return v, err
}

// A Read is a query that is asked together with others.
type Read struct {
	query string
	args  []any
	each  func(Row) error
}

// ReadInto makes a Read that appends the rows of a query to all.
func ReadInto[T any](all *[]T, scan func(Row) (T, error), query string, args ...any) Read {
	return Read{query, args, func(row Row) error {
		v, err := scan(row)
		*all = append(*all, v)
		return err
	}}
}

// ErrChanged says that a row isn't any more what was read of it. It isn't a
// refusal: whoever asked reads again.
var ErrChanged = errors.New("db: it has changed since it was read")

// A Version is the number that a row is expected to have.
type Version struct {
	Table, Key string // the names of the table, and of its only key column
	Column     string // of the number
	Row        any    // the key
	Want       int64
	Hold       bool // the row stays as it is until the transaction commits
}

// Unchanged returns ErrChanged unless each row has its number. On PostgreSQL it
// is asked only with the next statement, or with the commit, which spares a
// round trip: there it returns nil, and if that was wrong, nothing of the
// transaction is done, Update runs fn again, and then Unchanged waits for the
// answer. What was read ahead is so checked in the transaction that rests on it.
func (tx *Tx) Unchanged(ctx context.Context, versions ...Version) error {
	return tx.session.unchanged(ctx, versions)
}

// Chunk is how many keys Placeholders takes.
const Chunk = 64

// Placeholders returns "($1, $2, …)" for IN, and keys as its arguments: at most
// Chunk of them, and at least one. There are few lengths, so that few statements
// are prepared; the last key fills up.
func Placeholders[T any](keys []T) (in string, args []any) {
	n := len(keys)
	for _, length := range lengths {
		if n = length; length >= len(keys) {
			break
		}
	}
	args = make([]any, n)
	for i := range args {
		args[i] = keys[min(i, len(keys)-1)]
	}
	return placeholders[n], args
}

var lengths = []int{1, 8, 16, 32, Chunk}

var placeholders = map[int]string{1: "($1)", 8: listed(8), 16: listed(16), 32: listed(32), Chunk: listed(Chunk)}

func listed(n int) string {
	b := []byte("(")
	for i := range n {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = strconv.AppendInt(append(b, '$'), int64(i+1), 10)
	}
	return string(append(b, ')'))
}

// Together runs the reads in order, in one round trip where the engine can.
func (tx *Tx) Together(ctx context.Context, reads ...Read) error {
	return tx.session.together(ctx, reads)
}
