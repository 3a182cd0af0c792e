package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// perPage is how many requests a page lists.
const perPage = 20

// desk takes requests and decisions about them.
func (s *Server) desk() approval.Desk {
	return approval.Desk{Ring: s.Ring, Charters: s.Vault.Gate.Charters, Limits: s.Vault.Looks}
}

// accessPage is what access.html and decisions.html show.
type accessPage struct {
	pager
	Requests []listed
	May      bool // ask for something
	Services choices
	Reasons  []approval.Reason
	Filter   map[string]string
	Saved    savedPart
	Export   exportPart
}

// A listed request is a row of a list. The child isn't named there: who needs to know
// opens the request. Of a row that isn't as it was written nothing is shown but that.
type listed struct {
	approval.Request
	Who    string // the name of who asks
	State  string // a word
	Label  string // of the purpose
	Called []named
	To     string
	Forged bool
}

// state is how far a request has come at that moment, as a word.
func state(r approval.Request, now time.Time) string {
	if r.Closed(now) && r.State != approval.Refused && r.State != approval.Ended {
		return "over"
	}
	return string(r.State)
}

// requestPath is the page of a request.
func requestPath(r approval.Request) string {
	return requestsAt + r.Service + "/" + r.ID
}

// fill lists requests, with the names of who asks, and purpose and items as the charter in
// force calls them.
func (p *accessPage) fill(ctx context.Context, tx *db.Tx, v *visit, all []approval.Request, next db.Cursor) error {
	names := make(map[string]string)
	for _, r := range all {
		if !r.Intact(v.s.Ring) {
			p.Requests = append(p.Requests, listed{Forged: true})
			continue
		}
		if _, ok := names[r.Asker]; !ok {
			who, err := person(ctx, tx, r.Asker)
			if err != nil {
				return err
			}
			names[r.Asker] = who.Name
		}
		label, items, _, err := v.words(ctx, tx, r)
		if err != nil {
			return err
		}
		p.Requests = append(p.Requests, listed{r, names[r.Asker], state(r, tx.Now()), label, items, requestPath(r), false})
	}
	p.pager = v.pager(v.from().String(), next.String())
	return nil
}

// accessFields and decisionFields are the fields of the filters, as they stand in an
// address.
var (
	accessFields   = []string{"service", "stands"}
	decisionFields = []string{"service", "reason"}
)

// accessFilter reads a filter. What there isn't finds nothing.
func accessFilter(q url.Values) approval.Wanted {
	return approval.Wanted{Service: q.Get("service"), Reason: approval.Reason(q.Get("reason")), Stands: approval.Stands(q.Get("stands"))}
}

// narrow fills in what the page shows of the filter of its list.
func (p *accessPage) narrow(ctx context.Context, tx *db.Tx, v *visit, name string, fields []string) (want approval.Wanted, err error) {
	filter, shown, err := v.filtered(fields)
	if err != nil {
		return want, err
	}
	p.Filter, p.Reasons, p.Export = shown, approval.Reasons, v.exportPart(name, filter)
	p.Saved, err = v.savedPart(ctx, tx, name, filter)
	return accessFilter(filter), err
}

// from is where the list of a visit begins.
func (v *visit) from() db.Cursor { return approval.ParseCursor(v.r.URL.Query().Get("from")) }

// access lists what the person has asked for.
func (s *Server) access(v *visit) error {
	var page accessPage
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		page = accessPage{}
		want, err := page.narrow(ctx, tx, v, listAccess, accessFields)
		if err != nil {
			return err
		}
		all, next, err := approval.OfAsker(ctx, tx, v.in.Person.ID, want, v.from(), perPage)
		if err != nil {
			return err
		}
		places, err := s.places(ctx, tx, v)
		page.May = len(places) > 0
		for _, p := range places {
			page.Services = append(page.Services, p.Service)
		}
		if err != nil {
			return err
		}
		return page.fill(ctx, tx, v, all, next)
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "access", page)
}

// decisions lists what waits for the person's decision.
func (s *Server) decisions(v *visit) error {
	var page accessPage
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		page = accessPage{}
		services, err := catalog.List(ctx, tx)
		if err != nil {
			return err
		}
		page.Services = mayIn(v.in.Person, staff.DecideAccess, services)
		want, err := page.narrow(ctx, tx, v, listDecisions, decisionFields)
		if err != nil {
			return err
		}
		all, next, err := approval.ToDecide(ctx, tx, page.Services, v.in.Person.ID, want, v.from(), perPage)
		if err != nil {
			return err
		}
		return page.fill(ctx, tx, v, all, next)
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "decisions", page)
}

// mayIn returns the services with which the person may do that now.
func mayIn(p staff.Person, a staff.Action, all []catalog.Service) (names []string) {
	for _, s := range all {
		if approval.May(p, a, s) {
			names = append(names, s.Name)
		}
	}
	return names
}

// A named thing has its name in the charter, and what a parent calls it.
type named struct {
	Name, Label string
	On          bool // chosen in the form that was sent
}

