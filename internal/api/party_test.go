package api_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wardkeep/client"
	"wardkeep/internal/api"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/decoy"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
	"wardkeep/internal/replay"
	"wardkeep/internal/vault/vaulttest"
)

// asParty returns the client of the world's processor, by a key that is bound now. It is
// reached by another address than the server says, as behind a proxy.
func (w *world) asParty(of party.ID) (*wardkeep.Party, party.Key, ed25519.PrivateKey) {
	w.T.Helper()
	key, private := w.Bind(of)
	return w.partyWith(key.ID, private), key, private
}

func (w *world) partyWith(key string, signer crypto.Signer) *wardkeep.Party {
	w.T.Helper()
	c, err := wardkeep.ForParty(w.server.URL, key, signer)
	if err != nil {
		w.T.Fatal(err)
	}
	c.As, c.Now = "https://wardkeep.example", w.Store.Now
	return c.With(w.client)
}

// refusedWith fails the test unless err is this refusal.
func refusedWith(t testing.TB, what string, err error, status int, code, field string) {
	t.Helper()
	p, ok := errors.AsType[*wardkeep.Problem](err)
	if !ok || p.Status != status || p.Code != code || p.Field != field {
		t.Errorf("%s: got %v, want %d %s at %q", what, err, status, code, field)
		return
	}
	if p.Detail == "" || p.Detail == code || strings.Contains(p.Detail, "{{") || strings.Contains(p.Detail, "<no value>") {
		t.Errorf("%s: no words: %q", what, p.Detail)
	}
}

// A through is a way to the server on which somebody changes what is sent.
type through func(*http.Request) (*http.Response, error)

func (f through) RoundTrip(q *http.Request) (*http.Response, error) { return f(q) }

// changing returns a client whose requests are changed after they were signed.
func (w *world) changing(key string, signer crypto.Signer, change func(q *http.Request)) *wardkeep.Party {
	p := w.partyWith(key, signer)
	c := *w.client
	c.HTTP = &http.Client{Transport: through(func(q *http.Request) (*http.Response, error) {
		q = q.Clone(q.Context())
		change(q)
		return w.server.Client().Transport.RoundTrip(q)
	})}
	return p.With(&c)
}

func TestArticle16_APartySeesHowItStands(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		until := w.Store.Now().Add(24 * time.Hour).Truncate(time.Second).UTC()
		w.Engage(until)
		p, key, _ := w.asParty(vaulttest.ProcessorID())
		got, err := p.Standing(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got.AssessedUntil.Before(until) || got.From.After(w.Store.Now()) {
			t.Errorf("its papers: %+v", got)
		}
		got.AssessedUntil, got.From = time.Time{}, time.Time{}
		want := wardkeep.PartyStanding{Service: vaulttest.Service, Role: "processor", Party: vaulttest.Processor, State: "active", Key: key.ID, KeyUntil: until,
			Paper: key.Paper, Until: until, Scope: party.ScopeOf(w.Charter, party.Processor, vaulttest.Processor),
			Quota: wardkeep.PartyQuota{PerHour: 10_000, LeftThisHour: 10_000, PerDay: 100_000, LeftToday: 100_000}}
		for _, items := range want.Scope {
			slices.Sort(items)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		p.As = "https://Wardkeep.Example/" // a host is the same however it is written
		if _, err := p.Standing(t.Context()); err != nil {
			t.Error(err)
		}
		if log := w.log.String(); !strings.Contains(log, `"actor":"party"`) || strings.Contains(log, key.ID) {
			t.Error("the log doesn't say what asked, or says who")
		}
	})
}

