package notify

import "time"

// An Alarm tells whoever holds the office what they have to look at (Article 15). It says
// nothing of whom it is about.
type Alarm struct {
	Cause   string // a word that has words of its own
	Service string // its name in the language of the letter; empty: the whole installation
	At      time.Time
	Key     string // what the operator calls the app's key by which it was; empty: it wasn't one
	Party   string // what the charter calls the processor or recipient by whose key it was; empty: it wasn't one
	Link    string // to the console; empty where it has no address
}

// Message writes it.
func (a Alarm) Message(to To) Message {
	service := a.Service
	if service == "" {
		service = to.Lang.T("notify.alarm.everywhere")
	}
	what := to.Lang.T("notify.alarm.what." + a.Cause)
	if a.Key != "" {
		what = to.Lang.T("notify.alarm.by_key."+a.Cause, "Key", line(a.Key))
	}
	if a.Party != "" {
		what = to.Lang.T("notify.alarm.by_party."+a.Cause, "Party", line(a.Party))
	}
	return write(to, KindAlarm, a.Link, "Service", line(service), "What", what, "At", clock(to, a.At))
}
