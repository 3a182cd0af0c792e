package charter

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// shanghai is the calendar in which the Provisions count days. China has had no
// daylight saving time since 1991, so a fixed zone needs no time zone database.
var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// A Period is a length of time on the calendar: years, months or days. Its text
// is a number and a unit: 90d, 18m, 3y. The zero Period is no period.
type Period struct {
	n    int
	unit byte // 'y', 'm' or 'd'
}

// maxPeriod is the longest period in days. Article 12 knows no "forever", and a
// child is grown up long before it is over.
const maxPeriod = 20 * 366

var errPeriod = errors.New("not a period such as 90d, 18m or 3y")

// ParsePeriod reads a number of 1 or more, at most 20 years, and d, m or y.
func ParsePeriod(s string) (Period, error) {
	if len(s) < 2 || s[0] == '0' {
		return Period{}, errPeriod
	}
	digits, unit := s[:len(s)-1], s[len(s)-1]
	n, err := strconv.ParseUint(digits, 10, 16)
	days, ok := map[byte]int{'d': 1, 'm': 31, 'y': 366}[unit]
	if err != nil || !ok || n == 0 || int(n)*days > maxPeriod+maxPeriod/60 {
		return Period{}, errPeriod
	}
	return Period{int(n), unit}, nil
}

// IsZero reports whether there is no period.
func (p Period) IsZero() bool { return p.n == 0 }

// String returns the text that ParsePeriod reads, or "".
func (p Period) String() string {
	if p.IsZero() {
		return ""
	}
	return strconv.Itoa(p.n) + string(p.unit)
}

// MarshalText returns the text that ParsePeriod reads.
func (p Period) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText wrote. The empty text is no period.
func (p *Period) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*p = Period{}
		return nil
	}
	*p, err = ParsePeriod(string(b))
	return err
}

// In returns the period in words: 90 天, 90 days.
func (p Period) In(lang Lang) string {
	n := strconv.Itoa(p.n)
	if lang == Chinese {
		return n + " " + map[byte]string{'y': "年", 'm': "个月", 'd': "天"}[p.unit]
	}
	word := map[byte]string{'y': "year", 'm': "month", 'd': "day"}[p.unit]
	if p.n != 1 {
		word += "s"
	}
	return n + " " + word
}

// After returns the moment one period after t, on the calendar of
// Asia/Shanghai and in UTC. A day that its month lacks becomes the month's last
// day: one month after 31 January is 28 or 29 February, never in March, so that
// nothing lives longer than was said (Article 12).
func (p Period) After(t time.Time) time.Time {
	t = t.In(shanghai)
	if p.unit == 'd' {
		return t.AddDate(0, 0, p.n).UTC()
	}
	months := p.n
	if p.unit == 'y' {
		months *= 12
	}
	first := time.Date(t.Year(), t.Month(), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), shanghai)
	first = first.AddDate(0, months, 0)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1).UTC()
}

// longer reports whether p ever reaches further than q: from any day of a
// leap-year cycle. 1m is longer than 30d, because from 1 January it is.
func (p Period) longer(q Period) bool {
	if (p.unit == 'd') == (q.unit == 'd') {
		return p.n*p.months() > q.n*q.months()
	}
	// A month has 28 days at least, and 31 at most: only what lies between takes a
	// calendar.
	months := p.n * p.months()
	days := q.n
	if p.unit == 'd' {
		months, days = q.n*q.months(), p.n
	}
	switch {
	case days > 31*months:
		return p.unit == 'd'
	case days < 28*months:
		return q.unit == 'd'
	}
	return p.sometimes(q)
}

// months returns how many months the unit has; 1 for days.
func (p Period) months() int {
	if p.unit == 'y' {
		return 12
	}
	return 1
}

// sometimes is longer, found out day by day.
func (p Period) sometimes(q Period) bool {
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, shanghai)
	for day := range 4*365 + 1 {
		t := start.AddDate(0, 0, day)
		if p.After(t).After(q.After(t)) {
			return true
		}
	}
	return false
}

// InactiveLead is how many days before an account that nobody uses is erased its guardians are
// told, at least: the notice says so.
const InactiveLead = 30

// What an operator may set for accounts that nobody uses: not so little that a summer ends one,
// nor so much that the rule is none.
var (
	leastInactive = Period{89, 'd'} // three months, of the shortest
	mostInactive  = Period{3, 'y'}
)

// A From is the moment a retention counts from.
type From string

// The three beginnings.
const (
	FromCollection From = "collection"
	FromLastUse    From = "last_use"
	FromEvent      From = "event"
)

// A Retention is how long a value is kept (Article 12). There is no forever:
// one that waits for an event, which may never come, also says AtMost.
type Retention struct {
	From       From   `json:"from" doc:"从何时起算：collection 收集时，last_use 最后一次使用时，event 某事发生时|counted from collection, last_use or event"`
	Period     Period `json:"period" doc:"期限，例如 90d、18m、3y|the period, such as 90d, 18m or 3y"`
	Event      string `json:"event,omitempty" form:"slug" doc:"事件的短名|short name of the event"`
	EventLabel Words  `json:"event_label,omitzero" doc:"事件，用家长看得懂的话|the event in words"`
	AtMost     Period `json:"at_most,omitzero" doc:"无论如何，自收集起最多保存多久|the longest from collection, whatever happens"`
}

// Expiry returns when a value collected at that moment expires, as known then:
// for an event that has not come, the longest time.
func (r Retention) Expiry(collected time.Time) time.Time {
	if r.From == FromEvent {
		return r.AtMost.After(collected)
	}
	return r.capped(collected, r.Period.After(collected))
}

// AfterUse returns when the value expires once it was used. A use prolongs only
// a retention that counts from the last one, and never beyond AtMost.
func (r Retention) AfterUse(collected, used time.Time) time.Time {
	if r.From != FromLastUse || used.Before(collected) {
		return r.Expiry(collected)
	}
	return r.capped(collected, r.Period.After(used))
}

// AfterEvent returns when the value expires once the event has happened. It
// never prolongs. An event from before the collection has not come for the value.
func (r Retention) AfterEvent(collected, happened time.Time) time.Time {
	if r.From != FromEvent || happened.Before(collected) {
		return r.Expiry(collected)
	}
	return r.capped(collected, r.Period.After(happened))
}

func (r Retention) capped(collected, t time.Time) time.Time {
	if r.AtMost.IsZero() {
		return t
	}
	if most := r.AtMost.After(collected); most.Before(t) {
		return most
	}
	return t
}

// In returns the retention in words.
func (r Retention) In(lang Lang) string {
	var b strings.Builder
	zh := lang == Chinese
	switch {
	case r.From == FromCollection && zh:
		b.WriteString("自收集之日起 " + r.Period.In(lang))
	case r.From == FromCollection:
		b.WriteString(r.Period.In(lang) + " from the day it was collected")
	case r.From == FromLastUse && zh:
		b.WriteString("自最后一次使用之日起 " + r.Period.In(lang))
	case r.From == FromLastUse:
		b.WriteString(r.Period.In(lang) + " from the day it was last used")
	case zh:
		b.WriteString("自“" + r.EventLabel.ZH + "”之日起 " + r.Period.In(lang))
	default:
		b.WriteString(r.Period.In(lang) + " from the day when this happens: " + r.EventLabel.EN)
	}
	if !r.AtMost.IsZero() {
		if zh {
			b.WriteString("，且自收集之日起最长不超过 " + r.AtMost.In(lang))
		} else {
			b.WriteString(", and never more than " + r.AtMost.In(lang) + " from the day it was collected")
		}
	}
	return b.String()
}
