package signin_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/signin"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/vault/vaulttest"
)

// catalogCurrent returns the charter in force of the service.
func catalogCurrent(o *office) (c *charter.Charter, err error) {
	o.Do(func(ctx context.Context, tx *db.Tx) error {
		p, err := catalog.Current(ctx, tx, vaulttest.Service)
		c = p.Charter
		return err
	})
	return c, err
}

// renews asks for a link to change how one signs in.
func (o *office) renews(in *signintest.Insider) (link string) {
	o.T.Helper()
	in.Do(func(ctx context.Context, tx *db.Tx) error {
		s, err := o.door.Find(ctx, tx, in.Secret)
		if err == nil {
			link, err = o.door.Renew(ctx, tx, s)
		}
		return err
	})
	return link
}

func (o *office) opens(link string, by signin.Browser) (at signin.SettingUp, err error) {
	ctx := context.Background()
	err = o.Store.View(ctx, func(tx *db.Tx) (err error) {
		at, err = o.door.Open(ctx, tx, link, by)
		return err
	})
	return at, err
}

// A link to change how one signs in is of the session in which it was asked for, and ends
// with it: signing out leaves nothing behind.
func TestArticle15_ALinkToRenewEndsWithItsSession(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		in := o.hire()
		link := o.renews(in)
		by := signin.Browser{Kept: signin.Keep(), Session: in.Secret}
		_, err := o.opens(link, by)
		wants(t, "in its session", err, nil)
		_, err = o.opens(link, signin.Browser{Kept: by.Kept})
		wants(t, "signed out", err, signin.ErrLink)
		_, err = o.opens(link, signin.Browser{Kept: by.Kept, Session: o.hire().Secret})
		wants(t, "in somebody else's", err, signin.ErrLink)
		o.Pass(time.Minute)
		_, second, err := in.Enters(in.Name, in.Password, in.Code())
		if err != nil {
			t.Fatal(err)
		}
		_, err = o.opens(link, signin.Browser{Kept: by.Kept, Session: second})
		wants(t, "in another of one's own", err, signin.ErrLink)
		undo := errors.New("undone")
		wants(t, "freed by hand", in.Try(func(ctx context.Context, tx *db.Tx) error {
			if err := tx.Queue(ctx, `UPDATE person_invite SET session = ''`); err != nil {
				return err
			}
			_, err := o.door.Open(ctx, tx, link, by)
			wants(t, "freed by hand", err, signin.ErrLink)
			return undo
		}), undo)
		in.Do(func(ctx context.Context, tx *db.Tx) error {
			s, err := o.door.Find(ctx, tx, in.Secret)
			if err == nil {
				err = signin.SignOut(ctx, tx, s)
			}
			return err
		})
		_, err = o.opens(link, by)
		wants(t, "after signing out", err, signin.ErrLink)
		if n := o.count(`SELECT count(*) FROM person_invite WHERE person = $1`, in.ID); n != 0 {
			t.Errorf("%d links are left", n)
		}
		// Nor is one made in a session that was ended meanwhile.
		gone := in.Session
		wants(t, "in a session that ended", in.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := o.door.Renew(ctx, tx, gone)
			return err
		}), signin.ErrSignedOut)
	})
}

// Whoever sets up how to sign in begins with nothing of before: not with a passkey that
// somebody else may have.
func TestArticle15_SettingUpEndsEverythingOfBefore(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		for name, link := range map[string]func(in *signintest.Insider) string{
			"renewed": o.renews,
			"invited": func(in *signintest.Insider) (link string) {
				in.Do(func(ctx context.Context, tx *db.Tx) (err error) {
					link, _, err = o.door.Invite(ctx, tx, signintest.By, in.ID)
					return err
				})
				return link
			},
		} {
			in := o.hire()
			device, former := o.adds(in), in.Secret
			o.Pass(time.Minute)
			in.SetUp(link(in))
			_, err := o.shows(in, device, signin.Session{})
			wants(t, name+": a passkey of before", err, signin.ErrPasskey)
			_, err = in.Find(former)
			wants(t, name+": a session of before", err, signin.ErrSignedOut)
			if n := o.count(`SELECT count(*) FROM person_passkey WHERE person = $1`, in.ID); n != 0 {
				t.Errorf("%s: %d passkeys", name, n)
			}
		}
	})
}

// Who sees the link before its person does, in a chat or over a shoulder, learns nothing of
// the authenticator that the person then sets up.
func TestArticle15_WhoSawTheLinkKnowsNoAuthenticator(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		in := o.hire()
		var link string
		in.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			link, _, err = o.door.Invite(ctx, tx, signintest.By, in.ID)
			return err
		})
		thief, person := signin.Browser{Kept: signin.Keep()}, signin.Browser{Kept: signin.Keep()}
		seen, err := o.opens(link, thief)
		if err != nil {
			t.Fatal(err)
		}
		mine, err := o.opens(link, person)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := o.opens(link, person); err != nil || again.Secret != mine.Secret {
			t.Errorf("a page that is loaded again shows another secret: %v", err)
		}
		if seen.Secret == mine.Secret {
			t.Error("two browsers are told the same secret")
		}
		in.Authenticator = seen.Secret
		_, err = o.door.Prepare(mine, signin.Chosen{Name: pii.New("li.lei"), Password: pii.New("a sentence to remember"), Code: pii.New(in.Code())}, o.Store.Now())
		wants(t, "the thief's authenticator", err, signin.ErrCodeWord)
		_, err = o.opens(link, signin.Browser{})
		wants(t, "a browser that keeps nothing", err, signin.ErrLink)
	})
}

