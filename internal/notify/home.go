package notify

import (
	"strconv"
	"time"

	"wardkeep/internal/base/pii"
)

// KindHomeCode is the kind of a code that signs a guardian in.
const KindHomeCode = "home.code"

// HomeCode is a one-time code for the home of a guardian. It names no service: it
// opens all that the guardian sees, and whoever reads the message on a locked
// screen isn't told where the child is.
type HomeCode struct {
	Site string // where it is to be typed, and nowhere else
	Code pii.Text
	Life time.Duration
}

// Message writes the code.
func (c HomeCode) Message(to To) Message {
	return write(to, KindHomeCode, "home_code", "",
		"Site", line(c.Site), "Code", c.Code.Reveal(), "Minutes", strconv.Itoa(int(c.Life.Minutes())))
}
