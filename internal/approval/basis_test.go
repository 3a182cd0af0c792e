package approval_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// lawful is what a court demands by a law, of two items.
func (w *world) lawful() approval.Asking {
	w.T.Helper()
	a := exporting()
	a.Basis = approval.Basis{Ground: approval.OnLaw, Receiver: approval.Court, Level: approval.Statute, Country: "CN", Ends: w.Store.Now().Add(30 * 24 * time.Hour)}
	a.Paper = approval.Paper{Provision: "《中华人民共和国民事诉讼法》第七十条", Number: "（2026）京0105民初7号", Document: strings.Repeat("ab", 32), Authority: "北京市朝阳区人民法院",
		Needs: []string{"核对当事人身份", "核对学习情况"}}
	return a
}

// rescuing is what a hospital needs at once.
func rescuing() approval.Asking {
	a := urgent()
	a.Basis = approval.Basis{Ground: approval.OnLife, Receiver: approval.Hospital, Country: "CN"}
	a.Paper = approval.Paper{Authority: "市第一人民医院急诊科"}
	return a
}

// agreed has two agree to what was asked.
func (w *world) agreed(r approval.Request, first, second staff.Person) approval.Request {
	w.T.Helper()
	if _, err := w.decide(first, r, grant); err != nil {
		w.T.Fatal(err)
	}
	r, err := w.decide(second, r, grant)
	if err != nil {
		w.T.Fatal(err)
	}
	return r
}

// placed gives what was recorded its places in the ledger.
func (w *world) placed() {
	w.T.Helper()
	signer, _, err := ledger.NewSigner("wardkeep.test", make([]byte, 32))
	if err == nil {
		err = ledger.Open(w.Store, "wardkeep.test", signer).Flush(w.T.Context())
	}
	if err != nil {
		w.T.Fatal(err)
	}
}

// entries are those of a kind.
func (w *world) entries(kind string) (all []ledger.Placed) {
	w.T.Helper()
	w.placed()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		all = nil
		head, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		return ledger.ReadKind(ctx, tx, 0, head.Size, kind, func(p ledger.Placed) error {
			all = append(all, p)
			return nil
		})
	})
	return all
}

// seen are the parties of the uses that a guardian is told of.
func (w *world) seen() (parties []string) {
	w.T.Helper()
	w.placed()
	if _, err := access.Count(w.T.Context(), w.Store); err != nil {
		w.T.Fatal(err)
	}
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		parties = nil
		all, _, err := access.Of(ctx, tx, w.child, 100)
		for _, u := range all {
			if u.Permitted && u.Party != "" {
				parties = append(parties, u.Party)
			}
		}
		return err
	})
	return parties
}

// Article 18: what a law demands leaves without a guardian's yes, once, as a file, by two
// who agree, one of whom holds an office; and it is recorded whom it goes to and on what.
func TestArticle18_WhatALawDemandsTakesTwoAndTheOffice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		other := w.hire("高经理", staff.Manager)
		w.keyed(w.worker)
		g := w.Guardian(w.child)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Desk.Withdraw(ctx, tx, g, w.child, "parent-reports")
			return err
		})
		plain := w.agreed(w.wants(w.worker, exporting()), w.manager, w.officer)
		w.denies(t, "without the guardian's yes", w.worker, plain, use(w.child, "nickname", "remarks"), "consent_withdrawn")

		r := w.wants(w.worker, w.lawful())
		u := gate.UseBy(r, "nickname", "remarks")
		w.denies(t, "before anybody has agreed", w.worker, r, u, "approval_open")
		if _, err := w.decide(w.manager, r, grant); err != nil {
			t.Fatal(err)
		}
		_, err := w.decide(w.manager, r, grant)
		wants(t, "the same agrees twice", err, approval.ErrAgreed)
		_, err = w.decide(w.worker, r, grant)
		wants(t, "who has asked agrees", err, approval.ErrMayNot)
		_, err = w.decide(other, r, grant)
		wants(t, "two agree without the office", err, approval.ErrOfficer)
		r, err = w.decide(w.officer, r, grant)
		if err != nil || !r.Officer || r.State != approval.Granted || r.Quota != 2 {
			t.Fatalf("%+v, %v", r, err)
		}
		w.denies(t, "to another receiver", w.worker, r, gate.Use{Service: service, Child: w.child.ID, Activity: u.Activity, Purpose: u.Purpose, Items: u.Items, Party: "law:police"}, "basis_receiver")
		w.denies(t, "a part of it", w.worker, r, gate.UseBy(r, "nickname"), "approval_whole")
		out, err := w.takes(w.worker, r, u)
		if err != nil || out.Values["nickname"].Reveal() != "小鱼" || out.Values["remarks"].Reveal() != "进步很大" {
			t.Fatal(err)
		}
		w.denies(t, "a second time", w.worker, r, u, "approval_used_up")
		now := w.find(r)
		if now.ReleasedAt.IsZero() || !now.ToldAt.Equal(now.ReleasedAt) {
			t.Errorf("%+v", now)
		}
		if all := w.entries(approval.KindReleased); len(all) != 1 || strings.Contains(string(all[0].Body), "法院") || strings.Contains(string(all[0].Body), "小鱼") {
			t.Errorf("%d entries", len(all))
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			p, err := now.PaperOf(w.Ring, w.child)
			if err == nil && p.Authority != "北京市朝阳区人民法院" {
				t.Errorf("%+v", p)
			}
			return err
		})
	})
}

