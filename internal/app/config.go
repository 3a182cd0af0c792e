package app

import (
	"cmp"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/api"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/watch"
	"wardkeep/internal/charter"
	"wardkeep/internal/rights"
	"wardkeep/internal/signin"
	"wardkeep/internal/webhook"
)

// A Config is everything that an operator can set. Its zero value works: an
// embedded database in ./wardkeep-data, a key file beside it, no messages.
// Secrets are never in it, only the names of files that hold them. Unknown keys
// are errors.
type Config struct {
	// Listen is the address of the HTTP server, "127.0.0.1:8080" by default. Put
	// a TLS proxy before it, or set TLS.
	Listen string `yaml:"listen"`
	// PublicURL is where guardians reach the server: links in messages begin with
	// it. "http://" + Listen by default.
	PublicURL string `yaml:"public_url"`
	// Proxies are the networks of the proxies in front of the server, such as
	// 10.0.0.0/8: they are believed when they say for whom they ask
	// (X-Forwarded-For), so that limits count visitors and not the proxy. Those on
	// this machine always are.
	Proxies []string `yaml:"proxies"`
	// TLS names the certificate and key files; empty for a proxy's TLS.
	TLS TLS `yaml:"tls"`
	// Node is what this server is called among those that share a database, its host's
	// name by default: whom it has reached can be asked for by it (Article 21).
	Node string `yaml:"node"`
	// DataDir holds the embedded database and its jobs. Created with mode 0700.
	DataDir string `yaml:"data_dir"`
	// DatabaseFile holds a PostgreSQL URL. Empty: SQLite in DataDir.
	DatabaseFile string `yaml:"database_file"`
	// Database is a PostgreSQL URL without a password, for those that need none.
	Database string `yaml:"database"`
	// KeyFile is the key-encryption key, outside DataDir and unreadable for
	// others. Losing it loses everything: see `wardkeep keys backup`.
	KeyFile string `yaml:"key_file"`
	// Transit uses an OpenBao or HashiCorp Vault transit key instead of KeyFile.
	Transit *keyring.TransitConfig `yaml:"transit"`
	// Cipher is aes-256-gcm (default) or sm4-gcm.
	Cipher keyring.Suite `yaml:"cipher"`
	// LedgerOrigin is the name of the ledger in its checkpoints, "wardkeep" by default.
	LedgerOrigin string `yaml:"ledger_origin"`
	// SMTP and SMS carry messages to guardians. Without them a message is refused,
	// never dropped.
	SMTP *SMTP `yaml:"smtp"`
	SMS  *SMS  `yaml:"sms"`
	// Verification offers guardians stronger proofs of who they are than a one-time
	// code. What isn't configured isn't offered.
	Verification *Verification `yaml:"verification"`
	// Holidays is a file of the days off and the worked weekends of years that this
	// release doesn't know yet, for the clocks of what is demanded.
	Holidays string `yaml:"holidays"`
	// TurningLead is how many days before a 14th birthday is over it is told that the
	// minor is to be asked: 30 by default, at most 180.
	TurningLead int `yaml:"turning_lead"`
	// InactiveLead is how many days before an account that nobody uses is erased its
	// guardians are told: 30 by default, which the notice promises, at most 60.
	InactiveLead int `yaml:"inactive_lead"`
	// Clocks are those of what is demanded.
	Clocks Clocks `yaml:"clocks"`
	// Webhooks says where the events of services may go.
	Webhooks Webhooks `yaml:"webhooks"`
	// SweepEvery is how often what is due is erased, 1m by default.
	SweepEvery time.Duration `yaml:"sweep_every"`
	// Console is where the persons inside sign in.
	Console Console `yaml:"console"`
	// Drain is how long /readyz says no before the server, told to stop, refuses
	// anything: 0 by default, at most 1m. Set it behind a load balancer.
	Drain time.Duration `yaml:"drain"`
	// Metrics says where Prometheus reads the numbers of this process.
	Metrics Metrics `yaml:"metrics"`
	// Traces says where the traces of OpenTelemetry go.
	Traces Traces `yaml:"traces"`
	// Limits are how often callers of the API may ask, on each node.
	Limits Limits `yaml:"limits"`
	// Looks are those of persons inside at values.
	Looks Looks `yaml:"looks"`
	// Parties are how much processors and recipients get that ask by themselves.
	Parties Parties `yaml:"parties"`
	// Screening is of what is about to be published.
	Screening Screening `yaml:"screening"`
	// Checkpoints says where those of the ledger are kept outside the store.
	Checkpoints Checkpoints `yaml:"checkpoints"`
}

