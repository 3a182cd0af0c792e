package gate

import (
	"context"
	"errors"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/watch"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/ledger"
)

// The kinds of entries that Check writes.
const (
	KindPermitted = "use.permitted"
	KindDenied    = "use.denied"
)

// A UseBody is what the ledger keeps of a decision: what was asked, and the
// facts that no other entry tells. It names nobody.
type UseBody struct {
	Activity string   `json:"activity"`
	Purpose  string   `json:"purpose"`
	Items    []string `json:"items"`
	Party    string   `json:"party,omitempty"`
	Catalog  int64    `json:"catalog"` // the version of the service that was in force
	Charter  int64    `json:"charter"`
	Age      string   `json:"age"`               // the class of that day; the birth date is not told
	Held     []Span   `json:"held,omitempty"`    // of sealed values, which no table knows
	Person   int64    `json:"person,omitempty"`  // which child of the year this would be, or was, to cross a border; 0: it is counted already, or none does
	Reasons  []Denial `json:"reasons,omitempty"` // none if it was permitted

	Look *LookBody `json:"look,omitempty"` // of a person inside
	Pull *PullBody `json:"pull,omitempty"` // of a party that asks by itself
}

// Bodies reads the bodies of uses. Those of most are those of others, byte by byte, and are read
// once: whoever goes through millions of them spends most of the time on reading them otherwise.
// What it returns is shared, and not to be changed. A nil one remembers nothing.
type Bodies map[string]UseBody

// How many bodies are remembered, and how long they are at most: whoever writes a copy of a ledger
// may write ever new ones.
const (
	bodiesKept = 1 << 12
	bodyKept   = 1 << 10
)

// Of returns the body of a use. Errors: ledger.ErrDamaged.
func (r Bodies) Of(p ledger.Placed) (UseBody, error) {
	if b, known := r[string(p.Body)]; known {
		return b, nil
	}
	var b UseBody
	if err := p.Into(&b); err != nil || r == nil || len(p.Body) > bodyKept {
		return b, err
	}
	if len(r) == bodiesKept {
		clear(r)
	}
	// Whoever appends to what is shared must not write into it.
	b.Items, b.Held, b.Reasons = slices.Clip(b.Items), slices.Clip(b.Held), slices.Clip(b.Reasons)
	r[string(p.Body)] = b
	return b, nil
}

// A Span is the life of a value, in microseconds.
type Span struct {
	Item      string `json:"item"`
	Purpose   string `json:"purpose"`
	Collected int64  `json:"collected"`
	Expires   int64  `json:"expires"`
}

// A Gate loads facts and decides.
type Gate struct {
	Ring     *keyring.Ring
	Charters *catalog.Cache
}

// Loaded are the facts about one child of one service, as of one moment. It may
// be loaded before the transaction that decides: Check loads it again when the
// child or the service has changed since.
type Loaded struct {
	service   []catalog.Service
	child     []family.Child
	guardians []family.Guardian
	answers   []consent.Answer
	published catalog.Published
	birth     age.Birth
	charters  *catalog.Cache
	ring      *keyring.Ring
}

// Load reads the facts, together with what else the caller wants to read.
func (g *Gate) Load(ctx context.Context, tx *db.Tx, service string, child family.ID, also ...db.Read) (*Loaded, error) {
	return g.load(ctx, tx, service, child, func(into *[]family.Child) db.Read { return family.ReadChild(into, child) }, also)
}

func (g *Gate) load(ctx context.Context, tx *db.Tx, service string, child family.ID, first func(*[]family.Child) db.Read, also []db.Read) (*Loaded, error) {
	// The child's version is read first: if something changes while the rest is
	// read, the version is too old, and Check loads again.
	var l Loaded
	reads := append(make([]db.Read, 0, 4+len(also)),
		first(&l.child),
		catalog.ReadService(&l.service, service),
		family.ReadGuardians(&l.guardians, child),
		consent.ReadStanding(&l.answers, child))
	if err := tx.Together(ctx, append(reads, also...)...); err != nil {
		return nil, err
	}
	return &l, g.complete(ctx, tx, service, &l)
}

// A Whose names a child as whoever asks does: of a service that need not be its
// own.
type Whose struct {
	Service string
	Child   family.ID
}

// LoadMany is Load for several children, on one snapshot (a View): with few
// statements, however many they are. Also returns what else to read about some
// of them. The results are in the order of whose, which may repeat.
func (g *Gate) LoadMany(ctx context.Context, tx *db.Tx, whose []Whose, also func(some []family.ID) db.Read) ([]*Loaded, error) {
	var reads []db.Read
	for some := range slices.Chunk(distinct(whose), db.Chunk) {
		reads = append(reads, also(some))
	}
	return g.loadMany(ctx, tx, whose, family.ReadChildren, reads)
}

