package approval

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/staff"
)

// A Decision is what somebody else says to a request.
type Decision struct {
	Verdict State    // Granted, Narrowed or Refused
	Items   []string // those that are granted, if it is narrowed
	Minutes int      // likewise; 0 of an export, of which fewer items alone are less
	Reason  Answer   // one of Answers[Verdict]
	Text    pii.Text // in the own words; may be empty
}

// Decide decides about a request, once. The window of what is granted begins with it. By
// is anybody whom the matrix lets decide in that service, but who has asked: an officer's
// request is for the deputy or a manager. Nor is it anybody for whom who has asked made a
// link to sign in, or who has from them alone the role to decide, until another who may
// has confirmed that person (staff.Confirm): the two may be one. An export takes two who
// agree, the second to no more than the first, and one who refuses; of the three persons
// none may stand behind another, and nobody else behind two of them. That whoever decides has
// shown a moment ago who they are is for the edge to demand (signin.Session.IsFresh), as
// the matrix says. Errors: ErrMayNot, ErrForged, ErrSelf, ErrMade, ErrMaker, ErrGlass, ErrNotFound,
// ErrAgreed, ErrBehind, ErrFirst, ErrOfficer, ErrVerdict, ErrNarrowed, ErrReason, ErrText, ErrDecided, ErrExpired; ErrAsker: who had
// asked may not any more; those of family.Lock.
func (d Desk) Decide(ctx context.Context, tx *db.Tx, by staff.Person, service, request string, a Decision) (Request, string, error) {
	fail := func(err error) (Request, string, error) { return Request{}, "", err }
	c, r, err := lock(ctx, tx, service, request)
	if err != nil {
		return fail(err)
	}
	held, err := all(ctx, tx, by.ID, r.Asker, r.First)
	if err != nil {
		return fail(err)
	}
	decider, asker := held[by.ID], held[r.Asker]
	s, err := catalog.Find(ctx, tx, c.Service)
	if err != nil {
		return fail(err)
	}
	one := r.maybeOne(ctx, tx, held, decider, s, a.Verdict)
	now := tx.Now()
	switch {
	case !May(decider, staff.DecideAccess, s):
		return fail(ErrMayNot)
	case !r.Intact(d.Ring):
		return fail(ErrForged)
	case decider.ID == r.Asker:
		return fail(ErrSelf)
	case decider.ID == r.First:
		return fail(ErrAgreed)
	case one != nil:
		return fail(one)
	case r.Glass:
		return fail(ErrGlass)
	case r.State != Open && r.State != Agreed:
		return fail(ErrDecided)
	case r.Closed(now):
		return fail(ErrExpired)
	case a.Verdict != Refused && !May(asker, staff.AskAccess, s):
		return fail(ErrAsker)
	case a.Verdict != Refused && r.First != "" && !May(held[r.First], staff.DecideAccess, s):
		return fail(ErrFirst)
	}
	if err := a.check(r); err != nil {
		return fail(err)
	}
	was := r.State
	if r.Ground == OnLaw && a.Verdict != Refused && was == Agreed {
		// Article 18: one of the two is in charge.
		if r.Officer = InOffice(decider, s) || InOffice(held[r.First], s); !r.Officer {
			return fail(ErrOfficer)
		}
	}
	body := DecidedBody{Request: r.ID, Reason: a.Reason, Text: !a.Text.IsZero(), Person: decider.Version, Catalog: s.Version, Officer: r.Officer}
	if a.Verdict != Refused {
		body.Asker = asker.Version
		if r.First != "" {
			body.First = held[r.First].Version
		}
	}
	kind := kindOf[a.Verdict]
	if r.Export && a.Verdict != Refused && was == Open {
		kind = KindAgreed
		err = r.agree(d.Ring, c, decider, a)
	} else {
		err = r.settle(d, c, decider, a, now)
	}
	if err == nil {
		err = r.decided(ctx, tx, d.Ring, was)
	}
	if err != nil {
		return fail(err)
	}
	if a.Verdict != Refused {
		body.Items, body.Quota = r.Granted, r.Quota
		if kind != KindAgreed {
			body.From, body.Until = r.From.UnixMicro(), r.Until.UnixMicro()
		}
	}
	entry, err := record(ctx, tx, c, kind, decider.Ledger(), body)
	return r, entry, err
}

