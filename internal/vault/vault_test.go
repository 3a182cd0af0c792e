package vault_test

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

const day = 24 * time.Hour

var recording = base64.StdEncoding.EncodeToString([]byte("the sound of a child reading aloud"))

func use(child family.Child, purpose string, items ...string) gate.Use {
	return gate.Use{Service: vaulttest.Service, Child: child.ID, Activity: charter.Use, Purpose: purpose, Items: items}
}

func TestArticle13_WhatIsPutComesBackAndIsSealedInBetween(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		child := w.Child()
		w.Put(child, "course-progress", "nickname", "小溪同学")
		if got, err := w.Read(child, "course-progress", "nickname"); err != nil || got != "小溪同学" {
			t.Errorf("got %q, %v", got, err)
		}
		w.Put(child, "course-progress", "nickname", "大溪同学")
		if got, err := w.Read(child, "course-progress", "nickname"); err != nil || got != "大溪同学" {
			t.Errorf("after a change: %q, %v", got, err)
		}
		if got, err := w.Read(child, "course-progress", "answers"); err != nil || got != "" {
			t.Errorf("what was never collected: %q, %v", got, err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			sealed, err := db.One(ctx, tx, db.Single[[]byte], `SELECT sealed FROM value WHERE child = $1`, child.ID)
			if strings.Contains(string(sealed), "同学") {
				t.Error("the value is stored as it is")
			}
			return err
		})
	})
}

// refusals that a use must meet, each with its code.
func TestInvariant1_NothingOpensWithoutAPermit(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		child := w.Child()
		w.Put(child, "speaking-practice", "voice", recording)
		for name, u := range map[string]gate.Use{
			"gate.purpose_unknown":     use(child, "advertising", "voice"),
			"gate.item_not_in_purpose": use(child, "course-progress", "voice"),
			"gate.item_unknown":        use(child, "speaking-practice", "shoe_size"),
			"gate.no_items":            use(child, "speaking-practice"),
		} {
			for _, prepared := range []bool{false, true} {
				var p *vault.Prepared
				if prepared {
					if err := w.Store.View(t.Context(), func(tx *db.Tx) (err error) {
						p, err = w.Vault.Prepare(t.Context(), tx, u)
						return err
					}); err != nil {
						t.Fatal(err)
					}
				}
				var out vault.Opened
				err := w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
					out, err = w.Vault.Open(ctx, tx, w.By(), u, p)
					return err
				})
				denied, ok := errors.AsType[*gate.Denied](err)
				if !ok || denied.Reasons[0].Code != name || len(out.Values) != 0 {
					t.Errorf("%s: got %v, %v", name, out.Values, err)
				}
				if out.Entry == "" {
					t.Errorf("%s: the denial is not recorded", name)
				}
			}
		}
		for _, a := range []charter.Activity{charter.Collect, charter.Store} {
			u := use(child, "speaking-practice", "voice")
			u.Activity = a
			err := w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := w.Vault.Open(ctx, tx, w.By(), u, nil)
				return err
			})
			if !errors.Is(err, vault.ErrActivity) {
				t.Errorf("opened to %q: %v", a, err)
			}
		}
		var nobody gate.Actor
		err := w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Open(ctx, tx, nobody, use(child, "speaking-practice", "voice"), nil)
			return err
		})
		if !errors.Is(err, gate.ErrDenied) {
			t.Errorf("nobody may read: %v", err)
		}
	})
}

func TestInvariant1_AValueMovedElsewhereNeverOpens(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		a, b := w.Child(), w.Child()
		w.Put(a, "course-progress", "nickname", "甲")
		w.Put(a, "course-progress", "grade", "三年级")
		w.Put(b, "course-progress", "nickname", "乙")
		move := func(statement string, args ...any) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				n, err := tx.Exec(ctx, statement, args...)
				if n != 1 {
					t.Fatalf("%d rows moved", n)
				}
				return err
			})
		}
		move(`UPDATE value SET sealed = (SELECT sealed FROM value WHERE child = $1 AND item = 'nickname') WHERE child = $2 AND item = 'nickname'`, a.ID, b.ID)
		if got, err := w.Read(b, "course-progress", "nickname"); !errors.Is(err, vault.ErrCannotOpen) {
			t.Errorf("another child's value opened: %q, %v", got, err)
		}
		move(`UPDATE value SET sealed = (SELECT sealed FROM value WHERE child = $1 AND item = 'nickname') WHERE child = $1 AND item = 'grade'`, a.ID)
		if got, err := w.Read(a, "course-progress", "grade"); !errors.Is(err, vault.ErrCannotOpen) {
			t.Errorf("another item's value opened: %q, %v", got, err)
		}
		move(`UPDATE value SET version = version + 1 WHERE child = $1 AND item = 'nickname'`, a.ID)
		if got, err := w.Read(a, "course-progress", "nickname"); !errors.Is(err, vault.ErrCannotOpen) {
			t.Errorf("an older value opened as a newer one: %q, %v", got, err)
		}
	})
}

