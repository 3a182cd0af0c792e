package consent

import (
	"context"
	"errors"
	"slices"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
)

// A holder is whoever has the link of a request or the page that shows it. It
// may have the guardian told again, at the contact on file and nowhere else:
// it learns nothing and proves nothing.
type holder struct {
	child   family.ID
	request string
}

// Ledger returns the actor's name in the ledger: "link:cr_…".
func (h holder) Ledger() string { return "link:" + h.request }

// SendAgain sends a request that waits once more, for whoever has its link or
// its page. Its limits are those of Send, counted together with them. The
// secrets are for the message: they are never shown to who asks. Errors: those of
// Send.
func (d Desk) SendAgain(ctx context.Context, tx *db.Tx, r Request) (Request, Secrets, Contact, string, error) {
	return d.Send(ctx, tx, holder{r.Child, r.ID}, r)
}

// A Renewal is what is to be sent in place of an old link. The zero Renewal is
// nothing, and whoever asked for it isn't told so, or why.
type Renewal struct {
	Request Request
	Secrets Secrets
	To      Contact
}

// ErrRenewals says that a guardian's old links were renewed often enough for now.
var ErrRenewals = errs.New(errs.TooMany, "consent.renewed_too_often")

const renewalDomain = "consent.renewal"

// Renew sends the guardian a new link in place of one that ran out, or whose
// request a newer charter has overtaken, for whoever has the old one. What waits
// for the guardian already is sent again; else a new request asks what of the old
// one is asked today and has no answer of this guardian: a no stays a no (edge case
// 26), and a yes stays a yes. What became of the request is nothing to whoever
// found an old link. So each renewal is counted first, with those by all other
// links of the guardian, and whatever keeps it from being sent is the zero Renewal.
// Errors: ErrUnanswered while the old link is good, ErrMinorsEnd for a minor's, ErrRenewals after too many in
// an hour, why the request has ended otherwise, ErrCeasing.
func (d Desk) Renew(ctx context.Context, tx *db.Tx, old Request) (Renewal, error) {
	c, old, err := lock(ctx, tx, old)
	if err != nil {
		return Renewal{}, err
	}
	// It is public that a service ends: whoever has an old link is told.
	if err := mayAsk(ctx, tx, old.Service, old.Purposes); err != nil {
		return Renewal{}, err
	}
	published, err := d.Charters.Current(ctx, tx, old.Service)
	switch {
	case err != nil:
		return Renewal{}, err
	case old.State == Answered || old.State == Cancelled:
		return Renewal{}, old.Refusal()
	case old.State != Expired && !outdated(old, published):
		return Renewal{}, ErrUnanswered
	}
	// Edge case 4: nothing is sent to a minor, whose app leads it to what is asked.
	switch minor, err := OfMinor(ctx, tx, old); {
	case err != nil:
		return Renewal{}, err
	case minor:
		return Renewal{}, ErrMinorsEnd
	}
	err = countSend(ctx, tx, d.Ring.Index(renewalDomain, string(old.Child), string(old.Guardian)))
	if errors.Is(err, ErrCodeSends) {
		return Renewal{}, ErrRenewals
	}
	if err != nil {
		return Renewal{}, err
	}
	to, err := d.renew(ctx, tx, c, old, published)
	if untold(err) {
		return Renewal{}, nil // it counts all the same
	}
	return to, err
}

// renew is Renew of what may be renewed and was counted.
func (d Desk) renew(ctx context.Context, tx *db.Tx, c family.Child, old Request, published catalog.Published) (to Renewal, err error) {
	// Before anything is written: who can't be reached isn't asked.
	g, err := asked(ctx, tx, old)
	if err != nil {
		return Renewal{}, err
	}
	if _, err := d.contact(ctx, tx, c, g, old.Channel); err != nil {
		return Renewal{}, err
	}
	by := holder{old.Child, old.ID}
	r, waits, err := d.waiting(ctx, tx, c, g, published)
	if err != nil {
		return Renewal{}, err
	}
	if !waits {
		asking, err := d.anew(c, old, published)
		if err != nil {
			return Renewal{}, err
		}
		if r, _, _, err = d.Ask(ctx, tx, by, c, asking); err != nil {
			return Renewal{}, err
		}
	}
	to.Request, to.Secrets, to.To, _, err = d.Send(ctx, tx, by, r)
	return to, err
}

