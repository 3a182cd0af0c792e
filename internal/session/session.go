// Package session keeps guardians signed in to their home, where they see what is
// held about their children and take consents back (Articles 9, 19 and 20; PIPL
// 44 and 45).
//
// Its one invariant: who is signed in speaks for a child only while its tie to it
// is verified, in office, and reached by the contact that the code went to, for
// this session or for the passkey that opened it; that is looked up each time, and
// no session carries it. And nobody learns here whether a phone number or an
// address is known.
package session

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/passkey"
)

// What can be wrong with who comes in.
var (
	ErrCode      = errs.New(errs.Forbidden, "session.code") // wrong, over, tried too often, or never sent: nobody is told which
	ErrSignedOut = errs.New(errs.Unauthenticated, "session.signed_out")
)

// A session is short: a phone lies about, and a child picks it up (edge case 24).
const (
	Idle = 30 * time.Minute // without a page
	Most = 12 * time.Hour   // altogether

	seenEvery = time.Minute // a page more often than that writes nothing
)

// The kinds of ledger entries about sessions. They belong to no child and no
// service, so that nothing in the ledger ties the children of one guardian
// together.
const (
	KindOpened = "session.opened"
	KindEnded  = "session.ended"
)

// An OpenedBody says that somebody signed in, and by what: by a code, unless
// there is a passkey.
type OpenedBody struct {
	Session string          `json:"session"`
	Channel consent.Channel `json:"channel"`
	Passkey string          `json:"passkey,omitempty"`
}

// An EndedBody says why a session is over.
type EndedBody struct {
	Session string `json:"session"`
	Why     Why    `json:"why"`
}

// A Why is the reason for which a session ended.
type Why string

// The reasons.
const (
	SignedOut  Why = "signed_out"
	Everywhere Why = "everywhere" // signed out on another device
	Replaced   Why = "replaced"   // the same browser signed in anew
	Expired    Why = "expired"
	Unlocked   Why = "passkey_removed" // that it was opened by
	Restored   Why = "restored"        // the store was put back to when it was open
)

// The entries of sessions and passkeys are ordered by these, as those of a child
// are by its version: a passkey is added in a session by a code, opens others, and
// is removed.
const (
	versionOpened    = 1 // by a code
	versionAdded     = 2
	versionByPasskey = 3
	versionEnded     = 4
	versionRemoved   = 5
)

// A Door lets guardians in.
type Door struct {
	Ring *keyring.Ring
	Site *passkey.Site // where its passkeys are good; nil: there are none
}

// A Session is a browser that is signed in, and whom it may speak as.
type Session struct {
	ID        string // "se_…"
	Channel   consent.Channel
	Passkey   string // "pk_…", by which it was opened; empty: by a code
	CreatedAt time.Time
	SeenAt    time.Time
	EndsAt    time.Time    // if no page is opened until then
	Ties      []family.Tie // at least one, each of no more strength than a one-time code

	secret, contact []byte
	bound           []byte
}

const columns = `secret, id, channel, contact, passkey, bound, created_at, seen_at, ends_at`

func scan(row db.Row) (s Session, err error) {
	err = row.Scan(&s.secret, &s.ID, &s.Channel, &s.contact, &s.Passkey, &s.bound,
		(*db.Time)(&s.CreatedAt), (*db.Time)(&s.SeenAt), (*db.Time)(&s.EndsAt))
	return s, err
}

func (s Session) handle() family.Handle {
	return family.Handle{Email: s.Channel == consent.Email, Hash: s.contact}
}

// over reports whether the session is past its time, swept or not.
func (s Session) over(now time.Time) bool {
	return !now.Before(s.EndsAt) || !now.Before(s.CreatedAt.Add(Most))
}

// Find returns the session of a browser by what it holds. A guardian whose last
// tie has ended is signed out by that, and who came by a passkey also by its end.
// Errors: ErrSignedOut.
func (d Door) Find(ctx context.Context, tx *db.Tx, secret string) (Session, error) {
	s, err := d.find(ctx, tx, secret)
	if err != nil {
		return Session{}, err
	}
	s.Ties, err = d.tiesOf(ctx, tx, s)
	if err != nil {
		return Session{}, err
	}
	return s, nil
}

