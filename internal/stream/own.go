package stream

// An Own is a stream that this program itself keeps. It is on the register from the start:
// what it writes is the same wherever it runs.
type Own struct {
	Name   string // that of its words
	Reason Reason // empty: it isn't taken out of what the articles before say
	Proof  string // the test that looks for seeded values in it, of this release
}

// canaries is the test that runs the whole program with seeded values, and looks for them in
// all that it has written.
const canaries = "TestInvariant9_CanariesAreFoundNowhere"

// Owned are the streams of this program.
var Owned = []Own{
	{"access", Nameless, canaries}, // a line for each request: its pattern, who by kind, what became of it
	{"ledger", "", canaries},       // by pseudonyms: it is the evidence of all this, and not taken out
	{"metrics", Aggregated, "TestInvariant9_MetricsHaveNoLabelOfAnybody"},
	{"traces", Nameless, "TestInvariant9_TracesNameNobody"},
}
