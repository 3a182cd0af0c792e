package console

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/inspection"
	"wardkeep/internal/inspector"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// inspectionFields are the fields of the filter, as they stand in an address.
var inspectionFields = []string{"service", "stands"}

// inspectionsPage is what inspections.html shows.
type inspectionsPage struct {
	casePage[inspectionRow]
	Invites bool // whoever looks may invite somebody
}

// An inspectionRow is a row of the list.
type inspectionRow struct {
	inspection.Invitation
	Is                                        inspection.State
	Inspector, Authority, Provision, Document string
	Broken                                    bool // it was changed by hand
	To                                        string
}

func inspectionPath(service, name string) string {
	return "/console/inspections/" + service + "/" + name
}

func (v *visit) inspectionRow(i inspection.Invitation, now time.Time) (inspectionRow, error) {
	text, err := i.Text(v.s.Ring)
	row := inspectionRow{i, i.State(now), text.Inspector.Reveal(), text.Authority.Reveal(), text.Provision.Reveal(), text.Document.Reveal(), false, inspectionPath(i.Service, i.ID)}
	if errs.Of(err).Is(inspection.ErrSealed) {
		row.Broken, err = true, nil
	}
	row.Broken = row.Broken || !i.Bound(v.s.Ring)
	return row, err
}

// inspectionCases lists whom of an authority the office has invited.
var inspectionCases = cases[inspectionRow]{
	name: listInspections, page: "inspections", parse: inspection.ParseCursor, read: inspected,
	columns: []string{"number", "id", "service", "inspector", "authority", "provision", "document", "articles", "state", "invited_at", "holds_until", "ended_at", "looks"},
	cells: func(_ *visit, r inspectionRow) []string {
		return []string{r.Number(), r.ID, r.Service, r.Inspector, r.Authority, r.Provision, r.Document, r.Scope.Numbers(), string(r.Is), inFile(r.InvitedAt), inFile(r.Until), inFile(r.EndedAt),
			strconv.FormatInt(r.Looks, 10)}
	},
}

func inspected(ctx context.Context, tx *db.Tx, v *visit, services []string, filter url.Values, from db.Cursor, limit int) (rows []inspectionRow, next db.Cursor, err error) {
	found, next, err := inspection.List(ctx, tx, services, filter.Get("stands") == "closed", from, limit)
	for _, i := range found {
		row, err := v.inspectionRow(i, tx.Now())
		if err != nil {
			return nil, next, err
		}
		rows = append(rows, row)
	}
	return rows, next, err
}

// inspections lists whom of an authority the office has invited (Article 22).
func (s *Server) inspections(v *visit) error {
	return inspectionCases.show(v, func(l casePage[inspectionRow]) any {
		return inspectionsPage{l, v.in.Person.MaySomewhere(staff.InviteInspectors)}
	})
}

func (s *Server) inspectionsFile(v *visit) error { return inspectionCases.file(v) }

// inspectionNewPage is what inspection_new.html shows: the form by which somebody in office invites.
type inspectionNewPage struct {
	Services choices
	Sent     map[string]string // the form that was sent
	Days     int               // at most
	Fresh    bool
	Problem  string
	Field    string
}

// invitationFields are the fields of the form.
var invitationFields = []string{"service", "inspector", "authority", "provision", "document", "articles", "from", "before", "days"}

func (s *Server) showInspectionNew(v *visit) error { return v.inspectionNewPage(nil) }

func (v *visit) inspectionNewPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := inspectionNewPage{Sent: make(map[string]string), Days: inspection.MaxDays, Fresh: v.in.IsFresh(v.now) == nil, Problem: words}
	if problem != nil {
		page.Field = errs.Of(problem).Field
		for _, field := range invitationFields {
			page.Sent[field] = v.value(field)
		}
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		all, err := catalog.List(ctx, tx)
		page.Services = mayIn(v.in.Person, staff.InviteInspectors, all)
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "inspection_new", page)
}

// inspectionScope reads what the form says that an inspector may see.
func (v *visit) inspectionScope() (s inspection.Scope, err error) {
	for _, a := range strings.FieldsFunc(v.value("articles"), func(r rune) bool { return strings.ContainsRune(" ,;，、；", r) }) {
		n, err := strconv.Atoi(a)
		if err != nil {
			return s, inspection.ErrArticles.At("articles")
		}
		s.Articles = append(s.Articles, n)
	}
	s.Articles = inspection.Ascending(s.Articles)
	for field, to := range map[string]*time.Time{"from": &s.From, "before": &s.Before} {
		if *to, err = inspection.DayOf(v.value(field)); err != nil {
			return s, inspection.ErrTime.At(field)
		}
	}
	return s, nil
}

