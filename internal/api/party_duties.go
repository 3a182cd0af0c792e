package api

import (
	"context"
	"errors"
	"time"

	"wardkeep/client"
	"wardkeep/internal/assistance"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/incident"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
)

// What a party owes us (Article 16): it tells of a leak, attests what it was told to do, and
// helps to answer guardians. It owes that the more when it is suspended, or has ended: so each
// of these routes is for it then, too, and none of them gives it a value.

func leakView(c incident.Case) wardkeep.Leak {
	return wardkeep.Leak{ID: c.ID, Number: c.Number(), State: string(c.State()), Kind: string(c.Kind), Suspected: c.Suspected, Items: c.Items, Children: c.Children,
		BeganAt: c.BeganAt, NoticedAt: c.NoticedAt, OpenedAt: c.OpenedAt, ClosedAt: c.ClosedAt}
}

type leakInput struct{ Body wardkeep.NewLeak }

// reportLeak opens a case (Article 16(3)). What the answer is kept for, to be repeated, doesn't
// have what was written.
func reportLeak(s *Server, ctx context.Context, c *call, in *leakInput) (answer[wardkeep.Leak], error) {
	// Each wakes somebody: a rule gone wild is slowed down.
	if err := s.limits.reports.limit(c.w.Header(), "report", asked(c.party), time.Now()); err != nil {
		return answer[wardkeep.Leak]{}, err
	}
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.Leak], err error) {
		got, entry, err := s.incidents.Leak(ctx, tx, c.party, reportOf(in.Body, tx.Now()))
		if err != nil {
			return out, err
		}
		return answer[wardkeep.Leak]{Entry: entry, Body: leakView(got)}, nil
	})
}

func getLeak(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.Leak], error) {
	var out answer[wardkeep.Leak]
	err := s.viewParty(ctx, c, func(tx *db.Tx) error {
		got, err := incident.FindOf(ctx, tx, c.party, c.param("leak"))
		if err == nil {
			out.Body = leakView(got)
		}
		return err
	})
	return out, err
}

type leakNoteInput struct{ Body wardkeep.LeakNote }

// addToLeak takes what the party has found or done since it reported a case.
func addToLeak(s *Server, ctx context.Context, c *call, in *leakNoteInput) (answer[wardkeep.Leak], error) {
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.Leak], err error) {
		got, entry, err := incident.Add(ctx, tx, s.Ring, c.party, c.param("leak"), pii.New(in.Body.Words))
		if err != nil {
			return out, err
		}
		return answer[wardkeep.Leak]{Entry: entry, Body: leakView(got)}, nil
	})
}

type pageInput struct {
	After string `query:"after" maxLength:"60" doc:"where to go on: the next of a former page; the beginning if left out"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"the most of a page"`
}

func (p pageInput) most() int {
	if p.Limit < 1 {
		return ordersLimit
	}
	return min(p.Limit, ordersMost)
}

// partyOrder is an order as its party sees it: with what the child is called towards it, as
// long as anything leads there, and never with what we call it.
func (s *Server) partyOrder(of party.ID, o order.Order, now time.Time) (wardkeep.PartyOrder, error) {
	child, err := o.Whose(s.Ring)
	if err != nil && !errors.Is(err, order.ErrNotFound) {
		return wardkeep.PartyOrder{}, err
	}
	view := wardkeep.PartyOrder{ID: o.ID, Number: o.Number, What: string(o.What), Items: o.Items, Purposes: o.Purposes,
		IssuedAt: o.IssuedAt, DueAt: o.DueAt, Overdue: o.Open() && !now.Before(o.DueAt), AttestedAt: o.AttestedAt, Document: o.Document}
	if child != "" {
		view.Child = party.HandleOf(s.Ring, of, child)
	}
	return view, nil
}

// partyOrders lists what the party was told to do and hasn't attested. Whoever attests some
// between two pages misses none.
func partyOrders(s *Server, ctx context.Context, c *call, in *pageInput) (answer[wardkeep.PartyOrders], error) {
	out := answer[wardkeep.PartyOrders]{Body: wardkeep.PartyOrders{Orders: []wardkeep.PartyOrder{}}}
	err := s.viewParty(ctx, c, func(tx *db.Tx) error {
		of, limit := c.party.Key.Party, in.most()
		var after order.Order
		if in.After != "" {
			var err error
			if after, err = order.FindOf(ctx, tx, of, in.After); err != nil {
				return afterOr(err, order.ErrNotFound)
			}
		}
		all, err := order.ListOf(ctx, tx, of, after, limit+1)
		if err != nil {
			return err
		}
		if len(all) > limit {
			all = all[:limit]
			out.Body.Next = all[limit-1].ID
		}
		for _, o := range all {
			view, err := s.partyOrder(of, o, tx.Now())
			if err != nil {
				return err
			}
			out.Body.Orders = append(out.Body.Orders, view)
		}
		return nil
	})
	return out, err
}

