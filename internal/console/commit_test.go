package console_test

import (
	"context"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/gate"
	"wardkeep/internal/vault/vaulttest"
)

// unwilling has every COMMIT fail that brings an entry of the ledger, after each of its
// statements has succeeded, until the store is willing again.
func (d *desk) unwilling() (willing func()) {
	d.T.Helper()
	does, undoes := []string{
		`CREATE TABLE unkept (n bigint PRIMARY KEY, owes bigint REFERENCES unkept (n) DEFERRABLE INITIALLY DEFERRED)`,
		`CREATE TRIGGER unwilling AFTER INSERT ON ledger_pending BEGIN INSERT OR REPLACE INTO unkept (n, owes) VALUES (1, 2); END`,
	}, []string{`DROP TRIGGER unwilling`, `DROP TABLE unkept`}
	if d.Store.Engine() == "postgres" {
		does = []string{
			`CREATE FUNCTION unwilling() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'`,
			`CREATE CONSTRAINT TRIGGER unwilling AFTER INSERT ON ledger_pending DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION unwilling()`,
		}
		undoes = []string{`DROP TRIGGER unwilling ON ledger_pending`, `DROP FUNCTION unwilling()`}
	}
	run := func(all []string) {
		d.T.Helper()
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			for _, statement := range all {
				if _, err := tx.Exec(ctx, statement); err != nil {
					return err
				}
			}
			return nil
		})
	}
	run(does)
	return func() { run(undoes) }
}

// leaks says what of a value is in an answer.
func leaks(w *httptest.ResponseRecorder) string {
	body := w.Body.String()
	switch {
	case strings.Contains(body, "PNG") || strings.HasPrefix(w.Header().Get("Content-Type"), "image/"):
		return "a picture"
	case strings.Contains(body, "age-encryption.org") || w.Header().Get("Content-Disposition") != "":
		return "a file"
	case strings.Contains(body, nickname) || strings.Contains(body, remarks):
		return "a value"
	}
	return ""
}

// leaving are the two ways on which a value leaves, each with a request that opens it.
func (b *bureau) leaving() map[string]string {
	b.T.Helper()
	file := b.wants(b.asks)
	b.agrees(b.boss, file)
	b.agrees(b.vice, file)
	return map[string]string{"view": b.granted(b.asks), "export": file}
}

func (b *bureau) leaves(way, path string) *httptest.ResponseRecorder {
	b.T.Helper()
	if way == "view" {
		return b.asks.look(path, item("nickname"))
	}
	return b.asks.do("POST", path+"/export", url.Values{})
}

// Invariant 2: of a look and of a file whose transaction can't be committed nothing
// leaves, though the value was open in it; nothing is recorded, and nothing counts.
func TestInvariant2_WhatIsNotCommittedIsNotShown(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b := d.bureau()
		for way, path := range b.leaving() {
			willing := d.unwilling()
			if w := b.leaves(way, path); w.Code < 500 || leaks(w) != "" {
				t.Errorf("%s: %d, %s", way, w.Code, leaks(w))
			}
			willing()
			if r := b.request(path); r.Looks != 0 || b.written(b.worker, gate.KindPermitted) != 0 {
				t.Errorf("%s: %d looks, %d entries", way, r.Looks, b.written(b.worker, gate.KindPermitted))
			}
		}
		for way, path := range b.leaving() { // it was the COMMIT
			if w := b.leaves(way, path); w.Code != 200 || leaks(w) == "" {
				t.Errorf("%s, committed: %d", way, w.Code)
			}
		}
	})
}

// The same where the line to PostgreSQL breaks during the COMMIT, so that nobody knows
// whether it was done: it was, the look counts, and nothing of it leaves.
func TestInvariant2_WhatMayBeCommittedIsNotShown(t *testing.T) {
	store, wire := dbtest.Wired(t)
	d := newDesk(vaulttest.New(t, store))
	b := d.bureau()
	now := store.Now
	for way, path := range b.leaving() {
		times := 0
		store.Now = func() time.Time { // asked by each transaction: who it is, and then what opens
			if times++; times == 2 {
				wire.LoseCommit()
			}
			return now()
		}
		w := b.leaves(way, path)
		store.Now = now
		if w.Code != 503 || !strings.Contains(d.log.String(), "code="+db.ErrUnknown.Code) || leaks(w) != "" {
			t.Errorf("%s: %d, %s", way, w.Code, leaks(w))
		}
		d.log.Reset()
		if r := b.request(path); r.Looks == 0 || r.State != approval.Granted {
			t.Errorf("%s: %d looks of what is %s", way, r.Looks, r.State)
		}
	}
}