// Article 18: nothing is asked on a basis of which a piece is missing, or in another form.
func TestArticle18_ABasisIsWholeOrNothingIsAsked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.keyed(w.worker)
		for name, c := range map[string]struct {
			change func(a *approval.Asking)
			want   error
		}{
			"no receiver":             {func(a *approval.Asking) { a.Basis.Receiver = "" }, approval.ErrReceiver},
			"to a hospital":           {func(a *approval.Asking) { a.Basis.Receiver = approval.Hospital }, approval.ErrReceiver},
			"a rule of lower rank":    {func(a *approval.Asking) { a.Basis.Level = "rule" }, approval.ErrLevel},
			"no country":              {func(a *approval.Asking) { a.Basis.Country = "" }, approval.ErrCountry},
			"no end":                  {func(a *approval.Asking) { a.Basis.Ends = time.Time{} }, approval.ErrEnds},
			"an end of before":        {func(a *approval.Asking) { a.Basis.Ends = w.Store.Now() }, approval.ErrEnds},
			"an end in a year":        {func(a *approval.Asking) { a.Basis.Ends = w.Store.Now().AddDate(1, 0, 0) }, approval.ErrEnds},
			"no provision":            {func(a *approval.Asking) { a.Paper.Provision = " " }, approval.ErrProvision},
			"a provision of lines":    {func(a *approval.Asking) { a.Paper.Provision = "a\nb" }, approval.ErrProvision},
			"no number":               {func(a *approval.Asking) { a.Paper.Number = "" }, approval.ErrNumber},
			"no document":             {func(a *approval.Asking) { a.Paper.Document = "" }, approval.ErrDocument},
			"a short document":        {func(a *approval.Asking) { a.Paper.Document = "abcd" }, approval.ErrDocument},
			"no authority":            {func(a *approval.Asking) { a.Paper.Authority = "" }, approval.ErrAuthority},
			"an item without a need":  {func(a *approval.Asking) { a.Paper.Needs = a.Paper.Needs[:1] }, approval.ErrNeeds},
			"an empty need":           {func(a *approval.Asking) { a.Paper.Needs = []string{"核对", ""} }, approval.ErrNeeds},
			"a silence without a day": {func(a *approval.Asking) { a.Basis.Silence = approval.Secret }, approval.ErrSilence},
			"a day without a silence": {func(a *approval.Asking) { a.Basis.SilentUntil = a.Basis.Ends }, approval.ErrSilence},
			"a silence for ever": {func(a *approval.Asking) {
				a.Basis.Silence, a.Basis.SilentUntil = approval.Impedes, w.Store.Now().AddDate(3, 0, 0)
			}, approval.ErrSilence},
			"a silence nobody knows": {func(a *approval.Asking) { a.Basis.Silence, a.Basis.SilentUntil = "shy", a.Basis.Ends }, approval.ErrSilence},
			"as a look":              {func(a *approval.Asking) { a.Export = false }, approval.ErrGround},
			"for another reason":     {func(a *approval.Asking) { a.Reason = approval.ForSupport }, approval.ErrGround},
			"on no ground":           {func(a *approval.Asking) { a.Basis.Ground = "" }, approval.ErrGround},
			"a ground nobody knows":  {func(a *approval.Asking) { a.Basis.Ground = "business" }, approval.ErrGround},
			"an unknown item":        {func(a *approval.Asking) { a.Items = []string{"nickname", "school"} }, approval.ErrItems},
		} {
			a := w.lawful()
			c.change(&a)
			_, err := w.ask(w.worker, a)
			wants(t, name, err, c.want)
		}
		for name, c := range map[string]struct {
			change func(a *approval.Asking)
			want   error
		}{
			"a life in no hurry":      {func(a *approval.Asking) { a.Glass = false }, approval.ErrGround},
			"a life that ends":        {func(a *approval.Asking) { a.Basis.Ends = w.Store.Now().Add(time.Hour) }, approval.ErrGround},
			"a life that is kept":     {func(a *approval.Asking) { a.Basis.Silence = approval.Secret }, approval.ErrGround},
			"for a court":             {func(a *approval.Asking) { a.Basis.Receiver = approval.Court }, approval.ErrReceiver},
			"for nobody":              {func(a *approval.Asking) { a.Paper.Authority = "" }, approval.ErrAuthority},
			"for more than a day":     {func(a *approval.Asking) { a.Minutes = 24*60 + 1 }, approval.ErrMinutes},
			"with a number":           {func(a *approval.Asking) { a.Paper.Number = "7" }, approval.ErrGround},
			"for what the child says": {func(a *approval.Asking) { a.Reason = approval.ForDemand }, approval.ErrGround},
		} {
			a := rescuing()
			c.change(&a)
			_, err := w.ask(w.worker, a)
			wants(t, name, err, c.want)
		}
	})
}

