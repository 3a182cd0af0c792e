package session_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/passkey"
	"wardkeep/internal/session"
	"wardkeep/internal/session/sessiontest"
	"wardkeep/internal/vault/vaulttest"
)

// offer asks what a browser is to be asked to add a passkey.
func (l *lobby) offer(s session.Session) (options []byte, kept string, err error) {
	err = l.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		options, kept, err = l.door.Offer(ctx, tx, s, "监护人")
		return err
	})
	return options, kept, err
}

func (l *lobby) add(s session.Session, kept string, answer []byte) (p session.Passkey, err error) {
	err = l.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		p, err = l.door.Add(ctx, tx, s, kept, answer)
		return err
	})
	return p, err
}

// owns adds a passkey of the device in a session by a code.
func (l *lobby) owns(s session.Session, d *sessiontest.Device) session.Passkey {
	l.T.Helper()
	options, kept, err := l.offer(s)
	if err != nil {
		l.T.Fatal(err)
	}
	p, err := l.add(s, kept, d.Make(options))
	if err != nil {
		l.T.Fatal(err)
	}
	return p
}

// ask asks what a browser is to be asked to show a passkey.
func (l *lobby) ask() (options []byte, kept string, err error) {
	err = l.Try(func(_ context.Context, tx *db.Tx) (err error) {
		options, kept, err = l.door.Ask(tx.Now())
		return err
	})
	return options, kept, err
}

func (l *lobby) asks() (options []byte, kept string) {
	l.T.Helper()
	options, kept, err := l.ask()
	if err != nil {
		l.T.Fatal(err)
	}
	return options, kept
}

func (l *lobby) enterBy(kept, former string, answer []byte) (s session.Session, secret string, err error) {
	err = l.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		s, secret, err = l.door.EnterByPasskey(ctx, tx, kept, former, answer)
		return err
	})
	return s, secret, err
}

// shows signs in by the device's passkey.
func (l *lobby) shows(d *sessiontest.Device) (session.Session, string, error) {
	l.T.Helper()
	options, kept := l.asks()
	return l.enterBy(kept, "", d.Show(options))
}

func (l *lobby) list(s session.Session) (all []session.Passkey) {
	l.T.Helper()
	l.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		all, err = l.door.Passkeys(ctx, tx, s)
		return err
	})
	return all
}

func (l *lobby) remove(s session.Session, name string) {
	l.T.Helper()
	l.Do(func(ctx context.Context, tx *db.Tx) error { return l.door.RemovePasskey(ctx, tx, s, name) })
}

func (l *lobby) count(query string) int64 {
	l.T.Helper()
	var n int64
	l.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = db.One(ctx, tx, db.Single[int64], query)
		return err
	})
	return n
}

func TestPasskey_SignsItsGuardianIn(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		child := l.Child()
		byCode, first := l.in("a")
		d := &sessiontest.Device{T: t}
		p := l.owns(byCode, d)
		options, kept := l.asks()
		s, secret, err := l.enterBy(kept, first, d.Show(options))
		if err != nil {
			t.Fatal(err)
		}
		if s.Passkey != p.ID || len(s.Ties) != 1 || s.Ties[0].Child != child.ID || s.Ties[0].Strength != family.OneTimeCode {
			t.Errorf("%+v", s)
		}
		_, err = l.find(first)
		l.refused(err, session.ErrSignedOut) // what the browser held before
		if s, err = l.find(secret); err != nil || s.Passkey != p.ID || len(s.Ties) != 1 {
			t.Errorf("%+v, %v", s, err)
		}
		all := l.list(s)
		if len(all) != 1 || all[0].ID != p.ID || all[0].Number != 1 || all[0].AddedAt.IsZero() || all[0].UsedAt.IsZero() {
			t.Errorf("%+v", all)
		}
	})
}

