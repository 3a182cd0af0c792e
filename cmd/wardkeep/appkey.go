package main

import (
	"context"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
)

type appKeyCmd struct {
	Issue  appKeyIssueCmd  `cmd:"" help:"${app_key_issue}"`
	Rotate appKeyRotateCmd `cmd:"" help:"${app_key_rotate}"`
	Revoke appKeyRevokeCmd `cmd:"" help:"${app_key_revoke}"`
	List   appKeyListCmd   `cmd:"" help:"${app_key_list}"`
}

type appKeyIssueCmd struct {
	Service string    `required:"" short:"s" help:"${of_service}"`
	Name    string    `required:"" help:"${app_key_name}"`
	Scopes  []string  `required:"" help:"${app_key_scopes}"`
	Expires time.Time `format:"2006-01-02" placeholder:"2030-12-31" help:"${app_key_expires}"`
	Country string    `default:"CN" help:"${app_key_country}"`
}

// Run makes a key for an app. The key is shown here, once, alone on standard
// output; the store keeps its hash.
func (c appKeyIssueCmd) Run(ctx context.Context, s *session) error {
	scopes, err := parseScopes(c.Scopes)
	if err != nil {
		return err
	}
	return s.on(ctx, func(a *app.App) error {
		var made account.App
		var key string
		err := a.Store.Update(ctx, func(tx *db.Tx) (err error) {
			made, key, _, err = account.IssueAppIn(ctx, tx, operator, c.Service, c.Name, c.Country, scopes, c.Expires)
			return err
		})
		if err != nil {
			return err
		}
		s.note("cmd.appkey.issued", "ID", made.ID, "Service", c.Service)
		s.print(key)
		return nil
	})
}

type appKeyRotateCmd struct {
	Service string        `required:"" short:"s" help:"${of_service}"`
	ID      string        `arg:"" help:"${app_key_id}"`
	Overlap time.Duration `default:"24h" help:"${app_key_overlap}"`
	Expires time.Time     `format:"2006-01-02" placeholder:"2030-12-31" help:"${app_key_expires}"`
}

// Run gives an app another key; the former is good until the overlap is over.
func (c appKeyRotateCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		var key string
		err := a.Store.Update(ctx, func(tx *db.Tx) (err error) {
			_, key, _, err = account.Rotate(ctx, tx, operator, c.Service, c.ID, c.Overlap, c.Expires)
			return err
		})
		if err != nil {
			return err
		}
		s.note("cmd.appkey.rotated", "ID", c.ID, "Overlap", c.Overlap)
		s.print(key)
		return nil
	})
}

type appKeyRevokeCmd struct {
	Service string `required:"" short:"s" help:"${of_service}"`
	ID      string `arg:"" help:"${app_key_id}"`
}

// Run ends all keys of an app.
func (c appKeyRevokeCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			_, err := account.RevokeApp(ctx, tx, operator, c.Service, c.ID)
			return err
		})
		if err == nil {
			s.say("cmd.appkey.revoked", "ID", c.ID)
		}
		return err
	})
}

type appKeyListCmd struct {
	Service string `required:"" short:"s" help:"${of_service}"`
}

// Run prints the apps whose keys are good, never a key.
func (c appKeyListCmd) Run(ctx context.Context, s *session) error {
	var all []account.App
	err := s.view(ctx, func(tx *db.Tx) (err error) {
		if _, err = catalog.Find(ctx, tx, c.Service); err != nil {
			return err
		}
		all, err = account.Apps(ctx, tx, c.Service)
		return err
	})
	for _, a := range all {
		until := s.lang.T("cmd.appkey.forever")
		if !a.ExpiresAt.IsZero() {
			until = a.ExpiresAt.Format(time.DateOnly)
		}
		s.say("cmd.appkey.line", "ID", a.ID, "Name", a.Name, "Scopes", a.Scopes.String(), "Until", until, "Country", a.Country)
	}
	return err
}

// parseScopes reads the names of scopes; "all" is each of them.
func parseScopes(names []string) (account.Scopes, error) {
	if len(names) == 1 && names[0] == "all" {
		return account.AllScopes(), nil
	}
	return account.NewScopes(names...)
}
