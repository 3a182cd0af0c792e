package api_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/client"
	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/notify"
	"wardkeep/internal/retention"
	"wardkeep/internal/vault/vaulttest"
)

// register registers a child that nobody has answered for.
func (w *world) register(ref string) wardkeep.Child {
	w.T.Helper()
	return w.must(w.client.Register(w.T.Context(), wardkeep.NewChild{
		Ref: ref, BirthDate: "2017-05-06", Guardian: wardkeep.GuardianContact{Phone: "13800138000"}})).(wardkeep.Child)
}

// says asks a guardian of a child and has that one answer, as in an app.
func (w *world) says(child, guardian string, yes bool, purposes ...string) *wardkeep.GuardianClient {
	w.T.Helper()
	r := w.must(w.client.Ask(w.T.Context(), wardkeep.Asking{Child: child, Guardian: guardian, Purposes: purposes, Channel: "link", Locale: "en"})).(wardkeep.ConsentRequest)
	g := w.guardian(r)
	w.answer(g, yes)
	return g
}

func (w *world) answer(g *wardkeep.GuardianClient, yes bool) {
	w.T.Helper()
	seen := w.must(g.Open(w.T.Context(), "en")).(wardkeep.GuardianRequest)
	answers := map[string]bool{}
	for _, p := range seen.Purposes {
		answers[p] = yes
	}
	w.must(g.Answer(w.T.Context(), wardkeep.GuardianAnswer{Proof: w.proof(g), NoticeHash: seen.NoticeHash, Lang: "en", Answers: answers}))
}

// proof is that of a code, typed.
func (w *world) proof(g *wardkeep.GuardianClient) string {
	w.T.Helper()
	w.Pass(time.Hour) // codes to one contact are limited
	w.must(g.SendCode(w.T.Context()))
	return w.must(g.Verify(w.T.Context(), w.code())).(wardkeep.Verified).Proof
}

func (w *world) status(child string) wardkeep.Child {
	w.T.Helper()
	return w.must(w.client.Child(w.T.Context(), child)).(wardkeep.Child)
}

// Edge case 5: who refuses everything over the API is told, though the child, and
// with it the contact, is erased before anybody reads the ledger.
func TestEdgeCase5_ARefusalOverHTTPIsConfirmed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		child := w.register("no").ID
		w.says(child, "", false)
		if _, err := retention.Sweep(t.Context(), w.Store, w.Vault); err != nil {
			t.Fatal(err)
		}
		if _, err := w.client.Child(t.Context(), child); !errors.Is(err, wardkeep.ErrChildErased) {
			t.Errorf("after the sweep: %v", err)
		}
		if text := w.newest(notify.KindRefusal); !strings.Contains(text, "refused all 7") {
			t.Error(text)
		}
	})
}

