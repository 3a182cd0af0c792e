package session

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
)

// What can be wrong with a passkey.
var (
	ErrPasskey    = errs.New(errs.Forbidden, "session.passkey")          // unknown, removed, forged, late, of another site, without a look at who holds the device: nobody is told which
	ErrNotAdded   = errs.New(errs.Forbidden, "session.passkey_not_made") // whatever the browser sent was none
	ErrNeedsCode  = errs.New(errs.Forbidden, "session.passkey_needs_code")
	ErrPasskeys   = errs.New(errs.Conflict, "session.passkeys_many")
	ErrNoPasskeys = errs.New(errs.NotFound, "session.passkeys_none") // none can be good at this address
)

// The kinds of ledger entries about passkeys. As those about sessions they belong
// to no child and no service.
const (
	KindAdded   = "passkey.added"
	KindRemoved = "passkey.removed"
)

// An AddedBody says that somebody who is signed in by a code can sign in by a
// passkey from now on.
type AddedBody struct {
	Passkey string          `json:"passkey"`
	Channel consent.Channel `json:"channel"`
}

// A RemovedBody says why a passkey opens nothing any more.
type RemovedBody struct {
	Passkey string `json:"passkey"`
	Why     Why    `json:"why"`
}

// The reasons for which a passkey is removed.
const (
	Unwanted Why = "unwanted" // by its guardian
	Untied   Why = "untied"   // nobody is left who could be its guardian
)

// MaxPasskeys is how many one contact has at most.
const MaxPasskeys = 10

// lookEvery is how often the sweep sees whether a passkey still has a guardian.
const lookEvery = 24 * time.Hour

// A Passkey is what a guardian signs in with instead of a code: the key to the
// signatures of a device. It is its contact's, as a session is.
type Passkey struct {
	ID      string // "pk_…"
	Channel consent.Channel
	Number  int64 // from 1, for people; a number that is free is given again
	AddedAt time.Time
	UsedAt  time.Time // zero: never

	credential, contact []byte
	key                 []byte // COSE
	eligible            bool
	bound               []byte
	count               int64
}

const passkeyColumns = `credential, id, channel, contact, number, public_key, eligible, bound, sign_count, added_at, used_at`

func scanPasskey(row db.Row) (p Passkey, err error) {
	err = row.Scan(&p.credential, &p.ID, &p.Channel, &p.contact, &p.Number, &p.key, &p.eligible, &p.bound, &p.count,
		(*db.Time)(&p.AddedAt), (*db.Time)(&p.UsedAt))
	return p, err
}

func (p Passkey) handle() family.Handle {
	return family.Handle{Email: p.Channel == consent.Email, Hash: p.contact}
}

// knew leaves those ties that existed when the passkey was added. A phone number
// passes to other people: whoever has the passkey speaks for no child that was
// tied to the number since. Proofs don't count here, for they are renewed with
// each code that is answered.
func (p Passkey) knew(ties []family.Tie) []family.Tie {
	return slices.DeleteFunc(ties, func(t family.Tie) bool { return t.Since.After(p.AddedAt) })
}

const passkeyDomain = "session.passkey"

// bind hashes all of a passkey that never changes: whoever writes another public
// key into a row, or another contact beside it, has made a passkey that is
// nobody's.
func (p Passkey) bind(ring *keyring.Ring) []byte {
	return ring.Index(passkeyDomain, hex.EncodeToString(p.credential), p.ID, string(p.Channel), hex.EncodeToString(p.contact),
		strconv.FormatInt(p.Number, 10), hex.EncodeToString(p.key), strconv.FormatBool(p.eligible),
		strconv.FormatInt(p.AddedAt.UnixMicro(), 10))
}

// Intact reports whether the row is as it was written.
func (p Passkey) Intact(ring *keyring.Ring) bool {
	return len(p.bound) > 0 && subtle.ConstantTimeCompare(p.bound, p.bind(ring)) == 1
}

// passkey returns a passkey by its name. Errors: ErrPasskey.
func (d Door) passkey(ctx context.Context, tx *db.Tx, name string) (Passkey, error) {
	return d.intact(db.One(ctx, tx, scanPasskey, `SELECT `+passkeyColumns+` FROM passkey WHERE id = $1`, name))
}

