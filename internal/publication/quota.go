package publication

import (
	"context"
	"sync"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/ledger"
)

// ErrQuota refuses whoever has found more values of held children than anybody publishes
// by mistake. The content is held.
var ErrQuota = errs.New(errs.TooMany, "publication.quota")

// KindAlarm is of the entry that says that a credential finds too much. It is about the
// credential, and names no child.
const KindAlarm = "screening.alarm"

// A Cause is what an alarm is about.
type Cause string

// The causes.
const (
	Burst Cause = "burst" // many within minutes
	Spent Cause = "quota" // more than are allowed
)

// Causes are all of them.
var Causes = []Cause{Burst, Spent}

// An AlarmBody says what was too much.
type AlarmBody struct {
	Cause Cause `json:"cause"`
	Hits  int64 `json:"hits"` // values of held children that were found in that time
}

// Limits are how many values of held children one credential may find, in a process. A
// zero is that of Defaults.
type Limits struct {
	PerHour, PerDay int
	Burst           int // so many within BurstIn raise no alarm; one more does
	BurstIn         time.Duration
}

// Defaults are far more than are published by mistake where apps hold what they are told
// to, and far fewer than a list of telephone numbers has.
var Defaults = Limits{PerHour: 600, PerDay: 3_000, Burst: 100, BurstIn: 10 * time.Minute}

// Or returns l with those of other for its zeros.
func (l Limits) Or(other Limits) Limits {
	set := func(n *int, value int) {
		if *n == 0 {
			*n = value
		}
	}
	set(&l.PerHour, other.PerHour)
	set(&l.PerDay, other.PerDay)
	set(&l.Burst, other.Burst)
	if l.BurstIn == 0 {
		l.BurstIn = other.BurstIn
	}
	return l
}

// A Quota counts what credentials find. Whoever asks can learn by it whether a value is
// held: so what it finds is bounded, and that somebody finds much is told of (Article 15).
// It counts in this process; a credential is bounded on each node by itself.
type Quota struct {
	Limits Limits

	mu  sync.Mutex
	all map[string]*found
}

// A found is what one credential has found.
type found struct{ burst, hour, day span }

// A span is a stretch of time that begins with the first hit.
type span struct {
	from time.Time
	hits int64
	told bool // that it is too much
}

func (s *span) add(now time.Time, long time.Duration, n int64) {
	if now.Sub(s.from) >= long || now.Before(s.from) {
		*s = span{from: now}
	}
	s.hits += n
}

// over reports whether it is more than most, and whether that is new.
func (s *span) over(most int) (over, fresh bool) {
	over = s.hits > int64(most)
	fresh = over && !s.told
	s.told = over
	return over, fresh
}

// Count counts hits, and returns the alarms that they raise and whether it is too much.
func (q *Quota) Count(app string, hits int, now time.Time) (alarms []AlarmBody, spent bool) {
	l := q.Limits.Or(Defaults)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.all == nil {
		q.all = make(map[string]*found)
	}
	f := q.all[app]
	if f == nil {
		if hits == 0 {
			return nil, false
		}
		f = new(found)
		q.all[app] = f // one for each credential that there is
	}
	n := int64(hits)
	f.burst.add(now, l.BurstIn, n)
	f.hour.add(now, time.Hour, n)
	f.day.add(now, 24*time.Hour, n)
	if _, fresh := f.burst.over(l.Burst); fresh {
		alarms = append(alarms, AlarmBody{Burst, f.burst.hits})
	}
	hour, first := f.hour.over(l.PerHour)
	day, second := f.day.over(l.PerDay)
	switch {
	case first:
		alarms = append(alarms, AlarmBody{Spent, f.hour.hits})
	case second:
		alarms = append(alarms, AlarmBody{Spent, f.day.hits})
	}
	return alarms, hour || day
}

// Again has what was too much told once more: nobody has recorded it.
func (q *Quota) Again(app string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if f := q.all[app]; f != nil {
		f.burst.told, f.hour.told, f.day.told = false, false, false
	}
}

// Raise records alarms about an app, before it is answered.
func Raise(ctx context.Context, tx *db.Tx, by account.App, alarms []AlarmBody) error {
	for _, a := range alarms {
		if _, err := ledger.Append(ctx, tx, ledger.Entry{Kind: KindAlarm, Service: by.Service, Actor: by.Ledger(), Body: a}); err != nil {
			return err
		}
	}
	return nil
}
