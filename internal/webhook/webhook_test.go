package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wardkeep/client"
	"wardkeep/internal/account"
	"wardkeep/internal/assistance"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/order"
	"wardkeep/internal/retention"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/webhook"
)

// What the API's description lists are the types that there are.
func TestTypes_AreThoseOfTheDescription(t *testing.T) {
	field, _ := reflect.TypeFor[wardkeep.Event]().FieldByName("Type")
	if diff := cmp.Diff(sorted(webhook.Types()), sorted(strings.Split(field.Tag.Get("enum"), ","))); diff != "" {
		t.Errorf("(-types +enum)\n%s", diff)
	}
}

// What happened arrives once, signed, as /v1/events shows it: with the operator's own
// id of the child, and without the pseudonym, which leads into the ledger.
func TestWebhook_EventsArriveSignedAndNameNobody(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		child := p.Child()
		p.pass()
		p.pass()
		all := p.receiver.all()
		if diff := cmp.Diff(sorted(p.told("")), sorted(ids(all, ""))); diff != "" {
			t.Errorf("(-ledger +arrived)\n%s", diff)
		}
		if diff := cmp.Diff(p.told(child.ID), ids(all, child.ID)); diff != "" {
			t.Errorf("the child's: (-ledger +arrived)\n%s", diff)
		}
		events := p.events()
		for _, g := range all {
			if !signed(t, p.secret, g) {
				t.Errorf("%s isn't signed", g.event.ID)
			}
			if id := g.header.Get("webhook-id"); id != g.event.ID {
				t.Errorf("webhook-id is %q, the event's %q", id, g.event.ID)
			}
			i := slices.IndexFunc(events, func(e wardkeep.Event) bool { return e.ID == g.event.ID })
			if i < 0 || cmp.Diff(events[i], g.event) != "" {
				t.Errorf("%s isn't what /v1/events shows", g.event.ID)
			}
			if strings.Contains(string(g.body), "su_") || g.header.Get("User-Agent") != "" {
				t.Errorf("it tells too much: %s %v", g.body, g.header)
			}
		}
		if n := p.numbers(); n.Waiting+n.Parked+n.Behind != 0 || !n.Oldest.IsZero() {
			t.Errorf("%+v", n)
		}
		p.view(func(ctx context.Context, tx *db.Tx) error {
			e, err := webhook.Find(ctx, tx, vaulttest.Service, p.endpoint.ID)
			if e.Delivered != int64(len(all)) || e.Failed != 0 {
				t.Errorf("taken %d, failed %d", e.Delivered, e.Failed)
			}
			return err
		})
	})
}

// Articles 16, 19 and 20: who is told to delete can tell of whom, for 72 hours after
// the erasure, and nobody can after that.
func TestArticle20_AnErasureIsToldByTheOperatorsOwnID(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		p.receiver.answers(func(http.ResponseWriter, *http.Request, got) int { return http.StatusServiceUnavailable })
		child := p.Child()
		p.pass()
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := p.Vault.Erase(ctx, tx, p.App.Ledger(), vaulttest.Service, child.ID, family.Requested)
			return err
		})
		p.Pass(71 * time.Hour)
		p.receiver.all()
		p.receiver.answers(nil)
		p.pass()
		all := p.receiver.all()
		if last := all[len(all)-1].event; last.Type != family.KindErased || last.Child != string(child.ID) {
			t.Errorf("last: %+v", last)
		}
	})
}

