// Package signin lets persons inside in, by a password with a code of their
// authenticator or by a passkey, and keeps them signed in (Article 15); and, by a door of
// their own, persons of processors and recipients (Article 16).
//
// Its one invariant: who is signed in is looked up each time, with what the person
// may at that moment; a session carries neither. Who has left is out with the
// transaction that says so, and nothing here tells a stranger whether a name is known.
//
// How somebody shows who they are ends in one function, admit, which takes a person
// and a Way, and knows nothing of passwords. Who comes in by the operator's OpenID
// provider, which an issuer and a subject lead to, comes in there, too, and by nothing
// else: so whoever is shut out there is shut out here.
package signin

import (
	"context"
	"crypto/subtle"
	"errors"
	"strconv"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/party"
	"wardkeep/internal/passkey"
	"wardkeep/internal/provider"
	"wardkeep/internal/staff"
)

// What can be wrong with who comes in.
var (
	ErrRefused   = errs.New(errs.Forbidden, "signin.refused") // name, password or code: nobody is told which
	ErrLocked    = errs.New(errs.TooMany, "signin.locked")    // too many wrong tries with this name, known or not
	ErrSignedOut = errs.New(errs.Unauthenticated, "signin.signed_out")
	ErrStale     = errs.New(errs.Forbidden, "signin.stale")     // it is too long ago that the person showed who it is
	ErrNoSession = errs.New(errs.NotFound, "signin.no_session") // it is over, or another person's
)

// Locked is ErrLocked with the time until which it holds.
type Locked struct{ Until time.Time }

// Error returns the code.
func (l *Locked) Error() string { return ErrLocked.Error() }

// Unwrap returns ErrLocked.
func (l *Locked) Unwrap() error { return ErrLocked }

// A session is short, since a screen stays behind when its person goes.
const (
	Idle = 15 * time.Minute // without a page, unless it is configured
	Most = 8 * time.Hour    // altogether, unless it is configured
	// ByGroups is how long a session lasts after the provider has said in which groups its person
	// is: so long a role may live on here that was taken there, and no longer.
	ByGroups = time.Hour
	Fresh    = 5 * time.Minute // so long nobody is asked again before approving, revealing, exporting

	seenEvery = time.Minute // a page more often than that writes nothing
)

// A Way is how a person showed who it is.
type Way string

// The ways.
const (
	ByPassword Way = "password" // with a code of an authenticator
	ByRecovery Way = "recovery" // a password with a code from the list on paper
	ByPasskey  Way = "passkey"
	ByProvider Way = "provider" // the operator's, which looks who it is
	BySetUp    Way = "set_up"   // just now chosen
)

// The kinds of entries about who comes and goes. They belong to no child and no
// service; their version is the person's.
const (
	KindInvited        = "signin.invited"
	KindSetUp          = "signin.set_up"
	KindOpened         = "signin.opened"
	KindFailed         = "signin.failed"
	KindLocked         = "signin.locked"
	KindSteppedUp      = "signin.stepped_up"
	KindEnded          = "signin.ended"
	KindReset          = "signin.reset"
	KindPasskeyAdded   = "signin.passkey_added"
	KindPasskeyRemoved = "signin.passkey_removed"
)

// An OpenedBody says that a person came in.
type OpenedBody struct {
	Session string `json:"session"`
	Person  string `json:"person"`
	Way     Way    `json:"way"`
	Passkey string `json:"passkey,omitempty"`
	Until   int64  `json:"until"`           // the most, in microseconds
	Fresh   int64  `json:"fresh,omitempty"` // when the person showed who it is, if not now: by the provider's word
}

// A TriedBody says that somebody tried to be a person, in vain: until when nobody may
// try again, where that is told, and by which passkey of the person's.
type TriedBody struct {
	Person  string `json:"person"`
	Until   int64  `json:"until,omitempty"`
	Passkey string `json:"passkey,omitempty"`
}

// A SteppedUpBody says that a person showed once more who it is, and till when the session
// lasts by that, where it is longer than before.
type SteppedUpBody struct {
	Session string `json:"session"`
	Person  string `json:"person"`
	Way     Way    `json:"way"`
	Until   int64  `json:"until,omitempty"` // in microseconds
}

