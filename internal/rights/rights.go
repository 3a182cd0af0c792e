// Package rights keeps what a child or its guardian demands of the operator: to be
// told what is held, to get a copy of it, or to have one carried over to somebody of its
// choice (PIPL 45; Minors' network protection regulation 34), to correct or to supplement
// it, to delete it, to close the account (Articles 19 and 20).
//
// Its one invariant: a demand has a number and a clock from the transaction that
// took it, ends exactly once, and ends in writing. One that deletes freezes the
// child in that same transaction, so that from then on nothing is done with what is
// held but keeping it; the time at which it is erased is on its row, and the sweep
// finds it there whoever has crashed in between.
//
// Demands come through two doors, the child's and the guardian's, and a third for
// those who are neither: what they ask freezes, and a guardian decides (edge case 11).
package rights

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
)

// What can be wrong with a demand.
var (
	ErrKind      = errs.New(errs.Invalid, "rights.kind_unknown")
	ErrDoor      = errs.New(errs.Invalid, "rights.door_unknown")
	ErrItem      = errs.New(errs.Invalid, "rights.item_unknown") // nothing by that name is declared
	ErrNotHeld   = errs.New(errs.Conflict, "rights.not_held")    // or its time is over
	ErrText      = errs.New(errs.Invalid, "rights.text_invalid")
	ErrTwice     = errs.New(errs.Conflict, "rights.twice")    // the same is demanded already
	ErrPast18    = errs.New(errs.Conflict, "rights.grown_up") // no guardian demands for who is 18 (edge case 4)
	ErrMany      = errs.New(errs.TooMany, "rights.too_many_open")
	ErrMayNot    = errs.New(errs.Forbidden, "rights.may_not")
	ErrNotFound  = errs.New(errs.NotFound, "rights.not_found") // or another child's, or erased with its child
	ErrEnded     = errs.New(errs.Conflict, "rights.ended")
	ErrReason    = errs.New(errs.Invalid, "rights.reason_unknown")
	ErrExtended  = errs.New(errs.Conflict, "rights.extended") // once is all
	ErrNotOfKind = errs.New(errs.Conflict, "rights.not_of_kind")
	ErrNamesakes = errs.New(errs.Conflict, "rights.owner_namesakes") // several go by that name
	ErrOwner     = errs.New(errs.Invalid, "rights.owner_unknown")    // nobody by that name is in office
	ErrOwned     = errs.New(errs.Conflict, "rights.owned")           // who was named handles it already
	ErrAssigned  = errs.New(errs.TooMany, "rights.assigned_often")
	ErrContact   = errs.New(errs.Forbidden, "rights.not_to_contact")   // who is no guardian is told nothing of a child
	ErrStands    = errs.New(errs.Conflict, "rights.answer_stands")     // the same was answered, and can still be fetched
	ErrFetched   = errs.New(errs.Gone, "rights.copy_over")             // its days are over
	ErrSeveral   = errs.New(errs.Conflict, "rights.number_of_several") // a number is random, and short
	ErrReached   = errs.New(errs.Invalid, "rights.reached_unknown")
	ErrShown     = errs.New(errs.TooMany, "rights.shown_often")
	ErrOffice    = errs.New(errs.Forbidden, "rights.office_decides") // to refuse an erasure is the office's
	ErrNotHere   = errs.New(errs.Conflict, "rights.not_here")        // whoever asks turns to the office (edge case 22): it says nothing of why
)

// A Kind is what is demanded.
type Kind string

// The kinds.
const (
	Access     Kind = "access"      // kinds and amounts: answered at home, at once
	Copy       Kind = "copy"        // a guardian fetches it at home
	Port       Kind = "port"        // a recipient fetches it whom a guardian has named
	Correct    Kind = "correct"     // Article 19
	Supplement Kind = "supplement"  // what is held is incomplete
	DeleteItem Kind = "delete_item" // one value, at once
	Delete     Kind = "delete"      // Article 20: a bare demand is enough
	Close      Kind = "close"       // Article 20 (4): the use ends
)

// Erases reports whether the demand ends with the erasure of the child.
func (k Kind) Erases() bool { return k == Delete || k == Close }

// Ground is why a child is erased that such a demand was about.
func (k Kind) Ground() family.Ground {
	if k == Close {
		return family.UseEnded
	}
	return family.Requested
}

// Tells reports whether the demand is answered by itself: with what a guardian finds
// at home from then on for seven days, or its recipient at an address.
func (k Kind) Tells() bool { return k == Access || k == Copy || k == Port }

func (k Kind) known() bool {
	return k.Erases() || k.Tells() || k == Correct || k == Supplement || k == DeleteItem
}

// A Door is who demands.
type Door string

