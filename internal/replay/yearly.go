package replay

import (
	"cmp"
	"crypto/sha256"
	"maps"
	"slices"
	"strconv"

	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
	"wardkeep/internal/yearly"
)

// A filed is what the ledger says of a filing of a yearly audit.
type filed struct {
	yearly.FiledBody
	by   string
	at   int64
	seen bool // its row was found
}

// A filedYear is the audit of a year of a service.
type filedYear struct {
	service string
	year    int64
}

// yearlyEntry folds that the audit of a year was filed, or corrected: by who is in office, on a
// day that fits, and with a mark of the receipt.
func (f *fold) yearlyEntry(p ledger.Placed, s source) fault {
	b, x := body[yearly.FiledBody](p)
	of := filedYear{f.names.keep(p.Service), b.Year}
	_, inside := insider(p)
	switch {
	case x != (fault{}):
		return x
	case b.Mark == "" || b.Children < 0 || b.Minors < 0:
		return fault{what: FoundBody, field: ruleYearly}
	case !inside:
		return impossible(ruleActor)
	case !f.drew(of, b):
		return impossible(ruleYearly)
	case b.Year < yearly.First || b.Number != int64(len(f.audits[of])) || !yearly.DayFits(b.Year, b.Dated, p.At):
		return impossible(ruleYearly)
	}
	b.Dated, b.Mark, b.Drawn = f.names.keep(b.Dated), f.names.keep(b.Mark), f.names.keep(b.Drawn)
	f.audits[of] = append(f.audits[of], &filed{FiledBody: b, by: f.names.keep(p.Actor), at: p.At.UnixMicro()})
	return f.actedInside(p, s, b.Inside, staff.FileYearly)
}

// A drawn is what the ledger says of a pack of a yearly audit.
type drawn struct {
	yearly.DrawnBody
	by   string
	at   int64
	seen bool // its row was found
}

// drew reports whether the pack that was handed in with an audit is one that was drawn up.
func (f *fold) drew(of filedYear, b yearly.FiledBody) bool {
	packs := f.packs[of]
	if b.Pack == 0 {
		return b.Drawn == ""
	}
	return b.Pack > 0 && b.Pack <= int64(len(packs)) && packs[b.Pack-1].Hash == b.Drawn
}

// packEntry folds that the pack of a year was drawn up, by who is in office.
func (f *fold) packEntry(p ledger.Placed, s source) fault {
	b, x := body[yearly.DrawnBody](p)
	of := filedYear{f.names.keep(p.Service), b.Year}
	_, inside := insider(p)
	switch {
	case x != (fault{}):
		return x
	case len(b.Hash) != 2*sha256.Size || b.Children < 0 || b.Minors < 0 || b.Gaps < 0:
		return fault{what: FoundBody, field: ruleYearly}
	case !inside:
		return impossible(ruleActor)
	case b.Year < yearly.First || b.Number != int64(len(f.packs[of]))+1:
		return impossible(ruleYearly)
	}
	b.Hash = f.names.keep(b.Hash)
	f.packs[of] = append(f.packs[of], &drawn{DrawnBody: b, by: f.names.keep(p.Actor), at: p.At.UnixMicro()})
	return f.actedInside(p, s, b.Inside, staff.FileYearly)
}

// packRows compares what was drawn up, and opens what was sealed of it.
func (a *audit) packRows() error {
	row := func(of filedYear, number int64) string {
		return strconv.FormatInt(of.year, 10) + " " + strconv.FormatInt(number, 10)
	}
	err := yearly.AllPacks(a.ctx, a.tx, func(is yearly.Pack) error {
		of := filedYear{is.Service, is.Year}
		r := at{audit: a, table: "yearly_pack", service: a.names.shown(is.Service), row: row(of, is.Number)}
		said := a.fold.packs[of]
		if is.Number < 1 || is.Number > int64(len(said)) {
			r.extra()
			return nil
		}
		d := said[is.Number-1]
		d.seen = true
		r.time("drawn_at", d.at, micros(is.At))
		r.text("drawn_by", d.by, is.By)
		r.number("children", d.Children, is.Children)
		r.number("minors", d.Minors, is.Minors)
		r.number("gaps", d.Gaps, is.Gaps)
		r.text("hash", d.Hash, is.Hash)
		if is.Hash == d.Hash && a.ring != nil && !is.Intact(a.ring) {
			r.found(FoundSealed, "document", "–", "–")
		}
		return a.ctx.Err()
	})
	for _, of := range slices.SortedFunc(maps.Keys(a.fold.packs), func(x, y filedYear) int {
		return cmp.Or(cmp.Compare(x.service, y.service), cmp.Compare(x.year, y.year))
	}) {
		for i, d := range a.fold.packs[of] {
			if !d.seen && err == nil {
				at{audit: a, table: "yearly_pack", service: of.service, row: row(of, int64(i)+1)}.missing()
			}
		}
	}
	return err
}

// yearlyRows compares what was filed, and opens what was sealed of it.
func (a *audit) yearlyRows() error {
	row := func(of filedYear, number int64) string {
		return strconv.FormatInt(of.year, 10) + " " + strconv.FormatInt(number, 10)
	}
	err := yearly.All(a.ctx, a.tx, func(is yearly.Filing) error {
		of := filedYear{is.Service, is.Year}
		r := at{audit: a, table: "yearly_filing", service: a.names.shown(is.Service), row: row(of, is.Number)}
		said := a.fold.audits[of]
		if is.Number < 0 || is.Number >= int64(len(said)) {
			r.extra()
			return nil
		}
		f := said[is.Number]
		f.seen = true
		r.time("filed_at", f.at, micros(is.At))
		r.text("filed_by", f.by, is.By)
		r.text("dated", f.Dated, is.Dated)
		r.number("children", f.Children, is.Children)
		r.number("minors", f.Minors, is.Minors)
		r.number("pack", f.Pack, is.Pack)
		if a.ring != nil && !is.Intact(a.ring, f.Mark) {
			r.found(FoundSealed, "file, hash, sealed, salt, document", "–", "–")
		}
		return a.ctx.Err()
	})
	for _, of := range slices.SortedFunc(maps.Keys(a.fold.audits), func(x, y filedYear) int {
		return cmp.Or(cmp.Compare(x.service, y.service), cmp.Compare(x.year, y.year))
	}) {
		for i, f := range a.fold.audits[of] {
			if !f.seen && err == nil {
				at{audit: a, table: "yearly_filing", service: of.service, row: row(of, int64(i))}.missing()
			}
		}
	}
	return err
}
