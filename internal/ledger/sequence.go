package ledger

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
)

// A round takes up to minBatch entries. While more than that wait, the limit
// doubles up to maxBatch, for a full round must look at all that still waits.
const (
	minBatch = 1024
	maxBatch = 4096
)

// leaseMicros is how long a sequencer may be silent before another takes over.
const leaseMicros = 2_000_000

// A Log is the sequencer of a store's ledger. Several processes may have one:
// they take turns by a lease. Only efficiency rests on the lease; what keeps
// two from giving one place twice is that the head changes by a conditional
// UPDATE in the transaction that places the entries.
type Log struct {
	store  *db.DB
	origin string
	signer note.Signer
	holder string // names this process in the lease

	mu    sync.Mutex
	right *right     // what the last round left, or nil; believed only if the head still says so
	seen  Checkpoint // the last head that this process has seen: history may only continue it
	limit int

	trouble atomic.Pointer[error] // of the last round of this process, if it failed
}

// Open returns the sequencer of the ledger in store. Nothing is read or written
// before the first round. The origin is the one that the signer was made for.
func Open(store *db.DB, origin string, signer note.Signer) *Log {
	return &Log{store: store, origin: origin, signer: signer, holder: id.Secret(16), limit: minBatch}
}

// A right is the right end of what is stored: the edge of the tree and the
// bundle that isn't full.
type right struct {
	edge  edge
	root  tlog.Hash
	last  bundle
	done  []bundle // became full in this round
	tiles []tile   // became full in this round
}

// A bundle is one row of ledger_bundle.
type bundle struct {
	start, size  int64
	minAt, maxAt int64
	entries      []byte
}

// A waiting is one row of ledger_pending.
type waiting struct {
	id      string
	at      int64
	subject string
	service string
	rank    int64
	text    []byte
}

// Sequence runs one round: it gives places to pending entries and returns how
// many. ErrBusy says that another process has the lease; ErrDamaged, that what
// is stored contradicts itself and must not be built upon.
func (l *Log) Sequence(ctx context.Context) (int, error) {
	n, _, err := l.sequence(ctx)
	return n, err
}

// Trouble returns why the last round of this process failed, or nil. That another
// process has the lease is no trouble.
func (l *Log) Trouble() error {
	if err := l.trouble.Load(); err != nil {
		return *err
	}
	return nil
}

// sequence also reports whether the round was full, so that more may wait.
func (l *Log) sequence(ctx context.Context) (placed int, full bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var next *right
	var n int
	err = l.store.Update(ctx, func(tx *db.Tx) (err error) {
		next, n, err = l.round(ctx, tx)
		return err
	})
	if !errors.Is(err, ErrBusy) {
		found := err // what is returned is written again, while others read this
		l.trouble.Store(&found)
	}
	if err != nil {
		// Nothing was written, or (a connection lost during COMMIT) all of it:
		// the next round reads which.
		l.right = nil
		return 0, false, err
	}
	l.right = next
	l.seen = Checkpoint{l.origin, next.edge.size, next.root}
	if full = n >= l.limit; full {
		l.limit = min(2*l.limit, maxBatch)
	} else {
		l.limit = minBatch
	}
	return n, full, nil
}

// round is one transaction. If we crash anywhere in it, nothing has happened:
// the entries still wait, the head still says what the tiles hold, and the next
// round does the same work again. Once it has committed, all of it has.
func (l *Log) round(ctx context.Context, tx *db.Tx) (*right, int, error) {
	if err := l.lease(ctx, tx); err != nil {
		return nil, 0, err
	}
	head, err := Head(ctx, tx)
	if err != nil {
		return nil, 0, err
	}
	r := l.right
	if r == nil || r.edge.size != head.Size || r.root != head.Root {
		if r, err = load(ctx, tx, head); err != nil {
			return nil, 0, err
		}
		if err := l.recognise(ctx, tx, head); err != nil {
			return nil, 0, err
		}
	}
	batch, err := take(ctx, tx, l.limit)
	if err != nil {
		return nil, 0, err
	}
	if len(batch) == 0 && head.Checkpoint != "" {
		return r, 0, nil
	}
	next := r.grow(order(batch))
	if err := next.write(ctx, tx); err != nil {
		return nil, 0, err
	}
	if err := l.advance(ctx, tx, head, next); err != nil {
		return nil, 0, err
	}
	next.done, next.tiles = nil, nil
	return next, len(batch), nil
}

func (l *Log) lease(ctx context.Context, tx *db.Tx) error {
	now := tx.Now().UnixMicro()
	n, err := tx.Exec(ctx, `
		INSERT INTO lease (name, holder, until) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
		WHERE lease.holder = excluded.holder OR lease.until < $4`,
		"ledger", l.holder, now+leaseMicros, now)
	if err == nil && n != 1 {
		err = ErrBusy
	}
	return err
}

