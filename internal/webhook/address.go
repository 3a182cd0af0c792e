package webhook

import (
	"net/netip"
	"net/url"
	"strings"
)

// maxURL bounds an address, in bytes.
const maxURL = 2000

// An Address is where events go: https, and of no network that isn't allowed, as far
// as its text tells. Names are looked up when it is dialled, and what they lead to is
// checked then. The zero Address is none.
type Address struct{ url string }

// ParseAddress reads an address. Errors: ErrURL, ErrPrivate.
func ParseAddress(text string, allowed Networks) (Address, error) {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxURL || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return Address{}, ErrURL.At("url")
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err == nil && !allowed.Admit(ip) {
		return Address{}, ErrPrivate.At("url")
	}
	return Address{u.String()}, nil
}

// Host returns the host and the port: what may be shown and recorded of an address.
func (a Address) Host() string {
	u, err := url.Parse(a.url)
	if err != nil {
		return ""
	}
	return u.Host
}

// String returns the address without what may be a secret.
func (a Address) String() string { return "https://" + a.Host() + "/…" }

// Networks are those that may be dialled though they aren't of the internet.
type Networks []netip.Prefix

// reserved are the networks that aren't of the internet, or lead back to one that
// isn't (IANA's registries of special-purpose addresses; RFC 6890). Of IPv6 only
// 2000::/3 is of the internet.
var reserved = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")

var internet = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func within(networks []netip.Prefix, ip netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}

// Admit reports whether an address may be dialled. An IPv4 address in the clothes of
// IPv6 is taken as what it is.
func (n Networks) Admit(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	switch {
	case !ip.IsValid():
		return false
	case within(n, ip):
		return true
	case ip.Is6() && !internet.Contains(ip):
		return false // ::1, fe80::, fc00::, and NAT64 (64:ff9b::), which leads to any IPv4 address
	}
	return !within(reserved, ip)
}