// Article 16 (2), edge case 13: a processor gets its own orders and nothing else, and is
// told whom to delete for as long as it hasn't attested, also when the 72 hours are over.
func TestEdgeCase13_AProcessorIsToldOfItsOrdersAlone(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		p.receiver.answers(func(http.ResponseWriter, *http.Request, got) int { return http.StatusNoContent })
		to, err := webhook.ParseAddress(p.receiver.server.URL, loopback)
		if err != nil {
			t.Fatal(err)
		}
		const processor = "yuping-assessment"
		var theirs webhook.Endpoint
		for party, want := range map[string]error{"nobody": webhook.ErrParty, processor: nil} {
			err := p.Try(func(ctx context.Context, tx *db.Tx) (err error) {
				e, _, _, err := webhook.Add(ctx, tx, p.Ring, terminal, vaulttest.Service, to, nil, party)
				if err == nil {
					theirs = e
				}
				return err
			})
			if !errors.Is(err, want) {
				t.Errorf("%s: %v", party, err)
			}
		}
		err = p.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, _, err := webhook.Add(ctx, tx, p.Ring, terminal, vaulttest.Service, to, []string{"child.erased"}, processor)
			return err
		})
		if !errors.Is(err, webhook.ErrType) {
			t.Errorf("a processor is told of children: %v", err)
		}
		p.remove(p.endpoint)
		child := p.Child()
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := p.Vault.Erase(ctx, tx, p.App.Ledger(), vaulttest.Service, child.ID, family.Requested)
			return err
		})
		p.Pass(5 * 24 * time.Hour) // the trace is over
		p.sweep()
		p.receiver.all()
		p.pass()
		told := func(kind, whose string) (id string) {
			t.Helper()
			all := p.receiver.all()
			if len(all) != 1 || all[0].event.Type != kind || all[0].event.Child != whose {
				t.Fatalf("%d, %+v", len(all), all[0].event)
			}
			var b order.OverdueBody
			if err := json.Unmarshal(all[0].event.Data, &b); err != nil || b.Party != processor {
				t.Fatalf("%+v, %v", b, err)
			}
			return b.Order
		}
		told(order.KindIssued, string(child.ID))
		p.Pass(4 * 24 * time.Hour)
		p.sweep()
		p.pass()
		told(order.KindReminded, string(child.ID))
		p.Pass(26 * 24 * time.Hour)
		p.sweep()
		var whole []byte
		seal := func(b []byte) {
			p.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				if whole == nil {
					if whole, err = db.One(ctx, tx, db.Single[[]byte], `SELECT sealed FROM party_order`); err != nil {
						return err
					}
				}
				_, err = tx.Exec(ctx, `UPDATE party_order SET sealed = $1`, b)
				return err
			})
		}
		// What leads to one child and was changed by hand holds up nothing else: it is a try that failed.
		seal([]byte("by hand"))
		p.pass()
		p.view(func(ctx context.Context, tx *db.Tx) error {
			failed, err := theirs.Waiting(ctx, tx, false, 9)
			if got := p.receiver.all(); len(got) > 0 || len(failed) != 1 || failed[0].Failure != keyring.ErrOpen.Code {
				t.Errorf("%d came, %+v failed", len(got), failed)
			}
			return err
		})
		seal(whole)
		p.Pass(time.Minute)
		p.pass()
		id := told(order.KindOverdue, string(child.ID))
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			book := order.Book{Ring: p.Ring, Charters: p.Desk.Charters}
			_, _, err := book.Attest(ctx, tx, p.App, vaulttest.Service, id, processor, "")
			return err
		})
		p.pass()
		told(order.KindAttested, "")
		p.view(func(ctx context.Context, tx *db.Tx) error {
			if e, err := webhook.Find(ctx, tx, vaulttest.Service, theirs.ID); err != nil || e.Delivered != 4 {
				t.Errorf("taken %d, %v", e.Delivered, err)
			}
			return nil
		})
	})
}

