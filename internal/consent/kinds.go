package consent

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
)

// The kinds of ledger entries about consent.
const (
	KindRequested = "consent.requested"
	KindSent      = "consent.sent"
	KindOpened    = "consent.opened"
	KindVerified  = "consent.verified"
	KindExpired   = "consent.expired"
	KindCancelled = "consent.cancelled"
	KindGranted   = "consent.granted"
	KindRefused   = "consent.refused"
	KindWithdrawn = "consent.withdrawn"
)

// A RequestedBody says what was asked of whom.
type RequestedBody struct {
	Request  string            `json:"request"`
	Guardian family.GuardianID `json:"guardian"`
	Charter  int64             `json:"charter"`
	Purposes []string          `json:"purposes"`
	Channel  Channel           `json:"channel"`
	Locale   string            `json:"locale"`
	Expires  int64             `json:"expires"`            // µs
	Payload  bool              `json:"payload,omitempty"`  // the operator gave something to be given back
	Takeover bool              `json:"takeover,omitempty"` // it asks about who takes over, as was announced before (edge case 18)
}

// A RequestBody names the request that was sent, ran out or was cancelled.
type RequestBody struct {
	Request string `json:"request"`
	Sends   int64  `json:"sends,omitempty"` // how often it has been sent
}

// An OpenedBody says what was shown (Article 10).
type OpenedBody struct {
	Request  string `json:"request"`
	Notice   string `json:"notice"`
	Page     string `json:"page,omitempty"` // the page that showed it with its questions
	Lang     string `json:"lang"`
	Channel  string `json:"channel"`
	Guidance bool   `json:"guidance,omitempty"` // guidance for the guardian and the child was offered with it (Article 5)
}

// A VerifiedBody says that a guardian proved to be the one who was asked.
type VerifiedBody struct {
	Request  string            `json:"request"`
	Guardian family.GuardianID `json:"guardian"`
	Strength family.Strength   `json:"strength"`
}

// An AnswerBody is what a guardian chose, with all that was shown: the fields of
// Answer. It is the body of a grant, a refusal and a withdrawal.
type AnswerBody struct {
	Consent   string            `json:"consent"`
	Guardian  family.GuardianID `json:"guardian"`
	Request   string            `json:"request,omitempty"`
	Purpose   string            `json:"purpose"`
	Charter   int64             `json:"charter"`
	Notice    string            `json:"notice"`
	Page      string            `json:"page,omitempty"`
	Lang      string            `json:"lang"`
	Channel   string            `json:"channel"`
	Shown     int64             `json:"shown"` // µs
	Strength  family.Strength   `json:"strength"`
	Takeover  bool              `json:"takeover,omitempty"`  // what it answers asked about who takes over (edge case 18)
	Withdraws string            `json:"withdraws,omitempty"` // the grant that it takes back
	Ends      string            `json:"ends,omitempty"`      // the guardian's former answer, which no longer stands
	Self      bool              `json:"self,omitempty"`      // a minor answered for itself (edge case 4)
	Again     bool              `json:"again,omitempty"`     // a store that was put back says once more what the guardian had said (edge case 15)
	Over      bool              `json:"over,omitempty"`      // all was refused, and this with it: the unconsented child's life ends
}

// note appends an entry about a locked child.
func note(ctx context.Context, tx *db.Tx, c family.Child, kind, actor string, body any) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{
		Kind: kind, Service: c.Service, Subject: c.Subject, Version: c.Version, Actor: actor, Body: body,
	})
}
