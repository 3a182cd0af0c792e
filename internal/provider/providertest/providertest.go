// Package providertest runs a real OpenID provider in the test's process, with persons in
// groups, and a hand in what it sends.
//
// Its one invariant: what asks it reaches it over HTTP, as any other.
package providertest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// What the provider knows us by.
const (
	Client = "wardkeep"
	Secret = "a-secret-of-the-client's"
)

// A Provider is one, and everybody who is known to it.
type Provider struct {
	*storage.Storage // what nobody here asks for
	T                testing.TB
	URL              string
	Now              func() time.Time

	// Forge changes the claims of the next tokens, and Sign how they are signed; nil: as
	// they are.
	Forge func(claims map[string]any)
	Sign  func(p *Provider, claims []byte) string
	// Ignores says that it doesn't ask again who somebody is that is signed in there.
	Ignores bool
	// Keyless says that it can't tell its keys.
	Keyless bool

	server *httptest.Server
	client op.Client
	mu     sync.Mutex
	keys   []*key // the last one signs
	people map[string]*Person
	asked  map[string]*request
	codes  map[string]string
	tokens map[string]string // whose
	Kinds  []string          // of what was asked of it, in order
}

// A Person is somebody whom the provider knows.
type Person struct {
	Name    string
	Groups  []string
	ShownAt time.Time // since when it is signed in there
	Beside  bool      // its groups are told where it tells of persons, and not in tokens
}

type key struct {
	id  string
	key *ecdsa.PrivateKey
}

func (k *key) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (k *key) Key() any                                    { return k.key }
func (k *key) ID() string                                  { return k.id }

type public struct{ *key }

func (k public) Algorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (k public) Use() string                        { return "sig" }
func (k public) Key() any                           { return &k.key.key.PublicKey }

// Start starts a provider that leads browsers back to these addresses.
func Start(t testing.TB, now func() time.Time, back ...string) *Provider {
	t.Helper()
	p := &Provider{T: t, Now: now, people: make(map[string]*Person), asked: make(map[string]*request), codes: make(map[string]string), tokens: make(map[string]string)}
	p.client = storage.WebClient(Client, Secret, back...)
	p.Storage = storage.NewStorageWithClients(storage.NewUserStore("http://localhost"), map[string]*storage.Client{})
	p.Rotate()
	var inner http.Handler
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(inner, w, r) }))
	t.Cleanup(p.server.Close)
	p.URL = p.server.URL
	provider, err := op.NewProvider(&op.Config{CryptoKey: [32]byte{1}, CodeMethodS256: true}, p, op.StaticIssuer(p.URL), op.WithAllowInsecure())
	if err != nil {
		t.Fatal(err)
	}
	inner = provider
	return p
}

// Rotate has the provider sign with a new key, and forget the former.
func (p *Provider) Rotate() {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.T.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = []*key{{rand.Text(), k}}
}

// Knows tells the provider of a person.
func (p *Provider) Knows(subject string, who *Person) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.people[subject] = who
}

// serve answers, and lays a hand on tokens.
func (p *Provider) serve(inner http.Handler, w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.Kinds = append(p.Kinds, r.URL.Path)
	p.mu.Unlock()
	if p.Keyless && r.URL.Path == "/keys" {
		http.Error(w, "no keys", http.StatusServiceUnavailable)
		return
	}
	if r.URL.Path == "/login" {
		p.login(w, r)
		return
	}
	if r.URL.Path != "/oauth/token" || p.Forge == nil && p.Sign == nil {
		inner.ServeHTTP(w, r)
		return
	}
	rec := httptest.NewRecorder()
	inner.ServeHTTP(rec, r)
	var answer map[string]any
	if json.Unmarshal(rec.Body.Bytes(), &answer) == nil && answer["id_token"] != nil {
		var claims map[string]any
		text, _ := answer["id_token"].(string)
		body, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[1])
		if err != nil || json.Unmarshal(body, &claims) != nil {
			p.T.Errorf("its token can't be read: %v", err)
		}
		answer["id_token"] = p.Token(claims)
		rec.Body = new(bytes.Buffer)
		if err := json.NewEncoder(rec.Body).Encode(answer); err != nil {
			p.T.Error(err)
		}
	}
	maps.Copy(w.Header(), rec.Header())
	w.Header().Set("Content-Length", strconv.Itoa(rec.Body.Len()))
	w.WriteHeader(rec.Code)
	_, _ = io.Copy(w, rec.Body)
}

