package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"wardkeep/internal/account"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/complaint"
	"wardkeep/internal/family"
	"wardkeep/internal/incident"
	"wardkeep/internal/inspection"
	"wardkeep/internal/ledger"
	"wardkeep/internal/order"
	"wardkeep/internal/receipt"
	"wardkeep/internal/rectification"
	"wardkeep/internal/rights"
	"wardkeep/internal/shield"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
	"wardkeep/internal/stream"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/takedown"
	"wardkeep/internal/verification"
	"wardkeep/internal/webhook"
)

// searchPage is what search.html shows.
type searchPage struct {
	Query string
	Asked bool
	Hits  []hit
	More  bool // of some kind there are more than are listed
}

// A hit is something that was found, and where it is seen.
type hit struct {
	Kind  string // a word
	Name  string // what it is called
	Of    string // the service, or ""
	To    string // its page; "": it is dealt with at the terminal
	Pairs []string
}

// Link is the address of a hit's page in that language.
func (h hit) Link(lang string) string {
	q := url.Values{"lang": {lang}}
	for i := 0; i+1 < len(h.Pairs); i += 2 {
		q.Set(h.Pairs[i], h.Pairs[i+1])
	}
	return h.To + "?" + q.Encode()
}

const (
	maxQuery = 200 // bytes
	maxHits  = 20  // of one kind
	maxNamed = 100 // persons of a name, among whom are those that somebody sees
)

func (s *Server) showSearch(v *visit) error { return v.show(http.StatusOK, "search", searchPage{}) }

