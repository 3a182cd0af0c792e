package api

import (
	"context"
	"errors"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/order"
)

// How many orders a page has: what the caller says, but not more than ordersMost.
const (
	ordersLimit = 100
	ordersMost  = 1000
)

type ordersInput struct {
	State string `query:"state" enum:"open,overdue,attested" default:"open" doc:"open, the overdue ones among them; overdue; attested, the newest first"`
	After string `query:"after" maxLength:"60" doc:"where to go on: the next of a former page; the beginning if left out"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"the most orders of a page"`
}

// listOrders lists what processors and recipients were told to do. Whoever attests some
// between two pages misses none.
func listOrders(s *Server, ctx context.Context, c *call, in *ordersInput) (answer[wardkeep.Orders], error) {
	out := answer[wardkeep.Orders]{Body: wardkeep.Orders{Orders: []wardkeep.Order{}}}
	state := order.State(in.State)
	if state == "" {
		state = order.IsOpen
	}
	limit := min(in.Limit, ordersMost)
	if limit < 1 {
		limit = ordersLimit
	}
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		all, err := order.List(ctx, tx, c.app.Service, state, in.After, limit+1)
		if errors.Is(err, order.ErrNotFound) {
			err = ErrAfter.At("after")
		}
		if err != nil {
			return err
		}
		if len(all) > limit {
			all = all[:limit]
			out.Body.Next = all[limit-1].ID
		}
		for _, o := range all {
			view, err := s.orderView(o)
			if err != nil {
				return err
			}
			out.Body.Orders = append(out.Body.Orders, view)
		}
		return nil
	})
	return out, err
}

type attestInput struct{ Body wardkeep.Attestation }

// attestOrder takes that a processor or a recipient has done what it was told
// (Article 16).
func attestOrder(s *Server, ctx context.Context, c *call, in *attestInput) (answer[wardkeep.Order], error) {
	if err := lines("party", in.Body.Party, "document", in.Body.Document); err != nil {
		return answer[wardkeep.Order]{}, err
	}
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.Order], err error) {
		o, entry, err := s.orders.Attest(ctx, tx, c.app, c.app.Service, c.param("order"), in.Body.Party, in.Body.Document)
		if err != nil {
			return out, err
		}
		out.Entry = entry
		out.Body, err = s.orderView(o)
		return out, err
	})
}

// orderView says all of an order, and whom it is about as long as anything leads there.
func (s *Server) orderView(o order.Order) (wardkeep.Order, error) {
	child, err := o.Whose(s.Ring)
	if err != nil && !errors.Is(err, order.ErrNotFound) {
		return wardkeep.Order{}, err
	}
	return wardkeep.Order{
		ID: o.ID, Number: o.Number, Party: o.Party, Role: string(o.Role), What: string(o.What), Items: o.Items, Purposes: o.Purposes,
		Child: string(child), IssuedAt: o.IssuedAt, DueAt: o.DueAt, OverdueAt: o.OverdueAt, AttestedAt: o.AttestedAt, Document: o.Document,
	}, nil
}