// Token signs claims, as Forge and Sign have it.
func (p *Provider) Token(claims map[string]any) string {
	if p.Forge != nil {
		p.Forge(claims)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		p.T.Fatal(err)
	}
	if p.Sign != nil {
		return p.Sign(p, body)
	}
	p.mu.Lock()
	k := p.keys[len(p.keys)-1]
	p.mu.Unlock()
	return sign(p.T, jose.ES256, k.key, k.id, body)
}

func sign(t testing.TB, alg jose.SignatureAlgorithm, k any, id string, body []byte) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: k}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", id))
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Unsigned is a token that nobody has signed.
func Unsigned(_ *Provider, claims []byte) string {
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims) + "."
}

// ByAnother is one that somebody else has signed, under the name of the provider's key.
func ByAnother(p *Provider, claims []byte) string {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.T.Fatal(err)
	}
	return sign(p.T, jose.ES256, k, p.keys[len(p.keys)-1].id, claims)
}

// BySecret is one that is signed with the client's secret, which the provider doesn't say
// that it does.
func BySecret(p *Provider, claims []byte) string {
	return sign(p.T, jose.HS256, []byte(Secret+Secret), p.keys[len(p.keys)-1].id, claims)
}

// Word is what the provider says when somebody signs out there.
func (p *Provider) Word(subject string) map[string]any {
	now := p.Now()
	return map[string]any{
		"iss": p.URL, "sub": subject, "aud": Client, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(), "jti": rand.Text(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
}

// Goes follows a browser through the provider's pages, where its person says who it is, and
// returns the address at which it is led back. A subject that is empty says no.
func (p *Provider) Goes(address, subject string) string {
	p.T.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	at := func(address string) string {
		w, err := browser.Get(address)
		if err != nil {
			p.T.Fatal(err)
		}
		defer w.Body.Close()
		to, err := w.Location()
		if err != nil {
			body, _ := io.ReadAll(w.Body)
			p.T.Fatalf("%s leads nowhere: %d %s", address, w.StatusCode, body)
		}
		return to.String()
	}
	there, err := url.Parse(at(address))
	if err != nil {
		p.T.Fatal(err)
	}
	name := there.Query().Get("authRequestID")
	p.mu.Lock()
	r := p.asked[name]
	p.mu.Unlock()
	if r == nil {
		return there.String() // it was refused at once
	}
	on := p.says(r, subject)
	if subject == "" {
		return on
	}
	return at(on)
}

// says has a person say who it is, or no, and returns where that leads.
func (p *Provider) says(r *request, subject string) string {
	if subject == "" {
		return r.RedirectURI + "?" + url.Values{"error": {"access_denied"}, "state": {r.State}}.Encode()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	who := p.people[subject]
	again := r.MaxAge != nil && p.Now().Sub(who.ShownAt) >= time.Duration(*r.MaxAge)*time.Second
	for _, prompt := range r.Prompt {
		again = again || prompt == oidc.PromptLogin
	}
	if who.ShownAt.IsZero() || again && !p.Ignores {
		who.ShownAt = p.Now()
	}
	r.subject, r.shown = subject, who.ShownAt
	return p.URL + "/authorize/callback?id=" + r.id
}

// door is the page on which a browser says who its person is.
var door = template.Must(template.New("door").Parse(`<!DOCTYPE html>
<html lang="en"><head><title>Who are you?</title><link rel="icon" href="data:,"></head><body>
{{range $subject, $who := .}}<form method="post"><button name="subject" value="{{$subject}}">{{$who.Name}}</button></form>
{{end}}</body></html>`))

// login shows the page, and takes what is said on it.
func (p *Provider) login(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	asked, who := p.asked[r.URL.Query().Get("authRequestID")], p.people[r.PostFormValue("subject")]
	all := maps.Clone(p.people)
	p.mu.Unlock()
	switch {
	case asked == nil || r.Method == http.MethodPost && who == nil:
		http.Error(w, "nobody asks that", http.StatusNotFound)
	case r.Method == http.MethodPost:
		http.Redirect(w, r, p.says(asked, r.PostFormValue("subject")), http.StatusSeeOther)
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if err := door.Execute(w, all); err != nil {
			p.T.Error(err)
		}
	}
}

// A request is what somebody asks a person by way of a browser.
type request struct {
	*oidc.AuthRequest
	id, subject string
	shown       time.Time
}

func (r *request) GetID() string                      { return r.id }
func (r *request) GetACR() string                     { return "" }
func (r *request) GetAMR() []string                   { return []string{"pwd"} }
func (r *request) GetAudience() []string              { return []string{r.ClientID} }
func (r *request) GetAuthTime() time.Time             { return r.shown }
func (r *request) GetClientID() string                { return r.ClientID }
func (r *request) GetNonce() string                   { return r.Nonce }
func (r *request) GetRedirectURI() string             { return r.RedirectURI }
func (r *request) GetResponseType() oidc.ResponseType { return r.ResponseType }
func (r *request) GetResponseMode() oidc.ResponseMode { return r.ResponseMode }
func (r *request) GetScopes() []string                { return r.Scopes }
func (r *request) GetState() string                   { return r.State }
func (r *request) GetSubject() string                 { return r.subject }
func (r *request) Done() bool                         { return r.subject != "" }
func (r *request) GetCodeChallenge() *oidc.CodeChallenge {
	if r.CodeChallenge == "" {
		return nil
	}
	return &oidc.CodeChallenge{Challenge: r.CodeChallenge, Method: r.CodeChallengeMethod}
}

var errNone = errors.New("providertest: there is none")

// CreateAuthRequest and what follows are op.Storage.
func (p *Provider) CreateAuthRequest(_ context.Context, r *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := &request{AuthRequest: r, id: rand.Text()}
	p.asked[asked.id] = asked
	return asked, nil
}

// AuthRequestByID returns what was asked.
func (p *Provider) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.asked[id]; r != nil {
		return r, nil
	}
	return nil, errNone
}

// AuthRequestByCode returns what was asked.
func (p *Provider) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	p.mu.Lock()
	id := p.codes[code]
	p.mu.Unlock()
	return p.AuthRequestByID(ctx, id)
}

// SaveAuthCode keeps a code.
func (p *Provider) SaveAuthCode(_ context.Context, id, code string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codes[code] = id
	return nil
}

// DeleteAuthRequest uses a code up.
func (p *Provider) DeleteAuthRequest(_ context.Context, id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.asked, id)
	return nil
}

