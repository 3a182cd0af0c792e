package replay_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/inspection"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// inspectionChanges are changes by hand of an inspection, and what must be found.
var inspectionChanges = []struct{ name, query, found string }{
	{"nobody was invited", `DELETE FROM inspection WHERE looks = 3`, "row_missing inspection "},
	{"another was invited", `UPDATE inspection SET id = '王小明' WHERE looks = 3`, "row_extra inspection "},
	{"to another service", `UPDATE inspection SET service = '王小明' WHERE looks = 3`, "row_differs inspection service"},
	{"to see all articles", `UPDATE inspection SET articles = '' WHERE looks = 3`, "row_differs inspection articles"},
	{"to see what was before", `UPDATE inspection SET from_at = NULL WHERE looks = 3`, "row_differs inspection from_at"},
	{"to see what came after", `UPDATE inspection SET before_at = NULL WHERE looks = 3`, "row_differs inspection before_at"},
	{"earlier", `UPDATE inspection SET invited_at = invited_at - 1 WHERE looks = 3`, "row_differs inspection invited_at"},
	{"by another", `UPDATE inspection SET invited_by = '王小明' WHERE looks = 3`, "row_differs inspection invited_by"},
	{"for longer", `UPDATE inspection SET due_at = due_at + 1 WHERE looks = 3`, "row_differs inspection due_at"},
	{"it was never ended", `UPDATE inspection SET closed_at = NULL WHERE closed_by <> ''`, "row_differs inspection closed_at"},
	{"another has ended it", `UPDATE inspection SET closed_by = '王小明' WHERE closed_by <> ''`, "row_differs inspection closed_by"},
	{"fewer looks", `UPDATE inspection SET looks = 1 WHERE looks = 3`, "row_differs inspection looks"},
	{"no wrong try", `UPDATE inspection SET tries = 0 WHERE tries > 0`, "row_differs inspection tries"},
	{"no code", `UPDATE inspection SET code = NULL WHERE tries > 0`, "row_differs inspection code"},
	{"another link", `UPDATE inspection SET link = salt WHERE looks = 3`, "row_sealed inspection link, code, session, bound"},
	{"nobody is in", `UPDATE inspection SET session = NULL WHERE looks = 3`, "row_differs inspection session"},
	{"who is in holds something else", `UPDATE inspection SET session = salt WHERE looks = 3`, "row_sealed inspection link, code, session, bound"},
	{"came in later", `UPDATE inspection SET entered_at = entered_at + 1 WHERE looks = 3`, "row_differs inspection entered_at"},
	{"it was used later", `UPDATE inspection SET seen_at = seen_at + 1 WHERE looks = 3`, "row_differs inspection seen_at"},
	{"it is bound otherwise", `UPDATE inspection SET bound = salt WHERE looks = 3`, "row_sealed inspection link, code, session, bound"},
	{"who was invited is another", `UPDATE inspection SET sealed = salt WHERE looks = 3`, "row_sealed inspection sealed, salt"},
	{"another salt", `UPDATE inspection SET salt = link WHERE looks = 3`, "row_sealed inspection sealed, salt"},
	{"a look never was", `DELETE FROM inspection_look WHERE number = 2`, "row_missing inspection_look "},
	{"a look was another's", `UPDATE inspection_look SET inspection = '王小明' WHERE number = 2`, "row_extra inspection_look "},
	{"a look was another", `UPDATE inspection_look SET number = 17 WHERE number = 2`, "row_extra inspection_look "},
	{"a look was later", `UPDATE inspection_look SET looked_at = looked_at + 1`, "row_differs inspection_look looked_at"},
	{"a look was at another page", `UPDATE inspection_look SET page = 'bundle' WHERE number = 1`, "row_differs inspection_look page"},
	{"a look was at another article", `UPDATE inspection_look SET article = 16 WHERE number = 2`, "row_differs inspection_look article"},
	{"a look was at another register", `UPDATE inspection_look SET about = 'days' WHERE number = 2`, "row_differs inspection_look about"},
}