// Article 18: the demand's last second ends it, whatever was agreed to.
func TestArticle18_ADemandEndsWithItsLastSecond(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.keyed(w.worker)
		a := w.lawful()
		a.Basis.Ends = w.Store.Now().Add(20 * time.Minute)
		r := w.wants(w.worker, a)
		if !r.AnswerBy.Equal(r.Ends) {
			t.Errorf("answered until %v", r.AnswerBy)
		}
		r = w.agreed(r, w.manager, w.officer)
		if !r.Until.Equal(r.Ends) {
			t.Errorf("until %v, and it ends %v", r.Until, r.Ends)
		}
		w.Pass(20 * time.Minute)
		w.denies(t, "after its end", w.worker, r, gate.UseBy(r, "nickname", "remarks"), "basis_over")
		late := w.lawful()
		late.Basis.Ends = w.Store.Now().Add(time.Minute)
		r = w.wants(w.worker, late)
		w.Pass(time.Minute)
		_, err := w.decide(w.officer, r, grant)
		wants(t, "decided after its end", err, approval.ErrExpired)
	})
}

// PIPL 41, Data Security Law 36: a foreign authority gets nothing, whoever would sign, and
// that it asked is on record.
func TestArticle18_AForeignAuthorityIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.lawful()
		a.Basis.Country = "US"
		r, err := w.ask(w.worker, a)
		wants(t, "a foreign authority", err, approval.ErrForeign)
		if r = w.find(r); r.State != approval.Refused || r.Answer != approval.ForeignAuthority || !r.Intact(w.Ring) {
			t.Errorf("%+v", r)
		}
		if all := w.entries(approval.KindForeign); len(all) != 1 {
			t.Errorf("%d entries", len(all))
		}
		for _, by := range []staff.Person{w.officer, w.manager} {
			_, err := w.decide(by, r, grant)
			wants(t, "somebody signs", err, approval.ErrDecided)
		}
		w.denies(t, "taken all the same", w.worker, r, gate.UseBy(r, "nickname", "remarks"), "authority_foreign")

		// A police abroad gets nothing on a danger either; a hospital there does, and a country
		// is told of each.
		danger := rescuing()
		danger.Basis.Country = ""
		_, err = w.ask(w.worker, danger)
		wants(t, "nobody knows where", err, approval.ErrCountry)
		danger.Basis = approval.Basis{Ground: approval.OnLife, Receiver: approval.Police, Country: "US"}
		r, err = w.ask(w.worker, danger)
		wants(t, "a foreign police", err, approval.ErrForeign)
		_, err = w.join(w.second, r)
		wants(t, "somebody joins", err, approval.ErrDecided)
		danger.Basis.Receiver = approval.Hospital
		_, err = w.ask(w.worker, danger)
		wants(t, "a hospital abroad", err, nil)
	})
}

