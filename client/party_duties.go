package wardkeep

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"filippo.io/age"
)

// ReportLeak tells the operator of a leak, at once and with what is known by then (Article
// 16(3)); also where the agreement is suspended or over.
func (p *Party) ReportLeak(ctx context.Context, l NewLeak) (out Leak, err error) {
	h, err := p.c.call(ctx, request{method: http.MethodPost, path: "/v1/party/leaks", in: l, out: &out, once: true})
	out.Entry = h.Get(entryHeader)
	return out, err
}

// Leak returns how a leak stands that the party has reported.
func (p *Party) Leak(ctx context.Context, id string) (out Leak, err error) {
	_, err = p.c.call(ctx, request{method: http.MethodGet, path: "/v1/party/leaks/" + url.PathEscape(id), out: &out})
	return out, err
}

// AddToLeak tells what the party has found or done since it reported a leak.
func (p *Party) AddToLeak(ctx context.Context, id string, n LeakNote) (out Leak, err error) {
	h, err := p.c.call(ctx, request{method: http.MethodPost, path: "/v1/party/leaks/" + url.PathEscape(id) + ":add", in: n, out: &out, once: true})
	out.Entry = h.Get(entryHeader)
	return out, err
}

// Bundles returns what was pushed to the party and waits for it, that first whose time is over
// first: at most limit, from where a former page said on, or from the beginning.
func (p *Party) Bundles(ctx context.Context, after string, limit int) (out PartyBundles, err error) {
	_, err = p.c.call(ctx, request{method: http.MethodGet, path: "/v1/party/bundles" + pageOf(after, limit), out: &out})
	return out, err
}

// Bundle returns what is in a bundle that waits for the party, which Identities open, the newest
// first (see OpenBundle). Whether it may still go is decided when it is asked for. It waits on,
// until the party says that it has it: see TookBundle.
func (p *Party) Bundle(ctx context.Context, id string, identities ...age.Identity) (Bundle, error) {
	var e json.RawMessage
	if _, err := p.c.call(ctx, request{method: http.MethodGet, path: "/v1/party/bundles/" + url.PathEscape(id), out: &e}); err != nil {
		return Bundle{}, err
	}
	return OpenBundle(e, identities...)
}

// TookBundle says that the party has a bundle, which waits no more then.
func (p *Party) TookBundle(ctx context.Context, id string) error {
	_, err := p.c.call(ctx, request{method: http.MethodPost, path: "/v1/party/bundles/" + url.PathEscape(id) + ":taken", once: true})
	return err
}

// TellSubProcessors tells that the party entrusts others (Article 16(5)). It is suspended by that
// at once.
func (p *Party) TellSubProcessors(ctx context.Context, n NewSubProcessors) (out SubProcessorsTold, err error) {
	h, err := p.c.call(ctx, request{method: http.MethodPost, path: "/v1/party/sub-processors", in: n, out: &out, once: true})
	out.Entry = h.Get(entryHeader)
	return out, err
}

// Orders returns what the party was told to do and hasn't attested, those that are due first:
// at most limit, from where a former page said on, or from the beginning.
func (p *Party) Orders(ctx context.Context, after string, limit int) (out PartyOrders, err error) {
	_, err = p.c.call(ctx, request{method: http.MethodGet, path: "/v1/party/orders" + pageOf(after, limit), out: &out})
	return out, err
}

func pageOf(after string, limit int) string {
	q := url.Values{}
	if after != "" {
		q.Set("after", after)
	}
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// Attest says that an order was carried out.
func (p *Party) Attest(ctx context.Context, id string, a PartyAttestation) (out PartyOrder, err error) {
	h, err := p.c.call(ctx, request{method: http.MethodPost, path: "/v1/party/orders/" + url.PathEscape(id) + ":attest", in: a, out: &out, once: true})
	out.Entry = h.Get(entryHeader)
	return out, err
}

// AttestEnd says that all was deleted after the end (Article 16(4)): some orders at a time. Ask
// again, with the same document, while there are more.
func (p *Party) AttestEnd(ctx context.Context, e PartyEnd) (out PartyEnded, err error) {
	h, err := p.c.call(ctx, request{method: http.MethodPost, path: "/v1/party/orders:end", in: e, out: &out, once: true})
	out.Entry = h.Get(entryHeader)
	return out, err
}

// Tasks returns what the party is asked to help with, those that are due first: at most limit,
// from where a former page said on, or from the beginning.
func (p *Party) Tasks(ctx context.Context, after string, limit int) (out PartyTasks, err error) {
	_, err = p.c.call(ctx, request{method: http.MethodGet, path: "/v1/party/tasks" + pageOf(after, limit), out: &out})
	return out, err
}

// Answer answers a task.
func (p *Party) Answer(ctx context.Context, id string, a PartyAnswer) (out PartyTask, err error) {
	h, err := p.c.call(ctx, request{method: http.MethodPost, path: "/v1/party/tasks/" + url.PathEscape(id) + ":answer", in: a, out: &out, once: true})
	out.Entry = h.Get(entryHeader)
	return out, err
}
