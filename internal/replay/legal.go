package replay

import (
	"maps"
	"slices"
	"strings"

	"wardkeep/internal/base/id"
	"wardkeep/internal/ledger"
	"wardkeep/internal/legal"
	"wardkeep/internal/vault"
)

// An approval lets items be kept when they are to be deleted.
type approval struct {
	service          string
	child            key // zero: every child
	items            []string
	basis            legal.Basis
	mark             string
	by, entry        string
	until, at, ended int64
	from, to         int64 // versions of its child that made it and took it back, which is 0 if nobody has
	forgotten, seen  bool  // forgotten: its child is erased
}

// A keeping is what was kept at once of one child.
type keeping struct {
	source
	child  key
	values []legal.Span // those that haven't ended
	at     int64
	from   int64 // version of the child
	seen   map[string]bool
}

// approvalEntry folds that an officer approves something, or takes it back. K is the
// child's, or zero.
func (f *fold) approvalEntry(p ledger.Placed, k key) fault {
	if !strings.HasPrefix(p.Actor, "officer:") {
		return impossible(ruleActor)
	}
	if p.Kind == legal.KindEnded {
		b, x := body[legal.EndedBody](p)
		name, _ := keyOf(id.Approval, b.Approval)
		a := f.approved[name]
		if x == (fault{}) && (a == nil || a.service != p.Service || a.child != k || a.ended != 0) {
			x = impossible(ruleKept)
		}
		if x == (fault{}) {
			a.ended, a.to = p.At.UnixMicro(), p.Version
		}
		return x
	}
	b, x := body[legal.ApprovedBody](p)
	name, ok := keyOf(id.Approval, b.Approval)
	switch {
	case x != (fault{}):
		return x
	case !ok || len(b.Items) == 0 || !slices.Contains(legal.Bases, b.Basis) || b.Mark == "" || b.Until <= p.At.UnixMicro():
		return fault{what: FoundBody, field: ruleKept}
	case f.approved[name] != nil:
		return impossible(ruleKept)
	}
	a := &approval{service: f.names.keep(p.Service), child: k, items: b.Items, basis: b.Basis, mark: b.Mark,
		by: f.names.keep(p.Actor), entry: p.ID, until: b.Until, at: p.At.UnixMicro(), from: p.Version}
	f.approved[name] = a
	if k != (key{}) {
		f.allowed[k] = append(f.allowed[k], a)
	}
	return fault{}
}

// forgetApprovals ends those about a child that is erased.
func (f *fold) forgetApprovals(k key) {
	for _, a := range f.allowed[k] {
		a.forgotten = true
	}
	delete(f.allowed, k)
}

// keeps folds that values go where nobody reads them. Whether it was approved is judged
// at the end: between a child and its service there is no order of entries.
func (f *fold) keeps(p ledger.Placed, s source, k key, c *child) fault {
	b, x := body[legal.KeptBody](p)
	name, ok := keyOf(id.Kept, b.Kept)
	switch {
	case x != (fault{}):
		return x
	case !ok || len(b.Values) == 0:
		return fault{what: FoundBody, field: ruleKept}
	case f.kept[name] != nil:
		return impossible(ruleKept)
	}
	is := &keeping{source: s, child: k, values: b.Values, at: p.At.UnixMicro(), from: p.Version, seen: make(map[string]bool)}
	f.kept[name], f.keptOf[k] = is, append(f.keptOf[k], is)
	for _, v := range b.Values {
		y := f.names.sym(v.Item)
		i := slices.IndexFunc(c.values, func(h value) bool { return h.item == y })
		if i < 0 {
			x = impossible(ruleHeld)
			continue
		}
		h := c.values[i]
		c.values = slices.Delete(c.values, i, i+1)
		approved, _ := keyOf(id.Approval, v.Approval)
		if a := f.approved[approved]; a != nil && v.Until != a.basis.End(moment(h.collected), moment(a.until)).UnixMicro() {
			x = impossible(ruleExpiry)
		}
	}
	return x
}

// A keptEnd says that the time of what was kept is over.
type keptEnd struct {
	source
	kept  key
	items []string
	at    int64
}

// keptErased folds that the time of what was kept is over. That may come before what
// says that it was kept.
func (f *fold) keptErased(p ledger.Placed, s source) fault {
	b, x := body[legal.ErasedBody](p)
	name, ok := keyOf(id.Kept, b.Kept)
	switch {
	case x != (fault{}):
		return x
	case !ok || len(b.Items) == 0:
		return fault{what: FoundBody, field: ruleKept}
	case p.Actor != sweeper:
		return impossible(ruleActor)
	}
	f.keptEnds = append(f.keptEnds, keptEnd{s, name, b.Items, p.At.UnixMicro()})
	return fault{}
}

// endKept takes away what has ended: each once, and not before its time.
func (f *fold) endKept(e keptEnd) fault {
	is := f.kept[e.kept]
	if is == nil || is.service != e.service {
		return impossible(ruleKept)
	}
	for _, item := range e.items {
		i := slices.IndexFunc(is.values, func(v legal.Span) bool { return v.Item == item })
		if i < 0 || is.values[i].Until > e.at {
			return impossible(ruleKept)
		}
		is.values = slices.Delete(is.values, i, i+1)
	}
	return fault{}
}

