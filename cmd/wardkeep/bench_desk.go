package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/assistance"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/rights"
)

// owing is how many children the processor owes an answer and a correction about.
const owing = 2000

// entrust engages the processor of the charter, gives a person of it a seat at the desk, and has
// guardians demand what the processor must help with and correct.
func (w *world) entrust(ctx context.Context, a *app.App) error {
	of := scorer
	of.Service = benchService
	err := a.Store.Update(ctx, func(tx *db.Tx) error {
		now, err := catalog.Current(ctx, tx, benchService)
		if err != nil {
			return err
		}
		papers := scorersPapers(party.ScopeOf(now.Charter, of.Role, of.Name), tx.Now(), tx.Now().Add(300*24*time.Hour))
		if _, _, err := party.Register(ctx, tx, w.officer, of, papers.identity); err != nil {
			return err
		}
		if err := papers.sign(ctx, tx, w.officer, of); err != nil {
			return err
		}
		link, _, err := a.PartyDoor().Seat(ctx, tx, w.office.boss, of, "周舟")
		if err != nil {
			return err
		}
		secret, err := setUp(ctx, tx, a.PartyDoor(), link)
		w.office.seat = "wardkeep_party=" + secret
		return err
	})
	if err != nil {
		return err
	}
	for part := range slices.Chunk(w.children[:min(owing, len(w.children))], 20) {
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			for _, child := range part {
				if err := w.owes(ctx, tx, a, family.ID(child)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return a.Store.View(ctx, func(tx *db.Tx) error {
		tasks, err := assistance.Waiting(ctx, tx, of, assistance.Task{}, 1)
		if err != nil {
			return err
		}
		orders, err := order.ListOf(ctx, tx, of, order.Order{}, 1)
		if err != nil {
			return err
		}
		w.office.task, w.office.order = tasks[0].ID, orders[0].ID
		return nil
	})
}

// owes has the processor correct an item of a child, and a guardian demand a copy of all.
func (w *world) owes(ctx context.Context, tx *db.Tx, a *app.App, child family.ID) error {
	locked, err := family.Lock(ctx, tx, benchService, child)
	if err != nil {
		return err
	}
	book := order.Book{Ring: a.Ring, Charters: a.Charters, Calendar: a.Calendar}
	if err := book.Item(ctx, tx, w.app.Ledger(), locked, order.Correct, "voice"); err != nil {
		return err
	}
	var all []family.Guardian
	if err := tx.Together(ctx, family.ReadGuardians(&all, locked.ID)); err != nil {
		return err
	}
	desk := rights.Desk{Ring: a.Ring, Charters: a.Charters, Calendar: a.Calendar, Clocks: rights.Clocks(a.Config.Clocks)}
	_, _, err = desk.Receive(ctx, tx, all[0], locked, rights.Demand{Kind: rights.Access, Door: rights.ByGuardian, Guardian: all[0].ID})
	return err
}

// seats are the pages of the desk of processors, for a person of one.
var seats = []operation{
	seat("desk", ""),
	seat("desk-tasks", "/tasks"),
	seat("desk-task", "/tasks/{task}"),
	seat("desk-orders", "/orders"),
	seat("desk-order", "/orders/{order}"),
	seat("desk-bundles", "/bundles"),
	seat("desk-leaks", "/leaks"),
	seat("desk-subs", "/sub-processors"),
	seat("desk-end", "/end"),
	seat("desk-account", "/account"),
}

// seat asks for a page of the desk.
func seat(name, path string) operation {
	return operation{name: name, path: "/party" + path, status: 200, next: func(w *worker) bool {
		o := &w.world.office
		w.http.visit("GET", "/party"+strings.NewReplacer("{task}", o.task, "{order}", o.order).Replace(path), o.seat, nil)
		return true
	}}
}
