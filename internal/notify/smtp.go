package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"os"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// TLS says how a connection to a mail server is protected.
type TLS string

// The modes. The zero TLS is StartTLS.
const (
	StartTLS    TLS = "starttls" // the connection becomes encrypted before anything is said, or ends
	ImplicitTLS TLS = "tls"      // encrypted from the first byte
	NoTLS       TLS = "none"     // for a server on the same machine only
)

// SMTPConfig says how to reach the operator's mail server.
type SMTPConfig struct {
	Host         string
	Port         int // 0: 587 for starttls, 465 for tls, 25 for none
	TLS          TLS
	CAFile       string // PEM; trusted besides the system's roots, if set
	User         string // empty: no sign-in
	PasswordFile string
	From         string        // "name <address>" or an address
	Timeout      time.Duration // of one message; 0: 20 seconds
}

// SMTP returns a Sender of e-mail. It reads the files of c and connects to
// nobody yet. Its errors are for the operator who wrote the configuration: where
// they can be told from each other, all of them, as WrongSettings.
func SMTP(c SMTPConfig) (Sender, error) {
	var wrong WrongSettings
	from, err := netmail.ParseAddress(c.From)
	if err != nil || !plain(from.Name, false) || !IsAddress(from.Address) {
		wrong.add("from", errors.New(`from must be an address, such as "Xiaoxi <privacy@example.com>"`))
		from = new(netmail.Address)
	}
	options := c.options(from.Address, &wrong)
	if len(wrong) > 0 {
		return nil, fmt.Errorf("smtp: %w", wrong)
	}
	client, err := mail.NewClient(c.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("smtp: %w", err)
	}
	return &smtp{client: client, from: from, timeout: orTimeout(c.Timeout, 20*time.Second)}, nil
}

func (c SMTPConfig) options(from string, wrong *WrongSettings) []mail.Option {
	config := &tls.Config{ServerName: c.Host, MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		roots, err := ReadRoots(c.CAFile)
		wrong.add("ca_file", err)
		config.RootCAs = roots
	}
	// The name of this machine is nobody's business: greet with the sender's domain.
	options := []mail.Option{
		mail.WithHELO(domain(from)), mail.WithTLSConfig(config), mail.WithoutNoop(),
		mail.WithTimeout(orTimeout(c.Timeout, 20*time.Second)),
	}
	port := 587
	switch c.TLS {
	case StartTLS, "":
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case ImplicitTLS:
		port = 465
		options = append(options, mail.WithSSL())
	case NoTLS:
		if !loopback(c.Host) {
			wrong.add("tls", errors.New("tls: none is allowed for a server on this machine only (localhost, 127.0.0.1, ::1)"))
		}
		port = 25
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		wrong.add("tls", errors.New("tls must be starttls, tls or none"))
	}
	if c.Port != 0 {
		port = c.Port
	}
	options = append(options, mail.WithPort(port))
	if c.User == "" {
		return options
	}
	password, err := readSecret(c.PasswordFile)
	wrong.add("password_file", err)
	return append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover),
		mail.WithUsername(c.User), mail.WithPassword(password))
}

// smtp sends each message on a connection of its own: a few a minute don't
// need more, and nothing is shared between two of them.
type smtp struct {
	client  *mail.Client
	from    *netmail.Address
	timeout time.Duration
}

// Send hands one e-mail to the server.
func (s *smtp) Send(ctx context.Context, m Message) error {
	m, err := m.ready(Email)
	if err != nil {
		return err
	}
	letter, err := s.write(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	err = s.client.DialAndSendWithContext(ctx, letter)
	if err == nil || letter.IsDelivered() {
		return nil // a server that took it and then failed to say goodbye has it
	}
	return reduce(err)
}

func (s *smtp) write(m Message) (*mail.Msg, error) {
	letter := mail.NewMsg(mail.WithNoDefaultUserAgent())
	letter.FromMailAddress(s.from)
	if letter.To(m.To.Reveal()) != nil {
		return nil, ErrAddress
	}
	letter.Subject(m.Subject.Reveal())
	letter.SetDate()
	letter.SetMessageIDWithValue(m.ID + "@" + domain(s.from.Address))
	letter.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no replies by machines
	letter.SetGenHeader(mail.HeaderContentLang, string(m.Lang))
	letter.SetBodyString(mail.TypeTextPlain, m.Text.Reveal())
	if !m.HTML.IsZero() {
		letter.AddAlternativeString(mail.TypeTextHTML, m.HTML.Reveal())
	}
	return letter, nil
}

// reduce keeps of a failure what names nobody. Servers like to repeat the
// address, or a line of the text, in what they answer.
func reduce(err error) error {
	var sending *mail.SendError
	if !errors.As(err, &sending) {
		return fmt.Errorf("smtp: no connection: %w", ErrUnavailable)
	}
	code := sending.ErrorCode()
	if code >= 500 && !sending.IsTemp() {
		return fmt.Errorf("smtp: %s, status %d: %w", sending.Reason, code, ErrRejected)
	}
	return fmt.Errorf("smtp: %s, status %d: %w", sending.Reason, code, ErrUnavailable)
}

func domain(address string) string { return address[strings.LastIndex(address, "@")+1:] }

// loopback reports whether host is this machine. A name other than localhost
// could lead anywhere.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ReadRoots returns the system's authorities with those of a file in PEM.
func ReadRoots(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", file)
	}
	return roots, nil
}

// readSecret returns the one line of a secret's file.
func readSecret(file string) (string, error) {
	if file == "" {
		return "", errors.New("the name of its file is missing")
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	secret := strings.TrimRight(string(b), "\r\n")
	if secret == "" || len(secret) > 1024 || !plain(secret, false) {
		return "", fmt.Errorf("%s must hold one line", file)
	}
	return secret, nil
}

func orTimeout(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}
