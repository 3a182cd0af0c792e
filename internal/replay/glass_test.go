package replay_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// Glasses are a story of windows that two persons opened without the office: one was
// reviewed in time, one is late, and one waits for a second person.
type glasses struct {
	*looks
	second              staff.Person
	reviewed, late, one approval.Request

	made, given    [2]staff.Person  // one has made the links of both, or given both the role
	byLink, byRole approval.Request // of the first of them
}

func playGlasses(t *testing.T, w *vaulttest.World) *glasses {
	t.Helper()
	l := &glasses{looks: playLooks(t, w)}
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		l.second, err = staff.Add(ctx, tx, terminal, "王芳", staff.Grant{Role: staff.Worker, Service: service})
		return err
	})
	ok(t, l.flush()) // a day passes below: what comes before has its place by then
	l.reviewed = l.breaks(l.worker, l.second)
	ok(t, l.look(l.worker, l.reviewed, "weekly_score"))
	l.reviews(l.officer, l.reviewed)
	l.late = l.breaks(l.manager, l.second)
	w.Pass(24 * time.Hour)
	again := l.decide(l.officer, l.ask(l.second, l.mei), approval.Decision{Verdict: approval.Granted, Reason: approval.Needed})
	if err := l.look(l.second, again, "weekly_score"); !errors.Is(err, gate.ErrDenied) {
		t.Fatal(err)
	}
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		n, err := approval.SweepGlass(ctx, tx, w.Ring, "system:sweep", 10)
		if n != 1 {
			t.Errorf("%d late", n)
		}
		return err
	})
	l.one = l.urgent(l.worker)
	l.made = [2]staff.Person{l.hires(terminal), l.hires(terminal)}
	l.given = [2]staff.Person{l.hires(l.officer), l.hires(l.officer)}
	for _, p := range l.made {
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := signin.Door{Ring: w.Ring}.Invite(ctx, tx, l.officer, p.ID)
			return err
		})
	}
	l.byLink, l.byRole = l.urgent(l.made[0]), l.urgent(l.given[0])
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		return approval.Decoy(ctx, tx, w.Ring, w.Officer, l.mei.ID)
	})
	once := l.decide(l.officer, l.ask(l.worker, l.mei), approval.Decision{Verdict: approval.Granted, Reason: approval.Needed})
	ok(t, l.look(l.worker, once, "weekly_score"))
	if err := l.look(l.worker, approval.Request{}, "weekly_score"); !errors.Is(err, gate.ErrDenied) {
		t.Fatal(err)
	}
	ok(t, l.flush())
	l.replays(t)
	return l
}

func (l *glasses) hires(by staff.Actor) (p staff.Person) {
	l.T.Helper()
	l.do(func(ctx context.Context, tx *db.Tx) (err error) {
		p, err = staff.Add(ctx, tx, by, "同事", staff.Grant{Role: staff.Worker, Service: service})
		return err
	})
	return p
}

func (l *glasses) urgent(by staff.Person) (r approval.Request) {
	l.T.Helper()
	l.do(func(ctx context.Context, tx *db.Tx) (err error) {
		r, _, err = l.desk.Ask(ctx, tx, by, l.mei, approval.Asking{Purpose: "course-progress", Items: []string{"weekly_score"},
			Reason: approval.ForSafety, Text: pii.New("等不了"), Glass: true})
		return err
	})
	return r
}

func (l *glasses) breaks(asker, second staff.Person) approval.Request {
	l.T.Helper()
	r := l.urgent(asker)
	l.do(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := l.desk.Join(ctx, tx, second, service, r.ID)
		return err
	})
	return r
}

func (l *glasses) reviews(by staff.Person, r approval.Request) {
	l.T.Helper()
	l.do(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := l.desk.Review(ctx, tx, by, service, r.ID, approval.Review{Finding: approval.Rightful, Text: pii.New("属实")})
		return err
	})
}

