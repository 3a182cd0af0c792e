package app_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	cosignature "github.com/transparency-dev/formats/note"

	"wardkeep/internal/app"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// A configuration is shown and shared: a password in it is refused, however it
// is written.
func TestInvariant9_NoPasswordInTheConfiguration(t *testing.T) {
	for database, refused := range map[string]bool{
		"postgres://wardkeep@db/wardkeep":           false,
		"postgres:///wardkeep?host=/run/postgresql": false,
		"postgres://wardkeep:s3cret@db/wardkeep":    true,
		"host=db user=wardkeep password=s3cret":     true,
		"postgres://db/wardkeep?password=s3cret":    true,
	} {
		path := filepath.Join(t.TempDir(), "wardkeep.yaml")
		if err := os.WriteFile(path, []byte("database: \""+database+"\"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := app.LoadConfig(path)
		if (err != nil) != refused {
			t.Errorf("%s: %v", strings.ReplaceAll(database, "s3cret", "…"), err)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Error("the error repeats the password")
		}
	}
}

// Whatever a configuration names is read before it is used, and every problem is
// told with its line.
func TestConfigCheckReadsWhatIsNamed(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	write("password", "hunter2\n", 0o600)
	write("two-lines", "hunter2\nhunter3\n", 0o600)
	write("open", "hunter2\n", 0o644)
	write("secret", "whsec_"+strings.Repeat("QUJD", 10)+"\n", 0o600)
	write("bearer", strings.Repeat("hunter2", 5)+"\n", 0o600)
	write("short", "whsec_QUJD\n", 0o600)
	write("url", "postgres://u:hunter2@localhost/keep\n", 0o600)
	write("no-url", "hunter2 is no URL\n", 0o600)
	write("half.key", "wardkeep key file v1\nkey AAA", 0o600)
	smtp := "smtp:\n  host: mail.example.com\n  port: 587\n  from: keep@example.com\n"
	_, plain, err := ledger.NewSigner("w.example.com/w1", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	cosigns, err := cosignature.VKeyToCosignatureV1(plain)
	if err != nil {
		t.Fatal(err)
	}
	provider := "console:\n  provider:\n    issuer: https://id.example.com/realms/staff\n    client: wardkeep\n    secret_file: password\n"
	for _, c := range []struct {
		name, text string
		lines      []string // "line key code", all of them
	}{
		{"nothing", "", nil},
		{"all well", smtp + "  user: keep\n  password_file: password\nsms:\n  url: https://sms.example.com/\n  secret_file: secret\ndatabase_file: url\n", nil},
		{"no password file", smtp + "  user: keep\n  password_file: nowhere\n", []string{"6 smtp.password_file app.config.file_unreadable"}},
		{"open to others", smtp + "  user: keep\n  password_file: open\n", []string{"6 smtp.password_file app.config.file_open_to_others"}},
		{"two lines", smtp + "  user: keep\n  password_file: two-lines\n", []string{"6 smtp.password_file app.config.smtp_password_file"}},
		{"no user", smtp + "  password_file: password\n", []string{"1 smtp app.config.smtp_user"}},
		{"several", "smtp:\n  host: mail.example.com\n  port: 587\n  from: nobody\n  tls: none\nsms:\n  url: http://sms.example.com/\n  secret_file: short\n", []string{
			"4 smtp.from app.config.smtp_from", "5 smtp.tls app.config.smtp_tls", "7 sms.url app.config.sms_url", "8 sms.secret_file app.config.sms_secret_file"}},
		{"a misspelt mode", smtp + "  tls: startls\n", []string{"5 smtp.tls app.config.smtp_tls"}},
		{"less than the notice promises", "inactive_lead: 29\n", []string{"1 inactive_lead app.config.inactive_lead"}},
		{"longer than an account may lie unused", "inactive_lead: 61\n", []string{"1 inactive_lead app.config.inactive_lead"}},
		{"as the notice promises", "inactive_lead: 30\n", nil},
		{"no database", "database_file: nowhere\n", []string{"1 database_file app.config.file_unreadable"}},
		{"no URL", "database_file: no-url\n", []string{"1 database_file app.config.database_file"}},
		{"half a key file", "key_file: half.key\n", []string{"1 key_file keyring.file_damaged"}},
		{"no key file yet", "key_file: new.key\n", nil},
		{"no certificate", "tls:\n  certificate_file: cert\n  key_file: key\n", []string{"1 tls app.config.tls_files", "3 tls.key_file app.config.file_unreadable"}},
		{"receivers of ours", "webhooks:\n  allow: [10.1.0.0/16, \"fd00:1::/32\"]\n", nil},
		{"no authority", "webhooks:\n  ca_file: nowhere\n", []string{"2 webhooks.ca_file app.config.webhooks_ca_file"}},
		{"an authority that is none", "webhooks:\n  ca_file: secret\n", []string{"2 webhooks.ca_file app.config.webhooks_ca_file"}},
		{"witnesses", "checkpoints:\n  every: 1h\n  witnesses:\n    - {url: \"https://w.example.com\", shows: \"https://m.example.com/logs\", key: \"" + cosigns + "\"}\n", nil},
		{"a witness that shows to everybody on the way", "checkpoints:\n  witnesses:\n    - {url: \"https://w.example.com\", shows: \"http://m.example.com\", key: \"" + cosigns + "\"}\n",
			[]string{"2 checkpoints.witnesses app.config.checkpoints_witnesses"}},
		{"a witness with more than an address", "checkpoints:\n  witnesses:\n    - {url: \"https://w.example.com?k=v\", key: \"" + cosigns + "\"}\n", []string{"2 checkpoints.witnesses app.config.checkpoints_witnesses"}},
		{"no authority of a witness", "checkpoints:\n  ca_file: nowhere\n", []string{"2 checkpoints.ca_file app.config.webhooks_ca_file"}},
		{"checkpoints too often", "checkpoints:\n  every: 1s\n", []string{"2 checkpoints.every app.config.checkpoints_every"}},
		{"networks that are none", "webhooks:\n  allow: [10.1.0.0, hooks.example.com]\n", []string{"2 webhooks.allow app.config.proxies"}},
		{"metrics for this machine", "drain: 10s\nmetrics:\n  listen: 127.0.0.1:9464\ntraces:\n  endpoint: http://127.0.0.1:4318\n", nil},
		{"metrics for others", "metrics:\n  listen: :9464\n  token_file: bearer\n", nil},
		{"metrics for everybody", "metrics:\n  listen: 0.0.0.0:9464\n", []string{"2 metrics.listen app.config.metrics_token"}},
		{"metrics nowhere", "metrics:\n  listen: localhost\n", []string{"2 metrics.listen app.config.metrics_listen"}},
		{"a token for nothing", "metrics:\n  token_file: bearer\n", []string{"0 metrics.listen app.config.metrics_listen"}},
		{"a short token", "metrics:\n  listen: :9464\n  token_file: password\n", []string{"3 metrics.token_file app.config.metrics_token_file"}},
		{"a token of two lines", "metrics:\n  listen: :9464\n  token_file: two-lines\n", []string{"3 metrics.token_file app.config.metrics_token_file"}},
		{"a token that others read", "metrics:\n  listen: :9464\n  token_file: open\n", []string{"3 metrics.token_file app.config.file_open_to_others"}},
		{"traces with a password", "traces:\n  endpoint: http://user:hunter2@otel.example\n", []string{"2 traces.endpoint app.config.traces_endpoint"}},
		{"a console of its own", "console:\n  url: https://inside.example.com\n", nil},
		{"a console on this machine", "console:\n  url: http://127.0.0.1:8080\n", nil},
		{"a console that anybody on the way reads", "console:\n  url: http://inside.example.com\n", []string{"2 console.url app.config.console_url"}},
		{"guardians whom anybody on the way reads", "public_url: http://keep.example.com\n", []string{"1 public_url app.config.plain_url"}},
		{"a server that nobody can ask about", "node: keep 1\n", []string{"1 node app.config.node"}},
		{"everybody on the network", "listen: 0.0.0.0:8080\n", []string{"0 public_url app.config.plain_url"}},
		{"guardians on this machine", "public_url: http://localhost:8080\n", nil},
		{"a provider", provider + "    roles:\n      - {group: keep, role: staff, service: stories}\n      - {group: audit, role: auditor}\n", nil},
		{"a provider that gives nothing", provider, []string{"0 console.provider.roles app.config.provider_roles"}},
		{"a provider that gives an office", provider + "    roles: [{group: boss, role: officer, service: stories}]\n", []string{"6 console.provider.roles app.config.provider_roles"}},
		{"a provider that gives every service", provider + "    roles: [{group: keep, role: staff}]\n", []string{"6 console.provider.roles app.config.provider_roles"}},
		{"a provider that anybody on the way reads", strings.Replace(provider, "https:", "http:", 1) + "    roles: [{group: audit, role: auditor}]\n", []string{"2 console.provider app.config.provider"}},
		{"a provider without a secret", strings.Replace(provider, "password", "two-lines", 1) + "    roles: [{group: audit, role: auditor}]\n", []string{"5 console.provider.secret_file app.config.provider_secret_file"}},
		{"a provider whose secret others read", strings.Replace(provider, "password", "open", 1) + "    roles: [{group: audit, role: auditor}]\n", []string{"5 console.provider.secret_file app.config.file_open_to_others"}},
		{"a long drain", "drain: 61s\n", []string{"1 drain app.config.drain"}},
		{"no token", "transit:\n  address: https://bao.example:8200\n  key: keep\n  token_file: nowhere\n", []string{"1 transit keyring.file_missing"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			write("wardkeep.yaml", c.text, 0o600)
			_, err := app.CheckConfig("wardkeep.yaml")
			problems, _ := errors.AsType[app.ConfigProblems](err)
			var lines []string
			for _, p := range problems {
				lines = append(lines, fmt.Sprintf("%d %s %s", p.Line, p.Key, p.Code))
				for _, lang := range i18n.Langs {
					if !lang.Has(p.Code) {
						t.Errorf("%s has no words in %s", p.Code, lang)
					}
				}
			}
			if !slices.Equal(lines, c.lines) {
				t.Errorf("got %q, %v, want %q", lines, err, c.lines)
			}
			if err != nil && strings.Contains(err.Error(), "hunter") {
				t.Error("it tells what stands in a file")
			}
		})
	}
}

// Limits reach the API, and what makes no sense is refused with its line.
func TestLimitsAreConfigured(t *testing.T) {
	t.Chdir(t.TempDir())
	open := func(text string) (*app.App, error) {
		t.Helper()
		if err := os.WriteFile("wardkeep.yaml", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := app.CheckConfig("wardkeep.yaml")
		if err != nil {
			return nil, err
		}
		a, err := app.Open(t.Context(), c, slog.New(slog.DiscardHandler))
		if err == nil {
			t.Cleanup(func() { a.Close() })
		}
		return a, err
	}
	policy := func(a *app.App) string {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/v1/ledger/key", nil)
		a.Handler().ServeHTTP(w, r)
		return w.Header().Get("Ratelimit-Policy")
	}
	for text, want := range map[string]string{
		"":                             `"address";q=100;w=1`,
		"limits:\n  per_link: 5\n":     `"address";q=100;w=1`,
		"limits:\n  per_address: 3\n":  `"address";q=3;w=1`,
		"limits:\n  per_address: 0\n":  `"address";q=100;w=1`,
		"limits: {per_key: 1000000}\n": `"address";q=100;w=1`,
	} {
		a, err := open(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := policy(a); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"limits:\n  per_address: -1\n":           "wardkeep.yaml:2:3: limits.per_address: ",
		"limits:\n  per_address: 10001\n":        "wardkeep.yaml:2:3: limits.per_address: ",
		"limits:\n  per_key: 1000001\n":          "wardkeep.yaml:2:3: limits.per_key: ",
		"limits:\n  per_link: -5\n":              "wardkeep.yaml:2:3: limits.per_link: ",
		"limits:\n  per_report: 60001\n":         "wardkeep.yaml:2:3: limits.per_report: ",
		"limits:\n  per_screening: 600001\n":     "wardkeep.yaml:2:3: limits.per_screening: ",
		"screening:\n  publish: [email, mail]\n": "wardkeep.yaml:2:3: screening.publish: ",
		"screening:\n  burst_in: 2h\n":           "wardkeep.yaml:2:3: screening.burst_in: ",
		"screening:\n  per_day: -1\n":            "wardkeep.yaml:2:3: screening.per_day: ",
		"limits:\n  per_link: many\n":            "wardkeep.yaml:2:13: limits.per_link: ",
		"limits:\n  per_child: 5\n":              "wardkeep.yaml:2:3: limits.per_child: ",
	} {
		if _, err := open(text); !errors.Is(err, app.ErrConfig) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s…", text, err, want)
		}
	}
}

// What an operator sets of looks at values is what the vault is given, and what can't be is
// named.
func TestArticle15_LimitsOfLooksAreTheOperators(t *testing.T) {
	t.Chdir(t.TempDir())
	load := func(text string) (app.Config, error) {
		if err := os.WriteFile("wardkeep.yaml", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return app.LoadConfig("wardkeep.yaml")
	}
	c, err := load("looks:\n  per_hour: 7\n  from: 09:30\n  to: 24:00\n  zone: Europe/London\n  roles: {staff: {per_day: 9}}\n")
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	got := a.Vault.Looks
	if got.PerHour != 7 || got.PerDay != approval.Defaults.PerDay || got.Hours != (approval.Hours{From: 9*time.Hour + 30*time.Minute, To: 24 * time.Hour}) ||
		got.Zone.String() != "Europe/London" || got.Roles[staff.Worker].PerDay != 9 || got.Burst != approval.Defaults.Burst {
		t.Errorf("%+v", got)
	}
	for text, want := range map[string]string{
		"looks:\n  max_minutes: 61\n":                  "looks.max_minutes",
		"looks:\n  max_minutes: 20\n  minutes: 21\n":   "looks.minutes",
		"looks:\n  glass_minutes: -1\n":                "looks.glass_minutes",
		"looks:\n  per_day: 10001\n":                   "looks.per_day",
		"looks:\n  per_approval: 4096\n":               "looks.per_approval",
		"looks:\n  from: 20:00\n  to: 08:00\n":         "looks.from",
		"looks:\n  from: 8\n  to: 09:00\n":             "looks.from",
		"looks:\n  from: 08:00\n":                      "looks.from",
		"looks:\n  zone: Nowhere/Else\n":               "looks.zone",
		"looks:\n  answer: 200h\n":                     "looks.answer",
		"looks:\n  burst_in: 2h\n":                     "looks.burst_in",
		"looks:\n  roles: {staff: {per_hour: -1}}\n":   "looks.roles.staff.per_hour",
		"parties:\n  per_hour: -1\n":                   "parties.per_hour",
		"parties:\n  burst: 100000001\n":               "parties.burst",
		"looks:\n  roles: {engineer: {per_hour: 1}}\n": "looks.roles.engineer",
	} {
		if _, err := load(text); !errors.Is(err, app.ErrConfig) || !strings.Contains(err.Error(), want+": ") {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// A command that sends nothing needs no file for sending.
func TestOnlyWhoSendsNeedsTheSecretsOfSending(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("wardkeep.yaml", []byte("smtp:\n  host: mail.example.com\n  port: 587\n  from: a@example.com\n  user: a\n  password_file: nowhere\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := app.LoadConfig("wardkeep.yaml")
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.OpenSenders(); !errors.Is(err, app.ErrConfig) {
		t.Errorf("it would send without a password: %v", err)
	}
}
