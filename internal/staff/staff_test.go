package staff_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

const (
	service = vaulttest.Service
	another = "another"
)

var terminal = catalog.Operator{ID: "test"}

func each(t *testing.T, fn func(t *testing.T, w *vaulttest.World)) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.Create(ctx, tx, terminal, another, catalog.Test)
			return err
		})
		fn(t, w)
	})
}

func hire(w *vaulttest.World, name string, g staff.Grant) (p staff.Person) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		p, err = staff.Add(ctx, tx, terminal, name, g)
		return err
	})
	return p
}

// officer hires who holds the office of the service.
func officer(w *vaulttest.World) (p staff.Person) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		g, err := staff.OfOffice(ctx, tx, service, w.Officer.ID)
		if err == nil {
			p, err = staff.Add(ctx, tx, terminal, "林静", g)
		}
		return err
	})
	return p
}

func find(w *vaulttest.World, id string) (p staff.Person) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		p, err = staff.Find(ctx, tx, id)
		return err
	})
	return p
}

func wants(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// Article 15: nobody has standing access. The matrix has no action by which a value is
// read, whoever reads it, each action once, and none that anybody may and nobody needs.
func TestArticle15_NobodyHasStandingAccess(t *testing.T) {
	seen := make(map[staff.Action]bool)
	for _, r := range staff.Matrix {
		if seen[r.Action] {
			t.Errorf("%s is there twice", r.Action)
		}
		seen[r.Action] = true
		for _, word := range []string{"value", "read", "reveal", "view", "export"} {
			if strings.Contains(string(r.Action), word) {
				t.Errorf("%s: a value is read by a decision, not by a role", r.Action)
			}
		}
		if !slices.Contains(r.May[:], true) {
			t.Errorf("%s: nobody may", r.Action)
		}
	}
	// Who runs the system, and who audits it, asks for no value and decides on none.
	for _, a := range []staff.Action{staff.AskAccess, staff.DecideAccess, staff.HandleDemands, staff.DecideSuspicions, staff.JudgeEvidence} {
		for _, role := range []staff.Role{staff.Engineer, staff.Auditor} {
			if staff.RuleOf(a).Allows(role) {
				t.Errorf("%s may %s", role, a)
			}
		}
	}
	for _, r := range staff.Matrix {
		name := string(r.Action)
		if strings.HasSuffix(name, ".see") == false && r.Allows(staff.Auditor) {
			t.Errorf("an auditor may %s", name)
		}
	}
	if unknown := staff.RuleOf("values.read"); unknown.Allows(staff.Officer) || !unknown.Fresh {
		t.Error("what isn't in the matrix somebody may")
	}
}

// Article 15: who decides, signs, runs or ends something has shown within minutes who it is:
// of all actions only those go without that look, ask or report, and open nothing by themselves.
func TestArticle15_WhatIsGraveTakesAFreshSession(t *testing.T) {
	without := []staff.Action{staff.AskAccess, staff.ProposeCharter, staff.ReportSuspicions, staff.ReportTakedowns, staff.OpenIncidents}
	for _, r := range staff.Matrix {
		if looks := strings.HasSuffix(string(r.Action), ".see") || slices.Contains(without, r.Action); r.Fresh == looks {
			t.Errorf("%s takes a fresh session: %v", r.Action, r.Fresh)
		}
	}
}

func TestArticle15_RolesAreOfTheirService(t *testing.T) {
	each(t, func(t *testing.T, w *vaulttest.World) {
		manager := hire(w, "韩梅梅", staff.Grant{Role: staff.Manager, Service: service})
		auditor := hire(w, "审计", staff.Grant{Role: staff.Auditor})
		for name, may := range map[string][2]bool{
			"a manager, of the service":          {manager.May(staff.DecideAccess, service), true},
			"a manager, of another":              {manager.May(staff.DecideAccess, another), false},
			"a manager, of all":                  {manager.May(staff.DecideAccess, ""), false},
			"a manager, what is an officer's":    {manager.May(staff.PublishCharter, service), false},
			"a manager, somewhere":               {manager.MaySomewhere(staff.DecideAccess), true},
			"an auditor, of any":                 {auditor.May(staff.SeeLedger, another), true},
			"an auditor, of all":                 {auditor.May(staff.SeeLedger, ""), true},
			"an auditor, what isn't":             {auditor.May(staff.AskAccess, service), false},
			"nobody":                             {staff.Person{}.May(staff.SeeCharters, service), false},
			"who has left":                       {staff.Person{ID: "st_x", State: staff.Left, Grants: auditor.Grants}.May(staff.SeeLedger, ""), false},
			"a manager, what isn't in the table": {manager.May("values.read", service), false},
		} {
			if may[0] != may[1] {
				t.Errorf("%s: %v", name, may[0])
			}
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := catalog.List(ctx, tx)
			if got := manager.Where(staff.DecideAccess, all); !slices.Equal(got, []string{service}) {
				t.Errorf("a manager decides in %q", got)
			}
			if got := auditor.Where(staff.SeeLedger, all); len(got) != len(all) {
				t.Errorf("an auditor sees the ledger of %q", got)
			}
			return err
		})
	})
}

