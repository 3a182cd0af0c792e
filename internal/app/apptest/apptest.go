// Package apptest gives tests a whole installation: a configuration, keys and
// a store on disk, a service in order, a gateway that takes its text messages,
// and the server, in this process or as a process of its own that can be killed.
//
// Its one invariant: what a test sees was written by that test, through the
// program's own doors.
package apptest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	wardkeep "wardkeep/client"
	xiaoxi "wardkeep/examples/xiaoxi-english"
	"wardkeep/internal/account"
	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/catalog/catalogtest"
	"wardkeep/internal/charter"
	"wardkeep/internal/party"
)

// Service is the name of the service, a test service, so that its guardians'
// answers can be played.
const Service = "xiaoxi-english"

// An Installation is what an operator has on disk.
type Installation struct {
	T       testing.TB
	Dir     string // holds all of it but a PostgreSQL database
	File    string // the configuration
	Config  app.Config
	URL     string // of the PostgreSQL database, or ""
	Key     string // of an app with every scope
	Officer catalog.Officer
	Charter *charter.Charter // as published first
	Phone   *Phone

	name string       // of our connections to PostgreSQL
	late atomic.Int64 // how far the clock of servers in this process is ahead
}

// Each runs fn with an installation on SQLite and with one on PostgreSQL.
func Each(t *testing.T, fn func(t *testing.T, in *Installation)) {
	t.Run("sqlite", func(t *testing.T) { fn(t, New(t, "")) })
	t.Run("postgres", func(t *testing.T) { fn(t, New(t, dbtest.PostgresURL(t))) })
}

// EachAtOnce is Each for a long test: the engines run at the same time.
func EachAtOnce(t *testing.T, fn func(t *testing.T, in *Installation)) {
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); fn(t, New(t, "")) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); fn(t, New(t, dbtest.PostgresURL(t))) })
}

// New makes an installation on the empty PostgreSQL database at url, or on
// SQLite if that is "", and puts a service in order.
func New(t testing.TB, url string) *Installation {
	t.Helper()
	in := &Installation{T: t, Dir: t.TempDir(), URL: url, name: "wardkeep_" + strings.ToLower(rand.Text()[:12]), Phone: newPhone(t)}
	if url != "" {
		in.URL += "&application_name=" + in.name
	}
	in.configure()
	var err error
	if in.Charter, err = charter.Load(xiaoxi.Files); err != nil {
		t.Fatal(err)
	}
	a := in.open(Discard())
	defer a.Close()
	in.Do(a, func(ctx context.Context, tx *db.Tx) error { return in.setUp(ctx, tx, a.Ring) })
	if err := a.Ledger.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	return in
}

// Data is the directory of the embedded database and the jobs.
func (in *Installation) Data() string { return filepath.Join(in.Dir, "data") }

