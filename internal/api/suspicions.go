package api

import (
	"context"
	"time"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/suspicion"
)

func suspicionView(s suspicion.Suspicion) wardkeep.Suspicion {
	return wardkeep.Suspicion{
		ID: s.ID, Source: string(s.Source), Owner: s.Owner, TreatAs: s.TreatAs(), Outcome: string(s.Outcome), Basis: string(s.Basis),
		OpenedAt: s.OpenedAt, DueAt: s.DueAt, ClosedAt: s.ClosedAt,
	}
}

type suspectInput struct{ Body wardkeep.NewSuspicion }

// suspect reports that an account may be a child's (Article 2). What the answer is kept
// for, to be repeated, doesn't have the account.
func suspect(s *Server, ctx context.Context, c *call, in *suspectInput) (answer[wardkeep.Suspicion], error) {
	n := in.Body
	if err := lines("ref", n.Ref); err != nil {
		return answer[wardkeep.Suspicion]{}, err
	}
	// Each is work for a person, and has somebody treated as a child: a model gone wild is
	// slowed down.
	if err := s.limits.reports.limit(c.w.Header(), "report", c.app.ID, time.Now()); err != nil {
		return answer[wardkeep.Suspicion]{}, err
	}
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.Suspicion], err error) {
		got, entry, err := suspicion.Report(ctx, tx, s.Ring, s.Calendar, c.app, pii.New(n.Ref), suspicion.Source(n.Source))
		out.Entry, out.Body = entry, suspicionView(got)
		return out, err
	})
}

// mostSuspicions is how many are listed at once.
const mostSuspicions = 100

func listSuspicions(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.Suspicions], error) {
	out := answer[wardkeep.Suspicions]{Body: wardkeep.Suspicions{Suspicions: []wardkeep.Suspicion{}}}
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		all, err := suspicion.Waiting(ctx, tx, c.app.Service, mostSuspicions)
		for _, one := range all {
			out.Body.Suspicions = append(out.Body.Suspicions, suspicionView(one))
		}
		return err
	})
	return out, err
}

func getSuspicion(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.Suspicion], error) {
	var out answer[wardkeep.Suspicion]
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		got, err := suspicion.Find(ctx, tx, c.app.Service, c.param("suspicion"))
		if err != nil {
			return err
		}
		ref, err := got.Ref(s.Ring)
		out.Body = suspicionView(got)
		out.Body.Ref = ref.Reveal()
		return err
	})
	return out, err
}
