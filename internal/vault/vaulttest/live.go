package vaulttest

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/catalog/catalogtest"
	"wardkeep/internal/charter"
	"wardkeep/internal/family/age"
	"wardkeep/internal/staff"
)

// LiveService is the service that Launch makes.
const LiveService = "xiaoxi-live"

// Launch publishes the example for a service that isn't a test, and returns who holds its offices.
func (w *World) Launch() (officer, deputy catalog.Officer) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		officer, deputy, err = LaunchIn(ctx, tx, w.Ring, w.Charter)
		return err
	})
	return officer, deputy
}

// LaunchIn is Launch in a store that is no World's.
func LaunchIn(ctx context.Context, tx *db.Tx, ring *keyring.Ring, example *charter.Charter) (officer, deputy catalog.Officer, err error) {
	operator, c := catalog.Operator{ID: "test"}, *example
	c.Service = LiveService
	if _, _, err = catalog.Create(ctx, tx, operator, LiveService, catalog.Live); err != nil {
		return officer, deputy, err
	}
	if officer, _, err = catalog.Appoint(ctx, tx, operator, LiveService, catalog.RoleOfficer, "林静", "lin@xiaoxi-english.example"); err != nil {
		return officer, deputy, err
	}
	if deputy, _, err = catalog.Appoint(ctx, tx, operator, LiveService, catalog.RoleDeputy, "周远", "zhou@xiaoxi-english.example"); err != nil {
		return officer, deputy, err
	}
	draft, _, err := catalog.Propose(ctx, tx, ring, operator, &c, nil)
	if err == nil {
		_, _, err = catalogtest.Publish(ctx, tx, ring, officer, LiveService, draft.Number)
	}
	return officer, deputy, err
}

// Inside gives who holds an office of the service that Launch makes an account.
func (w *World) Inside(o catalog.Officer) (p staff.Person) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		g, err := staff.OfOffice(ctx, tx, o.Service, o.ID)
		if err == nil {
			p, err = staff.Add(ctx, tx, catalog.Operator{ID: "test"}, o.Name, g)
		}
		return err
	})
	return p
}

// PassTo lets time go by until the beginning of the next day that is so called in China, as
// "11-01", and returns its year.
func (w *World) PassTo(monthDay string) int64 {
	w.T.Helper()
	now := w.Store.Now()
	for year := now.In(age.Zone).Year(); ; year++ {
		day, err := time.ParseInLocation("2006-01-02", time.Date(year, 1, 1, 0, 0, 0, 0, age.Zone).Format("2006-")+monthDay, age.Zone)
		if err != nil {
			w.T.Fatal(err)
		}
		if day.After(now) {
			w.Pass(day.Sub(w.Store.Now()))
			return int64(year)
		}
	}
}
