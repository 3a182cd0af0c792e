package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/due"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/rectification"
	"wardkeep/internal/rights"
	"wardkeep/internal/staff"
)

// duePage is what due.html shows.
type duePage struct {
	Clocks   []dueLine
	Kinds    []due.Kind
	Services choices
	Kind     due.Kind // that it is narrowed to, or empty
	Service  string   // likewise
	Saved    savedPart
	Export   exportPart
	pager
}

// A dueLine is a line of the list: what it is about in words, and where it is dealt with.
type dueLine struct {
	due.Clock
	Late    bool
	Subject string // its name, where somebody has given it one
	Who     string // looks after it, where that is said
	To      string // the page at which it is dealt with
	Command string // or what is typed at the terminal
}

// aboutWords are the kinds of which console.due.about says in words what they are about;
// of the others it is a name.
var aboutWords = []due.Kind{due.Demand, due.Suspicion, due.Takedown, due.Shield, due.Complaint, due.Stream, due.Incident, due.Rectification, due.Claim, due.Office, due.Plan, due.Charter, due.Party, due.Secret}

// Worded reports whether there are words for what the line is about.
func (l dueLine) Worded() bool { return slices.Contains(aboutWords, l.Kind) }

// Counted reports whether the line stands for several, and how many of them there are is
// what it says.
func (l dueLine) Counted() bool {
	return l.Kind == due.Answer || l.Kind == due.Proof || l.Kind == due.Erasure || l.Kind == due.Value || l.Kind == due.Untold
}

// Many reports whether there may be more of them than are counted.
func (l dueLine) Many() bool { return l.N >= due.Many && l.Kind != due.Untold }

// commands are what is typed at the terminal, before the service and the number or the id.
var commands = map[due.Kind]string{due.Order: "order show --service", due.End: "cease show --service", due.Value: "retention show --service"}

// as is how the terminal is told which officer it is, as the person or as whoever it is.
func (v *visit) as(service string) string {
	return " --as " + cmp.Or(v.in.Person.Office(service), "st_…")
}

// line says where a clock is dealt with: at the terminal by who holds an office, as the
// person does, or as whoever does.
func (v *visit) line(c due.Clock, now time.Time) dueLine {
	l := dueLine{Clock: c, Late: c.Late(now)}
	named, as := c.ID, v.as(c.Service)
	if c.Number != "" {
		named = c.Number
	}
	switch command := commands[c.Kind]; c.Kind {
	case due.Look:
		l.To = requestPath(approval.Request{Service: c.Service, ID: c.ID})
	case due.Charter:
		l.To = "/console/charters/" + c.Service + "/" + c.ID
	case due.Review:
		l.To = reviewPath(approval.Glass{Service: c.Service, Request: c.ID})
	case due.Demand, due.Claim:
		if !v.in.Person.May(staff.HandleDemands, c.Service) {
			break // who sees the board sees that it is there
		}
		if l.To = birthPath(c.Service, c.ID); c.Kind == due.Demand {
			l.To = demandPath(rights.Request{Service: c.Service, ID: c.ID})
		}
	case due.Suspicion:
		l.To, l.Number = suspicionPath(c.Service, c.ID), id.NumberOf(c.ID)
	case due.Document:
		l.To, l.Number = documentPath(c.Service, c.ID), id.NumberOf(c.ID)
	case due.Takedown:
		l.To, l.Number = takedownPath(c.Service, c.ID), id.NumberOf(c.ID)
	case due.Stream:
		if l.Number = id.NumberOf(c.ID); v.in.Person.May(staff.SeeStreams, c.Service) {
			l.To = streamPath(c.Service, c.ID)
		}
	case due.Shield:
		l.To, l.Number = shieldPath(c.Service, c.ID), id.NumberOf(c.ID)
	case due.Complaint:
		if l.Number = id.NumberOf(c.ID); v.in.Person.May(staff.SeeReports, c.Service) {
			l.To = complaintPath(c.Service, c.ID)
		}
	case due.Incident:
		l.To, l.Number = incidentPath(c.Service, c.ID), id.NumberOf(c.ID)
	case due.Untold:
		incident, notice, _ := strings.Cut(c.ID, ":")
		l.To = noticesPath(c.Service, incident) + "/" + notice
	case due.Rectification:
		if l.Number = id.NumberOf(c.ID); v.in.Person.May(staff.SeeRectifications, c.Service) {
			l.To = rectificationPath(rectification.Matter{Service: c.Service, ID: c.ID})
		}
	case due.Yearly:
		if year, err := strconv.ParseInt(c.ID, 10, 64); err == nil && v.in.Person.May(staff.SeeYearly, c.Service) {
			l.To = auditPath(c.Service, year)
		}
	case due.Order:
		l.Command = "wardkeep " + command + " " + c.Service + as + " " + named
	case due.Party:
		if v.in.Person.May(staff.SeeParties, c.Service) {
			role, _, _ := strings.Cut(c.ID, ":")
			l.To = partyPath(party.ID{Service: c.Service, Role: party.Role(role), Name: c.Number})
		}
	case due.Secret:
		if v.in.Person.May(staff.SeeSystem, c.Service) {
			what, _, _ := strings.Cut(c.ID, ":")
			l.To = secretPath(c.Service, what)
		}
	case due.End, due.Value:
		l.Command = "wardkeep " + command + " " + c.Service
	case due.Impact:
		if l.Number = ""; v.in.Person.May(staff.SeeImpacts, c.Service) {
			l.To = impactPath(c.Service, c.Number, c.ID)
		}
	case due.Plan:
		if v.in.Person.May(staff.SeeOffice, c.Service) {
			l.To = "/console/offices/" + c.Service
		}
	case due.Office:
		l.Command = "wardkeep officer appoint --service " + c.Service + " --role " + c.About
	case due.Key:
		l.Command = "wardkeep keys backup --to FILE"
	case due.Backup:
		l.Command = "wardkeep backup gone " + c.ID
	}
	return l
}

