package staff

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/notify"
)

// What can be wrong with the address to which alarms are sent.
var (
	ErrAddress     = errs.New(errs.Invalid, "staff.address_invalid") // not one plain e-mail address
	ErrAddressHeld = errs.New(errs.Conflict, "staff.address_held")
	ErrNoAddress   = errs.New(errs.NotFound, "staff.address_none")
)

// The kinds of entries about such addresses.
const (
	KindReached   = "staff.reached"
	KindUnreached = "staff.unreached"
)

// A ReachedBody says that a person is told of alarms by e-mail: by a keyed hash of where,
// for the ledger names nobody.
type ReachedBody struct {
	Person string `json:"person"`
	Mark   string `json:"mark"`
}

// An UnreachedBody says that the person isn't any more.
type UnreachedBody struct {
	Person string `json:"person"`
}

// A Contact is where a person is told of alarms, and in which language (Article 15). The
// zero Contact is nowhere.
type Contact struct {
	Person  string // "st_…"
	Address pii.Text
	Lang    i18n.Lang
	SetAt   time.Time

	sealed, mark []byte
}

// contactDomain is that of what is sealed, of its mark, and of the hash of the row.
const contactDomain = "staff.contact"

// written is what is sealed of a contact.
type written struct{ Address, Lang string }

const contactColumns = `person, sealed, set_at, bound`

func scanContact(row db.Row) (c Contact, err error) {
	err = row.Scan(&c.Person, &c.sealed, (*db.Time)(&c.SetAt), &c.mark)
	return c, err
}

// bind hashes the whole row: who writes to the database has alarms sent nowhere else.
func (c Contact) bind(ring *keyring.Ring) []byte {
	return ring.Index(contactDomain, c.Person, string(c.sealed), strconv.FormatInt(c.SetAt.UnixMicro(), 10))
}

// Intact reports whether the row is as it was written.
func (c Contact) Intact(ring *keyring.Ring) bool {
	return len(c.mark) > 0 && subtle.ConstantTimeCompare(c.mark, c.bind(ring)) == 1
}

// Is reports whether somebody has typed the same address.
func (c Contact) Is(typed pii.Text) bool {
	return c.Address.Reveal() == strings.TrimSpace(typed.Reveal())
}

// Mark is what the ledger keeps of the address.
func (c Contact) Mark(ring *keyring.Ring) string {
	return hex.EncodeToString(ring.Index(contactDomain+".address", c.Person, c.Address.Reveal(), string(c.Lang)))
}

// open reads what is sealed. A row that isn't as it was written has no address.
func (c Contact) open(ring *keyring.Ring) (Contact, error) {
	if !c.Intact(ring) {
		return c, nil
	}
	plain, err := ring.Open(contactDomain, c.sealed, c.Person)
	if err != nil {
		return c, err
	}
	var w written
	err = json.Unmarshal(plain, &w)
	c.Address, c.Lang = pii.New(w.Address), i18n.Lang(w.Lang)
	return c, err
}

// Reach keeps where a person is told of alarms, in the place of the address before. By is
// the person, or the operator at the terminal: nobody inside sends another's alarms
// elsewhere. Errors: ErrMayNot, ErrAddress, ErrAddressHeld, ErrNotFound, ErrLeft.
func Reach(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Actor, person string, address pii.Text, lang i18n.Lang) (Contact, error) {
	if other := idOf(by); other != "" && other != person {
		return Contact{}, ErrMayNot
	}
	address = pii.New(strings.TrimSpace(address.Reveal()))
	if !notify.IsAddress(address.Reveal()) {
		return Contact{}, ErrAddress.At("address")
	}
	p, err := Lock(ctx, tx, person)
	if err != nil {
		return Contact{}, err
	}
	former, err := ContactOf(ctx, tx, ring, p.ID)
	if err != nil && !errors.Is(err, ErrNoAddress) {
		return Contact{}, err
	}
	if former.Address.Reveal() == address.Reveal() && former.Lang == lang {
		return Contact{}, ErrAddressHeld.At("address")
	}
	c := Contact{Person: p.ID, Address: address, Lang: lang, SetAt: tx.Now()}
	plain, err := json.Marshal(written{address.Reveal(), string(lang)})
	if err != nil {
		return Contact{}, err
	}
	if c.sealed, err = ring.Seal(contactDomain, plain, c.Person); err != nil {
		return Contact{}, err
	}
	c.mark = c.bind(ring)
	err = tx.Queue(ctx, `
		INSERT INTO person_contact (`+contactColumns+`) VALUES ($1, $2, $3, $4)
		ON CONFLICT (person) DO UPDATE SET sealed = excluded.sealed, set_at = excluded.set_at, bound = excluded.bound`,
		c.Person, c.sealed, (*db.Time)(&c.SetAt), c.mark)
	if err != nil {
		return Contact{}, err
	}
	_, err = p.Note(ctx, tx, KindReached, by.Ledger(), ReachedBody{Person: p.ID, Mark: c.Mark(ring)})
	return c, err
}

// Unreach has a person told of alarms by e-mail no more. By is the person, the operator at
// the terminal, or who has put the store back. Errors: ErrMayNot, ErrNotFound, ErrLeft,
// ErrNoAddress.
func Unreach(ctx context.Context, tx *db.Tx, by Actor, person string) (Person, error) {
	if other := idOf(by); other != "" && other != person {
		return Person{}, ErrMayNot
	}
	p, err := Lock(ctx, tx, person)
	if err != nil {
		return Person{}, err
	}
	n, err := tx.Exec(ctx, `DELETE FROM person_contact WHERE person = $1`, p.ID)
	if err == nil && n != 1 {
		err = ErrNoAddress
	}
	if err != nil {
		return Person{}, err
	}
	_, err = p.Note(ctx, tx, KindUnreached, by.Ledger(), UnreachedBody{Person: p.ID})
	return p, err
}

// ContactOf returns where a person is told of alarms. Of a row that isn't as it was
// written it returns no address. Errors: ErrNoAddress; those of the ring.
func ContactOf(ctx context.Context, tx *db.Tx, ring *keyring.Ring, person string) (Contact, error) {
	c, err := db.One(ctx, tx, scanContact, `SELECT `+contactColumns+` FROM person_contact WHERE person = $1`, person)
	if errors.Is(err, db.ErrNone) {
		return Contact{}, ErrNoAddress
	}
	if err != nil {
		return Contact{}, err
	}
	return c.open(ring)
}

// EachContact calls fn with every row, in order, for an audit. Without a ring none has an
// address.
func EachContact(ctx context.Context, tx *db.Tx, ring *keyring.Ring, fn func(Contact) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		c, err := scanContact(row)
		if err == nil && ring != nil {
			c, err = c.open(ring)
		}
		if err != nil {
			return err
		}
		return fn(c)
	}, `SELECT `+contactColumns+` FROM person_contact ORDER BY person`)
}
