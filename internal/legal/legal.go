// Package legal keeps what a law demands to keep of a child that is to be deleted
// (edge case 14): who has approved it, on which basis, by which document and until when.
//
// Its one invariant: nothing is kept without a basis of a known type, a document and an
// end, which an officer has approved before; what is kept is sealed, read by nobody, and
// ends on its date. No end is moved: a later one takes another approval with another
// document, and counts for what is deleted from then on.
package legal

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/ledger"
)

// What can be wrong with an approval.
var (
	ErrMayNot   = errs.New(errs.Forbidden, "legal.may_not") // an officer or a deputy in office approves
	ErrBasis    = errs.New(errs.Invalid, "legal.basis_unknown")
	ErrItems    = errs.New(errs.Invalid, "legal.item_unknown") // none, or one that the charter doesn't declare
	ErrDocument = errs.New(errs.Invalid, "legal.document_invalid")
	ErrNumber   = errs.New(errs.Invalid, "legal.number_invalid")
	ErrUntil    = errs.New(errs.Invalid, "legal.until_invalid")
	ErrTwice    = errs.New(errs.Conflict, "legal.same_document") // another end needs another document
	ErrNotFound = errs.New(errs.NotFound, "legal.not_found")
	ErrEnded    = errs.New(errs.Conflict, "legal.ended")
)

// A Basis is why a law demands it.
type Basis string

// The bases. That of a law keeps a value for its time from when it was collected; any
// other keeps it until the end of the approval.
const (
	ECommerce  Basis = "ecommerce"   // E-Commerce Law 31: goods, services and transactions, three years
	NetworkLog Basis = "network_log" // Cybersecurity Law (2016) 21 (3): logs, six months
	ServiceLog Basis = "service_log" // Measures for Internet Information Services 14: sixty days
	Other      Basis = "other"       // a decision of a court or an authority, by its number
)

// Bases are all of them.
var Bases = []Basis{ECommerce, NetworkLog, ServiceLog, Other}

// End returns until when a value is kept that was collected at a moment, by an approval
// that ends.
func (b Basis) End(collected, approval time.Time) time.Time {
	end := approval
	switch b {
	case ECommerce:
		end = collected.AddDate(3, 0, 0)
	case NetworkLog:
		end = collected.AddDate(0, 6, 0)
	case ServiceLog:
		end = collected.AddDate(0, 0, 60)
	}
	if approval.Before(end) {
		end = approval
	}
	return end
}

// longest is how far ahead an approval may end.
const longest = 5 * 366 * 24 * time.Hour

// An Approval lets items be kept when they are to be deleted.
type Approval struct {
	ID         string // "la_…"
	Service    string
	Child      family.ID // whom it is about; empty: every child of the service
	Items      []string
	Basis      Basis
	Paper                // the document
	Until      time.Time // nothing is kept longer by it
	ApprovedAt time.Time
	ApprovedBy string    // as the ledger names actors
	EndedAt    time.Time // zero: it wasn't taken back
	Entry      string    // "le_…"
}

// A Paper is a document. The number of a case leads to whoever it is about, and so does a
// hash for whoever has the document. So the ledger has a mark of both alone; they lie in the
// row of the approval, which goes with the child that it is about, and with those who are told.
type Paper struct {
	Number   string `json:"number,omitempty"`
	Document string `json:"document"`       // its SHA-256, in hex
	Salt     []byte `json:"salt,omitempty"` // of the mark
}

// Mark is what the ledger keeps of a paper.
func (p Paper) Mark(approval string) string {
	return ledger.Mark(p.Salt, approval, p.Number, p.Document)
}

// salted returns the paper with a salt of its own.
func (p Paper) salted() Paper {
	p.Document, p.Salt = strings.ToLower(p.Document), ledger.NewSalt()
	return p
}

const columns = `id, service, child, items, basis, number, salt, document, until, approved_at, approved_by, ended_at, entry`

func scan(row db.Row) (a Approval, err error) {
	var items string
	err = row.Scan(&a.ID, &a.Service, &a.Child, &items, &a.Basis, &a.Number, &a.Salt, &a.Document, (*db.Time)(&a.Until),
		(*db.Time)(&a.ApprovedAt), &a.ApprovedBy, (*db.Time)(&a.EndedAt), &a.Entry)
	a.Items = strings.Fields(items)
	return a, err
}

// The kinds of entries about what is kept. An approval for all children of a service,
// and whatever comes after the end of a child, is about the service.
const (
	KindApproved = "legal.approved"
	KindEnded    = "legal.ended"
	KindKept     = "legal.kept"
	KindErased   = "legal.erased"
)

// An ApprovedBody is what the ledger keeps of an approval. Times are microseconds.
type ApprovedBody struct {
	Approval string   `json:"approval"`
	Items    []string `json:"items"`
	Basis    Basis    `json:"basis"`
	Mark     string   `json:"mark"` // of the document: see Paper
	Until    int64    `json:"until"`
}

