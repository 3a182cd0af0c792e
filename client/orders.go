package wardkeep

import (
	"context"
	"net/http"
	"net/url"
)

// Orders returns what processors and recipients were told to do: the first 100. State is
// "open", "overdue" or "attested".
func (c *Client) Orders(ctx context.Context, state string) (out Orders, err error) {
	_, err = c.call(ctx, request{method: http.MethodGet, path: c.path("orders") + "?state=" + url.QueryEscape(state), out: &out})
	return out, err
}

// Attest passes on that a party has done what an order told it.
func (c *Client) Attest(ctx context.Context, order string, a Attestation) (Order, error) {
	var out Order
	h, err := c.call(ctx, request{method: http.MethodPost, path: c.path("orders/" + url.PathEscape(order) + ":attest"), in: a, out: &out, once: true})
	out.Entry = h.Get(entryHeader)
	return out, err
}