// anew is what an old request asks and the charter in force does, too. Errors:
// ErrNothing.
func (d Desk) anew(c family.Child, old Request, published catalog.Published) (a Asking, err error) {
	a = Asking{Guardian: old.Guardian, Channel: old.Channel, Locale: old.Locale}
	a.Purposes = slices.DeleteFunc(slices.Clone(old.Purposes), func(p string) bool {
		_, there := published.AskedSince[p]
		return !there
	})
	if len(a.Purposes) == 0 {
		return a, ErrNothing // and not whatever else there is
	}
	if a.Nickname, a.ReturnURL, err = d.Face(c, old); err != nil {
		return a, err
	}
	if !published.Charter.Returns(a.ReturnURL.Reveal()) {
		a.ReturnURL = pii.Text{}
	}
	return a, nil
}

// waiting returns the last request that waits for a guardian's answer, to what is
// asked today and what the guardian hasn't agreed to meanwhile, and whether there
// is one. One that Send wouldn't send any more, because some of it was refused since
// or because it was sent as often as it may be, would only stand in the way of what
// may be asked.
func (d Desk) waiting(ctx context.Context, tx *db.Tx, c family.Child, g family.Guardian, published catalog.Published) (last Request, waits bool, err error) {
	all, err := Requests(ctx, tx, c.ID)
	if err != nil {
		return last, false, err
	}
	answers, guardians, err := standing(ctx, tx, c.ID)
	if err != nil {
		return last, false, err
	}
	class, err := c.Class(d.Ring, tx.Now())
	if err != nil {
		return last, false, err
	}
	counting := Counting(answers, guardians, class)
	for _, r := range all {
		agreed := slices.ContainsFunc(r.Purposes, func(p string) bool { return grantedBy(counting, g, p, published.AskedSince[p]) })
		if r.Guardian == g.ID && r.waits() && r.Sends < maxSends && !agreed && r.unasked(published, answers, guardians) == nil {
			last, waits = r, true
		}
	}
	return last, waits, nil
}

// AskOnce is Ask, unless something waits for the guardian's answer already: that is
// returned, with neither secrets nor entry, for whoever sends it again. Errors:
// those of Ask.
func (d Desk) AskOnce(ctx context.Context, tx *db.Tx, by Asker, child family.Child, a Asking) (Request, Secrets, string, error) {
	fail := func(err error) (Request, Secrets, string, error) { return Request{}, Secrets{}, "", err }
	if err := may(by, child.Service, child.ID); err != nil {
		return fail(err)
	}
	c, err := family.Lock(ctx, tx, child.Service, child.ID)
	if err != nil {
		return fail(err)
	}
	published, err := d.Charters.Current(ctx, tx, c.Service)
	if err != nil {
		return fail(err)
	}
	r, waits, err := d.waiting(ctx, tx, c, family.Guardian{ID: a.Guardian}, published)
	if err != nil {
		return fail(err)
	}
	if waits {
		return r, Secrets{}, "", nil
	}
	return d.Ask(ctx, tx, by, c, a)
}

// untold reports whether a refusal would say something about the child, its
// guardians or their answers.
func untold(err error) bool {
	for _, quiet := range []error{ErrNothing, ErrRefused, ErrAnswerers, ErrMayNot, ErrContact, ErrMany, ErrSent, ErrSends, ErrOver, ErrCeasing} {
		if errors.Is(err, quiet) {
			return true
		}
	}
	return false
}

// MayRenew reports whether Renew may help whoever met this refusal.
func MayRenew(err error) bool { return errors.Is(err, ErrExpired) || errors.Is(err, ErrAsked) }
