package approval_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wardkeep/internal/access"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

func use(c family.Child, items ...string) gate.Use {
	return gate.Use{Service: service, Child: c.ID, Activity: charter.Use, Purpose: "parent-reports", Items: items}
}

// look shows one value to a person, or says why not.
func (w *world) look(by staff.Person, r approval.Request, u gate.Use) (string, error) {
	var out vault.Opened
	err := w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = w.Vault.Reveal(ctx, tx, by, u, r.ID)
		return err
	})
	if err != nil {
		return "", err
	}
	return out.Values[u.Items[0]].Reveal(), nil
}

// granted asks and has it granted.
func (w *world) granted(asker, decider staff.Person) approval.Request {
	w.T.Helper()
	return w.grants(decider, w.asked(asker))
}

func (w *world) grants(decider staff.Person, r approval.Request) approval.Request {
	w.T.Helper()
	r, err := w.decide(decider, r, grant)
	if err != nil {
		w.T.Fatal(err)
	}
	return r
}

// denied fails unless the gate denied it for that reason.
func denied(t *testing.T, what, value string, err error, code string) {
	t.Helper()
	d, is := errors.AsType[*gate.Denied](err)
	if value != "" || !is || !slices.ContainsFunc(d.Reasons, func(d gate.Denial) bool { return d.Code == "gate."+code }) {
		t.Errorf("%s: shown %v, %v, want %s", what, value != "", err, code)
	}
}

func TestArticle15_ALookTakesAnotherPersonsDecision(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		other := w.Child()
		u := use(w.child, "nickname")
		r := w.asked(w.worker)
		v, err := w.look(w.worker, r, u)
		denied(t, "before the decision", v, err, "approval_open")
		v, err = w.look(w.worker, approval.Request{}, u)
		denied(t, "with nothing", v, err, "approval_missing")
		v, err = w.look(w.manager, approval.Request{ID: id.New(id.Look)}, u)
		denied(t, "with something made up", v, err, "approval_missing")
		less := approval.Decision{Verdict: approval.Narrowed, Items: []string{"nickname"}, Minutes: 10, Reason: approval.LessSuffices}
		if r, err = w.decide(w.manager, r, less); err != nil {
			t.Fatal(err)
		}
		if v, err = w.look(w.worker, r, u); err != nil || v != "小鱼" {
			t.Fatalf("a look that is approved: %v", err)
		}
		v, err = w.look(w.worker, r, use(w.child, "remarks"))
		denied(t, "what was left out", v, err, "approval_item")
		v, err = w.look(w.worker, r, use(w.child, "nickname", "remarks"))
		denied(t, "two at once", v, err, "approval_one_item")
		v, err = w.look(w.worker, r, use(other, "nickname"))
		denied(t, "another child", v, err, "approval_missing")
		elsewhere := u
		elsewhere.Purpose = "class-ranking"
		v, err = w.look(w.worker, r, elsewhere)
		denied(t, "for another purpose", v, err, "approval_purpose")
		for _, by := range []staff.Person{w.second, w.manager, w.officer} {
			v, err = w.look(by, r, u)
			denied(t, "somebody else by it", v, err, "approval_of_other")
		}
		passes := u
		passes.Activity = charter.Disclose
		v, err = w.look(w.worker, r, passes)
		denied(t, "to pass it on", v, err, "approval_one_item")
		no, err := w.decide(w.manager, w.asked(w.worker), approval.Decision{Verdict: approval.Refused, Reason: approval.NotNeeded})
		if err != nil {
			t.Fatal(err)
		}
		v, err = w.look(w.worker, no, u)
		denied(t, "what was refused", v, err, "approval_refused")
		w.Pass(10 * time.Minute)
		v, err = w.look(w.worker, r, u)
		denied(t, "after the window", v, err, "approval_over")
		if _, err := w.look(staff.Person{ID: "st_x"}, r, u); !errors.Is(err, approval.ErrMayNot) {
			t.Errorf("nobody: %v", err)
		}
	})
}

