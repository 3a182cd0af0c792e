package board

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/assistance"
	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/border"
	"wardkeep/internal/catalog"
	"wardkeep/internal/cessation"
	"wardkeep/internal/charter"
	"wardkeep/internal/complaint"
	"wardkeep/internal/gate"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/rectification"
	"wardkeep/internal/replay"
	"wardkeep/internal/retention"
	"wardkeep/internal/stream"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/takedown"
	"wardkeep/internal/tally"
	"wardkeep/internal/vault"
	"wardkeep/internal/webhook"
	"wardkeep/internal/yearly"
)

// articles has how each of the 29 is computed, the first at 0.
var articles = [Articles]article{
	{rest: Outside},
	{rest: Holds, each: article2},
	{rest: Holds, each: article3, whole: crossed},
	{rest: Holds, each: article4},
	{rest: Holds, each: article5},
	{rest: Outside},
	{rest: Holds, each: article7},
	{rest: Holds, each: article8},
	{rest: Holds, each: article9},
	{rest: Holds, each: article10},
	{rest: Holds, each: article11},
	{rest: Holds, each: article12, whole: sweeps},
	{rest: Holds, whole: article13},
	{rest: Holds, each: article14},
	{rest: Holds, each: article15, whole: matched},
	{rest: Holds, each: article16},
	{rest: Holds, each: article17},
	{rest: Holds, each: article18},
	{rest: Holds, each: article19},
	{rest: Holds, each: article20},
	{rest: Holds, each: article21},
	{rest: Holds, each: article22, whole: recorded},
	{rest: Holds, each: article23},
	{rest: Holds, each: article24},
	{rest: Holds, each: article25},
	{rest: Holds, each: article26},
	{rest: Holds, each: article27},
	{rest: Holds, each: article28, whole: kept},
	{rest: Holds, each: article29},
}

// told is a number that only tells.
func told(name string, n int64) Figure { return Figure{Name: name, N: n} }

// bad is a number that must be 0.
func bad(name string, n int64) Figure { return Figure{Name: name, N: n, Else: Broken} }

// seen is a number that somebody has to look at while it isn't 0.
func seen(name string, n int64) Figure { return Figure{Name: name, N: n, Else: Attention} }

// count runs a query that counts, Many at most.
func count(ctx context.Context, tx *db.Tx, query string, args ...any) (int64, error) {
	return db.One(ctx, tx, db.Single[int64], query, args...)
}

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

// Article 12: every value ends, and is erased then.
func article12(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	swept, err := vault.LastSwept(ctx, tx, s.Name)
	if err != nil {
		return nil, err
	}
	purposes, err := vault.Purposes(ctx, tx, s.Name, tx.Now().Add(-s.Patience))
	overdue := int64(0)
	for _, p := range purposes {
		overdue += p.Overdue
	}
	return []Figure{told("values_erased", swept.Erased), bad("values_overdue", overdue)}, err
}

// sweeps says whether a sweep has lately left nothing due.
func sweeps(ctx context.Context, tx *db.Tx, d Desk) ([]Figure, error) {
	swept, err := retention.LastSweep(ctx, tx)
	late := int64(0)
	if !swept.IsZero() && tx.Now().Sub(swept) > d.Patience {
		late = 1
	}
	return []Figure{seen("sweep_late", late)}, err
}

// Article 13: values exist encrypted only, under keys of which one is the current one. A
// key that retires still holds children while its rotation isn't over.
func article13(ctx context.Context, tx *db.Tx, _ Desk) ([]Figure, error) {
	var keys, current, retiring int64
	var former []string
	err := db.Each(ctx, tx, func(row db.Row) error {
		var name, state string
		err := row.Scan(&name, &state)
		keys++
		switch state {
		case keyring.StateCurrent:
			current++
		default:
			former = append(former, name)
		}
		return err
	}, `SELECT id, state FROM keyring_key WHERE purpose = $1 ORDER BY id`, keyring.PurposePool)
	if err != nil {
		return nil, err
	}
	for _, name := range former {
		n, err := count(ctx, tx, `SELECT count(*) FROM (SELECT child FROM child WHERE pool = $1 LIMIT 1) AS held`, name)
		if err != nil {
			return nil, err
		}
		retiring += n
	}
	none := int64(0)
	if current != 1 {
		none = 1
	}
	copies, err := backup.KeyCopies(ctx, tx)
	uncopied := int64(0)
	for _, c := range copies {
		if !tx.Now().Before(c.Due()) {
			uncopied++
		}
	}
	return []Figure{told("keys", keys), seen("keys_retiring", retiring), seen("keys_uncopied", uncopied), bad("keys_none", none)}, err
}

