package replay_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/replay"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// Bases are a story of what is released without a guardian's yes: by a law, of which the
// guardian was told, and of which it isn't yet; for a life; and a foreign authority that
// was refused. One release is agreed to and not made, and of one the first has agreed.
type bases struct {
	*files
	second, other       staff.Person
	told, silent, ready approval.Request
	first, life         approval.Request
}

func playBases(t *testing.T, w *vaulttest.World) *bases {
	t.Helper()
	l := &bases{files: playFiles(t, w)}
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		if l.second, err = staff.Add(ctx, tx, terminal, "王芳", staff.Grant{Role: staff.Worker, Service: service}); err != nil {
			return err
		}
		l.other, err = staff.Add(ctx, tx, terminal, "高经理", staff.Grant{Role: staff.Manager, Service: service})
		return err
	})
	g := l.Guardian(l.mei)
	l.Do(func(ctx context.Context, tx *db.Tx) error {
		_, err := l.World.Desk.Withdraw(ctx, tx, g, l.mei, "course-progress")
		return err
	})
	yes := approval.Decision{Verdict: approval.Granted, Reason: approval.Needed}
	agreed := func(silence time.Duration) approval.Request {
		return l.decide(l.officer, l.decide(l.manager, l.law("CN", silence), yes), yes)
	}
	l.told, l.silent = agreed(time.Hour), agreed(100*24*time.Hour)
	for _, r := range []approval.Request{l.told, l.silent} {
		ok(t, l.leaves(r))
	}
	w.Pass(time.Hour)
	l.tell(1)
	l.life = l.rescue()
	if err := l.show(l.life, "weekly_score"); !errors.Is(err, gate.ErrDenied) {
		t.Fatal(err)
	}
	l.do(func(ctx context.Context, tx *db.Tx) (err error) {
		l.life, _, err = l.desk.Join(ctx, tx, l.second, service, l.life.ID)
		return err
	})
	for range 2 {
		ok(t, l.show(l.life, "weekly_score"))
	}
	l.law("US", 0)
	l.first = l.decide(l.manager, l.law("CN", 0), yes)
	l.ready = agreed(0)
	ok(t, l.flush())
	l.replays(t)
	return l
}

// law asks for what a court demands.
func (l *bases) law(country string, silence time.Duration) (r approval.Request) {
	l.T.Helper()
	ask := approval.Asking{Purpose: "course-progress", Items: []string{"weekly_score", "lesson_progress"}, Reason: approval.ForAuthority, Text: pii.New("法院来函"),
		Export: true, Minutes: 60,
		Basis: approval.Basis{Ground: approval.OnLaw, Receiver: approval.Court, Level: approval.Statute, Country: country, Ends: l.Store.Now().Add(30 * 24 * time.Hour)},
		Paper: approval.Paper{Provision: "《民事诉讼法》第七十条", Number: "7号", Document: strings.Repeat("ab", 32), Authority: "某法院", Needs: []string{"查明", "查明"}}}
	if silence != 0 {
		ask.Basis.Silence, ask.Basis.SilentUntil = approval.Secret, l.Store.Now().Add(silence)
	}
	err := l.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		r, _, err = l.desk.Ask(ctx, tx, l.worker, l.mei, ask)
		return err
	})
	if (country != charter.Home) != errors.Is(err, approval.ErrForeign) {
		l.T.Fatal(err)
	}
	return r
}

func (l *bases) rescue() (r approval.Request) {
	l.T.Helper()
	l.do(func(ctx context.Context, tx *db.Tx) (err error) {
		r, _, err = l.desk.Ask(ctx, tx, l.worker, l.mei, approval.Asking{Purpose: "course-progress", Items: []string{"weekly_score"}, Reason: approval.ForSafety,
			Text: pii.New("孩子走失"), Glass: true, Minutes: 24 * 60, Basis: approval.Basis{Ground: approval.OnLife, Receiver: approval.Rescue, Country: "CN"}, Paper: approval.Paper{Authority: "消防救援"}})
		return err
	})
	return r
}

func (l *bases) leaves(r approval.Request) error {
	return l.Try(func(ctx context.Context, tx *db.Tx) error {
		_, err := l.Vault.Export(ctx, tx, l.worker, gate.UseBy(r, r.Granted...), r.ID)
		return err
	})
}

func (l *bases) show(r approval.Request, item string) error {
	return l.Try(func(ctx context.Context, tx *db.Tx) error {
		_, err := l.Vault.Reveal(ctx, tx, l.worker, gate.UseBy(r, item), r.ID)
		return err
	})
}

