package signin_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/ledger"
	"wardkeep/internal/passkey"
	"wardkeep/internal/session/sessiontest"
	"wardkeep/internal/signin"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// An office is a world with persons inside.
type office struct {
	*vaulttest.World
	door signin.Door
}

var worker = staff.Grant{Role: staff.Worker, Service: vaulttest.Service}

func each(t *testing.T, fn func(t *testing.T, o *office)) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		fn(t, &office{w, signin.Door{Ring: w.Ring, Site: passkey.NewSite("https://console.example")}})
	})
}

func (o *office) hire(grants ...staff.Grant) *signintest.Insider {
	o.T.Helper()
	if len(grants) == 0 {
		grants = []staff.Grant{worker}
	}
	return signintest.Hire(o.T, o.Store, o.door, "李雷", grants...)
}

// early lets time go by until authenticators have just begun to show a code, which they
// then show for the rest of Period.
func (o *office) early() {
	now := o.Store.Now()
	o.Pass(now.Truncate(signintest.Period).Add(signintest.Period).Sub(now))
}

func wants(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func (o *office) count(query string, args ...any) (n int64) {
	o.T.Helper()
	o.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = db.One(ctx, tx, db.Single[int64], query, args...)
		return err
	})
	return n
}

// entries returns the kinds of the ledger's entries about persons, in their order.
func (o *office) entries() (kinds []string) {
	o.T.Helper()
	signer, _, err := ledger.NewSigner("wardkeep.test", make([]byte, 32))
	if err != nil {
		o.T.Fatal(err)
	}
	if err := ledger.Open(o.Store, "wardkeep.test", signer).Flush(context.Background()); err != nil {
		o.T.Fatal(err)
	}
	o.Do(func(ctx context.Context, tx *db.Tx) error {
		kinds = nil
		head, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		return ledger.Read(ctx, tx, 0, head.Size, func(p ledger.Placed) error {
			if strings.HasPrefix(p.Kind, "staff.") || strings.HasPrefix(p.Kind, "signin.") {
				kinds = append(kinds, strings.TrimPrefix(p.Kind, "signin."))
			}
			return nil
		})
	})
	return kinds
}

func TestArticle15_PasswordAndCodeAreBothNeeded(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		in := o.hire()
		o.Pass(time.Minute)
		for name, try := range map[string][3]string{
			"another password":   {in.Name, in.Password + "x", in.Code()},
			"no password":        {in.Name, "", in.Code()},
			"another code":       {in.Name, in.Password, "000000"},
			"no code":            {in.Name, in.Password, ""},
			"another name":       {"nobody", in.Password, in.Code()},
			"a code for no one":  {"", "", ""},
			"a very long name":   {strings.Repeat("长", 10_000), in.Password, in.Code()},
			"a very long secret": {in.Name, strings.Repeat("长", 10_000), in.Code()},
		} {
			_, _, err := in.Enters(try[0], try[1], try[2])
			wants(t, name, err, signin.ErrRefused)
			o.Do(func(ctx context.Context, tx *db.Tx) error { return tx.Queue(ctx, `DELETE FROM person_guess`) })
		}
		s, secret, err := in.Enters(" "+strings.ToUpper(in.Name), in.Password, in.Code()[:3]+" "+in.Code()[3:])
		if err != nil || s.Person.ID != in.ID || s.Way != signin.ByPassword {
			t.Fatalf("%s came in as %q by %q: %v", in.ID, s.Person.ID, s.Way, err)
		}
		if found, err := in.Find(secret); err != nil || found.ID != s.ID || !found.Person.May(staff.HandleDemands, vaulttest.Service) {
			t.Errorf("%v, %v", found.Person, err)
		}
		kinds := o.entries()
		if got := kinds[len(kinds)-1]; got != "opened" {
			t.Errorf("the ledger ends with %v", kinds)
		}
	})
}

// ASVS 6.2.10: nobody has to change a password because time has gone by.
func TestASVS_6_2_10_APasswordIsGoodForYears(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		in := o.hire()
		o.Pass(10 * 365 * 24 * time.Hour)
		if _, _, err := in.Enters(in.Name, in.Password, in.Code()); err != nil {
			t.Error(err)
		}
	})
}

