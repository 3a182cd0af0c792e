package order

import (
	"context"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
)

// The kinds of ledger entries about orders. The first is about the child; the others
// may come after its end, and are about the service.
const (
	KindIssued   = "order.issued"
	KindAttested = "order.attested"
	KindReminded = "order.reminded"
	KindOverdue  = "order.overdue"
)

// An IssuedBody says who is to do what, and until when.
type IssuedBody struct {
	Order    string   `json:"order"`
	Number   string   `json:"number"`
	Party    string   `json:"party"`
	Role     Role     `json:"role"`
	What     What     `json:"what"`
	Items    []string `json:"items"`
	Purposes []string `json:"purposes,omitempty"`
	Narrowed int64    `json:"narrowed,omitempty"` // the version in which the party narrowed, if that is why
	Due      int64    `json:"due"`                // microseconds
}

// An AttestedBody says that a party has done it.
type AttestedBody struct {
	Order  string `json:"order"`
	Number string `json:"number"`
	Party  string `json:"party"`
	Mark   string `json:"mark,omitempty"` // of what it has written: see Order.Mark
}

// An OverdueBody says that a party hasn't attested in time.
type OverdueBody struct {
	Order  string `json:"order"`
	Number string `json:"number"`
	Party  string `json:"party"`
}

// A share is what one party may have been given of a child for one purpose.
type share struct {
	party   string
	role    Role
	purpose string
	items   []string
}

// shares returns what each party may have: that which the charters name that were
// agreed to, and the one in force. A party that has come since only with a material
// change is in none of them, and had nothing.
func (b Book) shares(ctx context.Context, tx *db.Tx, c family.Child, grants []consent.Grant) (all []share, err error) {
	if len(grants) == 0 {
		return nil, nil
	}
	now, err := b.Charters.Current(ctx, tx, c.Service)
	if err != nil {
		return nil, err
	}
	for _, g := range grants {
		then, err := b.Charters.Version(ctx, tx, c.Service, g.Charter)
		if err != nil {
			return nil, err
		}
		for _, p := range []catalog.Published{then, now} {
			all = given(all, p.Charter, g.Purpose)
		}
	}
	return all, nil
}

// given adds what parties get for a purpose of one charter.
func given(all []share, c *charter.Charter, purpose string) []share {
	p, ok := c.Purpose(purpose)
	if !ok {
		return all
	}
	for _, name := range p.Processors {
		all = add(all, share{name, Processor, purpose, c.Entrusted(purpose, name)})
	}
	for _, name := range p.Recipients {
		all = add(all, share{name, Recipient, purpose, c.Transferred(purpose, name)})
	}
	return all
}

func add(all []share, s share) []share {
	for i, is := range all {
		if is.party == s.party && is.role == s.role && is.purpose == s.purpose {
			all[i].items = union(is.items, s.items)
			return all
		}
	}
	return append(all, s)
}

// union returns the items of both, in their order.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// A todo is an order that isn't issued yet.
type todo struct {
	party    string
	role     Role
	what     What
	items    []string
	purposes []string
	narrowed int64
}

// merge makes one todo per party of the shares that has returns items of.
func merge(shares []share, what What, has func(share) []string) (all []todo) {
	for _, s := range shares {
		items := has(s)
		if len(items) == 0 {
			continue
		}
		i := slices.IndexFunc(all, func(t todo) bool { return t.party == s.party && t.role == s.role })
		if i < 0 {
			all = append(all, todo{party: s.party, role: s.role, what: what, items: union(nil, items)})
			continue
		}
		all[i].items = union(all[i].items, items)
	}
	slices.SortFunc(all, func(a, b todo) int { return strings.Compare(string(a.role)+a.party, string(b.role)+b.party) })
	return all
}

// Erase orders every party to delete all that it may have of a locked child, which is
// about to be erased in the same transaction, and takes the child out of its orders.
// It returns the entries of the orders. Who is excepted took over the service with what it
// got for the purpose that asks about it, and keeps that: what it may have besides, it is
// ordered to delete (edge case 18).
func (b Book) Erase(ctx context.Context, tx *db.Tx, actor string, c family.Child, except catalog.Successor) (entries []string, err error) {
	shares, err := b.held(ctx, tx, c)
	if err != nil {
		return nil, err
	}
	took := func(s share) bool { return s.role == Recipient && s.party == except.Recipient }
	var keeps []string
	for _, s := range shares {
		if took(s) && s.purpose == except.Purpose {
			keeps = union(keeps, s.items)
		}
	}
	entries, err = b.issue(ctx, tx, actor, c, merge(shares, Delete, func(s share) []string {
		if !took(s) {
			return s.items
		}
		return slices.DeleteFunc(slices.Clone(s.items), func(item string) bool { return slices.Contains(keeps, item) })
	}))
	if err != nil {
		return nil, err
	}
	return entries, b.forget(ctx, tx, c.ID)
}

// Item orders every party that may have one item of a locked child to delete or to
// correct it.
func (b Book) Item(ctx context.Context, tx *db.Tx, actor string, c family.Child, what What, item string) error {
	shares, err := b.held(ctx, tx, c)
	if err != nil {
		return err
	}
	_, err = b.issue(ctx, tx, actor, c, merge(shares, what, func(s share) []string {
		if slices.Contains(s.items, item) {
			return []string{item}
		}
		return nil
	}))
	return err
}

