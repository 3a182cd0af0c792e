package replay

import (
	"crypto/sha256"
	"encoding/hex"

	"wardkeep/internal/backup"
	"wardkeep/internal/charter"
	"wardkeep/internal/ledger"
)

// A Text is what a version of a charter says, as it comes with a copy of the ledger. It is
// believed if the ledger has its hash.
type Text struct {
	Service   string
	Number    int64
	Canonical []byte
}

// Offline folds a copy of the ledger and decides every use again, without a store: what the
// gate asks for is in the entries, but for what the charters say. The tables that the
// entries gave aren't compared, since there are none.
type Offline struct {
	fold    *fold
	gaps    Gaps
	unknown bool // a gap was told of that isn't among gaps
	max     int
	last    int64 // the time of the last entry, which isn't that of the latest: a forged one may say that it was in a hundred years
	report  Report
}

// Gaps are the times that a store was put back, which a copy of its ledger tells of.
type Gaps []backup.Restoration

// NewOffline begins with the first entry. Gaps may be nil: where the entries tell of one,
// End says so, and all is folded once more.
func NewOffline(texts []Text, gaps Gaps) *Offline {
	o := &Offline{gaps: gaps, max: defaultMax}
	rows := make(map[charterID]charterRow, len(texts))
	for _, t := range texts {
		sum := sha256.Sum256(t.Canonical)
		r := charterRow{number: t.Number, hash: hex.EncodeToString(sum[:])}
		r.stated = r.hash // what it has to be, the entry says that proposed it
		if c, err := charter.Parse(t.Canonical); err == nil && c.Service == t.Service {
			r.charter = c
		}
		rows[charterID{t.Service, t.Number}] = r
	}
	o.fold = newFold(newNames(), rows, o.found)
	return o
}

func (o *Offline) found(d Difference) {
	if len(o.report.Differences) >= o.max {
		o.report.More++
		return
	}
	o.report.Differences = append(o.report.Differences, d)
}

// Entry folds the next entry.
func (o *Offline) Entry(p ledger.Placed) {
	o.report.Entries++
	o.last = p.At.UnixMicro()
	if o.gaps.Missed(p.Place) {
		o.report.Missed++
		o.fold.miss(p)
		return
	}
	if p.Kind == backup.KindRestored && o.gaps == nil {
		o.unknown = true
	}
	o.fold.entry(p)
}

// End judges what had to wait for the last entry. Again says that the store was put back,
// and that only another run, with the gaps, tells what that means.
func (o *Offline) End() (r Report, again bool) {
	// Of a transaction of the last moment the first entries may have a place, and the others
	// none yet.
	o.fold.cutAt = o.last - slack
	o.fold.now = o.last
	o.report.Uses, o.report.Children = o.fold.uses, int64(len(o.fold.children))
	if o.unknown {
		return o.report, true
	}
	o.fold.finish()
	return o.report, false
}

// Tells adds the gap that an entry tells of, if it does. What it says is judged where it
// is folded.
func (g *Gaps) Tells(p ledger.Placed) {
	if p.Kind != backup.KindRestored {
		return
	}
	b, x := body[backup.RestoredBody](p)
	kept, err := backup.ParsePlaces(b.Kept)
	if x != (fault{}) || err != nil || b.To > p.Place {
		return
	}
	*g = append(*g, backup.Restoration{ID: b.Restoration, Backup: b.Backup, From: b.From, To: b.To, Kept: kept, Entry: p.ID})
}

// Missed reports whether an entry lies in a gap, and so has changed no table.
func (g Gaps) Missed(place int64) bool {
	for _, r := range g {
		if r.Inside(place) {
			return true
		}
	}
	return false
}
