package app_test

import (
	"context"
	"testing"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/border"
)

// Each count of what is left undone is 0 where nothing is, and 1 where one thing is past its
// day: each is read from rows of its own.
func TestArticle12_EachOfWhatIsLateIsCounted(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		a := in.Open(apptest.Discard())
		counts := func() map[string]int64 {
			t.Helper()
			all := make(map[string]int64)
			in.Do(a, func(ctx context.Context, tx *db.Tx) error {
				late, err := app.Late(a, ctx, tx)
				for _, l := range late {
					all[l.What] = l.Count
					for _, lang := range i18n.Langs {
						if !lang.Has("console.late." + l.What) {
							t.Errorf("%s has no words for %s", lang, l.What)
						}
					}
				}
				return err
			})
			return all
		}
		in.Do(a, func(ctx context.Context, tx *db.Tx) error { return db.Beat(ctx, tx, "sweep") })
		for what, n := range counts() {
			if n != 0 {
				t.Errorf("%s: %d, and nothing is late", what, n)
			}
		}
		past := a.Store.Now().Add(-1000 * time.Hour).UnixMicro()
		const request = `
			INSERT INTO rights_request (child, id, service, number, kind, door, guardian, item, state, owner, reason, received_at, due_at, extended, erase_at, froze, told, entry, reached, steps)
			VALUES ('late', $1, $2, $1, $3, 'child', '', '', 'open', '', '', 0, $4, '', $5, false, '', '', '', '')`
		undone := map[string]struct {
			query string
			args  []any
		}{
			"demands":    {request, []any{"rq_1", apptest.Service, "correct", past, nil}},
			"erasures":   {request, []any{"rq_2", apptest.Service, "delete", a.Store.Now().Add(time.Hour).UnixMicro(), past}},
			"suspicions": {`INSERT INTO suspicion (id, service, source, reporter, owner, outcome, basis, opened_at, due_at) VALUES ('sp_1', $1, 'signal', '', '', '', '', 0, $2)`, []any{apptest.Service, past}},
			"cessations": {`
				INSERT INTO cessation (service, purpose, reason, announced_at, announced_by, ends_at, told_upto, told, successor, handover, assessment, assessment_salt, assessed,
					asked, agreed, refused, handed, erased_upto, children, entry)
				VALUES ($1, 'class-ranking', '', 0, '', $2, '', 0, '', '', '', '', '', 0, 0, 0, 0, '', 0, '')`, []any{apptest.Service, past}},
			"orders": {`
				INSERT INTO party_order (id, number, service, party, role, what, items, purposes, narrowed, child, issued_at, due_at, attested_by, document, issued, attested, reminded)
				VALUES ('po_1', '1', $1, 'x', 'processor', 'delete', '', '', 0, '', 0, $2, '', '', '', '', 0)`, []any{apptest.Service, past}},
			"incidents": {`
				INSERT INTO incident (id, service, source, role, party, reporter, kind, suspected, items, children, noticed_at, opened_at, grade, graded_by, due_at, outcome, closed_by, notes, steps, cause, suspect, drill, plan, report_in)
				VALUES ('in_1', $1, 'staff', '', '', '', 'lost', false, '', 0, 0, 0, '', '', $2, '', '', 0, '', '', '', false, 0, 240)`, []any{apptest.Service, past}},
			"reports": {`
				INSERT INTO complaint (id, service, whole, kind, received_at, due_at, outcome, erase_at, linked, notes, files, secret, challenge)
				VALUES ('rp_1', $1, false, 'other', 0, $2, '', 0, '', 1, 0, $3, $3)`, []any{apptest.Service, past, []byte("x")}},
			"parties": {`UPDATE service SET overdue = $1 WHERE service = $2`, []any{"x", apptest.Service}},
			"checks": {`
				INSERT INTO party (service, role, name, version, country, legal_name, registration, contact, address, task, salt, registered_at, registered_by,
					halted, subs, ends_at, assessment, agreement, mechanism, check_by, parted_upto, parted_at, held, excess, narrowed)
				VALUES ($1, 'processor', 'x', 1, 'CN', '', '', '', '', '', $2, 0, '', '', '', NULL, '', '', '', $3, '', NULL, '{}', '{}', 0)`, []any{apptest.Service, []byte("x"), past}},
			"partings": {`
				INSERT INTO party (service, role, name, version, country, legal_name, registration, contact, address, task, salt, registered_at, registered_by,
					halted, subs, ends_at, assessment, agreement, mechanism, check_by, parted_upto, parted_at, held, excess, narrowed)
				VALUES ($1, 'processor', 'y', 1, 'CN', '', '', '', '', '', $2, 0, '', '', '', $3, '', '', '', NULL, '', NULL, '{}', '{}', 0)`, []any{apptest.Service, []byte("x"), past}},
			"borders":     {`INSERT INTO border_year (year, persons, marked_at) VALUES ($1, $2, NULL)`, []any{border.YearOf(a.Store.Now()), int64(border.WarnFrom)}},
			"backups":     {`INSERT INTO backup (id, made_at, until, size) VALUES ('bk_1', 0, $1, 0)`, []any{past}},
			"checkpoints": {`INSERT INTO keeper (name, size, taken_at, late_at, failure, given_up) VALUES ('folder /elsewhere', 0, NULL, $1, 'witness.away', '')`, []any{past}},
			"reviews": {`
				INSERT INTO broken_glass (request, service, asker, second, opened_at, review_by, reviewer, finding, bound)
				VALUES ('lk_1', $1, 'st_1', 'st_2', 0, $2, '', '', $3)`, []any{apptest.Service, past, []byte("x")}},
			"values": {`
				INSERT INTO value (child, item, service, purpose, version, sealed, collected_at, expires_at)
				VALUES ('late', 'nickname', $1, 'course-progress', 1, $2, 0, $3)`, []any{apptest.Service, []byte("x"), past}},
			"impacts": {`UPDATE impact SET until = $1 WHERE service = $2 AND purpose = 'account'`, []any{past, apptest.Service}},
			"sweep":   {`UPDATE heartbeat SET at = $1 WHERE name = 'sweep'`, []any{past}},
		}
		for what := range counts() {
			change, ok := undone[what]
			if !ok {
				t.Errorf("nobody has tried %s", what)
				continue
			}
			in.Do(a, func(ctx context.Context, tx *db.Tx) error { return tx.Queue(ctx, change.query, change.args...) })
			if n := counts()[what]; n != 1 {
				t.Errorf("%s: %d, and one is late", what, n)
			}
		}
		for what, n := range counts() {
			if n != 1 {
				t.Errorf("%s: %d of all, want 1", what, n)
			}
		}
		if n := len(undone); n != len(counts()) {
			t.Errorf("%d were tried", n)
		}
	})
}
