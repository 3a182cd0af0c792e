package gate

import (
	"context"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/border"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/party"
)

// missing are the reasons for what a service can lack (Article 8). Rules and
// agreement are published with the charter, and named with it.
var missing = map[string]string{
	catalog.MissingCharter: "gate.no_charter",
	catalog.MissingOfficer: "gate.no_officer",
	catalog.MissingDeputy:  "gate.no_deputy",
}

// Register enrols a child, if the service may collect at all. A reference and a
// guardian's contact are collected before anyone could consent (edge case 5),
// but not before rules, agreement, officer and deputy are there (Article 8), nor once
// the end of the service was announced (Article 23), nor abroad where no mechanism holds, or
// none that carries one child more this year (edge case 20). It is the one way to family.Enrol. Errors: *Denied, and those of Enrol.
func (g *Gate) Register(ctx context.Context, tx *db.Tx, by family.Actor, e family.Enrolment) (family.Child, family.Guardian, string, error) {
	service, err := mayRegister(ctx, tx, e.Service)
	if err != nil {
		return family.Child{}, family.Guardian{}, "", err
	}
	count, crosses, err := g.mayKeep(ctx, tx, by, service)
	if err != nil {
		return family.Child{}, family.Guardian{}, "", err
	}
	if crosses {
		e.Person = count.Persons + 1
	}
	child, guardian, entry, err := family.Enrol(ctx, tx, g.Ring, by, e)
	if err == nil && crosses {
		err = count.Cross(ctx, tx, child.ID)
	}
	return child, guardian, entry, err
}

// AddGuardian ties another person to a locked child, if the service may collect
// at all: a guardian's contact is personal information too (Article 8). The new
// guardian can't answer until it has proved to be one. Entry is empty if the
// contact is tied to the child already. It waits for no mechanism of a storage abroad: who
// speaks for a child that is held there looks, and ends it. An app that asks from abroad has the
// contact in hand there, so it ties nobody where it may read nothing (edge case 20). It is the
// edges' one way to family.AddGuardian. Errors: *Denied, and those of family.AddGuardian.
func (g *Gate) AddGuardian(ctx context.Context, tx *db.Tx, by family.Actor, c family.Child, p family.Person) (family.Guardian, string, error) {
	service, err := mayRegister(ctx, tx, c.Service)
	if err == nil {
		err = g.mayTie(ctx, tx, by, service)
	}
	if err != nil {
		return family.Guardian{}, "", err
	}
	return family.AddGuardian(ctx, tx, g.Ring, by, c, p)
}

// mayTie denies an app that asks from a country abroad where nothing may be read for any purpose
// that goes on.
func (g *Gate) mayTie(ctx context.Context, tx *db.Tx, by family.Actor, service catalog.Service) error {
	app, ok := by.(account.App)
	if !ok || !ByApp(app).Abroad() {
		return nil
	}
	published, err := g.Charters.Version(ctx, tx, service.Name, service.Charter)
	if err != nil {
		return err
	}
	var all []party.Standing
	if err := tx.Together(ctx, party.ReadAll(&all, service.Name)); err != nil {
		return err
	}
	f := Facts{Now: tx.Now(), Service: service, Published: published}.Among(all, ByApp(app), Use{})
	denied := Denied{Reasons: []Denial{{Code: byAccess.undeclared, Article: party.Access.Article()}}}
	for _, purpose := range published.Charter.Purposes {
		if service.Ceases(purpose.Name) {
			continue
		}
		d := decision{facts: f, by: ByApp(app), use: Use{Service: service.Name}}
		if d.read(purpose); len(d.reasons) == 0 {
			return nil
		}
		if purpose.ReadFrom(app.Country) { // what is to be done about it is told
			denied.Reasons = d.reasons
		}
	}
	return &denied
}

// mayRegister denies whatever brings a new contact while something is missing, or
// once the service ends.
func mayRegister(ctx context.Context, tx *db.Tx, name string) (catalog.Service, error) {
	service, err := catalog.Find(ctx, tx, name)
	if err != nil {
		return service, err
	}
	var denied Denied
	for _, what := range service.Missing() {
		if code, ok := missing[what]; ok {
			denied.Reasons = append(denied.Reasons, Denial{Code: code, Article: "8"})
		}
	}
	if service.Ceases("") { // Article 23
		denied.Reasons = append(denied.Reasons, Denial{Code: "gate.service_ceasing", Article: "23"})
	}
	if len(denied.Reasons) > 0 {
		return service, &denied
	}
	return service, nil
}

// mayKeep denies that a new child is kept abroad while the storage there stands on nothing for
// any purpose that goes on, or registered from abroad where it could be read for none: nobody could
// be asked for what may not be collected (edge case 20). What is kept of a child from then on is
// personal information, too: so it crosses here, and is counted. The count is held to the commit,
// and returned. At home it reads the charter alone, which is in memory.
func (g *Gate) mayKeep(ctx context.Context, tx *db.Tx, by family.Actor, service catalog.Service) (count border.Count, crosses bool, err error) {
	published, err := g.Charters.Version(ctx, tx, service.Name, service.Charter)
	f := Facts{Now: tx.Now(), Service: service, Published: published}
	var from Actor
	if app, ok := by.(account.App); ok {
		from = ByApp(app)
	}
	if err != nil || !f.crosses(from, Use{}) {
		return border.Count{}, false, err
	}
	var all []party.Standing
	if err := tx.Together(ctx, party.ReadAll(&all, service.Name)); err != nil {
		return border.Count{}, false, err
	}
	if f.Border, err = border.Hold(ctx, tx, ""); err != nil { // nobody yet, so nobody who has crossed
		return border.Count{}, false, err
	}
	u := Use{Service: service.Name, Activity: charter.Collect}
	f = f.Among(all, from, u)
	var denied Denied
	declared := false
	for _, purpose := range published.Charter.Purposes {
		if service.Ceases(purpose.Name) {
			continue
		}
		d := decision{facts: f, by: from, use: u}
		d.stored(purpose)
		d.read(purpose)
		if d.counted(purpose); len(d.reasons) == 0 {
			return f.Border, true, nil
		}
		// Told is what to do about the first purpose that the charter lets cross this way, if there is one.
		declares := purpose.CrossBorder != nil && (!f.readAbroad(from) || purpose.ReadFrom(f.readIn(from)))
		if len(denied.Reasons) == 0 || declares && !declared {
			denied.Reasons, declared = d.reasons, declares
		}
	}
	if len(denied.Reasons) == 0 {
		return f.Border, true, nil
	}
	return border.Count{}, false, &denied
}
