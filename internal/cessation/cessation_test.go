package cessation_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/catalog/catalogtest"
	"wardkeep/internal/cessation"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/rights"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/webhook"
)

// Article 23: the announcement alone closes everything that brings something in or uses
// it, and leaves to guardians what is theirs.
func TestArticle23_TheAnnouncementClosesCollectionEverywhere(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		child := h.agreed("13800138000")
		h.Put(child, "course-progress", "nickname", "小溪")
		waiting, _ := h.Enrol()
		var open consent.Request
		h.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			open, _, _, err = h.Desk.Ask(ctx, tx, h.App, waiting, consent.Asking{Channel: consent.Link, Locale: "zh-CN"})
			return err
		})
		h.must("", 30*day)

		reason(t, h.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := h.Vault.Put(ctx, tx, h.By(), vaulttest.Service, child.ID, "course-progress", map[string]pii.Text{"nickname": pii.New("小溪")})
			return err
		}), "gate.service_ceasing")
		_, err := h.Read(child, "course-progress", "nickname")
		reason(t, err, "gate.service_ceasing")
		reason(t, h.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, _, err := h.Vault.Gate.Register(ctx, tx, h.App, family.Enrolment{Service: vaulttest.Service, Ref: pii.New("new"),
				Guardian: family.Person{Phone: pii.New("13800000001"), Relation: family.Parent}})
			return err
		}), "gate.service_ceasing")
		reason(t, h.Try(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, vaulttest.Service, child.ID)
			if err != nil {
				return err
			}
			_, _, err = h.Vault.Gate.AddGuardian(ctx, tx, h.App, c, family.Person{Phone: pii.New("13800000002"), Relation: family.Parent})
			return err
		}), "gate.service_ceasing")
		for what, fn := range map[string]func(context.Context, *db.Tx) error{
			"asked": func(ctx context.Context, tx *db.Tx) error {
				_, _, _, err := h.Desk.Ask(ctx, tx, h.App, child, consent.Asking{Channel: consent.Link, Locale: "en"})
				return err
			},
			"asked by the guardian": func(ctx context.Context, tx *db.Tx) error {
				g := h.guardianOf(ctx, tx, child)
				_, _, _, err := h.Desk.Ask(ctx, tx, g, child, consent.Asking{Channel: consent.Link, Locale: "en"})
				return err
			},
			"granted": func(ctx context.Context, tx *db.Tx) error {
				_, _, err := h.Desk.Force(ctx, tx, h.App, open, consent.ForceGranted)
				return err
			},
			"sent": func(ctx context.Context, tx *db.Tx) error {
				_, _, _, _, err := h.Desk.Send(ctx, tx, h.App, open)
				return err
			},
			"renewed": func(ctx context.Context, tx *db.Tx) error {
				_, err := h.Desk.Renew(ctx, tx, open)
				return err
			},
		} {
			if err := h.Try(fn); !errors.Is(err, consent.ErrCeasing) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := h.sees(child, "nickname"); err != nil {
			t.Errorf("the guardian can't look: %v", err)
		}
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			if _, err := h.Desk.Withdraw(ctx, tx, h.guardianOf(ctx, tx, child), child, "class-ranking"); err != nil {
				t.Errorf("a withdrawal: %v", err)
			}
			_, _, err := h.Vault.Demand(ctx, tx, rights.Desk{Ring: h.Ring, Charters: h.Vault.Gate.Charters}, h.App, child,
				rights.Demand{Kind: rights.Delete, Door: rights.ByChild})
			if err != nil {
				t.Errorf("a demand: %v", err)
			}
			return nil
		})
	})
}

func (h *house) guardianOf(ctx context.Context, tx *db.Tx, child family.Child) family.Guardian {
	h.t.Helper()
	var all []family.Guardian
	if err := tx.Together(ctx, family.ReadGuardians(&all, child.ID)); err != nil {
		h.t.Fatal(err)
	}
	g := all[0]
	g.Strength = family.OneTimeCode
	return g
}

