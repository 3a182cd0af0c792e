package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"

	"wardkeep/internal/app"
	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
)

// save makes a backup, in which the children of the next chapter still are.
func (d *demo) save(ctx context.Context) error {
	d.chapter("save")
	d.passphrase = rand.Text()
	lock, err := keyring.WithPassphrase(d.passphrase)
	if err != nil {
		return err
	}
	if err := d.settle(ctx); err != nil {
		return err
	}
	b, file, err := d.app.Backup(ctx, filepath.Join(d.dir, "backup.age"), lock)
	if err != nil {
		return err
	}
	d.saved = file
	text, err := os.ReadFile(file)
	d.show("13", "saved", err == nil && b.Size > 0 && bytes.HasPrefix(text, []byte("age-encryption.org/")) && !bytes.Contains(text, []byte(nickname)),
		"MB", len(text)>>20, "Until", d.s.day(b.Until))
	return err
}

// restore puts a store back to that backup, and the erased stay erased (edge case 15).
func (d *demo) restore(ctx context.Context) (err error) {
	d.chapter("restore")
	if err := d.settle(ctx); err != nil {
		return err
	}
	copied := filepath.Join(d.dir, "ledger")
	if err := ledger.Export(ctx, d.app.Store, copied); err != nil {
		return err
	}
	elsewhere := d.app.Config
	elsewhere.DataDir = filepath.Join(d.dir, "restored")
	key, err := keyring.ByPassphrase(d.passphrase)
	if err != nil {
		return err
	}
	// Its end is counted by the real clock, and the demo's may be years behind.
	if _, err := app.Unpack(ctx, elsewhere, d.saved, key, true); err != nil {
		return err
	}
	_, early := app.Open(ctx, elsewhere, d.app.Log)
	d.show("20", "not_before", errors.Is(early, backup.ErrNotReplayed))
	a, err := app.OpenRestoring(ctx, elsewhere, d.app.Log, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	a.Store.Now = d.app.Store.Now
	_, blind := a.Restore(ctx, app.Since{})
	report, err := a.Restore(ctx, app.Since{Ledger: copied, Newest: true})
	if err != nil {
		return err
	}
	var back int64
	err = a.Store.View(ctx, func(tx *db.Tx) (err error) {
		back, err = db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM child WHERE child = $1 AND (wrapped IS NOT NULL OR state <> 'erased')`,
			family.ID(d.families[0].child))
		return err
	})
	if err != nil {
		return err
	}
	d.show("20", "restored", errors.Is(blind, backup.ErrUnknown) && back == 0 && report.Erased > 0, "Entries", report.Entries, "Erased", report.Erased)
	audit, err := replay.Audit(ctx, a.Store, a.Ring, a.Charters, replay.Options{})
	if err != nil {
		return err
	}
	for _, difference := range audit.Differences {
		d.s.print("      " + difference.In(d.s.lang))
	}
	d.show("22", "restored_whole", len(audit.Differences) == 0)
	return nil
}
