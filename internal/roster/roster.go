// Package roster reads the list of children that an operator exports from its
// own system, cleans it, and says of every line that it can't use why not.
//
// A line is cleaned where its meaning is plain (widths, spaces, date and number
// formats), read with a warning where something was lost or left out, and
// rejected where a person has to act. What can't be trusted never makes a child
// older: an unusable birth date is no birth date, and that is a child (Article
// 2); where two lines about one child differ, the later birth date holds (edge
// case 3). Text inside quotes is never read as lines: children choose their
// nicknames. Columns that aren't mapped are not read, and the remark, which may
// tell of a child's health, is mapped only by an explicit option (Article 11).
//
// Its one invariant: a Reject, a Reason, an error and everything that is printed
// carry places, codes and words of ours, never a value of the file.
//
// Memory is bounded: one record at a time, and one small entry of hashes for
// each child, at most Options.MaxRows of them.
package roster

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family/age"
)

var (
	// ErrNotCSV refuses workbooks and other files that aren't text.
	ErrNotCSV = errs.New(errs.Malformed, "roster.not_csv")
	// ErrEmpty refuses a file without a single line.
	ErrEmpty = errs.New(errs.Malformed, "roster.empty")
	// ErrHeader refuses a first line without the column that its field names.
	ErrHeader = errs.New(errs.Malformed, "roster.header_missing")
	// ErrHeaderTwice refuses a first line in which two columns mean the same.
	ErrHeaderTwice = errs.New(errs.Malformed, "roster.header_twice")
	// ErrMapping refuses a mapping of a column that doesn't exist.
	ErrMapping = errs.New(errs.Invalid, "roster.mapping_unknown")
	// ErrRecordTooLong refuses a file in which a record of more than 32 KiB
	// begins at the line that its field names: most often a quotation mark that
	// is never closed. Reading on would mean to guess where lines begin.
	ErrRecordTooLong = errs.New(errs.TooLarge, "roster.record_too_long")
	// ErrTooManyRows refuses a file of more than Options.MaxRows records.
	ErrTooManyRows = errs.New(errs.TooLarge, "roster.too_many_rows")
	// ErrChanged stops when the file was changed while it was read.
	ErrChanged = errs.New(errs.Conflict, "roster.changed")
)

// defaultMaxRows is the number of records that a file may have, unless the
// caller says otherwise: about 100 MB of hashes.
const defaultMaxRows = 1_000_000

// Options say how to read a file. The zero Options are useful but for Now.
type Options struct {
	// Mapping names the header of the file for a Column: {"ref": "学号"}. An
	// empty name says that the file has no such column, or that it must not be
	// read. Columns that aren't mentioned are found by their usual names.
	Mapping map[string]string
	// Now is the time by which ages and future dates are judged. It must be set.
	Now time.Time
	// MaxRows is the largest number of records; 0 is 1,000,000.
	MaxRows int
}

// A Guardian is the person to ask, as the operator knows them. Whether they are
// a guardian of this child is a claim that the answer has to prove.
type Guardian struct {
	Name     pii.Text
	Phone    pii.Text // E.164, "+8613800138000"; zero if there is no usable mobile number
	Email    pii.Text // "a@b.cn"; zero if there is no usable address
	Relation Relation
}

// A Row is one child of the file. Before consent nothing but Ref, Birth and the
// guardian's contact may be imported (edge case 5); the rest is here for what a
// guardian has agreed to.
type Row struct {
	Line         int       // where the record begins, 1 is the header
	Ref          pii.Text  // the operator's own name for the child, never empty
	Birth        age.Birth // zero: unknown, which is a child
	Guardian     Guardian  // with a phone, an e-mail address, or both
	Nickname     pii.Text
	Gender       pii.Text // "female", "male" or zero
	Grade        pii.Text
	School       pii.Text
	RegisteredAt time.Time // zero: unknown
	Device       pii.Text
	Remark       pii.Text // zero unless Options.Mapping names its column
	Warnings     []Reason
}

// A Reject is a record that isn't imported, with everything that speaks against it.
type Reject struct {
	Line    int
	Reasons []Reason // never empty
}

// A Reader reads the records of a file in their order.
type Reader struct {
	opts     Options
	encoding Encoding
	src      io.ReadSeeker
	records  *splitter
	header   header
	known    index
	total    int
}

