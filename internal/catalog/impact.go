package catalog

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/charter"
	"wardkeep/internal/impact"
	"wardkeep/internal/ledger"
)

// What can be wrong with an assessment of a purpose (PIPL 55 and 56).
var (
	ErrUnassessed     = errs.New(errs.Conflict, "catalog.unassessed") // of a purpose that would be published; see Unassessed
	ErrImpactInvalid  = errs.New(errs.Invalid, "catalog.impact_invalid")
	ErrImpactUntil    = errs.New(errs.Invalid, "catalog.impact_until_invalid")
	ErrImpactNotFound = errs.New(errs.NotFound, "catalog.impact_not_found")
)

// KindAssessed is the kind of the entry that the office has signed an assessment.
const KindAssessed = "impact.signed"

// An AssessedBody is what the ledger keeps of an assessment: nothing of what it says.
type AssessedBody struct {
	ID        string         `json:"id"`
	Purpose   string         `json:"purpose"`
	Charter   int64          `json:"charter"`   // of which the purpose was assessed
	Described string         `json:"described"` // the hash of what that charter says of it
	Outcome   impact.Outcome `json:"outcome"`
	Until     int64          `json:"until"` // µs
	Mark      string         `json:"mark"`  // of the form
}

// An Assessment of a purpose was signed by who holds an office. No verb deletes one: the
// report is kept for as long as the store is, which is longer than the three years of
// PIPL 56.
type Assessment struct {
	Service   string
	ID        string // "ia_…"
	Purpose   string
	Charter   int64
	Described string
	Outcome   impact.Outcome
	SignedAt  time.Time
	SignedBy  string    // as the ledger names actors
	Until     time.Time // from then on it is none

	form  []byte // sealed
	salt  []byte
	bound []byte
}

const (
	impactColumns     = `service, id, purpose, charter, described, outcome, signed_at, signed_by, until, form, salt, bound`
	impactDomain      = "catalog.impact"
	impactBoundDomain = "catalog.impact.bound"
)

func scanImpact(row db.Row) (a Assessment, err error) {
	err = row.Scan(&a.Service, &a.ID, &a.Purpose, &a.Charter, &a.Described, &a.Outcome, (*db.Time)(&a.SignedAt), &a.SignedBy, (*db.Time)(&a.Until),
		&a.form, &a.salt, &a.bound)
	return a, err
}

// bind hashes the row: no charter comes into force by one that was written by hand.
func (a Assessment) bind(ring *keyring.Ring) []byte {
	return ring.Index(impactBoundDomain, a.Service, a.ID, a.Purpose, strconv.FormatInt(a.Charter, 10), a.Described, string(a.Outcome),
		micros(a.SignedAt), a.SignedBy, micros(a.Until), string(a.form), string(a.salt))
}

func (a Assessment) intact(ring *keyring.Ring) bool {
	return len(a.bound) > 0 && subtle.ConstantTimeCompare(a.bound, a.bind(ring)) == 1
}

// mark is what the ledger has of the form.
func (a Assessment) mark(form []byte) string {
	return ledger.Mark(a.salt, a.Service, a.ID, string(form))
}

// Salt returns the salt of the mark, in hex.
func (a Assessment) Salt() string { return hex.EncodeToString(a.salt) }

// Assess signs an assessment of a purpose, as who holds an office of the service, against a
// charter that is in force or waits: until, or for a year if that is zero. What the form
// comes to is computed; one that doesn't pass is kept like any other, and speaks against
// the purpose. Errors: ErrNotFound, ErrNotInOffice, ErrVersionNotFound, ErrRefused,
// ErrOutdated, ErrForged, ErrDamaged, ErrImpactInvalid, ErrImpactUntil.
func Assess(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Officer, service string, number int64, f impact.Form, until time.Time) (Assessment, string, error) {
	fail := func(err error) (Assessment, string, error) { return Assessment{}, "", err }
	s, err := lockBy(ctx, tx, by, service)
	if err != nil {
		return fail(err)
	}
	d, err := row(ctx, tx, s.Name, number)
	switch {
	case err != nil:
		return fail(err)
	case !d.intact(ring, s.Name):
		return fail(ErrForged)
	case !d.RefusedAt.IsZero():
		return fail(ErrRefused)
	case number < s.Charter:
		return fail(ErrOutdated)
	}
	c, err := d.charter(s.Name)
	if err != nil {
		return fail(err)
	}
	if err := f.Check(c); err != nil {
		return fail(fmt.Errorf("%w: %w", ErrImpactInvalid, err))
	}
	now := tx.Now()
	if until.IsZero() {
		until = impact.Until(now)
	}
	until = until.Truncate(time.Microsecond)
	if !until.After(now) || until.After(now.AddDate(impact.Most, 0, 0)) {
		return fail(ErrImpactUntil.At("until"))
	}
	a := Assessment{Service: s.Name, ID: id.New(id.Impact), Purpose: f.Purpose, Charter: number, Described: f.Described, Outcome: f.Outcome(),
		SignedAt: now, SignedBy: by.Ledger(), Until: until, salt: ledger.NewSalt()}
	text := charter.WriteForm(f)
	if a.form, err = ring.Seal(impactDomain, text, a.Service, a.ID); err != nil {
		return fail(err)
	}
	err = tx.Queue(ctx, `
		INSERT INTO impact (`+impactColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		a.Service, a.ID, a.Purpose, a.Charter, a.Described, a.Outcome, (*db.Time)(&a.SignedAt), a.SignedBy, (*db.Time)(&a.Until), a.form, a.salt, a.bind(ring))
	if err != nil {
		return fail(err)
	}
	entry, err := s.note(ctx, tx, KindAssessed, by, AssessedBody{ID: a.ID, Purpose: a.Purpose, Charter: a.Charter, Described: a.Described,
		Outcome: a.Outcome, Until: a.Until.UnixMicro(), Mark: a.mark(text)})
	return a, entry, err
}

