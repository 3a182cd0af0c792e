package api_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wardkeep/client"
	"wardkeep/internal/account"
	"wardkeep/internal/api"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	record "wardkeep/internal/receipt"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/witness"
)

// The whole way: register, ask, be told, prove, answer, collect, use, withdraw,
// be denied, erase.
func TestTheMainJobOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.client
		if got, err := c.CheckAge(ctx, wardkeep.AgeCheck{BirthDate: "2017-05"}); err != nil || got.Age != "child" {
			t.Errorf("got %v, %v", got, err)
		}
		child, err := c.Register(ctx, wardkeep.NewChild{Ref: "user 1/ä", BirthDate: "2017-05-06", Guardian: wardkeep.GuardianContact{
			Name: "李女士", Phone: "13800138000", Email: "li@example.com", Relation: "parent"}})
		if err != nil {
			t.Fatal(err)
		}
		if child.State != "unconsented" || child.Age != "child" || child.ExpiresAt.IsZero() || child.Entry == "" || len(child.Guardians) != 1 {
			t.Errorf("registered: %+v", child)
		}

		// Nothing without consent: the denial has every reason, and is recorded.
		_, err = c.Collect(ctx, child.ID, "", wardkeep.Collection{Purpose: "course-progress", Values: map[string]string{"nickname": "小溪"}})
		if !errors.Is(err, wardkeep.ErrDenied) || !errors.Is(err, wardkeep.ErrConsentMissing) {
			t.Fatalf("collected without consent: %v", err)
		}

		r, err := c.Ask(ctx, wardkeep.Asking{Child: wardkeep.Ref("user 1/ä"), Purposes: []string{"course-progress", "class-ranking"},
			Channel: "sms", Locale: "zh-CN", ExternalPayload: "order 7", ReturnURL: "https://app.xiaoxi-english.example/back"})
		if err != nil {
			t.Fatal(err)
		}
		if r.State != "pending" || r.Sends != 1 || r.Undelivered != nil || r.Entry == "" || r.Code == "" || !strings.HasPrefix(r.QR, "data:image/png;base64,") {
			t.Errorf("asked: %+v", r)
		}
		if sent := w.outbox.Messages(); len(sent) != 1 || !strings.Contains(sent[0].Text.Reveal(), "https://wardkeep.example/r/") {
			t.Errorf("%d messages", len(sent))
		}

		g := w.guardian(r)
		seen, err := g.Open(ctx, "en")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"course-progress", "class-ranking"}, seen.Purposes); diff != "" || seen.State != "opened" || seen.Notice == nil {
			t.Errorf("opened %+v\n%s", seen, diff)
		}
		if _, err := g.SendCode(ctx); err != nil {
			t.Fatal(err)
		}
		if m := w.outbox.Messages()[0]; m.Lang != i18n.Chinese {
			t.Errorf("before the answer it is written to in %s", m.Lang) // whoever has the link has read it in English
		}
		verified, err := g.Verify(ctx, w.code())
		if err != nil {
			t.Fatal(err)
		}
		receipt, err := g.Answer(ctx, wardkeep.GuardianAnswer{Proof: verified.Proof, NoticeHash: seen.NoticeHash, Lang: "en",
			Answers: map[string]bool{"course-progress": true, "class-ranking": false}})
		if err != nil {
			t.Fatal(err)
		}
		if len(receipt.Answers) != 2 || !receipt.Answers[0].Granted || receipt.Answers[1].Granted || receipt.Entry == "" {
			t.Errorf("receipt: %+v", receipt)
		}
		r, err = c.Request(ctx, r.ID)
		if err != nil || r.State != "answered" || r.ExternalPayload != "order 7" || r.ReturnURL != "https://app.xiaoxi-english.example/back" || r.URL != "" {
			t.Errorf("request: %+v, %v", r, err)
		}

		// Article 12: each value has its end.
		collected, err := c.Collect(ctx, child.ID, "", wardkeep.Collection{Purpose: "course-progress",
			Values: map[string]string{"nickname": "小溪 \"x\"", "lesson_progress": "12"}})
		if err != nil || len(collected.Expires) != 2 || collected.Entry == "" {
			t.Fatalf("collected: %+v, %v", collected, err)
		}
		values, err := c.Read(ctx, child.ID, wardkeep.Reading{Purpose: "course-progress", Items: []string{"nickname", "lesson_progress", "answers"}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"nickname": "小溪 \"x\"", "lesson_progress": "12"}, values.Values); diff != "" || values.Entry == "" {
			t.Error(diff)
		}
		_, err = c.Read(ctx, child.ID, wardkeep.Reading{Purpose: "class-ranking", Items: []string{"nickname"}})
		if !errors.Is(err, wardkeep.ErrConsentRefused) {
			t.Errorf("used against a refusal: %v", err)
		}

		// Withdrawal is final at once (Invariant 5), and as easy as the answer.
		if _, err := g.SendCode(ctx); err != nil {
			t.Fatal(err)
		}
		if m := w.outbox.Messages()[0]; m.Lang != i18n.English {
			t.Errorf("after the answer it is written to in %s", m.Lang)
		}
		if verified, err = g.Verify(ctx, w.code()); err != nil {
			t.Fatal(err)
		}
		w.sequence()
		t.Run("receipt", func(t *testing.T) { w.receiptProves(t, r.ID, g, verified.Proof) })
		if _, err := g.Withdraw(ctx, wardkeep.Withdrawal{Proof: verified.Proof, Purpose: "course-progress"}); err != nil {
			t.Fatal(err)
		}
		_, err = c.Read(ctx, child.ID, wardkeep.Reading{Purpose: "course-progress", Items: []string{"nickname"}})
		if !errors.Is(err, wardkeep.ErrConsentWithdrawn) {
			t.Errorf("used after the withdrawal: %v", err)
		}

		gone, err := c.Erase(ctx, wardkeep.Ref("user 1/ä"))
		if err != nil || gone.Entry == "" {
			t.Fatal(err)
		}
		if _, err := c.Child(ctx, child.ID); !errors.Is(err, wardkeep.ErrChildErased) {
			t.Errorf("after the erasure: %v", err)
		}
		if _, err := c.Child(ctx, wardkeep.Ref("user 1/ä")); !errors.Is(err, wardkeep.ErrChildNotFound) {
			t.Errorf("after the erasure: %v", err)
		}
	})
}

