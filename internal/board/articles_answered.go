package board

import (
	"context"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/cessation"
	"wardkeep/internal/complaint"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/rectification"
	"wardkeep/internal/stream"
	"wardkeep/internal/tally"
	"wardkeep/internal/witness"
	"wardkeep/internal/yearly"
)

// What follows is how Articles 19 to 29 are computed: what has to be answered to children, guardians and the authority.

// Article 19: what is demanded to be corrected, or to be told, has a clock.
func article19(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	near, late, err := s.demands(ctx, tx, false)
	return []Figure{told("demanded", s.sum(tally.Demanded)), told("answered", s.sum(tally.Answered)), seen("demands_near", near), bad("demands_late", late)}, err
}

// Article 20: what is demanded to be deleted is, with the next sweep.
func article20(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	near, late, err := s.demands(ctx, tx, true)
	if err != nil {
		return nil, err
	}
	erasures, err := count(ctx, tx, `
		SELECT count(*) FROM (SELECT id FROM rights_request WHERE service = $1 AND erase_at <= $2 LIMIT $3) AS late`,
		s.Name, micros(tx.Now().Add(-s.Patience)), int64(Many))
	return []Figure{told("erased", s.sum(tally.Erased)), seen("demands_near", near), bad("demands_late", late), bad("erasures_late", erasures)}, err
}

// Article 21: what may have leaked is looked at while it is open, and each of its clocks is kept:
// until it is graded, until the authority is told, until children and guardians are, until all
// is done.
//
// The plan is started immediately: who has none that counts can't, and finds out when something
// leaks. So its lack is broken now, though no case is open. That nobody has tried it within the
// term is to be looked at: the law names no drill, and an inspector asks for one.
func article21(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	open, late, err := incident.Count(ctx, tx, s.Name)
	if err != nil {
		return nil, err
	}
	plan, err := s.lacks(ctx, tx, catalog.EmergencyPlan)
	if err != nil {
		return nil, err
	}
	drill, err := s.lacks(ctx, tx, catalog.EmergencyDrill)
	return []Figure{seen("incidents_open", open), bad("incidents_late", late), bad("plan_none", plan), seen("drill_none", drill)}, err
}

// lacks is 1 where the service must have a plan and there is none that counts, or no drill.
func (s *standing) lacks(ctx context.Context, tx *db.Tx, kind catalog.RecordKind) (int64, error) {
	owes, err := s.OwesPlan(ctx, tx)
	if err != nil || !owes {
		return 0, err
	}
	var until time.Time
	if kind == catalog.EmergencyPlan {
		until, err = incident.PlannedUntil(ctx, tx, s.Name)
	} else {
		var r catalog.Record
		if r, err = catalog.LastPlan(ctx, tx, s.Name, kind); errors.Is(err, catalog.ErrRecordNotFound) {
			return 1, nil
		}
		until = r.Until()
	}
	if err == nil && !tx.Now().Before(until) {
		return 1, nil
	}
	return 0, err
}

// numbering is how long an entry may wait for its place.
const numbering = time.Minute

// Article 22: an inspector asks for the yearly audits. One that isn't filed when January is over
// is late by the law; from December on somebody has to look after it.
func article22(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	n, err := yearly.Count(ctx, tx, s.Service)
	return []Figure{told("audits_filed", n.Filed), seen("audits_open", n.Open), bad("audits_late", n.Late)}, err
}

// recorded: what an inspector is shown is the ledger, whose head is signed.
func recorded(ctx context.Context, tx *db.Tx, _ Desk) ([]Figure, error) {
	head, err := ledger.Head(ctx, tx)
	if err != nil {
		return nil, err
	}
	oldest, err := ledger.OldestPending(ctx, tx)
	if err != nil {
		return nil, err
	}
	outside, err := witness.CountLate(ctx, tx)
	if err != nil {
		return nil, err
	}
	behind, err := tally.Behind(ctx, tx)
	waits, forged := int64(0), int64(0)
	if !oldest.IsZero() && tx.Now().Sub(oldest) > numbering {
		waits = 1
	}
	if !signed(head) {
		forged = 1
	}
	return []Figure{told("entries", head.Size), told("entries_uncounted", behind), seen("checkpoints_late", outside), bad("numbering_late", waits), bad("head_unsigned", forged)}, err
}

