package rights

import (
	"context"
	"slices"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/staff"
)

// A Handler is who may handle demands of a service: somebody in office, or a person inside
// whom the matrix lets (staff.HandleDemands).
type Handler interface {
	family.Actor
	Governs(service string) bool
}

// Assign has somebody handle an open demand from now on: whoever handles demands of the
// service may take it, or give it to somebody else who does. Errors: ErrMayNot, ErrOwner, ErrOwned,
// ErrAssigned, ErrEnded, those of family.Lock.
func (d Desk) Assign(ctx context.Context, tx *db.Tx, by Handler, r Request, to Handler) (Request, string, error) {
	c, r, err := lock(ctx, tx, r)
	switch {
	case err != nil:
		return r, "", err
	case !handles(by, r):
		return r, "", ErrMayNot
	case !handles(to, r):
		return r, "", ErrOwner.At("to")
	case r.Owner == OwnerOf(to):
		return r, "", ErrOwned.At("to")
	case r.times(KindAssigned) >= maxAssigned:
		return r, "", ErrAssigned
	}
	inside, err := insideOf(ctx, tx, by, r.Service)
	if err != nil {
		return r, "", err
	}
	r.Owner = OwnerOf(to)
	entry, err := r.step(ctx, tx, c, KindAssigned, by.Ledger(), AssignedBody{Request: r.ID, Owner: r.Owner, Inside: inside})
	if err != nil {
		return r, "", err
	}
	return r, entry, tx.Queue(ctx, `UPDATE rights_request SET owner = $1, steps = $2 WHERE child = $3 AND id = $4`, r.Owner, r.steps, r.Child, r.ID)
}

// MostHandlers is how many persons inside Handlers returns at most: where there are as many,
// there may be more, and somebody is named (HandlerCalled).
const MostHandlers = 50

// Handlers returns who handles demands of a service: those in office, and the persons inside
// whom the matrix lets and who hold no office there, at most MostHandlers.
func Handlers(ctx context.Context, tx *db.Tx, service string) (inOffice []catalog.Officer, inside []staff.Acting, err error) {
	if inOffice, err = catalog.InOffice(ctx, tx, service); err != nil {
		return nil, nil, err
	}
	s, err := catalog.Find(ctx, tx, service)
	if err != nil {
		return nil, nil, err
	}
	err = staff.Each(ctx, tx, staff.HandleDemands, service, func(p staff.Person) (bool, error) {
		if handlesInside(p, s) {
			inside = append(inside, staff.Acting{Person: p, Action: staff.HandleDemands})
		}
		return len(inside) < MostHandlers, nil
	})
	return inOffice, inside, err
}

// handlesInside reports whether the person handles demands of a service, and by no office of it.
func handlesInside(p staff.Person, s catalog.Service) bool {
	return approval.May(p, staff.HandleDemands, s) && !approval.InOffice(p, s)
}

// HandlerCalled returns who handles demands of a service and has that id, or that name if
// nobody else has it. Errors: ErrOwner, ErrNamesakes.
func HandlerCalled(ctx context.Context, tx *db.Tx, service, who string) (Handler, error) {
	inOffice, err := catalog.InOffice(ctx, tx, service)
	if err != nil {
		return nil, err
	}
	var found []Handler
	for _, o := range inOffice {
		if o.ID == who {
			return o, nil
		}
		if o.Name == who {
			found = append(found, o)
		}
	}
	s, err := catalog.Find(ctx, tx, service)
	if err != nil {
		return nil, err
	}
	people, err := staff.Called(ctx, tx, who)
	if err != nil {
		return nil, err
	}
	for _, p := range people {
		if handlesInside(p, s) {
			found = append(found, staff.Acting{Person: p, Action: staff.HandleDemands})
		}
	}
	switch len(found) {
	case 0:
		return nil, ErrOwner.At("to")
	case 1:
		return found[0], nil
	}
	return nil, ErrNamesakes.At("to")
}

// StillHandle returns those owners of demands of a service who handle demands of it.
func StillHandle(ctx context.Context, tx *db.Tx, service string, all []Request) (owners []string, err error) {
	gone := map[string]bool{"": true}
	for _, r := range all {
		if r.Service != service || gone[r.Owner] || slices.Contains(owners, r.Owner) {
			continue
		}
		switch _, err := HandlerCalled(ctx, tx, service, r.Owner); {
		case err == nil:
			owners = append(owners, r.Owner)
		case errs.Of(err).Is(ErrOwner):
			gone[r.Owner] = true
		default:
			return nil, err
		}
	}
	return owners, nil
}

// Unclaimed reports whether an open demand should be somebody's by now, and is
// nobody's: an owner who handles no demands of the service any more is none.
func (d Desk) Unclaimed(r Request, owners []string, now time.Time) bool {
	return r.State == Open && !slices.Contains(owners, r.Owner) && !now.Before(d.after(r.ReceivedAt, d.Clocks.Or(Defaults).Acknowledge))
}

// How often the words of a demand are shown, and how often it changes hands: every time is
// kept in its row.
const (
	maxShown    = 200
	maxAssigned = 200
)

// Show returns the words of a demand for one of the staff. Who sees them is recorded in
// the transaction before whose commit they must not be shown (Article 15). Errors:
// ErrMayNot, ErrNotFound, ErrShown, those of family.Lock and of the child's key.
func (d Desk) Show(ctx context.Context, tx *db.Tx, by Handler, r Request) (note, answer pii.Text, err error) {
	if !handles(by, r) {
		return note, answer, ErrMayNot
	}
	c, err := family.Lock(ctx, tx, r.Service, r.Child)
	if err != nil {
		return note, answer, err
	}
	if r, err = Find(ctx, tx, r.Service, r.ID); err == nil && r.Shown() >= maxShown {
		err = ErrShown
	}
	if err != nil {
		return note, answer, err
	}
	if note, answer, err = r.Text(d.Ring, c); err != nil {
		return note, answer, err
	}
	inside, err := insideOf(ctx, tx, by, r.Service)
	if err != nil {
		return note, answer, err
	}
	if _, err = r.step(ctx, tx, c, KindShown, by.Ledger(), ShownBody{Request: r.ID, Note: r.note != nil, Answer: r.answer != nil, Inside: inside}); err != nil {
		return note, answer, err
	}
	return note, answer, tx.Queue(ctx, `UPDATE rights_request SET steps = $1 WHERE child = $2 AND id = $3`, r.steps, r.Child, r.ID)
}
