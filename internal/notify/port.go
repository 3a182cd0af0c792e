package notify

import (
	"strconv"
	"time"

	"wardkeep/internal/base/pii"
)

// PortCode is a one-time code by which a guardian shows that it is the one who has a copy
// handed to somebody else. It says what it is for, so that nobody reads it out to a stranger
// who has asked for it.
type PortCode struct {
	Code pii.Text
	Life time.Duration
}

// Message writes the code.
func (c PortCode) Message(to To) Message {
	return write(to, KindPortCode, "", "Code", c.Code.Reveal(), "Minutes", strconv.Itoa(int(c.Life.Minutes())))
}

// PortAddress tells somebody whom a guardian has named where a copy waits. It holds no code,
// and names nobody: neither the child nor the guardian, nor the service.
type PortAddress struct {
	Link  pii.Text
	Until time.Time
}

// Message writes it.
func (a PortAddress) Message(to To) Message {
	return write(to, KindPortAddress, a.Link.Reveal(), "Until", clock(to, a.Until))
}
