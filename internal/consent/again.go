package consent

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/family"
)

// ErrUnanswered says that a request still waits for its answer: that one is to be
// answered, and not another.
var ErrUnanswered = errs.New(errs.Conflict, "consent.not_answered")

// againTTL is the life of a request that a guardian started: who thinks again is
// at the page now.
const againTTL = 24 * time.Hour

// AskAgain starts a request that a guardian wants who comes back through the link
// of an answered one: after a no only the guardian may begin anew (edge case 26).
// Without purposes it is about those of the answered request that this guardian
// hasn't agreed to as they are today. Nothing is sent, and a code proves again
// who answers. Errors: ErrUnanswered, ErrNotYours, ErrNothing, and those of Ask.
func (d Desk) AskAgain(ctx context.Context, tx *db.Tx, by family.Guardian, r Request, purposes []string) (Request, Secrets, string, error) {
	fail := func(err error) (Request, Secrets, string, error) { return Request{}, Secrets{}, "", err }
	switch {
	case by.Child != r.Child || by.ID != r.Guardian:
		return fail(ErrNotYours)
	case r.waits():
		return fail(ErrUnanswered)
	case r.State != Answered:
		return fail(r.Refusal())
	}
	child, err := family.Find(ctx, tx, r.Service, r.Child)
	if err != nil {
		return fail(err)
	}
	if len(purposes) == 0 {
		if purposes, err = d.notGranted(ctx, tx, by, r); err != nil {
			return fail(err)
		}
	}
	return d.Ask(ctx, tx, by, child, Asking{Guardian: by.ID, Purposes: purposes, Channel: Link, Locale: r.Locale, TTL: againTTL})
}

// notGranted returns the purposes of a request that are still in force and that
// the guardian hasn't agreed to. Errors: ErrNothing.
func (d Desk) notGranted(ctx context.Context, tx *db.Tx, by family.Guardian, r Request) (names []string, err error) {
	published, err := d.Charters.Current(ctx, tx, r.Service)
	if err != nil {
		return nil, err
	}
	answers, _, err := standing(ctx, tx, r.Child)
	if err != nil {
		return nil, err
	}
	for _, p := range r.Purposes {
		since, there := published.AskedSince[p]
		if there && !grantedBy(answers, by, p, since) {
			names = append(names, p)
		}
	}
	if len(names) == 0 {
		return nil, ErrNothing
	}
	return names, nil
}
