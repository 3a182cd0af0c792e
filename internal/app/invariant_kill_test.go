package app_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/app/browsertest"
	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/retention"
	"wardkeep/internal/rights"
)

func TestMain(m *testing.M) {
	if file := os.Getenv(sweepsOnly); file != "" {
		os.Exit(sweepOnly(file))
	}
	if told := os.Getenv(ceasesOnly); told != "" {
		os.Exit(ceaseOnly(told))
	}
	if args := os.Getenv(restoresOnly); args != "" {
		os.Exit(restoreOnly(args))
	}
	if args := os.Getenv(backsUpOnly); args != "" {
		os.Exit(backUpOnly(args))
	}
	code := m.Run()
	apptest.RemoveBinary()
	if err := browsertest.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// kills is how often something is killed in one campaign; there are six.
// WARDKEEP_KILLS is how often in all of them.
func kills(t *testing.T) int {
	all := 120
	if text := os.Getenv("WARDKEEP_KILLS"); text != "" {
		var err error
		if all, err = strconv.Atoi(text); err != nil {
			t.Fatalf("WARDKEEP_KILLS=%s is no number", text)
		}
	}
	return (all + 5) / 6
}

// Invariant 2: under a load of mostly reads, whatever left the process has its
// entry, although kill -9 ends the process again and again.
func TestInvariant2_KillNineReleasesNothingUnrecorded(t *testing.T) {
	apptest.EachAtOnce(t, func(t *testing.T, in *apptest.Installation) { newCampaign(t, in, 85).run(kills(t)) })
}

// Invariant 12: under a load of mostly changes, whatever was acknowledged is
// there after kill -9, whole, and once.
func TestInvariant12_KillNineLosesNothingAcknowledged(t *testing.T) {
	apptest.EachAtOnce(t, func(t *testing.T, in *apptest.Installation) { newCampaign(t, in, 35).run(kills(t)) })
}

// Invariant 8: whoever was demanded to erase is erased, or frozen and erased by
// the next sweep; and where nobody has acknowledged the demand, perhaps as it was. It is nothing in
// between, although kill -9 ends servers and sweeps in the middle of it.
func TestInvariant8_KillNineErasesNobodyByHalf(t *testing.T) {
	apptest.EachAtOnce(t, func(t *testing.T, in *apptest.Installation) {
		c := newCampaign(t, in, 20)
		c.demands = true
		c.run(kills(t))
		t.Logf("%d erased on demand; %d killed sweeps had erased some and not all", c.erased, c.torn)
		if c.erased == 0 {
			t.Error("nobody was erased: the test proves nothing")
		}
	})
}

const workers = 8

// A campaign is a store that lives through many deaths of its server.
type campaign struct {
	t       *testing.T
	in      *apptest.Installation
	looks   int  // percent of the calls that change nothing
	demands bool // to delete, of most wards; and every third life is that of a sweep
	erased  int  // of whom it was demanded
	torn    int  // sweeps that had erased some and not all
	wards   [workers][]*ward
	journal journal

	place   int64             // of the ledger, up to which kinds is complete
	kinds   map[string]string // of every entry that was seen, by id
	checked int               // of the journal
	during  map[string]int    // which calls were cut off
	calls   int
}

func newCampaign(t *testing.T, in *apptest.Installation, looks int) *campaign {
	return &campaign{t: t, in: in, looks: looks, kinds: make(map[string]string), during: make(map[string]int)}
}

func (c *campaign) run(kills int) {
	// On a busy machine the lives may all be over before anybody has demanded something.
	for i := 0; i < kills || c.demands && c.erased == 0 && i < 4*kills; i++ {
		// Some die before they serve, most a moment after the first answer, and
		// some later, when the load has every kind of call.
		moment := pick(500)
		if c.demands && i%3 == 2 {
			before := c.erased
			c.sweep(time.Duration(moment*moment) * time.Microsecond / 8)
			if left := c.check(i%8 == 7); left > 0 && c.erased > before {
				c.torn++
			}
		} else {
			c.life(i%8 == 7, time.Duration(moment*moment)*time.Microsecond)
			c.check(i%8 == 7)
		}
		if c.t.Failed() {
			return
		}
	}
	c.last()
	c.t.Logf("%d kills, %d answers, %d entries released or acknowledged; cut off: %v", kills, c.calls, len(c.journal.all), c.during)
	if cut := len(c.during); c.calls < kills || cut < 2 {
		c.t.Errorf("the load was none: %d answers, %d kinds of calls cut off", c.calls, cut)
	}
}

// life starts a server, loads it and kills it.
func (c *campaign) life(early bool, after time.Duration) {
	p := c.in.Start()
	if early {
		time.Sleep(after)
		p.Kill()
		return
	}
	p.Await()
	first := make(chan struct{})
	load := c.load(p, sync.OnceFunc(func() { close(first) }))
	select {
	case <-first:
	case <-time.After(30 * time.Second):
		c.t.Errorf("nothing is answered:\n%s", p.Log())
	}
	time.Sleep(after)
	p.Kill()
	load.Wait()
	for line := range bytes.Lines(p.Log()) {
		// Whoever starts after a kill says what letters that may have cost, and is right to.
		if bytes.Contains(line, []byte(`"level":"ERROR"`)) && !bytes.Contains(line, []byte("farewells may be lost")) {
			c.t.Errorf("the server complains:\n%s", p.Log())
			break
		}
	}
}

// sweepsOnly is the variable that makes a process of this test a sweep.
const sweepsOnly = "WARDKEEP_TEST_SWEEPS"

// sweepOnly sweeps once, as the job does.
func sweepOnly(file string) int {
	ctx := context.Background()
	config, err := app.LoadConfig(file)
	if err == nil {
		var a *app.App
		if a, err = app.Open(ctx, config, apptest.Discard()); err == nil {
			fmt.Println("sweeping")
			_, err = retention.Sweep(ctx, a.Store, a.Vault)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// sweep starts a sweep and kills it.
func (c *campaign) sweep(after time.Duration) {
	self, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), sweepsOnly+"="+c.in.File)
	var trouble bytes.Buffer
	cmd.Stderr = &trouble
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		c.t.Errorf("no sweep begins: %v\n%s", err, &trouble)
	}
	time.Sleep(after)
	cmd.Process.Kill()
	cmd.Wait()
	if trouble.Len() > 0 {
		c.t.Errorf("the sweep fails:\n%s", &trouble)
	}
	c.in.Drained()
}

// load has all workers call the server until it doesn't answer any more.
func (c *campaign) load(p *apptest.Process, answered func()) *sync.WaitGroup {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i := range workers {
		wg.Go(func() {
			transport := &witness{journal: &c.journal, from: fmt.Sprintf("10.%d.%d.%d", i, pick(256), pick(256))}
			defer transport.CloseIdleConnections()
			caller := &caller{Client: c.in.Client(p.Base), base: p.Base, phone: c.in.Phone}
			caller.HTTP = &http.Client{Transport: transport}
			name, n, err := c.work(i, caller, answered)
			mu.Lock()
			defer mu.Unlock()
			c.calls += n
			c.during[name]++
			if p, ok := errors.AsType[*wardkeep.Problem](err); ok || errors.Is(err, errWrong) {
				c.t.Errorf("%s: %v %v", name, err, p)
			}
		})
	}
	return &wg
}

// work calls until a call fails, and returns which one, and how many went well.
func (c *campaign) work(i int, caller *caller, answered func()) (name string, n int, err error) {
	ctx := context.Background()
	for {
		if n > 0 {
			answered()
		}
		w := c.choose(i)
		if w.there.allows(true) && pick(100) < c.looks {
			use := uses[pick(len(uses))]
			name = "read"
			if w.sealed[use.item] != "" && pick(4) == 0 {
				name, err = "open", w.open(ctx, caller, use.purpose, use.item)
			} else {
				err = w.look(ctx, caller, use.purpose, use.item)
			}
		} else if w.next == nil {
			w.next = w.plan()
		}
		if err == nil && w.next != nil {
			name = w.next.name
			if err = w.next.send(ctx, caller); err == nil {
				w.next = nil
			}
		}
		if err != nil {
			return name, n, err
		}
		n++
	}
}

// choose returns a ward of a worker: there is always one that is unfinished.
func (c *campaign) choose(i int) *ward {
	recent := c.wards[i][max(0, len(c.wards[i])-4):]
	if len(recent) < 3 || pick(60) == 0 || c.demands && !slices.ContainsFunc(recent, (*ward).unfinished) {
		w := newWard()
		w.often = c.demands
		c.wards[i], recent = append(c.wards[i], w), append(recent, w)
	}
	return recent[pick(len(recent))]
}

// A journal holds the entries that answers named: what must be in the ledger.
type journal struct {
	mu  sync.Mutex
	all []named
}

type named struct{ entry, kind string }

// A witness notes the entry of every answer as soon as its header is here,
// whatever the client makes of it, and names another address for each worker.
type witness struct {
	http.Transport
	journal *journal
	from    string
}

func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("X-Forwarded-For", w.from)
	a, err := w.Transport.RoundTrip(r)
	if err != nil {
		return a, err
	}
	if entry := a.Header.Get("Wardkeep-Entry"); entry != "" {
		kind := ""
		switch {
		case strings.HasSuffix(r.URL.Path, "/items:read") && a.StatusCode == http.StatusOK:
			kind = "use.permitted"
		case strings.HasSuffix(r.URL.Path, "/items:read"):
			kind = "use.denied"
		case r.Method == http.MethodPut && a.StatusCode == http.StatusOK:
			kind = "value.collected"
		case r.Method == http.MethodDelete:
			kind = "child.erased"
		case strings.HasSuffix(r.URL.Path, "/requests") && a.StatusCode == http.StatusCreated:
			kind = rights.KindReceived
		case strings.HasSuffix(r.URL.Path, ":withdraw"):
			kind = "consent.withdrawn"
		}
		w.journal.mu.Lock()
		w.journal.all = append(w.journal.all, named{entry, kind})
		w.journal.mu.Unlock()
	} else if a.StatusCode == http.StatusOK && strings.HasSuffix(r.URL.Path, "/items:read") {
		a.Body.Close()
		return nil, fmt.Errorf("%w: values without an entry", errWrong)
	}
	return a, nil
}

