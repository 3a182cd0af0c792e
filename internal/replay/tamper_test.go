package replay_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/replay"
	"wardkeep/internal/vault/vaulttest"
)

// A scene is a story so far, for somebody to tamper with.
type scene struct {
	*story
	mei, bo, gone family.Child // mei has values and a withdrawal; bo waits for an answer; gone is erased
	revoked       account.App
}

func play(t *testing.T, w *vaulttest.World) *scene {
	t.Helper()
	s := &scene{story: begin(t, w)}
	s.revoked = s.App
	s.revoke()
	s.issue(account.AllScopes())
	s.mei, s.gone = s.Child(), s.Child()
	s.bo, _ = s.Enrol()
	ok(t, s.put(s.mei.ID, "course-progress", map[string]string{"weekly_score": "77"}),
		s.put(s.gone.ID, "course-progress", map[string]string{"weekly_score": "78"}),
		s.use(s.mei.ID, charter.Use, "course-progress", "", "weekly_score"),
		s.withdraw(s.guardians(s.mei.ID)[0], "class-ranking"),
		s.happens(s.mei.ID, "account-closed", time.Time{}),
		s.put(s.mei.ID, "account", map[string]string{"guardian_phone": "13800138000"}),
		s.erase(s.gone.ID))
	former, err := s.guardian(s.mei.ID, family.Parent)
	ok(t, err, s.end(former))
	s.change()
	s.fill(catalog.RoleOfficer)
	s.Pass(time.Minute)
	ok(t, s.flush())
	s.replays(t)
	return s
}

// secret is what somebody writes where it doesn't belong.
const secret = "王小明"

