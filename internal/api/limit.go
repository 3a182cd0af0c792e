package api

import (
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/visitor"
)

// ErrTooMany tells a caller to wait.
var ErrTooMany = errs.New(errs.TooMany, "api.too_many_requests")

// Limits are how many requests a second callers may send. A zero is its default.
type Limits struct {
	PerKey     int // of one credential: 20,000
	PerParty   int // of one processor or recipient, by all of its keys: 100
	PerAddress int // without a credential, or with a wrong one, of one address: 100
	PerLink    int // a minute, of one guardian's link: 60
	PerReport  int // a minute, reports of suspected accounts by one credential: 600
	PerScreen  int // a minute, contents that one credential has looked at: 6,000
}

func (l Limits) orDefault() Limits {
	set := func(n *int, value int) {
		if *n <= 0 {
			*n = value
		}
	}
	set(&l.PerKey, 20_000)
	set(&l.PerParty, 100)
	set(&l.PerAddress, 100)
	set(&l.PerLink, 60)
	set(&l.PerReport, 600)
	set(&l.PerScreen, 6_000)
	return l
}

// remembered bounds the callers of one kind in memory.
const remembered = 50_000

// limits count callers in this process. Limits that must hold over all nodes,
// those of one-time codes, are in the store.
type limits struct {
	keys, parties, addresses, links, reports, screens buckets
	proxies                                           []netip.Prefix
}

func newLimits(l Limits, proxies []netip.Prefix) *limits {
	l = l.orDefault()
	return &limits{
		keys:      buckets{rate: rate.Limit(l.PerKey), burst: l.PerKey, window: time.Second},
		parties:   buckets{rate: rate.Limit(l.PerParty), burst: l.PerParty, window: time.Second},
		addresses: buckets{rate: rate.Limit(l.PerAddress), burst: l.PerAddress, window: time.Second},
		links:     buckets{rate: rate.Limit(float64(l.PerLink) / 60), burst: l.PerLink, window: time.Minute},
		reports:   buckets{rate: rate.Limit(float64(l.PerReport) / 60), burst: l.PerReport, window: time.Minute},
		screens:   buckets{rate: rate.Limit(float64(l.PerScreen) / 60), burst: l.PerScreen, window: time.Minute},
		proxies:   proxies,
	}
}

// buckets are token buckets by name.
type buckets struct {
	rate   rate.Limit
	burst  int
	window time.Duration // in which a bucket fills

	mu  sync.Mutex
	all map[string]*rate.Limiter
}

// take takes one token, or returns false and how long to wait for one.
func (b *buckets) take(name string, now time.Time) (left int, wait time.Duration, ok bool) {
	l := b.of(name, now)
	ok = l.AllowN(now, 1)
	tokens := l.TokensAt(now)
	if !ok {
		wait = time.Duration((1 - tokens) / float64(b.rate) * float64(time.Second))
	}
	return max(int(tokens), 0), wait, ok
}

func (b *buckets) of(name string, now time.Time) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l, ok := b.all[name]; ok {
		return l
	}
	if b.all == nil {
		b.all = make(map[string]*rate.Limiter)
	}
	if len(b.all) >= remembered {
		b.makeRoom(now)
	}
	l := rate.NewLimiter(b.rate, b.burst)
	b.all[name] = l
	return l
}

// makeRoom forgets the buckets that are full again, which loses nothing. If a
// flood from many places left none, it forgets some: new callers are served.
func (b *buckets) makeRoom(now time.Time) {
	for name, l := range b.all {
		if l.TokensAt(now) >= float64(b.burst) {
			delete(b.all, name)
		}
	}
	for name := range b.all {
		if len(b.all) < remembered*9/10 {
			return
		}
		delete(b.all, name)
	}
}

// limit takes a token and says so in the standard headers
// (draft-ietf-httpapi-ratelimit-headers).
func (b *buckets) limit(h http.Header, policy, name string, now time.Time) error {
	left, wait, ok := b.take(name, now)
	window := strconv.Itoa(int(b.window / time.Second))
	h["Ratelimit-Policy"] = []string{`"` + policy + `";q=` + strconv.Itoa(b.burst) + ";w=" + window}
	reset := 0
	if left < b.burst {
		reset = int(float64(b.burst-left)/float64(b.rate)) + 1
	}
	h["Ratelimit"] = []string{`"` + policy + `";r=` + strconv.Itoa(left) + ";t=" + strconv.Itoa(reset)}
	if ok {
		return nil
	}
	h.Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
	return ErrTooMany
}

// address names who asks.
func (l *limits) address(r *http.Request) string {
	name, _ := visitor.Address(r, l.proxies)
	return name
}
