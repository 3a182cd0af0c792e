package reach_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
	"wardkeep/internal/reach"
	"wardkeep/internal/rights"
	"wardkeep/internal/shield"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/verification"
)

const service = vaulttest.Service

// A book is a ledger with uses that nobody decided about, and what they were.
type book struct {
	*vaulttest.World
	log  *ledger.Log
	x    reach.Index
	uses []used
}

type used struct {
	ledger.Entry
	at   time.Time
	body gate.UseBody
	node uint16
}

func begin(t *testing.T, w *vaulttest.World) *book {
	signer, _, err := ledger.NewSigner("wardkeep.test", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return &book{World: w, log: ledger.Open(w.Store, "wardkeep.test", signer), x: reach.Index{Ring: w.Ring, Span: 8}}
}

// use appends an entry.
func (b *book) use(ctx context.Context, tx *db.Tx, kind, of, subject, actor string, body gate.UseBody) error {
	e := ledger.Entry{Kind: kind, Service: of, Subject: subject, Version: 1, Actor: actor, Body: body}
	switch kind {
	case gate.KindViewed, gate.KindCopied, gate.KindPorted:
		e.Body = gate.AccessBody{Items: body.Items}
	case vault.KindErased:
		e.Body = vault.ErasedBody{Items: body.Items}
	case vault.KindFetched:
		e.Body = vault.FetchedBody{Role: body.Pull.Role, Party: body.Pull.Party}
	}
	b.uses = append(b.uses, used{e, tx.Now(), body, tx.Node()})
	_, err := ledger.Append(ctx, tx, e)
	return err
}

// index gives all that there is its place, and makes the index.
func (b *book) index() {
	b.T.Helper()
	if err := b.log.Flush(context.Background()); err != nil {
		b.T.Fatal(err)
	}
	for {
		n, err := b.x.Make(context.Background(), b.Store)
		if err != nil {
			b.T.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// by hand: who is asked about, of all that was used, one after the other.
func (b *book) byHand(q reach.Question) (children []string, items map[string]int64) {
	of := make(map[string][]string)
	for _, u := range b.uses {
		party := ""
		switch {
		case u.body.Pull != nil:
			party = string(u.body.Pull.Role) + u.body.Pull.Party
		case u.body.Activity == "entrust":
			party = "processor" + u.body.Party
		case u.body.Activity == "transfer":
			party = "recipient" + u.body.Party
		}
		_, actor, _ := strings.Cut(u.Actor, ":")
		is := map[reach.By]bool{reach.ByKey: actor == q.Name, reach.ByPerson: actor == q.Name, reach.ByPartyKey: actor == q.Name, reach.ByService: true, reach.ByNode: u.node == 0 || u.node == ledger.NodeOf(q.Name),
			reach.ByProcessor: party == "processor"+q.Name, reach.ByRecipient: party == "recipient"+q.Name, reach.ByCharter: fmt.Sprint(u.body.Charter) == q.Name}[q.By]
		if !is || u.Service != q.Service || !slices.Contains([]string{gate.KindPermitted, gate.KindReleased, gate.KindViewed, gate.KindCopied, gate.KindPorted, vault.KindErased, vault.KindFetched, verification.KindSeen, rights.KindShown, shield.KindShown}, u.Kind) ||
			!q.From.IsZero() && u.at.Before(q.From) || !q.To.IsZero() && !u.at.Before(q.To) {
			continue
		}
		of[u.Subject] = append(of[u.Subject], u.body.Items...)
	}
	items = make(map[string]int64)
	for child, names := range of {
		children = append(children, child)
		for _, item := range slices.Compact(slices.Sorted(slices.Values(names))) {
			items[item]++
		}
	}
	slices.Sort(children)
	return children, items
}

// agrees asks, and compares the answer with what is found by hand.
func (b *book) agrees(ctx context.Context, tx *db.Tx, q reach.Question) (reach.Answer, error) {
	b.T.Helper()
	got, err := b.x.Ask(ctx, tx, q)
	if err != nil {
		return got, err
	}
	children, items := b.byHand(q)
	if got.Children != int64(len(children)) || len(got.Items) != len(items) {
		b.T.Errorf("%s %s from %v to %v: %+v, by hand %d, %v", q.By, q.Name, q.From, q.To, got, len(children), items)
		return got, nil
	}
	for _, i := range got.Items {
		if items[i.Item] != i.Children {
			b.T.Errorf("%s %s: %d of %s, by hand %d", q.By, q.Name, i.Children, i.Item, items[i.Item])
		}
	}
	return got, nil
}

// fill writes uses at random: by two keys, a person and a party, of some children, under two
// charters, over some hours.
func (b *book) fill(seed uint64, entries int, subjects []string) (keys []string) {
	b.T.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	keys = []string{id.New(id.Credential), id.New(id.Credential), id.New(id.Staff), id.New(id.PartyKey)}
	names := []string{"voice", "nickname", "weekly_score", "address"}
	for done := 0; done < entries; {
		b.Store.Node = []uint16{0, ledger.NodeOf("keep-1"), ledger.NodeOf("keep-2")}[r.IntN(3)]
		b.Do(func(ctx context.Context, tx *db.Tx) error {
			for range 1 + r.IntN(9) {
				done++
				some := names[r.IntN(3):]
				body := gate.UseBody{Activity: "use", Items: slices.Clone(some[:1+r.IntN(len(some))]), Charter: 1 + int64(2*done/entries)}
				kind, of, i := gate.KindPermitted, service, r.IntN(len(keys))
				switch n := r.IntN(20); {
				case n == 0:
					kind = gate.KindDenied
				case n == 1:
					of = "another"
				case n == 2:
					kind = "child.frozen"
				case n > 15 && i == 2: // a paper, whose body tells of no item
					kind, body = []string{verification.KindSeen, rights.KindShown, shield.KindShown}[r.IntN(3)], gate.UseBody{}
				case n < 5:
					body.Activity, body.Party = "entrust", "acme"
				case n == 5:
					body.Activity, body.Party = "transfer", "acme"
				case i == 3:
					body.Pull = &gate.PullBody{Role: party.Processor, Party: "acme"}
				}
				actor := []string{"app:", "app:", "staff:", "party:"}[i] + keys[i]
				switch n := r.IntN(30); {
				case n < 4:
					kind, body = []string{vault.KindErased, gate.KindViewed, gate.KindCopied, gate.KindPorted}[n], gate.UseBody{Items: body.Items}
					if n > 0 {
						actor = "guardian:" + id.New(id.Guardian)
					}
				case n == 4 && i == 3:
					kind, body = vault.KindFetched, gate.UseBody{Pull: &gate.PullBody{Role: party.Processor, Party: "acme"}}
				}
				if err := b.use(ctx, tx, kind, of, subjects[r.IntN(len(subjects))], actor, body); err != nil {
					return err
				}
			}
			return nil
		})
		b.Pass(time.Duration(1+r.IntN(60)) * time.Second)
	}
	return keys
}

// Article 21: whom something has reached is what the entries give one by one, whether they are in
// the index or not, at whatever moments the question begins and ends.
func TestArticle21_TheIndexLeavesNobodyOut(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		b := begin(t, w)
		ann, ben := w.Child(), w.Child()
		subjects := []string{ann.Subject, ben.Subject}
		for range 40 {
			subjects = append(subjects, id.New(id.Subject))
		}
		before := w.Store.Now()
		b.uses = nil
		keys := b.fill(7, 8*16*3+100, subjects)
		r := rand.New(rand.NewPCG(9, 9))
		took := w.Store.Now().Sub(before)
		questions := []reach.Question{{By: reach.ByService}, {By: reach.ByKey, Name: keys[0]}, {By: reach.ByKey, Name: keys[1]}, {By: reach.ByPerson, Name: keys[2]}, {By: reach.ByPartyKey, Name: keys[3]},
			{By: reach.ByProcessor, Name: "acme"}, {By: reach.ByRecipient, Name: "acme"}, {By: reach.ByCharter, Name: "1"}, {By: reach.ByCharter, Name: "2"}, {By: reach.ByNode, Name: "keep-1"}, {By: reach.ByNode, Name: "keep-9"}, {By: reach.ByKey, Name: id.New(id.Credential)}}
		all := func() {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				for _, q := range questions {
					q.Service = service
					if _, err := b.agrees(ctx, tx, q); err != nil {
						return err
					}
					for range 3 {
						q.From = before.Add(time.Duration(r.Int64N(int64(took))))
						q.To = q.From.Add(time.Duration(1 + r.Int64N(int64(took))))
						if r.IntN(4) == 0 {
							q.From = time.Time{}
						}
						if _, err := b.agrees(ctx, tx, q); err != nil {
							return err
						}
					}
				}
				return nil
			})
		}
		all() // before they have places
		if err := b.log.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		all() // of the entries alone
		b.index()
		all()

		// A restore may have moved the consumer on, to where no stretch begins.
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			head, err := ledger.Head(ctx, tx)
			if err != nil {
				return err
			}
			return ledger.SkipTo(ctx, tx, head.Size-head.Size%8+21)
		})
		b.fill(11, 50, subjects)
		b.index()
		all()

		// Whoever holds an office has come to some as that.
		var who staff.Person
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			office, err := staff.OfOffice(ctx, tx, service, w.Officer.ID)
			if err == nil {
				who, err = staff.Add(ctx, tx, catalog.Operator{ID: "test"}, "林静", office)
			}
			if err == nil {
				err = b.use(ctx, tx, verification.KindSeen, service, ann.Subject, w.Officer.Ledger(), gate.UseBody{})
			}
			return err
		})
		for _, name := range []string{who.ID, w.Officer.ID} {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				got, err := b.x.Ask(ctx, tx, reach.Question{Service: service, By: reach.ByPerson, Name: name})
				if got.Children != 1 {
					t.Errorf("who holds an office has come to %d", got.Children)
				}
				return err
			})
		}

		// A page at a time, of those who are still here.
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Erase(ctx, tx, w.App.Ledger(), service, ben.ID, family.Requested)
			return err
		})
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			q := reach.Question{Service: service, By: reach.ByKey, Name: keys[0]}
			children, _ := b.byHand(q)
			var gone int64
			for from, more := reach.Key(0), true; more; {
				page, err := b.x.Find(ctx, tx, q, from, 7)
				if err != nil {
					return err
				}
				for _, f := range page.Found {
					if f.Subject != ann.Subject || len(f.Items) == 0 {
						t.Errorf("%+v", f)
					}
				}
				gone += page.Gone + int64(len(page.Found))
				from, more = page.Next, page.More
			}
			if gone != int64(len(children)) {
				t.Errorf("%d are found page by page, %d by hand", gone, len(children))
			}
			return nil
		})
	})
}

