package vault_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/vault/vaulttest"
)

// A child is erased when its guardian refuses everything (edge case 5); the next
// import of the same row must not ask the same again.
func TestEdgeCase26_WhoRefusedEverythingIsNotAskedByTheNextImport(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		first := registered(w)
		w.Answer(first, consent.ForceRefused)
		erase(w, first, "system:retention", family.ExpiredUnconsented)
		again := registered(w)
		if err := asked(w, again); !errors.Is(err, consent.ErrRefused) {
			t.Errorf("right after the no: %v", err)
		}
		other, _ := w.Enrol()
		if err := asked(w, other); err != nil {
			t.Errorf("another child's guardian: %v", err)
		}
	})
}

// What else was asked of her, and that she may think again, takes no answer back.
func TestEdgeCase26_WhatStillWaitsDoesNotOutweighANo(t *testing.T) {
	for name, wait := range map[string]func(t *testing.T, w *vaulttest.World, c family.Child){
		"another link to the same guardian was never shown": func(t *testing.T, w *vaulttest.World, c family.Child) {
			if err := asked(w, c); err != nil {
				t.Fatal(err)
			}
			w.Answer(c, consent.ForceRefused)
		},
		"another link to the same guardian ran out": func(t *testing.T, w *vaulttest.World, c family.Child) {
			if err := w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, _, err := w.Desk.Ask(ctx, tx, w.App, c, consent.Asking{Channel: consent.Link, Locale: "zh-CN", TTL: time.Minute})
				return err
			}); err != nil {
				t.Fatal(err)
			}
			w.Answer(c, consent.ForceRefused)
			w.Pass(2 * time.Minute)
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				due, err := consent.DueRequests(ctx, tx, consent.Due{}, 10)
				for _, d := range due {
					err = errors.Join(err, consent.Expire(ctx, tx, d))
				}
				return err
			})
		},
		"she began to think again": func(t *testing.T, w *vaulttest.World, c family.Child) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				locked, err := family.Lock(ctx, tx, vaulttest.Service, c.ID)
				if err != nil {
					return err
				}
				father, _, err := family.AddGuardian(ctx, tx, w.Ring, w.App, locked, family.Person{Phone: pii.New("13800000002"), Relation: family.Parent})
				if err != nil {
					return err
				}
				_, _, _, err = w.Desk.Ask(ctx, tx, w.App, locked, consent.Asking{Guardian: father.ID, Channel: consent.SMS, Locale: "zh-CN"})
				return err
			})
			w.Answer(c, consent.ForceRefused)
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				all, err := consent.Requests(ctx, tx, c.ID)
				if err != nil {
					return err
				}
				r := all[slices.IndexFunc(all, func(r consent.Request) bool { return r.State == consent.Answered })]
				mother, err := family.FindGuardian(ctx, tx, c.ID, r.Guardian)
				if err != nil {
					return err
				}
				_, _, _, err = w.Desk.AskAgain(ctx, tx, mother, r, nil)
				return err
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
				c := registered(w)
				wait(t, w, c)
				erase(w, c, w.App.Ledger(), family.Requested)
				if err := asked(w, registered(w)); !errors.Is(err, consent.ErrRefused) {
					t.Errorf("right after the no: %v", err)
				}
			})
		})
	}
}

// registered registers the child of one row of an import.
func registered(w *vaulttest.World) (c family.Child) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		c, _, _, err = w.Vault.Gate.Register(ctx, tx, w.App, family.Enrolment{Service: vaulttest.Service, Ref: pii.New("row-17"),
			Birth: age.Birth{Year: tx.Now().Year() - 9, Month: 6, Day: 1}, BirthSource: family.FromImport,
			Guardian: family.Person{Phone: pii.New("13800000000"), Relation: family.Parent}})
		return err
	})
	return c
}

// asked asks the child's guardian about everything.
func asked(w *vaulttest.World, c family.Child) error {
	return w.Try(func(ctx context.Context, tx *db.Tx) error {
		_, _, _, err := w.Desk.Ask(ctx, tx, w.App, c, consent.Asking{Channel: consent.SMS, Locale: "zh-CN"})
		return err
	})
}

func erase(w *vaulttest.World, c family.Child, actor string, ground family.Ground) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		_, err := w.Vault.Erase(ctx, tx, actor, vaulttest.Service, c.ID, ground)
		return err
	})
}

// A request that was written before a no isn't sent after it.
func TestEdgeCase26_AQueuedRequestIsNotSentAfterANo(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		child := w.Child()
		var queued consent.Request
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			queued, _, _, err = w.Desk.Ask(ctx, tx, w.App, child, consent.Asking{Purposes: []string{"speaking-practice"}, Channel: consent.SMS, Locale: "zh-CN"})
			return err
		})
		w.Answer(child, consent.ForceRefused, "speaking-practice")
		err := w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, _, _, err := w.Desk.Send(ctx, tx, w.App, queued)
			return err
		})
		if !errors.Is(err, consent.ErrRefused) {
			t.Errorf("sent after the no: %v", err)
		}
	})
}
