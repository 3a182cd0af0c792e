package wardkeep

import "time"

// Order is what a processor or a recipient is told to do with what it may have of a
// child. It is open until the party has attested.
type Order struct {
	ID         string    `json:"id" example:"or_1v7r8m0p3q5s9t2w4x6y8z0a1b"`
	Number     string    `json:"number" example:"7K2M-9QXT" doc:"what people call it"`
	Party      string    `json:"party" doc:"the processor or recipient, as the charter names it"`
	Role       string    `json:"role" enum:"processor,recipient"`
	What       string    `json:"what" enum:"delete,correct,stop" doc:"stop: it still needs the items for another purpose, and uses them for these purposes no more"`
	Items      []string  `json:"items" nullable:"false"`
	Purposes   []string  `json:"purposes,omitempty" nullable:"false" doc:"whose consent was withdrawn, or for which the party may have the items no longer, where that is why"`
	Child      string    `json:"child,omitempty" doc:"left out once the child is erased and the party has attested"`
	IssuedAt   time.Time `json:"issued_at"`
	DueAt      time.Time `json:"due_at" doc:"when it must be attested: the end of a working day"`
	OverdueAt  time.Time `json:"overdue_at,omitzero" doc:"since when the party gets nothing new"`
	AttestedAt time.Time `json:"attested_at,omitzero"`
	Document   string    `json:"document,omitempty" doc:"SHA-256 of what the party has written, in hex"`

	Entry string `json:"-"` // of the ledger
}

// Orders are orders of a service.
type Orders struct {
	Orders []Order `json:"orders" nullable:"false"`
	Next   string  `json:"next,omitempty" doc:"send it as after for the next page; left out at the end"`
}

// Attestation says that a party has done what an order told it.
type Attestation struct {
	Party    string `json:"party" maxLength:"64" doc:"who says so: it must be the order's own party"`
	Document string `json:"document,omitempty" maxLength:"64" doc:"SHA-256 of what it has written, in hex"`
}
