package consent

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
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
// who answers. What waits for the guardian about the same is not asked twice: see
// Ask. Errors: ErrUnanswered, ErrNotYours, ErrNothing, and those of Ask.
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

// ofItself reports whether a guardian asks what it will answer at once, at the page
// that the link leads to.
func (a Asking) ofItself(by Asker, to family.Guardian) bool {
	g, ok := by.(family.Guardian)
	return ok && g.ID == to.ID && a.Channel == Link && a.Payload.IsZero() && a.ReturnURL.IsZero() && a.Nickname.IsZero()
}

// like returns the last request that waits for the same guardian's answer about the
// same purposes as r, which isn't written yet, and whether there is one. One that is
// about to run out is none, unless r would run out with it, nor is one that takes no answer since
// the service is taken over.
func like(ctx context.Context, tx *db.Tx, r Request, published catalog.Published) (last Request, waits bool, err error) {
	all, err := Requests(ctx, tx, r.Child)
	if err != nil {
		return last, false, err
	}
	s, err := catalog.Find(ctx, tx, r.Service)
	if err != nil {
		return last, false, err
	}
	for _, was := range all {
		if was.predates(s) {
			continue
		}
		ends := r.ExpiresAt.After(was.ExpiresAt) && was.ExpiresAt.Before(tx.Now().Add(ProofLife))
		if was.Guardian == r.Guardian && was.waits() && !outdated(was, published) && !ends && slices.Equal(was.Purposes, r.Purposes) {
			last, waits = was, true
		}
	}
	return last, waits, nil
}

const againDomain = "consent.again"

// leadAgain leads to a request that waits by a link of its own, the same one however
// often it is called.
func (d Desk) leadAgain(ctx context.Context, tx *db.Tx, r Request) (Secrets, error) {
	token := id.Text(d.Ring.Index(againDomain, r.ID))
	return Secrets{Token: token}, d.leadOnce(ctx, tx, r, d.Ring.Index(linkDomain, token))
}

// notGranted returns the purposes of a request that are still in force and that
// the guardian hasn't agreed to. Errors: ErrNothing.
func (d Desk) notGranted(ctx context.Context, tx *db.Tx, by family.Guardian, r Request) (names []string, err error) {
	published, err := d.Charters.Current(ctx, tx, r.Service)
	if err != nil {
		return nil, err
	}
	answers, guardians, err := standing(ctx, tx, r.Child)
	if err != nil {
		return nil, err
	}
	answers = Counting(answers, guardians, classOf(by))
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

// AnsweredBefore returns, of the purposes that a request asks, those that its
// guardian answered to an earlier charter, with the number of the last one. It
// is for the page that says what changed since; no earlier answer presets one.
func AnsweredBefore(ctx context.Context, tx *db.Tx, r Request) (map[string]int64, error) {
	before := make(map[string]int64)
	err := db.Each(ctx, tx, func(row db.Row) error {
		var purpose string
		var charter int64
		if err := row.Scan(&purpose, &charter); err != nil {
			return err
		}
		if charter < r.Charter && slices.Contains(r.Purposes, purpose) {
			before[purpose] = charter
		}
		return nil
	}, `SELECT purpose, max(charter) FROM consent WHERE child = $1 AND guardian = $2 GROUP BY purpose`, r.Child, r.Guardian)
	return before, err
}

// ChangedSince returns how the charter of a request changed materially since its
// guardian answered last (Article 10), for the purposes that are asked again and
// for nothing else, and which of them that concerns. Each change comes once.
func (d Desk) ChangedSince(ctx context.Context, tx *db.Tx, r Request) (changes []charter.Change, affected map[string]bool, err error) {
	before, err := AnsweredBefore(ctx, tx, r)
	if err != nil {
		return nil, nil, err
	}
	return d.changed(ctx, tx, r, before)
}

// Lapsed is ChangedSince for those purposes alone that rested on a yes of the
// request's guardian and rest on nothing by now: the yes was to what has changed
// materially since (Article 10). A no was no yes, and a purpose that another
// guardian has agreed to anew goes on (edge case 7).
func (d Desk) Lapsed(ctx context.Context, tx *db.Tx, r Request) (changes []charter.Change, lapsed map[string]bool, err error) {
	before, err := AnsweredBefore(ctx, tx, r)
	if err != nil || len(before) == 0 {
		return nil, nil, err
	}
	published, err := d.Charters.Version(ctx, tx, r.Service, r.Charter)
	if err != nil {
		return nil, nil, err
	}
	answers, guardians, err := standing(ctx, tx, r.Child)
	if err != nil {
		return nil, nil, err
	}
	maps.DeleteFunc(before, func(purpose string, _ int64) bool {
		a, since := own(answers, r.Guardian, purpose), published.AskedSince[purpose]
		g, _ := guardian(guardians, r.Guardian)
		return !a.Granted || a.Charter >= since || Standing(answers, guardians, classOf(g), purpose, since).Granted
	})
	return d.changed(ctx, tx, r, before)
}

// changed returns the changes since the charters that some purposes of a request
// were answered to.
func (d Desk) changed(ctx context.Context, tx *db.Tx, r Request, before map[string]int64) (changes []charter.Change, affected map[string]bool, err error) {
	affected = make(map[string]bool)
	if len(before) == 0 {
		return nil, affected, nil
	}
	now, err := d.Charters.Version(ctx, tx, r.Service, r.Charter)
	if err != nil {
		return nil, nil, err
	}
	said := make(map[string]bool)
	for _, number := range slices.Compact(slices.Sorted(maps.Values(before))) {
		then, err := d.Charters.Version(ctx, tx, r.Service, number)
		if errors.Is(err, catalog.ErrVersionNotFound) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		for _, ch := range charter.Diff(then.Charter, now.Charter) {
			if !ch.Material {
				continue
			}
			touches := false
			for _, p := range ch.Purposes {
				if before[p] == number {
					touches, affected[p] = true, true
				}
			}
			if touches && !said[ch.Path] {
				said[ch.Path] = true
				changes = append(changes, ch)
			}
		}
	}
	return changes, affected, nil
}
