package message_test

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/complaint"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/legal"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/passkey"
	"wardkeep/internal/retention"
	"wardkeep/internal/rights"
	"wardkeep/internal/session"
	"wardkeep/internal/session/sessiontest"
	"wardkeep/internal/shield"
	"wardkeep/internal/stream"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/verification"
)

const (
	motherPhone = "13800138000"
	fatherPhone = "13900139000"
)

var (
	mother = family.Person{Name: pii.New("王芳"), Phone: pii.New(motherPhone), Email: pii.New("wang.fang@example.com")}
	father = family.Person{Name: pii.New("李强"), Phone: pii.New(fatherPhone), Relation: family.Parent}
)

// parents is a child whose mother has agreed to all, and whose father has agreed to
// the account.
func parents(d *desk) (child family.Child, hers, his asked) {
	child = d.family(mother)
	hers = d.answer(child, consent.Asking{}, "zh-CN")
	g := d.add(child, father)
	his = d.answer(child, consent.Asking{Guardian: g.ID, Purposes: []string{"account"}}, "en")
	d.tell()
	return child, hers, his
}

// Whoever speaks for a child hears of everybody else who may, and nobody hears
// anything before a code has shown that the number is its own.
func TestEdgeCase8_GuardiansHearOfEachOther(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child := d.family(mother)
		d.told()
		d.answer(child, consent.Asking{}, "zh-CN")
		d.told("consent.receipt " + motherPhone)
		g := d.add(child, father)
		d.told("guardian.added " + motherPhone)
		aunt := d.add(child, family.Person{Phone: pii.New("13700137000"), Relation: family.Grandparent})
		if all := d.told("guardian.contact_added " + motherPhone); !strings.Contains(all[0].Text.Reveal(), site+"/home?lang=zh-CN") {
			t.Error(all[0].Text.Reveal())
		}
		his := d.answer(child, consent.Asking{Guardian: g.ID, Purposes: []string{"account"}}, "en")
		d.told("consent.receipt " + fatherPhone)

		d.change(child, func(ctx context.Context, tx *db.Tx, c family.Child) error {
			_, _, err := d.Desk.Unverify(ctx, tx, d.App, c, g.ID)
			return err
		})
		all := d.told("guardian.unverified "+fatherPhone, "guardian.other_unverified "+motherPhone)
		token := regexp.MustCompile(`/r/([0-9a-z]{52})\?lang=en`)
		back := token.FindStringSubmatch(all[slices.IndexFunc(all, func(m notify.Message) bool { return m.Kind == notify.KindUnverified })].Text.Reveal())
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			r, err := d.Desk.ByToken(ctx, tx, back[1])
			if r.ID != his.ID {
				t.Errorf("the link leads to %s, %v", r.ID, err)
			}
			return nil
		})

		d.change(child, func(ctx context.Context, tx *db.Tx, c family.Child) error {
			_, err := d.Desk.EndGuardian(ctx, tx, d.Officer, c, aunt.ID)
			return err
		})
		d.told()
		var letters []notify.Message
		d.change(child, func(ctx context.Context, tx *db.Tx, c family.Child) error {
			letters = d.farewell.Released(ctx, tx, c, g.ID)
			_, err := d.Desk.EndGuardian(ctx, tx, d.Officer, c, g.ID)
			return err
		})
		d.farewell.Send(t.Context(), letters)
		d.told("guardian.released "+fatherPhone, "guardian.removed "+motherPhone)
		d.change(child, func(ctx context.Context, tx *db.Tx, c family.Child) error {
			if again := d.farewell.Released(ctx, tx, c, g.ID); len(again) > 0 {
				t.Error("a former guardian is told again")
			}
			return nil
		})
	})
}

// Edge case 7: both hear what is stopped and how it ends, and that it has ended.
func TestEdgeCase7_BothHearOfADispute(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		_, _, his := parents(d)
		d.withdraw(&his, "account")
		all := d.told("consent.withdrawal "+fatherPhone, "child.disputed "+fatherPhone, "child.disputed "+motherPhone)
		for _, m := range all {
			if m.Kind == notify.KindDisputed && !strings.Contains(m.Text.Reveal(), site+"/home?lang="+string(m.Lang)) {
				t.Error(m.Text.Reveal())
			}
		}
		// A dispute that is over before its message could be sent is told to nobody.
		due, _ := d.due(0)
		d.thinksAgain(&his, "account")
		d.told("consent.receipt "+fatherPhone, "child.settled "+fatherPhone, "child.settled "+motherPhone)
		for _, one := range due {
			if one.Kind == notify.KindDisputed {
				if err := d.teller(notify.SMS).Send(t.Context(), one); !errors.Is(err, message.ErrNobody) {
					t.Errorf("a dispute that is over: %v", err)
				}
			}
		}
	})
}

