package console_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
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
		if w := boss.sends(officeAt+"/fill", bare); w.Code != http.StatusUnprocessableEntity || put() == nil || !strings.Contains(w.Body.String(), `value="王芳"`) || !strings.Contains(w.Body.String(), `value="010-12345678"`) {
			t.Errorf("without a document: %d, and what was typed is lost: %s", w.Code, w.Body)
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
		holds := func(name string) {
			t.Helper()
			d.Do(func(ctx context.Context, tx *db.Tx) error {
				o, err := catalog.Holder(ctx, tx, vaulttest.Service, catalog.RoleOfficer)
				if o.Name != name {
					t.Errorf("%s is in office", o.Name)
				}
				return err
			})
		}
		manager := d.browser(d.hire(staff.Manager).Secret)
		if got := outcome(manager.sends(officeAt+"/handover", appointing("", "赵敏"))); got != mayNot {
			t.Errorf("by whom it isn't: %s", got)
		}
		bare, script, unnamed, unreached, both, bareDeputy := appointing("", "赵敏"), appointing("", "赵敏"), appointing("", " "), appointing("", "赵敏"), appointing("", "周远"), deputy
		bare.files, bareDeputy.files = nil, nil
		script.files["document"] = upload{"任命书.pdf", "<script>alert(1)</script>"}
		unreached.values["contact"] = " "
		both.values["contact"] = "zhou@xiaoxi-english.example"
		for name, form := range map[string]sheet{
			"without a document": bare, "with a page for a document": script, "to nobody": unnamed, "to whom nobody reaches": unreached,
			"to who is deputy, and stays it": both, "to the deputy, without a document": bareDeputy,
		} {
			w := boss.sends(officeAt+"/handover", form)
			if w.Code != http.StatusUnprocessableEntity && w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "<details open><summary>"+i18n.Chinese.T("console.offices.hand")) {
				t.Errorf("%s: %d, or the form is out of sight", name, w.Code)
			}
			holds("林静")
		}
		if w := boss.sends(officeAt+"/handover", deputy); w.Code != http.StatusSeeOther {
			t.Fatalf("handed over: %d %s", w.Code, shown.ReplaceAllString(w.Body.String(), " "))
		}
		if got := outcome(boss.get(officeAt)); got != mayNot {
			t.Errorf("who handed it over: %s", got)
		}
		if got := outcome(boss.sends(officeAt+"/fill", appointing("deputy", "王芳"))); got != mayNot {
			t.Errorf("who handed it over fills an office: %s", got)
		}
		holds("周远")
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
		holds("赵敏")
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			n, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM officer_record WHERE kind = $1 AND file = $2`, catalog.Appointment, "application/pdf")
			if n != 3 {
				t.Errorf("three were appointed, by %d documents", n)
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
			w := boss.sends(officeAt+"/records", training)
			if w.Code != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d", name, w.Code)
			}
			for field, typed := range training.values {
				if kept := (field == "officer" || field == "kind") && strings.Contains(w.Body.String(), `<option value="`+typed+`" selected`) || strings.Contains(w.Body.String(), ` value="`+typed+`"`); !kept && strings.TrimSpace(typed) != "" && c.field != "kind" {
					t.Errorf("%s: what was typed as %s is lost", name, field)
				}
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
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			r, _, err := catalog.FindRecord(ctx, tx, d.Ring, vaulttest.Service, lastOf(path))
			if err != nil {
				return err
			}
			if sum := sha256.Sum256([]byte(letter)); r.Hash != hex.EncodeToString(sum[:]) {
				t.Errorf("the hash is of another document: %s", r.Hash)
			}
			var marks []string
			err = ledger.Pending(ctx, tx, func(p ledger.Placed) error {
				var b catalog.RecordedBody
				if p.Kind != catalog.KindRecorded {
					return nil
				}
				err := p.Into(&b)
				marks = append(marks, b.Mark)
				return err
			})
			if !slices.Equal(marks, []string{r.Mark()}) {
				t.Errorf("the ledger has %q of %q", marks, r.Mark())
			}
			return err
		})
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
