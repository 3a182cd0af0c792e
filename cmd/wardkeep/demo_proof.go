package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"wardkeep/client"
	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
)

// disk reads every byte that the server has written and looks for what only
// people should be able to read.
func (d *demo) disk(context.Context) error {
	d.chapter("disk")
	needles := [][]byte{[]byte(nickname), []byte("quick brown fox"), []byte(recording)}
	for _, h := range d.families {
		needles = append(needles, []byte(h.phone), []byte(h.token))
	}
	var files, size, found int64
	err := filepath.WalkDir(d.server(), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files, size = files+1, size+int64(len(b))
		for _, n := range needles {
			found += int64(bytes.Count(b, n))
		}
		return nil
	})
	d.show("13", "disk", found == 0 && files > 2, "Files", files, "MB", size>>20, "Needles", len(needles))
	return err
}

// leastUses are those of the story on the slowest machine: how many reads come
// before the withdrawal is a matter of speed.
const leastUses = 20

// prove verifies the ledger, replays it, and checks a guardian's receipt as
// anyone could, with the public key alone.
func (d *demo) prove(ctx context.Context) error {
	d.chapter("prove")
	if err := d.settle(ctx); err != nil {
		return err
	}
	report, err := ledger.Verify(ctx, ledger.FromStore(d.app.Store), d.app.LedgerKey)
	if err != nil {
		return err
	}
	d.show("22", "verified", report.OK() && report.Size > 3*d.imported, "Size", report.Size)
	begun := time.Now()
	audit, err := replay.Audit(ctx, d.app.Store, d.app.Ring, d.app.Charters, replay.Options{})
	if err != nil {
		return err
	}
	for _, difference := range audit.Differences {
		d.s.print("      " + difference.In(d.s.lang))
	}
	d.show("22", "replayed", len(audit.Differences) == 0 && audit.Uses >= leastUses,
		"Entries", audit.Entries, "Uses", audit.Uses, "Seconds", int(time.Since(begun).Seconds())+1)
	return d.receipt(ctx)
}

// settle waits until every entry has its place.
func (d *demo) settle(ctx context.Context) error {
	for range 600 {
		n, err := d.count(ctx, `SELECT count(*) FROM ledger_pending`)
		if err != nil || n == 0 {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.New("the ledger's entries still wait for their places")
}

func (d *demo) receipt(ctx context.Context) error {
	h := d.families[1]
	g, err := wardkeep.ForGuardian(d.base, h.token)
	if err != nil {
		return err
	}
	proof, err := d.prove6(ctx, g.With(d.client))
	if err != nil {
		return err
	}
	// One withdrawal more: its receipt comes with proofs.
	r, err := g.Withdraw(ctx, wardkeep.Withdrawal{Proof: proof, Purpose: "push-notices"})
	if err != nil {
		return err
	}
	if err := d.settle(ctx); err != nil {
		return err
	}
	p, err := d.client.Proof(ctx, r.Entry)
	if err != nil {
		return err
	}
	_, err = ledger.CheckReceipt(p.Receipt, p.Leaf, d.app.LedgerKey)
	forged := bytes.Replace(p.Leaf, []byte("push-notices"), []byte("push-noticez"), 1)
	_, fault := ledger.CheckReceipt(p.Receipt, forged, d.app.LedgerKey)
	d.show("22", "receipt", err == nil && fault != nil, "Place", p.Place)
	return nil
}

// tamper changes copies of the database, as somebody with the disk could, and
// lets verify and audit find it.
func (d *demo) tamper(ctx context.Context) error {
	d.chapter("tamper")
	if err := d.settle(ctx); err != nil {
		return err
	}
	report, err := d.altered(ctx, "entry.db", `UPDATE ledger_bundle SET entries = CAST(replace(CAST(entries AS text), $1, $2) AS blob) WHERE start = 0`,
		"charter.published", "charter.pu8lished")
	if err != nil {
		return err
	}
	d.show("22", "tampered_entry", len(report.findings) > 0, "Finding", first(report.findings))
	report, err = d.altered(ctx, "consent.db", `UPDATE consent SET granted = $1 WHERE purpose = $2 AND NOT granted AND withdraws = ''`, true, "speaking-practice")
	if err != nil {
		return err
	}
	d.show("22", "tampered_consent", len(report.findings) == 0 && len(report.differences) > 0, "Difference", first(report.differences))
	return nil
}

type discovered struct{ findings, differences []string }

func first(all []string) string {
	if len(all) == 0 {
		return "–"
	}
	return all[0]
}

// altered copies the database, runs one statement on the copy, and verifies and
// audits it.
func (d *demo) altered(ctx context.Context, name, statement string, args ...any) (found discovered, err error) {
	path := filepath.Join(d.dir, name)
	if err := copyStore(ctx, d.app.Config, path); err != nil {
		return found, err
	}
	if err := alter(ctx, path, statement, args...); err != nil {
		return found, err
	}
	store, err := db.OpenSQLite(path)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	verified, err := ledger.Verify(ctx, ledger.FromStore(store), d.app.LedgerKey)
	if err != nil {
		return found, err
	}
	for _, f := range verified.Findings {
		found.findings = append(found.findings, f.In(d.s.lang))
	}
	if len(found.findings) > 0 {
		return found, nil // what doesn't verify isn't worth replaying
	}
	audit, err := replay.Audit(ctx, store, d.app.Ring, catalog.NewCache(8), replay.Options{MaxDifferences: 3})
	for _, difference := range audit.Differences {
		found.differences = append(found.differences, difference.In(d.s.lang))
	}
	return found, err
}

// copyStore makes a consistent copy of the embedded database.
func copyStore(ctx context.Context, c app.Config, to string) error {
	return onFile(ctx, c.Embedded(), `VACUUM INTO `+quoted(to))
}

// quoted is a path as a text of SQL: VACUUM INTO takes no parameter here.
func quoted(s string) string {
	return "'" + string(bytes.ReplaceAll([]byte(s), []byte("'"), []byte("''"))) + "'"
}

// alter runs a statement that must change something.
func alter(ctx context.Context, path, statement string, args ...any) error {
	pool, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return err
	}
	defer pool.Close()
	result, err := pool.ExecContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return fmt.Errorf("nothing was there to tamper with: %w", err)
	}
	return nil
}

func onFile(ctx context.Context, path, statement string) error {
	pool, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer pool.Close()
	_, err = pool.ExecContext(ctx, statement)
	return err
}
