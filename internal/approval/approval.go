// Package approval keeps what persons inside ask to see of a child, and what another
// person has decided (Article 15): the officer, or whom the officer has authorised. It
// shows nothing: the gate weighs the approval, and the vault opens by the gate's permit.
//
// Its one invariant: nobody decides about their own request, what was decided is never
// decided again, and what was granted is a window: this child, these items, this
// purpose, so many looks, until that minute. Who asks and who decides are looked at in
// the transaction that decides, with both held, so that whoever has lost the role by then
// has no say.
//
// The ledger has codes, names of items and minutes. What somebody writes is sealed under
// the child's key, and goes with it. The row carries a keyed hash of all of it, so that
// whoever writes to the database makes no approval: see Request.Intact.
package approval

import (
	"cmp"
	"context"
	"crypto/subtle"
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
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/staff"
)

// What can be wrong with a request, and with a decision.
var (
	ErrMayNot   = errs.New(errs.Forbidden, "approval.may_not")       // the matrix doesn't let whoever acts
	ErrSelf     = errs.New(errs.Forbidden, "approval.self")          // nobody decides about their own request
	ErrMade     = errs.New(errs.Forbidden, "approval.made_by_asker") // who decides may be who has asked
	ErrMaker    = errs.New(errs.Forbidden, "approval.maker")         // who decides, or a third, may be who has asked
	ErrNotFound = errs.New(errs.NotFound, "approval.not_found")
	ErrPurpose  = errs.New(errs.Invalid, "approval.purpose_unknown")
	ErrItems    = errs.New(errs.Invalid, "approval.items_invalid") // none, one twice, or one that isn't the purpose's
	ErrReason   = errs.New(errs.Invalid, "approval.reason_unknown")
	ErrText     = errs.New(errs.Invalid, "approval.text_invalid")
	ErrMinutes  = errs.New(errs.Invalid, "approval.minutes_invalid")
	ErrMany     = errs.New(errs.TooMany, "approval.too_many_open")
	ErrVerdict  = errs.New(errs.Invalid, "approval.verdict_unknown")
	ErrNarrowed = errs.New(errs.Invalid, "approval.not_narrower") // a part of what was asked, and less than all of it
	ErrDecided  = errs.New(errs.Conflict, "approval.decided")
	ErrExpired  = errs.New(errs.Conflict, "approval.expired") // nobody answered in time
	ErrAsker    = errs.New(errs.Conflict, "approval.asker_gone")
	ErrOver     = errs.New(errs.Conflict, "approval.over")   // there is nothing to end
	ErrUsedUp   = errs.New(errs.TooMany, "approval.used_up") // somebody was quicker
	ErrLooked   = errs.New(errs.TooMany, "approval.looked")  // as often as they may within an hour or on a day
	ErrForged   = errs.New(errs.Conflict, "approval.forged") // the row isn't as it was written

	ErrExport = errs.New(errs.Invalid, "approval.export")          // what can't wait is looked at, and doesn't leave as a file
	ErrKey    = errs.New(errs.Conflict, "approval.export_no_key")  // there is nobody but who has asked for whom a file could be sealed
	ErrAgreed = errs.New(errs.Forbidden, "approval.agreed_before") // the second of two is another person
	ErrBehind = errs.New(errs.Forbidden, "approval.behind")        // of the three one may be another
	ErrFirst  = errs.New(errs.Conflict, "approval.first_gone")     // who was the first to agree may not any more

	ErrProposer = errs.New(errs.Conflict, "approval.proposer_gone") // who has proposed a charter has left: somebody proposes it anew
)

// A Reason is why somebody has to see a value. The words beside it say more.
type Reason string

// The reasons.
const (
	ForDemand    Reason = "demand"    // what a child or a guardian demands can't be done without (Articles 19 and 20)
	ForSupport   Reason = "support"   // a guardian wants help with it
	ForComplaint Reason = "complaint" // somebody complains about it
	ForSafety    Reason = "safety"    // of the child
	ForFault     Reason = "fault"     // of a system
	ForAuthority Reason = "authority" // it asks, by a law
)

// Reasons are all of them.
var Reasons = []Reason{ForDemand, ForSupport, ForComplaint, ForSafety, ForFault, ForAuthority}

// An Answer is why somebody decided so.
type Answer string

// The answers: the first goes with all that is asked, the next two with less, the others
// with nothing.
const (
	Needed        Answer = "needed"
	LessSuffices  Answer = "less_suffices"
	LessFits      Answer = "less_fits" // the reason carries no more
	NotNeeded     Answer = "not_needed"
	OtherWay      Answer = "other_way" // it can be done without a look
	OtherPurpose  Answer = "other_purpose"
	ReasonUnclear Answer = "reason_unclear"
)

