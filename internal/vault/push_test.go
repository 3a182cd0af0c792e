package vault_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

// codes returns why a push was denied.
func codes(err error) (all []string) {
	if denied, ok := errors.AsType[*gate.Denied](err); ok {
		for _, r := range denied.Reasons {
			all = append(all, r.Code)
		}
	}
	return all
}

// Articles 9, 13 and 16: a push is decided as when the app gives something to a party, wants a key
// that it is sealed to, leaves no plaintext behind, and is bounded.
func TestArticle16_APushIsDecidedAsEveryEntrusting(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		of := vaulttest.ProcessorID()
		c := w.Child()
		w.Put(c, "speaking-practice", "gender", "女")
		push := func(of party.ID, purpose string, items ...string) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := w.Vault.Push(ctx, tx, w.By(), of, c.ID, purpose, items)
				return err
			})
		}
		want := func(name string, err error, code ...string) {
			t.Helper()
			if got := codes(err); !slices.Equal(got, code) {
				t.Errorf("%s: %v, want %v", name, err, code)
			}
		}
		stranger := party.ID{Service: vaulttest.Service, Role: party.Processor, Name: "王小明"}
		want("a stranger", push(stranger, "speaking-practice", "gender"), "gate.processor_unknown", "gate.processor_not_engaged")
		want("not engaged", push(of, "speaking-practice", "gender"), "gate.processor_not_engaged")
		w.Engage(w.Store.Now().Add(100 * 24 * time.Hour))
		want("without a key", push(of, "speaking-practice", "gender"), "gate.party_cannot_open")
		w.Bind(of) // one that signs is none that anything is sealed to
		want("with a key that signs", push(of, "speaking-practice", "gender"), "gate.party_cannot_open")
		key, _ := w.BindSeal(of)
		if err := push(of, "speaking-practice", "gender"); err != nil {
			t.Fatal(err)
		}
		want("another purpose", push(of, "account", "guardian_phone"), "gate.activity_not_in_purpose", "gate.processor_unknown", "gate.item_not_for_party", "gate.purpose_not_assessed", "gate.purpose_not_agreed")
		for name, e := range map[string]struct {
			err  error
			item string
		}{"not held": {vault.ErrUnheld, "voice"}} {
			if err := push(of, "speaking-practice", "gender", e.item); !errors.Is(err, e.err) {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.Put(c, "speaking-practice", "gender", "女")
		if left := w.Waiting(); len(left) != 1 || left[0].Key != key.ID {
			t.Fatalf("%+v", left)
		}

		// Article 13: nothing of it lies in the store that anybody could read.
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			sealed, err := db.One(ctx, tx, db.Single[[]byte], `SELECT sealed FROM party_bundle`)
			if bytes.Contains(sealed, []byte("女")) || bytes.Contains(sealed, []byte("age-encryption.org")) {
				t.Error("it lies there in plain, or for whoever has the party's key alone")
			}
			return err
		})

		// One that takes nothing fills no disk.
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `DELETE FROM party_bundle`)
			for i := range vault.MaxWaiting {
				if err == nil {
					_, err = tx.Exec(ctx, `
						INSERT INTO party_bundle (child, bundle, service, role, party, key, purpose, items, sealed, pushed_at, until_at, due_at, tries, failure, status)
						VALUES ($1, $2, $3, 'processor', $4, '', '', '', $5, 0, 9000000000000000, 9000000000000000, 0, '', 0)`,
						c.ID, strings.Repeat("x", 1+i%7)+time.Duration(i).String(), of.Service, of.Name, []byte{0})
				}
			}
			return err
		})
		if err := push(of, "speaking-practice", "gender"); !errors.Is(err, vault.ErrWaiting) {
			t.Errorf("one more than the most: %v", err)
		}
	})
}

// Article 16: what is pushed counts as what the party asks for does. Too much is denied, and too
// fast raises an alarm.
func TestArticle16_APushCountsOnTheParty(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		w.PassToHalfPast()
		of := vaulttest.ProcessorID()
		c := w.Child()
		w.Put(c, "speaking-practice", "gender", "女")
		w.Engage(w.Store.Now().Add(100 * 24 * time.Hour))
		signs, _ := w.Bind(of)
		w.BindSeal(of)
		w.Vault.Pulls = party.Limits{PerHour: 4, PerDay: 100, Burst: 2}
		pull := func() error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				by, err := party.ClientOf(ctx, tx, signs.ID)
				if err == nil {
					_, err = w.Vault.Pull(ctx, tx, by, c.ID, "speaking-practice", []string{"gender"})
				}
				return err
			})
		}
		for i := range 4 {
			ask := pull
			if i%2 == 0 {
				ask = func() error { _, err := w.Push(c.ID, "gender"); return err }
			}
			if err := ask(); err != nil {
				t.Fatal(i, err)
			}
		}
		for name, err := range map[string]error{"a pull": pull(), "a push": func() error { _, err := w.Push(c.ID, "gender"); return err }()} {
			if got := codes(err); !slices.Equal(got, []string{"gate.pull_hour"}) {
				t.Errorf("%s: %v", name, err)
			}
		}
		var alarms []string
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			return ledger.Pending(ctx, tx, func(p ledger.Placed) error {
				var b approval.AlarmBody
				if p.Kind != approval.KindAlarm {
					return nil
				}
				alarms = append(alarms, string(b.Cause))
				return p.Into(&b)
			})
		})
		if len(alarms) != 2 { // the burst, and that there are too many
			t.Errorf("%d alarms", len(alarms))
		}
		if len(w.Waiting()) != 2 {
			t.Errorf("%d wait", len(w.Waiting()))
		}
	})
}

