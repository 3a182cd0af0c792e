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
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/account"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/complaint"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/receipt"
	"wardkeep/internal/rectification"
	"wardkeep/internal/rights"
	"wardkeep/internal/session"
	"wardkeep/internal/shield"
	"wardkeep/internal/signin"
	"wardkeep/internal/stream"
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
	Ports      int // copies whose days are over, of which nobody knows any more to whom they were to be handed
	Shields    int // of what was hidden from a guardian, and is shown again
	Kept       int // values whose legal time is over
	Complaints int // reports to the desk whose time is over
	Recalled   int // offices reminded of reports whose clock ends
	Alarms     int // clocks of processors and recipients that have come to their alarm
	Reminded   int // parties of orders that they haven't attested, and owners of what has to be put right
	Overdue    int // orders to processors and recipients that weren't attested in time
	Aged       int // children of whom it was recorded that they turn 14, or have, or are 18
	Evidence   int // certificates of erasures whose time is over
	Carried    int // demands forgotten whose child was erased a while ago
	Traces     int // pseudonyms of erased children forgotten
	Contacts   int // counts of codes sent to a contact forgotten
	Staff      int // persons inside signed out whose time was over, and links and counts of wrong tries of theirs
	Sessions   int // guardians signed out whose time was over, and traces of codes to sign in
	Reviews    int // late ones of what two persons have opened without the office
	Told       int // releases on a law of which guardians are told now
	Passkeys   int // passkeys removed that no guardian is behind any more
	Accesses   int // counts of uses forgotten that are too old to be told
	Answers    int // kept answers of the API that nobody repeats any more
	Bundles    int // that waited for a party and may wait no longer
	Nonces     int // of signatures of parties that nobody takes any more
	Streams    int // of which the office is told that they count as a child's
	Seats      int // of persons of parties, that ended by themselves a while ago
}

// Terms are what an operator sets of a sweep; of a zero, the default holds.
type Terms struct {
	TurningLead  time.Duration // how long before a 14th birthday is over it is told
	InactiveLead time.Duration // how long before an unused account is erased it is told, InactiveLead at least
	Teller       string        // the consumer of the ledger by which guardians are told; empty: nobody tells here
}

// Sweep is SweepTelling by the defaults that tells nobody.
func Sweep(ctx context.Context, store *db.DB, v *vault.Vault) (Swept, error) {
	return SweepTelling(ctx, store, v, nil, Terms{})
}

