package console

import (
	"context"
	"mime"
	"net/url"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family/age"
	"wardkeep/internal/rectification"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// rectificationFields are the fields of the filter, as they stand in an address.
var rectificationFields = []string{"service", "what", "owner", "stands"}

// rectify is what a filter calls what Article 25 is about: summonses and items together.
const rectify = "rectify"

// whats are what a filter may ask for.
var whats = map[string][]rectification.What{
	rectify: {rectification.Summons, rectification.Item}, string(rectification.Summons): {rectification.Summons}, string(rectification.Item): {rectification.Item},
	string(rectification.Sanction): {rectification.Sanction}, string(rectification.Credit): {rectification.Credit},
}

// rectificationsPage is what rectifications.html shows.
type rectificationsPage struct {
	casePage[rectificationRow]
	Whats   []rectification.What
	Records bool // whoever looks may record one
}

// A rectificationRow is a row of the list: nothing of what was written.
type rectificationRow struct {
	rectification.Matter
	Who  string // looks after it
	Late bool
	To   string
}

func rectificationPath(m rectification.Matter) string {
	return "/console/rectifications/" + m.Service + "/" + m.ID
}

func (v *visit) rectificationRow(ctx context.Context, tx *db.Tx, names naming, m rectification.Matter) (rectificationRow, error) {
	who, err := names.in(m.Service).ofStaff(ctx, m.Owner)
	return rectificationRow{m, who, m.Late(tx.Now()), rectificationPath(m)}, err
}

func (v *visit) rectificationRows(ctx context.Context, tx *db.Tx, names naming, all []rectification.Matter) (rows []rectificationRow, err error) {
	for _, m := range all {
		row, err := v.rectificationRow(ctx, tx, names, m)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// rectificationCases lists what authorities demand, and what has to be put right.
var rectificationCases = cases[rectificationRow]{
	name: listRectifications, page: "rectifications", parse: rectification.ParseCursor, read: demandedByAuthorities,
	columns: []string{"number", "id", "service", "what", "part_of", "sort", "amount", "appealed", "state", "owner", "dated", "recorded_at", "done_by", "proved_at", "confirmed_at", "postponed", "reopened"},
	cells: func(_ *visit, r rectificationRow) []string {
		return []string{r.Number(), r.ID, r.Service, string(r.What), r.PartOf, string(r.Sort), r.Yuan(), strconv.FormatBool(r.Appealed), string(r.State()), r.Who, r.Dated,
			inFile(r.OpenedAt), r.LastDay(), inFile(r.DoneAt), inFile(r.ClosedAt), strconv.FormatInt(r.Postponed, 10), strconv.FormatInt(r.Reopened, 10)}
	},
}

func demandedByAuthorities(ctx context.Context, tx *db.Tx, v *visit, services []string, filter url.Values, from db.Cursor, limit int) (rows []rectificationRow, next db.Cursor, err error) {
	want := rectification.Wanted{Closed: filter.Get("stands") == "closed", What: whats[filter.Get("what")], Owner: v.owner(filter)}
	found, next, err := rectification.List(ctx, tx, services, want, from, limit)
	if err != nil {
		return nil, next, err
	}
	rows, err = v.rectificationRows(ctx, tx, v.names(tx, ""), found)
	return rows, next, err
}

// rectifications lists what authorities demand, and what has to be put right (Articles 25, 26
// and 27).
func (s *Server) rectifications(v *visit) error {
	return rectificationCases.show(v, func(l casePage[rectificationRow]) any {
		return rectificationsPage{l, rectification.Whats, v.in.Person.MaySomewhere(staff.ManageRectifications)}
	})
}

func (s *Server) rectificationsFile(v *visit) error { return rectificationCases.file(v) }

// Yuan is what has to be paid, as "50000.00"; "" where nothing has.
func (r rectificationRow) Yuan() string { return yuan(r.Amount) }

func yuan(fen int64) string {
	if fen == 0 {
		return ""
	}
	cents := strconv.FormatInt(fen%100, 10)
	return strconv.FormatInt(fen/100, 10) + "." + "0"[len(cents)-1:] + cents
}

// fenOf reads an amount of yuan, "50000" or "50000.5"; what is none is less than nothing, which
// is refused.
func fenOf(text string) int64 {
	if text == "" {
		return 0
	}
	whole, part, _ := strings.Cut(text, ".")
	yuan, err := strconv.ParseUint(whole, 10, 40)
	cents, err2 := strconv.ParseUint((part + "00")[:2], 10, 7)
	if err != nil || err2 != nil || len(part) > 2 {
		return -1
	}
	return int64(yuan*100 + cents)
}

// rectificationNewPage is what rectification_new.html shows: the form by which somebody in
// office records what an authority demands, or what was found; or, before it, what it may be.
type rectificationNewPage struct {
	What     rectification.What // empty: it is chosen first
	Whats    []rectification.What
	Whole    rectification.Matter // of which it is a part, or none
	Path     string               // where the form goes
	Back     string
	Services choices
	Sources  []rectification.Source
	Sorts    []rectification.Sort
	Sent     map[string]string // the form that was sent
	Fresh    bool
	Problem  string
	Field    string
}

// Authority reports whether it is an authority's.
func (p rectificationNewPage) Authority() bool { return p.What != rectification.Item }

// recordable are what is recorded by itself: an entry in a credit file belongs to its sanction.
var recordable = []rectification.What{rectification.Summons, rectification.Item, rectification.Sanction}

func (s *Server) showRectificationNew(v *visit) error { return v.rectificationNewPage(nil) }

// rectificationNewPage shows the form, of its own page or of that of the matter to which what is
// recorded belongs.
func (v *visit) rectificationNewPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := rectificationNewPage{Whats: recordable, Path: "/console/rectifications/new", Back: "/console/rectifications", Sources: rectification.Found,
		Sorts: rectification.Sorts, Fresh: v.in.IsFresh(v.now) == nil, Sent: make(map[string]string), Problem: words}
	what := v.r.URL.Query().Get("what")
	if problem != nil {
		what, page.Field = v.value("what"), errs.Of(problem).Field
		for _, field := range []string{"service", "source", "sort", "amount", "appealed", "owner", "dated", "due", "authority", "document", "provision", "words"} {
			page.Sent[field] = v.value(field)
		}
	}
	if whats[what] != nil && what != rectify && what != string(rectification.Credit) {
		page.What = rectification.What(what)
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		if v.r.PathValue("rectification") == "" {
			services, err := catalog.List(ctx, tx)
			page.Services = mayIn(v.in.Person, staff.ManageRectifications, services)
			return err
		}
		page.Whole, _, err = v.matter(ctx, tx, staff.ManageRectifications)
		page.What, page.Back = partsOf[page.Whole.What], rectificationPath(page.Whole)
		page.Path = page.Back + "/part"
		if err == nil && page.What == "" {
			err = rectification.ErrNotFound
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "rectification_new", page)
}

// partsOf is what belongs to what.
var partsOf = map[rectification.What]rectification.What{rectification.Summons: rectification.Item, rectification.Sanction: rectification.Credit}

// recordRectification records a summons, a sanction or what was found, or what belongs to one.
func (s *Server) recordRectification(v *visit) error {
	service := v.r.PathValue("service")
	if service == "" {
		if service = v.value("service"); service == "" {
			return v.rectificationNewPage(rectification.ErrWhat.At("what"))
		}
	}
	var one rectification.Matter
	err := v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		by, err := staff.Acts(ctx, tx, in.Person, staff.ManageRectifications)
		if err != nil {
			return err
		}
		of, err := catalog.Find(ctx, tx, service)
		if err == nil && !approval.May(by.Person, by.Action, of) || errs.Of(err).Is(catalog.ErrNotFound) {
			err = staff.ErrMayNot
		}
		if err != nil {
			return err
		}
		m := rectification.Matter{Service: of.Name, What: rectification.What(v.value("what")), PartOf: v.r.PathValue("rectification"),
			Source: rectification.Source(v.value("source")), Sort: rectification.Sort(v.value("sort")), Amount: fenOf(v.value("amount")), Appealed: v.value("appealed") != "",
			Owner: by.ID, Dated: v.value("dated")}
		if who := v.value("owner"); who != "" {
			owner, err := meant(ctx, tx, who, staff.ProveRectifications, of.Name, rectification.ErrOwner.At("owner"))
			if err != nil {
				return err
			}
			m.Owner = owner.ID
		}
		one, _, err = rectification.Record(ctx, tx, s.Ring, by, m, v.value("due"), rectification.Text{Authority: pii.New(v.value("authority")),
			Document: pii.New(v.value("document")), Provision: pii.New(v.value("provision")), Words: pii.New(v.value("words"))})
		return err
	})
	switch {
	case err == nil:
		return v.to(rectificationPath(one))
	case errs.Of(err).Is(staff.ErrMayNot):
		return err
	}
	return v.rectificationNewPage(err)
}

// meant returns the one person who may do that in a service and whom a name or an id means, or
// the refusal of who is none of them.
func meant(ctx context.Context, tx *db.Tx, who string, a staff.Action, service string, none *errs.Error) (found staff.Person, err error) {
	people, err := staff.Called(ctx, tx, who)
	if err != nil {
		return found, err
	}
	n := 0
	for _, p := range people {
		if p.May(a, service) {
			found = p
			n++
		}
	}
	switch n {
	case 0:
		return found, none
	case 1:
		return found, nil
	}
	return found, ErrNamesakes.At(none.Field)
}

// A rectificationNote is a text of a matter: who has written it and when; and what, where it was
// read on record before.
type rectificationNote struct {
	rectification.Note
	Authority, Document, Provision, Words string
	Day                                   string
	Broken                                bool // it was changed by hand
	Who                                   string
	To                                    string // where its document is
}

// rectificationPage is what rectification.html shows.
type rectificationPage struct {
	rectificationRow
	Path    string
	Whole   string // the page of that of which it is a part, or ""
	WholeNo string // and its number
	Notes   []rectificationNote
	Read    bool // its texts were read a moment ago, and are shown
	Parts   []rectificationRow
	Part    rectification.What // that may be recorded with it, or ""
	Opener  string             // who has recorded it
	Prover  string
	Closer  string
	Today   string
	Others  []named // to whom it can be handed
	Many    bool    // there are more, and somebody is named

	// What whoever looks may do.
	Proves, Confirms, Manages, Appeals, Joins bool

	Fresh   bool
	Sent    map[string]string // the form that was sent
	Form    string            // which
	Problem string
	Field   string
}

// matter returns what the address names, of a service in which the person may do that. Of
// others nobody learns that there are any.
func (v *visit) matter(ctx context.Context, tx *db.Tx, a staff.Action) (rectification.Matter, catalog.Service, error) {
	service, err := v.of(ctx, tx, a)
	if errs.Of(err).Is(catalog.ErrNotFound) {
		err = rectification.ErrNotFound
	}
	if err != nil {
		return rectification.Matter{}, service, err
	}
	m, err := rectification.Find(ctx, tx, service.Name, v.r.PathValue("rectification"))
	return m, service, err
}

func (s *Server) rectification(v *visit) error { return v.rectificationPage(nil, nil) }

// readRectification shows, with its page, what was written about a matter. That it is read is on
// record before (Invariant 2).
func (s *Server) readRectification(v *visit) error {
	var read []rectification.Note
	err := v.dealt(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) (err error) {
		_, read, err = rectification.Read(ctx, tx, by, service, v.r.PathValue("rectification"))
		return err
	})
	if errs.Of(err).Is(staff.ErrMayNot) {
		return err
	}
	return v.rectificationPage(err, read)
}

