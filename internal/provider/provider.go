// Package provider asks an OpenID provider of the operator's who somebody is (OpenID
// Connect Core 1.0): by an authorization code with PKCE, bound to the browser that asks.
//
// Its one invariant: nobody is believed to be somebody but by a token that the provider
// signed for us, about this very question, and that holds now. Whatever is wrong with one
// has a reason of its own.
package provider

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"wardkeep/internal/base/errs"
)

// What can be wrong with what a provider answers. Nobody is let in by any of it.
var (
	ErrAway      = errs.New(errs.Unavailable, "provider.away")    // it can't be reached, or doesn't say what it must
	ErrDenied    = errs.New(errs.Forbidden, "provider.denied")    // the person, or the provider, said no
	ErrAsked     = errs.New(errs.Forbidden, "provider.asked")     // it isn't the answer to what this browser asked, or comes too late
	ErrCode      = errs.New(errs.Forbidden, "provider.code")      // it doesn't take the code, or us, for good
	ErrNoToken   = errs.New(errs.Forbidden, "provider.no_token")  // there is none, or it can't be read
	ErrUnsigned  = errs.New(errs.Forbidden, "provider.unsigned")  // by nobody, or in a way that the provider doesn't sign
	ErrSignature = errs.New(errs.Forbidden, "provider.signature") // by somebody else
	ErrIssuer    = errs.New(errs.Forbidden, "provider.issuer")    // of another provider
	ErrAudience  = errs.New(errs.Forbidden, "provider.audience")  // for somebody else than us
	ErrNonce     = errs.New(errs.Forbidden, "provider.nonce")     // about another question
	ErrExpired   = errs.New(errs.Forbidden, "provider.expired")
	ErrEarly     = errs.New(errs.Forbidden, "provider.early") // it doesn't hold yet: a clock is wrong
	ErrStale     = errs.New(errs.Forbidden, "provider.stale") // the person wasn't asked again who it is
)

const (
	// skew is how far the clock of the provider may be off.
	skew = time.Minute
	// logoutLife is how old a word that somebody has signed out may be.
	logoutLife = 10 * time.Minute

	wait    = 10 * time.Second
	pause   = 2 * time.Second
	maxBody = 1 << 20 // bytes of what a provider answers
	maxCode = 8 << 10 // bytes of what a browser brings from it
)

// A Config is how the provider knows us.
type Config struct {
	Issuer string // "https://id.example.com", as its tokens name it
	Client string
	Secret string
	Scopes []string // beside openid
	Groups string   // the claim that has the groups of a person
	Back   string   // where it leads a browser back to
	// Now is the clock; HTTP reaches the provider. Nil: the usual ones.
	Now  func() time.Time
	HTTP http.RoundTripper
}

// A Provider is asked. It is looked for when it is asked for the first time, and looked
// for again until it is found.
type Provider struct {
	config Config
	client *http.Client

	mu    sync.Mutex
	found *oidc.Provider
	again time.Time // before which it isn't looked for once more
}

// New returns the provider.
func New(c Config) *Provider {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.HTTP == nil {
		c.HTTP = http.DefaultTransport
	}
	return &Provider{config: c, client: &http.Client{Transport: bounded{c.HTTP}, Timeout: wait, CheckRedirect: noRedirect}}
}

// Issuer returns the provider's name.
func (p *Provider) Issuer() string { return p.config.Issuer }

// noRedirect keeps our secret, and the codes, where the provider's document says.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// bounded reads no more of an answer than it may have.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	w, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	w.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(w.Body, maxBody), w.Body}
	return w, nil
}

// find returns the provider by its own document. Errors: ErrAway.
func (p *Provider) find(ctx context.Context) (context.Context, *oidc.Provider, error) {
	ctx = oidc.ClientContext(ctx, p.client)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found == nil {
		// Of many who wait for one that is away, one waits long.
		if time.Now().Before(p.again) {
			return ctx, nil, ErrAway
		}
		// Its keys are fetched with this context whenever there are new ones.
		found, err := oidc.NewProvider(context.WithoutCancel(ctx), p.config.Issuer)
		if err != nil {
			p.again = time.Now().Add(pause)
			if _, far := errors.AsType[*url.Error](err); !far { // of an answer it quotes what was answered, which may be anything
				err = errors.New("its document can't be had")
			}
			return ctx, nil, fmt.Errorf("%w: %w", ErrAway, err)
		}
		p.found = found
	}
	return ctx, p.found, nil
}

