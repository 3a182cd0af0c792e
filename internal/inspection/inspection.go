// Package inspection lets somebody of an authority look at what the operator keeps as evidence
// (Article 22): whom the office has invited, by which law and document, to see what, until when,
// and at what they have looked.
//
// Its one invariant: an inspector sees nothing outside of the invitation, which is one service,
// some articles and a time, and nothing before the ledger has that they look at it. An invitation
// ends by itself in its second, and can't be made longer or wider: whoever needs more is invited
// again. An inspector is nobody inside, has no role, and changes nothing.
//
// A link leads to the page where the inspector comes in, by a code that opens it once; the office
// gives the two out by different ways. Who they are is sealed, and the ledger has a mark of it.
package inspection

import (
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family/age"
	"wardkeep/internal/ledger"
)

// What can be wrong with an invitation, and with who comes by one.
var (
	ErrMayNot    = errs.New(errs.Forbidden, "inspection.may_not")
	ErrNotFound  = errs.New(errs.NotFound, "inspection.not_found")
	ErrLine      = errs.New(errs.Invalid, "inspection.line_invalid") // a name, an authority, a provision, a document
	ErrArticles  = errs.New(errs.Invalid, "inspection.articles_invalid")
	ErrTime      = errs.New(errs.Invalid, "inspection.time_invalid") // it ends before it begins, or is none
	ErrDays      = errs.New(errs.Invalid, "inspection.days_invalid") // none, or more than MaxDays
	ErrMany      = errs.New(errs.TooMany, "inspection.too_many")     // are open in this service
	ErrLink      = errs.New(errs.NotFound, "inspection.link")        // it leads nowhere
	ErrCode      = errs.New(errs.Forbidden, "inspection.code_wrong")
	ErrNoCode    = errs.New(errs.Conflict, "inspection.code_used") // it was used, or tried too often: the office gives another
	ErrSignedOut = errs.New(errs.Unauthenticated, "inspection.signed_out")
	ErrEnded     = errs.New(errs.Gone, "inspection.ended")     // by the office
	ErrOver      = errs.New(errs.Gone, "inspection.over")      // by its time
	ErrScope     = errs.New(errs.NotFound, "inspection.scope") // it isn't in the invitation
	ErrFast      = errs.New(errs.TooMany, "inspection.too_fast")
	ErrLooks     = errs.New(errs.TooMany, "inspection.too_many_looks") // by one invitation
	ErrSealed    = errs.New(errs.Internal, "inspection.not_intact")    // it was changed by hand
)

// What an invitation is bounded by. The law names no time; these are ours.
const (
	MaxDays  = 30
	MaxLooks = 4095 // a mark says which one it is in 12 bits

	// Idle and Most are how long who came in stays so: a screen is left behind at the end of a day.
	Idle = 2 * time.Hour
	Most = 12 * time.Hour

	perMinute = 60 // looks, which nobody reads
	maxTries  = 5  // of a code of 40 bits
	maxOpen   = 50 // of a service
	maxLine   = 200
	maxSecret = 100 // bytes of what a browser may say that it holds

	linkDomain    = "inspection.link"
	codeDomain    = "inspection.code"
	sessionDomain = "inspection.session"
	boundDomain   = "inspection.bound"
	sealDomain    = "inspection.sealed"
)

// A Scope is what an inspector may see.
type Scope struct {
	Articles []int     // ascending; none: all
	From     time.Time // zero: from the first
	Before   time.Time // zero: to the last
}

// Has reports whether the scope has an article.
func (s Scope) Has(article int) bool {
	return article >= 1 && article <= 29 && (len(s.Articles) == 0 || slices.Contains(s.Articles, article))
}

// HasAny reports whether the scope has one of the articles.
func (s Scope) HasAny(articles []int) bool { return slices.ContainsFunc(articles, s.Has) }

// Numbers writes the articles, separated by spaces; "" are all.
func (s Scope) Numbers() string {
	var all []string
	for _, a := range s.Articles {
		all = append(all, strconv.Itoa(a))
	}
	return strings.Join(all, " ")
}

func (s Scope) valid() error {
	for i, a := range s.Articles {
		if a < 1 || a > 29 || i > 0 && s.Articles[i-1] >= a {
			return ErrArticles.At("articles")
		}
	}
	if !s.From.IsZero() && !s.Before.IsZero() && !s.From.Before(s.Before) {
		return ErrTime.At("before")
	}
	return nil
}

// Known reports whether a scope is one, for who reads it from the ledger.
func (s Scope) Known() bool { return s.valid() == nil }

// Ascending returns the numbers of articles in order, each once.
func Ascending(articles []int) []int { return slices.Compact(slices.Sorted(slices.Values(articles))) }

