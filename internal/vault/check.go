package vault

import (
	"errors"
	"time"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/charter"
)

// faults are the refusals of values that their item doesn't describe.
var faults = []*errs.Error{
	errs.New(errs.Invalid, charter.ValueBlank),
	errs.New(errs.Invalid, charter.ValueNotUTF8),
	errs.New(errs.Invalid, charter.ValueControl),
	errs.New(errs.Invalid, charter.ValueTooLong),
	errs.New(errs.Invalid, charter.ValueNotDate),
	errs.New(errs.Invalid, charter.ValueFuture),
	errs.New(errs.Invalid, charter.ValueNotPhone),
	errs.New(errs.Invalid, charter.ValueNotEmail),
	errs.New(errs.Invalid, charter.ValueNotIdentity),
	errs.New(errs.Invalid, charter.ValueNotNumber),
	errs.New(errs.Invalid, charter.ValueOutOfRange),
	errs.New(errs.Invalid, charter.ValueNotChoice),
	errs.New(errs.Invalid, charter.ValueNotLocation),
	errs.New(errs.Invalid, charter.ValueNotBase64),
	errs.New(errs.Invalid, charter.ValueNotImage),
	errs.New(errs.Invalid, charter.ValueUnknownKind),
}

// check refuses a value that its item doesn't describe (Article 11). The
// refusal names the item, which the charter declares, and never the value.
func check(declared charter.Item, item string, value pii.Text, now time.Time) error {
	err := declared.Check(value.Reveal(), now)
	if e, ok := errors.AsType[*charter.ValueError](err); ok {
		for _, fault := range faults {
			if fault.Code == e.Code {
				return fault.At("values." + item)
			}
		}
	}
	return err
}