// RFC 6238, 5.2: the verifier must not accept the second attempt of a code.
func TestArticle15_ACodeCountsOnce(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.early()
		in := o.hire()
		_, _, err := in.Enters(in.Name, in.Password, in.Code())
		wants(t, "the code that set up", err, signin.ErrRefused)
		o.Pass(signintest.Period)
		former := in.Code()
		o.Pass(signintest.Period)
		code := in.Code()
		if _, _, err := in.Enters(in.Name, in.Password, code); err != nil {
			t.Fatal(err)
		}
		_, _, err = in.Enters(in.Name, in.Password, code)
		wants(t, "twice", err, signin.ErrRefused)
		_, _, err = in.Enters(in.Name, in.Password, former)
		wants(t, "an older one", err, signin.ErrRefused)
		o.Pass(2 * signintest.Period)
		_, _, err = in.Enters(in.Name, in.Password, former)
		wants(t, "one of a minute and a half ago", err, signin.ErrRefused)
	})
}

func TestArticle15_ARecoveryCodeCountsOnce(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		in, other := o.hire(), o.hire()
		if len(in.Recovery) != 10 {
			t.Fatalf("%d codes", len(in.Recovery))
		}
		s, _, err := in.Enters(in.Name, in.Password, strings.ToUpper(in.Recovery[3]))
		if err != nil || s.Way != signin.ByRecovery {
			t.Fatalf("by %q: %v", s.Way, err)
		}
		_, _, err = in.Enters(in.Name, in.Password, in.Recovery[3])
		wants(t, "twice", err, signin.ErrRefused)
		_, _, err = other.Enters(other.Name, other.Password, in.Recovery[4])
		wants(t, "somebody else's", err, signin.ErrRefused)
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			return tx.Queue(ctx, `UPDATE person_recovery SET person = $1`, other.ID)
		})
		_, _, err = other.Enters(other.Name, other.Password, in.Recovery[4])
		wants(t, "made somebody else's by hand", err, signin.ErrRefused)
	})
}

// Who guesses waits, with a name that somebody has as with one that nobody has, and
// learns nothing by it; a right try in between is refused, too.
func TestArticle15_GuessesAreLimitedForKnownAndUnknownNames(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		in := o.hire()
		o.Pass(time.Minute)
		for _, name := range []string{in.Name, "nobody"} {
			for range 5 {
				_, _, err := in.Enters(name, "wrong wrong wrong", "000000")
				wants(t, name, err, signin.ErrRefused)
			}
			_, _, err := in.Enters(name, in.Password, in.Code())
			var locked *signin.Locked
			if !errors.As(err, &locked) || locked.Until.Sub(o.Store.Now()) > time.Minute || !locked.Until.After(o.Store.Now()) {
				t.Errorf("%s: %v", name, err)
			}
		}
		// A claim from before is counted, and refused.
		o.Pass(61 * time.Second)
		c, err := in.Claims(in.Name, in.Password)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			_, _, err := in.Enters(in.Name, "wrong wrong wrong", "000000")
			wants(t, "again", err, signin.ErrRefused)
		}
		err = in.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := in.Door.Enter(ctx, tx, c, pii.New(in.Code()), "")
			return err
		})
		wants(t, "a claim from before", err, signin.ErrLocked)
		o.Pass(time.Minute)
		_, _, err = in.Enters(in.Name, in.Password, in.Code())
		wants(t, "after a minute: it is two now", err, signin.ErrLocked)
		o.Pass(62 * time.Second)
		if _, _, err = in.Enters(in.Name, in.Password, in.Code()); err != nil {
			t.Errorf("after two minutes: %v", err)
		}
		kinds := o.entries()
		n := func(kind string) (n int) {
			for _, k := range kinds {
				if k == kind {
					n++
				}
			}
			return n
		}
		if n("failed") != 8 || n("locked") != 2 {
			t.Errorf("%d failed, %d locked", n("failed"), n("locked"))
		}
		o.Pass(25 * time.Hour)
		o.Do(func(ctx context.Context, tx *db.Tx) error { _, err := signin.Sweep(ctx, tx, 100); return err })
		if n := o.count(`SELECT count(*) FROM person_guess`); n != 0 {
			t.Errorf("%d counts after a day", n)
		}
	})
}

// Many tries at once get no more of them than one after the other.
func TestArticle15_GuessesAtOnceAreCountedOneByOne(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		in := o.hire()
		o.Pass(time.Minute)
		c, err := in.Claims(in.Name, in.Password)
		if err != nil {
			t.Fatal(err)
		}
		refused := make(chan error, 12)
		for range cap(refused) {
			go func() {
				refused <- in.Try(func(ctx context.Context, tx *db.Tx) error {
					_, _, err := in.Door.Enter(ctx, tx, c, pii.New("000000"), "")
					return err
				})
			}()
		}
		looked := 0
		for range cap(refused) {
			if err := <-refused; errors.Is(err, signin.ErrRefused) {
				looked++
			} else {
				wants(t, "at once", err, signin.ErrLocked)
			}
		}
		if looked != 5 {
			t.Errorf("%d tries were looked at", looked)
		}
	})
}

