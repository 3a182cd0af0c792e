package wardkeep

import (
	"context"
	"net/http"
)

// Screen has looked at what is about to be published (Article 4). Hold the content where
// there is an error: nobody has looked at it.
func (c *Client) Screen(ctx context.Context, s NewScreening) (out Screening, err error) {
	_, err = c.call(ctx, request{method: http.MethodPost, path: c.path("screenings"), in: s, out: &out})
	return out, err
}