// Article 22: who was invited, came in, looked and was out replays; what somebody changes of it, or
// writes into the ledger that no inspector may have done, is found.
func TestInvariant7_AnInspectionReplays(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := &scene{story: begin(t, w)}
		var officer staff.Person
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			held, err := catalog.Holder(ctx, tx, service, catalog.RoleOfficer)
			var g staff.Grant
			if err == nil {
				g, err = staff.OfOffice(ctx, tx, service, held.ID)
			}
			if err == nil {
				officer, err = staff.Add(ctx, tx, catalog.Operator{ID: "test"}, "林静", g)
			}
			return err
		})
		day, err := inspection.DayOf("2026-01-01")
		ok(t, err)
		scope := inspection.Scope{Articles: []int{9, 15}, From: day, Before: s.Store.Now().AddDate(1, 0, 0).Truncate(time.Microsecond)}
		invite := func() (i inspection.Invitation, keys inspection.Keys) {
			s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				i, keys, err = inspection.Invite(ctx, tx, s.Ring, staff.Acting{Person: officer, Action: staff.InviteInspectors}, service, scope, 10,
					inspection.NewText("赵督", "某市网信办", "第二十二条", "网信检〔2026〕3号"))
				return err
			})
			return i, keys
		}
		receives := staff.Acting{Person: officer, Action: staff.ReceiveInspectors}
		enter := func(link, code string) (secret string) {
			s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				_, secret, err = inspection.Enter(ctx, tx, s.Ring, link, code)
				return err
			})
			return secret
		}
		look := func(secret string, l inspection.Look) {
			s.Do(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := inspection.Looks(ctx, tx, s.Ring, secret, l)
				return err
			})
		}
		wrong := func(link string) {
			if err := s.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := inspection.Enter(ctx, tx, s.Ring, link, "0000-0000")
				return err
			}); !errors.Is(err, inspection.ErrCode) {
				t.Errorf("a wrong code: %v", err)
			}
		}
		first, keys := invite()
		wrong(keys.Link)
		secret := enter(keys.Link, keys.Code)
		look(secret, inspection.Look{Page: inspection.Matrix})
		look(secret, inspection.Look{Page: inspection.Register, Article: 15, About: "approvals"})
		look(secret, inspection.Look{Page: inspection.Sample, About: id.New(id.Subject)})
		ended, keys := invite()
		out := enter(keys.Link, keys.Code)
		s.Do(func(ctx context.Context, tx *db.Tx) error { return inspection.Leave(ctx, tx, s.Ring, out) })
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := inspection.Code(ctx, tx, s.Ring, receives, service, ended.ID)
			return err
		})
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := inspection.End(ctx, tx, s.Ring, receives, service, ended.ID)
			return err
		})
		waits, keys := invite()
		for range 6 { // the fifth voids the code
			if s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				waits, err = inspection.Named(ctx, tx, service, waits.ID)
				return err
			}); waits.Coded() {
				wrong(keys.Link)
			}
		}
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := inspection.Code(ctx, tx, s.Ring, receives, service, waits.ID)
			return err
		})
		wrong(keys.Link)
		ok(t, s.flush())
		s.replays(t)
		for _, c := range inspectionChanges {
			found(t, c.name, s.once(t, func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					n, err := tx.Exec(ctx, c.query)
					if err == nil && n == 0 {
						t.Errorf("%s: nothing was changed", c.name)
					}
					return err
				})
			}), c.found)
		}
		looked := func(l inspection.Look) inspection.LookedBody {
			return inspection.LookedBody{Inspection: first.ID, Look: 4, Page: l.Page, Article: l.Article, About: l.About}
		}
		done := func(i inspection.Invitation) inspection.DoneBody { return inspection.DoneBody{Inspection: i.ID} }
		until := s.Store.Now().Add(24 * time.Hour).UnixMicro()
		for name, f := range map[string]struct {
			kind, actor string
			body        any
			found       string
		}{
			"an app invites":                  {inspection.KindInvited, s.App.Ledger(), inspection.InvitedBody{Inspection: id.New(id.Inspection), Until: until, Mark: "x"}, "impossible actor"},
			"for half a year":                 {inspection.KindInvited, officer.Ledger(), inspection.InvitedBody{Inspection: id.New(id.Inspection), Until: until + 180*24*3600*1e6, Mark: "x"}, "impossible inspection"},
			"for what is no article":          {inspection.KindInvited, officer.Ledger(), inspection.InvitedBody{Inspection: id.New(id.Inspection), Articles: []int{30}, Until: until, Mark: "x"}, "impossible inspection"},
			"by no document":                  {inspection.KindInvited, officer.Ledger(), inspection.InvitedBody{Inspection: id.New(id.Inspection), Until: until}, "body inspection"},
			"twice the same":                  {inspection.KindInvited, officer.Ledger(), inspection.InvitedBody{Inspection: first.ID, Until: until, Mark: "x"}, "impossible inspection"},
			"a look outside of the scope":     {inspection.KindLooked, first.Ledger(), looked(inspection.Look{Page: inspection.Article, Article: 16}), "impossible inspection"},
			"a look is left out":              {inspection.KindLooked, first.Ledger(), inspection.LookedBody{Inspection: first.ID, Look: 5, Page: inspection.Matrix}, "impossible inspection"},
			"a look of another inspector":     {inspection.KindLooked, ended.Ledger(), looked(inspection.Look{Page: inspection.Matrix}), "impossible actor"},
			"a look of somebody inside":       {inspection.KindLooked, officer.Ledger(), looked(inspection.Look{Page: inspection.Matrix}), "impossible actor"},
			"a look of who never came in":     {inspection.KindLooked, waits.Ledger(), inspection.LookedBody{Inspection: waits.ID, Look: 1, Page: inspection.Matrix}, "impossible inspection"},
			"a look after the end":            {inspection.KindLooked, ended.Ledger(), inspection.LookedBody{Inspection: ended.ID, Look: 1, Page: inspection.Matrix}, "impossible inspection"},
			"who is in comes in by no code":   {inspection.KindEntered, first.Ledger(), done(first), "impossible inspection"},
			"a code for what is ended":        {inspection.KindCoded, officer.Ledger(), done(ended), "impossible inspection"},
			"it is ended twice":               {inspection.KindEnded, officer.Ledger(), done(ended), "impossible inspection"},
			"the inspector ends it":           {inspection.KindEnded, first.Ledger(), done(first), "impossible actor"},
			"somebody inside shuts it":        {inspection.KindShut, officer.Ledger(), done(first), "impossible actor"},
			"who is out signs out":            {inspection.KindLeft, waits.Ledger(), done(waits), "impossible inspection"},
			"a wrong try that isn't the next": {inspection.KindFailed, waits.Ledger(), inspection.FailedBody{Inspection: waits.ID, Tries: 3}, "impossible inspection"},
			"nobody's":                        {inspection.KindEnded, officer.Ledger(), inspection.DoneBody{Inspection: id.New(id.Inspection)}, "impossible inspection"},
		} {
			forgery(t, name, s.once(t, func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: f.kind, Service: service, Actor: f.actor, Body: f.body})
					return err
				})
			}), f.found)
		}
		s.replays(t)
		// Who hasn't looked for two hours is out.
		s.Pass(inspection.Idle)
		forgery(t, "a look of who is idle", s.once(t, func() {
			s.do(func(ctx context.Context, tx *db.Tx) error {
				_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: inspection.KindLooked, Service: service, Actor: first.Ledger(), Body: looked(inspection.Look{Page: inspection.Matrix})})
				return err
			})
		}), "impossible inspection")
	})
}
