package retention

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/legal"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/receipt"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault"
)

// Erase erases a locked child and certifies it, and returns what its guardians are to
// be told after the commit, and the entry that tells of the erasure.
func Erase(ctx context.Context, tx *db.Tx, v *vault.Vault, f *message.Farewell, by string, c family.Child, ground family.Ground) ([]notify.Message, string, error) {
	l, err := tell(ctx, tx, f, c, ground)
	if err != nil {
		return nil, "", err
	}
	entry, err := erase(ctx, tx, v, by, c, ground, l)
	return l.letters, entry, err
}

// EraseDemanded is Erase for a demand, on whose entries the certificate rests, too.
func EraseDemanded(ctx context.Context, tx *db.Tx, v *vault.Vault, f *message.Farewell, by string, c family.Child, r rights.Request) ([]notify.Message, error) {
	l, err := tell(ctx, tx, f, c, r.Kind.Ground())
	if err != nil {
		return nil, err
	}
	// What a restore carries out again says more of a demand than its row.
	l.demands = append(slices.DeleteFunc(l.demands, func(d rights.Request) bool { return d.ID == r.ID }), r)
	_, err = erase(ctx, tx, v, by, c, r.Kind.Ground(), l, strings.Fields(r.Entry)...)
	return l.letters, err
}

// EraseCertified is Erase for whoever gives out the link to the certificate, of which it
// returns the secret: so there is one, also where no guardian can be reached.
func EraseCertified(ctx context.Context, tx *db.Tx, v *vault.Vault, f *message.Farewell, by string, c family.Child, ground family.Ground) (letters []notify.Message, secret, entry string, err error) {
	l, err := tell(ctx, tx, f, c, ground)
	if err != nil {
		return nil, "", "", err
	}
	l.given = true
	entry, err = erase(ctx, tx, v, by, c, ground, l)
	return l.letters, l.secret, entry, err
}

// leave is what guardians are told of an erasure: letters, with the secret of the link to
// its certificate, as the child was at a version, and what a law demands to keep of it.
type leave struct {
	version int64
	secret  string
	letters []notify.Message
	given   bool             // to whoever has it erased, too
	demands []rights.Request // to erase it, which are open and end with it
	keep    []legal.Keep     // with the erasure
	kept    []legal.Keep     // before
}

// holds reports whether that is still right for a child that was just locked, of which a
// law demands to keep so much: an approval for every child changes no version of any.
func (l leave) holds(c family.Child, keep []legal.Keep, now time.Time) bool {
	same := func(a, b legal.Keep) bool {
		return a.Item == b.Item && a.Approval == b.Approval && a.Until.Equal(b.Until)
	}
	over := func(k legal.Keep) bool { return !k.Until.After(now) }
	// The lock made a version of its own.
	return l.version == c.Version-1 && slices.EqualFunc(l.keep, keep, same) && !slices.ContainsFunc(l.kept, over)
}

func tell(ctx context.Context, tx *db.Tx, f *message.Farewell, c family.Child, ground family.Ground) (leave, error) {
	l := leave{version: c.Version, secret: receipt.NewSecret()}
	var err error
	if l.keep, err = vault.Keeping(ctx, tx, c); err != nil {
		return l, err
	}
	if l.demands, err = rights.Of(ctx, tx, c.ID); err != nil {
		return l, err
	}
	l.demands = slices.DeleteFunc(l.demands, func(r rights.Request) bool { return r.State != rights.Open || !r.Kind.Erases() })
	if f == nil {
		return l, nil
	}
	if l.kept, err = vault.Kept(ctx, tx, c.ID); err != nil {
		return l, err
	}
	l.kept = slices.DeleteFunc(l.kept, func(k legal.Keep) bool { return !k.Until.After(tx.Now()) })
	l.letters = f.Erased(ctx, tx, c, ground, l.secret, l.all())
	return l, nil
}

func (l leave) all() []legal.Keep { return slices.Concat(l.kept, l.keep) }

