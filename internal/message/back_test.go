package message_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/retention"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/verification"
)

const day = 24 * time.Hour

// sweep ends what is over.
func (d *desk) sweep() {
	d.t.Helper()
	if _, err := retention.Sweep(d.t.Context(), d.Store, d.Vault); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) unverify(child family.Child, guardian family.GuardianID) {
	d.t.Helper()
	d.change(child, func(ctx context.Context, tx *db.Tx, c family.Child) error {
		_, _, err := d.Desk.Unverify(ctx, tx, d.App, c, guardian)
		return err
	})
}

// Edge case 24: of whom nothing is proved, nothing is taken back, and nobody is
// told that it was, however often the operator's app says so.
func TestEdgeCase24_NothingIsTakenBackTwice(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child, _, his := parents(d)
		other := d.add(child, family.Person{Phone: pii.New("13700137000"), Relation: family.LegalGuardian})
		d.tell()
		for range 5 {
			d.unverify(child, other.ID)
		}
		d.told()
		for range 2 {
			for range 5 {
				d.unverify(child, his.Guardian)
			}
			d.told("guardian.unverified "+fatherPhone, "guardian.other_unverified "+motherPhone)
			d.Pass(time.Hour)
			d.verify(&his)
		}
	})
}

// of returns the message of a kind.
func of(t *testing.T, kind string, all []notify.Message) string {
	t.Helper()
	i := slices.IndexFunc(all, func(m notify.Message) bool { return m.Kind == kind })
	if i < 0 {
		t.Fatalf("no %s", kind)
	}
	return all[i].Text.Reveal()
}

// leads fails unless the link of a text leads to a request that is in this way.
func (d *desk) leads(text string, to consent.Request, want error) {
	d.t.Helper()
	found := link.FindStringSubmatch(text)
	if found == nil {
		d.t.Errorf("no link to a request in %s", text)
		return
	}
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		if r, err := d.Desk.ByToken(ctx, tx, found[1]); r.ID != to.ID || !errors.Is(err, want) {
			d.t.Errorf("the link leads to %s, %v", r.ID, err)
		}
		return nil
	})
}

// Who returned a code and never answered comes back as long as the request can be
// had sent again. Once it is forgotten, no link leads to it, which the audit at the
// end of each would find, and the message says who can help.
func TestEdgeCase24_NoLinkLeadsToAForgottenRequest(t *testing.T) {
	lost := map[string]string{"en": "the operator can send a new one", "zh-CN": "请联系运营者重新发送"}
	each(t, func(t *testing.T, d *desk) {
		for _, c := range []struct {
			wait  []time.Duration
			sweep bool
			lang  string
			want  error
			lost  bool
		}{
			{[]time.Duration{time.Hour}, true, "en", nil, false},
			{[]time.Duration{8 * day}, false, "en", consent.ErrExpired, false},
			{[]time.Duration{8 * day}, true, "zh-CN", consent.ErrExpired, false},
			{[]time.Duration{37 * day}, false, "zh-CN", nil, true},
			{[]time.Duration{8 * day, 31 * day}, true, "en", nil, true},
		} {
			child := d.family(mother)
			d.answer(child, consent.Asking{Purposes: []string{"account"}}, "zh-CN")
			g := d.add(child, father)
			his := d.ask(child, consent.Asking{Guardian: g.ID, Purposes: []string{"account"}}, c.lang)
			d.tell()
			for _, wait := range c.wait {
				d.Pass(wait)
				if c.sweep {
					d.sweep()
				}
			}
			d.unverify(child, g.ID)
			text := of(t, notify.KindUnverified, d.told("guardian.unverified "+fatherPhone, "guardian.other_unverified "+motherPhone))
			if strings.Contains(text, lost[c.lang]) != c.lost {
				t.Errorf("after %s: %s", c.wait, text)
			}
			switch {
			case !c.lost:
				d.leads(text, his.Request, c.want)
			case strings.Contains(text, "/r/"), !strings.Contains(text, site+"/rules/"+vaulttest.Service+"?lang="+c.lang):
				t.Errorf("after %s: %s", c.wait, text)
			}
		}
	})
}

