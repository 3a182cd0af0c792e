package vault

import (
	"context"
	"errors"

	"wardkeep/internal/base/db"
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
// somebody is changing, values that the use prolongs. If we crash before the
// commit, nothing was released. An error undoes all.
func (v *Vault) OpenTogether(ctx context.Context, tx *db.Tx, all []Opening) ([]db.Outcome[Opened], error) {
	whose := make([]gate.Whose, len(all))
	values := make([][]stored, len(all))
	var also []db.Read
	for i, o := range all {
		whose[i] = gate.Whose{Service: o.Use.Service, Child: o.Use.Child}
		if releases(o.Use.Activity) && len(o.Use.Items) <= MaxItems {
			also = append(also, reads(&values[i], o.Use)...)
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
		if err != nil || !releases(o.Use.Activity) || len(o.Use.Items) > MaxItems || len(p.longer(child, o.Use, tx.Now())) > 0 {
			out[i].Err = db.ErrAlone
			continue
		}
		out[i].Answer, out[i].Err = v.release(ctx, tx, o.By, o.Use, p, child)
		if err := out[i].Err; err != nil && !errors.Is(err, gate.ErrDenied) {
			return nil, err
		}
	}
	return out, nil
}
