package replay

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"wardkeep/internal/account"
	"wardkeep/internal/base/id"
	"wardkeep/internal/ledger"
	"wardkeep/internal/webhook"
)

// A hook is an endpoint that the operator's events go to.
type hook struct {
	service string
	host    string
	types   string // separated by spaces
	party   string
	shown   string // the person whom its secret was shown
	version int64  // of its secret, address and types
	created int64
	paused  int64 // 0: it isn't
}

// webhookEntry folds where events go. Which of them have arrived the ledger doesn't
// know, and nothing else rests on it.
func (f *fold) webhookEntry(p ledger.Placed) fault {
	switch p.Kind {
	case webhook.KindAdded:
		b, x := body[webhook.AddedBody](p)
		switch {
		case x != (fault{}):
			return x
		case !id.Is(id.Webhook, b.Endpoint):
			return fault{what: FoundBody, field: ruleWebhook}
		case f.hooks[b.Endpoint] != nil:
			return impossible(ruleWebhook)
		}
		f.hooks[f.names.keep(b.Endpoint)] = &hook{
			service: f.names.keep(p.Service), host: f.names.keep(b.Host), types: f.names.keep(strings.Join(b.Types, " ")), party: f.names.keep(b.Party), shown: f.names.keep(account.ShownTo(p.Actor)), version: 1, created: p.At.UnixMicro(),
		}
	case webhook.KindRotated:
		b, x := body[webhook.RotatedBody](p)
		if x != (fault{}) {
			return x
		}
		h := f.hooks[b.Endpoint]
		if h == nil || h.service != p.Service || b.Version != h.version+1 {
			return impossible(ruleWebhook)
		}
		h.version, h.shown = b.Version, f.names.keep(account.ShownTo(p.Actor))
	case webhook.KindRemoved:
		b, x := body[webhook.RemovedBody](p)
		if x == (fault{}) && (f.hooks[b.Endpoint] == nil || f.hooks[b.Endpoint].service != p.Service) {
			x = impossible(ruleWebhook)
		}
		delete(f.hooks, b.Endpoint)
		return x
	case webhook.KindChanged:
		b, x := body[webhook.ChangedBody](p)
		if x != (fault{}) {
			return x
		}
		h := f.hooks[b.Endpoint]
		if h == nil || h.service != p.Service || b.Version != h.version+1 {
			return impossible(ruleWebhook)
		}
		h.version, h.host, h.types = b.Version, f.names.keep(b.Host), f.names.keep(strings.Join(b.Types, " "))
	case webhook.KindPaused, webhook.KindResumed:
		b, x := body[webhook.PausedBody](p)
		if x != (fault{}) {
			return x
		}
		h := f.hooks[b.Endpoint]
		if h == nil || h.service != p.Service || (h.paused == 0) != (p.Kind == webhook.KindPaused) {
			return impossible(ruleWebhook)
		}
		if h.paused = 0; p.Kind == webhook.KindPaused {
			h.paused = p.At.UnixMicro()
		}
	case webhook.KindReplayed:
		b, x := body[webhook.ReplayedBody](p)
		if x == (fault{}) && (f.hooks[b.Endpoint] == nil || f.hooks[b.Endpoint].service != p.Service) {
			x = impossible(ruleWebhook)
		}
		return x
	}
	return fault{}
}

// webhookRows compares where events go. Address and secrets are sealed, and bound to
// the rest of their row.
func (a *audit) webhookRows() error {
	all, err := webhook.Of(a.ctx, a.tx, "")
	if err != nil {
		return err
	}
	seen := make(map[string]bool)
	for _, e := range all {
		r := at{audit: a, table: "webhook_endpoint", service: a.names.shown(e.Service), row: a.names.shown(e.ID)}
		h := a.fold.hooks[e.ID]
		if h == nil {
			r.extra()
			continue
		}
		seen[e.ID] = true
		r.text("service", h.service, e.Service)
		r.text("types", h.types, strings.Join(e.Types, " "))
		r.text("party", h.party, e.Party)
		r.text("shown_to", h.shown, e.ShownTo)
		r.number("version", h.version, e.Version())
		r.time("created_at", h.created, micros(e.CreatedAt))
		r.time("paused_at", h.paused, micros(e.PausedAt))
		if a.ring == nil {
			continue
		}
		address, err := e.Address(a.ring)
		switch {
		case errors.Is(err, webhook.ErrNotIntact) || err == nil && address.Host() != h.host:
			r.found(FoundSealed, "sealed", "–", "–")
		case err != nil:
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.fold.hooks)) {
		if !seen[name] {
			at{audit: a, table: "webhook_endpoint", service: a.fold.hooks[name].service, row: name}.missing()
		}
	}
	return nil
}
