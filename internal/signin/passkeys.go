package signin

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
	"wardkeep/internal/passkey"
	"wardkeep/internal/staff"
)

// What can be wrong with a passkey.
var (
	ErrPasskey    = errs.New(errs.Forbidden, "signin.passkey") // whatever is wrong with what a device showed
	ErrNotMade    = errs.New(errs.Forbidden, "signin.passkey_not_made")
	ErrPasskeys   = errs.New(errs.Conflict, "signin.passkeys_many")
	ErrNoPasskeys = errs.New(errs.NotFound, "signin.passkeys_none") // none can be good at this address
)

// MaxPasskeys is how many one person has at most.
const MaxPasskeys = 5

// A PasskeyBody names a passkey that was added or removed.
type PasskeyBody struct {
	Passkey string `json:"passkey"`
	Person  string `json:"person"`
	Why     Why    `json:"why,omitempty"`
}

// A Passkey is the key to the signatures of a device. The device has looked who holds
// it, so a passkey is both factors.
type Passkey struct {
	ID      string // "sk_…"
	Person  string
	Number  int64 // from 1, for people; a number that is free is given again
	AddedAt time.Time

	passkey.Key
	bound []byte
}

const passkeyColumns = `credential, id, person, number, public_key, eligible, bound, sign_count, added_at`

func scanPasskey(row db.Row) (p Passkey, err error) {
	err = row.Scan(&p.Key.ID, &p.ID, &p.Person, &p.Number, &p.Public, &p.Eligible, &p.bound, &p.Count, (*db.Time)(&p.AddedAt))
	return p, err
}

const (
	passkeyDomain   = "signin.passkey"
	holderDomain    = "signin.passkey_holder"
	challengeDomain = "signin.challenge"
	missedDomain    = "signin.passkey_missed"
)

// bind hashes all of a passkey that never changes.
func (p Passkey) bind(ring *keyring.Ring) []byte {
	return ring.Index(passkeyDomain, hex.EncodeToString(p.Key.ID), p.ID, p.Person, strconv.FormatInt(p.Number, 10),
		hex.EncodeToString(p.Public), strconv.FormatBool(p.Eligible), micros(p.AddedAt))
}

// Intact reports whether the row is as it was written.
func (p Passkey) Intact(ring *keyring.Ring) bool {
	return len(p.bound) > 0 && subtle.ConstantTimeCompare(p.bound, p.bind(ring)) == 1
}

// The acts that a challenge is for. One can't be answered with the other.
const (
	making  = "make"
	showing = "show"
)

// challenge computes what is to be signed, of what a browser keeps: it is stored
// nowhere. A session's is no other's.
func (d Door) challenge(act, kept, session string) []byte {
	return d.Ring.Index(challengeDomain, act, kept, session)
}

func (d Door) pending(act, kept, session string, now time.Time) (challenge []byte, until time.Time, ok bool) {
	until, ok = passkey.Until(kept, now)
	challenge = d.challenge(act, kept, session)
	return challenge, until, ok && len(challenge) > 0
}

func (d Door) holder(person, name string, keys ...Passkey) passkey.Holder {
	h := passkey.Holder{ID: d.Ring.Index(holderDomain, person), Name: name}
	for _, p := range keys {
		h.Keys = append(h.Keys, p.Key)
	}
	return h
}

// Passkeys returns those of the person, by number.
func (d Door) Passkeys(ctx context.Context, tx *db.Tx, s Session) ([]Passkey, error) {
	all, err := passkeysOf(ctx, tx, s.person)
	return slices.DeleteFunc(all, func(p Passkey) bool { return !p.Intact(d.Ring) }), err
}

func passkeysOf(ctx context.Context, tx *db.Tx, person string) ([]Passkey, error) {
	return db.All(ctx, tx, scanPasskey, `SELECT `+passkeyColumns+` FROM person_passkey WHERE person = $1 ORDER BY number`, person)
}