func (v *visit) rectificationPage(problem error, read []rectification.Note) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := rectificationPage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil, Read: read != nil, Sent: make(map[string]string), Today: v.now.In(age.Zone).Format(time.DateOnly)}
	if problem != nil {
		page.Field, page.Form = errs.Of(problem).Field, v.r.URL.Path[strings.LastIndexByte(v.r.URL.Path, '/')+1:]
		for _, field := range []string{"day", "due", "words"} {
			page.Sent[field] = v.value(field)
		}
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		m, service, err := v.matter(ctx, tx, staff.SeeRectifications)
		if err != nil {
			return err
		}
		names := v.names(tx, m.Service)
		if page.rectificationRow, err = v.rectificationRow(ctx, tx, names, m); err != nil {
			return err
		}
		page.Path = page.To
		if m.PartOf != "" {
			whole := rectification.Matter{Service: m.Service, ID: m.PartOf}
			page.Whole, page.WholeNo = rectificationPath(whole), whole.Number()
		}
		for name, of := range map[*string]string{&page.Opener: m.OpenedBy, &page.Prover: m.DoneBy, &page.Closer: m.ClosedBy} { // of whom two may be one
			if *name, err = names.ofStaff(ctx, of); err != nil {
				return err
			}
		}
		if err := page.fill(ctx, tx, v, names, read); err != nil {
			return err
		}
		me, open := v.in.Person.ID, m.State() == rectification.Open
		page.Proves = open && m.Owner == me && approval.May(v.in.Person, staff.ProveRectifications, service)
		page.Manages = approval.May(v.in.Person, staff.ManageRectifications, service)
		page.Confirms = page.Manages && m.State() == rectification.Proved && m.Owner != me && m.DoneBy != me
		page.Appeals = page.Manages && open && m.What == rectification.Sanction && !m.Appealed
		page.Part = partsOf[m.What]
		page.Joins = page.Manages && page.Part != "" && (open || m.What == rectification.Sanction)
		if page.Manages && open {
			page.Others, page.Many, err = others(ctx, tx, m.Owner, staff.ProveRectifications, service)
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "rectification", page)
}

