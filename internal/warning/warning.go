// Package warning tells the children whom an incident has reached, and their guardians, each by
// themselves: what it is about, what was done and what they can do, and whom they can ask
// (Article 21, PIPL 57). Whom a message doesn't reach is reached by the next way, by telephone or
// by letter; where somebody can hardly be told at all, the public is warned.
//
// Its one invariant: nobody is told but by the word of two persons, and nobody twice. A notice is
// drafted by one and confirmed by another; that nobody is told is decided in the same way, with
// its reason. Each addressee has a row before anything is sent, and goes by it through the ways
// that there are; a message has the same name each time, so a crash between sending and noting
// that repeats none. A guardian from whom the child is hidden is told nothing (edge case 22).
// What is written is sealed, the ledger names nobody.
package warning

import (
	"context"
	"errors"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/family"
	"wardkeep/internal/incident"
)

// What can be wrong with a notice.
var (
	ErrMayNot      = errs.New(errs.Forbidden, "warning.may_not")
	ErrNotFound    = errs.New(errs.NotFound, "warning.not_found")
	ErrWords       = errs.New(errs.Invalid, "warning.words_invalid")   // one of the parts that PIPL 57 wants is missing, or too long
	ErrSecond      = errs.New(errs.Conflict, "warning.second")         // who confirms it has drafted it
	ErrMaybeOne    = errs.New(errs.Conflict, "warning.maybe_one")      // or may have, under another account
	ErrDrafter     = errs.New(errs.Conflict, "warning.drafter_left")   // who has drafted it has left: it is drafted again
	ErrVersion     = errs.New(errs.Conflict, "warning.drafted_anew")   // since whoever confirms it has read it
	ErrConfirmed   = errs.New(errs.Conflict, "warning.confirmed")      // so it can't be changed
	ErrUnconfirmed = errs.New(errs.Conflict, "warning.not_confirmed")  // so nobody is told
	ErrWithheld    = errs.New(errs.Conflict, "warning.withheld")       // it says why nobody is told
	ErrPaused      = errs.New(errs.Conflict, "warning.paused")         // so nobody is called or written to
	ErrNobody      = errs.New(errs.NotFound, "warning.nobody")         // stands so, of a child that is called so
	ErrState       = errs.New(errs.Conflict, "warning.state")          // it is so already, or was done meanwhile
	ErrMessage     = errs.New(errs.NotFound, "warning.message")        // nobody is known to have been sent it, or one knows already that it came back
	ErrSending     = errs.New(errs.Unavailable, "warning.sending")     // that the gateway took it isn't noted yet: what it says is to be said again
	ErrOutcome     = errs.New(errs.Invalid, "warning.outcome_unknown") // of a call or a letter
	ErrMany        = errs.New(errs.TooMany, "warning.too_many")        // notices about one case
	ErrSealed      = errs.New(errs.Internal, "warning.not_intact")
)

const (
	maxNotices = 100   // about one case
	maxWords   = 2_000 // characters of each part
	sealDomain = "warning.words"
)

// A State is where an addressee stands.
type State string

// The states. Of those who are waiting, a message is sent without anybody's doing.
const (
	Waiting     State = "waiting"     // for a message
	Sending     State = "sending"     // a message is on its way; if we crash here, it is sent again by the same name
	Sent        State = "sent"        // the mail server or the gateway took it: nobody knows whether it was read
	Told        State = "told"        // somebody has spoken with them, or a letter wasn't returned
	Call        State = "call"        // is to be telephoned
	Letter      State = "letter"      // is to be written a letter
	Posted      State = "posted"      // the letter is on its way
	Through     State = "through"     // a child with no contact of its own, told through its guardian (edge case 6)
	Unreachable State = "unreachable" // by every way that there is: for them the public is warned
	Gone        State = "gone"        // may not be told, or needs not: no guardian any more
)

// States lists them.
var States = []State{Waiting, Sending, Sent, Told, Call, Letter, Posted, Through, Unreachable, Gone}

// A Way is how somebody is told.
type Way string

// The ways, in the order in which they are tried: first the messages, the one that a guardian has
// chosen before the other.
const (
	BySMS    Way = "sms"
	ByEmail  Way = "email"
	ByPhone  Way = "phone"
	ByLetter Way = "letter"
)

// A Notice is one thing that is told about a case, or that nobody is told of it.
type Notice struct {
	ID          string // "wn_…"
	Service     string
	Incident    string
	Withheld    bool  // it says why nobody is told
	Version     int64 // how often it was drafted
	DraftedAt   time.Time
	DraftedBy   string    // a person inside, "st_…"
	ConfirmedAt time.Time // zero: nobody is told yet
	ConfirmedBy string
	Paused      bool
	After       family.ID // up to which child of the case the addressees are prepared
	Batches     int64
	Children    int64     // of the case that were looked at
	Addressees  int64     // that were found of them
	PreparedAt  time.Time // when the last of them were; zero while some are left
	Listed      int64     // how many children the case had when they were last gone through from the first
	WarnedAt    time.Time // when the public was warned; zero: it isn't
	WarnedBy    string
	WarnedUntil time.Time // when somebody has taken the warning back

	sealed, salt []byte
}

