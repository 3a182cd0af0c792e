// Package account knows who signs in: the operator's apps, by the keys they
// hold; and what an app was answered, for a request that it sends twice.
//
// Its one invariant: a key is readable once, when it is issued. What is kept is
// its SHA-256, and whoever presents anything else (an unknown, an expired, a
// revoked key) gets one and the same refusal.
//
// Article 15: an app has the least authority that its task needs, one service
// and the scopes that it was given.
package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/charter"
	"wardkeep/internal/ledger"
)

// What can be wrong with a credential.
var (
	ErrRefused        = errs.New(errs.Unauthenticated, "account.key_refused") // unknown, expired or revoked: a stranger isn't told which
	ErrName           = errs.New(errs.Invalid, "account.name_invalid")
	ErrNoScopes       = errs.New(errs.Invalid, "account.scopes_missing")
	ErrScope          = errs.New(errs.Invalid, "account.scope_unknown")
	ErrCountry        = errs.New(errs.Invalid, "account.country_unknown")
	ErrExpiry         = errs.New(errs.Invalid, "account.expiry_invalid") // not in the future
	ErrOverlap        = errs.New(errs.Invalid, "account.overlap_invalid")
	ErrServiceUnknown = errs.New(errs.NotFound, "account.service_not_found")
	ErrNotFound       = errs.New(errs.NotFound, "account.app_not_found") // also when it is revoked
	ErrMayNot         = errs.New(errs.Forbidden, "account.may_not")      // who asks has not been given the authority
)

// An App is one of the operator's apps, signed in. The zero App may do nothing.
type App struct {
	ID        string // "ak_…"; stays the same when its key is rotated
	Service   string // the only one
	Name      string
	Scopes    Scopes
	ExpiresAt time.Time // zero: does not expire
	Country   string    // from which it is used, by its two-letter code
}

// May reports whether the app was given the scope.
func (a App) May(scope Scope) bool { return a.ID != "" && a.Scopes.Has(scope) }

// Ledger returns the actor's name in the ledger: "app:ak_…".
func (a App) Ledger() string { return "app:" + a.ID }

// An Issuer is who gives credentials out and takes them back: the person at
// the terminal or an officer of the service. An app and a guardian have no
// Governs, so no app can make keys for itself.
type Issuer interface {
	Ledger() string
	Governs(service string) bool
}

// The kinds of entries about credentials. They are about no child, and no
// decision is computed from them, so they don't raise the service's version:
// theirs is 0, and among them the order is that of their ids.
const (
	KindIssued  = "credential.issued"
	KindRevoked = "credential.revoked"
)

// An IssuedBody is what the ledger keeps of a key that was given out.
type IssuedBody struct {
	ID        string   `json:"id"`
	Scopes    []string `json:"scopes"`
	Country   string   `json:"country"`
	Expires   int64    `json:"expires"`              // microseconds; 0 = never
	FormerEnd int64    `json:"former_end,omitempty"` // after a rotation: when the keys before it end
	Key       string   `json:"key"`                  // see KeyMark
}

// KeyMark is what the ledger keeps of a key and of the name of its app: a SHA-256
// over the kept hash of the key and the name. So nobody puts a key of their own in
// the place of another, or a name. What is hashed has 256 random bits, and without
// the row nobody can try out names against it.
func KeyMark(hash []byte, name string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d:%s%s", len(hash), hash, name)) // where one ends is hashed too
	return hex.EncodeToString(sum[:])
}

// A RevokedBody is what the ledger keeps of a credential that was taken back.
type RevokedBody struct {
	ID string `json:"id"`
}

const (
	maxName    = 100 // characters
	maxOverlap = 30 * 24 * time.Hour
)

const columns = `id, service, name, scopes, expires_at, country`

func scan(row db.Row) (a App, err error) {
	var scopes string
	if err = row.Scan(&a.ID, &a.Service, &a.Name, &scopes, (*db.Time)(&a.ExpiresAt), &a.Country); err != nil {
		return App{}, err
	}
	// A scope that this release doesn't know is none.
	a.Scopes, err = ParseScopes(scopes)
	return a, err
}

// IssueApp makes a credential for an app of the service that is used at home, and returns its
// key, which is shown here and never again. The zero expiresAt is no expiry. Errors:
// ErrMayNot, ErrServiceUnknown, ErrName, ErrNoScopes, ErrExpiry.
func IssueApp(ctx context.Context, tx *db.Tx, by Issuer, service, name string, scopes Scopes, expiresAt time.Time) (App, string, string, error) {
	return IssueAppIn(ctx, tx, by, service, name, charter.Home, scopes, expiresAt)
}

