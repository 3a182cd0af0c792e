package vault

import (
	"errors"
	"time"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/charter"
)

// check refuses a value that its item doesn't describe (Article 11). The
// refusal names the item, which the charter declares, and never the value.
func check(declared charter.Item, item string, value pii.Text, now time.Time) error {
	err := declared.Check(value.Reveal(), now)
	if e, ok := errors.AsType[*charter.ValueError](err); ok {
		return errs.New(errs.Invalid, e.Code).At("values." + item)
	}
	return err
}
