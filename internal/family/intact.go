package family

import (
	"bytes"
	"context"
	"errors"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
)

// What follows tells an audit whether what names a person is what was written. It
// opens what is sealed, compares, and hands out the names of columns alone.

// A Stretch is the children after one ID up to another, or to the end if Last is
// empty.
type Stretch struct{ After, Last ID }

// Where returns the condition on a column that names a child, and its arguments.
func (s Stretch) Where(column string) (condition string, args []any) {
	if s.Last == "" {
		return column + ` > $1`, []any{s.After}
	}
	return column + ` > $1 AND ` + column + ` <= $2`, []any{s.After, s.Last}
}

// A Record is a living child's row with the keyed hashes beside what is sealed.
type Record struct {
	Child
	turns14 []byte
	claims  ID // whom child_ref names under the child's reference; empty for nobody
}

func scanRecord(row db.Row) (r Record, err error) {
	c := &r.Child
	err = row.Scan(&c.ID, &c.Service, &c.State, &c.ref, &c.refHash, &c.birth, &c.BirthFrom, &c.birthVersion,
		&c.pool, &c.wrapped, &r.turns14, &r.claims)
	return r, err
}

// ReadRecords reads the living children of a stretch, in order.
func ReadRecords(into *[]Record, of Stretch) db.Read {
	where, args := of.Where("c.child")
	return db.ReadInto(into, scanRecord, `
		SELECT c.child, c.service, c.state, c.ref, c.ref_hash, c.birth, c.birth_from, c.birth_version,
			coalesce(c.pool, ''), c.wrapped, c.turns_14, coalesce(r.child, '')
		FROM child c
		LEFT JOIN child_ref r ON r.service = c.service AND r.ref_hash = c.ref_hash
		WHERE `+where+` AND c.state <> 'erased'
		ORDER BY c.child`, args...)
}

// Claimed reports whether the child's reference leads to the child. It leads to
// one child only, so no two share one.
func (r Record) Claimed() bool { return r.claims == r.ID }

// Unlike returns the columns of the row that are not what was written: "pool" or
// "wrapped" where the child's key can't be had, what doesn't open under it, and
// the hashes that aren't those of what opened.
func (r Record) Unlike(ring *keyring.Ring) (columns []string) {
	if _, err := r.Key(ring); errors.Is(err, keyring.ErrUnknownPool) {
		return []string{"pool"}
	} else if err != nil {
		return []string{"wrapped"}
	}
	if ref, err := r.Ref(ring); err != nil {
		columns = append(columns, "ref")
	} else if !bytes.Equal(refHash(ring, r.Service, ref), r.refHash) {
		columns = append(columns, "ref_hash")
	}
	var day []byte
	birth, err := r.Birth(ring)
	if err == nil && !birth.IsZero() {
		day = dayHash(ring, birth.Turns(14))
	}
	if err != nil {
		columns = append(columns, "birth")
	} else if !bytes.Equal(day, r.turns14) {
		columns = append(columns, "turns_14")
	}
	return columns
}

// A ContactRecord is what a guardian's row says of the person.
type ContactRecord struct {
	Child    ID
	Guardian GuardianID

	sealedContact
	phoneHash, emailHash []byte
	ended                time.Time
	hidden               ghost // what hides, and its mark
}

func scanContactRecord(row db.Row) (r ContactRecord, err error) {
	err = r.hidden.scan(row, &r.name, &r.phone, &r.email, &r.phoneHash, &r.emailHash, (*db.Time)(&r.since), &r.hidden.who)
	r.Child, r.Guardian, r.ended = r.hidden.Child, r.hidden.ID, r.hidden.EndedAt
	return r, err
}

// ReadContactRecords reads the guardians of a stretch, in order.
func ReadContactRecords(into *[]ContactRecord, of Stretch) db.Read {
	where, args := of.Where("child")
	return db.ReadInto(into, scanContactRecord, `
		SELECT `+guardianColumns+`, name, phone, email, phone_hash, email_hash, created_at, hidden_who FROM guardian
		WHERE `+where+`
		ORDER BY child, guardian`, args...)
}

// Has reports whether one of Known is there.
func (r ContactRecord) Has(column string) bool {
	for _, known := range r.known() {
		if known == column {
			return true
		}
	}
	return false
}

// Remembers reports whether it says by what a former guardian is known again.
func (r ContactRecord) Remembers() bool { return r.hidden.who != nil }

