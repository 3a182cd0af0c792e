package wardkeep

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// Demand takes what a child or its guardian demands. child is an id or Ref.
func (c *Client) Demand(ctx context.Context, child string, d Demanding) (Demand, error) {
	return c.demand(ctx, http.MethodPost, "children/"+url.PathEscape(child)+"/requests", d, true)
}

// Demands returns what was demanded about a child, the newest first.
func (c *Client) Demands(ctx context.Context, child string) (out Demands, err error) {
	_, err = c.call(ctx, request{method: http.MethodGet, path: c.path("children/" + url.PathEscape(child) + "/requests"), out: &out})
	return out, err
}

// DueDemands returns open demands of the service, those that are due first. After is
// the Next of a former page, empty for the first one; limit 0 lets the server choose.
func (c *Client) DueDemands(ctx context.Context, after string, limit int) (out Demands, err error) {
	query := url.Values{}
	if after != "" {
		query.Set("after", after)
	}
	if limit != 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	path := c.path("requests")
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	_, err = c.call(ctx, request{method: http.MethodGet, path: path, out: &out})
	return out, err
}

// FindDemand returns a demand; of one whose child was erased for it, or by Erase while it was
// open, for 90 days, with the link to the certificate.
func (c *Client) FindDemand(ctx context.Context, id string) (Demand, error) {
	return c.demand(ctx, http.MethodGet, "requests/"+url.PathEscape(id), nil, false)
}

// ExtendDemand gives a demand more time, once.
func (c *Client) ExtendDemand(ctx context.Context, id string, e Extension) (Demand, error) {
	return c.demand(ctx, http.MethodPost, "requests/"+url.PathEscape(id)+":extend", e, true)
}

// RefuseDemand ends a demand to correct or to supplement with a reason.
func (c *Client) RefuseDemand(ctx context.Context, id string, r Refusal) (Demand, error) {
	return c.demand(ctx, http.MethodPost, "requests/"+url.PathEscape(id)+":refuse", r, true)
}

// FinishDemand ends a demand that was carried out.
func (c *Client) FinishDemand(ctx context.Context, id string, f Finish) (Demand, error) {
	return c.demand(ctx, http.MethodPost, "requests/"+url.PathEscape(id)+":finish", f, true)
}

// RecallDemand has nobody get a copy any more that a guardian is handing to somebody of its
// choice, for a guardian who asks for that by phone.
func (c *Client) RecallDemand(ctx context.Context, id string) (Demand, error) {
	return c.demand(ctx, http.MethodPost, "requests/"+url.PathEscape(id)+":recall", nil, true)
}

func (c *Client) demand(ctx context.Context, method, path string, in any, once bool) (Demand, error) {
	var out Demand
	h, err := c.call(ctx, request{method: method, path: c.path(path), in: in, out: &out, once: once})
	out.Entry = h.Get(entryHeader)
	return out, err
}
