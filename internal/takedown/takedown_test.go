package takedown_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/takedown"
	"wardkeep/internal/vault/vaulttest"
)

const service = vaulttest.Service

var days = workday.Default()

func report(w *vaulttest.World, ref string) (c takedown.Case, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		c, _, err = takedown.Report(ctx, tx, w.Ring, days, w.App, pii.New(ref), takedown.User, takedown.Identifiers)
		return err
	})
	return c, err
}

func take(w *vaulttest.World, by catalog.Officer, name string) (c takedown.Case, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		c, _, err = takedown.Take(ctx, tx, days, by, service, name)
		return err
	})
	return c, err
}

func settle(w *vaulttest.World, by catalog.Officer, name string, outcome takedown.Outcome, ground takedown.Ground) (c takedown.Case, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		c, _, err = takedown.Settle(ctx, tx, days, by, service, name, outcome, ground)
		return err
	})
	return c, err
}

func done(w *vaulttest.World, by account.App, name string) (c takedown.Case, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		c, _, err = takedown.Done(ctx, tx, by, name)
		return err
	})
	return c, err
}

// deputy is who else is in office.
func deputy(w *vaulttest.World) (o catalog.Officer) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		o, err = catalog.Holder(ctx, tx, service, catalog.RoleDeputy)
		return err
	})
	return o
}

// Article 4: what is reported is looked after, decided and down, in this order, each step
// has its clock, and nothing but the last ends the case.
func TestArticle4_ATakedownGoesItsWay(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		c, err := report(w, "post-7")
		if err != nil || c.State() != takedown.Reported || !c.DueAt.After(c.OpenedAt) || len(c.Number()) != 9 {
			t.Fatalf("%+v, %v", c, err)
		}
		if _, err := report(w, "post-7"); !errors.Is(err, takedown.ErrTwice) {
			t.Errorf("twice: %v", err)
		}
		if _, err := settle(w, w.Officer, c.ID, takedown.Down, ""); !errors.Is(err, takedown.ErrNotTaken) {
			t.Errorf("what nobody looks after: %v", err)
		}
		if _, err := done(w, w.App, c.ID); !errors.Is(err, takedown.ErrNotDue) {
			t.Errorf("what nobody has decided: %v", err)
		}
		first, err := take(w, w.Officer, c.ID)
		if err != nil || first.State() != takedown.Taken || !first.DueAt.After(c.DueAt) {
			t.Fatalf("%+v, %v", first, err)
		}
		w.Pass(time.Hour)
		other := deputy(w)
		second, err := take(w, other, c.ID)
		if err != nil || second.Owner != other.ID || !second.DueAt.Equal(first.DueAt) || !second.TakenAt.Equal(first.TakenAt) {
			t.Errorf("taken over: %+v, %v", second, err)
		}
		if _, err := settle(w, w.Officer, c.ID, takedown.Down, ""); !errors.Is(err, takedown.ErrNotTaken) {
			t.Errorf("what another looks after: %v", err)
		}
		for _, c := range []struct {
			outcome takedown.Outcome
			ground  takedown.Ground
			want    error
		}{
			{takedown.Lapsed, "", takedown.ErrOutcome}, {"", "", takedown.ErrOutcome}, {takedown.Stays, "", takedown.ErrGround},
			{takedown.Stays, "because", takedown.ErrGround}, {takedown.Down, takedown.NoChild, takedown.ErrGround},
		} {
			if _, err := settle(w, other, second.ID, c.outcome, c.ground); !errors.Is(err, c.want) {
				t.Errorf("%s on %s: %v", c.outcome, c.ground, err)
			}
		}
		ordered, err := settle(w, other, c.ID, takedown.Down, "")
		if err != nil || ordered.State() != takedown.Ordered || !ordered.Open() {
			t.Fatalf("%+v, %v", ordered, err)
		}
		if _, err := take(w, w.Officer, c.ID); !errors.Is(err, takedown.ErrDecided) {
			t.Errorf("taken after the decision: %v", err)
		}
		w.Pass(30 * 24 * time.Hour)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			late, err := takedown.CountLate(ctx, tx, service)
			if err != nil || late != 1 {
				t.Errorf("%d late, %v", late, err)
			}
			now, err := takedown.Find(ctx, tx, service, c.ID)
			if err != nil || !now.Late(tx.Now()) || !now.Intact(w.Ring) {
				t.Errorf("no time ends it: %+v, %v", now, err)
			}
			ref, err := now.Ref(w.Ring)
			if err != nil || ref.Reveal() != "post-7" {
				t.Errorf("%v", err)
			}
			return nil
		})
		over, err := done(w, w.App, c.ID)
		if err != nil || over.State() != takedown.Closed || !over.Intact(w.Ring) {
			t.Errorf("%+v, %v", over, err)
		}
		if _, err := done(w, w.App, c.ID); !errors.Is(err, takedown.ErrNotDue) {
			t.Errorf("down twice: %v", err)
		}
		if again, err := report(w, "post-7"); err != nil || again.ID == c.ID {
			t.Errorf("reported again: %v", err)
		}
	})
}