// The account of whoever holds the office has the role, while the office is held.
func TestArticle8_TheRoleOfAnOfficeEndsWithIt(t *testing.T) {
	each(t, func(t *testing.T, w *vaulttest.World) {
		p := officer(w)
		if !p.May(staff.PublishCharter, service) || p.Office(service) != w.Officer.ID || p.May(staff.PublishCharter, another) {
			t.Fatalf("%v", p.Grants)
		}
		wants(t, "a second account for one office", w.Try(func(ctx context.Context, tx *db.Tx) error {
			g, err := staff.OfOffice(ctx, tx, service, w.Officer.ID)
			if err == nil {
				_, err = staff.Add(ctx, tx, terminal, "冒名", g)
			}
			return err
		}), staff.ErrLinked)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.Appoint(ctx, tx, terminal, service, catalog.RoleOfficer, "下一任", "next@example.com")
			return err
		})
		if now := find(w, p.ID); now.May(staff.PublishCharter, service) || now.Office(service) != "" || now.State != staff.Active {
			t.Errorf("out of office, and may: %v", now.Grants)
		}
		wants(t, "an office that has ended", w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := staff.OfOffice(ctx, tx, service, w.Officer.ID)
			return err
		}), catalog.ErrOfficerNotFound)
	})
}

// Leaving ends the account and every role, and not the office: that is ended, or passed
// on, by who governs the service.
func TestArticle15_WhoLeavesMayNothingFromThenOn(t *testing.T) {
	each(t, func(t *testing.T, w *vaulttest.World) {
		p := officer(w)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := staff.Give(ctx, tx, terminal, p.ID, staff.Grant{Role: staff.Engineer})
			if err != nil {
				return err
			}
			_, err = staff.Leave(ctx, tx, terminal, p.ID)
			return err
		})
		now := find(w, p.ID)
		if now.State != staff.Left || len(now.Grants) != 0 || now.LeftAt.IsZero() {
			t.Errorf("%+v", now)
		}
		for name, try := range map[string]func(ctx context.Context, tx *db.Tx) error{
			"given a role": func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.Give(ctx, tx, terminal, p.ID, staff.Grant{Role: staff.Auditor})
				return err
			},
			"left twice": func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.Leave(ctx, tx, terminal, p.ID)
				return err
			},
		} {
			wants(t, name, w.Try(try), staff.ErrLeft)
		}
		wants(t, "who left invites", w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := staff.Add(ctx, tx, p, "朋友", staff.Grant{Role: staff.Worker, Service: service}) // p is as it was before
			return err
		}), staff.ErrMayNot)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			s, err := catalog.Find(ctx, tx, service)
			if s.OfficerID != w.Officer.ID {
				t.Error("with the account went the office")
			}
			return err
		})
	})
}

