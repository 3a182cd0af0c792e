package console

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// The lists of the console, as saved filters and exports name them.
const (
	listLedger     = "ledger"
	listAccess     = "access"
	listDecisions  = "decisions"
	listPeople     = "people"
	listCharters   = "charters"
	listRegister   = "register" // of processing activities
	listParties    = "parties"
	listOrders     = "orders"  // to parties
	listBorders    = "borders" // what leaves the country
	listDemands    = "demands"
	listSuspicions = "suspicions"
	listTakedowns  = "takedowns"
	listIncidents  = "incidents"
	listStreams    = "streams" // that systems keep

	listRectifications = "rectifications"
	listYearly         = "yearly" // audits
	listInspections    = "inspections"

	listEvidence   = "evidence"
	listShields    = "shields"
	listComplaints = "reports" // to the desk
	listDue        = "due"
	listBoard      = "board"
	listUrgent     = "urgent"
	listReviews    = "reviews"
	listOffices    = "offices" // every term of office
	listRecords    = "records" // about who is in office
	listApps       = "apps"
	listReceivers  = "receivers"
	listDeliveries = "deliveries"
	listServices   = "services"
	listHealth     = "health"
	listKeys       = "keyring"
	listQueues     = "queues"   // of jobs
	listPictures   = "pictures" // of numbers: before its name
	fileEntry      = "entry"    // of the ledger, with its proof
	fileRecord     = "record"   // about who is in office
	fileReceipt    = "receipt"  // of a yearly audit
	filePack       = "pack"     // likewise
	fileBundle     = "bundle"   // an archive for an authority
	fileReached    = "reached"  // by an incident
	fileAnswer     = "answer"   // of the authority, to a report of an incident
)

// A list is one that has a filter, or can be taken away.
type list struct {
	name   string
	path   string // of its page
	action staff.Action
	fields []string // of its filter
}

var lists = []list{
	{listLedger, "/console/ledger", staff.SeeLedger, ledgerFields},
	{listAccess, "/console/access", staff.AskAccess, accessFields},
	{listDecisions, "/console/decisions", staff.DecideAccess, decisionFields},
	{listPeople, "/console/people", staff.SeePeople, peopleFields},
	{listCharters, "/console/charters", staff.SeeCharters, standingFields},
	{listRegister, "/console/register", staff.SeeCharters, serviceField},
	{listParties, "/console/parties", staff.SeeParties, partyFields},
	{listOrders, "/console/orders", staff.SeeParties, orderFields},
	{listBorders, "/console/borders", staff.SeeParties, serviceField},
	{listDemands, "/console/demands", staff.HandleDemands, demandFields},
	{listSuspicions, "/console/suspicions", staff.SeeSuspicions, suspicionFields},
	{listTakedowns, "/console/takedowns", staff.SeeTakedowns, takedownFields},
	{listIncidents, "/console/incidents", staff.SeeIncidents, incidentFields},
	{listStreams, "/console/streams", staff.SeeStreams, streamFields},
	{listRectifications, "/console/rectifications", staff.SeeRectifications, rectificationFields},
	{listYearly, "/console/yearly", staff.SeeYearly, serviceField},
	{listInspections, "/console/inspections", staff.SeeInspections, inspectionFields},
	{listEvidence, "/console/evidence", staff.SeeEvidence, evidenceFields},
	{listShields, "/console/shields", staff.SeeShields, shieldFields},
	{listComplaints, "/console/reports", staff.SeeReports, complaintFields},
	{listDue, "/console/due", staff.SeeDue, dueFields},
	{listBoard, "/console/board", staff.SeeBoard, serviceField},
	{listUrgent, "/console/urgent", staff.AskAccess, decisionFields},
	{listReviews, "/console/reviews", staff.ReviewAccess, reviewFields},
	{listOffices, "/console/offices", staff.SeeOffice, standingFields},
	{listRecords, "/console/offices", staff.SeeOffice, serviceField},
	{listApps, "/console/settings", staff.SeeSystem, serviceField},
	{listReceivers, "/console/settings", staff.SeeSystem, serviceField},
	{listDeliveries, "/console/settings", staff.SeeSystem, deliveryFields},
	{listServices, "/console/settings", staff.SeeSystem, nil},
	{listHealth, "/console/settings", staff.SeeSystem, nil},
	{listKeys, "/console/settings/system", staff.SeeSystem, nil},
	{listQueues, "/console/settings/system", staff.SeeSystem, nil},
}

