package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
)

// What can be wrong with an Idempotency-Key.
var (
	ErrIdempotencyKey = errs.New(errs.Invalid, "account.idempotency_key_invalid")
	ErrReused         = errs.New(errs.Invalid, "account.idempotency_reused")      // another body came with the same key
	ErrUnanswered     = errs.New(errs.Conflict, "account.idempotency_unanswered") // it was done, and its answer wasn't kept
)

const (
	answerLife        = 24 * time.Hour
	maxIdempotencyKey = 255     // bytes
	maxAnswer         = 4 << 20 // bytes of a body
)

// An Answer is what a request was answered. Header holds those that the caller
// needs again, such as Wardkeep-Entry.
type Answer struct {
	Status int               `json:"status"`
	Header map[string]string `json:"header,omitempty"`
	Body   []byte            `json:"body,omitempty"`
}

// An Attempt is one request with an Idempotency-Key: who sent it, the key, the
// route (method and path pattern with its names filled in) and the body.
type Attempt struct {
	Credential string // App.ID
	Key        string // visible ASCII, 1 to 255 bytes
	Route      string
	Body       []byte
}

const (
	domainKey     = "idempotency.key"
	domainRequest = "idempotency.request"
	domainAnswer  = "idempotency.answer"
)

// slot returns the keyed hash under which the attempt is kept; what an app sends
// as a key may be anything, even a child's number.
func (a Attempt) slot(ring *keyring.Ring) []byte {
	return ring.Index(domainKey, a.Credential, a.Route, a.Key)
}

func (a Attempt) request(ring *keyring.Ring) []byte { return ring.Index(domainRequest, string(a.Body)) }

func (a Attempt) check() error {
	if a.Credential == "" || len(a.Key) == 0 || len(a.Key) > maxIdempotencyKey {
		return ErrIdempotencyKey.At("Idempotency-Key")
	}
	for i := range len(a.Key) {
		if a.Key[i] <= ' ' || a.Key[i] > '~' {
			return ErrIdempotencyKey.At("Idempotency-Key")
		}
	}
	return nil
}

// Begin is the first statement of a transaction that acts on an attempt. It
// returns found and the kept answer if the same request was answered within 24
// hours: then nothing is to be done. Otherwise the caller does the work and
// calls Keep, in this transaction.
//
// Of two at the same moment exactly one does the work, because one row can be
// inserted once: on PostgreSQL the second waits at that row until the first
// commits, and then finds its answer, or until it is undone, and then does the
// work itself; SQLite has one writer. A row that ran out is taken over by the
// same statement. If we crash before the commit, neither work nor row is there.
//
// An answer with a child's values must not go through here: it would outlive
// the child's key. Reading again is harmless and needs no key.
//
// Errors: ErrIdempotencyKey, ErrReused, ErrUnanswered; keyring.ErrOpen.
func Begin(ctx context.Context, tx *db.Tx, ring *keyring.Ring, a Attempt) (Answer, bool, error) {
	if err := a.check(); err != nil {
		return Answer{}, false, err
	}
	slot, request := a.slot(ring), a.request(ring)
	if slot == nil || request == nil {
		return Answer{}, false, keyring.ErrNoRing
	}
	now := tx.Now()
	end := now.Add(answerLife)
	n, err := tx.Exec(ctx, `
		INSERT INTO idempotency (credential, key, request, answer, expires_at)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (credential, key) DO UPDATE
		SET request = excluded.request, answer = excluded.answer, expires_at = excluded.expires_at
		WHERE idempotency.expires_at <= $6`,
		a.Credential, slot, request, []byte{}, (*db.Time)(&end), (*db.Time)(&now))
	if err != nil || n == 1 {
		return Answer{}, false, err
	}
	k, err := db.One(ctx, tx, scanKept, `
		SELECT request, answer FROM idempotency WHERE credential = $1 AND key = $2`, a.Credential, slot)
	switch {
	case err != nil:
		return Answer{}, false, err
	case string(k.request) != string(request): // keyed hashes: their order tells a stranger nothing
		return Answer{}, false, ErrReused.At("Idempotency-Key")
	case len(k.answer) == 0:
		return Answer{}, false, ErrUnanswered.At("Idempotency-Key")
	}
	answer, err := a.open(ring, slot, k)
	return answer, err == nil, err
}

type keptAnswer struct{ request, answer []byte }

func scanKept(row db.Row) (k keptAnswer, err error) {
	err = row.Scan(&k.request, &k.answer)
	return k, err
}

func (a Attempt) open(ring *keyring.Ring, slot []byte, k keptAnswer) (answer Answer, err error) {
	plain, err := ring.Open(domainAnswer, k.answer, a.Credential, string(slot), string(k.request))
	if err != nil {
		return Answer{}, err
	}
	if err := json.Unmarshal(plain, &answer); err != nil {
		return Answer{}, errors.New("account: a kept answer can't be read") // err would quote it
	}
	return answer, nil
}

// Keep stores the answer of an attempt that Begin opened, sealed, until 24 hours
// after that: in the same transaction, or later in the place of an answer that
// came out differently after the commit. A refusal that commits (db.Recorded)
// is kept as well; any other undoes the attempt with the work, and the app may
// try again.
func Keep(ctx context.Context, tx *db.Tx, ring *keyring.Ring, a Attempt, answer Answer) error {
	if len(answer.Body) > maxAnswer {
		return fmt.Errorf("account: an answer of %d bytes is too large to keep", len(answer.Body))
	}
	plain, err := json.Marshal(answer)
	if err != nil {
		return errors.New("account: an answer can't be written")
	}
	slot, request := a.slot(ring), a.request(ring)
	sealed, err := ring.Seal(domainAnswer, plain, a.Credential, string(slot), string(request))
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `
		UPDATE idempotency SET answer = $1
		WHERE credential = $2 AND key = $3 AND request = $4`, sealed, a.Credential, slot, request)
	if err == nil && n != 1 {
		err = errors.New("account: Keep without Begin")
	}
	return err
}

// Sweep deletes at most limit answers that ran out and returns how many it
// deleted; fewer than limit means that none is left.
func Sweep(ctx context.Context, tx *db.Tx, limit int) (int64, error) {
	now := tx.Now()
	return tx.Exec(ctx, `
		DELETE FROM idempotency WHERE (credential, key) IN (
			SELECT credential, key FROM idempotency
			WHERE expires_at <= $1
			ORDER BY expires_at, credential, key LIMIT $2)`, (*db.Time)(&now), limit)
}
