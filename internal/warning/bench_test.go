package warning_test

import (
	"context"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/incident"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/warning"
)

// BenchmarkPrepare prepares who is told of a case of WARDKEEP_CHILDREN children, 20,000 without
// it, of a guardian each, and tells how many addressees a second that is, and what is in memory
// by then.
func BenchmarkPrepare(b *testing.B) {
	children := 20_000
	if s := os.Getenv("WARDKEEP_CHILDREN"); s != "" {
		children, _ = strconv.Atoi(s)
	}
	on := func(b *testing.B, store *db.DB) {
		w := vaulttest.New(b, store)
		model := w.Child()
		ids := copies(b, w, model.ID, children)
		r := room{World: w}
		r.officer, r.deputy = r.held(catalog.RoleOfficer), r.held(catalog.RoleDeputy)
		teller := warning.Teller{Store: store, Desk: warning.Desk{Consent: w.Desk}, Reached: func(_ context.Context, _ *db.Tx, _ string, after family.ID, limit int) ([]family.ID, error) {
			i, found := slices.BinarySearch(ids, after)
			if found {
				i++
			}
			return ids[i:min(i+limit, len(ids))], nil
		}}
		for b.Loop() {
			b.StopTimer()
			n := confirmed(w, r)
			b.StartTimer()
			began := time.Now()
			prepared, err := warning.PrepareAll(b.Context(), teller, n)
			if err != nil || prepared != int64(2*children) {
				b.Fatal(prepared, err)
			}
			b.ReportMetric(float64(prepared)/time.Since(began).Seconds(), "addressees/s")
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.Sys)/1e6, "MB")
		}
	}
	b.Run("sqlite", func(b *testing.B) { on(b, dbtest.New(b)) })
	b.Run("postgres", func(b *testing.B) { on(b, dbtest.Postgres(b)) })
}

func confirmed(w *vaulttest.World, r room) (n warning.Notice) {
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		c, _, err := incident.Desk{Ring: w.Ring, Charters: w.Desk.Charters}.Open(ctx, tx, w.Officer, service, incident.Report{Kind: incident.Leaked, NoticedAt: tx.Now(), Words: pii.New("名单")})
		if err == nil {
			n, _, err = warning.Draft(ctx, tx, w.Ring, writes(r.officer), service, c.ID, "", false, said())
		}
		return err
	})
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		n, _, err = warning.Confirm(ctx, tx, w.Ring, judges(r.deputy), service, n.ID, n.Version)
		return err
	})
	return n
}

// copies writes so many children that are as the model is, with its guardian: nothing of them is
// opened here.
func copies(b *testing.B, w *vaulttest.World, model family.ID, many int) (ids []family.ID) {
	for len(ids) < many {
		ids = append(ids, family.ID(id.New(id.Child)))
	}
	slices.Sort(ids)
	for some := range slices.Chunk(ids, 5_000) {
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			for _, c := range some {
				g := id.New(id.Guardian)
				if err := tx.Queue(ctx, `
					INSERT INTO child (child, service, subject, version, state, frozen, disputed, ref, ref_hash, birth, birth_from, birth_version, turns_14, aged, pool, wrapped, created_at, expires_at, endings, handed_at, erased_at, kept_until)
					SELECT $1, service, $2, version, state, frozen, disputed, ref, ref_hash, birth, birth_from, birth_version, turns_14, aged, pool, wrapped, created_at, expires_at, endings, handed_at, erased_at, kept_until FROM child WHERE child = $3`,
					c, id.New(id.Subject), model); err != nil {
					return err
				}
				if err := tx.Queue(ctx, `
					INSERT INTO guardian (child, guardian, relation, strength, name, phone, email, phone_hash, email_hash, created_at, verified_at, hidden_by, hidden_mark)
					SELECT $1, $2, relation, strength, name, phone, email, phone_hash, email_hash, created_at, verified_at, '', $3 FROM guardian WHERE child = $4`,
					c, g, w.Ring.Index("family.hidden", string(c), g, "0", ""), model); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if w.Store.Engine() == "postgres" { // as autovacuum does within a minute: what knows nothing of a table reads all of it
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `ANALYZE child`)
			if err == nil {
				_, err = tx.Exec(ctx, `ANALYZE guardian`)
			}
			return err
		})
	}
	return ids
}
