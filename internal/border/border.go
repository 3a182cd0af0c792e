// Package border counts whose items leave the country, of all services together: the
// thresholds of the Provisions on Promoting and Regulating Cross-Border Data Flows (促进和规范
// 数据跨境流动规定, 2024-03-22) are those of an operator, and of a year. All information of
// children under 14 is sensitive (PIPL 28), so few persons are no exemption (Article 5(4)), and
// that for a contract (5(1)) isn't made use of: a mechanism is needed from the first child on;
// below 10,000 of them a standard contract or a certification may be it (Article 8), from there
// on a security assessment alone (Article 7). An emergency is exempt (5(3)), and not counted.
//
// Its one invariant: a child is counted once in a year, in the transaction in which something
// of it first leaves, and the number outlives the child while nothing that names it does.
package border

import (
	"context"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
)

const (
	// AssessFrom is the number of persons since 1 January from which a security assessment by
	// the authority is needed, of sensitive information: Cross-border provisions, Article 7.
	AssessFrom = 10_000
	// WarnFrom is the number at which offices are told. It is ours: an assessment takes months.
	WarnFrom = AssessFrom / 10 * 8
)

// Marks reports whether offices are told of a number: near the threshold, and at the last one
// below it.
func Marks(persons int64) bool { return persons == WarnFrom || persons == AssessFrom-1 }

// A Count is how many children were counted in a year, and whether one is among them.
type Count struct {
	Year    int64 // in Asia/Shanghai; 0: nothing was read, and nobody crosses by that
	Persons int64
	Crossed bool
}

// YearOf returns the year in which a moment lies, by the clock in China: it begins there at
// midnight.
func YearOf(at time.Time) int64 { return int64(at.In(age.Zone).Year()) }

// Assessed reports whether one child more needs a security assessment by the authority.
func (c Count) Assessed() bool { return !c.Crossed && c.Persons+1 >= AssessFrom }

// A Reading is what Reads reads of a child: rows that may be missing.
type Reading struct{ persons, crossed []int64 }

// Reads reads the count of a year for one child, without holding it.
func (r *Reading) Reads(child family.ID, year int64) []db.Read {
	return []db.Read{
		db.ReadInto(&r.persons, db.Single[int64], `SELECT persons FROM border_year WHERE year = $1`, year),
		db.ReadInto(&r.crossed, db.Single[int64], `SELECT year FROM border_child WHERE child = $1`, child),
	}
}

// Count returns what was read of that year.
func (r Reading) Count(year int64) Count {
	c := Count{Year: year}
	for _, n := range r.persons {
		c.Persons = n
	}
	for _, last := range r.crossed {
		c.Crossed = last >= year // of two clocks at midnight one is ahead
	}
	return c
}

// Read returns the count of the year in which the transaction lies, for one child.
func Read(ctx context.Context, tx *db.Tx, child family.ID) (Count, error) {
	var r Reading
	year := YearOf(tx.Now())
	err := tx.Together(ctx, r.Reads(child, year)...)
	return r.Count(year), err
}

// Counts are the count of a year, for each of several children.
type Counts struct {
	year Count
	last map[family.ID]int64 // the last year in which something of a child left
}

// Of returns the count for one of them.
func (c Counts) Of(child family.ID) Count {
	last, ok := c.last[child]
	one := c.year
	one.Crossed = ok && last >= one.Year
	return one
}

// ReadMany is Read for several children, with few statements, however many they are.
func ReadMany(ctx context.Context, tx *db.Tx, children []family.ID) (Counts, error) {
	c := Counts{last: make(map[family.ID]int64, len(children))}
	var persons []int64
	var crossed []Crossing
	year := YearOf(tx.Now())
	reads := []db.Read{db.ReadInto(&persons, db.Single[int64], `SELECT persons FROM border_year WHERE year = $1`, year)}
	for some := range slices.Chunk(children, db.Chunk) {
		in, args := db.Placeholders(some)
		reads = append(reads, db.ReadInto(&crossed, scanCrossing, `SELECT child, year FROM border_child WHERE child IN `+in, args...))
	}
	err := tx.Together(ctx, reads...)
	c.year = Reading{persons: persons}.Count(year)
	for _, x := range crossed {
		c.last[x.Child] = x.Year
	}
	return c, err
}

