package api

import (
	"context"
	"errors"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/receipt"
	"wardkeep/internal/rights"
)

// demandView says all of a demand, its words included. Errors: those of the
// child's key.
func (s *Server) demandView(r rights.Request, child family.Child) (wardkeep.Demand, error) {
	note, answered, err := r.Text(s.Ring, child)
	view := bare(r)
	view.Text, view.Answer = note.Reveal(), answered.Reveal()
	return view, err
}

// port says how a copy stands that is handed to somebody; of any other demand, nothing.
func port(ctx context.Context, tx *db.Tx, r rights.Request) (*wardkeep.Port, error) {
	if r.Kind != rights.Port {
		return nil, nil
	}
	p, err := rights.PortOf(ctx, tx, r)
	return &wardkeep.Port{State: string(p.State(r, tx.Now())), Items: append([]string{}, p.Items...), EndedAt: p.EndedAt}, err
}

type demandInput struct{ Body wardkeep.Demanding }

// demand takes what a child or its guardian demands, through the operator's app
// (Articles 19 and 20).
func demand(s *Server, ctx context.Context, c *call, in *demandInput) (answer[wardkeep.Demand], error) {
	d := in.Body
	if err := lines("guardian", d.Guardian, "item", d.Item); err != nil {
		return answer[wardkeep.Demand]{}, err
	}
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.Demand], err error) {
		child, err := s.child(ctx, tx, c)
		if err != nil {
			return out, err
		}
		ask := rights.Demand{Kind: rights.Kind(d.Kind), Door: rights.Door(d.Door), Guardian: family.GuardianID(d.Guardian), Item: d.Item, Text: pii.New(d.Text)}
		r, entry, err := s.Vault.Demand(ctx, tx, s.rights, c.app, child, ask)
		out.Entry, out.Body = entry, bare(r)
		return out, err
	})
}

// childDemands lists what was demanded about a child.
func childDemands(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.Demands], error) {
	out := answer[wardkeep.Demands]{Body: wardkeep.Demands{Requests: []wardkeep.Demand{}}}
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		child, err := s.child(ctx, tx, c)
		if err != nil {
			return err
		}
		all, err := rights.Of(ctx, tx, child.ID)
		if err != nil {
			return err
		}
		for _, r := range all {
			view, err := s.demandView(r, child)
			if err == nil {
				view.Untold, err = untold(ctx, tx, r)
			}
			if err == nil {
				view.Port, err = port(ctx, tx, r)
			}
			if err != nil {
				return err
			}
			out.Body.Requests = append(out.Body.Requests, view)
		}
		return nil
	})
	return out, err
}

// How many open demands a page has: what the caller says, but not more than
// demandsMost.
const (
	demandsLimit = 100
	demandsMost  = 1000
)

type dueDemandsInput struct {
	After string `query:"after" maxLength:"60" doc:"where to go on: the next of a former page; those that are due first if left out"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"the most demands of a page"`
}

// dueDemands lists the open demands of the service, without their words. Whoever ends
// some between two pages misses none.
func dueDemands(s *Server, ctx context.Context, c *call, in *dueDemandsInput) (answer[wardkeep.Demands], error) {
	out := answer[wardkeep.Demands]{Body: wardkeep.Demands{Requests: []wardkeep.Demand{}}}
	limit := min(in.Limit, demandsMost)
	if limit < 1 {
		limit = demandsLimit
	}
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		all, err := rights.Waiting(ctx, tx, c.app.Service, in.After, limit+1)
		if errors.Is(err, rights.ErrNotFound) {
			err = ErrAfter.At("after")
		}
		if len(all) > limit {
			all = all[:limit]
			out.Body.Next = all[limit-1].ID
		}
		for _, r := range all {
			out.Body.Requests = append(out.Body.Requests, bare(r))
		}
		return err
	})
	return out, err
}

// bare says of a demand all but its words: those are sealed under the child's key, and an
// answer that is kept to be repeated would outlive it.
func bare(r rights.Request) wardkeep.Demand {
	return wardkeep.Demand{
		ID: r.ID, Number: r.Number, Child: string(r.Child), Kind: string(r.Kind), Door: string(r.Door), Guardian: string(r.Guardian),
		Item: r.Item, State: string(r.State), Owner: r.Owner, Reason: string(r.Reason),
		ReceivedAt: r.ReceivedAt, DueAt: r.DueAt, Extended: string(r.Extended), EraseAt: r.EraseAt, ClosedAt: r.ClosedAt, FetchUntil: r.FetchUntil, Told: tellings(r),
	}
}