// Whatever is changed on the way is refused, and each refusal says which part it was. None of
// them spends the nonce of the right request.
func TestArticle16_ASignedRequestIsChangedInNoPart(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.Engage(w.Store.Now().Add(24 * time.Hour))
		_, key, private := w.asParty(vaulttest.ProcessorID())
		_, stranger, _ := ed25519.GenerateKey(nil)
		edit := func(header, pattern, by string) func(q *http.Request) {
			return func(q *http.Request) {
				old := q.Header.Get(header)
				is := regexp.MustCompile(pattern).ReplaceAllString(old, by)
				if is == old {
					t.Errorf("%q is nowhere in %s", pattern, header)
				}
				q.Header.Set(header, is)
			}
		}
		created := func(by time.Duration) func(q *http.Request) {
			return edit("Signature-Input", `created=\d+`, "created="+strconv.FormatInt(w.Store.Now().Add(by).Unix(), 10))
		}
		for name, c := range map[string]struct {
			key         string
			signer      crypto.Signer
			change      func(q *http.Request)
			code, field string
		}{
			"another path":      {"", nil, func(q *http.Request) { q.URL.Path = "/v1/party/" + "../party" }, "api.not_found", ""},
			"a query":           {"", nil, func(q *http.Request) { q.URL.RawQuery = "x=1" }, "signature.wrong", ""},
			"an empty query":    {"", nil, func(q *http.Request) { q.URL.ForceQuery = true }, "signature.wrong", ""},
			"a body":            {"", nil, body("{}"), "signature.component_missing", "content-digest"},
			"an idempotency":    {"", nil, func(q *http.Request) { q.Header.Set("Idempotency-Key", "x") }, "signature.component_missing", "idempotency-key"},
			"a condition":       {"", nil, func(q *http.Request) { q.Header.Set("If-Match", "x") }, "signature.component_missing", "if-match"},
			"no signature":      {"", nil, func(q *http.Request) { q.Header.Del("Signature") }, "signature.missing", "Signature"},
			"no input":          {"", nil, func(q *http.Request) { q.Header.Del("Signature-Input") }, "signature.missing", "Signature-Input"},
			"an app's key":      {"", nil, func(q *http.Request) { q.Header = http.Header{"Authorization": {"Bearer " + w.Key}} }, "signature.missing", "Signature-Input"},
			"nonsense":          {"", nil, func(q *http.Request) { q.Header.Set("Signature-Input", `"`) }, "signature.malformed", "Signature-Input"},
			"a number":          {"", nil, func(q *http.Request) { q.Header.Set("Signature", "wardkeep=7") }, "signature.malformed", "Signature"},
			"another label":     {"", nil, edit("Signature", "^wardkeep", "other"), "signature.malformed", "Signature"},
			"too long":          {"", nil, func(q *http.Request) { q.Header.Set("Signature-Input", strings.Repeat("a", 5000)) }, "signature.malformed", "Signature-Input"},
			"another tag":       {"", nil, edit("Signature-Input", `tag="wardkeep"`, `tag="other"`), "signature.tag_missing", "tag"},
			"two":               {"", nil, edit("Signature-Input", `^wardkeep=(.*)$`, `wardkeep=$1, x=$1`), "signature.several", ""},
			"without method":    {"", nil, edit("Signature-Input", `"@method" `, ""), "signature.component_missing", "@method"},
			"without address":   {"", nil, edit("Signature-Input", ` "@target-uri"`, ""), "signature.component_missing", "@target-uri"},
			"half an address":   {"", nil, edit("Signature-Input", `"@target-uri"`, `"@authority" "@path"`), "signature.component_missing", "@query"},
			"a parameter":       {"", nil, edit("Signature-Input", `"@method"`, `"@method";req`), "signature.component_unsupported", ""},
			"twice":             {"", nil, edit("Signature-Input", `"@method"`, `"@method" "@method"`), "signature.component_unsupported", ""},
			"a part unknown":    {"", nil, edit("Signature-Input", `"@method"`, `"@method" "@status"`), "signature.component_unsupported", ""},
			"a header not sent": {"", nil, edit("Signature-Input", `"@method"`, `"@method" "x-not-sent"`), "signature.component_absent", "x-not-sent"},
			"no time":           {"", nil, edit("Signature-Input", `;created=\d+`, ""), "signature.parameter_missing", "created"},
			"a time as text":    {"", nil, edit("Signature-Input", `created=(\d+)`, `created="$1"`), "signature.parameter_missing", "created"},
			"no key":            {"", nil, edit("Signature-Input", `;keyid="[^"]*"`, ""), "signature.parameter_missing", "keyid"},
			"no nonce":          {"", nil, edit("Signature-Input", `;nonce="[^"]*"`, ""), "signature.parameter_missing", "nonce"},
			"a short nonce":     {"", nil, edit("Signature-Input", `nonce="[^"]*"`, `nonce="abc"`), "signature.nonce_short", "nonce"},
			"no algorithm":      {"", nil, edit("Signature-Input", `;alg="ed25519"`, ""), "signature.parameter_missing", "alg"},
			"another algorithm": {"", nil, edit("Signature-Input", `alg="ed25519"`, `alg="hmac-sha256"`), "signature.algorithm", "alg"},
			"too old":           {"", nil, created(-62 * time.Second), "signature.too_old", "created"},
			"too new":           {"", nil, created(62 * time.Second), "signature.too_new", "created"},
			"another time":      {"", nil, created(-20 * time.Second), "signature.wrong", ""},
			"expired":           {"", nil, edit("Signature-Input", `;alg`, `;expires=1000000000;alg`), "signature.expired", "expires"},
			"expires as text":   {"", nil, edit("Signature-Input", `;alg`, `;expires="1";alg`), "signature.parameter_missing", "expires"},
			"another nonce":     {"", nil, edit("Signature-Input", `nonce="[^"]*"`, `nonce="AAAAAAAAAAAAAAAAAAAAAAAA"`), "signature.wrong", ""},
			"a bit":             {"", nil, func(q *http.Request) { q.Header.Set("Signature", "wardkeep=:"+strings.Repeat("AAAA", 21)+"AA==:") }, "signature.wrong", ""},
			"cut off":           {"", nil, func(q *http.Request) { q.Header.Set("Signature", "wardkeep=:AAAA:") }, "signature.wrong", ""},
			"another's key":     {"", stranger, nil, "signature.wrong", ""},
			"nobody's name":     {"kp_00000000000000000000000000", nil, nil, "signature.wrong", ""},
			"nobody's, by none": {"kp_00000000000000000000000000", ed25519.NewKeyFromSeed(make([]byte, 32)), nil, "signature.wrong", ""},
			"no name":           {"x", nil, nil, "signature.wrong", ""},
		} {
			if c.key == "" {
				c.key = key.ID
			}
			if c.signer == nil {
				c.signer = private
			}
			if c.change == nil {
				c.change = func(*http.Request) {}
			}
			status := http.StatusUnauthorized
			if strings.HasPrefix(c.code, "api.") {
				status = http.StatusNotFound
			}
			p := w.changing(c.key, c.signer, func(q *http.Request) { q.Header.Set("Accept-Language", "en"); c.change(q) })
			_, err := p.Standing(t.Context())
			refusedWith(t, name, err, status, c.code, c.field)
		}
		// Of a header that both may change the right one is good, and the other way to sign the
		// address as well.
		for name, change := range map[string]func(q *http.Request){
			"untouched":             func(*http.Request) {},
			"another's beside ours": edit("Signature-Input", `^`, `proxy=("@method");created=1;tag="other", `),
		} {
			if _, err := w.changing(key.ID, private, change).Standing(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func body(text string) func(*http.Request) {
	return func(q *http.Request) {
		q.Body, q.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	}
}

// The words of a clock that is wrong tell how far, to the second.
func TestArticle16_AWrongClockIsToldBySeconds(t *testing.T) {
	w := newWorld(t, storeOf(t), noLimits)
	now := w.Store.Now().Truncate(time.Second)
	w.Store.Now = func() time.Time { return now }
	w.Engage(now.Add(24 * time.Hour))
	_, key, private := w.asParty(vaulttest.ProcessorID())
	for name, c := range map[string]struct {
		by   time.Duration
		says string
	}{
		"the oldest": {-60 * time.Second, ""}, "too old": {-61 * time.Second, "61 seconds ago"},
		"the newest": {60 * time.Second, ""}, "too new": {3600 * time.Second, "in 3600 seconds"},
	} {
		x := w.signed(key.ID, private, now.Add(c.by), "GET", "/v1/party", "")
		if c.says == "" && x.status != 200 || c.says != "" && (x.status != 401 || !strings.Contains(x.problem.Detail, c.says)) {
			t.Errorf("%s: %d %s", name, x.status, x.problem.Detail)
		}
		if x.status == 401 && (!strings.Contains(x.header.Get("Accept-Signature"), `tag="wardkeep"`) || x.header.Get("WWW-Authenticate") == "" || x.header.Get("Date") == "") {
			t.Errorf("%s: it doesn't say how to do it right", name)
		}
	}
}

// signed sends a request that was signed at a moment, by hand, in the other way to cover an
// address.
func (w *world) signed(key string, private ed25519.PrivateKey, at time.Time, method, path, text string) exchange {
	w.T.Helper()
	u, err := url.Parse(path)
	if err != nil {
		w.T.Fatal(err)
	}
	params := `("@method" "@authority" "@path" "@query");created=` + strconv.FormatInt(at.Unix(), 10) + `;keyid="` + key + `";alg="ed25519";nonce="` +
		strings.Repeat("n", 20) + strconv.FormatInt(time.Now().UnixNano(), 36) + `";tag="wardkeep"`
	base := "\"@method\": " + method + "\n\"@authority\": wardkeep.example\n\"@path\": " + u.EscapedPath() + "\n\"@query\": ?" + u.RawQuery + "\n\"@signature-params\": " + params
	return w.send(method, path, text, "Authorization", "", "Signature-Input", "mine="+params,
		"Signature", "mine=:"+base64.StdEncoding.EncodeToString(ed25519.Sign(private, []byte(base)))+":")
}

// A signature serves once: on this node, on another one, and of several at once, too.
func TestArticle16_ASignatureServesOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.Engage(w.Store.Now().Add(24 * time.Hour))
		_, key, private := w.asParty(vaulttest.ProcessorID())
		var kept http.Header
		p := w.changing(key.ID, private, func(q *http.Request) { kept = q.Header.Clone() })
		if _, err := p.Standing(t.Context()); err != nil {
			t.Fatal(err)
		}
		other := w.behind(t, func(*api.Server) {})
		for name, node := range map[string]*world{"here": w, "on another node": other} {
			replay := node.changing(key.ID, private, func(q *http.Request) { q.Header = kept.Clone() })
			_, err := replay.Standing(t.Context())
			refusedWith(t, name, err, 401, "party.nonce_used", "")
		}
		// Ten at once with the same signature.
		fresh := make(chan http.Header, 1)
		_, _ = w.changing(key.ID, private, func(q *http.Request) {
			fresh <- q.Header.Clone()
			q.Header.Del("Signature") // it doesn't arrive
		}).Standing(t.Context())
		same := <-fresh
		var wg sync.WaitGroup
		var mu sync.Mutex
		served := 0
		for i := range 10 {
			wg.Go(func() {
				node := []*world{w, other}[i%2]
				if _, err := node.changing(key.ID, private, func(q *http.Request) { q.Header = same.Clone() }).Standing(t.Context()); err == nil {
					mu.Lock()
					defer mu.Unlock()
					served++
				}
			})
		}
		wg.Wait()
		if served != 1 {
			t.Errorf("of ten with one signature %d were served", served)
		}
		// Once nobody takes the signature any more, its nonce is forgotten.
		w.Pass(12 * time.Minute)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			n, err := party.SweepNonces(ctx, tx, 100)
			if n != 2 {
				t.Errorf("%d nonces were forgotten", n)
			}
			return err
		})
		_, err := w.changing(key.ID, private, func(q *http.Request) { q.Header = same.Clone() }).Standing(t.Context())
		refusedWith(t, "later", err, 401, "signature.too_old", "created")
	})
}

