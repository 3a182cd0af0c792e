package family

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
)

// What can be wrong with a proof.
var (
	ErrSameIdentity = errs.New(errs.Conflict, "family.identity_of_another") // another guardian of the child has it
	ErrProofExpiry  = errs.New(errs.Invalid, "family.proof_expiry")         // an institution's proof ends (edge case 10)
)

// A ProofKind is what is proved of a guardian. That somebody is grown up and that
// it speaks for this child are two different proofs (edge case 24).
type ProofKind string

// The kinds.
const (
	Adulthood    ProofKind = "adulthood"
	Guardianship ProofKind = "guardianship"
)

// A Method is how it was proved. A one-time code proves neither kind: it shows
// who holds the phone.
type Method string

// The methods.
const (
	ByNumber   Method = "number"   // name and identity number, matched by a provider
	ByOfficial Method = "official" // the official identity service
	ByDocument Method = "document" // two persons saw a document
	Played     Method = "test"     // forced, in a test service
)

// A Proof is what is proved of one guardian and in force. It tells no number, no
// name and no document.
type Proof struct {
	Child     ID
	Guardian  GuardianID
	Kind      ProofKind
	Method    Method
	Strength  Strength
	At        time.Time
	ExpiresAt time.Time // zero: it doesn't

	sealed []byte
}

// Evidence is what a verification found out about one guardian.
type Evidence struct {
	Kind      ProofKind
	Method    Method
	Strength  Strength
	ExpiresAt time.Time // zero: never; an institution's guardianship must have one
	// Identity is the keyed hash of what names the person for good, as IdentityHash
	// made it, if anything did.
	Identity []byte
	// Reference is what the provider calls the check, for a later question to it.
	Reference    string
	Verification string // "ve_…", or empty when forced
}

// kept is what is sealed of the evidence: under the child's key, so that it dies
// with the child, and bound to guardian and kind, so that nobody puts the identity
// of one in the place of another's.
type kept struct {
	Identity  []byte `json:"identity,omitempty"`
	Reference string `json:"reference,omitempty"`
}

// Supported is the one rule of what two proofs are worth together (edge case 24),
// and what a guardian's Strength says beyond a one-time code:
//
//   - Adulthood is worth what it was proved with, up to the official identity
//     service: that somebody is grown up doesn't make it this child's guardian,
//     and the relation is then what the operator and the person declared.
//   - Document takes both: a document that shows who speaks for this child, seen
//     by two persons, of somebody who is known to be grown up.
//
// So a document of guardianship alone adds nothing, nor does a second proof of
// adulthood beyond the better of the two.
func Supported(adulthood, guardianship Strength) Strength {
	if guardianship >= Document && adulthood >= NameAndNumber {
		return Document
	}
	return min(adulthood, OfficialIdentity)
}

const proofColumns = `child, guardian, kind, method, strength, at, expires_at, sealed`

func scanProof(row db.Row) (p Proof, err error) {
	err = row.Scan(&p.Child, &p.Guardian, &p.Kind, &p.Method, &p.Strength, (*db.Time)(&p.At), (*db.Time)(&p.ExpiresAt), &p.sealed)
	return p, err
}

// Proofs returns what is proved of a child's guardians and in force.
func Proofs(ctx context.Context, tx *db.Tx, child ID) ([]Proof, error) {
	now := tx.Now()
	return db.All(ctx, tx, scanProof, `
		SELECT `+proofColumns+` FROM proof
		WHERE child = $1 AND (expires_at IS NULL OR expires_at > $2)
		ORDER BY guardian, kind`, child, (*db.Time)(&now))
}

// IdentityHash hashes what names a person for good, such as an identity number, so
// that the same person is known again without keeping it: whoever comes back types
// it again and no provider is asked, and no second guardian of the child is proved
// with it. The child is part of it: it leads from no child to another.
func IdentityHash(ring *keyring.Ring, child ID, identity pii.Text) []byte {
	return ring.Index("family.identity", string(child), identity.Reveal())
}

// IdentityOf returns the hash of the number that a guardian was proved with, or
// nil if no proof in force has one. Errors: as Key; a proof that doesn't open is
// one.
func IdentityOf(ring *keyring.Ring, c Child, proofs []Proof, guardian GuardianID) ([]byte, error) {
	for _, p := range proofs {
		if p.Guardian != guardian || p.Method == ByOfficial {
			continue // the service's own name for the person is no number
		}
		k, err := p.open(ring, c)
		if err != nil || k.Identity != nil {
			return k.Identity, err
		}
	}
	return nil, nil
}

