package gate

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
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
// the end of the service was announced (Article 23). It is the one way to family.Enrol. Errors: *Denied, and those of Enrol.
func Register(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by family.Actor, e family.Enrolment) (family.Child, family.Guardian, string, error) {
	if err := mayRegister(ctx, tx, e.Service); err != nil {
		return family.Child{}, family.Guardian{}, "", err
	}
	return family.Enrol(ctx, tx, ring, by, e)
}

// AddGuardian ties another person to a locked child, if the service may collect
// at all: a guardian's contact is personal information too (Article 8). The new
// guardian can't answer until it has proved to be one. Entry is empty if the
// contact is tied to the child already. It is the edges' one way
// to family.AddGuardian. Errors: *Denied, and those of family.AddGuardian.
func AddGuardian(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by family.Actor, c family.Child, p family.Person) (family.Guardian, string, error) {
	if err := mayRegister(ctx, tx, c.Service); err != nil {
		return family.Guardian{}, "", err
	}
	return family.AddGuardian(ctx, tx, ring, by, c, p)
}

// mayRegister denies whatever brings a new contact while something is missing, or
// once the service ends.
func mayRegister(ctx context.Context, tx *db.Tx, name string) error {
	service, err := catalog.Find(ctx, tx, name)
	if err != nil {
		return err
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
		return &denied
	}
	return nil
}
