package restoration_test

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/incident"
	"wardkeep/internal/staff"
	"wardkeep/internal/warning"
)

// A crisis is a case, and the two persons in office by whose word families are told of it.
type crisis struct {
	*world
	officer, deputy staff.Person
	incident        string
}

func (w *world) crisis() *crisis {
	w.T.Helper()
	x := &crisis{world: w}
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		for role, p := range map[catalog.Role]*staff.Person{catalog.RoleOfficer: &x.officer, catalog.RoleDeputy: &x.deputy} {
			held, err := catalog.Holder(ctx, tx, service, role)
			if err != nil {
				return err
			}
			grant, err := staff.OfOffice(ctx, tx, service, held.ID)
			if err == nil {
				*p, err = staff.Add(ctx, tx, terminal, string(role), grant)
			}
			if err != nil {
				return err
			}
		}
		c, _, err := incident.Desk{Ring: w.Ring, Charters: w.Desk.Charters}.Open(ctx, tx, w.Officer, service,
			incident.Report{Kind: incident.Leaked, NoticedAt: tx.Now(), Words: pii.New("名单")})
		x.incident = c.ID
		return err
	})
	return x
}

// notice is one that both have decided.
func (x *crisis) notice() (n warning.Notice) {
	x.T.Helper()
	words := warning.Words{What: "昵称", Cause: "名单外传", Harm: "诈骗", Remedies: "已删除", Advice: "留意电话", Contact: "王老师", Child: "别理陌生人"}
	x.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		n, _, err = warning.Draft(ctx, tx, x.Ring, staff.Acting{Person: x.officer, Action: staff.WriteIncidents}, service, x.incident, "", false, warning.Text{Chinese: words, English: words})
		return err
	})
	x.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		n, _, err = warning.Confirm(ctx, tx, x.Ring, staff.Acting{Person: x.deputy, Action: staff.JudgeIncidents}, service, n.ID, n.Version)
		return err
	})
	return n
}

// does has the officer do something about a notice.
func (x *crisis) does(verb func(context.Context, *db.Tx, staff.Acting, string, string) (warning.Notice, string, error), n warning.Notice) {
	x.T.Helper()
	x.Do(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := verb(ctx, tx, staff.Acting{Person: x.officer, Action: staff.WriteIncidents}, service, n.ID)
		return err
	})
}
