package party

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
)

// What can be wrong with a key that is bound.
var (
	ErrKeyForm     = errs.New(errs.Invalid, "party.key_malformed")
	ErrSealForm    = errs.New(errs.Invalid, "party.seal_key_malformed")
	ErrKeyPrivate  = errs.New(errs.Invalid, "party.key_private") // somebody has sent the half that must not leave the party
	ErrKeyWeak     = errs.New(errs.Invalid, "party.key_weak")
	ErrKeyTaken    = errs.New(errs.Conflict, "party.key_taken") // it is bound, or was
	ErrKeys        = errs.New(errs.Conflict, "party.keys_too_many")
	ErrKeyCountry  = errs.New(errs.Invalid, "party.key_country_unknown")
	ErrKeyUntil    = errs.New(errs.Invalid, "party.key_until") // not between now and the end of the paper
	ErrKeyNotFound = errs.New(errs.NotFound, "party.key_not_found")
	ErrUnready     = errs.New(errs.Conflict, "party.not_ready_for_key") // nothing holds, or will, that a key could be bound to
)

// What can be wrong with a party that asks by itself. Its signature was good.
var (
	ErrKeyRevoked = errs.New(errs.Unauthenticated, "party.key_revoked")
	ErrKeyOver    = errs.New(errs.Unauthenticated, "party.key_over")
	ErrKeyOther   = errs.New(errs.Forbidden, "party.key_of_other_paper") // the party stands on another one now
	ErrNotYet     = errs.New(errs.Forbidden, "party.client_not_begun")
	ErrHalted     = errs.New(errs.Forbidden, "party.client_suspended")
	ErrEntrusts   = errs.New(errs.Forbidden, "party.client_entrusts")
	ErrOver       = errs.New(errs.Forbidden, "party.client_ended")
	ErrClosed     = errs.New(errs.Forbidden, "party.client_service_closed")
	ErrReplayed   = errs.New(errs.Unauthenticated, "party.nonce_used")
)

// The kinds of entries about keys. Their version is that of the service, as of all that the
// gate reads of a party.
const (
	KindBound   = "party.key_bound"
	KindRevoked = "party.key_revoked"
)

// A BoundBody says which key a party asks with, and what it is bound to.
type BoundBody struct {
	Party string `json:"party"`
	Role  Role   `json:"role"`
	Key   string `json:"key"` // "kp_…"
	Paper string `json:"paper"`
	Print string `json:"print"` // see Key.Print
	Until int64  `json:"until"` // microseconds

	Country string `json:"country"` // in which it is used
}

// A RevokedBody says that a key is none any more.
type RevokedBody struct {
	Party string `json:"party"`
	Role  Role   `json:"role"`
	Key   string `json:"key"`
}

// MaxKeys bounds the keys of a party that hold at the same time: one that is used, one that
// takes its place, and some for machines that mustn't share one.
const MaxKeys = 5

// A Key is what a party signs its requests with, or what is sealed to it (Article 16). Only its
// public half is here: there is no secret that anybody could pass on, or that a backup could
// lose. It is bound to the one paper that the party stood on when it was bound, and ends with
// that. What it is for its name says, so that neither serves as the other.
type Key struct {
	ID        string // "kp_…", or "kx_…" if it Seals
	Party     ID
	Version   int64 // of its service, at its last change
	Paper     string
	Public    []byte // Ed25519; of one that Seals the text of an X25519 key of age, "age1…"
	Country   string // in which it is used, by its two-letter code; it need not be the party's
	BoundAt   time.Time
	BoundBy   string // as the ledger names actors
	Until     time.Time
	RevokedAt time.Time // zero: it isn't
}

// Print is the SHA-256 of the public key, in hexadecimal: what two people compare.
func (k Key) Print() string {
	sum := sha256.Sum256(k.Public)
	return hex.EncodeToString(sum[:])
}

// Holds reports whether the key is good at a moment, as far as it says itself. At its last
// moment it is over.
func (k Key) Holds(now time.Time) bool {
	return k.ID != "" && k.RevokedAt.IsZero() && now.Before(k.Until)
}

// State is how the key of a party that stands so is at a moment: "holds", "other" (it is bound
// to another paper than the party stands on), "over" or "revoked".
func (k Key) State(is Standing, now time.Time) string {
	switch {
	case !k.RevokedAt.IsZero():
		return "revoked"
	case !now.Before(k.Until):
		return "over"
	case is.Paper().ID != k.Paper:
		return "other"
	}
	return "holds"
}

