package console

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/edge"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/staff"
	"wardkeep/internal/verification"
	"wardkeep/internal/watermark"
)

// ErrAtTerminal refuses to show what can't be drawn with its marks: a PDF, or a picture of
// too many pixels. It is looked at at the terminal, by who is in office.
var ErrAtTerminal = errs.New(errs.Invalid, "console.evidence.at_terminal")

// evidenceFields are the fields of the filter, as they stand in an address.
var evidenceFields = []string{"service", "waits"}

// lookTime is for how long a page keeps a document in sight, in seconds.
const lookTime = 600

// papers is the desk that decides about documents, whether or not guardians are offered to
// send any.
func (s *Server) papers() verification.Desk {
	return verification.Desk{Consent: consent.Desk{Ring: s.Ring, Charters: s.Vault.Gate.Charters}, Documents: true, Looks: s.Vault.Looks}
}

// evidencePage is what evidence.html shows.
type evidencePage struct {
	casePage[documentRow]
	Waits []verification.Waits
}

// A documentRow is a row of the list: nothing that is in a document, and no child.
type documentRow struct {
	verification.Attempt
	FirstBy string // the name of who approved it first
	Saw     bool   // whoever looks at the list has
	Mine    bool   // whoever looks at the list approved it first
	To      string
}

// Waits is for whom it waits, as a word.
func (r documentRow) Waits() verification.Waits {
	if r.First != "" {
		return verification.ForSecond
	}
	return verification.ForFirst
}

func documentPath(service, name string) string { return "/console/evidence/" + service + "/" + name }

// documentCases lists the documents of guardians that wait to be judged.
var documentCases = cases[documentRow]{
	name: listEvidence, page: "evidence", parse: verification.ParseCursor, read: documents,
	columns: []string{"number", "id", "service", "sent_at", "answer_by", "state", "first"},
	cells: func(v *visit, r documentRow) []string {
		return []string{r.Number(), r.ID, r.Service, inFile(r.StartedAt), inFile(r.ExpiresAt), v.lang.T("console.evidence.waits." + string(r.Waits())), r.FirstBy}
	},
}

func documents(ctx context.Context, tx *db.Tx, v *visit, services []string, filter url.Values, from db.Cursor, limit int) (rows []documentRow, next db.Cursor, err error) {
	found, next, err := verification.Documents(ctx, tx, services, verification.Waits(filter.Get("waits")), from, limit)
	if err != nil {
		return nil, next, err
	}
	names := v.names(tx, "")
	for _, a := range found {
		first, err := names.in(a.Service).ofStaff(ctx, a.First)
		if err != nil {
			return nil, next, err
		}
		rows = append(rows, documentRow{a, first, slices.Contains(a.Seen, v.in.Person.ID), a.First == v.in.Person.ID, documentPath(a.Service, a.ID)})
	}
	return rows, next, nil
}

// toJudge lists the documents of guardians that wait to be judged (Article 9).
func (s *Server) toJudge(v *visit) error {
	return documentCases.show(v, func(l casePage[documentRow]) any {
		return evidencePage{l, []verification.Waits{verification.ForFirst, verification.ForSecond}}
	})
}

func (s *Server) evidenceFile(v *visit) error { return documentCases.file(v) }

// documentPage is what document.html and document_view.html show. It holds nothing that is
// in the document: that comes as a picture, by a form of its own, and stays in no page.
type documentPage struct {
	verification.Attempt
	Path     string
	Ref      string // what the operator calls the child, for who judges
	Subject  string // its pseudonym in the ledger
	Relation family.Relation
	Gone     bool      // the guardian's tie has ended: nobody looks at it any more
	Ends     time.Time // when nobody can decide any more
	Pages    []string  // their kinds
	SeenBy   []string  // names
	FirstBy  string    // the name of who approved it first
	Holds    time.Time // the last day on which it proves something, as they read it; zero: no end
	HasEnd   bool      // it must have one
	May      bool      // whoever looks judges in this service
	Saw      bool      // whoever looks has
	Mine     bool      // whoever looks approved it first
	Terminal string    // the command, where it can't be shown here
	Fresh    bool
	Flaws    []verification.Flaw
	Chosen   map[string]string // in the form that was sent
	Problem  string
	Field    string
	Time     int          // seconds that a page keeps it in sight
	Marks    template.URL // a picture of the visible words, to lie over the page
}

