package replay_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// Looks are a story of persons inside who ask to see a child's values: one was granted
// and used, one was narrowed and revoked, one refused, one given back, one waits, and one
// went with its child.
type looks struct {
	*scene
	desk                     approval.Desk
	officer, manager, worker staff.Person
	granted, narrowed, waits approval.Request
}

func playLooks(t *testing.T, w *vaulttest.World) *looks {
	t.Helper()
	l := &looks{scene: &scene{story: begin(t, w)}, desk: approval.Desk{Ring: w.Ring, Charters: w.Vault.Gate.Charters}}
	l.mei, l.gone = l.Child(), l.Child()
	ok(t, l.put(l.mei.ID, "course-progress", map[string]string{"weekly_score": "76", "lesson_progress": "12"}),
		l.put(l.gone.ID, "course-progress", map[string]string{"weekly_score": "77"}))
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		office, err := staff.OfOffice(ctx, tx, service, w.Officer.ID)
		if err != nil {
			return err
		}
		if l.officer, err = staff.Add(ctx, tx, terminal, "林静", office); err != nil {
			return err
		}
		if l.manager, err = staff.Add(ctx, tx, terminal, "韩梅梅", staff.Grant{Role: staff.Manager, Service: service}); err != nil {
			return err
		}
		l.worker, err = staff.Add(ctx, tx, terminal, "李雷", staff.Grant{Role: staff.Worker, Service: service})
		return err
	})
	yes := approval.Decision{Verdict: approval.Granted, Reason: approval.Needed, Text: pii.New("只看一次")}
	less := approval.Decision{Verdict: approval.Narrowed, Reason: approval.LessFits, Items: []string{"weekly_score"}, Minutes: 5}
	no := approval.Decision{Verdict: approval.Refused, Reason: approval.NotNeeded}
	l.granted = l.decide(l.officer, l.ask(l.worker, l.mei), yes)
	l.decide(l.manager, l.ask(l.worker, l.gone), yes)
	l.narrowed = l.decide(l.manager, l.ask(l.officer, l.mei), less)
	l.decide(l.manager, l.ask(l.worker, l.mei), no)
	back := l.ask(l.worker, l.mei)
	l.waits = l.ask(l.manager, l.mei)
	for range 2 {
		ok(t, l.look(l.worker, l.granted, "weekly_score"))
	}
	ok(t, l.look(l.officer, l.narrowed, "weekly_score"))
	for _, try := range []error{l.look(l.officer, l.narrowed, "lesson_progress"), l.look(l.manager, l.granted, "weekly_score"),
		l.look(l.manager, l.waits, "weekly_score"), l.look(l.worker, approval.Request{ID: "王小明"}, "weekly_score")} {
		if !errors.Is(try, gate.ErrDenied) {
			t.Fatal(try)
		}
	}
	for by, r := range map[*staff.Person]approval.Request{&l.manager: l.narrowed, &l.worker: back} {
		l.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := l.desk.End(ctx, tx, *by, service, r.ID)
			return err
		})
	}
	ok(t, l.erase(l.gone.ID))
	ok(t, l.flush())
	l.replays(t)
	return l
}

func (l *looks) ask(by staff.Person, c family.Child) (r approval.Request) {
	l.T.Helper()
	l.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		r, _, err = l.desk.Ask(ctx, tx, by, c, approval.Asking{Purpose: "course-progress", Items: []string{"weekly_score", "lesson_progress"},
			Reason: approval.ForSupport, Text: pii.New("家长来电")})
		return err
	})
	return r
}

func (l *looks) decide(by staff.Person, r approval.Request, a approval.Decision) (out approval.Request) {
	l.T.Helper()
	l.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		out, _, err = l.desk.Decide(ctx, tx, by, service, r.ID, a)
		return err
	})
	return out
}

func (l *looks) look(by staff.Person, r approval.Request, items ...string) error {
	return l.Try(func(ctx context.Context, tx *db.Tx) error {
		_, err := l.Vault.Reveal(ctx, tx, by, gate.Use{Service: service, Child: l.mei.ID, Activity: charter.Use, Purpose: "course-progress", Items: items}, r.ID)
		return err
	})
}

