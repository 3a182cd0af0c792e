package app_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/due"
	"wardkeep/internal/family"
	"wardkeep/internal/incident"
	"wardkeep/internal/reach"
	"wardkeep/internal/replay"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/warning"
)

// A liar is an SMS gateway that knows one number isn't anybody's, and says of every other that it
// has taken the message.
type liar struct {
	nobody string
	mu     sync.Mutex
	took   map[string]string // the name of the last message about a leak, by number
}

func (l *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	l.mu.Lock()
	defer l.mu.Unlock()
	_, to, _ := strings.Cut(string(b), `"to":"+86`)
	if to, _, _ = strings.Cut(to, `"`); to == l.nobody {
		http.Error(w, "no such number", http.StatusBadRequest)
		return
	}
	l.took[to] = r.Header.Get("webhook-id")
}

func (l *liar) taken(number string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.took[number]
}

// Article 21: a processor reports a leak over HTTP; whom it has come to is found in the ledger, and
// each of their guardians is told by the word of two persons: whom a gateway doesn't reach, or has
// lied about, is telephoned and written to, and at last the public is warned. Whom the processor
// never had anything of hears nothing. It all replays.
func TestArticle21_AProcessorsLeakReachesItsGuardians(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		a, ctx := in.Open(apptest.Discard()), t.Context()
		base := in.Serve(a)
		client := in.Client(base)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		w := &vaulttest.World{T: t, Store: a.Store, Officer: in.Officer, Charter: in.Charter}
		of := vaulttest.ProcessorID()
		w.Engage(a.Store.Now().Add(24 * time.Hour))
		w.BindSeal(of)
		key, signer := w.Bind(of)
		party, err := wardkeep.ForParty(base, key.ID, signer)
		must(err)
		party.As = a.Config.PublicURL
		party.With(client)

		var fresh []wardkeep.NewChild
		for range 3 {
			one := apptest.NewChild()
			child, err := client.Register(ctx, one)
			must(err)
			r, err := client.Ask(ctx, wardkeep.Asking{Child: wardkeep.Ref(one.Ref), Channel: "sms", Locale: "zh-CN"})
			must(err)
			_, err = client.Force(ctx, r.ID, granted)
			must(err)
			_, err = client.Collect(ctx, child.ID, "", wardkeep.Collection{Purpose: "speaking-practice", Values: map[string]string{"gender": "女"}})
			must(err)
			if fresh = append(fresh, one); len(fresh) < 3 {
				_, err = client.Push(ctx, child.ID, wardkeep.Push{Role: string(of.Role), Party: of.Name, Purpose: "speaking-practice", Items: []string{"gender"}})
				must(err)
			}
		}
		lied, nobody, spared := fresh[0].Guardian.Phone, fresh[1].Guardian.Phone, fresh[2].Guardian.Phone
		gateway := &liar{nobody: nobody, took: make(map[string]string)}
		in.Phone.Break(gateway.ServeHTTP)

		leak, err := party.ReportLeak(ctx, wardkeep.NewLeak{Kind: "leaked", Items: []string{"gender"}, Words: "导出的文件可以公开下载"})
		must(err)
		o := hireOffice(t, in, a)
		must(a.Ledger.Flush(ctx))
		in.Do(a, func(ctx context.Context, tx *db.Tx) error {
			_, _, err := reach.AskFor(ctx, tx, in.Officer, leak.ID, reach.Question{Service: apptest.Service, By: reach.ByProcessor, Name: of.Name})
			return err
		})
		for went := true; went; {
			went, err = a.Reach().Extend(ctx, a.Store)
			must(err)
		}
		in.Do(a, func(ctx context.Context, tx *db.Tx) error {
			list, err := incident.ListOf(ctx, tx, leak.ID)
			if list.Children != 2 {
				t.Errorf("the processor had something of %d children", list.Children)
			}
			return err
		})

		n := o.notice(leak.ID)
		told := func(want map[warning.State]int64) {
			t.Helper()
			in.Do(a, func(ctx context.Context, tx *db.Tx) error {
				counts, err := warning.Counts(ctx, tx, n)
				for _, c := range counts {
					if want[c.State] != c.Many {
						t.Errorf("%d stand as %s, want %d", c.Many, c.State, want[c.State])
					}
				}
				if len(counts) != len(want) {
					t.Errorf("they stand %v, want %v", counts, want)
				}
				return err
			})
		}
		_, err = a.Warnings().Round(ctx)
		must(err)
		told(map[warning.State]int64{warning.Sent: 1, warning.Call: 1, warning.Through: 2})
		message := gateway.taken(lied)
		if message == "" || gateway.taken(spared) != "" {
			t.Errorf("told: %t, of another child: %t", message != "", gateway.taken(spared) != "")
		}
		came := func(state warning.State, outcomes ...warning.Outcome) {
			t.Helper()
			for _, outcome := range outcomes {
				in.Do(a, func(ctx context.Context, tx *db.Tx) error {
					all, err := warning.List(ctx, tx, n, state, warning.Addressee{}, 1)
					if err == nil && len(all) == 0 {
						err = errors.New("nobody stands as " + string(state))
					}
					if err == nil {
						_, err = a.Warnings().Note(ctx, tx, o.does(o.officer, staff.TellFamilies), apptest.Service, n.ID, all[0].Child, all[0].Guardian, outcome)
					}
					return err
				})
			}
		}
		came(warning.Call, warning.NoAnswer, warning.NoAnswer, warning.NoAnswer)
		came(warning.Letter, warning.Mailed)
		came(warning.Posted, warning.Returned)
		told(map[warning.State]int64{warning.Sent: 1, warning.Through: 2, warning.Unreachable: 1})

		// The gateway has said that it took the other, and says an hour later that it came back.
		back := wardkeep.NewReturned{To: lied, Message: message}
		for _, wrong := range []wardkeep.NewReturned{{To: spared, Message: message}, {To: lied, Message: "x"}} {
			if _, err := client.MessageReturned(ctx, wrong); !errors.Is(err, &wardkeep.Problem{Code: "warning.message"}) {
				t.Errorf("what nobody was sent comes back: %v", err)
			}
		}
		got, err := client.MessageReturned(ctx, back)
		if must(err); got.State != string(warning.Call) {
			t.Errorf("whom it didn't reach stands as %q", got.State)
		}
		if _, err := client.MessageReturned(ctx, back); !errors.Is(err, &wardkeep.Problem{Code: "warning.message"}) {
			t.Errorf("it comes back twice: %v", err)
		}
		came(warning.Call, warning.Reached)
		told(map[warning.State]int64{warning.Told: 1, warning.Through: 2, warning.Unreachable: 1})

		in.Do(a, func(ctx context.Context, tx *db.Tx) error {
			_, _, err := warning.Publish(ctx, tx, a.Ring, o.does(o.deputy, staff.JudgeIncidents), apptest.Service, n.ID)
			return err
		})
		feed, err := http.Get(base + "/warnings/feed?lang=zh-CN")
		must(err)
		defer feed.Body.Close()
		text, err := io.ReadAll(feed.Body)
		if must(err); !strings.Contains(string(text), n.ID) || !strings.Contains(string(text), "导出的文件") {
			t.Errorf("the public isn't warned: %d", feed.StatusCode)
		}

		// A child that is found later is told of by nothing, and the list of what is due says so.
		in.Do(a, func(ctx context.Context, tx *db.Tx) error {
			c, err := family.FindByRef(ctx, tx, a.Ring, apptest.Service, pii.New(fresh[2].Ref))
			if err != nil {
				return err
			}
			_, _, err = incident.Reach(ctx, tx, in.Officer, apptest.Service, leak.ID, []incident.Found{{Subject: c.Subject}})
			return err
		})
		in.Do(a, func(ctx context.Context, tx *db.Tx) error {
			services, err := catalog.List(ctx, tx)
			if err != nil {
				return err
			}
			all, _, err := due.List(ctx, tx, due.Asking{Person: o.officer, Services: services, Kind: due.Untold}, due.Cursor{}, 10)
			if len(all) != 1 || all[0].N != 1 || all[0].ID != leak.ID+":"+n.ID || !all[0].Late(tx.Now()) {
				t.Errorf("due: %+v", all)
			}
			return err
		})
		must(a.Ledger.Flush(ctx))
		report, err := replay.Audit(ctx, a.Store, a.Ring, catalog.NewCache(4), replay.Options{})
		if err != nil || !report.OK() {
			t.Errorf("%v, %v", report.Differences, err)
		}
	})
}

