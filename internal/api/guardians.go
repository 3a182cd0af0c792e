package api

import (
	"context"
	"strings"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/notify"
)

func guardianView(g family.Guardian) wardkeep.Guardian {
	return wardkeep.Guardian{
		ID: string(g.ID), Relation: string(g.Relation), Strength: int(g.Strength), VerifiedAt: g.VerifiedAt, EndedAt: g.EndedAt,
	}
}

type addGuardianInput struct{ Body wardkeep.NewGuardian }

// addGuardian ties another person to a child (edge case 7). Until it has proved
// who it is, it can't answer.
func addGuardian(s *Server, ctx context.Context, c *call, in *addGuardianInput) (answer[wardkeep.Guardian], error) {
	g := in.Body
	if err := lines("name", g.Name, "phone", g.Phone, "email", g.Email); err != nil {
		return answer[wardkeep.Guardian]{}, err
	}
	p := family.Person{Name: pii.New(g.Name), Phone: pii.New(g.Phone), Email: pii.New(g.Email), Relation: family.Relation(g.Relation)}
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.Guardian], err error) {
		child, err := s.lock(ctx, tx, c)
		if err != nil {
			return out, err
		}
		tied, entry, err := s.Vault.Gate.AddGuardian(ctx, tx, c.app, child, p)
		if field := errs.Of(err).Field; field != "" {
			return out, at(err, strings.TrimPrefix(strings.TrimPrefix(field, "guardian"), "."))
		}
		return answer[wardkeep.Guardian]{Body: guardianView(tied), Entry: entry, ETag: etagOf(child.Version)}, err
	})
}

// guardianID returns the guardian that the path names. What can't be a name is
// not looked up.
func (c *call) guardianID() (family.GuardianID, error) {
	name := c.param("guardian")
	if !id.Is(id.Guardian, name) {
		return "", family.ErrGuardianNotFound
	}
	return family.GuardianID(name), nil
}

// endGuardian ends a person's tie to a child, and what waits for that person
// (edge case 8), who is told.
func endGuardian(s *Server, ctx context.Context, c *call, _ *nothing) (answer[none], error) {
	var letters []notify.Message
	out, err := changeGuardian(ctx, s, c, func(tx *db.Tx, child family.Child, guardian family.GuardianID) (out answer[none], err error) {
		letters = s.Farewell.Released(ctx, tx, child, guardian)
		if out.Entry, err = s.desk.EndGuardian(ctx, tx, c.app, child, guardian); err != nil {
			return out, err
		}
		_, err = s.Vault.EraseUnfounded(ctx, tx, c.app.Ledger(), child.Service, child.ID)
		return out, err
	})
	if err == nil && out.kept == nil {
		s.Farewell.Send(ctx, letters)
	}
	return out, err
}

// unverifyGuardian takes a proof back. No route gives one but the guardian's own
// code (edge case 24).
func unverifyGuardian(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.Guardian], error) {
	return changeGuardian(ctx, s, c, func(tx *db.Tx, child family.Child, guardian family.GuardianID) (answer[wardkeep.Guardian], error) {
		g, entry, err := s.desk.Unverify(ctx, tx, c.app, child, guardian)
		return answer[wardkeep.Guardian]{Body: guardianView(g), Entry: entry, ETag: etagOf(child.Version)}, err
	})
}

// changeGuardian changes one guardian of the child, both as the path names them.
func changeGuardian[T any](ctx context.Context, s *Server, c *call,
	fn func(tx *db.Tx, child family.Child, guardian family.GuardianID) (answer[T], error)) (answer[T], error) {
	return change(ctx, s, c, func(tx *db.Tx) (out answer[T], err error) {
		child, err := s.lock(ctx, tx, c)
		if err != nil {
			return out, err
		}
		guardian, err := c.guardianID()
		if err != nil {
			return out, err
		}
		return fn(tx, child, guardian)
	})
}
