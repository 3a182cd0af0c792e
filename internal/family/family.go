// Package family keeps the children of each service and the people who speak
// for them (Articles 2 and 9).
//
// Its one invariant: whatever names a person is sealed under the child's own
// key or stored as a keyed hash, and after Erase neither key, nor ciphertext,
// nor hash is left, only that there was a child, and when it was erased.
//
// Every change of a child begins with Lock, which raises the child's version
// and holds its row to the end of the transaction. What only adds a row about a
// child begins with Hold. Functions that take a Child
// to change want the one that Lock, or Enrol, returned in the same transaction.
package family

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family/age"
)

// What a look-up can find wrong.
var (
	ErrNotFound = errs.New(errs.NotFound, "family.not_found") // or it is another service's child
	ErrErased   = errs.New(errs.Gone, "family.erased")
)

// errStale is a fault of the program: see the package doc.
var errStale = errors.New("family: the child was not locked in this transaction")

// An ID names a child: "ch_…".
type ID string

// An Actor is who changes something: a guardian, the operator's app, an officer.
// Where the change only follows from what another package did, that package
// passes on the name.
type Actor interface {
	Ledger() string // as the ledger writes it, "app:ak_…"
}

// A State is where a child stands in its life here.
type State string

// The states.
const (
	Unconsented State = "unconsented" // no guardian has agreed to anything yet (edge case 5)
	Active      State = "active"
	Erased      State = "erased" // only the tombstone is left
)

// A Child is one child in one service. The same person in another service is
// another Child, and nothing leads from the one to the other.
type Child struct {
	ID        ID
	Service   string
	Subject   string // the pseudonym in the ledger, "su_…"; empty once erased
	Version   int64  // raised by every change
	State     State
	Frozen    bool   // kept, and nothing else (Article 20)
	Disputed  bool   // two guardians differ: storage and security only (edge case 7)
	BirthFrom Source // empty without a birth date
	CreatedAt time.Time
	ExpiresAt time.Time // the end of an unconsented child; zero once active
	ErasedAt  time.Time // zero until then
	KeptUntil time.Time // of an erased child, while a law demands to keep some of it; else zero
	Endings   Endings   // what reported events end
	Aged      Aged      // how far its turning 14 was told
	HandedAt  time.Time // when something of it first went to who takes over its service; zero: nothing did (edge case 18)

	ref, refHash []byte
	birth        []byte // nil if unknown
	birthVersion int64  // the Version at which it was sealed; 0 if unknown
	pool         string
	wrapped      []byte
}

const columns = `child, service, subject, version, state, frozen, disputed, ref, ref_hash, birth, birth_from,
	birth_version, coalesce(pool, ''), wrapped, created_at, expires_at, erased_at, kept_until, endings, aged, handed_at`

func scan(row db.Row) (c Child, err error) {
	var endings string
	err = row.Scan(&c.ID, &c.Service, &c.Subject, &c.Version, &c.State, &c.Frozen, &c.Disputed,
		&c.ref, &c.refHash, &c.birth, &c.BirthFrom, &c.birthVersion, &c.pool, &c.wrapped,
		(*db.Time)(&c.CreatedAt), (*db.Time)(&c.ExpiresAt), (*db.Time)(&c.ErasedAt), (*db.Time)(&c.KeptUntil), &endings, &c.Aged, (*db.Time)(&c.HandedAt))
	if err == nil {
		c.Endings, err = parseEndings(endings)
	}
	return c, err
}

// ReadChild reads a child of any service and in any state, or nothing.
func ReadChild(into *[]Child, child ID) db.Read {
	return db.ReadInto(into, scan, `SELECT `+columns+` FROM child WHERE child = $1`, child)
}

// ReadHeld is ReadChild in the transaction that rests on it: the row stays as it
// is until tx commits.
func ReadHeld(tx *db.Tx, into *[]Child, child ID) db.Read {
	return db.ReadInto(into, scan, `SELECT `+columns+` FROM child WHERE child = $1`+tx.ForShare(), child)
}

// ReadChildren is ReadChild for at most db.Chunk children, in any order.
func ReadChildren(into *[]Child, children []ID) db.Read {
	in, args := db.Placeholders(children)
	return db.ReadInto(into, scan, `SELECT `+columns+` FROM child WHERE child IN `+in, args...)
}

