package web_test

import (
	"context"
	"strings"
	"testing"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/gate"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// Edge case 23: a guardian reads at home what was given away without a yes, to whom, and
// why, in words.
func TestEdgeCase23_TheGuardianReadsOfARescueAtHome(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child := s.w.Child()
		s.w.Put(child, "course-progress", "nickname", "小满")
		desk := approval.Desk{Ring: s.w.Ring, Charters: s.w.Desk.Charters}
		hire := func(name string) (p staff.Person) {
			s.w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				p, err = staff.Add(ctx, tx, catalog.Operator{ID: "test"}, name, staff.Grant{Role: staff.Worker, Service: vaulttest.Service})
				return err
			})
			return p
		}
		worker, second := hire("李雷"), hire("王芳")
		var r approval.Request
		s.w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			r, _, err = desk.Ask(ctx, tx, worker, child, approval.Asking{Purpose: "course-progress", Items: []string{"nickname"}, Reason: approval.ForSafety, Text: pii.New("孩子走失"),
				Glass: true, Basis: approval.Basis{Ground: approval.OnLife, Receiver: approval.Rescue, Country: "CN"}, Paper: approval.Paper{Authority: "消防救援"}})
			return err
		})
		s.w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := desk.Join(ctx, tx, second, vaulttest.Service, r.ID)
			return err
		})
		s.w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := s.w.Vault.Reveal(ctx, tx, worker, gate.UseBy(r, "nickname"), r.ID)
			return err
		})
		s.signIn()
		s.settle()
		for _, lang := range i18n.Langs {
			_, body := s.get(s.tie(child)+"?lang="+string(lang), "")
			for _, wants := range []string{lang.T("approval.receiver.rescue"), lang.T("web.mine.uses.on_life")} {
				if !strings.Contains(strings.ReplaceAll(body, "&#39;", "'"), wants) {
					t.Errorf("%s: the page doesn't say %q", lang, wants)
				}
			}
			if strings.Contains(body, "life:rescue") {
				t.Errorf("%s: the page has a word of ours", lang)
			}
		}
		s.audits()
	})
}