func TestArticle15_TheLinkToSetUpIsGoodOnceAndForADay(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		in := o.hire()
		invite := func() (link string) {
			in.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				link, _, err = o.door.Invite(ctx, tx, signintest.By, in.ID)
				return err
			})
			return link
		}
		by := signin.Browser{Kept: signin.Keep()}
		opens := func(link string) error {
			return in.Try(func(ctx context.Context, tx *db.Tx) error { _, err := o.door.Open(ctx, tx, link, by); return err })
		}
		first := invite()
		second := invite()
		wants(t, "another took its place", opens(first), signin.ErrLink)
		wants(t, "none", opens(""), signin.ErrLink)
		wants(t, "long", opens(strings.Repeat("a", 1000)), signin.ErrLink)
		wants(t, "open", opens(second), nil)
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			return tx.Queue(ctx, `UPDATE person_invite SET until = until + 1`)
		})
		wants(t, "made younger by hand", opens(second), signin.ErrLink)
		second = invite()
		old := in.Secret
		in.SetUp(second)
		wants(t, "used", opens(second), signin.ErrLink)
		_, err := in.Find(old)
		wants(t, "a session of before", err, signin.ErrSignedOut)
		third := invite()
		o.Pass(24 * time.Hour)
		wants(t, "a day later", opens(third), signin.ErrLink)
		o.Do(func(ctx context.Context, tx *db.Tx) error { _, err := signin.Sweep(ctx, tx, 100); return err })
		if n := o.count(`SELECT count(*) FROM person_invite`); n != 0 {
			t.Errorf("%d links are left", n)
		}
		err = in.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := o.door.Invite(ctx, tx, staff.Person{ID: in.ID, State: staff.Active}, in.ID)
			return err
		})
		wants(t, "for oneself", err, staff.ErrSelf)
	})
}

func TestArticle15_WhatCanNotBeChosen(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		in, other := o.hire(), o.hire()
		var link string
		var at signin.SettingUp
		by := signin.Browser{Kept: signin.Keep()}
		in.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			if link, _, err = o.door.Invite(ctx, tx, signintest.By, in.ID); err == nil {
				at, err = o.door.Open(ctx, tx, link, by)
			}
			return err
		})
		in.Authenticator = at.Secret
		good := signin.Chosen{Name: pii.New("li.lei"), Password: pii.New("十二个字的密码就够长了吧"), Code: pii.New(in.Code())}
		mine, err := catalogCurrent(o)
		if err != nil {
			t.Fatal(err)
		}
		for name, try := range map[string]struct {
			change func(c *signin.Chosen)
			want   error
		}{
			"the service's name":     {func(c *signin.Chosen) { c.Password = pii.New(vaulttest.Service + "@2026") }, signin.ErrCommon},
			"the operator's name":    {func(c *signin.Chosen) { c.Password = pii.New(strings.ToUpper(mine.Operator.Name.EN) + "123") }, signin.ErrCommon},
			"in Chinese":             {func(c *signin.Chosen) { c.Password = pii.New(mine.Operator.Name.ZH + "8888888") }, signin.ErrCommon},
			"the program's name":     {func(c *signin.Chosen) { c.Password = pii.New("Wardkeep#2026") }, signin.ErrCommon},
			"one's own name":         {func(c *signin.Chosen) { c.Password = pii.New("李雷李雷李雷1990123") }, signin.ErrCommon},
			"one that leaked":        {func(c *signin.Chosen) { c.Password = pii.New("CounterStrike") }, signin.ErrCommon},
			"a sentence with a name": {func(c *signin.Chosen) { c.Password = pii.New("李雷从来不会早起跑步") }, signin.ErrShort},
			"a longer one":           {func(c *signin.Chosen) { c.Password = pii.New("李雷从来不会早起跑步喝豆浆") }, nil},
			"as it should be":        {func(*signin.Chosen) {}, nil},
			"no name":                {func(c *signin.Chosen) { c.Name = pii.Text{} }, signin.ErrName},
			"a name of two lines":    {func(c *signin.Chosen) { c.Name = pii.New("li\nlei") }, signin.ErrName},
			"a name of 101":          {func(c *signin.Chosen) { c.Name = pii.New(strings.Repeat("l", 101)) }, signin.ErrName},
			"eleven characters":      {func(c *signin.Chosen) { c.Password = pii.New("十一个字的密码不够长吧") }, signin.ErrShort},
			"257 characters":         {func(c *signin.Chosen) { c.Password = pii.New(strings.Repeat("长短", 129)) }, signin.ErrLong},
			"very many":              {func(c *signin.Chosen) { c.Password = pii.New(strings.Repeat("长短", 100_000)) }, signin.ErrLong},
			"what everybody takes":   {func(c *signin.Chosen) { c.Password = pii.New("QwertyUiop123") }, signin.ErrCommon},
			"the same again":         {func(c *signin.Chosen) { c.Password = pii.New("abcabcabcabcab") }, signin.ErrCommon},
			"the name and a number":  {func(c *signin.Chosen) { c.Name, c.Password = pii.New("li.lei.li"), pii.New("Li.Lei.Li2024!") }, signin.ErrCommon},
			"another code":           {func(c *signin.Chosen) { c.Code = pii.New("000000") }, signin.ErrCodeWord},
			"a code of another link": {func(c *signin.Chosen) { c.Code = pii.New(other.Code()) }, signin.ErrCodeWord},
		} {
			c := good
			try.change(&c)
			_, err := o.door.Prepare(at, c, o.Store.Now())
			wants(t, name, err, try.want)
		}
		good.Name = pii.New(strings.ToUpper(other.Name))
		c, err := o.door.Prepare(at, good, o.Store.Now())
		if err != nil {
			t.Fatal(err)
		}
		err = in.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, _, err := o.door.SetUp(ctx, tx, link, by, c)
			return err
		})
		wants(t, "a name that somebody has", err, signin.ErrTaken)
		if _, err := in.Find(in.Secret); err != nil {
			t.Errorf("nothing half done: %v", err)
		}
	})
}