// A bundle that is too large is no bundle: it is one POST to somebody else's machine.
func TestArticle16_ABundleIsBounded(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		wide := *w.Charter
		wide.Items = slices.Clone(wide.Items)
		for i := range wide.Items {
			if wide.Items[i].Name == "voice" {
				wide.Items[i].MaxBytes = vault.MaxBundle
			}
		}
		w.Publish(&wide)
		c := w.Child()
		w.Engage(w.Store.Now().Add(100 * 24 * time.Hour))
		w.BindSeal(vaulttest.ProcessorID())
		w.Put(c, "speaking-practice", "voice", base64.StdEncoding.EncodeToString(make([]byte, vault.MaxBundle)))
		if _, err := w.Push(c.ID, "voice"); !errors.Is(err, vault.ErrLarge) {
			t.Errorf("%v", err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			m, err := party.ReadMeter(ctx, tx, vaulttest.ProcessorID())
			if m.InDay != 0 {
				t.Errorf("it counts: %+v", m)
			}
			return err
		})
		if left := w.Waiting(); len(left) > 0 {
			t.Errorf("it waits: %+v", left)
		}
		if _, err := w.Push(family.ID("ch_nobody"), "voice"); !errors.Is(err, family.ErrNotFound) {
			t.Errorf("of nobody: %v", err)
		}
	})
}

// A list of what is due, or over, holds nothing of what is in it: a thousand bundles of one party
// may wait, of two megabytes each.
func TestArticle16_NoListHoldsWhatWaits(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		c := w.Child()
		w.Put(c, "speaking-practice", "gender", "女")
		w.Engage(w.Store.Now().Add(100 * 24 * time.Hour))
		w.BindSeal(vaulttest.ProcessorID())
		if _, err := w.Push(c.ID, "gender"); err != nil {
			t.Fatal(err)
		}
		if whole := w.Waiting(); len(whole) != 1 || whole[0].Intact(w.Ring, c) != nil {
			t.Fatalf("%+v", whole)
		}
		w.Pass(vault.BundleLife)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			due, err := vault.DueBundles(ctx, tx, vaulttest.Service, vaulttest.Processor, 9)
			if err != nil {
				return err
			}
			ending, err := vault.EndingBundles(ctx, tx, vault.Bundle{}, 9)
			if len(due) != 1 || len(ending) != 1 {
				t.Errorf("%d are due, %d are over", len(due), len(ending))
			}
			for _, b := range append(due, ending...) {
				if b.Intact(w.Ring, c) == nil {
					t.Errorf("%+v", b)
				}
			}
			return err
		})
	})
}

// What somebody has written into a row by hand isn't repeated in the ledger, however the bundle
// ends.
func TestInvariant6_NoEntryRepeatsWhatABundleWasMade(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		c := w.Child()
		w.Engage(w.Store.Now().Add(100 * 24 * time.Hour))
		w.BindSeal(vaulttest.ProcessorID())
		send := func() {
			for _, b := range w.Waiting() {
				w.Do(func(ctx context.Context, tx *db.Tx) error {
					_, may, err := w.Vault.Send(ctx, tx, b, func(int64) time.Duration { return time.Hour })
					if may {
						t.Error("it goes")
					}
					return err
				})
			}
		}
		erase := func() {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				locked, err := family.Lock(ctx, tx, vaulttest.Service, c.ID)
				if err == nil {
					_, err = w.Vault.EraseItems(ctx, tx, w.App.Ledger(), locked, []string{"gender"}, "requested")
				}
				return err
			})
		}
		for _, column := range []string{"bundle", "role", "party", "key", "purpose"} {
			for name, ends := range map[string]func(){"it is to be sent": send, "what is in it is erased": erase} {
				w.Put(c, "speaking-practice", "gender", "女")
				if _, err := w.Push(c.ID, "gender"); err != nil {
					t.Fatal(err)
				}
				w.Do(func(ctx context.Context, tx *db.Tx) error {
					_, err := tx.Exec(ctx, `UPDATE party_bundle SET `+column+` = '王小明'`)
					return err
				})
				ends()
				if left := w.Waiting(); len(left) > 0 {
					t.Errorf("%s, %s: it waits still", column, name)
				}
			}
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			return ledger.Pending(ctx, tx, func(p ledger.Placed) error {
				if strings.Contains(p.Actor, "王小明") || bytes.Contains(p.Body, []byte("王小明")) {
					t.Errorf("%s by %s: %s", p.Kind, p.Actor, p.Body)
				}
				return nil
			})
		})
	})
}
