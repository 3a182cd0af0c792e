package vaulttest

import (
	"context"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/party"
)

// StoredAbroad returns the charter with everything stored in Singapore, by a mechanism (edge
// case 20).
func StoredAbroad(c *charter.Charter, by charter.Mechanism) *charter.Charter {
	to := *c
	to.Storage = charter.Storage{Place: charter.Words{ZH: "新加坡，海港云的主机", EN: "Singapore, on hosts of Harbour Cloud"}, Country: "SG"}
	to.Purposes = slices.Clone(c.Purposes)
	for i := range to.Purposes {
		to.Purposes[i].SeparateConsent, to.Purposes[i].Necessary = true, false
		to.Purposes[i].CrossBorder = &charter.CrossBorder{Mechanism: by, Reference: "12"}
	}
	return &to
}

// ReadFrom returns the charter with one of its purposes, "speaking-practice", read from abroad, too, by
// a standard contract (edge case 20).
func ReadFrom(c *charter.Charter, from ...charter.Region) *charter.Charter {
	to := *c
	to.Purposes = slices.Clone(c.Purposes)
	for i, p := range to.Purposes {
		if p.Name == "speaking-practice" {
			to.Purposes[i].SeparateConsent, to.Purposes[i].Necessary, to.Purposes[i].AccessFrom = true, false, from
			to.Purposes[i].CrossBorder = &charter.CrossBorder{Mechanism: charter.StandardContract, Reference: "12"}
		}
	}
	return &to
}

// StorageIdentity is who runs that storage.
func StorageIdentity() party.Identity {
	return party.Identity{LegalName: "Harbour Cloud Pte. Ltd.", Registration: "201912345K", Contact: "privacy@harbour.example",
		Address: "1 Example Road, Singapore", Country: "SG", Task: "云主机和数据库"}
}

// MechanismUntil is a mechanism that holds now and until a moment, which is cut to its second.
func (w *World) MechanismUntil(by charter.Mechanism, until time.Time) party.Mechanism {
	return party.Mechanism{Mechanism: by, Reference: "12", Document: strings.Repeat("cd", 32),
		From: w.Store.Now().Add(-time.Hour).Format(time.RFC3339), Until: until.Format(time.RFC3339)}
}

// StoreAbroad publishes that all is stored abroad, registers the storage, and puts the
// mechanism on file for it.
func (w *World) StoreAbroad(by charter.Mechanism, until time.Time) {
	w.T.Helper()
	w.Publish(StoredAbroad(w.Charter, by))
	w.FileStorage(by, until)
}

// FileStorage registers the storage of a charter that has it in Singapore, and puts the
// mechanism on file for it.
func (w *World) FileStorage(by charter.Mechanism, until time.Time) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		if _, _, err := party.Register(ctx, tx, w.Officer, party.StorageOf(Service), StorageIdentity()); err != nil {
			return err
		}
		_, _, err := party.File(ctx, tx, w.Officer, party.StorageOf(Service), w.MechanismUntil(by, until))
		return err
	})
}

// Proved registers a child whose guardian has agreed to everything, and has shown who it is by
// name and number: a code alone carries nothing abroad (edge case 24).
func (w *World) Proved() family.Child {
	w.T.Helper()
	child, _ := w.Enrol()
	w.AnswerProved(child)
	return child
}

// AnswerProved plays that the guardian agrees to everything, so proved.
func (w *World) AnswerProved(child family.Child) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		child, err := family.Find(ctx, tx, Service, child.ID)
		if err != nil {
			return err
		}
		r, _, _, err := w.Desk.Ask(ctx, tx, w.App, child, consent.Asking{Channel: consent.Link, Locale: "zh-CN"})
		if err != nil {
			return err
		}
		_, _, err = w.Desk.ForceAt(ctx, tx, w.App, r, consent.ForceGranted, family.NameAndNumber)
		return err
	})
}
