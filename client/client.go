// Package wardkeep is the Go SDK of Wardkeep, and the types that its API speaks.
//
//	c, err := wardkeep.New("https://wardkeep.example.com", "xiaoxi-english", key)
//	values, err := c.Read(ctx, child, wardkeep.Reading{Purpose: "speaking-practice", Items: []string{"nickname"}})
//	if errors.Is(err, wardkeep.ErrConsentMissing) {
//		// ask the guardian
//	}
//
// Its one invariant: a call that changes something is done at most once, however
// often it is tried: every try of a call carries the same idempotency key.
package wardkeep

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A Client calls the API for one service. It is safe for concurrent use.
type Client struct {
	base    *url.URL
	service string
	key     string
	sign    func(q *http.Request, body []byte) error // of a party; nil: the key says who asks

	// HTTP sends the requests; http.DefaultClient if nil.
	HTTP *http.Client
	// Lang is the language of the words in refusals, "zh-CN" or "en"; the
	// server's default if empty.
	Lang string
	// Tries is how often a call is tried when the network fails, or the server
	// is busy: 4 if zero, once if 1.
	Tries int
	// Wait is the pause before the second try; it doubles. 100 ms if zero.
	Wait time.Duration
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 20

// maxWait bounds the pause between two tries.
const maxWait = 30 * time.Second

// New returns a client of the server at base for a service, with an app key.
func New(base, service, key string) (*Client, error) {
	u, err := url.Parse(strings.TrimRight(base, "/"))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("wardkeep: the server's address begins with https:// or http:// and has a host")
	}
	if u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, errors.New("wardkeep: the server's address has no query, fragment or user")
	}
	return &Client{base: u, service: service, key: key}, nil
}

// String doesn't tell the key.
func (c *Client) String() string { return "wardkeep client of " + c.base.Host }

// GoString doesn't tell the key.
func (c *Client) GoString() string { return c.String() }

type idempotency struct{}

// WithIdempotencyKey returns a context in which calls that change something
// carry this key instead of one of their own, so that a program that was
// restarted can repeat a call. Use it for one call.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, idempotency{}, key)
}

// A request is one call, however often it is tried.
type request struct {
	method, path string
	in, out      any
	header       http.Header
	once         bool // it takes an idempotency key
}

// service path of a service's resource: parts are escaped.
func (c *Client) path(parts ...string) string {
	path := "/v1/services/" + url.PathEscape(c.service)
	for _, p := range parts {
		path += "/" + p
	}
	return path
}

// call tries r until it is answered, and fills r.out.
func (c *Client) call(ctx context.Context, r request) (http.Header, error) {
	var body []byte
	if r.in != nil {
		var err error
		if body, err = json.Marshal(r.in); err != nil {
			return nil, errors.New("wardkeep: the request can't be written as JSON") // the cause may quote a value
		}
	}
	if r.header == nil {
		r.header = make(http.Header)
	}
	if r.once {
		key, ok := ctx.Value(idempotency{}).(string)
		if !ok {
			key = rand.Text()
		}
		r.header.Set("Idempotency-Key", key)
	}
	tries, wait := c.Tries, c.Wait
	if tries < 1 {
		tries = 4
	}
	if wait <= 0 {
		wait = 100 * time.Millisecond
	}
	for try := 1; ; try++ {
		header, after, err := c.try(ctx, r, body)
		if err == nil || after < 0 || try == tries {
			return header, err
		}
		if after == 0 {
			after = wait
			wait *= 2
		}
		if after > maxWait {
			return header, err
		}
		select {
		case <-time.After(after):
		case <-ctx.Done():
			return header, errors.Join(ctx.Err(), err)
		}
	}
}

// try sends r once. After says when to try again: below 0 never, 0 as the
// client likes.
func (c *Client) try(ctx context.Context, r request, body []byte) (header http.Header, after time.Duration, err error) {
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	q, err := http.NewRequestWithContext(ctx, r.method, c.base.String()+r.path, reader)
	if err != nil {
		return nil, -1, errors.New("wardkeep: the address can't be written")
	}
	for name, values := range r.header {
		q.Header[name] = values
	}
	if c.key != "" {
		q.Header.Set("Authorization", "Bearer "+c.key)
	}
	if body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	if c.Lang != "" {
		q.Header.Set("Accept-Language", c.Lang)
	}
	if c.sign != nil {
		if err := c.sign(q, body); err != nil {
			return nil, -1, err
		}
	}
	h := c.HTTP
	if h == nil {
		h = http.DefaultClient
	}
	a, err := h.Do(q)
	if err != nil {
		if ctx.Err() != nil {
			return nil, -1, ctx.Err()
		}
		// The cause of a *url.Error names the address, which may hold a
		// reference: leave the address out.
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return nil, 0, fmt.Errorf("wardkeep: %w", err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(io.LimitReader(a.Body, maxAnswer))
	if err != nil {
		return a.Header, 0, fmt.Errorf("wardkeep: the answer broke off: %w", err)
	}
	if a.StatusCode >= 400 {
		return a.Header, again(a), problem(a, text)
	}
	if r.out != nil && a.StatusCode != http.StatusNotModified && len(text) > 0 {
		if err := json.Unmarshal(text, r.out); err != nil {
			return a.Header, -1, errors.New("wardkeep: the answer isn't what this client understands")
		}
	}
	if a.StatusCode == http.StatusNotModified {
		return a.Header, -1, ErrNotModified
	}
	return a.Header, -1, nil
}

// ErrNotModified says that what was asked for is what the caller has.
var ErrNotModified = errors.New("wardkeep: not modified")

// again returns when an answer may be tried again: at 429 and 503, where nothing
// was done, or the Idempotency-Key keeps it from being done twice.
func again(a *http.Response) time.Duration {
	if a.StatusCode != http.StatusTooManyRequests && a.StatusCode != http.StatusServiceUnavailable {
		return -1
	}
	seconds, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

func problem(a *http.Response, text []byte) error {
	p := new(Problem)
	if json.Unmarshal(text, p) != nil || p.Code == "" {
		// A proxy's answer, not the server's: its text is not ours to repeat.
		p = &Problem{Title: http.StatusText(a.StatusCode)}
	}
	p.Status = a.StatusCode
	return p
}