// A key is as good as what it is bound to is at that moment, to the microsecond; and each way
// in which that ends has its words.
func TestArticle16_AKeyEndsWithWhatItIsBoundTo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		now := w.Store.Now().Truncate(time.Second)
		var mu sync.Mutex
		w.Store.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
		set := func(at time.Time) { mu.Lock(); defer mu.Unlock(); now = at }
		until := now.Add(24 * time.Hour)
		of := vaulttest.ProcessorID()
		w.Engage(until)
		key, private := w.Bind(of)
		asks := func(what string, key party.Key, private ed25519.PrivateKey, status int, code string) {
			t.Helper()
			x := w.signed(key.ID, private, now, "GET", "/v1/party", "")
			if status == 200 && x.status != 200 {
				t.Errorf("%s: %d %s", what, x.status, x.body)
			}
			if status != 200 {
				x.refused(t, status, code)
			}
		}
		do := func(fn func(ctx context.Context, tx *db.Tx) error) { t.Helper(); w.Do(fn) }
		asks("at first", key, private, 200, "")

		do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Suspend(ctx, tx, w.Officer, of, party.Incident)
			return err
		})
		asks("suspended", key, private, 403, "party.client_suspended")
		do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Resume(ctx, tx, w.Officer, of)
			return err
		})
		asks("let on again", key, private, 200, "")

		do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Declare(ctx, tx, w.Officer, of, []string{"某云计算公司"})
			return err
		})
		asks("with a sub-processor", key, private, 403, "party.client_entrusts")
		do(func(ctx context.Context, tx *db.Tx) error {
			if _, _, err := party.Declare(ctx, tx, w.Officer, of, nil); err != nil {
				return err
			}
			_, _, err := party.Resume(ctx, tx, w.Officer, of)
			return err
		})

		// A second key, of its own end; and revoked.
		second, also := w.Bind(of)
		asks("the second", second, also, 200, "")
		do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Revoke(ctx, tx, w.Officer, of, second.ID)
			return err
		})
		asks("revoked", second, also, 401, "party.key_revoked")
		asks("the first", key, private, 200, "")

		// The last microsecond, and the one after it.
		set(until.Add(-time.Microsecond))
		asks("the moment before the end", key, private, 200, "")
		set(until)
		asks("the end", key, private, 403, "party.client_ended")

		// Another agreement is another binding.
		set(until.Add(-time.Hour))
		do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Agree(ctx, tx, w.Officer, of, w.Deed(party.ScopeOf(w.Charter, party.Processor, vaulttest.Processor), now, until.Add(time.Hour)))
			return err
		})
		asks("another agreement", key, private, 403, "party.key_of_other_paper")
		third, by := w.Bind(of)
		asks("bound anew", third, by, 200, "")
		do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.End(ctx, tx, w.Officer, of, now.Add(time.Minute))
			return err
		})
		asks("its end is set", third, by, 200, "")
		set(now.Add(time.Minute))
		asks("its end has come", third, by, 403, "party.client_ended")

		set(now.Add(-time.Minute))
		do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.Cease(ctx, tx, w.Officer, vaulttest.Service, "", catalog.ClosingDown, now.Add(catalog.LeastWindow))
			return err
		})
		asks("the service ends", third, by, 403, "party.client_service_closed")
	})
}

