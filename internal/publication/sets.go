package publication

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/screening"
	"wardkeep/internal/vault"
)

// ErrNotReady says that the values which are held aren't looked for yet, or that they can't
// be now. Nothing is published meanwhile: an answer without them would say that nothing of
// another child is in the text (Invariant 3).
var ErrNotReady = errs.New(errs.Unavailable, "publication.not_ready")

const (
	followEvery = time.Second
	retryAfter  = 10 * time.Second
	staleAfter  = time.Minute    // a set that couldn't follow the ledger for so long answers nothing
	renewAfter  = 24 * time.Hour // a set is made anew, with keys of its own, which leaves nothing of the old one
	buildWait   = 5 * time.Second
	buildTime   = 30 * time.Minute
	stretch     = 1 << 15 // entries that are read at once
)

// Sets hold, of each service that has anything screened, the hashes of the values that its
// charter marks, in memory and nowhere else. A set is made from the vault by the authority
// of the gate, of which there is one entry in the ledger, and follows the ledger from where
// it stood then: what comes, changes and goes is in it a second later, on every node. That
// a child is gone is asked of the store besides, before its value counts: see Judge.
type Sets struct {
	Store *db.DB
	Vault *vault.Vault
	Log   *slog.Logger

	mu       sync.Mutex
	sets     map[string]*set
	renewing sync.Mutex
	gathered func() // of a test: the values were read
}

// A set is that of one service.
type set struct {
	service string
	work    sync.Mutex    // of whoever changes it
	ready   chan struct{} // closed once the first attempt to make it is over

	mu       sync.RWMutex // held to read while a text is read, so that what is replaced can be wiped
	known    *screening.Known
	ids      []family.ID // by the number of a child; empty: it is gone
	subjects map[string]screening.Child
	damaged  map[string]bool // subjects of whom something can't be opened, and so isn't looked for
	err      error           // why there is none
	followed time.Time       // when it was last as the store was

	// Of whoever has work.
	authority gate.Authority
	place     int64
	version   int64 // of the service, when the set was made
	built     time.Time
	refused   int64     // the version of the service for which the gate has refused; 0: it hasn't
	tried     time.Time // when it was last attempted
}

// of returns the set of a service, and makes it if nobody has yet. Errors: ErrNotReady.
func (s *Sets) of(ctx context.Context, service string) (*set, error) {
	s.mu.Lock()
	one := s.sets[service]
	if one == nil {
		one = &set{service: service, ready: make(chan struct{})}
		if s.sets == nil {
			s.sets = make(map[string]*set)
		}
		s.sets[service] = one
		// Whoever asks first may be gone before it is made; others wait for it.
		go s.begin(context.WithoutCancel(ctx), one)
	}
	s.mu.Unlock()
	select {
	case <-one.ready:
	case <-ctx.Done():
		return nil, ErrNotReady
	case <-time.After(buildWait):
		return nil, ErrNotReady
	}
	one.mu.RLock()
	late, failed := time.Since(one.followed) > staleAfter, one.err != nil
	one.mu.RUnlock()
	if failed || late {
		// Whoever asks waits for nobody's work, which may be long; and whoever keeps asking is
		// no reason to try as often.
		if !one.work.TryLock() {
			return nil, ErrNotReady
		}
		defer one.work.Unlock()
		if err := s.catchUp(ctx, one, retryAfter); err != nil {
			return nil, ErrNotReady
		}
	}
	return one, nil
}

// begin makes a set for the first time.
func (s *Sets) begin(ctx context.Context, one *set) {
	defer close(one.ready)
	ctx, cancel := context.WithTimeout(ctx, buildTime)
	defer cancel()
	one.work.Lock()
	defer one.work.Unlock()
	s.try(ctx, one, s.build)
}

// try does some work on the set, and notes what came of it.
func (s *Sets) try(ctx context.Context, one *set, work func(context.Context, *set) error) error {
	err := work(ctx, one)
	one.tried = time.Now()
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.err = err; err == nil {
		one.followed = time.Now()
	} else if s.Log != nil {
		// The error is of the store or a refusal of the gate: a value is in none.
		s.Log.LogAttrs(ctx, slog.LevelWarn, "publication: the set can't be kept", slog.String("code", errs.Of(err).Code))
	}
	return err
}

// catchUp has the set as the store is, or says why it can't be. Its work is the caller's.
func (s *Sets) catchUp(ctx context.Context, one *set, patience time.Duration) error {
	if one.err != nil && time.Since(one.tried) < patience {
		return one.err
	}
	if one.built.IsZero() {
		return s.try(ctx, one, s.build)
	}
	// Two that are a day old aren't made anew at once: it takes as much memory again.
	if time.Since(one.built) > renewAfter && s.renewing.TryLock() {
		defer s.renewing.Unlock()
		return s.try(ctx, one, s.build)
	}
	return s.try(ctx, one, s.follow)
}

// made returns the sets that somebody has made, or tried to.
func (s *Sets) made() (all []*set) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.sets {
		select {
		case <-one.ready:
			all = append(all, one)
		default:
		}
	}
	return all
}

