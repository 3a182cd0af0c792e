package approval

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/staff"
)

// AsOfficer returns the office that a person holds in a service, of whom the matrix lets
// manage offices there, with the person held to the end of the transaction (Article 8).
// Errors: ErrMayNot, catalog.ErrNotFound.
func AsOfficer(ctx context.Context, tx *db.Tx, by staff.Person, service string) (catalog.Officer, error) {
	_, who, err := colleague(ctx, tx, by, staff.ManageOffice, service)
	if err == nil && who.Office.ID == "" {
		err = ErrMayNot
	}
	return who.Office, err
}
