package order_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/replay"
	"wardkeep/internal/retention"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault/vaulttest"
)

const day = 24 * time.Hour

// each runs fn in worlds in which a processor works for two purposes, and a recipient
// gets something for one of them.
func each(t *testing.T, fn func(t *testing.T, w *world)) {
	vaulttest.Each(t, func(t *testing.T, v *vaulttest.World) {
		w := &world{World: v}
		v.Vault.Calendar = workday.Default()
		c := *v.Charter
		c.Processors = slices.Clone(c.Processors)
		c.Processors[0].Items = append(slices.Clone(c.Processors[0].Items), "nickname")
		c.Recipients = []charter.Recipient{{
			Name: "museum", Label: words("少年宫"), Contact: "museum.example", Country: "CN", Why: words("办展览"), Items: []string{"nickname"},
		}}
		c.Purposes = slices.Clone(c.Purposes)
		for i, p := range c.Purposes {
			switch p.Name {
			case "course-progress":
				c.Purposes[i].Processors = []string{processor}
				c.Purposes[i].Activities = append(slices.Clone(p.Activities), charter.Entrust)
			case "speaking-practice":
				c.Purposes[i].Recipients = []string{recipient}
				c.Purposes[i].Items = append(slices.Clone(p.Items), "nickname")
				c.Purposes[i].Activities = append(slices.Clone(p.Activities), charter.Transfer)
			}
		}
		v.Publish(&c)
		fn(t, w)
		report, err := replay.Audit(t.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
		if err != nil || !report.OK() {
			t.Errorf("%v, %v", report.Differences, err)
		}
	})
}

const (
	processor = "yuping-assessment"
	recipient = "museum"
)

func words(zh string) charter.Words { return charter.Words{ZH: zh, EN: "Museum"} }

type world struct{ *vaulttest.World }

func (w *world) book() order.Book {
	return order.Book{Ring: w.Ring, Charters: w.Desk.Charters, Calendar: workday.Default()}
}

func (w *world) list(state order.State) (all []order.Order) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		all, err = order.List(ctx, tx, vaulttest.Service, state, "", 100)
		return err
	})
	return all
}

// said is what the open orders say, in the order of their text.
func (w *world) said() (all []string) {
	w.T.Helper()
	for _, o := range w.list(order.IsOpen) {
		all = append(all, string(o.Role)+" "+o.Party+" "+string(o.What)+" "+strings.Join(o.Items, ","))
	}
	slices.Sort(all)
	return all
}

func (w *world) attest(o order.Order, party string) error {
	return w.Try(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := w.book().Attest(ctx, tx, w.App, vaulttest.Service, o.ID, party, "")
		return err
	})
}

func (w *world) attestAll() {
	w.T.Helper()
	for _, o := range w.list(order.IsOpen) {
		if err := w.attest(o, o.Party); err != nil {
			w.T.Fatal(err)
		}
	}
}

func (w *world) erase(c family.Child) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		_, err := w.Vault.Erase(ctx, tx, w.App.Ledger(), c.Service, c.ID, family.UseEnded)
		return err
	})
}

func (w *world) withdraw(c family.Child, purpose string) {
	w.T.Helper()
	g := w.Guardian(c)
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		if _, err := w.Desk.Withdraw(ctx, tx, g, c, purpose); err != nil {
			return err
		}
		_, err := w.Vault.EraseUnfounded(ctx, tx, g.Ledger(), c.Service, c.ID)
		return err
	})
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// Article 16 (2): at an erasure every party that may have something of the child is
// told to delete it, in the transaction that erases, whatever was really handed over;
// one for whose purposes nobody has agreed is not.
func TestArticle16_AnErasureIsOrderedFromEveryPartyThatMayHaveSomething(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		unasked, _ := w.Enrol()
		w.erase(unasked)
		same(t, "nobody agreed", w.said())
		c := w.Child()
		w.erase(c)
		same(t, "agreed to all", w.said(), "processor "+processor+" delete gender,nickname,voice", "recipient "+recipient+" delete nickname")
		for _, o := range w.list(order.IsOpen) {
			if due, _ := workday.Default().Add(o.IssuedAt, order.Term); !o.DueAt.Equal(due) {
				t.Errorf("due %v, want %v", o.DueAt, due)
			}
		}
	})
}

