package wardkeep

import (
	"context"
	"net/http"
	"net/url"
)

// ProcessingRegister returns the register of processing activities in a language, "zh-CN" or "en".
// If etag is that of a register which the caller has and it is unchanged, the error is
// ErrNotModified.
func (c *Client) ProcessingRegister(ctx context.Context, lang, etag string) (out ProcessingRegister, err error) {
	header := make(http.Header)
	if etag != "" {
		header.Set("If-None-Match", etag)
	}
	h, err := c.call(ctx, request{method: http.MethodGet, path: c.path("register") + "?lang=" + url.QueryEscape(lang), out: &out, header: header})
	out.ETag = h.Get("ETag")
	return out, err
}