// receiptProves checks the proofs of a receipt with the ledger's public key.
func (w *world) receiptProves(t *testing.T, _ string, g *wardkeep.GuardianClient, proof string) {
	if _, err := g.Receipt(t.Context(), ""); !errors.Is(err, &wardkeep.Problem{Code: "consent.not_verified"}) {
		t.Errorf("the link alone opens the receipt: %v", err)
	}
	receipt, err := g.Receipt(t.Context(), proof)
	if err != nil || len(receipt.Answers) != 2 {
		t.Fatalf("%+v, %v", receipt, err)
	}
	for _, a := range receipt.Answers {
		if a.Proof == nil {
			t.Fatalf("no proof of %s", a.Entry)
		}
		place, err := ledger.CheckReceipt(a.Proof.Receipt, a.Proof.Leaf, w.key)
		if err != nil || place != a.Proof.Place || !strings.Contains(string(a.Proof.Leaf), a.Entry) {
			t.Errorf("the proof of %s: %v", a.Entry, err)
		}
	}
	if _, err := g.Record(t.Context(), ""); !errors.Is(err, &wardkeep.Problem{Code: "consent.not_verified"}) {
		t.Errorf("the link alone opens the record: %v", err)
	}
	file, err := g.Record(t.Context(), proof)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := record.Verify(file, record.Against{Key: w.key}); err != nil || !r.OK() || len(r.Record.Processing) != 2 {
		t.Errorf("the record: %v, %+v", err, r.Findings)
	}
}

