package app

import (
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/console"
	"wardkeep/internal/provider"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// An OpenID is the provider by which the persons inside sign in (OpenID Connect).
type OpenID struct {
	// Issuer is how its tokens name it: https://id.example.com/realms/staff.
	Issuer string `yaml:"issuer"`
	// Client is how it names us; SecretFile holds what it gave us with that.
	Client     string `yaml:"client"`
	SecretFile string `yaml:"secret_file"`
	// Scopes are asked for beside openid: [profile, groups] by default.
	Scopes []string `yaml:"scopes"`
	// GroupsClaim is the claim that has a person's groups: groups by default.
	GroupsClaim string `yaml:"groups_claim"`
	// Roles are what its groups give.
	Roles []GroupRole `yaml:"roles"`
}

// A GroupRole is a role that a group of the provider's gives, of a service or, to who runs
// or audits the system, of every one.
type GroupRole struct {
	Group   string     `yaml:"group"`
	Role    staff.Role `yaml:"role"`
	Service string     `yaml:"service"`
}

// good reports whether staff can have the role by a group: officer and deputy come with an
// office, and with nothing else.
func (r GroupRole) good() bool {
	return r.Group != "" && r.Role.Known() && !r.Role.ByOffice() && (r.Service != "" || r.Role.Everywhere())
}

func (o *OpenID) defaults() {
	if o.Scopes == nil {
		o.Scopes = []string{"profile", "groups"}
	}
	if o.GroupsClaim == "" {
		o.GroupsClaim = "groups"
	}
}

func (o *OpenID) check(say func(key, code string)) {
	u, err := url.Parse(o.Issuer)
	if err != nil || !safe(u) || u.User != nil || u.RawQuery != "" || u.Fragment != "" || o.Client == "" || o.SecretFile == "" {
		say("console.provider", "app.config.provider")
	}
	if len(o.Roles) == 0 || slices.ContainsFunc(o.Roles, func(r GroupRole) bool { return !r.good() }) {
		say("console.provider.roles", "app.config.provider_roles")
	}
}

// provider makes what asks the provider, by this clock, and what its groups give, or says
// what is wrong.
func (c *Config) provider(now func() time.Time) (p *provider.Provider, roles []signin.Mapped, wrong ConfigProblems) {
	o := c.Console.Provider
	if o == nil || o.SecretFile == "" {
		return nil, nil, nil
	}
	secret, err := os.ReadFile(o.SecretFile)
	if text := strings.TrimSpace(string(secret)); err != nil || text == "" || strings.ContainsAny(text, " \t\r\n") {
		wrong.say("console.provider.secret_file", "app.config.provider_secret_file")
	}
	wrong.secret("console.provider.secret_file", o.SecretFile)
	for _, r := range o.Roles {
		roles = append(roles, signin.Mapped{Group: r.Group, Grant: staff.Grant{Role: r.Role, Service: r.Service}})
	}
	return provider.New(provider.Config{
		Issuer: o.Issuer, Client: o.Client, Secret: strings.TrimSpace(string(secret)), Scopes: o.Scopes, Groups: o.GroupsClaim,
		Back: c.Console.URL + console.ProviderBack, Now: now,
	}), roles, wrong
}
