package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
)

const origin = "ledger.example/xiaoxi"

var seed = bytes.Repeat([]byte{7}, 32)

func open(t testing.TB, store *db.DB) (*Log, string) {
	t.Helper()
	signer, key, err := NewSigner(origin, seed)
	if err != nil {
		t.Fatal(err)
	}
	return Open(store, origin, signer), key
}

type body struct {
	Purpose string `json:"purpose"`
	Number  int    `json:"number"`
}

// fill appends n entries, ten to a transaction, and returns their ids.
func fill(t testing.TB, store *db.DB, n int) (ids []string) {
	t.Helper()
	for len(ids) < n {
		err := store.Update(t.Context(), func(tx *db.Tx) error {
			var made []string
			for i := range min(10, n-len(ids)) {
				entry, err := Append(t.Context(), tx, Entry{
					Kind: "consent.granted", Service: "xiaoxi", Subject: "su_" + fmt.Sprint(i), Version: int64(len(ids) + 1),
					Actor: "guardian:gu_1", Body: body{"speaking", len(ids) + i},
				})
				if err != nil {
					return err
				}
				made = append(made, entry)
			}
			ids = append(ids, made...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

func flush(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, store *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := store.View(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func mustVerify(t testing.TB, source Source, key string, size int64, earlier ...string) {
	t.Helper()
	r, err := Verify(t.Context(), source, key, earlier...)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		t.Errorf("finding: %v", f)
	}
	if r.Size != size {
		t.Errorf("size %d, want %d", r.Size, size)
	}
}

func TestInvariant12_AnEntryIsThereIffItsTransactionCommitted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		ctx := t.Context()
		l, key := open(t, store)
		no, noted := errors.New("no"), errs.New(errs.Forbidden, "gate.denied")
		var lost, denied string
		if err := store.Update(ctx, func(tx *db.Tx) (err error) {
			if lost, err = Append(ctx, tx, Entry{Kind: "use.permitted", Service: "s", Subject: "su_1"}); err != nil {
				return err
			}
			return no
		}); !errors.Is(err, no) {
			t.Fatal(err)
		}
		if err := store.Update(ctx, func(tx *db.Tx) (err error) {
			if denied, err = Append(ctx, tx, Entry{Kind: "use.denied", Service: "s", Subject: "su_1"}); err != nil {
				return err
			}
			return db.Recorded(noted)
		}); !errors.Is(err, noted) {
			t.Fatal(err)
		}
		flush(t, l)
		view(t, store, func(tx *db.Tx) error {
			if _, err := Find(ctx, tx, lost); !errors.Is(err, ErrNotFound) {
				t.Errorf("an entry of a transaction that failed: %v", err)
			}
			p, err := Find(ctx, tx, denied)
			if err != nil || p.Kind != "use.denied" || p.Place != 0 || p.ID != denied || string(p.Body) != "null" {
				t.Errorf("got %+v, %v", p, err)
			}
			return nil
		})
		mustVerify(t, FromStore(store), key, 1)
	})
}

func TestEntriesAreFoundAndReadInOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		ctx := t.Context()
		l, key := open(t, store)
		var ids []string
		for range 4 { // grow over the borders of bundles in several rounds
			ids = append(ids, fill(t, store, 205)...)
			flush(t, l)
		}
		view(t, store, func(tx *db.Tx) error {
			var read []string
			if err := Read(ctx, tx, 0, 1<<40, func(p Placed) error {
				if p.Place != int64(len(read)) {
					t.Errorf("place %d after %d", p.Place, len(read)-1)
				}
				read = append(read, p.ID)
				return nil
			}); err != nil {
				return err
			}
			if d := cmp.Diff(ids, read); d != "" {
				t.Error(d)
			}
			for i, entry := range ids {
				p, err := Find(ctx, tx, entry)
				if err != nil {
					return err
				}
				var b body
				if err := p.Into(&b); err != nil {
					return err
				}
				if p.Place != int64(i) || p.ID != entry || b.Number != i%205 || p.Actor != "guardian:gu_1" {
					t.Fatalf("at %d: %+v", i, p)
				}
				if at, ok := TimeOf(entry); !ok || !at.Equal(p.At) {
					t.Errorf("%v is not the time of %v", at, p.At)
				}
			}
			some, err := Since(ctx, tx, 250, 20)
			if err != nil || len(some) != 20 || some[0].Place != 250 || some[19].Place != 269 {
				t.Errorf("Since: %d entries, %v", len(some), err)
			}
			if none, err := Since(ctx, tx, 820, 20); err != nil || len(none) != 0 {
				t.Errorf("Since the end: %d entries, %v", len(none), err)
			}
			for _, unknown := range []string{"", "le_", "ch_00000000000000000000000000", ids[3][:28] + "0", id.New(id.Entry)} {
				if unknown == ids[3] {
					continue
				}
				if _, err := Find(ctx, tx, unknown); !errors.Is(err, ErrNotFound) {
					t.Errorf("Find(%q) = %v", unknown, err)
				}
			}
			return nil
		})
		mustVerify(t, FromStore(store), key, 820)
	})
}

