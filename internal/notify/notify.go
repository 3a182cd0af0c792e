// Package notify carries messages to guardians: by e-mail, by SMS, or, in the
// demo, into an outbox that the user can open.
//
// Its one invariant: no address and no word of a message appears in an error or
// a log. A Message holds both as personal values, and what a server answers is
// reduced to a number before it is passed on.
package notify

import (
	"context"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
)

// Why a message was not sent.
var (
	ErrNoChannel   = errs.New(errs.Unavailable, "notify.no_channel")   // the operator has not configured it
	ErrUnavailable = errs.New(errs.Unavailable, "notify.unavailable")  // the gateway can't now: try again
	ErrRejected    = errs.New(errs.Conflict, "notify.rejected")        // the gateway won't: trying again changes nothing
	ErrAddress     = errs.New(errs.Invalid, "notify.address_invalid")  // not one plain address or number
	ErrMessage     = errs.New(errs.Internal, "notify.message_invalid") // empty, too long, or not text
)

// A Channel is a way to a guardian.
type Channel string

// The channels.
const (
	SMS   Channel = "sms"
	Email Channel = "email"
)

// A Message is one message to one person.
type Message struct {
	ID      string // the same in every attempt, so that a gateway can drop the second; made up if empty
	Channel Channel
	To      pii.Text // an address, or a number: digits, with or without a leading +
	Subject pii.Text // of an e-mail; one line
	Text    pii.Text
	HTML    pii.Text // of an e-mail; may be empty
	Kind    string   // "consent.request"; tells a gateway which template it is, and names nobody
	Lang    i18n.Lang
}

// A Sender hands a message to whoever delivers it, once. It doesn't try again:
// after ErrUnavailable its caller may. A nil error says that it was taken, not
// that anyone has read it.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// A Router sends each message by the sender of its channel.
type Router map[Channel]Sender

// Send refuses a channel that has no sender with ErrNoChannel.
func (r Router) Send(ctx context.Context, m Message) error {
	s := r[m.Channel]
	if s == nil {
		return ErrNoChannel
	}
	return s.Send(ctx, m)
}

// Has reports whether the channel has a sender.
func (r Router) Has(c Channel) bool { return r[c] != nil }

// The most of each part, in bytes. An SMS of 1000 bytes is about 330 Chinese
// characters, five parts.
const (
	maxSubject = 300
	maxSMS     = 1000
	maxMail    = 100_000
)

// ready checks m and gives it an id. Every Sender begins with it.
func (m Message) ready(want Channel) (Message, error) {
	if m.Channel != want || want != SMS && want != Email {
		return m, ErrNoChannel
	}
	if m.ID == "" {
		m.ID = id.New(id.Call)
	}
	text, html, subject := m.Text.Reveal(), m.HTML.Reveal(), m.Subject.Reveal()
	limit := maxMail
	if want == SMS {
		limit = maxSMS
	}
	switch {
	case strings.TrimSpace(text) == "", len(text) > limit, len(html) > maxMail, len(subject) > maxSubject,
		!plain(text, true), !plain(html, true), !plain(subject, false), !plain(m.Kind, false), !plain(m.ID, false):
		return m, ErrMessage
	case want == Email && !IsAddress(m.To.Reveal()), want == SMS && !isNumber(m.To.Reveal()):
		return m, ErrAddress
	}
	return m, nil
}

// plain reports whether s is valid text without control characters: what ends a
// line could end a header and begin another.
func plain(s string, lines bool) bool {
	if !utf8.ValidString(s) {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		if lines && (r == '\n' || r == '\t') {
			return false
		}
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	}) < 0
}

// IsAddress reports whether s is one e-mail address and nothing else: no name,
// no list, no comment, no quoted part.
func IsAddress(s string) bool {
	if len(s) > 254 || !plain(s, false) || strings.ContainsAny(s, " \"<>(),;:\\[]") {
		return false
	}
	a, err := mail.ParseAddress(s)
	return err == nil && a.Name == "" && a.Address == s
}

// isNumber reports whether s is 5 to 15 digits (E.164), with or without a plus.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "+")
	return len(s) >= 5 && len(s) <= 15 && strings.Trim(s, "0123456789") == ""
}