// thinksAgain has a guardian agree after all to what it withdrew.
func (d *desk) thinksAgain(a *asked, purpose string) {
	d.t.Helper()
	again := d.again(*a, purpose)
	d.give(&again, map[string]bool{purpose: true})
}

// Article 19: the correction of a birth date is told, without the date.
func TestArticle19_ACorrectionIsTold(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child := d.family(mother)
		d.answer(child, consent.Asking{Channel: consent.Email}, "en")
		d.tell()
		d.change(child, func(ctx context.Context, tx *db.Tx, c family.Child) error {
			_, _, err := family.Correct(ctx, tx, d.Ring, d.App, c, age.Birth{Year: 2019, Month: 3, Day: 7}, family.FromApp)
			return err
		})
		all := d.told("child.corrected wang.fang@example.com")
		if text := all[0].Text.Reveal(); !strings.Contains(text, site+"/rules/"+vaulttest.Service+"?lang=en") {
			t.Error(text)
		}
	})
}

// Article 20: a child's guardians hear of its erasure while it is known how; and
// nothing of them is kept for it.
func TestArticle20_AnErasureIsToldWhileTheContactIsKnown(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child, _, _ := parents(d)
		d.add(child, family.Person{Phone: pii.New("13700137000"), Relation: family.Teacher})
		d.tell()
		due, _ := d.due(0)
		var letters []notify.Message
		d.change(child, func(ctx context.Context, tx *db.Tx, c family.Child) error {
			letters = d.farewell.Erased(ctx, tx, c, family.UseEnded, "", d.keeping(ctx, tx, c))
			_, err := d.Vault.Erase(ctx, tx, d.App.Ledger(), vaulttest.Service, child.ID, family.UseEnded)
			return err
		})
		d.farewell.Send(t.Context(), letters)
		d.told("child.erased "+motherPhone, "child.erased "+fatherPhone)

		// What the ledger asked for, and asks for still, finds nobody.
		later, _ := d.due(0)
		for _, one := range slices.Concat(due, later) {
			if err := d.teller(notify.SMS).Send(t.Context(), one); !errors.Is(err, message.ErrNobody) {
				t.Errorf("%+v: %v", one, err)
			}
		}
	})
}

// Edge case 14: who is told of an erasure is told in writing what a law demands to keep, on
// which basis and until when, in its own language.
func TestEdgeCase14_WhatIsKeptIsToldInWriting(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child, _, _ := parents(d)
		d.Put(child, "account", "guardian_phone", "13800138000")
		var until time.Time
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			until = tx.Now().Add(400 * 24 * time.Hour)
			_, _, err := legal.Approve(ctx, tx, d.Officer, legal.Approval{Service: vaulttest.Service, Items: []string{"guardian_phone"},
				Basis: legal.ECommerce, Paper: legal.Paper{Document: strings.Repeat("ab", 32)}, Until: until}, func(string) bool { return true })
			return err
		})
		var letters []notify.Message
		d.change(child, func(ctx context.Context, tx *db.Tx, c family.Child) error {
			letters = d.farewell.Erased(ctx, tx, c, family.UseEnded, "", d.keeping(ctx, tx, c))
			_, err := d.Vault.Erase(ctx, tx, d.App.Ledger(), vaulttest.Service, child.ID, family.UseEnded)
			return err
		})
		d.farewell.Send(t.Context(), letters)
		says := map[string]string{motherPhone: "电子商务法第三十一条", fatherPhone: "E-Commerce Law, Article 31"}
		for _, m := range d.told("child.erased_kept "+motherPhone, "child.erased_kept "+fatherPhone) {
			basis := says[motherPhone]
			if m.Lang == i18n.English {
				basis = says[fatherPhone]
			}
			if text := m.Text.Reveal(); !strings.Contains(text, basis) || !strings.Contains(text, until.In(age.Zone).Format(time.DateOnly)) {
				t.Error(text)
			}
		}
	})
}

