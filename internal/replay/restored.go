package replay

import (
	"crypto/sha256"
	"maps"
	"slices"
	"strings"

	approvals "wardkeep/internal/approval"
	"wardkeep/internal/backup"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/rights"
	"wardkeep/internal/staff"
)

// A kept is a copy of the store that was made.
type kept struct{ made, until, size, gone int64 }

// A restored is one time that the store was put back.
type restored struct {
	backup, kept, entry string
	from, to, done      int64
}

// A no is what a guardian of a child has said to a purpose.
type no struct {
	subject  string
	guardian family.GuardianID
	purpose  string
}

// ofStore are the kinds about the store as a whole.
var ofStore = []string{backup.KindMade, backup.KindGone, backup.KindRestored, backup.KindReplayed, staff.KindAtTerminal, staff.KindEvidence}

// readRestorations reads where the gaps are before the first entry: what lies in one
// has changed no table. That each row is what the ledger says is compared later, so
// nobody hides an entry by one.
func (a *audit) readRestorations() (err error) {
	a.restorations, err = backup.Restorations(a.ctx, a.tx)
	return err
}

// missed reports whether an entry came after the copy was made that the store was put
// back to, and so has changed no table.
func (a *audit) missed(place int64) bool {
	return Gaps(a.restorations).Missed(place)
}

// miss keeps of such an entry what still counts: that a value was used or looked at,
// which its guardian is told, and what was done again: that a child was erased, that a
// guardian said no, that a demand ended, that an end was announced, and how many had something
// cross a border. An alarm opens its case once more: the place up to which they have is of the copy.
func (f *fold) miss(p ledger.Placed) {
	if b, x := body[approvals.AlarmBody](p); p.Kind == approvals.KindAlarm && x == (fault{}) {
		f.alerted(p, b)
		return
	}
	if p.Kind == catalog.KindCeasing {
		f.missedEnds[p.Service] = true
		return
	}
	f.missCrossing(p)
	k, ok := keyOf(id.Subject, p.Subject)
	if !ok {
		return
	}
	if c := f.children[k]; c != nil && c.state != erased {
		f.lives(c, p)
	}
	switch p.Kind {
	case consent.KindRefused, consent.KindWithdrawn:
		if b, x := body[consent.AnswerBody](p); x == (fault{}) {
			f.missedNos[no{p.Subject, b.Guardian, b.Purpose}] = true
		}
	case rights.KindDone, rights.KindRefused, rights.KindCancelled:
		if b, x := body[rights.EndedBody](p); x == (fault{}) {
			f.missedDone[b.Request] = p.Kind
		}
	case family.KindErased:
		if b, x := body[family.ErasedBody](p); x == (fault{}) {
			f.missed[k] = max(f.missed[k], b.Refused)
		}
	case gate.KindPermitted, gate.KindDenied, gate.KindViewed, gate.KindViewDenied, gate.KindCopied, gate.KindCopyDenied, gate.KindPorted, gate.KindPortDenied:
		if c := f.children[k]; c != nil && c.state != erased {
			f.counts.add(f.names, c, p, f.bodies)
		}
	}
}

// storeEntry folds what was done with the store as a whole.
func (f *fold) storeEntry(p ledger.Placed) fault {
	if !strings.HasPrefix(p.Actor, "operator:") {
		return impossible(ruleActor)
	}
	at := p.At.UnixMicro()
	switch p.Kind {
	case staff.KindEvidence:
		b, x := body[staff.EvidenceBody](p)
		if x == (fault{}) && (!id.Is(id.Evidence, b.Bundle) || len(b.Manifest) != 2*sha256.Size || b.To != 0 && b.To <= b.From) {
			x = fault{what: FoundBody, field: p.Kind}
		}
		return x
	case staff.KindAtTerminal:
		b, x := body[staff.AtTerminalBody](p)
		if x == (fault{}) && !slices.Contains(staff.AtTerminalDoings, b.What) {
			x = fault{what: FoundBody, field: ruleActor}
		}
		return x
	case backup.KindMade:
		b, x := body[backup.MadeBody](p)
		switch {
		case x != (fault{}):
			return x
		case !id.Is(id.Backup, b.Backup) || b.Until != b.Made+backup.Life.Microseconds() || b.Made > at || b.Size < 0:
			return fault{what: FoundBody, field: ruleBackup}
		case f.copies[b.Backup] != nil:
			return impossible(ruleBackup)
		}
		f.copies[f.names.keep(b.Backup)] = &kept{made: b.Made, until: b.Until, size: b.Size}
	case backup.KindGone:
		b, x := body[backup.GoneBody](p)
		c := f.copies[b.Backup]
		switch {
		case x != (fault{}):
			return x
		case !b.Why.Known():
			return fault{what: FoundBody, field: ruleBackup}
		case c == nil || c.gone != 0:
			return impossible(ruleBackup)
		}
		c.gone = at
	case backup.KindRestored:
		b, x := body[backup.RestoredBody](p)
		_, err := backup.ParsePlaces(b.Kept)
		switch {
		case x != (fault{}):
			return x
		case !id.Is(id.Restoration, b.Restoration) || err != nil || b.From < 0 || b.To < b.From || p.Place >= 0 && b.To > p.Place:
			return fault{what: FoundBody, field: ruleRestored}
		case f.restored[b.Restoration] != nil:
			return impossible(ruleRestored)
		}
		f.restored[f.names.keep(b.Restoration)] = &restored{backup: f.names.keep(b.Backup), kept: f.names.keep(b.Kept), entry: f.names.keep(p.ID), from: b.From, to: b.To}
	case backup.KindReplayed:
		b, x := body[backup.ReplayedBody](p)
		r := f.restored[b.Restoration]
		if x == (fault{}) && (r == nil || r.done != 0) {
			x = impossible(ruleRestored)
		}
		if x != (fault{}) {
			return x
		}
		r.done = at
		for _, who := range f.inside.persons { // links that were open lead nowhere any more
			who.invited = 0
		}
	}
	return fault{}
}

// compareStore compares the copies that were made, and the times that the store was
// put back.
func (a *audit) compareStore() error {
	copies, err := backup.List(a.ctx, a.tx)
	if err != nil {
		return err
	}
	seen := make(map[string]bool)
	for _, b := range copies {
		r := at{audit: a, table: "backup", row: a.names.shown(b.ID)}
		c := a.fold.copies[b.ID]
		if c == nil {
			r.extra()
			continue
		}
		seen[b.ID] = true
		r.time("made_at", c.made, micros(b.MadeAt))
		r.time("until", c.until, micros(b.Until))
		r.number("size", c.size, b.Size)
		r.time("gone_at", c.gone, micros(b.GoneAt))
	}
	for _, name := range slices.Sorted(maps.Keys(a.fold.copies)) {
		if !seen[name] {
			at{audit: a, table: "backup", row: name}.missing()
		}
	}
	for _, is := range a.restorations {
		r := at{audit: a, table: "restoration", row: a.names.shown(is.ID)}
		c := a.fold.restored[is.ID]
		if c == nil {
			r.extra()
			continue
		}
		seen[is.ID] = true
		r.text("backup", c.backup, is.Backup)
		r.number("from_place", c.from, is.From)
		r.number("to_place", c.to, is.To)
		r.text("kept", c.kept, is.Kept.String())
		r.text("entry", c.entry, is.Entry)
		r.time("done_at", c.done, micros(is.DoneAt))
	}
	for _, name := range slices.Sorted(maps.Keys(a.fold.restored)) {
		if !seen[name] {
			at{audit: a, table: "restoration", row: name}.missing()
		}
	}
	return nil
}
