package console_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/charter"
	"wardkeep/internal/party"
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

// At home there is nothing to see.
func TestPagesOfBorders(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		(&office{desk: d, ref: "nobody"}).check("borders-empty", d.browser(d.hire(staff.Officer).Secret), "/console/borders")
	})
}
