package consent_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
)

// byLink looks a request up by each of its secrets.
func (w *world) byLink(s consent.Secrets) (r consent.Request, byToken, byCode error) {
	w.t.Helper()
	w.do(func(tx *db.Tx) error {
		r, byToken = w.desk.ByToken(w.ctx, tx, s.Token)
		_, byCode = w.desk.ByCode(w.ctx, tx, strings.ToLower(strings.ReplaceAll(s.Code, "-", " ")))
		return nil
	})
	return r, byToken, byCode
}

func TestEdgeCase5_NoRequestOutlivesAnUnconsentedChild(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.enrol(service, phone, family.Parent)
		r, _ := w.mustAsk(w.app, c, consent.Asking{})
		if !r.ExpiresAt.Equal(c.ExpiresAt) || !c.ExpiresAt.Equal(w.store.Now().Add(24*time.Hour)) {
			t.Errorf("asked until %v, the child is kept until %v", r.ExpiresAt, c.ExpiresAt)
		}
		if r, _ := w.mustAsk(w.app, c, consent.Asking{TTL: time.Hour}); !r.ExpiresAt.Equal(w.store.Now().Add(time.Hour)) {
			t.Errorf("asked until %v", r.ExpiresAt)
		}
		w.pass(24 * time.Hour)
		_, _, err := w.ask(w.app, c, consent.Asking{})
		w.refused(err, consent.ErrOver)

		c, mother := w.enrol(service, phone, family.Parent)
		w.answered(w.app, c, mother, true, "account")
		if r, _ := w.mustAsk(w.app, c, consent.Asking{}); !r.ExpiresAt.Equal(w.store.Now().Add(7 * 24 * time.Hour)) {
			t.Errorf("an active child's guardian is asked until %v", r.ExpiresAt)
		}
	})
}

func TestRequests_EndWithTheirOwnRefusals(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.enrol(service, phone, family.Parent)
		r, s := w.mustAsk(w.app, c, consent.Asking{})
		if found, err, err2 := w.byLink(s); err != nil || err2 != nil || found.ID != r.ID {
			t.Fatalf("by link %v, by code %v", err, err2)
		}
		_, err, err2 := w.byLink(consent.Secrets{Token: strings.Repeat("0", 52), Code: "0000-0000"})
		w.refused(err, consent.ErrLink)
		w.refused(err2, consent.ErrLink)
		_, err, err2 = w.byLink(consent.Secrets{Token: strings.Repeat("0", 1<<20), Code: strings.Repeat("0", 1<<20)})
		w.refused(err, consent.ErrLink)
		w.refused(err2, consent.ErrLink)

		ended := func(s consent.Secrets, r consent.Request, want error) {
			t.Helper()
			found, err, err2 := w.byLink(s)
			w.refused(err, want)
			w.refused(err2, consent.ErrLink) // 40 bits end with what they lead to
			if found.ID != r.ID {
				t.Errorf("the refusal comes without the request: %+v", found)
			}
			_, err = w.open(r, "en")
			w.refused(err, want)
			w.refused(w.try(func(tx *db.Tx) error { _, _, err := consent.Cancel(w.ctx, tx, w.app, r); return err }), want)
			w.refused(w.try(func(tx *db.Tx) error { _, _, _, _, err := w.desk.Send(w.ctx, tx, w.app, r); return err }), want)
		}
		w.do(func(tx *db.Tx) error { _, _, err := consent.Cancel(w.ctx, tx, w.app, r); return err })
		ended(s, r, consent.ErrCancelled)

		r, s = w.mustAsk(w.app, c, consent.Asking{})
		r, g := w.verified(r)
		if _, err := w.give(g, r, all(r, true)); err != nil {
			t.Fatal(err)
		}
		ended(s, r, consent.ErrAnswered)

		w.publish(changed(t))
		r, s = w.mustAsk(w.app, c, consent.Asking{TTL: time.Hour})
		r, g = w.verified(r)
		w.pass(time.Hour) // nobody has to have swept
		ended(s, r, consent.ErrExpired)
		_, err = w.give(g, r, all(r, true))
		w.refused(err, consent.ErrExpired)
	})
}

