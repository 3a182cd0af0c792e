package catalog

import (
	"container/list"
	"context"
	"sync"

	"wardkeep/internal/base/db"
)

// A Cache keeps parsed charters: a published version never changes, and parsing
// one costs more than deciding a thousand uses. It is safe for concurrent use,
// and keeps the versions that were asked for last. The zero Cache and the nil
// one keep nothing and still answer.
type Cache struct {
	max   int
	mu    sync.Mutex
	order *list.List // of *kept, the one that was asked for last in front
	kept  map[edition]*list.Element
}

type edition struct {
	service string
	number  int64
}

type kept struct {
	edition   edition
	published Published
}

// NewCache returns a cache of at most max versions, over all services.
func NewCache(max int) *Cache {
	return &Cache{max: max, order: list.New(), kept: make(map[edition]*list.Element)}
}

// Version is the package's Version, from memory where it can.
func (c *Cache) Version(ctx context.Context, tx *db.Tx, service string, number int64) (Published, error) {
	e := edition{service, number}
	if p, ok := c.get(e); ok {
		return p, nil
	}
	p, err := Version(ctx, tx, service, number)
	if err != nil {
		return Published{}, err
	}
	// What this very transaction published is not kept: it may yet be undone.
	if p.PublishedAt.Before(tx.Now()) {
		c.put(e, p)
	}
	return p, nil
}

// Current is the package's Current, from memory where it can. Which version is
// in force is read every time.
func (c *Cache) Current(ctx context.Context, tx *db.Tx, service string) (Published, error) {
	s, err := Find(ctx, tx, service)
	if err != nil {
		return Published{}, err
	}
	if s.Charter == 0 {
		return Published{}, ErrNoCharter
	}
	return c.Version(ctx, tx, service, s.Charter)
}

func (c *Cache) get(e edition) (Published, bool) {
	if c == nil || c.max <= 0 {
		return Published{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.kept[e]
	if !ok {
		return Published{}, false
	}
	c.order.MoveToFront(at)
	return at.Value.(*kept).published, true
}

func (c *Cache) put(e edition, p Published) {
	if c == nil || c.max <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.kept[e]; ok {
		return // another request was as quick
	}
	c.kept[e] = c.order.PushFront(&kept{e, p})
	for c.order.Len() > c.max {
		last := c.order.Back()
		delete(c.kept, last.Value.(*kept).edition)
		c.order.Remove(last)
	}
}
