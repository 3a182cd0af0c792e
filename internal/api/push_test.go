package api_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/party"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/webhook"
)

// Articles 16 and 17: an app pushes by the gate's word, once per key, to who has a key and a
// webhook; the answer holds no value, and a stranger's name isn't repeated.
func TestArticle16_AnAppPushesToWhoCannotAsk(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		w.Put(c, "speaking-practice", "gender", "女")
		path := "/v1/services/" + vaulttest.Service + "/children/" + string(c.ID) + "/items:push"
		to := wardkeep.Push{Role: "processor", Party: vaulttest.Processor, Purpose: "speaking-practice", Items: []string{"gender"}}
		denied := func(name, code string, p wardkeep.Push) {
			t.Helper()
			if _, err := w.client.Push(t.Context(), string(c.ID), p); !errors.Is(err, wardkeep.ErrDenied) || !errors.Is(err, &wardkeep.Problem{Code: code}) {
				t.Errorf("%s: %v, want %s", name, err, code)
			}
		}
		stranger := to
		stranger.Party = "王小明"
		denied("a stranger", "gate.processor_not_engaged", stranger)
		denied("who isn't engaged", "gate.processor_not_engaged", to)
		w.Engage(w.Store.Now().Add(24 * time.Hour))
		denied("who has no key", "gate.party_cannot_open", to)
		w.BindSeal(vaulttest.ProcessorID())
		_, err := w.client.Push(t.Context(), string(c.ID), to)
		refusedWith(t, "who has no webhook, key or person", err, 409, "webhook.party_has_no_endpoint", "")
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			m, err := party.ReadMeter(ctx, tx, vaulttest.ProcessorID())
			if err != nil || m.InDay != 0 {
				t.Errorf("what nobody gets counts: %+v", m)
			}
			address, err := webhook.ParseAddress("https://yuping-assessment.example/bundles", nil)
			if err == nil {
				_, _, _, err = webhook.Add(ctx, tx, w.Ring, catalog.Operator{ID: "test"}, vaulttest.Service, address, []string{wardkeep.TypeBundle}, vaulttest.Processor)
			}
			return err
		})
		got, err := w.client.Push(t.Context(), string(c.ID), to)
		if err != nil || got.Handle != party.HandleOf(w.Ring, vaulttest.ProcessorID(), c.ID) || got.Entry == "" || !got.Until.Equal(w.Waiting()[0].UntilAt) {
			t.Fatalf("%+v %v", got, err)
		}
		more := to
		more.Items = []string{"gender", "voice"}
		_, err = w.client.Push(t.Context(), string(c.ID), more)
		refusedWith(t, "what isn't held", err, 409, "vault.push_not_held", "items")
		school := to
		school.Items = []string{"school"}
		denied("an item of another purpose", "gate.item_not_in_purpose", school)

		body := `{"role":"processor","party":"yuping-assessment","purpose":"speaking-practice","items":["gender"]}`
		var answers []string
		for range 2 {
			x := w.send("POST", path, body, "Idempotency-Key", "one")
			if x.status != 202 || strings.Contains(x.body, "女") {
				t.Errorf("%d %s", x.status, x.body)
			}
			answers = append(answers, x.body)
		}
		if n := len(slices.Compact(answers)); n != 1 || len(w.Waiting()) != 2 {
			t.Errorf("%d answers, and %d wait", n, len(w.Waiting()))
		}
		w.Vault.Pulls = party.Limits{PerHour: 1}
		if _, err := w.client.Push(t.Context(), string(c.ID), to); !errors.Is(err, wardkeep.ErrOverQuota) {
			t.Errorf("beyond the quota: %v", err)
		}
		if x := w.send("POST", path, `{"role":"processor","party":"王小明","purpose":"speaking-practice","items":["gender"]}`); x.status != 403 || strings.Contains(x.body, "王小明") {
			t.Errorf("%d %s", x.status, x.body)
		}
	})
}

// Articles 16 and 17: a party that has a key and no webhook comes for what was pushed to it; a
// key of its own opens it, and nobody else finds it.
func TestArticle16_APartyComesForWhatWasPushed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.Child()
		w.Put(c, "speaking-practice", "gender", "女")
		w.Engage(w.Store.Now().Add(24 * time.Hour))
		_, identity := w.BindSeal(vaulttest.ProcessorID())
		p, key, _ := w.asParty(vaulttest.ProcessorID())
		to := wardkeep.Push{Role: "processor", Party: vaulttest.Processor, Purpose: "speaking-practice", Items: []string{"gender"}}
		var pushed []wardkeep.Pushed
		for range 2 {
			pushed = append(pushed, w.must(w.client.Push(ctx, string(c.ID), to)).(wardkeep.Pushed))
		}
		first := w.must(p.Bundles(ctx, "", 1)).(wardkeep.PartyBundles)
		rest := w.must(p.Bundles(ctx, first.Next, 0)).(wardkeep.PartyBundles)
		all := slices.Concat(first.Bundles, rest.Bundles)
		if len(first.Bundles) != 1 || len(all) != 2 || rest.Next != "" || all[0].Child != pushed[0].Handle || !slices.Equal(all[0].Items, to.Items) || all[0].Until.IsZero() {
			t.Fatalf("%+v", all)
		}
		_, err := p.Bundles(ctx, "bn_nothing", 0)
		refusedWith(t, "a page behind nothing", err, 422, "api.cursor_invalid", "after")
		name := pushed[0].Bundle
		refusedWith(t, "taken before it went", p.TookBundle(ctx, name), 409, "vault.bundle_not_sent", "")
		// Edge case 20: not from abroad, where nothing is opened.
		uses := func(country string) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE party_key SET country = $1 WHERE id = $2`, country, key.ID)
				return err
			})
		}
		uses("SG")
		_, err = p.Bundle(ctx, name, identity)
		refusedWith(t, "from abroad", err, 403, "vault.bundle_abroad", "")
		uses("CN")
		for range 2 {
			if got := w.must(p.Bundle(ctx, name, identity)).(wardkeep.Bundle); got.ID != name || got.Values["gender"] != "女" || got.Handle != pushed[0].Handle {
				t.Errorf("%+v", got)
			}
		}
		if err := p.TookBundle(ctx, name); err != nil {
			t.Error(err)
		}
		_, err = p.Bundle(ctx, name, identity)
		refusedWith(t, "once it is taken", err, 404, "vault.bundle_not_found", "")
		if all := w.must(p.Bundles(ctx, name, 0)).(wardkeep.PartyBundles); len(all.Bundles) != 1 || all.Bundles[0].ID != pushed[1].Bundle {
			t.Errorf("behind one that was taken: %+v", all)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error { // as if it were another's
			_, err := tx.Exec(ctx, `UPDATE party_bundle SET party = 'another'`)
			return err
		})
		_, err = p.Bundle(ctx, pushed[1].Bundle, identity)
		refusedWith(t, "another's", err, 404, "vault.bundle_not_found", "")
		if all := w.must(p.Bundles(ctx, "", 0)).(wardkeep.PartyBundles); len(all.Bundles) != 0 {
			t.Errorf("%+v", all)
		}
	})
}
