package replay_test

import (
	"context"
	"crypto/ed25519"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/gate"
	"wardkeep/internal/party"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

// bundleChanges are what somebody may do to what waits for a party, and what is found.
var bundleChanges = []struct{ name, query, found string }{
	{"a bundle is gone", `DELETE FROM party_bundle`, "row_missing party_bundle "},
	{"a bundle waits that never was pushed", `INSERT INTO party_bundle SELECT child, 'bn_00000000000000000000000000', service, role, party, key, purpose, items,
		pushed_at, until_at, due_at, tries, failure, status, sealed FROM party_bundle`, "row_extra party_bundle "},
	{"a bundle has another name", `UPDATE party_bundle SET bundle = '王小明'`, "row_extra party_bundle "},
	{"a bundle is of another child", `UPDATE party_bundle SET child = (SELECT max(child) FROM child WHERE child <> party_bundle.child)`, "row_extra party_bundle "},
	{"a bundle is another service's", `UPDATE party_bundle SET service = '王小明'`, "row_differs party_bundle service"},
	{"a bundle is for another role", `UPDATE party_bundle SET role = 'recipient'`, "row_differs party_bundle role"},
	{"a bundle is for another party", `UPDATE party_bundle SET party = '王小明'`, "row_differs party_bundle party"},
	{"a bundle is sealed to another key", `UPDATE party_bundle SET key = '王小明'`, "row_differs party_bundle key"},
	{"a bundle is for another purpose", `UPDATE party_bundle SET purpose = '王小明'`, "row_differs party_bundle purpose"},
	{"a bundle has other items", `UPDATE party_bundle SET items = '王小明'`, "row_differs party_bundle items"},
	{"a bundle holds something else", `UPDATE party_bundle SET sealed = (SELECT wrapped FROM child WHERE child.child = party_bundle.child)`, "row_sealed party_bundle sealed"},
	{"a bundle was pushed later", `UPDATE party_bundle SET pushed_at = pushed_at + 1`, "row_differs party_bundle pushed_at"},
	{"a bundle waits longer", `UPDATE party_bundle SET until_at = until_at + 1`, "row_differs party_bundle until_at"},
	{"a bundle is sealed to somebody's own key", `UPDATE party_key SET public = (SELECT wrapped FROM child ORDER BY child LIMIT 1) WHERE id IN (SELECT key FROM party_bundle)`, "row_hash party_key public"},
}

// Both decisions about what is pushed are made again, as it is pushed and before it goes; and
// bundles that were changed, that never were, or that went to others or too late, are found.
func TestArticle16_WhatIsPushedIsDecidedAgain(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := &scene{story: begin(t, w)}
		s.mei, s.bo = s.Child(), s.Child()
		ok(t, s.put(s.mei.ID, "speaking-practice", map[string]string{"gender": "女"}))
		w.PassToHalfPast()
		push := func() (string, error) {
			out, err := s.Push(s.mei.ID, "gender")
			return out.Bundle, err
		}
		send := func(bundle string) (sent bool) {
			for _, b := range s.Waiting() {
				if b.ID == bundle {
					s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
						_, sent, err = s.Vault.Send(ctx, tx, b, func(int64) time.Duration { return time.Hour })
						return err
					})
				}
			}
			return sent
		}
		_, err := push()
		denied(t, err, "gate.processor_not_engaged")
		s.Engage(s.Store.Now().Add(1000 * 24 * time.Hour))
		_, err = push()
		denied(t, err, "gate.party_cannot_open")
		key, _ := s.BindSeal(vaulttest.ProcessorID())
		signs, _ := s.Bind(vaulttest.ProcessorID())
		var abroad party.Key
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			public, _, err := ed25519.GenerateKey(nil)
			if err == nil {
				abroad, _, err = party.BindIn(ctx, tx, s.Officer, vaulttest.ProcessorID(), public, "SG", time.Time{})
			}
			return err
		})
		w.Vault.Pulls = party.Limits{PerHour: 5, PerDay: 100, Burst: 2}
		taken, err := push()
		ok(t, err)
		if !send(taken) {
			t.Fatal("it isn't sent")
		}
		waiting := s.Waiting()[0]
		s.Do(func(ctx context.Context, tx *db.Tx) error { return s.Vault.Delivered(ctx, tx, waiting) })
		_, err = push()
		ok(t, err, s.pull(signs.ID, s.mei.ID, "gender"))
		s.Pass(vault.BundleLife)
		for _, b := range s.Waiting() { // late
			s.Do(func(ctx context.Context, tx *db.Tx) error {
				may, err := s.Vault.Recall(ctx, tx, b)
				if may {
					t.Error("it may go though its time is over")
				}
				return err
			})
		}
		withheld, err := push()
		ok(t, err, s.freeze(s.mei.ID, true))
		if send(withheld) || len(s.Waiting()) != 0 {
			t.Error("it goes though its child is frozen")
		}
		ok(t, s.freeze(s.mei.ID, false))
		s.Pass(time.Minute)
		waits, err := push()
		ok(t, err)
		s.Pass(time.Minute)
		ok(t, s.flush())
		s.replays(t)

		tried := make(tries)
		for _, c := range bundleChanges {
			if tried.enough(t, c.query) {
				continue
			}
			report := s.once(t, func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					_, err := tx.Exec(ctx, c.query)
					return err
				})
			})
			found(t, c.name, report, c.found)
		}

		use := func(change func(b *gate.UseBody)) gate.UseBody {
			b := s.fair()
			b.Activity, b.Purpose, b.Items, b.Party = "entrust", "speaking-practice", []string{"gender"}, vaulttest.Processor
			change(&b)
			return b
		}
		// Nobody says that something went which never waited, was for others, or may not go.
		by := "bundle:" + waits
		for name, c := range map[string]struct {
			found, kind, actor string
			body               any
		}{
			"it goes":                                {"", gate.KindReleased, by, use(func(*gate.UseBody) {})},
			"it goes to another party":               {"impossible bundle", gate.KindReleased, by, use(func(b *gate.UseBody) { b.Party = "" })},
			"more goes":                              {"impossible bundle", gate.KindReleased, by, use(func(b *gate.UseBody) { b.Items = []string{"gender", "voice"} })},
			"it goes for another purpose":            {"impossible bundle", gate.KindReleased, by, use(func(b *gate.UseBody) { b.Purpose = "account" })},
			"one goes that never was":                {"impossible bundle", gate.KindReleased, "bundle:" + id.New(id.Bundle), use(func(*gate.UseBody) {})},
			"one goes that was taken":                {"impossible bundle", gate.KindReleased, "bundle:" + taken, use(func(*gate.UseBody) {})},
			"an app has it go":                       {"actor actor", gate.KindReleased, s.App.Ledger(), use(func(*gate.UseBody) {})},
			"it is withheld though nothing is wrong": {"verdict ", gate.KindWithheld, by, use(func(b *gate.UseBody) { b.Reasons = []gate.Denial{{Code: "gate.frozen", Article: "20"}} })},
			"it was taken and never went":            {"impossible bundle", vault.KindDelivered, by, vault.DeliveredBody{Bundle: waits, Role: party.Processor, Party: vaulttest.Processor}},
			"it is late before its time":             {"impossible bundle", vault.KindDropped, by, vault.DroppedBody{Bundle: waits, Role: party.Processor, Party: vaulttest.Processor, Why: vault.Late}},
			"it is thrown away for no reason":        {"impossible bundle", vault.KindDropped, by, vault.DroppedBody{Bundle: waits, Role: party.Processor, Party: vaulttest.Processor, Why: "x"}},
		} {
			report := s.once(t, func() { s.forge(s.mei, 0, c.kind, c.actor, c.body) })
			if c.found == "" {
				if len(report.Differences) > 0 {
					t.Errorf("%s: %v", name, report.Differences)
				}
				continue
			}
			forgery(t, name, report, c.found)
		}
		// Nor that a party has come for it which hasn't, or before it was decided that it may go.
		if report := s.once(t, func() {
			s.do(func(ctx context.Context, tx *db.Tx) error {
				comes, err := party.ClientOf(ctx, tx, signs.ID)
				if err == nil {
					_, err = s.Vault.Fetch(ctx, tx, comes, waits)
				}
				return err
			})
		}); len(report.Differences) > 0 {
			t.Errorf("its party comes for it: %v", report.Differences)
		}
		signed, comes := "party:"+signs.ID, vault.FetchedBody{Bundle: waits, Role: party.Processor, Party: vaulttest.Processor}
		for name, c := range map[string]struct {
			found, actor string
			decided      bool
			body         vault.FetchedBody
		}{
			"nobody has decided that it may go":              {"impossible bundle", signed, false, comes},
			"another party comes for it":                     {"impossible bundle", signed, true, vault.FetchedBody{Bundle: waits, Role: party.Recipient, Party: vaulttest.Processor}},
			"one is fetched that was taken":                  {"impossible bundle", signed, true, vault.FetchedBody{Bundle: taken, Role: party.Processor, Party: vaulttest.Processor}},
			"it is fetched by an app":                        {"actor actor", s.App.Ledger(), true, comes},
			"it is fetched to a country of none of its keys": {"impossible border", "party:" + abroad.ID, true, comes}, // edge case 20
			"it is fetched by a key of nobody":               {"impossible actor", "party:" + id.New(id.PartyKey), true, comes},
		} {
			forgery(t, name, s.once(t, func() {
				if c.decided {
					s.forge(s.mei, 0, gate.KindReleased, by, use(func(*gate.UseBody) {}))
				}
				s.forge(s.mei, 1, vault.KindFetched, c.actor, c.body)
			}), c.found)
		}
		pushed := func(change func(b *gate.UseBody)) gate.UseBody {
			return use(func(b *gate.UseBody) {
				m := (party.Meter{}).At(s.Store.Now())
				b.Pull = &gate.PullBody{Role: party.Processor, Party: vaulttest.Processor, Minute: m.Minute, Hour: m.Hour, InHour: 2, Day: m.Day, InDay: 2, PerHour: 10, PerDay: 10, Burst: 5,
					Key: key.ID, Bundle: id.New(id.Bundle), Until: s.Store.Now().Add(time.Hour).UnixMicro()}
				change(b)
			})
		}
		for name, c := range map[string]struct {
			found  string
			change func(b *gate.UseBody)
		}{
			"that never was":                     {"row_missing ", func(*gate.UseBody) {}},
			"with the name of another":           {"impossible bundle", func(b *gate.UseBody) { b.Pull.Bundle = waits }},
			"that waits too long":                {"impossible bundle", func(b *gate.UseBody) { b.Pull.Until = s.Store.Now().Add(2 * vault.BundleLife).UnixMicro() }},
			"that is sealed to a key that signs": {"verdict ", func(b *gate.UseBody) { b.Pull.Key = signs.ID }},
			"that is sealed to nobody":           {"verdict ", func(b *gate.UseBody) { b.Pull.Key = "" }},
			"beyond what it was allowed":         {"verdict ", func(b *gate.UseBody) { b.Pull.PerHour = 2 }},
			"that counts anew":                   {"impossible meter", func(b *gate.UseBody) { b.Pull.InHour, b.Pull.InDay = 0, 0 }},
			"with an alarm that has no entry":    {"impossible alarm", func(b *gate.UseBody) { b.Pull.Burst, b.Pull.Alarms = 0, []approval.Cause{approval.Burst} }},
		} {
			forgery(t, name, s.once(t, func() { s.forge(s.mei, 0, gate.KindPermitted, s.App.Ledger(), pushed(c.change)) }), c.found)
		}
		forgery(t, "a party pushes", s.once(t, func() { s.forge(s.mei, 0, gate.KindPermitted, "party:"+signs.ID, pushed(func(*gate.UseBody) {})) }), "actor actor")
	})
}
