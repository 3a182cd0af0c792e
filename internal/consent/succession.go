package consent

import (
	"context"
	"errors"
	"slices"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
)

// AskSuccession asks each verified guardian of a child about who takes over the
// service that ends, once, until the end of the window, and returns how many are asked
// (edge case 18). Whoever said no before isn't asked again (edge case 26): it may think
// again at home. From 14 on the app asks the minor itself (edge case 4). Nothing is sent:
// the message that tells of the end leads to the question. Of a child that nobody has
// agreed for nothing is held, and nobody is asked. What waits since before the announcement
// takes no answer any more and is cancelled. Called again, it asks nobody twice.
func (d Desk) AskSuccession(ctx context.Context, tx *db.Tx, by catalog.Actor, child family.Child, s catalog.Service) (asked int, err error) {
	if child.State != family.Active || !s.Succeeds(s.Successor.Purpose, tx.Now()) {
		return 0, nil
	}
	all, err := Requests(ctx, tx, child.ID)
	if err != nil {
		return 0, err
	}
	var guardians []family.Guardian
	if err := tx.Together(ctx, family.ReadGuardians(&guardians, child.ID)); err != nil {
		return 0, err
	}
	for _, g := range guardians {
		if !g.MayAnswer() {
			continue
		}
		for _, r := range all {
			if r.Guardian == g.ID && r.waits() && r.predates(s) && slices.Contains(r.Purposes, s.Successor.Purpose) {
				if _, _, err := Cancel(ctx, tx, by, r); err != nil {
					return asked, err
				}
			}
		}
		if _, asked := successionAsked(all, g.ID, s.Successor); asked {
			continue
		}
		_, _, _, err := d.Ask(ctx, tx, by, child, Asking{Guardian: g.ID, Purposes: []string{s.Successor.Purpose},
			Channel: Link, Locale: langOf(all, g.ID), until: s.Successor.Until})
		switch {
		case err == nil:
			asked++
		case !untold(err) && !errors.Is(err, ErrPast14) && !errors.Is(err, ErrPast18):
			return asked, err
		}
	}
	return asked, nil
}

// successionAsked returns the last request that asks a guardian about who takes over,
// whatever became of it, and whether there is one.
func successionAsked(all []Request, guardian family.GuardianID, to catalog.Successor) (last Request, asked bool) {
	for _, r := range all {
		if r.Guardian == guardian && r.Takeover && slices.Equal(r.Purposes, []string{to.Purpose}) {
			last, asked = r, true
		}
	}
	return last, asked
}

// SuccessionAsked returns the request that asks a guardian about who takes over, whether it
// waits or has its answer already: a guardian at home may be quicker than the message.
// Errors: ErrNoRequest.
func SuccessionAsked(ctx context.Context, tx *db.Tx, child family.ID, guardian family.GuardianID, to catalog.Successor) (Request, error) {
	all, err := Requests(ctx, tx, child)
	if err != nil {
		return Request{}, err
	}
	if r, asked := successionAsked(all, guardian, to); asked && (r.waits() || r.State == Answered) {
		return r, nil
	}
	return Request{}, ErrNoRequest
}

// SuccessionStands reports whether the yes still stands on which something of a child may
// be with who takes over (edge case 18): it was given after the announcement (see Fresh), by somebody
// who is still in office and proved well enough, and nobody says no (edge case 7). Where
// the child's age can't be read, none does: a missing fact never permits.
func (d Desk) SuccessionStands(ctx context.Context, tx *db.Tx, child family.Child, to catalog.Successor) (bool, error) {
	published, err := d.Charters.Current(ctx, tx, child.Service)
	if err != nil {
		return false, err
	}
	answers, guardians, err := standing(ctx, tx, child.ID)
	if err != nil {
		return false, err
	}
	class, err := child.Class(d.Ring, tx.Now())
	if err != nil {
		return false, nil
	}
	v := Standing(Fresh(answers, to.Purpose), guardians, class, to.Purpose, published.AskedSince[to.Purpose])
	return v.Granted && v.Strength >= Needs(published.Charter, charter.Transfer, to.Recipient), nil
}

// TallySuccession counts what became of the question in the living children of a service, as
// they are. It reads all of them: some seconds for a million.
func TallySuccession(ctx context.Context, tx *db.Tx, service string, to catalog.Successor) (t catalog.Tally, err error) {
	err = db.Each(ctx, tx, func(row db.Row) error {
		return row.Scan(&t.Asked, &t.Agreed, &t.Refused, &t.Handed)
	}, `
		SELECT CAST(coalesce(sum(CASE WHEN t.asked THEN 1 ELSE 0 END), 0) AS bigint),
			CAST(coalesce(sum(CASE WHEN t.yes AND NOT t.refused THEN 1 ELSE 0 END), 0) AS bigint),
			CAST(coalesce(sum(CASE WHEN t.refused THEN 1 ELSE 0 END), 0) AS bigint),
			CAST(coalesce(sum(CASE WHEN t.handed_at IS NULL THEN 0 ELSE 1 END), 0) AS bigint)
		FROM (
			SELECT c.handed_at,
				EXISTS (SELECT 1 FROM consent_request r WHERE r.child = c.child AND r.purposes = $1 AND r.takeover) AS asked,
				EXISTS (SELECT 1 FROM consent a WHERE a.child = c.child AND a.purpose = $1 AND a.granted AND a.ended_at IS NULL AND a.takeover) AS yes,
				EXISTS (SELECT 1 FROM consent n WHERE n.child = c.child AND n.purpose = $1 AND NOT n.granted AND n.ended_at IS NULL) AS refused
			FROM child c WHERE c.service = $2 AND c.state <> 'erased'
		) t`, to.Purpose, service)
	return t, err
}
