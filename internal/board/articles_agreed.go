package board

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/border"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/gate"
	"wardkeep/internal/party"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/takedown"
	"wardkeep/internal/tally"
)

// What follows is how Articles 2 to 11 are computed: who is a child, and what is agreed before anything is collected.

// Article 2: who may be a child is treated as one, until somebody has decided by its day.
func article2(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	late, err := suspicion.CountLate(ctx, tx, s.Name)
	if err != nil {
		return nil, err
	}
	open, err := count(ctx, tx, `
		SELECT count(*) FROM (SELECT id FROM suspicion WHERE service = $1 AND closed_at IS NULL LIMIT $2) AS open`, s.Name, int64(Many))
	return []Figure{told("suspicions", open), seen("suspicions_late", late)}, err
}

// Article 3: each use names an activity that is declared for its purpose.
func article3(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	n := int64(0)
	if s.charter != nil {
		for _, p := range s.charter.Purposes {
			n += int64(len(p.Activities))
		}
	}
	abroad, unfiled, err := s.storedAbroad(ctx, tx)
	if err != nil {
		return nil, err
	}
	read, unread, err := s.readAbroad(ctx, tx)
	if err != nil {
		return nil, err
	}
	clocks, err := clocksOf(ctx, tx, s.Name, party.Storage, party.Access)
	return []Figure{told("activities", n), told("uses_looked", s.uses.looked), told("stored_abroad", abroad), seen("storage_unfiled", unfiled),
		told("read_abroad", read), seen("access_unfiled", unread), clocks.ending(),
		bad("uses_activity", s.uses.activities), bad("charter_unreadable", s.unreadable)}, err
}

// crossed counts the children of whom something has left the country this year, of the whole
// operator, as the Cross-border provisions do (Articles 7 and 8).
func crossed(ctx context.Context, tx *db.Tx, _ Desk) ([]Figure, error) {
	year, err := border.ThisYear(ctx, tx)
	if err != nil {
		return nil, err
	}
	near, err := border.Near(ctx, tx)
	return []Figure{told("border_persons", year.Persons), seen("borders_near", near)}, err
}

// storedAbroad counts the purposes whose items are kept abroad, and those of them for which no
// mechanism holds (edge case 20): the gate denies what is done for them.
func (s *standing) storedAbroad(ctx context.Context, tx *db.Tx) (n, unfiled int64, err error) {
	if s.charter == nil || s.charter.Storage.Country == charter.Home {
		return 0, 0, nil
	}
	var storage []party.Standing
	if err := tx.Together(ctx, party.ReadStanding(&storage, party.StorageOf(s.Name))); err != nil {
		return 0, 0, err
	}
	for _, p := range s.charter.Purposes {
		if s.Ceases(p.Name) {
			continue
		}
		n++
		if len(storage) == 0 || !gate.Keeps(s.charter, p, storage[0], tx.Now()) {
			unfiled++
		}
	}
	return n, unfiled, nil
}

// readAbroad counts the purposes that are read from abroad, once for each country, and those of
// them for which no mechanism holds there (edge case 20): the gate denies who reads there.
func (s *standing) readAbroad(ctx context.Context, tx *db.Tx) (n, unfiled int64, err error) {
	if s.charter == nil || len(s.charter.ReadAbroad()) == 0 {
		return 0, 0, nil
	}
	var all []party.Standing
	if err := tx.Together(ctx, party.ReadAll(&all, s.Name)); err != nil {
		return 0, 0, err
	}
	for _, p := range s.charter.Purposes {
		for _, country := range p.AccessFrom {
			if s.Ceases(p.Name) {
				continue
			}
			n++
			if !gate.Reads(s.charter, p, string(country), all, tx.Now()) {
				unfiled++
			}
		}
	}
	return n, unfiled, nil
}

// Article 4: what is published and harms a child's information comes down by its day. How
// much of it was never published, because it was held, is in no entry.
func article4(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	late, err := takedown.CountLate(ctx, tx, s.Name)
	if err != nil {
		return nil, err
	}
	open, err := count(ctx, tx, `
		SELECT count(*) FROM (SELECT id FROM takedown WHERE service = $1 AND closed_at IS NULL LIMIT $2) AS open`, s.Name, int64(Many))
	screened := int64(0)
	if s.charter != nil {
		screened = int64(len(gate.Screened(s.charter)))
	}
	return []Figure{told("screened", screened), told("takedowns", open), seen("takedowns_late", late)}, err
}

