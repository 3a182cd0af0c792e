package order

import (
	"context"
	"errors"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
)

// What can be wrong with a statement about an end.
var (
	ErrNotEnded = errs.New(errs.Conflict, "order.party_not_ended")
	ErrParting  = errs.New(errs.Conflict, "order.party_parting") // not all was ordered yet that follows the end
	ErrStated   = errs.New(errs.Conflict, "order.end_attested_before")
)

// KindStated is the kind of the entry that a party says to have deleted all after its end.
const KindStated = "order.end_attested"

// A StatedBody says which party, after which end.
type StatedBody struct {
	Party string `json:"party"`
	Role  Role   `json:"role"`
	Ended int64  `json:"ended"` // microseconds
	Mark  string `json:"mark"`  // of the document: see Statement.Mark
}

// A Statement is that a party has deleted all that it was told to after its end: one for each
// end.
type Statement struct {
	Party      party.ID
	EndedAt    time.Time
	AttestedAt time.Time // zero: not all was attested yet
	AttestedBy string    // as the ledger names actors
	Document   string    // SHA-256, in hex
	Salt       []byte    // of its mark
}

// Mark is what the ledger keeps of the document.
func (s Statement) Mark() string {
	return ledger.Mark(s.Salt, s.Party.Service, string(s.Party.Role), s.Party.Name, s.Document)
}

const statementColumns = `service, role, party, ended_at, attested_at, attested_by, document, salt`

func scanStatement(row db.Row) (s Statement, err error) {
	err = row.Scan(&s.Party.Service, &s.Party.Role, &s.Party.Name, (*db.Time)(&s.EndedAt), (*db.Time)(&s.AttestedAt), &s.AttestedBy, &s.Document, &s.Salt)
	return s, err
}

// AttestEnd takes from a party itself that it has deleted all after its end, by one document
// (Article 16(4)): it attests what is open, those orders that are due first and at most limit,
// and once nothing is left, it keeps the statement. Until then the Statement has no
// AttestedAt, and the party asks again. Errors: ErrBare, ErrDocument, ErrNotEnded, ErrParting,
// ErrStated, those of party.Client.Deaf.
func (b Book) AttestEnd(ctx context.Context, tx *db.Tx, by party.Client, document string, limit int) (done []Order, st Statement, entry string, err error) {
	document = strings.ToLower(document)
	of, now := by.Key.Party, tx.Now()
	fail := func(err error) ([]Order, Statement, string, error) { return nil, Statement{}, "", err }
	switch {
	case by.Deaf(now) != nil:
		return fail(by.Deaf(now))
	case document == "":
		return fail(ErrBare.At("document"))
	case !isHash(document):
		return fail(ErrDocument.At("document"))
	}
	// The service first, as in Attest.
	if _, err := catalog.Hold(ctx, tx, of.Service); err != nil {
		return fail(err)
	}
	p, err := party.Find(ctx, tx, of)
	switch {
	case err != nil:
		return fail(err)
	case p.EndedAt(now).IsZero():
		return fail(ErrNotEnded)
	case p.Parting(now):
		return fail(ErrParting) // what isn't ordered yet nobody has deleted
	}
	if st, err = StatementOf(ctx, tx, of, p.EndedAt(now)); err != nil {
		return fail(err)
	}
	if !st.AttestedAt.IsZero() {
		return fail(ErrStated)
	}
	open, err := ListOf(ctx, tx, of, Order{}, limit)
	if err != nil {
		return fail(err)
	}
	for _, o := range open {
		if o, entry, err = b.Attest(ctx, tx, by, of.Service, o.ID, of.Name, document); err != nil {
			return fail(err)
		}
		done = append(done, o)
	}
	if len(open) == limit {
		return done, st, entry, nil
	}
	st.AttestedAt, st.AttestedBy, st.Document, st.Salt = now, by.Ledger(), document, ledger.NewSalt()
	_, err = tx.Exec(ctx, `INSERT INTO party_statement (`+statementColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		of.Service, of.Role, of.Name, (*db.Time)(&st.EndedAt), (*db.Time)(&st.AttestedAt), st.AttestedBy, st.Document, st.Salt)
	if err != nil {
		return fail(err)
	}
	entry, err = ledger.Append(ctx, tx, ledger.Entry{Kind: KindStated, Service: of.Service, Actor: by.Ledger(),
		Body: StatedBody{Party: of.Name, Role: Role(of.Role), Ended: st.EndedAt.UnixMicro(), Mark: st.Mark()}})
	return done, st, entry, err
}

// StatementOf returns what a party has stated after an end of it: without an AttestedAt, where
// that is nothing yet.
func StatementOf(ctx context.Context, tx *db.Tx, of party.ID, ended time.Time) (Statement, error) {
	st, err := db.One(ctx, tx, scanStatement, `
		SELECT `+statementColumns+` FROM party_statement WHERE service = $1 AND role = $2 AND party = $3 AND ended_at = $4`,
		of.Service, of.Role, of.Name, (*db.Time)(&ended))
	if errors.Is(err, db.ErrNone) {
		return Statement{Party: of, EndedAt: ended}, nil
	}
	return st, err
}

// Statements calls each with every statement, for an audit. Each must not use tx.
func Statements(ctx context.Context, tx *db.Tx, each func(Statement) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		s, err := scanStatement(row)
		if err != nil {
			return err
		}
		return each(s)
	}, `SELECT `+statementColumns+` FROM party_statement ORDER BY service, role, party, ended_at`)
}
