package main

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/party"
)

// errKeyExists keeps a private key from being written over another one.
var errKeyExists = errs.New(errs.Conflict, "cmd.party.key_exists")

type partyKeyCmd struct {
	New    partyKeyNewCmd    `cmd:"" help:"${party_key_new}"`
	Add    partyKeyAddCmd    `cmd:"" help:"${party_key_add}"`
	List   partyKeyListCmd   `cmd:"" help:"${party_key_list}"`
	Revoke partyKeyRevokeCmd `cmd:"" help:"${party_key_revoke}"`
}

type partyKeyNewCmd struct {
	Out string `required:"" placeholder:"FILE" help:"${party_key_out}"`
}

// Run makes a key where the party is: it needs no store. The private half goes into a file that
// nobody else reads, and the public half is printed.
func (c partyKeyNewCmd) Run(s *session) error {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	open, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return errKeyExists.At("out")
	}
	if err != nil {
		return err
	}
	if err := errors.Join(pem.Encode(file, &pem.Block{Type: "PRIVATE KEY", Bytes: secret}), file.Sync(), file.Close()); err != nil {
		return err
	}
	s.note("cmd.party.key_made", "File", c.Out)
	return pem.Encode(s.out, &pem.Block{Type: "PUBLIC KEY", Bytes: open})
}

type partyKeyAddCmd struct {
	whichParty `embed:""`
	Public     string `required:"" placeholder:"FILE" help:"${party_key_public}"`
	Until      string `placeholder:"2026-12-31T18:00:00+08:00" help:"${party_key_until}"`
	Country    string `placeholder:"CN" help:"${party_key_country}"`
}

// Run binds the public half of a key to what a party stands on.
func (c partyKeyAddCmd) Run(ctx context.Context, s *session) error {
	var until time.Time
	if c.Until != "" {
		var err error
		if until, err = time.Parse(time.RFC3339, c.Until); err != nil {
			return party.ErrPeriod.At("until")
		}
	}
	file, err := os.Open(c.Public)
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxForm))
	if err != nil {
		return err
	}
	bind, err := party.ReadPublic(string(text))
	if err != nil {
		return errs.Of(err).At("public")
	}
	return c.key(ctx, s, func(tx *db.Tx) (party.Key, error) {
		by, err := c.officer(ctx, tx)
		if err != nil {
			return party.Key{}, err
		}
		k, _, err := bind(ctx, tx, by, c.id(), c.Country, until)
		return k, err
	})
}

type partyKeyListCmd struct {
	whichParty `embed:""`
}

// Run prints the keys of a party, those too that are none any more.
func (c partyKeyListCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		return a.Store.View(ctx, func(tx *db.Tx) error {
			if err := c.inOffice(ctx, tx); err != nil {
				return err
			}
			p, err := party.Find(ctx, tx, c.id())
			if err != nil {
				return err
			}
			all, err := party.Keys(ctx, tx, c.id())
			if err == nil && len(all) == 0 {
				s.note("cmd.nothing")
			}
			for _, k := range all {
				s.key(k, p.Standing, tx.Now())
			}
			return err
		})
	})
}

type partyKeyRevokeCmd struct {
	whichParty `embed:""`
	ID         string `required:"" placeholder:"kp_…|kx_…" help:"${party_key_id}"`
}

// Run ends a key at once.
func (c partyKeyRevokeCmd) Run(ctx context.Context, s *session) error {
	return c.key(ctx, s, func(tx *db.Tx) (party.Key, error) {
		by, err := c.officer(ctx, tx)
		if err != nil {
			return party.Key{}, err
		}
		k, _, err := party.Revoke(ctx, tx, by, c.id(), c.ID)
		return k, err
	})
}

// key changes a key as who is in office, and prints how it stands then.
func (c whichParty) key(ctx context.Context, s *session, change func(tx *db.Tx) (party.Key, error)) error {
	return s.on(ctx, func(a *app.App) error {
		var k party.Key
		var p party.Party
		err := a.Store.Update(ctx, func(tx *db.Tx) (err error) {
			if k, err = change(tx); err == nil {
				p, err = party.Find(ctx, tx, c.id())
			}
			return err
		})
		if err == nil {
			s.key(k, p.Standing, a.Store.Now())
		}
		return err
	})
}

// key prints a line about a key, with what two people compare.
func (s *session) key(k party.Key, is party.Standing, now time.Time) {
	s.say("cmd.party.key", "ID", k.ID, "State", s.lang.T("party.key_state."+k.State(is, now)), "Country", k.Country, "Until", second(k.Until), "Paper", k.Paper, "Print", k.Print())
}
