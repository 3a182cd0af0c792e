package shield_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/retention"
	"wardkeep/internal/rights"
	"wardkeep/internal/shield"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

const service = vaulttest.Service

var terminal = catalog.Operator{ID: "test"}

// A world has a child with two guardians, and people inside.
type world struct {
	*vaulttest.World
	t                                *testing.T
	desk                             rights.Desk
	child                            family.Child
	father, mother                   family.Guardian // the father is the threat
	officer, manager, second, worker staff.Person
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	vaulttest.Each(t, func(t *testing.T, v *vaulttest.World) {
		w := &world{World: v, t: t, child: v.Child()}
		w.desk = rights.Desk{Ring: v.Ring, Charters: v.Vault.Gate.Charters, Calendar: workday.Default()}
		w.Put(w.child, "parent-reports", "nickname", "小鱼")
		w.father = w.Guardian(w.child)
		w.father.Strength = family.OneTimeCode
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, service, w.child.ID)
			if err != nil {
				return err
			}
			if w.mother, _, err = family.AddGuardian(ctx, tx, w.Ring, w.App, c, family.Person{Relation: family.Parent, Phone: pii.New("13700137000")}); err != nil {
				return err
			}
			w.mother, err = family.VerifyGuardian(ctx, tx, w.App.Ledger(), c, w.mother.ID, family.OneTimeCode)
			return err
		})
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			g, err := staff.OfOffice(ctx, tx, service, v.Officer.ID)
			if err == nil {
				w.officer, err = staff.Add(ctx, tx, terminal, "林静", g)
			}
			return err
		})
		w.manager, w.second, w.worker = w.hire("韩梅梅", staff.Manager), w.hire("王芳", staff.Manager), w.hire("李雷", staff.Worker)
		fn(t, w)
	})
}

func (w *world) hire(name string, role staff.Role) (p staff.Person) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		p, err = staff.Add(ctx, tx, terminal, name, staff.Grant{Role: role, Service: service})
		return err
	})
	return p
}

func (w *world) ask(by staff.Person, a shield.Asking) (s shield.Shield, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		s, _, err = shield.Ask(ctx, tx, w.Ring, workday.Default(), staff.Acting{Person: by, Action: staff.AskShield}, service, w.child.ID, a)
		return err
	})
	return s, err
}

func (w *world) asking() shield.Asking {
	return shield.Asking{Guardian: w.father.ID, Reason: shield.Violence, Days: 30, Text: pii.New("孩子告诉老师，父亲打她")}
}

type verb func(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, service, name string) (shield.Shield, string, error)

func refuse(ctx context.Context, tx *db.Tx, _ *keyring.Ring, by staff.Acting, service, name string) (shield.Shield, string, error) {
	return shield.Refuse(ctx, tx, by, service, name)
}

func (w *world) decide(do verb, by staff.Person, s shield.Shield) (out shield.Shield, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		out, _, err = do(ctx, tx, w.Ring, staff.Acting{Person: by, Action: staff.DecideShield}, service, s.ID)
		return err
	})
	return out, err
}

// raised hides what is held from the father.
func (w *world) raised() shield.Shield {
	w.t.Helper()
	s, err := w.ask(w.manager, w.asking())
	if err == nil {
		s, err = w.decide(shield.Raise, w.officer, s)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// sees reports what a guardian's look at the nickname comes to.
func (w *world) sees(g family.Guardian) error {
	return w.Try(func(ctx context.Context, tx *db.Tx) error {
		_, err := w.Vault.View(ctx, tx, g, service, "nickname")
		return err
	})
}

func (w *world) demand(g family.Guardian, kind rights.Kind, item string) (r rights.Request, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		r, _, err = w.Vault.Demand(ctx, tx, w.desk, g, w.child, rights.Demand{Kind: kind, Door: rights.ByGuardian, Guardian: g.ID, Item: item})
		return err
	})
	return r, err
}

func (w *world) withdraw(g family.Guardian, purpose string) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		c, err := family.Find(ctx, tx, service, w.child.ID)
		if err == nil {
			_, err = consent.Desk{Ring: w.Ring, Charters: w.desk.Charters}.Withdraw(ctx, tx, g, c, purpose)
		}
		if err == nil {
			_, err = w.Vault.EraseUnfounded(ctx, tx, g.Ledger(), service, c.ID)
		}
		return err
	})
}

