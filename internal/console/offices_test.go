package console_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/replay"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/web"
)

const (
	officeAt = "/console/offices/" + vaulttest.Service
	letter   = "%PDF-1.7 任命书：周远"
)

func appointing(role, name string) sheet {
	return sheet{values: map[string]string{"role": role, "to": "other", "name": name, "contact": "010-12345678"}, files: map[string]upload{"document": {"任命书.pdf", letter}}}
}

// put tries to collect a value of a child.
func (d *desk) put(c family.Child) error {
	return d.Try(func(ctx context.Context, tx *db.Tx) error {
		_, err := d.Vault.Put(ctx, tx, d.By(), vaulttest.Service, c.ID, purpose, map[string]pii.Text{"nickname": pii.New("小鱼儿")})
		return err
	})
}

// Article 8, through HTTP: a vacancy closes the gate at once, whoever holds the other
// office fills it with a document, and then it is open again.
func TestArticle8_AVacancyClosesTheGateUntilItIsFilled(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child := d.Child()
		put := func() error { return d.put(child) }
		boss, second := d.browser(d.hire(staff.Officer).Secret), d.browser(d.hire(staff.Deputy).Secret)
		if err := put(); err != nil {
			t.Fatal(err)
		}
		if w := boss.sends(officeAt+"/fill", appointing("deputy", "王芳")); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), i18n.Chinese.T("catalog.office_held")) {
			t.Errorf("somebody else is put out of office: %d", w.Code)
		}
		if w := second.post(officeAt + "/laydown"); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("laid down by one press: %d", w.Code)
		}
		if w := second.post(officeAt+"/laydown", "typed", vaulttest.Service); w.Code != http.StatusSeeOther {
			t.Fatalf("laid down: %d", w.Code)
		}
		if err := put(); err == nil {
			t.Error("something is collected while an office is vacant")
		}
		if got := outcome(second.get(officeAt)); got != mayNot {
			t.Errorf("who laid it down still sees it: %s", got)
		}
		if page := boss.get(officeAt).Body.String(); !strings.Contains(page, i18n.Chinese.T("console.offices.closed")) || !strings.Contains(page, i18n.Chinese.T("console.offices.vacant.deputy")) {
			t.Error("the page doesn't say that the gate is closed")
		}
		bare := appointing("deputy", "王芳")
		bare.files = nil
		if w := boss.sends(officeAt+"/fill", bare); w.Code != http.StatusUnprocessableEntity || put() == nil {
			t.Errorf("without a document: %d", w.Code)
		}
		script := appointing("deputy", "王芳")
		script.files["document"] = upload{"任命书.pdf", "<script>alert(1)</script>"}
		if w := boss.sends(officeAt+"/fill", script); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("a page for a document: %d", w.Code)
		}
		if w := boss.sends(officeAt+"/fill", appointing("deputy", "王芳")); w.Code != http.StatusSeeOther {
			t.Fatalf("filled: %d %s", w.Code, shown.ReplaceAllString(w.Body.String(), " "))
		}
		if err := put(); err != nil {
			t.Errorf("the gate is closed still: %v", err)
		}
		d.replays()
	})
}

func (d *desk) replays() {
	d.T.Helper()
	if r, err := replay.Audit(d.T.Context(), d.Store, d.Ring, catalog.NewCache(4), replay.Options{}); err != nil || len(r.Differences) != 0 {
		d.T.Errorf("%+v, %v", r.Differences, err)
	}
}

// An office passes on with a document: to somebody else, or to the deputy, whose account
// follows. Whoever handed it over may nothing more.
func TestArticle8_AnOfficeIsHandedOver(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		boss, second := d.browser(d.hire(staff.Officer).Secret), d.browser(d.hire(staff.Deputy).Secret)
		deputy := appointing("", "")
		deputy.values = map[string]string{"to": "deputy"}
		if w := second.sends(officeAt+"/handover", deputy); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("the deputy to the deputy: %d", w.Code)
		}
		if w := boss.sends(officeAt+"/handover", deputy); w.Code != http.StatusSeeOther {
			t.Fatalf("handed over: %d %s", w.Code, shown.ReplaceAllString(w.Body.String(), " "))
		}
		if got := outcome(boss.get(officeAt)); got != mayNot {
			t.Errorf("who handed it over: %s", got)
		}
		page := second.get(officeAt).Body.String()
		if !strings.Contains(page, i18n.Chinese.T("console.offices.vacant.deputy")) || !strings.Contains(page, i18n.Chinese.T("console.offices.fill.deputy")) {
			t.Errorf("the new officer can't fill the deputy's office: %s", shown.ReplaceAllString(page, " "))
		}
		if w := second.sends(officeAt+"/fill", appointing("deputy", "王芳")); w.Code != http.StatusSeeOther {
			t.Errorf("filled: %d", w.Code)
		}
		if w := second.sends(officeAt+"/handover", appointing("", "赵敏")); w.Code != http.StatusSeeOther {
			t.Errorf("handed on: %d", w.Code)
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			o, err := catalog.Holder(ctx, tx, vaulttest.Service, catalog.RoleOfficer)
			if o.Name != "赵敏" {
				t.Errorf("%s is in office", o.Name)
			}
			return err
		})
		d.replays()
	})
}

