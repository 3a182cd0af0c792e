package wardkeep

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// Ref returns the address of a child by your own reference, for every call that
// takes a child.
func Ref(ref string) string { return "ref:" + ref }

// CheckAge says what somebody with this birth date is by age.
func (c *Client) CheckAge(ctx context.Context, a AgeCheck) (AgeClass, error) {
	var out AgeClass
	_, err := c.call(ctx, request{method: http.MethodPost, path: c.path("age-checks"), in: a, out: &out})
	return out, err
}

// Register registers a child. Refusals: ErrRefTaken, ErrNotAChild and others.
func (c *Client) Register(ctx context.Context, n NewChild) (Child, error) {
	var out Child
	h, err := c.call(ctx, request{method: http.MethodPost, path: c.path("children"), in: n, out: &out, once: true})
	out.Entry, out.ETag = h.Get(entryHeader), h.Get("ETag")
	return out, err
}

// entryHeader holds the id of the ledger entry of a change.
const entryHeader = "Wardkeep-Entry"

// Child returns a child by its id or Ref. Refusals: ErrChildNotFound,
// ErrChildErased.
func (c *Client) Child(ctx context.Context, child string) (Child, error) {
	var out Child
	h, err := c.call(ctx, request{method: http.MethodGet, path: c.path("children", url.PathEscape(child)), out: &out})
	out.ETag = h.Get("ETag")
	return out, err
}

// Children returns a page of the service's living children by id: those behind
// after, which is the Next of the page before, and 100 of them if limit is 0.
func (c *Client) Children(ctx context.Context, after string, limit int) (Children, error) {
	var out Children
	query := url.Values{}
	if after != "" {
		query.Set("after", after)
	}
	if limit != 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	path := c.path("children")
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	_, err := c.call(ctx, request{method: http.MethodGet, path: path, out: &out})
	return out, err
}

// AddGuardian ties another person to a child. Ask with its id; until it has
// proved who it is, it can't answer. Whoever is tied to the child by the same phone
// or address already is returned, and Entry is empty: one contact is one person. If
// that one may answer already, the code of the refusal is family.guardian_tied; if
// the other contact isn't that one's, family.contact_differs.
// Other refusals: ErrDenied while an office is vacant (Article 8), and others.
func (c *Client) AddGuardian(ctx context.Context, child string, g NewGuardian) (Guardian, error) {
	return c.guardian(ctx, c.path("children", url.PathEscape(child), "guardians"), g)
}

// UnverifyGuardian takes back the proof of who a guardian is: what it agreed to
// is worth nothing until it has proved it anew. Nothing raises a proof but the
// guardian's own. Where nothing is proved nothing changes, and Entry is empty.
func (c *Client) UnverifyGuardian(ctx context.Context, child, guardian string) (Guardian, error) {
	return c.guardian(ctx, c.path("children", url.PathEscape(child), "guardians", url.PathEscape(guardian)+":unverify"), nil)
}

func (c *Client) guardian(ctx context.Context, path string, in any) (Guardian, error) {
	var out Guardian
	h, err := c.call(ctx, request{method: http.MethodPost, path: path, in: in, out: &out, once: true})
	out.Entry, out.ETag = h.Get(entryHeader), h.Get("ETag")
	return out, err
}

// EndGuardian ends a person's tie to a child, at once, and cancels what it was
// asked. It returns the ledger entry.
func (c *Client) EndGuardian(ctx context.Context, child, guardian string) (entry string, err error) {
	path := c.path("children", url.PathEscape(child), "guardians", url.PathEscape(guardian))
	h, err := c.call(ctx, request{method: http.MethodDelete, path: path, once: true})
	return h.Get(entryHeader), err
}

// CorrectBirth replaces a child's birth date (Article 19). It never makes a child
// older: ErrNeedsDocument. If etag isn't empty and the child has changed since,
// the refusal is ErrChanged.
func (c *Client) CorrectBirth(ctx context.Context, child, etag string, b BirthDate) (Child, error) {
	var out Child
	header := make(http.Header)
	if etag != "" {
		header.Set("If-Match", etag)
	}
	path := c.path("children", url.PathEscape(child)+":correct")
	h, err := c.call(ctx, request{method: http.MethodPost, path: path, in: b, out: &out, header: header, once: true})
	out.Entry, out.ETag = h.Get(entryHeader), h.Get("ETag")
	return out, err
}

