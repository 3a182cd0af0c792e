package replay_test

import (
	"context"
	"testing"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/border"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/vault/vaulttest"
)

// borderChanges are what somebody may do by hand to what is counted of borders, so that one
// more may cross, or one that has is nobody's.
var borderChanges = []struct{ name, query, found string }{
	{"fewer have crossed", `UPDATE border_year SET persons = persons - 1`, "row_differs border_year persons"},
	{"they have in another year", `UPDATE border_year SET year = year - 1`, "row_extra border_year "},
	{"the office was told", `UPDATE border_year SET marked_at = 1`, "row_differs border_year marked_at"},
	{"nobody has crossed", `DELETE FROM border_year`, "row_missing border_year "},
	{"a child hasn't crossed", `DELETE FROM border_child`, "row_missing border_child "},
	{"a child has in another year", `UPDATE border_child SET year = year + 1`, "row_differs border_child year"},
	{"another child has crossed", `UPDATE border_child SET child = '王小明' WHERE child = (SELECT max(child) FROM border_child)`, "row_extra border_child "},
}

// Edge case 20: how many children had something leave the country is counted again from the
// uses, and each of them decided again by the number that it says it was.
func TestEdgeCase20_TheCountOfAYearReplays(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := &scene{story: begin(t, w)}
		for _, c := range []*family.Child{&s.mei, &s.bo, &s.gone} { // at home
			*c, _ = w.Enrol()
		}
		w.StoreAbroad(charter.StandardContract, w.Store.Now().AddDate(4, 0, 0))
		for _, c := range []family.Child{s.mei, s.bo, s.gone} {
			w.AnswerProved(c)
		}
		ok(t, s.put(s.mei.ID, "course-progress", map[string]string{"weekly_score": "77"}),
			s.use(s.mei.ID, charter.Use, "course-progress", "", "weekly_score"),
			s.put(s.gone.ID, "course-progress", map[string]string{"weekly_score": "78"}),
			s.erase(s.gone.ID))
		s.lan, _ = w.Enrol() // who is the third by that
		w.Pass(time.Minute)
		ok(t, s.flush())
		s.replays(t)
		tried := make(tries)
		for _, c := range borderChanges {
			if tried.enough(t, c.query) {
				continue
			}
			report := s.once(t, func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					n, err := tx.Exec(ctx, c.query)
					if err == nil && n == 0 {
						t.Errorf("%s: nothing was changed", c.name)
					}
					return err
				})
			})
			found(t, c.name, report, c.found)
		}
		used := func(kind string, change func(b *gate.UseBody)) func() {
			return func() {
				b := s.fair()
				b.Activity = "store" // what is held has nothing to do with it
				change(&b)
				s.forge(s.bo, 0, kind, s.App.Ledger(), b)
			}
		}
		threshold := []gate.Denial{{Code: "gate.border_threshold", Article: "3"}}
		for name, c := range map[string]struct {
			found, kind string
			change      func(b *gate.UseBody)
		}{
			"the next":                             {"row_differs persons", gate.KindPermitted, func(b *gate.UseBody) { b.Person = 4 }},
			"a number that another child has":      {"impossible border", gate.KindPermitted, func(b *gate.UseBody) { b.Person = 1 }},
			"a number that a registration has":     {"impossible border", gate.KindPermitted, func(b *gate.UseBody) { b.Person = 3 }},
			"a number that leaves one out":         {"impossible border", gate.KindPermitted, func(b *gate.UseBody) { b.Person = 5 }},
			"that says it was counted":             {"impossible border", gate.KindPermitted, func(b *gate.UseBody) { b.Person = 0 }},
			"beyond the threshold":                 {"verdict ", gate.KindPermitted, func(b *gate.UseBody) { b.Person = border.AssessFrom }},
			"denied for a threshold that isn't it": {"verdict ", gate.KindDenied, func(b *gate.UseBody) { b.Person, b.Reasons = 4, threshold }},
			"denied by a number that never was":    {"impossible border", gate.KindDenied, func(b *gate.UseBody) { b.Person, b.Reasons = border.AssessFrom, threshold }},
			"a number that is none":                {"body border", gate.KindPermitted, func(b *gate.UseBody) { b.Person = -1 }},
		} {
			forgery(t, name, s.once(t, used(c.kind, c.change)), c.found)
		}
		// Nor does anybody say that something was read abroad which the charter doesn't let be.
		var abroad account.App
		s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			abroad, _, _, err = account.IssueAppIn(ctx, tx, terminal, service, "abroad", "SG", account.AllScopes(), time.Time{})
			return err
		})
		ok(t, s.flush())
		forgery(t, "an app abroad reads", s.once(t, func() {
			b := s.fair()
			s.forge(s.mei, 0, gate.KindPermitted, abroad.Ledger(), b)
		}), "verdict ")
	})
}
