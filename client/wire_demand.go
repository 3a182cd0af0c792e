package wardkeep

import "time"

// Demanding is what a child or its guardian demands, and through which door.
type Demanding struct {
	Kind     string `json:"kind" enum:"access,copy,correct,supplement,delete_item,delete,close"`
	Door     string `json:"door" enum:"guardian,child,contact" doc:"who demands it: a verified guardian; the child alone; or somebody who is neither, which freezes and asks the guardians"`
	Guardian string `json:"guardian,omitempty" maxLength:"60" doc:"the guardian or contact who demands it; not where the child does"`
	Item     string `json:"item,omitempty" maxLength:"64" doc:"what is to be corrected, supplemented or deleted alone, an item or birth_date; not where everything is"`
	Text     string `json:"text,omitempty" maxLength:"2000" doc:"in the own words, at most 500 characters; a bare demand is enough"`
}

// Demand is a demand of a child or its guardian. One to delete or to close freezes
// the child at once, and is done when it is erased: from then on, for 90 days, it has its
// number, its clock and the link to the certificate, and says nothing of the child.
type Demand struct {
	ID         string    `json:"id" example:"rr_1v7r8m0p3q5s9t2w4x6y8z0a1b"`
	Number     string    `json:"number" example:"7K2M-9QXT" doc:"what people call it"`
	Child      string    `json:"child,omitempty" doc:"left out once it was erased for this demand: nothing leads to it any more"`
	Kind       string    `json:"kind" enum:"access,copy,port,correct,supplement,delete_item,delete,close"`
	Door       string    `json:"door" enum:"guardian,child,contact"`
	Guardian   string    `json:"guardian,omitempty" doc:"who demands it, or has taken it on since"`
	Item       string    `json:"item,omitempty"`
	Text       string    `json:"text,omitempty" doc:"what was written with it; told by GET alone"`
	State      string    `json:"state" enum:"open,done,refused,cancelled"`
	Owner      string    `json:"owner,omitempty" doc:"who of the staff handles it, st_…; left out while nobody does"`
	Reason     string    `json:"reason,omitempty" enum:"not_entitled,nothing_held,already_right,kept_for_now" doc:"why it was refused"`
	Answer     string    `json:"answer,omitempty" doc:"what was answered in writing; told by GET alone"`
	ReceivedAt time.Time `json:"received_at"`
	DueAt      time.Time `json:"due_at" doc:"when it must have ended: the end of a working day"`
	Extended   string    `json:"extended,omitempty" enum:"complex,unreachable" doc:"why it takes longer"`
	EraseAt    time.Time `json:"erase_at,omitzero" doc:"when the child is erased; left out while a guardian is asked, or where nothing is to be erased"`
	ClosedAt   time.Time `json:"closed_at,omitzero"`
	FetchUntil time.Time `json:"fetch_until,omitzero" doc:"until when a verified guardian finds the answer at home, or fetches the copy there; nobody else gets it"`

	// Port is told by GET of the demand, or of a child's, alone.
	Port *Port `json:"port,omitempty" doc:"of a copy that a guardian has handed to somebody of its choice (port), which it demands at home and nowhere else; whom, is in text"`

	Told []Telling `json:"told,omitempty" nullable:"false" doc:"who was told of it before the child is erased, where somebody else demands that"`
	// CertificateURL is told by GET of the demand alone.
	CertificateURL string `json:"certificate_url,omitempty" doc:"of the certificate of the erasure, for whoever demanded it: told by GET of the demand, for 90 days after the erasure; good once the ledger has its place, and for three years"`

	Untold []string `json:"untold,omitempty" nullable:"false" doc:"verified guardians of whom no message of it is known to have been taken; told by GET of the demand or of a child's alone"`

	Entry string `json:"-"` // of the ledger
}

// Port is how a copy stands that a guardian has handed to somebody of its choice.
type Port struct {
	State   string    `json:"state" enum:"waiting,fetched,recalled,guessed,restored,lapsed" doc:"guessed: after ten wrong codes nobody gets it; restored: a store that was put back can't tell whether it was fetched; lapsed: nobody came in seven days"`
	Items   []string  `json:"items" nullable:"false" doc:"that were chosen; none: whatever is held when it is fetched"`
	EndedAt time.Time `json:"ended_at,omitzero" doc:"left out while it waits, and where it lapsed"`
}

// Telling is that a gateway took the message by which a guardian is told.
type Telling struct {
	Guardian string    `json:"guardian"`
	Channel  string    `json:"channel" enum:"sms,email"`
	At       time.Time `json:"at"`
}

// Demands are demands of one child, or the open ones of a service.
type Demands struct {
	Requests []Demand `json:"requests" nullable:"false"`
	Next     string   `json:"next,omitempty" doc:"of the open ones of a service: send it as after for the next page; left out at the end"`
}

// Extension gives a demand more time, once.
type Extension struct {
	Reason string `json:"reason" enum:"complex,unreachable"`
}

// Refusal ends a demand with a reason, which whoever asked is told.
type Refusal struct {
	Reason string `json:"reason" enum:"not_entitled,nothing_held,already_right"`
	Answer string `json:"answer,omitempty" maxLength:"2000" doc:"more words, at most 500 characters"`
}

// Finish ends a demand that was carried out.
type Finish struct {
	Answer string `json:"answer,omitempty" maxLength:"2000" doc:"what there is to say, at most 500 characters"`
}
