package api

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/vault"
)

// ErrSameChild refuses a batch that names a child twice.
var ErrSameChild = errs.New(errs.Invalid, "api.child_twice")

type batchInput struct{ Body wardkeep.Batch }

// A part of a batch is what is asked about one child.
type part struct {
	name   string // as the caller names it
	use    gate.Use
	values map[string]string
	ready  *vault.Prepared
	err    error // why there is nothing to do
}

// parts reads what the batch needs, outside the transaction that records it.
func (s *Server) parts(ctx context.Context, c *call, b wardkeep.Batch, activity charter.Activity) ([]part, error) {
	all := make([]part, len(b.Children))
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		seen := make(map[family.ID]bool, len(all))
		for i, of := range b.Children {
			p := part{name: of.Child, values: of.Values}
			p.use = gate.Use{Service: c.app.Service, Activity: activity, Purpose: b.Purpose, Items: slices.Sorted(maps.Keys(of.Values))}
			p.use.Child, p.err = s.childID(ctx, tx, c.app.Service, of.Child)
			switch {
			case p.err != nil && errs.Of(p.err).Kind == errs.Internal:
				return p.err
			case p.err != nil:
			case seen[p.use.Child]:
				return within(ErrSameChild, "children", i)
			default:
				seen[p.use.Child] = true
				if p.ready, p.err = s.Vault.Prepare(ctx, tx, p.use); p.err != nil {
					return p.err
				}
			}
			all[i] = p
		}
		return nil
	})
	return all, err
}

// result runs do for each child of a batch. What the gate denies, and a child
// that isn't there, is the result of that child alone; any other refusal undoes
// the whole batch.
func (c *call) result(parts []part, do func(part) (map[string]string, string, error)) (wardkeep.BatchResult, error) {
	out := wardkeep.BatchResult{Children: make([]wardkeep.ChildResult, len(parts))}
	order := make([]int, len(parts))
	for i := range order {
		order[i] = i
	}
	// In the order of the children, so that two batches that meet wait for one
	// another and don't block each other.
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(parts[a].use.Child, parts[b].use.Child) })
	for _, i := range order {
		p := parts[i]
		r := wardkeep.ChildResult{}
		if p.use.Child != "" {
			r.Child = string(p.use.Child) // a reference is not repeated
		}
		err := p.err
		if err == nil {
			r.Values, r.Entry, err = do(p)
		}
		if err != nil {
			if !alone(err) {
				return out, within(err, "children", i)
			}
			r.Values, r.Problem = nil, problem(c.lang, c.id, err)
			if errors.Is(err, family.ErrNotFound) {
				r.Child = "" // what was sent need not be an id at all
			}
		}
		out.Children[i] = r
	}
	return out, nil
}

// alone reports whether a refusal concerns one child of a batch: nothing was
// written for it but, for a denial, its entry.
func alone(err error) bool {
	return errors.Is(err, gate.ErrDenied) || errors.Is(err, family.ErrNotFound) || errors.Is(err, family.ErrErased) || errors.Is(err, vault.ErrCannotOpen)
}

// seal encrypts values for the operator's own databases.
func seal(s *Server, ctx context.Context, c *call, in *batchInput) (answer[wardkeep.BatchResult], error) {
	parts, err := s.parts(ctx, c, in.Body, charter.Store)
	if err != nil {
		return answer[wardkeep.BatchResult]{}, err
	}
	return change(ctx, s, c, func(tx *db.Tx) (answer[wardkeep.BatchResult], error) {
		body, err := c.result(parts, func(p part) (map[string]string, string, error) {
			sealed, err := s.Vault.Seal(ctx, tx, c.by, p.use, hidden(p.values), p.ready)
			return sealed.Values, sealed.Entry, err
		})
		return answer[wardkeep.BatchResult]{Body: body}, err
	})
}

// open opens what seal made, for a use. Its answer holds values, so it is kept
// nowhere; it leaves after the commit (Invariant 2).
func open(s *Server, ctx context.Context, c *call, in *batchInput) (answer[wardkeep.BatchResult], error) {
	var out answer[wardkeep.BatchResult]
	parts, err := s.parts(ctx, c, in.Body, charter.Use)
	if err != nil {
		return out, err
	}
	err = s.Store.Update(ctx, func(tx *db.Tx) (err error) {
		out.Body, err = c.result(parts, func(p part) (map[string]string, string, error) {
			opened, err := s.Vault.Unseal(ctx, tx, c.by, p.use, p.values, p.ready)
			return shown(opened.Values), opened.Entry, err
		})
		return err
	})
	return out, err
}

// shown unwraps values on their way out.
func shown(values map[string]pii.Text) map[string]string {
	out := make(map[string]string, len(values))
	for item, value := range values {
		out[item] = value.Reveal()
	}
	return out
}
