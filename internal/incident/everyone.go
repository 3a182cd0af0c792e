package incident

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
)

// KindCarriedOut is the kind of entries that what was ordered for all on the list of a case is done
// to some of them.
const KindCarriedOut = "incident.carried_out"

// Everyone is the target of a step that is taken for all on the list of a case, those too that come
// to it later.
const Everyone = "list"

// carriedAtOnce is how many children a transaction takes on: they are locked for so long.
const carriedAtOnce = 32

// A CarriedBody says to which children on the list of a case what was ordered is done, by their
// pseudonyms. All that was ordered until that note is. One that says the same note once more tells whom
// the case holds from then on, as Again has frozen them, and whom no longer: see LetGo.
type CarriedBody struct {
	Case       string   `json:"case"`
	Note       int64    `json:"note"` // the last order
	Frozen     []string `json:"frozen,omitempty"`
	Released   []string `json:"released,omitempty"` // that the case has frozen
	Unverified []string `json:"unverified,omitempty"`
	Left       []string `json:"left,omitempty"` // nothing was to do: it is so already, or somebody demands that it stays so
}

// An Order is a step that is taken for everyone.
type Order struct {
	Note int64
	Step Step
}

// Doing is how each step is taken for one locked child, on the case's own account. Each reports
// whether it has changed anything.
type Doing struct {
	Freeze, Release, Unverify func(ctx context.Context, tx *db.Tx, c family.Child) (bool, error)
}

// Carrier is who takes the steps that were ordered for everyone, as the ledger names it.
type Carrier struct{}

// Ledger implements family.Actor.
func (Carrier) Ledger() string { return answering }

// Net is what of several orders, one after the other, is done to a child: the last of those that
// freeze and release it, and whether its guardians prove anew who they are.
func Net(orders []Order) (last Step, unverify bool) {
	for _, o := range orders {
		if o.Step == StepUnverified {
			unverify = true
		} else {
			last = o.Step
		}
	}
	return last, unverify
}

// after returns the orders behind a note.
func after(orders []Order, note int64) []Order {
	return slices.DeleteFunc(slices.Clone(orders), func(o Order) bool { return o.Note <= note })
}

// until returns the orders up to a note.
func until(orders []Order, note int64) []Order {
	return slices.DeleteFunc(slices.Clone(orders), func(o Order) bool { return o.Note > note })
}

// Orders returns what was ordered for everyone of a case, in that order.
func Orders(ctx context.Context, tx *db.Tx, incident string) ([]Order, error) {
	return db.All(ctx, tx, func(row db.Row) (o Order, err error) { return o, row.Scan(&o.Note, &o.Step) },
		`SELECT number, step FROM incident_note WHERE incident = $1 AND target = 'list' ORDER BY number`, incident)
}