func TestSweep_ExpiresWhatIsDueAndForgetsOldLinks(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sweep := func() (n int) {
			w.do(func(tx *db.Tx) (err error) {
				due, err := consent.DueRequests(w.ctx, tx, consent.Due{}, 2)
				for _, d := range due {
					err = errors.Join(err, consent.Expire(w.ctx, tx, d))
				}
				n = len(due)
				return err
			})
			return n
		}
		var secrets consent.Secrets
		for range 3 {
			c, mother := w.enrol(service, phone, family.Parent)
			w.answered(w.app, c, mother, true, "account")
			_, secrets = w.mustAsk(w.app, c, consent.Asking{TTL: time.Hour})
			w.pass(2 * time.Hour)
		}
		c, _ := w.enrol(service, phone, family.Parent)
		waiting, _ := w.mustAsk(w.app, c, consent.Asking{TTL: 23 * time.Hour})
		if a, b, c := sweep(), sweep(), sweep(); a != 2 || b != 1 || c != 0 {
			t.Errorf("swept %d, %d, %d", a, b, c)
		}
		r, err, _ := w.byLink(secrets)
		w.refused(err, consent.ErrExpired)
		w.do(func(tx *db.Tx) error {
			kept, err := consent.ByID(w.ctx, tx, service, r.ID)
			if err != nil || kept.State != consent.Expired {
				t.Errorf("%+v, %v", kept, err)
			}
			still, err := consent.ByID(w.ctx, tx, service, waiting.ID)
			if err != nil || still.State != consent.Pending {
				t.Errorf("%+v, %v", still, err)
			}
			_, err = consent.ByID(w.ctx, tx, "another", r.ID)
			w.refused(err, consent.ErrNoRequest)
			return nil
		})
		w.pass(31 * 24 * time.Hour)
		for sweep() > 0 {
		}
		_, err, _ = w.byLink(secrets)
		w.refused(err, consent.ErrLink)
	})
}

func TestAsking_BadInputIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.enrol(service, phone, family.Parent)
		for _, bad := range []struct {
			a    consent.Asking
			want error
		}{
			{consent.Asking{Channel: "pigeon"}, consent.ErrChannel},
			{consent.Asking{Locale: "fr"}, consent.ErrLocale},
			{consent.Asking{Channel: consent.Email}, consent.ErrContact},
			{consent.Asking{Purposes: []string{"astrology"}}, consent.ErrUnasked},
			{consent.Asking{Purposes: []string{"account", "account"}}, consent.ErrUnasked},
			{consent.Asking{Guardian: "gu_somebody"}, consent.ErrAnswerers},
			{consent.Asking{TTL: -time.Second}, consent.ErrTTL},
			{consent.Asking{TTL: 31 * 24 * time.Hour}, consent.ErrTTL},
			{consent.Asking{Payload: pii.New(strings.Repeat("x", 4097))}, consent.ErrPayload},
			{consent.Asking{ReturnURL: pii.New("http://example.com")}, consent.ErrReturn},
			{consent.Asking{ReturnURL: pii.New("javascript:alert(1)")}, consent.ErrReturn},
			{consent.Asking{ReturnURL: pii.New("https://a:b@example.com")}, consent.ErrReturn},
			{consent.Asking{ReturnURL: pii.New("https://example.com")}, consent.ErrOrigin},
			{consent.Asking{ReturnURL: pii.New("https://app.xiaoxi-english.example.com/")}, consent.ErrOrigin},
			{consent.Asking{ReturnURL: pii.New("https://app.xiaoxi-english.example\\@example.com/")}, consent.ErrReturn},
			{consent.Asking{Nickname: pii.New(strings.Repeat("溪", 21))}, consent.ErrName},
			{consent.Asking{Nickname: pii.New("小\n溪")}, consent.ErrName},
			{consent.Asking{Nickname: pii.New(" ")}, consent.ErrName},
		} {
			_, _, err := w.ask(w.app, c, bad.a)
			w.refused(err, bad.want)
		}
		other := w.app
		other.Service = "another"
		_, _, err := w.ask(other, c, consent.Asking{})
		w.refused(err, family.ErrNotFound)
		weak := w.app
		weak.Scopes = account.Scopes{}
		_, _, err = w.ask(weak, c, consent.Asking{})
		w.refused(err, account.ErrMayNot)
		_, _, err = w.ask(nobody{}, c, consent.Asking{})
		w.refused(err, account.ErrMayNot)
		if len(w.kinds(c)) != 0 {
			t.Errorf("refused questions are in the ledger: %v", w.kinds(c))
		}
		for range 8 {
			w.mustAsk(w.app, c, consent.Asking{})
		}
		_, _, err = w.ask(w.app, c, consent.Asking{})
		w.refused(err, consent.ErrMany)
	})
}

// nobody has a name in the ledger, and no business here.
type nobody struct{}

func (nobody) Ledger() string { return "staff:st_1" }

