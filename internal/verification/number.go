package verification

import (
	"context"
	"crypto/subtle"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
)

// An Identity is what a guardian types: it is asked about, and forgotten.
type Identity struct {
	Name   pii.Text // as in the identity card, at most 100 characters
	Number pii.Text // of the resident identity card
}

// A Check is an attempt by name and number on its way.
type Check struct {
	Attempt
	Entry string // of the ledger, once it is finished
	who   Identity
	hash  []byte
}

// Open reports whether the provider is to be asked.
func (c Check) Open() bool { return c.State == Started }

const maxName = 100

// StartNumber begins an attempt by name and number. The number's own digits say
// whether it is one, and whether it is that of somebody grown up, before anybody is
// asked. Whoever was proved with it before is known again here, by its hash, and
// nobody is asked; somebody else isn't let in under the same guardian. Then the
// attempt is finished, else Ask and FinishNumber go on. Errors: ErrName, ErrNumber,
// ErrMinor, ErrTries, ErrNotOffered, and those of consent.Guardian. A failed
// attempt is ErrNoMatch and Recorded.
func (d Desk) StartNumber(ctx context.Context, tx *db.Tx, r consent.Request, proof string, who Identity) (Check, error) {
	if d.Number == nil {
		return Check{}, ErrNotOffered
	}
	who, resident, err := who.normal(tx.Now())
	if err != nil {
		return Check{}, err
	}
	a, c, err := d.begin(ctx, tx, r, proof, family.ByNumber)
	if err != nil {
		return Check{}, err
	}
	check := Check{Attempt: a, who: who, hash: family.IdentityHash(d.Consent.Ring, c.ID, who.Number)}
	proofs, err := family.Proofs(ctx, tx, c.ID)
	if err != nil {
		return Check{}, err
	}
	known, err := family.IdentityOf(d.Consent.Ring, c, proofs, a.Guardian)
	switch {
	case err != nil:
		return Check{}, err
	case known == nil && resident:
		return check, nil
	case known != nil && subtle.ConstantTimeCompare(known, check.hash) == 1:
		check.Attempt, check.Entry, err = d.succeed(ctx, tx, c, a, actorOf(a), family.NameAndNumber)
	default:
		check.Attempt, check.Entry, err = a.fail(ctx, tx, c, actorOf(a), OtherPerson)
	}
	return check, check.outcome(err)
}

// outcome tells a failure as what it is to whoever tried: all are one, whether the
// number exists, belongs to somebody else, or was used before.
func (c Check) outcome(err error) error {
	switch {
	case err != nil:
		return err
	case c.State == Unavailable:
		return db.Recorded(ErrProvider)
	case c.State == Failed:
		return db.Recorded(ErrNoMatch)
	}
	return nil
}

// Ask asks the provider, outside of any transaction.
func (d Desk) Ask(ctx context.Context, c Check) (Reply, error) {
	return d.Number.Ask(ctx, Question{Type: QuestionMatch, Verification: c.ID, Name: c.who.Name, Number: c.who.Number})
}

// FinishNumber takes the provider's answer, or asked, the error of Ask: then no
// try is lost. Name and number end here. Errors: ErrNoMatch and ErrProvider, both
// Recorded; ErrEnded.
func (d Desk) FinishNumber(ctx context.Context, tx *db.Tx, check Check, reply Reply, asked error) (Check, error) {
	c, a, err := lock(ctx, tx, check.Attempt)
	if err != nil {
		return check, err
	}
	check.Attempt = a
	switch {
	case a.State != Started:
		return check, ErrEnded
	case asked != nil:
		check.Attempt, check.Entry, err = a.fail(ctx, tx, c, actorOf(a), NotAsked)
	case reply.Result != ResultMatch:
		check.Attempt, check.Entry, err = a.fail(ctx, tx, c, actorOf(a), NoMatch)
	default:
		check.Attempt, check.Entry, err = d.succeed(ctx, tx, c, a, actorOf(a), family.NameAndNumber, family.Evidence{
			Kind: family.Adulthood, Method: family.ByNumber, Strength: family.NameAndNumber,
			Identity: check.hash, Reference: reply.Reference,
		})
	}
	return check, check.outcome(err)
}

// actorOf is the ledger's name of who tried.
func actorOf(a Attempt) string { return family.Guardian{ID: a.Guardian}.Ledger() }

// anyNumber is the shape of what names a person in some document, a passport too.
var anyNumber = regexp.MustCompile(`^[0-9A-Z]{5,20}$`)

// normal returns what was typed in the one way that it is hashed and asked about,
// and whether the number is a resident identity number: other documents' numbers
// are known again where the staff saw the document, and are nothing to ask about.
func (i Identity) normal(now time.Time) (Identity, bool, error) {
	name := strings.TrimSpace(strings.ReplaceAll(i.Name.Reveal(), "\u3000", " "))
	if name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxName ||
		strings.IndexFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
		return Identity{}, false, ErrName.At("name")
	}
	number := normalNumber(i.Number)
	if !anyNumber.MatchString(number) {
		return Identity{}, false, ErrNumber.At("number")
	}
	birth, resident := charter.IdentityBirth(number, now)
	if !resident && len(number) == 18 {
		return Identity{}, false, ErrNumber.At("number")
	}
	if resident {
		if b, err := age.ParseBirth(birth); err != nil || b.ClassAt(now) != age.Adult {
			return Identity{}, false, ErrMinor.At("number")
		}
	}
	return Identity{pii.New(name), pii.New(number)}, resident, nil
}

// normalNumber takes full-width digits, spaces and a small x as they are meant.
func normalNumber(t pii.Text) string {
	s := t.Reveal()
	if len(s) > 100 {
		return ""
	}
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(width.Narrow.String(strings.TrimSpace(s))))
}
