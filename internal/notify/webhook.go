package notify

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
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
	status, answer, err = Post(ctx, w.client, w.url, id, body, maxReply, w.key)
	if err != nil {
		return 0, nil, ErrUnavailable
	}
	return status, answer, nil
}

// Post sends JSON under an id, signed with each of the keys at this moment (several
// are those of a rotation), and returns the status and the answer: nil where that
// isn't whole or is longer than limit bytes. An error is the client's, and may name
// the address: it goes into no log.
func Post(ctx context.Context, client *http.Client, address, id string, body []byte, limit int64, keys ...[]byte) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	at := time.Now()
	signature, err := sign(id, at, body, keys)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "") // none: it would tell the receiver what runs here
	req.Header.Set(standardwebhooks.HeaderWebhookID, id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	// Whoever hangs until we leave, and then says nothing, is heard to say 200: many
	// servers do so by themselves, and the client prefers an answer to its own end.
	if err := ctx.Err(); err != nil {
		return 0, nil, err
	}
	if client.Timeout > 0 && time.Since(at) >= client.Timeout {
		return 0, nil, context.DeadlineExceeded
	}
	answer, err = io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil || int64(len(answer)) > limit {
		answer = nil // what isn't whole says nothing; the status does
	}
	return resp.StatusCode, answer, nil
}

// sign returns the signatures of Standard Webhooks, version 1, separated by spaces.
func sign(id string, at time.Time, body []byte, keys [][]byte) (string, error) {
	signatures := make([]string, len(keys))
	for i, key := range keys {
		w, err := standardwebhooks.NewWebhookRaw(key)
		if err == nil {
			signatures[i], err = w.Sign(id, at, body)
		}
		if err != nil {
			return "", err
		}
	}
	return strings.Join(signatures, " "), nil
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
	seconds, err := strconv.ParseInt(header.Get(standardwebhooks.HeaderWebhookTimestamp), 10, 64)
	if err != nil || len(header.Get(standardwebhooks.HeaderWebhookID)) > 200 {
		return false
	}
	if skew := now.Sub(time.Unix(seconds, 0)); skew > hookSkew || skew < -hookSkew {
		return false
	}
	w, err := standardwebhooks.NewWebhookRaw(h.key)
	return err == nil && w.VerifyIgnoringTimestamp(body, header) == nil // the time was compared above, with ours
}
