// Package consent asks guardians, and keeps what they agreed to, what they
// refused and what they withdrew (Articles 9, 10 and 14).
//
// Its one invariant (4 of ARCHITECTURE.md): every answer carries the number of
// the charter and the hash of the notice that its guardian was shown, and that
// hash is the one the charter yields. Nothing is granted by silence, by a
// preset or by someone who isn't a verified guardian.
package consent

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/family"
)

// What can be wrong with an answer or a withdrawal.
var (
	ErrNotFound  = errs.New(errs.NotFound, "consent.not_found")
	ErrWithdrawn = errs.New(errs.Conflict, "consent.withdrawn")
	ErrNotYours  = errs.New(errs.Forbidden, "consent.not_yours")        // another child, or another guardian's request
	ErrMayNot    = errs.New(errs.Forbidden, "consent.guardian_may_not") // not verified, ended, or not a guardian (edge case 11)
	ErrMissing   = errs.New(errs.Invalid, "consent.answer_missing")     // silence isn't an answer
	ErrUnasked   = errs.New(errs.Invalid, "consent.purpose_unknown")    // an answer or a question about a purpose that isn't there
	ErrNotice    = errs.New(errs.Conflict, "consent.notice_changed")    // what was shown isn't what the charter yields
	ErrAsked     = errs.New(errs.Conflict, "consent.asked_again")       // a newer charter changed it: ask anew
	ErrVerified  = errs.New(errs.Forbidden, "consent.not_verified")     // who answers has not been verified yet
	ErrNotShown  = errs.New(errs.Conflict, "consent.not_shown")         // nobody was shown the notice yet
	ErrNotATest  = errs.New(errs.Forbidden, "consent.not_a_test")       // outcomes are forced in a test service only
	ErrOutcome   = errs.New(errs.Invalid, "consent.outcome_unknown")    // see Outcome
	ErrAnswerers = errs.New(errs.Invalid, "consent.not_a_guardian")     // name a parent (edge case 11)
	ErrRefused   = errs.New(errs.Conflict, "consent.refused_before")    // edge case 26
	ErrNothing   = errs.New(errs.Conflict, "consent.nothing_to_ask")    // every purpose has its answer
	ErrPast14    = errs.New(errs.Conflict, "consent.guardian_past_14")  // the guardian's answer counts no more (edge case 4)
	ErrMinorsEnd = errs.New(errs.Gone, "consent.minors_link_over")      // a link of the minor itself, which its app makes anew
	ErrPast18    = errs.New(errs.Conflict, "consent.grown_up")          // nobody is asked here any more
	ErrWho       = errs.New(errs.Invalid, "consent.answers_unknown")    // a minor, and a guardian who is named
	ErrByLink    = errs.New(errs.Invalid, "consent.minor_by_link")      // a minor is asked by a link that the app shows
)

// An Answer is what one guardian said about one purpose, as one notice stated it.
type Answer struct {
	ID        string // "co_…"
	Child     family.ID
	Guardian  family.GuardianID
	Request   string // "cr_…", or empty for a withdrawal
	Purpose   string
	Charter   int64  // the number of the charter that was shown
	Notice    string // the hash of what was shown
	Page      string // the hash of the page that showed it: see PageOf; empty where it wasn't ours
	Lang      string
	Channel   string // where it was shown
	ShownAt   time.Time
	GivenAt   time.Time
	Granted   bool
	Takeover  bool   // it answers a request that was made by who had read of the takeover: see Fresh
	Withdraws string // the grant that this answer took back, if it is a withdrawal
	Strength  family.Strength
	EndedAt   time.Time // zero while it stands
	Ending    Ending
	Entry     string // "le_…", of the ledger
}

// Stands reports whether nothing has replaced the answer.
func (a Answer) Stands() bool { return a.EndedAt.IsZero() }

// An Ending says why an answer no longer stands.
type Ending string

// The endings; the zero Ending is that of an answer that stands. An answer of a
// guardian who is none any more keeps standing: what it is worth is for Standing
// to say.
const (
	EndedByWithdrawal Ending = "withdrawn"
	EndedByNewAnswer  Ending = "superseded"
)

const columns = `child, id, guardian, request, purpose, charter, notice, page, lang, channel,
	shown_at, given_at, granted, takeover, withdraws, strength, ended_at, ending, entry`

func scan(row db.Row) (a Answer, err error) {
	err = row.Scan(&a.Child, &a.ID, &a.Guardian, &a.Request, &a.Purpose, &a.Charter, &a.Notice, &a.Page, &a.Lang, &a.Channel,
		(*db.Time)(&a.ShownAt), (*db.Time)(&a.GivenAt), &a.Granted, &a.Takeover, &a.Withdraws, &a.Strength,
		(*db.Time)(&a.EndedAt), &a.Ending, &a.Entry)
	return a, err
}

// readStanding reads the answers about a child that nothing has replaced, in the
// order in which they were given.
func readStanding(into *[]Answer, child family.ID) db.Read {
	return db.ReadInto(into, scan, `
		SELECT `+columns+` FROM consent
		WHERE child = $1 AND ended_at IS NULL
		ORDER BY given_at, id`, child)
}

// weighed are the columns that Standing looks at. Decisions are made by the
// thousand, and the others are half of their reading.
const weighed = `child, id, guardian, purpose, charter, given_at, granted, takeover, withdraws, strength`

func scanWeighed(row db.Row) (a Answer, err error) {
	err = row.Scan(&a.Child, &a.ID, &a.Guardian, &a.Purpose, &a.Charter, (*db.Time)(&a.GivenAt), &a.Granted, &a.Takeover, &a.Withdraws, &a.Strength)
	return a, err
}

// ReadStanding reads what Standing weighs: the answers about a child that
// nothing has replaced, in the order in which they were given, without what was
// shown, where and when.
func ReadStanding(into *[]Answer, child family.ID) db.Read {
	return db.ReadInto(into, scanWeighed, `
		SELECT `+weighed+` FROM consent
		WHERE child = $1 AND ended_at IS NULL
		ORDER BY given_at, id`, child)
}

// ReadStandingOf is ReadStanding for at most db.Chunk children; those of each
// child come in order.
func ReadStandingOf(into *[]Answer, children []family.ID) db.Read {
	in, args := db.Placeholders(children)
	return db.ReadInto(into, scanWeighed, `
		SELECT `+weighed+` FROM consent
		WHERE child IN `+in+` AND ended_at IS NULL
		ORDER BY child, given_at, id`, args...)
}

// Find returns one answer about a child, whether or not it stands. Errors:
// ErrNotFound.
func Find(ctx context.Context, tx *db.Tx, child family.ID, id string) (Answer, error) {
	a, err := db.One(ctx, tx, scan, `
		SELECT `+columns+` FROM consent WHERE child = $1 AND id = $2`, child, id)
	if errors.Is(err, db.ErrNone) {
		return Answer{}, ErrNotFound
	}
	return a, err
}

// History returns every answer about a child, the oldest first.
func History(ctx context.Context, tx *db.Tx, child family.ID) ([]Answer, error) {
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM consent WHERE child = $1
		ORDER BY given_at, id`, child)
}