// credential returns a passkey by what its device calls it. Errors: ErrPasskey.
func (d Door) credential(ctx context.Context, tx *db.Tx, credential []byte) (Passkey, error) {
	return d.intact(db.One(ctx, tx, scanPasskey, `SELECT `+passkeyColumns+` FROM passkey WHERE credential = $1`, credential))
}

func (d Door) intact(p Passkey, err error) (Passkey, error) {
	switch {
	case errors.Is(err, db.ErrNone), err == nil && !p.Intact(d.Ring):
		return Passkey{}, ErrPasskey
	case err != nil:
		return Passkey{}, err
	}
	return p, nil
}

// ofContact returns every row of a contact, the touched ones too.
func ofContact(ctx context.Context, tx *db.Tx, contact []byte) ([]Passkey, error) {
	return db.All(ctx, tx, scanPasskey, `SELECT `+passkeyColumns+` FROM passkey WHERE contact = $1 ORDER BY number`, contact)
}

// Passkeys returns those that the session's guardian sees and removes: by a code
// those of every phone and address of the guardian. Whoever holds a phone that isn't
// its own leaves one of the phone behind, and the guardian, who reads of it in the
// mailbox, comes in by the address (edge case 24). Who came by a passkey sees those of
// its contact alone, and none that was added after it, as it sees no such child.
func (d Door) Passkeys(ctx context.Context, tx *db.Tx, s Session) ([]Passkey, error) {
	if s.Passkey != "" {
		by, err := d.passkey(ctx, tx, s.Passkey)
		if err != nil {
			return nil, err
		}
		all, err := ofContact(ctx, tx, s.contact)
		return slices.DeleteFunc(all, func(p Passkey) bool { return !p.Intact(d.Ring) || p.AddedAt.After(by.AddedAt) }), err
	}
	contacts, err := family.HandlesOf(ctx, tx, s.Ties)
	if err != nil {
		return nil, err
	}
	var all []Passkey
	for _, contact := range contacts {
		some, err := ofContact(ctx, tx, contact)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return slices.DeleteFunc(all, func(p Passkey) bool { return !p.Intact(d.Ring) }), nil
}

// Owns reports whether the passkey is of the contact that the session is of, whose
// MaxPasskeys it counts among.
func (s Session) Owns(p Passkey) bool { return bytes.Equal(s.contact, p.contact) }

// WhosePasskey is Whose for who has a passkey. Errors: ErrPasskey once it, or the
// last of the ties that it knew, is over.
func (d Door) WhosePasskey(ctx context.Context, tx *db.Tx, name string) (family.Tie, consent.Channel, error) {
	p, err := d.passkey(ctx, tx, name)
	if err != nil {
		return family.Tie{}, "", err
	}
	all, err := ties(ctx, tx, d.Ring, p.handle())
	if err != nil {
		return family.Tie{}, "", err
	}
	if all = p.knew(all); len(all) == 0 {
		return family.Tie{}, "", ErrPasskey
	}
	return warned(all), p.Channel, nil
}

// free returns the smallest number that none of the contact's passkeys has. Errors:
// ErrPasskeys.
func free(all []Passkey) (int64, error) {
	for n := int64(1); n <= MaxPasskeys; n++ {
		if !slices.ContainsFunc(all, func(p Passkey) bool { return p.Number == n }) {
			return n, nil
		}
	}
	return 0, ErrPasskeys
}

// add writes a passkey that the session's guardian has made. Two that are made at
// once can't have one number, so there are never more than there are numbers.
// Errors: ErrNotAdded, ErrPasskeys, ErrSignedOut.
func (d Door) add(ctx context.Context, tx *db.Tx, s Session, p Passkey) (Passkey, error) {
	// The session stays until the commit: nobody who was signed out meanwhile leaves
	// a way in behind.
	now := tx.Now()
	n, err := tx.Exec(ctx, `UPDATE session SET seen_at = $1 WHERE secret = $2 AND ends_at > $1`, (*db.Time)(&now), s.secret)
	if err == nil && n != 1 {
		err = ErrSignedOut
	}
	if err != nil {
		return Passkey{}, err
	}
	all, err := ofContact(ctx, tx, s.contact)
	if err != nil {
		return Passkey{}, err
	}
	if p.Number, err = free(all); err != nil {
		return Passkey{}, err
	}
	p.ID, p.Channel, p.contact, p.AddedAt = id.New(id.Passkey), s.Channel, s.contact, now
	p.bound = p.bind(d.Ring)
	look := now.Add(lookEvery)
	n, err = tx.Exec(ctx, `
		INSERT INTO passkey (credential, id, channel, contact, number, public_key, eligible, bound, sign_count, added_at, look_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT DO NOTHING`,
		p.credential, p.ID, p.Channel, p.contact, p.Number, p.key, p.eligible, p.bound, p.count, (*db.Time)(&p.AddedAt), (*db.Time)(&look))
	if err == nil && n != 1 {
		err = ErrNotAdded // the device has it here already, or another was added at the same moment
	}
	if err != nil {
		return Passkey{}, err
	}
	_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: KindAdded, Version: versionAdded, Actor: s.actor(),
		Body: AddedBody{Passkey: p.ID, Channel: p.Channel}})
	return p, err
}

