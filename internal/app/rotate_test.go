package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
)

// eachEngine runs fn with a configuration for an empty store of each engine, at the same
// time: what runs waits for others.
func eachEngine(t *testing.T, fn func(t *testing.T, c Config)) {
	config := func(t *testing.T) (c Config) {
		dir := t.TempDir()
		c.DataDir, c.KeyFile = filepath.Join(dir, "data"), filepath.Join(dir, "key")
		c.defaults()
		return c
	}
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); fn(t, config(t)) })
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
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
		if left, err := command.Rotate(t.Context(), func(n int) { moved += n }); err != nil || left != 0 {
			t.Errorf("%d former keys are left: %v", left, err)
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
			if k.ID == former {
				t.Errorf("the former key is there: %s, %d children", k.State, k.Children)
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
		if _, err := command.Rotate(t.Context(), func(int) {}); err != nil {
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
		if err := first.Rekey(t.Context(), catalog.Operator{ID: "test"}, kek); err != nil {
			t.Fatal(err)
		}
		// Whoever still holds the former key changes nothing any more.
		if _, err := second.Rotate(t.Context(), func(int) {}); !errors.Is(err, ErrKeysChanged) {
			t.Errorf("rotated under the former key: %v", err)
		}
		if err := second.Rekey(t.Context(), catalog.Operator{ID: "test"}, kek); !errors.Is(err, keyring.ErrWrongKEK) {
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

// exchange does at once what a rotation does with pauses.
func exchange(ctx context.Context, a *App) (left int, err error) {
	fresh, err := a.Ring.NewPool(ctx, a.KEK)
	if err != nil {
		return 0, err
	}
	if err := a.Store.Update(ctx, func(tx *db.Tx) error { return a.succeed(ctx, tx, fresh) }); err != nil {
		return 0, err
	}
	if err := a.Finish(ctx, func(int) {}); err != nil {
		return 0, err
	}
	return a.prune(ctx)
}

// Whatever a rotation and enrolments on several nodes do at the same time, also on
// one that was cut off and knows nothing of new keys: each child that was enrolled
// has a key that opens.
func TestNoChildIsLostToADeletedPoolKey(t *testing.T) {
	eachEngine(t, func(t *testing.T, c Config) {
		ctx := t.Context()
		command, near, cutOff := node(t, c), node(t, c), node(t, c)
		var mu sync.Mutex
		var children []family.ID
		refused := map[*App]int{}
		stop := make(chan struct{})
		var all sync.WaitGroup
		for worker, a := range []*App{near, near, cutOff, cutOff} {
			all.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					case <-time.After(4 * time.Millisecond):
					}
					var id family.ID
					err := a.Store.Update(ctx, func(tx *db.Tx) error {
						child, _, _, err := family.Enrol(ctx, tx, a.Ring, catalog.Operator{ID: "test"}, family.Enrolment{
							Service: "s", Ref: pii.New(fmt.Sprintf("%d-%d", worker, n)),
							Guardian: family.Person{Email: pii.New("a@example.com"), Relation: family.Parent},
						})
						id = child.ID
						return err
					})
					mu.Lock()
					switch {
					case err == nil:
						children = append(children, id)
					case errors.Is(err, db.ErrGone):
						refused[a]++
					default:
						t.Error(err)
					}
					mu.Unlock()
					if err != nil && a == near {
						if _, err := a.reload(ctx, nil); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		for range 20 {
			time.Sleep(20 * time.Millisecond)
			if _, err := exchange(ctx, command); err != nil {
				t.Error(err)
			}
		}
		close(stop)
		all.Wait()
		left, err := exchange(ctx, command)
		if err != nil || left != 0 {
			t.Errorf("%d former keys are left: %v", left, err)
		}
		if err := opens(ctx, command, children); err != nil {
			t.Errorf("of %d children: %v", len(children), err)
		}
		if len(children) == 0 || refused[cutOff] == 0 {
			t.Errorf("%d children, %d refused: nothing was at stake", len(children), refused[cutOff])
		}
	})
}

// A pool key isn't deleted under a child that is being enrolled.
func TestAPoolKeyWaitsForAnEnrolmentThatRuns(t *testing.T) {
	eachEngine(t, func(t *testing.T, c Config) {
		ctx := t.Context()
		command, cutOff := node(t, c), node(t, c)
		fresh, err := command.Ring.NewPool(ctx, command.KEK)
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Store.Update(ctx, func(tx *db.Tx) error { return command.succeed(ctx, tx, fresh) }); err != nil {
			t.Fatal(err)
		}
		type pruned struct {
			left int
			err  error
		}
		done := make(chan pruned, 1)
		var id family.ID
		err = cutOff.Store.Update(ctx, func(tx *db.Tx) error {
			child, _, _, err := family.Enrol(ctx, tx, cutOff.Ring, catalog.Operator{ID: "test"}, family.Enrolment{
				Service: "s", Ref: pii.New("r"), Guardian: family.Person{Email: pii.New("a@example.com"), Relation: family.Parent},
			})
			if err != nil {
				return err
			}
			// On PostgreSQL what waits is sent with the next statement.
			if _, err := family.CountUnder(ctx, tx, ""); err != nil {
				return err
			}
			id = child.ID
			go func() {
				left, err := command.prune(ctx)
				done <- pruned{left, err}
			}()
			time.Sleep(300 * time.Millisecond)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if p := <-done; p.left != 1 || p.err != nil {
			t.Errorf("%d former keys are left, want the one in use: %v", p.left, p.err)
		}
		if err := opens(ctx, cutOff, []family.ID{id}); err != nil {
			t.Error(err)
		}
	})
}

// A server learns from the store that another key-encryption key wraps its keys.
func TestAServerNoticesARekey(t *testing.T) {
	eachEngine(t, func(t *testing.T, c Config) {
		ctx := t.Context()
		command, server := node(t, c), node(t, c)
		children := enrol(t, server, 1)
		other := c.KeyFile + ".other"
		if err := keyring.CreateKeyFile(other, c.DataDir); err != nil {
			t.Fatal(err)
		}
		kek, err := keyring.OpenKeyFile(other)
		if err != nil {
			t.Fatal(err)
		}
		seen, err := server.reload(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Rekey(ctx, catalog.Operator{ID: "test"}, kek); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if seen, err = server.reload(ctx, seen); !errors.Is(err, keyring.ErrWrongKEK) {
				t.Errorf("after the rekey: %v, want %v", err, keyring.ErrWrongKEK)
			}
		}
		if err := opens(ctx, server, children); err != nil {
			t.Errorf("the keys in memory: %v", err)
		}
	})
}
