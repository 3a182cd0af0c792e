package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// pragmas for every connection. secure_delete overwrites what is deleted, so
// that a destroyed child key leaves the file with its row (Article 20).
const pragmas = "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)" +
	"&_pragma=synchronous(FULL)&_pragma=foreign_keys(ON)&_pragma=secure_delete(ON)" +
	"&_pragma=temp_store(MEMORY)&_pragma=cache_size(-8000)"

// lite is SQLite: one writer whose transactions are shared, and a few readers.
type lite struct {
	pool    *sql.DB        // opens the connections; each is held by its owner
	readers chan *liteConn // those that nobody uses
	opened  int            // readers in all
	writer  *writer
	closed  chan struct{}
	once    sync.Once
}

// OpenSQLite opens the store in the file at path, which is created with mode
// 0600 if it is missing.
func OpenSQLite(path string) (*DB, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	pool, err := sql.Open("sqlite", "file:"+abs+pragmas)
	if err != nil {
		return nil, err
	}
	e := &lite{pool: pool, readers: make(chan *liteConn, max(4, 2*runtime.GOMAXPROCS(0))), closed: make(chan struct{})}
	ctx := context.Background()
	conn, err := e.open(ctx)
	if err != nil {
		return nil, errors.Join(liteError(err), pool.Close())
	}
	e.writer = newWriter(conn)
	for range cap(e.readers) {
		r, err := e.open(ctx)
		if err == nil {
			_, err = r.exec(ctx, "PRAGMA query_only(1)", nil)
		}
		if err != nil {
			return nil, errors.Join(liteError(err), e.close())
		}
		e.readers <- r
		e.opened++
	}
	return &DB{engine: e, Now: time.Now}, nil
}

func (e *lite) name() string { return "sqlite" }

func (e *lite) open(ctx context.Context) (*liteConn, error) {
	c, err := e.pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &liteConn{conn: c, stmts: make(map[string]*sql.Stmt)}, c.PingContext(ctx)
}

// close waits for the group that is being written and for the views that run.
func (e *lite) close() error {
	var err error
	e.once.Do(func() {
		close(e.closed)
		e.writer.stop()
		err = e.writer.conn.conn.Close()
		for range e.opened {
			err = errors.Join(err, (<-e.readers).conn.Close())
		}
		err = errors.Join(err, e.pool.Close())
	})
	return err
}

func (e *lite) update(ctx context.Context, now func() time.Time, fn func(*Tx) error) error {
	return e.writer.do(ctx, now, fn)
}

func (e *lite) view(ctx context.Context, now func() time.Time, fn func(*Tx) error) error {
	var c *liteConn
	select {
	case <-e.closed:
		return ErrClosed
	case c = <-e.readers:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { e.readers <- c }()
	// Statements run without the caller's cancellation: an interrupted statement
	// would cost a goroutine each, and reads are short.
	ctx = context.WithoutCancel(ctx)
	if _, err := c.exec(ctx, "BEGIN", nil); err != nil {
		return liteError(err)
	}
	err := fn(&Tx{session: c, now: microseconds(now())})
	if _, end := c.exec(ctx, "COMMIT", nil); end != nil {
		_, undo := c.exec(ctx, "ROLLBACK", nil)
		return errors.Join(err, liteError(end), undo)
	}
	return liteError(err)
}

func microseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// scrub folds the write-ahead log into the file and empties it. While a long
// view runs it can't, and does nothing: the next one will.
func (e *lite) scrub(ctx context.Context) error {
	return e.writer.outside(ctx, func(c *liteConn) error {
		var err error
		for _, pragma := range []string{"PRAGMA busy_timeout(20)", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA busy_timeout(5000)"} {
			err = errors.Join(err, c.rows(ctx, pragma, nil, func(Row) error { return nil }))
		}
		return err
	})
}

// liteConn is one connection with its prepared statements: the driver keeps
// none, and preparing costs more than running (docs/performance.md).
type liteConn struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

// maxStatements bounds what a connection keeps prepared. The program has a few
// hundred texts; a text made per call would show here as a slow store.
const maxStatements = 1000

func (c *liteConn) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	s, err := c.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if len(c.stmts) >= maxStatements {
		for q, old := range c.stmts {
			old.Close()
			delete(c.stmts, q)
		}
	}
	c.stmts[query] = s
	return s, nil
}

func (c *liteConn) exec(ctx context.Context, query string, args []any) (int64, error) {
	ctx = context.WithoutCancel(ctx)
	s, err := c.prepare(ctx, query)
	if err != nil {
		return 0, liteError(err)
	}
	res, err := s.ExecContext(ctx, args...)
	if err != nil {
		return 0, liteError(err)
	}
	return res.RowsAffected()
}

func (c *liteConn) queue(ctx context.Context, query string, args []any) error {
	_, err := c.exec(ctx, query, args)
	return err
}

func (c *liteConn) rows(ctx context.Context, query string, args []any, each func(Row) error) error {
	ctx = context.WithoutCancel(ctx)
	s, err := c.prepare(ctx, query)
	if err != nil {
		return liteError(err)
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return liteError(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return liteError(rows.Err())
}

func (c *liteConn) together(ctx context.Context, reads []Read) error {
	for _, r := range reads {
		if err := c.rows(ctx, r.query, r.args, r.each); err != nil {
			return err
		}
	}
	return nil
}

// liteError turns what SQLite reports into what a caller may be told.
func liteError(err error) error {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w: %w", ErrFull, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%w: %w", ErrLocked, err)
	}
	return err
}