// The doors.
const (
	ByGuardian Door = "guardian"
	ByChild    Door = "child"   // accepted from the child alone (edge case 17)
	ByContact  Door = "contact" // neither: a school, a grandparent (edge case 11)
)

// Reached is how a demand came to one of the staff, who has recorded it on behalf of
// whoever asks.
type Reached string

// The ways.
const (
	ByPhone  Reached = "phone"
	ByLetter Reached = "letter"
	InPerson Reached = "in_person"
)

// Ways lists them.
var Ways = []Reached{ByPhone, ByLetter, InPerson}

// Kinds lists the kinds, in the order in which they are offered.
var Kinds = []Kind{Access, Copy, Port, Correct, Supplement, DeleteItem, Delete, Close}

// OnBehalf lists those that somebody may demand for a child or a guardian.
var OnBehalf = slices.DeleteFunc(slices.Clone(Kinds), func(k Kind) bool { return k == Port })

// A State is how far a demand has come.
type State string

// The states. One that was carried out by erasing the child has none: its row
// goes with the child.
const (
	Open      State = "open"
	Done      State = "done"
	Refused   State = "refused"
	Cancelled State = "cancelled" // a guardian wants it kept
)

// A Reason is why a demand is refused, or takes longer.
type Reason string

// The reasons to refuse.
const (
	NotEntitled  Reason = "not_entitled"  // who asked is neither the child nor speaks for it
	KeptForNow   Reason = "kept_for_now"  // of what waits for the office: a law puts the child's interest first (edge case 22)
	NothingHeld  Reason = "nothing_held"  // there is nothing like that to correct
	AlreadyRight Reason = "already_right" // what is held was checked
)

// The reasons to take longer.
const (
	Complex     Reason = "complex"     // it takes looking into
	Unreachable Reason = "unreachable" // whoever asked has to say something and can't be reached
)

// ToRefuse are the reasons for which a demand may be refused.
func (r Request) ToRefuse() []Reason {
	switch {
	case r.Waits():
		return []Reason{KeptForNow, NotEntitled}
	case r.Kind.Erases():
		return []Reason{NotEntitled}
	}
	return []Reason{NotEntitled, NothingHeld, AlreadyRight}
}

// Waits reports whether an open demand of a guardian to erase the child waits for the office,
// which carries it out or refuses it (edge case 22).
func (r Request) Waits() bool {
	return r.State == Open && r.Kind.Erases() && r.Door == ByGuardian && r.EraseAt.IsZero()
}

// ToExtend are the reasons for which a demand may take longer.
var ToExtend = []Reason{Complex, Unreachable}

// A Request is one demand about one child.
type Request struct {
	ID         string // "rr_…"
	Child      family.ID
	Service    string
	Number     string // what people call it, "7K2M-9QXT"
	Kind       Kind
	Door       Door
	Guardian   family.GuardianID // who asks, or has taken it on since; empty: the child, or a stranger
	Item       string            // that is to be corrected or supplemented
	State      State
	Owner      string    // "st_…", who of the staff handles it; empty: nobody yet
	Reason     Reason    // why it was refused
	ReceivedAt time.Time // the clock runs from here
	DueAt      time.Time // when it must have ended
	Extended   Reason    // why it may take longer than the first clock said; empty: it may not
	EraseAt    time.Time // when the child is erased; zero: a guardian is asked first, or nothing is to be erased
	ClosedAt   time.Time // zero while it is open
	FetchUntil time.Time // until when a guardian finds the answer at home, or its recipient at the address; zero for what isn't answered by itself
	Told       []Telling // who was told of it before the child is erased, in their order
	Entry      string    // "le_…": that it was received, and each time it was taken on, with spaces between
	Reached    Reached   // how it came to the staff; empty: it didn't come that way
	Paper      bool      // it came with a document
	Steps      []Step    // what became of it, in order

	froze  bool // the child was not frozen before
	told   string
	steps  string
	paper  []byte
	note   []byte
	answer []byte
}

const columns = `child, id, service, number, kind, door, guardian, item, state, owner, reason, received_at, due_at, extended, erase_at, closed_at,
	fetch_until, froze, note, answer, told, entry, reached, paper, steps`

func scan(row db.Row) (r Request, err error) {
	err = row.Scan(&r.Child, &r.ID, &r.Service, &r.Number, &r.Kind, &r.Door, &r.Guardian, &r.Item, &r.State, &r.Owner, &r.Reason,
		(*db.Time)(&r.ReceivedAt), (*db.Time)(&r.DueAt), &r.Extended, (*db.Time)(&r.EraseAt), (*db.Time)(&r.ClosedAt),
		(*db.Time)(&r.FetchUntil), &r.froze, &r.note, &r.answer, &r.told, &r.Entry, &r.Reached, &r.paper, &r.steps)
	r.Told, r.Steps, r.Paper = readTellings(r.told), readSteps(r.steps), r.paper != nil
	return r, err
}

