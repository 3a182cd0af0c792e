package replay

import (
	"context"
	"runtime"

	"wardkeep/internal/base/db"
)

// AuditIn lets a test audit what it will undo.
var AuditIn = auditIn

// FoldIn folds the ledger and returns how many entries there were, and the bytes
// that what is kept of them takes.
func FoldIn(ctx context.Context, tx *db.Tx) (entries int64, bytes int64, err error) {
	before := heap()
	a := &audit{ctx: ctx, tx: tx, names: newNames(), opts: Options{MaxDifferences: 1}}
	rows, err := a.readCharters()
	if err != nil {
		return 0, 0, err
	}
	a.fold = newFold(a.names, rows, a.found)
	if a.report.Size, err = db.One(ctx, tx, db.Single[int64], `SELECT size FROM ledger_head WHERE id = $1`, 1); err != nil {
		return 0, 0, err
	}
	_, err = a.entries()
	bytes = heap() - before
	runtime.KeepAlive(a.fold)
	return a.report.Entries, bytes, err
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
