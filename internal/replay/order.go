package replay

import (
	"maps"
	"slices"
	"strings"

	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
)

// A partyOrder is what the ledger says of one order to a processor or a recipient.
// Between a child and its service there is no order of entries, so an attestation may
// come before the order that it is about.
type partyOrder struct {
	source                  // of its issue
	known                   bool
	child                   key
	number, party, of, mark string
	role                    order.Role
	what                    order.What
	items, purposes, by     string
	narrowed                int64 // the version in which the party narrowed, if that is why
	issued, due             int64
	overdue, attested       int64
	reminded, remindedAt    int64  // how often, and when last
	attestation             string // entry
	seen                    bool
}

// orderNamed returns an order, known or not yet.
func (f *fold) orderNamed(name string) *partyOrder {
	k, ok := keyOf(id.Order, name)
	if !ok {
		return nil
	}
	o := f.orders[k]
	if o == nil {
		o = &partyOrder{}
		f.orders[k] = o
	}
	return o
}

// ordered folds that a party is told to do something about a child.
func (f *fold) ordered(p ledger.Placed, s source, k key, c *child) fault {
	b, x := body[order.IssuedBody](p)
	if x != (fault{}) {
		return x
	}
	n := f.names
	o := f.orderNamed(b.Order)
	switch {
	case o == nil || b.Party == "" || len(b.Items) == 0 || b.Due <= p.At.UnixMicro(),
		b.Role != order.Processor && b.Role != order.Recipient,
		b.What != order.Delete && b.What != order.Correct && b.What != order.Stop,
		b.Narrowed < 0:
		return fault{what: FoundBody, field: ruleOrder}
	case o.known, o.of != "" && o.of != p.Service, o.party != "" && o.party != b.Party, o.number != "" && o.number != b.Number:
		return impossible(ruleOrder)
	case b.Narrowed != 0 && p.Actor != "system:cessation":
		return impossible(ruleActor)
	}
	o.source, o.known, o.child, o.number, o.party, o.of = s, true, k, b.Number, n.keep(b.Party), n.keep(p.Service)
	o.role, o.what = order.Role(n.keep(string(b.Role))), order.What(n.keep(string(b.What)))
	o.items, o.purposes = n.keep(strings.Join(b.Items, " ")), n.keep(strings.Join(b.Purposes, " "))
	o.narrowed = b.Narrowed
	o.issued, o.due = p.At.UnixMicro(), b.Due
	if c.orderedAt != p.Version {
		c.ordered, c.orderedAt = 0, p.Version
	}
	if b.What == order.Delete {
		c.ordered++
	}
	return fault{}
}

// orderedBy returns how many parties are told to delete by the change at a version.
func (c *child) orderedBy(version int64) int64 {
	if c.orderedAt != version {
		return 0
	}
	return int64(c.ordered)
}

// orderEntry folds what became of an order.
func (f *fold) orderEntry(p ledger.Placed, s source) fault {
	b, x := body[struct {
		Order  string `json:"order"`
		Number string `json:"number"`
		Party  string `json:"party"`
		Mark   string `json:"mark,omitempty"`
		Times  int64  `json:"times,omitempty"`
		Due    int64  `json:"due,omitempty"`
	}](p)
	if x != (fault{}) {
		return x
	}
	o, at := f.orderNamed(b.Order), p.At.UnixMicro()
	switch {
	case o == nil:
		return fault{what: FoundBody, field: ruleOrder}
	case o.of != "" && o.of != p.Service, o.party != "" && o.party != b.Party, o.number != "" && o.number != b.Number:
		return impossible(ruleOrder)
	}
	o.of, o.party, o.number = f.names.keep(p.Service), f.names.keep(b.Party), b.Number
	if !o.known && o.entry == "" {
		o.source = s
	}
	if p.Kind == order.KindReminded {
		if p.Actor != sweeper || b.Mark != "" || b.Times != o.reminded+1 || o.known && b.Due != o.due || at >= b.Due {
			return impossible(ruleOrder)
		}
		o.reminded, o.remindedAt = b.Times, at
		return fault{}
	}
	if b.Times != 0 || b.Due != 0 {
		return fault{what: FoundBody, field: ruleOrder}
	}
	if p.Kind == order.KindOverdue {
		if o.overdue != 0 || p.Actor != sweeper || b.Mark != "" {
			return impossible(ruleOrder)
		}
		o.overdue = at
		return fault{}
	}
	// A party may say for itself that it has done it; in which role it was told to, the order
	// tells, which may come later.
	own := strings.HasPrefix(p.Actor, "party:") && f.speaks(p, s, party.ID{Service: o.of, Name: o.party})
	if o.attested != 0 || !own && !strings.HasPrefix(p.Actor, "app:") && !strings.HasPrefix(p.Actor, "officer:") {
		return impossible(ruleOrder) // once, and by who may say so
	}
	o.attested, o.attestation, o.by, o.mark = at, p.ID, f.names.keep(p.Actor), b.Mark
	return fault{}
}