// LoadFree is LoadMany in the transaction that rests on it: as with Fresh, the
// children stay as they are to the commit. One that somebody else is changing is
// not there, as if it were unknown.
func (g *Gate) LoadFree(ctx context.Context, tx *db.Tx, whose []Whose, also ...db.Read) ([]*Loaded, error) {
	return g.loadMany(ctx, tx, whose, func(into *[]family.Child, some []family.ID) db.Read { return family.ReadFree(tx, into, some) }, also)
}

func (g *Gate) loadMany(ctx context.Context, tx *db.Tx, whose []Whose, first func(*[]family.Child, []family.ID) db.Read, also []db.Read) ([]*Loaded, error) {
	ids := distinct(whose)
	about := make(map[family.ID]*Loaded, len(ids))
	for _, id := range ids {
		about[id] = new(Loaded)
	}
	var children []family.Child
	var guardians []family.Guardian
	var answers []consent.Answer
	var reads []db.Read
	for some := range slices.Chunk(ids, db.Chunk) {
		// A child comes before what is read about it, as in Load.
		reads = append(reads, first(&children, some), family.ReadGuardiansOf(&guardians, some), consent.ReadStandingOf(&answers, some))
	}
	services := make(map[string]*[]catalog.Service)
	for _, w := range whose {
		if services[w.Service] == nil {
			services[w.Service] = new([]catalog.Service)
			reads = append(reads, catalog.ReadService(services[w.Service], w.Service))
		}
	}
	if err := tx.Together(ctx, append(reads, also...)...); err != nil {
		return nil, err
	}
	for i := range children {
		about[children[i].ID].child = children[i : i+1]
	}
	for _, who := range guardians {
		l := about[who.Child]
		l.guardians = append(l.guardians, who)
	}
	for _, a := range answers {
		l := about[a.Child]
		l.answers = append(l.answers, a)
	}
	all := make([]*Loaded, len(whose))
	for i, w := range whose {
		l := *about[w.Child]
		l.service = *services[w.Service]
		if err := g.complete(ctx, tx, w.Service, &l); err != nil {
			return nil, err
		}
		all[i] = &l
	}
	return all, nil
}

func distinct(whose []Whose) []family.ID {
	ids := make([]family.ID, 0, len(whose))
	seen := make(map[family.ID]bool, len(whose))
	for _, w := range whose {
		if !seen[w.Child] {
			seen[w.Child] = true
			ids = append(ids, w.Child)
		}
	}
	return ids
}

// complete adds what is kept elsewhere: the charter, which never changes under
// its number, and the birth date, which is sealed.
func (g *Gate) complete(ctx context.Context, tx *db.Tx, service string, l *Loaded) (err error) {
	l.charters, l.ring = g.Charters, g.Ring
	if len(l.child) == 1 && l.child[0].Service != service {
		// Another service's child: not one fact about it goes into a decision.
		l.child, l.guardians, l.answers = nil, nil, nil
	}
	if len(l.service) == 1 && l.service[0].Charter != 0 {
		l.published, err = g.Charters.Version(ctx, tx, l.service[0].Name, l.service[0].Charter)
		if err != nil {
			return err
		}
	}
	if len(l.child) == 1 && l.child[0].State != family.Erased {
		l.birth, err = l.child[0].Birth(g.Ring)
	}
	return err
}

// Child returns the child, or the refusal that it isn't this service's or was
// erased.
func (l *Loaded) Child(service string) (family.Child, error) {
	if len(l.child) != 1 || l.child[0].Service != service {
		return family.Child{}, family.ErrNotFound
	}
	if l.child[0].State == family.Erased {
		return family.Child{}, family.ErrErased
	}
	return l.child[0], nil
}

// Published returns the charter in force and false while there is none.
func (l *Loaded) Published() (catalog.Published, bool) {
	return l.published, l.published.Charter != nil
}

// Versions returns the versions of the child and of its service, of which every
// answer about the child is a function (and of the day).
func (l *Loaded) Versions() (child, service int64) {
	if len(l.child) == 1 {
		child = l.child[0].Version
	}
	if len(l.service) == 1 {
		service = l.service[0].Version
	}
	return child, service
}

// Age returns the child's age class at that moment.
func (l *Loaded) Age(now time.Time) age.Class { return l.birth.ClassAt(now) }

// Facts returns what Decide needs.
func (l *Loaded) Facts(now time.Time, held []Held) Facts {
	f := Facts{Now: now, Published: l.published, Guardians: l.guardians, Answers: l.answers, Held: held}
	if len(l.service) == 1 {
		f.Service = l.service[0]
	}
	if len(l.child) == 1 {
		f.Child = l.child[0]
		f.Age = l.Age(now)
	}
	return f
}