// Article 16 (2): a processor is told that something is asked of it, and not whose it is, nor
// who has asked: by the task it finds the rest with its own key, where that is recorded.
func TestArticle16_APartyIsToldOfItsTasks(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		p.receiver.answers(func(http.ResponseWriter, *http.Request, got) int { return http.StatusNoContent })
		to, err := webhook.ParseAddress(p.receiver.server.URL, loopback)
		if err != nil {
			t.Fatal(err)
		}
		p.remove(p.endpoint)
		child := p.Child()
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, _, err := webhook.Add(ctx, tx, p.Ring, terminal, vaulttest.Service, to, []string{"assistance.asked"}, vaulttest.Processor)
			return err
		})
		p.pass()
		p.receiver.all()
		desk := rights.Desk{Ring: p.Ring, Charters: p.Desk.Charters, Calendar: workday.Default()}
		var task assistance.Task
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			r, _, err := desk.Receive(ctx, tx, p.App, child, rights.Demand{Kind: rights.Access, Door: rights.ByChild})
			if err != nil {
				return err
			}
			c, err := family.Lock(ctx, tx, vaulttest.Service, child.ID)
			if err == nil {
				task, _, err = assistance.Ask(ctx, tx, workday.Default(), p.App, c, vaulttest.ProcessorID(), []string{"gender"},
					assistance.Asking{Demand: r.ID, Kind: string(r.Kind), Due: r.DueAt})
			}
			return err
		})
		p.pass()
		all := p.receiver.all()
		if len(all) != 1 || all[0].event.Type != assistance.KindAsked || all[0].event.Child != "" {
			t.Fatalf("%+v", all)
		}
		var said map[string]any
		if err := json.Unmarshal(all[0].event.Data, &said); err != nil || said["task"] != task.ID || said["due"] == nil {
			t.Errorf("%v, %v", said, err)
		}
		for _, name := range slices.Sorted(maps.Keys(said)) {
			if !slices.Contains([]string{"task", "kind", "items", "due"}, name) {
				t.Errorf("it is told %s", name)
			}
		}
	})
}

func (p *post) sweep() {
	p.t.Helper()
	if _, err := retention.Sweep(p.t.Context(), p.Store, p.Vault); err != nil {
		p.t.Fatal(err)
	}
}

// happens changes something about a child.
func (p *post) happens(child family.Child) {
	p.t.Helper()
	p.Do(func(ctx context.Context, tx *db.Tx) error {
		c, err := family.Lock(ctx, tx, vaulttest.Service, child.ID)
		if err != nil {
			return err
		}
		if c.Frozen {
			_, err = family.Unfreeze(ctx, tx, p.App, c)
		} else {
			_, err = family.Freeze(ctx, tx, p.App, c, family.Death)
		}
		return err
	})
}

// A child whose events aren't taken holds up its own, and nobody else's.
func TestWebhook_OrderPerChild(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		bad, good := p.Child(), p.Child()
		p.receiver.answers(func(_ http.ResponseWriter, _ *http.Request, g got) int {
			if g.event.Child == string(bad.ID) {
				return http.StatusInternalServerError
			}
			return http.StatusOK
		})
		p.pass()
		all := p.receiver.all()
		if diff := cmp.Diff(p.told(good.ID), ids(all, good.ID)); diff != "" {
			t.Errorf("the good one's: (-ledger +arrived)\n%s", diff)
		}
		first := p.told(bad.ID)[:1]
		if diff := cmp.Diff(first, ids(all, bad.ID)); diff != "" {
			t.Errorf("the bad one's: (-want +arrived)\n%s", diff)
		}
		for range 3 { // more happens, and time goes by
			p.happens(bad)
			p.happens(good)
			p.Pass(time.Minute)
			p.pass()
		}
		all = p.receiver.all()
		if got := slices.Compact(ids(all, bad.ID)); !slices.Equal(got, first) {
			t.Errorf("of the bad one %v were tried, want %v", got, first)
		}
		if n := len(ids(all, good.ID)); n == 0 {
			t.Error("nothing of the good one arrives any more")
		}
		p.receiver.answers(nil)
		p.Pass(time.Hour)
		p.pass()
		if diff := cmp.Diff(p.told(bad.ID), ids(p.receiver.all(), bad.ID)); diff != "" {
			t.Errorf("afterwards: (-ledger +arrived)\n%s", diff)
		}
	})
}

