package yearly

import (
	"context"
	"errors"
	"strconv"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// KindDrawn is the kind of entries about packs: what is handed in with an audit was drawn up.
// As with KindFiled, their version is 0.
const KindDrawn = "yearly.drawn"

// A DrawnBody is what the ledger keeps of a pack. The hash is that of the document as it is given
// away, so that whoever has it looks it up; a salt in the document keeps it from being guessed.
type DrawnBody struct {
	Year     int64  `json:"year"`
	Number   int64  `json:"number"`
	Children int64  `json:"children"` // under 14
	Minors   int64  `json:"minors"`   // 14 to 17
	Gaps     int64  `json:"gaps"`
	Hash     string `json:"hash"` // SHA-256, in hex
	approval.Inside
}

// A Pack is one version of what is handed in with the audit of a year. No version is ever
// changed: whoever fills the form in otherwise draws up another.
type Pack struct {
	Service  string
	Year     int64
	Number   int64 // from 1 on
	At       time.Time
	By       string // as the ledger names actors
	Children int64  // under 14, whose information was held at At
	Minors   int64  // 14 to 17, likewise
	Gaps     int64  // how much doesn't hold, or wasn't done
	Hash     string // of the document

	document []byte // sealed
}

const packColumns = `service, year, number, drawn_at, drawn_by, children, minors, gaps, hash`

func (p *Pack) into() []any {
	return []any{&p.Service, &p.Year, &p.Number, (*db.Time)(&p.At), &p.By, &p.Children, &p.Minors, &p.Gaps, &p.Hash}
}

func scanPack(row db.Row) (p Pack, err error) {
	err = row.Scan(p.into()...)
	return p, err
}

func scanWithDocument(row db.Row) (p Pack, err error) {
	err = row.Scan(append(p.into(), &p.document)...)
	return p, err
}

func (p Pack) bound() []string {
	return []string{p.Service, strconv.FormatInt(p.Year, 10), strconv.FormatInt(p.Number, 10)}
}

// Draw draws up a pack of a year that is owed or filed: it counts who is held at this moment, and has
// the document written around these numbers, which nobody types. Write returns the document
// and how many gaps it names. Errors: ErrMayNot, ErrNotOwed, ErrFull, ErrMeanwhile; those of write.
func Draw(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, service string, year int64, write func(Pack) ([]byte, int64, error)) (Pack, string, error) {
	fail := func(err error) (Pack, string, error) { return Pack{}, "", err }
	y, inside, err := fileable(ctx, tx, by, service, year)
	if err != nil {
		return fail(err)
	}
	n, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM yearly_pack WHERE service = $1 AND year = $2`, y.Service, year)
	switch {
	case err != nil:
		return fail(err)
	case n >= maxPacks:
		return fail(ErrFull)
	}
	p := Pack{Service: y.Service, Year: year, Number: n + 1, At: tx.Now(), By: by.Ledger()}
	if p.Children, p.Minors, err = family.CountAges(ctx, tx, ring, p.Service); err != nil {
		return fail(err)
	}
	document, gaps, err := write(p)
	if err != nil {
		return fail(err)
	}
	p.Gaps, p.Hash = gaps, hashOf(document)
	if p.document, err = ring.Seal(packDomain, document, p.bound()...); err != nil {
		return fail(err)
	}
	n, err = tx.Exec(ctx, `
		INSERT INTO yearly_pack (`+packColumns+`, document) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (service, year, number) DO NOTHING`,
		p.Service, p.Year, p.Number, (*db.Time)(&p.At), p.By, p.Children, p.Minors, p.Gaps, p.Hash, p.document)
	switch {
	case err != nil:
		return fail(err)
	case n != 1:
		return fail(ErrMeanwhile)
	}
	entry, err := ledger.Append(ctx, tx, ledger.Entry{Kind: KindDrawn, Service: p.Service, Actor: p.By,
		Body: DrawnBody{p.Year, p.Number, p.Children, p.Minors, p.Gaps, p.Hash, inside}})
	return p, entry, err
}

// fileable returns a year of which the person may say what is filed.
func fileable(ctx context.Context, tx *db.Tx, by staff.Acting, service string, year int64) (Year, approval.Inside, error) {
	fail := func(err error) (Year, approval.Inside, error) { return Year{}, approval.Inside{}, err }
	if by.Action != staff.FileYearly || !by.Governs(service) {
		return fail(ErrMayNot)
	}
	inside, err := approval.InsideOf(ctx, tx, by, staff.FileYearly, service)
	if errors.Is(err, approval.ErrMayNot) {
		err = ErrMayNot
	}
	if err != nil {
		return fail(err)
	}
	s, err := catalog.Find(ctx, tx, service)
	if err != nil {
		return fail(err)
	}
	y, err := Find(ctx, tx, s, year)
	if err == nil && y.State(tx.Now()) == None {
		err = ErrNotOwed
	}
	return y, inside, err
}

// Packs returns the packs of a year, in their order, without their documents: maxPacks at most.
func Packs(ctx context.Context, tx *db.Tx, service string, year int64) ([]Pack, error) {
	return db.All(ctx, tx, scanPack, `SELECT `+packColumns+` FROM yearly_pack WHERE service = $1 AND year = $2 ORDER BY number`, service, year)
}

// Document returns a pack with its document. Errors: ErrNoPack; ErrSealed where it isn't the one
// that was drawn up.
func Document(ctx context.Context, tx *db.Tx, ring *keyring.Ring, service string, year, number int64) (Pack, []byte, error) {
	p, err := db.One(ctx, tx, scanWithDocument, `
		SELECT `+packColumns+`, document FROM yearly_pack WHERE service = $1 AND year = $2 AND number = $3`, service, year, number)
	if errors.Is(err, db.ErrNone) {
		err = ErrNoPack
	}
	if err != nil {
		return p, nil, err
	}
	document, err := p.open(ring)
	return p, document, err
}

func (p Pack) open(ring *keyring.Ring) ([]byte, error) {
	document, err := opened(ring.Open(packDomain, p.document, p.bound()...))
	if err == nil && hashOf(document) != p.Hash {
		err = ErrSealed
	}
	return document, err
}

// Intact reports whether the document of a pack of AllPacks is the one that it has the hash of.
func (p Pack) Intact(ring *keyring.Ring) bool {
	_, err := p.open(ring)
	return err == nil
}

// AllPacks calls each with every pack and its document, by service, year and number. Each must
// not use tx.
func AllPacks(ctx context.Context, tx *db.Tx, each func(Pack) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		p, err := scanWithDocument(row)
		if err != nil {
			return err
		}
		return each(p)
	}, `SELECT `+packColumns+`, document FROM yearly_pack ORDER BY service, year, number`)
}

// drawn returns the hash of a pack that is handed in; of none, 0, that is empty. Errors: ErrNoPack.
func drawn(ctx context.Context, tx *db.Tx, service string, year, number int64) (string, error) {
	if number == 0 {
		return "", nil
	}
	hash, err := db.One(ctx, tx, db.Single[string], `SELECT hash FROM yearly_pack WHERE service = $1 AND year = $2 AND number = $3`, service, year, number)
	if errors.Is(err, db.ErrNone) {
		err = ErrNoPack.At("pack")
	}
	return hash, err
}