// IdentityTaken reports whether another guardian of the child was proved to be
// whom this hash is of. Errors: as IdentityOf.
func IdentityTaken(ring *keyring.Ring, c Child, proofs []Proof, guardian GuardianID, identity []byte) (bool, error) {
	for _, p := range proofs {
		if identity == nil || p.Guardian == guardian {
			continue
		}
		if k, err := p.open(ring, c); err != nil || bytes.Equal(k.Identity, identity) {
			return err == nil, err
		}
	}
	return false, nil
}

// Reference returns what the provider calls the check that p rests on, or "".
func (p Proof) Reference(ring *keyring.Ring, c Child) (string, error) {
	k, err := p.open(ring, c)
	return k.Reference, err
}

func (p Proof) ad() []string { return []string{"proof", string(p.Guardian), string(p.Kind)} }

func (p Proof) open(ring *keyring.Ring, c Child) (k kept, err error) {
	if p.sealed == nil {
		return k, nil
	}
	text, err := c.OpenNote(ring, p.sealed, p.ad()...)
	if err != nil {
		return k, err
	}
	return k, json.Unmarshal([]byte(text.Reveal()), &k)
}

// Prove puts evidence in force for a guardian of the locked child, who has shown
// with a one-time code to be at its contact, and the strength that its proofs
// support with it. A stronger proof of the same kind stays. Errors: ErrTooWeak
// before a code, ErrSameIdentity, ErrProofExpiry, ErrNoOfficer for an institution
// without a named person (edge case 10), ErrGuardianNotFound, ErrGuardianEnded.
func Prove(ctx context.Context, tx *db.Tx, ring *keyring.Ring, actor string, c Child, guardian GuardianID, found ...Evidence) (Guardian, error) {
	g, err := FindGuardian(ctx, tx, c.ID, guardian)
	if err != nil {
		return Guardian{}, err
	}
	if g.Strength < OneTimeCode {
		return Guardian{}, ErrTooWeak
	}
	proofs, err := Proofs(ctx, tx, c.ID)
	if err != nil {
		return Guardian{}, err
	}
	for _, e := range found {
		if err := g.admits(ring, c, proofs, e, tx.Now()); err != nil {
			return Guardian{}, err
		}
		if err := c.prove(ctx, tx, ring, actor, g.ID, e); err != nil {
			return Guardian{}, err
		}
	}
	return c.settleProofs(ctx, tx, actor, guardian)
}

// admits refuses evidence that can't be this guardian's.
func (g Guardian) admits(ring *keyring.Ring, c Child, proofs []Proof, e Evidence, now time.Time) error {
	// A minor proves nothing here: who it is, the operator's app knows (edge case 4).
	if e.Strength < NameAndNumber || e.Strength > Document || g.Relation == Self {
		return ErrStrength
	}
	// Edge case 10: an institution's authority is for a time.
	if g.Relation == Institution && e.Kind == Guardianship && e.ExpiresAt.IsZero() ||
		!e.ExpiresAt.IsZero() && !e.ExpiresAt.After(now) {
		return ErrProofExpiry
	}
	taken, err := IdentityTaken(ring, c, proofs, g.ID, e.Identity)
	if taken {
		return ErrSameIdentity
	}
	return err
}

