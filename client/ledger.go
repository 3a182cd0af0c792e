package wardkeep

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// Events returns up to limit events after a point: "" for the beginning, the
// Next of a former page, or the id of an event. Limit 0 lets the server choose.
func (c *Client) Events(ctx context.Context, after string, limit int) (Events, error) {
	query := make(url.Values)
	if after != "" {
		query.Set("after", after)
	}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	path := "/v1/events"
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	var out Events
	_, err := c.call(ctx, request{method: http.MethodGet, path: path, out: &out})
	return out, err
}

// Service returns the service as it is, and what of it ends.
func (c *Client) Service(ctx context.Context) (Service, error) {
	var out Service
	_, err := c.call(ctx, request{method: http.MethodGet, path: c.path(), out: &out})
	return out, err
}

// Charter returns the published charter, with its notice in a language.
func (c *Client) Charter(ctx context.Context, lang string) (Charter, error) {
	path := c.path("charter")
	if lang != "" {
		path += "?lang=" + url.QueryEscape(lang)
	}
	var out Charter
	_, err := c.call(ctx, request{method: http.MethodGet, path: path, out: &out})
	return out, err
}

// Proof returns the proof that an entry about the service is in the ledger. A
// new entry has none for about a second.
func (c *Client) Proof(ctx context.Context, entry string) (Proof, error) {
	var out Proof
	_, err := c.call(ctx, request{method: http.MethodGet, path: "/v1/ledger/entries/" + url.PathEscape(entry) + "/proof", out: &out})
	return out, err
}

// LedgerKey returns the key that verifies the ledger's checkpoints. Keep it:
// whoever asks the server each time believes the server.
func (c *Client) LedgerKey(ctx context.Context) (LedgerKey, error) {
	var out LedgerKey
	_, err := c.call(ctx, request{method: http.MethodGet, path: "/v1/ledger/key", out: &out})
	return out, err
}