// CreateAccessToken makes the token by which a person is asked about.
func (p *Provider) CreateAccessToken(_ context.Context, r op.TokenRequest) (string, time.Time, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := rand.Text()
	p.tokens[id] = r.GetSubject()
	return id, time.Now().Add(5 * time.Minute), nil
}

// SigningKey returns the key that signs.
func (p *Provider) SigningKey(context.Context) (op.SigningKey, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys[len(p.keys)-1], nil
}

// SignatureAlgorithms returns how it signs.
func (p *Provider) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.ES256}, nil
}

// KeySet returns the keys that are known.
func (p *Provider) KeySet(context.Context) (all []op.Key, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range p.keys {
		all = append(all, public{k})
	}
	return all, nil
}

// GetClientByClientID returns us.
func (p *Provider) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if id != Client {
		return nil, errNone
	}
	return client{p.client}, nil
}

// A client may ask for groups, and has no hour by which its clock is off.
type client struct{ op.Client }

func (client) LoginURL(id string) string        { return "/login?authRequestID=" + id }
func (client) IsScopeAllowed(scope string) bool { return scope == "groups" }

// AuthorizeClientIDSecret compares our secret.
func (p *Provider) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	if id != Client || secret != Secret {
		return errNone
	}
	return nil
}

// SetUserinfoFromScopes is left to SetUserinfoFromRequest.
func (p *Provider) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// SetUserinfoFromRequest says in the token who it is.
func (p *Provider) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, r op.IDTokenRequest, _ []string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	who := p.people[r.GetSubject()]
	info.Subject = r.GetSubject()
	if !who.Beside {
		info.Name = who.Name
		info.AppendClaims("groups", who.Groups)
	}
	return nil
}

// SetUserinfoFromToken says it to whoever asks with the other token.
func (p *Provider) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, token, _, _ string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	subject := p.tokens[token]
	who := p.people[subject]
	if who == nil {
		return errNone
	}
	info.Subject, info.Name = subject, who.Name
	info.AppendClaims("groups", who.Groups)
	return nil
}
