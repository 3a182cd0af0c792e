package inspector

import (
	"slices"

	"wardkeep/internal/inspection"
)

// A route is an address of the portal.
type route struct {
	pattern string
	// asks says at what a visit of the route looks: a page of evidence, which is shown by shows once
	// that is on record. Nil: it shows nothing of it, and does answers.
	asks  func(*visit) inspection.Look
	shows func(*visit) error
	does  func(*visit) error
}

// table has all routes that there are: what isn't here doesn't answer. No form changes anything but
// who is in.
func table() []route {
	return []route{
		{pattern: "GET /inspector/in", does: (*visit).outside},
		{pattern: "GET /inspector/in/{link}", does: (*visit).showDoor},
		{pattern: "POST /inspector/in/{link}", does: (*visit).enter},
		{pattern: "POST /inspector/out", does: (*visit).leave},

		{pattern: "GET /inspector", asks: looksAt(inspection.Matrix), shows: (*visit).matrix},
		{pattern: "GET /inspector/articles/{article}", asks: looksAt(inspection.Article), shows: (*visit).article},
		{pattern: "GET /inspector/articles/{article}/{register}", asks: looksAt(inspection.Register), shows: (*visit).register},
		{pattern: "GET /inspector/samples", asks: looksAt(inspection.Samples), shows: (*visit).samples},
		{pattern: "GET /inspector/samples/{sample}", asks: looksAt(inspection.Sample), shows: (*visit).sample},
		{pattern: "GET /inspector/bundle", asks: looksAt(inspection.Bundle), shows: (*visit).bundle},
	}
}

// looksAt returns what a visit to a page looks at, by its address.
func looksAt(page inspection.Page) func(*visit) inspection.Look {
	return func(v *visit) inspection.Look {
		return inspection.Look{Page: page, Article: articleOf(v.r.PathValue("article")), About: v.r.PathValue("register") + v.r.PathValue("sample")}
	}
}

func hasPage(path string) bool {
	return slices.ContainsFunc(table(), func(r route) bool { return r.pattern == "GET "+path })
}

// Routes returns the patterns of all routes.
func Routes() (all []string) {
	for _, r := range table() {
		all = append(all, r.pattern)
	}
	return all
}
