package approval

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/staff"
)

// A SearchedBody says that a person has looked a child up by what the operator calls it.
// Which child isn't told: the entry is about who looks.
type SearchedBody struct {
	Person string  `json:"person"`
	Nobody bool    `json:"nobody,omitempty"` // no child has the reference
	Alarms []Cause `json:"alarms,omitempty"` // that were raised: each has an entry of its own
}

// Searched records that a person has found a child by its reference, before that is
// answered (Article 15): whoever looks up many is seen, and who looks up a decoy raises an
// alarm as who asks about one does, and sees nothing of that.
func Searched(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Person, c family.Child) error {
	decoy, err := IsDecoy(ctx, tx, ring, c)
	if err != nil {
		return err
	}
	var alarms []Cause
	if decoy {
		alarms = []Cause{Touched}
	}
	entry, err := note(ctx, tx, c.Service, KindSearched, by.Ledger(), SearchedBody{Person: by.ID, Alarms: alarms})
	if err != nil {
		return err
	}
	return Raise(ctx, tx, c.Service, "", by.Ledger(), alarms, entry)
}

// FoundNobody records that a person has looked for a child by a reference that none of the
// service has, before that is answered: whoever tries references out is seen.
func FoundNobody(ctx context.Context, tx *db.Tx, by staff.Person, service string) error {
	_, err := note(ctx, tx, service, KindSearched, by.Ledger(), SearchedBody{Person: by.ID, Nobody: true})
	return err
}

// ShownAtTerminal raises the alarm where somebody at the terminal is about to be shown a
// decoy, how it stands or who speaks for it: that is in no entry of its own.
func ShownAtTerminal(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by catalog.Operator, c family.Child) error {
	decoy, err := IsDecoy(ctx, tx, ring, c)
	if err != nil || !decoy {
		return err
	}
	return Raise(ctx, tx, c.Service, "", by.Ledger(), []Cause{Touched}, "")
}