// A Holder is a party that may have something of a child.
type Holder struct {
	Party string
	Role  Role
	Items []string
}

// Holders returns who may have something of a child, and what: those to whom an order about it
// would go.
func (b Book) Holders(ctx context.Context, tx *db.Tx, c family.Child) (all []Holder, err error) {
	shares, err := b.held(ctx, tx, c)
	for _, t := range merge(shares, Correct, func(s share) []string { return s.items }) {
		all = append(all, Holder{t.party, t.role, t.items})
	}
	return all, err
}

func (b Book) held(ctx context.Context, tx *db.Tx, c family.Child) ([]share, error) {
	var grants []consent.Grant
	if err := tx.Together(ctx, consent.ReadGrants(&grants, c.ID)); err != nil {
		return nil, err
	}
	return b.shares(ctx, tx, c, grants)
}

// Withdrawn orders every party that works for purposes which have lost their consent to
// delete what it got for them, and to stop using what it needs for another purpose to
// which a guardian still agrees and that doesn't end: live says which are agreed to. What was
// ordered since the last consent ended isn't ordered again. Grants are those of the child.
func (b Book) Withdrawn(ctx context.Context, tx *db.Tx, actor string, c family.Child, grants []consent.Grant, purposes []string, live func(purpose string) bool) error {
	return b.stop(ctx, tx, actor, c, grants, purposes, lastEnd, live)
}

// Ended is Withdrawn for a purpose that the service gives up (Article 23), whatever
// became of its consents. What was ordered since the last consent was given isn't ordered
// again.
func (b Book) Ended(ctx context.Context, tx *db.Tx, actor string, c family.Child, grants []consent.Grant, purpose string, live func(purpose string) bool) error {
	return b.stop(ctx, tx, actor, c, grants, []string{purpose}, lastGiven, live)
}

// stop orders what Withdrawn and Ended do. Since says since when an order about a purpose
// counts; 0: there is nothing to order.
func (b Book) stop(ctx context.Context, tx *db.Tx, actor string, c family.Child, grants []consent.Grant, purposes []string, since func([]consent.Grant, string) int64, live func(purpose string) bool) error {
	shares, err := b.shares(ctx, tx, c, grants)
	if err != nil || len(shares) == 0 {
		return err
	}
	before, err := Of(ctx, tx, c.ID)
	if err != nil {
		return err
	}
	service, err := catalog.Find(ctx, tx, c.Service)
	if err != nil {
		return err
	}
	lost := slices.DeleteFunc(slices.Clone(purposes), func(purpose string) bool {
		i := slices.IndexFunc(before, func(o Order) bool { return o.Narrowed == 0 && slices.Contains(o.Purposes, purpose) })
		at := since(grants, purpose)
		return at == 0 || i >= 0 && before[i].IssuedAt.UnixMicro() >= at
	})
	parties, err := party.List(ctx, tx, c.Service)
	if err != nil {
		return err
	}
	// What a party that was assessed may have no longer for the other purpose it doesn't need for it.
	may := func(s share, item string) bool {
		i := slices.IndexFunc(parties, func(p party.Party) bool { return p.Name == s.party && string(p.Role) == string(s.role) })
		return i < 0 || !parties[i].Assessment.Exists() || parties[i].Keeps().Has(s.purpose, item)
	}
	of := func(s share, needed bool) (items []string) {
		if !slices.Contains(lost, s.purpose) {
			return nil
		}
		for _, item := range s.items {
			other := slices.ContainsFunc(shares, func(o share) bool {
				return o.party == s.party && o.role == s.role && !slices.Contains(lost, o.purpose) && !service.Ceases(o.purpose) && live(o.purpose) && slices.Contains(o.items, item) && may(o, item)
			})
			if other == needed {
				items = append(items, item)
			}
		}
		return items
	}
	all := append(merge(shares, Delete, func(s share) []string { return of(s, false) }),
		merge(shares, Stop, func(s share) []string { return of(s, true) })...)
	for i := range all {
		all[i].purposes = lost
	}
	_, err = b.issue(ctx, tx, actor, c, all)
	return err
}

// Parted orders one party that has ended to delete all that it may have of a locked child,
// but for what it was ordered to delete since (Article 16(4)).
func (b Book) Parted(ctx context.Context, tx *db.Tx, actor string, c family.Child, role Role, party string, since time.Time) error {
	shares, err := b.held(ctx, tx, c)
	if err != nil || len(shares) == 0 {
		return err
	}
	before, err := Of(ctx, tx, c.ID)
	if err != nil {
		return err
	}
	var ordered []string
	for _, o := range before {
		if o.Party == party && o.Role == role && o.What == Delete && !o.IssuedAt.Before(since) {
			ordered = append(ordered, o.Items...)
		}
	}
	_, err = b.issue(ctx, tx, actor, c, merge(shares, Delete, func(s share) []string {
		if s.party != party || s.role != role {
			return nil
		}
		return slices.DeleteFunc(slices.Clone(s.items), func(item string) bool { return slices.Contains(ordered, item) })
	}))
	return err
}

