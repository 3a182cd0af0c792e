package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/webhook"
)

// recording is what nobody but the processor may hear.
const recording = "aGVsbG8sIHRlYWNoZXI="

// A taker is a post with a processor that can't ask: it has a webhook and a key of age.
type taker struct {
	*post
	secret   string // of its webhook
	key      party.Key
	identity *age.X25519Identity
	child    family.Child
}

// takes runs fn with a processor that takes what is pushed to it, and a child of whom two things
// are held.
func takes(t *testing.T, fn func(t *testing.T, p *taker)) {
	each(t, func(t *testing.T, p *post) {
		p.remove(p.endpoint) // the operator's own hears of everything
		p.Engage(p.Store.Now().Add(100 * 24 * time.Hour))
		k := &taker{post: p, child: p.Child()}
		k.key, k.identity = p.BindSeal(vaulttest.ProcessorID())
		p.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			to, err := webhook.ParseAddress(p.receiver.server.URL+"/bundles", loopback)
			if err != nil {
				return err
			}
			p.endpoint, k.secret, _, err = webhook.Add(ctx, tx, p.Ring, terminal, vaulttest.Service, to, nil, vaulttest.Processor)
			return err
		})
		p.Put(k.child, "speaking-practice", "gender", "女")
		p.Put(k.child, "speaking-practice", "voice", recording)
		fn(t, k)
	})
}

func (k *taker) push() vault.Pushed {
	k.t.Helper()
	out, err := k.Push(k.child.ID, "gender", "voice")
	if err != nil {
		k.t.Fatal(err)
	}
	return out
}

// came returns the ids of the bundles that have arrived.
func (k *taker) came() (all []string) {
	for _, g := range k.receiver.all() {
		if g.event.Type == wardkeep.TypeBundle {
			all = append(all, g.event.ID)
		}
	}
	return all
}

// last returns the last entries about bundles, the oldest first, each as its kind and why.
func (k *taker) last(n int) (all []string) {
	k.t.Helper()
	k.flush()
	k.view(func(ctx context.Context, tx *db.Tx) error {
		entries, err := ledger.Since(ctx, tx, 0, 1<<20)
		for _, e := range entries {
			if !strings.HasPrefix(e.Kind, "bundle.") {
				continue
			}
			var b struct {
				Why     string
				Reasons []gate.Denial
			}
			if err := json.Unmarshal(e.Body, &b); err != nil {
				return err
			}
			text := strings.TrimPrefix(e.Kind, "bundle.") + " " + b.Why
			for _, r := range b.Reasons {
				text += r.Code + " "
			}
			all = append(all, strings.TrimSpace(text))
		}
		return err
	})
	return all[max(0, len(all)-n):]
}

// waiting returns the one bundle that waits.
func (k *taker) waiting(ctx context.Context, tx *db.Tx) vault.Bundle {
	k.t.Helper()
	due, err := vault.DueBundles(ctx, tx, vaulttest.Service, vaulttest.Processor, 9)
	if err != nil || len(due) != 1 {
		k.t.Fatalf("%+v, %v", due, err)
	}
	return due[0]
}

