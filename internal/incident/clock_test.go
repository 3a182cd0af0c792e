package incident_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family/age"
	"wardkeep/internal/incident"
	"wardkeep/internal/vault/vaulttest"
)

// Article 21: the clocks of a case run through nights, weekends and holidays; thirty days are
// calendar days in China, and end at the hour at which they began.
func TestArticle21_ClocksStandStillForNothing(t *testing.T) {
	at := func(text string) time.Time {
		moment, err := time.ParseInLocation("2006-01-02 15:04", text, age.Zone)
		if err != nil {
			t.Fatal(err)
		}
		return moment.UTC() // as it is stored
	}
	for _, c := range []struct {
		name, opened, triaged string
		grade                 incident.Grade
		in                    time.Duration
		want                  string
	}{
		{"nobody has graded it", "2026-03-04 10:00", "", "", incident.ReportWithin, "triage 2026-03-04 11:00, report 2026-03-04 14:00, notice 2026-03-05 10:00"},
		{"across midnight", "2026-03-04 23:30", "2026-03-05 00:10", incident.Serious, incident.ReportWithin, "triage 2026-03-05 00:30, report 2026-03-05 03:30, notice 2026-03-05 23:30, wrap 2026-04-04 00:10"},
		{"critical, across midnight", "2026-03-04 23:30", "2026-03-05 00:10", incident.Unclear, incident.ReportAtOnce, "triage 2026-03-05 00:30, report 2026-03-05 00:30, notice 2026-03-05 23:30, wrap 2026-04-04 00:10"},
		{"on the eve of the Spring Festival", "2026-02-16 20:00", "2026-02-16 20:30", incident.Serious, incident.ReportWithin, "triage 2026-02-16 21:00, report 2026-02-17 00:00, notice 2026-02-17 20:00, wrap 2026-03-18 20:30"},
		{"in the National Day week", "2026-10-01 00:00", "2026-10-01 00:01", incident.Serious, incident.ReportWithin, "triage 2026-10-01 01:00, report 2026-10-01 04:00, notice 2026-10-02 00:00, wrap 2026-10-31 00:01"},
		{"across the new year", "2026-12-31 23:59", "2027-01-01 00:30", incident.Serious, incident.ReportWithin, "triage 2027-01-01 00:59, report 2027-01-01 03:59, notice 2027-01-01 23:59, wrap 2027-01-31 00:30"},
		{"with a leap day in between", "2028-02-28 22:00", "2028-02-28 22:00", incident.Serious, incident.ReportWithin, "triage 2028-02-28 23:00, report 2028-02-29 02:00, notice 2028-02-29 22:00, wrap 2028-03-29 22:00"},
		{"while other countries change their clocks", "2026-03-28 12:00", "2026-03-28 12:00", incident.Serious, incident.ReportWithin, "triage 2026-03-28 13:00, report 2026-03-28 16:00, notice 2026-03-29 12:00, wrap 2026-04-27 12:00"},
		{"what is minor", "2026-05-01 09:00", "2026-05-01 09:20", incident.Minor, incident.ReportWithin, "triage 2026-05-01 10:00, wrap 2026-05-31 09:20"},
	} {
		one := incident.Case{OpenedAt: at(c.opened), Grade: c.grade, ReportIn: c.in}
		if c.triaged != "" {
			one.TriagedAt = at(c.triaged)
		}
		var got []string
		for _, k := range one.Clocks() {
			got = append(got, fmt.Sprint(k.What, " ", k.At.In(age.Zone).Format("2006-01-02 15:04")))
			if k.Done != (k.What == "triage" && c.grade != "") {
				t.Errorf("%s: %s is done: %t", c.name, k.What, k.Done)
			}
			if open := (incident.Clock{At: k.At}); open.Late(k.At.Add(-time.Microsecond)) || !open.Late(k.At) {
				t.Errorf("%s: %s isn't late at its second", c.name, k.What)
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %s", c.name, strings.Join(got, ", "))
		}
	}
}

// Article 21: a clock is a moment that is on record, and nothing in memory: whoever reads the case
// anew, days later and under another plan, finds each where it was.
func TestArticle21_NoRestartLosesAClock(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		c, err := open(w, report(w))
		if err == nil {
			c, err = triage(w, w.Officer, c.ID, incident.Serious, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		w.Pass(3*time.Hour + 59*time.Minute)
		w.Do(func(ctx context.Context, tx *db.Tx) error { // a plan that is adopted later moves nothing of it
			_, _, err := incident.Adopt(ctx, tx, w.Ring, w.Officer, service, incident.Sheet{Critical: true, Steps: []incident.Task{{Minutes: 5, Who: "值班", What: "关闭"}},
				Contacts: []incident.Contact{{Who: "负责人", How: "电话"}}})
			return err
		})
		for _, later := range []struct {
			pass time.Duration
			late string
		}{{0, ""}, {time.Minute, "report"}, {20 * time.Hour, "report notice"}, {40 * 24 * time.Hour, "report notice wrap"}} {
			w.Pass(later.pass)
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				now, err := incident.Find(ctx, tx, service, c.ID)
				if err != nil {
					return err
				}
				var late []string
				for i, k := range now.Clocks() {
					if !k.At.Equal(c.Clocks()[i].At) {
						t.Errorf("%s was %s, and is %s", k.What, c.Clocks()[i].At, k.At)
					}
					if k.Late(tx.Now()) {
						late = append(late, k.What)
					}
				}
				_, counted, err := incident.Count(ctx, tx, service)
				if strings.Join(late, " ") != later.late || now.Late(tx.Now()) != (late != nil) || (counted == 1) != (late != nil) {
					t.Errorf("after %s more: %v are late, %d cases", later.pass, late, counted)
				}
				return err
			})
		}
	})
}
