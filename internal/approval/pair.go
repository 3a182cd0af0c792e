package approval

import (
	"context"
	"slices"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/staff"
)

// ErrNoOffice says that of two who decide something together neither holds an office of the
// service.
var ErrNoOffice = errs.New(errs.Forbidden, "approval.no_office")

// A Pair is what rests on two persons inside: the versions of who decides, of who has asked,
// and of the service.
type Pair struct {
	Person  int64 `json:"person"`
	Asker   int64 `json:"asker"`
	Catalog int64 `json:"catalog"`
}

// Pairs holds to the end of the transaction who decides and who has asked, by name, for what
// takes the two and is nobody's alone: both are let by the matrix still, nobody stands behind
// both, and one of them holds an office of the service (Articles 8 and 15). Errors: ErrMayNot,
// ErrSelf, ErrMade, ErrAsker, ErrBehind, ErrNoOffice.
func Pairs(ctx context.Context, tx *db.Tx, decider string, decides staff.Action, asker string, asks staff.Action, service string) (Pair, error) {
	by, asked, err := both(ctx, tx, decider, asker)
	if err != nil {
		return Pair{}, err
	}
	s, err := catalog.Find(ctx, tx, service)
	if err != nil {
		return Pair{}, err
	}
	one, err := party(ctx, tx, by, decides)
	if err != nil {
		return Pair{}, err
	}
	other, err := party(ctx, tx, asked, asks)
	switch {
	case err != nil:
		return Pair{}, err
	case !May(by, decides, s):
		return Pair{}, ErrMayNot
	case by.ID == asked.ID:
		return Pair{}, ErrSelf
	case !May(asked, asks, s):
		return Pair{}, ErrAsker
	case slices.Contains(one.Backers(s), asked.ID):
		return Pair{}, ErrMade
	case !InOffice(by, s) && !InOffice(asked, s):
		return Pair{}, ErrNoOffice
	}
	return Pair{by.Version, asked.Version, s.Version}, Apart(s, true, other, one)
}

// Another holds to the end of the transaction who confirms what another person inside has done,
// by name: the matrix lets who confirms, and the two aren't accounts of one person (Apart). Of who
// has left nobody knows any more who made the way to sign in, so nothing of theirs is confirmed.
// Errors: ErrMayNot, ErrSelf, ErrAsker, ErrMaker.
func Another(ctx context.Context, tx *db.Tx, by string, confirms staff.Action, other string, did staff.Action, service string) (Pair, error) {
	held, done, err := both(ctx, tx, by, other)
	if err != nil {
		return Pair{}, err
	}
	s, err := catalog.Find(ctx, tx, service)
	if err != nil {
		return Pair{}, err
	}
	one, err := party(ctx, tx, held, confirms)
	if err != nil {
		return Pair{}, err
	}
	before, err := party(ctx, tx, done, did)
	switch {
	case err != nil:
		return Pair{}, err
	case !May(held, confirms, s):
		return Pair{}, ErrMayNot
	case held.ID == done.ID:
		return Pair{}, ErrSelf
	case done.State != staff.Active:
		return Pair{}, ErrAsker
	}
	return Pair{held.Version, done.Version, s.Version}, Apart(s, false, before, one)
}