// An event is tried for 72 hours, rarer and rarer, then it is parked where it is seen,
// and the next of the child has its turn.
func TestWebhook_ParkedAfter72Hours(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		child, _ := p.Enrol()
		p.receiver.answers(func(_ http.ResponseWriter, _ *http.Request, g got) int {
			if g.event.Type == family.KindRegistered {
				return http.StatusServiceUnavailable
			}
			return http.StatusOK
		})
		began := p.Store.Now()
		var waits []time.Duration
		for len(p.waits(true)) == 0 {
			p.pass()
			w := p.waits(false)
			if len(w) == 0 {
				break
			}
			if w[0].Failure != "webhook.answer" || w[0].Status != 503 || w[0].Tries != int64(len(waits))+1 {
				t.Fatalf("%+v", w[0])
			}
			wait := w[0].DueAt.Sub(p.Store.Now())
			waits = append(waits, wait)
			if len(waits) > 40 {
				t.Fatal("it is tried and tried")
			}
			if len(waits) == 3 && len(p.receiver.all()) != 3 {
				t.Error("what waits behind it was sent")
			}
			p.Pass(wait + time.Millisecond)
		}
		if took := p.Store.Now().Sub(began); took < 72*time.Hour || took > 72*time.Hour+time.Minute {
			t.Errorf("tried for %v", took)
		}
		if len(waits) < 15 || waits[0] > 7*time.Second || slices.Max(waits) > 8*time.Hour {
			t.Errorf("tried after %v", waits)
		}
		parked := p.waits(true)
		if n := p.numbers(); len(parked) != 1 || n.Parked != 1 || n.Waiting != 0 {
			t.Fatalf("parked: %+v, %+v", parked, n)
		}
		if said := p.said.String(); !strings.Contains(said, `msg="webhook: parked"`) || strings.Contains(said, "of-the-receiver") || strings.Contains(said, "su_") {
			t.Errorf("the log says %s", said)
		}
		if last := p.receiver.all(); last[len(last)-1].event.Type != family.KindGuardianAdded {
			t.Errorf("after it came %s", last[len(last)-1].event.Type)
		}

		p.receiver.answers(nil)
		p.Pass(time.Hour)
		p.pass()
		if len(p.receiver.all()) != 0 {
			t.Error("a parked event was sent by itself")
		}
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			n, _, err := webhook.ReplayParked(ctx, tx, terminal, vaulttest.Service, p.endpoint.ID)
			if n != 1 {
				t.Errorf("%d replayed", n)
			}
			return err
		})
		p.pass()
		if got := ids(p.receiver.all(), child.ID); !slices.Equal(got, p.told(child.ID)[:1]) || len(p.waits(true)) != 0 {
			t.Errorf("replayed: %v", got)
		}
	})
}

// Whatever became of an event, it can be had once more: by its id, or all since a time.
func TestWebhook_Replay(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		first := p.Child()
		p.pass()
		p.Pass(time.Hour)
		since := p.Store.Now()
		second := p.Child()
		p.pass()
		p.receiver.all()

		one := p.told(first.ID)[2]
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := webhook.ReplayEvent(ctx, tx, terminal, vaulttest.Service, p.endpoint.ID, one)
			return err
		})
		p.pass()
		if got := ids(p.receiver.all(), ""); !slices.Equal(got, []string{one}) {
			t.Errorf("by its id: %v", got)
		}
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := webhook.ReplaySince(ctx, tx, terminal, vaulttest.Service, p.endpoint.ID, since)
			return err
		})
		p.pass()
		if got := ids(p.receiver.all(), ""); !slices.Equal(got, p.told(second.ID)) {
			t.Errorf("since: %v", got)
		}
		for name, event := range map[string]string{"unknown": "le_00r8m0p3q5s9t2w4x6y8z0a1b2", "no event": p.entry(webhook.KindAdded), "no id": "x"} {
			err := p.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := webhook.ReplayEvent(ctx, tx, terminal, vaulttest.Service, p.endpoint.ID, event)
				return err
			})
			if !errors.Is(err, webhook.ErrNoEvent) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// entry returns the first entry of a kind.
func (p *post) entry(kind string) (id string) {
	p.view(func(ctx context.Context, tx *db.Tx) error {
		return ledger.ReadKind(ctx, tx, 0, 1<<20, kind, func(e ledger.Placed) error {
			id = e.ID
			return nil
		})
	})
	return id
}