// Answers are those that go with a verdict.
var Answers = map[State][]Answer{
	Granted:  {Needed},
	Narrowed: {LessSuffices, LessFits},
	Refused:  {NotNeeded, OtherWay, OtherPurpose, ReasonUnclear},
}

// The answers that nobody gives.
const (
	Joined           Answer = "joined"  // a window was opened without the office: see Join
	ForeignAuthority Answer = "foreign" // it was refused as it was asked: see Basis.Foreign
)

// A State is how far a request has come.
type State string

// The states. What nobody answers has ended by its time, and so has a window: no row
// changes for that, and nothing has to run for it to hold. See Request.Closed.
const (
	Open     State = "open"
	Agreed   State = "agreed" // of an export: by the first of two
	Granted  State = "granted"
	Narrowed State = "narrowed"
	Refused  State = "refused"
	Ended    State = "ended" // before its time
)

// A Why is why a request or a window has ended before its time.
type Why string

// The whys.
const (
	GivenBack Why = "given_back" // by who had asked
	Revoked   Why = "revoked"
	Restored  Why = "restored" // the store was put back, and what became of it since can't be had again (edge case 15)
)

// A Request is what one person asks to see of one child. The zero Request opens nothing.
type Request struct {
	ID       string // "sa_…"
	Child    family.ID
	Service  string
	Number   string // what people call it, "7K2M-9QXT"
	Asker    string // "st_…"
	Purpose  string
	Items    []string // that were asked for
	Reason   Reason
	Minutes  int  // that were asked for
	Glass    bool // it can't wait for the office: see Join
	Export   bool // as a file, once: about that two decide
	State    State
	AskedAt  time.Time
	AnswerBy time.Time // an open request is worth nothing from then on

	First    string   // "st_…", of an export: who was the first of two to agree; or empty
	FirstFor Answer   // why
	Decider  string   // "st_…"; empty while nobody has decided
	Granted  []string // items; none unless it was granted or narrowed, or agreed to by the first
	Answer   Answer
	From     time.Time // the window: the zero time if nothing was granted
	Until    time.Time
	Quota    int64 // looks
	Looks    int64 // so far

	EndedAt time.Time // zero: it has not been ended
	EndedBy string    // as the ledger names actors, or empty
	Why     Why

	Basis                // in place of a guardian's yes
	Officer    bool      // of a file on a law: one of the two who agreed held an office
	ReleasedAt time.Time // on a basis: when the first of it left; zero: nothing has
	ToldAt     time.Time // when the guardian was to be told of that, after its silence

	note       []byte
	paper      []byte // of the basis
	firstReply []byte
	reply      []byte
	review     []byte // what the office says of it afterwards
	mark       []byte // see bind
}

// Closed reports whether nothing can come of the request any more at that moment: nobody
// can decide about it, and it opens nothing.
func (r Request) Closed(now time.Time) bool {
	switch r.State {
	case Open, Agreed:
		return !now.Before(r.AnswerBy)
	case Granted, Narrowed:
		return !now.Before(r.Until)
	}
	return true
}

const columns = `child, id, service, number, asker, purpose, items, reason, minutes, glass, export, state, asked_at, answer_by,
	first_by, first_for, decider, granted, answer, from_at, until_at, quota, looks, ended_at, ended_by, why,
	ground, receiver, level, country, ends_at, silence, silent_until, officer, released_at, told_at, paper, note, first_reply, reply, review, bound`

func scan(row db.Row) (r Request, err error) {
	var items, granted string
	var minutes int64
	err = row.Scan(&r.Child, &r.ID, &r.Service, &r.Number, &r.Asker, &r.Purpose, &items, &r.Reason, &minutes, &r.Glass, &r.Export, &r.State,
		(*db.Time)(&r.AskedAt), (*db.Time)(&r.AnswerBy), &r.First, &r.FirstFor, &r.Decider, &granted, &r.Answer, (*db.Time)(&r.From), (*db.Time)(&r.Until),
		&r.Quota, &r.Looks, (*db.Time)(&r.EndedAt), &r.EndedBy, &r.Why,
		&r.Ground, &r.Receiver, &r.Level, &r.Country, (*db.Time)(&r.Ends), &r.Silence, (*db.Time)(&r.SilentUntil), &r.Officer,
		(*db.Time)(&r.ReleasedAt), (*db.Time)(&r.ToldAt), &r.paper, &r.note, &r.firstReply, &r.reply, &r.review, &r.mark)
	r.Items, r.Granted, r.Minutes = strings.Fields(items), strings.Fields(granted), int(minutes)
	return r, err
}