// mayBeLate is for how long the system may be late with what it does by itself.
func (s *Server) mayBeLate() time.Duration { return cmp.Or(s.Patience, 10*time.Minute) }

// due lists what has a clock. What it is narrowed to stands in the address.
func (s *Server) due(v *visit) error {
	q := v.r.URL.Query()
	if err := tooLong(q, dueFields); err != nil {
		return err
	}
	v.keeps = fieldsOf(q, dueFields)
	page := duePage{Kinds: due.Kinds(v.in.Person), Export: v.exportPart(listDue, v.keeps)}
	if kind := due.Kind(q.Get("kind")); slices.Contains(page.Kinds, kind) {
		page.Kind = kind
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		services, err := catalog.List(ctx, tx)
		if err != nil {
			return err
		}
		asking := due.Asking{Person: v.in.Person, Services: services, Kind: page.Kind, Patience: s.mayBeLate()}
		page.Services = asking.Names()
		if slices.Contains(page.Services, q.Get("service")) {
			page.Service = q.Get("service")
		}
		asking.Service = page.Service
		from := due.ParseCursor(q.Get("from"))
		all, next, err := due.List(ctx, tx, asking, from, perPage)
		if err != nil {
			return err
		}
		if page.Clocks, err = v.dueLines(ctx, tx, all); err != nil {
			return err
		}
		page.pager = v.pager(from.String(), next.String())
		page.Saved, err = v.savedPart(ctx, tx, listDue, v.keeps)
		return err
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "due", page)
}

// dueLines are the lines of some clocks, with what a parent calls the purposes in them.
func (v *visit) dueLines(ctx context.Context, tx *db.Tx, all []due.Clock) (lines []dueLine, err error) {
	charters, names := make(map[string]*charter.Charter), v.names(tx, "")
	for _, c := range all {
		l := v.line(c, tx.Now())
		if c.Kind == due.Order && v.in.Person.May(staff.SeeParties, c.Service) {
			o, err := order.ByEntry(ctx, tx, c.Service, c.ID)
			if err != nil && !errors.Is(err, order.ErrNotFound) {
				return nil, err
			}
			if err == nil {
				l.To, l.Command = orderPath(o.Service, o.ID), ""
			}
		}
		if l.Who, err = names.in(c.Service).ofStaff(ctx, c.Owner); err != nil {
			return nil, err
		}
		if c.About != "" && !l.Worded() {
			if charters[c.Service] == nil {
				if charters[c.Service], _, err = v.s.wordsInForce(ctx, tx, c.Service); err != nil {
					return nil, err
				}
			}
			l.Subject = v.called(charters[c.Service], c)
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// called is what the charter in force calls what a clock is about, or its name.
func (v *visit) called(in *charter.Charter, c due.Clock) string {
	if c.Kind == due.Order {
		return c.About
	}
	p, _ := in.Purpose(c.About)
	return v.label(p.Label, c.About)
}
