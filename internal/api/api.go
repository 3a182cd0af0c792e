// Package api serves the JSON API of api.md: the operator's apps, the guardian's
// side of a request, events and the ledger.
//
// Its one invariant: nothing that was sent comes back in a refusal or goes into
// a log. A refusal is a code, words of base/i18n, and names that this package or
// the charter declares; a log line is a route's pattern, a kind of actor, a
// status, a code and a time.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/watch"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/order"
	"wardkeep/internal/publication"
	"wardkeep/internal/register"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault"
	"wardkeep/internal/verification"
)

// A Server serves the API. Its fields don't change once it serves.
type Server struct {
	Store     *db.DB
	Ring      *keyring.Ring
	Vault     *vault.Vault
	Charters  *catalog.Cache
	Ledger    *ledger.Log
	LedgerKey string // verifies the ledger's checkpoints; public
	Messages  notify.Router
	PublicURL string // where guardians and parties reach the server, without a slash at the end: parties sign it with each request
	Log       *slog.Logger
	// Verification offers stronger proofs of who a guardian is; its Consent is the
	// server's own.
	Verification verification.Desk
	// Calendar counts the working days of what is demanded.
	Calendar workday.Calendar
	// Clocks say how many.
	Clocks rights.Clocks
	// Publication looks at what is about to be published; one of the server's own if nil.
	Publication *publication.Desk
	// Farewell tells those whose contact ends; one of the server's own if nil.
	Farewell *message.Farewell

	// Limits of callers; the zero Limits are sensible.
	Limits Limits
	// Proxies are believed when they say for whom they ask (X-Forwarded-For).
	// This machine itself always is.
	Proxies []netip.Prefix
	// SweepEvery is how often what is due is erased; a minute if it is zero.
	SweepEvery time.Duration
	// Metrics count requests, and Traces trace them; nil ones don't.
	Metrics *watch.Metrics
	Traces  *watch.Traces

	started   time.Time
	once      sync.Once
	handler   http.Handler
	keys      account.Keys
	desk      consent.Desk
	verify    verification.Desk
	rights    rights.Desk
	orders    order.Book
	incidents incident.Desk
	limits    *limits
	at        url.URL // PublicURL
	// registered counts the children of registers.
	registered register.Counter
	// Apps that ask at the same moment share a transaction.
	readings  db.Gathering[reading, vault.Opened]
	inquiries db.Gathering[inquiry, []vault.Decision]
	openapi   []byte
	docs      map[string][]byte // per language
	tiles     http.Handler
}

// Handler serves /v1/…, /openapi.json and /docs. It is put together at the first
// call.
func (s *Server) Handler() http.Handler {
	s.once.Do(s.build)
	return s.handler
}

// NoteUses writes down which keys of apps were used since the last time.
func (s *Server) NoteUses(ctx context.Context) error { return s.keys.Note(ctx, s.Store) }

// said is what each server of this process says of itself: it is made of constants.
var said struct {
	once    sync.Once
	openapi []byte
	docs    map[string][]byte // per language
}

func (s *Server) build() {
	s.started = s.Store.Now()
	s.desk = consent.Desk{Ring: s.Ring, Charters: s.Charters}
	s.verify = s.Verification
	s.verify.Consent = s.desk
	s.rights = rights.Desk{Ring: s.Ring, Charters: s.Charters, Calendar: s.Calendar, Clocks: s.Clocks}
	s.orders = order.Book{Ring: s.Ring, Charters: s.Charters, Calendar: s.Calendar}
	s.incidents = incident.Desk{Ring: s.Ring, Charters: s.Charters}
	if s.Farewell == nil {
		s.Farewell = &message.Farewell{Desk: s.desk, Messages: s.Messages, PublicURL: s.PublicURL, Log: s.Log}
	}
	if s.Publication == nil {
		s.Publication = &publication.Desk{Vault: s.Vault, Sets: &publication.Sets{Store: s.Store, Vault: s.Vault, Log: s.Log}, Quota: new(publication.Quota)}
	}
	s.gather()
	s.limits = newLimits(s.Limits, s.Proxies)
	if u, err := url.Parse(s.PublicURL); err == nil {
		s.at = *u // one that can't be read was refused with the configuration; by none nothing verifies
	}
	s.tiles = http.StripPrefix("/v1/ledger", s.Ledger.Handler())
	m := newMux(s)
	for i := range routes {
		m.add(&routes[i])
	}
	m.learn()
	said.once.Do(func() { said.openapi, said.docs = m.document(), renderDocs(m.oapi) })
	s.openapi, s.docs = said.openapi, said.docs
	s.handler = m.finish()
}
