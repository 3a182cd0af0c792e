package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/client"
	"wardkeep/internal/account"
	"wardkeep/internal/api"
	"wardkeep/internal/base/db"
	"wardkeep/internal/retention"
	"wardkeep/internal/suspicion"
)

// Article 2 over HTTP: an account that may be a child's is one for the app until the
// staff has decided, whatever birth date the app was told; nothing is permitted about it.
func TestArticle2_SuspicionsOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		grown := wardkeep.AgeCheck{BirthDate: "1990-01-01", Ref: "player-7"}
		age := func(want string) {
			t.Helper()
			if got := w.must(w.client.CheckAge(ctx, grown)).(wardkeep.AgeClass); got.Age != want {
				t.Errorf("%s, want %s", got.Age, want)
			}
		}
		age("adult")
		s := w.must(w.client.Suspect(ctx, wardkeep.NewSuspicion{Ref: "player-7", Source: "user_report"})).(wardkeep.Suspicion)
		if s.TreatAs != "child" || s.Ref != "" || s.Entry == "" || s.Outcome != "" || !s.DueAt.After(s.OpenedAt) {
			t.Errorf("%+v", s)
		}
		age("child")
		if _, err := w.client.Suspect(ctx, wardkeep.NewSuspicion{Ref: "player-7", Source: "staff"}); !errors.Is(err, &wardkeep.Problem{Code: "suspicion.twice"}) {
			t.Errorf("twice: %v", err)
		}
		if _, err := w.client.Permissions(ctx, wardkeep.Ref("player-7"), ""); !errors.Is(err, wardkeep.ErrChildNotFound) {
			t.Errorf("permissions of who isn't registered: %v", err)
		}
		if got := w.must(w.client.Suspicion(ctx, s.ID)).(wardkeep.Suspicion); got.Ref != "player-7" || got.TreatAs != "child" {
			t.Errorf("%+v", got)
		}
		if all := w.must(w.client.Suspicions(ctx)).(wardkeep.Suspicions); len(all.Suspicions) != 1 || all.Suspicions[0].Ref != "" {
			t.Errorf("%+v", all)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := suspicion.Decide(ctx, tx, w.Officer, w.Officer.Service, s.ID, suspicion.NotAChild, suspicion.OfficialCheck)
			return err
		})
		age("adult")
		if got := w.must(w.client.Suspicion(ctx, s.ID)).(wardkeep.Suspicion); got.Ref != "" || got.TreatAs != "as_before" || got.Basis != "official_check" {
			t.Errorf("%+v", got)
		}

		later := w.must(w.client.Suspect(ctx, wardkeep.NewSuspicion{Ref: "player-8", Source: "signal"})).(wardkeep.Suspicion)
		w.register("player-8")
		if got := w.must(w.client.Suspicion(ctx, later.ID)).(wardkeep.Suspicion); got.Outcome != "child" || got.TreatAs != "child" {
			t.Errorf("%+v", got)
		}
		if _, err := w.client.Suspect(ctx, wardkeep.NewSuspicion{Ref: "player-8", Source: "parent"}); !errors.Is(err, &wardkeep.Problem{Code: "suspicion.registered"}) {
			t.Errorf("who is registered: %v", err)
		}
		if strings.Contains(w.log.String(), "player-") {
			t.Error("the log tells an account")
		}
		_, key := w.keyWith(account.ChildrenWrite, account.ChildrenRead)
		for what, err := range map[string]error{
			"report": second(w.connect(key).Suspect(ctx, wardkeep.NewSuspicion{Ref: "x", Source: "staff"})),
			"list":   second(w.connect(key).Suspicions(ctx)),
			"see":    second(w.connect(key).Suspicion(ctx, s.ID)),
		} {
			if p, ok := errors.AsType[*wardkeep.Problem](err); !ok || p.Status != 403 {
				t.Errorf("%s without the scope: %v", what, err)
			}
		}
	})
}

