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

	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/base/errs"
)

// ErrUnreached says that a server didn't give its ledger out: it can't be reached,
// the key isn't good for it, or entries of several services lie there.
var ErrUnreached = errs.New(errs.Unavailable, "ledger.unreached")

// fetchTime bounds one file.
const fetchTime = 60 * time.Second

// Fetch copies the ledger that is served at base (C2SP tlog-tiles; a server of ours
// has it at /v1/ledger) into dir, which must be empty or missing, as Export writes
// it. Key is that of an app, or empty, and goes to that server alone. How much there is
// to fetch is believed if verifierKey verifies it: a server that lies is asked for
// nothing more, and no file of it is longer than one can be. What was fetched is not
// believed: see Proves. Errors: ErrUnreached, ErrCopyForeign, ErrCopyDamaged.
func Fetch(ctx context.Context, base, key, verifierKey, dir string) error {
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
	f := fetching{base: strings.TrimRight(base, "/"), key: key, root: root, client: http.Client{CheckRedirect: stay}}
	checkpoint, err := f.get(ctx, "checkpoint", maxCheckpoint)
	if err != nil {
		return err
	}
	head, err := OpenCheckpoint(string(checkpoint), verifierKey)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCopyForeign, err)
	}
	for level := -1; level < 0 || head.Size>>(height*level) > 0; level++ {
		for n := int64(0); ; n++ {
			w := widthAt(head.Size, level, n)
			if w == 0 {
				break
			}
			name, most := tilePath{level, n, w}.path(), int64(MaxFile)
			if level >= 0 {
				most = int64(w) * tlog.HashSize
			}
			b, err := f.get(ctx, name, most)
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
	client    http.Client
}

// maxCheckpoint is more than a checkpoint with the signatures of many witnesses has.
const maxCheckpoint = 64 << 10

// stay follows a redirect within the server that was named, and to no other: the key
// goes along.
func stay(to *http.Request, via []*http.Request) error {
	from := via[0].URL
	if to.URL.Scheme != from.Scheme || to.URL.Host != from.Host || len(via) > 3 {
		return errors.New("the server leads elsewhere")
	}
	return nil
}

// get fetches a file of at most so many bytes.
func (f fetching) get(ctx context.Context, name string, most int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.base+"/"+name, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreached, err)
	}
	if f.key != "" {
		r.Header.Set("Authorization", "Bearer "+f.key)
	}
	answer, err := f.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreached, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: %s: %s", ErrUnreached, name, answer.Status)
	}
	b, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %s: %w", ErrUnreached, name, err)
	case int64(len(b)) > most:
		return nil, fmt.Errorf("%w: %s has more than %d bytes", ErrCopyDamaged, name, most)
	}
	return b, nil
}
