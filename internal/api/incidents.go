package api

import (
	"context"
	"time"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/incident"
)

// reportOf reads a report of a leak; what nobody has noticed earlier is noticed now.
func reportOf(n wardkeep.NewLeak, now time.Time) incident.Report {
	r := incident.Report{Kind: incident.Kind(n.Kind), Suspected: n.Suspected, Items: n.Items, Children: n.Children, BeganAt: n.BeganAt, NoticedAt: n.NoticedAt, Words: pii.New(n.Words)}
	if r.NoticedAt.IsZero() {
		r.NoticedAt = now
	}
	return r
}

// reportIncident opens a case as a system of the operator's reports it (Article 21). What the
// answer is kept for, to be repeated, doesn't have what was written.
func reportIncident(s *Server, ctx context.Context, c *call, in *leakInput) (answer[wardkeep.Leak], error) {
	// Each wakes somebody: a rule gone wild is slowed down.
	if err := s.limits.reports.limit(c.w.Header(), "report", c.app.ID, time.Now()); err != nil {
		return answer[wardkeep.Leak]{}, err
	}
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.Leak], err error) {
		got, entry, err := s.incidents.ReportBy(ctx, tx, c.app, reportOf(in.Body, tx.Now()))
		if err != nil {
			return out, err
		}
		return answer[wardkeep.Leak]{Entry: entry, Body: leakView(got)}, nil
	})
}

func getIncident(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.Leak], error) {
	var out answer[wardkeep.Leak]
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		got, err := incident.FindBy(ctx, tx, c.app, c.param("incident"))
		if err == nil {
			out.Body = leakView(got)
		}
		return err
	})
	return out, err
}

// addToIncident takes what the app has found or done since it reported a case.
func addToIncident(s *Server, ctx context.Context, c *call, in *leakNoteInput) (answer[wardkeep.Leak], error) {
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.Leak], err error) {
		got, entry, err := incident.AddBy(ctx, tx, s.Ring, c.app, c.param("incident"), pii.New(in.Body.Words))
		if err != nil {
			return out, err
		}
		return answer[wardkeep.Leak]{Entry: entry, Body: leakView(got)}, nil
	})
}