// place puts a row among the pending ones as a transaction of that time would.
func place(t testing.TB, store *db.DB, at int64, kind, subject string, version int64) {
	t.Helper()
	now := store.Now
	store.Now = func() time.Time { return time.UnixMicro(at) }
	defer func() { store.Now = now }()
	if err := store.Update(t.Context(), func(tx *db.Tx) error {
		_, err := Append(t.Context(), tx, Entry{Kind: kind, Service: "s", Subject: subject, Version: version})
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func story(t testing.TB, store *db.DB) (all []string) {
	t.Helper()
	view(t, store, func(tx *db.Tx) error {
		return Read(t.Context(), tx, 0, 1<<40, func(p Placed) error {
			all = append(all, fmt.Sprintf("%s %s %d", p.Kind, p.Subject, p.Version))
			return nil
		})
	})
	return all
}

// A change that waited for its lock has an early id and a late version. It must
// not overtake, neither within a batch nor over the end of one.
func TestInvariant5_VersionsDecideNotTimes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		l, key := open(t, store)
		l.limit = 3
		place(t, store, 10, "consent.withdrawn", "su_a", 7)
		place(t, store, 11, "use.permitted", "su_a", 6)
		place(t, store, 12, "consent.granted", "su_b", 1)
		place(t, store, 13, "consent.granted", "su_c", 1)
		place(t, store, 20, "consent.granted", "su_a", 6) // beyond the batch, and first in truth
		place(t, store, 21, "use.permitted", "su_a", 7)
		place(t, store, 22, "charter.published", "", 3)
		place(t, store, 23, "service.created", "", 1)
		if n, err := l.Sequence(t.Context()); err != nil || n != 4 {
			t.Fatalf("the first round placed %d, %v; want 3 and the one that must precede them", n, err)
		}
		flush(t, l)
		want := []string{
			"consent.granted su_a 6", "use.permitted su_a 6", "consent.granted su_b 1", "consent.withdrawn su_a 7",
			"consent.granted su_c 1", "use.permitted su_a 7", "service.created  1", "charter.published  3",
		}
		if d := cmp.Diff(want, story(t, store)); d != "" {
			t.Error(d)
		}
		// What is decided before it is sent rests on a version, as a use does.
		place(t, store, 30, "bundle.released", "su_d", 2)
		place(t, store, 31, "use.permitted", "su_d", 1)
		place(t, store, 32, "bundle.withheld", "su_d", 1)
		place(t, store, 33, "consent.granted", "su_d", 2)
		flush(t, l)
		want = []string{"use.permitted su_d 1", "bundle.withheld su_d 1", "consent.granted su_d 2", "bundle.released su_d 2"}
		if d := cmp.Diff(want, story(t, store)[8:]); d != "" {
			t.Error(d)
		}
		mustVerify(t, FromStore(store), key, 12)
	})
}

// Entries of one transaction keep the order in which they were appended.
func TestEntriesOfOneTransactionKeepTheirOrder(t *testing.T) {
	store := dbtest.New(t)
	l, _ := open(t, store)
	ids := fill(t, store, 50)
	if !slices.IsSorted(ids) {
		t.Error("ids of one writer are not in order")
	}
	flush(t, l)
}

