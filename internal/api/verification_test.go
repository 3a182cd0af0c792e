package api_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"wardkeep/client"
	"wardkeep/internal/api"
	"wardkeep/internal/catalog"
	"wardkeep/internal/notify"
	"wardkeep/internal/replay"
	"wardkeep/internal/verification"
)

// A bureau is the operator's adapter to who knows about identities, on a server of
// its own.
type bureau struct {
	mu     sync.Mutex
	answer string // JSON
	asked  []map[string]string
}

var bureauSecret = []byte(strings.Repeat("b", 24))

func (b *bureau) serve(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var q map[string]string
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		w.WriteHeader(400)
		return
	}
	b.asked = append(b.asked, q)
	if b.answer == "" {
		w.WriteHeader(503)
		return
	}
	io.WriteString(w, b.answer)
}

func (b *bureau) last() map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked[len(b.asked)-1]
}

func (b *bureau) says(answer string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = answer
}

// proving puts a server with a bureau in front of the world's store.
func (w *world) proving(t *testing.T) (*world, *bureau) {
	t.Helper()
	b := &bureau{answer: `{"result":"match","reference":"r-1"}`}
	server := httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("whsec_"+base64.StdEncoding.EncodeToString(bureauSecret)), 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := notify.NewHook(notify.HookConfig{URL: server.URL, SecretFile: file})
	if err != nil {
		t.Fatal(err)
	}
	next := w.behind(t, func(s *api.Server) {
		s.Verification = verification.Desk{Number: verification.Webhook(h), Official: verification.Webhook(h), Documents: true,
			Callback: "https://wardkeep.example/v1/verification/report", Hosts: []string{"id.example"}}
	})
	return next, b
}

// report posts what the official service says, and returns the status.
func (w *world) report(b *bureau, secret []byte, change map[string]any) (int, string) {
	w.T.Helper()
	q := b.last()
	m := map[string]any{"type": "identity.result", "verification": q["verification"], "nonce": q["nonce"], "result": "match", "adult": true}
	for k, v := range change {
		m[k] = v
	}
	body, err := json.Marshal(m)
	if err != nil {
		w.T.Fatal(err)
	}
	at := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "m1.%s.%s", at, body)
	req, err := http.NewRequestWithContext(w.T.Context(), http.MethodPost, w.server.URL+"/v1/verification/report", bytes.NewReader(body))
	if err != nil {
		w.T.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("webhook-id", "m1")
	req.Header.Set("webhook-timestamp", at)
	req.Header.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	resp, err := w.server.Client().Do(req)
	if err != nil {
		w.T.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.T.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

const somebody = "11010519491231002X" // the example of GB 11643

// Edge case 24: a receipt says how well its guardian was verified, and flags a yes that
// this doesn't carry.
func TestEdgeCase24_ReceiptsSayWhatTheyAreWorth(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w, _ = w.proving(t)
		ctx, c := t.Context(), w.client
		child := w.must(c.Register(ctx, wardkeep.NewChild{Ref: "v1", Guardian: wardkeep.GuardianContact{Phone: "13800138000"}})).(wardkeep.Child)
		for _, proves := range []bool{false, true} {
			w.Pass(time.Hour)
			r := w.must(c.Ask(ctx, wardkeep.Asking{Child: child.ID, Purposes: []string{"account", "class-ranking"}, Channel: "link", Locale: "en"})).(wardkeep.ConsentRequest)
			g := w.guardian(r)
			seen := w.must(g.Open(ctx, "en")).(wardkeep.GuardianRequest)
			w.must(g.SendCode(ctx))
			proof := w.must(g.Verify(ctx, w.code())).(wardkeep.Verified).Proof
			strength := 1
			if proves {
				w.must(g.ProveNumber(ctx, wardkeep.NameAndNumber{Proof: proof, Name: "王芳", Number: somebody}))
				strength = 2
			}
			answers := map[string]bool{"account": true, "class-ranking": true}
			given := w.must(g.Answer(ctx, wardkeep.GuardianAnswer{Proof: proof, Answers: answers, NoticeHash: seen.NoticeHash, Lang: "en"})).(wardkeep.Receipt)
			read := w.must(g.Receipt(ctx, proof)).(wardkeep.Receipt)
			for _, a := range append(given.Answers, read.Answers...) {
				if a.Strength != strength || a.Unproved != (a.Purpose == "class-ranking" && !proves) {
					t.Errorf("%s: strength %d, unproved %t", a.Purpose, a.Strength, a.Unproved)
				}
			}
		}
	})
}