func TestArticle15_WhoMayChangeWhatOthersMay(t *testing.T) {
	each(t, func(t *testing.T, w *vaulttest.World) {
		boss := officer(w)
		here, there := staff.Grant{Role: staff.Worker, Service: service}, staff.Grant{Role: staff.Worker, Service: another}
		colleague, both := hire(w, "李雷", here), hire(w, "王小", here)
		engineer := hire(w, "工程", staff.Grant{Role: staff.Engineer})
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := staff.Give(ctx, tx, terminal, both.ID, there)
			return err
		})
		manager := staff.Grant{Role: staff.Manager, Service: service}
		give := func(by staff.Actor, who string, g staff.Grant) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error { _, err := staff.Give(ctx, tx, by, who, g); return err })
		}
		leave := func(by staff.Actor, who string) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error { _, err := staff.Leave(ctx, tx, by, who); return err })
		}
		for name, c := range map[string][2]error{
			"an officer authorises a manager": {give(boss, colleague.ID, manager), nil},
			"twice":                           {give(boss, colleague.ID, manager), staff.ErrHeld},
			"an officer, in another service":  {give(boss, colleague.ID, there), staff.ErrMayNot},
			"an officer, for every service":   {give(boss, colleague.ID, staff.Grant{Role: staff.Auditor}), staff.ErrMayNot},
			"an officer, themselves":          {give(boss, boss.ID, manager), staff.ErrSelf},
			"a colleague":                     {give(colleague, both.ID, manager), staff.ErrMayNot},
			"an engineer of everything":       {give(engineer, colleague.ID, staff.Grant{Role: staff.Auditor, Service: service}), staff.ErrMayNot},
			"an app":                          {give(w.App, colleague.ID, staff.Grant{Role: staff.Auditor, Service: service}), staff.ErrMayNot},
			"a terminal without a name":       {give(catalog.Operator{}, colleague.ID, staff.Grant{Role: staff.Auditor}), staff.ErrMayNot},
			"an unknown role":                 {give(terminal, colleague.ID, staff.Grant{Role: "king", Service: service}), staff.ErrRole},
			"an office without one":           {give(terminal, colleague.ID, staff.Grant{Role: staff.Officer, Service: service}), staff.ErrOffice},
			"a manager of everything":         {give(terminal, colleague.ID, staff.Grant{Role: staff.Manager}), staff.ErrService},
			"a service that isn't there":      {give(terminal, colleague.ID, staff.Grant{Role: staff.Auditor, Service: "nowhere"}), catalog.ErrNotFound},
			"a person who isn't there":        {give(terminal, "st_x", manager), staff.ErrNotFound},
			"who has a role elsewhere leaves": {leave(boss, both.ID), staff.ErrMayNot},
			"an officer leaves by themselves": {leave(boss, boss.ID), staff.ErrSelf},
			"an officer lets a colleague go":  {leave(boss, colleague.ID), nil},
			"an officer lets an engineer go":  {leave(boss, engineer.ID), staff.ErrMayNot},
			"a name of two lines": {w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.Add(ctx, tx, terminal, "a\nb", here)
				return err
			}), staff.ErrName},
			"a role that nobody gave is taken": {w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.Take(ctx, tx, boss, both.ID, manager)
				return err
			}), staff.ErrNotHeld},
			"one's own role is taken by oneself": {w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.Take(ctx, tx, boss, boss.ID, boss.Grants[0])
				return err
			}), staff.ErrSelf},
			"a role is taken in one's service": {w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.Take(ctx, tx, boss, both.ID, here)
				return err
			}), nil},
			"a role is taken in another's": {w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.Take(ctx, tx, boss, both.ID, there)
				return err
			}), staff.ErrMayNot},
			"who has no role here, by the officer": {leave(boss, both.ID), staff.ErrMayNot},
		} {
			wants(t, name, c[0], c[1])
		}
	})
}