// An EndedBody says why a session is over.
type EndedBody struct {
	Session string `json:"session"`
	Person  string `json:"person"`
	Why     Why    `json:"why"`
}

// A Why is the reason for which something ended.
type Why string

// The reasons.
const (
	SignedOut Why = "signed_out"
	Elsewhere Why = "elsewhere" // by the person, in another session
	Replaced  Why = "replaced"  // the same browser signed in anew
	Expired   Why = "expired"
	HasLeft   Why = "left"
	WasReset  Why = "reset"
	Changed   Why = "set_up"          // how the person signs in
	Unlocked  Why = "passkey_removed" // by the person, who may have lost the device
	Restored  Why = "restored"        // the store was put back to when it was open
	Unwanted  Why = "unwanted"
	Roleless  Why = "no_role"   // no group of the provider's gives it one any more
	OutThere  Why = "out_there" // of the provider's
)

// A Door lets persons in.
type Door struct {
	Ring *keyring.Ring
	Site *passkey.Site // where their passkeys are good; nil: there are none
	// Provider knows who persons are; nil: nobody comes in by one. Roles are what its groups
	// give.
	Provider *provider.Provider
	Roles    []Mapped
	// Idle and Most are how long a session lasts; zeros are Idle and Most.
	Idle, Most time.Duration
	// Parties says that it is the door of persons of parties: it lets them in and nobody
	// inside, and any other door those inside and none of them.
	Parties bool
	// Work is what it takes to try a password that is chosen here; zero is what OWASP asks
	// for. Only a test, which hires hundreds, has people choose any other.
	Work Work
}

// lets reports whether it is the door of a person.
func (d Door) lets(p staff.Person) bool { return (p.Seat != "") == d.Parties }

func (d Door) idle() time.Duration {
	if d.Idle == 0 {
		return Idle
	}
	return d.Idle
}

func (d Door) most() time.Duration {
	if d.Most == 0 {
		return Most
	}
	return d.Most
}

// A Session is a browser that is signed in, and who it is with what they may now.
type Session struct {
	ID        string // "ss_…"
	Person    staff.Person
	Way       Way
	CreatedAt time.Time
	FreshAt   time.Time // when the person showed last who it is
	MostUntil time.Time
	SeenAt    time.Time
	EndsAt    time.Time // if no page is opened until then

	secret, bound []byte
	person        string
}

const columns = `secret, id, person, way, bound, created_at, fresh_at, most_until, seen_at, ends_at`

func scan(row db.Row) (s Session, err error) {
	err = row.Scan(&s.secret, &s.ID, &s.person, &s.Way, &s.bound, (*db.Time)(&s.CreatedAt), (*db.Time)(&s.FreshAt),
		(*db.Time)(&s.MostUntil), (*db.Time)(&s.SeenAt), (*db.Time)(&s.EndsAt))
	return s, err
}

const (
	secretDomain = "signin.secret"
	boundDomain  = "signin.bound"

	maxSecret = 100 // bytes of what a browser may say that it holds
)

// bind hashes a session with its secret: a row that was changed by hand, to be another
// person, or fresh, or to last, is nobody's.
func (d Door) bind(secret string, s Session) []byte {
	return d.Ring.Index(boundDomain, secret, s.ID, s.person, string(s.Way),
		micros(s.CreatedAt), micros(s.FreshAt), micros(s.MostUntil))
}

func micros(t time.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) }

// over reports whether the session is past its time, swept or not.
func (s Session) over(now time.Time) bool {
	return !now.Before(s.EndsAt) || !now.Before(s.MostUntil)
}

