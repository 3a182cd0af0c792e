package app

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/vault/vaulttest"
)

// gateway takes messages once it is up.
type gateway struct{ up, tries, taken atomic.Int64 }

func (g *gateway) Send(_ context.Context, m notify.Message) error {
	if m.Lang != i18n.Chinese && m.Lang != i18n.English {
		return notify.ErrMessage
	}
	g.tries.Add(1)
	if g.up.Load() == 0 {
		return notify.ErrUnavailable
	}
	g.taken.Add(1)
	return nil
}

// Article 23: the jobs tell guardians of the end before anything is erased, wait for a
// gateway that can't take it yet, and then end by themselves what was announced.
func TestArticle23_WhatWasAnnouncedEndsByItself(t *testing.T) {
	t.Parallel() // it waits
	w, a := newSweeper(t)
	signer, _, err := ledger.NewSigner("wardkeep.example.com/ledger", w.Ring.Signer().Seed())
	if err != nil {
		t.Fatal(err)
	}
	a.Ledger, a.Charters, a.Config.PublicURL = ledger.Open(w.Store, "wardkeep.example.com/ledger", signer), w.Vault.Gate.Charters, "https://wardkeep.example.com"
	var phone gateway
	a.Messages = notify.Router{notify.SMS: &phone}
	child := w.Child()
	w.Put(child, "speaking-practice", "voice", "AAAA")
	if err := a.Ledger.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Pass(80 * time.Hour) // so that what came before is told no more
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := catalog.Cease(ctx, tx, w.Officer, vaulttest.Service, "speaking-practice", catalog.Discontinued, tx.Now())
		return err
	})
	w.Pass(2 * time.Minute)
	t.Cleanup(runJobs(t, a))
	soon := func(what string, so func() bool) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); !so(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: not in half a minute", what)
			}
			if err := a.Ledger.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	ended := func() bool {
		var c catalog.Cessation
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			c, err = catalog.FindCessation(ctx, tx, vaulttest.Service, "speaking-practice")
			return err
		})
		return !c.EndedAt.IsZero()
	}
	soon("the gateway is tried", func() bool { return phone.tries.Load() > 0 })
	if ended() {
		t.Error("it ended before anybody was told")
	}
	phone.up.Store(1)
	soon("told and ended", ended)
	if n := phone.taken.Load(); n != 1 {
		t.Errorf("told %d times", n)
	}
}
