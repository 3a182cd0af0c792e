package api

import (
	"wardkeep/internal/base/errs"
)

// at returns the refusal in err as the fault of a field, and any other error as
// it is.
func at(err error, field string) error {
	if e := errs.Of(err); e.Kind != errs.Internal {
		return e.At(field)
	}
	return err
}
