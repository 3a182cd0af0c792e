package console

import "net/url"

// A pager has the addresses of the other pages of a list, "" where there is none.
type pager struct {
	First string // on any other page than the first
	Next  string
}

// pager returns them for the page that begins at a cursor, "" on the first, and the cursor
// of the next, "" on the last.
func (v *visit) pager(from, next string) (p pager) {
	if from != "" {
		p.First = v.page("")
	}
	if next != "" {
		p.Next = v.page(next)
	}
	return p
}

// page returns the address of the page of a list that begins there.
func (v *visit) page(from string) string {
	q := url.Values{"lang": {string(v.lang)}}
	for name := range v.keeps {
		q.Set(name, v.keeps.Get(name))
	}
	if from != "" {
		q.Set("from", from)
	}
	return "?" + q.Encode()
}