// Edge cases 7 and 8 over HTTP: a second guardian comes, can't answer before it
// has proved who it is, disagrees, and goes.
func TestEdgeCase7_TwoGuardiansOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.client
		child := w.register("two").ID
		w.says(child, "", true, "account", "class-ranking")
		father, err := c.AddGuardian(ctx, wardkeep.Ref("two"), wardkeep.NewGuardian{Relation: "parent", Name: "李先生", Phone: "138 0013 8001"})
		if err != nil {
			t.Fatal(err)
		}
		now := w.status(child)
		if father.Strength != 0 || !father.VerifiedAt.IsZero() || father.Entry == "" || father.ETag != now.ETag || len(now.Guardians) != 2 {
			t.Errorf("added: %+v", father)
		}
		if x := w.send("GET", base+"/children/"+child, ""); strings.Contains(x.body, "8001") || strings.Contains(x.body, "李") {
			t.Error("a contact is told")
		}
		same, err := c.AddGuardian(ctx, child, wardkeep.NewGuardian{Relation: "parent", Phone: "+86 138 0013 8001"})
		if err != nil || same.ID != father.ID || same.Entry != "" || len(w.status(child).Guardians) != 2 {
			t.Errorf("added twice: %+v, %v", same, err)
		}
		his := w.says(child, father.ID, false, "class-ranking")
		if _, err := c.AddGuardian(ctx, child, wardkeep.NewGuardian{Relation: "parent", Phone: "13800138001"}); !errors.Is(err, &wardkeep.Problem{Code: "family.guardian_tied"}) {
			t.Errorf("a guardian is added: %v", err)
		}
		if now = w.status(child); !now.Disputed || now.Guardians[1].Strength != 1 {
			t.Errorf("one yes, one no: %+v", now)
		}
		nickname := wardkeep.Reading{Purpose: "account", Items: []string{"guardian_phone"}}
		if _, err := c.Read(ctx, child, nickname); !errors.Is(err, wardkeep.ErrDisputed) {
			t.Errorf("used while they differ: %v", err)
		}
		waiting := w.must(c.Ask(ctx, wardkeep.Asking{Child: child, Guardian: father.ID, Purposes: []string{"account"}, Channel: "link", Locale: "en"})).(wardkeep.ConsentRequest)

		entry, err := c.EndGuardian(ctx, child, father.ID)
		if err != nil || entry == "" {
			t.Fatal(err)
		}
		if now = w.status(child); now.Disputed || now.Guardians[1].EndedAt.IsZero() {
			t.Errorf("after the end: %+v", now)
		}
		if r := w.must(c.Request(ctx, waiting.ID)).(wardkeep.ConsentRequest); r.State != "cancelled" {
			t.Errorf("what waited for him is %s", r.State)
		}
		// What he refused weighs until somebody answers anew.
		if _, err := c.Read(ctx, child, wardkeep.Reading{Purpose: "class-ranking", Items: []string{"weekly_score"}}); !errors.Is(err, wardkeep.ErrConsentRefused) {
			t.Errorf("his no fell with his office: %v", err)
		}
		if _, err := his.SendCode(ctx); !errors.Is(err, &wardkeep.Problem{Code: "consent.guardian_may_not"}) {
			t.Errorf("he comes back: %v", err)
		}
		if _, err := c.EndGuardian(ctx, child, father.ID); !errors.Is(err, &wardkeep.Problem{Code: "family.guardian_ended"}) {
			t.Errorf("ended twice: %v", err)
		}

		// A proof taken back carries nothing.
		mother := w.status(child).Guardians[0].ID
		g, err := c.UnverifyGuardian(ctx, child, mother)
		if err != nil || g.Strength != 0 || !g.VerifiedAt.IsZero() || g.Entry == "" {
			t.Fatalf("%+v, %v", g, err)
		}
		if _, err := c.Read(ctx, child, nickname); !errors.Is(err, &wardkeep.Problem{Code: "gate.guardian_unverified"}) {
			t.Errorf("used on a proof that was taken back: %v", err)
		}
	})
}

// Whoever repeats a request with its key adds one guardian, and learns the same.
func TestAddingAGuardianTwiceAddsOne(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		child := w.register("once").ID
		body := `{"relation":"parent","phone":"13800138001"}`
		first := w.send("POST", base+"/children/"+child+"/guardians", body, "Idempotency-Key", "k1")
		again := w.send("POST", base+"/children/"+child+"/guardians", body, "Idempotency-Key", "k1")
		if first.status != 201 || again.body != first.body || again.header.Get("Idempotent-Replayed") == "" {
			t.Errorf("%d %s, %s", first.status, first.body, again.body)
		}
		if n := len(w.status(child).Guardians); n != 2 {
			t.Errorf("%d guardians", n)
		}
	})
}

func TestArticle8_NoGuardianIsAddedDuringAVacancy(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		child := w.register("vacant").ID
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.EndOffice(ctx, tx, catalog.Operator{ID: "test"}, vaulttest.Service, w.Officer.ID)
			return err
		})
		_, err := w.client.AddGuardian(t.Context(), child, wardkeep.NewGuardian{Relation: "parent", Phone: "13800138001"})
		if !errors.Is(err, wardkeep.ErrDenied) || !errors.Is(err, &wardkeep.Problem{Code: "gate.no_officer"}) {
			t.Errorf("%v", err)
		}
		if n := len(w.status(child).Guardians); n != 1 {
			t.Errorf("%d guardians", n)
		}
	})
}

