package web

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/catalog"
	"wardkeep/internal/cessation"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
)

// An ending is what pages say of the end of a service, or of purposes of it (Article
// 23). The zero ending says nothing.
type ending struct {
	Service  string // its name, if it ends itself
	Reason   string // a key
	Last     time.Time
	Ended    time.Time // zero until all was erased
	Purposes []endingPurpose

	Successor string // who takes it over; empty: nobody (edge case 18)
}

type endingPurpose struct {
	Label       string
	Last, Ended time.Time
}

// ending reads what ends of a service, in the words of the charter in force. Of a child, it
// says until when its own guardians can look, who may have been told late.
func (s *Server) ending(ctx context.Context, tx *db.Tx, service string, child family.ID, p catalog.Published, l i18n.Lang) (e ending, err error) {
	all, err := catalog.Cessations(ctx, tx, service)
	var late map[string]time.Time
	if err == nil && len(all) > 0 && child != "" {
		late, err = cessation.Late(ctx, tx, child)
	}
	for _, c := range all {
		ends := c.EndsAt
		if own, ok := late[c.Purpose]; ok {
			ends = own
		}
		last := ends.Add(-time.Microsecond) // which may be midnight: the day before is the last
		if c.Purpose == "" {
			e.Service, e.Reason, e.Last, e.Ended = p.Charter.Name.In(charter.Lang(l)), "web.ending.reason."+string(c.Reason), last, c.EndedAt
			if c.Takeover.Recipient != "" {
				e.Successor = partyLabel(p.Charter, charter.Lang(l), c.Takeover.Recipient)
			}
			continue
		}
		label := c.Purpose
		if purpose, ok := p.Charter.Purpose(c.Purpose); ok {
			label = purpose.Label.In(charter.Lang(l))
		}
		e.Purposes = append(e.Purposes, endingPurpose{label, last, c.EndedAt})
	}
	return e, err
}
