// Package yearly keeps the yearly audits: whoever handles the information of minors has it audited
// each year, and files for the year before by the end of January (Minors' network protection
// regulation 37, and the CAC notice of 2025-12-29). At an inspection they are asked for (Article 22).
//
// Its one invariant: nobody opens an audit, puts it off or waives it. Which years a service
// owes is computed, of when it was published and when it ended, and of the moment; a year is filed
// by nothing but the receipt of the authority, with the numbers of that moment and the version of
// the pack that was handed in, and what corrects a filing stands beside it.
package yearly

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family/age"
)

// What can be wrong with a filing.
var (
	ErrMayNot    = errs.New(errs.Forbidden, "yearly.may_not")
	ErrNotOwed   = errs.New(errs.Conflict, "yearly.not_owed") // the year isn't open, or the service owes none for it
	ErrDay       = errs.New(errs.Invalid, "yearly.day_invalid")
	ErrAuthority = errs.New(errs.Invalid, "yearly.authority_invalid")
	ErrReason    = errs.New(errs.Invalid, "yearly.reason_invalid") // a correction has none, or is none
	ErrReceipt   = errs.New(errs.Invalid, "yearly.receipt_invalid")
	ErrMeanwhile = errs.New(errs.Conflict, "yearly.meanwhile") // somebody else has filed it
	ErrFull      = errs.New(errs.Conflict, "yearly.full")      // it was corrected too often
	ErrSealed    = errs.New(errs.Internal, "yearly.not_intact")
	ErrNoReceipt = errs.New(errs.NotFound, "yearly.no_receipt")
	ErrNoPack    = errs.New(errs.NotFound, "yearly.no_pack")
)

// First is the year for which an audit was filed first.
const First = 2025

const (
	maxFilings = 20    // of a year
	maxPacks   = 50    // likewise
	maxLine    = 200   // characters, as are the words
	maxWords   = 4_000 //
	sealDomain = "yearly.words"
	fileDomain = "yearly.receipt"
	packDomain = "yearly.pack"
)

// Opens returns from when on the audit of a year is to be made: 1 November, three months before
// it is late. The day is ours; the law names only the last one.
func Opens(year int64) time.Time { return first(year, time.November) }

// Urges returns from when on somebody has to look at an audit that isn't filed: 1 December. In
// the month before it is made; two are left to file it.
func Urges(year int64) time.Time { return first(year, time.December) }

// DueAt returns when the audit of a year is late: at the end of 31 January.
func DueAt(year int64) time.Time { return first(year+1, time.February) }

// first is the beginning of a month. The law's days are China's.
func first(year int64, month time.Month) time.Time {
	return time.Date(int(year), month, 1, 0, 0, 0, 0, age.Zone).UTC()
}

// owes reports whether a service that was published at a moment, and has ended at another or,
// where that is zero, hasn't, owes the audit of a year at a third: who began after the year, or
// had ended before it, held nothing in it.
func owes(year int64, published, ended, now time.Time) bool {
	return year >= First && !now.Before(Opens(year)) && !published.IsZero() && published.Before(first(year+1, time.January)) &&
		(ended.IsZero() || !ended.Before(first(year, time.January)))
}

// A State is how the audit of a year stands.
type State string

// The states.
const (
	Filed State = "filed"
	Open  State = "open"
	Late  State = "late"
	None  State = "none" // the service doesn't owe it, or not yet
)

// A Year is the audit of one year of a service.
type Year struct {
	Service string
	Year    int64
	Last    Filing // that counts; zero: it isn't filed
	Filings int64  // that and what it corrects
	owed    bool
}

// State is how it stands at a moment.
func (y Year) State(now time.Time) State {
	switch {
	case y.Filings > 0:
		return Filed
	case !y.owed:
		return None
	case now.Before(DueAt(y.Year)):
		return Open
	}
	return Late
}

// A Filing says that an audit was filed, or what is corrected of that.
type Filing struct {
	Service  string
	Year     int64
	Number   int64 // 0: it was filed; the others correct it
	At       time.Time
	By       string // as the ledger names actors
	Dated    string // the day on which it was handed in
	Children int64  // under 14, whose information was held at At
	Minors   int64  // 14 to 17, likewise
	Pack     int64  // the version of the pack that was handed in; 0: none of ours
	File     string // the type of the receipt, "application/pdf"
	Hash     string // the SHA-256 of it, in hex

	sealed, salt, document []byte
}

// A Text is what is written of a filing.
type Text struct {
	Authority pii.Text // to which it was handed in
	Reason    pii.Text // of a correction
}

const columns = `service, year, number, filed_at, filed_by, dated, children, minors, pack, file, hash, sealed, salt`