func tellings(r rights.Request) (told []wardkeep.Telling) {
	for _, t := range r.Told {
		told = append(told, wardkeep.Telling{Guardian: string(t.Guardian), Channel: t.Channel, At: t.At})
	}
	return told
}

// untold says who wasn't told of a demand to erase the child.
func untold(ctx context.Context, tx *db.Tx, r rights.Request) (ids []string, err error) {
	if !r.Warns() {
		return nil, nil
	}
	var guardians []family.Guardian
	err = tx.Together(ctx, family.ReadGuardians(&guardians, r.Child))
	for _, g := range r.Untold(guardians) {
		ids = append(ids, string(g))
	}
	return ids, err
}

// getDemand says how far a demand has come. Of one whose child was erased it says where its
// certificate is (Article 20).
func getDemand(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.Demand], error) {
	var out answer[wardkeep.Demand]
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		r, child, err := s.demanded(ctx, tx, c)
		if errors.Is(err, rights.ErrNotFound) {
			done, err := receipt.FindDemand(ctx, tx, s.Ring, c.app.Service, c.param("request"))
			out.Body = s.carriedOut(done)
			return err
		}
		if err != nil {
			return err
		}
		if out.Body, err = s.demandView(r, child); err == nil {
			out.Body.Untold, err = untold(ctx, tx, r)
		}
		if err == nil {
			out.Body.Port, err = port(ctx, tx, r)
		}
		return err
	})
	return out, err
}

// carriedOut says what is left of a demand whose child was erased.
func (s *Server) carriedOut(c receipt.CarriedOut) wardkeep.Demand {
	return wardkeep.Demand{
		ID: c.ID, Number: c.Number, Kind: string(c.Kind), Door: string(c.Door), State: string(rights.Done), Owner: c.Owner,
		ReceivedAt: c.ReceivedAt, DueAt: c.DueAt, ClosedAt: c.ErasedAt, CertificateURL: receipt.CertificateURL(s.PublicURL, c.Secret),
	}
}

// demanded returns the demand that the path names, and its child.
func (s *Server) demanded(ctx context.Context, tx *db.Tx, c *call) (rights.Request, family.Child, error) {
	r, err := rights.Find(ctx, tx, c.app.Service, c.param("request"))
	if err != nil {
		return r, family.Child{}, err
	}
	child, err := family.Find(ctx, tx, r.Service, r.Child)
	return r, child, err
}

type (
	extendDemandInput struct{ Body wardkeep.Extension }
	refuseDemandInput struct{ Body wardkeep.Refusal }
	finishDemandInput struct{ Body wardkeep.Finish }
)

func extendDemand(s *Server, ctx context.Context, c *call, in *extendDemandInput) (answer[wardkeep.Demand], error) {
	return changeDemand(s, ctx, c, func(tx *db.Tx, r rights.Request) (rights.Request, string, error) {
		return s.rights.Extend(ctx, tx, c.app, r, rights.Reason(in.Body.Reason))
	})
}

func refuseDemand(s *Server, ctx context.Context, c *call, in *refuseDemandInput) (answer[wardkeep.Demand], error) {
	return changeDemand(s, ctx, c, func(tx *db.Tx, r rights.Request) (rights.Request, string, error) {
		return s.rights.Refuse(ctx, tx, c.app, r, rights.Reason(in.Body.Reason), pii.New(in.Body.Answer))
	})
}

func finishDemand(s *Server, ctx context.Context, c *call, in *finishDemandInput) (answer[wardkeep.Demand], error) {
	return changeDemand(s, ctx, c, func(tx *db.Tx, r rights.Request) (rights.Request, string, error) {
		return s.rights.Finish(ctx, tx, c.app, r, pii.New(in.Body.Answer))
	})
}

// recallDemand has nobody get a copy any more that a guardian is handing to somebody.
func recallDemand(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.Demand], error) {
	return changeDemand(s, ctx, c, func(tx *db.Tx, r rights.Request) (rights.Request, string, error) {
		return s.rights.Recall(ctx, tx, c.app, r)
	})
}

func changeDemand(s *Server, ctx context.Context, c *call, fn func(*db.Tx, rights.Request) (rights.Request, string, error)) (answer[wardkeep.Demand], error) {
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.Demand], err error) {
		r, _, err := s.demanded(ctx, tx, c)
		if err != nil {
			return out, err
		}
		r, out.Entry, err = fn(tx, r)
		out.Body = bare(r)
		return out, err
	})
}