// tell ends the silences that are over.
func (l *bases) tell(want int) {
	l.T.Helper()
	n := 0
	l.do(func(ctx context.Context, tx *db.Tx) error {
		n = 0
		due, err := approval.DueToTell(ctx, tx, approval.Request{}, 10)
		for _, r := range due {
			if _, err := approval.Tell(ctx, tx, l.Ring, "system:sweep", r); err != nil {
				return err
			}
			n++
		}
		return err
	})
	if n != want {
		l.T.Fatalf("%d silences are over, want %d", n, want)
	}
}

// basisChanges are changes by hand of what is released without a guardian's yes, and what
// must be found.
var basisChanges = []struct {
	name, query string
	args        []any
	found       string
}{
	{"it rests on nothing", `UPDATE approval SET ground = '' WHERE ground = 'law' AND state = 'agreed'`, nil, "row_differs approval ground"},
	{"it went to somebody else", `UPDATE approval SET receiver = '王小明' WHERE ground = 'law' AND state = 'agreed'`, nil, "row_differs approval receiver"},
	{"a regulation demanded it", `UPDATE approval SET level = 'regulation' WHERE ground = 'law' AND state = 'agreed'`, nil, "row_differs approval level"},
	{"a foreign authority is none", `UPDATE approval SET country = 'CN' WHERE country = 'US'`, nil, "row_differs approval country"},
	{"it ends later", `UPDATE approval SET ends_at = ends_at + 1 WHERE ground = 'law' AND state = 'agreed'`, nil, "row_differs approval ends_at"},
	{"it is kept for another reason", `UPDATE approval SET silence = 'impedes' WHERE silence = 'secret'`, nil, "row_differs approval silence"},
	{"it is kept for longer", `UPDATE approval SET silent_until = silent_until + 1 WHERE silence = 'secret'`, nil, "row_differs approval silent_until"},
	{"the office has agreed", `UPDATE approval SET officer = true WHERE ground = 'law' AND state = 'agreed'`, nil, "row_differs approval officer"},
	{"nothing has left", `UPDATE approval SET released_at = NULL WHERE released_at IS NOT NULL`, nil, "row_differs approval released_at"},
	{"the guardian was told", `UPDATE approval SET told_at = released_at WHERE released_at IS NOT NULL AND told_at IS NULL`, nil, "row_differs approval told_at"},
	{"nothing is written of it", `UPDATE approval SET paper = NULL WHERE paper IS NOT NULL`, nil, "row_hash approval paper"},
	{"something else is written of it", `UPDATE approval SET paper = note WHERE paper IS NOT NULL`, nil, "row_hash approval paper"},
}

// forgeRelease appends that the worker released what a file of that request holds, changed.
func (l *bases) forgeRelease(r approval.Request, change func(b *gate.UseBody)) {
	l.T.Helper()
	l.forgeFile(r, func(b *gate.UseBody) {
		b.Activity, b.Party = string(charter.Disclose), r.Party()
		change(b)
	})
}

// forgeReleased appends that something left by a request, changed.
func (l *bases) forgeReleased(by string, r approval.Request, change func(b *approval.ReleasedBody)) {
	l.T.Helper()
	b := approval.ReleasedBody{Request: r.ID, Ground: r.Ground, Receiver: r.Receiver, Items: r.Granted}
	change(&b)
	l.forge(l.mei, 1, approval.KindReleased, by, b)
}

// forgeBasis appends that the worker asked for what a law demands, changed.
func (l *bases) forgeBasis(kind string, change func(b *approval.AskedBody)) {
	l.T.Helper()
	b := approval.AskedBody{Request: id.New(id.Look), Purpose: "course-progress", Items: []string{"weekly_score"}, Minutes: 5, AnswerBy: l.Store.Now().Add(time.Hour).UnixMicro(),
		Reason: approval.ForAuthority, Export: true,
		Basis: &approval.BasisBody{Ground: approval.OnLaw, Receiver: approval.Court, Level: approval.Statute, Country: "CN", Ends: l.Store.Now().Add(24 * time.Hour).UnixMicro(), Mark: "x"}}
	change(&b)
	l.forge(l.mei, 1, kind, l.worker.Ledger(), b)
}

