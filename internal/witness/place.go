package witness

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"wardkeep/internal/ledger"
)

// maxFile bounds a checkpoint with the signatures of many witnesses, in bytes.
const maxFile = 64 << 10

// A Shelf keeps small files outside the store. Each is written whole or not at all, and nothing
// that is written is deleted: a shelf may be one from which nothing can be.
type Shelf interface {
	// Names returns the names from one on, in order.
	Names(ctx context.Context, from string) ([]string, error)
	Read(ctx context.Context, name string) ([]byte, error)
	Write(ctx context.Context, name string, text []byte) error
}

// A Place keeps the checkpoints of one ledger on a shelf, each in a file that is named by its size
// and by how its root begins: so two histories lie there side by side. What an operator gives up
// for lost is marked by a file beside it, and counts no more.
type Place struct {
	Name  string // among the keepers
	Shelf Shelf
	Key   string // verifies the ledger
}

const (
	kept    = ".checkpoint"
	givenUp = ".given-up"
)

func fileOf(c ledger.Checkpoint) string { return Mark(c) + kept }

// Newest returns the largest checkpoint that is kept of those of so many entries or more, and its
// text; the zero Checkpoint if none ever was. Errors: those of Each.
func (p Place) Newest(ctx context.Context, from int64) (c ledger.Checkpoint, text string, err error) {
	err = p.Each(ctx, from, func(newest ledger.Checkpoint, says string) (more bool, err error) {
		c, text = newest, says
		return false, nil
	})
	return c, text, err
}

// Each has f see the checkpoints that are kept of so many entries or more, the largest first, until it
// wants no more. Errors: ErrEmptied, if there is none and was one, as from says; ErrForeign;
// ErrAway; those of f.
func (p Place) Each(ctx context.Context, from int64, f func(c ledger.Checkpoint, text string) (more bool, err error)) error {
	names, err := p.Shelf.Names(ctx, fmt.Sprintf("%020d", from))
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrAway, p.Name, err)
	}
	any := false
	for _, name := range slices.Backward(names) {
		if !strings.HasSuffix(name, kept) {
			continue // a mark, or nothing of ours
		}
		any = true
		if _, marked := slices.BinarySearch(names, name+givenUp); marked {
			continue
		}
		b, err := p.Shelf.Read(ctx, name)
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrAway, p.Name, err)
		}
		c, err := ledger.OpenCheckpoint(string(b), p.Key)
		if err == nil && fileOf(c) != name {
			err = errors.New("it isn't what its name says")
		}
		if err != nil {
			return fmt.Errorf("%w: %s: %s: %w", ErrForeign, p.Name, name, err)
		}
		if more, err := f(c, string(b)); err != nil || !more {
			return err
		}
	}
	if from > 0 && !any {
		return fmt.Errorf("%w: %s: the store says that it has kept one of %d entries there", ErrEmptied, p.Name, from)
	}
	return nil
}

// Keep keeps a checkpoint. What is kept of the same tree is written over: by then it may have
// more cosignatures. If we crash, it is there or it isn't.
func (p Place) Keep(ctx context.Context, c ledger.Checkpoint, text string) error {
	if err := p.Shelf.Write(ctx, fileOf(c), []byte(text)); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrAway, p.Name, err)
	}
	return nil
}

// GiveUp has a checkpoint that is kept count no more: the operator says that what it was of is lost.
func (p Place) GiveUp(ctx context.Context, c ledger.Checkpoint) error {
	if err := p.Shelf.Write(ctx, fileOf(c)+givenUp, []byte("given up\n")); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrAway, p.Name, err)
	}
	return nil
}

// GivenUp returns the size of the largest checkpoint of so many entries or more that was ever given
// up here; 0: none was.
func (p Place) GivenUp(ctx context.Context, from int64) (size int64, err error) {
	names, err := p.Shelf.Names(ctx, fmt.Sprintf("%020d", from))
	if err != nil {
		return 0, fmt.Errorf("%w: %s: %w", ErrAway, p.Name, err)
	}
	for _, name := range names {
		if digits, _, ok := strings.Cut(name, "-"); ok && strings.HasSuffix(name, givenUp) {
			if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
				size = max(size, n)
			}
		}
	}
	return size, nil
}

// A Folder is a shelf in a directory, which must be there: so a disk that isn't mounted is noticed.
type Folder string

// Names lists the directory.
func (f Folder) Names(_ context.Context, from string) (names []string, err error) {
	all, err := os.ReadDir(string(f))
	for _, file := range all {
		if name := file.Name(); name >= from && !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	return names, err
}

// Read reads a file, of what a checkpoint may have.
func (f Folder) Read(_ context.Context, name string) ([]byte, error) {
	file, err := os.Open(filepath.Join(string(f), name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxFile))
}

// Write writes a file under another name, has it and then its name on the disk. Another process may write
// the same at the same time: each has a name of its own. What is left of one that was cut off nobody reads.
func (f Folder) Write(_ context.Context, name string, text []byte) error {
	return f.write(name, text, 0o644)
}

func (f Folder) write(name string, text []byte, mode fs.FileMode) error {
	part := filepath.Join(string(f), ".part-"+name+"-"+rand.Text()[:8])
	file, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	if err := os.Rename(part, filepath.Join(string(f), name)); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	dir, err := os.Open(string(f))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