// signed reports whether the checkpoint tells what the head does; that it is signed by the
// ledger's key is proved by a verification.
func signed(head ledger.Root) bool {
	lines := strings.Split(head.Checkpoint, "\n")
	if head.Checkpoint == "" {
		return head.Size == 0
	}
	return len(lines) > 3 && lines[1] == strconv.FormatInt(head.Size, 10) && lines[2] == base64.StdEncoding.EncodeToString(head.Root[:])
}

// Article 23: what ends is over by its day.
func article23(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	announced, err := count(ctx, tx, `SELECT count(*) FROM cessation WHERE service = $1 AND ended_at IS NULL`, s.Name)
	if err != nil {
		return nil, err
	}
	late, err := catalog.CountLate(ctx, tx, s.Name, cessation.Patience)
	return []Figure{told("ends", announced), bad("ends_late", late)}, err
}

// Article 24: each notice says how to report to the authority, and what was reported to the
// desk of the operator's own is acknowledged and answered by its day. Nobody has to come there
// first, and what reached the authority alone nothing here counts.
func article24(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	var routes, none int64
	if s.charter != nil {
		if routes = int64(len(s.charter.Channels.Authority)); routes == 0 {
			none = 1
		}
	}
	open, err := complaint.CountOpen(ctx, tx, s.Name)
	if err != nil {
		return nil, err
	}
	late, err := complaint.CountLate(ctx, tx, s.Name)
	return []Figure{told("authority", routes), seen("reports_open", open), bad("reports_late", late), bad("authority_none", none), bad("charter_unreadable", s.unreadable)}, err
}

// Article 25: a summons is answered, and what has to be put right is, by its day: proved by its
// owner and confirmed by another.
func article25(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	summons, err := rectification.Count(ctx, tx, s.Name, rectification.Summons, Many)
	if err != nil {
		return nil, err
	}
	items, err := rectification.Count(ctx, tx, s.Name, rectification.Item, Many)
	return []Figure{told("rectified", summons.Closed+items.Closed), told("rectified_in_time", summons.InTime+items.InTime),
		seen("summonses_open", summons.Open), seen("rectifications_open", items.Open), bad("rectifications_late", summons.Late+items.Late)}, err
}

// Article 26: a sanction is complied with by its day, and that is proved.
func article26(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	n, err := rectification.Count(ctx, tx, s.Name, rectification.Sanction, Many)
	return []Figure{told("sanctions_complied", n.Closed), seen("sanctions_open", n.Open), bad("sanctions_late", n.Late)}, err
}

// Article 27: an entry in a credit file stands until its end, or its repair, is proved.
func article27(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	n, err := rectification.Count(ctx, tx, s.Name, rectification.Credit, Many)
	return []Figure{told("credits_ended", n.Closed), seen("credits_open", n.Open), bad("credits_late", n.Late)}, err
}

// Article 28: what systems keep by themselves is under other rules only where nobody can be
// told by it to be a child, which a test has to show. A service of which nobody has said what
// its systems keep is to be looked at: each keeps something.
func article28(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	own, err := stream.CountOf(ctx, tx, s.Name)
	if err != nil {
		return nil, err
	}
	shared, err := stream.SharedAny(ctx, tx)
	if err != nil {
		return nil, err
	}
	none := int64(0)
	if own.Open == 0 && !shared && !s.Ceases("") {
		none = 1
	}
	bare, err := stream.Uncovered(ctx, tx, s.Service)
	return []Figure{told("streams", own.Open), seen("streams_none", none), seen("streams_ending", own.Ending), bad("streams_linkable", own.Linkable),
		bad("streams_uncovered", int64(len(bare)))}, err
}

// kept counts the streams that several services write to, and those of this program.
func kept(ctx context.Context, tx *db.Tx, _ Desk) ([]Figure, error) {
	shared, err := stream.CountShared(ctx, tx)
	return []Figure{told("streams", shared.Open), seen("streams_ending", shared.Ending), bad("streams_linkable", shared.Linkable),
		told("streams_own", int64(len(stream.Owned)))}, err
}

// Article 29: what came from before is asked about like anything else, and goes when nobody
// answers.
func article29(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	waiting, err := count(ctx, tx, `
		SELECT count(*) FROM (SELECT child FROM child WHERE service = $1 AND expires_at > $2 LIMIT $3) AS waiting`,
		s.Name, micros(tx.Now()), int64(Many))
	if err != nil {
		return nil, err
	}
	late, err := s.unconsented(ctx, tx)
	return []Figure{told("unconsented", waiting), bad("unconsented_late", late)}, err
}
