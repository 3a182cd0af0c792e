package incident_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/family"
	"wardkeep/internal/incident"
	"wardkeep/internal/vault/vaulttest"
)

func reach(w *vaulttest.World, by approval.Actor, name string, found ...incident.Found) (l incident.CaseList, entry string, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		l, entry, err = incident.Reach(ctx, tx, by, service, name, found)
		return err
	})
	return l, entry, err
}

// Article 21: whom a case has reached is a list that grows as facts arrive, has each child once,
// and is fixed as evidence; who is erased is on it no longer.
func TestArticle21_WhomACaseHasReached(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		c, err := open(w, report(w))
		if err != nil {
			t.Fatal(err)
		}
		ann, ben, cat := w.Child(), w.Child(), w.Child()
		freeze := func() (l incident.CaseList, err error) {
			return l, w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
				l, _, err = incident.Freeze(ctx, tx, w.Officer, service, c.ID)
				return err
			})
		}
		if _, err := freeze(); !errors.Is(err, incident.ErrListEmpty) {
			t.Errorf("a list of nobody: %v", err)
		}
		for name, found := range map[string][]incident.Found{
			"nobody":     {},
			"a child":    {{Subject: string(ann.ID)}},
			"an item":    {{Subject: ann.Subject, Items: []string{"a b"}}},
			"no item":    {{Subject: ann.Subject, Items: []string{""}}},
			"a thousand": slices.Repeat([]incident.Found{{Subject: ann.Subject}}, incident.ReachAtMost+1),
		} {
			if _, _, err := reach(w, w.Officer, c.ID, found...); !errors.Is(err, incident.ErrReach) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, _, err := reach(w, w.Officer, id.New(id.Incident), incident.Found{Subject: ann.Subject}); !errors.Is(err, incident.ErrNotFound) {
			t.Errorf("of no case: %v", err)
		}
		first, _, err := reach(w, w.Officer, c.ID, incident.Found{Subject: ann.Subject, Items: []string{"voice"}}, incident.Found{Subject: ben.Subject, Items: []string{"voice", "nickname"}},
			incident.Found{Subject: ann.Subject, Items: []string{"voice"}}, incident.Found{Subject: id.New(id.Subject)})
		if err != nil || first.Children != 2 || first.Batches != 1 || !first.Grown() {
			t.Fatalf("%+v, %v", first, err)
		}
		if again, entry, err := reach(w, w.Officer, c.ID, incident.Found{Subject: ben.Subject, Items: []string{"nickname"}}); err != nil || entry != "" || again.Batches != 1 {
			t.Errorf("what was known: %+v, %q, %v", again, entry, err)
		}
		fixed, err := freeze()
		if err != nil || fixed.Grown() || fixed.Chain != first.Chain {
			t.Errorf("%+v, %v", fixed, err)
		}
		if _, err := freeze(); !errors.Is(err, incident.ErrListSame) {
			t.Errorf("twice: %v", err)
		}
		more, _, err := reach(w, w.Officer, c.ID, incident.Found{Subject: ann.Subject, Items: []string{"nickname"}}, incident.Found{Subject: cat.Subject})
		if err != nil || more.Children != 3 || more.Batches != 2 || !more.Grown() || more.Chain == first.Chain {
			t.Errorf("%+v, %v", more, err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Erase(ctx, tx, w.App.Ledger(), service, cat.ID, family.Requested)
			return err
		})
		if l, entry, err := reach(w, w.Officer, c.ID, incident.Found{Subject: cat.Subject}); err != nil || entry != "" || l.Children != 3 {
			t.Errorf("who was erased: %+v, %q, %v", l, entry, err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			var got []string
			for after := family.ID(""); ; {
				some, err := incident.Reached(ctx, tx, c.ID, after, 1)
				if err != nil || len(some) == 0 {
					want := []string{string(ann.ID) + " nickname voice 1", string(ben.ID) + " nickname voice 1"}
					if slices.Sort(want); !slices.Equal(got, want) {
						t.Errorf("%q", got)
					}
					return err
				}
				after = some[0].Child
				got = append(got, string(after)+" "+strings.Join(some[0].Items, " ")+" "+string(rune('0'+some[0].Batch)))
			}
		})
	})
}
