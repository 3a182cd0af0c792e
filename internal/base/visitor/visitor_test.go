package visitor_test

import (
	"net/http"
	"net/netip"
	"testing"

	"wardkeep/internal/base/visitor"
)

func TestAddressBelievesOnlyNamedProxies(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, c := range []struct {
		from, forwarded, want string
		local                 bool
	}{
		{"203.0.113.9:1000", "", "203.0.113.9", false},
		{"203.0.113.9:1000", "198.51.100.1", "203.0.113.9", false}, // a stranger's word
		{"10.1.2.3:1000", "198.51.100.1", "198.51.100.1", false},
		{"10.1.2.3:1000", "192.0.2.7, 198.51.100.1", "198.51.100.1", false}, // the first is the stranger's word
		{"10.1.2.3:1000", "nonsense", "10.1.2.3", false},
		{"127.0.0.1:1000", "", "127.0.0.1", true},
		{"127.0.0.1:1000", "198.51.100.1", "198.51.100.1", false},
		{"[2001:db8::1]:1000", "", "2001:db8::/64", false},
		{"[2001:db8::2]:1000", "", "2001:db8::/64", false},
		{"not an address", "198.51.100.1", "unknown", false},
	} {
		r := &http.Request{RemoteAddr: c.from, Header: make(http.Header)}
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got, local := visitor.Address(r, proxies); got != c.want || local != c.local {
			t.Errorf("%s for %q: got %s, %v", c.from, c.forwarded, got, local)
		}
	}
}
