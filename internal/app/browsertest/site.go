package browsertest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/notify"
	"wardkeep/internal/verification"
)

// A Site is a server of an installation on SQLite, with everything that works
// in it, as guardians reach it: over https, by its name. Its mail goes to an
// outbox that has a page, as in the demo, and it offers every proof.
type Site struct {
	*apptest.Installation
	App    *app.App
	URL    string           // of the pages, without a slash at the end
	API    *wardkeep.Client // the operator's app
	Bureau *Bureau          // is asked who somebody is

	journal journal
}

// mails bounds how many the outbox keeps.
const mails = 20

// Serve makes an installation and serves it as long as the test runs. What the test has to
// prepare, it does when the site's name is known.
func Serve(t testing.TB, prepare ...func(s *Site)) *Site {
	t.Helper()
	start(t)
	s := &Site{Installation: apptest.New(t, ""), Bureau: new(Bureau)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().(*net.TCPAddr)
	_, port, err := net.SplitHostPort(address.String())
	if err != nil {
		t.Fatal(err)
	}
	s.URL = "https://" + net.JoinHostPort(Host, port)
	s.Config.PublicURL, s.Config.Console.URL, s.Config.TLS = s.URL, s.URL, s.certificate()
	for _, does := range prepare {
		does(s)
	}
	s.App = s.Open(slog.New(&s.journal))
	s.App.Outbox = notify.NewOutbox(mails)
	s.App.Messages[notify.Email] = s.App.Outbox
	s.App.Verification = verification.Desk{Number: s.Bureau, Official: s.Bureau, Documents: true, Hosts: []string{Bureaus}}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.App.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	s.API = s.Client(s.URL)
	s.API.HTTP = &http.Client{Transport: s.road(address.String())}
	t.Cleanup(s.API.HTTP.CloseIdleConnections)
	return s
}

// certificate writes the certificate into the installation.
func (s *Site) certificate() app.TLS {
	files := app.TLS{CertificateFile: filepath.Join(s.Dir, "certificate.pem"), KeyFile: filepath.Join(s.Dir, "certificate.key")}
	for path, b := range map[string][]byte{files.CertificateFile: browser.certificate, files.KeyFile: browser.key} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			s.T.Fatal(err)
		}
	}
	return files
}

// road leads to an address, whatever name is asked for.
func (s *Site) road(address string) *http.Transport {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(browser.certificate) {
		s.T.Fatal("the certificate of the test isn't one")
	}
	return &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
}

// Stranger serves somebody else's site, and returns its URL.
func Stranger(t testing.TB, h http.Handler) string {
	t.Helper()
	start(t)
	certificate, err := tls.X509KeyPair(browser.certificate, browser.key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	s.StartTLS()
	t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return "https://" + net.JoinHostPort(Elsewhere, port)
}