// TestInvariant7_TamperedTablesAreFound changes rows by hand. Each change must be
// named, and what was written must not be repeated.
func TestInvariant7_TamperedTablesAreFound(t *testing.T) {
	type change struct {
		name  string
		query string
		args  func(s *scene) []any
		found string // what, table and field
	}
	mei := func(s *scene) []any { return []any{s.mei.ID} }
	bo := func(s *scene) []any { return []any{s.bo.ID} }
	gone := func(s *scene) []any { return []any{s.gone.ID} }
	app := func(s *scene) []any { return []any{s.App.ID} }
	here := func(*scene) []any { return []any{service} }
	changes := []change{
		{"a no becomes a yes", `UPDATE consent SET granted = true WHERE child = $1 AND granted = false AND ended_at IS NULL`, mei, "row_differs consent granted"},
		{"a yes becomes a no", `UPDATE consent SET granted = false WHERE child = $1 AND purpose = 'account'`, mei, "row_differs consent granted"},
		{"a withdrawal never was", `DELETE FROM consent WHERE child = $1 AND withdraws <> ''`, mei, "row_missing consent "},
		{"what was withdrawn stands again", `UPDATE consent SET ended_at = NULL WHERE child = $1 AND ended_at IS NOT NULL`, mei, "row_extra consent "},
		{"an answer that ended is gone", `DELETE FROM consent WHERE child = $1 AND ended_at IS NOT NULL`, mei, "row_differs consent answers"},
		{"an answer that ended says no", `UPDATE consent SET granted = false WHERE child = $1 AND ended_at IS NOT NULL`, mei, "row_differs consent ended"},
		{"an answer was given to another notice", `UPDATE consent SET notice = 'x' WHERE child = $1 AND purpose = 'account'`, mei, "row_differs consent notice, lang, channel, shown_at, request, withdraws, entry"},
		{"an answer to a newer charter", `UPDATE consent SET charter = 2 WHERE child = $1 AND purpose = 'speaking-practice'`, mei, "row_differs consent charter"},
		{"a value lives longer", `UPDATE value SET expires_at = expires_at + 1 WHERE child = $1`, mei, "row_differs value expires_at"},
		{"a value is younger", `UPDATE value SET collected_at = collected_at + 1 WHERE child = $1`, mei, "row_differs value collected_at"},
		{"a value serves another purpose", `UPDATE value SET purpose = 'parent-reports' WHERE child = $1`, mei, "row_differs value purpose"},
		{"a value is another's", `UPDATE value SET child = $1 WHERE child = $2`, func(s *scene) []any { return []any{s.bo.ID, s.mei.ID} }, "row_extra value "},
		{"a value is gone", `DELETE FROM value WHERE child = $1`, mei, "row_missing value "},
		{"a value of nobody", `UPDATE value SET child = 'zz' WHERE child = $1`, mei, "row_extra value "},
		{"a value is another item's", `UPDATE value SET item = '王小明' WHERE child = $1 AND item = 'weekly_score'`, mei, "row_extra value "},
		{"an event never was", `UPDATE child SET endings = '' WHERE child = $1`, mei, "row_differs child endings"},
		{"an event was for another", `UPDATE child SET endings = (SELECT endings FROM child WHERE child = $1) WHERE child = $2`,
			func(s *scene) []any { return []any{s.mei.ID, s.bo.ID} }, "row_differs child endings"},
		{"an event tells a name", `UPDATE child SET endings = '王小明' WHERE child = $1`, bo, "row_differs child endings"},
		{"an erased child has events", `UPDATE child SET endings = '王小明' WHERE child = $1`, gone, "row_differs child endings"},
		{"an erased child lives", `UPDATE child SET state = 'active', erased_at = NULL WHERE child = $1`, gone, "row_extra child "},
		{"an erased child lives under its pseudonym", `UPDATE child SET state = 'active', subject = $1 WHERE child = $2`,
			func(s *scene) []any { return []any{s.gone.Subject, s.gone.ID} }, "row_differs child state"},
		{"a child is erased in the table alone", `UPDATE child SET state = 'erased' WHERE child = $1`, bo, "row_missing child "},
		{"a child is gone", `DELETE FROM child WHERE child = $1`, bo, "row_missing child "},
		{"a tombstone is gone", `DELETE FROM child WHERE child = $1`, gone, "row_differs child erased"},
		{"a child is active without an answer", `UPDATE child SET state = 'active', expires_at = NULL WHERE child = $1`, bo, "row_differs child state"},
		{"a child's wait is longer", `UPDATE child SET expires_at = expires_at + 1 WHERE child = $1`, bo, "row_differs child expires_at"},
		{"a child has another pseudonym", `UPDATE child SET subject = '王小明' WHERE child = $1`, bo, "row_extra child "},
		{"a state says a name", `UPDATE child SET state = '王小明' WHERE child = $1`, bo, "row_differs child state"},
		{"a child is frozen", `UPDATE child SET frozen = true WHERE child = $1`, mei, "row_differs child frozen"},
		{"a child is disputed", `UPDATE child SET disputed = true WHERE child = $1`, mei, "row_differs child disputed"},
		{"a version is set back", `UPDATE child SET version = 1 WHERE child = $1`, mei, "row_differs child version"},
		{"a birth date is another's", `UPDATE child SET birth = (SELECT birth FROM child WHERE child = $1) WHERE child = $2`,
			func(s *scene) []any { return []any{s.bo.ID, s.mei.ID} }, "row_sealed child birth"},
		{"a guardian is gone", `DELETE FROM guardian WHERE child = $1 AND ended_at IS NULL`, mei, "row_missing guardian "},
		{"a guardian's end never was", `UPDATE guardian SET ended_at = NULL WHERE child = $1 AND ended_at IS NOT NULL`, mei, "row_differs guardian ended_at"},
		{"a guardian is better verified", `UPDATE guardian SET strength = 4 WHERE child = $1`, mei, "row_differs guardian strength"},
		{"a guardian is verified", `UPDATE guardian SET verified_at = 1 WHERE child = $1`, bo, "row_differs guardian verified_at"},
		{"a guardian is something else", `UPDATE guardian SET relation = '王小明' WHERE child = $1`, bo, "row_differs guardian relation"},
		{"a guardian is another's", `UPDATE guardian SET child = $1 WHERE child = $2`, func(s *scene) []any { return []any{s.gone.ID, s.bo.ID} }, "row_extra guardian "},
		{"asked since is forged", `UPDATE charter_purpose SET asked_since = 1 WHERE service = $1 AND charter = 2 AND purpose = 'speaking-practice'`, here, "row_differs charter_purpose asked_since"},
		{"a purpose is gone", `DELETE FROM charter_purpose WHERE service = $1 AND charter = 2 AND purpose = 'account'`, here, "row_missing charter_purpose "},
		{"a charter's text is another", `UPDATE charter SET canonical = (SELECT canonical FROM charter WHERE service = $1 AND number = 2) WHERE service = $1 AND number = 1`, here, "row_damaged charter canonical"},
		{"a charter's hash is another", `UPDATE charter SET hash = '王小明' WHERE service = $1 AND number = 1`, here, "row_differs charter hash"},
		{"a charter was published by another", `UPDATE charter SET published_by = '王小明' WHERE service = $1 AND number = 1`, here, "row_differs charter published_by"},
		{"a charter was never published", `UPDATE charter SET published_at = NULL WHERE service = $1 AND number = 2`, here, "row_differs charter published_at"},
		{"a charter is gone", `DELETE FROM charter WHERE service = $1 AND number = 1`, here, "row_missing charter "},
		{"the rules say something else", `UPDATE document SET body = '王小明' WHERE service = $1 AND kind = 'rules'`, here, "row_damaged document body"},
		{"the notice is gone", `DELETE FROM document WHERE service = $1 AND kind = 'notice' AND lang = 'en'`, here, "row_missing document "},
		{"an older charter is in force", `UPDATE service SET charter = 1 WHERE service = $1`, here, "row_differs service charter"},
		{"another officer", `UPDATE service SET officer = deputy WHERE service = $1`, here, "row_differs service officer"},
		{"a vacancy", `UPDATE service SET deputy = '' WHERE service = $1`, here, "row_differs service deputy"},
		{"a test is live", `UPDATE service SET state = 'live' WHERE service = $1`, here, "row_differs service state"},
		{"an officer's end never was", `UPDATE officer SET ended_at = NULL WHERE service = $1`, here, "row_differs officer ended_at"},
		{"an officer never was", `DELETE FROM officer WHERE service = $1 AND role = 'deputy'`, here, "row_missing officer "},
		{"a key may do less", `UPDATE credential SET scopes = 'seal' WHERE id = $1`, app, "row_differs credential scopes"},
		{"a key ends", `UPDATE credential SET expires_at = 1 WHERE id = $1`, app, "row_differs credential expires_at"},
		{"a revoked key is good", `UPDATE credential SET revoked_at = NULL WHERE id <> $1`, app, "row_differs credential revoked_at"},
		{"a key of nobody", `UPDATE credential SET id = '王小明' WHERE id = $1`, app, "row_extra credential "},
	}
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := play(t, w)
		for _, c := range changes {
			report := s.once(t, func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					n, err := tx.Exec(ctx, c.query, c.args(s)...)
					if err == nil && n == 0 {
						t.Errorf("%s: nothing was changed", c.name)
					}
					return err
				})
			})
			found(t, c.name, report, c.found)
		}
		s.replays(t)
	})
}

