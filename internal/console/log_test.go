package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// A line of the log: the pattern of the route, and nothing that was sent.
var line = regexp.MustCompile(`^time=\S+ level=INFO msg=console route=(\S+|"[^"]+") actor=(staff|none) shows=\S+ request=rq_[0-9a-z]{26} status=(\d+) code=(\S+) took=\S+\n$`)

// The console has one line for each request, whatever becomes of it: a page, a form, a file, a
// refusal, what no route takes, what another site sends.
func TestInvariant9_OneLineForEachVisit(t *testing.T) {
	d := newDesk(vaulttest.New(t, dbtest.New(t)))
	o := d.office()
	boss, builds := d.browser(d.hire(staff.Officer).Secret), d.browser(d.hire(staff.Engineer).Secret)
	const canary = "canary-王小明-13812345678"
	path := o.granted(o.asks)
	q := "?lang=en&name=" + url.QueryEscape(canary)
	for _, b := range []*browser{boss, builds, o.asks} {
		b.header.Set("Referer", "https://elsewhere.example/"+canary)
		b.header.Set("User-Agent", canary)
	}
	for _, c := range []struct {
		by            *browser
		method, path  string
		form          url.Values
		route, status string
	}{
		{d.browser(""), "GET", "/console/in" + q, nil, "GET /console/in", "200"},
		{d.browser(""), "POST", "/console/in" + q, url.Values{"name": {canary}, "password": {canary}, "code": {canary}}, "POST /console/in", "403"},
		{d.browser(""), "GET", "/console/people" + q, nil, "GET /console/people", "303"},
		{d.browser(""), "GET", "/console/setup/" + url.PathEscape(canary), nil, "GET /console/setup/{link}", "410"},
		{boss, "GET", "/console/people" + q, nil, "GET /console/people", "200"},
		{boss, "POST", "/console/search" + q, url.Values{"q": {canary}}, "POST /console/search", "200"},
		{boss, "POST", "/console/people/csv" + q, url.Values{"filter": {""}}, "POST /console/people/csv", "200"},
		{boss, "GET", "/console/people/" + url.PathEscape(canary) + q, nil, "GET /console/people/{person}", "404"},
		{builds, "GET", "/console/decisions" + q, nil, "GET /console/decisions", "403"},
		{boss, "GET", "/console/" + url.PathEscape(canary) + q, nil, "/console/", "404"},
		{boss, "DELETE", "/console/people" + q, nil, "/console/", "404"},
		{o.asks, "POST", path + "/view", item("nickname"), "POST /console/access/requests/{service}/{request}/view", "200"},
		{o.asks, "POST", path + "/view", item(canary), "POST /console/access/requests/{service}/{request}/view", "403"},
	} {
		d.log.Reset()
		if strings.HasSuffix(c.path, "/view") {
			c.by.header.Set("Sec-Fetch-Dest", "empty")
		}
		c.by.do(c.method, c.path, c.form)
		c.by.header.Del("Sec-Fetch-Dest")
		m := line.FindStringSubmatch(d.log.String())
		if m == nil || strings.Trim(m[1], `"`) != c.route || m[3] != c.status {
			t.Errorf("%s %s: the log says %s, want %s, %s", c.method, c.route, d.log, c.route, c.status)
		}
		for _, text := range []string{"canary", "13812345678", "王小明", url.QueryEscape("王"), o.ref, nickname, "elsewhere.example"} {
			if strings.Contains(d.log.String(), text) {
				t.Errorf("%s: the line has what was sent: %s", c.route, text)
			}
		}
	}
	d.log.Reset()
	boss.header.Set("Sec-Fetch-Site", "cross-site")
	if w := boss.post("/console/out"); w.Code != http.StatusForbidden || !line.MatchString(d.log.String()) {
		t.Errorf("from another site: %d, %s", w.Code, d.log)
	}
}
