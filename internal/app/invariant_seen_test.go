package app_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/ledger"
)

// Edge case 15: a database that tools of the engine have put back has no mark, and
// serves nothing all the same: the store lies elsewhere than it says, or holds less than this
// node has seen of it. Then it is restored like any other, and is taken for what it is.
func TestEdgeCase15_WhatOtherToolsPutBackIsNoticed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		l := &loss{t: t, in: in, copy: filepath.Join(in.Dir, "copy")}
		a := in.Open(apptest.Discard())
		in.EndLease(a.Store)
		client := in.Client(in.Serve(a))
		gone, err := client.Register(t.Context(), apptest.NewChild())
		l.must(err)
		l.point(a)
		file := filepath.Join(in.Data(), "wardkeep.db")
		var former []byte
		if in.URL != "" {
			l.backUp(a)
		} else {
			l.must(a.Close())
			if former, err = os.ReadFile(file); err != nil || len(former) == 0 {
				t.Fatal(err)
			}
			a = in.Open(apptest.Discard())
			in.EndLease(a.Store)
			client = in.Client(in.Serve(a))
		}
		_, err = client.Erase(t.Context(), gone.ID)
		l.must(err)
		l.point(a)
		l.must(ledger.Export(t.Context(), a.Store, l.copy))
		l.must(a.Close())

		want := backup.ErrRolledBack
		if in.URL != "" {
			want = backup.ErrNotReplayed
			l.putBack()
		} else {
			for _, log := range []string{"-wal", "-shm"} {
				l.must(os.RemoveAll(file + log))
			}
			l.must(os.WriteFile(file, former, 0o600))
		}
		for range 2 { // the first time teaches it nothing
			if _, err := app.Open(t.Context(), in.Config, apptest.Discard()); !errors.Is(err, want) {
				t.Fatalf("a store that was put back opens: %v", err)
			}
		}
		a = l.restoring(true)
		if _, err := a.Restore(t.Context(), app.Since{Checkpoints: l.points[:1]}); !errors.Is(err, backup.ErrUnknown) {
			t.Errorf("this node has seen more than the old checkpoint says, and it says %v", err)
		}
		report, err := a.Restore(t.Context(), l.since())
		if err != nil || report.Erased != 1 {
			t.Fatalf("%+v, %v", report, err)
		}
		l.must(a.Close())
		a = in.Open(apptest.Discard())
		if _, err := in.Client(in.Serve(a)).Child(t.Context(), gone.ID); !errors.Is(err, wardkeep.ErrChildErased) {
			t.Errorf("who was erased is there: %v", err)
		}
	})
}

// Edge case 15: a node without a memory of its own still sees by the place of the database
// that a dump was put back.
func TestEdgeCase15_ANewNodeNoticesADump(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		if in.URL == "" {
			return // a file is itself, wherever it is
		}
		l := &loss{t: t, in: in}
		a := in.Open(apptest.Discard())
		in.EndLease(a.Store)
		l.backUp(a)
		l.must(a.Close())
		in.Open(apptest.Discard()).Close() // nothing was put back
		l.must(os.RemoveAll(in.Data()))
		l.putBack()
		if _, err := app.Open(t.Context(), in.Config, apptest.Discard()); !errors.Is(err, backup.ErrNotReplayed) {
			t.Errorf("a dump that was put back opens: %v", err)
		}
		if _, err := app.OpenStore(t.Context(), in.Config); !errors.Is(err, backup.ErrNotReplayed) {
			t.Errorf("a dump that was put back opens: %v", err)
		}
	})
}