// Who has the password guesses few codes, however long and from wherever: after twenty
// within a day the name is shut for a day, and its person coming in wins no new ones.
func TestArticle15_WhoHasThePasswordGuessesFewCodes(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		in := o.hire()
		device := o.adds(in)
		o.Pass(time.Minute)
		right, err := in.Claims(in.Name, in.Password)
		if err != nil {
			t.Fatal(err)
		}
		enters := func(c signin.Claim, code string) error {
			return in.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := o.door.Enter(ctx, tx, c, pii.New(code), "")
				return err
			})
		}
		missed := 0
		for range 3 {
			for range 4 {
				wants(t, "a wrong code", enters(right, "000000"), signin.ErrRefused)
				missed++
			}
			o.Pass(time.Minute)
			if err := enters(right, in.Code()); err != nil {
				t.Fatalf("after %d: %v", missed, err)
			}
		}
		for missed < 20 {
			err := enters(right, "000000")
			if errors.Is(err, signin.ErrLocked) {
				o.Pass(15 * time.Minute)
				continue
			}
			wants(t, "a wrong code", err, signin.ErrRefused)
			missed++
		}
		_, _, err = in.Enters(in.Name, in.Password, in.Code())
		var locked *signin.Locked
		if !errors.As(err, &locked) || locked.Until.Sub(o.Store.Now()) < 23*time.Hour {
			t.Fatalf("after twenty wrong codes: %v", err)
		}
		_, err = o.shows(in, device, signin.Session{})
		wants(t, "a passkey opens", err, nil)
		o.Pass(23 * time.Hour)
		_, _, err = in.Enters(in.Name, in.Password, in.Code())
		wants(t, "after 23 hours", err, signin.ErrLocked)
		o.Pass(2 * time.Hour)
		if _, _, err = in.Enters(in.Name, in.Password, in.Code()); err != nil {
			t.Errorf("after a day: %v", err)
		}
		// Wrong passwords are no codes that were guessed: they shut nobody out for a day.
		wrong, err := in.Claims(in.Name, "wrong wrong wrong")
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			if err := enters(wrong, "000000"); errors.As(err, &locked) && locked.Until.Sub(o.Store.Now()) > 15*time.Minute {
				t.Fatalf("a stranger shuts its owner out until %v", locked.Until)
			}
			o.Pass(15 * time.Minute)
		}
	})
}

// ASVS 6.5: a code of an authenticator is good for a minute and a half around the time that
// it is shown, and a code of the list has more bits than can be guessed or searched.
func TestASVS_6_5_CodesAreShortLivedOrLong(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		in := o.hire()
		for after, want := range map[time.Duration]error{59 * time.Second: nil, 60 * time.Second: signin.ErrRefused} {
			o.Pass(2 * signintest.Period)
			o.early()
			code := in.Code()
			o.Pass(after)
			_, _, err := in.Enters(in.Name, in.Password, code)
			wants(t, "a code that was first shown "+after.String()+" ago", err, want)
		}
		if code := in.Recovery[0]; len(code) != 24+5 {
			t.Errorf("%q has %d characters of 5 bits", code, len(code)-5)
		}
	})
}

// ASVS 6.2.8: a password is compared as it was typed, whole and with its case, and the same
// from every keyboard.
func TestASVS_6_2_8_APasswordIsComparedWhole(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		in := o.hire()
		right := strings.Repeat("长长的密码", 40) + "Ä" // 201 characters, and 602 bytes
		in.Do(func(ctx context.Context, tx *db.Tx) error {
			s, err := o.door.Find(ctx, tx, in.Secret)
			if err != nil {
				return err
			}
			link, err := o.door.Renew(ctx, tx, s)
			if err != nil {
				return err
			}
			by := signin.Browser{Kept: signin.Keep(), Session: in.Secret}
			at, err := o.door.Open(ctx, tx, link, by)
			if err != nil {
				return err
			}
			in.Authenticator = at.Secret
			c, err := o.door.Prepare(at, signin.Chosen{Name: pii.New(in.Name), Password: pii.New(right), Code: pii.New(in.Code())}, tx.Now())
			if err == nil {
				_, _, in.Recovery, err = o.door.SetUp(ctx, tx, link, by, c)
			}
			return err
		})
		for name, c := range map[string]struct {
			password string
			want     error
		}{
			"as it was typed":        {right, nil},
			"on another keyboard":    {strings.Repeat("长长的密码", 40) + "A\u0308", nil},
			"without its end":        {strings.TrimSuffix(right, "Ä"), signin.ErrRefused},
			"in another case":        {strings.TrimSuffix(right, "Ä") + "ä", signin.ErrRefused},
			"with a space behind it": {right + " ", signin.ErrRefused},
		} {
			_, _, err := in.Enters(in.Name, c.password, in.Recovery[0])
			wants(t, name, err, c.want)
			if err == nil {
				in.Recovery = in.Recovery[1:]
			}
		}
	})
}

// ASVS 7.2.3 and 7.2.4: the secret of a session has 256 random bits, and is a new one each
// time that somebody shows who it is; the former opens nothing.
func TestASVS_7_2_3_ASecretHas256Bits(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		in := o.hire()
		seen := map[string]bool{in.Secret: true}
		for i := range 3 {
			former := in.Secret
			c, err := in.Claims(in.Name, in.Password)
			if err != nil {
				t.Fatal(err)
			}
			in.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				in.Session, in.Secret, err = o.door.Enter(ctx, tx, c, pii.New(in.Recovery[i]), former)
				return err
			})
			if len(in.Secret) != 52 || seen[in.Secret] { // of 5 bits
				t.Errorf("%d characters", len(in.Secret))
			}
			seen[in.Secret] = true
			_, err = in.Find(former)
			wants(t, "the former", err, signin.ErrSignedOut)
		}
	})
}
