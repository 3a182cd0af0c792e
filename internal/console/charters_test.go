package console_test

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/catalog"
	"wardkeep/internal/catalog/catalogtest"
	"wardkeep/internal/charter"
	"wardkeep/internal/replay"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

const charters = "/console/charters/" + vaulttest.Service

// A sheet is a form with files.
type sheet struct {
	values map[string]string
	files  map[string]upload
}

type upload struct{ name, text string }

// sends sends a form with files.
func (b *browser) sends(path string, s sheet) *httptest.ResponseRecorder {
	b.d.T.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, value := range s.values {
		if err := w.WriteField(name, value); err != nil {
			b.d.T.Fatal(err)
		}
	}
	for field, f := range s.files {
		part, err := w.CreateFormFile(field, f.name)
		if err == nil {
			_, err = part.Write([]byte(f.text))
		}
		if err != nil {
			b.d.T.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.d.T.Fatal(err)
	}
	r := httptest.NewRequest("POST", site+path, &body)
	r.RemoteAddr = b.address
	r.Header.Set("Content-Type", w.FormDataContentType())
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	answer := httptest.NewRecorder()
	b.d.pages.ServeHTTP(answer, r)
	return answer
}

// written is a charter as somebody writes it: the files of an example, changed.
func written(t *testing.T, dir string, change func(name, text string) string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	for _, name := range []string{charter.File, "rules.zh-CN.md", "rules.en.md", "agreement.zh-CN.md", "agreement.en.md"} {
		text, err := os.ReadFile("../../examples/" + dir + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = change(name, string(text))
	}
	return files
}

func asIs(_, text string) string { return text }

// proposes proposes a charter, and returns the path of its page.
func (b *browser) proposes(files map[string]string) string {
	b.d.T.Helper()
	files["do"] = "propose"
	w := b.sends(charters+"/new", sheet{values: files})
	path, _, _ := strings.Cut(w.Header().Get("Location"), "?")
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(path, charters+"/") {
		b.d.T.Fatalf("proposed: %d %s", w.Code, shown.ReplaceAllString(w.Body.String(), " "))
	}
	return path
}

// assess has the officer sign assessments of what a proposal lacks.
func (d *desk) assess(path string) {
	d.T.Helper()
	number, err := strconv.ParseInt(lastOf(path), 10, 64)
	if err != nil {
		d.T.Fatal(err)
	}
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		return catalogtest.Assess(ctx, tx, d.Ring, d.Officer, vaulttest.Service, number)
	})
}

func (d *desk) inForce() (number int64) {
	d.T.Helper()
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		s, err := catalog.Find(ctx, tx, vaulttest.Service)
		number = s.Charter
		return err
	})
	return number
}

// hashOf is the hash that a page of a version has in its form.
func (b *browser) hashOf(path string) string {
	b.d.T.Helper()
	_, rest, _ := strings.Cut(b.get(path).Body.String(), `name="hash" value="`)
	hash, _, _ := strings.Cut(rest, `"`)
	return hash
}