// A stranger who knows the number can use up its codes, and void the one on its way.
// A passkey still signs in.
func TestPasskey_SignsInWhomAStrangerKeepsFromCodes(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.Child()
		byCode, _ := l.in("a")
		d := &sessiontest.Device{T: t}
		l.owns(byCode, d)
		l.Pass(time.Hour)
		owners := l.code("a", number).Code.Reveal()
		for range 5 {
			l.code("stranger's", number)
		}
		_, _, err := l.enter("a", "", owners)
		l.refused(err, session.ErrCode)
		if !l.code("a", number).Code.IsZero() {
			t.Error("a seventh code within an hour")
		}
		if _, _, err := l.shows(d); err != nil {
			t.Error(err)
		}
		l.Pass(time.Hour)
		l.in("a")
	})
}

// A device learns nothing of the person: no contact, no name, and a keyed hash
// that isn't the one in the tables.
func TestPasskey_ADeviceLearnsNothingOfThePerson(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.Child()
		s, _ := l.in("a")
		options, _, err := l.offer(s)
		if err != nil {
			t.Fatal(err)
		}
		d := &sessiontest.Device{T: t}
		if names := d.Names(options); !slices.Equal(names, []string{"home.example", "home.example", "监护人", "监护人"}) {
			t.Errorf("%q", names)
		}
		l.owns(s, d)
		h := l.handle(number)
		if bytes.Equal(d.Remembers(), h.Hash) || len(d.Remembers()) != 32 || bytes.Contains(options, []byte("1380")) {
			t.Error("the device is told the contact, or its hash")
		}
		if options, _, err := l.offer(s); err != nil || d.Excludes(options) != 1 {
			t.Errorf("a device that has one is asked for another: %v", err)
		}
		asked, _ := l.asks()
		if bytes.Contains(asked, []byte("allowCredentials")) {
			t.Errorf("who is known is told to anybody: %s", asked)
		}
	})
}

// Whatever is wrong with what is shown, nobody comes in, nothing is written, and the
// answer is the same.
func TestPasskey_WhateverIsWrongIsRefusedAlike(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.Child()
		s, _ := l.in("a")
		d := &sessiontest.Device{T: t, Count: 7}
		l.owns(s, d)
		right := *d
		for name, wrong := range map[string]func(){
			"another page":                   func() { d.Origin = "https://home.example.evil.test" },
			"another port":                   func() { d.Origin = "https://home.example:8443" },
			"without TLS":                    func() { d.Origin = "http://home.example" },
			"another site":                   func() { d.Site = "evil.test" },
			"another challenge":              func() { d.Challenge = strings.Repeat("A", 43) },
			"another ceremony":               func() { d.Type = "webauthn.create" },
			"another key":                    func() { d.Forged = true },
			"another contact":                func() { d.Holder = bytes.Repeat([]byte{1}, 32) },
			"nobody at all":                  func() { d.Holder = []byte{} },
			"edge case 24: whoever holds it": func() { d.Unverified = true },
			"nobody there":                   func() { d.Absent = true },
			"it may be copied suddenly":      func() { d.Moved = true },
			"two devices have it":            func() { d.Count = 6 },
			"the count stands still":         func() { d.Count = 7 },
		} {
			*d = right
			d.Count = 8
			wrong()
			if _, _, err := l.shows(d); !errors.Is(err, session.ErrPasskey) {
				t.Errorf("%s: %v", name, err)
			}
		}
		*d = right
		d.Count = 8
		options, kept := l.asks()
		answer := d.Show(options)
		_, other := l.asks()
		secret, since, _ := strings.Cut(kept, ".")
		for name, kept := range map[string]string{
			"no browser": "", "another browser": other, "of another age": secret + ".9" + since, "without an age": secret, "an endless one": secret + "." + strings.Repeat("9", 200),
		} {
			if _, _, err := l.enterBy(kept, "", answer); !errors.Is(err, session.ErrPasskey) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, answer := range map[string][]byte{
			"nothing": nil, "no JSON": []byte("{"), "something else": []byte(`{"id":1}`), "too much": append(bytes.Clone(answer), bytes.Repeat([]byte(" "), 17<<10)...),
			"a passkey that is made": new(sessiontest.Device{T: t}).Make([]byte(`{"challenge":"AAAA","rp":{"id":"home.example"},"user":{"id":"AAAA"}}`)),
		} {
			if _, _, err := l.enterBy(kept, "", answer); !errors.Is(err, session.ErrPasskey) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := l.count(`SELECT count(*) FROM passkey_spent`); n != 1 {
			t.Errorf("strangers wrote %d challenges", n-1) // one was spent on making it
		}
		if n := l.count(`SELECT count(*) FROM session`); n != 1 {
			t.Errorf("%d sessions", n)
		}
		if _, _, err := l.enterBy(kept, "", answer); err != nil {
			t.Errorf("the right one: %v", err)
		}
		// It was good once.
		if _, _, err := l.enterBy(kept, "", answer); !errors.Is(err, session.ErrPasskey) {
			t.Errorf("shown twice: %v", err)
		}
		d.Count = 9
		options, kept = l.asks()
		answer = d.Show(options)
		l.Pass(passkey.ChallengeLife)
		if _, _, err := l.enterBy(kept, "", answer); !errors.Is(err, session.ErrPasskey) {
			t.Errorf("too late: %v", err)
		}
		l.Do(func(ctx context.Context, tx *db.Tx) error {
			l.door.Site = nil
			_, _, err := l.door.Ask(tx.Now())
			l.refused(err, session.ErrNoPasskeys)
			_, _, err = l.door.EnterByPasskey(ctx, tx, kept, "", answer)
			l.refused(err, session.ErrNoPasskeys)
			return nil
		})
	})
}