// During a rotation both secrets sign; afterwards the new one alone.
func TestWebhook_Rotation(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		fresh := p.rotate(time.Hour)
		p.Child()
		p.pass()
		for _, g := range p.receiver.all() {
			if !signed(t, p.secret, g) || !signed(t, fresh, g) {
				t.Fatalf("%s", g.header.Get("webhook-signature"))
			}
		}
		p.Pass(time.Hour)
		p.Child()
		p.pass()
		for _, g := range p.receiver.all() {
			if signed(t, p.secret, g) || !signed(t, fresh, g) {
				t.Fatalf("after the overlap: %s", g.header.Get("webhook-signature"))
			}
		}
		last := p.rotate(0)
		p.Child()
		p.pass()
		for _, g := range p.receiver.all() {
			if signed(t, fresh, g) || !signed(t, last, g) {
				t.Fatalf("at once: %s", g.header.Get("webhook-signature"))
			}
		}
		for range 8 {
			last = p.rotate(time.Hour)
		}
		p.Child()
		p.pass()
		if g := p.receiver.all()[0]; len(strings.Fields(g.header.Get("webhook-signature"))) != 5 || !signed(t, last, g) {
			t.Errorf("after many: %s", g.header.Get("webhook-signature"))
		}
	})
}

func (p *post) rotate(overlap time.Duration) (secret string) {
	p.t.Helper()
	p.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		secret, _, err = webhook.Rotate(ctx, tx, p.Ring, terminal, vaulttest.Service, p.endpoint.ID, overlap)
		return err
	})
	return secret
}