// Of two requests that a guardian never answered, the one that waits leads back,
// and not a later one that was cancelled; and where all are, none does.
func TestEdgeCase24_ACancelledRequestLeadsNobodyBack(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child := d.family(mother)
		d.answer(child, consent.Asking{Purposes: []string{"account"}}, "zh-CN")
		g := d.add(child, father)
		waits := d.ask(child, consent.Asking{Guardian: g.ID, Purposes: []string{"account"}}, "en")
		cancel := func(a asked) {
			d.Do(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := consent.Cancel(ctx, tx, d.App, a.Request)
				return err
			})
		}
		cancel(d.ask(child, consent.Asking{Guardian: g.ID, Purposes: []string{"course-progress"}}, "en"))
		d.tell()
		d.unverify(child, g.ID)
		d.leads(of(t, notify.KindUnverified, d.tell()), waits.Request, nil)
		d.Pass(time.Hour)
		d.verify(&waits)
		cancel(waits)
		d.unverify(child, g.ID)
		if text := of(t, notify.KindUnverified, d.tell()); strings.Contains(text, "/r/") || !strings.Contains(text, site+"/rules/") {
			t.Error(text)
		}
	})
}

// Edge case 7: who withdraws at home what another guardian agreed to, and whose own
// request is forgotten, is led home.
func TestEdgeCase7_AWithdrawalLeadsToNoForgottenRequest(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		child := d.family(mother)
		d.answer(child, consent.Asking{}, "zh-CN")
		g := d.add(child, father)
		d.ask(child, consent.Asking{Guardian: g.ID, Purposes: []string{"account"}}, "en")
		for _, wait := range []time.Duration{8 * day, 31 * day} {
			d.Pass(wait)
			d.sweep()
		}
		d.tell()
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			g, err := family.FindGuardian(ctx, tx, child.ID, g.ID)
			if err != nil {
				return err
			}
			_, err = d.Desk.Withdraw(ctx, tx, g, child, "course-progress")
			return err
		})
		// The notice that counts is the one that the other guardian read.
		text := of(t, notify.KindWithdrawal, d.tell())
		if strings.Contains(text, "/r/") || !strings.Contains(text, site+"/home?lang=zh-CN") {
			t.Error(text)
		}
	})
}

// A document is what a guardian sent, for the staff to decide about.
type document struct {
	*desk
	verification.Desk
	verification.Attempt
}

func (d *desk) document(a asked) (doc document) {
	d.t.Helper()
	doc = document{desk: d, Desk: verification.Desk{Consent: d.Desk, Documents: true}}
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		doc.Attempt, err = doc.SendDocument(ctx, tx, a.Request, a.proof, verification.Upload{Pages: []pii.Text{pii.New("%PDF-1.7 a page")}})
		return err
	})
	return doc
}

// seen has the officers look and decide, one after the other, until it is done.
func (doc document) seen(decide func(ctx context.Context, tx *db.Tx, by catalog.Officer) (done bool, err error)) {
	doc.t.Helper()
	var staff []catalog.Officer
	doc.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		staff, err = catalog.InOffice(ctx, tx, vaulttest.Service)
		return err
	})
	for _, by := range staff {
		done := false
		doc.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			if _, _, _, err = doc.Show(ctx, tx, by, doc.ID); err == nil {
				done, err = decide(ctx, tx, by)
			}
			return err
		})
		if done {
			return
		}
	}
}

func (doc document) approve(until time.Duration) {
	doc.t.Helper()
	doc.seen(func(ctx context.Context, tx *db.Tx, by catalog.Officer) (bool, error) {
		_, _, err := doc.Approve(ctx, tx, by, doc.ID, tx.Now().Add(until).Truncate(day))
		return false, err
	})
}

func (doc document) refuse() {
	doc.t.Helper()
	doc.seen(func(ctx context.Context, tx *db.Tx, by catalog.Officer) (bool, error) {
		_, _, err := doc.Refuse(ctx, tx, by, doc.ID, verification.Unreadable)
		return true, err
	})
}

