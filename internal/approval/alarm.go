package approval

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/family/age"
	"wardkeep/internal/staff"
)

// A PerRole are the looks of one person by a role. A zero is that of Limits.
type PerRole struct{ PerHour, PerDay int }

// Hours are those of a day in which looks raise no alarm, since midnight: From ≤ t < To.
// The zero Hours are the default.
type Hours struct{ From, To time.Duration }

// An Alarm is announced with what somebody in office has to look at. It says nothing of
// whom it is about.
type Alarm struct{ What Cause }

// A Cause is what an alarm is about.
type Cause string

// The causes. BrokenGlass and LateReview are in entries that say more; the others have an entry of
// their own. Burst and Touched are of processors and recipients, too. Forged is a row that was written by hand, by which somebody wanted to look, a guardian from whom what is held is hidden included;
// Touched is raised by a request and a look-up, too, and by what an app or the terminal does
// with a decoy.
const (
	BrokenGlass Cause = "broken_glass"
	LateReview  Cause = "late_review"
	Forged      Cause = "forged"
	Burst       Cause = "burst"
	OddHours    Cause = "odd_hours"
	Touched     Cause = "decoy"
	Exported    Cause = "exported" // something has left as a file
	OverQuota   Cause = "quota"    // a processor or a recipient wants more than it may have
)

// Causes are all of them.
var Causes = []Cause{BrokenGlass, LateReview, Forged, Burst, OddHours, Touched, Exported, OverQuota}

// An AlarmBody says what a look has raised, or a touch: by which request, with which entry.
type AlarmBody struct {
	Request string `json:"request,omitempty"`
	Cause   Cause  `json:"cause"`
	Use     string `json:"use"` // the entry of the look, of the request, or of the touch; empty: the terminal has shown the child
}

// Of returns how often a person may look at values of the service within an hour and on a
// day: by the most that a role allows by which they may ask.
func (l Limits) Of(p staff.Person, service string) (perHour, perDay int64) {
	r := staff.RuleOf(staff.AskAccess)
	for _, g := range p.Grants {
		if !r.Allows(g.Role) || g.Service != service {
			continue
		}
		hour, day := l.PerHour, l.PerDay
		if is := l.Roles[g.Role]; is.PerHour > 0 {
			hour = is.PerHour
		}
		if is := l.Roles[g.Role]; is.PerDay > 0 {
			day = is.PerDay
		}
		perHour, perDay = max(perHour, int64(hour)), max(perDay, int64(day))
	}
	if perHour == 0 { // without a role, which the gate denies
		return int64(l.PerHour), int64(l.PerDay)
	}
	return perHour, perDay
}

// Alarms returns what n looks at that moment raise, of which looks are those before: a
// burst once, where it becomes one, and each look outside the hours or on a day off.
func (l Limits) Alarms(looks Looks, n int64, now time.Time, calendar workday.Calendar) (all []Cause) {
	if looks.Bursts(n, int64(l.Burst)) {
		all = append(all, Burst)
	}
	if l.odd(now, calendar) {
		all = append(all, OddHours)
	}
	return all
}

func (l Limits) odd(now time.Time, calendar workday.Calendar) bool {
	t := now.In(l.Zone)
	clock := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
	if clock < l.Hours.From || clock >= l.Hours.To {
		return true
	}
	return !l.DaysOff && !calendar.Is(workday.On(time.Date(t.Year(), t.Month(), t.Day(), 12, 0, 0, 0, age.Zone)))
}

// Raise records what a look has raised, with the look, or what a touch has. It is about who
// looks, and names no child.
func Raise(ctx context.Context, tx *db.Tx, service, request, actor string, causes []Cause, use string) error {
	for _, cause := range causes {
		tx.Announce(Alarm{What: cause})
		if _, err := note(ctx, tx, service, KindAlarm, actor, AlarmBody{Request: request, Cause: cause, Use: use}); err != nil {
			return err
		}
	}
	return nil
}
