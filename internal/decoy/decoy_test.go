package decoy_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/decoy"
	"wardkeep/internal/family"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault/vaulttest"
)

// A trap is a world with a sequencer, a child, and one that nobody is.
type trap struct {
	*vaulttest.World
	log        *ledger.Log
	real, fake family.Child
}

func each(t *testing.T, fn func(t *testing.T, w *trap)) {
	vaulttest.Each(t, func(t *testing.T, v *vaulttest.World) {
		signer, _, err := ledger.NewSigner("wardkeep.test", make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		w := &trap{World: v, log: ledger.Open(v.Store, "wardkeep.test", signer), real: v.Child(), fake: v.Child()}
		for _, c := range []family.Child{w.real, w.fake} {
			w.Put(c, "course-progress", "nickname", "小溪")
		}
		fn(t, w)
		w.flush()
		w.watch()
		w.flush()
		if _, err := (incident.Desk{Ring: v.Ring, Charters: v.Desk.Charters}).Watch(t.Context(), v.Store); err != nil { // Article 21
			t.Error(err)
		}
		w.replays()
	})
}

func (w *trap) flush() {
	w.T.Helper()
	if err := w.log.Flush(context.Background()); err != nil {
		w.T.Fatal(err)
	}
}

func (w *trap) watch() {
	w.T.Helper()
	for {
		n, err := decoy.Watch(context.Background(), w.Store, w.Ring)
		if err != nil {
			w.T.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

func (w *trap) replays() (ok bool) {
	w.T.Helper()
	r, err := replay.Audit(context.Background(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
	if err != nil || !r.OK() {
		w.T.Errorf("%+v, %v", r.Differences, err)
	}
	return r.OK()
}

func (w *trap) mark(c family.Child) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error { return approval.Decoy(ctx, tx, w.Ring, w.Officer, c.ID) })
}

func (w *trap) unmark(c family.Child) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error { return approval.NoDecoy(ctx, tx, w.Ring, w.Officer, c.ID) })
}

func (w *trap) read(c family.Child) {
	w.T.Helper()
	if got, err := w.Read(c, "course-progress", "nickname"); err != nil || got != "小溪" {
		w.T.Errorf("the app is answered %d characters, %v", len(got), err)
	}
}

// alarms returns who has raised one, in the order of the ledger, once all has its place.
func (w *trap) alarms() (by []string) {
	w.T.Helper()
	w.flush()
	w.watch()
	w.flush()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		by = nil
		head, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		return ledger.ReadKinds(ctx, tx, 0, head.Size, []string{approval.KindAlarm}, func(p ledger.Placed) error {
			var b approval.AlarmBody
			if err := p.Into(&b); err != nil || b.Cause != approval.Touched || p.Subject != "" {
				w.T.Errorf("%+v of %q, %v", b, p.Subject, err)
			}
			by = append(by, p.Actor)
			return nil
		})
	})
	return by
}

func (w *trap) raised(what string, want ...string) {
	w.T.Helper()
	if got := w.alarms(); !slices.Equal(got, want) {
		w.T.Errorf("%s: %q, want %q", what, got, want)
	}
}

// handed has a copy fetched by whom a guardian has named, and returns how the ledger names that.
func (w *trap) handed(c family.Child) (by string) {
	w.T.Helper()
	desk, mother := rights.Desk{Ring: w.Ring, Charters: w.Desk.Charters, Calendar: workday.Default()}, w.Guardian(c)
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		_, s, err := w.Vault.DemandPort(ctx, tx, desk, mother, c, rights.Demand{To: rights.Recipient{Name: pii.New("Dr. Li"), Contact: pii.New("li@dentist.example"), Home: true}})
		if err != nil {
			return err
		}
		p, r, err := desk.TryPort(ctx, tx, s.Address, s.Code)
		if err == nil {
			_, err = w.Vault.Port(ctx, tx, r, p, family.OneTimeCode, []string{"nickname"})
		}
		by = "port:" + r.ID
		return err
	})
	return by
}

// Article 15: whose key uses a child that nobody is, or tries to, raises an alarm in its
// name, and is answered as about any child; so does who touches it at the terminal. What
// was done before it was one, and after, raises none.
func TestArticle15_AnAppThatTouchesADecoyRaisesAnAlarm(t *testing.T) {
	each(t, func(t *testing.T, w *trap) {
		app := w.App.Ledger()
		w.read(w.fake)
		w.Pass(time.Second)
		w.mark(w.fake)
		w.read(w.real)
		w.raised("another child, and it before it was one")
		w.read(w.fake)
		w.raised("a use", app)
		if _, err := w.Read(w.fake, "class-ranking", "voice"); err == nil {
			t.Error("what the charter doesn't say is permitted")
		}
		w.raised("a try", app, app)
		w.Put(w.fake, "course-progress", "nickname", "小溪")
		w.raised("a value is collected", app, app)
		handed := w.handed(w.fake)
		w.raised("a copy is fetched by whom its guardian is said to have named", app, app, handed)
		terminal := catalog.Operator{ID: "cli"}
		for _, c := range []family.Child{w.real, w.fake} {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				locked, err := family.Lock(ctx, tx, c.Service, c.ID)
				if err == nil {
					_, err = family.Freeze(ctx, tx, terminal, locked, family.ByOfficer)
				}
				return err
			})
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				locked, err := family.Find(ctx, tx, c.Service, c.ID)
				if err == nil {
					err = approval.ShownAtTerminal(ctx, tx, w.Ring, terminal, locked)
				}
				return err
			})
		}
		by := w.alarms()
		slices.Sort(by)
		if !slices.Equal(by, []string{app, app, terminal.Ledger(), terminal.Ledger(), handed}) {
			t.Errorf("at the terminal: %q", by)
		}
		n := len(by)
		w.Pass(time.Second)
		w.unmark(w.fake)
		w.Pass(time.Second)
		if _, err := w.Read(w.fake, "course-progress", "nickname"); err == nil {
			t.Error("a frozen child is used")
		}
		if by := w.alarms(); len(by) != n {
			t.Errorf("what is a decoy no more: %q", by[n:])
		}
	})
}

