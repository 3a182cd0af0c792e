package console

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family/age"
	"wardkeep/internal/incident"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// maxTerms is how many terms of office that are over a page lists.
const maxTerms = 20

// officesPage is what offices.html shows.
type officesPage struct {
	pager
	Services []seats
	By       narrowing
}

// The seats of a service: who is in office, "" where nobody is.
type seats struct {
	Service, Officer, Deputy string
}

// offices lists the services whose offices the person may see.
func (s *Server) offices(v *visit) error {
	var page officesPage
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		by, all, pager, err := v.ofServices(ctx, tx, listOffices, staff.SeeOffice, standing("offices.stands", vacant))
		if err != nil {
			return err
		}
		page = officesPage{pager: pager, By: by}
		for _, service := range all {
			row := seats{Service: service.Name}
			held, err := catalog.InOffice(ctx, tx, service.Name)
			if err != nil {
				return err
			}
			for _, o := range held {
				if o.Role == catalog.RoleOfficer {
					row.Officer = o.Name
				} else {
					row.Deputy = o.Name
				}
			}
			page.Services = append(page.Services, row)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "offices", page)
}

// officePage is what office.html shows: who is in office, and what there is about them.
type officePage struct {
	Service string
	Holders []holder
	Vacant  []catalog.Role // then nothing is collected (Article 8)
	Former  []catalog.Officer
	Alone   bool // no two persons could open a window in an emergency
	Records []recordRow
	Export  exportPart
	pager
	Kinds    []catalog.RecordKind
	PlanDays int              // for how long a plan counts, and a drill
	Tasks    planTyped        // the emergency plan by whose steps cases are dealt with
	Mine     *catalog.Officer // the office of whoever looks
	Contact  string           // of theirs, as the form has it
	Typed    officeTyped
	ToDeputy string // the name of the deputy, to whom it can be handed over
	Today    string
	Fresh    bool
	Problem  string
	Field    string
	Done     string // a key
	Path     string
}

// officeTyped is what a form of the page has: what was typed, where it was refused.
type officeTyped struct {
	At, ID                    string // the end of its address, and of what its fields are called
	Name, Contact             string
	Officer, Kind, Day, Title string
}

// Appointee is a form by which somebody is appointed.
func (p officePage) Appointee(at, id string) officeTyped {
	t := officeTyped{At: at}
	if p.Typed.At == at {
		t = p.Typed
	}
	t.ID = id
	return t
}

// officeTyped reads the form that was refused.
func (v *visit) officeTyped() officeTyped {
	return officeTyped{At: path.Base(v.r.URL.Path), Name: v.value("name"), Contact: v.value("contact"),
		Officer: v.value("officer"), Kind: v.value("kind"), Day: v.value("day"), Title: v.value("title")}
}

// A holder is somebody in office, and by which account.
type holder struct {
	catalog.Officer
	Account string // the name there; "": there is none
	Mine    bool
	Bare    bool // no document is kept by which they were appointed (Article 8)
}

// A recordRow is a row of the list of records.
type recordRow struct {
	catalog.Record
	Who string
	To  string // where the document is; "": there is none
}

// officeDone are what can just have been done.
var officeDone = []string{"filled", "reached", "recorded", "planned"}

// planTyped is the emergency plan in force as its form has it, or as it was typed.
type planTyped struct {
	Number          int64 // 0: there is none
	Critical        bool
	Steps, Contacts string
	Broken          bool // it was changed by hand
}

func (s *Server) office(v *visit) error { return v.officePage(nil) }

func (v *visit) officePage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	from := catalog.ParseRecordCursor(v.r.URL.Query().Get("from"))
	page := officePage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil, Kinds: catalog.RecordKinds, PlanDays: catalog.PlanDays, Today: v.now.In(age.Zone).Format(time.DateOnly)}
	if problem != nil {
		page.Field, page.Typed = errs.Of(problem).Field, v.officeTyped()
	}
	if page.Typed.At != "records" {
		page.Typed.Kind, page.Typed.Day = string(catalog.Training), page.Today
	}
	for _, done := range officeDone {
		if v.r.URL.Query().Has(done) {
			page.Done = done
		}
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		service, err := v.of(ctx, tx, staff.SeeOffice)
		if err != nil {
			return err
		}
		page.Service, page.Path = service.Name, "/console/offices/"+service.Name
		page.Export = v.exportPart(listRecords, url.Values{"service": {service.Name}})
		can, err := approval.CanBreak(ctx, tx, service)
		if err != nil {
			return err
		}
		page.Alone = !can
		return page.fill(ctx, tx, v, service, from)
	})
	if err != nil {
		return err
	}
	return v.show(status, "office", page)
}

