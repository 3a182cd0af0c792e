package ledger

import (
	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/base/i18n"
)

// A Report is what a verification found.
type Report struct {
	Size     int64     // of the checkpoint or, if that can't be trusted, of what is stored
	Root     tlog.Hash // recomputed from the entries
	Findings []Finding // at most 100
	More     int       // findings beyond those
}

// OK reports that nothing is wrong.
func (r Report) OK() bool { return len(r.Findings) == 0 }

// A Finding is one thing that is wrong, and where. Numbers that don't apply are -1.
type Finding struct {
	Code        string // which of the Found constants; also its key in base/i18n
	Part        string // "checkpoint", "tile/0/001", "tile/entries/001.p/44"
	First, Last int64  // the places of the entries, or the numbers of the hashes in the tile
	Offset, End int64  // the bytes of Part, from Offset to End-1
	Want, Got   string // what was expected, and what is there
}

// The codes of findings.
const (
	FoundMissing    = "ledger.finding.missing"    // Part is not there
	FoundCheckpoint = "ledger.finding.checkpoint" // unreadable, or the signature is wrong
	FoundHead       = "ledger.finding.head"       // the head's row differs from its checkpoint
	FoundRoot       = "ledger.finding.root"       // the signed root can't be reached from anything stored
	FoundEntry      = "ledger.finding.entry"      // entries are not what was hashed
	FoundLength     = "ledger.finding.length"     // the length before an entry is wrong
	FoundCut        = "ledger.finding.cut"        // Part ends too early
	FoundExtra      = "ledger.finding.extra"      // Part goes on after its end
	FoundHashes     = "ledger.finding.hashes"     // hashes are not those of what lies below
	FoundReplaced   = "ledger.finding.replaced"   // Part and what lies below agree, but the tile above has another hash
	FoundEither     = "ledger.finding.either"     // Part and what lies below disagree, and nothing tells which is right
	FoundMalformed  = "ledger.finding.malformed"  // hashed as it stands, but not an entry
	FoundColumn     = "ledger.finding.column"     // a column of the bundle's row is wrong
	FoundStray      = "ledger.finding.stray"      // doesn't belong to a ledger of this size
	FoundRollback   = "ledger.finding.rollback"   // a checkpoint kept elsewhere is of a larger ledger
	FoundFork       = "ledger.finding.fork"       // a checkpoint kept elsewhere is of another ledger
	FoundEarlier    = "ledger.finding.earlier"    // a checkpoint kept elsewhere is unreadable, or its signature is wrong
)

// In returns the finding in words.
func (f Finding) In(lang i18n.Lang) string {
	return lang.T(f.Code, "Part", f.Part, "First", f.First, "Last", f.Last,
		"Offset", f.Offset, "End", f.End, "Want", f.Want, "Got", f.Got)
}

// String returns the finding in English.
func (f Finding) String() string { return f.In(i18n.English) }
