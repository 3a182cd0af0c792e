package replay_test

import (
	"context"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/gate"
	"wardkeep/internal/party"
	"wardkeep/internal/vault/vaulttest"
)

// Each use by a party is decided again, with the key that it was bound to at that moment and
// with what its party had had; uses that never were, or that another key made, are found.
func TestArticle16_WhatAPartyHasFetchedIsDecidedAgain(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := &scene{story: begin(t, w)}
		s.mei = s.Child()
		ok(t, s.put(s.mei.ID, "speaking-practice", map[string]string{"gender": "女"}))
		w.PassToHalfPast()
		s.Engage(s.Store.Now().Add(1000 * 24 * time.Hour))
		key, _ := s.Bind(vaulttest.ProcessorID())
		revoked, _ := s.Bind(vaulttest.ProcessorID())
		for range 3 {
			ok(t, s.pull(key.ID, s.mei.ID, "gender"))
		}
		w.Pass(61 * time.Second)
		w.Vault.Pulls = party.Limits{PerHour: 4, PerDay: 100, Burst: 1}
		ok(t, s.pull(key.ID, s.mei.ID, "gender"))
		for range 2 {
			denied(t, s.pull(key.ID, s.mei.ID, "gender"), "gate.pull_hour")
		}
		w.Vault.Pulls = party.Limits{}
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Revoke(ctx, tx, s.Officer, vaulttest.ProcessorID(), revoked.ID)
			return err
		})
		denied(t, s.pull(revoked.ID, s.mei.ID, "gender"), "gate.key_revoked")
		w.Pass(time.Minute)
		ok(t, s.flush())
		s.replays(t)

		pulled := func(change func(b *gate.UseBody)) gate.UseBody {
			b := s.fair()
			b.Activity, b.Purpose, b.Items, b.Party = "entrust", "speaking-practice", []string{"gender"}, vaulttest.Processor
			m := (party.Meter{}).At(s.Store.Now())
			b.Pull = &gate.PullBody{Role: party.Processor, Party: vaulttest.Processor, Minute: m.Minute, Hour: m.Hour, InHour: 4, Day: m.Day, InDay: 4, PerHour: 10, PerDay: 10, Burst: 5}
			change(&b)
			return b
		}
		for name, c := range map[string]struct {
			found, key string
			change     func(b *gate.UseBody)
		}{
			"the next":                         {"row_differs in_hour", key.ID, func(*gate.UseBody) {}},
			"by a key that was revoked":        {"verdict ", revoked.ID, func(*gate.UseBody) {}},
			"by a key that never was":          {"verdict ", id.New(id.PartyKey), func(*gate.UseBody) {}},
			"by another key, that counts anew": {"impossible meter", revoked.ID, func(b *gate.UseBody) { b.Pull.InHour, b.Pull.InDay = 0, 0 }},
			"that another party's is counted":  {"verdict ", key.ID, func(b *gate.UseBody) { b.Pull.Party, b.Pull.InHour, b.Pull.InDay = "another", 0, 0 }},
			"that says less was had before":    {"impossible meter", key.ID, func(b *gate.UseBody) { b.Pull.InHour = 0 }},
			"that says more was had before":    {"impossible meter", key.ID, func(b *gate.UseBody) { b.Pull.InDay = 5 }},
			"of another hour":                  {"impossible meter", key.ID, func(b *gate.UseBody) { b.Pull.Hour++ }},
			"beyond what it was allowed":       {"verdict ", key.ID, func(b *gate.UseBody) { b.Pull.PerHour = 4 }},
			"that bursts and raised no alarm":  {"impossible alarm", key.ID, func(b *gate.UseBody) { b.Pull.Burst = 0 }},
			"with an alarm that has no entry":  {"impossible alarm", key.ID, func(b *gate.UseBody) { b.Pull.Burst, b.Pull.Alarms = 0, []approval.Cause{approval.Burst} }},
			"that counts nothing":              {"actor actor", key.ID, func(b *gate.UseBody) { b.Pull = nil }},
			"for another party":                {"verdict ", key.ID, func(b *gate.UseBody) { b.Party = "" }},
			"of more than was agreed":          {"verdict ", key.ID, func(b *gate.UseBody) { b.Items = []string{"gender", "nickname"} }},
		} {
			forgery(t, name, s.once(t, func() { s.forge(s.mei, 0, gate.KindPermitted, "party:"+c.key, pulled(c.change)) }), c.found)
		}
		forgery(t, "by an app that counts", s.once(t, func() { s.forge(s.mei, 0, gate.KindPermitted, s.App.Ledger(), pulled(func(*gate.UseBody) {})) }), "actor actor")
	})
}