// search finds what the person may see by what was typed: a child by what the operator
// calls it, a request, a demand, a suspicion, a reported content or a document by its number, a person, a service, a purpose, an entry
// of the ledger or a checkpoint by its number. What was typed comes in a form and never
// stands in an address; what leads on is a name of ours. No value is looked at.
func (s *Server) search(v *visit) error {
	q := strings.TrimSpace(v.r.PostFormValue("q"))
	if q == "" || len(q) > maxQuery {
		return v.show(http.StatusOK, "search", searchPage{Asked: q != ""})
	}
	if err := v.looksUp(); err != nil {
		return err
	}
	var f finding
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		f = finding{v: v, q: q}
		return f.find(ctx, tx)
	})
	if err != nil {
		return err
	}
	if len(f.children) > 0 {
		// Before it is answered. If we crash between the two, nobody has seen anything.
		err := v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
			for _, c := range f.children {
				if err := approval.Searched(ctx, tx, s.Ring, in.Person, c); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if len(f.children) == 0 {
		if err := v.foundNobody(q, f.looked...); err != nil {
			return err
		}
	}
	if len(f.hits) == 1 && f.hits[0].To != "" {
		return v.to(f.hits[0].To, f.hits[0].Pairs...)
	}
	return v.show(http.StatusOK, "search", searchPage{q, true, f.hits, f.more})
}

// A finding is one search.
type finding struct {
	v        *visit
	q        string
	services []catalog.Service
	hits     []hit
	children []family.Child // that were found by their references
	looked   []string       // the services in which a child was looked for
	more     bool
}

func (f *finding) hit(kind, name, of, to string, pairs ...string) {
	f.hits = append(f.hits, hit{kind, name, of, to, pairs})
}

func (f *finding) find(ctx context.Context, tx *db.Tx) (err error) {
	if f.services, err = catalog.List(ctx, tx); err != nil {
		return err
	}
	for _, look := range []func(context.Context, *db.Tx) error{f.byID, f.byNumber, f.byPlace, f.ofServices, f.persons, f.byRef, f.versions, f.inOffice, f.parties} {
		if err := look(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// byID finds what is called by a name of ours.
func (f *finding) byID(ctx context.Context, tx *db.Tx) error {
	person := f.v.in.Person
	switch {
	case id.Is(id.Subject, f.q) && person.MaySomewhere(staff.SeeLedger):
		f.hit("subject", f.q, "", "/console/ledger", "subject", f.q)
	case id.Is(id.Entry, f.q) && person.MaySomewhere(staff.SeeLedger):
		p, err := ledger.Find(ctx, tx, f.q)
		if errors.Is(err, ledger.ErrNotFound) {
			return nil
		}
		if err == nil && f.v.mayRead(p, f.services) {
			f.hit("entry", f.q, p.Service, entryPath(p.Place))
		}
		return err
	case id.Is(id.Look, f.q):
		r, err := approval.Named(ctx, tx, f.q)
		if errors.Is(err, approval.ErrNotFound) {
			return nil
		}
		if err == nil {
			f.request(r)
		}
		return err
	case id.Is(id.Rights, f.q):
		for _, name := range mayIn(person, staff.HandleDemands, f.services) {
			r, err := rights.Find(ctx, tx, name, f.q)
			if errors.Is(err, rights.ErrNotFound) {
				var done receipt.CarriedOut
				done, err = receipt.FindDemand(ctx, tx, f.v.s.Ring, name, f.q)
				r.ID, r.Service, r.Number = done.ID, done.Service, done.Number
			}
			if errors.Is(err, rights.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			f.hit("demand", r.Number, name, demandPath(r))
		}
	case id.Is(id.Suspicion, f.q):
		s, err := suspicion.FindIn(ctx, tx, mayIn(person, staff.SeeSuspicions, f.services), f.q)
		if errors.Is(err, suspicion.ErrNotFound) {
			return nil
		}
		if err == nil {
			f.hit("suspicion", s.Number(), s.Service, suspicionPath(s.Service, s.ID))
		}
		return err
	case id.Is(id.Takedown, f.q):
		c, err := takedown.FindIn(ctx, tx, mayIn(person, staff.SeeTakedowns, f.services), f.q)
		if errors.Is(err, takedown.ErrNotFound) {
			return nil
		}
		if err == nil {
			f.hit("takedown", c.Number(), c.Service, takedownPath(c.Service, c.ID))
		}
		return err
	case id.Is(id.Incident, f.q):
		c, err := incident.FindIn(ctx, tx, mayIn(person, staff.SeeIncidents, f.services), f.q)
		if errors.Is(err, incident.ErrNotFound) {
			return nil
		}
		if err == nil {
			f.hit("incident", c.Number(), c.Service, incidentPath(c.Service, c.ID))
		}
		return err
	case id.Is(id.Stream, f.q):
		s, err := stream.FindIn(ctx, tx, mayIn(person, staff.SeeStreams, f.services), f.q)
		if errors.Is(err, stream.ErrNotFound) {
			return nil
		}
		if err == nil {
			f.hit("stream", s.Number(), s.Service, streamPath(s.Service, s.ID))
		}
		return err
	case id.Is(id.Rectification, f.q):
		m, err := rectification.FindIn(ctx, tx, mayIn(person, staff.SeeRectifications, f.services), f.q)
		if errors.Is(err, rectification.ErrNotFound) {
			return nil
		}
		if err == nil {
			f.hit("rectification", m.Number(), m.Service, rectificationPath(m))
		}
		return err
	case id.Is(id.Inspection, f.q):
		i, err := inspection.NamedIn(ctx, tx, mayIn(person, staff.SeeInspections, f.services), f.q)
		if errors.Is(err, inspection.ErrNotFound) {
			return nil
		}
		if err == nil {
			f.hit("inspection", i.Number(), i.Service, inspectionPath(i.Service, i.ID))
		}
		return err
	case id.Is(id.Shield, f.q):
		one, err := shield.FindIn(ctx, tx, mayIn(person, staff.SeeShields, f.services), f.q)
		if errors.Is(err, shield.ErrNotFound) {
			return nil
		}
		if err == nil {
			f.hit("shield", one.Number(), one.Service, shieldPath(one.Service, one.ID))
		}
		return err
	case id.Is(id.Complaint, f.q):
		one, err := complaint.FindIn(ctx, tx, mayIn(person, staff.SeeReports, f.services), f.q)
		if errors.Is(err, complaint.ErrNotFound) {
			return nil
		}
		if err == nil {
			f.hit("complaint", one.Number(), one.Service, complaintPath(one.Service, one.ID))
		}
		return err
	case id.Is(id.Order, f.q):
		o, err := order.FindIn(ctx, tx, mayIn(person, staff.SeeParties, f.services), f.q)
		if errors.Is(err, order.ErrNotFound) {
			return nil
		}
		if err == nil {
			f.hit("order", o.Number, o.Service, orderPath(o.Service, o.ID))
		}
		return err
	case id.Is(id.Verification, f.q):
		a, err := verification.DocumentIn(ctx, tx, mayIn(person, staff.SeeEvidence, f.services), f.q)
		if errors.Is(err, verification.ErrNotFound) {
			return nil
		}
		if err == nil {
			f.hit("document", a.Number(), a.Service, documentPath(a.Service, a.ID))
		}
		return err
	case id.Is(id.Staff, f.q) && person.MaySomewhere(staff.SeePeople):
		p, err := staff.Find(ctx, tx, f.q)
		if errors.Is(err, staff.ErrNotFound) {
			return nil
		}
		if err == nil && sees(person, p) {
			f.hit("person", p.Name, "", "/console/people/"+p.ID)
		}
		return err
	case id.Is(id.Credential, f.q), id.Is(id.Webhook, f.q):
		return f.connected(ctx, tx)
	}
	return nil
}

// connected finds an app, or a receiver of events, by its name.
func (f *finding) connected(ctx context.Context, tx *db.Tx) error {
	for _, service := range mayIn(f.v.in.Person, staff.SeeSystem, f.services) {
		a, err := account.Find(ctx, tx, service, f.q)
		if err == nil {
			f.hit("app", a.Name, service, servicePath(service)+"/apps/"+a.ID)
		} else if !errors.Is(err, account.ErrNotFound) {
			return err
		}
		e, err := webhook.Find(ctx, tx, service, f.q)
		if err == nil {
			row := f.v.hookRow(e)
			f.hit("receiver", cmp.Or(row.Host, e.ID), service, row.To)
		} else if !errors.Is(err, webhook.ErrNotFound) {
			return err
		}
	}
	return nil
}

// versions finds the charters of that number.
func (f *finding) versions(ctx context.Context, tx *db.Tx) error {
	number, err := strconv.ParseInt(f.q, 10, 64)
	if err != nil || number < 1 {
		return nil
	}
	for i, service := range mayIn(f.v.in.Person, staff.SeeCharters, f.services) {
		if i == maxHits {
			f.more = true
			break
		}
		_, err := catalog.EditionOf(ctx, tx, service, number)
		if err == nil {
			f.hit("version", f.q, service, "/console/charters/"+service+"/"+strconv.FormatInt(number, 10))
		} else if !errors.Is(err, catalog.ErrVersionNotFound) {
			return err
		}
	}
	return nil
}

// inOffice finds the offices that somebody of that name holds.
func (f *finding) inOffice(ctx context.Context, tx *db.Tx) error {
	like := strings.ToLower(f.q)
	if len(like) < 2 {
		return nil
	}
	for _, service := range mayIn(f.v.in.Person, staff.SeeOffice, f.services) {
		held, err := catalog.InOffice(ctx, tx, service)
		if err != nil {
			return err
		}
		for _, o := range held {
			if strings.Contains(strings.ToLower(o.Name), like) {
				f.hit("office", o.Name, service, "/console/offices/"+service)
			}
		}
	}
	return nil
}

// parties finds processors and recipients by a part of what the charter calls them, or of the
// name in the register.
func (f *finding) parties(ctx context.Context, tx *db.Tx) error {
	like := strings.ToLower(f.q)
	if len(like) < 3 {
		return nil // as of purposes
	}
	found := 0
	for _, service := range f.services {
		if !approval.May(f.v.in.Person, staff.SeeParties, service) {
			continue
		}
		rows, err := f.v.partiesIn(ctx, tx, service)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if !strings.Contains(strings.ToLower(r.Name+"\n"+r.Label+"\n"+r.LegalName), like) {
				continue
			}
			if found++; found > maxHits {
				f.more = true
				return nil
			}
			f.hit("party", r.Label, service.Name, r.To)
		}
	}
	return nil
}

// request adds a request, if the person has made it or decides about it.
func (f *finding) request(r approval.Request) {
	i := slices.IndexFunc(f.services, func(s catalog.Service) bool { return s.Name == r.Service })
	if i < 0 || !r.Intact(f.v.s.Ring) || r.Asker != f.v.in.Person.ID && !approval.May(f.v.in.Person, staff.DecideAccess, f.services[i]) {
		return
	}
	if !approval.May(f.v.in.Person, staff.AskAccess, f.services[i]) {
		return // its page is for who may ask
	}
	f.hit("request", r.Number, r.Service, requestPath(r))
}

// byNumber finds requests, demands, suspicions, reported contents and documents by what people call them.
func (f *finding) byNumber(ctx context.Context, tx *db.Tx) error {
	number, ok := id.ParseNumber(f.q)
	if !ok {
		return nil
	}
	if f.v.in.Person.MaySomewhere(staff.AskAccess) {
		all, err := approval.ByNumber(ctx, tx, number)
		if err != nil {
			return err
		}
		for _, r := range all {
			f.request(r)
		}
	}
	for _, name := range mayIn(f.v.in.Person, staff.HandleDemands, f.services) {
		all, err := rights.OfNumber(ctx, tx, name, number, maxHits)
		if err != nil {
			return err
		}
		for _, r := range all {
			f.hit("demand", r.Number, name, demandPath(r))
		}
		done, err := receipt.DemandsOfNumber(ctx, tx, f.v.s.Ring, name, number, maxHits)
		if err != nil {
			return err
		}
		for _, c := range done {
			f.hit("demand", c.Number, name, demandPath(rights.Request{Service: name, ID: c.ID}))
		}
	}
	suspicions, err := suspicion.NumberedIn(ctx, tx, mayIn(f.v.in.Person, staff.SeeSuspicions, f.services), number)
	if err != nil {
		return err
	}
	for _, s := range suspicions {
		f.hit("suspicion", s.Number(), s.Service, suspicionPath(s.Service, s.ID))
	}
	takedowns, err := takedown.NumberedIn(ctx, tx, mayIn(f.v.in.Person, staff.SeeTakedowns, f.services), number)
	if err != nil {
		return err
	}
	for _, c := range takedowns {
		f.hit("takedown", c.Number(), c.Service, takedownPath(c.Service, c.ID))
	}
	incidents, err := incident.NumberedIn(ctx, tx, mayIn(f.v.in.Person, staff.SeeIncidents, f.services), number)
	if err != nil {
		return err
	}
	for _, c := range incidents {
		f.hit("incident", c.Number(), c.Service, incidentPath(c.Service, c.ID))
	}
	reports, err := complaint.NumberedIn(ctx, tx, mayIn(f.v.in.Person, staff.SeeReports, f.services), number)
	if err != nil {
		return err
	}
	for _, c := range reports {
		f.hit("complaint", c.Number(), c.Service, complaintPath(c.Service, c.ID))
	}
	streams, err := stream.NumberedIn(ctx, tx, mayIn(f.v.in.Person, staff.SeeStreams, f.services), number)
	if err != nil {
		return err
	}
	for _, s := range streams {
		f.hit("stream", s.Number(), s.Service, streamPath(s.Service, s.ID))
	}
	matters, err := rectification.NumberedIn(ctx, tx, mayIn(f.v.in.Person, staff.SeeRectifications, f.services), number)
	if err != nil {
		return err
	}
	for _, m := range matters {
		f.hit("rectification", m.Number(), m.Service, rectificationPath(m))
	}
	inspections, err := inspection.NumberedIn(ctx, tx, mayIn(f.v.in.Person, staff.SeeInspections, f.services), number)
	if err != nil {
		return err
	}
	for _, i := range inspections {
		f.hit("inspection", i.Number(), i.Service, inspectionPath(i.Service, i.ID))
	}
	orders, err := order.NumberedIn(ctx, tx, mayIn(f.v.in.Person, staff.SeeParties, f.services), number)
	if err != nil {
		return err
	}
	for _, o := range orders {
		f.hit("order", o.Number, o.Service, orderPath(o.Service, o.ID))
	}
	documents, err := verification.DocumentsNumberedIn(ctx, tx, mayIn(f.v.in.Person, staff.SeeEvidence, f.services), number)
	if err != nil {
		return err
	}
	for _, a := range documents {
		f.hit("document", a.Number(), a.Service, documentPath(a.Service, a.ID))
	}
	return nil
}

// byPlace finds an entry by its place, and the checkpoint of so many entries.
func (f *finding) byPlace(ctx context.Context, tx *db.Tx) error {
	place, err := strconv.ParseInt(f.q, 10, 64)
	if err != nil || place < 0 || !f.v.in.Person.MaySomewhere(staff.SeeLedger) {
		return nil
	}
	p, err := ledger.At(ctx, tx, place)
	if err == nil && f.v.mayRead(p, f.services) {
		f.hit("entry", f.q, p.Service, entryPath(place))
	}
	if err != nil && !errors.Is(err, ledger.ErrOutside) {
		return err
	}
	head, err := ledger.Head(ctx, tx)
	if err == nil && place >= 1 && place <= head.Size {
		f.hit("checkpoint", f.q, "", "/console/ledger/checkpoint", "size", f.q)
	}
	return err
}

// ofServices finds services and purposes by their names, and by what parents call them. A
// service leads to what the person sees of it: its entries, how it is set up, its charters.
func (f *finding) ofServices(ctx context.Context, tx *db.Tx) error {
	like := strings.ToLower(f.q)
	for _, s := range f.services {
		if strings.ToLower(s.Name) != like {
			continue
		}
		switch may := func(a staff.Action) bool { return approval.May(f.v.in.Person, a, s) }; {
		case may(staff.SeeLedger):
			f.hit("service", s.Name, "", "/console/ledger", "service", s.Name)
		case may(staff.SeeSystem):
			f.hit("settings", s.Name, "", servicePath(s.Name))
		case may(staff.SeeCharters):
			f.hit("charter", s.Name, "", "/console/charters/"+s.Name)
		}
	}
	if len(like) < 3 {
		return nil // a letter is in every name; a Chinese character is three bytes
	}
	all, err := f.v.s.places(ctx, tx, f.v)
	for _, p := range all {
		for _, purpose := range p.Purposes {
			if strings.Contains(purpose.Name, like) || strings.Contains(strings.ToLower(purpose.Label), like) {
				f.hit("purpose", purpose.Label, p.Service, "/console/access/new/"+p.Service+"/"+purpose.Name)
			}
		}
	}
	return err
}

// persons finds persons inside by a part of their names.
func (f *finding) persons(ctx context.Context, tx *db.Tx) error {
	like := strings.ToLower(f.q)
	if !f.v.in.Person.MaySomewhere(staff.SeePeople) || len(like) < 2 {
		return nil
	}
	all, err := staff.Named(ctx, tx, func(name string) bool { return strings.Contains(strings.ToLower(name), like) }, maxNamed)
	found := 0
	for _, p := range all {
		if !sees(f.v.in.Person, p) {
			continue
		}
		if found++; found > maxHits {
			break
		}
		f.hit("person", p.Name, "", "/console/people/"+p.ID)
	}
	f.more = f.more || found > maxHits || len(all) == maxNamed
	return err
}

// byRef finds children by what the operator calls them: their entries, for who sees the
// ledger, and the requests about them that the person has made or decides about. That
// there is such a child nobody else learns.
func (f *finding) byRef(ctx context.Context, tx *db.Tx) error {
	ref := pii.New(f.q)
	if !family.IsRef(ref) || isOurs(f.q) {
		return nil
	}
	for _, s := range f.services {
		reads, asks := approval.May(f.v.in.Person, staff.SeeLedger, s), approval.May(f.v.in.Person, staff.AskAccess, s)
		if !reads && !asks {
			continue
		}
		f.looked = append(f.looked, s.Name)
		c, err := family.FindByRef(ctx, tx, f.v.s.Ring, s.Name, ref)
		if e := errs.Of(err); e.Is(family.ErrNotFound) || e.Is(family.ErrErased) {
			continue
		}
		if err != nil {
			return err
		}
		f.children = append(f.children, c)
		if reads {
			f.hit("child", c.Subject, s.Name, "/console/ledger", "subject", c.Subject)
		}
		if !asks {
			continue
		}
		f.hit("ask", s.Name, s.Name, "/console/access/new")
		all, err := approval.About(ctx, tx, c.ID, maxHits)
		if err != nil {
			return err
		}
		for _, r := range all {
			f.request(r)
		}
	}
	return nil
}

// ours are the types of the names that are looked for as such.
var ours = []id.Prefix{id.Subject, id.Entry, id.Look, id.Rights, id.Suspicion, id.Takedown, id.Incident, id.Stream, id.Rectification, id.Inspection, id.Shield, id.Complaint,
	id.Order, id.Verification, id.Staff, id.Credential, id.Webhook}

// isOurs reports whether a text is a name that this program gives, and so no reference of
// the operator's.
func isOurs(q string) bool {
	return slices.ContainsFunc(ours, func(p id.Prefix) bool { return id.Is(p, q) })
}

// entryPath is the page of the entry at a place.
func entryPath(place int64) string { return "/console/ledger/entries/" + strconv.FormatInt(place, 10) }