// tiesOf returns the ties that a session speaks for: there is at least one. Errors:
// ErrSignedOut.
func (d Door) tiesOf(ctx context.Context, tx *db.Tx, s Session) ([]family.Tie, error) {
	all, err := ties(ctx, tx, d.Ring, s.handle())
	if err != nil {
		return nil, err
	}
	if s.Passkey != "" {
		p, err := d.passkey(ctx, tx, s.Passkey)
		if errors.Is(err, ErrPasskey) {
			return nil, ErrSignedOut
		}
		if err != nil {
			return nil, err
		}
		all = p.knew(all)
	}
	if len(all) == 0 {
		return nil, ErrSignedOut
	}
	return all, nil
}

func (d Door) find(ctx context.Context, tx *db.Tx, secret string) (Session, error) {
	if secret == "" || len(secret) > 100 {
		return Session{}, ErrSignedOut
	}
	s, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM session WHERE secret = $1`, d.Ring.Index(secretDomain, secret))
	switch {
	case errors.Is(err, db.ErrNone):
		return Session{}, ErrSignedOut
	case err != nil:
		return Session{}, err
	case subtle.ConstantTimeCompare(s.bound, d.bind(secret, s)) != 1, s.over(tx.Now()):
		return Session{}, ErrSignedOut
	}
	return s, nil
}

// Whose returns the tie by which whoever signed in with a session is told of that, and
// the channel of its contact: the first that another channel leads to, too, or else
// the first. Errors: ErrSignedOut once the session or its last tie is over.
func (d Door) Whose(ctx context.Context, tx *db.Tx, session string) (family.Tie, consent.Channel, error) {
	s, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM session WHERE id = $1`, session)
	if errors.Is(err, db.ErrNone) || err == nil && s.over(tx.Now()) {
		err = ErrSignedOut
	}
	if err != nil {
		return family.Tie{}, "", err
	}
	all, err := d.tiesOf(ctx, tx, s)
	if err != nil {
		return family.Tie{}, "", err
	}
	return warned(all), s.Channel, nil
}

// warned returns the tie by which its guardian is warned. One that only the contact
// leads to that somebody got in by is of no use if there is another (edge case 24).
func warned(ties []family.Tie) family.Tie {
	return ties[max(0, slices.IndexFunc(ties, func(t family.Tie) bool { return t.Both }))]
}

// ties returns the ties of a handle, each with no more strength than a code shows.
func ties(ctx context.Context, tx *db.Tx, ring *keyring.Ring, h family.Handle) ([]family.Tie, error) {
	all, err := family.TiesOf(ctx, tx, ring, h)
	for i := range all {
		all[i].Strength = min(all[i].Strength, family.OneTimeCode)
	}
	return all, err
}

const (
	secretDomain = "session.secret"
	boundDomain  = "session.bound"
)

// bind hashes a session with its secret: a row that was changed by hand, to speak
// for another contact, to forget its passkey or to begin anew, is nobody's.
func (d Door) bind(secret string, s Session) []byte {
	return d.Ring.Index(boundDomain, secret, s.ID, string(s.Channel), hex.EncodeToString(s.contact), s.Passkey,
		strconv.FormatInt(s.CreatedAt.UnixMicro(), 10))
}

// admit opens a session for whoever has shown who it is. What the browser held
// before ends.
func (d Door) admit(ctx context.Context, tx *db.Tx, former string, h family.Handle, passkey string, known []family.Tie) (Session, string, error) {
	old, err := d.find(ctx, tx, former)
	if err == nil {
		err = end(ctx, tx, old, Replaced)
	}
	if err != nil && !errors.Is(err, ErrSignedOut) {
		return Session{}, "", err
	}
	s, secret, err := d.open(ctx, tx, h, passkey)
	s.Ties = known
	return s, secret, err
}

// open makes a session and returns its secret: 256 bits, new with every sign-in,
// so that nobody can plant one in a browser beforehand.
func (d Door) open(ctx context.Context, tx *db.Tx, h family.Handle, passkey string) (Session, string, error) {
	s := Session{ID: id.New(id.Session), Channel: channel(h), Passkey: passkey, CreatedAt: tx.Now(), SeenAt: tx.Now(), EndsAt: tx.Now().Add(Idle), contact: h.Hash}
	secret := id.Secret(32)
	s.secret = d.Ring.Index(secretDomain, secret)
	s.bound = d.bind(secret, s)
	err := tx.Queue(ctx, `
		INSERT INTO session (secret, id, channel, contact, passkey, bound, created_at, seen_at, ends_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)`,
		s.secret, s.ID, s.Channel, s.contact, s.Passkey, s.bound, (*db.Time)(&s.CreatedAt), (*db.Time)(&s.EndsAt))
	if err != nil {
		return Session{}, "", err
	}
	version := int64(versionOpened)
	if passkey != "" {
		version = versionByPasskey
	}
	_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: KindOpened, Version: version, Actor: s.actor(),
		Body: OpenedBody{Session: s.ID, Channel: s.Channel, Passkey: s.Passkey}})
	return s, secret, err
}

