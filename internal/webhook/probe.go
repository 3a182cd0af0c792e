package webhook

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"time"

	"wardkeep/client"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
)

// TypeTest is the type of the events of a Test. They are in no ledger.
const TypeTest = "webhook.test"

// An Answer is what a receiver answered to an event of a Test.
type Answer struct {
	Status  int   // 0: there was none
	Failure error // nil: it was taken
}

// Answers are what a receiver answered to an event with a good signature and
// with a bad one.
type Answers struct{ Good, Bad Answer }

// Told reports whether it took the one and refused the other: a receiver that takes
// both takes events from anybody, and one that is out of order has refused nothing.
func (a Answers) Told() bool {
	return a.Good.Failure == nil && a.Bad.Status >= 400 && a.Bad.Status < 500
}

// Test sends an event that tells nothing, once with a good and once with a bad
// signature. Errors: ErrNotIntact.
func (c *Client) Test(ctx context.Context, ring *keyring.Ring, e Endpoint, now time.Time) (a Answers, err error) {
	l, err := e.open(ring)
	if err != nil {
		return a, err
	}
	keys, err := l.keys(now)
	if err != nil {
		return a, err
	}
	bad := make([]byte, secretLen)
	rand.Read(bad) // never fails (crypto/rand)
	for _, t := range []struct {
		keys [][]byte
		is   *Answer
	}{{keys, &a.Good}, {[][]byte{bad}, &a.Bad}} {
		event := wardkeep.Event{ID: id.New(id.Call), Type: TypeTest, At: now, Service: e.Service, Data: json.RawMessage(`{}`)}
		body, err := json.Marshal(event)
		if err != nil {
			return a, err
		}
		t.is.Status, t.is.Failure = c.try(ctx, Address{l.URL}, event.ID, body, t.keys...)
	}
	return a, nil
}