// What is bound, and what isn't.
func TestArticle16_KeysThatAreNotBound(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		of := vaulttest.ProcessorID()
		public, _, _ := ed25519.GenerateKey(nil)
		bind := func(public ed25519.PublicKey, until time.Time) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := party.Bind(ctx, tx, w.Officer, of, public, until)
				return err
			})
		}
		wants := func(what string, err, want error) {
			t.Helper()
			if !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", what, err, want)
			}
		}
		wants("nobody's", bind(public, time.Time{}), party.ErrNotFound)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Register(ctx, tx, w.Officer, of, vaulttest.Identity())
			return err
		})
		wants("before the agreement", bind(public, time.Time{}), party.ErrUnready)
		until := w.Store.Now().Add(24 * time.Hour)
		w.Engage(until)
		wants("over", bind(public, w.Store.Now()), party.ErrKeyUntil)
		wants("longer than the agreement", bind(public, until.Add(time.Second)), party.ErrKeyUntil)
		wants("half a key", bind(public[:31], time.Time{}), party.ErrKeyForm)
		wants("a key by which everybody signs", bind(make([]byte, 32), time.Time{}), party.ErrKeyWeak)
		wants("the first", bind(public, time.Time{}), nil)
		wants("the same again", bind(public, time.Time{}), party.ErrKeyTaken)
		for range party.MaxKeys - 1 {
			w.Bind(of)
		}
		other, _, _ := ed25519.GenerateKey(nil)
		wants("one too many", bind(other, time.Time{}), party.ErrKeys)
		wants("nobody's key", w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Revoke(ctx, tx, w.Officer, of, "kp_00000000000000000000000000")
			return err
		}), party.ErrKeyNotFound)
	})
}

