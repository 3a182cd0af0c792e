// Package visitor names who sends a request, for limits, and says what a browser is told
// by every page and keeps for it.
//
// Its one invariant: what a stranger writes into a header is believed of nobody
// but the proxies that the operator has named, and those on this machine.
package visitor

import (
	"net/http"
	"net/netip"
	"strings"
)

// Address names who asks: an IPv4 address, or the network of an IPv6 address,
// of which one household has all. A proxy that is believed says for whom it
// asks; of what stands in X-Forwarded-For only the last entry is its own word.
// Local is true for somebody on this machine who asks for no other.
func Address(r *http.Request, proxies []netip.Prefix) (name string, local bool) {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return "unknown", false
	}
	a := from.Addr().Unmap()
	local = a.IsLoopback()
	if local || among(a, proxies) {
		if b, ok := forwarded(r.Header.Values("X-Forwarded-For")); ok {
			a, local = b, false
		}
	}
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String(), local
		}
	}
	return a.String(), local
}

func forwarded(header []string) (netip.Addr, bool) {
	if len(header) == 0 {
		return netip.Addr{}, false
	}
	last := header[len(header)-1]
	b, err := netip.ParseAddr(strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:]))
	return b.Unmap(), err == nil
}

func among(a netip.Addr, proxies []netip.Prefix) bool {
	for _, p := range proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