// A leaver loses everything at once, and so does who is reset.
func TestArticle15_ALeaverLosesEverythingAtOnce(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		for name, ends := range map[string]func(ctx context.Context, tx *db.Tx, in *signintest.Insider) error{
			"left": func(ctx context.Context, tx *db.Tx, in *signintest.Insider) error {
				_, err := signin.Leave(ctx, tx, signintest.By, in.ID)
				return err
			},
			"reset": func(ctx context.Context, tx *db.Tx, in *signintest.Insider) error {
				_, _, err := o.door.Reset(ctx, tx, signintest.By, in.ID)
				return err
			},
		} {
			in := o.hire()
			device := o.adds(in)
			o.Pass(time.Minute)
			_, second, err := in.Enters(in.Name, in.Password, in.Code())
			if err != nil {
				t.Fatal(err)
			}
			o.Pass(time.Minute)
			c, err := in.Claims(in.Name, in.Password) // the password was right before
			if err != nil {
				t.Fatal(err)
			}
			in.Do(func(ctx context.Context, tx *db.Tx) error { return ends(ctx, tx, in) })
			for _, secret := range []string{in.Secret, second} {
				_, err := in.Find(secret)
				wants(t, name+": a session", err, signin.ErrSignedOut)
			}
			_, err = o.shows(in, device, signin.Session{})
			wants(t, name+": a passkey", err, signin.ErrPasskey)
			err = in.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := o.door.Enter(ctx, tx, c, pii.New(in.Code()), "")
				return err
			})
			wants(t, name+": a claim from before", err, signin.ErrRefused)
			for _, table := range []string{"person_session", "person_login", "person_recovery", "person_passkey"} {
				if n := o.count(`SELECT count(*) FROM `+table+` WHERE person = $1`, in.ID); n != 0 {
					t.Errorf("%s: %d rows in %s", name, n, table)
				}
			}
			links := o.count(`SELECT count(*) FROM person_invite WHERE person = $1`, in.ID)
			if want := int64(len(name) - len("left")); links != want {
				t.Errorf("%s: %d links, want %d", name, links, want)
			}
		}
	})
}

// The roles are looked up each time: what was taken is gone with the next page.
func TestArticle15_ASessionCarriesNoRole(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		in := o.hire()
		in.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := staff.Take(ctx, tx, signintest.By, in.ID, worker)
			return err
		})
		s, err := in.Find(in.Secret)
		if err != nil || s.Person.MaySomewhere(staff.HandleDemands) {
			t.Errorf("%v, %v", s.Person.Grants, err)
		}
	})
}