// inviteInspector invites somebody of an authority, and shows the link and the code, once.
func (s *Server) inviteInspector(v *visit) error {
	scope, err := v.inspectionScope()
	if err != nil {
		return v.inspectionNewPage(err)
	}
	days, err := strconv.Atoi(v.value("days"))
	if err != nil {
		return v.inspectionNewPage(inspection.ErrDays.At("days"))
	}
	var one inspection.Invitation
	var keys inspection.Keys
	err = v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		by, err := staff.Acts(ctx, tx, in.Person, staff.InviteInspectors)
		if err != nil {
			return err
		}
		of, err := catalog.Find(ctx, tx, v.value("service"))
		if err == nil && !approval.May(by.Person, by.Action, of) || errs.Of(err).Is(catalog.ErrNotFound) {
			err = staff.ErrMayNot
		}
		if err != nil {
			return err
		}
		one, keys, err = inspection.Invite(ctx, tx, s.Ring, by, of.Name, scope, days,
			inspection.NewText(v.value("inspector"), v.value("authority"), v.value("provision"), v.value("document")))
		return err
	})
	switch {
	case err == nil:
		return v.inspectionPage(one.Service, one.ID, &admission{inspector.EntryURL(s.Desk, keys.Link), keys.Code}, nil)
	case errs.Of(err).Is(staff.ErrMayNot):
		return err
	}
	return v.inspectionNewPage(err)
}

// An admission is what an inspector comes in by, which is shown once.
type admission struct{ Link, Code string }

// inspectionPage is what inspection.html shows.
type inspectionPage struct {
	pager
	inspectionRow
	Who, Ender string // has invited, has ended it
	Given      *admission
	Looked     []inspection.Look
	Receives   bool // whoever looks may give a code and end it
	Fresh      bool
	Problem    string
}

func (s *Server) inspection(v *visit) error {
	return v.inspectionPage(v.r.PathValue("service"), v.r.PathValue("inspection"), nil, nil)
}

// inspectionPage shows an invitation, and at what was looked by it.
func (v *visit) inspectionPage(of, name string, keys *admission, problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := inspectionPage{Given: keys, Fresh: v.in.IsFresh(v.now) == nil, Problem: words}
	from, _ := strconv.ParseInt(v.r.URL.Query().Get("from"), 10, 64) // what is no number begins with the last
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		service, err := catalog.Find(ctx, tx, of)
		if err == nil && !approval.May(v.in.Person, staff.SeeInspections, service) {
			v.notTheirs()
			err = catalog.ErrNotFound
		}
		if errs.Of(err).Is(catalog.ErrNotFound) {
			err = inspection.ErrNotFound
		}
		if err != nil {
			return err
		}
		i, err := inspection.Named(ctx, tx, service.Name, name)
		if err != nil {
			return err
		}
		if page.inspectionRow, err = v.inspectionRow(i, tx.Now()); err != nil {
			return err
		}
		page.Receives = approval.May(v.in.Person, staff.ReceiveInspectors, service) && (page.Is == inspection.Waits || page.Is == inspection.Open)
		names := v.names(tx, service.Name)
		if page.Who, err = names.ofStaff(ctx, i.InvitedBy); err != nil {
			return err
		}
		if page.Ender, err = names.of(ctx, i.EndedBy); err != nil {
			return err
		}
		if page.Looked, err = inspection.LooksOf(ctx, tx, i, from, perPage+1); err != nil {
			return err
		}
		begins, next := "", ""
		if from > 0 {
			begins = strconv.FormatInt(from, 10)
		}
		if len(page.Looked) > perPage {
			page.Looked = page.Looked[:perPage]
			next = strconv.FormatInt(page.Looked[perPage-1].Number, 10)
		}
		page.pager = v.pager(begins, next)
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(status, "inspection", page)
}

// codeInspector gives an inspector a new code, which is shown once. The link stays the same.
func (s *Server) codeInspector(v *visit) error {
	var code string
	err := v.dealt(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) (err error) {
		_, code, err = inspection.Code(ctx, tx, s.Ring, by, service, v.r.PathValue("inspection"))
		return err
	})
	switch {
	case err == nil:
		return v.inspectionPage(v.r.PathValue("service"), v.r.PathValue("inspection"), &admission{Code: code}, nil)
	case errs.Of(err).Is(staff.ErrMayNot):
		return err
	}
	return v.inspectionPage(v.r.PathValue("service"), v.r.PathValue("inspection"), nil, err)
}

// endInspection ends an inspection, at once.
func (s *Server) endInspection(v *visit) error {
	err := v.dealt(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) error {
		_, err := inspection.End(ctx, tx, s.Ring, by, service, v.r.PathValue("inspection"))
		return err
	})
	switch {
	case err == nil:
		return v.to("/console/inspections/{service}/{inspection}")
	case errs.Of(err).Is(staff.ErrMayNot):
		return err
	}
	return v.inspectionPage(v.r.PathValue("service"), v.r.PathValue("inspection"), nil, err)
}