func TestPermissionsSayWhyNot(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.client
		child := w.child("p1")
		p, err := c.Permissions(ctx, child, "")
		if err != nil {
			t.Fatal(err)
		}
		var ranking wardkeep.PurposePermission
		for _, q := range p.Purposes {
			if q.Purpose == "class-ranking" {
				ranking = q
			}
		}
		if ranking.ManagedBy != "guardian" || ranking.Label != "Class ranking" || len(ranking.Activities) != 4 || !ranking.Activities[0].Permitted {
			t.Fatalf("%+v", ranking)
		}
		// A one-time code is too weak for what leaves the operator (edge case 24).
		disclose := ranking.Activities[3]
		if disclose.Permitted || disclose.Party != "class" || disclose.Reasons[0].Code != "gate.verification_too_weak" || disclose.Reasons[0].Remedy == "" {
			t.Errorf("%+v", disclose)
		}
		if _, err := c.Permissions(ctx, child, p.ETag); !errors.Is(err, wardkeep.ErrNotModified) {
			t.Errorf("unchanged: %v", err)
		}
		if _, err := c.Collect(ctx, child, "", wardkeep.Collection{Purpose: "account", Values: map[string]string{"guardian_phone": "13800138000"}}); err != nil {
			t.Fatal(err)
		}
		if again, err := c.Permissions(ctx, child, p.ETag); err != nil || again.ETag == p.ETag {
			t.Errorf("after a change: %v", err)
		}
		// Another language is another answer.
		c.Lang = "zh-CN"
		if zh, err := c.Permissions(ctx, child, p.ETag); err != nil || zh.Purposes[0].Label != "账号" {
			t.Errorf("%v", err)
		}
	})
}

// Edge case 4: who turns 14 is asked, and not the guardian any more.
func TestPermissionsPassToWhoTurns14(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.client
		child, err := c.Register(ctx, wardkeep.NewChild{Ref: "old", BirthDate: time.Now().AddDate(-13, 0, -360).Format(time.DateOnly), Guardian: wardkeep.GuardianContact{Phone: "13800138000"}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Ask(ctx, wardkeep.Asking{Child: child.ID, Channel: "link", Locale: "en"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Force(ctx, r.ID, "granted"); err != nil {
			t.Fatal(err)
		}
		before, err := c.Permissions(ctx, child.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		w.Pass(20 * 24 * time.Hour)
		after, err := c.Permissions(ctx, child.ID, before.ETag)
		if err != nil || after.Age != "minor" || after.Purposes[0].ManagedBy != "self" || after.Purposes[0].Activities[0].Permitted {
			t.Errorf("%+v, %v", after, err)
		}
	})
}

func TestDecisionsAreOnePerQuestion(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.client
		one, two := w.child("d1"), w.child("d2")
		strange := "ch_" + strings.Repeat("0", 26)
		check := func(child, purpose string, items ...string) wardkeep.Check {
			return wardkeep.Check{Child: child, Activity: "use", Purpose: purpose, Items: items}
		}
		got, err := c.Decide(ctx,
			check(one, "course-progress", "nickname"), check(two, "course-progress", "nickname"), check(one, "course-progress", "school", "Zhang San"),
			check(strange, "course-progress", "nickname"), check("ref:nobody", "course-progress", "nickname"), check("ref:d1", "nothing", "nickname"))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 6 || !got[0].Permitted || !got[1].Permitted {
			t.Fatalf("%+v", got)
		}
		var codes []string
		for _, d := range got[2:] {
			text := ""
			for _, r := range d.Reasons {
				text += r.Code + "(" + r.Item + ") "
				if r.Detail == "" || r.Remedy == "" || r.Article == "" {
					t.Errorf("a reason without words: %+v", r)
				}
			}
			codes = append(codes, text)
		}
		if diff := cmp.Diff([]string{"gate.item_not_in_purpose(school) gate.item_unknown(?1) ", "gate.child_unknown() ", "gate.child_unknown() ", "gate.purpose_unknown() "}, codes); diff != "" {
			t.Error(diff)
		}
		many := make([]wardkeep.Check, 1000)
		for i := range many {
			many[i] = check(one, "course-progress", "nickname")
		}
		if got, err := c.Decide(ctx, many...); err != nil || len(got) != 1000 || !got[999].Permitted {
			t.Errorf("1,000: %v", err)
		}
		if _, err := c.Decide(ctx, append(many, many[0])...); !errors.Is(err, &wardkeep.Problem{Code: "api.too_long"}) {
			t.Errorf("1,001: %v", err)
		}
	})
}

func TestSealAndOpen(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.client
		one, two := w.child("s1"), w.child("s2")
		batch := wardkeep.Batch{Purpose: "course-progress", Children: []wardkeep.ChildValues{
			{Child: "ref:s2", Values: map[string]string{"nickname": "二号"}},
			{Child: one, Values: map[string]string{"nickname": "一号", "school": "第一小学"}},
			{Child: "ch_" + strings.Repeat("0", 26), Values: map[string]string{"nickname": "无名"}},
		}}
		sealed, err := c.Seal(ctx, batch)
		if err != nil {
			t.Fatal(err)
		}
		if sealed[0].Child != two || sealed[0].Entry == "" || !strings.HasPrefix(sealed[0].Values["nickname"], "wk1.") {
			t.Errorf("%+v", sealed[0])
		}
		if sealed[1].Problem == nil || !errors.Is(sealed[1].Problem, wardkeep.ErrItemNotInPurpose) || sealed[1].Values != nil {
			t.Errorf("%+v", sealed[1])
		}
		if !errors.Is(sealed[2].Problem, wardkeep.ErrChildNotFound) {
			t.Errorf("%+v", sealed[2])
		}
		opened, err := c.Open(ctx, wardkeep.Batch{Purpose: "course-progress", Children: []wardkeep.ChildValues{
			{Child: two, Values: sealed[0].Values}, {Child: one, Values: sealed[0].Values}}})
		if err != nil {
			t.Fatal(err)
		}
		if opened[0].Values["nickname"] != "二号" || opened[0].Entry == "" {
			t.Errorf("%+v", opened[0])
		}
		if !errors.Is(opened[1].Problem, &wardkeep.Problem{Code: "vault.cannot_open"}) || len(opened[1].Values) > 0 {
			t.Errorf("a value moved to another child: %+v", opened[1])
		}
		// What is sealed dies with the key.
		if _, err := c.Erase(ctx, two); err != nil {
			t.Fatal(err)
		}
		opened, err = c.Open(ctx, wardkeep.Batch{Purpose: "course-progress", Children: []wardkeep.ChildValues{{Child: two, Values: sealed[0].Values}}})
		if err != nil || !errors.Is(opened[0].Problem, wardkeep.ErrChildErased) {
			t.Errorf("%+v, %v", opened, err)
		}
	})
}

