package console

import (
	"slices"
	"strings"
)

// An item of the menu leads to a page.
type item struct {
	Name, To string
	Here     bool
	Key      string // that leads there, after g
}

// A group of the menu has the pages that belong together: in a fold that is called so, or beside
// the others where it is called nothing.
type group struct {
	Name  string
	Here  bool // the page that is shown belongs there
	Items []item
}

// menuGroups are the pages of the menu by what they are for, and keys that lead there after g.
var menuGroups = []struct {
	name  string
	pages [][2]string
}{
	{"", [][2]string{{"home", "h"}, {"due", "t"}, {"board", "b"}, {"pictures", "v"}}},
	{"access", [][2]string{{"access", "a"}, {"decisions", "d"}, {"urgent", "u"}, {"reviews", "r"}}},
	{"cases", [][2]string{{"demands", "e"}, {"evidence", "w"}, {"shields", "k"}, {"suspicions", "y"}, {"takedowns", "n"}, {"reports", "f"}, {"incidents", "j"}, {"rectifications", "z"}}},
	{"services", [][2]string{{"charters", "c"}, {"register", "i"}, {"parties", "x"}, {"streams", "q"}, {"offices", "o"}}},
	{"", [][2]string{{"ledger", "l"}, {"people", "p"}, {"settings", "s"}, {"account", "m"}}},
}

// abreast is how many pages stand beside each other on a narrow desk: who sees no more needs no
// folds.
const abreast = 10

// menu has the pages that are of use to the person: those that everybody has, and those
// that the matrix lets them see.
func (v *visit) menu() (all []group) {
	if v.in.ID == "" {
		return nil
	}
	seen := make(map[string]bool)
	for _, r := range table() {
		if path, is := strings.CutPrefix(r.pattern, "GET "); is && (r.who != whoMay || !v.held && v.in.Person.MaySomewhere(r.action)) {
			seen[path] = true
		}
	}
	pages := 0
	for _, of := range menuGroups {
		g := group{Name: of.name}
		for _, page := range of.pages {
			to := "/console/" + page[0]
			if page[0] == "home" {
				to = "/console"
			}
			if seen[to] {
				g.Items = append(g.Items, item{page[0], to, to == v.r.URL.Path, page[1]})
				g.Here = g.Here || to == v.r.URL.Path || strings.HasPrefix(v.r.URL.Path, to+"/")
			}
		}
		pages += len(g.Items)
		all = append(all, g)
	}
	for i, g := range all {
		if pages <= abreast || len(g.Items) == 1 {
			all[i].Name = ""
		}
	}
	return slices.DeleteFunc(all, func(g group) bool { return len(g.Items) == 0 })
}
