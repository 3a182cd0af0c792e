package desk

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
)

// endPage is what end.html shows: what follows the end of what the party stands on, and the form
// by which it says that all is deleted (Article 16(4)).
type endPage struct {
	EndedAt  time.Time // zero: it hasn't ended
	Until    time.Time // then: when it ends as things stand
	Parting  bool      // not all was ordered yet
	StatedAt time.Time // zero: nothing was said
	Orders   owed
	More     bool // some were attested, and some are left
	Document string
	Problem  string
}

func (s *Server) ending(v *visit) error { return v.endPage("", nil) }

func (v *visit) endPage(document string, problem error) error {
	words, _, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := endPage{Document: document, Problem: words, More: v.r.URL.Query().Has("more")}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		now := tx.Now()
		p, err := party.Find(ctx, tx, v.by.Key.Party)
		if err != nil {
			return err
		}
		page.Orders = owed{}
		if page.EndedAt = p.EndedAt(now); page.EndedAt.IsZero() {
			if page.Until = p.Paper().Until; !p.EndsAt.IsZero() && p.EndsAt.Before(page.Until) {
				page.Until = p.EndsAt
			}
			return nil
		}
		page.Parting = p.Parting(now)
		st, err := order.StatementOf(ctx, tx, p.ID, page.EndedAt)
		if err != nil {
			return err
		}
		if page.StatedAt = st.AttestedAt; !page.StatedAt.IsZero() {
			page.Document = st.Document
		}
		open, err := order.ListOf(ctx, tx, p.ID, order.Order{}, mostCounted+1)
		for _, o := range open {
			page.Orders.add(!now.Before(o.DueAt))
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "end", page)
}

// mostAtOnce is how many orders one statement attests in a transaction: whoever has more states
// again.
const mostAtOnce = 200

// state takes that the party has deleted all that it was told to after its end: one document
// for all of its orders.
func (s *Server) state(v *visit) error {
	document, err := v.document()
	if err != nil {
		return err
	}
	var st order.Statement
	err = v.act(func(ctx context.Context, tx *db.Tx) (err error) {
		_, st, _, err = s.book().AttestEnd(ctx, tx, v.by, document, mostAtOnce)
		return err
	})
	switch {
	case err != nil:
		return v.endPage(document, err)
	case st.AttestedAt.IsZero():
		return v.to("/party/end", "more", "")
	}
	return v.to("/party/end")
}