// Find returns the session of a browser by what it holds, and the person with what it
// may now. Errors: ErrSignedOut.
func (d Door) Find(ctx context.Context, tx *db.Tx, secret string) (Session, error) {
	if secret == "" || len(secret) > maxSecret {
		return Session{}, ErrSignedOut
	}
	s, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM person_session WHERE secret = $1`, d.Ring.Index(secretDomain, secret))
	switch {
	case errors.Is(err, db.ErrNone):
		return Session{}, ErrSignedOut
	case err != nil:
		return Session{}, err
	case subtle.ConstantTimeCompare(s.bound, d.bind(secret, s)) != 1, s.over(tx.Now()):
		return Session{}, ErrSignedOut
	}
	s.Person, err = staff.Find(ctx, tx, s.person)
	if errors.Is(err, staff.ErrNotFound) || err == nil && (s.Person.State != staff.Active || !d.lets(s.Person)) {
		err = ErrSignedOut
	}
	if err != nil {
		return Session{}, err
	}
	return s, nil
}

// IsFresh returns nil if the person showed who it is no longer ago than Fresh. Whoever
// approves, reveals or exports asks for it first. Errors: ErrStale.
func (s Session) IsFresh(now time.Time) error {
	if age := now.Sub(s.FreshAt); age < 0 || age >= Fresh {
		return ErrStale
	}
	return nil
}

// Stale reports whether Seen would write anything.
func (s Session) Stale(now time.Time) bool { return now.Sub(s.SeenAt) >= seenEvery }

// Seen lets the session go on from now, up to its most. One that ended meanwhile
// stays so.
func (d Door) Seen(ctx context.Context, tx *db.Tx, s Session) error {
	now := tx.Now()
	ends := d.ends(s, now)
	return tx.Queue(ctx, `
		UPDATE person_session SET seen_at = $1, ends_at = $2 WHERE secret = $3 AND ends_at > $1`,
		(*db.Time)(&now), (*db.Time)(&ends), s.secret)
}

// mostOf is till when a session lasts at most, whose person has shown now who it is.
func (d Door) mostOf(s Session, now time.Time) time.Time {
	until := s.CreatedAt.Add(d.most())
	if groups := now.Add(ByGroups); s.Way == ByProvider && groups.Before(until) {
		return groups
	}
	return until
}

func (d Door) ends(s Session, now time.Time) time.Time {
	ends := now.Add(d.idle())
	if s.MostUntil.Before(ends) {
		return s.MostUntil
	}
	return ends
}

// admit opens a session for a person, who is locked, and who has shown then who it is. What
// the browser held before ends. The secret has 256 bits and is new with every sign-in,
// so that nobody can plant one in a browser beforehand.
func (d Door) admit(ctx context.Context, tx *db.Tx, p staff.Person, way Way, by, former string, fresh time.Time) (Session, string, error) {
	old, err := d.Find(ctx, tx, former)
	if err == nil && old.person == p.ID {
		err = end(ctx, tx, p, old, p.Ledger(), Replaced)
	} else if err == nil {
		err = endFor(ctx, tx, old, Replaced)
	}
	if err != nil && !errors.Is(err, ErrSignedOut) {
		return Session{}, "", err
	}
	now := tx.Now()
	s := Session{ID: id.New(id.StaffSession), Person: p, person: p.ID, Way: way, CreatedAt: now, FreshAt: fresh, SeenAt: now}
	s.MostUntil = d.mostOf(s, now)
	s.EndsAt = d.ends(s, now)
	secret := id.Secret(32)
	s.secret = d.Ring.Index(secretDomain, secret)
	s.bound = d.bind(secret, s)
	err = tx.Queue(ctx, `
		INSERT INTO person_session (secret, id, person, way, bound, created_at, fresh_at, most_until, seen_at, ends_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $6, $9)`,
		s.secret, s.ID, s.person, s.Way, s.bound, (*db.Time)(&now), (*db.Time)(&fresh), (*db.Time)(&s.MostUntil), (*db.Time)(&s.EndsAt))
	if err != nil {
		return Session{}, "", err
	}
	body := OpenedBody{Session: s.ID, Person: p.ID, Way: way, Passkey: by, Until: s.MostUntil.UnixMicro()}
	if fresh.Before(now) {
		body.Fresh = fresh.UnixMicro()
	}
	if p.Seat != "" {
		if err := party.UsedSeat(ctx, tx, p.Seat); err != nil {
			return Session{}, "", err
		}
	}
	_, err = p.Note(ctx, tx, KindOpened, p.Ledger(), body)
	return s, secret, err
}

// freshen gives a session a new secret, whose person, locked, has shown once more who it
// is: who had got hold of the old one has nothing. Who has shown it to the provider has the
// roles of its groups by now, and stays so much longer.
func (d Door) freshen(ctx context.Context, tx *db.Tx, s Session, p staff.Person, way Way) (string, error) {
	old := s.secret
	secret := id.Secret(32)
	s.FreshAt, s.SeenAt = tx.Now(), tx.Now()
	body := SteppedUpBody{Session: s.ID, Person: p.ID, Way: way}
	if until := d.mostOf(s, s.SeenAt); way == ByProvider && until.After(s.MostUntil) {
		s.MostUntil, body.Until = until, until.UnixMicro()
	}
	s.EndsAt = d.ends(s, s.SeenAt)
	s.secret = d.Ring.Index(secretDomain, secret)
	s.bound = d.bind(secret, s)
	n, err := tx.Exec(ctx, `
		UPDATE person_session SET secret = $1, bound = $2, fresh_at = $3, seen_at = $3, most_until = $4, ends_at = $5 WHERE secret = $6`,
		s.secret, s.bound, (*db.Time)(&s.FreshAt), (*db.Time)(&s.MostUntil), (*db.Time)(&s.EndsAt), old)
	if err == nil && n != 1 {
		err = ErrSignedOut
	}
	if err != nil {
		return "", err
	}
	_, err = p.Note(ctx, tx, KindSteppedUp, p.Ledger(), body)
	return secret, err
}

// SignOut ends the session.
func SignOut(ctx context.Context, tx *db.Tx, s Session) error { return endFor(ctx, tx, s, SignedOut) }

// Sessions returns the person's sessions, the oldest first.
func Sessions(ctx context.Context, tx *db.Tx, s Session) ([]Session, error) {
	now := tx.Now()
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM person_session WHERE person = $1 AND ends_at > $2 ORDER BY created_at, id`, s.person, (*db.Time)(&now))
}