// Article 14: a use for a purpose that nobody has agreed to is none.
func article14(_ context.Context, _ *db.Tx, s *standing) ([]Figure, error) {
	return []Figure{told("permitted", s.sum(tally.Permitted)), told("denied", s.sum(tally.Denied)), told("uses_looked", s.uses.looked),
		bad("uses_purpose", s.uses.purposes)}, nil
}

// Article 15: by another person's decision, recorded, and reviewed where it couldn't wait.
func article15(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	now := tx.Now().UnixMicro()
	waiting, err := count(ctx, tx, `
		SELECT count(*) FROM (
			SELECT id FROM approval WHERE service = $1 AND state IN ('open', 'agreed') AND NOT glass AND answer_by > $2 LIMIT $3
		) AS open`, s.Name, now, int64(Many))
	if err != nil {
		return nil, err
	}
	open, err := count(ctx, tx, `
		SELECT count(*) FROM (SELECT request FROM broken_glass WHERE reviewed_at IS NULL AND review_by > $1 AND service = $2 LIMIT $3) AS open`, now, s.Name, int64(Many))
	if err != nil {
		return nil, err
	}
	late, err := count(ctx, tx, `
		SELECT count(*) FROM (SELECT request FROM broken_glass WHERE reviewed_at IS NULL AND review_by <= $1 AND service = $2 LIMIT $3) AS late`, now, s.Name, int64(Many))
	if err != nil {
		return nil, err
	}
	apps, err := account.KnownOutside(ctx, tx, s.Name)
	if err != nil {
		return nil, err
	}
	hooks, err := webhook.KnownOutside(ctx, tx, s.Name)
	if err != nil {
		return nil, err
	}
	unmatched, err := s.unmatched(ctx, tx)
	return []Figure{told("looks_asked", s.happened[tally.Asked]["asked"]), told("looks_waiting", waiting), seen("alarms", s.sum(tally.Alarm)),
		seen("reviews_open", open), bad("reviews_late", late), seen("matching_late", unmatched),
		seen("secrets_known", int64(len(apps)+len(hooks)))}, err
}

// unmatched is 1 where somebody has asked for a look within the month, and nobody has matched
// looks with their approvals as long: what isn't matched is found by nobody.
func (s *standing) unmatched(ctx context.Context, tx *db.Tx) (int64, error) {
	if s.happened[tally.Asked]["asked"] == 0 {
		return 0, nil
	}
	m, err := replay.LastMatched(ctx, tx, s.Ring)
	switch e := errs.Of(err); {
	case err == nil && tx.Now().Sub(m.At) <= month*24*time.Hour, e.Is(replay.ErrMatchingForged): // of which matched tells
		return 0, nil
	case err == nil, e.Is(replay.ErrNoMatching):
		return 1, nil
	}
	return 0, err
}

// matched says what the last reconciliation of looks with their approvals found. Before the
// first there is no number of what doesn't match: nobody has looked.
func matched(ctx context.Context, tx *db.Tx, d Desk) ([]Figure, error) {
	m, err := replay.LastMatched(ctx, tx, d.Ring)
	switch e := errs.Of(err); {
	case err == nil:
		return []Figure{told("looks_matched", m.Looks+m.Exported), bad("looks_unmatched", m.Unmatched)}, nil
	case e.Is(replay.ErrNoMatching):
		return []Figure{told("looks_matched", 0)}, nil
	case e.Is(replay.ErrMatchingForged):
		return []Figure{bad("matching_forged", 1)}, nil
	}
	return nil, err
}

// Article 16: without an assessment and an agreement on file nothing goes to a processor, and
// what it holds is ordered back.
func article16(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	open, overdue, err := order.CountOf(ctx, tx, s.Name)
	if err != nil {
		return nil, err
	}
	helps, helpsLate, err := assistance.Count(ctx, tx, s.Name)
	if err != nil {
		return nil, err
	}
	entrusted := told("entrusted", s.happened[tally.Permitted][string(charter.Entrust)])
	on, err := s.onFile(ctx, tx, party.Processor)
	if !on {
		entrusted.Else = Broken // on nothing
	}
	if err != nil {
		return nil, err
	}
	clocks, err := clocksOf(ctx, tx, s.Name, party.Processor)
	return append([]Figure{told("orders_open", open), seen("orders_overdue", overdue), told("helps_open", helps), seen("helps_late", helpsLate), entrusted, clocks.unordered(),
		seen("checks_late", clocks[party.Checked])}, clocks.ending()), err
}

// clocks are how much of parties is past its day or, of papers, ends within a month.
type clocks map[party.Kind]int64

