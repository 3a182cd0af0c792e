package wardkeep

import "time"

// The types of this file and its neighbours are what travels, as JSON. The
// server uses the same types, so they can't drift apart.

// AgeCheck asks how old somebody is. Nothing of it is stored.
type AgeCheck struct {
	BirthDate string `json:"birth_date,omitempty" maxLength:"10" doc:"YYYY-MM-DD, or what is known of it: YYYY-MM or YYYY. Left out: unknown, which counts as a child." example:"2016-03-05"`
	Ref       string `json:"ref,omitempty" maxLength:"200" doc:"what you call the account: while it is suspected to be a child's, it is a child's whatever the birth date says; of who is registered, the later of both birth dates holds, and without one it is a child"`
}

// AgeClass is the answer to an AgeCheck.
type AgeClass struct {
	Age string `json:"age" enum:"child,minor,adult" doc:"child: under 14, and whoever's age is unknown (Article 2); minor: 14 to 17"`
}

// NewChild registers a child. It lives 24 hours unless a guardian answers.
type NewChild struct {
	Ref       string          `json:"ref" minLength:"1" maxLength:"200" doc:"your own reference of the child; kept encrypted" example:"user-20417"`
	BirthDate string          `json:"birth_date,omitempty" maxLength:"10" doc:"YYYY-MM-DD, YYYY-MM or YYYY; left out: unknown, which counts as a child" example:"2016-03-05"`
	Guardian  GuardianContact `json:"guardian" doc:"whom to ask"`
}

// GuardianContact is whom to ask, and where.
type GuardianContact struct {
	Name     string `json:"name,omitempty" maxLength:"100" doc:"how to address the guardian"`
	Phone    string `json:"phone,omitempty" maxLength:"20" doc:"a mobile phone number" example:"13800138000"`
	Email    string `json:"email,omitempty" maxLength:"254" doc:"an e-mail address"`
	Relation string `json:"relation,omitempty" enum:"parent,legal_guardian,institution,grandparent,teacher,other" doc:"parent if left out; only a parent, a legal guardian or an institution may answer"`
}

// Child is what you may know of a child at any time: how it stands, and none of
// its values.
type Child struct {
	ID        string     `json:"id" example:"ch_1v7r8m0p3q5s9t2w4x6y8z0a1b"`
	Ref       string     `json:"ref,omitempty" doc:"your own reference"`
	State     string     `json:"state" enum:"unconsented,active,erased"`
	Age       string     `json:"age" enum:"child,minor,adult" doc:"as of now"`
	Frozen    bool       `json:"frozen" doc:"from a request for deletion on: kept, not used (Article 20)"`
	Disputed  bool       `json:"disputed" doc:"the guardians disagree: kept, not used"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt time.Time  `json:"expires_at,omitzero" doc:"the end of a child whose guardian hasn't answered"`
	Guardians []Guardian `json:"guardians" nullable:"false"`

	ETag  string `json:"-"` // the version of the child, for Client.Collect
	Entry string `json:"-"` // of the ledger, after a change
}

// Guardian is somebody who speaks, or spoke, for a child. No contact is told.
type Guardian struct {
	ID         string    `json:"id" example:"gu_1v7r8m0p3q5s9t2w4x6y8z0a1b"`
	Relation   string    `json:"relation" enum:"parent,legal_guardian,institution,grandparent,teacher,other,self" doc:"self is a minor who was asked itself"`
	Strength   int       `json:"strength" minimum:"0" maximum:"4" doc:"how the guardian was verified: 0 not at all, 1 one-time code, 2 name and identity number, 3 official identity, 4 document"`
	VerifiedAt time.Time `json:"verified_at,omitzero"`
	EndedAt    time.Time `json:"ended_at,omitzero" doc:"since when they don't speak for the child any more"`

	ETag  string `json:"-"` // the version of the child, after a change
	Entry string `json:"-"` // of the ledger, after a change
}

// ChildStatus is a child in a list: how it stands, and nothing that names it.
type ChildStatus struct {
	ID        string    `json:"id" example:"ch_1v7r8m0p3q5s9t2w4x6y8z0a1b"`
	State     string    `json:"state" enum:"unconsented,active"`
	Frozen    bool      `json:"frozen"`
	Disputed  bool      `json:"disputed"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero" doc:"the end of a child whose guardian hasn't answered"`
}