func TestArticle15_SessionsAreShort(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		in := o.hire()
		seen := func() {
			in.Do(func(ctx context.Context, tx *db.Tx) error {
				s, err := o.door.Find(ctx, tx, in.Secret)
				if err != nil {
					return err
				}
				return o.door.Seen(ctx, tx, s)
			})
		}
		for range 33 { // 7 h 42 min with a page now and then
			o.Pass(14 * time.Minute)
			seen()
		}
		o.Pass(14 * time.Minute)
		if _, err := in.Find(in.Secret); err != nil {
			t.Error(err)
		}
		seen()
		o.Pass(5 * time.Minute)
		_, err := in.Find(in.Secret)
		wants(t, "after eight hours", err, signin.ErrSignedOut)

		in = o.hire()
		o.Pass(15 * time.Minute)
		_, err = in.Find(in.Secret)
		wants(t, "after a quarter of an hour without a page", err, signin.ErrSignedOut)
		o.Do(func(ctx context.Context, tx *db.Tx) error { _, err := signin.Sweep(ctx, tx, 100); return err })
		if n := o.count(`SELECT count(*) FROM person_session`); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
}

func TestArticle15_SteppingUpIsShortAndGivesANewSecret(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		in, other := o.hire(), o.hire()
		fresh := func() error {
			s, err := in.Find(in.Secret)
			if err != nil {
				t.Fatal(err)
			}
			return s.IsFresh(o.Store.Now())
		}
		wants(t, "just signed in", fresh(), nil)
		o.Pass(5 * time.Minute)
		wants(t, "five minutes later", fresh(), signin.ErrStale)
		stepUp := func(as *signintest.Insider, password, code string) (secret string, err error) {
			s, err := in.Find(in.Secret)
			if err != nil {
				t.Fatal(err)
			}
			var c signin.Claim
			of, err := as.Find(as.Secret)
			if err != nil {
				t.Fatal(err)
			}
			as.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				c, err = o.door.LookAt(ctx, tx, of)
				return err
			})
			c = o.door.Try(c, pii.New(password))
			err = in.Try(func(ctx context.Context, tx *db.Tx) (err error) {
				secret, err = o.door.StepUp(ctx, tx, s, c, pii.New(code))
				return err
			})
			return secret, err
		}
		_, err := stepUp(in, in.Password, "000000")
		wants(t, "a wrong code", err, signin.ErrRefused)
		_, err = stepUp(other, other.Password, other.Code())
		wants(t, "somebody else", err, signin.ErrRefused)
		former := in.Secret
		if in.Secret, err = stepUp(in, in.Password, in.Code()); err != nil {
			t.Fatal(err)
		}
		wants(t, "stepped up", fresh(), nil)
		_, err = in.Find(former)
		wants(t, "the former secret", err, signin.ErrSignedOut)
		o.Pass(-time.Minute)
		wants(t, "a clock that was set back", fresh(), signin.ErrStale)
	})
}

// adds gives a person a passkey.
func (o *office) adds(in *signintest.Insider) *sessiontest.Device {
	o.T.Helper()
	d := &sessiontest.Device{T: o.T}
	in.Do(func(ctx context.Context, tx *db.Tx) error {
		s, err := o.door.Find(ctx, tx, in.Secret)
		if err != nil {
			return err
		}
		options, kept, err := o.door.Offer(ctx, tx, s)
		if err != nil {
			return err
		}
		return o.door.Add(ctx, tx, s, kept, d.Make(options))
	})
	return d
}

// shows signs in by a passkey, or steps up.
func (o *office) shows(in *signintest.Insider, d *sessiontest.Device, s signin.Session) (secret string, err error) {
	options, kept, err := o.door.Ask(o.Store.Now(), s)
	if err != nil {
		return "", err
	}
	answer := d.Show(options)
	err = in.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		if _, err := o.door.Shows(ctx, tx, kept, s, answer); err != nil {
			return err
		}
		if s.ID != "" {
			secret, err = o.door.StepUpByPasskey(ctx, tx, s, kept, answer)
			return err
		}
		_, secret, err = o.door.EnterByPasskey(ctx, tx, kept, "", answer)
		return err
	})
	return secret, err
}

