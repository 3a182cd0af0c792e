package message

import (
	"time"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/notify"
)

// Writes reports whether letters by e-mail can be sent.
func (f *Farewell) Writes() bool { return f != nil && f.Messages.Has(notify.Email) }

// Seat writes to a person of a party the link by which it sets up how to sign in, so that nobody
// else has to see it (Article 16). The address is kept nowhere, and so the letter is sent once: if
// we crash before that, the link is lost, and another is made.
func Seat(to pii.Text, lang i18n.Lang, site, link string, until time.Time) notify.Message {
	m := notify.News{Kind: notify.KindSeat, At: until, Link: link + "?lang=" + string(lang)}.
		Message(notify.To{Channel: notify.Email, Address: to, Lang: lang, Site: site})
	m.ID = id.New(id.Call)
	return m
}
