package session_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/passkey"
	"wardkeep/internal/session"
	"wardkeep/internal/vault/vaulttest"
)

// A lobby is a world with a door.
type lobby struct {
	*vaulttest.World
	door session.Door
}

func each(t *testing.T, fn func(t *testing.T, l *lobby)) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) { fn(t, newLobby(w)) })
}

func newLobby(w *vaulttest.World) *lobby {
	return &lobby{w, session.Door{Ring: w.Ring, Site: passkey.NewSite("https://home.example")}}
}

// number is that of the guardians whom vaulttest enrols; some of them have a mailbox.
const (
	number  = "13800000000"
	mailbox = "wang.fang@example.com"
)

// enrolled registers a child whose guardian is reached so, and hasn't answered.
func (l *lobby) enrolled(phone, email string) (child family.Child) {
	l.T.Helper()
	l.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		child, _, _, err = l.Vault.Gate.Register(ctx, tx, l.App, family.Enrolment{
			Service: vaulttest.Service, Ref: pii.New(id.Secret(16)),
			Guardian: family.Person{Phone: pii.New(phone), Email: pii.New(email), Relation: family.Parent},
		})
		return err
	})
	return child
}

// reached is Child for a guardian who is reached so.
func (l *lobby) reached(phone, email string) (child family.Child) {
	l.T.Helper()
	child = l.enrolled(phone, email)
	l.Answer(child, consent.ForceGranted)
	return child
}

func (l *lobby) handle(typed string) family.Handle {
	l.T.Helper()
	h, err := family.ParseHandle(l.Ring, pii.New(typed))
	if err != nil {
		l.T.Fatal(err)
	}
	return h
}

func (l *lobby) code(browser, typed string) (code consent.OneTime) {
	l.T.Helper()
	h := l.handle(typed)
	l.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		code, err = l.door.SendCode(ctx, tx, browser, h)
		return err
	})
	return code
}

func (l *lobby) enter(browser, former, code string) (s session.Session, secret string, err error) {
	err = l.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		s, secret, err = l.door.Enter(ctx, tx, browser, former, pii.New(code))
		return err
	})
	return s, secret, err
}

// in signs the guardian in from a browser, by its number.
func (l *lobby) in(browser string) (session.Session, string) {
	l.T.Helper()
	return l.inBy(browser, number)
}

// inBy signs in whoever is reached so.
func (l *lobby) inBy(browser, contact string) (session.Session, string) {
	l.T.Helper()
	s, secret, err := l.enter(browser, "", l.code(browser, contact).Code.Reveal())
	if err != nil {
		l.T.Fatal(err)
	}
	return s, secret
}

func (l *lobby) find(secret string) (s session.Session, err error) {
	err = l.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		s, err = l.door.Find(ctx, tx, secret)
		return err
	})
	return s, err
}

func (l *lobby) refused(err, want error) {
	l.T.Helper()
	if !errors.Is(err, want) {
		l.T.Errorf("got %v, want %v", err, want)
	}
}

func wrong(code string) string {
	if code[0] == '9' {
		return "0" + code[1:]
	}
	return string(code[0]+1) + code[1:]
}

func TestEdgeCase8_OnlyAVerifiedGuardianInOfficeComesIn(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		child := l.Child()
		waiting, _ := l.Enrol() // of the same phone, and not verified
		s, secret := l.in("a")
		if len(s.Ties) != 1 || s.Ties[0].Child != child.ID || s.Ties[0].Strength != family.OneTimeCode {
			t.Fatalf("%+v", s.Ties)
		}
		l.Answer(waiting, consent.ForceVerified)
		if s, err := l.find(secret); err != nil || len(s.Ties) != 2 {
			t.Errorf("verified since: %d ties, %v", len(s.Ties), err)
		}
		for i, of := range []family.Child{waiting, child} {
			l.Do(func(ctx context.Context, tx *db.Tx) error {
				c, err := family.Lock(ctx, tx, vaulttest.Service, of.ID)
				if err != nil {
					return err
				}
				for _, tie := range s.Ties {
					if tie.Child == of.ID {
						_, err = l.Desk.EndGuardian(ctx, tx, l.App, c, tie.ID)
						return err
					}
				}
				all, err := l.guardians(ctx, tx, of.ID)
				if err != nil {
					return err
				}
				_, _, err = l.Desk.Unverify(ctx, tx, l.App, c, all[0].ID)
				return err
			})
			s, err := l.find(secret)
			if i == 0 && (err != nil || len(s.Ties) != 1) {
				t.Errorf("one tie is unproved: %d ties, %v", len(s.Ties), err)
			}
			if i == 1 {
				l.refused(err, session.ErrSignedOut)
			}
		}
	})
}

func (l *lobby) guardians(ctx context.Context, tx *db.Tx, child family.ID) (all []family.Guardian, err error) {
	return all, tx.Together(ctx, family.ReadGuardians(&all, child))
}

