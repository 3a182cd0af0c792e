// Package due lists what has a clock: what children and guardians demand (Articles 19 and
// 20), what somebody inside asks for and what was opened without the office (Article 15),
// what processors must do, and their papers and checks (Article 16), what may have leaked, and who isn't told of it (Article 21), what was reported to the desk (Article 24), what systems keep by themselves (Article 28), what an authority demands and what has to be put right (Articles 25 to 27), yearly audits (Article 22), offices that are vacant (Article 8), emergency plans that end (Article 21), ends that were
// announced (Article 23), assessments of purposes (Article 7, PIPL 55), secrets that leavers know (Article 15), and what should have ended by itself (Article 12).
//
// Its one invariant: a list is read from indexes that begin with the time, a page at a
// time, and names nobody: neither a child nor what is kept about one. Of what is many and
// nobody decides one by one, such as guardians' answers that are awaited, it has one line a
// service.
package due

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/staff"
)

// A Kind is what has a clock.
type Kind string

// The kinds. The last ones are technical: the system does them by itself, and they are here
// when it hasn't.
const (
	Demand        Kind = "demand"        // of a child or a guardian: the day by which it is answered
	Look          Kind = "look"          // somebody asks to see something of a child
	Review        Kind = "review"        // of what was opened without the office
	Suspicion     Kind = "suspicion"     // an account that may be a child's
	Takedown      Kind = "takedown"      // content that may have to come down: its next step
	Shield        Kind = "shield"        // what is hidden from a guardian: somebody decides, and then it ends soon
	Complaint     Kind = "complaint"     // what was reported to the desk: its next step
	Incident      Kind = "incident"      // what may have leaked: its next step
	Untold        Kind = "untold"        // children of a case of whom no notice tells: at once
	Rectification Kind = "rectification" // what an authority demands, or what has to be put right: its day
	Yearly        Kind = "yearly"        // an audit that isn't filed, since it opened: its last day
	Stream        Kind = "stream"        // that a system keeps, and that counts as a child's, or soon does
	Document      Kind = "document"      // by which a guardian proves who it is
	Claim         Kind = "claim"         // that a child is older than was said
	Order         Kind = "order"         // to a processor or a recipient, to be attested
	Help          Kind = "help"          // of a processor or a recipient, with a demand
	Party         Kind = "party"         // a paper of a processor or a recipient that ends, a check that is owed, an end whose orders are late
	Answer        Kind = "answer"        // of guardians, that are awaited: one line a service
	Proof         Kind = "proof"         // of guardians, that end soon: one line a service
	Office        Kind = "office"        // that is vacant
	End           Kind = "end"           // of a service or a purpose, that was announced
	Charter       Kind = "charter"       // that was proposed, and waits for another in office
	Impact        Kind = "impact"        // an assessment of a purpose that ends soon, or has
	Plan          Kind = "plan"          // the emergency plan, or its last drill, that counts no more soon
	Secret        Kind = "secret"        // of an app or a receiver, that somebody knows who has left

	Erasure Kind = "erasure" // of children, that should be over: one line a service
	Value   Kind = "value"   // past its time, and not erased: one line a purpose
	Sweep   Kind = "sweep"   // none has left nothing due for too long
	Backup  Kind = "backup"  // that must be gone by then
	Key     Kind = "key"     // a key file that is to be copied
)

// Many is up to how many are counted where a line stands for several.
const Many = 500

// A Clock is a line of the list.
type Clock struct {
	Kind    Kind
	Service string    // empty: the installation
	At      time.Time // when its time is over
	ID      string    // of what it is about, or what tells it apart
	Number  string    // what people call it, or empty
	About   string    // a word that depends on the kind: of a demand what is demanded, of an office which
	Owner   string    // who looks after it, "st_…", where that is said
	N       int64     // how many it stands for
}

// Late reports whether its time is over. A proposed charter has none: it waits since then.
func (c Clock) Late(now time.Time) bool { return c.Kind != Charter && !now.Before(c.At) }

// A kind of clocks, who sees it, and how it is read.
type source struct {
	kind   Kind
	action staff.Action // whoever may do that sees it
	whole  bool         // it is about the installation, and read once
	read   func(ctx context.Context, tx *db.Tx, q query) ([]Clock, error)
}

// A query is what is read of one kind and one service: what lies behind a bound, the first
// of it, at most limit.
type query struct {
	Asking
	service catalog.Service
	after   bound
	limit   int
}

