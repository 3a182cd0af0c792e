package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	wardkeep "wardkeep/client"
	"wardkeep/internal/account"
	"wardkeep/internal/app"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/vault"
)

// What a client does to the consent, and what it sees of it. The consent is a
// register of one bit: a grant writes true, a withdrawal false, and a read or a
// dry decision returns it.
type input int

const (
	read input = iota
	grant
	withdraw
)

var register = porcupine.Model{
	Init: func() any { return false },
	Step: func(state, in, out any) (bool, any) {
		switch in.(input) {
		case grant:
			return true, true
		case withdraw:
			// There was a consent to take back, or there was none.
			return out.(bool) == state.(bool), false
		default:
			return out.(bool) == state.(bool), state
		}
	},
	DescribeOperation: func(in, out any) string {
		return fmt.Sprintf("%s %v", []string{"read", "grant", "withdraw"}[in.(input)], out)
	},
}

// A contest is one child whose consent is given, taken back and used by many
// clients of several servers at once.
type contest struct {
	t       *testing.T
	in      *apptest.Installation
	apps    []*app.App
	bases   []string
	child   string
	subject string
	request wardkeep.ConsentRequest
	proof   string
	player  account.App // who plays the guardian's answers

	rest    func() // ends the sequencers
	start   time.Time
	mu      sync.Mutex
	history []porcupine.Operation
}

const contested = "push-notices"

// Invariant 5: on one store, with as many servers as it can have, no history of
// concurrent withdrawals, grants and uses has a use that follows an acknowledged
// withdrawal without a new grant, neither as clients see it nor as the ledger
// orders it.
func TestInvariant5_ConcurrentHistoriesAreLinearizable(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		c := newContest(t, in)
		for range 3 {
			c.round(15)
			c.judge()
		}
		c.ledger()
	})
}