// Limits are the operator's. A zero is its default. What was granted keeps the window
// and the quota that it was granted with; the limits per hour and day, and what raises an
// alarm, are those of the moment of a look.
type Limits struct {
	Minutes      int           // of a window, where nobody says how many
	MaxMinutes   int           // of a window; at most an hour, whatever is set
	GlassMinutes int           // of a window that two persons open without the office, at most
	Looks        int           // by one approval
	PerHour      int           // looks of one person
	PerDay       int           // looks of one person
	Answer       time.Duration // until when an open request can be decided about

	Burst   int           // looks of one person within BurstIn; more are an alarm
	BurstIn time.Duration // from the first of them on
	Hours   Hours         // outside of which each look is an alarm
	DaysOff bool          // looks on days off are none
	Zone    *time.Location
	Roles   map[staff.Role]PerRole
}

// Defaults are the limits where nothing else is said.
var Defaults = Limits{Minutes: 15, MaxMinutes: 60, GlassMinutes: 10, Looks: 20, PerHour: 60, PerDay: 200, Answer: 24 * time.Hour,
	Burst: 15, BurstIn: 10 * time.Minute, Hours: Hours{8 * time.Hour, 20 * time.Hour}, Zone: age.Zone}

// Or returns the limits, with the others where one is zero.
func (l Limits) Or(others Limits) Limits {
	l.Minutes, l.MaxMinutes = cmp.Or(l.Minutes, others.Minutes), min(cmp.Or(l.MaxMinutes, others.MaxMinutes), Defaults.MaxMinutes)
	l.GlassMinutes, l.Looks = cmp.Or(l.GlassMinutes, others.GlassMinutes), cmp.Or(l.Looks, others.Looks)
	l.PerHour, l.PerDay, l.Answer = cmp.Or(l.PerHour, others.PerHour), cmp.Or(l.PerDay, others.PerDay), cmp.Or(l.Answer, others.Answer)
	l.Burst, l.BurstIn, l.Hours, l.Zone = cmp.Or(l.Burst, others.Burst), cmp.Or(l.BurstIn, others.BurstIn), cmp.Or(l.Hours, others.Hours), cmp.Or(l.Zone, others.Zone)
	if l.Roles == nil {
		l.Roles = others.Roles
	}
	return l
}

// Asked returns the limits of a request: one that can't wait for the office lasts minutes,
// and waits for its second person half an hour at most. Where a life is in danger it lasts
// hours: a rescue does.
func (l Limits) Asked(glass bool, on Ground) Limits {
	if glass {
		l.MaxMinutes, l.Answer = min(l.MaxMinutes, l.GlassMinutes), min(l.Answer, JoinIn)
	}
	if on == OnLife {
		l.Minutes, l.MaxMinutes = usualLife, LongestLife
	}
	l.Minutes = min(l.Minutes, l.MaxMinutes)
	return l
}

// A Desk takes requests and decisions.
type Desk struct {
	Ring     *keyring.Ring
	Charters *catalog.Cache
	Limits   Limits
}

// May reports whether the matrix lets the person do that with the service. A role by
// office counts while the service names that term of office: its own row says so, which
// is what the gate rests on too.
func May(p staff.Person, a staff.Action, s catalog.Service) bool {
	p.Grants = Standing(p, s)
	return s.Name != "" && p.May(a, s.Name)
}

// RoleFor returns the role by which the person may do that with the service, the first in the
// order of staff.Roles; "" if by none.
func RoleFor(p staff.Person, a staff.Action, s catalog.Service) staff.Role {
	for _, role := range staff.Roles {
		only := p
		only.Grants = slices.DeleteFunc(slices.Clone(p.Grants), func(g staff.Grant) bool { return g.Role != role })
		if May(only, a, s) {
			return role
		}
	}
	return ""
}

// Standing returns the grants of the person that count for the service: of those by office
// the ones of a term that it names.
func Standing(p staff.Person, s catalog.Service) []staff.Grant {
	return slices.DeleteFunc(slices.Clone(p.Grants), func(g staff.Grant) bool {
		return g.Office != "" && (g.Service != s.Name || g.Office != s.OfficerID && g.Office != s.DeputyID)
	})
}

// Find returns a request of a service by its ID. Errors: ErrNotFound, also for one that
// went with its child.
func Find(ctx context.Context, tx *db.Tx, service, request string) (Request, error) {
	if !id.Is(id.Look, request) {
		return Request{}, ErrNotFound
	}
	return found(db.One(ctx, tx, scan, `SELECT `+columns+` FROM approval WHERE id = $1 AND service = $2`, request, service))
}

