package verification

import (
	"context"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
)

// The kinds of ledger entries about attempts. What a success proved is told by
// family's own entries, which name the attempt.
const (
	KindStarted   = "verification.started"
	KindSucceeded = "verification.succeeded"
	KindFailed    = "verification.failed"
	KindSeen      = "verification.seen"
	KindApproved  = "verification.approved" // by the first of two
)

// A StartedBody says what was tried.
type StartedBody struct {
	Verification string            `json:"verification"`
	Request      string            `json:"request"`
	Guardian     family.GuardianID `json:"guardian"`
	Method       family.Method     `json:"method"`
	Expires      int64             `json:"expires"` // µs
}

// A SeenBody names an attempt whose document was seen, and how often a person inside might
// look within an hour and on a day; zero of who holds an office, at the terminal.
type SeenBody struct {
	Verification string `json:"verification"`
	PerHour      int64  `json:"per_hour,omitempty"`
	PerDay       int64  `json:"per_day,omitempty"`
	approval.Inside
}

// An AttemptBody names an attempt that succeeded.
type AttemptBody struct {
	Verification string `json:"verification"`
	approval.Inside
}

// An ApprovedBody says until when a document proves something, as who approved it
// first read it, and who else that might have been.
type ApprovedBody struct {
	Verification string   `json:"verification"`
	Until        int64    `json:"until,omitempty"`  // µs
	Behind       []string `json:"behind,omitempty"` // "st_…"
	approval.Inside
}

// A Why is what an attempt failed by.
type Why string

// The reasons.
const (
	NoMatch     Why = "no_match"
	NotAdult    Why = "not_adult"
	OtherPerson Why = "other_person" // not who was proved before, or who another guardian of the child is
	NotAsked    Why = "unavailable"  // the provider could not be asked
	RefusedBy   Why = "refused"      // by somebody of the staff
	RanOut      Why = "expired"
)

// A FailedBody says why an attempt failed.
type FailedBody struct {
	Verification string `json:"verification"`
	Why          Why    `json:"why"`
	Flaw         Flaw   `json:"flaw,omitempty"` // of a document that somebody of the staff refused
	approval.Inside
}

// note appends an entry about a locked child.
func note(ctx context.Context, tx *db.Tx, c family.Child, kind, actor string, body any) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{
		Kind: kind, Service: c.Service, Subject: c.Subject, Version: c.Version, Actor: actor, Body: body,
	})
}