func (p *officePage) fill(ctx context.Context, tx *db.Tx, v *visit, service catalog.Service, from catalog.RecordCursor) error {
	held, err := catalog.InOffice(ctx, tx, service.Name)
	if err != nil {
		return err
	}
	accounts, err := catalog.Approvers(ctx, tx, service)
	if err != nil {
		return err
	}
	of := make(map[string]string)
	for _, one := range accounts {
		who, err := staff.Find(ctx, tx, one)
		if err != nil {
			return err
		}
		of[who.Office(service.Name)] = who.Name
	}
	bare, err := catalog.Unproved(ctx, tx, service.Name)
	if err != nil {
		return err
	}
	p.Vacant = []catalog.Role{catalog.RoleOfficer, catalog.RoleDeputy}
	for _, o := range held {
		mine := o.ID == v.in.Person.Office(service.Name)
		p.Holders = append(p.Holders, holder{o, of[o.ID], mine, slices.Contains(bare, o.ID)})
		p.Vacant = slices.DeleteFunc(p.Vacant, func(r catalog.Role) bool { return r == o.Role })
		if mine && approval.InOffice(v.in.Person, service) {
			p.Mine, p.Contact = &o, o.Contact
			if p.Typed.At == "contact" {
				p.Contact = p.Typed.Contact
			}
		}
	}
	if p.Mine != nil && p.Mine.Role == catalog.RoleOfficer {
		for _, h := range p.Holders {
			if h.Role == catalog.RoleDeputy {
				p.ToDeputy = h.Name
			}
		}
	}
	if p.Former, err = catalog.Former(ctx, tx, service.Name, maxTerms); err != nil {
		return err
	}
	records, next, err := catalog.Records(ctx, tx, service.Name, from, perPage)
	p.pager = v.pager(from.String(), next.String())
	if err != nil {
		return err
	}
	if p.Tasks, err = v.planTyped(ctx, tx, service.Name); err != nil {
		return err
	}
	names := v.names(tx, service.Name)
	for _, r := range records {
		row := recordRow{Record: r}
		if row.Who, err = names.about(ctx, r); err != nil {
			return err
		}
		if r.File != "" {
			row.To = p.Path + "/records/" + r.ID
		}
		p.Records = append(p.Records, row)
	}
	return nil
}

// about is whom a record is about, or, of a plan, which is nobody's, who has recorded it.
func (n naming) about(ctx context.Context, r catalog.Record) (string, error) {
	if r.Kind.OfService() {
		return n.of(ctx, r.AddedBy)
	}
	return n.of(ctx, "officer:"+r.Officer)
}

// officeFile sends the document of a record, to be kept by who may see it. It names who
// holds or held an office, and no child.
func (s *Server) officeFile(v *visit) error {
	var r catalog.Record
	var document []byte
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		service, err := v.of(ctx, tx, staff.SeeOffice)
		if err != nil {
			return err
		}
		r, document, err = catalog.FindRecord(ctx, tx, s.Ring, service.Name, v.r.PathValue("record"))
		if err == nil && r.File == "" {
			err = catalog.ErrRecordNotFound
		}
		return err
	})
	if err == nil {
		err = v.takes(fileRecord)
	}
	if err != nil {
		return err
	}
	v.seen.Shows = "record"
	return v.attach(r.ID, r.File, document)
}

var suffixOf = map[string]string{"application/pdf": ".pdf", "image/png": ".png", "image/jpeg": ".jpg", "application/zip": ".zip"}

// inOffice does something as who holds an office of the service of the address, and shows
// what became of it; whoever has none any more is led home.
func (v *visit) inOffice(done string, fn func(ctx context.Context, tx *db.Tx, in signin.Session, by catalog.Officer) error) error {
	err := v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		by, err := approval.AsOfficer(ctx, tx, in.Person, v.r.PathValue("service"))
		if err != nil {
			return err
		}
		return fn(ctx, tx, in, by)
	})
	if err != nil {
		return v.officePage(err)
	}
	if done == "" {
		return v.to("/console")
	}
	return v.to("/console/offices/{service}", done, "")
}

// planTyped reads the plan in force; a form that was refused is as it was typed.
func (v *visit) planTyped(ctx context.Context, tx *db.Tx, service string) (t planTyped, err error) {
	plan, err := incident.InForce(ctx, tx, service)
	if err == nil {
		t.Number, t.Critical = plan.Number, plan.Critical
		var s incident.Sheet
		s, err = plan.Sheet(v.s.Ring)
		t.Steps, t.Contacts = s.Typed()
	}
	if t.Broken = errors.Is(err, incident.ErrSealed); t.Broken || errors.Is(err, incident.ErrNoPlan) {
		err = nil
	}
	if v.r.PostForm.Has("steps") {
		t.Steps, t.Contacts, t.Critical = v.r.PostFormValue("steps"), v.r.PostFormValue("contacts"), v.value("critical") != ""
	}
	return t, err
}

