package family

import "wardkeep/internal/family/age"

// The kinds of entries about children and guardians. The first grant makes a
// child active and a request that was refused ends its wait; both are told by
// the entry of the answer, not by one of their own.
const (
	KindRegistered       = "child.registered"
	KindCorrected        = "child.corrected"
	KindFrozen           = "child.frozen"
	KindUnfrozen         = "child.unfrozen"
	KindDisputed         = "child.disputed"
	KindSettled          = "child.settled"
	KindTurning          = "child.turning_14" // within the lead: see Age
	KindTurned           = "child.turned_14"
	KindGrown            = "child.turned_18"
	KindCeasing          = "child.ceasing"  // its guardians are told that the service ends, or a purpose of it
	KindInactive         = "child.inactive" // its guardians are told that it is erased unless it is used
	KindHandedOver       = "child.handed_over"
	KindErased           = "child.erased"
	KindGuardianAdded    = "guardian.added"
	KindGuardianVerified = "guardian.verified"
	KindGuardianEnded    = "guardian.ended"
	KindGuardianProved   = "guardian.proved"
	KindProofExpired     = "guardian.proof_expired"
)

// A RegisteredBody is what the ledger keeps of an enrolment.
type RegisteredBody struct {
	Class  age.Class `json:"class"`            // always "child"
	Source Source    `json:"source,omitempty"` // who gave the birth date; empty without one
	Until  int64     `json:"until"`            // the end of the unconsented child, microseconds
	Person int64     `json:"person,omitempty"` // see Enrolment.Person
}

// A CorrectedBody says what was corrected, and what the child is by age since.
type CorrectedBody struct {
	What   string    `json:"what"` // "birth"
	Class  age.Class `json:"class"`
	Source Source    `json:"source"`
	Claim  string    `json:"claim,omitempty"` // by which two persons have seen a document
}

// A FrozenBody says why nothing but keeping is allowed.
type FrozenBody struct {
	Why FreezeReason `json:"why"`
}

// These say it all by their kind. A day of birth is in none of them.
type (
	TurningBody  struct{}
	TurnedBody   struct{}
	GrownBody    struct{}
	UnfrozenBody struct{}
	DisputedBody struct{}
	SettledBody  struct{}
)

// A CeasingBody says of what the guardians of a child are told (Article 23).
type CeasingBody struct {
	Purpose string `json:"purpose,omitempty"` // that ends; empty: the service does
	Ends    int64  `json:"ends"`              // until when they can look, µs
}

// An InactiveBody says of an account that nobody uses when it is erased, unless somebody does
// (Article 12). Times are the beginnings of days in Asia/Shanghai, µs.
type InactiveBody struct {
	Charter int64 `json:"charter"` // whose rule it is
	Last    int64 `json:"last"`    // the day on which it was used last
	Erase   int64 `json:"erase"`   // the day on which it is erased
}

// An ErasedBody says why the child was erased (Article 20), with how much, and of which charter
// a guardian had refused everything, if that is remembered (edge case 26).
type ErasedBody struct {
	Ground  Ground `json:"ground"`
	Values  int64  `json:"values,omitempty"` // how many were erased with it
	Kept    int64  `json:"kept,omitempty"`   // how many a law demands to keep, which nobody reads
	Orders  int64  `json:"orders,omitempty"` // how many processors and recipients were told to delete with it
	Refused int64  `json:"refused,omitempty"`

	Successor string `json:"successor,omitempty"` // who takes over the service (edge case 18)
	Handed    int64  `json:"handed,omitempty"`    // when something of the child first went to it, µs; 0: nothing did
}

// A HandedOverBody says that something of a child went to who takes over its service, for
// the first time, and when.
type HandedOverBody struct {
	Recipient string `json:"recipient"`
	Purpose   string `json:"purpose"`
	At        int64  `json:"at"` // µs
}

// A GuardianAddedBody says what a new contact is to the child, what is known of the person:
// some of Known, and by which decision what is held was hidden from this person before.
type GuardianAddedBody struct {
	Guardian GuardianID `json:"guardian"`
	Relation Relation   `json:"relation"`
	Known    []string   `json:"known"`
	HiddenBy string     `json:"hidden_by,omitempty"` // "sh_…": by an earlier tie (edge case 22)
}

// A GuardianVerifiedBody has the strength that is in force from now on.
type GuardianVerifiedBody struct {
	Guardian GuardianID `json:"guardian"`
	Strength Strength   `json:"strength"`
}

// A GuardianEndedBody says who doesn't speak for the child any more, and whether something is
// kept by which that person is known again, as long as what is held is hidden from it (edge case 22).
type GuardianEndedBody struct {
	Guardian   GuardianID `json:"guardian"`
	Remembered bool       `json:"remembered,omitempty"`
}

// A GuardianProvedBody says that something is proved of a guardian, and how; it
// tells nothing of who the guardian is.
type GuardianProvedBody struct {
	Guardian     GuardianID `json:"guardian"`
	Kind         ProofKind  `json:"kind"`
	Method       Method     `json:"method"`
	Strength     Strength   `json:"strength"`
	Expires      int64      `json:"expires,omitempty"`      // µs
	Verification string     `json:"verification,omitempty"` // that found it out
	HiddenBy     string     `json:"hidden_by,omitempty"`    // "sh_…": from a former tie of the same person (edge case 22)
}

// A ProofExpiredBody says that a proof ran out.
type ProofExpiredBody struct {
	Guardian GuardianID `json:"guardian"`
	Kind     ProofKind  `json:"kind"`
}
