// Package verification proves who a guardian is, beyond that it holds a phone
// (Article 9, edge cases 10 and 24): by name and identity number, by the official
// identity service, by a document that two of the staff saw.
//
// Its one invariant: a guardian's strength rises only by an attempt that began in
// a browser which had returned a one-time code, that succeeded once, and whose
// outcome came from outside: a provider that answered, a callback that was signed
// and knew its nonce, or two different persons of the staff. What is typed and
// what is shown (number, name, document) isn't kept: only what came of it, and a
// keyed hash that dies with the child. There are no pictures of faces to keep.
//
// An attempt is counted before anybody is asked, so that whoever breaks off has
// used a try. If we crash while a provider is asked, the attempt runs out by
// itself and nothing is proved.
package verification

import (
	"context"
	"errors"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
)

// What can be wrong with an attempt.
var (
	ErrNotOffered = errs.New(errs.NotFound, "verification.not_offered") // the method isn't configured, or a minor asks
	ErrNotFound   = errs.New(errs.NotFound, "verification.not_found")   // or another guardian's, or another service's
	ErrName       = errs.New(errs.Invalid, "verification.name_invalid")
	ErrNumber     = errs.New(errs.Invalid, "verification.number_invalid") // its check digit says so, or its shape
	ErrMinor      = errs.New(errs.Forbidden, "verification.minor")        // the number is that of somebody under 18
	ErrNoMatch    = errs.New(errs.Forbidden, "verification.no_match")     // whatever the reason: see Failed
	ErrTries      = errs.New(errs.TooMany, "verification.too_many")
	ErrProvider   = errs.New(errs.Kind(502), "verification.provider") // it can't be asked now; no try is lost
	ErrEnded      = errs.New(errs.Gone, "verification.ended")
)

// A State is how far an attempt has come.
type State string

// The states.
const (
	Started     State = "started"
	Succeeded   State = "succeeded"
	Failed      State = "failed"      // why isn't told to whoever tried
	Unavailable State = "unavailable" // the provider was: it counts as no try
)

// An Attempt is one try to prove who a guardian is.
type Attempt struct {
	ID        string // "ve_…"
	Child     family.ID
	Service   string
	Request   string // the consent request it began at
	Guardian  family.GuardianID
	Method    family.Method
	State     State
	Seen      []string  // documents: who of the staff saw it, "st_…": a term of office, or a person inside
	First     string    // documents: who of them approved it first; empty
	Until     time.Time // documents: the end of the proof, as the first one said
	StartedAt time.Time
	ExpiresAt time.Time

	behind                   []string // documents: who else the first might have been, as it approved
	session, nonce, identity []byte
	inside                   approval.Inside // what the person inside who judges rests on
}

const columns = `child, id, service, request, guardian, method, state, session, nonce, identity, seen, first, behind, until, started_at, expires_at`

func scan(row db.Row) (a Attempt, err error) {
	var seen, behind string
	err = row.Scan(&a.Child, &a.ID, &a.Service, &a.Request, &a.Guardian, &a.Method, &a.State, &a.session, &a.nonce, &a.identity,
		&seen, &a.First, &behind, (*db.Time)(&a.Until), (*db.Time)(&a.StartedAt), (*db.Time)(&a.ExpiresAt))
	a.Seen, a.behind = strings.Fields(seen), strings.Fields(behind)
	return a, err
}

// at returns the attempt as it is at that moment: nobody waits for the sweep.
func (a Attempt) at(now time.Time) Attempt {
	if a.State == Started && !now.Before(a.ExpiresAt) {
		a.State = Failed
	}
	return a
}

// A Desk verifies. A provider that is nil isn't offered.
type Desk struct {
	Consent   consent.Desk
	Number    Provider
	Official  Provider
	Documents bool // whether the staff looks at documents
	// Callback is where the official service reports, without the attempt's name.
	Callback string
	// Hosts are those of the pages that the official service may lead a guardian to.
	Hosts []string
	// Looks are how often a person inside may look: at documents as at values.
	Looks approval.Limits
}

// Offered returns the methods that the desk has.
func (d Desk) Offered() (all []family.Method) {
	if d.Number != nil {
		all = append(all, family.ByNumber)
	}
	if d.Official != nil {
		all = append(all, family.ByOfficial)
	}
	if d.Documents {
		all = append(all, family.ByDocument)
	}
	return all
}

// The limits of attempts. Counted are those of a day, whatever became of them.
const (
	day        = 24 * time.Hour
	perPerson  = 5  // of one guardian, by one method
	perContact = 10 // of one phone or mailbox, over all children, by one method

	numberLife   = 2 * time.Minute // while a provider is asked
	officialLife = 15 * time.Minute
	documentLife = 7 * day

	nonceDomain = "verification.nonce"
)