func (w *world) sweep() {
	w.t.Helper()
	if _, err := retention.Sweep(w.t.Context(), w.Store, w.Vault); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) living() (there bool) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		_, err := family.Find(ctx, tx, service, w.child.ID)
		if there = err == nil; errors.Is(err, family.ErrErased) {
			err = nil
		}
		return err
	})
	return there
}

func (w *world) audit() {
	w.t.Helper()
	report, err := replay.Audit(w.t.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
	if err != nil || !report.OK() {
		w.t.Errorf("%v, %v", report.Differences, err)
	}
}

func wants(t *testing.T, what string, got error, want *errs.Error) {
	t.Helper()
	if want == nil && got != nil || want != nil && !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// Two who are two decide, of whom one holds an office; nobody decides their own. Until then
// nothing is hidden, and what is refused hides nothing.
func TestEdgeCase22_TwoDecideOfWhomOneHoldsAnOffice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for what, c := range map[string]struct {
			by     staff.Person
			change func(a *shield.Asking)
			want   *errs.Error
		}{
			"a worker":            {w.worker, func(*shield.Asking) {}, shield.ErrMayNot},
			"no reason":           {w.manager, func(a *shield.Asking) { a.Reason = "" }, shield.ErrReason},
			"a reason nobody has": {w.manager, func(a *shield.Asking) { a.Reason = "feeling" }, shield.ErrReason},
			"no day":              {w.manager, func(a *shield.Asking) { a.Days = 0 }, shield.ErrDays},
			"too long":            {w.manager, func(a *shield.Asking) { a.Days = shield.MostDays + 1 }, shield.ErrDays},
			"no words":            {w.manager, func(a *shield.Asking) { a.Text = pii.New(" ") }, shield.ErrText},
			"nobody":              {w.manager, func(a *shield.Asking) { a.Guardian = family.GuardianID(id.New(id.Guardian)) }, shield.ErrGuardian},
		} {
			a := w.asking()
			c.change(&a)
			_, err := w.ask(c.by, a)
			wants(t, what, err, c.want)
		}
		s, err := w.ask(w.manager, w.asking())
		wants(t, "asked", err, nil)
		_, err = w.ask(w.second, w.asking())
		wants(t, "twice", err, shield.ErrTwice)
		wants(t, "asked, and nobody has decided", w.sees(w.father), nil)
		for what, c := range map[string]struct {
			by   staff.Person
			want *errs.Error
		}{"who has asked": {w.manager, approval.ErrSelf}, "two without an office": {w.second, approval.ErrNoOffice}, "a worker": {w.worker, shield.ErrMayNot}} {
			_, err := w.decide(shield.Raise, c.by, s)
			wants(t, what, err, c.want)
			_, err = w.decide(refuse, c.by, s)
			wants(t, what, err, c.want)
		}
		wants(t, "nobody could decide", w.sees(w.father), nil)
		_, err = w.decide(shield.Lift, w.officer, s)
		wants(t, "lifted before it is raised", err, shield.ErrOver)
		_, err = w.decide(refuse, w.officer, s)
		wants(t, "refused", err, nil)
		_, err = w.decide(shield.Raise, w.officer, s)
		wants(t, "raised after that", err, shield.ErrDecided)
		wants(t, "refused", w.sees(w.father), nil)

		// Who holds the office asks, and another decides.
		s, err = w.ask(w.officer, w.asking())
		wants(t, "asked by the officer", err, nil)
		s, err = w.decide(shield.Raise, w.manager, s)
		wants(t, "raised", err, nil)
		if !s.Hides(s.DecidedAt) || s.Hides(s.DueAt) || !s.DueAt.Equal(s.DecidedAt.Add(30*24*time.Hour)) {
			t.Errorf("%+v", s)
		}
		w.audit()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			note, err := db.One(ctx, tx, db.Single[[]byte], `SELECT note FROM shield WHERE id = $1`, s.ID)
			words, e := shield.Show(ctx, tx, w.Ring, staff.Acting{Person: w.second, Action: staff.DecideShield}, service, s.ID)
			_, refused := shield.Show(ctx, tx, w.Ring, staff.Acting{Person: w.worker, Action: staff.DecideShield}, service, s.ID)
			wants(t, "a worker reads it", refused, shield.ErrMayNot)
			read := 0
			e2 := ledger.Pending(ctx, tx, func(p ledger.Placed) error {
				if p.Kind == shield.KindShown {
					read++
				}
				return nil
			})
			if read != 1 {
				t.Errorf("%d readings are on record", read) // Article 15
			}
			if bytes.Contains(note, []byte("父亲")) || words.Reveal() != w.asking().Text.Reveal() {
				t.Error("the words are there in plain, or lost") // invariant 9
			}
			return errors.Join(err, e, e2)
		})
		w.audit()
	})
}