// Article 5: guidance is offered with each notice that is shown here.
func article5(_ context.Context, _ *db.Tx, s *standing) ([]Figure, error) {
	with := s.happened[tally.Shown][tally.Guidance]
	return []Figure{told("shown_guided", with), seen("shown_alone", s.sum(tally.Shown)-with)}, nil
}

// Article 7: no item without the reason why it is needed, no purpose without a period, nor
// without an assessment of what it does to children (PIPL 55). One whose time is over was
// made before: it is to be made again, by a term of ours.
func article7(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	var purposes, items, blank int64
	if s.charter != nil {
		for _, p := range s.charter.Purposes {
			if purposes++; p.Retention == (charter.Retention{}) {
				blank++
			}
		}
		for _, i := range s.charter.Items {
			if items++; i.Necessity.In(charter.Chinese) == "" {
				blank++
			}
		}
	}
	assessed, over, missing, err := s.assessments(ctx, tx)
	return []Figure{told("purposes", purposes), told("items", items), told("assessed", assessed), seen("impacts_over", over), bad("impacts_missing", missing),
		bad("charter_blank", blank), bad("charter_unreadable", s.unreadable)}, err
}

// assessments counts the purposes in force whose assessment counts, those whose is out of
// date, and those that have none, or one that speaks against them.
func (s *standing) assessments(ctx context.Context, tx *db.Tx) (good, over, missing int64, err error) {
	if s.charter == nil || s.Ceases("") {
		return 0, 0, 0, nil
	}
	all, err := catalog.Standings(ctx, tx, s.Ring, s.Name, s.Charter, s.charter)
	for _, one := range all {
		if s.Ceases(one.Purpose) {
			continue
		}
		switch one.Lack {
		case "":
			good++
		case catalog.Expired:
			over++
		default:
			missing++
		}
	}
	return good, over, missing, err
}

// Article 8: rules, agreement, officer and deputy come first. While one of them lacks, the
// gate is closed: nothing is broken into, and the duty isn't met. What ends needs none. That somebody is in
// office by no document closes nothing, and an inspector asks for it.
func article8(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	var open, vacant, without int64
	var unproved []string
	if !s.Ceases("") {
		var err error
		if unproved, err = catalog.Unproved(ctx, tx, s.Name); err != nil {
			return nil, err
		}
		for _, missing := range s.Missing() {
			switch missing {
			case catalog.MissingOfficer, catalog.MissingDeputy:
				vacant++
			case catalog.MissingCharter:
				without++
			}
		}
		if vacant+without == 0 {
			open++
		}
	}
	return []Figure{told("services_open", open), bad("offices_vacant", vacant), bad("charter_none", without),
		seen("offices_unproved", int64(len(unproved)))}, nil
}

// Article 9: a yes, or nothing; and what nobody has answered in time is gone (edge case 5).
func article9(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	late, err := s.unconsented(ctx, tx)
	return []Figure{told("granted", s.sum(tally.Granted)), told("refused", s.sum(tally.Refused)), told("withdrawn", s.sum(tally.Withdrawn)),
		bad("unconsented_late", late)}, err
}

// unconsented counts the children whom nobody has answered for, and who should be erased.
func (s *standing) unconsented(ctx context.Context, tx *db.Tx) (int64, error) {
	return count(ctx, tx, `
		SELECT count(*) FROM (SELECT child FROM child WHERE service = $1 AND expires_at <= $2 LIMIT $3) AS late`,
		s.Name, micros(tx.Now().Add(-s.Patience)), int64(Many))
}

// Article 10: the notice that was published is the one that is there, in each language.
func article10(_ context.Context, _ *db.Tx, s *standing) ([]Figure, error) {
	return []Figure{told("documents", s.documents-s.lost), bad("documents_lost", s.lost), bad("charter_unreadable", s.unreadable)}, nil
}

// Article 11: nothing that the purpose doesn't need. What is refused is refused at the edge.
func article11(_ context.Context, _ *db.Tx, s *standing) ([]Figure, error) {
	return []Figure{told("denied_11", s.happened[tally.Denied]["11"]), told("uses_looked", s.uses.looked), bad("uses_items", s.uses.items)}, nil
}
