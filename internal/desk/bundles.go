package desk

import (
	"context"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/party"
	"wardkeep/internal/vault"
)

// bundlesPage is what bundles.html shows: what was pushed to the party and waits for it, and how
// it is opened with the party's own key, which is never here.
type bundlesPage struct {
	Rows    []bundleRow
	Why     string // in words: why it gets nothing
	Done    bool   // one was taken just now
	Problem string
	pager
}

// A bundleRow is a sealed file that waits: nothing that is in it.
type bundleRow struct {
	ID, Child, Key, Purpose string
	Items                   []string
	PushedAt, UntilAt       time.Time
	Fetched                 bool // it went already, once at least
}

func (s *Server) bundles(v *visit) error { return v.bundlesPage(nil) }

func (v *visit) bundlesPage(problem error) error {
	words, _, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := bundlesPage{Done: v.r.URL.Query().Has("done"), Problem: words}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		page.Rows, page.Why = nil, ""
		if v.late != nil {
			page.Why = v.words(v.late)
			return nil
		}
		l, err := v.labels(ctx, tx)
		if err != nil {
			return err
		}
		all, err := vault.BundlesOf(ctx, tx, l.of) // vault.MaxWaiting at most
		if err != nil {
			return err
		}
		from, next := v.r.URL.Query().Get("from"), ""
		if i := slices.IndexFunc(all, func(b vault.Bundle) bool { return b.ID == from }); i >= 0 {
			all = all[i+1:]
		} else {
			from = "" // it was taken since, or its time is over: from the beginning
		}
		if len(all) > perPage {
			all, next = all[:perPage], all[perPage-1].ID
		}
		page.pager = v.pager(from, next)
		for _, b := range all {
			page.Rows = append(page.Rows, bundleRow{ID: b.ID, Child: party.HandleOf(v.s.Ring, l.of, b.Child), Key: b.Key, Purpose: l.purpose(b.Purpose), Items: l.items(b.Items),
				PushedAt: b.PushedAt, UntilAt: b.UntilAt, Fetched: b.Tries > 0})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(status, "bundles", page)
}

// fetchBundle sends a sealed file, if by what holds now it may go: that is decided and recorded
// before it leaves (Articles 16 and 17, Invariant 2). Only the party's own key opens it.
func (s *Server) fetchBundle(v *visit) error {
	var out vault.Sending
	err := v.act(func(ctx context.Context, tx *db.Tx) (err error) {
		if v.late != nil {
			return v.late
		}
		out, err = s.Vault.Fetch(ctx, tx, v.by, v.r.PathValue("bundle"))
		return err
	})
	if err != nil {
		return v.bundleRefused(err)
	}
	v.seen.Shows = "bundle"
	v.w.Header().Set("Content-Type", "application/octet-stream")
	v.w.Header().Set("Content-Disposition", `attachment; filename="`+out.ID+`.age"`)
	_, err = v.w.Write(out.Age)
	return err
}

// tookBundle ends what the party says to have.
func (s *Server) tookBundle(v *visit) error {
	err := v.act(func(ctx context.Context, tx *db.Tx) error {
		return s.Vault.Take(ctx, tx, v.by, v.r.PathValue("bundle"))
	})
	if err != nil {
		return v.bundleRefused(err)
	}
	return v.to("/party/bundles", "done", "")
}

// bundleRefused says beside the list why a bundle didn't go. One that waits no more may have been
// the party's own: who clicks twice has looked for nothing that is another's.
func (v *visit) bundleRefused(err error) error {
	switch e := errs.Of(err); {
	case e.Kind == errs.Conflict, e.Kind == errs.Gone, e.Is(vault.ErrNotThere):
		return v.bundlesPage(err)
	case e.Is(vault.ErrNoBundle):
		return v.view(func(ctx context.Context, tx *db.Tx) error {
			another, failed := vault.IsWaiting(ctx, tx, v.by.Key.Party.Service, v.r.PathValue("bundle"))
			if failed != nil {
				return failed
			}
			if another {
				v.attempt = e
			}
			return err
		})
	}
	return err
}

// countBundles counts what waits for the party, for its first page.
func (v *visit) countBundles(ctx context.Context, tx *db.Tx) (n owed, err error) {
	all, err := vault.BundlesOf(ctx, tx, v.by.Key.Party)
	for range all {
		n.add(false)
	}
	return n, err
}