func (p *Provider) oauth(found *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.config.Client, ClientSecret: p.config.Secret, Endpoint: found.Endpoint(), RedirectURL: p.config.Back,
		Scopes: append([]string{oidc.ScopeOpenID}, p.config.Scopes...),
	}
}

// A Question is what binds what is asked to one browser. None of it is guessed by anybody
// else, nor asked twice.
type Question struct {
	State, Nonce, Verifier string
	At                     time.Time // when it was asked
	Again                  bool      // the person is to show once more who it is
}

// Ask returns the address of the provider's where a person shows who it is. Errors:
// ErrAway.
func (p *Provider) Ask(ctx context.Context, q Question) (string, error) {
	_, found, err := p.find(ctx)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(q.Nonce), oauth2.S256ChallengeOption(q.Verifier)}
	if q.Again {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return p.oauth(found).AuthCodeURL(q.State, options...), nil
}

// An Answer is what a browser brings back from the provider.
type Answer struct{ State, Code, Error, Issuer string }

// Read takes an answer from the query of an address.
func Read(q url.Values) Answer {
	return Answer{State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), Issuer: q.Get("iss")}
}

// An Identity is who the provider says that somebody is.
type Identity struct {
	Subject string // as the provider calls the person, for good
	Name    string // for people; may be empty
	Groups  []string
	ShownAt time.Time // when the person last showed it who it is; zero: it doesn't say
}

// claims are what we read of a token, or of what the provider says beside it.
type claims struct {
	Name     string           `json:"name"`
	Called   string           `json:"preferred_username"`
	Party    string           `json:"azp"`
	AuthTime *json.RawMessage `json:"auth_time"`
}

// Who returns who the provider says that it is whose browser brought the answer to the
// question. It asks the provider, and belongs in no transaction. Errors: those above.
func (p *Provider) Who(ctx context.Context, q Question, a Answer) (Identity, error) {
	switch {
	case len(a.State) > maxCode || len(a.Code) > maxCode,
		subtle.ConstantTimeCompare([]byte(a.State), []byte(q.State)) != 1 || q.State == "":
		return Identity{}, ErrAsked
	case a.Issuer != "" && a.Issuer != p.config.Issuer: // RFC 9207
		return Identity{}, ErrIssuer
	case a.Error != "":
		return Identity{}, ErrDenied
	case a.Code == "":
		return Identity{}, ErrAsked
	}
	ctx, found, err := p.find(ctx)
	if err != nil {
		return Identity{}, err
	}
	tokens, err := p.oauth(found).Exchange(ctx, a.Code, oauth2.VerifierOption(q.Verifier))
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.Response != nil && refused.Response.StatusCode < 500 {
		return Identity{}, fmt.Errorf("%w: %s", ErrCode, refused.ErrorCode)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("%w: where tokens are had", ErrAway) // its own words may be anything
	}
	raw, _ := tokens.Extra("id_token").(string)
	token, err := p.verify(ctx, found, raw)
	if err != nil {
		return Identity{}, err
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(q.Nonce)) != 1 {
		return Identity{}, ErrNonce
	}
	if token.AccessTokenHash != "" && token.VerifyAccessToken(tokens.AccessToken) != nil {
		return Identity{}, ErrSignature
	}
	who, err := p.identity(ctx, found, token, tokens)
	if err != nil {
		return Identity{}, err
	}
	// ASVS 10.5: whoever must show again who it is has done so since we asked, by the
	// provider's word.
	if q.Again && who.ShownAt.Before(q.At.Add(-skew)) {
		return Identity{}, ErrStale
	}
	return who, nil
}

// verifier checks tokens. An hour of them is a minute longer here: clocks differ.
func (p *Provider) verifier(found *oidc.Provider) *oidc.IDTokenVerifier {
	return found.Verifier(&oidc.Config{ClientID: p.config.Client, Now: func() time.Time { return p.config.Now().Add(-skew) }})
}

// verify checks who signed a token, for whom, and until when.
func (p *Provider) verify(ctx context.Context, found *oidc.Provider, raw string) (*oidc.IDToken, error) {
	token, err := p.verifier(found).Verify(ctx, raw)
	if err != nil {
		return nil, p.reason(raw, err)
	}
	var c claims
	if err := token.Claims(&c); err != nil || token.Subject == "" || len(token.Subject) > 255 {
		return nil, ErrNoToken
	}
	switch {
	case c.Party != "" && c.Party != p.config.Client, c.Party == "" && len(token.Audience) > 1: // Core, 3.1.3.7
		return nil, ErrAudience
	case token.IssuedAt.After(p.config.Now().Add(skew)):
		return nil, ErrEarly
	}
	return token, nil
}