// actor is the session's name in the ledger.
func (s Session) actor() string { return "session:" + s.ID }

// Stale reports whether Seen would write anything.
func (s Session) Stale(now time.Time) bool { return now.Sub(s.SeenAt) >= seenEvery }

// Seen lets the session go on from now, up to its most. One that ended meanwhile
// stays so.
func Seen(ctx context.Context, tx *db.Tx, s Session) error {
	now, ends := tx.Now(), tx.Now().Add(Idle)
	if most := s.CreatedAt.Add(Most); most.Before(ends) {
		ends = most
	}
	return tx.Queue(ctx, `
		UPDATE session SET seen_at = $1, ends_at = $2 WHERE secret = $3 AND ends_at > $1`,
		(*db.Time)(&now), (*db.Time)(&ends), s.secret)
}

// SignOut ends the session.
func SignOut(ctx context.Context, tx *db.Tx, s Session) error {
	return end(ctx, tx, s, SignedOut)
}

// SignOutEverywhere ends this session and every other by a phone or an address of
// the same guardian. Passkeys stay.
func SignOutEverywhere(ctx context.Context, tx *db.Tx, s Session) error {
	contacts, err := family.HandlesOf(ctx, tx, s.Ties)
	if err != nil {
		return err
	}
	for _, contact := range contacts {
		all, err := db.All(ctx, tx, scan, `
			SELECT `+columns+` FROM session WHERE contact = $1 ORDER BY id`, contact)
		if err != nil {
			return err
		}
		for _, other := range all {
			if err := end(ctx, tx, other, Everywhere); err != nil {
				return err
			}
		}
	}
	return nil
}

// EndAll ends at most limit sessions, whosever they are, and forgets the codes to sign
// in, in a store that was put back: who had signed out since would be in again. It
// returns how many there were.
func EndAll(ctx context.Context, tx *db.Tx, limit int) (int, error) {
	all, err := db.All(ctx, tx, scan, `SELECT `+columns+` FROM session ORDER BY id LIMIT $1`, int64(limit))
	if err != nil {
		return 0, err
	}
	for _, s := range all {
		if err := end(ctx, tx, s, Restored); err != nil {
			return 0, err
		}
	}
	return len(all), tx.Queue(ctx, `DELETE FROM sign_in`)
}

// RemoveAgain removes a passkey once more, as the ledger tells that it was removed: a
// store that was put back still has it. One that isn't there is removed already.
func RemoveAgain(ctx context.Context, tx *db.Tx, actor, passkey string, why Why) error {
	p, err := db.One(ctx, tx, scanPasskey, `SELECT `+passkeyColumns+` FROM passkey WHERE id = $1`, passkey)
	if errors.Is(err, db.ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	return remove(ctx, tx, p, actor, why)
}

// end removes the row and says so, once: who comes second finds nothing.
func end(ctx context.Context, tx *db.Tx, s Session, why Why) error {
	n, err := tx.Exec(ctx, `DELETE FROM session WHERE secret = $1`, s.secret)
	if err != nil || n == 0 {
		return err
	}
	_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: KindEnded, Version: versionEnded, Actor: s.actor(),
		Body: EndedBody{Session: s.ID, Why: why}})
	return err
}

// Sweep removes at most limit sessions that are over and, as many, traces of codes
// and of challenges that count no more; it returns how many it found. Nobody is let in by one in the
// meantime.
func Sweep(ctx context.Context, tx *db.Tx, limit int) (int, error) {
	now, rested := tx.Now(), tx.Now().Add(-rest)
	due, err := db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM session WHERE ends_at <= $1 ORDER BY ends_at, id LIMIT $2`, (*db.Time)(&now), int64(limit))
	if err != nil {
		return 0, err
	}
	for _, s := range due {
		if err := end(ctx, tx, s, Expired); err != nil {
			return 0, err
		}
	}
	n, err := tx.Exec(ctx, `
		DELETE FROM sign_in WHERE contact IN (
			SELECT contact FROM sign_in WHERE since <= $1 ORDER BY since, contact LIMIT $2)`, (*db.Time)(&rested), int64(limit))
	if err != nil {
		return 0, err
	}
	spent, err := passkey.Sweep(ctx, tx, limit)
	return max(len(due), int(n), int(spent)), err
}
