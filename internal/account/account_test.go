package account_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/keyring"
)

// issuer governs one service.
type issuer string

func (i issuer) Ledger() string              { return "operator:cli" }
func (i issuer) Governs(service string) bool { return service == string(i) }

// A desk acts on one store that knows the services stories and songs.
type desk struct {
	*testing.T
	store *db.DB
	ring  *keyring.Ring
	mu    sync.Mutex
	now   time.Time
}

func each(t *testing.T, fn func(d *desk)) {
	t.Helper()
	ring := newRing(t)
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		d := &desk{T: t, store: store, ring: ring, now: time.Date(2026, 6, 1, 4, 0, 0, 0, time.UTC)}
		store.Now = func() time.Time {
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.now
		}
		d.do(func(ctx context.Context, tx *db.Tx) error {
			for name, state := range map[string]string{"stories": "live", "songs": "test"} {
				if _, err := tx.Exec(ctx, `
					INSERT INTO service (service, state, version, charter, officer, deputy, closed, successor, overdue, recalled, created_at)
					VALUES ($1, $2, 1, 0, '', '', '', '', '', false, 0)`, name, state); err != nil {
					return err
				}
			}
			return nil
		})
		fn(d)
	})
}

func newRing(t testing.TB) *keyring.Ring {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kek")
	if err := keyring.CreateKeyFile(path, ""); err != nil {
		t.Fatal(err)
	}
	kek, err := keyring.OpenKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := keyring.Generate(t.Context(), kek, keyring.AES256GCM)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.Open(t.Context(), kek, stored)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func (d *desk) wait(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(by)
}

func (d *desk) try(fn func(ctx context.Context, tx *db.Tx) error) error {
	return d.store.Update(d.Context(), func(tx *db.Tx) error { return fn(d.Context(), tx) })
}

func (d *desk) do(fn func(ctx context.Context, tx *db.Tx) error) {
	d.Helper()
	if err := d.try(fn); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) issue(expires time.Time) (a account.App, key string) {
	d.Helper()
	d.do(func(ctx context.Context, tx *db.Tx) (err error) {
		a, key, _, err = account.IssueApp(ctx, tx, issuer("stories"), "stories", "backend", scopes(d, "items:read items:write"), expires)
		return err
	})
	return a, key
}

func (d *desk) rotate(app string, overlap time.Duration) (a account.App, key string) {
	d.Helper()
	d.do(func(ctx context.Context, tx *db.Tx) (err error) {
		a, key, _, err = account.Rotate(ctx, tx, issuer("stories"), "stories", app, overlap, time.Time{})
		return err
	})
	return a, key
}

func (d *desk) revoke(app string) error {
	return d.try(func(ctx context.Context, tx *db.Tx) error {
		_, err := account.RevokeApp(ctx, tx, issuer("stories"), "stories", app)
		return err
	})
}

func (d *desk) find(key string) (a account.App, err error) {
	err = d.store.View(d.Context(), func(tx *db.Tx) error {
		a, err = account.FindApp(d.Context(), tx, key)
		return err
	})
	return a, err
}

func scopes(t testing.TB, names string) account.Scopes {
	t.Helper()
	s, err := account.ParseScopes(names)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func wants(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

func same(t testing.TB, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", what, diff)
	}
}

func TestArticle15_AKeyIsShownOnceAndKeptAsAHash(t *testing.T) {
	each(t, func(d *desk) {
		a, key := d.issue(time.Time{})
		if !regexp.MustCompile(`^wk_live_[0-9a-z]{52}$`).MatchString(key) {
			d.Errorf("the key has another shape, %d bytes", len(key))
		}
		found, err := d.find(key)
		wants(d, "find", err, nil)
		same(d, "found", a, found)
		if found.Ledger() != "app:"+a.ID || !strings.HasPrefix(a.ID, "ak_") {
			d.Errorf("in the ledger: %s", found.Ledger())
		}
		var test string
		d.do(func(ctx context.Context, tx *db.Tx) (err error) {
			_, test, _, err = account.IssueApp(ctx, tx, issuer("songs"), "songs", "trial", account.AllScopes(), time.Time{})
			return err
		})
		if !strings.HasPrefix(test, "wk_test_") {
			d.Error("the key of a test service doesn't say so")
		}

		// Nowhere in the rows, as text or as bytes.
		secret := strings.TrimPrefix(key, "wk_live_")
		d.do(func(ctx context.Context, tx *db.Tx) error {
			rows, err := db.All(ctx, tx, func(row db.Row) (string, error) {
				var hash []byte
				var id, service, name, scopes string
				err := row.Scan(&hash, &id, &service, &name, &scopes)
				return string(hash) + id + service + name + scopes, err
			}, `SELECT hash, id, service, name, scopes FROM credential ORDER BY hash`)
			entries, more := db.All(ctx, tx, db.Single[[]byte], `SELECT entry FROM ledger_pending ORDER BY id`)
			for _, e := range entries {
				rows = append(rows, string(e))
			}
			for _, row := range rows {
				if strings.Contains(row, secret) || strings.Contains(row, secret[:16]) {
					d.Error("a row holds the key")
				}
			}
			if len(rows) != 4 {
				d.Errorf("%d rows", len(rows))
			}
			return errors.Join(err, more)
		})
	})
}

func TestArticle15_WhatIsNoKeyGetsOneAnswer(t *testing.T) {
	each(t, func(d *desk) {
		expired, expiredKey := d.issue(d.now.Add(time.Hour))
		revoked, revokedKey := d.issue(time.Time{})
		good, goodKey := d.issue(d.now.Add(2 * time.Hour))
		wants(d, "revoke", d.revoke(revoked.ID), nil)
		d.wait(time.Hour - time.Microsecond)
		_, err := d.find(expiredKey)
		wants(d, "the moment before it expires", err, nil)
		d.wait(time.Microsecond)

		keys := &account.Keys{}
		for name, key := range map[string]string{
			"expired": expiredKey, "revoked": revokedKey, "empty": "", "unknown": "wk_live_" + strings.Repeat("0", 52),
			"without prefix": strings.TrimPrefix(goodKey, "wk_"), "longer": goodKey + "0", "shorter": goodKey[:len(goodKey)-1],
			"upper case": strings.ToUpper(goodKey), "huge": "wk_live_" + strings.Repeat("0", 1<<20), "not text": "wk_\xff\x00",
		} {
			a, err := d.find(key)
			if err != account.ErrRefused || a.ID != "" { // the very same, so nothing tells them apart
				d.Errorf("%s: %v", name, err)
			}
			if a, err = keys.App(d.Context(), d.store, key); err != account.ErrRefused || a.ID != "" {
				d.Errorf("%s, through memory: %v", name, err)
			}
		}
		a, err := d.find(goodKey)
		wants(d, "the good one", err, nil)
		same(d, "the good one", good, a)
		d.do(func(ctx context.Context, tx *db.Tx) error {
			apps, err := account.Apps(ctx, tx, "stories")
			same(d, "Apps", []account.App{good}, apps)
			return err
		})
		wants(d, "revoke again", d.revoke(revoked.ID), account.ErrNotFound)
		wants(d, "revoke an expired one", d.revoke(expired.ID), nil)
	})
}

func TestArticle15_CredentialsThatAreNotIssued(t *testing.T) {
	each(t, func(d *desk) {
		read := scopes(d, "items:read")
		for _, c := range []struct {
			by      account.Issuer
			service string
			name    string
			scopes  account.Scopes
			expires time.Time
			want    error
		}{
			{issuer("songs"), "stories", "backend", read, time.Time{}, account.ErrMayNot},
			{issuer("tales"), "tales", "backend", read, time.Time{}, account.ErrServiceUnknown},
			{issuer("stories"), "stories", "", read, time.Time{}, account.ErrName},
			{issuer("stories"), "stories", "a\tb", read, time.Time{}, account.ErrName},
			{issuer("stories"), "stories", strings.Repeat("a", 101), read, time.Time{}, account.ErrName},
			{issuer("stories"), "stories", "backend", account.Scopes{}, time.Time{}, account.ErrNoScopes},
			{issuer("stories"), "stories", "backend", read, d.now, account.ErrExpiry},
		} {
			err := d.try(func(ctx context.Context, tx *db.Tx) error {
				_, key, _, err := account.IssueApp(ctx, tx, c.by, c.service, c.name, c.scopes, c.expires)
				if key != "" {
					d.Errorf("%v, and a key came with it", err)
				}
				return err
			})
			wants(d, c.want.Error(), err, c.want)
		}
		a, key := d.issue(time.Time{})
		for name, act := range map[string]func(ctx context.Context, tx *db.Tx) error{
			"revoke": func(ctx context.Context, tx *db.Tx) error {
				_, err := account.RevokeApp(ctx, tx, issuer("songs"), "songs", a.ID)
				return err
			},
			"rotate": func(ctx context.Context, tx *db.Tx) error {
				_, _, _, err := account.Rotate(ctx, tx, issuer("songs"), "songs", a.ID, 0, time.Time{})
				return err
			},
		} {
			wants(d, name+" another service's", d.try(act), account.ErrNotFound)
		}
		_, err := d.find(key)
		wants(d, "the key", err, nil)
		for _, overlap := range []time.Duration{-1, 31 * 24 * time.Hour} {
			err := d.try(func(ctx context.Context, tx *db.Tx) error {
				_, _, _, err := account.Rotate(ctx, tx, issuer("stories"), "stories", a.ID, overlap, time.Time{})
				return err
			})
			wants(d, "overlap", err, account.ErrOverlap)
		}
	})
}

func TestArticle15_ARotationOverlapsAndEnds(t *testing.T) {
	each(t, func(d *desk) {
		works := func(what, key string, want bool) {
			d.Helper()
			if _, err := d.find(key); (err == nil) != want {
				d.Errorf("%s: %v", what, err)
			}
		}
		a, first := d.issue(time.Time{})
		d.wait(time.Second)
		b, second := d.rotate(a.ID, time.Hour)
		same(d, "the app stays the same", a, b)
		works("first, in the overlap", first, true)
		works("second", second, true)
		d.do(func(ctx context.Context, tx *db.Tx) error {
			apps, err := account.Apps(ctx, tx, "stories")
			same(d, "Apps", []account.App{a}, apps)
			return err
		})
		d.wait(time.Second)
		_, third := d.rotate(a.ID, 2*time.Hour)
		d.wait(time.Hour - time.Second)
		works("first, after its overlap", first, false)
		works("second, in its own", second, true)
		// A key that leaked is replaced without an overlap: nothing before it works.
		_, fourth := d.rotate(a.ID, 0)
		works("second, at once", second, false)
		works("third, at once", third, false)
		works("fourth", fourth, true)
		d.wait(time.Second)
		_, fifth := d.rotate(a.ID, time.Hour)
		wants(d, "revoke", d.revoke(a.ID), nil)
		works("fourth, revoked", fourth, false)
		works("fifth, revoked", fifth, false)
		err := d.try(func(ctx context.Context, tx *db.Tx) error {
			_, _, _, err := account.Rotate(ctx, tx, issuer("stories"), "stories", a.ID, 0, time.Time{})
			return err
		})
		wants(d, "what is revoked stays so", err, account.ErrNotFound)
	})
}

// Whatever order they fall into: once a revocation is acknowledged, no key of
// the app works, not even one that a rotation was just making.
func TestArticle15_NoKeySlipsPastARevocation(t *testing.T) {
	each(t, func(d *desk) {
		for range 20 {
			a, key := d.issue(time.Time{})
			keys := []string{key}
			var mu sync.Mutex
			var group sync.WaitGroup
			for range 3 {
				group.Go(func() {
					var key string
					err := d.try(func(ctx context.Context, tx *db.Tx) (err error) {
						_, key, _, err = account.Rotate(ctx, tx, issuer("stories"), "stories", a.ID, time.Hour, time.Time{})
						return err
					})
					if err != nil && !errors.Is(err, account.ErrNotFound) {
						d.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					keys = append(keys, key)
				})
			}
			group.Go(func() { wants(d, "revoke", d.revoke(a.ID), nil) })
			group.Wait()
			for _, key := range keys {
				if _, err := d.find(key); err == nil {
					d.Fatal("a key works after the revocation")
				}
			}
		}
	})
}

func TestKeys_ARevokedKeyWorksAtMostASecondLonger(t *testing.T) {
	each(t, func(d *desk) {
		keys := &account.Keys{}
		ask := func(key string) error {
			_, err := keys.App(d.Context(), d.store, key)
			return err
		}
		a, key := d.issue(time.Time{})
		soon, soonKey := d.issue(d.now.Add(500 * time.Millisecond))
		got, err := keys.App(d.Context(), d.store, key)
		wants(d, "first", err, nil)
		same(d, "first", a, got)
		got, err = keys.App(d.Context(), d.store, soonKey)
		wants(d, "one that expires", err, nil)
		same(d, "one that expires", soon, got)

		wants(d, "revoke", d.revoke(a.ID), nil)
		d.wait(500 * time.Millisecond)
		wants(d, "an expiry holds at once", ask(soonKey), account.ErrRefused)
		d.wait(account.KeyLife - 500*time.Millisecond - time.Microsecond)
		wants(d, "the last moment", ask(key), nil)
		d.wait(time.Microsecond)
		wants(d, "a second later", ask(key), account.ErrRefused)
		wants(d, "and ever after", ask(key), account.ErrRefused)
		wants(d, "another node", func() error {
			_, err := (&account.Keys{}).App(d.Context(), d.store, key)
			return err
		}(), account.ErrRefused)
	})
}

// A clock that is set back must not prolong what is in memory.
func TestKeys_DoNotTrustAClockThatWasSetBack(t *testing.T) {
	each(t, func(d *desk) {
		keys := &account.Keys{}
		a, key := d.issue(time.Time{})
		_, err := keys.App(d.Context(), d.store, key)
		wants(d, "first", err, nil)
		wants(d, "revoke", d.revoke(a.ID), nil)
		d.wait(-time.Hour)
		_, err = keys.App(d.Context(), d.store, key)
		wants(d, "an hour before", err, account.ErrRefused)
	})
}

func TestKeys_AnswerFromMemory(t *testing.T) {
	each(t, func(d *desk) {
		a, key := d.issue(time.Time{})
		keys := &account.Keys{}
		ask := func(key string) (account.App, error) { return keys.App(d.Context(), d.store, key) }
		_, err := ask(key)
		wants(d, "first", err, nil)
		d.do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `DROP TABLE credential`)
			return err
		})
		got, err := ask(key)
		wants(d, "from memory", err, nil)
		same(d, "from memory", a, got)
		// A store that doesn't answer is no wrong key: the app must not throw its key away.
		if _, err := ask("wk_live_" + strings.Repeat("0", 52)); err == nil || errors.Is(err, account.ErrRefused) {
			d.Errorf("another key: %v", err)
		}
		d.wait(account.KeyLife)
		if _, err := ask(key); err == nil || errors.Is(err, account.ErrRefused) {
			d.Errorf("a second later: %v", err)
		}
	})
}