// Edge case 13: a withdrawal is ordered in its own transaction, once; what the party
// needs for another purpose it stops using for this one.
func TestEdgeCase13_AWithdrawalIsOrderedOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		w.withdraw(c, "speaking-practice")
		want := []string{"processor " + processor + " delete gender,voice", "processor " + processor + " stop nickname", "recipient " + recipient + " delete nickname"}
		same(t, "of one purpose", w.said(), want...)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.EraseUnfounded(ctx, tx, w.App.Ledger(), c.Service, c.ID)
			return err
		})
		same(t, "looked at again", w.said(), want...)
		for _, o := range w.list(order.IsOpen) {
			same(t, "purposes", o.Purposes, "speaking-practice")
			if o.Child != c.ID {
				t.Error("the order doesn't say whose")
			}
		}
		w.attestAll()
		w.withdraw(c, "course-progress")
		same(t, "of the other", w.said(), "processor "+processor+" delete nickname")
	})
}

// Articles 19 and 20: a value that is corrected or deleted alone is corrected or
// deleted by who may have it.
func TestArticle19_ACorrectionReachesProcessorsAndRecipients(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		g := w.Guardian(c)
		w.Put(c, "course-progress", "nickname", "小溪")
		w.Put(c, "course-progress", "weekly_score", "77")
		desk := rights.Desk{Ring: w.Ring, Charters: w.Desk.Charters, Calendar: workday.Default()}
		demand := func(kind rights.Kind, item string) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				r, _, err := w.Vault.Demand(ctx, tx, desk, g, c, rights.Demand{Kind: kind, Door: rights.ByGuardian, Guardian: g.ID, Item: item})
				if err != nil || r.State == rights.Done {
					return err
				}
				_, _, err = desk.Finish(ctx, tx, w.App, r, pii.Text{})
				return err
			})
		}
		demand(rights.Correct, "weekly_score")
		same(t, "nobody else has it", w.said())
		demand(rights.Correct, "nickname")
		same(t, "corrected", w.said(), "processor "+processor+" correct nickname", "recipient "+recipient+" correct nickname")
		w.attestAll()
		demand(rights.DeleteItem, "nickname")
		same(t, "deleted", w.said(), "processor "+processor+" delete nickname", "recipient "+recipient+" delete nickname")
	})
}

// Edge case 13: who hasn't attested in time gets nothing new, of any child, until it
// has attested all that is overdue; and it is told once.
func TestEdgeCase13_WhoIsOverdueGetsNothingNew(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		one, other, child := w.Child(), w.Child(), w.Child()
		w.Put(child, "speaking-practice", "voice", "AAAA")
		denied := func() bool {
			t.Helper()
			err := w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := w.Vault.Open(ctx, tx, w.By(), gate.Use{Service: vaulttest.Service, Child: child.ID, Activity: charter.Entrust,
					Purpose: "speaking-practice", Party: processor, Items: []string{"voice"}}, nil)
				return err
			})
			d, ok := errors.AsType[*gate.Denied](err)
			if !ok {
				t.Fatal(err)
			}
			return slices.ContainsFunc(d.Reasons, func(r gate.Denial) bool { return r.Code == "gate.orders_overdue" && r.Article == "16" })
		}
		sweep := func(want int) {
			t.Helper()
			if done, err := retention.Sweep(t.Context(), w.Store, w.Vault); err != nil || done.Overdue != want {
				t.Errorf("overdue %d, want %d, %v", done.Overdue, want, err)
			}
		}
		w.erase(one)
		w.erase(other)
		due := w.list(order.IsOpen)[0].DueAt
		w.Pass(due.Sub(w.Store.Now()) - time.Hour)
		sweep(0)
		if denied() {
			t.Error("denied before the day is over")
		}
		w.Pass(2 * time.Hour)
		sweep(4)
		sweep(0)
		if !denied() {
			t.Error("who is overdue gets something new")
		}
		if late := w.list(order.IsOverdue); len(late) != 4 {
			t.Errorf("%d are overdue", len(late))
		}
		for i, o := range w.list(order.IsOverdue) {
			if o.Party != processor {
				continue
			}
			if err := w.attest(o, processor); err != nil {
				t.Error(i, err)
			}
			left := slices.ContainsFunc(w.list(order.IsOverdue), func(o order.Order) bool { return o.Party == processor })
			if denied() != left {
				t.Errorf("denied %v, and something is left: %v", !left, left)
			}
		}
	})
}