// Named returns a request by its ID, of whatever service. Errors: ErrNotFound.
func Named(ctx context.Context, tx *db.Tx, request string) (Request, error) {
	return found(db.One(ctx, tx, scan, `SELECT `+columns+` FROM approval WHERE id = $1`, request))
}

// OfChild returns a request about a child by its ID. Errors: ErrNotFound, also for a
// request about another child.
func OfChild(ctx context.Context, tx *db.Tx, child family.ID, request string) (Request, error) {
	if !id.Is(id.Look, request) {
		return Request{}, ErrNotFound
	}
	return found(db.One(ctx, tx, scan, `SELECT `+columns+` FROM approval WHERE child = $1 AND id = $2`, child, request))
}

func found(r Request, err error) (Request, error) {
	if errors.Is(err, db.ErrNone) {
		err = ErrNotFound
	}
	return r, err
}

// List returns requests of a service, the newest first, at most limit: those of which
// something can still come, or the others.
func List(ctx context.Context, tx *db.Tx, service string, closed bool, limit int) ([]Request, error) {
	now := tx.Now()
	if closed {
		return db.All(ctx, tx, scan, `
			SELECT `+columns+` FROM approval
			WHERE service = $1 AND NOT (state IN ('open', 'agreed') AND answer_by > $2 OR state IN ('granted', 'narrowed') AND until_at > $2)
			ORDER BY asked_at DESC, child, id LIMIT $3`, service, (*db.Time)(&now), int64(limit))
	}
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM approval
		WHERE service = $1 AND state IN ('open', 'agreed', 'granted', 'narrowed')
			AND (state IN ('open', 'agreed') AND answer_by > $2 OR state IN ('granted', 'narrowed') AND until_at > $2)
		ORDER BY asked_at DESC, child, id LIMIT $3`, service, (*db.Time)(&now), int64(limit))
}

// ReviewText returns what the office has written of what was opened without it.
func (r Request) ReviewText(ring *keyring.Ring, c family.Child) (pii.Text, error) {
	return open(ring, c, r.review, r.place("review"))
}

// FirstText returns what was written by who was the first of two to agree.
func (r Request) FirstText(ring *keyring.Ring, c family.Child) (pii.Text, error) {
	return open(ring, c, r.firstReply, r.place("first_reply"))
}

// Text returns what was written with the request, and with the decision.
func (r Request) Text(ring *keyring.Ring, c family.Child) (note, reply pii.Text, err error) {
	if note, err = open(ring, c, r.note, r.place("note")); err != nil {
		return note, reply, err
	}
	reply, err = open(ring, c, r.reply, r.place("reply"))
	return note, reply, err
}

func open(ring *keyring.Ring, c family.Child, sealed []byte, place []string) (pii.Text, error) {
	if len(sealed) == 0 {
		return pii.Text{}, nil
	}
	return c.OpenNote(ring, sealed, place...)
}

// place is what a text of the request is sealed with.
func (r Request) place(what string) []string { return []string{"approval", r.ID, what} }

const boundDomain = "approval.bound"

// bind hashes the whole row: one that was written or changed by hand, to be granted, to
// last or to be counted anew, opens nothing.
func (r Request) bind(ring *keyring.Ring) []byte {
	return ring.Index(boundDomain, string(r.Child), r.ID, r.Service, r.Number, r.Asker, r.Purpose, strings.Join(r.Items, " "), string(r.Reason),
		strconv.Itoa(r.Minutes), strconv.FormatBool(r.Glass), strconv.FormatBool(r.Export), string(r.State), micros(r.AskedAt), micros(r.AnswerBy), r.First, string(r.FirstFor), r.Decider, strings.Join(r.Granted, " "), string(r.Answer),
		micros(r.From), micros(r.Until), strconv.FormatInt(r.Quota, 10), strconv.FormatInt(r.Looks, 10), micros(r.EndedAt), r.EndedBy, string(r.Why),
		string(r.Ground), string(r.Receiver), string(r.Level), r.Country, micros(r.Ends), string(r.Silence), micros(r.SilentUntil), strconv.FormatBool(r.Officer),
		micros(r.ReleasedAt), micros(r.ToldAt), string(r.paper),
		string(r.note), string(r.firstReply), string(r.reply), string(r.review))
}

func micros(t time.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) }

// Intact reports whether the row is as it was written. What rests on a request asks first.
func (r Request) Intact(ring *keyring.Ring) bool {
	return len(r.mark) > 0 && subtle.ConstantTimeCompare(r.mark, r.bind(ring)) == 1
}

// Forget removes the requests about a child. It is a part of erasing the child (Article
// 20).
func Forget(ctx context.Context, tx *db.Tx, child family.ID) error {
	return tx.Queue(ctx, `DELETE FROM approval WHERE child = $1`, child)
}
