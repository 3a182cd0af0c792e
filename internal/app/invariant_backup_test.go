package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/rights"
)

// The two halves of a key that only these tests have.
const (
	recipient = "age1255cccfhz20ueecmex3j5m5v7wmcgp7c0ta6e8387ca20u9t393q5gzyvd"
	identity  = "AGE-SECRET-KEY-1Z8TEVUGVSP4Q2YWCNZQX58KYT8A5KUJ2EMPGCKPXK3F6XFFWR95Q9UCEP3"
)

// A loss is an installation that was backed up, in which somebody was erased, and that
// was lost then.
type loss struct {
	t      *testing.T
	in     *apptest.Installation
	file   string // of the backup
	id     string
	copy   string   // of the ledger, of the moment of the loss
	points []string // checkpoints
	back   func() *app.App
	// putBack puts back what PostgreSQL's tools have saved, and says so to nobody.
	putBack func()
	traces  []apptest.Canary // bytes of what was erased, as the store had them
	pool    []byte           // the wrapped key that wraps the keys of all children
	stays   string
}

func lose(t *testing.T, in *apptest.Installation) *loss {
	l := &loss{t: t, in: in, copy: filepath.Join(in.Dir, "copy")}
	a := in.Open(apptest.Discard())
	in.EndLease(a.Store)
	client := in.Client(in.Serve(a))
	child := func() string {
		c, err := client.Register(t.Context(), apptest.NewChild())
		l.must(err)
		r, err := client.Ask(t.Context(), wardkeep.Asking{Child: c.ID, Channel: "link", Locale: "zh-CN"})
		l.must(err)
		_, err = client.Force(t.Context(), r.ID, granted)
		l.must(err)
		_, err = client.Collect(t.Context(), c.ID, "", wardkeep.Collection{Purpose: "course-progress", Values: map[string]string{"nickname": text(10), "answers": text(30)}})
		l.must(err)
		return c.ID
	}
	gone, poorer := child(), child()
	l.stays = child()
	l.trace(a, "the key of an erased child", `SELECT wrapped FROM child WHERE child = $1`, gone)
	l.trace(a, "a value of an erased child", `SELECT sealed FROM value WHERE child = $1 AND item = 'answers'`, gone)
	l.trace(a, "a value that was deleted", `SELECT sealed FROM value WHERE child = $1 AND item = 'nickname'`, poorer)
	l.pool = poolOf(t, a, gone)
	l.point(a)
	l.backUp(a)

	_, err := client.Erase(t.Context(), gone)
	l.must(err)
	in.Do(a, func(ctx context.Context, tx *db.Tx) error {
		c, err := family.Find(ctx, tx, apptest.Service, family.ID(poorer))
		if err != nil {
			return err
		}
		var all []family.Guardian
		if err := tx.Together(ctx, family.ReadGuardians(&all, c.ID)); err != nil {
			return err
		}
		_, _, err = a.Vault.Demand(ctx, tx, rights.Desk{Ring: a.Ring, Charters: a.Charters, Calendar: a.Calendar}, all[0], c,
			rights.Demand{Kind: rights.DeleteItem, Door: rights.ByGuardian, Guardian: all[0].ID, Item: "nickname"})
		return err
	})
	l.point(a)
	l.must(ledger.Export(t.Context(), a.Store, l.copy))
	l.must(a.Close())
	return l
}

func (l *loss) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// trace remembers the bytes that a row has.
func (l *loss) trace(a *app.App, name, query, child string) {
	l.t.Helper()
	l.in.Do(a, func(ctx context.Context, tx *db.Tx) error {
		b, err := db.One(ctx, tx, db.Single[[]byte], query, child)
		l.traces = append(l.traces, apptest.Canary{Name: name, Value: string(b)})
		return err
	})
}

// point keeps a checkpoint of all there is.
func (l *loss) point(a *app.App) {
	l.t.Helper()
	l.must(a.Ledger.Flush(l.t.Context()))
	l.in.Do(a, func(ctx context.Context, tx *db.Tx) error {
		head, err := ledger.Head(ctx, tx)
		l.points = append(l.points, head.Checkpoint)
		return err
	})
}

