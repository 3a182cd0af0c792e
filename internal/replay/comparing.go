package replay

import (
	"slices"
	"strings"

	"wardkeep/internal/catalog"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/publication"
)

// ofScreening are the kinds about the screening of what a service publishes. They name no
// child, and no decision about one is computed from them: their version is 0.
var ofScreening = []string{gate.KindCompared, gate.KindCompareRefused, publication.KindAlarm}

// A comparing is a recorded decision about what may be looked for in what is published.
type comparing struct {
	source
	body      gate.ComparingBody
	at        int64
	permitted bool
}

// screeningEntry folds an entry about screening. Nobody but the server compares.
func (f *fold) screeningEntry(p ledger.Placed, s source) fault {
	if p.Kind == publication.KindAlarm {
		return f.screeningAlarm(p)
	}
	b, x := body[gate.ComparingBody](p)
	switch {
	case x != (fault{}):
		return x
	case p.Actor != gate.Screener:
		return impossible(ruleActor)
	}
	// The entry about the charter that it rests on may come later.
	f.comparings = append(f.comparings, comparing{source: s, body: b, at: p.At.UnixMicro(), permitted: p.Kind == gate.KindCompared})
	return fault{}
}

// compared decides again.
func (f *fold) compared(c comparing) fault {
	s, v, x, _ := f.inForce(c.service, c.body.Catalog, c.body.Charter, c.at)
	if x != (fault{}) {
		return x
	}
	var published catalog.Published
	if e := s.editions[v.charter]; e != nil {
		if e.published.Charter == nil {
			e.undecided++
			return fault{}
		}
		published = e.published
	}
	_, reasons := gate.DecideComparing(v.catalog(s), published, gate.Comparing{Service: c.service, Items: c.body.Items})
	if c.permitted != (len(reasons) == 0) || !slices.Equal(reasons, c.body.Reasons) {
		return fault{what: FoundVerdict, want: verdict(len(reasons) == 0, reasons), got: verdict(c.permitted, c.body.Reasons)}
	}
	return fault{}
}

// screeningAlarm folds that a credential finds too much.
func (f *fold) screeningAlarm(p ledger.Placed) fault {
	b, x := body[publication.AlarmBody](p)
	app, ok := strings.CutPrefix(p.Actor, "app:")
	switch c := f.apps[app]; {
	case x != (fault{}):
		return x
	case !ok || c == nil || c.service != p.Service:
		return impossible(ruleActor)
	case b.Hits <= 0 || !slices.Contains(publication.Causes, b.Cause):
		return impossible(ruleAlarm)
	}
	return fault{}
}
