package console

import (
	"net/url"

	"wardkeep/internal/catalog"
)

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

// some cuts services, which are in the order of their names, to those of a page that the
// person may see, and returns the addresses of the other pages.
func (v *visit) some(all []catalog.Service, may func(catalog.Service) bool) (some []catalog.Service, p pager) {
	from, next := v.r.URL.Query().Get("from"), ""
	for _, s := range all {
		if s.Name <= from || !may(s) {
			continue
		}
		if len(some) == perPage {
			next = some[perPage-1].Name
			break
		}
		some = append(some, s)
	}
	return some, v.pager(from, next)
}

// choices are the services of a form: of a list, or where that would be longer than a page,
// by name.
type choices []string

// Many reports whether they are named.
func (c choices) Many() bool { return len(c) > maxChoices }

const maxChoices = 100
