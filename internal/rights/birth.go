package rights

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/staff"
)

// What can be wrong with a claim that a child is older than was said.
var (
	ErrPaper        = errs.New(errs.Invalid, "rights.paper_unknown")
	ErrPaperNumber  = errs.New(errs.Invalid, "rights.paper_number_invalid")
	ErrClaimed      = errs.New(errs.Conflict, "rights.birth_claimed") // one waits already
	ErrClaim        = errs.New(errs.NotFound, "rights.birth_claim_not_found")
	ErrClaimOver    = errs.New(errs.Gone, "rights.birth_claim_over")
	ErrSecondPerson = errs.New(errs.Forbidden, "rights.birth_second_person")
	ErrSeenOther    = errs.New(errs.Conflict, "rights.birth_seen_other") // the second one has typed something else
)

// A Paper is the kind of a document that says when somebody was born.
type Paper string

// The papers.
const (
	BirthCertificate  Paper = "birth_certificate"
	HouseholdRegister Paper = "household_register"
	IdentityCard      Paper = "identity_card"
	Passport          Paper = "passport"
)

// Papers lists them.
var Papers = []Paper{BirthCertificate, HouseholdRegister, IdentityCard, Passport}

func (p Paper) known() bool { return slices.Contains(Papers, p) }

// The kinds of ledger entries about claims. That one was approved is told by family's
// own entry.
const (
	KindClaimed      = "birth.claimed"
	KindClaimRefused = "birth.refused"
	KindClaimExpired = "birth.expired"
)

// A ClaimedBody says that somebody has seen a document, until when the second person
// has time, and nothing that is in it.
type ClaimedBody struct {
	Claim   string `json:"claim"`
	Paper   Paper  `json:"paper"`
	Expires int64  `json:"expires"`
}

// A ClaimEndedBody says of which claim nothing came.
type ClaimEndedBody struct {
	Claim string `json:"claim"`
}

// claimLife is how long the second person has.
const claimLife = 7 * 24 * time.Hour

const maxPaperNumber = 64

// A Claim is that a child is older than was said, by a document that one person has
// seen. It changes nothing until a second one has typed the same from the document.
type Claim struct {
	ID        string // "bc_…"
	Child     family.ID
	Service   string
	By        string // "st_…"
	Paper     Paper
	ClaimedAt time.Time
	ExpiresAt time.Time

	birth, number []byte
}

const claimColumns = `child, id, service, claimed_by, paper, birth, number, claimed_at, expires_at`

func scanClaim(row db.Row) (c Claim, err error) {
	err = row.Scan(&c.Child, &c.ID, &c.Service, &c.By, &c.Paper, &c.birth, &c.number, (*db.Time)(&c.ClaimedAt), (*db.Time)(&c.ExpiresAt))
	return c, err
}

func (c Claim) bound(what string) []string { return []string{"birth", c.ID, what} }

// Seen is what somebody reads in a document.
type Seen struct {
	Paper  Paper
	Number pii.Text // at most 64 characters
	Birth  age.Birth
}

