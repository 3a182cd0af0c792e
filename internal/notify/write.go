package notify

import (
	"bytes"
	_ "embed"
	"html/template"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
)

// The kinds of messages.
const (
	KindRequest    = "consent.request"
	KindCode       = "consent.code"
	KindReceipt    = "consent.receipt"
	KindRefusal    = "consent.refusal" // of everything: nothing is kept
	KindWithdrawal = "consent.withdrawal"
)

// A To is the person a message is for.
type To struct {
	Channel Channel
	Address pii.Text
	Lang    i18n.Lang
}

// Asked is what a guardian reads when asked for consent. The child is spoken of
// as the child who uses the service: a message lies about on locked screens and
// on other people's servers, so it doesn't say who that is.
type Asked struct {
	Service string // its name in the guardian's language
	Link    string
	Code    string // the short code, for whoever types
	Until   time.Time
}

// Message writes the request.
func (a Asked) Message(to To) Message {
	return write(to, KindRequest, "request", a.Link,
		"Service", line(a.Service), "Link", a.Link, "Code", a.Code, "Until", clock(to.Lang, a.Until))
}

// Code is a one-time code and the time it lives.
type Code struct {
	Service string
	Code    pii.Text
	Life    time.Duration
}

// Message writes the code.
func (c Code) Message(to To) Message {
	return write(to, KindCode, "code", "",
		"Service", line(c.Service), "Code", c.Code.Reveal(), "Minutes", strconv.Itoa(int(c.Life.Minutes())))
}

// Receipt confirms what a guardian has answered.
type Receipt struct {
	Service string
	Agreed  []string // labels of purposes, in the guardian's language
	Refused []string
	At      time.Time
	Link    string // where to look it up and to withdraw; empty where nothing is left to look up
}

// Message writes the receipt.
func (r Receipt) Message(to To) Message {
	kind, name := KindReceipt, "receipt"
	if r.Link == "" {
		kind, name = KindRefusal, "refusal"
	}
	return write(to, kind, name, r.Link, "Service", line(r.Service), "Link", r.Link,
		"Agreed", list(to.Lang, r.Agreed), "Refused", list(to.Lang, r.Refused),
		"AgreedCount", strconv.Itoa(len(r.Agreed)), "RefusedCount", strconv.Itoa(len(r.Refused)), "At", clock(to.Lang, r.At))
}

// Withdrawal confirms what a guardian has taken back.
type Withdrawal struct {
	Service   string
	Withdrawn []string // labels of purposes, in the guardian's language
	At        time.Time
	Link      string // where to look it up and to think again
}

// Message writes the confirmation.
func (w Withdrawal) Message(to To) Message {
	return write(to, KindWithdrawal, "withdrawal", w.Link, "Service", line(w.Service), "Link", w.Link,
		"Withdrawn", list(to.Lang, w.Withdrawn), "At", clock(to.Lang, w.At))
}

// write fills the words of a message: a subject and paragraphs for e-mail, one
// line for SMS.
func write(to To, kind, name, link string, pairs ...any) Message {
	m := Message{Channel: to.Channel, To: to.Address, Kind: kind, Lang: to.Lang}
	if to.Channel == SMS {
		m.Text = pii.New(to.Lang.T("notify."+name+".sms", pairs...))
		return m
	}
	subject := to.Lang.T("notify."+name+".subject", pairs...)
	text := to.Lang.T("notify."+name+".email", pairs...)
	m.Subject, m.Text = pii.New(subject), pii.New(text)
	m.HTML = pii.New(html(to.Lang, subject, text, link))
	return m
}

//go:embed email.html
var emailText string

var email = template.Must(template.New("email").Parse(emailText))

// html sets the paragraphs of a text as a page; the one that is the link becomes
// one. It escapes whatever the words carry, and returns "" if it fails: the text
// is the message.
func html(lang i18n.Lang, subject, text, link string) string {
	page := struct {
		Lang, Subject, Link string
		Paragraphs          []string
	}{string(lang), subject, link, strings.Split(text, "\n\n")}
	var b bytes.Buffer
	if email.Execute(&b, page) != nil {
		return ""
	}
	return b.String()
}

// beijing is the one clock of the Provisions; it has had no summer time since 1991.
var beijing = time.FixedZone("UTC+8", 8*60*60)

func clock(lang i18n.Lang, t time.Time) string {
	if lang == i18n.English {
		return t.In(beijing).Format("2 January 2006, 15:04") + " (Beijing time)"
	}
	return t.In(beijing).Format("2006年1月2日 15:04") + "（北京时间）"
}

func list(lang i18n.Lang, items []string) string {
	if len(items) == 0 {
		return lang.T("notify.none")
	}
	lines := make([]string, len(items))
	for i, item := range items {
		lines[i] = line(item)
	}
	return strings.Join(lines, lang.T("notify.and"))
}

// line makes one line of what an operator wrote.
func line(s string) string { return strings.Join(strings.Fields(s), " ") }
