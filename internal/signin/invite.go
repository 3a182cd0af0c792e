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
	"wardkeep/internal/catalog"
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

// An InvitedBody says that a person may set up how to sign in, until when, and, of a link
// that it asked for itself, with which of its sessions that ends.
type InvitedBody struct {
	Person  string `json:"person"`
	Until   int64  `json:"until"`
	Session string `json:"session,omitempty"`
}

// A Browser is what one holds that comes with a link.
type Browser struct {
	Kept    string // what it was given when it opened the link for the first time (Keep)
	Session string // the secret of its session, or ""
}

// Keep returns what a browser is given when it opens a link for the first time. What its
// authenticator is told is computed from both: who has seen the link, in another browser,
// knows nothing of that.
func Keep() string { return id.Secret(32) }

// A ResetBody says that whatever a person signed in with is good no more.
type ResetBody struct {
	Person string `json:"person"`
}

// Invite makes the link by which a person sets up how to sign in: its secret, good once
// and for 24 hours, in place of one that was open. Whoever makes it may be the one who
// uses it, so that stays known (staff.StandBehind). Errors: staff.ErrMayNot,
// staff.ErrTerminal, staff.ErrSelf, staff.ErrNotFound, staff.ErrLeft, ErrByProvider.
func (d Door) Invite(ctx context.Context, tx *db.Tx, by staff.Actor, person string) (link string, until time.Time, err error) {
	p, err := managed(ctx, tx, by, person)
	if err == nil {
		err = staff.StandBehind(ctx, tx, by, p)
	}
	if err != nil {
		return "", time.Time{}, err
	}
	return d.invite(ctx, tx, p, by.Ledger(), "", inviteLife)
}

// managed locks a person inside whose account by may change.
func managed(ctx context.Context, tx *db.Tx, by staff.Actor, person string) (staff.Person, error) {
	if by.Ledger() == (staff.Person{ID: person}).Ledger() {
		return staff.Person{}, staff.ErrSelf
	}
	p, err := staff.Lock(ctx, tx, person)
	if err == nil && p.Seat != "" {
		err = staff.ErrNotFound
	}
	if err != nil {
		return staff.Person{}, err
	}
	return p, staff.Manages(ctx, tx, by, p)
}

// Renew makes such a link for a person who is signed in and fresh, to change password,
// authenticator and list: it is good for a quarter of an hour, in that session and no
// longer than it. Errors: ErrStale, ErrSignedOut.
func (d Door) Renew(ctx context.Context, tx *db.Tx, s Session) (link string, err error) {
	if err := s.IsFresh(tx.Now()); err != nil {
		return "", err
	}
	p, err := d.stays(ctx, tx, s)
	if err != nil {
		return "", err
	}
	link, _, err = d.invite(ctx, tx, p, p.Ledger(), s.ID, renewLife)
	return link, err
}

func (d Door) invite(ctx context.Context, tx *db.Tx, p staff.Person, actor, session string, life time.Duration) (string, time.Time, error) {
	if err := byProvider(ctx, tx, p.ID); err != nil {
		return "", time.Time{}, err
	}
	link, until := id.Secret(32), tx.Now().Add(life)
	if err := tx.Queue(ctx, `DELETE FROM person_invite WHERE person = $1`, p.ID); err != nil {
		return "", time.Time{}, err
	}
	err := tx.Queue(ctx, `INSERT INTO person_invite (person, session, token, bound, until) VALUES ($1, $2, $3, $4, $5)`,
		p.ID, session, d.Ring.Index(linkDomain, link), d.boundLink(link, p.ID, session, until), (*db.Time)(&until))
	if err != nil {
		return "", time.Time{}, err
	}
	_, err = p.Note(ctx, tx, KindInvited, actor, InvitedBody{Person: p.ID, Until: until.UnixMicro(), Session: session})
	return link, until, err
}

