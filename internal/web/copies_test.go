package web

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"wardkeep/internal/family"
	"wardkeep/internal/vault"
)

// Of large files a guardian takes one at a time, all together what memory bears, and
// whoever came first is let in first. Small ones wait for nobody who reads.
func TestPIPL45_ManyPhonesOfOneGuardianHoldUpItsOwnCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCopies()
		enter := func(g family.GuardianID, size int64, want error) (leave func()) {
			t.Helper()
			leave, err := c.enter(t.Context(), g, size)
			if !errors.Is(err, want) {
				t.Fatalf("%s: %v, want %v", g, err, want)
			}
			return leave
		}
		slow := enter("gu_slow", vault.MaxPart, nil)
		for range 3 {
			enter("gu_slow", vault.MaxPart, ErrCopying)
			enter("gu_slow", largeCopy, nil)()
		}
		var others []func()
		for _, g := range []family.GuardianID{"gu_1", "gu_2", "gu_3", "gu_4", "gu_5", "gu_6", "gu_7"} {
			others = append(others, enter(g, vault.MaxPart, nil))
		}
		enter("gu_8", largeCopy+1, ErrCopies)
		enter("gu_8", largeCopy, nil)()

		// Who waits gets what is left free, and nobody passes by.
		let := make(chan family.GuardianID, 2)
		for _, g := range []family.GuardianID{"gu_8", "gu_slow"} {
			go func() {
				leave, err := c.enter(t.Context(), g, 2*copiesSent) // as much as there is
				if err != nil {
					t.Error(err)
					return
				}
				let <- g
				leave()
			}()
			synctest.Wait()
		}
		slow()
		for _, leave := range others {
			leave()
		}
		if first, second := <-let, <-let; first != "gu_8" || second != "gu_slow" {
			t.Errorf("%s before %s", first, second)
		}
		if synctest.Wait(); len(c.taken) != 0 {
			t.Errorf("%d are remembered who take nothing", len(c.taken))
		}

		// Whoever goes away while waiting takes nothing.
		leave := enter("gu_1", vault.MaxPart, nil)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.enter(gone, "gu_1", vault.MaxPart); !errors.Is(err, ErrCopying) {
			t.Error(err)
		}
		leave()
		enter("gu_1", vault.MaxPart, nil)()

		// More are never made at once than fit.
		for range copiesMade {
			if _, err := c.turn(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.turn(t.Context()); !errors.Is(err, ErrCopies) {
			t.Error(err)
		}
	})
}

// A connection takes so much at once, and no more before a deadline has passed.
type connection struct {
	*httptest.ResponseRecorder
	room     int
	deadline time.Time
}

func (c *connection) SetWriteDeadline(t time.Time) error {
	c.deadline = t
	return nil
}

func (c *connection) Write(b []byte) (int, error) {
	if c.room -= len(b); c.room < 0 {
		time.Sleep(time.Until(c.deadline))
		return 0, os.ErrDeadlineExceeded
	}
	return len(b), nil
}

// Who takes nothing is let go of after half a minute, whoever takes too little soon
// after, and the slowest that is waited for has the largest file in six minutes.
func TestPIPL45_WhoTakesACopyTooSlowlyIsLetGo(t *testing.T) {
	for _, c := range []struct {
		name string
		room int
		most time.Duration
		err  error
	}{
		{"nothing", 0, headStart + time.Second, os.ErrDeadlineExceeded},
		{"a minute's worth", 60 * pace, headStart + 61*time.Second, os.ErrDeadlineExceeded},
		{"everything", 22 << 20, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				to := &connection{ResponseRecorder: httptest.NewRecorder(), room: c.room}
				w := paced(to)
				var err error
				for range (22 << 20) / pieces { // the largest file
					if _, err = w.Write(make([]byte, pieces)); err != nil {
						break
					}
				}
				if took := time.Since(start); !errors.Is(err, c.err) || took > c.most {
					t.Errorf("%v after %v", err, took)
				}
				if most := to.deadline.Sub(start); most > 390*time.Second {
					t.Errorf("it may take %v", most)
				}
			})
		})
	}
	if w := paced(httptest.NewRecorder()); w != nil {
		if _, err := w.Write([]byte("x")); err != nil {
			t.Errorf("where nothing keeps time: %v", err)
		}
	}
}
