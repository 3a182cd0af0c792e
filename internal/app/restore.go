package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/ledger"
	"wardkeep/internal/restoration"
)

// unpacking is what a database is called in the data directory until it is whole.
const unpacking = snapshotPrefix + "restoring" + snapshotSuffix

// Unpack puts the database in a backup where there is none. It serves nothing before
// Restore has replayed what happened since. Where the same backup was unpacked and not
// replayed, that is gone on with. Expired lets one be used that should be gone. Errors:
// those of backup.Read, backup.ErrForeign, ErrExpired, ErrNotEmpty, ErrDamaged;
// keyring.ErrWrongKEK; db.ErrFull, db.ErrEngine.
//
// If we crash, there is no database, or a whole one that waits to be replayed.
func Unpack(ctx context.Context, c Config, file string, key keyring.Unlock, expired bool) (m backup.Manifest, err error) {
	path := c.Embedded()
	if path == "" {
		return m, db.ErrEngine
	}
	f, err := os.Open(file)
	if err != nil {
		return m, fmt.Errorf("%w: %w", backup.ErrNotBackup, err)
	}
	defer f.Close()
	m, content, err := backup.Read(f, key)
	switch {
	case err != nil:
		return m, fmt.Errorf("%w: %s", err, file)
	case m.Origin != c.LedgerOrigin:
		return m, fmt.Errorf("%w: it is of the ledger %q, and ledger_origin says %q", backup.ErrForeign, m.Origin, c.LedgerOrigin)
	case m.Expired(time.Now()) && !expired:
		return m, fmt.Errorf("%w: it was made on %s", backup.ErrExpired, m.CreatedAt.Format(time.DateOnly))
	}
	if err := c.makeDataDir(); err != nil {
		return m, err
	}
	if exists(path) {
		return m, sameBackup(ctx, path, m)
	}
	if err := onlyOurs(c.DataDir); err != nil {
		return m, err
	}
	part := filepath.Join(c.DataDir, unpacking)
	if err := wipe(part); err != nil {
		return m, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, wipe(part))
		}
	}()
	out, err := holdNew(part)
	if err != nil {
		return m, full(err)
	}
	defer out.Close() // until then Tidy leaves it alone
	if err := errors.Join(content.Copy(out), out.Sync()); err != nil {
		return m, full(err)
	}
	if err := c.tryUnpacked(ctx, part); err != nil {
		return m, err
	}
	if err := os.Rename(part, path); err != nil {
		return m, err
	}
	return m, syncDir(c.DataDir)
}

// sameBackup refuses to unpack where there is a database, unless it is what was
// unpacked of the same backup and waits to be replayed.
func sameBackup(ctx context.Context, path string, m backup.Manifest) error {
	store, err := db.OpenSQLite(path)
	if err != nil {
		return err
	}
	var r backup.Restoration
	err = store.Migrate(ctx)
	if err == nil {
		err = store.View(ctx, func(tx *db.Tx) (err error) {
			r, err = backup.Open(ctx, tx)
			return err
		})
	}
	if errors.Is(err, backup.ErrNotFound) || err == nil && r.Backup != m.Backup {
		err = fmt.Errorf("%w: %s", backup.ErrNotEmpty, path)
	}
	return errors.Join(err, store.Close())
}

// onlyOurs refuses a data directory in which there is anything but what an unpacking
// that was killed has left, and what this node has seen of the ledger, if it was killed while
// it wrote that, too.
func onlyOurs(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if !strings.HasPrefix(f.Name(), unpacking) && !strings.HasPrefix(f.Name(), seenFile) {
			return fmt.Errorf("%w: %s", backup.ErrNotEmpty, filepath.Join(dir, f.Name()))
		}
	}
	return nil
}

// tryUnpacked opens what was unpacked with the keys at hand, before it gets the name
// of the store.
func (c *Config) tryUnpacked(ctx context.Context, part string) error {
	store, err := db.OpenSQLite(part)
	if err != nil {
		return err
	}
	try := func() error {
		if err := store.Migrate(ctx); err != nil {
			return err
		}
		kek, err := openKEK(ctx, c, store)
		if err != nil {
			return err
		}
		stored, err := readKeys(ctx, store)
		if err != nil {
			return err
		}
		ring, err := keyring.Open(ctx, kek, stored)
		if err != nil {
			return err
		}
		return store.View(ctx, func(tx *db.Tx) error {
			if _, err := backup.Open(ctx, tx); err != nil {
				return fmt.Errorf("%w: %w", backup.ErrNotBackup, err)
			}
			return ledger.CheckOrigin(ctx, tx, c.LedgerOrigin, ring.Signer().Seed())
		})
	}
	err = try()
	if err == nil { // else it may be no store at all
		err = store.Scrub(ctx)
	}
	return errors.Join(err, store.Close())
}

