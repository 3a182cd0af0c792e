package replay_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/catalog/catalogtest"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/vault/vaulttest"
)

// Articles 16(5) and 20: that a party may have less than before follows from charter and papers, so
// an entry that says so and doesn't follow is found, as are one that is missing, an order that
// follows from nothing, and a walk that says to have ordered more than it did.
func TestArticle16_AForgedNarrowingIsFound(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := begin(t, w)
		of := vaulttest.ProcessorID()
		other := party.ID{Service: service, Role: of.Role, Name: of.Name + "-two"}
		wide := *w.Charter
		wide.Processors, wide.Purposes = append(slices.Clone(wide.Processors), wide.Processors[0]), slices.Clone(wide.Purposes)
		wide.Processors[1].Name = other.Name
		for i, p := range wide.Purposes {
			if len(p.Processors) > 0 {
				wide.Purposes[i].Processors = append(slices.Clone(p.Processors), other.Name)
			}
		}
		w.Publish(&wide)
		w.Charter = &wide
		w.Engage(w.Store.Now().Add(1000 * time.Hour))
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			scope := party.ScopeOf(&wide, other.Role, other.Name)
			if _, _, err := party.Register(ctx, tx, w.Officer, other, vaulttest.Identity()); err != nil {
				return err
			}
			if _, _, err := party.Assess(ctx, tx, w.Officer, other, w.Assessment(scope)); err != nil {
				return err
			}
			_, _, err := party.Agree(ctx, tx, w.Officer, other, w.Deed(scope, tx.Now().Add(-time.Hour), tx.Now().Add(1000*time.Hour)))
			return err
		})
		child := w.Child()
		less := *w.Charter
		less.Processors, less.Purposes = nil, slices.Clone(less.Purposes)
		for i, p := range less.Purposes {
			if len(p.Processors) > 0 {
				less.Purposes[i].Processors = nil
				less.Purposes[i].Activities = slices.DeleteFunc(slices.Clone(p.Activities), func(a charter.Activity) bool { return a == charter.Entrust })
			}
		}
		found := func(want string, something func()) {
			t.Helper()
			report := s.once(t, something)
			all := []string{}
			for _, d := range report.Differences {
				all = append(all, strings.TrimPrefix(d.What, "replay.")+" "+d.Table+" "+d.Field)
			}
			if !slices.Contains(all, want) {
				t.Errorf("want %q, got %q", want, all)
			}
		}
		run := func(query string) func() {
			return func() {
				s.do(func(ctx context.Context, tx *db.Tx) error { _, err := tx.Exec(ctx, query); return err })
			}
		}
		voice := party.Scope{"speaking-practice": {"gender", "voice"}}
		found("impossible  party", func() {
			s.forgeServiceAs(s.Officer.Ledger(), 1, party.KindNarrowed, party.NarrowedBody{Party: of.Name, Role: of.Role, Excess: voice})
		})
		narrows := func(which ...party.ID) func() { // published, and followed in that order
			return func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					d, _, err := catalog.Propose(ctx, tx, s.Ring, terminal, &less, nil)
					if err == nil {
						_, _, err = catalogtest.Publish(ctx, tx, s.Ring, s.Officer, service, d.Number)
					}
					return err
				})
				for i, of := range which {
					s.forgeServiceAs(s.Officer.Ledger(), int64(1+i), party.KindNarrowed, party.NarrowedBody{Party: of.Name, Role: of.Role, Excess: voice})
				}
			}
		}
		found("impossible  party", func() { // nobody has followed
			narrows()()
			s.forgeServiceAs(s.Officer.Ledger(), 1, party.KindHalted, party.HaltedBody{Party: of.Name, Role: of.Role, Reason: party.Other})
		})
		found("impossible party party", narrows()) // and nothing came after it
		found("impossible party party", narrows(of))
		for _, d := range s.once(t, narrows(other, of)).Differences {
			if strings.HasSuffix(d.What, "impossible") {
				t.Errorf("a store that sorts names otherwise: %v", d)
			}
		}
		w.Publish(&less)
		ok(t, s.flush())
		s.replays(t)
		for query, want := range map[string]string{
			`UPDATE party SET held = '{}'`:        "row_differs party held",
			`UPDATE party SET excess = '{}'`:      "row_differs party excess",
			`UPDATE party SET narrowed = 0`:       "row_differs party narrowed",
			`UPDATE party SET narrowed_at = NULL`: "row_differs party narrowed_at",
		} {
			found(want, run(query))
		}

		var walk party.Walk
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := party.Walks(ctx, tx)
			if err == nil {
				walk = all[0]
			}
			return err
		})
		issue := func(actor string, b order.IssuedBody) func() {
			return func() {
				b.Order = id.New(id.Order)
				b.Number, b.Party, b.Role, b.What, b.Due = id.NumberOf(b.Order), of.Name, order.Processor, order.Delete, w.Store.Now().Add(time.Hour).UnixMicro()
				s.do(func(ctx context.Context, tx *db.Tx) error {
					c, err := family.Lock(ctx, tx, service, child.ID)
					if err == nil {
						_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: order.KindIssued, Service: service, Subject: c.Subject, Version: c.Version, Actor: actor, Body: b})
					}
					return err
				})
			}
		}
		found("impossible  order", issue("system:cessation", order.IssuedBody{Items: []string{"voice"}, Purposes: []string{"speaking-practice"}, Narrowed: walk.Narrowed + 1}))
		found("impossible  order", issue("system:cessation", order.IssuedBody{Items: []string{"nickname"}, Purposes: []string{"speaking-practice"}, Narrowed: walk.Narrowed}))
		found("impossible  actor", issue(s.App.Ledger(), order.IssuedBody{Items: []string{"voice"}, Purposes: []string{"speaking-practice"}, Narrowed: walk.Narrowed}))
		found("impossible  party", func() {
			s.forgeServiceAs(s.App.Ledger(), 1, party.KindTrimmed, party.TrimmedBody{Party: of.Name, Role: of.Role, Narrowed: walk.Narrowed})
		})
		found("impossible party order", func() {
			s.forgeServiceAs("system:cessation", 1, party.KindTrimmed, party.TrimmedBody{Party: of.Name, Role: of.Role, Narrowed: walk.Narrowed, Children: 1, Orders: 1})
		})

		book := order.Book{Ring: w.Ring, Charters: w.Desk.Charters}
		ok(t, s.locked(child.ID, func(ctx context.Context, tx *db.Tx, c family.Child) error {
			return book.Trimmed(ctx, tx, "system:cessation", c, walk.Party)
		}))
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			is := walk
			if on, err := is.Hold(ctx, tx); err != nil || !on {
				t.Fatalf("it isn't held: %v", err)
			}
			orders, err := order.CountNarrowed(ctx, tx, of, is.Narrowed)
			if err == nil {
				err = is.Trim(ctx, tx, "system:cessation", 1, orders)
			}
			return err
		})
		ok(t, s.flush())
		s.replays(t)
		found("row_missing party_order ", run(`DELETE FROM party_order`))
		found("row_differs party_order narrowed", run(`UPDATE party_order SET narrowed = 0`))
		found("impossible  party", func() { // once more
			s.forgeServiceAs("system:cessation", 1, party.KindTrimmed, party.TrimmedBody{Party: of.Name, Role: of.Role, Narrowed: walk.Narrowed, Children: 1, Orders: 1})
		})
	})
}
