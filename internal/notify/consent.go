package notify

import (
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/pii"
)

// Asked is what a guardian reads when asked for consent. The child is spoken of
// as the child who uses the service: a message lies about on locked screens and
// on other people's servers, so it doesn't say who that is.
type Asked struct {
	Service string // its name in the guardian's language
	Link    string
	Code    string // the short code, for whoever types
	Until   time.Time
	// Ends is when what was registered for the child is erased if nobody has agreed
	// by then: later than Until, for a request of a short life. Zero for a child that
	// stays whatever becomes of this request.
	Ends time.Time
}

// Message writes the request.
func (a Asked) Message(to To) Message {
	silence := to.Lang.T("notify.request.silence_lasts")
	if !a.Ends.IsZero() {
		silence = to.Lang.T("notify.request.silence", "Ends", clock(to, a.Ends))
	}
	return write(to, KindRequest, a.Link,
		"Service", line(a.Service), "Code", a.Code, "Until", clock(to, a.Until), "Silence", silence)
}

// Again asks once more after a material change (Article 10). Its words are not
// those of a first request: it says what changed, and that the former yes is worth
// nothing for it.
type Again struct {
	Service  string
	Purposes []string // labels of those that changed
	Changes  []string // in words; the page has all of them, the old beside the new
	Link     string
	Code     string
	Until    time.Time
}

// maxChanges bounds what a message tells of a charter: the page tells it all.
const (
	maxChanges = 8
	maxChange  = 120 // characters
)

// Message writes the request.
func (a Again) Message(to To) Message {
	var changes []string
	for i, c := range a.Changes {
		if i == maxChanges {
			changes = append(changes, to.Lang.T("notify.again.more"))
			break
		}
		short := []rune(line(c))
		if len(short) > maxChange {
			short = append(short[:maxChange], '…')
		}
		changes = append(changes, to.Lang.T("notify.again.change", "Change", string(short)))
	}
	return write(to, KindAgain, a.Link,
		"Service", line(a.Service), "Count", strconv.Itoa(len(a.Purposes)), "Purposes", list(to.Lang, a.Purposes),
		"Changes", strings.Join(changes, "\n"), "Code", a.Code, "Until", clock(to, a.Until))
}

// Code is a one-time code and the time it lives.
type Code struct {
	Service string
	Code    pii.Text
	Life    time.Duration
}

// Message writes the code.
func (c Code) Message(to To) Message {
	return write(to, KindCode, "",
		"Service", line(c.Service), "Code", c.Code.Reveal(), "Minutes", strconv.Itoa(int(c.Life.Minutes())))
}

// Receipt confirms what a guardian has answered.
type Receipt struct {
	Service string
	Agreed  []string // labels of purposes, in the guardian's language, each with what is missing
	Refused []string
	// Unproved is how many of those agreed to need a stronger proof of who agrees: a
	// text message has no room for more (edge case 24).
	Unproved int
	At       time.Time
	Link     string // where to look it up and to withdraw; empty where nothing is left to look up
}

// Message writes the receipt.
func (r Receipt) Message(to To) Message {
	kind := KindReceipt
	if r.Link == "" {
		kind = KindRefusal
	}
	unproved := "" // not a number: 0 is nothing to tell
	if r.Unproved > 0 {
		unproved = strconv.Itoa(r.Unproved)
	}
	return write(to, kind, r.Link, "Service", line(r.Service), "UnprovedCount", unproved,
		"Agreed", list(to.Lang, r.Agreed), "Refused", list(to.Lang, r.Refused),
		"AgreedCount", strconv.Itoa(len(r.Agreed)), "RefusedCount", strconv.Itoa(len(r.Refused)), "At", clock(to, r.At))
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
	return write(to, KindWithdrawal, w.Link, "Service", line(w.Service),
		"Withdrawn", list(to.Lang, w.Withdrawn), "At", clock(to, w.At))
}