// Seals reports whether it is a key that something is sealed to, and not one that signs.
func (k Key) Seals() bool { return id.Is(id.PartySeal, k.ID) }

// Paper returns what the party stands on, and so what a key of it is bound to: a processor's
// agreement, a recipient's assessment.
func (s Standing) Paper() Term {
	if s.Role == Recipient {
		return s.Assessment
	}
	return s.Agreement
}

// A Client is a party that asks by itself: it has signed a request with a key of its own, or
// a person of it is signed in by a seat (Seat.Client), which gets no values. How it stands was
// read with the key. The zero Client may do nothing.
type Client struct {
	Key
	Standing Standing
}

// Ledger returns the actor's name in the ledger: "party:kp_…", or of a seat "party:ps_…".
func (c Client) Ledger() string { return "party:" + c.Key.ID }

// Fault returns why the client may do nothing at that moment, or nil. It is pure. Nothing has
// to happen at an agreement's last second for this to say no. Errors: ErrKeyNotFound, those
// of a party that asks by itself.
func (c Client) Fault(s catalog.Service, now time.Time) error {
	switch k := c.Key; {
	case k.ID == "" || c.Standing.ID != k.Party || s.Name != k.Party.Service:
		return ErrKeyNotFound
	case !k.RevokedAt.IsZero():
		return ErrKeyRevoked
	// Article 23: but for who takes over, within its time, which the gate looks at.
	case s.Ceases("") && (k.Party.Role != Recipient || k.Party.Name != s.Successor.Recipient):
		return ErrClosed
	case len(c.Standing.Subs) > 0:
		return ErrEntrusts // edge case 19
	}
	switch c.Standing.State(now) {
	case Active:
	case Suspended:
		return ErrHalted
	case Signed:
		return ErrNotYet
	default:
		return ErrOver
	}
	// A new agreement is a new binding: whoever may ask by it is said anew.
	if c.Standing.Paper().ID != c.Key.Paper {
		return ErrKeyOther
	}
	if !c.Key.Holds(now) {
		return ErrKeyOver
	}
	return nil
}

// Lingers is how long after its end, and after that of what it is bound to, a key may still
// tell us something: that all was deleted, that something has leaked. It gets nothing for it.
const Lingers = 90 * 24 * time.Hour

// Deaf returns why the client may not even tell us anything at that moment, or nil: what a
// party owes (Article 16) it owes the more when it is suspended, or has ended. Errors:
// ErrKeyNotFound, ErrKeyRevoked, ErrKeyOver.
func (c Client) Deaf(now time.Time) error {
	switch {
	case c.Key.ID == "" || c.Standing.ID != c.Key.Party:
		return ErrKeyNotFound
	case !c.Key.RevokedAt.IsZero():
		return ErrKeyRevoked
	case !now.Before(c.Key.Until.Add(Lingers)):
		return ErrKeyOver
	}
	return nil
}

// ParseKey reads the public half of a key: PEM as `openssl pkey -pubout` writes it, or 32
// bytes as base64. Errors: ErrKeyForm, ErrKeyPrivate, ErrKeyWeak.
func ParseKey(text string) (ed25519.PublicKey, error) {
	text = strings.TrimSpace(text)
	if strings.Contains(text, "PRIVATE KEY") {
		return nil, ErrKeyPrivate
	}
	var key ed25519.PublicKey
	if block, rest := pem.Decode([]byte(text)); block != nil {
		any, err := x509.ParsePKIXPublicKey(block.Bytes)
		is, ok := any.(ed25519.PublicKey)
		if err != nil || !ok || strings.TrimSpace(string(rest)) != "" {
			return nil, ErrKeyForm
		}
		key = is
	} else {
		raw, err := base64.StdEncoding.Strict().DecodeString(text)
		switch {
		case err != nil:
			return nil, ErrKeyForm
		case len(raw) == ed25519.PrivateKeySize:
			return nil, ErrKeyPrivate
		case len(raw) != ed25519.PublicKeySize:
			return nil, ErrKeyForm
		}
		key = raw
	}
	if weak(key) {
		return nil, ErrKeyWeak
	}
	return key, nil
}

