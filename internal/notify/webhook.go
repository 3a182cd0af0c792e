package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A webhook posts signed JSON to one address, after Standard Webhooks
// (https://www.standardwebhooks.com).
type webhook struct {
	url    string
	key    []byte
	client *http.Client
}

// maxReply bounds what is read of an answer, in bytes.
const maxReply = 64 << 10

// post sends body and returns the status and the answer. An error says that there
// was none; it never names the address, which may carry a key of its own.
func (w *webhook) post(ctx context.Context, id string, body []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, ErrUnavailable
	}
	at := strconv.FormatInt(time.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "") // none: it would tell the gateway what runs here
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", at)
	req.Header.Set("webhook-signature", sign(w.key, id, at, body))
	resp, err := w.client.Do(req)
	if err != nil {
		return 0, nil, ErrUnavailable
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err != nil || len(answer) > maxReply {
		answer = nil // what isn't whole says nothing; the status does
	}
	return resp.StatusCode, answer, nil
}

// A Hook asks a system of the operator's by a signed POST, and checks what that
// system signs with the same secret.
type Hook struct{ webhook }

// A HookConfig says how to reach it.
type HookConfig struct {
	URL        string        // https; http for this machine only
	SecretFile string        // "whsec_" and at least 24 bytes in base64 (Standard Webhooks)
	Timeout    time.Duration // of one question; 0: 10 seconds
}

// NewHook reads the secret and connects to nobody yet. Its errors are for the
// operator who wrote the configuration: WrongSettings.
func NewHook(c HookConfig) (*Hook, error) {
	w, err := newWebhook(c.URL, c.SecretFile, c.Timeout)
	if err != nil {
		return nil, err
	}
	return &Hook{*w}, nil
}

// newWebhook checks the settings of a webhook. Errors: WrongSettings.
func newWebhook(address, secretFile string, timeout time.Duration) (*webhook, error) {
	var wrong WrongSettings
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		wrong.add("url", errors.New("url must be https, without a user in it; http is allowed for this machine only"))
	}
	secret, err := readSecret(secretFile)
	key, bad := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err == nil && (bad != nil || len(key) < 24) {
		err = errors.New(`the secret must be "whsec_" and at least 24 bytes in base64`)
	}
	wrong.add("secret_file", err)
	if len(wrong) > 0 {
		return nil, wrong
	}
	return &webhook{url: u.String(), key: key, client: &http.Client{
		Timeout: orTimeout(timeout, 10*time.Second),
		// A redirect would carry what is sent to somebody the operator didn't name.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Ask posts body under an id, which is the same in every attempt, and returns the
// answer of at most 64 KB. Errors: ErrUnavailable, ErrRejected.
func (h *Hook) Ask(ctx context.Context, id string, body []byte) ([]byte, error) {
	status, answer, err := h.post(ctx, id, body)
	switch {
	case err != nil:
		return nil, err
	case status >= 200 && status < 300:
		return answer, nil
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		return nil, fmt.Errorf("status %d: %w", status, ErrUnavailable)
	}
	return nil, fmt.Errorf("status %d: %w", status, ErrRejected)
}

// hookSkew is how far the clock of whoever signed may be from ours.
const hookSkew = 5 * time.Minute

// Signed reports whether body was signed with the secret, within five minutes of
// now. Several signatures, separated by spaces, are those of a rotation.
func (h *Hook) Signed(header http.Header, body []byte, now time.Time) bool {
	id, at := header.Get("webhook-id"), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || id == "" || len(id) > 200 {
		return false
	}
	if skew := now.Sub(time.Unix(seconds, 0)); skew > hookSkew || skew < -hookSkew {
		return false
	}
	want, good := []byte(sign(h.key, id, at, body)), 0
	for _, given := range strings.Fields(header.Get("webhook-signature")) {
		good |= subtle.ConstantTimeCompare([]byte(given), want)
	}
	return good == 1
}

// sign returns the signature of Standard Webhooks, version 1.
func sign(key []byte, id, at string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.", id, at)
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