// speaker returns a child of whom something may be entrusted to the processor, and what it is
// called there.
func (w *world) speaker(ref string) (child, handle string) {
	w.T.Helper()
	child = w.child(ref)
	w.must(w.client.Collect(context.Background(), child, "", wardkeep.Collection{Purpose: "speaking-practice", Values: map[string]string{"gender": "女", "voice": "AAAA"}}))
	h := w.must(w.client.Introduce(context.Background(), child, wardkeep.Introduction{Role: "processor", Party: vaulttest.Processor})).(wardkeep.Handle)
	return child, h.Handle
}

// recorded returns what parties have done of a kind, as far as it has no place yet.
func (w *world) recorded(kind string) (all []ledger.Placed) {
	w.T.Helper()
	err := w.Store.View(context.Background(), func(tx *db.Tx) error {
		return ledger.Pending(context.Background(), tx, func(p ledger.Placed) error {
			if p.Kind == kind && strings.HasPrefix(p.Actor, "party:") {
				all = append(all, p)
			}
			return nil
		})
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return all
}

// audited fails the test unless the ledger and the tables agree.
func (w *world) replays() {
	w.T.Helper()
	w.sequence()
	report, err := replay.Audit(context.Background(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
	if err != nil {
		w.T.Fatal(err)
	}
	for _, d := range report.Differences {
		w.T.Errorf("%s (%s)", d, d.What)
	}
}

func TestArticle16_AProcessorFetchesWhatItMay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.Engage(w.Store.Now().Add(24 * time.Hour))
		p, key, private := w.asParty(vaulttest.ProcessorID())
		child, handle := w.speaker("lan")
		ask := wardkeep.Reading{Purpose: "speaking-practice", Items: []string{"voice", "gender"}}
		got, err := p.Read(ctx, handle, ask)
		if err != nil || got.Entry == "" || got.Values["gender"] != "女" || got.Values["voice"] != "AAAA" {
			t.Fatalf("%d values, %v", len(got.Values), err)
		}
		if used := w.recorded(gate.KindPermitted); len(used) != 1 || used[0].ID != got.Entry || used[0].Actor != "party:"+key.ID || used[0].Service != vaulttest.Service {
			t.Errorf("recorded: %+v", used)
		}
		standing, err := p.Standing(ctx)
		if err != nil || standing.Quota.LeftThisHour != party.Defaults.PerHour-2 || standing.Quota.LeftToday != party.Defaults.PerDay-2 {
			t.Errorf("left: %+v, %v", standing.Quota, err)
		}
		for name, c := range map[string]struct {
			ask  wardkeep.Reading
			code string
		}{
			"an item of another purpose": {wardkeep.Reading{Purpose: "speaking-practice", Items: []string{"nickname"}}, "gate.item_not_in_purpose"},
			"another purpose":            {wardkeep.Reading{Purpose: "course-progress", Items: []string{"nickname"}}, "gate.processor_unknown"},
			"what nobody knows":          {wardkeep.Reading{Purpose: "zhang san", Items: []string{"王小明"}}, "gate.purpose_unknown"},
		} {
			if _, err := p.Read(ctx, handle, c.ask); !errors.Is(err, wardkeep.ErrDenied) || !errors.Is(err, &wardkeep.Problem{Code: c.code}) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, bad := range []string{"hd_00000000000000000000000000", "x", child, "hd_" + strings.Repeat("%ff", 26), strings.Repeat("h", 3000)} {
			_, err := p.Read(ctx, bad, ask)
			refusedWith(t, "another handle", err, 404, "party.handle_unknown", "")
		}
		// The body is signed: on its way it is neither changed nor sent once more.
		_, err = w.changing(key.ID, private, body(`{"purpose":"speaking-practice","items":["voice"]}`)).Read(ctx, handle, ask)
		refusedWith(t, "another body", err, 401, "signature.digest_wrong", "Content-Digest")
		_, err = w.changing(key.ID, private, func(q *http.Request) {
			text := `{"purpose":"speaking-practice","items":["voice"]}`
			sum := sha256.Sum256([]byte(text))
			q.Header.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
			body(text)(q)
		}).Read(ctx, handle, ask)
		refusedWith(t, "another body and its digest", err, 401, "signature.wrong", "")
		_, other := w.speaker("bo")
		_, err = w.changing(key.ID, private, func(q *http.Request) { q.URL.Path = strings.Replace(q.URL.Path, handle, other, 1) }).Read(ctx, handle, ask)
		refusedWith(t, "another child", err, 401, "signature.wrong", "")
		_, err = w.changing(key.ID, private, func(q *http.Request) { q.Method = "HEAD" }).Standing(ctx)
		if bad, ok := errors.AsType[*wardkeep.Problem](err); !ok || bad.Status != 401 {
			t.Errorf("another method: %v", err) // which has no body to tell more
		}

		// The handle ends with the child.
		w.must(w.client.Erase(ctx, child))
		_, err = p.Read(ctx, handle, ask)
		refusedWith(t, "erased", err, 404, "party.handle_unknown", "")
		w.replays()
	})
}

// A party knows a child by a name of its own, the same each time, which leads to nobody else
// whoever changes the row.
func TestArticle16_AHandleLeadsOnePartyToOneChild(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.Engage(w.Store.Now().Add(24 * time.Hour))
		p, _, _ := w.asParty(vaulttest.ProcessorID())
		child, handle := w.speaker("lan")
		other, _ := w.speaker("bo")
		again := w.must(w.client.Introduce(ctx, child, wardkeep.Introduction{Role: "processor", Party: vaulttest.Processor})).(wardkeep.Handle)
		if again.Handle != handle || strings.Contains(handle, child[3:]) {
			t.Error("it is called otherwise the second time")
		}
		someone := vaulttest.ProcessorID()
		someone.Role = party.Recipient
		theirs := party.HandleOf(w.Ring, someone, family.ID(child))
		if theirs == handle {
			t.Error("two parties call a child alike")
		}
		_, err := w.client.Introduce(ctx, child, wardkeep.Introduction{Role: "recipient", Party: vaulttest.Processor})
		refusedWith(t, "nobody on the register", err, 404, "party.not_found", "")
		ask := wardkeep.Reading{Purpose: "speaking-practice", Items: []string{"gender"}}
		for name, row := range map[string][]any{"another party's": {theirs, child}, "led elsewhere": {handle, other}} {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `INSERT INTO party_handle (handle, child) VALUES ($1, $2) ON CONFLICT (handle) DO UPDATE SET child = excluded.child`, row...)
				return err
			})
			_, err := p.Read(ctx, row[0].(string), ask)
			refusedWith(t, name, err, 404, "party.handle_unknown", "")
		}
	})
}

