package wardkeep

import "time"

// PartyStanding is how a processor or a recipient stands, and by what.
type PartyStanding struct {
	Service string `json:"service"`
	Role    string `json:"role" enum:"processor,recipient"`
	Party   string `json:"party" doc:"as the charter calls it"`
	State   string `json:"state" enum:"draft,assessed,agreed,active,suspended,ended"`

	Key      string    `json:"key" doc:"the key that signed this request"`
	KeyUntil time.Time `json:"key_until" doc:"at this moment it is over"`

	Paper         string              `json:"paper" doc:"what the key is bound to: a processor's agreement, a recipient's assessment"`
	From          time.Time           `json:"from"`
	Until         time.Time           `json:"until" doc:"at this moment it is over, and the key with it"`
	AssessedUntil time.Time           `json:"assessed_until" doc:"until when the security assessment holds"`
	EndsAt        time.Time           `json:"ends_at,omitzero" doc:"an end that somebody has set"`
	Scope         map[string][]string `json:"scope" doc:"items by purpose"`
	Quota         PartyQuota          `json:"quota" doc:"of all of your keys together, by the clock in China"`
}

// PartyQuota is how many values a party may have, and how many are left.
type PartyQuota struct {
	PerHour      int64 `json:"per_hour"`
	LeftThisHour int64 `json:"left_this_hour"`
	PerDay       int64 `json:"per_day"`
	LeftToday    int64 `json:"left_today"`
}

// Introduction asks by which handle a party asks for something of a child.
type Introduction struct {
	Role  string `json:"role" enum:"processor,recipient"`
	Party string `json:"party" minLength:"1" maxLength:"100" doc:"as the charter calls it"`
}

// Handle is the name by which one party knows a child: the same each time, another one for each
// party. It ends with the child.
type Handle struct {
	Handle string `json:"handle" example:"hd_5kx0…"`
}