// small are the points of small order of edwards25519, in hexadecimal and without the sign of
// x: by them everybody can sign.
var small = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

func weak(key ed25519.PublicKey) bool {
	point := append([]byte(nil), key...)
	point[31] &= 0x7f
	text := hex.EncodeToString(point)
	for _, s := range small {
		if s == text {
			return true
		}
	}
	return false
}

const keyColumns = `k.id, k.service, k.role, k.party, k.version, k.paper, k.public, k.country, k.bound_at, k.bound_by, k.until_at, k.revoked_at`

func (k *Key) into() []any {
	return []any{&k.ID, &k.Party.Service, &k.Party.Role, &k.Party.Name, &k.Version, &k.Paper, &k.Public, &k.Country, (*db.Time)(&k.BoundAt), &k.BoundBy,
		(*db.Time)(&k.Until), (*db.Time)(&k.RevokedAt)}
}

func scanKey(row db.Row) (k Key, err error) {
	err = row.Scan(k.into()...)
	return k, err
}

func scanClient(row db.Row) (c Client, err error) {
	err = scanInto(row, &c.Standing, c.Key.into()...)
	return c, err
}

// ReadClient appends the party that a key is bound to, with the key, to into; or nothing.
func ReadClient(into *[]Client, key string) db.Read {
	return db.ReadInto(into, scanClient, `
		SELECT `+standing+`, `+keyColumns+`
		FROM party_key k
		JOIN party p ON p.service = k.service AND p.role = k.role AND p.name = k.party
		LEFT JOIN party_paper a ON a.id = p.assessment
		LEFT JOIN party_paper g ON g.id = p.agreement
		LEFT JOIN party_paper m ON m.id = p.mechanism
		WHERE k.id = $1`, key)
}

// ClientOf returns the party that a key is bound to, whether it may do anything or not.
// Errors: ErrKeyNotFound.
func ClientOf(ctx context.Context, tx *db.Tx, key string) (Client, error) {
	if !id.Is(id.PartyKey, key) {
		return Client{}, ErrKeyNotFound
	}
	return holder(ctx, tx, key)
}

// Hold holds a party to the end of the transaction: of two who do something for it at once, on
// whatever nodes, one waits, and sees what the other has done.
func Hold(ctx context.Context, tx *db.Tx, of ID) error {
	_, err := tx.Exec(ctx, `UPDATE party SET version = version WHERE service = $1 AND role = $2 AND name = $3`, of.Service, of.Role, of.Name)
	return err
}

// holder returns the party that a key of either kind is bound to. Errors: ErrKeyNotFound.
func holder(ctx context.Context, tx *db.Tx, key string) (Client, error) {
	var found []Client
	if err := tx.Together(ctx, ReadClient(&found, key)); err != nil {
		return Client{}, err
	}
	if len(found) != 1 {
		return Client{}, ErrKeyNotFound
	}
	return found[0], nil
}

// Keys returns the keys of a party, those too that are none any more: the newest first.
func Keys(ctx context.Context, tx *db.Tx, of ID) ([]Key, error) {
	return db.All(ctx, tx, scanKey, `
		SELECT `+keyColumns+` FROM party_key k
		WHERE k.service = $1 AND k.role = $2 AND k.party = $3
		ORDER BY k.bound_at DESC, k.id`, of.Service, of.Role, of.Name)
}

// EachKey calls fn with every key of the store, for an audit. It must not use tx.
func EachKey(ctx context.Context, tx *db.Tx, fn func(Key) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		k, err := scanKey(row)
		if err != nil {
			return err
		}
		return fn(k)
	}, `SELECT `+keyColumns+` FROM party_key k ORDER BY k.id`)
}

// Tells reports whether a party has a key or a seat by which it may tell us something at this
// moment: see Client.Deaf.
func Tells(ctx context.Context, tx *db.Tx, of ID) (bool, error) {
	all, err := Keys(ctx, tx, of)
	if err != nil || slices.ContainsFunc(all, func(k Key) bool {
		return !k.Seals() && k.RevokedAt.IsZero() && tx.Now().Before(k.Until.Add(Lingers))
	}) {
		return err == nil, err
	}
	seats, err := Seats(ctx, tx, of)
	return slices.ContainsFunc(seats, func(s Seat) bool {
		return s.TakenAt.IsZero() && tx.Now().Before(s.Until.Add(Lingers))
	}), err
}

