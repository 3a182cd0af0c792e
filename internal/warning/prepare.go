package warning

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family"
	"wardkeep/internal/incident"
)

// Actor is who tells without anybody's doing, as the ledger names it.
const Actor = "system:warning"

// A Source returns the children of a case after one of them, in the order of their names, and at
// most limit (incident.Reached).
type Source func(ctx context.Context, tx *db.Tx, incident string, after family.ID, limit int) ([]family.ID, error)

// batch is how many children are prepared at a time: what one transaction holds, and what is in
// memory of a case of any size.
const batch = 30 * db.Chunk

// A PreparedBody says that the addressees of some more children of a case are on file, and which
// they are: the hash of their names, and the mark of the child up to which the walk has come.
type PreparedBody struct {
	Notice     string `json:"notice"`
	Batch      int64  `json:"batch"`
	Children   int64  `json:"children"`
	Addressees int64  `json:"addressees"`
	Hash       string `json:"hash"`
	After      string `json:"after,omitempty"` // see AfterMark
	Last       bool   `json:"last,omitempty"`
	Listed     int64  `json:"listed,omitempty"`  // of the first of them: how many children the case had by then
	Suspect    string `json:"suspect,omitempty"` // of the case
}

// HashOf is what the ledger has of the names of a batch.
func HashOf(names []string) string {
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.Join(names, "\n")))
	return hex.EncodeToString(sum[:])
}

// prepare writes down who is to be told of the next children of a case, and returns whether there
// may be more. The rows, how far the walk is and the entry are one transaction: if we crash before
// it commits, none of it is there, and the same children are prepared again; nobody was told.
func prepare(ctx context.Context, tx *db.Tx, ring *keyring.Ring, from Source, n Notice) (more bool, err error) {
	held, err := tx.Exec(ctx, `
		UPDATE breach_notice SET batches = batches + 1
		WHERE id = $1 AND batches = $2 AND NOT paused AND confirmed_at IS NOT NULL AND NOT withheld AND prepared_at IS NULL`, n.ID, n.Batches)
	if err != nil || held != 1 {
		return false, err // paused, or prepared by another node meanwhile
	}
	body := PreparedBody{Notice: n.ID, Batch: n.Batches + 1}
	if n.After == "" {
		// Who comes to the list after this may be behind, or before where the walk is by then.
		list, err := incident.ListOf(ctx, tx, n.Incident)
		if err != nil {
			return false, err
		}
		n.Listed, body.Listed = list.Children, list.Children
	}
	children, err := from(ctx, tx, n.Incident, n.After, batch)
	if err != nil {
		return false, err
	}
	var names []string
	n.Batches++
	found, err := addressees(ctx, tx, ring, n, children)
	if err != nil {
		return false, err
	}
	if err := n.insert(ctx, tx, found); err != nil {
		return false, err
	}
	for _, a := range found {
		names = append(names, a.Name)
	}
	if len(children) > 0 {
		n.After = children[len(children)-1]
	}
	var done time.Time
	if more = len(children) == batch; !more {
		done = tx.Now()
	}
	if err := tx.Queue(ctx, `
		UPDATE breach_notice SET after = $1, children = children + $2, addressees = addressees + $3, prepared_at = $4, listed = $5 WHERE id = $6`,
		n.After, int64(len(children)), int64(len(names)), (*db.Time)(&done), n.Listed, n.ID); err != nil {
		return false, err
	}
	c, err := incident.Find(ctx, tx, n.Service, n.Incident)
	if err != nil {
		return false, err
	}
	body.Children, body.Addressees, body.Hash = int64(len(children)), int64(len(names)), HashOf(names)
	body.After, body.Last, body.Suspect = AfterMark(ring, n), !more, c.Suspect
	_, err = n.note(ctx, tx, KindPrepared, Actor, body)
	return more, err
}

// rowsAtOnce is how many rows one statement writes.
const rowsAtOnce = 32

