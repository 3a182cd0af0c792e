package api_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	wardkeep "wardkeep/client"
	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/takedown"
)

// Article 4 over HTTP: content is reported, seen through, and down when the app says so.
func TestArticle4_TakedownsOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		c := w.must(w.client.ReportContent(ctx, wardkeep.NewTakedown{Ref: "post-7", Source: "user", Harm: "identifiers"})).(wardkeep.Takedown)
		if c.State != "reported" || c.Ref != "" || c.Entry == "" || len(c.Number) != 9 || !c.DueAt.After(c.OpenedAt) {
			t.Errorf("%+v", c)
		}
		if _, err := w.client.TookDown(ctx, c.ID); !errors.Is(err, &wardkeep.Problem{Code: "takedown.not_to_come_down"}) {
			t.Errorf("before the decision: %v", err)
		}
		if all := w.must(w.client.Takedowns(ctx)).(wardkeep.Takedowns); len(all.Takedowns) != 1 || all.Takedowns[0].Ref != "" {
			t.Errorf("%+v", all)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := takedown.Take(ctx, tx, workday.Default(), w.Officer, w.Officer.Service, c.ID)
			if err == nil {
				_, _, err = takedown.Settle(ctx, tx, workday.Default(), w.Officer, w.Officer.Service, c.ID, takedown.Down, "")
			}
			return err
		})
		if got := w.must(w.client.Takedown(ctx, c.ID)).(wardkeep.Takedown); got.State != "ordered" || got.Ref != "post-7" || got.Owner != w.Officer.ID {
			t.Errorf("%+v", got)
		}
		if got := w.must(w.client.TookDown(ctx, c.ID)).(wardkeep.Takedown); got.State != "closed" || got.Outcome != "take_down" || got.Entry == "" {
			t.Errorf("%+v", got)
		}
		if got := w.must(w.client.Takedown(ctx, c.ID)).(wardkeep.Takedown); got.Ref != "" {
			t.Errorf("what is over leads to the content: %+v", got)
		}
		for body, code := range map[string]string{
			`{"ref":"post-8","source":"somebody","harm":"other"}`:   "api.not_a_choice",
			`{"ref":"post-8","source":"user"}`:                      "api.missing_field",
			`{"ref":" post-8","source":"user","harm":"other"}`:      "takedown.ref_invalid",
			`{"ref":"post\u0007","source":"user","harm":"other"}`:   "api.control_character",
			`{"ref":"post-8","source":"user","harm":"other","x":1}`: "api.unknown_field",
		} {
			w.send("POST", base+"/takedowns", body).refused(t, 422, code)
		}
		w.send("GET", base+"/takedowns/td_nothing", "").refused(t, 404, "takedown.not_found")
		_, key := w.keyWith(account.ScreeningsWrite)
		if _, err := w.connect(key).ReportContent(ctx, wardkeep.NewTakedown{Ref: "x", Source: "user", Harm: "other"}); !errors.Is(err, &wardkeep.Problem{Code: "api.scope_missing"}) {
			t.Errorf("without the scope: %v", err)
		}
		if strings.Contains(w.log.String(), "post-") {
			t.Error("the log tells a content")
		}
	})
}
