package verification

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"image"
	_ "image/jpeg" // so that image.DecodeConfig reads them
	_ "image/png"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/staff"
)

// What can be wrong with a document, or with who looks at it.
var (
	ErrPages     = errs.New(errs.Invalid, "verification.pages")       // none, or too many
	ErrPageSize  = errs.New(errs.TooLarge, "verification.page_size")  // beyond MaxPage
	ErrPageKind  = errs.New(errs.Invalid, "verification.page_kind")   // no PNG, JPEG or PDF, or one that does something
	ErrNotStaff  = errs.New(errs.Forbidden, "verification.not_staff") // not in office at the service
	ErrAbroad    = errs.New(errs.Forbidden, "verification.judge_abroad")
	ErrUnseen    = errs.New(errs.Conflict, "verification.unseen")       // who decides has looked first
	ErrSameStaff = errs.New(errs.Conflict, "verification.same_staff")   // two different persons
	ErrMaybeOne  = errs.New(errs.Forbidden, "verification.maybe_one")   // one of them, or somebody else, may be both
	ErrUntil     = errs.New(errs.Invalid, "verification.until_invalid") // not to come, too far away, or not what the first one read
	ErrFlaw      = errs.New(errs.Invalid, "verification.flaw_unknown")  // what is wrong with it
)

// A Judge is who of the staff looks at a document and says what it shows: who holds an
// office of the service, at the terminal (catalog.Officer), or a person inside whom the
// access matrix lets (staff.Acting, of staff.JudgeEvidence). Nobody else is one.
type Judge interface {
	Ledger() string // "officer:st_…" or "staff:st_…"
	Governs(service string) bool
}

// judgeOf returns who of the staff of a service that is, "st_…". Errors: ErrNotStaff;
// ErrNotFound, of another service.
func judgeOf(by Judge, service string) (string, error) {
	switch by := by.(type) {
	case catalog.Officer:
		switch {
		case !by.Governs(by.Service):
			return "", ErrNotStaff
		case by.Service == service:
			return by.ID, nil
		}
	case staff.Acting:
		switch {
		case by.Action != staff.JudgeEvidence || !by.MaySomewhere(by.Action):
			return "", ErrNotStaff
		case by.Governs(service):
			return by.ID, nil
		}
	default:
		return "", ErrNotStaff
	}
	return "", ErrNotFound
}

const (
	// MaxPage bounds one page of a document, in bytes.
	MaxPage  = 4 << 20
	maxPages = 3

	maxUntil  = 5 * 366 * day // of a proof that ends
	maxPixels = 50_000_000
)

// A Page is one page of a document: a PNG, a JPEG or a PDF.
type Page struct {
	Kind string
	Data pii.Text
}

// An Upload is a document of who a guardian is and that it speaks for the child.
type Upload struct {
	// Number is that of the document that names the guardian, if there is one: typed
	// again later, it shows that the same person came back. It isn't kept.
	Number pii.Text
	Pages  []pii.Text // the bytes of at most three, each of at most MaxPage
}

// SendDocument begins an attempt by a document, which waits for two of the staff
// for at most seven days, and never longer than the child does. It is sealed under
// the child's key, and erased with the decision or with the time. Errors:
// ErrNotOffered, ErrPages, ErrPageSize, ErrPageKind, ErrNumber, ErrMinor,
// ErrTries, and those of consent.Guardian.
func (d Desk) SendDocument(ctx context.Context, tx *db.Tx, r consent.Request, proof string, u Upload) (Attempt, error) {
	if !d.Documents {
		return Attempt{}, ErrNotOffered
	}
	kinds, err := u.check()
	if err != nil {
		return Attempt{}, err
	}
	var number pii.Text
	if !u.Number.IsZero() {
		who, _, err := Identity{Name: pii.New("-"), Number: u.Number}.normal(tx.Now())
		if err != nil {
			return Attempt{}, err
		}
		number = who.Number
	}
	a, c, err := d.begin(ctx, tx, r, proof, family.ByDocument)
	if err != nil {
		return Attempt{}, err
	}
	if !number.IsZero() {
		hash := base64.StdEncoding.EncodeToString(family.IdentityHash(d.Consent.Ring, c.ID, number))
		if a.identity, err = c.SealNote(d.Consent.Ring, pii.New(hash), a.note("identity")...); err != nil {
			return Attempt{}, err
		}
		if err := tx.Queue(ctx, `UPDATE verification SET identity = $1 WHERE child = $2 AND id = $3`, a.identity, a.Child, a.ID); err != nil {
			return Attempt{}, err
		}
	}
	for n, page := range u.Pages {
		sealed, err := c.SealNote(d.Consent.Ring, page, a.note("page", strconv.Itoa(n), kinds[n])...)
		if err != nil {
			return Attempt{}, err
		}
		if err := tx.Queue(ctx, `
			INSERT INTO verification_document (child, verification, n, kind, sealed) VALUES ($1, $2, $3, $4, $5)`,
			a.Child, a.ID, int64(n), kinds[n], sealed); err != nil {
			return Attempt{}, err
		}
	}
	return a, nil
}

