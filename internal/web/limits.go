package web

import (
	"net/http"
	"net/netip"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/visitor"
)

// ErrSlowDown tells a visitor to wait.
var ErrSlowDown = errs.New(errs.TooMany, "web.slow_down")

const (
	perAddress = 2     // requests a second of one address that open links or send forms
	burst      = 30    // a family behind one address
	addresses  = 20000 // remembered at most
)

// limits slow down whoever guesses links and codes. They are a second line: a
// link has 256 bits, and a request counts its own wrong codes.
type limits struct{ *visitor.Limits }

func newLimits(proxies []netip.Prefix) limits {
	return limits{visitor.NewLimits(proxies, perAddress, burst, addresses)}
}

// take returns ErrSlowDown when a visitor asks too often.
func (l limits) take(r *http.Request) error {
	if !l.Allow(r) {
		return ErrSlowDown
	}
	return nil
}
