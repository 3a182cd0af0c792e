package visitor_test

import (
	"net/http"
	"net/netip"
	"net/url"
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

// A form leads nowhere but to a page of its own site, whatever was sent.
func TestWithin(t *testing.T) {
	for to, want := range map[string]string{
		"/desk": "/desk", "/desk/orders/po_1": "/desk/orders/po_1", "": "/desk", "/desks": "/desk", "/other": "/desk", "//evil.example/desk": "/desk", "/desk//evil.example": "/desk",
		"/desk/../admin": "/desk", "https://evil.example/desk/": "/desk", "/desk/?to=x": "/desk", `/desk/\evil`: "/desk", "/desk/{order}": "/desk", "javascript:/desk/": "/desk", "/desk/%zz": "/desk",
	} {
		if got := visitor.Within("/desk", to); got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
	}
}

func TestAreText(t *testing.T) {
	for name, fields := range map[string]url.Values{"NUL": {"a": {"x", "\x00"}}, "no UTF-8": {"a": {"\xff"}}, "a name": {"a\x00": {"x"}}} {
		if visitor.AreText(url.Values{"good": {"字"}}, fields) {
			t.Errorf("%s is text", name)
		}
	}
	if !visitor.AreText(url.Values{"good": {"字", "\n"}}, nil) {
		t.Error("text isn't")
	}
}