// Retention until an event: the app says that it has happened, once or again.
func TestArticle12_AnAppReportsWhatEndsValues(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.client
		child := w.child("a12")
		collected, err := c.Collect(ctx, child, "", wardkeep.Collection{Purpose: "account", Values: map[string]string{"guardian_phone": "13800138000"}})
		if err != nil {
			t.Fatal(err)
		}
		w.Pass(time.Hour)
		again := wardkeep.WithIdempotencyKey(ctx, "closing-a12")
		first, err := c.Report(again, wardkeep.Ref("a12"), wardkeep.Happening{Event: "account-closed"})
		if err != nil {
			t.Fatal(err)
		}
		ends := first.Expires["guardian_phone"]
		if first.Child != child || first.Event != "account-closed" || first.Entry == "" || first.ETag == collected.ETag ||
			!ends.Equal(first.HappenedAt.Add(15*24*time.Hour)) || !ends.Before(collected.Expires["guardian_phone"]) {
			t.Errorf("%+v", first)
		}
		w.Pass(time.Hour)
		if repeated, err := c.Report(again, wardkeep.Ref("a12"), wardkeep.Happening{Event: "account-closed"}); err != nil || repeated.Entry != first.Entry {
			t.Errorf("repeated: %+v, %v", repeated, err)
		}
		if later, err := c.Report(ctx, child, wardkeep.Happening{Event: "account-closed"}); err != nil || !later.Expires["guardian_phone"].Equal(ends) {
			t.Errorf("reported again later: %+v, %v", later, err)
		}
		earlier := first.HappenedAt.Add(-time.Minute)
		moved, err := c.Report(ctx, child, wardkeep.Happening{Event: "account-closed", HappenedAt: earlier})
		if err != nil || !moved.HappenedAt.Equal(earlier) || !moved.Expires["guardian_phone"].Equal(earlier.Add(15*24*time.Hour)) {
			t.Errorf("it was earlier: %+v, %v", moved, err)
		}
		if _, err := c.Report(ctx, child, wardkeep.Happening{Event: "zhang-san"}); !errors.Is(err, wardkeep.ErrEventUnknown) {
			t.Errorf("unknown: %v", err)
		}
		_, key := w.keyWith(account.ItemsRead)
		if _, err := w.connect(key).Report(ctx, child, wardkeep.Happening{Event: "account-closed"}); !errors.Is(err, wardkeep.ErrScopeMissing) {
			t.Errorf("without the scope: %v", err)
		}
		w.sequence()
		page, err := c.Events(ctx, "", 1000)
		if err != nil {
			t.Fatal(err)
		}
		told := 0
		for _, e := range page.Events {
			if e.Type != "child.event" {
				continue
			}
			told++
			if e.Child != child || !strings.Contains(string(e.Data), `"event":"account-closed"`) {
				t.Errorf("%+v", e)
			}
		}
		if told != 3 {
			t.Errorf("%d events were told", told)
		}
	})
}

