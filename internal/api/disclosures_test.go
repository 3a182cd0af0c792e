package api_test

import (
	"context"
	"strings"
	"testing"

	wardkeep "wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/vault/vaulttest"
)

// Article 18: nothing is disclosed but the items that the charter shows an audience, to it,
// by the yes of a guardian who is verified well enough, and not after it is taken back.
func TestArticle18_ADisclosureOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		child := w.child("amy")
		if _, err := w.client.Collect(ctx, child, "", wardkeep.Collection{Purpose: "class-ranking", Values: map[string]string{"nickname": "Amy"}}); err != nil {
			t.Fatal(err)
		}
		path := "/v1/services/" + vaulttest.Service + "/children/" + child + "/disclosures"
		ranking := wardkeep.Disclosure{Purpose: "class-ranking", Audience: "class", Items: []string{"nickname", "weekly_score"}}
		dry := func() bool {
			got, err := w.client.Decide(ctx, wardkeep.Check{Child: child, Activity: "disclose", Purpose: ranking.Purpose, Items: ranking.Items, Party: ranking.Audience})
			if err != nil {
				t.Fatal(err)
			}
			return got[0].Permitted
		}
		const class = `{"purpose":"class-ranking","audience":"class","items":["nickname"]}`
		if x := w.send("POST", path, class); dry() || x.status != 403 || !strings.Contains(x.body, "gate.verification_too_weak") {
			t.Errorf("by a one-time code: %d %s", x.status, x.body)
		}
		asked, err := w.client.Ask(ctx, wardkeep.Asking{Child: child, Purposes: []string{"class-ranking"}, Channel: "link", Locale: "en"})
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
		// What isn't held is missing.
		got, err := w.client.Disclose(ctx, child, ranking)
		if err != nil || !dry() || len(got.Values) != 1 || got.Values["nickname"] != "Amy" || got.Entry == "" {
			t.Errorf("%v, %v", got, err)
		}
		for body, want := range map[string]string{
			`{"purpose":"class-ranking","audience":"王小明","items":["nickname"]}`:            "gate.audience_unknown",
			`{"purpose":"class-ranking","audience":"class","items":["nickname","school"]}`: "gate.item_not_for_audience",
			`{"purpose":"course-progress","audience":"class","items":["nickname"]}`:        "gate.activity_not_in_purpose",
			`{"purpose":"class-ranking","audience":"class","items":["王小明"]}`:               "gate.item_unknown",
		} {
			if x := w.send("POST", path, body); x.status != 403 || !strings.Contains(x.body, want) || strings.Contains(x.body, "王小明") || strings.Contains(x.body, "Amy") {
				t.Errorf("%s: %d %s", body, x.status, x.body)
			}
		}
		for _, body := range []string{
			`{"purpose":"class-ranking","audience":"class","items":[]}`, `{"purpose":"class-ranking","audience":"class"}`,
			`{"purpose":"class-ranking","items":["nickname"]}`, `{"audience":"class","items":["nickname"]}`,
			`{"purpose":"class-ranking","audience":"class","items":["nickname"],"x":1}`,
		} {
			if x := w.send("POST", path, body); x.status != 422 {
				t.Errorf("%s: %d %s", body, x.status, x.body)
			}
		}
		// Without the authority to read values nothing is disclosed either.
		_, key := w.keyWith("items:write")
		if _, err := w.connect(key).Disclose(ctx, child, ranking); err == nil {
			t.Error("a key that reads nothing discloses")
		}
		c := family.Child{ID: family.ID(child), Service: vaulttest.Service}
		g := w.Guardian(c)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Desk.Withdraw(ctx, tx, g, c, "class-ranking")
			return err
		})
		if x := w.send("POST", path, class); dry() || x.status != 403 || !strings.Contains(x.body, "gate.consent_withdrawn") {
			t.Errorf("after it was taken back: %d %s", x.status, x.body)
		}
	})
}
