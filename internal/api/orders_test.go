package api_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wardkeep/client"
	"wardkeep/internal/account"
	"wardkeep/internal/retention"
)

// Article 16 over HTTP: the orders that follow from an erasure are listed, with whose
// they are as long as they are open, and attested once, by their own party.
func TestArticle16_OrdersOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		child := w.register("amy").ID
		w.says(child, "", true)
		if _, err := w.client.Erase(ctx, child); err != nil {
			t.Fatal(err)
		}
		open := w.must(w.client.Orders(ctx, "open", "", 0)).(wardkeep.Orders).Orders
		if len(open) != 1 || open[0].Party != "yuping-assessment" || open[0].What != "delete" || open[0].Child != child || open[0].Number == "" {
			t.Fatalf("%+v", open)
		}
		w.measures("wardkeep_orders_open 1", "wardkeep_orders_overdue 0")
		w.Pass(open[0].DueAt.Sub(w.Store.Now()) + time.Minute)
		if _, err := retention.Sweep(ctx, w.Store, w.Vault); err != nil {
			t.Fatal(err)
		}
		w.sequence()
		w.only("orders", "api.orders_late 1")
		w.measures("wardkeep_orders_open 1", "wardkeep_orders_overdue 1")
		if late := w.must(w.client.Orders(ctx, "overdue", "", 0)).(wardkeep.Orders).Orders; len(late) != 1 || late[0].OverdueAt.IsZero() {
			t.Errorf("%+v", late)
		}

		right := wardkeep.Attestation{Party: "yuping-assessment", Document: strings.Repeat("0f", 32)}
		_, key := w.keyWith(account.RequestsWrite, account.Erase)
		weak := w.connect(key)
		for what, c := range map[string]struct {
			err  error
			code string
		}{
			"another party": {second(w.client.Attest(ctx, open[0].ID, wardkeep.Attestation{Party: "museum"})), "order.of_another_party"},
			"no order":      {second(w.client.Attest(ctx, "or_nothing", right)), "order.not_found"},
			"no hash":       {second(w.client.Attest(ctx, open[0].ID, wardkeep.Attestation{Party: right.Party, Document: "x"})), "order.document_invalid"},
			"no scope":      {second(weak.Attest(ctx, open[0].ID, right)), "api.scope_missing"},
			"may not look":  {second(weak.Orders(ctx, "open", "", 0)), "api.scope_missing"},
		} {
			if p, ok := errors.AsType[*wardkeep.Problem](c.err); !ok || p.Code != c.code {
				t.Errorf("%s: %v", what, c.err)
			}
		}
		done := w.must(w.client.Attest(ctx, open[0].ID, right)).(wardkeep.Order)
		if done.AttestedAt.IsZero() || done.Document != right.Document || done.Child != "" || done.Entry == "" {
			t.Errorf("%+v", done)
		}
		if _, err := w.client.Attest(ctx, open[0].ID, right); !errors.Is(err, &wardkeep.Problem{Code: "order.attested_before"}) {
			t.Errorf("twice: %v", err)
		}
		if all := w.must(w.client.Orders(ctx, "attested", "", 0)).(wardkeep.Orders).Orders; len(all) != 1 || all[0].Child != "" {
			t.Errorf("%+v", all)
		}
		w.measures("wardkeep_orders_open 0", "wardkeep_orders_overdue 0")

		// Page by page, in a stable order.
		for _, ref := range []string{"ben", "cai", "dan"} {
			child := w.register(ref).ID
			w.says(child, "", true)
			if _, err := w.client.Erase(ctx, child); err != nil {
				t.Fatal(err)
			}
		}
		whole := w.must(w.client.Orders(ctx, "open", "", 0)).(wardkeep.Orders)
		var paged []wardkeep.Order
		for after := ""; ; {
			page := w.must(w.client.Orders(ctx, "open", after, 2)).(wardkeep.Orders)
			if paged = append(paged, page.Orders...); page.Next == "" {
				break
			}
			after = page.Next
		}
		if diff := cmp.Diff(whole.Orders, paged); diff != "" || len(paged) != 3 || whole.Next != "" {
			t.Errorf("%d of %d: %s", len(paged), len(whole.Orders), diff)
		}
		for query, code := range map[string]string{"after=or_nothing": "api.cursor_invalid", "limit=0": "api.out_of_range", "limit=1001": "api.out_of_range"} {
			w.send("GET", base+"/orders?"+query, "").refused(t, 422, code)
		}
	})
}
