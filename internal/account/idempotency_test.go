package account_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
)

var (
	attempt = account.Attempt{Credential: "ak_1", Key: "7f9c", Route: "POST /v1/services/stories/children", Body: []byte(`{"ref":"A-1"}`)}
	answer  = account.Answer{Status: 201, Header: map[string]string{"Wardkeep-Entry": "le_1"}, Body: []byte(`{"id":"ch_1","secret":"canary-4711"}`)}
)

// act is what an edge does with an attempt.
func (d *desk) act(a account.Attempt, work func() (account.Answer, error)) (got account.Answer, replayed bool, err error) {
	err = d.try(func(ctx context.Context, tx *db.Tx) (err error) {
		got, replayed, err = account.Begin(ctx, tx, d.ring, a)
		if err != nil || replayed {
			return err
		}
		refusal := error(nil)
		if got, refusal = work(); refusal != nil && !errors.Is(refusal, errDenied) {
			return refusal
		}
		return errors.Join(account.Keep(ctx, tx, d.ring, a, got), refusal)
	})
	return got, replayed, err
}

var (
	errDenied = errs.New(errs.Forbidden, "test.denied")
	errFailed = errors.New("it failed")
)

func done() (account.Answer, error) { return answer, nil }

func never(t *testing.T) func() (account.Answer, error) {
	return func() (account.Answer, error) {
		t.Error("the work was done again")
		return account.Answer{}, nil
	}
}

func TestIdempotency_TheSameRequestIsAnsweredOnce(t *testing.T) {
	each(t, func(d *desk) {
		got, replayed, err := d.act(attempt, done)
		if err != nil || replayed {
			d.Fatalf("first: %v, %v", replayed, err)
		}
		same(d, "first", answer, got)
		got, replayed, err = d.act(attempt, never(d.T))
		if err != nil || !replayed {
			d.Fatalf("second: %v, %v", replayed, err)
		}
		same(d, "second", answer, got)

		other := attempt
		other.Body = []byte(`{"ref":"A-2"}`)
		_, _, err = d.act(other, never(d.T))
		wants(d, "another body", err, account.ErrReused)
		if errs.Of(err).Kind != errs.Invalid {
			d.Errorf("status %d", errs.Of(err).Kind)
		}
		for name, change := range map[string]func(*account.Attempt){
			"another key":   func(a *account.Attempt) { a.Key = "7f9d" },
			"another app":   func(a *account.Attempt) { a.Credential = "ak_2" },
			"another route": func(a *account.Attempt) { a.Route += ":close" },
		} {
			a := attempt
			change(&a)
			if _, replayed, err := d.act(a, done); err != nil || replayed {
				d.Errorf("%s: %v, %v", name, replayed, err)
			}
		}
	})
}

func TestIdempotency_WorkThatIsUndoneMayBeTriedAgain(t *testing.T) {
	each(t, func(d *desk) {
		_, _, err := d.act(attempt, func() (account.Answer, error) { return account.Answer{}, errFailed })
		wants(d, "first", err, errFailed)
		_, replayed, err := d.act(attempt, done)
		if err != nil || replayed {
			d.Errorf("second: %v, %v", replayed, err)
		}
	})
}

func TestIdempotency_ARefusalThatCommitsIsKept(t *testing.T) {
	each(t, func(d *desk) {
		denied := account.Answer{Status: 403, Body: []byte(`{"code":"gate.denied"}`)}
		err := d.try(func(ctx context.Context, tx *db.Tx) error {
			if _, _, err := account.Begin(ctx, tx, d.ring, attempt); err != nil {
				return err
			}
			if err := account.Keep(ctx, tx, d.ring, attempt, denied); err != nil {
				return err
			}
			return db.Recorded(errDenied)
		})
		wants(d, "first", err, errDenied)
		got, replayed, err := d.act(attempt, never(d.T))
		if err != nil || !replayed {
			d.Fatalf("second: %v, %v", replayed, err)
		}
		same(d, "second", denied, got)
	})
}

func TestIdempotency_WithoutAnAnswerNothingIsDoneTwice(t *testing.T) {
	each(t, func(d *desk) {
		d.do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := account.Begin(ctx, tx, d.ring, attempt)
			return err
		})
		_, _, err := d.act(attempt, never(d.T))
		wants(d, "second", err, account.ErrUnanswered)
		err = d.try(func(ctx context.Context, tx *db.Tx) error {
			a := attempt
			a.Key = "never begun"
			return account.Keep(ctx, tx, d.ring, a, answer)
		})
		if err == nil {
			d.Error("Keep without Begin is taken")
		}
	})
}