// What is stored and what is answered is the same for a number that nobody has.
func TestSignIn_TellsNobodyWhoIsKnown(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.Child()
		known, stranger := l.code("a", number), l.code("b", "13911111111")
		if known.Code.IsZero() || !stranger.Code.IsZero() || !stranger.To.IsZero() {
			t.Error("a code goes to a guardian, and to nobody else")
		}
		var rows []int64
		l.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			rows, err = db.All(ctx, tx, db.Single[int64], `SELECT count(*) FROM sign_in UNION ALL SELECT count(*) FROM code_contact`)
			return err
		})
		if rows[0] != 2 || rows[1] != 2 {
			t.Errorf("%v rows", rows)
		}
		for _, browser := range []string{"a", "b", "never", "", strings.Repeat("x", 200)} {
			_, _, err := l.enter(browser, "", wrong(known.Code.Reveal()))
			l.refused(err, session.ErrCode)
		}
		if _, err := family.ParseHandle(l.Ring, pii.New("nobody")); !errors.Is(err, family.ErrHandle) {
			t.Error(err)
		}
	})
}

func TestSignIn_ACodeIsGoodOnceForItsBrowserAndTenMinutes(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.Child()
		code := l.code("a", "+86 138 0000 0000").Code.Reveal()
		_, _, err := l.enter("b", "", code)
		l.refused(err, session.ErrCode)
		if _, _, err := l.enter("a", "", " "+code[:3]+" "+code[3:]); err != nil {
			t.Error(err)
		}
		_, _, err = l.enter("a", "", code)
		l.refused(err, session.ErrCode)
		first := l.code("a", number).Code.Reveal()
		second := l.code("a", number).Code.Reveal()
		if first != second {
			_, _, err = l.enter("a", "", first)
			l.refused(err, session.ErrCode)
		}
		l.Pass(consent.CodeLife)
		_, _, err = l.enter("a", "", second)
		l.refused(err, session.ErrCode)
	})
}

// A message says what its code is for, and whoever reads it to somebody goes by that: a code that
// lets somebody in confirms nothing, and one that confirms something lets nobody in, whichever of
// a browser's secrets is sent with it.
func TestEdgeCase24_ACodeIsGoodForWhatItsMessageSays(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.Child()
		s, _ := l.in("a")
		confirm := func(browser, code string) error {
			return l.Try(func(ctx context.Context, tx *db.Tx) error { return l.door.Confirm(ctx, tx, s, browser, pii.New(code)) })
		}
		l.refused(confirm("b", l.code("b", number).Code.Reveal()), session.ErrCode)
		var code consent.OneTime
		l.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			code, err = l.door.Challenge(ctx, tx, s, s.Ties[0], "c")
			return err
		})
		_, _, err := l.enter("c", "", code.Code.Reveal())
		l.refused(err, session.ErrCode)
		l.refused(confirm("d", code.Code.Reveal()), session.ErrCode)
		l.refused(confirm("c", wrong(code.Code.Reveal())), session.ErrCode)
		if err := confirm("c", code.Code.Reveal()); err != nil {
			t.Error(err)
		}
		l.refused(confirm("c", code.Code.Reveal()), session.ErrCode)
	})
}

// Whether a code was made for a browser is the same for every contact, and asking is
// no try.
func TestSignIn_ACodeWaitsForTheBrowserThatAskedForIt(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.Child()
		code := l.code("a", number).Code.Reveal()
		l.code("b", "13911111111") // nobody's
		for browser, want := range map[string]error{"a": nil, "b": nil, "c": session.ErrCode, "": session.ErrCode, strings.Repeat("a", 101): session.ErrCode} {
			for range 10 {
				err := l.Try(func(ctx context.Context, tx *db.Tx) error { return l.door.Waits(ctx, tx, browser) })
				if !errors.Is(err, want) {
					t.Errorf("%.5q: %v, want %v", browser, err, want)
				}
			}
		}
		if _, _, err := l.enter("a", "", code); err != nil {
			t.Error(err)
		}
		err := l.Try(func(ctx context.Context, tx *db.Tx) error { return l.door.Waits(ctx, tx, "a") })
		l.refused(err, session.ErrCode)
	})
}

func TestSignIn_TriesAndSendsAreLimited(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.Child()
		for range 5 { // hours
			for range 5 { // codes
				code := l.code("a", number)
				if code.Code.IsZero() {
					t.Fatal("no code")
				}
				_, _, err := l.enter("a", "", wrong(code.Code.Reveal()))
				l.refused(err, session.ErrCode)
			}
			if !l.code("a", number).Code.IsZero() {
				t.Fatal("a sixth code within an hour")
			}
			l.Pass(time.Hour)
		}
		if !l.code("a", number).Code.IsZero() {
			t.Error("a code after 25 wrong ones")
		}
		l.Pass(24 * time.Hour)
		code := l.code("a", number).Code.Reveal()
		for range 5 {
			_, _, err := l.enter("a", "", wrong(code))
			l.refused(err, session.ErrCode)
		}
		_, _, err := l.enter("a", "", code) // spent
		l.refused(err, session.ErrCode)
	})
}