// IssueAppIn is IssueApp for an app that is used in a country or region, given by its
// two-letter code. It stays there as long as it lives: one that moves gets another credential.
// Errors: those of IssueApp, ErrCountry.
func IssueAppIn(ctx context.Context, tx *db.Tx, by Issuer, service, name, country string, scopes Scopes, expiresAt time.Time) (App, string, string, error) {
	a := App{ID: id.New(id.Credential), Service: service, Name: name, Scopes: scopes, ExpiresAt: expiresAt.UTC().Truncate(time.Microsecond), Country: country}
	if err := a.check(by, tx.Now()); err != nil {
		return App{}, "", "", err
	}
	key, err := a.give(ctx, tx, by)
	if err != nil {
		return App{}, "", "", err
	}
	entry, err := note(ctx, tx, KindIssued, by, service, a.issued(key))
	return a, key, entry, err
}

func (a App) check(by Issuer, now time.Time) error {
	switch {
	case !by.Governs(a.Service):
		return ErrMayNot
	case !isLine(a.Name):
		return ErrName.At("name")
	case a.Scopes.IsZero():
		return ErrNoScopes.At("scopes")
	case !charter.IsCountry(a.Country):
		return ErrCountry.At("country")
	case !a.ExpiresAt.IsZero() && !a.ExpiresAt.After(now):
		return ErrExpiry.At("expires_at")
	}
	return nil
}