// OpenRestoring opens a store that was put back and waits to be replayed. Where the
// operator says that it was put back by other tools, it becomes such a store. Errors:
// backup.ErrNotFound, if it isn't one.
func OpenRestoring(ctx context.Context, c Config, log *slog.Logger, byOthers bool) (*App, error) {
	a, err := openApp(ctx, c, log, func(context.Context, *db.DB) error { return nil })
	if err != nil {
		return nil, err
	}
	place, err := a.Store.Place(ctx)
	if err == nil {
		err = a.Store.Update(ctx, func(tx *db.Tx) error {
			_, err := backup.Open(ctx, tx)
			if errors.Is(err, backup.ErrNotFound) && byOthers {
				_, err = backup.Mark(ctx, tx, "")
			}
			if err != nil || place == "" {
				return err
			}
			return backup.Settle(ctx, tx, place) // the mark says now what its former place said
		})
	}
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// A Since says what is known of what happened since a backup was made.
type Since struct {
	Ledger      string   // a directory with a copy of the ledger, or where one is served; or none
	Key         string   // of an app, for where it is served
	Checkpoints []string // that were kept elsewhere
	Newest      bool     // the operator says that the ledger is the newest there is
}

// Restore continues the ledger of a store that was put back, replays what must hold,
// and lets it be used again. Errors: backup.ErrUnknown, if nothing tells what
// happened since; backup.ErrNewest, if that is less than must have; those of ledger.Fetch and ledger.Proves.
func (a *App) Restore(ctx context.Context, since Since) (restoration.Report, error) {
	return a.restore(ctx, since, nil)
}

func (a *App) restore(ctx context.Context, since Since, step func()) (restoration.Report, error) {
	if err := a.OpenCalendar(); err != nil {
		return restoration.Report{}, err
	}
	desk := restoration.Desk{Store: a.Store, Vault: a.Vault, Calendar: a.Calendar, Farewell: a.Farewell(), Step: step}
	if a.Config.Embedded() == "" {
		// Invariant 8: the backup's rows of who is erased again stay in PostgreSQL's pages, with
		// their keys, as the pool key of the backup wraps them. SQLite overwrites its own.
		desk.Last = a.renewPool
	}
	var r backup.Restoration
	var head ledger.Root
	err := a.Store.View(ctx, func(tx *db.Tx) (err error) {
		if r, err = backup.Open(ctx, tx); err == nil {
			head, err = ledger.Head(ctx, tx)
		}
		return err
	})
	if err != nil {
		return restoration.Report{}, err
	}
	if r.Entry == "" {
		source, latest, err := a.since(ctx, since, r, head)
		if err == nil {
			err = desk.Continue(ctx, a.Ledger, source, latest, messageCursor)
		}
		if err != nil {
			return restoration.Report{}, err
		}
	}
	if err := a.giveUpSeen(ctx, since.Newest); err != nil {
		return restoration.Report{}, err
	}
	if desk.GivenUp, err = a.giveUpOutside(ctx, since.Newest); err != nil {
		return restoration.Report{}, err
	}
	report, err := desk.Replay(ctx)
	a.Farewell().Wait()
	if err != nil {
		return report, err
	}
	if err := os.RemoveAll(a.fetched()); err != nil {
		return report, err
	}
	a.seen.whole = true // and what was seen before is in the ledger, or was given up
	// So that the server that is started next need not wait.
	return report, errors.Join(a.Ledger.Flush(ctx), a.Ledger.Release(ctx))
}

// fetched is where a ledger is copied to that is served somewhere.
func (a *App) fetched() string { return filepath.Join(a.Config.DataDir, "restoring-ledger") }

// since returns the copy of the ledger that tells what happened, proved, and how far
// it reaches. There is none where a checkpoint proves that nothing did. After a backup
// of ours something did: that it was made.
func (a *App) since(ctx context.Context, s Since, r backup.Restoration, head ledger.Root) (ledger.Source, ledger.Checkpoint, error) {
	ours := r.Backup != ""
	if s.Ledger == "" && ours {
		return nil, ledger.Checkpoint{}, backup.ErrUnknown
	}
	if s.Ledger == "" && len(s.Checkpoints) == 0 {
		return nil, ledger.Checkpoint{}, backup.ErrUnknown
	}
	if s.Ledger != "" && len(s.Checkpoints) == 0 && !s.Newest {
		return nil, ledger.Checkpoint{}, backup.ErrNewest
	}
	if !s.Newest { // it may be older than what happened last, and what it says has happened
		text, _, err := a.recall()
		if err != nil {
			return nil, ledger.Checkpoint{}, err
		}
		if text != "" {
			s.Checkpoints = append(slices.Clip(s.Checkpoints), text)
		}
		more, _, err := a.KeptOutside(ctx)
		if err != nil {
			return nil, ledger.Checkpoint{}, err
		}
		s.Checkpoints = append(slices.Clip(s.Checkpoints), more...)
	}
	if s.Ledger == "" {
		latest, err := a.nothingSince(s.Checkpoints, head)
		return nil, latest, err
	}
	dir := s.Ledger
	if strings.Contains(s.Ledger, "://") {
		dir = a.fetched()
		if err := os.RemoveAll(dir); err != nil {
			return nil, ledger.Checkpoint{}, err
		}
		if err := a.Config.makeDataDir(); err != nil {
			return nil, ledger.Checkpoint{}, err
		}
		if err := ledger.Fetch(ctx, s.Ledger, s.Key, a.LedgerKey, dir); err != nil {
			return nil, ledger.Checkpoint{}, full(err)
		}
	}
	source := ledger.FromDir(dir)
	latest, err := ledger.Proves(ctx, source, a.LedgerKey, head.Checkpoint, s.Checkpoints...)
	if err == nil && ours && latest.Size <= r.From && !s.Newest {
		err = fmt.Errorf("%w: it ends where the backup does", backup.ErrNewest)
	}
	return source, latest, err
}

// nothingSince returns the latest checkpoint, if it is that of the store as it is.
func (a *App) nothingSince(texts []string, head ledger.Root) (latest ledger.Checkpoint, err error) {
	for _, text := range texts {
		c, err := ledger.OpenCheckpoint(text, a.LedgerKey)
		if err != nil {
			return latest, fmt.Errorf("%w: %w", ledger.ErrCopyForeign, err)
		}
		if c.Size >= latest.Size {
			latest = c
		}
	}
	switch {
	case latest.Size != head.Size:
		return latest, fmt.Errorf("%w: the store has %d entries, the latest checkpoint says %d", backup.ErrUnknown, head.Size, latest.Size)
	case latest.Root != head.Root:
		return latest, ledger.ErrCopyOther
	}
	return latest, nil
}