// End ends another session of the same person, who is fresh: whoever found a screen that
// was left can't shut its person out elsewhere. Errors: ErrStale, ErrNoSession.
func End(ctx context.Context, tx *db.Tx, s Session, session string) error {
	if err := s.IsFresh(tx.Now()); err != nil {
		return err
	}
	p, err := staff.Lock(ctx, tx, s.person)
	if err != nil {
		return err
	}
	other, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM person_session WHERE person = $1 AND id = $2`, s.person, session)
	if errors.Is(err, db.ErrNone) {
		return ErrNoSession
	}
	if err != nil {
		return err
	}
	return end(ctx, tx, p, other, p.Ledger(), Elsewhere)
}

// endFor locks the session's person, and ends the session.
func endFor(ctx context.Context, tx *db.Tx, s Session, why Why) error {
	p, err := staff.Lock(ctx, tx, s.person)
	if errors.Is(err, staff.ErrLeft) || errors.Is(err, staff.ErrNotFound) {
		return nil // and with the person went its sessions
	}
	if err != nil {
		return err
	}
	return end(ctx, tx, p, s, p.Ledger(), why)
}

// end removes the row of a session of the locked person and says so, once: who comes
// second finds nothing.
func end(ctx context.Context, tx *db.Tx, p staff.Person, s Session, actor string, why Why) error {
	n, err := tx.Exec(ctx, `DELETE FROM person_session WHERE id = $1`, s.ID)
	if err != nil || n == 0 {
		return err
	}
	// A link that was asked for in it goes with it.
	if err := tx.Queue(ctx, `DELETE FROM person_invite WHERE person = $1 AND session = $2`, p.ID, s.ID); err != nil {
		return err
	}
	_, err = p.Note(ctx, tx, KindEnded, actor, EndedBody{Session: s.ID, Person: p.ID, Why: why})
	return err
}

// endAll ends all sessions of the locked person, but one.
func endAll(ctx context.Context, tx *db.Tx, p staff.Person, but, actor string, why Why) error {
	all, err := db.All(ctx, tx, scan, `SELECT `+columns+` FROM person_session WHERE person = $1 ORDER BY id`, p.ID)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.ID == but {
			continue
		}
		if err := end(ctx, tx, p, s, actor, why); err != nil {
			return err
		}
	}
	return nil
}

// Leave is how a person leaves: staff.Leave, and with it go all sessions, the login,
// every passkey and whatever link was open, in the same transaction. Errors: those of
// staff.Leave.
func Leave(ctx context.Context, tx *db.Tx, by staff.Actor, person string) (staff.Person, error) {
	p, err := staff.Leave(ctx, tx, by, person)
	if err != nil {
		return staff.Person{}, err
	}
	return p, forget(ctx, tx, p, by.Ledger(), HasLeft)
}

// forget removes all that the locked person signs in with, and ends its sessions.
func forget(ctx context.Context, tx *db.Tx, p staff.Person, actor string, why Why) error {
	if err := endAll(ctx, tx, p, "", actor, why); err != nil {
		return err
	}
	if err := removePasskeys(ctx, tx, p, actor, why); err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM person_recovery WHERE person = $1`,
		`DELETE FROM person_login WHERE person = $1`,
		`DELETE FROM person_invite WHERE person = $1`,
		`DELETE FROM person_maker WHERE person = $1`,
	} {
		if err := tx.Queue(ctx, statement, p.ID); err != nil {
			return err
		}
	}
	return nil
}

