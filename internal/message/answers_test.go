package message_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/retention"
	"wardkeep/internal/vault/vaulttest"
)

var link = regexp.MustCompile(`https://wardkeep\.example\.com/r/([0-9a-z]{52})\?lang=(zh-CN|en)`)

// behind returns the request that the link of a message leads to.
func (d *desk) behind(m notify.Message) (r consent.Request) {
	d.t.Helper()
	found := link.FindStringSubmatch(m.Text.Reveal())
	if found == nil {
		d.t.Fatalf("no link in %s", m.Text.Reveal())
	}
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		if r, err = d.Desk.ByToken(ctx, tx, found[1]); errors.Is(err, consent.ErrAnswered) {
			return nil
		}
		return err
	})
	return r
}

func (d *desk) last() notify.Message {
	d.t.Helper()
	all := d.outbox.Messages()
	if len(all) == 0 {
		d.t.Fatal("no message")
	}
	return all[0].Message
}

func TestArticle9_AnAnswerIsConfirmedByTheGuardiansChannel(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for _, c := range []struct {
			channel consent.Channel
			lang    string
			want    notify.Channel
			words   []string
		}{
			{consent.SMS, "zh-CN", notify.SMS, []string{"同意 6 项，不同意 1 项"}},
			{consent.SMS, "en", notify.SMS, []string{"6 agreed, 1 refused"}},
			{consent.Email, "zh-CN", notify.Email, []string{"同意（6 项）：账号、学习进度", "不同意（1 项）：班级排行", "随时撤回"}},
			{consent.Email, "en", notify.Email, []string{"Agreed (6): Account, Course progress", "Refused (1): Class ranking", "withdraw"}},
			{consent.Link, "en", notify.SMS, []string{"6 agreed, 1 refused"}},
		} {
			child := d.family(family.Person{Name: pii.New("王芳"), Phone: pii.New("13800138000"), Email: pii.New("wang.fang@example.com")})
			_, from := d.due(0)
			a := d.answer(child, consent.Asking{Channel: c.channel}, c.lang, "class-ranking")
			due, _ := d.due(from)
			if len(due) != 1 || due[0].About != a.ID {
				t.Fatalf("due: %+v", due)
			}
			if err := d.teller(notify.SMS, notify.Email).Send(t.Context(), due[0]); err != nil {
				t.Fatal(err)
			}
			m := d.last()
			text := m.Text.Reveal()
			if m.Channel != c.want || m.Kind != notify.KindReceipt || string(m.Lang) != c.lang {
				t.Errorf("%+v", c)
			}
			for _, w := range c.words {
				if !strings.Contains(text, w) {
					t.Errorf("%q isn't in %s", w, text)
				}
			}
			if html := m.HTML.Reveal(); c.want == notify.Email && (!strings.Contains(html, "<a href=") || !strings.Contains(html, c.words[0])) {
				t.Errorf("%s", html)
			}
			for _, secret := range []string{"王芳", "13800138000", "wang.fang", string(child.ID)} {
				if strings.Contains(text+m.Subject.Reveal()+m.HTML.Reveal(), secret) {
					t.Errorf("the message holds %q", secret)
				}
			}
			if d.behind(m).ID != a.ID {
				t.Error("the link leads elsewhere")
			}
			// Sent again after a crash it is the same message.
			if err := d.teller(notify.SMS, notify.Email).Send(t.Context(), due[0]); err != nil {
				t.Fatal(err)
			}
			if again := d.last(); again.ID != m.ID || again.Text.Reveal() != text {
				t.Errorf("the second one differs: %s", again.Text.Reveal())
			}
		}
	})
}

