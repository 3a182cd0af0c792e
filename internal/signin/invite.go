package signin

import (
	"context"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/staff"
)

// ErrLink says that a link to set up a login leads nowhere: it was used, it is too old,
// another took its place, or it never was. Nobody is told which.
var ErrLink = errs.New(errs.Gone, "signin.link")

const (
	inviteLife = 24 * time.Hour
	renewLife  = 15 * time.Minute

	linkDomain  = "signin.link"
	inviteBound = "signin.invite_bound"
	offerDomain = "signin.totp_offer"

	issuer = "Wardkeep" // as an authenticator lists it
)

// An InvitedBody says that a person may set up how to sign in, and until when.
type InvitedBody struct {
	Person string `json:"person"`
	Until  int64  `json:"until"`
}

// A ResetBody says that whatever a person signed in with is good no more.
type ResetBody struct {
	Person string `json:"person"`
}

// Invite makes the link by which a person sets up how to sign in: its secret, good once
// and for 24 hours, in place of one that was open. Whoever makes it may be the one who
// uses it, so that stays known (staff.StandBehind). Errors: staff.ErrMayNot,
// staff.ErrTerminal, staff.ErrSelf, staff.ErrNotFound, staff.ErrLeft.
func (d Door) Invite(ctx context.Context, tx *db.Tx, by staff.Actor, person string) (link string, until time.Time, err error) {
	p, err := managed(ctx, tx, by, person)
	if err == nil {
		err = staff.StandBehind(ctx, tx, by, p)
	}
	if err != nil {
		return "", time.Time{}, err
	}
	return d.invite(ctx, tx, p, by.Ledger(), inviteLife)
}

// managed locks a person whose account by may change.
func managed(ctx context.Context, tx *db.Tx, by staff.Actor, person string) (staff.Person, error) {
	if by.Ledger() == (staff.Person{ID: person}).Ledger() {
		return staff.Person{}, staff.ErrSelf
	}
	p, err := staff.Lock(ctx, tx, person)
	if err != nil {
		return staff.Person{}, err
	}
	return p, staff.Manages(ctx, tx, by, p)
}

// Renew makes such a link for a person who is signed in and fresh, to change password,
// authenticator and list: it is good for a quarter of an hour. Errors: ErrStale,
// ErrSignedOut.
func (d Door) Renew(ctx context.Context, tx *db.Tx, s Session) (link string, err error) {
	if err := s.IsFresh(tx.Now()); err != nil {
		return "", err
	}
	p, err := staff.Lock(ctx, tx, s.person)
	if errors.Is(err, staff.ErrLeft) {
		err = ErrSignedOut
	}
	if err != nil {
		return "", err
	}
	link, _, err = d.invite(ctx, tx, p, p.Ledger(), renewLife)
	return link, err
}

func (d Door) invite(ctx context.Context, tx *db.Tx, p staff.Person, actor string, life time.Duration) (string, time.Time, error) {
	link, until := id.Secret(32), tx.Now().Add(life)
	if err := tx.Queue(ctx, `DELETE FROM person_invite WHERE person = $1`, p.ID); err != nil {
		return "", time.Time{}, err
	}
	err := tx.Queue(ctx, `INSERT INTO person_invite (person, token, bound, until) VALUES ($1, $2, $3, $4)`,
		p.ID, d.Ring.Index(linkDomain, link), d.boundLink(link, p.ID, until), (*db.Time)(&until))
	if err != nil {
		return "", time.Time{}, err
	}
	_, err = p.Note(ctx, tx, KindInvited, actor, InvitedBody{Person: p.ID, Until: until.UnixMicro()})
	return link, until, err
}

// boundLink hashes a link with its row: one that was made another person's, or younger,
// leads nowhere.
func (d Door) boundLink(link, person string, until time.Time) []byte {
	return d.Ring.Index(inviteBound, link, person, micros(until))
}

// Open returns whose link it is, and what to tell the person's authenticator. Errors:
// ErrLink.
func (d Door) Open(ctx context.Context, tx *db.Tx, link string) (SettingUp, error) {
	if link == "" || len(link) > maxSecret {
		return SettingUp{}, ErrLink
	}
	var person string
	var bound []byte
	var at SettingUp
	_, err := db.One(ctx, tx, func(row db.Row) (struct{}, error) {
		return struct{}{}, row.Scan(&person, &bound, (*db.Time)(&at.Until))
	}, `SELECT person, bound, until FROM person_invite WHERE token = $1`, d.Ring.Index(linkDomain, link))
	if errors.Is(err, db.ErrNone) || err == nil && (!tx.Now().Before(at.Until) || subtle.ConstantTimeCompare(bound, d.boundLink(link, person, at.Until)) != 1) {
		err = ErrLink
	}
	if err != nil {
		return SettingUp{}, err
	}
	at.Person, err = staff.Find(ctx, tx, person)
	if errors.Is(err, staff.ErrNotFound) || err == nil && at.Person.State != staff.Active {
		err = ErrLink
	}
	if err != nil {
		return SettingUp{}, err
	}
	at.secret = d.Ring.Index(offerDomain, link)[:totpLen]
	key, err := authenticator(issuer, at.Person, at.secret)
	if err != nil {
		return SettingUp{}, err
	}
	at.Authenticator = key.URL()
	at.Secret = base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(at.secret)
	return at, nil
}

// Reset makes whatever a person signs in with good no more, ends its sessions, and
// returns a new link as Invite does: for who has lost the phone, or may have lost the
// password to somebody. Errors: those of Invite.
func (d Door) Reset(ctx context.Context, tx *db.Tx, by staff.Actor, person string) (link string, until time.Time, err error) {
	p, err := managed(ctx, tx, by, person)
	if err != nil {
		return "", time.Time{}, err
	}
	if err := reset(ctx, tx, p, by.Ledger()); err != nil {
		return "", time.Time{}, err
	}
	if err := staff.StandBehind(ctx, tx, by, p); err != nil {
		return "", time.Time{}, err
	}
	return d.invite(ctx, tx, p, by.Ledger(), inviteLife)
}

func reset(ctx context.Context, tx *db.Tx, p staff.Person, actor string) error {
	if err := forget(ctx, tx, p, actor, WasReset); err != nil {
		return err
	}
	_, err := p.Note(ctx, tx, KindReset, actor, ResetBody{Person: p.ID})
	return err
}

// ResetAgain is Reset without a new link, in a store that was put back: what the person
// signs in with may have been changed since, for a reason.
func ResetAgain(ctx context.Context, tx *db.Tx, by staff.Actor, person string) error {
	p, err := staff.Lock(ctx, tx, person)
	if errors.Is(err, staff.ErrLeft) || errors.Is(err, staff.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return reset(ctx, tx, p, by.Ledger())
}