// check opens the store of the dead server and looks for every entry that an
// answer named, and how it stands with those of whom it was demanded to erase
// them. It returns how many of them are left to the sweep. Now and then it also
// audits the whole store.
func (c *campaign) check(whole bool) (left int) {
	c.t.Helper()
	ctx := context.Background()
	store, err := app.OpenStore(ctx, c.in.Config)
	if err != nil {
		c.t.Fatal(err)
	}
	defer store.Close()
	err = store.View(ctx, func(tx *db.Tx) error {
		left, err = c.demanded(ctx, tx)
		return errors.Join(err, c.readLedger(ctx, tx))
	})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, n := range c.journal.all[c.checked:] {
		switch kind, ok := c.kinds[n.entry]; {
		case !ok:
			c.t.Errorf("an answer named the entry %s (%s), and the ledger doesn't have it", n.entry, n.kind)
		case n.kind != "" && kind != n.kind:
			c.t.Errorf("the entry %s is %s, want %s", n.entry, kind, n.kind)
		}
	}
	c.checked = len(c.journal.all)
	// The lease of the dead sequencer would keep its successors waiting for two
	// seconds, which is longer than they live.
	if pick(2) == 0 {
		c.in.EndLease(store)
	}
	if whole {
		c.audit(store)
	}
	return left
}

