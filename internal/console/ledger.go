package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// What the pages of the ledger refuse.
var (
	ErrFilter     = errs.New(errs.Invalid, "console.ledger.filter_wrong")     // a field of a filter says nothing
	ErrCheckpoint = errs.New(errs.Invalid, "console.ledger.checkpoint_wrong") // not one of this ledger, or not signed with its key
)

// perLedgerPage is how many entries a page lists.
const perLedgerPage = 50

// noService stands in a filter for what belongs to no service: persons inside, guardians'
// sessions, copies of the store.
const noService = "-"

// ledgerFields are the fields of a filter, as they stand in an address. A child is there
// by its pseudonym alone.
var ledgerFields = []string{"service", "kind", "article", "subject", "actor", "since", "until"}

var actorShape = regexp.MustCompile(`^[a-z]{2,20}:[A-Za-z0-9_.-]{1,64}$`)

// soughtBy reads a filter. What can't be read is an error that names its field, so that
// nobody takes all entries for those that were meant.
func soughtBy(q url.Values) (s ledger.Sought, err error) {
	wrong := func(field string) (ledger.Sought, error) { return ledger.Sought{}, ErrFilter.At(field) }
	if kind := q.Get("kind"); kind != "" {
		if articlesOf(kind) == nil {
			return wrong("kind")
		}
		s.Kinds = []string{kind}
	}
	if article := q.Get("article"); article != "" {
		n, err := strconv.Atoi(article)
		of := kindsOf(n)
		if err != nil || len(of) == 0 {
			return wrong("article")
		}
		if s.Kinds != nil {
			of = slices.DeleteFunc(of, func(kind string) bool { return !slices.Contains(s.Kinds, kind) })
		}
		s.Kinds = append([]string{}, of...)
	}
	if s.Subject = strings.TrimSpace(q.Get("subject")); s.Subject != "" && !id.Is(id.Subject, s.Subject) {
		return wrong("subject")
	}
	s.Actor = strings.TrimSpace(q.Get("actor"))
	if id.Is(id.Staff, s.Actor) {
		s.Actor = staff.Person{ID: s.Actor}.Ledger()
	}
	if s.Actor != "" && !actorShape.MatchString(s.Actor) {
		return wrong("actor")
	}
	for _, day := range []string{"since", "until"} {
		if q.Get(day) == "" {
			continue
		}
		at, err := time.ParseInLocation(time.DateOnly, q.Get(day), shanghai)
		if err != nil || at.Year() < 1970 || at.Year() > 9000 {
			return wrong(day)
		}
		if day == "since" {
			s.From = at
		} else {
			s.To = at.AddDate(0, 0, 1) // the whole day
		}
	}
	return s, nil
}

// sees narrows a filter to what the person may see: entries of the services whose
// ledger they may see. What is of no service is seen by who may see the ledger of every
// service that there is.
func (v *visit) sees(s ledger.Sought, service string, all []catalog.Service) ledger.Sought {
	may := v.reads(all)
	switch {
	case service == noService && may == nil:
		s.Services = []string{""}
	case service == noService:
		s.Services = []string{}
	case service != "" && (may == nil || slices.Contains(may, service)):
		s.Services = []string{service}
	case service != "":
		s.Services = []string{}
	default:
		s.Services = may
	}
	return s
}

// reads returns the services whose ledger the person may see; nil: all, and what is of
// none.
func (v *visit) reads(all []catalog.Service) []string {
	may := append([]string{}, mayIn(v.in.Person, staff.SeeLedger, all)...)
	if len(may) == len(all) {
		return nil
	}
	return may
}

// An entryRow is an entry of the list.
type entryRow struct {
	ledger.Placed
	Articles []int
}

// Word is the kind of an entry that has words.
func (e entryRow) Word() string {
	if e.Articles == nil {
		return ""
	}
	return e.Kind
}

func rowOf(p ledger.Placed) entryRow { return entryRow{p, articlesOf(p.Kind)} }

// ledgerPage is what ledger.html shows.
type ledgerPage struct {
	Entries   []entryRow
	Filter    map[string]string
	Filtered  bool
	Next      string // the address of the next page
	First     string // that of the first, on any other
	Cut       bool   // before anything, or enough, was found
	Back      time.Time
	Size      int64
	Bundles   string    // where archives for an authority are; empty: not for this person
	At        time.Time // of the last checkpoint
	Last      lastRun
	Services  choices
	NoService bool // the person sees what is of none, too
	Kinds     []string
	Articles  []int
	Problem   string
	Field     string
	Saved     savedPart
	Export    exportPart
}

// A lastRun is what the last audit found, as far as it can be told.
type lastRun struct {
	replay.Run
	Problem   string // a key: there was none, or its row was changed
	Behind    int64  // entries since
	Continued bool   // today's ledger continues the one that was audited
}

