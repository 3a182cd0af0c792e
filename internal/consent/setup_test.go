package consent_test

import (
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/catalog/catalogtest"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
)

var terminal = catalog.Operator{ID: "cli"}

// create makes a service with an officer and a deputy in office.
func (w *world) create(name string, state catalog.State) {
	w.t.Helper()
	w.do(func(tx *db.Tx) (err error) {
		if _, _, err = catalog.Create(w.ctx, tx, terminal, name, state); err != nil {
			return err
		}
		if w.officer, _, err = catalog.Appoint(w.ctx, tx, terminal, name, catalog.RoleOfficer, "Li Hua", "li@example.com"); err != nil {
			return err
		}
		_, _, err = catalog.Appoint(w.ctx, tx, terminal, name, catalog.RoleDeputy, "Wang Fang", "wang@example.com")
		return err
	})
}

// publish puts a charter in force.
func (w *world) publish(c *charter.Charter) {
	w.t.Helper()
	w.pass(time.Second)
	w.do(func(tx *db.Tx) error {
		draft, _, err := catalog.Propose(w.ctx, tx, w.desk.Ring, w.officer, c, nil)
		if err != nil {
			return err
		}
		_, _, err = catalogtest.Publish(w.ctx, tx, w.desk.Ring, w.officer, c.Service, draft.Number)
		return err
	})
	w.pass(time.Second)
}

func (w *world) issue(service string) (app account.App) {
	w.t.Helper()
	scopes, err := account.NewScopes(account.ChildrenWrite, account.ConsentsWrite)
	if err != nil {
		w.t.Fatal(err)
	}
	w.do(func(tx *db.Tx) (err error) {
		app, _, _, err = account.IssueApp(w.ctx, tx, terminal, service, "app", scopes, time.Time{})
		return err
	})
	return app
}

// enrol registers a child with one person to ask.
func (w *world) enrol(service, phone string, r family.Relation) (c family.Child, g family.Guardian) {
	w.t.Helper()
	e := family.Enrolment{Service: service, Ref: pii.New(id.New(id.Call)),
		Guardian: family.Person{Name: pii.New("某福利院 王老师"), Phone: pii.New(phone), Relation: r}}
	w.do(func(tx *db.Tx) (err error) {
		c, g, _, err = family.Enrol(w.ctx, tx, w.desk.Ring, w.app, e)
		return err
	})
	return c, g
}

// guardian ties another person to the child.
func (w *world) guardian(c family.Child, phone string, r family.Relation) (g family.Guardian) {
	w.t.Helper()
	w.do(func(tx *db.Tx) error {
		c, err := family.Lock(w.ctx, tx, c.Service, c.ID)
		if err != nil {
			return err
		}
		g, _, err = family.AddGuardian(w.ctx, tx, w.desk.Ring, w.app, c, family.Person{Phone: pii.New(phone), Relation: r})
		return err
	})
	return g
}

func (w *world) endGuardian(g family.Guardian) {
	w.t.Helper()
	w.do(func(tx *db.Tx) error {
		c, err := family.Lock(w.ctx, tx, service, g.Child)
		if err != nil {
			return err
		}
		_, err = w.desk.EndGuardian(w.ctx, tx, w.officer, c, g.ID)
		return err
	})
}
