package vault_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

const (
	closed = "account-closed" // the event of the purpose account: 15 days, 6 years at most
	phone  = "13800000000"
)

// ends returns when a held value ends, as its row says.
func ends(w *vaulttest.World, child family.Child, item string) (at time.Time) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		held, err := vault.Holdings(ctx, tx, child)
		at = time.Time{}
		for _, h := range held {
			if h.Item == item {
				at = h.Expires
			}
		}
		return err
	})
	return at
}

func expired(t *testing.T, name string, err error) {
	t.Helper()
	denied, ok := errors.AsType[*gate.Denied](err)
	if !ok || len(denied.Reasons) != 1 || denied.Reasons[0].Code != "gate.value_expired" {
		t.Errorf("%s: %v", name, err)
	}
}

func TestArticle12_AnEventEndsWhatWaitedForIt(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		child, other := w.Child(), w.Child()
		w.Put(child, "account", "guardian_phone", phone)
		w.Put(child, "course-progress", "nickname", "小溪")
		w.Put(other, "account", "guardian_phone", phone)
		years, months := ends(w, child, "guardian_phone"), ends(w, child, "nickname")
		others := ends(w, other, "guardian_phone")
		if years.Before(w.Store.Now().AddDate(5, 0, 0)) {
			t.Fatalf("before the event it ends %v", years)
		}
		w.Pass(time.Hour)
		got, err := w.Event(child, closed, time.Time{})
		if err != nil || got.Entry == "" || len(got.Expires) != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		want := got.Happened.Add(15 * day)
		if !got.Expires["guardian_phone"].Equal(want) || !ends(w, child, "guardian_phone").Equal(want) {
			t.Errorf("it ends %v, in the row %v, want %v", got.Expires, ends(w, child, "guardian_phone"), want)
		}
		if !ends(w, child, "nickname").Equal(months) || !ends(w, other, "guardian_phone").Equal(others) {
			t.Error("the event of one purpose and child ends another's value")
		}
		// What is collected after it waits for the next time.
		w.Pass(time.Hour)
		w.Put(child, "account", "guardian_phone", phone)
		if ends(w, child, "guardian_phone").Before(years) {
			t.Error("an event ends what was collected after it")
		}
		if _, err := w.Event(child, closed, got.Happened); err != nil || ends(w, child, "guardian_phone").Before(years) {
			t.Errorf("reported again, it ends what was collected after it: %v", err)
		}
		if got, err = w.Event(child, closed, time.Time{}); err != nil || !ends(w, child, "guardian_phone").Equal(got.Happened.Add(15*day)) {
			t.Errorf("the next time: %v", err)
		}
		w.Pass(15*day - time.Second)
		if _, err := w.Read(child, "account", "guardian_phone"); err != nil {
			t.Errorf("a second before its end: %v", err)
		}
		w.Pass(time.Second)
		expired(t, "at its end", second(w.Read(child, "account", "guardian_phone")))
		if _, err := w.Read(other, "account", "guardian_phone"); err != nil {
			t.Errorf("another child's: %v", err)
		}
	})
}

// The end is that of the earliest event since the collection; a report never
// moves it away.
func TestArticle12_AnEventNeverProlongs(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		child := w.Child()
		w.Put(child, "account", "guardian_phone", phone)
		sealed := seal(t, w, child, "account", "guardian_phone", phone)
		w.Pass(10 * day)
		now := w.Store.Now()
		last := ends(w, child, "guardian_phone")
		for _, ago := range []time.Duration{3 * day, 0, 5 * day, time.Hour, 5 * day} {
			got, err := w.Event(child, closed, now.Add(-ago))
			is := ends(w, child, "guardian_phone")
			if err != nil || is.After(last) || !got.Expires["guardian_phone"].Equal(is) {
				t.Errorf("%v ago: it ended %v and now %v, answered %v, %v", ago, last, is, got.Expires, err)
			}
			last = is
		}
		if want := now.Add(10 * day); last.Sub(want).Abs() > time.Millisecond {
			t.Errorf("it ends %v, want %v: 15 days after the earliest", last, want)
		}
		w.Pass(10 * day)
		expired(t, "held", second(w.Read(child, "account", "guardian_phone")))
		expired(t, "sealed", second(unseal(w, child, "account", "guardian_phone", sealed)))
		// What is over is forgotten, and comes back to nothing.
		w.Pass(20 * day)
		if _, err := w.Event(child, closed, time.Time{}); err != nil {
			t.Error(err)
		}
		w.Pass(16 * day)
		if _, err := w.Event(child, closed, time.Time{}); err != nil {
			t.Error(err)
		}
		expired(t, "held, after more events", second(w.Read(child, "account", "guardian_phone")))
		expired(t, "sealed, after more events", second(unseal(w, child, "account", "guardian_phone", sealed)))
	})
}

// A sealed value lies where nobody rewrites it, and says itself that it lives for
// years.
func TestArticle12_SealedValuesEndWithTheEventToo(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		child, other := w.Child(), w.Child()
		before := seal(t, w, child, "account", "guardian_phone", phone)
		others := seal(t, w, other, "account", "guardian_phone", phone)
		w.Pass(time.Hour)
		if _, err := w.Event(child, closed, time.Time{}); err != nil {
			t.Fatal(err)
		}
		w.Pass(time.Hour)
		after := seal(t, w, child, "account", "guardian_phone", phone)
		open := func(child family.Child, sealed string) error {
			return second(unseal(w, child, "account", "guardian_phone", sealed))
		}
		w.Pass(15*day - time.Hour - time.Second)
		if err := open(child, before); err != nil {
			t.Errorf("a second before its end: %v", err)
		}
		w.Pass(time.Second)
		expired(t, "at its end", open(child, before))
		if err := errors.Join(open(child, after), open(other, others)); err != nil {
			t.Errorf("sealed after the event, and another child's: %v", err)
		}
		// What was prepared before the event is decided after it.
		u := use(other, "account", "guardian_phone")
		var p *vault.Prepared
		if err := w.Store.View(t.Context(), func(tx *db.Tx) (err error) {
			p, err = w.Vault.Prepare(t.Context(), tx, u)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Event(other, closed, w.Store.Now().Add(-15*day)); err != nil {
			t.Fatal(err)
		}
		expired(t, "prepared before", w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Unseal(ctx, tx, w.By(), u, map[string]string{"guardian_phone": others}, p)
			return err
		}))
	})
}