// Article 23: guardians are told, each once, before anything is erased; when the window is over
// all is erased with a certificate, keys and addresses end, and nothing opens it again.
func TestArticle23_GuardiansAreToldThenAllIsErased(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		phones := []string{"13800138000", "13800138001", "13800138002"}
		var children []family.Child
		for _, p := range phones {
			children = append(children, h.agreed(p))
			h.Put(children[len(children)-1], "course-progress", "nickname", "小溪")
		}
		to, err := webhook.ParseAddress("https://hooks.xiaoxi-english.example/in", nil)
		if err != nil {
			t.Fatal(err)
		}
		var hook webhook.Endpoint
		h.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			hook, _, _, err = webhook.Add(ctx, tx, h.Ring, catalog.Operator{ID: "test"}, vaulttest.Service, to, []string{"service.*"}, "")
			return err
		})
		h.must("", 7*day)
		if done := h.round(); done.Told != 3 || done.Erased != 0 {
			t.Errorf("the first round: %+v", done)
		}
		h.round()
		if got := h.letters(notify.KindCeasing); !slices.Equal(got, phones) {
			t.Errorf("told %v", got)
		}
		c := h.ceasing("")
		if c.Told != 3 || c.ToldAt.IsZero() || c.ToldPlace < 0 {
			t.Errorf("%+v", c)
		}
		h.Pass(6 * day)
		if done := h.round(); done.Erased != 0 || h.living() != 3 {
			t.Errorf("within the window: %+v", done)
		}
		if err := h.sees(children[0], "nickname"); err != nil {
			t.Errorf("within the window a guardian can't look: %v", err)
		}
		h.Pass(day)
		if done := h.round(); done.Erased != 3 || done.Ended != 1 || h.living() != 0 {
			t.Errorf("after the window: %+v", done)
		}
		if got := h.letters(notify.KindCeased); !slices.Equal(got, phones) {
			t.Errorf("the farewell went to %v", got)
		}
		for _, m := range h.outbox.Messages() {
			if text := m.Message.Text.Reveal(); m.Message.Kind == notify.KindCeased && !strings.Contains(text, site+"/certificate/") {
				t.Error(text)
			}
		}
		if c = h.ceasing(""); c.EndedAt.IsZero() || c.Children != 3 {
			t.Errorf("%+v", c)
		}
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			apps, err := account.Apps(ctx, tx, vaulttest.Service)
			if len(apps) != 0 {
				t.Errorf("%d keys are still good", len(apps))
			}
			left, err2 := webhook.Of(ctx, tx, vaulttest.Service)
			if len(left) != 1 {
				t.Errorf("the address has gone before its last event")
			}
			return errors.Join(err, err2)
		})
		if done := h.round(); done.Webhooks != 0 {
			t.Errorf("an event waits, and the address is gone: %+v", done)
		}
		// As a deliverer does when the receiver has taken everything.
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE ledger_cursor SET place = (SELECT size FROM ledger_head)`)
			return err
		})
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := webhook.Pause(ctx, tx, catalog.Operator{ID: "test"}, vaulttest.Service, hook.ID)
			return err
		})
		if done := h.round(); done.Webhooks != 0 {
			t.Errorf("a paused address is gone: %+v", done)
		}
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := webhook.Resume(ctx, tx, catalog.Operator{ID: "test"}, vaulttest.Service, hook.ID)
			return err
		})
		late := func() (n int64) {
			h.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				n, err = catalog.CountLate(ctx, tx, "", cessation.Patience)
				return err
			})
			return n
		}
		h.exec(`INSERT INTO webhook_delivery (endpoint, place, subject, queued_at, tries, failure, status) VALUES ($1, 1, '', 1, 9, '', 500)`, hook.ID)
		if done := h.round(); done.Webhooks != 0 || late() != 1 {
			t.Errorf("an order to delete may be parked: %+v, %d are late", done, late())
		}
		h.exec(`DELETE FROM webhook_delivery WHERE endpoint = $1`, hook.ID) // as if it had been sent again and taken
		if done := h.round(); done.Webhooks != 1 || late() != 0 {
			t.Errorf("the last event was taken, and the address stays: %+v, %d are late", done, late())
		}
	})
}

// Article 23: with the service ends what leads to accounts that may be a child's, and
// from the announcement on none is reported any more.
func TestArticle23_SuspicionsEndWithTheService(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		report := func(ref string) (s suspicion.Suspicion, err error) {
			err = h.Try(func(ctx context.Context, tx *db.Tx) error {
				s, _, err = suspicion.Report(ctx, tx, h.Ring, workday.Default(), h.App, pii.New(ref), suspicion.Signal)
				return err
			})
			return s, err
		}
		s, err := report("player-7")
		if err != nil {
			t.Fatal(err)
		}
		h.must("", 7*day)
		if _, err := report("player-8"); !errors.Is(err, catalog.ErrCeasing) {
			t.Errorf("reported after the announcement: %v", err)
		}
		h.round()
		h.round()
		h.Pass(8 * day)
		if done := h.round(); done.Ended != 1 {
			t.Errorf("%+v", done)
		}
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			after, err := suspicion.Find(ctx, tx, vaulttest.Service, s.ID)
			if after.Outcome != suspicion.Lapsed {
				t.Errorf("%+v", after)
			}
			return err
		})
	})
}

// Article 23: what waits for a gateway isn't erased, however long the window is over.
func TestArticle23_NothingIsErasedBeforeGuardiansAreTold(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.agreed("13800138000")
		h.must("", 7*day)
		h.silent = true
		h.round()
		h.Pass(9 * day)
		if done := h.round(); done.Erased != 0 || h.living() != 1 {
			t.Errorf("nobody was told: %+v", done)
		}
		var late int64
		h.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			late, err = catalog.CountLate(ctx, tx, "", 6*time.Hour)
			return err
		})
		if late != 1 {
			t.Errorf("%d are late, want 1", late)
		}
		h.silent = false // more than three days later it is told still
		if done := h.round(); done.Erased != 1 || done.Ended != 1 || len(h.letters(notify.KindCeasing)) != 1 {
			t.Errorf("after it was told: %+v, %v", done, h.letters(notify.KindCeasing))
		}
	})
}

// Article 23: an erasure rests on the ledger, and not on a row that anybody may have
// written.
func TestArticle23_ARowAloneErasesNobody(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.agreed("13800138000")
		h.must("", 30*day)
		h.round()
		h.round()
		h.Pass(8 * day)
		row := func(query string, args ...any) {
			t.Helper()
			h.Do(func(ctx context.Context, tx *db.Tx) error {
				n, err := tx.Exec(ctx, query, args...)
				if n != 1 {
					t.Errorf("%s: %d rows", query, n)
				}
				return err
			})
		}
		c := h.ceasing("")
		for name, change := range map[string]string{
			"the window is shorter":   `UPDATE cessation SET ends_at = announced_at`,
			"nothing announced it":    `UPDATE cessation SET ends_at = announced_at, entry = ''`,
			"a purpose is everything": `UPDATE cessation SET ends_at = announced_at, purpose = 'account'`,
		} {
			row(change)
			if _, err := h.tryRound(); !errors.Is(err, catalog.ErrUnannounced) || h.living() != 1 {
				t.Errorf("%s: %v, %d children are left", name, err, h.living())
			}
			row(`UPDATE cessation SET ends_at = $1, entry = $2, purpose = ''`, c.EndsAt.UnixMicro(), c.Entry)
		}
	})
}

// Article 23: one purpose ends, and all else goes on. It ends at once if need be, and
// no consent and no charter opens it again.
func TestArticle23_APurposeEndsAlone(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		child, other := h.agreed("13800138000"), h.agreed("13800138001")
		h.Put(child, "speaking-practice", "voice", "AAAA")
		h.Put(child, "course-progress", "nickname", "小溪")
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := h.Desk.Withdraw(ctx, tx, h.guardianOf(ctx, tx, other), other, "speaking-practice")
			return err
		})
		h.must("speaking-practice", 0)
		_, err := h.Read(child, "speaking-practice", "voice")
		reason(t, err, "gate.purpose_ceasing")
		if _, err := h.Read(child, "course-progress", "nickname"); err != nil {
			t.Errorf("another purpose: %v", err)
		}
		h.round()
		done := h.round()
		if done.Cleared != 1 || done.Ended != 1 {
			t.Errorf("%+v", done)
		}
		if got := h.letters(notify.KindPurposeCeasing); !slices.Equal(got, []string{"13800138000"}) {
			t.Errorf("told %v: who had said no needn't hear of it", got)
		}
		if c := h.ceasing("speaking-practice"); c.Children != 1 || c.EndedAt.IsZero() {
			t.Errorf("%+v", c)
		}
		if err := h.sees(child, "voice"); err == nil {
			t.Error("what was collected for it is still held")
		}
		if err := h.sees(child, "nickname"); err != nil {
			t.Errorf("what was collected for another purpose: %v", err)
		}
		ask := func(purposes ...string) error {
			return h.Try(func(ctx context.Context, tx *db.Tx) error {
				r, _, _, err := h.Desk.Ask(ctx, tx, h.App, other, consent.Asking{Purposes: purposes, Channel: consent.Link, Locale: "en"})
				if slices.Contains(r.Purposes, "speaking-practice") {
					t.Error("it is asked for again")
				}
				return err
			})
		}
		if err := ask("speaking-practice"); !errors.Is(err, consent.ErrCeasing) && !errors.Is(err, consent.ErrRefused) {
			t.Errorf("asked again: %v", err)
		}
		again := *h.Charter
		again.Rules = make(map[charter.Lang]string)
		for lang, text := range h.Charter.Rules {
			again.Rules[lang] = text + "\n"
		}
		if err := h.Try(func(ctx context.Context, tx *db.Tx) error {
			draft, _, err := catalog.Propose(ctx, tx, h.Ring, h.Officer, &again, nil)
			if err != nil {
				return err
			}
			_, _, err = catalogtest.Publish(ctx, tx, h.Ring, h.Officer, vaulttest.Service, draft.Number)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		fresh := h.agreed("13800138003")
		reason(t, h.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := h.Vault.Put(ctx, tx, h.By(), vaulttest.Service, fresh.ID, "speaking-practice", map[string]pii.Text{"voice": pii.New("AAAA")})
			return err
		}), "gate.purpose_ceasing")
	})
}

// Article 23: of a service that has ended nobody renews a paper or checks a processor, and no clock
// of either runs. What a processor still has it owes as before (Article 16(4)): the order to delete
// it is due, reminded of and overdue, until it attests.
func TestArticle23_AnEndedServiceHasNoClocksOfParties(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.Vault.Calendar = workday.Default()
		h.Engage(h.Store.Now().Add(300 * day))
		h.agreed("13800138000")
		to, err := webhook.ParseAddress("https://hooks.yuping-assessment.example/in", nil)
		if err != nil {
			t.Fatal(err)
		}
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, _, err := webhook.Add(ctx, tx, h.Ring, catalog.Operator{ID: "test"}, vaulttest.Service, to, []string{"order.*"}, vaulttest.Processor)
			return err
		})
		h.must("", 8*day)
		look := func() (clocks, raised int, orders []order.Order) {
			h.Do(func(ctx context.Context, tx *db.Tx) error {
				all, err := party.ClocksOf(ctx, tx, vaulttest.Service, tx.Now().Add(1000*day))
				if err != nil {
					return err
				}
				some, err := party.ToRaise(ctx, tx)
				if err != nil {
					return err
				}
				late, err := party.CountLate(ctx, tx)
				if clocks, raised = len(all), len(some)+int(late.Checks+late.Partings); err != nil {
					return err
				}
				orders, err = order.List(ctx, tx, vaulttest.Service, order.IsOpen, "", 10)
				return err
			})
			return clocks, raised, orders
		}
		if clocks, _, _ := look(); clocks == 0 {
			t.Error("no clock runs while guardians can look")
		}
		h.round()
		h.Pass(8 * day)
		h.round()
		h.round()
		if h.ceasing("").EndedAt.IsZero() {
			t.Fatal("it hasn't ended")
		}
		_, _, orders := look()
		if len(orders) != 1 || orders[0].What != order.Delete {
			t.Fatalf("%+v", orders)
		}
		for _, c := range []struct {
			at               time.Time
			reminds, overdue bool
		}{{orders[0].RemindAt, true, false}, {orders[0].DueAt, true, true}, {h.Store.Now().Add(400 * day), true, true}} {
			h.Pass(c.at.Sub(h.Store.Now()) + time.Second)
			h.round() // by the last of them the agreement is over
			if clocks, raised, open := look(); clocks != 0 || raised != 0 || len(open) != 1 {
				t.Errorf("%s: %d clocks, %d of them to be raised or late, and %d orders", c.at, clocks, raised, len(open))
			}
			h.Do(func(ctx context.Context, tx *db.Tx) error {
				some, err := order.ToRemind(ctx, tx, order.Order{}, 10)
				if err != nil {
					return err
				}
				late, err := order.Due(ctx, tx, order.Order{}, 10)
				if (len(some) > 0) != c.reminds || (len(late) > 0) != c.overdue {
					t.Errorf("%s: %d to remind of, %d overdue", c.at, len(some), len(late))
				}
				return err
			})
		}
		// Where it is reminded goes once it owes nothing.
		for _, gone := range []int{0, 1} {
			h.Do(func(ctx context.Context, tx *db.Tx) error { // as a deliverer does when the receiver has taken everything
				_, err := tx.Exec(ctx, `UPDATE ledger_cursor SET place = (SELECT size FROM ledger_head)`)
				return err
			})
			if done := h.round(); done.Webhooks != gone {
				t.Errorf("%d addresses went, want %d", done.Webhooks, gone)
			}
			if gone > 0 {
				break
			}
			h.Do(func(ctx context.Context, tx *db.Tx) error {
				book := order.Book{Ring: h.Ring, Charters: h.Vault.Gate.Charters, Calendar: h.Vault.Calendar}
				_, err := book.AttestOf(ctx, tx, h.Officer, vaulttest.Service, vaulttest.Processor, strings.Repeat("ab", 32), tx.Now(), order.Order{}, 100)
				return err
			})
		}
	})
}

// Article 23, edge case 13: who works for a purpose that ends is told to delete what it got
// for it, also of a child of whom nothing is held; and to delete, not only to stop using,
// what it had for two purposes that have both ended.
func TestArticle23_AnEndIsOrderedFromEveryParty(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.Vault.Calendar = workday.Default()
		c := *h.Charter
		c.Processors = slices.Clone(c.Processors)
		c.Processors[0].Items = append(slices.Clone(c.Processors[0].Items), "nickname")
		c.Purposes = slices.Clone(c.Purposes)
		for i, p := range c.Purposes {
			switch p.Name {
			case "course-progress":
				c.Purposes[i].Processors = []string{c.Processors[0].Name}
				c.Purposes[i].Activities = append(slices.Clone(p.Activities), charter.Entrust)
			case "speaking-practice":
				c.Purposes[i].Items = append(slices.Clone(p.Items), "nickname")
			}
		}
		h.Publish(&c)
		child := h.agreed("13800138000")
		h.Put(child, "course-progress", "nickname", "小溪")
		ordered := func(purpose string) (said []string) {
			h.must(purpose, 0)
			h.round()
			h.round()
			h.Do(func(ctx context.Context, tx *db.Tx) error {
				all, err := order.Of(ctx, tx, child.ID)
				for _, o := range all {
					if slices.Contains(o.Purposes, purpose) {
						said = append(said, string(o.What)+" "+strings.Join(o.Items, ","))
					}
				}
				return err
			})
			slices.Sort(said)
			return said
		}
		if got := ordered("speaking-practice"); !slices.Equal(got, []string{"delete gender,voice", "stop nickname"}) {
			t.Errorf("at the end of a purpose for which nothing is held: %q", got)
		}
		if got := ordered("course-progress"); !slices.Equal(got, []string{"delete nickname"}) {
			t.Errorf("at the end of the last purpose that needs it: %q", got)
		}
	})
}

// Article 23: nothing opens again what has ended, or was announced to.
func TestArticle23_NothingTakesItBack(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, c := range []struct {
			what, purpose string
			window        time.Duration
			want          error
		}{
			{"a service at once", "", 0, catalog.ErrWindow},
			{"a service in six days", "", 6 * day, catalog.ErrWindow},
			{"in the past", "class-ranking", -time.Minute, catalog.ErrWindow},
			{"in two years", "", 730 * day, catalog.ErrWindow},
			{"a purpose that there isn't", "王小明", 7 * day, catalog.ErrPurpose},
			{"a purpose", "class-ranking", 7 * day, nil},
			{"the same purpose", "class-ranking", 7 * day, catalog.ErrCeasing},
			{"the service", "", 7 * day, nil},
			{"the service again", "", 9 * day, catalog.ErrCeasing},
			{"another purpose of it", "account", 9 * day, catalog.ErrCeasing},
		} {
			if _, err := h.announces(c.purpose, c.window); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", c.what, err, c.want)
			}
		}
		former := h.Officer
		publish := func(when string) {
			t.Helper()
			if err := h.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := catalog.Propose(ctx, tx, h.Ring, former, h.Charter, nil)
				return err
			}); !errors.Is(err, catalog.ErrCeasing) {
				t.Errorf("%s a charter is proposed: %v", when, err)
			}
			if err := h.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := catalog.Publish(ctx, tx, h.Ring, former, vaulttest.Service, 1)
				return err
			}); !errors.Is(err, catalog.ErrCeasing) {
				t.Errorf("%s a charter is published: %v", when, err)
			}
			if err := h.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := catalog.Create(ctx, tx, catalog.Operator{ID: "test"}, vaulttest.Service, catalog.Live)
				return err
			}); !errors.Is(err, catalog.ErrExists) {
				t.Errorf("%s it is created anew: %v", when, err)
			}
		}
		publish("announced,")
		h.round()
		h.Pass(8 * day)
		h.round()
		if c := h.ceasing(""); c.EndedAt.IsZero() || c.Children != 0 {
			t.Errorf("a service without children: %+v", c)
		}
		if c := h.ceasing("class-ranking"); c.EndedAt.IsZero() {
			t.Errorf("its purpose: %+v", c)
		}
		publish("ended,")
		if _, err := h.announces("", 9*day); !errors.Is(err, catalog.ErrCeasing) {
			t.Errorf("announced after its end: %v", err)
		}
		if err := h.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, _, err := h.Vault.Gate.Register(ctx, tx, h.App, family.Enrolment{Service: vaulttest.Service, Ref: pii.New("new"),
				Guardian: family.Person{Phone: pii.New("13800000001"), Relation: family.Parent}})
			return err
		}); err == nil {
			t.Error("a child is registered after the end")
		}
		stranger := h.Officer
		stranger.ID = "st_00000000"
		if err := h.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.Cease(ctx, tx, stranger, vaulttest.Service, "", catalog.Ordered, tx.Now().Add(9*day))
			return err
		}); !errors.Is(err, catalog.ErrNotInOffice) {
			t.Errorf("by who is in no office: %v", err)
		}
	})
}

// Article 23: who is told twice because a round died hears nothing twice, and a round
// that dies loses nobody.
func TestArticle23_ARoundThatDiesTellsNobodyTwice(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		phones := []string{"13800138000", "13800138001"}
		for _, p := range phones {
			h.agreed(p)
		}
		h.must("", 7*day)
		h.round()
		// As if the first round had died before it noted how far it was.
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE cessation SET told_upto = '', told = 0, told_at = NULL, told_place = NULL`)
			return err
		})
		if done := h.round(); done.Told != 2 {
			t.Errorf("%+v", done)
		}
		h.round()
		ids := make(map[string]bool)
		for _, m := range h.outbox.Messages() {
			if m.Message.Kind == notify.KindCeasing {
				ids[m.Message.ID] = true
			}
		}
		if len(ids) != 2 {
			t.Errorf("%d messages by name, want 2", len(ids))
		}
		h.Pass(8 * day)
		// As if erasing had died in between: one is gone.
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := family.List(ctx, tx, vaulttest.Service, "", 1)
			if err != nil {
				return err
			}
			_, err = h.Vault.Erase(ctx, tx, "system:cessation", vaulttest.Service, all[0].ID, family.Cessation)
			return err
		})
		if done := h.round(); done.Erased != 1 || done.Ended != 1 || h.living() != 0 {
			t.Errorf("%+v", done)
		}
	})
}