// Follow has every set as the store is.
func (s *Sets) Follow(ctx context.Context) error {
	var failed []error
	for _, one := range s.made() {
		one.work.Lock()
		failed = append(failed, s.catchUp(ctx, one, 0))
		one.work.Unlock()
	}
	return errors.Join(failed...)
}

// Run keeps the sets until ctx ends.
func (s *Sets) Run(ctx context.Context) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	var group sync.WaitGroup
	defer group.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			// What fails is logged, and the set answers nothing until it doesn't any more. No
			// service waits for another's set to be made.
			for _, one := range s.made() {
				if one.work.TryLock() {
					group.Go(func() {
						defer one.work.Unlock()
						_ = s.catchUp(ctx, one, 0)
					})
				}
			}
		}
	}
}

// A Size is what the sets of this process take. Damaged are the children of whom something
// was changed by hand, and so can't be looked for.
type Size struct{ Sets, Children, Values, Bytes, Damaged int }

// Size says what the sets take. The bytes are those of the hashes and of the names by which
// children are found in them.
func (s *Sets) Size() (n Size) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.sets {
		one.mu.RLock()
		if one.known != nil {
			n.Sets, n.Values, n.Children = n.Sets+1, n.Values+one.known.Len(), n.Children+len(one.subjects)
			n.Damaged += len(one.damaged)
			n.Bytes += one.known.Size() + cap(one.ids)*perID + len(one.subjects)*perSubject
		}
		one.mu.RUnlock()
	}
	return n
}

// What a name takes, as it is reckoned and not measured: the text, its header, and its
// place in a map.
const (
	perID      = 16 + 32
	perSubject = 16 + 32 + 24
)

