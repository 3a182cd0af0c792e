package rights

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
)

// Wanted narrows a list of demands. The zero State is that of those which are open.
type Wanted struct {
	Services []string // whose demands are listed; none: nothing is
	Kind     Kind     // empty: every kind
	State    State
}

// Ended is no state of a demand, but wants all of them that are not open.
const Ended State = "ended"

// States are those that a list may be narrowed to.
var States = []State{Open, Ended, Done, Refused, Cancelled}

// A Cursor is where a list goes on: behind this demand. The zero Cursor is the beginning.
type Cursor struct {
	at      int64
	service string
	state   State
	id      string
}

// ParseCursor reads what Cursor.String has written. What it can't read is the beginning.
func ParseCursor(s string) Cursor {
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return Cursor{}
	}
	at, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || at < 0 || at == math.MaxInt64 || !slices.Contains(States, State(parts[2])) || !id.Is(id.Rights, parts[3]) {
		return Cursor{}
	}
	return Cursor{at, parts[1], State(parts[2]), parts[3]}
}

// String returns the cursor for an address, and "" for the beginning.
func (c Cursor) String() string {
	if c.state == "" {
		return ""
	}
	return strings.Join([]string{strconv.FormatInt(c.at, 10), c.service, string(c.state), c.id}, ".")
}

// clock is the moment by which a list has a demand: when it must have ended, or when it has.
func (r Request) clock() int64 {
	if r.State == Open {
		return r.DueAt.UnixMicro()
	}
	return r.ClosedAt.UnixMicro()
}

// List returns demands, at most limit, and where the list goes on: nowhere, after the last.
// Of those that are open what is due first comes first, and of others what has ended last.
// It merges what it reads from indexes of a service and a state.
func List(ctx context.Context, tx *db.Tx, want Wanted, from Cursor, limit int) (all []Request, next Cursor, err error) {
	if want.Kind != "" && !slices.Contains(Kinds, want.Kind) || want.State != "" && !slices.Contains(States, want.State) {
		return nil, Cursor{}, nil // there are none of what there isn't
	}
	states := []State{cmp.Or(want.State, Open)}
	if want.State == Ended {
		states = []State{Cancelled, Done, Refused}
	}
	child := ""
	if from.id != "" {
		// A demand that has gone with its child is none that anything stands behind.
		child, err = db.One(ctx, tx, db.Single[string], `SELECT child FROM rights_request WHERE id = $1`, from.id)
		if err != nil && !errors.Is(err, db.ErrNone) {
			return nil, Cursor{}, err
		}
	}
	services := slices.Sorted(slices.Values(want.Services))
	for _, service := range services {
		for _, state := range states {
			at, behind, id := from.bound(service, state, child)
			some, err := stretch(ctx, tx, service, state, want.Kind, at, behind, id, limit+1)
			if err != nil {
				return nil, Cursor{}, err
			}
			all = append(all, some...)
		}
	}
	open := states[0] == Open
	// Stable: those of one service and state come in the order in which their index has them.
	slices.SortStableFunc(all, func(a, b Request) int {
		if by := cmp.Compare(a.clock(), b.clock()); by != 0 && open {
			return by
		} else if by != 0 {
			return -by
		}
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.State, b.State))
	})
	if len(all) <= limit {
		return all, Cursor{}, nil
	}
	all = all[:limit]
	end := all[limit-1]
	return all, Cursor{end.clock(), end.Service, end.State, end.ID}, nil
}

// bound returns behind which moment, child and id the demands of a service and a state are
// read. Times are whole microseconds.
func (c Cursor) bound(service string, state State, child string) (at int64, behind, id string) {
	open := state == Open
	by := cmp.Or(cmp.Compare(service, c.service), cmp.Compare(state, c.state))
	switch {
	case c.state == "" && open:
		return 0, "", ""
	case c.state == "":
		return math.MaxInt64, "", ""
	case by == 0 && child != "":
		return c.at, child, c.id
	case by < 0 && open:
		return c.at + 1, "", "" // those of that moment were listed
	case by > 0 && !open, by == 0 && !open:
		return c.at + 1, "", "" // those of that moment weren't
	}
	return c.at, "", ""
}

// stretch reads demands of one service and state, in their order.
func stretch(ctx context.Context, tx *db.Tx, service string, state State, kind Kind, at int64, child, id string, limit int) ([]Request, error) {
	switch {
	case state == Open && kind == "":
		return db.All(ctx, tx, scan, `
			SELECT `+columns+` FROM rights_request
			WHERE service = $1 AND state = 'open' AND (due_at, child, id) > ($2, $3, $4)
			ORDER BY due_at, child, id LIMIT $5`, service, at, child, id, int64(limit))
	case state == Open:
		return db.All(ctx, tx, scan, `
			SELECT `+columns+` FROM rights_request
			WHERE service = $1 AND state = 'open' AND (due_at, child, id) > ($2, $3, $4) AND kind = $5
			ORDER BY due_at, child, id LIMIT $6`, service, at, child, id, kind, int64(limit))
	case kind == "":
		return db.All(ctx, tx, scan, `
			SELECT `+columns+` FROM rights_request
			WHERE service = $1 AND state = $2 AND closed_at IS NOT NULL AND (closed_at, child, id) < ($3, $4, $5)
			ORDER BY closed_at DESC, child DESC, id DESC LIMIT $6`, service, state, at, child, id, int64(limit))
	}
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM rights_request
		WHERE service = $1 AND kind = $2 AND state = $3 AND closed_at IS NOT NULL AND (closed_at, child, id) < ($4, $5, $6)
		ORDER BY closed_at DESC, child DESC, id DESC LIMIT $7`, service, kind, state, at, child, id, int64(limit))
}