// Article 19, edge cases 2 and 3.
func TestArticle19_ABirthDateIsCorrectedAndNeverMakesOlder(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.client
		child := w.register("birth")
		if _, err := c.CorrectBirth(ctx, child.ID, `"c9"`, wardkeep.BirthDate{BirthDate: "2018"}); !errors.Is(err, wardkeep.ErrChanged) {
			t.Errorf("of another version: %v", err)
		}
		got, err := c.CorrectBirth(ctx, wardkeep.Ref("birth"), child.ETag, wardkeep.BirthDate{BirthDate: "2018-02"})
		if err != nil || got.Entry == "" || got.ETag == child.ETag || got.Age != "child" || got.Ref != "" {
			t.Fatalf("%+v, %v", got, err)
		}
		w.says(child.ID, "", true, "class-ranking")
		w.must(c.Collect(ctx, child.ID, "", wardkeep.Collection{Purpose: "class-ranking", Values: map[string]string{"nickname": "小溪"}}))
		if got, err = c.CorrectBirth(ctx, child.ID, "", wardkeep.BirthDate{BirthDate: "2018-03"}); err != nil || got.ETag != w.status(child.ID).ETag {
			t.Errorf("with something held, of version %s: %v", got.ETag, err)
		}
		_, err = c.CorrectBirth(ctx, child.ID, "", wardkeep.BirthDate{BirthDate: "2017"})
		var p *wardkeep.Problem
		if !errors.As(err, &p) || !errors.Is(err, wardkeep.ErrNeedsDocument) || p.Status != 403 || p.Field != "birth_date" {
			t.Errorf("made older: %v", err)
		}
		unknown := w.must(c.Register(ctx, wardkeep.NewChild{Ref: "unknown", Guardian: wardkeep.GuardianContact{Phone: "13800138000"}})).(wardkeep.Child)
		if _, err := c.CorrectBirth(ctx, unknown.ID, "", wardkeep.BirthDate{BirthDate: "1990"}); !errors.Is(err, wardkeep.ErrNeedsDocument) {
			t.Errorf("made a grown-up: %v", err)
		}
		if _, err := c.CorrectBirth(ctx, unknown.ID, unknown.ETag, wardkeep.BirthDate{BirthDate: "2016-02-29"}); err != nil {
			t.Error(err)
		}
	})
}

func TestChildrenAreListedPageByPage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.client
		var want []string
		for _, ref := range []string{"l1", "l2", "l3", "l4", "l5"} {
			want = append(want, w.register(ref).ID)
		}
		w.must(c.Erase(ctx, want[0]))
		want = want[1:]
		slices.Sort(want)
		var got []string
		after := ""
		for {
			page, err := c.Children(ctx, after, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, child := range page.Children {
				if child.State != "unconsented" || child.ExpiresAt.IsZero() || child.CreatedAt.IsZero() {
					t.Errorf("%+v", child)
				}
				got = append(got, child.ID)
			}
			if after = page.Next; after == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		// A birth date that can't be opened holds up no list: the dispute stands.
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			return tx.Queue(ctx, `UPDATE child SET birth = ref, disputed = true WHERE child = $1`, want[0])
		})
		if page, err := c.Children(ctx, "", 1); err != nil || len(page.Children) != 1 || page.Children[0].ID != want[0] || !page.Children[0].Disputed {
			t.Errorf("with a birth date that nobody can open: %+v, %v", page, err)
		}
		x := w.send("GET", base+"/children", "")
		if strings.Contains(x.body, "l2") || strings.Contains(x.body, "age") || strings.Contains(x.body, "birth") {
			t.Errorf("the list tells more than how each stands: %s", x.body)
		}
	})
}

// Edge case 26: after a no nobody asks again but the guardian.
func TestEdgeCase26_AGuardianAsksAgainOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.client
		child := w.register("again").ID
		w.says(child, "", true, "account")
		g := w.says(child, "", false, "class-ranking", "course-progress")
		if _, err := c.Ask(ctx, wardkeep.Asking{Child: child, Purposes: []string{"class-ranking"}, Channel: "link", Locale: "en"}); !errors.Is(err, &wardkeep.Problem{Code: "consent.refused_before"}) {
			t.Errorf("the app asks again: %v", err)
		}
		if _, err := g.AskAgain(ctx, wardkeep.AskAgain{Proof: strings.Repeat("0", 52)}); !errors.Is(err, &wardkeep.Problem{Code: "consent.not_verified"}) {
			t.Errorf("the link alone starts a request: %v", err)
		}
		proof := w.proof(g)
		asked, err := g.AskAgain(ctx, wardkeep.AskAgain{Proof: proof, Purposes: []string{"class-ranking"}})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(asked.Purposes, []string{"class-ranking"}) || asked.Entry == "" || asked.URL != "https://wardkeep.example/r/"+asked.Token || asked.ExpiresAt.IsZero() {
			t.Errorf("%+v", asked)
		}
		if twice, err := g.AskAgain(ctx, wardkeep.AskAgain{Proof: proof, Purposes: []string{"class-ranking"}}); err != nil || twice.Request != asked.Request || twice.Entry != "" || twice.Token == asked.Token {
			t.Errorf("thought again twice: %+v, %v", twice, err)
		}
		if all, err := g.AskAgain(ctx, wardkeep.AskAgain{Proof: proof}); err != nil || !slices.Equal(all.Purposes, []string{"course-progress", "class-ranking"}) {
			t.Errorf("whatever was refused: %+v, %v", all, err)
		}
		next := w.must(wardkeep.ForGuardian(w.server.URL, asked.Token)).(*wardkeep.GuardianClient).With(c)
		if _, err := next.AskAgain(ctx, wardkeep.AskAgain{Proof: proof}); !errors.Is(err, &wardkeep.Problem{Code: "consent.not_verified"}) {
			t.Errorf("the proof of another request: %v", err)
		}
		w.answer(next, true)
		if _, err := c.Collect(ctx, child, "", wardkeep.Collection{Purpose: "class-ranking", Values: map[string]string{"nickname": "小溪"}}); err != nil {
			t.Errorf("after she thought again: %v", err)
		}
	})
}