// SweepTelling erases all that is due now, one child per transaction, and then
// makes the disk forget what was erased, by this sweep or by anyone. A child that
// fails does not keep the others waiting, nor does one kind of what is due another; the
// errors come back together. Whoever
// was asked and didn't answer in time is told by f that nothing is left. No erasure waits
// for a letter to arrive; it waits for room on the way, a minute at most, so that none is
// dropped.
func SweepTelling(ctx context.Context, store *db.DB, v *vault.Vault, f *message.Farewell, terms Terms) (done Swept, err error) {
	// First what somebody has asked for (Article 20), then whoever has a day; values come late,
	// for they are many, and nobody reads one that has ended.
	var began time.Time // of the values
	err = takeTurns(ctx, slice, []task{
		{&done.Demanded, sweepDemanded(store, v, f)},
		{&done.Kept, sweepKept(store, v)},
		{&done.Overdue, sweepOverdue(store)},
		{&done.Reminded, sweepReminders(store)},
		{&done.Reminded, sweepEach(store, rectification.ToRemind, rectification.Remind)},
		{&done.Recalled, sweepLastCalls(store)},
		{&done.Complaints, sweepComplaints(store)},
		{&done.Alarms, sweepParties(store)},
		{&done.Streams, sweepStreams(store)},
		{&done.Aged, sweepAges(store, v, f, cmp.Or(terms.TurningLead, family.TurningLead))},
		{&done.Requests, sweepRequests(store)},
		{&done.Proofs, sweepProofs(store, v)},
		{&done.Attempts, sweepAttempts(store)},
		{&done.Claims, sweepClaims(store)},
		{&done.Ports, sweepPorts(store)},
		{&done.Shields, sweepShields(store, v)},
		{&done.Unanswered, sweepUnanswered(store, v, f)},
		{&done.Traces, forget(store, family.ForgetTraces)},
		{&done.Evidence, forget(store, receipt.ForgetCertificates)},
		{&done.Carried, forget(store, receipt.ForgetDemands)},
		{&done.Contacts, forget(store, consent.ForgetSends)},
		{&done.Staff, forget(store, signin.Sweep)},
		{&done.Reviews, forget(store, reviews(v))},
		{&done.Told, sweepSilences(store, v)},
		{&done.Sessions, forget(store, session.Sweep)},
		{&done.Passkeys, bulk(store, session.SweepPasskeys)},
		{&done.Accesses, forget(store, access.Sweep)},
		{&done.Answers, forget(store, answers)},
		{&done.Bundles, sweepBundles(store, v)},
		{&done.Nonces, forget(store, nonces)},
		{&done.Seats, sweepSeats(store)},
		{&done.Values, sweepValues(store, v, &began)},
		// There may be many on one day, and each waits until its letter has room: last.
		{&done.Inactive, sweepInactive(store, v, f, terms, &done.Idle)},
	})
	if err := errors.Join(err, store.Scrub(ctx), ctx.Err()); err != nil {
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

func sweepUnanswered(store *db.DB, v *vault.Vault, f *message.Farewell) work {
	return through(store, family.DueUnconsented, func(ctx context.Context, c family.Child) (int, error) {
		f.Room(ctx)
		defer f.Leaving()()
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
func sweepDemanded(store *db.DB, v *vault.Vault, f *message.Farewell) work {
	return through(store, rights.DueErasures, func(ctx context.Context, r rights.Request) (int, error) {
		f.Room(ctx)
		defer f.Leaving()()
		var letters []notify.Message
		n := 0
		err := store.Update(ctx, func(tx *db.Tx) error {
			letters, n = nil, 0 // it may run again
			// A guardian may have kept the child since we looked.
			c, r, due, err := rights.Due(ctx, tx, r)
			if err != nil || !due {
				return err
			}
			n = 1
			letters, err = EraseDemanded(ctx, tx, v, f, actor, c, r)
			return err
		})
		if err != nil {
			return 0, err
		}
		f.Send(ctx, letters)
		return n, nil
	})
}

func sweepRequests(store *db.DB) work {
	return through(store, consent.DueRequests, func(ctx context.Context, d consent.Due) (int, error) {
		return 1, store.Update(ctx, func(tx *db.Tx) error { return consent.Expire(ctx, tx, d) })
	})
}

func sweepProofs(store *db.DB, v *vault.Vault) work {
	desk := verification.Desk{Consent: consent.Desk{Ring: v.Ring, Charters: v.Gate.Charters}}
	return through(store, family.DueProofs, func(ctx context.Context, d family.DueProof) (n int, err error) {
		err = store.Update(ctx, func(tx *db.Tx) (err error) {
			n, err = desk.ExpireProofs(ctx, tx, d)
			return err
		})
		return n, err
	})
}

func sweepAttempts(store *db.DB) work {
	return through(store, verification.DueAttempts, func(ctx context.Context, d verification.Due) (int, error) {
		return 1, store.Update(ctx, func(tx *db.Tx) error { return verification.Expire(ctx, tx, d) })
	})
}

func sweepClaims(store *db.DB) work {
	return through(store, rights.DueClaims, func(ctx context.Context, c rights.Claim) (n int, err error) {
		err = store.Update(ctx, func(tx *db.Tx) (err error) {
			n, err = rights.ExpireClaim(ctx, tx, actor, c)
			return err
		})
		return n, err
	})
}

// sweepPorts forgets to whom copies were to be handed whose days are over (Article 12).
func sweepPorts(store *db.DB) work {
	return through(store, rights.DuePorts, func(ctx context.Context, r rights.Request) (int, error) {
		return 1, store.Update(ctx, func(tx *db.Tx) error { return rights.ForgetPort(ctx, tx, r) })
	})
}

// sweepShields records that what was hidden from a guardian is shown again, and erases what has
// lost its ground by that one's no meanwhile (edge case 22, Article 20 (3)). That it is shown
// waits for none of it.
func sweepShields(store *db.DB, v *vault.Vault) work {
	return through(store, shield.Due, func(ctx context.Context, s shield.Shield) (n int, err error) {
		err = store.Update(ctx, func(tx *db.Tx) error {
			n = 1 // it may run again
			err := shield.End(ctx, tx, actor, s)
			if errors.Is(err, shield.ErrOver) {
				n, err = 0, nil // somebody was first
			}
			if err == nil && n == 1 {
				_, err = v.EraseUnfounded(ctx, tx, actor, s.Service, s.Child)
			}
			return err
		})
		return n, err
	})
}

func sweepKept(store *db.DB, v *vault.Vault) work {
	return through(store, vault.DueKept, func(ctx context.Context, d vault.KeptDue) (n int, err error) {
		err = store.Update(ctx, func(tx *db.Tx) (err error) {
			n, err = v.EndKept(ctx, tx, actor, d)
			return err
		})
		return n, err
	})
}

// sweepOverdue records orders to processors and recipients that weren't attested in time,
// each by itself.
func sweepOverdue(store *db.DB) work { return sweepEach(store, order.Due, order.Overdue) }

// sweepReminders reminds parties of orders that they haven't attested, each by itself.
func sweepReminders(store *db.DB) work { return sweepEach(store, order.ToRemind, order.Remind) }

// sweepLastCalls reminds the office of reports whose clock ends today, each by itself.
func sweepLastCalls(store *db.DB) work {
	return sweepEach(store, complaint.ToRemind, complaint.Remind)
}

// sweepComplaints erases reports whose time is over, with what came with them (Article 12).
func sweepComplaints(store *db.DB) work {
	return sweepEach(store, complaint.ToErase, complaint.Erase)
}

// sweepEach has a verb do what is due of each by itself, and counts those of which it did.
func sweepEach[T any](store *db.DB, due func(context.Context, *db.Tx, T, int) ([]T, error), verb func(context.Context, *db.Tx, string, T) (bool, error)) work {
	return through(store, due, func(ctx context.Context, one T) (n int, err error) {
		err = store.Update(ctx, func(tx *db.Tx) error {
			n = 0 // it may run again
			did, err := verb(ctx, tx, actor, one)
			if did {
				n = 1
			}
			return err
		})
		return n, err
	})
}

// sweepParties raises the alarms of what of a processor or a recipient has a day (Article 16).
// There are few.
func sweepParties(store *db.DB) work {
	return through(store, func(ctx context.Context, tx *db.Tx, after party.Clock, _ int) ([]party.Clock, error) {
		if after != (party.Clock{}) {
			return nil, nil // all came at once
		}
		return party.ToRaise(ctx, tx)
	}, func(ctx context.Context, c party.Clock) (n int, err error) {
		err = store.Update(ctx, func(tx *db.Tx) error {
			n = 0 // it may run again
			raised, err := party.Raise(ctx, tx, actor, c)
			if raised {
				n = 1
			}
			return err
		})
		return n, err
	})
}

// sweepStreams tells the office of streams that count as a child's from now on (Article 28), each
// by itself. That they do waits for none of it.
func sweepStreams(store *db.DB) work {
	return through(store, stream.ToRaise, func(ctx context.Context, s stream.Stream) (n int, err error) {
		err = store.Update(ctx, func(tx *db.Tx) error {
			n = 0 // it may run again
			raised, err := stream.Raise(ctx, tx, actor, s)
			if raised {
				n = 1
			}
			return err
		})
		return n, err
	})
}

// sweepSeats ends the seats of persons of parties that may do nothing any more, with all that they
// signed in with.
func sweepSeats(store *db.DB) work {
	return through(store, party.SeatsOver, func(ctx context.Context, s party.Seat) (n int, err error) {
		err = store.Update(ctx, func(tx *db.Tx) error {
			n = 1 // it may run again
			err := signin.EndSeat(ctx, tx, actor, s.ID)
			if errors.Is(err, party.ErrSeatNotFound) {
				n, err = 0, nil // somebody was first
			}
			return err
		})
		return n, err
	})
}

// reviews says which reviews of what two persons have opened are late (Article 15).
func reviews(v *vault.Vault) func(context.Context, *db.Tx, int) (int, error) {
	return func(ctx context.Context, tx *db.Tx, limit int) (int, error) {
		return approval.SweepGlass(ctx, tx, v.Ring, actor, limit)
	}
}

// sweepSilences ends the silences about what went out on a law (PIPL 18 and 35).
func sweepSilences(store *db.DB, v *vault.Vault) work {
	return through(store, approval.DueToTell, func(ctx context.Context, r approval.Request) (n int, err error) {
		err = store.Update(ctx, func(tx *db.Tx) error {
			n = 0 // it may run again
			told, err := approval.Tell(ctx, tx, v.Ring, actor, r)
			if errors.Is(err, approval.ErrNotFound) {
				return nil // it went with the child, and so did whom to tell
			}
			if told {
				n = 1
			}
			return err
		})
		return n, err
	})
}

// answers forgets kept answers of the API that nobody repeats any more.
func answers(ctx context.Context, tx *db.Tx, limit int) (int, error) {
	n, err := account.Sweep(ctx, tx, limit)
	return int(n), err
}

// sweepBundles throws away what was pushed to a party that hasn't taken it, or may not have it
// any more (Article 16 (4)).
func sweepBundles(store *db.DB, v *vault.Vault) work {
	return through(store, vault.EndingBundles, func(ctx context.Context, b vault.Bundle) (n int, err error) {
		err = store.Update(ctx, func(tx *db.Tx) error {
			may, err := v.Recall(ctx, tx, b)
			if n = 1; may {
				n = 0 // the party stands again by now
			}
			return err
		})
		return n, err
	})
}

// nonces forgets those of signatures that nobody takes any more.
func nonces(ctx context.Context, tx *db.Tx, limit int) (int, error) {
	n, err := party.SweepNonces(ctx, tx, limit)
	return int(n), err
}