// Article 16: what is pushed reaches the party that it is for, readable by that party alone, and
// under the party's own name of the child.
func TestArticle16_WhatIsPushedIsReadByItsPartyAlone(t *testing.T) {
	takes(t, func(t *testing.T, k *taker) {
		pushed := k.push()
		waits := k.Waiting()
		if len(waits) != 1 || waits[0].ID != pushed.Bundle || !waits[0].UntilAt.Equal(pushed.Until) {
			t.Fatalf("%+v", waits)
		}
		k.pass()
		all := k.receiver.all()
		if len(all) != 1 || all[0].event.ID != pushed.Bundle || all[0].event.Type != wardkeep.TypeBundle || all[0].header.Get("webhook-id") != pushed.Bundle || !signed(t, k.secret, all[0]) {
			t.Fatalf("%+v", all)
		}
		body := all[0].body
		for _, secret := range []string{string(k.child.ID), "女", recording} {
			if bytes.Contains(body, []byte(secret)) {
				t.Errorf("it says %s", secret)
			}
		}
		got, err := wardkeep.OpenBundle(body, k.identity)
		if err != nil {
			t.Fatal(err)
		}
		want := wardkeep.Bundle{ID: pushed.Bundle, Service: vaulttest.Service, Role: "processor", Party: vaulttest.Processor,
			Handle: party.HandleOf(k.Ring, vaulttest.ProcessorID(), k.child.ID), Purpose: "speaking-practice",
			Values: map[string]string{"gender": "女", "voice": recording}, SealedAt: got.SealedAt, UseUntil: got.UseUntil}
		if diff := cmp.Diff(want, got); diff != "" || pushed.Handle != got.Handle || !got.UseUntil.After(k.Store.Now().Add(80*24*time.Hour)) {
			t.Errorf("%s %+v", diff, got)
		}
		if left := k.Waiting(); len(left) > 0 {
			t.Errorf("it waits still: %+v", left)
		}
		if diff := cmp.Diff([]string{"released", "delivered"}, k.last(9)); diff != "" {
			t.Error(diff)
		}
		k.pass()
		if again := k.came(); len(again) > 0 {
			t.Errorf("it came again: %s", again)
		}

		// An end that was set before that of the agreement counts.
		ends := k.Store.Now().Add(48 * time.Hour).Truncate(time.Microsecond)
		k.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.End(ctx, tx, k.Officer, vaulttest.ProcessorID(), ends)
			return err
		})
		if pushed = k.push(); !pushed.Until.Equal(ends) {
			t.Errorf("it waits until %v, the party ends at %v", pushed.Until, ends)
		}
		k.pass()
		if last := k.receiver.all(); len(last) != 1 {
			t.Errorf("%+v", last)
		} else if sooner, err := wardkeep.OpenBundle(last[0].body, k.identity); err != nil || !sooner.UseUntil.Equal(ends) {
			t.Errorf("it may be used until %v, the party ends at %v: %v", sooner.UseUntil, ends, err)
		}

		// Another key opens nothing, and a bundle is none under another's name.
		other, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		e := all[0].event
		e.ID = "bn_" + strings.Repeat("0", 26)
		renamed, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		cut := bytes.Replace(body, []byte(`"age":"`), []byte(`"age":"AAAA`), 1)
		for name, b := range map[string]struct {
			body []byte
			keys []age.Identity
		}{"another key": {body, []age.Identity{other}}, "no key": {body, nil}, "another name": {renamed, []age.Identity{k.identity}}, "changed": {cut, []age.Identity{k.identity}},
			"nothing": {nil, []age.Identity{k.identity}}} {
			if _, err := wardkeep.OpenBundle(b.body, b.keys...); err != wardkeep.ErrBundle {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// What a receiver doesn't take is sent again under the same name, each time after it was decided
// once more; and so is what may have gone when we crashed.
func TestArticle16_WhatIsPushedComesAtLeastOnce(t *testing.T) {
	takes(t, func(t *testing.T, k *taker) {
		k.receiver.answers(func(http.ResponseWriter, *http.Request, got) int { return http.StatusServiceUnavailable })
		id := k.push().Bundle
		k.pass()
		one := k.Waiting()[0]
		if one.Tries != 1 || one.Failure != "webhook.answer" || one.Status != 503 || !slices.Equal(k.came(), []string{id}) {
			t.Fatalf("%+v", one)
		}
		k.pass()
		if early := k.came(); len(early) > 0 {
			t.Errorf("it came before its time: %s", early)
		}
		// The process ends between the decision and the sending.
		k.Pass(one.DueAt.Sub(k.Store.Now()) + time.Millisecond)
		k.Do(func(ctx context.Context, tx *db.Tx) error {
			_, may, err := k.Vault.Send(ctx, tx, one, func(int64) time.Duration { return time.Minute })
			if err == nil && !may {
				t.Error("it may not go")
			}
			return err
		})
		// Whoever else had it in hand finds it planned, and sends nothing.
		k.Do(func(ctx context.Context, tx *db.Tx) error {
			_, may, err := k.Vault.Send(ctx, tx, one, func(int64) time.Duration { return time.Minute })
			if may {
				t.Error("two send it at once")
			}
			return err
		})
		k.receiver.answers(nil)
		k.Pass(time.Minute + time.Millisecond)
		k.pass()
		if got := k.came(); !slices.Equal(got, []string{id}) {
			t.Errorf("%s", got)
		}
		if diff := cmp.Diff([]string{"released", "released", "released", "delivered"}, k.last(9)); diff != "" {
			t.Error(diff)
		}
	})
}

// Articles 9, 12, 16 and 20: a bundle goes by what holds when it goes. What has ended since it was
// pushed throws it away, with the reason in the ledger.
func TestArticle16_ABundleIsDecidedOnceMoreBeforeItGoes(t *testing.T) {
	of := vaulttest.ProcessorID()
	takes(t, func(t *testing.T, k *taker) {
		lock := func(fn func(ctx context.Context, tx *db.Tx, c family.Child) error) {
			k.Do(func(ctx context.Context, tx *db.Tx) error {
				c, err := family.Lock(ctx, tx, vaulttest.Service, k.child.ID)
				if err != nil {
					return err
				}
				return fn(ctx, tx, c)
			})
		}
		office := func(fn func(ctx context.Context, tx *db.Tx) error) { k.Do(fn) }
		row := func(set string, args ...any) {
			k.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE party_bundle SET `+set, args...)
				return err
			})
		}
		suspend := func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Suspend(ctx, tx, k.Officer, of, party.Incident)
			return err
		}
		resume := func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Resume(ctx, tx, k.Officer, of)
			return err
		}
		for _, c := range []struct {
			name, want string
			happens    func()
			undo       func()
		}{
			{"the child is frozen", "withheld gate.frozen",
				func() {
					lock(func(ctx context.Context, tx *db.Tx, c family.Child) error {
						_, err := family.Freeze(ctx, tx, k.App, c, family.DeletionRequested)
						return err
					})
				}, func() {
					lock(func(ctx context.Context, tx *db.Tx, c family.Child) error {
						_, err := family.Unfreeze(ctx, tx, k.Officer, c)
						return err
					})
				}},
			{"the party is suspended", "withheld gate.party_suspended", func() { office(suspend) }, func() { office(resume) }},
			{"a value is collected anew", "dropped stale", func() { k.Put(k.child, "speaking-practice", "gender", "男") }, nil},
			{"a value is erased", "dropped erased", func() {
				lock(func(ctx context.Context, tx *db.Tx, c family.Child) error {
					_, err := k.Vault.EraseItems(ctx, tx, k.App.Ledger(), c, []string{"gender"}, "requested")
					return err
				})
			}, func() { k.Put(k.child, "speaking-practice", "gender", "女") }},
			{"a value of a row that was changed is erased", "dropped damaged", func() {
				row(`role = '王小明'`)
				lock(func(ctx context.Context, tx *db.Tx, c family.Child) error {
					_, err := k.Vault.EraseItems(ctx, tx, k.App.Ledger(), c, []string{"gender"}, "requested")
					return err
				})
			}, func() { k.Put(k.child, "speaking-practice", "gender", "女") }},
			{"its time is over", "dropped late", func() { k.Pass(vault.BundleLife) }, nil},
			{"the key is revoked", "withheld gate.key_revoked", func() {
				office(func(ctx context.Context, tx *db.Tx) error {
					_, _, err := party.Revoke(ctx, tx, k.Officer, of, k.key.ID)
					return err
				})
			}, func() { k.key, k.identity = k.BindSeal(of) }},
			{"the row is another party's", "dropped damaged", func() { row(`role = 'recipient'`) }, nil},
			{"the row is sealed to another key", "dropped damaged", func() { row(`key = $1`, "kx_"+strings.Repeat("0", 26)) }, nil},
			{"the row waits longer", "dropped damaged", func() { row(`until_at = until_at + 1`) }, nil},
			{"the row is for another purpose", "dropped damaged", func() { row(`purpose = 'account'`) }, nil},
			{"consent is withdrawn", "dropped erased", func() {
				mother := k.Guardian(k.child)
				k.Do(func(ctx context.Context, tx *db.Tx) error {
					c, err := family.Find(ctx, tx, vaulttest.Service, k.child.ID)
					if err != nil {
						return err
					}
					if _, err = k.Desk.Withdraw(ctx, tx, mother, c, "speaking-practice"); err != nil {
						return err
					}
					_, err = k.Vault.EraseUnfounded(ctx, tx, k.App.Ledger(), vaulttest.Service, c.ID)
					return err
				})
			}, nil},
		} {
			k.receiver.answers(func(http.ResponseWriter, *http.Request, got) int { return http.StatusServiceUnavailable })
			id := k.push().Bundle
			k.pass()
			if got := k.came(); !slices.Equal(got, []string{id}) {
				t.Fatalf("%s: before it, %s", c.name, got)
			}
			k.receiver.answers(nil)
			c.happens()
			k.Pass(time.Hour)
			k.pass()
			if got := k.came(); len(got) > 0 {
				t.Errorf("%s: it came", c.name)
			}
			if left := k.Waiting(); len(left) > 0 {
				t.Errorf("%s: it waits still", c.name)
			}
			if got := k.last(1); len(got) != 1 || got[0] != c.want {
				t.Errorf("%s: %s, want %s", c.name, got, c.want)
			}
			if c.undo != nil {
				c.undo()
			}
		}
	})
}

// What is pushed to who has stopped asking for it waits, and goes when that one listens again, by
// what holds then.
func TestArticle16_WhatIsPushedWaitsForWhoDoesNotListen(t *testing.T) {
	takes(t, func(t *testing.T, k *taker) {
		listens := func(yes bool) {
			k.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				if yes {
					_, err = webhook.Resume(ctx, tx, terminal, vaulttest.Service, k.endpoint.ID)
				} else {
					_, err = webhook.Pause(ctx, tx, terminal, vaulttest.Service, k.endpoint.ID)
				}
				return err
			})
		}
		id := k.push().Bundle
		// A sweep that comes to recall it, and finds that it may go by now, has nothing leave: nothing says that it did.
		k.Do(func(ctx context.Context, tx *db.Tx) error {
			may, err := k.Vault.Recall(ctx, tx, k.waiting(ctx, tx))
			if err == nil && !may {
				t.Error("it may go, and is thrown away")
			}
			return err
		})
		if one := k.Waiting(); len(one) != 1 || one[0].Tries != 0 || len(k.last(9)) > 0 {
			t.Errorf("recalled, and it may go: %+v, %s", one, k.last(9))
		}
		listens(false)
		k.pass()
		if got := k.came(); len(got) > 0 || len(k.Waiting()) != 1 || len(k.last(9)) > 0 {
			t.Errorf("while nobody listens: %s, %s", got, k.last(9))
		}
		listens(true)
		k.pass()
		if got := k.came(); !slices.Equal(got, []string{id}) || len(k.Waiting()) > 0 {
			t.Errorf("once somebody does: %s", got)
		}
		id = k.push().Bundle
		listens(false)
		k.Pass(vault.BundleLife)
		listens(true)
		k.pass()
		if got := k.came(); len(got) > 0 || !slices.Equal(k.last(1), []string{"dropped late"}) {
			t.Errorf("%s after its time: %s, %s", id, got, k.last(1))
		}

		// Who was about to send what is recalled meanwhile finds nothing: in the ledger nothing goes after that.
		k.push()
		held := k.Waiting()[0]
		k.Do(func(ctx context.Context, tx *db.Tx) error {
			if _, _, err := party.Suspend(ctx, tx, k.Officer, vaulttest.ProcessorID(), party.Incident); err != nil {
				return err
			}
			_, err := k.Vault.Recall(ctx, tx, held)
			return err
		})
		k.Do(func(ctx context.Context, tx *db.Tx) error {
			if _, _, err := party.Resume(ctx, tx, k.Officer, vaulttest.ProcessorID()); err != nil {
				return err
			}
			_, may, err := k.Vault.Send(ctx, tx, held, func(int64) time.Duration { return time.Minute })
			if may {
				t.Error("it goes though it was recalled")
			}
			return err
		})
		if got := k.last(1); !slices.Equal(got, []string{"withheld gate.party_suspended"}) {
			t.Errorf("recalled: %s", got)
		}
	})
}

// Article 16: a child whose key opens nothing holds up no other's: what waits of it is tried again,
// and thrown away when its time is over.
func TestArticle16_AChildsKeyHoldsUpNoOthers(t *testing.T) {
	takes(t, func(t *testing.T, k *taker) {
		other := k.Child()
		k.Put(other, "speaking-practice", "gender", "男")
		wrap := func(key []byte) {
			k.Do(func(ctx context.Context, tx *db.Tx) error {
				n, err := tx.Exec(ctx, `UPDATE child SET wrapped = $1 WHERE child = $2`, key, k.child.ID)
				if err == nil && n != 1 {
					t.Errorf("%d keys were changed", n)
				}
				return err
			})
		}
		var whole []byte
		k.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			whole, err = db.One(ctx, tx, db.Single[[]byte], `SELECT wrapped FROM child WHERE child = $1`, k.child.ID)
			return err
		})
		broken := k.push().Bundle
		wrap([]byte("by hand"))
		sound, err := k.Push(other.ID, "gender")
		if err != nil {
			t.Fatal(err)
		}
		k.pass()
		if got := k.came(); !slices.Equal(got, []string{sound.Bundle}) {
			t.Errorf("came %s, want %s", got, sound.Bundle)
		}
		if left := k.Waiting(); len(left) != 1 || left[0].ID != broken || left[0].Tries != 1 || left[0].Failure != keyring.ErrOpen.Code {
			t.Errorf("%+v", left)
		}
		wrap(whole)
		k.Pass(time.Minute)
		k.pass()
		if got := k.came(); !slices.Equal(got, []string{broken}) {
			t.Errorf("once it opens: %s", got)
		}
		k.push()
		wrap([]byte("by hand"))
		k.Pass(vault.BundleLife)
		k.pass()
		wrap(whole)
		if got := k.last(1); len(k.Waiting()) > 0 || !slices.Equal(got, []string{"dropped late"}) {
			t.Errorf("after its time: %s", got)
		}
	})
}

// Articles 17 and 18, edge case 18: a recipient that can't ask gets what a guardian let it have;
// and who takes over a service has something of a child once it has taken it: what waits for it,
// and what it never took, is told to nobody as handed over.
func TestEdgeCase18_WhoTakesOverHasWhatItHasTaken(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		p.remove(p.endpoint)
		c := vaulttest.Takeover(p.Charter)
		p.Publish(c)
		of := party.ID{Service: vaulttest.Service, Role: party.Recipient, Name: vaulttest.Successor}
		k := &taker{post: p, child: p.Child()}
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			if _, _, err := party.Register(ctx, tx, p.Officer, of, vaulttest.Identity()); err != nil {
				return err
			}
			_, _, err := party.Assess(ctx, tx, p.Officer, of, p.Assessment(party.ScopeOf(c, party.Recipient, vaulttest.Successor)))
			return err
		})
		k.key, k.identity = p.BindSeal(of)
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			to, err := webhook.ParseAddress(p.receiver.server.URL+"/bundles", loopback)
			if err == nil {
				p.endpoint, k.secret, _, err = webhook.Add(ctx, tx, p.Ring, terminal, vaulttest.Service, to, nil, vaulttest.Successor)
			}
			return err
		})
		p.Put(k.child, "course-progress", "nickname", "Amy")
		other := p.Child()
		p.Put(other, "course-progress", "nickname", "Bo")
		agrees := func() {
			p.Do(func(ctx context.Context, tx *db.Tx) error {
				child, err := family.Find(ctx, tx, vaulttest.Service, k.child.ID)
				if err != nil {
					return err
				}
				r, _, _, err := p.Desk.Ask(ctx, tx, p.App, child, consent.Asking{Purposes: []string{vaulttest.Handover}, Channel: consent.Link, Locale: "en"})
				if err == nil {
					_, _, err = p.Desk.ForceAt(ctx, tx, p.App, r, consent.ForceGranted, family.NameAndNumber)
				}
				return err
			})
		}
		push := func() (id string) {
			p.Do(func(ctx context.Context, tx *db.Tx) error {
				out, err := p.Vault.Push(ctx, tx, p.By(), of, k.child.ID, vaulttest.Handover, []string{"nickname"})
				id = out.Bundle
				return err
			})
			return id
		}
		handed := func() (at time.Time) {
			p.view(func(ctx context.Context, tx *db.Tx) error {
				child, err := family.Find(ctx, tx, vaulttest.Service, k.child.ID)
				at = child.HandedAt
				return err
			})
			return at
		}
		agrees()
		id := push()
		p.pass()
		if got := k.came(); !slices.Equal(got, []string{id}) || !handed().IsZero() {
			t.Errorf("before anything is taken over: %s, handed over at %v", got, handed())
		}
		p.Pass(time.Minute)
		p.CeaseTo(8 * 24 * time.Hour)
		agrees()
		id = push()
		if !handed().IsZero() {
			t.Error("it was handed over when it was pushed")
		}
		p.receiver.answers(func(http.ResponseWriter, *http.Request, got) int { return http.StatusServiceUnavailable })
		p.pass()
		if got := k.came(); !slices.Equal(got, []string{id}) || !handed().IsZero() {
			t.Errorf("not taken: %s, handed over at %v", got, handed())
		}
		p.receiver.answers(nil)
		p.Pass(time.Minute)
		p.pass()
		if got := k.came(); !slices.Equal(got, []string{id}) || handed().IsZero() {
			t.Errorf("taken: %s, handed over at %v", got, handed())
		}

		// What is recalled while it is on its way has gone there, though nothing waits any more.
		k.child = other
		agrees()
		id = push()
		waits := p.Waiting()
		p.receiver.answers(func(http.ResponseWriter, *http.Request, got) int {
			p.Do(func(ctx context.Context, tx *db.Tx) error {
				if _, _, err := party.Suspend(ctx, tx, p.Officer, of, party.Incident); err != nil {
					return err
				}
				_, err := p.Vault.Recall(ctx, tx, waits[0])
				return err
			})
			return http.StatusNoContent
		})
		p.pass()
		if got := k.came(); !slices.Equal(got, []string{id}) || handed().IsZero() || len(p.Waiting()) > 0 {
			t.Errorf("recalled on its way: %s, handed over at %v", got, handed())
		}
	})
}

// Article 16 (4): at the last second of an agreement nothing leaves any more, and what waited is
// thrown away though nobody asks for it.
func TestArticle16_NothingGoesFromTheLastSecondOn(t *testing.T) {
	takes(t, func(t *testing.T, k *taker) {
		end := k.key.Until
		k.Pass(end.Sub(k.Store.Now()) - 10*time.Second)
		k.Put(k.child, "speaking-practice", "gender", "女")
		k.Put(k.child, "speaking-practice", "voice", recording)
		id := k.push()
		if !id.Until.Equal(end) {
			t.Errorf("it waits until %v, the agreement ends at %v", id.Until, end)
		}
		k.receiver.answers(func(http.ResponseWriter, *http.Request, got) int { return http.StatusServiceUnavailable })
		k.pass()
		if got := k.came(); !slices.Equal(got, []string{id.Bundle}) {
			t.Errorf("before: %s", got)
		}
		k.receiver.answers(nil)
		k.Pass(end.Sub(k.Store.Now()))
		k.pass()
		if got := k.came(); len(got) > 0 {
			t.Errorf("at its last second: %s", got)
		}
		if got := k.last(1); !slices.Equal(got, []string{"dropped late"}) {
			t.Errorf("%s", got)
		}
		if _, err := k.Push(k.child.ID, "gender"); err == nil {
			t.Error("it was pushed after the end")
		}
	})
}

// Article 20: what waits of a child that is erased is gone with it.
func TestArticle20_WhatWaitsGoesWithTheChild(t *testing.T) {
	takes(t, func(t *testing.T, k *taker) {
		k.push()
		k.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := k.Vault.Erase(ctx, tx, k.App.Ledger(), vaulttest.Service, k.child.ID, family.Requested)
			return err
		})
		if left := k.Waiting(); len(left) > 0 {
			t.Errorf("%+v", left)
		}
		k.pass()
		if got := k.came(); len(got) > 0 {
			t.Errorf("%s", got)
		}
	})
}
