package rights

import (
	"context"
	"slices"

	"wardkeep/internal/assistance"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/family"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
)

// What can be wrong with a party that is asked to help.
var (
	ErrHolder = errs.New(errs.Conflict, "rights.party_holds_nothing") // of the child, or of what is demanded
	ErrMute   = errs.New(errs.Conflict, "rights.party_has_no_key")    // so it sees nothing here, and can't answer
)

// Help asks a party that may have something of the child to help with an open demand (Article
// 16(2)), before the demand's own day. Errors: ErrMayNot, ErrEnded, ErrHolder, ErrMute,
// assistance.ErrTwice, those of family.Lock.
func (d Desk) Help(ctx context.Context, tx *db.Tx, by family.Actor, r Request, of party.ID) (assistance.Task, string, error) {
	c, r, err := lock(ctx, tx, r)
	if err != nil {
		return assistance.Task{}, "", err
	}
	if !handles(by, r) || of.Service != r.Service {
		return assistance.Task{}, "", ErrMayNot
	}
	inside, err := insideOf(ctx, tx, by, r.Service)
	if err != nil {
		return assistance.Task{}, "", err
	}
	holders, err := d.holders(ctx, tx, c, r)
	if err != nil {
		return assistance.Task{}, "", err
	}
	i := slices.IndexFunc(holders, func(h order.Holder) bool { return h.Party == of.Name && string(h.Role) == string(of.Role) })
	if i < 0 {
		return assistance.Task{}, "", ErrHolder.At("party")
	}
	switch tells, err := party.Tells(ctx, tx, of); {
	case err != nil:
		return assistance.Task{}, "", err
	case !tells:
		return assistance.Task{}, "", ErrMute.At("party")
	}
	return assistance.Ask(ctx, tx, d.Calendar, by, c, of, holders[i].Items, r.asking(inside))
}

// helped asks every party that may have something of the locked child, and can answer here,
// about a demand to be told what is held, or to get a copy: what is held here is only a part of
// that. Of who has no key nothing is written down: it would have been asked in no way.
func (d Desk) helped(ctx context.Context, tx *db.Tx, by family.Actor, c family.Child, r Request, inside Inside) error {
	holders, err := d.holders(ctx, tx, c, r)
	if err != nil {
		return err
	}
	for _, h := range holders {
		of := party.ID{Service: r.Service, Role: party.Role(h.Role), Name: h.Party}
		tells, err := party.Tells(ctx, tx, of)
		if err != nil {
			return err
		}
		if !tells {
			continue
		}
		if _, _, err := assistance.Ask(ctx, tx, d.Calendar, by, c, of, h.Items, r.asking(inside)); err != nil {
			return err
		}
	}
	return nil
}

func (r Request) asking(inside Inside) assistance.Asking {
	return assistance.Asking{Demand: r.ID, Kind: string(r.Kind), Item: r.Item, Due: r.DueAt, Inside: inside}
}

// MayHelp returns the parties that may have what a demand is about, and can answer here.
// Errors: those of family.Find.
func (d Desk) MayHelp(ctx context.Context, tx *db.Tx, r Request) (all []party.ID, err error) {
	c, err := family.Find(ctx, tx, r.Service, r.Child)
	if err != nil {
		return nil, err
	}
	holders, err := d.holders(ctx, tx, c, r)
	for _, h := range holders {
		of := party.ID{Service: r.Service, Role: party.Role(h.Role), Name: h.Party}
		tells, err := party.Tells(ctx, tx, of)
		if err != nil {
			return nil, err
		}
		if tells {
			all = append(all, of)
		}
	}
	return all, err
}

// holders returns who may have what a demand is about.
func (d Desk) holders(ctx context.Context, tx *db.Tx, c family.Child, r Request) ([]order.Holder, error) {
	all, err := order.Book{Ring: d.Ring, Charters: d.Charters, Calendar: d.Calendar}.Holders(ctx, tx, c)
	return slices.DeleteFunc(all, func(h order.Holder) bool { return r.Item != "" && !slices.Contains(h.Items, r.Item) }), err
}
