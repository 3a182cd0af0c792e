package backup

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
)

// What can be wrong with the file of a backup.
var (
	ErrNotBackup = errs.New(errs.Invalid, "backup.not_a_backup")
	ErrNewer     = errs.New(errs.Unavailable, "backup.newer")       // a later release wrote it
	ErrDamaged   = errs.New(errs.Invalid, "backup.damaged")         // cut off, or changed
	ErrExpired   = errs.New(errs.Forbidden, "backup.expired")       // it should be gone
	ErrForeign   = errs.New(errs.Forbidden, "backup.foreign")       // of another ledger
	ErrNotEmpty  = errs.New(errs.Conflict, "backup.not_empty")      // where it is to be put, there is something
	ErrUnknown   = errs.New(errs.Forbidden, "backup.unknown_since") // nothing tells what happened since it was made
	ErrExists    = errs.New(errs.Conflict, "backup.file_exists")    // nothing is written over
	ErrNewest    = errs.New(errs.Forbidden, "backup.copy_newest")   // nothing tells that the copy is the newest there is
)

// Format is the number of the format that this release writes.
const Format = 1

// magic begins what is inside a backup; the format follows.
const magic = "wardkeep backup "

// A Manifest says what is in a backup. It lies inside, encrypted with the rest.
type Manifest struct {
	Backup     string    `json:"backup"` // "bk_…"
	CreatedAt  time.Time `json:"created_at"`
	Engine     string    `json:"engine"`     // "sqlite"
	Schema     int64     `json:"schema"`     // of the tables: see db.Schema
	Origin     string    `json:"origin"`     // of the ledger
	Size       int64     `json:"size"`       // of the ledger
	Checkpoint string    `json:"checkpoint"` // of the ledger
	Bytes      int64     `json:"bytes"`      // of the database that follows
}

// Expired reports whether the backup should be gone.
func (m Manifest) Expired(now time.Time) bool { return !now.Before(m.CreatedAt.Add(Life)) }

// Write writes a backup, locked (age-encryption.org/v1): what it holds is m and, after
// it, m.Bytes bytes of database. Nothing of either leaves in plain.
func Write(w io.Writer, lock keyring.Lock, m Manifest, database io.Reader) error {
	out, err := keyring.Encrypt(w, lock)
	if err != nil {
		return err
	}
	head, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "%s%d\n%s\n", magic, Format, head); err != nil {
		return err
	}
	n, err := io.Copy(out, database)
	if err == nil && n != m.Bytes {
		err = fmt.Errorf("backup: the database has %d bytes, not %d", n, m.Bytes)
	}
	return errors.Join(err, out.Close())
}

// Read opens a backup and returns what it says of itself, and the database in it.
// Who reads that to its end with Copy knows that it is whole. Errors: ErrNotBackup,
// ErrNewer, ErrDamaged; keyring.ErrBackupWrongKey.
func Read(r io.Reader, key keyring.Unlock) (Manifest, *Content, error) {
	var m Manifest
	in, err := keyring.Decrypt(r, key)
	if errors.Is(err, keyring.ErrBackupDamaged) {
		return m, nil, fmt.Errorf("%w: %w", ErrNotBackup, err)
	}
	if err != nil {
		return m, nil, err
	}
	b := bufio.NewReaderSize(in, 1<<16)
	line, err := b.ReadSlice('\n')
	var format int
	switch n, scanned := fmt.Sscanf(string(line), magic+"%d\n", &format); {
	case err != nil && !errors.Is(err, bufio.ErrBufferFull) && !errors.Is(err, io.EOF):
		return m, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	case err != nil || scanned != nil || n != 1:
		return m, nil, ErrNotBackup
	case format > Format:
		return m, nil, fmt.Errorf("%w: format %d, and this release knows %d", ErrNewer, format, Format)
	}
	head, err := b.ReadSlice('\n')
	if err == nil {
		err = json.Unmarshal(head, &m)
	}
	switch {
	case err != nil:
		return m, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	case m.Engine != "sqlite" || m.Bytes <= 0:
		return m, nil, ErrNotBackup
	case m.Schema > db.Schema():
		return m, nil, fmt.Errorf("%w: its tables are of version %d, this release knows %d", ErrNewer, m.Schema, db.Schema())
	}
	return m, &Content{r: b, bytes: m.Bytes}, nil
}

// Content is the database in a backup.
type Content struct {
	r     io.Reader
	bytes int64
}

// Copy writes the database to w. Errors: ErrDamaged, if it is not whole; those of w.
func (c *Content) Copy(w io.Writer) error {
	out := &target{w: w}
	n, err := io.Copy(out, c.r)
	switch {
	case out.err != nil:
		return out.err
	case err != nil:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	case n != c.bytes:
		return fmt.Errorf("%w: %d bytes instead of %d", ErrDamaged, n, c.bytes)
	}
	return nil
}

// A target remembers that it was the writing that failed.
type target struct {
	w   io.Writer
	err error
}

// Write writes on.
func (t *target) Write(b []byte) (int, error) {
	n, err := t.w.Write(b)
	t.err = err
	return n, err
}
