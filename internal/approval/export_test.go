package approval_test

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/gate"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault"
)

func exporting() approval.Asking {
	a := asking()
	a.Export, a.Reason = true, approval.ForAuthority
	return a
}

// keyed gives a person a key, a day before.
func (w *world) keyed(people ...staff.Person) *age.X25519Identity {
	w.T.Helper()
	own, err := age.GenerateX25519Identity()
	if err != nil {
		w.T.Fatal(err)
	}
	for _, p := range people {
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := staff.SetRecipient(ctx, tx, w.Ring, p, own.Recipient().String())
			return err
		})
	}
	w.Pass(staff.CoolingOff)
	return own
}

func (w *world) deputy() staff.Person {
	w.T.Helper()
	var office string
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		o, _, err := catalog.Appoint(ctx, tx, terminal, service, catalog.RoleDeputy, "周远", "zhou@example.com")
		office = o.ID
		return err
	})
	return w.inOffice(office, "周远")
}

func (w *world) wants(by staff.Person, a approval.Asking) approval.Request {
	w.T.Helper()
	r, err := w.ask(by, a)
	if err != nil {
		w.T.Fatal(err)
	}
	return r
}

// takes makes a file of what was agreed to.
func (w *world) takes(by staff.Person, r approval.Request, u gate.Use) (out vault.Exported, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = w.Vault.Export(ctx, tx, by, u, r.ID)
		return err
	})
	return out, err
}

// denies fails unless no file was made, for that reason.
func (w *world) denies(t *testing.T, what string, by staff.Person, r approval.Request, u gate.Use, code string) {
	t.Helper()
	out, err := w.takes(by, r, u)
	value := ""
	if len(out.Values) > 0 {
		value = "something"
	}
	denied(t, what, value, err, code)
}

