package console_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/complaint"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// reported has somebody report something to the desk, with an attachment, and returns its id.
func reported(ctx context.Context, tx *db.Tx, ring *keyring.Ring, words string) (string, error) {
	p, err := complaint.NewPuzzle(ctx, tx, ring)
	if err != nil {
		return "", err
	}
	c, _, err := complaint.Desk{Ring: ring, Calendar: workday.Default()}.Receive(ctx, tx, p.Solve(), complaint.Report{Service: vaulttest.Service, Kind: complaint.Collects,
		Words: pii.New(words), Name: pii.New("周女士"), Contact: pii.New("13700137000"), Files: []pii.Text{pii.New("%PDF-1.7 录音说明")}})
	return c.ID, err
}

// Article 24, Invariant 2: what was reported is in no page until somebody reads it who may, and
// whose reading is in the ledger by then; an attachment leaves as a file alone, and the console
// shows nothing of it; the answer closes it.
func TestArticle24_AReportIsReadOnRecord(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b := d.bureau()
		b.console.Calendar = workday.Default()
		const words = "孩子没有同意就被<script>录音</script>"
		b.check("complaints-empty", b.boss, "/console/reports")
		var name string
		b.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			name, err = reported(ctx, tx, b.Ring, words)
			return err
		})
		at := "/console/reports/" + vaulttest.Service + "/" + name
		reads := func() (n int) {
			for _, p := range d.placed() {
				if p.Kind == complaint.KindRead {
					n++
				}
			}
			return n
		}
		has := func(what string, body string, want bool) {
			t.Helper()
			if got := strings.Contains(body, "录音") || strings.Contains(body, "周女士") || strings.Contains(body, "13700137000"); got != want {
				t.Errorf("%s: what was written is there: %v", what, got)
			}
		}
		b.check("complaints", b.boss, "/console/reports")
		b.check("complaint-received", b.boss, at)
		audits := d.browser(d.hire(staff.Auditor).Secret)
		for what, by := range map[string]*browser{"who decides": b.boss, "who audits": audits} {
			for _, path := range []string{"/console/reports", at, "/console/due?kind=complaint"} {
				has(what+" at "+path, by.get(path).Body.String(), false)
			}
		}
		if w := b.asks.get(at); w.Code != http.StatusForbidden && w.Code != http.StatusNotFound {
			t.Errorf("a worker looks: %d", w.Code)
		}
		if w := audits.post(at + "/words"); w.Code != http.StatusForbidden || reads() != 0 {
			t.Errorf("who audits reads it: %d", w.Code)
		}
		w := b.boss.post(at + "/words")
		has("who reads it", w.Body.String(), true)
		if w.Code != http.StatusOK || reads() != 1 || strings.Contains(w.Body.String(), "<script>录音") {
			t.Errorf("read: %d, %d on record", w.Code, reads())
		}
		w = b.boss.post(at+"/file", "file", "0")
		if h := w.Header(); w.Code != http.StatusOK || w.Body.String() != "%PDF-1.7 录音说明" || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment;") ||
			!strings.HasPrefix(h.Get("Content-Security-Policy"), "sandbox") || h.Get("X-Content-Type-Options") != "nosniff" || reads() != 2 {
			t.Errorf("the attachment: %d %v", w.Code, h)
		}
		for _, file := range []string{"1", "-1", "x", "9223372036854775807"} {
			if w := b.boss.post(at+"/file", "file", file); w.Code != http.StatusNotFound {
				t.Errorf("attachment %s: %d", file, w.Code)
			}
		}
		if w := b.boss.post(at + "/acknowledge"); w.Code != http.StatusSeeOther {
			t.Errorf("taken up: %d %s", w.Code, w.Body)
		}
		if w := b.boss.post(at + "/acknowledge"); w.Code != http.StatusConflict {
			t.Errorf("taken up twice: %d", w.Code)
		}
		if w := b.boss.post(at+"/link", "case", "7K2M-9QXT"); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("handed on as nothing: %d", w.Code)
		}
		suspected := b.suspect("user-20417")
		if w := b.boss.post(at+"/link", "case", complaintCase(suspected)); w.Code != http.StatusSeeOther {
			t.Errorf("handed on: %d %s", w.Code, w.Body)
		}
		if w := b.boss.post(at+"/answer", "outcome", "founded", "words", " "); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("answered with nothing: %d", w.Code)
		}
		if w := b.boss.post(at+"/answer", "outcome", "founded", "words", "已删除"); w.Code != http.StatusSeeOther {
			t.Fatalf("answered: %d %s", w.Code, w.Body)
		}
		b.check("complaint-answered", b.boss, at)
		if w := b.boss.post(at+"/dismiss", "outcome", "repeated"); w.Code != http.StatusConflict {
			t.Errorf("closed after that: %d", w.Code)
		}
		if body := b.boss.get("/console/reports?stands=closed").Body.String(); !strings.Contains(body, at) {
			t.Error("it isn't among what is closed")
		}
		b.audited()
		b.Pass(complaint.Kept + time.Hour) // and is gone, swept or not
		if w := d.browser(d.hire(staff.Manager).Secret).get(at); w.Code != http.StatusNotFound {
			t.Errorf("after its time: %d", w.Code)
		}
	})
}

// complaintCase is the number of the case at an address.
func complaintCase(path string) string {
	name := lastOf(path)[3:11]
	return strings.ToUpper(name[:4] + "-" + name[4:])
}
