package publication_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/publication"
	"wardkeep/internal/screening"
	"wardkeep/internal/vault/vaulttest"
)

// A newsroom is a world with a desk that looks at what is published.
type newsroom struct {
	*vaulttest.World
	desk   *publication.Desk
	ledger *ledger.Log
}

func each(t *testing.T, fn func(t *testing.T, w *newsroom)) {
	t.Helper()
	vaulttest.Each(t, func(t *testing.T, world *vaulttest.World) {
		signer, _, err := ledger.NewSigner("wardkeep.example/test", world.Ring.Signer().Seed())
		if err != nil {
			t.Fatal(err)
		}
		w := &newsroom{World: world, ledger: ledger.Open(world.Store, "wardkeep.example/test", signer)}
		w.opens()
		w.Publish(vaulttest.Screened(w.Charter))
		fn(t, w)
	})
}

// opens has a desk begin with no set. It publishes phone numbers and names of nobody.
func (w *newsroom) opens() {
	w.desk = &publication.Desk{Vault: w.Vault, Sets: &publication.Sets{Store: w.Store, Vault: w.Vault}, Quota: new(publication.Quota),
		Policy: screening.Publishing(screening.Phone, screening.Name)}
}

// child registers one with a nickname and the phone number of its guardian.
func (w *newsroom) child(nickname, phone string) family.Child {
	w.T.Helper()
	c := w.Child()
	w.Put(c, "course-progress", "nickname", nickname)
	w.Put(c, "account", "guardian_phone", phone)
	return c
}

// judge is the answer about a text.
func (w *newsroom) judge(text string, by family.Child, audience string) (got publication.Screened, uses []gate.Use) {
	w.T.Helper()
	ctx := context.Background()
	r, err := w.desk.Read(ctx, vaulttest.Service, publication.Content{Text: pii.New(text)})
	if err != nil {
		w.T.Fatal(err)
	}
	err = w.Store.View(ctx, func(tx *db.Tx) (err error) {
		got, uses, err = w.desk.Judge(ctx, tx, publication.Author{By: w.By(), Service: vaulttest.Service, Child: by.ID, Audience: audience}, r)
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return got, uses
}

func (w *newsroom) wants(text string, by family.Child, want screening.Verdict) {
	w.T.Helper()
	if got, _ := w.judge(text, by, ""); got.Verdict != want {
		w.T.Errorf("%s: %s, want %s", text, got.Verdict, want)
	}
}

// follow places what is in the ledger, and has the sets read it.
func (w *newsroom) follow() {
	w.T.Helper()
	if _, err := w.ledger.Sequence(context.Background()); err != nil {
		w.T.Fatal(err)
	}
	if err := w.desk.Sets.Follow(context.Background()); err != nil {
		w.T.Fatal(err)
	}
}

// entries returns those of a kind.
func (w *newsroom) entries(kind string) (all []ledger.Placed) {
	w.T.Helper()
	ctx := context.Background()
	if _, err := w.ledger.Sequence(ctx); err != nil {
		w.T.Fatal(err)
	}
	err := w.Store.View(ctx, func(tx *db.Tx) error {
		head, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		return ledger.ReadKind(ctx, tx, 0, head.Size, kind, func(p ledger.Placed) error {
			all = append(all, p)
			return nil
		})
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return all
}

var nobody family.Child

// Article 4, edge case 25: a value of another child is held whatever the policy says, and
// the answer doesn't say whose it is, nor that it is a child's at all.
func TestArticle4_AnotherChildsValueIsHeld(t *testing.T) {
	each(t, func(t *testing.T, w *newsroom) {
		mei, bo := w.child("王小溪", "13912345678"), w.child("李小满", "13712345678")
		for _, by := range []family.Child{nobody, bo} {
			w.wants("打139 1234 5678找她妈妈", by, screening.Hold)
			w.wants("打13612345678找她妈妈", by, screening.Publish)
		}
		w.wants("打13912345678找我妈妈", mei, screening.Hold) // Article 18: nothing permits that
		got, uses := w.judge("打13912345678找她妈妈", bo, "class")
		if len(got.Findings) != 1 || len(uses) != 0 {
			t.Fatalf("%+v, %v", got, uses)
		}
		if f := got.Findings[0]; f.Kind != screening.Phone || f.Start != 3 || f.End != 14 || f.FromRune != 1 || f.Upto != 12 || f.Verdict != screening.Hold {
			t.Errorf("%+v", f)
		}
		if shown := fmt.Sprintf("%+v", got); strings.Contains(shown, "13912345678") || strings.Contains(shown, string(mei.ID)) || !strings.HasSuffix(got.Masked, "找她妈妈") {
			t.Errorf("the answer tells: %s", shown)
		}
		// That a word is also some child's name is told to nobody.
		w.child("小溪", "13312345678")
		w.follow()
		if got, _ := w.judge("门前有条小溪", bo, ""); got.Verdict != screening.Publish || len(got.Findings) != 0 {
			t.Errorf("%+v", got)
		}
	})
}

// Article 20: what is erased is found no more as soon as it is, in a set that nobody has
// changed yet, too; and a second later neither its hash nor the name of its child is in
// memory.
func TestArticle20_AnErasedChildIsFoundNoMore(t *testing.T) {
	each(t, func(t *testing.T, w *newsroom) {
		mei := w.child("王小溪", "13912345678")
		w.child("李小满", "13712345678")
		w.wants("打13912345678", nobody, screening.Hold)
		before := w.desk.Sets.Size()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Erase(ctx, tx, w.App.Ledger(), vaulttest.Service, mei.ID, family.UseEnded)
			return err
		})
		w.wants("打13912345678", nobody, screening.Publish)
		w.wants("打13712345678", nobody, screening.Hold)
		w.follow()
		if after := w.desk.Sets.Size(); before.Values != 4 || after.Values != 2 || after.Children != 1 {
			t.Errorf("%+v, then %+v", before, after)
		}
		w.wants("打13912345678", nobody, screening.Publish)
		w.wants("打13712345678", nobody, screening.Hold)
	})
}

// A set follows what comes, changes and goes: new values, others, a consent that is taken
// back, a child that is frozen, a charter that marks nothing.
func TestArticle4_ASetFollowsTheVault(t *testing.T) {
	each(t, func(t *testing.T, w *newsroom) {
		mei := w.child("王小溪", "13912345678")
		w.wants("打13912345678", nobody, screening.Hold)
		bo := w.child("李小满", "13712345678")
		w.follow()
		w.wants("打13712345678", nobody, screening.Hold)

		w.Put(mei, "account", "guardian_phone", "13512345678")
		w.follow()
		w.wants("打13512345678", nobody, screening.Hold)
		w.wants("打13912345678", nobody, screening.Publish)

		w.Answer(mei, consent.ForceRefused, "account")
		w.follow()
		w.wants("打13512345678", nobody, screening.Publish)

		w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, vaulttest.Service, bo.ID)
			if err == nil {
				_, err = family.Freeze(ctx, tx, w.Officer, c, family.ByOfficer)
			}
			return err
		})
		w.follow()
		w.wants("打13712345678", nobody, screening.Publish)

		if n := len(w.entries(gate.KindCompared)); n != 1 {
			t.Errorf("%d entries for one set", n)
		}
		bare := *w.Charter
		bare.Items = slices.Clone(bare.Items)
		for i := range bare.Items {
			bare.Items[i].ScreenedAs = ""
		}
		w.Publish(&bare)
		w.follow()
		if n := w.desk.Sets.Size(); n.Values != 0 || n.Children != 0 || n.Bytes != 0 {
			t.Errorf("with a charter that marks nothing: %+v", n)
		}
	})
}

