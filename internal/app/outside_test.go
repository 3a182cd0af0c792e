package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"wardkeep/internal/app"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	outside "wardkeep/internal/witness"
)

// keptIn has an installation keep its checkpoints in a folder, and returns where.
func keptIn(in *apptest.Installation) (folder string) {
	in.T.Helper()
	folder = filepath.Join(in.Dir, "elsewhere")
	if err := os.Mkdir(folder, 0o755); err != nil {
		in.T.Fatal(err)
	}
	in.Config.Checkpoints.Folder = folder
	return folder
}

// files are the names of what lies in a folder.
func files(t *testing.T, folder string) (names []string) {
	t.Helper()
	all, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		names = append(names, f.Name())
	}
	return names
}

// Edge case 15, Article 22: a database that was put back, with all that its node remembers, is
// refused by what is kept outside of it, at the start of whatever opens it, also where a new
// history has grown longer than the former. A restore that is declared passes, once what is lost is said to be, and stands in the ledger.
func TestEdgeCase15_WhatIsKeptOutsideRefusesAStoreThatWasPutBack(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		folder := keptIn(in)
		l := &loss{t: t, in: in, copy: filepath.Join(in.Dir, "copy")}
		keep := func(a *app.App) {
			t.Helper()
			l.must(a.Ledger.Flush(t.Context()))
			l.must(app.KeepOutside(a, t.Context()))
		}
		grow := func(a *app.App, n int) {
			t.Helper()
			client := in.Client(in.Serve(a))
			for range n {
				_, err := client.Register(t.Context(), apptest.NewChild())
				l.must(err)
			}
			l.must(a.Ledger.Flush(t.Context()))
		}
		a := in.Open(apptest.Discard())
		in.EndLease(a.Store)
		keep(a)
		l.point(a)
		l.must(ledger.Export(t.Context(), a.Store, l.copy))
		putBack := l.still(a)
		a = in.Open(apptest.Discard())
		in.EndLease(a.Store)
		grow(a, 2)
		keep(a)
		if names := files(t, folder); len(names) != 2 {
			t.Fatalf("kept: %q", names)
		}
		l.must(a.Close())
		in.Open(apptest.Discard()).Close() // nothing was put back

		putBack()
		if _, err := app.Open(t.Context(), in.Config, apptest.Discard()); !errors.Is(err, outside.ErrKeptMore) {
			t.Fatalf("a store that was put back opens: %v", err)
		}
		// Somebody opens it without the place, and it grows past what is kept.
		in.Config.Checkpoints.Folder = ""
		a = in.Open(apptest.Discard())
		in.EndLease(a.Store)
		grow(a, 4)
		in.Config.Checkpoints.Folder, a.Config.Checkpoints.Folder = folder, folder
		if err := app.KeepOutside(a, t.Context()); !errors.Is(err, outside.ErrKeptMore) {
			t.Errorf("another history is kept beside the former: %v", err)
		}
		l.must(a.Close())
		if _, err := app.Open(t.Context(), in.Config, apptest.Discard()); !errors.Is(err, outside.ErrKeptMore) {
			t.Errorf("another history opens: %v", err)
		}

		putBack()
		a = l.restoring(true)
		if _, err := a.Restore(t.Context(), app.Since{Ledger: l.copy, Checkpoints: l.points}); !errors.Is(err, ledger.ErrCopyShort) {
			t.Errorf("more is kept outside, and nobody has said that it is lost: %v", err)
		}
		if len(files(t, folder)) != 2 {
			t.Error("something was given up")
		}
		report, err := a.Restore(t.Context(), app.Since{Ledger: l.copy, Newest: true})
		l.must(err)
		l.must(a.Close())
		a = in.Open(apptest.Discard())
		in.EndLease(a.Store)
		var told int64
		l.must(a.Store.View(t.Context(), func(tx *db.Tx) error {
			head, err := ledger.Head(t.Context(), tx)
			if err != nil {
				return err
			}
			return ledger.ReadKind(t.Context(), tx, 0, head.Size, backup.KindReplayed, func(p ledger.Placed) error {
				var b backup.ReplayedBody
				defer func() { told = b.GivenUp }()
				return p.Into(&b)
			})
		}))
		if names := files(t, folder); len(names) != 3 || !strings.HasSuffix(names[2], ".given-up") || told == 0 || told != report.GivenUp {
			t.Errorf("the ledger says that %d was given up, the command %d, the folder %q", told, report.GivenUp, names)
		}
		keep(a)
		grow(a, 3)
		keep(a)
		l.must(a.Close())
		in.Open(apptest.Discard()).Close()
	})
}

