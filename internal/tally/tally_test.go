package tally_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/rights"
	"wardkeep/internal/staff"
	"wardkeep/internal/tally"
	"wardkeep/internal/vault/vaulttest"
)

// A book is a world with a sequencer.
type book struct {
	*vaulttest.World
	log *ledger.Log
}

func each(t *testing.T, fn func(t *testing.T, b *book)) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		signer, _, err := ledger.NewSigner("wardkeep.test", make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		b := &book{w, ledger.Open(w.Store, "wardkeep.test", signer)}
		fn(t, b)
		report, err := replay.Audit(t.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
		if err != nil || !report.OK() {
			t.Errorf("%v, %v", report.Differences, err)
		}
	})
}

// count gives all that there is its place, and counts it.
func (b *book) count() {
	b.T.Helper()
	if err := b.log.Flush(context.Background()); err != nil {
		b.T.Fatal(err)
	}
	for {
		n, err := tally.Count(context.Background(), b.Store)
		if err != nil {
			b.T.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// tells wants these lines of some whats of the service, over all days.
func (b *book) tells(whats []tally.What, want ...string) {
	b.T.Helper()
	var got []string
	b.Do(func(ctx context.Context, tx *db.Tx) error {
		got = nil
		for _, what := range whats {
			rows, err := tally.Between(ctx, tx, vaulttest.Service, what, 0, 1<<40)
			if err != nil {
				return err
			}
			for _, r := range rows {
				got = append(got, strings.Join(strings.Fields(fmt.Sprint(r.What, " ", r.Purpose, " ", r.Actor, " ", r.Detail, " ", r.N)), " "))
			}
		}
		return nil
	})
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		b.T.Errorf("got  %q\nwant %q", got, want)
	}
}

var used = []tally.What{tally.Permitted, tally.Denied}

// Each use is counted once, by who did it and for what, also where several processes count
// at the same time.
func TestArticle14_EachUseIsTalliedOnce(t *testing.T) {
	each(t, func(t *testing.T, b *book) {
		c := b.Child()
		b.Put(c, "course-progress", "nickname", "小满")
		read := func(item string) { _, _ = b.Read(c, "course-progress", item) }
		read("nickname")
		read("school")
		b.count()
		want := []string{"permitted course-progress app collect 1", "permitted course-progress app use 1", "denied course-progress app 11 1"}
		b.tells(used, want...)
		b.count()
		b.tells(used, want...)
		read("nickname")
		if err := b.log.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		results := make(chan error, 4)
		for range 4 {
			go func() { _, err := tally.Count(context.Background(), b.Store); results <- err }()
		}
		for range 4 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		b.tells(used, "permitted course-progress app collect 1", "permitted course-progress app use 2", "denied course-progress app 11 1")
	})
}

// Looks are counted by the role that let them pass, and whoever has none stands for people
// inside.
func TestArticle15_LooksAreTalliedByRole(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		signer, _, err := ledger.NewSigner("wardkeep.test", make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		b := &book{w, ledger.Open(w.Store, "wardkeep.test", signer)}
		looked := func(kind string, role staff.Role, reasons ...gate.Denial) {
			b.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: vaulttest.Service, Actor: "staff:" + id.New(id.Staff),
					Body: gate.UseBody{Activity: "use", Purpose: "course-progress", Items: []string{"nickname"}, Reasons: reasons, Look: &gate.LookBody{Role: role}}})
				return err
			})
		}
		looked(gate.KindPermitted, staff.Manager)
		looked(gate.KindPermitted, staff.Worker)
		looked(gate.KindPermitted, staff.Worker)
		looked(gate.KindDenied, "", gate.Denial{Code: "gate.approval_role", Article: "15"})
		b.count()
		b.tells(used, "permitted course-progress staff.manager use 1", "permitted course-progress staff.staff use 2", "denied course-progress staff 15 1")
	})
}

// What guardians answer is counted by purpose, and stands where the child is erased: nobody
// is in it.
func TestArticle9_AnswersAreTalliedAndNameNobody(t *testing.T) {
	each(t, func(t *testing.T, b *book) {
		c, _ := b.Enrol()
		b.Answer(c, consent.ForceGranted, "course-progress")
		b.Answer(c, consent.ForceRefused, "class-ranking")
		b.count()
		answered := []tally.What{tally.Granted, tally.Refused, tally.Erased}
		b.tells(answered, "granted course-progress app 1", "refused class-ranking app 1")
		b.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := b.Vault.Erase(ctx, tx, b.App.Ledger(), vaulttest.Service, c.ID, family.Requested)
			return err
		})
		b.count()
		b.tells(answered, "granted course-progress app 1", "refused class-ranking app 1", "erased app request 1")
		b.Do(func(ctx context.Context, tx *db.Tx) error {
			return tally.Each(ctx, tx, func(r tally.Row) error {
				for _, text := range []string{r.Service, string(r.What), r.Purpose, string(r.Actor), r.Detail} {
					if len(text) > 2 && text[2] == '_' {
						t.Errorf("a tally names %q", text)
					}
				}
				return nil
			})
		})
	})
}

// Articles 19 and 20: how long it took is told by the entry of the answer, and counted.
func TestArticle19_HowLongAnAnswerTookIsTallied(t *testing.T) {
	each(t, func(t *testing.T, b *book) {
		b.PassToHalfPast()
		desk := rights.Desk{Ring: b.Ring, Charters: b.Desk.Charters, Calendar: workday.Default()}
		c := b.Child()
		b.Put(c, "course-progress", "nickname", "小满")
		g := b.Guardian(c)
		for _, after := range []time.Duration{time.Hour, 6 * 24 * time.Hour} {
			var r rights.Request
			b.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				r, _, err = desk.Receive(ctx, tx, g, c, rights.Demand{Kind: rights.Correct, Door: rights.ByGuardian, Guardian: g.ID, Item: "nickname", Held: []string{"nickname"}})
				return err
			})
			b.Pass(after)
			b.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				_, _, err = desk.Refuse(ctx, tx, b.Officer, r, rights.AlreadyRight, pii.Text{})
				return err
			})
		}
		b.count()
		b.tells([]tally.What{tally.Demanded, tally.Answered}, "demanded guardian correct 2", "answered officer 1 1", "answered officer 7 1")
	})
}

// The day is that of Beijing, and of the entry.
func TestATallyIsOfTheDayOfItsEntry(t *testing.T) {
	each(t, func(t *testing.T, b *book) {
		b.Child()
		first := access.DayOf(b.Store.Now())
		b.Pass(49 * time.Hour)
		b.Child()
		b.count()
		b.Do(func(ctx context.Context, tx *db.Tx) error {
			rows, err := tally.Between(ctx, tx, vaulttest.Service, tally.Granted, first+1, first+3)
			if len(rows) == 0 {
				t.Error("nothing is told of the later day")
			}
			for _, r := range rows {
				if r.Day != access.DayOf(tx.Now()) || r.N != 1 {
					t.Errorf("%+v", r)
				}
			}
			return err
		})
	})
}

func TestHowLongSomethingTook(t *testing.T) {
	from := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for took, want := range map[time.Duration]tally.Took{0: tally.Day, 24 * time.Hour: tally.Day, 25 * time.Hour: tally.Days, 7 * 24 * time.Hour: tally.Week,
		15 * 24 * time.Hour: tally.Weeks, 16 * 24 * time.Hour: tally.Longer} {
		if got := tally.TookOf(from, from.Add(took)); got != want {
			t.Errorf("%v: %s, want %s", took, got, want)
		}
	}
}
