package roster

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// An Encoding is how the characters of a file are written.
type Encoding string

const (
	UTF8    Encoding = "UTF-8"
	UTF8BOM Encoding = "UTF-8-BOM" // as Excel writes it
	UTF16LE Encoding = "UTF-16LE"  // "Unicode text" of Excel, with its mark
	UTF16BE Encoding = "UTF-16BE"
	GB18030 Encoding = "GB18030" // GB 18030, and GBK and GB 2312 within it
)

// reader returns r as UTF-8 text without a byte order mark. What can't be
// decoded becomes U+FFFD, except that UTF-8 is passed as it is.
func (e Encoding) reader(r io.Reader) io.Reader {
	switch e {
	case UTF8BOM:
		br := bufio.NewReader(r)
		br.Discard(3)
		return br
	case UTF16LE:
		return transform.NewReader(r, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder())
	case UTF16BE:
		return transform.NewReader(r, unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder())
	case GB18030:
		return transform.NewReader(r, simplifiedchinese.GB18030.NewDecoder())
	}
	return r
}

// detect reads r to its end and returns its encoding: by its mark, or else the
// one of UTF-8 and GB 18030 in which fewer characters are broken. So a single
// broken character doesn't turn a whole file into another alphabet.
func detect(r io.ReadSeeker) (Encoding, error) {
	var head [8]byte
	n, err := io.ReadFull(r, head[:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", fmt.Errorf("read the roster: %w", err)
	}
	start := head[:n]
	switch {
	case n == 0:
		return "", ErrEmpty
	case bytes.HasPrefix(start, []byte{0xef, 0xbb, 0xbf}):
		return UTF8BOM, nil
	case bytes.HasPrefix(start, []byte{0xff, 0xfe}):
		return UTF16LE, nil
	case bytes.HasPrefix(start, []byte{0xfe, 0xff}):
		return UTF16BE, nil
	case bytes.HasPrefix(start, []byte("PK\x03\x04")), bytes.HasPrefix(start, []byte{0xd0, 0xcf, 0x11, 0xe0}):
		return "", ErrNotCSV // a workbook, new or old
	}
	asUTF8, err := broken(r, UTF8)
	if err != nil || asUTF8 == 0 {
		return UTF8, err
	}
	asGB, err := broken(r, GB18030)
	if err == nil && asGB < asUTF8 {
		return GB18030, nil
	}
	return UTF8, err
}

// broken counts the characters of r that e can't decode. A NUL is in no text.
func broken(r io.ReadSeeker, e Encoding) (int, error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return 0, fmt.Errorf("rewind the roster: %w", err)
	}
	in := bufio.NewReaderSize(e.reader(r), 64<<10)
	for count := 0; ; {
		c, _, err := in.ReadRune()
		switch {
		case errors.Is(err, io.EOF):
			return count, nil
		case err != nil:
			return 0, fmt.Errorf("read the roster: %w", err)
		case c == 0:
			return 0, ErrNotCSV
		case c == utf8.RuneError:
			count++
		}
	}
}
