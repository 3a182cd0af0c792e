package dossier

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/evidence"
	"wardkeep/internal/tally"
)

// A Table is attached: rows as they stood. Those of registers are those of an evidence bundle,
// by which whoever has one verifies them.
type Table struct {
	Name    string     `json:"name"`
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
	More    int64      `json:"more,omitempty"` // rows that are left out
}

// maxRows is how many rows of a table are attached: the last.
const maxRows = 1_000

// attached are the registers of an evidence bundle that are. None of them has a row for a child.
var attached = []string{"charters", "documents", "offices", "papers", "incidents", "complaints", "rectifications", "audits", "streams"}

// TableNames are all tables, in their order.
var TableNames = append(slices.Clone(attached), "assessments", "records")

// ends are the columns that say until when a row was of interest.
var ends = []string{"closed_at", "ended_at", "until_at"}

// tables returns what is attached: what was in force, open or made in the year, of one service.
func tables(ctx context.Context, tx *db.Tx, service string, year int64) (all []Table, err error) {
	from, to := span(year)
	for _, name := range attached {
		t, err := registered(ctx, tx, name, service, from, to)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	assessments, err := assessed(ctx, tx, service, to)
	if err != nil {
		return nil, err
	}
	records, err := recorded(ctx, tx, service, to)
	return append(all, assessments, records), err
}

// add adds a row, and leaves out the first where there are too many.
func (t *Table) add(row []string) {
	if t.Rows = append(t.Rows, row); len(t.Rows) > maxRows {
		t.Rows, t.More = t.Rows[1:], t.More+1
	}
}

// registered returns the rows of a register that touch the year.
func registered(ctx context.Context, tx *db.Tx, name, service string, from, to time.Time) (Table, error) {
	t := Table{Name: name, Rows: [][]string{}}
	r, err := evidence.RegisterOf(name)
	if err != nil {
		return t, err
	}
	of, began, ended := slices.Index(r.Columns, "service"), slices.Index(r.Columns, r.At), -1
	var last latest
	times := make([]bool, len(r.Columns))
	for i, c := range r.Columns {
		if slices.Contains(ends, c) {
			ended = i
		}
		times[i] = len(c) > 3 && c[len(c)-3:] == "_at"
		if i != of {
			t.Columns = append(t.Columns, c)
		}
	}
	err = r.Each(ctx, tx, func(cells []string) error {
		at, _ := strconv.ParseInt(cells[began], 10, 64)
		if cells[of] != service || at >= to.UnixMicro() {
			return nil
		}
		if ended >= 0 && cells[ended] != "" {
			if until, _ := strconv.ParseInt(cells[ended], 10, 64); until < from.UnixMicro() {
				return nil
			}
		}
		row := make([]string, 0, len(cells)-1)
		for i, cell := range cells {
			if times[i] && cell != "" {
				n, _ := strconv.ParseInt(cell, 10, 64)
				cell = moment(time.UnixMicro(n))
			}
			if i != of {
				row = append(row, cell)
			}
		}
		last.add(at, row)
		return nil
	})
	t.Rows, t.More = last.rows()
	return t, err
}

// A latest keeps the last rows by their times, of however many that come in any order: what has a
// name comes in that of names, which are random.
type latest struct {
	kept []datedRow
	more int64
}

type datedRow struct {
	at    int64
	cells []string
}

func (l *latest) add(at int64, cells []string) {
	if l.kept = append(l.kept, datedRow{at, cells}); len(l.kept) >= 2*maxRows {
		l.cut()
	}
}

// cut sorts them, and leaves out the first where there are too many.
func (l *latest) cut() {
	slices.SortStableFunc(l.kept, func(a, b datedRow) int { return cmp.Compare(a.at, b.at) })
	if n := len(l.kept) - maxRows; n > 0 {
		l.kept, l.more = slices.Delete(l.kept, 0, n), l.more+int64(n)
	}
}

// rows returns them in the order of their times, and how many were left out.
func (l *latest) rows() (rows [][]string, more int64) {
	l.cut()
	rows = make([][]string, len(l.kept))
	for i, one := range l.kept {
		rows[i] = one.cells
	}
	return rows, l.more
}

// assessed returns the assessments of what purposes do to children (PIPL 55) that were signed by the end of the year.
func assessed(ctx context.Context, tx *db.Tx, service string, to time.Time) (Table, error) {
	t := Table{Name: "assessments", Columns: []string{"id", "purpose", "charter", "outcome", "signed_at", "until_at"}, Rows: [][]string{}}
	all, err := catalog.Assessments(ctx, tx, service)
	for _, a := range slices.Backward(all) {
		if a.SignedAt.Before(to) {
			t.add([]string{a.ID, a.Purpose, strconv.FormatInt(a.Charter, 10), string(a.Outcome), moment(a.SignedAt), moment(a.Until)})
		}
	}
	return t, err
}

// recorded returns the appointments, trainings, plans and drills up to the end of the year, with the
// hashes of their documents.
func recorded(ctx context.Context, tx *db.Tx, service string, to time.Time) (Table, error) {
	t := Table{Name: "records", Columns: []string{"kind", "day", "officer", "title", "hash"}, Rows: [][]string{}}
	all, more, err := catalog.Records(ctx, tx, service, catalog.RecordCursor{}, maxRows)
	for _, r := range slices.Backward(all) {
		if r.Day < to.Format(time.DateOnly) {
			t.add([]string{string(r.Kind), r.Day, r.Officer, r.Title, r.Hash})
		}
	}
	if more.ID != "" {
		t.More++ // at least
	}
	return t, err
}

// happened are what is counted of the year, in order.
var happened = []tally.What{tally.Shown, tally.Granted, tally.Refused, tally.Withdrawn, tally.Permitted, tally.Denied, tally.Demanded, tally.Answered, tally.Erased, tally.Asked, tally.Alarm}

// numbers returns how often each of them was, in the year.
func numbers(ctx context.Context, tx *db.Tx, service string, year int64) (all []Number, err error) {
	from, to := span(year)
	sum := func(what tally.What, since time.Time) (n int64, err error) {
		sums, err := tally.Sums(ctx, tx, service, what, access.DayOf(since))
		for _, one := range sums {
			n += one
		}
		return n, err
	}
	for _, what := range happened {
		since, err := sum(what, from)
		if err != nil {
			return nil, err
		}
		after, err := sum(what, to)
		if err != nil {
			return nil, err
		}
		all = append(all, Number{string(what), since - after})
	}
	return all, nil
}