// Article 23: a child whose age can't be read keeps the purpose from ending, and nobody behind
// it from being erased: they are come by once, and it is tried again in each round.
func TestArticle23_OneDamagedChildKeepsNobodyBehindIt(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var all []family.Child
		for range 3 {
			c, _ := h.Enrol()
			h.Answer(c, consent.ForceGranted)
			h.Put(c, "speaking-practice", "voice", "AAAA")
			all = append(all, c)
		}
		dark := slices.MinFunc(all, func(a, b family.Child) int { return strings.Compare(string(a.ID), string(b.ID)) })
		damage := func(by int) {
			h.exec(`UPDATE child SET birth_version = birth_version + $1 WHERE child = $2`, by, dark.ID)
		}
		versions := func() (sum int64) {
			h.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				sum, err = db.One(ctx, tx, db.Single[int64], `SELECT CAST(sum(version) AS bigint) FROM child WHERE child <> $1`, dark.ID)
				return err
			})
			return sum
		}
		damage(1)
		h.must("speaking-practice", 0)
		h.round()
		if done, err := h.tryRound(); err == nil || done.Cleared != 2 || done.Ended != 0 {
			t.Errorf("%+v, %v", done, err)
		}
		before := versions()
		if done, err := h.tryRound(); err == nil || done.Cleared != 0 || done.Ended != 0 || versions() != before {
			t.Errorf("those behind it are come by again: %+v, %v", done, err)
		}
		damage(-1)
		if done := h.round(); done.Cleared != 1 || done.Ended != 1 {
			t.Errorf("once it can be read: %+v", done)
		}
	})
}

