package publication

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"

	"wardkeep/internal/base/pii"
	"wardkeep/internal/screening"
)

// maxFirst is how many lines are named in which something was found.
const maxFirst = 20

// A Joined is what a sample of a log has come to: how many of its lines can be joined with a
// person, and which. What stands in them is nowhere in it.
type Joined struct {
	Lines int
	Found int                    // of them, those in which something stands by which a person is told
	Kinds map[screening.Kind]int // in how many lines each kind is
	First []int                  // the numbers of the first of them
	Hash  string                 // of the sample: SHA-256, in hex
}

// Join tries to join each line of a sample with the children whom a service holds (Article 28):
// by their known values, and by whatever has the form of a number, an address or a name, since
// that joins with whoever has it. Nothing of the sample is kept. Errors: ErrNothing, ErrText,
// ErrNotReady.
func (d *Desk) Join(ctx context.Context, service string, sample io.Reader) (Joined, error) {
	hash, out := sha256.New(), Joined{Kinds: make(map[screening.Kind]int)}
	lines := bufio.NewScanner(io.TeeReader(sample, hash))
	lines.Buffer(make([]byte, 0, 64<<10), screening.LargestText)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(strings.ToValidUTF8(lines.Text(), "\uFFFD"))
		if text == "" {
			continue
		}
		r, err := d.Read(ctx, service, Content{Text: pii.New(text)})
		if err != nil {
			return Joined{}, err
		}
		out.Lines++
		seen := make(map[screening.Kind]bool)
		for _, f := range r.found {
			if f.Confidence > screening.Possible {
				seen[f.Kind] = true
			}
		}
		for kind := range seen {
			out.Kinds[kind]++
		}
		if len(seen) > 0 {
			out.Found++
			if len(out.First) < maxFirst {
				out.First = append(out.First, n)
			}
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return Joined{}, ErrText.At("sample")
	case err != nil:
		return Joined{}, err
	case out.Lines == 0:
		return Joined{}, ErrNothing
	}
	out.Hash = hex.EncodeToString(hash.Sum(nil))
	return out, nil
}
