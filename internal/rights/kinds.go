package rights

import (
	"context"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
)

// The kinds of ledger entries about demands. That a child was erased is told by
// family's own entry.
const (
	KindReceived  = "request.received"
	KindConfirmed = "request.confirmed" // taken on by a guardian, or by the child: it is erased
	KindAssigned  = "request.assigned"
	KindShown     = "request.shown" // its words, to one of the staff
	KindTold      = "request.told"  // to a guardian, before the child is erased
	KindExtended  = "request.extended"
	KindDone      = "request.done"
	KindRefused   = "request.refused"
	KindCancelled = "request.cancelled"
	KindRecalled  = "request.recalled" // a copy that waited for its recipient: nobody gets it
)

// A ReceivedBody says what was demanded, and its clock. Times are microseconds.
type ReceivedBody struct {
	Request  string            `json:"request"`
	Number   string            `json:"number"`
	Kind     Kind              `json:"kind"`
	Door     Door              `json:"door"`
	Guardian family.GuardianID `json:"guardian,omitempty"`
	Item     string            `json:"item,omitempty"`
	Due      int64             `json:"due"`
	Erase    int64             `json:"erase,omitempty"`
	Fetch    int64             `json:"fetch,omitempty"` // until when its answer is at home
	Froze    bool              `json:"froze,omitempty"` // the child wasn't frozen before
	Owner    string            `json:"owner,omitempty"` // "st_…": it is handled by who has taken it
	Note     bool              `json:"note,omitempty"`  // something was written with it
	Reached  Reached           `json:"reached,omitempty"`
	Paper    bool              `json:"paper,omitempty"` // it came with a document
	Items    []string          `json:"items,omitempty"` // of a copy that is carried over; none: whatever is held
	Home     bool              `json:"home,omitempty"`  // it is in the country, as the guardian says who has named that one (edge case 20)
	Inside
}

// Inside is what the act of a person inside rests on, whom the matrix lets handle demands.
type Inside = approval.Inside

// A ConfirmedBody says when a child is erased, after a guardian, or the child, has
// taken on what somebody else had demanded.
type ConfirmedBody struct {
	Request  string            `json:"request"`
	Door     Door              `json:"door"`
	Guardian family.GuardianID `json:"guardian,omitempty"`
	Erase    int64             `json:"erase"`
	Note     bool              `json:"note,omitempty"` // something was written with it
	Reached  Reached           `json:"reached,omitempty"`
	Paper    bool              `json:"paper,omitempty"` // it came with a document
	Inside
}

// An AssignedBody says who of the staff handles a demand from then on.
type AssignedBody struct {
	Request string `json:"request"`
	Owner   string `json:"owner"`
	Inside
}

// A ShownBody says whose words somebody has seen, and which.
type ShownBody struct {
	Request string `json:"request"`
	Note    bool   `json:"note,omitempty"`
	Answer  bool   `json:"answer,omitempty"`
	Inside
}

// A ToldBody says which guardian was told of a demand to erase the child, and by which
// channel.
type ToldBody struct {
	Request  string            `json:"request"`
	Guardian family.GuardianID `json:"guardian"`
	Channel  string            `json:"channel"`
}

// An ExtendedBody says until when a demand may take, and why.
type ExtendedBody struct {
	Request string `json:"request"`
	Reason  Reason `json:"reason"`
	Due     int64  `json:"due"`
	Inside
}

// An EndedBody says how a demand ended: the reason is that of a refusal.
type EndedBody struct {
	Request  string `json:"request"`
	Received int64  `json:"received"` // when it had come, µs: so that the entry tells how long it took
	Reason   Reason `json:"reason,omitempty"`
	Answer   bool   `json:"answer,omitempty"` // something was written with it
	Again    bool   `json:"again,omitempty"`  // a restore says once more what was said before
	Inside
}

// A RecalledBody says why nobody gets a copy any more that waited for its recipient.
type RecalledBody struct {
	Request string     `json:"request"`
	Why     PortEnding `json:"why"`
	Inside
}

// record appends an entry about a locked child.
func record(ctx context.Context, tx *db.Tx, c family.Child, kind, actor string, body any) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{
		Kind: kind, Service: c.Service, Subject: c.Subject, Version: c.Version, Actor: actor, Body: body,
	})
}
