package catalog_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/catalog/catalogtest"
	"wardkeep/internal/charter"
)

// work counts what a transaction has done: rows written anywhere, and rows of
// children and consents read (PostgreSQL tells those).
type work struct{ Written, Read int64 }

func scanWork(row db.Row) (w work, err error) {
	err = row.Scan(&w.Written, &w.Read)
	return w, err
}

func (d *desk) work(ctx context.Context, tx *db.Tx) (work, error) {
	if d.store.Engine() == "sqlite" {
		return db.One(ctx, tx, scanWork, `SELECT total_changes(), 0`)
	}
	return db.One(ctx, tx, scanWork, `
		SELECT CAST(sum(n_tup_ins + n_tup_upd + n_tup_del) AS bigint),
			CAST(sum(CASE WHEN relname IN ('child', 'consent') THEN seq_tup_read + coalesce(idx_tup_fetch, 0) ELSE 0 END) AS bigint)
		FROM pg_stat_xact_user_tables WHERE schemaname = current_schema()`)
}

func TestArticle10_PublishingCostsTheSameForAnyNumberOfChildren(t *testing.T) {
	const children = 10_000
	each(t, func(d *desk) {
		d.create()
		li := d.appoint(catalog.RoleOfficer, "Li")
		d.publish(li, d.propose(stories(d, nil)).Number)
		measured := func(number int64) (w work) {
			d.assess(li, number)
			d.do(func(ctx context.Context, tx *db.Tx) error {
				before, err := d.work(ctx, tx)
				if err != nil {
					return err
				}
				if _, _, err := catalog.Publish(ctx, tx, d.ring, li, "stories", number); err != nil {
					return err
				}
				after, err := d.work(ctx, tx)
				w = work{after.Written - before.Written, after.Read - before.Read}
				return err
			})
			return w
		}
		nobody := measured(d.propose(stories(d, longer(d, "60d"))).Number)
		if nobody.Written < 10 {
			d.Fatalf("the count counts nothing: %+v", nobody)
		}

		granted := d.grants(children)
		many := measured(d.propose(stories(d, longer(d, "90d"))).Number)
		if many != nobody {
			d.Errorf("with %d children: %+v, with none: %+v", children, many, nobody)
		}
		if many.Read != 0 {
			d.Errorf("%d rows of children were read", many.Read)
		}

		// All of them are stale all the same: an answer to charter 2 for a purpose
		// that is asked for since 3.
		d.do(func(ctx context.Context, tx *db.Tx) error {
			p, err := catalog.Current(ctx, tx, "stories")
			if err != nil {
				return err
			}
			stale, err := db.One(ctx, tx, db.Single[int64], `
				SELECT count(*) FROM consent WHERE purpose = $1 AND ended_at IS NULL AND charter < $2`, "reading-aloud", p.AskedSince["reading-aloud"])
			if stale != granted || p.AskedSince["bookshelf"] != 1 {
				d.Errorf("%d of %d are stale, asked since %v", stale, granted, p.AskedSince)
			}
			return err
		})
	})
}

// Article 23: collection is closed at once, however many children there are: an
// announcement touches no row of theirs. WARDKEEP_CHILDREN makes it another number than 10,000.
func TestArticle23_AnnouncingCostsTheSameForAnyNumberOfChildren(t *testing.T) {
	each(t, func(d *desk) {
		d.create()
		li := d.appoint(catalog.RoleOfficer, "Li")
		d.publish(li, d.propose(stories(d, nil)).Number)
		n := int64(10_000)
		if s := os.Getenv("WARDKEEP_CHILDREN"); s != "" {
			var err error
			if n, err = strconv.ParseInt(s, 10, 64); err != nil {
				d.Fatal(err)
			}
		}
		d.grants(n)
		began := time.Now()
		defer func() { d.Logf("%d children, closed after %s", n, time.Since(began)) }()
		d.do(func(ctx context.Context, tx *db.Tx) error {
			before, err := d.work(ctx, tx)
			if err != nil {
				return err
			}
			if _, _, err := catalog.Cease(ctx, tx, li, "stories", "", catalog.Ordered, tx.Now().Add(catalog.LeastWindow)); err != nil {
				return err
			}
			after, err := d.work(ctx, tx)
			if n := after.Written - before.Written; n < 3 || n > 8 || after.Read != before.Read {
				d.Errorf("%d rows written, %d rows of children read", n, after.Read-before.Read)
			}
			return err
		})
	})
}