// Whoever has a key and reads a decoy doesn't hide it by erasing it a moment later; its row
// goes once nothing of it can be found any more.
func TestArticle15_AnErasedDecoyStillRaisesItsAlarm(t *testing.T) {
	each(t, func(t *testing.T, w *trap) {
		w.mark(w.fake)
		w.read(w.fake)
		w.Pass(time.Second)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Erase(ctx, tx, w.App.Ledger(), vaulttest.Service, w.fake.ID, family.UseEnded)
			return err
		})
		w.raised("read, and erased", w.App.Ledger())
		w.mark(w.real)
		w.Pass(2 * time.Minute)
		w.read(w.real)
		w.raised("another", w.App.Ledger(), w.App.Ledger())
		w.watch()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			left, err := approval.ReadDecoys(ctx, tx)
			if len(left) != 1 || !left[0].Ended.IsZero() {
				t.Errorf("%+v", left)
			}
			return err
		})
		w.unmark(w.real)
		w.Pass(time.Second)
		w.mark(w.real)
		w.read(w.real)
		w.raised("marked again", slices.Repeat([]string{w.App.Ledger()}, 3)...)
	})
}

// Invariant 12: of a consumer that dies, and of two, each touch raises one alarm; where
// there is no decoy nothing is read, and of what came before the first one nothing.
func TestInvariant12_EachTouchRaisesOneAlarm(t *testing.T) {
	each(t, func(t *testing.T, w *trap) {
		place := func() (at int64) {
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				at, err = ledger.Cursor(ctx, tx, decoy.Watched)
				return err
			})
			return at
		}
		w.read(w.fake)
		w.flush()
		if w.watch(); place() != 0 {
			t.Errorf("without a decoy the consumer is at %d", place())
		}
		w.mark(w.fake)
		w.flush()
		if w.watch(); place() != 0 {
			t.Errorf("for nothing its place is written: %d", place())
		}
		for range 3 {
			w.read(w.fake)
		}
		w.flush()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := decoy.Watch(ctx, w.Store, w.Ring); err == nil {
			t.Error("it went on after its end")
		}
		var two sync.WaitGroup
		for range 2 {
			two.Go(func() {
				if _, err := decoy.Watch(t.Context(), w.Store, w.Ring); err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		}
		two.Wait()
		w.raised("three uses", slices.Repeat([]string{w.App.Ledger()}, 3)...)
		if place() == 0 {
			t.Error("its place isn't written with the alarms")
		}
	})
}

// Invariant 7: a consumer's place that was set ahead by hand hides no touch, nor does a
// forged alarm pass.
func TestInvariant7_ATouchWithoutItsAlarmIsFound(t *testing.T) {
	for name, forge := range map[string]func(w *trap, use string){
		"the consumer is set ahead": func(w *trap, _ string) {
			w.read(w.fake)
			w.flush()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				head, err := ledger.Head(ctx, tx)
				if err == nil {
					_, err = tx.Exec(ctx, `UPDATE ledger_cursor SET place = $1 WHERE name = $2`, head.Size, decoy.Watched)
				}
				return err
			})
		},
		"an alarm of another child": func(w *trap, use string) { w.raises(w.App.Ledger(), use) },
		"an alarm of nothing":       func(w *trap, _ string) { w.raises(w.App.Ledger(), "le_x") },
		"an app's without a use":    func(w *trap, _ string) { w.raises(w.App.Ledger(), "") },
	} {
		t.Run(name, func(t *testing.T) {
			vaulttest.Each(t, func(t *testing.T, v *vaulttest.World) {
				signer, _, err := ledger.NewSigner("wardkeep.test", make([]byte, 32))
				if err != nil {
					t.Fatal(err)
				}
				w := &trap{World: v, log: ledger.Open(v.Store, "wardkeep.test", signer), real: v.Child(), fake: v.Child()}
				for _, c := range []family.Child{w.real, w.fake} {
					w.Put(c, "course-progress", "nickname", "小溪")
				}
				w.mark(w.fake)
				w.read(w.fake)
				w.read(w.real)
				w.raised("a use", w.App.Ledger())
				if !w.replays() {
					return
				}
				other := ""
				w.Do(func(ctx context.Context, tx *db.Tx) error {
					head, err := ledger.Head(ctx, tx)
					if err != nil {
						return err
					}
					return ledger.Read(ctx, tx, 0, head.Size, func(p ledger.Placed) error {
						if decoy.Touches(p) && p.Subject == w.real.Subject {
							other = p.ID
						}
						return nil
					})
				})
				forge(w, other)
				r, err := replay.Audit(t.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
				if err != nil || len(r.Differences) != 1 || r.Differences[0].What != replay.FoundImpossible || r.Differences[0].Field != "alarm" {
					t.Errorf("%+v, %v", r.Differences, err)
				}
				if r, err := replay.Audit(t.Context(), w.Store, nil, catalog.NewCache(4), replay.Options{}); err != nil || len(r.Differences) > 1 {
					t.Errorf("without the keys: %+v, %v", r.Differences, err)
				}
			})
		})
	}
}

func (w *trap) raises(actor, use string) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		return approval.Raise(ctx, tx, vaulttest.Service, "", actor, []approval.Cause{approval.Touched}, use)
	})
}
