package api

import (
	"context"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/warning"
)

type returnedInput struct{ Body wardkeep.NewReturned }

// messageReturned takes what a mail server or a gateway of the operator's says of a message that
// it had taken (Article 21): whoever it was for is told by the next way.
func messageReturned(s *Server, ctx context.Context, c *call, in *returnedInput) (answer[wardkeep.Returned], error) {
	teller := warning.Teller{Store: s.Store, Desk: warning.Desk{Consent: s.desk, Messages: s.Messages, PublicURL: s.PublicURL}}
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.Returned], err error) {
		a, err := teller.CameBack(ctx, tx, c.app, pii.New(in.Body.To), in.Body.Message)
		return answer[wardkeep.Returned]{Body: wardkeep.Returned{State: string(a.State)}}, err
	})
}