// A synced passkey has no count, and is shown again and again; what was shown once
// is good once all the same.
func TestPasskey_WithoutACountIsShownAgain(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.Child()
		s, _ := l.in("a")
		d := &sessiontest.Device{T: t, Moved: true}
		l.owns(s, d)
		for range 3 {
			options, kept := l.asks()
			answer := d.Show(options)
			if _, _, err := l.enterBy(kept, "", answer); err != nil {
				t.Error(err)
			}
			_, _, err := l.enterBy(kept, "", answer)
			l.refused(err, session.ErrPasskey)
		}
	})
}

// The clocks of two nodes differ, and the later use is the last one, whichever was
// written last.
func TestPasskey_TheLaterUseIsTheLast(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.Child()
		s, _ := l.in("a")
		d := &sessiontest.Device{T: t}
		l.owns(s, d)
		used := func(ahead time.Duration) time.Time {
			t.Helper()
			l.Pass(ahead)
			defer l.Pass(-ahead)
			if _, _, err := l.shows(d); err != nil {
				t.Fatal(err)
			}
			return l.list(s)[0].UsedAt
		}
		first := used(time.Second)
		if later := used(time.Minute); !later.After(first) {
			t.Errorf("last used at %v, and at %v before", later, first)
		} else if again := used(0); !again.Equal(later) {
			t.Errorf("last used at %v, after %v", again, later)
		}
	})
}

