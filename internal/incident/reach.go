package incident

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// What can be wrong with what is put on the list of a case.
var (
	ErrReach     = errs.New(errs.Invalid, "incident.reach_invalid")       // no child's pseudonym, no name of an item, none or too many at once
	ErrListEmpty = errs.New(errs.Conflict, "incident.list_empty")         // there is nothing to fix
	ErrListSame  = errs.New(errs.Conflict, "incident.list_frozen_before") // nobody has come since
)

// The kinds of entries about whom a case has reached.
const (
	KindAsked    = "incident.asked"
	KindReached  = "incident.reached"
	KindAnswered = "incident.answered"
	KindFrozen   = "incident.frozen"
)

// ReachAtMost is how many children are put on a list at once: their pseudonyms are one entry.
const ReachAtMost = 1000

// A Found is a child that a case may have reached, by the pseudonym that the ledger has of it.
type Found struct {
	Subject string
	Items   []string // as the charter called them; none: nobody knows which
}

// A ReachedSet is children of whom the same is concerned.
type ReachedSet struct {
	Items    []string `json:"items,omitempty"`
	Children []string `json:"children"` // pseudonyms, in order
}

// A ReachedBody is what the ledger keeps of children who were put on the list of a case, or of
// whom more is concerned than was known: all of it, so that the list can be made from it anew
// while they are here, and leads to nobody once they are erased (invariant 6).
type ReachedBody struct {
	Case     string       `json:"case"`
	Batch    int64        `json:"batch"`              // from 1 on
	Question int64        `json:"question,omitempty"` // that has found them; 0: somebody has named them
	Sets     []ReachedSet `json:"sets"`
	Children int64        `json:"children"` // who are on the list by now, each once
	Chain    string       `json:"chain"`
	approval.Inside
}

// A FrozenBody says that somebody has fixed the list of a case as it stands: whoever holds a
// copy of it proves by the chain that nobody was taken from it or put on it since.
type FrozenBody struct {
	Case     string `json:"case"`
	Batch    int64  `json:"batch"`
	Children int64  `json:"children"`
	Chain    string `json:"chain"`
	approval.Inside
}

// Chained is the chain of a list once a batch is on it: a hash of the batch and of the chain
// before it, which is empty at first.
func (b ReachedBody) Chained(before string) string {
	parts := []string{b.Case, number(b.Batch)}
	for _, set := range b.Sets {
		parts = append(parts, strings.Join(set.Items, " "), strings.Join(set.Children, " "))
	}
	return ledger.Mark([]byte(before), parts...)
}

// A CaseList is whom a case has reached, or may have. The zero CaseList has nobody.
type CaseList struct {
	Case     string
	Children int64  // who were ever put on it, each once
	Batches  int64  // in how many steps
	Chain    string // see ReachedBody.Chained
	Frozen   int64  // how many steps there were when it was last fixed; 0: it never was
	FrozenAt time.Time
	FrozenBy string // as the ledger names actors
}

// Grown reports whether somebody has come, or more of somebody, since the list was fixed.
func (l CaseList) Grown() bool { return l.Frozen < l.Batches }

// An Affected is a child on the list of a case.
type Affected struct {
	Child   family.ID
	Case    string
	Items   []string // none: nobody knows which
	Batch   int64    // that has put it there
	AddedAt time.Time
	Carried int64  // the number of the last step for Everyone that was taken for it; 0: none was
	Held    bool   // such a step has frozen it, and none has released it since
	Subject string // the child's pseudonym; Reached alone says it
}

const (
	listColumns     = `incident, children, batches, chain, frozen, frozen_at, frozen_by`
	affectedColumns = `child, incident, items, batch, added_at, carried, held`
)

func scanList(row db.Row) (l CaseList, err error) {
	err = row.Scan(&l.Case, &l.Children, &l.Batches, &l.Chain, &l.Frozen, (*db.Time)(&l.FrozenAt), &l.FrozenBy)
	return l, err
}

func scanAffected(row db.Row) (a Affected, err error) {
	var items string
	err = row.Scan(&a.Child, &a.Case, &items, &a.Batch, (*db.Time)(&a.AddedAt), &a.Carried, &a.Held)
	a.Items = strings.Fields(items)
	return a, err
}

// ListOf returns the list of a case: an empty one, where it has reached nobody yet.
func ListOf(ctx context.Context, tx *db.Tx, incident string) (CaseList, error) {
	l, err := db.One(ctx, tx, scanList, `SELECT `+listColumns+` FROM incident_list WHERE incident = $1`, incident)
	if errors.Is(err, db.ErrNone) {
		return CaseList{Case: incident}, nil
	}
	return l, err
}

