package keyring

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"wardkeep/internal/base/errs"
)

// The refusals of a transit engine.
var (
	ErrKEKSettings    = errs.New(errs.Unavailable, "keyring.kek_settings")    // the address, mount, key or an answer makes no sense
	ErrKEKDenied      = errs.New(errs.Unavailable, "keyring.kek_denied")      // the token is missing, expired, or not allowed
	ErrKEKUnreachable = errs.New(errs.Unavailable, "keyring.kek_unreachable") // no answer in time, or sealed: try again
)

// TransitConfig says where the transit secrets engine of an OpenBao or
// HashiCorp Vault server is. Its key should be of type aes256-gcm96, not
// derived, not exportable; the token needs `update` on encrypt/<key> and
// decrypt/<key>. Without `create` a misspelt key is refused; with it, the server
// would make one.
type TransitConfig struct {
	Address   string        `yaml:"address"`    // "https://bao.example:8200"; http only for this machine
	Mount     string        `yaml:"mount"`      // "transit" if empty
	Key       string        `yaml:"key"`        // the name of the key
	Namespace string        `yaml:"namespace"`  // X-Vault-Namespace, if not empty
	TokenFile string        `yaml:"token_file"` // read for each call, so that an agent may renew it; not for others to read
	CAFile    string        `yaml:"ca_file"`    // PEM; the system's authorities if empty
	Timeout   time.Duration `yaml:"timeout"`    // of one call; 5 s if zero
}

const (
	transitLimit   = 64 << 10 // bytes of an answer
	transitTimeout = 5 * time.Second
)

