// Package tally counts what happens on each day, as the ledger tells it: what guardians
// answer (Article 9), who uses what for which purpose (Articles 14 and 15), how long
// demands take (Articles 19 and 20). The console draws its pictures of it, and the board
// its numbers: so neither reads five million entries.
//
// Its one invariant: each entry is counted once, on the day of its own time, however often
// the consumer dies; and nobody is in a tally, neither a child nor a person. It is what the
// ledger gives and nothing else, so the replay makes it anew and compares.
package tally

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/rights"
	"wardkeep/internal/staff"
)

// Counted is the name of the consumer's place in the ledger: what lies before it is
// counted.
const Counted = "tally"

// most is how many entries are counted at once.
const most = 1 << 15

// A What is what was counted.
type What string

// What is counted, and what the detail of each says.
const (
	Shown     What = "shown"     // a guardian was shown a notice: guidance, where that was offered with it
	Granted   What = "granted"   // of one purpose
	Refused   What = "refused"   // likewise
	Withdrawn What = "withdrawn" // likewise
	Permitted What = "permitted" // a use: its activity
	Denied    What = "denied"    // likewise: the article of the first reason
	Demanded  What = "demanded"  // its kind
	Answered  What = "answered"  // a demand has ended in writing: the Took of how long that took
	Erased    What = "erased"    // a child: on which ground
	Asked     What = "asked"     // to see something of a child: what became of it, each step
	Alarm     What = "alarm"     // that somebody inside has raised: its cause
)

// Guidance is the detail of a notice that was shown with guidance (Article 5).
const Guidance = "guidance"

// A Took is how long something took, in whole days at most.
type Took string

// The times, in order.
const (
	Day    Took = "1"
	Days   Took = "3"
	Week   Took = "7"
	Weeks  Took = "15"
	Longer Took = "longer"
)

// Times are all of them, in order.
var Times = []Took{Day, Days, Week, Weeks, Longer}

// TookOf returns how long it was between two moments.
func TookOf(from, to time.Time) Took {
	switch days := to.Sub(from).Hours() / 24; {
	case days <= 1:
		return Day
	case days <= 3:
		return Days
	case days <= 7:
		return Week
	case days <= 15:
		return Weeks
	}
	return Longer
}

// An Actor is what kind of actor did it.
type Actor string

// The actors. Officer is who acts at the terminal by office; a person at the console is
// Staff, and who looks at something of a child is Inside.
const (
	App      Actor = "app"
	Guardian Actor = "guardian"
	Staff    Actor = "staff"
	Officer  Actor = "officer"
	Operator Actor = "operator"
	System   Actor = "system"
	Party    Actor = "party" // a processor or a recipient that asks by itself
	Other    Actor = "other"
)

var actors = []Actor{App, Guardian, Staff, Officer, Operator, System, Party}

// Inside is a person inside who looks at something of a child by a role (Article 15).
func Inside(role staff.Role) Actor { return Staff + "." + Actor(role) }

// actorOf returns the kind of an actor as the ledger writes it.
func actorOf(name string) Actor {
	kind, _, _ := strings.Cut(name, ":")
	if a := Actor(kind); slices.Contains(actors, a) {
		return a
	}
	return Other
}

// A Line is what is counted alike.
type Line struct {
	Service string
	What    What
	Day     int64  // since 1970, in Asia/Shanghai
	Purpose string // or empty
	Actor   Actor
	Detail  string
}

// A Row is a Line with how often it was.
type Row struct {
	Line
	N int64
}

// Compare orders lines as the key of the table does.
func Compare(a, b Line) int {
	return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.What, b.What), cmp.Compare(a.Day, b.Day),
		cmp.Compare(a.Purpose, b.Purpose), cmp.Compare(a.Actor, b.Actor), cmp.Compare(a.Detail, b.Detail))
}

// kinds are how the kinds of those entries begin that are counted.
var kinds = []string{"use.", "access.", "consent.", "request.", "approval.", family.KindErased}

