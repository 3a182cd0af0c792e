// Package webhook tells the operator's systems what happened: by the page that they
// read (Events of the API), and by signed POSTs (Standard Webhooks) to addresses that
// the operator names. The orders that follow a deletion or a correction (Articles 16,
// 19 and 20) have their way out here.
//
// Its one invariant: an event that was recorded reaches each endpoint that asked for
// its type at least once, or is parked where it is seen; those of one child in the
// ledger's order. What is sent is the ledger's own, which names nobody.
//
// The ledger is the outbox. Each endpoint has a place in it, up to which its events
// were put into its queue; a row of the queue is an event that it hasn't taken yet.
// If we crash after an event was taken and before its row is gone, it is sent again,
// under the same id.
package webhook

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"wardkeep/client"
	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
	"wardkeep/internal/order"
)

// What can be wrong with an endpoint, and with what is asked of it.
var (
	ErrMayNot    = errs.New(errs.Forbidden, "webhook.may_not")
	ErrService   = errs.New(errs.NotFound, "webhook.service_not_found")
	ErrNotFound  = errs.New(errs.NotFound, "webhook.not_found")  // also when it was removed
	ErrURL       = errs.New(errs.Invalid, "webhook.url_invalid") // not https, or with a user or a fragment in it
	ErrPrivate   = errs.New(errs.Invalid, "webhook.url_private") // an address that the configuration doesn't allow
	ErrType      = errs.New(errs.Invalid, "webhook.type_unknown")
	ErrParty     = errs.New(errs.Invalid, "webhook.party_unknown") // no processor or recipient of the service
	ErrNoTaker   = errs.New(errs.Conflict, "webhook.party_has_no_endpoint")
	ErrOverlap   = errs.New(errs.Invalid, "webhook.overlap_invalid")
	ErrTooMany   = errs.New(errs.Conflict, "webhook.too_many")
	ErrNoEvent   = errs.New(errs.NotFound, "webhook.event_not_found") // or not one that the endpoint is told of
	ErrNotIntact = errs.New(errs.Internal, "webhook.not_intact")      // the row was changed by hand: nothing is sent by it
	ErrPaused    = errs.New(errs.Conflict, "webhook.paused")          // already
	ErrNotPaused = errs.New(errs.Conflict, "webhook.not_paused")
)

const (
	most       = 16                  // endpoints of one service
	maxOverlap = 30 * 24 * time.Hour // of the secrets of a rotation
	keptFormer = 4                   // former secrets; an older one ends early
	secretLen  = 32                  // bytes; Standard Webhooks asks for 24 to 64
)

// An Actor is who may say where the events of a service go: the person at the
// terminal, or an officer. An app has no Governs, so none can send them elsewhere.
type Actor interface {
	Ledger() string
	Governs(service string) bool
}

// An Endpoint is an address that is told of a service's events.
type Endpoint struct {
	ID        string // "wh_…"
	Service   string
	Types     []string // of the events, or "consent.*"; none: all
	Party     string   // the processor or recipient that is told of its orders, and gets what is pushed to it, alone; empty: the operator
	ShownTo   string   // "st_…", the person whom its secret was shown; empty: whoever was at the terminal
	CreatedAt time.Time
	PausedAt  time.Time // zero: events are sent to it
	Delivered int64     // events that it has taken
	Failed    int64     // tries that failed

	version int64
	sealed  []byte
}

// The kinds of entries about endpoints. They are about no child, and no decision is
// computed from them: their version is 0, and among them the order is that of their
// ids.
const (
	KindAdded    = "webhook.added"
	KindRotated  = "webhook.rotated"
	KindRemoved  = "webhook.removed"
	KindReplayed = "webhook.replayed"
	KindChanged  = "webhook.changed" // its address, or what it is told of
	KindPaused   = "webhook.paused"
	KindResumed  = "webhook.resumed"
)

// An AddedBody is what the ledger keeps of a new endpoint. The rest of its address
// may hold a secret of the receiver's.
type AddedBody struct {
	Endpoint string   `json:"endpoint"`
	Host     string   `json:"host"`
	Types    []string `json:"types"`
	Party    string   `json:"party,omitempty"`
}

// A RotatedBody is what the ledger keeps of a new secret.
type RotatedBody struct {
	Endpoint  string `json:"endpoint"`
	Version   int64  `json:"version"`
	FormerEnd int64  `json:"former_end"` // microseconds: when the former secrets end
}

// A ChangedBody is what the ledger keeps of an endpoint that goes elsewhere, or is told
// of something else.
type ChangedBody struct {
	Endpoint string   `json:"endpoint"`
	Version  int64    `json:"version"`
	Host     string   `json:"host"`
	Types    []string `json:"types"`
}

// A PausedBody is what the ledger keeps of the beginning and of the end of a pause.
type PausedBody struct {
	Endpoint string `json:"endpoint"`
}

