package api_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	wardkeep "wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/family"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault/vaulttest"
)

// Article 16: a party tells of a leak, attests what it was told to do, and helps to answer a
// guardian, also once its agreement is over; and it learns of its own alone, by a name of the
// child that only it knows.
func TestArticle16_WhatAPartyOwesOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, of := t.Context(), vaulttest.ProcessorID()
		w.Engage(w.Store.Now().Add(24 * time.Hour))
		p, _, _ := w.asParty(of)
		c := w.Child()
		g := w.Guardian(c)
		book := order.Book{Ring: w.Ring, Charters: w.Desk.Charters}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			child, err := family.Lock(ctx, tx, vaulttest.Service, c.ID)
			if err != nil {
				return err
			}
			if err := book.Item(ctx, tx, w.App.Ledger(), child, order.Correct, "voice"); err != nil {
				return err
			}
			desk := rights.Desk{Ring: w.Ring, Charters: w.Desk.Charters, Calendar: workday.Default()}
			_, _, err = desk.Receive(ctx, tx, g, child, rights.Demand{Kind: rights.Access, Door: rights.ByGuardian, Guardian: g.ID})
			return err
		})
		handle := party.HandleOf(w.Ring, of, c.ID)
		document := strings.Repeat("ab", 32)
		_, err := p.AttestEnd(ctx, wardkeep.PartyEnd{Document: document})
		refusedWith(t, "before the end", err, 409, "order.party_not_ended", "")
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.End(ctx, tx, w.Officer, of, tx.Now())
			return err
		})
		_, err = p.Standing(ctx)
		refusedWith(t, "its standing, after the end", err, 403, "party.client_ended", "")

		leak := w.must(p.ReportLeak(ctx, wardkeep.NewLeak{Kind: "leaked", Suspected: true, Items: []string{"voice"}, Children: 12, Words: "录音文件夹可公开访问"})).(wardkeep.Leak)
		if leak.State != "opened" || len(leak.Number) != 9 || leak.Entry == "" || leak.NoticedAt.IsZero() {
			t.Errorf("%+v", leak)
		}
		if got := w.must(p.Leak(ctx, leak.ID)).(wardkeep.Leak); got.Number != leak.Number || got.Children != 12 {
			t.Errorf("%+v", got)
		}
		_, err = p.ReportLeak(ctx, wardkeep.NewLeak{Kind: "leaked", Items: []string{"shoe_size"}, Words: "x"})
		refusedWith(t, "of what the charter lacks", err, 422, "incident.item_unknown", "items.0")
		_, err = p.ReportLeak(ctx, wardkeep.NewLeak{Kind: "leaked", Words: " "})
		refusedWith(t, "without words", err, 422, "incident.words_invalid", "words")
		if got := w.must(p.AddToLeak(ctx, leak.ID, wardkeep.LeakNote{Words: "链接已关闭"})).(wardkeep.Leak); got.ID != leak.ID || got.Entry == "" {
			t.Errorf("%+v", got)
		}
		_, err = p.Leak(ctx, "in_nothing")
		refusedWith(t, "what there isn't", err, 404, "incident.not_found", "")

		if got := w.must(p.TellSubProcessors(ctx, wardkeep.NewSubProcessors{SubProcessors: []string{"某云公司"}})).(wardkeep.SubProcessorsTold); got.State != "ended" || got.SubProcessors != 1 || got.Entry == "" {
			t.Errorf("%+v", got)
		}
		_, err = p.TellSubProcessors(ctx, wardkeep.NewSubProcessors{SubProcessors: []string{" 某云公司"}})
		refusedWith(t, "what is no name", err, 422, "party.identity_invalid", "sub_processors")

		orders := w.must(p.Orders(ctx, "", 1)).(wardkeep.PartyOrders)
		if len(orders.Orders) != 1 || orders.Next != "" || orders.Orders[0].Child != handle || orders.Orders[0].What != "correct" || !slices.Equal(orders.Orders[0].Items, []string{"voice"}) {
			t.Fatalf("%+v", orders)
		}
		id := orders.Orders[0].ID
		_, err = p.Attest(ctx, id, wardkeep.PartyAttestation{Document: "x"})
		refusedWith(t, "by what is no hash", err, 422, "order.document_invalid", "document")
		_, err = p.Attest(ctx, "or_nothing", wardkeep.PartyAttestation{})
		refusedWith(t, "another's order", err, 404, "order.not_found", "")
		if got := w.must(p.Attest(ctx, id, wardkeep.PartyAttestation{Document: document})).(wardkeep.PartyOrder); got.AttestedAt.IsZero() || got.Entry == "" {
			t.Errorf("%+v", got)
		}
		_, err = p.Attest(ctx, id, wardkeep.PartyAttestation{Document: document})
		refusedWith(t, "attested twice", err, 409, "order.attested_before", "")
		_, err = p.Orders(ctx, "or_nothing", 0)
		refusedWith(t, "a page behind nothing", err, 422, "api.cursor_invalid", "after")

		tasks := w.must(p.Tasks(ctx, "", 0)).(wardkeep.PartyTasks)
		if len(tasks.Tasks) != 1 || tasks.Tasks[0].Child != handle || tasks.Tasks[0].Demand != "access" || tasks.Tasks[0].Overdue {
			t.Fatalf("%+v", tasks)
		}
		_, err = p.Answer(ctx, tasks.Tasks[0].ID, wardkeep.PartyAnswer{Answer: "has"})
		refusedWith(t, "something, and what", err, 422, "assistance.words_invalid", "words")
		if got := w.must(p.Answer(ctx, tasks.Tasks[0].ID, wardkeep.PartyAnswer{Answer: "has", Words: "五月的录音"})).(wardkeep.PartyTask); got.Answer != "has" || got.Entry == "" {
			t.Errorf("%+v", got)
		}
		_, err = p.Answer(ctx, tasks.Tasks[0].ID, wardkeep.PartyAnswer{Answer: "nothing"})
		refusedWith(t, "answered twice", err, 409, "assistance.answered_before", "")

		_, err = p.AttestEnd(ctx, wardkeep.PartyEnd{Document: document})
		refusedWith(t, "before all was ordered", err, 409, "order.party_parting", "")
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			child, err := family.Lock(ctx, tx, vaulttest.Service, c.ID)
			if err == nil {
				err = book.Parted(ctx, tx, "system:cessation", child, order.Processor, of.Name, tx.Now())
			}
			if err != nil {
				return err
			}
			all, err := party.Walks(ctx, tx)
			if err == nil {
				err = all[0].Part(ctx, tx, "system:cessation", 1)
			}
			return err
		})
		if got := w.must(p.AttestEnd(ctx, wardkeep.PartyEnd{Document: document})).(wardkeep.PartyEnded); got.Attested != 1 || got.More || got.AttestedAt.IsZero() || got.Entry == "" {
			t.Errorf("%+v", got)
		}
		_, err = p.AttestEnd(ctx, wardkeep.PartyEnd{Document: document})
		refusedWith(t, "the end twice", err, 409, "order.end_attested_before", "")

		for _, text := range []string{"录音", string(c.ID), handle} {
			if strings.Contains(w.log.String(), text) {
				t.Errorf("the log tells %q", text)
			}
		}
		_, err = p.ReportLeak(ctx, wardkeep.NewLeak{Kind: "burnt", Words: "x"})
		refusedWith(t, "of no kind", err, 422, "api.not_a_choice", "kind")
		_, err = p.Answer(ctx, "as_x", wardkeep.PartyAnswer{Answer: "perhaps"})
		refusedWith(t, "an answer of its own", err, 422, "api.not_a_choice", "answer")
	})
}