func TestArticle15_APasskeyIsBothFactors(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		in, other := o.hire(), o.hire()
		d := o.adds(in)
		secret, err := o.shows(in, d, signin.Session{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := in.Find(secret)
		if err != nil || s.Person.ID != in.ID || s.Way != signin.ByPasskey {
			t.Fatalf("%s by %q, %v", s.Person.ID, s.Way, err)
		}
		d.Unverified = true
		_, err = o.shows(in, d, signin.Session{})
		wants(t, "nobody looked who holds it", err, signin.ErrPasskey)
		d.Unverified = false

		o.Pass(5 * time.Minute)
		if err := in.Try(func(ctx context.Context, tx *db.Tx) error { _, _, err := o.door.Offer(ctx, tx, s); return err }); !errors.Is(err, signin.ErrStale) {
			t.Errorf("a passkey is added in a session that isn't fresh: %v", err)
		}
		wants(t, "removed in a session that isn't fresh", in.Try(func(ctx context.Context, tx *db.Tx) error {
			return o.door.RemovePasskey(ctx, tx, s, "")
		}), signin.ErrStale)
		theirs, err := other.Find(other.Secret)
		if err != nil {
			t.Fatal(err)
		}
		_, err = o.shows(in, d, theirs)
		wants(t, "it frees somebody else's session", err, signin.ErrPasskey)
		fresh, err := o.shows(in, d, s)
		if err != nil {
			t.Fatal(err)
		}
		_, err = in.Find(secret)
		wants(t, "the former secret", err, signin.ErrSignedOut)
		if s, err = in.Find(fresh); err != nil || s.IsFresh(o.Store.Now()) != nil {
			t.Fatal(err)
		}
		in.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := o.door.Passkeys(ctx, tx, s)
			if err != nil || len(all) != 1 {
				t.Fatalf("%d passkeys, %v", len(all), err)
			}
			return o.door.RemovePasskey(ctx, tx, s, all[0].ID)
		})
		_, err = o.shows(in, d, signin.Session{})
		wants(t, "removed", err, signin.ErrPasskey)
		_, err = in.Find(in.Secret)
		wants(t, "the other session of who lost a device", err, signin.ErrSignedOut)
	})
}

// An answer that was caught on its way serves once, and in one browser.
func TestArticle15_AnAnswerOfAPasskeyCountsOnce(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		in := o.hire()
		d := o.adds(in)
		options, kept, err := o.door.Ask(o.Store.Now(), signin.Session{})
		if err != nil {
			t.Fatal(err)
		}
		answer := d.Show(options)
		enter := func(kept string) error {
			return in.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := o.door.EnterByPasskey(ctx, tx, kept, "", answer)
				return err
			})
		}
		_, others, err := o.door.Ask(o.Store.Now(), signin.Session{})
		if err != nil {
			t.Fatal(err)
		}
		wants(t, "another browser", enter(others), signin.ErrPasskey)
		wants(t, "once", enter(kept), nil)
		wants(t, "twice", enter(kept), signin.ErrPasskey)
	})
}

// noted counts the entries about who comes and goes, by their kinds.
func (o *office) noted() (kinds map[string]int) {
	o.T.Helper()
	o.Do(func(ctx context.Context, tx *db.Tx) error {
		kinds = make(map[string]int)
		return ledger.Pending(ctx, tx, func(p ledger.Placed) error {
			if kind, is := strings.CutPrefix(p.Kind, "signin."); is {
				kinds[kind]++
			}
			return nil
		})
	})
	return kinds
}

