package api_test

import (
	"context"
	"strings"
	"testing"
	"time"

	wardkeep "wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/vault/vaulttest"
)

// ceases has the officer announce an end.
func (w *world) ceases(purpose string, window time.Duration) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := catalog.Cease(ctx, tx, w.Officer, vaulttest.Service, purpose, catalog.Ordered, tx.Now().Add(window))
		return err
	})
}

// Article 23: an app sees what ends and until when, whatever brings something in or
// uses it is refused with the reason, and what a family asks for goes on.
func TestArticle23_AnEndingServiceOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		child := w.child("amy")
		waits := w.register("bo")
		asked, err := w.client.Ask(ctx, wardkeep.Asking{Child: waits.ID, Channel: "link", Locale: "en"})
		if err != nil {
			t.Fatal(err)
		}
		before, err := w.client.Service(ctx)
		if err != nil || len(before.Ends) != 0 || before.State != "test" || before.Charter != 1 {
			t.Errorf("%+v, %v", before, err)
		}
		w.ceases("class-ranking", 0)
		w.ceases("", 8*24*time.Hour)
		now, err := w.client.Service(ctx)
		if err != nil || len(now.Ends) != 2 || now.Ends[0].Purpose != "" || now.Ends[0].Reason != "ordered" || now.Ends[0].EndedAt != nil ||
			now.Ends[1].Purpose != "class-ranking" || now.Ends[0].EndsAt.Sub(now.Ends[0].AnnouncedAt) != 8*24*time.Hour {
			t.Errorf("%+v, %v", now, err)
		}
		path := "/v1/services/" + vaulttest.Service
		for call, want := range map[[3]string]string{
			{"PUT", path + "/children/" + child + "/items", `{"purpose":"course-progress","values":{"nickname":"Amy"}}`}: "gate.service_ceasing",
			{"POST", path + "/children/" + child + "/items:read", `{"purpose":"course-progress","items":["nickname"]}`}:  "gate.service_ceasing",
			{"POST", path + "/children", `{"ref":"new","guardian":{"phone":"13800138009","relation":"parent"}}`}:         "gate.service_ceasing",
			{"POST", path + "/children/" + child + "/guardians", `{"phone":"13800138009","relation":"parent"}`}:          "gate.service_ceasing",
			{"POST", path + "/consent-requests", `{"child":"` + child + `","channel":"link","locale":"en"}`}:             "consent.ceasing",
			{"POST", path + "/consent-requests/" + asked.ID + ":force", `{"outcome":"granted"}`}:                         "consent.ceasing",
		} {
			x := w.send(call[0], call[1], call[2])
			if x.status < 400 || !strings.Contains(x.body, `"`+want+`"`) || strings.HasPrefix(want, "gate.") && !strings.Contains(x.body, `"article":"23"`) {
				t.Errorf("%s %s: %d %s", call[0], call[1], x.status, x.body)
			}
		}
		p, err := w.client.Permissions(ctx, child, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, purpose := range p.Purposes {
			for _, a := range purpose.Activities {
				if a.Permitted || len(a.Reasons) == 0 || a.Reasons[0].Code != "gate.service_ceasing" || a.Reasons[0].Article != "23" {
					t.Errorf("%s to %s: %+v", purpose.Purpose, a.Activity, a)
				}
			}
		}
		if x := w.send("POST", path+"/children/"+child+"/requests", `{"kind":"delete","door":"child"}`); x.status != 201 {
			t.Errorf("a demand: %d %s", x.status, x.body)
		}
		w.sequence()
		events, err := w.client.Events(ctx, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, e := range events.Events {
			if e.Type == "service.ceasing" && e.Child == "" {
				n++
			}
		}
		if n != 2 {
			t.Errorf("%d events tell of it, want 2", n)
		}
	})
}

// Article 23: an end that doesn't come is seen from outside.
func TestArticle23_HealthTellsOfAnEndThatIsLate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.sequence()
		w.measures("wardkeep_cessations_late 0")
		w.ceases("class-ranking", 0)
		w.sequence()
		w.Pass(5 * time.Minute)
		w.only("", "")
		w.Pass(6 * time.Hour)
		w.sequence()
		if _, found := w.health(); found["cessations"] != "api.cessation_late 1" {
			t.Errorf("%v", found)
		}
		w.measures("wardkeep_cessations_late 1")
	})
}
