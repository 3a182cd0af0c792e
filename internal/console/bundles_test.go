package console_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/console"
	"wardkeep/internal/evidence"
	"wardkeep/internal/staff"
)

// Article 22: an archive for an authority is asked for by who holds the office of every service, is said to be made, and is
// taken away whole by who may see it, which is recorded before. One that isn't there is given to nobody.
func TestArticle22_ABundleIsTakenAwayAtTheConsole(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o, dir, woken := &office{desk: d, ref: "of-nothing"}, t.TempDir(), 0
		d.console.Bundles = console.Maker{Wake: func() { woken++ }, Open: func(name string) (*os.File, error) { return os.Open(filepath.Join(dir, evidence.FileName(name))) }}
		hired := d.hire(staff.Officer)
		boss, worker := d.browser(hired.Secret), d.browser(d.hire(staff.Worker).Secret)
		o.check("bundles-empty", boss, "/console/bundles")
		if w := worker.get("/console/bundles"); w.Code != http.StatusNotFound && w.Code != http.StatusForbidden {
			t.Errorf("staff see them: %d", w.Code)
		}
		for name, c := range map[string]struct {
			sent []string
			code int
			says string
		}{
			"before it begins":   {[]string{"from", "2026-02-01", "before", "2026-01-01"}, http.StatusUnprocessableEntity, "evidence.scope"},
			"of no day":          {[]string{"from", "2026-02-31"}, http.StatusUnprocessableEntity, "evidence.scope"},
			"of no article":      {[]string{"article", "x"}, http.StatusUnprocessableEntity, "evidence.scope"},
			"of another service": {[]string{"service", "elsewhere"}, http.StatusUnprocessableEntity, "evidence.scope"},
			"to no key":          {[]string{"recipient", "age1x"}, http.StatusUnprocessableEntity, "evidence.recipient"},
		} {
			if w := boss.post("/console/bundles", c.sent...); w.Code != c.code || !strings.Contains(w.Body.String(), i18n.Chinese.T(c.says)) {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		if w := boss.post("/console/bundles", "article", "9", "article", "8", "from", "2020-01-01"); w.Code != http.StatusSeeOther || woken != 1 {
			t.Fatalf("asked: %d, woken %d times", w.Code, woken)
		}
		if w := boss.post("/console/bundles"); w.Code != http.StatusConflict || woken != 1 {
			t.Errorf("a second one: %d", w.Code)
		}
		var b evidence.Bundle
		d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			b, _, err = evidence.Begin(ctx, tx, d.Ring, "node")
			if err == nil {
				err = b.Alive(ctx, tx, 1, 4)
			}
			return err
		})
		path := "/console/bundles/" + b.ID
		if page := boss.get("/console/bundles").Body.String(); !strings.Contains(page, "25%") || strings.Contains(page, path) {
			t.Errorf("while it is made: %s", page)
		}
		if w := boss.post(path); w.Code != http.StatusConflict {
			t.Errorf("half of it: %d", w.Code)
		}
		sum := sha256.Sum256([]byte("whole"))
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			return b.End(ctx, tx, d.Ring, 5, hex.EncodeToString(sum[:]), strings.Repeat("b", 64), "")
		})
		before := o.written(hired, staff.KindExported)
		if w := boss.post(path); w.Code != http.StatusServiceUnavailable || o.written(hired, staff.KindExported) != before {
			t.Errorf("the file lies elsewhere: %d", w.Code)
		}
		file := filepath.Join(dir, evidence.FileName(b.ID))
		for content, want := range map[string]int{"whol": http.StatusConflict, "wholes": http.StatusConflict, "whale": http.StatusConflict, "whole": http.StatusOK} {
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			w := boss.post(path)
			if w.Code != want || want == http.StatusOK && (w.Body.String() != "whole" || o.written(hired, staff.KindExported) != before+1 || w.Header().Get("Content-Type") != "application/zip") {
				t.Errorf("%q: %d %s", content, w.Code, w.Body)
			}
		}
		o.check("bundles", boss, "/console/bundles")
		if w := boss.post("/console/bundles/ev_00000000000000000000000000"); w.Code != http.StatusNotFound {
			t.Errorf("one that isn't there: %d", w.Code)
		}
		d.audited()
	})
}