// LeftOver counts the children on the list of a case to whom an order isn't carried out yet:
// most+1 where there are more than most.
func LeftOver(ctx context.Context, tx *db.Tx, incident string, last Order, most int64) (int64, error) {
	return db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT child FROM incident_child WHERE incident = $1 AND carried < $2 LIMIT $3) AS waiting`, incident, last.Note, most+1)
}

// CarryOut does to some more children what was ordered for everyone (Article 21: remedies,
// immediately), of all cases, and returns to how many: 0 when nothing is left. Each step, that it is
// done and its entry are one transaction: if we crash before its commit none of it is, and the same
// children are taken on again.
func CarryOut(ctx context.Context, store *db.DB, do Doing) (n int, err error) {
	var cases []Case
	err = store.View(ctx, func(tx *db.Tx) (err error) {
		cases, err = db.All(ctx, tx, func(row db.Row) (c Case, err error) { return c, row.Scan(&c.ID, &c.Service) }, `
			SELECT i.id, i.service FROM incident i WHERE i.id IN (SELECT incident FROM incident_note WHERE target = 'list') ORDER BY i.id`)
		return err
	})
	var faults error
	for _, c := range cases {
		// One child that can't be changed, or a case, keeps none of another from it.
		some, err := c.carryOut(ctx, store, do)
		n, faults = n+some, errors.Join(faults, err)
	}
	return n, errors.Join(err, faults)
}

func (c Case) carryOut(ctx context.Context, store *db.DB, do Doing) (n int, err error) {
	var orders []Order
	var waiting []Affected
	err = store.View(ctx, func(tx *db.Tx) (err error) {
		if orders, err = Orders(ctx, tx, c.ID); err != nil || len(orders) == 0 {
			return err
		}
		waiting, err = db.All(ctx, tx, scanAffected, `
			SELECT `+affectedColumns+` FROM incident_child WHERE incident = $1 AND carried < $2 ORDER BY carried, child LIMIT $3`,
			c.ID, orders[len(orders)-1].Note, int64(carriedAtOnce))
		return err
	})
	if err != nil || len(waiting) == 0 {
		return 0, err
	}
	slices.SortFunc(waiting, func(x, y Affected) int { return cmp.Compare(x.Child, y.Child) }) // who locks several does so in one order
	if err = c.carry(ctx, store, waiting, orders, do); err == nil {
		return len(waiting), nil
	}
	// One that can't be changed keeps none beside it from it.
	for i := range waiting {
		if one := c.carry(ctx, store, waiting[i:i+1], orders, do); one == nil {
			n++
		}
	}
	return n, err
}

func (c Case) carry(ctx context.Context, store *db.DB, some []Affected, orders []Order, do Doing) error {
	return store.Update(ctx, func(tx *db.Tx) error {
		b := CarriedBody{Case: c.ID, Note: orders[len(orders)-1].Note}
		for _, of := range some {
			if err := b.carry(ctx, tx, c.Service, of, orders, do); err != nil {
				return err
			}
		}
		if len(b.Frozen)+len(b.Released)+len(b.Unverified)+len(b.Left) == 0 {
			return nil // another process was faster, or all of them are erased
		}
		_, err := c.note(ctx, tx, KindCarriedOut, answering, b)
		return err
	})
}

// Again freezes a locked child anew that was let go in this transaction, where what a case has ordered for
// all on its list still keeps it frozen: whatever else had frozen it meanwhile, a demand or another case,
// ends nothing but that. It does so in the transaction that lets it go, so that nobody finds it free; the
// first of several cases holds it then.
func Again(ctx context.Context, tx *db.Tx, child family.Child, do Doing) error {
	on, err := db.All(ctx, tx, scanAffected, `SELECT `+affectedColumns+` FROM incident_child WHERE child = $1 AND carried > 0 ORDER BY incident`, child.ID)
	if err != nil {
		return err
	}
	for _, of := range on {
		orders, err := Orders(ctx, tx, of.Case)
		if err != nil {
			return err
		}
		if last, _ := Net(until(orders, of.Carried)); last != StepFrozen {
			continue
		}
		child.Frozen = false
		if did, err := do.Freeze(ctx, tx, child); err != nil || !did {
			return err
		}
		return of.hold(ctx, tx, child, true)
	}
	return nil
}

// LetGo notes that somebody in office lets a locked child go by hand: no case holds it any more, so that
// none takes what freezes it later for its own.
func LetGo(ctx context.Context, tx *db.Tx, child family.Child) error {
	on, err := db.All(ctx, tx, scanAffected, `SELECT `+affectedColumns+` FROM incident_child WHERE child = $1 AND held ORDER BY incident`, child.ID)
	for _, of := range on {
		if err == nil {
			err = of.hold(ctx, tx, child, false)
		}
	}
	return err
}

// hold notes whether a case holds the child from now on, without an order of its own.
func (of Affected) hold(ctx context.Context, tx *db.Tx, child family.Child, held bool) error {
	b, all := CarriedBody{Case: of.Case, Note: of.Carried}, []string{child.Subject}
	if b.Left = all; held {
		b.Frozen, b.Left = all, nil
	}
	if err := tx.Queue(ctx, `UPDATE incident_child SET held = $1 WHERE child = $2 AND incident = $3`, held, of.Child, of.Case); err != nil {
		return err
	}
	_, err := Case{ID: of.Case, Service: child.Service}.note(ctx, tx, KindCarriedOut, answering, b)
	return err
}

// carry does to one child what was ordered since it was last come to.
func (b *CarriedBody) carry(ctx context.Context, tx *db.Tx, service string, of Affected, orders []Order, do Doing) error {
	child, err := family.Lock(ctx, tx, service, of.Child)
	if errors.Is(err, family.ErrErased) || errors.Is(err, family.ErrNotFound) {
		return nil // its row went with it
	}
	if err != nil {
		return err
	}
	// Of two who come to it at once, the second finds that it is done.
	n, err := tx.Exec(ctx, `UPDATE incident_child SET carried = $1 WHERE child = $2 AND incident = $3 AND carried = $4`, b.Note, of.Child, of.Case, of.Carried)
	if err != nil || n == 0 {
		return err
	}
	did, held := false, of.Held
	last, unverify := Net(after(orders, of.Carried))
	switch {
	case last == StepFrozen && !child.Frozen:
		if did, err = do.Freeze(ctx, tx, child); did {
			held, b.Frozen = true, append(b.Frozen, child.Subject)
		}
	case last == StepReleased && of.Held:
		held = false
		if child.Frozen {
			if did, err = do.Release(ctx, tx, child); did {
				b.Released = append(b.Released, child.Subject)
				err = Again(ctx, tx, child, do)
			}
		}
	}
	if err != nil {
		return err
	}
	if held != of.Held {
		if err := tx.Queue(ctx, `UPDATE incident_child SET held = $1 WHERE child = $2 AND incident = $3`, held, of.Child, of.Case); err != nil {
			return err
		}
	}
	if unverify {
		changed := false
		if did {
			if child, err = family.Lock(ctx, tx, service, of.Child); err != nil {
				return err
			}
		}
		if changed, err = do.Unverify(ctx, tx, child); changed {
			b.Unverified = append(b.Unverified, child.Subject)
		}
		did = did || changed
	}
	if !did {
		b.Left = append(b.Left, child.Subject)
	}
	return err
}
