package wardkeep

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// Orders returns what processors and recipients were told to do. State is "open",
// "overdue" or "attested". After is the Next of a former page, empty for the first one;
// limit 0 lets the server choose.
func (c *Client) Orders(ctx context.Context, state, after string, limit int) (out Orders, err error) {
	query := url.Values{"state": {state}}
	if after != "" {
		query.Set("after", after)
	}
	if limit != 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	_, err = c.call(ctx, request{method: http.MethodGet, path: c.path("orders") + "?" + query.Encode(), out: &out})
	return out, err
}

// Attest passes on that a party has done what an order told it.
func (c *Client) Attest(ctx context.Context, order string, a Attestation) (Order, error) {
	var out Order
	h, err := c.call(ctx, request{method: http.MethodPost, path: c.path("orders/" + url.PathEscape(order) + ":attest"), in: a, out: &out, once: true})
	out.Entry = h.Get(entryHeader)
	return out, err
}
