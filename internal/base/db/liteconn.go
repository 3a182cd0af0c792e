package db

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"
	"sync/atomic"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	sqlite3 "modernc.org/sqlite/lib"
)

// liteConn is one connection to SQLite with its prepared statements, for one
// goroutine at a time. It calls the library below database/sql: a statement of
// ours takes microseconds, and half of them would be spent above the library
// (docs/performance.md).
type liteConn struct {
	tls     *libc.TLS
	db      uintptr
	stmts   map[string]uintptr
	scratch scratch
	damage  *damage
}

// damage is what the connections of one file know of it together: the first
// fault that showed it isn't whole.
type damage struct{ first atomic.Pointer[liteFault] }

// found returns ErrDamaged once a connection has met the damage: a tree that is
// broken in one place may hide rows in others, a withdrawal among them, and to
// write to it breaks more.
func (d *damage) found() error {
	if f := d.first.Load(); f != nil {
		return liteError(f)
	}
	return nil
}

// maxStatements bounds what a connection keeps prepared. The program has a few
// hundred texts; a text made per call would show here as a slow store.
const maxStatements = 1000

// openLite opens a connection. It must not be used by two goroutines at once,
// so the library needs no locks of its own.
func openLite(path string, d *damage, more ...string) (*liteConn, error) {
	c := &liteConn{tls: libc.NewTLS(), stmts: make(map[string]uintptr), damage: d}
	if err := c.open(path); err != nil {
		c.close()
		return nil, err
	}
	for _, list := range [][]string{pragmas, more} {
		for _, p := range list {
			if _, err := c.exec(context.Background(), "PRAGMA "+p, nil); err != nil {
				c.close()
				return nil, err
			}
		}
	}
	return c, nil
}

func (c *liteConn) open(path string) error {
	name, err := libc.CString(path)
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, name)
	const flags = sqlite3.SQLITE_OPEN_READWRITE | sqlite3.SQLITE_OPEN_CREATE | sqlite3.SQLITE_OPEN_NOMUTEX | sqlite3.SQLITE_OPEN_EXRESCODE
	return c.out(func(p uintptr) error {
		rc := sqlite3.Xsqlite3_open_v2(c.tls, name, p, flags, 0)
		c.db = pointerAt(p) // there is one even after a failure
		return c.fault(rc)
	})
}

// out calls fn with the address of a pointer that the library sets.
func (c *liteConn) out(fn func(p uintptr) error) error {
	p := libc.Xcalloc(c.tls, 1, bits.UintSize/8)
	if p == 0 {
		return c.fault(sqlite3.SQLITE_NOMEM)
	}
	defer libc.Xfree(c.tls, p)
	return fn(p)
}

func pointerAt(p uintptr) uintptr {
	b := libc.GoBytes(p, bits.UintSize/8)
	if len(b) == 4 {
		return uintptr(binary.NativeEndian.Uint32(b))
	}
	return uintptr(binary.NativeEndian.Uint64(b))
}

func int32At(p uintptr) int32 { return int32(binary.NativeEndian.Uint32(libc.GoBytes(p, 4))) }

func (c *liteConn) close() error {
	for query, s := range c.stmts {
		sqlite3.Xsqlite3_finalize(c.tls, s)
		delete(c.stmts, query)
	}
	c.scratch.free(c.tls)
	err := c.fault(sqlite3.Xsqlite3_close_v2(c.tls, c.db))
	c.db = 0
	c.tls.Close()
	return err
}

func (c *liteConn) prepare(query string) (uintptr, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	text, err := libc.CString(query)
	if err != nil {
		return 0, err
	}
	defer libc.Xfree(c.tls, text)
	var s uintptr
	err = c.out(func(p uintptr) error {
		rc := sqlite3.Xsqlite3_prepare_v3(c.tls, c.db, text, int32(len(query)), sqlite3.SQLITE_PREPARE_PERSISTENT, p, 0)
		s = pointerAt(p)
		return c.fault(rc)
	})
	if err != nil {
		return 0, err
	}
	if s == 0 {
		return 0, fmt.Errorf("db: no statement in %q", query)
	}
	if len(c.stmts) >= maxStatements {
		for q, old := range c.stmts {
			sqlite3.Xsqlite3_finalize(c.tls, old)
			delete(c.stmts, q)
		}
	}
	c.stmts[query] = s
	return s, nil
}