// Invariant 3, edge case 15: what is kept outside and can't be read, is of another ledger, or is
// gone, is no reason to take a store for whole.
func TestInvariant3_APlaceThatCanNotBeReadRefusesTheStore(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		folder := keptIn(in)
		l := &loss{t: t, in: in}
		a := in.Open(apptest.Discard())
		in.EndLease(a.Store)
		l.point(a)
		l.must(app.KeepOutside(a, t.Context()))
		l.must(a.Close())
		name := filepath.Join(folder, files(t, folder)[0])
		kept, err := os.ReadFile(name)
		l.must(err)
		if string(kept) != l.points[0] {
			t.Fatalf("kept is %s", kept)
		}
		refused := func(what string, want error) {
			t.Helper()
			if _, err := app.Open(t.Context(), in.Config, apptest.Discard()); !errors.Is(err, want) {
				t.Errorf("%s, and it says %v", what, err)
			}
		}
		signer, _, err := ledger.NewSigner(in.Config.LedgerOrigin, make([]byte, 32))
		l.must(err)
		said, _, _ := strings.Cut(string(kept), "\n\n")
		foreign, err := note.Sign(&note.Note{Text: said + "\n"}, signer)
		l.must(err)
		for what, text := range map[string]string{"nothing": "", "a part": string(kept[:len(kept)-9]), "another ledger's": string(foreign)} {
			l.must(os.WriteFile(name, []byte(text), 0o600))
			refused(what, outside.ErrForeign)
		}
		l.must(os.WriteFile(name, kept, 0o600))
		other := filepath.Join(folder, strings.Replace(filepath.Base(name), "0", "9", 1)) // a larger size
		l.must(os.WriteFile(other, kept, 0o600))
		refused("another name", outside.ErrForeign)
		l.must(os.Remove(other))
		l.must(os.WriteFile(filepath.Join(folder, "lost+found"), nil, 0o600)) // is nobody's
		in.Open(apptest.Discard()).Close()
		l.must(os.Rename(name, name+".bak"))
		refused("it is gone", outside.ErrEmptied)
		l.must(os.RemoveAll(folder))
		refused("the folder is gone", outside.ErrAway)

		in.Config.Checkpoints.Folder = "" // and what a server that runs does without it
		a = in.Open(apptest.Discard())
		in.EndLease(a.Store)
		l.point(a)
		a.Config.Checkpoints.Folder = folder
		late := func() (n int64) {
			l.must(a.Store.View(t.Context(), func(tx *db.Tx) error {
				all, err := app.Late(a, t.Context(), tx)
				for _, left := range all {
					if left.What == "checkpoints" {
						n = left.Count
					}
				}
				return err
			}))
			return n
		}
		if err := app.KeepOutside(a, t.Context()); !errors.Is(err, outside.ErrAway) || late() != 0 {
			t.Errorf("%v, late %d", err, late())
		}
		in.Pass(2 * time.Hour)
		if late() != 1 {
			t.Error("nobody is told that nothing is kept")
		}
	})
}

// still closes a store and saves it with all that its node remembers, and returns what puts it back
// so that neither the store nor the node knows.
func (l *loss) still(a *app.App) (putBack func()) {
	l.t.Helper()
	if l.in.URL != "" {
		l.backUp(a)
	}
	l.must(a.Close())
	saved := filepath.Join(l.in.Dir, "saved")
	l.must(os.CopyFS(saved, os.DirFS(l.in.Data())))
	return func() {
		l.t.Helper()
		l.must(os.RemoveAll(l.in.Data()))
		l.must(os.CopyFS(l.in.Data(), os.DirFS(saved)))
		l.must(os.Chmod(l.in.Data(), 0o700))
		if l.in.URL == "" {
			return
		}
		l.putBack()
		// As a recovery of the whole cluster to a point in time does, which no place tells.
		store, err := db.OpenPostgres(l.in.URL)
		l.must(err)
		place, err := store.Place(l.t.Context())
		l.must(err)
		l.must(store.Update(l.t.Context(), func(tx *db.Tx) error { return backup.Settle(context.Background(), tx, place) }))
		l.must(store.Close())
	}
}

// A cosigner is `wardkeep witness`, in a process of its own.
type cosigner struct {
	t         *testing.T
	dir, key  string
	process   *exec.Cmd
	installed *apptest.Installation
}

