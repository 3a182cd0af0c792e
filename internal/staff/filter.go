package staff

import (
	"context"
	"encoding/json"
	"unicode/utf8"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
)

// What can be wrong with a filter that a person wants to keep.
var (
	ErrFilterName  = errs.New(errs.Invalid, "staff.filter_name")
	ErrFilterLong  = errs.New(errs.Invalid, "staff.filter_long")
	ErrFiltersFull = errs.New(errs.TooMany, "staff.filters_full")
)

// MaxFilters is how many filters a person keeps for one list.
const MaxFilters = 20

const (
	maxFilterName = 40  // characters
	maxFilter     = 500 // bytes
)

// A Filter is what a person looks at again in a list, by a name of the person's own. It
// is sealed, for what somebody writes may tell more than it should; the ledger has
// nothing of it, for nothing rests on it; and it goes when the person leaves.
type Filter struct{ Name, Query string }

const filterDomain = "staff.filter"

func filterKey(ring *keyring.Ring, person, list, name string) []byte {
	return ring.Index(filterDomain, person, list, name)
}

// KeepFilter keeps a filter of a list, or another under the same name. Errors:
// ErrFilterName, ErrFilterLong, ErrFiltersFull, ErrNotFound, ErrLeft; those of the ring.
func KeepFilter(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Person, list string, f Filter) error {
	if !isLine(f.Name) || utf8.RuneCountInString(f.Name) > maxFilterName {
		return ErrFilterName.At("name")
	}
	if f.Query == "" || len(f.Query) > maxFilter {
		return ErrFilterLong
	}
	p, err := find(ctx, tx, by.ID, tx.ForShare())
	if err == nil && p.State != Active {
		err = ErrLeft
	}
	if err != nil {
		return err
	}
	key := filterKey(ring, p.ID, list, f.Name)
	// Two at once may keep one more than there is room for: nothing rests on the number.
	others, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM person_filter WHERE person = $1 AND list = $2 AND name <> $3`, p.ID, list, key)
	if err == nil && others >= MaxFilters {
		err = ErrFiltersFull
	}
	if err != nil {
		return err
	}
	plain, err := json.Marshal(f)
	if err != nil {
		return err
	}
	sealed, err := ring.Seal(filterDomain, plain, p.ID, list)
	if err != nil {
		return err
	}
	return tx.Queue(ctx, `
		INSERT INTO person_filter (person, list, name, sealed) VALUES ($1, $2, $3, $4)
		ON CONFLICT (person, list, name) DO UPDATE SET sealed = excluded.sealed`, p.ID, list, key, sealed)
}

// Filters returns the filters that a person keeps for a list. One that doesn't open was
// touched by hand, and is left out.
func Filters(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Person, list string) (all []Filter, err error) {
	rows, err := db.All(ctx, tx, db.Single[[]byte], `
		SELECT sealed FROM person_filter WHERE person = $1 AND list = $2 ORDER BY name`, by.ID, list)
	for _, sealed := range rows {
		plain, err := ring.Open(filterDomain, sealed, by.ID, list)
		if err != nil {
			continue
		}
		var f Filter
		if err := json.Unmarshal(plain, &f); err == nil {
			all = append(all, f)
		}
	}
	return all, err
}

// ForgetFilter forgets a filter; none of that name is no error.
func ForgetFilter(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Person, list, name string) error {
	return tx.Queue(ctx, `DELETE FROM person_filter WHERE person = $1 AND list = $2 AND name = $3`, by.ID, list, filterKey(ring, by.ID, list, name))
}