// fill shows the texts about it, with what was read of them, and what belongs to it.
func (p *rectificationPage) fill(ctx context.Context, tx *db.Tx, v *visit, names naming, read []rectification.Note) error {
	notes, err := read, error(nil)
	if read == nil {
		if notes, err = rectification.NotesOf(ctx, tx, p.Matter); err != nil {
			return err
		}
	}
	p.Notes, p.Parts = nil, nil
	for _, n := range notes {
		who, err := names.of(ctx, n.By)
		if err != nil {
			return err
		}
		row := rectificationNote{Note: n, Who: who}
		if read != nil {
			text, err := n.Text(v.s.Ring)
			if row.Broken = errs.Of(err).Is(rectification.ErrSealed); err != nil && !row.Broken {
				return err
			}
			row.Authority, row.Document, row.Provision, row.Words, row.Day = text.Authority.Reveal(), text.Document.Reveal(), text.Provision.Reveal(), text.Words.Reveal(), text.Day
		}
		if n.File != "" && read != nil {
			row.To = p.Path + "/documents/" + strconv.FormatInt(n.Number, 10)
		}
		p.Notes = append(p.Notes, row)
	}
	if partsOf[p.What] == "" {
		return nil
	}
	parts, err := rectification.Parts(ctx, tx, p.Matter)
	if err == nil {
		p.Parts, err = v.rectificationRows(ctx, tx, names, parts)
	}
	return err
}

