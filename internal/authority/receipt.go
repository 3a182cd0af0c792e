package authority

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// An AnsweredBody says that the authority has answered a report: with which number and document
// only the mark says.
type AnsweredBody struct {
	Case    string `json:"case"`
	Number  int64  `json:"number"`
	Receipt int64  `json:"receipt"`
	Mark    string `json:"mark"`
	About
	approval.Inside
}

// Answer keeps what the authority has answered to a report that was sent: its number, a document,
// or both. What was written down wrongly stays, and the right one beside it. Errors: ErrMayNot,
// ErrNotFound, ErrUnsent, ErrReceipt, ErrMany.
func Answer(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, service, name string, n int64, ref string, document []byte) (Receipt, string, error) {
	fail := func(err error) (Receipt, string, error) { return Receipt{}, "", err }
	inside, err := insideOf(ctx, tx, by, service)
	if err != nil {
		return fail(err)
	}
	file, kept := catalog.FileOf(document)
	switch ref = strings.TrimSpace(ref); {
	case ref == "" && len(document) == 0, !utf8.ValidString(ref), utf8.RuneCountInString(ref) > maxLine, strings.ContainsFunc(ref, unicode.IsControl):
		return fail(ErrReceipt.At("ref"))
	case len(document) > 0 && !kept:
		return fail(ErrReceipt.At("document"))
	}
	c, err := incident.Hold(ctx, tx, service, name)
	if err != nil {
		return fail(err)
	}
	of, err := Find(ctx, tx, service, name, n)
	switch {
	case err != nil:
		return fail(err)
	case !of.Sent():
		return fail(ErrUnsent)
	case of.Receipts >= maxReceipts:
		return fail(ErrMany)
	}
	r := Receipt{Incident: of.Incident, Report: of.Number, Number: of.Receipts + 1, At: tx.Now(), By: by.ID, salt: ledger.NewSalt()}
	if r.sealed, err = ring.Seal(refDomain, []byte(ref), r.bound()...); err != nil {
		return fail(err)
	}
	if len(document) > 0 {
		r.File, r.Hash = file, hashOf(document)
		if r.document, err = ring.Seal(fileDomain, document, r.bound()...); err != nil {
			return fail(err)
		}
	}
	if _, err := tx.Exec(ctx, `UPDATE authority_report SET receipts = $1 WHERE incident = $2 AND number = $3`, r.Number, r.Incident, r.Report); err != nil {
		return fail(err)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO authority_receipt (`+receiptColumns+`, document) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		r.Incident, r.Report, r.Number, (*db.Time)(&r.At), r.By, r.File, r.Hash, r.sealed, r.salt, r.document); err != nil {
		return fail(err)
	}
	entry, err := of.note(ctx, tx, KindAnswered, by.Ledger(), AnsweredBody{r.Incident, r.Report, r.Number, r.mark(ref), about(c), inside})
	return r, entry, err
}

func hashOf(document []byte) string {
	sum := sha256.Sum256(document)
	return hex.EncodeToString(sum[:])
}

func (r Receipt) bound() []string { return []string{r.Incident, number(r.Report), number(r.Number)} }

func (r Receipt) mark(ref string) string {
	return ledger.Mark(r.salt, append(r.bound(), ref, r.File, r.Hash)...)
}

// Ref returns the number that the authority has given. Errors: ErrSealed.
func (r Receipt) Ref(ring *keyring.Ring) (string, error) {
	return opened(ring.Open(refDomain, r.sealed, r.bound()...))
}

// Document returns an answer to a report with its document. Errors: ErrNotFound, also where it has
// none; ErrSealed.
func Document(ctx context.Context, tx *db.Tx, ring *keyring.Ring, of Report, n int64) (Receipt, []byte, error) {
	r, err := withDocument(ctx, tx, of, n)
	if err == nil && r.File == "" {
		err = ErrNotFound
	}
	if err != nil {
		return r, nil, err
	}
	document, err := r.plain(ring)
	return r, document, err
}

func (r Receipt) plain(ring *keyring.Ring) ([]byte, error) {
	if r.File == "" && r.Hash == "" && r.document == nil {
		return nil, nil
	}
	plain, err := opened(ring.Open(fileDomain, r.document, r.bound()...))
	if file, kept := catalog.FileOf([]byte(plain)); err == nil && (!kept || file != r.File || hashOf([]byte(plain)) != r.Hash) {
		err = ErrSealed
	}
	return []byte(plain), err
}

// Intact reports whether an answer of AllReceipts, and its document, are those of which the ledger
// has that mark.
func (r Receipt) Intact(ring *keyring.Ring, mark string) bool {
	ref, err := r.Ref(ring)
	if err == nil {
		_, err = r.plain(ring)
	}
	return err == nil && r.mark(ref) == mark
}