func TestInvariant12_TwoSequencersAndManyWriters(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		ctx := t.Context()
		if err := store.Update(ctx, func(tx *db.Tx) error {
			for s := range 5 {
				if err := Advance(ctx, tx, fmt.Sprint("su_", s), 0, 1); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		running, stop := context.WithCancel(ctx)
		var sequencers, writers sync.WaitGroup
		for range 2 {
			l, _ := open(t, store)
			l.limit = 16
			sequencers.Go(func() {
				for running.Err() == nil {
					if _, err := l.Sequence(ctx); err != nil && !errors.Is(err, ErrBusy) && !errors.Is(err, db.ErrLocked) {
						t.Error(err)
					}
					// Let the lease pass on at once, so that the two truly race.
					if err := store.Update(ctx, func(tx *db.Tx) error {
						return tx.Queue(ctx, `UPDATE lease SET until = $1`, rand.Int64N(2)*time.Now().UnixMicro())
					}); err != nil && !errors.Is(err, db.ErrLocked) {
						t.Error(err)
					}
				}
			})
		}
		const each = 120
		for range 8 {
			writers.Go(func() {
				for range each {
					if err := write1(ctx, store, fmt.Sprint("su_", rand.IntN(5)), rand.IntN(3) == 0); err != nil {
						t.Error(err)
					}
				}
			})
		}
		writers.Wait()
		stop()
		sequencers.Wait()
		l, key := open(t, store)
		flush(t, l)
		mustVerify(t, FromStore(store), key, 8*each)
		version := map[string]int64{}
		view(t, store, func(tx *db.Tx) error {
			return Read(ctx, tx, 0, 1<<40, func(p Placed) error {
				last := version[p.Subject]
				if last == 0 {
					last = 1
				}
				if p.Kind == "consent.granted" && p.Version != last+1 || p.Kind == "use.permitted" && p.Version != last {
					t.Errorf("place %d: %s at version %d after version %d", p.Place, p.Kind, p.Version, last)
				}
				version[p.Subject] = p.Version
				return nil
			})
		})
	})
}

// write1 is a change or a use, with the locks that family and gate take. A row
// of ledger_cursor stands for the child's.
func write1(ctx context.Context, store *db.DB, subject string, change bool) error {
	return store.Update(ctx, func(tx *db.Tx) error {
		query := `SELECT place FROM ledger_cursor WHERE name = $1` + tx.ForShare()
		kind := "use.permitted"
		if change {
			query, kind = `UPDATE ledger_cursor SET place = place + 1 WHERE name = $1 RETURNING place`, "consent.granted"
		}
		version, err := db.One(ctx, tx, db.Single[int64], query, subject)
		if err != nil {
			return err
		}
		_, err = Append(ctx, tx, Entry{Kind: kind, Service: "s", Subject: subject, Version: version})
		return err
	})
}

func TestRunPlacesWhatIsAppended(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		l, key := open(t, store)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- l.Run(ctx) }()
		ids := fill(t, store, 1500)
		deadline := time.Now().Add(20 * time.Second)
		for {
			var found error
			view(t, store, func(tx *db.Tx) error {
				_, found = Find(t.Context(), tx, ids[len(ids)-1])
				return nil
			})
			if found == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("not placed in time")
			}
			time.Sleep(10 * time.Millisecond)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		mustVerify(t, FromStore(store), key, 1500)
	})
}

func TestOnlyTheHolderOfTheLeaseSequences(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		a, _ := open(t, store)
		b, key := open(t, store)
		start := time.UnixMicro(1_800_000_000_000_000)
		store.Now = func() time.Time { return start }
		fill(t, store, 3)
		flush(t, a)
		fill(t, store, 4)
		if _, err := b.Sequence(t.Context()); !errors.Is(err, ErrBusy) {
			t.Errorf("b took a lease that a holds: %v", err)
		}
		store.Now = func() time.Time { return start.Add(3 * time.Second) }
		if n, err := b.Sequence(t.Context()); err != nil || n != 4 {
			t.Errorf("b doesn't take over: %d, %v", n, err)
		}
		store.Now = func() time.Time { return start.Add(6 * time.Second) }
		fill(t, store, 5)
		flush(t, a) // its memory is of an older head
		mustVerify(t, FromStore(store), key, 12)
	})
}

func TestADamagedLedgerIsNotBuiltUpon(t *testing.T) {
	for name, damage := range map[string]string{
		"tile":        `UPDATE ledger_tile SET hashes = $1 WHERE level = 0`,
		"bundle":      `UPDATE ledger_bundle SET entries = $1 WHERE start = 0`,
		"head":        `UPDATE ledger_head SET root = $1`,
		"no tile":     `DELETE FROM ledger_tile WHERE hashes <> $1`,
		"other size":  `UPDATE ledger_head SET size = 5 WHERE root <> $1`,
		"no bundle":   `DELETE FROM ledger_bundle WHERE entries <> $1`,
		"checkpoint":  `UPDATE ledger_head SET checkpoint = 'x' WHERE root <> $1`,
		"pending row": `UPDATE ledger_pending SET id = 'le_x' WHERE entry <> $1`,
	} {
		t.Run(name, func(t *testing.T) {
			store := dbtest.New(t)
			l, _ := open(t, store)
			fill(t, store, 9)
			flush(t, l)
			fill(t, store, 1)
			if err := store.Update(t.Context(), func(tx *db.Tx) error {
				return tx.Queue(t.Context(), damage, bytes.Repeat([]byte{1}, 9*32))
			}); err != nil {
				t.Fatal(err)
			}
			holder := l.holder
			l, _ = open(t, store)
			l.holder = holder // a restart after the lease has run out
			if _, err := l.Sequence(t.Context()); !errors.Is(err, ErrDamaged) {
				t.Errorf("Sequence = %v, want %v", err, ErrDamaged)
			}
		})
	}
}

