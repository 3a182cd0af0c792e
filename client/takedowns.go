package wardkeep

import (
	"context"
	"net/http"
	"net/url"
)

// ReportContent opens a case of content that is published and harms a child's information
// (Article 4).
func (c *Client) ReportContent(ctx context.Context, t NewTakedown) (out Takedown, err error) {
	h, err := c.call(ctx, request{method: http.MethodPost, path: c.path("takedowns"), in: t, out: &out, once: true})
	out.Entry = h.Get(entryHeader)
	return out, err
}

// Takedowns returns those that are open, those that are due first, without what you call the
// content: Takedown says that.
func (c *Client) Takedowns(ctx context.Context) (out Takedowns, err error) {
	_, err = c.call(ctx, request{method: http.MethodGet, path: c.path("takedowns"), out: &out})
	return out, err
}

// Takedown returns one.
func (c *Client) Takedown(ctx context.Context, id string) (out Takedown, err error) {
	_, err = c.call(ctx, request{method: http.MethodGet, path: c.path("takedowns/" + url.PathEscape(id)), out: &out})
	return out, err
}

// TookDown says that the content of a case that was decided is down.
func (c *Client) TookDown(ctx context.Context, id string) (out Takedown, err error) {
	h, err := c.call(ctx, request{method: http.MethodPost, path: c.path("takedowns/" + url.PathEscape(id) + ":done"), out: &out, once: true})
	out.Entry = h.Get(entryHeader)
	return out, err
}
