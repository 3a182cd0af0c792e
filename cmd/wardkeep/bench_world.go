package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	xiaoxi "wardkeep/examples/xiaoxi-english"
	"wardkeep/internal/account"
	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/party"
)

// A world is what a measurement works on: a test service in order, and children
// whose guardians agreed to two purposes and of whom three values are kept.
type world struct {
	app      account.App
	officer  catalog.Officer
	keys     []string // of apps; connections take turns, as each has its rate
	children []string
	perChild int64 // bytes of the store per child
	phones   atomic.Int64
	names    atomic.Int64 // of children, who are called differently

	office     office
	households []familyAtHome
	unanswered []string // requests that wait for their answer, each with all that it takes
}

const (
	benchService = "xiaoxi-english"
	benchPurpose = "course-progress"
	benchItem    = "nickname"

	benchNickname = "小树" // and a number
	benchApps     = 8
)

// benchPurposes is what the guardians agreed to.
var benchPurposes = []string{benchPurpose, "speaking-practice"}

// seeders is how many children are made at once: as many as share a
// transaction on SQLite.
const seeders = 128

// grow adds children until there are so many, and gives their entries places.
func (w *world) grow(ctx context.Context, s *session, a *app.App, children int) error {
	if len(w.keys) == 0 {
		if err := a.Store.Update(ctx, func(tx *db.Tx) error { return w.setUp(ctx, tx, a.Ring) }); err != nil {
			return err
		}
	}
	run, stop := context.WithCancel(ctx)
	sequencer := make(chan error, 1)
	go func() { sequencer <- a.Ledger.Run(run) }()
	err := w.add(ctx, s, a, children-len(w.children))
	stop()
	if err = errors.Join(err, <-sequencer); err != nil {
		return err
	}
	if err := a.Ledger.Flush(ctx); err != nil {
		return err
	}
	size, err := a.Store.Size(ctx)
	if len(w.children) > 0 {
		w.perChild = size / int64(len(w.children))
	}
	return err
}

// setUp puts the service in order.
func (w *world) setUp(ctx context.Context, tx *db.Tx, ring *keyring.Ring) error {
	w.keys = nil
	c, err := charter.Load(xiaoxi.Files)
	if err != nil {
		return err
	}
	if _, _, err := catalog.Create(ctx, tx, operator, benchService, catalog.Test); err != nil {
		return err
	}
	w.officer, _, err = catalog.Appoint(ctx, tx, operator, benchService, catalog.RoleOfficer, "林静", "lin@xiaoxi-english.example")
	if err != nil {
		return err
	}
	if _, _, err := catalog.Appoint(ctx, tx, operator, benchService, catalog.RoleDeputy, "周远", "zhou@xiaoxi-english.example"); err != nil {
		return err
	}
	draft, _, err := catalog.Propose(ctx, tx, ring, operator, c, nil)
	if err != nil {
		return err
	}
	if _, err := catalog.AssessFrom(ctx, tx, ring, w.officer, benchService, draft.Number, xiaoxi.Files, time.Time{}); err != nil {
		return err
	}
	if _, _, err := party.Publish(ctx, tx, ring, w.officer, benchService, draft.Number); err != nil {
		return err
	}
	for i := range benchApps {
		made, key, _, err := account.IssueApp(ctx, tx, operator, benchService, "bench-"+strconv.Itoa(i), account.AllScopes(), time.Time{})
		if err != nil {
			return err
		}
		w.app, w.keys = made, append(w.keys, key)
	}
	return nil
}

func (w *world) add(ctx context.Context, s *session, a *app.App, n int) error {
	if n <= 0 {
		return nil
	}
	bar := s.progress("bench.seeding", n)
	defer bar.end()
	var left atomic.Int64
	left.Store(int64(n))
	var mu sync.Mutex
	group, work := errgroup.WithContext(ctx)
	for range seeders {
		group.Go(func() error {
			for left.Add(-1) >= 0 {
				var child string
				err := a.Store.Update(work, func(tx *db.Tx) (err error) {
					child, err = w.child(work, tx, a)
					return err
				})
				if err != nil {
					return err
				}
				mu.Lock()
				w.children = append(w.children, child)
				mu.Unlock()
				bar.add(1)
			}
			return nil
		})
	}
	return group.Wait()
}

// phone returns a number that no other guardian has.
func (w *world) phone() pii.Text { return pii.New(fmt.Sprintf("138%08d", w.phones.Add(1))) }

// enrol registers a child that the operator calls so, and whose guardian has this phone.
func (w *world) enrol(ctx context.Context, tx *db.Tx, a *app.App, ref string, phone pii.Text) (family.Child, error) {
	child, _, _, err := family.Enrol(ctx, tx, a.Ring, w.app, family.Enrolment{
		Service: benchService, Ref: pii.New(ref),
		Birth: age.Birth{Year: tx.Now().Year() - 9, Month: 6, Day: 1}, BirthSource: family.FromApp,
		Guardian: family.Person{Phone: phone, Relation: family.Parent},
	})
	return child, err
}

// child makes one child with everything about it, in one transaction.
func (w *world) child(ctx context.Context, tx *db.Tx, a *app.App) (string, error) {
	child, err := w.enrol(ctx, tx, a, id.Secret(16), w.phone())
	if err != nil {
		return "", err
	}
	desk := consent.Desk{Ring: a.Ring, Charters: a.Charters}
	r, _, _, err := desk.Ask(ctx, tx, w.app, child, consent.Asking{Purposes: benchPurposes, Channel: consent.Link, Locale: "zh-CN"})
	if err != nil {
		return "", err
	}
	if _, _, err := desk.Force(ctx, tx, w.app, r, consent.ForceGranted); err != nil {
		return "", err
	}
	return string(child.ID), w.collect(ctx, tx, a, child)
}

func (w *world) collect(ctx context.Context, tx *db.Tx, a *app.App, child family.Child) error {
	_, err := a.Vault.Put(ctx, tx, gate.ByApp(w.app), benchService, child.ID, benchPurpose, map[string]pii.Text{
		benchItem: pii.New(benchNickname + strconv.FormatInt(w.names.Add(1), 10)), "grade": pii.New("三年级"), "lesson_progress": pii.New("12"),
	})
	return err
}