// An erased child's row holds no ciphertext and no key (invariant 8).
func TestInvariant7_WhatIsLeftOfAnErasedChildIsFound(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := play(t, w)
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `
				UPDATE child SET wrapped = (SELECT wrapped FROM child WHERE child = $1), ref_hash = (SELECT ref_hash FROM child WHERE child = $1)
				WHERE child = $2`, s.bo.ID, s.gone.ID)
			return err
		})
		report := s.audit(t)
		found(t, "a key is back", report, "row_differs child wrapped")
		found(t, "a key is back", report, "row_differs child ref_hash")
	})
}

// found fails the test unless the report has such a difference, and repeats
// nothing that it mustn't.
func found(t *testing.T, name string, report replay.Report, want string) {
	t.Helper()
	var all []string
	hit := false
	for _, d := range report.Differences {
		got := strings.TrimPrefix(d.What, "replay.") + " " + d.Table + " " + d.Field
		hit = hit || got == want
		all = append(all, got)
		for _, lang := range i18n.Langs {
			if text := d.In(lang); strings.Contains(text, secret) || strings.Contains(text, "{{") || strings.Contains(text, "replay.") {
				t.Errorf("it says %q", text)
			}
		}
		if d.Subject != "" && !id.Is(id.Subject, d.Subject) {
			t.Errorf("%q is no pseudonym", d.Subject)
		}
	}
	if !hit {
		t.Errorf("%s: want %q, got %d differences:\n%s", name, want, len(all), strings.Join(all, "\n"))
	}
}
