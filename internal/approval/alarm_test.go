package approval_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// always are limits by which no hour is odd.
var always = approval.Limits{Hours: approval.Hours{To: 24 * time.Hour}, DaysOff: true}

// A burst of looks raises one alarm, and each look outside the hours one, with the look.
func TestArticle15_BurstsAndOddHoursRaiseAlarms(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.PassToHalfPast()
		var heard []approval.Cause
		w.Store.Announced = func(what any) {
			if a, is := what.(approval.Alarm); is {
				heard = append(heard, a.What)
			}
		}
		told := func() (all []approval.Cause) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				all = nil
				var uses []string
				var about []string
				err := ledger.Pending(ctx, tx, func(p ledger.Placed) error {
					var b approval.AlarmBody
					uses = append(uses, p.ID)
					if p.Kind != approval.KindAlarm {
						return nil
					}
					if err := p.Into(&b); err != nil || p.Actor != w.worker.Ledger() {
						t.Errorf("%+v by %s, %v", b, p.Actor, err)
					}
					all, about = append(all, b.Cause), append(about, b.Use)
					return nil
				})
				for _, use := range about {
					if !slices.Contains(uses, use) {
						t.Error("an alarm of no look")
					}
				}
				slices.Sort(all)
				return err
			})
			return all
		}
		limits := always
		limits.Burst, limits.BurstIn = 3, 10*time.Minute
		w.Vault.Looks = limits
		r := w.granted(w.worker, w.manager)
		looks := func(n int) {
			t.Helper()
			for range n {
				if _, err := w.look(w.worker, r, use(w.child, "nickname")); err != nil {
					t.Fatal(err)
				}
			}
		}
		looks(3)
		if all := told(); len(all) != 0 || len(heard) != 0 {
			t.Errorf("three are a burst: %v, %v", all, heard)
		}
		looks(2)
		if all := told(); !slices.Equal(all, []approval.Cause{approval.Burst}) || !slices.Equal(heard, all) {
			t.Errorf("five: %v, %v", all, heard)
		}
		w.Pass(10 * time.Minute)
		looks(3)
		if all := told(); len(all) != 1 {
			t.Errorf("three more, later: %v", all)
		}
		w.Vault.Looks.Hours, w.Vault.Looks.Burst = approval.Hours{From: 24 * time.Hour, To: 24 * time.Hour}, 100
		v, err := w.look(w.worker, r, use(w.child, "birth_date"))
		denied(t, "what isn't approved", v, err, "approval_item")
		looks(2)
		if all := told(); !slices.Equal(all, []approval.Cause{approval.Burst, approval.OddHours, approval.OddHours}) {
			t.Errorf("at odd hours: %v", all)
		}
	})
}

func TestArticle15_WhichHoursAreOdd(t *testing.T) {
	l := approval.Limits{}.Or(approval.Defaults)
	days, abroad := l, l
	days.DaysOff = true
	abroad.Zone = time.FixedZone("London", 0)
	for name, c := range map[string]struct {
		l   approval.Limits
		at  string
		odd bool
	}{
		"a Tuesday morning":             {l, "2026-06-02T08:00:00+08:00", false},
		"before it":                     {l, "2026-06-02T07:59:59+08:00", true},
		"in the evening":                {l, "2026-06-02T20:00:00+08:00", true},
		"just before":                   {l, "2026-06-02T19:59:59+08:00", false},
		"a Sunday":                      {l, "2026-06-07T10:00:00+08:00", true},
		"a Sunday where they are none":  {days, "2026-06-07T10:00:00+08:00", false},
		"a national holiday":            {l, "2026-10-01T10:00:00+08:00", true},
		"in another zone, there by day": {abroad, "2026-06-02T20:00:00+08:00", false},
		"in another zone, there early":  {abroad, "2026-06-02T10:00:00+08:00", true},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.l.Alarms(approval.Looks{}, 1, at, workday.Default()); slices.Contains(got, approval.OddHours) != c.odd {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A role may have limits of its own; who has several roles has the most of them.
func TestArticle15_ARoleHasLimitsOfItsOwn(t *testing.T) {
	l := approval.Limits{Roles: map[staff.Role]approval.PerRole{staff.Worker: {PerHour: 5, PerDay: 20}, staff.Manager: {PerHour: 30}}}.Or(approval.Defaults)
	in := func(service string, roles ...staff.Role) (p staff.Person) {
		for _, r := range roles {
			p.Grants = append(p.Grants, staff.Grant{Role: r, Service: service})
		}
		return p
	}
	for name, c := range map[string]struct {
		p         staff.Person
		hour, day int64
	}{
		"staff":              {in(service, staff.Worker), 5, 20},
		"a manager":          {in(service, staff.Manager), 30, 200},
		"both":               {in(service, staff.Worker, staff.Manager), 30, 200},
		"the officer":        {in(service, staff.Officer), 60, 200},
		"of another service": {in("other", staff.Worker), 60, 200},
		"staff and engineer": {in(service, staff.Worker, staff.Engineer), 5, 20},
		"nobody":             {staff.Person{}, 60, 200},
	} {
		if hour, day := l.Of(c.p, service); hour != c.hour || day != c.day {
			t.Errorf("%s: %d, %d", name, hour, day)
		}
	}
}