// lookChanges are changes by hand of what is asked, decided and looked at, and what must
// be found.
var lookChanges = []struct {
	name, query string
	args        []any
	found       string
}{
	{"a request of another child", `UPDATE approval SET child = 'zz' WHERE state = 'open'`, nil, "row_extra approval "},
	{"a request of another name", `UPDATE approval SET id = '王小明' WHERE state = 'open'`, nil, "row_extra approval "},
	{"a request is gone", `DELETE FROM approval WHERE state = 'open'`, nil, "row_missing approval "},
	{"a request of another service", `UPDATE approval SET service = '王小明' WHERE state = 'open'`, nil, "row_differs approval service"},
	{"a request with another number", `UPDATE approval SET number = '王小明' WHERE state = 'open'`, nil, "row_differs approval number"},
	{"a request of another person", `UPDATE approval SET asker = '王小明' WHERE state = 'open'`, nil, "row_differs approval asker"},
	{"a request for another purpose", `UPDATE approval SET purpose = '王小明' WHERE state = 'open'`, nil, "row_differs approval purpose"},
	{"a request for more", `UPDATE approval SET items = '王小明' WHERE state = 'open'`, nil, "row_differs approval items"},
	{"a request for another reason", `UPDATE approval SET reason = '王小明' WHERE state = 'open'`, nil, "row_differs approval reason"},
	{"a request for longer", `UPDATE approval SET minutes = 600 WHERE state = 'open'`, nil, "row_differs approval minutes"},
	{"a request that waits was granted", `UPDATE approval SET state = 'granted' WHERE state = 'open'`, nil, "row_differs approval state"},
	{"a request of before", `UPDATE approval SET asked_at = asked_at - 1 WHERE state = 'open'`, nil, "row_differs approval asked_at"},
	{"a request that waits for longer", `UPDATE approval SET answer_by = answer_by + 1 WHERE state = 'open'`, nil, "row_differs approval answer_by"},
	{"another person decided", `UPDATE approval SET decider = asker WHERE state = 'granted'`, nil, "row_differs approval decider"},
	{"more was granted", `UPDATE approval SET granted = '王小明' WHERE state = 'granted'`, nil, "row_differs approval granted"},
	{"it was decided for another reason", `UPDATE approval SET answer = '王小明' WHERE state = 'granted'`, nil, "row_differs approval answer"},
	{"a window began earlier", `UPDATE approval SET from_at = from_at - 1 WHERE state = 'granted'`, nil, "row_differs approval from_at"},
	{"a window ends later", `UPDATE approval SET until_at = until_at + 1 WHERE state = 'granted'`, nil, "row_differs approval until_at"},
	{"a window has a larger quota", `UPDATE approval SET quota = quota + 1 WHERE state = 'granted'`, nil, "row_differs approval quota"},
	{"a look isn't counted", `UPDATE approval SET looks = looks - 1 WHERE state = 'granted'`, nil, "row_differs approval looks"},
	{"a window ended at another time", `UPDATE approval SET ended_at = ended_at + 1 WHERE state = 'ended'`, nil, "row_differs approval ended_at"},
	{"another person ended it", `UPDATE approval SET ended_by = '王小明' WHERE state = 'ended'`, nil, "row_differs approval ended_by"},
	{"it ended for another reason", `UPDATE approval SET why = '王小明' WHERE state = 'ended'`, nil, "row_differs approval why"},
	{"nothing was written with a request", `UPDATE approval SET note = NULL WHERE state = 'open'`, nil, "row_differs approval note"},
	{"nothing was written with a decision", `UPDATE approval SET reply = NULL WHERE state = 'granted'`, nil, "row_differs approval reply"},
	{"something else was written with a decision", `UPDATE approval SET reply = note WHERE state = 'granted'`, nil, "row_sealed approval note, reply"},
	{"a request has another mark", `UPDATE approval SET bound = note WHERE state = 'open'`, nil, "row_hash approval bound"},
	{"looks of another person", `UPDATE person_looks SET person = '王小明' WHERE person = (SELECT max(person) FROM person_looks)`, nil, "row_extra person_looks "},
	{"looks of another hour", `UPDATE person_looks SET hour = hour - 1`, nil, "row_differs person_looks hour"},
	{"fewer looks in the hour", `UPDATE person_looks SET in_hour = 0`, nil, "row_differs person_looks in_hour"},
	{"looks of another day", `UPDATE person_looks SET day = day - 1`, nil, "row_differs person_looks day"},
	{"fewer looks on the day", `UPDATE person_looks SET in_day = 0`, nil, "row_differs person_looks in_day"},
	{"a burst began later", `UPDATE person_looks SET since = since + 1`, nil, "row_differs person_looks since"},
	{"fewer looks in a burst", `UPDATE person_looks SET in_burst = 0`, nil, "row_differs person_looks in_burst"},
	{"looks are gone", `DELETE FROM person_looks`, nil, "row_missing person_looks "},
}

