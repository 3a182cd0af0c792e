package notify

import "time"

// News tells a guardian that something has happened, in the words of its kind:
// one whose words need no other places than these.
type News struct {
	Kind    string
	Service string // its name in the guardian's language; empty where none is named
	At      time.Time
	Link    string // where to look, and what can be done
	Kept    string // what a law demands to keep, on which basis and until when
	Lost    bool   // no way leads back to the guardian's request: the link says who can help
}

// Inactive tells a guardian that nobody has used anything of its child for long, and on
// which day all of it is erased if nobody does (Article 12).
type Inactive struct {
	Service string
	Until   time.Time
	Link    string // to the home
}

// Message writes it.
func (i Inactive) Message(to To) Message {
	return write(to, KindInactive, i.Link, "Service", line(i.Service), "Until", clock(to, i.Until))
}

// Message writes the news.
func (n News) Message(to To) Message {
	return write(to, n.Kind, n.Link, "Service", line(n.Service), "At", clock(to, n.At), "Kept", line(n.Kept), "Lost", n.Lost)
}