// load reads the right end and compares it with the head, so that nothing is
// ever built upon a damaged ledger.
func load(ctx context.Context, tx *db.Tx, head Root) (*right, error) {
	r := &right{root: head.Root, edge: edge{size: head.Size}, last: bundle{start: head.Size - head.Size%width}}
	var tiles []tile
	var bundles []bundle
	reads := []db.Read{db.ReadInto(&bundles, scanBundle, selectBundle+` WHERE start = $1`, r.last.start)}
	for level := 0; head.Size>>(height*level) > 0; level++ {
		r.edge.tiles = append(r.edge.tiles, make([]byte, 0, width*tlog.HashSize))
		reads = append(reads, db.ReadInto(&tiles, scanTile, selectTile+` WHERE level = $1 AND n = $2`,
			level, head.Size>>(height*(level+1))))
	}
	if err := tx.Together(ctx, reads...); err != nil {
		return nil, err
	}
	for _, t := range tiles {
		r.edge.tiles[t.level] = append(r.edge.tiles[t.level], t.hashes...)
	}
	for level, t := range r.edge.tiles {
		if len(t) != tlog.HashSize*(widthAt(head.Size, level, head.Size>>(height*(level+1)))) {
			return nil, fmt.Errorf("%w: the last tile of level %d doesn't fit size %d", ErrDamaged, level, head.Size)
		}
	}
	if got := r.edge.root(); got != head.Root {
		return nil, fmt.Errorf("%w: the tiles hash to %v, the head says %v", ErrDamaged, got, head.Root)
	}
	if len(bundles) == 1 {
		r.last = bundles[0]
	}
	return r, r.last.matches(r.edge)
}

// recognise refuses a head that this key did not sign, or that doesn't continue
// what this process has seen: to build upon it would be to sign a history that
// was rewritten or set back.
func (l *Log) recognise(ctx context.Context, tx *db.Tx, head Root) error {
	if head.Size < l.seen.Size {
		return fmt.Errorf("%w: it was set back from %d entries to %d", ErrDamaged, l.seen.Size, head.Size)
	}
	if head.Checkpoint == "" {
		return nil // before the first round
	}
	// Ed25519 is deterministic: what we would sign is what we have signed.
	if ours, err := sign(l.origin, head.Size, head.Root, l.signer); err != nil || ours != head.Checkpoint {
		return errors.Join(err, fmt.Errorf("%w: the checkpoint was not signed with this key", ErrDamaged))
	}
	if l.seen.Size == 0 {
		return nil
	}
	if root, err := RootAt(ctx, tx, l.seen.Size); err != nil || root != l.seen.Root {
		return errors.Join(err, fmt.Errorf("%w: its first %d entries are not those of before", ErrDamaged, l.seen.Size))
	}
	return nil
}

// matches compares the bundle that isn't full with the last tile of level 0.
func (b bundle) matches(e edge) error {
	entries, err := frames(b.entries)
	if err != nil {
		return err
	}
	var hashes []byte
	for _, entry := range entries {
		h := tlog.RecordHash(entry)
		hashes = append(hashes, h[:]...)
	}
	var want []byte
	if len(e.tiles) > 0 {
		want = e.tiles[0]
	}
	if int64(len(entries)) != b.size || !bytes.Equal(hashes, want) {
		return fmt.Errorf("%w: the last bundle doesn't hold the entries of the last tile", ErrDamaged)
	}
	return nil
}

// take removes up to limit pending entries by id and, if more wait, also those
// among them that must come before one that was taken (see the package doc).
// That a change waited for a lock makes it younger than its id says, so ids
// alone don't tell.
func take(ctx context.Context, tx *db.Tx, limit int) ([]waiting, error) {
	batch, err := db.All(ctx, tx, scanWaiting, `
		DELETE FROM ledger_pending
		WHERE id IN (SELECT id FROM ledger_pending ORDER BY id LIMIT $1)
		RETURNING id, subject, service, version, entry`, limit)
	if err != nil || len(batch) < limit {
		return batch, err
	}
	latest := make(map[key]int64, len(batch))
	for _, w := range batch {
		latest[w.key()] = max(latest[w.key()], w.rank)
	}
	var left []string
	err = db.Each(ctx, tx, func(row db.Row) error {
		var w waiting
		if err := row.Scan(&w.id, &w.subject, &w.service, &w.rank); err != nil {
			return err
		}
		if rank, ok := latest[w.key()]; ok && w.rank < rank {
			left = append(left, w.id)
		}
		return nil
	}, `SELECT id, subject, service, version FROM ledger_pending`)
	if err != nil {
		return nil, err
	}
	for _, entry := range left {
		w, err := db.One(ctx, tx, scanWaiting, `
			DELETE FROM ledger_pending WHERE id = $1
			RETURNING id, subject, service, version, entry`, entry)
		if err != nil {
			return nil, err
		}
		batch = append(batch, w)
	}
	return batch, nil
}

