package console_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// Article 22: an audit that is owed is led to from what is due and from the board, is filed with
// its receipt by who is in office, and corrected with a reason; who only looks, or is of another
// service, files nothing.
func TestArticle22_AYearlyAuditIsFiledAtTheConsole(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := &office{desk: d, ref: "of-nothing"}
		d.PassTo("03-01")
		held, _ := d.Launch()
		year := strconv.FormatInt(d.PassTo("11-02"), 10)
		var grant staff.Grant
		d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			grant, err = staff.OfOffice(ctx, tx, vaulttest.LiveService, held.ID)
			return err
		})
		lin := signintest.Hire(d.T, d.Store, d.console.Door(), "林静", grant)
		boss := d.browser(lin.Secret)
		auditor, other := d.browser(d.hire(staff.Auditor).Secret), d.browser(d.hire(staff.Officer).Secret)
		path := "/console/yearly/" + vaulttest.LiveService + "/" + year
		for _, at := range []string{"/console/yearly", "/console/due?kind=yearly"} {
			if page := boss.get(at).Body.String(); !strings.Contains(page, path+"?") {
				t.Errorf("%s doesn't lead to it: %s", at, page)
			}
		}
		o.check("yearly-open", boss, "/console/yearly")
		o.check("audit-open", boss, path)
		form := func(reason string) sheet {
			return sheet{values: map[string]string{"pack": "1", "dated": year + "-11-01", "authority": "某市网信办", "reason": reason}, files: map[string]upload{"document": {"回执.pdf", letter}}}
		}
		late := form("")
		late.values["dated"] = year + "-10-31"
		for name, c := range map[string]struct {
			by   *browser
			form sheet
			code int
			says string
		}{
			"on a day before it opens": {boss, late, http.StatusUnprocessableEntity, "yearly.day_invalid"},
			"without a receipt":        {boss, sheet{values: form("").values}, http.StatusUnprocessableEntity, "yearly.receipt_invalid"},
			"by who only looks":        {auditor, form(""), http.StatusForbidden, ""},
			"by another's officer":     {other, form(""), http.StatusForbidden, ""},
		} {
			if w := c.by.sends(path, c.form); w.Code != c.code || !strings.Contains(w.Body.String(), i18n.Chinese.T(c.says)) && c.says != "" {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		o.draws(lin, boss, auditor, other, path)
		for _, reason := range []string{"", "报错了部门"} {
			if w := boss.sends(path, form(reason)); w.Code != http.StatusSeeOther {
				t.Fatalf("filed: %d %s", w.Code, w.Body)
			}
		}
		o.check("audit-filed", boss, path)
		if page := boss.get(path).Body.String(); !strings.Contains(page, path+"/packs/1?") || strings.Count(page, "/packs/1?") != 3 {
			t.Errorf("both filings and the list lead to what was handed in: %s", page)
		}
		if w := other.get(path); w.Code != http.StatusNotFound {
			t.Errorf("another's officer sees it: %d", w.Code)
		}
		if page := boss.get("/console/due?kind=yearly").Body.String(); strings.Contains(page, path) {
			t.Error("it is due still")
		}
		if w := boss.post(path + "/receipts/1"); w.Code != http.StatusOK || w.Body.String() != string(letter) {
			t.Errorf("the receipt: %d", w.Code)
		}
		want := fmt.Sprintf("%s,%s,filed,%d-01-31,%s-11-01,", vaulttest.LiveService, year, d.Store.Now().Year()+1, year)
		if file := boss.post("/console/yearly/csv?lang=en", "filter", "").Body.String(); !strings.Contains(file, want) || !strings.HasSuffix(strings.TrimSpace(file), ",0,0,1") {
			t.Errorf("the file: %s", file)
		}
		d.audited()
	})
}

// draws draws up what is handed in: filled in beforehand, refused where the board says otherwise, shown
// to be printed, and taken away as a zip by who may see it, which is recorded.
func (o *office) draws(lin *signintest.Insider, boss, auditor, other *browser, path string) {
	t := o.T
	t.Helper()
	o.check("pack-new", boss, path+"/new")
	for name, c := range map[string]struct {
		by     *browser
		values map[string]string
		code   int
		says   string
	}{
		"by who only looks":          {auditor, nil, http.StatusForbidden, ""},
		"by another's officer":       {other, nil, http.StatusForbidden, ""},
		"with a code that isn't one": {boss, map[string]string{"registration": "9111"}, http.StatusUnprocessableEntity, "dossier.registration_invalid"},
		"against the board":          {boss, map[string]string{"conclusion": "conforms"}, http.StatusConflict, "dossier.conclusion_contradicted"},
	} {
		if w := c.by.sends(path+"/new", sheet{values: c.values}); w.Code != c.code || !strings.Contains(w.Body.String(), i18n.Chinese.T(c.says)) && c.says != "" {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	w := boss.sends(path+"/new", sheet{values: map[string]string{"operator": "小溪英语", "conclusion": "partly", "total": "12"}})
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), path+"/packs/1") {
		t.Fatalf("drawn up: %d %s", w.Code, w.Header().Get("Location"))
	}
	o.check("pack", boss, path+"/packs/1")
	if page := boss.get(path + "/packs/1").Body.String(); !strings.Contains(page, "小溪英语") || !strings.Contains(page, i18n.Chinese.T("console.board.figure.plan_none")) {
		t.Errorf("it says: %s", page)
	}
	before := o.written(lin, staff.KindExported)
	file := boss.post(path + "/packs/1/zip")
	if file.Code != http.StatusOK || file.Header().Get("Content-Type") != "application/zip" || !strings.HasPrefix(file.Body.String(), "PK") || o.written(lin, staff.KindExported) != before+1 {
		t.Errorf("the zip: %d %v, %d were recorded", file.Code, file.Header(), o.written(lin, staff.KindExported)-before)
	}
	for by, at := range map[*browser]string{boss: "/packs/2", other: "/packs/1"} {
		if w := by.get(path + at); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", at, w.Code)
		}
	}
}