// note is what something of the attempt is bound to.
func (a Attempt) note(what ...string) []string {
	return append([]string{"verification", a.ID}, what...)
}

func (u Upload) check() (kinds []string, err error) {
	if len(u.Pages) == 0 || len(u.Pages) > maxPages {
		return nil, ErrPages.At("pages")
	}
	for _, p := range u.Pages {
		data := []byte(p.Reveal())
		if len(data) > MaxPage {
			return nil, ErrPageSize.At("pages")
		}
		kind := sniff(data)
		if kind == "" {
			return nil, ErrPageKind.At("pages")
		}
		kinds = append(kinds, kind)
	}
	return kinds, nil
}

// active are the words with which a PDF does something when it is opened. Whoever
// hides them in a compressed stream isn't found by them: the staff opens it in a
// viewer that runs nothing, as docs/operations.md says.
var active = []string{"/JavaScript", "/JS", "/Launch", "/EmbeddedFile", "/OpenAction", "/AA", "/RichMedia", "/XFA"}

// sniff says what the bytes are, whatever they were called; "" for what the staff
// isn't shown.
func sniff(data []byte) string {
	if bytes.HasPrefix(data, []byte("%PDF-")) {
		if slices.ContainsFunc(active, func(word string) bool { return hasName(data, word) }) {
			return ""
		}
		return "pdf"
	}
	size, kind, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || kind != "png" && kind != "jpeg" || size.Width*size.Height > maxPixels {
		return ""
	}
	return kind
}

// hasName reports whether a PDF has the name, and not only one that begins with it.
func hasName(data []byte, name string) bool {
	for {
		i := bytes.Index(data, []byte(name))
		if i < 0 {
			return false
		}
		data = data[i+len(name):]
		if len(data) == 0 || !('a' <= data[0] && data[0] <= 'z' || 'A' <= data[0] && data[0] <= 'Z' || '0' <= data[0] && data[0] <= '9') {
			return true
		}
	}
}