// forgeLook appends a look that the gate would permit the worker, changed.
func (l *looks) forgeLook(actor staff.Person, change func(b *gate.UseBody)) {
	l.T.Helper()
	b := l.fair()
	var p staff.Person
	var sv catalog.Service
	l.do(func(ctx context.Context, tx *db.Tx) (err error) {
		if sv, err = catalog.Find(ctx, tx, service); err != nil {
			return err
		}
		if p, err = staff.Find(ctx, tx, actor.ID); errors.Is(err, staff.ErrNotFound) {
			err = nil
		}
		return err
	})
	b.Look = &gate.LookBody{Role: approval.RoleFor(p, staff.AskAccess, sv), Approval: l.granted.ID, Person: p.Version, PerHour: 60, PerDay: 200, Burst: 15, BurstIn: 600_000_000}
	change(&b)
	kind := gate.KindPermitted
	if b.Reasons != nil {
		kind = gate.KindDenied
	}
	l.forge(l.mei, 0, kind, actor.Ledger(), b)
}

// forgeDecision appends a decision about what waits that the officer might have taken,
// changed.
func (l *looks) forgeDecision(by staff.Person, change func(b *approval.DecidedBody)) {
	l.T.Helper()
	var sv catalog.Service
	var decider, asker staff.Person
	b := approval.DecidedBody{Request: l.waits.ID, Reason: approval.Needed, Items: l.waits.Items, Quota: 20}
	l.do(func(ctx context.Context, tx *db.Tx) (err error) {
		if sv, err = catalog.Find(ctx, tx, service); err != nil {
			return err
		}
		if decider, err = staff.Find(ctx, tx, by.ID); err != nil && by.ID != "" {
			return err
		}
		asker, err = staff.Find(ctx, tx, l.waits.Asker)
		b.From, b.Until = tx.Now().UnixMicro(), tx.Now().Add(15*time.Minute).UnixMicro()
		return err
	})
	b.Person, b.Asker, b.Catalog = decider.Version, asker.Version, sv.Version
	change(&b)
	l.forge(l.mei, 1, approval.KindGranted, by.Ledger(), b)
}

