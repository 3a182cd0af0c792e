// Package authority reports incidents to the authority (Article 21, and the incident reporting
// measures of 2025-11-01): a first report at once, with what is known and what isn't; another
// whenever the facts have changed; and one at the end, within thirty days. What the authority has
// answered is kept beside each.
//
// Its one invariant: no silence about a case is one person's, and what the authority was told
// stays as it was. A report is made of the facts that are on record at its moment, and is never
// changed: who has more to say drafts another. That the authority isn't told of what is minor two
// persons decide, of whom one holds an office, with their reason (edge case 21). What is
// written is sealed, the ledger has a mark of each version; that a case was reported is a step
// which nobody writes down by hand.
package authority

import (
	"context"
	"errors"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
)

// What can be wrong with a report.
var (
	ErrMayNot   = errs.New(errs.Forbidden, "authority.may_not")
	ErrNotFound = errs.New(errs.NotFound, "authority.not_found")
	ErrWords    = errs.New(errs.Invalid, "authority.words_invalid") // something that it has to say is missing, or too long
	ErrKind     = errs.New(errs.Conflict, "authority.kind")         // the first was sent, or wasn't yet
	ErrDrafted  = errs.New(errs.Conflict, "authority.drafted_anew") // since whoever sends it has read it
	ErrDone     = errs.New(errs.Conflict, "authority.done")         // it was sent, or confirmed
	ErrUnsent   = errs.New(errs.Conflict, "authority.not_sent")     // so nobody has answered it
	ErrChannel  = errs.New(errs.Invalid, "authority.channel_unknown")
	ErrTime     = errs.New(errs.Invalid, "authority.time_invalid")
	ErrReceipt  = errs.New(errs.Invalid, "authority.receipt_invalid")
	ErrSecond   = errs.New(errs.Conflict, "authority.second")       // who confirms it has drafted it
	ErrMaybeOne = errs.New(errs.Conflict, "authority.maybe_one")    // or may have, under another account
	ErrDrafter  = errs.New(errs.Conflict, "authority.drafter_left") // who has drafted it has left: it is drafted again
	ErrMany     = errs.New(errs.TooMany, "authority.too_many")
	ErrSealed   = errs.New(errs.Internal, "authority.not_intact")
)

const (
	maxReports  = 200   // about one case, with those that nobody has sent
	maxReceipts = 20    // of one report
	maxLine     = 200   // characters
	maxWords    = 4_000 // of each part
	sealDomain  = "authority.words"
	refDomain   = "authority.receipt"
	fileDomain  = "authority.document"
)

// A Kind is what a report is.
type Kind string

// The kinds.
const (
	First Kind = "first" // what is known, at once
	More  Kind = "more"  // what has changed since
	Wrap  Kind = "wrap"  // how it ended, and what follows from it
	None  Kind = "none"  // it says why the authority isn't told
)

// Kinds lists them.
var Kinds = []Kind{First, More, Wrap, None}

// A Channel is the way by which a report was sent. The authority takes reports by telephone
// (12387), on its site, by WeChat, e-mail and fax.
type Channel string

// Channels lists them.
var Channels = []Channel{"hotline", "site", "wechat", "email", "fax", "visit", "other"}

// A Report is one version of what the authority is told of a case.
type Report struct {
	Incident  string
	Number    int64 // from 1 on
	Service   string
	Kind      Kind
	DraftedAt time.Time
	DraftedBy string    // a person inside, "st_…"
	DoneAt    time.Time // when somebody has said that it was sent; of None, when another person has confirmed it; zero before
	DoneBy    string
	SentAt    time.Time // when that was, as they say
	Channel   Channel
	Receipts  int64 // how many answers there are

	sealed, salt []byte
}

// Done reports whether it was sent, or, of None, is decided.
func (r Report) Done() bool { return !r.DoneAt.IsZero() }

// Sent reports whether the authority was told by it.
func (r Report) Sent() bool { return r.Kind != None && r.Done() }

const columns = `incident, number, service, kind, drafted_at, drafted_by, done_at, done_by, sent_at, channel, receipts, sealed, salt`

