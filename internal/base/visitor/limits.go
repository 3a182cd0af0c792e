package visitor

import (
	"net/http"
	"net/netip"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// Limits slow down whoever asks often from one address.
//
// Of too many addresses those are forgotten that were silent for longest: whoever
// has many wins a new count for none that goes on asking.
type Limits struct {
	Rate  rate.Limit // of one address, a second
	Burst int

	proxies []netip.Prefix
	mu      sync.Mutex
	all     *simplelru.LRU[string, *rate.Limiter]
}

// NewLimits returns limits that remember this many addresses at most.
func NewLimits(proxies []netip.Prefix, perSecond rate.Limit, burst, addresses int) *Limits {
	all, err := simplelru.NewLRU[string, *rate.Limiter](addresses, nil)
	if err != nil {
		panic(err) // only of a size that isn't positive
	}
	return &Limits{Rate: perSecond, Burst: burst, proxies: proxies, all: all}
}

// Allow reports whether a visitor may ask now. Somebody at the machine itself always
// may.
func (l *Limits) Allow(r *http.Request) bool {
	host, local := Address(r, l.proxies)
	if local {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of(host).Allow()
}

// of returns what is left to one name. The lock is held.
func (l *Limits) of(name string) *rate.Limiter {
	one, ok := l.all.Get(name)
	if !ok {
		one = rate.NewLimiter(l.Rate, l.Burst)
		l.all.Add(name, one)
	}
	return one
}

// Left reports whether something may be tried that has this name, from wherever: whoever tries
// in vain says so with Took.
func (l *Limits) Left(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	one, ok := l.all.Get(name)
	return !ok || one.Tokens() >= 1
}

// Took counts a try in vain at what has this name.
func (l *Limits) Took(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.of(name).Allow()
}

// Len returns how many addresses are remembered.
func (l *Limits) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Len()
}