// public is what anybody reads of the service's rules.
func (d *desk) public() string {
	d.T.Helper()
	pages := &web.Server{Store: d.Store, Ring: d.Ring, Vault: d.Vault, Charters: d.Desk.Charters, PublicURL: "https://home.example", Log: slog.New(slog.DiscardHandler)}
	w := httptest.NewRecorder()
	pages.Handler().ServeHTTP(w, httptest.NewRequest("GET", "https://home.example/rules/"+vaulttest.Service, nil))
	if w.Code != http.StatusOK {
		d.T.Fatalf("the rules: %d", w.Code)
	}
	return w.Body.String()
}

// Article 8: who is in office, and how they are reached, is public, at once: whoever reads
// the rules finds the one who is, and nobody who was.
func TestArticle8_WhoIsInOfficeIsPublic(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		boss, second := d.browser(d.hire(staff.Officer).Secret), d.browser(d.hire(staff.Deputy).Secret)
		says := func(when string, wants, misses []string) {
			t.Helper()
			page := d.public()
			for _, want := range wants {
				if !strings.Contains(page, want) {
					t.Errorf("%s: the rules don't say %q", when, want)
				}
			}
			for _, former := range misses {
				if strings.Contains(page, former) {
					t.Errorf("%s: the rules still say %q", when, former)
				}
			}
		}
		says("at first", []string{"林静", "lin@xiaoxi-english.example"}, nil)
		if w := boss.post(officeAt+"/contact", "contact", "010-87654321"); w.Code != http.StatusSeeOther {
			t.Fatalf("reached elsewhere: %d", w.Code)
		}
		says("reached elsewhere", []string{"林静", "010-87654321"}, []string{"lin@xiaoxi-english.example"})
		if w := boss.post(officeAt+"/contact", "contact", " "); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("reached nowhere: %d", w.Code)
		}
		says("after a mistake", []string{"010-87654321"}, nil)
		next := appointing("", "赵敏")
		next.values["contact"] = "400-123-4567"
		if w := boss.sends(officeAt+"/handover", next); w.Code != http.StatusSeeOther {
			t.Fatalf("handed over: %d %s", w.Code, shown.ReplaceAllString(w.Body.String(), " "))
		}
		says("handed over", []string{"赵敏", "400-123-4567"}, []string{"林静", "010-87654321"})
		if w := second.post(officeAt+"/laydown", "typed", vaulttest.Service); w.Code != http.StatusSeeOther {
			t.Fatalf("laid down: %d", w.Code)
		}
		says("laid down", []string{"赵敏"}, []string{"周远", "zhou@xiaoxi-english.example"})
	})
}

// What proves an appointment and a training is kept sealed, is given to who may see it,
// and its hash is in the ledger.
func TestArticle8_RecordsOfAnOfficeAreKept(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		reader := d.hire(staff.Auditor)
		boss, auditor, manager := d.browser(d.hire(staff.Officer).Secret), d.browser(reader.Secret), d.browser(d.hire(staff.Manager).Secret)
		training := sheet{values: map[string]string{"officer": d.Officer.ID, "kind": "training", "day": "2026-01-05", "title": "培训"}, files: map[string]upload{"document": {"a.pdf", letter}}}
		for name, c := range map[string]struct{ field, value string }{
			"a day to come": {"day", "2999-01-01"}, "no day": {"day", "x"}, "no title": {"title", " "}, "another kind": {"kind", "x"},
		} {
			was := training.values[c.field]
			training.values[c.field] = c.value
			if w := boss.sends(officeAt+"/records", training); w.Code != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d", name, w.Code)
			}
			training.values[c.field] = was
		}
		nobody := sheet{values: map[string]string{"officer": "st_x", "kind": "training", "day": "2026-01-05", "title": "培训"}}
		if w := boss.sends(officeAt+"/records", nobody); w.Code != http.StatusNotFound {
			t.Errorf("about nobody: %d", w.Code)
		}
		if w := boss.sends(officeAt+"/records", training); w.Code != http.StatusSeeOther {
			t.Fatalf("kept: %d %s", w.Code, shown.ReplaceAllString(w.Body.String(), " "))
		}
		path := regexp.MustCompile(officeAt + `/records/ro_[0-9a-z]{26}`).FindString(boss.get(officeAt).Body.String())
		if w := auditor.post(path); w.Code != 200 || w.Body.String() != letter || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("an auditor: %d %v", w.Code, w.Header())
		}
		if n := (&office{desk: d}).written(reader, staff.KindExported); n != 1 {
			t.Errorf("a document was taken away, and %d are on record", n)
		}
		if w := auditor.get(path); w.Code == http.StatusOK {
			t.Error("a document leaves by a link")
		}
		if got := outcome(manager.post(path)); got != mayNot {
			t.Errorf("a manager: %s", got)
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			sealed, err := db.One(ctx, tx, db.Single[[]byte], `SELECT document FROM officer_record`)
			if bytes.Contains(sealed, []byte("任命书")) || len(sealed) == 0 {
				t.Error("the document is in plain")
			}
			return err
		})
		if w := boss.post(officeAt+"/contact", "contact", "010-87654321"); w.Code != http.StatusSeeOther {
			t.Errorf("reached elsewhere: %d", w.Code)
		}
		if w := boss.post(officeAt+"/contact", "contact", " "); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("reached nowhere: %d", w.Code)
		}
		if page := boss.get(officeAt).Body.String(); !strings.Contains(page, "010-87654321") {
			t.Error("the contact is the former one")
		}
		d.replays()
	})
}