// Edge case 22: from the decision on the guardian sees nothing, whatever way it takes, and the
// other one isn't touched; it ends in its second, with no sweep, by a lifting, or is replaced
// by a new decision.
func TestEdgeCase22_WhatIsHeldIsHiddenUntilItsSecond(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		own, err := w.demand(w.father, rights.Copy, "")
		wants(t, "a copy was demanded before", err, nil)
		copies := func() error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := w.Vault.Copy(ctx, tx, w.father, own, family.OneTimeCode, []string{"nickname"})
				return err
			})
		}
		hidden := func(what string, want bool) {
			t.Helper()
			for _, err := range []error{w.sees(w.father), copies()} {
				if gate.Hid(err) != want || !want && err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			wants(t, what+": the mother", w.sees(w.mother), nil)
		}
		hidden("before", false)
		s := w.raised()
		hidden("raised", true)
		for item, what := range map[string]string{"nickname": "held", "remarks": "not held"} {
			err := w.Try(func(ctx context.Context, tx *db.Tx) error {
				me, err := family.FindGuardian(ctx, tx, w.child.ID, w.father.ID)
				if err == nil {
					_, err = w.Vault.View(ctx, tx, me, service, item)
				}
				return err
			})
			if !gate.Hid(err) {
				t.Errorf("a look at what is %s: %v", what, err) // the same, and as fast, for both
			}
		}

		// Longer takes two again; it ends by the new decision, and not by the sum.
		a := w.asking()
		a.Days = 1
		next, err := w.ask(w.officer, a)
		wants(t, "asked anew", err, nil)
		next, err = w.decide(shield.Raise, w.manager, next)
		wants(t, "raised anew", err, nil)
		_, err = w.decide(shield.Lift, w.officer, s)
		wants(t, "the former is over", err, shield.ErrOver)
		w.audit()
		// The copy is fetched within its days still: only the hiding ends.
		w.Pass(next.DueAt.Sub(w.Store.Now()) - time.Minute)
		hidden("a minute before its end", true)
		w.Pass(time.Minute + time.Second)
		hidden("at its end, no sweep having run", false)
		w.audit()
		w.sweep()
		w.sweep()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := shield.Of(ctx, tx, w.child.ID)
			if len(all) != 2 || all[0].State != shield.Over || all[1].State != shield.Replaced {
				t.Errorf("%+v", all)
			}
			return err
		})
		hidden("swept", false)

		s = w.raised()
		hidden("raised once more", true)
		_, err = w.decide(shield.Lift, w.second, s)
		wants(t, "lifted by one who may decide", err, nil)
		hidden("lifted", false)
		w.audit()
	})
}

// Article 1, edge case 22: an app that ends the tie of who is the threat erases nothing by it that
// this one's yes has held: what that could prove stays until the hiding ends. What another
// guardian decides after that is its own, and is done at once (Article 20).
func TestEdgeCase22_AnEndedTieErasesNothingWhileItIsHidden(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.Put(w.child, "speaking-practice", "voice", "AAAA")
		w.withdraw(w.mother, "parent-reports")
		holds := func(what string, want ...string) {
			t.Helper()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				held, err := vault.Holdings(ctx, tx, w.child)
				if got := vault.Items(held); !slices.Equal(got, want) {
					t.Errorf("%s: %v are held, want %v", what, got, want)
				}
				return err
			})
		}
		holds("the father still says yes", "nickname", "voice")
		s := w.raised()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, service, w.child.ID)
			if err == nil {
				_, err = consent.Desk{Ring: w.Ring, Charters: w.desk.Charters}.EndGuardian(ctx, tx, w.App, c, w.father.ID)
			}
			if err == nil {
				_, err = w.Vault.EraseUnfounded(ctx, tx, w.App.Ledger(), service, c.ID)
			}
			return err
		})
		holds("an app has ended the tie", "nickname", "voice")
		if _, err := w.Read(w.child, "parent-reports", "nickname"); !errors.Is(err, gate.ErrDenied) {
			t.Errorf("used: %v", err)
		}
		w.sweep()
		holds("swept", "nickname", "voice")
		w.withdraw(w.mother, "speaking-practice")
		holds("the mother has decided since", "nickname")
		w.audit()
		w.Pass(s.DueAt.Sub(w.Store.Now()) + time.Second)
		w.sweep()
		holds("over")
		w.audit()
	})
}