// A RemovedBody is what the ledger keeps of the end of an endpoint.
type RemovedBody struct {
	Endpoint string `json:"endpoint"`
}

// A ReplayedBody is what the ledger keeps of events that are sent once more.
type ReplayedBody struct {
	Endpoint string `json:"endpoint"`
	What     string `json:"what"` // event, since, parked
	Place    int64  `json:"place"`
}

// letter is what is sealed of an endpoint.
type letter struct {
	URL    string   `json:"url"`
	Secret string   `json:"secret"` // "whsec_…"
	Former []former `json:"former,omitempty"`
}

// A former secret still signs, beside the new one.
type former struct {
	Secret string `json:"secret"`
	Until  int64  `json:"until"`
}

const columns = `endpoint, service, version, types, party, sealed, shown_to, created_at, delivered, failed, paused_at`

func scan(row db.Row) (e Endpoint, err error) {
	var types string
	err = row.Scan(&e.ID, &e.Service, &e.version, &types, &e.Party, &e.sealed, &e.ShownTo, (*db.Time)(&e.CreatedAt), &e.Delivered, &e.Failed, (*db.Time)(&e.PausedAt))
	e.Types = strings.Fields(types)
	return e, err
}

const domain = "webhook.endpoint"

// ad is what address and secrets are bound to: a row that is turned to another
// service, to other types, to another party, or back to a former secret doesn't open.
func (e Endpoint) ad() []string {
	return []string{e.ID, e.Service, fmt.Sprint(e.version), strings.Join(e.Types, " "), e.Party}
}

func (e Endpoint) open(ring *keyring.Ring) (l letter, err error) {
	plain, err := ring.Open(domain, e.sealed, e.ad()...)
	if errors.Is(err, keyring.ErrOpen) {
		return l, ErrNotIntact
	}
	if err != nil {
		return l, err
	}
	if err := json.Unmarshal(plain, &l); err != nil {
		return letter{}, ErrNotIntact
	}
	return l, nil
}

func (e *Endpoint) seal(ring *keyring.Ring, l letter) error {
	plain, err := json.Marshal(l)
	if err != nil {
		return err
	}
	e.sealed, err = ring.Seal(domain, plain, e.ad()...)
	return err
}

// Address returns where it is. Errors: ErrNotIntact.
func (e Endpoint) Address(ring *keyring.Ring) (Address, error) {
	l, err := e.open(ring)
	return Address{l.URL}, err
}

// keys returns the secrets that sign now, the newest first.
func (l letter) keys(now time.Time) (all [][]byte, err error) {
	secrets := []string{l.Secret}
	for _, f := range l.Former {
		if now.UnixMicro() < f.Until {
			secrets = append(secrets, f.Secret)
		}
	}
	for _, s := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, secretPrefix))
		if err != nil {
			return nil, ErrNotIntact
		}
		all = append(all, key)
	}
	return all, nil
}

const secretPrefix = "whsec_"

// newSecret returns a secret as Standard Webhooks writes it.
func newSecret() string {
	b := make([]byte, secretLen)
	rand.Read(b) // never fails (crypto/rand)
	return secretPrefix + base64.StdEncoding.EncodeToString(b)
}

