package vault_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/vault/vaulttest"
)

// about returns the tables that hold a row about the child beside the tombstone,
// and the trace that is forgotten after three days.
func about(w *vaulttest.World, child family.ID) (tables []string) {
	w.T.Helper()
	query := `SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) p ON p.name = 'child' WHERE m.type = 'table' ORDER BY m.name`
	if w.Store.Engine() == "postgres" {
		query = `SELECT table_name FROM information_schema.columns WHERE column_name = 'child' AND table_schema = current_schema() ORDER BY table_name`
	}
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		all, err := db.All(ctx, tx, db.Single[string], query)
		if err != nil {
			return err
		}
		if len(all) < 7 {
			w.T.Errorf("only %v have a child", all)
		}
		for _, table := range all {
			if table == "child" || table == "erased_subject" {
				continue
			}
			n, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM `+table+` WHERE child = $1`, child)
			if err != nil {
				return err
			}
			if n > 0 {
				tables = append(tables, table)
			}
		}
		return nil
	})
	return tables
}

// Whatever adds a row about a child while it is being erased comes before the
// erasure, which takes the row with it, or after it, and then adds none: a link
// that stayed would lead from the child to a request that the ledger names.
func TestArticle20_NothingIsWrittenBesideAnErasure(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		var secrets consent.Secrets
		follow := func(ctx context.Context, tx *db.Tx, c family.Child) error {
			_, err := w.Desk.Follow(ctx, tx, secrets.Code)
			return err
		}
		tell := func(ctx context.Context, tx *db.Tx, c family.Child) error {
			all, err := consent.History(ctx, tx, c.ID)
			if err != nil {
				return err
			}
			if len(all) == 0 {
				return family.ErrErased
			}
			_, err = w.Desk.Tell(ctx, tx, c, all[0].ID)
			return err
		}
		erasing := func(c family.Child) func(ctx context.Context, tx *db.Tx) error {
			return func(ctx context.Context, tx *db.Tx) error {
				_, err := w.Vault.Erase(ctx, tx, w.App.Ledger(), vaulttest.Service, c.ID, family.Requested)
				return err
			}
		}
		for name, write := range map[string]func(ctx context.Context, tx *db.Tx, c family.Child) error{"a typed code": follow, "a message": tell} {
			for _, first := range []string{"the row", "the erasure"} {
				c, mother := w.Enrol()
				w.Answer(c, consent.ForceGranted, "account")
				w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
					_, secrets, _, err = w.Desk.Ask(ctx, tx, w.App, c, consent.Asking{Guardian: mother.ID, Channel: consent.Link, Locale: "en"})
					return err
				})
				writing := func(ctx context.Context, tx *db.Tx) error { return write(ctx, tx, c) }
				one, other := writing, erasing(c)
				if first == "the erasure" {
					one, other = other, one
				}
				var errs [2]error
				var group sync.WaitGroup
				var once sync.Once
				errs[0] = w.Try(func(ctx context.Context, tx *db.Tx) error {
					if err := one(ctx, tx); err != nil {
						return err
					}
					done := make(chan struct{})
					once.Do(func() {
						group.Go(func() { errs[1] = w.Try(other); close(done) })
						select {
						case <-done:
						case <-time.After(300 * time.Millisecond): // it waits, as it must
						}
					})
					return nil
				})
				group.Wait()
				if errs[0] != nil {
					t.Errorf("%s, %s first: %v", name, first, errs[0])
				}
				if late := errs[1]; first == "the row" && late != nil ||
					first == "the erasure" && !errors.Is(late, consent.ErrLink) && !errors.Is(late, family.ErrErased) {
					t.Errorf("%s, %s first, then: %v", name, first, late)
				}
				if left := about(w, c.ID); len(left) > 0 {
					t.Errorf("%s, %s first: %v still have a row about the child", name, first, left)
				}
			}
		}
	})
}