func newCosigner(t *testing.T, in *apptest.Installation) *cosigner {
	t.Helper()
	c := &cosigner{t: t, dir: filepath.Join(in.Dir, "witness"), installed: in}
	out, err := exec.Command(apptest.Binary(t), "witness", "make", c.dir, "witness.test/w1").Output()
	if err != nil {
		t.Fatal(err)
	}
	c.key = strings.TrimSpace(string(out))
	return c
}

// start has it serve, and the installation know where.
func (c *cosigner) start(ledgerKey string) {
	c.t.Helper()
	c.process = exec.Command(apptest.Binary(c.t), "witness", "serve", c.dir, "--listen", "127.0.0.1:0", "--ledger", ledgerKey)
	said, err := c.process.StderrPipe()
	if err == nil {
		err = c.process.Start()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(c.kill)
	var line struct{ Msg, Address string }
	if err := json.NewDecoder(said).Decode(&line); err != nil || line.Msg != "serving" {
		c.t.Fatalf("%+v, %v", line, err)
	}
	c.installed.Config.Checkpoints.Witnesses = []app.WitnessAt{{URL: "http://" + line.Address, Key: c.key}}
	c.installed.Config.Checkpoints.Need = 1
}

// kill is kill -9.
func (c *cosigner) kill() {
	if c.process != nil {
		c.process.Process.Kill()
		c.process.Wait()
		c.process = nil
	}
}

// Article 22, edge case 15: another process, which was killed meanwhile, proves that a database was put back,
// with all that its node remembers: nothing is served, and it cosigns no other history. One that doesn't answer
// holds nothing up, and is told of.
func TestArticle22_AWitnessProvesThatAStoreWasPutBack(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		l := &loss{t: t, in: in, copy: filepath.Join(in.Dir, "copy")}
		a := in.Open(apptest.Discard())
		in.EndLease(a.Store)
		w := newCosigner(t, in)
		w.start(a.LedgerKey)
		key, err := outside.Verifier(w.key)
		l.must(err)
		open := func() *app.App {
			t.Helper()
			a := in.Open(apptest.Discard())
			in.EndLease(a.Store)
			l.must(a.Ledger.Flush(t.Context()))
			return a
		}
		grow := func(a *app.App, n int) {
			t.Helper()
			client := in.Client(in.Serve(a))
			for range n {
				_, err := client.Register(t.Context(), apptest.NewChild())
				l.must(err)
			}
			l.must(a.Ledger.Flush(t.Context()))
		}
		cosigned := func(a *app.App) (size int64) {
			t.Helper()
			answer, err := http.Get(in.Serve(a) + "/v1/ledger/cosigned")
			l.must(err)
			defer answer.Body.Close()
			text, err := io.ReadAll(answer.Body)
			l.must(err)
			if at, err := outside.Cosigned(string(text), key); err != nil || time.Since(at) > time.Minute {
				t.Errorf("it isn't cosigned: %v\n%s", err, text)
			}
			c, err := ledger.OpenCheckpoint(string(text), a.LedgerKey)
			l.must(err)
			return c.Size
		}
		l.must(a.Close())
		a = open()
		l.must(app.KeepOutside(a, t.Context()))
		first := cosigned(a)
		l.must(ledger.Export(t.Context(), a.Store, l.copy))
		putBack := l.still(a)

		w.kill()
		a = open()
		grow(a, 1)
		late := func() (n int64) {
			l.must(a.Store.View(t.Context(), func(tx *db.Tx) error {
				all, err := app.Late(a, t.Context(), tx)
				for _, left := range all {
					if left.What == "checkpoints" {
						n = left.Count
					}
				}
				return err
			}))
			return n
		}
		if err := app.KeepOutside(a, t.Context()); !errors.Is(err, outside.ErrUnreached) || late() != 0 {
			t.Errorf("it doesn't answer: %v, late %d", err, late())
		}
		in.Pass(2 * time.Hour)
		if late() != 1 {
			t.Error("nobody is told that nothing is cosigned")
		}
		l.must(app.CheckFar(a, t.Context())) // it holds nothing up
		in.Pass(-2 * time.Hour)
		l.must(a.Close())
		w.start(a.LedgerKey)
		a = open()
		l.must(app.KeepOutside(a, t.Context()))
		if size := cosigned(a); size <= first || late() != 0 {
			t.Errorf("cosigned are %d, and were %d", size, first)
		}
		l.must(a.Close())

		putBack()
		a = open()
		if err := app.CheckFar(a, t.Context()); !errors.Is(err, outside.ErrKeptMore) {
			t.Errorf("a store that was put back is served: %v", err)
		}
		if texts, _, err := a.KeptOutside(t.Context()); err != nil || len(texts) != 1 {
			t.Errorf("an audit has %q, %v", texts, err)
		} else if r, err := ledger.Verify(t.Context(), ledger.FromStore(a.Store), a.LedgerKey, texts...); err != nil || r.OK() || r.Findings[0].Code != ledger.FoundRollback {
			t.Errorf("an audit finds %+v, %v", r, err)
		}
		grow(a, 3)
		if err := app.KeepOutside(a, t.Context()); !errors.Is(err, outside.ErrKeptMore) {
			t.Errorf("another history is cosigned: %v", err)
		}
		l.must(a.Close())

		putBack()
		a = l.restoring(true)
		lost, err := app.GiveUpOutside(a, t.Context(), true) // and it is killed
		if err != nil || lost == 0 {
			t.Fatal(lost, err)
		}
		if report, err := a.Restore(t.Context(), app.Since{Ledger: l.copy, Newest: true}); err != nil || report.GivenUp != lost {
			t.Fatalf("the run that went on says that %d is given up, of %d, %v", report.GivenUp, lost, err)
		}
		l.must(a.Close())
		a = open()
		l.must(app.CheckFar(a, t.Context())) // what it shows was given up
		grow(a, 4)
		if err := app.KeepOutside(a, t.Context()); !errors.Is(err, outside.ErrRefused) {
			t.Errorf("what came instead of what is lost: %v", err)
		}
	})
}