// Article 23: who can't be told keeps nobody else from being told, once, or from being erased,
// and isn't erased before it was told and had as much time as all others, which its guardian
// is told.
func TestArticle23_WhoCannotBeToldKeepsNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		phones := []string{"13800138000", "13800138001", "13800138002"}
		dark := h.agreed(phones[0])
		h.agreed(phones[1])
		h.agreed(phones[2])
		entries := func() (n int64) {
			h.Do(func(ctx context.Context, tx *db.Tx) error {
				head, err := ledger.Head(ctx, tx)
				if err != nil {
					return err
				}
				return ledger.ReadKinds(ctx, tx, 0, head.Size, []string{family.KindCeasing}, func(ledger.Placed) error {
					n++
					return nil
				})
			})
			return n
		}
		h.must("", 7*day)
		h.exec(`UPDATE child SET endings = '?' WHERE child = $1`, dark.ID)
		if done, err := h.tryRound(); err == nil || done.Told != 2 {
			t.Errorf("%+v, %v", done, err)
		}
		for range 3 {
			if done, err := h.tryRound(); err == nil || done.Told != 0 || entries() != 2 {
				t.Errorf("others are told again: %+v, %v, %d entries", done, err, entries())
			}
		}
		h.Pass(8 * day)
		if done, err := h.tryRound(); err == nil || done.Erased != 2 || done.Ended != 0 || h.living() != 1 {
			t.Errorf("after the window: %+v, %v", done, err)
		}
		if got := h.letters(notify.KindCeasing); !slices.Equal(got, phones[1:]) {
			t.Errorf("told %v", got)
		}
		h.exec(`UPDATE child SET endings = '' WHERE child = $1`, dark.ID)
		if done := h.round(); done.Told != 1 || done.Erased != 0 {
			t.Errorf("once it can be read: %+v", done)
		}
		over := h.lastAt(dark)
		if left := over.Sub(h.Store.Now()); left > 7*day || left < 7*day-time.Minute {
			t.Errorf("told late, it has %v", left)
		}
		for range 3 { // its entry has a place, and its letter is sent
			if done := h.round(); done != (cessation.Done{}) || h.living() != 1 {
				t.Errorf("once it was told: %+v", done)
			}
		}
		h.Pass(6 * day)
		if done := h.round(); done != (cessation.Done{}) || h.living() != 1 || h.late() != 0 {
			t.Errorf("within its own window: %+v, %d are late", done, h.late())
		}
		h.Pass(over.Sub(h.Store.Now()))
		if done := h.round(); done.Erased != 1 || done.Ended != 1 || h.living() != 0 {
			t.Errorf("after its own window: %+v, %d are left", done, h.living())
		}
		texts := make(map[string]bool)
		for _, m := range h.outbox.Messages() {
			if m.Message.Kind == notify.KindCeasing {
				texts[m.Message.Text.Reveal()] = strings.Contains(m.Message.Text.Reveal(), over.In(age.Zone).Format("15:04"))
			}
		}
		if len(texts) != 2 || !slices.Contains(slices.Collect(maps.Values(texts)), true) {
			t.Errorf("the letters don't say its own end, %v: %v", over, texts)
		}
		if got := h.letters(notify.KindCeasing); !slices.Equal(got, phones) {
			t.Errorf("told %v", got)
		}
		if c := h.ceasing(""); c.EndedAt.IsZero() || c.Children != 3 || c.Told != 3 {
			t.Errorf("%+v", c)
		}
	})
}

