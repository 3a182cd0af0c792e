package console_test

import (
	"strings"
	"testing"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/staff"
)

// Article 15: whoever holds an office says on their own page where they are told of alarms.
// Who holds none isn't asked for an address.
func TestArticle15_WhereAlarmsAreSentIsSaidAtTheAccount(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		boss := d.hire(staff.Officer)
		in := d.browser(boss.Secret)
		const page = "/console/account?lang=en"
		if text := in.get(page).Body.String(); !strings.Contains(text, template(i18n.English.T("console.reach.none"))) {
			t.Error("that there is no address isn't said")
		}
		if text := o.asks.get(page).Body.String(); strings.Contains(text, template(i18n.English.T("console.reach.title"))) {
			t.Error("who holds no office is asked for an address")
		}
		if w := in.post("/console/account/reach?lang=en", "address", "lin"); w.Code != 422 || !strings.Contains(w.Body.String(), template(i18n.English.T("staff.address_invalid"))) {
			t.Errorf("no address: %d", w.Code)
		}
		if w := in.post("/console/account/reach?lang=en", "address", "lin@office.example"); w.Code != 303 || o.written(boss, staff.KindReached) != 1 {
			t.Fatalf("an address: %d", w.Code)
		}
		if text := in.get(page).Body.String(); !strings.Contains(text, "lin@office.example") {
			t.Error("the address isn't shown")
		}
		if w := in.post("/console/account/reach?lang=en", "address", "lin@office.example"); w.Code != 409 {
			t.Errorf("the same: %d", w.Code)
		}
		if w := in.post("/console/account/reach/end?lang=en"); w.Code != 303 || o.written(boss, staff.KindUnreached) != 1 {
			t.Fatalf("removed: %d", w.Code)
		}
		if w := in.post("/console/account/reach/end?lang=en"); w.Code != 404 {
			t.Errorf("removed twice: %d", w.Code)
		}
	})
}
