package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
)

// eachEngine runs fn with a configuration for an empty store of each engine.
func eachEngine(t *testing.T, fn func(t *testing.T, c Config)) {
	config := func(t *testing.T) (c Config) {
		dir := t.TempDir()
		c.DataDir, c.KeyFile = filepath.Join(dir, "data"), filepath.Join(dir, "key")
		c.defaults()
		return c
	}
	t.Run("sqlite", func(t *testing.T) { fn(t, config(t)) })
	t.Run("postgres", func(t *testing.T) {
		url := dbtest.PostgresURL(t)
		c := config(t)
		c.Database = url
		fn(t, c)
	})
}

// node opens a store as one server of several does.
func node(t *testing.T, c Config) *App {
	t.Helper()
	a, err := Open(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

func enrol(t *testing.T, a *App, n int) (children []family.ID) {
	t.Helper()
	for i := range n {
		err := a.Store.Update(t.Context(), func(tx *db.Tx) error {
			c, _, _, err := family.Enrol(t.Context(), tx, a.Ring, catalog.Operator{ID: "test"}, family.Enrolment{
				Service: "s", Ref: pii.New(fmt.Sprintf("%s-%d", t.Name(), i)),
				Guardian: family.Person{Email: pii.New("a@example.com"), Relation: family.Parent},
			})
			children = append(children, c.ID)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return children
}

// opens opens what is sealed under each child's key.
func opens(ctx context.Context, a *App, children []family.ID) error {
	return a.Store.View(ctx, func(tx *db.Tx) error {
		for _, id := range children {
			c, err := family.Find(ctx, tx, "s", id)
			if err != nil {
				return err
			}
			if _, err := c.Ref(a.Ring); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestKeysRotateUnderARunningNode(t *testing.T) {
	eachEngine(t, func(t *testing.T, c Config) {
		server, command := node(t, c), node(t, c)
		children := enrol(t, server, 450) // more than two batches
		former := server.Ring.CurrentPool()
		ctx, stop := context.WithCancel(t.Context())
		watched, read := make(chan error, 1), make(chan error, 1)
		go func() { watched <- server.watchKeys(ctx) }()
		go func() {
			var err error
			for err == nil && ctx.Err() == nil {
				err = opens(t.Context(), server, children)
			}
			read <- err
		}()
		moved := 0
		if err := command.Rotate(t.Context(), func(n int) { moved += n }); err != nil {
			t.Error(err)
		}
		stop()
		if err := errors.Join(<-watched, <-read); err != nil {
			t.Errorf("while the keys were rotated: %v", err)
		}
		if moved != len(children) {
			t.Errorf("%d keys moved, want %d", moved, len(children))
		}
		if p := server.Ring.CurrentPool(); p == former || p != command.Ring.CurrentPool() {
			t.Errorf("the server's pool is %q, the command's %q, the former %q", p, command.Ring.CurrentPool(), former)
		}
		keys, err := command.Keys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			if k.ID == former && (k.State != keyring.StateRetiring || k.Children != 0) {
				t.Errorf("the former key: %s, %d children", k.State, k.Children)
			}
		}
	})
}

// A node that hasn't met the new key refuses what is under it, and opens it
// after its next look.
func TestKeysUnknownUntilReloaded(t *testing.T) {
	eachEngine(t, func(t *testing.T, c Config) {
		server, command := node(t, c), node(t, c)
		children := enrol(t, server, 3)
		if err := command.Rotate(t.Context(), func(int) {}); err != nil {
			t.Fatal(err)
		}
		if err := opens(t.Context(), server, children); !errors.Is(err, keyring.ErrUnknownPool) {
			t.Errorf("before the look: %v", err)
		}
		if _, err := server.reload(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if err := opens(t.Context(), server, children); err != nil {
			t.Errorf("after the look: %v", err)
		}
	})
}

func TestRekeyIsAllOrNothing(t *testing.T) {
	eachEngine(t, func(t *testing.T, c Config) {
		first, second := node(t, c), node(t, c)
		children := enrol(t, first, 3)
		other := c.KeyFile + ".other"
		if err := keyring.CreateKeyFile(other, c.DataDir); err != nil {
			t.Fatal(err)
		}
		kek, err := keyring.OpenKeyFile(other)
		if err != nil {
			t.Fatal(err)
		}
		if err := first.Rekey(t.Context(), kek); err != nil {
			t.Fatal(err)
		}
		// Whoever still holds the former key changes nothing any more.
		if err := second.Rotate(t.Context(), func(int) {}); !errors.Is(err, ErrKeysChanged) {
			t.Errorf("rotated under the former key: %v", err)
		}
		if err := second.Rekey(t.Context(), kek); !errors.Is(err, keyring.ErrWrongKEK) {
			t.Errorf("re-wrapped again: %v", err)
		}
		if _, err := Open(t.Context(), c, slog.New(slog.DiscardHandler)); !errors.Is(err, keyring.ErrWrongKEK) {
			t.Errorf("opened with the former key: %v", err)
		}
		c.KeyFile = other
		if err := opens(t.Context(), node(t, c), children); err != nil {
			t.Errorf("with the new key: %v", err)
		}
	})
}

// A node whose key-encryption key is out of reach goes on with the keys it has.
func TestWatchKeepsTheRingWhenItCantReload(t *testing.T) {
	eachEngine(t, func(t *testing.T, c Config) {
		server, command := node(t, c), node(t, c)
		children := enrol(t, server, 3)
		kek, former := server.KEK, server.Ring.CurrentPool()
		server.KEK = unreachable{kek}
		fresh, err := command.Ring.NewPool(t.Context(), command.KEK)
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Store.Update(t.Context(), func(tx *db.Tx) error { return command.succeed(t.Context(), tx, fresh) }); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*watchEvery+100*time.Millisecond)
		defer cancel()
		if err := server.watchKeys(ctx); err != nil {
			t.Error(err)
		}
		if err := opens(t.Context(), server, children); err != nil || server.Ring.CurrentPool() != former {
			t.Errorf("current %q, want %q; %v", server.Ring.CurrentPool(), former, err)
		}
		server.KEK = kek
		if _, err := server.reload(t.Context(), nil); err != nil || server.Ring.CurrentPool() != fresh.ID {
			t.Errorf("current %q, want %q; %v", server.Ring.CurrentPool(), fresh.ID, err)
		}
	})
}

// unreachable is a key-encryption key that has gone.
type unreachable struct{ keyring.KEK }

func (unreachable) Unwrap(context.Context, []byte, []byte) ([]byte, error) {
	return nil, keyring.ErrKEKUnreachable
}
