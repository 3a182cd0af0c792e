package console

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/rights"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// behalfPage is what demand_new.html shows: the form by which somebody of the staff records
// what reached them by phone or letter. First the child is found, by what the operator
// calls it; then it is said what is demanded.
type behalfPage struct {
	Services  choices
	Service   string
	Ref       string
	Found     bool
	Guardians []askingGuardian
	Items     []named
	Kinds     []rights.Kind
	Ways      []rights.Reached
	Kind      rights.Kind
	Door      string
	Item      string
	Reached   rights.Reached
	Fresh     bool
	Problem   string
	Field     string
}

// An askingGuardian is who may demand something as a guardian: what they are to the child,
// and since when that is known, by which several are told apart.
type askingGuardian struct {
	ID       family.GuardianID
	Relation family.Relation
	Since    time.Time
}

func (s *Server) showBehalf(v *visit) error { return v.behalfPage(nil) }

// child finds the child of a form by what the operator calls it. That it was looked up is
// recorded before it is answered.
func (v *visit) child(ctx context.Context, tx *db.Tx, in signin.Session) (rights.Handler, family.Child, error) {
	if v.value("service") == "" {
		return nil, family.Child{}, ErrNoChild.At("ref")
	}
	by, err := handler(ctx, tx, in.Person, v.value("service"))
	if err != nil {
		return nil, family.Child{}, err
	}
	c, err := family.FindByRef(ctx, tx, v.s.Ring, v.value("service"), pii.New(v.value("ref")))
	if errs.Of(err).Is(family.ErrNotFound) {
		err = ErrNoChild.At("ref")
	}
	if err == nil {
		err = approval.Searched(ctx, tx, v.s.Ring, in.Person, c)
	}
	return by, c, err
}

func (v *visit) behalfPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := behalfPage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil, Kinds: rights.OnBehalf, Ways: rights.Ways,
		Kind: rights.Kind(v.value("kind")), Door: v.value("who"), Item: v.value("item"), Reached: rights.Reached(v.value("reached"))}
	if problem != nil {
		page.Field = errs.Of(problem).Field
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		services, err := catalog.List(ctx, tx)
		if err != nil {
			return err
		}
		page.Services = mayIn(v.in.Person, staff.HandleDemands, services)
		return nil
	})
	if err == nil && v.r.Method == http.MethodPost {
		if page.Service = v.value("service"); slices.Contains(page.Services, page.Service) {
			page.Ref = v.value("ref")
		}
		err = v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
			_, c, err := v.child(ctx, tx, in)
			if err != nil {
				return err
			}
			return page.about(ctx, tx, v, c)
		})
		if errs.Of(err).Is(ErrNoChild) {
			if page.Ref != "" {
				if err := v.foundNobody(page.Ref, page.Service); err != nil {
					return err
				}
			}
			page.Problem, status, err = v.problem(err)
			page.Field = "ref"
		}
	}
	if err != nil {
		return err
	}
	return v.show(status, "demand_new", page)
}

// about fills in who may demand something about the child, and of which items.
func (p *behalfPage) about(ctx context.Context, tx *db.Tx, v *visit, c family.Child) error {
	p.Found = true
	var all []family.Guardian
	if err := tx.Together(ctx, family.ReadGuardians(&all, c.ID)); err != nil {
		return err
	}
	for _, g := range all {
		if g.MayAnswer() {
			p.Guardians = append(p.Guardians, askingGuardian{g.ID, g.Relation, g.VerifiedAt})
		}
	}
	in, err := v.s.inForce(ctx, tx, c.Service)
	if err != nil {
		return err
	}
	p.Items = itemsOf(v, in)
	return nil
}

// itemsOf are the items that may be corrected: those of the charter, and the birth date.
func itemsOf(v *visit, in *charter.Charter) (all []named) {
	for _, i := range in.Items {
		all = append(all, named{Name: i.Name, Label: v.label(i.Label, i.Name)})
	}
	if !slices.ContainsFunc(all, func(n named) bool { return n.Name == rights.BirthDate }) {
		all = append(all, named{Name: rights.BirthDate, Label: v.lang.T("console.demand.birth_date")})
	}
	return all
}

// behalf records a demand on behalf of whoever asks (Articles 19 and 20). Of a document that
// came with it, its hash is kept, under the child's key: the document stays with the
// operator.
func (s *Server) behalf(v *visit) error {
	if err := v.looksUp(); err != nil {
		return err
	}
	document, err := v.document()
	if errs.Of(err).Is(ErrText) {
		return err // the page would look for a child by it
	}
	if err != nil {
		return v.behalfPage(err)
	}
	if v.value("kind") == "" {
		return v.behalfPage(nil) // the child is found first
	}
	ask := rights.Demand{Kind: rights.Kind(v.value("kind")), Reached: rights.Reached(v.value("reached")), Text: v.written()}
	if ask.Reached == "" {
		return v.behalfPage(rights.ErrReached.At("reached"))
	}
	if !ask.Kind.Erases() && !ask.Kind.Tells() {
		ask.Item = v.value("item")
	}
	door, guardian, _ := strings.Cut(v.value("who"), ":")
	ask.Door, ask.Guardian = rights.Door(door), family.GuardianID(guardian)
	if len(document) > 0 {
		sum := sha256.Sum256(document)
		ask.Paper = hex.EncodeToString(sum[:])
	}
	var r rights.Request
	err = v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		by, c, err := v.child(ctx, tx, in)
		if err != nil {
			return err
		}
		r, _, err = s.Vault.Demand(ctx, tx, s.atDesk(), by, c, ask)
		return err
	})
	if e := errs.Of(err); err != nil && e.Is(staff.ErrMayNot) {
		return err
	}
	if err != nil {
		return v.behalfPage(err)
	}
	return v.to(demandPath(r))
}