func TestSending_IsLimitedAndLeadsToTheSameRequest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.enrol(service, phone, family.Parent)
		r, first := w.mustAsk(w.app, c, consent.Asking{})
		send := func() (s consent.Secrets, err error) {
			err = w.try(func(tx *db.Tx) error {
				sent, secrets, to, entry, err := w.desk.Send(w.ctx, tx, w.app, r)
				s = secrets
				if err == nil && (to.Channel != consent.SMS || to.To.Reveal() != phone || entry == "" || sent.Sends == 0) {
					t.Errorf("%+v %+v %q", sent, to, entry)
				}
				return err
			})
			return s, err
		}
		for i := range 5 {
			s, err := send()
			if err != nil {
				t.Fatalf("send %d: %v", i+1, err)
			}
			for _, secrets := range []consent.Secrets{first, s} {
				if found, err, err2 := w.byLink(secrets); err != nil || err2 != nil || found.ID != r.ID {
					t.Errorf("send %d: %v, %v", i+1, err, err2)
				}
			}
			want := consent.ErrSent
			if i == 4 {
				want = consent.ErrSends // waiting doesn't help
			}
			_, err = send() // at once again
			w.refused(err, want)
			w.pass(2 * time.Minute)
		}
		_, err := send()
		w.refused(err, consent.ErrSends)
		w.silent(c, phone, first.Token)
	})
}

// Whoever has a copy of the database has no way into a request, and learns
// nothing of what the operator wants back.
func TestArticle13_NoSecretIsKeptInPlain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.enrol(service, phone, family.Parent)
		r, s := w.mustAsk(w.app, c, consent.Asking{Payload: pii.New("canary-payload"), ReturnURL: pii.New("https://app.xiaoxi-english.example/canary-return")})
		r, err := w.open(r, "en")
		if err != nil {
			t.Fatal(err)
		}
		code, err := w.sendCode(r)
		if err != nil {
			t.Fatal(err)
		}
		dump := ""
		w.do(func(tx *db.Tx) error {
			dump = ""
			for _, query := range []string{
				`SELECT payload, code, proof FROM consent_request WHERE child = $1`,
				`SELECT token, token, token FROM consent_link WHERE child = $1`,
			} {
				err := db.Each(w.ctx, tx, func(row db.Row) error {
					var a, b, c []byte
					err := row.Scan(&a, &b, &c)
					dump += string(a) + string(b) + string(c)
					return err
				}, query, c.ID)
				if err != nil {
					return err
				}
			}
			payload, back, err := w.desk.Payload(c, r)
			if err != nil || payload.Reveal() != "canary-payload" || back.Reveal() != "https://app.xiaoxi-english.example/canary-return" {
				t.Errorf("payload %v", err)
			}
			// Bound to its request: in another it doesn't open.
			elsewhere := r
			elsewhere.ID = "cr_other"
			if _, _, err := w.desk.Payload(c, elsewhere); err == nil {
				t.Error("the payload opens in another request")
			}
			return nil
		})
		for _, secret := range []string{"canary", s.Token, s.Code, strings.ReplaceAll(s.Code, "-", ""), code.Code.Reveal()} {
			if strings.Contains(dump, secret) {
				t.Errorf("the database holds %q", secret)
			}
		}
		if printed := fmt.Sprintf("%v %+v %#v", s, s, s); strings.Contains(printed, s.Token) || strings.Contains(printed, s.Code) {
			t.Error("secrets can be printed")
		}
	})
}

func TestArticle20_ForgetLeavesNoRow(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		w.answered(w.app, c, mother, true)
		other, hers := w.enrol(service, phone, family.Parent)
		w.answered(w.app, other, hers, true)
		w.do(func(tx *db.Tx) error { return consent.Forget(w.ctx, tx, c.ID) })
		for child, want := range map[family.ID]bool{c.ID: false, other.ID: true} {
			for _, query := range []string{
				`SELECT count(*) FROM consent WHERE child = $1`,
				`SELECT count(*) FROM consent_request WHERE child = $1`,
				`SELECT count(*) FROM consent_link WHERE child = $1`,
			} {
				w.do(func(tx *db.Tx) error {
					n, err := db.One(w.ctx, tx, db.Single[int64], query, child)
					if (n > 0) != want {
						t.Errorf("%s: %d rows", query, n)
					}
					return err
				})
			}
		}
	})
}

// A link that somebody turned to another child's request by hand leads nowhere.
func TestALinkLeadsOnlyWhereItWasMadeToLead(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, _ := w.enrol(service, phone, family.Parent)
		b, _ := w.enrol(service, "13900139000", family.Parent)
		mine, secrets := w.mustAsk(w.app, a, consent.Asking{})
		theirs, _ := w.mustAsk(w.app, b, consent.Asking{})
		leads := func(want error) {
			t.Helper()
			w.do(func(tx *db.Tx) error {
				if r, err := w.desk.ByToken(w.ctx, tx, secrets.Token); !errors.Is(err, want) || err == nil && r.ID != mine.ID {
					t.Errorf("the link leads to %s, %v; want %v", r.ID, err, want)
				}
				return nil
			})
		}
		leads(nil)
		w.do(func(tx *db.Tx) error {
			_, err := tx.Exec(w.ctx, `UPDATE consent_link SET child = $1, request = $2 WHERE request = $3`, b.ID, theirs.ID, mine.ID)
			return err
		})
		leads(consent.ErrLink)
	})
}