func TestIdempotency_AnAnswerLivesADay(t *testing.T) {
	each(t, func(d *desk) {
		if _, _, err := d.act(attempt, done); err != nil {
			d.Fatal(err)
		}
		d.wait(24*time.Hour - time.Microsecond)
		if _, replayed, err := d.act(attempt, never(d.T)); err != nil || !replayed {
			d.Errorf("the last moment: %v, %v", replayed, err)
		}
		d.wait(time.Microsecond)
		// The sweep has not run: the key is free all the same, for any body.
		other := attempt
		other.Body = []byte(`{}`)
		if _, replayed, err := d.act(other, done); err != nil || replayed {
			d.Errorf("a day later: %v, %v", replayed, err)
		}
		if _, replayed, err := d.act(other, never(d.T)); err != nil || !replayed {
			d.Errorf("and again: %v, %v", replayed, err)
		}
	})
}

func TestIdempotency_TheSweepTakesWhatRanOut(t *testing.T) {
	each(t, func(d *desk) {
		for i, key := range []string{"a", "b", "c", "d"} {
			a := attempt
			a.Key = key
			if i == 3 {
				d.wait(time.Hour)
			}
			if _, _, err := d.act(a, done); err != nil {
				d.Fatal(err)
			}
		}
		sweep := func(limit int) (n int64) {
			d.do(func(ctx context.Context, tx *db.Tx) (err error) {
				n, err = account.Sweep(ctx, tx, limit)
				return err
			})
			return n
		}
		same(d, "too early", int64(0), sweep(10))
		d.wait(23 * time.Hour)
		same(d, "no more than the limit", int64(2), sweep(2))
		same(d, "the rest", int64(1), sweep(2))
		same(d, "what still lives", int64(0), sweep(2))
	})
}

func TestIdempotency_TwoAtOnceDoTheWorkOnce(t *testing.T) {
	each(t, func(d *desk) {
		for round := range 5 {
			a := attempt
			a.Key = strings.Repeat("k", round+1)
			var worked, replays atomic.Int64
			var group sync.WaitGroup
			for i := range 8 {
				group.Go(func() {
					got, replayed, err := d.act(a, func() (account.Answer, error) {
						worked.Add(1)
						time.Sleep(2 * time.Millisecond)
						if i == 0 {
							return account.Answer{}, errFailed // whoever waits then does it
						}
						return answer, nil
					})
					if errors.Is(err, errFailed) {
						worked.Add(-1)
						return
					}
					if err != nil {
						d.Error(err)
					}
					if replayed {
						replays.Add(1)
					}
					same(d, "the answer", answer, got)
				})
			}
			group.Wait()
			if worked.Load() != 1 || replays.Load() < 6 {
				d.Errorf("worked %d times, replayed %d times", worked.Load(), replays.Load())
			}
		}
	})
}

func TestInvariant9_KeptAnswersAreSealed(t *testing.T) {
	each(t, func(d *desk) {
		a := attempt
		a.Key = "canary-4711-key"
		a.Body = []byte(`{"ref":"canary-4711-ref"}`)
		if _, _, err := d.act(a, done); err != nil {
			d.Fatal(err)
		}
		d.do(func(ctx context.Context, tx *db.Tx) error {
			rows, err := db.All(ctx, tx, func(row db.Row) ([]byte, error) {
				var credential string
				var key, request, answer []byte
				err := row.Scan(&credential, &key, &request, &answer)
				return bytes.Join([][]byte{[]byte(credential), key, request, answer}, nil), err
			}, `SELECT credential, key, request, answer FROM idempotency ORDER BY credential, key`)
			if len(rows) != 1 || bytes.Contains(rows[0], []byte("canary")) || bytes.Contains(rows[0], []byte("ch_1")) {
				d.Errorf("in plain, or not one row of %d", len(rows))
			}
			return err
		})
		// Moved to another app's slot, it doesn't open.
		d.do(func(ctx context.Context, tx *db.Tx) error {
			n, err := tx.Exec(ctx, `UPDATE idempotency SET credential = 'ak_2'`)
			if n != 1 {
				d.Errorf("%d rows moved", n)
			}
			return err
		})
		b := a
		b.Credential = "ak_2"
		if got, replayed, _ := d.act(b, done); replayed {
			d.Errorf("moved: %v", got.Status)
		}
	})
}

func TestIdempotency_KeysThatAreNone(t *testing.T) {
	each(t, func(d *desk) {
		for name, key := range map[string]string{
			"empty": "", "too long": strings.Repeat("k", 256), "a space": "a b", "a line end": "a\n", "not ASCII": "键", "a NUL": "a\x00",
		} {
			a := attempt
			a.Key = key
			_, _, err := d.act(a, never(d.T))
			wants(d, name, err, account.ErrIdempotencyKey)
		}
		a := attempt
		a.Key = strings.Repeat("k", 255)
		if _, _, err := d.act(a, done); err != nil {
			d.Error(err)
		}
		_, _, err := d.act(account.Attempt{Credential: "ak_1", Key: "large", Body: []byte("x")}, func() (account.Answer, error) {
			return account.Answer{Body: make([]byte, 5<<20)}, nil
		})
		if err == nil {
			d.Error("an answer of 5 MB is kept")
		}
	})
}
