package catalog_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/catalog/catalogtest"
	"wardkeep/internal/charter"
	"wardkeep/internal/vault/vaulttest"
)

var cli = catalog.Operator{ID: "cli"}

// A desk acts on one store, each step in a transaction of its own.
type desk struct {
	*testing.T
	store *db.DB
	ring  *keyring.Ring
	now   time.Time
}

func each(t *testing.T, fn func(d *desk)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		d := &desk{T: t, store: store, ring: vaulttest.Ring(t), now: time.Date(2026, 6, 1, 4, 0, 0, 0, time.UTC)}
		store.Now = func() time.Time { return d.now }
		fn(d)
	})
}

func (d *desk) try(fn func(ctx context.Context, tx *db.Tx) error) error {
	d.now = d.now.Add(time.Second)
	return d.store.Update(d.Context(), func(tx *db.Tx) error { return fn(d.Context(), tx) })
}

func (d *desk) do(fn func(ctx context.Context, tx *db.Tx) error) {
	d.Helper()
	if err := d.try(fn); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) create() {
	d.Helper()
	d.do(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := catalog.Create(ctx, tx, cli, "stories", catalog.Live)
		return err
	})
}

func (d *desk) find() (s catalog.Service) {
	d.Helper()
	d.do(func(ctx context.Context, tx *db.Tx) (err error) {
		s, err = catalog.Find(ctx, tx, "stories")
		return err
	})
	return s
}

func (d *desk) appoint(role catalog.Role, name string) (o catalog.Officer) {
	d.Helper()
	d.do(func(ctx context.Context, tx *db.Tx) (err error) {
		o, _, err = catalog.Appoint(ctx, tx, cli, "stories", role, name, "care@stories.example")
		return err
	})
	return o
}

func (d *desk) propose(c *charter.Charter) (draft catalog.Draft) {
	d.Helper()
	d.do(func(ctx context.Context, tx *db.Tx) (err error) {
		draft, _, err = catalog.Propose(ctx, tx, d.ring, cli, c, nil)
		return err
	})
	return draft
}

// assess has the office sign an assessment of each purpose that lacks one.
func (d *desk) assess(by catalog.Officer, number int64) {
	d.Helper()
	d.do(func(ctx context.Context, tx *db.Tx) error {
		return catalogtest.Assess(ctx, tx, d.ring, by, "stories", number)
	})
}

func (d *desk) publish(by catalog.Officer, number int64) (p catalog.Published) {
	d.Helper()
	d.do(func(ctx context.Context, tx *db.Tx) (err error) {
		p, _, err = catalogtest.Publish(ctx, tx, d.ring, by, "stories", number)
		return err
	})
	return p
}

// stories returns the charter of testdata, changed.
func stories(t testing.TB, change func(*charter.Charter)) *charter.Charter {
	t.Helper()
	c, err := charter.Load(os.DirFS("testdata/charter"))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(c)
	}
	return c
}