var (
	mountShape     = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$`)
	keyShape       = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)
	namespaceShape = regexp.MustCompile(`^[A-Za-z0-9._/-]*$`)
)

// transit is a KEK that never sees its own key. The zero transit opens nothing.
type transit struct {
	redacted
	cfg    TransitConfig
	base   string
	client *http.Client
}

// OpenTransit returns the KEK of a transit engine. It calls nobody yet. Errors:
// ErrKEKSettings; ErrFileMissing and its kin for the token file.
func OpenTransit(cfg TransitConfig) (KEK, error) {
	if cfg.Mount == "" {
		cfg.Mount = "transit"
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = transitTimeout
	}
	u, err := url.Parse(cfg.Address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("%w: the address must look like https://host:8200", ErrKEKSettings)
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return nil, fmt.Errorf("%w: %s is not https", ErrKEKSettings, u.Host)
	case !mountShape.MatchString(cfg.Mount) || !keyShape.MatchString(cfg.Key) || !namespaceShape.MatchString(cfg.Namespace):
		return nil, fmt.Errorf("%w: mount %q, key %q or namespace %q", ErrKEKSettings, cfg.Mount, cfg.Key, cfg.Namespace)
	case cfg.Timeout < 0:
		return nil, fmt.Errorf("%w: the timeout is negative", ErrKEKSettings)
	}
	roots, err := authorities(cfg.CAFile)
	if err != nil {
		return nil, err
	}
	t := &transit{cfg: cfg, base: strings.TrimRight(u.String(), "/") + "/v1/" + cfg.Mount}
	t.client = &http.Client{
		Timeout: cfg.Timeout,
		// A redirect would carry the token and the key to somewhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			ForceAttemptHTTP2:   true,
			MaxIdleConns:        2,
			IdleConnTimeout:     30 * time.Second,
			TLSHandshakeTimeout: cfg.Timeout,
		},
	}
	if _, err := t.token(); err != nil {
		return nil, err
	}
	return t, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// authorities returns the certificates in a file, or nil for the system's.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: the authorities: %w", ErrKEKSettings, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%w: no certificate in %s", ErrKEKSettings, file)
	}
	return pool, nil
}

// token reads the token. An agent writes its file 0640; the world stays out.
func (t *transit) token() (string, error) {
	text, err := readPrivate(t.cfg.TokenFile, 0o007)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%s holds no token: %w", t.cfg.TokenFile, ErrKEKDenied)
	}
	return token, nil
}

// Name returns "transit:", the namespace if there is one, the mount and the
// key; not the address, which may change.
func (t *transit) Name() string {
	name := "transit:"
	if t.cfg.Namespace != "" {
		name += strings.Trim(t.cfg.Namespace, "/") + ":"
	}
	return name + t.cfg.Mount + "/" + t.cfg.Key
}

// transitData is the body of a call and the data of its answer. JSON carries
// []byte as base64, as the engine wants it.
type transitData struct {
	Plaintext      []byte `json:"plaintext,omitempty"`
	Ciphertext     string `json:"ciphertext,omitempty"`
	AssociatedData []byte `json:"associated_data,omitempty"`
}

// Wrap has the engine encrypt plain. The hash of ad goes inside as well: an
// engine too old to know associated_data would leave it out without a word.
func (t *transit) Wrap(ctx context.Context, plain, ad []byte) ([]byte, error) {
	sum := sha256.Sum256(ad)
	body := append(sum[:], plain...)
	defer clear(body)
	out, err := t.call(ctx, "encrypt", transitData{Plaintext: body, AssociatedData: ad})
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(out.Ciphertext, "vault:v") {
		return nil, fmt.Errorf("%w: the answer holds no ciphertext", ErrKEKSettings)
	}
	return []byte(out.Ciphertext), nil
}

// Unwrap has the engine decrypt wrapped.
func (t *transit) Unwrap(ctx context.Context, wrapped, ad []byte) ([]byte, error) {
	out, err := t.call(ctx, "decrypt", transitData{Ciphertext: string(wrapped), AssociatedData: ad})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(ad)
	if len(out.Plaintext) < len(sum) || subtle.ConstantTimeCompare(out.Plaintext[:len(sum)], sum[:]) != 1 {
		return nil, ErrDamaged
	}
	return out.Plaintext[len(sum):], nil
}

// call posts in to the engine. Nothing of the answer's text gets into an error:
// it could hold what we sent.
func (t *transit) call(ctx context.Context, verb string, in transitData) (transitData, error) {
	if t.client == nil {
		return transitData{}, ErrKEKSettings
	}
	token, err := t.token()
	if err != nil {
		return transitData{}, err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return transitData{}, fmt.Errorf("transit %s: %w", verb, err)
	}
	defer clear(body)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.base+"/"+verb+"/"+t.cfg.Key, bytes.NewReader(body))
	if err != nil {
		return transitData{}, fmt.Errorf("transit %s: %w: %w", verb, ErrKEKSettings, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Vault-Request", "true")
	req.Header.Set("X-Vault-Token", token)
	if t.cfg.Namespace != "" {
		req.Header.Set("X-Vault-Namespace", t.cfg.Namespace)
	}
	res, err := t.client.Do(req)
	if err != nil {
		return transitData{}, fmt.Errorf("transit %s: %w: %w", verb, ErrKEKUnreachable, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return transitData{}, fmt.Errorf("transit %s: status %d: %w", verb, res.StatusCode, transitRefusal(verb, res.StatusCode))
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, transitLimit+1))
	defer clear(text)
	if err != nil {
		return transitData{}, fmt.Errorf("transit %s: %w: %w", verb, ErrKEKUnreachable, err)
	}
	var answer struct {
		Data transitData `json:"data"`
	}
	if len(text) > transitLimit || json.Unmarshal(text, &answer) != nil {
		return transitData{}, fmt.Errorf("transit %s: %w: the answer can't be read", verb, ErrKEKSettings)
	}
	return answer.Data, nil
}

// transitRefusal says what a status of the engine means.
func transitRefusal(verb string, status int) error {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return ErrKEKDenied
	case status == http.StatusBadRequest && verb == "decrypt":
		return ErrWrongKEK // it knows no such key, or the key doesn't open this
	case status == http.StatusTooManyRequests || status >= 500:
		return ErrKEKUnreachable // 503 is also a sealed server
	}
	return ErrKEKSettings
}