// answers are the kinds of entries by which guardians answer.
var answers = map[string]What{consent.KindGranted: Granted, consent.KindRefused: Refused, consent.KindWithdrawn: Withdrawn}

// asked are the kinds of entries that tell of a request to see something of a child.
var asked = map[string]string{approval.KindAsked: "asked", approval.KindGranted: "granted", approval.KindNarrowed: "narrowed",
	approval.KindRefused: "refused", approval.KindEnded: "ended", approval.KindBroken: "broken", approval.KindForeign: "refused"}

// Of returns the line in which an entry is counted, and false for one that isn't. The
// replay calls it too. Errors: ledger.ErrDamaged.
func Of(p ledger.Placed, uses gate.Bodies) (l Line, ok bool, err error) {
	l = Line{Service: p.Service, Day: access.DayOf(p.At), Actor: actorOf(p.Actor)}
	switch p.Kind {
	case gate.KindPermitted, gate.KindDenied:
		b, err := uses.Of(p)
		if err != nil {
			return l, false, err
		}
		l.What, l.Purpose, l.Detail = Permitted, b.Purpose, b.Activity
		if p.Kind == gate.KindDenied {
			l.What, l.Detail = Denied, article(b.Reasons)
		}
		if b.Look != nil && b.Look.Role != "" {
			l.Actor = Inside(b.Look.Role)
		}
	case gate.KindViewed, gate.KindCopied, gate.KindPorted:
		l.What, l.Detail = Permitted, p.Kind
	case gate.KindViewDenied, gate.KindCopyDenied, gate.KindPortDenied:
		var b gate.AccessBody
		if err := p.Into(&b); err != nil {
			return l, false, err
		}
		l.What, l.Detail = Denied, article(b.Reasons)
	case consent.KindOpened:
		var b consent.OpenedBody
		if err := p.Into(&b); err != nil {
			return l, false, err
		}
		if b.Channel == consent.OnTest {
			return l, false, nil // nobody was shown anything
		}
		if l.What = Shown; b.Guidance {
			l.Detail = Guidance
		}
	case consent.KindGranted, consent.KindRefused, consent.KindWithdrawn:
		var b consent.AnswerBody
		if err := p.Into(&b); err != nil {
			return l, false, err
		}
		if b.Again {
			return l, false, nil // a store that was put back says once more what was said
		}
		l.What, l.Purpose = answers[p.Kind], b.Purpose
	case rights.KindReceived:
		var b rights.ReceivedBody
		if err := p.Into(&b); err != nil {
			return l, false, err
		}
		l.What, l.Detail = Demanded, string(b.Kind)
	case rights.KindDone, rights.KindRefused, rights.KindCancelled:
		var b rights.EndedBody
		if err := p.Into(&b); err != nil {
			return l, false, err
		}
		if b.Again {
			return l, false, nil // likewise
		}
		l.What, l.Detail = Answered, string(TookOf(time.UnixMicro(b.Received), p.At))
	case family.KindErased:
		var b family.ErasedBody
		if err := p.Into(&b); err != nil {
			return l, false, err
		}
		l.What, l.Detail = Erased, string(b.Ground)
	case approval.KindAlarm:
		var b approval.AlarmBody
		if err := p.Into(&b); err != nil {
			return l, false, err
		}
		l.What, l.Detail = Alarm, string(b.Cause)
	default:
		if l.Detail, ok = asked[p.Kind]; !ok {
			return l, false, nil
		}
		l.What = Asked
	}
	return l, l.Service != "", nil
}

// article is that of the first reason.
func article(reasons []gate.Denial) string {
	if len(reasons) == 0 {
		return ""
	}
	return reasons[0].Article
}