// use records that a passkey has opened a session. What the device told of its
// count since is another's: then nothing is changed. A device without a count opens
// two sessions at once, and who is second here may be first by its clock: the later
// time stays, as the ledger has it. Errors: ErrPasskey.
func use(ctx context.Context, tx *db.Tx, p Passkey, count int64) error {
	now := tx.Now()
	n, err := tx.Exec(ctx, `
		UPDATE passkey SET sign_count = $1, used_at = CASE WHEN used_at > $2 THEN used_at ELSE $2 END
		WHERE id = $3 AND sign_count = $4`, count, (*db.Time)(&now), p.ID, p.count)
	if err == nil && n != 1 {
		err = ErrPasskey
	}
	return err
}

// RemovePasskey removes one of those that Passkeys lists, and ends every session
// that it opened. One that isn't there any more is removed already.
func (d Door) RemovePasskey(ctx context.Context, tx *db.Tx, s Session, name string) error {
	all, err := d.Passkeys(ctx, tx, s)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(p Passkey) bool { return p.ID == name })
	if i < 0 {
		return nil
	}
	return remove(ctx, tx, all[i], s.actor(), Unwanted)
}

// remove removes the row and says so, once.
func remove(ctx context.Context, tx *db.Tx, p Passkey, actor string, why Why) error {
	n, err := tx.Exec(ctx, `DELETE FROM passkey WHERE id = $1`, p.ID)
	if err != nil || n == 0 {
		return err
	}
	opened, err := db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM session WHERE contact = $1 AND passkey = $2 ORDER BY id`, p.contact, p.ID)
	if err != nil {
		return err
	}
	for _, s := range opened {
		if err := end(ctx, tx, s, Unlocked); err != nil {
			return err
		}
	}
	_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: KindRemoved, Version: versionRemoved, Actor: actor,
		Body: RemovedBody{Passkey: p.ID, Why: why}})
	return err
}

// SweepPasskeys looks at no more than limit passkeys that nobody has looked at for
// a day, and removes those that no guardian in office can be behind: they would be
// a trace of somebody whose children were erased. They open nothing in the
// meantime. It returns how many it looked at, and how many it removed.
func SweepPasskeys(ctx context.Context, tx *db.Tx, limit int) (looked, removed int, err error) {
	now, next := tx.Now(), tx.Now().Add(lookEvery)
	due, err := db.All(ctx, tx, scanPasskey, `
		SELECT `+passkeyColumns+` FROM passkey WHERE look_at <= $1 ORDER BY look_at, id LIMIT $2`, (*db.Time)(&now), int64(limit))
	if err != nil {
		return 0, 0, err
	}
	for _, p := range due {
		tied, err := family.Reaches(ctx, tx, p.handle(), p.AddedAt)
		if err != nil {
			return 0, 0, err
		}
		if tied {
			err = tx.Queue(ctx, `UPDATE passkey SET look_at = $1 WHERE id = $2`, (*db.Time)(&next), p.ID)
		} else {
			removed++
			err = remove(ctx, tx, p, "passkey:"+p.ID, Untied)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	return len(due), removed, nil
}

// EachPasskey calls fn with every row, in the order of their names, for an audit.
func EachPasskey(ctx context.Context, tx *db.Tx, fn func(Passkey) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		p, err := scanPasskey(row)
		if err != nil {
			return err
		}
		return fn(p)
	}, `SELECT `+passkeyColumns+` FROM passkey ORDER BY id`)
}