// Console are the settings of the console.
type Console struct {
	// URL is where it is reached: PublicURL by default. Passkeys are good there, and links
	// to set up an account begin with it.
	URL string `yaml:"url"`
	// Idle is how long a session lasts without a page, 15m by default, at most 1h.
	Idle time.Duration `yaml:"idle"`
	// Most is how long it lasts altogether, 8h by default, at most 24h and not below Idle.
	Most time.Duration `yaml:"most"`
	// Provider knows who the persons inside are. Without it they sign in by password and
	// code, or passkey.
	Provider *OpenID `yaml:"provider"`
}

func (c Console) check(public string, say func(key, code string)) {
	if u, err := url.Parse(c.URL); c.URL != public && (err != nil || !safe(u)) {
		say("console.url", "app.config.console_url")
	}
	if c.Provider != nil {
		c.Provider.check(say)
	}
	if c.Idle < time.Minute || c.Idle > time.Hour {
		say("console.idle", "app.config.console_idle")
	}
	if c.Most < c.Idle || c.Most > 24*time.Hour {
		say("console.most", "app.config.console_most")
	}
}

// Limits are those of api.Limits; a zero is its default.
type Limits struct {
	// PerKey is for one app key, a second: 20000 by default, at most 1000000.
	PerKey int `yaml:"per_key"`
	// PerAddress is for one address without a good key, a second: 100 by default,
	// at most 10000, for whoever guesses keys and short codes counts here.
	PerAddress int `yaml:"per_address"`
	// PerLink is for one guardian's link, a minute: 60 by default, at most 6000.
	PerLink int `yaml:"per_link"`
	// PerReport is for reports of suspected accounts by one app key, a minute: 600 by
	// default, at most 60000.
	PerReport int `yaml:"per_report"`
	// PerScreen is for contents that are about to be published, of one app key, a minute:
	// 6000 by default, at most 600000.
	PerScreen int `yaml:"per_screening"`
}

// api returns the limits of the API; how often a party asks nobody sets.
func (l Limits) api() api.Limits {
	return api.Limits{PerKey: l.PerKey, PerAddress: l.PerAddress, PerLink: l.PerLink, PerReport: l.PerReport, PerScreen: l.PerScreen}
}

// Clocks are those of rights.Clocks, in working days; a zero is its default.
type Clocks struct {
	Acknowledge int `yaml:"acknowledge"` // 1 by default, at most 5 and not above finish
	Finish      int `yaml:"finish"`      // 15 by default, at most 20
	Extend      int `yaml:"extend"`      // 15 by default, at most 20
	ChildWait   int `yaml:"child_wait"`  // 3 by default, at most 10
}

// TLS names the files of a certificate.
type TLS struct {
	CertificateFile string `yaml:"certificate_file"`
	KeyFile         string `yaml:"key_file"`
}

// SMTP is a mail server. TLS is "starttls", "tls", or "none" for loopback only.
type SMTP struct {
	Host         string `yaml:"host"`
	Port         int    `yaml:"port"`
	TLS          string `yaml:"tls"`
	User         string `yaml:"user"`
	PasswordFile string `yaml:"password_file"`
	From         string `yaml:"from"`
}

// SMS is a webhook of the operator's that sends text messages.
type SMS struct {
	URL        string `yaml:"url"`
	SecretFile string `yaml:"secret_file"`
}

// Verification says who is asked about a guardian's identity, and whether the
// staff looks at documents.
type Verification struct {
	Number    *Provider `yaml:"number"`    // matches a name and an identity number
	Official  *Provider `yaml:"official"`  // the official identity service
	Documents bool      `yaml:"documents"` // `wardkeep verification` shows them to officer and deputy
}