// glassChanges are changes by hand of what two persons have opened, and what must be found.
var glassChanges = []struct {
	name, query string
	args        []any
	found       string
}{
	{"a request needs nobody's decision", `UPDATE approval SET glass = true WHERE state = 'narrowed' OR state = 'refused'`, nil, "row_differs approval glass"},
	{"nothing was written with a review", `UPDATE approval SET review = NULL WHERE review IS NOT NULL`, nil, "row_differs approval review"},
	{"something else was written with a review", `UPDATE approval SET review = note WHERE review IS NOT NULL`, nil, "row_sealed approval note, reply"},
	{"a window of another request", `UPDATE broken_glass SET request = '王小明' WHERE reviewed_at IS NULL`, nil, "row_extra broken_glass "},
	{"a window of another service", `UPDATE broken_glass SET service = '王小明'`, nil, "row_differs broken_glass service"},
	{"another had asked", `UPDATE broken_glass SET asker = '王小明'`, nil, "row_differs broken_glass asker"},
	{"another had joined", `UPDATE broken_glass SET second = '王小明'`, nil, "row_differs broken_glass second"},
	{"it was opened earlier", `UPDATE broken_glass SET opened_at = opened_at - 1`, nil, "row_differs broken_glass opened_at"},
	{"its review has more time", `UPDATE broken_glass SET review_by = review_by + 1`, nil, "row_differs broken_glass review_by"},
	{"that it is late was said later", `UPDATE broken_glass SET late_at = late_at + 1 WHERE late_at IS NOT NULL`, nil, "row_differs broken_glass late_at"},
	{"another has reviewed it", `UPDATE broken_glass SET reviewer = '王小明'`, nil, "row_differs broken_glass reviewer"},
	{"another finding", `UPDATE broken_glass SET finding = 'rightful'`, nil, "row_differs broken_glass finding"},
	{"it was reviewed by hand", `UPDATE broken_glass SET reviewed_at = 1`, nil, "row_differs broken_glass reviewed_at"},
	{"it has another mark", `UPDATE broken_glass SET bound = $1`, []any{[]byte("x")}, "row_hash broken_glass bound"},
	{"another child is the decoy", `UPDATE decoy SET mark = $1`, []any{[]byte("x")}, "row_extra decoy "},
	{"a decoy of another service", `UPDATE decoy SET service = '王小明'`, nil, "row_differs decoy service"},
	{"a decoy since before", `UPDATE decoy SET since = since - 1`, nil, "row_extra decoy "},
	{"a decoy is none any more", `UPDATE decoy SET ended_at = since + 1`, nil, "row_differs decoy ended_at"},
	{"there is no decoy", `DELETE FROM decoy`, nil, "row_missing decoy "},
	{"a window is gone", `DELETE FROM broken_glass`, nil, "row_missing broken_glass "},
}

// forgeBroken appends that a second person has joined, changed.
func (l *glasses) forgeBroken(r approval.Request, by staff.Person, change func(b *approval.BrokenBody)) {
	l.T.Helper()
	b := approval.BrokenBody{Request: r.ID, Items: r.Items, Quota: 20}
	l.do(func(ctx context.Context, tx *db.Tx) error {
		sv, err := catalog.Find(ctx, tx, service)
		if err != nil {
			return err
		}
		second, err := staff.Find(ctx, tx, by.ID)
		if err != nil {
			return err
		}
		asker, err := staff.Find(ctx, tx, r.Asker)
		b.From, b.Until = tx.Now().UnixMicro(), tx.Now().Add(time.Duration(r.Minutes)*time.Minute).UnixMicro()
		b.ReviewBy, b.Person, b.Asker, b.Catalog = tx.Now().Add(24*time.Hour).UnixMicro(), second.Version, asker.Version, sv.Version
		return err
	})
	change(&b)
	l.forge(l.mei, 1, approval.KindBroken, by.Ledger(), b)
}

// forgeReview appends a review, changed.
func (l *glasses) forgeReview(r approval.Request, by staff.Person, finding approval.Finding) {
	l.T.Helper()
	l.do(func(ctx context.Context, tx *db.Tx) error {
		sv, err := catalog.Find(ctx, tx, service)
		if err != nil {
			return err
		}
		now, err := staff.Find(ctx, tx, by.ID)
		if err != nil {
			return err
		}
		_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: approval.KindReviewed, Service: service, Actor: by.Ledger(),
			Body: approval.ReviewedBody{Request: r.ID, Finding: finding, Person: now.Version, Catalog: sv.Version}})
		return err
	})
}

