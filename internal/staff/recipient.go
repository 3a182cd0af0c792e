package staff

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
)

// What can be wrong with the key to which files for a person are sealed.
var (
	ErrRecipient     = errs.New(errs.Invalid, "staff.recipient_invalid") // it isn't a public key of age, X25519
	ErrRecipientHeld = errs.New(errs.Conflict, "staff.recipient_held")   // its time would begin anew
	ErrNoRecipient   = errs.New(errs.NotFound, "staff.recipient_none")
)

// CoolingOff is how long a new key waits until something is sealed to it: whoever has
// somebody's session for an hour gets no file by a key of their own, and the person finds
// it meanwhile.
const CoolingOff = 24 * time.Hour

// The kinds of entries about such keys.
const (
	KindRecipient      = "staff.recipient"
	KindRecipientEnded = "staff.recipient_ended"
)

// A RecipientBody says that a person has such a key: by a keyed hash, for the key may be
// known to be somebody's. GoodFrom is in microseconds.
type RecipientBody struct {
	Person   string `json:"person"`
	Mark     string `json:"mark"`
	GoodFrom int64  `json:"good_from"`
}

// A RecipientEndedBody says that the person has none any more.
type RecipientEndedBody struct {
	Person string `json:"person"`
}

// A Recipient is the public key to which files for a person are sealed (Article 15). The
// zero Recipient is none.
type Recipient struct {
	Person   string // "st_…"
	Key      string // "age1…"
	SetAt    time.Time
	GoodFrom time.Time

	mark []byte
}

const recipientColumns = `person, recipient, set_at, good_from, bound`

func scanRecipient(row db.Row) (r Recipient, err error) {
	err = row.Scan(&r.Person, &r.Key, (*db.Time)(&r.SetAt), (*db.Time)(&r.GoodFrom), &r.mark)
	return r, err
}

// bind hashes the whole row: who writes to the database puts no key of their own there,
// and shortens no waiting.
func (r Recipient) bind(ring *keyring.Ring) []byte {
	micros := func(t time.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) }
	return ring.Index("staff.recipient", r.Person, r.Key, micros(r.SetAt), micros(r.GoodFrom))
}

// Intact reports whether the row is as it was written.
func (r Recipient) Intact(ring *keyring.Ring) bool {
	return len(r.mark) > 0 && subtle.ConstantTimeCompare(r.mark, r.bind(ring)) == 1
}

// Mark is what the ledger keeps of the key.
func (r Recipient) Mark(ring *keyring.Ring) string {
	return hex.EncodeToString(ring.Index("staff.recipient.key", r.Person, r.Key))
}

// Good reports whether something may be sealed to the key at that moment.
func (r Recipient) Good(now time.Time) bool {
	return !r.GoodFrom.IsZero() && !now.Before(r.GoodFrom)
}

// parse reads a key. One that only others can read as one is refused.
func parse(key string) (*age.X25519Recipient, error) {
	to, err := age.ParseX25519Recipient(key)
	if err != nil || to.String() != key {
		return nil, ErrRecipient
	}
	return to, nil
}

// Seal returns the text so that only the person reads it: an age file.
// Errors: ErrRecipient.
func (r Recipient) Seal(text []byte) ([]byte, error) {
	to, err := parse(r.Key)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err == nil {
		_, err = io.Copy(w, bytes.NewReader(text))
	}
	if err == nil {
		err = w.Close()
	}
	return out.Bytes(), err
}

// SetRecipient keeps the key of a person, in the place of the one before: nothing is sealed
// to that any more, and to this not before CoolingOff. Errors: ErrRecipient,
// ErrRecipientHeld, ErrNotFound, ErrLeft.
func SetRecipient(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Person, key string) (Recipient, error) {
	key = strings.TrimSpace(key)
	if _, err := parse(key); err != nil {
		return Recipient{}, ErrRecipient.At("recipient")
	}
	p, err := Lock(ctx, tx, by.ID)
	if err != nil {
		return Recipient{}, err
	}
	now := tx.Now()
	r := Recipient{Person: p.ID, Key: key, SetAt: now, GoodFrom: now.Add(CoolingOff)}
	r.mark = r.bind(ring)
	n, err := tx.Exec(ctx, `
		INSERT INTO person_recipient (`+recipientColumns+`) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (person) DO UPDATE SET recipient = excluded.recipient, set_at = excluded.set_at, good_from = excluded.good_from, bound = excluded.bound
		WHERE person_recipient.recipient <> excluded.recipient`,
		r.Person, r.Key, (*db.Time)(&r.SetAt), (*db.Time)(&r.GoodFrom), r.mark)
	if err == nil && n != 1 {
		err = ErrRecipientHeld.At("recipient")
	}
	if err != nil {
		return Recipient{}, err
	}
	_, err = p.Note(ctx, tx, KindRecipient, p.Ledger(), RecipientBody{Person: p.ID, Mark: r.Mark(ring), GoodFrom: r.GoodFrom.UnixMicro()})
	return r, err
}

// EndRecipient has a person have no key. By is the person, or who has put the store back:
// of a key that was changed since nobody knows whether it is still theirs. Errors:
// ErrMayNot, ErrNotFound, ErrLeft, ErrNoRecipient.
func EndRecipient(ctx context.Context, tx *db.Tx, by Actor, person string) error {
	if other := idOf(by); other != "" && other != person {
		return ErrMayNot
	}
	p, err := Lock(ctx, tx, person)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `DELETE FROM person_recipient WHERE person = $1`, p.ID)
	if err == nil && n != 1 {
		err = ErrNoRecipient
	}
	if err != nil {
		return err
	}
	_, err = p.Note(ctx, tx, KindRecipientEnded, by.Ledger(), RecipientEndedBody{Person: p.ID})
	return err
}

// ForgetRecipient removes the key of a locked person with everything else of theirs: they
// leave, or all that they sign in with is set anew. The entry of that tells it.
func ForgetRecipient(ctx context.Context, tx *db.Tx, p Person) error {
	return tx.Queue(ctx, `DELETE FROM person_recipient WHERE person = $1`, p.ID)
}

// RecipientOf returns the key of a person, whether it is intact and good or not. Errors:
// ErrNoRecipient.
func RecipientOf(ctx context.Context, tx *db.Tx, person string) (Recipient, error) {
	r, err := db.One(ctx, tx, scanRecipient, `SELECT `+recipientColumns+` FROM person_recipient WHERE person = $1`, person)
	if errors.Is(err, db.ErrNone) {
		err = ErrNoRecipient
	}
	return r, err
}

// EachRecipient calls fn with every row, in order, for an audit.
func EachRecipient(ctx context.Context, tx *db.Tx, fn func(Recipient) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		r, err := scanRecipient(row)
		if err != nil {
			return err
		}
		return fn(r)
	}, `SELECT `+recipientColumns+` FROM person_recipient ORDER BY person`)
}
