package app

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/ledger"
)

// A name that was changed in the configuration isn't damage, and damage isn't a
// name that was changed.
func TestAChangedOriginIsSaidAtTheStart(t *testing.T) {
	eachEngine(t, func(t *testing.T, c Config) {
		ctx := t.Context()
		c.LedgerOrigin = "first.example/ledger"
		a := node(t, c)
		if _, err := a.Ledger.Sequence(ctx); err != nil {
			t.Fatal(err)
		}
		if err := a.Ledger.Release(ctx); err != nil {
			t.Fatal(err)
		}
		c.LedgerOrigin = "second.example/ledger"
		_, err := Open(ctx, c, slog.New(slog.DiscardHandler))
		if !errors.Is(err, ledger.ErrOrigin) || errors.Is(err, ledger.ErrDamaged) {
			t.Fatalf("opened under another name: %v", err)
		}
		for _, name := range []string{"first.example/ledger", "second.example/ledger"} {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%v doesn't tell %s", err, name)
			}
		}
		c.LedgerOrigin = "first.example/ledger"
		b := node(t, c)
		if _, err := b.Ledger.Sequence(ctx); err != nil {
			t.Errorf("under the first name again: %v", err)
		}
		if err := b.Ledger.Release(ctx); err != nil {
			t.Fatal(err)
		}
		if err := a.Store.Update(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE ledger_head SET checkpoint = replace(checkpoint, 'first', 'third') WHERE id = $1`, 1)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := node(t, c).Ledger.Sequence(ctx); !errors.Is(err, ledger.ErrDamaged) || errors.Is(err, ledger.ErrOrigin) {
			t.Errorf("a checkpoint that was rewritten: %v", err)
		}
	})
}