// Bind binds a key to what a party stands on: from now on the party asks by itself what that
// allows, until a moment, or at the zero time as long as that holds (Article 16). A party that
// has signed and not begun is bound ahead. Errors: those of catalog.Change, ErrNotFound,
// ErrRole, ErrKeyForm, ErrKeyWeak, ErrSubs, ErrSuspended, ErrUnready, ErrKeyUntil, ErrKeys, ErrKeyTaken.
func Bind(ctx context.Context, tx *db.Tx, by catalog.Officer, of ID, public ed25519.PublicKey, until time.Time) (Key, string, error) {
	return BindIn(ctx, tx, by, of, public, "", until)
}

// BindIn is Bind for a key that is used in a country or region, given by its two-letter code,
// as by people of a party who sit elsewhere; empty: where the party is. It is used there as long
// as it holds: whoever moves binds another. Errors: those of Bind, ErrKeyCountry.
func BindIn(ctx context.Context, tx *db.Tx, by catalog.Officer, of ID, public ed25519.PublicKey, country string, until time.Time) (Key, string, error) {
	switch {
	case len(public) != ed25519.PublicKeySize:
		return Key{}, "", ErrKeyForm.At("public")
	case weak(public):
		return Key{}, "", ErrKeyWeak.At("public")
	}
	return bind(ctx, tx, by, of, id.PartyKey, public, country, until)
}

// bind binds a key of a kind: a party has MaxKeys of each.
func bind(ctx context.Context, tx *db.Tx, by catalog.Officer, of ID, kind id.Prefix, public []byte, country string, until time.Time) (Key, string, error) {
	p, err := change(ctx, tx, by, of)
	if err != nil {
		return Key{}, "", err
	}
	now, paper := tx.Now(), p.Standing.Paper()
	if until = until.UTC().Truncate(time.Microsecond); until.IsZero() {
		until = paper.Until
	}
	if err := p.binds(now); err != nil {
		return Key{}, "", err
	}
	if country == "" {
		country = p.Standing.Country
	}
	if !charter.IsCountry(country) {
		return Key{}, "", ErrKeyCountry.At("country")
	}
	if !until.After(now) || until.After(paper.Until) {
		return Key{}, "", ErrKeyUntil.At("until")
	}
	all, err := Keys(ctx, tx, of)
	if err != nil {
		return Key{}, "", err
	}
	held := 0
	for _, k := range all {
		if k.Holds(now) && k.Paper == paper.ID && id.Is(kind, k.ID) {
			held++
		}
	}
	if held >= MaxKeys {
		return Key{}, "", ErrKeys
	}
	k := Key{ID: id.New(kind), Party: of, Version: p.Version, Paper: paper.ID, Public: public, Country: country, BoundAt: now, BoundBy: by.Ledger(), Until: until}
	// A key that has ever been bound is bound no second time, to nobody: it may have been revoked
	// because somebody else has it.
	n, err := tx.Exec(ctx, `
		INSERT INTO party_key (id, service, role, party, version, paper, public, country, bound_at, bound_by, until_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (public) DO NOTHING`,
		k.ID, of.Service, of.Role, of.Name, k.Version, k.Paper, public, country, (*db.Time)(&now), k.BoundBy, (*db.Time)(&k.Until))
	switch {
	case err != nil:
		return Key{}, "", err
	case n != 1:
		return Key{}, "", ErrKeyTaken.At("public")
	}
	entry, err := p.note(ctx, tx, by, KindBound, BoundBody{Party: of.Name, Role: of.Role, Key: k.ID, Paper: k.Paper, Print: k.Print(), Until: k.Until.UnixMicro(), Country: k.Country})
	return k, entry, err
}

// binds returns why nothing can be bound to what the party stands on, or nil.
func (p Party) binds(now time.Time) error {
	switch state := p.State(now); {
	case p.Role.Place(): // it asks for nothing, and owes nothing here
		return ErrRole.At("role")
	case len(p.Subs) > 0:
		return ErrSubs
	case p.Halted != "":
		return ErrSuspended
	case state != Active && state != Signed:
		return ErrUnready
	}
	return nil
}

// Revoke ends a key at once. Errors: those of catalog.Change, ErrNotFound, ErrKeyNotFound,
// which is that of a key that is revoked already, too.
func Revoke(ctx context.Context, tx *db.Tx, by catalog.Officer, of ID, key string) (Key, string, error) {
	return revoke(ctx, tx, by, of, key)
}

