package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"time"

	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
)

// terminal is who makes and ends backups.
var terminal = catalog.Operator{ID: "cli"}

// Backup writes an encrypted copy of the embedded database, as it is at one moment, to
// a new file; where to is a directory, to one of its own name in it. Others go on
// writing meanwhile. In plain the copy lies in the data directory only, until the
// file is written. Errors: db.ErrEngine on PostgreSQL, backup.ErrExists,
// keyring.ErrBackupLock; db.ErrFull.
//
// If we crash, the plain copy is removed by the next sweep, backup or start (Tidy), and a file
// that was begun is watched: the record comes before its first byte.
func (a *App) Backup(ctx context.Context, to string, lock keyring.Lock) (b backup.Backup, file string, err error) {
	if a.Config.Embedded() == "" {
		return b, "", db.ErrEngine
	}
	name, made := backup.New(), a.Store.Now()
	if info, err := os.Stat(to); err == nil && info.IsDir() {
		to = filepath.Join(to, fileName(made, name))
	}
	for _, there := range []string{to, to + partSuffix} { // the second by one that was killed, or runs
		if exists(there) {
			return b, "", fmt.Errorf("%w: %s", backup.ErrExists, there)
		}
	}
	if err := a.Tidy(); err != nil {
		return b, "", err
	}
	path := filepath.Join(a.Config.DataDir, snapshotPrefix+name+snapshotSuffix)
	plain, err := holdNew(path)
	if err != nil {
		return b, "", full(err)
	}
	defer func() { err = errors.Join(err, wipe(path), plain.Close()) }()
	m, err := a.snapshot(ctx, path, name, made)
	if err != nil {
		return b, "", err
	}
	err = a.Store.Update(ctx, func(tx *db.Tx) (err error) {
		b, err = backup.Record(ctx, tx, terminal, name, made, m.Size)
		return err
	})
	if err != nil {
		return b, "", err
	}
	if err := seal(path, to, lock, m); err != nil {
		ended := a.Store.Update(context.WithoutCancel(ctx), func(tx *db.Tx) error {
			return backup.End(context.WithoutCancel(ctx), tx, terminal, name, backup.Failed)
		})
		return b, "", errors.Join(err, ended)
	}
	return b, to, nil
}

// snapshot writes the store into the file at path and makes it one that must be
// replayed, and says what is in it.
func (a *App) snapshot(ctx context.Context, path, name string, made time.Time) (m backup.Manifest, err error) {
	if err := a.Store.Snapshot(ctx, path); err != nil {
		return m, err
	}
	store, err := db.OpenSQLite(path)
	if err != nil {
		return m, err
	}
	m = backup.Manifest{Backup: name, CreatedAt: made.UTC(), Engine: store.Engine(), Schema: db.Schema(), Origin: a.Config.LedgerOrigin}
	err = store.Update(ctx, func(tx *db.Tx) error {
		head, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		m.Size, m.Checkpoint = head.Size, head.Checkpoint
		_, err = backup.Mark(ctx, tx, name)
		return err
	})
	if err := errors.Join(err, store.Scrub(ctx), store.Close()); err != nil {
		return m, err
	}
	info, err := os.Stat(path)
	if err == nil {
		m.Bytes = info.Size()
	}
	return m, err
}

// seal writes the file of a backup: under another name first, so that under its own
// it is whole.
func seal(path, to string, lock keyring.Lock, m backup.Manifest) error {
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	part := to + partSuffix
	out, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%w: %s", backup.ErrExists, part)
	}
	if err != nil {
		return full(err)
	}
	err = backup.Write(out, lock, m, from)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Rename(part, to)
	}
	if err != nil {
		return full(errors.Join(err, os.Remove(part)))
	}
	if err := syncDir(filepath.Dir(to)); err != nil {
		return errors.Join(err, os.Remove(to)) // who can't be sure of it says that it is gone
	}
	return nil
}

// How files of backups are called.
const (
	snapshotPrefix = "backup-" // in plain, in the data directory
	snapshotSuffix = ".tmp"
	partSuffix     = ".part"
)

func fileName(made time.Time, name string) string {
	return "wardkeep-" + made.UTC().Format("20060102T150405Z") + "-" + name + ".age"
}

// named finds the name of a backup in that of its file.
var named = regexp.MustCompile(`^wardkeep-[0-9TZ]+-(bk_[0-9a-z]{26})\.age(\.part)?$`)

// Prune deletes the files of backups in a directory that should be gone, or of which
// somebody has said that they are, and returns their names. Of a file whose backup the
// store doesn't know nothing is done. Each is deleted before that is recorded.
func (a *App) Prune(ctx context.Context, dir string) (gone []string, err error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		match := named.FindStringSubmatch(f.Name())
		if match == nil {
			continue
		}
		var b backup.Backup
		err := a.Store.View(ctx, func(tx *db.Tx) (err error) {
			b, err = backup.Find(ctx, tx, match[1])
			return err
		})
		switch {
		case errors.Is(err, backup.ErrNotFound):
			continue
		case err != nil:
			return gone, err
		case b.GoneAt.IsZero() && !b.Late(a.Store.Now()):
			continue
		}
		if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
			return gone, err
		}
		gone = append(gone, f.Name())
		err = a.Store.Update(ctx, func(tx *db.Tx) error { return backup.End(ctx, tx, terminal, b.ID, backup.Pruned) })
		if err != nil && !errors.Is(err, backup.ErrGone) {
			return gone, err
		}
	}
	return gone, nil
}

// Tidy removes what a backup or a restore that was killed has left in plain in the
// data directory. One that another process is writing stays.
func (a *App) Tidy() error {
	if a.Config.Embedded() == "" {
		return nil
	}
	left, err := filepath.Glob(filepath.Join(a.Config.DataDir, snapshotPrefix+"*"+snapshotSuffix))
	if err != nil {
		return err
	}
	var failed []error
	for _, path := range left {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			continue // whoever wrote it has just removed it
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil && isAt(f, path) {
			failed = append(failed, wipe(path))
		}
		failed = append(failed, f.Close())
	}
	return errors.Join(failed...)
}

// holdNew makes an empty file that Tidy of another process leaves alone while it is
// open. Tidy may come between the making and the lock, and takes it for what was left: then
// it is waited for, and the file made anew.
func holdNew(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			return nil, errors.Join(err, f.Close(), os.Remove(path))
		}
		if isAt(f, path) {
			return f, nil
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
}

// isAt reports whether a path still leads to an open file.
func isAt(f *os.File, path string) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(open, there)
}

// wipe overwrites a database and removes it with what SQLite keeps beside it: the keys
// in it are not to stay on the disk after children are erased (Article 20). A disk
// that writes elsewhere keeps them; see docs/threat-model.md.
func wipe(path string) error {
	var failed []error
	// The database last: as long as it is there, Tidy finds what is left.
	for _, name := range []string{path + "-journal", path + "-shm", path + "-wal", path} {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		info, err := f.Stat()
		if err == nil {
			_, err = io.CopyN(f, zeros{}, info.Size())
		}
		failed = append(failed, err, f.Sync(), f.Close(), os.Remove(name))
	}
	return errors.Join(failed...)
}

// zeros has no end.
type zeros struct{}

// Read fills b.
func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// full tells a full disk as the store does.
func full(err error) error {
	if slices.ContainsFunc([]error{syscall.ENOSPC, syscall.EDQUOT}, func(s error) bool { return errors.Is(err, s) }) {
		return fmt.Errorf("%w: %w", db.ErrFull, err)
	}
	return err
}
