package consent

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"math/big"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
)

// What can be wrong with a one-time code.
var (
	ErrCodeWrong   = errs.New(errs.Forbidden, "consent.code_wrong")
	ErrCodeExpired = errs.New(errs.Gone, "consent.code_expired")      // or none was sent
	ErrCodeSpent   = errs.New(errs.Gone, "consent.code_spent")        // tried too often: send another
	ErrCodeLocked  = errs.New(errs.TooMany, "consent.code_locked")    // too many wrong codes: wait a day, or ask anew
	ErrNotMinors   = errs.New(errs.Forbidden, "consent.not_a_minors") // an app shows codes to minors alone (edge case 24)
	ErrCodeSends   = errs.New(errs.TooMany, "consent.code_too_many")  // sent too often: wait
)

const (
	CodeLife  = 10 * time.Minute // of a one-time code
	ProofLife = 30 * time.Minute // of what VerifyCode returns

	codeTries = 5  // of one code
	codeWrong = 25 // of all codes of a request: 25 in 10⁶ is the chance to guess
	codeSends = 5  // an hour, per request and per guardian's contact

	// codeRest without codes wipes the wrong ones out: whoever holds the link
	// can't keep a guardian from withdrawing for ever.
	codeRest = 24 * time.Hour

	codeHour = time.Hour // in which codeSends count

	oneTimeDomain = "consent.code"
	contactDomain = "consent.code_contact"
	proofDomain   = "consent.proof"
)

// An OneTime is a code to be sent right after the commit, where to, and for how
// long it is good.
type OneTime struct {
	Contact
	Code pii.Text // six digits
	Life time.Duration
}

// SendCode makes a one-time code for the guardian of an opened request; the
// former one is void. An answered request takes one too, for whoever comes back
// to withdraw. Errors: ErrCodeSends, ErrCodeLocked, ErrContact, ErrNotShown, and
// why the request has ended.
func (d Desk) SendCode(ctx context.Context, tx *db.Tx, r Request) (OneTime, error) {
	r, err := reload(ctx, tx, r.Child, r.ID)
	if err != nil {
		return OneTime{}, err
	}
	if err := r.takesCode(); err != nil {
		return OneTime{}, err
	}
	c, err := family.Find(ctx, tx, r.Service, r.Child)
	if err != nil {
		return OneTime{}, err
	}
	g, err := asked(ctx, tx, r)
	if err != nil {
		return OneTime{}, err
	}
	to, err := d.contact(ctx, tx, c, g, r.Channel)
	if err != nil {
		return OneTime{}, err
	}
	if err := CountSend(ctx, tx, d.Ring, contactDomain, to); err != nil {
		return OneTime{}, err
	}
	code, err := Digits()
	if err != nil {
		return OneTime{}, err
	}
	if err := d.keepCode(ctx, tx, r, code); err != nil {
		return OneTime{}, err
	}
	return OneTime{to, pii.New(code), CodeLife}, nil
}

// ShowCode is SendCode for a minor: the code is the app's to show, which knows who is
// signed in, and goes nowhere else (edge case 4). Errors: account.ErrMayNot,
// ErrNotMinors for a request to a guardian, whom no app stands in for, and those of
// SendCode.
func (d Desk) ShowCode(ctx context.Context, tx *db.Tx, by account.App, r Request) (OneTime, error) {
	if err := may(by, r.Service, r.Child); err != nil {
		return OneTime{}, err
	}
	r, err := reload(ctx, tx, r.Child, r.ID)
	if err != nil {
		return OneTime{}, err
	}
	if err := r.takesCode(); err != nil {
		return OneTime{}, err
	}
	switch g, err := asked(ctx, tx, r); {
	case err != nil:
		return OneTime{}, err
	case g.Relation != family.Self:
		return OneTime{}, ErrNotMinors
	}
	code, err := Digits()
	if err != nil {
		return OneTime{}, err
	}
	return OneTime{Code: pii.New(code), Life: CodeLife}, d.keepCode(ctx, tx, r, code)
}