// Only a code makes a way in: who has a guardian's device for a moment can't leave
// a passkey of its own behind.
func TestPasskey_IsAddedAfterACodeOnly(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.Child()
		s, _ := l.in("a")
		d := &sessiontest.Device{T: t}
		options, kept, err := l.offer(s)
		if err != nil {
			t.Fatal(err)
		}
		other, _ := l.in("b")
		answer := d.Make(options)
		for name, by := range map[string]struct {
			in     session.Session
			kept   string
			answer []byte
		}{
			"another session":    {other, kept, answer},
			"another browser":    {s, strings.Repeat("0", 52) + kept[52:], answer},
			"nothing":            {s, kept, nil},
			"no JSON":            {s, kept, []byte("]")},
			"too much":           {s, kept, append(bytes.Clone(answer), bytes.Repeat([]byte(" "), 17<<10)...)},
			"another page":       {s, kept, (&sessiontest.Device{T: t, Origin: "https://evil.test"}).Make(options)},
			"another site":       {s, kept, (&sessiontest.Device{T: t, Site: "evil.test"}).Make(options)},
			"whoever holds it":   {s, kept, (&sessiontest.Device{T: t, Unverified: true}).Make(options)},
			"nobody there":       {s, kept, (&sessiontest.Device{T: t, Absent: true}).Make(options)},
			"another ceremony":   {s, kept, (&sessiontest.Device{T: t, Type: "webauthn.get"}).Make(options)},
			"another challenge":  {s, kept, (&sessiontest.Device{T: t, Challenge: strings.Repeat("A", 43)}).Make(options)},
			"a passkey is shown": {s, kept, d.Show(options)},
		} {
			if _, err := l.add(by.in, by.kept, by.answer); !errors.Is(err, session.ErrNotAdded) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := l.count(`SELECT count(*) FROM passkey_spent`); n != 0 {
			t.Errorf("%d challenges are spent", n)
		}
		p, err := l.add(s, kept, answer)
		if err != nil {
			t.Error(err)
		}
		if _, err := l.add(s, kept, answer); !errors.Is(err, session.ErrNotAdded) {
			t.Errorf("twice: %v", err)
		}
		l.remove(s, p.ID)
		if _, err := l.add(s, kept, answer); !errors.Is(err, session.ErrNotAdded) {
			t.Errorf("after it was removed: %v", err)
		}
		d = &sessiontest.Device{T: t}
		l.owns(s, d)
		byPasskey, _, err := l.shows(d)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = l.offer(byPasskey)
		l.refused(err, session.ErrNeedsCode)
		_, err = l.add(byPasskey, kept, answer)
		l.refused(err, session.ErrNeedsCode)
		if options, kept, err = l.offer(s); err != nil {
			t.Fatal(err)
		}
		l.Do(func(ctx context.Context, tx *db.Tx) error { return session.SignOut(ctx, tx, s) })
		_, err = l.add(s, kept, (&sessiontest.Device{T: t}).Make(options))
		l.refused(err, session.ErrSignedOut)
		if options, kept, err = l.offer(other); err != nil {
			t.Fatal(err)
		}
		l.Pass(passkey.ChallengeLife)
		_, err = l.add(other, kept, (&sessiontest.Device{T: t}).Make(options))
		l.refused(err, session.ErrNotAdded)
	})
}

func TestPasskey_AContactHasTenAtMost(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.reached(number, mailbox)
		s, _ := l.in("a")
		for range session.MaxPasskeys {
			l.owns(s, &sessiontest.Device{T: t})
		}
		_, _, err := l.offer(s)
		l.refused(err, session.ErrPasskeys)
		third := l.list(s)[2]
		l.remove(s, third.ID)
		if p := l.owns(s, &sessiontest.Device{T: t}); p.Number != third.Number {
			t.Errorf("number %d, want %d", p.Number, third.Number)
		}
		byEmail, _ := l.inBy("b", mailbox)
		if p := l.owns(byEmail, &sessiontest.Device{T: t}); p.Number != 1 || !byEmail.Owns(p) || s.Owns(p) {
			t.Errorf("the first of the mailbox has the number %d", p.Number)
		}
		_, _, err = l.offer(s)
		l.refused(err, session.ErrPasskeys)
	})
}