// Hold is Read, and holds the year to the end of the transaction: of two children on two nodes
// one is counted after the other. The child is held before.
func Hold(ctx context.Context, tx *db.Tx, child family.ID) (Count, error) {
	_, err := tx.Exec(ctx, `
		INSERT INTO border_year (year, persons, marked_at) VALUES ($1, 0, NULL)
		ON CONFLICT (year) DO UPDATE SET persons = border_year.persons`, YearOf(tx.Now()))
	if err != nil {
		return Count{}, err
	}
	return Read(ctx, tx, child)
}

// Cross counts a child of which something leaves for the first time in the year; c is what
// Hold has returned. If we crash before the commit, nothing has left, and nobody is counted.
func (c Count) Cross(ctx context.Context, tx *db.Tx, child family.ID) error {
	var marked time.Time
	if Marks(c.Persons + 1) {
		marked = tx.Now()
	}
	err := tx.Queue(ctx, `
		INSERT INTO border_child (child, year) VALUES ($1, $2)
		ON CONFLICT (child) DO UPDATE SET year = excluded.year WHERE border_child.year < excluded.year`, child, c.Year)
	if err != nil {
		return err
	}
	return tx.Queue(ctx, `UPDATE border_year SET persons = $1, marked_at = coalesce($2, marked_at) WHERE year = $3`, c.Persons+1, (*db.Time)(&marked), c.Year)
}

// Forget removes that something of a child has left, as a part of erasing it. The number stays:
// it left.
func Forget(ctx context.Context, tx *db.Tx, child family.ID) error {
	return tx.Queue(ctx, `DELETE FROM border_child WHERE child = $1`, child)
}

// Recount has a year count at least so many persons, as the ledger says of it to a store that
// was put back. Who they were it doesn't know any more: one that crosses again is counted again,
// which is the stricter.
func Recount(ctx context.Context, tx *db.Tx, year, persons int64) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO border_year (year, persons, marked_at) VALUES ($1, $2, NULL)
		ON CONFLICT (year) DO UPDATE SET persons = excluded.persons WHERE border_year.persons < excluded.persons`, year, persons)
	return err
}

// A Year is how many children were counted in one.
type Year struct {
	Year, Persons int64
	MarkedAt      time.Time // when the number last came to one at which offices are told; zero: it hasn't
}

func scanYear(row db.Row) (y Year, err error) {
	err = row.Scan(&y.Year, &y.Persons, (*db.Time)(&y.MarkedAt))
	return y, err
}

// Years returns all years in which anybody was counted, the last first. There are few.
func Years(ctx context.Context, tx *db.Tx) ([]Year, error) {
	return db.All(ctx, tx, scanYear, `SELECT year, persons, marked_at FROM border_year ORDER BY year DESC`)
}

// ThisYear returns the count of the year in which the transaction lies.
func ThisYear(ctx context.Context, tx *db.Tx) (Year, error) {
	year := Year{Year: YearOf(tx.Now())}
	all, err := db.All(ctx, tx, scanYear, `SELECT year, persons, marked_at FROM border_year WHERE year = $1`, year.Year)
	for _, y := range all {
		year = y
	}
	return year, err
}

// Near returns how many children were counted this year, once that is near the threshold, and 0
// before.
func Near(ctx context.Context, tx *db.Tx) (int64, error) {
	y, err := ThisYear(ctx, tx)
	if y.Persons < WarnFrom {
		return 0, err
	}
	return y.Persons, err
}

// A Crossing is that something of a child has left, and the last year in which it did.
type Crossing struct {
	Child family.ID
	Year  int64
}

func scanCrossing(row db.Row) (c Crossing, err error) {
	err = row.Scan(&c.Child, &c.Year)
	return c, err
}

// ReadCrossings reads those of a stretch of children, for an audit.
func ReadCrossings(into *[]Crossing, s family.Stretch) db.Read {
	where, args := s.Where("child")
	return db.ReadInto(into, scanCrossing, `SELECT child, year FROM border_child WHERE `+where+` ORDER BY child`, args...)
}