// Article 23: of a purpose, too, who was told late has as much time as all others, and a week
// at least; the purpose is over with the last of them, and nobody else waits for it.
func TestArticle23_WhoIsToldLateOfAPurposeHasItsOwnWindow(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		dark, other := h.agreed("13800138000"), h.agreed("13800138001")
		h.Put(dark, "speaking-practice", "voice", "AAAA")
		h.Put(other, "speaking-practice", "voice", "AAAA")
		h.exec(`UPDATE child SET endings = '?' WHERE child = $1`, dark.ID)
		h.must("speaking-practice", day)
		for range 2 {
			if done, err := h.tryRound(); err == nil || done.Cleared != 0 {
				t.Errorf("%+v, %v", done, err)
			}
		}
		h.exec(`UPDATE child SET endings = '' WHERE child = $1`, dark.ID)
		if done := h.round(); done.Told != 1 {
			t.Errorf("once it can be read: %+v", done)
		}
		over := h.lastAt(dark)
		h.Pass(day)
		if done := h.round(); done.Cleared != 1 || done.Ended != 0 {
			t.Errorf("after the window of the other: %+v", done)
		}
		h.Pass(5 * day)
		if done := h.round(); done != (cessation.Done{}) || h.late() != 0 {
			t.Errorf("within its own window: %+v, %d are late", done, h.late())
		}
		if err := h.sees(dark, "voice"); err != nil {
			t.Errorf("within its own window its guardian can't look: %v", err)
		}
		h.Pass(over.Sub(h.Store.Now()))
		if done := h.round(); done.Cleared != 1 || done.Ended != 1 {
			t.Errorf("after its own window: %+v", done)
		}
	})
}