var insertMany, insertOne = inserts(rowsAtOnce), inserts(1)

func inserts(rows int) string {
	values := make([]string, rows)
	for i := range values {
		n := 8 * i
		values[i] = fmt.Sprintf(`($%d, $%d, $%d, $%d, $%d, $%d, '', 0, $%d, $%d)`, n+1, n+2, n+3, n+4, n+5, n+6, n+7, n+8)
	}
	return `INSERT INTO breach_addressee (` + addresseeColumns + `) VALUES ` + strings.Join(values, ", ")
}

// insert writes the rows of those who are to be told: many in one statement, since there may be a
// million.
func (n Notice) insert(ctx context.Context, tx *db.Tx, all []Addressee) error {
	now := tx.Now()
	for some := range slices.Chunk(all, rowsAtOnce) {
		var args []any
		for _, a := range some {
			due := now
			if a.State != Waiting {
				due = time.Time{}
			}
			args = append(args, a.Child, a.Notice, a.Guardian, a.Name, n.Batches, a.State, (*db.Time)(&now), (*db.Time)(&due))
		}
		if len(some) == rowsAtOnce {
			if err := tx.Queue(ctx, insertMany, args...); err != nil {
				return err
			}
			continue
		}
		for one := range slices.Chunk(args, 8) {
			if err := tx.Queue(ctx, insertOne, one...); err != nil {
				return err
			}
		}
	}
	return nil
}

// addressees returns who is to be told of some children and has no row yet: the verified guardians
// of each, and the child. A guardian from whom it is hidden isn't among them (edge case 22), and
// one that was erased has nobody.
func addressees(ctx context.Context, tx *db.Tx, ring *keyring.Ring, n Notice, of []family.ID) (all []Addressee, err error) {
	var children []family.Child
	var guardians []family.Guardian
	var rows []key
	var reads []db.Read
	for some := range slices.Chunk(of, db.Chunk) {
		in, args := db.Placeholders(some)
		reads = append(reads, family.ReadHeldOf(tx, &children, some), family.ReadGuardiansOf(&guardians, some),
			db.ReadInto(&rows, scanKey, `SELECT child, notice, addressee FROM breach_addressee WHERE child IN `+in, args...))
	}
	if err := tx.Together(ctx, reads...); err != nil { // in one round trip
		return nil, err
	}
	there := make(map[key]bool, len(rows))
	for _, k := range rows {
		there[k] = true
	}
	add := func(c family.Child, guardian family.GuardianID, state State) {
		a := Addressee{Child: c.ID, Notice: n.ID, Guardian: guardian, State: state}
		if !there[a.key()] {
			a.Name = NameOf(ring, c.Subject, a)
			all = append(all, a)
		}
	}
	ties := make(map[family.ID][]family.Guardian, len(of))
	for _, g := range guardians {
		ties[g.Child] = append(ties[g.Child], g)
	}
	for _, c := range children {
		if c.State == family.Erased || c.Service != n.Service {
			continue
		}
		child := Unreachable
		for _, g := range ties[c.ID] {
			if mayHear(ring, g, tx.Now()) {
				add(c, g.ID, Waiting)
				child = Through
			}
		}
		// Edge case 6: a child has no contact of its own here, and is addressed through its
		// guardians; where there is none to be told, nobody of its family can be.
		add(c, "", child)
	}
	return all, nil
}

// mayHear reports whether somebody who is tied to a child may be told of it: that a number is on
// file proves nothing.
func mayHear(ring *keyring.Ring, g family.Guardian, now time.Time) bool {
	return g.MayAnswer() && !g.Hidden(ring, now)
}

// key is the key of an addressee.
type key struct {
	child    family.ID
	notice   string
	guardian family.GuardianID
}

func (a Addressee) key() key { return key{a.Child, a.Notice, a.Guardian} }

func scanKey(row db.Row) (k key, err error) {
	err = row.Scan(&k.child, &k.notice, &k.guardian)
	return k, err
}
