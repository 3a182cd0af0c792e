package watermark

import (
	"bytes"
	"strings"
)

// A file is text, so its mark is text that nobody sees: at the end of each line stand
// letters without a width. A line that is copied elsewhere takes them along.
const (
	begins = '\u2063' // invisible separator
	zero   = '\u200b' // zero width space
	one    = '\u200c' // zero width non-joiner
)

// maxSheet bounds the text in which a mark is looked for, in bytes.
const maxSheet = 64 << 20

// Sheet returns a text with both marks: its first line says what is visible, and each line
// ends with the mark in letters that nobody sees. Errors: of a sheet that doesn't say who
// takes it.
func Sheet(visible, text string, m Mark) (string, error) {
	if strings.TrimSpace(visible) == "" || strings.ContainsAny(visible, "\r\n") {
		return "", errVisible
	}
	c, err := m.code()
	if err != nil {
		return "", err
	}
	var hidden, out strings.Builder
	hidden.WriteRune(begins)
	for _, bit := range c {
		if bit {
			hidden.WriteRune(one)
		} else {
			hidden.WriteRune(zero)
		}
	}
	for line := range strings.SplitSeq(visible+"\n"+strings.TrimSuffix(text, "\n"), "\n") {
		end := ""
		if cut, is := strings.CutSuffix(line, "\r"); is {
			line, end = cut, "\r"
		}
		out.WriteString(line + hidden.String() + end + "\n")
	}
	return out.String(), nil
}

// readSheet returns the mark in a text, or in a line of one, that Sheet has made.
func readSheet(text []byte) (Mark, bool) {
	for {
		_, rest, found := bytes.Cut(text, []byte(string(begins)))
		if !found {
			return Mark{}, false
		}
		if m, ok := readHidden(rest); ok {
			return m, true
		}
		text = rest
	}
}

func readHidden(text []byte) (Mark, bool) {
	var c code
	i := 0
	for _, r := range string(text[:min(len(text), tile*len(string(zero)))]) {
		if r != zero && r != one {
			break
		}
		c[i] = r == one
		i++
	}
	if i != tile {
		return Mark{}, false
	}
	return c.mark()
}
