package roster

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A RejectFile writes the list of rejected records that the operator works
// through: CSV as spreadsheets open it (UTF-8 with a mark, CRLF), one line for
// each reason: line, column, code, reason in Chinese, reason in English.
type RejectFile struct {
	out     *csv.Writer
	started bool
}

// NewRejectFile returns a RejectFile that writes to w. Flush must be called at
// the end; even without a Reject it writes the header.
func NewRejectFile(w io.Writer) *RejectFile {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	return &RejectFile{out: out}
}

// Write adds a record. Its errors are those of the writer, and may come as late
// as Flush.
func (f *RejectFile) Write(r Reject) error {
	for _, why := range r.Reasons {
		err := f.row(strconv.Itoa(r.Line), why.Column.Label(), string(why.Code), why.Words("zh-CN"), why.Words("en"))
		if err != nil {
			return err
		}
	}
	return nil
}

// Flush writes what is buffered and returns the first error of all writing.
func (f *RejectFile) Flush() error {
	if err := f.start(); err != nil {
		return err
	}
	f.out.Flush()
	if err := f.out.Error(); err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	return nil
}

// start writes the header once. The mark is part of its first cell.
func (f *RejectFile) start() error {
	if f.started {
		return nil
	}
	f.started = true
	return f.out.Write([]string{"\ufeff行 line", "列 column", "代码 code", "原因", "reason"})
}

func (f *RejectFile) row(cells ...string) error {
	if err := f.start(); err != nil {
		return err
	}
	for i, c := range cells {
		cells[i] = inert(c)
	}
	if err := f.out.Write(cells); err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	return nil
}

// inert keeps a spreadsheet from taking a cell for a formula. All cells are our
// own words today; it holds should a column's name ever come from a file.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