// boundLink hashes a link with its row: one that was made another person's, or younger,
// or freed from its session, leads nowhere.
func (d Door) boundLink(link, person, session string, until time.Time) []byte {
	return d.Ring.Index(inviteBound, link, person, session, micros(until))
}

// Open returns whose link it is, and what to tell the person's authenticator in this
// browser. Errors: ErrLink.
func (d Door) Open(ctx context.Context, tx *db.Tx, link string, by Browser) (SettingUp, error) {
	at, err := d.open(ctx, tx, link, by)
	if err != nil {
		return SettingUp{}, err
	}
	at.known, err = known(ctx, tx)
	at.known = append(at.known, at.Person.Name, issuer)
	return at, err
}

func (d Door) open(ctx context.Context, tx *db.Tx, link string, by Browser) (SettingUp, error) {
	if link == "" || len(link) > maxSecret || by.Kept == "" || len(by.Kept) > maxSecret {
		return SettingUp{}, ErrLink
	}
	var person, session string
	var bound []byte
	var at SettingUp
	_, err := db.One(ctx, tx, func(row db.Row) (struct{}, error) {
		return struct{}{}, row.Scan(&person, &session, &bound, (*db.Time)(&at.Until))
	}, `SELECT person, session, bound, until FROM person_invite WHERE token = $1`, d.Ring.Index(linkDomain, link))
	if errors.Is(err, db.ErrNone) || err == nil && (!tx.Now().Before(at.Until) || subtle.ConstantTimeCompare(bound, d.boundLink(link, person, session, at.Until)) != 1) {
		err = ErrLink
	}
	if err == nil && session != "" {
		err = d.renews(ctx, tx, session, by)
	}
	if err != nil {
		return SettingUp{}, err
	}
	at.Person, err = staff.Find(ctx, tx, person)
	if errors.Is(err, staff.ErrNotFound) || err == nil && (at.Person.State != staff.Active || !d.lets(at.Person)) {
		err = ErrLink
	}
	if err != nil {
		return SettingUp{}, err
	}
	at.secret = d.Ring.Index(offerDomain, link, by.Kept)[:totpLen]
	key, err := authenticator(issuer, at.Person, at.secret)
	if err != nil {
		return SettingUp{}, err
	}
	at.Authenticator = key.URL()
	at.Secret = base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(at.secret)
	return at, nil
}

// known returns the names of the services, and of who runs them, as their guardians read
// them: what somebody tries first who knows where a person works.
func known(ctx context.Context, tx *db.Tx) (names []string, err error) {
	all, err := catalog.List(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		names = append(names, s.Name)
		p, err := catalog.Current(ctx, tx, s.Name)
		if errors.Is(err, catalog.ErrNoCharter) {
			continue
		}
		if err != nil {
			return nil, err
		}
		c := p.Charter
		names = append(names, c.Name.ZH, c.Name.EN, c.Operator.Name.ZH, c.Operator.Name.EN)
	}
	return names, nil
}

// renews returns nil if the browser is signed in by the session in which the link was
// asked for. Errors: ErrLink.
func (d Door) renews(ctx context.Context, tx *db.Tx, session string, by Browser) error {
	in, err := d.Find(ctx, tx, by.Session)
	if errors.Is(err, ErrSignedOut) || err == nil && in.ID != session {
		return ErrLink
	}
	return err
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
	// Who comes by the provider gets no link; what they were signed in by is over.
	switch err := byProvider(ctx, tx, p.ID); {
	case errors.Is(err, ErrByProvider):
		return "", time.Time{}, db.Recorded(err)
	case err != nil:
		return "", time.Time{}, err
	}
	if err := staff.StandBehind(ctx, tx, by, p); err != nil {
		return "", time.Time{}, err
	}
	return d.invite(ctx, tx, p, by.Ledger(), "", inviteLife)
}

func reset(ctx context.Context, tx *db.Tx, p staff.Person, actor string) error {
	if err := forget(ctx, tx, p, actor, WasReset); err != nil {
		return err
	}
	if err := staff.ForgetRecipient(ctx, tx, p); err != nil {
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
