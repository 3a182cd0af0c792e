package wardkeep

import "time"

// NewLeak says that information of children was, or may have been, leaked, changed, lost or
// misused (Article 16(3)).
type NewLeak struct {
	Kind      string    `json:"kind" enum:"leaked,altered,lost,misused" doc:"leaked: somebody has seen it who mustn't; misused: used for what nobody has agreed to"`
	Suspected bool      `json:"suspected,omitempty" doc:"that it may have happened is all that is known; it counts as if it had"`
	Items     []string  `json:"items,omitempty" nullable:"false" maxItems:"200" doc:"which, as the charter calls them; left out: nobody knows"`
	Children  int64     `json:"children,omitempty" minimum:"0" doc:"roughly; left out: nobody knows"`
	NoticedAt time.Time `json:"noticed_at,omitzero" doc:"left out: now"`
	BeganAt   time.Time `json:"began_at,omitzero" doc:"left out: nobody knows"`
	Words     string    `json:"words" minLength:"1" maxLength:"4000" doc:"what happened, and what was done; kept encrypted; name no child"`
}

// Leak is the case that a report of a leak has opened.
type Leak struct {
	ID        string    `json:"id" example:"in_1v7r8m0p3q5s9t2w4x6y8z0a1b"`
	Number    string    `json:"number" doc:"what people call it" example:"7K2M-9QXT"`
	State     string    `json:"state" enum:"opened,triaged,closed"`
	Kind      string    `json:"kind" enum:"leaked,altered,lost,misused"`
	Suspected bool      `json:"suspected,omitempty"`
	Items     []string  `json:"items,omitempty" nullable:"false"`
	Children  int64     `json:"children,omitempty"`
	BeganAt   time.Time `json:"began_at,omitzero"`
	NoticedAt time.Time `json:"noticed_at"`
	OpenedAt  time.Time `json:"opened_at"`
	ClosedAt  time.Time `json:"closed_at,omitzero"`

	Entry string `json:"-"`
}

// LeakNote is what was found or done since a leak was reported.
type LeakNote struct {
	Words string `json:"words" minLength:"1" maxLength:"4000" doc:"kept encrypted; name no child"`
}

// PartyBundle is what was pushed to a party, and waits for it: what is in it is read with the
// party's own key alone.
type PartyBundle struct {
	ID       string    `json:"id" example:"bn_1v7r8m0p3q5s9t2w4x6y8z0a1b"`
	Child    string    `json:"child" doc:"what the child is called towards you"`
	Purpose  string    `json:"purpose" doc:"the only one that it may be used for"`
	Items    []string  `json:"items" nullable:"false"`
	Key      string    `json:"key" doc:"what it is sealed to, kx_…"`
	SealedAt time.Time `json:"sealed_at"`
	Until    time.Time `json:"until" doc:"until when it waits"`
}

// PartyBundles is a page of them.
type PartyBundles struct {
	Bundles []PartyBundle `json:"bundles" nullable:"false"`
	Next    string        `json:"next,omitempty" doc:"where the next page begins; left out on the last"`
}

// NewSubProcessors tells whom a processor entrusts with something in its turn: registered names.
// A processor must not (Article 16(5)): it is suspended at once, and gets nothing until somebody
// in office at the operator has seen to it.
type NewSubProcessors struct {
	SubProcessors []string `json:"sub_processors" nullable:"false" minItems:"1" maxItems:"50" doc:"beside those that are known; by its own word a party takes none back"`
}

// SubProcessorsTold is how the party stands then.
type SubProcessorsTold struct {
	State         string `json:"state" enum:"suspended,ended"`
	SubProcessors int    `json:"sub_processors" doc:"how many are known"`

	Entry string `json:"-"`
}

// PartyOrder is what a party was told to do about one child.
type PartyOrder struct {
	ID         string    `json:"id" example:"or_1v7r8m0p3q5s9t2w4x6y8z0a1b"`
	Number     string    `json:"number" doc:"what people call it" example:"7K2M-9QXT"`
	Child      string    `json:"child,omitempty" doc:"what the child is called towards you; left out once nothing leads there"`
	What       string    `json:"what" enum:"delete,correct,stop"`
	Items      []string  `json:"items" nullable:"false"`
	Purposes   []string  `json:"purposes,omitempty" nullable:"false" doc:"to which nobody agrees any more, if that is why"`
	IssuedAt   time.Time `json:"issued_at"`
	DueAt      time.Time `json:"due_at"`
	Overdue    bool      `json:"overdue,omitempty" doc:"you get nothing new until it is attested"`
	AttestedAt time.Time `json:"attested_at,omitzero"`
	Document   string    `json:"document,omitempty"`

	Entry string `json:"-"`
}

// PartyOrders is a page of the open ones.
type PartyOrders struct {
	Orders []PartyOrder `json:"orders" nullable:"false"`
	Next   string       `json:"next,omitempty" doc:"where the next page begins; left out on the last"`
}

// PartyAttestation says that an order was carried out.
type PartyAttestation struct {
	Document string `json:"document,omitempty" maxLength:"64" doc:"SHA-256 of what you have written about it, in hexadecimal"`
}

// PartyEnd says that all was deleted after an end.
type PartyEnd struct {
	Document string `json:"document" minLength:"64" maxLength:"64" doc:"SHA-256 of the statement, in hexadecimal"`
}

// PartyEnded is how far that has come.
type PartyEnded struct {
	Attested   int       `json:"attested" doc:"how many orders this request has attested"`
	More       bool      `json:"more,omitempty" doc:"there are more: ask again, with the same document"`
	EndedAt    time.Time `json:"ended_at" doc:"which end it is about"`
	AttestedAt time.Time `json:"attested_at,omitzero" doc:"when the statement was taken: all was attested before"`

	Entry string `json:"-"`
}

// PartyTask is what a party is asked to help with, so that a demand can be answered.
type PartyTask struct {
	ID         string    `json:"id" example:"as_1v7r8m0p3q5s9t2w4x6y8z0a1b"`
	Number     string    `json:"number" doc:"what people call it" example:"7K2M-9QXT"`
	Demand     string    `json:"demand" enum:"access,copy,correct,supplement,delete_item,delete,close" doc:"what is demanded"`
	Item       string    `json:"item,omitempty" doc:"of a demand about one"`
	Items      []string  `json:"items" nullable:"false" doc:"that you may have"`
	Child      string    `json:"child" doc:"what the child is called towards you"`
	AskedAt    time.Time `json:"asked_at"`
	DueAt      time.Time `json:"due_at"`
	Overdue    bool      `json:"overdue,omitempty"`
	AnsweredAt time.Time `json:"answered_at,omitzero"`
	Answer     string    `json:"answer,omitempty" enum:"has,nothing,done"`

	Entry string `json:"-"`
}

// PartyTasks is a page of the open ones.
type PartyTasks struct {
	Tasks []PartyTask `json:"tasks" nullable:"false"`
	Next  string      `json:"next,omitempty" doc:"where the next page begins; left out on the last"`
}

// PartyAnswer is what a party answers.
type PartyAnswer struct {
	Answer string `json:"answer" enum:"has,nothing,done" doc:"has: you have something of the child, and say what; done: you have done what was demanded"`
	Words  string `json:"words,omitempty" maxLength:"2000" doc:"kept encrypted, under the child's key"`
}
