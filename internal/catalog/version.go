package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
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
	Touches     Touches   // when it was proposed
	PublishedAt time.Time // zero while it is a draft
	PublishedBy string    // "" while it is a draft
	RefusedAt   time.Time // zero: it wasn't refused
	DecidedBy   string    // who has approved or refused it, as the ledger names actors; "": nobody, or it was published at the terminal
}

// A stored is a row of charter.
type stored struct {
	Edition
	words     []byte
	bound     []byte
	canonical []byte
}

const editionColumns = `number, hash, proposed_at, proposed_by, touches, published_at, published_by, refused_at, decided_by`

func (e *Edition) into(touches *string) []any {
	return []any{&e.Number, &e.Hash, (*db.Time)(&e.ProposedAt), &e.ProposedBy, touches, (*db.Time)(&e.PublishedAt), &e.PublishedBy,
		(*db.Time)(&e.RefusedAt), &e.DecidedBy}
}

func scanEdition(row db.Row) (e Edition, err error) {
	var touches string
	err = row.Scan(e.into(&touches)...)
	e.Touches = parseTouches(touches)
	return e, err
}

const storedColumns = editionColumns + `, words, bound, canonical`

func scanStored(row db.Row) (s stored, err error) {
	var touches string
	err = row.Scan(append(s.into(&touches), &s.words, &s.bound, &s.canonical)...)
	s.Touches = parseTouches(touches)
	return s, err
}

// charter returns the parsed charter, or ErrDamaged if it isn't the one that
// was proposed for this service: a row touched by hand opens nothing.
func (s stored) charter(service string) (*charter.Charter, error) {
	c, err := charter.Parse(s.canonical)
	if err != nil || hashOf(string(s.canonical)) != s.Hash || c.Service != service {
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
			SELECT `+storedColumns+` FROM charter
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

// Text returns a version of the service's charter, a draft too, with the charter.
// Errors: ErrVersionNotFound; ErrDamaged, with the Edition.
func Text(ctx context.Context, tx *db.Tx, service string, number int64) (Edition, *charter.Charter, error) {
	s, err := row(ctx, tx, service, number)
	if err != nil {
		return Edition{}, nil, err
	}
	c, err := s.charter(service)
	return s.Edition, c, err
}

// row returns a version as it is stored. Errors: ErrVersionNotFound.
func row(ctx context.Context, tx *db.Tx, service string, number int64) (stored, error) {
	s, err := db.One(ctx, tx, scanStored, `
		SELECT `+storedColumns+` FROM charter WHERE service = $1 AND number = $2`, service, number)
	if errors.Is(err, db.ErrNone) {
		err = ErrVersionNotFound
	}
	return s, err
}

// Proposal returns a version, a draft too, without the charter. Errors:
// ErrVersionNotFound; ErrForged: the row was changed by hand, so who has proposed it isn't
// known.
func Proposal(ctx context.Context, tx *db.Tx, ring *keyring.Ring, service string, number int64) (Edition, error) {
	s, err := row(ctx, tx, service, number)
	if err == nil && !s.intact(ring, service) {
		err = ErrForged
	}
	return s.Edition, err
}

// Before returns the number of the version that was in force before that one was
// published, or 0.
func Before(ctx context.Context, tx *db.Tx, service string, number int64) (int64, error) {
	n, err := db.One(ctx, tx, db.Single[int64], `
		SELECT number FROM charter WHERE service = $1 AND number < $2 AND published_at IS NOT NULL
		ORDER BY number DESC LIMIT 1`, service, number)
	if errors.Is(err, db.ErrNone) {
		return 0, nil
	}
	return n, err
}

// Page returns at most limit versions with numbers below one, drafts too, the newest
// first.
func Page(ctx context.Context, tx *db.Tx, service string, below int64, limit int) ([]Edition, error) {
	return db.All(ctx, tx, scanEdition, `
		SELECT `+editionColumns+` FROM charter WHERE service = $1 AND number < $2
		ORDER BY number DESC LIMIT $3`, service, below, int64(limit))
}

// Waiting returns the proposals of a service that somebody may still decide about, the
// newest first.
func Waiting(ctx context.Context, tx *db.Tx, s Service) ([]Edition, error) {
	return db.All(ctx, tx, scanEdition, `
		SELECT `+editionColumns+` FROM charter
		WHERE service = $1 AND number > $2 AND published_at IS NULL AND refused_at IS NULL
		ORDER BY number DESC LIMIT $3`, s.Name, s.Charter, int64(maxWaiting))
}

// History returns all versions of the service's charter, drafts too, the newest
// first.
func History(ctx context.Context, tx *db.Tx, service string) ([]Edition, error) {
	return db.All(ctx, tx, scanEdition, `
		SELECT `+editionColumns+` FROM charter WHERE service = $1 ORDER BY number DESC`, service)
}