// EndAll ends at most limit sessions, whosever they are, in a store that was put back:
// who had signed out since would be in again. It returns how many there were. Links
// that were open are good no more: whoever used one may have lost it since.
func EndAll(ctx context.Context, tx *db.Tx, limit int) (int, error) {
	all, err := db.All(ctx, tx, scan, `SELECT `+columns+` FROM person_session ORDER BY id LIMIT $1`, int64(limit))
	if err != nil {
		return 0, err
	}
	for _, s := range all {
		if err := endFor(ctx, tx, s, Restored); err != nil {
			return 0, err
		}
	}
	return len(all), tx.Queue(ctx, `DELETE FROM person_invite`)
}

// Sweep ends at most limit sessions that are over and, as many, links and counts of
// wrong tries that count no more; it returns how many it found. Nobody is let in by
// one in the meantime.
func Sweep(ctx context.Context, tx *db.Tx, limit int) (int, error) {
	now, rested := tx.Now(), tx.Now().Add(-rest)
	due, err := db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM person_session WHERE ends_at <= $1 ORDER BY ends_at, id LIMIT $2`, (*db.Time)(&now), int64(limit))
	if err != nil {
		return 0, err
	}
	for _, s := range due {
		if err := endFor(ctx, tx, s, Expired); err != nil {
			return 0, err
		}
	}
	links, err := tx.Exec(ctx, `
		DELETE FROM person_invite WHERE person IN (
			SELECT person FROM person_invite WHERE until <= $1 ORDER BY until, person LIMIT $2)`, (*db.Time)(&now), int64(limit))
	if err != nil {
		return 0, err
	}
	counts, err := tx.Exec(ctx, `
		DELETE FROM person_guess WHERE name IN (
			SELECT name FROM person_guess WHERE since <= $1 ORDER BY since, name LIMIT $2)`, (*db.Time)(&rested), int64(limit))
	return max(len(due), int(links), int(counts)), err
}

// Own is what a person sees of its own way in.
type Own struct {
	Sessions []Session
	Passkeys []Passkey
	Full     bool  // no more passkeys can be added
	Recovery int64 // codes that are left
}

// Own returns the person's own, as whoever is signed in sees it.
func (d Door) Own(ctx context.Context, tx *db.Tx, s Session) (own Own, err error) {
	if own.Sessions, err = Sessions(ctx, tx, s); err != nil {
		return own, err
	}
	if own.Passkeys, err = d.Passkeys(ctx, tx, s); err != nil {
		return own, err
	}
	own.Full = len(own.Passkeys) >= MaxPasskeys
	own.Recovery, err = RecoveryLeft(ctx, tx, s)
	return own, err
}
