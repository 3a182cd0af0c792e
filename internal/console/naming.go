package console

import (
	"context"
	"strings"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/staff"
)

// naming finds what people are called whom the ledger names.
type naming struct {
	v       *visit
	tx      *db.Tx
	service string
	known   map[called]string // so that each is looked up once
}

type called struct{ service, actor string }

func (v *visit) names(tx *db.Tx, service string) naming {
	return naming{v, tx, service, make(map[called]string)}
}

// in is the naming of another service.
func (n naming) in(service string) naming {
	n.service = service
	return n
}

// of returns the name of an actor; of whoever has none here, what they are.
func (n naming) of(ctx context.Context, actor string) (name string, err error) {
	if name, ok := n.known[called{n.service, actor}]; ok || actor == "" {
		return name, nil
	}
	kind, who, _ := strings.Cut(actor, ":")
	switch kind {
	case "staff":
		var p staff.Person
		p, err = person(ctx, n.tx, who)
		name = p.Name
	case "officer":
		var o catalog.Officer
		o, err = catalog.FindOfficer(ctx, n.tx, n.service, who)
		if errs.Of(err).Is(catalog.ErrOfficerNotFound) {
			err = nil
		}
		name = o.Name
	case "party":
		p, seat := staff.Person{}, error(nil)
		if id.Is(id.PartySeat, who) {
			p, seat = staff.OfSeat(ctx, n.tx, who)
		}
		if seat != nil && !errs.Of(seat).Is(staff.ErrNotFound) {
			return "", seat
		}
		name = p.Name
	case "operator":
		name = n.v.lang.T("console.charters.terminal")
	}
	if name == "" {
		name = who
	}
	n.known[called{n.service, actor}] = name
	return name, err
}

// ofStaff returns the name of somebody of the staff, "st_…": of a person inside, or of who
// holds or held an office; "" for nobody.
func (n naming) ofStaff(ctx context.Context, who string) (string, error) {
	if who == "" {
		return "", nil
	}
	name, err := n.of(ctx, "staff:"+who)
	if err == nil && name == who {
		name, err = n.of(ctx, "officer:"+who)
	}
	return name, err
}
