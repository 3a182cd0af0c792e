package api

import (
	"context"
	"time"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/takedown"
)

func takedownView(c takedown.Case) wardkeep.Takedown {
	return wardkeep.Takedown{
		ID: c.ID, Number: c.Number(), Source: string(c.Source), Harm: string(c.Harm), State: string(c.State()), Owner: c.Owner, Outcome: string(c.Outcome), Ground: string(c.Ground),
		OpenedAt: c.OpenedAt, TakenAt: c.TakenAt, DecidedAt: c.DecidedAt, DueAt: c.DueAt, ClosedAt: c.ClosedAt,
	}
}

type takedownInput struct{ Body wardkeep.NewTakedown }

// reportContent opens a case of content that is published (Article 4). What the answer is
// kept for, to be repeated, doesn't have the content.
func reportContent(s *Server, ctx context.Context, c *call, in *takedownInput) (answer[wardkeep.Takedown], error) {
	n := in.Body
	if err := lines("ref", n.Ref); err != nil {
		return answer[wardkeep.Takedown]{}, err
	}
	// Each is work for a person: a rule gone wild is slowed down.
	if err := s.limits.reports.limit(c.w.Header(), "report", c.app.ID, time.Now()); err != nil {
		return answer[wardkeep.Takedown]{}, err
	}
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.Takedown], err error) {
		got, entry, err := takedown.Report(ctx, tx, s.Ring, s.Calendar, c.app, pii.New(n.Ref), takedown.Source(n.Source), takedown.Harm(n.Harm))
		if err != nil {
			return out, err
		}
		return answer[wardkeep.Takedown]{Entry: entry, Body: takedownView(got)}, nil
	})
}

func listTakedowns(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.Takedowns], error) {
	out := answer[wardkeep.Takedowns]{Body: wardkeep.Takedowns{Takedowns: []wardkeep.Takedown{}}}
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		all, err := takedown.Waiting(ctx, tx, c.app.Service, mostSuspicions)
		for _, one := range all {
			out.Body.Takedowns = append(out.Body.Takedowns, takedownView(one))
		}
		return err
	})
	return out, err
}

func getTakedown(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.Takedown], error) {
	var out answer[wardkeep.Takedown]
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		got, err := takedown.Find(ctx, tx, c.app.Service, c.param("takedown"))
		if err != nil {
			return err
		}
		ref, err := got.Ref(s.Ring)
		out.Body = takedownView(got)
		out.Body.Ref = ref.Reveal()
		return err
	})
	return out, err
}

// tookDown says that the content is down.
func tookDown(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.Takedown], error) {
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.Takedown], err error) {
		got, entry, err := takedown.Done(ctx, tx, c.app, c.param("takedown"))
		if err != nil {
			return out, err
		}
		return answer[wardkeep.Takedown]{Entry: entry, Body: takedownView(got)}, nil
	})
}
