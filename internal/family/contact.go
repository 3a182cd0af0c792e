package family

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
)

// What can be wrong with a person's data. None of them repeats it.
var (
	ErrNoContact = errs.New(errs.Invalid, "family.no_contact") // neither phone nor e-mail
	ErrName      = errs.New(errs.Invalid, "family.name_invalid")
	ErrPhone     = errs.New(errs.Invalid, "family.phone_invalid")
	ErrEmail     = errs.New(errs.Invalid, "family.email_invalid")
)

// A Person is who is to be tied to a child. A name may be missing, a phone
// number or an e-mail address may not, or nobody could be asked.
type Person struct {
	Name     pii.Text // at most 100 characters
	Phone    pii.Text // a mobile number of the mainland, or any number with its country code
	Email    pii.Text
	Relation Relation
}

// A reach is a checked Person: the phone as in E.164.
type reach struct {
	name, phone, email string
	relation           Relation
}

const maxName = 100

func (p Person) check() (r reach, err error) {
	if r.relation, err = ParseRelation(string(p.Relation)); err != nil {
		return reach{}, ErrRelation.At("guardian.relation")
	}
	if r.name = oneSpaced(p.Name.Reveal()); !isLine(r.name, maxName) {
		return reach{}, ErrName.At("guardian.name")
	}
	if !p.Phone.IsZero() {
		if r.phone = NormalPhone(p.Phone.Reveal()); r.phone == "" {
			return reach{}, ErrPhone.At("guardian.phone")
		}
	}
	if !p.Email.IsZero() {
		if r.email = normalEmail(p.Email.Reveal()); r.email == "" {
			return reach{}, ErrEmail.At("guardian.email")
		}
	}
	if r.phone == "" && r.email == "" {
		return reach{}, ErrNoContact.At("guardian")
	}
	return r, nil
}

// wideSpaces are what a Chinese keyboard and a web page put for a space.
var wideSpaces = strings.NewReplacer("\u3000", " ", "\u00a0", " ")

func oneSpaced(s string) string { return strings.TrimSpace(wideSpaces.Replace(s)) }

// isLine reports whether s is one line of at most limit characters.
func isLine(s string, limit int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= limit &&
		strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

var (
	mainlandMobile = regexp.MustCompile(`^(?:(?:\+|00)?86)?(1[3-9][0-9]{9})$`)
	foreignNumber  = regexp.MustCompile(`^(?:\+|00)([1-9][0-9]{7,14})$`)
	punctuation    = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "", "\u00a0", "")

	// address is the part of RFC 5321 that mail providers hand out.
	address = regexp.MustCompile(`^[a-z0-9!#$%&'*+/=?^_{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`)
)

// NormalPhone returns a phone number as in E.164, however it was typed: +86 and
// eleven digits for a mobile number of the mainland. It returns "" for what no
// code can be sent to, a fixed line of the mainland included.
func NormalPhone(s string) string {
	if len(s) > 64 {
		return ""
	}
	s = punctuation.Replace(width.Narrow.String(strings.TrimSpace(s)))
	if m := mainlandMobile.FindStringSubmatch(s); m != nil {
		return "+86" + m[1]
	}
	if m := foreignNumber.FindStringSubmatch(s); m != nil && !strings.HasPrefix(m[1], "86") {
		return "+" + m[1]
	}
	return ""
}

// normalEmail returns an e-mail address in lower case, or "". Some provider may
// tell Li from li; people don't, and a parent who signs in shouldn't have to.
func normalEmail(s string) string {
	s = strings.ToLower(width.Narrow.String(strings.TrimSpace(s)))
	if at := strings.LastIndexByte(s, '@'); len(s) > 254 || at > 64 || !address.MatchString(s) {
		return ""
	}
	return s
}

// The keyed hashes, each in a domain of its own. An empty value has none.

func phoneHash(ring *keyring.Ring, normal string) []byte {
	if normal == "" {
		return nil
	}
	return ring.Index("family.phone", normal)
}