// A message is one, however often its entry is read or its job runs: the same name
// for it, and the same id for the gateway, which names nobody.
func TestNobodyIsToldTwice(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		_, _, his := parents(d)
		d.withdraw(&his, "account")
		due, next := d.due(0)
		again, _ := d.due(0)
		if !slices.Equal(due, again) {
			t.Errorf("read again: %+v, %+v", due, again)
		}
		if more, _ := d.due(next); len(more) != 0 {
			t.Errorf("at the end of the ledger: %+v", more)
		}
		about, ids, sent := map[string]bool{}, map[string]string{}, 0
		for _, one := range slices.Concat(due, again) {
			about[one.About] = true
			if err := d.teller(notify.SMS, notify.Email).Send(t.Context(), one); errors.Is(err, message.ErrNobody) {
				continue
			} else if err != nil {
				t.Fatal(err)
			}
			sent++
			m := d.outbox.Messages()[0].Message
			if text, twice := ids[m.ID]; twice && text != m.Text.Reveal() {
				t.Errorf("%s: the second one differs", m.Kind)
			}
			ids[m.ID] = m.Text.Reveal()
			d.silent(m)
		}
		if len(about) != len(due) || 2*len(ids) != sent {
			t.Errorf("%d messages of %d names; %d ids, %d sent", len(due), len(about), len(ids), sent)
		}
	})
}

// Edge case 5: whoever was asked and stayed silent hears that nothing is left;
// whoever refused was told so, and who never heard of us isn't bothered.
func TestEdgeCase5_TheSilentHearThatNothingIsLeft(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		silent, unaware, refused := d.family(mother), d.family(father), d.family(family.Person{Phone: pii.New("13700137000")})
		for _, c := range []family.Child{silent, unaware} {
			d.Do(func(ctx context.Context, tx *db.Tx) error {
				r, _, _, err := d.Desk.Ask(ctx, tx, d.App, c, consent.Asking{Channel: consent.SMS, Locale: "zh-CN"})
				if err != nil || c.ID == unaware.ID {
					return err
				}
				_, _, _, _, err = d.Desk.Send(ctx, tx, d.App, r)
				return err
			})
		}
		a := d.ask(refused, consent.Asking{}, "en")
		d.refuse(&a)
		d.told("consent.refusal 13700137000")
		d.Pass(family.UnconsentedLife)
		done, err := retention.SweepTelling(t.Context(), d.Store, d.Vault, d.farewell, retention.Terms{})
		if err != nil || done.Unanswered != 3 {
			t.Fatalf("%+v, %v", done, err)
		}
		d.told("child.unanswered " + motherPhone)
		if _, err := retention.SweepTelling(t.Context(), d.Store, d.Vault, d.farewell, retention.Terms{}); err != nil {
			t.Fatal(err)
		}
		d.told()
	})
}

// Edge case 4: guardians are told that a child turns 14 and has, nothing of what the
// minor then says, and that their door closes when it is 18.
func TestEdgeCase4_GuardiansAreToldThatTheirDoorCloses(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		y, m, day := d.Store.Now().In(age.Zone).AddDate(-14, 0, 10).Date()
		var child family.Child
		d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			child, _, _, err = d.Vault.Gate.Register(ctx, tx, d.App, family.Enrolment{Service: vaulttest.Service, Ref: pii.New("turning"),
				Birth: age.Birth{Year: y, Month: int(m), Day: day}, BirthSource: family.FromApp,
				Guardian: family.Person{Phone: mother.Phone, Relation: family.Parent}})
			return err
		})
		d.answer(child, consent.Asking{}, "zh-CN")
		d.told("consent.receipt " + motherPhone)
		sweep := func() {
			t.Helper()
			if done, err := retention.SweepTelling(t.Context(), d.Store, d.Vault, d.farewell, retention.Terms{}); err != nil || done.Aged != 1 {
				t.Fatalf("%+v, %v", done, err)
			}
		}
		sweep()
		d.told("child.turning_14 " + motherPhone)
		d.Pass(12 * 24 * time.Hour)
		sweep()
		d.told("child.turned_14 " + motherPhone)
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			r, _, _, err := d.Desk.Ask(ctx, tx, d.App, child, consent.Asking{Minor: true, Channel: consent.Link, Locale: "en"})
			if err == nil {
				_, _, err = d.Desk.Force(ctx, tx, d.App, r, consent.ForceGranted)
			}
			return err
		})
		d.told()
		d.Pass(4 * 366 * 24 * time.Hour)
		sweep()
		d.told("child.turned_18 " + motherPhone)
	})
}