// Too many values are refused, and too many at once told of; so is a decoy that is touched.
func TestArticle16_WhoFetchesTooMuchRaisesAnAlarm(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.PassToHalfPast()
		now := w.Store.Now()
		w.Store.Now = func() time.Time { return now }
		w.Engage(now.Add(24 * time.Hour))
		w.Vault.Pulls = party.Limits{PerHour: 3, PerDay: 4, Burst: 1}
		p, key, private := w.asParty(vaulttest.ProcessorID())
		child, handle := w.speaker("lan")
		two := wardkeep.Reading{Purpose: "speaking-practice", Items: []string{"voice", "gender"}}
		one := wardkeep.Reading{Purpose: "speaking-practice", Items: []string{"gender"}}
		if _, err := p.Read(ctx, handle, two); err != nil {
			t.Fatal(err)
		}
		// Another key has no quota of its own: five would be five times as much.
		second, _, _ := w.asParty(vaulttest.ProcessorID())
		if got := w.must(second.Standing(ctx)).(wardkeep.PartyStanding).Quota; got.LeftThisHour != 1 || got.LeftToday != 2 {
			t.Errorf("by another key %+v is left", got)
		}
		for _, p := range []*wardkeep.Party{p, second} {
			if _, err := p.Read(ctx, handle, two); !errors.Is(err, wardkeep.ErrOverQuota) || !errors.Is(err, &wardkeep.Problem{Code: "gate.pull_hour"}) {
				t.Errorf("over the hour: %v", err)
			}
		}
		// It says when to go on; asked in a moment, it would be denied once more, and recorded.
		var wait string
		q := w.changing(key.ID, private, func(*http.Request) {})
		q.With(&wardkeep.Client{Tries: 4, HTTP: &http.Client{Transport: through(func(r *http.Request) (*http.Response, error) {
			a, err := w.server.Client().Transport.RoundTrip(r)
			if err == nil {
				wait += a.Header.Get("Retry-After") + " "
			}
			return a, err
		})}})
		if _, err := q.Read(ctx, handle, two); !errors.Is(err, wardkeep.ErrOverQuota) || wait != strconv.Itoa(int(now.Truncate(time.Hour).Add(time.Hour).Sub(now)/time.Second)+1)+" " {
			t.Errorf("%v, after %s", err, wait)
		}
		if _, err := p.Read(ctx, handle, one); err != nil {
			t.Errorf("what is left: %v", err)
		}
		now = now.Add(time.Hour)
		if _, err := p.Read(ctx, handle, two); !errors.Is(err, wardkeep.ErrOverQuota) || !errors.Is(err, &wardkeep.Problem{Code: "gate.pull_day"}) {
			t.Errorf("over the day: %v", err)
		}
		got := map[approval.Cause]int{}
		for _, e := range w.recorded(approval.KindAlarm) {
			var b approval.AlarmBody
			if err := e.Into(&b); err != nil || e.Actor != "party:"+key.ID || b.Use == "" {
				t.Errorf("%v %v %v", e.Actor, b, err)
			}
			got[b.Cause]++
		}
		// Once an hour it is said that there were too many.
		if diff := cmp.Diff(map[approval.Cause]int{approval.Burst: 1, approval.OverQuota: 2}, got); diff != "" {
			t.Errorf("alarms (-want +got)\n%s", diff)
		}
		if denied := w.recorded(gate.KindDenied); len(denied) != 4 {
			t.Errorf("%d denials", len(denied))
		}
		// Of a decoy it learns nothing, and the office learns of it.
		now = now.Add(time.Second)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			return approval.Decoy(ctx, tx, w.Ring, w.Officer, family.ID(child))
		})
		w.sequence()
		w.Vault.Pulls = party.Limits{}
		if _, err := p.Read(ctx, handle, one); err != nil {
			t.Error(err)
		}
		w.sequence()
		for range 3 {
			if _, err := decoy.Watch(ctx, w.Store, w.Ring); err != nil {
				t.Fatal(err)
			}
		}
		touched := 0
		for _, e := range w.recorded(approval.KindAlarm) {
			var b approval.AlarmBody
			if err := e.Into(&b); err != nil {
				t.Fatal(err)
			}
			if b.Cause == approval.Touched && e.Actor == "party:"+key.ID {
				touched++
			}
		}
		if touched != 1 {
			t.Errorf("%d alarms of a decoy", touched)
		}
		w.replays()
	})
}