// Add makes an endpoint, and returns the secret by which the receiver checks what it
// gets: it is shown here and never again. The endpoint is told of what gets its place
// in the ledger from now on. With a party it is that processor's or recipient's, and is
// told of its orders, and gets what is pushed to it, alone. Errors: ErrMayNot, ErrURL, ErrType, ErrParty, ErrService, ErrTooMany.
func Add(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Actor, service string, to Address, types []string, party string) (e Endpoint, secret, entry string, err error) {
	e = Endpoint{ID: id.New(id.Webhook), Service: service, Types: slices.Compact(slices.Sorted(slices.Values(types))), Party: party, ShownTo: account.ShownTo(by.Ledger()), CreatedAt: tx.Now(), version: 1}
	if !by.Governs(service) {
		return e, "", "", ErrMayNot
	}
	if err := e.check(to); err != nil {
		return e, "", "", err
	}
	if err := lockService(ctx, tx, service); err != nil {
		return e, "", "", err
	}
	if err := e.knownParty(ctx, tx); err != nil {
		return e, "", "", err
	}
	secret = newSecret()
	if err := e.seal(ring, letter{URL: to.url, Secret: secret}); err != nil {
		return e, "", "", err
	}
	err = tx.Queue(ctx, `
		INSERT INTO webhook_endpoint (endpoint, service, version, types, party, sealed, shown_to, created_at, delivered, failed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		e.ID, e.Service, e.version, strings.Join(e.Types, " "), e.Party, e.sealed, e.ShownTo, (*db.Time)(&e.CreatedAt), 0, 0)
	if err != nil {
		return e, "", "", err
	}
	head, err := ledger.Head(ctx, tx)
	if err != nil {
		return e, "", "", err
	}
	if err := ledger.Advance(ctx, tx, cursor(e.ID), 0, head.Size); err != nil {
		return e, "", "", err
	}
	entry, err = e.note(ctx, tx, KindAdded, by, AddedBody{Endpoint: e.ID, Host: to.Host(), Types: e.Types, Party: e.Party})
	return e, secret, entry, err
}

// check refuses an address that is none, and types that there aren't.
func (e Endpoint) check(to Address) error {
	among := Types()
	if e.Party != "" {
		among = append(slices.Clone(ofParties), wardkeep.TypeBundle)
	}
	switch {
	case to == Address{}:
		return ErrURL.At("url")
	case !knownTypes(e.Types, among):
		return ErrType.At("types")
	}
	return nil
}

// knownParty refuses a party that neither the charter in force names nor any order.
func (e Endpoint) knownParty(ctx context.Context, tx *db.Tx) error {
	if e.Party == "" {
		return nil
	}
	ordered, err := order.Knows(ctx, tx, e.Service, e.Party)
	if err != nil || ordered {
		return err
	}
	p, err := catalog.Current(ctx, tx, e.Service)
	if errors.Is(err, catalog.ErrNoCharter) {
		return ErrParty.At("party")
	}
	if err != nil {
		return err
	}
	_, processor := p.Charter.Processor(e.Party)
	_, recipient := p.Charter.Recipient(e.Party)
	if !processor && !recipient {
		return ErrParty.At("party")
	}
	return nil
}

// lockService holds the service's row, so that of two who add an endpoint each counts
// the other's.
func lockService(ctx context.Context, tx *db.Tx, service string) error {
	n, err := tx.Exec(ctx, `UPDATE service SET service = $1 WHERE service = $1`, service)
	switch {
	case err != nil:
		return err
	case n == 0:
		return ErrService.At("service")
	}
	n, err = db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM webhook_endpoint WHERE service = $1`, service)
	if err == nil && n >= most {
		err = ErrTooMany
	}
	return err
}

// hold returns an endpoint of the service, with its row held to be changed. Errors:
// ErrMayNot, ErrNotFound.
func hold(ctx context.Context, tx *db.Tx, by Actor, service, endpoint string) (Endpoint, error) {
	if !by.Governs(service) {
		return Endpoint{}, ErrMayNot
	}
	e, err := db.One(ctx, tx, scan, `
		UPDATE webhook_endpoint SET service = $1 WHERE service = $1 AND endpoint = $2
		RETURNING `+columns, service, endpoint)
	if errors.Is(err, db.ErrNone) {
		err = ErrNotFound
	}
	return e, err
}

// Rotate gives an endpoint another secret, and returns it, once. For the overlap (0
// to 30 days) the former ones sign too, so that the receiver may change its own at
// leisure. Errors: ErrMayNot, ErrNotFound, ErrOverlap, ErrNotIntact.
func Rotate(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Actor, service, endpoint string, overlap time.Duration) (secret, entry string, err error) {
	if overlap < 0 || overlap > maxOverlap {
		return "", "", ErrOverlap.At("overlap")
	}
	e, err := hold(ctx, tx, by, service, endpoint)
	if err != nil {
		return "", "", err
	}
	l, err := e.open(ring)
	if err != nil {
		return "", "", err
	}
	until := tx.Now().Add(overlap)
	good := []former{{l.Secret, until.UnixMicro()}}
	for _, f := range l.Former {
		if f.Until = min(f.Until, until.UnixMicro()); f.Until > tx.Now().UnixMicro() && len(good) < keptFormer {
			good = append(good, f)
		}
	}
	secret = newSecret()
	e.version++
	if err := e.seal(ring, letter{URL: l.URL, Secret: secret, Former: good}); err != nil {
		return "", "", err
	}
	err = tx.Queue(ctx, `UPDATE webhook_endpoint SET version = $1, sealed = $2, shown_to = $3 WHERE endpoint = $4`, e.version, e.sealed, account.ShownTo(by.Ledger()), e.ID)
	if err != nil {
		return "", "", err
	}
	entry, err = e.note(ctx, tx, KindRotated, by, RotatedBody{Endpoint: e.ID, Version: e.version, FormerEnd: until.UnixMicro()})
	return secret, entry, err
}

