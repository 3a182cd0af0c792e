package wardkeep

import "time"

// NewTakedown says that content is published that harms a child's information.
type NewTakedown struct {
	Ref    string `json:"ref" minLength:"1" maxLength:"500" doc:"what you call the content, an id or an address; kept encrypted, and erased with the case"`
	Source string `json:"source" enum:"user,guardian,staff,authority,screening" doc:"who or what reports it; screening is one of what was published before"`
	Harm   string `json:"harm" enum:"identifiers,picture,whereabouts,other" doc:"what it is said to do"`
}

// Takedown is a case of content that may have to come down.
type Takedown struct {
	ID        string    `json:"id" example:"td_1v7r8m0p3q5s9t2w4x6y8z0a1b"`
	Number    string    `json:"number" doc:"what people call it" example:"7K2M-9QXT"`
	Ref       string    `json:"ref,omitempty" doc:"while it is open, and where one is asked for"`
	Source    string    `json:"source" enum:"user,guardian,staff,authority,screening"`
	Harm      string    `json:"harm" enum:"identifiers,picture,whereabouts,other"`
	State     string    `json:"state" enum:"reported,taken,ordered,closed" doc:"ordered: take it down, and say so"`
	Owner     string    `json:"owner,omitempty" doc:"who of the staff looks after it"`
	Outcome   string    `json:"outcome,omitempty" enum:"take_down,stays,withdrawn,lapsed"`
	Ground    string    `json:"ground,omitempty" enum:"no_child,permitted,by_law,harmless" doc:"of stays: why"`
	OpenedAt  time.Time `json:"opened_at"`
	TakenAt   time.Time `json:"taken_at,omitzero"`
	DecidedAt time.Time `json:"decided_at,omitzero"`
	DueAt     time.Time `json:"due_at" doc:"of the next step: one working day until somebody looks after it, two until it is decided, one until it is down"`
	ClosedAt  time.Time `json:"closed_at,omitzero"`

	Entry string `json:"-"`
}

// Takedowns are the open ones of a service.
type Takedowns struct {
	Takedowns []Takedown `json:"takedowns" nullable:"false"`
}