func TestEventsReplayWithoutUsesAndWithoutPseudonyms(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.client
		child := w.child("e1")
		if _, err := c.Collect(ctx, child, "", wardkeep.Collection{Purpose: "course-progress", Values: map[string]string{"nickname": "小溪"}}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := c.Read(ctx, child, wardkeep.Reading{Purpose: "course-progress", Items: []string{"nickname"}}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Erase(ctx, child); err != nil {
			t.Fatal(err)
		}
		w.sequence()
		var types []string
		after, last := "", ""
		for {
			page, err := c.Events(ctx, after, 5)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Events {
				types = append(types, e.Type)
				last = e.ID
				if strings.HasPrefix(e.Type, "charter.") != (e.Child == "") || e.Service != vaulttest.Service || strings.Contains(string(e.Data), "su_") {
					t.Errorf("%+v", e)
				}
				if e.Child != "" && e.Child != child {
					t.Errorf("of another child: %+v", e)
				}
			}
			after = page.Next
			if !page.More {
				break
			}
		}
		want := []string{"charter.proposed", "charter.published", "child.registered", "guardian.added", "consent.requested", "consent.opened", "guardian.verified", "consent.verified"}
		for range w.Charter.Purposes {
			want = append(want, "consent.granted")
		}
		if diff := cmp.Diff(append(want, "order.issued", "child.erased"), types); diff != "" {
			t.Error(diff)
		}
		page, err := c.Events(ctx, last, 0)
		if err != nil || len(page.Events) != 0 || page.More {
			t.Errorf("after the last: %+v, %v", page, err)
		}
		// Three days after the erasure nothing leads back to the child.
		w.Pass(73 * time.Hour)
		page, err = c.Events(ctx, "", 0)
		if err != nil || page.Events[1].Child != "" {
			t.Errorf("%+v, %v", page.Events[1], err)
		}
	})
}

// After a material change the app learns from the event for which purposes to
// ask again: those whose answers count from this charter on.
func TestArticle10_AnEventNamesThePurposesToAskAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		child := w.child("a10")
		next, err := charter.Parse(w.Charter.Canonical())
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range next.Purposes {
			switch p.Name {
			case "speaking-practice", "push-notices":
				next.Purposes[i].Activities = append(p.Activities, charter.Disclose)
				next.Purposes[i].Audiences = []charter.Audience{{Name: "school", Label: charter.Words{ZH: "学校", EN: "The school"}, Items: p.Items[:1]}}
			case "account":
				next.Purposes[i].Retention.Period = mustPeriod(t, "10d") // shorter is not material
			}
		}
		w.Publish(next)
		w.sequence()
		page, err := w.client.Events(t.Context(), "", 1000)
		if err != nil {
			t.Fatal(err)
		}
		var told struct {
			Number     int64            `json:"number"`
			AskedSince map[string]int64 `json:"asked_since"`
			Material   []string         `json:"material"`
		}
		for _, e := range page.Events {
			if e.Type == "charter.published" {
				if err := json.Unmarshal(e.Data, &told); err != nil {
					t.Fatal(err)
				}
			}
		}
		if diff := cmp.Diff([]string{"push-notices", "speaking-practice"}, told.Material); diff != "" || told.Number != 2 {
			t.Errorf("charter %d\n%s", told.Number, diff)
		}
		for purpose, since := range told.AskedSince {
			_, err := w.client.Collect(t.Context(), child, "", wardkeep.Collection{Purpose: purpose, Values: map[string]string{"x": "x"}})
			stale := errors.Is(err, wardkeep.ErrConsentStale)
			if named := slices.Contains(told.Material, purpose); named != stale || named != (since == told.Number) {
				t.Errorf("%s: named %v, stale %v, asked since %d", purpose, named, stale, since)
			}
		}
	})
}