// An endpoint is told of its types, of its service, from its beginning to its end.
func TestWebhook_WhatAnEndpointIsToldOf(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := webhook.Remove(ctx, tx, terminal, vaulttest.Service, p.endpoint.ID)
			return err
		})
		p.Child()
		p.pass()
		p.endpoint, p.secret = p.add(p.receiver.server.URL, "consent.*", "child.erased", "consent.granted")
		child := p.Child()
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.Create(ctx, tx, terminal, "stories", catalog.Test)
			return err
		})
		p.pass()
		all := p.receiver.all()
		if len(all) == 0 {
			t.Fatal("nothing arrived")
		}
		for _, g := range all {
			if g.event.Child != string(child.ID) || !strings.HasPrefix(g.event.Type, "consent.") || !signed(t, p.secret, g) {
				t.Errorf("%+v", g.event)
			}
		}
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := webhook.Remove(ctx, tx, terminal, vaulttest.Service, p.endpoint.ID)
			return err
		})
		p.happens(child)
		p.pass()
		if all := p.receiver.all(); len(all) != 0 {
			t.Errorf("after its end %d arrived", len(all))
		}
		p.view(func(ctx context.Context, tx *db.Tx) error {
			for _, table := range []string{"webhook_endpoint", "webhook_delivery"} {
				if n, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM `+table); err != nil || n != 0 {
					t.Errorf("%s: %d rows, %v", table, n, err)
				}
			}
			return nil
		})
	})
}

// What can't be right is refused, and an app can't send events elsewhere.
func TestWebhook_Refusals(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		to, err := webhook.ParseAddress("https://hooks.example.com/in", nil)
		if err != nil {
			t.Fatal(err)
		}
		add := func(by webhook.Actor, service string, to webhook.Address, types ...string) error {
			return p.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, _, err := webhook.Add(ctx, tx, p.Ring, by, service, to, types, "")
				return err
			})
		}
		rotate := func(service, endpoint string, overlap time.Duration) error {
			return p.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := webhook.Rotate(ctx, tx, p.Ring, terminal, service, endpoint, overlap)
				return err
			})
		}
		for name, c := range map[string]struct{ got, want error }{
			"no address":          {add(terminal, vaulttest.Service, webhook.Address{}), webhook.ErrURL},
			"no such type":        {add(terminal, vaulttest.Service, to, "use.permitted"), webhook.ErrType},
			"no such kind":        {add(terminal, vaulttest.Service, to, "use.*"), webhook.ErrType},
			"everything by a dot": {add(terminal, vaulttest.Service, to, ".*"), webhook.ErrType},
			"no such service":     {add(terminal, "nobody", to), webhook.ErrService},
			"nobody":              {add(catalog.Operator{}, vaulttest.Service, to), webhook.ErrMayNot},
			"another's endpoint":  {rotate("nobody", p.endpoint.ID, 0), webhook.ErrNotFound},
			"no such endpoint":    {rotate(vaulttest.Service, "wh_", 0), webhook.ErrNotFound},
			"31 days":             {rotate(vaulttest.Service, p.endpoint.ID, 31*24*time.Hour), webhook.ErrOverlap},
		} {
			if !errors.Is(c.got, c.want) {
				t.Errorf("%s: %v, want %v", name, c.got, c.want)
			}
		}
		var app any = account.App{}
		if _, may := app.(webhook.Actor); may {
			t.Error("an app may say where events go")
		}
		for range 15 {
			p.add("https://hooks.example.com/in")
		}
		if err := add(terminal, vaulttest.Service, to); !errors.Is(err, webhook.ErrTooMany) {
			t.Errorf("the 17th: %v", err)
		}
	})
}

// Of two nodes one delivers; the other takes over when it is silent.
func TestWebhook_OneNodeDelivers(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		p.pass()
		p.Child()
		p.flush()
		second := p.node(p.client(nil))
		if turn, err := second.Pass(t.Context()); turn || err != nil {
			t.Fatalf("two deliver: %v", err)
		}
		if n := len(p.receiver.all()); n != 0 {
			t.Fatalf("%d arrived by the second", n)
		}
		p.Pass(webhook.Lease + time.Second)
		if turn, err := second.Pass(t.Context()); !turn || err != nil {
			t.Fatalf("nobody takes over: %v", err)
		}
		if got := ids(p.receiver.all(), ""); !slices.Equal(sorted(got), sorted(p.told(""))) {
			t.Errorf("%v", got)
		}
		p.d = second
	})
}

// The queue is bounded; what it has no room for waits in the ledger, and nothing is lost.
func TestWebhook_TheQueueIsBounded(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		const room = 7
		p.d.SetRoom(room)
		p.receiver.answers(func(http.ResponseWriter, *http.Request, got) int { return http.StatusBadGateway })
		for range 3 {
			p.Child()
		}
		p.pass()
		if n := p.numbers(); n.Waiting != room || n.Behind == 0 || n.Oldest.IsZero() {
			t.Errorf("%+v", n)
		}
		p.receiver.all()
		p.receiver.answers(nil)
		p.Pass(time.Minute)
		p.pass()
		if diff := cmp.Diff(sorted(p.told("")), sorted(ids(p.receiver.all(), ""))); diff != "" {
			t.Errorf("(-ledger +arrived)\n%s", diff)
		}
	})
}

// Who can write to the database can't have events sent elsewhere: a row that was
// changed, or put back, opens nothing.
func TestWebhook_ARowChangedByHandSendsNothing(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		other, _ := p.add(p.receiver.server.URL)
		sealed := func(endpoint string) (b []byte) {
			p.view(func(ctx context.Context, tx *db.Tx) (err error) {
				b, err = db.One(ctx, tx, db.Single[[]byte], `SELECT sealed FROM webhook_endpoint WHERE endpoint = $1`, endpoint)
				return err
			})
			return b
		}
		set := func(column string, v any) {
			p.Do(func(ctx context.Context, tx *db.Tx) error {
				n, err := tx.Exec(ctx, `UPDATE webhook_endpoint SET `+column+` = $1 WHERE endpoint = $2`, v, p.endpoint.ID)
				if n != 1 {
					t.Errorf("%s: %d rows", column, n)
				}
				return err
			})
		}
		former := sealed(p.endpoint.ID)
		fresh := p.rotate(0)
		p.Child()
		p.flush()
		for name, c := range map[string]struct {
			column   string
			v, whole any
		}{
			"another's address": {"sealed", sealed(other.ID), sealed(p.endpoint.ID)},
			"a former secret":   {"sealed", former, sealed(p.endpoint.ID)},
			"other types":       {"types", "consent.granted", ""},
			"another service":   {"service", "stories", vaulttest.Service},
			"another version":   {"version", 3, 2},
		} {
			set(c.column, c.v)
			if _, err := p.d.Pass(t.Context()); !errors.Is(err, webhook.ErrNotIntact) {
				t.Errorf("%s: %v", name, err)
			}
			for _, g := range p.receiver.all() {
				if signed(t, p.secret, g) || signed(t, fresh, g) {
					t.Errorf("%s: it was sent", name)
				}
			}
			set(c.column, c.whole)
		}
		p.pass()
		if got := ids(p.receiver.all(), ""); len(got) < len(p.told("")) {
			t.Errorf("put right again: %v", got)
		}
	})
}

// A row of the queue that somebody wrote sends nothing that isn't the endpoint's.
func TestWebhook_ARowOfTheQueueIsNotBelieved(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := webhook.Remove(ctx, tx, terminal, vaulttest.Service, p.endpoint.ID)
			return err
		})
		p.endpoint, _ = p.add(p.receiver.server.URL, "child.erased")
		p.Child()
		p.pass()
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			for place := range 12 {
				_, err := tx.Exec(ctx, `
					INSERT INTO webhook_delivery (endpoint, place, subject, queued_at, tries, due_at, failure, status)
					VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, p.endpoint.ID, place*1000, fmt.Sprint(place), 1, 0, 1, "", 0)
				if err != nil {
					return err
				}
			}
			return nil
		})
		p.pass()
		if all := p.receiver.all(); len(all) != 0 || p.numbers().Waiting != 0 {
			t.Errorf("%d arrived, %+v", len(all), p.numbers())
		}
	})
}