func newContest(t *testing.T, in *apptest.Installation) *contest {
	c := &contest{t: t, in: in, start: time.Now()}
	servers := 1
	if in.URL != "" {
		servers = 2 // SQLite belongs to one process
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	c.rest = func() { stop(); running.Wait() }
	t.Cleanup(c.rest)
	for range servers {
		a := in.Open(apptest.Discard())
		c.apps = append(c.apps, a)
		c.bases = append(c.bases, in.Serve(a))
		in.EndLease(a.Store) // of whoever set the service up
		running.Go(func() { hurry(ctx, a.Ledger) })
	}
	c.enrol()
	return c
}

// hurry gives entries their places as soon as it can. A use that is late, behind
// a withdrawal that it didn't see, is then seen to be: in the rhythm of a server
// both would mostly be in one batch, which the sequencer puts in order.
func hurry(ctx context.Context, l *ledger.Log) {
	for ctx.Err() == nil {
		if n, err := l.Sequence(ctx); n == 0 || err != nil {
			time.Sleep(time.Millisecond)
		}
	}
}

// enrol registers the child, and proves once who its guardian is.
func (c *contest) enrol() {
	c.t.Helper()
	ctx := c.t.Context()
	client := c.in.Client(c.bases[0])
	fresh := apptest.NewChild()
	child, err := client.Register(ctx, fresh)
	if err == nil {
		c.child = child.ID
		c.request, err = client.Ask(ctx, wardkeep.Asking{Child: child.ID, Purposes: []string{contested}, Channel: "link", Locale: "en"})
	}
	if err == nil {
		_, err = client.Force(ctx, c.request.ID, granted)
	}
	if err == nil {
		_, err = client.Collect(ctx, child.ID, "", wardkeep.Collection{Purpose: contested, Values: map[string]string{"push_token": "token"}})
	}
	if err != nil {
		c.t.Fatal(err)
	}
	g := c.in.Guardian(c.bases[0], c.request)
	if _, err = g.SendCode(ctx); err != nil {
		c.t.Fatal(err)
	}
	v, err := g.Verify(ctx, c.in.Phone.Code(fresh.Guardian.Phone))
	if err != nil {
		c.t.Fatal(err)
	}
	c.proof = v.Proof
	c.in.Do(c.apps[0], func(ctx context.Context, tx *db.Tx) error {
		found, err := family.Find(ctx, tx, apptest.Service, family.ID(c.child))
		c.subject = found.Subject
		if err == nil {
			c.player, err = account.FindApp(ctx, tx, c.in.Key)
		}
		return err
	})
}

// round lets clients work on the consent until it was taken back that often. It
// begins and ends with nothing on its way.
func (c *contest) round(withdrawals int) {
	c.history = nil
	c.operation(0, grant, func() (bool, error) { return true, c.grant(0) })
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	var wg sync.WaitGroup
	client := 0
	run := func(in input, pause time.Duration, fn func(i int) (bool, error)) {
		client++
		me := client
		wg.Go(func() {
			for i := me; ctx.Err() == nil; i++ {
				c.operation(me, in, func() (bool, error) { return fn(i % len(c.bases)) })
				time.Sleep(pause)
			}
		})
	}
	for range 3 {
		run(read, 0, c.read)
		run(read, time.Millisecond, c.dawdle)
	}
	run(read, time.Millisecond, c.decide)
	run(grant, 2*time.Millisecond, func(i int) (bool, error) { return true, c.grant(i) })
	run(withdraw, 3*time.Millisecond, c.withdraw)
	wg.Go(func() {
		defer stop()
		for taken := 0; taken < withdrawals && ctx.Err() == nil; {
			c.operation(0, withdraw, func() (bool, error) {
				ok, err := c.takeBack(taken % len(c.apps))
				if ok {
					taken++
				}
				return ok, err
			})
			time.Sleep(time.Duration(pick(8)) * time.Millisecond)
		}
	})
	wg.Wait()
}

func (c *contest) operation(client int, in input, fn func() (bool, error)) {
	call := time.Since(c.start)
	out, err := fn()
	back := time.Since(c.start)
	if err != nil {
		c.t.Errorf("%s: %v", register.DescribeOperation(in, out), err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.history = append(c.history, porcupine.Operation{ClientId: client, Input: in, Call: int64(call), Output: out, Return: int64(back)})
}

func (c *contest) read(i int) (bool, error) {
	v, err := c.in.Client(c.bases[i]).Read(context.Background(), c.child, wardkeep.Reading{Purpose: contested, Items: []string{"push_token"}})
	if errors.Is(err, wardkeep.ErrConsentWithdrawn) {
		return false, nil
	}
	if err == nil && v.Values["push_token"] != "token" {
		err = fmt.Errorf("got %v", v)
	}
	return true, err
}

// dawdle is a read whose facts grow old between the two steps of the edge: what
// was read ahead of the transaction must not count in it.
func (c *contest) dawdle(i int) (bool, error) {
	a, ctx := c.apps[i], context.Background()
	u := gate.Use{Service: apptest.Service, Child: family.ID(c.child), Activity: charter.Use, Purpose: contested, Items: []string{"push_token"}}
	var ready *vault.Prepared
	err := a.Store.View(ctx, func(tx *db.Tx) (err error) {
		ready, err = a.Vault.Prepare(ctx, tx, u)
		return err
	})
	if err != nil {
		return false, err
	}
	time.Sleep(time.Duration(pick(12)) * time.Millisecond)
	err = a.Store.Update(ctx, func(tx *db.Tx) error {
		_, err := a.Vault.Open(ctx, tx, gate.ByApp(c.player), u, ready)
		return err
	})
	if errors.Is(err, gate.ErrDenied) {
		return false, nil
	}
	return true, err
}

func (c *contest) decide(i int) (bool, error) {
	d, err := c.in.Client(c.bases[i]).Decide(context.Background(), wardkeep.Check{Child: c.child, Activity: "use", Purpose: contested, Items: []string{"push_token"}})
	if err == nil && len(d) != 1 {
		err = fmt.Errorf("got %v", d)
	}
	return err == nil && d[0].Permitted, err
}

// asGuardian runs fn as an edge does for the guardian whose browser has the proof.
func (c *contest) asGuardian(a *app.App, fn func(ctx context.Context, tx *db.Tx, desk consent.Desk, by family.Guardian, child family.Child) error) error {
	desk := consent.Desk{Ring: a.Ring, Charters: a.Charters}
	ctx := context.Background()
	return a.Store.Update(ctx, func(tx *db.Tx) error {
		r, err := consent.ByID(ctx, tx, apptest.Service, c.request.ID)
		if err != nil {
			return err
		}
		by, err := desk.Guardian(ctx, tx, r, c.proof)
		if err != nil {
			return err
		}
		child, err := family.Find(ctx, tx, apptest.Service, family.ID(c.child))
		if err != nil {
			return err
		}
		return fn(ctx, tx, desk, by, child)
	})
}

// grant is the guardian asking to be asked, and agreeing: after a withdrawal
// nobody else may start that (edge case 26). The value went with the withdrawal,
// and is collected anew.
func (c *contest) grant(i int) error {
	return c.asGuardian(c.apps[i], func(ctx context.Context, tx *db.Tx, desk consent.Desk, by family.Guardian, child family.Child) error {
		asked, _, _, err := desk.Ask(ctx, tx, by, child, consent.Asking{Purposes: []string{contested}, Channel: consent.Link, Locale: "en"})
		if err != nil {
			return err
		}
		if _, _, err = desk.Force(ctx, tx, c.player, asked, consent.ForceGranted); err != nil {
			return err
		}
		_, err = c.apps[i].Vault.Put(ctx, tx, gate.ByApp(c.player), apptest.Service, child.ID, contested, map[string]pii.Text{"push_token": pii.New("token")})
		return err
	})
}

// takeBack is a withdrawal that no limit of calls slows down.
func (c *contest) takeBack(i int) (bool, error) {
	err := c.asGuardian(c.apps[i], func(ctx context.Context, tx *db.Tx, desk consent.Desk, by family.Guardian, child family.Child) error {
		if _, err := desk.Withdraw(ctx, tx, by, child, contested); err != nil {
			return err
		}
		_, err := c.apps[i].Vault.EraseUnfounded(ctx, tx, by.Ledger(), child.Service, child.ID)
		return err
	})
	if errors.Is(err, consent.ErrWithdrawn) {
		return false, nil
	}
	return err == nil, err
}

// withdraw is a withdrawal over HTTP, until the limit of a link is reached.
func (c *contest) withdraw(i int) (bool, error) {
	g := c.in.Guardian(c.bases[i], c.request)
	_, err := g.Withdraw(context.Background(), wardkeep.Withdrawal{Proof: c.proof, Purpose: contested})
	switch {
	case errors.Is(err, &wardkeep.Problem{Code: "consent.withdrawn"}):
		return false, nil
	case errors.Is(err, wardkeep.ErrTooManyRequests):
		return c.takeBack(i)
	}
	return err == nil, err
}

// judge looks for an order of the operations that the register allows.
func (c *contest) judge() {
	c.t.Helper()
	seen := make(map[string]int)
	for _, o := range c.history {
		seen[register.DescribeOperation(o.Input, o.Output)]++
	}
	for _, want := range []string{"read true", "read false", "grant true", "withdraw true"} {
		if seen[want] < 3 {
			c.t.Errorf("the history proves little: %v", seen)
			break
		}
	}
	if result := porcupine.CheckOperationsTimeout(register, c.history, time.Minute); result != porcupine.Ok {
		c.t.Errorf("the history is %s: %v", result, seen)
	}
}

// ledger reads the order that the ledger gave to what happened.
func (c *contest) ledger() {
	ctx := context.Background()
	c.rest()
	c.in.EndLease(c.apps[0].Store)
	if err := c.apps[0].Ledger.Flush(ctx); err != nil {
		c.t.Fatal(err)
	}
	standing, used, order := false, 0, 0
	err := c.apps[0].Store.View(ctx, func(tx *db.Tx) error {
		head, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		return ledger.Read(ctx, tx, 0, head.Size, func(p ledger.Placed) error {
			var body struct {
				Purpose string `json:"purpose"`
			}
			if p.Subject != c.subject {
				return nil
			}
			if err := json.Unmarshal(p.Body, &body); err != nil {
				return err
			}
			order++
			switch {
			case body.Purpose != contested:
			case p.Kind == "consent.granted":
				standing = true
			case p.Kind == "consent.withdrawn":
				standing = false
			case p.Kind == "use.permitted" && !standing:
				c.t.Errorf("place %d: a use after the withdrawal", p.Place)
			case p.Kind == "use.denied" && standing:
				c.t.Errorf("place %d: a denial in spite of the grant", p.Place)
			case p.Kind == "use.permitted":
				used++
			}
			return nil
		})
	})
	if err != nil || used == 0 || order < used {
		c.t.Errorf("%d uses of %d entries, %v", used, order, err)
	}
	report, err := replay.Audit(ctx, c.apps[0].Store, c.apps[0].Ring, nil, replay.Options{})
	if err != nil || !report.OK() {
		c.t.Errorf("the audit finds %v, %v", report.Differences, err)
	}
}
