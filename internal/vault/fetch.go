package vault

import (
	"context"
	"errors"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/charter"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
)

// What can be wrong with a bundle that a party comes for.
var (
	ErrNoBundle  = errs.New(errs.NotFound, "vault.bundle_not_found") // or it is another party's
	ErrWithdrawn = errs.New(errs.Gone, "vault.bundle_withdrawn")     // by what holds now it goes no more
	ErrTooOften  = errs.New(errs.Conflict, "vault.bundle_too_often") // it went MostTries times
	ErrNotSent   = errs.New(errs.Conflict, "vault.bundle_not_sent")  // nobody has it who never fetched it
	ErrNotThere  = errs.New(errs.Forbidden, "vault.bundle_abroad")   // it isn't sealed for where it is fetched to
)

// KindFetched is the kind of the entry that a party has come for a bundle. It stands behind that
// of the decision.
const KindFetched = "bundle.fetched"

// A FetchedBody says who came for which bundle; the entry's actor, by which key or seat.
type FetchedBody struct {
	Bundle string     `json:"bundle"`
	Role   party.Role `json:"role"`
	Party  string     `json:"party"`
}

// MostTries bounds how often one bundle goes out to who comes for it, so that a page which is
// loaded again and again fills no ledger.
const MostTries = 100

// BundlesOf returns what waits for a party in its role, that first whose time is over first,
// without what is in it: at most MaxWaiting.
func BundlesOf(ctx context.Context, tx *db.Tx, of party.ID) ([]Bundle, error) {
	now := tx.Now()
	return db.All(ctx, tx, scanLabel, `
		SELECT `+labelColumns+` FROM party_bundle
		WHERE service = $1 AND party = $2 AND role = $3 AND until_at > $4
		ORDER BY until_at, bundle LIMIT $5`, of.Service, of.Name, of.Role, (*db.Time)(&now), int64(MaxWaiting))
}

// bundleOf returns a bundle that waits for a party, without what is in it. Errors: ErrNoBundle.
func bundleOf(ctx context.Context, tx *db.Tx, of party.ID, bundle string) (Bundle, error) {
	if !id.Is(id.Bundle, bundle) {
		return Bundle{}, ErrNoBundle
	}
	b, err := db.One(ctx, tx, scanLabel, `
		SELECT `+labelColumns+` FROM party_bundle WHERE service = $1 AND party = $2 AND role = $3 AND bundle = $4`,
		of.Service, of.Name, of.Role, bundle)
	if errors.Is(err, db.ErrNone) {
		err = ErrNoBundle
	}
	return b, err
}

// Fetch gives a bundle to its party, which comes for it, by what holds now: it is decided once
// more, as Send does, and recorded with who came, before it leaves (Articles 16 and 17,
// Invariant 2). It waits on, until the party says that it has it (Take), or its time is over:
// a connection that breaks loses nothing. Errors: ErrNoBundle, ErrTooOften, ErrNotThere;
// ErrWithdrawn, and then the bundle is gone, which is recorded.
func (v *Vault) Fetch(ctx context.Context, tx *db.Tx, by party.Client, bundle string) (Sending, error) {
	which, err := bundleOf(ctx, tx, by.Key.Party, bundle)
	if err != nil {
		return Sending{}, err
	}
	c, b, ok, err := heldBundle(ctx, tx, which)
	switch {
	case err != nil:
		return Sending{}, err
	case !ok:
		return Sending{}, db.Recorded(ErrNoBundle)
	case b.Tries >= MostTries:
		return Sending{}, ErrTooOften
	}
	if err := b.staysHome(ctx, tx, by); err != nil {
		return Sending{}, err
	}
	// What is tried by webhook besides is tried when it was planned.
	out, may, err := v.send(ctx, tx, c, b, func(int64) time.Duration { return b.DueAt.Sub(tx.Now()) })
	if err == nil && !may {
		err = db.Recorded(ErrWithdrawn)
	}
	if err != nil {
		return Sending{}, err
	}
	_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: KindFetched, Service: c.Service, Subject: c.Subject, Version: c.Version, Actor: by.Ledger(),
		Body: FetchedBody{Bundle: b.ID, Role: b.Party.Role, Party: b.Party.Name}})
	if err == nil && out.takesOver {
		err = b.handOver(ctx, tx, c) // edge case 18: it has it from here on, whatever it says
	}
	return out, err
}

// staysHome refuses a key that is used, or a seat whose person sits, abroad, where neither the party is nor what opens the bundle
// is used: the gate decides about those two, and so about no border that is crossed on the way (edge
// case 20). Errors: ErrNotThere.
func (b Bundle) staysHome(ctx context.Context, tx *db.Tx, by party.Client) error {
	in := by.Key.Country
	switch in {
	case "": // it was emptied by hand: a fact that is missing lets nothing leave (invariant 3)
		return ErrNotThere
	case charter.Home, by.Standing.Country:
		return nil
	}
	var opens []party.Client
	err := tx.Together(ctx, party.ReadClient(&opens, b.Key))
	if err == nil && !slices.ContainsFunc(opens, func(c party.Client) bool { return c.Key.Country == in }) {
		err = ErrNotThere
	}
	return err
}

// IsWaiting reports whether a bundle of that name waits for any party of a service.
func IsWaiting(ctx context.Context, tx *db.Tx, service, bundle string) (bool, error) {
	n, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM party_bundle WHERE service = $1 AND bundle = $2`, service, bundle)
	return n > 0, err
}

// Take ends a bundle of which its party says that it has it. Errors: ErrNoBundle, ErrNotSent.
func (v *Vault) Take(ctx context.Context, tx *db.Tx, by party.Client, bundle string) error {
	b, err := bundleOf(ctx, tx, by.Key.Party, bundle)
	switch {
	case err != nil:
		return err
	case b.Tries == 0:
		return ErrNotSent
	}
	u := b.use()
	l, err := v.Gate.Load(ctx, tx, u.Service, u.Child)
	if err != nil {
		return err
	}
	b.takesOver = l.Facts(tx.Now(), nil).HandsOver(u) // where it came by webhook, and that answered nothing
	return v.Delivered(ctx, tx, b)
}