// Edge case 24: who signs in by a phone that isn't its own leaves a passkey behind.
// The phone's owner, who is told by e-mail, comes in by it, sees that passkey and
// removes it.
func TestEdgeCase24_APasskeyOfATakenPhoneIsRemovedByEmail(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		const another = "13911111111"
		l.reached(number, mailbox)
		l.reached(another, "")
		l.enrolled(another, mailbox) // nobody has verified that
		stranger, _ := l.inBy("a", another)
		strange := l.owns(stranger, &sessiontest.Device{T: t})

		taken := &sessiontest.Device{T: t}
		thief, _ := l.in("b")
		left := l.owns(thief, taken)
		_, opened, err := l.shows(taken)
		if err != nil {
			t.Fatal(err)
		}
		l.Pass(time.Minute)
		byEmail, _ := l.inBy("c", mailbox)
		own := &sessiontest.Device{T: t}
		hers := l.owns(byEmail, own)
		if all := l.list(byEmail); len(all) != 2 || all[0].ID != left.ID || all[0].Channel != consent.SMS || all[1].ID != hers.ID || all[1].Channel != consent.Email {
			t.Errorf("by e-mail: %+v", all)
		}
		// A passkey sees what is of its own contact, and removes nothing else.
		byPasskey, _, err := l.shows(own)
		if err != nil {
			t.Fatal(err)
		}
		if all := l.list(byPasskey); len(all) != 1 || all[0].ID != hers.ID {
			t.Errorf("by a passkey: %+v", all)
		}
		l.remove(byPasskey, left.ID)
		if _, err := l.find(opened); err != nil {
			t.Errorf("a passkey removes one of another contact: %v", err)
		}

		l.remove(byEmail, left.ID)
		l.remove(byEmail, strange.ID)
		_, err = l.find(opened)
		l.refused(err, session.ErrSignedOut)
		_, _, err = l.shows(taken)
		l.refused(err, session.ErrPasskey)
		if all := l.list(stranger); len(all) != 1 || all[0].ID != strange.ID {
			t.Errorf("another guardian's: %+v", all)
		}
	})
}

// What many do at the same moment is what they do one after the other.
func TestPasskey_AtTheSameMoment(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.Child()
		s, _ := l.in("a")
		type made struct {
			kept   string
			answer []byte
		}
		var all []made
		d := &sessiontest.Device{T: t, Moved: true}
		for range session.MaxPasskeys + 5 {
			options, kept, err := l.offer(s)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, made{kept, d.Make(options)})
		}
		once := func(n int, do func(i int) error) (done int64) {
			var wait sync.WaitGroup
			var count atomic.Int64
			for i := range n {
				wait.Go(func() {
					if do(i) == nil {
						count.Add(1)
					}
				})
			}
			wait.Wait()
			return count.Load()
		}
		added := once(len(all), func(i int) error {
			_, err := l.add(s, all[i].kept, all[i].answer)
			return err
		})
		if n := l.count(`SELECT count(*) FROM passkey`); n != added || n < 1 || n > session.MaxPasskeys {
			t.Errorf("%d were added, %d are there", added, n)
		}
		l.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `DELETE FROM passkey`)
			return err
		})
		l.owns(s, d)
		options, kept := l.asks()
		answer := d.Show(options)
		if n := once(8, func(int) error { _, _, err := l.enterBy(kept, "", answer); return err }); n != 1 {
			t.Errorf("what was shown once let %d in", n)
		}
	})
}