// Article 15: who comes, goes, shows once more who they are, or tries to be somebody, is in the
// ledger, once each, and so is what they sign in with.
func TestArticle15_WhoComesAndGoesIsInTheLedger(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		in := o.hire()
		s, first := in.Session, in.Secret
		device := &sessiontest.Device{T: t}
		before := o.noted()
		if want := (map[string]int{"invited": 1, "set_up": 1, "opened": 1}); !maps.Equal(before, want) {
			t.Errorf("set up: %v", before)
		}
		does := func(what string, want map[string]int, fn func() error) {
			t.Helper()
			if err := fn(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			now := o.noted()
			for kind, n := range want {
				before[kind] += n
			}
			if diff := cmp.Diff(before, now); diff != "" {
				t.Errorf("%s (-want +in the ledger):\n%s", what, diff)
			}
			before = now
		}
		refused := func(_ signin.Session, _ string, err error) error {
			wants(t, "a wrong code", err, signin.ErrRefused)
			return nil
		}
		o.Pass(time.Minute)
		does("tries", map[string]int{"failed": 1}, func() error { return refused(in.Enters(in.Name, in.Password, "000000")) })
		does("comes", map[string]int{"opened": 1}, func() (err error) {
			s, in.Secret, err = in.Enters(in.Name, in.Password, in.Code())
			return err
		})
		does("adds a passkey", map[string]int{"passkey_added": 1}, func() error {
			return in.Try(func(ctx context.Context, tx *db.Tx) error {
				options, kept, err := o.door.Offer(ctx, tx, s)
				if err != nil {
					return err
				}
				return o.door.Add(ctx, tx, s, kept, device.Make(options))
			})
		})
		does("comes by it", map[string]int{"opened": 1}, func() error { _, err := o.shows(in, device, signin.Session{}); return err })
		does("shows once more who it is", map[string]int{"stepped_up": 1}, func() (err error) {
			if in.Secret, err = o.shows(in, device, s); err == nil {
				s, err = in.Find(in.Secret)
			}
			return err
		})
		does("removes it, and is out elsewhere", map[string]int{"passkey_removed": 1, "ended": 2}, func() error {
			return in.Try(func(ctx context.Context, tx *db.Tx) error {
				all, err := o.door.Passkeys(ctx, tx, s)
				if err != nil {
					return err
				}
				return o.door.RemovePasskey(ctx, tx, s, all[0].ID)
			})
		})
		if _, err := in.Find(first); !errors.Is(err, signin.ErrSignedOut) {
			t.Errorf("the first browser: %v", err)
		}
		does("goes", map[string]int{"ended": 1}, func() error {
			return in.Try(func(ctx context.Context, tx *db.Tx) error { return signin.SignOut(ctx, tx, s) })
		})
		o.Pass(time.Minute)
		does("comes again", map[string]int{"opened": 1}, func() (err error) {
			s, in.Secret, err = in.Enters(in.Name, in.Password, in.Code())
			return err
		})
		o.Pass(signin.Idle)
		does("goes without a word", map[string]int{"ended": 1}, func() error {
			return in.Try(func(ctx context.Context, tx *db.Tx) error { _, err := signin.Sweep(ctx, tx, 100); return err })
		})
		does("comes once more", map[string]int{"opened": 1}, func() (err error) {
			s, in.Secret, err = in.Enters(in.Name, in.Password, in.Code())
			return err
		})
		does("leaves", map[string]int{"ended": 1}, func() error {
			return in.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := signin.Leave(ctx, tx, signintest.By, in.ID)
				return err
			})
		})
	})
}

func TestArticle15_MySessionsAndNobodyElses(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		in, other := o.hire(), o.hire()
		o.Pass(time.Minute)
		s, secret, err := in.Enters(in.Name, in.Password, in.Code())
		if err != nil {
			t.Fatal(err)
		}
		in.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := signin.Sessions(ctx, tx, s)
			if len(all) != 2 || all[1].ID != s.ID {
				t.Errorf("%d sessions", len(all))
			}
			return err
		})
		end := func(id string) error {
			return in.Try(func(ctx context.Context, tx *db.Tx) error { return signin.End(ctx, tx, s, id) })
		}
		wants(t, "another person's", end(other.Session.ID), signin.ErrNoSession)
		wants(t, "none", end("ss_x"), signin.ErrNoSession)
		stale := s
		stale.FreshAt = s.FreshAt.Add(-signin.Fresh)
		wants(t, "without having shown who it is", in.Try(func(ctx context.Context, tx *db.Tx) error {
			return signin.End(ctx, tx, stale, in.Session.ID)
		}), signin.ErrStale)
		wants(t, "one's own", end(in.Session.ID), nil)
		_, err = in.Find(in.Secret)
		wants(t, "an ended one", err, signin.ErrSignedOut)
		in.Do(func(ctx context.Context, tx *db.Tx) error { return signin.SignOut(ctx, tx, s) })
		_, err = in.Find(secret)
		wants(t, "signed out", err, signin.ErrSignedOut)
		if _, err := other.Find(other.Secret); err != nil {
			t.Error(err)
		}
	})
}