func TestArticle11_WhatTheCharterDoesNotDescribeIsRefusedAndNothingIsKept(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		child := w.Child()
		put := func(purpose string, values map[string]pii.Text) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := w.Vault.Put(ctx, tx, w.By(), vaulttest.Service, child.ID, purpose, values)
				return err
			})
		}
		for name, err := range map[string]error{
			"vault.too_many_items": put("course-progress", many(vault.MaxItems+1)),
			"gate.denied":          put("course-progress", map[string]pii.Text{"voice": pii.New(recording)}),
			"value.not_a_choice":   put("course-progress", map[string]pii.Text{"nickname": pii.New("好"), "grade": pii.New("大学")}),
			"value.in_the_future":  put("course-progress", map[string]pii.Text{"birth_date": pii.New("2999-01-01")}),
			"value.not_a_date":     put("course-progress", map[string]pii.Text{"birth_date": pii.New("2015-02-30")}),
			"value.not_base64":     put("speaking-practice", map[string]pii.Text{"voice": pii.New("%%%")}),
		} {
			if e := errs.Of(err); e.Code != name {
				t.Errorf("got %v, want %s", err, name)
			}
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			n, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM value`)
			if n != 0 {
				t.Errorf("%d values were kept of refused collections", n)
			}
			return err
		})
	})
}

func many(n int) map[string]pii.Text {
	all := make(map[string]pii.Text)
	for i := range n {
		all[strings.Repeat("x", i+1)] = pii.New("x")
	}
	return all
}

func TestInvariant10_AnExpiredValueIsUnreadableBeforeTheSweep(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		child := w.Child()
		w.Put(child, "speaking-practice", "voice", recording) // kept for 90 days
		sealed := seal(t, w, child, "speaking-practice", "voice", recording)
		w.Pass(89*day + 23*time.Hour)
		if _, err := w.Read(child, "speaking-practice", "voice"); err != nil {
			t.Errorf("an hour before its end: %v", err)
		}
		if _, err := unseal(w, child, "speaking-practice", "voice", sealed); err != nil {
			t.Errorf("a sealed value an hour before its end: %v", err)
		}
		w.Pass(time.Hour)
		for name, err := range map[string]error{
			"held":   second(w.Read(child, "speaking-practice", "voice")),
			"sealed": second(unseal(w, child, "speaking-practice", "voice", sealed)),
		} {
			denied, ok := errors.AsType[*gate.Denied](err)
			if !ok || len(denied.Reasons) != 1 || denied.Reasons[0].Code != "gate.value_expired" {
				t.Errorf("%s at its end: %v", name, err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

// A value whose time counts from its last use is prolonged by use, for the
// purpose that it was collected for, and never beyond the longest time.
func TestArticle12_UseProlongsOnlyWhatCountsFromTheLastUse(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		child := w.Child()
		w.Put(child, "course-progress", "nickname", "小溪")
		ends := func() (at time.Time) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				held, err := vault.Holdings(ctx, tx, child)
				at = held[0].Expires
				return err
			})
			return at
		}
		first := ends()
		w.Pass(time.Hour)
		w.Read(child, "course-progress", "nickname")
		if got := ends(); !got.Equal(first) {
			t.Errorf("an hour later the end moved from %v to %v: the row is written at every read", first, got)
		}
		w.Pass(30 * day)
		w.Read(child, "course-progress", "nickname")
		if got := ends(); got.Sub(first) < 30*day {
			t.Errorf("a month later the end moved from %v to %v only", first, got)
		}
	})
}

func TestArticle20_ErasureDestroysTheKeyAndEverySealedCopy(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		child, other := w.Child(), w.Child()
		w.Put(child, "speaking-practice", "voice", recording)
		w.Put(other, "speaking-practice", "voice", recording)
		sealed := seal(t, w, child, "speaking-practice", "voice", recording)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Erase(ctx, tx, w.App.Ledger(), vaulttest.Service, child.ID, family.UseEnded)
			return err
		})
		for name, err := range map[string]error{
			"read":   second(w.Read(child, "speaking-practice", "voice")),
			"unseal": second(unseal(w, child, "speaking-practice", "voice", sealed)),
			"erase": w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := w.Vault.Erase(ctx, tx, w.App.Ledger(), vaulttest.Service, child.ID, family.UseEnded)
				return err
			}),
		} {
			if !errors.Is(err, family.ErrErased) {
				t.Errorf("%s after erasure: %v", name, err)
			}
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			for _, table := range []string{"value", "guardian", "consent", "consent_request", "consent_link", "child_ref"} {
				n, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM `+table+` WHERE child = $1`, child.ID)
				if err != nil || n != 0 {
					t.Errorf("%d rows are left in %s: %v", n, table, err)
				}
			}
			n, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM child WHERE child = $1 AND wrapped IS NULL AND ref IS NULL AND birth IS NULL AND subject = ''`, child.ID)
			if n != 1 {
				t.Error("the key, the reference, the birth date or the pseudonym is left")
			}
			return err
		})
		if got, err := w.Read(other, "speaking-practice", "voice"); err != nil || got != recording {
			t.Errorf("the neighbour lost its value: %v", err)
		}
	})
}

func TestInvariant5_WithdrawalEndsEveryPreparedUse(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		child, guardian := w.Enrol()
		w.Answer(child, consent.ForceGranted)
		w.Put(child, "speaking-practice", "voice", recording)
		u := use(child, "speaking-practice", "voice")
		var p *vault.Prepared
		if err := w.Store.View(t.Context(), func(tx *db.Tx) (err error) {
			p, err = w.Vault.Prepare(t.Context(), tx, u)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			child, err := family.Find(ctx, tx, vaulttest.Service, child.ID)
			if err != nil {
				return err
			}
			guardian, err := family.FindGuardian(ctx, tx, child.ID, guardian.ID)
			if err != nil {
				return err
			}
			_, err = w.Desk.Withdraw(ctx, tx, guardian, child, "speaking-practice")
			return err
		})
		err := w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Open(ctx, tx, w.By(), u, p)
			return err
		})
		denied, ok := errors.AsType[*gate.Denied](err)
		if !ok || denied.Reasons[0].Code != "gate.consent_withdrawn" {
			t.Errorf("a use that was prepared before the withdrawal: %v", err)
		}
	})
}

func TestSealedValuesAreStrictAboutEveryByte(t *testing.T) {
	w := vaulttest.New(t, dbtestNew(t))
	child, other := w.Child(), w.Child()
	sealed := seal(t, w, child, "course-progress", "nickname", "小溪")
	if got, err := unseal(w, child, "course-progress", "nickname", sealed); err != nil || got != "小溪" {
		t.Fatalf("got %q, %v", got, err)
	}
	for i := range len(sealed) {
		b := []byte(sealed)
		b[i] ^= 1
		if got, err := unseal(w, child, "course-progress", "nickname", string(b)); err == nil {
			t.Errorf("with byte %d changed it opened as %q", i, got)
		}
	}
	for _, bad := range []string{"", "wk1.", "wk1.AAAA", sealed[:len(sealed)/2], sealed + "AA", "wk2." + sealed[4:]} {
		if _, err := unseal(w, child, "course-progress", "nickname", bad); !errors.Is(err, vault.ErrCannotOpen) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := unseal(w, other, "course-progress", "nickname", sealed); !errors.Is(err, vault.ErrCannotOpen) {
		t.Errorf("for another child: %v", err)
	}
	if _, err := unseal(w, child, "course-progress", "answers", sealed); !errors.Is(err, vault.ErrCannotOpen) {
		t.Errorf("for another item: %v", err)
	}
}

// Invariant 9, at the level of the vault: the raw files hold no value.
func TestInvariant9_TheFilesHoldNoValue(t *testing.T) {
	dir := t.TempDir()
	store, err := db.OpenSQLite(filepath.Join(dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := vaulttest.New(t, store)
	child := w.Child()
	const canary = "金丝雀-7f3a9"
	w.Put(child, "course-progress", "nickname", canary)
	w.Read(child, "course-progress", "nickname")
	w.Read(child, "course-progress", canary)
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), canary) || strings.Contains(string(b), "13800000000") {
			t.Errorf("%s holds a personal value", filepath.Base(name))
		}
	}
}

func FuzzUnseal(f *testing.F) {
	w := vaulttest.New(f, dbtestNew(f))
	child := w.Child()
	f.Add("wk1.")
	f.Add("wk1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, sealed string) {
		if got, err := unseal(w, child, "course-progress", "nickname", sealed); err == nil {
			t.Errorf("opened as %q", got)
		}
	})
}

// Many who read one value at the moment when it is due to be prolonged don't
// wait for each other in a circle.
func TestArticle12_ManyReadersProlongOneValueAtOnce(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		child := w.Child()
		w.Put(child, "course-progress", "nickname", "小溪")
		w.Pass(30 * day)
		begun := time.Now()
		var readers sync.WaitGroup
		for range 24 {
			readers.Go(func() {
				if _, err := w.Read(child, "course-progress", "nickname"); err != nil {
					t.Error(err)
				}
			})
		}
		readers.Wait()
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("24 reads took %v", took)
		}
	})
}

// Invariant 6: the tombstone has the child's id, which the operator knows; what
// else it has must not be found in the ledger.
func TestInvariant6_ATombstoneIsNotFoundInTheLedger(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		child := w.Child()
		w.Pass(time.Hour)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Erase(ctx, tx, w.App.Ledger(), vaulttest.Service, child.ID, family.Requested)
			return err
		})
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			tombstone, err := db.One(ctx, tx, func(row db.Row) (all [3]int64, err error) {
				return all, row.Scan(&all[0], &all[1], &all[2])
			}, `SELECT version, created_at, erased_at FROM child WHERE child = $1`, child.ID)
			if err != nil || tombstone[0] != 0 || tombstone[1] != 0 || tombstone[2]%day.Microseconds() != 0 {
				t.Errorf("the tombstone says %v, %v", tombstone, err)
			}
			return nil
		})
	})
}
