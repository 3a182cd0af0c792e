package notify

import (
	"strconv"
	"time"

	"wardkeep/internal/base/pii"
)

// HomeCode is a one-time code for the home of a guardian. It names no service: it
// opens all that the guardian sees, and whoever reads the message on a locked
// screen isn't told where the child is.
type HomeCode struct {
	Code pii.Text
	Life time.Duration
}

// Message writes the code.
func (c HomeCode) Message(to To) Message {
	return write(to, KindHomeCode, "", "Code", c.Code.Reveal(), "Minutes", strconv.Itoa(int(c.Life.Minutes())))
}