// prove writes one proof, unless a stronger one is in force.
func (c Child) prove(ctx context.Context, tx *db.Tx, ring *keyring.Ring, actor string, guardian GuardianID, e Evidence) error {
	now := tx.Now()
	p := Proof{Child: c.ID, Guardian: guardian, Kind: e.Kind, Method: e.Method, Strength: e.Strength, At: now, ExpiresAt: e.ExpiresAt}
	if e.Identity != nil || e.Reference != "" {
		text, err := json.Marshal(kept{e.Identity, e.Reference})
		if err != nil {
			return err
		}
		if p.sealed, err = c.SealNote(ring, pii.New(string(text)), p.ad()...); err != nil {
			return err
		}
	}
	n, err := tx.Exec(ctx, `
		INSERT INTO proof (child, guardian, kind, method, strength, at, expires_at, sealed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (child, guardian, kind) DO UPDATE SET method = excluded.method, strength = excluded.strength,
			at = excluded.at, expires_at = excluded.expires_at, sealed = coalesce(excluded.sealed, proof.sealed)
		WHERE proof.strength <= excluded.strength OR proof.expires_at <= $6`,
		p.Child, p.Guardian, p.Kind, p.Method, p.Strength, (*db.Time)(&p.At), (*db.Time)(&p.ExpiresAt), p.sealed)
	if err != nil || n == 0 {
		return err
	}
	// Edge case 22: whoever comes back by another phone is the same person.
	before, err := c.hiddenAs(ctx, tx, ring, e.Identity)
	if err == nil && before.HiddenBy != "" {
		err = c.hide(ctx, tx, ring, before.HiddenBy, before.HiddenUntil, func(g Guardian) bool { return g.ID == guardian })
	}
	if err != nil {
		return err
	}
	_, err = c.note(ctx, tx, actor, KindGuardianProved, GuardianProvedBody{
		Guardian: guardian, Kind: e.Kind, Method: e.Method, Strength: e.Strength, Expires: micros(e.ExpiresAt), Verification: e.Verification,
		HiddenBy: before.HiddenBy,
	})
	return err
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// settleProofs brings a guardian's strength in line with its proofs. What they
// don't support is what a one-time code is worth; nobody who never returned one
// gets as far as here.
func (c Child) settleProofs(ctx context.Context, tx *db.Tx, actor string, guardian GuardianID) (Guardian, error) {
	proofs, err := Proofs(ctx, tx, c.ID)
	if err != nil {
		return Guardian{}, err
	}
	worth := make(map[ProofKind]Strength, 2)
	for _, p := range proofs {
		if p.Guardian == guardian {
			worth[p.Kind] = p.Strength
		}
	}
	strength, now := max(Supported(worth[Adulthood], worth[Guardianship]), OneTimeCode), tx.Now()
	g, err := db.One(ctx, tx, scanGuardian, `
		UPDATE guardian SET strength = $1, verified_at = $2
		WHERE child = $3 AND guardian = $4 AND ended_at IS NULL AND strength > 0
			AND (relation <> 'institution' OR name IS NOT NULL)
		RETURNING `+guardianColumns, strength, (*db.Time)(&now), c.ID, guardian)
	if errors.Is(err, db.ErrNone) {
		if _, err = FindGuardian(ctx, tx, c.ID, guardian); err == nil {
			err = ErrNoOfficer
		}
	}
	if err != nil {
		return Guardian{}, err
	}
	_, err = c.note(ctx, tx, actor, KindGuardianVerified, GuardianVerifiedBody{g.ID, g.Strength})
	return g, err
}

// A DueProof is a proof past its time, in the order in which they ended.
type DueProof struct {
	Ends     time.Time
	Child    ID
	Guardian GuardianID
	Kind     ProofKind
	Service  string
}

// DueProofs returns proofs past their time, those behind after and at most limit. It
// reads the expiry index.
func DueProofs(ctx context.Context, tx *db.Tx, after DueProof, limit int) ([]DueProof, error) {
	now := tx.Now()
	return db.All(ctx, tx, func(row db.Row) (d DueProof, err error) {
		err = row.Scan((*db.Time)(&d.Ends), &d.Child, &d.Guardian, &d.Kind, &d.Service)
		return d, err
	}, `
		SELECT due.expires_at, due.child, due.guardian, due.kind, child.service
		FROM (
			SELECT expires_at, child, guardian, kind FROM proof
			WHERE expires_at <= $1 AND (expires_at, child, guardian, kind) > ($2, $3, $4, $5)
			ORDER BY expires_at, child, guardian, kind LIMIT $6
		) due
		JOIN child ON child.child = due.child
		ORDER BY due.expires_at, due.child, due.guardian, due.kind`,
		(*db.Time)(&now), after.Ends.UnixMicro(), after.Child, after.Guardian, after.Kind, int64(limit))
}

// ExpireProofs ends the proofs of a locked child that are past their time, and
// what rested on them (edge case 10). It returns how many there were. If we crash
// before the commit, they are due again.
func ExpireProofs(ctx context.Context, tx *db.Tx, actor string, c Child) (int, error) {
	now := tx.Now()
	ended, err := db.All(ctx, tx, scanProof, `
		DELETE FROM proof WHERE child = $1 AND expires_at <= $2 RETURNING `+proofColumns, c.ID, (*db.Time)(&now))
	if err != nil {
		return 0, err
	}
	for _, p := range ended {
		if _, err := c.note(ctx, tx, actor, KindProofExpired, ProofExpiredBody{p.Guardian, p.Kind}); err != nil {
			return 0, err
		}
		if _, err := c.settleProofs(ctx, tx, actor, p.Guardian); err != nil {
			return 0, err
		}
	}
	return len(ended), nil
}

// forgetProofs ends all proofs of a guardian.
func (c Child) forgetProofs(ctx context.Context, tx *db.Tx, guardian GuardianID) error {
	return tx.Queue(ctx, `DELETE FROM proof WHERE child = $1 AND guardian = $2`, c.ID, guardian)
}