// An end is at once: what of a batch is still to be sent stays here.
func TestWebhook_AnEndIsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		for range 12 {
			p.Enrol()
		}
		var once sync.Once
		p.receiver.answers(func(http.ResponseWriter, *http.Request, got) int {
			once.Do(func() { p.remove(p.endpoint) })
			return http.StatusOK
		})
		p.flush()
		if _, err := p.d.Pass(t.Context()); err != nil {
			t.Error(err)
		}
		if n := len(p.receiver.all()); n > 8 { // those that were on their way
			t.Errorf("%d arrived", n)
		}
	})
}

// A receiver that hangs keeps no other waiting, and no server from stopping. What was
// cut off comes again, under the same id.
func TestWebhook_AReceiverThatHangsHoldsUpNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		const long = time.Minute
		other := receive(t)
		roots := p.receiver.roots()
		roots.AddCert(other.server.Certificate())
		slow := webhook.NewClient(webhook.ClientConfig{Allow: loopback, Roots: roots, Time: long})
		p.receiver.answers(func(_ http.ResponseWriter, r *http.Request, _ got) int {
			<-r.Context().Done()
			return 0
		})
		p.add(other.server.URL)
		p.Child()
		p.flush()
		want := p.told("")
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			p.node(slow).Run(ctx)
		}()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			if other.count() == len(want) {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%d of %d arrived", other.count(), len(want))
			}
		}
		stop()
		select {
		case <-stopped:
		case <-time.After(10 * time.Second):
			t.Fatal("it doesn't stop")
		}
		if n := p.numbers(); n.Waiting == 0 || len(p.waits(false)) != 0 {
			t.Errorf("what was cut off counts as the receiver's failure: %+v", n)
		}
		p.receiver.answers(nil)
		p.receiver.all()
		p.pass()
		// What hung is noted by the receiver when it was cut off, perhaps only now.
		if diff := cmp.Diff(sorted(want), slices.Compact(sorted(ids(p.receiver.all(), "")))); diff != "" {
			t.Errorf("(-ledger +arrived)\n%s", diff)
		}
	})
}