// A place is a service in which the person may ask, and its purposes: those that use what is
// collected for them, and those whose information nobody looks at but where a law or a life
// in danger demands it.
type place struct {
	Service  string
	Purposes []named
	Others   []named
	InOffice bool // the person is: others open a window without it
}

// places returns where the person may ask, and for what, by the charter in force.
func (s *Server) places(ctx context.Context, tx *db.Tx, v *visit) (all []place, err error) {
	services, err := catalog.List(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, service := range services {
		if !approval.May(v.in.Person, staff.AskAccess, service) || service.Charter == 0 {
			continue
		}
		c, err := s.Vault.Gate.Charters.Version(ctx, tx, service.Name, service.Charter)
		if err != nil {
			return nil, err
		}
		p := place{Service: service.Name, InOffice: approval.InOffice(v.in.Person, service)}
		for _, purpose := range c.Charter.Purposes {
			one := named{purpose.Name, v.label(purpose.Label, purpose.Name), false}
			if purpose.Does(charter.Use) {
				p.Purposes = append(p.Purposes, one)
			} else {
				p.Others = append(p.Others, one)
			}
		}
		if len(p.Purposes)+len(p.Others) > 0 {
			all = append(all, p)
		}
	}
	return all, nil
}

// label is what a parent calls a thing, in the language of the visit; or its name.
func (v *visit) label(w charter.Words, name string) string {
	lang := charter.Chinese
	if v.lang == i18n.English {
		lang = charter.English
	}
	if words := w.In(lang); words != "" {
		return words
	}
	return name
}

// wherePage is what where.html shows: the first step of asking.
type wherePage struct {
	Places []place
	Urgent bool
}

func (s *Server) where(v *visit) error { return s.wherePage(v, false) }

// whereUrgent is the same for who is in a hurry, and leads to nothing else.
func (s *Server) whereUrgent(v *visit) error { return s.wherePage(v, true) }

func (s *Server) wherePage(v *visit, urgent bool) error {
	page := wherePage{Urgent: urgent}
	err := v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		page.Places, err = s.places(ctx, tx, v)
		if urgent {
			page.Places = slices.DeleteFunc(page.Places, func(p place) bool { return p.InOffice })
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "where", page)
}

// A form is what somebody asks for by one.
type form string

// The forms.
const (
	lookForm   form = "look"
	urgentForm form = "urgent" // without the office: see approval.Desk.Join
	exportForm form = "export" // as a file, about which two decide
	lawForm    form = "law"    // as a file, on a law and without a guardian's yes: see approval.Basis
	lifeForm   form = "life"   // without the office, where a life is in danger: likewise
)

// path is the address of the form for a purpose.
func (f form) path(service, purpose string) string {
	begins := "/console/access/new/"
	switch f {
	case urgentForm:
		begins = "/console/urgent/new/"
	case exportForm:
		begins = "/console/exports/new/"
	case lawForm:
		begins = "/console/legal/new/"
	case lifeForm:
		begins = "/console/rescue/new/"
	}
	return begins + service + "/" + purpose
}

// askPage is what ask.html shows.
type askPage struct {
	Form    form
	To      string
	Service string
	Purpose named
	Items   []askItem
	Unshown string // what of the purpose can't be shown: see canShow
	Reasons []approval.Reason
	Reason  approval.Reason
	Ref     string // what was typed, so that it needn't be typed again
	Words   string
	Minutes int
	Most    int  // minutes
	Answer  int  // hours within which somebody answers
	Join    int  // minutes within which a second person joins
	Review  int  // hours within which the office reviews
	Alone   bool // of an emergency: nobody could open a window with the person
	NoKey   bool // of an export: there is none that is good
	Basis   basisPart
	Problem string
	Field   string // that is wrong
}

// An askItem can be asked for: on a law with why it is needed.
type askItem struct {
	named
	Need string
}

func (s *Server) showAsk(v *visit) error { return v.askPage(lookForm, nil) }

func (s *Server) showUrgent(v *visit) error { return v.askPage(urgentForm, nil) }

func (s *Server) showExport(v *visit) error { return v.askPage(exportForm, nil) }

func (v *visit) askPage(f form, problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	limits := v.s.Vault.Looks.Or(approval.Defaults).Asked(f.urgent(), f.ground())
	page := askPage{Form: f, To: f.path(v.r.PathValue("service"), v.r.PathValue("purpose")), Service: v.r.PathValue("service"), Reasons: approval.Reasons,
		Problem: words, Most: limits.MaxMinutes, Minutes: limits.Minutes, Answer: int(limits.Answer / time.Hour),
		Join: int(limits.Answer / time.Minute), Review: int(approval.ReviewIn / time.Hour)}
	page.Basis, _ = v.basisPart(f) // what is wrong with it is the problem
	if problem != nil {
		page.Field, page.Ref, page.Words = errs.Of(problem).Field, v.r.PostFormValue("ref"), v.r.PostFormValue("words")
		page.Reason = approval.Reason(v.r.PostFormValue("reason"))
		if n, err := strconv.Atoi(v.r.PostFormValue("minutes")); err == nil {
			page.Minutes = n
		}
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		service, err := catalog.Find(ctx, tx, page.Service)
		if err == nil && !approval.May(v.in.Person, staff.AskAccess, service) {
			err = approval.ErrMayNot
		}
		if err == nil && f.urgent() && approval.InOffice(v.in.Person, service) {
			err = approval.ErrInOffice
		}
		if err == nil && service.Charter == 0 {
			err = catalog.ErrNoCharter
		}
		if err != nil {
			return err
		}
		c, err := v.s.Vault.Gate.Charters.Version(ctx, tx, service.Name, service.Charter)
		if err != nil {
			return err
		}
		purpose, ok := c.Charter.Purpose(v.r.PathValue("purpose"))
		if !ok || f.ground() == approval.OnConsent && !purpose.Does(charter.Use) {
			return approval.ErrPurpose
		}
		if f.urgent() {
			can, err := approval.CanJoin(ctx, tx, v.in.Person, service)
			if err != nil {
				return err
			}
			page.Alone = !can
		}
		if f.export() {
			key, err := v.fileKey(ctx, tx)
			if err != nil {
				return err
			}
			page.NoKey = !key.Good || key.Forged
		}
		page.Purpose = named{purpose.Name, v.label(purpose.Label, purpose.Name), false}
		var unshown []string
		for _, item := range purpose.Items {
			i, _ := c.Charter.Item(item)
			if !canShow(i, f.export()) {
				unshown = append(unshown, v.label(i.Label, item))
				continue
			}
			page.Items = append(page.Items, askItem{named{item, v.label(i.Label, item), slices.Contains(v.r.PostForm["item"], item)}, v.r.PostFormValue("need-" + item)})
		}
		page.Unshown = strings.Join(unshown, v.lang.T("console.register.and"))
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(status, "ask", page)
}

// canShow reports whether values of an item can be shown: of sound and film there is no
// picture that carries marks. They leave in a file alone, about which two decide.
func canShow(i charter.Item, inFile bool) bool {
	return inFile || i.Kind != charter.Audio && i.Kind != charter.Video
}

// ErrNoChild says that nobody of the service has the reference.
var ErrNoChild = errs.New(errs.NotFound, "console.ask.no_child")

func (s *Server) ask(v *visit) error { return s.askFor(v, lookForm) }

func (s *Server) askUrgent(v *visit) error { return s.askFor(v, urgentForm) }

func (s *Server) askExport(v *visit) error { return s.askFor(v, exportForm) }

func (s *Server) askFor(v *visit, f form) error {
	minutes, err := strconv.Atoi(v.r.PostFormValue("minutes"))
	if err != nil || minutes == 0 {
		return v.askPage(f, approval.ErrMinutes.At("minutes"))
	}
	if err := v.looksUp(); err != nil {
		return v.askPage(f, err)
	}
	basis, err := v.basisPart(f)
	if err != nil {
		return v.askPage(f, err)
	}
	refs := f.refs(v.r.PostFormValue("ref"))
	if len(refs) > approval.MaxChildren {
		return v.askPage(f, approval.ErrChildren.At("ref"))
	}
	var ref string // the last that was looked up
	var asked []approval.Request
	err = v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		// The right to ask comes first: a reference tells only those who may ask whether
		// there is such a child.
		service, err := catalog.Find(ctx, tx, v.r.PathValue("service"))
		if err == nil && !approval.May(in.Person, staff.AskAccess, service) {
			err = approval.ErrMayNot
		}
		if err != nil {
			return err
		}
		ask := approval.Asking{Purpose: v.r.PathValue("purpose"), Items: v.r.PostForm["item"],
			Reason: f.reason(v.r.PostFormValue("reason")), Text: pii.New(v.r.PostFormValue("words")), Minutes: minutes, Glass: f.urgent(), Export: f.export(),
			Basis: basis.Basis, Paper: basis.Paper}
		var children []family.Child
		for _, ref = range refs {
			child, err := family.FindByRef(ctx, tx, s.Ring, service.Name, pii.New(ref))
			if errs.Of(err).Is(family.ErrNotFound) {
				err = ErrNoChild.At("ref")
			}
			if err != nil {
				return err
			}
			children = append(children, child)
		}
		if f == lawForm {
			asked, err = s.desk().AskAll(ctx, tx, in.Person, children, ask)
			return err
		}
		asked = make([]approval.Request, 1)
		asked[0], _, err = s.desk().Ask(ctx, tx, in.Person, children[0], ask)
		return err
	})
	if errs.Of(err).Is(ErrNoChild) {
		if err := v.foundNobody(ref, v.r.PathValue("service")); err != nil {
			return err
		}
	}
	if err != nil {
		return v.askPage(f, err)
	}
	if len(asked) > 1 {
		return v.to("/console/access")
	}
	return v.to(requestPath(asked[0]))
}
