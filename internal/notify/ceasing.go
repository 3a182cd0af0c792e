package notify

import "time"

// Ceasing tells a guardian that a service ends, or one purpose of it, and until when
// what is held can be looked at (Article 23).
type Ceasing struct {
	Service string
	Purpose string // its label; empty: the service ends
	Until   time.Time
	Link    string // to the home
}

// Message writes it.
func (c Ceasing) Message(to To) Message {
	kind := KindCeasing
	if c.Purpose != "" {
		kind = KindPurposeCeasing
	}
	return write(to, kind, c.Link, "Service", line(c.Service), "Purpose", line(c.Purpose), "Until", clock(to, c.Until))
}