// ReadHeldOf is ReadHeld for at most db.Chunk children, in any order.
func ReadHeldOf(tx *db.Tx, into *[]Child, children []ID) db.Read {
	in, args := db.Placeholders(children)
	return db.ReadInto(into, scan, `SELECT `+columns+` FROM child WHERE child IN `+in+tx.ForShare(), args...)
}

// ReadFree is ReadHeld for at most db.Chunk children, in any order. Those that
// somebody is changing are left out.
func ReadFree(tx *db.Tx, into *[]Child, children []ID) db.Read {
	in, args := db.Placeholders(children)
	return db.ReadInto(into, scan, `SELECT `+columns+` FROM child WHERE child IN `+in+tx.ForShareOfFree(), args...)
}

// Find returns a child of the service. Errors: ErrNotFound, ErrErased.
func Find(ctx context.Context, tx *db.Tx, service string, child ID) (Child, error) {
	c, err := db.One(ctx, tx, scan, `
		SELECT `+columns+` FROM child WHERE child = $1 AND service = $2`, child, service)
	return c.living(err)
}

// ReadByRef reads the id of the child that the operator calls ref, or nothing.
func ReadByRef(into *[]ID, ring *keyring.Ring, service string, ref pii.Text) db.Read {
	return db.ReadInto(into, db.Single[ID], `SELECT child FROM child_ref WHERE service = $1 AND ref_hash = $2`,
		service, refHash(ring, service, ref))
}

// FindByRef returns the child that the operator calls ref. Errors: ErrNotFound,
// also for a child that was erased: its reference is gone and may be used anew.
func FindByRef(ctx context.Context, tx *db.Tx, ring *keyring.Ring, service string, ref pii.Text) (Child, error) {
	c, err := db.One(ctx, tx, scan, `
		SELECT `+columns+` FROM child
		WHERE child = (SELECT child FROM child_ref WHERE service = $1 AND ref_hash = $2)`,
		service, refHash(ring, service, ref))
	return c.living(err)
}

// Hold is Find for whoever writes a row about the child and changes nothing of it:
// the child stays as it is to the end of the transaction, so that an erasure
// either has taken place before, or waits and takes the row with it. Errors:
// ErrNotFound, ErrErased.
func Hold(ctx context.Context, tx *db.Tx, service string, child ID) (Child, error) {
	c, err := db.One(ctx, tx, scan, `
		SELECT `+columns+` FROM child WHERE child = $1 AND service = $2`+tx.ForShare(), child, service)
	return c.living(err)
}