// A backup that is put back under a running server, or a history rewritten by
// someone who has the key, must not be continued.
func TestARunningSequencerNoticesThatHistoryWasSetBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		l, _ := open(t, store)
		fill(t, store, 300)
		flush(t, l)
		wipe := func() {
			if err := store.Update(t.Context(), func(tx *db.Tx) error {
				for _, table := range []string{"ledger_head", "ledger_tile", "ledger_bundle"} {
					if err := tx.Queue(t.Context(), "DELETE FROM "+table); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		wipe()
		fill(t, store, 10)
		if _, err := l.Sequence(t.Context()); !errors.Is(err, ErrDamaged) {
			t.Errorf("set back: %v, want %v", err, ErrDamaged)
		}
		other, _ := open(t, store)
		other.holder = l.holder
		fill(t, store, 400)
		flush(t, other)
		fill(t, store, 1)
		if _, err := l.Sequence(t.Context()); !errors.Is(err, ErrDamaged) {
			t.Errorf("rewritten: %v, want %v", err, ErrDamaged)
		}
	})
}

func TestPlaceAtFindsTheFirstOfATime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		l, _ := open(t, store)
		eight := time.Date(2026, 1, 28, 8, 0, 0, 0, time.UTC)
		now := eight
		store.Now = func() time.Time { return now }
		for _, round := range []struct {
			after time.Duration
			n     int
		}{{0, 300}, {time.Hour, 300}, {2 * time.Hour, 300}, {30 * time.Minute, 1}, {3 * time.Hour, 300}} { // the one is of a clock that is behind
			now = eight.Add(round.after)
			fill(t, store, round.n)
			flush(t, l)
		}
		view(t, store, func(tx *db.Tx) error {
			for after, want := range map[time.Duration]int64{
				-time.Hour: 0, 0: 0, 1000: 300, 30 * time.Minute: 300, time.Hour: 300, 2 * time.Hour: 600,
				2*time.Hour + time.Microsecond: 901, 3 * time.Hour: 901, 3*time.Hour + time.Microsecond: 1201,
			} {
				if got, err := PlaceAt(t.Context(), tx, eight.Add(after)); err != nil || got != want {
					t.Errorf("after %v: %d, want %d (%v)", after, got, want, err)
				}
			}
			return nil
		})
	})
}

func TestPlaceAtOfNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		view(t, store, func(tx *db.Tx) error {
			if got, err := PlaceAt(t.Context(), tx, time.Now()); err != nil || got != 0 {
				t.Errorf("%d, %v", got, err)
			}
			return nil
		})
	})
}

func TestCursorMovesOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		ctx := t.Context()
		for _, step := range []struct {
			from, to int64
			want     error
		}{{0, 5, nil}, {0, 7, ErrCursorMoved}, {5, 9, nil}, {5, 8, ErrCursorMoved}} {
			err := store.Update(ctx, func(tx *db.Tx) error { return Advance(ctx, tx, "webhook", step.from, step.to) })
			if !errors.Is(err, step.want) {
				t.Errorf("from %d to %d: %v, want %v", step.from, step.to, err, step.want)
			}
		}
		view(t, store, func(tx *db.Tx) error {
			at, err := Cursor(ctx, tx, "webhook")
			new, _ := Cursor(ctx, tx, "new")
			if at != 9 || new != 0 {
				t.Errorf("cursors at %d and %d", at, new)
			}
			return err
		})
	})
}