// Unlike returns the columns of the row of a guardian of c that are not what was
// written: what doesn't open, and the hashes that aren't those of what opened. A
// former guardian has none (edge case 9).
func (r ContactRecord) Unlike(ring *keyring.Ring, c Child) (columns []string) {
	for _, part := range []struct {
		what         string
		sealed, hash []byte
		hashOf       func(*keyring.Ring, string) []byte
	}{{"name", r.name, nil, nil}, {"phone", r.phone, r.phoneHash, phoneHash}, {"email", r.email, r.emailHash, emailHash}} {
		var plain pii.Text
		var err error
		if part.sealed != nil {
			plain, err = c.open(ring, part.sealed, c.guardianAD(r.Guardian, r.since, part.what))
		}
		var want []byte
		if err == nil && part.hashOf != nil && r.ended.IsZero() {
			want = part.hashOf(ring, plain.Reveal())
		}
		if err != nil {
			columns = append(columns, part.what)
		} else if !bytes.Equal(want, part.hash) {
			columns = append(columns, part.what+"_hash")
		}
	}
	if _, err := r.hidden.opens(ring, c); err != nil || r.hidden.who != nil && r.ended.IsZero() {
		columns = append(columns, "hidden_who")
	}
	if r.hidden.HiddenForged(ring) {
		columns = append(columns, "hidden_mark")
	}
	return columns
}

// IntactNote reports whether OpenNote would open what SealNote sealed. Errors: as
// OpenNote.
func (c Child) IntactNote(ring *keyring.Ring, sealed []byte, what ...string) error {
	key, err := c.Key(ring)
	if err != nil {
		return err
	}
	return key.Intact(sealed, c.ad(append([]string{"note"}, what...)...)...)
}

// LooseRefs calls each with the references that lead to no living child of
// theirs: its service, and the child they name.
func LooseRefs(ctx context.Context, tx *db.Tx, each func(service string, child ID)) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		var service string
		var child ID
		err := row.Scan(&service, &child)
		if err == nil {
			each(service, child)
		}
		return err
	}, `
		SELECT r.service, r.child FROM child_ref r
		LEFT JOIN child c ON c.child = r.child AND c.service = r.service AND c.ref_hash = r.ref_hash
		WHERE c.child IS NULL
		ORDER BY r.service, r.ref_hash`)
}

// A Trace is a row of erased_subject, or what one must say.
type Trace struct {
	Child   ID
	Until   time.Time
	Service string // of the erased child that it names; empty if it names none

	subject, bound []byte
}

// TraceOf returns the keyed hash under which the trace of an erased pseudonym lies.
func TraceOf(ring *keyring.Ring, subject string) []byte { return subjectHash(ring, subject) }

// Subject returns the keyed hash of the pseudonym.
func (t Trace) Subject() []byte { return t.subject }

// Intact reports whether the row is as it was written.
func (t Trace) Intact(ring *keyring.Ring) bool {
	return bytes.Equal(traceBound(ring, t.subject, t.Child, t.Until), t.bound)
}

const selectTrace = `
	SELECT e.subject, e.child, e.until, e.bound, coalesce(c.service, '') FROM erased_subject e
	LEFT JOIN child c ON c.child = e.child AND c.state = 'erased'`

func scanTrace(row db.Row) (t Trace, err error) {
	err = row.Scan(&t.subject, &t.Child, (*db.Time)(&t.Until), &t.bound, &t.Service)
	return t, err
}

func findTrace(ctx context.Context, tx *db.Tx, subject []byte) (Trace, error) {
	now := tx.Now()
	return db.One(ctx, tx, scanTrace, selectTrace+` WHERE e.subject = $1 AND e.until > $2`, subject, (*db.Time)(&now))
}

// Traces calls each with the traces that ChildOf still finds.
func Traces(ctx context.Context, tx *db.Tx, each func(Trace)) error {
	now := tx.Now()
	return db.Each(ctx, tx, func(row db.Row) error {
		t, err := scanTrace(row)
		if err == nil {
			each(t)
		}
		return err
	}, selectTrace+`
		WHERE e.until > $1
		ORDER BY e.until, e.subject`, (*db.Time)(&now))
}

// A Refusal is a row of refused_ref.
type Refusal struct {
	Service string
	Charter int64
	Until   time.Time

	refHash, bound []byte
}

// Intact reports whether the row is as it was written.
func (r Refusal) Intact(ring *keyring.Ring) bool {
	return bytes.Equal(refusalBound(ring, r.Service, r.refHash, r.Charter, r.Until), r.bound)
}

// Refusals calls each with the refusals that RefusedBefore still reads, by their
// end.
func Refusals(ctx context.Context, tx *db.Tx, each func(Refusal)) error {
	now := tx.Now()
	return db.Each(ctx, tx, func(row db.Row) error {
		var r Refusal
		err := row.Scan(&r.Service, &r.refHash, &r.Charter, (*db.Time)(&r.Until), &r.bound)
		if err == nil {
			each(r)
		}
		return err
	}, `
		SELECT service, ref_hash, charter, until, bound FROM refused_ref WHERE until > $1
		ORDER BY until, service, ref_hash, charter`, (*db.Time)(&now))
}
