package api

import (
	"context"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/charter"
	"wardkeep/internal/gate"
)

type disclosureInput struct{ Body wardkeep.Disclosure }

// disclose releases values to an audience (Article 18): none but those that the charter
// shows it for the purpose, and that a guardian has agreed to. Its answer holds values, so
// it is kept nowhere; it leaves after the commit (Invariant 2).
func disclose(s *Server, ctx context.Context, c *call, in *disclosureInput) (answer[wardkeep.Values], error) {
	var out answer[wardkeep.Values]
	err := s.Store.Update(ctx, func(tx *db.Tx) error {
		out = answer[wardkeep.Values]{} // it may run again
		child, err := s.childID(ctx, tx, c.app.Service, c.param("child"))
		if err != nil {
			return err
		}
		opened, err := s.Vault.Open(ctx, tx, c.by, gate.Use{Service: c.app.Service, Child: child, Activity: charter.Disclose,
			Purpose: in.Body.Purpose, Items: in.Body.Items, Party: in.Body.Audience}, nil)
		if err != nil {
			return err
		}
		out.Body, out.Entry = wardkeep.Values{Values: shown(opened.Values)}, opened.Entry
		return nil
	})
	return out, err
}
