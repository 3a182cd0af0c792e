package replay_test

import (
	"context"
	"errors"
	"testing"

	"filippo.io/age"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// Files are a story of what leaves as one: of one the first of two has agreed, one was
// narrowed twice and made, one was refused by the second, and one key is too new.
type files struct {
	*looks
	deputy     staff.Person
	half, made approval.Request
}

func playFiles(t *testing.T, w *vaulttest.World) *files {
	t.Helper()
	l := &files{looks: playLooks(t, w)}
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		o, _, err := catalog.Appoint(ctx, tx, terminal, service, catalog.RoleDeputy, "周远", "zhou@example.com")
		if err != nil {
			return err
		}
		office, err := staff.OfOffice(ctx, tx, service, o.ID)
		if err == nil {
			l.deputy, err = staff.Add(ctx, tx, terminal, "周远", office)
		}
		return err
	})
	l.key(l.worker)
	l.key(l.manager)
	w.Pass(staff.CoolingOff)
	l.key(l.manager) // another one, which is too new
	yes := approval.Decision{Verdict: approval.Granted, Reason: approval.Needed, Text: pii.New("监管部门来函")}
	less := approval.Decision{Verdict: approval.Narrowed, Reason: approval.LessSuffices, Items: []string{"weekly_score"}, Text: pii.New("只要分数")}
	l.made = l.decide(l.deputy, l.decide(l.officer, l.file(), less), yes)
	l.decide(l.manager, l.decide(l.officer, l.file(), yes), approval.Decision{Verdict: approval.Refused, Reason: approval.OtherWay})
	l.half = l.decide(l.officer, l.file(), yes)
	if err := l.takes(l.worker, l.half, "weekly_score", "lesson_progress"); !errors.Is(err, gate.ErrDenied) {
		t.Fatal(err)
	}
	ok(t, l.takes(l.worker, l.made, "weekly_score"))
	if err := l.takes(l.worker, l.made, "weekly_score"); !errors.Is(err, gate.ErrDenied) {
		t.Fatal(err)
	}
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		return staff.EndRecipient(ctx, tx, l.manager, l.manager.ID)
	})
	ok(t, l.flush())
	l.replays(t)
	return l
}

func (l *files) key(p staff.Person) {
	l.T.Helper()
	own, err := age.GenerateX25519Identity()
	ok(l.T, err)
	l.Do(func(ctx context.Context, tx *db.Tx) error {
		_, err := staff.SetRecipient(ctx, tx, l.Ring, p, own.Recipient().String())
		return err
	})
}

// file asks for one.
func (l *files) file() (r approval.Request) {
	l.T.Helper()
	l.do(func(ctx context.Context, tx *db.Tx) (err error) {
		r, _, err = l.desk.Ask(ctx, tx, l.worker, l.mei, approval.Asking{Purpose: "course-progress", Items: []string{"weekly_score", "lesson_progress"},
			Reason: approval.ForAuthority, Text: pii.New("监管部门来函"), Export: true})
		return err
	})
	return r
}

func (l *files) takes(by staff.Person, r approval.Request, items ...string) error {
	return l.Try(func(ctx context.Context, tx *db.Tx) error {
		_, err := l.Vault.Export(ctx, tx, by, gate.Use{Service: service, Child: l.mei.ID, Activity: charter.Use, Purpose: "course-progress", Items: items}, r.ID)
		return err
	})
}