// A Provider is a webhook of the operator's that asks somebody who knows.
type Provider struct {
	URL        string `yaml:"url"`
	SecretFile string `yaml:"secret_file"`
	// Hosts, of the official service only, are those of the pages that guardians may
	// be led to.
	Hosts []string `yaml:"hosts"`
}

// Webhooks says which receivers of events may be reached beside those on the
// internet, and by whom their certificates may be signed.
type Webhooks struct {
	// Allow are networks that are private: [10.1.0.0/16].
	Allow []string `yaml:"allow"`
	// CAFile holds authorities in PEM that are trusted besides the system's.
	CAFile string `yaml:"ca_file"`
}

// Metrics is the operators' address. Without it nothing is counted.
type Metrics struct {
	// Listen is an address and a port of its own, which guardians and apps never reach:
	// one of this machine, or one with a TokenFile.
	Listen string `yaml:"listen"`
	// TokenFile holds what whoever reads must send as a bearer token: 32 letters at least.
	TokenFile string `yaml:"token_file"`
}

// Traces is where they are sent to.
type Traces struct {
	// Endpoint is the base of a collector that speaks OTLP over HTTP. Empty: what the
	// standard OTEL_EXPORTER_OTLP_ENDPOINT says, or no traces.
	Endpoint string `yaml:"endpoint"`
}

// minToken is how long a token is at least.
const minToken = 32

// here reports whether only this machine reaches the address.
func (m Metrics) here() bool {
	host, _, err := net.SplitHostPort(m.Listen)
	return err == nil && loopback(host)
}

// loopback reports whether host is this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// safe reports whether nobody on the way reads what goes to the address, since nobody is
// on the way or by TLS. The names that end in .test are never anybody's (RFC 6761).
func safe(u *url.URL) bool {
	host := u.Hostname()
	return host != "" && (u.Scheme == "https" || u.Scheme == "http" && (loopback(host) || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".test")))
}

func (m Metrics) check(say func(key, code string)) {
	if m.Listen == "" {
		if m.TokenFile != "" {
			say("metrics.listen", "app.config.metrics_listen")
		}
		return
	}
	if _, _, err := net.SplitHostPort(m.Listen); err != nil {
		say("metrics.listen", "app.config.metrics_listen")
	} else if !m.here() && m.TokenFile == "" {
		say("metrics.listen", "app.config.metrics_token")
	}
}

// token returns the token, or "" if none is needed. Errors: ErrConfigFile.
func (m Metrics) token() (string, error) {
	if m.TokenFile == "" {
		return "", nil
	}
	b, err := os.ReadFile(m.TokenFile)
	if err != nil {
		return "", fmt.Errorf("%w: metrics.token_file: %w", ErrConfigFile, err)
	}
	token := strings.TrimSpace(string(b))
	if len(token) < minToken || strings.ContainsAny(token, " \t\r\n") {
		return "", fmt.Errorf("%w: metrics.token_file", ErrConfigFile)
	}
	return token, nil
}

func (l Limits) check(say func(key, code string)) {
	if l.PerKey < 0 || l.PerKey > 1_000_000 {
		say("limits.per_key", "app.config.limit_key")
	}
	if l.PerAddress < 0 || l.PerAddress > 10_000 {
		say("limits.per_address", "app.config.limit_address")
	}
	if l.PerLink < 0 || l.PerLink > 6_000 {
		say("limits.per_link", "app.config.limit_link")
	}
	if l.PerReport < 0 || l.PerReport > 60_000 {
		say("limits.per_report", "app.config.limit_report")
	}
	if l.PerScreen < 0 || l.PerScreen > 600_000 {
		say("limits.per_screening", "app.config.limit_screening")
	}
}

func (c Clocks) check(say func(key, code string)) {
	if c.Acknowledge < 1 || c.Acknowledge > 5 || c.Acknowledge > c.Finish {
		say("clocks.acknowledge", "app.config.clock_acknowledge")
	}
	if c.Finish < 1 || c.Finish > 20 {
		say("clocks.finish", "app.config.clock_finish")
	}
	if c.Extend < 1 || c.Extend > 20 {
		say("clocks.extend", "app.config.clock_finish")
	}
	if c.ChildWait < 1 || c.ChildWait > 10 {
		say("clocks.child_wait", "app.config.clock_child_wait")
	}
}

