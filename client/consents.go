package wardkeep

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// Ask makes a consent request, and sends it if its channel is sms or email. A
// message that could not be sent is in Undelivered; the request stands.
func (c *Client) Ask(ctx context.Context, a Asking) (ConsentRequest, error) {
	return c.request(ctx, http.MethodPost, "consent-requests", a, true)
}

// Request returns a consent request.
func (c *Client) Request(ctx context.Context, id string) (ConsentRequest, error) {
	return c.request(ctx, http.MethodGet, "consent-requests/"+url.PathEscape(id), nil, false)
}

// Send sends a request again. It is limited.
func (c *Client) Send(ctx context.Context, id string) (ConsentRequest, error) {
	return c.request(ctx, http.MethodPost, "consent-requests/"+url.PathEscape(id)+":send", nil, true)
}

// ShowCode makes a one-time code for a minor who is asked itself (Asking.Answers): show
// it in your app, to whoever is signed in there. A former one is void.
func (c *Client) ShowCode(ctx context.Context, id string) (MinorsCode, error) {
	var out MinorsCode
	_, err := c.call(ctx, request{method: http.MethodPost, path: c.path("consent-requests/" + url.PathEscape(id) + ":code"), out: &out, once: true})
	return out, err
}

// Cancel ends a request that waits.
func (c *Client) Cancel(ctx context.Context, id string) (ConsentRequest, error) {
	return c.request(ctx, http.MethodPost, "consent-requests/"+url.PathEscape(id)+":cancel", nil, true)
}

// Force plays the guardian of a test service: the outcome is verified, granted
// or refused.
func (c *Client) Force(ctx context.Context, id, outcome string) (ConsentRequest, error) {
	return c.request(ctx, http.MethodPost, "consent-requests/"+url.PathEscape(id)+":force", Outcome{Outcome: outcome}, true)
}

// ForceAt is Force with a guardian who is verified as well as strength says: 1
// one-time code, 2 name and number, 3 official identity service, 4 document.
func (c *Client) ForceAt(ctx context.Context, id, outcome string, strength int) (ConsentRequest, error) {
	return c.request(ctx, http.MethodPost, "consent-requests/"+url.PathEscape(id)+":force", Outcome{outcome, strength}, true)
}

func (c *Client) request(ctx context.Context, method, path string, in any, once bool) (ConsentRequest, error) {
	var out ConsentRequest
	h, err := c.call(ctx, request{method: method, path: c.path(path), in: in, out: &out, once: once})
	out.Entry = h.Get(entryHeader)
	return out, err
}

// A GuardianClient is the guardian's side of one request, for an operator who
// shows the notice in an app of its own. It has no app key: the token of the
// link leads to the request, and the one-time code shows who answers.
type GuardianClient struct {
	c     *Client
	token string
}

// ForGuardian returns the guardian's side of the request that a link with this
// token leads to.
func ForGuardian(base, token string) (*GuardianClient, error) {
	c, err := New(base, "", "")
	if err != nil {
		return nil, err
	}
	return &GuardianClient{c, token}, nil
}

// With sets how the client calls: c's HTTP, Lang, Tries and Wait. It returns g.
func (g *GuardianClient) With(c *Client) *GuardianClient {
	g.c.HTTP, g.c.Lang, g.c.Tries, g.c.Wait = c.HTTP, c.Lang, c.Tries, c.Wait
	return g
}

func (g *GuardianClient) call(ctx context.Context, method, verb string, in, out any) (http.Header, error) {
	return g.c.call(ctx, request{method: method, path: g.path(verb), in: in, out: out, once: method == http.MethodPost})
}

func (g *GuardianClient) path(rest string) string {
	return "/v1/guardian/requests/" + url.PathEscape(g.token) + rest
}

// Open returns the request with its notice in a language, "zh-CN" or "en", or
// that of the request if empty. That it was shown is recorded.
func (g *GuardianClient) Open(ctx context.Context, lang string) (GuardianRequest, error) {
	var out GuardianRequest
	query := ""
	if lang != "" {
		query = "?lang=" + url.QueryEscape(lang)
	}
	_, err := g.call(ctx, http.MethodGet, query, nil, &out)
	return out, err
}