// fileChanges are changes by hand of what leaves as a file, and what must be found.
var fileChanges = []struct {
	name, query string
	args        []any
	found       string
}{
	{"a look leaves as a file", `UPDATE approval SET export = true WHERE state = 'refused' AND NOT export`, nil, "row_differs approval export"},
	{"another was the first to agree", `UPDATE approval SET first_by = '王小明' WHERE state = 'agreed'`, nil, "row_differs approval first_by"},
	{"the first agreed for another reason", `UPDATE approval SET first_for = '王小明' WHERE state = 'agreed'`, nil, "row_differs approval first_for"},
	{"the first has written nothing", `UPDATE approval SET first_reply = NULL WHERE state = 'agreed'`, nil, "row_differs approval first_reply"},
	{"the first has written something else", `UPDATE approval SET first_reply = note WHERE state = 'agreed'`, nil, "row_sealed approval note, reply"},
	{"the key of another", `UPDATE person_recipient SET person = '王小明'`, nil, "row_extra person_recipient "},
	{"another key", `UPDATE person_recipient SET recipient = 'age1x'`, nil, "row_hash person_recipient recipient"},
	{"a key of before", `UPDATE person_recipient SET set_at = set_at - 1`, nil, "row_differs person_recipient set_at"},
	{"a key that is good earlier", `UPDATE person_recipient SET good_from = good_from - 1`, nil, "row_differs person_recipient good_from"},
	{"a key has another mark", `UPDATE person_recipient SET bound = $1`, []any{[]byte("x")}, "row_hash person_recipient bound"},
	{"a key is gone", `DELETE FROM person_recipient`, nil, "row_missing person_recipient "},
}

// forgeFile appends that a file was made which the gate would permit the worker, changed.
func (l *files) forgeFile(r approval.Request, change func(b *gate.UseBody)) {
	l.T.Helper()
	l.forgeLook(l.worker, func(b *gate.UseBody) {
		b.Items, b.Look.Approval, b.Look.Export, b.Look.Alarms = r.Granted, r.ID, true, []approval.Cause{approval.Exported}
		change(b)
	})
}

// forgeAgreed appends that somebody was the first of two to agree, or the second, changed.
func (l *files) forgeAgreed(kind string, by staff.Person, r approval.Request, change func(b *approval.DecidedBody)) {
	l.T.Helper()
	b := approval.DecidedBody{Request: r.ID, Reason: approval.Needed, Items: r.Items}
	l.do(func(ctx context.Context, tx *db.Tx) error {
		sv, err := catalog.Find(ctx, tx, service)
		if err != nil {
			return err
		}
		decider, err := staff.Find(ctx, tx, by.ID)
		if err != nil {
			return err
		}
		asker, err := staff.Find(ctx, tx, r.Asker)
		if err != nil {
			return err
		}
		b.Person, b.Asker, b.Catalog = decider.Version, asker.Version, sv.Version
		if r.First != "" {
			first, err := staff.Find(ctx, tx, r.First)
			if err != nil {
				return err
			}
			b.First = first.Version
		}
		if kind == approval.KindGranted {
			b.From, b.Quota = tx.Now().UnixMicro(), int64(len(r.Items))
			b.Until = b.From + int64(r.Minutes)*60_000_000
		}
		return nil
	})
	change(&b)
	l.forge(l.mei, 1, kind, by.Ledger(), b)
}

// forgeKey appends that a person has set a key, or has none any more, changed.
func (l *files) forgeKey(kind string, by string, person staff.Person, change func(b *staff.RecipientBody)) {
	l.T.Helper()
	l.do(func(ctx context.Context, tx *db.Tx) error {
		p, err := staff.Lock(ctx, tx, person.ID)
		if err != nil {
			return err
		}
		b := staff.RecipientBody{Person: p.ID, Mark: "0123456789012345678901234567890123456789012345678901234567890123", GoodFrom: tx.Now().Add(staff.CoolingOff).UnixMicro()}
		change(&b)
		_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Version: p.Version, Actor: by, Body: b})
		return err
	})
}