// agree notes what the first of two agrees to. It opens nothing.
func (r *Request) agree(ring *keyring.Ring, c family.Child, decider staff.Person, a Decision) (err error) {
	r.State, r.First, r.FirstFor = Agreed, decider.ID, a.Reason
	if r.Granted = r.Items; a.Verdict == Narrowed {
		r.Granted = slices.Clone(a.Items)
	}
	if !a.Text.IsZero() {
		r.firstReply, err = c.SealNote(ring, a.Text, r.place("first_reply")...)
	}
	return err
}

// settle notes the last word: of an export, about what the first has left of it.
func (r *Request) settle(d Desk, c family.Child, decider staff.Person, a Decision, now time.Time) (err error) {
	minutes, left := r.Minutes, r.left()
	r.State, r.Decider, r.Answer, r.Granted = a.Verdict, decider.ID, a.Reason, nil
	if a.Verdict != Refused {
		if r.Granted = left; a.Verdict == Narrowed {
			r.Granted = slices.Clone(a.Items)
			if !r.Export {
				minutes = a.Minutes
			}
		}
		r.From, r.Until, r.Quota = now, now.Add(time.Duration(minutes)*time.Minute), int64(d.Limits.Or(Defaults).Looks)
		if r.Export { // the file holds each once, and is made once
			r.Quota = int64(len(r.Granted))
		}
		if r.Ground == OnLaw && r.Ends.Before(r.Until) {
			r.Until = r.Ends
		}
	}
	if !a.Text.IsZero() {
		r.reply, err = c.SealNote(d.Ring, a.Text, r.place("reply")...)
	}
	return err
}

// left are the items about which somebody still has to decide.
func (r Request) left() []string {
	if r.First != "" {
		return r.Granted
	}
	return r.Items
}

// maybeOne refuses where two of those who have to be different persons may be one: who
// decides rests on who has asked; and unless it is refused, as Apart says. Errors: ErrMade,
// ErrMaker, ErrBehind.
func (r Request) maybeOne(ctx context.Context, tx *db.Tx, held map[string]staff.Person, decider staff.Person, s catalog.Service, verdict State) error {
	decides, err := party(ctx, tx, decider, staff.DecideAccess)
	switch {
	case err != nil:
		return err
	case slices.Contains(decides.Backers(s), r.Asker):
		return ErrMade
	case verdict == Refused:
		return nil
	}
	asks, err := party(ctx, tx, held[r.Asker], staff.AskAccess)
	if err != nil {
		return err
	}
	all := []Party{asks, decides}
	if r.First != "" {
		first, err := party(ctx, tx, held[r.First], staff.DecideAccess)
		if err != nil {
			return err
		}
		all = append(all, first)
	}
	return Apart(s, r.Export, all...)
}

// decided writes what was decided about a request that was in a state.
func (r *Request) decided(ctx context.Context, tx *db.Tx, ring *keyring.Ring, was State) error {
	r.mark = r.bind(ring)
	n, err := tx.Exec(ctx, `
		UPDATE approval SET state = $1, first_by = $2, first_for = $3, decider = $4, granted = $5, answer = $6, from_at = $7, until_at = $8, quota = $9,
			first_reply = $10, reply = $11, officer = $12, bound = $13
		WHERE child = $14 AND id = $15 AND state = $16`,
		r.State, r.First, r.FirstFor, r.Decider, strings.Join(r.Granted, " "), r.Answer, (*db.Time)(&r.From), (*db.Time)(&r.Until), r.Quota,
		r.firstReply, r.reply, r.Officer, r.mark, r.Child, r.ID, was)
	if err == nil && n != 1 {
		err = ErrDecided
	}
	return err
}

var kindOf = map[State]string{Granted: KindGranted, Narrowed: KindNarrowed, Refused: KindRefused}

// check refuses a decision that says more, or less, than it may.
func (a Decision) check(r Request) error {
	answers, ok := Answers[a.Verdict]
	switch {
	case !ok:
		return ErrVerdict.At("verdict")
	case !slices.Contains(answers, a.Reason):
		return ErrReason.At("reason")
	case !isText(a.Text):
		return ErrText.At("text")
	case a.Verdict != Narrowed && (len(a.Items) > 0 || a.Minutes != 0):
		return ErrNarrowed.At("verdict")
	case a.Verdict != Narrowed:
		return nil
	case r.Export && a.Minutes != 0, !r.Export && (a.Minutes < 1 || a.Minutes > r.Minutes):
		return ErrNarrowed.At("minutes")
	case len(a.Items) == 0 || len(a.Items) == len(r.left()) && (r.Export || a.Minutes == r.Minutes):
		return ErrNarrowed.At("items")
	}
	for i, item := range a.Items {
		if !slices.Contains(r.left(), item) || slices.Contains(a.Items[:i], item) {
			return ErrNarrowed.At("items")
		}
	}
	return nil
}

