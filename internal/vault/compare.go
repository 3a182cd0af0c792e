package vault

import (
	"context"
	"errors"
	"strconv"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
)

// Compare calls each with those values of at most db.Chunk children that the authority and
// their own facts permit to be looked for in what is about to be published (Article 4), on
// one snapshot: tx is a View. A value is lent: it is wiped when each returns, which keeps
// nothing of it but a hash. The entry of the authority is durable before. What doesn't open,
// since somebody has changed it by hand, is left out, and damaged says whose that is: it
// stands for nothing any more, and keeps nobody else's from being looked for.
func (v *Vault) Compare(ctx context.Context, tx *db.Tx, a gate.Authority, children []family.ID, each func(child family.ID, item string, value []byte)) (damaged []family.ID, err error) {
	if len(children) == 0 || len(a.Items()) == 0 {
		return nil, nil
	}
	whose := make([]gate.Whose, len(children))
	for i, id := range children {
		whose[i] = gate.Whose{Service: a.Service(), Child: id}
	}
	values := make(map[family.ID][]stored, len(children))
	loaded, err := v.Gate.LoadMany(ctx, tx, whose, func(some []family.ID) db.Read { return wholeOf(values, some, a.Items()) })
	switch damages := errors.Is(err, keyring.ErrOpen); {
	case damages && len(children) == 1:
		return children, nil
	case damages: // somebody's facts: whose they are each says alone
		for i := range children {
			some, err := v.Compare(ctx, tx, a, children[i:i+1], each)
			if err != nil {
				return nil, err
			}
			damaged = append(damaged, some...)
		}
		return damaged, nil
	case err != nil:
		return nil, err
	}
	for i, l := range loaded {
		child, err := l.Child(a.Service())
		if err != nil {
			continue // erased since, or never there
		}
		all := values[children[i]]
		permit := a.Permit(l.Facts(tx.Now(), (&Prepared{l, &all}).held()))
		if len(permit.Items()) == 0 {
			continue
		}
		whole, err := v.lend(permit, child, all, each)
		if err != nil {
			return nil, err
		}
		if !whole {
			damaged = append(damaged, child.ID)
		}
	}
	return damaged, nil
}

// lend opens what the permit is for, and reports whether all of it opened. That the key of
// the child's pool isn't here is nobody's damage, and an error.
func (v *Vault) lend(permit gate.Permit, child family.Child, all []stored, each func(family.ID, string, []byte)) (whole bool, err error) {
	key, err := child.Key(v.Ring)
	if errors.Is(err, keyring.ErrOpen) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	whole = true
	for _, s := range all {
		if !permit.Allows(child.ID, gate.Compare, s.item) {
			continue
		}
		plain, err := key.Open(s.sealed, s.ad(child)...)
		if err != nil {
			whole = false
			continue
		}
		each(child.ID, s.item, plain)
		clear(plain)
	}
	return whole, nil
}

// wholeOf reads some items of several children, with their values.
func wholeOf(into map[family.ID][]stored, children []family.ID, items []string) db.Read {
	in, args := db.Placeholders(children)
	named := ""
	for i, item := range items {
		if i > 0 {
			named += ", "
		}
		args = append(args, item)
		named += "$" + strconv.Itoa(len(args))
	}
	return db.ReadInto(new([]struct{}), func(row db.Row) (none struct{}, err error) {
		var child family.ID
		var s stored
		err = row.Scan(&child, &s.item, &s.purpose, &s.version, &s.sealed, (*db.Time)(&s.collected), (*db.Time)(&s.expires))
		into[child] = append(into[child], s)
		return none, err
	}, `SELECT child, `+columns+` FROM value WHERE child IN `+in+` AND item IN (`+named+`)`, args...)
}

// Disclosing decides whether values that the caller has already may be shown to an
// audience, and records it as any use (Article 18). Nothing is opened for it. Errors:
// *gate.Denied; family.ErrErased, family.ErrNotFound.
func (v *Vault) Disclosing(ctx context.Context, tx *db.Tx, by gate.Actor, u gate.Use) (entry string, err error) {
	p, err := v.fresh(ctx, tx, u, nil)
	if err != nil {
		return "", err
	}
	child, err := p.loaded.Child(u.Service)
	if err != nil {
		return "", err
	}
	_, entry, err = gate.Check(ctx, tx, by, u, p.loaded, child.Version, p.held(), nil)
	return entry, err
}
