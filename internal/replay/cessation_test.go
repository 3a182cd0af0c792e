package replay_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/vault/vaulttest"
)

// Article 23: whose guardians weren't told, though the row says that all were, is found.
func TestArticle23_WhoWasNotToldIsFound(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := begin(t, w)
		s.Child()
		s.Pass(time.Minute)
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			c, _, err := catalog.Cease(ctx, tx, s.Officer, service, "", catalog.Ordered, tx.Now().Add(8*24*time.Hour))
			if err != nil {
				return err
			}
			return c.TellUpto(ctx, tx, "ch_z", 0, true)
		})
		s.Pass(time.Minute)
		ok(t, s.flush())
		found(t, "nobody was told", s.audit(t), "row_differs cessation told_at")
	})
}

// Article 23: a use that was permitted after the announcement is found, as is an erasure
// before the window was over.
func TestArticle23_AUseAfterTheAnnouncementIsFound(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := begin(t, w)
		child := s.Child()
		ok(t, s.put(child.ID, "course-progress", map[string]string{"weekly_score": "77"}))
		ok(t, s.ceases("", 8*24*time.Hour))
		s.Pass(time.Minute)
		denied(t, s.use(child.ID, charter.Use, "course-progress", "", "weekly_score"), "gate.service_ceasing")
		ok(t, s.flush())
		s.replays(t)
		// As if somebody had the gate say yes: the service is open in its row for a moment.
		open := func(closed string) {
			s.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE service SET closed = $1 WHERE service = $2`, closed, service)
				return err
			})
		}
		open("")
		ok(t, s.use(child.ID, charter.Use, "course-progress", "", "weekly_score"))
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := s.Vault.Put(ctx, tx, s.By(), service, child.ID, "course-progress", map[string]pii.Text{"weekly_score": pii.New("78")})
			return err
		})
		open(catalog.All)
		s.Pass(time.Minute)
		ok(t, s.flush())
		found(t, "a use after the announcement", s.audit(t), "verdict  ")
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := s.Vault.Erase(ctx, tx, "system:cessation", service, child.ID, family.Cessation)
			return err
		})
		ok(t, s.flush())
		found(t, "erased within the window", s.audit(t), "impossible  cessation")
	})
}

// Article 23: who was told late has as much time as all others: whoever is erased before that
// is found, as is a window that is shorter.
func TestArticle23_AnErasureWithinALateWindowIsFound(t *testing.T) {
	const day = 24 * time.Hour
	for name, window := range map[string]time.Duration{"as long as the others'": 8 * day, "shorter": 6 * day} {
		t.Run(name, func(t *testing.T) {
			vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
				s := begin(t, w)
				child := s.Child()
				s.Pass(time.Minute)
				s.Do(func(ctx context.Context, tx *db.Tx) error {
					c, _, err := catalog.Cease(ctx, tx, s.Officer, service, "", catalog.Ordered, tx.Now().Add(8*day))
					if err != nil {
						return err
					}
					return c.TellUpto(ctx, tx, "ch_z", 0, true)
				})
				s.Pass(7 * day)
				s.Do(func(ctx context.Context, tx *db.Tx) error {
					c, err := catalog.FindCessation(ctx, tx, service, "")
					if err != nil {
						return err
					}
					child, err := family.Lock(ctx, tx, service, child.ID)
					if err != nil {
						return err
					}
					ends := tx.Now().Add(window)
					if _, err := family.TellCeasing(ctx, tx, "system:cessation", child, "", ends); err != nil {
						return err
					}
					return c.TellLate(ctx, tx, ends)
				})
				ok(t, s.flush())
				if window < 8*day {
					found(t, name, s.audit(t), "impossible  cessation")
					return
				}
				s.replays(t)
				s.Pass(2 * day)
				s.Do(func(ctx context.Context, tx *db.Tx) error {
					_, err := s.Vault.Erase(ctx, tx, "system:cessation", service, child.ID, family.Cessation)
					return err
				})
				ok(t, s.flush())
				found(t, name, s.audit(t), "impossible  cessation")
			})
		})
	}
}

// Article 23: an entry of an end that can't be is found.
func TestArticle23_AForgedEndIsFound(t *testing.T) {
	day := (24 * time.Hour).Microseconds()
	for name, body := range map[string]func(now int64) any{
		"for no reason":  func(now int64) any { return catalog.CeasingBody{Reason: "王小明", Ends: now + 9*day} },
		"without window": func(now int64) any { return catalog.CeasingBody{Reason: catalog.Ordered, Ends: now + day} },
		"of no purpose": func(now int64) any {
			return catalog.CeasingBody{Purpose: "ghost", Reason: catalog.Ordered, Ends: now + day}
		},
		"never begun": func(now int64) any { return catalog.CeasedBody{Children: 1} },
	} {
		t.Run(name, func(t *testing.T) {
			vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
				s := begin(t, w)
				s.Do(func(ctx context.Context, tx *db.Tx) error {
					kind, b := catalog.KindCeasing, body(tx.Now().UnixMicro())
					if _, ended := b.(catalog.CeasedBody); ended {
						kind = catalog.KindCeased
					}
					now, err := catalog.Find(ctx, tx, service)
					if err != nil {
						return err
					}
					if _, err := tx.Exec(ctx, `UPDATE service SET version = version + 1 WHERE service = $1`, service); err != nil {
						return err
					}
					_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: service, Version: now.Version + 1, Actor: s.Officer.Ledger(), Body: b})
					return err
				})
				ok(t, s.flush())
				found(t, name, s.audit(t), "impossible  cessation")
			})
		})
	}
}

// Edge case 18: an announcement that names who takes over, and couldn't have been, is found.
func TestEdgeCase18_AForgedTakeoverIsFound(t *testing.T) {
	to := catalog.Takeover{Recipient: vaulttest.Successor, Purpose: vaulttest.Handover, Mark: strings.Repeat("ab", 32), Assessed: "2026-03-02"}
	for name, change := range map[string]func(b *catalog.CeasingBody, to *catalog.Takeover){
		"of a purpose":                          func(b *catalog.CeasingBody, _ *catalog.Takeover) { b.Purpose = vaulttest.Handover },
		"for a purpose that hands nothing over": func(_ *catalog.CeasingBody, to *catalog.Takeover) { to.Purpose = "course-progress" },
		"for no purpose":                        func(_ *catalog.CeasingBody, to *catalog.Takeover) { to.Purpose = "ghost" },
		"by no recipient":                       func(_ *catalog.CeasingBody, to *catalog.Takeover) { to.Recipient = "ghost" },
		"without a document":                    func(_ *catalog.CeasingBody, to *catalog.Takeover) { to.Mark = "" },
		"assessed afterwards":                   func(_ *catalog.CeasingBody, to *catalog.Takeover) { to.Assessed = "2199-01-01" },
		"assessed on no day":                    func(_ *catalog.CeasingBody, to *catalog.Takeover) { to.Assessed = "soon" },
	} {
		t.Run(name, func(t *testing.T) {
			vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
				s := begin(t, w)
				s.Publish(vaulttest.Takeover(s.Charter))
				s.Do(func(ctx context.Context, tx *db.Tx) error {
					taker := to
					b := catalog.CeasingBody{Reason: catalog.Ordered, Ends: tx.Now().Add(9 * 24 * time.Hour).UnixMicro(), Successor: &taker}
					change(&b, &taker)
					now, err := catalog.Find(ctx, tx, service)
					if err != nil {
						return err
					}
					if _, err := tx.Exec(ctx, `UPDATE service SET version = version + 1 WHERE service = $1`, service); err != nil {
						return err
					}
					_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: catalog.KindCeasing, Service: service, Version: now.Version + 1, Actor: s.Officer.Ledger(), Body: b})
					return err
				})
				ok(t, s.flush())
				found(t, name, s.audit(t), "impossible  cessation")
			})
		})
	}
}

// Edge case 18: whoever writes into the row of a service who takes it over gets nothing that
// isn't found; nor does the entry of a child that was handed over to somebody else.
func TestEdgeCase18_ATakeoverByARowIsFound(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := begin(t, w)
		s.Publish(vaulttest.Takeover(s.Charter))
		child := s.Child()
		ok(t, s.put(child.ID, "course-progress", map[string]string{"nickname": "小溪"}))
		s.Do(func(ctx context.Context, tx *db.Tx) error { return s.AssessSuccessor(ctx, tx) })
		ok(t, s.ceases("", 8*24*time.Hour))
		s.Pass(time.Minute)
		ok(t, s.flush())
		s.replays(t)
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			to := catalog.Successor{Purpose: vaulttest.Handover, Recipient: vaulttest.Successor, Until: tx.Now().Add(time.Hour)}
			if _, err := tx.Exec(ctx, `UPDATE service SET successor = $1 WHERE service = $2`, to.String(), service); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `UPDATE consent SET strength = 2, takeover = true WHERE purpose = $1`, vaulttest.Handover)
			if err == nil {
				_, err = tx.Exec(ctx, `UPDATE guardian SET strength = 2`)
			}
			return err
		})
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := s.Vault.Transfer(ctx, tx, s.By(), gate.Use{Service: service, Child: child.ID, Activity: charter.Transfer,
				Purpose: vaulttest.Handover, Items: []string{"nickname"}, Party: vaulttest.Successor})
			return err
		})
		ok(t, s.flush())
		report := s.audit(t)
		found(t, "a transfer that nobody announced", report, "verdict  ")
		found(t, "a child was handed over", report, "impossible  cessation")
		found(t, "who takes it over", report, "row_differs service successor")
	})
}
