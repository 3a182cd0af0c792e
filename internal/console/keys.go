package console

import "net/http"

// goKeys are the keys that lead to the pages of the menu, after g.
var goKeys = map[string]string{"home": "h", "people": "p", "access": "a", "decisions": "d", "due": "t", "demands": "e", "board": "b", "pictures": "v",
	"urgent": "u", "reviews": "r", "suspicions": "y", "takedowns": "n", "incidents": "j", "streams": "q", "rectifications": "z", "evidence": "w", "shields": "k", "reports": "f", "charters": "c", "register": "i", "parties": "x", "offices": "o", "ledger": "l", "settings": "s", "account": "m"}

// keysPage is what keys.html shows.
type keysPage struct{ Places []item }

// keys lists the keys, for who has a script and for who has none.
func (s *Server) keys(v *visit) error {
	var page keysPage
	for _, i := range v.menu() {
		if i.Key != "" {
			page.Places = append(page.Places, i)
		}
	}
	return v.show(http.StatusOK, "keys", page)
}