// backUp makes a backup, on PostgreSQL with its own tools, and says how it is put back.
func (l *loss) backUp(a *app.App) {
	l.t.Helper()
	if l.in.URL == "" {
		lock, err := keyring.ForRecipients(recipient)
		l.must(err)
		b, file, err := a.Backup(l.t.Context(), l.in.Dir, lock)
		l.must(err)
		l.file, l.id = file, b.ID
		l.back = func() *app.App {
			l.must(os.Rename(l.in.Data(), filepath.Join(l.in.Dir, "lost")))
			_, err := app.Unpack(l.t.Context(), l.in.Config, l.file, l.unlock(), false)
			l.must(err)
			return l.restoring(false)
		}
		return
	}
	u, err := url.Parse(l.in.URL)
	l.must(err)
	schema, server := u.Query().Get("search_path"), os.Getenv("TEST_POSTGRES")
	l.file = filepath.Join(l.in.Dir, "backup.sql")
	l.tool("pg_dump", "-d", server, "-n", schema, "-f", l.file)
	l.putBack = func() {
		l.tool("psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", server, "-c", "DROP SCHEMA "+schema+" CASCADE", "-f", l.file)
	}
	l.back = func() *app.App {
		l.putBack()
		return l.restoring(true)
	}
}

func (l *loss) unlock() keyring.Unlock {
	l.t.Helper()
	unlock, err := keyring.ByIdentities(strings.NewReader(identity))
	l.must(err)
	return unlock
}

func (l *loss) restoring(byOthers bool) *app.App {
	l.t.Helper()
	a, err := app.OpenRestoring(l.t.Context(), l.in.Config, apptest.Discard(), byOthers)
	l.must(err)
	l.t.Cleanup(func() { a.Close() })
	l.in.EndLease(a.Store)
	return a
}

func (l *loss) tool(name string, args ...string) {
	l.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "PGOPTIONS=--client-min-messages=warning")
	if out, err := cmd.CombinedOutput(); err != nil {
		l.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func (l *loss) since() app.Since {
	return app.Since{Ledger: l.copy, Checkpoints: l.points[len(l.points)-1:]}
}

// found returns which of what was erased lies in the store: its files, logs and jobs, raw, and
// every table.
func (l *loss) found() (names []string) {
	l.t.Helper()
	places := l.in.Files()
	for name, b := range l.in.Tables() {
		places["table "+name] = b
	}
	for _, c := range l.traces {
		for name, b := range places {
			if bytes.Contains(b, []byte(c.Value)) {
				names = append(names, c.Name+" in "+name)
			}
		}
	}
	return names
}

// whole wants the store to be what it should, and who stays to be there.
func (l *loss) whole(a *app.App) {
	l.t.Helper()
	l.must(a.Ledger.Flush(l.t.Context()))
	signed, err := ledger.Verify(l.t.Context(), ledger.FromStore(a.Store), a.LedgerKey, l.points...)
	if err != nil || !signed.OK() {
		l.t.Errorf("%v, %v", signed.Findings, err)
	}
	told, err := replay.Audit(l.t.Context(), a.Store, a.Ring, a.Charters, replay.Options{})
	if err != nil || !told.OK() || told.Missed == 0 {
		l.t.Errorf("%v, %d missed, %v", told.Differences, told.Missed, err)
	}
	got, err := l.in.Client(l.in.Serve(a)).Read(l.t.Context(), l.stays, wardkeep.Reading{Purpose: "course-progress", Items: []string{"nickname"}})
	if err != nil || got.Values["nickname"] == "" {
		l.t.Errorf("who stays is not there: %v", err)
	}
}

// Invariant 8: of whoever was erased, and whatever was deleted, after a backup was made,
// neither value nor usable key is there when that backup has been restored: not in
// the file, its log or the jobs, searched raw, and not in a table. Meanwhile nothing is served.
func TestInvariant8_ABackupBringsNobodyBack(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		l := lose(t, in)
		if in.URL == "" {
			sealed, err := os.ReadFile(l.file)
			l.must(err)
			if bytes.Contains(sealed, []byte("SQLite format")) || bytes.Contains(sealed, []byte(l.traces[0].Value)) {
				t.Error("the backup is not encrypted")
			}
		}
		a := l.back()
		if found := l.found(); len(found) < len(l.traces) {
			t.Errorf("the backup doesn't have what was erased, so the test proves nothing: %v", found)
		}
		if _, err := app.Open(t.Context(), in.Config, apptest.Discard()); !errors.Is(err, backup.ErrNotReplayed) {
			t.Errorf("a store that was not replayed opens: %v", err)
		}
		if _, err := app.OpenStore(t.Context(), in.Config); !errors.Is(err, backup.ErrNotReplayed) {
			t.Errorf("a store that was not replayed opens: %v", err)
		}
		if _, err := a.Restore(t.Context(), app.Since{}); !errors.Is(err, backup.ErrUnknown) {
			t.Errorf("nothing is known, and it says %v", err)
		}
		if in.URL == "" { // that our backup was made stands behind what it holds: to end there is to be old
			var head ledger.Root
			in.Do(a, func(ctx context.Context, tx *db.Tx) (err error) {
				head, err = ledger.Head(ctx, tx)
				return err
			})
			if _, err := a.Restore(t.Context(), app.Since{Checkpoints: []string{head.Checkpoint}}); !errors.Is(err, backup.ErrUnknown) {
				t.Errorf("by the checkpoint of the backup it says %v", err)
			}
			old := filepath.Join(in.Dir, "old")
			l.must(ledger.Export(t.Context(), a.Store, old))
			if _, err := a.Restore(t.Context(), app.Since{Ledger: old, Checkpoints: []string{head.Checkpoint}}); !errors.Is(err, backup.ErrNewest) {
				t.Errorf("by the ledger of the backup it says %v", err)
			}
		}
		report, err := a.Restore(t.Context(), l.since())
		if err != nil || report.Erased != 1 || report.Items == 0 {
			t.Fatalf("%+v, %v", report, err)
		}
		for _, name := range l.found() {
			t.Errorf("there is %s", name)
		}
		if in.URL != "" { // what the dump has put into its pages stays there, and nothing opens it
			scrubbed(t, in, a, l.pool)
		}
		l.must(a.Close())
		l.whole(in.Open(apptest.Discard()))
	})
}

