package replay

import (
	"bytes"
	"strings"

	"wardkeep/internal/access"
	"wardkeep/internal/base/db"
	"wardkeep/internal/charter"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
)

// counts are the places up to which uses are counted for their guardians, and are
// being counted: while they are, a child's rows are at the one or at the other.
type counts struct {
	counted, counting int64
	oldest            int64 // days up to this one are forgotten, swept or not
}

func (a *audit) readCounts() (c counts, err error) {
	c.oldest = access.DayOf(a.tx.Now()) - access.Keep
	if c.counted, err = ledger.Cursor(a.ctx, a.tx, access.Counted); err != nil {
		return c, err
	}
	c.counting, err = ledger.Cursor(a.ctx, a.tx, access.Counting)
	return c, err
}

// add puts a use into the sums of its child. What can't be read is found by whoever
// decides it again.
func (c counts) add(n *names, of *child, p ledger.Placed, uses gate.Bodies) {
	if p.Place < 0 || p.Place >= c.counting {
		return
	}
	u, ok, err := access.UseOf(p, uses)
	if err != nil || !ok || u.Day <= c.oldest {
		return
	}
	sum := n.sumUse(u)
	of.counting += sum
	if p.Place < c.counted {
		of.counted += sum
	}
}

func (n *names) sumUse(u access.Use) uint64 {
	permitted := int64(0)
	if u.Permitted {
		permitted = 1
	}
	return n.sum([]string{u.Actor, string(u.Activity), u.Purpose, u.Party, strings.Join(u.Items, " ")}, u.Day, permitted)
}

// compareCounts compares what guardians are told with the uses in the ledger.
func (a *audit) compareCounts(b batch, found map[string]*tally) error {
	sums := make(map[string]uint64, len(found))
	where, args := b.Where("child")
	c := a.fold.counts
	err := db.Each(a.ctx, a.tx, func(row db.Row) error {
		var child, activity, items string
		var line []byte
		var u access.Use
		var uses, upto int64
		if err := row.Scan(&child, &u.Day, &line, &u.Actor, &activity, &u.Purpose, &u.Party, &items, &u.Permitted, &uses, &upto); err != nil {
			return err
		}
		u.Activity, u.Items = charter.Activity(activity), strings.Fields(items)
		t := found[child]
		r := a.of(t, "child_access", child, number(u.Day))
		switch {
		case t == nil:
			r.extra()
		case !bytes.Equal(line, u.Line()):
			r.found(FoundDamaged, "line", "–", "–")
		case uses < 1 || upto < 1 || upto > max(c.counted, c.counting):
			r.found(FoundDiffers, "upto", "–", number(upto))
		case u.Day > c.oldest:
			sums[child] += uint64(uses) * a.names.sumUse(u)
		}
		return nil
	}, `
		SELECT child, day, line, actor, activity, purpose, party, items, permitted, uses, upto FROM child_access
		WHERE `+where+`
		ORDER BY child, day, line`, args...)
	if err != nil {
		return err
	}
	for id, t := range found {
		if sum := sums[id]; sum != t.child.counted && sum != t.child.counting {
			a.of(t, "child_access", id, "").found(FoundDiffers, "uses", "–", "–")
		}
	}
	return nil
}
