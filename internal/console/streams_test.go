package console_test

import (
	"html"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/family/age"
	"wardkeep/internal/staff"
	"wardkeep/internal/stream"
	"wardkeep/internal/vault/vaulttest"
)

const streamsAt = "/console/streams"

// registration is the form of a stream as a page sends it.
func registration() sheet {
	return sheet{values: map[string]string{"name": "网关访问日志", "system": "入口网关", "fields": "时间、路由、状态码", "place": "上海机房", "office": "运维", "months": "6",
		"network": "yes", "reason": "nameless", "grounds": "没有任何标识"}}
}

// joinTest is the form of a test of today that has joined so many.
func (d *desk) joinTest(joined int) sheet {
	return sheet{values: map[string]string{"on": d.Store.Now().In(age.Zone).Format(time.DateOnly), "made_by": "安全工程师", "method": "compared", "records": "500",
		"joined": strconv.Itoa(joined), "findings": "随机抽取，逐条比对"}, files: map[string]upload{"document.file": {"测试记录.pdf", letter}}}
}

// streamed registers a stream, and returns its path.
func (d *desk) streamed(by *browser) string {
	d.T.Helper()
	w := by.sends(streamsAt+"/"+vaulttest.Service+"/new", registration())
	if w.Code != http.StatusSeeOther {
		d.T.Fatalf("registered: %d %s", w.Code, w.Body)
	}
	path, _, _ := strings.Cut(w.Header().Get("Location"), "?")
	return path
}

// Article 28: a stream is put on the register by the office and tested by who runs the system,
// each page says how it stands and what follows, and the board and the list of what is due lead
// to it; who may not do that gets no further, which is on record.
func TestArticle28_AStreamIsRegisteredTestedAndCoveredAtTheConsole(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := &office{desk: d, ref: "of-nothing"}
		engineer, worker := d.hire(staff.Engineer), d.hire(staff.Worker)
		boss, builds, audits := d.browser(d.hire(staff.Officer).Secret), d.browser(engineer.Secret), d.browser(d.hire(staff.Auditor).Secret)
		says := func(b *browser, at string, keys ...string) {
			t.Helper()
			page := b.get(at + "?lang=en").Body.String()
			for _, key := range keys {
				if !strings.Contains(page, html.EscapeString(i18n.English.T(key))) {
					t.Errorf("%s doesn't say %s", at, key)
				}
			}
		}
		o.check("streams-empty", boss, streamsAt)
		o.check("sign-stream", boss, streamsAt+"/"+vaulttest.Service+"/new")
		bad := registration()
		bad.values["months"] = "3"
		if w := boss.sends(streamsAt+"/"+vaulttest.Service+"/new", bad); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), i18n.Chinese.T("stream.months_too_few")) {
			t.Errorf("a network log of three months: %d", w.Code)
		}
		path := d.streamed(boss)
		o.check("stream-untested", boss, path)
		says(audits, path, "console.streams.follows", "console.streams.why.untested")
		says(audits, "/console/due", "console.due.about.untested")
		says(audits, "/console/board/28", "console.board.figure.streams_linkable", "console.board.state.broken")

		o.check("sign-join", builds, path+"/test")
		if w := builds.sends(path+"/test", d.joinTest(2)); w.Code != http.StatusSeeOther {
			t.Fatalf("a test: %d %s", w.Code, w.Body)
		}
		o.check("stream-joined", boss, path)
		says(audits, path, "console.streams.why.joined", "console.streams.failed")
		scanned := d.joinTest(0)
		scanned.values["method"] = string(stream.Scanned)
		if w := builds.sends(path+"/test", scanned); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("a test that this program hasn't made: %d", w.Code)
		}
		if w := builds.sends(path+"/test", d.joinTest(0)); w.Code != http.StatusSeeOther {
			t.Fatalf("a test: %d %s", w.Code, w.Body)
		}
		o.check("stream", boss, path)
		o.check("streams", audits, streamsAt)
		says(audits, "/console/board/28", "console.board.state.holds")
		for at, there := range map[string]bool{"?state=exempt": true, "?state=joined": false, "?reason=nameless": true, "?reason=coarse": false, "?service=another": false, "?state=stopped": false} {
			if got := strings.Contains(boss.get(streamsAt+at).Body.String(), path+"?"); got != there {
				t.Errorf("%s has it: %v", at, got)
			}
		}
		if rows := rowsOf(t, boss.post(streamsAt+"/csv?lang=en", "filter", "").Body.Bytes()); len(rows) != 2 || rows[1][3] != "网关访问日志" {
			t.Errorf("the file: %q", rows)
		}

		// Who isn't of the service, or has no such part in it.
		for name, w := range map[string]int{
			"an engineer registers": builds.sends(streamsAt+"/"+vaulttest.Service+"/new", registration()).Code,
			"an engineer stops it":  builds.post(path + "/stop").Code,
			"a worker tests it":     d.browser(worker.Secret).sends(path+"/test", d.joinTest(0)).Code,
			"an auditor covers it":  audits.post(path+"/cover", "purpose", "course-progress").Code,
			"another's officer":     d.browser(d.elsewhere(staff.Officer).Secret).post(path + "/stop").Code,
		} {
			if w != http.StatusForbidden {
				t.Errorf("%s: %d", name, w)
			}
		}
		if d.tried(engineer) != 2 || d.tried(worker) != 1 {
			t.Errorf("%d and %d on record", d.tried(engineer), d.tried(worker))
		}
		if w := boss.post(path+"/cover", "purpose", "marketing"); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("covered by nothing: %d", w.Code)
		}
		if w := boss.post(path+"/cover", "purpose", "course-progress"); w.Code != http.StatusSeeOther {
			t.Fatalf("covered: %d", w.Code)
		}
		o.check("stream-covered", boss, path)
		if w := boss.post(path + "/stop"); w.Code != http.StatusConflict {
			t.Errorf("stopped once it was covered: %d", w.Code)
		}
		stopped := d.streamed(boss)
		if w := boss.post(stopped + "/stop"); w.Code != http.StatusSeeOther {
			t.Fatalf("stopped: %d", w.Code)
		}
		o.check("stream-stopped", boss, stopped)
		d.audited()
	})
}