// What may stay ends its case at once, on a ground, and nothing leads to it any more.
func TestArticle4_WhatMayStayHasAGround(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		c, err := report(w, "post-8")
		if err == nil {
			_, err = take(w, w.Officer, c.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		stays, err := settle(w, w.Officer, c.ID, takedown.Stays, takedown.Permitted)
		if err != nil || stays.Open() || stays.Ground != takedown.Permitted {
			t.Fatalf("%+v, %v", stays, err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			now, err := takedown.Find(ctx, tx, service, c.ID)
			if ref, failed := now.Ref(w.Ring); err != nil || failed != nil || !ref.IsZero() || !now.Intact(w.Ring) {
				t.Errorf("%+v, %v, %v", now, err, failed)
			}
			open, err := takedown.Waiting(ctx, tx, service, 10)
			if len(open) != 0 {
				t.Errorf("%d are open", len(open))
			}
			return err
		})
	})
}

// What can't be a case isn't one, and who may not report or decide doesn't.
func TestArticle4_WhatATakedownRefuses(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		bare := w.App
		bare.Scopes, _ = account.NewScopes(account.ItemsRead)
		for name, c := range map[string]struct {
			by     account.App
			ref    string
			source takedown.Source
			harm   takedown.Harm
			want   error
		}{
			"without the scope":  {bare, "post-1", takedown.User, takedown.Picture, takedown.ErrMayNot},
			"of nobody":          {w.App, "post-1", "somebody", takedown.Picture, takedown.ErrSource},
			"without a harm":     {w.App, "post-1", takedown.User, "", takedown.ErrHarm},
			"about nothing":      {w.App, "", takedown.User, takedown.Picture, takedown.ErrRef},
			"about several":      {w.App, "post-1\npost-2", takedown.User, takedown.Picture, takedown.ErrRef},
			"with spaces around": {w.App, " post-1", takedown.User, takedown.Picture, takedown.ErrRef},
			"about a novel":      {w.App, strings.Repeat("长", 501), takedown.User, takedown.Picture, takedown.ErrRef},
		} {
			err := w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := takedown.Report(ctx, tx, w.Ring, days, c.by, pii.New(c.ref), c.source, c.harm)
				return err
			})
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		c, err := report(w, "post-1")
		if err != nil {
			t.Fatal(err)
		}
		elsewhere := w.Officer
		elsewhere.Service = "other"
		if _, err := take(w, elsewhere, c.ID); !errors.Is(err, takedown.ErrMayNot) {
			t.Errorf("an officer of another service: %v", err)
		}
		if _, err := take(w, w.Officer, "td_nothing"); !errors.Is(err, takedown.ErrNotFound) {
			t.Errorf("what there isn't: %v", err)
		}
		if _, err := done(w, bare, c.ID); !errors.Is(err, takedown.ErrMayNot) {
			t.Errorf("down, says who may not: %v", err)
		}
	})
}