// Edge case 13: an order of which it can't be recorded that it is overdue is told as an
// error, and holds up no other.
func TestEdgeCase13_AnOrderThatFailsHoldsUpNoOther(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.erase(w.Child())
		w.erase(w.Child())
		first := w.list(order.IsOpen)[0]
		w.Pass(first.DueAt.Sub(w.Store.Now()) + time.Hour)
		move := func(from, to string) {
			t.Helper()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE party_order SET service = $1 WHERE service = $2 AND id = $3`, to, from, first.ID)
				return err
			})
		}
		move(vaulttest.Service, "nowhere")
		if done, err := retention.Sweep(t.Context(), w.Store, w.Vault); !errors.Is(err, catalog.ErrNotFound) || done.Overdue != 3 {
			t.Errorf("%d of 3 are recorded, %v", done.Overdue, err)
		}
		move("nowhere", vaulttest.Service)
		if done, err := retention.Sweep(t.Context(), w.Store, w.Vault); err != nil || done.Overdue != 1 || len(w.list(order.IsOverdue)) != 4 {
			t.Errorf("%d, %v", done.Overdue, err)
		}
	})
}

// Invariant 6: what a party has written isn't in the ledger, nor anything that shows which
// orders it covers. The ledger has a mark, which whoever has the paper and the salt proves.
func TestInvariant6_NothingOfAnAttestationIsInTheLedger(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		document := strings.Repeat("0f", 32)
		w.erase(w.Child())
		w.erase(w.Child())
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.book().AttestOf(ctx, tx, w.Officer, vaulttest.Service, processor, document, tx.Now(), order.Order{}, 10)
			return err
		})
		done, marks := w.list(order.IsAttested), make(map[string]bool)
		for _, o := range done {
			guessed := order.Order{ID: o.ID, Document: document}
			if o.Document != document || guessed.Mark() == o.Mark() {
				t.Errorf("%+v", o)
			}
			marks[o.Mark()] = true
		}
		told := 0
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			return db.Each(ctx, tx, func(row db.Row) error {
				var entry []byte
				if err := row.Scan(&entry); err != nil {
					return err
				}
				var e struct {
					Kind string
					Body struct{ Mark string }
				}
				if err := json.Unmarshal(entry, &e); err != nil {
					return err
				}
				if strings.Contains(string(entry), document) {
					t.Errorf("%s: the ledger has a hash of the document", e.Kind)
				}
				if e.Kind == order.KindAttested && marks[e.Body.Mark] {
					told++
				}
				return nil
			}, `SELECT entry FROM ledger_pending ORDER BY id`)
		})
		if len(done) != 2 || len(marks) != 2 || told != 2 {
			t.Errorf("%d orders, %d marks, %d in the ledger", len(done), len(marks), told)
		}
	})
}

// Edge case 16: an order is told for as long as it is open, also when the 72 hours of the
// trace are over; then nothing leads to the child.
func TestEdgeCase16_AnAttestedOrderLeadsToNobody(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		w.erase(c)
		w.Pass(5 * day)
		if _, err := retention.Sweep(t.Context(), w.Store, w.Vault); err != nil {
			t.Fatal(err)
		}
		for _, o := range w.list(order.IsOpen) {
			whose := func() (child family.ID, err error) {
				err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
					child, err = order.ChildOf(ctx, tx, w.Ring, vaulttest.Service, o.ID)
					return err
				})
				return child, err
			}
			if child, err := whose(); child != c.ID || err != nil || o.Child != "" {
				t.Errorf("while it is open: %v, in plain: %v, %v", child == c.ID, o.Child != "", err)
			}
			if err := w.attest(o, o.Party); err != nil {
				t.Fatal(err)
			}
			if _, err := whose(); !errors.Is(err, order.ErrNotFound) {
				t.Errorf("after the attestation: %v", err)
			}
		}
	})
}

// Nobody attests for another party or another service, twice, or what isn't there.
func TestArticle16_WhatIsNoAttestation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.erase(w.Child())
		o := w.list(order.IsOpen)[0]
		other := recipient
		if o.Party == recipient {
			other = processor
		}
		weak := w.App
		weak.Scopes, _ = account.NewScopes(account.ItemsRead)
		abroad := w.App
		abroad.Service = "another"
		attest := func(by family.Actor, service, id, party, document string) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := w.book().Attest(ctx, tx, by, service, id, party, document)
				return err
			})
		}
		for name, c := range map[string]struct{ is, want error }{
			"another party":       {attest(w.App, o.Service, o.ID, other, ""), order.ErrParty},
			"no party":            {attest(w.App, o.Service, o.ID, "", ""), order.ErrParty},
			"another service":     {attest(abroad, "another", o.ID, o.Party, ""), order.ErrNotFound},
			"another one's app":   {attest(abroad, o.Service, o.ID, o.Party, ""), order.ErrMayNot},
			"a key without scope": {attest(weak, o.Service, o.ID, o.Party, ""), order.ErrMayNot},
			"a guardian":          {attest(family.Guardian{}, o.Service, o.ID, o.Party, ""), order.ErrMayNot},
			"an unknown order":    {attest(w.App, o.Service, "or_"+strings.Repeat("0", 26), o.Party, ""), order.ErrNotFound},
			"no order":            {attest(w.App, o.Service, "x\x00", o.Party, ""), order.ErrNotFound},
			"no hash":             {attest(w.App, o.Service, o.ID, o.Party, "ab"), order.ErrDocument},
		} {
			if !errors.Is(c.is, c.want) {
				t.Errorf("%s: %v", name, c.is)
			}
		}
		if err := attest(w.Officer, o.Service, o.ID, o.Party, strings.Repeat("AB", 32)); err != nil {
			t.Fatal(err)
		}
		if err := attest(w.App, o.Service, o.ID, o.Party, ""); !errors.Is(err, order.ErrTwice) {
			t.Errorf("twice: %v", err)
		}
		for _, done := range w.list(order.IsAttested) {
			if done.Document != strings.Repeat("ab", 32) || done.AttestedBy != w.Officer.Ledger() {
				t.Errorf("%+v", done)
			}
		}
	})
}

// However many there are, each is listed once, page by page, and whoever attests some
// between two pages misses none.
func TestArticle16_OrdersAreFoundPageByPage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const children = 3 // with orders of the same moment
		for range children {
			w.erase(w.Child())
		}
		open := w.list(order.IsOpen)
		pages := func(state order.State, size int, between func(order.Order)) (ids []string) {
			t.Helper()
			after := ""
			for {
				var page []order.Order
				w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
					page, err = order.List(ctx, tx, vaulttest.Service, state, after, size)
					return err
				})
				if len(page) == 0 {
					return ids
				}
				for _, o := range page {
					ids = append(ids, o.ID)
				}
				after = page[len(page)-1].ID
				between(page[len(page)-1])
			}
		}
		nothing := func(order.Order) {}
		ids := func(all []order.Order) (ids []string) {
			for _, o := range all {
				ids = append(ids, o.ID)
			}
			return ids
		}
		if all := pages(order.IsOpen, 2, nothing); len(open) < children || !slices.Equal(all, ids(open)) {
			t.Errorf("%v of %d", all, len(open))
		}
		w.Pass(open[len(open)-1].DueAt.Sub(w.Store.Now()) + time.Minute)
		if _, err := retention.Sweep(t.Context(), w.Store, w.Vault); err != nil {
			t.Fatal(err)
		}
		if all := pages(order.IsOverdue, 2, nothing); !slices.Equal(all, ids(open)) {
			t.Errorf("overdue: %v of %d", all, len(open))
		}
		attest := func(o order.Order) {
			if err := w.attest(o, o.Party); err != nil {
				t.Error(err)
			}
		}
		if all := pages(order.IsOpen, 1, attest); !slices.Equal(all, ids(open)) {
			t.Errorf("while they are attested: %v of %d", all, len(open))
		}
		if all := pages(order.IsAttested, 2, nothing); !slices.Equal(all, ids(w.list(order.IsAttested))) || len(all) != len(open) {
			t.Errorf("attested: %v of %d", all, len(open))
		}
		for _, after := range []string{"or_nothing", open[0].ID + "x", "王小美"} {
			err := w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := order.List(ctx, tx, vaulttest.Service, order.IsOpen, after, 2)
				return err
			})
			if !errors.Is(err, order.ErrNotFound) {
				t.Errorf("%s: %v", after, err)
			}
		}
		err := w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := order.List(ctx, tx, "another", order.IsOpen, open[0].ID, 2)
			return err
		})
		if !errors.Is(err, order.ErrNotFound) {
			t.Errorf("another service's: %v", err)
		}
	})
}

// Where one document covers several orders of a party, each is attested by itself: those
// that are open, of that party alone, and issued by the document's day.
func TestArticle16_OneDocumentAttestsSeveral(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		document := strings.Repeat("0f", 32)
		for range 3 {
			w.erase(w.Child())
		}
		until := w.Store.Now()
		w.Pass(time.Hour)
		w.erase(w.Child())
		of := func(party string) (n int) {
			for _, o := range w.list(order.IsOpen) {
				if o.Party == party {
					n++
				}
			}
			return n
		}
		others := of(recipient)
		take := func(by family.Actor, party, document string, after order.Order, limit int) (done []order.Order, err error) {
			err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
				done, err = w.book().AttestOf(ctx, tx, by, vaulttest.Service, party, document, until, after, limit)
				return err
			})
			return done, err
		}
		for what, c := range map[string]struct {
			by       family.Actor
			document string
			want     error
		}{
			"no document":    {w.Officer, "", order.ErrBare},
			"no hash":        {w.Officer, "x", order.ErrDocument},
			"nobody's place": {account.App{Service: vaulttest.Service}, document, order.ErrMayNot},
		} {
			if _, err := take(c.by, processor, c.document, order.Order{}, 10); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if done, err := take(w.Officer, "somebody", document, order.Order{}, 10); err != nil || len(done) != 0 {
			t.Errorf("of nobody: %v, %v", done, err)
		}
		first, err := take(w.Officer, processor, document, order.Order{}, 2)
		if err != nil || len(first) != 2 {
			t.Fatalf("%v, %v", first, err)
		}
		rest, err := take(w.Officer, processor, document, first[1], 2)
		if err != nil || len(rest) != 1 || of(processor) != 1 || of(recipient) != others || others == 0 {
			t.Fatalf("%v, %v; %d open, %d of the other party", rest, err, of(processor), of(recipient))
		}
		entries := make(map[string]bool)
		for _, o := range append(first, rest...) {
			if o.Party != processor || o.Open() || o.Document != document || o.AttestedBy != w.Officer.Ledger() || !strings.HasPrefix(o.Attested, "le_") {
				t.Errorf("%+v", o)
			}
			entries[o.Attested] = true
		}
		if len(entries) != 3 {
			t.Errorf("%d entries of the ledger for three orders", len(entries))
		}
	})
}

// Of two that attest all of a party at once neither fails, and each order is attested once.
func TestArticle16_TwoMayAttestAllAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for range 4 {
			w.erase(w.Child())
		}
		until := w.Store.Now()
		var wait sync.WaitGroup
		var count atomic.Int64
		for range 4 {
			wait.Go(func() {
				var done []order.Order
				err := w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
					done, err = w.book().AttestOf(ctx, tx, w.Officer, vaulttest.Service, processor, strings.Repeat("0f", 32), until, order.Order{}, 10)
					return err
				})
				if err != nil {
					t.Error(err)
				}
				count.Add(int64(len(done)))
			})
		}
		wait.Wait()
		if n := count.Load(); n != 4 {
			t.Errorf("%d attested, want 4", n)
		}
	})
}

// Article 16: a party is reminded of what it hasn't attested at half of its time, and a day
// before that is over, once each, whatever the sweep was late with; of what it has attested, or
// of what is overdue, nobody reminds it.
func TestArticle16_APartyIsRemindedOfItsOrders(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.erase(w.Child())
		open := func() []order.Order { return w.list(order.IsOpen) }
		sweep := func(want int) {
			t.Helper()
			done, err := retention.Sweep(t.Context(), w.Store, w.Vault)
			if err != nil || done.Reminded != want {
				t.Errorf("reminded of %d, want %d; %v", done.Reminded, want, err)
			}
		}
		all := open()
		if len(all) < 2 {
			t.Fatalf("%d orders", len(all))
		}
		o, n := all[0], len(all)
		sweep(0)
		if half := o.IssuedAt.Add(o.DueAt.Sub(o.IssuedAt) / 2); o.RemindAt.Sub(half).Abs() > time.Millisecond {
			t.Errorf("first at %s, of %s to %s", o.RemindAt, o.IssuedAt, o.DueAt)
		}
		w.Pass(o.RemindAt.Sub(w.Store.Now()) + time.Second)
		sweep(n)
		sweep(0) // once
		if err := w.attest(all[1], all[1].Party); err != nil {
			t.Fatal(err)
		}
		w.Pass(o.DueAt.Add(-day).Sub(w.Store.Now()) + time.Second)
		sweep(n - 1) // but for what was attested
		sweep(0)
		if left := open(); len(left) != n-1 || left[0].Reminded != 2 || !left[0].RemindAt.IsZero() {
			t.Errorf("%+v", left)
		}
		// After a long stop one is left out, and of what is overdue nobody is reminded.
		w.erase(w.Child())
		late := open()
		w.Pass(late[len(late)-1].DueAt.Add(-time.Hour).Sub(w.Store.Now()))
		sweep(n)
		sweep(0)
		w.erase(w.Child())
		w.Pass(60 * day)
		sweep(0)
	})
}

// What a page is narrowed to is what is on it, from its beginning to its end, in whatever
// order the rows came, and a party's numbers are those of its list.
func TestArticle16_OrdersAreNarrowedPageByPage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for range 6 {
			w.erase(w.Child())
			w.Pass(day)
		}
		w.withdraw(w.Child(), "course-progress")
		all := w.list(order.IsOpen)
		for i, o := range all {
			if i%3 == 0 {
				if err := w.attest(o, o.Party); err != nil {
					t.Fatal(err)
				}
			}
		}
		now := all[len(all)/2].DueAt // some are past their day, and nobody has looked yet
		w.Pass(now.Sub(w.Store.Now()))
		all = append(w.list(order.IsOpen), w.list(order.IsAttested)...)
		for _, state := range []order.State{"", order.IsOpen, order.IsOverdue, order.IsAttested} {
			for _, want := range []order.Wanted{{}, {Party: processor}, {Party: recipient, Role: order.Recipient}, {Party: recipient, Role: order.Processor}, {Role: order.Recipient}, {What: order.Stop},
				{What: order.Delete, Party: processor}, {DueBy: now}, {DueBy: now, Party: recipient}, {DueBy: now.Add(-day), Role: order.Processor}} {
				want.State = state
				var ids []string
				w.Do(func(ctx context.Context, tx *db.Tx) error {
					ids = nil
					for from := (db.Cursor{}); ; {
						page, next, err := order.Page(ctx, tx, []string{vaulttest.Service, "another"}, want, from, 2)
						if err != nil {
							return err
						}
						for _, o := range page {
							ids = append(ids, o.ID)
						}
						if from = order.ParseCursor(next.String()); from.ID == "" {
							return nil
						}
					}
				})
				var model []string
				for _, o := range all {
					is := !o.Open() == (state == order.IsAttested) && (state != order.IsOverdue || !now.Before(o.DueAt))
					if is && (want.Party == "" || o.Party == want.Party) && (want.Role == "" || o.Role == want.Role) && (want.What == "" || o.What == want.What) && (want.DueBy.IsZero() || !o.DueAt.After(want.DueBy)) {
						model = append(model, o.ID)
					}
				}
				same(t, fmt.Sprintf("%+v", want), ids, model...)
			}
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			n, err := order.CountTo(ctx, tx, party.ID{Service: vaulttest.Service, Role: party.Processor, Name: processor})
			var want order.Count
			for _, o := range all {
				if o.Open() && o.Party == processor {
					want.Open++
					if !now.Before(o.DueAt) {
						want.Late++
					}
				}
			}
			if n != want || n.Late == 0 || n.Late == n.Open {
				t.Errorf("counted %+v, want %+v", n, want)
			}
			return err
		})
		if err := w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := order.Page(ctx, tx, []string{vaulttest.Service}, order.Wanted{State: "forgotten"}, db.Cursor{}, 2)
			return err
		}); !errors.Is(err, order.ErrState) {
			t.Errorf("a state that there isn't: %v", err)
		}
	})
}