// OfMinor reports whether a request is addressed to the minor itself (edge case 4).
func OfMinor(ctx context.Context, tx *db.Tx, r Request) (bool, error) {
	var all []family.Guardian
	err := tx.Together(ctx, family.ReadGuardians(&all, r.Child))
	g, _ := guardian(all, r.Guardian)
	return g.Relation == family.Self, err
}

// keepCode stores the hash of a code and counts it, in one step: two senders of
// one moment are two.
func (d Desk) keepCode(ctx context.Context, tx *db.Tx, r Request, code string) error {
	hash := d.Ring.Index(oneTimeDomain, r.ID, code)
	if len(hash) == 0 {
		return fmt.Errorf("consent: no ring to hash codes with")
	}
	now := tx.Now()
	until, hour, day := now.Add(CodeLife), now.Add(-codeHour), now.Add(-codeRest)
	n, err := tx.Exec(ctx, `
		UPDATE consent_request SET code = $1, code_until = $2, code_tries = 0,
			code_sends = CASE WHEN code_since > $3 THEN code_sends + 1 ELSE 1 END,
			code_since = CASE WHEN code_since > $3 THEN code_since ELSE $4 END,
			code_wrong = CASE WHEN code_since <= $5 THEN 0 ELSE code_wrong END
		WHERE child = $6 AND id = $7 AND (code_wrong < $8 OR code_since <= $5)
			AND (code_since IS NULL OR code_since <= $3 OR code_sends < $9)`,
		hash, (*db.Time)(&until), (*db.Time)(&hour), (*db.Time)(&now), (*db.Time)(&day), r.Child, r.ID, int64(codeWrong), int64(codeSends))
	if err != nil || n == 1 {
		return err
	}
	k, err := readCode(ctx, tx, r)
	switch {
	case err != nil:
		return err
	case k.wrong >= codeWrong:
		return ErrCodeLocked
	}
	return ErrCodeSends
}

// CountSend counts a code to a phone or address, over all children it belongs to:
// nobody's phone is flooded through siblings. The count is one row, so that of
// many at once no more pass than one after the other. Codes of different domains
// don't use up each other's. Errors: ErrCodeSends.
func CountSend(ctx context.Context, tx *db.Tx, ring *keyring.Ring, domain string, to Contact) error {
	return countSend(ctx, tx, ring.Index(domain, string(to.Channel), to.To.Reveal()))
}

// countSend counts under the keyed hash of whoever it is sent to.
func countSend(ctx context.Context, tx *db.Tx, hash []byte) error {
	if len(hash) == 0 {
		return fmt.Errorf("consent: no ring to hash contacts with")
	}
	now, hour := tx.Now(), tx.Now().Add(-codeHour)
	n, err := tx.Exec(ctx, `
		INSERT INTO code_contact (contact, sends, since) VALUES ($1, 1, $2)
		ON CONFLICT (contact) DO UPDATE SET
			sends = CASE WHEN code_contact.since > $3 THEN code_contact.sends + 1 ELSE 1 END,
			since = CASE WHEN code_contact.since > $3 THEN code_contact.since ELSE excluded.since END
		WHERE code_contact.since <= $3 OR code_contact.sends < $4`,
		hash, (*db.Time)(&now), (*db.Time)(&hour), int64(codeSends))
	if err == nil && n != 1 {
		err = ErrCodeSends
	}
	return err
}

// ForgetSends deletes at most limit counts of codes that an hour has passed
// since, and returns how many: after it, no trace of a contact is left here.
func ForgetSends(ctx context.Context, tx *db.Tx, limit int) (int, error) {
	hour := tx.Now().Add(-codeHour)
	n, err := tx.Exec(ctx, `
		DELETE FROM code_contact WHERE contact IN (
			SELECT contact FROM code_contact WHERE since <= $1 ORDER BY since, contact LIMIT $2)`,
		(*db.Time)(&hour), int64(limit))
	return int(n), err
}

