package family

import (
	"context"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family/age"
)

// What can be wrong with an enrolment.
var (
	ErrRefTaken    = errs.New(errs.Conflict, "family.ref_taken") // FindByRef has the child
	ErrRef         = errs.New(errs.Invalid, "family.ref_invalid")
	ErrNotAChild   = errs.New(errs.Invalid, "family.not_a_child")  // 14 or older (Article 2)
	ErrBirthFuture = errs.New(errs.Invalid, "family.birth_future") // not born yet
	ErrBirthSource = errs.New(errs.Invalid, "family.birth_source_unknown")
)

// UnconsentedLife is how long a child may wait for its guardian's answer before
// it is erased (edge case 5).
const UnconsentedLife = 24 * time.Hour

// A Source is who said when the child was born (Article 2: the source is kept).
type Source string

// The sources.
const (
	FromApp      Source = "app"      // the operator, of its own knowledge
	FromImport   Source = "import"   // the operator's export
	FromGuardian Source = "guardian" // a guardian said so
	FromDocument Source = "document" // two persons have seen it: see CorrectByDocument
)

func (s Source) known() bool { return s == FromApp || s == FromImport || s == FromGuardian }

// An Enrolment is the minimal handle that is kept until a guardian has answered.
type Enrolment struct {
	Service     string
	Ref         pii.Text  // what the operator calls the child; at most 200 characters
	Birth       age.Birth // zero if unknown, which makes a child
	BirthSource Source    // of Birth, if there is one
	Guardian    Person
	Person      int64 // which child of the year this is to cross a border, as what is kept of it is kept abroad; 0: it isn't
}

const maxRef = 200

// IsRef reports whether an operator may call somebody so: one line without spaces around it.
func IsRef(ref pii.Text) bool {
	text := ref.Reveal()
	return text != "" && strings.TrimSpace(text) == text && isLine(text, maxRef)
}

func (e Enrolment) check(now time.Time) (reach, error) {
	switch {
	case !IsRef(e.Ref):
		return reach{}, ErrRef.At("ref")
	case e.Birth.Check() != nil:
		return reach{}, age.ErrImpossible.At("birth")
	case !e.Birth.IsZero() && !e.BirthSource.known():
		return reach{}, ErrBirthSource.At("birth_source")
	case e.Birth.InFuture(now):
		return reach{}, ErrBirthFuture.At("birth")
	case e.Birth.ClassAt(now) != age.Child:
		return reach{}, ErrNotAChild.At("birth")
	}
	return e.Guardian.check()
}

// Enrol registers a child that no guardian has agreed to anything for yet, with
// the one person to ask. It lives for 24 hours (edge case 5), unless an answer
// comes. Of several that enrol one reference, one succeeds and the others get
// ErrRefTaken. Other errors: ErrRef, ErrNotAChild, ErrBirthFuture,
// ErrBirthSource, age.ErrImpossible, and those of the person's data.
//
// The entry returned is that of the child; the guardian's follows it.
func Enrol(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Actor, e Enrolment) (Child, Guardian, string, error) {
	fail := func(err error) (Child, Guardian, string, error) { return Child{}, Guardian{}, "", err }
	person, err := e.check(tx.Now())
	if err != nil {
		return fail(err)
	}
	c := Child{
		ID: ID(id.New(id.Child)), Service: e.Service, Subject: id.New(id.Subject), Version: 1, State: Unconsented,
		CreatedAt: tx.Now(), ExpiresAt: tx.Now().Add(UnconsentedLife), refHash: refHash(ring, e.Service, e.Ref),
	}
	key, wrapped, pool, err := ring.NewChildKey(string(c.ID))
	if err != nil {
		return fail(err)
	}
	c.wrapped, c.pool = wrapped, pool
	c.ref = seal(key, e.Ref.Reveal(), c.ad("ref"))
	if err := c.claim(ctx, tx); err != nil {
		return fail(err)
	}
	if err := c.insert(ctx, tx, c.sealBirth(ring, key, e.Birth, e.BirthSource)); err != nil {
		return fail(err)
	}
	entry, err := c.note(ctx, tx, by.Ledger(), KindRegistered, RegisteredBody{
		Class: age.Child, Source: c.BirthFrom, Until: c.ExpiresAt.UnixMicro(), Person: e.Person})
	if err != nil {
		return fail(err)
	}
	g, _, err := c.tie(ctx, tx, ring, key, by, person, Guardian{})
	if err != nil {
		return fail(err)
	}
	return c, g, entry, nil
}

// claim takes the reference. Whoever is second waits here for the first one's
// commit, and then is refused.
func (c Child) claim(ctx context.Context, tx *db.Tx) error {
	n, err := tx.Exec(ctx, `
		INSERT INTO child_ref (service, ref_hash, child) VALUES ($1, $2, $3)
		ON CONFLICT (service, ref_hash) DO NOTHING`, c.Service, c.refHash, c.ID)
	if err == nil && n != 1 {
		err = ErrRefTaken.At("ref")
	}
	return err
}

func (c Child) insert(ctx context.Context, tx *db.Tx, turns14 []byte) error {
	return tx.Queue(ctx, `
		INSERT INTO child (child, service, subject, version, state, frozen, disputed, ref, ref_hash,
			birth, birth_from, birth_version, turns_14, pool, wrapped, created_at, expires_at, endings, aged)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 0)`,
		c.ID, c.Service, c.Subject, c.Version, c.State, c.Frozen, c.Disputed, c.ref, c.refHash,
		c.birth, c.BirthFrom, c.birthVersion, turns14, c.pool, c.wrapped, (*db.Time)(&c.CreatedAt), (*db.Time)(&c.ExpiresAt), c.Endings.String())
}

// sealBirth puts a birth date into c, at c's version, and returns the keyed hash of the day from
// which the child is older than 13, nil if that is unknown.
func (c *Child) sealBirth(ring *keyring.Ring, key keyring.ChildKey, b age.Birth, from Source) (turns14 []byte) {
	if b.IsZero() {
		c.birth, c.BirthFrom, c.birthVersion = nil, "", 0
		return nil
	}
	c.BirthFrom, c.birthVersion = from, c.Version
	c.birth = seal(key, b.ISO(), c.birthAD())
	return dayHash(ring, b.Turns(14))
}

func dayHash(ring *keyring.Ring, day time.Time) []byte {
	return ring.Index("family.turns_14", day.In(age.Zone).Format(time.DateOnly))
}
