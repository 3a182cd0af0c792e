package console

import (
	"context"
	"mime"
	"net/url"
	"strconv"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/complaint"
	"wardkeep/internal/incident"
	"wardkeep/internal/rights"
	"wardkeep/internal/staff"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/takedown"
)

// complaintFields are the fields of the filter, as they stand in an address.
var complaintFields = []string{"service", "kind", "stands"}

// complaintsPage is what complaints.html shows.
type complaintsPage struct {
	casePage[complaintRow]
	Kinds []complaint.Kind
	Years int // for how long a report is kept
}

// A complaintRow is a row of the list: nothing of what was written.
type complaintRow struct {
	complaint.Complaint
	State complaint.State
	Late  bool
	To    string
}

func complaintPath(service, name string) string { return "/console/reports/" + service + "/" + name }

func (s *Server) reportDesk() complaint.Desk {
	return complaint.Desk{Ring: s.Ring, Calendar: s.Calendar, Clocks: complaint.Clocks{Acknowledge: s.Clocks.Acknowledge, Finish: s.Clocks.Finish}}
}

// complaintCases lists what was reported to the desk.
var complaintCases = cases[complaintRow]{
	name: listComplaints, page: "complaints", parse: complaint.ParseCursor, read: complained,
	columns: []string{"number", "id", "service", "kind", "state", "received_at", "due_by", "outcome", "closed_at"},
	cells: func(_ *visit, r complaintRow) []string {
		return []string{r.Number(), r.ID, r.Service, string(r.Kind), string(r.State), inFile(r.ReceivedAt), inFile(r.DueAt), string(r.Outcome), inFile(r.ClosedAt)}
	},
}

func complained(ctx context.Context, tx *db.Tx, _ *visit, services []string, filter url.Values, from db.Cursor, limit int) (rows []complaintRow, next db.Cursor, err error) {
	stands := filter.Get("stands")
	want := complaint.Wanted{Closed: stands == "closed", Late: stands == "late", Kind: complaint.Kind(filter.Get("kind"))}
	found, next, err := complaint.List(ctx, tx, services, want, from, limit)
	for _, c := range found {
		rows = append(rows, complaintRow{c, c.State(tx.Now()), c.Late(tx.Now()), complaintPath(c.Service, c.ID)})
	}
	return rows, next, err
}

// complaints lists what was reported to the desk (Article 24).
func (s *Server) complaints(v *visit) error {
	return complaintCases.show(v, func(l casePage[complaintRow]) any {
		return complaintsPage{l, complaint.Kinds, int(complaint.Kept.Hours() / (365 * 24))}
	})
}

func (s *Server) complaintsFile(v *visit) error { return complaintCases.file(v) }

// complaintPage is what complaint.html shows.
type complaintPage struct {
	complaint.Complaint
	Path       string
	State      complaint.State
	Late       bool
	May        bool // whoever looks deals with it
	Fresh      bool
	Texts      []complaintText // that were read a moment ago
	Attached   []complaint.File
	Answers    []complaint.Outcome
	Dismissals []complaint.Outcome
	CaseTo     string            // the page of what was made of it, where there is one
	Chosen     map[string]string // in the form that was sent
	Problem    string
	Field      string
}

// A complaintText is a text of a report in plain words, and who has written it.
type complaintText struct {
	complaint.Text
	Who string // of the staff; empty: the reporter
}

// Plain returns what was written.
func (t complaintText) Plain() string { return t.Words.Reveal() }

// Called returns the name that the reporter has given, or nothing.
func (t complaintText) Called() string { return t.Name.Reveal() }

// Reached returns how the reporter can be reached, or nothing.
func (t complaintText) Reached() string { return t.Contact.Reveal() }

func (s *Server) complaint(v *visit) error { return v.complaintPage(nil, nil) }

// readComplaint shows, with its page, what was written. That it is read is on record before
// (Invariant 2).
func (s *Server) readComplaint(v *visit) error {
	var texts []complaint.Text
	err := v.dealt(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) (err error) {
		_, texts, err = s.reportDesk().Show(ctx, tx, by, service, v.r.PathValue("complaint"))
		return err
	})
	if errs.Of(err).Is(staff.ErrMayNot) {
		return err
	}
	return v.complaintPage(err, texts)
}

// complaintSuffixes are how an attachment ends that is saved, by what it is.
var complaintSuffixes = map[string]string{"application/pdf": ".pdf", "image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}

// complaintFile hands over an attachment, on record, as a file: nothing of what a stranger has
// sent is ever shown by the console.
func (s *Server) complaintFile(v *visit) error {
	var file complaint.File
	var data pii.Text
	number, err := strconv.ParseInt(v.value("file"), 10, 64)
	if err != nil {
		return v.complaintPage(complaint.ErrNotFound, nil)
	}
	err = v.dealt(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) (err error) {
		file, data, err = s.reportDesk().Fetch(ctx, tx, by, service, v.r.PathValue("complaint"), number)
		return err
	})
	switch e := errs.Of(err); {
	case e.Is(staff.ErrMayNot):
		return err
	case err != nil:
		return v.complaintPage(err, nil)
	}
	v.seen.Shows = "attachment"
	body, h := []byte(data.Reveal()), v.w.Header()
	h.Set("Content-Type", file.Kind)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": file.Complaint + "-" + strconv.FormatInt(file.Nth(), 10) + complaintSuffixes[file.Kind]}))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, err = v.w.Write(body)
	return err
}

