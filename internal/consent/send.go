package consent

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
)

// Why a request isn't sent again.
var (
	ErrSent  = errs.New(errs.TooMany, "consent.sent_too_often") // it was a moment ago
	ErrSends = errs.New(errs.Conflict, "consent.sends_used_up") // it was as often as it may be: waiting doesn't help
)

const (
	maxSends  = 5               // of one request
	sendPause = 1 * time.Minute // between two
)

// A Contact is where a message to a guardian goes. Its sender works after the
// commit: if we crash before it, nothing was sent and nothing is recorded; after
// it, a message may be missing, and can be sent again.
type Contact struct {
	Channel Channel // SMS or Email
	To      pii.Text
}

// Send records that the request is sent now and returns where to, with secrets
// to send: those of Ask are known to nobody any more, and stay good. Errors:
// ErrSent, ErrSends, ErrRefused, ErrContact, and why the request has ended.
func (d Desk) Send(ctx context.Context, tx *db.Tx, by Asker, r Request) (Request, Secrets, Contact, string, error) {
	fail := func(err error) (Request, Secrets, Contact, string, error) {
		return r, Secrets{}, Contact{}, "", err
	}
	if err := may(by, r.Service, r.Child); err != nil {
		return fail(err)
	}
	c, r, err := lock(ctx, tx, r)
	if err != nil {
		return fail(err)
	}
	if err := r.Refusal(); err != nil {
		return fail(err)
	}
	g, err := asked(ctx, tx, r)
	if err != nil {
		return fail(err)
	}
	if err := d.stillAsks(ctx, tx, r); err != nil {
		return fail(err)
	}
	to, err := d.contact(ctx, tx, c, g, r.Channel)
	if err != nil {
		return fail(err)
	}
	now, pause := tx.Now(), tx.Now().Add(-sendPause)
	n, err := tx.Exec(ctx, `
		UPDATE consent_request SET sends = sends + 1, sent_at = $1
		WHERE child = $2 AND id = $3 AND sends < $4 AND (sent_at IS NULL OR sent_at <= $5)`,
		(*db.Time)(&now), r.Child, r.ID, int64(maxSends), (*db.Time)(&pause))
	switch {
	case err != nil:
		return fail(err)
	case n != 1 && r.Sends >= maxSends:
		return fail(ErrSends)
	case n != 1:
		return fail(ErrSent)
	}
	r.Sends, r.SentAt = r.Sends+1, now
	secrets, err := d.link(ctx, tx, r)
	if err != nil {
		return fail(err)
	}
	entry, err := note(ctx, tx, c, KindSent, by.Ledger(), RequestBody{Request: r.ID, Sends: r.Sends})
	return r, secrets, to, entry, err
}

// stillAsks refuses to send what was refused since it was written (edge case
// 26), or would be outdated when it arrives.
func (d Desk) stillAsks(ctx context.Context, tx *db.Tx, r Request) error {
	if err := r.goesOn(ctx, tx); err != nil {
		return err
	}
	now, err := d.Charters.Current(ctx, tx, r.Service)
	if err != nil {
		return err
	}
	answers, guardians, err := standing(ctx, tx, r.Child)
	if err != nil {
		return err
	}
	return r.unasked(now, answers, guardians)
}

// unasked returns why the request asks nothing that may be asked now, or nil.
func (r Request) unasked(now catalog.Published, answers []Answer, guardians []family.Guardian) error {
	if outdated(r, now) {
		return ErrAsked
	}
	for _, p := range r.Purposes {
		for _, a := range answers {
			if !a.GivenAt.Before(r.CreatedAt) && refusedBefore([]Answer{a}, guardians, p, now.AskedSince[p]) {
				return ErrRefused.At("purposes." + p)
			}
		}
	}
	return nil
}

// asked returns the guardian of a request, if it is still one.
func asked(ctx context.Context, tx *db.Tx, r Request) (family.Guardian, error) {
	var all []family.Guardian
	if err := tx.Together(ctx, family.ReadGuardians(&all, r.Child)); err != nil {
		return family.Guardian{}, err
	}
	g, ok := guardian(all, r.Guardian)
	if !ok || !g.EndedAt.IsZero() || !g.Relation.MaySpeak() && g.Relation != family.Self {
		return family.Guardian{}, ErrMayNot
	}
	return g, nil
}

// contact returns where to reach a guardian. For a link it is whatever there is,
// the phone first.
func (d Desk) contact(ctx context.Context, tx *db.Tx, c family.Child, g family.Guardian, by Channel) (Contact, error) {
	phone, email, _, err := family.Contact(ctx, tx, d.Ring, c, g.ID)
	switch {
	case err != nil:
		return Contact{}, err
	case by != Email && !phone.IsZero():
		return Contact{SMS, phone}, nil
	case by != SMS && !email.IsZero():
		return Contact{Email, email}, nil
	}
	return Contact{}, ErrContact.At("channel")
}