// Number is what people call it: "7K2M-9QXT".
func (n Notice) Number() string { return id.NumberOf(n.ID) }

// Confirmed reports whether two persons have decided it.
func (n Notice) Confirmed() bool { return !n.ConfirmedAt.IsZero() }

// Running reports whether somebody is told by it without anybody's doing.
func (n Notice) Running() bool { return n.Confirmed() && !n.Withheld && !n.Paused }

// Public reports whether the public is warned by it.
func (n Notice) Public() bool { return !n.WarnedAt.IsZero() && n.WarnedUntil.IsZero() }

const columns = `id, service, incident, withheld, version, drafted_at, drafted_by, confirmed_at, confirmed_by, paused, after, batches, children,
	addressees, prepared_at, listed, warned_at, warned_by, warned_until, sealed, salt`

func scan(row db.Row) (n Notice, err error) {
	err = row.Scan(&n.ID, &n.Service, &n.Incident, &n.Withheld, &n.Version, (*db.Time)(&n.DraftedAt), &n.DraftedBy, (*db.Time)(&n.ConfirmedAt), &n.ConfirmedBy,
		&n.Paused, &n.After, &n.Batches, &n.Children, &n.Addressees, (*db.Time)(&n.PreparedAt), &n.Listed, (*db.Time)(&n.WarnedAt), &n.WarnedBy, (*db.Time)(&n.WarnedUntil), &n.sealed, &n.salt)
	return n, err
}

// An Addressee is one person who is told, of one child.
type Addressee struct {
	Child     family.ID
	Notice    string
	Guardian  family.GuardianID // empty: the child itself
	Name      string            // as the ledger has it: it leads to nobody once the child is erased
	Batch     int64
	State     State
	Ways      []Way // that were tried, or are being; the last is the present one
	Tries     int64 // by that one
	ChangedAt time.Time
	DueAt     time.Time // when something is done without anybody's doing, if it waits
}

// Way is the one by which they are told at the moment, or were last; empty before the first.
func (a Addressee) Way() Way {
	if len(a.Ways) == 0 {
		return ""
	}
	return a.Ways[len(a.Ways)-1]
}

// Written is how a row has the ways: separated by spaces.
func (a Addressee) Written() string {
	all := make([]string, len(a.Ways))
	for i, w := range a.Ways {
		all[i] = string(w)
	}
	return strings.Join(all, " ")
}

func waysOf(written string) (all []Way) {
	for _, w := range strings.Fields(written) {
		all = append(all, Way(w))
	}
	return all
}

const addresseeColumns = `child, notice, addressee, name, batch, state, ways, tries, changed_at, due_at`

func scanAddressee(row db.Row) (a Addressee, err error) {
	var ways string
	err = row.Scan(&a.Child, &a.Notice, &a.Guardian, &a.Name, &a.Batch, &a.State, &ways, &a.Tries, (*db.Time)(&a.ChangedAt), (*db.Time)(&a.DueAt))
	a.Ways = waysOf(ways)
	return a, err
}

// Find returns a notice of the service. Errors: ErrNotFound.
func Find(ctx context.Context, tx *db.Tx, service, name string) (Notice, error) {
	n, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM breach_notice WHERE id = $1 AND service = $2`, name, service)
	if errors.Is(err, db.ErrNone) {
		err = ErrNotFound
	}
	return n, err
}

// Of returns the notices about a case, the first one first. There are few.
func Of(ctx context.Context, tx *db.Tx, incident string) ([]Notice, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM breach_notice WHERE incident = $1 ORDER BY drafted_at, id LIMIT $2`, incident, int64(maxNotices))
}

// Public returns the warnings that stand, the last one first.
func Public(ctx context.Context, tx *db.Tx, limit int) ([]Notice, error) {
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM breach_notice WHERE warned_at IS NOT NULL AND warned_until IS NULL
		ORDER BY warned_at DESC, id LIMIT $1`, int64(limit))
}

// FindPublic returns a notice for whoever has its name from a message, or from the list of the
// warnings: one that nobody was told of isn't there. Errors: ErrNotFound.
func FindPublic(ctx context.Context, tx *db.Tx, name string) (Notice, error) {
	n, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM breach_notice WHERE id = $1`, name)
	if errors.Is(err, db.ErrNone) || err == nil && (!n.Confirmed() || n.Withheld) {
		return Notice{}, ErrNotFound
	}
	return n, err
}

