package retention_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/retention"
	"wardkeep/internal/vault/vaulttest"
)

// births are days as often as months and years alone, and often a 29 February.
var births = rapid.Custom(func(t *rapid.T) age.Birth {
	b := age.Birth{Year: rapid.IntRange(2016, 2040).Draw(t, "year")}
	switch rapid.IntRange(0, 3).Draw(t, "known") {
	case 0:
	case 1:
		b.Month = rapid.IntRange(1, 12).Draw(t, "month")
	case 2:
		b = age.Birth{Year: b.Year / 4 * 4, Month: 2, Day: rapid.IntRange(28, 29).Draw(t, "February")}
	default:
		b.Month, b.Day = rapid.IntRange(1, 12).Draw(t, "month"), rapid.IntRange(1, 28).Draw(t, "day")
	}
	return b
})

// Edge cases 1 to 4: around midnight in Asia/Shanghai after a 14th and an 18th birthday,
// whatever is known of the birth date, the gate, whoever is asked, the guardian's door, its
// home and the sweep agree on who decides.
func TestEdgeCase4_AllAgreeOnWhoDecides(t *testing.T) {
	store, err := db.OpenSQLite(filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := vaulttest.New(t, store)
	clock := w.Store.Now()
	store.Now = func() time.Time { return clock }
	all := 0
	rapid.Check(t, func(rt *rapid.T) {
		birth := births.Draw(rt, "birth")
		clock = birth.Turns(14).AddDate(0, 0, -100)
		all++
		phone := fmt.Sprintf("139%08d", all)
		var c family.Child
		var mother family.Guardian
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			c, mother, _, err = w.Vault.Gate.Register(ctx, tx, w.App, family.Enrolment{Service: vaulttest.Service, Ref: pii.New(id.Secret(16)), Birth: birth,
				BirthSource: family.FromApp, Guardian: family.Person{Phone: pii.New(phone), Relation: family.Parent}})
			return err
		})
		w.Answer(c, consent.ForceGranted)
		years := rapid.SampledFrom([]int{14, 18}).Draw(rt, "border")
		off := rapid.SampledFrom([]time.Duration{-40 * day, -24 * time.Hour, -time.Second, -time.Microsecond, 0, time.Second, 8 * time.Hour, 59 * day}).Draw(rt, "from it")
		clock = birth.Turns(years).Add(off).UTC()
		class := birth.ClassAt(clock)

		err := w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Put(ctx, tx, w.By(), vaulttest.Service, c.ID, "course-progress", map[string]pii.Text{"nickname": pii.New("小溪")})
			return err
		})
		want := map[age.Class]string{age.Child: "", age.Minor: "gate.not_a_child", age.Adult: "gate.grown_up"}[class]
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			rt.Errorf("the gate says %v of a %s", err, class)
		}
		asks := func(a consent.Asking) error {
			a.Channel, a.Locale = consent.Link, "en"
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, _, err := w.Desk.Ask(ctx, tx, w.App, c, a)
				return err
			})
		}
		if err := asks(consent.Asking{Purposes: []string{"class-ranking"}}); !errors.Is(err, map[age.Class]error{age.Minor: consent.ErrPast14, age.Adult: consent.ErrPast18}[class]) {
			rt.Errorf("asking the guardian of a %s: %v", class, err)
		}
		if err := asks(consent.Asking{Minor: true}); (err == nil) != (class == age.Minor) {
			rt.Errorf("asking a %s itself: %v", class, err)
		}
		mother.Strength = family.OneTimeCode
		opens := w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.View(ctx, tx, mother, vaulttest.Service, "nickname")
			return err
		})
		if (opens == nil) != (class == age.Child) { // of the others nothing was collected here
			rt.Errorf("the guardian of a %s looks: %v", class, opens)
		}
		handle, err := family.ParseHandle(w.Ring, pii.New(phone))
		if err != nil {
			rt.Fatal(err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			ties, err := family.TiesOf(ctx, tx, w.Ring, handle)
			if (len(ties) > 0) != (class != age.Adult) {
				rt.Errorf("the guardian of a %s finds %d children at home", class, len(ties))
			}
			return err
		})
		if _, err := retention.Sweep(t.Context(), store, w.Vault); err != nil {
			rt.Fatal(err)
		}
		told := map[age.Class]family.Aged{age.Minor: family.AgedTurned, age.Adult: family.AgedGrown}[class]
		if class == age.Child && birth.ClassAt(clock.Add(family.TurningLead)) != age.Child {
			told = family.AgedTurning
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			now, err := family.Find(ctx, tx, vaulttest.Service, c.ID)
			// Years after the 14th birthday it depends on when there was a sweep before.
			if now.Aged != told && !(class == age.Minor && years == 18 && now.Aged == family.AgedNot) {
				rt.Errorf("the sweep tells %d of a %s, want %d", now.Aged, class, told)
			}
			return err
		})
	})
}