// Edge case 24: a request that a guardian began lasts a day, and its document may
// wait for seven. Who may sign in is then led home, and not to a page that takes no
// code any more; who may not has the request sent again.
func TestEdgeCase24_TheEndOfADocumentLeadsToWhereACodeIsTaken(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		a := d.answer(d.family(mother), consent.Asking{Purposes: []string{"account"}}, "zh-CN")
		d.Pass(time.Hour)
		d.verify(&a)
		began := d.again(a, "course-progress")
		d.tell()
		accepted, refused := d.document(began), d.document(began)
		d.Pass(2 * day)
		accepted.approve(30 * day)
		if text := of(t, notify.KindDocumentAccepted, d.told("document.accepted "+motherPhone)); !strings.Contains(text, site+"/home?lang=zh-CN") {
			t.Error(text)
		}
		d.sweep()
		refused.refuse()
		if text := of(t, notify.KindDocumentRefused, d.told("document.refused "+motherPhone)); !strings.Contains(text, site+"/home?lang=zh-CN") {
			t.Error(text)
		}

		// An institution of which no document was seen yet can't sign in.
		g := d.add(a.child, family.Person{Name: pii.New("李强"), Phone: pii.New(fatherPhone), Relation: family.Institution})
		its := d.ask(a.child, consent.Asking{Guardian: g.ID, Purposes: []string{"account"}, TTL: day}, "en")
		d.tell()
		doc := d.document(its)
		d.Pass(2 * day)
		doc.refuse()
		d.leads(of(t, notify.KindDocumentRefused, d.told("document.refused "+fatherPhone)), its.Request, consent.ErrExpired)
	})
}

// again begins a request as its guardian, who shows a code for it.
func (d *desk) again(a asked, purpose string) (again asked) {
	d.t.Helper()
	again = asked{child: a.child}
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		g, err := d.Desk.Guardian(ctx, tx, a.Request, a.proof)
		if err != nil {
			return err
		}
		again.Request, _, _, err = d.Desk.AskAgain(ctx, tx, g, a.Request, []string{purpose})
		return err
	})
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		again.Request, _, _, err = d.Desk.Open(ctx, tx, again.Request, a.Shown.Lang, consent.OnPage)
		return err
	})
	d.verify(&again)
	return again
}

// Edge case 10: that a proof has run out isn't told after it was given anew, while
// the gateway was down; of a proof that was given in part it is.
func TestEdgeCase10_AProofThatWasGivenAnewHasNotRunOut(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		a := d.answer(d.family(mother), consent.Asking{}, "zh-CN")
		d.Pass(time.Hour)
		d.verify(&a)
		d.document(a).approve(3 * day)
		d.tell()
		d.Pass(5 * day)
		d.sweep()
		due, next := d.due(d.from)
		d.from = next
		if len(due) != 1 || due[0].Kind != notify.KindProofExpired {
			t.Fatalf("due: %+v", due)
		}
		send := func() error { return d.teller(notify.SMS).Send(t.Context(), due[0]) }

		official := new(provider)
		desk := verification.Desk{Consent: d.Desk, Official: official, Callback: site + "/v1/verification/callback", Hosts: []string{"id.example"}}
		d.verify(&a)
		var v verification.Visit
		d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			v, err = desk.StartOfficial(ctx, tx, a.Request, a.proof)
			return err
		})
		if _, err := desk.Begin(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := desk.Report(ctx, tx, nil, []byte(`{"type":"identity.result","verification":"`+v.ID+`","nonce":"`+official.nonce+`","result":"match","adult":true}`))
			return err
		})
		if err := send(); err != nil {
			t.Errorf("who it is was shown anew, and not for whom it speaks: %v", err)
		}

		d.Pass(time.Hour)
		d.verify(&a)
		d.document(a).approve(30 * day)
		if err := send(); !errors.Is(err, message.ErrNobody) {
			t.Errorf("after a new document: %v", err)
		}
	})
}
