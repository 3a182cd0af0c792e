package web

import (
	"net/http"
	"net/netip"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
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
//
// Of too many addresses those are forgotten that were silent for longest: whoever
// has many wins a new count for none that goes on asking.
type limits struct {
	proxies []netip.Prefix
	rate    rate.Limit
	burst   int
	mu      sync.Mutex
	all     *simplelru.LRU[string, *rate.Limiter]
}

func newLimits(proxies []netip.Prefix) *limits {
	all, err := simplelru.NewLRU[string, *rate.Limiter](addresses, nil)
	if err != nil {
		panic(err) // only of a size that isn't positive
	}
	return &limits{proxies: proxies, rate: perAddress, burst: burst, all: all}
}

// take returns ErrSlowDown when a visitor asks too often.
func (l *limits) take(r *http.Request) error {
	host, local := visitor.Address(r, l.proxies)
	if local {
		return nil // somebody at the machine itself
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	one, ok := l.all.Get(host)
	if !ok {
		one = rate.NewLimiter(l.rate, l.burst)
		l.all.Add(host, one)
	}
	if !one.Allow() {
		return ErrSlowDown
	}
	return nil
}