func lifeOf(m family.Method) time.Duration {
	switch m {
	case family.ByNumber:
		return numberLife
	case family.ByOfficial:
		return officialLife
	}
	return documentLife
}

// begin counts and records an attempt of the guardian in whose browser the proof
// of a one-time code is.
func (d Desk) begin(ctx context.Context, tx *db.Tx, r consent.Request, proof string, m family.Method) (Attempt, family.Child, error) {
	// The child first, as everywhere: of two attempts at once the second counts the
	// first.
	c, err := family.Lock(ctx, tx, r.Service, r.Child)
	if err != nil {
		return Attempt{}, c, err
	}
	g, err := d.Consent.Guardian(ctx, tx, r, proof)
	if err != nil {
		return Attempt{}, c, err
	}
	if g.Relation == family.Self {
		return Attempt{}, c, ErrNotOffered // edge case 4: nothing more of a minor is taken
	}
	if err := consent.MayProve(ctx, tx, r); err != nil {
		return Attempt{}, c, err
	}
	if err := counted(ctx, tx, g, m); err != nil {
		return Attempt{}, c, err
	}
	a := Attempt{
		ID: id.New(id.Verification), Child: c.ID, Service: c.Service, Request: r.ID, Guardian: g.ID, Method: m, State: Started,
		StartedAt: tx.Now(), ExpiresAt: tx.Now().Add(lifeOf(m)), session: d.Consent.Session(r, proof),
	}
	err = tx.Queue(ctx, `
		INSERT INTO verification (child, id, service, request, guardian, method, state, session, seen, first, behind, started_at, expires_at, due_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', '', '', $9, $10, $10)`,
		a.Child, a.ID, a.Service, a.Request, a.Guardian, a.Method, a.State, a.session, (*db.Time)(&a.StartedAt), (*db.Time)(&a.ExpiresAt))
	if err != nil {
		return a, c, err
	}
	_, err = note(ctx, tx, c, KindStarted, g.Ledger(), StartedBody{
		Verification: a.ID, Request: a.Request, Guardian: a.Guardian, Method: a.Method, Expires: a.ExpiresAt.UnixMicro(),
	})
	return a, c, err
}

