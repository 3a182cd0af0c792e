package db

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// probeEvery is how often Writable writes at most: an outage is found within
	// that time, and who asks often costs the disk nothing.
	probeEvery = 10 * time.Second
	// fullTime is how long a full disk is remembered: small writes may still find
	// room where those of callers do not.
	fullTime = time.Minute
)

// writing is what the process knows of its writes.
type writing struct {
	full atomic.Int64 // when an update found the disk full, in microseconds

	mu     sync.Mutex
	probed time.Time
	err    error // of that probe
}

// Writable returns why the store takes no writes, or nil. It writes one row, at
// most every ten seconds, and answers from that in between. A disk that an
// update found full within the last minute is ErrFull.
func (db *DB) Writable(ctx context.Context) error {
	w := &db.writing
	now := db.Now()
	if at := w.full.Load(); at != 0 && now.Sub(time.UnixMicro(at)) < fullTime {
		return ErrFull
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.probed.IsZero() && now.Sub(w.probed) < probeEvery {
		return w.err
	}
	err := db.Update(ctx, func(tx *Tx) error { return Beat(ctx, tx, "write") })
	if ctx.Err() == nil { // a caller that went away says nothing of the store
		w.probed, w.err = now, err
	}
	return err
}

// remember keeps a full disk in mind, and returns err.
func (db *DB) remember(err error) error {
	if errors.Is(err, ErrFull) {
		db.writing.full.Store(db.Now().UnixMicro())
	}
	return err
}

// Beat writes down that something succeeded at the time of tx.
func Beat(ctx context.Context, tx *Tx, name string) error {
	now := tx.Now()
	return tx.Queue(ctx, `
		INSERT INTO heartbeat (name, at) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET at = excluded.at`, name, (*Time)(&now))
}

// LastBeat returns when something last succeeded; zero: never.
func LastBeat(ctx context.Context, tx *Tx, name string) (time.Time, error) {
	at, err := One(ctx, tx, Single[Time], `SELECT at FROM heartbeat WHERE name = $1`, name)
	if errors.Is(err, ErrNone) {
		return time.Time{}, nil
	}
	return time.Time(at), err
}
