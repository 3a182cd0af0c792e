package family

import (
	"bytes"
	"cmp"
	"context"
	"crypto/subtle"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family/age"
)

// ErrHandle says that a text is neither a phone number nor an e-mail address. It
// says nothing of whether anybody has it.
var ErrHandle = errs.New(errs.Invalid, "family.handle_invalid")

// A Handle is a phone number or an e-mail address as people sign in with.
type Handle struct {
	Email bool // otherwise a phone
	Hash  []byte
	To    pii.Text // normal; zero for a Handle that was stored
}

// ParseHandle reads what somebody typed. Errors: ErrHandle.
func ParseHandle(ring *keyring.Ring, typed pii.Text) (Handle, error) {
	if phone := NormalPhone(typed.Reveal()); phone != "" {
		return Handle{Hash: phoneHash(ring, phone), To: pii.New(phone)}, nil
	}
	if email := normalEmail(typed.Reveal()); email != "" {
		return Handle{Email: true, Hash: emailHash(ring, email), To: pii.New(email)}, nil
	}
	return Handle{}, ErrHandle.At("contact")
}

// A Tie is a guardian in office with its child.
type Tie struct {
	Guardian
	Of    Child
	Since time.Time // when the person was tied to the child, proved or not
	Both  bool      // the person is reached by phone and by e-mail
	Dark  bool      // the child's birth date can't be read: nothing is shown or done by this tie
}

// tied is a row of guardian with what proves that a contact is its own.
type tied struct {
	Guardian
	since        time.Time
	phone, email []byte
}

// TiesOf returns the ties of everybody who is reached by the handle and may speak
// for the child: verified, and in office, and while the child isn't 18 (edge case 4); the child who was registered first comes
// first. Where that can't be read the tie is Dark: who asks hears that the child is here, and
// nothing opens (invariant 3). The hash in a row only leads there; that
// the contact is this guardian's is what is sealed under the child's key, so
// whoever writes a hash into the table by hand signs in as nobody. A tie whose
// seal says something else, or can't be opened, is left out.
func TiesOf(ctx context.Context, tx *db.Tx, ring *keyring.Ring, h Handle) ([]Tie, error) {
	rows, err := db.All(ctx, tx, func(row db.Row) (t tied, err error) {
		err = t.scan(row, (*db.Time)(&t.since), &t.phone, &t.email)
		return t, err
	}, tiesQuery[h.Email], h.Hash, maxFound)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	var children []Child
	reads := make([]db.Read, len(rows))
	for i, t := range rows {
		reads[i] = ReadChild(&children, t.Child)
	}
	if err := tx.Together(ctx, reads...); err != nil {
		return nil, err
	}
	of := make(map[ID]Child, len(children))
	for _, c := range children {
		of[c.ID] = c
	}
	var ties []Tie
	for _, t := range rows {
		c := of[t.Child]
		if c.State == Erased || !t.MayAnswer() || !t.has(ring, c, h) {
			continue
		}
		class, err := c.Class(ring, tx.Now())
		if err == nil && class == age.Adult {
			continue
		}
		ties = append(ties, Tie{t.Guardian, c, t.since, t.phone != nil && t.email != nil, err != nil})
	}
	slices.SortFunc(ties, func(a, b Tie) int { return cmp.Or(a.Of.CreatedAt.Compare(b.Of.CreatedAt), cmp.Compare(a.ID, b.ID)) })
	return ties, nil
}

var tiesQuery = map[bool]string{
	false: `
		SELECT ` + guardianColumns + `, created_at, phone, email FROM guardian
		WHERE phone_hash = $1 AND ended_at IS NULL
		ORDER BY child, guardian LIMIT $2`,
	true: `
		SELECT ` + guardianColumns + `, created_at, phone, email FROM guardian
		WHERE email_hash = $1 AND ended_at IS NULL
		ORDER BY child, guardian LIMIT $2`,
}

// Reaches reports whether the handle leads to anybody in office who was tied to a
// child by then, proved or not. It opens nothing, so it is no proof that they are
// reached: see TiesOf.
func Reaches(ctx context.Context, tx *db.Tx, h Handle, by time.Time) (bool, error) {
	n, err := db.One(ctx, tx, db.Single[int64], reachesQuery[h.Email], h.Hash, (*db.Time)(&by))
	return n > 0, err
}

var reachesQuery = map[bool]string{
	false: `SELECT count(*) FROM guardian WHERE phone_hash = $1 AND ended_at IS NULL AND created_at <= $2`,
	true:  `SELECT count(*) FROM guardian WHERE email_hash = $1 AND ended_at IS NULL AND created_at <= $2`,
}

// has reports whether the sealed contact of the guardian is the handle.
func (t tied) has(ring *keyring.Ring, c Child, h Handle) bool {
	sealed, what, hash := t.phone, "phone", phoneHash
	if h.Email {
		sealed, what, hash = t.email, "email", emailHash
	}
	if sealed == nil {
		return false
	}
	contact, err := c.open(ring, sealed, c.guardianAD(t.ID, t.since, what))
	return err == nil && subtle.ConstantTimeCompare(hash(ring, contact.Reveal()), h.Hash) == 1
}

// HandlesOf returns the hashes of every phone and address by which the people of
// these ties are reached.
func HandlesOf(ctx context.Context, tx *db.Tx, ties []Tie) (hashes [][]byte, err error) {
	for _, t := range ties {
		both, err := db.One(ctx, tx, func(row db.Row) (both [2][]byte, err error) {
			err = row.Scan(&both[0], &both[1])
			return both, err
		}, `SELECT phone_hash, email_hash FROM guardian WHERE child = $1 AND guardian = $2`, t.Child, t.ID)
		if err != nil {
			return nil, err
		}
		for _, hash := range both {
			if hash != nil && !slices.ContainsFunc(hashes, func(h []byte) bool { return bytes.Equal(h, hash) }) {
				hashes = append(hashes, hash)
			}
		}
	}
	return hashes, nil
}

// HoldSubjects returns the living children behind at most db.Chunk pseudonyms of
// the ledger. They stay as they are until tx commits.
func HoldSubjects(ctx context.Context, tx *db.Tx, subjects []string) (map[string]ID, error) {
	in, args := db.Placeholders(subjects)
	type named struct {
		subject string
		child   ID
	}
	rows, err := db.All(ctx, tx, func(row db.Row) (n named, err error) {
		err = row.Scan(&n.subject, &n.child)
		return n, err
	}, `SELECT subject, child FROM child WHERE subject IN `+in+` ORDER BY child`+tx.ForShare(), args...)
	children := make(map[string]ID, len(rows))
	for _, n := range rows {
		children[n.subject] = n.child
	}
	return children, err
}

// ReadBeginning reads the pseudonyms of living children of a service that begin so.
func ReadBeginning(subjects *[]string, service, begins string) db.Read {
	return db.ReadInto(subjects, db.Single[string], `
		SELECT subject FROM child WHERE subject >= $1 AND subject < $2 AND service = $3 AND state <> 'erased' ORDER BY subject`, begins, begins+"~", service)
}
