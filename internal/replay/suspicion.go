package replay

import (
	"context"
	"maps"
	"slices"
	"strings"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
	"wardkeep/internal/suspicion"
)

// A suspected is what the ledger says of an account that may be a child's: nothing of
// the account.
type suspected struct {
	service, source, reporter, owner, outcome, basis string
	opened, due, closed                              int64
}

// suspicionEntry folds that an account is suspected, looked after and decided about:
// each once but the second, and all while it is open. A person inside does so by the matrix.
func (f *fold) suspicionEntry(p ledger.Placed) fault {
	from := source{place: p.Place, entry: p.ID, service: p.Service}
	switch p.Kind {
	case suspicion.KindOpened:
		b, x := body[suspicion.OpenedBody](p)
		reporter, may := reporter(p)
		switch {
		case x != (fault{}):
			return x
		case !id.Is(id.Suspicion, b.Suspicion):
			return fault{what: FoundBody, field: ruleSuspicion}
		case f.suspects[b.Suspicion] != nil || b.Due <= p.At.UnixMicro():
			return impossible(ruleSuspicion)
		}
		f.suspects[f.names.keep(b.Suspicion)] = &suspected{service: f.names.keep(p.Service), source: f.names.keep(string(b.Source)),
			reporter: f.names.keep(reporter), opened: p.At.UnixMicro(), due: b.Due}
		if !may { // which is one thing, and makes nothing impossible of what follows
			return impossible(ruleActor)
		}
		return f.actedInside(p, from, b.Inside, staff.ReportSuspicions)
	case suspicion.KindTaken:
		b, x := body[suspicion.TakenBody](p)
		s := f.suspects[b.Suspicion]
		switch {
		case x != (fault{}):
			return x
		case s == nil || s.service != p.Service || s.closed != 0:
			return impossible(ruleSuspicion)
		case !byStaff(p) || !id.Is(id.Staff, b.Owner):
			return impossible(ruleActor)
		}
		s.owner = f.names.keep(b.Owner)
		return f.actedInside(p, from, b.Inside, staff.DecideSuspicions)
	case suspicion.KindDecided:
		b, x := body[suspicion.DecidedBody](p)
		s := f.suspects[b.Suspicion]
		switch {
		case x != (fault{}):
			return x
		case s == nil || s.service != p.Service || s.closed != 0 || b.Outcome == "" || (b.Outcome == suspicion.NotAChild) != (b.Basis != ""):
			return impossible(ruleSuspicion)
		// Nobody but the staff says who is no child, and nobody but the end of the service lets one lapse.
		case b.Outcome != suspicion.Child && b.Outcome != suspicion.Lapsed && !byStaff(p),
			b.Outcome == suspicion.Lapsed && !strings.HasPrefix(p.Actor, "system:"):
			return impossible(ruleActor)
		case b.Outcome == suspicion.Lapsed && !f.closing(p.Service),
			// A person inside decides about what they look after.
			slices.Contains(suspicion.Decidable, b.Outcome) && actorID(p) != "" && actorID(p) != s.owner:
			return impossible(ruleSuspicion)
		}
		s.outcome, s.basis, s.closed = f.names.keep(string(b.Outcome)), f.names.keep(string(b.Basis)), p.At.UnixMicro()
		return f.actedInside(p, from, b.Inside, staff.DecideSuspicions)
	}
	return fault{}
}

// staffOf returns who of the staff has made an entry, "st_…": by an office, or as a person
// inside; or "".
func staffOf(p ledger.Placed) string {
	kind, name, _ := strings.Cut(p.Actor, ":")
	if kind != "officer" && kind != "staff" {
		return ""
	}
	return name
}

func byStaff(p ledger.Placed) bool { return id.Is(id.Staff, staffOf(p)) }

// inOffice reports whether who holds an office has made the entry.
func inOffice(p ledger.Placed) bool { return strings.HasPrefix(p.Actor, "officer:") && byStaff(p) }

// byApp reports whether an app of the service has made an entry, with a key that was good
// and a scope.
func (f *fold) byApp(p ledger.Placed, scope account.Scope) bool {
	name, _ := strings.CutPrefix(p.Actor, "app:")
	c := f.apps[name]
	return c != nil && c.service == p.Service && c.scopes.Has(scope) && len(c.good(p.At.UnixMicro())) > 0
}

// reporter returns who has reported, and whether they may: an app, or a person inside. What a
// report says is anybody's; whose app it was the credentials say.
func reporter(p ledger.Placed) (name string, may bool) {
	kind, name, _ := strings.Cut(p.Actor, ":")
	_, inside := insider(p)
	return name, inside || kind == "app"
}

// closing reports whether the end of a service was announced.
func (f *fold) closing(name string) bool {
	s := f.services[name]
	return s != nil && catalog.Service{Closed: s.now().closed}.Ceases("")
}

// suspicionRows compares the suspicions. What leads to an account is sealed, found by a
// keyed hash of it, and gone once somebody has decided.
func (a *audit) suspicionRows() error {
	return compareCases(a, "suspicion", a.fold.suspects, suspicion.All, func(row suspicion.Suspicion) (string, string, bool) {
		return row.ID, row.Service, a.ring == nil || row.Intact(a.ring)
	},
		func(r at, s *suspected, row suspicion.Suspicion) {
			r.text("service", s.service, row.Service)
			r.text("source", s.source, string(row.Source))
			r.text("reporter", s.reporter, row.Reporter)
			r.text("owner", s.owner, row.Owner)
			r.text("outcome", s.outcome, string(row.Outcome))
			r.text("basis", s.basis, string(row.Basis))
			r.time("opened_at", s.opened, micros(row.OpenedAt))
			r.time("due_at", s.due, micros(row.DueAt))
			r.time("closed_at", s.closed, micros(row.ClosedAt))
		})
}

func (s *suspected) of() string { return s.service }

// compareCases compares a table of sealed cases, each with what the ledger says of it: which
// is it, and is what is sealed intact.
func compareCases[Row any, Said interface{ of() string }](a *audit, table string, said map[string]Said, all func(context.Context, *db.Tx, func(Row) error) error,
	which func(Row) (name, service string, intact bool), compare func(at, Said, Row)) error {
	seen := make(map[string]bool)
	err := all(a.ctx, a.tx, func(row Row) error {
		name, service, intact := which(row)
		r := at{audit: a, table: table, service: a.names.shown(service), row: a.names.shown(name)}
		is, known := said[name]
		if !known {
			r.extra()
			return nil
		}
		seen[name] = true
		compare(r, is, row)
		if !intact {
			r.found(FoundSealed, "ref, ref_hash", "–", "–")
		}
		return a.ctx.Err()
	})
	for _, name := range slices.Sorted(maps.Keys(said)) {
		if !seen[name] && err == nil {
			at{audit: a, table: table, service: said[name].of(), row: name}.missing()
		}
	}
	return err
}