// VerifyCode checks a code as it was typed, with or without spaces and in either
// width. A wrong one is counted for good: its refusal is
// Recorded. The right one works once, makes the guardian verified (strength:
// one-time code) and the request ready for an answer, and returns a proof to
// keep in the guardian's browser: see Guardian. Errors: ErrCodeWrong,
// ErrCodeExpired, ErrCodeSpent, ErrCodeLocked, and why the request has ended.
func (d Desk) VerifyCode(ctx context.Context, tx *db.Tx, r Request, code pii.Text) (Request, string, string, error) {
	fail := func(err error) (Request, string, string, error) { return r, "", "", err }
	// The child before its request, as everywhere: whoever holds the request and
	// waits for the child would stand in a circle with one who answers it. So a
	// wrong code raises the child's version too, and has no entry.
	c, r, err := lock(ctx, tx, r)
	if err != nil {
		return fail(err)
	}
	if err := r.takesCode(); err != nil {
		return fail(err)
	}
	// The try is taken before the code is looked at, so that many at once get no
	// more of them than one after the other.
	now := tx.Now()
	n, err := tx.Exec(ctx, `
		UPDATE consent_request SET code_tries = code_tries + 1, code_wrong = code_wrong + 1
		WHERE child = $1 AND id = $2 AND code IS NOT NULL AND code_until > $3 AND code_tries < $4 AND code_wrong < $5`,
		r.Child, r.ID, (*db.Time)(&now), int64(codeTries), int64(codeWrong))
	if err != nil {
		return fail(err)
	}
	k, err := readCode(ctx, tx, r)
	if err != nil {
		return fail(err)
	}
	if n != 1 {
		return fail(k.refusal())
	}
	given := d.Ring.Index(oneTimeDomain, r.ID, meant(code.Reveal()))
	if len(given) == 0 || subtle.ConstantTimeCompare(given, k.hash) != 1 {
		return fail(db.Recorded(ErrCodeWrong))
	}
	return d.verified(ctx, tx, c, r, "")
}

// verified makes the guardian verified and, with it, a request of the locked
// child c that takes a code. Actor is the guardian if empty.
func (d Desk) verified(ctx context.Context, tx *db.Tx, c family.Child, r Request, actor string) (Request, string, string, error) {
	fail := func(err error) (Request, string, string, error) { return r, "", "", err }
	g, err := asked(ctx, tx, r)
	if err != nil {
		return fail(err)
	}
	if actor == "" {
		actor = g.Ledger()
	}
	if g, err = family.VerifyGuardian(ctx, tx, actor, c, g.ID, family.OneTimeCode); err != nil {
		return fail(err)
	}
	proof := id.Secret(32)
	now, until := tx.Now(), tx.Now().Add(ProofLife)
	err = stepped(tx.Exec(ctx, `
		UPDATE consent_request SET code = NULL, code_until = NULL, code_tries = 0, code_wrong = 0,
			proof = $1, proof_until = $2, reading = NULL, reading_until = NULL, verified_at = $3, raised = NULL,
			state = CASE WHEN state = 'opened' THEN 'verified' ELSE state END
		WHERE child = $4 AND id = $5 AND state IN ('opened', 'verified', 'answered')`,
		d.Session(r, proof), (*db.Time)(&until), (*db.Time)(&now), r.Child, r.ID))
	if err != nil {
		return fail(err)
	}
	r.VerifiedAt = now
	if r.State == Opened {
		r.State = Verified
	}
	entry, err := note(ctx, tx, c, KindVerified, actor, VerifiedBody{Request: r.ID, Guardian: g.ID, Strength: family.OneTimeCode})
	return r, proof, entry, err
}