// Edge case 15: a store that has lost what it held while a server runs ends that server.
func TestEdgeCase15_AStoreThatLosesWhatItHeldEndsTheServer(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		a := in.Open(apptest.Discard())
		in.EndLease(a.Store)
		l := &loss{t: t, in: in}
		l.point(a)
		l.must(app.Remember(a, t.Context()))
		var former ledger.Root
		in.Do(a, func(ctx context.Context, tx *db.Tx) (err error) {
			former, err = ledger.Head(ctx, tx)
			return err
		})
		_, err := in.Client(in.Serve(a)).Register(t.Context(), apptest.NewChild())
		l.must(err)
		l.point(a)
		l.must(app.Remember(a, t.Context()))
		in.Do(a, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE ledger_head SET size = $1, root = $2, checkpoint = $3`, former.Size, former.Root[:], former.Checkpoint)
			return err
		})
		if err := app.Remember(a, t.Context()); !errors.Is(err, backup.ErrRolledBack) {
			t.Errorf("what was lost isn't noticed: %v", err)
		}
	})
}

// Edge case 15: commands and a server share what the node remembers, and whoever looked
// first and writes last makes it forget nothing.
func TestEdgeCase15_ANodeRemembersTheLatestThatAnyOfItsProcessesSaw(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		a := in.Open(apptest.Discard())
		in.EndLease(a.Store)
		l := &loss{t: t, in: in}
		l.point(a)
		var former ledger.Root
		in.Do(a, func(ctx context.Context, tx *db.Tx) (err error) {
			former, err = ledger.Head(ctx, tx)
			return err
		})
		_, err := in.Client(in.Serve(a)).Register(t.Context(), apptest.NewChild())
		l.must(err)
		l.point(a)
		l.must(app.Remember(a, t.Context()))
		l.must(app.KeepSeen(a, t.Context(), former))
		text, err := os.ReadFile(filepath.Join(in.Data(), "seen-checkpoint"))
		if err != nil || string(text) != l.points[1] {
			t.Errorf("what was seen last is forgotten: %v\n%s", err, text)
		}
		l.must(app.Remember(a, t.Context()))
	})
}

// Edge case 15: a node that was killed while it wrote down what it had seen can be restored.
func TestEdgeCase15_WhatAKilledMemoryLeavesIsNoObstacle(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		if in.URL != "" {
			return // nothing is unpacked there
		}
		l := &loss{t: t, in: in}
		a := in.Open(apptest.Discard())
		in.EndLease(a.Store)
		l.backUp(a)
		l.must(a.Close())
		l.must(os.Rename(in.Data(), filepath.Join(in.Dir, "lost")))
		l.must(os.Mkdir(in.Data(), 0o700))
		for _, name := range []string{"seen-checkpoint.new", "seen-checkpoint.lock"} {
			l.must(os.WriteFile(filepath.Join(in.Data(), name), nil, 0o600))
		}
		if _, err := app.Unpack(t.Context(), in.Config, l.file, l.unlock(), false); err != nil {
			t.Error(err)
		}
	})
}

// Edge case 15: what the operator says is lost doesn't refuse the store that was restored
// without it, wherever the restore is killed; and nothing else is given up.
func TestEdgeCase15_WhatWasGivenUpRefusesNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		if in.URL != "" {
			return // the file is quicker to put back
		}
		l := &loss{t: t, in: in, copy: filepath.Join(in.Dir, "copy")}
		a := in.Open(apptest.Discard())
		in.EndLease(a.Store)
		l.point(a)
		l.must(ledger.Export(t.Context(), a.Store, l.copy))
		l.must(a.Close())
		file := filepath.Join(in.Data(), "wardkeep.db")
		former, err := os.ReadFile(file)
		l.must(err)
		a = in.Open(apptest.Discard())
		in.EndLease(a.Store)
		_, err = in.Client(in.Serve(a)).Register(t.Context(), apptest.NewChild())
		l.must(err)
		l.point(a)
		l.must(a.Close())
		for _, log := range []string{"-wal", "-shm"} {
			l.must(os.RemoveAll(file + log))
		}
		l.must(os.WriteFile(file, former, 0o600))
		a = l.restoring(true)
		if _, err := a.Restore(t.Context(), app.Since{Ledger: l.copy, Checkpoints: l.points[:1]}); err == nil {
			t.Error("more was seen, and nobody has said that it is lost")
		}
		_, err = a.Restore(t.Context(), app.Since{Ledger: l.copy, Newest: true})
		l.must(err)
		l.must(a.Store.Close()) // it is killed before it has remembered
		in.Open(apptest.Discard())
	})
}

// Invariant 3, edge case 15: what a node has seen and can't read, because it is damaged or of
// another ledger, isn't taken for nothing, and stays for whoever looks into it.
func TestInvariant3_AMemoryThatCanNotBeReadRefusesTheStore(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		l := &loss{t: t, in: in}
		a := in.Open(apptest.Discard())
		in.EndLease(a.Store)
		l.point(a)
		l.must(app.Remember(a, t.Context()))
		l.must(a.Close())
		path := filepath.Join(in.Data(), "seen-checkpoint")
		seen, err := os.ReadFile(path)
		l.must(err)
		signer, _, err := ledger.NewSigner(in.Config.LedgerOrigin, make([]byte, 32))
		l.must(err)
		said, _, _ := strings.Cut(string(seen), "\n\n")
		foreign, err := note.Sign(&note.Note{Text: said + "\n"}, signer)
		l.must(err)
		for name, text := range map[string]string{"nothing": "", "a part": string(seen[:len(seen)-9]), "another ledger's": string(foreign)} {
			l.must(os.WriteFile(path, []byte(text), 0o600))
			if _, err := app.Open(t.Context(), in.Config, apptest.Discard()); !errors.Is(err, backup.ErrSeenForeign) {
				t.Errorf("%s is seen, and it says %v", name, err)
			}
			if now, err := os.ReadFile(path); err != nil || string(now) != text {
				t.Errorf("%s was written over: %v", name, err)
			}
		}
		l.must(os.Remove(path))
		l.must(in.Open(apptest.Discard()).Close())
	})
}
