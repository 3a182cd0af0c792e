package receipt_test

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/receipt"
	"wardkeep/internal/vault/vaulttest"
)

// A desk is a world with a ledger that gives places, and a guardian's browser.
type desk struct {
	*vaulttest.World
	t      *testing.T
	log    *ledger.Log
	office receipt.Office
}

const origin = "wardkeep.example.com/ledger"

func each(t *testing.T, fn func(t *testing.T, d *desk)) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) { fn(t, newDesk(t, w)) })
}

func newDesk(t *testing.T, w *vaulttest.World) *desk {
	signer, key, err := ledger.NewSigner(origin, w.Ring.Signer().Seed())
	if err != nil {
		t.Fatal(err)
	}
	return &desk{w, t, ledger.Open(w.Store, origin, signer),
		receipt.Office{Charters: w.Desk.Charters, Key: key, PublicURL: "https://wardkeep.example.com"}}
}

// flush gives every entry its place.
func (d *desk) flush() {
	d.t.Helper()
	if err := d.log.Flush(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

// An asked is a request with the way to it.
type asked struct {
	consent.Request
	child family.Child
	proof string // of the browser
}

// answer asks the guardian of a child, who reads the notice in a language, and
// answers yes but to what is refused.
func (d *desk) answer(child family.Child, asking consent.Asking, lang string, refused ...string) (a asked) {
	d.t.Helper()
	a = d.ask(child, asking, lang)
	answers := map[string]bool{}
	for _, p := range a.Purposes {
		answers[p] = !slices.Contains(refused, p)
	}
	d.give(&a, answers)
	return a
}

func (d *desk) ask(child family.Child, asking consent.Asking, lang string) (a asked) {
	d.t.Helper()
	asking.Locale = lang
	if asking.Channel == "" {
		asking.Channel = consent.SMS
	}
	a.child = child
	d.Pass(time.Hour) // codes to one contact are limited
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		a.Request, _, _, err = d.Desk.Ask(ctx, tx, d.App, child, asking)
		return err
	})
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		a.Request, _, _, err = d.Desk.Open(ctx, tx, a.Request, lang, consent.OnPage)
		return err
	})
	d.verify(&a)
	return a
}

// verify proves again who it is.
func (d *desk) verify(a *asked) {
	d.t.Helper()
	var code consent.OneTime
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		code, err = d.Desk.SendCode(ctx, tx, a.Request)
		return err
	})
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		a.Request, a.proof, _, err = d.Desk.VerifyCode(ctx, tx, a.Request, code.Code)
		return err
	})
}

func (d *desk) give(a *asked, answers map[string]bool) {
	d.t.Helper()
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		g, err := d.Desk.Guardian(ctx, tx, a.Request, a.proof)
		if err != nil {
			return err
		}
		if a.Request, _, err = d.Desk.ShowPage(ctx, tx, a.Request, "<p>a page with questions</p>"); err != nil {
			return err
		}
		_, err = d.Desk.Give(ctx, tx, g, a.Request, a.Shown, maps.Clone(answers))
		return err
	})
}

func (d *desk) withdraw(a *asked, purpose string) {
	d.t.Helper()
	d.Pass(time.Hour)
	d.verify(a)
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		g, err := d.Desk.Guardian(ctx, tx, a.Request, a.proof)
		if err != nil {
			return err
		}
		_, err = d.Desk.Withdraw(ctx, tx, g, a.child, purpose)
		return err
	})
}

// record returns the record that the browser downloads, or why not.
func (d *desk) record(a asked) (r receipt.Record, err error) {
	err = d.Store.View(d.t.Context(), func(tx *db.Tx) error {
		by, err := d.Desk.Reader(d.t.Context(), tx, a.Request, a.proof)
		if err != nil {
			return err
		}
		r, err = d.office.Of(d.t.Context(), tx, by, a.Request)
		return err
	})
	return r, err
}

// file is record as a file, with every entry in its place.
func (d *desk) file(a asked) []byte {
	d.t.Helper()
	d.flush()
	r, err := d.record(a)
	if err != nil {
		d.t.Fatal(err)
	}
	b, err := r.JSON()
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

var (
	ids   = regexp.MustCompile(`\b(su|cr|co|gu|le)_[0-9a-z]{26}\b`)
	times = regexp.MustCompile(`20\d\d-\d\d-\d\dT[0-9:.]+Z`)
)

func loadCharter(t *testing.T, w *vaulttest.World) *charter.Charter {
	t.Helper()
	var p catalog.Published
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		p, err = catalog.Current(ctx, tx, vaulttest.Service)
		return err
	})
	return p.Charter
}