// Offer returns what a browser is to be asked, as JSON, so that its device makes a
// passkey for who is signed in and fresh; and what the browser is to keep. Errors:
// ErrNoPasskeys, ErrPasskeys, ErrStale, ErrByProvider.
func (d Door) Offer(ctx context.Context, tx *db.Tx, s Session) (options []byte, kept string, err error) {
	if err := d.mayAdd(ctx, tx, s); err != nil {
		return nil, "", err
	}
	all, err := passkeysOf(ctx, tx, s.person)
	if err != nil {
		return nil, "", err
	}
	if _, err := free(all); err != nil {
		return nil, "", err
	}
	kept = passkey.Keep(tx.Now())
	options, err = d.Site.Offer(d.holder(s.person, s.Person.Name, all...), d.challenge(making, kept, s.ID))
	return options, kept, err
}

func (d Door) mayAdd(ctx context.Context, tx *db.Tx, s Session) error {
	if d.Site == nil {
		return ErrNoPasskeys
	}
	if err := s.IsFresh(tx.Now()); err != nil {
		return err
	}
	return byProvider(ctx, tx, s.person)
}

// free returns the smallest number that none of them has. Errors: ErrPasskeys.
func free(all []Passkey) (int64, error) {
	for n := int64(1); n <= MaxPasskeys; n++ {
		if !slices.ContainsFunc(all, func(p Passkey) bool { return p.Number == n }) {
			return n, nil
		}
	}
	return 0, ErrPasskeys
}

// Add keeps the passkey that a device has made, by what its browser answered to Offer.
// Errors: ErrNotMade, whatever is wrong with that; those of Offer, ErrSignedOut.
func (d Door) Add(ctx context.Context, tx *db.Tx, s Session, kept string, answer []byte) error {
	if err := d.mayAdd(ctx, tx, s); err != nil {
		return err
	}
	challenge, until, ok := d.pending(making, kept, s.ID, tx.Now())
	if !ok {
		return ErrNotMade
	}
	key, err := d.Site.Made(d.holder(s.person, ""), challenge, answer)
	if err != nil {
		return ErrNotMade
	}
	first, err := passkey.Spend(ctx, tx, challenge, until)
	if err == nil && !first {
		err = ErrNotMade
	}
	if err != nil {
		return err
	}
	p, err := d.stays(ctx, tx, s)
	if err != nil {
		return err
	}
	all, err := passkeysOf(ctx, tx, p.ID)
	if err != nil {
		return err
	}
	made := Passkey{ID: id.New(id.StaffPasskey), Person: p.ID, Key: key, AddedAt: tx.Now()}
	if made.Number, err = free(all); err != nil {
		return err
	}
	made.bound = made.bind(d.Ring)
	n, err := tx.Exec(ctx, `
		INSERT INTO person_passkey (credential, id, person, number, public_key, eligible, bound, sign_count, added_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT DO NOTHING`,
		made.Key.ID, made.ID, made.Person, made.Number, made.Public, made.Eligible, made.bound, made.Count, (*db.Time)(&made.AddedAt))
	if err == nil && n != 1 {
		err = ErrNotMade // the device has it here already
	}
	if err != nil {
		return err
	}
	_, err = p.Note(ctx, tx, KindPasskeyAdded, p.Ledger(), PasskeyBody{Passkey: made.ID, Person: p.ID})
	return err
}

// stays locks the session's person, and makes sure that the session wasn't ended
// meanwhile: nobody who was signed out leaves a way in behind. Errors: ErrSignedOut.
func (d Door) stays(ctx context.Context, tx *db.Tx, s Session) (staff.Person, error) {
	p, err := staff.Lock(ctx, tx, s.person)
	if errors.Is(err, staff.ErrLeft) {
		err = ErrSignedOut
	}
	if err != nil {
		return staff.Person{}, err
	}
	now := tx.Now()
	n, err := tx.Exec(ctx, `UPDATE person_session SET seen_at = $1 WHERE secret = $2 AND ends_at > $1`, (*db.Time)(&now), s.secret)
	if err == nil && n != 1 {
		err = ErrSignedOut
	}
	return p, err
}

