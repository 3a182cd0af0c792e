package api_test

import (
	"context"
	"strings"
	"testing"
	"time"

	wardkeep "wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/vault/vaulttest"
)

// Edge case 18: the app of a service that somebody takes over asks about it, sees in the
// permissions what it may, hands that over, and nothing else; what went there is told as an
// event, without a value.
func TestEdgeCase18_ATakeoverOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.Publish(vaulttest.Takeover(w.Charter))
		child := w.child("amy")
		if _, err := w.client.Collect(ctx, child, "", wardkeep.Collection{Purpose: "course-progress", Values: map[string]string{"nickname": "Amy"}}); err != nil {
			t.Fatal(err)
		}
		w.Pass(time.Minute)
		w.CeaseTo(8 * 24 * time.Hour)
		now, err := w.client.Service(ctx)
		if err != nil || len(now.Ends) != 1 || now.Ends[0].Successor == nil || *now.Ends[0].Successor != (wardkeep.Successor{Recipient: vaulttest.Successor, Purpose: vaulttest.Handover}) {
			t.Errorf("%+v, %v", now, err)
		}
		may := func() (permitted bool) {
			p, err := w.client.Permissions(ctx, child, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, purpose := range p.Purposes {
				for _, a := range purpose.Activities {
					if a.Permitted && (purpose.Purpose != vaulttest.Handover || a.Activity != "transfer" || a.Party != vaulttest.Successor) {
						t.Errorf("%s to %s is permitted", purpose.Purpose, a.Activity)
					}
					permitted = permitted || a.Permitted
				}
			}
			return permitted
		}
		hand := wardkeep.Handover{Purpose: vaulttest.Handover, Recipient: vaulttest.Successor, Items: []string{"nickname"}}
		path := "/v1/services/" + vaulttest.Service + "/children/" + child
		if x := w.send("POST", path+"/transfers", `{"purpose":"handover","recipient":"haixing","items":["nickname"]}`); may() || x.status != 403 || !strings.Contains(x.body, "gate.consent_before_takeover") {
			t.Errorf("before anybody was asked: %d %s", x.status, x.body)
		}
		asked, err := w.client.Ask(ctx, wardkeep.Asking{Child: child, Purposes: []string{vaulttest.Handover}, Channel: "link", Locale: "en"})
		if err != nil {
			t.Fatal(err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			r, err := consent.ByID(ctx, tx, vaulttest.Service, asked.ID)
			if err == nil {
				_, _, err = w.Desk.ForceAt(ctx, tx, w.App, r, consent.ForceGranted, family.NameAndNumber)
			}
			return err
		})
		if got, err := w.client.Transfer(ctx, child, hand); !may() || err != nil || got.Values["nickname"] != "Amy" || got.Entry == "" {
			t.Errorf("%v, %v", got, err)
		}
		for body, status := range map[string]int{
			`{"purpose":"handover","recipient":"王小明","items":["nickname"]}`:           403,
			`{"purpose":"handover","recipient":"haixing","items":["voice"]}`:          403,
			`{"purpose":"course-progress","recipient":"haixing","items":["answers"]}`: 403,
			`{"purpose":"handover","recipient":"haixing","items":[]}`:                 422,
			`{"purpose":"handover","recipient":"haixing"}`:                            422,
			`{"purpose":"handover","items":["nickname"]}`:                             422,
			`{"purpose":"handover","recipient":"haixing","items":["nickname"],"x":1}`: 422,
		} {
			if x := w.send("POST", path+"/transfers", body); x.status != status || strings.Contains(x.body, "王小明") || strings.Contains(x.body, "Amy") {
				t.Errorf("%s: %d %s", body, x.status, x.body)
			}
		}
		w.Pass(9 * 24 * time.Hour)
		if x := w.send("POST", path+"/transfers", `{"purpose":"handover","recipient":"haixing","items":["nickname"]}`); may() || x.status != 403 || !strings.Contains(x.body, "gate.service_ceasing") {
			t.Errorf("after the window: %d %s", x.status, x.body)
		}
		w.sequence()
		events, err := w.client.Events(ctx, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, e := range events.Events {
			if e.Type == "child.handed_over" {
				n++
				if e.Child != child || strings.Contains(string(e.Data), "Amy") {
					t.Errorf("%+v", e)
				}
			}
		}
		if n != 1 {
			t.Errorf("%d events tell of it, want 1", n)
		}
	})
}
