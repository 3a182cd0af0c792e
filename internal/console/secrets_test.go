package console_test

import (
	"net/http"
	"regexp"
	"slices"
	"testing"

	"wardkeep/internal/catalog"
	"wardkeep/internal/replay"
	"wardkeep/internal/staff"
)

var replaced = regexp.MustCompile(`href="(` + regexp.QuoteMeta(settingsPath) + `/(?:apps|webhooks)/[a-z]+_[0-9a-z]+)\?`)

// Article 15: what a person was shown and is good is on their page, and when they have left on the
// list of what is due, until somebody has replaced it.
func TestArticle15_WhatALeaverKnowsIsReplaced(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		leaver := d.hire(staff.Engineer)
		boss, b, other := d.browser(d.hire(staff.Officer).Secret), d.browser(leaver.Secret), d.browser(d.hire(staff.Engineer).Secret)
		for path, pairs := range map[string][]string{"/apps": {"name", "校园版", "scope", "items:read"}, "/webhooks": {"url", "https://hooks.example.com/in"}} {
			if w := b.post(settingsPath+path, pairs...); w.Code != http.StatusOK {
				t.Fatalf("%s: %d", path, w.Code)
			}
		}
		person, list := "/console/people/"+leaver.ID, "/console/due?kind=secret"
		// is says what a page leads to, and wants so many.
		is := func(when, at string, want int) (all []string) {
			t.Helper()
			for _, m := range replaced.FindAllStringSubmatch(boss.get(at).Body.String(), -1) {
				all = append(all, m[1])
			}
			slices.Sort(all)
			if len(all) != want {
				t.Errorf("%s, %s has %v, want %d", when, at, all, want)
			}
			return all
		}
		known := is("before", person, 2)
		is("before", list, 0)
		w := boss.post(person + "/left")
		if w.Code != http.StatusSeeOther || len(known) != 2 {
			t.Fatalf("left: %d, %v", w.Code, known)
		}
		if got := is("after", person, 2); !slices.Equal(got, known) {
			t.Errorf("the page of who has left leads to %v", got)
		}
		if got := is("after", list, 2); !slices.Equal(got, known) {
			t.Errorf("what is due leads to %v", got)
		}
		for i, at := range known {
			if w := other.post(at+"/rotate", "overlap", "0"); w.Code != http.StatusOK {
				t.Fatalf("replaced: %d", w.Code)
			}
			is("replaced", list, 1-i)
		}
		if w := boss.get(person); w.Code != http.StatusNotFound {
			t.Errorf("who knows nothing any more is shown: %d", w.Code)
		}
		if err := d.ledger.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		report, err := replay.Audit(t.Context(), d.Store, d.Ring, catalog.NewCache(4), replay.Options{})
		if err != nil || !report.OK() {
			t.Errorf("%v, %v", report.Differences, err)
		}
	})
}
