// Package gate is the single decision: may this actor do this activity with
// these items of this child for this purpose, now?
//
// Decide is a pure function over facts. Check loads the facts, decides, and
// records the decision in the caller's transaction, so that deciding and
// recording can't drift apart. Replay folds the facts from the ledger and calls
// the same Decide.
//
// Its one invariant: only this package can make a Permit, it makes one only
// when no reason speaks against the use, and a fact that is missing is a reason.
package gate

import (
	"slices"

	"wardkeep/internal/account"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
)

// A Use is what someone wants to do.
type Use struct {
	Service  string
	Child    family.ID
	Activity charter.Activity
	Purpose  string
	Items    []string
	Party    string // the recipient, processor or audience, for the activities that have one
}

// An Actor is who wants it. The zero Actor may do nothing.
type Actor struct {
	name    string // as the ledger writes it, "app:ak_…"
	service string
	scopes  account.Scopes
	expires int64  // microseconds; 0 = does not expire
	country string // from which an app asks
	look    *Look  // of a person inside, who has no scopes; nil: an app, or a party
	pull    *Pull  // of a processor or a recipient that asks by itself, which has no scopes, and of what is pushed to one
	sends   bool   // it is a bundle that was pushed, and has no scopes either
}

// ByApp returns the operator's app as an actor.
func ByApp(app account.App) Actor {
	a := Actor{name: app.Ledger(), service: app.Service, scopes: app.Scopes, country: app.Country}
	if !app.ExpiresAt.IsZero() {
		a.expires = app.ExpiresAt.UnixMicro()
	}
	return a
}

// Ledger returns the actor's name in the ledger.
func (a Actor) Ledger() string { return a.name }

// A Permit proves that Check allowed one use. Only this package can make one,
// and the vault decrypts nothing without one. The zero Permit opens nothing.
type Permit struct {
	child    family.ID
	activity charter.Activity
	purpose  string
	items    []string
	ends     []int64 // of items: when each one's value ends, microseconds
}

// Allows reports whether the permit is for this activity with this item of
// this child.
func (p Permit) Allows(child family.ID, activity charter.Activity, item string) bool {
	if p.child == "" || p.child != child || p.activity != activity {
		return false
	}
	for _, it := range p.items {
		if it == item {
			return true
		}
	}
	return false
}

// Purpose returns what the permit was given for.
func (p Permit) Purpose() string { return p.purpose }

// Items returns what the permit is for. The caller must not change it.
func (p Permit) Items() []string { return p.items }

// Expires returns the moment, in microseconds, at which a value of the item
// that is collected or sealed under this permit ends (Article 12); 0 for an
// item that the permit isn't for.
func (p Permit) Expires(item string) int64 {
	if i := slices.Index(p.items, item); i >= 0 {
		return p.ends[i]
	}
	return 0
}

// A Denial is one reason why not.
type Denial struct {
	Code    string `json:"code"`           // also the key of its words; Code+".remedy" says what to do
	Article string `json:"article"`        // "9", or "10" …
	Item    string `json:"item,omitempty"` // the item at fault, if it is one
}

// ErrDenied is the refusal of every denied use. Its reasons are in Denied.
var ErrDenied = errs.New(errs.Forbidden, "gate.denied")

// Denied is the error of a use that is not allowed. It holds every reason.
type Denied struct{ Reasons []Denial }

// Error names the codes of the reasons.
func (d *Denied) Error() string {
	text := "gate.denied:"
	for _, r := range d.Reasons {
		text += " " + r.Code
	}
	return text
}

// Unwrap makes a Denied an ErrDenied.
func (d *Denied) Unwrap() error { return ErrDenied }
