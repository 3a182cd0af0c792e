package console

import (
	"time"

	"wardkeep/internal/staff"
)

// Refuses sets how long a try takes to be refused.
func (s *Server) Refuses(after time.Duration) { s.site.Patience = after }

// FigurePage is where what a number of the board counts is looked at, or "".
func FigurePage(name string) string { return figurePages[name] }

// HasPage reports whether the console has a page at that address.
func HasPage(path string) bool { return hasPage(path) }

// PageOf returns the page at which something is done.
func PageOf(action staff.Action) string { return pageOf(action) }

// Lists returns all lists that can be taken away, each with its page.
func Lists() map[string]string {
	all := make(map[string]string)
	for _, l := range lists {
		all[l.name] = l.path
	}
	return all
}

// ArticlesOf returns the articles that a kind of entries is evidence for.
func ArticlesOf(kind string) []int { return articlesOf(kind) }
