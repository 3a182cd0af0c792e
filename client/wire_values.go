package wardkeep

import "time"

// Collection is what is collected about a child for a purpose.
type Collection struct {
	Purpose string            `json:"purpose" minLength:"1" maxLength:"100" doc:"a purpose of the charter" example:"speaking-practice"`
	Values  map[string]string `json:"values" minProperties:"1" maxProperties:"64" doc:"per item of the charter, the value as its kind wants it; media as base64"`
}

// Collected says until when each value lives (Article 12).
type Collected struct {
	Child   string               `json:"child"`
	Expires map[string]time.Time `json:"expires" doc:"per item"`

	ETag  string `json:"-"` // the new version of the child
	Entry string `json:"-"`
}

// Happening reports an event about a child that a purpose of the charter waits
// for: retention "until that, and 15 days more".
type Happening struct {
	Event      string    `json:"event" minLength:"1" maxLength:"100" doc:"an event of the charter" example:"account-closed"`
	HappenedAt time.Time `json:"happened_at,omitzero" doc:"when it happened; left out: now"`
}

// Erasure is what became of a child that was erased.
type Erasure struct {
	CertificateURL string `json:"certificate_url" doc:"of the certificate of the erasure, for whoever asked for it: told here and never again, and good once the ledger has its place; its guardians get the same link, where they can be reached"`

	Entry string `json:"-"`
}

// Happened says when what waited for an event ends. Sealed values of the same
// purposes end with it.
type Happened struct {
	Child      string               `json:"child"`
	Event      string               `json:"event"`
	HappenedAt time.Time            `json:"happened_at"`
	Expires    map[string]time.Time `json:"expires" doc:"per item that waited for the event, of those that are held"`

	ETag  string `json:"-"` // the new version of the child
	Entry string `json:"-"`
}

// Reading asks for values for a purpose.
type Reading struct {
	Purpose string   `json:"purpose" minLength:"1" maxLength:"100" doc:"a purpose of the charter"`
	Items   []string `json:"items" minItems:"1" maxItems:"64" nullable:"false" doc:"no more than the task needs (Article 15)"`
}

// Handover asks for values that a recipient of the charter gets for a purpose. They are for
// it alone (Article 17).
type Handover struct {
	Purpose   string   `json:"purpose" minLength:"1" maxLength:"100" doc:"a purpose of the charter that transfers to the recipient"`
	Recipient string   `json:"recipient" minLength:"1" maxLength:"100" doc:"as the charter calls it"`
	Items     []string `json:"items" minItems:"1" maxItems:"64" nullable:"false" doc:"some of what the recipient gets"`
}

// Disclosure asks for values that an audience of the charter sees for a purpose, such as
// those of a ranking, a profile or a shared link. They are for it alone (Article 18).
type Disclosure struct {
	Purpose  string   `json:"purpose" minLength:"1" maxLength:"100" doc:"a purpose of the charter that discloses to the audience"`
	Audience string   `json:"audience" minLength:"1" maxLength:"100" doc:"as the charter calls it"`
	Items    []string `json:"items" minItems:"1" maxItems:"64" nullable:"false" doc:"some of what the audience sees"`
}

// Values are released values. An item that isn't held is missing.
type Values struct {
	Values map[string]string `json:"values"`

	Entry string `json:"-"`
}

// Check is one dry question.
type Check struct {
	Child    string   `json:"child" minLength:"1" maxLength:"260" doc:"the id, or ref: and your own reference"`
	Activity string   `json:"activity" enum:"collect,store,use,transfer,disclose,entrust"`
	Purpose  string   `json:"purpose" maxLength:"100"`
	Items    []string `json:"items" maxItems:"64" nullable:"false"`
	Party    string   `json:"party,omitempty" maxLength:"100" doc:"the processor, recipient or audience, for the activities that have one"`
}

// Checks are dry questions about any of the service's children.
type Checks struct {
	Checks []Check `json:"checks" minItems:"1" maxItems:"1000" nullable:"false"`
}

// Decision is the answer to one Check: nothing is released or recorded.
type Decision struct {
	Permitted bool     `json:"permitted"`
	Reasons   []Reason `json:"reasons,omitempty" doc:"every reason why not"`
}

// Decisions are the answers to Checks, in their order.
type Decisions struct {
	Decisions []Decision `json:"decisions" nullable:"false"`
}

// ChildValues are values of one child: clear ones to seal, or sealed ones to open.
type ChildValues struct {
	Child  string            `json:"child" minLength:"1" maxLength:"260" doc:"the id, or ref: and your own reference"`
	Values map[string]string `json:"values" minProperties:"1" maxProperties:"64" doc:"per item"`
}

// Batch is what is to be sealed or opened, for one purpose.
type Batch struct {
	Purpose  string        `json:"purpose" minLength:"1" maxLength:"100"`
	Children []ChildValues `json:"children" minItems:"1" maxItems:"100" nullable:"false" doc:"each child at most once"`
}

// BatchResult are the results of a Batch, in its order.
type BatchResult struct {
	Children []ChildResult `json:"children" nullable:"false"`
}

// ChildResult is the result for one child: values and the ledger entry, or the
// problem. The others are not affected.
type ChildResult struct {
	Child   string            `json:"child"`
	Values  map[string]string `json:"values,omitempty"`
	Entry   string            `json:"entry,omitempty" doc:"of the ledger"`
	Problem *Problem          `json:"problem,omitempty"`
}
