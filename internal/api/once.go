package api

import (
	"context"
	"errors"
	"net/http"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
)

// keepMost bounds the answers that are kept, in bytes. Who repeats a request with
// a greater one is told that it was done (account.ErrUnanswered), and does nothing
// twice.
const keepMost = 4 << 20

// change runs fn in one transaction, once per Idempotency-Key: the same request
// within 24 hours gets the answer of the first, and nothing is done. What the
// transaction keeps and what it changes commit together, so after a crash either
// both are there or neither is.
//
// A refusal that is recorded is an answer too. Any other leaves no trace, so the
// same key may be tried again.
func change[O any](ctx context.Context, s *Server, c *call, fn func(tx *db.Tx) (answer[O], error)) (answer[O], error) {
	return changeBy(ctx, s, c, func(tx *db.Tx) (string, func() (answer[O], error), error) {
		if c.route.Access == forParty {
			err := s.again(ctx, tx, c)
			return c.party.Key.ID, func() (answer[O], error) { return fn(tx) }, err
		}
		return c.app.ID, func() (answer[O], error) { return fn(tx) }, nil
	})
}

// changeBy is change for callers whose name is only known inside: who looks it
// up and returns the work.
func changeBy[O any](ctx context.Context, s *Server, c *call, who func(tx *db.Tx) (string, func() (answer[O], error), error)) (answer[O], error) {
	var out answer[O]
	err := s.Store.Update(ctx, func(tx *db.Tx) error {
		out = answer[O]{} // fn may run again
		name, work, err := who(tx)
		if err != nil {
			return err
		}
		attempt, keyed := c.attempt(name)
		if keyed {
			kept, found, err := account.Begin(ctx, tx, s.Ring, attempt)
			if err != nil {
				return err
			}
			if found {
				out.kept = &kept
				return nil
			}
		}
		if out, err = work(); err != nil {
			if keyed && !again(err) {
				// If err undoes the transaction, it undoes this as well.
				kept := account.Answer{Status: int(errs.Of(err).Kind), Body: problemBody(problem(c.lang, c.id, err))}
				return keptToo(err, account.Keep(ctx, tx, s.Ring, attempt, kept))
			}
			return err
		}
		if !keyed {
			return nil
		}
		kept, err := out.keep(c)
		if err != nil || len(kept.Body) > keepMost {
			return err
		}
		return account.Keep(ctx, tx, s.Ring, attempt, kept)
	})
	return out, err
}

// keptToo returns err as it is, so that what marks it as recorded stays. A
// transaction that can't keep its refusal has failed already.
func keptToo(err, kept error) error {
	if kept != nil && errs.Of(kept).Kind != errs.Internal {
		return errors.Join(kept, err)
	}
	return err
}

// again reports whether the same request may succeed later.
func again(err error) bool {
	switch errs.Of(err).Kind {
	case errs.Internal, errs.Unavailable, errs.Full, errs.TooMany:
		return true
	}
	return false
}

// attempt names the request, and reports whether it has an Idempotency-Key.
func (c *call) attempt(name string) (account.Attempt, bool) {
	values := c.http.Header.Values("Idempotency-Key")
	if len(values) == 0 || !c.route.Once {
		return account.Attempt{}, false
	}
	return account.Attempt{Credential: name, Key: values[0], Route: c.http.Method + " " + c.http.URL.EscapedPath(), Body: c.body}, true
}

func (a answer[O]) keep(c *call) (account.Answer, error) {
	body, err := a.body()
	if err != nil {
		return account.Answer{}, err
	}
	kept := account.Answer{Status: c.route.Status, Header: make(map[string]string), Body: body}
	if a.Entry != "" {
		kept.Header[entryHeader] = a.Entry
	}
	if a.ETag != "" {
		kept.Header["ETag"] = a.ETag
	}
	return kept, nil
}

// correct replaces the answer that is kept for the call: what it said came out
// differently after the commit. If we crash before it, a repeated request learns
// what the transaction did, and the state of the thing itself stays true.
func (s *Server) correct(ctx context.Context, c *call, name string, kept account.Answer) error {
	attempt, keyed := c.attempt(name)
	if !keyed {
		return nil
	}
	return s.Store.Update(ctx, func(tx *db.Tx) error { return account.Keep(ctx, tx, s.Ring, attempt, kept) })
}

// resend writes an answer that was given before.
func resend(c *call, kept *account.Answer) error {
	h := c.w.Header()
	for name, value := range kept.Header {
		h.Set(name, value)
	}
	h.Set("Idempotent-Replayed", "true")
	contentType := jsonType
	if kept.Status >= http.StatusBadRequest {
		contentType = problemType
		c.code = "replayed"
	}
	send(c.w, kept.Status, contentType, kept.Body)
	return nil
}