func TestArticle20_AWithdrawalIsConfirmed(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for lang, words := range map[string]string{"zh-CN": "学习进度", "en": "Course progress"} {
			child, _ := d.Enrol()
			a := d.answer(child, consent.Asking{}, lang)
			_, from := d.due(0)
			d.withdraw(&a, "course-progress")
			due, next := d.due(from)
			if len(due) != 1 {
				t.Fatalf("%+v", due)
			}
			if err := d.teller(notify.SMS).Send(t.Context(), due[0]); err != nil {
				t.Fatal(err)
			}
			if m := d.last(); m.Kind != notify.KindWithdrawal || !strings.Contains(m.Text.Reveal(), words) || d.behind(m).ID != a.ID {
				t.Errorf("%s", m.Text.Reveal())
			}
			if due, _ := d.due(next); len(due) != 0 {
				t.Errorf("at the end of the ledger: %+v", due)
			}
		}
	})
}

// Edge case 7: who withdraws what another guardian granted is led to a request of
// their own, and the other one's link stays the other one's.
func TestEdgeCase7_AWithdrawalLeadsToNobodyElsesRequest(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child, _ := d.Enrol()
		d.answer(child, consent.Asking{}, "zh-CN")
		var father family.Guardian
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, vaulttest.Service, child.ID)
			if err != nil {
				return err
			}
			father, _, err = family.AddGuardian(ctx, tx, d.Ring, d.App, c, family.Person{Phone: pii.New("13900000001"), Relation: family.Parent})
			return err
		})
		his := d.ask(child, consent.Asking{Guardian: father.ID, Purposes: []string{"account"}}, "en")
		_, from := d.due(0)
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			g, err := d.Desk.Guardian(ctx, tx, his.Request, his.proof)
			if err != nil {
				return err
			}
			_, err = d.Desk.Withdraw(ctx, tx, g, child, "course-progress")
			return err
		})
		due, _ := d.due(from)
		if err := d.teller(notify.SMS).Send(t.Context(), due[0]); err != nil {
			t.Fatal(err)
		}
		if m := d.last(); d.behind(m).ID != his.ID || !strings.HasSuffix(m.To.Reveal(), "13900000001") {
			t.Error("the message leads to, or went to, somebody else")
		}
	})
}

// Edge case 24: a yes that lets nothing leave yet isn't confirmed as one that does,
// and nobody is sent to prove what can't be proved.
func TestEdgeCase24_AReceiptSaysWhatStillNeedsAProof(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for _, c := range []struct {
			channel consent.Channel
			lang    string
			proofs  bool
			says    string
		}{
			{consent.Email, "en", true, "Class ranking (prove who you are first, then agree once more. Until then nothing is given to third parties"},
			{consent.Email, "en", false, "Class ranking (this needs a proof of who you are, which can't be given yet. Until then nothing is given to third parties"},
			{consent.Email, "zh-CN", true, "班级排行（还要证明身份，再同意一次。在那之前，信息不会提供给第三方"},
			{consent.Email, "zh-CN", false, "班级排行（要证明身份，现在还不能证明。在那之前，信息不会提供给第三方"},
			{consent.SMS, "en", true, "6 agreed (1 of these still need a proof of identity), 1 refused"},
			{consent.SMS, "zh-CN", false, "同意 6 项（1 项还要证明身份），不同意 1 项"},
		} {
			child := d.family(family.Person{Phone: pii.New("13800138000"), Email: pii.New("wang.fang@example.com")})
			_, from := d.due(0)
			d.answer(child, consent.Asking{Channel: c.channel}, c.lang, "push-notices")
			due, _ := d.due(from)
			teller := d.teller(notify.SMS, notify.Email)
			teller.Proofs = c.proofs
			if err := teller.Send(t.Context(), due[0]); err != nil {
				t.Fatal(err)
			}
			if text := d.last().Text.Reveal(); !strings.Contains(text, c.says) || strings.Count(text, c.says[:12]) != 1 {
				t.Errorf("%q isn't in %s, or more is", c.says, text)
			}
		}
		// A yes that carries all of what was asked is confirmed without a word of it.
		child := d.family(family.Person{Phone: pii.New("13800138000")})
		_, from := d.due(0)
		d.answer(child, consent.Asking{}, "zh-CN", "class-ranking")
		due, _ := d.due(from)
		if err := d.teller(notify.SMS).Send(t.Context(), due[0]); err != nil {
			t.Fatal(err)
		}
		if text := d.last().Text.Reveal(); strings.Contains(text, "证明") || !strings.Contains(text, "同意 6 项，不同意 1 项") {
			t.Errorf("%s", text)
		}
	})
}

