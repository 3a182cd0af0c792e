// Package errs defines the refusals that a caller may see.
//
// A domain package declares each refusal once:
//
//	var ErrWithdrawn = errs.New(errs.Conflict, "consent.withdrawn")
//
// The variable is the sentinel for errors.Is, its code is the stable code of
// the API, and the same code is the key of the translation. Its one invariant:
// an error that wraps no *Error is internal. It is logged, and the caller
// learns only a reference.
package errs

import (
	"errors"
	"net/http"
)

// A Kind says what the caller can do about a refusal. Its number is the HTTP
// status that carries it (RFC 9110).
type Kind int

const (
	Internal        Kind = http.StatusInternalServerError // tell the operator
	Malformed       Kind = http.StatusBadRequest          // it could not be read at all
	Invalid         Kind = http.StatusUnprocessableEntity // change the request
	Unauthenticated Kind = http.StatusUnauthorized        // sign in
	Forbidden       Kind = http.StatusForbidden           // ask someone else
	NotFound        Kind = http.StatusNotFound
	Conflict        Kind = http.StatusConflict // it was right, but not any more
	Gone            Kind = http.StatusGone     // it was there, and was erased on purpose
	Precondition    Kind = http.StatusPreconditionFailed
	TooLarge        Kind = http.StatusRequestEntityTooLarge
	TooMany         Kind = http.StatusTooManyRequests    // wait
	Unavailable     Kind = http.StatusServiceUnavailable // try again: nothing was done, or the code says that nobody knows
	Full            Kind = http.StatusInsufficientStorage
)

// An Error is a refusal. It carries nothing that must not leave the server.
type Error struct {
	Kind  Kind
	Code  string // "consent.withdrawn"
	Field string // the input at fault, as a path without values, if one is
}

// New declares a refusal. Code is also its key in base/i18n.
func New(kind Kind, code string) *Error { return &Error{Kind: kind, Code: code} }

// Error returns the code.
func (e *Error) Error() string { return e.Code }

// Is reports whether target is the same refusal, whatever its field.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// At returns e as the fault of the named input.
func (e *Error) At(field string) *Error {
	return &Error{Kind: e.Kind, Code: e.Code, Field: field}
}

var internal = New(Internal, "internal")

// Of returns the refusal that err wraps. It is the one place where an error
// becomes visible, and anything unknown becomes "internal".
func Of(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return internal
}