// run runs a statement to its end, calling each at every row.
func (c *liteConn) run(query string, args []any, each func(Row) error) (err error) {
	s, err := c.prepare(query)
	if err != nil {
		return liteError(err)
	}
	if err := c.bind(s, args); err != nil {
		return liteError(err)
	}
	// The code of a reset is that of the step before it, which is known.
	defer sqlite3.Xsqlite3_reset(c.tls, s)
	row := liteRow{c.tls, s}
	for {
		switch rc := sqlite3.Xsqlite3_step(c.tls, s); rc {
		case sqlite3.SQLITE_ROW:
			if each == nil {
				continue
			}
			if err := each(row); err != nil {
				return err
			}
		case sqlite3.SQLITE_DONE:
			return nil
		default:
			return liteError(c.fault(rc))
		}
	}
}

// Statements run without the caller's cancellation: watching for it would cost a
// goroutine each, and statements are short.

func (c *liteConn) exec(_ context.Context, query string, args []any) (int64, error) {
	if err := c.run(query, args, nil); err != nil {
		return 0, err
	}
	return int64(sqlite3.Xsqlite3_changes(c.tls, c.db)), nil
}

func (c *liteConn) queue(_ context.Context, query string, args []any) error {
	return c.run(query, args, nil)
}

func (c *liteConn) rows(_ context.Context, query string, args []any, each func(Row) error) error {
	return c.run(query, args, each)
}

func (c *liteConn) together(_ context.Context, reads []Read) error {
	for _, r := range reads {
		if err := c.run(r.query, r.args, r.each); err != nil {
			return err
		}
	}
	return nil
}

// liteFault is an error of the library. Its text holds no values: SQLite's
// messages name tables, columns and words of the statement.
type liteFault struct {
	code int32
	text string
}

func (e *liteFault) Error() string { return fmt.Sprintf("sqlite %d: %s", e.code, e.text) }

// fault returns nil for a good code. It is asked before anything else is done
// with the connection, while the message belongs to the code.
func (c *liteConn) fault(rc int32) error {
	if rc == sqlite3.SQLITE_OK {
		return nil
	}
	text := libc.GoString(sqlite3.Xsqlite3_errstr(c.tls, rc))
	if c.db != 0 && sqlite3.Xsqlite3_extended_errcode(c.tls, c.db) == rc {
		text = libc.GoString(sqlite3.Xsqlite3_errmsg(c.tls, c.db))
	}
	f := &liteFault{rc, text}
	if damaged(int(rc)) {
		c.damage.first.CompareAndSwap(nil, f)
	}
	return f
}

// scratch is memory of the library's in which texts and blobs lie while a
// statement with them runs.
type scratch struct {
	p    uintptr
	size int
}

// keepScratch bounds what stays of it after a great value.
const keepScratch = 1 << 20

// room returns memory for n bytes, good until the next call.
func (m *scratch) room(tls *libc.TLS, n int) (uintptr, error) {
	if m.p != 0 && n <= m.size && (m.size <= keepScratch || n > keepScratch) {
		return m.p, nil
	}
	m.free(tls)
	size := max(4096, n+n/2)
	if m.p = libc.Xmalloc(tls, types.Size_t(size)); m.p == 0 {
		return 0, &liteFault{sqlite3.SQLITE_NOMEM, "out of memory"}
	}
	m.size = size
	return m.p, nil
}

func (m *scratch) free(tls *libc.TLS) {
	if m.p != 0 {
		libc.Xfree(tls, m.p)
	}
	m.p, m.size = 0, 0
}

func (c *liteConn) unchanged(_ context.Context, versions []Version) error {
	for _, v := range versions {
		same := false
		err := c.run("SELECT "+v.Column+" FROM "+v.Table+" WHERE "+v.Key+" = $1", []any{v.Row}, func(row Row) error {
			n, err := Single[int64](row)
			same = n == v.Want
			return err
		})
		if err != nil {
			return err
		}
		if !same {
			return ErrChanged
		}
	}
	return nil
}
