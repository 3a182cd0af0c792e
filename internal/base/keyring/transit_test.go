package keyring

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/errs"
)

// engine is a server that follows the documented HTTP API of the transit
// secrets engine, with real AES-256-GCM inside. The real server isn't part of
// the tests.
type engine struct {
	gcm       cipher.AEAD
	token     string
	namespace string
	ignoreAD  bool // as engines did before associated_data
	calls     int
}

func newEngine(t *testing.T) *engine {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	return &engine{gcm: gcm, token: "s.canarytoken"}
}

func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.calls++
	refuse := func(status int, words ...string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]any{"errors": append([]string{}, words...)})
	}
	if r.Header.Get("X-Vault-Token") != e.token || r.Header.Get("X-Vault-Namespace") != e.namespace {
		refuse(http.StatusForbidden, "permission denied")
		return
	}
	var in struct {
		Plaintext      string `json:"plaintext"`
		Ciphertext     string `json:"ciphertext"`
		AssociatedData string `json:"associated_data"`
	}
	body, _ := io.ReadAll(r.Body)
	if r.Method != http.MethodPost || json.Unmarshal(body, &in) != nil {
		refuse(http.StatusBadRequest, "failed to parse JSON input")
		return
	}
	ad, err := base64.StdEncoding.DecodeString(in.AssociatedData)
	if err != nil {
		refuse(http.StatusBadRequest, "failed to base64-decode associated_data")
		return
	}
	if e.ignoreAD {
		ad = nil
	}
	data := map[string]any{"key_version": 1}
	switch r.URL.Path {
	case "/v1/transit/encrypt/wardkeep":
		plain, err := base64.StdEncoding.DecodeString(in.Plaintext)
		if err != nil {
			refuse(http.StatusBadRequest, "failed to base64-decode plaintext")
			return
		}
		data["ciphertext"] = "vault:v1:" + base64.StdEncoding.EncodeToString(e.gcm.Seal(nil, nil, plain, ad))
	case "/v1/transit/decrypt/wardkeep":
		text, ok := strings.CutPrefix(in.Ciphertext, "vault:v1:")
		sealed, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil {
			refuse(http.StatusBadRequest, "invalid ciphertext: no prefix")
			return
		}
		plain, err := e.gcm.Open(nil, nil, sealed, ad)
		if err != nil {
			refuse(http.StatusBadRequest, "cipher: message authentication failed")
			return
		}
		data = map[string]any{"plaintext": base64.StdEncoding.EncodeToString(plain)}
	case "/v1/transit/decrypt/other":
		refuse(http.StatusBadRequest, "encryption key not found")
		return
	default:
		refuse(http.StatusNotFound, "no handler for route")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{
		"request_id": "8f", "lease_id": "", "renewable": false, "lease_duration": 0, "data": data, "mount_type": "transit",
	})
}

// config returns the settings for a server, with a token file.
func config(t *testing.T, address string) TransitConfig {
	t.Helper()
	token := filepath.Join(t.TempDir(), "token")
	write(t, token, []byte("s.canarytoken\n"), 0o640)
	return TransitConfig{Address: address, Key: "wardkeep", TokenFile: token, Timeout: 5 * time.Second}
}

func serve(t *testing.T, h http.Handler) (*httptest.Server, TransitConfig) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv, config(t, srv.URL)
}