func emailHash(ring *keyring.Ring, normal string) []byte {
	if normal == "" {
		return nil
	}
	return ring.Index("family.email", normal)
}

func refHash(ring *keyring.Ring, service string, ref pii.Text) []byte {
	return ring.Index("family.ref", service, ref.Reveal())
}

// maxFound bounds a look-up by contact: a teacher's phone may stand beside every
// child of a school.
const maxFound = 200

// GuardiansByPhone returns who is tied to a child under this phone number now, in
// any service, at most 200. An unreadable number finds nobody.
func GuardiansByPhone(ctx context.Context, tx *db.Tx, ring *keyring.Ring, phone pii.Text) ([]Guardian, error) {
	hash := phoneHash(ring, NormalPhone(phone.Reveal()))
	if hash == nil {
		return nil, nil
	}
	return db.All(ctx, tx, scanGuardian, `
		SELECT `+guardianColumns+` FROM guardian WHERE phone_hash = $1 AND ended_at IS NULL
		ORDER BY child, guardian LIMIT $2`, hash, maxFound)
}

// GuardiansByEmail is GuardiansByPhone for an e-mail address.
func GuardiansByEmail(ctx context.Context, tx *db.Tx, ring *keyring.Ring, email pii.Text) ([]Guardian, error) {
	hash := emailHash(ring, normalEmail(email.Reveal()))
	if hash == nil {
		return nil, nil
	}
	return db.All(ctx, tx, scanGuardian, `
		SELECT `+guardianColumns+` FROM guardian WHERE email_hash = $1 AND ended_at IS NULL
		ORDER BY child, guardian LIMIT $2`, hash, maxFound)
}

// sealedContact is what a guardian's row says of the person, and since when it is
// tied to the child.
type sealedContact struct {
	phone, email, name []byte
	since              time.Time
}

// Known are the columns of a guardian's row that may be there, as the ledger
// names them.
var Known = []string{"name", "phone", "email"}

// known returns which of Known are there.
func (s sealedContact) known() []string {
	names := []string{}
	for i, sealed := range [][]byte{s.name, s.phone, s.email} {
		if sealed != nil {
			names = append(names, Known[i])
		}
	}
	return names
}

// Contact opens how a guardian in office is reached, for whoever sends a message;
// what is not known is zero. Errors: ErrGuardianNotFound, ErrGuardianEnded,
// ErrErased.
func Contact(ctx context.Context, tx *db.Tx, ring *keyring.Ring, c Child, guardian GuardianID) (phone, email, name pii.Text, err error) {
	s, err := db.One(ctx, tx, func(row db.Row) (s sealedContact, err error) {
		err = row.Scan(&s.phone, &s.email, &s.name, (*db.Time)(&s.since))
		return s, err
	}, `
		SELECT phone, email, name, created_at FROM guardian
		WHERE child = $1 AND guardian = $2 AND ended_at IS NULL`, c.ID, guardian)
	if errors.Is(err, db.ErrNone) {
		if _, err = FindGuardian(ctx, tx, c.ID, guardian); err == nil {
			err = ErrGuardianNotFound
		}
	}
	if err != nil {
		return pii.Text{}, pii.Text{}, pii.Text{}, err
	}
	for _, part := range []struct {
		sealed []byte
		what   string
		into   *pii.Text
	}{{s.phone, "phone", &phone}, {s.email, "email", &email}, {s.name, "name", &name}} {
		if part.sealed == nil {
			continue
		}
		if *part.into, err = c.open(ring, part.sealed, c.guardianAD(guardian, s.since, part.what)); err != nil {
			return pii.Text{}, pii.Text{}, pii.Text{}, err
		}
	}
	return phone, email, name, nil
}

// guardianAD ties what is sealed to its guardian and to the time of the tie: whoever
// writes an earlier time by hand, to speak for the child by a passkey from before it,
// is reached by nothing any more.
func (c Child) guardianAD(guardian GuardianID, since time.Time, what string) []string {
	return c.ad("guardian", string(guardian), strconv.FormatInt(since.UnixMicro(), 10), what)
}