func TestScopes_AreASet(t *testing.T) {
	s := scopes(t, "  seal items:read seal ")
	same(t, "in a fixed order", "items:read seal", s.String())
	same(t, "as a list", []string{"items:read", "seal"}, s.List())
	if !s.Has("seal") || s.Has("erase") || s.Has("") || s.Has("items:*") {
		t.Errorf("has: %v", s)
	}
	same(t, "all", "children:write children:read consents:write items:write items:read decisions:read seal erase events:read requests:write orders:write suspicions:write screenings:write takedowns:write incidents:write", account.AllScopes().String())
	same(t, "read what was written", s, scopes(t, s.String()))
	for _, unknown := range []string{"admin", "items:*", "Items:Read", "items:read,items:write"} {
		if s, err := account.ParseScopes("seal " + unknown); !errors.Is(err, account.ErrScope) || !s.IsZero() {
			t.Errorf("%s: %v, %v", unknown, s, err)
		}
	}
	if (account.App{Scopes: s}).May("seal") {
		t.Error("an app without an id may do something")
	}
	if a := (account.App{ID: "ak_1", Scopes: s}); !a.May("seal") || a.May("erase") {
		t.Error("an app may do another thing than it was given")
	}
}

func TestArticle15_IssuingAndRevokingAreRecorded(t *testing.T) {
	each(t, func(d *desk) {
		end := d.now.Add(time.Hour)
		a, _ := d.issue(end)
		d.wait(time.Second)
		d.rotate(a.ID, time.Minute)
		overlap := d.now.Add(time.Minute)
		d.wait(time.Second)
		wants(d, "revoke", d.revoke(a.ID), nil)
		type entry struct {
			Kind    string         `json:"kind"`
			Service string         `json:"service"`
			Subject string         `json:"subject"`
			Version int64          `json:"version"`
			Actor   string         `json:"actor"`
			Body    map[string]any `json:"body"`
		}
		var keys []string
		d.do(func(ctx context.Context, tx *db.Tx) error {
			hashes, err := db.All(ctx, tx, db.Single[[]byte], `SELECT hash FROM credential ORDER BY created_at, hash`)
			for _, hash := range hashes {
				keys = append(keys, account.KeyMark(hash, a.Name))
			}
			return err
		})
		both := []any{"items:write", "items:read"}
		want := []entry{
			{"credential.issued", "stories", "", 0, "operator:cli", map[string]any{"id": a.ID, "scopes": both, "country": "CN", "expires": float64(end.UnixMicro()), "key": keys[0]}},
			{"credential.issued", "stories", "", 0, "operator:cli", map[string]any{"id": a.ID, "scopes": both, "country": "CN", "expires": 0.0, "former_end": float64(overlap.UnixMicro()), "key": keys[1]}},
			{"credential.revoked", "stories", "", 0, "operator:cli", map[string]any{"id": a.ID}},
		}
		var got []entry
		d.do(func(ctx context.Context, tx *db.Tx) error {
			rows, err := db.All(ctx, tx, db.Single[[]byte], `SELECT entry FROM ledger_pending ORDER BY id`)
			for _, row := range rows {
				var e entry
				if err := json.Unmarshal(row, &e); err != nil {
					return err
				}
				got = append(got, e)
			}
			return err
		})
		same(d, "entries", want, got)
	})
}

