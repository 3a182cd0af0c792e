// Package retention erases what is due: values past their time (Article 12),
// children whose account nobody uses any more (Article 12), or whose guardian never
// answered (edge case 5), documents that nobody
// decided about and proofs that ran out (edge cases 10 and 24), and the small
// traces that live a few days.
//
// Its one invariant: a sweep costs what is due, not what is held, and a sweep
// that dies leaves what it had not done due. Nobody reads an expired value in
// the meantime: the gate refuses it at that second.
package retention

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/order"
	"wardkeep/internal/receipt"
	"wardkeep/internal/rights"
	"wardkeep/internal/session"
	"wardkeep/internal/signin"
	"wardkeep/internal/vault"
	"wardkeep/internal/verification"
)

// actor is the sweep's name in the ledger.
const actor = "system:retention"

// batch bounds how much one look for due work takes.
const batch = 200

// A Swept says what a sweep has done.
type Swept struct {
	Values     int // expired values erased
	Unanswered int // children erased whose guardian said nothing or no
	Idle       int // children whose guardians are told that nobody uses the account
	Inactive   int // children erased since nobody used the account
	Demanded   int // children erased because they or their guardians demanded it
	Requests   int // consent requests that ran out
	Proofs     int // proofs of guardians that ran out
	Attempts   int // attempts to prove something that ran out, or aren't counted any more
	Claims     int // claims that a child is older whose second person didn't come
	Kept       int // values whose legal time is over
	Overdue    int // orders to processors and recipients that weren't attested in time
	Aged       int // children of whom it was recorded that they turn 14, or have, or are 18
	Evidence   int // certificates of erasures whose time is over
	Traces     int // pseudonyms of erased children forgotten
	Contacts   int // counts of codes sent to a contact forgotten
	Staff      int // persons inside signed out whose time was over, and links and counts of wrong tries of theirs
	Sessions   int // guardians signed out whose time was over, and traces of codes to sign in
	Passkeys   int // passkeys removed that no guardian is behind any more
	Accesses   int // counts of uses forgotten that are too old to be told
	Answers    int // kept answers of the API that nobody repeats any more
}

// Terms are what an operator sets of a sweep; of a zero, the default holds.
type Terms struct {
	TurningLead  time.Duration // how long before a 14th birthday is over it is told
	InactiveLead time.Duration // how long before an unused account is erased it is told, InactiveLead at least
}

// Sweep is SweepTelling by the defaults that tells nobody.
func Sweep(ctx context.Context, store *db.DB, v *vault.Vault) (Swept, error) {
	return SweepTelling(ctx, store, v, nil, Terms{})
}

// SweepTelling erases all that is due now, one child per transaction, and then
// makes the disk forget what was erased, by this sweep or by anyone. A child that
// fails does not keep the others waiting; the errors come back together. Whoever
// was asked and didn't answer in time is told by f that nothing is left, and no
// erasure waits for that.
func SweepTelling(ctx context.Context, store *db.DB, v *vault.Vault, f *message.Farewell, terms Terms) (done Swept, err error) {
	var failed []error
	run := func(n *int, due func() (int, int, error)) {
		for ctx.Err() == nil {
			found, did, err := due()
			*n += did
			if err != nil {
				failed = append(failed, err)
			}
			if found < batch || did == 0 {
				return // the rest is done, or fails for now
			}
		}
	}
	all := func(n *int, sweep func() (int, error)) {
		if ctx.Err() == nil {
			did, err := sweep()
			*n += did
			failed = append(failed, err)
		}
	}
	// First what somebody has asked for (Article 20).
	all(&done.Demanded, func() (int, error) { return sweepDemanded(ctx, store, v, f) })
	all(&done.Kept, func() (int, error) { return sweepKept(ctx, store, v) })
	run(&done.Overdue, func() (int, int, error) { return sweepOrders(ctx, store) })
	all(&done.Aged, func() (int, error) {
		return sweepAges(ctx, store, v, f, cmp.Or(terms.TurningLead, family.TurningLead))
	})
	began := store.Now().UTC()
	all(&done.Values, func() (n int, err error) {
		erased, err := sweepValues(ctx, store, v)
		for _, values := range erased {
			n += values
		}
		return n, errors.Join(err, count(ctx, store, erased))
	})
	all(&done.Requests, func() (int, error) { return sweepRequests(ctx, store) })
	all(&done.Proofs, func() (int, error) { return sweepProofs(ctx, store, v) })
	all(&done.Attempts, func() (int, error) { return sweepAttempts(ctx, store) })
	all(&done.Claims, func() (int, error) { return sweepClaims(ctx, store) })
	all(&done.Unanswered, func() (int, error) { return sweepUnanswered(ctx, store, v, f) })
	run(&done.Traces, func() (int, int, error) { return sweepTraces(ctx, store) })
	run(&done.Evidence, func() (int, int, error) { return sweepCertificates(ctx, store) })
	run(&done.Contacts, func() (int, int, error) { return sweepContacts(ctx, store) })
	run(&done.Staff, func() (int, int, error) { return sweepStaff(ctx, store) })
	run(&done.Sessions, func() (int, int, error) { return sweepSessions(ctx, store) })
	looked := 0 // at passkeys; most stay
	run(&looked, func() (int, int, error) { return sweepPasskeys(ctx, store, &done.Passkeys) })
	run(&done.Accesses, func() (int, int, error) { return sweepAccesses(ctx, store) })
	run(&done.Answers, func() (int, int, error) { return sweepAnswers(ctx, store) })
	// There may be many on one day, and each waits until its letter has room: last.
	all(&done.Inactive, func() (n int, err error) {
		done.Idle, n, err = sweepInactive(ctx, store, v, f, max(terms.InactiveLead, InactiveLead))
		return n, err
	})
	failed = append(failed, store.Scrub(ctx), ctx.Err())
	if err := errors.Join(failed...); err != nil {
		return done, err
	}
	if err := report(ctx, store, began); err != nil {
		return done, err
	}
	// If we crash before it, the sweep is done and looks as if it were behind.
	return done, store.Update(ctx, func(tx *db.Tx) error { return db.Beat(ctx, tx, heartbeat) })
}

