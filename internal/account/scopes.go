package account

import (
	"slices"
	"strings"
)

// A Scope is one thing that an app may do.
type Scope = string

// The scopes.
const (
	ChildrenWrite Scope = "children:write" // register children and guardians
	ChildrenRead  Scope = "children:read"  // see children and permissions
	ConsentsWrite Scope = "consents:write" // ask guardians
	ItemsWrite    Scope = "items:write"    // collect and store
	ItemsRead     Scope = "items:read"     // use
	DecisionsRead Scope = "decisions:read" // ask the gate without using anything
	Seal          Scope = "seal"           // seal and open for the operator's own databases
	Erase         Scope = "erase"          // end a child's account
	EventsRead    Scope = "events:read"    // read events again
	RequestsWrite Scope = "requests:write" // take and answer what children and guardians demand
	OrdersWrite   Scope = "orders:write"   // see what processors and recipients were told to do, and pass on that they did it
	// SuspicionsWrite is to report that an account may be a child's.
	SuspicionsWrite Scope = "suspicions:write"
	// ScreeningsWrite is to have looked at what is about to be published.
	ScreeningsWrite Scope = "screenings:write"
	// TakedownsWrite is to report content that was published, and that it is down.
	TakedownsWrite Scope = "takedowns:write"
	// IncidentsWrite is to report that something may have leaked.
	IncidentsWrite Scope = "incidents:write"
)

// known lists all scopes, in the order in which a set is written. A scope's
// place is its bit in a set in memory; nothing stored depends on it.
var known = []Scope{
	ChildrenWrite, ChildrenRead, ConsentsWrite, ItemsWrite, ItemsRead, DecisionsRead, Seal, Erase, EventsRead, RequestsWrite, OrdersWrite, SuspicionsWrite, ScreeningsWrite, TakedownsWrite, IncidentsWrite,
}

// Scopes is a set of scopes. The zero Scopes is empty. Two sets are equal if ==
// says so.
type Scopes struct{ bits uint32 }

// AllScopes returns the set of all scopes.
func AllScopes() Scopes { return Scopes{1<<len(known) - 1} }

// ParseScopes reads a set from names separated by spaces, in any order. Errors:
// ErrScope.
func ParseScopes(names string) (Scopes, error) { return NewScopes(strings.Fields(names)...) }

// NewScopes returns the set of the named scopes. Errors: ErrScope.
func NewScopes(names ...Scope) (s Scopes, err error) {
	for _, name := range names {
		i := slices.Index(known, name)
		if i < 0 {
			return Scopes{}, ErrScope.At("scopes")
		}
		s.bits |= 1 << i
	}
	return s, nil
}

// Has reports whether the scope is in the set. An unknown one never is.
func (s Scopes) Has(scope Scope) bool {
	i := slices.Index(known, scope)
	return i >= 0 && s.bits&(1<<i) != 0
}

// IsZero reports whether the set is empty.
func (s Scopes) IsZero() bool { return s.bits == 0 }

// Equal reports whether both are the same set.
func (s Scopes) Equal(t Scopes) bool { return s == t }

// List returns the scopes in a fixed order.
func (s Scopes) List() []Scope {
	list := []Scope{}
	for i, scope := range known {
		if s.bits&(1<<i) != 0 {
			list = append(list, scope)
		}
	}
	return list
}

// String returns what ParseScopes reads.
func (s Scopes) String() string { return strings.Join(s.List(), " ") }