// Article 12: guardians are told that nobody uses the account, and when it is erased; not if it
// was used before the message could be sent; and in the end that it was erased for that.
func TestArticle12_GuardiansAreToldOfAnUnusedAccount(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child, _, _ := parents(d)
		count := func() {
			t.Helper()
			d.due(d.from) // what has no place yet gets one
			if _, err := access.Count(t.Context(), d.Store); err != nil {
				t.Fatal(err)
			}
		}
		sweep := func(idle, erased int) {
			t.Helper()
			d.due(d.from)
			done, err := retention.SweepTelling(t.Context(), d.Store, d.Vault, d.farewell, retention.Terms{InactiveLead: 40 * 24 * time.Hour})
			if err != nil || done.Idle != idle || done.Inactive != erased {
				t.Fatalf("%+v, %v", done, err)
			}
		}
		ends := func() time.Time {
			return access.Begin(access.IdleFrom(d.Charter.Inactive, access.DayOf(d.Store.Now())))
		}
		until := func(at time.Time) { d.Pass(at.Sub(d.Store.Now())) }
		first := ends()
		count()
		until(first.Add(-42 * 24 * time.Hour))
		sweep(0, 0)
		d.Pass(25 * time.Hour)
		sweep(1, 0)
		due, _ := d.due(d.from)
		d.Put(child, "account", "guardian_phone", "13800138000")
		second := ends()
		count()
		for _, one := range due {
			if err := d.teller(notify.SMS).Send(t.Context(), one); !errors.Is(err, message.ErrNobody) {
				t.Errorf("used since: %v", err)
			}
		}
		d.told()
		until(second.Add(-41*24*time.Hour + time.Minute))
		sweep(1, 0)
		d.Pass(5 * 24 * time.Hour) // the gateway was down: it is told late, and not never
		all := d.told("child.inactive "+motherPhone, "child.inactive "+fatherPhone)
		for _, m := range all {
			if text := m.Text.Reveal(); !strings.Contains(text, site+"/home?lang="+string(m.Lang)) || !strings.Contains(text, second.In(age.Zone).Format("1月2日")) && !strings.Contains(text, second.In(age.Zone).Format("2 Jan")) {
				t.Error(text)
			}
		}
		until(second.Add(time.Minute))
		sweep(0, 1)
		all = d.told("child.inactive_erased "+motherPhone, "child.inactive_erased "+fatherPhone)
		for _, m := range all {
			if !strings.Contains(m.Text.Reveal(), site+"/certificate/") {
				t.Error(m.Text.Reveal())
			}
		}
	})
}

// An erasure waits for no gateway, and a letter that can't be sent is given up.
func TestArticle20_NoErasureWaitsForAMessage(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child := d.family(mother)
		d.answer(child, consent.Asking{}, "zh-CN")
		slow := make(chan struct{})
		d.farewell.Messages = notify.Router{notify.SMS: sender(func(ctx context.Context) error {
			select {
			case <-slow:
			case <-ctx.Done():
			}
			return notify.ErrRejected
		})}
		d.change(child, func(ctx context.Context, tx *db.Tx, c family.Child) error {
			letters := d.farewell.Erased(ctx, tx, c, family.UseEnded, "", d.keeping(ctx, tx, c))
			if len(letters) != 1 {
				t.Errorf("%d letters", len(letters))
			}
			d.farewell.Send(ctx, letters) // returns at once
			return nil
		})
		close(slow)
		d.farewell.Wait()
		// Neither does one for whom there is no way.
		d.farewell.Messages = nil
		d.change(child, func(ctx context.Context, tx *db.Tx, c family.Child) error {
			if letters := d.farewell.Erased(ctx, tx, c, family.UseEnded, "", d.keeping(ctx, tx, c)); len(letters) != 0 {
				t.Errorf("%d letters", len(letters))
			}
			_, err := d.Vault.Erase(ctx, tx, d.App.Ledger(), vaulttest.Service, child.ID, family.UseEnded)
			return err
		})
	})
}

type sender func(ctx context.Context) error

func (s sender) Send(ctx context.Context, _ notify.Message) error { return s(ctx) }

// signIn signs somebody in by a code.
func (d *desk) signIn(door session.Door, who family.Person) (in session.Session) {
	d.t.Helper()
	h, err := family.ParseHandle(d.Ring, who.Phone)
	if err != nil {
		d.t.Fatal(err)
	}
	browser := id.Secret(32)
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		code, err := door.SendCode(ctx, tx, browser, h)
		if err != nil {
			return err
		}
		in, _, err = door.Enter(ctx, tx, browser, "", code.Code)
		return err
	})
	return in
}