// Article 8, through the pages: an engineer writes, is told what is wrong at which line
// and what would change, and proposes; the officer approves what the page shows.
func TestArticle8_ACharterThroughThePages(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		officer := d.hire(staff.Officer)
		writes, boss, second := d.browser(d.hire(staff.Engineer).Secret), d.browser(officer.Secret), d.browser(d.hire(staff.Deputy).Secret)
		wrong := written(t, "xiaoxi-english-v2", func(_, text string) string {
			return strings.Replace(text, "service: xiaoxi-english", "servise: xiaoxi-english", 1)
		})
		for _, lang := range i18n.Langs {
			w := writes.sends(charters+"/new?lang="+string(lang), sheet{values: wrong})
			page := w.Body.String()
			if w.Code != http.StatusOK || !strings.Contains(page, "<code>charter.yaml:") || !strings.Contains(page, "servise: xiaoxi-english") || !strings.Contains(page, `aria-invalid="true"`) {
				t.Errorf("%s: what is wrong: %d %s", lang, w.Code, shown.ReplaceAllString(page, " "))
			}
		}
		wrong["do"] = "propose"
		if w := writes.sends(charters+"/new", sheet{values: wrong}); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("what is wrong is proposed: %d", w.Code)
		}
		next := written(t, "xiaoxi-english-v2", asIs)
		w := writes.sends(charters+"/new?lang=en", sheet{values: next})
		if page := w.Body.String(); w.Code != 200 || !strings.Contains(page, i18n.English.T("console.draft.whole")) || !strings.Contains(page, i18n.English.T("console.plan.again")) {
			t.Errorf("what would change: %d %s", w.Code, shown.ReplaceAllString(page, " "))
		}
		// What was uploaded takes the place of what stands there; other files are none of a charter's.
		w = writes.sends(charters+"/new", sheet{values: written(t, "xiaoxi-english", asIs), files: map[string]upload{"files": {charter.File, wrong[charter.File]}}})
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "servise: xiaoxi-english") {
			t.Errorf("uploaded: %d", w.Code)
		}
		w = writes.sends(charters+"/new", sheet{values: next, files: map[string]upload{"files": {"passwd", "x"}}})
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), i18n.Chinese.T("console.draft.file_unknown")) {
			t.Errorf("another file: %d", w.Code)
		}
		w = writes.sends(charters+"/new", sheet{values: map[string]string{charter.File: strings.Repeat("x", 9<<20)}})
		if w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("too large: %d", w.Code)
		}
		other := written(t, "xiaoxi-english-v2", func(_, text string) string {
			return strings.Replace(text, "service: xiaoxi-english", "service: another", 1)
		})
		other["do"] = "propose"
		if w := writes.sends(charters+"/new", sheet{values: other}); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), i18n.Chinese.T("console.draft.other_service")) {
			t.Errorf("another service's: %d", w.Code)
		}
		same := written(t, "xiaoxi-english", asIs)
		same["do"] = "propose"
		if w := writes.sends(charters+"/new", sheet{values: same}); w.Code != http.StatusConflict {
			t.Errorf("what is in force: %d", w.Code)
		}

		path := writes.proposes(next)
		page := boss.get(path + "?lang=en").Body.String()
		for _, key := range []string{"console.charters.state.waiting", "console.charters.approve_now", "console.plan.again"} {
			if !strings.Contains(page, i18n.English.T(key)) {
				t.Errorf("the page says nothing of %s", key)
			}
		}
		if page := writes.get(path).Body.String(); strings.Contains(page, "/decide") {
			t.Error("an engineer has a form to decide")
		}
		if w := writes.post(path+"/decide", "verdict", "approved", "hash", boss.hashOf(path), "against", "1"); outcome(w) != mayNot {
			t.Errorf("an engineer approves: %d", w.Code)
		}
		// PIPL 55: what changes materially is assessed before it comes into force.
		if page := boss.get(path + "?lang=en").Body.String(); !strings.Contains(page, i18n.English.T("console.charters.lack.changed")) || strings.Count(page, i18n.English.T("console.charters.lack.changed")) != 1 {
			t.Error("the page doesn't say which purpose isn't assessed")
		}
		if w := boss.post(path+"/decide", "verdict", "approved", "hash", boss.hashOf(path), "against", "1"); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), i18n.Chinese.T("catalog.unassessed")) || d.inForce() != 1 {
			t.Errorf("approved without an assessment: %d", w.Code)
		}
		d.assess(path)
		if w := boss.post(path+"/decide", "verdict", "approved", "hash", boss.hashOf(path), "against", "1", "words", "已核对"); w.Code != http.StatusSeeOther {
			t.Fatalf("approved: %d %s", w.Code, shown.ReplaceAllString(w.Body.String(), " "))
		}
		if n := d.inForce(); n != 2 {
			t.Errorf("in force is %d", n)
		}
		if page := writes.get(path + "?lang=en").Body.String(); !strings.Contains(page, i18n.English.T("console.charters.state.in_force")) || !strings.Contains(page, "已核对") {
			t.Error("the page doesn't say that it is in force, and what was written")
		}

		back := boss.proposes(written(t, "xiaoxi-english", asIs))
		hash := second.hashOf(back)
		if w := boss.post(back+"/decide", "verdict", "approved", "hash", hash, "against", "2"); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), i18n.Chinese.T("catalog.own_proposal")) {
			t.Errorf("one's own: %d", w.Code)
		}
		if n := (&office{desk: d}).written(officer, staff.KindTried); n != 1 {
			t.Errorf("that somebody tried is in the ledger %d times", n)
		}
		if w := second.post(back+"/decide", "verdict", "approved", "hash", hash, "against", "1"); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), i18n.Chinese.T("catalog.moved_on")) {
			t.Errorf("compared with another: %d", w.Code)
		}
		if w := second.post(back+"/decide", "verdict", "refused"); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("without a word: %d", w.Code)
		}
		if w := second.post(back+"/decide", "verdict", "refused", "words", "保存期限太长"); w.Code != http.StatusSeeOther {
			t.Errorf("refused: %d", w.Code)
		}
		if page := boss.get(back).Body.String(); !strings.Contains(page, "保存期限太长") {
			t.Error("who has proposed it doesn't read why it was refused")
		}
		if n := d.inForce(); n != 2 {
			t.Errorf("in force is %d", n)
		}
		for _, at := range []string{"/0", "/7", "/x", "/01", "/-1", "/99999999999999999999"} {
			if w := boss.get(charters + at); w.Code != http.StatusNotFound {
				t.Errorf("version %s: %d", at, w.Code)
			}
		}
		if w := boss.get("/console/charters/another"); w.Code != http.StatusNotFound {
			t.Errorf("another service: %d", w.Code)
		}
		if r, err := replay.Audit(t.Context(), d.Store, d.Ring, catalog.NewCache(4), replay.Options{}); err != nil || len(r.Differences) != 0 {
			t.Errorf("%+v, %v", r.Differences, err)
		}
	})
}