// Assessments returns what was signed of a service, the newest first.
func Assessments(ctx context.Context, tx *db.Tx, service string) ([]Assessment, error) {
	return db.All(ctx, tx, scanImpact, `
		SELECT `+impactColumns+` FROM impact WHERE service = $1 ORDER BY signed_at DESC, id DESC`, service)
}

// FindAssessment returns an assessment with what it says. Errors: ErrImpactNotFound;
// ErrDamaged when it isn't as it was signed.
func FindAssessment(ctx context.Context, tx *db.Tx, ring *keyring.Ring, service, name string) (Assessment, impact.Form, error) {
	a, err := db.One(ctx, tx, scanImpact, `SELECT `+impactColumns+` FROM impact WHERE service = $1 AND id = $2`, service, name)
	if errors.Is(err, db.ErrNone) {
		err = ErrImpactNotFound
	}
	if err != nil {
		return a, impact.Form{}, err
	}
	f, _, err := a.read(ring)
	return a, f, err
}

// read opens the form, and returns its mark.
func (a Assessment) read(ring *keyring.Ring) (f impact.Form, mark string, err error) {
	if !a.intact(ring) {
		return f, "", ErrDamaged
	}
	text, err := ring.Open(impactDomain, a.form, a.Service, a.ID)
	if err == nil && json.Unmarshal(text, &f) != nil {
		err = ErrDamaged
	}
	return f, a.mark(text), err
}

// EachAssessment calls fn with every assessment, and with the mark of what it says, which is
// empty where that doesn't open or the row isn't as it was written; for an audit. Without a
// ring the mark isn't asked.
func EachAssessment(ctx context.Context, tx *db.Tx, ring *keyring.Ring, fn func(a Assessment, mark string) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		a, err := scanImpact(row)
		if err != nil {
			return err
		}
		if ring == nil {
			return fn(a, "")
		}
		_, mark, err := a.read(ring)
		if err != nil {
			mark = ""
		}
		return fn(a, mark)
	}, `SELECT `+impactColumns+` FROM impact ORDER BY service, id`)
}

// A Lack says why a purpose has no assessment that counts.
type Lack string

// The lacks.
const (
	NeverAssessed Lack = "never"      // or not by a row that is as it was written
	Changed       Lack = "changed"    // what was assessed is materially another purpose
	Expired       Lack = "expired"    //
	NotPassed     Lack = "not_passed" // the newest speaks against it
)

// A Standing is how a purpose of a charter is assessed.
type Standing struct {
	Purpose string
	Lack    Lack       // empty: it is
	By      Assessment // the newest of this purpose as the charter has it; zero where there is none
}

// Standings returns how each purpose of a version is assessed, in the order of the charter.
// What counts is the newest assessment of the purpose as the version describes it: other
// words that were signed off don't matter, a material change does (edge case 12). Without a
// ring it isn't asked whether the rows are as they were written: for a plan, and nothing
// that comes into force.
func Standings(ctx context.Context, tx *db.Tx, ring *keyring.Ring, service string, number int64, c *charter.Charter) ([]Standing, error) {
	all, err := Assessments(ctx, tx, service)
	if err != nil {
		return nil, err
	}
	line := lineage{service: service, number: number, c: c}
	standings := make([]Standing, len(c.Purposes))
	for i, p := range c.Purposes {
		if standings[i], err = line.standing(ctx, tx, ring, all, p.Name); err != nil {
			return nil, err
		}
	}
	return standings, nil
}

// Unassessed returns the purposes of a version that have no assessment that counts: with
// one of them it isn't published.
func Unassessed(ctx context.Context, tx *db.Tx, ring *keyring.Ring, service string, number int64, c *charter.Charter) ([]Standing, error) {
	all, err := Standings(ctx, tx, ring, service, number, c)
	return slices.DeleteFunc(all, func(s Standing) bool { return s.Lack == "" }), err
}