// isLine reports whether s is one line that a reader can see.
func isLine(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxName && strings.TrimSpace(s) == s && s != "" &&
		strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

func (a App) issued(key string) IssuedBody {
	b := IssuedBody{ID: a.ID, Scopes: a.Scopes.List(), Country: a.Country, Key: KeyMark(hashOf(key), a.Name)}
	if !a.ExpiresAt.IsZero() {
		b.Expires = a.ExpiresAt.UnixMicro()
	}
	return b
}

// give makes a key for a, which by is shown, and keeps its hash.
func (a App) give(ctx context.Context, tx *db.Tx, by Issuer) (string, error) {
	// The service's state shows in the key, so that a test key in a live system
	// is seen at a glance.
	state, err := db.One(ctx, tx, db.Single[string], `SELECT state FROM service WHERE service = $1`, a.Service)
	if errors.Is(err, db.ErrNone) {
		return "", ErrServiceUnknown.At("service")
	}
	if err != nil {
		return "", err
	}
	key := keyPrefix + state + "_" + id.Secret(secretLen)
	now := tx.Now()
	// If we crash before the commit, the key was shown to nobody.
	err = tx.Queue(ctx, `
		INSERT INTO credential (hash, id, service, name, scopes, shown_to, country, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		hashOf(key), a.ID, a.Service, a.Name, a.Scopes.String(), ShownTo(by.Ledger()), a.Country, (*db.Time)(&now), (*db.Time)(&a.ExpiresAt))
	if err != nil {
		return "", fmt.Errorf("issue %s: %w", a.ID, err)
	}
	return key, nil
}

// Apps returns the service's credentials that are good now, by id.
func Apps(ctx context.Context, tx *db.Tx, service string) ([]App, error) {
	now := tx.Now()
	all, err := db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM credential
		WHERE service = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
		ORDER BY id, created_at, hash`, service, (*db.Time)(&now))
	if err != nil {
		return nil, err
	}
	// During an overlap an app has two keys; the later one says what it is.
	var apps []App
	for _, a := range all {
		if n := len(apps); n > 0 && apps[n-1].ID == a.ID {
			apps[n-1] = a
			continue
		}
		apps = append(apps, a)
	}
	return apps, nil
}

// A Listed is an app with what is told of its key.
type Listed struct {
	App
	IssuedAt time.Time
	UsedAt   time.Time // of any of its keys, a few minutes late; zero: never
}

// listed are the credentials that are good now. During an overlap an app has two keys; the
// later one says what it is.
const listed = `
		SELECT c.id, c.service, c.name, c.scopes, c.expires_at, c.country, c.created_at,
			(SELECT max(u.used_at) FROM credential u WHERE u.service = c.service AND u.id = c.id)
		FROM credential c
		WHERE c.service = $1 AND c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > $2)
		AND NOT EXISTS (
			SELECT 1 FROM credential n
			WHERE n.service = c.service AND n.id = c.id AND n.revoked_at IS NULL AND (n.expires_at IS NULL OR n.expires_at > $2)
			AND (n.created_at > c.created_at OR n.created_at = c.created_at AND n.hash > c.hash))`

func scanListed(row db.Row) (l Listed, err error) {
	var scopes string
	err = row.Scan(&l.ID, &l.Service, &l.Name, &scopes, (*db.Time)(&l.ExpiresAt), &l.Country, (*db.Time)(&l.IssuedAt), (*db.Time)(&l.UsedAt))
	if err != nil {
		return Listed{}, err
	}
	l.Scopes, err = ParseScopes(scopes)
	return l, err
}

// List returns at most limit of the service's credentials that are good now, those whose
// id is behind after, by id.
func List(ctx context.Context, tx *db.Tx, service, after string, limit int) ([]Listed, error) {
	now := tx.Now()
	return db.All(ctx, tx, scanListed, listed+` AND c.id > $3 ORDER BY c.id, c.hash LIMIT $4`, service, (*db.Time)(&now), after, int64(limit))
}

// Find returns one of them. Errors: ErrNotFound.
func Find(ctx context.Context, tx *db.Tx, service, app string) (Listed, error) {
	now := tx.Now()
	l, err := db.One(ctx, tx, scanListed, listed+` AND c.id = $3`, service, (*db.Time)(&now), app)
	if errors.Is(err, db.ErrNone) {
		err = ErrNotFound
	}
	return l, err
}

// lock holds all keys of an app until the transaction ends, so that a key that
// is being added by a rotation can't slip past a revocation: the statement after
// it sees whatever was committed before. Errors: ErrNotFound.
func lock(ctx context.Context, tx *db.Tx, service, app string) error {
	n, err := tx.Exec(ctx, `
		UPDATE credential SET service = $1 WHERE service = $1 AND id = $2 AND revoked_at IS NULL`, service, app)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return err
}

// RevokeApp ends an app's keys at once, all of them; a node that has just seen
// one may take it for another second (see Keys). Errors: ErrMayNot, ErrNotFound.
func RevokeApp(ctx context.Context, tx *db.Tx, by Issuer, service, app string) (string, error) {
	if !by.Governs(service) {
		return "", ErrMayNot
	}
	if err := lock(ctx, tx, service, app); err != nil {
		return "", err
	}
	now := tx.Now()
	n, err := tx.Exec(ctx, `
		UPDATE credential SET revoked_at = $1
		WHERE service = $2 AND id = $3 AND revoked_at IS NULL`, (*db.Time)(&now), service, app)
	switch {
	case err != nil:
		return "", fmt.Errorf("revoke %s: %w", app, err)
	case n == 0:
		return "", ErrNotFound // whoever was faster revoked it
	}
	return note(ctx, tx, KindRevoked, by, service, RevokedBody{ID: app})
}

// Rotate gives an app a new key under the same id, with the same scopes, and
// lets every key before it end after the overlap (0 to 30 days; 0: at once), or
// earlier where it would have anyway. The zero expiresAt is no expiry. Errors:
// ErrMayNot, ErrNotFound, ErrOverlap, ErrExpiry.
func Rotate(ctx context.Context, tx *db.Tx, by Issuer, service, app string, overlap time.Duration, expiresAt time.Time) (App, string, string, error) {
	switch {
	case !by.Governs(service):
		return App{}, "", "", ErrMayNot
	case overlap < 0 || overlap > maxOverlap:
		return App{}, "", "", ErrOverlap.At("overlap")
	}
	if err := lock(ctx, tx, service, app); err != nil {
		return App{}, "", "", err
	}
	a, err := db.One(ctx, tx, scan, `
		SELECT `+columns+` FROM credential
		WHERE service = $1 AND id = $2 AND revoked_at IS NULL
		ORDER BY created_at DESC, hash LIMIT 1`, service, app)
	if errors.Is(err, db.ErrNone) {
		return App{}, "", "", ErrNotFound
	}
	if err != nil {
		return App{}, "", "", err
	}
	a.ExpiresAt = expiresAt.UTC().Truncate(time.Microsecond)
	if err := a.check(by, tx.Now()); err != nil {
		return App{}, "", "", err
	}
	end := tx.Now().Add(overlap)
	err = tx.Queue(ctx, `
		UPDATE credential SET expires_at = $1
		WHERE service = $2 AND id = $3 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1)`,
		(*db.Time)(&end), service, app)
	if err != nil {
		return App{}, "", "", err
	}
	key, err := a.give(ctx, tx, by)
	if err != nil {
		return App{}, "", "", err
	}
	body := a.issued(key)
	body.FormerEnd = end.UnixMicro()
	entry, err := note(ctx, tx, KindIssued, by, service, body)
	return a, key, entry, err
}

func note(ctx context.Context, tx *db.Tx, kind string, by Issuer, service string, body any) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: service, Actor: by.Ledger(), Body: body})
}
