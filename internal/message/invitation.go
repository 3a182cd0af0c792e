package message

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/notify"
)

// Invitation writes the message that leads to a request, for whoever sends it
// after the commit. Whose yes to an earlier charter has lost its worth is told so and
// what changed since (Article 10), in other words than at the first time.
func Invitation(ctx context.Context, tx *db.Tx, desk consent.Desk, site string, r consent.Request, secrets consent.Secrets, to consent.Contact) (notify.Message, error) {
	published, err := desk.Charters.Version(ctx, tx, r.Service, r.Charter)
	if err != nil {
		return notify.Message{}, err
	}
	child, err := family.Find(ctx, tx, r.Service, r.Child)
	if err != nil {
		return notify.Message{}, err
	}
	changes, lapsed, err := desk.Lapsed(ctx, tx, r)
	if err != nil {
		return notify.Message{}, err
	}
	lang := charter.Lang(r.Locale)
	name, link := published.Charter.Name.In(lang), site+"/r/"+secrets.Token
	who := notify.To{Channel: notify.Channel(to.Channel), Address: to.To, Lang: i18n.Lang(r.Locale), Site: site}
	if len(lapsed) == 0 {
		return notify.Asked{Service: name, Link: link, Code: secrets.Code, Until: r.ExpiresAt, Ends: child.ExpiresAt}.Message(who), nil
	}
	again := notify.Again{Service: name, Link: link, Code: secrets.Code, Until: r.ExpiresAt}
	for _, p := range r.Purposes {
		if lapsed[p] {
			purpose, _ := published.Charter.Purpose(p)
			again.Purposes = append(again.Purposes, purpose.Label.In(lang))
		}
	}
	for _, ch := range changes {
		again.Changes = append(again.Changes, ch.Words.In(lang))
	}
	return again.Message(who), nil
}