// adoptPlan puts an emergency plan in force (Article 21).
func (s *Server) adoptPlan(v *visit) error {
	sheet, err := incident.SheetOf(v.r.PostForm)
	if err != nil {
		return v.officePage(err)
	}
	return v.inOffice("planned", func(ctx context.Context, tx *db.Tx, _ signin.Session, by catalog.Officer) error {
		_, _, err := incident.Adopt(ctx, tx, s.Ring, by, by.Service, sheet)
		return err
	})
}

// value is a field of the form, without white space around it.
func (v *visit) value(name string) string { return strings.TrimSpace(v.r.PostFormValue(name)) }

// fillOffice appoints somebody to the office that is vacant, with the document by which
// they are appointed.
func (s *Server) fillOffice(v *visit) error {
	document, err := v.document()
	if err != nil {
		return v.officePage(err)
	}
	return v.inOffice("filled", func(ctx context.Context, tx *db.Tx, _ signin.Session, by catalog.Officer) error {
		_, _, err := catalog.Fill(ctx, tx, s.Ring, by, by.Service, catalog.Role(v.value("role")), v.value("name"), v.value("contact"), document)
		return err
	})
}

// handOverOffice passes the office of whoever asks on to somebody else, or to the deputy.
func (s *Server) handOverOffice(v *visit) error {
	document, err := v.document()
	if err != nil {
		return v.officePage(err)
	}
	return v.inOffice("", func(ctx context.Context, tx *db.Tx, in signin.Session, by catalog.Officer) error {
		if v.r.PostFormValue("to") != "deputy" {
			_, _, err := catalog.HandOver(ctx, tx, s.Ring, by, by.Service, v.value("name"), v.value("contact"), document)
			return err
		}
		former, now, _, err := catalog.HandToDeputy(ctx, tx, s.Ring, by, by.Service, document)
		if err != nil {
			return err
		}
		return staff.Follow(ctx, tx, in.Person, former, now)
	})
}

// ErrNotTyped says that the name of the service wasn't typed, by which something grave is
// confirmed.
var ErrNotTyped = errs.New(errs.Invalid, "console.offices.not_typed")

// layDownOffice ends the office of whoever asks. The gate is closed from then on.
func (s *Server) layDownOffice(v *visit) error {
	if v.value("typed") != v.r.PathValue("service") {
		return v.officePage(ErrNotTyped.At("typed"))
	}
	return v.inOffice("", func(ctx context.Context, tx *db.Tx, _ signin.Session, by catalog.Officer) error {
		_, _, err := catalog.EndOffice(ctx, tx, by, by.Service, by.ID)
		return err
	})
}

// reachOfficer changes how whoever asks is reached in public.
func (s *Server) reachOfficer(v *visit) error {
	return v.inOffice("reached", func(ctx context.Context, tx *db.Tx, _ signin.Session, by catalog.Officer) error {
		_, _, err := catalog.Reach(ctx, tx, by, by.Service, by.ID, v.value("contact"))
		return err
	})
}

// recordOfficer keeps what somebody in office has learned, or by which document they were
// appointed; or the service's emergency plan, or a drill of it.
func (s *Server) recordOfficer(v *visit) error {
	document, err := v.document()
	if err != nil {
		return v.officePage(err)
	}
	return v.inOffice("recorded", func(ctx context.Context, tx *db.Tx, _ signin.Session, by catalog.Officer) error {
		r := catalog.Record{Officer: v.value("officer"), Kind: catalog.RecordKind(v.value("kind")), Day: v.value("day"), Title: v.value("title")}
		_, _, err := catalog.Keep(ctx, tx, s.Ring, by, by.Service, r, document)
		return err
	})
}

// document reads the document of a form, or nothing.
func (v *visit) document() ([]byte, error) {
	if err := v.r.ParseMultipartForm(maxDocument); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return nil, tooLarge(err)
	}
	if err := areText(v.r.PostForm); err != nil {
		return nil, err
	}
	if v.r.MultipartForm == nil || len(v.r.MultipartForm.File["document"]) == 0 {
		return nil, nil
	}
	r, err := v.r.MultipartForm.File["document"][0].Open()
	if err != nil {
		return nil, err
	}
	all, err := io.ReadAll(r)
	return all, errors.Join(err, r.Close())
}