// Change has an endpoint's events go to another address, or tells it of other types; its
// secrets stay. With the zero Address it stays where it is. What is in its queue already
// goes to the new address, as far as it is told of that still. Errors: ErrMayNot,
// ErrNotFound, ErrType, ErrNotIntact.
func Change(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Actor, service, endpoint string, to Address, types []string) (string, error) {
	e, err := hold(ctx, tx, by, service, endpoint)
	if err != nil {
		return "", err
	}
	l, err := e.open(ring)
	if err != nil {
		return "", err
	}
	if to == (Address{}) {
		to = Address{l.URL}
	}
	e.Types = slices.Compact(slices.Sorted(slices.Values(types)))
	if err := e.check(to); err != nil {
		return "", err
	}
	l.URL = to.url
	e.version++
	if err := e.seal(ring, l); err != nil {
		return "", err
	}
	err = tx.Queue(ctx, `UPDATE webhook_endpoint SET version = $1, types = $2, sealed = $3 WHERE endpoint = $4`,
		e.version, strings.Join(e.Types, " "), e.sealed, e.ID)
	if err != nil {
		return "", err
	}
	return e.note(ctx, tx, KindChanged, by, ChangedBody{Endpoint: e.ID, Version: e.version, Host: to.Host(), Types: e.Types})
}

// Pause has nothing more sent to an endpoint. What happens meanwhile waits in the ledger.
// Errors: ErrMayNot, ErrNotFound, ErrPaused.
func Pause(ctx context.Context, tx *db.Tx, by Actor, service, endpoint string) (string, error) {
	e, err := hold(ctx, tx, by, service, endpoint)
	if err != nil {
		return "", err
	}
	now := tx.Now()
	n, err := tx.Exec(ctx, `UPDATE webhook_endpoint SET paused_at = $1 WHERE endpoint = $2 AND paused_at IS NULL`, (*db.Time)(&now), e.ID)
	if err == nil && n != 1 {
		err = ErrPaused
	}
	if err != nil {
		return "", err
	}
	return e.note(ctx, tx, KindPaused, by, PausedBody{Endpoint: e.ID})
}

// Resume ends a pause. What waited in the queue has all of its patience before it: the
// receiver hasn't had a chance to take it. Errors: ErrMayNot, ErrNotFound, ErrNotPaused.
func Resume(ctx context.Context, tx *db.Tx, by Actor, service, endpoint string) (string, error) {
	e, err := hold(ctx, tx, by, service, endpoint)
	if err != nil {
		return "", err
	}
	n, err := tx.Exec(ctx, `UPDATE webhook_endpoint SET paused_at = NULL WHERE endpoint = $1 AND paused_at IS NOT NULL`, e.ID)
	if err == nil && n != 1 {
		err = ErrNotPaused
	}
	if err != nil {
		return "", err
	}
	now := tx.Now()
	err = tx.Queue(ctx, `
		UPDATE webhook_delivery SET queued_at = $1, tries = $2, due_at = $1 WHERE endpoint = $3 AND due_at IS NOT NULL`, (*db.Time)(&now), 0, e.ID)
	if err != nil {
		return "", err
	}
	return e.note(ctx, tx, KindResumed, by, PausedBody{Endpoint: e.ID})
}

// Remove ends an endpoint with its secrets and all that it hasn't taken. Errors:
// ErrMayNot, ErrNotFound.
func Remove(ctx context.Context, tx *db.Tx, by Actor, service, endpoint string) (string, error) {
	e, err := hold(ctx, tx, by, service, endpoint)
	if err != nil {
		return "", err
	}
	for _, query := range []string{
		`DELETE FROM webhook_endpoint WHERE endpoint = $1`,
		`DELETE FROM webhook_delivery WHERE endpoint = $1`,
	} {
		if err := tx.Queue(ctx, query, e.ID); err != nil {
			return "", err
		}
	}
	if err := ledger.EndCursor(ctx, tx, cursor(e.ID)); err != nil {
		return "", err
	}
	return e.note(ctx, tx, KindRemoved, by, RemovedBody{Endpoint: e.ID})
}

func (e Endpoint) note(ctx context.Context, tx *db.Tx, kind string, by Actor, body any) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: e.Service, Actor: by.Ledger(), Body: body})
}

// Find returns one endpoint of the service. Errors: ErrNotFound.
func Find(ctx context.Context, tx *db.Tx, service, endpoint string) (Endpoint, error) {
	e, err := db.One(ctx, tx, scan, `
		SELECT `+columns+` FROM webhook_endpoint WHERE service = $1 AND endpoint = $2`, service, endpoint)
	if errors.Is(err, db.ErrNone) {
		err = ErrNotFound
	}
	return e, err
}

// Of returns the endpoints of a service; with an empty name, all there are.
func Of(ctx context.Context, tx *db.Tx, service string) ([]Endpoint, error) {
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM webhook_endpoint WHERE service = $1 OR $1 = '' ORDER BY endpoint`, service)
}

// Version returns how often the secret was made.
func (e Endpoint) Version() int64 { return e.version }

// cursor is the name of an endpoint's place in the ledger.
func cursor(endpoint string) string { return "webhook." + endpoint }
