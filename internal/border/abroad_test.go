package border_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	agekey "filippo.io/age"

	"wardkeep/internal/account"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/border"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/party"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

var recipient = party.ID{Service: vaulttest.Service, Role: party.Recipient, Name: vaulttest.Successor}

// A journey is one way on which something of a child goes to somebody abroad.
type journey struct {
	name, article string
	goes          func(c family.Child) error
}

// stop has the clock of the world go on by a microsecond whenever it is asked, and otherwise by hand: so
// a last second is exact, however long what happens in it takes.
func (w *world) stop() *atomic.Int64 {
	at := new(atomic.Int64)
	at.Store(w.Store.Now().UnixMicro())
	w.Store.Now = func() time.Time { return time.UnixMicro(at.Add(1)).UTC() }
	return at
}

// mostly returns the charter with the processor in a country, and with a recipient there; with what
// guardians are told of it where that is abroad.
func mostly(c *charter.Charter, country string) *charter.Charter {
	c = vaulttest.Takeover(c)
	c.Processors, c.Recipients, c.Purposes = slices.Clone(c.Processors), slices.Clone(c.Recipients), slices.Clone(c.Purposes)
	c.Processors[0].Country, c.Recipients[len(c.Recipients)-1].Country = country, country
	for i, p := range c.Purposes {
		if country != charter.Home && (p.Name == "speaking-practice" || p.Name == vaulttest.Handover) {
			c.Purposes[i].SeparateConsent, c.Purposes[i].Necessary = true, false
			c.Purposes[i].CrossBorder = &charter.CrossBorder{Mechanism: charter.StandardContract, Reference: "12"}
		}
	}
	return c
}

// by runs something as the officer.
func (w *world) by(fn func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error)) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := fn(ctx, tx, w.Officer)
		return err
	})
}

// files puts the contract on file for a party or a place, until a moment.
func (w *world) files(of party.ID, until time.Time) {
	w.t.Helper()
	w.by(func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
		return party.File(ctx, tx, by, of, w.MechanismUntil(charter.StandardContract, until))
	})
}

// meets has every journey with a child end for a reason, or be made where it is empty.
func (w *world) meets(when string, all []journey, c family.Child, want string) {
	w.t.Helper()
	for _, j := range all {
		err := j.goes(c)
		var got []string
		if d, ok := errors.AsType[*gate.Denied](err); ok {
			for _, r := range d.Reasons {
				got = append(got, r.Article+":"+strings.TrimPrefix(r.Code, "gate."))
			}
		} else if err != nil {
			w.t.Errorf("%s, %s: %v", when, j.name, err)
			continue
		}
		if text, want := strings.Join(got, " "), strings.ReplaceAll(want, "*", j.article); text != want {
			w.t.Errorf("%s, %s: %q, want %q", when, j.name, text, want)
		}
	}
}

// use is one of a value.
func use(does charter.Activity, c family.Child, purpose, item, to string) gate.Use {
	return gate.Use{Service: vaulttest.Service, Child: c.ID, Activity: does, Purpose: purpose, Items: []string{item}, Party: to}
}

// pull has a party ask by a key.
func (w *world) pull(key, purpose, item string) func(c family.Child) error {
	return func(c family.Child) error {
		return w.Try(func(ctx context.Context, tx *db.Tx) error {
			client, err := party.ClientOf(ctx, tx, key)
			if err == nil {
				_, err = w.Vault.Pull(ctx, tx, client, c.ID, purpose, []string{item})
			}
			return err
		})
	}
}

// open has an app use, or entrust, a value.
func (w *world) open(app account.App, does charter.Activity, purpose, item, to string) func(c family.Child) error {
	return func(c family.Child) error {
		return w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Open(ctx, tx, gate.ByApp(app), use(does, c, purpose, item, to), nil)
			return err
		})
	}
}

func (w *world) push(c family.Child) error { _, err := w.Push(c.ID, "gender"); return err }

// sends tries to send all that waits, and returns how much of it went.
func (w *world) sends() (went int) {
	w.t.Helper()
	for _, b := range w.Waiting() {
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, sent, err := w.Vault.Send(ctx, tx, b, func(int64) time.Duration { return time.Hour })
			if sent {
				went++
			}
			return err
		})
	}
	return went
}