// Article 18, edge case 23: what left without a guardian's yes replays with its basis, the
// office's yes, and who is told of it when; and what lacks any of them is found.
func TestArticle18_WhatLeftWithoutAYesReplays(t *testing.T) {
	nothing, same := func(*approval.DecidedBody) {}, func(*approval.ReleasedBody) {}
	forgeries := map[string]struct {
		found string
		by    func(l *bases)
	}{
		"a foreign authority is asked for": {"impossible approval", func(l *bases) {
			l.forgeBasis(approval.KindAsked, func(b *approval.AskedBody) { b.Basis.Country = "US" })
		}},
		"a foreign one that is China's own": {"impossible approval", func(l *bases) { l.forgeBasis(approval.KindForeign, func(*approval.AskedBody) {}) }},
		"a demand without an end":           {"impossible approval", func(l *bases) { l.forgeBasis(approval.KindAsked, func(b *approval.AskedBody) { b.Basis.Ends = 0 }) }},
		"a demand by a rule of lower rank": {"impossible approval", func(l *bases) {
			l.forgeBasis(approval.KindAsked, func(b *approval.AskedBody) { b.Basis.Level = "rule" })
		}},
		"a demand to be looked at": {"impossible approval", func(l *bases) { l.forgeBasis(approval.KindAsked, func(b *approval.AskedBody) { b.Export = false }) }},
		"a demand without a paper": {"impossible approval", func(l *bases) { l.forgeBasis(approval.KindAsked, func(b *approval.AskedBody) { b.Basis.Mark = "" }) }},
		"a life that lasts for days": {"impossible approval", func(l *bases) {
			l.forgeBasis(approval.KindAsked, func(b *approval.AskedBody) {
				b.Basis, b.Export, b.Glass, b.Reason, b.Minutes = &approval.BasisBody{Ground: approval.OnLife, Receiver: approval.Rescue, Country: "CN", Mark: "x"}, false, true, approval.ForSafety, 24*60+1
			})
		}},
		"the office's yes isn't said": {"impossible approval", func(l *bases) { l.forgeAgreed(approval.KindGranted, l.officer, l.first, nothing) }},
		"the office has said nothing": {"impossible actor", func(l *bases) {
			l.forgeAgreed(approval.KindGranted, l.other, l.first, func(b *approval.DecidedBody) { b.Officer = true })
		}},
		"the office's yes to what it needn't say": {"impossible approval", func(l *bases) {
			l.forgeAgreed(approval.KindGranted, l.deputy, l.half, func(b *approval.DecidedBody) { b.Officer = true })
		}},
		"it left, and nobody is told": {"impossible approval", func(l *bases) { l.forgeRelease(l.ready, func(*gate.UseBody) {}) }},
		"it left to somebody else": {"verdict ", func(l *bases) {
			l.forgeRelease(l.silent, func(b *gate.UseBody) { b.Party = "law:police" })
		}},
		"it left twice":             {"verdict ", func(l *bases) { l.forgeRelease(l.silent, func(*gate.UseBody) {}) }},
		"a file of one's own":       {"verdict ", func(l *bases) { l.forgeFile(l.silent, func(*gate.UseBody) {}) }},
		"its release is told twice": {"impossible approval", func(l *bases) { l.forgeReleased(l.worker.Ledger(), l.silent, same) }},
		"another has released it":   {"impossible actor", func(l *bases) { l.forgeReleased(l.manager.Ledger(), l.ready, same) }},
		"more was released": {"impossible approval", func(l *bases) {
			l.forgeReleased(l.worker.Ledger(), l.ready, func(b *approval.ReleasedBody) { b.Items = b.Items[:1] })
		}},
		"a silence that nobody asked of": {"impossible approval", func(l *bases) {
			l.forgeReleased(l.worker.Ledger(), l.ready, func(b *approval.ReleasedBody) { b.Tell = 1 << 60 })
		}},
		"what waits is released": {"impossible approval", func(l *bases) { l.forgeReleased(l.worker.Ledger(), l.first, same) }},
		"the silence is over before its time": {"impossible approval", func(l *bases) {
			l.forge(l.mei, 1, approval.KindTold, "system:sweep", approval.ToldBody{Request: l.silent.ID, Ground: approval.OnLaw})
		}},
		"somebody ends the silence": {"impossible actor", func(l *bases) {
			l.forge(l.mei, 1, approval.KindTold, l.officer.Ledger(), approval.ToldBody{Request: l.silent.ID, Ground: approval.OnLaw})
		}},
	}
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		w.PassToHalfPast()
		l := playBases(t, w)
		tried := make(tries)
		for _, c := range basisChanges {
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
		if r, err := replay.Reconcile(t.Context(), l.Store); err != nil || len(r.Mismatches) != 0 || r.Exported != 3 {
			t.Errorf("%+v, %v", r, err)
		}
		w.Pass(100 * 24 * time.Hour)
		l.tell(1)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := l.Vault.Erase(ctx, tx, "test", service, l.mei.ID, family.Requested)
			return err
		})
		ok(t, l.flush())
		l.replays(t)
	})
}