// Guardian returns the guardian whose browser holds the proof of a request, as
// an actor of no more strength than was shown from that browser since its code:
// see Raise. The link alone proves nothing: it may lie in a child's hands (edge
// case 24). Errors: ErrVerified, ErrMayNot.
func (d Desk) Guardian(ctx context.Context, tx *db.Tx, r Request, proof string) (family.Guardian, error) {
	now := tx.Now()
	kept, err := db.One(ctx, tx, scanHeld, `
		SELECT proof, raised FROM consent_request
		WHERE child = $1 AND id = $2 AND proof IS NOT NULL AND proof_until > $3`, r.Child, r.ID, (*db.Time)(&now))
	return d.holds(ctx, tx, r, proof, kept, err)
}

// holds returns the guardian of a request if proof is the one that is kept.
func (d Desk) holds(ctx context.Context, tx *db.Tx, r Request, proof string, kept held, err error) (family.Guardian, error) {
	switch {
	case errors.Is(err, db.ErrNone), len(proof) > 100:
		return family.Guardian{}, ErrVerified
	case err != nil:
		return family.Guardian{}, err
	}
	given := d.Session(r, proof)
	if len(given) == 0 || subtle.ConstantTimeCompare(given, kept.proof) != 1 {
		return family.Guardian{}, ErrVerified
	}
	g, err := asked(ctx, tx, r)
	if err != nil {
		return family.Guardian{}, err
	}
	g.Strength = min(g.Strength, d.worth(r, kept))
	return g, nil
}

// A Reader may see what a guardian chose, and change nothing: no function that
// changes something takes one.
type Reader struct {
	Child    family.ID
	Guardian family.GuardianID
	Acts     bool // the proof makes a Guardian of its browser, too
}

// Reader returns who may read the receipt of a request with this proof: whoever
// Guardian knows, and, for ProofLife after an answer, the browser that gave it.
// So it can keep what it was shown at that moment; to withdraw, or to think
// again, it proves anew. Errors: as Guardian.
func (d Desk) Reader(ctx context.Context, tx *db.Tx, r Request, proof string) (Reader, error) {
	g, err := d.Guardian(ctx, tx, r, proof)
	if !errors.Is(err, ErrVerified) {
		return Reader{r.Child, g.ID, err == nil}, err
	}
	now := tx.Now()
	kept, err := db.One(ctx, tx, db.Single[[]byte], `
		SELECT reading FROM consent_request
		WHERE child = $1 AND id = $2 AND reading IS NOT NULL AND reading_until > $3`, r.Child, r.ID, (*db.Time)(&now))
	g, err = d.holds(ctx, tx, r, proof, held{proof: kept}, err)
	return Reader{r.Child, g.ID, false}, err
}

// takesCode returns why no code serves the request, or nil.
func (r Request) takesCode() error {
	switch err := r.Refusal(); {
	case errors.Is(err, ErrAnswered):
		return nil
	case err != nil:
		return err
	case r.State == Pending:
		return ErrNotShown
	}
	return nil
}

// kept is what is stored of a code.
type kept struct {
	hash         []byte
	tries, wrong int64
}

func readCode(ctx context.Context, tx *db.Tx, r Request) (kept, error) {
	return db.One(ctx, tx, func(row db.Row) (k kept, err error) {
		err = row.Scan(&k.hash, &k.tries, &k.wrong)
		return k, err
	}, `SELECT code, code_tries, code_wrong FROM consent_request WHERE child = $1 AND id = $2`, r.Child, r.ID)
}

// refusal says why there was no try left.
func (k kept) refusal() error {
	switch {
	case k.wrong >= codeWrong:
		return ErrCodeLocked
	case k.hash != nil && k.tries >= codeTries:
		return ErrCodeSpent
	}
	return ErrCodeExpired
}

// Digits returns the six digits of a one-time code, each number as likely as any
// other.
func Digits() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%06d", n.Int64()), nil
}
