// Package signintest gives tests persons inside, with an authenticator that shows
// codes.
//
// Its one invariant: they come in by the doors that everybody does.
package signintest

import (
	"context"
	"encoding/base32"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// By is the operator at the terminal, who hires.
var By = catalog.Operator{ID: "test"}

// An Insider is a person who has set up how to sign in.
type Insider struct {
	T     testing.TB
	Store *db.DB
	Door  signin.Door

	ID             string
	Name, Password string
	Recovery       []string
	Authenticator  string // the secret, as it is typed
	Session        signin.Session
	Secret         string // of the browser that set up
}

// Hire makes an account with these roles, and sets up how to sign in to it.
func Hire(t testing.TB, store *db.DB, door signin.Door, name string, grants ...staff.Grant) *Insider {
	t.Helper()
	door.Work = signin.Work{KiB: 8, Passes: 1} // the least there is: hundreds are hired
	in := &Insider{T: t, Store: store, Door: door}
	var link string
	in.Do(func(ctx context.Context, tx *db.Tx) error {
		p, err := staff.Add(ctx, tx, By, name, grants[0])
		for _, g := range grants[1:] {
			if err == nil {
				_, err = staff.Give(ctx, tx, By, p.ID, g)
			}
		}
		if err == nil {
			in.ID = p.ID
			link, _, err = door.Invite(ctx, tx, By, p.ID)
		}
		return err
	})
	in.SetUp(link)
	return in
}

// Do runs fn in a transaction that must succeed.
func (in *Insider) Do(fn func(ctx context.Context, tx *db.Tx) error) {
	in.T.Helper()
	if err := in.Try(fn); err != nil {
		in.T.Fatal(err)
	}
}

// Try runs fn in a transaction.
func (in *Insider) Try(fn func(ctx context.Context, tx *db.Tx) error) error {
	ctx := context.Background()
	return in.Store.Update(ctx, func(tx *db.Tx) error { return fn(ctx, tx) })
}

// SetUp sets up how to sign in, at a link, with a name and a password that nobody has.
func (in *Insider) SetUp(link string) {
	in.T.Helper()
	in.Name, in.Password = "n-"+id.Secret(16), "p-"+id.Secret(16)
	by := signin.Browser{Kept: signin.Keep(), Session: in.Secret}
	var at signin.SettingUp
	in.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		at, err = in.Door.Open(ctx, tx, link, by)
		return err
	})
	in.Authenticator = at.Secret
	c, err := in.Door.Prepare(at, signin.Chosen{Name: pii.New(in.Name), Password: pii.New(in.Password), Code: pii.New(in.Code())}, in.Store.Now())
	if err != nil {
		in.T.Fatal(err)
	}
	in.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		in.Session, in.Secret, in.Recovery, err = in.Door.SetUp(ctx, tx, link, by, c)
		return err
	})
}

// Code is what the authenticator shows.
func (in *Insider) Code() string {
	in.T.Helper()
	code, err := totp.GenerateCodeCustom(in.Authenticator, in.Store.Now(), totp.ValidateOpts{Period: 30, Digits: otp.DigitsSix})
	if err != nil {
		in.T.Fatal(err)
	}
	return code
}

// Claims begins a sign-in.
func (in *Insider) Claims(name, password string) (c signin.Claim, err error) {
	ctx := context.Background()
	err = in.Store.View(ctx, func(tx *db.Tx) (err error) {
		c, err = in.Door.Look(ctx, tx, pii.New(name))
		return err
	})
	if err != nil {
		return c, err
	}
	return in.Door.Try(c, pii.New(password)), nil
}

// Enters signs in, with any name, password and code.
func (in *Insider) Enters(name, password, code string) (s signin.Session, secret string, err error) {
	c, err := in.Claims(name, password)
	if err != nil {
		return s, "", err
	}
	err = in.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		s, secret, err = in.Door.Enter(ctx, tx, c, pii.New(code), "")
		return err
	})
	return s, secret, err
}

// Find returns what the door says of a browser.
func (in *Insider) Find(secret string) (s signin.Session, err error) {
	ctx := context.Background()
	err = in.Store.View(ctx, func(tx *db.Tx) (err error) {
		s, err = in.Door.Find(ctx, tx, secret)
		return err
	})
	return s, err
}

// Decodes returns the bytes of the authenticator's secret.
func (in *Insider) Decodes() []byte {
	in.T.Helper()
	b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(in.Authenticator)
	if err != nil {
		in.T.Fatal(err)
	}
	return b
}

// Period is how long the authenticator shows a code.
const Period = 30 * time.Second
