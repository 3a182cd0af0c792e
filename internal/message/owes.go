package message

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/assistance"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
)

// ordered tells a processor or recipient that it owes something (Article 16): its persons at the
// desk have no system that hears an event. However much it owes, there is one letter a day.
func ordered(ctx context.Context, tx *db.Tx, _ *keyring.Ring, p ledger.Placed) ([]Due, error) {
	of, err := owing(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	about := "owes." + of.Service + "." + string(of.Role) + "." + of.Name + "." + strconv.FormatInt(access.DayOf(p.At), 10)
	return []Due{{About: about, Entry: p.ID, Kind: notify.KindOwes}}, nil
}

// owing returns the party that an entry is about. One that this store doesn't know the order of,
// from before it was put back, is nobody.
func owing(ctx context.Context, tx *db.Tx, p ledger.Placed) (party.ID, error) {
	of := party.ID{Service: p.Service}
	switch p.Kind {
	case assistance.KindAsked:
		var b assistance.AskedBody
		err := p.Into(&b)
		of.Role, of.Name = b.Role, b.Party
		return of, err
	case order.KindIssued:
		var b order.IssuedBody
		err := p.Into(&b)
		of.Role, of.Name = party.Role(b.Role), b.Party
		return of, err
	}
	name, err := late(p)
	if err != nil {
		return of, err
	}
	o, err := order.Find(ctx, tx, p.Service, name)
	if errors.Is(err, order.ErrNotFound) {
		err = ErrNobody
	}
	of.Role, of.Name = party.Role(o.Role), o.Party
	return of, err
}

// late returns of which order an entry says that it isn't attested yet.
func late(p ledger.Placed) (name string, err error) {
	if p.Kind == order.KindReminded {
		var b order.RemindedBody
		err = p.Into(&b)
		return b.Order, err
	}
	var b order.OverdueBody
	err = p.Into(&b)
	return b.Order, err
}

// owes writes to a party that has somebody at the desk and still owes something, where the operator
// reaches it: if that is an address. It says until when the first of it is to be done, and nothing
// of a child.
func (t Teller) owes(ctx context.Context, tx *db.Tx, d Due, entry ledger.Placed) (notify.Message, error) {
	of, err := owing(ctx, tx, entry)
	if err != nil {
		return notify.Message{}, err
	}
	p, err := party.Find(ctx, tx, of)
	if errors.Is(err, party.ErrNotFound) || err == nil && !notify.IsAddress(p.Contact) {
		return notify.Message{}, ErrNobody
	}
	if err != nil {
		return notify.Message{}, err
	}
	seats, err := party.Seats(ctx, tx, of)
	if err != nil {
		return notify.Message{}, err
	}
	if !slices.ContainsFunc(seats, func(s party.Seat) bool { return s.TakenAt.IsZero() }) {
		return notify.Message{}, ErrNobody
	}
	due, page, err := firstDue(ctx, tx, of)
	if err != nil {
		return notify.Message{}, err
	}
	if !t.Messages.Has(notify.Email) {
		return notify.Message{}, notify.ErrNoChannel
	}
	lang := i18n.Chinese
	if p.Standing.Country != charter.Home {
		lang = i18n.English
	}
	n := notify.News{Kind: notify.KindOwes, At: due, Link: t.PublicURL + page + "?lang=" + string(lang)}
	if n.Service, err = serviceName(ctx, tx, t.Desk, of.Service, lang); errors.Is(err, catalog.ErrNoCharter) {
		n.Service, err = of.Service, nil
	}
	m := n.Message(notify.To{Channel: notify.Email, Address: pii.New(p.Contact), Lang: lang, Site: t.PublicURL})
	m.ID = t.name(d)
	return m, err
}

// firstDue returns until when a party has to do what it owes first, and the page where that is.
// Errors: ErrNobody, if it owes nothing.
func firstDue(ctx context.Context, tx *db.Tx, of party.ID) (due time.Time, page string, err error) {
	orders, err := order.ListOf(ctx, tx, of, order.Order{}, 1)
	if err != nil {
		return due, "", err
	}
	for _, o := range orders {
		due, page = o.DueAt, "/party/orders"
	}
	tasks, err := assistance.Waiting(ctx, tx, of, assistance.Task{}, 1)
	for _, t := range tasks {
		if due.IsZero() || t.DueAt.Before(due) {
			due, page = t.DueAt, "/party/tasks"
		}
	}
	if err == nil && due.IsZero() {
		err = ErrNobody
	}
	return due, page, err
}
