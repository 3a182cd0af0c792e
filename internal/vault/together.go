package vault

import (
	"context"
	"slices"

	"wardkeep/internal/base/db"
	"wardkeep/internal/charter"
	"wardkeep/internal/gate"
)

// An Opening is one use among several that are opened together.
type Opening struct {
	By  gate.Actor
	Use gate.Use
}

// OpenTogether is Open for at most db.Chunk uses in one transaction. Each is
// decided and recorded as if it were alone, and what the gate denies is the
// outcome of that use only. Of what can't be done among others nothing is
// written, and its outcome is db.ErrAlone: a child that isn't there or that
// somebody is changing, values that the use prolongs, and what would take much
// memory. If we crash before the commit, nothing was released. An error undoes
// all.
func (v *Vault) OpenTogether(ctx context.Context, tx *db.Tx, all []Opening) ([]db.Outcome[Opened], error) {
	whose := make([]gate.Whose, len(all))
	values := make([][]stored, len(all))
	var also []db.Read
	for i, o := range all {
		whose[i] = gate.Whose{Service: o.Use.Service, Child: o.Use.Child}
		if fits(o.Use) {
			also = append(also, readsOf(small, &values[i], o.Use)...)
		}
	}
	loaded, err := v.Gate.LoadFree(ctx, tx, whose, also...)
	if err != nil {
		return nil, err
	}
	out := make([]db.Outcome[Opened], len(all))
	for i, o := range all {
		p := &Prepared{loaded[i], &values[i]}
		child, err := p.loaded.Child(o.Use.Service)
		if err != nil || !fits(o.Use) || slices.ContainsFunc(values[i], stored.isLarge) || len(p.longer(child, o.Use, tx.Now())) > 0 {
			out[i].Err = db.ErrAlone
			continue
		}
		out[i].Answer, out[i].Err = v.release(ctx, tx, o.By, o.Use, p, child)
		if !db.Keeps(out[i].Err) {
			return nil, out[i].Err
		}
	}
	return out, nil
}

// fewItems bounds, together with small, what a group holds in memory: 64 uses of
// 8 items of 16 KiB.
const fewItems = 8

// fits reports whether a use may be opened among others.
func fits(u gate.Use) bool {
	return releases(u.Activity) && u.Activity != charter.Transfer && len(u.Items) <= fewItems
}

// small reads a value of at most 16 KiB, and of a larger one that it is there.
const small = `SELECT item, purpose, version, CASE WHEN length(sealed) <= 16384 THEN sealed END, collected_at, expires_at
	FROM value WHERE child = $1 AND item = $2`

func (s stored) isLarge() bool { return s.sealed == nil }