// Edge case 15: a bucket keeps what a folder does, and refuses a store before it is served; that it doesn't answer
// stops nothing, and is told. By e-mail one goes a day, whole.
func TestEdgeCase15_ABucketAndAMailboxKeepCheckpoints(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		store := s3mem.New()
		if err := store.CreateBucket("kept"); err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(gofakes3.New(store).Server())
		defer server.Close()
		secret := filepath.Join(in.Dir, "secret")
		if err := os.WriteFile(secret, []byte("secret\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		in.Config.Checkpoints.Bucket = &app.Bucket{Endpoint: server.URL, Region: "cn-test", Name: "kept", AccessKey: "key", SecretFile: secret}
		in.Config.Checkpoints.Mail = []string{"keeper@example.com"}
		l := &loss{t: t, in: in}
		a := in.Open(apptest.Discard())
		in.EndLease(a.Store)
		box := notify.NewOutbox(10)
		a.Messages[notify.Email] = box
		l.point(a)
		for range 2 {
			l.must(app.KeepOutside(a, t.Context()))
		}
		letters := box.Messages()
		if len(letters) != 1 || letters[0].Text.Reveal() != l.points[0] {
			t.Errorf("%d letters", len(letters))
		}
		if texts, away, err := a.KeptOutside(t.Context()); err != nil || len(away) > 0 || len(texts) != 1 || texts[0] != l.points[0] {
			t.Errorf("kept: %q, %q, %v", texts, away, err)
		}
		l.must(app.CheckFar(a, t.Context()))
		emptied := s3mem.New()
		l.must(emptied.CreateBucket("kept"))
		whole := server.Config.Handler
		server.Config.Handler = gofakes3.New(emptied).Server()
		if _, _, err := a.KeptOutside(t.Context()); !errors.Is(err, outside.ErrEmptied) {
			t.Errorf("it was emptied: %v", err)
		}
		server.Config.Handler = whole

		// What the ledger's own key has signed, and the store doesn't hold.
		signer, _, err := ledger.NewSigner(in.Config.LedgerOrigin, a.Ring.Signer().Seed())
		l.must(err)
		root := strings.Repeat("A", 43) + "="
		more, err := note.Sign(&note.Note{Text: in.Config.LedgerOrigin + "\n99999\n" + root + "\n"}, signer)
		l.must(err)
		bucket, err := outside.OpenBucket(outside.BucketConfig{Endpoint: server.URL, Region: "cn-test", Name: "kept", Access: "key", Secret: "secret"})
		l.must(err)
		l.must(bucket.Write(t.Context(), "00000000000000099999-0000000000000000.checkpoint", more))
		if err := app.CheckFar(a, t.Context()); !errors.Is(err, outside.ErrKeptMore) {
			t.Errorf("a store that was put back is served: %v", err)
		}
		if err := app.KeepOutside(a, t.Context()); !errors.Is(err, outside.ErrKeptMore) {
			t.Errorf("a store that was put back is served on: %v", err)
		}

		// Of two witnesses one says nothing before the other is asked.
		bucketOf := a.Config.Checkpoints.Bucket
		a.Config.Checkpoints.Bucket = nil
		second, met := make(chan struct{}), false
		for i, answer := range []http.HandlerFunc{
			func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-second:
					met = true
				case <-r.Context().Done():
				}
				w.WriteHeader(http.StatusNotFound)
			},
			func(w http.ResponseWriter, r *http.Request) {
				close(second)
				w.Write(more)
			},
		} {
			h := httptest.NewServer(answer)
			defer h.Close()
			_, plain, err := ledger.NewSigner(fmt.Sprintf("witness.test/w%d", i), make([]byte, 32))
			l.must(err)
			key, err := cosignature.VKeyToCosignatureV1(plain)
			l.must(err)
			a.Config.Checkpoints.Witnesses = append(a.Config.Checkpoints.Witnesses, app.WitnessAt{URL: h.URL, Key: key})
		}
		if err := app.CheckFar(a, t.Context()); !errors.Is(err, outside.ErrKeptMore) || !met {
			t.Errorf("a witness waits for another (%t), and %v", met, err)
		}
		a.Config.Checkpoints.Witnesses, a.Config.Checkpoints.Bucket = nil, bucketOf

		server.Close()
		l.must(app.CheckFar(a, t.Context())) // it holds nothing up
		if err := app.KeepOutside(a, t.Context()); !errors.Is(err, outside.ErrAway) {
			t.Errorf("it doesn't answer: %v", err)
		}
		if _, away, err := a.KeptOutside(t.Context()); err != nil || len(away) != 1 {
			t.Errorf("away: %q, %v", away, err)
		}
		in.Pass(25 * time.Hour)
		if err := app.KeepOutside(a, t.Context()); !errors.Is(err, outside.ErrAway) || len(box.Messages()) != 2 {
			t.Errorf("a day later: %v, %d letters", err, len(box.Messages()))
		}
	})
}