// A new way in is told as a sign-in is, by the other channel.
func TestEdgeCase24_AnAddedPasskeyIsTold(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.answer(d.family(mother), consent.Asking{}, "zh-CN")
		d.tell()
		door := session.Door{Ring: d.Ring, Site: passkey.NewSite(site)}
		in := d.signIn(door, mother)
		d.told("home.signed_in wang.fang@example.com")
		device := &sessiontest.Device{T: t}
		var made session.Passkey
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			options, kept, err := door.Offer(ctx, tx, in, "监护人")
			if err != nil {
				return err
			}
			made, err = door.Add(ctx, tx, in, kept, device.Make(options))
			return err
		})
		d.told("home.passkey_added wang.fang@example.com")
		due, _ := d.due(0)
		d.Do(func(ctx context.Context, tx *db.Tx) error { return door.RemovePasskey(ctx, tx, in, made.ID) })
		if err := d.teller(notify.SMS).Send(t.Context(), due[len(due)-1]); !errors.Is(err, message.ErrNobody) {
			t.Errorf("after it was removed: %v", err)
		}
	})
}

// A sign-in is told by the other channel, if there is one, and names no service.
func TestEdgeCase24_ASignInIsTold(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for _, c := range []struct {
			person family.Person
			want   string
		}{{mother, "home.signed_in wang.fang@example.com"}, {father, "home.signed_in " + fatherPhone}} {
			d.answer(d.family(c.person), consent.Asking{}, "zh-CN")
			d.tell()
			in := d.signIn(session.Door{Ring: d.Ring}, c.person)
			all := d.told(c.want)
			if text := all[0].Text.Reveal(); strings.Contains(text, "小溪") || !strings.Contains(text, site+"/home?lang=zh-CN") {
				t.Error(text)
			}
			// Who has gone again isn't told of having come.
			due, _ := d.due(0)
			d.Do(func(ctx context.Context, tx *db.Tx) error { return session.SignOut(ctx, tx, in) })
			if err := d.teller(notify.SMS).Send(t.Context(), due[len(due)-1]); !errors.Is(err, message.ErrNobody) {
				t.Errorf("after signing out: %v", err)
			}
		}
	})
}

// The phone's owner, whose e-mail is on file with another of its children only, is
// told there: whoever got in by the phone may hold it.
func TestEdgeCase24_AnotherChannelIsAnyOfTheGuardians(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		byPhone := family.Person{Phone: pii.New(motherPhone)}
		for _, p := range []family.Person{byPhone, mother, byPhone} {
			d.answer(d.family(p), consent.Asking{}, "zh-CN")
		}
		d.tell()
		door := session.Door{Ring: d.Ring, Site: passkey.NewSite(site)}
		in := d.signIn(door, mother)
		d.told("home.signed_in wang.fang@example.com")
		device := &sessiontest.Device{T: t}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			options, kept, err := door.Offer(ctx, tx, in, "监护人")
			if err != nil {
				return err
			}
			_, err = door.Add(ctx, tx, in, kept, device.Make(options))
			return err
		})
		d.told("home.passkey_added wang.fang@example.com")
	})
}

// Article 10: who is asked again after a material change reads what changed, that
// its former yes is worth nothing, and what goes on: other words than at first.
func TestArticle10_AskingAgainSaysWhatChanged(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child := d.family(mother)
		d.answer(child, consent.Asking{}, "zh-CN")
		d.lengthens("120d", "speaking-practice")
		for lang, words := range map[string][]string{
			"zh-CN": {"重大变化", "口语练习", "以前的同意不再算数", "天"},
			"en":    {"changed in substance", "Speaking practice", "your earlier yes no longer counts", "days"},
		} {
			for _, channel := range []consent.Channel{consent.Email, consent.SMS} {
				m := d.invitation(child, lang, channel)
				text := m.Text.Reveal()
				if m.Kind != notify.KindAgain {
					t.Errorf("%s: %s", m.Kind, text)
				}
				for _, w := range words {
					if channel == consent.Email && !strings.Contains(text, w) {
						t.Errorf("%q isn't in %s", w, text)
					}
				}
				if strings.Contains(text, "班级排行") || strings.Contains(text, "Class ranking") {
					t.Errorf("it speaks of what didn't change: %s", text)
				}
				d.silent(m)
			}
		}
		// Another child's guardian, who never answered, is asked as at first.
		if m := d.invitation(d.family(father), "en", consent.SMS); m.Kind != notify.KindRequest {
			t.Errorf("%s: %s", m.Kind, m.Text.Reveal())
		}
	})
}

