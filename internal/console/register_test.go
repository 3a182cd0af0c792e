package console_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

const registerAt = "/console/register/" + vaulttest.Service

// Article 3: the register is what the charter in force says when the page is opened, with
// its parties as a list and how many children each purpose has; so is the file of it.
func TestArticle3_TheRegisterInTheConsole(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.Child()
		d.Engage(d.Store.Now().Add(24 * time.Hour))
		boss, stranger := d.browser(d.hire(staff.Manager).Secret), d.browser(d.elsewhere(staff.Worker).Secret)
		before := boss.get(registerAt + "?lang=en").Body.String()
		if !strings.Contains(before, d.Charter.Hash()) || !strings.Contains(before, i18n.English.T("console.register.children", "Count", 1, "At", "")[:30]) || strings.Contains(before, vaulttest.Successor) {
			t.Errorf("%s", shown.ReplaceAllString(before, " "))
		}
		// Articles 16 and 17: it says what each party stands on beside the charter.
		nobody := i18n.English.T("console.register.unregistered")
		if !strings.Contains(before, i18n.English.T("cmd.party.state.active")+`<br><small class="when">assessed until `) || strings.Contains(before, nobody) {
			t.Error("the register doesn't say how the processor stands")
		}
		next := vaulttest.Takeover(d.Charter)
		d.Publish(next)
		if after := boss.get(registerAt + "?lang=en").Body.String(); !strings.Contains(after, next.Hash()) || !strings.Contains(after, nobody) || !strings.Contains(after, vaulttest.Successor) {
			t.Error("the new charter isn't in the register")
		}
		if w := boss.get("/console/register?lang=en"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), registerAt) {
			t.Errorf("the list: %d", w.Code)
		}
		if w := stranger.get(registerAt); w.Code != http.StatusNotFound {
			t.Errorf("another service's: %d", w.Code)
		}
		file := boss.post("/console/register/csv?lang=en", "filter", "service="+vaulttest.Service)
		rows, does := rowsOf(t, file.Body.Bytes()), 0
		for _, p := range next.Purposes {
			does += len(p.Activities)
		}
		if file.Code != http.StatusOK || len(rows)-1 < does || !strings.Contains(file.Body.String(), "privacy@haixing.example") {
			t.Errorf("the file: %d, %d rows, want %d", file.Code, len(rows)-1, does)
		}
		if strings.Contains(before+file.Body.String(), nickname) {
			t.Error("the register tells of a child")
		}
	})
}
