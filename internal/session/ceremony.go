package session

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/passkey"
)

// What follows is how guardians make and show passkeys: the ceremonies are those of
// package passkey.

// An act is what a challenge is for. One can't be answered with the other.
type act string

const (
	making  act = "make"
	showing act = "show"
)

const (
	challengeDomain = "session.challenge"
	holderDomain    = "session.passkey_holder"
)

// challenge computes the challenge that belongs to what a browser keeps, for a
// session where there is one. It is stored nowhere: whoever asks for many of them
// writes nothing.
func (d Door) challenge(a act, kept, session string) []byte {
	return d.Ring.Index(challengeDomain, string(a), kept, session)
}

// pending returns the challenge that is being answered, and until when it is good;
// false if it is no more.
func (d Door) pending(a act, kept, session string, now time.Time) (challenge []byte, until time.Time, ok bool) {
	until, ok = passkey.Until(kept, now)
	challenge = d.challenge(a, kept, session)
	return challenge, until, ok && len(challenge) > 0
}

// holder is a contact as a device knows it.
func (d Door) holder(h family.Handle, name string, keys ...Passkey) passkey.Holder {
	all := passkey.Holder{ID: d.Ring.Index(holderDomain, string(channel(h)), hex.EncodeToString(h.Hash)), Name: name}
	for _, p := range keys {
		all.Keys = append(all.Keys, passkey.Key{ID: p.credential, Public: p.key, Eligible: p.eligible, Count: p.count})
	}
	return all
}

// Offer returns what a browser is to be asked, as JSON, so that its device makes a
// passkey for the guardian, whom lists of passkeys call by name; and what the
// browser is to keep. A passkey makes no others: who has a guardian's device for
// a moment could stay. Errors: ErrNoPasskeys, ErrNeedsCode, ErrPasskeys.
func (d Door) Offer(ctx context.Context, tx *db.Tx, s Session, name string) (options []byte, kept string, err error) {
	if err := d.mayAdd(s); err != nil {
		return nil, "", err
	}
	all, err := ofContact(ctx, tx, s.contact)
	if err != nil {
		return nil, "", err
	}
	if _, err := free(all); err != nil {
		return nil, "", err
	}
	kept = passkey.Keep(tx.Now())
	options, err = d.Site.Offer(d.holder(s.handle(), name, all...), d.challenge(making, kept, s.ID))
	return options, kept, err
}

func (d Door) mayAdd(s Session) error {
	switch {
	case d.Site == nil:
		return ErrNoPasskeys
	case s.Passkey != "":
		return ErrNeedsCode
	}
	return nil
}

// Add keeps the passkey that a device has made for the guardian, by what its
// browser answered. Errors: ErrNotAdded, whatever is wrong with that; ErrNoPasskeys,
// ErrNeedsCode, ErrPasskeys, ErrSignedOut.
func (d Door) Add(ctx context.Context, tx *db.Tx, s Session, kept string, answer []byte) (Passkey, error) {
	if err := d.mayAdd(s); err != nil {
		return Passkey{}, err
	}
	challenge, until, ok := d.pending(making, kept, s.ID, tx.Now())
	if !ok {
		return Passkey{}, ErrNotAdded
	}
	made, err := d.Site.Made(d.holder(s.handle(), ""), challenge, answer)
	if err != nil {
		return Passkey{}, ErrNotAdded
	}
	first, err := passkey.Spend(ctx, tx, challenge, until)
	if err == nil && !first {
		err = ErrNotAdded
	}
	if err != nil {
		return Passkey{}, err
	}
	return d.add(ctx, tx, s, Passkey{credential: made.ID, key: made.Public, eligible: made.Eligible, count: made.Count})
}

// Ask returns what a browser is to be asked, as JSON, so that its device shows a
// passkey of this site, whoever's it is; and what the browser is to keep. Errors:
// ErrNoPasskeys.
func (d Door) Ask(now time.Time) (options []byte, kept string, err error) {
	if d.Site == nil {
		return nil, "", ErrNoPasskeys
	}
	kept = passkey.Keep(now)
	options, err = d.Site.Ask(d.challenge(showing, kept, ""))
	return options, kept, err
}

// Shows returns ErrPasskey unless the browser answered rightly what it was asked:
// EnterByPasskey would refuse it, too. It only reads, so that strangers keep nobody
// from writing.
func (d Door) Shows(ctx context.Context, tx *db.Tx, kept string, answer []byte) error {
	if d.Site == nil {
		return ErrNoPasskeys
	}
	challenge, _, ok := d.pending(showing, kept, "", tx.Now())
	if !ok {
		return ErrPasskey
	}
	_, _, err := d.shown(ctx, tx, challenge, answer)
	return err
}

// EnterByPasskey lets a guardian in by what a browser answered to Ask, as Enter
// does by a code. Errors: ErrNoPasskeys; ErrPasskey, whatever is wrong.
func (d Door) EnterByPasskey(ctx context.Context, tx *db.Tx, kept, former string, answer []byte) (Session, string, error) {
	fail := func(err error) (Session, string, error) { return Session{}, "", err }
	if d.Site == nil {
		return fail(ErrNoPasskeys)
	}
	challenge, until, ok := d.pending(showing, kept, "", tx.Now())
	if !ok {
		return fail(ErrPasskey)
	}
	p, count, err := d.shown(ctx, tx, challenge, answer)
	if err != nil {
		return fail(err)
	}
	known, err := ties(ctx, tx, d.Ring, p.handle())
	if err != nil {
		return fail(err)
	}
	if known = p.knew(known); len(known) == 0 {
		return fail(ErrPasskey) // the contact is nobody's any more, or somebody else's
	}
	first, err := passkey.Spend(ctx, tx, challenge, until)
	if err == nil && !first {
		err = ErrPasskey
	}
	if err == nil {
		err = use(ctx, tx, p, count)
	}
	if err != nil {
		return fail(err)
	}
	return d.admit(ctx, tx, former, p.handle(), p.ID, known)
}

// shown returns the passkey that signed the challenge, and the count that its
// device told. Errors: ErrPasskey.
func (d Door) shown(ctx context.Context, tx *db.Tx, challenge, answer []byte) (p Passkey, count int64, err error) {
	count, err = d.Site.Shown(challenge, answer, func(id []byte) (passkey.Holder, error) {
		if p, err = d.credential(ctx, tx, id); err != nil {
			return passkey.Holder{}, err
		}
		return d.holder(p.handle(), "", p), nil
	})
	if errors.Is(err, passkey.ErrAnswer) {
		err = ErrPasskey
	}
	if err != nil {
		return Passkey{}, 0, err
	}
	return p, count, nil
}