// Article 10: that a former yes doesn't count any more, and that nothing goes on, is
// told where it is so. A no was no yes (edge case 26), and what the other guardian
// has agreed to anew goes on (edge case 7).
func TestArticle10_OnlyAYesThatLapsedIsSaidToCountNoMore(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		refused := d.family(mother)
		d.answer(refused, consent.Asking{}, "zh-CN", "speaking-practice")
		half := d.family(mother)
		d.answer(half, consent.Asking{}, "zh-CN", "class-ranking")
		shared := d.family(mother)
		d.answer(shared, consent.Asking{}, "zh-CN")
		his := d.add(shared, father)
		withdrawn := d.family(mother)
		hers := d.answer(withdrawn, consent.Asking{}, "zh-CN")
		d.withdraw(&hers, "speaking-practice")

		d.lengthens("120d", "speaking-practice")
		if m := d.invitation(shared, "en", consent.Email); m.Kind != notify.KindAgain {
			t.Errorf("while her yes was the only one: %s", m.Kind)
		}
		d.answer(shared, consent.Asking{Guardian: his.ID, Purposes: []string{"speaking-practice"}}, "en")
		for what, child := range map[string]family.Child{"after a no": refused, "after a withdrawal": withdrawn, "after the other's yes": shared} {
			m := d.invitation(child, "en", consent.Email)
			if text := m.Text.Reveal(); m.Kind != notify.KindRequest || strings.Contains(text, "no longer counts") || strings.Contains(text, "nothing goes on") {
				t.Errorf("%s: %s %s", what, m.Kind, text)
			}
		}
		d.lengthens("400d", "speaking-practice", "class-ranking")
		m := d.invitation(half, "en", consent.Email)
		if text := m.Text.Reveal(); m.Kind != notify.KindAgain || !strings.Contains(text, "concerned (1): Speaking practice") || strings.Contains(text, "Class ranking") {
			t.Errorf("a yes and a no: %s %s", m.Kind, text)
		}
	})
}

// lengthens publishes a charter by which some purposes keep for longer.
func (d *desk) lengthens(period string, purposes ...string) {
	d.t.Helper()
	changed := *d.Charter
	changed.Purposes = slices.Clone(changed.Purposes)
	longer, err := charter.ParsePeriod(period)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, name := range purposes {
		at := slices.IndexFunc(changed.Purposes, func(p charter.Purpose) bool { return p.Name == name })
		changed.Purposes[at].Retention.Period = longer
	}
	d.Publish(&changed)
}

// Edge case 5: who is asked reads when silence ends what was registered: when the
// child's time is over, though the request's may be shorter.
func TestEdgeCase5_TheEndOfSilenceIsTheChilds(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child := d.family(mother)
		ends := child.ExpiresAt.In(time.FixedZone("", 8*60*60)).Format("2 January 2006, 15:04")
		m := d.invites(child, consent.Asking{Channel: consent.Email, Locale: "en", TTL: time.Hour})
		if text := m.Text.Reveal(); !strings.Contains(text, "if no guardian has agreed by "+ends) {
			t.Errorf("it ends on %s: %s", ends, text)
		}
	})
}

// invitation asks and writes the message.
func (d *desk) invitation(child family.Child, lang string, channel consent.Channel) notify.Message {
	d.t.Helper()
	return d.invites(child, consent.Asking{Channel: channel, Locale: lang})
}

func (d *desk) invites(child family.Child, asking consent.Asking) (m notify.Message) {
	d.t.Helper()
	d.Pass(time.Minute)
	asking.Nickname = pii.New("小雨")
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		r, _, _, err := d.Desk.Ask(ctx, tx, d.App, child, asking)
		if err != nil {
			return err
		}
		r, secrets, to, _, err := d.Desk.Send(ctx, tx, d.App, r)
		if err != nil {
			return err
		}
		m, err = message.Invitation(ctx, tx, d.Desk, site, r, secrets, to)
		return err
	})
	return m
}

// provider is an official identity service that is played.
type provider struct{ nonce string }

func (p *provider) Ask(_ context.Context, q verification.Question) (verification.Reply, error) {
	p.nonce = q.Nonce
	return verification.Reply{URL: "https://id.example/start"}, nil
}

func (p *provider) Signed(http.Header, []byte, time.Time) bool { return true }

