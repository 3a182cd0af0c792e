package approval

import (
	"context"
	"slices"
	"strings"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	parties "wardkeep/internal/party"
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
// service (Article 8): somebody else than who has proposed it, where neither has made the
// link of the other, for then the two may be one (staff.Confirm). A person inside who has
// proposed it is held, and still here: of who has left nobody knows any more who made
// them. Errors: ErrMayNot, ErrMade, ErrMaker, ErrProposer, and those of catalog.Approve.
func ApproveCharter(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Person, service string, number int64, seen catalog.Seen, words string) (catalog.Published, string, error) {
	fail := func(err error) (catalog.Published, string, error) { return catalog.Published{}, "", err }
	proposal, none := catalog.Proposal(ctx, tx, ring, service, number)
	proposer, inside := strings.CutPrefix(proposal.ProposedBy, "staff:")
	if !inside {
		proposer = "" // it was proposed at the terminal
	}
	held, err := all(ctx, tx, by.ID, proposer)
	if err != nil {
		return fail(err)
	}
	p, s, who, err := colleagueOf(ctx, tx, held[by.ID], staff.PublishCharter, service)
	if err == nil {
		err = none
	}
	if err != nil {
		return fail(err)
	}
	if inside && proposer != p.ID {
		proposes, err := party(ctx, tx, held[proposer], staff.ProposeCharter)
		if err != nil {
			return fail(err)
		}
		approves, err := party(ctx, tx, p, staff.PublishCharter)
		if err == nil && slices.Contains(approves.Backers(s), proposer) {
			err = ErrMade
		}
		if err == nil && proposes.Person.State != staff.Active {
			err = ErrProposer
		}
		if err == nil {
			err = Apart(s, false, proposes, approves)
		}
		if err != nil {
			return fail(err)
		}
		who.Proposer = proposes.Person.Version
	}
	published, entry, err := catalog.Approve(ctx, tx, ring, who, service, number, seen, words)
	if err == nil {
		err = parties.Follow(ctx, tx, who.Office, service, published.Charter)
	}
	return published, entry, err
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
	p, _, who, err := colleagueOf(ctx, tx, p, a, service)
	return p, who, err
}

// colleagueOf does so with a person who is held.
func colleagueOf(ctx context.Context, tx *db.Tx, p staff.Person, a staff.Action, service string) (staff.Person, catalog.Service, catalog.Colleague, error) {
	s, err := catalog.Find(ctx, tx, service)
	if err == nil && !May(p, a, s) {
		err = ErrMayNot
	}
	if err != nil {
		return p, s, catalog.Colleague{}, err
	}
	who := catalog.Colleague{Person: p.ID, Version: p.Version, Service: s.Name}
	if InOffice(p, s) {
		who.Office, err = catalog.FindOfficer(ctx, tx, s.Name, p.Office(s.Name))
	}
	return p, s, who, err
}
