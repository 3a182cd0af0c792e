package notify_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/notify"
)

// A mailServer is a real SMTP server that keeps what it takes.
type mailServer struct {
	host     string
	port     int
	caFile   string
	password string // asked for, if set
	refuse   *smtp.SMTPError

	mu    sync.Mutex
	mails []received
}

type received struct {
	from, to, user string
	data           string
	encrypted      bool
}

func (s *mailServer) all() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mails
}

type session struct {
	server *mailServer
	conn   *smtp.Conn
	mail   received
}

func (s *session) AuthMechanisms() []string {
	if s.server.password == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "wardkeep" || password != s.server.password {
			return smtp.ErrAuthFailed
		}
		s.mail.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.mail.from = from; return nil }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.server.refuse != nil {
		return s.server.refuse
	}
	s.mail.to = to
	return nil
}

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	_, s.mail.encrypted = s.conn.TLSConnectionState()
	s.mail.data = string(b)
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.mails = append(s.server.mails, s.mail)
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// serveMail starts a server on this machine; implicit makes it speak TLS from
// the first byte.
func serveMail(t *testing.T, withTLS, implicit bool, change func(*mailServer)) *mailServer {
	t.Helper()
	m := &mailServer{host: "127.0.0.1"}
	if change != nil {
		change(m)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{server: m, conn: c}, nil
	}))
	server.Domain = "mail.example"
	server.AllowInsecureAuth = true
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.port = listener.Addr().(*net.TCPAddr).Port
	if withTLS {
		config, ca := certificate(t)
		m.caFile = ca
		server.TLSConfig = config
		if implicit {
			listener = tls.NewListener(listener, config)
		}
	}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return m
}

