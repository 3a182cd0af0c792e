package replay

import (
	"strconv"
	"time"

	"wardkeep/internal/base/i18n"
)

// A Difference is one thing that the ledger and the tables, or the ledger and
// its own rules, say differently. It names entries, pseudonyms, columns and
// codes, and no person: a text that no entry declares is shown as "?".
type Difference struct {
	Place   int64  // of the entry; -1 if it has none yet, or if it is about a row
	Entry   string // "le_…"; "" if it is about a row
	What    string // one of the Found constants; also its key in base/i18n
	Service string
	Subject string // the child's pseudonym, if it is about one
	Table   string // "" if it is about an entry
	Row     string // the row's own name, "gu_…", or the item's; "ch_…" where no pseudonym is known
	Field   string // the column, the member of the body, or the rule
	Want    string // what the ledger gives
	Got     string // what is there
}

// What can differ. The first group is about entries, the second about rows.
const (
	FoundUnreadable = "replay.unreadable"  // an entry can't be read, nor what follows it
	FoundShort      = "replay.short"       // the head counts more entries than there are
	FoundKind       = "replay.kind"        // an entry of a kind that nobody knows
	FoundBody       = "replay.body"        // a body that its kind doesn't have
	FoundOrder      = "replay.order"       // a version that can't come here
	FoundErased     = "replay.erased"      // an entry about a child after its erasure
	FoundImpossible = "replay.impossible"  // the entries before don't allow it; Field says which rule
	FoundVerdict    = "replay.verdict"     // decided again, the answer is another
	FoundCatalog    = "replay.catalog"     // a use rests on a version of the service that wasn't in force
	FoundActor      = "replay.actor"       // a use by a credential that wasn't good
	FoundStrange    = "replay.strange"     // a use names what the charter doesn't have
	FoundUndecided  = "replay.undecided"   // the charter is not to be had, so Got uses can't be decided
	FoundNotice     = "replay.notice"      // what was shown isn't what the charter yields (invariant 4)
	FoundAge        = "replay.age"         // the birth date gives another age class
	FoundMissing    = "replay.row_missing" // the ledger has it, the table doesn't

	FoundExtra   = "replay.row_extra"   // the table has it, the ledger doesn't
	FoundDiffers = "replay.row_differs" // both have it, and say different things
	FoundDamaged = "replay.row_damaged" // its content isn't what its hash says
	FoundSealed  = "replay.row_sealed"  // what is sealed in it doesn't open
	FoundHash    = "replay.row_hash"    // a keyed hash isn't that of what it stands beside
)

// In returns the difference in words.
func (d Difference) In(lang i18n.Lang) string {
	where := d.Subject
	if where == "" {
		where = d.Service
	}
	if d.Row != "" && where != "" {
		where += " "
	}
	place := lang.T("replay.no_place")
	if d.Place >= 0 {
		place = number(d.Place)
	}
	return lang.T(d.What, "Place", place, "Entry", d.Entry, "Table", d.Table, "Whose", where+d.Row,
		"Field", d.Field, "Want", d.Want, "Got", d.Got)
}

// String returns the difference in English.
func (d Difference) String() string { return d.In(i18n.English) }

// The ways in which a Difference shows what can't be personal.

func number(n int64) string { return strconv.FormatInt(n, 10) }

func instant(micros int64) string {
	if micros == 0 {
		return "–"
	}
	return time.UnixMicro(micros).UTC().Format(time.RFC3339Nano)
}

func yesNo(b bool) string { return strconv.FormatBool(b) }

func orNone(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