// Article 15: what left as a file replays with the two who agreed and the key it was
// sealed to; and what nobody agreed to is found.
func TestArticle15_WhatLeftAsAFileReplays(t *testing.T) {
	nothing := func(*approval.DecidedBody) {}
	forgeries := map[string]struct {
		found string
		by    func(l *files)
	}{
		"a file by one alone": {"verdict ", func(l *files) { l.forgeFile(l.half, func(*gate.UseBody) {}) }},
		"a second file":       {"verdict ", func(l *files) { l.forgeFile(l.made, func(*gate.UseBody) {}) }},
		"a file of a look": {"verdict ", func(l *files) {
			l.forgeFile(l.granted, func(b *gate.UseBody) { b.Items = []string{"weekly_score", "lesson_progress"} })
		}},
		"a file that is told to nobody": {"impossible alarm", func(l *files) { l.forgeFile(l.made, func(b *gate.UseBody) { b.Look.Alarms = nil }) }},
		"the first was who asked":       {"impossible actor", func(l *files) { l.forgeAgreed(approval.KindAgreed, l.worker, l.file(), nothing) }},
		"the first of a look": {"impossible approval", func(l *files) {
			l.forgeAgreed(approval.KindAgreed, l.officer, l.waits, nothing)
		}},
		"the first who may not": {"impossible actor", func(l *files) {
			l.do(func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.Take(ctx, tx, terminal, l.manager.ID, staff.Grant{Role: staff.Manager, Service: service})
				return err
			})
			l.forgeAgreed(approval.KindAgreed, l.manager, l.file(), nothing)
		}},
		"the first opens a window": {"impossible approval", func(l *files) {
			l.forgeAgreed(approval.KindAgreed, l.officer, l.file(), func(b *approval.DecidedBody) { b.Quota = 2 })
		}},
		"the first agrees to more": {"impossible approval", func(l *files) {
			l.forgeAgreed(approval.KindAgreed, l.officer, l.file(), func(b *approval.DecidedBody) { b.Items = append(b.Items, "speaking_score") })
		}},
		"one alone has opened it": {"impossible approval", func(l *files) { l.forgeAgreed(approval.KindGranted, l.officer, l.file(), nothing) }},
		"the same has opened it":  {"impossible actor", func(l *files) { l.forgeAgreed(approval.KindGranted, l.officer, l.half, nothing) }},
		"who asked has opened it": {"impossible actor", func(l *files) { l.forgeAgreed(approval.KindGranted, l.worker, l.half, nothing) }},
		"it opens more often": {"impossible approval", func(l *files) {
			l.forgeAgreed(approval.KindGranted, l.deputy, l.half, func(b *approval.DecidedBody) { b.Quota = 3 })
		}},
		"the second was made by the first": {"impossible actor", func(l *files) {
			var made staff.Person
			l.do(func(ctx context.Context, tx *db.Tx) (err error) {
				made, err = staff.Add(ctx, tx, l.officer, "第二个", staff.Grant{Role: staff.Manager, Service: service})
				return err
			})
			l.forgeAgreed(approval.KindGranted, made, l.half, nothing)
		}},
		"who asked was made by the second": {"impossible actor", func(l *files) {
			role := staff.Grant{Role: staff.Worker, Service: service}
			l.do(func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.Take(ctx, tx, terminal, l.worker.ID, role)
				if err == nil {
					_, err = staff.Give(ctx, tx, l.deputy, l.worker.ID, role)
				}
				return err
			})
			l.forgeAgreed(approval.KindGranted, l.deputy, l.half, nothing)
		}},
		"one has made the two who agree": {"impossible actor", func(l *files) {
			var made [2]staff.Person
			l.do(func(ctx context.Context, tx *db.Tx) (err error) {
				for i, name := range []string{"第一个", "第二个"} {
					if made[i], err = staff.Add(ctx, tx, l.officer, name, staff.Grant{Role: staff.Manager, Service: service}); err != nil {
						return err
					}
				}
				return nil
			})
			r := l.file()
			l.forgeAgreed(approval.KindAgreed, made[0], r, nothing)
			r.First = made[0].ID
			l.forgeAgreed(approval.KindGranted, made[1], r, nothing)
		}},
		"the deputy's new office was given by who asked": {"impossible actor", func(l *files) {
			var r approval.Request
			l.do(func(ctx context.Context, tx *db.Tx) error {
				asker, err := staff.Give(ctx, tx, terminal, l.officer.ID, staff.Grant{Role: staff.Worker, Service: service})
				if err != nil {
					return err
				}
				r, _, err = l.desk.Ask(ctx, tx, asker, l.mei, approval.Asking{Purpose: "course-progress", Items: []string{"weekly_score"}, Reason: approval.ForSupport,
					Text: pii.New("家长来电")})
				return err
			})
			l.do(func(ctx context.Context, tx *db.Tx) error {
				s, err := catalog.Find(ctx, tx, service)
				if err != nil {
					return err
				}
				by, err := catalog.FindOfficer(ctx, tx, service, s.OfficerID)
				if err != nil {
					return err
				}
				former, now, _, err := catalog.HandToDeputy(ctx, tx, l.Ring, by, service, []byte("%PDF-1.7 任命"))
				if err != nil {
					return err
				}
				return staff.Follow(ctx, tx, l.officer, former, now)
			})
			l.forgeAgreed(approval.KindGranted, l.deputy, r, nothing)
		}},
		"an emergency leaves as a file": {"impossible approval", func(l *files) {
			l.forge(l.mei, 1, approval.KindAsked, l.worker.Ledger(), approval.AskedBody{Request: id.New(id.Look), Items: []string{"weekly_score"}, Minutes: 5,
				AnswerBy: 1 << 60, Reason: approval.ForFault, Glass: true, Export: true})
		}},
		"another has set the key": {"impossible actor", func(l *files) {
			l.forgeKey(staff.KindRecipient, l.officer.Ledger(), l.worker, func(*staff.RecipientBody) {})
		}},
		"a key is good at once": {"impossible recipient", func(l *files) {
			l.forgeKey(staff.KindRecipient, l.worker.Ledger(), l.worker, func(b *staff.RecipientBody) { b.GoodFrom-- })
		}},
		"another has removed the key": {"impossible recipient", func(l *files) {
			l.forgeKey(staff.KindRecipientEnded, l.officer.Ledger(), l.worker, func(*staff.RecipientBody) {})
		}},
		"there was no key": {"impossible recipient", func(l *files) {
			l.forgeKey(staff.KindRecipientEnded, l.officer.Ledger(), l.officer, func(*staff.RecipientBody) {})
		}},
	}
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		w.PassToHalfPast()
		l := playFiles(t, w)
		tried := make(tries)
		for _, c := range fileChanges {
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
		if r.Exported != 1 || len(r.Mismatches) != 0 {
			t.Errorf("%+v", r)
		}
		mismatches := map[replay.Unmatched]func(){
			replay.OneAlone: func() { l.forgeAgreed(approval.KindGranted, l.officer, l.half, nothing) },
			replay.Twice:    func() { l.forgeAgreed(approval.KindAgreed, l.deputy, l.made, nothing) },
			replay.TooOften: func() { l.forgeFile(l.made, func(*gate.UseBody) {}) },
			replay.Beyond:   func() { l.forgeFile(l.made, func(b *gate.UseBody) { b.Look.Export = false }) },
		}
		for _, why := range []replay.Unmatched{replay.OneAlone, replay.Twice, replay.TooOften, replay.Beyond} {
			before := len(mismatchesOf(t, l, why))
			mismatches[why]()
			if n := len(mismatchesOf(t, l, why)); n != before+1 {
				t.Errorf("%s: %d more", why, n-before)
			}
		}
	})
}

func mismatchesOf(t *testing.T, l *files, why replay.Unmatched) (all []replay.Mismatch) {
	t.Helper()
	r, err := replay.Reconcile(t.Context(), l.Store)
	ok(t, err)
	for _, m := range r.Mismatches {
		if m.Why == why {
			all = append(all, m)
		}
	}
	return all
}
