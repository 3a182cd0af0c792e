package evidence_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/catalog"
	"wardkeep/internal/evidence"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/vault/vaulttest"
)

// uses puts so many uses that the gate has permitted behind the others.
func (s *scene) uses(t testing.TB, n int) {
	t.Helper()
	_, err := s.Read(s.mei, "course-progress", "weekly_score") // so that there is one of the service as it stands
	ok(t, err)
	ok(t, s.log.Flush(t.Context()))
	var like ledger.Placed
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		head, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		return ledger.ReadKind(ctx, tx, 0, head.Size, gate.KindPermitted, func(p ledger.Placed) error {
			like = p
			return nil
		})
	})
	var version int64
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		head, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		return ledger.Read(ctx, tx, 0, head.Size, func(p ledger.Placed) error {
			if p.Subject == like.Subject {
				version = max(version, p.Version)
			}
			return nil
		})
	})
	for ; n > 0; n -= 1000 {
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			for range min(n, 1000) {
				if _, err := ledger.Append(ctx, tx, ledger.Entry{Kind: like.Kind, Service: like.Service, Subject: like.Subject, Version: version, Actor: like.Actor, Body: like.Body}); err != nil {
					return err
				}
			}
			return nil
		})
		ok(t, s.log.Flush(t.Context()))
	}
}

// BenchmarkVerify makes an archive of EVIDENCE_ENTRIES uses, 20000 unless it is said, and
// verifies it: make evidence-curve.
func BenchmarkVerify(b *testing.B) {
	n := 20_000
	if text := os.Getenv("EVIDENCE_ENTRIES"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		ok(b, err)
	}
	s := play(b, vaulttest.New(b, dbtest.New(b)))
	s.uses(b, n)
	f, err := os.Create(filepath.Join(b.TempDir(), "evidence.zip"))
	ok(b, err)
	defer f.Close()
	began := time.Now()
	_, err = evidence.Make(b.Context(), s.Store, s.log, catalog.Operator{ID: "bench"}, evidence.Order{Origin: origin}, f)
	ok(b, err)
	made := time.Since(began)
	info, err := f.Stat()
	ok(b, err)
	var entries int64
	used := processor(b)
	for b.Loop() {
		r, err := evidence.Verify(b.Context(), f, info.Size(), evidence.Check{Key: s.key})
		ok(b, err)
		if !r.OK() {
			b.Fatalf("%q", said(r))
		}
		entries += r.Ledger.Size
	}
	used = processor(b) - used
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(entries)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64(used.Nanoseconds())/1000/float64(entries), "cpu-µs/entry")
	b.ReportMetric(float64(n)/made.Seconds(), "made/s")
	b.ReportMetric(float64(info.Size())/float64(n), "B/entry")
	b.ReportMetric(float64(m.Sys)/(1<<20), "MB-of-memory")
}

// processor is the processor time of this process so far: beside others the clock says little.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	ok(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
