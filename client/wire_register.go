package wardkeep

import "time"

// ProcessingRegister is the register of processing activities of a service, made of the charter in
// force when it is asked for (Article 3).
type ProcessingRegister struct {
	Service    string            `json:"service"`
	Name       string            `json:"name"`
	Lang       string            `json:"lang" enum:"zh-CN,en"`
	Charter    int64             `json:"charter" doc:"number of the charter in force"`
	Hash       string            `json:"hash" doc:"of the charter"`
	Since      time.Time         `json:"since" doc:"in force"`
	Operator   RegisterOperator  `json:"operator"`
	Safeguards []string          `json:"safeguards" nullable:"false"`
	Purposes   []RegisterPurpose `json:"purposes" nullable:"false"`
	Processors []RegisterParty   `json:"processors" nullable:"false" doc:"who works on the operator's behalf"`
	Recipients []RegisterParty   `json:"recipients" nullable:"false" doc:"third parties with purposes of their own"`
	CountedAt  time.Time         `json:"counted_at" doc:"when the children were counted: up to a minute before the answer"`

	ETag string `json:"-"`
}

// RegisterOperator is who answers for the service.
type RegisterOperator struct {
	Name         string `json:"name"`
	Registration string `json:"registration,omitempty"`
	Address      string `json:"address"`
}

// RegisterPurpose is what information is processed for.
type RegisterPurpose struct {
	Purpose    string             `json:"purpose"`
	Label      string             `json:"label"`
	Why        string             `json:"why"`
	Manner     string             `json:"manner"`
	Necessary  bool               `json:"necessary" doc:"the basic function needs it"`
	Basis      string             `json:"basis" doc:"on which it is processed, in words"`
	HowLong    string             `json:"how_long"`
	AtExpiry   string             `json:"at_expiry"`
	Ended      bool               `json:"ended" doc:"its end was announced: nothing is collected or used for it any more"`
	Activities []RegisterActivity `json:"activities" nullable:"false"`
	Children   int64              `json:"children" doc:"of whom a guardian's consent to it stands"`
}

// RegisterActivity is one thing that is done for a purpose: one for each party, where
// there are several.
type RegisterActivity struct {
	Activity string   `json:"activity" enum:"collect,store,use,transfer,disclose,entrust"`
	Channel  string   `json:"channel" doc:"how the information gets there, in words"`
	Party    string   `json:"party,omitempty" doc:"whom it is handed or shown to"`
	Contact  string   `json:"contact,omitempty" doc:"of a processor or recipient"`
	Where    string   `json:"where" doc:"the place of storage, or the country of the party, in words"`
	Country  string   `json:"country" example:"CN"`
	Items    []string `json:"items" nullable:"false"`
}

// RegisterParty works on behalf of the operator, or receives something.
type RegisterParty struct {
	Name     string   `json:"name"`
	Label    string   `json:"label"`
	Contact  string   `json:"contact"`
	Country  string   `json:"country" example:"CN"`
	What     string   `json:"what" doc:"its task, or what it wants them for"`
	Items    []string `json:"items" nullable:"false"`
	Purposes []string `json:"purposes" nullable:"false"`

	GetsNothing bool `json:"gets_nothing,omitempty" doc:"at present: it isn't registered, is suspended, owes an attestation, or what it stands on has ended"`
}