// Edge case 15: a live server gives its ledger as well as a folder.
func TestEdgeCase15_ALivePeerTellsWhatHappened(t *testing.T) {
	in := apptest.New(t, "")
	l := lose(t, in)
	alive := in.Open(apptest.Discard())
	peer, key := in.Serve(alive), alive.LedgerKey
	files, err := os.ReadDir(l.copy)
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	fetched := filepath.Join(in.Dir, "fetched")
	if err := ledger.Fetch(t.Context(), peer+"/v1/ledger", "", key, fetched); !errors.Is(err, ledger.ErrUnreached) {
		t.Errorf("without a key: %v", err)
	}
	l.must(os.RemoveAll(fetched))
	l.must(ledger.Fetch(t.Context(), peer+"/v1/ledger", in.Key, key, fetched))
	l.copy = fetched
	a := l.back()
	report, err := a.Restore(t.Context(), l.since())
	if err != nil || report.Erased != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	for _, name := range l.found() {
		t.Errorf("there is %s", name)
	}
}

// restoresOnly is the variable that makes a process of this test a restore that ends
// itself as kill -9 would, before the transaction of that number.
const restoresOnly = "WARDKEEP_TEST_RESTORES"

// restoreOnly restores what is put back: file, copy of the ledger, checkpoint, step, and
// whether other tools have put it back.
func restoreOnly(args string) int {
	part := strings.Split(args, "|")
	config, err := app.LoadConfig(part[0])
	if err == nil {
		var a *app.App
		if a, err = app.OpenRestoring(context.Background(), config, apptest.Discard(), part[4] == "true"); err == nil {
			last, _ := strconv.Atoi(part[3])
			point, _ := os.ReadFile(part[2])
			n := 0
			_, err = app.RestoreBy(a, context.Background(), app.Since{Ledger: part[1], Checkpoints: []string{string(point)}}, func() {
				if n++; n == last {
					syscall.Kill(os.Getpid(), syscall.SIGKILL)
				}
			})
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// Invariant 8: kill -9 before any step of a restore leaves a store that serves
// nothing, and one more run finishes it.
func TestInvariant8_KillNineRestoresNobodyByHalf(t *testing.T) {
	apptest.EachAtOnce(t, restoreKilled)
}

func restoreKilled(t *testing.T, in *apptest.Installation) {
	l := lose(t, in)
	byOthers := in.URL != ""
	if byOthers {
		l.putBack()
	} else {
		// An unpacking that was killed has left this, and a backup that was killed that.
		l.must(os.Rename(in.Data(), filepath.Join(in.Dir, "lost")))
		l.must(os.MkdirAll(in.Data(), 0o700))
		l.must(os.WriteFile(filepath.Join(in.Data(), "backup-restoring.tmp"), []byte("half"), 0o600))
		for range 2 { // the second time it is there already
			_, err := app.Unpack(t.Context(), in.Config, l.file, l.unlock(), false)
			l.must(err)
		}
	}
	self, err := os.Executable()
	l.must(err)
	point := filepath.Join(in.Dir, "point")
	l.must(os.WriteFile(point, []byte(l.points[len(l.points)-1]), 0o600))
	killed := 0
	for step := 1; ; step++ {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), restoresOnly+"="+strings.Join([]string{in.File, l.copy, point, strconv.Itoa(step), strconv.FormatBool(byOthers)}, "|"))
		out, err := cmd.CombinedOutput()
		if err == nil {
			break
		}
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL || step > 100 {
			t.Fatalf("%v\n%s", err, out)
		}
		killed++
		in.Drained()
		l.must(l.restoring(byOthers).Close())
		if _, err := app.Open(t.Context(), in.Config, apptest.Discard()); !errors.Is(err, backup.ErrNotReplayed) {
			t.Fatalf("killed before step %d, it opens: %v", step, err)
		}
	}
	if killed < 5 {
		t.Errorf("only %d steps", killed)
	}
	for _, name := range l.found() {
		t.Errorf("there is %s", name)
	}
	l.whole(in.Open(apptest.Discard()))
}

// Article 20: a backup that was killed leaves nothing in plain beside the store, once
// anything is done there; one that runs is left alone.
func TestEdgeCase15_WhatAKilledBackupLeavesIsRemoved(t *testing.T) {
	in := apptest.New(t, "")
	a := in.Open(apptest.Discard())
	left := filepath.Join(in.Data(), "backup-bk_x.tmp")
	if err := os.WriteFile(left, []byte("plain"), 0o600); err != nil {
		t.Fatal(err)
	}
	runs, err := os.Create(filepath.Join(in.Data(), "backup-bk_y.tmp"))
	if err == nil {
		err = syscall.Flock(int(runs.Fd()), syscall.LOCK_EX)
	}
	if err == nil {
		err = a.Tidy()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
	if _, err := os.Stat(runs.Name()); err != nil {
		t.Errorf("it was taken from one that runs: %v", err)
	}
}

// Whoever tidies up while a backup begins never takes what is being made for what was left,
// however close they come.
func TestEdgeCase15_ABackupThatBeginsIsNobodysLeftover(t *testing.T) {
	in := apptest.New(t, "")
	a := in.Open(apptest.Discard())
	ctx, stop := context.WithCancel(t.Context())
	tidied := make(chan error)
	go func() {
		var err error
		for ctx.Err() == nil && err == nil {
			err = a.Tidy()
		}
		tidied <- err
	}()
	path := filepath.Join(in.Data(), "backup-bk_z.tmp")
	for range 300 {
		f, err := app.HoldNew(path)
		if err != nil {
			t.Errorf("it can't begin: %v", err)
			break
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("it was taken for what was left: %v", err)
			break
		}
		if err := errors.Join(os.Remove(path), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if err := <-tidied; err != nil {
		t.Error(err)
	}
}

// backsUpOnly is the variable that makes a process of this test a backup that ends itself
// as kill -9 would, as soon as something of it lies in plain.
const backsUpOnly = "WARDKEEP_TEST_BACKS_UP"

// backUpOnly backs up: file of the configuration, where to.
func backUpOnly(args string) int {
	file, to, _ := strings.Cut(args, "|")
	config, err := app.LoadConfig(file)
	if err == nil {
		go func() {
			for {
				left, _ := filepath.Glob(filepath.Join(config.DataDir, "backup-*.tmp"))
				for _, name := range left {
					if info, err := os.Stat(name); err == nil && info.Size() > 0 {
						syscall.Kill(os.Getpid(), syscall.SIGKILL)
					}
				}
			}
		}()
		var a *app.App
		if a, err = app.Open(context.Background(), config, apptest.Discard()); err == nil {
			var lock keyring.Lock
			if lock, err = keyring.ForRecipients(recipient); err == nil {
				_, _, err = a.Backup(context.Background(), to, lock)
			}
		}
	}
	fmt.Fprintln(os.Stderr, "it wasn't killed:", err)
	return 1
}

// Article 20: what a backup leaves in plain that kill -9 ended is gone with the next sweep of
// the server beside it: nobody has to start anything.
func TestArticle20_ASweepRemovesWhatAKilledBackupLeft(t *testing.T) {
	in := apptest.New(t, "")
	a := in.Open(apptest.Discard())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- a.Serve(ctx, l) }()
	defer func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	if _, err := in.Client("http://" + l.Addr().String()).Service(t.Context()); err != nil { // it has started
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), backsUpOnly+"="+in.File+"|"+filepath.Join(in.Dir, "backup.age"))
	out, err := cmd.CombinedOutput()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("%v\n%s", err, out)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		left, err := filepath.Glob(filepath.Join(in.Data(), "backup-*"))
		if err != nil || time.Now().After(end) {
			t.Fatalf("sweeps later there is %v, %v", left, err)
		}
		if len(left) == 0 {
			break
		}
	}
}

// Edge case 15: a backup that should be gone brings nobody back unless the operator
// insists, and one of another store, or with another key, never.
func TestEdgeCase15_AnOldOrForeignBackupIsRefused(t *testing.T) {
	in := apptest.New(t, "")
	l := &loss{t: t, in: in}
	lock, err := keyring.ForRecipients(recipient)
	l.must(err)
	made := func(change func(m *backup.Manifest)) string {
		m := backup.Manifest{Backup: backup.New(), CreatedAt: time.Now(), Engine: "sqlite", Schema: db.Schema(), Origin: in.Config.LedgerOrigin, Bytes: 4}
		change(&m)
		var b bytes.Buffer
		l.must(backup.Write(&b, lock, m, strings.NewReader("data")))
		path := filepath.Join(in.Dir, "some.age")
		l.must(os.WriteFile(path, b.Bytes(), 0o600))
		return path
	}
	old := func(m *backup.Manifest) { m.CreatedAt = m.CreatedAt.Add(-backup.Life) }
	config := in.Config
	config.DataDir = filepath.Join(in.Dir, "elsewhere")
	for name, c := range map[string]struct {
		change  func(m *backup.Manifest)
		expired bool
		want    error
	}{
		"older than 35 days":          {old, false, backup.ErrExpired},
		"older, and it is insisted":   {old, true, db.ErrDamaged}, // what is in it is no database
		"of a ledger of another name": {func(m *backup.Manifest) { m.Origin = "other" }, true, backup.ErrForeign},
	} {
		if _, err := app.Unpack(t.Context(), config, made(c.change), l.unlock(), c.expired); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if left, _ := os.ReadDir(config.DataDir); len(left) > 0 {
			t.Errorf("%s: %s is left", name, left[0].Name())
		}
	}
}

// Edge case 15: what a backup that was killed has left under its name is named to whoever
// makes the next, and nothing is written over it.
func TestEdgeCase15_WhatAKilledBackupLeftIsNamed(t *testing.T) {
	in := apptest.New(t, "")
	a := in.Open(apptest.Discard())
	lock, err := keyring.ForRecipients(recipient)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(in.Dir, "nightly.age")
	if err := os.WriteFile(to+".part", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Backup(t.Context(), to, lock); !errors.Is(err, backup.ErrExists) || !strings.Contains(err.Error(), to+".part") {
		t.Errorf("%v", err)
	}
	if b, err := os.ReadFile(to + ".part"); string(b) != "half" {
		t.Errorf("%q, %v", b, err)
	}
}