// Waiting reports whether it waits to be judged.
func (p documentPage) Waiting() bool { return p.State == verification.Started }

func (s *Server) document(v *visit) error { return v.documentPage(nil) }

// filed returns a document of a service in which the person may see that it waits. Of
// others nobody learns that there are any.
func (v *visit) filed(ctx context.Context, tx *db.Tx, a staff.Action) (found verification.Attempt, pages []string, service catalog.Service, err error) {
	service, err = v.of(ctx, tx, a)
	if errs.Of(err).Is(catalog.ErrNotFound) {
		err = verification.ErrNotFound
	}
	if err != nil {
		return found, nil, service, err
	}
	found, pages, err = verification.Document(ctx, tx, service.Name, v.r.PathValue("attempt"))
	return found, pages, service, err
}

func (p *documentPage) fill(ctx context.Context, tx *db.Tx, v *visit, needs staff.Action) error {
	a, pages, service, err := v.filed(ctx, tx, needs)
	if err != nil {
		return err
	}
	c, err := family.Find(ctx, tx, a.Service, a.Child)
	if err != nil {
		return err
	}
	g, err := family.FindGuardian(ctx, tx, c.ID, a.Guardian)
	if errs.Of(err).Is(family.ErrGuardianEnded) {
		p.Gone, err = true, nil // edge case 8
	}
	if err != nil {
		return err
	}
	p.Attempt, p.Pages, p.Path, p.Subject, p.Ends = a, pages, documentPath(a.Service, a.ID), c.Subject, a.WaitsUntil(c)
	p.May = approval.May(v.in.Person, staff.JudgeEvidence, service)
	p.Saw, p.Mine = slices.Contains(a.Seen, v.in.Person.ID), a.First == v.in.Person.ID
	p.Relation, p.HasEnd = g.Relation, g.Relation == family.Institution
	if p.May {
		ref, err := c.Ref(v.s.Ring)
		if err != nil {
			return err
		}
		p.Ref = ref.Reveal()
	}
	if slices.Contains(pages, "pdf") {
		p.Terminal = "wardkeep verification show --service " + a.Service + v.as(a.Service) + " " + a.ID + " --to DIR"
	}
	if !a.Until.IsZero() {
		p.Holds = a.Until.AddDate(0, 0, -1)
	}
	names := v.names(tx, a.Service)
	for _, who := range a.Seen {
		name, err := names.ofStaff(ctx, who)
		if err != nil {
			return err
		}
		p.SeenBy = append(p.SeenBy, name)
	}
	p.FirstBy, err = names.ofStaff(ctx, a.First)
	return err
}

func (v *visit) documentPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := documentPage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil, Flaws: verification.Flaws, Chosen: make(map[string]string)}
	if problem != nil {
		page.Field = errs.Of(problem).Field
		for _, field := range []string{"until", "flaw"} {
			page.Chosen[field] = v.value(field)
		}
	}
	if err := v.view(func(ctx context.Context, tx *db.Tx) error { return page.fill(ctx, tx, v, staff.SeeEvidence) }); err != nil {
		return err
	}
	return v.show(status, "document", page)
}