// Article 15: a file takes two who agree, the second to no more than the first; none of
// the three is another. It is made once, of all of it, for a key that waited a day.
func TestArticle15_AFileTakesTwoWhoAgree(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		deputy := w.deputy()
		_, err := w.ask(w.worker, exporting())
		wants(t, "without a key", err, approval.ErrKey)
		own := w.keyed(w.worker, w.manager)
		glass := exporting()
		glass.Glass = true
		_, err = w.ask(w.worker, glass)
		wants(t, "without the office", err, approval.ErrExport)

		r := w.wants(w.worker, exporting())
		both := use(w.child, "nickname", "remarks")
		w.denies(t, "before anybody has agreed", w.worker, r, both, "approval_open")
		_, err = w.decide(w.worker, r, grant)
		wants(t, "a worker agrees", err, approval.ErrMayNot)
		mine := w.wants(w.manager, exporting())
		_, err = w.decide(w.manager, mine, grant)
		wants(t, "who has asked agrees", err, approval.ErrSelf)
		first, err := w.decide(w.officer, r, grant)
		if err != nil || first.State != approval.Agreed || first.First != w.officer.ID || first.Decider != "" || !first.From.IsZero() {
			t.Fatalf("%+v, %v", first, err)
		}
		w.denies(t, "by one alone", w.worker, r, both, "approval_two")
		v, err := w.look(w.worker, r, use(w.child, "nickname"))
		denied(t, "a look by one alone", v, err, "approval_two")
		_, err = w.decide(w.officer, r, grant)
		wants(t, "the same agrees twice", err, approval.ErrAgreed)
		for name, a := range map[string]approval.Decision{
			"other minutes": {Verdict: approval.Narrowed, Items: []string{"nickname"}, Minutes: 5, Reason: approval.LessFits},
			"all of it":     {Verdict: approval.Narrowed, Items: []string{"nickname", "remarks"}, Reason: approval.LessFits},
			"nothing":       {Verdict: approval.Narrowed, Reason: approval.LessFits},
		} {
			_, err := w.decide(deputy, r, a)
			wants(t, name, err, approval.ErrNarrowed)
		}
		second, err := w.decide(deputy, r, grant)
		if err != nil || second.State != approval.Granted || second.Quota != 2 || second.Until.Sub(second.From) != 30*time.Minute {
			t.Fatalf("%+v, %v", second, err)
		}
		v, err = w.look(w.worker, r, use(w.child, "nickname"))
		denied(t, "looked at instead", v, err, "approval_form")
		w.denies(t, "a look as a file", w.worker, w.granted(w.worker, w.officer), both, "approval_form")
		w.denies(t, "a part of it", w.worker, r, use(w.child, "nickname"), "approval_whole")
		w.denies(t, "by another", w.manager, r, both, "approval_of_other")
		out, err := w.takes(w.worker, r, both)
		if err != nil || out.Values["nickname"].Reveal() != "小鱼" || out.Values["remarks"].Reveal() != "进步很大" || out.EndsAt.IsZero() {
			t.Fatalf("a file that two agreed to: %v", err)
		}
		sealed, err := out.Key.Seal([]byte("小鱼"))
		if err != nil || bytes.Contains(sealed, []byte("小鱼")) {
			t.Fatal(err)
		}
		plain, err := age.Decrypt(bytes.NewReader(sealed), own)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(plain); err != nil || string(text) != "小鱼" {
			t.Errorf("%q, %v", text, err)
		}
		w.denies(t, "once more", w.worker, r, both, "approval_used_up")
		if now := w.find(r); now.Looks != 2 {
			t.Errorf("%d looks", now.Looks)
		}

		// The second agrees to no more than the first has left, and may leave less.
		less := approval.Decision{Verdict: approval.Narrowed, Items: []string{"nickname"}, Reason: approval.LessSuffices}
		r = w.wants(w.worker, exporting())
		if r, err = w.decide(w.manager, r, less); err != nil || !slices.Equal(r.Granted, []string{"nickname"}) {
			t.Fatalf("%+v, %v", r, err)
		}
		_, err = w.decide(w.officer, r, approval.Decision{Verdict: approval.Narrowed, Items: []string{"remarks"}, Reason: approval.LessFits})
		wants(t, "what the first has left out", err, approval.ErrNarrowed)
		if r, err = w.decide(w.officer, r, grant); err != nil || !slices.Equal(r.Granted, []string{"nickname"}) || r.Quota != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		w.denies(t, "more than the first agreed to", w.worker, r, both, "approval_item")
		w.Pass(30 * time.Minute)
		w.denies(t, "after its window", w.worker, r, use(w.child, "nickname"), "approval_over")

		// One who refuses is enough, the first or the second.
		no := approval.Decision{Verdict: approval.Refused, Reason: approval.OtherWay}
		for _, agrees := range []bool{false, true} {
			r := w.wants(w.worker, exporting())
			if agrees {
				r = w.grants(w.officer, r)
			}
			if r, err = w.decide(w.manager, r, no); err != nil || r.State != approval.Refused || len(r.Granted) > 0 {
				t.Errorf("%+v, %v", r, err)
			}
			_, err = w.decide(deputy, r, grant)
			wants(t, "what was refused", err, approval.ErrDecided)
		}

		// Who was the first holds the role still; and half of an answer ends by its time.
		r = w.grants(w.manager, w.wants(w.worker, exporting()))
		w.leave(w.manager)
		_, err = w.decide(w.officer, r, grant)
		wants(t, "the first has left", err, approval.ErrFirst)
		wants(t, "it is given back", w.end(w.worker, r), nil)
		r = w.grants(w.officer, w.wants(w.worker, exporting()))
		w.Pass(24 * time.Hour)
		_, err = w.decide(deputy, r, grant)
		wants(t, "a day later", err, approval.ErrExpired)
	})
}

// Of the three none stands behind another: who has the link of one may be both.
func TestArticle15_NobodyIsTwoOfTheThree(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		deputy := w.deputy()
		w.keyed(w.worker, w.second)
		door := signin.Door{Ring: w.Ring}
		invites := func(by, whom staff.Person) {
			w.Do(func(ctx context.Context, tx *db.Tx) error { _, _, err := door.Invite(ctx, tx, by, whom.ID); return err })
		}
		invites(w.officer, w.worker)
		r := w.wants(w.worker, exporting())
		_, err := w.decide(w.officer, r, grant)
		wants(t, "who has made a link for who asks", err, approval.ErrBehind)
		_, err = w.decide(w.officer, w.asked(w.worker), grant)
		wants(t, "of a look", err, approval.ErrMaker)
		no := approval.Decision{Verdict: approval.Refused, Reason: approval.NotNeeded}
		if _, err := w.decide(w.officer, w.wants(w.worker, exporting()), no); err != nil {
			t.Errorf("and refuses: %v", err)
		}

		other := w.grants(deputy, w.wants(w.second, exporting()))
		invites(deputy, w.manager)
		_, err = w.decide(w.manager, other, grant)
		wants(t, "whom the first has made", err, approval.ErrBehind)
		if _, err := w.decide(w.officer, other, grant); err != nil {
			t.Errorf("another: %v", err)
		}
		other = w.grants(w.manager, w.wants(w.second, exporting()))
		_, err = w.decide(deputy, other, grant)
		wants(t, "who has made the first", err, approval.ErrBehind)
		later := w.grants(w.officer, w.wants(w.second, exporting()))
		invites(w.officer, w.second)
		_, err = w.decide(deputy, later, grant)
		wants(t, "the first has made who asks since", err, approval.ErrBehind)
	})
}