func scanWaiting(row db.Row) (w waiting, err error) {
	if err := row.Scan(&w.id, &w.subject, &w.service, &w.rank, &w.text); err != nil {
		return w, err
	}
	var ok bool
	if w.at, ok = timeOf(w.id); !ok || len(w.text) > MaxEntry {
		return w, fmt.Errorf("%w: a pending entry has no id, or is too long", ErrDamaged)
	}
	return w, nil
}

// A key is whose versions count: a child's or, for entries without one, the
// service's.
type key struct{ subject, service string }

func (w waiting) key() key {
	if w.subject != "" {
		return key{subject: w.subject}
	}
	return key{service: w.service}
}

// order sorts a batch by id, then puts the entries of each subject into the
// order of their versions, within the places that the subject's entries have.
func order(batch []waiting) []waiting {
	byID := func(a, b waiting) int { return strings.Compare(a.id, b.id) }
	slices.SortFunc(batch, byID)
	places := make(map[key][]int, len(batch))
	for i, w := range batch {
		places[w.key()] = append(places[w.key()], i)
	}
	for _, at := range places {
		if slices.IsSortedFunc(at, func(a, b int) int { return cmp.Compare(batch[a].rank, batch[b].rank) }) {
			continue
		}
		own := make([]waiting, len(at))
		for i, p := range at {
			own[i] = batch[p]
		}
		slices.SortStableFunc(own, func(a, b waiting) int { return cmp.Compare(a.rank, b.rank) })
		for i, p := range at {
			batch[p] = own[i]
		}
	}
	return batch
}

// grow returns r with the batch behind it. It leaves r as it is: the
// transaction may fail, or run again.
func (r *right) grow(batch []waiting) *right {
	next := &right{edge: r.edge.clone(), last: r.last}
	next.last.entries = slices.Clone(r.last.entries)
	for _, w := range batch {
		b := &next.last
		if b.size == 0 {
			b.minAt, b.maxAt = w.at, w.at
		}
		b.minAt, b.maxAt = min(b.minAt, w.at), max(b.maxAt, w.at)
		b.entries = appendFrame(b.entries, w.text)
		b.size++
		next.edge.add(tlog.RecordHash(w.text), func(t tile) { next.tiles = append(next.tiles, t) })
		if b.size == width {
			next.done = append(next.done, *b)
			next.last = bundle{start: b.start + width}
		}
	}
	next.root = next.edge.root()
	return next
}

// write stores what is new since the last round. None of it counts before the
// head does.
func (r *right) write(ctx context.Context, tx *db.Tx) error {
	bundles := slices.Clip(r.done)
	if r.last.size > 0 {
		bundles = append(bundles, r.last)
	}
	for _, b := range bundles {
		if err := tx.Queue(ctx, `
			INSERT INTO ledger_bundle (start, size, min_at, max_at, entries) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (start) DO UPDATE SET size = excluded.size,
				min_at = excluded.min_at, max_at = excluded.max_at, entries = excluded.entries`,
			b.start, b.size, b.minAt, b.maxAt, b.entries); err != nil {
			return err
		}
	}
	tiles := slices.Clip(r.tiles)
	for _, t := range r.edge.partial() {
		// A level has grown only if a tile of the level below became full.
		if t.level == 0 || slices.ContainsFunc(r.tiles, func(full tile) bool { return full.level == t.level-1 }) {
			tiles = append(tiles, t)
		}
	}
	for _, t := range tiles {
		if err := tx.Queue(ctx, `
			INSERT INTO ledger_tile (level, n, hashes) VALUES ($1, $2, $3)
			ON CONFLICT (level, n) DO UPDATE SET hashes = excluded.hashes`,
			t.level, t.n, t.hashes); err != nil {
			return err
		}
	}
	return nil
}

// advance signs the new tree and moves the head to it, if nobody else has
// moved it since it was read.
func (l *Log) advance(ctx context.Context, tx *db.Tx, head Root, next *right) error {
	checkpoint, err := sign(l.origin, next.edge.size, next.root, l.signer)
	if err != nil {
		return err
	}
	var n int64
	if head.Checkpoint == "" {
		n, err = tx.Exec(ctx, `
			INSERT INTO ledger_head (id, size, root, checkpoint, at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (id) DO NOTHING`,
			1, next.edge.size, next.root[:], checkpoint, tx.Now().UnixMicro())
	} else {
		n, err = tx.Exec(ctx, `
			UPDATE ledger_head SET size = $1, root = $2, checkpoint = $3, at = $4
			WHERE id = $5 AND size = $6`,
			next.edge.size, next.root[:], checkpoint, tx.Now().UnixMicro(), 1, head.Size)
	}
	if err == nil && n != 1 {
		err = ErrBusy
	}
	return err
}

// Flush sequences until nothing waits. It is for tests, and for commands that
// end when their entries have their places.
func (l *Log) Flush(ctx context.Context) error {
	for {
		n, err := l.Sequence(ctx)
		if errors.Is(err, ErrBusy) {
			if err := pause(ctx, busyWait); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
	}
}
