package consent

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
)

// What can be wrong with a request.
var (
	ErrNoRequest = errs.New(errs.NotFound, "consent.request_unknown")
	ErrLink      = errs.New(errs.NotFound, "consent.link_unknown")
	ErrExpired   = errs.New(errs.Gone, "consent.expired")
	ErrCancelled = errs.New(errs.Gone, "consent.cancelled")
	ErrAnswered  = errs.New(errs.Conflict, "consent.answered")
)

// A Desk asks for consent and takes the answers. It holds what that needs
// besides the transaction.
type Desk struct {
	Ring     *keyring.Ring
	Charters *catalog.Cache
}

// A Channel is how a request reaches its guardian.
type Channel string

// The channels. A link is handed over by the operator's app, as a link, a QR
// code or a short code.
const (
	SMS   Channel = "sms"
	Email Channel = "email"
	Link  Channel = "link"
)

// A State is how far a request has come.
type State string

// The states, in the order of a request's life. A request past its time is
// expired, whether or not the sweep has said so.
const (
	Pending   State = "pending"
	Opened    State = "opened"
	Verified  State = "verified"
	Answered  State = "answered"
	Expired   State = "expired"
	Cancelled State = "cancelled"
)

// A Request asks one guardian about some purposes of one charter.
type Request struct {
	ID         string // "cr_…"
	Child      family.ID
	Service    string
	Guardian   family.GuardianID
	Charter    int64
	Purposes   []string // in the charter's order
	Channel    Channel
	Locale     string
	State      State
	Shown      Shown // what it was opened as last, or answered as; zero until it was opened
	Sends      int64 // how often it was sent
	SentAt     time.Time
	Takeover   bool // who asked had read that the service is taken over: see AskSuccession
	CreatedAt  time.Time
	ExpiresAt  time.Time
	VerifiedAt time.Time
	AnsweredAt time.Time

	payload []byte  // sealed
	before  []Shown // what else may be answered
}

// Shown is what a guardian was shown: the whole notice, in one language.
type Shown struct {
	Notice  string // its hash
	Page    string // the hash of the page that showed it with its questions: see PageOf
	Lang    string
	Channel string // "page", "api"
	At      time.Time
}

// requestColumns belongs to scanRequest. Codes and proofs are read by those who
// check them alone.
const requestColumns = `child, id, service, guardian, charter, purposes, channel, locale, state, payload,
	notice, page, shown_lang, shown_on, shown_at, shown_before, sends, sent_at, takeover, created_at, expires_at, verified_at, answered_at`

func scanRequest(row db.Row) (r Request, err error) {
	var purposes, before string
	err = row.Scan(&r.Child, &r.ID, &r.Service, &r.Guardian, &r.Charter, &purposes, &r.Channel, &r.Locale, &r.State, &r.payload,
		&r.Shown.Notice, &r.Shown.Page, &r.Shown.Lang, &r.Shown.Channel, (*db.Time)(&r.Shown.At), &before, &r.Sends, (*db.Time)(&r.SentAt),
		&r.Takeover, (*db.Time)(&r.CreatedAt), (*db.Time)(&r.ExpiresAt), (*db.Time)(&r.VerifiedAt), (*db.Time)(&r.AnsweredAt))
	r.Purposes, r.before = strings.Fields(purposes), parseShown(before)
	return r, err
}

// ByID returns a request of the service. Errors: ErrNoRequest, also for another
// service's.
func ByID(ctx context.Context, tx *db.Tx, service, request string) (Request, error) {
	// Whatever a stranger says is looked up only if it can be a name: PostgreSQL
	// fails on a text with a zero byte.
	if !id.Is(id.Request, request) {
		return Request{}, ErrNoRequest
	}
	r, err := db.One(ctx, tx, scanRequest, `
		SELECT `+requestColumns+` FROM consent_request WHERE id = $1`, request)
	if errors.Is(err, db.ErrNone) || err == nil && r.Service != service {
		return Request{}, ErrNoRequest
	}
	return r.at(tx.Now()), err
}

// Requests returns the requests about a child, the oldest first.
func Requests(ctx context.Context, tx *db.Tx, child family.ID) ([]Request, error) {
	all, err := db.All(ctx, tx, scanRequest, `
		SELECT `+requestColumns+` FROM consent_request WHERE child = $1
		ORDER BY created_at, id`, child)
	for i := range all {
		all[i] = all[i].at(tx.Now())
	}
	return all, err
}

// reload reads the request again, after its child was locked.
func reload(ctx context.Context, tx *db.Tx, child family.ID, id string) (Request, error) {
	r, err := db.One(ctx, tx, scanRequest, `
		SELECT `+requestColumns+` FROM consent_request WHERE child = $1 AND id = $2`, child, id)
	if errors.Is(err, db.ErrNone) {
		return Request{}, ErrNoRequest
	}
	return r.at(tx.Now()), err
}

// lock locks the child of a request and reads both again: from here to the
// commit nothing about them changes.
func lock(ctx context.Context, tx *db.Tx, r Request) (family.Child, Request, error) {
	c, err := family.Lock(ctx, tx, r.Service, r.Child)
	if err != nil {
		return c, r, err
	}
	r, err = reload(ctx, tx, r.Child, r.ID)
	return c, r, err
}

// at returns the request as it is at that moment: nobody waits for the sweep.
func (r Request) at(now time.Time) Request {
	if r.waits() && !now.Before(r.ExpiresAt) {
		r.State = Expired
	}
	return r
}

// waits reports whether the request has neither answer nor end.
func (r Request) waits() bool {
	return slices.Contains([]State{Pending, Opened, Verified}, r.State)
}

// Lang is the language in which the guardian is written to about the request: that
// of its answer and, until there is one, that in which it was asked. Whoever has the
// link opens it in any language.
func (r Request) Lang() string {
	if r.State == Answered {
		return r.Shown.Lang
	}
	return r.Locale
}

// Over reports whether the request ended without an answer. It takes neither a
// code nor an answer any more.
func (r Request) Over() bool { return r.State == Expired || r.State == Cancelled }

// Refusal returns why the request takes no answer any more, or nil.
func (r Request) Refusal() error {
	switch r.State {
	case Expired:
		return ErrExpired
	case Cancelled:
		return ErrCancelled
	case Answered:
		return ErrAnswered
	case Pending, Opened, Verified:
		return nil
	}
	return ErrNoRequest
}

// stepped turns the row count of a step in a request's life into an error: the
// step was taken by exactly one.
func stepped(n int64, err error) error {
	if err == nil && n != 1 {
		return ErrAnswered
	}
	return err
}

// standing reads the answers that stand and the guardians of a child.
func standing(ctx context.Context, tx *db.Tx, child family.ID) (answers []Answer, guardians []family.Guardian, err error) {
	err = tx.Together(ctx, readStanding(&answers, child), family.ReadGuardians(&guardians, child))
	return answers, guardians, err
}