func clocksOf(ctx context.Context, tx *db.Tx, service string, roles ...party.Role) (clocks, error) {
	now := tx.Now()
	all, err := party.ClocksOf(ctx, tx, service, now.Add(party.Soon))
	n := make(clocks)
	for _, c := range all {
		if slices.Contains(roles, c.Party.Role) && (!c.Owed() || !now.Before(c.At)) {
			n[c.What]++
		}
	}
	return n, err
}

// ending is how many papers have nothing in their place when they end.
func (n clocks) ending() Figure {
	sum := int64(0)
	for _, kind := range append([]party.Kind{party.Assessed, party.Agreed}, party.Mechanisms...) {
		sum += n[kind]
	}
	return seen("papers_ending", sum)
}

// unordered is of how many parties not everything was ordered in time that they must delete.
func (n clocks) unordered() Figure { return bad("partings_late", n[party.Parting]+n[party.Narrowing]) }

// Article 17: nothing is transferred but to whom an assessment is on file about; that of who
// takes over is in the announcement (edge case 18).
func article17(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	n := s.happened[tally.Permitted][string(charter.Transfer)]
	on, err := s.onFile(ctx, tx, party.Recipient)
	if err != nil {
		return nil, err
	}
	bare := n
	if on || s.Successor.Recipient != "" {
		bare = 0
	}
	clocks, err := clocksOf(ctx, tx, s.Name, party.Recipient)
	return []Figure{told("transferred", n), bad("transferred_bare", bare), clocks.unordered(), clocks.ending()}, err
}

// onFile reports whether every party to which one of the last uses went has its papers: an
// assessment, and, of a processor, an agreement. Of what went before those, the replay knows;
// here it counts whether there is any such party at all.
func (s *standing) onFile(ctx context.Context, tx *db.Tx, role party.Role) (bool, error) {
	var all []party.Standing
	err := tx.Together(ctx, party.ReadAll(&all, s.Name))
	has := func(p party.Standing) bool {
		return p.Role == role && p.Assessment.Exists() && (role == party.Recipient || p.Agreement.Exists())
	}
	for _, name := range s.uses.parties[role] {
		if !slices.ContainsFunc(all, func(p party.Standing) bool { return p.Name == name && has(p) }) {
			return false, err
		}
	}
	return slices.ContainsFunc(all, has), err
}

// Article 18: disclosed is what a declared audience sees, or what a law or a danger demands; of
// that the guardian is told, as soon as the silence that the law asks for is over.
func article18(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	untold, err := count(ctx, tx, `
		SELECT count(*) FROM (
			SELECT id FROM approval WHERE told_at IS NULL AND released_at IS NOT NULL AND silent_until <= $1 AND service = $2 LIMIT $3
		) AS untold`, micros(tx.Now().Add(-s.Patience)), s.Name, int64(Many))
	return []Figure{told("disclosed", s.happened[tally.Permitted][string(charter.Disclose)]), bad("uses_audience", s.uses.audiences), bad("disclosed_untold", untold)}, err
}

// soon is how long before its day a demand is to be looked at.
const soon = 3 * 24 * time.Hour

// demands counts the open demands, of kinds that erase or of the others, that are past their
// day, and those that are soon.
func (s *standing) demands(ctx context.Context, tx *db.Tx, erases bool) (near, late int64, err error) {
	now := tx.Now()
	between := func(from, to time.Time) (int64, error) {
		return count(ctx, tx, `
			SELECT count(*) FROM (
				SELECT id FROM rights_request WHERE service = $1 AND state = 'open' AND due_at > $2 AND due_at <= $3
					AND (kind IN ('delete', 'delete_item', 'close')) = $4 LIMIT $5
			) AS due`, s.Name, micros(from), micros(to), erases, int64(Many))
	}
	if late, err = between(time.Time{}, now); err != nil {
		return 0, 0, err
	}
	near, err = between(now, now.Add(soon))
	return near, late, err
}

// micros is a time as the store has it; the zero time lies before all others.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

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
	r, err := catalog.LastPlan(ctx, tx, s.Name, kind)
	switch none := errors.Is(err, catalog.ErrRecordNotFound); {
	case err != nil && !none:
		return 0, err
	case none || !tx.Now().Before(r.Until()):
		return 1, nil
	}
	return 0, nil
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
	behind, err := tally.Behind(ctx, tx)
	waits, forged := int64(0), int64(0)
	if !oldest.IsZero() && tx.Now().Sub(oldest) > numbering {
		waits = 1
	}
	if !signed(head) {
		forged = 1
	}
	return []Figure{told("entries", head.Size), told("entries_uncounted", behind), bad("numbering_late", waits), bad("head_unsigned", forged)}, err
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
