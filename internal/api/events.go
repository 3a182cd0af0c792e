package api

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/webhook"
)

// ErrAfter refuses a point that isn't one of this ledger.
var ErrAfter = errs.New(errs.Invalid, "api.cursor_invalid")

// What one page costs at most.
const (
	eventsLimit = 100
	eventsMost  = 1000
	eventsScan  = 25_600 // entries read, 100 bundles: among a million uses there may be one event
)

type eventsInput struct {
	After string `query:"after" maxLength:"60" doc:"where to go on: the next of a former page, or the id of an event; the beginning if left out"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"the most events of a page"`
}

// getEvents replays what happened in the app's service, in the ledger's order.
func getEvents(s *Server, ctx context.Context, c *call, in *eventsInput) (answer[wardkeep.Events], error) {
	out := answer[wardkeep.Events]{Body: wardkeep.Events{Events: []wardkeep.Event{}}}
	limit := min(max(in.Limit, 1), eventsMost)
	if in.Limit == 0 {
		limit = eventsLimit
	}
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		from, err := place(ctx, tx, c, in.After)
		if err != nil {
			return err
		}
		found, next, err := s.events(ctx, tx, c, from, limit)
		if err != nil {
			return err
		}
		children := make(map[string]family.ID)
		for _, p := range found {
			e, err := webhook.Event(ctx, tx, s.Ring, p, children)
			if err != nil {
				return err
			}
			out.Body.Events = append(out.Body.Events, e)
		}
		head, err := ledger.Head(ctx, tx)
		out.Body.Next, out.Body.More = cursorPrefix+strconv.FormatInt(next, 10), next < head.Size
		return err
	})
	return out, err
}

// errEnough ends the reading of the ledger.
var errEnough = errors.New("api: enough events")

// events returns the entries of a page, and the place from which the next goes on.
func (s *Server) events(ctx context.Context, tx *db.Tx, c *call, from int64, limit int) (found []ledger.Placed, next int64, err error) {
	next = from
	err = ledger.Read(ctx, tx, from, from+eventsScan, func(p ledger.Placed) error {
		if len(found) == limit {
			return errEnough
		}
		next = p.Place + 1
		if p.Service == c.app.Service && webhook.TellsOf(p) {
			found = append(found, p)
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found, next, err
}

// cursorPrefix begins a place between two events.
const cursorPrefix = "at_"

// place returns the place from which to read.
func place(ctx context.Context, tx *db.Tx, c *call, after string) (int64, error) {
	if after == "" {
		return 0, nil
	}
	if id.Is(id.Entry, after) {
		p, err := ledger.Find(ctx, tx, after)
		if errors.Is(err, ledger.ErrNotFound) || err == nil && p.Service != c.app.Service {
			return 0, ErrAfter.At("after")
		}
		return p.Place + 1, err
	}
	text, ok := strings.CutPrefix(after, cursorPrefix)
	n, err := strconv.ParseInt(text, 10, 64)
	head, failed := ledger.Head(ctx, tx)
	switch {
	case failed != nil:
		return 0, failed
	case !ok, err != nil, n < 0, n > head.Size, strconv.FormatInt(n, 10) != text:
		return 0, ErrAfter.At("after")
	}
	return n, nil
}