// refuses has a guardian who has shown who it is say no to a purpose, and yes to the rest.
func (w *world) refuses(c family.Child, purpose string) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		c, err := family.Find(ctx, tx, vaulttest.Service, c.ID)
		if err != nil {
			return err
		}
		r, _, _, err := w.Desk.Ask(ctx, tx, w.App, c, consent.Asking{Purposes: []string{purpose}, Channel: consent.Link, Locale: "zh-CN"})
		if err == nil {
			_, _, err = w.Desk.ForceAt(ctx, tx, w.App, r, consent.ForceRefused, family.NameAndNumber)
		}
		return err
	})
}

// Edge case 20 through the store: a processor and a recipient abroad get something by the charter,
// the guardian's own yes and the mechanism on file together, on every way on which they could; each
// child is counted once by that, and at the mechanism's last second, or at the threshold, all of the
// ways close.
func TestEdgeCase20_APartyAbroadStandsOnAllThree(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, v *vaulttest.World) {
		w := &world{v, t}
		at := w.stop()
		home := w.Charter
		agreed, other, refused := w.Child(), w.Child(), w.Child()
		for _, c := range []family.Child{agreed, other, refused} {
			w.Put(c, "course-progress", "nickname", "小溪")
			w.Put(c, "speaking-practice", "gender", "女")
		}
		c := mostly(home, "SG")
		w.Publish(c)
		for _, c := range []family.Child{agreed, other, refused} {
			w.AnswerProved(c)
		}
		w.refuses(refused, "speaking-practice")
		w.refuses(refused, vaulttest.Handover)
		is := vaulttest.StorageIdentity()
		for _, of := range []party.ID{vaulttest.ProcessorID(), recipient} {
			scope := party.ScopeOf(c, of.Role, of.Name)
			w.by(func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
				return party.Register(ctx, tx, by, of, is)
			})
			w.by(func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
				return party.Assess(ctx, tx, by, of, w.Assessment(scope))
			})
			if of.Role == party.Processor {
				w.by(func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
					return party.Agree(ctx, tx, by, of, w.Deed(scope, w.Store.Now().Add(-time.Hour), w.Store.Now().AddDate(0, 6, 0)))
				})
			}
		}
		w.BindSeal(vaulttest.ProcessorID())
		asks, _ := w.Bind(vaulttest.ProcessorID())
		theirs, _ := w.Bind(recipient)
		if asks.Country != "SG" || theirs.Country != "SG" {
			t.Errorf("keys are used in %q and %q, and the parties are in Singapore", asks.Country, theirs.Country)
		}
		ways := []journey{
			{"entrust", "16", w.open(w.App, charter.Entrust, "speaking-practice", "gender", vaulttest.Processor)},
			{"pull", "16", w.pull(asks.ID, "speaking-practice", "gender")},
			{"push", "16", w.push},
			{"transfer", "17", func(c family.Child) error {
				return w.Try(func(ctx context.Context, tx *db.Tx) error {
					_, err := w.Vault.Transfer(ctx, tx, w.By(), use(charter.Transfer, c, vaulttest.Handover, "nickname", vaulttest.Successor))
					return err
				})
			}},
			{"pull of a recipient", "17", w.pull(theirs.ID, vaulttest.Handover, "nickname")},
		}

		w.meets("without a mechanism", ways, agreed, "*:border_mechanism_missing")
		if w.year().Persons != 0 {
			t.Errorf("%+v, and nothing has left", w.year())
		}
		until := w.Store.Now().Add(48 * time.Hour).Truncate(time.Second)
		both := func(until time.Time) {
			w.files(vaulttest.ProcessorID(), until)
			w.files(recipient, until)
		}
		both(until)
		w.meets("without a yes of its own", ways, refused, "9:consent_refused")

		// Once, whoever is first, on however many nodes.
		var all sync.WaitGroup
		for _, j := range ways {
			for range 2 {
				all.Go(func() {
					if err := j.goes(agreed); err != nil {
						t.Errorf("%s: %v", j.name, err)
					}
				})
			}
		}
		all.Wait()
		if w.year().Persons != 1 || w.counted(agreed) != 1 || w.counted(refused) != 0 {
			t.Errorf("one child on all ways is %+v", w.year())
		}

		at.Store(until.Add(-time.Second).UnixMicro())
		w.meets("in its last second", ways, agreed, "")
		waiting := len(w.Waiting())
		at.Store(until.UnixMicro())
		w.meets("when that is over", ways, agreed, "*:border_mechanism_over")
		if went := w.sends(); went != 0 || waiting == 0 || len(w.Waiting()) != 0 {
			t.Errorf("%d of %d bundles went by a mechanism that is over, and %d wait", went, waiting, len(w.Waiting()))
		}
		both(until.AddDate(1, 0, 0))
		w.meets("renewed", ways, agreed, "")
		w.replays()

		// A charter that says that they are at home has guardians believe what isn't so.
		w.Publish(mostly(home, charter.Home))
		w.AnswerProved(agreed)
		w.meets("without the charter", ways, agreed, "*:border_undeclared")
		w.replays()

		w.Publish(c)
		w.AnswerProved(agreed)
		w.AnswerProved(other)
		w.fill(border.AssessFrom - 1) // which no entry tells of
		w.meets("at the threshold", ways, other, "*:border_threshold")
		w.meets("who is counted", ways, agreed, "")
	})
}