// An EndedBody says that an approval was taken back.
type EndedBody struct {
	Approval string `json:"approval"`
}

// A KeptBody says which values went where nobody reads them, instead of being deleted.
type KeptBody struct {
	Kept   string `json:"kept"` // "lk_…"
	Values []Span `json:"values"`
}

// A Span is the life of a value that is kept.
type Span struct {
	Item     string `json:"item"`
	Approval string `json:"approval"`
	Basis    Basis  `json:"basis"`
	Mark     string `json:"mark"` // as that of the approval
	Until    int64  `json:"until"`
}

// An ErasedBody says that the time of what was kept is over.
type ErasedBody struct {
	Kept  string   `json:"kept"`
	Items []string `json:"items"`
}

// Approve lets items of one child, or of all children of a service, be kept when they are
// to be deleted. Declared reports whether the charter has an item. Errors: ErrMayNot,
// ErrBasis, ErrItems, ErrDocument, ErrNumber, ErrUntil, ErrTwice, those of family.Lock.
func Approve(ctx context.Context, tx *db.Tx, by catalog.Officer, a Approval, declared func(item string) bool) (Approval, string, error) {
	if !by.Governs(a.Service) {
		return a, "", ErrMayNot
	}
	slices.Sort(a.Items)
	a.Items = slices.Compact(a.Items)
	a.ID, a.Paper, a.ApprovedAt, a.ApprovedBy = id.New(id.Approval), a.salted(), tx.Now(), by.Ledger()
	a.Until = a.Until.Truncate(time.Microsecond) // as it is kept: else one of this moment isn't over yet
	if err := a.check(tx.Now(), declared); err != nil {
		return a, "", err
	}
	e := ledger.Entry{Kind: KindApproved, Service: a.Service, Actor: by.Ledger(),
		Body: ApprovedBody{Approval: a.ID, Items: a.Items, Basis: a.Basis, Mark: a.Mark(a.ID), Until: a.Until.UnixMicro()}}
	if a.Child != "" {
		c, err := family.Lock(ctx, tx, a.Service, a.Child)
		if err != nil {
			return a, "", err
		}
		e.Subject, e.Version = c.Subject, c.Version
	}
	entry, err := ledger.Append(ctx, tx, e)
	if err != nil {
		return a, "", err
	}
	a.Entry = entry
	n, err := tx.Exec(ctx, `
		INSERT INTO legal_approval (`+columns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULL, $12)
		ON CONFLICT (service, child, basis, document) DO NOTHING`,
		a.ID, a.Service, a.Child, strings.Join(a.Items, " "), a.Basis, a.Number, a.Salt, a.Document, (*db.Time)(&a.Until),
		(*db.Time)(&a.ApprovedAt), a.ApprovedBy, a.Entry)
	if err == nil && n == 0 {
		err = ErrTwice.At("document")
	}
	return a, entry, err
}

func (a Approval) check(now time.Time, declared func(string) bool) error {
	switch hash, err := hex.DecodeString(a.Document); {
	case !slices.Contains(Bases, a.Basis):
		return ErrBasis.At("basis")
	case len(a.Items) == 0 || slices.ContainsFunc(a.Items, func(item string) bool { return !declared(item) }):
		return ErrItems.At("items")
	case err != nil || len(hash) != 32:
		return ErrDocument.At("document")
	case !isNumber(a.Number) || a.Basis == Other && a.Number == "":
		return ErrNumber.At("number")
	case !a.Until.After(now) || a.Until.Sub(now) > longest:
		return ErrUntil.At("until")
	}
	return nil
}

// isNumber reports whether a document may be called so: 〔2026〕12号.
func isNumber(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= 60 &&
		strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// End takes an approval back: nothing more is kept by it. What is kept already stays
// until its date. Errors: ErrMayNot, ErrNotFound, ErrEnded.
func End(ctx context.Context, tx *db.Tx, by catalog.Officer, service, approval string) (string, error) {
	if !by.Governs(service) {
		return "", ErrMayNot
	}
	return end(ctx, tx, by.Ledger(), service, approval)
}

// EndAgain takes an approval back once more in a store that was put back and doesn't know
// it (edge case 15): by whom, as the ledger tells. Errors: ErrNotFound, ErrEnded.
func EndAgain(ctx context.Context, tx *db.Tx, by, service, approval string) (string, error) {
	return end(ctx, tx, by, service, approval)
}

func end(ctx context.Context, tx *db.Tx, by, service, approval string) (string, error) {
	a, err := Find(ctx, tx, service, approval)
	if err != nil {
		return "", err
	}
	e := ledger.Entry{Kind: KindEnded, Service: service, Actor: by, Body: EndedBody{Approval: a.ID}}
	if a.Child != "" { // first, as whoever erases it does
		c, err := family.Lock(ctx, tx, service, a.Child)
		if errors.Is(err, family.ErrErased) {
			err = ErrNotFound // it went with the child
		}
		if err != nil {
			return "", err
		}
		e.Subject, e.Version = c.Subject, c.Version
	}
	now := tx.Now()
	n, err := tx.Exec(ctx, `UPDATE legal_approval SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL`, (*db.Time)(&now), a.ID)
	if err == nil && n == 0 {
		err = ErrEnded
	}
	if err != nil {
		return "", err
	}
	return ledger.Append(ctx, tx, e)
}

// Find returns an approval of a service. Errors: ErrNotFound.
func Find(ctx context.Context, tx *db.Tx, service, approval string) (Approval, error) {
	if !id.Is(id.Approval, approval) {
		return Approval{}, ErrNotFound
	}
	a, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM legal_approval WHERE service = $1 AND id = $2`, service, approval)
	if errors.Is(err, db.ErrNone) {
		err = ErrNotFound
	}
	return a, err
}