func (s *SMTP) complete() bool {
	return s != nil && s.Host != "" && s.From != "" && s.Port >= 1 && s.Port <= 65535
}

func (s *SMS) complete() bool { return s != nil && s.URL != "" && s.SecretFile != "" }

// LoadConfig reads the file at path; "" gives the defaults. Errors:
// ErrConfigFile; ConfigProblems, all that is wrong with it.
func LoadConfig(path string) (Config, error) {
	return load(path, func(*Config) ConfigProblems { return nil })
}

func load(path string, more func(*Config) ConfigProblems) (Config, error) {
	var c Config
	var f configFile
	if path != "" {
		var err error
		if f, err = readConfig(path, &c); err != nil {
			return c, err
		}
	}
	c.defaults()
	problems := f.problems
	for _, p := range append(c.check(), more(&c)...) {
		if !f.bad[p.Key] { // a value that couldn't be read isn't also wrong
			problems = append(problems, f.place(p))
		}
	}
	if len(problems) > 0 {
		return c, problems
	}
	return c, nil
}

func (c *Config) defaults() {
	set := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	set(&c.Listen, "127.0.0.1:8080")
	scheme := "http://"
	if c.TLS.CertificateFile != "" {
		scheme = "https://"
	}
	set(&c.PublicURL, scheme+c.Listen)
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	set(&c.Console.URL, c.PublicURL)
	c.Console.URL = strings.TrimRight(c.Console.URL, "/")
	if c.Console.Provider != nil {
		c.Console.Provider.defaults()
	}
	c.Console.Idle, c.Console.Most = cmp.Or(c.Console.Idle, signin.Idle), cmp.Or(c.Console.Most, signin.Most)
	set(&c.DataDir, "wardkeep-data")
	if host, err := os.Hostname(); err == nil {
		set(&c.Node, host)
	}
	if c.Transit == nil {
		set(&c.KeyFile, "wardkeep.key")
	}
	set((*string)(&c.Cipher), string(keyring.AES256GCM))
	set(&c.LedgerOrigin, "wardkeep")
	c.Checkpoints.defaults()
	c.Clocks = Clocks(rights.Clocks(c.Clocks).Or(rights.Defaults))
	if c.SweepEvery == 0 {
		c.SweepEvery = time.Minute
	}
}

// check reports everything that is wrong with c, without touching the store.
func (c *Config) check() (wrong ConfigProblems) {
	say := func(key, code string) { wrong = append(wrong, ConfigProblem{Key: key, Code: code}) }
	if u, err := url.Parse(c.PublicURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		say("public_url", "app.config.public_url")
	} else if !safe(u) {
		say("public_url", "app.config.plain_url")
	}
	if len(c.Node) > 100 || strings.ContainsAny(c.Node, " :/") { // else nobody could ask about it
		say("node", "app.config.node")
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		say("listen", "app.config.listen")
	}
	if (c.TLS.CertificateFile == "") != (c.TLS.KeyFile == "") {
		say("tls", "app.config.tls")
	}
	if c.Database != "" && c.DatabaseFile != "" {
		say("database", "app.config.database_twice")
	}
	if hasPassword(c.Database) {
		say("database", "app.config.database_password")
	}
	if c.Transit != nil && c.KeyFile != "" {
		say("key_file", "app.config.key_twice")
	}
	// The key beside what it locks would be no key (Article 13).
	if c.KeyFile != "" && keyring.OutsideDataDir(c.KeyFile, c.DataDir) != nil {
		say("key_file", "app.config.key_in_data_dir")
	}
	if _, err := keyring.ParseSuite(string(c.Cipher)); err != nil {
		say("cipher", "app.config.cipher")
	}
	if strings.ContainsAny(c.LedgerOrigin, " \t\r\n+") || c.LedgerOrigin == "" {
		say("ledger_origin", "app.config.ledger_origin")
	}
	if c.SweepEvery < time.Second || c.SweepEvery > 24*time.Hour {
		say("sweep_every", "app.config.sweep_every")
	}
	c.Clocks.check(say)
	c.Limits.check(say)
	c.Checkpoints.check(c.DataDir, c.SMTP != nil, say)
	c.Looks.check(say)
	c.Parties.check(say)
	c.Screening.check(say)
	c.Console.check(c.PublicURL, say)
	c.Metrics.check(say)
	if c.Traces.Endpoint != "" {
		if _, err := watch.Endpoint(c.Traces.Endpoint); err != nil {
			say("traces.endpoint", "app.config.traces_endpoint")
		}
	}
	if c.Drain < 0 || c.Drain > time.Minute {
		say("drain", "app.config.drain")
	}
	if c.TurningLead < 0 || c.TurningLead > 180 {
		say("turning_lead", "app.config.turning_lead")
	}
	if c.InactiveLead != 0 && (c.InactiveLead < charter.InactiveLead || c.InactiveLead > 60) {
		say("inactive_lead", "app.config.inactive_lead")
	}
	if len(c.proxies()) != len(c.Proxies) {
		say("proxies", "app.config.proxies")
	}
	if len(c.allowed()) != len(c.Webhooks.Allow) {
		say("webhooks.allow", "app.config.proxies") // the same is wanted there
	}
	if c.SMTP != nil && !c.SMTP.complete() {
		say("smtp", "app.config.smtp")
	}
	if c.SMS != nil && !c.SMS.complete() {
		say("sms", "app.config.sms")
	}
	if v := c.Verification; v != nil {
		if v.Number != nil && (!v.Number.complete() || len(v.Number.Hosts) > 0) {
			say("verification.number", "app.config.verification_number")
		}
		if v.Official != nil && (!v.Official.complete() || len(v.Official.Hosts) == 0 || slices.ContainsFunc(v.Official.Hosts, notAHost)) {
			say("verification.official", "app.config.verification_official")
		}
	}
	return wrong
}