// Seconds is how long it took, rounded up.
func (l lastRun) Seconds() int64 { return int64((l.Took + time.Second - 1) / time.Second) }

func lastRunOf(ctx context.Context, tx *db.Tx, s *Server, size int64) (last lastRun, err error) {
	last.Run, err = replay.LastRun(ctx, tx, s.Ring)
	if e := errs.Of(err); e.Is(replay.ErrNoRun) || e.Is(replay.ErrRunForged) {
		last.Problem = e.Code
		return last, nil
	}
	if err != nil {
		return last, err
	}
	root, err := ledger.RootAt(ctx, tx, last.Size)
	if errors.Is(err, ledger.ErrOutside) {
		return last, nil // there is less than was audited
	}
	last.Behind, last.Continued = size-last.Size, root == last.Root
	return last, err
}

func (s *Server) ledger(v *visit) error { return v.ledgerPage(nil) }

func (v *visit) ledgerPage(problem error) error {
	q := v.r.URL.Query()
	page := ledgerPage{Filter: make(map[string]string), Articles: evidenced()}
	filter := fieldsOf(q, ledgerFields)
	for name := range filter {
		page.Filter[name] = filter.Get(name)
	}
	page.Filtered = len(filter) > 0
	for _, k := range kinds {
		page.Kinds = append(page.Kinds, k.kind)
	}
	sought, wrong := soughtBy(filter)
	if wrong == nil {
		wrong = tooLong(q, ledgerFields)
	}
	if problem == nil {
		problem = wrong
	}
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	if problem != nil {
		page.Problem, page.Field = words, errs.Of(problem).Field
	}
	before, err := strconv.ParseInt(q.Get("from"), 10, 64)
	if err != nil || before < 0 {
		before = 0
	}
	at := func(from int64) string {
		to := url.Values{"lang": {string(v.lang)}}
		for name := range filter {
			to.Set(name, filter.Get(name))
		}
		if from > 0 {
			to.Set("from", strconv.FormatInt(from, 10))
		}
		return "/console/ledger?" + to.Encode()
	}
	err = v.view(func(ctx context.Context, tx *db.Tx) error {
		services, err := catalog.List(ctx, tx)
		if err != nil {
			return err
		}
		v.all = services
		page.Services, page.NoService = mayIn(v.in.Person, staff.SeeLedger, services), v.reads(services) == nil
		head, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		page.Size, page.At, page.Bundles = head.Size, head.At, v.mayGo("/console/bundles")
		if page.Last, err = lastRunOf(ctx, tx, v.s, head.Size); err != nil {
			return err
		}
		if page.Saved, err = v.savedPart(ctx, tx, listLedger, filter); err != nil || wrong != nil {
			return err
		}
		found, err := ledger.Walk(ctx, tx, v.sees(sought, filter.Get("service"), services), before, perLedgerPage)
		for _, p := range found.Found {
			page.Entries = append(page.Entries, rowOf(p))
		}
		page.Cut, page.Back = found.Cut, found.Back
		if found.Next > 0 {
			page.Next = at(found.Next)
		}
		return err
	})
	if err != nil {
		return err
	}
	if before > 0 {
		page.First = at(0)
	}
	page.Export = v.exportPart(listLedger, filter)
	v.keeps = filter
	return v.show(status, "ledger", page)
}

// tooLong refuses a field of a filter that fieldsOf passes over for its length, or because it is no text: without it
// the list, or a file of it, would have all.
func tooLong(q url.Values, names []string) error {
	for _, name := range names {
		if value := q.Get(name); len(strings.TrimSpace(value)) > maxField || !visitor.IsText(value) {
			return ErrFilter.At(name)
		}
	}
	return nil
}

// fieldsOf returns those fields of a query that are named and aren't empty.
func fieldsOf(q url.Values, names []string) url.Values {
	some := make(url.Values)
	for _, name := range names {
		if value := strings.TrimSpace(q.Get(name)); value != "" && len(value) <= maxField && visitor.IsText(value) {
			some.Set(name, value)
		}
	}
	return some
}

// maxField is how long a field of a filter may be.
const maxField = 120

