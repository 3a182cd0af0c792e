package web_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/web"
)

// The edge has one line for each request, whatever it is: a page, a form, a file, a
// redirect, what no route takes, what is refused before it comes to a page. A line has
// the pattern of the route, and nothing that was sent: no path, no query, no referer,
// no address, no agent.
func TestInvariant9_OneLineForEachRequest(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := newSite(t, w)
		_, token, _ := s.ask()
		s.log.Reset()
		const canary = "canary-王小明-13812345678"
		send := func(method, path, route string, status int) {
			t.Helper()
			s.log.Reset()
			r := httptest.NewRequest(method, path, strings.NewReader(url.Values{"name": {canary}}.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Referer", "https://elsewhere.example/"+canary)
			r.Header.Set("User-Agent", canary)
			r.Header.Set("Cookie", "who="+url.QueryEscape(canary))
			if route == "elsewhere" {
				r.Header.Set("Sec-Fetch-Site", "cross-site")
			}
			answer := httptest.NewRecorder()
			s.server.Config.Handler.ServeHTTP(answer, r)
			lines := strings.Split(strings.TrimSpace(s.log.String()), "\n")
			var line map[string]any
			if err := json.Unmarshal([]byte(lines[0]), &line); len(lines) != 1 || err != nil {
				t.Fatalf("%s %s: %d lines\n%s", method, path, len(lines), s.log)
			}
			if line["msg"] != "page" || line["route"] != route || line["status"] != float64(answer.Code) || answer.Code != status {
				t.Errorf("%s: answered %d, the log says %v", route, answer.Code, line)
			}
			names := slices.Sorted(maps.Keys(line))
			if want := []string{"actor", "code", "level", "msg", "request", "route", "shows", "status", "time", "took"}; !slices.Equal(names, want) {
				t.Errorf("the line has %v", names)
			}
			for _, text := range []string{"canary", "13812345678", "王小明", url.QueryEscape("王"), token, "elsewhere.example", "192.0.2.1"} {
				if strings.Contains(s.log.String(), text) {
					t.Errorf("%s: the line has what was sent: %s", route, text)
				}
			}
		}
		q := "?lang=en&name=" + url.QueryEscape(canary)
		send("GET", "/"+q, "GET /{$}", 200)
		send("HEAD", "/guide"+q, "GET /guide", 200)
		send("GET", "/r/"+token+q, "GET /r/{token}", 200)
		send("GET", "/r/"+token+"/"+q, "GET /r/{token}/{$}", 303)
		send("POST", "/home/code"+q, "POST /home/code", 422)
		send("GET", "/home/"+url.PathEscape(canary)+q, "GET /home/{tie}", 303)
		send("GET", "/static/none.css"+q, "GET /static/", 404)
		send("GET", "/"+url.PathEscape(canary)+q, "/", 404)
		send("GET", "/a//"+url.PathEscape(canary)+q, "*", 307)
		send("DELETE", "/home"+q, "/", 404)
		send("BREW", "/"+url.PathEscape(canary), "/", 404)
		send("POST", "/home", "elsewhere", 403)
	})
}

// A panic has its line too, and neither its value nor the answer tells what was in it.
func TestInvariant9_APanicAtAPageTellsNothing(t *testing.T) {
	w := vaulttest.New(t, dbtest.New(t))
	log := new(bytes.Buffer)
	s := &web.Server{Store: w.Store, Ring: w.Ring, Vault: w.Vault, Charters: w.Desk.Charters, PublicURL: "http://example.com",
		Log: slog.New(slog.NewJSONHandler(log, nil))}
	s.Handler()
	h := web.PageOf(s, "GET /r/{token}", func(http.ResponseWriter, *http.Request) error { panic("canary 王小明") })
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", "/r/canary", nil))
	if rec.Code != 500 || strings.Contains(rec.Body.String()+log.String(), "canary") || strings.Contains(rec.Body.String()+log.String(), "王") {
		t.Errorf("%d\n%s", rec.Code, log)
	}
	if !strings.Contains(log.String(), `"page: panic"`) || !strings.Contains(log.String(), `"at":["wardkeep/internal/web_test`) || strings.Count(log.String(), `"msg":"page"`) != 1 {
		t.Errorf("%s", log)
	}
}

// Who was sent a copy and has gone leaves a line and a count too, and the connection is cut
// as the handler wanted it.
func TestInvariant9_AnAnswerThatIsCutHasItsLine(t *testing.T) {
	w := vaulttest.New(t, dbtest.New(t))
	log := new(bytes.Buffer)
	s := &web.Server{Store: w.Store, Ring: w.Ring, Vault: w.Vault, Charters: w.Desk.Charters, PublicURL: "http://example.com",
		Log: slog.New(slog.NewJSONHandler(log, nil))}
	s.Handler()
	h := web.PageOf(s, "GET /r/{token}", func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) })
	func() {
		defer func() {
			if v := recover(); v != http.ErrAbortHandler {
				t.Errorf("the connection isn't cut: %v", v)
			}
		}()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/r/canary", nil))
	}()
	if strings.Count(log.String(), `"msg":"page"`) != 1 || strings.Contains(log.String(), "panic") {
		t.Errorf("%s", log)
	}
}