func (p *Provider) complete() bool { return p.URL != "" && p.SecretFile != "" }

// notAHost reports whether s is anything else than a host, with or without a port.
func notAHost(s string) bool {
	u, err := url.Parse("https://" + s)
	return err != nil || s == "" || u.Host != s || u.Hostname() == ""
}

// hasPassword reports whether a PostgreSQL URL or DSN has a password in it. What
// can't be read may have one.
func hasPassword(database string) bool {
	if database == "" {
		return false
	}
	if strings.Contains(strings.ToLower(database), "password") {
		return true
	}
	u, err := url.Parse(database)
	if err != nil {
		return true
	}
	_, has := u.User.Password()
	return has
}

// proxies returns the networks that can be read; check says when one can't.
func (c *Config) proxies() []netip.Prefix { return networks(c.Proxies) }

// allowed returns the networks in which receivers of events may be.
func (c *Config) allowed() webhook.Networks { return networks(c.Webhooks.Allow) }

func networks(texts []string) (all []netip.Prefix) {
	for _, text := range texts {
		if p, err := netip.ParsePrefix(text); err == nil {
			all = append(all, p.Masked())
		}
	}
	return all
}

// databaseURL returns the PostgreSQL URL, or "" for the embedded database.
func (c *Config) databaseURL() (string, error) {
	if c.DatabaseFile == "" {
		return c.Database, nil
	}
	b, err := os.ReadFile(c.DatabaseFile)
	if err != nil {
		return "", fmt.Errorf("%w: database_file: %w", ErrConfigFile, err)
	}
	return strings.TrimSpace(string(b)), nil
}

// Embedded returns the file of the embedded database, or "" where the database
// is PostgreSQL.
func (c *Config) Embedded() string {
	if c.Database != "" || c.DatabaseFile != "" {
		return ""
	}
	return c.storePath()
}

// storePath returns the file of the embedded database.
func (c *Config) storePath() string { return filepath.Join(c.DataDir, "wardkeep.db") }

// makeDataDir creates the data directory, for us alone.
func (c *Config) makeDataDir() error {
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return fmt.Errorf("%w: %w", ErrDataDir, err)
	}
	info, err := os.Stat(c.DataDir)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDataDir, err)
	}
	if info.Mode()&fs.FileMode(0o077) != 0 {
		return fmt.Errorf("%w: chmod 700 %s", ErrDataDirOpen, c.DataDir)
	}
	return nil
}