// DayOf returns the beginning of a day, as in "2026-05-06"; "" is no bound. Days are China's.
// Errors: ErrTime.
func DayOf(day string) (time.Time, error) {
	if day == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, day, age.Zone)
	if err != nil || t.Year() < 2000 || t.Year() >= 2200 {
		return time.Time{}, ErrTime
	}
	return t.UTC(), nil
}

// A Text says who is invited, and by what.
type Text struct {
	Inspector pii.Text // the name on the document
	Authority pii.Text
	Provision pii.Text // of the law by which it inspects
	Document  pii.Text // its number
}

func (t Text) valid() error {
	for _, one := range []struct {
		field string
		text  pii.Text
	}{{"inspector", t.Inspector}, {"authority", t.Authority}, {"provision", t.Provision}, {"document", t.Document}} {
		if s := one.text.Reveal(); s == "" || !isLine(s) {
			return ErrLine.At(one.field)
		}
	}
	return nil
}

// An Invitation is what somebody of an authority looks by.
type Invitation struct {
	ID        string // "iv_…"
	Service   string
	Scope     Scope
	InvitedAt time.Time
	InvitedBy string    // a person inside, "st_…"
	Until     time.Time // at this moment it is over
	EndedAt   time.Time // when somebody ended it before; zero: nobody has
	EndedBy   string    // as the ledger names actors
	Looks     int64
	EnteredAt time.Time // when a browser came in last; zero: never
	SeenAt    time.Time

	tries                      int64
	link, code, session, bound []byte
	sealed, salt               []byte
}

// Number is what people call it: "7K2M-9QXT".
func (i Invitation) Number() string { return id.NumberOf(i.ID) }

// Ledger returns the actor's name in the ledger: "inspection:iv_…".
func (i Invitation) Ledger() string { return "inspection:" + i.ID }

// In reports whether a browser is in by it, as far as the row says.
func (i Invitation) In() bool { return i.session != nil }

// Coded reports whether a code is open by which somebody may come in.
func (i Invitation) Coded() bool { return i.code != nil }

// Tries is how many wrong tries there were of the code that is open.
func (i Invitation) Tries() int64 { return i.tries }

// A State is how an invitation stands.
type State string

// The states.
const (
	Waits State = "waits" // nobody has come by it yet
	Open  State = "open"
	Over  State = "over"  // by its time
	Ended State = "ended" // by the office
)

// State is how it stands at a moment.
func (i Invitation) State(now time.Time) State {
	switch {
	case !i.EndedAt.IsZero():
		return Ended
	case !now.Before(i.Until):
		return Over
	case i.EnteredAt.IsZero():
		return Waits
	}
	return Open
}

// stands returns nil while the invitation holds. Errors: ErrEnded, ErrOver, ErrSealed.
func (i Invitation) stands(ring *keyring.Ring, now time.Time) error {
	if !i.Bound(ring) {
		return ErrSealed
	}
	switch i.State(now) {
	case Ended:
		return ErrEnded
	case Over:
		return ErrOver
	}
	return nil
}

// signedIn returns nil while who came in by it is in. Errors: those of stands; ErrSignedOut.
func (i Invitation) signedIn(ring *keyring.Ring, now time.Time) error {
	if err := i.stands(ring, now); err != nil {
		return err
	}
	// A clock that was set back lets nobody stay.
	if now.Before(i.EnteredAt) || !now.Before(i.EnteredAt.Add(Most)) || !now.Before(i.SeenAt.Add(Idle)) {
		return ErrSignedOut
	}
	return nil
}

// bind hashes what opens the invitation with what it opens: a row that was changed by hand, to be
// wider or longer, to open by the link of another, or to draw other samples, opens nothing. A whole
// row that is put back to what it was passes here; the audit finds it.
func (i Invitation) bind(ring *keyring.Ring) []byte {
	return ring.Index(boundDomain, i.ID, i.Service, i.Scope.Numbers(), micros(i.Scope.From), micros(i.Scope.Before), micros(i.InvitedAt), i.InvitedBy,
		micros(i.Until), micros(i.EndedAt), i.EndedBy, strconv.FormatInt(i.Looks, 10), strconv.FormatInt(i.tries, 10), hex.EncodeToString(i.link), hex.EncodeToString(i.code),
		hex.EncodeToString(i.session), micros(i.EnteredAt), micros(i.SeenAt), hex.EncodeToString(i.sealed), hex.EncodeToString(i.salt))
}

func micros(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMicro(), 10)
}

func (i Invitation) codeHash(ring *keyring.Ring, code string) []byte {
	return ring.Index(codeDomain, i.ID, code)
}

// said is how a Text is sealed.
type said struct {
	Inspector string `json:"inspector"`
	Authority string `json:"authority"`
	Provision string `json:"provision"`
	Document  string `json:"document"`
}