// Articles 2 and 9: what the app is told of its account now makes nobody older who is on file: a
// child that was registered without a birth date is one, and of two dates the later
// holds (edge case 3).
func TestArticle2_AnAgeCheckKnowsWhoIsRegistered(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.must(w.client.Suspect(ctx, wardkeep.NewSuspicion{Ref: "player-1", Source: "parent"}))
		w.must(w.client.Register(ctx, wardkeep.NewChild{Ref: "player-1", Guardian: wardkeep.GuardianContact{Phone: "13800138000"}}))
		ten := w.Store.Now().AddDate(-10, 0, 0).Format(time.DateOnly)
		w.must(w.client.Register(ctx, wardkeep.NewChild{Ref: "player-2", BirthDate: ten, Guardian: wardkeep.GuardianContact{Phone: "13800138000"}}))
		fifteen := w.Store.Now().AddDate(-15, 0, 0).Format(time.DateOnly)
		for _, c := range []struct{ ref, birth, want string }{
			{"player-1", "1990-01-01", "child"}, {"player-1", "", "child"},
			{"player-2", "1990-01-01", "child"}, {"player-2", fifteen, "child"}, {"player-2", "", "child"},
			{"player-3", "1990-01-01", "adult"}, {"player-3", fifteen, "minor"},
		} {
			if got := w.must(w.client.CheckAge(ctx, wardkeep.AgeCheck{BirthDate: c.birth, Ref: c.ref})).(wardkeep.AgeClass); got.Age != c.want {
				t.Errorf("%s, who says %q: %s, want %s", c.ref, c.birth, got.Age, c.want)
			}
		}
		w.Pass(5 * 366 * 24 * time.Hour)
		if got := w.must(w.client.CheckAge(ctx, wardkeep.AgeCheck{BirthDate: fifteen, Ref: "player-2"})).(wardkeep.AgeClass); got.Age != "minor" {
			t.Errorf("by the date on file: %+v", got)
		}
	})
}

// Whoever reports without end is told to wait, and nobody else is.
func TestArticle2_SuspicionsAreReportedAtAPace(t *testing.T) {
	w := newWorld(t, storeOf(t), api.Limits{PerReport: 2})
	ctx := t.Context()
	w.must(w.client.Suspect(ctx, wardkeep.NewSuspicion{Ref: "player-1", Source: "signal"}))
	w.must(w.client.Suspect(ctx, wardkeep.NewSuspicion{Ref: "player-2", Source: "signal"}))
	x := w.send("POST", base+"/suspicions", `{"ref": "player-3", "source": "signal"}`)
	x.refused(t, 429, "api.too_many_requests")
	if x.header.Get("Retry-After") == "" || x.header.Get("Ratelimit-Policy") != `"report";q=2;w=60` {
		t.Errorf("%v", x.header)
	}
	_, key := w.keyWith(account.SuspicionsWrite)
	w.must(w.connect(key).Suspect(ctx, wardkeep.NewSuspicion{Ref: "player-3", Source: "parent"}))
	w.must(w.client.CheckAge(ctx, wardkeep.AgeCheck{BirthDate: "1990-01-01", Ref: "player-1"}))
}

// A suspicion past its day is seen from outside, and is no reason to lead anybody
// elsewhere.
func TestArticle2_HealthTellsOfSuspicionsPastTheirDay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.must(w.client.Suspect(ctx, wardkeep.NewSuspicion{Ref: "player-7", Source: "signal"})).(wardkeep.Suspicion)
		check := func(status string, count int, metric string) {
			t.Helper()
			w.sequence()
			if _, err := retention.Sweep(ctx, w.Store, w.Vault); err != nil {
				t.Fatal(err)
			}
			var h wardkeep.Health
			if x := w.send("GET", "/v1/health", ""); x.status != 200 || json.Unmarshal([]byte(x.body), &h) != nil {
				t.Errorf("%d %s", x.status, x.body)
			}
			i := slices.IndexFunc(h.Checks, func(c wardkeep.HealthCheck) bool { return c.Check == "suspicions" })
			if i < 0 || h.Checks[i].Status != status || h.Checks[i].Count != count {
				t.Errorf("%+v", h.Checks)
			}
			if x := w.send("GET", "/v1/metrics", ""); !strings.Contains(x.body, "wardkeep_suspicions_overdue "+metric+"\n") {
				t.Errorf("%s", x.body)
			}
		}
		check("ok", 0, "0")
		w.Pass(s.DueAt.Sub(w.Store.Now()) + time.Minute)
		check("late", 1, "1")
		// Article 2: no time decides, and until somebody has the age is unknown.
		w.Pass(400 * 24 * time.Hour)
		check("late", 1, "1")
		if got := w.must(w.client.CheckAge(ctx, wardkeep.AgeCheck{BirthDate: "1990-01-01", Ref: "player-7"})).(wardkeep.AgeClass); got.Age != "child" {
			t.Errorf("%+v", got)
		}
	})
}
