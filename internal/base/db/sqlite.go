package db

import (
	"context"
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

// pragmas are those of every connection. secure_delete overwrites what is
// deleted, so that a destroyed child key leaves the file with its row (Article 20).
// A page that is cached takes twice its size of memory.
var pragmas = []string{
	"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "secure_delete(ON)",
	"temp_store(MEMORY)", "cache_size(-8000)", "wal_autocheckpoint(16000)",
}

// readerCache is smaller than the writer's: there are several, and what one lacks
// the system has in memory.
const readerCache = "cache_size(-2000)"

// lite is SQLite: one writer whose transactions are shared, and a few readers.
type lite struct {
	path    string
	readers chan *liteConn
	writer  *writer
	folder  *folder
	once    sync.Once
	closed  chan struct{}
	damage  damage
}

// OpenSQLite opens the store in the file at path, which is created with mode
// 0600 if it is missing. Another file than a database is ErrDamaged.
func OpenSQLite(path string) (*DB, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	e := &lite{path: path, readers: make(chan *liteConn, max(4, 2*runtime.GOMAXPROCS(0))), closed: make(chan struct{})}
	conn, err := openLite(path, &e.damage)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, liteError(err))
	}
	e.folder = newFolder(path, &e.damage)
	e.writer = newWriter(conn, e.folder)
	for range cap(e.readers) {
		r, err := openLite(path, &e.damage, "query_only(1)", readerCache)
		if err != nil {
			return nil, errors.Join(liteError(err), e.close())
		}
		e.readers <- r
	}
	return &DB{engine: e, Now: time.Now}, nil
}

func (e *lite) name() string { return "sqlite" }

func (e *lite) stats() Stats {
	return Stats{InUse: int64(cap(e.readers) - len(e.readers)), Most: int64(cap(e.readers))}
}

// close lets what is running end.
func (e *lite) close() (err error) {
	e.once.Do(func() {
		e.writer.stop()
		close(e.closed)
		for range cap(e.readers) {
			select {
			case r := <-e.readers:
				err = errors.Join(err, r.close())
			case <-time.After(closeTime):
				return // a reader that doesn't end keeps its connection until the process does
			}
		}
		err = errors.Join(err, e.folder.stop(), e.writer.conn.close())
	})
	return err
}

// closeTime is how long closing waits for a reader.
const closeTime = 10 * time.Second

func (e *lite) place(context.Context) (string, error) { return "", nil }

func (e *lite) size(ctx context.Context) (int64, error) {
	var pages, page []int64
	err := e.view(ctx, time.Now, func(tx *Tx) error {
		return tx.Together(ctx, ReadInto(&pages, Single[int64], "PRAGMA page_count"), ReadInto(&page, Single[int64], "PRAGMA page_size"))
	})
	if err != nil || len(pages) != 1 || len(page) != 1 {
		return 0, err
	}
	return pages[0] * page[0], nil
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
	if err := e.damage.found(); err != nil {
		return err
	}
	if _, err := c.exec(ctx, "BEGIN", nil); err != nil {
		return liteError(err)
	}
	ended := false
	defer func() {
		if !ended { // fn has panicked: the next to read must find no transaction
			c.exec(ctx, "ROLLBACK", nil)
		}
	}()
	err := fn(&Tx{session: c, now: microseconds(now())})
	_, end := c.exec(ctx, "COMMIT", nil)
	ended = end == nil
	if damage := e.damage.found(); damage != nil {
		return damage // also where fn has passed over it
	}
	if ended {
		return liteError(err)
	}
	return errors.Join(err, liteError(end))
}

func microseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// scrub folds the write-ahead log into the file and empties it. While a long
// view runs it can't, and does nothing: the next one will.
func (e *lite) scrub(ctx context.Context) error {
	return e.writer.outside(ctx, func(c *liteConn) error {
		return e.folder.aside(func() (err error) {
			for _, pragma := range []string{"PRAGMA busy_timeout(20)", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA busy_timeout(5000)"} {
				err = errors.Join(err, c.rows(ctx, pragma, nil, func(Row) error { return nil }))
			}
			return err
		})
	})
}

// scrubTable is scrub: what is deleted is overwritten at once (secure_delete).
func (e *lite) scrubTable(ctx context.Context, _ string, _ time.Duration, _ bool) (bool, error) {
	return true, e.scrub(ctx)
}

// snapshot writes what a reader sees at one moment into another file, without what
// was deleted. Meanwhile others write; the log of what they write isn't emptied.
func (e *lite) snapshot(ctx context.Context, path string) error {
	var c *liteConn
	select {
	case <-e.closed:
		return ErrClosed
	case c = <-e.readers:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { e.readers <- c }()
	if err := e.damage.found(); err != nil {
		return err
	}
	_, allow := c.exec(ctx, "PRAGMA query_only(0)", nil)
	_, err := c.exec(ctx, "VACUUM INTO $1", []any{path})
	_, forbid := c.exec(ctx, "PRAGMA query_only(1)", nil)
	return errors.Join(liteError(allow), liteError(err), liteError(forbid))
}

// liteError turns what SQLite reports into what a caller may be told.
func liteError(err error) error {
	var code int
	if e, ok := errors.AsType[*liteFault](err); ok {
		code = int(e.code)
	} else if e, ok := errors.AsType[*sqlite.Error](err); ok {
		code = e.Code()
	}
	// A write that the system refuses for another reason than a full disk, such as
	// a limit on the size of files, leaves the caller where a full disk does.
	if code == sqlite3.SQLITE_IOERR_WRITE {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	if code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY {
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	if damaged(code) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	switch code & 0xff {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w: %w", ErrFull, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%w: %w", ErrLocked, err)
	}
	return err
}

// damaged reports whether a code of SQLite says that the file isn't whole.
func damaged(code int) bool {
	switch code & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return true
	}
	return code == sqlite3.SQLITE_IOERR_CORRUPTFS || code == sqlite3.SQLITE_IOERR_DATA
}