// Edge case 5: who refused everything is told that nothing stays, without a link
// that soon leads nowhere; and nobody is told once it is gone.
func TestEdgeCase5_ARefusalOfEverythingIsConfirmedOnceAndNothingStays(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child, _ := d.Enrol()
		a := d.ask(child, consent.Asking{}, "en")
		d.refuse(&a)
		// The sweep comes before anybody has read the ledger.
		swept, err := retention.SweepTelling(t.Context(), d.Store, d.Vault, d.farewell, retention.Terms{})
		if err != nil || swept.Unanswered != 1 {
			t.Fatalf("%+v, %v", swept, err)
		}
		all := d.told("consent.refusal 13800000000")
		if len(all) != 1 {
			t.FailNow()
		}
		if m := all[0]; m.Kind != notify.KindRefusal || strings.Contains(m.Text.Reveal(), "/r/") || !strings.Contains(m.Text.Reveal(), "refused all 7") {
			t.Errorf("%s", m.Text.Reveal())
		}
		d.told()
	})
}

// Edge case 5: a no that ends nothing, because another request waits, is confirmed
// from the ledger, and the last no by a farewell: each once.
func TestEdgeCase5_EachRefusalIsConfirmedOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child := d.family(mother)
		g := d.add(child, father)
		his := d.ask(child, consent.Asking{Guardian: g.ID}, "en")
		hers := d.ask(child, consent.Asking{}, "zh-CN")
		d.tell()
		d.refuse(&hers)
		if m := d.told("consent.receipt " + motherPhone)[0]; d.behind(m).ID != hers.ID {
			t.Error("the link leads elsewhere")
		}
		d.Pass(time.Hour)
		d.verify(&his)
		d.refuse(&his)
		d.told("consent.refusal " + fatherPhone)
		due, _ := d.due(0)
		if slices.ContainsFunc(due, func(one message.Due) bool { return one.About == his.ID }) {
			t.Errorf("%+v", due)
		}
	})
}

func TestReceiptsGoWhereTheyCanOrSayWhyNot(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child := d.family(family.Person{Phone: pii.New("13800138000"), Email: pii.New("wang.fang@example.com")})
		a := d.answer(child, consent.Asking{Channel: consent.Link}, "en")
		due, _ := d.due(0)
		if err := d.teller(notify.Email).Send(t.Context(), due[0]); err != nil || d.last().Channel != notify.Email {
			t.Errorf("the one way that there is: %v", err)
		}
		if err := d.teller().Send(t.Context(), due[0]); !errors.Is(err, notify.ErrNoChannel) {
			t.Errorf("no way: %v", err)
		}
		// What an app played is told to nobody, and what is long past neither.
		_, from := d.due(0)
		other, _ := d.Enrol()
		d.Answer(other, consent.ForceGranted)
		if due, next := d.due(from); len(due) != 0 || next == from {
			t.Errorf("a forced answer: %+v", due)
		}
		d.Pass(80 * time.Hour)
		if due, _ := d.due(0); len(due) != 0 {
			t.Errorf("three days later: %+v", due)
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, vaulttest.Service, child.ID)
			if err != nil {
				return err
			}
			_, err = d.Desk.EndGuardian(ctx, tx, d.Officer, c, a.Guardian)
			return err
		})
		if err := d.teller(notify.SMS).Send(t.Context(), due[0]); !errors.Is(err, message.ErrNobody) {
			t.Errorf("a former guardian: %v", err)
		}
	})
}