// Ask returns what a browser is to be asked, as JSON, so that its device shows a passkey
// of this site, whoever's it is; and what the browser is to keep. S is the session that
// is to be fresh again, or the zero Session. Errors: ErrNoPasskeys.
func (d Door) Ask(now time.Time, s Session) (options []byte, kept string, err error) {
	if d.Site == nil {
		return nil, "", ErrNoPasskeys
	}
	kept = passkey.Keep(now)
	options, err = d.Site.Ask(d.challenge(showing, kept, s.ID))
	return options, kept, err
}

// EnterByPasskey lets a person in by what a browser answered to Ask. Errors:
// ErrNoPasskeys; ErrPasskey, whatever is wrong.
func (d Door) EnterByPasskey(ctx context.Context, tx *db.Tx, kept, former string, answer []byte) (Session, string, error) {
	p, key, err := d.shown(ctx, tx, kept, Session{}, answer)
	if err != nil {
		return Session{}, "", err
	}
	return d.admit(ctx, tx, p, ByPasskey, key.ID, former, tx.Now())
}

// StepUpByPasskey is StepUp by a passkey of the same person.
func (d Door) StepUpByPasskey(ctx context.Context, tx *db.Tx, s Session, kept string, answer []byte) (string, error) {
	p, _, err := d.shown(ctx, tx, kept, s, answer)
	if err != nil {
		return "", err
	}
	return d.freshen(ctx, tx, s, p, ByPasskey)
}

// Shows returns ErrPasskey unless the browser answered rightly what it was asked, and whom
// that was to show, for Missed. It only reads, so that strangers keep nobody from writing.
func (d Door) Shows(ctx context.Context, tx *db.Tx, kept string, s Session, answer []byte) (Tried, error) {
	key, _, err := d.find(ctx, tx, kept, s, answer)
	tried := Tried{key.Person, key.ID}
	if key.ID != "" && s.ID != "" && s.person != key.Person {
		tried = Tried{person: s.person} // by a passkey of somebody else
	}
	return tried, err
}

// A Tried is whom an answer of a passkey was to show. The zero Tried is nobody: the answer
// named none that is here.
type Tried struct{ person, passkey string }

// Known reports whether there is anybody of whom Missed records it.
func (t Tried) Known() bool { return t.person != "" }