func (i *Invitation) seal(ring *keyring.Ring, t Text) (mark string, err error) {
	plain, err := json.Marshal(said{t.Inspector.Reveal(), t.Authority.Reveal(), t.Provision.Reveal(), t.Document.Reveal()})
	if err != nil {
		return "", err
	}
	i.salt = ledger.NewSalt()
	i.sealed, err = ring.Seal(sealDomain, plain, i.ID)
	return ledger.Mark(i.salt, i.ID, string(plain)), err
}

func (i Invitation) plain(ring *keyring.Ring) (string, error) {
	plain, err := ring.Open(sealDomain, i.sealed, i.ID)
	if errors.Is(err, keyring.ErrOpen) {
		err = ErrSealed
	}
	return string(plain), err
}

// Text returns who is invited, and by what. Errors: ErrSealed.
func (i Invitation) Text(ring *keyring.Ring) (Text, error) {
	plain, err := i.plain(ring)
	var s said
	if err == nil && json.Unmarshal([]byte(plain), &s) != nil {
		err = ErrSealed
	}
	return Text{pii.New(s.Inspector), pii.New(s.Authority), pii.New(s.Provision), pii.New(s.Document)}, err
}

// Mark returns the mark that the ledger has of who is invited, and by what. Errors: ErrSealed.
func (i Invitation) Mark(ring *keyring.Ring) (string, error) {
	plain, err := i.plain(ring)
	return ledger.Mark(i.salt, i.ID, plain), err
}

// Intact reports whether who is invited is what the ledger has that mark of.
func (i Invitation) Intact(ring *keyring.Ring, mark string) bool {
	is, err := i.Mark(ring)
	return err == nil && is == mark
}

// Bound reports whether what opens the invitation, and what it opens, are what they were made.
func (i Invitation) Bound(ring *keyring.Ring) bool {
	return subtle.ConstantTimeCompare(i.bound, i.bind(ring)) == 1
}

// A Page is what an inspector looks at.
type Page string

// The pages.
const (
	Matrix   Page = "matrix"   // the articles, as they stand
	Article  Page = "article"  // one of them, with its numbers
	Register Page = "register" // rows that are evidence for one, under pseudonyms
	Samples  Page = "samples"  // the children who were drawn
	Sample   Page = "sample"   // what one of them was asked, and what was answered
	Bundle   Page = "bundle"   // how what is taken away is made and verified
)

// Pages lists them.
var Pages = []Page{Matrix, Article, Register, Samples, Sample, Bundle}

// OfSamples are the articles of which samples are evidence.
var OfSamples = []int{9, 10, 14, 18}

// A Look is that an inspector looks at a page.
type Look struct {
	Inspection string
	Number     int64 // from 1 on
	At         time.Time
	Page       Page
	Article    int    // of a page of an article; otherwise 0
	About      string // of a register its name, of a sample the pseudonym; otherwise empty
}

// Fits reports whether a page can be looked at by a scope.
func (l Look) Fits(s Scope) bool {
	switch l.Page {
	case Matrix, Bundle:
		return l.Article == 0 && l.About == ""
	case Article:
		return s.Has(l.Article) && l.About == ""
	case Register:
		return s.Has(l.Article) && isWord(l.About)
	case Samples:
		return l.Article == 0 && l.About == "" && s.HasAny(OfSamples)
	case Sample:
		return l.Article == 0 && id.Is(id.Subject, l.About) && s.HasAny(OfSamples)
	}
	return false
}

// isWord reports whether it may be the name of a register.
func isWord(s string) bool {
	return s != "" && len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}

const columns = `id, service, articles, from_at, before_at, invited_at, invited_by, due_at, closed_at, closed_by, looks, tries,
	link, code, session, entered_at, seen_at, bound, sealed, salt`

func scan(row db.Row) (i Invitation, err error) {
	var articles string
	err = row.Scan(&i.ID, &i.Service, &articles, (*db.Time)(&i.Scope.From), (*db.Time)(&i.Scope.Before), (*db.Time)(&i.InvitedAt), &i.InvitedBy,
		(*db.Time)(&i.Until), (*db.Time)(&i.EndedAt), &i.EndedBy, &i.Looks, &i.tries, &i.link, &i.code, &i.session,
		(*db.Time)(&i.EnteredAt), (*db.Time)(&i.SeenAt), &i.bound, &i.sealed, &i.salt)
	for _, a := range strings.Fields(articles) {
		n, no := strconv.Atoi(a)
		if no != nil {
			n = 0 // it isn't what was bound, and opens nothing
		}
		i.Scope.Articles = append(i.Scope.Articles, n)
	}
	return i, err
}