func (s Seen) check(now time.Time) error {
	number := s.Number.Reveal()
	switch {
	case !s.Paper.known():
		return ErrPaper.At("paper")
	case number == "" || !utf8.ValidString(number) || utf8.RuneCountInString(number) > maxPaperNumber ||
		strings.IndexFunc(number, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0:
		return ErrPaperNumber.At("number")
	}
	return family.CheckDocument(s.Birth, now)
}

// ClaimOlder records that one of the staff has seen a document by which a child was born
// on another day (edge case 3). Errors: ErrMayNot, ErrPaper, ErrPaperNumber, ErrClaimed,
// those of family.CheckDocument and family.Lock.
func (d Desk) ClaimOlder(ctx context.Context, tx *db.Tx, by catalog.Officer, child family.Child, seen Seen) (Claim, string, error) {
	fail := func(err error) (Claim, string, error) { return Claim{}, "", err }
	if !by.Governs(child.Service) {
		return fail(ErrMayNot)
	}
	if err := seen.check(tx.Now()); err != nil {
		return fail(err)
	}
	c, err := family.Lock(ctx, tx, child.Service, child.ID)
	if err != nil {
		return fail(err)
	}
	old, err := claimOf(ctx, tx, c.ID)
	switch now := tx.Now(); {
	case errors.Is(err, ErrClaim):
	case err != nil:
		return fail(err)
	case now.Before(old.ExpiresAt):
		return fail(ErrClaimed)
	default:
		if _, err := old.drop(ctx, tx, c, KindClaimExpired, by.Ledger()); err != nil {
			return fail(err)
		}
	}
	claim := Claim{ID: id.New(id.BirthClaim), Child: c.ID, Service: c.Service, By: by.ID, Paper: seen.Paper, ClaimedAt: tx.Now(), ExpiresAt: tx.Now().Add(claimLife)}
	if claim.birth, err = c.SealNote(d.Ring, pii.New(seen.Birth.ISO()), claim.bound("birth")...); err != nil {
		return fail(err)
	}
	if claim.number, err = c.SealNote(d.Ring, seen.Number, claim.bound("number")...); err != nil {
		return fail(err)
	}
	err = tx.Queue(ctx, `
		INSERT INTO birth_claim (`+claimColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		claim.Child, claim.ID, claim.Service, claim.By, claim.Paper, claim.birth, claim.number, (*db.Time)(&claim.ClaimedAt), (*db.Time)(&claim.ExpiresAt))
	if err != nil {
		return fail(err)
	}
	entry, err := record(ctx, tx, c, KindClaimed, by.Ledger(), ClaimedBody{Claim: claim.ID, Paper: claim.Paper, Expires: claim.ExpiresAt.UnixMicro()})
	return claim, entry, err
}

// ApproveOlder lets a claim hold. The second person, who is another one, has the
// document before it, too, and types what it reads there: it is shown nothing of what
// the first one has typed. What hangs on the age follows in the same transaction: that
// the child has turned 14. Of one that is a child again by the document, what a guardian
// has refused has no ground: whoever calls it calls vault.EraseUnfounded, too. Errors:
// ErrMayNot, ErrClaim, ErrClaimOver, ErrSecondPerson, ErrSeenOther, those of Seen and of
// family.Lock.
func (d Desk) ApproveOlder(ctx context.Context, tx *db.Tx, by catalog.Officer, service, claim string, seen Seen) (family.Child, string, error) {
	fail := func(err error) (family.Child, string, error) { return family.Child{}, "", err }
	c, is, err := lockClaim(ctx, tx, by, service, claim)
	if err != nil {
		return fail(err)
	}
	if !tx.Now().Before(is.ExpiresAt) {
		return fail(ErrClaimOver)
	}
	first, err := catalog.FindOfficer(ctx, tx, service, is.By)
	switch {
	case err != nil:
		return fail(err)
	case first.ID == by.ID, strings.EqualFold(first.Name, by.Name) && strings.EqualFold(first.Contact, by.Contact):
		return fail(ErrSecondPerson) // one person in two offices, one after the other, is one
	}
	if one, err := oneAccount(ctx, tx, service, first.ID, by.ID); err != nil || one {
		return fail(cmp.Or(err, error(ErrSecondPerson)))
	}
	if err := seen.check(tx.Now()); err != nil {
		return fail(err)
	}
	same, err := is.same(d.Ring, c, seen)
	switch {
	case err != nil:
		return fail(err)
	case !same:
		return fail(ErrSeenOther)
	}
	if err := tx.Queue(ctx, `DELETE FROM birth_claim WHERE child = $1 AND id = $2`, is.Child, is.ID); err != nil {
		return fail(err)
	}
	c, entry, err := consent.Desk{Ring: d.Ring, Charters: d.Charters}.CorrectByDocument(ctx, tx, by, c, seen.Birth, is.ID)
	if err != nil {
		return fail(err)
	}
	_, err = family.Age(ctx, tx, d.Ring, by.Ledger(), c, 0) // that the day comes is the sweep's to tell
	return c, entry, err
}

// oneAccount reports whether one person inside holds, or held, both terms of office.
func oneAccount(ctx context.Context, tx *db.Tx, service, first, second string) (bool, error) {
	a, err := staff.Holder(ctx, tx, service, first)
	if err != nil || a == "" {
		return false, err
	}
	b, err := staff.Holder(ctx, tx, service, second)
	return a == b, err
}

// same reports whether both have read the same.
func (c Claim) same(ring *keyring.Ring, child family.Child, seen Seen) (bool, error) {
	birth, err := child.OpenNote(ring, c.birth, c.bound("birth")...)
	if err != nil {
		return false, err
	}
	number, err := child.OpenNote(ring, c.number, c.bound("number")...)
	equal := func(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
	return err == nil && c.Paper == seen.Paper && equal(birth.Reveal(), seen.Birth.ISO()) && equal(number.Reveal(), seen.Number.Reveal()), err
}

// RefuseOlder ends a claim of which nothing comes. One person is enough. Errors:
// ErrMayNot, ErrClaim, those of family.Lock.
func (d Desk) RefuseOlder(ctx context.Context, tx *db.Tx, by catalog.Officer, service, claim string) (string, error) {
	c, is, err := lockClaim(ctx, tx, by, service, claim)
	if err != nil {
		return "", err
	}
	return is.drop(ctx, tx, c, KindClaimRefused, by.Ledger())
}

// Claims returns the claims of a service that wait, those that end first, at most limit.
func Claims(ctx context.Context, tx *db.Tx, service string, limit int) ([]Claim, error) {
	now := tx.Now()
	return db.All(ctx, tx, scanClaim, `
		SELECT `+claimColumns+` FROM birth_claim WHERE service = $1 AND expires_at > $2
		ORDER BY expires_at, child LIMIT $3`, service, (*db.Time)(&now), int64(limit))
}

// DueClaims returns the claims whose time is over: those behind after, the oldest first,
// at most limit. Its cost is what is due.
func DueClaims(ctx context.Context, tx *db.Tx, after Claim, limit int) ([]Claim, error) {
	now := tx.Now()
	return db.All(ctx, tx, scanClaim, `
		SELECT `+claimColumns+` FROM birth_claim WHERE expires_at <= $1 AND (expires_at, child) > ($2, $3)
		ORDER BY expires_at, child LIMIT $4`, (*db.Time)(&now), after.ExpiresAt.UnixMicro(), after.Child, int64(limit))
}

// ExpireClaim removes a claim whose time is over, and returns how many: none, if
// somebody was first.
func ExpireClaim(ctx context.Context, tx *db.Tx, actor string, due Claim) (int, error) {
	c, err := family.Lock(ctx, tx, due.Service, due.Child)
	if err != nil {
		return 0, err
	}
	is, err := claimOf(ctx, tx, c.ID)
	switch {
	case errors.Is(err, ErrClaim):
		return 0, nil
	case err != nil || tx.Now().Before(is.ExpiresAt):
		return 0, err
	}
	_, err = is.drop(ctx, tx, c, KindClaimExpired, actor)
	return 1, err
}

// FindClaim returns a claim of a service that waits for the second person. Errors: ErrClaim,
// ErrClaimOver.
func FindClaim(ctx context.Context, tx *db.Tx, service, claim string) (Claim, error) {
	if !id.Is(id.BirthClaim, claim) {
		return Claim{}, ErrClaim
	}
	c, err := db.One(ctx, tx, scanClaim, `SELECT `+claimColumns+` FROM birth_claim WHERE id = $1 AND service = $2`, claim, service)
	switch {
	case errors.Is(err, db.ErrNone):
		err = ErrClaim
	case err == nil && !tx.Now().Before(c.ExpiresAt):
		err = ErrClaimOver
	}
	return c, err
}

// ClaimAbout returns the claim about a child that waits for the second person. Errors:
// ErrClaim.
func ClaimAbout(ctx context.Context, tx *db.Tx, child family.ID) (Claim, error) {
	c, err := claimOf(ctx, tx, child)
	if err == nil && !tx.Now().Before(c.ExpiresAt) {
		err = ErrClaim
	}
	return c, err
}

// lockClaim locks the child of a claim of the officer's service, and reads the claim again.
func lockClaim(ctx context.Context, tx *db.Tx, by catalog.Officer, service, claim string) (family.Child, Claim, error) {
	if !by.Governs(service) {
		return family.Child{}, Claim{}, ErrMayNot
	}
	if !id.Is(id.BirthClaim, claim) {
		return family.Child{}, Claim{}, ErrClaim
	}
	found, err := db.One(ctx, tx, scanClaim, `SELECT `+claimColumns+` FROM birth_claim WHERE id = $1 AND service = $2`, claim, service)
	if errors.Is(err, db.ErrNone) {
		err = ErrClaim
	}
	if err != nil {
		return family.Child{}, found, err
	}
	c, err := family.Lock(ctx, tx, service, found.Child)
	if err != nil {
		return c, found, err
	}
	is, err := claimOf(ctx, tx, c.ID)
	if err == nil && is.ID != claim {
		err = ErrClaim
	}
	return c, is, err
}

// claimOf returns the claim about a child, over or not. Errors: ErrClaim.
func claimOf(ctx context.Context, tx *db.Tx, child family.ID) (Claim, error) {
	c, err := db.One(ctx, tx, scanClaim, `SELECT `+claimColumns+` FROM birth_claim WHERE child = $1`, child)
	if errors.Is(err, db.ErrNone) {
		err = ErrClaim
	}
	return c, err
}

// drop removes a claim of the locked child.
func (c Claim) drop(ctx context.Context, tx *db.Tx, child family.Child, kind, actor string) (string, error) {
	if err := tx.Queue(ctx, `DELETE FROM birth_claim WHERE child = $1 AND id = $2`, c.Child, c.ID); err != nil {
		return "", err
	}
	return record(ctx, tx, child, kind, actor, ClaimEndedBody{Claim: c.ID})
}

// ReadClaims reads the claims about a stretch of children, in order, for an audit.
func ReadClaims(into *[]Claim, of family.Stretch) db.Read {
	where, args := of.Where("child")
	return db.ReadInto(into, scanClaim, `
		SELECT `+claimColumns+` FROM birth_claim
		WHERE `+where+`
		ORDER BY child`, args...)
}

// Intact reports whether what was seen would open. Errors: those of the child's key.
func (c Claim) Intact(ring *keyring.Ring, child family.Child) error {
	return errors.Join(child.IntactNote(ring, c.birth, c.bound("birth")...), child.IntactNote(ring, c.number, c.bound("number")...))
}
