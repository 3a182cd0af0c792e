package replay

import (
	"cmp"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	approvals "wardkeep/internal/approval"
	"wardkeep/internal/backup"
	"wardkeep/internal/decoy"
	"wardkeep/internal/ledger"
)

// decoy folds that a child that nobody knows became a decoy, or is none any more.
func (f *fold) decoy(p ledger.Placed) fault {
	b, x := body[approvals.DecoyBody](p)
	i := slices.IndexFunc(f.inside.decoys, func(m approvals.Marked) bool { return m.Mark == b.Mark && m.Ended.IsZero() })
	adds := p.Kind == approvals.KindDecoy
	switch {
	case x != (fault{}):
		return x
	case adds == (i >= 0), !adds && f.inside.decoys[i].Service != p.Service:
		return impossible(ruleAlarm)
	case adds:
		f.inside.decoys = append(f.inside.decoys, approvals.Marked{Mark: b.Mark, Service: p.Service, Since: p.At})
	default:
		f.inside.decoys[i].Ended = p.At
	}
	return fault{}
}

// decoyRows compares the marks of decoys. The row of one that has ended may be gone.
func (a *audit) decoyRows() error {
	rows, err := approvals.ReadDecoys(a.ctx, a.tx)
	if err != nil {
		return err
	}
	want := slices.Clone(a.fold.inside.decoys)
	for _, row := range rows {
		r := at{audit: a, table: "decoy", service: a.names.shown(row.Service)}
		i := slices.IndexFunc(want, func(m approvals.Marked) bool { return m.Mark == row.Mark && m.Since.Equal(row.Since) })
		if i < 0 {
			r.extra()
			continue
		}
		r.text("service", want[i].Service, row.Service)
		r.time("ended_at", micros(want[i].Ended), micros(row.Ended))
		want = slices.Delete(want, i, i+1)
	}
	for _, m := range want {
		if m.Ended.IsZero() {
			at{audit: a, table: "decoy", service: m.Service}.missing()
		}
	}
	return nil
}

// touches are what was done with decoys without anybody having looked one up, and the
// alarms that this has raised. That needs the keys: which child is one no entry tells.
type touches struct {
	watched int64 // up to where the consumer was
	done    map[raised]touch
	alarms  map[raised]source
}

// A touch is one that was a decoy's, by what the ledger had told until then.
type touch struct {
	source
	mark string
	at   time.Time
}

// ofTouch reports whether an alarm is of a touch: those of persons inside are of a look, a
// request or a look-up, and were written with it.
func ofTouch(p ledger.Placed, b approvals.AlarmBody) bool {
	return b.Cause == approvals.Touched && !strings.HasPrefix(p.Actor, "staff:")
}

// atTerminal reports whether somebody at the terminal has made an entry.
func atTerminal(p ledger.Placed) bool {
	return strings.HasPrefix(p.Actor, "operator:") || strings.HasPrefix(p.Actor, "officer:")
}

func (a *audit) readTouches() (err error) {
	a.touches = touches{done: make(map[raised]touch), alarms: make(map[raised]source)}
	a.touches.watched, err = ledger.Cursor(a.ctx, a.tx, decoy.Watched)
	return err
}

// touch keeps an entry that has touched a decoy, or tells of the alarm.
func (a *audit) touch(p ledger.Placed) {
	t := &a.touches
	switch {
	case p.Kind == backup.KindRestored:
		// Who watched came no further than the copy: what it hadn't come to may have raised an
		// alarm in the gap, or none.
		clear(t.done)
	case p.Kind == approvals.KindAlarm:
		b, x := body[approvals.AlarmBody](p)
		if x == (fault{}) && b.Use != "" && ofTouch(p, b) {
			t.alarms[raised{b.Use, b.Cause, p.Actor, p.Service}] = source{place: p.Place, entry: p.ID, service: p.Service}
		}
	case a.ring != nil && len(a.fold.inside.decoys) > 0 && p.Place >= 0 && p.Place < t.watched && decoy.Touches(p):
		mark := a.markOf(p)
		if a.fold.inside.decoys.Was(p.Service, mark, p.At) {
			t.done[raised{p.ID, approvals.Touched, p.Actor, p.Service}] = touch{source{place: p.Place, entry: p.ID, service: p.Service, subject: p.Subject}, mark, p.At}
		}
	}
}

func (a *audit) markOf(p ledger.Placed) string {
	return hex.EncodeToString(approvals.MarkOf(a.ring, p.Subject))
}

// compareTouches finds what has touched a decoy and raised no alarm, and alarms of what
// hasn't. What was done beside the marking, or the end of it, is judged by its time, as the
// consumer does: their order in the ledger is none.
func (a *audit) compareTouches() error {
	if a.ring == nil {
		return nil
	}
	t, decoys := a.touches, a.fold.inside.decoys
	order := func(x, y raised) int { return cmp.Or(cmp.Compare(x.use, y.use), cmp.Compare(x.actor, y.actor)) }
	for _, r := range slices.SortedFunc(maps.Keys(t.alarms), order) {
		if _, ok := t.done[r]; ok {
			delete(t.done, r)
			continue
		}
		p, err := ledger.Find(a.ctx, a.tx, r.use)
		if err != nil || p.Actor != r.actor || p.Service != r.service || !decoy.Touches(p) || !decoys.Was(p.Service, a.markOf(p), p.At) {
			if err != nil && !errors.Is(err, ledger.ErrNotFound) {
				return err
			}
			a.fold.blame(t.alarms[r], impossible(ruleAlarm))
		}
	}
	for _, r := range slices.SortedFunc(maps.Keys(t.done), order) {
		if is := t.done[r]; decoys.Was(r.service, is.mark, is.at) {
			a.fold.blame(is.source, impossible(ruleAlarm))
		}
	}
	return nil
}