// Nobody but a key with the right scope, of the right service, changes who
// speaks for a child.
func TestArticle15_GuardiansAreChangedByTheirServiceAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		child := w.register("a15g")
		tie := "/children/" + child.ID + "/guardians/" + child.Guardians[0].ID
		calls := []struct{ method, path, body string }{
			{"POST", "/children/" + child.ID + "/guardians", `{"relation":"parent","phone":"13800138001"}`},
			{"POST", tie + ":unverify", ""},
			{"DELETE", tie, ""},
			{"POST", "/children/" + child.ID + ":correct", `{"birth_date":"2018"}`},
		}
		_, reads := w.keyWith(account.ChildrenRead, account.ConsentsWrite, account.ItemsRead, account.ItemsWrite, account.Erase, account.DecisionsRead)
		_, writes := w.keyWith(account.ChildrenWrite)
		var other string
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			operator := catalog.Operator{ID: "test"}
			if _, _, err = catalog.Create(ctx, tx, operator, "other-app", catalog.Live); err != nil {
				return err
			}
			_, other, _, err = account.IssueApp(ctx, tx, operator, "other-app", "app", account.AllScopes(), time.Time{})
			return err
		})
		for _, call := range calls {
			w.send(call.method, base+call.path, call.body, "Authorization", "Bearer "+reads).refused(t, 403, "api.scope_missing")
			w.send(call.method, base+call.path, call.body, "Authorization", "Bearer "+other).refused(t, 403, "api.other_service")
			w.send(call.method, "/v1/services/other-app"+call.path, call.body, "Authorization", "Bearer "+other).refused(t, 404, "family.not_found")
			w.send(call.method, base+call.path, call.body, "Authorization", "").refused(t, 401, "api.key_missing")
		}
		w.send("GET", base+"/children", "", "Authorization", "Bearer "+writes).refused(t, 403, "api.scope_missing")
		if x := w.send("GET", "/v1/services/other-app/children", "", "Authorization", "Bearer "+other); x.status != 200 || x.body != `{"children":[]}` {
			t.Errorf("another service's list: %s", x.body)
		}
		for _, call := range calls {
			if x := w.send(call.method, base+call.path, call.body, "Authorization", "Bearer "+writes); x.status >= 300 {
				t.Errorf("%s: %d %s", call.path, x.status, x.body)
			}
		}
	})
}

// Edge case 26: neither asking a second person at the same time, nor deleting
// the child and registering it anew, makes a no unsaid.
func TestEdgeCase26_ANoOutlivesAChildThatIsRegisteredAnew(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.client
		child := w.register("anew").ID
		second := w.must(c.AddGuardian(ctx, child, wardkeep.NewGuardian{Relation: "parent", Phone: "13800138001"})).(wardkeep.Guardian)
		w.must(c.Ask(ctx, wardkeep.Asking{Child: child, Guardian: second.ID, Channel: "link", Locale: "en"}))
		w.says(child, w.status(child).Guardians[0].ID, false)
		w.must(c.Erase(ctx, child))
		child = w.register("anew").ID
		if _, err := c.Ask(ctx, wardkeep.Asking{Child: child, Channel: "link", Locale: "en"}); !errors.Is(err, &wardkeep.Problem{Code: "consent.refused_before"}) {
			t.Errorf("asked again: %v", err)
		}
	})
}
