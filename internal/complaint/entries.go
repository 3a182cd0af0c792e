package complaint

import (
	"context"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/ledger"
)

// The kinds of entries about reports. They are about no child, and no decision of the gate is
// computed from them: their version is 0. None has a word of what was written.
const (
	KindReceived     = "complaint.received"
	KindAdded        = "complaint.added"
	KindReopened     = "complaint.reopened"
	KindRead         = "complaint.read"
	KindAcknowledged = "complaint.acknowledged"
	KindAnswered     = "complaint.answered"
	KindDismissed    = "complaint.dismissed"
	KindLinked       = "complaint.linked"
	KindReminded     = "complaint.reminded"
	KindErased       = "complaint.erased"
)

// A Written is what the ledger has of a text: its number, its mark, and those of the
// attachments that came with it.
type Written struct {
	Note  int64    `json:"note"`
	Mark  string   `json:"mark"`
	Files []string `json:"files,omitempty"`
}

// A ReceivedBody is what the ledger keeps of a report. Times are microseconds.
type ReceivedBody struct {
	Complaint string `json:"complaint"`
	Kind      Kind   `json:"kind"`
	Whole     bool   `json:"whole,omitempty"`
	Due       int64  `json:"due"`
	Erase     int64  `json:"erase"`
	Opens     string `json:"opens"` // see Complaint.Opens
	Written
}

// An AddedBody says that its reporter has written more; or, with the end of the new clock,
// has opened it once more.
type AddedBody struct {
	Complaint string `json:"complaint"`
	Due       int64  `json:"due,omitempty"`
	Written
}

// A ReadBody says who is about to read what: all texts, or an attachment, from 1 on.
type ReadBody struct {
	Complaint string `json:"complaint"`
	File      int64  `json:"file,omitempty"`
	approval.Inside
}

// An AcknowledgedBody says until when it is answered.
type AcknowledgedBody struct {
	Complaint string `json:"complaint"`
	Due       int64  `json:"due"`
	approval.Inside
}

// An AnsweredBody says what was found.
type AnsweredBody struct {
	Complaint string  `json:"complaint"`
	Outcome   Outcome `json:"outcome"`
	Written
	approval.Inside
}

// A DismissedBody says why it closes without an answer.
type DismissedBody struct {
	Complaint string  `json:"complaint"`
	Outcome   Outcome `json:"outcome"`
	approval.Inside
}

// A LinkedBody says which case was made of it.
type LinkedBody struct {
	Complaint string `json:"complaint"`
	Case      string `json:"case"`
	approval.Inside
}

// A RemindedBody says that a clock ends soon.
type RemindedBody struct {
	Complaint string `json:"complaint"`
	Due       int64  `json:"due"`
}

// An ErasedBody says that nothing of it is left.
type ErasedBody struct {
	Complaint string `json:"complaint"`
}

func (c Complaint) note(ctx context.Context, tx *db.Tx, kind, actor string, body any) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: c.Service, Actor: actor, Body: body})
}
