package receipt

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
)

// A Due is a message that an entry of the ledger asks for.
type Due struct {
	About string // what was answered, "cr_…", or withdrawn, "co_…": one message for each
	Entry string // "le_…", one of its entries
}

// Round bounds how many entries one look at the ledger passes.
const Round = 25_600

// maxAge is when a message would say nothing new any more. It also keeps a store
// that is upgraded from telling of years.
const maxAge = 72 * time.Hour

// FromLedger returns the messages that the entries from a place on ask for, in
// their order, and the place of the first entry that it hasn't looked at: from,
// if there is none. What an app played in a test service is told to nobody.
func FromLedger(ctx context.Context, tx *db.Tx, from int64) (due []Due, next int64, err error) {
	head, err := ledger.Head(ctx, tx)
	if err != nil {
		return nil, from, err
	}
	next = max(from, min(head.Size, from+Round))
	seen := make(map[string]bool)
	err = ledger.ReadKind(ctx, tx, from, next, "consent.", func(p ledger.Placed) error {
		if !answers(p.Kind) || tx.Now().Sub(p.At) > maxAge {
			return nil
		}
		var a consent.AnswerBody
		if err := p.Into(&a); err != nil {
			return err
		}
		about := a.Request
		if a.Withdraws != "" {
			about = a.Consent
		}
		if a.Channel != consent.OnTest && !seen[about] {
			seen[about] = true
			due = append(due, Due{about, p.ID})
		}
		return nil
	})
	return due, next, err
}

// ErrNobody says that there is nobody to tell: the child was erased since, the
// guardian is none any more, or no contact is on file.
var ErrNobody = errors.New("receipt: nobody to tell")

// A Post tells guardians what was recorded. Articles 9 and 20 need these
// messages: nobody can unsubscribe from them.
type Post struct {
	Store     *db.DB
	Desk      consent.Desk
	Messages  notify.Router
	PublicURL string
}

// Send tells the guardian of an entry. Called again, it sends the same message
// with the same id and the same link, so that a gateway can drop the second.
// Errors: ErrNobody, those of notify, and that the store can't be read.
func (p Post) Send(ctx context.Context, d Due) error {
	var m notify.Message
	// The link is durable before it is sent. If we crash here, or after the
	// gateway took the message, it is sent again.
	err := p.Store.Update(ctx, func(tx *db.Tx) (err error) {
		m, err = p.write(ctx, tx, d)
		return err
	})
	switch {
	case errors.Is(err, family.ErrNotFound), errors.Is(err, family.ErrErased), errors.Is(err, family.ErrGuardianNotFound),
		errors.Is(err, family.ErrGuardianEnded), errors.Is(err, consent.ErrMayNot), errors.Is(err, consent.ErrNoRequest):
		return ErrNobody
	case err != nil:
		return err
	}
	return p.Messages.Send(ctx, m)
}

func (p Post) write(ctx context.Context, tx *db.Tx, d Due) (notify.Message, error) {
	entry, err := ledger.Find(ctx, tx, d.Entry)
	if err != nil {
		return notify.Message{}, err
	}
	var a consent.AnswerBody
	if err := entry.Into(&a); err != nil {
		return notify.Message{}, err
	}
	id, err := family.ChildOf(ctx, tx, p.Desk.Ring, entry.Subject)
	if err != nil {
		return notify.Message{}, err
	}
	child, err := family.Find(ctx, tx, entry.Service, id)
	if err != nil {
		return notify.Message{}, err
	}
	told, err := p.Desk.Tell(ctx, tx, child, a.Consent)
	if err != nil {
		return notify.Message{}, err
	}
	to, err := p.way(told)
	if err != nil {
		return notify.Message{}, err
	}
	m, err := p.say(ctx, tx, entry.Service, told, to)
	m.ID = d.About
	return m, err
}

// way returns the first contact that this server can send to.
func (p Post) way(told consent.Told) (notify.To, error) {
	for _, c := range told.Contacts {
		if channel := notify.Channel(c.Channel); p.Messages.Has(channel) {
			return notify.To{Channel: channel, Address: c.To, Lang: i18n.Lang(told.Lang)}, nil
		}
	}
	if len(told.Contacts) == 0 {
		return notify.To{}, ErrNobody
	}
	return notify.To{}, notify.ErrNoChannel
}

// say writes the message in the words of the charter that was answered: they are
// public, and no value is among them.
func (p Post) say(ctx context.Context, tx *db.Tx, service string, told consent.Told, to notify.To) (notify.Message, error) {
	published, err := p.Desk.Charters.Version(ctx, tx, service, told.Charter)
	if err != nil {
		return notify.Message{}, err
	}
	lang := charter.Lang(to.Lang)
	name, link := published.Charter.Name.In(lang), ""
	if told.Token != "" {
		link = p.PublicURL + "/r/" + told.Token + "?lang=" + string(lang)
	}
	labels := func(names []string) (all []string) {
		for _, n := range names {
			purpose, _ := published.Charter.Purpose(n)
			all = append(all, purpose.Label.In(lang))
		}
		return all
	}
	if len(told.Withdrawn) > 0 {
		return notify.Withdrawal{Service: name, Withdrawn: labels(told.Withdrawn), At: told.At, Link: link}.Message(to), nil
	}
	return notify.Receipt{Service: name, Agreed: labels(told.Agreed), Refused: labels(told.Refused), At: told.At, Link: link}.Message(to), nil
}