// Reached returns the children on the list of a case by their ids, those behind after and at
// most limit. Who was erased isn't on it any more.
func Reached(ctx context.Context, tx *db.Tx, incident string, after family.ID, limit int) ([]Affected, error) {
	return db.All(ctx, tx, func(row db.Row) (a Affected, err error) {
		var items string
		err = row.Scan(&a.Child, &a.Case, &items, &a.Batch, (*db.Time)(&a.AddedAt), &a.Subject)
		a.Items = strings.Fields(items)
		return a, err
	}, `
		SELECT r.child, r.incident, r.items, r.batch, r.added_at, c.subject FROM incident_child r JOIN child c ON c.child = r.child
		WHERE r.incident = $1 AND r.child > $2 ORDER BY r.child LIMIT $3`, incident, after, int64(limit))
}

// ItemsOf returns which information a case concerns: what whoever reported it has said, and what
// was found of the children on its list.
func ItemsOf(ctx context.Context, tx *db.Tx, c Case) ([]string, error) {
	sets, err := db.All(ctx, tx, db.Single[string], `SELECT DISTINCT items FROM incident_child WHERE incident = $1 ORDER BY items`, c.ID)
	all := c.Items
	for _, items := range sets {
		all = joined(all, strings.Fields(items))
	}
	return all, err
}

