package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wardkeep/internal/console"
	partydesk "wardkeep/internal/desk"
)

func TestLatenciesFallIntoNarrowClasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "duration"))
		from := floor(class(d))
		if from > d || float64(d-from) > max(float64(d)/64, 1) {
			t.Fatalf("%v falls into the class from %v on", d, from)
		}
	})
}

func TestLatenciesGiveTheQuantilesOfASortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Int64Range(1, int64(time.Second)), 1, 500).Draw(t, "all")
		var one, other latencies
		for i, d := range all {
			[]*latencies{&one, &other}[i%2].count(time.Duration(d))
		}
		one.add(&other)
		slices.Sort(all)
		for _, q := range []float64{0, 0.5, 0.9, 0.99} {
			want := time.Duration(all[int(q*float64(len(all)))])
			got := one.quantile(q)
			if got > want || float64(want-got) > max(float64(want)/64, 1) {
				t.Fatalf("quantile %v is %v, want %v", q, got, want)
			}
		}
	})
}

// unmeasured are the pages of the console that the bench doesn't ask for, and why.
var unmeasured = map[string]string{
	"/console/in":               "nobody is signed in there, and nothing is read",
	"/console/in/provider":      "it asks the operator's provider",
	"/console/in/provider/back": "it asks the operator's provider",
	"/console/in/provider/go":   "it asks the operator's provider",
	"/console/again/provider":   "it asks the operator's provider",
	"/console/setup/{link}":     "a link is good once",
	"/console/settings/services/{service}/webhooks/{endpoint}": "nothing is sent in the bench; the volume test reads 10,000 deliveries",
	"/console/urgent/new/{service}/{purpose}":                  "the form of access-new, of whoever holds no office",
	"/console/rescue/new/{service}/{purpose}":                  "the form of legal-new, of whoever holds no office",
	"/console/access/requests/{service}/{request}/view":        "one request, as access-request, and no value before a form",
	"/console/reviews/{service}/{request}":                     "one request, as access-request",
	"/console/demands/{service}/{demand}":                      "one demand and at most 20 entries of its history",
	"/console/demands/{service}/{demand}/words":                "one demand, and no words before a form",
	"/console/births/{service}/{claim}":                        "one claim",
	"/console/parties/{service}/{role}/{party}/keys":           "one party and its few keys, as party",
	"/console/parties/{service}/{role}/{party}/{form}":         "the party and a form, as party",
	"/console/suspicions/{service}/{suspicion}":                "one case",
	"/console/takedowns/{service}/{takedown}":                  "one case",
	"/console/incidents/{service}/{incident}/reach":            "one case; what is asked there is measured by make bench-reach",
	"/console/incidents/{service}/{incident}":                  "one case",
	"/console/incidents/{service}/{incident}/authority":        "what the authority is told of one case",
	"/console/incidents/{service}/{incident}/authority/{note}": "one report",
	"/console/incidents/{service}/{incident}/notices":          "what is told of one case",
	"/console/incidents/{service}/{incident}/notices/{notice}": "one notice",
	"/console/streams/{service}/{stream}":                      "one stream and at most 20 of its tests",
	"/console/streams/{service}/{stream}/test":                 "one form, as stream-new",
	"/console/rectifications/{service}/{rectification}":        "one matter",
	"/console/rectifications/{service}/{rectification}/part":   "the form of rectification-new",
	"/console/inspections/{service}/{inspection}":              "one invitation and a page of its looks",
	"/console/bundles":                              "at most 50 rows of what was asked for, none in the bench",
	"/console/yearly/{service}/{year}/new":          "one form, and the board's numbers of one service, which board-article measures",
	"/console/yearly/{service}/{year}/packs/{note}": "one document",
	"/console/shields/{service}/{shield}":           "one case",
	"/console/reports/{service}/{complaint}":        "one report",
	"/console/orders/{service}/{order}":             "one order",
	"/console/evidence/{service}/{attempt}":         "one case",
	"/console/evidence/{service}/{attempt}/view":    "one case, and no document before a form",
	"/party/in":           "nobody is signed in there, and nothing is read",
	"/party/setup/{link}": "a link is good once",
	"/party/leaks/{leak}": "one case",
}

// Each page of the console and of the desk of processors is measured, or there is a reason.
func TestEachPageOfTheConsoleIsMeasuredOrHasAReason(t *testing.T) {
	mux, all := http.NewServeMux(), make(map[string]bool)
	patterns := partydesk.Routes()
	for _, r := range console.Routes() {
		patterns = append(patterns, r.Pattern)
	}
	for _, pattern := range patterns {
		if path, ok := strings.CutPrefix(pattern, "GET "); ok {
			mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) {})
			all[path] = false
		}
	}
	for _, o := range slices.Concat(rooms, seats) {
		path, _, _ := strings.Cut(o.path, "?")
		r, err := http.NewRequest(http.MethodGet, strings.NewReplacer("{", "", "}", "").Replace(path), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, pattern := mux.Handler(r)
		if pattern == "" {
			t.Errorf("%s asks for %s, which isn't there", o.name, o.path)
		}
		all[strings.TrimPrefix(pattern, "GET ")] = true
	}
	for path, measured := range all {
		if why := unmeasured[path]; measured == (why != "") {
			t.Errorf("%s: measured %v, reason %q", path, measured, why)
		}
	}
	for path := range unmeasured {
		if _, there := all[path]; !there {
			t.Errorf("%s isn't there", path)
		}
	}
}
