package replay

import (
	"cmp"
	"maps"
	"slices"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
)

// knowsPools refuses to look with a ring that lacks a stored pool: a rotation just
// now made it, and what it wraps would seem to be damaged.
func (a *audit) knowsPools() error {
	pools, err := db.All(a.ctx, a.tx, db.Single[string], `SELECT id FROM keyring_key WHERE purpose = $1`, keyring.PurposePool)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(pools, func(pool string) bool { return !a.ring.Knows(pool) }) {
		return keyring.ErrUnknownPool
	}
	return nil
}

// compareTraces compares what outlives children for a while, and what belongs to
// none. What is past its time is read by nobody, swept or not.
func (a *audit) compareTraces() error {
	for _, compare := range []func() error{a.looseRefs, a.refusalRows, a.traceRows, a.pendingRows, a.cursorRows} {
		if err := compare(); err != nil {
			return err
		}
	}
	return nil
}

func (a *audit) looseRefs() error {
	return family.LooseRefs(a.ctx, a.tx, func(service string, child family.ID) {
		at{audit: a, table: "child_ref", service: a.names.shown(service), row: a.names.shown(string(child))}.extra()
	})
}

func (a *audit) refusalRows() error {
	left := a.fold.refusals
	err := family.Refusals(a.ctx, a.tx, func(row family.Refusal) {
		r := at{audit: a, table: "refused_ref", service: a.names.shown(row.Service), row: instant(micros(row.Until))}
		if a.ring != nil && !row.Intact(a.ring) {
			r.found(FoundHash, "bound", "–", "–")
		}
		of, known := a.names.syms[row.Service]
		is := refusal{service: of, charter: int32(row.Charter), until: micros(row.Until)}
		if !known || left[is] == 0 || int64(is.charter) != row.Charter {
			r.extra()
			return
		}
		left[is]--
	})
	for _, is := range slices.SortedFunc(maps.Keys(left), func(x, y refusal) int {
		return cmp.Or(cmp.Compare(x.until, y.until), cmp.Compare(x.service, y.service))
	}) {
		if left[is] > 0 && err == nil {
			at{audit: a, table: "refused_ref", service: a.names.text(is.service), row: instant(is.until)}.missing()
		}
	}
	return err
}

func (a *audit) traceRows() error {
	if a.ring == nil {
		return nil // without keys nobody knows whose they are
	}
	err := family.Traces(a.ctx, a.tx, func(row family.Trace) {
		r := at{audit: a, table: "erased_subject", service: a.names.shown(row.Service), row: a.names.shown(string(row.Child))}
		if !row.Intact(a.ring) {
			r.found(FoundHash, "bound", "–", "–")
		}
		is := a.fold.traces[string(row.Subject())]
		if is == nil {
			r.extra()
			return
		}
		is.seen = true
		r.subject = is.subject.name(id.Subject)
		r.text("child", a.names.text(is.service), row.Service)
		r.time("until", is.until, micros(row.Until))
	})
	for _, is := range slices.SortedFunc(maps.Values(a.fold.traces), func(x, y *trace) int {
		return slices.Compare(x.subject[:], y.subject[:])
	}) {
		if !is.seen && err == nil {
			at{audit: a, table: "erased_subject", service: a.names.text(is.service), subject: is.subject.name(id.Subject)}.missing()
		}
	}
	return err
}

// pendingRows compares the columns by which an entry waits with the entry.
func (a *audit) pendingRows() error {
	return ledger.Misfiled(a.ctx, a.tx, func(entry, column string) {
		at{audit: a, table: "ledger_pending", row: entry}.found(FoundDiffers, column, "–", "–")
	})
}

// cursorRows checks that no consumer is ahead of the ledger. How far it is behind
// nobody else knows.
func (a *audit) cursorRows() error {
	return db.Each(a.ctx, a.tx, func(row db.Row) error {
		var name string
		var place int64
		if err := row.Scan(&name, &place); err != nil {
			return err
		}
		if place < 0 || place > a.report.Size {
			at{audit: a, table: "ledger_cursor", row: a.names.shown(name)}.found(FoundDiffers, "place", "≤ "+number(a.report.Size), number(place))
		}
		return nil
	}, `SELECT name, place FROM ledger_cursor ORDER BY name`)
}