// linked has somebody make links for others.
func (l *looks) linked(by staff.Person, people ...staff.Person) {
	l.T.Helper()
	l.do(func(ctx context.Context, tx *db.Tx) error {
		for _, p := range people {
			if _, _, err := (signin.Door{Ring: l.Ring}).Invite(ctx, tx, by, p.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// forgeAlarm appends an alarm of a look.
func (l *looks) forgeAlarm(by staff.Person, use string) {
	l.T.Helper()
	l.do(func(ctx context.Context, tx *db.Tx) error {
		_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: approval.KindAlarm, Service: service, Actor: by.Ledger(),
			Body: approval.AlarmBody{Request: l.granted.ID, Cause: approval.Burst, Use: use}})
		return err
	})
}

// Article 15: each look is decided again, by the approval as it stood, its own count, and
// what the person held. What nobody else has decided is found.
func TestArticle15_EachLookReplays(t *testing.T) {
	forgeries := map[string]struct {
		found string
		by    func(l *looks)
	}{
		"a look without an approval":           {"verdict ", func(l *looks) { l.forgeLook(l.worker, func(b *gate.UseBody) { b.Look.Approval = "" }) }},
		"a look by what was made up":           {"impossible approval", func(l *looks) { l.forgeLook(l.worker, func(b *gate.UseBody) { b.Look.Approval = id.New(id.Look) }) }},
		"a look that nobody has decided about": {"verdict ", func(l *looks) { l.forgeLook(l.manager, func(b *gate.UseBody) { b.Look.Approval = l.waits.ID }) }},
		"a look by what was revoked":           {"verdict ", func(l *looks) { l.forgeLook(l.officer, func(b *gate.UseBody) { b.Look.Approval = l.narrowed.ID }) }},
		"a look by somebody else's approval":   {"verdict ", func(l *looks) { l.forgeLook(l.manager, func(*gate.UseBody) {}) }},
		"a look beyond what the hour allows":   {"verdict ", func(l *looks) { l.forgeLook(l.worker, func(b *gate.UseBody) { b.Look.PerHour = 2 }) }},
		"a look by another role":               {"impossible actor", func(l *looks) { l.forgeLook(l.worker, func(b *gate.UseBody) { b.Look.Role = staff.Officer }) }},
		"a look that is none":                  {"actor actor", func(l *looks) { l.forgeLook(l.worker, func(b *gate.UseBody) { b.Look = nil }) }},
		"a look from before the role":          {"verdict ", func(l *looks) { l.forgeLook(l.worker, func(b *gate.UseBody) { b.Look.Person = 1 }) }},
		"a look of nobody":                     {"actor actor", func(l *looks) { l.forgeLook(staff.Person{ID: id.New(id.Staff)}, func(*gate.UseBody) {}) }},
		"a look at two": {"verdict ", func(l *looks) {
			l.forgeLook(l.worker, func(b *gate.UseBody) { b.Items = []string{"weekly_score", "lesson_progress"} })
		}},
		"a denial without a reason": {"verdict ", func(l *looks) {
			l.forgeLook(l.worker, func(b *gate.UseBody) { b.Reasons = []gate.Denial{{Code: "gate.approval_over", Article: "15"}} })
		}},
		"a look without the alarm that it raised": {"impossible alarm", func(l *looks) {
			l.forgeLook(l.worker, func(b *gate.UseBody) { b.Look.Alarms = []approval.Cause{approval.OddHours} })
		}},
		"a burst that raised no alarm": {"impossible alarm", func(l *looks) { l.forgeLook(l.worker, func(b *gate.UseBody) { b.Look.Burst = 2 }) }},
		"an alarm without a look":      {"impossible alarm", func(l *looks) { l.forgeAlarm(l.worker, "le_x") }},
		"who asked has decided":        {"impossible actor", func(l *looks) { l.forgeDecision(l.manager, func(*approval.DecidedBody) {}) }},
		"who was made by who asked has decided": {"impossible actor", func(l *looks) {
			var made staff.Person
			l.do(func(ctx context.Context, tx *db.Tx) (err error) {
				if made, err = staff.Add(ctx, tx, l.officer, "第二个", staff.Grant{Role: staff.Manager, Service: service}); err != nil {
					return err
				}
				l.waits, _, err = l.desk.Ask(ctx, tx, l.officer, l.mei, approval.Asking{Purpose: "course-progress", Items: []string{"weekly_score"},
					Reason: approval.ForSupport, Text: pii.New("家长来电")})
				return err
			})
			l.forgeDecision(made, func(*approval.DecidedBody) {})
		}},
		"who has made the link of who asked has decided": {"impossible actor", func(l *looks) {
			l.linked(l.officer, l.manager)
			l.forgeDecision(l.officer, func(*approval.DecidedBody) {})
		}},
		"one has made the links of who asked and who decided": {"impossible actor", func(l *looks) {
			var other staff.Person
			l.do(func(ctx context.Context, tx *db.Tx) (err error) {
				other, err = staff.Add(ctx, tx, terminal, "第三个", staff.Grant{Role: staff.Manager, Service: service})
				return err
			})
			l.linked(l.officer, l.manager, other)
			l.forgeDecision(other, func(*approval.DecidedBody) {})
		}},
		"who may not has decided": {"impossible actor", func(l *looks) { l.forgeDecision(l.worker, func(*approval.DecidedBody) {}) }},
		"nobody has decided":      {"impossible actor", func(l *looks) { l.forgeDecision(staff.Person{}, func(*approval.DecidedBody) {}) }},
		"more was granted than asked": {"impossible approval", func(l *looks) {
			l.forgeDecision(l.officer, func(b *approval.DecidedBody) { b.Items = []string{"weekly_score", "speaking_score"} })
		}},
		"longer was granted than asked": {"impossible approval", func(l *looks) { l.forgeDecision(l.officer, func(b *approval.DecidedBody) { b.Until += 1 }) }},
		"what was decided is decided again": {"impossible approval", func(l *looks) {
			l.forgeDecision(l.manager, func(b *approval.DecidedBody) { b.Request = l.granted.ID })
		}},
		"a decision about nothing": {"impossible approval", func(l *looks) {
			l.forgeDecision(l.officer, func(b *approval.DecidedBody) { b.Request = id.New(id.Look) })
		}},
		"a request of nobody": {"impossible actor", func(l *looks) {
			l.forge(l.mei, 1, approval.KindAsked, "operator:x", approval.AskedBody{Request: id.New(id.Look), Items: []string{"weekly_score"}, Minutes: 5, AnswerBy: 1 << 60, Reason: approval.ForFault})
		}},
		"an end of nothing": {"impossible approval", func(l *looks) {
			l.forge(l.mei, 1, approval.KindEnded, l.manager.Ledger(), approval.EndedBody{Request: id.New(id.Look), Why: approval.GivenBack})
		}},
	}
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		w.PassToHalfPast()
		l := playLooks(t, w)
		tried := make(tries)
		for _, c := range lookChanges {
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
			waits := l.waits
			forgery(t, name, l.once(t, func() { f.by(l) }), f.found)
			l.waits = waits
		}
	})
}

// What a person and an approval are at this moment is told by entries that stand in no
// order to each other: a look beside them replays wherever the sequencer puts them.
func TestArticle15_LooksBesideChangesReplay(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		l := playLooks(t, w)
		role := staff.Grant{Role: staff.Worker, Service: service}
		w.Pass(time.Minute)
		for range 3 {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.Take(ctx, tx, terminal, l.worker.ID, role)
				return err
			})
			if err := l.look(l.worker, l.granted, "weekly_score"); !errors.Is(err, gate.ErrDenied) {
				t.Error(err)
			}
			w.Pass(-time.Second) // another node's clock
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.Give(ctx, tx, terminal, l.worker.ID, role)
				return err
			})
			ok(t, l.look(l.worker, l.granted, "weekly_score"))
		}
		w.Pass(20 * time.Minute)
		if err := l.look(l.worker, l.granted, "weekly_score"); !errors.Is(err, gate.ErrDenied) {
			t.Error(err)
		}
		ok(t, l.flush())
		l.replays(t)
		forgery(t, "a look after the window", l.once(t, func() { l.forgeLook(l.worker, func(*gate.UseBody) {}) }), "verdict ")
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.EndOffice(ctx, tx, terminal, service, w.Officer.ID)
			return err
		})
		if err := l.look(l.worker, l.granted, "weekly_score"); !errors.Is(err, gate.ErrDenied) {
			t.Error(err)
		}
		ok(t, l.flush())
		w.Pass(24 * time.Hour)
		l.replays(t)
	})
}