// Edge case 15: a witness that is away has no more files written than there would be without it; and a clock
// that was wrong, and was put right, neither keeps checkpoints from being kept, nor that from being told.
func TestEdgeCase15_AClockThatWasWrongStopsNoCheckpoints(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		folder := keptIn(in)
		_, plain, err := ledger.NewSigner("witness.test/w1", make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		key, err := cosignature.VKeyToCosignatureV1(plain)
		if err != nil {
			t.Fatal(err)
		}
		in.Config.Checkpoints.Witnesses = []app.WitnessAt{{URL: "http://127.0.0.1:1", Key: key}} // nobody is there
		in.Config.Checkpoints.Need = 1
		in.Config.Checkpoints.Mail = []string{"keeper@example.com"}
		l := &loss{t: t, in: in}
		a := in.Open(apptest.Discard())
		in.EndLease(a.Store)
		box := notify.NewOutbox(10)
		a.Messages[notify.Email] = box
		client := in.Client(in.Serve(a))
		round := func(after time.Duration, kept int, want error) {
			t.Helper()
			in.Pass(after)
			_, err := client.Register(t.Context(), apptest.NewChild())
			l.must(err)
			l.must(a.Ledger.Flush(t.Context()))
			if err := app.PassOutside(a, t.Context()); !errors.Is(err, want) {
				t.Errorf("after %s: %v", after, err)
			}
			if names := files(t, folder); len(names) != kept {
				t.Errorf("after %s there are %d files, want %d", after, len(names), kept)
			}
		}
		round(0, 1, outside.ErrUnreached)
		round(2*time.Minute, 1, outside.ErrUnreached) // the witness alone is asked again
		round(10*time.Minute, 2, outside.ErrUnreached)
		round(-48*time.Hour, 3, outside.ErrUnreached)
		if n := len(box.Messages()); n != 2 {
			t.Errorf("%d letters", n)
		}
		round(47*time.Hour, 4, outside.ErrUnreached)
		in.Pass(-72 * time.Hour)
		l.must(os.Rename(folder, folder+".away"))
		if err := app.PassOutside(a, t.Context()); !errors.Is(err, outside.ErrAway) {
			t.Errorf("the folder is away: %v", err)
		}
		in.Pass(2 * time.Hour)
		var late int64
		l.must(a.Store.View(t.Context(), func(tx *db.Tx) (err error) {
			late, err = outside.CountLate(t.Context(), tx)
			return err
		}))
		if late != 2 {
			t.Errorf("late are %d, and the folder and the witness are away", late)
		}
	})
}
