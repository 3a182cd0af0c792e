package receipt_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/legal"
	"wardkeep/internal/order"
	"wardkeep/internal/receipt"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault"
)

// erased has a guardian demand that a child is erased, and erases it, as the sweep
// does. It returns the secret of the certificate.
func (d *desk) erased() (secret string, child family.Child, r rights.Request) {
	d.t.Helper()
	child = d.Child()
	d.Put(child, "course-progress", "nickname", "小溪")
	secret = receipt.NewSecret()
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		desk := rights.Desk{Ring: d.Ring, Charters: d.Desk.Charters, Calendar: workday.Default()}
		r, _, err = desk.Receive(ctx, tx, d.App, child, rights.Demand{Kind: rights.Delete, Door: rights.ByChild})
		return err
	})
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		locked, err := family.Lock(ctx, tx, child.Service, child.ID)
		if err != nil {
			return err
		}
		keep, err := vault.Keeping(ctx, tx, locked)
		if err != nil {
			return err
		}
		entries, err := d.Vault.EraseLocked(ctx, tx, "system:retention", locked, family.Requested, keep)
		if err != nil {
			return err
		}
		return receipt.Keep(ctx, tx, d.Ring, secret, keep, append([]string{r.Entry}, entries...)...)
	})
	return secret, child, r
}

func (d *desk) certificate(secret string) (c receipt.Certificate, err error) {
	err = d.Store.View(d.t.Context(), func(tx *db.Tx) error {
		c, err = d.office.Certificate(d.t.Context(), tx, d.Ring, secret)
		return err
	})
	return c, err
}

// Article 20: who asked gets evidence of what was erased, why and when, and anybody
// checks it without this server.
func TestArticle20_ACertificateProvesTheErasure(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		secret, child, r := d.erased()
		if _, err := d.certificate(secret); !errors.Is(err, receipt.ErrNotYet) {
			t.Errorf("before the ledger has its place: %v", err)
		}
		d.flush()
		c, err := d.certificate(secret)
		if err != nil {
			t.Fatal(err)
		}
		if c.Number != r.Number || c.Door != "child" || c.Ground != "request" || !slices.Equal(c.Items, []string{"nickname"}) || c.Subject != child.Subject {
			t.Errorf("%+v", c)
		}
		file, err := c.JSON()
		if err != nil {
			t.Fatal(err)
		}
		report, err := receipt.VerifyCertificate(file, receipt.Against{Key: d.office.Key})
		if err != nil || !report.OK() || !receipt.IsCertificate(file) {
			t.Errorf("%v, %v", report.Findings, err)
		}
		if _, err := receipt.Verify(file, receipt.Against{Key: d.office.Key}); !errors.Is(err, receipt.ErrFormat) {
			t.Errorf("taken for a consent record: %v", err)
		}
		_, other, err := ledger.NewSigner(origin, bytes.Repeat([]byte{7}, 32))
		if err != nil {
			t.Fatal(err)
		}
		if report, err := receipt.VerifyCertificate(file, receipt.Against{Key: other}); err != nil || report.OK() {
			t.Errorf("with another key: %v, %v", report.Findings, err)
		}
	})
}