func TestEdgeCase24_StrongerProofsOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w, b := w.proving(t)
		ctx, c := t.Context(), w.client
		child, err := c.Register(ctx, wardkeep.NewChild{Ref: "v1", BirthDate: "2017-05-06", Guardian: wardkeep.GuardianContact{Phone: "13800138000", Relation: "parent"}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Ask(ctx, wardkeep.Asking{Child: child.ID, Purposes: []string{"class-ranking"}, Channel: "link", Locale: "en"})
		if err != nil {
			t.Fatal(err)
		}
		g := w.guardian(r)
		seen, err := g.Open(ctx, "en")
		if err != nil || seen.Needs != 2 || !slices.Equal(seen.Methods, []string{"number", "official", "document"}) {
			t.Fatalf("%+v, %v", seen, err)
		}
		if _, err := g.ProveNumber(ctx, wardkeep.NameAndNumber{Proof: "x", Name: "王芳", Number: somebody}); !errors.Is(err, &wardkeep.Problem{Code: "consent.not_verified"}) {
			t.Errorf("without a code: %v", err)
		}
		if _, err := g.SendCode(ctx); err != nil {
			t.Fatal(err)
		}
		verified, err := g.Verify(ctx, w.code())
		if err != nil {
			t.Fatal(err)
		}
		who := wardkeep.NameAndNumber{Proof: verified.Proof, Name: "王芳", Number: somebody[:17] + "1"}
		if _, err := g.ProveNumber(ctx, who); !errors.Is(err, &wardkeep.Problem{Code: "verification.number_invalid"}) {
			t.Errorf("a wrong check digit: %v", err)
		}
		who.Number = somebody
		b.says(`{"result":"no_match"}`)
		if p, err := g.ProveNumber(ctx, who); err != nil || p.State != "failed" || p.Strength != 1 || p.Entry == "" {
			t.Errorf("%+v, %v", p, err)
		}
		b.says("")
		if p, err := g.ProveNumber(ctx, who); err != nil || p.State != "unavailable" || p.Strength != 1 {
			t.Errorf("%+v, %v", p, err)
		}
		b.says(`{"result":"match","reference":"r-1"}`)
		once := wardkeep.WithIdempotencyKey(ctx, "the-same")
		p, err := g.ProveNumber(once, who)
		if err != nil || p.State != "succeeded" || p.Strength != 2 || p.Entry == "" {
			t.Fatalf("%+v, %v", p, err)
		}
		asked := len(b.asked)
		if again, err := g.ProveNumber(once, who); err != nil || again.ID != p.ID || again.State != "succeeded" || len(b.asked) != asked {
			t.Errorf("repeated: %+v, %v", again, err)
		}
		receipt, err := g.Answer(ctx, wardkeep.GuardianAnswer{Proof: verified.Proof, NoticeHash: seen.NoticeHash, Lang: "en", Answers: map[string]bool{"class-ranking": true}})
		if err != nil || len(receipt.Answers) != 1 {
			t.Fatalf("%+v, %v", receipt, err)
		}
		perms, err := c.Permissions(ctx, child.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range perms.Purposes {
			if q.Purpose != "class-ranking" {
				continue
			}
			for _, a := range q.Activities {
				if a.Party == "class" && !a.Permitted {
					t.Errorf("what a code couldn't open is still shut: %+v", a.Reasons)
				}
			}
		}
		for _, text := range []string{somebody, "王芳", verified.Proof} {
			if strings.Contains(w.log.String(), text) {
				t.Error("the log has a personal value")
			}
		}
	})
}