func openTransit(t *testing.T, cfg TransitConfig) KEK {
	t.Helper()
	kek, err := OpenTransit(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return kek
}

func TestTransitHoldsARing(t *testing.T) {
	ctx := context.Background()
	e := newEngine(t)
	e.namespace = "ops/children"
	_, cfg := serve(t, e)
	cfg.Namespace = "ops/children"
	kek := openTransit(t, cfg)
	if kek.Name() != "transit:ops/children:transit/wardkeep" {
		t.Errorf("name %q", kek.Name())
	}
	stored, err := Generate(ctx, kek, AES256GCM)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(stored[0].Wrapped, []byte("vault:v1:")) {
		t.Errorf("wrapped as %.12s", stored[0].Wrapped)
	}
	r, err := Open(ctx, kek, stored)
	if err != nil {
		t.Fatal(err)
	}
	key, wrapped, pool, _ := r.NewChildKey("ch_1")
	sealed := key.Seal([]byte("x"))

	// From the engine to a key file, and what was sealed stays open.
	calls := e.calls
	file := keyFile(t)
	for i := range stored {
		if stored[i], err = Rewrap(ctx, kek, file, stored[i]); err != nil {
			t.Fatal(err)
		}
	}
	if e.calls-calls != 3 {
		t.Errorf("%d calls for 3 keys", e.calls-calls)
	}
	if r, err = Open(ctx, file, stored); err != nil {
		t.Fatal(err)
	}
	k, err := r.OpenChildKey("ch_1", pool, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := k.Open(sealed); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestTransitBindsTheContext(t *testing.T) {
	for _, ignore := range []bool{false, true} {
		e := newEngine(t)
		e.ignoreAD = ignore
		_, cfg := serve(t, e)
		kek := openTransit(t, cfg)
		w, err := kek.Wrap(context.Background(), []byte("plain"), []byte("ad"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := kek.Unwrap(context.Background(), w, []byte("ad")); err != nil || string(got) != "plain" {
			t.Errorf("%q, %v", got, err)
		}
		if _, err := kek.Unwrap(context.Background(), w, []byte("da")); !errors.Is(err, ErrWrongKEK) && !errors.Is(err, ErrDamaged) {
			t.Errorf("engine that ignores associated data %v: another context: %v", ignore, err)
		}
	}
}

func TestTransitOfAnotherKeyOrServer(t *testing.T) {
	ctx := context.Background()
	_, cfg := serve(t, newEngine(t))
	stored, err := Generate(ctx, openTransit(t, cfg), AES256GCM)
	if err != nil {
		t.Fatal(err)
	}
	_, elsewhere := serve(t, newEngine(t))
	_, err = Open(ctx, openTransit(t, elsewhere), stored)
	wantErr(t, "a server with another key", err, ErrWrongKEK)

	other := cfg
	other.Key = "other"
	_, err = Open(ctx, openTransit(t, other), stored)
	wantErr(t, "another name", err, ErrWrongKEK)
	_, err = openTransit(t, other).Unwrap(ctx, stored[0].Wrapped, nil)
	wantErr(t, "a key that isn't there", err, ErrWrongKEK)
	_, err = Open(ctx, keyFile(t), stored)
	wantErr(t, "a key file", err, ErrWrongKEK)
	mount := cfg
	mount.Mount = "elsewhere"
	_, err = openTransit(t, mount).Wrap(ctx, []byte("k"), nil)
	wantErr(t, "no such mount", err, ErrKEKSettings)
}

func TestTransitReadsTheTokenEachTime(t *testing.T) {
	ctx := context.Background()
	e := newEngine(t)
	_, cfg := serve(t, e)
	kek := openTransit(t, cfg)
	e.token = "s.renewed"
	_, err := kek.Wrap(ctx, []byte("k"), nil)
	wantErr(t, "an expired token", err, ErrKEKDenied)
	write(t, cfg.TokenFile, []byte("s.renewed"), 0o600)
	if _, err := kek.Wrap(ctx, []byte("k"), nil); err != nil {
		t.Error(err)
	}
	write(t, cfg.TokenFile, []byte("s.renewed"), 0o604)
	_, err = kek.Wrap(ctx, []byte("k"), nil)
	wantErr(t, "a token for all to read", err, ErrFileOpenToOthers)
	for _, bad := range []string{"", "\n", "two words", "a\nb", "令牌"} {
		write(t, cfg.TokenFile, []byte(bad), 0o600)
		_, err = kek.Wrap(ctx, []byte("k"), nil)
		wantErr(t, "no token", err, ErrKEKDenied)
	}
	if err := os.Remove(cfg.TokenFile); err != nil {
		t.Fatal(err)
	}
	_, err = kek.Wrap(ctx, []byte("k"), nil)
	wantErr(t, "no token file", err, ErrFileMissing)
}

// A server that misbehaves never gets the key or the token into an error, and
// never an answer that is taken for good.
func TestTransitAnswersThatAreNone(t *testing.T) {
	say := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			sent, _ := io.ReadAll(r.Body)
			w.WriteHeader(status)
			io.WriteString(w, strings.NewReplacer("BODY", string(sent), "TOKEN", r.Header.Get("X-Vault-Token")).Replace(body))
		}
	}
	for name, c := range map[string]struct {
		h    http.Handler
		want *errs.Error
	}{
		"denied":             {say(403, `{"errors":["permission denied TOKEN BODY"]}`), ErrKEKDenied},
		"unauthenticated":    {say(401, `TOKEN BODY`), ErrKEKDenied},
		"sealed":             {say(503, `{"errors":["Vault is sealed"]}`), ErrKEKUnreachable},
		"broken":             {say(500, `TOKEN BODY`), ErrKEKUnreachable},
		"too many":           {say(429, ``), ErrKEKUnreachable},
		"not there":          {say(404, `{"errors":[]}`), ErrKEKSettings},
		"bad request":        {say(400, `{"errors":["TOKEN BODY"]}`), ErrKEKSettings},
		"empty":              {say(200, ``), ErrKEKSettings},
		"no JSON":            {say(200, `<html>TOKEN BODY</html>`), ErrKEKSettings},
		"no data":            {say(200, `{}`), ErrKEKSettings},
		"echo of the key":    {say(200, `{"data":BODY}`), ErrKEKSettings},
		"no prefix":          {say(200, `{"data":{"ciphertext":"abc"}}`), ErrKEKSettings},
		"endless":            {say(200, `{"data":{"ciphertext":"vault:v1:`+strings.Repeat("A", transitLimit)+`"}}`), ErrKEKSettings},
		"no content":         {say(204, ``), ErrKEKSettings},
		"redirect elsewhere": {http.RedirectHandler("http://127.0.0.1:1/TOKEN", http.StatusTemporaryRedirect), ErrKEKSettings},
		"hangs up": {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				conn.Close()
			}
		}), ErrKEKUnreachable},
	} {
		_, cfg := serve(t, c.h)
		secret := []byte("canary-key-canary-key-canary-key")
		_, err := openTransit(t, cfg).Wrap(context.Background(), secret, nil)
		wantErr(t, name, err, c.want)
		if err == nil {
			continue
		}
		for _, s := range []string{"canarytoken", string(secret), base64.StdEncoding.EncodeToString(secret), "BODY"} {
			if strings.Contains(err.Error(), s) {
				t.Errorf("%s: the error shows %.8s…: %v", name, s, err)
			}
		}
	}
}