func (f *Filing) into() []any {
	return []any{&f.Service, &f.Year, &f.Number, (*db.Time)(&f.At), &f.By, &f.Dated, &f.Children, &f.Minors, &f.Pack, &f.File, &f.Hash, &f.sealed, &f.salt}
}

func scan(row db.Row) (f Filing, err error) {
	err = row.Scan(f.into()...)
	return f, err
}

func scanWithReceipt(row db.Row) (f Filing, err error) {
	err = row.Scan(append(f.into(), &f.document)...)
	return f, err
}

// span returns when the service was published first, and when it ended; zero where it wasn't, or
// hasn't. Of a test service nobody's information is held: it was never published.
func span(ctx context.Context, tx *db.Tx, s catalog.Service) (published, ended time.Time, err error) {
	if s.State != catalog.Live {
		return published, ended, nil
	}
	moment := func(into *time.Time, text string) error {
		at, err := db.One(ctx, tx, db.Single[int64], text, s.Name)
		if err == nil && at != 0 {
			*into = time.UnixMicro(at).UTC()
		}
		return err
	}
	if err = moment(&published, `SELECT coalesce(min(published_at), 0) FROM charter WHERE service = $1`); err == nil {
		err = moment(&ended, `SELECT coalesce(max(ended_at), 0) FROM cessation WHERE service = $1 AND purpose = ''`)
	}
	return published, ended, err
}

// Years returns the audits that a service owes or has filed, the newest first. There is one a year.
func Years(ctx context.Context, tx *db.Tx, s catalog.Service) (all []Year, err error) {
	filed := make(map[int64]*Year)
	err = db.Each(ctx, tx, func(row db.Row) error {
		f, err := scan(row)
		if err != nil {
			return err
		}
		if filed[f.Year] == nil {
			filed[f.Year] = &Year{Last: f}
		}
		filed[f.Year].Filings++
		return nil
	}, `SELECT `+columns+` FROM yearly_filing WHERE service = $1 ORDER BY year DESC, number DESC`, s.Name)
	if err != nil {
		return nil, err
	}
	published, ended, err := span(ctx, tx, s)
	now := tx.Now()
	for year := int64(now.In(age.Zone).Year()); year >= First; year-- {
		y := Year{Service: s.Name, Year: year, owed: owes(year, published, ended, now)}
		if f := filed[year]; f != nil {
			y.Last, y.Filings = f.Last, f.Filings
		}
		if y.State(now) != None {
			all = append(all, y)
		}
	}
	return all, err
}

// Find returns the audit of one year, owed or not.
func Find(ctx context.Context, tx *db.Tx, s catalog.Service, year int64) (Year, error) {
	all, err := Years(ctx, tx, s)
	for _, y := range all {
		if y.Year == year {
			return y, err
		}
	}
	return Year{Service: s.Name, Year: year}, err
}

// Owed returns the audits that aren't filed, the oldest first.
func Owed(ctx context.Context, tx *db.Tx, s catalog.Service) (all []Year, err error) {
	years, err := Years(ctx, tx, s)
	for i := len(years) - 1; i >= 0; i-- {
		if years[i].Filings == 0 {
			all = append(all, years[i])
		}
	}
	return all, err
}

// A Tally is how the audits of a service stand.
type Tally struct {
	Filed int64
	Open  int64 // since Urges, and not late
	Late  int64
}

// Count returns how the audits of a service stand.
func Count(ctx context.Context, tx *db.Tx, s catalog.Service) (t Tally, err error) {
	years, err := Years(ctx, tx, s)
	now := tx.Now()
	for _, y := range years {
		switch state := y.State(now); {
		case state == Filed:
			t.Filed++
		case state == Late:
			t.Late++
		case !now.Before(Urges(y.Year)):
			t.Open++
		}
	}
	return t, err
}

// Filings returns what was filed of a year, in its order, without the receipts: maxFilings at most.
func Filings(ctx context.Context, tx *db.Tx, service string, year int64) ([]Filing, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM yearly_filing WHERE service = $1 AND year = $2 ORDER BY number`, service, year)
}

// All calls each with every filing and its receipt, by service, year and number. Each must not
// use tx.
func All(ctx context.Context, tx *db.Tx, each func(Filing) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		f, err := scanWithReceipt(row)
		if err != nil {
			return err
		}
		return each(f)
	}, `SELECT `+columns+`, document FROM yearly_filing ORDER BY service, year, number`)
}

// withReceipt returns a filing with its sealed receipt. Errors: ErrNoReceipt.
func withReceipt(ctx context.Context, tx *db.Tx, service string, year, number int64) (Filing, error) {
	f, err := db.One(ctx, tx, scanWithReceipt, `
		SELECT `+columns+`, document FROM yearly_filing WHERE service = $1 AND year = $2 AND number = $3`, service, year, number)
	if errors.Is(err, db.ErrNone) {
		err = ErrNoReceipt
	}
	return f, err
}