// Who asks for codes at the open door takes none from a guardian who answers.
func TestSignIn_UsesUpNoCodesOfConsents(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		child, _ := l.Enrol()
		for range 7 {
			l.code("a", number)
		}
		l.Do(func(ctx context.Context, tx *db.Tx) error {
			r, _, _, err := l.Desk.Ask(ctx, tx, l.App, child, consent.Asking{Channel: consent.SMS, Locale: "en"})
			if err != nil {
				return err
			}
			if r, _, _, err = l.Desk.Open(ctx, tx, r, "en", consent.OnPage); err != nil {
				return err
			}
			_, err = l.Desk.SendCode(ctx, tx, r)
			return err
		})
	})
}

// A secret is new with every sign-in, and the former one ends: what somebody
// planted or kept opens nothing.
func TestSession_IsNewWithEverySignIn(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.Child()
		_, first := l.in("a")
		code := l.code("a", number).Code.Reveal()
		_, second, err := l.enter("a", first, code)
		if err != nil || first == second || len(second) != 52 {
			t.Fatalf("%v", err)
		}
		_, err = l.find(first)
		l.refused(err, session.ErrSignedOut)
		if _, err := l.find(second); err != nil {
			t.Error(err)
		}
		for _, forged := range []string{"", "planted", second + "0", strings.ToUpper(second)} {
			_, err := l.find(forged)
			l.refused(err, session.ErrSignedOut)
		}
	})
}

func TestSession_EndsByItself(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.Child()
		_, idle := l.in("a")
		l.Pass(session.Idle)
		_, err := l.find(idle)
		l.refused(err, session.ErrSignedOut)

		_, busy := l.in("b")
		began := 0
		for ; ; began++ {
			s, err := l.find(busy)
			if err != nil {
				l.refused(err, session.ErrSignedOut)
				break
			}
			l.Do(func(ctx context.Context, tx *db.Tx) error { return session.Seen(ctx, tx, s) })
			l.Pass(session.Idle - time.Minute)
		}
		if passed := time.Duration(began) * (session.Idle - time.Minute); passed < session.Most || passed > session.Most+session.Idle {
			t.Errorf("a busy session ended after %v", passed)
		}
		swept := 0
		l.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			swept, err = session.Sweep(ctx, tx, 10)
			return err
		})
		if swept != 2 {
			t.Errorf("swept %d", swept)
		}
	})
}

func TestSession_SignsOutEverywhere(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.Child()
		s, one := l.in("a")
		_, two := l.in("b")
		_, three := l.in("c")
		l.Do(func(ctx context.Context, tx *db.Tx) error { return session.SignOut(ctx, tx, s) })
		_, err := l.find(one)
		l.refused(err, session.ErrSignedOut)
		s, err = l.find(two)
		if err != nil {
			t.Fatal(err)
		}
		l.Do(func(ctx context.Context, tx *db.Tx) error { return session.SignOutEverywhere(ctx, tx, s) })
		for _, secret := range []string{two, three} {
			_, err := l.find(secret)
			l.refused(err, session.ErrSignedOut)
		}
	})
}

// Who can write to the database, and knows no key, can make no session speak for
// another, nor a number of its own lead to somebody's child.
func TestSession_RowsChangedByHandAreNobodys(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		child := l.Child()
		other := l.handle("13911111111")
		for name, query := range map[string]string{
			"another contact": `UPDATE session SET contact = $1 WHERE contact <> $1`,
			"younger":         `UPDATE session SET created_at = created_at + 1 WHERE contact <> $1`,
		} {
			_, secret := l.in("a")
			l.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, query, other.Hash)
				return err
			})
			_, err := l.find(secret)
			if !errors.Is(err, session.ErrSignedOut) {
				t.Errorf("%s: %v", name, err)
			}
		}
		l.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE guardian SET phone_hash = $1 WHERE child = $2`, other.Hash, child.ID)
			return err
		})
		if !l.code("b", "13911111111").Code.IsZero() {
			t.Error("a hash that was written by hand leads to a child")
		}
	})
}

// Invariant 6: an entry about a session names nobody and no child, so that it ties
// no children together.
func TestInvariant6_SessionsNameNobody(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.Child()
		l.Child()
		s, _ := l.in("a")
		l.Do(func(ctx context.Context, tx *db.Tx) error { return session.SignOut(ctx, tx, s) })
		seen := 0
		l.Do(func(ctx context.Context, tx *db.Tx) error {
			seen = 0
			return ledger.Pending(ctx, tx, func(p ledger.Placed) error {
				if strings.HasPrefix(p.Kind, "session.") {
					seen++
					if text := string(p.Leaf); p.Subject != "" || p.Service != "" || strings.Contains(text, "gu_") || strings.Contains(text, "su_") {
						t.Errorf("%s", text)
					}
				}
				return nil
			})
		})
		if seen != 2 {
			t.Errorf("%d entries", seen)
		}
	})
}