func TestAppendRefusesWhatCanNotBePlaced(t *testing.T) {
	store := dbtest.New(t)
	for name, e := range map[string]Entry{
		"no kind":      {},
		"old version":  {Kind: "x", Version: -1},
		"too long":     {Kind: "x", Body: strings.Repeat("x", MaxEntry)},
		"not for JSON": {Kind: "x", Body: func() {}},
	} {
		err := store.Update(t.Context(), func(tx *db.Tx) error {
			_, err := Append(t.Context(), tx, e)
			return err
		})
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// The edge must give the hashes that RFC 6962 defines, at every size.
func TestRFC6962_TheEdgeHashesAsTlogDoes(t *testing.T) {
	var e edge
	var hashes []tlog.Hash
	tiles := map[node][]byte{}
	for n := range int64(66_200) {
		text := fmt.Append(nil, n)
		e.add(tlog.RecordHash(text), func(t tile) { tiles[node{t.level, t.n}] = t.hashes })
		more, err := tlog.StoredHashes(n, text, tlog.HashReaderFunc(func(at []int64) (h []tlog.Hash, err error) {
			for _, i := range at {
				h = append(h, hashes[i])
			}
			return h, nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, more...)
		if n < 1300 || n%256 < 2 || n > 65_500 && n < 65_600 {
			root, err := tlog.TreeHash(n+1, tlog.HashReaderFunc(func(at []int64) (h []tlog.Hash, err error) {
				for _, i := range at {
					h = append(h, hashes[i])
				}
				return h, nil
			}))
			if err != nil || root != e.root() {
				t.Fatalf("size %d: %v, want %v, %v", n+1, e.root(), root, err)
			}
		}
	}
	for _, p := range e.partial() {
		tiles[node{p.level, p.n}] = p.hashes
	}
	for at, got := range tiles {
		want, err := tlog.ReadTileData(tlog.Tile{H: height, L: at.level, N: at.n, W: len(got) / tlog.HashSize},
			tlog.HashReaderFunc(func(at []int64) (h []tlog.Hash, err error) {
				for _, i := range at {
					h = append(h, hashes[i])
				}
				return h, nil
			}))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("tile %v is wrong: %v", at, err)
		}
		if w := widthAt(e.size, at.level, at.n); w != len(got)/tlog.HashSize {
			t.Errorf("widthAt(%v) = %d", at, w)
		}
	}
}

func TestEveryCodeHasItsWords(t *testing.T) {
	for _, lang := range i18n.Langs {
		for _, code := range []string{
			ErrNotFound.Code, ErrOutside.Code, ErrCursorMoved.Code, ErrDamaged.Code, ErrBusy.Code,
			FoundMissing, FoundCheckpoint, FoundHead, FoundRoot, FoundEntry, FoundLength, FoundCut, FoundExtra, FoundHashes,
			FoundReplaced, FoundEither, FoundMalformed, FoundColumn, FoundStray, FoundRollback, FoundFork, FoundEarlier,
		} {
			if words := (Finding{Code: code}).In(lang); words == code || strings.Contains(words, "<no value>") {
				t.Errorf("%s in %s: %q", code, lang, words)
			}
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	store := dbtest.New(b)
	b.ReportAllocs()
	for b.Loop() {
		// Each transaction fails, so that only Append's own work counts, and a
		// statement that is queued and undone.
		store.Update(context.Background(), func(tx *db.Tx) error {
			for range 100 {
				if _, err := Append(context.Background(), tx, Entry{
					Kind: "use.permitted", Service: "xiaoxi", Subject: "su_00000000000000000000000000", Version: 12,
					Actor: "app:ak_00000000000000000000000000", Body: body{"speaking", 3},
				}); err != nil {
					b.Fatal(err)
				}
			}
			return errors.New("undo")
		})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/entry")
}

func BenchmarkEncode(b *testing.B) {
	b.ReportAllocs()
	store := dbtest.New(b)
	store.Update(context.Background(), func(tx *db.Tx) error {
		for b.Loop() {
			if _, err := encode(tx, Entry{
				Kind: "use.permitted", Service: "xiaoxi", Subject: "su_00000000000000000000000000", Version: 12,
				Actor: "app:ak_00000000000000000000000000", Body: body{"speaking", 3},
			}, "le_00000000000000000000000000"); err != nil {
				b.Fatal(err)
			}
		}
		return nil
	})
}

func BenchmarkSequence(b *testing.B) {
	for _, batch := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			store := dbtest.New(b)
			l, _ := open(b, store)
			for range b.N {
				b.StopTimer()
				fill(b, store, batch)
				b.StartTimer()
				if n, err := l.Sequence(b.Context()); err != nil || n != batch {
					b.Fatal(n, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(batch), "µs/entry")
		})
	}
}