func scan(row db.Row) (r Report, err error) {
	err = row.Scan(&r.Incident, &r.Number, &r.Service, &r.Kind, (*db.Time)(&r.DraftedAt), &r.DraftedBy, (*db.Time)(&r.DoneAt), &r.DoneBy,
		(*db.Time)(&r.SentAt), &r.Channel, &r.Receipts, &r.sealed, &r.salt)
	return r, err
}

// Of returns what was drafted about a case, in its order. There are few.
func Of(ctx context.Context, tx *db.Tx, incident string) ([]Report, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM authority_report WHERE incident = $1 ORDER BY number`, incident)
}

// Find returns a report about a case of the service. Errors: ErrNotFound.
func Find(ctx context.Context, tx *db.Tx, service, incident string, number int64) (Report, error) {
	r, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM authority_report WHERE incident = $1 AND number = $2 AND service = $3`, incident, number, service)
	if errors.Is(err, db.ErrNone) {
		err = ErrNotFound
	}
	return r, err
}

// LastSent returns the last of these by which the authority was told, and whether there is one.
func LastSent(all []Report) (Report, bool) {
	for _, r := range slices.Backward(all) {
		if r.Sent() {
			return r, true
		}
	}
	return Report{}, false
}

// Next returns which kinds can be drafted about a case, of which these were: whoever was told once is
// told what changes and how it ends, and then whatever becomes known after that.
func Next(all []Report) []Kind {
	if _, told := LastSent(all); told {
		return []Kind{More, Wrap}
	}
	return []Kind{First, None}
}

// All calls each with every report, by its case and number. Each must not use tx.
func All(ctx context.Context, tx *db.Tx, each func(Report) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		r, err := scan(row)
		if err != nil {
			return err
		}
		return each(r)
	}, `SELECT `+columns+` FROM authority_report ORDER BY incident, number`)
}

// A Receipt is an answer of the authority to a report: a number, or a document, or both.
type Receipt struct {
	Incident string
	Report   int64
	Number   int64 // from 1 on
	At       time.Time
	By       string // a person inside
	File     string // the type of the document, "application/pdf"; empty: there is none
	Hash     string // the SHA-256 of it, in hex

	sealed, salt, document []byte
}

const receiptColumns = `incident, report, number, received_at, received_by, file, hash, sealed, salt`

func (r *Receipt) into() []any {
	return []any{&r.Incident, &r.Report, &r.Number, (*db.Time)(&r.At), &r.By, &r.File, &r.Hash, &r.sealed, &r.salt}
}

func scanReceipt(row db.Row) (r Receipt, err error) {
	err = row.Scan(r.into()...)
	return r, err
}

func scanWithDocument(row db.Row) (r Receipt, err error) {
	err = row.Scan(append(r.into(), &r.document)...)
	return r, err
}

// ReceiptsOf returns what the authority has answered to a report, without the documents.
func ReceiptsOf(ctx context.Context, tx *db.Tx, r Report) ([]Receipt, error) {
	return db.All(ctx, tx, scanReceipt, `SELECT `+receiptColumns+` FROM authority_receipt WHERE incident = $1 AND report = $2 ORDER BY number`, r.Incident, r.Number)
}

func withDocument(ctx context.Context, tx *db.Tx, r Report, number int64) (Receipt, error) {
	one, err := db.One(ctx, tx, scanWithDocument, `
		SELECT `+receiptColumns+`, document FROM authority_receipt WHERE incident = $1 AND report = $2 AND number = $3`, r.Incident, r.Number, number)
	if errors.Is(err, db.ErrNone) {
		err = ErrNotFound
	}
	return one, err
}

// AllReceipts calls each with every answer, with its document, in their order. Each must not use
// tx.
func AllReceipts(ctx context.Context, tx *db.Tx, each func(Receipt) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		r, err := scanWithDocument(row)
		if err != nil {
			return err
		}
		return each(r)
	}, `SELECT `+receiptColumns+`, document FROM authority_receipt ORDER BY incident, report, number`)
}
