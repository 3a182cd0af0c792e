package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"wardkeep/internal/base/errs"
)

// ErrUnreached says that a server didn't give its ledger out: it can't be reached,
// the key isn't good for it, or entries of several services lie there.
var ErrUnreached = errs.New(errs.Unavailable, "ledger.unreached")

// fetchTime bounds one file.
const fetchTime = 60 * time.Second

// Fetch copies the ledger that is served at base (C2SP tlog-tiles; a server of ours
// has it at /v1/ledger) into dir, which must be empty or missing, as Export writes
// it. Key is that of an app, or empty. What was fetched is not believed: see Proves.
// Errors: ErrUnreached, ErrCopyForeign.
func Fetch(ctx context.Context, base, key, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if there, err := os.ReadDir(dir); err != nil || len(there) > 0 {
		return errors.Join(err, fmt.Errorf("ledger: %s is not empty", dir))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	f := fetching{base: strings.TrimRight(base, "/"), key: key, root: root}
	checkpoint, err := f.get(ctx, "checkpoint")
	if err != nil {
		return err
	}
	text, _, _ := strings.Cut(string(checkpoint), "\n\n")
	head, err := readCheckpoint(text + "\n")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCopyForeign, err)
	}
	for level := -1; level < 0 || head.Size>>(height*level) > 0; level++ {
		for n := int64(0); ; n++ {
			w := widthAt(head.Size, level, n)
			if w == 0 {
				break
			}
			name := tilePath{level, n, w}.path()
			b, err := f.get(ctx, name)
			if err == nil {
				err = write(root, name, b)
			}
			if err != nil {
				return err
			}
		}
	}
	return write(root, "checkpoint", checkpoint)
}

// A fetching is one run of Fetch.
type fetching struct {
	base, key string
	root      *os.Root
}

func (f fetching) get(ctx context.Context, name string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.base+"/"+name, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreached, err)
	}
	if f.key != "" {
		r.Header.Set("Authorization", "Bearer "+f.key)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreached, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: %s: %s", ErrUnreached, name, answer.Status)
	}
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxFile))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrUnreached, name, err)
	}
	return b, nil
}