// A demand that covers several children is a request about each, or about none; a foreign
// one is refused of each.
func TestArticle18_ADemandCoversSeveralChildren(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.keyed(w.worker)
		all := func(a approval.Asking, children ...family.Child) (rs []approval.Request, err error) {
			err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
				rs, err = w.desk.AskAll(ctx, tx, w.worker, children, a)
				return err
			})
			return rs, err
		}
		other := w.Child()
		rs, err := all(w.lawful(), other, w.child, other)
		if err != nil || len(rs) != 2 || rs[0].Child == rs[1].Child || rs[0].Number == rs[1].Number {
			t.Fatalf("%d, %v", len(rs), err)
		}
		_, err = all(w.lawful())
		wants(t, "of nobody", err, approval.ErrChildren)
		_, err = all(exporting(), w.child, other)
		wants(t, "on no law", err, approval.ErrGround)
		_, err = all(w.lawful(), w.child, family.Child{ID: "ch_none", Service: service})
		wants(t, "with somebody unknown", err, family.ErrNotFound)
		foreign := w.lawful()
		foreign.Basis.Country = "US"
		rs, err = all(foreign, w.child, other)
		if wants(t, "a foreign authority", err, approval.ErrForeign); len(rs) != 2 || len(w.entries(approval.KindForeign)) != 2 {
			t.Errorf("%d", len(rs))
		}
	})
}

// The guardian is told of it at once; where a law keeps it from them, on the day on which
// that is over, and until then it stands nowhere that they look.
func TestArticle18_TheGuardianIsToldAfterwards(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.keyed(w.worker)
		tell := func() (n int) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				n = 0
				due, err := approval.DueToTell(ctx, tx, approval.Request{}, 10)
				for _, r := range due {
					told, err := approval.Tell(ctx, tx, w.Ring, "system:test", r)
					if err != nil {
						return err
					}
					if told {
						n++
					}
				}
				return err
			})
			return n
		}
		a := w.lawful()
		a.Basis.Silence, a.Basis.SilentUntil = approval.Secret, w.Store.Now().Add(10*24*time.Hour)
		r := w.agreed(w.wants(w.worker, a), w.manager, w.officer)
		if _, err := w.takes(w.worker, r, gate.UseBy(r, "nickname", "remarks")); err != nil {
			t.Fatal(err)
		}
		if got := w.seen(); len(got) > 0 || !w.find(r).ToldAt.IsZero() || tell() != 0 {
			t.Errorf("in the silence guardians see %v", got)
		}
		w.Pass(10 * 24 * time.Hour)
		if tell() != 1 || tell() != 0 || len(w.entries(approval.KindTold)) != 1 || w.find(r).ToldAt.IsZero() {
			t.Error("nobody is told after the silence, or twice")
		}
		open := w.agreed(w.wants(w.worker, w.lawful()), w.manager, w.officer)
		if _, err := w.takes(w.worker, open, gate.UseBy(open, "nickname", "remarks")); err != nil {
			t.Fatal(err)
		}
		if got := w.seen(); !slices.Equal(got, []string{"law:court", "law:court"}) || tell() != 0 {
			t.Errorf("guardians see %v", got)
		}
	})
}