// sources has all kinds, in the order in which those of one moment stand.
var sources = []source{
	{Demand, staff.HandleDemands, false, demands},
	{Look, staff.DecideAccess, false, looks},
	{Review, staff.ReviewAccess, false, reviews},
	{Suspicion, staff.SeeSuspicions, false, suspicions},
	{Takedown, staff.SeeTakedowns, false, takedowns},
	{Shield, staff.DecideShield, false, shields},
	{Complaint, staff.SeeReports, false, complaints},
	{Incident, staff.SeeIncidents, false, incidents},
	{Untold, staff.SeeIncidents, false, untold},
	{Stream, staff.SeeBoard, false, streams},
	{Rectification, staff.SeeRectifications, false, rectifications},
	{Yearly, staff.SeeYearly, false, audits},
	{Document, staff.SeeEvidence, false, papers},
	{Claim, staff.HandleDemands, false, claims},
	{Order, staff.SeeBoard, false, orders},
	{Help, staff.SeeBoard, false, helps},
	{Party, staff.SeeBoard, false, parties},
	{Answer, staff.SeeBoard, false, answers},
	{Proof, staff.SeeBoard, false, proofs},
	{Office, staff.SeeBoard, false, offices},
	{End, staff.SeeBoard, false, ends},
	{Charter, staff.PublishCharter, false, proposals},
	{Impact, staff.SeeBoard, false, impacts},
	{Plan, staff.SeeBoard, false, plans},
	{Secret, staff.SeeSystem, false, secrets},
	{Erasure, staff.SeeSystem, false, erasures},
	{Value, staff.SeeSystem, false, values},
	{Sweep, staff.SeeSystem, true, sweep},
	{Backup, staff.SeeSystem, true, backups},
	{Key, staff.SeeSystem, true, keyCopies},
}

// Kinds returns the kinds that the person sees somewhere.
func Kinds(p staff.Person) (all []Kind) {
	for _, s := range sources {
		if p.MaySomewhere(s.action) {
			all = append(all, s.kind)
		}
	}
	return all
}

// An Asking is who looks, and at what.
type Asking struct {
	Person   staff.Person
	Services []catalog.Service // all that there are
	Kind     Kind              // empty: every kind
	Service  string            // empty: every service that the person sees
	Patience time.Duration     // for how long the system may be late with what it does by itself
	As       staff.Action      // whoever may do this sees every kind; empty: each kind is for who may do what it takes
}

// Names returns the services of which the person sees something.
func (a Asking) Names() (names []string) {
	for _, service := range a.Services {
		if slices.ContainsFunc(sources, func(s source) bool { return a.Person.May(a.action(s), service.Name) }) {
			names = append(names, service.Name)
		}
	}
	return names
}

func (a Asking) action(s source) staff.Action { return cmp.Or(a.As, s.action) }

// A Cursor is where a list goes on: behind this line. The zero Cursor is the beginning.
type Cursor struct {
	at      int64
	kind    Kind
	service string
	id      string
}

// ParseCursor reads what Cursor.String has written. What it can't read is the beginning.
func ParseCursor(s string) Cursor {
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return Cursor{}
	}
	at, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || at < 0 || at == math.MaxInt64 || rank(Kind(parts[1])) < 0 {
		return Cursor{}
	}
	return Cursor{at, Kind(parts[1]), parts[2], parts[3]}
}

// String returns the cursor for an address, and "" for the beginning.
func (c Cursor) String() string {
	if c.kind == "" {
		return ""
	}
	return strings.Join([]string{strconv.FormatInt(c.at, 10), string(c.kind), c.service, c.id}, ".")
}

func rank(k Kind) int { return slices.IndexFunc(sources, func(s source) bool { return s.kind == k }) }

// A bound is behind which row the rows of one kind and one service are read.
type bound struct {
	at int64
	id string // of the row at that time; empty: none of that time lies before it
}

// past returns the bound behind everything of a moment. Times are whole microseconds; no
// id is the last one in every order that a store may have of texts.
func past(at int64) bound { return bound{at + 1, ""} }

// of returns the bound of a kind and a service.
func (c Cursor) of(k Kind, service string) bound {
	switch by := cmp.Or(cmp.Compare(rank(k), rank(c.kind)), cmp.Compare(service, c.service)); {
	case c.kind == "":
		return bound{}
	case by < 0:
		return past(c.at)
	case by > 0:
		return bound{c.at, ""}
	}
	return bound{c.at, c.id}
}

// behind reports whether a line lies behind the bound.
func (b bound) behind(c Clock) bool {
	return cmp.Or(cmp.Compare(c.At.UnixMicro(), b.at), cmp.Compare(c.ID, b.id)) > 0
}

// List returns what the person sees that has a clock, what is over first, at most limit,
// and where the list goes on: nowhere, after the last.
func List(ctx context.Context, tx *db.Tx, a Asking, from Cursor, limit int) (all []Clock, next Cursor, err error) {
	for _, s := range sources {
		if a.Kind != "" && a.Kind != s.kind {
			continue
		}
		for _, service := range a.where(s) {
			some, err := s.read(ctx, tx, query{a, service, from.of(s.kind, service.Name), limit + 1})
			if err != nil {
				return nil, Cursor{}, err
			}
			all = append(all, some...)
		}
	}
	// Stable: rows of one kind and service come in the order in which their index has them.
	slices.SortStableFunc(all, func(a, b Clock) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(rank(a.Kind), rank(b.Kind)), cmp.Compare(a.Service, b.Service))
	})
	if len(all) <= limit {
		return all, Cursor{}, nil
	}
	all = all[:limit]
	end := all[limit-1]
	return all, Cursor{end.At.UnixMicro(), end.Kind, end.Service, end.ID}, nil
}

// where returns the services of which the person sees that kind.
func (a Asking) where(s source) (all []catalog.Service) {
	if s.whole {
		if a.Service == "" && a.Person.MaySomewhere(a.action(s)) {
			all = append(all, catalog.Service{})
		}
		return all
	}
	for _, service := range a.Services {
		if a.Person.May(a.action(s), service.Name) && (a.Service == "" || a.Service == service.Name) {
			all = append(all, service)
		}
	}
	return all
}