// ofAll reports whether the list is of the whole installation: see route.ofAll.
func (l list) ofAll() bool {
	return l.name == listHealth || l.name == listKeys || l.name == listQueues
}

// listNamed returns the list of that name that the person may see. Errors: ErrNoPage.
func listNamed(name string, by staff.Person) (list, error) {
	i := slices.IndexFunc(lists, func(l list) bool { return l.name == name && by.MaySomewhere(l.action) })
	if i < 0 {
		return list{}, ErrNoPage
	}
	return lists[i], nil
}

// filtered reads the filter of a list from its address, which goes on to the list's other
// pages, and returns it for the page to show, too. Errors: ErrFilter.
func (v *visit) filtered(fields []string) (filter url.Values, shown map[string]string, err error) {
	if err := tooLong(v.r.URL.Query(), fields); err != nil {
		return nil, nil, err
	}
	filter, shown = fieldsOf(v.r.URL.Query(), fields), make(map[string]string)
	for field := range filter {
		shown[field] = filter.Get(field)
	}
	v.keeps = filter
	return filter, shown, nil
}

// only returns the services, or the one that is wanted, if it is among them.
func only(services []string, wanted string) []string {
	if wanted == "" {
		return services
	}
	return slices.DeleteFunc(slices.Clone(services), func(name string) bool { return name != wanted })
}

// The fields of the filters of lists that are of services.
var (
	serviceField   = []string{"service"}
	standingFields = []string{"service", "stands"}
)

// How a service may stand, for a filter.
const (
	unpublished = "unpublished" // without a charter in force
	vacant      = "vacant"      // an office of it is: nothing is collected (Article 8)
)

// fitsService reports whether a filter wants a service. What there isn't finds nothing.
func fitsService(s catalog.Service, filter url.Values) bool {
	if wanted := filter.Get("service"); wanted != "" && wanted != s.Name {
		return false
	}
	switch filter.Get("stands") {
	case "":
		return true
	case unpublished:
		return s.Charter == 0 || s.Recalled
	case vacant:
		return s.OfficerID == "" || s.DeputyID == ""
	}
	return false
}

// A narrowing is what layout.html shows of the filter of a list.
type narrowing struct {
	Services choices
	Picks    []pick // besides the service
	Filter   map[string]string
	Saved    savedPart
	Export   exportPart
}

// A pick is a field of a filter with its values.
type pick struct {
	Name   string
	Label  string // a key
	Area   string // of the words of its values
	Values []string
}

// standing is the pick of how a service stands.
func standing(area string, values ...string) pick {
	return pick{"stands", "console.access.stands", area, values}
}

// texts are the values of a pick.
func texts[T ~string](values ...T) (all []string) {
	for _, v := range values {
		all = append(all, string(v))
	}
	return all
}

// Asked reports whether there is anything to choose.
func (n narrowing) Asked() bool { return len(n.Services) > 1 || len(n.Picks) > 0 }

// narrowing reads the filter of a list from its address, for a page of those services.
func (v *visit) narrowing(ctx context.Context, tx *db.Tx, name string, services []string, picks ...pick) (n narrowing, filter url.Values, err error) {
	l, err := listNamed(name, v.in.Person)
	if err != nil {
		return n, nil, err
	}
	filter, shown, err := v.filtered(l.fields)
	if err != nil {
		return n, nil, err
	}
	n = narrowing{Services: services, Picks: picks, Filter: shown, Export: v.exportPart(name, filter)}
	n.Saved, err = v.savedPart(ctx, tx, name, filter)
	return n, filter, err
}