// Trimmed orders a party that may have less than before to delete what it may have of that of a
// locked child, and to stop using what it needs for another purpose to which a guardian agrees
// still (Articles 16(5) and 20). What was ordered because of this narrowing isn't ordered again, nor
// what was since the last consent ended: it got nothing from then on.
func (b Book) Trimmed(ctx context.Context, tx *db.Tx, actor string, c family.Child, p party.Party) error {
	var grants []consent.Grant
	if err := tx.Together(ctx, consent.ReadGrants(&grants, c.ID)); err != nil {
		return err
	}
	shares, err := b.shares(ctx, tx, c, grants)
	shares = slices.DeleteFunc(shares, func(s share) bool { return s.party != p.Name || string(s.role) != string(p.Role) })
	if err != nil || len(shares) == 0 {
		return err
	}
	before, err := Of(ctx, tx, c.ID)
	if err != nil {
		return err
	}
	before = slices.DeleteFunc(before, func(o Order) bool { return o.Party != p.Name || string(o.Role) != string(p.Role) })
	may := p.Keeps()
	live := func(purpose string) bool {
		return slices.ContainsFunc(grants, func(g consent.Grant) bool { return g.Purpose == purpose && g.EndedAt.IsZero() })
	}
	needed := func(item string) bool {
		return slices.ContainsFunc(shares, func(s share) bool { return may.Has(s.purpose, item) && live(s.purpose) })
	}
	var all []todo
	for _, s := range shares {
		for _, item := range s.items {
			what := Delete
			if needed(item) {
				what = Stop
			}
			ordered := slices.ContainsFunc(before, func(o Order) bool {
				since := !live(s.purpose) && o.IssuedAt.UnixMicro() >= lastEnd(grants, s.purpose) && (o.What == Delete || o.What == what)
				return (since || o.Narrowed == p.Narrowed) && slices.Contains(o.Items, item) && slices.Contains(o.Purposes, s.purpose)
			})
			if !p.Excess.Has(s.purpose, item) || ordered {
				continue
			}
			i := slices.IndexFunc(all, func(t todo) bool { return t.what == what })
			if i < 0 {
				i = len(all)
				all = append(all, todo{party: s.party, role: s.role, what: what, narrowed: p.Narrowed})
			}
			all[i].items, all[i].purposes = union(all[i].items, []string{item}), union(all[i].purposes, []string{s.purpose})
		}
	}
	_, err = b.issue(ctx, tx, actor, c, all)
	return err
}

// CountNarrowed returns how many orders a party got because it has narrowed, by the version
// in which that was.
func CountNarrowed(ctx context.Context, tx *db.Tx, of party.ID, narrowed int64) (int64, error) {
	return db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM party_order WHERE service = $1 AND party = $2 AND role = $3 AND narrowed = $4 AND narrowed <> 0`,
		of.Service, of.Name, of.Role, narrowed)
}

// lastEnd returns when the last consent to a purpose ended, or 0.
func lastEnd(grants []consent.Grant, purpose string) (at int64) {
	for _, g := range grants {
		if g.Purpose == purpose && !g.EndedAt.IsZero() {
			at = max(at, g.EndedAt.UnixMicro())
		}
	}
	return at
}

// lastGiven returns when the last consent to a purpose was given, or 0.
func lastGiven(grants []consent.Grant, purpose string) (at int64) {
	for _, g := range grants {
		if g.Purpose == purpose {
			at = max(at, g.GivenAt.UnixMicro())
		}
	}
	return at
}

// issue writes orders about a locked child, each with its entry.
func (b Book) issue(ctx context.Context, tx *db.Tx, actor string, c family.Child, all []todo) (entries []string, err error) {
	now := tx.Now()
	due, _ := b.Calendar.Add(now, Term)
	due = due.UTC()
	for _, t := range all {
		o := Order{ID: id.New(id.Order)}
		o.Number = id.NumberOf(o.ID)
		o.Issued, err = ledger.Append(ctx, tx, ledger.Entry{
			Kind: KindIssued, Service: c.Service, Subject: c.Subject, Version: c.Version, Actor: actor,
			Body: IssuedBody{Order: o.ID, Number: o.Number, Party: t.party, Role: t.role, What: t.what, Items: t.items, Purposes: t.purposes,
				Narrowed: t.narrowed, Due: due.UnixMicro()},
		})
		if err != nil {
			return nil, err
		}
		remind := NextReminder(now, due, now)
		err = tx.Queue(ctx, `
			INSERT INTO party_order (`+columns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL, $11, $12, NULL, NULL, '', '', NULL, $13, '', 0, $14)`,
			o.ID, o.Number, c.Service, t.party, t.role, t.what, strings.Join(t.items, " "), strings.Join(t.purposes, " "), t.narrowed, c.ID,
			(*db.Time)(&now), (*db.Time)(&due), o.Issued, (*db.Time)(&remind))
		if err != nil {
			return nil, err
		}
		entries = append(entries, o.Issued)
	}
	return entries, nil
}
