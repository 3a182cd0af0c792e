package replay

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
)

// A meter is what the ledger says of the values that a party has had. Each use says how many
// there were before it, so their order in the ledger, which is that of children, doesn't
// matter: in each minute, hour and day one begins where another ends.
type meter struct {
	windows [3]map[int64]*window // minutes, hours, days
	warned  int64                // the last hour in which an alarm said that there were too many
	seen    bool
}

// A window is one minute, hour or day of a party.
type window struct {
	had    int64           // values, as far as one use begins where another ends
	ahead  map[int64]ahead // by what had been had before it: uses that others come before
	denied int64           // the most that a use found which was denied
	over   source          // of a use that was denied because there were too many
	alarms int             // that said so
	last   source
}

type ahead struct {
	values int64
	source source
}

// longs are how long a window is.
var longs = [3]time.Duration{time.Minute, time.Hour, 24 * time.Hour}

// meters folds what a use by a party says of its meter.
func (f *fold) meters(p ledger.Placed, u *use) fault {
	b := u.body.Pull
	is, n := b.Pull(p.Service, u.key), int64(max(1, len(u.body.Items)))
	if !slices.Equal(b.Alarms, is.Alarms(n, u.body.Reasons)) {
		return impossible(ruleAlarm)
	}
	f.raises(p, b.Alarms)
	// A use that began later may have been counted before this one.
	early, late := (party.Meter{}).At(p.At), (party.Meter{}).At(p.At.Add(slack*time.Microsecond))
	if b.Minute < early.Minute || b.Minute > late.Minute || b.Hour < early.Hour || b.Hour > late.Hour || b.Day < early.Day || b.Day > late.Day ||
		b.InMinute < 0 || b.InHour < 0 || b.InDay < 0 {
		return impossible(ruleMeter)
	}
	// Whether the key is that party's is decided with the use.
	of := party.ID{Service: f.names.keep(p.Service), Role: party.Role(f.names.keep(string(b.Role))), Name: f.names.keep(b.Party)}
	m := f.metered[of]
	if m == nil {
		m = &meter{windows: [3]map[int64]*window{{}, {}, {}}}
		f.metered[of] = m
	}
	var x fault
	for i, w := range [3]struct{ at, had int64 }{{b.Minute, b.InMinute}, {b.Hour, b.InHour}, {b.Day, b.InDay}} {
		x = cmp.Or(m.in(i, w.at).count(u, w.had, n), x)
	}
	if gate.OverQuota(u.body.Reasons) {
		hour := m.in(1, b.Hour)
		hour.over = u.source
		if len(b.Alarms) > 0 {
			hour.alarms++
			m.warned = max(m.warned, b.Hour)
		}
	}
	f.close(m, u.at)
	return x
}

func (m *meter) in(which int, at int64) *window {
	w := m.windows[which][at]
	if w == nil {
		w = &window{ahead: make(map[int64]ahead)}
		m.windows[which][at] = w
	}
	return w
}

// count adds the values of a use that found so many, or notes how many one found that got
// none.
func (w *window) count(u *use, had, n int64) fault {
	w.last = u.source
	if !u.permitted {
		w.denied = max(w.denied, had)
		return fault{}
	}
	if _, twice := w.ahead[had]; had < w.had || twice {
		return impossible(ruleMeter)
	}
	w.ahead[had] = ahead{n, u.source}
	for next, ok := w.ahead[w.had]; ok; next, ok = w.ahead[w.had] {
		delete(w.ahead, w.had)
		w.had += next.values
	}
	return fault{}
}

// close judges the windows of a party that nothing can come for any more, but the newest, which
// its row is compared with. At the end, at is 0, and all are judged.
func (f *fold) close(m *meter, at int64) {
	for i, all := range m.windows {
		newest := slices.Max(slices.Collect(maps.Keys(all)))
		for _, when := range slices.Sorted(maps.Keys(all)) {
			end := (when+1)*longs[i].Microseconds() - china
			if at != 0 && (when == newest || at-end <= 2*slack) {
				continue
			}
			w := all[when]
			if len(w.ahead) > 0 || w.denied > w.had {
				f.blame(w.last, impossible(ruleMeter))
			}
			// One alarm an hour says that there were too many.
			if (w.over != source{}) != (w.alarms == 1) || w.alarms > 1 {
				f.blame(w.last, impossible(ruleAlarm))
			}
			if when != newest {
				delete(all, when)
			}
		}
	}
}

// china is how far the clock there is ahead, in microseconds.
const china = 8 * int64(time.Hour/time.Microsecond)

// closeMeters judges what is left of all parties.
func (f *fold) closeMeters() {
	for _, of := range sortedParties(f.metered) {
		f.close(f.metered[of], 0)
	}
}

// meterRows compares how many values parties have had.
func (a *audit) meterRows() error {
	err := party.EachMeter(a.ctx, a.tx, func(of party.ID, row party.Meter) error {
		r := at{audit: a, table: "party_meter", service: a.names.shown(of.Service), row: a.names.shown(of.Name)}
		m := a.fold.metered[of]
		if m == nil {
			r.extra()
			return nil
		}
		m.seen = true
		for i, c := range [3]struct {
			name   string
			at, in int64
		}{{"minute", row.Minute, row.InMinute}, {"hour", row.Hour, row.InHour}, {"day", row.Day, row.InDay}} {
			newest := slices.Max(slices.Collect(maps.Keys(m.windows[i])))
			r.number(c.name, newest, c.at)
			r.number("in_"+c.name, m.windows[i][newest].had, c.in)
		}
		r.number("warned", m.warned, row.Warned)
		return a.ctx.Err()
	})
	for _, of := range sortedParties(a.fold.metered) {
		if !a.fold.metered[of].seen && err == nil {
			at{audit: a, table: "party_meter", service: of.Service, row: of.Name}.missing()
		}
	}
	return err
}