// What an administrator changes in the row of a proposal, between the page and the button,
// doesn't come into force, and that somebody tried is in the ledger.
func TestInvariant11_NoChangedProposalIsApproved(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		officer := d.hire(staff.Officer)
		writes, boss := d.browser(d.hire(staff.Engineer).Secret), d.browser(officer.Secret)
		path := writes.proposes(written(t, "xiaoxi-english-v2", asIs))
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE charter SET canonical = (SELECT canonical FROM charter WHERE number = 1), hash = (SELECT hash FROM charter WHERE number = 1) WHERE number = 2`)
			return err
		})
		if page := boss.get(path).Body.String(); !strings.Contains(page, i18n.Chinese.T("catalog.proposal_forged")) {
			t.Error("the page says nothing")
		}
		if w := boss.post(path+"/decide", "verdict", "approved", "hash", boss.hashOf(path), "against", "1"); w.Code != http.StatusConflict || d.inForce() != 1 {
			t.Errorf("approved: %d", w.Code)
		}
		if n := (&office{desk: d}).written(officer, staff.KindTried); n != 1 {
			t.Errorf("%d entries", n)
		}
	})
}

// What somebody made of a proposal by hand may be no charter any more: its page says so,
// who tries to approve it is in the ledger, and it can be refused.
func TestInvariant11_ADamagedProposalIsRefused(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		officer := d.hire(staff.Officer)
		writes, boss := d.browser(d.hire(staff.Engineer).Secret), d.browser(officer.Secret)
		path := writes.proposes(written(t, "xiaoxi-english-v2", asIs))
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE charter SET canonical = $1 WHERE number = 2`, []byte("{"))
			return err
		})
		w := boss.get(path)
		if page := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(page, i18n.Chinese.T("catalog.proposal_forged")) ||
			strings.Contains(page, `value="approved"`) || !strings.Contains(page, `value="refused"`) {
			t.Errorf("the page: %d", w.Code)
		}
		if w := boss.post(path+"/decide", "verdict", "approved", "hash", "x", "against", "1"); w.Code != http.StatusConflict || d.inForce() != 1 {
			t.Errorf("approved: %d", w.Code)
		}
		if n := (&office{desk: d}).written(officer, staff.KindTried); n != 1 {
			t.Errorf("%d entries", n)
		}
		if w := boss.post(path+"/decide", "verdict", "refused", "words", "不"); w.Code != http.StatusSeeOther {
			t.Errorf("refused: %d", w.Code)
		}
		if w := boss.get(path); w.Code != http.StatusOK {
			t.Errorf("after that: %d", w.Code)
		}
	})
}

