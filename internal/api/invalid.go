package api

import (
	"errors"
	"reflect"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"wardkeep/client"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
)

// What can be wrong with a field.
var (
	ErrUnknownField = errs.New(errs.Invalid, "api.unknown_field")
	ErrMissing      = errs.New(errs.Invalid, "api.missing_field")
	ErrType         = errs.New(errs.Invalid, "api.wrong_type")
	ErrTooLong      = errs.New(errs.Invalid, "api.too_long")
	ErrTooShort     = errs.New(errs.Invalid, "api.too_short")
	ErrChoice       = errs.New(errs.Invalid, "api.not_a_choice")
	ErrRange        = errs.New(errs.Invalid, "api.out_of_range")
	ErrControl      = errs.New(errs.Invalid, "api.control_character")
	ErrInvalid      = errs.New(errs.Invalid, "api.invalid_value")
)

// invalid is what huma found. Its details hold what was sent and go nowhere.
type invalid struct {
	status  int
	details []error
}

// Error says nothing of the details.
func (e *invalid) Error() string { return "api: invalid" }

// GetStatus makes it an error of huma.
func (e *invalid) GetStatus() int { return e.status }

// refusal returns the first thing that is wrong, at a field whose name is known.
func (e *invalid) refusal(known map[string]bool) error {
	for _, err := range e.details {
		d, ok := errors.AsType[*huma.ErrorDetail](err)
		if !ok {
			continue
		}
		return meaning(d.Message).At(field(d, known))
	}
	return ErrInvalid
}

// meaning tells one fault from another by the words in which huma speaks of it.
func meaning(message string) *errs.Error {
	is := func(patterns ...string) bool {
		for _, p := range patterns {
			fixed, _, _ := strings.Cut(p, "%")
			if strings.HasPrefix(message, strings.TrimRight(fixed, `"`)) {
				return true
			}
		}
		return false
	}
	switch {
	case is(validation.MsgUnexpectedProperty, "unknown query parameter"):
		return ErrUnknownField
	case is(validation.MsgExpectedRequiredProperty, "required "):
		return ErrMissing
	case is(validation.MsgExpectedMaxLength, validation.MsgExpectedMaxItems, validation.MsgExpectedMaxProperties):
		return ErrTooLong
	case is(validation.MsgExpectedMinLength, validation.MsgExpectedMinItems, validation.MsgExpectedMinProperties):
		return ErrTooShort
	case is(validation.MsgExpectedOneOf):
		return ErrChoice
	case is(validation.MsgExpectedMinimumNumber, validation.MsgExpectedMaximumNumber):
		return ErrRange
	case message == validation.MsgExpectedString, message == validation.MsgExpectedBoolean, message == validation.MsgExpectedNumber,
		message == validation.MsgExpectedInteger, message == validation.MsgExpectedArray, message == validation.MsgExpectedObject:
		return ErrType
	}
	return ErrInvalid
}

var index = regexp.MustCompile(`^([a-z_-]*)((?:\[[0-9]{1,4}\])*)$`)

// field returns where the fault is, as far as the names on the way are ours. A
// name that was made up by the caller may be anything, a child's name too.
func field(d *huma.ErrorDetail, known map[string]bool) string {
	parts := strings.Split(d.Location, ".")
	if len(parts) > 0 && (parts[0] == "body" || parts[0] == "query" || parts[0] == "header") {
		parts = parts[1:]
	}
	if strings.HasPrefix(d.Message, validation.MsgUnexpectedProperty) || strings.HasPrefix(d.Message, "unknown query") {
		parts = parts[:max(len(parts)-1, 0)]
	}
	// Of what is missing, the name stands in the words alone.
	if before, after, ok := strings.Cut(validation.MsgExpectedRequiredProperty, "%s"); ok {
		if name, ok := strings.CutPrefix(d.Message, before); ok {
			parts = append(parts, strings.TrimSuffix(name, after))
		}
	}
	var path []string
	for _, p := range parts {
		m := index.FindStringSubmatch(p)
		if m == nil || !known[m[1]] {
			break
		}
		path = append(path, p)
	}
	return strings.Join(path, ".")
}

// line refuses a text that isn't one line of what a reader can see: names and
// references go into messages and on screens.
func line(name, text string) error {
	if !utf8.ValidString(text) {
		return ErrNotUTF8.At(name)
	}
	if strings.IndexFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError
	}) >= 0 {
		return ErrControl.At(name)
	}
	return nil
}

// lines checks names and texts in turn.
func lines(pairs ...string) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		if err := line(pairs[i], pairs[i+1]); err != nil {
			return err
		}
	}
	return nil
}

var problemTypeOf = reflect.TypeFor[wardkeep.Problem]()

// english are the words of the OpenAPI document, which is for programmers. The
// documentation in Chinese is at /docs.
func english(key string) string { return i18n.English.T(key) }