// lock locks the child of a request, and reads it.
func lock(ctx context.Context, tx *db.Tx, service, request string) (family.Child, Request, error) {
	r, err := Find(ctx, tx, service, request)
	if err != nil {
		return family.Child{}, r, err
	}
	c, err := family.Lock(ctx, tx, r.Service, r.Child)
	if errors.Is(err, family.ErrErased) {
		err = ErrNotFound // it went with the child
	}
	if err != nil {
		return c, r, err
	}
	r, err = OfChild(ctx, tx, c.ID, r.ID)
	return c, r, err
}

// both holds who decides and who has asked, always in one order, so that two who decide
// about each other's requests don't wait for each other. Who has asked and left is
// returned without a role.
func both(ctx context.Context, tx *db.Tx, by, asked string) (decider, asker staff.Person, err error) {
	if by == asked {
		decider, err = hold(ctx, tx, by)
		return decider, decider, err
	}
	held := make(map[string]staff.Person, 2)
	for _, person := range []string{min(by, asked), max(by, asked)} {
		p, err := hold(ctx, tx, person)
		if err != nil && (person == by || !errors.Is(err, ErrMayNot)) {
			return staff.Person{}, staff.Person{}, err
		}
		held[person] = p
	}
	return held[by], held[asked], nil
}

// End ends a request or a window before its time. By is who has asked, or anybody who may
// decide in that service: it only closes. Errors: ErrMayNot, ErrForged, ErrNotFound, ErrOver.
func (d Desk) End(ctx context.Context, tx *db.Tx, by staff.Person, service, request string) (Request, string, error) {
	c, r, err := lock(ctx, tx, service, request)
	if err != nil {
		return r, "", err
	}
	p, err := hold(ctx, tx, by.ID)
	if err != nil {
		return r, "", err
	}
	if !r.Intact(d.Ring) {
		return r, "", ErrForged // who has asked is not known
	}
	body := EndedBody{Request: r.ID, Why: GivenBack}
	if p.ID != r.Asker {
		s, err := catalog.Find(ctx, tx, c.Service)
		if err == nil && !May(p, staff.DecideAccess, s) {
			err = ErrMayNot
		}
		if err != nil {
			return r, "", err
		}
		body.Why, body.Person, body.Catalog = Revoked, p.Version, s.Version
	}
	if r.Closed(tx.Now()) {
		return r, "", ErrOver
	}
	return r.end(ctx, tx, d.Ring, c, p.Ledger(), body)
}

// EndAgain ends what was ended, refused or used in entries that a store lacks that was
// put back, whatever its row says. Actor is who does it. Errors: ErrNotFound; ErrOver.
func EndAgain(ctx context.Context, tx *db.Tx, ring *keyring.Ring, actor string, c family.Child, request string) error {
	r, err := OfChild(ctx, tx, c.ID, request)
	if err != nil {
		return err
	}
	if r.Closed(tx.Now()) {
		return ErrOver
	}
	_, _, err = r.end(ctx, tx, ring, c, actor, EndedBody{Request: r.ID, Why: Restored})
	return err
}

func (r Request) end(ctx context.Context, tx *db.Tx, ring *keyring.Ring, c family.Child, actor string, body EndedBody) (Request, string, error) {
	intact := r.Intact(ring)
	r.State, r.EndedAt, r.EndedBy, r.Why = Ended, tx.Now(), actor, body.Why
	if intact { // what was changed by hand stays so
		r.mark = r.bind(ring)
	}
	n, err := tx.Exec(ctx, `
		UPDATE approval SET state = $1, ended_at = $2, ended_by = $3, why = $4, bound = $5
		WHERE child = $6 AND id = $7 AND state IN ('open', 'agreed', 'granted', 'narrowed')`,
		r.State, (*db.Time)(&r.EndedAt), r.EndedBy, r.Why, r.mark, r.Child, r.ID)
	if err == nil && n != 1 {
		err = ErrOver
	}
	if err != nil {
		return r, "", err
	}
	entry, err := record(ctx, tx, c, KindEnded, actor, body)
	return r, entry, err
}