// certificate makes a certificate for 127.0.0.1 and the file that vouches for it.
func certificate(t *testing.T) (*tls.Config, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	write(t, file, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, file
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func letter() notify.Message {
	return notify.Message{
		ID: "le_1", Channel: notify.Email, To: pii.New("mother@example.com"), Lang: i18n.Chinese, Kind: "consent.request",
		Subject: pii.New("请您决定：能否使用孩子的个人信息"),
		Text:    pii.New("您好：\n\n请您先看过说明，再决定同意或不同意。"),
		HTML:    pii.New("<p>您好：</p>"),
	}
}

func sender(t *testing.T, c notify.SMTPConfig) notify.Sender {
	t.Helper()
	s, err := notify.SMTP(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestChineseMailArrivesWholeThroughARealServer(t *testing.T) {
	for mode, server := range map[notify.TLS]*mailServer{
		notify.NoTLS:       serveMail(t, false, false, nil),
		notify.StartTLS:    serveMail(t, true, false, nil),
		notify.ImplicitTLS: serveMail(t, true, true, nil),
	} {
		t.Run(string(mode), func(t *testing.T) {
			s := sender(t, notify.SMTPConfig{Host: server.host, Port: server.port, TLS: mode, CAFile: server.caFile, From: "小溪英语 <privacy@example.com>"})
			if err := s.Send(t.Context(), letter()); err != nil {
				t.Fatal(err)
			}
			got := server.all()
			if len(got) != 1 || got[0].from != "privacy@example.com" || got[0].to != "mother@example.com" || got[0].encrypted != (mode != notify.NoTLS) {
				t.Fatalf("the server has %d mails, the first %+v", len(got), got)
			}
			check(t, got[0].data)
		})
	}
}

// check reads the mail as a mail program does.
func check(t *testing.T, data string) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != letter().Subject.Reveal() {
		t.Errorf("subject %q, %v", subject, err)
	}
	if id := m.Header.Get("Message-Id"); id != "<le_1@example.com>" {
		t.Errorf("message id %q", id)
	}
	for _, told := range []string{"User-Agent", "X-Mailer"} {
		if v := m.Header.Get(told); v != "" {
			t.Errorf("the mail tells %s: %s", told, v)
		}
	}
	operational(t, m.Header)
	if host, err := os.Hostname(); err == nil && host != "" && strings.Contains(data, host) {
		t.Error("the mail tells the name of the machine")
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for _, want := range []string{letter().Text.Reveal(), letter().HTML.Reveal()} {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if got := strings.ReplaceAll(strings.TrimSpace(string(body)), "\r\n", "\n"); err != nil || got != want {
			t.Errorf("part %q, want %q (%v)", got, want, err)
		}
	}
}

// operational fails unless a mail says that a machine wrote it, and offers no way
// to unsubscribe from what must be told.
func operational(t *testing.T, h mail.Header) {
	t.Helper()
	if v := h.Get("Auto-Submitted"); v != "auto-generated" {
		t.Errorf("Auto-Submitted %q", v)
	}
	for name := range h {
		if strings.HasPrefix(name, "List-") || name == "Precedence" {
			t.Errorf("the mail has %s", name)
		}
	}
}

func TestMailOfEveryKindIsOperational(t *testing.T) {
	server := serveMail(t, false, false, nil)
	s := sender(t, notify.SMTPConfig{Host: server.host, Port: server.port, TLS: notify.NoTLS, From: "privacy@example.com"})
	every(t, func(t *testing.T, _ string, _ i18n.Lang, m notify.Message, _ []string) {
		if m.Channel == notify.SMS {
			return
		}
		if err := s.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		all := server.all()
		read, err := mail.ReadMessage(strings.NewReader(all[len(all)-1].data))
		if err != nil {
			t.Fatal(err)
		}
		operational(t, read.Header)
	})
}

func TestSMTPSignsInWithThePasswordOfItsFile(t *testing.T) {
	server := serveMail(t, true, false, func(m *mailServer) { m.password = "open sesame" })
	file := filepath.Join(t.TempDir(), "password")
	c := notify.SMTPConfig{Host: server.host, Port: server.port, CAFile: server.caFile, User: "wardkeep", PasswordFile: file, From: "privacy@example.com"}

	write(t, file, "open sesame\n")
	if err := sender(t, c).Send(t.Context(), letter()); err != nil || len(server.all()) != 1 || server.all()[0].user != "wardkeep" {
		t.Errorf("the right password: %v, %d mails", err, len(server.all()))
	}
	write(t, file, "guess")
	if err := sender(t, c).Send(t.Context(), letter()); !errors.Is(err, notify.ErrUnavailable) || len(server.all()) != 1 {
		t.Errorf("the wrong password: %v, %d mails", err, len(server.all()))
	}
}

func TestSMTPNeverFallsBackToPlainText(t *testing.T) {
	server := serveMail(t, false, false, nil) // offers no TLS
	s := sender(t, notify.SMTPConfig{Host: server.host, Port: server.port, From: "privacy@example.com", Timeout: 3 * time.Second})
	if err := s.Send(t.Context(), letter()); !errors.Is(err, notify.ErrUnavailable) || len(server.all()) != 0 {
		t.Errorf("Send = %v, and the server has %d mails", err, len(server.all()))
	}
	stranger := serveMail(t, true, false, nil) // whose certificate nobody vouches for
	s = sender(t, notify.SMTPConfig{Host: stranger.host, Port: stranger.port, From: "privacy@example.com", Timeout: 3 * time.Second})
	if err := s.Send(t.Context(), letter()); !errors.Is(err, notify.ErrUnavailable) || len(stranger.all()) != 0 {
		t.Errorf("Send = %v, and the stranger has %d mails", err, len(stranger.all()))
	}
}

func TestSMTPConfigIsRefused(t *testing.T) {
	good := notify.SMTPConfig{Host: "mail.example.com", From: "privacy@example.com"}
	for name, change := range map[string]func(*notify.SMTPConfig){
		"plain over the network": func(c *notify.SMTPConfig) { c.TLS = notify.NoTLS },
		"unknown mode":           func(c *notify.SMTPConfig) { c.TLS = "maybe" },
		"no host":                func(c *notify.SMTPConfig) { c.Host = "" },
		"no sender":              func(c *notify.SMTPConfig) { c.From = "" },
		"two lines in sender":    func(c *notify.SMTPConfig) { c.From = "\"a\r\nBcc: x@example.com\" <a@example.com>" },
		"no password file":       func(c *notify.SMTPConfig) { c.User = "wardkeep" },
		"no such CA file":        func(c *notify.SMTPConfig) { c.CAFile = filepath.Join(t.TempDir(), "none") },
	} {
		c := good
		change(&c)
		if _, err := notify.SMTP(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := notify.SMTP(good); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

// What a server answers often repeats the address; what the log gets doesn't.
func TestErrorsNameNobody(t *testing.T) {
	for code, want := range map[int]error{550: notify.ErrRejected, 451: notify.ErrUnavailable} {
		server := serveMail(t, false, false, func(m *mailServer) {
			m.refuse = &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "mother@example.com 请您先看过说明"}
		})
		s := sender(t, notify.SMTPConfig{Host: server.host, Port: server.port, TLS: notify.NoTLS, From: "privacy@example.com"})
		err := s.Send(t.Context(), letter())
		if !errors.Is(err, want) {
			t.Errorf("status %d: %v, want %v", code, err, want)
		}
		silent(t, err)
	}
}

func silent(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, told := range []string{"mother", "example.com", "138", "说明", "127.0.0.1", "secret"} {
		if strings.Contains(err.Error(), told) {
			t.Errorf("the error tells %q: %v", told, err)
		}
	}
}
