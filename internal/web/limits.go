package web

import (
	"net"
	"net/http"
	"sync"

	"golang.org/x/time/rate"

	"wardkeep/internal/base/errs"
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
	mu  sync.Mutex
	all map[string]*rate.Limiter
}

func newLimits() *limits { return &limits{all: make(map[string]*rate.Limiter)} }

// take returns ErrSlowDown when the address of r asks too often. Behind a proxy
// all visitors have the proxy's address: it must limit them itself.
func (l *limits) take(r *http.Request) error {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		return nil // a proxy on this machine, which limits visitors itself
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	one, ok := l.all[host]
	if !ok {
		if len(l.all) >= addresses {
			clear(l.all) // forgetting is safe: see above
		}
		one = rate.NewLimiter(perAddress, burst)
		l.all[host] = one
	}
	if !one.Allow() {
		return ErrSlowDown
	}
	return nil
}
