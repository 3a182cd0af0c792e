package consent

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/family"
)

// A Reached is how a guardian is told something: where, in which language, and
// through which request it comes back.
type Reached struct {
	Child    family.Child
	Contacts []Contact // the guardian's channel first; none if there is none
	Lang     string    // in which it answered last; until it has answered, in which it was asked
	Back     Request
	Touched  bool // something was sent to it, or it has opened a link
}

// Reach returns how a guardian in office is told something. The child is held: a
// link that is made for the message doesn't outlive an erasure. Errors: ErrMayNot
// for who is no guardian any more, ErrNoRequest for who was never asked, and
// those of family.Hold.
func (d Desk) Reach(ctx context.Context, tx *db.Tx, child family.Child, guardian family.GuardianID) (Reached, error) {
	c, err := family.Hold(ctx, tx, child.Service, child.ID)
	if err != nil {
		return Reached{}, err
	}
	all, err := Requests(ctx, tx, c.ID)
	if err != nil {
		return Reached{}, err
	}
	to := Reached{Child: c, Back: back(all, guardian)}
	if to.Back.ID == "" {
		return Reached{}, ErrNoRequest
	}
	var last Request
	for _, r := range all {
		if r.Guardian == guardian {
			last, to.Touched = r, to.Touched || r.Sends > 0 || r.Shown.Lang != ""
		}
	}
	to.Lang = langOf(all, guardian)
	to.Contacts, err = d.contacts(ctx, tx, c, last)
	return to, err
}

// langOf returns the language in which a guardian answered last; until it has answered,
// in which it was asked.
func langOf(all []Request, guardian family.GuardianID) string {
	var last, answered Request
	for _, r := range all {
		if r.Guardian != guardian {
			continue
		}
		last = r
		if r.State == Answered && !r.AnsweredAt.Before(answered.AnsweredAt) {
			answered = r
		}
	}
	if answered.ID != "" {
		return answered.Lang()
	}
	return last.Lang()
}

// back returns the request through which a guardian comes back: the last one that
// it answered and, failing that, the last one that waits, that ran out, or that
// there is; the zero Request if there is none.
func back(all []Request, guardian family.GuardianID) (last Request) {
	for _, r := range all {
		if r.Guardian == guardian && r.good() >= last.good() {
			last = r
		}
	}
	return last
}

// good says how well a guardian comes back through the request, the more the
// better.
func (r Request) good() int {
	switch {
	case r.State == Answered:
		return 3
	case r.waits():
		return 2
	case r.State == Expired:
		return 1
	}
	return 0
}

const messageDomain = "consent.message"

// Lead makes a link to a request for a message about something, whose child is
// held, and returns its secret: the same one however often it is called, so that
// a message that is sent twice is the same message. To a request that ran out it
// leads, too: there the guardian has a new one sent (see Renew). Errors: why it
// leads nowhere: ErrCancelled, and ErrExpired for what will soon be forgotten, or is.
func (d Desk) Lead(ctx context.Context, tx *db.Tx, r Request, about string) (token string, err error) {
	if r.State == Cancelled || r.State == Expired && !tx.Now().Before(r.ExpiresAt.Add(leads)) {
		return "", r.Refusal()
	}
	token = id.Text(d.Ring.Index(messageDomain, r.ID, about))
	return token, d.leadOnce(ctx, tx, r, d.Ring.Index(linkDomain, token))
}
