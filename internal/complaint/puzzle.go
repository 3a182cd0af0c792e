package complaint

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
)

// A form carries a puzzle, so that reports cost whoever sends thousands, and nobody has to
// prove who they are, or recognise pictures:
//
//	challenge = "1." issued "." bits "." random "." mac
//	solution  = a decimal number n of at most 20 digits for which
//	            SHA-256(challenge ":" n) begins with so many zero bits
//
// issued is in Unix seconds, random 26 and mac 52 letters of Crockford's base32; mac is the keyed
// hash of what stands before it. The challenge names nobody, and nothing is kept when one is
// given out: that it was used is the row that was made with it, so it is used once, on
// whatever node and after whatever restart.

const (
	challengeDomain = "complaint.challenge"
	puzzleLife      = 2 * time.Hour
	maxSolution     = 20 // digits

	// Patience is how old a form is that counts without a solution: of who has no script.
	Patience = time.Minute

	easiest, hardest = 15, 21 // bits: a moment on a telephone, and half a minute
)

// A Puzzle is what a form carries.
type Puzzle struct {
	Challenge string
	Bits      int
}

// NewPuzzle makes one, the harder the more was reported within the hour.
func NewPuzzle(ctx context.Context, tx *db.Tx, ring *keyring.Ring) (Puzzle, error) {
	n, err := lately(ctx, tx)
	if err != nil {
		return Puzzle{}, err
	}
	return puzzle(ring, tx.Now(), difficulty(n)), nil
}

// difficulty is one bit more for each doubling.
func difficulty(lately int64) int {
	return min(hardest, easiest+bits.Len64(uint64(max(0, lately)/8)))
}

func puzzle(ring *keyring.Ring, now time.Time, hard int) Puzzle {
	said := strings.Join([]string{"1", strconv.FormatInt(now.Unix(), 10), strconv.Itoa(hard), id.Secret(16)}, ".")
	return Puzzle{said + "." + id.Text(ring.Index(challengeDomain, said)), hard}
}

// Solve solves it as the form's script does: for whoever sends a form without a browser.
func (p Puzzle) Solve() Proof {
	for n := 0; ; n++ {
		if solution := strconv.Itoa(n); zeros(p.Challenge+":"+solution) >= p.Bits {
			return Proof{p.Challenge, solution}
		}
	}
}

// A Proof is what comes back with a form.
type Proof struct {
	Challenge string
	Solution  string // empty: of who has no script
}

// check reports when the challenge was made, and whether it is solved: one keyed hash and one
// hash, whatever was sent. Errors: ErrPuzzle, ErrStale.
func (p Proof) check(ring *keyring.Ring, now time.Time) (solved bool, err error) {
	if len(p.Challenge) > 200 || len(p.Solution) > maxSolution {
		return false, ErrPuzzle
	}
	end := strings.LastIndexByte(p.Challenge, '.')
	if end < 0 {
		return false, ErrPuzzle
	}
	said, mac := p.Challenge[:end], p.Challenge[end+1:]
	if subtle.ConstantTimeCompare([]byte(id.Text(ring.Index(challengeDomain, said))), []byte(mac)) != 1 {
		return false, ErrPuzzle
	}
	parts := strings.Split(said, ".") // which we have written
	if len(parts) != 4 {
		return false, ErrPuzzle
	}
	at, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return false, ErrPuzzle
	}
	hard, err := strconv.Atoi(parts[2])
	if err != nil {
		return false, ErrPuzzle
	}
	age := now.Sub(time.Unix(at, 0))
	switch {
	case age >= puzzleLife || age < -time.Minute: // the clocks of two nodes differ a bit
		return false, ErrStale
	case p.Solution != "":
		if strings.Trim(p.Solution, "0123456789") != "" || zeros(p.Challenge+":"+p.Solution) < hard {
			return false, ErrPuzzle
		}
		return true, nil
	case age < Patience:
		return false, ErrPuzzle
	}
	return false, nil
}

// Solved checks a proof, and reports whether it is a solution, or the patience of who has no
// script, of whom the caller takes few. Errors: ErrPuzzle, ErrStale.
func (d Desk) Solved(p Proof, now time.Time) (bool, error) { return p.check(d.Ring, now) }

// zeros is with how many zero bits the hash of a text begins.
func zeros(s string) (n int) {
	sum := sha256.Sum256([]byte(s))
	for _, b := range sum {
		n += bits.LeadingZeros8(b)
		if b != 0 {
			break
		}
	}
	return n
}

// used is what a report keeps of the challenge that it was made with.
func (p Proof) used() []byte {
	sum := sha256.Sum256([]byte(p.Challenge))
	return sum[:]
}

// lately counts the reports of the last hour, to whatever service; maxHour at most.
func lately(ctx context.Context, tx *db.Tx) (int64, error) {
	since := tx.Now().Add(-time.Hour)
	return db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM complaint WHERE received_at > $1 LIMIT $2) AS lately`, (*db.Time)(&since), int64(maxHour))
}

// newSecret returns what opens a report to its reporter, as it is written down: 80 bits.
func newSecret() string {
	var b [10]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	s := strings.ToUpper(id.Text(b[:]))
	return s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]
}

// typed reads a secret as people type it: whatever stands between its letters, and letters
// that look like digits.
var typed = strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1")

func (d Desk) secretHash(name, secret string) []byte {
	return d.Ring.Index(secretDomain, name, typed.Replace(strings.ToUpper(secret)))
}