// Missed records that somebody tried to be a person by a passkey that is here, in vain: as
// many times as with a name, and then for a while none, so that nobody fills the ledger. It
// shuts nobody out, for there is nothing to guess. Of a passkey that isn't here nothing is
// recorded: it names nobody, and a stranger makes up as many as they like.
func (d Door) Missed(ctx context.Context, tx *db.Tx, t Tried) error {
	if !t.Known() {
		return nil
	}
	name := d.Ring.Index(missedDomain, t.person)
	wrong, err := count(ctx, tx, name)
	if _, often := errors.AsType[*Locked](err); often || errors.Is(err, ErrRefused) {
		return nil
	}
	if err != nil {
		return err
	}
	if until := shut(wrong, tx.Now()); !until.IsZero() {
		if err := shutTill(ctx, tx, name, until); err != nil {
			return err
		}
	}
	p, err := staff.Lock(ctx, tx, t.person)
	if errors.Is(err, staff.ErrLeft) || errors.Is(err, staff.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if t.passkey != "" {
		// Under the person's lock: one that was removed meanwhile is in no later entry.
		here, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM person_passkey WHERE id = $1 AND person = $2`, t.passkey, p.ID)
		if err != nil || here == 0 {
			return err
		}
	}
	_, err = p.Note(ctx, tx, KindFailed, "system:signin", TriedBody{Person: p.ID, Passkey: t.passkey})
	return err
}

// find returns the passkey that signed, with the count that its device told. Errors:
// ErrNoPasskeys, ErrPasskey.
func (d Door) find(ctx context.Context, tx *db.Tx, kept string, s Session, answer []byte) (p Passkey, count int64, err error) {
	if d.Site == nil {
		return Passkey{}, 0, ErrNoPasskeys
	}
	challenge, _, ok := d.pending(showing, kept, s.ID, tx.Now())
	if !ok {
		return Passkey{}, 0, ErrPasskey
	}
	count, err = d.Site.Shown(challenge, answer, func(name []byte) (passkey.Holder, error) {
		p, err = db.One(ctx, tx, scanPasskey, `SELECT `+passkeyColumns+` FROM person_passkey WHERE credential = $1`, name)
		switch {
		case errors.Is(err, db.ErrNone), err == nil && !p.Intact(d.Ring):
			p, err = Passkey{}, ErrPasskey
		case err == nil && s.ID != "" && s.person != p.Person:
			err = ErrPasskey
		}
		return d.holder(p.Person, "", p), err
	})
	if errors.Is(err, passkey.ErrAnswer) {
		err = ErrPasskey
	}
	return p, count, err
}

// shown is find for what follows: the challenge and the count are used up, and the
// person is locked.
func (d Door) shown(ctx context.Context, tx *db.Tx, kept string, s Session, answer []byte) (staff.Person, Passkey, error) {
	fail := func(err error) (staff.Person, Passkey, error) { return staff.Person{}, Passkey{}, err }
	key, count, err := d.find(ctx, tx, kept, s, answer)
	if err != nil {
		return fail(err)
	}
	challenge, until, _ := d.pending(showing, kept, s.ID, tx.Now())
	first, err := passkey.Spend(ctx, tx, challenge, until)
	if err == nil && !first {
		err = ErrPasskey
	}
	if err != nil {
		return fail(err)
	}
	p, err := staff.Lock(ctx, tx, key.Person)
	if errors.Is(err, staff.ErrLeft) || errors.Is(err, staff.ErrNotFound) || err == nil && !d.lets(p) {
		err = ErrPasskey
	}
	if err != nil {
		return fail(err)
	}
	// A count that another showing has changed since is another's.
	n, err := tx.Exec(ctx, `UPDATE person_passkey SET sign_count = $1 WHERE id = $2 AND sign_count = $3`, count, key.ID, key.Count)
	if err == nil && n != 1 {
		err = ErrPasskey
	}
	return p, key, err
}

// RemovePasskey removes one of the person's passkeys, and ends the person's other
// sessions: a device that is lost may be signed in. One that isn't there any more is
// removed already. Errors: ErrStale, ErrSignedOut.
func (d Door) RemovePasskey(ctx context.Context, tx *db.Tx, s Session, name string) error {
	if err := s.IsFresh(tx.Now()); err != nil {
		return err
	}
	p, err := d.stays(ctx, tx, s)
	if err != nil {
		return err
	}
	if err := removePasskey(ctx, tx, p, name, p.Ledger(), Unwanted); err != nil {
		return err
	}
	return endAll(ctx, tx, p, s.ID, p.Ledger(), Unlocked)
}

func removePasskey(ctx context.Context, tx *db.Tx, p staff.Person, name, actor string, why Why) error {
	n, err := tx.Exec(ctx, `DELETE FROM person_passkey WHERE id = $1 AND person = $2`, name, p.ID)
	if err != nil || n == 0 {
		return err
	}
	_, err = p.Note(ctx, tx, KindPasskeyRemoved, actor, PasskeyBody{Passkey: name, Person: p.ID, Why: why})
	return err
}

// removePasskeys removes all of the locked person's.
func removePasskeys(ctx context.Context, tx *db.Tx, p staff.Person, actor string, why Why) error {
	all, err := passkeysOf(ctx, tx, p.ID)
	if err != nil {
		return err
	}
	for _, key := range all {
		if err := removePasskey(ctx, tx, p, key.ID, actor, why); err != nil {
			return err
		}
	}
	return nil
}

// EachPasskey calls fn with every row, in the order of their names, for an audit.
func EachPasskey(ctx context.Context, tx *db.Tx, fn func(Passkey) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		p, err := scanPasskey(row)
		if err != nil {
			return err
		}
		return fn(p)
	}, `SELECT `+passkeyColumns+` FROM person_passkey ORDER BY id`)
}