// heartbeat is the name of a sweep that left nothing due.
const heartbeat = "sweep"

// LastSweep returns when a sweep last left nothing due, on whatever node; zero:
// never.
func LastSweep(ctx context.Context, tx *db.Tx) (time.Time, error) {
	return db.LastBeat(ctx, tx, heartbeat)
}

func sweepUnanswered(ctx context.Context, store *db.DB, v *vault.Vault, f *message.Farewell) (int, error) {
	return through(ctx, store, family.DueUnconsented, func(c family.Child) (int, error) {
		var letters []notify.Message
		n := 0
		err := store.Update(ctx, func(tx *db.Tx) error {
			letters, n = nil, 0 // it may run again
			// The guardian may have answered since we looked: only under the lock is
			// it certain that nobody did.
			c, err := family.Lock(ctx, tx, c.Service, c.ID)
			if err != nil || c.ExpiresAt.IsZero() || tx.Now().Before(c.ExpiresAt) {
				return err
			}
			n = 1
			keep, err := vault.Keeping(ctx, tx, c)
			if err != nil {
				return err
			}
			letters = f.Erased(ctx, tx, c, family.ExpiredUnconsented, "", keep)
			_, err = v.EraseLocked(ctx, tx, actor, c, family.ExpiredUnconsented, keep)
			return err
		})
		if err != nil {
			return 0, err
		}
		f.Send(ctx, letters)
		return n, nil
	})
}

// sweepDemanded erases the children whom it was demanded of, by then. If we crash
// before a commit, the child is frozen and due again.
func sweepDemanded(ctx context.Context, store *db.DB, v *vault.Vault, f *message.Farewell) (int, error) {
	return through(ctx, store, rights.DueErasures, func(r rights.Request) (int, error) {
		var letters []notify.Message
		n := 0
		err := store.Update(ctx, func(tx *db.Tx) error {
			letters, n = nil, 0 // it may run again
			// A guardian may have kept the child since we looked.
			c, due, err := rights.Due(ctx, tx, r)
			if err != nil || !due {
				return err
			}
			n = 1
			letters, _, err = Erase(ctx, tx, v, f, actor, c, r.Kind.Ground(), strings.Fields(r.Entry)...)
			return err
		})
		if err != nil {
			return 0, err
		}
		f.Send(ctx, letters)
		return n, nil
	})
}

// through calls fn for all that is due, a few at once, and returns how much it did. Look returns the next
// that are due behind one, in order. What fails is passed over and comes back as an error: what is
// behind it is reached in the same sweep.
func through[T any](ctx context.Context, store *db.DB, look func(ctx context.Context, tx *db.Tx, after T, limit int) ([]T, error), fn func(T) (int, error)) (int, error) {
	var did atomic.Int64
	var failed failures
	var after T
	for ctx.Err() == nil && !failed.storeIsAway() {
		var due []T
		err := store.View(ctx, func(tx *db.Tx) (err error) {
			due, err = look(ctx, tx, after, batch)
			return err
		})
		failed.add(err)
		if err != nil || len(due) == 0 {
			break
		}
		after = due[len(due)-1]
		failed.add(Each(due, AtOnce, func(one T) error {
			n, err := fn(one)
			did.Add(int64(n))
			return Gone(err)
		}))
		if len(due) < batch {
			break
		}
	}
	return int(did.Load()), failed.joined()
}