// grants writes that many children, each with a grant that rests on charter 2.
func (d *desk) grants(n int64) int64 {
	d.Helper()
	d.do(func(ctx context.Context, tx *db.Tx) error {
		now := tx.Now()
		for i := range n {
			child := fmt.Sprintf("ch_%026d", i)
			err := tx.Queue(ctx, `
				INSERT INTO child (child, service, subject, version, state, frozen, disputed, birth_from, birth_version, created_at, endings, aged)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0)`,
				child, "stories", fmt.Sprintf("su_%026d", i), 1, "active", false, false, "", 0, (*db.Time)(&now), "")
			if err != nil {
				return err
			}
			err = tx.Queue(ctx, `
				INSERT INTO consent (child, id, guardian, request, purpose, charter, notice, page, lang, channel, shown_at, given_at, granted, takeover, withdraws, strength, ending, entry)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10, $10, $11, $12, $13, $14, $15, $16)`,
				child, "co_1", "gu_1", "cr_1", "reading-aloud", 2, "", "en", "page", (*db.Time)(&now), true, false, "", 1, "", "le_1")
			if err != nil {
				return err
			}
		}
		return nil
	})
	return n
}

func TestCache_ForgetsTheOldestAndNothingElse(t *testing.T) {
	each(t, func(d *desk) {
		d.create()
		li := d.appoint(catalog.RoleOfficer, "Li")
		days := []string{"30d", "40d", "50d"}
		for _, s := range days {
			d.publish(li, d.propose(stories(d, longer(d, s))).Number)
		}
		cache := catalog.NewCache(2)
		get := func(number int64) (c *charter.Charter) {
			d.Helper()
			d.do(func(ctx context.Context, tx *db.Tx) error {
				p, err := cache.Version(ctx, tx, "stories", number)
				if err == nil && (p.Number != number || p.Charter.Purposes[1].Retention.Period.String() != days[number-1]) {
					d.Errorf("version %d is %+v", number, p)
				}
				c = p.Charter
				return err
			})
			return c
		}
		one, two := get(1), get(2)
		if get(1) != one || get(2) != two || get(1) != one {
			d.Error("a kept version is parsed again")
		}
		three := get(3) // 2 was asked for longest ago
		if get(1) != one || get(3) != three {
			d.Error("the wrong version went")
		}
		if get(2) == two {
			d.Error("more than two versions are kept")
		}
		for name, c := range map[string]*catalog.Cache{"zero": {}, "nil": nil, "of none": catalog.NewCache(0)} {
			d.do(func(ctx context.Context, tx *db.Tx) error {
				p, err := c.Current(ctx, tx, "stories")
				if p.Number != 3 {
					d.Errorf("%s cache: %+v", name, p)
				}
				return err
			})
		}
	})
}

// What is undone with its transaction must not be remembered.
func TestCache_KeepsNothingThatMayBeUndone(t *testing.T) {
	each(t, func(d *desk) {
		d.create()
		li := d.appoint(catalog.RoleOfficer, "Li")
		number := d.propose(stories(d, nil)).Number
		cache := catalog.NewCache(2)
		err := d.try(func(ctx context.Context, tx *db.Tx) error {
			if _, _, err := catalogtest.Publish(ctx, tx, d.ring, li, "stories", number); err != nil {
				return err
			}
			if _, err := cache.Current(ctx, tx, "stories"); err != nil {
				return err
			}
			return context.Canceled
		})
		wants(d, "the transaction", err, context.Canceled)
		d.do(func(ctx context.Context, tx *db.Tx) error {
			_, err := cache.Version(ctx, tx, "stories", number)
			wants(d, "Version", err, catalog.ErrVersionNotFound)
			_, err = cache.Current(ctx, tx, "stories")
			wants(d, "Current", err, catalog.ErrNoCharter)
			return nil
		})
	})
}

// Two officers press the button at the same moment: the charter is published
// once, and the versions have no gap.
func TestInvariant12_TwoPublishOnce(t *testing.T) {
	each(t, func(d *desk) {
		d.create()
		li := d.appoint(catalog.RoleOfficer, "Li")
		wang := d.appoint(catalog.RoleDeputy, "Wang")
		number := d.propose(stories(d, nil)).Number
		d.assess(li, number)
		before := d.find().Version
		d.now = d.now.Add(time.Second)
		cache := catalog.NewCache(2)
		var group sync.WaitGroup
		results := make([]error, 8)
		for i := range results {
			group.Go(func() {
				by := []catalog.Officer{li, wang}[i%2]
				results[i] = d.store.Update(d.Context(), func(tx *db.Tx) error {
					_, _, err := catalog.Publish(d.Context(), tx, d.ring, by, "stories", number)
					return err
				})
				err := d.store.View(d.Context(), func(tx *db.Tx) error {
					_, err := cache.Current(d.Context(), tx, "stories")
					return err
				})
				if err != nil {
					d.Error(err)
				}
			})
		}
		group.Wait()
		published := 0
		for _, err := range results {
			if err == nil {
				published++
				continue
			}
			wants(d, "the others", err, catalog.ErrPublished)
		}
		if s := d.find(); published != 1 || s.Charter != number || s.Version != before+1 {
			d.Errorf("published %d times: %+v", published, s)
		}
	})
}