// The reconciliation report: every look has its approval, and every approval who asked
// and who else decided.
func TestArticle15_ApprovalsAndLooksMatch(t *testing.T) {
	reconcile := func(t *testing.T, l *looks) replay.Reconciliation {
		t.Helper()
		r, err := replay.Reconcile(t.Context(), l.Store)
		ok(t, err)
		return r
	}
	forgeries := map[replay.Unmatched]func(l *looks){
		replay.NoApproval: func(l *looks) { l.forgeLook(l.worker, func(b *gate.UseBody) { b.Look = nil }) },
		replay.OfOther:    func(l *looks) { l.forgeLook(l.manager, func(*gate.UseBody) {}) },
		replay.Beyond:     func(l *looks) { l.forgeLook(l.worker, func(b *gate.UseBody) { b.Items = []string{"speaking_score"} }) },
		replay.OutOfTime:  func(l *looks) { l.forgeLook(l.officer, func(b *gate.UseBody) { b.Look.Approval = l.narrowed.ID }) },
		replay.NoRequest: func(l *looks) {
			l.forgeDecision(l.officer, func(b *approval.DecidedBody) { b.Request = id.New(id.Look) })
		},
		replay.BySelf: func(l *looks) { l.forgeDecision(l.manager, func(*approval.DecidedBody) {}) },
		replay.Twice:  func(l *looks) { l.forgeDecision(l.manager, func(b *approval.DecidedBody) { b.Request = l.granted.ID }) },
		replay.TooOften: func(l *looks) {
			for range approval.Defaults.Looks - 1 {
				l.forgeLook(l.worker, func(*gate.UseBody) {})
			}
		},
	}
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		l := playLooks(t, w)
		want := replay.Reconciliation{Asked: 6, Approved: 3, Refused: 1, Looks: 3, Denied: 4, Unused: 1}
		l.do(func(ctx context.Context, tx *db.Tx) error {
			head, err := ledger.Head(ctx, tx)
			want.Size = head.Size
			return err
		})
		if diff := cmp.Diff(want, reconcile(t, l)); diff != "" {
			t.Error(diff)
		}
		for _, why := range slices.Sorted(maps.Keys(forgeries)) {
			before := reconcile(t, l).Mismatches
			forgeries[why](l)
			all := reconcile(t, l).Mismatches
			is := func(m replay.Mismatch) bool { return m.Why == why }
			if len(all) != len(before)+1 || slices.ContainsFunc(before, is) || !slices.ContainsFunc(all, is) {
				t.Errorf("%s: %+v", why, all)
			}
		}
	})
}
