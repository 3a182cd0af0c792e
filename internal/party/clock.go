package party

import (
	"cmp"
	"context"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/charter"
	"wardkeep/internal/ledger"
)

// KindAlarm is the kind of the entry that a clock of a party has come to its alarm. Of each
// clock there is one. It changes nothing that the gate reads, so it has no version.
const KindAlarm = "party.alarm"

// An AlarmBody says which clock.
type AlarmBody struct {
	Party string `json:"party"`
	Role  Role   `json:"role"`
	What  Kind   `json:"what"`
	At    int64  `json:"at"` // microseconds: when its time is over, or was
}

// Parting and Narrowing are what a clock is of until everything was ordered that has to be, after
// an end, or after a party has less than before. They are no papers.
const (
	Parting   Kind = "parting"
	Narrowing Kind = "narrowing"
)

// Told is what a clock is of while somebody in office has yet to look at a processor that told by
// itself that it entrusts others (edge case 19). It is no paper.
const Told Kind = "sub_processors"

// How long before its day somebody is reminded of a clock, and the alarm is raised. They are
// ours: whoever has a month to assess or to sign anew needs no alarm. What is only owed on
// its day has its alarm there.
const (
	Soon  = 30 * 24 * time.Hour
	Alarm = 7 * 24 * time.Hour
	// PartWithin is how long the orders may take that follow an end, or a narrowing: each sweep
	// goes on with them.
	PartWithin = 24 * time.Hour
	// LookWithin is by when somebody in office looks at a processor that told that it entrusts others.
	LookWithin = 24 * time.Hour
)

// A Clock is what of a party has a day: a paper that ends with nothing in its place, a check
// that is owed, or orders that follow an end or a narrowing.
type Clock struct {
	Party ID
	What  Kind
	At    time.Time
}

// Raises returns when the alarm of a clock is raised.
func (c Clock) Raises() time.Time {
	if c.Owed() {
		return c.At
	}
	return c.At.Add(-Alarm)
}

// Owed reports whether the clock is of something that is owed on its day, and isn't a paper that
// ends then.
func (c Clock) Owed() bool { return c.What == Checked || c.What == Told || c.Ordering() }

// Ordering reports whether the clock is of orders that the server itself gives.
func (c Clock) Ordering() bool { return c.What == Parting || c.What == Narrowing }

// Clocks returns what of the party has a day, or had one that nobody has kept; what ends
// first stands first. Whoever has ended owes what follows that, and nothing else. It is pure.
//
// Once its service has ended and all of it is erased (Article 23), nobody is given anything on a
// paper, and none is renewed or checked. What a party still has it owes by the orders to delete it,
// which have clocks of their own that go on until it attests (Article 16(4)); that they are given is
// left.
func (p Party) Clocks(now time.Time) (all []Clock) {
	add := func(what Kind, at time.Time) {
		orders := what == Parting || what == Narrowing
		if !at.IsZero() && (orders || !p.Bereft && (p.EndsAt.IsZero() || at.Before(p.EndsAt))) {
			all = append(all, Clock{p.ID, what, at})
		}
	}
	if ended := p.EndedAt(now); !ended.IsZero() {
		if p.Parting(now) {
			add(Parting, ended.Add(PartWithin))
		}
		return all
	}
	if p.Narrowing(now) {
		add(Narrowing, p.NarrowedAt.Add(PartWithin))
	}
	if !p.ToldAt.IsZero() {
		add(Told, p.ToldAt.Add(LookWithin))
	}
	if p.Assessment.Passed { // on one that failed nothing stands
		add(Assessed, p.Assessment.Until)
	}
	if p.Role == Processor {
		add(Agreed, p.Agreement.Until)
		add(Checked, p.CheckBy)
	}
	if p.Standing.Country != charter.Home && p.Mechanism.Exists() {
		add(p.Mechanism.Kind, p.Mechanism.Until)
	}
	slices.SortFunc(all, func(a, b Clock) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.What, b.What)) })
	return all
}

// ClocksOf returns the clocks of all parties of a service that come to their day by a moment.
// There are few.
func ClocksOf(ctx context.Context, tx *db.Tx, service string, by time.Time) (all []Clock, err error) {
	parties, err := List(ctx, tx, service)
	for _, p := range parties {
		for _, c := range p.Clocks(tx.Now()) {
			if !c.At.After(by) {
				all = append(all, c)
			}
		}
	}
	return all, err
}

// A Late is how much of parties is past its day.
type Late struct {
	Checks   int64
	Partings int64 // and narrowings
}

// CountLate counts over all services: 1000 at most of each.
func CountLate(ctx context.Context, tx *db.Tx) (n Late, err error) {
	now := tx.Now()
	err = eachStanding(ctx, tx, func(p Party) {
		for _, c := range p.Clocks(now) {
			switch {
			case now.Before(c.At):
			case c.What == Checked:
				n.Checks = min(n.Checks+1, 1000)
			case c.Ordering():
				n.Partings = min(n.Partings+1, 1000)
			}
		}
	})
	return n, err
}

// eachStanding calls fn with every party of the store and what it stands on. It must not use tx.
func eachStanding(ctx context.Context, tx *db.Tx, fn func(Party)) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		p, err := scan(row)
		if err == nil {
			fn(p)
		}
		return err
	}, `SELECT `+standing+`, `+identity+` `+joined+` ORDER BY p.service, p.role, p.name`)
}

// ToRaise returns clocks whose alarm is due and wasn't raised, in the order of their parties.
func ToRaise(ctx context.Context, tx *db.Tx) (all []Clock, err error) {
	raised := make(map[Clock]bool)
	err = EachRaised(ctx, tx, func(c Clock) error {
		raised[c] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	now := tx.Now()
	err = eachStanding(ctx, tx, func(p Party) {
		for _, c := range p.Clocks(now) {
			if !now.Before(c.Raises()) && !raised[c] {
				all = append(all, c)
			}
		}
	})
	return all, err
}

// Raise records the alarm of a clock, once; done is false where somebody has seen to it, or
// it was raised, since it was read. If we crash before the commit, it is due again.
func Raise(ctx context.Context, tx *db.Tx, actor string, c Clock) (done bool, err error) {
	p, err := Find(ctx, tx, c.Party)
	if err != nil || !slices.Contains(p.Clocks(tx.Now()), c) {
		return false, err
	}
	n, err := tx.Exec(ctx, `
		INSERT INTO party_alarm (service, role, party, what, due_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (service, role, party, what, due_at) DO NOTHING`, p.Service, p.Role, p.Name, c.What, c.At.UnixMicro())
	if err != nil || n != 1 {
		return false, err
	}
	_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: KindAlarm, Service: p.Service, Actor: actor,
		Body: AlarmBody{Party: p.Name, Role: p.Role, What: c.What, At: c.At.UnixMicro()}})
	return err == nil, err
}

// EachRaised calls fn with every clock whose alarm was raised. It must not use tx.
func EachRaised(ctx context.Context, tx *db.Tx, fn func(Clock) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		var c Clock
		err := row.Scan(&c.Party.Service, &c.Party.Role, &c.Party.Name, &c.What, (*db.Time)(&c.At))
		if err != nil {
			return err
		}
		return fn(c)
	}, `SELECT service, role, party, what, due_at FROM party_alarm ORDER BY service, role, party, what, due_at`)
}