func (in *Installation) configure() {
	in.File = filepath.Join(in.Dir, "wardkeep.yaml")
	text := fmt.Sprintf("listen: 127.0.0.1:0\npublic_url: http://guardians.test\ndata_dir: %s\nkey_file: %s\nsweep_every: 1s\nsms:\n  url: %s\n  secret_file: %s\n",
		in.Data(), filepath.Join(in.Dir, "kek"), in.Phone.URL, in.write("sms", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
	if in.URL != "" {
		text += "database_file: " + in.write("database", in.URL) + "\n"
	}
	in.write("wardkeep.yaml", text)
	var err error
	if in.Config, err = app.LoadConfig(in.File); err != nil {
		in.T.Fatal(err)
	}
}

func (in *Installation) write(name, text string) string {
	path := filepath.Join(in.Dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		in.T.Fatal(err)
	}
	return path
}

func (in *Installation) setUp(ctx context.Context, tx *db.Tx, ring *keyring.Ring) error {
	operator := catalog.Operator{ID: "test"}
	if _, _, err := catalog.Create(ctx, tx, operator, Service, catalog.Test); err != nil {
		return err
	}
	var err error
	if in.Officer, _, err = catalog.Appoint(ctx, tx, operator, Service, catalog.RoleOfficer, "林静", "lin@xiaoxi-english.example"); err != nil {
		return err
	}
	if _, _, err := catalog.Appoint(ctx, tx, operator, Service, catalog.RoleDeputy, "周远", "zhou@xiaoxi-english.example"); err != nil {
		return err
	}
	if err := in.publish(ctx, tx, ring, in.Charter); err != nil {
		return err
	}
	_, in.Key, _, err = account.IssueApp(ctx, tx, operator, Service, "app", account.AllScopes(), time.Time{})
	return err
}

func (in *Installation) publish(ctx context.Context, tx *db.Tx, ring *keyring.Ring, c *charter.Charter) error {
	draft, _, err := catalog.Propose(ctx, tx, ring, catalog.Operator{ID: "test"}, c, nil)
	if err != nil {
		return err
	}
	p, _, err := catalogtest.Publish(ctx, tx, ring, in.Officer, Service, draft.Number)
	if err != nil {
		return err
	}
	return party.Follow(ctx, tx, in.Officer, Service, p.Charter)
}

// Publish publishes another version of the charter.
func (in *Installation) Publish(a *app.App, c *charter.Charter) {
	in.T.Helper()
	in.Do(a, func(ctx context.Context, tx *db.Tx) error { return in.publish(ctx, tx, a.Ring, c) })
}

// Do runs fn in a transaction that must succeed.
func (in *Installation) Do(a *app.App, fn func(ctx context.Context, tx *db.Tx) error) {
	in.T.Helper()
	ctx := context.Background()
	if err := a.Store.Update(ctx, func(tx *db.Tx) error { return fn(ctx, tx) }); err != nil {
		in.T.Fatal(err)
	}
}

// Pass lets time go by for servers in this process.
func (in *Installation) Pass(d time.Duration) { in.late.Add(int64(d)) }

// Discard is a log that nobody reads.
func Discard() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func (in *Installation) open(log *slog.Logger) *app.App {
	in.T.Helper()
	a, err := app.Open(context.Background(), in.Config, log)
	if err != nil {
		in.T.Fatal(err)
	}
	if err := a.OpenSenders(); err != nil {
		in.T.Fatal(err)
	}
	a.Store.Now = func() time.Time { return time.Now().Add(time.Duration(in.late.Load())) }
	return a
}

// Open opens the installation in this process, without jobs: nothing is swept,
// and nothing gets its place in the ledger, unless the test does it.
func (in *Installation) Open(log *slog.Logger) *app.App {
	in.T.Helper()
	a := in.open(log)
	in.T.Cleanup(func() { a.Close() })
	return a
}

// Serve answers for an opened installation, and returns where.
func (in *Installation) Serve(a *app.App) (base string) {
	in.T.Helper()
	s := httptest.NewServer(a.Handler())
	in.T.Cleanup(s.Close)
	return s.URL
}

// Client returns a client of the server at base that tries each call once.
func (in *Installation) Client(base string) *wardkeep.Client {
	in.T.Helper()
	c, err := wardkeep.New(base, Service, in.Key)
	if err != nil {
		in.T.Fatal(err)
	}
	c.Tries = 1
	return c
}

// Guardian returns the guardian's side of a request that was just made.
func (in *Installation) Guardian(base string, r wardkeep.ConsentRequest) *wardkeep.GuardianClient {
	in.T.Helper()
	g, err := wardkeep.ForGuardian(base, Token(r))
	if err != nil {
		in.T.Fatal(err)
	}
	return g.With(&wardkeep.Client{Tries: 1, HTTP: Households()})
}

// Households sends each request from another address, as guardians do: one of
// them may not send many.
func Households() *http.Client {
	return &http.Client{Transport: households{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

type households struct{}

// RoundTrip names an address in the name of a proxy on this machine.
func (households) RoundTrip(r *http.Request) (*http.Response, error) {
	var b [3]byte
	rand.Read(b[:])
	r = r.Clone(r.Context())
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", b[0], b[1], b[2]))
	return http.DefaultTransport.RoundTrip(r)
}

// Token is the secret of the link to a request that was just made.
func Token(r wardkeep.ConsentRequest) string { return r.URL[strings.LastIndexByte(r.URL, '/')+1:] }

// NewChild describes a nine-year-old whom nobody has heard of, with a guardian
// who has a phone of their own.
func NewChild() wardkeep.NewChild {
	return wardkeep.NewChild{
		Ref: "ref-" + rand.Text(), BirthDate: fmt.Sprintf("%d-06-01", time.Now().Year()-9),
		Guardian: wardkeep.GuardianContact{Phone: NewPhoneNumber(), Relation: "parent"},
	}
}

// EndLease is two seconds going by after the death of a sequencer: the next may
// begin.
func (in *Installation) EndLease(store *db.DB) {
	in.T.Helper()
	ctx := context.Background()
	err := store.Update(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM lease WHERE name = $1`, "ledger")
		return err
	})
	if err != nil {
		in.T.Fatal(err)
	}
}

var mark = regexp.MustCompile(`\{[a-z]+\}`)

// Damage changes the store by hand. Marks in the statement, such as {child},
// stand for values. An UPDATE or a DELETE must find something to change.
func (in *Installation) Damage(a *app.App, statement string, marks map[string]any) {
	in.T.Helper()
	var args []any
	text := mark.ReplaceAllStringFunc(statement, func(name string) string {
		args = append(args, marks[name])
		return fmt.Sprintf("$%d", len(args))
	})
	in.Do(a, func(ctx context.Context, tx *db.Tx) error {
		n, err := tx.Exec(ctx, text, args...)
		if err == nil && n == 0 && (strings.HasPrefix(text, "UPDATE") || strings.HasPrefix(text, "DELETE")) {
			err = fmt.Errorf("%s changes nothing", statement)
		}
		return err
	})
}
