package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/catalog"
	"wardkeep/internal/evidence"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// Article 22: an archive that somebody in office asks for is made beside all else, one at a time; it can be taken away
// once it is whole, and verifies. One whose maker was killed is said to be interrupted, and nothing of it is given out;
// one whose row was touched isn't, either; and its file goes with its time.
func TestArticle22_ABundleIsWholeOrNotGivenOut(t *testing.T) {
	w, a := newSweeper(t)
	signer, key, err := ledger.NewSigner("ledger.example/xiaoxi", bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	a.Ledger, a.Config.LedgerOrigin = ledger.Open(a.Store, "ledger.example/xiaoxi", signer), "ledger.example/xiaoxi"
	a.Config.Node = "n1"
	w.Child()
	w.Launch()
	var boss staff.Person
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		g, err := staff.OfOffice(ctx, tx, vaulttest.Service, w.Officer.ID)
		if err == nil {
			boss, err = staff.Add(ctx, tx, catalog.Operator{ID: "test"}, "林静", g)
		}
		return err
	})
	ask := func(s evidence.Scope) (b evidence.Bundle, err error) {
		err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
			b, _, err = evidence.Ask(ctx, tx, w.Ring, boss, s, "")
			return err
		})
		return b, err
	}
	if _, err := ask(evidence.Scope{}); !errors.Is(err, staff.ErrMayNot) {
		t.Errorf("by who holds the office of one service of two: %v", err)
	}
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		o, err := catalog.Holder(ctx, tx, vaulttest.LiveService, catalog.RoleOfficer)
		if err != nil {
			return err
		}
		g, err := staff.OfOffice(ctx, tx, vaulttest.LiveService, o.ID)
		if err == nil {
			boss, err = staff.Give(ctx, tx, catalog.Operator{ID: "test"}, boss.ID, g)
		}
		return err
	})
	stands := func(name string, want evidence.BundleState) (b evidence.Bundle) {
		t.Helper()
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			b, err = evidence.FindBundle(ctx, tx, name)
			if got := b.State(tx.Now()); err == nil && got != want {
				t.Errorf("it is %s, want %s (%s)", got, want, b.Failure)
			}
			return err
		})
		return b
	}
	ready := func(name string) (b evidence.Bundle, err error) {
		err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
			b, err = evidence.ReadyBundle(ctx, tx, w.Ring, name)
			return err
		})
		return b, err
	}
	exec := func(query string, args ...any) {
		t.Helper()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			n, err := tx.Exec(ctx, query, args...)
			if err == nil && n != 1 {
				t.Errorf("%s: %d rows", query, n)
			}
			return err
		})
	}
	make := func(want bool) {
		t.Helper()
		if made, err := a.makeBundle(t.Context()); err != nil || made != want {
			t.Errorf("made %v, %v", made, err)
		}
	}

	for _, s := range []evidence.Scope{{Articles: []int{30}}, {Services: []string{"elsewhere"}}, {Services: []string{}}} {
		if _, err := ask(s); !errors.Is(err, evidence.ErrScope) {
			t.Errorf("%+v: %v", s, err)
		}
	}
	first, err := ask(evidence.Scope{Articles: []int{8, 9}, Services: []string{vaulttest.LiveService}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ask(evidence.Scope{}); !errors.Is(err, evidence.ErrWaits) {
		t.Errorf("a second one: %v", err)
	}
	stands(first.ID, evidence.Waiting)
	if _, err := ready(first.ID); !errors.Is(err, evidence.ErrNotReady) {
		t.Errorf("before it is made: %v", err)
	}
	make(true)
	make(false)
	stands(first.ID, evidence.Ready)
	b, err := ready(first.ID)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(a.bundlePath(evidence.FileName(b.ID)))
	if err != nil {
		t.Fatal(err)
	}
	if b.Node != "n1" {
		t.Errorf("who has the file is called %q", b.Node)
	}
	sum := sha256.Sum256(file)
	r, err := evidence.Verify(t.Context(), bytes.NewReader(file), int64(len(file)), evidence.Check{Key: key})
	if err != nil || !r.OK() || r.Manifest.Bundle != b.ID || r.Manifest.Hash() != b.Manifest || b.Size != int64(len(file)) || b.Hash != hex.EncodeToString(sum[:]) {
		t.Errorf("it doesn't verify: %+v, %v", r, err)
	}
	for _, s := range r.States {
		if s.Register == "charters" && s.Rows != 1 || s.Register == "consents" && s.Rows != 0 {
			t.Errorf("of one service it states %d rows of %s", s.Rows, s.Register)
		}
	}
	for column, is := range map[string]any{"hash": b.Hash, "size": b.Size, "until_at": b.Until.UnixMicro(), "asked_by": b.By, "recipient": b.Recipient, "manifest": b.Manifest, "node": b.Node} {
		changed := any("x")
		if n, number := is.(int64); number {
			changed = n + 1
		}
		exec(`UPDATE evidence_bundle SET `+column+` = $1`, changed)
		if _, err := ready(first.ID); !errors.Is(err, evidence.ErrForged) {
			t.Errorf("another %s: %v", column, err)
		}
		exec(`UPDATE evidence_bundle SET `+column+` = $1`, is)
	}

	w.Pass(time.Hour)
	second, err := ask(evidence.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	w.Do(func(ctx context.Context, tx *db.Tx) error { // a node begins, and is killed
		_, ok, err := evidence.Begin(ctx, tx, w.Ring, "another")
		if !ok {
			t.Error("nothing waits")
		}
		return err
	})
	part := a.bundlePath(evidence.PartName(second.ID))
	if err := os.WriteFile(part, file[:len(file)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	stands(second.ID, evidence.Making)
	make(false)
	if _, err := os.Stat(part); err != nil {
		t.Errorf("what is being made was removed: %v", err)
	}
	w.Pass(2 * time.Minute)
	stands(second.ID, evidence.Interrupted)
	if _, err := ready(second.ID); !errors.Is(err, evidence.ErrNotReady) {
		t.Errorf("an interrupted one: %v", err)
	}
	make(false)
	if _, err := os.Stat(part); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was given up is left: %v", err)
	}

	third, err := ask(evidence.Scope{})
	if err != nil {
		t.Fatalf("after one that was interrupted: %v", err)
	}
	exec(`UPDATE evidence_bundle SET recipient = $1 WHERE id = $2`, "age1another", third.ID)
	make(false)
	if b := stands(third.ID, evidence.Failed); b.Failure != evidence.ErrForged.Code {
		t.Errorf("one whose row was touched failed by %q", b.Failure)
	}
	w.Pass(evidence.Kept)
	stands(first.ID, evidence.Over)
	make(false)
	if left, err := os.ReadDir(a.bundlePath("")); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// Article 22: of an archive that couldn't be made the page says why, in words that don't send anybody to what isn't there.
func TestArticle22_ABundleThatIsNotMadeSaysWhy(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, c := range []struct {
		ctx  context.Context
		err  error
		want *errs.Error
	}{
		{t.Context(), evidence.ErrBusy, evidence.ErrBusy},
		{t.Context(), &os.PathError{Op: "write", Err: syscall.ENOSPC}, errs.Of(db.ErrFull)},
		{t.Context(), os.ErrExist, evidence.ErrUnmade},
		{stopped, context.Canceled, evidence.ErrTaken},
	} {
		if got := unmade(c.ctx, c.err); got != c.want.Code || !i18n.Chinese.Has(got) {
			t.Errorf("%v: %s, want %s", c.err, got, c.want.Code)
		}
	}
}