// An office is the two persons in office of a service.
type office struct {
	t               *testing.T
	in              *apptest.Installation
	a               *app.App
	officer, deputy staff.Person
}

func hireOffice(t *testing.T, in *apptest.Installation, a *app.App) *office {
	t.Helper()
	o := &office{t: t, in: in, a: a}
	in.Do(a, func(ctx context.Context, tx *db.Tx) error {
		for role, p := range map[catalog.Role]*staff.Person{catalog.RoleOfficer: &o.officer, catalog.RoleDeputy: &o.deputy} {
			held, err := catalog.Holder(ctx, tx, apptest.Service, role)
			if err != nil {
				return err
			}
			grant, err := staff.OfOffice(ctx, tx, apptest.Service, held.ID)
			if err == nil {
				*p, err = staff.Add(ctx, tx, catalog.Operator{ID: "test"}, string(role), grant)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return o
}

func (o *office) does(p staff.Person, a staff.Action) staff.Acting {
	return staff.Acting{Person: p, Action: a}
}

// notice is what both tell about a case.
func (o *office) notice(about string) (n warning.Notice) {
	o.t.Helper()
	words := warning.Words{What: "性别。", Cause: "导出的文件可以公开下载，当天已关闭。", Harm: "可能有人冒充老师。", Remedies: "已删除文件。", Advice: "不要提供验证码。", Contact: "400-820-1234", Child: "先告诉爸爸妈妈。"}
	o.in.Do(o.a, func(ctx context.Context, tx *db.Tx) (err error) {
		n, _, err = warning.Draft(ctx, tx, o.a.Ring, o.does(o.officer, staff.WriteIncidents), apptest.Service, about, "", false, warning.Text{Chinese: words, English: words})
		return err
	})
	o.in.Do(o.a, func(ctx context.Context, tx *db.Tx) (err error) {
		n, _, err = warning.Confirm(ctx, tx, o.a.Ring, o.does(o.deputy, staff.JudgeIncidents), apptest.Service, n.ID, n.Version)
		return err
	})
	return n
}