func TestArticle20_ATamperedCertificateIsFound(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		secret, _, _ := d.erased()
		d.flush()
		c, err := d.certificate(secret)
		if err != nil {
			t.Fatal(err)
		}
		file, err := c.JSON()
		if err != nil {
			t.Fatal(err)
		}
		var whole any
		if err := json.Unmarshal(file, &whole); err != nil {
			t.Fatal(err)
		}
		fields := 0
		eachField("", whole, func(path string, v any, set func(any)) {
			fields++
			for _, other := range others(v) {
				set(other)
				changed, err := json.Marshal(whole)
				if err != nil {
					t.Fatal(err)
				}
				set(v)
				if r, err := receipt.VerifyCertificate(changed, receipt.Against{Key: d.office.Key}); err == nil && r.OK() {
					t.Errorf("%s: %.40v for %.40v isn't found", path, other, v)
				}
			}
		})
		if fields < 25 {
			t.Errorf("only %d fields", fields)
		}
		for name, changed := range map[string]string{
			"a field that is not known": strings.Replace(string(file), `"ground"`, `"more": 1, "ground"`, 1),
			"a name in another case":    strings.Replace(string(file), `"ground"`, `"Ground"`, 1),
			"a field twice":             strings.Replace(string(file), `"ground"`, `"ground": "unlawful", "ground"`, 1),
			"something behind":          string(file) + "{}",
			"nothing":                   "",
		} {
			if r, err := receipt.VerifyCertificate([]byte(changed), receipt.Against{Key: d.office.Key}); err == nil && r.OK() {
				t.Errorf("%s isn't found", name)
			}
		}
	})
}

// Edge case 13: the certificate says who else was told to delete, and who has said since
// that it has. Each is proved, and none can be left out.
func TestEdgeCase13_ACertificateSaysWhoStillHasToDelete(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		secret, _, _ := d.erased()
		d.flush()
		open, err := d.certificate(secret)
		if err != nil {
			t.Fatal(err)
		}
		if len(open.Ordered) != 1 || !slices.Equal(open.Open, []string{"yuping-assessment"}) || open.Ordered[0].Attested != "" {
			t.Fatalf("%+v, %v", open.Ordered, open.Open)
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := order.List(ctx, tx, d.App.Service, order.IsOpen, "", 10)
			if err != nil {
				return err
			}
			book := order.Book{Ring: d.Ring, Charters: d.Desk.Charters}
			_, _, err = book.Attest(ctx, tx, d.App, d.App.Service, all[0].ID, "yuping-assessment", strings.Repeat("ab", 32))
			return err
		})
		if c, err := d.certificate(secret); err != nil || len(c.Open) != 1 {
			t.Errorf("before the attestation has its place: %v, %v", c.Open, err)
		}
		d.flush()
		done, err := d.certificate(secret)
		if err != nil {
			t.Fatal(err)
		}
		if len(done.Open) != 0 || done.Ordered[0].Attested == "" || done.Ordered[0].Document != strings.Repeat("ab", 32) {
			t.Errorf("%+v, %v", done.Ordered, done.Open)
		}
		good := func(c receipt.Certificate) bool {
			t.Helper()
			file, err := c.JSON()
			if err != nil {
				t.Fatal(err)
			}
			r, err := receipt.VerifyCertificate(file, receipt.Against{Key: d.office.Key})
			return err == nil && r.OK()
		}
		if !good(open) || !good(done) {
			t.Error("one of them can't be checked")
		}
		for name, change := range map[string]func(o *receipt.Told){
			"another paper": func(o *receipt.Told) { o.Document = strings.Repeat("cd", 32) },
			"another salt":  func(o *receipt.Told) { o.Salt = make([]byte, len(o.Salt)) },
			"no salt":       func(o *receipt.Told) { o.Salt = nil },
			"no paper":      func(o *receipt.Told) { o.Document, o.Salt = "", nil },
		} {
			forged := done
			forged.Ordered = slices.Clone(done.Ordered)
			change(&forged.Ordered[0])
			if good(forged) {
				t.Errorf("%s: it isn't found", name)
			}
		}
		// The order, with its attestation, is left out as if there had been none.
		less := done
		less.Ordered = []receipt.Told{}
		less.Proof.Entries = slices.DeleteFunc(slices.Clone(done.Proof.Entries), func(e receipt.Entry) bool { return strings.Contains(e.Leaf, `"order.`) })
		if good(less) {
			t.Error("an order that is left out isn't missed")
		}
	})
}

// Edge case 14: the certificate says what a law demands to keep, on which basis and until
// when, and none of it can be left out.
const caseNumber = "(2026)京01民初1号"

