package reach_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
	"wardkeep/internal/reach"
	"wardkeep/internal/vault/vaulttest"
)

var (
	benchEntries  = flag.Int("entries", 1_000_000, "entries of the ledger that BenchmarkReach asks about")
	benchChildren = flag.Int("children", 1_000_000, "children whom they are about")
	benchEngine   = flag.String("engine", "sqlite", "or postgres: where TEST_POSTGRES is")
	benchLedger   = flag.Bool("ledger", true, "false: the index alone is made, in a tenth of the time, and only the questions are measured")
)

// BenchmarkReach fills a ledger with uses, puts it into the index, and asks. What the index costs
// is the ratio of the processor time of both to that of the ledger alone, which is a part of what
// a use costs: neither the gate nor a value has part in it. Each question is asked five times.
func BenchmarkReach(b *testing.B) {
	store := dbtest.New
	if *benchEngine == "postgres" {
		store = dbtest.Postgres
	}
	w := vaulttest.New(b, store(b))
	growing := grow
	if !*benchLedger {
		growing = growIndex
	}
	m := growing(b, w.Store, w.Ring, *benchEntries, *benchChildren)
	for _, q := range m.questions() {
		var took, used []time.Duration
		var answer reach.Answer
		for range 5 {
			began, busy := time.Now(), cpu()
			if err := w.Store.View(b.Context(), func(tx *db.Tx) (err error) {
				answer, err = m.x.Ask(b.Context(), tx, q.Question)
				return err
			}); err != nil {
				b.Fatal(err)
			}
			took, used = append(took, time.Since(began)), append(used, cpu()-busy)
		}
		slices.Sort(took)
		slices.Sort(used)
		b.Logf("%-28s %9d children  median %7.1f ms  longest %7.1f ms  processor %7.1f ms", q.name, answer.Children, ms(took[2]), ms(took[4]), ms(used[2]))
	}
	for b.Loop() {
	}
	if !*benchLedger {
		return
	}
	b.Logf("%d entries: the ledger %.2f µs of processor time each, the index %.2f µs: a ratio of %.3f; %.1f B of index an entry",
		m.entries, us(m.ledger)/float64(m.entries), us(m.index)/float64(m.entries), (m.ledger+m.index).Seconds()/m.ledger.Seconds(), float64(m.bytes)/float64(m.entries))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// cpu is the processor time of this process: on PostgreSQL, without the server's.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A measure is a ledger that was grown, and what that cost.
type measure struct {
	x             reach.Index
	entries       int64
	keys, persons []string
	moments       []time.Time // of a hundred stretches of the ledger
	ledger, index time.Duration
	bytes         int64
}

func newMeasure(ring *keyring.Ring) *measure {
	m := &measure{x: reach.Index{Ring: ring}}
	for range 4 {
		m.keys = append(m.keys, id.New(id.Credential))
	}
	for range 20 {
		m.persons = append(m.persons, id.New(id.Staff))
	}
	return m
}

var sets = [][]string{{"nickname"}, {"voice"}, {"weekly_score"}, {"nickname", "voice"}, {"address", "guardian_phone"}, {"grade", "nickname", "voice", "weekly_score"}}

// use draws one of so many uses.
func (m *measure) use(r *rand.Rand, done, entries int) (actor string, body gate.UseBody) {
	body = gate.UseBody{Activity: "use", Purpose: "course-progress", Items: sets[r.IntN(len(sets))], Catalog: 5, Charter: 1 + int64(5*done/entries), Age: "child"}
	actor = "app:" + m.keys[0]
	switch n := r.IntN(300); {
	case n < 60:
		actor = "app:" + m.keys[1]
	case n < 90:
		actor = "app:" + m.keys[2]
	case n < 100:
		actor = "app:" + m.keys[3]
	case n < 102:
		actor = "staff:" + m.persons[r.IntN(len(m.persons))]
	case n < 120:
		actor, body.Pull = "party:"+m.keys[3], &gate.PullBody{Role: party.Processor, Party: "acme"}
	}
	return actor, body
}

// growIndex writes the index of such uses, and a head that says that there are entries before it.
func growIndex(t testing.TB, store *db.DB, ring *keyring.Ring, entries, children int) *measure {
	t.Helper()
	const span, apart = 4096, int64(time.Millisecond / time.Microsecond)
	m, r := newMeasure(ring), rand.New(rand.NewPCG(1, 2))
	keys := make([]reach.Key, children)
	for i := range keys {
		keys[i], _ = reach.KeyOf(id.New(id.Subject))
	}
	stretches := entries / span
	began := store.Now().UnixMicro()
	for n := range stretches {
		all := make([]reach.Touch, span)
		for i := range all {
			actor, body := m.use(r, n*span+i, entries)
			all[i] = reach.Touch{Service: service, Actor: actor, Items: strings.Join(body.Items, " "), Charter: body.Charter, Child: keys[r.IntN(len(keys))]}
			if body.Pull != nil {
				all[i].Party = "processor/acme"
			}
		}
		at := began + int64(n)*apart
		if err := m.x.Put(t.Context(), store, int64(n), at, at+apart-1, all); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 101 { // at the beginnings of stretches: there are no entries that could be read
		m.moments = append(m.moments, time.UnixMicro(began+int64(stretches*i/100)*apart))
	}
	if err := store.Update(t.Context(), func(tx *db.Tx) error {
		if err := tx.Queue(t.Context(), `DELETE FROM ledger_pending`); err != nil {
			return err
		}
		return tx.Queue(t.Context(), `INSERT INTO ledger_head (id, size, root, checkpoint, at) VALUES ($1, $2, $3, '', 0)`, 1, int64(stretches*span), make([]byte, 32))
	}); err != nil {
		t.Fatal(err)
	}
	return m
}

type named struct {
	name string
	reach.Question
}

func (m *measure) questions() (all []named) {
	at := func(part int) time.Time { return m.moments[part*(len(m.moments)-1)/100] }
	for _, q := range []named{
		{"the whole service", reach.Question{By: reach.ByService}},
		{"a key of two thirds", reach.Question{By: reach.ByKey, Name: m.keys[0]}},
		{"that key, for half the time", reach.Question{By: reach.ByKey, Name: m.keys[0], From: at(27), To: at(77)}},
		{"a key of one in thirty", reach.Question{By: reach.ByKey, Name: m.keys[3]}},
		{"a person", reach.Question{By: reach.ByPerson, Name: m.persons[0]}},
		{"a processor", reach.Question{By: reach.ByProcessor, Name: "acme"}},
		{"a charter", reach.Question{By: reach.ByCharter, Name: "3"}},
		{"a hundredth of the time", reach.Question{By: reach.ByService, From: at(50), To: at(51)}},
	} {
		q.Service = service
		all = append(all, q)
	}
	return all
}

// grow writes uses of children at random until the ledger has so many entries, and indexes them.
func grow(t testing.TB, store *db.DB, ring *keyring.Ring, entries, children int) *measure {
	t.Helper()
	signer, _, err := ledger.NewSigner("wardkeep.test", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	log := ledger.Open(store, "wardkeep.test", signer)
	m := newMeasure(ring)
	subjects := make([]string, children)
	for i := range subjects {
		subjects[i] = id.New(id.Subject)
	}
	r := rand.New(rand.NewPCG(1, 2))
	use := func(ctx context.Context, tx *db.Tx, done int) error {
		actor, body := m.use(r, done, entries)
		_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: gate.KindPermitted, Service: service, Subject: subjects[r.IntN(len(subjects))], Version: 7, Actor: actor, Body: body})
		return err
	}
	stretch := max(entries/100, 1)
	for done := 0; done < entries; {
		m.moments = append(m.moments, store.Now())
		began := cpu()
		for n := min(stretch, entries-done); n > 0; n -= 1024 {
			if err := store.Update(t.Context(), func(tx *db.Tx) error {
				for range min(n, 1024) {
					if err := use(t.Context(), tx, done); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if err := log.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			done += min(n, 1024)
		}
		m.ledger += cpu() - began
		began = cpu()
		for {
			n, err := m.x.Make(t.Context(), store)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
		}
		m.index += cpu() - began
	}
	m.moments = append(m.moments, store.Now())
	err = store.View(t.Context(), func(tx *db.Tx) error {
		head, err := ledger.Head(t.Context(), tx)
		if err != nil {
			return err
		}
		m.entries = head.Size
		m.bytes, err = db.One(t.Context(), tx, db.Single[int64], `
			SELECT (SELECT coalesce(sum(length(keys)), 0) FROM reach_part) + (SELECT coalesce(sum(length(directory)), 0) FROM reach_segment)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What is measured answers: three of the shortest stretches of the product, and a part of one.
func TestArticle21_WhatIsMeasuredAnswers(t *testing.T) {
	w := vaulttest.New(t, dbtest.New(t))
	m := grow(t, w.Store, w.Ring, 3*4096+500, 300)
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		for _, q := range m.questions() {
			answer, err := m.x.Ask(ctx, tx, q.Question)
			if err != nil || answer.Children == 0 || answer.Children > 300 || q.By == reach.ByService && q.From.IsZero() && answer.Children != 300 {
				t.Errorf("%s: %+v, %v", q.name, answer, err)
			}
		}
		return nil
	})
}
