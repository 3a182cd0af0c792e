package api

import (
	"context"
	"strings"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/vault"
)

// A reading is a use of values of the child that a caller names.
type reading struct {
	name string
	vault.Opening
}

func (s *Server) gather() {
	s.readings.Most = s.Store.Abreast()
	s.readings.Together = s.readTogether
	s.readings.Alone = s.readAlone
	s.inquiries.Most = s.Store.Abreast()
	s.inquiries.Together = s.inquireTogether
	s.inquiries.Alone = s.inquireAlone
}

// An inquiry is dry questions of one app.
type inquiry struct {
	service string
	by      gate.Actor
	checks  []check
}

// fewChecks is how many questions may share a snapshot with those of others:
// who asks more has company enough.
const fewChecks = 20

// inquireAlone answers the questions of one request.
func (s *Server) inquireAlone(ctx context.Context, q inquiry) ([]vault.Decision, error) {
	out, err := s.inquireTogether(ctx, []inquiry{q})
	if err != nil {
		return nil, err
	}
	return out[0].Answer, nil
}

// inquireTogether answers those of several, on one snapshot.
func (s *Server) inquireTogether(ctx context.Context, all []inquiry) ([]db.Outcome[[]vault.Decision], error) {
	out := make([]db.Outcome[[]vault.Decision], len(all))
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		decisions, err := s.decideAll(ctx, tx, all)
		for i := range decisions {
			out[i].Answer = decisions[i]
		}
		return err
	})
	return out, err
}

// readAlone records one use and opens the values.
func (s *Server) readAlone(ctx context.Context, q reading) (out vault.Opened, err error) {
	find := func(tx *db.Tx) (err error) {
		q.Use.Child, err = s.childID(ctx, tx, q.Use.Service, q.name)
		return err
	}
	var ready *vault.Prepared
	if s.Store.ReadAhead() {
		err = s.Store.View(ctx, func(tx *db.Tx) (err error) {
			if err = find(tx); err == nil {
				ready, err = s.Vault.Prepare(ctx, tx, q.Use)
			}
			return err
		})
		if err != nil {
			return out, err
		}
	}
	err = s.Store.Update(ctx, func(tx *db.Tx) (err error) {
		out = vault.Opened{} // of an attempt that was undone nothing is told
		if ready == nil {
			if err = find(tx); err != nil {
				return err
			}
		}
		out, err = s.Vault.Open(ctx, tx, q.By, q.Use, ready)
		return err
	})
	return out, err
}

// readTogether is readAlone for several uses in one transaction. Of a child that
// isn't found by its name the use is refused alone.
func (s *Server) readTogether(ctx context.Context, all []reading) (out []db.Outcome[vault.Opened], err error) {
	err = s.Store.Update(ctx, func(tx *db.Tx) error {
		openings := make([]vault.Opening, len(all))
		names := make([]string, len(all))
		for i, q := range all {
			openings[i], names[i] = q.Opening, q.name
		}
		ids, err := s.childIDs(ctx, tx, names, func(i int) string { return all[i].Use.Service })
		if err != nil {
			return err
		}
		for i, id := range ids {
			openings[i].Use.Child = id
		}
		out, err = s.Vault.OpenTogether(ctx, tx, openings)
		return err
	})
	return out, err
}

// childIDs is childID for several names, in one round trip. What names no child
// of its service has an empty id.
func (s *Server) childIDs(ctx context.Context, tx *db.Tx, names []string, service func(int) string) ([]family.ID, error) {
	found := make([][]family.ID, len(names))
	var reads []db.Read
	for i, name := range names {
		if ref, ok := strings.CutPrefix(name, refPrefix); ok && isRef(ref) {
			reads = append(reads, family.ReadByRef(&found[i], s.Ring, service(i), pii.New(ref)))
		} else if isChild(name) {
			found[i] = []family.ID{family.ID(name)}
		}
	}
	if len(reads) > 0 {
		if err := tx.Together(ctx, reads...); err != nil {
			return nil, err
		}
	}
	ids := make([]family.ID, len(names))
	for i, f := range found {
		if len(f) == 1 {
			ids[i] = f[0]
		}
	}
	return ids, nil
}
