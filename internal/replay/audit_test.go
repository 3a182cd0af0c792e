package replay_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/catalog/catalogtest"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/party"
	"wardkeep/internal/replay"
	"wardkeep/internal/vault/vaulttest"
)

// TestInvariant7_ManyAtOnceReplay lets many do everything at the same time, while
// charters, offices and answers change and the sequencer runs.
func TestInvariant7_ManyAtOnceReplay(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := begin(t, w)
		var children []family.Child
		for range 3 {
			children = append(children, s.Child())
		}
		ctx, stop := context.WithCancel(t.Context())
		sequencer := make(chan error, 1)
		go func() { sequencer <- s.log.Run(ctx) }()
		var wait sync.WaitGroup
		for n := range 8 {
			wait.Go(func() {
				r := rand.New(rand.NewPCG(uint64(n), 7))
				for range 30 {
					if err := s.something(r, n, children[r.IntN(len(children))]); err != nil && errs.Of(err).Kind == errs.Internal {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
		stop()
		ok(t, <-sequencer)
		if report := s.replays(t); report.Uses < 50 {
			t.Errorf("only %d uses: too little happened", report.Uses)
		}
		ok(t, s.flush())
		s.replays(t)
	})
}

// something is one thing that one of many does.
func (s *story) something(r *rand.Rand, n int, c family.Child) error {
	purpose := purposes[r.IntN(len(purposes))]
	item := items[r.IntN(len(items))]
	if n == 0 {
		switch r.IntN(4) {
		case 0:
			return s.Try(func(ctx context.Context, tx *db.Tx) error {
				draft, _, err := catalog.Propose(ctx, tx, s.Ring, terminal, s.editions[r.IntN(2)], nil)
				if err != nil {
					return err
				}
				p, _, err := catalogtest.Publish(ctx, tx, s.Ring, s.Officer, service, draft.Number)
				if err != nil {
					return err
				}
				return party.Follow(ctx, tx, s.Officer, service, p.Charter)
			})
		case 1:
			return s.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := catalog.Appoint(ctx, tx, terminal, service, catalog.RoleDeputy, "某"+id.Secret(16)[:4], "a@xiaoxi-english.example")
				return err
			})
		}
	}
	switch r.IntN(7) {
	case 6:
		return s.happens(c.ID, "account-closed", time.Time{})
	case 0:
		return s.put(c.ID, purpose, map[string]string{item: values[item]})
	case 1:
		sealed, err := s.seal(c.ID, purpose, item, values[item])
		if err != nil {
			return err
		}
		return s.unseal(c.ID, purpose, item, sealed)
	case 2:
		g, err := s.firstGuardian(c.ID)
		if err != nil {
			return err
		}
		return s.withdraw(g, purpose)
	case 3:
		return s.Try(func(ctx context.Context, tx *db.Tx) error {
			now, err := family.Find(ctx, tx, service, c.ID)
			if err != nil {
				return err
			}
			g, err := firstIn(ctx, tx, c.ID)
			if err != nil {
				return err
			}
			q, _, _, err := s.Desk.Ask(ctx, tx, g, now, consent.Asking{Purposes: []string{purpose}, Channel: consent.Link, Locale: "zh-CN"})
			if err != nil {
				return err
			}
			_, _, err = s.Desk.Force(ctx, tx, s.App, q, consent.ForceGranted)
			return err
		})
	case 4:
		return s.freeze(c.ID, r.IntN(3) == 0)
	}
	return s.use(c.ID, charter.Use, purpose, "", item)
}

func (s *story) firstGuardian(child family.ID) (g family.Guardian, err error) {
	err = s.Store.View(context.Background(), func(tx *db.Tx) (err error) {
		g, err = firstIn(context.Background(), tx, child)
		return err
	})
	return g, err
}

func firstIn(ctx context.Context, tx *db.Tx, child family.ID) (family.Guardian, error) {
	var all []family.Guardian
	err := tx.Together(ctx, family.ReadGuardians(&all, child))
	if err != nil || len(all) == 0 {
		return family.Guardian{}, err
	}
	return all[0], nil
}

// More children than one page holds, with something wrong on each page and
// behind the last child.
func TestAuditWalksThroughEveryPage(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := begin(t, w)
		const many = 1203
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			for range many {
				_, _, _, err := s.Vault.Gate.Register(ctx, tx, s.App, family.Enrolment{Service: service, Ref: pii.New(id.Secret(16)),
					Guardian: family.Person{Phone: pii.New("13800000000"), Relation: family.Parent}})
				if err != nil {
					return err
				}
			}
			return nil
		})
		var at, of int64
		report, err := replay.Audit(t.Context(), s.Store, nil, nil, replay.Options{Progress: func(done, total int64) { at, of = done, total }})
		if err != nil || !report.OK() || report.Children != many || at != of || of != report.Entries+many {
			t.Errorf("%+v, %v, %d of %d", report, err, at, of)
		}
		report = s.once(t, func() {
			s.do(func(ctx context.Context, tx *db.Tx) error {
				for _, q := range []string{
					`UPDATE guardian SET strength = 3 WHERE child > $1`,
					`UPDATE guardian SET child = 'zzz' WHERE child = (SELECT max(child) FROM guardian WHERE child < $1)`,
				} {
					if _, err := tx.Exec(ctx, q, map[bool]string{true: "", false: "zz"}[strings.Contains(q, "strength")]); err != nil {
						return err
					}
				}
				return nil
			})
		})
		if n := int64(len(report.Differences)) + report.More; n != many+1 || len(report.Differences) != 100 {
			t.Errorf("%d differences, %d of them shown; want %d and 100", n, len(report.Differences), many+1)
		}
	})
}

