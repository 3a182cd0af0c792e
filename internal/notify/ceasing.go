package notify

import "time"

// Ceasing tells a guardian that a service ends, or one purpose of it, and until when
// what is held can be looked at (Article 23); and who takes over the service, if
// somebody does (edge case 18).
type Ceasing struct {
	Service   string
	Purpose   string // its label; empty: the service ends
	Until     time.Time
	Successor string // who takes over; empty: nobody
	Asked     bool   // the link leads to the question whether it may have what is held
	Link      string // else to the home
}

// Message writes it.
func (c Ceasing) Message(to To) Message {
	kind := KindCeasing
	switch {
	case c.Purpose != "":
		kind = KindPurposeCeasing
	case c.Asked:
		kind = KindTakeover
	case c.Successor != "":
		kind = KindTakeoverUnasked
	}
	return write(to, kind, c.Link, "Service", line(c.Service), "Purpose", line(c.Purpose), "Until", clock(to, c.Until), "Successor", line(c.Successor))
}

// Ceased tells a guardian that a service has ended that somebody took over: all about the
// child is erased, and something went there before, or nothing did (edge case 18).
type Ceased struct {
	Service   string
	Successor string
	Handed    time.Time // when something first went there; zero: nothing did
	Recalled  bool      // no yes carries that any more, and it was told to delete it
	At        time.Time // when all was erased
	Kept      string    // what a law demands to keep, on which basis and until when; a text message leaves that to the link
	Link      string
}

// Message writes it.
func (c Ceased) Message(to To) Message {
	kind, handed := KindCeasedUnhanded, ""
	if !c.Handed.IsZero() {
		kind, handed = KindCeasedHanded, clock(to, c.Handed)
		if c.Recalled {
			kind = KindCeasedRecalled
		}
	}
	return write(to, kind, c.Link, "Service", line(c.Service), "Successor", line(c.Successor), "Handed", handed, "At", clock(to, c.At), "Kept", line(c.Kept))
}