// The history is read page by page, however long it is.
func TestInvariant7_ACharterThatWasChangedByHandIsSaidToBe(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		boss := d.browser(d.hire(staff.Officer).Secret)
		path := d.browser(d.hire(staff.Engineer).Secret).proposes(written(t, "xiaoxi-english-v2", asIs))
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			return tx.Queue(ctx, `UPDATE charter SET canonical = $1, words = $1 WHERE number = 1`, []byte("{"))
		})
		d.Vault.Gate.Charters = nil // another process remembers nothing
		for page, key := range map[string]string{path: "lost", charters + "/1": "damaged", charters: "damaged", "/console/charters": "damaged"} {
			w := boss.get(page + "?lang=en")
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), template(i18n.English.T("console.charters."+key, "Number", 1))) {
				t.Errorf("%s: %d", page, w.Code)
			}
		}
		if w := boss.get("/console/due"); w.Code != http.StatusOK {
			t.Errorf("the list of clocks: %d", w.Code)
		}
	})
}

// Who has proposed a charter takes it back, and nobody else does; what is taken back waits
// in nobody's list.
func TestArticle8_AProposalIsTakenBackThroughThePages(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		writes, boss := d.browser(d.hire(staff.Engineer).Secret), d.browser(d.hire(staff.Officer).Secret)
		path := writes.proposes(written(t, "xiaoxi-english-v2", asIs))
		due := func() bool { return strings.Contains(boss.get("/console/due?kind=charter").Body.String(), path) }
		if !due() || strings.Contains(boss.get("/console/due?kind=charter").Body.String(), `<strong class="badge">`) {
			t.Error("it isn't in the list, or said to be late")
		}
		if strings.Contains(boss.get(path).Body.String(), "/takeback") || !strings.Contains(writes.get(path).Body.String(), "/takeback") {
			t.Error("who may take it back")
		}
		if w := boss.post(path + "/takeback?lang=en"); w.Code != http.StatusForbidden {
			t.Errorf("by another: %d", w.Code)
		}
		if w := writes.post(path + "/takeback"); w.Code != http.StatusSeeOther {
			t.Fatalf("taken back: %d %s", w.Code, w.Body)
		}
		if page := boss.get(path + "?lang=en").Body.String(); !strings.Contains(page, i18n.English.T("console.charters.state.taken_back")) || strings.Contains(page, `value="approved"`) || due() {
			t.Error("it waits still")
		}
		if w := writes.post(path + "/takeback"); w.Code != http.StatusConflict {
			t.Errorf("twice: %d", w.Code)
		}
	})
}

func TestALongHistoryOfChartersIsPages(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b := d.browser(d.hire(staff.Auditor).Secret)
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			for n := 2; n <= 45; n++ {
				err := tx.Queue(ctx, `
					INSERT INTO charter (service, number, hash, canonical, proposed_at, proposed_by, touches, refused_at, published_by, decided_by, bound)
					SELECT service, $1, hash, canonical, proposed_at, proposed_by, touches, proposed_at, '', '', bound FROM charter WHERE number = 1`, int64(n))
				if err != nil {
					return err
				}
			}
			return nil
		})
		seen, from := 0, ""
		for pages := 1; ; pages++ {
			page := b.get(charters + "?lang=en&from=" + from).Body.String()
			for n := range 46 {
				if strings.Contains(page, `href="`+charters+"/"+strconv.Itoa(n)+`?`) {
					seen++
				}
			}
			next := olderOnes.FindStringSubmatch(page)
			if next == nil {
				if seen != 45 || pages != 3 {
					t.Errorf("%d versions on %d pages", seen, pages)
				}
				return
			}
			from = next[1]
		}
	})
}

