package gate

import (
	"time"

	"wardkeep/internal/account"
)

// Replayed returns the actor of a recorded use, put together from what the
// ledger says of its credential: name as in the entry ("app:ak_…"), the country from which it
// is used, the zero expires is no expiry. It is for package replay alone, which decides recorded
// uses again and throws the permits away; whoever wants to use something signs
// in, and is an actor by ByApp.
func Replayed(name, service string, scopes account.Scopes, country string, expires time.Time) Actor {
	a := Actor{name: name, service: service, scopes: scopes, country: country}
	if !expires.IsZero() {
		a.expires = expires.UnixMicro()
	}
	return a
}