// What can't be read is reported where it lies, and nothing is made of the rest.
func TestAuditOfADamagedLedger(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := play(t, w)
		for want, query := range map[string]string{
			"unreadable ": `UPDATE ledger_bundle SET entries = (SELECT canonical FROM charter WHERE number = 1) WHERE start = $1`,
			"short ":      `UPDATE ledger_head SET size = size + 1 WHERE id > $1`,
		} {
			report := s.once(t, func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					_, err := tx.Exec(ctx, query, 0)
					return err
				})
			})
			forgery(t, want, report, want)
			if len(report.Differences) != 1 {
				t.Errorf("%s: %v", want, report.Differences)
			}
		}
	})
}

// A process that has seen the charter decides under it although its row is
// damaged; another says how many uses it can't decide.
func TestAuditRemembersADamagedCharter(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := play(t, w)
		remembers := s.Vault.Gate.Charters
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `
				UPDATE charter SET canonical = (SELECT canonical FROM charter WHERE service = $1 AND number = 2)
				WHERE service = $1 AND number = 1`, service)
			return err
		})
		for charters, want := range map[*catalog.Cache]bool{remembers: false, nil: true} {
			report, err := replay.Audit(t.Context(), s.Store, s.Ring, charters, replay.Options{})
			ok(t, err)
			forgery(t, "damaged", report, "row_damaged canonical")
			if got := slices.ContainsFunc(report.Differences, func(d replay.Difference) bool { return d.What == replay.FoundUndecided }); got != want {
				t.Errorf("undecided: %v, want %v", got, want)
			}
		}
	})
}

// A ring from before a rotation can't tell what is damaged from what it doesn't
// know yet, so it doesn't look.
func TestAuditRefusesARingFromBeforeARotation(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := begin(t, w)
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `
				INSERT INTO keyring_key (id, purpose, suite, wrapped, kek, state, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
				"pk_00000000", keyring.PurposePool, keyring.AES256GCM, []byte{1}, "file:0", keyring.StateCurrent, 0)
			return err
		})
		if _, err := replay.Audit(t.Context(), s.Store, s.Ring, nil, replay.Options{}); !errors.Is(err, keyring.ErrUnknownPool) {
			t.Errorf("got %v", err)
		}
		if report, err := replay.Audit(t.Context(), s.Store, nil, nil, replay.Options{}); err != nil || !report.OK() {
			t.Errorf("without a ring: %v, %v", report.Differences, err)
		}
	})
}

// A use that was on its way when the service changed rests on the version before.
func TestAuditLetsAUseOnItsWayPass(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := play(t, w)
		s.fill(catalog.RoleOfficer)
		s.forgeUse(func(b *gate.UseBody) { b.Catalog-- })
		s.replays(t)
	})
}