func sweepRequests(ctx context.Context, store *db.DB) (int, error) {
	return through(ctx, store, consent.DueRequests, func(d consent.Due) (int, error) {
		return 1, store.Update(ctx, func(tx *db.Tx) error { return consent.Expire(ctx, tx, d) })
	})
}

func sweepProofs(ctx context.Context, store *db.DB, v *vault.Vault) (int, error) {
	desk := verification.Desk{Consent: consent.Desk{Ring: v.Ring, Charters: v.Gate.Charters}}
	return through(ctx, store, family.DueProofs, func(d family.DueProof) (n int, err error) {
		err = store.Update(ctx, func(tx *db.Tx) (err error) {
			n, err = desk.ExpireProofs(ctx, tx, d)
			return err
		})
		return n, err
	})
}

func sweepAttempts(ctx context.Context, store *db.DB) (int, error) {
	return through(ctx, store, verification.DueAttempts, func(d verification.Due) (int, error) {
		return 1, store.Update(ctx, func(tx *db.Tx) error { return verification.Expire(ctx, tx, d) })
	})
}

func sweepClaims(ctx context.Context, store *db.DB) (int, error) {
	return through(ctx, store, rights.DueClaims, func(c rights.Claim) (n int, err error) {
		err = store.Update(ctx, func(tx *db.Tx) (err error) {
			n, err = rights.ExpireClaim(ctx, tx, actor, c)
			return err
		})
		return n, err
	})
}

func sweepKept(ctx context.Context, store *db.DB, v *vault.Vault) (int, error) {
	return through(ctx, store, vault.DueKept, func(d vault.KeptDue) (n int, err error) {
		err = store.Update(ctx, func(tx *db.Tx) (err error) {
			n, err = v.EndKept(ctx, tx, actor, d)
			return err
		})
		return n, err
	})
}

func sweepOrders(ctx context.Context, store *db.DB) (found, did int, err error) {
	err = store.Update(ctx, func(tx *db.Tx) (err error) {
		did, err = order.Overdue(ctx, tx, actor, batch)
		return err
	})
	return did, did, err
}

func sweepTraces(ctx context.Context, store *db.DB) (found, did int, err error) {
	err = store.Update(ctx, func(tx *db.Tx) (err error) {
		did, err = family.ForgetTraces(ctx, tx, batch)
		return err
	})
	return did, did, err
}

func sweepCertificates(ctx context.Context, store *db.DB) (found, did int, err error) {
	err = store.Update(ctx, func(tx *db.Tx) (err error) {
		did, err = receipt.ForgetCertificates(ctx, tx, batch)
		return err
	})
	return did, did, err
}

func sweepContacts(ctx context.Context, store *db.DB) (found, did int, err error) {
	err = store.Update(ctx, func(tx *db.Tx) (err error) {
		did, err = consent.ForgetSends(ctx, tx, batch)
		return err
	})
	return did, did, err
}

func sweepStaff(ctx context.Context, store *db.DB) (found, did int, err error) {
	err = store.Update(ctx, func(tx *db.Tx) (err error) {
		did, err = signin.Sweep(ctx, tx, batch)
		return err
	})
	return did, did, err
}

func sweepSessions(ctx context.Context, store *db.DB) (found, did int, err error) {
	err = store.Update(ctx, func(tx *db.Tx) (err error) {
		did, err = session.Sweep(ctx, tx, batch)
		return err
	})
	return did, did, err
}

func sweepPasskeys(ctx context.Context, store *db.DB, removed *int) (found, looked int, err error) {
	gone := 0
	err = store.Update(ctx, func(tx *db.Tx) (err error) {
		looked, gone, err = session.SweepPasskeys(ctx, tx, batch)
		return err
	})
	*removed += gone
	return looked, looked, err
}

func sweepAccesses(ctx context.Context, store *db.DB) (found, did int, err error) {
	err = store.Update(ctx, func(tx *db.Tx) (err error) {
		did, err = access.Sweep(ctx, tx, batch)
		return err
	})
	return did, did, err
}

func sweepAnswers(ctx context.Context, store *db.DB) (found, did int, err error) {
	err = store.Update(ctx, func(tx *db.Tx) error {
		n, err := account.Sweep(ctx, tx, batch)
		did = int(n)
		return err
	})
	return did, did, err
}