// Edge case 22: it is hidden from a person, whatever phone that one has. Whoever comes back by
// another, after an app has ended the tie, sees nothing more once it proves by number who it is;
// somebody else does. What it is known again by goes with the hiding.
func TestEdgeCase22_TheSamePersonByAnotherPhoneIsHidden(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		changes := func(fn func(ctx context.Context, tx *db.Tx, c family.Child) error) {
			t.Helper()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				c, err := family.Lock(ctx, tx, service, w.child.ID)
				if err == nil {
					err = fn(ctx, tx, c)
				}
				return err
			})
		}
		proves := func(g family.Guardian, number string) {
			t.Helper()
			changes(func(ctx context.Context, tx *db.Tx, c family.Child) error {
				_, err := family.Prove(ctx, tx, w.Ring, w.App.Ledger(), c, g.ID, family.Evidence{Kind: family.Adulthood, Method: family.Played, Strength: family.NameAndNumber,
					Identity: family.IdentityHash(w.Ring, c.ID, pii.New(number))})
				return err
			})
		}
		tie := func(phone string) (g family.Guardian) {
			t.Helper()
			changes(func(ctx context.Context, tx *db.Tx, c family.Child) (err error) {
				if g, _, err = family.AddGuardian(ctx, tx, w.Ring, w.App, c, family.Person{Relation: family.Parent, Phone: pii.New(phone)}); err == nil {
					g, err = family.VerifyGuardian(ctx, tx, w.App.Ledger(), c, g.ID, family.OneTimeCode)
				}
				return err
			})
			return g
		}
		end := func(g family.Guardian) {
			t.Helper()
			changes(func(ctx context.Context, tx *db.Tx, c family.Child) error {
				_, _, err := family.EndGuardian(ctx, tx, w.App, c, g.ID)
				return err
			})
		}
		known := func() int64 {
			n := int64(0)
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				n, err = db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM guardian WHERE hidden_who IS NOT NULL`)
				return err
			})
			return n
		}
		const his, hers, another = "11010519491231002X", "110101198001010015", "110101197901010013"
		proves(w.father, his)
		proves(w.mother, hers)
		s := w.raised()
		end(w.father)
		if known() != 1 {
			t.Error("who it was is forgotten while it is hidden")
		}
		again, uncle := tie("13600136000"), tie("13500135000")
		wants(t, "nobody knows yet who it is", w.sees(again), nil)
		proves(again, his)
		proves(uncle, another)
		if err := w.sees(again); !gate.Hid(err) {
			t.Errorf("the same person by another phone: %v", err)
		}
		wants(t, "somebody else", w.sees(uncle), nil)
		wants(t, "the mother", w.sees(w.mother), nil)
		_, err := w.decide(shield.Lift, w.officer, s)
		wants(t, "lifted", err, nil)
		wants(t, "once it is lifted", w.sees(again), nil)
		if known() != 0 {
			t.Error("who it was is kept beyond the hiding")
		}
	})
}

// Invariant 3, edge case 22: who writes to the database and has no key ends no hiding, and hides
// nothing for longer: a tie that isn't as it was written is hidden, from that second on, and
// whoever holds an office hears of it once somebody looks. Two who decide anew put it right.
func TestEdgeCase22_NoHandShowsWhatTwoHaveHidden(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		alarms := func() (n int) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				return ledger.Pending(ctx, tx, func(p ledger.Placed) error {
					var b approval.AlarmBody
					if p.Kind == approval.KindAlarm && p.Into(&b) == nil && b.Cause == approval.Forged && p.Actor == w.father.Ledger() {
						n++
					}
					return nil
				})
			})
			return n
		}
		w.raised()
		for what, change := range map[string]string{
			"it never was":          `hidden_until = NULL, hidden_by = ''`,
			"it is over":            `hidden_until = 1`,
			"it lasts longer":       `hidden_until = hidden_until + 1`,
			"somebody else's":       `hidden_by = 'sh_00000000000000000000000000'`,
			"it has no mark":        `hidden_until = NULL, hidden_by = '', hidden_mark = ''`,
			"it has another's mark": `hidden_until = NULL, hidden_by = '', hidden_mark = (SELECT g.hidden_mark FROM guardian g WHERE g.child = guardian.child AND g.guardian <> guardian.guardian)`,
		} {
			before := alarms()
			wants(t, what, w.Try(func(ctx context.Context, tx *db.Tx) error {
				n, err := tx.Exec(ctx, `UPDATE guardian SET `+change+` WHERE guardian = $1`, w.father.ID)
				if err == nil && n != 1 {
					t.Errorf("%s: %d rows", what, n)
				}
				return err
			}), nil)
			if err := w.sees(w.father); !gate.Hid(err) {
				t.Errorf("%s: %v", what, err)
			}
			if after := alarms(); after != before+1 {
				t.Errorf("%s: %d alarms, %d before", what, after, before)
			}
			wants(t, what+": the mother", w.sees(w.mother), nil)
			if r, err := w.demand(w.father, rights.Access, ""); err != nil && !errors.Is(err, rights.ErrTwice) || !r.FetchUntil.IsZero() {
				t.Errorf("%s: it is answered by itself: %+v, %v", what, r, err)
			}
			// Two decide anew.
			_, err := w.decide(shield.Lift, w.officer, w.raised())
			wants(t, what+": lifted", err, nil)
			wants(t, what+": decided anew", w.sees(w.father), nil)
			w.raised()
		}
		w.audit()
	})
}

// Edge case 22: it is hidden from a person. An app that ends the tie and makes it anew shows
// nothing by that, also by an address beside the phone; somebody else is somebody else. A new
// decision takes the place of the old one for every tie, and what ends it ends it for all.
func TestEdgeCase22_ATieMadeAnewIsHiddenOn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		end := func(g family.Guardian) {
			t.Helper()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				c, err := family.Lock(ctx, tx, service, w.child.ID)
				if err == nil {
					_, err = consent.Desk{Ring: w.Ring, Charters: w.desk.Charters}.EndGuardian(ctx, tx, w.App, c, g.ID)
				}
				return err
			})
		}
		tie := func(p family.Person) (g family.Guardian) {
			t.Helper()
			p.Relation = family.Parent
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				c, err := family.Lock(ctx, tx, service, w.child.ID)
				if err == nil {
					g, _, err = family.AddGuardian(ctx, tx, w.Ring, w.App, c, p)
				}
				if err == nil {
					g, err = family.VerifyGuardian(ctx, tx, w.App.Ledger(), c, g.ID, family.OneTimeCode)
				}
				return err
			})
			return g
		}
		hidden := func(what string, g family.Guardian, want bool) {
			t.Helper()
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				g, err = family.FindGuardian(ctx, tx, w.child.ID, g.ID)
				return err
			})
			if err := w.sees(g); gate.Hid(err) != want || !want && err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		phone, email := pii.New("13600136000"), pii.New("tie@example.com")
		w.father = tie(family.Person{Phone: phone})
		first := w.raised()
		end(w.father)
		hidden("somebody else", tie(family.Person{Phone: pii.New("13500135000")}), false)
		again := tie(family.Person{Phone: phone, Email: email})
		hidden("tied anew", again, true)
		if r, err := w.demand(again, rights.Delete, ""); err != nil || !r.EraseAt.IsZero() {
			t.Errorf("the demand to erase of who was tied anew: %+v, %v", r, err)
		}
		w.audit()
		end(again)
		again = tie(family.Person{Email: email})
		hidden("by the address alone", again, true)

		w.father = again
		next := w.raised()
		_, err := w.decide(shield.Lift, w.officer, first)
		wants(t, "the former is over", err, shield.ErrOver)
		end(again)
		again = tie(family.Person{Phone: phone})
		hidden("by the phone again", again, true)
		_, err = w.decide(shield.Lift, w.officer, next)
		wants(t, "lifted", err, nil)
		hidden("lifted", again, false)
		end(again)
		hidden("tied anew after that", tie(family.Person{Phone: phone}), false)
		w.audit()
	})
}

// Article 20, edge case 22: what can't be taken back waits for the office, and what the
// guardian says counts at once. Nothing of it tells that something is hidden.
func TestEdgeCase22_WhoIsTheThreatErasesNothingByItself(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, err := w.demand(w.father, rights.Delete, "")
		wants(t, "demanded before", err, nil)
		s := w.raised()
		w.sweep()
		if !w.living() {
			t.Fatal("a demand of a minute before was carried out")
		}
		find := func() (r rights.Request) {
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				r, err = rights.Find(ctx, tx, service, before.ID)
				return err
			})
			return r
		}
		if r := find(); !r.Waits() || r.DueAt.IsZero() {
			t.Errorf("%+v", r)
		}
		_, err = w.demand(w.father, rights.Close, "")
		wants(t, "its own once more", err, rights.ErrTwice)
		_, err = w.demand(w.father, rights.DeleteItem, "nickname")
		wants(t, "one value", err, rights.ErrNotHere)
		_, err = w.demand(w.father, rights.DeleteItem, "remarks")
		wants(t, "one that isn't held", err, rights.ErrNotHere)
		if r, err := w.demand(w.father, rights.Correct, "remarks"); err != nil || r.State != rights.Open {
			t.Errorf("to correct what isn't held: %v, %v", r.State, err)
		}
		for _, kind := range []rights.Kind{rights.Access, rights.Copy} {
			if r, err := w.demand(w.father, kind, ""); err != nil || r.State != rights.Open || !r.FetchUntil.IsZero() {
				t.Errorf("%s is answered by itself: %+v, %v", kind, r, err)
			}
		}
		w.audit()

		office := func(do func(ctx context.Context, tx *db.Tx, r rights.Request) error) error {
			r := find()
			return w.Try(func(ctx context.Context, tx *db.Tx) error { return do(ctx, tx, r) })
		}
		inside := staff.Acting{Person: w.worker, Action: staff.HandleDemands}
		wants(t, "a worker carries it out", office(func(ctx context.Context, tx *db.Tx, r rights.Request) error {
			_, _, err := w.desk.Finish(ctx, tx, inside, r, pii.Text{})
			return err
		}), rights.ErrOffice)
		wants(t, "the office refuses", office(func(ctx context.Context, tx *db.Tx, r rights.Request) error {
			_, _, err := w.desk.Refuse(ctx, tx, w.Officer, r, rights.KeptForNow, pii.Text{})
			return err
		}), nil)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Find(ctx, tx, service, w.child.ID)
			if c.Frozen {
				t.Error("the child is frozen still")
			}
			return err
		})

		// A withdrawal stops the use at once; the value that it leaves without a ground is kept.
		w.withdraw(w.father, "parent-reports")
		if _, err := w.Read(w.child, "parent-reports", "nickname"); !errors.Is(err, gate.ErrDenied) {
			t.Errorf("used after the withdrawal: %v", err)
		}
		wants(t, "kept", w.sees(w.mother), nil)
		w.sweep()
		wants(t, "kept by the sweep", w.sees(w.mother), nil)
		w.audit()

		// The child, and the other guardian, demand as ever, whatever waits.
		before, err = w.demand(w.father, rights.Delete, "")
		if err != nil || !before.EraseAt.IsZero() || !before.Waits() {
			t.Errorf("%+v, %v", before, err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			r, _, err := w.desk.Receive(ctx, tx, w.App, w.child, rights.Demand{Kind: rights.Close, Door: rights.ByChild})
			if r.ID != before.ID || r.Door != rights.ByChild || r.EraseAt.IsZero() {
				t.Errorf("the child's own: %+v", r)
			}
			return err
		})
		wants(t, "the father keeps what the child wants to be erased", office(func(ctx context.Context, tx *db.Tx, r rights.Request) error {
			_, _, err := w.desk.Keep(ctx, tx, w.father, r)
			return err
		}), rights.ErrNotHere)
		_, err = w.demand(w.father, rights.Delete, "")
		wants(t, "the father confirms what the child has demanded", err, rights.ErrNotHere)
		wants(t, "the mother keeps it", office(func(ctx context.Context, tx *db.Tx, r rights.Request) error {
			_, _, err := w.desk.Keep(ctx, tx, w.mother, r)
			return err
		}), nil)

		// Once it is over, what has lost its ground is erased, and a demand is one again.
		w.Pass(s.DueAt.Sub(w.Store.Now()) + time.Second)
		w.sweep()
		if err := w.sees(w.mother); err == nil {
			t.Error("what has lost its ground is there after the end")
		}
		w.audit()
		w.raised()
		before, err = w.demand(w.father, rights.Delete, "")
		wants(t, "demanded", err, nil)
		wants(t, "the office carries it out", office(func(ctx context.Context, tx *db.Tx, r rights.Request) error {
			_, _, err := w.desk.Finish(ctx, tx, w.Officer, r, pii.Text{})
			return err
		}), nil)
		w.audit()
		w.sweep()
		if w.living() {
			t.Error("the office's decision isn't carried out")
		}
		w.audit()
	})
}
