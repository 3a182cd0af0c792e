package api

import (
	"context"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
)

// getService returns the app's service, and what of it ends (Article 23): the operator
// is told before the gate refuses.
func getService(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.Service], error) {
	var out answer[wardkeep.Service]
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		v, err := catalog.Find(ctx, tx, c.app.Service)
		if err != nil {
			return err
		}
		ends, err := catalog.Cessations(ctx, tx, c.app.Service)
		if err != nil {
			return err
		}
		out.Body = wardkeep.Service{Service: v.Name, State: string(v.State), Charter: v.Charter, Ends: []wardkeep.Ending{}}
		for _, e := range ends {
			end := wardkeep.Ending{Purpose: e.Purpose, Reason: string(e.Reason), AnnouncedAt: e.AnnouncedAt, EndsAt: e.EndsAt}
			if !e.EndedAt.IsZero() {
				end.EndedAt = &e.EndedAt
			}
			if e.Takeover != (catalog.Takeover{}) {
				end.Successor = &wardkeep.Successor{Recipient: e.Takeover.Recipient, Purpose: e.Takeover.Purpose}
			}
			out.Body.Ends = append(out.Body.Ends, end)
		}
		return nil
	})
	return out, err
}