// Invariant 3, Article 21: an index that was touched is found by an audit, and no question that
// comes upon it has an answer that leaves somebody out; one of which a whole stretch is gone is
// made up for by the entries.
func TestArticle21_AnIndexThatWasTouchedIsFound(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		b := begin(t, w)
		subjects := []string{w.Child().Subject}
		for range 20 {
			subjects = append(subjects, id.New(id.Subject))
		}
		b.fill(3, 8*16+20, subjects)
		b.index()
		check := func(ctx context.Context, tx *db.Tx) (all []string, err error) {
			c, err := b.x.NewCheck(ctx, tx)
			if err != nil {
				return nil, err
			}
			if err := ledger.Read(ctx, tx, 0, 1<<40, func(p ledger.Placed) error { c.Add(p); return nil }); err != nil {
				return nil, err
			}
			return all, c.Compare(ctx, tx, func(what string, level, n int64) { all = append(all, fmt.Sprint(what, " ", level, " ", n)) })
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := check(ctx, tx)
			if len(all) > 0 {
				t.Errorf("nobody has touched it: %q", all)
			}
			return err
		})
		rollback := errors.New("as it was")
		for _, c := range []struct{ name, query, found string }{
			{"a stretch is gone", `DELETE FROM reach_segment WHERE level = 0 AND n = 3`, "missing 0 3"},
			{"a longer one is another", `UPDATE reach_segment SET level = 2 WHERE level = 1`, "bound 2 0"},
			{"a stretch is another", `UPDATE reach_segment SET n = 77 WHERE level = 0 AND n = 3`, "bound 0 77"},
			{"a stretch is far off", `UPDATE reach_segment SET n = 9223372036854775806 WHERE level = 0 AND n = 3`, "bound 0 9223372036854775806"},
			{"a stretch is before all", `UPDATE reach_segment SET n = -1 WHERE level = 0 AND n = 3`, "bound 0 -1"},
			{"a stretch is empty", `UPDATE reach_segment SET directory = '[]' WHERE level = 0 AND n = 3`, "bound 0 3"},
			{"it was earlier", `UPDATE reach_segment SET min_at = 1, max_at = 2 WHERE level = 1`, "bound 1 0"},
			{"it ended earlier", `UPDATE reach_segment SET max_at = min_at WHERE level = 0 AND n = 3`, "bound 0 3"},
			{"somebody else has written it", `UPDATE reach_segment SET bound = directory WHERE level = 0 AND n = 3`, "bound 0 3"},
			{"a part is gone", `DELETE FROM reach_part WHERE level = 1 AND part = 0`, "keys 1 0"},
			{"a part is another's", `UPDATE reach_part SET n = 99 WHERE level = 1`, "keys 1 0"},
			{"a part is another", `UPDATE reach_part SET part = part + 1000 WHERE level = 1`, "keys 1 0"},
			{"a part is of another length", `UPDATE reach_part SET level = 5 WHERE level = 1`, "keys 1 0"},
			{"nobody is in a part", `UPDATE reach_part SET keys = '' WHERE level = 1`, "keys 1 0"},
			{"somebody else is", `UPDATE reach_part SET keys = (SELECT keys FROM reach_part WHERE level = 0 AND n = 3 AND part = 0) WHERE level = 1`, "keys 1 0"},
		} {
			err := w.Try(func(ctx context.Context, tx *db.Tx) error {
				n, err := tx.Exec(ctx, c.query)
				if err != nil || n == 0 {
					return cmp.Or(err, errors.New("nothing was changed"))
				}
				found, err := check(ctx, tx)
				if err != nil {
					return err
				}
				if !slices.Contains(found, c.found) {
					t.Errorf("%s: %q, and not %q", c.name, found, c.found)
				}
				for _, by := range []reach.Question{{Service: service, By: reach.ByService}, {Service: service, By: reach.ByService, To: w.Store.Now().Add(-time.Minute)}} {
					if _, err := b.agrees(ctx, tx, by); err != nil && !errors.Is(err, reach.ErrDamaged) {
						t.Errorf("%s: %v", c.name, err)
					}
				}
				return rollback
			})
			if !errors.Is(err, rollback) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	})
}

