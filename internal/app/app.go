// Package app puts the program together: it opens the store and the keys,
// mounts the edges, and starts what runs by itself.
//
// Its one invariant: nothing is served before the store is of this release, the
// key-encryption key opens the ring, and storage is encrypted (Article 13).
package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/watch"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/provider"
	"wardkeep/internal/publication"
	"wardkeep/internal/register"
	"wardkeep/internal/signin"
	"wardkeep/internal/vault"
	"wardkeep/internal/verification"
	"wardkeep/internal/web"
	"wardkeep/internal/webhook"
)

// An App is an opened store with everything that works on it.
type App struct {
	Config Config
	Store  *db.DB
	KEK    keyring.KEK
	Ring   *keyring.Ring
	Ledger *ledger.Log
	// LedgerKey verifies the ledger's checkpoints. It is public.
	LedgerKey string
	Vault     *vault.Vault
	Charters  *catalog.Cache
	// Messages has no channel, Verification offers nothing, Calendar knows no holiday,
	// and no event leaves by Webhooks, which is nil, before OpenSenders; the calendar
	// comes with OpenCalendar, too.
	Messages     notify.Router
	Verification verification.Desk
	Calendar     workday.Calendar
	Webhooks     *webhook.Client
	// Outbox, in a demo only, holds the messages that would have been sent.
	Outbox *notify.Outbox
	Log    *slog.Logger
	// Publication looks at what is about to be published.
	Publication *publication.Desk

	// Metrics is nil unless the configuration says where they are read, and Traces until
	// the server serves, or if it doesn't say where they go.
	Metrics *watch.Metrics
	Traces  *watch.Traces

	provider *provider.Provider // who knows the persons inside, and what its groups give
	roles    []signin.Mapped

	state        *readiness
	queues       atomic.Pointer[func(context.Context) (queueing, error)]
	desk         atomic.Pointer[jobsDesk]
	bundles      chan struct{} // there is an archive to be made
	pages        *web.Server
	farewell     *message.Farewell
	farewellOnce sync.Once
	bag          mailbag
	seen         seen
	registers    register.Counter
	outside      outside
}

// charters bounds how many parsed charters stay in memory.
const charters = 64

// Open opens the store that c names, makes it this release's, and opens its
// keys. The caller closes it.
// A store that was put back and not replayed yet is refused, as far as it can be known:
// backup.ErrNotReplayed, backup.ErrRolledBack, backup.ErrSeenForeign; witness.ErrKeptMore and
// the others of a folder in which checkpoints are kept.
func Open(ctx context.Context, c Config, log *slog.Logger) (*App, error) {
	a, err := openApp(ctx, c, log, checkPlace)
	if err != nil {
		return nil, err
	}
	err = a.checkSeen(ctx)
	if err == nil {
		err = a.checkOutside(ctx, a.near()...)
	}
	if err != nil {
		return nil, errors.Join(err, a.Store.Close())
	}
	return a, nil
}

func openApp(ctx context.Context, c Config, log *slog.Logger, check func(context.Context, *db.DB) error) (*App, error) {
	store, err := openStore(&c)
	if err != nil {
		return nil, err
	}
	a := &App{Config: c, Store: store, Log: log, bundles: make(chan struct{}, 1)}
	a.state = &readiness{app: a}
	a.watch()
	if err := a.open(ctx, check); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return a, nil
}

func (a *App) open(ctx context.Context, check func(context.Context, *db.DB) error) (err error) {
	if err := a.Store.Migrate(ctx); err != nil {
		return err
	}
	if err := check(ctx, a.Store); err != nil {
		return err
	}
	if a.KEK, err = openKEK(ctx, &a.Config, a.Store); err != nil {
		return err
	}
	var fresh bool
	if a.Ring, fresh, err = openRing(ctx, a.Store, a.KEK, a.Config.Cipher); err != nil {
		return err
	}
	if fresh {
		a.Log.WarnContext(ctx, "created a new store", "in", a.where(), "kek", a.KEK.Name())
	}
	if err := a.Store.View(ctx, func(tx *db.Tx) error {
		return ledger.CheckOrigin(ctx, tx, a.Config.LedgerOrigin, a.Ring.Signer().Seed())
	}); err != nil {
		return err
	}
	signer, verifier, err := ledger.NewSigner(a.Config.LedgerOrigin, a.Ring.Signer().Seed())
	if err != nil {
		return err
	}
	a.Ledger, a.LedgerKey = ledger.Open(a.Store, a.Config.LedgerOrigin, signer), verifier
	a.Charters = catalog.NewCache(charters)
	a.Vault = &vault.Vault{Ring: a.Ring, Gate: &gate.Gate{Ring: a.Ring, Charters: a.Charters}, Looks: a.Config.Looks.limits(), Pulls: a.Config.Parties.limits()}
	a.Publication = a.Config.Screening.desk(a.Store, a.Vault, a.Log)
	return nil
}