// Whoever hasn't answered to the longer period was told the shorter one.
func TestArticle12_WhoHasNotAnsweredAgainKeepsTheFormerPeriod(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		silent, agreed := w.Child(), w.Child()
		for _, c := range []family.Child{silent, agreed} {
			w.Put(c, "account", "guardian_phone", phone)
		}
		w.Publish(kept(t, w.Charter, "60d"))
		w.Answer(agreed, "granted", "account")
		for c, days := range map[family.ID]time.Duration{silent.ID: 15, agreed.ID: 60} {
			got, err := w.Event(family.Child{ID: c}, closed, time.Time{})
			if want := got.Happened.Add(days * day); err != nil || !got.Expires["guardian_phone"].Equal(want) {
				t.Errorf("%v, %v, want %v", got.Expires, err, want)
			}
		}
	})
}

// kept returns the charter with another period for the purpose account.
func kept(t *testing.T, c *charter.Charter, period string) *charter.Charter {
	t.Helper()
	next, err := charter.Parse(c.Canonical())
	if err != nil {
		t.Fatal(err)
	}
	for i := range next.Purposes {
		if next.Purposes[i].Name == "account" {
			if next.Purposes[i].Retention.Period, err = charter.ParsePeriod(period); err != nil {
				t.Fatal(err)
			}
		}
	}
	return next
}

func TestArticle12_EventsThatCanNotHaveHappened(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		child, gone := w.Child(), w.Child()
		w.Put(child, "account", "guardian_phone", phone)
		before := ends(w, child, "guardian_phone")
		w.Pass(time.Hour)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Erase(ctx, tx, w.App.Ledger(), vaulttest.Service, gone.ID, family.UseEnded)
			return err
		})
		now := w.Store.Now()
		for name, c := range map[string]struct {
			child    family.Child
			event    string
			happened time.Time
			want     error
		}{
			"no purpose waits for it":     {child, "moved-house", time.Time{}, vault.ErrEventUnknown},
			"a child's name":              {child, "王小明", time.Time{}, vault.ErrEventUnknown},
			"nothing":                     {child, "", time.Time{}, vault.ErrEventUnknown},
			"tomorrow":                    {child, closed, now.Add(day), vault.ErrEventFuture},
			"in a thousand years":         {child, closed, now.AddDate(1000, 0, 0), vault.ErrEventFuture},
			"before the child was known":  {child, closed, now.Add(-2 * time.Hour), vault.ErrEventEarly},
			"before there were computers": {child, closed, time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC), vault.ErrEventEarly},
			"a child that was erased":     {gone, closed, time.Time{}, family.ErrErased},
			"a child of nobody":           {family.Child{ID: "ch_x"}, closed, time.Time{}, family.ErrNotFound},
		} {
			if _, err := w.Event(c.child, c.event, c.happened); errs.Of(err).Code != errs.Of(c.want).Code {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		if got := ends(w, child, "guardian_phone"); !got.Equal(before) {
			t.Errorf("a refused event moved the end from %v to %v", before, got)
		}
		// Clocks differ a little.
		got, err := w.Event(child, closed, w.Store.Now().Add(30*time.Second))
		if err != nil || got.Happened.After(w.Store.Now()) {
			t.Errorf("half a minute ahead: %v, %v", got.Happened, err)
		}
	})
}

// The vault shortens, and never keeps on what an event has ended.
func TestArticle12_AUseDoesNotProlongWhatAnEventHasEnded(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		child := w.Child()
		w.Put(child, "account", "guardian_phone", phone)
		w.Pass(time.Hour)
		got, err := w.Event(child, closed, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		// The next charter counts from the last use.
		next := kept(t, w.Charter, "60d")
		for i := range next.Purposes {
			if next.Purposes[i].Name == "account" {
				r := &next.Purposes[i].Retention
				r.From, r.Event, r.EventLabel = charter.FromLastUse, "", charter.Words{}
			}
		}
		w.Publish(next)
		w.Answer(child, "granted", "account")
		w.Pass(5 * day)
		if _, err := w.Read(child, "account", "guardian_phone"); err != nil {
			t.Fatal(err)
		}
		if is := ends(w, child, "guardian_phone"); !is.Equal(got.Expires["guardian_phone"]) {
			t.Errorf("a use moved the end from %v to %v", got.Expires["guardian_phone"], is)
		}
	})
}

// Invariant 3: what the row says of events must be readable, or nothing is.
func TestInvariant3_EndingsThatCanNotBeReadOpenNothing(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		for _, text := range []string{"account-closed account 1", "account-closed account x 1", "account-closed account 1 99999999999999999999", "x"} {
			child := w.Child()
			w.Put(child, "account", "guardian_phone", phone)
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE child SET endings = $1 WHERE child = $2`, text, child.ID)
				return err
			})
			if _, err := w.Read(child, "account", "guardian_phone"); errs.Of(err).Kind != errs.Internal {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}
