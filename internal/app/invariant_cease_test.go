package app_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/cessation"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/replay"
)

// ceasesOnly is the variable that makes a process of this test a round of an end: the
// configuration, and how far its clock is ahead.
const ceasesOnly = "WARDKEEP_TEST_CEASES"

// ceaseOnly takes all steps that can be taken, as the job does.
func ceaseOnly(told string) int {
	ctx := context.Background()
	file, ahead, _ := strings.Cut(told, " ")
	late, err := time.ParseDuration(ahead)
	if err == nil {
		var config app.Config
		if config, err = app.LoadConfig(file); err == nil {
			var a *app.App
			if a, err = app.Open(ctx, config, apptest.Discard()); err == nil {
				a.Store.Now = func() time.Time { return time.Now().Add(late) }
				fmt.Println("ending")
				_, err = cessation.Round(ctx, a.Store, a.Vault, nil, nil)
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// ceaseKilled runs a round in a process and kills it after a while; it reports whether
// the round had ended.
func ceaseKilled(t *testing.T, in *apptest.Installation, ahead, after time.Duration) bool {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), ceasesOnly+"="+in.File+" "+ahead.String())
	var trouble bytes.Buffer
	cmd.Stderr = &trouble
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("no round begins: %v\n%s", err, &trouble)
	}
	time.Sleep(after)
	cmd.Process.Kill()
	ended := cmd.Wait() == nil
	if trouble.Len() > 0 {
		t.Errorf("the round fails:\n%s", &trouble)
	}
	in.Drained()
	return ended
}

// between opens the installation while nobody else does.
func between(in *apptest.Installation, fn func(a *app.App)) {
	in.T.Helper()
	a := in.Open(apptest.Discard())
	fn(a)
	if err := a.Close(); err != nil {
		in.T.Error(err)
	}
}

// Invariants 8 and 10: a service ends though kill -9 ends whoever tells and whoever
// erases, again and again: each child is there with all it had, or gone with all of it.
func TestInvariant8_KillNineEndsAServiceWhole(t *testing.T) {
	apptest.EachAtOnce(t, func(t *testing.T, in *apptest.Installation) {
		ctx := t.Context()
		between(in, func(a *app.App) { manyThenTheEnd(in, a) })
		killed := 0
		for _, ahead := range []time.Duration{time.Minute, 8 * 24 * time.Hour} {
			for i := 0; !ceaseKilled(t, in, ahead, time.Duration(i*i)*5*time.Millisecond); i++ {
				killed++
				between(in, func(a *app.App) { whole(t, in, a) })
				if t.Failed() || i > 40 {
					t.Fatalf("%d rounds later it hasn't ended", i)
				}
			}
			// Nothing is erased before each entry of who was told has its place.
			between(in, func(a *app.App) {
				in.EndLease(a.Store)
				if err := a.Ledger.Flush(ctx); err != nil {
					t.Fatal(err)
				}
			})
		}
		if killed < 4 {
			t.Errorf("killed %d times: the test proves little", killed)
		}
		in.Pass(8 * 24 * time.Hour)
		between(in, func(a *app.App) {
			var left, rows int64
			in.Do(a, func(ctx context.Context, tx *db.Tx) (err error) {
				if left, err = cessation.Living(ctx, tx, apptest.Service); err != nil {
					return err
				}
				rows, err = db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM guardian`)
				return err
			})
			if left != 0 || rows != 0 {
				t.Errorf("%d children and %d guardians are left", left, rows)
			}
			report, err := replay.Audit(ctx, a.Store, a.Ring, a.Charters, replay.Options{})
			if err != nil || !report.OK() {
				t.Errorf("%v, %v", report.Differences, err)
			}
		})
		t.Logf("killed %d times", killed)
	})
}

// manyThenTheEnd registers many children, and announces the end of their service.
func manyThenTheEnd(in *apptest.Installation, a *app.App) {
	const children = 150
	desk := consent.Desk{Ring: a.Ring, Charters: a.Charters}
	in.Do(a, func(ctx context.Context, tx *db.Tx) error {
		operator := catalog.Operator{ID: "test"}
		for range children {
			child, _, _, err := gate.Register(ctx, tx, a.Ring, operator, family.Enrolment{Service: apptest.Service, Ref: pii.New(id.Secret(16)),
				Guardian: family.Person{Phone: pii.New(apptest.NewPhoneNumber()), Relation: family.Parent}})
			if err != nil {
				return err
			}
			if _, _, _, err := desk.Ask(ctx, tx, operator, child, consent.Asking{Channel: consent.Link, Locale: "zh-CN"}); err != nil {
				return err
			}
		}
		_, _, err := catalog.Cease(ctx, tx, in.Officer, apptest.Service, "", catalog.ClosingDown, tx.Now().Add(7*24*time.Hour))
		return err
	})
}

// whole fails the test if a child is there by half.
func whole(t *testing.T, in *apptest.Installation, a *app.App) {
	t.Helper()
	in.Do(a, func(ctx context.Context, tx *db.Tx) error {
		half, err := db.One(ctx, tx, db.Single[int64], `
			SELECT count(*) FROM child c
			WHERE (c.state = 'erased') <> (c.wrapped IS NULL)
				OR (c.state = 'erased') = EXISTS (SELECT 1 FROM guardian g WHERE g.child = c.child)
				OR (c.state = 'erased') = EXISTS (SELECT 1 FROM consent_request r WHERE r.child = c.child)`)
		if half > 0 {
			t.Errorf("%d children are erased by half", half)
		}
		return err
	})
}
