package retention_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/legal"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/receipt"
	"wardkeep/internal/retention"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault/vaulttest"
)

// Edge case 14: a letter that is written ahead says what is kept when the child is erased,
// though an approval for every child changes nothing about any, and time goes on.
func TestEdgeCase14_ALetterWrittenAheadSaysWhatIsKept(t *testing.T) {
	const number = "〔2026〕12号"
	type world struct {
		*vaulttest.World
		child family.Child
	}
	approve := func(w world, lasts time.Duration) (a legal.Approval) {
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			a, _, err = legal.Approve(ctx, tx, w.Officer, legal.Approval{Service: vaulttest.Service, Items: []string{"nickname"}, Basis: legal.Other,
				Paper: legal.Paper{Number: number, Document: strings.Repeat("aa", 32)}, Until: tx.Now().Add(lasts)}, func(string) bool { return true })
			return err
		})
		return a
	}
	var before legal.Approval
	for name, x := range map[string]struct {
		first     func(w world)
		meanwhile func(w world)
		kept      int64
	}{
		"approved meanwhile": {func(world) {}, func(w world) { approve(w, day) }, 1},
		"taken back meanwhile": {func(w world) { before = approve(w, day) }, func(w world) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := legal.End(ctx, tx, w.Officer, vaulttest.Service, before.ID)
				return err
			})
		}, 0},
		"over meanwhile": {func(w world) { approve(w, time.Hour) }, func(w world) { w.Pass(2 * time.Hour) }, 0},
		"kept before and over": {func(w world) {
			approve(w, time.Hour)
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				c, err := family.Lock(ctx, tx, vaulttest.Service, w.child.ID)
				if err == nil {
					_, err = w.Vault.Withhold(ctx, tx, w.App.Ledger(), c, []string{"nickname"}, string(family.Requested))
				}
				return err
			})
		}, func(w world) { w.Pass(2 * time.Hour) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			vaulttest.Each(t, func(t *testing.T, v *vaulttest.World) {
				w := world{World: v}
				w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
					w.child, _, _, err = w.Vault.Gate.Register(ctx, tx, w.App, family.Enrolment{Service: vaulttest.Service, Ref: pii.New(id.Secret(16)),
						Guardian: family.Person{Phone: pii.New("13800138000"), Relation: family.Parent}})
					return err
				})
				w.Answer(w.child, consent.ForceGranted)
				w.Put(w.child, "course-progress", "nickname", "小溪")
				f := &message.Farewell{Desk: w.Desk, Messages: notify.Router{notify.SMS: notify.NewOutbox(10)}, PublicURL: "https://wardkeep.example.com",
					Log: slog.New(slog.DiscardHandler)}
				x.first(w)
				letters, err := retention.EraseLater(t.Context(), w.Store, w.Vault, f, family.UseEnded, w.child, func() { x.meanwhile(w) })
				if err != nil || len(letters) != 1 {
					t.Fatalf("%d letters, %v", len(letters), err)
				}
				now := w.Store.Now()
				if n := count(t, v, `SELECT count(*) FROM kept_value WHERE child = $1 AND until > $2`, w.child.ID, (*db.Time)(&now)); n != x.kept {
					t.Errorf("%d values are kept, want %d", n, x.kept)
				}
				if says := strings.Contains(letters[0].Text.Reveal(), number); says != (x.kept > 0) {
					t.Errorf("the letter says that something is kept: %v", says)
				}
			})
		})
	}
}

// Article 20, edge case 4: nor does a sweep, of what was demanded, of those who got no answer,
// or of who is 18.
func TestArticle20_ASweepWaitsUntilItsLettersHaveRoom(t *testing.T) {
	for name, due := range map[string]func(t *testing.T, w *vaulttest.World){
		"demanded": func(t *testing.T, w *vaulttest.World) {
			child := w.Child()
			by := w.Guardian(child)
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := w.Vault.Demand(ctx, tx, rights.Desk{Ring: w.Ring, Charters: w.Vault.Gate.Charters, Calendar: workday.Default()}, by, child,
					rights.Demand{Kind: rights.Delete, Door: rights.ByGuardian, Guardian: by.ID})
				return err
			})
		},
		"unanswered": func(t *testing.T, w *vaulttest.World) {
			w.Enrol()
			w.Pass(day)
		},
		"grown": func(t *testing.T, w *vaulttest.World) {
			birth, err := w.Child().Birth(w.Ring)
			if err != nil {
				t.Fatal(err)
			}
			w.Pass(birth.Turns(18).Add(day).Sub(w.Store.Now()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
				due(t, w)
				hangs := make(gateway)
				f := &message.Farewell{Desk: w.Desk, Messages: notify.Router{notify.SMS: hangs}, PublicURL: "https://wardkeep.example.com",
					Log: slog.New(slog.DiscardHandler)}
				f.Send(t.Context(), slices.Repeat([]notify.Message{{Channel: notify.SMS}}, 501))
				ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				defer cancel()
				if done, err := retention.SweepTelling(ctx, w.Store, w.Vault, f, retention.Terms{}); done.Demanded+done.Unanswered+done.Aged != 0 || err == nil {
					t.Errorf("%+v, %v", done, err)
				}
				close(hangs)
				if done, err := retention.SweepTelling(t.Context(), w.Store, w.Vault, f, retention.Terms{}); done.Demanded+done.Unanswered+done.Aged != 1 || err != nil {
					t.Errorf("with room: %+v, %v", done, err)
				}
				f.Wait()
			})
		})
	}
}