// However many keys it has, a party asks so often and no more: what it is denied is written
// down each time, and the store has others to serve.
func TestArticle16_APartyAsksSoOftenAndNoMore(t *testing.T) {
	w := newWorld(t, storeOf(t), api.Limits{PerParty: 1})
	w.Engage(w.Store.Now().Add(24 * time.Hour))
	once := &wardkeep.Client{HTTP: w.server.Client(), Tries: 1}
	first, _, _ := w.asParty(vaulttest.ProcessorID())
	second, _, _ := w.asParty(vaulttest.ProcessorID())
	served, began := 0, time.Now()
	for _, p := range []*wardkeep.Party{first, second, first, second, first, second} {
		if _, err := p.With(once).Standing(t.Context()); err == nil {
			served++
		} else if !errors.Is(err, wardkeep.ErrTooManyRequests) {
			t.Error(err)
		}
	}
	if took := time.Since(began); served == 0 || served > 2+int(took/time.Second) {
		t.Errorf("%d of six requests were served in %s, at one a second", served, took)
	}
}

// An agreement's last second, over HTTP: 64 ask at once by keys on two nodes while it comes, until
// each was told that it is over. By the clock of who asks, nobody who began at that second or
// after it gets anything; no permit is recorded from it on, and each value that anybody got has
// one before it, however long the answer then took to arrive.
func TestArticle16_NothingIsGivenToAPartyFromTheLastSecondOn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const askers = 64
		until := w.Store.Now().Add(time.Hour).Truncate(time.Second)
		w.Engage(until)
		var handles []string
		for _, ref := range []string{"lan", "bo", "mei"} {
			_, handle := w.speaker(ref)
			handles = append(handles, handle)
		}
		_, key, private := w.asParty(vaulttest.ProcessorID())
		nodes := []*world{w.behind(t, func(s *api.Server) { s.Limits = noLimits }), w.behind(t, func(s *api.Server) { s.Limits = noLimits })}
		for _, node := range nodes {
			node.server.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = askers
		}
		w.Pass(until.Add(-10 * time.Second).Sub(w.Store.Now()))
		over := func() bool { return w.Store.Now().After(until.Add(200 * time.Millisecond)) }
		var all sync.WaitGroup
		var mu sync.Mutex
		var asking sync.RWMutex // held for writing while the clock is put on
		var given, across, refused int
		var latest time.Time // when the last value began to arrive
		for i := range askers {
			node := nodes[i%2]
			p := node.partyWith(key.ID, private).With(&wardkeep.Client{HTTP: node.server.Client(), Tries: 1})
			all.Go(func() {
				for done := false; !done; {
					var first time.Time
					ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotFirstResponseByte: func() { first = w.Store.Now() }})
					asking.RLock()
					began := w.Store.Now()
					_, err := p.Read(ctx, handles[i%3], wardkeep.Reading{Purpose: "speaking-practice", Items: []string{"gender"}})
					asking.RUnlock()
					mu.Lock()
					switch {
					case err == nil:
						if given++; !began.Before(until) {
							t.Errorf("who asked %s after the end has got something", began.Sub(until))
						}
						if !first.Before(until) {
							across++
						}
						if first.After(latest) {
							latest = first
						}
					case errors.Is(err, &wardkeep.Problem{Code: "party.client_ended"}), errors.Is(err, &wardkeep.Problem{Code: "gate.agreement_over"}):
						refused++
						done = !began.Before(until)
					case errors.Is(err, &wardkeep.Problem{Code: "party.client_suspended"}), errors.Is(err, &wardkeep.Problem{Code: "gate.party_suspended"}):
					default:
						t.Error(err)
						done = true
					}
					mu.Unlock()
				}
			})
		}
		// Meanwhile somebody in office has the party stop and go on, and keys come and go, until
		// none is bound any more.
		of, ended, near := vaulttest.ProcessorID(), false, false
		for !over() && !ended {
			// Once everybody is at it the end is near, however slow the machine is.
			mu.Lock()
			at := given
			mu.Unlock()
			if !near && at >= askers {
				asking.Lock() // no second is left out of what somebody asks
				w.Pass(max(0, until.Sub(w.Store.Now())-300*time.Millisecond))
				near = true
				asking.Unlock()
			}
			err := w.Try(func(ctx context.Context, tx *db.Tx) error {
				public, _, _ := ed25519.GenerateKey(nil)
				k, _, err := party.Bind(ctx, tx, w.Officer, of, public, time.Time{})
				if err == nil {
					_, _, err = party.Revoke(ctx, tx, w.Officer, of, k.ID)
				}
				return err
			})
			if ended = errors.Is(err, party.ErrUnready); err != nil && !ended {
				t.Error(err)
			}
			for _, change := range []func(ctx context.Context, tx *db.Tx) error{
				func(ctx context.Context, tx *db.Tx) error {
					_, _, err := party.Suspend(ctx, tx, w.Officer, of, party.Other)
					return err
				},
				func(ctx context.Context, tx *db.Tx) error {
					_, _, err := party.Resume(ctx, tx, w.Officer, of)
					return err
				},
			} {
				if err := w.Try(change); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(20 * time.Millisecond) // so that some are served in between
		}
		all.Wait()
		uses := w.recorded(gate.KindPermitted)
		for _, e := range uses {
			if !e.At.Before(until) {
				t.Errorf("a permit at %s", e.At)
			}
		}
		if given == 0 || refused < askers || len(uses) != given {
			t.Errorf("%d times something was given, %d permits are recorded, %d times it was refused", given, len(uses), refused)
		}
		t.Logf("%d given, of which %d were on their way at the end, the last for %s; %d refused", given, across, latest.Sub(until), refused)
		w.replays()
	})
}