// Edge case 20 through the store: whoever reads from abroad (an app, a person inside, people of a
// party that is at home, by what they ask for and by what is pushed to them) does so by the charter,
// the guardian's own yes and the mechanism on file for that country together. Who is at home is
// asked for none of it.
func TestEdgeCase20_WhoReadsFromAbroadStandsOnAllThree(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, v *vaulttest.World) {
		w := &world{v, t}
		at := w.stop()
		agreed, other, refused := w.Child(), w.Child(), w.Child()
		read := func(from ...charter.Region) *charter.Charter { return vaulttest.ReadFrom(w.Charter, from...) }
		w.Publish(read("JP"))
		for _, c := range []family.Child{agreed, other, refused} {
			w.AnswerProved(c)
			w.Put(c, "speaking-practice", "gender", "女")
		}
		w.Engage(w.Store.Now().AddDate(2, 0, 0))
		var keys [2]party.Key // of people of the processor, which is at home: who asks, and who opens
		public, _, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		opens, err := agekey.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		terminal := catalog.Operator{ID: "test"}
		var app account.App
		var worker, manager, second, colleague staff.Person
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			if keys[0], _, err = party.BindIn(ctx, tx, w.Officer, vaulttest.ProcessorID(), public, "SG", time.Time{}); err != nil {
				return err
			}
			if keys[1], _, err = party.BindSealIn(ctx, tx, w.Officer, vaulttest.ProcessorID(), opens.Recipient().String(), "SG", time.Time{}); err != nil {
				return err
			}
			if app, _, _, err = account.IssueAppIn(ctx, tx, terminal, vaulttest.Service, "support", "SG", account.AllScopes(), time.Time{}); err != nil {
				return err
			}
			if worker, err = staff.Add(ctx, tx, terminal, "李雷", staff.Grant{Role: staff.Worker, Service: vaulttest.Service}); err != nil {
				return err
			}
			if manager, err = staff.Add(ctx, tx, terminal, "韩梅梅", staff.Grant{Role: staff.Manager, Service: vaulttest.Service}); err != nil {
				return err
			}
			if second, err = staff.Add(ctx, tx, terminal, "王芳", staff.Grant{Role: staff.Manager, Service: vaulttest.Service}); err != nil {
				return err
			}
			if colleague, err = staff.Add(ctx, tx, terminal, "陈静", staff.Grant{Role: staff.Worker, Service: vaulttest.Service}); err != nil {
				return err
			}
			if worker, err = staff.Locate(ctx, tx, terminal, worker.ID, "SG"); err != nil {
				return err
			}
			_, err = staff.SetRecipient(ctx, tx, w.Ring, worker, opens.Recipient().String())
			return err
		})
		desk := approval.Desk{Ring: w.Ring, Charters: w.Vault.Gate.Charters}
		asks := func(c family.Child, a approval.Asking, deciders ...staff.Person) (r approval.Request) {
			a.Purpose, a.Items, a.Text = "speaking-practice", []string{"gender"}, pii.New("家长来电")
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				c, err := family.Find(ctx, tx, vaulttest.Service, c.ID)
				if err != nil {
					return err
				}
				r, _, err = desk.Ask(ctx, tx, worker, c, a)
				for _, by := range deciders {
					if err == nil {
						r, _, err = desk.Decide(ctx, tx, by, vaulttest.Service, r.ID, approval.Decision{Verdict: approval.Granted, Reason: approval.Needed})
					}
				}
				if err == nil && a.Glass {
					r, _, err = desk.Join(ctx, tx, colleague, vaulttest.Service, r.ID)
				}
				return err
			})
			return r
		}
		reveals := func(r approval.Request) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := w.Vault.Reveal(ctx, tx, worker, gate.UseBy(r, "gender"), r.ID)
				return err
			})
		}
		looks := func(c family.Child) error {
			return reveals(asks(c, approval.Asking{Reason: approval.ForSupport}, manager))
		}
		files := journey{"a file of a person inside", "3", func(c family.Child) error {
			r := asks(c, approval.Asking{Reason: approval.ForAuthority, Export: true}, manager, second)
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := w.Vault.Export(ctx, tx, worker, gate.UseBy(r, "gender"), r.ID)
				return err
			})
		}}
		rescues := journey{"a person inside who saves a life", "3", func(c family.Child) error {
			return reveals(asks(c, approval.Asking{Reason: approval.ForSafety, Glass: true, Basis: approval.Basis{Ground: approval.OnLife, Receiver: approval.Rescue, Country: "CN"},
				Paper: approval.Paper{Authority: "消防救援"}}))
		}}
		readers := []journey{
			{"an app", "3", w.open(app, charter.Use, "speaking-practice", "gender", "")},
			{"an app that collects", "3", func(c family.Child) error {
				return w.Try(func(ctx context.Context, tx *db.Tx) error {
					_, err := w.Vault.Put(ctx, tx, gate.ByApp(app), vaulttest.Service, c.ID, "speaking-practice", map[string]pii.Text{"gender": pii.New("女")})
					return err
				})
			}},
			{"an app that entrusts", "3", w.open(app, charter.Entrust, "speaking-practice", "gender", vaulttest.Processor)},
			{"a person inside", "3", looks},
			{"a key of a party", "3", w.pull(keys[0].ID, "speaking-practice", "gender")},
			{"a party to which is pushed", "3", w.push},
		}
		atHome := []journey{{"an app at home", "3", w.open(w.App, charter.Use, "speaking-practice", "gender", "")}}
		var added family.Child
		registers := []journey{{"an app that registers", "3", func(family.Child) (err error) {
			added, err = w.registerBy(app)
			return err
		}}}
		ties := []journey{{"an app that ties somebody", "3", func(c family.Child) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				c, err := family.Lock(ctx, tx, vaulttest.Service, c.ID)
				if err == nil {
					_, _, err = w.Vault.Gate.AddGuardian(ctx, tx, app, c, family.Person{Phone: pii.New("13900139009"), Relation: family.Grandparent})
				}
				return err
			})
		}}}

		w.meets("another country is in the charter", slices.Concat(readers, registers, ties), agreed, "3:access_abroad")
		w.Publish(read("JP", "SG"))
		for _, c := range []family.Child{agreed, other, refused} {
			w.AnswerProved(c)
		}
		w.refuses(refused, "speaking-practice")
		w.meets("without a mechanism", slices.Concat(readers, registers, ties), agreed, "3:access_mechanism_missing")
		w.meets("without a mechanism", atHome, agreed, "")
		if w.year().Persons != 0 {
			t.Errorf("%+v, and nothing has left", w.year())
		}
		place := party.AccessFrom(vaulttest.Service, "SG")
		w.by(func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
			return party.Register(ctx, tx, by, place, vaulttest.StorageIdentity())
		})
		until := w.Store.Now().Add(40 * 24 * time.Hour).Truncate(time.Second)
		w.files(place, until)
		w.meets("without a yes of its own", readers[:3], refused, "9:consent_refused")
		var all sync.WaitGroup
		for _, j := range readers {
			all.Go(func() {
				if err := j.goes(agreed); err != nil {
					t.Errorf("%s: %v", j.name, err)
				}
			})
		}
		all.Wait()
		if w.year().Persons != 1 || w.counted(agreed) != 1 {
			t.Errorf("one child on all ways is %+v", w.year())
		}
		// Who is registered from abroad has been there, and is counted by that.
		w.meets("with all three", ties, agreed, "")
		if w.meets("with all three", registers, agreed, ""); w.year().Persons != 2 || w.counted(added) != 1 {
			t.Errorf("one child more is registered from abroad: %+v", w.year())
		}
		if w.Enrol(); w.year().Persons != 2 {
			t.Errorf("one child more is registered at home: %+v", w.year())
		}

		// Somebody is reminded of its end, and it is exact.
		at.Store(until.Add(-party.Soon + time.Hour).UnixMicro())
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			clocks, err := party.ClocksOf(ctx, tx, vaulttest.Service, tx.Now().Add(party.Soon))
			if !slices.Contains(clocks, party.Clock{Party: place, What: party.Contract, At: until}) {
				t.Errorf("nobody is reminded of it: %v", clocks)
			}
			return err
		})
		readers = append(readers, files) // the key of the person waited for a day
		at.Store(until.Add(-time.Second).UnixMicro())
		w.meets("in its last second", readers, agreed, "")
		at.Store(until.UnixMicro())
		w.meets("when that is over", slices.Concat(readers, registers, ties), agreed, "3:access_mechanism_over")
		w.meets("when that is over", atHome, agreed, "")
		// What saves a life is read from anywhere, and counts as nothing that left (Cross-border
		// provisions, Article 5(3)).
		if w.meets("when that is over", []journey{rescues}, other, ""); w.counted(other) != 0 {
			t.Error("who was saved is counted")
		}
		if went := w.sends(); went != 0 || len(w.Waiting()) != 0 {
			t.Errorf("%d bundles went by a mechanism that is over, and %d wait", went, len(w.Waiting()))
		}
		w.files(place, until.AddDate(1, 0, 0))
		w.by(func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
			return party.Suspend(ctx, tx, by, place, party.Authority)
		})
		w.meets("suspended", slices.Concat(readers, registers, ties), agreed, "3:access_suspended")
		w.by(func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
			return party.Resume(ctx, tx, by, place)
		})
		w.meets("let on again", readers, agreed, "")

		// What is asked before is answered so, too; and who has come home reads as everybody there.
		if err := w.Store.View(t.Context(), func(tx *db.Tx) error {
			all, err := w.Vault.Decide(t.Context(), tx, []vault.Question{
				{By: gate.ByApp(app), Uses: []gate.Use{use(charter.Use, agreed, "speaking-practice", "gender", ""), use(charter.Use, agreed, "course-progress", "weekly_score", "")}}})
			if !all[0][0].Permitted || all[0][1].Permitted || !slices.Contains(all[0][1].Reasons, gate.Denial{Code: "gate.access_abroad", Article: "3"}) {
				t.Errorf("the dry decisions are %+v", all[0])
			}
			return err
		}); err != nil {
			t.Error(err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			worker, err = staff.Locate(ctx, tx, terminal, worker.ID, charter.Home)
			return err
		})
		w.Publish(w.Charter)
		w.AnswerProved(agreed)
		w.meets("with all at home", slices.Concat(readers[3:4], readers[6:]), agreed, "")
		w.meets("with all at home", readers[:3], agreed, "3:access_abroad")
		w.replays()

		w.Publish(read("SG"))
		w.AnswerProved(agreed)
		w.AnswerProved(other)
		w.fill(border.AssessFrom - 1) // which no entry tells of
		abroad := slices.Concat(readers[:3], readers[4:6])
		w.meets("at the threshold", slices.Concat(abroad, registers), other, "3:border_threshold")
		w.meets("who is counted", abroad, agreed, "")
	})
}
