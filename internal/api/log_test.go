package api_test

import (
	"encoding/json"
	"maps"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// The edge has one line for each request, and in it are the pattern of the route, a kind
// of actor, a status, a code, a time and a number, and nothing that was sent.
func TestInvariant9_OneLineForEachRequest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const canary = "canary-王小明-13812345678"
		child := w.child("amy")
		seen := url.QueryEscape(canary)
		for _, c := range []struct {
			method, path, body, key, route, actor string
		}{
			{"GET", base + "/children/" + child + "?" + seen, "", w.Key, "GET /v1/services/{service}/children/{child}", "app"},
			{"POST", base + "/children/" + child + "/items:read?x=" + seen, `{"purpose":"` + canary + `","items":["` + canary + `"]}`, w.Key, "POST /v1/services/{service}/children/{child}/items:read", "app"},
			{"POST", base + "/children", `{"ref":"` + canary + `"}`, "", "POST /v1/services/{service}/children", "none"},
			{"POST", base + "/children", canary, w.Key, "POST /v1/services/{service}/children", "app"},
			{"GET", "/v1/guardian/requests/" + seen, "", "", "GET /v1/guardian/requests/{token}", "guardian"},
			{"HEAD", "/v1/health", "", "", "GET /v1/health", "none"},
			{"GET", "/v1/" + seen, "", w.Key, "* *", "none"},
			{"GET", "/v1//" + seen, "", w.Key, "* *", "none"},
			{"POST", base + "/children/" + child + ":" + seen, "", w.Key, "* *", "none"},
			{"BREW", "/v1/health?" + seen, "", w.Key, "* *", "none"},
		} {
			before := len(w.log.String())
			r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
			if c.key != "" {
				r.Header.Set("Authorization", "Bearer "+c.key)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Referer", "https://elsewhere.example/"+canary)
			r.Header.Set("User-Agent", canary)
			answer := httptest.NewRecorder()
			w.server.Config.Handler.ServeHTTP(answer, r)
			text := w.log.String()[before:]
			lines := strings.Split(strings.TrimSpace(text), "\n")
			var line map[string]any
			if err := json.Unmarshal([]byte(lines[0]), &line); len(lines) != 1 || err != nil {
				t.Fatalf("%s: %d lines\n%s", c.route, len(lines), text)
			}
			if line["msg"] != "api" || line["route"] != c.route || line["actor"] != c.actor || line["status"] != float64(answer.Code) {
				t.Errorf("%s: answered %d, the log says %v", c.route, answer.Code, line)
			}
			if names := slices.Sorted(maps.Keys(line)); !slices.Equal(names, []string{"actor", "code", "level", "msg", "request", "route", "status", "time", "took"}) {
				t.Errorf("the line has %v", names)
			}
			for _, sent := range []string{"canary", "13812345678", "王小明", child, w.Key, "elsewhere.example", "192.0.2.1"} {
				if strings.Contains(text, sent) {
					t.Errorf("%s: the line has what was sent: %s", c.route, sent)
				}
			}
		}
	})
}
