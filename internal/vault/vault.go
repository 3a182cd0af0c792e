// Package vault keeps the values of children, each sealed under its child's key.
//
// Its invariants: nothing is decrypted without a Permit of the gate
// (Invariant 1); the entry of a use is in the transaction whose commit comes
// before the value is handed out (Invariant 2: callers answer after the
// commit); every value is written with its end (Article 12); and a value moved
// to another child, item or service never opens, because its associated data
// names all three.
package vault

import (
	"context"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
)

// What the vault refuses, beside the gate's denials.
var (
	ErrCannotOpen = errs.New(errs.Invalid, "vault.cannot_open") // not sealed here, for another child or item, or damaged
	ErrTooMany    = errs.New(errs.Invalid, "vault.too_many_items")
	ErrActivity   = errs.New(errs.Invalid, "vault.activity") // nothing is released by collecting or storing
)

// MaxItems bounds the items of one use.
const MaxItems = 64

// A Vault opens, keeps and destroys values.
type Vault struct {
	Ring     *keyring.Ring
	Gate     *gate.Gate
	Calendar workday.Calendar // counts the working days of the orders that follow an erasure
	Looks    approval.Limits  // of persons inside
	Pulls    party.Limits     // of parties that ask by themselves
}

// orders is what tells processors and recipients.
func (v *Vault) orders() order.Book {
	return order.Book{Ring: v.Ring, Charters: v.Gate.Charters, Calendar: v.Calendar}
}

// stored is one row: a sealed value.
type stored struct {
	item, purpose      string
	version            int64
	sealed             []byte
	collected, expires time.Time
}

const columns = `item, purpose, version, sealed, collected_at, expires_at`

func scan(row db.Row) (s stored, err error) {
	err = row.Scan(&s.item, &s.purpose, &s.version, &s.sealed, (*db.Time)(&s.collected), (*db.Time)(&s.expires))
	return s, err
}

func (s stored) held() gate.Held {
	return gate.Held{Item: s.item, Purpose: s.purpose, Collected: s.collected, Expires: s.expires}
}

func (s stored) ad(child family.Child) []string {
	return []string{"value", child.Service, string(child.ID), s.item, strconv.FormatInt(s.version, 10)}
}

// Prepared is what a use needs from the store, read ahead of the transaction
// that records it, so that readers don't queue behind the one writer. It grants
// nothing: Open decides again, on what is true then.
type Prepared struct {
	loaded *gate.Loaded
	values *[]stored
}

// Prepare reads what a use needs.
func (v *Vault) Prepare(ctx context.Context, tx *db.Tx, u gate.Use) (*Prepared, error) {
	if len(u.Items) > MaxItems {
		return nil, ErrTooMany
	}
	values := new([]stored)
	l, err := v.Gate.Load(ctx, tx, u.Service, u.Child, reads(values, u)...)
	if err != nil {
		return nil, err
	}
	return &Prepared{l, values}, nil
}

// whole reads a value.
const whole = `SELECT ` + columns + ` FROM value WHERE child = $1 AND item = $2`

func reads(values *[]stored, u gate.Use) []db.Read { return readsOf(whole, values, u) }

func readsOf(query string, values *[]stored, u gate.Use) []db.Read {
	all := make([]db.Read, 0, len(u.Items))
	for _, item := range u.Items {
		// No item has such a name, and PostgreSQL fails on a zero byte.
		if strings.IndexByte(item, 0) >= 0 {
			continue
		}
		all = append(all, db.ReadInto(values, scan, query, u.Child, item))
	}
	return all
}

// fresh returns p if it still holds, or reads again.
func (v *Vault) fresh(ctx context.Context, tx *db.Tx, u gate.Use, p *Prepared) (*Prepared, error) {
	if len(u.Items) > MaxItems {
		return nil, ErrTooMany
	}
	if p == nil {
		p = &Prepared{}
	}
	values := new([]stored)
	l, again, err := v.Gate.Fresh(ctx, tx, u.Service, u.Child, p.loaded, reads(values, u)...)
	if err != nil || !again {
		return p, err
	}
	return &Prepared{l, values}, nil
}

func (p *Prepared) held() []gate.Held {
	held := make([]gate.Held, 0, len(*p.values))
	for _, s := range *p.values {
		held = append(held, s.held())
	}
	return held
}

// Opened are values on their way out. They leave the process only after the
// transaction has committed.
type Opened struct {
	Values map[string]pii.Text // an item that is not held is missing
	Entry  string              // the ledger entry that records the use
	EndsAt time.Time           // when the first of them ends for the purpose (Article 12); zero: none is held
}

// Open returns the values of a use that the gate permits. The activity is use,
// disclose or entrust: see Transfer for the others. P may be nil.
func (v *Vault) Open(ctx context.Context, tx *db.Tx, by gate.Actor, u gate.Use, p *Prepared) (Opened, error) {
	if !releases(u.Activity) || u.Activity == charter.Transfer {
		return Opened{}, ErrActivity
	}
	p, err := v.fresh(ctx, tx, u, p)
	if err != nil {
		return Opened{}, err
	}
	child, err := p.loaded.Child(u.Service)
	if err != nil {
		return Opened{}, err
	}
	out, err := v.release(ctx, tx, by, u, p, child)
	if err != nil {
		return out, err
	}
	return out, v.prolong(ctx, tx, by, u, p, child)
}

// release asks the gate and, with its permit, opens what was read.
func (v *Vault) release(ctx context.Context, tx *db.Tx, by gate.Actor, u gate.Use, p *Prepared, child family.Child) (Opened, error) {
	return v.releaseAt(ctx, tx, by, u, p, child, child.Version)
}

// releaseAt is release by the facts of a version of the child: see gate.Check.
func (v *Vault) releaseAt(ctx context.Context, tx *db.Tx, by gate.Actor, u gate.Use, p *Prepared, child family.Child, version int64) (Opened, error) {
	permit, entry, err := gate.Check(ctx, tx, by, u, p.loaded, version, p.held(), nil)
	if err != nil {
		return Opened{Entry: entry}, err
	}
	out := Opened{Values: make(map[string]pii.Text, len(*p.values)), Entry: entry}
	for _, s := range *p.values {
		if out.Values[s.item], err = v.decrypt(permit, u.Activity, child, s.item, s.sealed, s.ad(child)); err != nil {
			return Opened{}, err
		}
		if ends := time.UnixMicro(permit.Expires(s.item)).UTC(); out.EndsAt.IsZero() || ends.Before(out.EndsAt) {
			out.EndsAt = ends
		}
	}
	return out, nil
}

// releases reports whether values may leave by the activity. Collecting and
// storing bring them in; no permit for those opens any. What is no activity at
// all is for the gate to deny, and to record.
func releases(a charter.Activity) bool { return a != charter.Collect && a != charter.Store }

// decrypt is the only place where a value becomes readable.
func (v *Vault) decrypt(permit gate.Permit, activity charter.Activity, child family.Child, item string, sealed []byte, ad []string) (pii.Text, error) {
	if !releases(activity) || !permit.Allows(child.ID, activity, item) {
		return pii.Text{}, gate.ErrDenied
	}
	key, err := child.Key(v.Ring)
	if err != nil {
		return pii.Text{}, err
	}
	plain, err := key.Open(sealed, ad...)
	if err != nil {
		return pii.Text{}, ErrCannotOpen
	}
	return pii.New(string(plain)), nil
}