// afterOr makes of what isn't found that a page goes on behind something that there isn't.
func afterOr(err error, none *errs.Error) error {
	if errors.Is(err, none) {
		return ErrAfter.At("after")
	}
	return err
}

type partyAttestInput struct{ Body wardkeep.PartyAttestation }

// partyAttest takes that the party has done what it was told, said by itself.
func partyAttest(s *Server, ctx context.Context, c *call, in *partyAttestInput) (answer[wardkeep.PartyOrder], error) {
	if err := lines("document", in.Body.Document); err != nil {
		return answer[wardkeep.PartyOrder]{}, err
	}
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.PartyOrder], err error) {
		of := c.party.Key.Party
		o, entry, err := s.orders.Attest(ctx, tx, c.party, of.Service, c.param("order"), of.Name, in.Body.Document)
		if err != nil {
			return out, err
		}
		out.Entry = entry
		out.Body, err = s.partyOrder(of, o, tx.Now())
		return out, err
	})
}

// mostAtOnce is how many orders one request attests: whoever has more asks again.
const mostAtOnce = 200

type partyEndInput struct{ Body wardkeep.PartyEnd }

// partyEnd takes that a party which has ended has deleted all that it was told to (Article
// 16(4)): one document for all of its orders.
func partyEnd(s *Server, ctx context.Context, c *call, in *partyEndInput) (answer[wardkeep.PartyEnded], error) {
	if err := lines("document", in.Body.Document); err != nil {
		return answer[wardkeep.PartyEnded]{}, err
	}
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.PartyEnded], err error) {
		done, statement, entry, err := s.orders.AttestEnd(ctx, tx, c.party, in.Body.Document, mostAtOnce)
		if err != nil {
			return out, err
		}
		out.Entry = entry
		out.Body = wardkeep.PartyEnded{Attested: len(done), More: statement.AttestedAt.IsZero(), EndedAt: statement.EndedAt, AttestedAt: statement.AttestedAt}
		return out, nil
	})
}

func (s *Server) taskView(t assistance.Task, now time.Time) wardkeep.PartyTask {
	return wardkeep.PartyTask{ID: t.ID, Number: t.Number(), Demand: t.Kind, Item: t.Item, Items: t.Items, Child: party.HandleOf(s.Ring, t.Party, t.Child),
		AskedAt: t.AskedAt, DueAt: t.DueAt, Overdue: t.Late(now), AnsweredAt: t.AnsweredAt, Answer: string(t.Answer)}
}

// partyTasks lists what the party is asked to help with (Article 16(2)).
func partyTasks(s *Server, ctx context.Context, c *call, in *pageInput) (answer[wardkeep.PartyTasks], error) {
	out := answer[wardkeep.PartyTasks]{Body: wardkeep.PartyTasks{Tasks: []wardkeep.PartyTask{}}}
	err := s.viewParty(ctx, c, func(tx *db.Tx) error {
		limit := in.most()
		var after assistance.Task
		if in.After != "" {
			var err error
			if after, err = assistance.Find(ctx, tx, c.party, in.After); err != nil {
				return afterOr(err, assistance.ErrNotFound)
			}
		}
		all, err := assistance.Waiting(ctx, tx, c.party.Key.Party, after, limit+1)
		if err != nil {
			return err
		}
		if len(all) > limit {
			all = all[:limit]
			out.Body.Next = all[limit-1].ID
		}
		for _, t := range all {
			out.Body.Tasks = append(out.Body.Tasks, s.taskView(t, tx.Now()))
		}
		return nil
	})
	return out, err
}

type partyAnswerInput struct{ Body wardkeep.PartyAnswer }

// partyAnswer takes what the party says. What the answer is kept for, to be repeated, doesn't
// have what was written.
func partyAnswer(s *Server, ctx context.Context, c *call, in *partyAnswerInput) (answer[wardkeep.PartyTask], error) {
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.PartyTask], err error) {
		t, entry, err := assistance.Reply(ctx, tx, s.Ring, c.party, c.param("task"), assistance.Answer(in.Body.Answer), pii.New(in.Body.Words))
		if err != nil {
			return out, err
		}
		return answer[wardkeep.PartyTask]{Entry: entry, Body: s.taskView(t, tx.Now())}, nil
	})
}

type tellInput struct{ Body wardkeep.NewSubProcessors }

// partyTell takes that a processor entrusts others: it is suspended by that at once (edge case
// 19), and so this is for who is suspended, too.
func partyTell(s *Server, ctx context.Context, c *call, in *tellInput) (answer[wardkeep.SubProcessorsTold], error) {
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.SubProcessorsTold], err error) {
		p, entry, err := party.Tell(ctx, tx, c.party, in.Body.SubProcessors)
		return answer[wardkeep.SubProcessorsTold]{Entry: entry, Body: wardkeep.SubProcessorsTold{State: string(p.State(tx.Now())), SubProcessors: len(p.Subs)}}, err
	})
}