// Who has made the links of two of the three may be both, and then it is one who decides,
// though none of them stands behind another; likewise who alone has given two of them what
// they do it by.
func TestArticle15_NobodyIsBehindTwoOfTheThree(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		deputy := w.deputy()
		door := signin.Door{Ring: w.Ring}
		invites := func(name string, role staff.Role) (p staff.Person) {
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				if p, err = staff.Add(ctx, tx, w.officer, name, staff.Grant{Role: role, Service: service}); err == nil {
					_, _, err = door.Invite(ctx, tx, w.officer, p.ID)
				}
				return err
			})
			return p
		}
		confirms := func(by, whom staff.Person) {
			w.Do(func(ctx context.Context, tx *db.Tx) error { _, err := staff.Confirm(ctx, tx, by, whom.ID); return err })
		}
		x, y, z := invites("甲", staff.Worker), invites("乙", staff.Manager), invites("丙", staff.Manager)
		w.keyed(x, w.worker)
		_, err := w.decide(y, w.wants(x, exporting()), grant)
		wants(t, "one has made the links of who asks and of who agrees", err, approval.ErrBehind)
		no := approval.Decision{Verdict: approval.Refused, Reason: approval.NotNeeded}
		if _, err := w.decide(y, w.wants(x, exporting()), no); err != nil {
			t.Errorf("and refuses: %v", err)
		}
		both := w.grants(y, w.wants(w.worker, exporting()))
		_, err = w.decide(z, both, grant)
		wants(t, "one has made the links of the two who agree", err, approval.ErrBehind)
		if _, err := w.decide(deputy, both, grant); err != nil {
			t.Errorf("another is the second: %v", err)
		}
		for _, p := range []staff.Person{y, z} { // their links are over by now
			confirms(deputy, p)
		}
		all := w.grants(z, w.grants(y, w.wants(x, exporting())))
		if all.State != approval.Granted {
			t.Errorf("whom another has confirmed: %s", all.State)
		}

		raised := []staff.Person{w.hire("丁", staff.Auditor), w.hire("戊", staff.Auditor)}
		for _, p := range raised {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.Give(ctx, tx, w.officer, p.ID, staff.Grant{Role: staff.Manager, Service: service})
				return err
			})
		}
		half := w.grants(raised[0], w.wants(w.worker, exporting()))
		_, err = w.decide(raised[1], half, grant)
		wants(t, "one alone has given both the role to decide", err, approval.ErrBehind)
		confirms(deputy, raised[1])
		if _, err := w.decide(raised[1], half, grant); err != nil {
			t.Errorf("whose role another has confirmed: %v", err)
		}
	})
}