// RevokeAgain ends a key in a store that was put back to when it held (edge case 15). Errors:
// as Revoke.
func RevokeAgain(ctx context.Context, tx *db.Tx, by catalog.Operator, of ID, key string) (Key, string, error) {
	// First, so that whoever goes on after a refusal has changed nothing.
	c, err := holder(ctx, tx, key)
	switch {
	case err != nil:
		return Key{}, "", err
	case c.Key.Party != of || !c.Key.RevokedAt.IsZero():
		return Key{}, "", ErrKeyNotFound
	}
	return revoke(ctx, tx, by, of, key)
}

func revoke(ctx context.Context, tx *db.Tx, by catalog.Actor, of ID, key string) (Key, string, error) {
	p, err := change(ctx, tx, by, of)
	if err != nil {
		return Key{}, "", err
	}
	now := tx.Now()
	n, err := tx.Exec(ctx, `
		UPDATE party_key SET revoked_at = $1, version = $2
		WHERE id = $3 AND service = $4 AND role = $5 AND party = $6 AND revoked_at IS NULL`,
		(*db.Time)(&now), p.Version, key, of.Service, of.Role, of.Name)
	switch {
	case err != nil:
		return Key{}, "", err
	case n != 1:
		return Key{}, "", ErrKeyNotFound
	}
	c, err := holder(ctx, tx, key)
	if err != nil {
		return Key{}, "", err
	}
	entry, err := p.note(ctx, tx, by, KindRevoked, RevokedBody{Party: of.Name, Role: of.Role, Key: key})
	return c.Key, entry, err
}

// Admit spends the nonce of a request that a party has signed, and returns the party as it is
// in this transaction; or, recorded, why it may not ask. With late, a party may ask that only
// wants to tell us something: see Deaf. What it returns holds in this transaction: whoever
// opens another looks again (Again).
//
// The nonce is kept until no node takes the signature any more, so of two requests with one
// signature exactly one is served: on another node, and after a crash, too, since the row
// commits before anything is done. Errors: ErrReplayed, those of Fault and Deaf.
func Admit(ctx context.Context, tx *db.Tx, key, nonce string, until time.Time, late bool) (Client, error) {
	sum := sha256.Sum256([]byte(nonce))
	n, err := tx.Exec(ctx, `
		INSERT INTO party_nonce (key, nonce, until_at) VALUES ($1, $2, $3)
		ON CONFLICT (key, nonce) DO NOTHING`, key, sum[:], (*db.Time)(&until))
	switch {
	case err != nil:
		return Client{}, err
	case n != 1:
		return Client{}, ErrReplayed
	}
	c, err := Again(ctx, tx, key, late)
	if err != nil && errs.Of(err).Kind != errs.Internal {
		err = db.Recorded(err) // the nonce stays spent
	}
	return c, err
}

// Again returns the party that a key is bound to as it is in this transaction, or why it may
// not ask any more. Errors: those of Fault, and with late those of Deaf.
func Again(ctx context.Context, tx *db.Tx, key string, late bool) (Client, error) {
	c, err := ClientOf(ctx, tx, key)
	if err != nil {
		return c, err
	}
	return c, c.May(ctx, tx, late)
}

// May returns why the client may not ask in this transaction, or nil. Errors: those of Fault,
// and with late those of Deaf.
func (c Client) May(ctx context.Context, tx *db.Tx, late bool) error {
	if late {
		return c.Deaf(tx.Now())
	}
	var s []catalog.Service
	if err := tx.Together(ctx, catalog.ReadService(&s, c.Key.Party.Service)); err != nil {
		return err
	}
	if len(s) != 1 {
		return errors.New("party: a key of no service")
	}
	return c.Fault(s[0], tx.Now())
}

// SweepNonces forgets at most limit nonces that no signature is taken with any more, and
// returns how many.
func SweepNonces(ctx context.Context, tx *db.Tx, limit int) (int64, error) {
	now := tx.Now()
	return tx.Exec(ctx, `
		DELETE FROM party_nonce WHERE (key, nonce) IN (
			SELECT key, nonce FROM party_nonce
			WHERE until_at <= $1
			ORDER BY until_at, key, nonce LIMIT $2)`, (*db.Time)(&now), limit)
}
