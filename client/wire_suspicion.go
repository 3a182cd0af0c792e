package wardkeep

import "time"

// NewSuspicion says that an account may be a child's that isn't registered as one.
type NewSuspicion struct {
	Ref    string `json:"ref" minLength:"1" maxLength:"200" doc:"what you call the account; kept encrypted, and erased with the decision"`
	Source string `json:"source" enum:"staff,parent,signal,user_report" doc:"who or what suspects; signal is a rule or a model of yours"`
}

// Suspicion is a report that waits for the staff to decide. Until then, treat the
// account as a child's.
type Suspicion struct {
	ID       string    `json:"id" example:"sp_1v7r8m0p3q5s9t2w4x6y8z0a1b"`
	Ref      string    `json:"ref,omitempty" doc:"while it is open, and where one is asked for"`
	Source   string    `json:"source" enum:"staff,parent,signal,user_report"`
	Owner    string    `json:"owner,omitempty" doc:"who of the staff looks after it"`
	TreatAs  string    `json:"treat_as" enum:"child,closed,as_before" doc:"what to do with the account: child, nothing is collected or used before a guardian has agreed; closed, you have closed it; as_before, the staff found no child"`
	Outcome  string    `json:"outcome,omitempty" enum:"not_a_child,child,erased_elsewhere,withdrawn,lapsed" doc:"once somebody has decided. child: it is registered; lapsed: nobody decided before the service ended"`
	Basis    string    `json:"basis,omitempty" enum:"document_seen,official_check,parent_said" doc:"of not_a_child: what was checked"`
	OpenedAt time.Time `json:"opened_at"`
	DueAt    time.Time `json:"due_at" doc:"five working days after the report"`
	ClosedAt time.Time `json:"closed_at,omitzero"`

	Entry string `json:"-"`
}

// Suspicions are the open ones of a service.
type Suspicions struct {
	Suspicions []Suspicion `json:"suspicions" nullable:"false"`
}