// List returns the living children of a service by ID, those behind after and at
// most limit. It reads the index of the living: a page costs its length, whatever
// the number of children, erased ones included.
func List(ctx context.Context, tx *db.Tx, service string, after ID, limit int) ([]Child, error) {
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM child WHERE service = $1 AND child > $2 AND state <> 'erased'
		ORDER BY child LIMIT $3`, service, after, limit)
}

// BySubjects returns the living children of a service behind at most db.Chunk pseudonyms
// of the ledger, in any order.
func BySubjects(ctx context.Context, tx *db.Tx, service string, subjects []string) ([]Child, error) {
	in, args := db.Placeholders(subjects)
	all, err := db.All(ctx, tx, scan, `SELECT `+columns+` FROM child WHERE subject IN `+in+` AND state <> 'erased'`, args...)
	return slices.DeleteFunc(all, func(c Child) bool { return c.Service != service }), err
}

// HoldBySubjects is BySubjects for whoever writes rows about the children: they stay as they
// are to the end of the transaction, as after Hold, in the order of their ids.
func HoldBySubjects(ctx context.Context, tx *db.Tx, service string, subjects []string) ([]Child, error) {
	in, args := db.Placeholders(subjects)
	all, err := db.All(ctx, tx, scan, `SELECT `+columns+` FROM child WHERE subject IN `+in+` AND state <> 'erased' ORDER BY child`+tx.ForShare(), args...)
	return slices.DeleteFunc(all, func(c Child) bool { return c.Service != service }), err
}

// Lock raises the child's version and holds the child to the end of the
// transaction. It is the first statement of every change, so that for one child
// the order of versions is the order of changes. Errors: ErrNotFound, ErrErased.
func Lock(ctx context.Context, tx *db.Tx, service string, child ID) (Child, error) {
	c, err := db.One(ctx, tx, scan, `
		UPDATE child SET version = version + 1
		WHERE child = $1 AND service = $2 AND state <> 'erased'
		RETURNING `+columns, child, service)
	if errors.Is(err, db.ErrNone) {
		// Erasure is for ever, so what Find sees now was so a moment ago.
		if _, err := Find(ctx, tx, service, child); err != nil {
			return Child{}, err
		}
		return Child{}, ErrNotFound
	}
	return c, err
}

// LockFree is Lock for at most db.Chunk children of any service, in any order. Those
// that somebody else is changing are left out, as erased ones are: it never waits with
// others held.
func LockFree(ctx context.Context, tx *db.Tx, children []ID) ([]Child, error) {
	if lock := tx.ForChangeOfFree(); lock != "" {
		in, args := db.Placeholders(children)
		free, err := db.All(ctx, tx, db.Single[ID], `SELECT child FROM child WHERE child IN `+in+` AND state <> 'erased'`+lock, args...)
		if err != nil || len(free) == 0 {
			return nil, err
		}
		children = free
	}
	in, args := db.Placeholders(children)
	return db.All(ctx, tx, scan, `
		UPDATE child SET version = version + 1 WHERE child IN `+in+` AND state <> 'erased'
		RETURNING `+columns, args...)
}

// living turns a missing row and an erased child into refusals.
func (c Child) living(err error) (Child, error) {
	switch {
	case errors.Is(err, db.ErrNone):
		return Child{}, ErrNotFound
	case err != nil:
		return Child{}, err
	case c.State == Erased:
		return Child{}, ErrErased
	}
	return c, nil
}

// Key returns the child's key. Errors: ErrErased; those of the ring.
func (c Child) Key(ring *keyring.Ring) (keyring.ChildKey, error) {
	if c.State == Erased || len(c.wrapped) == 0 {
		return keyring.ChildKey{}, ErrErased
	}
	return ring.OpenChildKey(string(c.ID), c.pool, c.wrapped)
}

// Ref returns what the operator calls the child. Errors: as Key.
func (c Child) Ref(ring *keyring.Ring) (pii.Text, error) {
	return c.open(ring, c.ref, c.ad("ref"))
}

// Birth returns the birth date, or the zero Birth if it isn't known. Errors: as
// Key; a birth date that can't be read is an error, never an unknown one.
func (c Child) Birth(ring *keyring.Ring) (age.Birth, error) {
	if c.State != Erased && c.birth == nil {
		return age.Birth{}, nil
	}
	text, err := c.open(ring, c.birth, c.birthAD())
	if err != nil {
		return age.Birth{}, err
	}
	return age.ParseBirth(text.Reveal())
}

// SealNote seals a text about the child that is no item of its charter, bound to
// what names, so that it dies with the child. Errors: as Key.
func (c Child) SealNote(ring *keyring.Ring, text pii.Text, what ...string) ([]byte, error) {
	key, err := c.Key(ring)
	if err != nil {
		return nil, err
	}
	return key.Seal([]byte(text.Reveal()), c.ad(append([]string{"note"}, what...)...)...), nil
}

// OpenNote opens what SealNote sealed for the same child and what. Values of
// items it can't open: they are bound otherwise.
func (c Child) OpenNote(ring *keyring.Ring, sealed []byte, what ...string) (pii.Text, error) {
	return c.open(ring, sealed, c.ad(append([]string{"note"}, what...)...))
}

// ad is what a sealed value about the child is bound to.
func (c Child) ad(what ...string) []string {
	return append([]string{"family", c.Service, string(c.ID)}, what...)
}

// birthAD binds a birth date to the version at which it was given, so that the
// one before a correction doesn't open in its place.
func (c Child) birthAD() []string {
	return c.ad("birth", strconv.FormatInt(c.birthVersion, 10))
}

func (c Child) open(ring *keyring.Ring, sealed []byte, ad []string) (pii.Text, error) {
	key, err := c.Key(ring)
	if err != nil {
		return pii.Text{}, err
	}
	plain, err := key.Open(sealed, ad...)
	return pii.New(string(plain)), err
}

// seal returns nil for the empty value.
func seal(key keyring.ChildKey, value string, ad []string) []byte {
	if value == "" {
		return nil
	}
	return key.Seal([]byte(value), ad...)
}

// changed runs an UPDATE that must change exactly the locked child.
func changed(n int64, err error) error {
	if err == nil && n != 1 {
		err = errStale
	}
	return err
}