// The pages of charters are as they were: make golden writes them again.
func TestPagesOfCharters(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		writes, boss := d.browser(d.hire(staff.Engineer).Secret), d.browser(d.hire(staff.Officer).Secret)
		check := func(name string, b *browser, at string) {
			t.Helper()
			for _, lang := range i18n.Langs {
				d.isGolden(name+"."+string(lang)+".html", b.get(at+"?lang="+string(lang)))
			}
		}
		check("charters", boss, "/console/charters")
		check("charter-empty", boss, charters)
		check("registers", boss, "/console/register")
		check("register", boss, registerAt)
		check("draft", writes, charters+"/new")
		wrong := written(t, "xiaoxi-english-v2", func(_, text string) string { return strings.Replace(text, "country: CN", "country: China", 1) })
		for _, lang := range i18n.Langs {
			d.isGolden("draft-wrong."+string(lang)+".html", writes.sends(charters+"/new?lang="+string(lang), sheet{values: wrong}))
		}
		path := writes.proposes(written(t, "xiaoxi-english-v2", asIs))
		check("charter", writes, charters)
		check("version-waiting", boss, path)
		check("version-mine", writes, path)
		if w := boss.post(path+"/decide", "verdict", "refused", "words", "保存期限太长"); w.Code != http.StatusSeeOther {
			t.Fatalf("refused: %d", w.Code)
		}
		check("version-refused", writes, path)
		check("offices", boss, "/console/offices")
		check("office-empty", boss, officeAt)
		boss.sends(officeAt+"/records", sheet{values: map[string]string{"officer": d.Officer.ID, "kind": "training", "day": "2026-01-05", "title": "未成年人网络保护培训"},
			files: map[string]upload{"document": {"证书.pdf", "%PDF-1.7 证书"}}})
		check("office", boss, officeAt)
	})
}

// wholeText is the one golden file that has a charter and its documents as they are: others
// have the first line of each, and how many follow.
const wholeText = "version-waiting.zh-CN.html"

var source = regexp.MustCompile(`(?s)<(pre|textarea)[^>]* class="source"[^>]*>.*?</(pre|textarea)>`)

func shortened(text string) string {
	lines := strings.SplitAfter(text, "\n")
	first, last := lines[0], text[strings.LastIndex(text, "</"):]
	if len(lines) > 1 && strings.HasSuffix(first, ">\n") { // a textarea begins on the next line
		first += lines[1]
	}
	return fmt.Sprintf("%s… %d lines …%s", first, len(lines), last)
}

// What went and came in the rules and in the agreement is shown in its own words: make
// golden writes it again.
func TestPagesOfChangedRules(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		writes := d.browser(d.hire(staff.Engineer).Secret)
		path := writes.proposes(written(t, "xiaoxi-english", func(name, text string) string {
			switch name {
			case "rules.zh-CN.md":
				return oneLine(text, "我们每月检查一次<谁>看过孩子的信息。")
			case "agreement.en.md":
				return oneLine(text, "We check every month who <has> looked.")
			}
			return text
		}))
		for _, lang := range i18n.Langs {
			_, plan, _ := strings.Cut(writes.get(path+"?lang="+string(lang)).Body.String(), `<section aria-labelledby="plan">`)
			plan, _, found := strings.Cut(plan, "</section>")
			if !found {
				t.Fatal("the page has no comparison")
			}
			golden(t, "version-lines."+string(lang)+".html", plan)
		}
	})
}

// oneLine is a text with another line in the place of the first that is no heading.
func oneLine(text, line string) string {
	lines := strings.Split(text, "\n")
	i := slices.IndexFunc(lines, func(l string) bool { return l != "" && !strings.HasPrefix(l, "#") })
	lines[i] = line
	return strings.Join(lines, "\n")
}

// isGolden compares a page with its golden file.
func (d *desk) isGolden(name string, w *httptest.ResponseRecorder) {
	d.T.Helper()
	body := w.Body.String()
	for _, c := range changes {
		body = c.what.ReplaceAllString(body, c.as)
	}
	if w.Code != http.StatusOK && w.Code != http.StatusUnprocessableEntity {
		d.T.Errorf("%s: %d", name, w.Code)
	}
	if name != wholeText {
		body = source.ReplaceAllStringFunc(body, shortened)
	}
	golden(d.T.(*testing.T), name, body)
}