// demanded finds whoever is erased by half, and whose acknowledged demand is lost.
func (c *campaign) demanded(ctx context.Context, tx *db.Tx) (left int, err error) {
	for i := range workers {
		for _, w := range c.wards[i] {
			if w.over || !w.asked.allows(true) {
				continue
			}
			var rows []family.Child
			if err := tx.Together(ctx, family.ReadChild(&rows, family.ID(w.id))); err != nil {
				return left, err
			}
			all, err := rights.Of(ctx, tx, family.ID(w.id))
			if err != nil {
				return left, err
			}
			values, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM value WHERE child = $1`, w.id)
			if err != nil || len(rows) != 1 {
				return left, fmt.Errorf("%d rows of one child: %w", len(rows), err)
			}
			due := len(all) == 1 && all[0].State == rights.Open && !all[0].EraseAt.After(tx.Now())
			switch child := rows[0]; {
			case child.State == family.Erased:
				w.over = true
				c.erased++
				if len(all) > 0 || values > 0 {
					c.t.Errorf("an erased child has %d demands and %d values", len(all), values)
				}
			case child.Frozen && due:
				left++
			case child.Frozen || len(all) > 0:
				c.t.Errorf("frozen: %v, and of the demand there is %+v", child.Frozen, all)
			case w.asked.sure(true):
				c.t.Error("an acknowledged demand is lost")
			}
		}
	}
	return left, nil
}

func (c *campaign) readLedger(ctx context.Context, tx *db.Tx) error {
	head, err := ledger.Head(ctx, tx)
	if err != nil {
		return err
	}
	note := func(p ledger.Placed) error {
		c.kinds[p.ID] = p.Kind
		return nil
	}
	if err := ledger.Read(ctx, tx, c.place, head.Size, note); err != nil {
		return err
	}
	c.place = head.Size
	return ledger.Pending(ctx, tx, note)
}

// audit finds what is half done: the tables must be what the ledger tells.
func (c *campaign) audit(store *db.DB) {
	c.t.Helper()
	report, err := replay.Audit(context.Background(), store, nil, nil, replay.Options{})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, d := range report.Differences {
		c.t.Error(d)
	}
}

// last lets everything that was cut off be repeated, looks at every ward, sweeps,
// and verifies the ledger.
func (c *campaign) last() {
	ctx := context.Background()
	p := c.in.Start().Await()
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			caller := &caller{Client: c.in.Client(p.Base), base: p.Base, phone: c.in.Phone}
			caller.HTTP = &http.Client{Transport: &witness{journal: &c.journal, from: fmt.Sprintf("10.99.0.%d", i)}}
			defer caller.HTTP.CloseIdleConnections()
			for _, w := range c.wards[i] {
				if err := c.settle(ctx, caller, w); err != nil {
					c.t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	p.Kill()
	a := c.in.Open(apptest.Discard())
	c.in.EndLease(a.Store)
	if _, err := retention.Sweep(ctx, a.Store, a.Vault); err != nil {
		c.t.Error(err)
	}
	if err := a.Ledger.Flush(ctx); err != nil {
		c.t.Fatal(err)
	}
	report, err := ledger.Verify(ctx, ledger.FromStore(a.Store), a.LedgerKey)
	if err != nil || !report.OK() {
		c.t.Errorf("the ledger doesn't verify: %v, %v", report.Findings, err)
	}
	if report.Size < int64(len(c.journal.all))/2 {
		c.t.Errorf("the ledger has %d entries, and answers named %d", report.Size, len(c.journal.all))
	}
	if err := a.Close(); err != nil {
		c.t.Error(err)
	}
	if left := c.check(true); left > 0 {
		c.t.Errorf("%d are left that the sweep should have erased", left)
	}
	c.once(report.Size)
}

// settle repeats what was cut off, and looks at all that is known of a ward.
func (c *campaign) settle(ctx context.Context, caller *caller, w *ward) error {
	if w.next != nil {
		if err := w.next.send(ctx, caller); err != nil {
			return fmt.Errorf("%s, repeated: %w", w.next.name, err)
		}
		w.next = nil
	}
	for _, use := range uses {
		if err := w.look(ctx, caller, use.purpose, use.item); err != nil {
			return err
		}
		if w.sealed[use.item] != "" {
			if err := w.open(ctx, caller, use.purpose, use.item); err != nil {
				return err
			}
		}
	}
	return nil
}

// once compares how often wards were written with what the ledger says: a call
// that was repeated under its key happened once.
func (c *campaign) once(size int64) {
	want, got := 0, 0
	for i := range workers {
		for _, w := range c.wards[i] {
			want += w.writes
		}
	}
	for _, kind := range c.kinds {
		if kind == "value.collected" {
			got++
		}
	}
	if want != got {
		c.t.Errorf("%d collections were acknowledged, and %d of %d entries are collections", want, got, size)
	}
}