// Open reads r once from its beginning to its end, to learn its encoding, its
// columns and which records are about the same child, and returns a Reader at
// its first record. It refuses a file as a whole only with the errors of this
// package; r must not change before the last Next.
func Open(r io.ReadSeeker, opts Options) (*Reader, error) {
	if opts.MaxRows <= 0 {
		opts.MaxRows = defaultMaxRows
	}
	rd := &Reader{opts: opts, src: r, known: index{children: map[digest]entry{}}}
	rand.Read(rd.known.key[:])
	if err := rd.rewind(); err != nil {
		return nil, err
	}
	var err error
	if rd.encoding, err = detect(r); err != nil {
		return nil, err
	}
	if err := rd.begin(); err != nil {
		return nil, err
	}
	if err := rd.survey(); err != nil {
		return nil, err
	}
	return rd, rd.begin()
}

// Encoding returns how the characters of the file are written.
func (rd *Reader) Encoding() string { return string(rd.encoding) }

// Total returns the number of records after the header, for a progress bar.
func (rd *Reader) Total() int { return rd.total }

// Columns returns the columns that are read, in the order of the file.
func (rd *Reader) Columns() []Column { return rd.header.columns() }

func (rd *Reader) rewind() error {
	if _, err := rd.src.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("rewind the roster: %w", err)
	}
	return nil
}

// begin places the reader after the header.
func (rd *Reader) begin() error {
	if err := rd.rewind(); err != nil {
		return err
	}
	rd.records = newSplitter(rd.encoding.reader(rd.src))
	first, err := rd.records.next()
	switch {
	case errors.Is(err, io.EOF):
		return ErrEmpty
	case err != nil:
		return err
	}
	rd.header, err = readHeader(first.fields, rd.opts.Mapping)
	return err
}

// survey notes, for every child of the file, the first usable record and the
// birth date to go by. It runs before any Row is handed out, so that a record
// near the end still corrects one at the beginning.
func (rd *Reader) survey() error {
	for {
		rec, err := rd.records.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if rd.total++; rd.total > rd.opts.MaxRows {
			return ErrTooManyRows
		}
		if row, faults := rd.clean(rec); !row.Ref.IsZero() {
			rd.known.note(row, rd.content(rec), len(faults) == 0)
		}
	}
}

// Next returns the next record: a Row if the Reject is nil. At the end of the
// file the error is io.EOF; any other error ends the reading.
func (rd *Reader) Next() (Row, *Reject, error) {
	rec, err := rd.records.next()
	if err != nil {
		return Row{}, nil, err
	}
	row, faults := rd.clean(rec)
	if len(faults) > 0 {
		return Row{}, &Reject{rec.line, withCauses(faults, row.Warnings)}, nil
	}
	child, ok := rd.known.find(row.Ref)
	switch {
	case !ok || child.line > row.Line:
		return Row{}, nil, ErrChanged
	case child.line < row.Line:
		return Row{}, &Reject{row.Line, []Reason{child.against(row, rd.content(rec))}}, nil
	}
	// Edge case 3: two lines differ, and the later date holds.
	if later := child.later.birth(); later != row.Birth {
		row.Birth = later
		row.Warnings = append(row.Warnings, Reason{Code: BirthDiffers, Column: ColBirth})
	}
	// Article 2: whoever is 14 or older isn't this product's to hold.
	if fault, old := tooOld(row.Birth.ClassAt(rd.opts.Now)); old {
		return Row{}, &Reject{row.Line, []Reason{fault}}, nil
	}
	return row, nil, nil
}

// tooOld returns why a person of the class isn't imported.
func tooOld(class age.Class) (Reason, bool) {
	switch class {
	case age.Minor:
		return Reason{Code: Minor, Column: ColBirth}, true
	case age.Adult:
		return Reason{Code: Adult, Column: ColBirth}, true
	}
	return Reason{}, false
}

// withCauses adds to the fault that nobody can be asked why each contact that
// the record does have can't be used.
func withCauses(faults, warnings []Reason) []Reason {
	for _, f := range faults {
		if f.Code != NoContact {
			continue
		}
		for _, w := range warnings {
			if w.Column == ColPhone || w.Column == ColEmail {
				faults = append(faults, w)
			}
		}
		return faults
	}
	return faults
}