// where names the store for people.
func (a *App) where() string {
	path := a.Config.Embedded()
	if path == "" {
		return "PostgreSQL"
	}
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

// Allowed are the networks in which receivers of events may be, beside the internet.
func (a *App) Allowed() webhook.Networks { return a.Config.allowed() }

// Close closes the store, and remembers what was seen of it.
func (a *App) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), seenEvery)
	defer cancel()
	if err := a.remember(ctx); err != nil {
		a.Log.WarnContext(ctx, "the latest checkpoint isn't remembered", "error", err)
	}
	return a.Store.Close()
}

// OpenStore opens the store that c names without its keys, for what needs none.
// It makes no store where there is none: the error is then ErrNoStore. The
// caller closes it.
func OpenStore(ctx context.Context, c Config) (*db.DB, error) {
	if path := c.Embedded(); path != "" {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoStore, err)
		}
	}
	store, err := openStore(&c)
	if err != nil {
		return nil, err
	}
	if err := store.Migrate(ctx); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	if err := checkPlace(ctx, store); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

// Where there is no database.
var (
	ErrNoStore  = errs.New(errs.NotFound, "app.no_store")  // and the command needs one
	ErrNewStore = errs.New(errs.Conflict, "app.new_store") // and there is a key: see CheckStore
)

// CheckStore returns ErrNewStore where Open would begin a new embedded database
// although the key to one is there: more likely data_dir is misspelt, or a disk
// isn't mounted. On PostgreSQL somebody has made the database by hand.
func (c *Config) CheckStore() error {
	path := c.Embedded()
	if path == "" || exists(path) || c.Transit == nil && !exists(c.KeyFile) {
		return nil
	}
	key := c.KeyFile
	if c.Transit != nil {
		key = "transit " + c.Transit.Key
	}
	return fmt.Errorf("%w: there is no %s, and there is a key: %s", ErrNewStore, path, key)
}

// exists reports whether something may be there: what can't be looked at may be.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func openStore(c *Config) (*db.DB, error) {
	store, err := openEngine(c)
	if err == nil {
		store.Node = ledger.NodeOf(c.Node)
	}
	return store, err
}

func openEngine(c *Config) (*db.DB, error) {
	url, err := c.databaseURL()
	if err != nil {
		return nil, err
	}
	if url != "" {
		return db.OpenPostgres(url)
	}
	if err := c.makeDataDir(); err != nil {
		return nil, err
	}
	return db.OpenSQLite(c.storePath())
}

// OpenSenders makes the senders of messages, what asks about identities, of guardians and
// of persons inside, what posts events, and the calendar of the clocks, for a command that uses them. It connects
// to nobody. Errors: ConfigProblems.
func (a *App) OpenSenders() error {
	router, wrong := a.Config.senders()
	offered, more := a.Config.verification()
	days, yet := a.Config.calendar()
	client, last := a.Config.receivers()
	inside, roles, bad := a.Config.provider(func() time.Time { return a.Store.Now() })
	if wrong = slices.Concat(wrong, more, yet, last, bad); len(wrong) > 0 {
		return wrong
	}
	a.provider, a.roles = inside, roles
	a.Messages, a.Verification, a.Calendar, a.Webhooks = a.counting(router), offered, days, client
	a.Vault.Calendar = days
	return nil
}

// OpenCalendar makes the calendar alone, for a command that sets clocks and sends
// nothing. It reads no secret. Errors: ConfigProblems.
func (a *App) OpenCalendar() error {
	days, wrong := a.Config.calendar()
	if len(wrong) > 0 {
		return wrong
	}
	a.Calendar, a.Vault.Calendar = days, days
	return nil
}