// ofServices reads the filter of a list of services, and a page of those that it wants and
// the person may see.
func (v *visit) ofServices(ctx context.Context, tx *db.Tx, name string, a staff.Action, picks ...pick) (n narrowing, page []catalog.Service, p pager, err error) {
	all, err := catalog.List(ctx, tx)
	if err != nil {
		return n, nil, p, err
	}
	n, filter, err := v.narrowing(ctx, tx, name, mayIn(v.in.Person, a, all), picks...)
	if err != nil {
		return n, nil, p, err
	}
	page, p = v.some(all, func(s catalog.Service) bool { return fitsService(s, filter) && approval.May(v.in.Person, a, s) })
	return n, page, p, nil
}

// savedPart is what layout.html shows of a list's saved filters.
type savedPart struct {
	List  string
	Kept  []savedFilter
	Query string // the filter that is in use; empty: there is none
	Child bool   // it names a child or a guardian, and so isn't kept: it would outlive the child
}

type savedFilter struct{ Name, To string }

func (v *visit) savedPart(ctx context.Context, tx *db.Tx, name string, filter url.Values) (part savedPart, err error) {
	l, err := listNamed(name, v.in.Person)
	if err != nil {
		return part, err
	}
	part = savedPart{List: name, Query: filter.Encode(), Child: namesFamily(filter)}
	all, err := staff.Filters(ctx, tx, v.s.Ring, v.in.Person, name)
	for _, f := range all {
		q, err := url.ParseQuery(f.Query)
		if err != nil {
			continue
		}
		q = fieldsOf(q, l.fields)
		q.Set("lang", string(v.lang))
		part.Kept = append(part.Kept, savedFilter{f.Name, l.path + "?" + q.Encode()})
	}
	slices.SortFunc(part.Kept, func(a, b savedFilter) int { return strings.Compare(a.Name, b.Name) })
	return part, err
}

// namesFamily reports whether a filter names a child or a guardian, or a demand of theirs.
func namesFamily(q url.Values) bool {
	return q.Has("subject") || strings.HasPrefix(q.Get("actor"), "guardian:") || strings.HasPrefix(q.Get("actor"), "port:")
}

// ErrFilterChild refuses to keep a filter that names a child or a guardian: it would stay
// when the child is erased.
var ErrFilterChild = errs.New(errs.Invalid, "console.filters.child")

// keepFilter keeps the filter of a list under a name.
func (s *Server) keepFilter(v *visit) error {
	l, err := listNamed(v.r.PostFormValue("list"), v.in.Person)
	if err != nil {
		return err
	}
	q, err := url.ParseQuery(v.r.PostFormValue("filter"))
	if err != nil {
		return ErrFilter
	}
	if err := tooLong(q, l.fields); err != nil {
		return err
	}
	q = fieldsOf(q, l.fields)
	if namesFamily(q) {
		return ErrFilterChild
	}
	err = v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		return staff.KeepFilter(ctx, tx, s.Ring, in.Person, l.name, staff.Filter{Name: v.r.PostFormValue("name"), Query: q.Encode()})
	})
	if err != nil {
		return err
	}
	return v.to(l.path, pairsOf(q)...)
}

// forgetFilter forgets one.
func (s *Server) forgetFilter(v *visit) error {
	l, err := listNamed(v.r.PostFormValue("list"), v.in.Person)
	if err != nil {
		return err
	}
	err = v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		return staff.ForgetFilter(ctx, tx, s.Ring, in.Person, l.name, v.r.PostFormValue("name"))
	})
	if err != nil {
		return err
	}
	return v.to(l.path)
}

// pairsOf are the fields of a query as visit.to takes them.
func pairsOf(q url.Values) (pairs []string) {
	for name := range q {
		pairs = append(pairs, name, q.Get(name))
	}
	return pairs
}
