package approval

import (
	"context"
	"strings"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/staff"
)

// ProposeCharter proposes a charter, as a person whom the matrix lets: catalog.Propose.
// Errors: ErrMayNot, and those of it.
func ProposeCharter(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Person, c *charter.Charter, touches catalog.Touches) (catalog.Draft, string, error) {
	_, who, err := colleague(ctx, tx, by, staff.ProposeCharter, c.Service)
	if err != nil {
		return catalog.Draft{}, "", err
	}
	return catalog.Propose(ctx, tx, ring, who, c, touches)
}

// ApproveCharter puts a proposal into force, as a person who holds an office of the
// service (Article 8): somebody else than who has proposed it, for whom, too, who has
// proposed it has made no link to sign in. Errors: ErrMayNot, ErrMade, and those of
// catalog.Approve.
func ApproveCharter(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Person, service string, number int64, seen catalog.Seen, words string) (catalog.Published, string, error) {
	p, who, err := colleague(ctx, tx, by, staff.PublishCharter, service)
	if err != nil {
		return catalog.Published{}, "", err
	}
	proposal, err := catalog.Proposal(ctx, tx, ring, service, number)
	if err != nil {
		return catalog.Published{}, "", err
	}
	behind, err := staff.BackingOf(ctx, tx, p.ID)
	if err != nil {
		return catalog.Published{}, "", err
	}
	if proposer, inside := strings.CutPrefix(proposal.ProposedBy, "staff:"); inside && proposer != p.ID && p.RestsOn(behind, proposer, staff.PublishCharter, service) {
		return catalog.Published{}, "", ErrMade
	}
	return catalog.Approve(ctx, tx, ring, who, service, number, seen, words)
}

// RefuseCharter refuses a proposal, as a person who holds an office of the service.
// Errors: ErrMayNot, and those of catalog.Refuse.
func RefuseCharter(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Person, service string, number int64, words string) (string, error) {
	_, who, err := colleague(ctx, tx, by, staff.PublishCharter, service)
	if err != nil {
		return "", err
	}
	return catalog.Refuse(ctx, tx, ring, who, service, number, words)
}

// TakeBackCharter takes back what the person has proposed, while the matrix lets them
// propose. Errors: ErrMayNot, and those of catalog.TakeBack.
func TakeBackCharter(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Person, service string, number int64) (string, error) {
	_, who, err := colleague(ctx, tx, by, staff.ProposeCharter, service)
	if err != nil {
		return "", err
	}
	return catalog.TakeBack(ctx, tx, ring, who, service, number)
}

// colleague holds a person to the end of the transaction, and returns what the matrix
// makes of them, in a service.
func colleague(ctx context.Context, tx *db.Tx, by staff.Person, a staff.Action, service string) (staff.Person, catalog.Colleague, error) {
	p, err := hold(ctx, tx, by.ID)
	if err != nil {
		return p, catalog.Colleague{}, err
	}
	s, err := catalog.Find(ctx, tx, service)
	if err == nil && !May(p, a, s) {
		err = ErrMayNot
	}
	if err != nil {
		return p, catalog.Colleague{}, err
	}
	who := catalog.Colleague{Person: p.ID, Version: p.Version, Service: s.Name}
	if InOffice(p, s) {
		who.Office, err = catalog.FindOfficer(ctx, tx, s.Name, p.Office(s.Name))
	}
	return p, who, err
}