// Fresh returns l if it still holds, and otherwise loads again. From there to the
// commit the child can't change: the row is held on PostgreSQL (where that may be
// found out with the commit, and then all of this is done again), and SQLite has
// one writer. So in the ledger's order no use follows a withdrawal that it did
// not see (Invariant 5).
func (g *Gate) Fresh(ctx context.Context, tx *db.Tx, service string, child family.ID, l *Loaded, also ...db.Read) (*Loaded, bool, error) {
	if l == nil {
		// The row is held before anything else is read.
		l, err := g.load(ctx, tx, service, child, func(into *[]family.Child) db.Read { return family.ReadHeld(tx, into, child) }, also)
		return l, true, err
	}
	childThen, serviceThen := l.Versions()
	err := tx.Unchanged(ctx,
		db.Version{Table: "child", Key: "child", Column: "version", Row: child, Want: childThen, Hold: true},
		db.Version{Table: "service", Key: "service", Column: "version", Row: service, Want: serviceThen})
	if !errors.Is(err, db.ErrChanged) {
		return l, false, err
	}
	l, err = g.Load(ctx, tx, service, child, also...)
	return l, true, err
}

// Check decides on fresh facts and records the decision in tx. A denial is
// returned as a Recorded *Denied: the transaction commits, and nothing is
// released. If we crash before the commit, neither was anything released nor
// is it recorded.
//
// Version is the child's version that the decision rests on: that of the facts,
// or the one before when the caller has locked the child for a change.
func Check(ctx context.Context, tx *db.Tx, by Actor, u Use, l *Loaded, version int64, held []Held, sealed []Span) (Permit, string, error) {
	if _, err := l.Child(u.Service); err != nil {
		return Permit{}, "", err // there is nobody to record it about
	}
	f, err := l.With(ctx, tx, l.Facts(tx.Now(), held), by, u)
	if err != nil {
		return Permit{}, "", err
	}
	span := tx.Span(ctx, "gate.check")
	u = by.known(u, l.published.Charter)
	permit, reasons, person, err := cross(ctx, tx, &f, by, u)
	if err != nil {
		return Permit{}, "", err
	}
	if len(reasons) == 0 && outlived(tx, f, by, u) {
		return Permit{}, "", tx.Outlived()
	}
	decided(tx, span, "use", reasons)
	kind := by.kind(len(reasons) == 0)
	entry, err := ledger.Append(ctx, tx, ledger.Entry{
		Kind: kind, Service: u.Service, Subject: f.Child.Subject, Version: version, Actor: by.Ledger(),
		Body: UseBody{
			Activity: string(u.Activity), Purpose: u.Purpose, Items: u.Items, Party: u.Party,
			Catalog: f.Service.Version, Charter: f.Service.Charter, Age: string(f.Age),
			Held: sealed, Person: person, Reasons: reasons, Look: by.body(len(reasons) == 0, f.Service), Pull: by.pulled(max(1, len(u.Items)), permit, reasons),
		},
	})
	switch {
	case err != nil:
		return Permit{}, "", err
	case len(reasons) > 0:
		return Permit{}, entry, db.Recorded(&Denied{Reasons: reasons})
	}
	return permit, entry, nil
}

// Would reports whether Check would permit a use now. It records nothing and counts nobody, so
// nothing is released by what it says.
func Would(ctx context.Context, tx *db.Tx, by Actor, u Use, l *Loaded, held []Held) (bool, error) {
	f, err := l.With(ctx, tx, l.Facts(tx.Now(), held), by, u)
	if err != nil {
		return false, err
	}
	_, reasons := Decide(f, by, by.known(u, l.published.Charter))
	return len(reasons) == 0, nil
}

// outlived reports whether what is permitted at the time of the transaction isn't any more: it
// may have waited since for a row that somebody held, into the end of an agreement or of a
// window. From their last second on nothing is released (Articles 15 and 16), so it is decided,
// and recorded, at the time that it is by then.
func outlived(tx *db.Tx, f Facts, by Actor, u Use) bool {
	if f.Now = tx.Clock(); f.Now.Equal(tx.Now()) {
		return false
	}
	_, reasons := Decide(f, by, u)
	return len(reasons) > 0
}

// kind is that of the entry of what the actor did, or was denied.
func (a Actor) kind(permitted bool) string {
	switch {
	case a.sends && permitted:
		return KindReleased
	case a.sends:
		return KindWithheld
	case permitted:
		return KindPermitted
	}
	return KindDenied
}

// A Decided is announced with the entry of a decision. It says nothing of whom it
// was about.
type Decided struct {
	About string // "use" or "access"
	Codes []string
}

// decided announces a decision and ends its span.
func decided(tx *db.Tx, span watch.Span, about string, reasons []Denial) {
	if !tx.Heard() && !span.On() {
		return
	}
	d := Decided{About: about}
	for _, r := range reasons {
		if !slices.Contains(d.Codes, r.Code) { // one for each item is one reason
			d.Codes = append(d.Codes, r.Code)
		}
	}
	tx.Announce(d)
	if span.On() {
		span.Decision(d.Codes)
		span.End()
	}
}
