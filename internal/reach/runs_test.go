package reach

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/vault/vaulttest"
)

// What is read eight bytes at a time is what is read one by one.
func TestArticle21_NumbersAreReadAsTheyWereWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		n := r.Uint64() >> r.IntN(64)
		text := binary.AppendUvarint(nil, n)
		for range r.IntN(9) {
			text = append(text, byte(r.Uint32()))
		}
		want, length := binary.Uvarint(text)
		if got, read := varint(text); got != want || read != length || want != n {
			t.Fatalf("%x: %d of %d bytes, not %d of %d", text, got, read, want, length)
		}
	}
	for range 20_000 { // and so is what nobody wrote
		text := binary.LittleEndian.AppendUint64(nil, r.Uint64()|r.Uint64()|r.Uint64())
		text = append(text, byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()))
		want, length := binary.Uvarint(text)
		if got, read := varint(text); got != want || read != length {
			t.Fatalf("%x: %d of %d bytes, not %d of %d", text, got, read, want, length)
		}
	}
}

// Who is in several stretches is counted once, with all items, however many parts and windows that
// takes, and into however many parts of the pseudonyms it is divided.
func TestArticle21_EachIsCountedOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		w := vaulttest.New(t, store)
		x, r := Index{Ring: w.Ring, Span: 30_000}, rand.New(rand.NewPCG(3, 4))
		children := make([]Key, 25_000)
		for i := range children {
			children[i] = Key(r.Uint64()) % keysEnd
		}
		children[0], children[1] = 0, keysEnd-1
		want := make(map[Key]string)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			for n := range int64(3) {
				s := newSorter()
				for i := range int(x.Span) {
					items, child := []string{"nickname", "voice", "address voice"}[r.IntN(3)], children[r.IntN(len(children))]
					if i < 2 {
						child = children[i]
					}
					of := shape{Service: vaulttest.Service, Charter: 1, Actor: "app:" + string('a'+rune(r.IntN(2))), Items: items}
					s.keys[of] = append(s.keys[of], child)
					want[child] = inOrder(append(strings.Fields(want[child]), strings.Fields(items)...))
				}
				sheet, err := s.sheet(n)
				for i, text := range sheet.parts {
					err = errors.Join(err, putPart(ctx, tx, 0, n, int64(i), text))
				}
				if err = errors.Join(err, x.put(ctx, tx, sheet.segment)); err != nil {
					return err
				}
			}
			return tx.Queue(ctx, `INSERT INTO ledger_head (id, size, root, checkpoint, at) VALUES ($1, $2, $3, '', 0)`, 1, 3*x.Span, make([]byte, 32))
		})
		counts := make(map[string]int64)
		for _, items := range want {
			counts[items]++
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			for parts := range 4 {
				a, err := x.ask(ctx, tx, Question{Service: vaulttest.Service, By: ByService}, 0)
				if err != nil {
					return err
				}
				got := make(map[string]int64)
				if err := a.apart(ctx, tx, parts, func(n int64, items []string) { got[strings.Join(items, " ")] += n }); err != nil {
					return err
				}
				if maps.DeleteFunc(got, func(_ string, n int64) bool { return n == 0 }); !maps.Equal(got, counts) {
					t.Errorf("in %d parts: %v, not %v", parts, got, counts)
				}
			}
			var all []Key
			for from, more := Key(0), true; more; {
				page, err := x.Find(ctx, tx, Question{Service: vaulttest.Service, By: ByService}, from, 9_000)
				if err != nil {
					return err
				}
				if all = append(all, from); int(page.Gone) != min(9_000, len(want)-9_000*(len(all)-1)) || page.More && page.Next <= from {
					t.Errorf("from %d: %d, %+v", from, page.Gone, page.Next)
				}
				from, more = page.Next, page.More
			}
			keys := slices.Sorted(maps.Keys(want))
			for i, from := range all[1:] {
				if from != keys[9_000*(i+1)] {
					t.Errorf("page %d begins with %d", i, from)
				}
			}
			return nil
		})
	})
}
