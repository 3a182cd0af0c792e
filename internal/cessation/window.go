package cessation

import (
	"time"

	"wardkeep/internal/family/age"
)

// Window returns when a window of so many days from now is over: at the end of the last
// of them, in Asia/Shanghai. One of no days is over now.
func Window(now time.Time, days int) time.Time {
	if days == 0 {
		return now
	}
	y, m, d := now.In(age.Zone).Date()
	return time.Date(y, m, d+days+1, 0, 0, 0, 0, age.Zone)
}