// SendCode sends a one-time code to the guardian.
func (g *GuardianClient) SendCode(ctx context.Context) (CodeSent, error) {
	var out CodeSent
	_, err := g.call(ctx, http.MethodPost, ":send-code", nil, &out)
	return out, err
}

// Verify checks a one-time code.
func (g *GuardianClient) Verify(ctx context.Context, code string) (Verified, error) {
	var out Verified
	h, err := g.call(ctx, http.MethodPost, ":verify", CodeTyped{code}, &out)
	out.Entry = h.Get(entryHeader)
	return out, err
}

// ProveNumber proves who the guardian is by name and identity number. The proof
// stays the same, and is worth what Proving.Strength says.
func (g *GuardianClient) ProveNumber(ctx context.Context, n NameAndNumber) (Proving, error) {
	return g.prove(ctx, ":prove-number", n)
}

// ProveOfficially begins a visit to the official identity service, at Proving.URL.
// Proving tells when the guardian is back.
func (g *GuardianClient) ProveOfficially(ctx context.Context, proof string) (Proving, error) {
	return g.prove(ctx, ":prove-officially", ProofHeld{proof})
}

// ProveByDocument hands a document to two of the operator's staff.
func (g *GuardianClient) ProveByDocument(ctx context.Context, d DocumentSent) (Proving, error) {
	return g.prove(ctx, ":prove-by-document", d)
}

func (g *GuardianClient) prove(ctx context.Context, verb string, in any) (Proving, error) {
	var out Proving
	h, err := g.call(ctx, http.MethodPost, verb, in, &out)
	out.Entry = h.Get(entryHeader)
	return out, err
}

// Proving returns how far an attempt has come.
func (g *GuardianClient) Proving(ctx context.Context, proof, id string) (Proving, error) {
	var out Proving
	header := make(http.Header)
	header.Set("Wardkeep-Proof", proof)
	_, err := g.c.call(ctx, request{method: http.MethodGet, path: g.path("/verifications/" + url.PathEscape(id)), out: &out, header: header})
	return out, err
}

// Answer records a yes or a no for each purpose.
func (g *GuardianClient) Answer(ctx context.Context, a GuardianAnswer) (Receipt, error) {
	var out Receipt
	h, err := g.call(ctx, http.MethodPost, ":answer", a, &out)
	out.Entry = h.Get(entryHeader)
	return out, err
}

// Withdraw takes back the consent to a purpose.
func (g *GuardianClient) Withdraw(ctx context.Context, w Withdrawal) (Receipt, error) {
	var out Receipt
	h, err := g.call(ctx, http.MethodPost, ":withdraw", w, &out)
	out.Entry = h.Get(entryHeader)
	return out, err
}

// AskAgain starts a request that the guardian wants who has answered this one:
// after a no, only the guardian may. ForGuardian takes its token.
func (g *GuardianClient) AskAgain(ctx context.Context, a AskAgain) (AskedAgain, error) {
	var out AskedAgain
	h, err := g.call(ctx, http.MethodPost, ":ask", a, &out)
	out.Entry = h.Get(entryHeader)
	return out, err
}

// Receipt returns what was chosen, with proofs from the ledger. Proof is that of
// a Verify: the link alone doesn't open it.
func (g *GuardianClient) Receipt(ctx context.Context, proof string) (Receipt, error) {
	var out Receipt
	header := make(http.Header)
	header.Set("Wardkeep-Proof", proof)
	_, err := g.c.call(ctx, request{method: http.MethodGet, path: g.path("/receipt"), out: &out, header: header})
	return out, err
}

// Record returns the receipt as a file to keep: a consent record after ISO/IEC
// TS 27560 with all that proves it, which `wardkeep verify` checks offline. Proof
// is that of a Verify; that with which the request was answered serves for half
// an hour more. The server refuses it with receipt.not_yet until the ledger has
// given the answers their places, about a second.
func (g *GuardianClient) Record(ctx context.Context, proof string) ([]byte, error) {
	var out json.RawMessage
	header := make(http.Header)
	header.Set("Wardkeep-Proof", proof)
	_, err := g.c.call(ctx, request{method: http.MethodGet, path: g.path("/receipt.json"), out: &out, header: header})
	return out, err
}
