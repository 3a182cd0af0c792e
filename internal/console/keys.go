package console

import "net/http"

// keysPage is what keys.html shows.
type keysPage struct{ Places []item }

// keys lists the keys, for who has a script and for who has none.
func (s *Server) keys(v *visit) error {
	var page keysPage
	for _, g := range v.menu() {
		page.Places = append(page.Places, g.Items...)
	}
	return v.show(http.StatusOK, "keys", page)
}
