package message_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/gate"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// Article 18, edge case 23: guardians hear of what went to somebody to whom they haven't
// agreed: of a rescue at once; of what a law keeps from them when that is over, and not
// before; of each once.
func TestArticle18_GuardiansHearOfWhatWasReleased(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child := d.family(mother)
		d.answer(child, consent.Asking{}, "zh-CN")
		d.Put(child, "course-progress", "nickname", "小满")
		d.told("consent.receipt " + motherPhone)
		var officer, manager, worker, second staff.Person
		d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			hire := func(name string, role staff.Role) (p staff.Person) {
				if err == nil {
					p, err = staff.Add(ctx, tx, catalog.Operator{ID: "test"}, name, staff.Grant{Role: role, Service: vaulttest.Service})
				}
				return p
			}
			manager, worker, second = hire("韩梅梅", staff.Manager), hire("李雷", staff.Worker), hire("王芳", staff.Worker)
			if err != nil {
				return err
			}
			office, err := staff.OfOffice(ctx, tx, vaulttest.Service, d.Officer.ID)
			if err == nil {
				officer, err = staff.Add(ctx, tx, catalog.Operator{ID: "test"}, "林静", office)
			}
			return err
		})
		desk := approval.Desk{Ring: d.Ring, Charters: d.Desk.Charters}
		ask := func(a approval.Asking) (r approval.Request) {
			t.Helper()
			a.Purpose, a.Items, a.Text = "course-progress", []string{"nickname"}, pii.New("来函")
			d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				r, _, err = desk.Ask(ctx, tx, worker, child, a)
				return err
			})
			return r
		}
		life := ask(approval.Asking{Reason: approval.ForSafety, Glass: true, Basis: approval.Basis{Ground: approval.OnLife, Receiver: approval.Rescue, Country: "CN"},
			Paper: approval.Paper{Authority: "消防救援"}})
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := desk.Join(ctx, tx, second, vaulttest.Service, life.ID)
			return err
		})
		d.told()
		for range 2 {
			d.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := d.Vault.Reveal(ctx, tx, worker, gate.UseBy(life, "nickname"), life.ID)
				return err
			})
		}
		d.told("child.disclosed_life " + motherPhone)

		own, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := staff.SetRecipient(ctx, tx, d.Ring, worker, own.Recipient().String())
			return err
		})
		d.Pass(staff.CoolingOff)
		silent := d.Store.Now().Add(10 * 24 * time.Hour)
		law := ask(approval.Asking{Reason: approval.ForAuthority, Export: true,
			Basis: approval.Basis{Ground: approval.OnLaw, Receiver: approval.Police, Level: approval.Statute, Country: "CN", Ends: silent, Silence: approval.Impedes, SilentUntil: silent},
			Paper: approval.Paper{Provision: "《刑事诉讼法》第五十四条", Number: "3号", Document: strings.Repeat("0a", 32), Authority: "公安局", Needs: []string{"查明身份"}}})
		for _, by := range []staff.Person{manager, officer} {
			d.Do(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := desk.Decide(ctx, tx, by, vaulttest.Service, law.ID, approval.Decision{Verdict: approval.Granted, Reason: approval.Needed})
				return err
			})
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := desk.Review(ctx, tx, officer, vaulttest.Service, life.ID, approval.Review{Finding: approval.Rightful, Text: pii.New("属实")})
			return err
		})
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := d.Vault.Export(ctx, tx, worker, gate.UseBy(law, "nickname"), law.ID)
			return err
		})
		d.told()
		tell := func() (told bool) {
			d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				told, err = approval.Tell(ctx, tx, d.Ring, "system:test", law)
				return err
			})
			return told
		}
		if tell() {
			t.Error("the silence is over before its day")
		}
		d.told()
		d.Pass(10 * 24 * time.Hour)
		if !tell() || tell() {
			t.Error("the silence isn't over on its day, or is twice")
		}
		d.told("child.disclosed_law " + motherPhone)
	})
}
