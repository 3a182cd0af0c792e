package console

import (
	"context"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/rights"
	"wardkeep/internal/signin"
)

// birthPage is what birth.html shows: the claim that a child is older than was said, by a
// document that one has seen (edge case 3). Nothing of what that one has typed is in it.
type birthPage struct {
	rights.Claim
	Path    string
	Ref     string
	Subject string
	First   string // the name of who has seen the document
	Mine    bool   // that is who looks
	Office  bool   // who looks holds one
	Demand  string // the page of the demand that it answers, or ""
	Papers  []rights.Paper
	Today   string
	Fresh   bool
	Problem string
	Field   string
}

func birthPath(service, claim string) string { return "/console/births/" + service + "/" + claim }

func (s *Server) birth(v *visit) error { return v.birthPage(nil) }

func (v *visit) birthPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := birthPage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil, Papers: rights.Papers, Today: v.now.In(shanghai).Format(time.DateOnly)}
	if problem != nil {
		page.Field = errs.Of(problem).Field
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		by, err := handler(ctx, tx, v.in.Person, v.r.PathValue("service"))
		if err != nil {
			return err
		}
		if page.Claim, err = rights.FindClaim(ctx, tx, v.r.PathValue("service"), v.r.PathValue("claim")); err != nil {
			return err
		}
		c, err := family.Find(ctx, tx, page.Service, page.Child)
		if err != nil {
			return err
		}
		ref, err := c.Ref(v.s.Ring)
		if err != nil {
			return err
		}
		page.Path, page.Ref, page.Subject, page.Mine = birthPath(page.Service, page.ID), ref.Reveal(), c.Subject, page.By == rights.OwnerOf(by)
		_, page.Office = by.(catalog.Officer)
		if page.Demand, err = aboutBirth(ctx, tx, c.ID); err != nil {
			return err
		}
		page.First, err = v.names(tx, page.Service).of(ctx, "officer:"+page.By)
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "birth", page)
}

// aboutBirth returns the page of the open demand about a child's birth date, or "".
func aboutBirth(ctx context.Context, tx *db.Tx, child family.ID) (string, error) {
	all, err := rights.Of(ctx, tx, child)
	i := slices.IndexFunc(all, func(r rights.Request) bool { return r.State == rights.Open && r.Item == rights.BirthDate })
	if err != nil || i < 0 {
		return "", err
	}
	return demandPath(all[i]), nil
}

// inDocument is what the form says that somebody reads in a document.
func (v *visit) inDocument() (rights.Seen, error) {
	seen := rights.Seen{Paper: rights.Paper(v.value("paper")), Number: pii.New(v.value("number"))}
	day, err := time.Parse(time.DateOnly, v.value("birth"))
	if err != nil {
		return seen, age.ErrImpossible.At("birth")
	}
	seen.Birth = age.Birth{Year: day.Year(), Month: int(day.Month()), Day: day.Day()}
	return seen, nil
}

// claimOlder has the first person say what the document says: of who holds an office.
func (s *Server) claimOlder(v *visit) error {
	return v.handled(func(ctx context.Context, tx *db.Tx, by rights.Handler, r rights.Request) error {
		officer, is := by.(catalog.Officer)
		if !is {
			return rights.ErrOffice
		}
		if r.State != rights.Open || r.Item != rights.BirthDate {
			return rights.ErrNotOfKind
		}
		seen, err := v.inDocument()
		if err != nil {
			return err
		}
		c, err := family.Find(ctx, tx, r.Service, r.Child)
		if err == nil {
			_, _, err = s.atDesk().ClaimOlder(ctx, tx, officer, c, seen)
		}
		return err
	})
}

// approveOlder has the second person say what they read in the same document.
func (s *Server) approveOlder(v *visit) error {
	return v.claimed(func(ctx context.Context, tx *db.Tx, by catalog.Officer, claim rights.Claim) error {
		seen, err := v.inDocument()
		if err != nil {
			return err
		}
		c, _, err := s.atDesk().ApproveOlder(ctx, tx, by, claim.Service, claim.ID, seen)
		if err != nil {
			return err
		}
		_, err = s.Vault.EraseUnfounded(ctx, tx, by.Ledger(), c.Service, c.ID)
		return err
	})
}

// refuseOlder ends a claim of which nothing comes.
func (s *Server) refuseOlder(v *visit) error {
	return v.claimed(func(ctx context.Context, tx *db.Tx, by catalog.Officer, claim rights.Claim) error {
		_, err := s.atDesk().RefuseOlder(ctx, tx, by, claim.Service, claim.ID)
		return err
	})
}

// claimed does something about the claim of the address as who holds an office, and leads
// to the demand that it answers.
func (v *visit) claimed(fn func(ctx context.Context, tx *db.Tx, by catalog.Officer, claim rights.Claim) error) error {
	found, to := false, ""
	err := v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		by, err := handler(ctx, tx, in.Person, v.r.PathValue("service"))
		if err != nil {
			return err
		}
		claim, err := rights.FindClaim(ctx, tx, v.r.PathValue("service"), v.r.PathValue("claim"))
		if err != nil {
			return err
		}
		found = true
		officer, is := by.(catalog.Officer)
		if !is {
			return rights.ErrOffice
		}
		if to, err = aboutBirth(ctx, tx, claim.Child); err != nil {
			return err
		}
		return fn(ctx, tx, officer, claim)
	})
	switch {
	case err != nil && found:
		return v.birthPage(err)
	case err != nil:
		return err
	case to == "":
		to = "/console/demands"
	}
	return v.to(to)
}
