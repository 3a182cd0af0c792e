package wardkeep

import (
	"context"
	"net/http"
	"net/url"
)

// ReportIncident opens a case of what was, or may have been, leaked, changed or lost (Article 21),
// at once and with what is known by then: from its report on its clocks run. It needs the scope
// incidents:write.
func (c *Client) ReportIncident(ctx context.Context, l NewLeak) (out Leak, err error) {
	h, err := c.call(ctx, request{method: http.MethodPost, path: c.path("incidents"), in: l, out: &out, once: true})
	out.Entry = h.Get(entryHeader)
	return out, err
}

// Incident returns how a case stands that this app has reported.
func (c *Client) Incident(ctx context.Context, id string) (out Leak, err error) {
	_, err = c.call(ctx, request{method: http.MethodGet, path: c.path("incidents/" + url.PathEscape(id)), out: &out})
	return out, err
}

// AddToIncident tells what was found or done since.
func (c *Client) AddToIncident(ctx context.Context, id string, n LeakNote) (out Leak, err error) {
	h, err := c.call(ctx, request{method: http.MethodPost, path: c.path("incidents/" + url.PathEscape(id) + ":add"), in: n, out: &out, once: true})
	out.Entry = h.Get(entryHeader)
	return out, err
}
