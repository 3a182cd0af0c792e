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
		boss := d.browser(signintest.Hire(d.T, d.Store, d.console.Door(), "林静", grant).Secret)
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
			return sheet{values: map[string]string{"dated": year + "-11-01", "authority": "某市网信办", "reason": reason}, files: map[string]upload{"document": {"回执.pdf", letter}}}
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
		for _, reason := range []string{"", "报错了部门"} {
			if w := boss.sends(path, form(reason)); w.Code != http.StatusSeeOther {
				t.Fatalf("filed: %d %s", w.Code, w.Body)
			}
		}
		o.check("audit-filed", boss, path)
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
