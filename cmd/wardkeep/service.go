package main

import (
	"context"
	"errors"
	"strings"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
)

type serviceCmd struct {
	List serviceListCmd `cmd:"" help:"${service_list}"`
}

type serviceListCmd struct{}

// Run prints each service and what it lacks before it may collect anything.
func (serviceListCmd) Run(ctx context.Context, s *session) error {
	var all []catalog.Service
	err := s.view(ctx, func(tx *db.Tx) (err error) {
		all, err = catalog.List(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	if len(all) == 0 {
		s.note("cmd.service.none")
	}
	for _, v := range all {
		lacks := s.lang.T("cmd.service.complete")
		if missing := v.Missing(); len(missing) > 0 {
			words := make([]string, len(missing))
			for i, what := range missing {
				words[i] = s.lang.T("cmd.missing." + what)
			}
			lacks = s.lang.T("cmd.service.missing", "What", strings.Join(words, s.lang.T("cmd.comma")))
		}
		if v.Ceases("") {
			lacks = s.lang.T("cmd.service.ceasing")
		}
		s.say("cmd.service.line", "Service", v.Name, "State", s.lang.T("cmd.state."+string(v.State)), "Charter", v.Charter, "Lacks", lacks)
	}
	return nil
}

// view reads the store without its keys.
func (s *session) view(ctx context.Context, fn func(*db.Tx) error) (err error) {
	c, err := s.load()
	if err != nil {
		return err
	}
	store, err := app.OpenStore(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return store.View(ctx, fn)
}
