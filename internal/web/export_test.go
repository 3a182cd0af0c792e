package web

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"wardkeep/internal/base/i18n"
)

// Mishaps returns the codes of the refusals that have words of their own at a page.
func Mishaps() []string { return slices.Sorted(maps.Keys(mishaps)) }

// Refuses answers as a route of s does that refuses with err.
func (s *Server) Refuses(route string, err error) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(route, s.page(route, maxForm, func(http.ResponseWriter, *http.Request) error { return err }))
	return mux
}

// ToMinor returns what the page of a minor says in Chinese.
func ToMinor(key string) string { return voice{i18n.Chinese, true}.T(key) }

// HurryCopies lets nobody wait for a file of a copy for long, until patient is called.
func (s *Server) HurryCopies() (patient func()) {
	was := s.copies.patience
	s.copies.patience = time.Millisecond
	return func() { s.copies.patience = was }
}

// PageOf is a page of s that answers with h.
func PageOf(s *Server, route string, h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return s.page(route, maxForm, h)
}
