package yearly

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// KindFiled is the kind of entries about audits. They are about the operator and no child, and no
// decision of the gate is computed from them: their version is 0.
const KindFiled = "yearly.filed"

// A FiledBody is what the ledger keeps of a filing: no authority and no words. Its numbers are of
// persons, of whom they name nobody.
type FiledBody struct {
	Year     int64  `json:"year"`
	Number   int64  `json:"number"`
	Dated    string `json:"dated"`
	Children int64  `json:"children"`        // under 14
	Minors   int64  `json:"minors"`          // 14 to 17
	Pack     int64  `json:"pack,omitempty"`  // the version of the pack that was handed in; 0: none of ours
	Drawn    string `json:"drawn,omitempty"` // its hash
	Mark     string `json:"mark"`            // of what was written, and of the receipt
	approval.Inside
}

// File says that the audit of a year was filed, on which day and to whom, with the receipt, and
// counts who is held at this moment: those under 14 and those of 14 to 17 separately, as the
// notice wants them. Pack is the version of the pack that was handed in, or 0. Of a year that is filed already it is a correction, which has a reason; what was
// filed before stays. Errors: ErrMayNot, ErrNotOwed, ErrDay, ErrAuthority, ErrReason,
// ErrReceipt, ErrNoPack, ErrMeanwhile, ErrFull.
func File(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, service string, year int64, dated string, pack int64, text Text, receipt []byte) (Filing, string, error) {
	fail := func(err error) (Filing, string, error) { return Filing{}, "", err }
	y, inside, err := fileable(ctx, tx, by, service, year)
	switch {
	case err != nil:
		return fail(err)
	case y.Filings >= maxFilings:
		return fail(ErrFull)
	}
	f := Filing{Service: y.Service, Year: year, Number: y.Filings, At: tx.Now(), By: by.Ledger(), Dated: dated, Pack: pack, salt: ledger.NewSalt()}
	if err := f.check(text, receipt); err != nil {
		return fail(err)
	}
	hash, err := drawn(ctx, tx, f.Service, year, pack)
	if err != nil {
		return fail(err)
	}
	if f.Children, f.Minors, err = family.CountAges(ctx, tx, ring, f.Service); err != nil {
		return fail(err)
	}
	mark, err := f.seal(ring, text, receipt)
	if err != nil {
		return fail(err)
	}
	n, err := tx.Exec(ctx, `
		INSERT INTO yearly_filing (`+columns+`, document) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT (service, year, number) DO NOTHING`,
		f.Service, f.Year, f.Number, (*db.Time)(&f.At), f.By, f.Dated, f.Children, f.Minors, f.Pack, f.File, f.Hash, f.sealed, f.salt, f.document)
	switch {
	case err != nil:
		return fail(err)
	case n != 1:
		return fail(ErrMeanwhile)
	}
	entry, err := ledger.Append(ctx, tx, ledger.Entry{Kind: KindFiled, Service: f.Service, Actor: f.By,
		Body: FiledBody{f.Year, f.Number, f.Dated, f.Children, f.Minors, f.Pack, hash, mark, inside}})
	return f, entry, err
}

// DayFits reports whether an audit of a year can have been handed in on a day, who says so at a
// moment: not before it opens, nor on a day that is yet to come.
func DayFits(year int64, dated string, now time.Time) bool {
	day, err := time.ParseInLocation(time.DateOnly, dated, age.Zone)
	return err == nil && !day.Before(Opens(year)) && !day.After(now)
}

func (f Filing) check(text Text, receipt []byte) error {
	authority, reason := text.Authority.Reveal(), text.Reason.Reveal()
	_, kept := catalog.FileOf(receipt)
	switch {
	case !DayFits(f.Year, f.Dated, f.At):
		return ErrDay.At("dated")
	case authority == "" || !isLine(authority):
		return ErrAuthority.At("authority")
	case f.Number == 0 && reason != "", f.Number > 0 && !isWords(reason):
		return ErrReason.At("reason")
	case !kept:
		return ErrReceipt.At("document")
	}
	return nil
}

func isLine(s string) bool {
	return utf8.ValidString(s) && strings.TrimSpace(s) == s && utf8.RuneCountInString(s) <= maxLine && !strings.ContainsFunc(s, unicode.IsControl)
}

func isWords(s string) bool {
	return utf8.ValidString(s) && strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= maxWords &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' })
}

// said is how a Text is sealed.
type said struct {
	Authority string `json:"authority"`
	Reason    string `json:"reason,omitempty"`
}

// bound are what a filing is sealed with, and marked: it opens as none but itself.
func (f Filing) bound() []string {
	return []string{f.Service, strconv.FormatInt(f.Year, 10), strconv.FormatInt(f.Number, 10)}
}

// seal seals what is written and the receipt, and returns the mark of both.
func (f *Filing) seal(ring *keyring.Ring, text Text, receipt []byte) (string, error) {
	plain, err := json.Marshal(said{text.Authority.Reveal(), text.Reason.Reveal()})
	if err != nil {
		return "", err
	}
	if f.sealed, err = ring.Seal(sealDomain, plain, f.bound()...); err != nil {
		return "", err
	}
	f.File, _ = catalog.FileOf(receipt)
	f.Hash = hashOf(receipt)
	f.document, err = ring.Seal(fileDomain, receipt, f.bound()...)
	return f.mark(string(plain)), err
}

func (f Filing) mark(plain string) string {
	return ledger.Mark(f.salt, append(f.bound(), plain, f.File, f.Hash)...)
}

func hashOf(receipt []byte) string {
	sum := sha256.Sum256(receipt)
	return hex.EncodeToString(sum[:])
}

func opened(plain []byte, err error) ([]byte, error) {
	if errors.Is(err, keyring.ErrOpen) {
		err = ErrSealed
	}
	return plain, err
}

// Text returns what was written. Errors: ErrSealed.
func (f Filing) Text(ring *keyring.Ring) (Text, error) {
	plain, err := opened(ring.Open(sealDomain, f.sealed, f.bound()...))
	var s said
	if err == nil && json.Unmarshal(plain, &s) != nil {
		err = ErrSealed
	}
	return Text{pii.New(s.Authority), pii.New(s.Reason)}, err
}

// Receipt returns a filing with its receipt. Errors: ErrNoReceipt, ErrSealed.
func Receipt(ctx context.Context, tx *db.Tx, ring *keyring.Ring, service string, year, number int64) (Filing, []byte, error) {
	f, err := withReceipt(ctx, tx, service, year, number)
	if err != nil {
		return f, nil, err
	}
	receipt, err := f.receipt(ring)
	return f, receipt, err
}

func (f Filing) receipt(ring *keyring.Ring) ([]byte, error) {
	receipt, err := opened(ring.Open(fileDomain, f.document, f.bound()...))
	if file, kept := catalog.FileOf(receipt); err == nil && (!kept || file != f.File || hashOf(receipt) != f.Hash) {
		err = ErrSealed
	}
	return receipt, err
}

// Intact reports whether what was written of a filing of All, and its receipt, are those of which
// the ledger has that mark.
func (f Filing) Intact(ring *keyring.Ring, mark string) bool {
	plain, err := opened(ring.Open(sealDomain, f.sealed, f.bound()...))
	if err != nil {
		return false
	}
	_, err = f.receipt(ring)
	return err == nil && f.mark(string(plain)) == mark
}
