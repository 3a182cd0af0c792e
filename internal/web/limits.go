package web

import (
	"net/http"
	"net/netip"
	"sync"

	"golang.org/x/time/rate"

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
type limits struct {
	proxies []netip.Prefix
	rate    rate.Limit
	burst   int
	mu      sync.Mutex
	all     map[string]*rate.Limiter
}

func newLimits(proxies []netip.Prefix) *limits {
	return &limits{proxies: proxies, rate: perAddress, burst: burst, all: make(map[string]*rate.Limiter)}
}

// take returns ErrSlowDown when a visitor asks too often.
func (l *limits) take(r *http.Request) error {
	host, local := visitor.Address(r, l.proxies)
	if local {
		return nil // somebody at the machine itself
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	one, ok := l.all[host]
	if !ok {
		if len(l.all) >= addresses {
			clear(l.all) // forgetting is safe: see above
		}
		one = rate.NewLimiter(l.rate, l.burst)
		l.all[host] = one
	}
	if !one.Allow() {
		return ErrSlowDown
	}
	return nil
}