// Children is a page of the living children of a service, by id.
type Children struct {
	Children []ChildStatus `json:"children" nullable:"false"`
	Next     string        `json:"next,omitempty" doc:"where the next page begins; left out on the last one"`
}

// NewGuardian ties another person to a child. It can't answer until a one-time
// code has shown that the contact is its own.
type NewGuardian struct {
	Relation string `json:"relation" enum:"parent,legal_guardian,institution,grandparent,teacher,other" doc:"only a parent, a legal guardian or an institution may answer"`
	Name     string `json:"name,omitempty" maxLength:"100" doc:"how to address the guardian"`
	Phone    string `json:"phone,omitempty" maxLength:"20" doc:"a mobile phone number" example:"13800138001"`
	Email    string `json:"email,omitempty" maxLength:"254" doc:"an e-mail address"`
}

// BirthDate corrects what is known of a child's birth.
type BirthDate struct {
	BirthDate string `json:"birth_date" minLength:"1" maxLength:"10" doc:"YYYY-MM-DD, YYYY-MM or YYYY. It may make the child younger; to make it older takes a document" example:"2017-05"`
}

// Permissions say what may be done about a child now.
type Permissions struct {
	Child    string              `json:"child"`
	Age      string              `json:"age" enum:"child,minor,adult"`
	State    string              `json:"state" enum:"unconsented,active,erased"`
	Charter  int64               `json:"charter" doc:"number of the charter in force, 0 while there is none"`
	Purposes []PurposePermission `json:"purposes" nullable:"false"`

	ETag string `json:"-"`
}

// PurposePermission is one purpose of the charter.
type PurposePermission struct {
	Purpose    string               `json:"purpose"`
	Label      string               `json:"label" doc:"what a parent calls it, in the language of the answer"`
	Necessary  bool                 `json:"necessary" doc:"the basic function needs it"`
	ManagedBy  string               `json:"managed_by" enum:"guardian,self" doc:"who decides: the guardian of a child under 14, afterwards the person"`
	Items      []string             `json:"items" nullable:"false"`
	Activities []ActivityPermission `json:"activities" nullable:"false"`
}

// ActivityPermission says whether something may be done with a purpose's items.
type ActivityPermission struct {
	Activity  string   `json:"activity" enum:"collect,store,use,transfer,disclose,entrust"`
	Party     string   `json:"party,omitempty" doc:"the processor, recipient or audience"`
	Permitted bool     `json:"permitted"`
	Reasons   []Reason `json:"reasons,omitempty" doc:"every reason why not"`
}

// Health is the answer of a server that works.
type Health struct {
	Status string        `json:"status" enum:"ok"`
	Checks []HealthCheck `json:"checks" nullable:"false"`
}

// HealthCheck is one thing that a server must be able to do. Of one that can't
// do them all it stands in the Problem (503, api.unwell).
type HealthCheck struct {
	Check  string `json:"check" enum:"read,write,ledger,sweep,erasures,demands,cessations,orders,backups" doc:"the store is read; it is written; entries get their places in the ledger; what is due is erased; children are erased of whom it was demanded; demands are answered in time; what ends is erased in time; processors and recipients have attested in time; no backup is kept longer than 35 days"`
	Status string `json:"status" enum:"ok,late,failing" doc:"late: the server works, and something that was due isn't done"`
	Code   string `json:"code,omitempty" doc:"why it isn't ok" example:"db.full"`
	Count  int    `json:"count,omitempty" doc:"how many are late; 1000 at most"`
}
