package web

import (
	"embed"
	"fmt"
	"net/http"

	"wardkeep/internal/base/i18n"
)

// Article 5: guardians teach and protect. The guides are the same for every
// service; what one service does is on its own pages.
//
//go:embed guide/*.md
var guides embed.FS

func (s *Server) guide(mux *http.ServeMux) {
	s.handle(mux, "GET /guide", s.guidance("guardian"))
	s.handle(mux, "GET /guide/child", s.guidance("child"))
}

// guidePage is what public/guide.html shows.
type guidePage struct {
	Title string
	Text  []block
	Child bool // it is written for a child
}

func (s *Server) guidance(whom string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		text, err := guides.ReadFile(guideFile(whom, lang(r)))
		if err != nil {
			return fmt.Errorf("web: %w", err)
		}
		all := blocks(string(text))
		page := guidePage{Title: all[0].Text, Text: all[1:], Child: whom == "child"}
		return s.render(w, r, http.StatusOK, "public/guide.html", page)
	}
}

func guideFile(whom string, l i18n.Lang) string { return "guide/" + whom + "." + string(l) + ".md" }