// erase erases a child, with a certificate if anybody can have the link to it. Whoever had
// demanded an erasure finds it by their demand (receipt.FindDemand), whatever the child is
// erased for, and also where no guardian can be reached.
func erase(ctx context.Context, tx *db.Tx, v *vault.Vault, by string, c family.Child, ground family.Ground, l leave, demand ...string) (string, error) {
	entries, err := v.EraseLocked(ctx, tx, by, c, ground, l.keep)
	if err != nil {
		return "", err
	}
	last := entries[len(entries)-1]
	if len(l.letters) == 0 && len(l.demands) == 0 && !l.given {
		return last, nil
	}
	if err := receipt.Keep(ctx, tx, v.Ring, l.secret, l.all(), append(demand, entries...)...); err != nil {
		return "", err
	}
	for _, r := range l.demands {
		if err := receipt.KeepDemand(ctx, tx, v.Ring, r, l.secret); err != nil {
			return "", err
		}
	}
	return last, nil
}

// ahead is how many children's letters are written beside the transactions that erase the
// children before them.
const ahead = 64

// togetherErased is how many children EraseAll erases at once. On SQLite those that wait while
// others are written share the next transaction, of some twenty milliseconds: with fewer, a
// commit is for one or two. On PostgreSQL each takes a connection, and others need some.
func togetherErased(store *db.DB) int {
	if store.Abreast() > 0 {
		return 8
	}
	return 64
}

// EraseAll erases several children for one reason, each in a transaction of its own
// with its certificate, and has its guardians told; it returns how many it has erased.
// The letters are written ahead, beside the one writer, and anew where the child has
// changed since, or what a law demands to keep of it (edge case 14). One that fails does not keep the others waiting; the errors come back
// together. If we crash, those that were erased are, and the others are as they were.
func EraseAll(ctx context.Context, store *db.DB, v *vault.Vault, f *message.Farewell, by string, ground family.Ground, children []family.Child) (int, error) {
	var erased atomic.Int64
	var failed failures
	ready := make(chan []leaving)
	var writing, erasing errgroup.Group
	erasing.SetLimit(togetherErased(store))
	writing.Go(func() error {
		defer close(ready)
		for some := range slices.Chunk(children, ahead) {
			ready <- prepare(ctx, store, f, ground, some)
		}
		return nil
	})
	for some := range ready {
		f.Room(ctx) // for these and those before them, of however many guardians: none is dropped
		for _, c := range some {
			erasing.Go(func() error {
				defer f.Leaving()()
				err := c.erase(ctx, store, v, f, by, ground)
				if err == nil {
					f.Send(ctx, c.letters)
					erased.Add(1)
				}
				failed.add(Gone(err))
				return nil
			})
		}
	}
	erasing.Wait() // it and the other return no error
	writing.Wait()
	return int(erased.Load()), failed.joined()
}

// leaving is a child with what its guardians will be told.
type leaving struct {
	family.Child
	*leave
}

// prepare writes the letters of some children. What goes wrong here is met again where the
// child is erased.
func prepare(ctx context.Context, store *db.DB, f *message.Farewell, ground family.Ground, some []family.Child) []leaving {
	all := make([]leaving, 0, len(some))
	err := store.View(ctx, func(tx *db.Tx) error {
		all = all[:0]
		for _, c := range some {
			l := leave{version: -1}
			if now, err := family.Find(ctx, tx, c.Service, c.ID); err == nil {
				if l, err = tell(ctx, tx, f, now, ground); err != nil {
					return err
				}
			}
			all = append(all, leaving{c, &l})
		}
		return nil
	})
	if err != nil {
		all = all[:0]
		for _, c := range some {
			all = append(all, leaving{c, &leave{version: -1}})
		}
	}
	return all
}

func (c leaving) erase(ctx context.Context, store *db.DB, v *vault.Vault, f *message.Farewell, by string, ground family.Ground) error {
	return store.Update(ctx, func(tx *db.Tx) error {
		locked, err := family.Lock(ctx, tx, c.Service, c.ID)
		if err != nil {
			return err
		}
		keep, err := vault.Keeping(ctx, tx, locked)
		if err != nil {
			return err
		}
		if !c.holds(locked, keep, tx.Now()) {
			l, err := tell(ctx, tx, f, locked, ground)
			if err != nil {
				return err
			}
			*c.leave = l
			c.version = locked.Version - 1 // it may run again
		}
		_, err = erase(ctx, tx, v, by, locked, ground, *c.leave)
		return err
	})
}