// Edge case 24: how a proof ended that the guardian couldn't wait for is told,
// with the way on and without a reason.
func TestEdgeCase24_TheEndOfAProofIsTold(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		official := new(provider)
		desk := verification.Desk{Consent: d.Desk, Official: official, Documents: true, Callback: site + "/v1/verification/callback", Hosts: []string{"id.example"}}
		a := d.ask(d.family(mother), consent.Asking{Purposes: []string{"account"}}, "zh-CN")
		d.answer(a.child, consent.Asking{Purposes: []string{"course-progress"}}, "zh-CN") // so that the child lives on
		d.verify(&a)
		d.tell()
		var staff []catalog.Officer
		d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			staff, err = catalog.InOffice(ctx, tx, vaulttest.Service)
			return err
		})
		send := func() (v verification.Attempt) {
			d.t.Helper()
			d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				v, err = desk.SendDocument(ctx, tx, a.Request, a.proof, verification.Upload{Pages: []pii.Text{pii.New("%PDF-1.7 a page")}})
				return err
			})
			return v
		}
		see := func(by catalog.Officer, v verification.Attempt, decide func(ctx context.Context, tx *db.Tx) error) {
			d.t.Helper()
			d.Do(func(ctx context.Context, tx *db.Tx) error {
				if _, _, _, err := desk.Show(ctx, tx, by, v.ID); err != nil {
					return err
				}
				return decide(ctx, tx)
			})
		}

		v := send()
		see(staff[0], v, func(ctx context.Context, tx *db.Tx) error {
			_, _, err := desk.Refuse(ctx, tx, staff[0], v.ID, verification.Unreadable)
			return err
		})
		all := d.told("document.refused " + motherPhone)
		token := regexp.MustCompile(`/r/([0-9a-z]{52})\?lang=zh-CN`).FindStringSubmatch(all[0].Text.Reveal())
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			r, err := d.Desk.ByToken(ctx, tx, token[1])
			if r.ID != a.ID {
				t.Errorf("the link leads to %s", r.ID)
			}
			return err
		})

		v = send()
		for _, by := range staff {
			see(by, v, func(ctx context.Context, tx *db.Tx) error {
				_, _, err := desk.Approve(ctx, tx, by, v.ID, tx.Now().Add(8*24*time.Hour).Truncate(24*time.Hour))
				return err
			})
		}
		d.told("document.accepted " + motherPhone)

		send()
		for _, kind := range []string{notify.KindIdentityAccepted, notify.KindIdentityRefused} {
			var v verification.Visit
			d.verify(&a)
			d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				v, err = desk.StartOfficial(ctx, tx, a.Request, a.proof)
				return err
			})
			if _, err := desk.Begin(t.Context(), v); err != nil {
				t.Fatal(err)
			}
			result := map[string]string{notify.KindIdentityAccepted: "match", notify.KindIdentityRefused: "no_match"}[kind]
			body := []byte(`{"type":"identity.result","verification":"` + v.ID + `","nonce":"` + official.nonce + `","result":"` + result + `","adult":true}`)
			d.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := desk.Report(ctx, tx, nil, body)
				return err
			})
			d.told(kind + " " + motherPhone)
		}

		// Nobody decided in seven days; and then the proof runs out, both kinds of it
		// together.
		for range 4 {
			d.Pass(2*24*time.Hour + time.Hour)
			if _, err := retention.Sweep(t.Context(), d.Store, d.Vault); err != nil {
				t.Fatal(err)
			}
		}
		d.told("document.expired "+motherPhone, "guardian.proof_expired "+motherPhone)
	})
}