// Article 4: a value that somebody has damaged by hand can't be looked for, and keeps no other
// from being; whose it is the audit finds, and that there is one is said until it is whole.
func TestArticle4_ADamagedValueHidesNobodyElses(t *testing.T) {
	each(t, func(t *testing.T, w *newsroom) {
		mei, bo := w.child("王小溪", "13912345678"), w.child("李小满", "13712345678")
		damages := func(c family.Child, item string) {
			t.Helper()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE value SET sealed = $1 WHERE child = $2 AND item = $3`, []byte("x"), c.ID, item)
				return err
			})
		}
		damaged := func(want int) {
			t.Helper()
			if n := w.desk.Sets.Size().Damaged; n != want {
				t.Errorf("%d are damaged, want %d", n, want)
			}
		}
		damages(mei, "guardian_phone")
		w.wants("打13712345678", nobody, screening.Hold)
		w.wants("打13912345678", nobody, screening.Publish)
		damaged(1)
		w.Put(mei, "account", "guardian_phone", "13912345678") // collected again
		w.follow()
		w.wants("打13912345678", nobody, screening.Hold)
		damaged(0)
		damages(mei, "nickname")
		w.Put(mei, "account", "guardian_phone", "13512345678")
		w.follow()
		w.wants("打13512345678", nobody, screening.Hold)
		damaged(1)
		w.Do(func(ctx context.Context, tx *db.Tx) error { // nor does a child whose key is damaged
			_, err := tx.Exec(ctx, `UPDATE child SET wrapped = (SELECT wrapped FROM child WHERE child = $1) WHERE child = $2`, bo.ID, mei.ID)
			return err
		})
		w.opens()
		w.wants("打13512345678", nobody, screening.Publish)
		w.wants("打13712345678", nobody, screening.Hold)
		damaged(1)
	})
}

// A set is made anew each day: what comes while it is made is in it when it is used.
func TestArticle4_WhatComesWhileASetIsMadeIsInIt(t *testing.T) {
	each(t, func(t *testing.T, w *newsroom) {
		mei, bo := w.child("王小溪", "13912345678"), w.child("李小满", "13712345678")
		w.wants("打13912345678", nobody, screening.Hold)
		w.desk.Sets.Age()
		w.desk.Sets.Gathered(func() {
			w.Put(mei, "account", "guardian_phone", "13512345678")
			w.child("赵小乐", "13312345678")
			w.Answer(bo, consent.ForceRefused, "account")
			if _, err := w.ledger.Sequence(context.Background()); err != nil {
				t.Error(err)
			}
		})
		w.follow()
		if n := len(w.entries(gate.KindCompared)); n != 2 {
			t.Fatalf("%d entries of two sets", n)
		}
		for number, want := range map[string]screening.Verdict{"13512345678": screening.Hold, "13312345678": screening.Hold, "13912345678": screening.Publish, "13712345678": screening.Publish} {
			w.wants("打"+number, nobody, want)
		}
	})
}

// Invariant 3: who asks while somebody works on a set that is late waits for nobody.
func TestInvariant3_NobodyWaitsForALateSet(t *testing.T) {
	each(t, func(t *testing.T, w *newsroom) {
		w.child("王小溪", "13912345678")
		w.wants("打13912345678", nobody, screening.Hold)
		done := w.desk.Sets.Busy()
		answer := make(chan error)
		go func() {
			_, err := w.desk.Read(context.Background(), vaulttest.Service, publication.Content{Text: pii.New("今天天气真好")})
			answer <- err
		}()
		select {
		case err := <-answer:
			if !errors.Is(err, publication.ErrNotReady) {
				t.Errorf("%v", err)
			}
			done()
		case <-time.After(10 * time.Second):
			t.Error("no answer")
			done()
			<-answer
		}
		w.wants("打13912345678", nobody, screening.Hold)
	})
}

// Article 15, Invariant 2: that values are opened to be hashed is on record before the
// first is, once for all children, and names none. What the gate refuses is asked once.
func TestInvariant2_AGatheringIsOnRecord(t *testing.T) {
	each(t, func(t *testing.T, w *newsroom) {
		mei := w.child("王小溪", "13912345678")
		w.wants("打13912345678", nobody, screening.Hold)
		all := w.entries("screening.")
		if len(all) != 1 || all[0].Kind != gate.KindCompared || all[0].Subject != "" || all[0].Actor != gate.Screener || strings.Contains(string(all[0].Body), mei.Subject) {
			t.Fatalf("%v", all)
		}
		var b gate.ComparingBody
		if err := all[0].Into(&b); err != nil || !slices.Equal(b.Items, []string{"guardian_phone", "nickname", "school"}) {
			t.Errorf("%+v, %v", b, err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := catalog.Recall(ctx, tx, catalog.Operator{ID: "test"}, vaulttest.Service)
			return err
		})
		w.opens()
		for range 3 {
			if _, err := w.desk.Read(context.Background(), vaulttest.Service, publication.Content{Text: pii.New("今天天气真好")}); !errors.Is(err, publication.ErrNotReady) {
				t.Errorf("under a charter that was recalled: %v", err)
			}
			_ = w.desk.Sets.Follow(context.Background())
		}
		if n := len(w.entries(gate.KindCompareRefused)); n != 1 {
			t.Errorf("%d entries of one refusal", n)
		}
	})
}

// Article 18: the author's own values are held unless a permit shows them to that
// audience, and what is shown is recorded as any disclosure.
func TestArticle18_OwnValuesNeedAPermit(t *testing.T) {
	each(t, func(t *testing.T, w *newsroom) {
		mei, _ := w.Enrol()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Find(ctx, tx, vaulttest.Service, mei.ID)
			if err != nil {
				return err
			}
			r, _, _, err := w.Desk.Ask(ctx, tx, w.App, c, consent.Asking{Channel: consent.Link, Locale: "zh-CN"})
			if err == nil {
				_, _, err = w.Desk.ForceAt(ctx, tx, w.App, r, consent.ForceGranted, family.NameAndNumber)
			}
			return err
		})
		bo := w.child("李小满", "13712345678")
		held := func(audience string) {
			t.Helper()
			if got, uses := w.judge("我是李小满", bo, audience); got.Verdict != screening.Hold || len(uses) > 0 {
				t.Errorf("%q: %+v, %v", audience, got, uses)
			}
		}
		held("")
		held("everybody")
		held("class") // a one-time code carries no disclosure (edge case 24)
		w.Put(mei, "course-progress", "nickname", "王小溪")
		w.Put(mei, "account", "guardian_phone", "13912345678")
		w.follow()
		got, uses := w.judge("我是王小溪", mei, "class")
		if got.Verdict != screening.Publish || len(uses) != 1 || uses[0].Purpose != "class-ranking" || !slices.Equal(uses[0].Items, []string{"nickname"}) {
			t.Fatalf("%+v, %v", got, uses)
		}
		a := publication.Author{By: w.By(), Service: vaulttest.Service, Child: mei.ID, Audience: "class"}
		before := len(w.entries(gate.KindPermitted))
		w.Do(func(ctx context.Context, tx *db.Tx) error { return w.desk.Disclose(ctx, tx, a, uses) })
		if n := len(w.entries(gate.KindPermitted)); n != before+1 {
			t.Errorf("%d entries of a disclosure", n-before)
		}
		// What is held for another reason discloses nothing.
		if got, uses := w.judge("我是王小溪，我的电话13912345678", mei, "class"); got.Verdict != screening.Hold || len(uses) > 0 {
			t.Errorf("%+v, %v", got, uses)
		}
		w.Answer(mei, consent.ForceRefused, "class-ranking")
		err := w.Try(func(ctx context.Context, tx *db.Tx) error { return w.desk.Disclose(ctx, tx, a, uses) })
		if !errors.Is(err, gate.ErrDenied) {
			t.Errorf("a permit that has gone meanwhile: %v", err)
		}
	})
}

// Whoever asks without end finds no more than the quota, and somebody hears of it.
func TestArticle15_WhoFindsTooMuchIsStopped(t *testing.T) {
	q := publication.Quota{Limits: publication.Limits{PerHour: 10, PerDay: 15, Burst: 5, BurstIn: time.Minute}}
	now := time.Unix(1_800_000_000, 0)
	for i, c := range []struct {
		after  time.Duration
		hits   int
		alarms []publication.Cause
		spent  bool
	}{
		{0, 5, nil, false},
		{0, 0, nil, false},
		{time.Second, 1, []publication.Cause{publication.Burst}, false},
		{time.Second, 4, nil, false},
		{time.Minute, 1, []publication.Cause{publication.Spent}, true},
		{time.Second, 0, nil, true},
		{time.Hour, 4, nil, false},
		{time.Minute, 1, []publication.Cause{publication.Spent}, true}, // of the day
		{23 * time.Hour, 1, nil, false},
	} {
		now = now.Add(c.after)
		alarms, spent := q.Count("ak_1", c.hits, now)
		var causes []publication.Cause
		for _, a := range alarms {
			causes = append(causes, a.Cause)
		}
		if !slices.Equal(causes, c.alarms) || spent != c.spent {
			t.Errorf("%d: %v, %t", i, causes, spent)
		}
	}
	if alarms, spent := q.Count("ak_3", 6, now); len(alarms) != 1 || spent {
		t.Errorf("%v, %t", alarms, spent)
	}
	q.Again("ak_3") // nobody has recorded it
	if alarms, _ := q.Count("ak_3", 0, now); len(alarms) != 1 {
		t.Errorf("an alarm that nobody has recorded is told %d times more", len(alarms))
	}
	if _, spent := q.Count("ak_2", 1, now); spent {
		t.Error("one credential's quota is another's")
	}
}

// Article 28: a line of a log in which a held child's value stands, or anything of the form of
// one, is joined, and nobody's nickname is; what is told of it is how many, of which kind, and in
// which lines.
func TestArticle28_ASampleOfALogIsJoinedWithHeldChildren(t *testing.T) {
	each(t, func(t *testing.T, w *newsroom) {
		w.child("叮当小满仔", "13912345678")
		join := func(sample string) (publication.Joined, error) {
			return w.desk.Join(context.Background(), vaulttest.Service, strings.NewReader(sample))
		}
		const sample = "GET /lessons 200 12ms\n\nGET /x?nick=叮当小满仔 200\ncall to 13912345678\nPOST /done 204\n"
		got, err := join(sample)
		if err != nil {
			t.Fatal(err)
		}
		want := publication.Joined{Lines: 4, Found: 2, Kinds: map[screening.Kind]int{screening.Name: 1, screening.Phone: 1}, First: []int{3, 4},
			Hash: fmt.Sprintf("%x", sha256.Sum256([]byte(sample)))}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if got, err := join("GET /lessons 200 12ms\nGET /x?nick=晴空小纸鸢 200\n"); err != nil || got.Found != 0 || got.Lines != 2 {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := join("\n \n"); !errors.Is(err, publication.ErrNothing) {
			t.Errorf("nothing: %v", err)
		}
		if _, err := join(strings.Repeat("x", screening.LargestText+1)); !errors.Is(err, publication.ErrText) {
			t.Errorf("one long line: %v", err)
		}
	})
}