func TestEdgeCase24_TheOfficialServiceOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w, b := w.proving(t)
		g, verified := w.codeShown(t)
		ctx := t.Context()
		for _, bad := range []string{"", `{"url":"https://evil.example/"}`} {
			b.says(bad)
			if p, err := g.ProveOfficially(ctx, verified.Proof); err != nil || p.State != "unavailable" || p.URL != "" {
				t.Errorf("%q: %+v, %v", bad, p, err)
			}
		}
		b.says(`{"url":"https://id.example/go"}`)
		p, err := g.ProveOfficially(ctx, verified.Proof)
		if err != nil || p.State != "started" || p.URL != "https://id.example/go" || p.Strength != 1 {
			t.Fatalf("%+v, %v", p, err)
		}
		if q := b.last(); q["callback"] != "https://wardkeep.example/v1/verification/report" || q["name"] != "" || q["number"] != "" {
			t.Errorf("asked about %d things", len(q))
		}
		// Whatever is wrong, the answer is one.
		status, text := w.report(b, []byte(strings.Repeat("x", 24)), nil)
		for _, change := range []map[string]any{{"nonce": "x"}, {"verification": "ve_00000000000000000000000000"}, {"type": "x"}} {
			if s, other := w.report(b, bureauSecret, change); s != status || s != 401 || problemOf(other) != problemOf(text) {
				t.Errorf("%v: %d %s", change, s, other)
			}
		}
		if now, err := g.Proving(ctx, verified.Proof, p.ID); err != nil || now.State != "started" {
			t.Errorf("%+v, %v", now, err)
		}
		for range 2 {
			if status, text := w.report(b, bureauSecret, nil); status != 204 || text != "" {
				t.Fatalf("%d %s", status, text)
			}
		}
		if now, err := g.Proving(ctx, verified.Proof, p.ID); err != nil || now.State != "succeeded" || now.Strength != 3 {
			t.Errorf("%+v, %v", now, err)
		}
		if _, err := g.Proving(ctx, "x", p.ID); err == nil {
			t.Error("the link alone sees the attempt")
		}
		w.audited(t)
	})
}

// problemOf is a problem without what is new in each answer.
func problemOf(body string) string {
	var p struct{ Code, Detail string }
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		return body
	}
	return p.Code + p.Detail
}

func TestEdgeCase24_ADocumentOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w, _ = w.proving(t)
		g, verified := w.codeShown(t)
		ctx := t.Context()
		for _, bad := range []string{"no base64", base64.StdEncoding.EncodeToString([]byte("<html>"))} {
			if _, err := g.ProveByDocument(ctx, wardkeep.DocumentSent{Proof: verified.Proof, Pages: []string{bad}}); !errors.Is(err, &wardkeep.Problem{Code: "verification.page_kind"}) {
				t.Errorf("%v", err)
			}
		}
		p, err := g.ProveByDocument(ctx, wardkeep.DocumentSent{Proof: verified.Proof, Number: somebody, Pages: []string{base64.StdEncoding.EncodeToString([]byte("%PDF-1.7"))}})
		if err != nil || p.State != "started" || p.Method != "document" {
			t.Fatalf("%+v, %v", p, err)
		}
		w.audited(t)
	})
}

// codeShown registers a child and types its guardian's code.
func (w *world) codeShown(t *testing.T) (*wardkeep.GuardianClient, wardkeep.Verified) {
	t.Helper()
	ctx := t.Context()
	child, err := w.client.Register(ctx, wardkeep.NewChild{Ref: "v2", BirthDate: "2017-05-06", Guardian: wardkeep.GuardianContact{Phone: "13800138000", Relation: "parent"}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.client.Ask(ctx, wardkeep.Asking{Child: child.ID, Channel: "link", Locale: "en"})
	if err != nil {
		t.Fatal(err)
	}
	g := w.guardian(r)
	if _, err := g.Open(ctx, "en"); err != nil {
		t.Fatal(err)
	}
	if _, err := g.SendCode(ctx); err != nil {
		t.Fatal(err)
	}
	verified, err := g.Verify(ctx, w.code())
	if err != nil {
		t.Fatal(err)
	}
	return g, verified
}

func (w *world) audited(t *testing.T) {
	t.Helper()
	report, err := replay.Audit(t.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
	if err != nil || !report.OK() {
		t.Errorf("%v, %v", report.Differences, err)
	}
}

// Apps try what needs a strong proof in a test service; that it is there alone,
// consent shows.
func TestEdgeCase24_AppsTryAStrongGuardianInATestService(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.client
		child, err := c.Register(ctx, wardkeep.NewChild{Ref: "f1", BirthDate: "2017-05-06", Guardian: wardkeep.GuardianContact{Phone: "13800138000", Relation: "parent"}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Ask(ctx, wardkeep.Asking{Child: child.ID, Channel: "link", Locale: "en"})
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []int{-1, 5} {
			if _, err := c.ForceAt(ctx, r.ID, "granted", bad); err == nil {
				t.Errorf("strength %d", bad)
			}
		}
		if _, err := c.ForceAt(ctx, r.ID, "granted", 4); err != nil {
			t.Fatal(err)
		}
		got, err := c.Child(ctx, child.ID)
		if err != nil || got.Guardians[0].Strength != 4 {
			t.Errorf("%+v, %v", got.Guardians, err)
		}
		w.audited(t)
	})
}