// What nobody can answer is refused.
func TestArticle21_AQuestionThatIsNone(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		q    reach.Question
		want error
	}{
		"by nothing":          {reach.Question{}, reach.ErrBy},
		"a key that is none":  {reach.Question{By: reach.ByKey, Name: "ak_x"}, reach.ErrName},
		"a person by a key":   {reach.Question{By: reach.ByPerson, Name: id.New(id.Credential)}, reach.ErrName},
		"a charter of words":  {reach.Question{By: reach.ByCharter, Name: "1x"}, reach.ErrName},
		"a charter of none":   {reach.Question{By: reach.ByCharter, Name: "0"}, reach.ErrName},
		"a party of two":      {reach.Question{By: reach.ByProcessor, Name: "a/b"}, reach.ErrName},
		"the service by name": {reach.Question{By: reach.ByService, Name: "x"}, reach.ErrName},
		"backwards":           {reach.Question{By: reach.ByService, From: now, To: now}, reach.ErrTime},
	} {
		if err := c.q.Check(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A key is what a pseudonym begins with, and leads back to how it begins.
func TestAKeyIsHowAPseudonymBegins(t *testing.T) {
	for range 100 {
		subject := id.New(id.Subject)
		k, ok := reach.KeyOf(subject)
		if !ok || !strings.HasPrefix(subject, k.Begins()) || len(k.Begins()) != 15 {
			t.Fatalf("%s: %s", subject, k.Begins())
		}
	}
	for _, none := range []string{"", "su_", id.New(id.Child), "su_" + strings.Repeat("u", 26), "su_" + strings.Repeat("0", 25)} {
		if _, ok := reach.KeyOf(none); ok {
			t.Errorf("%q is one", none)
		}
	}
}

// Article 21: whom a question finds comes to the list of its case, a part at a time, on whatever
// node; who was on the way when it was asked, too; and it ends with how many they were.
func TestArticle21_AQuestionFillsTheListOfItsCase(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		b := begin(t, w)
		ann, ben, cat := w.Child(), w.Child(), w.Child()
		b.uses = nil
		key := id.New(id.Credential)
		touch := func(children ...family.Child) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				for _, c := range children {
					if err := b.use(ctx, tx, gate.KindPermitted, service, c.Subject, "app:"+key, gate.UseBody{Activity: "use", Items: []string{"voice"}, Charter: 1}); err != nil {
						return err
					}
				}
				return nil
			})
			b.index()
		}
		touch(ann, ben)
		var c incident.Case
		var q incident.Question
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			c, _, err = incident.Desk{Ring: w.Ring, Charters: w.Desk.Charters}.Open(ctx, tx, w.Officer, service, incident.Report{Kind: incident.Leaked, NoticedAt: tx.Now(), Words: pii.New("一把密钥")})
			return err
		})
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			_, err = w.Vault.Erase(ctx, tx, w.App.Ledger(), service, ben.ID, family.Requested)
			return err
		})
		w.Pass(time.Second)
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			if _, _, err := reach.AskFor(ctx, tx, w.Officer, c.ID, reach.Question{Service: service, By: "nobody"}); !errors.Is(err, reach.ErrBy) {
				t.Errorf("by nobody: %v", err)
			}
			q, _, err = reach.AskFor(ctx, tx, w.Officer, c.ID, reach.Question{Service: service, By: reach.ByKey, Name: key})
			return err
		})
		steps := func() (n int) {
			for went := true; went; n++ {
				var err error
				if went, err = b.x.Extend(t.Context(), w.Store); err != nil || n > 20 {
					t.Fatal(n, err)
				}
			}
			return n - 1
		}
		on := func() (children []family.ID) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				all, err := incident.Reached(ctx, tx, c.ID, "", 10)
				children = nil
				for _, a := range all {
					children = append(children, a.Child)
				}
				return err
			})
			return children
		}
		if n := steps(); n != 1 || !slices.Equal(on(), []family.ID{ann.ID}) {
			t.Errorf("%d steps, %v", n, on())
		}
		if n := steps(); n != 0 {
			t.Error("it goes on before all can be there")
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error { // by hand: it begins anew
			_, err := tx.Exec(ctx, `UPDATE incident_question SET walk = (SELECT sealed FROM incident_note LIMIT 1)`)
			return err
		})
		w.Pass(2 * time.Minute)
		touch(cat) // after what was asked about
		if n := steps(); n != 1 || !slices.Equal(on(), []family.ID{ann.ID}) {
			t.Errorf("%d steps, %v", n, on())
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := incident.Asked(ctx, tx, c.ID)
			if err != nil || len(all) != 1 || all[0].DoneAt.IsZero() || all[0].Found != 1 || all[0].Gone != 1 || all[0].Number != q.Number {
				t.Errorf("%+v, %v", all, err)
			}
			list, err := incident.ListOf(ctx, tx, c.ID)
			if err != nil || list.Children != 1 || list.Batches != 1 {
				t.Errorf("%+v, %v", list, err)
			}
			n, err := incident.GuardiansOf(ctx, tx, c.ID, 100)
			if err != nil || n != 1 {
				t.Errorf("%d guardians, %v", n, err)
			}
			return nil
		})

		// A question that can't be answered keeps none behind it from going on, and is said.
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			bad, _, err := reach.AskFor(ctx, tx, w.Officer, c.ID, reach.Question{Service: service, By: reach.ByKey, Name: key})
			if err == nil {
				_, err = tx.Exec(ctx, `UPDATE incident_question SET kind = 'nobody' WHERE number = $1`, bad.Number)
			}
			return err
		})
		w.Pass(time.Second)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := reach.AskFor(ctx, tx, w.Officer, c.ID, reach.Question{Service: service, By: reach.ByKey, Name: key})
			return err
		})
		if went, err := b.x.Extend(t.Context(), w.Store); !went || err != nil || !slices.Contains(on(), cat.ID) {
			t.Errorf("%t, %v, %v", went, err, on())
		}
		if went, err := b.x.Extend(t.Context(), w.Store); went || !errors.Is(err, reach.ErrBy) {
			t.Errorf("%t, %v", went, err)
		}
	})
}
