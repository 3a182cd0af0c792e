package wardkeep

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
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