// A Desk takes demands and ends them.
type Desk struct {
	Ring     *keyring.Ring
	Charters *catalog.Cache
	Calendar workday.Calendar
	Clocks   Clocks
}

// Clocks are how long things may take, in working days after the day on which a demand
// came. They are the operator's: the law says timely. A zero is its default. What is
// due is on the row of a demand, so another clock is one for demands to come.
type Clocks struct {
	Acknowledge int // until somebody of the operator handles it
	Finish      int
	Extend      int // once more, with a reason
	ChildWait   int // before a child is erased that asked alone: its guardian hears of it first
}

// Defaults are the clocks where nothing else is said.
var Defaults = Clocks{Acknowledge: 1, Finish: 15, Extend: 15, ChildWait: 3}

// Or returns the clocks, with the others where one is zero.
func (c Clocks) Or(others Clocks) Clocks {
	return Clocks{cmp.Or(c.Acknowledge, others.Acknowledge), cmp.Or(c.Finish, others.Finish),
		cmp.Or(c.Extend, others.Extend), cmp.Or(c.ChildWait, others.ChildWait)}
}

// fetchable is how long an answer stands at home.
const fetchable = 7 * 24 * time.Hour

// Of returns the demands about a child, the newest first. There are few.
func Of(ctx context.Context, tx *db.Tx, child family.ID) ([]Request, error) {
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM rights_request WHERE child = $1 ORDER BY received_at DESC, id`, child)
}

// Waiting returns open demands of a service, those that are due first, at most limit:
// those that come after a demand in that order, or from the first one on where after is
// empty. A demand that has ended since serves as well. Errors: ErrNotFound, that of
// after, where it went with its child: then one begins anew.
func Waiting(ctx context.Context, tx *db.Tx, service, after string, limit int) ([]Request, error) {
	if after == "" {
		return db.All(ctx, tx, scan, `
			SELECT `+columns+` FROM rights_request WHERE service = $1 AND state = 'open'
			ORDER BY due_at, child, id LIMIT $2`, service, int64(limit))
	}
	last, err := Find(ctx, tx, service, after)
	if err != nil {
		return nil, err
	}
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM rights_request
		WHERE service = $1 AND state = 'open' AND (due_at, child, id) > ($2, $3, $4)
		ORDER BY due_at, child, id LIMIT $5`, service, (*db.Time)(&last.DueAt), last.Child, last.ID, int64(limit))
}

// Find returns a demand of a service by its ID. Errors: ErrNotFound.
func Find(ctx context.Context, tx *db.Tx, service, request string) (Request, error) {
	if !id.Is(id.Rights, request) {
		return Request{}, ErrNotFound
	}
	r, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM rights_request WHERE id = $1 AND service = $2`, request, service)
	if errors.Is(err, db.ErrNone) {
		return Request{}, ErrNotFound
	}
	return r, err
}

// ByNumber returns a demand of a service by what people call it, as they say it:
// "7k2m 9qxt" will do. Errors: ErrNotFound; ErrSeveral, and then only its ID tells
// which.
func ByNumber(ctx context.Context, tx *db.Tx, service, said string) (Request, error) {
	number, ok := id.ParseNumber(said)
	if !ok {
		return Request{}, ErrNotFound
	}
	all, err := OfNumber(ctx, tx, service, number, 2)
	switch {
	case err != nil:
		return Request{}, err
	case len(all) == 0:
		return Request{}, ErrNotFound
	case len(all) > 1:
		return Request{}, ErrSeveral
	}
	return all[0], nil
}

// OfNumber returns the demands of a service that have a number, at most limit: a number is
// random, and short.
func OfNumber(ctx context.Context, tx *db.Tx, service, number string, limit int) ([]Request, error) {
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM rights_request WHERE service = $1 AND number = $2
		ORDER BY child, id LIMIT $3`, service, number, int64(limit))
}

// Text returns what was written with the demand, and what the operator has answered.
func (r Request) Text(ring *keyring.Ring, c family.Child) (note, answer pii.Text, err error) {
	if note, err = open(ring, c, r.note, r.bound("note")); err != nil {
		return note, answer, err
	}
	answer, err = open(ring, c, r.answer, r.bound("answer"))
	return note, answer, err
}

func open(ring *keyring.Ring, c family.Child, sealed []byte, bound []string) (pii.Text, error) {
	if len(sealed) == 0 {
		return pii.Text{}, nil
	}
	return c.OpenNote(ring, sealed, bound...)
}

// bound is what a text of the demand is sealed with.
func (r Request) bound(what string) []string { return []string{"rights", r.ID, what} }