// PIPL 18 and 35: a silence may last longer than uses are counted. When it is over, guardians
// see what went out all the same, for as long as they see any use.
func TestArticle18_AfterALongSilenceGuardiansSeeWhatWentOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const day = 24 * time.Hour
		w.keyed(w.worker)
		a := w.lawful()
		a.Basis.Silence, a.Basis.SilentUntil = approval.Secret, w.Store.Now().Add(2*access.Keep*day)
		r := w.agreed(w.wants(w.worker, a), w.manager, w.officer)
		if _, err := w.takes(w.worker, r, gate.UseBy(r, "nickname", "remarks")); err != nil {
			t.Fatal(err)
		}
		see := func(when string, want ...string) {
			t.Helper()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := access.Sweep(ctx, tx, 100)
				return err
			})
			if got := w.seen(); !slices.Equal(got, want) {
				t.Errorf("%s guardians see %v", when, got)
			}
		}
		see("in the silence")
		open := w.agreed(w.wants(w.worker, w.lawful()), w.manager, w.officer)
		if _, err := w.takes(w.worker, open, gate.UseBy(open, "nickname", "remarks")); err != nil {
			t.Fatal(err)
		}
		see("of another of which they were told", "law:court")
		w.Pass(access.Keep * day)
		see("half a year later")
		w.Pass((access.Keep - 1) * day)
		see("a day before its end")
		w.Pass(day)
		see("when it is over", "law:court")
		w.Pass((access.Keep - 2) * day)
		see("almost half a year later", "law:court")
		w.Pass(3 * day)
		see("after that")
	})
}

// Edge case 23: where a life is in danger two persons release without a guardian's yes what
// a hospital needs, for hours and no longer; the guardian is told, and the office reviews it.
func TestEdgeCase23_ALifeInDanger(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := w.Guardian(w.child)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Desk.Withdraw(ctx, tx, g, w.child, "parent-reports")
			return err
		})
		r, err := w.ask(w.worker, rescuing())
		if err != nil || r.Minutes != 60 {
			t.Fatalf("%+v, %v", r, err)
		}
		v, err := w.look(w.worker, r, gate.UseBy(r, "nickname"))
		denied(t, "one alone", v, err, "approval_open")
		_, err = w.join(w.worker, r)
		wants(t, "who has asked joins", err, approval.ErrSelf)
		_, err = w.join(w.officer, r)
		wants(t, "who reviews joins", err, approval.ErrInOffice)
		if r, err = w.join(w.second, r); err != nil || r.Until.Sub(r.From) != time.Hour {
			t.Fatalf("%+v, %v", r, err)
		}
		for range 2 {
			if v, err := w.look(w.worker, r, gate.UseBy(r, "nickname")); err != nil || v != "小鱼" {
				t.Fatal(err)
			}
		}
		v, err = w.look(w.worker, r, use(w.child, "nickname"))
		denied(t, "for work of one's own", v, err, "approval_one_item")
		if all := w.entries(approval.KindReleased); len(all) != 1 {
			t.Errorf("told %d times", len(all))
		}
		if got := w.seen(); !slices.Equal(got, []string{"life:hospital"}) {
			t.Errorf("guardians see %v", got)
		}
		w.Pass(time.Hour)
		v, err = w.look(w.worker, r, gate.UseBy(r, "nickname"))
		denied(t, "after the hour", v, err, "approval_over")
		w.Pass(approval.ReviewIn)
		if w.sweepGlass() != 1 {
			t.Error("nobody says that the review is late")
		}
		next, err := w.ask(w.second, rescuing())
		if !errors.Is(err, approval.ErrSuspended) {
			t.Errorf("%+v, %v", next, err)
		}
		if _, err := w.review(w.officer, r, rightful); err != nil {
			t.Error(err)
		}
		if _, err := w.ask(w.second, rescuing()); err != nil {
			t.Error(err)
		}
	})
}

// A row that was changed by hand, to be on a law, opens nothing.
func TestArticle18_ABasisByHandOpensNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.keyed(w.worker)
		r := w.agreed(w.wants(w.worker, exporting()), w.manager, w.officer)
		ends := w.Store.Now().Add(time.Hour)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE approval SET ground = 'law', receiver = 'court', level = 'law', country = 'CN', ends_at = $1, officer = true WHERE id = $2`,
				(*db.Time)(&ends), r.ID)
			return err
		})
		w.denies(t, "by hand", w.worker, r, gate.UseBy(w.find(r), "nickname", "remarks"), "approval_forged")
	})
}
