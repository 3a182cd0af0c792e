package vaulttest

import (
	"slices"

	"wardkeep/internal/charter"
)

// Screened returns the charter with marks for what is looked for in what is about to be
// published: nicknames as names, schools, and guardians' phone numbers.
func Screened(c *charter.Charter) *charter.Charter {
	to := *c
	to.Items = slices.Clone(c.Items)
	for i := range to.Items {
		to.Items[i].ScreenedAs = map[string]charter.Screened{"nickname": charter.AsName, "school": charter.AsSchool, "guardian_phone": charter.AsPhone}[to.Items[i].Name]
	}
	return &to
}