func TestArticle15_AWindowEndsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := use(w.child, "nickname")
		byOfficer := w.granted(w.officer, w.manager)
		for name, c := range map[string]struct {
			end  func(asker staff.Person, r approval.Request)
			code string
		}{
			"the asker leaves": {func(p staff.Person, _ approval.Request) { w.leave(p) }, "approval_role"},
			"the asker loses the role": {func(p staff.Person, _ approval.Request) {
				w.Do(func(ctx context.Context, tx *db.Tx) error {
					_, err := staff.Take(ctx, tx, terminal, p.ID, p.Grants[0])
					return err
				})
			}, "approval_role"},
			"it is revoked":    {func(_ staff.Person, r approval.Request) { wants(t, "ends", w.end(w.officer, r), nil) }, "approval_ended"},
			"it is given back": {func(p staff.Person, r approval.Request) { wants(t, "ends", w.end(p, r), nil) }, "approval_ended"},
		} {
			asker := w.hire("甲", staff.Worker)
			r := w.granted(asker, w.manager)
			if v, err := w.look(asker, r, u); err != nil || v != "小鱼" {
				t.Fatalf("%s: a look before: %v", name, err)
			}
			c.end(asker, r)
			v, err := w.look(asker, r, u)
			denied(t, name, v, err, c.code)
		}
		r := w.granted(w.worker, w.manager)
		frozen := func(freeze bool) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				c, err := family.Lock(ctx, tx, service, w.child.ID)
				if err == nil && freeze {
					_, err = family.Freeze(ctx, tx, w.Officer, c, family.ByOfficer)
				} else if err == nil {
					_, err = family.Unfreeze(ctx, tx, w.Officer, c)
				}
				return err
			})
		}
		frozen(true)
		v, err := w.look(w.worker, r, u)
		denied(t, "the child is frozen", v, err, "frozen")
		frozen(false)
		w.Answer(w.child, consent.ForceRefused, "parent-reports")
		if _, err = w.look(w.worker, r, u); !errors.Is(err, gate.ErrDenied) {
			t.Errorf("no consent stands: %v", err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.EndOffice(ctx, tx, terminal, service, w.Officer.ID)
			return err
		})
		v, err = w.look(w.worker, r, u)
		denied(t, "the office is vacant", v, err, "no_officer")
		v, err = w.look(w.officer, byOfficer, u)
		denied(t, "who was officer", v, err, "approval_role")
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Erase(ctx, tx, "test", service, w.child.ID, family.Requested)
			return err
		})
		if _, err = w.look(w.worker, r, u); !errors.Is(err, family.ErrErased) {
			t.Errorf("an erased child: %v", err)
		}
		wants(t, "a request of an erased child", w.end(w.worker, r), approval.ErrNotFound)
	})
}

// The quota of an approval, and those of a person, count what was shown, and are counted
// with it: of looks at the same time none is uncounted.
func TestArticle15_LooksAreCountedWithTheLook(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.PassToHalfPast()
		u := use(w.child, "nickname")
		w.desk.Limits.Looks = 3
		r := w.granted(w.worker, w.manager)
		var group sync.WaitGroup
		var shown sync.Map
		for i := range 6 {
			group.Go(func() {
				if v, err := w.look(w.worker, r, u); err == nil && v != "" {
					shown.Store(i, true)
				}
			})
		}
		group.Wait()
		n := 0
		shown.Range(func(any, any) bool { n++; return true })
		if now := w.find(r); n != 3 || now.Looks != 3 {
			t.Errorf("%d shown, %d counted, of 3", n, now.Looks)
		}
		v, err := w.look(w.worker, r, u)
		denied(t, "one more", v, err, "approval_used_up")

		w.desk.Limits = approval.Limits{}
		w.Vault.Looks = approval.Limits{PerHour: 5, PerDay: 6}
		next := w.granted(w.worker, w.manager)
		for range 2 {
			if _, err := w.look(w.worker, next, u); err != nil {
				t.Fatal(err)
			}
		}
		v, err = w.look(w.worker, next, u)
		denied(t, "a sixth within the hour", v, err, "approval_hour")
		second := w.granted(w.second, w.manager)
		if _, err := w.look(w.second, second, u); err != nil {
			t.Errorf("a colleague's looks are counted as one's own: %v", err)
		}
		w.Vault.Looks.PerHour = 60
		if _, err := w.look(w.worker, next, u); err != nil {
			t.Fatal(err)
		}
		v, err = w.look(w.worker, next, u)
		denied(t, "a seventh on one day", v, err, "approval_day")
		w.Vault.Looks.Roles = map[staff.Role]approval.PerRole{staff.Worker: {PerDay: 7}}
		if _, err := w.look(w.worker, next, u); err != nil {
			t.Errorf("what the role has of its own: %v", err)
		}
		v, err = w.look(w.worker, next, u)
		denied(t, "an eighth in that role", v, err, "approval_day")
		w.Vault.Looks.PerDay, w.Vault.Looks.Roles = 60, map[staff.Role]approval.PerRole{staff.Worker: {PerHour: 2}}
		v, err = w.look(w.worker, next, u)
		denied(t, "an hour of that role", v, err, "approval_hour")
	})
}