// ledgerChild leads from what the operator calls a child to its entries. The reference
// comes in a form and not in an address, which browsers and proxies keep; that it was
// looked up is recorded before that is answered.
func (s *Server) ledgerChild(v *visit) error {
	if err := v.looksUp(); err != nil {
		return v.ledgerPage(err)
	}
	var subject string
	err := v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		service, err := catalog.Find(ctx, tx, v.r.PostFormValue("service"))
		if err == nil && !approval.May(in.Person, staff.SeeLedger, service) {
			err = approval.ErrMayNot
		}
		if err != nil {
			return err
		}
		c, err := family.FindByRef(ctx, tx, s.Ring, service.Name, pii.New(strings.TrimSpace(v.r.PostFormValue("ref"))))
		if errs.Of(err).Is(family.ErrNotFound) {
			err = ErrNoChild.At("ref")
		}
		if err != nil {
			return err
		}
		subject = c.Subject
		return approval.Searched(ctx, tx, s.Ring, in.Person, c)
	})
	if errs.Of(err).Is(ErrNoChild) {
		if err := v.foundNobody(v.r.PostFormValue("ref"), v.r.PostFormValue("service")); err != nil {
			return err
		}
	}
	if err != nil {
		return v.ledgerPage(err)
	}
	return v.to("/console/ledger", "subject", subject)
}

// entryPage is what entry.html shows.
type entryPage struct {
	entryRow
	Text   string // its bytes, as they are stored
	Size   int64
	Path   string
	Forged bool         // they aren't what was recorded
	Proof  *provedEntry // if it was asked for
}

// A provedEntry is the way from an entry to the signed root, each hash of it.
type provedEntry struct {
	Leaf       tlog.Hash
	Steps      []proofStep
	Root       tlog.Hash
	Checkpoint string
	Size       int64
	At         time.Time
	Key        string
}

// A proofStep is one hash of the proof, on which side it stands, and what comes of both.
type proofStep struct {
	Left     bool
	With, Is tlog.Hash
}

// place reads the number of the address.
func (v *visit) place() (int64, error) {
	n, err := strconv.ParseInt(v.r.PathValue("place"), 10, 64)
	if err != nil || n < 0 {
		return 0, ledger.ErrNotFound
	}
	return n, nil
}

// entryAt returns the entry of the address, if the person may see it. Of others nobody
// learns more than that the ledger has so many.
func (v *visit) entryAt(ctx context.Context, tx *db.Tx) (ledger.Placed, error) {
	place, err := v.place()
	if err != nil {
		return ledger.Placed{}, err
	}
	p, err := ledger.At(ctx, tx, place)
	if errors.Is(err, ledger.ErrOutside) {
		err = ledger.ErrNotFound
	}
	if err != nil {
		return ledger.Placed{}, err
	}
	services, err := catalog.List(ctx, tx)
	if err == nil && !v.mayRead(p, services) {
		err = ledger.ErrNotFound
	}
	return p, err
}

// mayRead reports whether the person may see an entry.
func (v *visit) mayRead(p ledger.Placed, all []catalog.Service) bool {
	may := v.reads(all)
	return may == nil || slices.Contains(may, p.Service)
}

func (s *Server) entry(v *visit) error { return v.entryPage(false) }

// proof shows an entry with the proof that the ledger holds it.
func (s *Server) proof(v *visit) error { return v.entryPage(true) }

// entryPage shows an entry as it is stored, and says whether it is what was recorded: that
// is computed for each page, and every step of it shown to who asks.
func (v *visit) entryPage(steps bool) error {
	var page entryPage
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		p, err := v.entryAt(ctx, tx)
		if err != nil {
			return err
		}
		head, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		page = entryPage{entryRow: rowOf(p), Text: string(p.Leaf), Size: head.Size, Path: entryPath(p.Place)}
		proof, err := v.s.prove(ctx, tx, p, head)
		if errors.Is(err, ledger.ErrDamaged) {
			page.Forged, err = true, nil
		}
		if steps {
			page.Proof = proof
		}
		return err
	})
	if err != nil {
		return err
	}
	status := http.StatusOK
	if page.Forged {
		status = http.StatusInternalServerError
	}
	return v.show(status, "entry", page)
}

// prove computes the proof of an entry, goes its way up to the root, and compares that
// with what was signed. Errors: ledger.ErrDamaged where any of it doesn't hold.
func (s *Server) prove(ctx context.Context, tx *db.Tx, p ledger.Placed, head ledger.Root) (*provedEntry, error) {
	hashes, err := ledger.Prove(ctx, tx, p.Place, head.Size)
	if err != nil {
		return nil, err
	}
	signed, err := ledger.OpenCheckpoint(head.Checkpoint, s.LedgerKey)
	if err != nil {
		return nil, errors.Join(ledger.ErrDamaged, err)
	}
	if err := signed.Holds(p.Place, p.Leaf, hashes); err != nil {
		return nil, errors.Join(ledger.ErrDamaged, err)
	}
	way := &provedEntry{Leaf: tlog.RecordHash(p.Leaf), Root: signed.Root, Checkpoint: head.Checkpoint, Size: signed.Size, At: head.At, Key: s.LedgerKey}
	// RFC 9162, section 2.1.3.2, which is how what RFC 6962 proves is checked.
	is, n, last := way.Leaf, p.Place, signed.Size-1
	for _, with := range hashes {
		step := proofStep{With: with}
		if n&1 == 1 || n == last {
			step.Left = true
			is = tlog.NodeHash(with, is)
			for n&1 == 0 && n != 0 {
				n, last = n>>1, last>>1
			}
		} else {
			is = tlog.NodeHash(is, with)
		}
		n, last = n>>1, last>>1
		step.Is = is
		way.Steps = append(way.Steps, step)
	}
	if is != signed.Root {
		return nil, ledger.ErrDamaged
	}
	return way, nil
}