// changedRectification does something about the matter of the address, and shows what became of
// it.
func (v *visit) changedRectification(fn func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error) error {
	err := v.dealt(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) error {
		return fn(ctx, tx, by, service, v.r.PathValue("rectification"))
	})
	switch e := errs.Of(err); {
	case err == nil:
		return v.to("/console/rectifications/{service}/{rectification}")
	case e.Is(staff.ErrMayNot):
		return err
	}
	return v.rectificationPage(err, nil)
}

// proveRectification proves it with a document, as who looks after it.
func (s *Server) proveRectification(v *visit) error {
	document, err := v.document()
	if err != nil {
		return v.rectificationPage(err, nil)
	}
	return v.changedRectification(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		_, _, err := rectification.Prove(ctx, tx, s.Ring, by, service, name, v.value("day"), pii.New(v.value("words")), document)
		return err
	})
}

func (s *Server) confirmRectification(v *visit) error {
	return v.changedRectification(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		_, _, err := rectification.Confirm(ctx, tx, by, service, name)
		return err
	})
}

func (s *Server) reopenRectification(v *visit) error {
	return v.changedRectification(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		_, _, err := rectification.Reopen(ctx, tx, s.Ring, by, service, name, v.value("due"), pii.New(v.value("words")))
		return err
	})
}

func (s *Server) postponeRectification(v *visit) error {
	return v.changedRectification(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		_, _, err := rectification.Postpone(ctx, tx, s.Ring, by, service, name, v.value("due"), pii.New(v.value("words")))
		return err
	})
}

func (s *Server) appealRectification(v *visit) error {
	return v.changedRectification(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		_, _, err := rectification.Appeal(ctx, tx, s.Ring, by, service, name, pii.New(v.value("words")))
		return err
	})
}

func (s *Server) handRectification(v *visit) error {
	return v.changedRectification(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		to, err := meant(ctx, tx, v.value("to"), staff.ProveRectifications, service, rectification.ErrOwner.At("to"))
		if err != nil {
			return err
		}
		_, _, err = rectification.Hand(ctx, tx, by, service, name, to.ID)
		return err
	})
}

// rectificationDocument sends the document that proves something, to be kept by who may see it,
// once that is on record.
func (s *Server) rectificationDocument(v *visit) error {
	number, err := strconv.ParseInt(v.r.PathValue("note"), 10, 32)
	if err != nil {
		return rectification.ErrNoPaper
	}
	var n rectification.Note
	var document []byte
	err = v.dealt(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) (err error) {
		n, document, err = rectification.Fetch(ctx, tx, s.Ring, by, service, v.r.PathValue("rectification"), number)
		return err
	})
	if err != nil {
		return err
	}
	v.seen.Shows = "record"
	return v.attach(n.Matter+"-"+strconv.FormatInt(n.Number, 10), n.File, document)
}

// attach sends a document that is kept, as a file.
func (v *visit) attach(name, file string, document []byte) error {
	h := v.w.Header()
	h.Set("Content-Type", file)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name + suffixOf[file]}))
	h.Set("Content-Length", strconv.Itoa(len(document)))
	_, err := v.w.Write(document)
	return err
}
