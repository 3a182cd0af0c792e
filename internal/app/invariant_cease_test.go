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

	"wardkeep/internal/account"
	"wardkeep/internal/app"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/cessation"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
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
		between(in, func(a *app.App) { manyThenTheEnd(in, a, "", 7*24*time.Hour) })
		endKilled(t, in, 8*24*time.Hour)
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
		})
	})
}

// Invariants 8 and 10: so does one purpose, which leaves the children and counts each once.
func TestInvariant8_KillNineEndsAPurposeWhole(t *testing.T) {
	apptest.EachAtOnce(t, func(t *testing.T, in *apptest.Installation) {
		between(in, func(a *app.App) { manyThenTheEnd(in, a, ending, 0) })
		endKilled(t, in, 2*time.Minute)
		between(in, func(a *app.App) {
			in.Do(a, func(ctx context.Context, tx *db.Tx) error {
				left, err := cessation.Living(ctx, tx, apptest.Service)
				if err != nil {
					return err
				}
				c, err := catalog.FindCessation(ctx, tx, apptest.Service, ending)
				if left != many || c.Children != many || c.EndedAt.IsZero() {
					t.Errorf("%d children are left: %+v", left, c)
				}
				return err
			})
		})
	})
}

// endKilled ends what was announced, in rounds that are killed: once those who tell, and
// once, later, those who erase.
func endKilled(t *testing.T, in *apptest.Installation, later time.Duration) {
	killed := 0
	for _, ahead := range []time.Duration{time.Minute, later} {
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
			if err := a.Ledger.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
	if killed < 4 {
		t.Errorf("killed %d times: the test proves little", killed)
	}
	in.Pass(later)
	between(in, func(a *app.App) {
		whole(t, in, a)
		report, err := replay.Audit(t.Context(), a.Store, a.Ring, a.Charters, replay.Options{})
		if err != nil || !report.OK() {
			t.Errorf("%v, %v", report.Differences, err)
		}
	})
	t.Logf("killed %d times", killed)
}

const (
	many   = 150
	ending = "course-progress" // a purpose
)

// manyThenTheEnd registers many children, whose guardians agree, with a value each, and
// announces the end of their service or of that purpose.
func manyThenTheEnd(in *apptest.Installation, a *app.App, purpose string, window time.Duration) {
	desk := consent.Desk{Ring: a.Ring, Charters: a.Charters}
	for range many / 10 {
		in.Do(a, func(ctx context.Context, tx *db.Tx) error {
			apps, err := account.Apps(ctx, tx, apptest.Service)
			if err != nil {
				return err
			}
			for range 10 {
				child, _, _, err := a.Vault.Gate.Register(ctx, tx, apps[0], family.Enrolment{Service: apptest.Service, Ref: pii.New(id.Secret(16)),
					Birth: age.Birth{Year: tx.Now().Year() - 9, Month: 6, Day: 1}, BirthSource: family.FromApp,
					Guardian: family.Person{Phone: pii.New(apptest.NewPhoneNumber()), Relation: family.Parent}})
				if err != nil {
					return err
				}
				r, _, _, err := desk.Ask(ctx, tx, apps[0], child, consent.Asking{Channel: consent.Link, Locale: "zh-CN"})
				if err != nil {
					return err
				}
				if _, _, err := desk.Force(ctx, tx, apps[0], r, consent.ForceGranted); err != nil {
					return err
				}
				if _, err := a.Vault.Put(ctx, tx, gate.ByApp(apps[0]), apptest.Service, child.ID, ending, map[string]pii.Text{"nickname": pii.New(text(10))}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	in.Do(a, func(ctx context.Context, tx *db.Tx) error {
		_, _, err := catalog.Cease(ctx, tx, in.Officer, apptest.Service, purpose, catalog.ClosingDown, tx.Now().Add(window))
		return err
	})
}

// whole fails the test if a child is there by half, if of one that is erased nobody was
// ordered to delete what he has, or if one that was erased for a purpose isn't counted.
func whole(t *testing.T, in *apptest.Installation, a *app.App) {
	t.Helper()
	in.Do(a, func(ctx context.Context, tx *db.Tx) error {
		half, err := db.One(ctx, tx, db.Single[int64], `
			SELECT count(*) FROM child c
			WHERE (c.state = 'erased') <> (c.wrapped IS NULL)
				OR (c.state = 'erased') = EXISTS (SELECT 1 FROM guardian g WHERE g.child = c.child)
				OR (c.state = 'erased') = EXISTS (SELECT 1 FROM consent_request r WHERE r.child = c.child)
				OR (c.state = 'erased') = EXISTS (SELECT 1 FROM consent g WHERE g.child = c.child)
				OR c.state = 'erased' AND EXISTS (SELECT 1 FROM value v WHERE v.child = c.child)`)
		if half > 0 {
			t.Errorf("%d children are erased by half", half)
		}
		if err != nil {
			return err
		}
		ends, err := catalog.Cessations(ctx, tx, apptest.Service)
		if err != nil {
			return err
		}
		gone, orders, err := erasedAndOrdered(ctx, tx)
		if gone != 0 && ends[0].Purpose == "" && orders < gone {
			t.Errorf("%d children are erased, and %d orders to delete were given", gone, orders)
		}
		if err != nil {
			return err
		}
		held, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM value WHERE purpose = $1`, ending)
		if c := ends[0]; c.Purpose != "" && held+c.Children != many {
			t.Errorf("something is held of %d, and %d count as erased", held, c.Children)
		}
		return err
	})
}

func erasedAndOrdered(ctx context.Context, tx *db.Tx) (gone, orders int64, err error) {
	if gone, err = db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM child WHERE state = 'erased'`); err != nil {
		return 0, 0, err
	}
	orders, err = db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM party_order WHERE what = 'delete'`)
	return gone, orders, err
}