// reason says why a token isn't taken. It looks at what the token says of itself, which
// nobody believes: it has been refused.
func (p *Provider) reason(raw string, err error) error {
	var header struct {
		Algorithm string `json:"alg"`
	}
	var body struct {
		Issuer    string          `json:"iss"`
		Audience  json.RawMessage `json:"aud"`
		NotBefore float64         `json:"nbf"`
	}
	parts := strings.Split(raw, ".")
	if len(parts) != 3 || part(parts[0], &header) != nil || part(parts[1], &body) != nil {
		return ErrNoToken
	}
	if _, is := errors.AsType[*oidc.TokenExpiredError](err); is {
		return ErrExpired
	}
	late := float64(p.config.Now().Add(skew).Unix())
	switch {
	case header.Algorithm == "" || header.Algorithm == "none" || parts[2] == "" || strings.HasPrefix(header.Algorithm, "HS"):
		return ErrUnsigned
	case body.Issuer != p.config.Issuer:
		return ErrIssuer
	case !slices.Contains(texts(body.Audience), p.config.Client):
		return ErrAudience
	case body.NotBefore > late:
		return ErrEarly
	case strings.Contains(err.Error(), "fetching keys"): // as go-oidc says it, in words alone
		return fmt.Errorf("%w: where its keys are", ErrAway)
	}
	return ErrSignature
}

func part(text string, into any) error {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

// texts reads a claim that is one text or several.
func texts(raw json.RawMessage) (all []string) {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	if json.Unmarshal(raw, &all) != nil {
		return nil
	}
	return all
}

// identity reads who it is. Groups and name that the token doesn't have the provider is
// asked for; of who has no groups it says none.
func (p *Provider) identity(ctx context.Context, found *oidc.Provider, token *oidc.IDToken, tokens *oauth2.Token) (Identity, error) {
	who := Identity{Subject: token.Subject}
	var c claims
	var all map[string]json.RawMessage
	if token.Claims(&c) != nil || token.Claims(&all) != nil {
		return Identity{}, ErrNoToken
	}
	if c.AuthTime != nil {
		var seconds float64
		if json.Unmarshal(*c.AuthTime, &seconds) != nil {
			return Identity{}, ErrNoToken
		}
		who.ShownAt = time.Unix(int64(seconds), 0)
	}
	groups, there := all[p.config.Groups]
	if (!there || c.Name == "" && c.Called == "") && found.UserInfoEndpoint() != "" {
		info, err := found.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
		if err != nil {
			return Identity{}, fmt.Errorf("%w: where it tells of persons", ErrAway) // likewise
		}
		if info.Subject != token.Subject { // Core, 5.3.2
			return Identity{}, ErrIssuer
		}
		var more claims
		var beside map[string]json.RawMessage
		if info.Claims(&more) != nil || info.Claims(&beside) != nil {
			return Identity{}, ErrNoToken
		}
		if !there {
			groups = beside[p.config.Groups]
		}
		if c.Name == "" && c.Called == "" {
			c.Name, c.Called = more.Name, more.Called
		}
	}
	who.Groups = texts(groups)
	if who.Name = strings.TrimSpace(c.Name); who.Name == "" {
		who.Name = strings.TrimSpace(c.Called)
	}
	return who, nil
}

// A Logout is the provider's word that somebody has signed out there (OpenID Connect
// Back-Channel Logout 1.0).
type Logout struct {
	Subject string
	ID      string    // it counts once
	Until   time.Time // after which it counts no more
}

// SignedOut reads such a word. One that names only a session of the provider's, and no
// person, is none. Errors: those above.
func (p *Provider) SignedOut(ctx context.Context, raw string) (Logout, error) {
	if len(raw) > maxCode {
		return Logout{}, ErrNoToken
	}
	ctx, found, err := p.find(ctx)
	if err != nil {
		return Logout{}, err
	}
	token, err := p.verifier(found).VerifyLogout(ctx, raw)
	if err != nil {
		return Logout{}, p.reason(raw, err)
	}
	now := p.config.Now()
	switch {
	case token.Subject == "":
		return Logout{}, ErrNoToken
	case token.IssuedAt.After(now.Add(skew)):
		return Logout{}, ErrEarly
	case token.IssuedAt.Before(now.Add(-logoutLife)):
		return Logout{}, ErrExpired
	}
	return Logout{Subject: token.Subject, ID: token.TokenID, Until: token.IssuedAt.Add(logoutLife)}, nil
}