// A phone number passes to other people: a passkey speaks for no child that was
// tied to it later, and lists no passkey of theirs.
func TestEdgeCase8_APasskeySpeaksForNobodyWhoCameLater(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		child := l.Child()
		s, _ := l.in("a")
		d := &sessiontest.Device{T: t}
		l.owns(s, d)
		l.Pass(time.Hour)
		l.Child()
		s, byCode := l.in("b")
		if len(s.Ties) != 2 {
			t.Fatalf("%d ties by a code", len(s.Ties))
		}
		later := l.owns(s, &sessiontest.Device{T: t})
		s, secret, err := l.shows(d)
		if err != nil || len(s.Ties) != 1 || s.Ties[0].Child != child.ID {
			t.Fatalf("%d ties by the passkey, %v", len(s.Ties), err)
		}
		if all := l.list(s); len(all) != 1 || all[0].ID == later.ID {
			t.Errorf("%+v", all)
		}
		l.remove(s, later.ID)
		if s, err = l.find(byCode); err != nil || len(l.list(s)) != 2 {
			t.Errorf("it removes those of who came later: %v", err)
		}
		l.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, vaulttest.Service, child.ID)
			if err != nil {
				return err
			}
			all, err := l.guardians(ctx, tx, child.ID)
			if err != nil {
				return err
			}
			_, err = l.Desk.EndGuardian(ctx, tx, l.App, c, all[0].ID)
			return err
		})
		_, err = l.find(secret)
		l.refused(err, session.ErrSignedOut)
		_, _, err = l.shows(d)
		l.refused(err, session.ErrPasskey)
		if s, err = l.find(byCode); err != nil || len(s.Ties) != 1 {
			t.Errorf("by the code: %d ties, %v", len(s.Ties), err)
		}
	})
}

// Who has an old passkey and can write to the database sees nothing of the number's
// next owner: a tie that is made older by hand is nobody's.
func TestEdgeCase8_ATieThatWasMadeOlderByHandIsNobodys(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		child := l.Child()
		s, _ := l.in("a")
		d := &sessiontest.Device{T: t}
		l.owns(s, d)
		l.Pass(time.Hour)
		later := l.Child()
		l.Do(func(ctx context.Context, tx *db.Tx) error {
			n, err := tx.Exec(ctx, `UPDATE guardian SET created_at = created_at - $1 WHERE child = $2`, 2*time.Hour.Microseconds(), later.ID)
			if n != 1 {
				t.Errorf("%d ties were made older", n)
			}
			return err
		})
		if s, _, err := l.shows(d); err != nil || len(s.Ties) != 1 || s.Ties[0].Child != child.ID {
			t.Errorf("%d ties by the passkey, %v", len(s.Ties), err)
		}
		if s, _ := l.in("b"); len(s.Ties) != 1 || s.Ties[0].Child != child.ID {
			t.Errorf("%d ties by a code", len(s.Ties))
		}
	})
}

func TestPasskey_RemovingItSignsOutWhoCameByIt(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.Child()
		s, byCode := l.in("a")
		lost, kept := &sessiontest.Device{T: t}, &sessiontest.Device{T: t}
		p := l.owns(s, lost)
		l.owns(s, kept)
		_, byLost, err := l.shows(lost)
		if err != nil {
			t.Fatal(err)
		}
		_, byKept, err := l.shows(kept)
		if err != nil {
			t.Fatal(err)
		}
		l.remove(s, p.ID)
		l.remove(s, p.ID) // nothing is left to do
		_, err = l.find(byLost)
		l.refused(err, session.ErrSignedOut)
		_, _, err = l.shows(lost)
		l.refused(err, session.ErrPasskey)
		for _, secret := range []string{byCode, byKept} {
			if _, err := l.find(secret); err != nil {
				t.Error(err)
			}
		}
		if n := l.count(`SELECT count(*) FROM session`); n != 2 {
			t.Errorf("%d sessions are left", n)
		}
		// Also one that went without a word ends what it opened.
		l.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `DELETE FROM passkey`)
			return err
		})
		_, err = l.find(byKept)
		l.refused(err, session.ErrSignedOut)
	})
}

// Signing out everywhere ends what passkeys have opened, and no passkey.
func TestPasskey_StaysWhenSignedOutEverywhere(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.Child()
		s, _ := l.in("a")
		d := &sessiontest.Device{T: t}
		l.owns(s, d)
		_, secret, err := l.shows(d)
		if err != nil {
			t.Fatal(err)
		}
		l.Do(func(ctx context.Context, tx *db.Tx) error { return session.SignOutEverywhere(ctx, tx, s) })
		_, err = l.find(secret)
		l.refused(err, session.ErrSignedOut)
		if _, _, err := l.shows(d); err != nil {
			t.Error(err)
		}
	})
}

