package db

import (
	"context"
	"sync"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// After how many written pages the write-ahead log is folded in, if they are of so many
// transactions: where each writes much, what is written again and again is copied once. Reading
// gets slower as the log gets longer.
const (
	foldAfter  = 2000
	foldGroups = 10
)

// A folder copies the write-ahead log into the file beside the writer, on a connection
// of its own: what commits is rarely held up by the copying. Where writing doesn't pause, the log
// can't begin anew meanwhile; then the writer folds in the little that is left
// (wal_autocheckpoint).
type folder struct {
	path   string
	damage *damage
	turn   chan struct{} // holds one when there is something to fold
	quit   chan struct{}
	done   sync.WaitGroup
	once   sync.Once

	mu   sync.Mutex // held while folding
	conn *liteConn  // nil until there is something to do
}

func newFolder(path string, d *damage) *folder {
	f := &folder{path: path, damage: d, turn: make(chan struct{}, 1), quit: make(chan struct{})}
	f.done.Go(f.loop)
	return f
}

// wake says that there is something to do.
func (f *folder) wake() {
	select {
	case f.turn <- struct{}{}:
	default:
	}
}

func (f *folder) loop() {
	for {
		select {
		case <-f.turn:
			f.fold()
		case <-f.quit:
			return
		}
	}
}

// fold copies what there is. What it can't copy now, because a view still reads what was before
// or the file can't be written, stays in the log: the writer meets it there.
func (f *folder) fold() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.damage.found() != nil {
		return
	}
	if f.conn == nil {
		conn, err := openLite(f.path, f.damage)
		if err != nil {
			return
		}
		f.conn = conn
	}
	f.conn.rows(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)", nil, func(Row) error { return nil })
}

// aside runs fn while nothing is being folded.
func (f *folder) aside(fn func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fn()
}

func (f *folder) stop() (err error) {
	f.once.Do(func() { close(f.quit) })
	f.done.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conn != nil {
		err = f.conn.close()
		f.conn = nil
	}
	return err
}

// written returns how many pages the connection has written since the last call.
func (c *liteConn) written() (pages int32) {
	p := libc.Xcalloc(c.tls, 2, 4)
	if p == 0 {
		return 0
	}
	defer libc.Xfree(c.tls, p)
	if sqlite3.Xsqlite3_db_status(c.tls, c.db, sqlite3.SQLITE_DBSTATUS_CACHE_WRITE, p, p+4, 1) != sqlite3.SQLITE_OK {
		return 0
	}
	return int32At(p)
}