// watchDocument shows a document, masked.
func (s *Server) watchDocument(v *visit) error {
	if !v.namesNothing() {
		return ErrFields
	}
	page := documentPage{Fresh: v.in.IsFresh(v.now) == nil, Time: lookTime}
	if err := v.view(func(ctx context.Context, tx *db.Tx) error { return page.fill(ctx, tx, v, staff.JudgeEvidence) }); err != nil {
		return err
	}
	if !page.Waiting() || page.Gone || page.Terminal != "" {
		return v.to(page.Path) // there is nothing to see here
	}
	page.Marks = edge.Overlay(v.mark(page.Number()))
	visitor.Script(v.w)
	return v.show(http.StatusOK, "document_view", page)
}

// revealDocument answers with a picture of all pages, once: as of a value (reveal), the look
// is recorded in the transaction that opens them, and the picture is drawn after its commit
// (invariant 2). Who has looked may judge.
func (s *Server) revealDocument(v *visit) error {
	picture, err := s.drawDocument(v)
	if err != nil {
		return v.inWords(err)
	}
	return v.sendPicture(picture)
}

func (s *Server) drawDocument(v *visit) ([]byte, error) {
	item, err := v.item()
	if err == nil && item != "document" {
		err = ErrFields
	}
	if err != nil {
		return nil, err
	}
	free, err := s.oneScan(v) // before its pages are read
	if err != nil {
		return nil, err
	}
	defer free()
	var a verification.Attempt
	scan := watermark.Scan{Label: v.lang.T("console.evidence.label")}
	err = v.actingAs(unheld, func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) error {
		found, kinds, err := verification.Document(ctx, tx, service, v.r.PathValue("attempt"))
		if err == nil && slices.Contains(kinds, "pdf") {
			err = ErrAtTerminal
		}
		if err != nil {
			return err
		}
		var pages []verification.Page
		if a, pages, _, err = s.papers().Show(ctx, tx, by, found.ID); err != nil {
			return err
		}
		scan.Pages = nil
		for _, p := range pages {
			if err := watermark.CanDraw(p.Data); err != nil {
				return ErrAtTerminal // nothing was shown, and nothing is recorded
			}
			scan.Pages = append(scan.Pages, p.Data)
		}
		// The mark says who of those that have seen it looks.
		scan.Mark = watermark.New(s.Ring, a.Number(), int64(slices.Index(a.Seen, by.ID)+1))
		return nil
	})
	if err != nil {
		return nil, err
	}
	scan.Visible = v.mark(a.Number())
	return watermark.DrawScan(scan)
}

// judged does something about the document of the address, and shows what became of it.
func (v *visit) judged(fn func(ctx context.Context, tx *db.Tx, by staff.Acting, name string) error) error {
	err := v.dealt(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) error {
		a, _, err := verification.Document(ctx, tx, service, v.r.PathValue("attempt"))
		if err != nil {
			return err
		}
		return fn(ctx, tx, by, a.ID)
	})
	switch e := errs.Of(err); {
	case err == nil:
		return v.to("/console/evidence/{service}/{attempt}")
	case e.Is(staff.ErrMayNot):
		return err
	}
	return v.documentPage(err)
}

// approveDocument says that a document shows a grown-up who speaks for the child: as the
// first of two, or as the second (edge case 24).
func (s *Server) approveDocument(v *visit) error {
	var until time.Time
	if text := v.value("until"); text != "" {
		day, err := time.ParseInLocation(time.DateOnly, text, age.Zone)
		if err != nil {
			return v.documentPage(verification.ErrUntil.At("until"))
		}
		until = day.AddDate(0, 0, 1) // it ends with that day
	}
	return v.judged(func(ctx context.Context, tx *db.Tx, by staff.Acting, name string) error {
		_, _, err := s.papers().Approve(ctx, tx, by, name, until)
		return err
	})
}

// refuseDocument says what is wrong with one. One person is enough.
func (s *Server) refuseDocument(v *visit) error {
	return v.judged(func(ctx context.Context, tx *db.Tx, by staff.Acting, name string) error {
		_, _, err := s.papers().Refuse(ctx, tx, by, name, verification.Flaw(v.value("flaw")))
		return err
	})
}
