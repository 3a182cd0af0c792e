package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/notify"
)

// Why a try failed.
var (
	ErrRefused     = errs.New(errs.Unavailable, "webhook.address_refused") // the name led to an address that isn't allowed
	ErrTimeout     = errs.New(errs.Unavailable, "webhook.timeout")
	ErrCertificate = errs.New(errs.Unavailable, "webhook.certificate")
	ErrUnreachable = errs.New(errs.Unavailable, "webhook.unreachable")
	ErrRedirected  = errs.New(errs.Unavailable, "webhook.redirected")
	ErrAnswer      = errs.New(errs.Unavailable, "webhook.answer") // a status that isn't 2xx
)

const (
	tryTime   = 10 * time.Second // from the name to the end of the answer
	maxAnswer = 4 << 10          // bytes that are read of it
	maxHeader = 16 << 10
)

// A Client posts to addresses that strangers may have a hand in: it dials only what
// Networks admit, whatever a name leads to at that moment, follows nobody elsewhere,
// and waits and reads for no longer than it says.
type Client struct{ http *http.Client }

// A ClientConfig says what is beside the usual.
type ClientConfig struct {
	Allow Networks       // that may be dialled beside the internet
	Roots *x509.CertPool // nil: the system's
	// Look finds the addresses of a name; nil: the system's resolver.
	Look *net.Resolver
	// Time bounds one try; 0: 10 seconds.
	Time time.Duration
}

// NewClient connects to nobody yet.
func NewClient(c ClientConfig) *Client {
	dialer := &net.Dialer{
		Resolver: c.Look,
		// Asked for each address that is about to be dialled, after the name was looked
		// up: a name that changes its answer is checked by the answer that counts.
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil || !c.Allow.Admit(to.Addr()) {
				return ErrRefused
			}
			return nil
		},
	}
	if c.Time == 0 {
		c.Time = tryTime
	}
	return &Client{&http.Client{
		Timeout: c.Time,
		// Whoever is led on is led past the checks, and what is sent with it.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  nil, // one of the environment would dial for us, unchecked
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2:      false, // on one connection for all, one that hangs would hold up every child
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeader,
			MaxIdleConnsPerHost:    abreast,
			IdleConnTimeout:        30 * time.Second,
		},
	}}
}

// try sends once. The status is 0 where there was no answer. Errors: those above.
func (c *Client) try(ctx context.Context, to Address, id string, body []byte, keys ...[]byte) (status int, err error) {
	status, _, err = notify.Post(ctx, c.http, to.url, id, body, maxAnswer, keys...)
	switch {
	case err != nil:
		return 0, why(err)
	case status >= 200 && status < 300:
		return status, nil
	case status >= 300 && status < 400:
		return status, ErrRedirected
	}
	return status, ErrAnswer
}

// why says what an error of the client means. It itself may hold the whole address.
func why(err error) error {
	if errors.Is(err, ErrRefused) {
		return ErrRefused
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return ErrCertificate
	}
	if t, ok := errors.AsType[net.Error](err); ok && t.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return ErrTimeout
	}
	return ErrUnreachable
}