func mustPeriod(t *testing.T, text string) charter.Period {
	t.Helper()
	p, err := charter.ParsePeriod(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheLedgerIsServedAsTiles(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.send("GET", "/v1/ledger/checkpoint", "").refused(t, 404, "ledger.not_found")
		child, err := w.client.Register(t.Context(), wardkeep.NewChild{Ref: "l1", Guardian: wardkeep.GuardianContact{Email: "a@example.com"}})
		if err != nil {
			t.Fatal(err)
		}
		w.send("GET", "/v1/ledger/entries/"+child.Entry+"/proof", "").refused(t, 404, "ledger.not_found")
		w.sequence()
		w.send("GET", "/v1/ledger/cosigned", "", "Authorization", "").refused(t, 404, "ledger.not_found")
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			return witness.SaveCosigned(ctx, tx, ledger.Checkpoint{Size: 3}, "cosigned\n", w.Store.Now())
		})
		if x := w.send("GET", "/v1/ledger/cosigned", "", "Authorization", ""); x.status != 200 || x.body != "cosigned\n" {
			t.Errorf("cosigned: %d %q", x.status, x.body)
		}
		x := w.send("GET", "/v1/ledger/checkpoint", "", "Authorization", "")
		point, err := ledger.OpenCheckpoint(x.body, w.key)
		if err != nil || point.Size == 0 {
			t.Fatalf("%v", err)
		}
		proof, err := w.client.Proof(t.Context(), child.Entry)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ledger.CheckReceipt(proof.Receipt, proof.Leaf, w.key); err != nil {
			t.Error(err)
		}
		key, err := w.client.LedgerKey(t.Context())
		if err != nil || key.Key != w.key {
			t.Errorf("%v, %v", key, err)
		}
		partial := ".p/" + jsonText(point.Size)
		if x := w.send("GET", "/v1/ledger/tile/0/000"+partial, "", "Authorization", ""); x.status != 200 || len(x.body) != 32*int(point.Size) {
			t.Errorf("tile: %d, %d bytes", x.status, len(x.body))
		}
		if x := w.send("GET", "/v1/ledger/tile/entries/000"+partial, ""); x.status != 200 || !strings.Contains(x.body, child.Entry) {
			t.Errorf("entries: %d", x.status)
		}
		w.send("GET", "/v1/ledger/tile/entries/000"+partial, "", "Authorization", "").refused(t, 401, "api.key_missing")
		w.send("GET", "/v1/ledger/tile/%65ntries/000"+partial, "", "Authorization", "").refused(t, 401, "api.key_missing")
		w.send("GET", "/v1/ledger/tile/9/000", "").refused(t, 404, "ledger.not_found")
		w.send("GET", "/v1/ledger/tile/0/zhang-san", "").refused(t, 404, "ledger.not_found")
	})
}

func jsonText(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// The notice that travels is the notice that is enforced, word for word.
func TestInvariant4_TheNoticeTravelsWhole(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, lang := range charter.Langs {
			n, err := charter.Notice(w.Charter, lang)
			if err != nil {
				t.Fatal(err)
			}
			x := w.send("GET", base+"/charter?lang="+string(lang), "")
			var got struct {
				Notice any    `json:"notice"`
				Hash   string `json:"notice_hash"`
			}
			if err := json.Unmarshal([]byte(x.body), &got); err != nil {
				t.Fatal(err)
			}
			var want any
			if err := json.Unmarshal([]byte(jsonText(n)), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got.Notice); diff != "" || got.Hash != n.Hash() {
				t.Errorf("%s", diff)
			}
		}
	})
}

func TestAMegabyteOfSound(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		child := w.child("m1")
		voice := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("a sound ", 130_000)))
		_, err := w.client.Collect(t.Context(), child, "", wardkeep.Collection{Purpose: "speaking-practice", Values: map[string]string{"voice": voice}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := w.client.Read(t.Context(), child, wardkeep.Reading{Purpose: "speaking-practice", Items: []string{"voice"}})
		if err != nil || got.Values["voice"] != voice {
			t.Errorf("%d characters, %v", len(got.Values["voice"]), err)
		}
	})
}

