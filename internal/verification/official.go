package verification

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
)

// ErrCallback refuses a report, and doesn't say why.
var ErrCallback = errs.New(errs.Unauthenticated, "verification.callback")

// A Visit is an attempt with the official identity service on its way. Nonce is
// for the service alone.
type Visit struct {
	Attempt
	nonce string
}

// StartOfficial begins an attempt with the official identity service: Begin asks
// it where its page is. Errors: ErrNotOffered, ErrTries, and those of
// consent.Guardian.
func (d Desk) StartOfficial(ctx context.Context, tx *db.Tx, r consent.Request, proof string) (Visit, error) {
	if d.Official == nil {
		return Visit{}, ErrNotOffered
	}
	a, _, err := d.begin(ctx, tx, r, proof, family.ByOfficial)
	if err != nil {
		return Visit{}, err
	}
	v := Visit{a, id.Secret(32)}
	return v, tx.Queue(ctx, `
		UPDATE verification SET nonce = $1 WHERE child = $2 AND id = $3`, d.nonceHash(a.ID, v.nonce), a.Child, a.ID)
}

func (d Desk) nonceHash(attempt, nonce string) []byte {
	return d.Consent.Ring.Index(nonceDomain, attempt, nonce)
}

// Begin asks the service for its page, outside of any transaction, and returns
// the address to lead the guardian to. Errors: ErrProvider.
func (d Desk) Begin(ctx context.Context, v Visit) (string, error) {
	reply, err := d.Official.Ask(ctx, Question{Type: QuestionBegin, Verification: v.ID, Callback: d.Callback, Nonce: v.nonce})
	if err != nil {
		return "", err
	}
	if !d.leads(reply.URL) {
		return "", ErrProvider
	}
	return reply.URL, nil
}

// Lose ends a visit whose page could not be had: no try is lost.
func (d Desk) Lose(ctx context.Context, tx *db.Tx, v Visit) error {
	c, a, err := lock(ctx, tx, v.Attempt)
	if err != nil {
		return err
	}
	_, _, err = a.fail(ctx, tx, c, actorOf(a), NotAsked)
	return err
}

// A report is what the official service posts when its guardian is done.
type report struct {
	Type         string `json:"type"` // "identity.result"
	Verification string `json:"verification"`
	Nonce        string `json:"nonce"`
	Reply
}

// maxSubject bounds what the service calls a person.
const maxSubject = 200

// Signed reports whether a report comes from the official service: Report refuses
// any other. It reads nothing, so that strangers keep nobody from writing.
func (d Desk) Signed(now time.Time, header http.Header, body []byte) bool {
	return d.Official != nil && d.Official.Signed(header, body, now)
}

// Report takes the official service's report: signed with the secret, knowing the
// nonce of an attempt that waits. Everything else is ErrCallback, whatever is
// wrong with it. The same report once more changes nothing and is answered as the
// first: whoever reports at least once must be able to. It returns the attempt.
func (d Desk) Report(ctx context.Context, tx *db.Tx, header http.Header, body []byte) (Attempt, error) {
	var said report
	if !d.Signed(tx.Now(), header, body) || json.Unmarshal(body, &said) != nil || said.Type != "identity.result" {
		return Attempt{}, ErrCallback
	}
	a, err := find(ctx, tx, said.Verification)
	if err != nil || a.Method != family.ByOfficial {
		return Attempt{}, callback(err)
	}
	c, a, err := lock(ctx, tx, a)
	if err != nil {
		return Attempt{}, callback(err)
	}
	// The nonce stays with a finished attempt as long as that is kept.
	given := d.nonceHash(a.ID, said.Nonce)
	if len(said.Nonce) > 100 || len(given) == 0 || subtle.ConstantTimeCompare(given, a.nonce) != 1 {
		return Attempt{}, ErrCallback
	}
	if a.State != Started {
		return a, nil
	}
	switch {
	case said.Result != ResultMatch:
		a, _, err = a.fail(ctx, tx, c, officialActor, NoMatch)
	case !said.Adult: // what the service doesn't say isn't so
		a, _, err = a.fail(ctx, tx, c, officialActor, NotAdult)
	default:
		e := family.Evidence{Kind: family.Adulthood, Method: family.ByOfficial, Strength: family.OfficialIdentity}
		if reference.MatchString(said.Reference) {
			e.Reference = said.Reference
		}
		if said.Subject != "" && len(said.Subject) <= maxSubject {
			e.Identity = family.IdentityHash(d.Consent.Ring, c.ID, pii.New("official "+said.Subject))
		}
		a, _, err = d.succeed(ctx, tx, c, a, officialActor, family.OfficialIdentity, e)
	}
	return a, err
}

// officialActor is the official service's name in the ledger.
const officialActor = "system:official-identity"

// callback hides whether there is such an attempt.
func callback(err error) error {
	if err == nil || errs.Of(err).Kind == errs.NotFound || errs.Of(err).Kind == errs.Gone {
		return ErrCallback
	}
	return err
}