// evidence sends the proof of an entry as a file: C2SP tlog-proof, with the bytes of the
// entry.
func (s *Server) evidence(v *visit) error {
	var text string
	var place int64
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		p, err := v.entryAt(ctx, tx)
		if err != nil {
			return err
		}
		place = p.Place
		text, err = ledger.Evidence(ctx, tx, p.ID)
		return err
	})
	if err == nil {
		err = v.takes(fileEntry)
	}
	if err != nil {
		return err
	}
	return v.file("text/plain; charset=utf-8", "ledger-entry-"+strconv.FormatInt(place, 10)+".tlog-proof", []byte(text))
}

// file sends a file to keep.
func (v *visit) file(kind, name string, content []byte) error {
	v.seen.Shows = "file"
	v.w.Header().Set("Content-Type", kind)
	v.w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	v.w.WriteHeader(http.StatusOK)
	_, err := v.w.Write(content)
	return err
}

// checkpointPage is what checkpoint.html shows.
type checkpointPage struct {
	Head    ledger.Root
	Key     string
	Given   string    // what was pasted
	Told    *compared // what came of it
	Problem string    // of what was pasted
	Earlier *atSize   // the ledger when it had a size that was asked for
	Size    string    // that was asked for
	Last    lastRun
}

// compared says how a checkpoint that was kept elsewhere and this ledger stand to each
// other.
type compared struct {
	Size                  int64
	Beyond, Holds, Differ bool
}

// An atSize is the ledger when it had that size, and the proof that today's continues it.
type atSize struct {
	Size   int64
	Root   tlog.Hash
	Hashes []tlog.Hash
}

func (s *Server) checkpoint(v *visit) error { return v.checkpointPage("", nil, nil) }

func (v *visit) checkpointPage(given string, told *compared, problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := checkpointPage{Key: v.s.LedgerKey, Given: given, Told: told, Problem: words, Size: fieldsOf(v.r.URL.Query(), []string{"size"}).Get("size")}
	err := v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		if page.Head, err = ledger.Head(ctx, tx); err != nil {
			return err
		}
		if page.Last, err = lastRunOf(ctx, tx, v.s, page.Head.Size); err != nil {
			return err
		}
		if n, err := strconv.ParseInt(page.Size, 10, 64); err == nil && n >= 1 && n <= page.Head.Size {
			page.Earlier, err = continued(ctx, tx, n, page.Head)
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	v.keeps = fieldsOf(v.r.URL.Query(), []string{"size"})
	return v.show(status, "checkpoint", page)
}

// continued returns the ledger of an earlier size, with the proof that today's continues
// it, checked.
func continued(ctx context.Context, tx *db.Tx, size int64, head ledger.Root) (*atSize, error) {
	root, err := ledger.RootAt(ctx, tx, size)
	if err != nil {
		return nil, err
	}
	hashes, err := ledger.ProveConsistency(ctx, tx, size, head.Size)
	if err != nil {
		return nil, err
	}
	if err := tlog.CheckTree(hashes, head.Size, head.Root, size, root); err != nil {
		return nil, errors.Join(ledger.ErrDamaged, err)
	}
	return &atSize{Size: size, Root: root, Hashes: hashes}, nil
}

// compareCheckpoint compares a checkpoint that somebody kept elsewhere with this ledger:
// one that was put back, or written anew, shows by it.
func (s *Server) compareCheckpoint(v *visit) error {
	given := strings.ReplaceAll(v.r.PostFormValue("checkpoint"), "\r\n", "\n") // as browsers send lines
	text := strings.TrimSpace(given) + "\n"
	c, err := ledger.OpenCheckpoint(text, s.LedgerKey)
	if err != nil {
		return v.checkpointPage(given, nil, ErrCheckpoint)
	}
	told := compared{Size: c.Size}
	err = v.view(func(ctx context.Context, tx *db.Tx) error {
		root, err := ledger.RootAt(ctx, tx, c.Size)
		if errors.Is(err, ledger.ErrOutside) {
			told.Beyond = true
			return nil
		}
		told.Holds, told.Differ = root == c.Root, root != c.Root
		return err
	})
	if err != nil {
		return err
	}
	return v.checkpointPage(given, &told, nil)
}