// CountUnassessed returns how many purposes of the charters in force have no assessment that
// counts any more: they were published with one, go on, and somebody has to look. What ends
// is assessed no more.
func CountUnassessed(ctx context.Context, tx *db.Tx, ring *keyring.Ring, charters *Cache) (n int64, err error) {
	all, err := List(ctx, tx)
	if err != nil {
		return 0, err
	}
	for _, s := range all {
		if s.Charter == 0 || s.Ceases("") {
			continue
		}
		p, err := charters.Version(ctx, tx, s.Name, s.Charter)
		if errors.Is(err, ErrDamaged) {
			continue // which is found, and told, elsewhere
		}
		if err != nil {
			return 0, err
		}
		lacking, err := Unassessed(ctx, tx, ring, s.Name, p.Number, p.Charter)
		if err != nil {
			return 0, err
		}
		for _, l := range lacking {
			if !s.Ceases(l.Purpose) {
				n++
			}
		}
	}
	return n, nil
}

// A lineage is the versions that lead to a charter, read as they are asked for.
type lineage struct {
	service string
	number  int64
	c       *charter.Charter
	read    []Edition // those that were published, in order
	texts   map[int64]*charter.Charter
}

// standing finds the assessment of a purpose that counts, among all that were signed.
func (l *lineage) standing(ctx context.Context, tx *db.Tx, ring *keyring.Ring, all []Assessment, purpose string) (Standing, error) {
	st := Standing{Purpose: purpose, Lack: NeverAssessed}
	for _, a := range all {
		if a.Purpose != purpose {
			continue
		}
		if ring != nil && !a.intact(ring) { // it may have spoken against the purpose
			return Standing{Purpose: purpose, Lack: NeverAssessed}, nil
		}
		same, err := l.same(ctx, tx, a)
		switch {
		case err != nil:
			return st, err
		case !same:
			st.Lack = Changed
			continue
		}
		st.By, st.Lack = a, ""
		switch {
		case a.Outcome != impact.Passed:
			st.Lack = NotPassed
		case !tx.Now().Before(a.Until):
			st.Lack = Expired
		}
		return st, nil
	}
	return st, nil
}

// same reports whether the purpose is still the one that was assessed: from version to
// version that came into force since, nothing of it has changed materially.
func (l *lineage) same(ctx context.Context, tx *db.Tx, a Assessment) (bool, error) {
	if a.Described == l.c.Described(a.Purpose) {
		return true, nil
	}
	if l.texts == nil {
		all, err := History(ctx, tx, l.service)
		if err != nil {
			return false, err
		}
		l.read = slices.DeleteFunc(all, func(e Edition) bool { return e.PublishedAt.IsZero() })
		slices.Reverse(l.read)
		l.texts = make(map[int64]*charter.Charter)
	}
	was, err := l.text(ctx, tx, a.Charter)
	if err != nil {
		return lost(err)
	}
	for _, e := range l.read {
		if e.Number <= a.Charter || e.Number >= l.number && l.number > 0 {
			continue
		}
		next, err := l.text(ctx, tx, e.Number)
		if err != nil {
			return lost(err)
		}
		if charter.Redescribed(was, next, a.Purpose) {
			return false, nil
		}
		was = next
	}
	return !charter.Redescribed(was, l.c, a.Purpose), nil
}

// lost says that nobody knows what a version said that can't be read any more: so what
// comes after it is another purpose.
func lost(err error) (bool, error) {
	if errors.Is(err, ErrDamaged) {
		err = nil
	}
	return false, err
}

func (l *lineage) text(ctx context.Context, tx *db.Tx, number int64) (*charter.Charter, error) {
	if c := l.texts[number]; c != nil {
		return c, nil
	}
	_, c, err := Text(ctx, tx, l.service, number)
	l.texts[number] = c
	return c, err
}

// AssessFrom signs assessments that lie in a charter's folder, and returns them: of the
// purposes that are named, or else of those that lack one and have a file. What has none
// still isn't published. Errors: those of Assess.
func AssessFrom(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Officer, service string, number int64, folder fs.FS, until time.Time, purposes ...string) (signed []Assessment, err error) {
	_, c, err := Text(ctx, tx, service, number)
	if err != nil {
		return nil, err
	}
	if len(purposes) == 0 {
		lacking, err := Unassessed(ctx, tx, ring, service, number, c)
		if err != nil {
			return nil, err
		}
		for _, s := range lacking {
			if _, err := fs.Stat(folder, impact.File(s.Purpose)); !errors.Is(err, fs.ErrNotExist) {
				purposes = append(purposes, s.Purpose)
			}
		}
	}
	for _, purpose := range purposes {
		f, err := impact.Read(folder, impact.File(purpose), c)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrImpactInvalid, err)
		case f.Purpose != purpose:
			return nil, fmt.Errorf("%w: %s", ErrImpactInvalid.At("purpose"), impact.File(purpose))
		}
		a, _, err := Assess(ctx, tx, ring, by, service, number, f, until)
		if err != nil {
			return nil, err
		}
		signed = append(signed, a)
	}
	return signed, nil
}
