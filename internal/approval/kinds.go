package approval

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
)

// The kinds of ledger entries about approvals. A look by one is a use, with an entry of
// the gate's. That nobody answered in time, or that a window is over, has no entry: its
// moment is in the one before.
const (
	KindAsked    = "approval.asked"
	KindAgreed   = "approval.agreed" // by the first of two
	KindGranted  = "approval.granted"
	KindNarrowed = "approval.narrowed"
	KindRefused  = "approval.refused"
	KindEnded    = "approval.ended"

	KindForeign  = "approval.foreign"  // asked for a foreign authority, and refused by that
	KindReleased = "approval.released" // to somebody to whom no guardian has agreed: see Basis
	KindTold     = "approval.told"     // the silence about it is over

	KindBroken     = "approval.broken" // a window that two persons opened without the office
	KindReviewed   = "approval.reviewed"
	KindReviewLate = "approval.review_late"

	KindAlarm = "approval.alarm" // that a look has raised, or a request about a decoy, or a touch of one

	KindSearched = "approval.searched" // a child, by its reference

	KindDecoy      = "approval.decoy"
	KindDecoyEnded = "approval.decoy_ended"
)

// An AskedBody says what was asked. Who asks is the entry's actor. Times are
// microseconds; Person and Catalog are the versions of who acts, and of the service, that
// the right to act rests on.
type AskedBody struct {
	Request  string   `json:"request"`
	Number   string   `json:"number"`
	Purpose  string   `json:"purpose"`
	Items    []string `json:"items"`
	Reason   Reason   `json:"reason"`
	Minutes  int      `json:"minutes"`
	Glass    bool     `json:"glass,omitempty"`
	Export   bool     `json:"export,omitempty"`
	AnswerBy int64    `json:"answer_by"`
	Person   int64    `json:"person"`
	Catalog  int64    `json:"catalog"`
	Alarms   []Cause  `json:"alarms,omitempty"` // that were raised: each has an entry of its own

	Basis *BasisBody `json:"basis,omitempty"` // in place of a guardian's yes
}

// A DecidedBody says what was decided, by the entry's actor. Asker is the version of who
// had asked.
type DecidedBody struct {
	Request string   `json:"request"`
	Reason  Answer   `json:"reason"`
	Items   []string `json:"items,omitempty"`
	From    int64    `json:"from,omitempty"`
	Until   int64    `json:"until,omitempty"`
	Quota   int64    `json:"quota,omitempty"`
	Text    bool     `json:"text,omitempty"` // something was written with it
	Person  int64    `json:"person"`
	Asker   int64    `json:"asker,omitempty"` // of a refusal nobody asks who had asked
	First   int64    `json:"first,omitempty"` // the version of who was the first of two to agree
	Catalog int64    `json:"catalog"`
	Officer bool     `json:"officer,omitempty"` // on a law: one of the two holds an office
}

// A BrokenBody says that two persons have opened a window without the office: the entry's
// actor, and who had asked. Times are microseconds.
type BrokenBody struct {
	Request  string   `json:"request"`
	Items    []string `json:"items"`
	From     int64    `json:"from"`
	Until    int64    `json:"until"`
	Quota    int64    `json:"quota"`
	ReviewBy int64    `json:"review_by"`
	Person   int64    `json:"person"`
	Asker    int64    `json:"asker"`
	Catalog  int64    `json:"catalog"`
}

// A ReviewedBody says what the office, the entry's actor, has found of it. Asker and
// Second are the versions of the two, or 0 of who has left. It is about no child: what was
// opened may have gone with it.
type ReviewedBody struct {
	Request string  `json:"request"`
	Finding Finding `json:"finding"`
	Text    bool    `json:"text,omitempty"` // something was written with it, and is kept with the child
	Person  int64   `json:"person"`
	Asker   int64   `json:"asker,omitempty"`
	Second  int64   `json:"second,omitempty"`
	Catalog int64   `json:"catalog"`
}

// A LateBody says that nobody has reviewed it in time.
type LateBody struct {
	Request string `json:"request"`
}

// An EndedBody says that a request or a window has ended before its time. Person and
// Catalog are there unless who had asked gives it back, or a restore ends it.
type EndedBody struct {
	Request string `json:"request"`
	Why     Why    `json:"why"`
	Person  int64  `json:"person,omitempty"`
	Catalog int64  `json:"catalog,omitempty"`
}

// record appends an entry about a locked child.
func record(ctx context.Context, tx *db.Tx, c family.Child, kind, actor string, body any) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{
		Kind: kind, Service: c.Service, Subject: c.Subject, Version: c.Version, Actor: actor, Body: body,
	})
}

// note appends an entry about no child.
func note(ctx context.Context, tx *db.Tx, service, kind, actor string, body any) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: service, Actor: actor, Body: body})
}