// Article 23, edge case 15: who was told late is told late once more in a store that was put
// back, with as much time, and not of an end that is over.
func TestArticle23_WhoWasToldLateIsToldLateAgain(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		dark, untold := h.agreed("13800138000"), h.agreed("13800138001")
		h.must("", 7*day)
		h.exec(`UPDATE child SET endings = '?' WHERE child = $1`, dark.ID)
		h.exec(`UPDATE child SET endings = '?' WHERE child = $1`, untold.ID)
		if _, err := h.tryRound(); err == nil {
			t.Error("they were told")
		}
		h.exec(`UPDATE child SET endings = '' WHERE child = $1`, dark.ID)
		if done, err := h.tryRound(); err == nil || done.Told != 1 {
			t.Errorf("one of them can be read: %+v, %v", done, err)
		}
		h.Pass(8 * day)
		h.exec(`UPDATE child SET endings = '' WHERE child = $1`, untold.ID)
		h.Do(func(ctx context.Context, tx *db.Tx) error { return catalog.TellAgain(ctx, tx) })
		if done, err := h.tryRound(); err == nil || done.Told != 0 {
			t.Errorf("they are told of the end that is over: %+v, %v", done, err)
		}
		if done := h.round(); done.Told != 2 {
			t.Errorf("%+v", done)
		}
		for _, child := range []family.Child{dark, untold} {
			if left := h.lastAt(child).Sub(h.Store.Now()); left < 7*day-5*time.Minute {
				t.Errorf("told again, it has %v", left)
			}
		}
		if h.living() != 2 {
			t.Errorf("%d are left", h.living())
		}
	})
}

// Article 23: a purpose ends once nothing is held for it, and not when all were come by: a use
// that was decided before the announcement may end behind.
func TestArticle23_APurposeEndsOnceNothingIsHeldForIt(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		child := h.agreed("13800138000")
		h.Put(child, "speaking-practice", "voice", "AAAA")
		h.must("speaking-practice", 0)
		h.round()
		h.exec(`UPDATE cessation SET erased_upto = 'ch_zzzzzzzzzzzzzzzzzzzzzzzzzz' WHERE service = $1`, vaulttest.Service) // as if it had come behind
		if done := h.round(); done.Ended != 0 || done.Cleared != 0 {
			t.Errorf("something is held: %+v", done)
		}
		if done := h.round(); done.Ended != 1 || done.Cleared != 1 {
			t.Errorf("it is come by again: %+v", done)
		}
		if err := h.sees(child, "voice"); err == nil {
			t.Error("what was collected for it is still held")
		}
	})
}