func TestEdgeCase14_ACertificateSaysWhatIsKept(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := legal.Approve(ctx, tx, d.Officer, legal.Approval{Service: d.App.Service, Items: []string{"nickname"}, Basis: legal.ServiceLog,
				Paper: legal.Paper{Number: caseNumber, Document: strings.Repeat("ab", 32)}, Until: tx.Now().Add(365 * 24 * time.Hour)}, func(string) bool { return true })
			return err
		})
		secret, _, _ := d.erased()
		d.flush()
		c, err := d.certificate(secret)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Items) != 0 || len(c.Held) != 1 || c.Held[0].Item != "nickname" || c.Held[0].Basis != "service_log" || c.Held[0].Number != caseNumber || c.Held[0].Until <= c.Erased {
			t.Errorf("%v, %+v", c.Items, c.Held)
		}
		good := func(c receipt.Certificate) bool {
			t.Helper()
			file, err := c.JSON()
			if err != nil {
				t.Fatal(err)
			}
			r, err := receipt.VerifyCertificate(file, receipt.Against{Key: d.office.Key})
			return err == nil && r.OK()
		}
		less := c
		less.Held = []receipt.Held{}
		less.Proof.Entries = slices.DeleteFunc(slices.Clone(c.Proof.Entries), func(e receipt.Entry) bool { return strings.Contains(e.Leaf, `"legal.kept"`) })
		if !good(c) || good(less) {
			t.Error("it can't be checked, or what is left out isn't missed")
		}
		for name, change := range map[string]func(h *receipt.Held){
			"another number": func(h *receipt.Held) { h.Number = "(2026)京01民初2号" },
			"no number":      func(h *receipt.Held) { h.Number = "" },
			"another paper":  func(h *receipt.Held) { h.Hash = strings.Repeat("cd", 32) },
			"another salt":   func(h *receipt.Held) { h.Salt = make([]byte, len(h.Salt)) },
			"no salt":        func(h *receipt.Held) { h.Salt = nil },
			"nothing of it":  func(h *receipt.Held) { h.Number, h.Hash, h.Salt = "", "", nil },
		} {
			forged := c
			forged.Held = slices.Clone(c.Held)
			change(&forged.Held[0])
			if good(forged) {
				t.Errorf("%s: it isn't found", name)
			}
		}
	})
}

// Edge case 16: from the store nothing leads from a certificate to its child, nor
// the other way, and without the link nobody reads it. Its time ends.
func TestEdgeCase16_ACertificateLeadsToNobody(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		secret, child, r := d.erased()
		d.flush()
		for _, wrong := range []string{"", "x", strings.ToUpper(secret), receipt.NewSecret(), secret[:len(secret)-1] + "!"} {
			if _, err := d.certificate(wrong); !errors.Is(err, receipt.ErrNoCertificate) {
				t.Errorf("%d characters lead to %v", len(wrong), err)
			}
		}
		var hash, sealed []byte
		var until db.Time
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			return db.Each(ctx, tx, func(row db.Row) error { return row.Scan(&hash, &sealed, &until) }, `SELECT secret, sealed, until FROM certificate`)
		})
		for _, leads := range []string{string(child.ID), child.Subject, r.ID, r.Number, r.Entry, secret} {
			if bytes.Contains(append(hash, sealed...), []byte(leads)) {
				t.Errorf("a row of the store has %.3s… in it", leads)
			}
		}
		if at := time.Time(until); !at.Equal(at.Truncate(24 * time.Hour)) {
			t.Errorf("the end tells the moment of the erasure: %s", at)
		}
		if _, err := d.Ring.Open("receipt.certificate", sealed); err == nil {
			t.Error("it opens without the secret")
		}
		d.Pass(3*366*24*time.Hour + time.Hour)
		if _, err := d.certificate(secret); !errors.Is(err, receipt.ErrNoCertificate) {
			t.Errorf("after its time: %v", err)
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			n, err := receipt.ForgetCertificates(ctx, tx, 10)
			if n != 1 {
				t.Errorf("%d forgotten", n)
			}
			return err
		})
	})
}
