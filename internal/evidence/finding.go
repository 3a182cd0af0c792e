package evidence

import (
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
)

// A Report is what a verification found, part by part. A part that can't be judged, because
// another one is broken that it rests on, is not said to hold.
type Report struct {
	Manifest  Manifest // zero if it isn't readable
	Findings  []Finding
	More      int64
	Ledger    ledger.Report
	Decisions replay.Report
	Decided   bool // Decisions says something: the ledger was read to its end
	States    []Verdict
	Samples   Verdict // zero: there are none
}

// OK reports that all holds that the archive states, or nobody can say offline.
func (r Report) OK() bool {
	if len(r.Findings) > 0 || !r.Ledger.OK() || !r.Decided || !r.Decisions.OK() || r.Samples.Standing == Differs {
		return false
	}
	for _, v := range r.States {
		if v.Standing != Holds {
			return false
		}
	}
	return true
}

// A Standing is how a statement stands.
type Standing string

// The standings.
const (
	Holds     Standing = "holds"
	Differs   Standing = "differs"
	Unchecked Standing = "unchecked" // nothing here tells
)

// A Verdict is about one statement.
type Verdict struct {
	State
	Standing    Standing
	Differences []Difference // at most 20
	More        int64
}

// Name is the key of the register's words in base/i18n.
func (v Verdict) Name() string { return "evidence.register." + v.Register }

const maxDifferences = 20

func (v *Verdict) differs(d Difference) {
	v.Standing = Differs
	if len(v.Differences) < maxDifferences {
		v.Differences = append(v.Differences, d)
	} else {
		v.More++
	}
}

// A Difference is a row that the entries don't give.
type Difference struct {
	Code      string // one of the Row constants; also its key in base/i18n
	Row       string // what names it
	Column    string
	Want, Got string // what the entries give, and what the archive says
}

// What can be wrong with a row.
const (
	RowExtra   = "evidence.row.extra"   // no entry gives it
	RowMissing = "evidence.row.missing" // an entry gives it, and the archive doesn't have it
	RowDiffers = "evidence.row.differs" // a column says something else
	RowTwice   = "evidence.row.twice"   // it is there twice
	RowBroken  = "evidence.row.broken"  // a line is no row
	RowText    = "evidence.row.text"    // its text isn't there, or isn't the one
)

// In returns the difference in words.
func (d Difference) In(lang i18n.Lang) string {
	return lang.T(d.Code, "Row", d.Row, "Column", d.Column, "Want", d.Want, "Got", d.Got)
}

// A Finding is one thing that is wrong with the archive itself.
type Finding struct {
	Code string // one of the Found constants; also its key in base/i18n
	Part string // the file, or what the archive says
}

// The codes of findings.
const (
	FoundFrame    = "evidence.finding.frame"    // bytes stand around the files that belong to none
	FoundName     = "evidence.finding.name"     // no file of an archive is called so
	FoundTwice    = "evidence.finding.twice"    // two files have one name
	FoundLarge    = "evidence.finding.large"    // longer than a file of its kind can be
	FoundBomb     = "evidence.finding.bomb"     // it grows as no file of its kind does
	FoundDamaged  = "evidence.finding.damaged"  // it can't be read, or isn't what it says
	FoundMissing  = "evidence.finding.missing"  // the manifest names it
	FoundUnlisted = "evidence.finding.unlisted" // the manifest doesn't name it
	FoundChanged  = "evidence.finding.changed"  // it isn't what the manifest says
	FoundManifest = "evidence.finding.manifest" // it is none, or isn't in its one form
	FoundStates   = "evidence.finding.states"   // not the registers that its scope asks for
	FoundForeign  = "evidence.finding.foreign"  // it is of another ledger than the key
	FoundAlone    = "evidence.finding.alone"    // no entry of the ledger tells of this archive
	FoundEarly    = "evidence.finding.early"    // it states what was long before it was made, and leaves out what came since
	FoundUnproved = "evidence.finding.unproved" // a text that no entry has the hash of, or rows of a register that isn't stated
	FoundOther    = "evidence.finding.other"    // the entry tells of an archive with another manifest, or scope
)

// In returns the finding in words.
func (f Finding) In(lang i18n.Lang) string { return lang.T(f.Code, "Part", f.Part) }

const maxFindings = 100

func (r *Report) found(code, part string) {
	if len(r.Findings) < maxFindings {
		r.Findings = append(r.Findings, Finding{code, part})
	} else {
		r.More++
	}
}