// Permissions say what may be done about a child now. If etag is that of
// permissions which the caller has and they are unchanged, the error is
// ErrNotModified.
func (c *Client) Permissions(ctx context.Context, child, etag string) (Permissions, error) {
	var out Permissions
	header := make(http.Header)
	if etag != "" {
		header.Set("If-None-Match", etag)
	}
	h, err := c.call(ctx, request{method: http.MethodGet, path: c.path("children", url.PathEscape(child), "permissions"), out: &out, header: header})
	out.ETag = h.Get("ETag")
	return out, err
}

// Erase destroys a child's key and all that is held about it, because its
// account was closed (Article 20(4)). It can't be undone.
func (c *Client) Erase(ctx context.Context, child string) (Erasure, error) {
	var out Erasure
	h, err := c.call(ctx, request{method: http.MethodDelete, path: c.path("children", url.PathEscape(child)), out: &out, once: true})
	out.Entry = h.Get(entryHeader)
	return out, err
}

// Report says that something has happened that a purpose of the charter waits
// for, such as that the account was closed. It can only bring the end of values
// nearer. Refusals: ErrEventUnknown and others.
func (c *Client) Report(ctx context.Context, child string, e Happening) (Happened, error) {
	var out Happened
	h, err := c.call(ctx, request{method: http.MethodPost, path: c.path("children", url.PathEscape(child), "events"), in: e, out: &out, once: true})
	out.Entry, out.ETag = h.Get(entryHeader), h.Get("ETag")
	return out, err
}

// Collect keeps values for a purpose. If etag isn't empty and the child has
// changed since, the refusal is ErrChanged.
func (c *Client) Collect(ctx context.Context, child, etag string, v Collection) (Collected, error) {
	var out Collected
	header := make(http.Header)
	if etag != "" {
		header.Set("If-Match", etag)
	}
	h, err := c.call(ctx, request{method: http.MethodPut, path: c.path("children", url.PathEscape(child), "items"), in: v, out: &out, header: header, once: true})
	out.Entry, out.ETag = h.Get(entryHeader), h.Get("ETag")
	return out, err
}

// Read releases values for a purpose. The release is recorded before it happens.
func (c *Client) Read(ctx context.Context, child string, r Reading) (Values, error) {
	var out Values
	h, err := c.call(ctx, request{method: http.MethodPost, path: c.path("children", url.PathEscape(child), "items:read"), in: r, out: &out})
	out.Entry = h.Get(entryHeader)
	return out, err
}

// Transfer releases values that go to a recipient, such as one that takes over the service.
// The release is recorded before it happens.
func (c *Client) Transfer(ctx context.Context, child string, h Handover) (Values, error) {
	var out Values
	header, err := c.call(ctx, request{method: http.MethodPost, path: c.path("children", url.PathEscape(child), "transfers"), in: h, out: &out})
	out.Entry = header.Get(entryHeader)
	return out, err
}

// Disclose releases values that an audience gets to see, such as the others of a class. The
// release is recorded before it happens.
func (c *Client) Disclose(ctx context.Context, child string, d Disclosure) (Values, error) {
	var out Values
	header, err := c.call(ctx, request{method: http.MethodPost, path: c.path("children", url.PathEscape(child), "disclosures"), in: d, out: &out})
	out.Entry = header.Get(entryHeader)
	return out, err
}

// Decide answers up to 1,000 dry questions, in their order.
func (c *Client) Decide(ctx context.Context, checks ...Check) ([]Decision, error) {
	var out Decisions
	for i := range checks {
		if checks[i].Items == nil {
			checks[i].Items = []string{}
		}
	}
	_, err := c.call(ctx, request{method: http.MethodPost, path: c.path("decisions"), in: Checks{checks}, out: &out})
	return out.Decisions, err
}

// Seal encrypts values for the caller's own databases. What it returns dies with
// the child's key, wherever it lies.
func (c *Client) Seal(ctx context.Context, b Batch) ([]ChildResult, error) {
	var out BatchResult
	_, err := c.call(ctx, request{method: http.MethodPost, path: c.path("seal"), in: b, out: &out, once: true})
	return out.Children, err
}

// Open opens values that Seal made.
func (c *Client) Open(ctx context.Context, b Batch) ([]ChildResult, error) {
	var out BatchResult
	_, err := c.call(ctx, request{method: http.MethodPost, path: c.path("open"), in: b, out: &out})
	return out.Children, err
}
