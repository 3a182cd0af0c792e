package console_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/console"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// noText are texts that the stores don't agree on.
var noText = map[string]string{"NUL": "%00", "no UTF-8": "%ff"}

// fields of addresses, and cursors that are whole but for what they end with.
var fields = []string{"lang", "to", "from", "service", "kind", "state", "stands", "reason", "waits", "source", "owner", "article", "subject", "actor", "since", "until", "days", "picture", "size", "code", "done", "anything"}

// Whatever an address or a form holds, it is refused as what can't be read, and doesn't fail
// in one of the stores.
func TestNothingFailsOfWhatIsNoText(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		n := 0
		by := make(map[staff.Role]*browser)
		for _, role := range staff.Roles {
			by[role] = d.browser(d.hire(role).Secret)
		}
		all := d.browser(signintest.Hire(t, d.Store, d.console.Door(), "某auditor", staff.Grant{Role: staff.Auditor}).Secret)
		who := func(r console.Route) *browser {
			n++ // the address of another office: none sends too often
			b := all
			for _, role := range staff.Roles {
				if r.Action != "" && staff.RuleOf(r.Action).Allows(role) {
					b = by[role]
				}
			}
			b.address = fmt.Sprintf("10.0.%d.%d:1", n/250, n%250+1)
			return b
		}
		for _, r := range console.Routes() {
			method, pattern, _ := strings.Cut(r.Pattern, " ")
			path := strings.NewReplacer("{service}", vaulttest.Service, "{rest...}", "", "{article}", "8", "{version}", "1").Replace(pattern)
			for name, text := range noText {
				if strings.Contains(path, "{") {
					beside := path[:strings.Index(path, "{")] + text + path[strings.Index(path, "}")+1:]
					if w := who(r).do(method, beside, url.Values{}); w.Code != 404 {
						t.Errorf("%s with %s: %d", r.Pattern, name, w.Code)
					}
				}
			}
			if method != "GET" || strings.Contains(path, "{") {
				continue
			}
			for _, field := range fields {
				if w := who(r).get(path + "?" + field + "=%00"); w.Code != 422 || !strings.Contains(w.Body.String(), template(i18n.Chinese.T("console.no_text"))) && r.Action == "" {
					t.Errorf("%s with NUL as %s: %d", r.Pattern, field, w.Code)
				}
			}
		}
		demands := console.Route{Action: staff.HandleDemands}
		form := func(pairs ...string) sheet {
			s := sheet{values: map[string]string{"service": vaulttest.Service, "ref": "abc", "who": "child", "kind": "correct", "item": "nickname", "reached": "letter"}}
			for i := 0; i+1 < len(pairs); i += 2 {
				s.values[pairs[i]] = pairs[i+1]
			}
			return s
		}
		for _, text := range []string{"\x00", "\xff"} {
			for _, field := range []string{"service", "ref", "who", "kind", "item", "reached", "words"} {
				s := form(field, text)
				sent := url.Values{}
				for name, value := range s.values {
					sent.Set(name, value)
				}
				if w := who(demands).do("POST", "/console/demands/new", sent); w.Code != 422 {
					t.Errorf("a form with %q as %s: %d", text, field, w.Code)
				}
				if w := who(demands).sends("/console/demands/new", s); w.Code != 422 {
					t.Errorf("a form with a file and %q as %s: %d", text, field, w.Code)
				}
			}
			for _, field := range []string{"service", "kind", "state"} {
				if w := who(demands).post("/console/demands/csv", "filter", url.Values{field: {text}}.Encode()); w.Code != 422 {
					t.Errorf("a file of a filter with %q as %s: %d", text, field, w.Code)
				}
			}
		}
	})
}