// What the hour allows one person is counted over all children, whoever of them is looked at
// in the same moment; and many looks are one alarm.
func TestArticle15_LooksOfOnePersonAreCountedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.PassToHalfPast()
		var children [6]family.Child
		var requests [6]approval.Request
		for i := range children {
			one := *w
			one.child = w.Child()
			w.Put(one.child, "parent-reports", "nickname", "小鱼")
			children[i], requests[i] = one.child, one.granted(w.worker, w.manager)
		}
		var mu sync.Mutex
		bursts := 0
		w.Store.Announced = func(what any) {
			mu.Lock()
			defer mu.Unlock()
			if a, is := what.(approval.Alarm); is && a.What == approval.Burst {
				bursts++
			}
		}
		w.Vault.Looks = approval.Limits{PerHour: 3, Burst: 2}
		var group sync.WaitGroup
		shown := 0
		for i := range children {
			group.Go(func() {
				v, err := w.look(w.worker, requests[i], use(children[i], "nickname"))
				mu.Lock()
				defer mu.Unlock()
				if err == nil && v != "" {
					shown++
				} else {
					denied(t, "beyond the hour's", v, err, "approval_hour")
				}
			})
		}
		group.Wait()
		if shown != 3 || bursts != 1 {
			t.Errorf("%d shown of 3, %d alarms", shown, bursts)
		}
	})
}

func TestArticle15_AnHourAndADayBeginAnew(t *testing.T) {
	at := time.Date(2026, 6, 1, 15, 59, 0, 0, time.UTC) // 23:59 in China
	l := approval.Looks{}.At(at).Plus(1).Plus(1)
	if next := l.At(at.Add(30 * time.Second)); next.InHour != 2 || next.InDay != 2 {
		t.Errorf("%+v", next)
	}
	if next := l.At(at.Add(time.Minute)); next.InHour != 0 || next.InDay != 0 {
		t.Errorf("after midnight: %+v", next)
	}
	if next := l.At(at.Add(-24 * time.Hour)); next.InHour != 2 || next.InDay != 2 {
		t.Errorf("a clock that goes back begins anew: %+v", next)
	}
}

// Invariant 2: what leaves is in the ledger, with its approval; and so is what was denied.
// Guardians find it among the uses.
func TestInvariant2_ALookIsRecordedBeforeItIsShown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.granted(w.worker, w.manager)
		var out vault.Opened
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			out, err = w.Vault.Reveal(ctx, tx, w.worker, use(w.child, "nickname"), r.ID)
			return err
		})
		_, _ = w.look(w.second, r, use(w.child, "nickname"))
		var kinds []string
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			kinds = nil
			return ledger.Pending(ctx, tx, func(p ledger.Placed) error {
				var b gate.UseBody
				if p.Kind != gate.KindPermitted && p.Kind != gate.KindDenied || p.Into(&b) != nil || b.Look == nil {
					return nil
				}
				kinds = append(kinds, p.Kind)
				told, ok, err := access.UseOf(p, nil)
				if access.Lives(p) {
					t.Error("a look inside keeps the account alive")
				}
				if b.Look.Approval != r.ID || err != nil || !ok || told.Purpose != "parent-reports" || told.Actor != p.Actor {
					t.Errorf("%s tells %+v of %+v, %v", p.Kind, told, b.Look, err)
				}
				if (p.ID == out.Entry) != (p.Actor == w.worker.Ledger()) {
					t.Error("the entry is another's")
				}
				return nil
			})
		})
		if slices.Sort(kinds); !slices.Equal(kinds, []string{gate.KindDenied, gate.KindPermitted}) {
			t.Error(kinds)
		}
		// Whatever undoes the transaction undoes the entry and the count together.
		failed := errors.New("the line broke")
		err := w.Try(func(ctx context.Context, tx *db.Tx) error {
			if _, err := w.Vault.Reveal(ctx, tx, w.worker, use(w.child, "nickname"), r.ID); err != nil {
				return err
			}
			return failed
		})
		if now := w.find(r); !errors.Is(err, failed) || now.Looks != 1 {
			t.Errorf("%d looks, %v", now.Looks, err)
		}
	})
}