func TestTransitDoesNotFollowRedirects(t *testing.T) {
	reached := false
	to := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer to.Close()
	_, cfg := serve(t, http.RedirectHandler(to.URL, http.StatusPermanentRedirect))
	_, err := openTransit(t, cfg).Wrap(context.Background(), []byte("k"), nil)
	wantErr(t, "redirect", err, ErrKEKSettings)
	if reached {
		t.Error("the key and the token went to another server")
	}
}

func TestTransitGivesUpInTime(t *testing.T) {
	release := make(chan struct{})
	_, cfg := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(func() { close(release) }) // runs before the server's Close, which waits for the handler
	cfg.Timeout = 50 * time.Millisecond
	begin := time.Now()
	_, err := openTransit(t, cfg).Wrap(context.Background(), []byte("k"), nil)
	wantErr(t, "no answer", err, ErrKEKUnreachable)
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
	cfg.Timeout = time.Minute
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err = openTransit(t, cfg).Unwrap(ctx, []byte("vault:v1:x"), nil)
	wantErr(t, "the caller gave up", err, ErrKEKUnreachable)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the cause is lost: %v", err)
	}
	_, err = openTransit(t, config(t, "http://127.0.0.1:1")).Wrap(context.Background(), []byte("k"), nil)
	wantErr(t, "nobody there", err, ErrKEKUnreachable)
}

func TestTransitOverTLSTrustsOnlyItsAuthority(t *testing.T) {
	srv := httptest.NewTLSServer(newEngine(t))
	defer srv.Close()
	cfg := config(t, srv.URL)
	_, err := openTransit(t, cfg).Wrap(context.Background(), []byte("k"), nil)
	wantErr(t, "an unknown authority", err, ErrKEKUnreachable)

	cfg.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	write(t, cfg.CAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o644)
	if _, err := openTransit(t, cfg).Wrap(context.Background(), []byte("k"), nil); err != nil {
		t.Error(err)
	}
	write(t, cfg.CAFile, []byte("no certificate"), 0o644)
	_, err = OpenTransit(cfg)
	wantErr(t, "no certificate", err, ErrKEKSettings)
	cfg.CAFile += ".none"
	_, err = OpenTransit(cfg)
	wantErr(t, "no file", err, ErrKEKSettings)
}

func TestTransitSettingsAreStrict(t *testing.T) {
	for name, change := range map[string]func(*TransitConfig){
		"no address":        func(c *TransitConfig) { c.Address = "" },
		"no scheme":         func(c *TransitConfig) { c.Address = "bao.example:8200" },
		"plain http":        func(c *TransitConfig) { c.Address = "http://bao.example:8200" },
		"a user":            func(c *TransitConfig) { c.Address = "https://u:canarypassword@bao.example" },
		"a query":           func(c *TransitConfig) { c.Address = "https://bao.example/?token=canarypassword" },
		"another scheme":    func(c *TransitConfig) { c.Address = "file:///etc" },
		"not an address":    func(c *TransitConfig) { c.Address = "https://u:canarypassword@[bad" },
		"no key":            func(c *TransitConfig) { c.Key = "" },
		"a path as key":     func(c *TransitConfig) { c.Key = "../sys/seal" },
		"dots as key":       func(c *TransitConfig) { c.Key = ".." },
		"dots in the mount": func(c *TransitConfig) { c.Mount = "a/../sys" },
		"a mount with ?":    func(c *TransitConfig) { c.Mount = "a?b" },
		"a namespace line":  func(c *TransitConfig) { c.Namespace = "a\r\nX: y" },
		"a past timeout":    func(c *TransitConfig) { c.Timeout = -1 },
	} {
		cfg := config(t, "https://bao.example:8200")
		change(&cfg)
		_, err := OpenTransit(cfg)
		wantErr(t, name, err, ErrKEKSettings)
		if err != nil && strings.Contains(err.Error(), "canarypassword") {
			t.Errorf("%s: the error shows a password", name)
		}
	}
	cfg := config(t, "https://bao.example:8200/")
	cfg.TokenFile += ".none"
	_, err := OpenTransit(cfg)
	wantErr(t, "no token file", err, ErrFileMissing)
}