func TestDocsLoadNothingFromElsewhere(t *testing.T) {
	w := newWorld(t, storeOf(t), noLimits)
	for _, lang := range []string{"zh-CN", "en"} {
		x := w.send("GET", "/docs?lang="+lang, "", "Authorization", "")
		if x.status != 200 || !strings.HasPrefix(x.header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'self'") {
			t.Fatalf("%d %q", x.status, x.header)
		}
		for _, bad := range []string{"<script", "http://", "src=", "style=", "api.route.", "api.docs."} {
			if strings.Contains(x.body, bad) {
				t.Errorf("%s: the page has %s", lang, bad)
			}
		}
		if !strings.Contains(x.body, `id="gate.consent_missing"`) || !strings.Contains(x.body, "items:read") {
			t.Errorf("%s: something is missing", lang)
		}
	}
	if x := w.send("GET", "/v1/docs.css", ""); x.status != 200 {
		t.Error(x.status)
	}
}

// Article 15: a key opens what it was given, and nothing else. A key of every scope but
// the route's is refused at each route, whatever it is sent; with that one alone it gets in.
func TestArticle15_EveryRouteWantsItsScope(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		scopes := account.AllScopes().List()
		without, only := make(map[string]string), make(map[string]string)
		for i, scope := range scopes {
			_, without[scope] = w.keyWith(slices.Delete(slices.Clone(scopes), i, i+1)...)
			_, only[scope] = w.keyWith(scope)
		}
		child, used := w.child("a15"), make(map[string]bool)
		for _, r := range api.RoutesOfApps() {
			fill := func(child string) string {
				path := strings.NewReplacer("{service}", vaulttest.Service, "{child}", child).Replace(r.Path)
				return regexp.MustCompile(`\{[a-z.]+\}`).ReplaceAllString(path, "nothing")
			}
			body := ""
			if r.Method == http.MethodPost || r.Method == http.MethodPut {
				body = "{}"
			}
			if r.Scope == "" {
				for scope, key := range only {
					if x := w.send(r.Method, fill(child), body, "Authorization", "Bearer "+key); x.status != 200 {
						t.Errorf("%s %s with %s: %d %s", r.Method, r.Path, scope, x.status, x.problem.Code)
					}
				}
				continue
			}
			used[r.Scope] = true
			if x := w.send(r.Method, fill(child), body, "Authorization", "Bearer "+without[r.Scope]); x.status != 403 || x.problem.Code != "api.scope_missing" {
				t.Errorf("%s %s with every scope but %s: %d %s", r.Method, r.Path, r.Scope, x.status, x.problem.Code)
			}
			if x := w.send(r.Method, fill("nobody"), body, "Authorization", "Bearer "+only[r.Scope]); x.status == 401 || x.problem.Code == "api.scope_missing" {
				t.Errorf("%s %s with %s: %d %s", r.Method, r.Path, r.Scope, x.status, x.problem.Code)
			}
		}
		for _, scope := range scopes {
			if !used[scope] {
				t.Errorf("%s opens no route", scope)
			}
		}
		if _, err := w.client.Read(t.Context(), child, wardkeep.Reading{Purpose: "account", Items: []string{"guardian_phone"}}); err != nil {
			t.Errorf("the child that the refused meant: %v", err)
		}
		// Whether there is such a service isn't told.
		for _, service := range []string{"xiaoxi-english2", "nothing"} {
			w.send("GET", "/v1/services/"+service+"/charter", "").refused(t, 403, "api.other_service")
		}
	})
}

// Article 20: who has a child erased gets the link to the certificate, also where no guardian
// can be reached, and it leads there.
func TestArticle20_AnErasureAnswersWithItsCertificate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		unheard := w.behind(t, func(s *api.Server) { s.Messages = notify.Router{} })
		child := w.Child()
		out, err := unheard.client.Erase(t.Context(), string(child.ID))
		secret, ok := strings.CutPrefix(out.CertificateURL, "https://wardkeep.example/certificate/")
		if err != nil || !ok || out.Entry == "" {
			t.Fatalf("%+v, %v", out, err)
		}
		w.sequence()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := record.Office{Charters: w.Desk.Charters, Key: w.key, PublicURL: "https://wardkeep.example"}.Certificate(ctx, tx, w.Ring, secret)
			if err != nil || c.Ground != string(family.UseEnded) {
				t.Errorf("%+v, %v", c, err)
			}
			return nil
		})
	})
}
