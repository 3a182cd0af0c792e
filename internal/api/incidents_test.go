package api_test

import (
	"errors"
	"strings"
	"testing"

	wardkeep "wardkeep/client"
	"wardkeep/internal/account"
)

// Article 21 over HTTP: what an app reports is a case at once, once however often it is sent; it is
// seen by who has reported it, and nothing of it is in a log.
func TestArticle21_IncidentsOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		c := w.must(w.client.ReportIncident(ctx, wardkeep.NewLeak{Kind: "leaked", Suspected: true, Items: []string{"voice"}, Children: 30, Words: "一份名单可以公开访问"})).(wardkeep.Leak)
		if c.State != "opened" || c.Entry == "" || len(c.Number) != 9 || c.NoticedAt.IsZero() {
			t.Errorf("%+v", c)
		}
		if got := w.must(w.client.Incident(ctx, c.ID)).(wardkeep.Leak); got.Kind != "leaked" || !got.Suspected || got.Children != 30 {
			t.Errorf("%+v", got)
		}
		if got := w.must(w.client.AddToIncident(ctx, c.ID, wardkeep.LeakNote{Words: "已关闭接口"})).(wardkeep.Leak); got.Entry == "" {
			t.Errorf("%+v", got)
		}
		for body, code := range map[string]string{
			`{"kind":"stolen","words":"x"}`:               "api.not_a_choice",
			`{"words":"x"}`:                               "api.missing_field",
			`{"kind":"lost","words":" "}`:                 "incident.words_invalid",
			`{"kind":"lost","words":"x","items":["王小明"]}`: "incident.item_unknown",
			`{"kind":"lost","words":"x","drill":true}`:    "api.unknown_field",
			`{"kind":"lost","words":"x","children":-1}`:   "api.out_of_range",
		} {
			w.send("POST", base+"/incidents", body).refused(t, 422, code)
		}
		_, key := w.keyWith(account.IncidentsWrite)
		if _, err := w.connect(key).Incident(ctx, c.ID); !errors.Is(err, &wardkeep.Problem{Code: "incident.not_found"}) {
			t.Errorf("another app's: %v", err)
		}
		_, key = w.keyWith(account.ScreeningsWrite)
		if _, err := w.connect(key).ReportIncident(ctx, wardkeep.NewLeak{Kind: "lost", Words: "x"}); !errors.Is(err, &wardkeep.Problem{Code: "api.scope_missing"}) {
			t.Errorf("without the scope: %v", err)
		}
		if strings.Contains(w.log.String(), "名单") {
			t.Error("the log tells what was written")
		}
	})
}