// Who can write to the database, and knows no key, can make no passkey open
// anything for somebody else, nor see more.
func TestPasskey_RowsChangedByHandAreNobodys(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.Child()
		s, _ := l.in("a")
		other := l.handle("13911111111")
		theirs := &sessiontest.Device{T: t}
		l.owns(s, theirs) // the first; what is changed is the second
		for name, c := range map[string]struct {
			query string
			args  []any
		}{
			"another's public key": {`UPDATE passkey SET public_key = (SELECT public_key FROM passkey WHERE number = 1) WHERE number = 2`, nil},
			"another contact":      {`UPDATE passkey SET contact = $1 WHERE number = 2`, []any{other.Hash}},
			"another channel":      {`UPDATE passkey SET channel = 'email' WHERE number = 2`, nil},
			"added later":          {`UPDATE passkey SET added_at = added_at + 1 WHERE number = 2`, nil},
			"another number":       {`UPDATE passkey SET number = 3 WHERE number = 2`, nil},
			"it may be copied":     {`UPDATE passkey SET eligible = (eligible = false) WHERE number = 2`, nil},
			"no bond":              {`UPDATE passkey SET bound = $1 WHERE number = 2`, []any{other.Hash}},
			"another name":         {`UPDATE passkey SET id = 'pk_00000000000000000000000000' WHERE number = 2`, nil},
			"another credential":   {`UPDATE passkey SET credential = $1 WHERE number = 2`, []any{other.Hash}},
		} {
			d := &sessiontest.Device{T: t}
			l.owns(s, d)
			_, secret, err := l.shows(d)
			if err != nil {
				t.Fatal(err)
			}
			l.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, c.query, c.args...)
				return err
			})
			if _, _, err := l.shows(d); !errors.Is(err, session.ErrPasskey) {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := l.find(secret); !errors.Is(err, session.ErrSignedOut) {
				t.Errorf("%s: what it opened: %v", name, err)
			}
			if all := l.list(s); len(all) != 1 {
				t.Errorf("%s: %d are listed", name, len(all))
			}
			l.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `DELETE FROM passkey WHERE number <> 1`)
				return err
			})
		}
		_, secret, err := l.shows(theirs)
		if err != nil {
			t.Fatal(err)
		}
		l.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE session SET passkey = '' WHERE passkey <> ''`)
			return err
		})
		_, err = l.find(secret)
		l.refused(err, session.ErrSignedOut) // it would see children that came later
	})
}

// Article 20: with a guardian's last child its passkeys go, and open nothing until
// then.
func TestArticle20_APasskeyGoesWithTheLastChild(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		child := l.Child()
		s, _ := l.in("a")
		d := &sessiontest.Device{T: t}
		l.owns(s, d)
		sweep := func() (looked, removed int) {
			l.Pass(25 * time.Hour)
			l.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				looked, removed, err = session.SweepPasskeys(ctx, tx, 10)
				return err
			})
			return looked, removed
		}
		if looked, removed := sweep(); looked != 1 || removed != 0 {
			t.Errorf("looked at %d, removed %d", looked, removed)
		}
		if _, _, err := l.shows(d); err != nil {
			t.Error(err)
		}
		l.Child() // of whoever has the number then
		l.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := l.Vault.Erase(ctx, tx, l.App.Ledger(), vaulttest.Service, child.ID, family.Requested)
			return err
		})
		_, _, err := l.shows(d)
		l.refused(err, session.ErrPasskey)
		if looked, removed := sweep(); looked != 1 || removed != 1 {
			t.Errorf("looked at %d, removed %d", looked, removed)
		}
		if n := l.count(`SELECT count(*) FROM passkey`); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}

// What is spent is forgotten when it is of no use any more.
func TestPasskey_SpentChallengesAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.Child()
		s, _ := l.in("a")
		d := &sessiontest.Device{T: t}
		l.owns(s, d)
		for _, after := range []struct {
			pass time.Duration
			left int64
		}{{passkey.ChallengeLife, 1}, {passkey.ChallengeLife, 0}} {
			l.Pass(after.pass)
			l.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := session.Sweep(ctx, tx, 10)
				return err
			})
			if n := l.count(`SELECT count(*) FROM passkey_spent`); n != after.left {
				t.Errorf("%d challenges, want %d", n, after.left)
			}
		}
	})
}

// Invariant 6 for passkeys: what the ledger says of them leads to nobody and ties
// no children together.
func TestInvariant6_PasskeysNameNobody(t *testing.T) {
	each(t, func(t *testing.T, l *lobby) {
		l.Child()
		l.Child()
		s, _ := l.in("a")
		d := &sessiontest.Device{T: t}
		p := l.owns(s, d)
		if _, _, err := l.shows(d); err != nil {
			t.Fatal(err)
		}
		l.remove(s, p.ID)
		h := l.handle(number)
		var kinds []string
		l.Do(func(ctx context.Context, tx *db.Tx) error {
			kinds = nil
			return ledger.Pending(ctx, tx, func(e ledger.Placed) error {
				if text := string(e.Leaf); strings.Contains(text, p.ID) {
					kinds = append(kinds, e.Kind)
					for _, told := range []string{"gu_", "su_", "ch_", hex.EncodeToString(h.Hash), "1380"} {
						if e.Subject != "" || e.Service != "" || strings.Contains(text, told) {
							t.Errorf("%s", text)
						}
					}
				}
				return nil
			})
		})
		slices.Sort(kinds)
		if !slices.Equal(kinds, []string{session.KindAdded, session.KindRemoved, session.KindOpened}) {
			t.Errorf("%v", kinds)
		}
	})
}

// Passkeys are good at a name that nobody else can speak for, and nowhere else.
func TestPasskey_IsGoodAtANameOnly(t *testing.T) {
	for url, good := range map[string]bool{
		"https://home.example": true, "https://Home.Example:443/": true, "https://home.example:8443": true, "http://localhost:8080": true,
		"http://home.localhost": true, "http://home.example": false, "https://127.0.0.1:8080": false, "https://[::1]": false, "http://127.0.0.1:8080": false,
		"": false, "https://": false, "ftp://home.example": false, "https://守护.example": false, "://": false,
	} {
		if got := passkey.NewSite(url) != nil; got != good {
			t.Errorf("%s: %t, want %t", url, got, good)
		}
	}
	l := session.Door{Ring: vaulttest.Ring(t), Site: passkey.NewSite("https://Home.Example:443/")}
	if options, _, err := l.Ask(time.Now()); err != nil || !bytes.Contains(options, []byte(`"rpId":"home.example"`)) {
		t.Errorf("%s, %v", options, err)
	}
}

// Whatever a browser sends, it is refused with the one code.
func FuzzPasskeyAnswers(f *testing.F) {
	l := newLobby(vaulttest.New(f, dbtest.New(f)))
	l.Child()
	s, _ := l.in("a")
	d := &sessiontest.Device{T: f}
	options, kept, err := l.offer(s)
	if err != nil {
		f.Fatal(err)
	}
	made := d.Make(options)
	if _, err := l.add(s, kept, made); err != nil {
		f.Fatal(err)
	}
	f.Add(made)
	options, _ = l.asks()
	d.Forged = true
	f.Add(d.Show(options))
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA","userHandle":"AA"}}`))
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YUA"}}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		_, kept, err := l.ask() // a new one each time: it lives five minutes
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := l.enterBy(kept, "", answer); !errors.Is(err, session.ErrPasskey) {
			t.Errorf("%v", err)
		}
		if _, kept, err = l.offer(s); err != nil {
			t.Fatal(err)
		}
		if _, err := l.add(s, kept, answer); !errors.Is(err, session.ErrNotAdded) {
			t.Errorf("%v", err)
		}
	})
}
