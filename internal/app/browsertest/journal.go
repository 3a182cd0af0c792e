package browsertest

import (
	"context"
	"log/slog"
	"path"
	"strings"
	"sync"
	"time"
)

// A journal is the log of a site: which pages it showed, and by which routes.
type journal struct {
	mu     sync.Mutex
	shown  string
	routes map[string]bool
}

// Enabled takes everything.
func (j *journal) Enabled(context.Context, slog.Level) bool { return true }

// Handle keeps what the log says of a page.
func (j *journal) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "page" {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "route":
			if j.routes == nil {
				j.routes = make(map[string]bool)
			}
			j.routes[a.Value.String()] = true
		case "shows":
			if name := a.Value.String(); name != "" {
				j.shown = name
			}
		}
		return true
	})
	return nil
}

// WithAttrs and WithGroup change nothing: no page is logged with any.
func (j *journal) WithAttrs([]slog.Attr) slog.Handler { return j }
func (j *journal) WithGroup(string) slog.Handler      { return j }

// Shows reports whether the last page that the site has sent, to whomever, is made
// by the template of that name. The log may be a moment behind the page.
func (s *Site) Shows(name string) bool {
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		s.journal.mu.Lock()
		shown := strings.TrimSuffix(path.Base(s.journal.shown), ".html")
		s.journal.mu.Unlock()
		if shown == name || time.Now().After(end) {
			return shown == name
		}
	}
}

// Answered reports whether a route of the pages, as the server names it, was
// asked for.
func (s *Site) Answered(route string) bool {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	return s.journal.routes[route]
}