// build makes the set anew.
func (s *Sets) build(ctx context.Context, one *set) error {
	var authority gate.Authority
	var place, version int64
	if err := s.Store.View(ctx, func(tx *db.Tx) error {
		head, err := ledger.Head(ctx, tx)
		place = head.Size // what has no place yet, or comes meanwhile, comes after it
		if err != nil {
			return err
		}
		service, err := catalog.Find(ctx, tx, one.service)
		version = service.Version
		return err
	}); err != nil {
		return err
	}
	if one.refused != 0 && one.refused == version {
		return gate.ErrDenied // as before: the same question gets no second entry
	}
	err := s.Store.Update(ctx, func(tx *db.Tx) (err error) {
		authority, _, err = s.Vault.Gate.CheckComparing(ctx, tx, one.service)
		return err
	})
	one.refused = 0
	if errors.Is(err, gate.ErrDenied) {
		one.forget() // what there was may not be looked for any more
		one.refused = version
	}
	if err != nil {
		return err
	}
	next := &set{service: one.service, subjects: make(map[string]screening.Child), damaged: make(map[string]bool), authority: authority, place: place, version: version}
	g := screening.Gather()
	after, heard := family.ID(""), time.Now()
	for len(authority.Items()) > 0 {
		var page []family.Child
		if err := s.Store.View(ctx, func(tx *db.Tx) (err error) {
			if page, err = family.List(ctx, tx, one.service, after, db.Chunk); err != nil {
				return err
			}
			return s.gather(ctx, tx, authority, next, g, page)
		}); err != nil {
			return err
		}
		if len(page) < db.Chunk {
			break
		}
		after = page[len(page)-1].ID
		if time.Since(heard) >= followEvery {
			if err := s.goOn(ctx, one); err != nil {
				return err
			}
			heard = time.Now()
		}
	}
	if s.gathered != nil {
		s.gathered()
	}
	next.known = new(screening.Known)
	if len(authority.Items()) > 0 {
		next.known = g.Known()
	}
	// What has come meanwhile is in it before anybody reads with it. Another charter is found
	// again by whoever follows next.
	if _, err := s.listen(ctx, next); err != nil {
		next.known.Wipe()
		return err
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.known != nil {
		one.known.Wipe()
	}
	one.known, one.ids, one.subjects, one.damaged = next.known, next.ids, next.subjects, next.damaged
	one.authority, one.place, one.version, one.built = authority, next.place, version, time.Now()
	return nil
}

// goOn keeps what there was as the store is while a set is made anew, so that nothing which
// comes meanwhile is published. Under another charter it can't be: it answers nothing any
// more, a minute later, until the new one is made.
func (s *Sets) goOn(ctx context.Context, one *set) error {
	if one.known == nil {
		return nil
	}
	charter, err := s.listen(ctx, one)
	if err == nil && !charter {
		one.mu.Lock()
		one.followed = time.Now()
		one.mu.Unlock()
	}
	return err
}

// gather adds what may be looked for of some children.
func (s *Sets) gather(ctx context.Context, tx *db.Tx, a gate.Authority, into *set, g *screening.Gathering, page []family.Child) error {
	ids, subjects := make([]family.ID, len(page)), make(map[family.ID]string, len(page))
	for i, c := range page {
		ids[i], subjects[c.ID] = c.ID, c.Subject
	}
	damaged, err := s.Vault.Compare(ctx, tx, a, ids, func(child family.ID, item string, value []byte) {
		as, _ := a.As(item)
		kind, ok := screening.KindOf(string(as))
		if !ok {
			kind = screening.Other
		}
		g.Lend(into.number(child, subjects[child]), kind, value)
	})
	for _, child := range damaged {
		into.damaged[subjects[child]] = true
	}
	return err
}

// number returns the number of a child, and gives it one.
func (one *set) number(child family.ID, subject string) screening.Child {
	n, ok := one.subjects[subject]
	if !ok {
		n = screening.Child(len(one.ids))
		one.ids, one.subjects[subject] = append(one.ids, child), n
	}
	return n
}

// forget leaves nothing of the set.
func (one *set) forget() {
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.known != nil {
		one.known.Wipe()
	}
	one.known, one.ids, one.subjects, one.damaged, one.built = nil, nil, nil, nil, time.Time{}
}

// telling are how the kinds of those entries begin that may change what is looked for: all
// that are about a child, but for uses and looks.
var telling = []string{"child.", "value.", "consent.", "guardian.", "charter."}

// A news is what the ledger has told since.
type news struct {
	subjects map[string]bool // whose values are to be read again; true: the child is gone
	charter  bool
}

// follow has the set as the store is, or makes it anew under another charter: that marks
// other items, and consents may have gone stale.
func (s *Sets) follow(ctx context.Context, one *set) error {
	charter, err := s.listen(ctx, one)
	if err == nil && charter {
		err = s.build(ctx, one)
	}
	return err
}

// listen reads what the ledger tells since the set was made, and reads again the values of
// those children whom it is about, up to another charter: then it says so.
func (s *Sets) listen(ctx context.Context, one *set) (charter bool, err error) {
	for {
		n := news{subjects: make(map[string]bool)}
		to, end := one.place, false
		err := s.Store.View(ctx, func(tx *db.Tx) error {
			head, err := ledger.Head(ctx, tx)
			if err != nil {
				return err
			}
			to = min(head.Size, one.place+stretch)
			end = to == head.Size
			return ledger.ReadKinds(ctx, tx, one.place, to, telling, func(p ledger.Placed) error {
				n.hear(one, p)
				return nil
			})
		})
		switch {
		case err != nil:
			return false, err
		case n.charter:
			return true, nil
		case len(n.subjects) > 0:
			if err := s.renew(ctx, one, n.subjects); err != nil {
				return false, err
			}
		}
		one.place = to
		if end {
			return false, nil
		}
	}
}

func (n *news) hear(one *set, p ledger.Placed) {
	switch {
	case p.Service != one.service:
	case p.Kind == catalog.KindPublished || p.Kind == catalog.KindRecalled:
		n.charter = n.charter || p.Version > one.version // else it was in force already, and had no place yet
	case p.Subject == "" || strings.HasPrefix(p.Kind, "consent.") && !changes(p.Kind):
	default:
		n.subjects[p.Subject] = n.subjects[p.Subject] || p.Kind == family.KindErased
	}
}

// changes reports whether an entry about consent changes what stands: that somebody was
// asked doesn't.
func changes(kind string) bool {
	return slices.Contains([]string{consent.KindGranted, consent.KindRefused, consent.KindWithdrawn}, kind)
}

// renew reads the values of some children again. Of what they had, and haven't any more,
// neither a hash nor the child's name is left when it returns.
func (s *Sets) renew(ctx context.Context, one *set, subjects map[string]bool) error {
	if len(one.authority.Items()) == 0 {
		return nil
	}
	old := make(map[screening.Child]bool)
	next := &set{ids: slices.Clone(one.ids), subjects: make(map[string]screening.Child), damaged: make(map[string]bool)}
	var ask []string
	for subject, gone := range subjects {
		n, known := one.subjects[subject]
		if known {
			old[n], next.subjects[subject] = true, n
		}
		if !gone {
			ask = append(ask, subject)
		} else if known {
			next.ids[n] = ""
		}
	}
	g := one.known.Gather()
	for some := range slices.Chunk(ask, db.Chunk) {
		if err := s.Store.View(ctx, func(tx *db.Tx) error {
			page, err := family.BySubjects(ctx, tx, one.service, some)
			if err != nil {
				return err
			}
			return s.gather(ctx, tx, one.authority, next, g, page)
		}); err != nil {
			return err
		}
	}
	one.mu.Lock()
	for subject := range subjects {
		delete(one.damaged, subject)
	}
	maps.Copy(one.damaged, next.damaged)
	one.mu.Unlock()
	if len(old) == 0 && g.Empty() {
		return nil
	}
	known := one.known.With(g, func(c screening.Child) bool { return old[c] })
	one.mu.Lock()
	defer one.mu.Unlock()
	// Whoever read with the old one has let go of it.
	one.known.Wipe()
	one.known, one.ids = known, next.ids
	for subject, n := range next.subjects {
		if one.subjects[subject] = n; subjects[subject] {
			delete(one.subjects, subject)
		}
	}
	return nil
}