// A new key is good a day later, the former from then on not at all; one that was written
// by hand never.
func TestArticle15_AKeyWaitsADay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		deputy := w.deputy()
		w.keyed(w.worker)
		file := func() approval.Request {
			t.Helper()
			return w.grants(deputy, w.grants(w.officer, w.wants(w.worker, exporting())))
		}
		both := use(w.child, "nickname", "remarks")
		held := file()
		thief, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		set := func(key string) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.SetRecipient(ctx, tx, w.Ring, w.worker, key)
				return err
			})
		}
		for _, key := range []string{"", "age1", thief.String(), thief.Recipient().String() + "x", "ssh-ed25519 AAAA", "age1pq1xyz"} {
			wants(t, "what is no key", set(key), staff.ErrRecipient)
		}
		wants(t, "another key", set(" "+thief.Recipient().String()+"\n"), nil)
		wants(t, "the same again", set(thief.Recipient().String()), staff.ErrRecipientHeld)
		w.denies(t, "with the new key", w.worker, held, both, "approval_key")
		_, err = w.ask(w.worker, exporting())
		wants(t, "asked with the new key", err, approval.ErrKey)
		w.Pass(staff.CoolingOff - time.Second)
		_, err = w.ask(w.worker, exporting())
		wants(t, "a second too early", err, approval.ErrKey)
		w.Pass(time.Second)
		if _, err := w.takes(w.worker, file(), both); err != nil {
			t.Errorf("a day later: %v", err)
		}

		late := file()
		exec := func(query string, args ...any) {
			w.Do(func(ctx context.Context, tx *db.Tx) error { _, err := tx.Exec(ctx, query, args...); return err })
		}
		var alarms []approval.Cause
		w.Store.Announced = func(what any) {
			if a, is := what.(approval.Alarm); is {
				alarms = append(alarms, a.What)
			}
		}
		exec(`UPDATE person_recipient SET recipient = $1`, thief.Recipient().String()+" ")
		w.denies(t, "a key that was written by hand", w.worker, late, both, "approval_forged")
		_, err = w.ask(w.worker, exporting())
		wants(t, "asked with it", err, approval.ErrForged)
		if !slices.Contains(alarms, approval.Forged) {
			t.Errorf("alarms: %v", alarms)
		}
		exec(`UPDATE person_recipient SET recipient = $1, good_from = good_from - 1`, thief.Recipient().String())
		w.denies(t, "it was good earlier", w.worker, late, both, "approval_forged")
		ends := func(by staff.Person) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error { return staff.EndRecipient(ctx, tx, by, w.worker.ID) })
		}
		wants(t, "another removes it", ends(w.officer), staff.ErrMayNot)
		wants(t, "it is removed", ends(w.worker), nil)
		wants(t, "twice", ends(w.worker), staff.ErrNoRecipient)
		w.denies(t, "with none", w.worker, late, both, "approval_key")
		w.keyed(w.worker)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := signin.Door{Ring: w.Ring}.Reset(ctx, tx, terminal, w.worker.ID)
			return err
		})
		_, err = w.ask(w.worker, exporting())
		wants(t, "whose account was reset", err, approval.ErrKey)
	})
}

// A file counts as a look at each of its items, and each is told to the office.
func TestArticle15_AFileCountsAsLooksAndRaisesAnAlarm(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.PassToHalfPast()
		deputy := w.deputy()
		w.keyed(w.worker)
		var alarms []approval.Cause
		w.Store.Announced = func(what any) {
			if a, is := what.(approval.Alarm); is && a.What != approval.OddHours {
				alarms = append(alarms, a.What)
			}
		}
		w.Vault.Looks = approval.Limits{PerHour: 3, Burst: 1}
		both := use(w.child, "nickname", "remarks")
		file := func() approval.Request {
			t.Helper()
			return w.grants(deputy, w.grants(w.officer, w.wants(w.worker, exporting())))
		}
		if _, err := w.takes(w.worker, file(), both); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(alarms, []approval.Cause{approval.Burst, approval.Exported}) {
			t.Errorf("alarms: %v", alarms)
		}
		w.denies(t, "more than the hour allows", w.worker, file(), both, "approval_hour")
		if _, err := w.look(w.worker, w.granted(w.worker, w.officer), use(w.child, "nickname")); err != nil {
			t.Errorf("one more look: %v", err)
		}
	})
}

// Article 12: a file is deleted no later than a value ends for the purpose that it was made
// for, also where the value was collected for another that keeps it longer.
func TestArticle12_AFileEndsWithThePurpose(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		deputy := w.deputy()
		w.keyed(w.worker)
		w.Put(w.child, "course-progress", "nickname", "小鱼")
		a := exporting()
		a.Items = []string{"nickname"}
		r := w.grants(deputy, w.grants(w.officer, w.wants(w.worker, a)))
		out, err := w.takes(w.worker, r, use(w.child, "nickname"))
		if err != nil {
			t.Fatal(err)
		}
		w.Do(func(_ context.Context, tx *db.Tx) error {
			if most := tx.Now().AddDate(1, 0, 1); !out.EndsAt.After(tx.Now()) || out.EndsAt.After(most) {
				t.Errorf("it ends at %s, and has to before %s", out.EndsAt, most)
			}
			return nil
		})
	})
}

// Of two who load the file at once, one does.
func TestArticle15_AFileIsMadeOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		deputy := w.deputy()
		w.keyed(w.worker)
		r := w.grants(deputy, w.grants(w.officer, w.wants(w.worker, exporting())))
		var group sync.WaitGroup
		var files [4]error
		for i := range files {
			group.Go(func() { _, files[i] = w.takes(w.worker, r, use(w.child, "nickname", "remarks")) })
		}
		group.Wait()
		made := 0
		for _, err := range files {
			if err == nil {
				made++
			}
		}
		if made != 1 || w.find(r).Looks != 2 {
			t.Errorf("%d files: %v", made, files)
		}
	})
}
