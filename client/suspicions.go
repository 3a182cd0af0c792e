package wardkeep

import (
	"context"
	"net/http"
	"net/url"
)

// Suspect reports that an account may be a child's that isn't registered as one. Until
// the staff has decided, treat it as a child's: CheckAge with its reference says so.
func (c *Client) Suspect(ctx context.Context, s NewSuspicion) (out Suspicion, err error) {
	h, err := c.call(ctx, request{method: http.MethodPost, path: c.path("suspicions"), in: s, out: &out, once: true})
	out.Entry = h.Get(entryHeader)
	return out, err
}

// Suspicions returns those that wait, those that are due first, without what you call
// the accounts: Suspicion says that.
func (c *Client) Suspicions(ctx context.Context) (out Suspicions, err error) {
	_, err = c.call(ctx, request{method: http.MethodGet, path: c.path("suspicions"), out: &out})
	return out, err
}

// Suspicion returns one, and what to do with the account meanwhile.
func (c *Client) Suspicion(ctx context.Context, id string) (out Suspicion, err error) {
	_, err = c.call(ctx, request{method: http.MethodGet, path: c.path("suspicions/" + url.PathEscape(id)), out: &out})
	return out, err
}