// Waiting returns the documents of a service that wait for the staff, the oldest
// first, at most limit.
func Waiting(ctx context.Context, tx *db.Tx, by catalog.Officer, limit int) ([]Attempt, error) {
	if !by.Governs(by.Service) {
		return nil, ErrNotStaff
	}
	now := tx.Now()
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM verification
		WHERE service = $1 AND method = 'document' AND state = 'started' AND expires_at > $2
		ORDER BY started_at, id LIMIT $3`, by.Service, (*db.Time)(&now), int64(limit))
}

// Show records that one of the staff looks at a document, and returns it: whoever
// calls it hands it out after the commit, and not before (invariant 2). Of a person inside it
// counts as a look at a value does (Article 15). Who sits abroad sees none: a document is there
// before anybody could have agreed to its being read there (edge case 20). Errors: ErrNotStaff,
// ErrAbroad, ErrNotFound, ErrEnded, family.ErrGuardianEnded, approval.ErrLooked.
func (d Desk) Show(ctx context.Context, tx *db.Tx, by Judge, attempt string) (Attempt, []Page, string, error) {
	fail := func(err error) (Attempt, []Page, string, error) { return Attempt{}, nil, "", err }
	c, a, judge, err := d.lockWaiting(ctx, tx, by, attempt)
	if err != nil {
		return fail(err)
	}
	seen, country := SeenBody{Verification: a.ID}, charter.Home
	if acting, inside := by.(staff.Acting); inside {
		// Held before it is said what the person may, so that nobody waits for who waits for them.
		person, looks, err := approval.Hold(ctx, tx, acting.ID)
		if errors.Is(err, approval.ErrMayNot) {
			err = ErrNotStaff
		}
		if err != nil {
			return fail(err)
		}
		country = person.Country
		seen.PerHour, seen.PerDay = d.Looks.Or(approval.Defaults).Of(person, a.Service)
		if err := approval.CountDocument(ctx, tx, person.ID, looks, seen.PerHour, seen.PerDay); err != nil {
			return fail(err)
		}
	}
	if a, err = judges(ctx, tx, by, c, a); err != nil {
		return fail(err)
	}
	if country != charter.Home {
		return fail(ErrAbroad)
	}
	seen.Inside = a.inside
	type row struct {
		n      int64
		kind   string
		sealed []byte
	}
	rows, err := db.All(ctx, tx, func(r db.Row) (p row, err error) {
		err = r.Scan(&p.n, &p.kind, &p.sealed)
		return p, err
	}, `SELECT n, kind, sealed FROM verification_document WHERE child = $1 AND verification = $2 ORDER BY n`, a.Child, a.ID)
	if err != nil {
		return fail(err)
	}
	if !slices.Contains(a.Seen, judge) {
		a.Seen = append(a.Seen, judge)
		if err := tx.Queue(ctx, `UPDATE verification SET seen = $1 WHERE child = $2 AND id = $3`, strings.Join(a.Seen, " "), a.Child, a.ID); err != nil {
			return fail(err)
		}
	}
	entry, err := note(ctx, tx, c, KindSeen, by.Ledger(), seen)
	if err != nil {
		return fail(err)
	}
	var pages []Page
	for _, p := range rows {
		data, err := c.OpenNote(d.Consent.Ring, p.sealed, a.note("page", strconv.FormatInt(p.n, 10), p.kind)...)
		if err != nil {
			return fail(err)
		}
		pages = append(pages, Page{p.kind, data})
	}
	return a, pages, entry, nil
}

// Approve says that a document shows a grown-up who speaks for the child, until a
// day if it says one. It takes two different persons, each of whom has looked
// (edge case 24), and who may not be one: after the first it waits on,
// after the second it is proved and the document erased. An institution's proof ends (edge case 10); who is second
// says the same end, or none. Errors: ErrUnseen, ErrSameStaff, ErrMaybeOne, ErrUntil,
// ErrNotStaff, ErrNotFound, ErrEnded, and those of family.Prove.
func (d Desk) Approve(ctx context.Context, tx *db.Tx, by Judge, attempt string, until time.Time) (Attempt, string, error) {
	c, a, judge, err := d.lockFor(ctx, tx, by, attempt)
	if err != nil {
		return a, "", err
	}
	switch {
	case !slices.Contains(a.Seen, judge):
		return a, "", ErrUnseen
	case a.First == judge:
		return a, "", ErrSameStaff
	}
	if a.First == "" {
		return d.approveFirst(ctx, tx, c, a, by, judge, until)
	}
	if !until.IsZero() && !until.Equal(a.Until) {
		return a, "", ErrUntil.At("until")
	}
	if err := twoPersons(ctx, tx, a, judge); err != nil {
		return a, "", err
	}
	identity, err := a.identityHash(d, c)
	if err != nil {
		return a, "", err
	}
	proofs, err := family.Proofs(ctx, tx, c.ID)
	if err != nil {
		return a, "", err
	}
	known, err := family.IdentityOf(d.Consent.Ring, c, proofs, a.Guardian)
	if err != nil {
		return a, "", err
	}
	if known != nil && identity != nil && subtle.ConstantTimeCompare(known, identity) != 1 {
		return a.fail(ctx, tx, c, by.Ledger(), OtherPerson)
	}
	return d.succeed(ctx, tx, c, a, by.Ledger(), family.Unproved,
		family.Evidence{Kind: family.Adulthood, Method: family.ByDocument, Strength: family.Document, ExpiresAt: a.Until, Identity: identity},
		family.Evidence{Kind: family.Guardianship, Method: family.ByDocument, Strength: family.Document, ExpiresAt: a.Until})
}

func (d Desk) approveFirst(ctx context.Context, tx *db.Tx, c family.Child, a Attempt, by Judge, judge string, until time.Time) (Attempt, string, error) {
	g, err := family.FindGuardian(ctx, tx, c.ID, a.Guardian)
	if err != nil {
		return a, "", err
	}
	if g.Relation == family.Institution && until.IsZero() ||
		!until.IsZero() && (!until.After(tx.Now()) || until.After(tx.Now().Add(maxUntil))) {
		return a, "", ErrUntil.At("until")
	}
	a.First, a.Until = judge, until
	if a.behind, err = behindJudge(ctx, tx, a.Service, judge); err != nil {
		return a, "", err
	}
	n, err := tx.Exec(ctx, `
		UPDATE verification SET first = $1, behind = $2, until = $3
		WHERE child = $4 AND id = $5 AND state = 'started' AND first = ''`, a.First, strings.Join(a.behind, " "), (*db.Time)(&a.Until), a.Child, a.ID)
	switch {
	case err != nil:
		return a, "", err
	case n != 1:
		return a, "", ErrEnded
	}
	body := ApprovedBody{Verification: a.ID, Behind: a.behind, Inside: a.inside}
	if !until.IsZero() {
		body.Until = until.UnixMicro()
	}
	entry, err := note(ctx, tx, c, KindApproved, by.Ledger(), body)
	return a, entry, err
}

// A Flaw is what is wrong with a document that is refused.
type Flaw string

// The flaws.
const (
	Unreadable Flaw = "unreadable"
	NotTheirs  Flaw = "not_theirs"  // it is of somebody else
	NoTie      Flaw = "no_tie"      // it doesn't show that the guardian speaks for the child
	OutOfDate  Flaw = "out_of_date" // its time is over
	Doubtful   Flaw = "doubtful"    // it may be forged
)

// Flaws lists them.
var Flaws = []Flaw{Unreadable, NotTheirs, NoTie, OutOfDate, Doubtful}

// Refuse ends an attempt by a document, says what is wrong with it, and erases it. One
// person is enough to say no. Errors: ErrFlaw, and as Approve.
func (d Desk) Refuse(ctx context.Context, tx *db.Tx, by Judge, attempt string, flaw Flaw) (Attempt, string, error) {
	c, a, judge, err := d.lockFor(ctx, tx, by, attempt)
	switch {
	case err != nil:
		return a, "", err
	case !slices.Contains(a.Seen, judge):
		return a, "", ErrUnseen
	case !slices.Contains(Flaws, flaw):
		return a, "", ErrFlaw.At("flaw")
	}
	return a.failFor(ctx, tx, c, by.Ledger(), FailedBody{Why: RefusedBy, Flaw: flaw})
}

// lockFor locks the child of a document that waits for the staff of a service, and says
// who of them by is, and what a person inside judges by.
func (d Desk) lockFor(ctx context.Context, tx *db.Tx, by Judge, attempt string) (family.Child, Attempt, string, error) {
	c, a, judge, err := d.lockWaiting(ctx, tx, by, attempt)
	if err == nil {
		a, err = judges(ctx, tx, by, c, a)
	}
	return c, a, judge, err
}

// lockWaiting is lockFor that doesn't yet ask what a person inside judges by.
func (d Desk) lockWaiting(ctx context.Context, tx *db.Tx, by Judge, attempt string) (family.Child, Attempt, string, error) {
	a, err := find(ctx, tx, attempt)
	if err == nil && a.Method != family.ByDocument {
		err = ErrNotFound
	}
	if err != nil {
		return family.Child{}, a, "", err
	}
	judge, err := judgeOf(by, a.Service)
	if err != nil {
		return family.Child{}, Attempt{}, "", err
	}
	c, a, err := lock(ctx, tx, a)
	if err == nil && a.State != Started {
		err = ErrEnded
	}
	return c, a, judge, err
}

// judges says what by judges a document of the locked child by.
func judges(ctx context.Context, tx *db.Tx, by Judge, c family.Child, a Attempt) (_ Attempt, err error) {
	a.inside, err = approval.InsideOf(ctx, tx, by, staff.JudgeEvidence, a.Service)
	if errors.Is(err, approval.ErrMayNot) {
		err = ErrNotStaff
	}
	if err != nil {
		return a, err
	}
	// Edge case 8: of a former guardian nobody looks at anything any more.
	_, err = family.FindGuardian(ctx, tx, c.ID, a.Guardian)
	return a, err
}

// identityHash opens who the document was said to be of, or returns nil.
func (a Attempt) identityHash(d Desk, c family.Child) ([]byte, error) {
	if a.identity == nil {
		return nil, nil
	}
	text, err := c.OpenNote(d.Consent.Ring, a.identity, a.note("identity")...)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(text.Reveal())
}