// Article 20: that letters are on their way is noted before the erasure commits that they tell
// of, so that a crash between the two is seen; and no more once they went, or nothing was erased.
func TestArticle20_LettersAreNotedBeforeTheErasureTheyTellOf(t *testing.T) {
	for name, erase := range map[string]func(w *vaulttest.World, f *message.Farewell, c family.Child) error{
		"a sweep of what was demanded": func(w *vaulttest.World, f *message.Farewell, c family.Child) error {
			by := w.Guardian(c)
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := w.Vault.Demand(ctx, tx, rights.Desk{Ring: w.Ring, Charters: w.Vault.Gate.Charters, Calendar: workday.Default()}, by, c,
					rights.Demand{Kind: rights.Delete, Door: rights.ByGuardian, Guardian: by.ID})
				return err
			})
			_, err := retention.SweepTelling(context.Background(), w.Store, w.Vault, f, retention.Terms{})
			return err
		},
		"all of a service": func(w *vaulttest.World, f *message.Farewell, c family.Child) error {
			_, err := retention.EraseAll(context.Background(), w.Store, w.Vault, f, w.App.Ledger(), family.Cessation, []family.Child{c})
			return err
		},
		"an erasure that fails": func(w *vaulttest.World, f *message.Farewell, c family.Child) error {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				return tx.Queue(ctx, `UPDATE child SET endings = '?' WHERE child = $1`, c.ID)
			})
			_, err := retention.EraseAll(context.Background(), w.Store, w.Vault, f, w.App.Ledger(), family.Cessation, []family.Child{c})
			if err == nil {
				return errors.New("it is erased")
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
				c := w.Child()
				var mu sync.Mutex
				var noted []bool
				f := &message.Farewell{Desk: w.Desk, Messages: notify.Router{notify.SMS: notify.NewOutbox(10)}, PublicURL: "https://wardkeep.example.com",
					Log: slog.New(slog.DiscardHandler)}
				f.Going = func(some bool) {
					mu.Lock()
					defer mu.Unlock()
					noted = append(noted, some)
					err := w.Store.View(context.Background(), func(tx *db.Tx) error {
						_, err := family.Find(context.Background(), tx, vaulttest.Service, c.ID)
						return err
					})
					if some && len(noted) == 1 && errors.Is(err, family.ErrNotFound) {
						t.Error("it is erased, and no letter is noted")
					}
				}
				if err := erase(w, f, c); err != nil {
					t.Fatal(err)
				}
				f.Wait()
				mu.Lock()
				defer mu.Unlock()
				if len(noted) == 0 || noted[len(noted)-1] {
					t.Errorf("noted %v", noted)
				}
			})
		})
	}
}

// A gateway takes its letters when it can.
type gateway chan struct{}

// Send waits until the gateway can.
func (g gateway) Send(ctx context.Context, _ notify.Message) error {
	select {
	case <-g:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Article 20: while a gateway hangs nobody is erased whose letter would be dropped.
func TestArticle20_ManyErasuresWaitUntilTheirLettersHaveRoom(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		c := w.Child()
		hangs := make(gateway)
		f := &message.Farewell{Desk: w.Desk, Messages: notify.Router{notify.SMS: hangs}, PublicURL: "https://wardkeep.example.com",
			Log: slog.New(slog.DiscardHandler)}
		defer f.Wait()
		defer close(hangs)
		f.Send(t.Context(), slices.Repeat([]notify.Message{{Channel: notify.SMS}}, 501)) // more than half of what may be on its way
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		n, err := retention.EraseAll(ctx, w.Store, w.Vault, f, w.App.Ledger(), family.Cessation, []family.Child{c})
		if n != 0 || err == nil {
			t.Errorf("%d erased, %v", n, err)
		}
	})
}

// Article 20: whoever demanded an erasure finds its certificate by the demand, too, where the
// child is erased for another reason first.
func TestArticle20_ADemandThatAnotherErasureOvertakesLeadsToItsCertificate(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		ctx := t.Context()
		f := &message.Farewell{Desk: w.Desk, Messages: notify.Router{notify.SMS: notify.NewOutbox(10)}, PublicURL: "https://wardkeep.example.com",
			Log: slog.New(slog.DiscardHandler)}
		demand := func() (c family.Child, r rights.Request) {
			c = w.Child()
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				r, _, err = w.Vault.Demand(ctx, tx, rights.Desk{Ring: w.Ring, Charters: w.Vault.Gate.Charters, Calendar: workday.Default()}, w.App, c,
					rights.Demand{Kind: rights.Delete, Door: rights.ByChild})
				return err
			})
			return c, r
		}
		one, ofOne := demand()
		if n, err := retention.EraseAll(ctx, w.Store, w.Vault, f, w.App.Ledger(), family.Cessation, []family.Child{one}); n != 1 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		two, ofTwo := demand()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			locked, err := family.Lock(ctx, tx, two.Service, two.ID)
			if err == nil {
				_, _, err = retention.Erase(ctx, tx, w.Vault, nil, w.App.Ledger(), locked, family.UseEnded) // no letter
			}
			return err
		})
		for _, r := range []rights.Request{ofOne, ofTwo} {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				found, err := receipt.FindDemand(ctx, tx, w.Ring, r.Service, r.ID)
				if err != nil || found.Number != r.Number || found.Secret == "" {
					t.Errorf("%v", err)
				}
				return nil
			})
		}
		f.Wait()
	})
}
