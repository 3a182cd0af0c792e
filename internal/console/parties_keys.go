package console

import (
	"context"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/party"
	"wardkeep/internal/staff"
)

// partyKeysPage is what party_keys.html shows: the keys of a party, public halves all.
type partyKeysPage struct {
	partyRow
	Keys    []partyKeyRow
	May     bool // whoever looks binds and revokes for the office
	Fresh   bool
	Public  string // in the form that was sent, as is the next
	Until   string
	Country string
	Problem string
	Field   string
}

// A partyKeyRow is a key, and how it stands.
type partyKeyRow struct {
	party.Key
	Is  string // holds, other, over, revoked
	Who string // has bound it
}

func (s *Server) partyKeys(v *visit) error { return v.partyKeysPage(nil) }

func (v *visit) partyKeysPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := partyKeysPage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil}
	if problem != nil {
		page.Field, page.Public, page.Until, page.Country = errs.Of(problem).Field, v.value("public"), v.value("until"), v.value("country")
		if errs.Of(problem).Is(party.ErrKeyPrivate) {
			page.Public = "" // what never should have been sent isn't sent back
		}
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		row, service, err := v.partyHere(ctx, tx, staff.SeeParties)
		if err != nil {
			return err
		}
		if row.Is == "" {
			return party.ErrNotFound
		}
		page.partyRow, page.May = row, approval.May(v.in.Person, staff.SignParties, service)
		all, err := party.Keys(ctx, tx, row.ID)
		if err != nil {
			return err
		}
		names := v.names(tx, service.Name)
		page.Keys = nil
		for _, k := range all {
			one := partyKeyRow{Key: k, Is: k.State(row.Standing, tx.Now())}
			if one.Who, err = names.of(ctx, k.BoundBy); err != nil {
				return err
			}
			page.Keys = append(page.Keys, one)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(status, "party_keys", page)
}

// changedKeys does something about the keys of the party of the address as who holds an
// office, and shows what became of them.
func (v *visit) changedKeys(fn func(ctx context.Context, tx *db.Tx, by catalog.Officer, of party.ID) error) error {
	if err := v.signed(fn); err != nil {
		if errs.Of(err).Is(approval.ErrMayNot) {
			return err
		}
		return v.partyKeysPage(err)
	}
	return v.to("/console/parties/{service}/{role}/{party}/keys")
}

// bindPartyKey binds the public half of a key, which signs or which is sealed to, to what the
// party stands on (Article 16).
func (s *Server) bindPartyKey(v *visit) error {
	var until time.Time
	if text := v.value("until"); text != "" {
		var err error
		if until, err = time.Parse(time.RFC3339, readMoment(text)); err != nil {
			return v.partyKeysPage(party.ErrKeyUntil.At("until"))
		}
	}
	bind, err := party.ReadPublic(v.value("public"))
	if err != nil {
		return v.partyKeysPage(errs.Of(err).At("public"))
	}
	return v.changedKeys(func(ctx context.Context, tx *db.Tx, by catalog.Officer, of party.ID) error {
		_, _, err := bind(ctx, tx, by, of, strings.ToUpper(v.value("country")), until)
		return err
	})
}

// revokePartyKey ends a key at once.
func (s *Server) revokePartyKey(v *visit) error {
	return v.changedKeys(func(ctx context.Context, tx *db.Tx, by catalog.Officer, of party.ID) error {
		_, _, err := party.Revoke(ctx, tx, by, of, v.value("key"))
		return err
	})
}