func period(t testing.TB, s string) charter.Period {
	t.Helper()
	p, err := charter.ParsePeriod(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func wants(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

func same(t testing.TB, what string, want, got any) {
	t.Helper()
	periods := cmp.Comparer(func(a, b charter.Period) bool { return a == b })
	if diff := cmp.Diff(want, got, periods); diff != "" {
		t.Errorf("%s (-want +got)\n%s", what, diff)
	}
}

func TestArticle8_WhatIsMissingIsNamed(t *testing.T) {
	each(t, func(d *desk) {
		d.create()
		same(d, "new", []string{"charter", "rules", "agreement", "officer", "deputy"}, d.find().Missing())
		li := d.appoint(catalog.RoleOfficer, "Li")
		same(d, "officer", []string{"charter", "rules", "agreement", "deputy"}, d.find().Missing())
		draft := d.propose(stories(d, nil))
		same(d, "a draft is no charter", []string{"charter", "rules", "agreement", "deputy"}, d.find().Missing())
		d.publish(li, draft.Number)
		same(d, "published", []string{"deputy"}, d.find().Missing())
		d.appoint(catalog.RoleDeputy, "Wang")
		if missing := d.find().Missing(); missing != nil {
			d.Errorf("complete: %v", missing)
		}
	})
}

func TestArticle8_AVacancyShowsAtOnce(t *testing.T) {
	each(t, func(d *desk) {
		d.create()
		li := d.appoint(catalog.RoleOfficer, "Li")
		wang := d.appoint(catalog.RoleDeputy, "Wang")
		before := d.find()
		end := func(who string) error {
			return d.try(func(ctx context.Context, tx *db.Tx) error {
				o, _, err := catalog.EndOffice(ctx, tx, cli, "stories", who)
				if err == nil && !o.EndedAt.Equal(tx.Now()) {
					d.Errorf("ended at %v", o.EndedAt)
				}
				return err
			})
		}
		wants(d, "end", end(wang.ID), nil)
		wants(d, "end again", end(wang.ID), catalog.ErrOfficerNotFound)
		wants(d, "end nobody", end(""), catalog.ErrOfficerNotFound)
		after := d.find()
		if after.DeputyID != "" || after.OfficerID != li.ID || after.Version != before.Version+1 {
			d.Errorf("after the end: %+v", after)
		}
	})
}

func TestArticle8_ReplacingEndsTheFormerOneInTheSameTransaction(t *testing.T) {
	each(t, func(d *desk) {
		d.create()
		li := d.appoint(catalog.RoleOfficer, "Li")
		zhao := d.appoint(catalog.RoleOfficer, "Zhao")
		if s := d.find(); s.OfficerID != zhao.ID || s.Version != 3 {
			d.Errorf("service: %+v", s)
		}
		d.do(func(ctx context.Context, tx *db.Tx) error {
			in, err := catalog.InOffice(ctx, tx, "stories")
			same(d, "in office", []catalog.Officer{zhao}, in)
			all, more := catalog.Offices(ctx, tx, "stories")
			if len(all) != 2 || !all[0].EndedAt.Equal(zhao.AppointedAt) {
				d.Errorf("offices: %+v", all)
			}
			return errors.Join(err, more)
		})
		// The former officer has lost the authority, whatever their copy says.
		err := d.try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.Appoint(ctx, tx, li, "stories", catalog.RoleOfficer, "Li", "care@stories.example")
			return err
		})
		wants(d, "former officer", err, catalog.ErrNotInOffice)
		if s := d.find(); s.OfficerID != zhao.ID || s.Version != 3 {
			d.Errorf("after the refusal: %+v", s)
		}
	})
}

func TestArticle8_AppointmentsThatAreNone(t *testing.T) {
	each(t, func(d *desk) {
		d.create()
		d.appoint(catalog.RoleOfficer, "Li")
		for _, c := range []struct {
			role          catalog.Role
			name, contact string
			want          error
		}{
			{"chief", "Wang", "a@b.example", catalog.ErrRole},
			{catalog.RoleDeputy, "", "a@b.example", catalog.ErrOfficerName},
			{catalog.RoleDeputy, " Wang", "a@b.example", catalog.ErrOfficerName},
			{catalog.RoleDeputy, "Wa\nng", "a@b.example", catalog.ErrOfficerName},
			{catalog.RoleDeputy, "Wa\u200bng", "a@b.example", catalog.ErrOfficerName},
			{catalog.RoleDeputy, "\xff", "a@b.example", catalog.ErrOfficerName},
			{catalog.RoleDeputy, strings.Repeat("王", 101), "a@b.example", catalog.ErrOfficerName},
			{catalog.RoleDeputy, "Wang", "", catalog.ErrContact},
			{catalog.RoleDeputy, "Wang", strings.Repeat("a", 301), catalog.ErrContact},
			{catalog.RoleDeputy, "LI", "care@stories.example", catalog.ErrSamePerson},
		} {
			err := d.try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := catalog.Appoint(ctx, tx, cli, "stories", c.role, c.name, c.contact)
				return err
			})
			wants(d, string(c.role)+" "+c.want.Error(), err, c.want)
		}
		err := d.try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.Appoint(ctx, tx, catalog.Operator{}, "stories", catalog.RoleDeputy, "Wang", "a@b.example")
			return err
		})
		wants(d, "an operator without a name", err, catalog.ErrNotInOffice)
	})
}

func TestServices_AreCreatedOnce(t *testing.T) {
	each(t, func(d *desk) {
		create := func(name string, state catalog.State) error {
			return d.try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := catalog.Create(ctx, tx, cli, name, state)
				return err
			})
		}
		wants(d, "first", create("stories", catalog.Test), nil)
		wants(d, "again", create("stories", catalog.Live), catalog.ErrExists)
		wants(d, "state", create("songs", "draft"), catalog.ErrState)
		for _, name := range []string{"", "Stories", "1a", "a b", "a--b", "../a", strings.Repeat("a", 65)} {
			wants(d, "name", create(name, catalog.Live), catalog.ErrName)
		}
		s := d.find()
		same(d, "service", catalog.Service{Name: "stories", State: catalog.Test, Version: 1}, s)
		d.do(func(ctx context.Context, tx *db.Tx) error {
			_, err := catalog.Find(ctx, tx, "songs")
			wants(d, "Find", err, catalog.ErrNotFound)
			var read, none []catalog.Service
			err = tx.Together(ctx, catalog.ReadService(&read, "stories"), catalog.ReadService(&none, "songs"))
			same(d, "ReadService", []catalog.Service{s}, read)
			same(d, "ReadService", []catalog.Service(nil), none)
			all, more := catalog.List(ctx, tx)
			same(d, "List", []catalog.Service{s}, all)
			return errors.Join(err, more)
		})
	})
}
