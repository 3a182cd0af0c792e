package roster

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// maxRecord is the length of the longest record, in bytes of UTF-8.
const maxRecord = 32 << 10

// maxFields is the largest number of fields of a record.
const maxFields = 256

// A record is one line of the table. Quoted line breaks make it span several
// lines of the file.
type record struct {
	line   int // where it begins
	last   int // where it ends
	fields []string
	broken bool // its quotation marks don't match, fields is nil
}

// A splitter cuts text into records as RFC 4180 says, and more forgivingly where
// nothing has to be guessed: any line end, separators ',' ';' and tab, quotation
// marks within an unquoted field, blanks after a quoted one. encoding/csv isn't
// used, because it reads a quoted field of any length into memory.
type splitter struct {
	in    *bufio.Reader
	comma byte
	line  int // of the next record
}

func newSplitter(r io.Reader) *splitter {
	return &splitter{in: bufio.NewReaderSize(r, 2*maxRecord), line: 1}
}

// next returns the next record that isn't blank, or io.EOF.
func (s *splitter) next() (record, error) {
	for {
		rec, err := s.cut()
		if err != nil || rec.broken || !blank(rec.fields) {
			return rec, err
		}
	}
}

// cut takes one record off the input. It looks at as little as is needed, so
// that short records cost little.
func (s *splitter) cut() (record, error) {
	for want := 2 << 10; ; want *= 2 {
		buf, err := s.in.Peek(want)
		final := errors.Is(err, io.EOF)
		if err != nil && !final {
			return record{}, fmt.Errorf("read the roster: %w", err)
		}
		if len(buf) == 0 {
			return record{}, io.EOF
		}
		if s.comma == 0 {
			s.comma = separator(buf)
		}
		fields, n := split(buf, s.comma, final)
		if n == 0 && want < maxRecord && !final {
			continue
		}
		if n == 0 || n > maxRecord {
			return record{}, ErrRecordTooLong.At("line " + strconv.Itoa(s.line))
		}
		rec := record{line: s.line, fields: fields, broken: fields == nil}
		s.line += lines(buf[:n])
		if rec.last = s.line; buf[n-1] == '\n' || buf[n-1] == '\r' {
			rec.last--
		}
		_, err = s.in.Discard(n)
		return rec, err
	}
}

// split returns the fields of the record at the beginning of buf and the number
// of bytes it takes, with its line end. The number is 0 if more than buf is
// needed and there is more. The fields are nil if the quotation marks don't
// match: then the number reaches to the end of the line where that shows,
// because what stands between quotation marks is nobody's record.
func split(buf []byte, comma byte, final bool) (fields []string, n int) {
	for i := 0; ; i++ {
		cell, end, state := field(buf, i, comma, final)
		switch {
		case state == cellMore:
			return nil, 0
		case state == cellBroken, len(fields) == maxFields:
			return nil, rest(buf, end, final)
		}
		fields = append(fields, cell)
		if i = end; i == len(buf) {
			return fields, i
		}
		if buf[i] == comma {
			continue
		}
		if buf[i] == '\r' && i+1 == len(buf) && !final {
			return nil, 0 // whether a \n follows is not known yet
		}
		if buf[i] == '\r' && i+1 < len(buf) && buf[i+1] == '\n' {
			i++
		}
		return fields, i + 1
	}
}

// What field found out about a cell.
const (
	cellWhole = iota
	cellMore
	cellBroken
)

// field reads the cell at i and returns where it ends: at a separator, at a line
// end, or at the end of buf.
func field(buf []byte, i int, comma byte, final bool) (cell string, end, state int) {
	ends := func(c byte) bool { return c == comma || c == '\r' || c == '\n' }
	if i == len(buf) || buf[i] != '"' {
		for end = i; end < len(buf); end++ {
			if ends(buf[end]) {
				return string(buf[i:end]), end, cellWhole
			}
		}
		if !final {
			return "", end, cellMore
		}
		return string(buf[i:]), end, cellWhole
	}
	var text []byte
	for i++; ; {
		quote := bytes.IndexByte(buf[i:], '"')
		if quote < 0 || i+quote+1 == len(buf) && !final {
			if final {
				return "", len(buf), cellBroken // the file ends within the quotation
			}
			return "", len(buf), cellMore
		}
		text = append(text, buf[i:i+quote]...)
		i += quote + 1
		if i == len(buf) || buf[i] != '"' {
			break
		}
		text = append(text, '"')
		i++
	}
	for i < len(buf) && buf[i] == ' ' {
		i++
	}
	switch {
	case i < len(buf) && !ends(buf[i]):
		return "", i, cellBroken
	case i == len(buf) && !final:
		return "", i, cellMore
	}
	return string(text), i, cellWhole
}

// rest returns the number of bytes through the end of the line at i, or 0 if it
// isn't in buf and there is more.
func rest(buf []byte, i int, final bool) int {
	if i < len(buf) {
		if n := bytes.IndexByte(buf[i:], '\n'); n >= 0 {
			return i + n + 1
		}
	}
	if final {
		return len(buf)
	}
	return 0
}

// lines counts line ends: \n, \r\n, or \r alone.
func lines(b []byte) int {
	return bytes.Count(b, []byte{'\n'}) + bytes.Count(b, []byte{'\r'}) - bytes.Count(b, []byte("\r\n"))
}

// separator guesses the separator from the first line.
func separator(buf []byte) byte {
	if n := bytes.IndexAny(buf, "\r\n"); n >= 0 {
		buf = buf[:n]
	}
	best := byte(',')
	for _, c := range []byte{';', '\t'} {
		if bytes.Count(buf, []byte{c}) > bytes.Count(buf, []byte{best}) {
			best = c
		}
	}
	return best
}

func blank(fields []string) bool {
	for _, f := range fields {
		if fold(f) != "" {
			return false
		}
	}
	return true
}
