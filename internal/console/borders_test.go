package console_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/party"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

const storageAt = "/console/parties/" + vaulttest.Service + "/storage/storage"

// Edge case 20: what leaves the country is on one page, with how many children had something
// leave it, and can be taken away; a storage abroad is on the register, and its page asks for the
// one paper that it stands on.
func TestEdgeCase20_WhatLeavesTheCountryIsOnOnePage(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.StoreAbroad(charter.StandardContract, d.Store.Now().Add(29*24*time.Hour))
		child := d.Proved()
		d.Put(child, "course-progress", "weekly_score", "77")
		o, boss := &office{desk: d, ref: "nobody"}, d.browser(d.hire(staff.Officer).Secret)
		o.check("borders", boss, "/console/borders")
		o.check("party-storage", boss, storageAt)
		o.check("register-abroad", boss, registerAt)
		for form, want := range map[string]int{"mechanism": http.StatusOK, "identity": http.StatusOK, "assessment": http.StatusNotFound, "agreement": http.StatusNotFound, "check": http.StatusNotFound} {
			if w := boss.get(storageAt + "/" + form); w.Code != want {
				t.Errorf("the form %s of a storage: %d", form, w.Code)
			}
		}
		file := boss.post("/console/borders/csv?lang=en", "filter", "service="+vaulttest.Service)
		lines := strings.Split(strings.TrimSpace(file.Body.String()), "\n")
		if want := 1 + len(d.Charter.Purposes); file.Code != http.StatusOK || len(lines) != want || !strings.Contains(lines[1], ",standard_contract,12,standard_contract,") || !strings.Contains(lines[1], ",29,holds,") {
			t.Errorf("%d, %d lines, want %d:\n%s", file.Code, len(lines), want, file.Body)
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Suspend(ctx, tx, d.Officer, party.StorageOf(vaulttest.Service), party.Authority)
			return err
		})
		if file = boss.post("/console/borders/csv?lang=en", "filter", "service="+vaulttest.Service); strings.Count(file.Body.String(), ",29,nothing that holds: the gate denies,") != len(d.Charter.Purposes) {
			t.Errorf("of a storage that is suspended:\n%s", file.Body)
		}
		if w := d.browser(d.hire(staff.Worker).Secret).get("/console/borders"); w.Code != http.StatusForbidden {
			t.Errorf("whoever handles demands sees it: %d", w.Code)
		}
	})
}

// bordersOfService is how the register leads to what leaves the country.
const bordersOfService = `"/console/borders?lang=en&amp;service=` + vaulttest.Service + `"`

// At home there is nothing to see.
func TestPagesOfBorders(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		boss := d.browser(d.hire(staff.Officer).Secret)
		(&office{desk: d, ref: "nobody"}).check("borders-empty", boss, "/console/borders")
		if w := boss.get(registerAt + "?lang=en"); strings.Contains(w.Body.String(), bordersOfService) {
			t.Error("the register leads to what leaves the country, and nothing does")
		}
	})
}

// Edge case 20: a country from which something is read is on the pages as a storage abroad is, and
// asks for the one paper that it stands on. The register leads whoever may see that to it.
func TestEdgeCase20_WhatIsReadAbroadIsOnThePages(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		const at = "/console/parties/" + vaulttest.Service + "/access/SG"
		d.Publish(vaulttest.ReadFrom(d.Charter, "SG"))
		boss := d.browser(d.hire(staff.Officer).Secret)
		for page, want := range map[string]string{registerAt + "?lang=en": bordersOfService, "/console/borders?service=" + vaulttest.Service: at,
			"/console/parties?role=access": at, at + "/mechanism": "<form", at + "/identity": "<form"} {
			if w := boss.get(page); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s: %d, without %s", page, w.Code, want)
			}
		}
		for _, form := range []string{"assessment", "agreement", "check"} {
			if w := boss.get(at + "/" + form); w.Code != http.StatusNotFound {
				t.Errorf("the form %s of a place: %d", form, w.Code)
			}
		}
		li := d.hire(staff.Worker)
		worker := d.browser(li.Secret)
		if w := worker.get(registerAt + "?lang=en"); w.Code != http.StatusOK || strings.Contains(w.Body.String(), bordersOfService) {
			t.Errorf("who may not see what leaves the country is led there: %d", w.Code)
		}
		// Whoever is abroad is told apart in the lists, and in the file that is compared with a roster.
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			if _, err := staff.Locate(ctx, tx, signintest.By, li.ID, "SG"); err != nil {
				return err
			}
			_, _, _, err := account.IssueAppIn(ctx, tx, catalog.Operator{ID: "test"}, vaulttest.Service, "support", "SG", account.AllScopes(), time.Time{})
			return err
		})
		for _, page := range []string{"/console/people?lang=en", "/console/settings/services/" + vaulttest.Service + "?lang=en"} {
			if w := boss.get(page); w.Code != http.StatusOK || strings.Count(w.Body.String(), "</code> Singapore</small>") != 1 {
				t.Errorf("%s: %d, and one of them is in Singapore", page, w.Code)
			}
		}
		if file := boss.post("/console/people/csv").Body.String(); strings.Count(file, ",SG,") != 1 {
			t.Errorf("one of them sits in Singapore:\n%s", file)
		}
	})
}