// Article 15: what two persons have opened without the office replays with its review, and
// so does whom a late one suspends.
func TestArticle15_WhatTwoHaveOpenedReplays(t *testing.T) {
	forgeries := map[string]struct {
		found string
		by    func(l *glasses)
	}{
		"who asked has joined": {"impossible actor", func(l *glasses) { l.forgeBroken(l.one, l.worker, func(*approval.BrokenBody) {}) }},
		"who holds an office has joined": {"impossible actor", func(l *glasses) {
			l.forgeBroken(l.one, l.officer, func(*approval.BrokenBody) {})
		}},
		"who is suspended has joined": {"impossible actor", func(l *glasses) { l.forgeBroken(l.one, l.second, func(*approval.BrokenBody) {}) }},
		"who has a link of who made the other's has joined": {"impossible actor", func(l *glasses) {
			l.forgeBroken(l.byLink, l.made[1], func(*approval.BrokenBody) {})
		}},
		"who has the role of who gave the other's has joined": {"impossible actor", func(l *glasses) {
			l.forgeBroken(l.byRole, l.given[1], func(*approval.BrokenBody) {})
		}},
		"what waits for a decision was joined": {"impossible approval", func(l *glasses) {
			l.forgeBroken(l.waits, l.worker, func(*approval.BrokenBody) {})
		}},
		"it lasts longer": {"impossible approval", func(l *glasses) { l.forgeBroken(l.one, l.second, func(b *approval.BrokenBody) { b.Until++ }) }},
		"it is decided about": {"impossible approval", func(l *glasses) {
			l.forgeDecision(l.officer, func(b *approval.DecidedBody) {
				b.Request, b.Items, b.Until = l.one.ID, l.one.Items, b.From+int64(l.one.Minutes)*60_000_000
			})
		}},
		"a look by who is suspended": {"verdict ", func(l *glasses) { l.forgeLook(l.manager, func(b *gate.UseBody) { b.Look.Approval = l.late.ID }) }},
		"one of the two reviews":     {"impossible actor", func(l *glasses) { l.forgeReview(l.late, l.manager, approval.Rightful) }},
		"who isn't the office reviews": {"impossible actor", func(l *glasses) {
			l.forgeReview(l.late, l.worker, approval.Rightful)
		}},
		"a decoy is marked twice": {"impossible alarm", func(l *glasses) {
			l.do(func(ctx context.Context, tx *db.Tx) error {
				all, err := approval.ReadDecoys(ctx, tx)
				if err != nil {
					return err
				}
				_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: approval.KindDecoy, Service: service, Actor: "operator:x", Body: approval.DecoyBody{Mark: all[0].Mark}})
				return err
			})
		}},
		"it is reviewed twice":        {"impossible approval", func(l *glasses) { l.forgeReview(l.reviewed, l.officer, approval.Wrongful) }},
		"a finding that nobody knows": {"impossible approval", func(l *glasses) { l.forgeReview(l.late, l.officer, "fine") }},
		"a review of what nobody opened": {"impossible approval", func(l *glasses) {
			l.forgeReview(approval.Request{ID: id.New(id.Look)}, l.officer, approval.Rightful)
		}},
	}
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		w.PassToHalfPast()
		l := playGlasses(t, w)
		tried := make(tries)
		for _, c := range glassChanges {
			if tried.enough(t, c.query) {
				continue
			}
			found(t, c.name, l.once(t, func() {
				l.do(func(ctx context.Context, tx *db.Tx) error {
					n, err := tx.Exec(ctx, c.query, c.args...)
					if err == nil && n == 0 {
						t.Errorf("%s: nothing was changed", c.name)
					}
					return err
				})
			}), c.found)
		}
		for name, f := range sampled(t, forgeries) {
			forgery(t, name, l.once(t, func() { f.by(l) }), f.found)
		}
		r, err := replay.Reconcile(t.Context(), l.Store)
		ok(t, err)
		if r.Broken != 2 || r.Reviewed != 1 || len(r.Mismatches) != 1 || r.Mismatches[0].Why != replay.Unreviewed {
			t.Errorf("%+v", r)
		}
		l.reviews(l.officer, l.late)
		again := l.decide(l.officer, l.ask(l.manager, l.mei), approval.Decision{Verdict: approval.Granted, Reason: approval.Needed})
		ok(t, l.look(l.manager, again, "weekly_score"))
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := l.Vault.Erase(ctx, tx, "test", service, l.mei.ID, family.Requested)
			return err
		})
		ok(t, l.flush())
		l.replays(t)
		if r, err := replay.Reconcile(t.Context(), l.Store); err != nil || len(r.Mismatches) != 0 || r.Reviewed != 2 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}
