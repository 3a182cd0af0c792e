// Package consoletest fills the lists of the console with as many rows as a test wants.
//
// Its one invariant: a row is as one stands after years, when nobody of whom it tells is here,
// nor what it was made of: a list shows what it can.
package consoletest

import (
	"context"
	"strconv"
	"time"

	"wardkeep/internal/base/db"
)

// counted is a table of the numbers from 1 to n, to make as many rows of.
func counted(n int) string {
	return `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ` + strconv.Itoa(n) + `) `
}

// numbered is the end of an id.
const numbered = `'_0000000000000000000' || (1000000 + i)`

// Rows makes n rows of every list but those of requests: of a service, about whom holds that
// office, and of events that a receiver hasn't taken.
func Rows(ctx context.Context, tx *db.Tx, n int, service, officer, endpoint string) error {
	now, later := tx.Now().UnixMicro(), tx.Now().Add(30*24*time.Hour).UnixMicro()
	for _, one := range []struct {
		text string
		args []any
	}{
		{`INSERT INTO person (id, name, salt, state, version, seat, country, added_at, left_at) SELECT 'st' || ` + numbered + `, '某人', $1, 'active', 1, '', 'CN', $2 + i / 3, NULL FROM n`, []any{[]byte("salt"), now - int64(n)}},
		{`INSERT INTO person_role (person, service, role, office, granted_at, granted_by) SELECT 'st' || ` + numbered + `, $1, 'staff', '', 1, '' FROM n`, []any{service}},
		{`INSERT INTO broken_glass (request, service, asker, second, opened_at, review_by, late_at, reviewer, finding, reviewed_at, bound)
			SELECT 'sa' || ` + numbered + `, $1, $2, $3, $4 + i / 3, $4, NULL, '', '', NULL, $5 FROM n`, []any{service, "st_x", "st_y", now, []byte("x")}},
		{`INSERT INTO charter (service, number, hash, canonical, proposed_at, proposed_by, touches, published_at, published_by, refused_at, decided_by, words, bound)
			SELECT $1, 1000 + i, 'x', $2, 1, 'operator:test', '', 2, 'operator:test', NULL, '', NULL, $2 FROM n`, []any{service, []byte("x")}},
		{`INSERT INTO officer_record (service, id, officer, kind, day, title, file, hash, document, salt, added_at, added_by)
			SELECT $1, 'ro' || ` + numbered + `, $2, 'training', '2026-01-0' || (1 + i % 9), '培训', 'pdf', 'x', NULL, $3, 1, 'operator:test' FROM n`, []any{service, officer, []byte("x")}},
		{`INSERT INTO credential (hash, id, service, name, scopes, shown_to, country, created_at, expires_at, revoked_at, used_at)
			SELECT CAST('k' || i AS blob), 'ak' || ` + numbered + `, $1, '校园版', 'items:read', '', 'CN', 1, NULL, NULL, NULL FROM n`, []any{service}},
		{`INSERT INTO rights_request (child, id, service, number, kind, door, guardian, item, state, owner, reason, received_at, due_at, extended, froze, told, entry, reached, steps)
			SELECT 'ch' || ` + numbered + `, 'rr' || ` + numbered + `, $1, '7K2M-9QXT', 'correct', 'guardian', '', 'nickname', 'open', 'st' || ` + numbered + `, '', 1, $2 + i / 3, '', false, '', '', '', '' FROM n`,
			[]any{service, later}},
		{`INSERT INTO suspicion (id, service, source, reporter, owner, outcome, basis, opened_at, due_at, closed_at, ref, ref_hash)
			SELECT 'sp' || ` + numbered + `, $1, 'signal', '', 'st' || ` + numbered + `, '', '', 1, $2 + i / 3, NULL, NULL, CAST('s' || i AS blob) FROM n`, []any{service, later}},
		{`INSERT INTO takedown (id, service, source, harm, reporter, owner, outcome, ground, opened_at, taken_at, decided_at, due_at, closed_at, ref, ref_hash)
			SELECT 'td' || ` + numbered + `, $1, 'user', 'identifiers', 'app:x', '', '', '', 1, NULL, NULL, $2 + i / 3, NULL, NULL, CAST('t' || i AS blob) FROM n`, []any{service, later}},
		{`INSERT INTO log_stream (id, service, shared, reason, form, salt, registered_at, registered_by, test, joins, due_at, purpose)
			SELECT 'ls' || ` + numbered + `, $1, false, 'nameless', '{}', $2, 1, '', '', 0, $3 + i / 3, '' FROM n`, []any{service, []byte("x"), later}},
		{`INSERT INTO rectification (id, service, what, part_of, source, sort, amount, appealed, owner, dated, opened_at, opened_by, due_at, done_at, done_by, closed_at, closed_by, postponed, reopened, reminded, remind_at, notes)
			SELECT 'rc' || ` + numbered + `, $1, 'item', '', 'own', '', 0, $2, 'st_00000000000000000000000000', '', 1, '', $3 + i / 3, NULL, '', NULL, '', 0, 0, 0, NULL, 1 FROM n`, []any{service, false, later}},
		{`INSERT INTO inspection (id, service, articles, from_at, before_at, invited_at, invited_by, due_at, closed_at, closed_by, looks, tries, link, code, session, entered_at, seen_at, bound, sealed, salt)
			SELECT 'iv' || ` + numbered + `, $1, '9 15', NULL, NULL, 1, 'st_00000000000000000000000000', $2 + i / 3, NULL, '', 0, 0, CAST('l' || i AS blob), NULL, NULL, NULL, NULL, $3, $3, $3 FROM n`, []any{service, later, []byte("x")}},
		{`INSERT INTO incident (id, service, source, role, party, reporter, kind, suspected, items, children, began_at, noticed_at, opened_at, grade, graded_by, triaged_at, due_at, outcome, closed_by, closed_at, notes, steps, cause, suspect, drill, plan, report_in)
			SELECT 'in' || ` + numbered + `, $1, 'staff', '', '', 'staff:st_x', 'leaked', $2, '', 0, NULL, 1, 1, '', '', NULL, $3 + i / 3, '', '', NULL, 1, '', '', '', NOT $2, 0, 240 FROM n`, []any{service, true, later}},
		{`INSERT INTO shield (child, id, service, guardian, reason, days, note, state, asker, decider, asked_at, decided_at, due_at, closed_at)
			SELECT 'ch' || ` + numbered + `, 'sh' || ` + numbered + `, $1, 'gu_x', 'violence', 30, $2, 'asked', 'st_x', '', 1, NULL, $3 + i / 3, NULL FROM n`, []any{service, []byte("x"), later}},
		{`INSERT INTO complaint (id, service, whole, kind, received_at, acknowledged_at, due_at, remind_at, outcome, closed_at, reopened_at, erase_at, linked, notes, files, secret, challenge)
			SELECT 'rp' || ` + numbered + `, $1, $2, 'refuses', 1, NULL, $3 + i / 3, NULL, '', NULL, NULL, $3, '', 1, 0, $4, CAST('c' || i AS blob) FROM n`, []any{service, false, later, []byte("x")}},
		{`INSERT INTO party_order (id, number, service, party, role, what, items, purposes, narrowed, child, sealed, issued_at, due_at, overdue_at, attested_at, attested_by, document, salt, issued, attested, reminded)
			SELECT 'or' || ` + numbered + `, '7K2M-9QXT', $1, 'yuping-assessment', 'processor', 'delete', 'voice', '', 0, '', NULL, 1, $2 + i / 3, NULL, NULL, '', '', NULL, 'le' || ` + numbered + `, '', 0 FROM n`, []any{service, later}},
		{`INSERT INTO verification (child, id, service, request, guardian, method, state, session, nonce, identity, seen, first, behind, until, started_at, expires_at, due_at)
			SELECT 'ch' || ` + numbered + `, 've' || ` + numbered + `, $1, '', '', 'document', 'started', NULL, NULL, NULL, '', '', '', NULL, 1, $2 + i / 3, NULL FROM n`, []any{service, later}},
		{`INSERT INTO webhook_delivery (endpoint, place, subject, queued_at, tries, due_at, failure, status)
			SELECT $1, i, '', 1, 30, NULL, 'webhook.timeout', 0 FROM n`, []any{endpoint}},
	} {
		if _, err := tx.Exec(ctx, counted(n)+one.text, one.args...); err != nil {
			return err
		}
	}
	return nil
}

// Services makes n services.
func Services(ctx context.Context, tx *db.Tx, n int) error {
	_, err := tx.Exec(ctx, counted(n)+`INSERT INTO service (service, state, version, charter, officer, deputy, closed, successor, overdue, recalled, created_at)
		SELECT 'service-' || (1000000 + i), 'test', 1, 0, '', '', '', '', '', false, 1 FROM n`)
	return err
}