// Count counts what the ledger has more, and returns how many entries it has looked at; 0
// when there is nothing left. The counts and the place are written in one transaction: if
// we crash before its commit nothing was counted, and of two that count at once one does.
func Count(ctx context.Context, store *db.DB) (int64, error) {
	var from, to int64
	sums, uses := make(map[Line]int64), make(gate.Bodies)
	err := store.View(ctx, func(tx *db.Tx) (err error) {
		if from, err = ledger.Cursor(ctx, tx, Counted); err != nil {
			return err
		}
		head, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		to = min(head.Size, from+most)
		return ledger.ReadKinds(ctx, tx, from, to, kinds, func(p ledger.Placed) error {
			l, ok, err := Of(p, uses)
			if ok && err == nil {
				sums[l]++
			}
			return err
		})
	})
	if err != nil || from >= to {
		return 0, err
	}
	err = store.Update(ctx, func(tx *db.Tx) error {
		for _, l := range slices.SortedFunc(maps.Keys(sums), Compare) {
			err := tx.Queue(ctx, `
				INSERT INTO tally (service, what, day, purpose, actor, detail, n) VALUES ($1, $2, $3, $4, $5, $6, $7)
				ON CONFLICT (service, what, day, purpose, actor, detail) DO UPDATE SET n = tally.n + excluded.n`,
				l.Service, l.What, l.Day, l.Purpose, l.Actor, l.Detail, sums[l])
			if err != nil {
				return err
			}
		}
		return ledger.Advance(ctx, tx, Counted, from, to)
	})
	if errors.Is(err, ledger.ErrCursorMoved) {
		return 0, nil // another process has counted the same
	}
	return to - from, err
}

// Between returns what was counted of a service from one day to another, both included, in
// the order of the days.
func Between(ctx context.Context, tx *db.Tx, service string, what What, from, to int64) ([]Row, error) {
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM tally WHERE service = $1 AND what = $2 AND day >= $3 AND day <= $4
		ORDER BY day, purpose, actor, detail`, service, what, from, to)
}

// Sums returns how often something was since a day, that day included, by its detail.
func Sums(ctx context.Context, tx *db.Tx, service string, what What, from int64) (map[string]int64, error) {
	sums := make(map[string]int64)
	return sums, db.Each(ctx, tx, func(row db.Row) error {
		var detail string
		var n int64
		err := row.Scan(&detail, &n)
		sums[detail] = n
		return err
	}, `
		SELECT detail, CAST(sum(n) AS bigint) FROM tally WHERE service = $1 AND what = $2 AND day >= $3
		GROUP BY detail ORDER BY detail`, service, what, from)
}

// Purposes returns how often something was since a day, that day included, by purpose and by
// who did it. Day and Detail of the rows are empty.
func Purposes(ctx context.Context, tx *db.Tx, service string, what What, from int64) ([]Row, error) {
	return db.All(ctx, tx, func(row db.Row) (Row, error) {
		r := Row{Line: Line{Service: service, What: what}}
		err := row.Scan(&r.Purpose, &r.Actor, &r.N)
		return r, err
	}, `
		SELECT purpose, actor, CAST(sum(n) AS bigint) FROM tally WHERE service = $1 AND what = $2 AND day >= $3
		GROUP BY purpose, actor ORDER BY purpose, actor`, service, what, from)
}

// Each calls fn with every row, in order, for an audit.
func Each(ctx context.Context, tx *db.Tx, fn func(Row) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		r, err := scan(row)
		if err != nil {
			return err
		}
		return fn(r)
	}, `SELECT `+columns+` FROM tally ORDER BY service, what, day, purpose, actor, detail`)
}

const columns = `service, what, day, purpose, actor, detail, n`

func scan(row db.Row) (r Row, err error) {
	err = row.Scan(&r.Service, &r.What, &r.Day, &r.Purpose, &r.Actor, &r.Detail, &r.N)
	return r, err
}

// Behind returns how many entries aren't counted yet.
func Behind(ctx context.Context, tx *db.Tx) (int64, error) {
	counted, err := ledger.Cursor(ctx, tx, Counted)
	if err != nil {
		return 0, err
	}
	head, err := ledger.Head(ctx, tx)
	return max(0, head.Size-counted), err
}