func (v *visit) complaintPage(problem error, read []complaint.Text) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := complaintPage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil, Answers: complaint.Answers, Dismissals: complaint.Dismissals, Chosen: make(map[string]string)}
	if problem != nil {
		page.Field = errs.Of(problem).Field
		for _, field := range []string{"outcome", "words", "case"} {
			page.Chosen[field] = v.r.PostFormValue(field)
		}
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		service, err := v.of(ctx, tx, staff.SeeReports)
		if errs.Of(err).Is(catalog.ErrNotFound) {
			err = complaint.ErrNotFound
		}
		if err != nil {
			return err
		}
		one, err := complaint.Find(ctx, tx, service.Name, v.r.PathValue("complaint"))
		if err != nil {
			return err
		}
		page.Complaint, page.Path, page.State, page.Late = one, complaintPath(one.Service, one.ID), one.State(tx.Now()), one.Late(tx.Now())
		page.May = v.in.Person.May(staff.HandleReports, service.Name)
		if page.Attached, err = complaint.FilesOf(ctx, tx, one); err != nil {
			return err
		}
		if one.Linked != "" {
			page.CaseTo = v.caseOf(one)
		}
		names := v.names(tx, one.Service)
		for _, text := range read {
			of := complaintText{Text: text}
			if !text.Theirs() {
				if of.Who, err = names.of(ctx, text.By); err != nil {
					return err
				}
			}
			page.Texts = append(page.Texts, of)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(status, "complaint", page)
}

// caseOf is the page of what was made of a report, where whoever looks has one.
func (v *visit) caseOf(c complaint.Complaint) string {
	may := func(a staff.Action) bool { return v.in.Person.May(a, c.Service) }
	switch {
	case id.Is(id.Incident, c.Linked) && may(staff.SeeIncidents):
		return incidentPath(c.Service, c.Linked)
	case id.Is(id.Suspicion, c.Linked) && may(staff.SeeSuspicions):
		return suspicionPath(c.Service, c.Linked)
	case id.Is(id.Takedown, c.Linked) && may(staff.SeeTakedowns):
		return takedownPath(c.Service, c.Linked)
	case id.Is(id.Rights, c.Linked) && may(staff.HandleDemands):
		return demandPath(rights.Request{Service: c.Service, ID: c.Linked})
	}
	return ""
}

// changedComplaint does something about the report of the address, and shows what became of it.
func (v *visit) changedComplaint(fn func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error) error {
	err := v.dealt(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) error {
		return fn(ctx, tx, by, service, v.r.PathValue("complaint"))
	})
	switch e := errs.Of(err); {
	case err == nil:
		return v.to("/console/reports/{service}/{complaint}")
	case e.Is(staff.ErrMayNot):
		return err
	}
	return v.complaintPage(err, nil)
}

func (s *Server) acknowledgeComplaint(v *visit) error {
	return v.changedComplaint(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		_, err := s.reportDesk().Acknowledge(ctx, tx, by, service, name)
		return err
	})
}

func (s *Server) answerComplaint(v *visit) error {
	return v.changedComplaint(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		_, err := s.reportDesk().Answer(ctx, tx, by, service, name, complaint.Outcome(v.value("outcome")), pii.New(v.value("words")))
		return err
	})
}

func (s *Server) dismissComplaint(v *visit) error {
	return v.changedComplaint(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		_, err := s.reportDesk().Dismiss(ctx, tx, by, service, name, complaint.Outcome(v.value("outcome")))
		return err
	})
}

// linkComplaint says which case was made of a report, by the number that people call it by.
func (s *Server) linkComplaint(v *visit) error {
	return v.changedComplaint(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		to, err := v.caseNumbered(ctx, tx, service, v.value("case"))
		if err == nil {
			_, err = s.reportDesk().Link(ctx, tx, by, service, name, to)
		}
		return err
	})
}

// caseNumbered returns the one case of a service that goes by a number. Two that share one,
// which hardly ever are, are no one's case. Errors: complaint.ErrLink.
func (v *visit) caseNumbered(ctx context.Context, tx *db.Tx, service, said string) (string, error) {
	number, ok := id.ParseNumber(said)
	if !ok {
		return "", complaint.ErrLink.At("case")
	}
	var found []string
	leaks, err := incident.NumberedIn(ctx, tx, []string{service}, number)
	if err != nil {
		return "", err
	}
	for _, one := range leaks {
		found = append(found, one.ID)
	}
	suspected, err := suspicion.NumberedIn(ctx, tx, []string{service}, number)
	if err != nil {
		return "", err
	}
	for _, one := range suspected {
		found = append(found, one.ID)
	}
	contents, err := takedown.NumberedIn(ctx, tx, []string{service}, number)
	if err != nil {
		return "", err
	}
	for _, one := range contents {
		found = append(found, one.ID)
	}
	demands, err := rights.OfNumber(ctx, tx, service, number, 2)
	if err != nil {
		return "", err
	}
	for _, one := range demands {
		found = append(found, one.ID)
	}
	if len(found) != 1 {
		return "", complaint.ErrLink.At("case")
	}
	return found[0], nil
}