// running returns the notices by which somebody may be told now.
func running(ctx context.Context, tx *db.Tx) ([]Notice, error) {
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM breach_notice WHERE confirmed_at IS NOT NULL AND NOT withheld AND NOT paused
		ORDER BY drafted_at, id`)
}

// All calls each with every notice, by its name. Each must not use tx.
func All(ctx context.Context, tx *db.Tx, each func(Notice) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		n, err := scan(row)
		if err != nil {
			return err
		}
		return each(n)
	}, `SELECT `+columns+` FROM breach_notice ORDER BY id`)
}

// CountedTo is up to how many addressees are counted in each state: whoever looks at the page of
// a notice to a million waits for no more.
const CountedTo = 10_000

// A Count is how many addressees of a notice are in a state.
type Count struct {
	State State
	Many  int64
	More  bool // there are more than are counted
}

// Counts returns how many addressees of a notice are in which state, in the order of States, and
// at most CountedTo of each: where there are none, it leaves the state out.
func Counts(ctx context.Context, tx *db.Tx, n Notice) (all []Count, err error) {
	found := make([][]int64, len(States))
	var reads []db.Read
	for i, s := range States {
		reads = append(reads, db.ReadInto(&found[i], db.Single[int64],
			`SELECT count(*) FROM (SELECT child FROM breach_addressee WHERE notice = $1 AND state = $2 LIMIT $3) AS counted`, n.ID, s, int64(CountedTo+1)))
	}
	if err := tx.Together(ctx, reads...); err != nil {
		return nil, err
	}
	for i, s := range States {
		if many := found[i][0]; many > 0 {
			all = append(all, Count{s, min(many, CountedTo), many > CountedTo})
		}
	}
	return all, nil
}

// Untold returns how many children have come to the list of its case after a notice went through
// it: neither they nor their guardians are told by it until somebody extends it (Extend). Some of
// them may be erased by now, or have been told as they came while it did.
func Untold(ctx context.Context, tx *db.Tx, n Notice) (int64, error) {
	if n.PreparedAt.IsZero() || n.Withheld {
		return 0, nil
	}
	list, err := incident.ListOf(ctx, tx, n.Incident)
	return max(0, list.Children-n.Listed), err
}

// A Behind is a notice that doesn't reach all children of its case any more.
type Behind struct {
	Notice
	Untold int64
}

// Behinds returns of each case of the service that has children of whom no notice tells the one
// that tells of most (Article 21), the one that was prepared first before the others.
func Behinds(ctx context.Context, tx *db.Tx, service string) ([]Behind, error) {
	return db.All(ctx, tx, func(row db.Row) (b Behind, err error) {
		err = row.Scan(&b.ID, &b.Service, &b.Incident, (*db.Time)(&b.PreparedAt), &b.Untold)
		return b, err
	}, `
		SELECT n.id, n.service, n.incident, n.prepared_at, l.children - n.listed FROM breach_notice n JOIN incident_list l ON l.incident = n.incident
		WHERE n.service = $1 AND n.prepared_at IS NOT NULL AND l.children > n.listed AND NOT EXISTS (
			SELECT 1 FROM breach_notice o WHERE o.incident = n.incident AND o.prepared_at IS NOT NULL AND (o.listed > n.listed OR o.listed = n.listed AND o.id > n.id))
		ORDER BY n.prepared_at, n.id`, service)
}

// List returns the addressees of a notice in a state, those that came into it first, after one
// of an earlier page; at most limit.
func List(ctx context.Context, tx *db.Tx, n Notice, state State, after Addressee, limit int) ([]Addressee, error) {
	return db.All(ctx, tx, scanAddressee, `
		SELECT `+addresseeColumns+` FROM breach_addressee
		WHERE notice = $1 AND state = $2 AND (child > $3 OR child = $3 AND addressee > $4)
		ORDER BY child, addressee LIMIT $5`, n.ID, state, after.Child, after.Guardian, int64(limit))
}

// AllAddressees calls each with every addressee and the pseudonym of their child, by notice, batch
// and name. Each must not use tx.
func AllAddressees(ctx context.Context, tx *db.Tx, each func(a Addressee, subject string) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		var a Addressee
		var ways, subject string
		err := row.Scan(&a.Child, &a.Notice, &a.Guardian, &a.Name, &a.Batch, &a.State, &ways, &a.Tries, (*db.Time)(&a.ChangedAt), (*db.Time)(&a.DueAt), &subject)
		if err != nil {
			return err
		}
		a.Ways = waysOf(ways)
		return each(a, subject)
	}, `
		SELECT a.child, a.notice, a.addressee, a.name, a.batch, a.state, a.ways, a.tries, a.changed_at, a.due_at, coalesce(c.subject, '')
		FROM breach_addressee a LEFT JOIN child c ON c.child = a.child
		ORDER BY a.notice, a.batch, a.name, a.child, a.addressee`)
}