// Whoever runs the system sees which keys are used, and page by page which there are.
func TestKeysAreListedWithTheirLastUse(t *testing.T) {
	each(t, func(d *desk) {
		var keys account.Keys
		first, key := d.issue(time.Time{})
		second, other := d.issue(time.Time{})
		if second.ID < first.ID { // names are random, and lists in their order
			first, key, second = second, other, first
		}
		ended, former := d.issue(d.now.Add(time.Hour))
		list := func(after string, limit int) (all []account.Listed) {
			d.do(func(ctx context.Context, tx *db.Tx) (err error) {
				all, err = account.List(ctx, tx, "stories", after, limit)
				return err
			})
			return all
		}
		for _, k := range []string{key, former, "wk_live_nobody"} {
			_, _ = keys.App(d.Context(), d.store, k)
		}
		d.wait(30 * time.Minute)
		if _, err := keys.App(d.Context(), d.store, key); err != nil {
			d.Fatal(err)
		}
		used := d.now
		if all := list("", 10); len(all) != 3 || !all[0].UsedAt.IsZero() {
			d.Errorf("before it is noted: %+v", all)
		}
		for range 2 { // the second time there is nothing to note
			if err := keys.Note(d.Context(), d.store); err != nil {
				d.Fatal(err)
			}
		}
		d.wait(time.Hour)
		_, another := d.rotate(first.ID, time.Hour)
		all := list("", 10)
		if len(all) != 2 || all[0].ID != first.ID || !all[0].UsedAt.Equal(used) || !all[0].IssuedAt.Equal(d.now) || all[1].ID != second.ID || !all[1].UsedAt.IsZero() {
			d.Errorf("%+v", all)
		}
		if page := list("", 1); len(page) != 1 || page[0].ID != first.ID {
			d.Errorf("first page: %+v", page)
		}
		if page := list(first.ID, 1); len(page) != 1 || page[0].ID != second.ID {
			d.Errorf("second page: %+v", page)
		}
		if page := list(second.ID, 1); len(page) != 0 {
			d.Errorf("third page: %+v", page)
		}
		find := func(service, app string) error {
			return d.try(func(ctx context.Context, tx *db.Tx) error {
				_, err := account.Find(ctx, tx, service, app)
				return err
			})
		}
		for _, c := range []struct {
			service, app string
			want         error
		}{{"stories", first.ID, nil}, {"songs", first.ID, account.ErrNotFound}, {"stories", ended.ID, account.ErrNotFound}, {"stories", "", account.ErrNotFound}} {
			if err := find(c.service, c.app); !errors.Is(err, c.want) {
				d.Errorf("%s of %s: %v", c.app, c.service, err)
			}
		}
		if _, err := keys.App(d.Context(), d.store, another); err != nil {
			d.Error(err)
		}
	})
}
