package consent

import (
	"context"
	"errors"
	"slices"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
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

// Renew sends the guardian a new link in place of one that ran out, or whose
// request a newer charter has overtaken, for whoever has the old one. What waits
// for the guardian already is sent again; else a new request asks what the old
// one asked and is asked today. A no stays a no (edge case 26). Its limits are those
// of Send: whoever asks twice has what waits by then sent again. Errors: ErrUnanswered while the old link is
// good, ErrSent, why the request has ended otherwise, and those of Ask and Send.
func (d Desk) Renew(ctx context.Context, tx *db.Tx, old Request) (Request, Secrets, Contact, string, error) {
	fail := func(err error) (Request, Secrets, Contact, string, error) {
		return old, Secrets{}, Contact{}, "", err
	}
	by := holder{old.Child, old.ID}
	c, old, err := lock(ctx, tx, old)
	if err != nil {
		return fail(err)
	}
	published, err := d.Charters.Current(ctx, tx, old.Service)
	switch {
	case err != nil:
		return fail(err)
	case old.State == Answered || old.State == Cancelled:
		return fail(old.Refusal())
	case old.State != Expired && !outdated(old, published):
		return fail(ErrUnanswered)
	}
	// Before anything is written: who can't be reached isn't asked.
	g, err := asked(ctx, tx, old)
	if err != nil {
		return fail(err)
	}
	if _, err := d.contact(ctx, tx, c, g, old.Channel); err != nil {
		return fail(err)
	}
	all, err := Requests(ctx, tx, c.ID)
	if err != nil {
		return fail(err)
	}
	for _, r := range all {
		if r.Guardian == old.Guardian && r.waits() && !outdated(r, published) {
			return d.Send(ctx, tx, by, r)
		}
	}
	asking := Asking{Guardian: old.Guardian, Purposes: slices.Clone(old.Purposes), Channel: old.Channel, Locale: old.Locale}
	asking.Purposes = slices.DeleteFunc(asking.Purposes, func(p string) bool {
		_, there := published.AskedSince[p]
		return !there
	})
	if asking.Nickname, asking.ReturnURL, err = d.Face(c, old); err != nil {
		return fail(err)
	}
	if !published.Charter.Returns(asking.ReturnURL.Reveal()) {
		asking.ReturnURL = pii.Text{}
	}
	r, _, _, err := d.Ask(ctx, tx, by, c, asking)
	if err != nil {
		return fail(err)
	}
	return d.Send(ctx, tx, by, r)
}

// MayRenew reports whether Renew may help whoever met this refusal.
func MayRenew(err error) bool { return errors.Is(err, ErrExpired) || errors.Is(err, ErrAsked) }