// keptBeyond returns how much is kept of a child beyond a moment.
func (f *fold) keptBeyond(k key, at int64) (n int64) {
	for _, is := range f.keptOf[k] {
		for _, v := range is.values {
			if v.Until > at {
				n++
			}
		}
	}
	return n
}

// lets reports whether an approval stood when something was kept. For one child the order
// of versions says so: whoever waited for it has an earlier time and a later version. One
// for every child has no order with any, so what was on its way when it changed counts
// as before or after.
func (a *approval) lets(is *keeping) bool {
	if a.child != (key{}) {
		return a.from < is.from && (a.to == 0 || a.to > is.from)
	}
	return a.at <= is.at+slack && (a.ended == 0 || a.ended >= is.at-slack)
}

// checkKept judges whether what was kept had been approved, and has ended in time.
func (f *fold) checkKept() {
	for _, k := range slices.SortedFunc(maps.Keys(f.kept), func(a, b key) int { return slices.Compare(a[:], b[:]) }) {
		is := f.kept[k]
		for _, v := range is.values {
			name, _ := keyOf(id.Approval, v.Approval)
			a := f.approved[name]
			if a == nil || a.service != is.service || a.child != (key{}) && a.child != is.child || a.basis != v.Basis || a.mark != v.Mark ||
				!slices.Contains(a.items, v.Item) || v.Until > a.until || !a.lets(is) {
				f.blame(is.source, impossible(ruleKept))
				break
			}
		}
	}
	for _, e := range f.keptEnds {
		f.blame(e.source, f.endKept(e))
	}
}

// approvalRows compares the approvals. One about a child goes with it.
func (a *audit) approvalRows() error {
	all, err := legal.All(a.ctx, a.tx)
	for _, row := range all {
		r := at{audit: a, table: "legal_approval", service: a.names.shown(row.Service), row: a.names.shown(row.ID)}
		k, ok := keyOf(id.Approval, row.ID)
		is := a.fold.approved[k]
		if !ok || is == nil || is.forgotten || is.seen {
			r.extra()
			continue
		}
		is.seen = true
		r.row = row.ID
		r.text("service", is.service, row.Service)
		r.text("items", strings.Join(is.items, " "), strings.Join(row.Items, " "))
		r.text("basis", string(is.basis), string(row.Basis))
		if row.Mark(row.ID) != is.mark {
			r.found(FoundHash, "number, document", "–", "–")
		}
		r.text("approved_by", is.by, row.ApprovedBy)
		r.text("entry", is.entry, row.Entry)
		r.time("until", is.until, micros(row.Until))
		r.time("approved_at", is.at, micros(row.ApprovedAt))
		r.time("ended_at", is.ended, micros(row.EndedAt))
		subject := ""
		if is.child != (key{}) {
			subject = is.child.name(id.Subject)
		}
		if row.Subject != subject || subject == "" && row.Child != "" {
			r.found(FoundDiffers, "child", orNone(subject), "–")
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(a.fold.approved), func(a, b key) int { return slices.Compare(a[:], b[:]) }) {
		if is := a.fold.approved[k]; !is.seen && !is.forgotten && err == nil {
			at{audit: a, table: "legal_approval", service: is.service, row: k.name(id.Approval)}.missing()
		}
	}
	return err
}

// keptRows compares what is kept, which opens under a key of its child and for nobody.
func (a *audit) keptRows() error {
	a.keptUntil = make(map[string]int64)
	err := vault.KeptRows(a.ctx, a.tx, func(row vault.KeptRow) {
		r := at{audit: a, table: "kept_value", service: a.names.shown(row.Service), row: a.names.shown(row.Item)}
		k, ok := keyOf(id.Kept, row.ID)
		is := a.fold.kept[k]
		if !ok || is == nil || is.seen[row.Item] {
			r.extra()
			return
		}
		i := slices.IndexFunc(is.values, func(v legal.Span) bool { return v.Item == row.Item })
		if i < 0 {
			r.extra()
			return
		}
		is.seen[row.Item] = true
		v := is.values[i]
		r.subject = is.subject
		r.text("service", is.service, row.Service)
		r.text("approval", v.Approval, row.Approval)
		r.text("basis", string(v.Basis), string(row.Basis))
		r.text("entry", is.entry, row.Entry)
		r.time("until", v.Until, row.Until)
		a.keptUntil[string(row.Child)] = max(a.keptUntil[string(row.Child)], row.Until)
		subject := ""
		if c := a.fold.children[is.child]; c != nil && c.state != erased {
			subject = is.child.name(id.Subject)
		}
		if row.Subject != subject {
			r.found(FoundDiffers, "child", orNone(subject), "–")
		}
		if a.ring != nil && row.Intact(a.ring) != nil {
			r.found(FoundSealed, "sealed", "–", "–")
		}
	})
	for _, k := range slices.SortedFunc(maps.Keys(a.fold.kept), func(a, b key) int { return slices.Compare(a[:], b[:]) }) {
		is := a.fold.kept[k]
		for _, v := range is.values {
			if !is.seen[v.Item] && err == nil {
				at{audit: a, table: "kept_value", service: is.service, subject: is.subject, row: v.Item}.missing()
			}
		}
	}
	return err
}