// List returns the approvals of a service, those of all children first.
func List(ctx context.Context, tx *db.Tx, service string) ([]Approval, error) {
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM legal_approval WHERE service = $1 ORDER BY child, id`, service)
}

// A Row is an approval with the pseudonym of the child it is about, for an audit.
type Row struct {
	Approval
	Subject string // empty where there is no such child
}

// All returns every approval there is.
func All(ctx context.Context, tx *db.Tx) ([]Row, error) {
	return db.All(ctx, tx, func(row db.Row) (r Row, err error) {
		var items string
		a := &r.Approval
		err = row.Scan(&a.ID, &a.Service, &a.Child, &items, &a.Basis, &a.Number, &a.Salt, &a.Document, (*db.Time)(&a.Until),
			(*db.Time)(&a.ApprovedAt), &a.ApprovedBy, (*db.Time)(&a.EndedAt), &a.Entry, &r.Subject)
		a.Items = strings.Fields(items)
		return r, err
	}, `
		SELECT a.id, a.service, a.child, a.items, a.basis, a.number, a.salt, a.document, a.until, a.approved_at, a.approved_by, a.ended_at, a.entry,
			coalesce(c.subject, '')
		FROM legal_approval a LEFT JOIN child c ON c.child = a.child
		ORDER BY a.id`)
}

// A Keep is one value that is kept instead of being deleted.
type Keep struct {
	Item     string
	Approval string
	Basis    Basis
	Paper
	Until time.Time
}

// Plan returns what of these items is kept if they are deleted now: each by the approval
// that keeps it longest. Items go with when they were collected.
func Plan(ctx context.Context, tx *db.Tx, c family.Child, items map[string]time.Time) (all []Keep, err error) {
	if len(items) == 0 {
		return nil, nil
	}
	now := tx.Now()
	approvals, err := db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM legal_approval
		WHERE service = $1 AND (child = '' OR child = $2) AND ended_at IS NULL AND until > $3
		ORDER BY id`, c.Service, c.ID, (*db.Time)(&now))
	if err != nil {
		return nil, err
	}
	for item, collected := range items {
		var best Keep
		for _, a := range approvals {
			if end := a.Basis.End(collected, a.Until); slices.Contains(a.Items, item) && end.After(now) && end.After(best.Until) {
				best = Keep{Item: item, Approval: a.ID, Basis: a.Basis, Paper: a.Paper, Until: end}
			}
		}
		if best.Item != "" {
			all = append(all, best)
		}
	}
	slices.SortFunc(all, func(a, b Keep) int { return strings.Compare(a.Item, b.Item) })
	return all, nil
}

// Words returns a basis as people read it.
func (b Basis) Words(lang i18n.Lang, number string) string {
	return lang.T("legal.basis."+string(b), "Number", number)
}

// In says on which bases something is kept, each until when at the latest.
func In(lang i18n.Lang, all []Keep) string {
	var bases []string
	until := make(map[string]time.Time)
	for _, k := range all {
		words := k.Basis.Words(lang, k.Number)
		if !slices.Contains(bases, words) {
			bases = append(bases, words)
		}
		if k.Until.After(until[words]) {
			until[words] = k.Until
		}
	}
	for i, words := range bases {
		bases[i] = lang.T("legal.basis_until", "Basis", words, "Until", until[words].Add(-1).In(age.Zone).Format(time.DateOnly)) // the last day
	}
	return strings.Join(bases, lang.T("legal.and"))
}

// Forget removes the approvals about one child, as a part of erasing it (Article 20).
func Forget(ctx context.Context, tx *db.Tx, c family.Child) error {
	return tx.Queue(ctx, `DELETE FROM legal_approval WHERE service = $1 AND child = $2`, c.Service, c.ID)
}
