package stories

import (
	"context"

	"wardkeep/internal/app/apptest"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/incident"
	"wardkeep/internal/staff"
	"wardkeep/internal/warning"
)

// isWarned tells how anybody reads of what the public is warned, once two persons have decided it
// (Article 21).
func (g *guardian) isWarned() {
	g.t.Helper()
	g.Visit(g.site.URL + "/warnings")
	g.sees("web.warnings.empty")
	g.at("warnings-empty")
	a := g.site.App
	var two []staff.Person
	var n warning.Notice
	for _, does := range []func(ctx context.Context, tx *db.Tx) error{
		func(ctx context.Context, tx *db.Tx) error {
			two = nil
			for _, role := range []catalog.Role{catalog.RoleOfficer, catalog.RoleDeputy} {
				held, err := catalog.Holder(ctx, tx, apptest.Service, role)
				if err != nil {
					return err
				}
				grant, err := staff.OfOffice(ctx, tx, apptest.Service, held.ID)
				if err != nil {
					return err
				}
				p, err := staff.Add(ctx, tx, catalog.Operator{ID: "test"}, string(role), grant)
				if err != nil {
					return err
				}
				two = append(two, p)
			}
			return nil
		},
		func(ctx context.Context, tx *db.Tx) error {
			c, _, err := incident.Desk{Ring: a.Ring, Charters: a.Charters}.Open(ctx, tx, g.site.Officer, apptest.Service, incident.Report{Kind: incident.Leaked, NoticedAt: tx.Now(), Words: pii.New("名单外传")})
			if err != nil {
				return err
			}
			words := warning.Words{What: "昵称和学习记录。", Cause: "一份名单可以公开访问，已于当天关闭。", Harm: "可能有人冒充老师联系您。", Remedies: "已关闭访问，并删除了名单。", Advice: "不要向任何人提供验证码。", Contact: "400-820-1234，每天 9 点到 18 点。", Child: "有陌生人叫得出你的昵称，先告诉爸爸妈妈。"}
			n, _, err = warning.Draft(ctx, tx, a.Ring, staff.Acting{Person: two[0], Action: staff.WriteIncidents}, apptest.Service, c.ID, "", false, warning.Text{Chinese: words, English: words})
			return err
		},
		func(ctx context.Context, tx *db.Tx) (err error) {
			n, _, err = warning.Confirm(ctx, tx, a.Ring, staff.Acting{Person: two[1], Action: staff.JudgeIncidents}, apptest.Service, n.ID, n.Version)
			if err == nil {
				n, _, err = warning.Publish(ctx, tx, a.Ring, staff.Acting{Person: two[1], Action: staff.JudgeIncidents}, apptest.Service, n.ID)
			}
			return err
		},
		// With nobody in office at the console, charters are approved at the terminal, as other stories do.
		func(ctx context.Context, tx *db.Tx) (err error) {
			for _, p := range two {
				if _, gone := staff.Leave(ctx, tx, catalog.Operator{ID: "test"}, p.ID); err == nil {
					err = gone
				}
			}
			return err
		},
	} {
		g.site.Do(a, does)
	}
	g.Visit(g.site.URL + "/warnings")
	g.sees("web.warnings.feed")
	g.at("warnings")
	g.follow(`main a[type="application/atom+xml"]`)
	g.Back()
	g.follow(`main h2 a`)
	g.sees("web.warnings.todo", "web.warnings.never")
	g.at("warning")
}
