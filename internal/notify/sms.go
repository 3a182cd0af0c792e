package notify

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// SMSConfig says how to reach the operator's SMS gateway: an address that takes
// a signed POST.
type SMSConfig struct {
	URL        string        // https; http for this machine only
	SecretFile string        // "whsec_" and at least 24 bytes in base64 (Standard Webhooks)
	CAFile     string        // PEM; trusted besides the system's roots, if set
	Timeout    time.Duration // of one message; 0: 10 seconds
}

// SMSWebhook returns a Sender of SMS that posts
//
//	{"type":"sms","to":"138…","text":"…","kind":"consent.request","lang":"zh-CN"}
//
// with the headers webhook-id, webhook-timestamp and webhook-signature of
// Standard Webhooks (HMAC-SHA-256). Its errors are for the operator who wrote
// the configuration, as those of SMTP.
func SMSWebhook(c SMSConfig) (Sender, error) {
	w, err := newWebhook(c.URL, c.SecretFile, c.Timeout)
	if err != nil {
		return nil, fmt.Errorf("sms: %w", err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if c.CAFile != "" {
		roots, err := ReadRoots(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("sms: %w", err)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	w.client.Transport = transport
	return w, nil
}

// An smsBody is what the gateway gets.
type smsBody struct {
	Type string `json:"type"`
	To   string `json:"to"`
	Text string `json:"text"`
	Kind string `json:"kind"`
	Lang string `json:"lang"`
}

// Send hands one SMS to the gateway.
func (w *webhook) Send(ctx context.Context, m Message) error {
	m, err := m.ready(SMS)
	if err != nil {
		return err
	}
	body, err := json.Marshal(smsBody{"sms", m.To.Reveal(), m.Text.Reveal(), m.Kind, string(m.Lang)})
	if err != nil {
		return ErrMessage
	}
	status, _, err := w.post(ctx, m.ID, body)
	if err != nil {
		return fmt.Errorf("sms: no answer: %w", ErrUnavailable)
	}
	return answered(status)
}

// answered says what a status means for the message.
func answered(status int) error {
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		return fmt.Errorf("sms: status %d: %w", status, ErrUnavailable)
	}
	return fmt.Errorf("sms: status %d: %w", status, ErrRejected)
}
