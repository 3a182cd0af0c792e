// Package witness keeps checkpoints of the ledger outside the store: in places of the operator's,
// and with witnesses, who cosign them (C2SP tlog-witness). Whoever puts the store back to what it
// was, or writes another history into it with the ledger's own key, contradicts what is kept
// there (edge case 15, Article 22).
//
// Its one invariant: what is outside is believed for its signatures, and never for where it came
// from. A place or a witness that lies can withhold what it has, which is told; it can't have one
// history taken for another.
package witness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/ledger"
)

// What can be wrong outside.
var (
	ErrKeptMore = errs.New(errs.Unavailable, "witness.kept_more") // the store holds less than is kept outside, or something else
	ErrForeign  = errs.New(errs.Unavailable, "witness.foreign")   // what is kept there is damaged, or of another ledger
	ErrEmptied  = errs.New(errs.Unavailable, "witness.emptied")   // what was kept there is gone
	ErrAway     = errs.New(errs.Unavailable, "witness.away")      // the place can't be read or written
)

// A Keeper is what the store knows of a place or a witness outside: what that last took.
type Keeper struct {
	Name    string    // "folder /mnt/other", "witness example.com/w1"
	Size    int64     // of the latest checkpoint that it has taken; 0: none yet
	TakenAt time.Time // when it last took one, or had it already; zero: never
	LateAt  time.Time // when it is said that it takes nothing; zero of a witness: of those, Need are enough
	Failure string    // the code of why the last try failed, or empty
	GivenUp string    // the Mark of what a witness shows and the operator has given up, or empty
}

// Took notes that a keeper has a checkpoint of so many entries. If we crash before it, the keeper
// has it all the same, and is asked once more.
func Took(ctx context.Context, tx *db.Tx, name string, size int64, late time.Time) error {
	now := tx.Now()
	return tx.Queue(ctx, `
		INSERT INTO keeper (name, size, taken_at, late_at, failure, given_up) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (name) DO UPDATE SET size = excluded.size, taken_at = excluded.taken_at, late_at = excluded.late_at, failure = excluded.failure`,
		name, size, (*db.Time)(&now), (*db.Time)(&late), "", "")
}

// Failed notes why a keeper took nothing. The first time begins to count; a moment that lies further ahead is of a
// clock that was wrong.
func Failed(ctx context.Context, tx *db.Tx, name string, why error, late time.Time) error {
	var never time.Time
	return tx.Queue(ctx, `
		INSERT INTO keeper (name, size, taken_at, late_at, failure, given_up) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (name) DO UPDATE SET failure = excluded.failure,
			late_at = CASE WHEN excluded.late_at < keeper.late_at THEN excluded.late_at ELSE keeper.late_at END`,
		name, 0, (*db.Time)(&never), (*db.Time)(&late), errs.Of(why).Code, "")
}

// Retire forgets who isn't asked any more, and, if nobody cosigns, that somebody did: nobody waits for them.
func Retire(ctx context.Context, tx *db.Tx, asked []string, cosigned bool) error {
	known, err := Keepers(ctx, tx)
	if err != nil {
		return err
	}
	for name := range known {
		if !slices.Contains(asked, name) {
			if err := tx.Queue(ctx, `DELETE FROM keeper WHERE name = $1`, name); err != nil {
				return err
			}
		}
	}
	if cosigned {
		return nil
	}
	return tx.Queue(ctx, `DELETE FROM cosigned WHERE id = $1`, 1)
}

// CountLate counts the places that have taken nothing for too long, and one more if too few witnesses have
// cosigned.
func CountLate(ctx context.Context, tx *db.Tx) (int64, error) {
	now := tx.Now().UnixMicro()
	places, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM keeper WHERE late_at <= $1`, now)
	if err != nil {
		return 0, err
	}
	cosigned, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM cosigned WHERE late_at <= $1`, now)
	return places + cosigned, err
}

// Keepers returns what is known of all that were ever asked, by name.
func Keepers(ctx context.Context, tx *db.Tx) (map[string]Keeper, error) {
	all, err := db.All(ctx, tx, scanKeeper, `SELECT name, size, taken_at, late_at, failure, given_up FROM keeper ORDER BY name`)
	known := make(map[string]Keeper, len(all))
	for _, k := range all {
		known[k.Name] = k
	}
	return known, err
}

func scanKeeper(row db.Row) (k Keeper, err error) {
	err = row.Scan(&k.Name, &k.Size, (*db.Time)(&k.TakenAt), (*db.Time)(&k.LateAt), &k.Failure, &k.GivenUp)
	return k, err
}

// GiveUp notes that a checkpoint of a witness counts no more: the operator says that what it was of is
// lost. Unlike a place, a witness takes no mark; it will cosign no other history, and that is told.
func GiveUp(ctx context.Context, tx *db.Tx, name string, c ledger.Checkpoint) error {
	var never time.Time
	return tx.Queue(ctx, `
		INSERT INTO keeper (name, size, taken_at, late_at, failure, given_up) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (name) DO UPDATE SET given_up = excluded.given_up`,
		name, 0, (*db.Time)(&never), (*db.Time)(&never), "", Mark(c))
}

// Mark names a checkpoint: by its size and by how its root begins.
func Mark(c ledger.Checkpoint) string { return fmt.Sprintf("%020d-%x", c.Size, c.Root[:8]) }

// SaveCosigned keeps the latest checkpoint that enough witnesses have cosigned, with their signatures. One
// of a smaller ledger, of a node that was slower, doesn't take its place.
func SaveCosigned(ctx context.Context, tx *db.Tx, c ledger.Checkpoint, text string, late time.Time) error {
	return tx.Queue(ctx, `
		INSERT INTO cosigned (id, size, checkpoint, late_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET size = excluded.size, checkpoint = excluded.checkpoint, late_at = excluded.late_at
		WHERE cosigned.size <= excluded.size`, 1, c.Size, text, late.UnixMicro())
}

// AwaitCosigned notes that too few have cosigned. It begins to count as Failed does.
func AwaitCosigned(ctx context.Context, tx *db.Tx, late time.Time) error {
	return tx.Queue(ctx, `
		INSERT INTO cosigned (id, size, checkpoint, late_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET late_at = excluded.late_at WHERE excluded.late_at < cosigned.late_at`, 1, 0, "", late.UnixMicro())
}

// LatestCosigned returns it. Errors: ledger.ErrNotFound, if there is none.
func LatestCosigned(ctx context.Context, tx *db.Tx) (text string, err error) {
	text, err = db.One(ctx, tx, db.Single[string], `SELECT checkpoint FROM cosigned WHERE id = $1`, 1)
	if errors.Is(err, db.ErrNone) || err == nil && text == "" {
		err = ledger.ErrNotFound
	}
	return text, err
}