// The matrix decides in other packages, too: they ask whether who acts governs a service.
func TestArticle15_TheMatrixDecidesAboutCredentials(t *testing.T) {
	each(t, func(t *testing.T, w *vaulttest.World) {
		boss := officer(w)
		engineer := hire(w, "工程", staff.Grant{Role: staff.Engineer, Service: service})
		issue := func(by staff.Person, in string) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, _, err := account.IssueApp(ctx, tx, staff.Acting{Person: by, Action: staff.ManageCredentials}, in, "app", account.AllScopes(), time.Time{})
				return err
			})
		}
		wants(t, "an engineer", issue(engineer, service), nil)
		wants(t, "an engineer, elsewhere", issue(engineer, another), account.ErrMayNot)
		wants(t, "an officer", issue(boss, service), account.ErrMayNot)
	})
}

// Who leaves while it does something has left after that, or before: nothing that a leaver
// did is committed after it has left.
func TestArticle15_WhoActsIsHeldToTheEnd(t *testing.T) {
	each(t, func(t *testing.T, w *vaulttest.World) {
		boss, worker := officer(w), hire(w, "李雷", staff.Grant{Role: staff.Worker, Service: service})
		left := make(chan error, 1)
		var acted error
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, acted = staff.Give(ctx, tx, boss, worker.ID, staff.Grant{Role: staff.Manager, Service: service})
			if acted != nil {
				return acted
			}
			go func() {
				left <- w.Store.Update(context.Background(), func(tx *db.Tx) error {
					_, err := staff.Leave(context.Background(), tx, terminal, boss.ID)
					return err
				})
			}()
			select {
			case err := <-left:
				t.Errorf("the officer left while it acted: %v", err)
				left <- err
			case <-time.After(100 * time.Millisecond):
			}
			return nil
		})
		wants(t, "then it leaves", <-left, nil)
		err := w.Store.Update(context.Background(), func(tx *db.Tx) error {
			_, err := staff.Take(context.Background(), tx, boss, worker.ID, staff.Grant{Role: staff.Manager, Service: service})
			return err
		})
		wants(t, "and may nothing", err, staff.ErrMayNot)
	})
}

// What a person has the system do is in the ledger, and nobody does it whom the matrix
// doesn't let; who acts in another package is held likewise.
func TestArticle15_WhoRunsTheSystemIsOnRecord(t *testing.T) {
	each(t, func(t *testing.T, w *vaulttest.World) {
		boss := officer(w)
		engineer := hire(w, "工程", staff.Grant{Role: staff.Engineer, Service: service})
		operated := func(by staff.Person) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.Operated(ctx, tx, by, staff.RotatedKeys, "")
				return err
			})
		}
		wants(t, "an engineer of one service of two", operated(engineer), staff.ErrMayNot)
		wants(t, "an engineer of each", operated(hire(w, "全部", staff.Grant{Role: staff.Engineer})), nil)
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			engineer, err = staff.Give(ctx, tx, terminal, engineer.ID, staff.Grant{Role: staff.Engineer, Service: another})
			return err
		})
		wants(t, "an engineer of the one and the other", operated(engineer), nil)
		wants(t, "an officer", operated(boss), staff.ErrMayNot)
		wants(t, "nobody", operated(staff.Person{}), staff.ErrNotFound)
		acts := func(by staff.Person, in string) (is bool) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				a, err := staff.Acts(ctx, tx, by, staff.ManageWebhooks)
				is = a.Governs(in)
				return err
			})
			return is
		}
		if !acts(engineer, service) || acts(engineer, "a third") || acts(boss, service) {
			t.Error("others act than the matrix lets")
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := staff.Leave(ctx, tx, terminal, engineer.ID)
			return err
		})
		wants(t, "who has left", operated(engineer), staff.ErrLeft)
		if acts(engineer, service) { // by what it may when it was found, it would
			t.Error("who has left acts")
		}
	})
}
