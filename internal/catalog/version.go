package catalog

import (
	"context"
	"fmt"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/charter"
)

// What can be wrong with a charter that is asked for.
var (
	ErrNoCharter       = errs.New(errs.Conflict, "catalog.no_charter") // nothing is published yet
	ErrVersionNotFound = errs.New(errs.NotFound, "catalog.version_not_found")
	ErrDamaged         = errs.New(errs.Internal, "catalog.damaged") // what is stored isn't what was published
)

// A Published is one published version of a charter. It is shared: nobody
// changes anything in it. The zero Published is none.
type Published struct {
	Number      int64
	Hash        string
	Charter     *charter.Charter
	AskedSince  map[string]int64        // purpose → the number of the charter since which consent must have been given
	Notices     map[charter.Lang]string // language → hash of the notice as it was published
	PublishedAt time.Time
}

// An Edition is a version of a charter as the history lists it.
type Edition struct {
	Number      int64
	Hash        string
	ProposedAt  time.Time
	ProposedBy  string    // as the ledger names actors
	PublishedAt time.Time // zero while it is a draft
	PublishedBy string    // "" while it is a draft
}

// A stored is a row of charter.
type stored struct {
	Edition
	canonical []byte
}

const editionColumns = `number, hash, proposed_at, proposed_by, published_at, published_by`

func scanEdition(row db.Row) (e Edition, err error) {
	err = row.Scan(&e.Number, &e.Hash, (*db.Time)(&e.ProposedAt), &e.ProposedBy, (*db.Time)(&e.PublishedAt), &e.PublishedBy)
	return e, err
}

func scanStored(row db.Row) (s stored, err error) {
	err = row.Scan(&s.Number, &s.Hash, (*db.Time)(&s.ProposedAt), &s.ProposedBy, (*db.Time)(&s.PublishedAt), &s.PublishedBy, &s.canonical)
	return s, err
}

// charter returns the parsed charter, or ErrDamaged if it isn't the one that
// was proposed for this service: a row touched by hand opens nothing.
func (s stored) charter(service string) (*charter.Charter, error) {
	c, err := charter.Parse(s.canonical)
	if err != nil || c.Hash() != s.Hash || c.Service != service {
		return nil, fmt.Errorf("charter %d of %s: %w", s.Number, service, ErrDamaged)
	}
	return c, nil
}

type since struct {
	purpose string
	number  int64
}

func scanSince(row db.Row) (s since, err error) {
	err = row.Scan(&s.purpose, &s.number)
	return s, err
}

// Current returns the charter in force. Errors: ErrNotFound, ErrNoCharter,
// ErrDamaged. It parses the charter; where that is too slow there is Cache.
func Current(ctx context.Context, tx *db.Tx, service string) (Published, error) {
	s, err := Find(ctx, tx, service)
	if err != nil {
		return Published{}, err
	}
	if s.Charter == 0 {
		return Published{}, ErrNoCharter
	}
	return Version(ctx, tx, service, s.Charter)
}

// Version returns any published version, for the replay and for older answers.
// Errors: ErrVersionNotFound, also for a draft; ErrDamaged.
func Version(ctx context.Context, tx *db.Tx, service string, number int64) (Published, error) {
	var rows []stored
	var asked []since
	var notices []Document
	err := tx.Together(ctx,
		db.ReadInto(&rows, scanStored, `
			SELECT `+editionColumns+`, canonical FROM charter
			WHERE service = $1 AND number = $2 AND published_at IS NOT NULL`, service, number),
		db.ReadInto(&asked, scanSince, `
			SELECT purpose, asked_since FROM charter_purpose
			WHERE service = $1 AND charter = $2 ORDER BY purpose`, service, number),
		db.ReadInto(&notices, scanHeading, `
			SELECT service, charter, kind, lang, hash FROM document
			WHERE service = $1 AND charter = $2 AND kind = $3 ORDER BY lang`, service, number, Notice))
	if err != nil {
		return Published{}, err
	}
	if len(rows) == 0 {
		return Published{}, ErrVersionNotFound
	}
	return rows[0].published(service, asked, notices)
}

// published puts a version together. Each purpose has its number and each
// language its notice, or the version counts as damaged.
func (s stored) published(service string, asked []since, notices []Document) (Published, error) {
	c, err := s.charter(service)
	if err != nil {
		return Published{}, err
	}
	p := Published{
		Number: s.Number, Hash: s.Hash, Charter: c, PublishedAt: s.PublishedAt,
		AskedSince: make(map[string]int64, len(asked)), Notices: make(map[charter.Lang]string, len(notices)),
	}
	for _, a := range asked {
		_, known := c.Purpose(a.purpose)
		if !known || a.number < 1 || a.number > s.Number {
			return Published{}, fmt.Errorf("charter %d of %s, a purpose: %w", s.Number, service, ErrDamaged)
		}
		p.AskedSince[a.purpose] = a.number
	}
	for _, n := range notices {
		p.Notices[n.Lang] = n.Hash
	}
	if len(p.AskedSince) != len(c.Purposes) || len(p.Notices) != len(charter.Langs) {
		return Published{}, fmt.Errorf("charter %d of %s, its purposes or notices: %w", s.Number, service, ErrDamaged)
	}
	return p, nil
}

// History returns all versions of the service's charter, drafts too, the newest
// first.
func History(ctx context.Context, tx *db.Tx, service string) ([]Edition, error) {
	return db.All(ctx, tx, scanEdition, `
		SELECT `+editionColumns+` FROM charter WHERE service = $1 ORDER BY number DESC`, service)
}