// IsReached reports whether a child is on the list of a case.
func IsReached(ctx context.Context, tx *db.Tx, incident string, child family.ID) (bool, error) {
	n, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM incident_child WHERE child = $1 AND incident = $2`, child, incident)
	return n > 0, err
}

// Reach puts children on the list of a case, at most ReachAtMost, as facts arrive: as who holds
// an office, or as a person inside whom the matrix lets (staff.WriteIncidents). One that is on it
// gets the items that weren't known of it; one that was erased, or is another service's, is left
// out. Who was reached is told, whether the case is open or not (Article 21). The entry is empty
// where nothing was new. Errors: ErrMayNot, ErrNotFound, ErrReach.
func Reach(ctx context.Context, tx *db.Tx, by approval.Actor, service, name string, found []Found) (CaseList, string, error) {
	inside, err := insideOf(ctx, tx, by, staff.WriteIncidents, service)
	if err != nil {
		return CaseList{}, "", err
	}
	return reach(ctx, tx, service, ReachedBody{Case: name, Inside: inside}, by.Ledger(), found)
}

func reach(ctx context.Context, tx *db.Tx, service string, b ReachedBody, actor string, found []Found) (CaseList, string, error) {
	found, err := orderly(found)
	if err != nil {
		return CaseList{}, "", err
	}
	c, list, err := holdList(ctx, tx, service, b.Case)
	if err != nil {
		return list, "", err
	}
	b.Batch, b.Children = list.Batches+1, list.Children
	sets := make(map[string][]string) // by items
	for some := range slices.Chunk(found, db.Chunk) {
		if err := list.put(ctx, tx, service, some, &b, sets); err != nil {
			return list, "", err
		}
	}
	if len(sets) == 0 {
		return list, "", nil
	}
	for items, children := range sets {
		slices.Sort(children)
		b.Sets = append(b.Sets, ReachedSet{strings.Fields(items), children})
	}
	slices.SortFunc(b.Sets, func(x, y ReachedSet) int { return slices.Compare(x.Items, y.Items) })
	b.Chain = b.Chained(list.Chain)
	list.Batches, list.Children, list.Chain = b.Batch, b.Children, b.Chain
	_, err = tx.Exec(ctx, `
		INSERT INTO incident_list (`+listColumns+`) VALUES ($1, $2, $3, $4, 0, NULL, '')
		ON CONFLICT (incident) DO UPDATE SET children = excluded.children, batches = excluded.batches, chain = excluded.chain`,
		list.Case, list.Children, list.Batches, list.Chain)
	if err != nil {
		return list, "", err
	}
	entry, err := c.note(ctx, tx, KindReached, actor, b)
	return list, entry, err
}

// orderly returns each child once, in the order of their pseudonyms, with all that was found of
// it. Errors: ErrReach.
func orderly(found []Found) (all []Found, err error) {
	if len(found) == 0 || len(found) > ReachAtMost {
		return nil, ErrReach
	}
	at := make(map[string]int, len(found))
	for _, f := range found {
		if !id.Is(id.Subject, f.Subject) || len(f.Items) > maxItems || slices.ContainsFunc(f.Items, func(item string) bool { return len(strings.Fields(item)) != 1 }) {
			return nil, ErrReach
		}
		i, known := at[f.Subject]
		if !known {
			i = len(all)
			at[f.Subject], all = i, append(all, Found{Subject: f.Subject})
		}
		all[i].Items = joined(all[i].Items, f.Items)
	}
	slices.SortFunc(all, func(x, y Found) int { return strings.Compare(x.Subject, y.Subject) })
	return all, nil
}

// joined returns what is in either, in order.
func joined(a, b []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}

// put writes the rows of some children, at most db.Chunk, and says in b and sets what is new.
func (l CaseList) put(ctx context.Context, tx *db.Tx, service string, some []Found, b *ReachedBody, sets map[string][]string) error {
	subjects, items := make([]string, len(some)), make(map[string][]string, len(some))
	for i, f := range some {
		subjects[i], items[f.Subject] = f.Subject, f.Items
	}
	// They stay as they are: an erasure was before, or waits and takes the row with it.
	children, err := family.HoldBySubjects(ctx, tx, service, subjects)
	if err != nil || len(children) == 0 {
		return err
	}
	names := make([]family.ID, len(children))
	for i, c := range children {
		names[i] = c.ID
	}
	in, args := db.Placeholders(names)
	rows, err := db.All(ctx, tx, scanAffected, `SELECT `+affectedColumns+` FROM incident_child WHERE child IN `+in, args...)
	if err != nil {
		return err
	}
	on := make(map[family.ID]Affected)
	for _, row := range rows {
		if row.Case == l.Case {
			on[row.Child] = row
		}
	}
	now := tx.Now()
	for _, c := range children {
		row, known := on[c.ID]
		all := joined(row.Items, items[c.Subject])
		switch {
		case known && len(all) == len(row.Items):
			continue
		case known:
			err = tx.Queue(ctx, `UPDATE incident_child SET items = $1 WHERE child = $2 AND incident = $3`, strings.Join(all, " "), c.ID, l.Case)
		default:
			b.Children++
			err = tx.Queue(ctx, `INSERT INTO incident_child (`+affectedColumns+`) VALUES ($1, $2, $3, $4, $5, 0, false)`,
				c.ID, l.Case, strings.Join(all, " "), b.Batch, (*db.Time)(&now))
		}
		if err != nil {
			return err
		}
		set := strings.Join(items[c.Subject], " ")
		sets[set] = append(sets[set], c.Subject)
	}
	return nil
}

// Freeze fixes the list of a case as evidence, as who may write about it (staff.WriteIncidents):
// its chain is in the ledger, so that it can be proved later whom it had then. Who is found
// afterwards is put on it all the same, and it is fixed anew. Errors: ErrMayNot, ErrNotFound,
// ErrListEmpty, ErrListSame.
func Freeze(ctx context.Context, tx *db.Tx, by approval.Actor, service, name string) (CaseList, string, error) {
	inside, err := insideOf(ctx, tx, by, staff.WriteIncidents, service)
	if err != nil {
		return CaseList{}, "", err
	}
	c, list, err := holdList(ctx, tx, service, name)
	switch {
	case err != nil:
		return list, "", err
	case list.Batches == 0:
		return list, "", ErrListEmpty
	case !list.Grown():
		return list, "", ErrListSame
	}
	list.Frozen, list.FrozenAt, list.FrozenBy = list.Batches, tx.Now(), by.Ledger()
	_, err = tx.Exec(ctx, `UPDATE incident_list SET frozen = $1, frozen_at = $2, frozen_by = $3 WHERE incident = $4`,
		list.Frozen, (*db.Time)(&list.FrozenAt), list.FrozenBy, list.Case)
	if err != nil {
		return list, "", err
	}
	entry, err := c.note(ctx, tx, KindFrozen, by.Ledger(), FrozenBody{c.ID, list.Batches, list.Children, list.Chain, inside})
	return list, entry, err
}

// holdList returns a case and its list, and holds both to the end of the transaction: of two who
// put children on it at once, one waits, and sees whom the other has put there.
func holdList(ctx context.Context, tx *db.Tx, service, name string) (Case, CaseList, error) {
	c, err := Hold(ctx, tx, service, name)
	if err != nil {
		return c, CaseList{}, err
	}
	list, err := ListOf(ctx, tx, c.ID)
	return c, list, err
}

// Forget removes a child from all lists, as a part of erasing it. That it was reached the ledger
// says still, by a pseudonym that leads to nobody any more.
func Forget(ctx context.Context, tx *db.Tx, child family.ID) error {
	return tx.Queue(ctx, `DELETE FROM incident_child WHERE child = $1`, child)
}

// AllLists calls each with every list, by the name of its case, for an audit. Each must not use
// tx.
func AllLists(ctx context.Context, tx *db.Tx, each func(CaseList) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		l, err := scanList(row)
		if err != nil {
			return err
		}
		return each(l)
	}, `SELECT `+listColumns+` FROM incident_list ORDER BY incident`)
}

// ReadReached reads the rows of a stretch of children, for an audit.
func ReadReached(into *[]Affected, s family.Stretch) db.Read {
	where, args := s.Where("child")
	return db.ReadInto(into, scanAffected, `SELECT `+affectedColumns+` FROM incident_child WHERE `+where+` ORDER BY child, incident`, args...)
}