// silent are the kinds of entries that nobody is told of by message, and why.
var silent = map[string]string{
	complaint.KindAdded:        "the office reads it where it answers the report",
	complaint.KindRead:         "somebody inside has read it, which is on record",
	complaint.KindAcknowledged: "its reporter, whom nobody can write to, sees it where they follow the report",
	complaint.KindAnswered:     "as is its acknowledgement",
	complaint.KindDismissed:    "as is its acknowledgement",
	complaint.KindLinked:       "somebody inside knows it",
	complaint.KindErased:       "by its time, which its reporter was told",

	party.KindRegistered:    "of the operator's own: who may get something is in the charter and its notice, and what goes there is in the guardian's home",
	party.KindAssessed:      "as above",
	party.KindAgreed:        "as above",
	party.KindFiled:         "as above",
	party.KindHalted:        "less goes there than was agreed to",
	party.KindContinued:     "no more goes there than was agreed to",
	party.KindDeclared:      "nothing goes there any more",
	party.KindEnded:         "as above",
	party.KindBound:         "by whom something goes there, and not what",
	party.KindRevoked:       "as above",
	party.KindSeated:        "as above",
	party.KindUnseated:      "as above",
	party.KindChecked:       "of the operator's own",
	party.KindParted:        "what a party was ordered is in the guardian's home, order by order",
	party.KindNarrowed:      "as above",
	party.KindTrimmed:       "as above",
	family.KindGrown:        "the guardians' office ends with it: a Farewell tells them",
	shield.KindAsked:        "a guardian who is the threat isn't warned, and nobody else's view changes (edge case 22)",
	shield.KindShown:        "as above",
	shield.KindRaised:       "as above",
	shield.KindRefused:      "as above",
	shield.KindLifted:       "as above",
	shield.KindOver:         "as above",
	rights.KindAssigned:     "who of the operator handles a demand changes nothing of it: its deadline stands at home",
	rights.KindTold:         "it is that somebody was told",
	rights.KindClaimed:      "nothing has changed yet: the correction is told",
	rights.KindClaimRefused: "nothing has changed",
	rights.KindClaimExpired: "nothing has changed",
	rights.KindShown:        "what was written with a demand was written for the operator to read; who has is in the ledger",
	consent.KindRequested:   "whoever asks sends the request, with its secrets",
	consent.KindSent:        "it is the message itself",
	consent.KindOpened:      "the guardian is at the page",
	consent.KindVerified:    "the guardian is at the page",
	consent.KindExpired:     "the request has said what silence means; of a child that is erased then, a Farewell says so",
	consent.KindCancelled:   "the link says so to whoever opens it",

	family.KindRegistered:     "nobody is told before being asked",
	family.KindFrozen:         "what froze the child is told: a demand to erase it",
	family.KindUnfrozen:       "as freezing",
	family.KindHandedOver:     "its guardian has agreed to it; that it went there is told in the end, by a Farewell and the certificate",
	family.KindErased:         "the contact is gone by then: a Farewell was written before",
	family.KindGuardianProved: "the end of the attempt is told",

	verification.KindStarted:  "the guardian is at the page",
	verification.KindSeen:     "the end of the attempt is told",
	verification.KindApproved: "the end of the attempt is told",

	legal.KindApproved: "nothing is kept by it until something is to be deleted",
	legal.KindEnded:    "as the approval",
	legal.KindKept:     "with an erasure a Farewell says it; else the guardian sees it at home",
	legal.KindErased:   "the contact is gone by then, and the date was told",

	order.KindAttested: "as the order",
	order.KindStated:   "it is the party's, and the operator's to know",

	approval.KindAsked:    "nothing is seen by asking",
	approval.KindGranted:  "who has looked, how often and why the guardian sees at home; each message would tell of work, and hide what needs an answer",
	approval.KindNarrowed: "as granting",
	approval.KindAgreed:   "it opens nothing",
	approval.KindRefused:  "nothing was seen",
	approval.KindForeign:  "as above",
	approval.KindEnded:    "nothing is seen any more",

	approval.KindReviewed:   "who has looked the guardian sees at home, reviewed or not",
	approval.KindSearched:   "it is about who looks, and names no child",
	approval.KindDecoy:      "nobody is that child, and who knows of it is few",
	approval.KindDecoyEnded: "as above",

	stream.KindRegistered: "nobody is told by what a system keeps, or the charter says what follows",
	stream.KindTested:     "the office is told of what flips, and nobody of what has passed",
	stream.KindEnded:      "who has ended it knows",

	session.KindEnded:   "that somebody is out needs nobody's care",
	session.KindRemoved: "as the end of a session",
}

// An event that gets a kind of entry is told, or there is a reason why not.
func TestEveryEventIsToldOrHasAReason(t *testing.T) {
	for _, pkg := range []string{"consent", "family", "verification", "rights", "order", "legal", "session", "approval", "complaint", "party", "publication", "stream"} {
		for _, kind := range kindsOf(t, pkg) {
			if told, quiet := message.Tells(kind), silent[kind] != ""; told == quiet {
				t.Errorf("%s: told %v, has a reason not to be: %v", kind, told, quiet)
			}
		}
	}
}

// kindsOf returns the kinds of entries that a package declares.
func kindsOf(t *testing.T, pkg string) (kinds []string) {
	t.Helper()
	files, err := filepath.Glob("../" + pkg + "/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "Kind") && len(v.Values) == 1 {
				if lit, ok := v.Values[0].(*ast.BasicLit); ok {
					kind, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					kinds = append(kinds, kind)
				}
			}
			return true
		})
	}
	if len(kinds) == 0 {
		t.Fatalf("%s declares no kinds", pkg)
	}
	return kinds
}
