package vaulttest

import (
	"sync"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/catalog"
)

// kept is a world as it was when it was set up.
type kept struct {
	keys    keys
	rows    *dbtest.Rows
	app     account.App
	key     string
	officer catalog.Officer
	at      time.Time
}

// keptFresh is how long a world is kept: what was set up just now in it was, as far as a slow
// machine can tell. No world is kept into another hour, and so into another day.
const keptFresh = 20 * time.Second

// worlds has the last that was set up on each engine.
var worlds struct {
	mu sync.Mutex
	of map[string]*kept
}

// keptFor returns a world that was kept for the engine of a store, or nil.
func keptFor(store *db.DB) *kept {
	worlds.mu.Lock()
	defer worlds.mu.Unlock()
	k := worlds.of[store.Engine()]
	if now := time.Now(); k == nil || now.Sub(k.at) > keptFresh || !k.at.Truncate(time.Hour).Equal(now.Truncate(time.Hour)) {
		return nil
	}
	return k
}

func keep(store *db.DB, k *kept) {
	worlds.mu.Lock()
	defer worlds.mu.Unlock()
	if worlds.of == nil {
		worlds.of = make(map[string]*kept)
	}
	worlds.of[store.Engine()] = k
}
