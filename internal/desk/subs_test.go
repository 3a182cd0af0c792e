package desk_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/party"
	"wardkeep/internal/vault/vaulttest"
)

// Edge case 19: a processor that tells that it entrusts others is suspended by that, at once and
// whatever else holds; the page says so before. By its own word it takes none back, and somebody
// in office has a day to look at it.
func TestEdgeCase19_AProcessorTellsThatItEntrustsOthers(t *testing.T) {
	each(t, func(t *testing.T, c *counter) {
		const at = "/party/sub-processors"
		b, of := c.browser(c.sits("周舟").Secret), vaulttest.ProcessorID()
		now := func() (p party.Party) {
			c.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				p, err = party.Find(ctx, tx, of)
				return err
			})
			return p
		}
		clocks := func() (all []party.Clock) {
			for _, one := range now().Clocks(c.Store.Now()) {
				if one.What == party.Told {
					all = append(all, one)
				}
			}
			return all
		}
		b.shows("subs", at)
		for name, form := range map[string][]string{"unsure": {"subs", "某云公司"}, "nobody": {"sure", "yes"}, "no names": {"sure", "yes", "subs", " \n"}, "too long a name": {"sure", "yes", "subs", strings.Repeat("某", 201)},
			"too many": {"sure", "yes", "subs", strings.Repeat("某云公司\n", 51)}} {
			if w := b.post(at, form...); w.Code != 422 || c.written(party.KindDeclared) != 0 || now().State(c.Store.Now()) != party.Active {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		if page := b.post(at, "subs", "某云公司").Body.String(); !strings.Contains(page, i18n.Chinese.T("desk.unsure")) || !strings.Contains(page, "某云公司") {
			t.Error("what is missing isn't said, or what was typed is lost")
		}
		told := c.Store.Now()
		if w := b.post(at, "sure", "yes", "subs", "某云公司\r\n另一家公司\r\n"); leads(w) != at || c.written(party.KindDeclared) != 1 {
			t.Fatalf("told: %d", w.Code)
		}
		if p := now(); p.State(c.Store.Now()) != party.Suspended || p.Halted != party.SubProcessor || len(p.Subs) != 2 {
			t.Errorf("%+v", p.Standing)
		}
		b.shows("subs-told", at+"?done=")
		if page := b.get("/party").Body.String(); !strings.Contains(page, i18n.Chinese.T("desk.says.party.client_entrusts")) {
			t.Error("its first page doesn't say why it gets nothing")
		}
		if all := clocks(); len(all) != 1 || all[0].At.Sub(told).Round(time.Hour) != party.LookWithin {
			t.Errorf("the clocks are %v", all)
		}
		// One more adds to them, and none goes; the clock runs on.
		c.Pass(3 * time.Minute)
		if w := b.post(at, "sure", "yes", "subs", "第三家公司"); leads(w) != at || len(now().Subs) != 3 || !now().ToldAt.Before(c.Store.Now().Add(-time.Minute)) {
			t.Errorf("one more: %d, %v", w.Code, now().Subs)
		}
		c.Pass(party.LookWithin)
		raised := 0
		c.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := party.ToRaise(ctx, tx)
			for raised = 0; err == nil && raised < len(all); raised++ {
				_, err = party.Raise(ctx, tx, "system:retention", all[raised])
			}
			return err
		})
		if raised != 1 {
			t.Errorf("%d alarms", raised)
		}
		declare := func(subs ...string) {
			c.Do(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := party.Declare(ctx, tx, c.Officer, of, subs)
				return err
			})
		}
		if declare(now().Subs...); len(clocks()) != 0 || now().State(c.Store.Now()) != party.Suspended {
			t.Error("once somebody has looked, the clock runs on, or it isn't suspended")
		}
		declare()
		c.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Resume(ctx, tx, c.Officer, of)
			return err
		})
		if now().State(c.Store.Now()) != party.Active {
			t.Error("it isn't let on again")
		}
		if all := c.log.String(); strings.Contains(all, "公司") {
			t.Errorf("the log says %s", all)
		}
	})
}