// counted refuses who has tried too often. Two children's attempts from one phone
// at the same moment may both be the last: each of them is still one of five.
func counted(ctx context.Context, tx *db.Tx, g family.Guardian, m family.Method) error {
	since := tx.Now().Add(-day)
	n, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM verification
		WHERE child = $1 AND guardian = $2 AND method = $3 AND started_at > $4 AND state <> 'unavailable'`,
		g.Child, g.ID, m, (*db.Time)(&since))
	switch {
	case err != nil:
		return err
	case n >= perPerson:
		return ErrTries
	}
	for _, query := range []string{`
		SELECT count(*)
		FROM guardian me
		JOIN guardian g ON g.phone_hash = me.phone_hash
		JOIN verification v ON v.child = g.child AND v.guardian = g.guardian
		WHERE me.child = $1 AND me.guardian = $2 AND v.method = $3 AND v.started_at > $4 AND v.state <> 'unavailable'`, `
		SELECT count(*)
		FROM guardian me
		JOIN guardian g ON g.email_hash = me.email_hash
		JOIN verification v ON v.child = g.child AND v.guardian = g.guardian
		WHERE me.child = $1 AND me.guardian = $2 AND v.method = $3 AND v.started_at > $4 AND v.state <> 'unavailable'`} {
		n, err := db.One(ctx, tx, db.Single[int64], query, g.Child, g.ID, m, (*db.Time)(&since))
		switch {
		case err != nil:
			return err
		case n >= perContact:
			return ErrTries
		}
	}
	return nil
}

// toldLife is how long a guardian is still told how an attempt ended.
const toldLife = 72 * time.Hour

// finish ends an attempt of the locked child once. A finished one stays as long
// as attempts are counted, and, where the guardian isn't at the page when it ends,
// as long as it is told of it. Errors: ErrEnded when somebody was first.
func (a Attempt) finish(ctx context.Context, tx *db.Tx, state State) (Attempt, error) {
	keep, told := a.StartedAt.Add(day), tx.Now()
	if a.Method != family.ByNumber {
		told = told.Add(toldLife)
	}
	if keep.Before(told) {
		keep = told
	}
	n, err := tx.Exec(ctx, `
		UPDATE verification SET state = $1, session = NULL, identity = NULL, due_at = $2
		WHERE child = $3 AND id = $4 AND state = 'started'`, state, (*db.Time)(&keep), a.Child, a.ID)
	switch {
	case err != nil:
		return a, err
	case n != 1:
		return a, ErrEnded
	}
	a.State = state
	return a, tx.Queue(ctx, `DELETE FROM verification_document WHERE child = $1 AND verification = $2`, a.Child, a.ID)
}

// fail ends an attempt without success. Why stands in the ledger alone.
func (a Attempt) fail(ctx context.Context, tx *db.Tx, c family.Child, actor string, why Why) (Attempt, string, error) {
	return a.failFor(ctx, tx, c, actor, FailedBody{Why: why})
}

func (a Attempt) failFor(ctx context.Context, tx *db.Tx, c family.Child, actor string, body FailedBody) (Attempt, string, error) {
	state := Failed
	if body.Why == NotAsked {
		state = Unavailable
	}
	a, err := a.finish(ctx, tx, state)
	if err != nil {
		return a, "", err
	}
	body.Verification, body.Inside = a.ID, a.inside
	entry, err := note(ctx, tx, c, KindFailed, actor, body)
	return a, entry, err
}

// succeed ends an attempt with what it proved, and makes the browser that it
// began in worth shown. Evidence that can't be this guardian's fails it.
func (d Desk) succeed(ctx context.Context, tx *db.Tx, c family.Child, a Attempt, actor string, shown family.Strength, found ...family.Evidence) (Attempt, string, error) {
	proofs, err := family.Proofs(ctx, tx, c.ID)
	if err != nil {
		return a, "", err
	}
	for i := range found {
		found[i].Verification = a.ID
		other, err := family.IdentityTaken(d.Consent.Ring, c, proofs, a.Guardian, found[i].Identity)
		if err != nil {
			return a, "", err
		}
		if other {
			return a.fail(ctx, tx, c, actor, OtherPerson)
		}
	}
	session := a.session
	if a, err = a.finish(ctx, tx, Succeeded); err != nil {
		return a, "", err
	}
	entry, err := note(ctx, tx, c, KindSucceeded, actor, AttemptBody{a.ID, a.inside})
	if err != nil {
		return a, "", err
	}
	if len(found) > 0 {
		if _, err := family.Prove(ctx, tx, d.Consent.Ring, actor, c, a.Guardian, found...); err != nil {
			return a, "", err
		}
		// A dispute may rest on who is a guardian.
		if err := d.Consent.Review(ctx, tx, actor, c); err != nil {
			return a, "", err
		}
	}
	if shown > family.OneTimeCode {
		err = d.Consent.Raise(ctx, tx, consent.Request{ID: a.Request, Child: a.Child}, session, shown)
	}
	return a, entry, err
}

// Find returns an attempt of the guardian in whose browser the proof is. Errors:
// ErrNotFound, and those of consent.Guardian.
func (d Desk) Find(ctx context.Context, tx *db.Tx, r consent.Request, proof, attempt string) (Attempt, error) {
	g, err := d.Consent.Guardian(ctx, tx, r, proof)
	if err != nil {
		return Attempt{}, err
	}
	a, err := find(ctx, tx, attempt)
	if err == nil && (a.Child != g.Child || a.Guardian != g.ID) {
		err = ErrNotFound
	}
	if err != nil {
		return Attempt{}, err
	}
	return a, nil
}

// Ended returns an attempt about the child for whoever tells its guardian how it
// ended. Errors: ErrNotFound, also while it waits.
func Ended(ctx context.Context, tx *db.Tx, child family.ID, attempt string) (Attempt, error) {
	a, err := find(ctx, tx, attempt)
	if err == nil && (a.Child != child || a.State == Started) {
		err = ErrNotFound
	}
	return a, err
}

func find(ctx context.Context, tx *db.Tx, attempt string) (Attempt, error) {
	if !id.Is(id.Verification, attempt) {
		return Attempt{}, ErrNotFound
	}
	a, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM verification WHERE id = $1`, attempt)
	if errors.Is(err, db.ErrNone) {
		return Attempt{}, ErrNotFound
	}
	return a.at(tx.Now()), err
}

// lock locks the child of an attempt and reads both again.
func lock(ctx context.Context, tx *db.Tx, a Attempt) (family.Child, Attempt, error) {
	c, err := family.Lock(ctx, tx, a.Service, a.Child)
	if err != nil {
		return c, a, err
	}
	a, err = db.One(ctx, tx, scan, `SELECT `+columns+` FROM verification WHERE child = $1 AND id = $2`, a.Child, a.ID)
	if errors.Is(err, db.ErrNone) {
		return c, a, ErrNotFound
	}
	return c, a.at(tx.Now()), err
}
