package catalog

import (
	"container/list"
	"context"
	"sync"

	"wardkeep/internal/base/db"
	"wardkeep/internal/charter"
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

	notices map[shown]toldNotice
}

// shown names a notice; a toldNotice is one as it was published.
type shown struct {
	edition
	lang charter.Lang
}

type toldNotice struct {
	doc  charter.NoticeDoc
	hash string
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
	return &Cache{max: max, order: list.New(), kept: make(map[edition]*list.Element), notices: make(map[shown]toldNotice)}
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

// Notice returns the notice of a published version as guardians were shown it,
// and its hash, from memory where it can: thousands read the same one. Errors:
// as FindDocument and NoticeDoc.
func (c *Cache) Notice(ctx context.Context, tx *db.Tx, service string, number int64, lang charter.Lang) (charter.NoticeDoc, string, error) {
	name := shown{edition{service, number}, lang}
	if n, ok := c.told(name); ok {
		return n.doc, n.hash, nil
	}
	d, err := FindDocument(ctx, tx, service, Notice, lang, number)
	if err != nil {
		return charter.NoticeDoc{}, "", err
	}
	doc, err := d.NoticeDoc()
	if err != nil {
		return charter.NoticeDoc{}, "", err
	}
	// As with charters: not what this very transaction published.
	p, err := c.Version(ctx, tx, service, number)
	if err == nil && p.PublishedAt.Before(tx.Now()) {
		c.tell(name, toldNotice{doc, d.Hash})
	}
	return doc, d.Hash, err
}

func (c *Cache) told(name shown) (toldNotice, bool) {
	if c == nil || c.max <= 0 {
		return toldNotice{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n, ok := c.notices[name]
	return n, ok
}

func (c *Cache) tell(name shown, n toldNotice) {
	if c == nil || c.max <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.notices) >= c.max*len(charter.Langs) {
		clear(c.notices)
	}
	c.notices[name] = n
}