// Whoever can write to the database, and has no keys, signs in as nobody.
func TestArticle15_RowsChangedByHandAreNobodys(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		mine, theirs := o.hire(), o.hire(staff.Grant{Role: staff.Auditor})
		o.Pass(time.Minute)
		undo := errors.New("undone")
		for name, c := range map[string]struct{ query, from string }{
			"a session of another":      {`UPDATE person_session SET person = $1 WHERE person = $2`, mine.ID},
			"a session that is fresh":   {`UPDATE person_session SET fresh_at = fresh_at + 1, person = $1 WHERE person = $2`, theirs.ID},
			"a session that lasts":      {`UPDATE person_session SET most_until = most_until + 1, person = $1 WHERE person = $2`, theirs.ID},
			"a session that began late": {`UPDATE person_session SET created_at = created_at + 1, person = $1 WHERE person = $2`, theirs.ID},
		} {
			err := theirs.Try(func(ctx context.Context, tx *db.Tx) error {
				if n, err := tx.Exec(ctx, c.query, theirs.ID, c.from); err != nil || n == 0 {
					t.Fatalf("%s: %d rows, %v", name, n, err)
				}
				secret := theirs.Secret
				if c.from == mine.ID {
					secret = mine.Secret
				}
				_, err := o.door.Find(ctx, tx, secret)
				wants(t, name, err, signin.ErrSignedOut)
				return undo
			})
			wants(t, name, err, undo)
		}
		// My password, authenticator or login in the place of theirs.
		for query, c := range map[string]struct{ before, name string }{
			`UPDATE person_login SET password = (SELECT password FROM person_login WHERE person = $1) WHERE person = $2`: {"", theirs.Name},
			`UPDATE person_login SET totp = (SELECT totp FROM person_login WHERE person = $1) WHERE person = $2`:         {"", theirs.Name},
			`UPDATE person_login SET person = $2 WHERE person = $1`:                                                      {`DELETE FROM person_login WHERE person = $2 AND person <> $1`, mine.Name},
			`UPDATE person_login SET set_at = set_at + 1 WHERE person IN ($1, $2)`:                                       {"", theirs.Name},
		} {
			err := theirs.Try(func(ctx context.Context, tx *db.Tx) error {
				for _, q := range []string{c.before, query} {
					if q == "" {
						continue
					}
					if n, err := tx.Exec(ctx, q, mine.ID, theirs.ID); err != nil || n == 0 {
						t.Fatalf("%s: %d rows, %v", q, n, err)
					}
				}
				c, err := o.door.Look(ctx, tx, pii.New(c.name))
				if err != nil {
					return err
				}
				for _, as := range []*signintest.Insider{mine, theirs} {
					_, _, err = o.door.Enter(ctx, tx, o.door.Try(c, pii.New(as.Password)), pii.New(as.Code()), "")
					wants(t, query, err, signin.ErrRefused)
				}
				return undo
			})
			wants(t, query, err, undo)
		}
	})
}

// Invariant 9: neither what a person types nor what the authenticator shares is in the
// tables; and invariant 6: the ledger names nobody.
func TestInvariant9_NothingThatSignsInIsInPlain(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		in := o.hire()
		in.Door = o.door // where a password takes what it does
		var link string
		in.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			link, _, err = o.door.Invite(ctx, tx, signintest.By, in.ID)
			return err
		})
		in.SetUp(link)
		device := o.adds(in)
		_, _ = in, device
		var all [][]byte
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			all = nil
			for _, query := range []string{
				`SELECT name, totp, bound FROM person_login ORDER BY person`,
				`SELECT code, code, code FROM person_recovery ORDER BY code`,
				`SELECT secret, bound, bound FROM person_session ORDER BY id`,
				`SELECT entry, entry, entry FROM ledger_pending ORDER BY id`,
			} {
				if err := db.Each(ctx, tx, func(row db.Row) error {
					var a, b, c []byte
					err := row.Scan(&a, &b, &c)
					all = append(all, a, b, c)
					return err
				}, query); err != nil {
					return err
				}
			}
			password, err := db.One(ctx, tx, db.Single[string], `SELECT password FROM person_login`)
			all = append(all, []byte(password))
			return err
		})
		secrets := []string{in.Name, in.Password, in.Authenticator, string(in.Decodes()), in.Secret, "李雷"}
		for _, code := range in.Recovery {
			secrets = append(secrets, code, strings.ReplaceAll(code, "-", ""))
		}
		for _, b := range all {
			for _, s := range secrets {
				if bytes.Contains(b, []byte(s)) {
					t.Errorf("%q is in %q", s, b)
				}
			}
		}
		if !slices.ContainsFunc(all, func(b []byte) bool { return bytes.HasPrefix(b, []byte("$argon2id$v=19$m=19456,t=2,p=1$")) }) {
			t.Error("the password isn't kept as it should be")
		}
	})
}