// A recipient fetches what a guardian has agreed that it gets (Article 17), and, once it takes
// a service over, what was agreed to since (edge case 18).
func TestArticle17_ARecipientFetchesWhatAGuardianGaveIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		c := vaulttest.Takeover(w.Charter)
		w.Publish(c)
		of := party.ID{Service: vaulttest.Service, Role: party.Recipient, Name: vaulttest.Successor}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			if _, _, err := party.Register(ctx, tx, w.Officer, of, vaulttest.Identity()); err != nil {
				return err
			}
			_, _, err := party.Assess(ctx, tx, w.Officer, of, w.Assessment(party.ScopeOf(c, party.Recipient, vaulttest.Successor)))
			return err
		})
		p, key, _ := w.asParty(of)
		child := w.child("amy")
		w.must(w.client.Collect(ctx, child, "", wardkeep.Collection{Purpose: "course-progress", Values: map[string]string{"nickname": "Amy"}}))
		handle := w.must(w.client.Introduce(ctx, child, wardkeep.Introduction{Role: "recipient", Party: vaulttest.Successor})).(wardkeep.Handle).Handle
		ask := wardkeep.Reading{Purpose: vaulttest.Handover, Items: []string{"nickname"}}
		if _, err := p.Read(ctx, handle, ask); !errors.Is(err, &wardkeep.Problem{Code: "gate.verification_too_weak"}) {
			t.Errorf("by a one-time code: %v", err)
		}
		agrees := func() {
			t.Helper()
			asked := w.must(w.client.Ask(ctx, wardkeep.Asking{Child: child, Purposes: []string{vaulttest.Handover}, Channel: "link", Locale: "en"})).(wardkeep.ConsentRequest)
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				r, err := consent.ByID(ctx, tx, vaulttest.Service, asked.ID)
				if err == nil {
					_, _, err = w.Desk.ForceAt(ctx, tx, w.App, r, consent.ForceGranted, family.NameAndNumber)
				}
				return err
			})
		}
		agrees()
		got, err := p.Read(ctx, handle, ask)
		if err != nil || got.Values["nickname"] != "Amy" {
			t.Errorf("%d values, %v", len(got.Values), err)
		}
		if _, err := p.Read(ctx, handle, wardkeep.Reading{Purpose: "course-progress", Items: []string{"nickname"}}); !errors.Is(err, &wardkeep.Problem{Code: "gate.recipient_unknown"}) {
			t.Errorf("for another purpose: %v", err)
		}
		w.Pass(time.Minute)
		w.CeaseTo(8 * 24 * time.Hour)
		if _, err := p.Read(ctx, handle, ask); !errors.Is(err, &wardkeep.Problem{Code: "gate.consent_before_takeover"}) {
			t.Errorf("before anybody was asked about the takeover: %v", err)
		}
		agrees()
		if got, err := p.Read(ctx, handle, ask); err != nil || got.Values["nickname"] != "Amy" {
			t.Errorf("taking over: %d values, %v", len(got.Values), err)
		}
		if all := w.recorded(gate.KindPermitted); len(all) != 2 || all[0].Actor != "party:"+key.ID {
			t.Errorf("%d are recorded", len(all))
		}
		w.replays()
	})
}
