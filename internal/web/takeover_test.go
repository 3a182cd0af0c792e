package web_test

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/receipt"
	"wardkeep/internal/vault/vaulttest"
)

var inTakeover = regexp.MustCompile(`[0-9a-z]{52}|[0-9a-f]{64}`)

// Edge case 18: whoever reads of the end reads who takes over, and that silence is no yes; the
// question leads from the home, is answered in one step either way, and the certificate
// says what became of it.
func TestEdgeCase18_ThePagesOfATakeover(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		w := s.w
		w.Publish(vaulttest.Takeover(w.Charter))
		check := func(name, path string) (zh string) {
			t.Helper()
			for _, lang := range []string{"zh-CN", "en"} {
				status, body := s.get(path+"?lang="+lang, "")
				if lang == "zh-CN" {
					zh = body
				}
				body = changingAtHome.ReplaceAllString(changing.ReplaceAllString(body, "…"), "…")
				body = anyDay.ReplaceAllString(inCertificate.ReplaceAllString(inTakeover.ReplaceAllString(body, "…"), "…"), "…")
				golden(t, name+"."+lang+".html", body)
				if status != 200 {
					t.Errorf("%s: %d", name, status)
				}
			}
			return zh
		}
		child := w.Child() // its guardian has agreed before
		w.Put(child, "course-progress", "nickname", "小满")
		w.Pass(time.Minute)
		ends := w.CeaseTo(8 * 24 * time.Hour)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			service, err := catalog.Find(ctx, tx, vaulttest.Service)
			if err == nil {
				_, err = w.Desk.AskSuccession(ctx, tx, catalog.Operator{ID: "test"}, child, service)
			}
			return err
		})
		check("takeover-rules", "/rules/"+vaulttest.Service)
		s.signIn()
		home := check("takeover-home", s.tie(child))
		if n := strings.Count(home, `/again?`); n != 1 {
			t.Errorf("%d questions can be answered", n)
		}
		status, body := s.post(s.tie(child)+"/again?lang=zh-CN", url.Values{"purpose": {vaulttest.Handover}})
		token := ""
		if m := inTakeover.FindString(strings.Join(strings.Split(body, "/r/")[1:2], "")); status == 200 {
			token = m
		}
		if token == "" {
			t.Fatalf("%d %s", status, body)
		}
		s.verified(token)
		check("takeover-asked", "/r/"+token)
		if status, body := s.post("/r/"+token+"/answer?lang=zh-CN", s.agrees(token, "zh-CN")); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		// A code alone carries nothing out of the house (edge case 24).
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			r, _, _, err := w.Desk.Ask(ctx, tx, w.App, child, consent.Asking{Purposes: []string{vaulttest.Handover}, Channel: consent.Link, Locale: "zh-CN"})
			if err == nil {
				_, _, err = w.Desk.ForceAt(ctx, tx, w.App, r, consent.ForceGranted, family.NameAndNumber)
			}
			return err
		})
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Transfer(ctx, tx, w.By(), gate.Use{Service: vaulttest.Service, Child: child.ID, Activity: charter.Transfer,
				Purpose: vaulttest.Handover, Items: []string{"nickname"}, Party: vaulttest.Successor})
			return err
		})
		w.Pass(9 * 24 * time.Hour)
		erase := func(c family.Child) string {
			secret := receipt.NewSecret()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				entries, err := w.Vault.Erase(ctx, tx, "system:cessation", c.Service, c.ID, family.Cessation)
				if err != nil {
					return err
				}
				return receipt.Keep(ctx, tx, w.Ring, secret, nil, entries...)
			})
			return secret
		}
		handed := erase(child)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := catalog.Ceased(ctx, tx, "system:cessation", ends, 1)
			return err
		})
		s.places()
		check("takeover-over", "/rules/"+vaulttest.Service)
		check("takeover-certificate", "/certificate/"+handed)
		_, file := s.get("/certificate/"+handed+"/certificate.json", "")
		report, err := receipt.VerifyCertificate([]byte(file), receipt.Against{})
		if err != nil || !report.OK() || report.Certificate.Successor != vaulttest.Successor || report.Certificate.Handed == "" {
			t.Errorf("%+v, %v", report, err)
		}
		if forged, err := receipt.VerifyCertificate([]byte(strings.Replace(file, `"handed_over_at"`, `"x"`, 1)), receipt.Against{}); err == nil && forged.OK() {
			t.Error("a certificate that keeps quiet about it verifies")
		}
	})
}