// Of a look and a leaving at the same time one is first: no look follows a leaving.
func TestInvariant11_ALookBesideALeaving(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, first := range []string{"the look", "the leaving"} {
			asker := w.hire("甲", staff.Worker)
			r := w.granted(asker, w.manager)
			looking := func(ctx context.Context, tx *db.Tx) error {
				_, err := w.Vault.Reveal(ctx, tx, asker, use(w.child, "nickname"), r.ID)
				return err
			}
			leaving := func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.Leave(ctx, tx, terminal, asker.ID)
				return err
			}
			one, other := looking, leaving
			if first == "the leaving" {
				one, other = leaving, looking
			}
			first, late := w.beside(t, one, other)
			if first != nil {
				t.Error(first)
			}
			if now := w.find(r); now.Looks != map[bool]int64{true: 1}[late == nil] {
				t.Errorf("%d looks, then %v", now.Looks, late)
			}
		}
	})
}

// A ruling is what the test knows of a request, by itself.
type ruling struct {
	asker, decider int
	items          []string
	from, until    time.Time
	live           bool
}

// No sequence of asking, deciding, ending, leaving and waiting shows a value to anybody
// without a decision that another person took who might, that stands, and covers it.
func TestInvariant11_NoWayAroundAnothersDecision(t *testing.T) {
	vaulttest.Each(t, noWayAround)
}

func noWayAround(t *testing.T, v *vaulttest.World) {
	w := &world{World: v, desk: approval.Desk{Ring: v.Ring, Charters: v.Vault.Gate.Charters}, child: v.Child()}
	w.Put(w.child, "parent-reports", "nickname", "小鱼")
	w.Put(w.child, "parent-reports", "remarks", "进步很大")
	shown := 0
	rapid.Check(t, func(rt *rapid.T) {
		people := []staff.Person{w.hire("甲", staff.Manager), w.hire("乙", staff.Manager), w.hire("丙", staff.Worker)}
		here := []bool{true, true, true}
		var requests []approval.Request
		var rulings []ruling
		who := func(label string) int { return rapid.IntRange(0, 2).Draw(rt, label) }
		for range rapid.IntRange(1, 14).Draw(rt, "moves") {
			move := rapid.SampledFrom([]string{"ask", "decide", "decide", "look", "look", "look", "narrow", "end", "leave", "pass"}).Draw(rt, "move")
			p := who("who")
			if move == "ask" || len(requests) == 0 {
				if r, err := w.ask(people[p], asking()); err == nil {
					requests, rulings = append(requests, r), append(rulings, ruling{asker: p, decider: -1})
				} else if here[p] && !errors.Is(err, approval.ErrMany) {
					rt.Fatal(err)
				}
				continue
			}
			i := rapid.IntRange(0, len(requests)-1).Draw(rt, "request")
			r, known := requests[i], &rulings[i]
			switch move {
			case "decide", "narrow":
				a, items, minutes := grant, []string{"nickname", "remarks"}, 30
				if move == "narrow" {
					a, items, minutes = approval.Decision{Verdict: approval.Narrowed, Items: []string{"remarks"}, Minutes: 10, Reason: approval.LessFits}, []string{"remarks"}, 10
				}
				if got, err := w.decide(people[p], r, a); err == nil {
					if p == known.asker || p == 2 || !here[p] || !here[known.asker] || known.decider >= 0 {
						rt.Fatalf("%d decides about %d's request", p, known.asker)
					}
					*known = ruling{known.asker, p, items, got.From, got.From.Add(time.Duration(minutes) * time.Minute), true}
				}
			case "end":
				if w.end(people[p], r) == nil {
					known.live = false
				}
			case "leave":
				if here[p] {
					w.leave(people[p])
					here[p] = false
				}
			case "pass":
				w.Pass(rapid.SampledFrom([]time.Duration{time.Minute, 10 * time.Minute, 30 * time.Minute, 24 * time.Hour}).Draw(rt, "pause"))
			case "look":
				item := rapid.SampledFrom([]string{"nickname", "remarks"}).Draw(rt, "item")
				before := w.Store.Now()
				value, err := w.look(people[p], r, use(w.child, item))
				may := known.live && known.decider >= 0 && known.decider != known.asker && p == known.asker && here[p] &&
					slices.Contains(known.items, item) && before.Before(known.until)
				switch {
				case err == nil && value != "":
					shown++
					if !may {
						rt.Fatalf("%d was shown %s by %+v", p, item, *known)
					}
				case errs.Of(err).Kind == errs.Internal:
					rt.Fatal(err)
				}
			}
		}
		for i, r := range requests { // what waits counts against what is open about one child
			_ = w.end(people[rulings[i].asker], r)
		}
		w.Pass(24 * time.Hour)
	})
	if shown == 0 {
		t.Error("nobody ever saw anything: the test tries nothing")
	}
}