// checkOrders judges what may come in any order: an order was issued before anything
// became of it, and exactly those have the gate closed who have one overdue.
func (f *fold) checkOrders() {
	late := make(map[string]string) // service → parties
	for _, k := range slices.SortedFunc(maps.Keys(f.orders), func(a, b key) int { return slices.Compare(a[:], b[:]) }) {
		o := f.orders[k]
		if !o.known || o.overdue != 0 && (o.overdue < o.due || o.attested != 0 && o.attested < o.overdue) || o.attested != 0 && o.attested < o.issued ||
			o.reminded != 0 && (o.remindedAt >= o.due || o.remindedAt < order.NextReminder(moment(o.issued), moment(o.due), moment(o.issued)).UnixMicro()) {
			f.blame(o.source, impossible(ruleOrder))
		}
		if o.known && o.narrowed != 0 {
			if n := f.narrowingOf(o); n != nil {
				n.orders++
			} else {
				f.blame(o.source, impossible(ruleOrder))
			}
		}
		if name, own := strings.CutPrefix(o.by, "party:"); own && f.bound[name] != nil && string(f.bound[name].party.Role) != string(o.role) {
			f.blame(o.source, impossible(ruleActor))
		}
		if o.overdue != 0 && o.attested == 0 {
			late[o.of] = catalog.WithOverdue(late[o.of], o.party, true)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.services)) {
		if is := f.services[name].now().overdue; is != late[name] {
			f.report(Difference{Place: -1, What: FoundImpossible, Service: name, Field: ruleOrder, Want: orNone(late[name]), Got: orNone(is)})
		}
	}
}

// orderRows compares the orders. From one whose child was erased nothing but what is
// sealed leads to it, and nothing at all once it is attested.
func (a *audit) orderRows() error {
	err := order.Rows(a.ctx, a.tx, func(row order.Row) {
		r := at{audit: a, table: "party_order", service: a.names.shown(row.Service), row: a.names.shown(row.ID)}
		k, ok := keyOf(id.Order, row.ID)
		o := a.fold.orders[k]
		if !ok || o == nil || !o.known || o.seen {
			r.extra()
			return
		}
		o.seen = true
		r.row = row.ID
		r.text("service", o.of, row.Service)
		r.text("number", o.number, row.Number)
		r.text("party", o.party, row.Party)
		r.text("role", string(o.role), string(row.Role))
		r.text("what", string(o.what), string(row.What))
		r.text("items", o.items, strings.Join(row.Items, " "))
		r.text("purposes", o.purposes, strings.Join(row.Purposes, " "))
		r.number("narrowed", o.narrowed, row.Narrowed)
		r.text("attested_by", o.by, row.AttestedBy)
		r.text("document", o.mark, row.Mark())
		r.text("issued", o.entry, row.Issued)
		r.text("attested", o.attestation, row.Attested)
		r.time("issued_at", o.issued, micros(row.IssuedAt))
		r.time("due_at", o.due, micros(row.DueAt))
		r.time("overdue_at", o.overdue, micros(row.OverdueAt))
		r.time("attested_at", o.attested, micros(row.AttestedAt))
		r.number("reminded", o.reminded, row.Reminded)
		// Once it is due nobody reminds of it: whether a sweep has seen that says nothing.
		if last := max(o.issued, o.remindedAt); !row.RemindAt.IsZero() || a.fold.now < o.due && o.attested == 0 {
			r.time("remind_at", micros(order.NextReminder(moment(o.issued), moment(o.due), moment(last))), micros(row.RemindAt))
		}
		gone, subject := true, ""
		if c := a.fold.children[o.child]; c != nil && c.state != erased {
			gone, subject = false, o.child.name(id.Subject)
		}
		if row.Subject != subject || gone && row.Child != "" {
			r.found(FoundDiffers, "child", orNone(subject), "–")
		}
		r.flag("sealed", gone && o.attested == 0, row.Sealed())
		if a.ring != nil && row.Intact(a.ring) != nil {
			r.found(FoundSealed, "sealed", "–", "–")
		}
	})
	for _, k := range slices.SortedFunc(maps.Keys(a.fold.orders), func(a, b key) int { return slices.Compare(a[:], b[:]) }) {
		if o := a.fold.orders[k]; o.known && !o.seen && err == nil {
			at{audit: a, table: "party_order", service: o.of, row: k.name(id.Order)}.missing()
		}
	}
	return err
}
